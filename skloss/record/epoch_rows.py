"""Rows as loggers write them, made one value per epoch, of each training."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from skloss.record.curve_names import (
    canonical_name,
    is_epoch,
    is_known_metric,
    is_step,
    without_test,
)
from skloss.record.text_files import not_a_history

__all__ = ["Columns", "chosen_training", "trainings_of_columns", "trainings_of_rows"]

FEWEST_EPOCHS = 5  # of a training that is worth reading before an earlier one
_MOST_CURVES = 1_000  # each has a value for every epoch

Row = Mapping[str, Any]
Columns = Mapping[str, Any]  # of one training: lists of one value per epoch


def trainings_of_rows(rows: Sequence[Row]) -> list[Columns]:
    """Return the trainings in rows, each as lists of one value per epoch.

    Several rows of an epoch (one for training, one for validation) become one. A count
    of epochs that starts anew is another training. Without such a count there is one
    training, and each row is an epoch.

    Examples
    --------
    >>> rows = [{"epoch": "0", "loss": "0.7", "val_loss": ""},
    ...         {"epoch": "0", "loss": "", "val_loss": "0.8"}]
    >>> trainings_of_rows(rows)
    [{'loss': ['0.7'], 'val_loss': ['0.8']}]
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) > _MOST_CURVES:
        raise not_a_history(f"it shows {len(names)} names of curves")
    values = [name for name in names if not is_epoch(name) and not is_step(name)]
    counter = next(filter(is_epoch, names), None)
    numbers = [] if counter is None else _filled(row.get(counter) for row in rows)
    if not numbers:
        epochs: Sequence[Row] = [_present(row, values) for row in rows]
        if len(epochs) > 2 and len({frozenset(epoch) for epoch in epochs}) > 1:
            epochs = _without_cut_end(epochs, has_parts=True)
        return [{name: [epoch.get(name) for epoch in epochs] for name in values}]
    step = next(filter(is_step, names), None)
    steps = [0.0] * len(rows) if step is None else _filled(r.get(step) for r in rows)
    is_fine = len(set(steps)) > 1  # there are rows of parts of an epoch
    if any(number % 1 for number in numbers):
        numbers, is_fine = [max(1.0, math.ceil(n)) for n in numbers], True
    known = [_present(row, values) for row in rows]
    parts = _parts(numbers, steps or [0.0] * len(rows), known, is_fine)
    trainings = [_columns(part, values, is_fine) for part in parts]
    plain = {name: [row.get(name) for row in rows] for name in values}
    return [training for training in trainings if training] or [plain]


def trainings_of_columns(columns: Columns) -> list[Columns]:
    """Split lists by their column of epochs, where that does not simply count up."""
    counter = next(filter(is_epoch, columns), None)
    lengths = {_length(values) for values in columns.values()}
    if counter is None or len(lengths) > 1 or not all(map(_is_list, columns.values())):
        return [columns]
    numbers = _filled(columns[counter])
    if not numbers or all(b > a for a, b in pairwise(numbers)):
        return [columns]
    rows = (
        dict(zip(columns, cells, strict=True))
        for cells in zip(*columns.values(), strict=True)
    )
    # A table in memory has NaN where a row has no value.
    return trainings_of_rows(
        [
            {name: None if _is_nan(cell) else cell for name, cell in row.items()}
            for row in rows
        ]
    )


def chosen_training(
    trainings: Sequence[Columns], run: int | None = None
) -> tuple[Columns, str]:
    """Choose a training by its number from 1, and say so if there are several.

    Without a number it is the last of at least five epochs, or the last of all.
    """
    n_trainings = len(trainings)
    lengths = [max(map(_length, part.values()), default=0) for part in trainings]
    if run is not None and not 1 <= run <= n_trainings:
        there = "is 1 training" if n_trainings == 1 else f"are {n_trainings} trainings"
        raise not_a_history(f"run={run} was asked for, but there {there} in it")
    long = [at for at, length in enumerate(lengths, 1) if length >= FEWEST_EPOCHS]
    number = run or (long or [n_trainings])[-1]
    if n_trainings == 1:
        return trainings[0], ""
    longest = lengths.index(max(lengths)) + 1
    other = ""
    if lengths[longest - 1] > lengths[number - 1]:
        other = f"; the longest is number {longest}, of {lengths[longest - 1]} epochs"
    return trainings[number - 1], (
        f"there are {n_trainings} trainings in it; number {number}, of "
        f"{lengths[number - 1]} epochs, was read (run={number}){other}"
    )


