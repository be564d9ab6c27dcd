"""Probabilities of the test rows of a search, also of one that is resumed."""

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

from skloss import DenseClassifier
from skloss.reports.answer import NETWORK
from skloss.reports.baseline_scores import MAJORITY
from skloss.reports.pooled_ranking import average_precision
from skloss.search.baselines import baselines_behind
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import Search
from skloss.search.journal import Journal
from skloss.search.pooled import pooled_predictions

rng = np.random.default_rng(0)
y = np.where(rng.permutation(150) < 40, "rare", "usual")
X = rng.normal(size=(150, 3)) + (y == "rare")[:, np.newaxis]
GROUPS = rng.permutation(150) % 12
TABLE = LabeledRows(X, y, GROUPS, "y")
SPLITS = list(StratifiedGroupKFold(3).split(X, y, GROUPS))
CANDIDATES = [{"dense__width": 3}, {"dense__width": 5}]


@pytest.fixture(scope="module")
def search():
    from imblearn.pipeline import Pipeline

    dense = DenseClassifier(
        depth=1, epochs=3, random_state=0, validation_fraction=None, monitor="loss"
    )
    network = Pipeline([("dense", dense)])
    return Search(network, CANDIDATES, SPLITS, baselines=baselines_behind(network, 0))


@pytest.fixture(scope="module")
def searched(search, tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched")
    journal = Journal(folder, search, TABLE)
    return search.run(X, y, on_fit=journal.keep), folder


def test_average_precision_is_that_of_the_rows_predicted_by_hand(search, searched):
    result, _ = searched
    pooled = pooled_predictions(result, search, TABLE)
    everyone = {NETWORK: search.pipeline, **search.baselines}
    best = result.candidates[result.ranking[0]]
    for name, estimator in everyone.items():
        expected = np.empty(len(y))
        for train, test in SPLITS:
            one = clone(estimator)
            one = one.set_params(**best) if name == NETWORK else one
            chances = one.fit(X[train], y[train]).predict_proba(X[test])
            expected[test] = chances[:, 0]  # "rare", the rarer class
        score = average_precision(pooled, name)
        assert score.value == pytest.approx(
            average_precision_score(y == "rare", expected), abs=1e-6
        )
        assert score.low <= score.value <= score.high
    guess = average_precision(pooled, MAJORITY)
    assert guess.value == pytest.approx(np.mean(y == "rare"))


def test_a_resumed_search_has_the_same_probabilities_to_the_bit(search, searched):
    result, folder = searched
    kept = Journal(folder, search, TABLE).resume()
    assert len(kept) == len(CANDIDATES) * len(SPLITS)
    for done in kept:
        before = result.folds[done.candidate, done.fold].probability
        assert np.array_equal(done.probability, before)
    again = search.run(X, y, kept=kept)
    scores = [
        average_precision(pooled_predictions(one, search, TABLE), NETWORK)
        for one in (result, again)
    ]
    assert scores[0] == scores[1]


def test_a_file_of_an_older_search_without_them_is_read(search, searched, tmp_path):
    _, folder = searched
    head, *fits = (folder / "fits.jsonl").read_text().splitlines()
    records = [json.loads(fit) for fit in fits]
    for record in records:
        del record["probability"]
    lines = [head, *map(json.dumps, records), ""]
    (tmp_path / "fits.jsonl").write_text("\n".join(lines))
    again = search.run(X, y, kept=Journal(tmp_path, search, TABLE).resume())
    pooled = pooled_predictions(again, search, TABLE)
    assert NETWORK not in pooled.probabilities
    assert average_precision(pooled, NETWORK) is None
    assert average_precision(pooled, MAJORITY) is not None
