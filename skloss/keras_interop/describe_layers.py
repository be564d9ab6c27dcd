"""Layers of a Keras model as the diagnosis names them."""

import re
from collections.abc import Iterator
from typing import Any

from skloss.protocols import KerasLayer, KerasModel
from skloss.record import Layer

__all__ = ["network_layers"]

_KINDS = (
    (r"BatchNorm", "batch_norm"),
    (r"Normalization|Rescaling", "normalization"),
    (r"Pooling", "pool"),
    (r"Conv", "conv"),
    (r"Dropout", "dropout"),
    (r"Embedding", "embedding"),
    (r"LSTM|GRU|RNN|Bidirectional", "recurrent"),
    (r"Dense", "dense"),
    (r"Flatten|Reshape|Permute|RepeatVector|ZeroPadding|Cropping", "flatten"),
    (r"SkipMissing", "mask"),
    (r"Activation|ReLU|ELU|Softmax", "activation"),
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def network_layers(model: KerasModel) -> tuple[Layer, ...]:
    """Layers of a model from its input to its output, with those of inner models."""
    return tuple(_layer(layer) for layer in _flat(model))


def _flat(model: KerasModel | KerasLayer) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _flat(layer)
        elif type(layer).__name__ != "InputLayer":
            yield layer


def _layer(layer: KerasLayer) -> Layer:
    kind = _kind(layer)
    inner = getattr(layer, "forward_layer", layer)  # of a Bidirectional
    has_units = kind in ("dense", "conv", "recurrent", "embedding")
    return Layer(
        kind=kind,
        name=layer.name,
        activation=_activation(inner, kind),
        units=_units(inner) if has_units else None,
        kernel_size=_first(getattr(layer, "kernel_size", None)),
        rate=float(layer.rate) if kind == "dropout" and layer.rate else None,
        momentum=float(layer.momentum) if kind == "batch_norm" else None,
        pooling=_pooling(layer) if kind == "pool" else None,
        **_penalties(layer),
        output_shape=_output_shape(layer),
        trainable=bool(layer.trainable),
    )


def _kind(layer: KerasLayer) -> Any:
    for base in type(layer).__mro__:
        for pattern, kind in _KINDS:
            if re.search(pattern, base.__name__):
                return kind
        if base.__module__.startswith("keras"):
            break
    return "other"


def _activation(layer: KerasLayer, kind: str) -> str | None:
    activation = getattr(layer, "activation", None)
    if activation is not None:
        return str(getattr(activation, "__name__", type(activation).__name__)).lower()
    if kind == "activation":
        name = type(layer).__name__.replace("LU", "lu")  # ReLU is one word
        return _CAMEL.sub("_", name).lower()
    return None


def _units(layer: KerasLayer) -> int | None:
    for name in ("units", "filters", "output_dim"):
        value = getattr(layer, name, None)
        if value is not None:
            return int(value) if not isinstance(value, tuple) else int(value[-1])
    return None


def _first(value: Any) -> int | None:
    if value is None:
        return None
    return int(value[0]) if isinstance(value, tuple | list) else int(value)


def _pooling(layer: KerasLayer) -> str:
    name = type(layer).__name__
    kind = "max" if "Max" in name else "average"
    return f"global_{kind}" if "Global" in name else kind


def _penalties(layer: KerasLayer) -> dict[str, Any]:
    kernel = getattr(layer, "kernel_regularizer", None)
    activity = getattr(layer, "activity_regularizer", None)
    return {
        "l1": float(getattr(kernel, "l1", 0.0) or 0.0),
        "l2": float(getattr(kernel, "l2", 0.0) or 0.0),
        "activity_l2": float(getattr(activity, "l2", 0.0) or 0.0),
    }


def _output_shape(layer: KerasLayer) -> tuple[int, ...] | None:
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):  # never called, or called more than once
        return None
    known = tuple(shape[1:])
    return None if None in known else tuple(int(size) for size in known)
