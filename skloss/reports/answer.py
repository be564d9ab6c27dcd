"""The verdict of a report: scores on held-out rows, compared with baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from skloss.diagnosis import Finding
from skloss.holdout import looks_resampled
from skloss.metrics import confusion_matrix
from skloss.reports.baseline_scores import (
    LOGISTIC,
    MAJORITY,
    TREES,
    baseline_predictions,
    scores_on_folds,
)
from skloss.reports.context import Folds, NotKnown, ReportContext
from skloss.reports.fold_scores import scored_label
from skloss.reports.pooled_ranking import average_precision, threshold_sentence
from skloss.reports.pooled_scores import Pooled
from skloss.reports.score_intervals import (
    METRICS,
    Score,
    of_counts,
    of_difference,
    of_folds,
    totals,
)
from skloss.reports.tables import metric_title

__all__ = ["NETWORK", "Answer", "Verdict", "answer", "reconciled"]

Verdict = Literal["yes", "partly", "unclear", "no", "unknown"]

NETWORK = "This classifier"
# The baselines that a network has to beat, as they are called in a sentence.
_RIVALS = {LOGISTIC: "a logistic regression", TREES: "boosted trees"}
_RANKED = metric_title("average_precision")
# A score must exceed that of guessing by this much to count as better.
_NOTICEABLE = 0.02
# With one of these findings the validation scores cannot be trusted.
_LEAKS = ("resample-before-split", "train-rows-in-validation")
# These findings decide the verdict where there are no scores.
_HOPELESS = {
    "nonfinite-loss": "the loss became NaN or infinite",
    "majority-collapse": "the network does not detect the rare class",
}
_OF_ROWS = (
    "The brackets show 95 % intervals from a stratified Bayesian bootstrap of the "
    "held-out rows. F1, precision and recall are {kind}."
)
_OF_FOLDS = (
    "Each score is the mean over {n} folds. The brackets show 95 % intervals by "
    "Student's t, with the correction of Nadeau and Bengio for folds that share "
    "training rows."
)


@dataclass(frozen=True)
class Answer:
    """The verdict on a classifier, which a report states first.

    Parameters
    ----------
    verdict : {"yes", "partly", "unclear", "no", "unknown"}
        "yes": better than guessing and better than a logistic regression.
        "partly": better than guessing, but not shown to be better than a logistic
        regression. "unclear": there are too few rows or folds to decide. "no": not
        better than guessing, or worse than a logistic regression. "unknown": there
        are no scores to decide by.
    headline : str
        The verdict in a few words.
    sentence : str
        The scores that the verdict is based on.
    metrics : tuple of str
        Titles of the columns.
    scores : dict of str to tuple of Score or None
        One entry for each classifier, with one score for each metric.
    measured_on : str
        Method of the scores and of their intervals.
    caveats : tuple of str
        Reasons why the scores are optimistic, and what is missing.
    """

    verdict: Verdict
    headline: str
    sentence: str
    metrics: tuple[str, ...] = ()
    scores: Mapping[str, tuple[Score | None, ...]] | None = None
    measured_on: str = ""
    caveats: tuple[str, ...] = ()


def answer(context: ReportContext) -> Answer:
    """Compare a network with the baselines.

    Scores on training rows are never used.

    Parameters
    ----------
    context : ReportContext
        All that is known about the training.

    Returns
    -------
    Answer
        The verdict, from the folds of a search or else from the validation rows.
    """
    try:
        _refuse_leaks(context)
        if context.pooled is not None:
            return _by_pooled(context, context.pooled)
        if context.folds is not None:
            return _by_folds(context)
        return _by_rows(context)
    except NotKnown as unknown:
        for name, headline in _HOPELESS.items():
            finding = _alarm(context, name)
            if finding is not None:
                return Answer("no", f"No: {headline}", finding.title)
        return Answer("unknown", "Unknown: there are no valid scores", str(unknown))


def _refuse_leaks(context: ReportContext) -> None:
    found = [f for name in _LEAKS if (f := _alarm(context, name)) is not None]
    # The folds of a search have test rows of their own, which these do not touch.
    if found and context.folds is None:
        raise NotKnown(
            f"The validation scores are too optimistic to be used: {found[0].title}"
        )
    if context.case.task in ("regression", "multilabel"):
        raise NotKnown(
            f"The task is {context.case.task}. This report scores only classifiers "
            "with one label per row."
        )


def _alarm(context: ReportContext, name: str) -> Finding | None:
    finding = context.diagnosis.find(name)
    return finding if finding is not None and finding.is_alarm else None


# -------------------------------------------------------------- predictions on all rows


def _by_pooled(context: ReportContext, pooled: Pooled) -> Answer:
    _refuse_copies(context)
    scores: dict[str, tuple[Score | None, ...]] = {
        who: tuple(pooled.scores(who)[name] for name in METRICS)
        for who in pooled.predicted
    }
    titles, measured = tuple(METRICS.values()), "F1, precision and recall"
    ranked = {who: average_precision(pooled, who) for who in scores}
    if ranked[NETWORK] is not None:
        titles, measured = (*titles, _RANKED), f"F1, precision, recall and {_RANKED}"
        scores = {who: (*found, ranked[who]) for who, found in scores.items()}
    rival = pooled.rival(NETWORK, MAJORITY)
    difference = None if rival is None else pooled.difference(NETWORK, rival)
    n_rows, where = len(pooled.truth), ""
    if pooled.groups is not None:
        where = f" of {pooled.n_groups} {pooled.groups_text}"
    kind = (
        "means over all classes"
        if context.pos_label is None
        else f"those of class {context.pos_label!r}"
    )
    caveats = [
        _of_selection(context.folds),
        reconciled(context),
        threshold_sentence(pooled, NETWORK),
    ]
    return _judged(
        titles,
        scores,
        difference,
        0.0,
        f"{n_rows:,} rows{where}, each predicted by a fit that has not seen it",
        f"{pooled.method()} {measured} are {kind}.",
        [caveat for caveat in caveats if caveat],
        rival,
    )


def _of_selection(folds: Folds | None) -> str:
    if folds is None or folds.n_candidates < 2:
        return ""
    return (
        f"The best of {folds.n_candidates} candidates was selected on these same "
        "folds, so its scores are somewhat optimistic. Score it on rows that the "
        "search has not used."
    )


def reconciled(context: ReportContext) -> str:
    """Say in one sentence why the MCC of the parts of the page differ."""
    folds, part = context.folds, context.case.val
    name = "matthews_corrcoef"
    told = []
    if folds is not None and name in folds.scores:
        mean = float(np.mean(folds.scores[name]))
        told.append(
            f"the mean over {len(folds.scores[name])} folds is {mean:.2f} (each fold "
            "counts the same, however few rare rows it has)"
        )
    if context.pooled is not None:
        own = context.pooled.scores(NETWORK)["mcc"].value
        # What is equal when it is written needs no reason.
        told = [one for one in told if f"is {own:.2f} (" not in one]
        told.insert(0, f"all rows together give {own:.2f}")
    if part is not None and part.mcc is not None and context.cv_results is not None:
        told.append(
            f"the last fit has {part.mcc:.2f} on {part.n_rows:,} rows, each left out "
            "once"
            if context.case.is_closed_form
            else f"the last fit has {part.mcc:.2f} on the {part.n_rows:,} rows that it "
            f"held out itself (other rows, and only {part.n_minority:,} of the "
            "smallest class)"
        )
    if len(told) < 2:
        return ""
    return f"The MCC differs by the rows: {', '.join(told)}."


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
        caveats.append(_without_baselines(unknown))
    names = sorted(folds.scores, key=_importance)
    scores = {
        who: tuple(
            of_folds(found[name], _least(name)) if name in found else None
            for name in names
        )
        for who, found in everyone.items()
    }
    caveats += filter(None, [_of_selection(folds), reconciled(context)])
    if "MCC" not in map(metric_title, names):
        do, refit = "cross-validate", ""
        if context.cv_results is not None:
            do, refit = "search", ' and refit="matthews_corrcoef"'
        caveats.append(
            "MCC was not computed. To compute it, "
            f'{do} with scoring=["matthews_corrcoef", "f1"]{refit}.'
        )
    first = names[0]
    difference = None
    if LOGISTIC in everyone and first in everyone[LOGISTIC]:
        paired = np.asarray(folds.scores[first]) - everyone[LOGISTIC][first]
        difference = of_folds(paired, -np.inf, np.inf)
    guess = everyone.get(MAJORITY, {}).get(first)
    return _judged(
        tuple(map(metric_title, names)),
        scores,
        difference,
        _chance(first, guess),
        f"{len(folds.scores[first])} folds",
        _OF_FOLDS.format(n=len(folds.scores[first])) + _scored_labels(folds),
        caveats,
    )


def _scored_labels(folds: Folds) -> str:
    """Say of which class F1 and the like are; scikit-learn's scorers choose it."""
    labels = {
        metric_title(name): label
        for name in sorted(folds.scorers, key=_importance)
        if name in folds.scores
        and (label := scored_label(folds.scorers[name])) is not None
    }
    return "".join(
        f" {title} is of class {label!r}." for title, label in labels.items()
    )


