"""Values of the names in the code: numbers, calls, rows, models, functions."""

import ast
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = [
    "MOST_LAYERS",
    "UNKNOWN",
    "Function",
    "Instance",
    "Made",
    "Model",
    "Name",
    "Op",
    "Rows",
    "Tensor",
    "Unknown",
]


class Unknown:
    """A value that the code does not show."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()
MOST_LAYERS = 1_000  # of a network that is read


@dataclass(frozen=True)
class Name:
    """A name from outside: ``keras.layers.Dense``."""

    path: str

    @property
    def last(self) -> str:
        """Its last part."""
        return self.path.rpartition(".")[2]


@dataclass(eq=False)
class Made:
    """What a call of a name from outside gave: a layer, an optimizer, a scaler."""

    name: str
    args: list[Any]
    options: dict[str, Any]
    line: int
    path: str = ""
    fitted_on: "Rows | None" = None  # of a scaler

    def option(self, *names: str, place: int | None = None, default: Any = None) -> Any:
        """Return an argument by any of its names, or by its place."""
        for name in names:
            if name in self.options:
                return self.options[name]
        if place is not None and place < len(self.args):
            return self.args[place]
        return default


@dataclass(frozen=True)
class Tensor:
    """The output of layers in a functional model."""

    layers: tuple[Made, ...]


@dataclass(eq=False)
class Model:
    """A network as the code stacks it."""

    layers: list[Made] = field(default_factory=list)
    compiled: Made | None = None
    fits: list[Made] = field(default_factory=list)
    line: int = 0
    kind: str = "keras"  # "subclassed", "several outputs", "scikeras", an estimator
    settings: dict[str, Any] = field(default_factory=dict)  # of a wrapper
    steps: list[Made] = field(default_factory=list)  # of a pipeline, before it
    is_searched: bool = False
    has_folds: bool = False  # of a search
    decisions: list[tuple[str, int]] = field(default_factory=list)  # and their lines


@dataclass(eq=False)
class Function:
    """A function of the code, with what its names stood for when it was defined."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    defaults: dict[str, Any]
    called: bool = False
    bound: Any = None


@dataclass(eq=False)
class Instance:
    """An object of a class of the code."""

    of: ast.ClassDef
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fold:
    """Positions of the rows of one side of a fold."""

    side: str  # "train" or "val"
    is_ordered: bool
    line: int


@dataclass(frozen=True)
class Op:
    """One thing that the code does to rows."""

    kind: str  # "scale", "sample", "split", "sort", "shuffle", "one_hot", ...
    detail: Any = None
    line: int = 0


@dataclass(frozen=True)
class Rows:
    """An array or a table, and what was done to it so far."""

    name: str
    ops: tuple[Op, ...] = ()
    shape: tuple[int | None, ...] | None = None  # of one row
    values: Any = None  # where the code writes them out
    is_seen: bool = True  # the code shows where it comes from

    def then(
        self, kind: str, detail: Any = None, line: int = 0, **changed: Any
    ) -> "Rows":
        """Return it after one more step."""
        if len(self.ops) > 60:  # a loop that was unrolled
            return self
        changed.setdefault("values", None)
        return replace(self, ops=(*self.ops, Op(kind, detail, line)), **changed)

    def has(self, *kinds: str) -> bool:
        """Whether one of these steps was done."""
        return any(op.kind in kinds for op in self.ops)

    def find(self, *kinds: str) -> "Op | None":
        """Return the last of these steps."""
        return next((op for op in reversed(self.ops) if op.kind in kinds), None)
