"""Groups of a search reach the hold-out, or a warning and a finding say so."""

import warnings

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn import config_context
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_score,
    cross_validate,
)

import skloss
from skloss import DenseClassifier, KerasClassifier, Pipeline, TrainingRecord
from skloss.exceptions import UngroupedHoldOutWarning

rng = np.random.default_rng(0)
GROUPS = rng.permutation(np.arange(240) // 8)
y = rng.permutation(np.arange(240) % 4 == 0).astype(int)
X = rng.normal(size=(240, 5)) + y[:, None]
GRID = {"net__width": [2, 3]}


def net(**options):
    options = {"width": 2, "epochs": 1, "validation_fraction": 0.2} | options
    return DenseClassifier(random_state=0, **options)


def pipeline(**options):
    return Pipeline([("smote", SMOTE(random_state=0)), ("net", net(**options))])


def state(classifier):
    return classifier.record_.data["holdout_groups"]


@pytest.fixture
def held(monkeypatch):
    """Groups on either side of every hold-out."""
    found = []
    original = DenseClassifier._chosen_rows

    def spy(self, rows, labels, fraction, groups):
        parts = original(self, rows, labels, fraction, groups)
        found.append(None if groups is None else [set(groups[p]) for p in parts])
        return parts

    monkeypatch.setattr(DenseClassifier, "_chosen_rows", spy)
    return found


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_with_routing_groups_are_passed_once(held, in_pipeline):
    source, grid = (pipeline(), GRID) if in_pipeline else (net(), {"width": [2, 3]})
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(source, grid, cv=GroupKFold(2)).fit(X, y, groups=GROUPS)
    assert len(held) == 2 * 2 + 1
    assert not any(kept & left for kept, left in held)
    best = search.best_estimator_
    assert state(best[-1] if in_pipeline else best) == "kept"
    assert "ungrouped-holdout" not in {f.name for f in skloss.diagnose(search).findings}


def test_a_classifier_may_refuse_routed_groups(held):
    with config_context(enable_metadata_routing=True):
        classifier = net().set_fit_request(groups=False)
        cross_validate(classifier, X, y, cv=GroupKFold(2), params={"groups": GROUPS})
    assert held == [None, None]


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_search_with_groups_of_its_own_warns_and_is_found(in_pipeline):
    source, grid = (pipeline(), GRID) if in_pipeline else (net(), {"width": [2, 3]})
    search = GridSearchCV(source, grid, cv=GroupKFold(2))
    with pytest.warns(UngroupedHoldOutWarning, match="Pass the groups to the classif"):
        search.fit(X, y, groups=GROUPS)
    best = search.best_estimator_
    assert state(best[-1] if in_pipeline else best) == "missed"
    assert "ungrouped-holdout" in {f.name for f in skloss.diagnose(search).findings}


def test_a_KerasClassifier_warns_too():
    import keras

    def build(meta):
        return keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, "sigmoid")])

    classifier = KerasClassifier(
        build, loss="binary_crossentropy", validation_fraction=0.2, random_state=0
    )
    with pytest.warns(UngroupedHoldOutWarning):
        cross_val_score(classifier, X, y, cv=GroupKFold(2), groups=GROUPS)
    tail = classifier.set_params(validation_fraction="auto", validation_split=0.2)
    with pytest.raises(ValueError, match=r"validation_split=0\.2 .* set validation_fr"):
        tail.fit(X, y, groups=GROUPS)


def test_a_search_that_hides_its_groups_is_found():
    search = GridSearchCV(pipeline(), GRID, cv=GroupKFold(2), n_jobs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UngroupedHoldOutWarning)  # of the refit
        search.fit(X, y, groups=GROUPS)
    best = search.best_estimator_[-1]
    record = TrainingRecord.from_dict(best.record_.to_dict())
    record.data["holdout_groups"] = "none"
    best._fitted = best._fitted.__class__(**{**vars(best._fitted), "record": record})
    found = skloss.diagnose(search).findings
    assert "ungrouped-holdout" in {finding.name for finding in found}


def test_cross_validate_with_groups_is_found():
    with pytest.warns(UngroupedHoldOutWarning):
        results = cross_validate(
            pipeline(),
            X,
            y,
            cv=GroupKFold(2),
            groups=GROUPS,
            return_estimator=True,
        )
    found = skloss.diagnose(results).findings
    assert "ungrouped-holdout" in {finding.name for finding in found}


def test_splits_made_before_are_seen_with_groups_beside_them():
    folds = list(GroupKFold(2).split(X, y, GROUPS))
    with pytest.warns(UngroupedHoldOutWarning):
        results = cross_validate(
            net(), X, y, cv=folds, groups=GROUPS, return_estimator=True
        )
    assert [state(fitted) for fitted in results["estimator"]] == ["missed"] * 2
    found = skloss.diagnose(results).findings
    assert "ungrouped-holdout" in {finding.name for finding in found}


def test_with_routing_groups_reach_fits_in_other_processes():
    with config_context(enable_metadata_routing=True):
        results = cross_validate(
            net(),
            X,
            y,
            cv=GroupKFold(2),
            params={"groups": GROUPS},
            return_estimator=True,
            return_indices=True,
            n_jobs=2,
        )
    for fitted, train in zip(
        results["estimator"], results["indices"]["train"], strict=True
    ):
        assert state(fitted) == "kept"
        held = fitted.record_.data["held_out_rows"]
        kept = np.setdiff1d(np.arange(len(train)), held)
        assert len(held) > 0
        assert not set(GROUPS[train][held]) & set(GROUPS[train][kept])


@pytest.mark.parametrize(
    ("source", "params"),
    [
        (pipeline(), {"net__groups": GROUPS, "groups": GROUPS}),
        (pipeline(validation_fraction=None), {"groups": GROUPS}),
        (pipeline(), {"net__X_val": X, "net__y_val": y, "groups": GROUPS}),
    ],
    ids=["given twice", "no hold-out", "own rows"],
)
def test_no_warning_where_groups_are_kept_or_nothing_is_held_out(source, params):
    search = GridSearchCV(source, {"net__width": [2]}, cv=GroupKFold(2)).fit(
        X, y, **params
    )
    assert state(search.best_estimator_[-1]) != "missed"
    found = skloss.diagnose(search).findings
    assert "ungrouped-holdout" not in {finding.name for finding in found}


def test_no_warning_without_groups():
    search = GridSearchCV(pipeline(), {"net__width": [2]}, cv=KFold(2)).fit(X, y)
    assert state(search.best_estimator_[-1]) == "none"
    assert "ungrouped-holdout" not in {f.name for f in skloss.diagnose(search).findings}
