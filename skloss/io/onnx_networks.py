"""Networks as nodes of ONNX: the layers, one case each."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from skloss.exceptions import ModelFileError
from skloss.io.onnx_graph import Graph
from skloss.io.onnx_recurrence import attention, recurrent_states, without_missing
from skloss.io.onnx_series import scaled_nodes
from skloss.networks import NetworkSpec
from skloss.networks.layers import (
    AttentionPool,
    Augment,
    BatchNorm,
    ColumnScale,
    Convolution,
    Dense,
    Dropout,
    FillMissing,
    FixedFilters,
    FlagMissing,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    PiecewiseLinear,
    Recurrent,
    Residual,
    SeparableConv1D,
    SeriesScale,
    SideBySide,
    SkipMissing,
    SlidingMax,
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
    return _through(graph, spec.layers, iter(weights), spec.input_shape, rows)


def _through(
    graph: Graph,
    layers: Sequence[Layer],
    weights: Iterator[Array],
    shape: tuple[int, ...],
    x: str,
) -> str:
    """Add layers one after the other; the shape is that of one row."""
    for layer in layers:
        x = _apply(graph, layer, weights, shape, x)
        shape = layer.output_shape(shape)
    return x


def _apply(
    graph: Graph, layer: Layer, weights: Iterator[Array], shape: tuple[int, ...], x: str
) -> str:
    match layer:
        case Dense():
            z = graph.add("MatMul", x, graph.constant(next(weights)))
            return _activated(graph, layer, weights, z)
        case SeparableConv1D():
            kernels = [next(weights), next(weights)]
            z = _separated(graph, layer, kernels, shape, x)
            return _activated(graph, layer, weights, z)
        case Convolution():
            z = _convolved(graph, layer, next(weights), shape, x)
            return _activated(graph, layer, weights, z)
        case BatchNorm():
            return _normalized(graph, layer, weights, x)
        case FixedFilters():
            return _filtered(graph, layer, x)
        case MaxPool():
            sizes = [layer.size] * (len(shape) - 1)
            first = graph.channels_first(x, len(shape))
            pooled = graph.add("MaxPool", first, kernel_shape=sizes, strides=sizes)
            return graph.channels_last(pooled, len(shape))
        case SlidingMax():
            first = graph.channels_first(x, len(shape))
            pads = [(layer.size - 1) // 2, layer.size // 2]
            pooled = graph.add("MaxPool", first, kernel_shape=[layer.size], pads=pads)
            return graph.channels_last(pooled, len(shape))
        case GlobalPool():
            name = "Average" if layer.pooling == "average" else "Max"
            first = graph.channels_first(x, len(shape))
            return graph.add("Flatten", graph.add(f"Global{name}Pool", first), axis=1)
        case Recurrent():
            arrays = [next(weights) for _ in layer.weight_shapes(shape)]
            return recurrent_states(graph, layer, arrays, x)
        case AttentionPool():
            return attention(graph, next(weights), shape, x)
        case SkipMissing():
            return without_missing(graph, x, shape)
        case Flatten():
            return graph.add("Flatten", x, axis=1)
        case Dropout() | Augment():
            return x
        case SeriesScale():
            statistics = [next(weights) for _ in layer.weight_shapes(shape)]
            return _scaled(graph, layer, statistics, x, shape[0])
        case FlagMissing():
            return _flagged(graph, layer, x)
        case FillMissing():
            return _filled(graph, layer, next(weights), x, shape[0])
        case ColumnScale():
            statistics = [next(weights) for _ in layer.weight_shapes(shape)]
            return _columns_scaled(graph, statistics, x, shape[0])
        case PiecewiseLinear():
            statistics = [next(weights) for _ in layer.weight_shapes(shape)]
            return _bins_filled(graph, layer, statistics, x, shape[0])
        case SideBySide():
            ends = [_through(graph, chain, weights, shape, x) for chain in layer.chains]
            return graph.add("Concat", *ends, axis=len(shape))
        case Residual():
            branch = _through(graph, layer.branch, weights, shape, x)
            other = _through(graph, layer.shortcut, weights, shape, x)
            total = graph.add("Add", branch, other)
            return _ACTIVATIONS[layer.activation](graph, total)
    raise ModelFileError(
        f"A network with a layer {type(layer).__name__} cannot be written as ONNX: no "
        "nodes are known for it."
    )


def _activated(
    graph: Graph, layer: Dense | Convolution, weights: Iterator[Array], z: str
) -> str:
    if layer.use_bias:
        z = graph.add("Add", z, graph.constant(next(weights)))
    return _ACTIVATIONS[layer.activation](graph, z)


def _normalized(
    graph: Graph, layer: BatchNorm, weights: Iterator[Array], x: str
) -> str:
    gamma, beta, mean, variance = (next(weights) for _ in range(4))
    scale = gamma / np.sqrt(variance + np.float32(layer.epsilon))
    shift = (beta - mean * scale).astype(np.float32)
    z = graph.add("Mul", x, graph.constant(scale.astype(np.float32)))
    return _ACTIVATIONS[layer.activation](
        graph, graph.add("Add", z, graph.constant(shift))
    )


def _scaled(
    graph: Graph, layer: SeriesScale, statistics: list[Array], x: str, n_steps: int
) -> str:
    """Scale each series by itself; with statistics, its moments follow."""
    found = scaled_nodes(graph, x, 1, np.float32, layer.gaps)
    values = graph.floats(found.values)
    if not statistics:
        return values
    unit, mean, variance = (array.astype(np.float64) for array in statistics)
    moments = graph.add("Concat", found.mean, graph.add("Log", found.spread), axis=2)
    moments = graph.add("Sub", moments, graph.constant(mean))
    moments = graph.add("Div", moments, graph.constant(np.sqrt(variance) / unit))
    most = np.float64(MOST_MOMENT)
    moments = graph.add("Max", moments, graph.constant(-most))
    moments = graph.floats(graph.add("Min", moments, graph.constant(most)))
    repeats = graph.constant(np.array([1, n_steps, 1], np.int64))
    return graph.add("Concat", values, graph.add("Tile", moments, repeats), axis=2)


def _flagged(graph: Graph, layer: FlagMissing, x: str) -> str:
    """Put zeros in the place of NaN, and behind them where they are."""
    missing = graph.add("IsNaN", x)
    values = graph.add("Where", missing, graph.constant(np.float32(0)), x)
    first = graph.constant(np.arange(layer.n_channels, dtype=np.int64))
    flags = graph.add("Gather", graph.floats(missing), first, axis=2)
    return graph.add("Concat", values, flags, axis=2)


def _columns_scaled(
    graph: Graph, statistics: Sequence[Array], x: str, n_columns: int
) -> str:
    """Scale the first columns; the others have mean 0 and variance 1."""
    mean, deviation = np.zeros(n_columns, "f4"), np.ones(n_columns, "f4")
    unit, known, variance = statistics
    mean[: len(known)] = known
    deviation[: len(known)] = np.sqrt(variance) / unit
    centered = graph.add("Sub", x, graph.constant(mean))
    return graph.add("Div", centered, graph.constant(deviation))


def _bins_filled(
    graph: Graph, layer: PiecewiseLinear, statistics: Sequence[Array], x: str, n: int
) -> str:
    """Scale the first columns, and fill their bins; the other columns follow."""
    bins = layer.sources.astype(np.int64)
    values = graph.add("Gather", x, graph.constant(bins), axis=1)
    scaled = _columns_scaled(graph, statistics, values, len(bins))
    most = np.full(len(bins), np.inf, np.float32)
    most[layer.n_columns :] = 0.5
    found = graph.add("Max", scaled, graph.constant(-most))
    found = graph.add("Min", found, graph.constant(most))
    others = graph.constant(np.arange(layer.n_columns, n, dtype=np.int64))
    return graph.add("Concat", found, graph.add("Gather", x, others, axis=1), axis=1)


def _filled(
    graph: Graph, layer: FillMissing, fill: Array, x: str, n_columns: int
) -> str:
    """Put values in the place of NaN, and behind all columns where they are."""
    values = np.zeros((1, n_columns), np.float32)
    values[:, : layer.n_columns] = fill
    missing = graph.add("IsNaN", x)
    filled = graph.add("Where", missing, graph.constant(values), x)
    flagged = graph.constant(np.array(layer.flagged, np.int64))
    flags = graph.add("Gather", graph.floats(missing), flagged, axis=1)
    return graph.add("Concat", filled, flags, axis=1)


def _filtered(graph: Graph, layer: FixedFilters, x: str) -> str:
    """Convolve each of the first channels with the same filters."""
    size = len(layer.kernels)
    kernels = np.tile(layer.kernels.T[:, None], (layer.n_channels, 1, 1))
    first = graph.constant(np.arange(layer.n_channels, dtype=np.int64))
    z = graph.add(
        "Conv",
        graph.channels_first(graph.add("Gather", x, first, axis=2), 2),
        graph.constant(kernels),
        pads=[(size - 1) // 2, size // 2],
        group=layer.n_channels,
    )
    z = graph.channels_last(z, 2)
    return graph.add("Relu", z) if layer.is_rectified else z


def _separated(
    graph: Graph,
    layer: SeparableConv1D,
    kernels: Sequence[Array],
    shape: tuple[int, ...],
    x: str,
) -> str:
    """Convolve each channel by itself, then multiply over the channels."""
    over_time, over_channels = kernels
    zeros = layer.zeros(shape[0]) if layer.padding == "same" else (0, 0)
    z = graph.add(
        "Conv",
        graph.channels_first(x, 2),
        graph.constant(np.ascontiguousarray(over_time.transpose(1, 2, 0))),
        pads=list(zeros),
        strides=[layer.strides],
        dilations=[layer.dilation],
        group=shape[1],
    )
    product = graph.constant(over_channels[0])
    return graph.add("MatMul", graph.channels_last(z, 2), product)


def _convolved(
    graph: Graph, layer: Convolution, kernel: Array, shape: tuple[int, ...], x: str
) -> str:
    n_axes = layer.n_axes
    zeros = [(0, 0)] * n_axes
    if layer.padding == "same":
        zeros = [layer.zeros(size) for size in shape[:-1]]
    weights = np.moveaxis(kernel, (-1, -2), (0, 1))
    z = graph.add(
        "Conv",
        graph.channels_first(x, len(shape)),
        graph.constant(np.ascontiguousarray(weights)),
        pads=[before for before, _ in zeros] + [behind for _, behind in zeros],
        strides=[layer.strides] * n_axes,
        dilations=[layer.dilation] * n_axes,
    )
    return graph.channels_last(z, len(shape))
