"""Recurrent layers as nodes of ONNX, which has other orders of the gates."""

from typing import Any

import numpy as np

from skloss.io.onnx_graph import Graph
from skloss.networks.layers import Recurrent

__all__ = ["attention", "recurrent_states", "without_missing"]

Array = np.ndarray
# Where the gates of ONNX stand in Keras: of an LSTM input, output, forget, candidate.
_ORDERS = {"lstm": (0, 3, 1, 2), "gru": (0, 1, 2)}


def recurrent_states(
    graph: Graph, layer: Recurrent, arrays: list[Array], x: str
) -> str:
    """Add the nodes of a layer; return the name of its outputs."""
    steps = graph.transposed(x, 1, 0, 2)
    ways = [_way(graph, layer, arrays[:3], steps, "forward")]
    if layer.bidirectional:
        ways.append(_way(graph, layer, arrays[3:], steps, "reverse"))
    return ways[0] if len(ways) == 1 else graph.add("Concat", *ways, axis=-1)


def _way(
    graph: Graph, layer: Recurrent, arrays: list[Array], steps: str, direction: str
) -> str:
    kernel, own_kernel, bias = arrays
    order = _ORDERS[layer.cell]
    biases = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    options: dict[str, Any] = {"linear_before_reset": 1} if layer.cell == "gru" else {}
    states = graph.add(
        layer.cell.upper(),
        steps,
        graph.constant(_gates(kernel, order).T[None]),
        graph.constant(_gates(own_kernel, order).T[None]),
        graph.constant(np.concatenate([_gates(one, order) for one in biases])[None]),
        *([graph.lengths] if graph.lengths else []),
        number=0 if layer.sequences else 1,  # of all steps, or the last one
        hidden_size=layer.units,
        direction=direction,
        **options,
    )
    ways = 1 if layer.sequences else 0
    states = graph.add("Gather", states, graph.constant(np.int64(0)), axis=ways)
    return graph.transposed(states, 1, 0, 2) if layer.sequences else states


def without_missing(graph: Graph, x: str, shape: tuple[int, ...]) -> str:
    """Move time steps with a NaN behind all others, and note how many count.

    Steps that are skipped may stand anywhere, and ONNX can skip them at the end.
    """
    n_steps, _ = shape
    zero, one = graph.constant(np.float32(0)), graph.constant(np.float32(1))
    is_nan = graph.add("IsNaN", x)
    missing = graph.reduced("ReduceMax", graph.floats(is_nan), 2)
    there = graph.add("Sub", one, missing)
    lengths = graph.reshaped(graph.reduced("ReduceSum", there, 1), -1)
    graph.lengths = graph.integers(lengths)
    times = graph.constant(np.arange(n_steps, dtype=np.float32)[:, None])
    late = graph.add("Mul", missing, graph.constant(np.float32(n_steps)))
    size = graph.constant(np.array([n_steps], np.int64))
    order = graph.add(
        "TopK", graph.add("Add", late, times), size, axis=1, largest=0, number=1
    )
    values = graph.add("Where", is_nan, zero, x)
    return graph.add("GatherND", values, order, batch_dims=1)


def attention(graph: Graph, kernel: Array, shape: tuple[int, ...], x: str) -> str:
    """Add the mean over the time steps that count, weighted by a softmax."""
    scores = graph.add("MatMul", x, graph.constant(kernel))
    if graph.lengths is not None:
        times = np.arange(shape[0], dtype=np.float32)[:, None]
        lengths = graph.reshaped(graph.floats(graph.lengths), -1, 1, 1)
        counts = graph.add("Less", graph.constant(times), lengths)
        lowest = graph.constant(np.float32(-1e9))
        scores = graph.add("Where", counts, scores, lowest)
    shares = graph.add("Softmax", scores, axis=1)
    product = graph.add("MatMul", graph.transposed(shares, 0, 2, 1), x)
    return graph.add("Flatten", product, axis=1)


def _gates(array: Array, order: tuple[int, ...]) -> Array:
    """Put the gates along the last axis into another order."""
    gates = np.split(array, len(order), axis=-1)
    moved = np.concatenate([gates[place] for place in order], axis=-1)
    return np.ascontiguousarray(moved, np.float32)
