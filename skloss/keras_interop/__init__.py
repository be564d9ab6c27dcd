"""Everything that reads, builds, packs or trains Keras models."""

from skloss.keras_interop.build_model import build_keras_model, build_mean_model
from skloss.keras_interop.keras_network import KerasNetwork

__all__ = ["KerasNetwork", "build_keras_model", "build_mean_model"]
