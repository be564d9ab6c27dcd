"""Dropout of values, or of whole channels."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from skloss.networks.layers.keras_options import need
from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
)
from skloss.protocols import KerasLayer, Tensor

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout(Layer):
    """Sets a share ``rate`` to zero while training, and scales the rest up.

    ``spatial`` drops a channel at all of its places or at none.
    """

    kind: ClassVar[Any] = "dropout"
    keras_names: ClassVar[tuple[str, ...]] = (
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
    )

    rate: float
    spatial: bool = False

    def masked_shape(self, shape: Shape) -> Shape:
        """Shape of what is drawn for one row."""
        return (*(1 for _ in shape[:-1]), shape[-1]) if self.spatial else shape

    def structure(self) -> "Dropout":
        """Return the layer with a rate that stands for all."""
        return replace(self, rate=0.5)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        if run.rng is None:
            return x
        shape = (len(x), *self.masked_shape(x.shape[1:]))
        kept = run.rng.random(shape, np.float32) >= self.rate
        return x * kept / x.dtype.type(1 - self.rate)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        scale = run.keep(self.masked_shape(tuple(x.shape[1:])))
        return x if scale is None else x * scale

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        name = f"SpatialDropout{len(shape) - 1}D" if self.spatial else "Dropout"
        return [getattr(twin.keras.layers, name)(self.rate, seed=twin.seed())]

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "Dropout":
        """Read a layer of Keras."""
        spatial = type(layer).__name__ != "Dropout"
        expected = (
            {"data_format": "channels_last"} if spatial else {"noise_shape": None}
        )
        need(layer, **expected)
        return cls(float(layer.rate), spatial)
