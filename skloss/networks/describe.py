"""Describe a network as the record does, in layers of the common vocabulary."""

from skloss.networks import layers as kinds
from skloss.networks.spec import NetworkSpec
from skloss.record import Layer

__all__ = ["describe_network"]


def describe_network(spec: NetworkSpec) -> tuple[Layer, ...]:
    """Return the layers of a network, from the input to the output.

    Parameters
    ----------
    spec : NetworkSpec
        The network.

    Returns
    -------
    tuple of Layer
        With their penalties and the shape of one row after each. Of a residual unit
        there are the layers of its branch, then its activation.

    Examples
    --------
    >>> from skloss.networks import dense
    >>> spec = dense(9, n_outputs=1, width=(4,), dropout=(0.2,))
    >>> [(layer.kind, layer.units, layer.rate) for layer in describe_network(spec)]
    [('dense', 4, None), ('dropout', None, 0.2), ('dense', 1, None)]
    """
    found: list[Layer] = []
    for layer, shape in zip(spec.layers, spec.shapes(), strict=False):
        _describe(spec, layer, shape, found)
    return tuple(found)


def _describe(
    spec: NetworkSpec, layer: kinds.Layer, shape: tuple[int, ...], found: list[Layer]
) -> tuple[int, ...]:
    """Add a layer, after those inside it; return the shape of one row behind it."""
    if isinstance(layer, kinds.Residual):
        for part in layer.branch:
            shape = _describe(spec, part, shape, found)
    else:
        shape = layer.output_shape(shape)
    has_kernel = hasattr(layer, "use_bias") or isinstance(layer, kinds.Recurrent)
    found.append(
        Layer(
            layer.kind,
            f"{type(layer).__name__} {len(found)}",
            activation=getattr(layer, "activation", None),
            units=getattr(layer, "units", getattr(layer, "filters", None)),
            kernel_size=getattr(layer, "kernel_size", None),
            rate=getattr(layer, "rate", None),
            momentum=getattr(layer, "momentum", None),
            pooling=_pooling(layer),
            l1=float(spec.l1) if has_kernel else 0.0,
            l2=float(spec.l2) if has_kernel else 0.0,
            activity_l2=float(spec.activity_l2) if spec.penalizes(layer) else 0.0,
            output_shape=shape,
        )
    )
    return shape


def _pooling(layer: kinds.Layer) -> str | None:
    if isinstance(layer, kinds.MaxPool):
        return "max"
    return f"global_{layer.pooling}" if isinstance(layer, kinds.GlobalPool) else None
