"""Networks as nodes of ONNX: the layers, one case each."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from skloss.exceptions import ModelFileError
from skloss.io.onnx_graph import Graph
from skloss.io.onnx_recurrence import recurrent_states
from skloss.io.onnx_series import scaled_nodes
from skloss.networks import NetworkSpec
from skloss.networks.layers import (
    AttentionPool,
    Augment,
    BatchNorm,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    Recurrent,
    Residual,
    SeriesScale,
)
from skloss.networks.layers.series_scale import MOST_MOMENT

__all__ = ["network_logits"]

Array = np.ndarray


def _gelu(graph: Graph, z: str) -> str:
    ratio = graph.add("Mul", z, graph.constant(np.float32(1 / np.sqrt(2.0))))
    share = graph.add("Add", graph.add("Erf", ratio), graph.constant(np.float32(1)))
    half = graph.add("Mul", z, graph.constant(np.float32(0.5)))
    return graph.add("Mul", half, share)


_ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "linear": lambda graph, z: z,
    "relu": lambda graph, z: graph.add("Relu", z),
    "leaky_relu": lambda graph, z: graph.add("LeakyRelu", z, alpha=0.2),
    "elu": lambda graph, z: graph.add("Elu", z, alpha=1.0),
    "selu": lambda graph, z: graph.add("Selu", z),
    "gelu": _gelu,
    "silu": lambda graph, z: graph.add("Mul", z, graph.add("Sigmoid", z)),
    "softplus": lambda graph, z: graph.add("Softplus", z),
    "tanh": lambda graph, z: graph.add("Tanh", z),
    "sigmoid": lambda graph, z: graph.add("Sigmoid", z),
}


def network_logits(
    graph: Graph, spec: NetworkSpec, weights: Sequence[Array], rows: str
) -> str:
    """Add a network; return the name of its logits ``(n, n_outputs)``.

    Parameters
    ----------
    graph : Graph
        Takes the nodes.
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray
        Its weights.
    rows : str
        Name of the rows, ``(n, *spec.input_shape)`` in single precision.
    """
    return _through(graph, spec.layers, spec.input_shape, iter(weights), rows)


def _through(
    graph: Graph,
    layers: Sequence[Layer],
    shape: tuple[int, ...],
    weights: Iterator[Array],
    rows: str,
) -> str:
    for layer in layers:
        if isinstance(layer, Residual):
            branch, shortcut = (
                _through(graph, way, shape, weights, rows)
                for way in (layer.branch, layer.shortcut)
            )
            both = graph.add("Add", branch, shortcut)
            rows = _ACTIVATIONS[layer.activation](graph, both)
        elif isinstance(layer, SeriesScale):
            arrays = [next(weights) for _ in layer.weight_shapes(shape)]
            rows = _scaled(graph, arrays, rows, shape[0])
        else:
            arrays = [next(weights) for _ in layer.weight_shapes(shape)]
            rows = _apply(graph, layer, arrays, rows, len(shape) - 1)
        shape = layer.output_shape(shape)
    return rows


def _apply(graph: Graph, layer: Any, arrays: list[Array], x: str, n_axes: int) -> str:
    match layer:
        case Dense():
            z = graph.add("MatMul", x, graph.constant(arrays[0]))
        case Convolution():
            z = _convolved(graph, layer, arrays[0], x)
        case BatchNorm():
            gamma, beta, mean, variance = arrays
            scale = gamma / np.sqrt(variance + np.float32(layer.epsilon))
            z = graph.add("Mul", x, graph.constant(scale.astype(np.float32)))
            z = graph.add(
                "Add", z, graph.constant((beta - mean * scale).astype(np.float32))
            )
            return _ACTIVATIONS[layer.activation](graph, z)
        case MaxPool():
            size = [layer.size] * n_axes
            pooled = graph.add(
                "MaxPool",
                _channels_first(graph, x, n_axes),
                kernel_shape=size,
                strides=size,
            )
            return _channels_last(graph, pooled, n_axes)
        case GlobalPool():
            kind = (
                "GlobalAveragePool" if layer.pooling == "average" else "GlobalMaxPool"
            )
            pooled = graph.add(kind, _channels_first(graph, x, n_axes))
            return graph.add("Flatten", pooled, axis=1)
        case Recurrent():
            return recurrent_states(graph, layer, arrays, x)
        case AttentionPool():
            scores = graph.add("MatMul", x, graph.constant(arrays[0]))
            shares = graph.add("Softmax", scores, axis=1)
            product = graph.add("MatMul", graph.transposed(shares, 0, 2, 1), x)
            return graph.add("Flatten", product, axis=1)
        case Flatten():
            return graph.add("Flatten", x, axis=1)
        case Dropout() | Augment():
            return x
        case _:
            raise ModelFileError(
                f"A network with a layer {type(layer).__name__} cannot be written as "
                "ONNX: no nodes are known for it."
            )
    if layer.use_bias:
        z = graph.add("Add", z, graph.constant(arrays[1]))
    return _ACTIVATIONS[layer.activation](graph, z)


def _scaled(graph: Graph, statistics: list[Array], x: str, n_steps: int) -> str:
    """Scale each series by itself; with statistics, its moments follow."""
    found = scaled_nodes(graph, x, 1, np.float32)
    values = graph.floats(found.values)
    if not statistics:
        return values
    mean, variance = (array.astype(np.float64) for array in statistics)
    moments = graph.add("Concat", found.mean, graph.add("Log", found.spread), axis=2)
    moments = graph.add("Sub", moments, graph.constant(mean))
    moments = graph.add("Div", moments, graph.constant(np.sqrt(variance)))
    most = np.float64(MOST_MOMENT)
    moments = graph.add("Max", moments, graph.constant(-most))
    moments = graph.floats(graph.add("Min", moments, graph.constant(most)))
    repeats = graph.constant(np.array([1, n_steps, 1], np.int64))
    return graph.add("Concat", values, graph.add("Tile", moments, repeats), axis=2)


def _convolved(graph: Graph, layer: Convolution, kernel: Array, x: str) -> str:
    n_axes = layer.n_axes
    axes = (n_axes + 1, n_axes, *range(n_axes))
    weights = graph.constant(np.ascontiguousarray(kernel.transpose(axes)))
    z = graph.add(
        "Conv",
        _channels_first(graph, x, n_axes),
        weights,
        # Of an odd number of zeros one more stands behind, as in TensorFlow.
        auto_pad="SAME_UPPER" if layer.padding == "same" else "VALID",
        strides=[layer.strides] * n_axes,
        dilations=[layer.dilation] * n_axes,
    )
    return _channels_last(graph, z, n_axes)


def _channels_first(graph: Graph, x: str, n_axes: int) -> str:
    return graph.transposed(x, 0, n_axes + 1, *range(1, n_axes + 1))


def _channels_last(graph: Graph, x: str, n_axes: int) -> str:
    return graph.transposed(x, 0, *range(2, n_axes + 2), 1)
