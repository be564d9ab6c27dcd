"""Results of Python's own operators and functions on numbers, texts and lists."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from skloss.readers.code.values import UNKNOWN, Made, Rows

__all__ = [
    "BUILTINS",
    "LONGEST",
    "bounded",
    "builtin",
    "compared",
    "computed",
    "element",
    "listed",
]

LONGEST = 10_000  # elements of a list
_LARGEST = 1e15
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def bounded(value: Any) -> Any:
    """Return a number of a usual size, and UNKNOWN for any other."""
    if isinstance(value, int | float) and not abs(value) < _LARGEST:
        return UNKNOWN
    return value


def listed(value: Any) -> list[Any] | None:
    """Return the elements of a value, if there is a known number of them."""
    return list(value) if isinstance(value, list | tuple | dict) else None


def computed(left: Any, right: Any, op: ast.operator) -> Any:
    """Compute with numbers of a usual size, and join short texts and lists."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _of_numbers(left, right, op)
    if isinstance(op, ast.Add):
        joins = isinstance(left, list | str | tuple) and type(left) is type(right)
        return left + right if joins and len(left) + len(right) <= LONGEST else UNKNOWN
    if isinstance(op, ast.Mult) and isinstance(left, list | tuple):
        if isinstance(right, int) and len(left) * max(right, 0) <= LONGEST:
            return left * right
        return Made("repeated", list(left), {}, 0)
    return UNKNOWN


def _of_numbers(left: float, right: float, op: ast.operator) -> Any:
    if isinstance(op, ast.Pow):
        is_small = abs(left) < 1e4 and abs(right) < 40
        known: Callable[[Any, Any], Any] | None = operator.pow if is_small else None
    else:
        known = _OPERATORS.get(type(op))
    try:
        result = UNKNOWN if known is None else bounded(known(left, right))
    except (ZeroDivisionError, OverflowError):
        return UNKNOWN
    return UNKNOWN if isinstance(result, complex) else result


def compared(left: Any, right: Any, op: ast.cmpop) -> Any:
    """Compare two numbers or two texts."""
    known, plain = _COMPARISONS.get(type(op)), (int, float, str)
    if known is None or not (isinstance(left, plain) and isinstance(right, plain)):
        return UNKNOWN
    try:
        return bool(known(left, right))
    except TypeError:
        return UNKNOWN


def element(owner: Any, place: ast.expr, key: Any) -> Any:
    """Return an element or a slice of a list, text or dict."""
    if isinstance(place, ast.Slice):
        bounds = [_bound(one) for one in (place.lower, place.upper, place.step)]
        is_known = UNKNOWN not in bounds and bounds[2] != 0
        return (
            owner[slice(*bounds)]
            if is_known and not isinstance(owner, dict)
            else UNKNOWN
        )
    try:
        return owner[key]
    except (KeyError, IndexError, TypeError):
        return UNKNOWN


def _bound(node: ast.expr | None) -> Any:
    if node is None:
        return None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _bound(node.operand)
        return -inner if isinstance(inner, int) else UNKNOWN
    value = node.value if isinstance(node, ast.Constant) else UNKNOWN
    return value if type(value) is int else UNKNOWN


def builtin(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    """Value of the call of one of `BUILTINS`."""
    return BUILTINS[name](name, args, options, line)


def _range(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    is_whole = all(isinstance(one, int) for one in args)
    if not 1 <= len(args) <= 3 or not is_whole or (len(args) == 3 and not args[2]):
        return UNKNOWN
    turns = range(*args)
    return list(turns) if len(turns) <= LONGEST else UNKNOWN


def _dict(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    if not args or isinstance(args[0], dict):
        return {**(args[0] if args else {}), **options}
    is_numbered = isinstance(args[0], Made) and args[0].name == "enumerate"
    return Made("dict", args, {"keys": "int" if is_numbered else ""}, line)


def _elements(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    parts = [listed(one) for one in args]
    known = [part for part in parts if part is not None]
    if name in ("list", "tuple") and not args:
        return []
    if not known or len(known) < len(parts):
        return Made(name, args, options, line) if name == "enumerate" else UNKNOWN
    if name == "zip":
        return [tuple(one) for one in zip(*known, strict=False)]
    if name == "enumerate":
        return list(enumerate(known[0]))
    return known[0][::-1] if name == "reversed" else known[0]


def _len(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    if len(args) == 1 and isinstance(args[0], Rows):
        return Made("length", [], {}, line, fitted_on=args[0])
    if len(args) == 1 and isinstance(args[0], str):
        return len(args[0])
    parts = listed(args[0]) if args else None
    return UNKNOWN if parts is None else len(parts)


def _number(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    made = {"int": int, "float": float, "round": round, "abs": abs}[name]
    is_number = len(args) == 1 and isinstance(args[0], int | float)
    if not is_number or not math.isfinite(args[0]):
        return UNKNOWN
    return made(args[0])  # type: ignore[operator]


def _extreme(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    if len(args) < 2 or not all(isinstance(one, int | float) for one in args):
        return UNKNOWN
    return max(args) if name == "max" else min(args)


BUILTINS: Mapping[str, Callable[[str, list[Any], dict[str, Any], int], Any]] = {
    "range": _range,
    "dict": _dict,
    "len": _len,
    **dict.fromkeys(("list", "tuple", "zip", "enumerate", "reversed"), _elements),
    **dict.fromkeys(("int", "float", "round", "abs"), _number),
    **dict.fromkeys(("max", "min"), _extreme),
}
