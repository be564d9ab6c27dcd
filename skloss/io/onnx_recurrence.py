"""Recurrent layers as nodes of ONNX, which has other orders of the gates."""

from typing import Any

import numpy as np

from skloss.io.onnx_graph import Graph
from skloss.networks.layers import Recurrent

__all__ = ["recurrent_states"]

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
        hidden_size=layer.units,
        direction=direction,
        **options,
    )
    states = graph.add("Gather", states, graph.constant(np.int64(0)), axis=1)
    if layer.sequences:
        return graph.transposed(states, 1, 0, 2)
    # The states stand in the order of the steps, whichever way they were made.
    last = np.int64(-1 if direction == "forward" else 0)
    return graph.add("Gather", states, graph.constant(last), axis=0)


def _gates(array: Array, order: tuple[int, ...]) -> Array:
    """Put the gates along the last axis into another order."""
    gates = np.split(array, len(order), axis=-1)
    moved = np.concatenate([gates[place] for place in order], axis=-1)
    return np.ascontiguousarray(moved, np.float32)
