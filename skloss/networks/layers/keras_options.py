"""Options of a Keras layer that a layer of a spec does not have."""

from typing import Any

from skloss.protocols import KerasLayer

__all__ = ["NoCompiledFormError", "need", "single", "unusual"]


class NoCompiledFormError(Exception):
    """What the engine has no compiled form of; the text is a reason for the record."""


def need(layer: KerasLayer, **expected: object) -> None:
    """Refuse a layer that has other values of these options."""
    for name, value in expected.items():
        found = getattr(layer, name, value)
        if found != value:
            raise unusual(layer, name, found)


def unusual(layer: KerasLayer, name: str, value: object) -> NoCompiledFormError:
    """Return the error of an option that no layer of a spec has."""
    return NoCompiledFormError(f"layer {layer.name!r} has {name}={value!r}")


def single(layer: KerasLayer, name: str) -> int:
    """Value that Keras keeps as a number, or as a tuple of equal numbers."""
    value: Any = getattr(layer, name)
    if not isinstance(value, tuple | list):
        return int(value)
    if len(set(value)) != 1:
        raise unusual(layer, name, value)
    return int(value[0])
