"""Fixed kernels and their regression as nodes of ONNX."""

from functools import partial
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
    n_timesteps = features.input_shape[0]
    series = _long_enough(graph, series, n_timesteps)
    found = _features(graph, features.kernels, series)
    if features.differences is not None:
        n_timesteps = max(n_timesteps, FEWEST_TIMESTEPS)
        changes = graph.add(
            "Sub",
            _steps(graph, series, 1, n_timesteps),
            _steps(graph, series, 0, n_timesteps - 1),
        )
        changes = _long_enough(graph, changes, n_timesteps - 1)
        others = _features(graph, features.differences, changes)
        found = graph.add("Concat", found, others, axis=1)
    return _regression(graph, fitted.head, found)


def _long_enough(graph: Graph, series: str, n_timesteps: int) -> str:
    missing = FEWEST_TIMESTEPS - n_timesteps
    if missing <= 0:
        return series
    ends = graph.constant(np.array([0, 0, 0, 0, 0, missing], np.int64))
    return graph.add("Pad", series, ends)


def _steps(graph: Graph, series: str, start: int, stop: int) -> str:
    limits = [graph.constant(np.array([at], np.int64)) for at in (start, stop, 2)]
    return graph.add("Slice", series, *limits)


def _features(graph: Graph, kernels: RocketKernels, series: str) -> str:
    """Numbers that are read of each threshold, ``(n, n_features)``."""
    parts = []
    weights, is_multi = KERNEL_WEIGHTS, kernels.pooling == "multi"
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
        seen = np.ones((len(weights), n_timesteps), bool)
        is_cut = np.arange(len(weights)) % 2 != number % 2
        seen[is_cut, :reach] = seen[is_cut, n_timesteps - reach :] = False
        pool = partial(_numbers, unit=kernels.unit) if is_multi else _share
        levels = [pool(graph, values, limits[:, None], seen) for limits in thresholds.T]
        in_order = [name for names in zip(*levels, strict=True) for name in names]
        together = graph.add("Concat", *in_order, axis=2)
        parts.append(graph.add("Flatten", together, axis=1))
    return graph.add("Concat", *parts, axis=1)


def _share(
    graph: Graph, values: str, limits: np.ndarray, seen: np.ndarray
) -> list[str]:
    above = graph.add("Greater", values, graph.constant(limits))
    shares = (seen / seen.sum(axis=1, keepdims=True)).astype(np.float32)
    counted = graph.add("Mul", graph.floats(above), graph.constant(shares))
    return [graph.reduced("ReduceSum", counted, 2)]


def _numbers(
    graph: Graph, values: str, limits: np.ndarray, seen: np.ndarray, unit: float
) -> list[str]:
    """Share, mean amount, mean time and longest stretch above limits, as of `Pool`."""
    n_timesteps = seen.shape[1]
    times = np.arange(n_timesteps, dtype=np.float32)
    limit = graph.constant(limits)
    is_above = graph.add("Greater", values, limit)
    above = graph.add("Mul", graph.floats(is_above), graph.constant(seen.astype("f4")))
    count = graph.reduced("ReduceSum", above, 2)
    one = graph.constant(np.float32(1))
    some = graph.add("Max", count, one)
    n_seen = seen.sum(axis=1, keepdims=True).astype(np.float32)
    share = graph.add("Div", count, graph.constant(n_seen))
    amount = graph.add("Mul", graph.add("Sub", values, limit), above)
    amount = graph.add("Div", graph.reduced("ReduceSum", amount, 2), some)
    amount = graph.add("Div", amount, graph.constant(np.float32(unit)))
    since_first = times - seen.argmax(axis=1)[:, None].astype(np.float32)
    place = graph.add("Mul", above, graph.constant(since_first))
    place = graph.add("Div", graph.reduced("ReduceSum", place, 2), some)
    none = graph.add("Less", count, one)
    place = graph.add("Sub", place, graph.floats(none))
    return [share, amount, place, _longest(graph, above, n_timesteps)]


def _longest(graph: Graph, above: str, n_timesteps: int) -> str:
    """Longest stretch of ones: the most time since the last zero."""
    number = graph.constant(np.arange(1, n_timesteps + 1, dtype=np.float32))
    other = graph.add("Sub", graph.constant(np.float32(1)), above)
    last = graph.add("Mul", other, number)
    reach = 1
    while reach < n_timesteps:  # the largest of all so far, of twice as many each time
        zeros = graph.constant(np.array([0, 0, reach, 0, 0, 0], np.int64))
        last = graph.add("Pad", last, zeros)
        last = graph.add("MaxPool", last, kernel_shape=[2], dilations=[reach])
        reach *= 2
    return graph.reduced("ReduceMax", graph.add("Sub", number, last), 2)


def _regression(graph: Graph, head: RidgeFit, features: str) -> str:
    """Logits; thousands of products are added up in double precision."""
    coefficients = graph.constant(np.asarray(head.coefficients, np.float64))
    product = graph.add("MatMul", graph.doubles(features), coefficients)
    intercepts = graph.constant(np.asarray(head.intercepts, np.float64))
    return graph.floats(graph.add("Add", product, intercepts))
