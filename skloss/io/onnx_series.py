"""Series scaled by themselves as nodes of ONNX."""

from dataclasses import dataclass

import numpy as np

from skloss.io.onnx_graph import Graph

__all__ = ["ScaledNodes", "scaled_nodes"]

# As of `SeriesScaler`: what moves less than so many last digits is constant.
_ROUNDING = 16


@dataclass(frozen=True)
class ScaledNodes:
    """Names of the scaled values, and of the mean and the deviation of each series."""

    values: str
    mean: str
    spread: str


def scaled_nodes(
    graph: Graph,
    series: str,
    axis: int,
    precision: type[np.floating],
    gaps: bool = False,
) -> ScaledNodes:
    """Scale series along an axis, in double precision.

    Parameters
    ----------
    graph : Graph
        Takes the nodes.
    series : str
        Name of series of three dimensions.
    axis : int
        Axis of the time steps.
    precision : type
        Type of the numbers as they came: what is constant is so within its rounding.
    gaps : bool, default=False
        Whether there may be NaN, which stays and counts in no mean.
    """
    series = graph.doubles(series)
    one, zero = graph.constant(np.float64(1)), graph.constant(np.float64(0))
    if gaps:
        missing = graph.add("IsNaN", series)
        series = graph.add("Where", missing, zero, series)
        is_there = graph.doubles(graph.add("Not", missing))
        count = graph.add("Max", graph.reduced("ReduceSum", is_there, axis), one)

    def mean_of(values: str) -> str:
        if not gaps:
            return graph.reduced("ReduceMean", values, axis)
        total = graph.reduced("ReduceSum", graph.add("Mul", values, is_there), axis)
        return graph.add("Div", total, count)

    size = graph.reduced("ReduceMax", graph.add("Abs", series), axis)
    size = graph.add("Where", graph.add("Greater", size, zero), size, one)
    unit = graph.add("Div", series, size)
    mean = mean_of(unit)
    unit = graph.add("Sub", unit, mean)
    variance = mean_of(graph.add("Mul", unit, unit))
    spread = graph.add("Sqrt", variance)
    limit = graph.constant(np.float64(_ROUNDING * np.finfo(precision).eps))
    varies = graph.add("Greater", spread, limit)
    divided = graph.add("Div", unit, graph.add("Where", varies, spread, one))
    values = graph.add("Where", varies, divided, zero)
    if gaps:
        values = graph.add("Where", missing, graph.constant(np.float64(np.nan)), values)
    return ScaledNodes(
        values,
        graph.add("Mul", mean, size),
        graph.add("Mul", graph.add("Where", varies, spread, zero), size),
    )
