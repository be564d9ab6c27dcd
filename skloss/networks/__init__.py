"""Networks as data: a spec, its weights as arrays, and what can be made of them."""

from skloss.networks.describe import describe_network
from skloss.networks.initialize import initial_weights
from skloss.networks.numpy_forward import (
    ACTIVATIONS,
    forward,
    hidden_outputs,
    series_moments,
)
from skloss.networks.spec import (
    Augment,
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    NetworkSpec,
    SeriesScale,
    cnn1d,
    dense,
)

__all__ = [
    "ACTIVATIONS",
    "Augment",
    "BatchNorm",
    "Conv1D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalPool",
    "MaxPool",
    "NetworkSpec",
    "SeriesScale",
    "cnn1d",
    "dense",
    "describe_network",
    "forward",
    "hidden_outputs",
    "initial_weights",
    "series_moments",
]
