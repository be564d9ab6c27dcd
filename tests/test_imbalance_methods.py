"""What the benchmark of remedies computes for itself."""

import importlib
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skloss import DenseClassifier
from skloss.datasets import make_rare_events

FOLDER = Path(__file__).parents[1] / "benchmarks"
if not FOLDER.exists():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)


@pytest.fixture(scope="module")
def script():
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("imbalance_methods")
    sys.path.remove(str(FOLDER))
    ours = {"imbalance_methods", "data_sets", "host", "self_paced"}
    for name in ours - before:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def rows(script):
    X, y = make_rare_events(600, prevalence=0.1, random_state=0)
    network = partial(DenseClassifier, width=4, epochs=2, batch_size=200)
    return script.Rows(X, y, np.arange(600) // 20, network)


@pytest.mark.parametrize(
    "remedy", ["class weights", "logit-adjusted", "5 under-sampled members"]
)
def test_probabilities_are_corrected_as_the_classifier_does(script, rows, remedy):
    fitted = script.pipeline(rows, remedy, 0).fit(rows.X, rows.y)
    fair = script.pipeline(rows, remedy, 0).set_params(network__prior_correction=True)
    expected = fair.fit(rows.X, rows.y).predict_proba(rows.X)[:, 1]
    assert abs(fitted.predict_proba(rows.X)[:, 1] - expected).max() > 0.1
    np.testing.assert_allclose(
        script.corrected(fitted, rows, rows.X), expected, atol=1e-6
    )


def test_groups_stay_together_in_folds_hold_outs_and_members(script, rows):
    for train, test in script.folds(rows).split(*rows[:3]):
        assert not set(rows.groups[train]) & set(rows.groups[test])
    with script.config_context(enable_metadata_routing=True):
        fitted = script.pipeline(rows, "5 members", 0).fit(
            rows.X, rows.y, groups=rows.groups
        )
    for member in fitted[-1].members_:
        held = member.record_.data["held_out_rows"]
        kept = np.setdiff1d(np.arange(600), held)
        assert not set(rows.groups[held]) & set(rows.groups[kept])


@pytest.mark.parametrize("remedy", ["none", "5 members"])
def test_a_remedy_is_scored_in_all_ways(script, rows, remedy):
    rows = script.Rows(*(part[:200] for part in rows[:3]), rows.network)
    found = script.fit_one(rows, rows, remedy, 0)
    assert {"mcc", "f1 tuned", "log_loss corrected", "ap"} <= set(found)
    assert found["seconds"] > 0


def test_a_fold_without_a_threshold_of_each_remedy_counts_without_thresholds(script):
    scores = {"mcc": 0.5, "seconds": 1.0, "mcc tuned": 0.5}
    fits = {
        f"a|{fold}|{fold}|{remedy}": dict(scores)
        for fold in range(3)
        for remedy in ("none", "SMOTE")
    }
    fits["a|0|0|SMOTE"]["mcc tuned"] = 0.7
    fits["a|1|1|none"] = {"mcc": 0.9, "seconds": 1.0}
    del fits["a|2|2|none"]
    table = script.by_set(fits).loc["a"]
    assert table.attrs["folds"] == {"a": 2}
    assert table["mcc"].to_dict() == {"none": 0.7, "SMOTE": 0.5}
    assert table["mcc tuned"].to_dict() == {"none": 0.5, "SMOTE": 0.7}


def test_a_remedy_that_was_fitted_later_stands_beside_its_own_sets(script):
    places = [(s, r) for r in ("none", "SMOTE") for s in ("b", "a")]
    places += [("a", "late"), ("b", "late")]
    index = pd.MultiIndex.from_tuples(places, names=["set", "remedy"])
    table = pd.DataFrame({"mcc": [f"{s} {r}" for s, r in places]}, index)
    wide = script.side_by_side(table)["mcc"]
    assert list(wide) == ["none", "SMOTE", "late"]
    assert all(wide.loc[s, r] == f"{s} {r}" for s, r in places)


def test_hard_common_rows_are_drawn_ever_more(script):
    errors = np.r_[np.full(90, 0.1), np.full(10, 0.9)]
    ensemble = script.SelfPacedEnsemble()
    shares = [ensemble.chances(errors, a)[90:].sum() for a in (0, 1, 1e16)]
    assert shares == pytest.approx([0.1, 1 / 1.9 / (1 / 1.9 + 1 / 1.1), 0.5])


@pytest.mark.parametrize("number", [0, 1], ids=["trees", "networks"])
def test_a_self_paced_ensemble_ranks_rare_rows_that_can_be_told(script, rows, number):
    network = partial(DenseClassifier, width=8, epochs=40, learning_rate=0.01)
    rows = rows._replace(network=network)
    fitted = script.fit_tuned(rows, script.PEERS[number], 0, tune=False)[0]
    assert len(fitted[-1].members_) == (50, 10)[number]
    p = fitted.predict_proba(rows.X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert roc_auc_score(rows.y, p[:, 1]) > 0.9
    # Trees know the rows they were trained on by heart, and networks do not.
    lowest = np.quantile(p[rows.y == 1, 1], (0, 0.1)[number])
    assert lowest > p[rows.y == 0, 1].mean()
