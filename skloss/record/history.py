"""Read the curves of a training, from any source and under any usual name."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skloss.record.class_curves import curves_by_class
from skloss.record.curve_names import (
    canonical_name,
    is_counter,
    is_known_metric,
    without_test,
)
from skloss.record.epoch_rows import chosen_training, trainings_of_columns
from skloss.record.history_files import lists_of_file
from skloss.record.text_files import not_a_history

__all__ = ["read_curves", "read_history"]

_MISSING = ("", "na", "null", "none")  # float() knows "nan" and "inf"
_SHARES = ("accuracy", "precision", "recall", "f1", "auc", "average_precision", "fpr")
_LEAST_PERCENT = 10.0  # no share that is measured wrongly is as large


def read_curves(
    source: object, run: int | None = None
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Read the curves of a training under the names that rules know.

    Parameters
    ----------
    source : mapping, object with such a ``history``, DataFrame, str or path-like
        Lists of one value per epoch, for example a Keras ``History``; or a file: a
        CSV or JSON file, what a program printed, a notebook, or a folder of MLflow or
        TensorBoard.
    run : int, default=None
        Which of several trainings is read, from 1. None reads the last of at least five
        epochs, or the last of all if none has as many.

    Returns
    -------
    curves : dict of str to ndarray of shape (n_epochs,)
        ``loss``, ``accuracy``, ``precision``, ``recall``, ``f1``, ``mcc``, ``auc``,
        ``average_precision``, ``fpr``, ``tp``, ``fp``, ``tn``, ``fn``, their ``val_``
        twins, ``learning_rate``, and the other curves of a record of skloss. A metric
        that has a value for each class, as Keras' ``F1Score()``, is a curve for each,
        such as ``f1_class_0``.
    notes : tuple of str
        What was left out, and why.

    Raises
    ------
    RecordFormatError
        If there is no history in it, or none of whose curves is understood.
    OSError
        If a file cannot be opened.

    Examples
    --------
    >>> curves, notes = read_curves({"acc": [0.8, 0.9], "ValLoss": [0.5, None]})
    >>> curves
    {'accuracy': array([0.8, 0.9]), 'val_loss': array([0.5, nan])}
    >>> read_curves({"loss": [0.5], "mood": [1]})[1]
    ("'mood' was not understood",)
    """
    lists, decimal_comma, which = _lists_of(source, run)
    if not lists:
        raise not_a_history("it is empty")
    curves: dict[str, np.ndarray] = {}
    notes: list[str] = [which] if which else []
    given: dict[str, str] = {}
    of_epochs = without_test(lists)
    for written, values in lists.items():
        if is_counter(written):
            continue
        if written not in of_epochs:
            notes.append(f"{written!r} was left out: it is not of validation rows")
            continue
        name = canonical_name(written)
        if name is None:
            notes.append(f"{written!r} was not understood")
        elif name in given:
            notes.append(f"{written!r} was left out: {given[name]!r} is the same curve")
        elif _holds_arrays(values):
            notes.append(f"{written!r} was left out: its values are arrays")
        else:
            given[name] = written
            curves[name] = _numbers(written, values, decimal_comma)
    if not any(map(is_known_metric, curves)):
        unknown = f" ({'; '.join(notes)})" if notes else ""
        raise not_a_history(f"no loss and no metric in it was understood{unknown}")
    _check_lengths({given[name]: len(curve) for name, curve in curves.items()})
    if not all(map(len, curves.values())):
        raise not_a_history("its curves have no epochs")
    percentages = _percentages(curves)
    notes += [f"{given[name]!r} was read as percentages" for name in percentages]
    return curves | percentages, tuple(notes)


