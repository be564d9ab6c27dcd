"""Networks as data: a spec, its weights as arrays, and what can be made of them."""

from skloss.networks.activations import ACTIVATIONS
from skloss.networks.architectures import (
    ARCHITECTURES,
    FRONT_ENDS,
    front_end,
    published,
)
from skloss.networks.describe import describe_network
from skloss.networks.initialize import initial_weights
from skloss.networks.numpy_forward import forward, hidden_outputs
from skloss.networks.recurrence import recurrent
from skloss.networks.spec import NetworkSpec, cnn1d, cnn2d, dense

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "FRONT_ENDS",
    "NetworkSpec",
    "cnn1d",
    "cnn2d",
    "dense",
    "describe_network",
    "forward",
    "front_end",
    "hidden_outputs",
    "initial_weights",
    "published",
    "recurrent",
]
