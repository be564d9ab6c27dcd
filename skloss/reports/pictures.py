"""Figures of a report: displays as SVG, each with a text for screen readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.diagnosis.evidence.training_loss import guess_of_validation
from skloss.reports.context import HeldOut, NotKnown, ReportContext
from skloss.reports.svg import draw
from skloss.reports.tables import metric_title

__all__ = ["Picture", "curve_pictures", "score_pictures", "search_pictures"]

# The first of these curves that all folds have is drawn.
_SHOWN = ("val_mcc", "val_loss", "mcc", "loss")


@dataclass(frozen=True)
class Picture:
    """A figure with its title and a text that describes it.

    Parameters
    ----------
    title : str
        Title of the figure.
    alt : str
        Description of the contents, for the caption and for screen readers.
    svg : str
        One ``<svg>`` element.
    """

    title: str
    alt: str
    svg: str


def curve_pictures(context: ReportContext) -> tuple[list[Picture], list[str]]:
    """Draw losses, their gap, metrics and folds; also return why some are missing."""
    return _all(context, _losses, _gap, _metrics, _folds)


def score_pictures(context: ReportContext) -> tuple[list[Picture], list[str]]:
    """Draw metrics versus threshold, calibration, and ranking curves."""
    return _all(context, _thresholds, _calibration, _precision_recall, _roc)


def search_pictures(context: ReportContext) -> tuple[list[Picture], list[str]]:
    """Draw the scores of a search versus its parameters and versus fit time."""
    return _all(context, _effects, _cost)


def _all(
    context: ReportContext, *makers: Callable[[ReportContext], Picture]
) -> tuple[list[Picture], list[str]]:
    pictures, reasons = [], []
    for make in makers:
        try:
            pictures.append(make(context))
        except (NotKnown, ValueError) as unknown:
            if str(unknown) and str(unknown) not in reasons:
                reasons.append(str(unknown))
    return pictures, reasons


# ------------------------------------------------------------------------------ curves


def _losses(context: ReportContext) -> Picture:
    from skloss.displays import LossCurveDisplay

    history, diagnosis = context.record.history, context.diagnosis
    rows = context.case.rows
    if not history.get("loss"):
        raise NotKnown("There is no curve of the training loss.")

    def plot(figure: Any) -> None:
        ax = figure.subplots()
        LossCurveDisplay.from_record(
            context.record,
            ax=ax,
            diagnosis=diagnosis,
            constant_guess=guess_of_validation(context.case),
            error_floor=None if rows is None else rows.lowest_loss,
        )

    alt = _course(history, "loss", "Training loss")
    if history.get("val_loss"):
        alt += ". " + _course(history, "val_loss", "Validation loss", np.argmin)
    else:
        alt += ". There is no validation loss"
    return Picture("Losses", f"{alt}.", draw("losses", plot))


def _gap(context: ReportContext) -> Picture:
    from skloss.displays import LossGapDisplay

    gap = context.diagnosis.gap
    if gap is None:
        raise NotKnown

    def plot(figure: Any) -> None:
        LossGapDisplay(gap).plot(figure.subplots())

    title = "From the printed training loss to the validation loss"
    return Picture(title, gap.sentence, draw("gap", plot))


def _metrics(context: ReportContext) -> Picture:
    from skloss.displays import MetricCurveDisplay

    history = context.record.history
    names = ("mcc", "f1", "precision", "recall")
    shown = [name for name in names if {name, f"val_{name}"} & history.keys()]
    if not shown:
        raise NotKnown("There are no curves of MCC, F1, precision or recall.")

    def plot(figure: Any) -> None:
        MetricCurveDisplay.from_record(context.record, ax=figure.subplots())

    sentences = []
    for name in shown:
        curve = f"val_{name}" if f"val_{name}" in history else name
        title = name.upper() if name in ("mcc", "f1") else name
        split = "Validation " if curve != name else "Training "
        sentences.append(_course(history, curve, split + title, np.argmax))
    return Picture("Metrics", ". ".join(sentences) + ".", draw("metrics", plot))


def _folds(context: ReportContext) -> Picture:
    from skloss.displays import FoldCurvesDisplay

    records = context.records
    if context.folds is None:
        raise NotKnown
    if context.cv_results is not None:
        raise NotKnown(
            "A search does not keep the curves of its folds. For these, pass the "
            "result of cross_validate(search.best_estimator_, X, y, "
            "return_estimator=True) to skloss.report."
        )
    shared = set.intersection(*(set(record.history) for record in records), {*_SHOWN})
    if not shared:
        raise NotKnown("The estimators of the folds have no curves.")
    curve = next(name for name in _SHOWN if name in shared)

    def plot(figure: Any) -> None:
        FoldCurvesDisplay.from_records(records, curve=curve, ax=figure.subplots())

    ends = [np.asarray(record.history[curve], float)[-1] for record in records]
    alt = (
        f"{curve} of {len(records)} folds. The values at the last epoch are between "
        f"{np.nanmin(ends):.3g} and {np.nanmax(ends):.3g}."
    )
    return Picture("Curves of all folds", alt, draw("folds", plot))


# ------------------------------------------------------------------------------ scores


def _thresholds(context: ReportContext) -> Picture:
    from skloss.displays import ThresholdDisplay

    held_out = _two_classes(context)

    def plot(figure: Any) -> None:
        ThresholdDisplay.from_predictions(
            _named_truth(context, held_out),
            held_out.scores,
            threshold=held_out.best_threshold,
            pos_label=context.pos_label,
            ax=figure.subplots(),
        )

    alt = (
        f"Precision, recall and F1 of class {context.pos_label}, and MCC, on the "
        "held-out rows at each threshold. MCC is "
        f"highest at threshold {held_out.best_threshold:.3g}."
    )
    return Picture("Metrics versus threshold", alt, draw("thresholds", plot))


def _calibration(context: ReportContext) -> Picture:
    from skloss.displays import ProbabilityDisplay

    held_out, priors = _two_classes(context), context.record.data.get("priors", {})
    if "train" not in priors or "original" not in priors:
        raise NotKnown("The priors are not known, so that calibration is not shown.")

    def plot(figure: Any) -> None:
        ProbabilityDisplay.from_predictions(
            _named_truth(context, held_out),
            held_out.scores,
            train_prior=priors["train"][held_out.positive],
            prior=priors["original"][held_out.positive],
            pos_label=context.pos_label,
            ax=figure.subplots(),
        )

    alt = (
        f"Actual share of class {context.pos_label} versus predicted probability, on "
        f"the held-out rows. Mean predicted probability {held_out.scores.mean():.3g}; "
        f"actual share {held_out.is_positive.mean():.3g}."
    )
    return Picture("Calibration", alt, draw("calibration", plot))


def _precision_recall(context: ReportContext) -> Picture:
    from skloss.displays import PrecisionRecallCurvesDisplay

    return _ranking(context, PrecisionRecallCurvesDisplay, "Precision-recall curves")


def _roc(context: ReportContext) -> Picture:
    from skloss.displays import RocCurvesDisplay

    return _ranking(context, RocCurvesDisplay, "ROC curves")


def _ranking(context: ReportContext, display: Any, title: str) -> Picture:
    held_out, names = context.held_out, context.classes
    if held_out is None or held_out.positive is not None:
        raise NotKnown
    truth = _named_truth(context, held_out)

    def plot(figure: Any) -> None:
        display.from_predictions(
            truth, held_out.scores, classes=names, ax=figure.subplots()
        )

    alt = f"{title} of {len(names)} classes, each versus the rest, on held-out rows."
    return Picture(title, alt, draw(title.split()[0].lower(), plot))


def _named_truth(context: ReportContext, held_out: HeldOut) -> np.ndarray:
    """Names of the true classes, which the pictures show."""
    n_classes = 2 if held_out.positive is not None else held_out.scores.shape[1]
    return np.asarray(context.class_names(n_classes))[held_out.truth]


def _two_classes(context: ReportContext) -> HeldOut:
    held_out = context.held_out
    if held_out is None:
        raise NotKnown(
            "Threshold and calibration curves need predicted probabilities of held-out "
            "rows. Pass a classifier with predict_proba, X_val and y_val to "
            "skloss.report."
        )
    if held_out.positive is None:
        raise NotKnown  # thresholds are for two classes
    if not np.isfinite(held_out.scores).all() or len(np.unique(held_out.truth)) < 2:
        raise NotKnown(
            "Threshold and calibration curves are not shown, because the held-out rows "
            "have one class only or scores that are not finite."
        )
    if np.ptp(held_out.scores) == 0:
        raise NotKnown(
            "Threshold and calibration curves are not shown, because all held-out rows "
            "have the same score."
        )
    return held_out


# ------------------------------------------------------------------------------ search


def _effects(context: ReportContext) -> Picture:
    return _of_search(context, "auto", "Score versus parameters")


def _cost(context: ReportContext) -> Picture:
    if context.cv_results is not None and "mean_fit_time" not in context.cv_results:
        raise NotKnown("The fit times are not known.")
    return _of_search(context, "cost", "Score versus fit time")


def _of_search(context: ReportContext, kind: Any, title: str) -> Picture:
    from skloss.displays import SearchDisplay

    results, metric = context.cv_results, context.refit_metric
    if results is None:
        raise NotKnown
    if len(results.get("params", (0, 0))) < 2:
        raise NotKnown("One candidate has nothing to be compared with.")
    if metric is not None and f"mean_test_{metric}" not in results:
        metric = None

    chosen = context.best_candidate

    def plot(_: Any) -> Any:
        return SearchDisplay.from_cv_results(
            results, metric=metric, winner=chosen, kind=kind
        )

    svg = draw(f"search-{kind}", plot)
    means = np.asarray(results[f"mean_test_{metric or 'score'}"], float)
    best = int(np.nanargmax(means)) if chosen is None else int(chosen)
    what = "score" if metric is None else metric_title(metric)
    alt = (
        f"The mean {what} of {len(means)} candidates is between {np.nanmin(means):.3g} "
        f"and {np.nanmax(means):.3g}. "
    )
    if kind == "cost":
        seconds = np.asarray(results["mean_fit_time"], float)
        alt += (
            f"A fit takes {np.nanmin(seconds):.2g} to {np.nanmax(seconds):.2g} "
            f"seconds; a fit of the winner takes {seconds[best]:.2g} seconds."
        )
    elif "params" in results:
        params = results["params"][best].items()
        values = ", ".join(f"{n.rpartition('__')[2]} {value}" for n, value in params)
        alt += f"The winner has {values}."
    return Picture(title, alt, svg)


def _course(
    history: Any, name: str, title: str, best: Callable[..., Any] | None = None
) -> str:
    """Describe a curve by its first, last and best value."""
    values = np.asarray(history[name], float)
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return f"{title} has no finite value"
    first, last = values[finite[0]], values[finite[-1]]
    if len(finite) == 1:
        return f"{title} is {first:.3g} after one epoch"
    if not np.ptp(values[finite]):
        return f"{title} stays at {first:.3g} in all {len(finite)} epochs"
    penalties = history.get("penalty")
    over = f"{len(values)} epochs" if penalties is None else f"{len(values)} penalties"
    text = f"{title} changes from {first:.3g} to {last:.3g} in {over}"
    if best is None:
        return text
    at = finite[int(best(values[finite]))]
    if penalties is not None:
        return f"{text}; the best value is {values[at]:.3g} at {penalties[at]:.1e}"
    return f"{text}; the best value is {values[at]:.3g} in epoch {at + 1}"
