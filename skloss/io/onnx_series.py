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
    graph: Graph, series: str, axis: int, precision: type[np.floating]
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
    """
    series = graph.doubles(series)
    size = graph.reduced("ReduceMax", graph.add("Abs", series), axis)
    one, zero = graph.constant(np.float64(1)), graph.constant(np.float64(0))
    size = graph.add("Where", graph.add("Greater", size, zero), size, one)
    unit = graph.add("Div", series, size)
    mean = graph.reduced("ReduceMean", unit, axis)
    unit = graph.add("Sub", unit, mean)
    variance = graph.reduced("ReduceMean", graph.add("Mul", unit, unit), axis)
    spread = graph.add("Sqrt", variance)
    limit = graph.constant(np.float64(_ROUNDING * np.finfo(precision).eps))
    varies = graph.add("Greater", spread, limit)
    divided = graph.add("Div", unit, graph.add("Where", varies, spread, one))
    return ScaledNodes(
        graph.add("Where", varies, divided, zero),
        graph.add("Mul", mean, size),
        graph.add("Mul", graph.add("Where", varies, spread, zero), size),
    )