def _refuse_copies(context: ReportContext) -> None:
    """Refuse folds whose training rows were interpolated from their test rows."""
    if context.X is None or context.y is None:
        return
    X, y = np.asarray(context.X), np.asarray(context.y)
    if X.dtype.kind in "biuf" and np.isfinite(X).all() and looks_resampled(X, y):
        raise NotKnown(
            "X was resampled before the folds were drawn, so the scores are too "
            "optimistic to be used. Put the sampler into a skloss.Pipeline."
        )


def _importance(name: str) -> tuple[int, str]:
    order = ("MCC", "F1", "F1 (macro)")
    title = metric_title(name)
    return (order.index(title) if title in order else len(order), title)


def _least(name: str) -> float:
    """Lower bound of a metric; minus infinity if it has none."""
    if metric_title(name) == "MCC":
        return -1.0
    return -np.inf if name.startswith("neg_") or name == "score" else 0.0


def _chance(name: str, guess: np.ndarray | None) -> float | None:
    """Score of guessing; None if it is not known."""
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
    positive = 1 if context.positive is None else context.positive
    scores = {NETWORK: _row(of_counts(table, positive))}
    caveats, difference = [], None
    try:
        if context.split is None:
            raise NotKnown(context.split_reason)
        truth, predicted = baseline_predictions(context.split, context.estimator)
        tables = {
            name: confusion_matrix(truth, codes, len(table))
            for name, codes in predicted.items()
        }
        guess = tables[MAJORITY]
        scores[LOGISTIC] = _row(of_counts(tables[LOGISTIC], positive))
        if held_out is not None and np.array_equal(held_out.truth, truth):
            joint = _joint(truth, held_out.predicted, predicted[LOGISTIC], len(table))
            difference = of_difference(joint)["mcc"]
    except (NotKnown, ValueError) as unknown:
        caveats.append(_without_baselines(unknown))
    scores[MAJORITY] = _row(totals(guess, positive))
    caveats += _caveats_of_rows(context)
    kind = (
        "means over all classes"
        if context.pos_label is None
        else f"those of class {context.pos_label!r}"
    )
    return _judged(
        metrics,
        scores,
        difference,
        0.0,
        f"{part.n_rows:,} held-out rows, of which {part.n_minority:,} belong to the "
        "smallest class",
        _OF_ROWS.format(kind=kind),
        caveats,
    )


