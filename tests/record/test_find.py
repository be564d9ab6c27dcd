"""A classifier is found in whatever holds it, by every reader alike."""

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, make_pipeline
from skloss.datasets import make_rare_events
from skloss.displays import (
    LossCurveDisplay,
    MetricCurveDisplay,
    SearchDisplay,
)
from skloss.exceptions import DiagnosisError
from skloss.record.find import (
    NotFoundError,
    find_classifier,
    find_record,
    median_fold,
)
from skloss.record.search_results import read_search_results

pytestmark = pytest.mark.usefixtures("sketched")


mpl.use("Agg")


@pytest.fixture(scope="module")
def rows():
    return make_rare_events(400, random_state=0)


def network(**parameters):
    return DenseClassifier(epochs=2, random_state=0, **parameters)


def searched(estimator, name="width"):
    return GridSearchCV(estimator, {name: [2, 3]}, cv=2, scoring="average_precision")


WRAPPED = {
    "pipeline": lambda: make_pipeline(StandardScaler(), network()),
    "pipeline in a pipeline": lambda: make_pipeline(
        StandardScaler(), make_pipeline(StandardScaler(), network())
    ),
    "search": lambda: searched(network()),
    "search in a pipeline": lambda: make_pipeline(
        StandardScaler(), searched(network())
    ),
    "threshold": lambda: FixedThresholdClassifier(network(), threshold=0.2),
    "tuned threshold": lambda: TunedThresholdClassifierCV(network(), cv=2),
    "tuned threshold around a search": lambda: TunedThresholdClassifierCV(
        searched(network()), cv=2
    ),
    "out-of-bag threshold": lambda: skloss.OutOfBagThresholdClassifier(network()),
    "search around a threshold": lambda: searched(
        FixedThresholdClassifier(network()), "estimator__width"
    ),
    "calibration of folds": lambda: CalibratedClassifierCV(network(), cv=2),
    "calibration of one": lambda: CalibratedClassifierCV(
        network(), cv=2, ensemble=False
    ),
    "threshold around a pipeline": lambda: FixedThresholdClassifier(
        make_pipeline(StandardScaler(), network())
    ),
}


@pytest.fixture(scope="module", params=WRAPPED, ids=str)
def wrapped(request, rows):
    return WRAPPED[request.param]().fit(*rows)


def test_every_reader_takes_a_wrapped_classifier(wrapped, rows):
    record = find_record(wrapped)
    assert record.n_epochs == 2
    diagnosis = skloss.diagnose(wrapped, *rows)
    assert diagnosis.case.origin == "skloss"
    np.testing.assert_array_equal(diagnosis.case.curves["loss"], record.history["loss"])
    assert "<!DOCTYPE html>" in skloss.report(wrapped, X=rows[0], y=rows[1]).html
    for display in (LossCurveDisplay, MetricCurveDisplay):
        drawn = display.from_estimator(wrapped)
        assert drawn.lines_


def test_rows_come_to_the_classifier_as_its_pipeline_sends_them(wrapped, rows):
    found = find_classifier(wrapped)
    if found.is_of_fold or not hasattr(wrapped, "predict_proba"):
        pytest.skip("it averages over several classifiers")
    ours = found.classifier.predict_proba(found.transform(rows[0]))
    if type(wrapped).__name__ != "CalibratedClassifierCV":  # that changes them
        np.testing.assert_allclose(ours, wrapped.predict_proba(rows[0]), atol=1e-6)


def test_a_frozen_classifier_is_found_in_a_calibration(rows):
    fitted = network().fit(*rows)
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted), cv=2).fit(*rows)
    assert find_classifier(FrozenEstimator(fitted)).classifier is fitted
    assert find_record(calibrated) is fitted.record_
    assert skloss.diagnose(FrozenEstimator(fitted)).case.origin == "skloss"


def test_of_several_calibrated_classifiers_the_first_is_read_and_noted(rows):
    calibrated = CalibratedClassifierCV(network(), cv=2).fit(*rows)
    first = calibrated.calibrated_classifiers_[0].estimator
    assert find_classifier(calibrated).classifier is first
    notes = skloss.diagnose(calibrated, *rows).notes
    assert any("the first of 2 classifiers" in note for note in notes)
    assert not any("not read" in note for note in notes)


def test_of_a_cross_validation_the_median_fold_is_read(rows):
    results = cross_validate(network(), *rows, cv=3, return_estimator=True)
    results["test_score"] = np.array([0.9, 0.1, 0.5])
    assert median_fold(results) == 2
    assert find_record(results) is results["estimator"][2].record_
    assert LossCurveDisplay.from_estimator(results).lines_


def test_the_search_around_a_classifier_is_found(rows):
    inner = TunedThresholdClassifierCV(searched(network()), cv=2).fit(*rows)
    assert find_classifier(inner).search is inner.estimator_
    assert skloss.diagnose(inner).case.search.n_candidates == 2
    assert SearchDisplay.from_search(inner).candidates_.parameters.keys() == {"width"}


def test_what_holds_no_classifier_says_what_to_do(rows):
    losers = GridSearchCV(network(), {"width": [2]}, cv=2, refit=False).fit(*rows)
    with pytest.raises(NotFoundError, match="refit=True"):
        find_classifier(losers)
    with pytest.raises(DiagnosisError, match="refit=True"):
        skloss.diagnose(losers)
    with pytest.raises(NotFoundError, match="return_estimator=True"):
        find_classifier({"test_score": [0.5]})
    with pytest.raises(NotFoundError, match="LogisticRegression has no record_"):
        find_record(make_pipeline(StandardScaler(), LogisticRegression()).fit(*rows))


class OptunaLike(BaseEstimator):
    """Keeps what optuna's search keeps: scores, and parameters in its trials."""

    def __init__(self, search):
        self.best_estimator_ = search.best_estimator_
        self.best_params_ = search.best_params_
        self.cv_results_ = {
            name: values
            for name, values in search.cv_results_.items()
            if not name.startswith("param") and name != "rank_test_score"
        }
        self.trials_ = [SimpleNamespace(params=p) for p in search.cv_results_["params"]]
        self.refit, self.scoring, self.cv = True, search.scoring, search.cv
        self.estimator, self.scorer_ = search.estimator, search.scorer_
        self.n_splits_ = search.n_splits_

    def fit(self, X, y):
        return self

    def get_params(self, deep=True):
        return {}

    def __sklearn_is_fitted__(self):
        return True


@pytest.fixture(scope="module")
def optuna_like(rows):
    grid = {"width": [2, 3, 4]}
    search = GridSearchCV(network(), grid, cv=2, scoring="average_precision")
    return OptunaLike(search.fit(*rows))


def test_a_search_without_columns_of_parameters_is_read(optuna_like, rows):
    facts = skloss.diagnose(optuna_like).case.search
    assert facts.n_candidates == 3
    assert facts.best_score == max(optuna_like.cv_results_["mean_test_score"])
    assert read_search_results(optuna_like)["param_width"].tolist() == [2, 3, 4]
    assert SearchDisplay.from_search(optuna_like).candidates_.parameters["width"]
    page = skloss.report(optuna_like, X=rows[0], y=rows[1])
    assert "width" in page.html


def test_a_search_of_unknown_parameters_is_read(optuna_like, rows):
    del optuna_like.trials_
    assert "param_width" not in read_search_results(optuna_like)
    assert skloss.diagnose(optuna_like).case.search.edges == {}
    assert "<!DOCTYPE html>" in skloss.report(optuna_like, X=rows[0], y=rows[1]).html
