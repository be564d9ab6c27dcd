"""Reading and short fits work where TensorFlow cannot be imported; others say so."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fork_server import ForkServer

import skloss
from skloss.datasets import make_rare_events

ROOT = Path(__file__).parents[1]
BLOCK = """\
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "scikeras"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
import jinja2, matplotlib.pyplot, pandas, sklearn.ensemble, sklearn.model_selection
import numpy as np
import skloss
from skloss import *
"""
TRAIN = """\
from skloss.datasets import make_rare_events
X, y = make_rare_events(200, random_state=0)
try:
    {statement}
except ImportError as error:
    text = str(error)
    assert isinstance(error.__cause__, ModuleNotFoundError), error.__cause__
    assert {name!r} in text and "pip install" in text and "\\n" not in text, text
else:
    raise SystemExit("no error")
"""
LOSSES = {"loss": [0.7, 0.5, 0.4, 0.3], "val_loss": [0.7, 0.6, 0.7, 0.9]}


@pytest.fixture(scope="module")
def run():
    """Run code in a process where TensorFlow, Keras and scikeras are blocked."""
    with ForkServer(BLOCK, PYTHONPATH=str(ROOT), MPLBACKEND="agg") as server:
        yield server.run


@pytest.fixture
def assert_runs(run):
    def check(code, cwd):
        done = run(code, cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return check


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A fitted classifier, with its rows, its record and its probabilities on disk."""
    folder = tmp_path_factory.mktemp("fitted")
    X, y = make_rare_events(300, random_state=0)
    classifier = skloss.DenseClassifier(epochs=2, random_state=0).fit(X, y)
    (folder / "fitted.pkl").write_bytes(pickle.dumps((classifier, X, y)))
    classifier.record_.save(folder / "record.json")
    np.save(folder / "chances.npy", classifier.predict_proba(X))
    return folder


def test_a_pickled_classifier_predicts_the_same(fitted, assert_runs):
    assert_runs(
        "import pickle\n"
        "classifier, X, y = pickle.load(open('fitted.pkl', 'rb'))\n"
        "chances = classifier.predict_proba(X)\n"
        "assert np.array_equal(chances, np.load('chances.npy'))\n",
        fitted,
    )


@pytest.mark.parametrize(
    "code",
    [
        "TrainingRecord.load('record.json').save('again.json')",
        "diagnose(TrainingRecord.load('record.json')).to_text()",
        "report(TrainingRecord.load('record.json')).save('record.html')",
        f"diagnose({LOSSES})",
        f"report({LOSSES}).save('curves.html')",
        "displays.LossCurveDisplay.from_record(TrainingRecord.load('record.json'))",
    ],
    ids=[
        "record",
        "diagnosis",
        "report",
        "diagnosis of curves",
        "report of curves",
        "display",
    ],
)
def test_a_record_and_curves_are_read(fitted, code, assert_runs):
    assert_runs(code, fitted)


def test_a_pickled_classifier_is_diagnosed_reported_and_shown_with_its_rows(
    fitted, assert_runs
):
    assert_runs(
        "import pickle\n"
        "classifier, X, y = pickle.load(open('fitted.pkl', 'rb'))\n"
        "diagnose(classifier, X, y).to_text()\n"
        "report(classifier, X=X, y=y).save('fitted.html')\n"
        "displays.LossCurveDisplay.from_estimator(classifier)\n"
        "displays.RocCurvesDisplay.from_estimator(classifier, X, y)\n",
        fitted,
    )


def test_the_command_line_diagnoses_and_reports_a_log(tmp_path, assert_runs):
    epochs = zip(LOSSES["loss"], LOSSES["val_loss"], strict=True)
    text = "".join(
        f"Epoch {number}/4\n"
        f"10/10 - 1s - 5ms/step - loss: {loss} - val_loss: {val_loss}\n"
        for number, (loss, val_loss) in enumerate(epochs, 1)
    )
    (tmp_path / "log.txt").write_text(text)
    code = (
        "from skloss.cli import main\n"
        "assert main(['diagnose', 'log.txt', '--json']) in (0, 1)\n"
    )
    assert "findings" in json.loads(assert_runs(code, tmp_path))
    code = (
        "from skloss.cli import main\n"
        "assert main(['report', 'log.txt', '--out', 'page.html']) == 0\n"
    )
    assert_runs(code, tmp_path)
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "DenseClassifier(epochs=1_000).fit(X, y)",
        "DenseClassifier(optimizer='adagrad', batch_norm=True).fit(X, y)",
        "DenseClassifier().partial_fit(X, y, classes=[0, 1])",
        "CNN1DClassifier().fit(X, y)",
        "make_pipeline(DenseClassifier(epochs=1_000)).fit(X, y)",
        "KerasClassifier(print)",
    ],
)
def test_what_trains_says_in_one_sentence_what_to_install(
    tmp_path, statement, assert_runs
):
    name = "tensorflow" if "Keras" in statement else "TensorFlow"
    assert_runs(TRAIN.format(statement=statement, name=name), tmp_path)


def test_a_short_fit_of_small_dense_layers_trains(tmp_path, assert_runs):
    assert_runs(
        "from imblearn.over_sampling import SMOTE\n"
        "from skloss.datasets import make_rare_events\n"
        "X, y = make_rare_events(400, prevalence=0.2, random_state=0)\n"
        "dense = DenseClassifier(epochs=3, random_state=0)\n"
        "found = make_pipeline(SMOTE(random_state=0), dense).fit(X, y)\n"
        "assert found.score(X, y) > 0.5\n"
        "assert found[-1].record_.outcome['program'] == 'numpy'\n"
        "diagnose(found)\n",
        tmp_path,
    )


def test_a_classifier_of_fixed_kernels_is_fitted(tmp_path, assert_runs):
    assert_runs(
        "from skloss.datasets import load_heartbeats\n"
        "X, y = load_heartbeats(return_X_y=True)\n"
        "model = RocketClassifier(168, random_state=0).fit(X[::40], y[::40])\n"
        "assert model.predict(X[:9]).shape == (9,)\n"
        "assert diagnose(model).ok\n"
        "report(model, X[::40], y[::40])\n",
        tmp_path,
    )


def test_the_search_says_in_one_sentence_what_to_install(tmp_path, run):
    X, y = make_rare_events(200, prevalence=0.3, random_state=0)
    table = np.column_stack([X, y])
    head = ",".join([*(f"x{i}" for i in range(X.shape[1])), "y"])
    np.savetxt(tmp_path / "table.csv", table, delimiter=",", header=head, comments="")
    done = run(
        "from skloss.cli import main\n"
        "options = ['--target', 'y', '--model', 'dense']\n"
        "sys.exit(main(['search', 'table.csv', *options]))\n",
        tmp_path,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "needs TensorFlow" in done.stderr
    assert "pip install" in done.stderr


def test_a_tensorflow_that_breaks_is_named_by_the_first_line_of_its_message(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    broken = "raise ImportError('no AVX\\nFailed to load the native runtime.')"
    (tmp_path / "tensorflow" / "__init__.py").write_text(broken)
    code = (
        "import skloss\n"
        "from skloss.datasets import make_rare_events\n"
        "try:\n"
        "    skloss.CNN1DClassifier().fit(*make_rare_events(200, random_state=0))\n"
        "except ImportError as error:\n"
        "    text = str(error)\n"
        "    assert '(ImportError: no AVX)' in text and 'native' not in text, text\n"
        "else:\n"
        "    raise SystemExit('no error')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
