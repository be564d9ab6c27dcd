"""Pools of neighbors, and of all places, in time and over images."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skloss.networks.layers.keras_options import need, single, unusual
from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
)
from skloss.protocols import KerasLayer, Tensor

__all__ = ["GlobalPool", "MaxPool", "SlidingMax"]


@dataclass(frozen=True)
class MaxPool(Layer):
    """Largest of every ``size`` neighbors, in time or along both axes of an image.

    An incomplete last group goes.
    """

    kind: ClassVar[Any] = "pool"
    keras_names: ClassVar[tuple[str, ...]] = ("MaxPooling1D", "MaxPooling2D")

    size: int

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (*(places // self.size for places in shape[:-1]), shape[-1])

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        for axis in range(1, x.ndim - 1):
            groups = x.shape[axis] // self.size
            x = x[(slice(None),) * axis + (slice(groups * self.size),)]
            shape = (*x.shape[:axis], groups, self.size, *x.shape[axis + 1 :])
            x = x.reshape(shape).max(axis=axis + 1)
        return x

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        return run.images.max_pool(x, self.size, padding="valid", strides=self.size)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [getattr(twin.keras.layers, f"MaxPooling{len(shape) - 1}D")(self.size)]

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "MaxPool":
        """Read a layer of Keras."""
        need(layer, padding="valid", data_format="channels_last")
        size = single(layer, "pool_size")
        if single(layer, "strides") != size:
            raise unusual(layer, "strides", layer.strides)
        return cls(size)


@dataclass(frozen=True)
class SlidingMax(Layer):
    """Largest of ``size`` neighbors around each time step, as many steps as before."""

    kind: ClassVar[Any] = "pool"

    size: int

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        around = ((0, 0), ((self.size - 1) // 2, self.size // 2), (0, 0))
        padded = np.pad(x, around, constant_values=-np.inf)
        return sliding_window_view(padded, self.size, axis=1).max(axis=3)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        return run.images.max_pool(x, self.size, padding="same", strides=1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [twin.keras.layers.MaxPooling1D(self.size, strides=1, padding="same")]


@dataclass(frozen=True)
class GlobalPool(Layer):
    """Average or largest value of each channel, over time or over the image."""

    kind: ClassVar[Any] = "pool"
    keras_names: ClassVar[tuple[str, ...]] = tuple(
        f"Global{pooling}Pooling{n_axes}D"
        for pooling in ("Average", "Max")
        for n_axes in (1, 2)
    )

    pooling: Literal["average", "max"]

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[-1],)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        axes = tuple(range(1, x.ndim - 1))
        return x.mean(axis=axes) if self.pooling == "average" else x.max(axis=axes)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        axes = list(range(1, len(x.shape) - 1))
        if self.pooling == "average":
            return run.tf.reduce_mean(x, axis=axes)
        return run.tf.reduce_max(x, axis=axes)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        name = f"Global{self.pooling.capitalize()}Pooling{len(shape) - 1}D"
        return [getattr(twin.keras.layers, name)()]

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "GlobalPool":
        """Read a layer of Keras."""
        need(layer, keepdims=False, data_format="channels_last")
        return cls("max" if "Max" in type(layer).__name__ else "average")
