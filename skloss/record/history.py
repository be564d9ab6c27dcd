"""Read the curves of a training, from any source and under any usual name."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skloss.record.class_curves import curves_by_class
from skloss.record.curve_names import canonical_name, is_counter, is_known_metric
from skloss.record.history_files import lists_of_file, not_a_history

__all__ = ["read_curves", "read_history"]

_MISSING = ("", "na", "null", "none")  # float() knows "nan" and "inf"


def read_curves(source: object) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Read the curves of a training under the names that rules know.

    Parameters
    ----------
    source : mapping, object with such a ``history``, DataFrame, str or path-like
        Lists of one value per epoch, for example a Keras ``History``; or a file that
        Keras' ``CSVLogger`` wrote, a JSON file of lists, or a printed log of ``fit``.

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
    lists, decimal_comma = _lists_of(source)
    if not lists:
        raise not_a_history("it is empty")
    curves: dict[str, np.ndarray] = {}
    notes: list[str] = []
    given: dict[str, str] = {}
    for written, values in lists.items():
        if is_counter(written):
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
    return curves, tuple(notes)


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
    lists, decimal_comma = _lists_of(source)
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


def _lists_of(source: Any) -> tuple[Mapping[str, Any], bool]:
    """Values by written name, and whether they may have decimal commas."""
    lists, decimal_comma = _written_lists(source)
    return curves_by_class(lists), decimal_comma


def _written_lists(source: Any) -> tuple[Mapping[str, Any], bool]:
    if isinstance(source, str | os.PathLike):
        return lists_of_file(Path(source))
    if hasattr(source, "columns") and hasattr(source, "dtypes"):
        return {str(name): np.asarray(source[name]) for name in source.columns}, False
    lists = source if isinstance(source, Mapping) else getattr(source, "history", None)
    if not isinstance(lists, Mapping):
        kind = type(source).__name__
        raise not_a_history(f"a mapping of lists or a file was expected, got {kind}")
    return {str(name): values for name, values in lists.items()}, False


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
