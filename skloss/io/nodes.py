"""Values as JSON and arrays, and back; code is neither written nor read."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from math import prod
from typing import Any

import numpy as np

from skloss.exceptions import RecordFormatError
from skloss.io.kinds import data_kinds, fits, hints_of
from skloss.record import TrainingRecord

__all__ = ["Arrays", "NodeError", "Reader", "Writer"]

Arrays = dict[str, np.ndarray]

# Lists of at least so many numbers are kept as arrays.
_LONG = 32
_LARGEST = 2**63
_NUMBERS = "biuf"
_TIMES = "mM"
# Characters that arrays of texts may have beyond those of the texts.
_MOST_BLANK = 2**20


class NodeError(ValueError):
    """A value cannot be written, or a node is not one that a writer makes."""


class Writer:
    """Turns values into nodes of JSON; arrays are collected beside them.

    Parameters
    ----------
    other : callable
        Given the writer, a value of no known kind and its name, makes its node.
    """

    def __init__(self, other: Callable[["Writer", Any, str], Any]) -> None:
        self.arrays: Arrays = {}
        self._other = other

    def add(self, array: np.ndarray, name: str) -> str:
        """Keep an array of plain numbers; return the name that it is found by."""
        unique, number = name, 1
        while unique in self.arrays:
            number += 1
            unique = f"{name}~{number}"
        array = np.asarray(array, array.dtype.newbyteorder("="))
        # `ascontiguousarray` would give an array of no axis one.
        self.arrays[unique] = np.ascontiguousarray(array).reshape(array.shape)
        return unique

    def node(self, value: Any, name: str) -> Any:
        """Return the node of a value; the name is for arrays and errors."""
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value, name)
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            is_finite = value - value == 0
            return value if is_finite else {"float": repr(value)}
        if type(value) in (list, tuple):
            return self._items(value, name)
        if type(value) in (set, frozenset):
            items = sorted(value, key=repr)
            return {"set": [self.node(item, name) for item in items]}
        if isinstance(value, dict):
            return self._dict(value, name)
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, np.random.RandomState):
            return {"random_state": self.node(value.get_state(), name)}
        if isinstance(value, TrainingRecord):
            return {"record": self.node(value.to_dict(), name)}
        if is_dataclass(value) and data_kinds().get(type(value).__name__) is type(
            value
        ):
            return {"data": type(value).__name__, "fields": self._fields(value, name)}
        return self._other(self, value, name)

    def _fields(self, value: Any, name: str) -> dict[str, Any]:
        return {
            part.name: self.node(getattr(value, part.name), f"{name}.{part.name}")
            for part in fields(value)
        }

    def _array(self, value: Any, name: str) -> Any:
        array = np.asarray(value)
        kind, shape = array.dtype.kind, list(array.shape)
        is_scalar = {"scalar": True} if isinstance(value, np.generic) else {}
        if kind in _NUMBERS and array.dtype.itemsize <= 8:
            return {"array": self.add(array, name), **is_scalar}
        if kind in _TIMES:
            plain = self.add(array.view(np.int64), name)
            return {"array": plain, "as": array.dtype.str, **is_scalar}
        if kind == "U":
            width = array.dtype.itemsize // 4
            texts = array.ravel().tolist()
            return {"texts": texts, "width": width, "shape": shape, **is_scalar}
        if kind == "O":
            items = [self.node(item, name) for item in array.ravel()]
            return {"objects": items, "shape": shape}
        raise NodeError(f"{name} has the type {array.dtype}, which no file holds")

    def _items(self, value: Any, name: str) -> Any:
        if type(value) is list and _are_numbers(value):
            return {"numbers": self.add(np.array(value), name)}
        items = [self.node(item, f"{name}.{at}") for at, item in enumerate(value)]
        return items if type(value) is list else {"tuple": items}

    def _dict(self, value: dict[Any, Any], name: str) -> Any:
        if all(type(key) is str for key in value):
            items = {
                key: self.node(part, f"{name}.{key}") for key, part in value.items()
            }
            return {"dict": items}
        pairs = [
            [self.node(key, name), self.node(part, f"{name}.{key}")]
            for key, part in value.items()
        ]
        return {"pairs": pairs}


def _are_numbers(value: list[Any]) -> bool:
    """Whether an array says the same: floats, small integers, or rows of them."""
    if len(value) < _LONG:
        return False
    first = value[0]
    if type(first) is list:
        same = all(type(row) is list and len(row) == len(first) for row in value)
        return same and len(first) > 0 and _are_alike([x for row in value for x in row])
    return _are_alike(value)


def _are_alike(value: list[Any]) -> bool:
    kinds = set(map(type, value))
    if kinds == {int}:
        return min(value) >= -_LARGEST and max(value) < _LARGEST
    return kinds == {float}


class Reader:
    """Turns nodes back into values.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Arrays by name; each belongs to one node.
    other : callable
        Given the reader and a node of no known kind, makes its value.
    """

    def __init__(self, arrays: Arrays, other: Callable[["Reader", dict], Any]) -> None:
        self.arrays = dict(arrays)
        self._other = other

    def take(self, name: Any) -> np.ndarray:
        """Return an array, once."""
        array = self.arrays.pop(name, None) if isinstance(name, str) else None
        if array is None:
            raise NodeError("an array is missing")
        return array

    def value(self, node: Any) -> Any:
        """Return the value of a node."""
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if not isinstance(node, dict):
            return node
        read = _READERS.get(next(iter(node), ""))
        return self._other(self, node) if read is None else read(self, node)

    def _float(self, node: dict[str, Any]) -> float:
        return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}[
            node["float"]
        ]

    def _tuple(self, node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self.value(node["tuple"]))

    def _set(self, node: dict[str, Any]) -> set[Any]:
        return set(self.value(node["set"]))

    def _dict(self, node: dict[str, Any]) -> dict[str, Any]:
        return {key: self.value(part) for key, part in node["dict"].items()}

    def _pairs(self, node: dict[str, Any]) -> dict[Any, Any]:
        return {self.value(key): self.value(part) for key, part in node["pairs"]}

    def _numbers(self, node: dict[str, Any]) -> list[Any]:
        return list(self.take(node["numbers"]).tolist())

    def _dtype(self, node: dict[str, Any]) -> np.dtype:
        dtype = np.dtype(node["dtype"])
        if dtype.hasobject and dtype.names is not None:
            raise NodeError("a type of arrays is not known")
        return dtype

    def _array(self, node: dict[str, Any]) -> Any:
        array = self.take(node["array"])
        if "as" in node:
            dtype = np.dtype(node["as"])
            if dtype.kind not in _TIMES:
                raise NodeError("a type of times is not known")
            array = array.view(dtype)
        return array[()] if node.get("scalar") is True else array

    def _texts(self, node: dict[str, Any]) -> Any:
        texts, width = node["texts"], node["width"]
        if not all(isinstance(text, str) for text in texts) or type(width) is not int:
            raise NodeError("texts were expected")
        if len(texts) * width > sum(map(len, texts)) + _MOST_BLANK:
            raise NodeError("an array of texts is wider than its texts")
        array = np.array(texts, f"<U{width}").reshape(_shape(node, len(texts)))
        return array[()] if node.get("scalar") is True else array

    def _objects(self, node: dict[str, Any]) -> np.ndarray:
        items = node["objects"]
        array = np.empty(len(items), object)
        for at, item in enumerate(items):
            array[at] = self.value(item)
        return array.reshape(_shape(node, len(items)))

    def _random_state(self, node: dict[str, Any]) -> np.random.RandomState:
        state = np.random.RandomState()
        state.set_state(self.value(node["random_state"]))
        return state

    def _record(self, node: dict[str, Any]) -> TrainingRecord:
        try:
            return TrainingRecord.from_dict(self.value(node["record"]))
        except RecordFormatError as err:
            raise NodeError(str(err).rstrip(".")) from err

    def _data(self, node: dict[str, Any]) -> Any:
        kind = data_kinds().get(node["data"])
        if kind is None:
            raise NodeError(f"{str(node['data'])[:40]!r} is not known here")
        given = {name: self.value(part) for name, part in node["fields"].items()}
        check_types(given, hints_of(kind), node["data"])
        return kind(**given)


_READERS: dict[str, Callable[[Reader, dict[str, Any]], Any]] = {
    "float": Reader._float,
    "tuple": Reader._tuple,
    "set": Reader._set,
    "dict": Reader._dict,
    "pairs": Reader._pairs,
    "numbers": Reader._numbers,
    "dtype": Reader._dtype,
    "array": Reader._array,
    "texts": Reader._texts,
    "objects": Reader._objects,
    "random_state": Reader._random_state,
    "record": Reader._record,
    "data": Reader._data,
}


def check_types(given: dict[str, Any], hints: dict[str, Any], owner: str) -> None:
    """Raise unless values are of the annotated types."""
    for name, value in given.items():
        if name in hints and not fits(value, hints[name]):
            raise NodeError(f"{name} of {owner} is a {type(value).__name__}")


def _shape(node: dict[str, Any], size: int) -> tuple[int, ...]:
    shape = tuple(node["shape"])
    if not all(type(n) is int and n >= 0 for n in shape) or prod(shape) != size:
        raise NodeError("the shape of an array is another")
    return shape
