"""How many folds two estimators are compared on, and when one of them is better."""

from dataclasses import replace

import numpy as np
import pytest

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
