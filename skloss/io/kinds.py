"""Classes that a file may hold, found from the annotations of the estimators."""

from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from sklearn.base import BaseEstimator

from skloss import estimators, preprocessing
from skloss.io.not_saved import NotSaved
from skloss.keras_interop.compiled_settings import CompiledLoss
from skloss.networks.layers import LAYERS
from skloss.record import TrainingRecord
from skloss.training import ReduceLROnPlateau

__all__ = ["data_kinds", "estimator_kind", "estimator_kinds", "fits", "hints_of"]

_KERAS = "KerasClassifier"  # its import takes the seconds that TensorFlow's does


@cache
def estimator_kinds() -> dict[str, type]:
    """Public estimators by name, but for the one that needs TensorFlow."""
    found = {
        name: getattr(home, name)
        for home in (estimators, preprocessing)
        for name in home.__all__
        if name != _KERAS
    }
    return {
        name: kind
        for name, kind in found.items()
        if isinstance(kind, type)
        and issubclass(kind, BaseEstimator)
        and not name.startswith("Base")
    }


def estimator_kind(name: str) -> type | None:
    """Return the estimator of a name, or None."""
    if name == _KERAS:
        return estimators.KerasClassifier
    return estimator_kinds().get(name)


@cache
def data_kinds() -> dict[str, type]:
    """Dataclasses that fitted estimators are made of, by name."""
    found: dict[str, type] = {}
    for part in (CompiledLoss, NotSaved, ReduceLROnPlateau, *LAYERS):
        _collect(part, found)
    for kind in estimator_kinds().values():
        for hint in hints_of(kind).values():
            _collect(hint, found)
    found.pop(TrainingRecord.__name__, None)  # it has a reader of its own
    return found


def _collect(hint: Any, found: dict[str, type]) -> None:
    """Add the dataclasses of an annotation, their kinds, and what they are made of."""
    is_data = is_dataclass(hint) and isinstance(hint, type)
    if is_data and hint.__name__ not in found:
        found[hint.__name__] = hint
        # Where a layer is asked for, any kind of layer may stand.
        for part in (*hints_of(hint).values(), *hint.__subclasses__()):
            _collect(part, found)
    for part in get_args(hint):
        _collect(part, found)


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """Annotations of a dataclass' fields, or of an estimator's attributes."""
    hints = get_type_hints(kind)
    if is_dataclass(kind) and not issubclass(kind, BaseEstimator):
        return {part.name: hints[part.name] for part in fields(kind)}
    return hints


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type.

    >>> fits((1, 2), tuple[int, ...]), fits("x", int | None), fits(1, float)
    (True, False, True)
    >>> fits(None, tuple[int, int] | None)
    True
    """
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        several = len(parts) == 2 and parts[1] is Ellipsis
        kinds = [parts[0]] * len(value) if several else parts
        return len(value) == len(kinds) and all(map(fits, value, kinds))
    if origin is list:
        return isinstance(value, list) and all(fits(item, parts[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(key, parts[0]) and fits(item, parts[1]) for key, item in value.items()
        )
    if origin is np.ndarray:
        return isinstance(value, np.ndarray)
    if origin is not None or not isinstance(hint, type):
        return True  # an annotation of another kind is no promise about plain data
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, int | float)
    return value is None if hint is NoneType else isinstance(value, hint)
