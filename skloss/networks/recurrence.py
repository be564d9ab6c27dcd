"""Recurrent networks as specs, with or without convolutions in front."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from skloss.networks.layers import (
    AttentionPool,
    Conv1D,
    Dense,
    Dropout,
    FlagMissing,
    Layer,
    Recurrent,
    SkipMissing,
)
from skloss.networks.spec import NetworkSpec, cnn

__all__ = ["recurrent"]


def recurrent(
    input_shape: tuple[int, int],
    *,
    n_outputs: int,
    width: Sequence[int],
    cell: Literal["lstm", "gru"] = "lstm",
    bidirectional: bool = False,
    pooling: Literal["last", "attention"] = "last",
    front: Mapping[str, Any] | None = None,
    masks: bool = False,
    head: Sequence[int] = (),
    activation: str = "relu",
    dropout: Sequence[float] | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    activity_l2: float = 0.0,
) -> NetworkSpec:
    """Recurrent layers of the given widths, a dense head, and the logits.

    ``front`` are options of blocks of convolutions before them, as of `cnn`. With
    ``masks``, time steps with NaN are skipped or, where convolutions would see them,
    told by zeros and flags.
    ``dropout`` has one entry per recurrent layer and head layer.

    >>> spec = recurrent((100, 1), n_outputs=1, width=(32,), pooling="attention")
    >>> spec.shapes()[1:]
    [(100, 32), (32,), (1,)]
    >>> spec.n_parameters == 4 * 32 * (1 + 32 + 1) + 32 + 33
    True
    """
    rates = list(dropout or [0.0] * (len(width) + len(head)))
    layers: list[Layer] = []
    if masks:
        layers.append(FlagMissing(input_shape[1]) if front else SkipMissing())
    if front:  # without the Flatten and the logits at their end
        shape = NetworkSpec(input_shape, tuple(layers)).shapes()[-1]
        layers += cnn(Conv1D, shape, n_outputs=1, **front).layers[:-2]
    for number, units in enumerate(width, start=1):
        all_states = number < len(width) or pooling != "last"
        layers.append(Recurrent(units, cell, bidirectional, all_states))
        if number == len(width) and pooling == "attention":
            layers.append(AttentionPool())
        rate = rates.pop(0)
        layers += [Dropout(rate)] if rate > 0 else []
    for units, rate in zip(head, rates, strict=True):
        layers.append(Dense(units, activation))
        layers += [Dropout(rate)] if rate > 0 else []
    layers.append(Dense(n_outputs))
    return NetworkSpec(input_shape, tuple(layers), l1, l2, activity_l2)
