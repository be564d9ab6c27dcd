"""Tables of a page as plain data: candidates, errors, curves, and what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.diagnosis.text import tally, value_text
from skloss.metrics import ConfusionCounts, confusion_matrix
from skloss.reports.subject import HeldOut, NotKnown, Subject

__all__ = [
    "Cell",
    "Table",
    "best_threshold",
    "candidates",
    "classes",
    "columns",
    "confusions",
    "curves",
    "layers",
    "metric_title",
    "parameters",
]

_TITLES = {
    "matthews_corrcoef": "MCC",
    "mcc": "MCC",
    "f1": "F1",
    "f1_macro": "F1 (macro)",
    "f1_weighted": "F1 (weighted)",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
}
_MOST_CANDIDATES = 1_000
_MOST_CELLS = 8_000
_MOST_EPOCHS = 100
_MOST_CLASSES = 20
_MOST_COLUMNS = 200
_MOST_TEXT = 120
_CURVES = (
    "loss",
    "val_loss",
    "val_loss_at_train_prior",
    "accuracy",
    "val_accuracy",
    "mcc",
    "val_mcc",
    "f1",
    "val_f1",
    "learning_rate",
)


@dataclass(frozen=True)
class Cell:
    """A text, and the number that it is sorted by."""

    text: str
    number: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows under headers; the first cell of a row is its header.

    Parameters
    ----------
    title : str
        What a screen reader announces.
    columns : tuple of str
        Headers.
    rows : tuple of tuple of Cell
        As many cells as columns.
    notes : tuple of str, default=()
        What is left out, and why.
    marked : tuple of int, default=()
        Rows to mark: the winner, the best epoch.
    is_sortable : bool, default=False
        Whether a click on a header sorts.
    is_folded : bool, default=False
        Whether a click on its title shows it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()
    is_sortable: bool = False
    is_folded: bool = False


def _cell(value: Any, form: str | None = None) -> Cell:
    """Write a value as text; numbers keep what they are sorted by."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = (
            value_text(value) if isinstance(value, bool | list | tuple) else str(value)
        )
        return Cell(text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…")
    if value != value:
        return Cell("none")
    return Cell(format(value, form) if form else value_text(value), float(value))


def metric_title(name: str) -> str:
    """Name of a scorer in words.

    Examples
    --------
    >>> metric_title("matthews_corrcoef"), metric_title("jaccard_weighted")
    ('MCC', 'jaccard weighted')
    """
    return _TITLES.get(name, name.replace("_", " "))


# -------------------------------------------------------------------------- candidates


def candidates(results: Mapping[str, Any], refit_metric: str | None) -> Table:
    """Table of a search's candidates, the best first.

    Parameters
    ----------
    results : mapping
        ``cv_results_`` of a search.
    refit_metric : str or None
        What the winner was chosen by; None takes the first metric.

    Raises
    ------
    NotKnown
        If there are no scores.
    """
    metrics = [
        name.removeprefix("mean_test_") for name in results if "mean_test_" in name
    ]
    if not metrics:
        raise NotKnown("The search has no scores to show.")
    chosen = refit_metric if refit_metric in metrics else metrics[0]
    means = np.asarray(results[f"mean_test_{chosen}"], float)
    order = np.argsort(-np.where(np.isfinite(means), means, -np.inf), kind="stable")
    params = results["params"]
    names = list(dict.fromkeys(name for one in params for name in one))
    sides = [side for side in ("test", "train") if f"mean_{side}_{chosen}" in results]
    columns = ["rank", *_short(names)]
    columns += [
        f"{metric_title(metric)} ({side})" for side in sides for metric in metrics
    ]
    most = min(_MOST_CANDIDATES, _MOST_CELLS // (len(columns) + 1))
    rows = []
    for rank, number in enumerate(order[:most].tolist(), start=1):
        cells = [_cell(rank), *(_cell(params[number].get(n, "")) for n in names)]
        for side in sides:
            cells += [_spread(results, side, metric, number) for metric in metrics]
        if "mean_fit_time" in results:
            cells.append(_cell(float(results["mean_fit_time"][number]), ".2f"))
        rows.append(tuple(cells))
    if "mean_fit_time" in results:
        columns.append("fit (seconds)")
    notes = ["Mean ± standard deviation over the folds."]
    if "train" not in sides:
        notes.append(
            "There are no scores on training rows; search with return_train_score=True "
            "to see which candidates over-fit."
        )
    if len(order) > most:
        notes.append(f"The best {most:,} of {len(order):,} candidates.")
    n_failed = int((~np.isfinite(means)).sum())
    if n_failed:
        notes.append(
            f"{tally(n_failed, 'candidate')} could not be scored on every fold."
        )
    return Table(
        f"Candidates, the best by {metric_title(chosen)} first",
        tuple(columns),
        tuple(rows),
        tuple(notes),
        (0,),
        is_sortable=True,
    )


def _spread(results: Mapping[str, Any], side: str, metric: str, number: int) -> Cell:
    mean = float(results[f"mean_{side}_{metric}"][number])
    if not np.isfinite(mean):
        return Cell("failed")
    sd = float(results[f"std_{side}_{metric}"][number])
    return Cell(f"{mean:.3f} ± {sd:.3f}", mean)


def _short(names: Sequence[str]) -> list[str]:
    """Names without their steps, unless two would be alike."""
    short = [name.rpartition("__")[2] for name in names]
    return [
        name if short.count(part) > 1 else part
        for name, part in zip(names, short, strict=True)
    ]


# ------------------------------------------------------------------------------ errors


def best_threshold(held_out: HeldOut) -> float:
    """Threshold of the highest MCC, midway between two scores.

    Examples
    --------
    >>> best_threshold(HeldOut(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.4])))
    0.3
    """
    scores, truth = held_out.scores, held_out.truth
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(truth[order])[last].astype(float)
    called = np.flatnonzero(last) + 1.0
    n, ones = float(len(truth)), float(truth.sum())
    below = np.sqrt(called * (n - called) * ones * (n - ones))
    covariance = hits * n - called * ones
    values = np.divide(covariance, below, out=np.zeros_like(hits), where=below > 0)
    levels = scores[order][last]
    best = int(values.argmax())
    lower = levels[best + 1] if best + 1 < len(levels) else levels[best]
    return round(float((levels[best] + lower) / 2), 12)


def confusions(subject: Subject) -> list[Table]:
    """Confusion matrices of the rows held out: at 0.5, and at the best threshold.

    Raises
    ------
    NotKnown
        If there are no such rows.
    """
    part, held_out = subject.case.val, subject.held_out
    if part is None or part.confusion is None:
        raise NotKnown(
            "The errors on rows held out are not known; pass X_val and y_val, or give "
            "a classifier that held rows out."
        )
    names = _class_names(subject, len(part.counts))
    if len(names) > _MOST_CLASSES:
        raise NotKnown(
            f"A matrix of {len(names)} classes is too large for a page; "
            "sklearn.metrics.ConfusionMatrixDisplay draws it."
        )
    title = "At the threshold 0.5" if len(names) == 2 else "By the most probable class"
    found = [_confusion(title, np.asarray(part.confusion), names)]
    is_known = held_out is not None and np.isfinite(held_out.scores).all()
    if held_out is None or len(names) != 2:
        return found
    if not is_known or len(np.unique(held_out.truth)) < 2:
        return found
    threshold = best_threshold(held_out)
    guessed = (held_out.scores >= threshold).astype(int)
    table = confusion_matrix(held_out.truth, guessed, 2)
    note = (
        "The threshold was chosen on these same rows, so that its MCC is too good; "
        "sklearn.model_selection.TunedThresholdClassifierCV chooses one honestly."
    )
    title = f"At the threshold of the best MCC, {threshold:.3g}"
    return [*found, _confusion(title, table, names, (note,))]


def _confusion(
    title: str, table: np.ndarray, names: Sequence[str], notes: tuple[str, ...] = ()
) -> Table:
    counts = ConfusionCounts(table)
    summary = (
        f"MCC {counts.mcc:.2f}, F1 {counts.f1:.2f}, precision {counts.precision:.2f}, "
        f"recall {counts.recall:.2f}, accuracy {counts.accuracy:.2f}."
    )
    rows = tuple(
        (Cell(name), *(_cell(float(n), ",.0f") for n in row))
        for name, row in zip(names, table.tolist(), strict=True)
    )
    columns = ("true class", *(f"called {name}" for name in names))
    diagonal = tuple(range(len(rows)))
    return Table(title, columns, rows, (summary, *notes), diagonal)


def _class_names(subject: Subject, n_classes: int) -> list[str]:
    known = subject.classes
    return known if len(known) == n_classes else [str(c) for c in range(n_classes)]


# -------------------------------------------------------------------- rows and classes


def classes(subject: Subject) -> Table:
    """Rows of each class: natural, trained on, held out.

    Raises
    ------
    NotKnown
        If they are not known.
    """
    case = subject.case
    counted = subject.record.data.get("class_counts", {})
    parts: dict[str, Any] = {
        "natural training rows": counted.get("natural") or _counts(case.natural),
        "trained on": counted.get("trained") or _counts(case.train),
        "held out": counted.get("validation") or _counts(case.val),
    }
    if parts["natural training rows"] == parts["trained on"]:
        del parts["natural training rows"]
    parts = {name: counts for name, counts in parts.items() if counts}
    if not parts:
        raise NotKnown(
            "The rows are not known; give the fitted classifier with X and y."
        )
    lengths = {len(counts) for counts in parts.values()}
    if len(lengths) > 1:
        raise NotKnown("The classes of the two sides do not match.")
    names = _class_names(subject, lengths.pop())
    rows = []
    for number, name in enumerate(names[:_MOST_CLASSES]):
        cells = [Cell(name)]
        for counts in parts.values():
            share = counts[number] / max(sum(counts), 1)
            cells.append(
                Cell(f"{int(counts[number]):,} ({share:.1%})", float(counts[number]))
            )
        rows.append(tuple(cells))
    sums = (_cell(float(sum(counts)), ",.0f") for counts in parts.values())
    rows.append((Cell("all"), *sums))
    notes = (
        (f"The first {_MOST_CLASSES} of {len(names)} classes.",)
        if len(names) > _MOST_CLASSES
        else ()
    )
    return Table("Rows of each class", ("class", *parts), tuple(rows), notes)


def _counts(part: Any) -> list[int] | None:
    return None if part is None else list(part.counts)


def columns(subject: Subject) -> Table:
    """Ranges of the columns, as the network sees them.

    Raises
    ------
    NotKnown
        If they are not known.
    """
    ranges = subject.record.data.get("columns")
    if not ranges:
        raise NotKnown("The ranges of the columns are not known.")
    names = subject.column_names
    n_columns = len(ranges["median"])
    if len(names) != n_columns:
        names = [str(number) for number in range(n_columns)]
    shown = [
        key for key in ("min", "p01", "median", "p99", "max", "std") if key in ranges
    ]
    rows = tuple(
        (Cell(name), *(_cell(float(ranges[key][number]), ".4g") for key in shown))
        for number, name in enumerate(names[:_MOST_COLUMNS])
    )
    left_out = f"The first {_MOST_COLUMNS} of {n_columns:,} columns."
    return Table(
        "Columns as the network sees them",
        ("column", *shown),
        rows,
        (left_out,) if n_columns > _MOST_COLUMNS else (),
        is_folded=True,
    )


# ------------------------------------------------------------------------------ curves


def curves(subject: Subject) -> Table:
    """Curves as numbers; of many epochs some, among them the best and the last.

    Raises
    ------
    NotKnown
        If there are none.
    """
    history = {
        n: c for n, c in subject.record.history.items() if n in _CURVES and len(c)
    }
    if not history:
        raise NotKnown("There are no curves to show.")
    names = [name for name in _CURVES if name in history]
    n_epochs, best = len(history[names[0]]), subject.record.best_epoch
    step = max(1, -(-n_epochs // _MOST_EPOCHS))
    shown = sorted({*range(0, n_epochs, step), n_epochs - 1, *_known(best)})
    rows = tuple(
        (
            _cell(epoch + 1),
            *(_cell(float(history[name][epoch]), ".4g") for name in names),
        )
        for epoch in shown
    )
    notes = (f"Every {step}th epoch, the best and the last.",) if step > 1 else ()
    marked = tuple(shown.index(epoch) for epoch in _known(best))
    columns = ("epoch", *(name.replace("_", " ") for name in names))
    return Table("Curves as numbers", columns, rows, notes, marked, is_folded=True)


def _known(epoch: int | None) -> tuple[int, ...]:
    return () if epoch is None else (epoch,)


# ---------------------------------------------------------------------- what was asked


def parameters(subject: Subject) -> list[Table]:
    """Parameters of the classifier: those that were changed, then the others.

    Raises
    ------
    NotKnown
        If they are not known.
    """
    given = subject.record.configuration.get("parameters")
    defaults = default_parameters(subject)
    if not given or not defaults:
        given = given or _facts(subject)
        if not given:
            raise NotKnown(
                "The configuration is not known; give the fitted classifier."
            )
        rows = tuple((Cell(name), _value(value)) for name, value in given.items())
        return [Table("Parameters", ("parameter", "value"), rows)]
    changed, rest = [], []
    for name, value in given.items():
        if name in defaults and _same(value, defaults[name]):
            rest.append((Cell(name), _value(value)))
        else:
            default = _value(defaults[name]) if name in defaults else Cell("")
            changed.append((Cell(name), _value(value), default))
    columns = ("parameter", "value", "default")
    found = [Table("Parameters that were changed", columns, tuple(changed))]
    if not changed:
        found = []
    title = "Parameters left at their defaults"
    return [*found, Table(title, columns[:2], tuple(rest), is_folded=True)]


def default_parameters(subject: Subject) -> dict[str, Any]:
    """Defaults of a classifier of skloss, by its name."""
    import inspect

    import skloss

    name = subject.record.configuration.get("estimator")
    if name not in skloss.__all__:
        return {}
    signature = inspect.signature(getattr(skloss, name))
    return {
        parameter.name: parameter.default
        for parameter in signature.parameters.values()
        if parameter.default is not parameter.empty
    }


def _same(value: Any, default: Any) -> bool:
    """Whether a value that has been JSON is the default; lists were tuples."""
    return repr(_listed(value)) == repr(_listed(default))


def _listed(value: Any) -> Any:
    return [_listed(v) for v in value] if isinstance(value, list | tuple) else value


def _value(value: Any) -> Cell:
    return _cell(value if isinstance(value, str) else repr(value))


def _facts(subject: Subject) -> dict[str, Any]:
    """Return what is known of a training by other libraries."""
    training = subject.case.training
    if training is None:
        return {}
    known = training.to_dict()
    return {name: v for name, v in known.items() if v not in (None, (), [], {})}


def layers(subject: Subject) -> Table:
    """Layers of the network, from the input to the output.

    Raises
    ------
    NotKnown
        If they are not known.
    """
    if not subject.case.layers:
        raise NotKnown("The network is not known; give the fitted classifier or model.")
    rows = tuple(
        (Cell(str(number)), Cell(layer.kind.replace("_", " ")), Cell(_details(layer)))
        for number, layer in enumerate(subject.case.layers, start=1)
    )
    return Table("Layers", ("number", "layer", "details"), rows)


def _details(layer: Any) -> str:
    facts: Iterable[tuple[str, Any]] = (
        ("units", layer.units),
        ("kernel size", layer.kernel_size),
        ("activation", layer.activation),
        ("rate", layer.rate),
        ("pooling", layer.pooling),
        ("L1", layer.l1 or None),
        ("L2", layer.l2 or None),
    )
    return ", ".join(
        f"{name} {value_text(value)}" for name, value in facts if value is not None
    )
