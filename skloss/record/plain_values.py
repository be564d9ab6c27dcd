"""Plain values: Python's own in place of NumPy's, and what strict JSON can say."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["as_plain", "as_strict_json"]


def _refuse(value: object) -> Any:
    raise TypeError(
        f"A record holds plain data only, got {type(value).__name__}: {value!r}."
    )


def as_plain(value: Any, other: Callable[[Any], Any] = _refuse) -> Any:
    """Turn arrays, NumPy scalars, tuples and mappings into plain Python.

    Parameters
    ----------
    value : object
        The value.
    other : callable, optional
        Gives the plain value of anything else; without it a TypeError is raised.

    Returns
    -------
    plain
        Lists, dicts with text as keys, texts, numbers, booleans and None.

    Examples
    --------
    >>> as_plain({"a": (1, None), 2: np.array([0.5])})
    {'a': [1, None], '2': [0.5]}
    >>> as_plain([{1, 2}], other=str)
    ['{1, 2}']
    """
    if isinstance(value, np.ndarray | np.generic):
        plain = value.tolist()
        return plain if value.dtype.kind in "biufU" else as_plain(plain, other)
    if isinstance(value, Mapping):
        return {
            str(as_plain(key, other)): as_plain(part, other)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [as_plain(part, other) for part in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return other(value)


def as_strict_json(value: Any, text: Callable[[str], str] = str) -> Any:
    """Put plain data into what strict JSON can say.

    Parameters
    ----------
    value : object
        Plain data.
    text : callable, optional
        Applied to each text that is no key, so that a reader can tell the text "NaN"
        from a number.

    Returns
    -------
    encoded
        "NaN", "Infinity" and "-Infinity" stand for numbers that are not finite.

    Examples
    --------
    >>> as_strict_json({"losses": [0.5, math.nan, -math.inf]})
    {'losses': [0.5, 'NaN', '-Infinity']}
    """
    if isinstance(value, dict):
        return {key: as_strict_json(part, text) for key, part in value.items()}
    if isinstance(value, list):
        return [as_strict_json(part, text) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return text(value) if isinstance(value, str) else value
