"""How many folds two estimators are compared on, and when one of them is better."""

from dataclasses import replace

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator
from sklearn.neural_network import MLPClassifier
from sklearn.utils import check_random_state

from skloss.repairs.estimator_parts import with_other_seeds
from skloss.repairs.paired_scores import Folds, FoldScores, NotScoredError, compared

TRAIN, TEST = np.arange(80), np.arange(20)
ZIGZAG = np.tile([-1.0, 1.0], 10)


class KnownScores(Folds):
    """Folds on which an estimator is the list of its scores."""

    def score(self, estimator, fold):
        return float(estimator[fold])


@pytest.fixture
def folds():
    rows = np.zeros((100, 1)), np.zeros(100)
    return KnownScores(*rows, [(TRAIN, TEST)] * 20, (5, 10, 20), None, None)


@pytest.mark.parametrize(
    ("after", "n_folds", "is_better"),
    [
        (-0.1 + 0 * ZIGZAG, 5, False),  # no gain at all
        (0.1 + 0.05 * ZIGZAG, 10, True),  # t = 3.2, and 1.83 is enough
        (0.1 + 0.1 * ZIGZAG, 20, True),  # t = 1.60 of 1.83, then 1.78 of 1.73
        (0.1 + 0.2 * ZIGZAG, 20, False),
    ],
)
def test_a_gain_that_is_not_clear_is_looked_at_on_more_folds(
    folds, after, n_folds, is_better
):
    other = FoldScores(folds, after)
    gain, found = compared(FoldScores(folds, np.zeros(20)), other)
    assert (len(other.known), found) == (n_folds, is_better)
    assert gain.mean == pytest.approx(after[:n_folds].mean())


def test_folds_that_were_given_decide_at_once(folds):
    given = replace(folds, splits=folds.splits[:5], looks=(5,))
    scores = FoldScores(given, np.zeros(5)), FoldScores(given, np.ones(5))
    assert compared(*scores)[1]


def test_scores_that_are_not_finite_are_told_apart(folds):
    good, bad = np.zeros(20), np.full(20, np.nan)
    with pytest.raises(NotScoredError, match="a score is not finite"):
        compared(FoldScores(folds, good), FoldScores(folds, bad))
    with pytest.raises(ValueError, match="estimator as it is"):
        compared(FoldScores(folds, bad), FoldScores(folds, good))


class ByLuck(BaseEstimator):
    """An estimator whose score is its merit, and the luck of its seed."""

    def __init__(self, random_state=0, merit=0.0):
        self.random_state = random_state
        self.merit = merit

    def fit(self, X, y):
        self.luck_ = np.random.default_rng(self.random_state).normal()
        return self

    def score(self, X, y):
        return self.merit + self.luck_


@pytest.fixture
def drawings():
    """Four drawings of five folds."""
    rows, splits = (np.zeros((100, 1)), np.zeros(100)), [(TRAIN, TEST)] * 20
    return Folds(*rows, splits, (5, 10, 20), ByLuck.score, lambda *_: {})


def test_a_lucky_seed_is_no_gain(drawings):
    lucky = max(range(20), key=lambda seed: ByLuck(seed).fit(None, None).luck_)
    scores = FoldScores(drawings, ByLuck(0)), FoldScores(drawings, ByLuck(lucky))
    gain, is_better = compared(*scores)
    assert scores[1].of_first(5).min() > scores[0].of_first(5).max() + 1
    assert gain.low < 0
    assert not is_better


def test_a_gain_of_every_seed_is_found_at_once(drawings):
    merit = FoldScores(drawings, ByLuck(0, merit=0.1))
    gain, is_better = compared(FoldScores(drawings, ByLuck(0)), merit)
    assert (gain.mean, gain.low) == pytest.approx((0.1, 0.1))
    assert is_better
    assert len(merit.known) == 10


def test_each_drawing_of_the_folds_has_seeds_of_its_own(drawings):
    known = FoldScores(drawings, ByLuck(0)).of_first(20).reshape(4, 5)
    assert (known == known[:, :1]).all()
    assert len(np.unique(known)) == 4
    assert known[0, 0] == ByLuck(0).fit(None, None).luck_


@pytest.mark.parametrize("seed", [3, np.random.RandomState(3)])
def test_all_seeds_of_a_pipeline_are_others_and_none_stays_none(seed):
    given = make_pipeline(SMOTE(random_state=seed), MLPClassifier(random_state=None))
    drawn = np.random.RandomState(3).randint(2**31 - 1, size=2)
    for number, expected in enumerate(drawn, start=1):
        smote, network = (step for _, step in with_other_seeds(given, number).steps)
        assert smote.random_state == expected
        assert network.random_state is None
    (_, smote), _ = with_other_seeds(given, 0).steps
    unchanged = np.random.RandomState(3).randint(99)
    assert check_random_state(smote.random_state).randint(99) == unchanged
    assert given[0].random_state is seed
