"""Values of expressions: what a name, a list, an operator or a call stands for."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skloss.readers.code.decisions import note_comparison
from skloss.readers.code.plain_results import (
    BUILTINS,
    LONGEST,
    bounded,
    builtin,
    compared,
    element,
    listed,
)
from skloss.readers.code.values import (
    UNKNOWN,
    Function,
    Instance,
    Made,
    Name,
    Rows,
)

if TYPE_CHECKING:
    from skloss.readers.code.evaluate import Evaluator

__all__ = ["MOST_TURNS", "expression_value", "is_plain", "names_rows", "one_of"]

MOST_TURNS = 64  # of a loop
_ROWS_NAME = re.compile(
    r"_?(?:x|y|data|dataset|df|train|test|val|valid|validation|features?|labels?|"
    r"targets?|inputs?|images?|texts?|sequences?|samples)(?:_?\w{0,24})",
    re.IGNORECASE,
)


def names_rows(name: str) -> bool:
    """Whether a name is one that people give to rows or labels."""
    return _ROWS_NAME.fullmatch(name) is not None


def is_plain(value: Any) -> bool:
    """Whether a value is a number, a text, a truth value or None."""
    return isinstance(value, bool | int | float | str | None)


def expression_value(evaluator: "Evaluator", node: ast.expr) -> Any:
    """Value of an expression; UNKNOWN where the code does not show it."""
    known = _VALUES.get(type(node))
    return UNKNOWN if known is None else known(evaluator, node)


def _constant(evaluator: "Evaluator", node: ast.Constant) -> Any:
    return bounded(node.value)


def _name(evaluator: "Evaluator", node: ast.Name) -> Any:
    if node.id in evaluator.names:
        return evaluator.names[node.id]
    # `Dataset` and `Input` are classes; `X_train` and `Y` are rows.
    is_class = node.id[0].isupper() and node.id[0] not in "XY"
    if names_rows(node.id) and not is_class:
        return Rows(node.id, is_seen=False)
    return Name(node.id)


def _list(evaluator: "Evaluator", node: ast.List | ast.Set) -> Any:
    return _elements(evaluator, node.elts)


def _tuple(evaluator: "Evaluator", node: ast.Tuple) -> Any:
    return tuple(_elements(evaluator, node.elts))


def _elements(evaluator: "Evaluator", nodes: Sequence[ast.expr]) -> list[Any]:
    values: list[Any] = []
    for one in nodes[:LONGEST]:
        if isinstance(one, ast.Starred):
            values += listed(evaluator.value(one.value)) or [UNKNOWN]
        else:
            values.append(evaluator.value(one))
    return values


def _dict(evaluator: "Evaluator", node: ast.Dict) -> Any:
    found: dict[Any, Any] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluator.value(value_node)
        if key_node is None:
            found |= value if isinstance(value, dict) else {}
            continue
        key = evaluator.value(key_node)
        if is_plain(key):
            found[key] = value
    return found


def _unary(evaluator: "Evaluator", node: ast.UnaryOp) -> Any:
    value = evaluator.value(node.operand)
    if isinstance(value, Rows):
        return value
    if not isinstance(value, int | float):
        return UNKNOWN
    if isinstance(node.op, ast.Not):
        return not value
    if isinstance(node.op, ast.USub):
        return -value
    return value if isinstance(node.op, ast.UAdd) else UNKNOWN


def _bool(evaluator: "Evaluator", node: ast.BoolOp) -> Any:
    values = [evaluator.value(one) for one in node.values]
    if not all(isinstance(one, bool) for one in values):
        return UNKNOWN
    return all(values) if isinstance(node.op, ast.And) else any(values)


def _compare(evaluator: "Evaluator", node: ast.Compare) -> Any:
    left, right = evaluator.value(node.left), evaluator.value(node.comparators[0])
    if isinstance(left, Rows):
        note_comparison(left, right, node.lineno)
        return left.then("compare", right if is_plain(right) else UNKNOWN, node.lineno)
    return compared(left, right, node.ops[0]) if len(node.ops) == 1 else UNKNOWN


def _binary(evaluator: "Evaluator", node: ast.BinOp) -> Any:
    left, right = evaluator.value(node.left), evaluator.value(node.right)
    return evaluator.operated(left, right, node.op, node.lineno)


def _if(evaluator: "Evaluator", node: ast.IfExp) -> Any:
    condition = evaluator.value(node.test)
    if not is_plain(condition):
        return UNKNOWN
    return evaluator.value(node.body if condition else node.orelse)


def _lambda(evaluator: "Evaluator", node: ast.Lambda) -> Any:
    return Function(node, evaluator.defaults(node.args))


def _named(evaluator: "Evaluator", node: ast.NamedExpr) -> Any:
    value = evaluator.value(node.value)
    evaluator.assign(node.target, value)
    return value


def _comprehension(
    evaluator: "Evaluator", node: ast.ListComp | ast.SetComp | ast.GeneratorExp
) -> Any:
    first = node.generators[0]
    over = evaluator.value(first.iter)
    turns = listed(over)
    is_short = turns is not None and len(turns) <= MOST_TURNS
    with evaluator.inner_names():
        if turns is not None and is_short and len(node.generators) == 1:
            return _unrolled(evaluator, first, turns, node.elt)
        for one in node.generators:
            evaluator.assign(one.target, one_of(over) if one is first else UNKNOWN)
        # One element stands for a number of them that is not known.
        return Made("comprehension", [evaluator.value(node.elt)], {}, node.lineno)


def one_of(over: Any) -> Any:
    """Value that stands for each of those that a loop goes over."""
    is_output = isinstance(over, Rows) and over.has("outputs")
    return over.then("take") if is_output else UNKNOWN


def _unrolled(
    evaluator: "Evaluator", loop: ast.comprehension, turns: list[Any], node: ast.expr
) -> list[Any]:
    found = []
    for turn in turns:
        evaluator.assign(loop.target, turn)
        conditions = [evaluator.value(one) for one in loop.ifs]
        if all(one for one in conditions if is_plain(one)):
            found.append(evaluator.value(node))
    return found


def _dict_comprehension(evaluator: "Evaluator", node: ast.DictComp) -> Any:
    targets = [one for loop in node.generators for one in ast.walk(loop.target)]
    names = {one.id for one in targets if isinstance(one, ast.Name)}
    is_turn = isinstance(node.key, ast.Name) and node.key.id in names
    return Made("dict", [], {"keys": "int" if is_turn else ""}, node.lineno)


def _attribute(evaluator: "Evaluator", node: ast.Attribute) -> Any:
    owner = evaluator.value(node.value)
    if isinstance(owner, Name):
        return Name(f"{owner.path}.{node.attr}"[-200:])
    if isinstance(owner, Instance):
        return evaluator.attribute_of(owner, node.attr)
    return evaluator.calls.attribute(owner, node.attr)


def _subscript(evaluator: "Evaluator", node: ast.Subscript) -> Any:
    owner = evaluator.value(node.value)
    if isinstance(owner, Rows | Made):
        return evaluator.calls.item(owner, evaluator.value(node.slice), node)
    if isinstance(owner, list | tuple | dict | str):
        evaluator.spend_on(owner)
        return element(owner, node.slice, evaluator.value(node.slice))
    return UNKNOWN


def _call(evaluator: "Evaluator", node: ast.Call) -> Any:
    args = _elements(evaluator, node.args)
    options: dict[str, Any] = {}
    for one in node.keywords:
        value = evaluator.value(one.value)
        if one.arg is not None:
            options[one.arg] = value
        elif isinstance(value, dict):
            options |= {str(k): v for k, v in value.items()}
    for one_of in (args, *args):
        evaluator.spend_on(one_of)
    if isinstance(node.func, ast.Attribute):
        owner = evaluator.value(node.func.value)
        if isinstance(owner, list) and node.func.attr in ("append", "extend"):
            _grow(owner, node.func.attr, args)
            return None
        if not isinstance(owner, Name | Instance):
            return evaluator.calls.method(owner, node.func.attr, args, options, node)
    if isinstance(node.func, ast.Name) and node.func.id not in evaluator.names:
        # Not imported: `train_test_split` is a function, whatever `train` may be.
        return _applied(evaluator, Name(node.func.id), args, options, node)
    return _applied(evaluator, evaluator.value(node.func), args, options, node)


def _applied(
    evaluator: "Evaluator",
    function: Any,
    args: list[Any],
    options: dict[str, Any],
    node: ast.Call,
) -> Any:
    if isinstance(function, Function):
        return evaluator.call_function(function, args, options)
    if isinstance(function, ast.ClassDef):
        return evaluator.instance_of(function, args, options)
    is_of_rows = function == Name("round") and args and isinstance(args[0], Rows)
    if isinstance(function, Name) and function.path in BUILTINS and not is_of_rows:
        result = builtin(function.path, args, options, node.lineno)
        evaluator.spend_on(result)
        return result
    return evaluator.calls.call(function, args, options, node)


def _grow(owner: list[Any], how: str, args: list[Any]) -> None:
    if args:
        grown = [args[0]] if how == "append" else listed(args[0]) or []
        if len(owner) + len(grown) <= LONGEST:
            owner += grown


_VALUES: Mapping[type[ast.expr], Callable[["Evaluator", Any], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.List: _list,
    ast.Set: _list,
    ast.Tuple: _tuple,
    ast.Dict: _dict,
    ast.UnaryOp: _unary,
    ast.BoolOp: _bool,
    ast.Compare: _compare,
    ast.BinOp: _binary,
    ast.IfExp: _if,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
}
