"""Rows as loggers write them, made one value per epoch, of one training."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

__all__ = ["FEWEST_EPOCHS", "columns_of_rows", "last_training"]

FEWEST_EPOCHS = 5  # of a training that is worth reading before an earlier one
_EPOCH = ("epoch", "epochs")
_STEPS = ("step", "global_step")

Row = Mapping[str, Any]


def columns_of_rows(rows: Sequence[Row]) -> tuple[dict[str, list[Any]], str]:
    """Return one value per epoch of the last training in rows, and what was left out.

    Several rows of an epoch (one for training, one for validation) become one. A count
    of epochs that starts anew is another training.

    Examples
    --------
    >>> rows = [{"epoch": "0", "loss": "0.7", "val_loss": ""},
    ...         {"epoch": "0", "loss": "", "val_loss": "0.8"}]
    >>> columns_of_rows(rows)[0]
    {'epoch': ['0'], 'loss': ['0.7'], 'val_loss': ['0.8']}
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    rows = [{n: row.get(n) for n in names} for row in rows]
    counter = next((name for name in names if name.lower() in _EPOCH), None)
    epochs = [] if counter is None else [_epoch(row[counter]) for row in rows]
    if counter is None or None in epochs:
        return {name: [row[name] for row in rows] for name in names}, ""
    numbers = [number for number in epochs if number is not None]
    starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(numbers)) if b < a)]
    parts = [range(a, b) for a, b in pairwise([*starts, len(rows)])]
    lengths = [len({math.ceil(numbers[i]) for i in part}) for part in parts]
    chosen, note = last_training(lengths)
    names = _without_test(names, counter)
    values = [name for name in names if name != counter and name not in _STEPS]
    merged: dict[int, dict[str, Any]] = {}
    for i in parts[chosen]:
        known = {n: v for n in values if not _is_empty(v := rows[i][n])}
        if known or len(numbers) == len({*numbers}):
            epoch = merged.setdefault(
                math.ceil(numbers[i]), {counter: rows[i][counter]}
            )
            epoch.update(known)
    kept = [name for name in names if name not in _STEPS]
    return {n: [e.get(n) for e in merged.values()] for n in kept}, note


def last_training(lengths: Sequence[int]) -> tuple[int, str]:
    """Choose the last training of at least five epochs, else the last, by number."""
    long = [at for at, length in enumerate(lengths) if length >= FEWEST_EPOCHS]
    chosen = long[-1] if long else len(lengths) - 1
    if len(lengths) < 2:
        return chosen, ""
    return chosen, (
        f"there are {len(lengths)} trainings in it, since the epochs start anew; "
        f"number {chosen + 1}, of {lengths[chosen]} epochs, was read"
    )


def _without_test(names: Sequence[str], counter: str) -> list[str]:
    """Leave test columns out where there are validation columns, which they are not."""
    if not any(name.lower().startswith(("val", "eval")) for name in names):
        return list(names)
    return [n for n in names if n == counter or not n.lower().startswith("test")]


def _epoch(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() == "")
