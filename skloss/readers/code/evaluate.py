"""Follow names through the code, statement by statement, without running it.

Only numbers, texts, lists and the calls of `code.calls` get a value; everything else is
unknown. The work is bounded: each node costs one of `_BUDGET` steps, loops are unrolled
at most `_MOST_TURNS` times, and nesting ends at `_DEEPEST`.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from skloss.readers.code.values import (
    UNKNOWN,
    Function,
    Instance,
    Made,
    Name,
    Rows,
    Unknown,
)

__all__ = ["Calls", "Evaluator"]

_BUDGET = 250_000
_DEEPEST = 60
_MOST_TURNS = 64
_LONGEST = 10_000  # elements of a list
_LARGEST = 1e15
_ROWS_NAME = re.compile(
    r"^_?(?:x|y|data|dataset|df|train|test|val|valid|validation|features?|labels?|"
    r"targets?|inputs?|images?|texts?|sequences?|samples)(?:_?\w{0,24})$",
    re.IGNORECASE,
)
_NUMBERS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class _Return(Exception):  # noqa: N818 - control flow
    def __init__(self, value: Any) -> None:
        self.value = value


class _Stop(Exception):  # noqa: N818 - control flow
    """The budget is spent."""


class Calls(Protocol):
    """What calls, attributes and operators mean; see `calls.KnownCalls`."""

    def call(
        self, function: Any, args: list[Any], options: dict[str, Any], node: ast.Call
    ) -> Any:
        """Value of the call of something from outside."""

    def method(
        self,
        owner: Any,
        name: str,
        args: list[Any],
        options: dict[str, Any],
        node: ast.Call,
    ) -> Any:
        """Value of the call of a method; may rebind the owner's name."""

    def attribute(self, owner: Any, name: str) -> Any:
        """Value of an attribute."""

    def arithmetic(self, left: Any, right: Any, node: ast.BinOp) -> Any:
        """Value of an operator on rows."""

    def item(self, owner: Any, key: Any, node: ast.Subscript) -> Any:
        """Value of a subscript on rows."""


