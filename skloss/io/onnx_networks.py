"""Networks as nodes of ONNX: the layers, one case each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skloss.exceptions import ModelFileError
from skloss.io.onnx_graph import Graph
from skloss.io.onnx_series import scaled_nodes
from skloss.networks import NetworkSpec
from skloss.networks.layers import (
    Augment,
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
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
    rest = iter(weights)
    for layer, shape in zip(spec.layers, spec.shapes(), strict=False):
        arrays = [next(rest) for _ in layer.weight_shapes(shape)]
        if isinstance(layer, SeriesScale):
            rows = _scaled(graph, arrays, rows, shape[0])
        else:
            rows = _apply(graph, layer, arrays, rows)
    return rows


def _apply(graph: Graph, layer: Any, arrays: list[Array], x: str) -> str:
    match layer:
        case Dense():
            z = graph.add("MatMul", x, graph.constant(arrays[0]))
        case Conv1D():
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
            size = [layer.size]
            pooled = graph.add(
                "MaxPool",
                graph.transposed(x, 0, 2, 1),
                kernel_shape=size,
                strides=size,
            )
            return graph.transposed(pooled, 0, 2, 1)
        case GlobalPool():
            kind = (
                "GlobalAveragePool" if layer.pooling == "average" else "GlobalMaxPool"
            )
            pooled = graph.add(kind, graph.transposed(x, 0, 2, 1))
            return graph.add("Flatten", pooled, axis=1)
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


def _convolved(graph: Graph, layer: Conv1D, kernel: Array, x: str) -> str:
    size = len(kernel)
    pads = [(size - 1) // 2, size // 2] if layer.padding == "same" else [0, 0]
    weights = graph.constant(np.ascontiguousarray(kernel.transpose(2, 1, 0)))
    z = graph.add("Conv", graph.transposed(x, 0, 2, 1), weights, pads=pads)
    return graph.transposed(z, 0, 2, 1)
