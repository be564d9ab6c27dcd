"""Follow names through the code, statement by statement, without running it.

Only numbers, texts, lists and the calls of `code.calls` get a value; everything else is
unknown. The work is bounded: each node costs one of `_BUDGET` steps and each copy of a
list as many as it is long, loops are unrolled at most `MOST_TURNS` times, and nesting
ends at `_DEEPEST`.
"""

import ast
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from skloss.readers.code.expressions import (
    MOST_TURNS,
    expression_value,
    is_plain,
    names_rows,
    one_of,
)
from skloss.readers.code.plain_results import LONGEST, computed, listed
from skloss.readers.code.values import (
    UNKNOWN,
    Function,
    Instance,
    Made,
    Name,
    Rows,
    Tensor,
    Unknown,
)

__all__ = ["Calls", "Evaluator"]

_BUDGET = 80_000
_DEEPEST = 60
_OPERANDS = (Rows, Made, Tensor)  # of which `calls` knows what operators do
_PER_STEP = 8  # elements of a list that cost as much as a node


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

    def network(self, of: ast.ClassDef, line: int) -> Any:
        """Value of the call of a class of the code; NotImplemented if no network."""

    def attribute(self, owner: Any, name: str) -> Any:
        """Value of an attribute."""

    def arithmetic(self, left: Any, right: Any, op: str, line: int) -> Any:
        """Value of an operator on rows."""

    def changed(self, rows: Rows, key: Any, value: Any, node: ast.Subscript) -> Rows:
        """Rows after ``rows[key] = value``."""

    def item(self, owner: Any, key: Any, node: ast.Subscript) -> Any:
        """Value of a subscript on rows."""