def _why_no_rows(context: ReportContext) -> str:
    if context.case.holdout == "none":
        return (
            "No rows were held out, and scores on training rows are not used. Set "
            "validation_fraction, or pass X_val and y_val to fit."
        )
    if context.estimator is None and context.case.layers is None:
        return (
            "Curves do not contain the confusion matrix that the scores are computed "
            "from. Pass the fitted classifier or its record to skloss.report."
        )
    return (
        "There are no held-out rows, and scores on training rows are not used. Pass "
        "X_val and y_val, rows that the network was not trained on, to skloss.report."
    )


def _row(scores: Mapping[str, Score]) -> tuple[Score, ...]:
    return tuple(scores[name] for name in METRICS)


def _joint(truth: Any, own: Any, other: Any, n_classes: int) -> np.ndarray:
    """Count rows by true class and both predicted classes, ``(K, K, K)``."""
    table = np.zeros((n_classes,) * 3)
    np.add.at(table, (truth, own, other), 1)
    return table


def _caveats_of_rows(context: ReportContext) -> list[str]:
    training, caveats = context.case.training, []
    if training is not None and training.restore_best and training.patience:
        caveats.append(
            "The best epoch was selected on these same rows, so the scores are "
            "slightly optimistic."
        )
    return caveats


# ----------------------------------------------------------------------------- verdict


def _without_baselines(why: Exception) -> str:
    return f"No logistic regression was fitted for comparison. {why}"


def _judged(
    metrics: tuple[str, ...],
    scores: Mapping[str, tuple[Score | None, ...]],
    difference: Score | None,
    chance: float | None,
    where: str,
    measured_on: str,
    caveats: list[str],
    rival: str | None = LOGISTIC,
) -> Answer:
    own = scores[NETWORK][0]
    assert own is not None  # noqa: S101 - for the type checker
    verdict, headline = _verdict(own, difference, chance, _RIVALS.get(rival or ""))
    stated = " and ".join(
        f"{title} {score!r}"
        for title, score in zip(metrics[:2], scores[NETWORK], strict=False)
        if score is not None
    )
    sentence = f"The classifier scores {stated} on {where}."
    of_rival = scores.get(rival or "", (None,))[0]
    if of_rival is not None:
        who = _RIVALS[rival or ""]
        verb = "score" if who.endswith("s") else "scores"
        sentence += (
            f" {who[0].upper()}{who[1:]} {verb} {metrics[0]} {of_rival!r} on the same "
            "rows."
        )
    order = (NETWORK, TREES, LOGISTIC, MAJORITY)
    ordered = {name: scores[name] for name in order if name in scores}
    return Answer(
        verdict, headline, sentence, metrics, ordered, measured_on, tuple(caveats)
    )


def _verdict(
    own: Score, difference: Score | None, chance: float | None, rival: str | None
) -> tuple[Verdict, str]:
    if not np.isfinite(own.value):
        return "no", "No: it has no valid score on some folds"
    if own.low is None:
        return "unknown", "Unknown: one fold gives no interval"
    if chance is None:
        return "unknown", "Unknown: the score of guessing is not known"
    if own.value <= chance + _NOTICEABLE:
        return "no", "No: it is not better than guessing"
    if own.low <= chance:
        return "unclear", "Unclear: the interval includes the score of guessing"
    if difference is None:
        return "partly", "Better than guessing; not compared with other baselines"
    if difference.low is not None and difference.low > 0:
        return "yes", f"Yes: better than guessing and than {rival}"
    if difference.high is not None and difference.high < 0:
        verb = "are" if rival and rival.endswith("s") else "is"
        return "no", f"No: {rival} {verb} better"
    return "partly", f"Better than guessing, not clearly than {rival}"
