"""Metrics of one value per class and epoch, as one curve for each class."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["curves_by_class", "without_arrays"]


def curves_by_class(
    curves: Mapping[str, Any], labels: Sequence[object] = ()
) -> dict[str, Any]:
    """Split metrics that give an array per epoch into a curve for each class.

    Parameters
    ----------
    curves : mapping of str to sequence
        One value per epoch, or one array, list or text such as ``"[0.1, 0.9]"``, as
        Keras' ``F1Score()`` and its ``CSVLogger`` give it.
    labels : sequence, default=()
        Labels of the classes, for the names; without them, or if their number is
        another one, a class is named by its number.

    Returns
    -------
    dict of str to sequence
        The same curves; an array of one value is that value. What cannot be split is
        left as it is.

    Examples
    --------
    >>> curves_by_class({"loss": [0.7, 0.4], "f1_score": [[0.0, 0.9], [0.5, 1.0]]})
    {'loss': [0.7, 0.4], 'f1_score_class_0': [0.0, 0.5], 'f1_score_class_1': [0.9, 1.0]}
    >>> list(curves_by_class({"f1_score": ["[0.0, 0.9]"]}, ["calm", "storm"]))
    ['f1_score_class_calm', 'f1_score_class_storm']
    """
    found: dict[str, Any] = {}
    for name, values in curves.items():
        table = _table(values)
        if table is None:
            found[name] = values
        elif table.shape[1] == 1:
            found[name] = table[:, 0].tolist()
        else:
            n_classes = table.shape[1]
            named = labels if len(labels) == n_classes else range(n_classes)
            for label, column in zip(named, table.T, strict=True):
                found[f"{name}_class_{label}"] = column.tolist()
    return found


def without_arrays(curves: Mapping[str, Any]) -> dict[str, list[float]]:
    """Curves of one number per epoch for all epochs; a log can hold anything else."""
    found = {}
    for name, values in curves.items():
        try:
            found[name] = np.asarray(values, float)
        except (TypeError, ValueError):
            continue
    n_epochs = max((len(v) for v in found.values() if v.ndim == 1), default=0)
    return {k: v.tolist() for k, v in found.items() if v.shape == (n_epochs,)}


def _table(values: object) -> np.ndarray | None:
    """Values by epoch and class; None if they are no such thing."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        return None
    rows = [([] if _is_missing(value) else _parts(value)) for value in values]
    if any(row is None for row in rows):
        return None
    width = max(map(len, rows), default=0)
    if width == 0 or any(len(row) not in (0, width) for row in rows):
        return None
    try:
        return np.array([row or [np.nan] * width for row in rows], float)
    except (TypeError, ValueError):
        return None


def _parts(value: Any) -> Any:
    """Values of the classes in one epoch; None if there is a single value, or none."""
    if isinstance(value, str):
        text = value.strip().strip("\"'").strip()
        if not (text.startswith("[") and text.endswith("]")):
            return None
        return text[1:-1].replace(",", " ").split()
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim == 1 else None
    return value if isinstance(value, list | tuple) and len(value) > 1 else None


def _is_missing(value: object) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())
