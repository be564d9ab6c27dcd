"""Converters of skl2onnx for the estimators of skloss."""

import sys
from typing import Any

import imblearn.pipeline
import numpy as np
import sklearn.pipeline
from sklearn.base import BaseEstimator, ClassifierMixin

from skloss.estimators import RocketClassifier
from skloss.exceptions import ModelFileError
from skloss.io.container import need
from skloss.io.kinds import estimator_kinds
from skloss.io.onnx_graph import Graph
from skloss.io.onnx_networks import network_logits
from skloss.io.onnx_rocket import rocket_logits
from skloss.io.onnx_series import scaled_nodes
from skloss.model_selection import Pipeline
from skloss.preprocessing import SeriesScaler

__all__ = ["check_numbers", "register_converters", "with_stand_in"]

_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
}


class StandIn(ClassifierMixin, BaseEstimator):
    """A classifier without properties, for skl2onnx reads every one that it finds.

    ``model_`` of a classifier of skloss is built when it is read, by TensorFlow.
    """

    def __init__(self, source: Any = None) -> None:
        self.source = source

    @property
    def classes_(self) -> np.ndarray:
        """Labels."""
        return np.asarray(self.source.classes_)


def with_stand_in(model: Any) -> Any:
    """Return a model with stand-ins in the place of classifiers, without samplers."""
    if isinstance(model, sklearn.pipeline.Pipeline):
        steps = [
            (name, with_stand_in(step))
            for name, step in model.steps
            if not hasattr(step, "fit_resample")
        ]
        return sklearn.pipeline.Pipeline(steps)
    return StandIn(model) if type(model) in _kinds() else model


def _kinds() -> list[Any]:
    kinds: list[Any] = [
        kind for kind in estimator_kinds().values() if kind is not SeriesScaler
    ]
    if "skloss.estimators.keras" in sys.modules:  # an import would take seconds
        kinds.append(sys.modules["skloss.estimators.keras"].KerasClassifier)
    return kinds


def register_converters() -> None:
    """Tell skl2onnx of the classifiers and pipelines of skloss.

    Then ``skl2onnx.to_onnx(pipeline, X)`` works; a `KerasClassifier` must have been
    imported before. With ``options``, skl2onnx reads every attribute of an estimator,
    and of what it finds there, and never comes to the end of ``members_``:
    `skloss.to_onnx` gives probabilities as an array without them.
    """
    skl2onnx = need("skl2onnx", "onnx", "skloss.to_onnx")
    from skl2onnx._parse import update_registered_parser
    from skl2onnx.shape_calculators.scaler import (
        calculate_sklearn_scaler_output_shapes,
    )

    for kind in (*_kinds(), StandIn):
        skl2onnx.update_registered_converter(
            kind,
            f"Skloss{kind.__name__}",
            set_output_types,
            convert_classifier,
            options=_OPTIONS,
        )
    skl2onnx.update_registered_converter(
        SeriesScaler,
        "SklossSeriesScaler",
        calculate_sklearn_scaler_output_shapes,
        convert_scaler,
    )
    for pipeline in (Pipeline, imblearn.pipeline.Pipeline):
        update_registered_parser(pipeline, parse_pipeline)


def parse_pipeline(
    scope: Any, model: Any, inputs: Any, custom_parsers: Any = None
) -> Any:
    """Parse a pipeline without its samplers, which act in ``fit`` alone."""
    from skl2onnx._parse import parse_sklearn

    steps = [step for step in model.steps if not hasattr(step[1], "fit_resample")]
    plain = sklearn.pipeline.Pipeline(steps)
    if id(model) in (scope.options or {}):
        scope.add_options(id(plain), scope.options[id(model)])
    return parse_sklearn(scope, plain, inputs, custom_parsers=custom_parsers)


