"""Pictures of a page: displays as SVG, each with words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.diagnosis.evidence.training_loss import guess_of_validation
from skloss.reports.confusion_tables import best_threshold
from skloss.reports.context import HeldOut, NotKnown, ReportContext
from skloss.reports.svg import draw
from skloss.reports.tables import metric_title

__all__ = ["Picture", "curve_pictures", "score_pictures", "search_pictures"]

# The first of these that all folds have is drawn.
_SHOWN = ("val_mcc", "val_loss", "mcc", "loss")


@dataclass(frozen=True)
class Picture:
    """A drawing with its title and a sentence that says the same.

    Parameters
    ----------
    title : str
        What it shows.
    alt : str
        What there is to see in it.
    svg : str
        One ``<svg>`` element.
    """

    title: str
    alt: str
    svg: str


def curve_pictures(context: ReportContext) -> tuple[list[Picture], list[str]]:
    """Losses, metrics, and the curves of all folds; and why some are missing."""
    return _all(context, _losses, _metrics, _folds)


def score_pictures(context: ReportContext) -> tuple[list[Picture], list[str]]:
    """Scores over the threshold, and calibration."""
    return _all(context, _thresholds, _calibration, _precision_recall, _roc)


def search_pictures(context: ReportContext) -> tuple[list[Picture], list[str]]:
    """Scores over the parameters of a search."""
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
    if not history.get("loss"):
        raise NotKnown("There is no training loss to draw.")

    def plot(figure: Any) -> None:
        ax = figure.subplots()
        LossCurveDisplay.from_record(
            context.record,
            ax=ax,
            diagnosis=diagnosis,
            constant_guess=guess_of_validation(context.case),
        )

    alt = _course(history, "loss", "Training loss")
    if history.get("val_loss"):
        alt += ". " + _course(history, "val_loss", "Validation loss", np.argmin)
    else:
        alt += ". There is no validation loss, since no rows were held out"
    return Picture("Losses", f"{alt}.", draw("losses", plot))


def _metrics(context: ReportContext) -> Picture:
    from skloss.displays import MetricCurveDisplay

    history = context.record.history
    names = ("mcc", "f1", "precision", "recall")
    shown = [name for name in names if {name, f"val_{name}"} & history.keys()]
    if not shown:
        raise NotKnown("There are no curves of MCC, F1, precision or recall to draw.")

    def plot(figure: Any) -> None:
        MetricCurveDisplay.from_record(context.record, ax=figure.subplots())

    said = []
    for name in shown:
        side = f"val_{name}" if f"val_{name}" in history else name
        title = name.upper() if name in ("mcc", "f1") else name
        where = "Validation " if side != name else "Training "
        said.append(_course(history, side, where + title, np.argmax))
    return Picture("Metrics", ". ".join(said) + ".", draw("metrics", plot))


def _folds(context: ReportContext) -> Picture:
    from skloss.displays import FoldCurvesDisplay

    records = context.records
    if context.folds is None:
        raise NotKnown
    if context.cv_results is not None:
        raise NotKnown(
            "A search keeps no curves of its folds; "
            "cross_validate(search.best_estimator_, X, y, return_estimator=True) does."
        )
    shared = set.intersection(*(set(record.history) for record in records), {*_SHOWN})
    if not shared:
        raise NotKnown("The estimators of the folds have no curves.")
    curve = next(name for name in _SHOWN if name in shared)

    def plot(figure: Any) -> None:
        FoldCurvesDisplay.from_records(records, curve=curve, ax=figure.subplots())

    ends = [np.asarray(record.history[curve], float)[-1] for record in records]
    alt = (
        f"Curve {curve} of {len(records)} folds; it ends between {np.nanmin(ends):.3g} "
        f"and {np.nanmax(ends):.3g}."
    )
    return Picture("Curves of all folds", alt, draw("folds", plot))


# ------------------------------------------------------------------------------ scores


def _thresholds(context: ReportContext) -> Picture:
    from skloss.displays import ThresholdDisplay

    held_out = _two_classes(context)

    def plot(figure: Any) -> None:
        ThresholdDisplay.from_predictions(
            held_out.truth,
            held_out.scores,
            threshold=best_threshold(held_out),
            ax=figure.subplots(),
        )

    alt = (
        "Precision, recall, F1 and MCC over the threshold, on the rows held out. The "
        f"highest MCC is at the threshold {best_threshold(held_out):.3g}."
    )
    return Picture("Scores over the threshold", alt, draw("thresholds", plot))


def _calibration(context: ReportContext) -> Picture:
    from skloss.displays import ProbabilityDisplay

    held_out, priors = _two_classes(context), context.record.data.get("priors", {})
    if "train" not in priors or "original" not in priors:
        raise NotKnown("The priors are not known, so that calibration is not shown.")

    def plot(figure: Any) -> None:
        ProbabilityDisplay.from_predictions(
            held_out.truth,
            held_out.scores,
            train_prior=priors["train"][1],
            prior=priors["original"][1],
            ax=figure.subplots(),
        )

    alt = (
        f"Share of class {context.classes[1]} among the rows held out, over the "
        f"probability that the network gives; on average it gives "
        f"{held_out.scores.mean():.3g}, and {held_out.truth.mean():.3g} are."
    )
    return Picture("Calibration", alt, draw("calibration", plot))


def _precision_recall(context: ReportContext) -> Picture:
    from skloss.displays import PrecisionRecallCurvesDisplay

    return _ranking(context, PrecisionRecallCurvesDisplay, "Precision and recall")


def _roc(context: ReportContext) -> Picture:
    from skloss.displays import RocCurvesDisplay

    return _ranking(context, RocCurvesDisplay, "ROC curves")


def _ranking(context: ReportContext, display: Any, title: str) -> Picture:
    held_out, names = context.held_out, context.classes
    if held_out is None or held_out.scores.ndim == 1:
        raise NotKnown
    truth = np.asarray(names)[held_out.truth]

    def plot(figure: Any) -> None:
        display.from_predictions(
            truth, held_out.scores, classes=names, ax=figure.subplots()
        )

    alt = f"{title} of {len(names)} classes, each against the rest, on rows held out."
    return Picture(title, alt, draw(title.split()[0].lower(), plot))


def _two_classes(context: ReportContext) -> HeldOut:
    held_out = context.held_out
    if held_out is None:
        raise NotKnown(
            "Thresholds and calibration need probabilities of rows held out; give a "
            "classifier with predict_proba, with X_val and y_val."
        )
    if held_out.scores.ndim != 1:
        raise NotKnown  # thresholds are for two classes
    if not np.isfinite(held_out.scores).all() or len(np.unique(held_out.truth)) < 2:
        raise NotKnown("The rows held out are of one class, or without finite scores.")
    if np.ptp(held_out.scores) == 0:
        raise NotKnown("All rows held out have one score, which no threshold divides.")
    return held_out


# ------------------------------------------------------------------------------ search


def _effects(context: ReportContext) -> Picture:
    return _of_search(context, "auto", "Scores over the parameters")


def _cost(context: ReportContext) -> Picture:
    if context.cv_results is not None and "mean_fit_time" not in context.cv_results:
        raise NotKnown("The seconds of a fit are not known.")
    return _of_search(context, "cost", "Score and cost")


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
    what = "Scores" if metric is None else metric_title(metric)
    alt = (
        f"{what} of {len(means)} candidates: {np.nanmin(means):.3g} to "
        f"{np.nanmax(means):.3g}. "
    )
    if kind == "cost":
        seconds = np.asarray(results["mean_fit_time"], float)
        alt += (
            f"A fit takes {np.nanmin(seconds):.2g} to {np.nanmax(seconds):.2g} "
            f"seconds, one of the winner {seconds[best]:.2g}."
        )
    elif "params" in results:
        params = results["params"][best].items()
        said = ", ".join(f"{n.rpartition('__')[2]} {value}" for n, value in params)
        alt += f"The winner has {said}."
    return Picture(title, alt, svg)


def _course(
    history: Any, name: str, title: str, best: Callable[..., Any] | None = None
) -> str:
    """Say where a curve starts and ends, and where it is best."""
    values = np.asarray(history[name], float)
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return f"{title} is never finite"
    first, last = values[finite[0]], values[finite[-1]]
    if len(finite) == 1:
        return f"{title} is {first:.3g} after one epoch"
    if not np.ptp(values[finite]):
        return f"{title} stays at {first:.3g} in all {len(finite)} epochs"
    text = f"{title} goes from {first:.3g} to {last:.3g} in {len(values)} epochs"
    if best is None:
        return text
    at = finite[int(best(values[finite]))]
    return f"{text}, and is best, {values[at]:.3g}, in epoch {at + 1}"
