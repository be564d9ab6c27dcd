"""Describe a network as the record does, in layers of the common vocabulary."""

from typing import Any

from skloss.networks import spec as specs
from skloss.record import Layer

__all__ = ["describe_network"]

_KINDS: dict[type, Any] = {
    specs.Dense: "dense",
    specs.Conv1D: "conv",
    specs.BatchNorm: "batch_norm",
    specs.Dropout: "dropout",
    specs.MaxPool: "pool",
    specs.GlobalPool: "pool",
    specs.Flatten: "flatten",
    specs.SeriesScale: "normalization",
    specs.Augment: "other",
    specs.SlidingMax: "pool",
    # To the rules it is one wide convolution with an activation.
    specs.Branches: "conv",
}


def describe_network(spec: specs.NetworkSpec) -> tuple[Layer, ...]:
    """Return the layers of a network, from the input to the output.

    Parameters
    ----------
    spec : NetworkSpec
        The network.

    Returns
    -------
    tuple of Layer
        With their penalties and the shape of one row after each.

    Examples
    --------
    >>> spec = specs.dense(9, n_outputs=1, width=(4,), dropout=(0.2,))
    >>> [(layer.kind, layer.units, layer.rate) for layer in describe_network(spec)]
    [('dense', 4, None), ('dropout', None, 0.2), ('dense', 1, None)]
    """
    parts = zip(spec.layers, spec.shapes()[1:], spec.activity_penalized(), strict=True)
    return tuple(
        Layer(
            _KINDS[type(layer)],
            f"{type(layer).__name__} {number}",
            activation=getattr(layer, "activation", None),
            units=_units(layer, shape),
            kernel_size=getattr(layer, "kernel_size", None),
            rate=getattr(layer, "rate", None),
            momentum=getattr(layer, "momentum", None),
            pooling=_pooling(layer),
            l1=float(spec.l1) if _has_kernel(layer) else 0.0,
            l2=float(spec.l2) if _has_kernel(layer) else 0.0,
            activity_l2=float(spec.activity_l2) if is_penalized else 0.0,
            output_shape=shape,
        )
        for number, (layer, shape, is_penalized) in enumerate(parts)
    )


def _has_kernel(layer: specs.Layer) -> bool:
    return isinstance(layer, specs.Dense | specs.Conv1D | specs.Branches)


def _units(layer: specs.Layer, shape: tuple[int, ...]) -> int | None:
    if isinstance(layer, specs.Branches):
        return shape[-1]
    return getattr(layer, "units", getattr(layer, "filters", None))


def _pooling(layer: specs.Layer) -> str | None:
    if isinstance(layer, specs.MaxPool | specs.SlidingMax):
        return "max"
    return f"global_{layer.pooling}" if isinstance(layer, specs.GlobalPool) else None