def _parts(
    numbers: Sequence[float],
    steps: Sequence[float],
    rows: Sequence[Row],
    is_fine: bool,
) -> list[list[list[Row]]]:
    """Return rows by training and epoch."""
    parts: list[dict[float, list[Row]]] = []
    at = (math.inf, math.inf)
    for number, step, row in zip(numbers, steps, rows, strict=True):
        again = number == at[0] and (
            step < at[1]
            if is_fine
            else len(parts[-1]) == 1 and _repeats(parts[-1], row)
        )
        if number < at[0] or again:
            # A training that goes on from a saved epoch replaces those after it.
            resumed = bool(parts) and number > min(parts[-1])
            earlier = parts.pop() if resumed else {}
            parts.append({n: part for n, part in earlier.items() if n < number})
        parts[-1].setdefault(number, []).append(row)
        at = (number, step)
    # Trainings of one epoch are a loop over ``fit``, or the start of what follows.
    joined: list[list[list[Row]]] = [[]]
    for part in parts:
        joined[-1] += part.values()
        if len(part) > 1:
            joined.append([])
    return [part for part in joined if part]


def _repeats(part: Mapping[float, list[Row]], row: Row) -> bool:
    """Whether a row has a value that the rows of the epoch have already."""
    (rows,) = part.values()
    return any(not row.keys().isdisjoint(earlier) for earlier in rows[-3:])


def _columns(
    part: Sequence[Sequence[Row]], names: Sequence[str], is_fine: bool
) -> Columns:
    judged = {name for name in without_test(names) if _is_metric(name)}
    epochs = [_merged(rows, is_fine) for rows in part]
    has_parts = any(len(rows) > 1 for rows in part)
    kept = _without_cut_end(
        [epoch for epoch in epochs if not judged.isdisjoint(epoch)], has_parts
    )
    shown = {name for epoch in kept for name in epoch}
    return {n: [epoch.get(n) for epoch in kept] for n in names if n in shown}


def _merged(rows: Sequence[Row], is_fine: bool) -> Row:
    """Join the rows of an epoch: of parts the mean of training, else the last value."""
    if not is_fine:
        return {name: value for row in rows for name, value in row.items()}
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return {name: _epoch_value(name, cells) for name, cells in values.items()}


def _epoch_value(name: str, cells: Sequence[Any]) -> Any:
    numbers = [_number(cell) for cell in cells]
    is_last = len(cells) == 1 or None in numbers or _is_of_validation(name)
    if is_last or not _is_metric(name):
        return cells[-1]
    return math.fsum(numbers) / len(numbers)  # type: ignore[arg-type]


def _without_cut_end(epochs: Sequence[Row], has_parts: bool) -> Sequence[Row]:
    """Leave out a last epoch that was interrupted, and an end without training loss.

    An interrupted epoch lacks what all others show. With a ``validation_freq`` others
    lack it too. Where an epoch is one row, validation comes last, so that a row which
    has it was not interrupted: an empty cell is a NaN there.
    """
    shown = [frozenset(filter(_is_metric, epoch)) for epoch in epochs]
    if not has_parts and shown and any(_is_of_validation(n) for n in shown[-1]):
        return epochs
    earlier = set(shown[:-1])
    if len(earlier) == 1 and not shown[-1] >= next(iter(earlier)):
        epochs = epochs[:-1]
    names = {name for epoch in epochs for name in epoch}
    losses = {name for name in names if canonical_name(name) == "loss"}
    end = len(epochs)
    while losses and end and losses.isdisjoint(epochs[end - 1]):
        end -= 1
    return epochs[:end]


def _is_of_validation(name: str) -> bool:
    return (canonical_name(name) or "").startswith("val_")


def _present(row: Row, names: Sequence[str]) -> Row:
    return {name: row[name] for name in names if not _is_empty(row.get(name))}


def _filled(cells: Iterable[Any]) -> list[float]:
    """Numbers of a counter, each missing one as before it; none if all are missing."""
    numbers = [_number(cell) for cell in cells]
    known = [n if n is not None and math.isfinite(n) else None for n in numbers]
    last = next((n for n in known if n is not None), None)
    if last is None:
        return []
    filled = []
    for number in known:
        last = last if number is None else number
        filled.append(last)
    return filled


def _is_metric(name: str) -> bool:
    return is_known_metric(canonical_name(name) or "")


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_list(values: Any) -> bool:
    return hasattr(values, "__len__") and not isinstance(values, str | Mapping)


def _length(values: Any) -> int:
    return len(values) if hasattr(values, "__len__") else 0