def set_output_types(operator: Any) -> None:
    """Say that the labels are integers or texts, and the probabilities float32."""
    from skl2onnx.common.data_types import (
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    classes = _labels(operator.raw_operator.classes_)
    n_rows = operator.inputs[0].get_first_dimension()
    kind = Int64TensorType if classes.dtype.kind == "i" else StringTensorType
    operator.outputs[0].type = kind([n_rows])
    operator.outputs[1].type = FloatTensorType([n_rows, len(classes)])


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Write the nodes of a fitted classifier: labels and probabilities."""
    given, graph = operator.raw_operator, Graph(scope, container)
    estimator = given.source if isinstance(given, StandIn) else given
    check_numbers(estimator)
    rows = _series_or_rows(graph, estimator, operator.inputs[0].full_name)
    fitted = estimator._fitted
    if isinstance(estimator, RocketClassifier):
        chances = _probabilities(graph, rocket_logits(graph, fitted, rows), estimator)
    else:
        members = getattr(fitted, "members", (fitted,))
        found = []
        for member in members:
            logits = network_logits(graph, member.network, member.weights, rows)
            found.append(_probabilities(graph, logits, estimator))
        chances = graph.add("Mean", *found) if found[1:] else found[0]
    outputs = operator.outputs
    graph.add("Identity", chances, output=outputs[1].full_name)
    best = graph.add("ArgMax", chances, axis=1, keepdims=0)
    labels = graph.constant(_labels(estimator.classes_))
    graph.add("Gather", labels, best, output=outputs[0].full_name)


def check_numbers(estimator: Any) -> None:
    """Refuse a classifier that takes columns of categories."""
    if getattr(estimator, "is_categorical_", None) is not None:
        raise ModelFileError(
            f"{type(estimator).__name__} has columns of categories, which are not "
            "written as ONNX: encode them in front of it, for instance with "
            "OneHotEncoder in a Pipeline, or save it by skloss.save."
        )


def convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """Write the nodes of a scaler of folded series."""
    from skl2onnx.common.data_types import DoubleTensorType

    scaler, graph = operator.raw_operator, Graph(scope, container)
    given, made = operator.inputs[0], operator.outputs[0]
    is_double = isinstance(given.type, DoubleTensorType)
    precision: type[np.floating] = np.float64 if is_double else np.float32
    n_timesteps = scaler.n_features_in_ // scaler.n_channels
    shape = (n_timesteps, scaler.n_channels)
    axis = 2 if scaler.channels_first else 1
    series = graph.reshaped(
        given.full_name, -1, *(shape[::-1] if scaler.channels_first else shape)
    )
    scaled = scaled_nodes(graph, series, axis, precision, gaps=True).values
    folded = graph.reshaped(scaled, -1, scaler.n_features_in_)
    folded = folded if is_double else graph.floats(folded)
    graph.add("Identity", folded, output=made.full_name)


def _series_or_rows(graph: Graph, estimator: Any, rows: str) -> str:
    """Rows in single precision, series as ``(n, timesteps, channels)``."""
    rows = graph.floats(rows)
    shape = input_shape(estimator)
    if getattr(estimator, "channels_first", None):
        timesteps, channels = shape
        folded = graph.reshaped(rows, -1, channels, timesteps)
        return graph.transposed(folded, 0, 2, 1)
    return graph.reshaped(rows, -1, *shape)


def input_shape(estimator: Any) -> tuple[int, ...]:
    """Shape of a row as the fitted network or the kernels see it."""
    fitted = estimator._fitted
    source = fitted.features if hasattr(fitted, "features") else fitted.network
    if source is None:
        raise ModelFileError(
            "keras.Model.fit has trained the network, and only networks of skloss' own "
            "engine can be written: use classifier.model_.export(path, format='onnx')."
        )
    return tuple(source.input_shape)


def _probabilities(graph: Graph, logits: str, estimator: Any) -> str:
    if len(estimator.classes_) > 2:
        return graph.add("Softmax", logits, axis=1)
    rare = graph.add("Sigmoid", logits)
    other = graph.add("Sigmoid", graph.add("Neg", logits))
    return graph.add("Concat", other, rare, axis=1)


def _labels(classes: np.ndarray) -> np.ndarray:
    """Labels that ONNX has: integers, or texts."""
    if classes.dtype.kind in "biu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f" and (classes == classes.astype(np.int64)).all():
        return classes.astype(np.int64)
    if all(isinstance(label, str) for label in classes):
        return classes
    raise ModelFileError(
        f"ONNX has labels that are integers or texts, got {classes.tolist()!r}."
    )