class Evaluator:
    """Give each name of the code the value that can be known of it."""

    def __init__(self, calls: Calls) -> None:
        self.names: ChainMap[str, Any] = ChainMap({"__name__": "__main__"})
        self.functions: list[Function] = []
        self.calls = calls
        self._left = _BUDGET
        self._depth = 0
        self._path: list[int] = []

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

    def value(self, node: ast.expr | None) -> Any:
        """Value of an expression; UNKNOWN where the code does not show it."""
        self._spend()
        if node is None or self._depth > _DEEPEST:
            return UNKNOWN
        self._depth += 1
        try:
            return expression_value(self, node)
        finally:
            self._depth -= 1

    def operated(self, left: Any, right: Any, op: ast.operator, line: int) -> Any:
        """Value of an operator between two values."""
        if isinstance(left, _OPERANDS) or isinstance(right, _OPERANDS):
            return self.calls.arithmetic(left, right, type(op).__name__, line)
        result = computed(left, right, op)
        self.spend_on(result)
        return result

    def spend_on(self, made: Any) -> None:
        """Pay for the elements of a list that is copied."""
        if isinstance(made, list | tuple | dict | str):
            self._spend(len(made) // _PER_STEP)

    def _spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise _Stop

    @contextmanager
    def inner_names(self) -> Iterator[None]:
        """Forget the names that are assigned inside."""
        outer, self.names = self.names, self.names.new_child()
        try:
            yield
        finally:
            self.names = outer

    # ------------------------------------------------------- functions and classes

    def call_function(
        self, function: Function, args: list[Any], options: dict[str, Any]
    ) -> Any:
        """Follow a function of the code and return what it returns."""
        node = function.node
        function.called = True
        if self._depth > _DEEPEST or self._path.count(id(node)) > 1:
            return UNKNOWN
        self._path.append(id(node))
        self._depth += 4
        try:
            with self.inner_names():
                self.names.update(_bound(function, args, options))
                if isinstance(node, ast.Lambda):
                    return self.value(node.body)
                self._body(node.body)
        except _Return as back:
            return back.value
        finally:
            self._depth -= 4
            self._path.pop()
        return None

    def instance_of(
        self, of: ast.ClassDef, args: list[Any], options: dict[str, Any]
    ) -> Any:
        """Value of the call of a class of the code."""
        network = self.calls.network(of, of.lineno)
        if network is not NotImplemented:
            return network
        owner = Instance(of)
        made = self.attribute_of(owner, "__init__")
        if isinstance(made, Function):
            self.call_function(made, args, options)
        return owner

    def attribute_of(self, owner: Instance, name: str) -> Any:
        """Value of an attribute or a method of an object of the code."""
        if name in owner.attributes:
            return owner.attributes[name]
        for one in owner.of.body:
            if isinstance(one, ast.FunctionDef) and one.name == name:
                return Function(one, self.defaults(one.args), bound=owner)
            if isinstance(one, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == name
                for target in one.targets
            ):
                return self.value(one.value)
        return UNKNOWN

    def defaults(self, args: ast.arguments) -> dict[str, Any]:
        """Values of the default arguments of a function."""
        places = [*args.posonlyargs, *args.args]
        last = places[len(places) - len(args.defaults) :]
        found = {
            a.arg: self.value(d) for a, d in zip(last, args.defaults, strict=False)
        }
        for one, given in zip(args.kwonlyargs, args.kw_defaults, strict=False):
            if given is not None:
                found[one.arg] = self.value(given)
        return found

    # ------------------------------------------------------------------ statements

    def _body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        self._spend()
        known = _STATEMENTS.get(type(node))
        if known is None or self._depth > _DEEPEST:
            return
        self._depth += 1
        try:
            known(self, node)
        finally:
            self._depth -= 1

    def _expression(self, node: ast.Expr) -> None:
        self.value(node.value)

    def _assignment(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _typed_assignment(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value))

    def _changing_assignment(self, node: ast.AugAssign) -> None:
        left, right = self.value(node.target), self.value(node.value)
        self.assign(node.target, self.operated(left, right, node.op, node.lineno))

    def _import(self, node: ast.Import) -> None:
        for one in node.names:
            name = one.asname or one.name.partition(".")[0]
            self.names[name] = Name(one.name if one.asname else name)

    def _import_from(self, node: ast.ImportFrom) -> None:
        for one in node.names:
            if one.name != "*":
                path = f"{node.module or ''}.{one.name}".strip(".")
                self.names[one.asname or one.name] = Name(path)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        function = Function(node, self.defaults(node.args))
        self.functions.append(function)
        self.names[node.name] = function

    def _class(self, node: ast.ClassDef) -> None:
        self.names[node.name] = node

    def _return(self, node: ast.Return) -> None:
        raise _Return(None if node.value is None else self.value(node.value))

    def _if(self, node: ast.If) -> None:
        condition = self.value(node.test)
        if is_plain(condition):
            self._body(node.body if condition else node.orelse)
            return
        # Neither is known to run: the first is followed, unless it only ends something.
        ends = isinstance(
            node.body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break
        )
        self._body(node.orelse if ends else node.body)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        over = self.value(node.iter)
        turns = listed(over)
        if turns is None or len(turns) > MOST_TURNS:
            turns = [one_of(over)]
        for turn in turns:
            self.assign(node.target, turn)
            if self._turn(node.body):
                break

    def _while(self, node: ast.While) -> None:
        self._turn(node.body)

    def _turn(self, body: Sequence[ast.stmt]) -> bool:
        """Follow a loop once; True if it ends there."""
        for statement in body:
            if isinstance(statement, ast.Break | ast.Continue):
                return isinstance(statement, ast.Break)
            self._statement(statement)
        return False

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        self._body(node.body)

    def _try(self, node: ast.Try) -> None:
        self._body(node.body)
        self._body(node.orelse)
        self._body(node.finalbody)

    # ----------------------------------------------------------------- assignments

    def assign(self, target: ast.expr, value: Any) -> None:
        """Give a value to a name, to several, to an attribute or to a key."""
        if isinstance(target, ast.Name):
            if isinstance(value, Unknown) and names_rows(target.id):
                value = Rows(target.id, is_seen=False)
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, UNKNOWN)
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(self.value(target.value), target.attr, value)
        elif isinstance(target, ast.Subscript):
            self._assign_key(self.value(target.value), target, value)

    def _assign_attribute(self, owner: Any, name: str, value: Any) -> None:
        if isinstance(owner, Instance):
            owner.attributes[name] = value
        elif isinstance(owner, Made):
            owner.options[name] = value

    def _assign_key(self, owner: Any, target: ast.Subscript, value: Any) -> None:
        key = self.value(target.slice)
        if isinstance(owner, dict) and len(owner) < LONGEST and is_plain(key):
            owner[key] = value
        elif isinstance(owner, Rows) and isinstance(target.value, ast.Name):
            self.names[target.value.id] = self.calls.changed(owner, key, value, target)

    def _unpack(self, targets: Sequence[ast.expr], value: Any) -> None:
        parts = listed(value)
        if parts is None or len(parts) != len(targets):
            parts = [UNKNOWN] * len(targets)
        for target, part in zip(targets, parts, strict=True):
            self.assign(target, part)


_STATEMENTS: Mapping[type[ast.stmt], Callable[[Evaluator, Any], None]] = {
    ast.Expr: Evaluator._expression,
    ast.Assign: Evaluator._assignment,
    ast.AnnAssign: Evaluator._typed_assignment,
    ast.AugAssign: Evaluator._changing_assignment,
    ast.Import: Evaluator._import,
    ast.ImportFrom: Evaluator._import_from,
    ast.FunctionDef: Evaluator._function,
    ast.AsyncFunctionDef: Evaluator._function,
    ast.ClassDef: Evaluator._class,
    ast.Return: Evaluator._return,
    ast.If: Evaluator._if,
    ast.For: Evaluator._for,
    ast.AsyncFor: Evaluator._for,
    ast.While: Evaluator._while,
    ast.With: Evaluator._with,
    ast.AsyncWith: Evaluator._with,
    ast.Try: Evaluator._try,
}


def _bound(
    function: Function, args: list[Any], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the names of a function's parameters with what was given for them."""
    spec = function.node.args
    places = [one.arg for one in (*spec.posonlyargs, *spec.args)]
    names: dict[str, Any] = {}
    for one in (*places, *(k.arg for k in spec.kwonlyargs)):
        seen = Rows(one, is_seen=False) if names_rows(one) else UNKNOWN
        names[one] = function.defaults.get(one, seen)
    given = [function.bound, *args] if function.bound is not None else args
    names.update(zip(places, given, strict=False))
    names.update({name: value for name, value in options.items() if name in names})
    if spec.kwarg is not None:
        names[spec.kwarg.arg] = {k: v for k, v in options.items() if k not in names}
    return names
