"""Callbacks of scikit-learn see the epochs of a fit and the steps of a pipeline."""

import io
import pickle
import warnings

import imblearn.pipeline
import joblib
import numpy as np
import pandas as pd
import pytest
import rich
import sklearn
from imblearn.over_sampling import SMOTE
from rich.console import Console
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skloss import CNN1DClassifier, DenseClassifier, Pipeline
from skloss.datasets import make_rare_events
from skloss.estimators import KerasClassifier

if parse_version(sklearn.__version__) < parse_version("1.9"):
    pytest.skip("needs callbacks of scikit-learn 1.9", allow_module_level=True)

from sklearn.callback import ProgressBar, ScoringMonitor

X, y = make_rare_events(300, n_features=6, random_state=0)
EPOCHS = 3


class Recorder:
    """Writes down what it is told; set on one estimator, and never handed on."""

    stops_at = None

    def __init__(self):
        self.calls = []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.calls.append(("begin", context.task_name))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator
    ):
        self.calls.append(("end", context.task_name))
        self.last = {
            "X": X,
            "y": y,
            "metadata": metadata,
            "fitted": fitted_estimator,
            "context": context,
        }
        return context.task_id == self.stops_at and context.task_name == "epoch"


class HandedOn(Recorder):
    """The same, for all estimators below too."""

    max_propagation_depth = None


def dense(**options):
    return DenseClassifier(
        **{"width": 3, "epochs": EPOCHS, "batch_size": 135, "random_state": 0} | options
    )


def cnn(**options):
    own = {"width": 2, "depth": 1, "kernel_size": 3, "head": (), "random_state": 0}
    return CNN1DClassifier(**own | {"epochs": EPOCHS} | options)


def two_layers(meta, width=3):
    import keras

    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(width, "relu"),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )


def of_keras(**options):
    """A Keras network that the compiled engine trains."""
    own = {"loss": "binary_crossentropy", "validation_fraction": 0.1}
    return KerasClassifier(
        two_layers, **own | {"epochs": EPOCHS, "random_state": 0} | options
    )


def by_keras(**options):
    """A Keras network that ``keras.Model.fit`` trains."""
    return of_keras(optimizer="adafactor", **options)


def pipeline(last=None, **options):
    steps = [("scale", StandardScaler()), ("smote", SMOTE(random_state=0))]
    return Pipeline([*steps, ("net", last or dense())], **options)


def weights_of(classifier):
    own = getattr(classifier, "weights_", None)
    return classifier.model_.get_weights() if own is None else own


def assert_equal_weights(one, other):
    for found, expected in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(found, expected)


def mcc_of(monitor):
    return [row["matthews_corrcoef"] for row in monitor.get_logs().data]


