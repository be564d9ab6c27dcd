"""Next steps that follow from the scores of a report."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skloss.diagnosis import NextStep
from skloss.metrics import ConfusionCounts, binary_mcc, confusion_matrix
from skloss.reports.answer import NETWORK
from skloss.reports.baseline_scores import LOGISTIC, MAJORITY, TREES
from skloss.reports.context import HeldOut, ReportContext
from skloss.reports.pooled_ranking import ranked_rows
from skloss.reports.pooled_scores import Pooled

__all__ = ["report_steps"]

_LEAST_GAIN = 0.03
_FEWEST_POSITIVE = 20
_WIDE = 0.2  # of an interval
_LINES = {
    TREES: "HistGradientBoostingClassifier(random_state=0).fit(X, y)",
    LOGISTIC: "LogisticRegression(max_iter=300).fit(X, y)",
}


def report_steps(context: ReportContext) -> list[NextStep]:
    """Return the steps that follow from the scores, in no order.

    Parameters
    ----------
    context : ReportContext
        Everything that is known about the training.

    Returns
    -------
    list of NextStep
        Each with its measured gain, if that can be measured.
    """
    steps: list[NextStep] = []
    held = context.held_out
    if context.pooled is not None:
        steps += _of_pooled(context.pooled)
        # More rows than those of the last fit, and none of them chose its epoch.
        held = ranked_rows(context.pooled, NETWORK) or context.held_out
    if held is not None:
        steps += _of_threshold(held)
    return steps


def _of_pooled(pooled: Pooled) -> Iterator[NextStep]:
    own = pooled.scores(NETWORK)["mcc"]
    rival = pooled.rival(NETWORK, MAJORITY)
    if rival is not None:
        theirs = pooled.scores(rival)["mcc"]
        gain = theirs.value - own.value
        if gain > 0:
            yield NextStep(
                f"{rival} on the same folds: MCC {theirs!r}, the classifier {own!r}. "
                "Use the simpler model, or average both.",
                _LINES.get(rival, ""),
                gain,
            )
    if named := pooled.limiting(NETWORK):
        names = [one.group for one in named]
        which = "it" if len(named) == 1 else "them"
        rest = pooled.without(names).scores(NETWORK)["mcc"].value
        yield NextStep(
            f"{pooled.limits(NETWORK)} Without {which} the MCC is {rest:.2f}. Look at "
            f"these rows, and collect groups like {which}.",
            f"X[np.isin(groups.astype(str), {names})]",
            max(rest - own.value, 0.0) / 2,
        )
    if own.low is None or own.high is None or own.high - own.low < _WIDE:
        return
    of_what = "rows" if pooled.groups is None else pooled.groups_text
    n = len(pooled.truth) if pooled.groups is None else pooled.n_groups
    yield NextStep(
        f"Score more {of_what}: over {n:,} {of_what} the interval of the MCC is "
        f"{own.low:.2f} to {own.high:.2f}.",
        "",
        _LEAST_GAIN / 2,
    )


def _of_threshold(held: HeldOut) -> Iterator[NextStep]:
    """Compare the threshold 0.5 with the best one on the same held-out rows."""
    n_positive = 0 if held.positive is None else int(held.is_positive.sum())
    if held.positive is None or n_positive < _FEWEST_POSITIVE:
        return
    order = np.argsort(-held.scores, kind="stable")
    hits = np.cumsum(held.is_positive[order])
    n, taken = len(order), np.arange(1, len(order) + 1)
    counts = hits, taken - hits, n_positive - hits, n - n_positive - taken + hits
    mcc = np.nan_to_num(binary_mcc(*counts))
    # Rows of one score cannot be told apart.
    last = np.append(np.diff(held.scores[order]) != 0, True)
    best = int(np.where(last, mcc, -1).argmax())
    now = ConfusionCounts(
        confusion_matrix(held.truth, held.predicted, 2), held.positive
    ).mcc
    gain = float(mcc[best]) - now
    if gain < _LEAST_GAIN:
        return
    yield NextStep(
        f"Choose the threshold in a cross-validation: on the {n:,} held-out rows "
        f"{held.scores[order][best]:.2g} gives MCC {mcc[best]:.2f}, 0.5 gives "
        f"{now:.2f}.",
        'TunedThresholdClassifierCV(classifier, scoring="matthews_corrcoef")',
        gain / 2,  # the best one of these rows is not the best one of others
    )
