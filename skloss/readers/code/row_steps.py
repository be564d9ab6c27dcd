"""Effects of calls on rows: scaling, sampling, splitting, encoding."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from skloss.readers.code.row_names import (
    COUNTS,
    FLATTENING,
    KEEPING_SHAPE,
    SAME,
    SCALERS,
    STATISTICS,
)
from skloss.readers.code.row_sources import SOURCES, row_source
from skloss.readers.code.values import UNKNOWN, Made, Op, Rows, Unknown

__all__ = ["on_rows", "row_function"]

_ORDERING = ("sort", "sort_index", "argsort")
_LABELLING = ("argmax", "factorize")
_ONE_HOT = ("to_categorical", "get_dummies", "one_hot")
_COLUMNS = (1, -1, "columns")


def row_function(
    name: str, path: str, args: list[Any], options: dict[str, Any], node: ast.Call
) -> Any:
    """Value of a function that gives or takes rows; NotImplemented for any other."""
    special = SOURCES.get(name) or _FUNCTIONS.get(name)
    if special is not None:
        return special(args, options, node)
    source = row_source(name, path, args, options, node.lineno)
    if source is not NotImplemented:
        return source
    rows = next((one for one in args if isinstance(one, Rows)), None)
    if rows is None:
        return NotImplemented
    return on_rows(rows, name, args[args[0] is rows :], options, node.lineno)


def on_rows(
    rows: Rows, name: str, args: list[Any], options: dict[str, Any], line: int
) -> Any:
    """Value of a method of rows, or of a function that takes rows first."""
    if name in STATISTICS or name in COUNTS:
        return Made(name, [], options, line, fitted_on=rows)
    if name in SCALERS:
        return rows.then("scale", (name, line), line, shape=rows.shape)
    if name == "sort_values":
        return rows.then("sort", _column_names(args, options), line)
    if name in _ORDERING:
        return rows.then("take", None, line)
    if name == "sample":
        if options.get("replace") is True:
            return rows.then("sample", name, line)
        is_whole = options.get("frac") == 1
        return rows.then("shuffle" if is_whole else "subset", None, line)
    if name in ("shuffle", "permutation", "permuted"):
        return rows.then("shuffle", None, line)
    if name in ("reshape", "expand_dims", "resize"):
        return rows.then(
            "reshape", None, line, shape=_new_shape(rows, name, args, options)
        )
    if name == "label_binarize":
        return rows.then("binarized", _depth(name, args, options), line)
    if name in _ONE_HOT and options.get("drop_first") is not True:
        return rows.then("one_hot", _depth(name, args, options), line)
    if name in _LABELLING:
        return rows.then("labels", None, line)
    if name == "diff":
        return rows.then("differences", None, line)
    if name in SAME:
        shape = None if name in FLATTENING else rows.shape
        values = rows.values if name in KEEPING_SHAPE or name in FLATTENING else None
        return rows.then("same", name, line, shape=shape, values=values)
    return rows.then("other", name, line, shape=None)


def _column_names(args: list[Any], options: dict[str, Any]) -> Any:
    by = args[0] if args else options.get("by")
    return by if isinstance(by, str | list) else None


def _depth(name: str, args: list[Any], options: dict[str, Any]) -> int | None:
    by_place = args[0] if args and name in ("to_categorical", "one_hot") else None
    depth = options.get("num_classes", options.get("nb_classes", by_place))
    depth = options.get("depth", depth)
    return depth if isinstance(depth, int) else None


def _new_shape(
    rows: Rows, name: str, args: list[Any], options: dict[str, Any]
) -> tuple[int | None, ...] | None:
    if name == "expand_dims":
        return None if rows.shape is None else (*rows.shape, 1)
    sizes = args[0] if args and isinstance(args[0], tuple | list) else args
    if not sizes and isinstance(options.get("newshape"), tuple | list):
        sizes = options["newshape"]
    if len(sizes) < 2:
        return None
    return tuple(s if isinstance(s, int) and s > 0 else None for s in sizes[1:])


# ------------------------------------------------------------------------- functions


def _split(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``train_test_split``: each array gives its training part and its other part."""
    line = node.lineno
    is_ordered = options.get("shuffle") is False
    parts: list[Rows] = []
    for place, given in enumerate(args):
        if not isinstance(given, Rows | Unknown | list | Made):
            continue
        rows = _as_rows(given, place, line)
        parts += [
            rows.then("split", (line, side, is_ordered), line)
            for side in ("train", "val")
        ]
    if isinstance(options.get("stratify"), Rows) and len(parts) >= 4:
        parts[2:4] = [part.then("stratified", None, line) for part in parts[2:4]]
    return tuple(parts) if parts else UNKNOWN