@pytest.fixture
def console(monkeypatch):
    """What scikit-learn's bars are drawn on."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(rich, "get_console", lambda: console)
    monkeypatch.setattr("rich.progress.get_console", lambda: console)
    return console


MAKERS = pytest.mark.parametrize("make", [dense, cnn, of_keras, by_keras])


# ------------------------------------------------------------------------ a classifier


@MAKERS
def test_a_fit_is_a_task_with_a_task_for_each_epoch(make):
    recorder = Recorder()
    make().set_callbacks(recorder).fit(X, y)
    epoch = [("begin", "epoch"), ("end", "epoch")]
    assert recorder.calls == [
        ("setup", "fit"),
        ("begin", "fit"),
        *epoch * EPOCHS,
        ("end", "fit"),
        ("teardown", "fit"),
    ]
    assert recorder.last["context"].max_subtasks == EPOCHS


@MAKERS
def test_callbacks_change_no_weight_and_no_curve(make):
    told = make().set_callbacks(Recorder()).fit(X, y)
    silent = make().fit(X, y)
    assert_equal_weights(told, silent)
    for name in ("loss", "val_loss", "mcc"):
        assert told.record_.history[name] == silent.record_.history[name]


@pytest.mark.parametrize("fraction", [0.2, None], ids=["held out", "nothing held out"])
@MAKERS
def test_a_monitored_score_is_that_of_the_curve(make, fraction):
    monitor = ScoringMonitor(scoring="matthews_corrcoef")
    rate = "learning_rate" if make in (dense, cnn) else "optimizer__learning_rate"
    fitted = make(validation_fraction=fraction, epochs=5, **{rate: 0.05})
    fitted.set_callbacks(monitor).fit(X, y)
    *epochs, whole = sorted(
        monitor.get_logs().data, key=lambda row: -len(row["task_id_path"])
    )
    found = [row["matthews_corrcoef"] for row in epochs]
    curve = fitted.record_.history["mcc"]
    np.testing.assert_allclose(found, curve, atol=1e-12)
    kept = np.arange(len(y)) if fraction is None else fitted.split_validation(X, y)[0]
    expected = matthews_corrcoef(y[kept], fitted.predict(X[kept]))
    assert whole["matthews_corrcoef"] == expected


def test_a_callback_sees_the_classifier_as_of_its_epoch():
    class AtTheSecond(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "epoch" and context.task_id == 1:
                self.fitted = fitted_estimator

    seen = AtTheSecond()
    constant = {"learning_rate_schedule": "constant"}
    dense(**constant).set_callbacks(seen).fit(X, y)
    expected = dense(epochs=2, **constant).fit(X, y)
    assert_equal_weights(seen.fitted, expected)
    assert seen.fitted.n_epochs_ == 2
    assert seen.fitted.history_["val_loss"] == expected.history_["val_loss"]


def test_a_callback_can_stop_the_fit():
    recorder = Recorder()
    recorder.stops_at = 1
    fitted = dense().set_callbacks(recorder).fit(X, y)
    assert fitted.n_epochs_ == 2
    assert fitted.record_.outcome["stop_reason"] == "callback"
    assert recorder.calls[-2:] == [("end", "fit"), ("teardown", "fit")]


def test_a_callback_is_torn_down_after_an_error():
    recorder = Recorder()

    def fail(row):
        raise RuntimeError("of a callback")

    classifier = dense(callbacks=fail).set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="of a callback"):
        classifier.fit(X, y)
    assert recorder.calls[-1] == ("teardown", "fit")
    assert not hasattr(classifier, "_callback_fit_ctx")


def test_a_callback_gets_names_labels_and_weights_as_they_were_given():
    recorder = Recorder()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    labels = np.array(["calm", "storm"])[y]
    weight = np.linspace(0.5, 1.5, len(y))
    fitted = dense().set_callbacks(recorder)
    fitted.fit(frame, labels, sample_weight=weight)
    kept, _ = fitted.split_validation(X, labels)
    assert list(recorder.last["X"].columns) == list("abcdef")
    np.testing.assert_allclose(recorder.last["X"], X[kept], rtol=1e-6)
    np.testing.assert_array_equal(recorder.last["y"], labels[kept])
    np.testing.assert_array_equal(
        recorder.last["metadata"]["sample_weight"], weight[kept]
    )


def test_a_partial_fit_is_a_fit_of_one_epoch():
    recorder = Recorder()
    classifier = dense().set_callbacks(recorder)
    classifier.partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    assert recorder.calls.count(("end", "epoch")) == 2
    assert recorder.last["fitted"].n_epochs_ == 2
    assert recorder.last["context"].max_subtasks == 1


def test_clones_and_pickles_keep_their_callbacks():
    monitor = ScoringMonitor(scoring="matthews_corrcoef")
    classifier = dense().set_callbacks(monitor)
    assert clone(classifier)._skl_callbacks == [monitor]
    copied = pickle.loads(pickle.dumps(classifier.fit(X, y)))
    np.testing.assert_array_equal(copied.predict_proba(X), classifier.predict_proba(X))
    assert isinstance(copied._skl_callbacks[0], ScoringMonitor)


def test_without_callbacks_nothing_is_made_for_them(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("a context was made")

    monkeypatch.setattr(DenseClassifier, "_init_callback_context", refuse)
    monkeypatch.setattr(Pipeline, "_init_callback_context", refuse)
    assert pipeline().fit(X, y)["net"].n_epochs_ == EPOCHS


def test_a_bar_shows_the_epochs(console):
    dense().set_callbacks(ProgressBar()).fit(X, y)
    shown = console.file.getvalue()
    assert "DenseClassifier - fit" in shown
    assert "100%" in shown


# -------------------------------------------------------------------------- a pipeline


def test_a_pipeline_tells_of_its_steps_and_what_they_hand_on_of_theirs():
    recorder = HandedOn()
    pipeline().set_callbacks(recorder).fit(X, y)
    assert [name for call, name in recorder.calls if call == "end"] == [
        "fit",  # of the scaler, which is a task of its own
        "fit-smote",
        *["epoch"] * EPOCHS,
        "fit",  # of the classifier
        "fit",  # of the pipeline
    ]
    begun = [name for call, name in recorder.calls if call == "begin"]
    assert begun == ["fit", "fit", "fit-smote", "fit", *["epoch"] * EPOCHS]
    assert recorder.last["context"].max_subtasks == 3


def test_a_pipeline_is_fitted_the_same_with_callbacks():
    told, silent = pipeline().set_callbacks(HandedOn()).fit(X, y), pipeline().fit(X, y)
    assert_equal_weights(told["net"], silent["net"])
    np.testing.assert_array_equal(told.predict_proba(X), silent.predict_proba(X))
    with_nothing_held_out = dense(validation_fraction=None)
    told = pipeline(with_nothing_held_out).set_callbacks(HandedOn()).fit(X, y)
    silent = pipeline(clone(with_nothing_held_out)).fit(X, y)
    assert_equal_weights(told["net"], silent["net"])


def test_a_monitor_of_the_last_step_sees_original_rows_only():
    monitor = ScoringMonitor(scoring="matthews_corrcoef")
    fitted = pipeline(dense(learning_rate=0.05).set_callbacks(monitor)).fit(X, y)
    by_depth = {}
    for row in monitor.get_logs(include_lineage=True).data:
        by_depth.setdefault(len(row["task_id_path"]), []).append(row)
    found = [row["matthews_corrcoef"] for row in by_depth[3]]
    np.testing.assert_allclose(found, fitted["net"].history_["mcc"], atol=1e-12)
    assert by_depth[1][0]["estimator_name"] == "Pipeline"


def test_a_monitor_of_a_pipeline_scores_it_when_it_is_fitted():
    monitor = ScoringMonitor(scoring="matthews_corrcoef")
    fitted = pipeline().set_callbacks(monitor).fit(X, y)
    assert mcc_of(monitor) == [matthews_corrcoef(y, fitted.predict(X))]


def test_steps_that_are_passed_over_are_no_tasks():
    recorder = HandedOn()
    steps = [("scale", "passthrough"), ("pca", PCA(2)), ("net", dense())]
    Pipeline(steps).set_callbacks(recorder).fit(X, y)
    assert recorder.last["context"].max_subtasks == 2
    assert ("end", "fit-pca") in recorder.calls
    recorder = HandedOn()
    Pipeline([("pca", PCA(2)), ("none", "passthrough")]).set_callbacks(recorder).fit(X)
    assert recorder.calls[-1] == ("teardown", "fit")


def test_a_last_step_that_knows_no_callbacks_is_said_to():
    forest = RandomForestClassifier(2, random_state=0)
    plain = Pipeline([("smote", SMOTE(random_state=0)), ("forest", forest)])
    told = clone(plain).set_callbacks(HandedOn())
    with pytest.warns(UserWarning, match="RandomForestClassifier does not support"):
        told.fit(X, y)
    np.testing.assert_array_equal(told.predict(X), plain.fit(X, y).predict(X))


def test_kept_steps_are_found_again_with_and_without_callbacks(tmp_path):
    memory = joblib.Memory(tmp_path, verbose=0)
    expected = pipeline(memory=memory).fit(X, y)
    n_kept = len(list(tmp_path.rglob("output.pkl")))
    assert n_kept == 2
    for _ in range(2):
        recorder = HandedOn()
        told = pipeline(memory=memory).set_callbacks(recorder).fit(X, y)
        assert_equal_weights(told["net"], expected["net"])
        assert [n for call, n in recorder.calls if call == "end"][:2] == [
            "fit-scale",
            "fit-smote",
        ]
    assert len(list(tmp_path.rglob("output.pkl"))) == n_kept


def test_imbalanced_learns_pipeline_would_say_nothing():
    """The reason for all this: no error, no warning, no call."""
    recorder = HandedOn()
    plain = imblearn.pipeline.Pipeline([("scale", StandardScaler()), ("net", dense())])
    plain.set_callbacks(recorder).fit(X, y)
    assert recorder.calls == []


# --------------------------------------------------------------------------- a search


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_has_a_bar_for_each_fit_and_the_time_left(n_jobs, console):
    grid = {"net__width": [2, 3]}
    search = GridSearchCV(pipeline(), grid, cv=2, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar()).fit(X, y)
    shown = console.file.getvalue()
    assert "GridSearchCV - fit" in shown
    for fit in range(4):
        assert f"Pipeline - fit #{fit}" in shown
    assert "0:00:0" in shown


def test_a_monitor_below_a_search_in_processes_logs_every_epoch_of_every_fit():
    monitor = ScoringMonitor(scoring="matthews_corrcoef")
    one = pipeline(dense().set_callbacks(monitor))
    search = GridSearchCV(one, {"net__width": [2, 3]}, cv=2, n_jobs=2)
    search.fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == (2 * 2 + 1) * EPOCHS
    refit = [row["matthews_corrcoef"] for row in rows if row["task_id_path"][1] == 1]
    curve = search.best_estimator_["net"].history_["mcc"]
    np.testing.assert_allclose(refit, curve, atol=1e-12)


def test_a_search_finds_the_same_with_and_without_a_bar(console):
    grid = {"width": [2, 3]}
    plain = GridSearchCV(dense(), grid, cv=2).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = GridSearchCV(dense(), grid, cv=2).set_callbacks(ProgressBar(None))
        told.fit(X, y)
    np.testing.assert_array_equal(
        told.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
    assert_equal_weights(told.best_estimator_, plain.best_estimator_)
    assert "DenseClassifier - fit" in console.file.getvalue()