def read_history(source: object) -> dict[str, list[float]]:
    """Read the curves of a training, and keep those under other names as well.

    Parameters
    ----------
    source : mapping, object with such a ``history``, DataFrame, str or path-like
        As for `read_curves`.

    Returns
    -------
    history : dict of str to list of float
        Curves that rules know under the names of `read_curves`, others under their own.
        A metric of one value per class is a curve for each class. What is no list of
        numbers is left out.

    Raises
    ------
    RecordFormatError
        If there is no history in it, or its curves differ in length.
    OSError
        If a file cannot be opened.

    Examples
    --------
    >>> read_history({"acc": [0.8, 0.9], "mood": [1, 2], "epoch": [0, 1]})
    {'accuracy': [0.8, 0.9], 'mood': [1.0, 2.0]}
    """
    lists, decimal_comma, _ = _lists_of(source)
    history: dict[str, list[float]] = {}
    for written, values in lists.items():
        if is_counter(written) or _holds_arrays(values):
            continue
        name = canonical_name(written)
        if name is None and not _holds_numbers(values):
            continue
        # Of two spellings of a curve, the name that skloss knows keeps its own values.
        if name is None or name in history or (name != written and name in lists):
            name = written
        history[name] = _numbers(written, values, decimal_comma).tolist()
    _check_lengths({name: len(values) for name, values in history.items()})
    return history


def _percentages(curves: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the shares that were written in percent, as shares."""
    found: dict[str, np.ndarray] = {}
    for share in _SHARES:
        pair = {n: curves[n] for n in (share, f"val_{share}") if n in curves}
        tops = {n: np.nanmax(c, initial=0.0) for n, c in pair.items()}
        lows = {n: np.nanmin(c, initial=0.0) for n, c in pair.items()}
        if not _LEAST_PERCENT < max(tops.values(), default=0.0) <= 100:
            continue
        if min(lows.values()) >= 0:
            found |= {n: curve / 100 for n, curve in pair.items() if tops[n] > 1}
    return found


def _lists_of(
    source: Any, run: int | None = None
) -> tuple[Mapping[str, Any], bool, str]:
    """Values by written name, whether with decimal commas, and which training it is."""
    lists, decimal_comma, note = _written_lists(source, run)
    return curves_by_class(lists), decimal_comma, note


def _written_lists(source: Any, run: int | None) -> tuple[Mapping[str, Any], bool, str]:
    if isinstance(source, str | os.PathLike):
        return lists_of_file(Path(source), run)
    lists: Any
    if hasattr(source, "columns") and hasattr(source, "dtypes"):
        lists = {name: np.asarray(source[name]) for name in source.columns}
    else:
        lists = (
            source if isinstance(source, Mapping) else getattr(source, "history", None)
        )
    if not isinstance(lists, Mapping):
        kind = type(source).__name__
        raise not_a_history(f"a mapping of lists or a file was expected, got {kind}")
    named = {str(name): values for name, values in lists.items()}
    lists, note = chosen_training(trainings_of_columns(named), run)
    return lists, False, note


def _numbers(name: str, values: object, decimal_comma: bool) -> np.ndarray:
    """One curve; what is missing is NaN."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        kind = type(values).__name__
        raise not_a_history(f"{name!r} must be a list of numbers, got {kind}")
    return np.array([_number(name, value, decimal_comma) for value in values], float)


def _number(name: str, value: Any, decimal_comma: bool) -> float:
    """One value, whatever type it has."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _MISSING:
            return math.nan
        value = text.replace(",", ".") if decimal_comma else text
        if value.endswith("%"):
            return _number(name, value[:-1], decimal_comma) / 100
    try:
        if isinstance(value, bool | np.bool_ | Sequence) and not isinstance(value, str):
            raise TypeError("not a number")
        return float(value)
    except (TypeError, ValueError) as err:
        raise not_a_history(f"{name!r} must hold numbers, got {value!r}") from err
    except OverflowError as err:
        raise not_a_history(f"{name!r} has too large an integer") from err


def _holds_arrays(values: object) -> bool:
    """Whether epochs have arrays that are no curve for each class, as a matrix."""
    return isinstance(values, list | tuple) and any(
        isinstance(value, np.ndarray) and value.size > 1 for value in values
    )


def _holds_numbers(values: object) -> bool:
    try:
        return np.asarray(values, float).ndim == 1
    except (OverflowError, TypeError, ValueError):
        return False


def _check_lengths(lengths: Mapping[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name!r} has {n}" for name, n in lengths.items())
        raise not_a_history(
            "its curves differ in length, and each must have one value per epoch: "
            f"{told}"
        )