class Evaluator:
    """Give each name of the code the value that can be known of it."""

    def __init__(self, calls: Callable[["Evaluator"], Calls]) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.functions: list[Function] = []
        self.classes: dict[str, ast.ClassDef] = {}
        self.calls = calls(self)
        self._left = _BUDGET
        self._depth = 0
        self._path: list[int] = []

    # ---------------------------------------------------------------- statements

    def run(self, statements: Sequence[ast.stmt]) -> bool:
        """Follow all statements; False if the budget did not suffice."""
        try:
            for statement in statements:
                try:
                    self._statement(statement)
                except _Return:
                    continue
        except _Stop:
            return False
        return True

    def call_function(
        self, function: Function, args: list[Any], options: dict[str, Any]
    ) -> Any:
        """Follow a function of the code and return what it returns."""
        node = function.node
        function.called = True
        if self._depth > _DEEPEST or self._path.count(id(node)) > 1:
            return UNKNOWN
        outer, self.names = self.names, dict(self.names)
        self.names.update(_bound(function, args, options))
        self._path.append(id(node))
        self._depth += 4
        try:
            if isinstance(node, ast.Lambda):
                return self.value(node.body)
            self._body(node.body)
        except _Return as back:
            return back.value
        finally:
            self._depth -= 4
            self._path.pop()
            self.names = outer
        return None

    def _body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        self._spend()
        if self._depth > _DEEPEST:
            return
        self._depth += 1
        try:
            method = getattr(self, f"_on_{type(node).__name__}", None)
            if method is not None:
                method(node)
        finally:
            self._depth -= 1

    def _on_Expr(self, node: ast.Expr) -> None:
        self.value(node.value)

    def _on_Assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self._assign(target, value)

    def _on_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, self.value(node.value))

    def _on_AugAssign(self, node: ast.AugAssign) -> None:
        left: Any = node.target
        both = ast.BinOp(left=left, op=node.op, right=node.value)
        ast.copy_location(both, node)
        self._assign(node.target, self._BinOp(both))

    def _on_Import(self, node: ast.Import) -> None:
        for one in node.names:
            name = one.asname or one.name.partition(".")[0]
            self.names[name] = Name(one.name if one.asname else name)

    def _on_ImportFrom(self, node: ast.ImportFrom) -> None:
        for one in node.names:
            if one.name != "*":
                path = f"{node.module or ''}.{one.name}".strip(".")
                self.names[one.asname or one.name] = Name(path)

    def _on_FunctionDef(self, node: ast.FunctionDef) -> None:
        function = Function(node, self._defaults(node.args))
        self.functions.append(function)
        self.names[node.name] = function

    _on_AsyncFunctionDef = _on_FunctionDef

    def _on_ClassDef(self, node: ast.ClassDef) -> None:
        self.classes[node.name] = node
        self.names[node.name] = node

    def _on_Return(self, node: ast.Return) -> None:
        raise _Return(None if node.value is None else self.value(node.value))

    def _on_If(self, node: ast.If) -> None:
        condition = self.value(node.test)
        if isinstance(condition, bool | int | float | str | None):
            self._body(node.body if condition else node.orelse)
            return
        # Neither is known to run: the first is followed, unless it only ends something.
        ends = isinstance(
            node.body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break
        )
        self._body(node.orelse if ends else node.body)

    def _on_For(self, node: ast.For | ast.AsyncFor) -> None:
        turns = _listed(self.value(node.iter))
        if turns is None or len(turns) > _MOST_TURNS:
            turns = [UNKNOWN]
        for turn in turns:
            self._assign(node.target, turn)
            if self._turn(node.body):
                break

    _on_AsyncFor = _on_For

    def _turn(self, body: Sequence[ast.stmt]) -> bool:
        """Follow a loop once; True if it ends there."""
        for statement in body:
            if isinstance(statement, ast.Break):
                return True
            if isinstance(statement, ast.Continue):
                return False
            self._statement(statement)
        return False

    def _on_While(self, node: ast.While) -> None:
        self._turn(node.body)

    def _on_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self._assign(item.optional_vars, value)
        self._body(node.body)

    _on_AsyncWith = _on_With

    def _on_Try(self, node: ast.Try) -> None:
        self._body(node.body)
        self._body(node.orelse)
        self._body(node.finalbody)

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            if isinstance(value, Unknown) and _ROWS_NAME.match(target.id):
                value = Rows(target.id, is_seen=False)
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value)
        elif isinstance(target, ast.Starred):
            self._assign(target.value, UNKNOWN)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value)
            if isinstance(owner, Instance):
                owner.attributes[target.attr] = value
            elif isinstance(owner, Made):
                owner.options[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner = self.value(target.value)
            if isinstance(owner, dict):
                key = self.value(target.slice)
                if isinstance(key, str | int | float) and len(owner) < _LONGEST:
                    owner[key] = value

    def _unpack(self, targets: Sequence[ast.expr], value: Any) -> None:
        parts = _listed(value)
        if parts is None or len(parts) != len(targets):
            parts = [UNKNOWN] * len(targets)
        for target, part in zip(targets, parts, strict=True):
            self._assign(target, part)

    # --------------------------------------------------------------- expressions

    def value(self, node: ast.expr | None) -> Any:
        """Value of an expression; UNKNOWN where the code does not show it."""
        self._spend()
        if node is None or self._depth > _DEEPEST:
            return UNKNOWN
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            return UNKNOWN
        self._depth += 1
        try:
            return method(node)
        finally:
            self._depth -= 1

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _Stop

    def _Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _Name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        if (_ROWS_NAME.match(node.id) and not node.id[0].isupper()) or (
            node.id[:1] in ("X", "Y") and _ROWS_NAME.match(node.id)
        ):
            return Rows(node.id, is_seen=False)
        return Name(node.id)

    def _Tuple(self, node: ast.Tuple) -> Any:
        return tuple(self._elements(node.elts))

    def _List(self, node: ast.List) -> Any:
        return self._elements(node.elts)

    def _Set(self, node: ast.Set) -> Any:
        return self._elements(node.elts)

    def _elements(self, nodes: Sequence[ast.expr]) -> list[Any]:
        values: list[Any] = []
        for one in nodes[:_LONGEST]:
            if isinstance(one, ast.Starred):
                values += _listed(self.value(one.value)) or [UNKNOWN]
            else:
                values.append(self.value(one))
        return values

    def _Dict(self, node: ast.Dict) -> Any:
        found: dict[Any, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.value(value_node)
            if key_node is None:
                found |= value if isinstance(value, dict) else {}
                continue
            key = self.value(key_node)
            if isinstance(key, str | int | float | bool | None):
                found[key] = value
        return found

    def _UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(value, int | float):
            if isinstance(node.op, ast.USub):
                return -value
            if isinstance(node.op, ast.Not):
                return not value
            return value if isinstance(node.op, ast.UAdd) else UNKNOWN
        return value if isinstance(value, Rows) else UNKNOWN

    def _BoolOp(self, node: ast.BoolOp) -> Any:
        values = [self.value(one) for one in node.values[:20]]
        if not all(isinstance(one, bool) for one in values):
            return UNKNOWN
        return all(values) if isinstance(node.op, ast.And) else any(values)

    def _Compare(self, node: ast.Compare) -> Any:
        left, right = self.value(node.left), self.value(node.comparators[0])
        if isinstance(left, Rows):
            return left.then("compare", right, node.lineno)
        known = _COMPARE.get(type(node.ops[0]))
        plain = (int, float, str)
        if (
            known is None
            or len(node.ops) > 1
            or not (isinstance(left, plain) and isinstance(right, plain))
        ):
            return UNKNOWN
        try:
            return bool(known(left, right))
        except TypeError:
            return UNKNOWN

    def _BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, Rows | Made) or isinstance(right, Rows | Made):
            return self.calls.arithmetic(left, right, node)
        return _plain_result(left, right, node.op)

    def _IfExp(self, node: ast.IfExp) -> Any:
        condition = self.value(node.test)
        if isinstance(condition, bool | int | float | str | None):
            return self.value(node.body if condition else node.orelse)
        return self.value(node.body)

    def _JoinedStr(self, node: ast.JoinedStr) -> Any:
        return UNKNOWN

    def _Lambda(self, node: ast.Lambda) -> Any:
        return Function(node, self._defaults(node.args))

    def _NamedExpr(self, node: ast.NamedExpr) -> Any:
        value = self.value(node.value)
        self._assign(node.target, value)
        return value

    def _ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        first = node.generators[0]
        turns = _listed(self.value(first.iter))
        if turns is None or len(turns) > _MOST_TURNS or len(node.generators) > 1:
            outer = self.names
            self.names = dict(outer)
            for one in node.generators:
                self._assign(one.target, UNKNOWN)
            element = self.value(node.elt)
            self.names = outer
            # One element stands for a number of them that is not known.
            return Made("comprehension", [element], {}, node.lineno)
        found = []
        outer, self.names = self.names, dict(self.names)
        for turn in turns:
            self._assign(first.target, turn)
            found.append(self.value(node.elt))
        self.names = outer
        return found

    _GeneratorExp = _ListComp
    _SetComp = _ListComp

    def _DictComp(self, node: ast.DictComp) -> Any:
        first = node.generators[0]
        self.value(first.iter)
        key = ast.unparse(first.target)[:40]
        of_numbers = isinstance(node.key, ast.Name) and node.key.id in key
        return Made("dict", [], {"keys": "int" if of_numbers else ""}, node.lineno)

    def _Attribute(self, node: ast.Attribute) -> Any:
        owner = self.value(node.value)
        if isinstance(owner, Name):
            return Name(f"{owner.path}.{node.attr}"[-200:])
        if isinstance(owner, Instance):
            return self._of_instance(owner, node.attr)
        return self.calls.attribute(owner, node.attr)

    def _of_instance(self, owner: Instance, name: str) -> Any:
        if name in owner.attributes:
            return owner.attributes[name]
        for one in owner.of.body:
            if isinstance(one, ast.FunctionDef) and one.name == name:
                return Function(one, self._defaults(one.args), bound=owner)
        return UNKNOWN

    def _Subscript(self, node: ast.Subscript) -> Any:
        owner = self.value(node.value)
        if isinstance(owner, Rows):
            return self.calls.item(owner, self.value(node.slice), node)
        if isinstance(owner, list | tuple | dict | str):
            return _element(owner, node.slice, self.value(node.slice))
        return UNKNOWN

    def _Call(self, node: ast.Call) -> Any:
        args = self._elements(node.args)
        options: dict[str, Any] = {}
        for one in node.keywords:
            value = self.value(one.value)
            if one.arg is not None:
                options[one.arg] = value
            elif isinstance(value, dict):
                options |= {str(k): v for k, v in value.items()}
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            if not isinstance(owner, Name | Instance):
                if isinstance(owner, list) and node.func.attr in ("append", "extend"):
                    _grow(owner, node.func.attr, args)
                    return None
                return self.calls.method(owner, node.func.attr, args, options, node)
        return self.applied(self.value(node.func), args, options, node)

    def applied(
        self, function: Any, args: list[Any], options: dict[str, Any], node: ast.Call
    ) -> Any:
        """Value of a call."""
        if isinstance(function, Function):
            return self.call_function(function, args, options)
        if isinstance(function, ast.ClassDef):
            return self._made_instance(function, args, options)
        if isinstance(function, Name) and function.path in (
            "range",
            "len",
            "int",
            "float",
            "round",
            "list",
            "tuple",
            "dict",
            "zip",
            "enumerate",
            "reversed",
            "max",
            "min",
            "abs",
            "sum",
            "str",
        ):
            return self._builtin(function.path, args, options, node)
        return self.calls.call(function, args, options, node)

    def _made_instance(
        self, of: ast.ClassDef, args: list[Any], options: dict[str, Any]
    ) -> Any:
        owner = Instance(of)
        made = self._of_instance(owner, "__init__")
        if isinstance(made, Function):
            self.call_function(made, args, options)
        return owner

    def _builtin(
        self, name: str, args: list[Any], options: dict[str, Any], node: ast.Call
    ) -> Any:
        if name == "range":
            whole = all(isinstance(a, int) and abs(a) < _LARGEST for a in args)
            if (
                not args
                or len(args) > 3
                or not whole
                or (len(args) == 3 and not args[2])
            ):
                return UNKNOWN
            turns = range(*args)
            return list(turns) if len(turns) <= _LONGEST else UNKNOWN
        if name == "dict" and (not args or isinstance(args[0], dict)):
            return {**(args[0] if args else {}), **options}
        if name == "dict":
            is_numbered = isinstance(args[0], Made) and args[0].name == "enumerate"
            return Made(
                "dict", args, {"keys": "int" if is_numbered else ""}, node.lineno
            )
        parts = [_listed(one) for one in args]
        if name == "zip" and parts and all(part is not None for part in parts):
            return [tuple(one) for one in zip(*parts, strict=False)]  # type: ignore[arg-type]
        if name == "enumerate" and parts and parts[0] is not None:
            return list(enumerate(parts[0]))
        if name in ("list", "tuple", "reversed") and parts and parts[0] is not None:
            return list(reversed(parts[0])) if name == "reversed" else list(parts[0])
        if name in ("list", "tuple") and not args:
            return []
        if name == "enumerate":
            return Made("enumerate", args, options, node.lineno)
        if len(args) == 1 and isinstance(args[0], Rows):
            return (
                Made("length", [], {}, node.lineno, fitted_on=args[0])
                if name == "len"
                else UNKNOWN
            )
        if name == "len" and parts and parts[0] is not None:
            return len(parts[0])
        numbers = [one for one in args if isinstance(one, int | float)]
        if name in ("int", "float", "round", "abs") and len(args) == 1 and numbers:
            return _number(name, numbers[0])
        if name in ("max", "min") and numbers and len(numbers) == len(args) > 1:
            return max(numbers) if name == "max" else min(numbers)
        return UNKNOWN

    def _defaults(self, args: ast.arguments) -> dict[str, Any]:
        places = [*args.posonlyargs, *args.args]
        last = places[len(places) - len(args.defaults) :]
        found = {
            a.arg: self.value(d) for a, d in zip(last, args.defaults, strict=False)
        }
        for one, given in zip(args.kwonlyargs, args.kw_defaults, strict=False):
            if given is not None:
                found[one.arg] = self.value(given)
        return found


def _bound(
    function: Function, args: list[Any], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the names of a function's parameters with what was given for them."""
    spec = function.node.args
    places = [one.arg for one in (*spec.posonlyargs, *spec.args)]
    names: dict[str, Any] = {}
    for one in (*places, *(k.arg for k in spec.kwonlyargs)):
        seen = Rows(one, is_seen=False) if _ROWS_NAME.match(one) else UNKNOWN
        names[one] = function.defaults.get(one, seen)
    given = [function.bound, *args] if function.bound is not None else args
    names.update(zip(places, given, strict=False))
    names.update({name: value for name, value in options.items() if name in names})
    if spec.kwarg is not None:
        names[spec.kwarg.arg] = {k: v for k, v in options.items() if k not in names}
    return names


def _listed(value: Any) -> list[Any] | None:
    """Return the elements of a value, if there is a known number of them."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict):
        return list(value)
    return None


def _grow(owner: list[Any], how: str, args: list[Any]) -> None:
    if len(owner) < _LONGEST and args:
        owner += [args[0]] if how == "append" else _listed(args[0]) or []


def _number(name: str, value: float) -> Any:
    if not math.isfinite(value):
        return UNKNOWN
    return {"int": int, "float": float, "round": round, "abs": abs}[name](value)


def _element(owner: Any, node: ast.expr, key: Any) -> Any:
    if isinstance(node, ast.Slice):
        bounds = [
            getattr(b, "value", None) if isinstance(b, ast.Constant | None) else False
            for b in (node.lower, node.upper, node.step)
        ]
        whole = all(
            b is None or (isinstance(b, int) and not isinstance(b, bool))
            for b in bounds
        )
        return (
            owner[slice(*bounds)]
            if whole and bounds[2] != 0 and not isinstance(owner, dict)
            else UNKNOWN
        )
    try:
        return owner[key]
    except (KeyError, IndexError, TypeError):
        return UNKNOWN


def _plain_result(left: Any, right: Any, op: ast.operator) -> Any:
    """Compute with numbers of a usual size, and join short texts and lists."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        try:
            if isinstance(op, ast.Pow):
                small = abs(left) < 1e4 and abs(right) < 40
                return left**right if small else UNKNOWN
            known = _NUMBERS.get(type(op))
            result = known(left, right) if known else UNKNOWN
        except (ZeroDivisionError, OverflowError, ValueError):
            return UNKNOWN
        return (
            result
            if isinstance(result, int | float) and abs(result) < _LARGEST
            else UNKNOWN
        )
    if (
        isinstance(left, list | str | tuple)
        and type(left) is type(right)
        and isinstance(op, ast.Add)
    ):
        return left + right if len(left) + len(right) <= _LONGEST else UNKNOWN  # type: ignore[operator]
    if isinstance(left, list | tuple) and isinstance(op, ast.Mult):
        if isinstance(right, int) and len(left) * max(right, 0) <= _LONGEST:
            return left * right
        return Made("repeated", list(left), {}, 0)
    return UNKNOWN
