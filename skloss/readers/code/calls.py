"""Meaning of the calls in the code: layers, models, ``compile``, ``fit``, rows."""

import ast
from typing import Any

from skloss.readers.code.decisions import note_decision, outputs_of
from skloss.readers.code.estimator_calls import (
    CROSS_VALIDATIONS,
    ESTIMATORS,
    PIPELINES,
    SEARCHES,
    cross_validated,
    fixed_by_search,
    piped,
    wrapped,
)
from skloss.readers.code.evaluate import Evaluator
from skloss.readers.code.row_places import (
    row_arithmetic,
    row_item,
    rows_after,
    text_of,
)
from skloss.readers.code.row_steps import on_rows, row_function
from skloss.readers.code.transformers import transformer_method
from skloss.readers.code.values import (
    MOST_LAYERS,
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

__all__ = ["KnownCalls"]

_FITS = ("fit", "fit_generator")
_PREDICTIONS = ("predict", "predict_on_batch", "predict_proba")
_IN_PLACE = ("sort_values", "sample")
_LOWER_MADE = ("l1", "l2", "l1_l2", "l1l2")
_WEIGHTS = ("compute_class_weight", "compute_sample_weight")
_OF_MODULES = ("pad_sequences", "train_test_split", "load_data", "to_categorical")
_ACTIVATIONS = ("relu", "sigmoid", "tanh", "softmax", "elu", "selu", "gelu", "swish")
_MODEL_BASES = ("Model", "Sequential", "Functional")


class KnownCalls:
    """Values of calls, and the models that the code makes."""

    def __init__(self) -> None:
        self.evaluator = Evaluator(self)
        self.models: list[Model] = []

    def call(
        self, function: Any, args: list[Any], options: dict[str, Any], node: ast.Call
    ) -> Any:
        """Value of the call of something from outside."""
        inputs = args or list(options.values())
        if isinstance(function, Made):
            return self._applied(function, inputs)
        if isinstance(function, Model):
            return self._tensor(_layers_of(inputs), function.layers)
        if not isinstance(function, Name):
            return UNKNOWN
        name, line = function.last, node.lineno
        network = self._network(name, args, options, line)
        if network is not NotImplemented:
            return network
        if name in (*ESTIMATORS, *SEARCHES, *PIPELINES):
            return self._estimator(name, args, options, node, function.path)
        if name in CROSS_VALIDATIONS:
            cross_validated(args, options, line)
            return UNKNOWN
        if name == "shuffle" and len(node.args) == 1:
            return self._rebound(node.args[0], args[0], line)
        if name in _WEIGHTS:
            return Made(name, args, options, line, function.path)
        layers = _layers_of(args)
        if layers:  # tf.nn.relu(x), add([x, y])
            made = Made("Activation", [name], {}, line, function.path)
            other = Made(name, [], options, line, function.path)
            return self._tensor(layers, [made if name in _ACTIVATIONS else other])
        note_decision(args[0] if args else None, name, args[1:], options, line)
        found = row_function(name, function.path, args, options, node)
        if found is not NotImplemented:
            return found
        if not name[:1].isupper() and name not in _LOWER_MADE:
            return UNKNOWN
        return Made(name, args, options, line, function.path)

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
        if isinstance(owner, Rows) and name in _OF_MODULES:  # of the name of a module
            return row_function(name, "", args, options, node)
        if isinstance(owner, Rows):
            note_decision(owner, name, args, options, node.lineno)
            changed = on_rows(owner, name, args, options, node.lineno)
            if name in _IN_PLACE and options.get("inplace") is True:
                self._rename(node.func, changed)
            return changed
        if isinstance(owner, Made):
            return transformer_method(owner, name, args, node.lineno)
        if isinstance(owner, dict) and name == "get" and args:
            key, default = args[0], args[1] if len(args) > 1 else None
            return owner.get(key, default) if isinstance(key, str | int) else UNKNOWN
        return UNKNOWN

    def network(self, of: ast.ClassDef, line: int) -> Any:
        """Return a network whose layers a class of the code makes by itself."""
        bases = [getattr(b, "attr", getattr(b, "id", None)) for b in of.bases]
        is_network = any(name in _MODEL_BASES for name in bases)
        return self._model([], line, "subclassed") if is_network else NotImplemented

    def attribute(self, owner: Any, name: str) -> Any:
        """Value of an attribute."""
        if isinstance(owner, Rows):
            return _of_rows(owner, name)
        if isinstance(owner, Model):
            if name in ("output", "outputs"):
                return Tensor(tuple(owner.layers))
            return owner if name in ("model", "model_", "best_estimator_") else UNKNOWN
        if isinstance(owner, Made) and name in ("output", "outputs"):
            return Tensor((owner,))
        return UNKNOWN

    def arithmetic(self, left: Any, right: Any, op: str, line: int) -> Any:
        """Value of an operator on rows, or on the outputs of layers."""
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self._tensor(_layers_of([left, right]), [])
        return row_arithmetic(left, right, op, line)

    def changed(self, rows: Rows, key: Any, value: Any, node: ast.Subscript) -> Rows:
        """Rows after ``rows[key] = value``."""
        return rows_after(rows, key, value, node.lineno)

    def item(self, owner: Any, key: Any, node: ast.Subscript) -> Any:
        """Value of a subscript on rows."""
        if isinstance(owner, Made):
            is_encoded = owner.name in ("eye", "identity") and isinstance(key, Rows)
            return _one_hot(key, owner, node.lineno) if is_encoded else UNKNOWN
        return row_item(owner, key, node)

    # -------------------------------------------------------------------- networks

    def _network(
        self, name: str, args: list[Any], options: dict[str, Any], line: int
    ) -> Any:
        if name == "Sequential":
            return self._model(_flat(_first(args, options, "layers")), line)
        if name in ("Model", "Functional"):
            outputs = _first(args[1:], options, "outputs", "output")
            if isinstance(outputs, list | tuple) and len(outputs) > 1:
                return self._model([], line, "several outputs")
            return self._model(list(_layers_of([outputs])), line)
        if name == "Input":
            return Tensor((Made("Input", args, options, line),))
        return NotImplemented

    def _model(self, layers: list[Made], line: int, kind: str = "keras") -> Model:
        self.evaluator.spend_on(layers)
        model = Model(layers, line=line, kind=kind)
        self.models.append(model)
        return model

    def _applied(self, layer: Made, inputs: list[Any]) -> Tensor:
        """Value of ``Dense(10)(x)``."""
        return self._tensor(_layers_of(inputs[:1]), [layer])

    def _tensor(self, before: list[Made], last: list[Made]) -> Tensor:
        layers = (*before, *last)[-MOST_LAYERS - 1 :]
        self.evaluator.spend_on(layers)
        return Tensor(layers)

    def _of_model(
        self,
        model: Model,
        name: str,
        args: list[Any],
        options: dict[str, Any],
        node: ast.Call,
    ) -> Any:
        if name == "add" and args:
            if len(model.layers) <= MOST_LAYERS:
                model.layers += _flat(args[:1])
        elif name == "pop" and model.layers:
            model.layers.pop()
        elif name == "compile":
            model.compiled = Made("compile", args, options, node.lineno)
        elif name in _FITS:
            given = [_as_rows(a, n) for a, n in zip(args, node.args, strict=False)]
            named = {k.arg: k.value for k in node.keywords if k.arg in ("x", "X", "y")}
            options |= {k: _as_rows(options[k], named[k]) for k in named if k}
            model.fits.append(Made(name, given, options, node.lineno))
            is_keras = model.kind in ("keras", "subclassed", "several outputs")
            return Made("History", [], {}, node.lineno) if is_keras else model
        elif name in _PREDICTIONS and model.kind == "keras":
            return outputs_of(model, node.lineno)
        elif name == "set_params":
            model.settings |= options
            return model
        return UNKNOWN

    def _estimator(
        self,
        name: str,
        args: list[Any],
        options: dict[str, Any],
        node: ast.Call,
        path: str,
    ) -> Any:
        line = node.lineno
        if name in PIPELINES:
            return piped(name, args, options, line)
        if name in SEARCHES:
            found = next((a for a in (*args, *options.values()) if is_model(a)), None)
            if found is None:
                return Made(name, args, options, line, path)
            return fixed_by_search(name, found, args, options)
        if name == "KerasClassifier":
            build = _first(args, options, "model", "build_fn")
            if isinstance(build, Function):
                given = {k.removeprefix("model__"): v for k, v in options.items()}
                build = self.evaluator.call_function(build, [], given)
            return wrapped(build, options) if isinstance(build, Model) else UNKNOWN
        model = self._model([], line, kind=name)
        model.compiled = Made(name, args, dict(options), line, path)
        return model

    # ------------------------------------------------------------------------ rows

    def _rebound(self, target: ast.expr, rows: Any, line: int) -> Any:
        """Value of ``shuffle(X)``: a function returns rows, or changes them."""
        if not isinstance(rows, Rows):
            return rows
        changed = rows.then("shuffle", None, line)
        if isinstance(target, ast.Name):
            self.evaluator.names[target.id] = changed
        return changed

    def _rename(self, called: ast.expr, changed: Any) -> None:
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            self.evaluator.names[called.value.id] = changed


def is_model(value: Any) -> bool:
    """Whether a value is a network or an estimator."""
    return isinstance(value, Model)


def _first(args: list[Any], options: dict[str, Any], *names: str) -> Any:
    for name in names:
        if name in options:
            return options[name]
    return args[0] if args else UNKNOWN


def _flat(given: Any) -> list[Made]:
    """Layers of a list, with those of inner models, in their order."""
    found: list[Made] = []
    left = [given]
    for _ in range(4 * MOST_LAYERS):  # lists that hold each other would never end
        if not left or len(found) > MOST_LAYERS:
            break
        one = left.pop()
        if isinstance(one, Made) and one.name == "comprehension":
            left += one.args * 2
        elif isinstance(one, list | tuple):
            left += one[:MOST_LAYERS][::-1]
        elif isinstance(one, Model | Tensor):
            found += one.layers
        elif isinstance(one, Made):
            found.append(one)
        elif isinstance(one, Name):
            found.append(Made(one.last, [], {}, 0, one.path))
        elif isinstance(one, Instance):
            found.append(Made(one.of.name, [], {}, one.of.lineno))
    return found


def _layers_of(values: list[Any]) -> list[Made]:
    """Layers behind the inputs of a layer, each once."""
    found: dict[int, Made] = {}
    for value in values:
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, Tensor):
                found |= {id(layer): layer for layer in one.layers}
    return list(found.values())


def _one_hot(labels: Rows, made: Made, line: int) -> Rows:
    """Value of ``np.eye(3)[labels]``."""
    depth = made.option("N", "n", place=0)
    return labels.then("one_hot", depth if isinstance(depth, int) else None, line)


def _as_rows(value: Any, node: ast.expr) -> Any:
    if isinstance(value, Unknown | Name):
        return Rows(text_of(node), is_seen=False)
    return value


def _of_rows(rows: Rows, name: str) -> Any:
    if name == "shape":
        sizes = [UNKNOWN if size is None else size for size in rows.shape or ()]
        return (UNKNOWN, *sizes) if rows.shape else UNKNOWN
    bunch = rows.find("bunch")
    if bunch is not None and name in ("data", "target", "images"):
        return bunch.detail[name == "target"]
    if name in ("values", "iloc", "loc", "T", "array", "ix"):
        return rows
    if name in ("columns", "index", "dtype", "size", "ndim", "dtypes", "str", "dt"):
        return UNKNOWN
    return rows.then("column", name, 0, shape=None)