def _as_rows(given: Any, place: int, line: int) -> Rows:
    if isinstance(given, Rows):
        return given
    return Rows(f"array{place}:{line}", is_seen=False)


def _mapped(kind: str, args: list[Any], line: int) -> Any:
    """Take one step with each of several arrays."""
    found = [
        one.then(kind, "resample" if kind == "sample" else None, line)
        if isinstance(one, Rows)
        else UNKNOWN
        for one in args
    ]
    return found[0] if len(found) == 1 else tuple(found)


def _shuffled(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    return _mapped("shuffle", args, node.lineno)


def _resampled(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``sklearn.utils.resample``: with replacement unless told otherwise."""
    kind = "subset" if options.get("replace") is False else "sample"
    return _mapped(kind, args, node.lineno)


def _stacked(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``concatenate`` and ``concat``: of the rows of one class each, or of any."""
    line, parts = node.lineno, _stacked_parts(args)
    rows = [one for one in parts if isinstance(one, Rows)]
    if options.get("axis") in _COLUMNS:
        return rows[0].then("other", "columns", line, shape=None) if rows else UNKNOWN
    if parts and all(_is_one_class(one) for one in parts):
        labels = (Op("blocks", None, line), Op("labels", len(parts), line))
        return Rows(f"blocks:{line}", labels)
    if not rows:
        return UNKNOWN
    by_class = len(rows) == len(parts) and all(one.has("of_class") for one in rows)
    first = rows[0]
    sampled = next((one for one in rows if one.has("sample")), None)
    if sampled is not None and not first.has("sample"):
        found = sampled.find("sample")
        first = first.then("sample", found.detail, found.line)  # type: ignore[union-attr]
    elif by_class and any(map(_is_part_of_class, rows)):
        first = first.then("sample", "under-sampling by hand", line)
    is_one = len({one.name for one in rows}) == 1
    whole = Rows(first.name if is_one else f"stack:{line}", first.ops, first.shape)
    return whole.then("blocks" if by_class else "stack", None, line, shape=first.shape)


def _is_part_of_class(rows: Rows) -> bool:
    """Whether it is some rows of one class, drawn from all of them."""
    kinds = [op.kind for op in rows.ops]
    return "subset" in kinds[kinds.index("of_class") :]


def _stacked_parts(args: list[Any]) -> list[Any]:
    given = args[0] if args else UNKNOWN
    if isinstance(given, Made) and given.name == "comprehension":
        return given.args * 2
    if isinstance(given, list | tuple):
        return list(given)
    return args[:2] if isinstance(given, Rows) and len(args) > 1 else []


def _is_one_class(given: Any) -> bool:
    """Whether it is an array of one label, such as ``zeros(n)`` or ``[0] * n``."""
    names = ("zeros", "ones", "full", "repeated")
    return isinstance(given, Made) and given.name in names


def _tokens(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    length = options.get("maxlen", args[1] if len(args) > 1 else None)
    shape = (length,) if isinstance(length, int) else None
    rows = _as_rows(args[0] if args else UNKNOWN, 0, node.lineno)
    return rows.then("tokens", None, node.lineno, shape=shape)


_FUNCTIONS: Mapping[str, Callable[[list[Any], dict[str, Any], ast.Call], Any]] = {
    "train_test_split": _split,
    "shuffle": _shuffled,
    "resample": _resampled,
    "pad_sequences": _tokens,
    **dict.fromkeys(("concatenate", "concat", "vstack", "append", "r_"), _stacked),
}
