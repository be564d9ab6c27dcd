"""The first answer of a report: scores on unseen rows, beside baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from skloss.diagnosis import Finding
from skloss.holdout import looks_resampled
from skloss.metrics import confusion_matrix
from skloss.reports.baseline_scores import (
    GUESS,
    LINE,
    said_of_held_out,
    scores_on_folds,
)
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.score_intervals import (
    METRICS,
    Score,
    of_counts,
    of_difference,
    of_folds,
    totals,
)
from skloss.reports.tables import metric_title

__all__ = ["Answer", "Verdict", "answer"]

Verdict = Literal["yes", "partly", "unclear", "no", "unknown"]

NETWORK = "The network"
_NOTICEABLE = 0.02
# Findings after which validation scores mean nothing.
_LEAKS = ("resample-before-split", "train-rows-in-validation")
# Findings that are answer enough where there are no scores.
_HOPELESS = {
    "nonfinite-loss": "its loss is no longer a number",
    "majority-collapse": "it does not find the rare class",
}
_OF_ROWS = (
    "95 % intervals by a stratified Bayesian bootstrap of the rows held out. F1, "
    "precision and recall are {kind}."
)
_OF_FOLDS = (
    "Means over {n} folds; 95 % intervals by Student's t with Nadeau and Bengio's "
    "correction for folds that share training rows."
)


@dataclass(frozen=True)
class Answer:
    """The first thing that a page says.

    Parameters
    ----------
    verdict : {"yes", "partly", "unclear", "no", "unknown"}
        Better than guessing and than a logistic regression; shown to be better than
        guessing alone; too few rows or folds to tell; worse than either; or there are
        no scores to say it by.
    headline : str
        The same in a few words.
    sentence : str
        With the numbers.
    metrics : tuple of str
        Titles of the columns.
    scores : dict of str to tuple of Score or None
        One row for each that was scored, one score for each metric.
    measured_on : str
        Rows, and how the intervals were made.
    caveats : tuple of str
        What makes the scores too good, or what is missing and how to get it.
    """

    verdict: Verdict
    headline: str
    sentence: str
    metrics: tuple[str, ...] = ()
    scores: Mapping[str, tuple[Score | None, ...]] | None = None
    measured_on: str = ""
    caveats: tuple[str, ...] = ()


def answer(context: ReportContext) -> Answer:
    """Say whether a network is any good.

    Scores of rows that were trained on are never taken for an answer.

    Parameters
    ----------
    context : ReportContext
        What is known.

    Returns
    -------
    Answer
        Of the folds of a search, or else of the validation rows.
    """
    try:
        _refuse_leaks(context)
        if context.folds is not None:
            return _by_folds(context)
        return _by_rows(context)
    except NotKnown as unknown:
        for name, headline in _HOPELESS.items():
            finding = _alarm(context, name)
            if finding is not None:
                return Answer("no", f"No: {headline}", finding.title)
        return Answer("unknown", "It cannot be said", str(unknown))


def _refuse_leaks(context: ReportContext) -> None:
    found = [f for name in _LEAKS if (f := _alarm(context, name)) is not None]
    # The folds of a search have test rows of their own, which these do not touch.
    if found and context.folds is None:
        raise NotKnown(
            f"The validation scores promise what is not there: {found[0].title}"
        )
    if context.case.task in ("regression", "multilabel"):
        raise NotKnown(
            f"This is a task of {context.case.task}; the page judges classifiers of "
            "one label a row."
        )


def _alarm(context: ReportContext, name: str) -> Finding | None:
    finding = context.diagnosis.find(name)
    return finding if finding is not None and finding.is_alarm else None


# ------------------------------------------------------------------------------ folds


def _by_folds(context: ReportContext) -> Answer:
    _refuse_copies(context)
    folds = context.folds
    assert folds is not None  # noqa: S101 - for the type checker
    everyone: dict[str, Mapping[str, np.ndarray]] = {NETWORK: folds.scores}
    caveats = []
    try:
        everyone |= scores_on_folds(folds, context.estimator, context.X, context.y)
    except NotKnown as unknown:
        caveats.append(_without_peers(unknown))
    names = sorted(folds.scores, key=_importance)
    scores = {
        who: tuple(
            of_folds(found[name], _least(name)) if name in found else None
            for name in names
        )
        for who, found in everyone.items()
    }
    if folds.n_candidates > 1:
        caveats.append(
            f"The best of {folds.n_candidates} candidates was chosen by these same "
            "folds, so that its scores are somewhat too good; rows that no search has "
            "seen would tell."
        )
    if "MCC" not in map(metric_title, names):
        do, refit = "cross-validate", ""
        if context.cv_results is not None:
            do, refit = "search", ' and refit="matthews_corrcoef"'
        caveats.append(
            f'MCC was not scored; {do} with scoring=["matthews_corrcoef", "f1"]{refit}.'
        )
    first = names[0]
    difference = None
    if LINE in everyone and first in everyone[LINE]:
        paired = np.asarray(folds.scores[first]) - everyone[LINE][first]
        difference = of_folds(paired, -np.inf, np.inf)
    guess = everyone.get(GUESS, {}).get(first)
    return _judged(
        tuple(map(metric_title, names)),
        scores,
        difference,
        _chance(first, guess),
        f"{len(folds.scores[first])} folds",
        _OF_FOLDS.format(n=len(folds.scores[first])),
        caveats,
    )


def _refuse_copies(context: ReportContext) -> None:
    """Refuse folds that hold rows made of those that they are tested on."""
    if context.X is None or context.y is None:
        return
    X, y = np.asarray(context.X), np.asarray(context.y)
    if X.dtype.kind in "biuf" and np.isfinite(X).all() and looks_resampled(X, y):
        raise NotKnown(
            "A sampler made rows of X before the folds were drawn, so that the scores "
            "promise what is not there; put the sampler into a skloss.Pipeline."
        )


def _importance(name: str) -> tuple[int, str]:
    order = ("MCC", "F1", "F1 (macro)")
    title = metric_title(name)
    return (order.index(title) if title in order else len(order), title)


def _least(name: str) -> float:
    """Lower bound of a metric; of one that may be negative without end, none."""
    if metric_title(name) == "MCC":
        return -1.0
    return -np.inf if name.startswith("neg_") or name == "score" else 0.0


def _chance(name: str, guess: np.ndarray | None) -> float | None:
    """Score of guessing, where it is known."""
    if guess is not None:
        return float(np.mean(guess))
    return 0.0 if metric_title(name) == "MCC" else None


# -------------------------------------------------------------------- validation rows


def _by_rows(context: ReportContext) -> Answer:
    part, held_out = context.case.val, context.held_out
    if part is None or part.confusion is None:
        raise NotKnown(_why_no_rows(context))
    table = np.asarray(part.confusion, float)
    metrics = tuple(METRICS.values())
    guess = np.zeros_like(table)
    guess[:, table.sum(axis=1).argmax()] = table.sum(axis=1)
    scores = {NETWORK: _row(of_counts(table))}
    caveats, difference = [], None
    try:
        if context.split is None:
            raise NotKnown(context.split_reason)
        truth, said = said_of_held_out(context.split, context.estimator)
        tables = {
            name: confusion_matrix(truth, c, len(table)) for name, c in said.items()
        }
        guess, line = tables[GUESS], tables[LINE]
        scores[LINE] = _row(of_counts(line))
        if held_out is not None and np.array_equal(held_out.truth, truth):
            joint = _joint(truth, held_out.predicted, said[LINE], len(table))
            difference = of_difference(joint)["mcc"]
    except (NotKnown, ValueError) as unknown:
        caveats.append(_without_peers(unknown))
    scores[GUESS] = _row(totals(guess))
    caveats += _caveats_of_rows(context)
    kind = (
        f"of class {context.classes[1]!r}"
        if len(table) == 2 and len(context.classes) == 2
        else "means over all classes"
    )
    return _judged(
        metrics,
        scores,
        difference,
        0.0,
        f"{part.n_rows:,} rows held out, {part.n_minority:,} of the rarest class",
        _OF_ROWS.format(kind=kind),
        caveats,
    )


def _why_no_rows(context: ReportContext) -> str:
    if context.case.holdout == "none":
        return (
            "No rows were held out, and scores of rows that were trained on say "
            "nothing; set validation_fraction, or pass X_val and y_val to fit."
        )
    if context.estimator is None and context.case.layers is None:
        return (
            "Curves alone do not hold the counts that an interval needs; give the "
            "fitted classifier, or its record."
        )
    return (
        "Scores of rows that were trained on say nothing; pass X_val and y_val, rows "
        "that the network has not seen."
    )


def _row(scores: Mapping[str, Score]) -> tuple[Score, ...]:
    return tuple(scores[name] for name in METRICS)


def _joint(truth: Any, ours: Any, theirs: Any, n_classes: int) -> np.ndarray:
    """Count rows by truth and by what either says, ``(K, K, K)``."""
    table = np.zeros((n_classes,) * 3)
    np.add.at(table, (truth, ours, theirs), 1)
    return table


def _caveats_of_rows(context: ReportContext) -> list[str]:
    training, caveats = context.case.training, []
    if training is not None and training.restore_best and training.patience:
        caveats.append(
            "The best epoch was chosen by these same rows, so that the scores are a "
            "little too good."
        )
    return caveats


# ----------------------------------------------------------------------------- verdict


def _without_peers(why: Exception) -> str:
    return f"There is no logistic regression to compare with. {why}"


def _judged(
    metrics: tuple[str, ...],
    scores: Mapping[str, tuple[Score | None, ...]],
    difference: Score | None,
    chance: float | None,
    where: str,
    measured_on: str,
    caveats: list[str],
) -> Answer:
    own = scores[NETWORK][0]
    assert own is not None  # noqa: S101 - for the type checker
    verdict, headline = _verdict(own, difference, chance)
    stated = ", ".join(
        f"{title} {score!r}"
        for title, score in zip(metrics[:2], scores[NETWORK], strict=False)
        if score is not None
    )
    sentence = f"{stated} on {where}"
    line = scores.get(LINE, (None,))[0]
    if line is not None:
        sentence += (
            f"; a logistic regression on the same rows has {metrics[0]} {line!r}"
        )
    ordered = {who: scores[who] for who in (NETWORK, LINE, GUESS) if who in scores}
    return Answer(
        verdict, headline, f"{sentence}.", metrics, ordered, measured_on, tuple(caveats)
    )


def _verdict(
    own: Score, difference: Score | None, chance: float | None
) -> tuple[Verdict, str]:
    if not np.isfinite(own.value):
        return "no", "No: it could not be scored on every fold"
    if own.low is None:
        return "unknown", "It cannot be said: one fold has no spread"
    if chance is None:
        return "unknown", "It cannot be said: what guessing scores is not known"
    if own.value <= chance + _NOTICEABLE:
        return "no", "No: it is no better than guessing"
    if own.low <= chance:
        return "unclear", "Not clear: its score can hardly be told from guessing"
    if difference is None:
        return "partly", "Better than guessing"
    if difference.low is not None and difference.low > 0:
        return "yes", "Yes: better than guessing, and than a logistic regression"
    if difference.high is not None and difference.high < 0:
        return "no", "No: a logistic regression does better"
    return "partly", "Better than guessing, not shown to beat a logistic regression"
