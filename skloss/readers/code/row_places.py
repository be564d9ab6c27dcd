"""Subscripts and operators on rows: columns, one class, a split by place, a scaling."""

import ast
from typing import Any

from skloss.readers.code.values import UNKNOWN, Fold, Made, Rows

__all__ = ["row_arithmetic", "row_item", "rows_after", "text_of"]

_MOST_NODES = 40  # of an expression that is told
_KINDS = {
    "Div": "scale",
    "Mult": "scale",
    "FloorDiv": "floor",
    "Sub": "shift",
    "Add": "shift",
}


def text_of(node: ast.expr) -> str:
    """Return the text of a short expression, and the place of a long one."""
    for count, _ in enumerate(ast.walk(node)):
        if count > _MOST_NODES:
            return f"line {node.lineno}, column {node.col_offset}"
    return ast.unparse(node)[:80]


def row_item(rows: Rows, key: Any, node: ast.Subscript) -> Any:
    """Value of ``rows[...]``."""
    line, place = node.lineno, node.slice
    bunch = rows.find("bunch")
    if bunch is not None and key in ("data", "target"):
        return bunch.detail[key == "target"]
    if _is_names(key):
        return rows.then("column", key, line, shape=None)
    if isinstance(key, Fold):
        return rows.then("split", (key.line, key.side, key.is_ordered), line)
    if isinstance(key, Rows):
        return _masked(rows, key, place, line)
    if isinstance(place, ast.Tuple):
        return _by_axes(rows, place, line)
    if isinstance(place, ast.Slice):
        return _sliced(rows, place, line)
    return rows.then("take", text_of(place), line)


def _is_names(key: Any) -> bool:
    names = key if isinstance(key, list) else [key]
    return all(isinstance(name, str) for name in names)


def _masked(rows: Rows, key: Rows, place: ast.expr, line: int) -> Rows:
    # Which rows is told by the text: `X[train]` and `X[~train]` differ.
    compared, text = key.find("compare"), text_of(place)
    if compared is None:
        return rows.then("shuffle" if key.has("shuffle") else "take", text, line)
    is_class = isinstance(compared.detail, int | float | str)
    return rows.then("of_class" if is_class else "subset", text, line)


def _by_axes(rows: Rows, place: ast.Tuple, line: int) -> Rows:
    """Return rows and columns; ``values[:, -1]`` is one column, mostly the labels."""
    if not place.elts:
        return rows
    first, last = place.elts[0], place.elts[-1]
    inner = _sliced(rows, first, line) if isinstance(first, ast.Slice) else rows
    n_new = sum(map(_is_new_axis, place.elts))
    if n_new and rows.shape is not None:
        return inner.then("reshape", None, line, shape=(*rows.shape, *[1] * n_new))
    is_one = not isinstance(last, ast.Slice) and not n_new
    return inner.then("column", text_of(last) if is_one else None, line, shape=None)


def _is_new_axis(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is None
    name = getattr(node, "attr", getattr(node, "id", None))
    return name == "newaxis"


def _sliced(rows: Rows, part: ast.Slice, line: int) -> Rows:
    """First or last rows, as a split at that place."""
    lower, upper = part.lower, part.upper
    if part.step is not None or (lower is None and upper is None):
        return rows
    if lower is not None and upper is not None:
        where = f"slice {text_of(lower)}:{text_of(upper)}"
        return rows.then("split", (where, "val", True), line)
    side, bound = ("val", lower) if upper is None else ("train", upper)
    where = f"slice {text_of(bound)}"  # type: ignore[arg-type]
    return rows.then("split", (where, side, True), line)


def rows_after(rows: Rows, key: Any, value: Any, line: int) -> Rows:
    """Rows after ``rows[key] = value``: columns may be scaled in their place."""
    if isinstance(value, Rows):
        scaled = value.find("scale")
        if scaled is not None and not rows.has("scale"):
            return rows.then("scale", scaled.detail, line, shape=rows.shape)
    if isinstance(key, str):
        return rows
    return rows.then("other", "columns", line, shape=rows.shape)


def row_arithmetic(left: Any, right: Any, op: str, line: int) -> Any:
    """Value of an operator on rows: mostly a scaling."""
    if isinstance(left, Made) and left.name == "repeated" and op == "Add":
        return left  # [0] * n + [1] * n: labels of one class after the other
    if not isinstance(left, Rows):
        return _from_the_right(left, right, op, line)
    if op == "Mod":
        return left.then("labels", right if isinstance(right, int) else None, line)
    kind = _KINDS.get(op)
    if kind is None:
        return left.then("other", op, line, shape=None)
    by = right.name if isinstance(right, Made) else _number(right)
    return left.then(kind, (op, by), line, shape=left.shape)


def _from_the_right(left: Any, right: Any, op: str, line: int) -> Any:
    if isinstance(right, Rows) and not isinstance(left, Made):
        kind = "scale" if op == "Mult" else "other"
        return right.then(kind, (op, _number(left)), line, shape=right.shape)
    return left if isinstance(left, Made) and left.fitted_on is not None else UNKNOWN


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) else None
