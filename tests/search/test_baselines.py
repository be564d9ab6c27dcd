"""Baselines on the folds of a search, all rows together, and what to do next."""

import re

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as SamplingPipeline
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier, Pipeline
from skloss.cli import main
from skloss.reports.baseline_scores import LOGISTIC, MAJORITY, TREES
from skloss.search.baselines import baselines_behind
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import Search
from skloss.search.pooled import WINNER, pooled_predictions

pytestmark = pytest.mark.usefixtures("sketched")


rng = np.random.default_rng(0)
y = np.repeat([0, 1], [160, 40])
X = rng.normal(size=(200, 3)) + y[:, None]
PATIENTS = np.arange(200) % 10
SPLITS = list(
    StratifiedGroupKFold(2, shuffle=True, random_state=0).split(X, y, PATIENTS)
)
PIPELINE = Pipeline(
    [
        ("scaler", StandardScaler()),
        ("smote", SMOTE(random_state=0)),
        ("dense", DenseClassifier(3, epochs=2, random_state=0)),
    ]
)


@pytest.fixture(scope="module")
def searched():
    search = Search(
        PIPELINE,
        [{"dense__width": 3}],
        SPLITS,
        fit_params={"dense__groups": PATIENTS},
        baselines=baselines_behind(PIPELINE, 0),
    )
    return search, search.run(X, y)


def test_the_baselines_stand_behind_the_steps_of_the_network(searched):
    search, result = searched
    logistic = SamplingPipeline(
        [
            *[(name, clone(step)) for name, step in PIPELINE.steps[:-1]],
            ("again", StandardScaler()),
            ("model", LogisticRegression(max_iter=300)),
        ]
    )
    trees = SamplingPipeline(
        [
            ("scaler", StandardScaler()),
            ("model", HistGradientBoostingClassifier(random_state=0)),
        ]
    )
    pooled = pooled_predictions(result, search, LabeledRows(X, y, PATIENTS, "y"))
    for name, expected in ((LOGISTIC, logistic), (TREES, trees)):
        predicted = cross_val_predict(expected, X, y, cv=SPLITS)
        np.testing.assert_array_equal(pooled.predicted[name], predicted)
    np.testing.assert_array_equal(pooled.predicted[MAJORITY], 0)


def test_the_winner_is_scored_on_all_rows_together(searched):
    search, result = searched
    pooled = pooled_predictions(result, search, LabeledRows(X, y, PATIENTS, "y"))
    expected = np.empty(200, int)
    for train, test in SPLITS:
        fitted = clone(PIPELINE).set_params(dense__width=3)
        fitted.fit(X[train], y[train], dense__groups=PATIENTS[train])
        expected[test] = fitted.predict(X[test])
    np.testing.assert_array_equal(pooled.predicted[WINNER], expected)
    found = pooled.scores(WINNER)["mcc"].value
    assert found == pytest.approx(matthews_corrcoef(y, expected))


def test_a_baseline_that_cannot_be_fitted_is_left_out():
    class Broken(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            raise ValueError("broken on purpose")

    dense = DenseClassifier(2, epochs=1, random_state=0)
    broken = {"broken": Broken(), "fine": LogisticRegression()}
    result = Search(dense, [{}], SPLITS, baselines=broken).run(X, y)
    assert list(result.baselines) == ["fine"]
    assert result.ranking == [0]


@pytest.fixture
def _environment(monkeypatch):
    for name in ("TF_NUM_INTRAOP", "OPENBLAS_NUM", "OMP_NUM", "MKL_NUM"):
        monkeypatch.setenv(f"{name}_THREADS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.mark.usefixtures("_environment")
def test_the_command_shows_them_and_what_to_do_next(tmp_path, capsys):
    path, out = tmp_path / "rows.csv", tmp_path / "found"
    table = pd.DataFrame(X, columns=list("abc")).assign(
        y=y, who=[f"p{one}" for one in PATIENTS]
    )
    table.to_csv(path, index=False)
    typed = [
        "search", str(path), "--target", "y", "--groups", "who", "--model", "dense",
        "--folds", "2", "--grid", "epochs=2", "--grid", "width=3", "--out", str(out),
    ]  # fmt: skip
    assert main(typed) == 0
    shown = capsys.readouterr().out
    for name in ("This classifier", "Logistic regression", "Boosted trees"):
        row = next(line for line in shown.splitlines() if line.startswith(f" {name}"))
        assert re.search(r"-?\d\.\d\d \(-?\d\.\d\d to -?\d\.\d\d\)", row), row
    assert "bootstrap of the 10 values of 'who'" in shown
    assert re.search(r"Average precision: This classifier 0\.\d\d \(", shown)
    assert shown.count("Over all rows the threshold") <= 1
    assert "What to do next:\n  1. " in shown
    page = (out / "report.html").read_text("utf-8")
    assert "What to do next" in page
    assert "Scores of each value of &#39;who&#39;" in page
    assert set(re.findall(r'<th scope="row">(p\d+)</th>', page)) == {*table["who"]}
    assert "values of &#39;who&#39; never seen" in page
    assert shown.index("What to do next") < shown.index("To use the model")

    fits = (out / "fits.jsonl").read_bytes()
    assert main([*typed[:-2], "--resume", str(out)]) == 0
    assert (out / "fits.jsonl").read_bytes() == fits
    again = capsys.readouterr().out
    start = "Each of the 200 rows"
    end = "Wrote"
    assert (
        again[again.index(start) : again.index(end)]
        == (shown[shown.index(start) : shown.index(end)])
    )
