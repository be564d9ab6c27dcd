"""Fixed kernels and their regression as nodes of ONNX."""

from typing import Any

import numpy as np

from skloss.io.onnx_graph import Graph
from skloss.io.onnx_series import scaled_nodes
from skloss.rocket import FEWEST_TIMESTEPS, RidgeFit, RocketKernels
from skloss.rocket.kernels import KERNEL_WEIGHTS

__all__ = ["rocket_logits"]


def rocket_logits(graph: Graph, fitted: Any, rows: str) -> str:
    """Add scaling, kernels, counts and regression; return the name of the logits.

    Parameters
    ----------
    graph : Graph
        Takes the nodes.
    fitted : RocketFit
        What a fit has left.
    rows : str
        Name of the series, ``(n, n_timesteps, n_channels)`` in single precision.
    """
    features = fitted.features
    series = graph.transposed(rows, 0, 2, 1)
    if features.scales:
        series = graph.floats(scaled_nodes(graph, series, 2, np.float32).values)
    missing = FEWEST_TIMESTEPS - features.input_shape[0]
    if missing > 0:
        ends = graph.constant(np.array([0, 0, 0, 0, 0, missing], np.int64))
        series = graph.add("Pad", series, ends)
    return _regression(graph, fitted.head, _counts(graph, features.kernels, series))


def _counts(graph: Graph, kernels: RocketKernels, series: str) -> str:
    """Shares of time points above each threshold, ``(n, n_features)``."""
    parts = []
    weights = KERNEL_WEIGHTS
    half, n_timesteps = FEWEST_TIMESTEPS // 2, kernels.n_timesteps
    each = zip(kernels.dilations, kernels.thresholds, kernels.channels, strict=True)
    for number, (dilation, thresholds, channels) in enumerate(each):
        reach = dilation * half
        kernel = channels[:, :, None] * weights[:, None]
        values = graph.add(
            "Conv",
            series,
            graph.constant(kernel),
            dilations=[dilation],
            pads=[reach, reach],
        )
        seen = np.ones((len(weights), n_timesteps), np.float32)
        is_cut = np.arange(len(weights)) % 2 != number % 2
        seen[is_cut, :reach] = seen[is_cut, n_timesteps - reach :] = 0
        shares = graph.constant(seen / seen.sum(axis=1, keepdims=True))
        levels = [
            _share_above(graph, values, limits, shares) for limits in thresholds.T
        ]
        parts.append(graph.add("Flatten", graph.add("Concat", *levels, axis=2), axis=1))
    return graph.add("Concat", *parts, axis=1)


def _share_above(graph: Graph, values: str, limits: np.ndarray, shares: str) -> str:
    above = graph.add("Greater", values, graph.constant(limits[:, None]))
    counted = graph.add("Mul", graph.floats(above), shares)
    return graph.reduced("ReduceSum", counted, 2)


def _regression(graph: Graph, head: RidgeFit, features: str) -> str:
    """Logits; thousands of products are added up in double precision."""
    coefficients = graph.constant(np.asarray(head.coefficients, np.float64))
    product = graph.add("MatMul", graph.doubles(features), coefficients)
    intercepts = graph.constant(np.asarray(head.intercepts, np.float64))
    return graph.floats(graph.add("Add", product, intercepts))
