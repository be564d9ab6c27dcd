"""What the calls of the code mean: layers, models, ``compile``, ``fit``, rows."""

import ast
from typing import Any

from skloss.readers.code.evaluate import Evaluator
from skloss.readers.code.row_calls import (
    on_rows,
    row_arithmetic,
    row_function,
    row_item,
    transformer_method,
)
from skloss.readers.code.values import (
    UNKNOWN,
    Function,
    Instance,
    Made,
    Model,
    Name,
    Rows,
    Tensor,
    Unknown,
)

__all__ = ["ESTIMATORS", "KnownCalls"]

ESTIMATORS = ("MLPClassifier", "DenseClassifier", "CNN1DClassifier", "KerasClassifier")
_FITS = ("fit", "fit_generator", "train_on_batch")
_REBINDING = ("shuffle",)
_IN_PLACE = ("sort_values", "sample")


class KnownCalls:
    """Values of calls, and the models that the code makes."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.models: list[Model] = []

    def call(
        self, function: Any, args: list[Any], options: dict[str, Any], node: ast.Call
    ) -> Any:
        """Value of the call of something from outside."""
        if isinstance(function, Made):
            return self._layered(function, args, options)
        if isinstance(function, Model):
            return Tensor((*_layers_of(args), *function.layers))
        if not isinstance(function, Name):
            return UNKNOWN
        name = function.last
        if name == "Sequential":
            return self._model(_flat(_first(args, options, "layers")), node.lineno)
        if name in ("Model", "Functional"):
            outputs = _first(args[1:], options, "outputs", "output")
            return self._model(list(_layers_of([outputs])), node.lineno)
        if name == "Input":
            return Tensor((Made("Input", args, options, node.lineno, function.path),))
        if name in ESTIMATORS:
            return self._estimator(name, args, options, node, function.path)
        if name in ("Pipeline", "make_pipeline"):
            return self._pipeline(name, args, options, node)
        if (
            name in _REBINDING
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Name)
        ):
            rows = args[0]
            if isinstance(rows, Rows):
                rows = rows.then("shuffle", None, node.lineno)
                self.evaluator.names[node.args[0].id] = rows
                return rows
        found = row_function(name, function.path, args, options, node)
        if found is not NotImplemented:
            return found
        if not name[:1].isupper() and name not in _LOWER_MADE:
            return UNKNOWN
        return Made(name, args, options, node.lineno, function.path)

    def method(
        self,
        owner: Any,
        name: str,
        args: list[Any],
        options: dict[str, Any],
        node: ast.Call,
    ) -> Any:
        """Value of the call of a method."""
        if isinstance(owner, Model):
            return self._of_model(owner, name, args, options, node)
        if isinstance(owner, Rows):
            if (
                name in _IN_PLACE
                and options.get("inplace") is True
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
            ):
                self.evaluator.names[node.func.value.id] = on_rows(
                    owner, name, args, options, node
                )
                return None
            return on_rows(owner, name, args, options, node)
        if isinstance(owner, Made):
            return transformer_method(owner, name, args, options, node)
        if isinstance(owner, Function | Instance):
            return UNKNOWN
        if isinstance(owner, dict):
            return (
                owner.get(args[0], args[1] if len(args) > 1 else None)
                if name == "get" and args and isinstance(args[0], str | int)
                else UNKNOWN
            )
        if name in _FITS and isinstance(owner, Unknown):
            return UNKNOWN
        return UNKNOWN

    def attribute(self, owner: Any, name: str) -> Any:
        """Value of an attribute."""
        if isinstance(owner, Rows):
            return _of_rows(owner, name)
        if isinstance(owner, Model):
            if name in ("output", "outputs"):
                return Tensor(tuple(owner.layers))
            return owner if name in ("model", "model_") else UNKNOWN
        if isinstance(owner, Made) and name in ("output", "outputs"):
            return Tensor((owner,))
        return UNKNOWN

    def arithmetic(self, left: Any, right: Any, node: ast.BinOp) -> Any:
        """Value of an operator on rows."""
        return row_arithmetic(left, right, node)

    def item(self, owner: Any, key: Any, node: ast.Subscript) -> Any:
        """Value of a subscript on rows."""
        return row_item(owner, key, node)

    # -------------------------------------------------------------------- models

    def _model(self, layers: list[Made], line: int, kind: str = "keras") -> Model:
        model = Model(layers, line=line, kind=kind)
        self.models.append(model)
        return model

    def _layered(self, layer: Made, args: list[Any], options: dict[str, Any]) -> Any:
        """Value of ``Dense(10)(x)``."""
        wrapped = (
            layer.args[0]
            if layer.name in ("Bidirectional", "TimeDistributed") and layer.args
            else None
        )
        del wrapped
        inputs = args or list(options.values())
        return Tensor((*_layers_of(inputs[:1]), layer))

    def _of_model(
        self,
        model: Model,
        name: str,
        args: list[Any],
        options: dict[str, Any],
        node: ast.Call,
    ) -> Any:
        line = node.lineno
        if name == "add" and args:
            model.layers += _flat(args[:1])
        elif name == "pop" and model.layers:
            model.layers.pop()
        elif name == "compile":
            model.compiled = Made("compile", args, options, line)
        elif name in _FITS:
            given = [_as_rows(a, n) for a, n in zip(args, node.args, strict=False)]
            model.fits.append(Made(name, given, options, line))
            return Made("History", [], {}, line)
        elif name == "set_params":
            model.compiled = model.compiled or Made("estimator", [], {}, line)
            model.compiled.options |= options
        return model if name == "set_params" else UNKNOWN

    def _estimator(
        self,
        name: str,
        args: list[Any],
        options: dict[str, Any],
        node: ast.Call,
        path: str,
    ) -> Any:
        build = _first(args, options, "model", "build_fn")
        if name == "KerasClassifier" and isinstance(build, Function):
            inner = self.evaluator.call_function(
                build, [], {k.removeprefix("model__"): v for k, v in options.items()}
            )
            build = inner
        if name == "KerasClassifier" and isinstance(build, Model):
            build.kind = "scikeras"
            build.layers = list(build.layers)
            own = {k: v for k, v in options.items() if k not in ("model", "build_fn")}
            build.fits.append(Made("wrapper", [], own, node.lineno))
            return build
        made = Made(name, args, options, node.lineno, path)
        model = self._model([], node.lineno, kind=name)
        model.compiled = made
        return model

    def _pipeline(
        self, name: str, args: list[Any], options: dict[str, Any], node: ast.Call
    ) -> Any:
        steps = (
            args[0]
            if name == "Pipeline" and args and isinstance(args[0], list)
            else args
        )
        steps = [s[1] if isinstance(s, tuple) and len(s) == 2 else s for s in steps]
        models = [s for s in steps if isinstance(s, Model)]
        if not models:
            return Made("Pipeline", args, options, node.lineno)
        names = [s.name for s in steps if isinstance(s, Made)]
        model = models[-1]
        if model.compiled is not None:
            model.compiled.options.setdefault("steps", names)
        return model


_LOWER_MADE = (
    "l1",
    "l2",
    "l1_l2",
    "l1l2",
    "compute_class_weight",
    "compute_sample_weight",
    "enumerate",
)


def _first(args: list[Any], options: dict[str, Any], *names: str) -> Any:
    for name in names:
        if name in options:
            return options[name]
    return args[0] if args else UNKNOWN


def _flat(given: Any) -> list[Made]:
    """Layers of a list, with those of inner models."""
    if isinstance(given, Made):
        return (
            given.args and _flat(given.args) * 2
            if given.name == "comprehension"
            else [given]
        )
    if isinstance(given, Model):
        return list(given.layers)
    if isinstance(given, Tensor):
        return list(given.layers)
    if isinstance(given, list | tuple):
        return [layer for one in given for layer in _flat(one)]
    if isinstance(given, Name):
        return [Made(given.last, [], {}, 0, given.path)]
    if isinstance(given, Instance):
        return [Made(given.of.name, [], {}, given.of.lineno)]
    return []


def _layers_of(values: list[Any]) -> tuple[Made, ...]:
    """Layers behind the inputs of a layer, each once."""
    found: dict[int, Made] = {}
    for value in values:
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, Tensor):
                found |= {id(layer): layer for layer in one.layers}
    return tuple(found.values())


def _as_rows(value: Any, node: ast.expr) -> Any:
    if isinstance(value, Unknown | Name):
        return Rows(ast.unparse(node)[:60], is_seen=False)
    return value


def _of_rows(rows: Rows, name: str) -> Any:
    if name == "shape":
        return (
            (UNKNOWN, *(UNKNOWN if s is None else s for s in rows.shape))
            if rows.shape
            else UNKNOWN
        )
    bunch = rows.find("bunch")
    if bunch is not None and name in ("data", "target", "images"):
        return bunch.detail[name == "target"]
    if name in ("values", "iloc", "loc", "T", "array", "ix"):
        return rows
    if name in ("columns", "index", "dtype", "size", "ndim", "dtypes", "str", "dt"):
        return UNKNOWN
    return rows.then("column", name, 0, shape=None)
