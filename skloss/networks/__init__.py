"""Networks as data: a spec, its weights as arrays, and what can be made of them."""

from skloss.networks.architectures import ARCHITECTURES
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
    Branches,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    NetworkSpec,
    SeriesScale,
    SlidingMax,
    cnn1d,
    dense,
    published,
)

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "Augment",
    "BatchNorm",
    "Branches",
    "Conv1D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalPool",
    "MaxPool",
    "NetworkSpec",
    "SeriesScale",
    "SlidingMax",
    "cnn1d",
    "dense",
    "describe_network",
    "forward",
    "hidden_outputs",
    "initial_weights",
    "published",
    "series_moments",
]
