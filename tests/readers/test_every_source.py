"""Every source that can be read, with every reader: diagnosis, report and displays.

Each source is fitted once. A cell passes if the reader shows the curve that the
classifier inside the source kept, or that the test wrote.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline as sklearn_pipeline
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, TrainingRecord, diagnose, make_pipeline, report
from skloss.datasets import make_rare_events
from skloss.displays import (
    FoldCurvesDisplay,
    LossCurveDisplay,
    MetricCurveDisplay,
    SearchDisplay,
)
from skloss.exceptions import DiagnosisError

# ----------------------------------------------------------- what does not work so far

# Readers, and the sources that each cannot read yet, with the reason: xfail is strict.
NOT_YET: dict[str, dict[str, str]] = {}

# ------------------------------------------------------------------------- the sources

X, y = make_rare_events(120, prevalence=0.3, random_state=0)
CURVES = {
    "loss": [0.7, 0.5, 0.4],
    "val_loss": [0.8, 0.6, 0.5],
    "f1": [0.1, 0.2, 0.3],
    "val_f1": [0.0, 0.1, 0.2],
}
PRINTED = """Epoch 1/3
9/9 - 1s - 3ms/step - loss: 0.7 - f1: 0.1 - val_loss: 0.8 - val_f1: 0.0
Epoch 2/3
9/9 - 1s - 3ms/step - loss: 0.5 - f1: 0.2 - val_loss: 0.6 - val_f1: 0.1
Epoch 3/3
9/9 - 1s - 3ms/step - loss: 0.4 - f1: 0.3 - val_loss: 0.5 - val_f1: 0.2
"""


@dataclass(frozen=True)
class Source:
    """A source, and the losses of training that its readers must find.

    Parameters
    ----------
    given : object
        What a reader is given.
    losses : list of list of float
        One curve, or those of all folds where a reader may choose.
    kind : {"estimator", "record", "history"}
        Which class method of a display takes it.
    rows : dict
        What ``diagnose`` and ``report`` are given beside it.
    """

    given: Any
    losses: list[Any]
    kind: str = "estimator"
    rows: dict[str, Any] = field(default_factory=dict)

    def is_loss(self, curve: Any) -> bool:
        return any(np.array_equal(curve, np.asarray(one)) for one in self.losses)


class OptunaSearchCV(ClassifierMixin, BaseEstimator):
    """The attributes of optuna-integration's search, without Optuna.

    Its ``cv_results_`` are the user attributes of the trials: scores and times, no
    ``params``, no ``param_*``, no ranks.
    """

    def __init__(self, estimator, param_distributions, scoring="average_precision"):
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.scoring = scoring
        self.cv = 2
        self.refit = True

    def fit(self, X, y):
        search = GridSearchCV(
            self.estimator, self.param_distributions, scoring=self.scoring, cv=self.cv
        ).fit(X, y)
        self.best_estimator_ = search.best_estimator_
        self.best_params_ = search.best_params_
        self.best_index_ = search.best_index_
        self.best_score_ = search.best_score_
        self.classes_ = search.classes_
        self.n_splits_ = search.n_splits_
        self.cv_results_ = {
            name: values.tolist()
            for name, values in search.cv_results_.items()
            if name.endswith(("_score", "_time")) and not name.startswith("rank_")
        }
        return self

    def predict_proba(self, X):
        return self.best_estimator_.predict_proba(X)

    def predict(self, X):
        return self.best_estimator_.predict(X)


def dense():
    return DenseClassifier(width=4, depth=1, epochs=3, random_state=0)


def scaled():
    return sklearn_pipeline(StandardScaler(), dense())


def losses_of(classifier):
    return classifier.record_.history["loss"]


def network():
    import keras

    model = keras.Sequential([keras.Input((X.shape[1],))])
    model.add(keras.layers.Dense(4, "relu"))
    model.add(keras.layers.Dense(1, "sigmoid"))
    recall = keras.metrics.Recall(name="recall")
    model.compile("adam", "binary_crossentropy", metrics=[recall], jit_compile=False)
    return model


def of_dense(folder):
    fitted = dense().fit(X, y)
    return Source(fitted, [losses_of(fitted)])


def of_pipeline(folder):
    fitted = scaled().fit(X, y)
    return Source(fitted, [losses_of(fitted[-1])])


def of_own_pipeline(folder):
    fitted = make_pipeline(StandardScaler(), SMOTE(random_state=0), dense()).fit(X, y)
    return Source(fitted, [losses_of(fitted[-1])])


def of_keras_classifier(folder):
    fitted = skloss.KerasClassifier(network, epochs=3, random_state=0, verbose=0)
    fitted.fit(X, y)
    return Source(fitted, [losses_of(fitted)])


def of_grid(folder):
    search = GridSearchCV(dense(), {"batch_size": [32, 64]}, cv=2).fit(X, y)
    return Source(search, [losses_of(search.best_estimator_)])


def of_random(folder):
    grid = {"standardscaler__with_mean": [True, False]}
    search = RandomizedSearchCV(scaled(), grid, n_iter=2, cv=2, random_state=0)
    search.fit(X, y)
    return Source(search, [losses_of(search.best_estimator_[-1])])


def of_halving(folder):
    grid = {"batch_size": [32, 64]}
    search = HalvingGridSearchCV(dense(), grid, cv=2, factor=2, random_state=0)
    search.fit(X, y)
    return Source(search, [losses_of(search.best_estimator_)])


def of_optuna(folder):
    search = OptunaSearchCV(dense(), {"batch_size": [32, 64]}).fit(X, y)
    return Source(search, [losses_of(search.best_estimator_)])


def of_cross_validation(folder):
    results = cross_validate(scaled(), X, y, cv=3, return_estimator=True)
    return Source(results, [losses_of(one[-1]) for one in results["estimator"]])


def of_mlp(folder):
    fitted = MLPClassifier((4,), max_iter=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs do not converge
        fitted.fit(X, y)
    return Source(fitted, [fitted.loss_curve_])


def of_scikeras(folder):
    from scikeras.wrappers import KerasClassifier

    fitted = KerasClassifier(network, epochs=3, verbose=0, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikeras predates scikit-learn's tags
        fitted.fit(X, y)
    return Source(fitted, [fitted.history_["loss"]])


def of_keras_model(folder):
    model = network()
    history = model.fit(X, y, epochs=3, verbose=0, validation_split=0.2)
    rows = {"X": X, "y": y, "history": history, "fit_params": {"validation_split": 0.2}}
    return Source(model, [history.history["loss"]], rows=rows)


def of_keras_history(folder):
    history = network().fit(X, y, epochs=3, verbose=0)
    return Source(history, [history.history["loss"]], "history")


def of_fixed_threshold(folder):
    fitted = FixedThresholdClassifier(dense(), threshold=0.2).fit(X, y)
    return Source(fitted, [losses_of(fitted.estimator_)])


def of_out_of_bag_threshold(folder):
    fitted = skloss.OutOfBagThresholdClassifier(dense()).fit(X, y)
    return Source(fitted, [losses_of(fitted.estimator_)])


def of_tuned_threshold(folder):
    tuned = TunedThresholdClassifierCV(scaled(), scoring="f1", cv=2, random_state=0)
    tuned.fit(X, y)
    return Source(tuned, [losses_of(tuned.estimator_[-1])])


def of_calibrated(folder):
    fitted = CalibratedClassifierCV(dense(), cv=2, ensemble=False).fit(X, y)
    inner = [one.estimator for one in fitted.calibrated_classifiers_]
    return Source(fitted, [losses_of(one) for one in inner])


def of_calibrated_pipeline(folder):
    fitted = CalibratedClassifierCV(scaled(), cv=2).fit(X, y)
    inner = [one.estimator for one in fitted.calibrated_classifiers_]
    return Source(fitted, [losses_of(one[-1]) for one in inner])


def of_nested(folder):
    """Make a search over a pipeline that ends in a wrapper of a threshold."""
    ends = sklearn_pipeline(StandardScaler(), FixedThresholdClassifier(dense()))
    grid = {"fixedthresholdclassifier__threshold": [0.2, 0.5]}
    search = GridSearchCV(ends, grid, cv=2).fit(X, y)
    return Source(search, [losses_of(search.best_estimator_[-1].estimator_)])


def of_record(folder):
    record = dense().fit(X, y).record_
    return Source(record, [record.history["loss"]], "record")


def of_saved_record(folder):
    record = dense().fit(X, y).record_
    record.save(folder / "run.json")
    return Source(folder / "run.json", [record.history["loss"]], "record")


def of_lists(folder):
    return Source(CURVES, [CURVES["loss"]], "history")


def of_other_names(folder):
    names = {"Loss": "loss", "ValLoss": "val_loss", "f1_m": "f1", "F1 (val)": "val_f1"}
    named = {name: CURVES[curve] for name, curve in names.items()}
    return Source(named | {"acc": [0.7, 0.8, 0.9]}, [CURVES["loss"]], "history")


def of_frame(folder):
    return Source(pd.DataFrame(CURVES), [CURVES["loss"]], "history")


def of_csv(folder):
    path = folder / "training.csv"
    pd.DataFrame(CURVES).to_csv(path, index_label="epoch")
    return Source(path, [CURVES["loss"]], "history")


def of_printed_log(folder):
    path = folder / "training.log"
    path.write_text(PRINTED, encoding="utf-8")
    return Source(path, [CURVES["loss"]], "history")


SOURCES: dict[str, Callable[..., Source]] = {
    "DenseClassifier": of_dense,
    "Pipeline of scikit-learn": of_pipeline,
    "Pipeline of skloss": of_own_pipeline,
    "KerasClassifier": of_keras_classifier,
    "GridSearchCV": of_grid,
    "RandomizedSearchCV": of_random,
    "HalvingGridSearchCV": of_halving,
    "OptunaSearchCV": of_optuna,
    "cross_validate": of_cross_validation,
    "MLPClassifier": of_mlp,
    "KerasClassifier of scikeras": of_scikeras,
    "keras.Model": of_keras_model,
    "FixedThresholdClassifier": of_fixed_threshold,
    "OutOfBagThresholdClassifier": of_out_of_bag_threshold,
    "TunedThresholdClassifierCV": of_tuned_threshold,
    "CalibratedClassifierCV": of_calibrated,
    "CalibratedClassifierCV of a pipeline": of_calibrated_pipeline,
    "search of a pipeline with a threshold": of_nested,
    "TrainingRecord": of_record,
    "saved record": of_saved_record,
    "dict of lists": of_lists,
    "dict under other names": of_other_names,
    "History of Keras": of_keras_history,
    "DataFrame": of_frame,
    "file of CSVLogger": of_csv,
    "printed log": of_printed_log,
}
SEARCHES = [
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "OptunaSearchCV",
    "search of a pipeline with a threshold",
]
ESTIMATORS = [
    "DenseClassifier",
    "Pipeline of scikit-learn",
    "Pipeline of skloss",
    "KerasClassifier",
    *SEARCHES,
    "MLPClassifier",
    "FixedThresholdClassifier",
    "OutOfBagThresholdClassifier",
    "TunedThresholdClassifierCV",
    "CalibratedClassifierCV",
    "CalibratedClassifierCV of a pipeline",
]


@pytest.fixture(scope="module")
def source_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    return cache(lambda name: SOURCES[name](folder))


def cells(reader, names):
    """Sources as parameters of a test, those that a reader cannot read marked."""
    reasons = NOT_YET.get(reader, {})
    return [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(strict=True, reason=reasons[name])]
            if name in reasons
            else [],
        )
        for name in names
    ]


def drawn(display_class, source):
    if source.kind == "estimator":
        return display_class.from_estimator(source.given)
    if source.kind == "record":
        return display_class.from_record(source.given)
    return display_class.from_history(source.given)


# --------------------------------------------------------------------------- the cells


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_has_one_loss_an_epoch(name, source_of):
    assert {len(curve) for curve in source_of(name).losses} == {3}


@pytest.mark.parametrize("name", cells("diagnose", SOURCES))
def test_a_diagnosis_reads_the_losses_of(name, source_of):
    source = source_of(name)
    diagnosis = diagnose(source.given, **source.rows)
    assert source.is_loss(diagnosis.case.curves["loss"])
    assert diagnosis.case.n_epochs == 3
    if name not in SEARCHES and source.kind == "estimator":
        assert [layer.units for layer in diagnosis.case.layers] == [4, 1]


@pytest.mark.parametrize("name", cells("diagnose with rows", ESTIMATORS))
def test_a_diagnosis_looks_at_the_rows_given_beside(name, source_of):
    source = source_of(name)
    diagnosis = diagnose(source.given, X, y)
    # Of several calibrated classifiers a note says which one was read.
    several = len(getattr(source.given, "calibrated_classifiers_", ())) > 1
    assert len(diagnosis.notes) == several
    assert not any("not read" in note for note in diagnosis.notes)
    assert source.is_loss(diagnosis.case.curves["loss"])
    assert diagnosis.case.rows is not None


# Estimators have a report of more sections with their rows: the next test.
FEW = {"DenseClassifier", "KerasClassifier", "GridSearchCV", "MLPClassifier"}
WITHOUT_ROWS = [name for name in SOURCES if name in FEW or name not in ESTIMATORS]


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("name", cells("report", WITHOUT_ROWS))
def test_a_report_is_made_of(name, source_of):
    source = source_of(name)
    page = report(source.given, **source.rows)
    assert page.html.lower().startswith("<!doctype html>")


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("name", cells("report with rows", ESTIMATORS))
def test_a_report_looks_at_the_rows_given_beside(name, source_of):
    page = report(source_of(name).given, X=X, y=y)
    assert page.html.lower().startswith("<!doctype html>")


# The model of Keras keeps no curves of its own: its History is drawn.
DRAWN = [name for name in SOURCES if name != "keras.Model"]


@pytest.mark.parametrize("name", cells("LossCurveDisplay", DRAWN))
def test_losses_are_drawn_of(name, source_of):
    source = source_of(name)
    display = drawn(LossCurveDisplay, source)
    assert source.is_loss(display.lines_["loss"].get_ydata())


# Of scikit-learn's network no metric is known but accuracy, which is not drawn.
@pytest.mark.parametrize(
    "name", cells("MetricCurveDisplay", [n for n in DRAWN if n != "MLPClassifier"])
)
def test_metrics_are_drawn_of(name, source_of):
    display = drawn(MetricCurveDisplay, source_of(name))
    curves = [line for name, line in display.lines_.items() if name != "best_epoch"]
    assert [len(line.get_ydata()) for line in curves] == [3] * len(curves)
    assert curves


@pytest.mark.parametrize("name", cells("from_record", ESTIMATORS))
def test_from_record_looks_into(name, source_of):
    source = source_of(name)
    display = LossCurveDisplay.from_record(source.given)
    assert source.is_loss(display.lines_["loss"].get_ydata())


@pytest.mark.parametrize("name", cells("SearchDisplay", SEARCHES))
def test_candidates_are_drawn_of(name, source_of):
    search = source_of(name).given
    drawn_means = SearchDisplay.from_search(search).candidates_.means
    means = search.cv_results_["mean_test_score"]
    # Of a halving search the last round is drawn.
    assert drawn_means == pytest.approx(np.asarray(means)[-len(drawn_means) :])


@pytest.mark.parametrize("name", cells("FoldCurvesDisplay", SEARCHES))
def test_the_folds_of_the_winner_are_drawn_of(name, source_of):
    display = FoldCurvesDisplay.from_search(source_of(name).given, X, y, curve="loss")
    assert len(display.lines_) == 2


FOLDED = {
    "DenseClassifier": dense(),
    "Pipeline of scikit-learn": scaled(),
    "FixedThresholdClassifier": FixedThresholdClassifier(dense()),
    "OutOfBagThresholdClassifier": skloss.OutOfBagThresholdClassifier(dense()),
    "CalibratedClassifierCV": CalibratedClassifierCV(dense(), cv=2, ensemble=False),
}


@pytest.mark.parametrize("name", cells("folds of cross_validate", FOLDED))
def test_the_folds_of_a_cross_validation_are_drawn_of(name):
    results = cross_validate(FOLDED[name], X, y, cv=2, return_estimator=True)
    display = FoldCurvesDisplay.from_cv_results(results, curve="loss")
    assert [len(line.get_ydata()) for line in display.lines_] == [3, 3]


# --------------------------------------------------------- what a record makes of names


HISTORIES = [
    "dict of lists",
    "dict under other names",
    "DataFrame",
    "file of CSVLogger",
    "printed log",
]


@pytest.mark.parametrize("name", cells("from_history", HISTORIES))
def test_a_record_names_the_curves_as_rules_do(name, source_of):
    history = TrainingRecord.from_history(source_of(name).given).history
    assert {name: history[name] for name in CURVES} == CURVES


@pytest.mark.parametrize(
    "read",
    [diagnose, report, LossCurveDisplay.from_estimator],
    ids=lambda f: f.__name__,
)
def test_an_estimator_without_curves_is_refused_by_its_name(read):
    fitted = LogisticRegression().fit(X, y)
    with pytest.raises((ValueError, DiagnosisError), match="LogisticRegression"):
        read(fitted)
