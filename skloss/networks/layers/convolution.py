"""Convolutions in time, and over images."""

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skloss.networks.activations import ACTIVATIONS
from skloss.networks.layers.keras_options import (
    NoCompiledFormError,
    need,
    single,
    unusual,
)
from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
    WeightShape,
)
from skloss.protocols import KerasLayer, Tensor

__all__ = ["Conv1D", "Conv2D", "Convolution", "Padding"]

Padding = Literal["same", "valid"]


@dataclass(frozen=True)
class Convolution(Layer):
    """Convolution with one size, stride and dilation along all of its axes.

    Kernels are ``(*sizes, in, filters)``. With "same" padding, ``n`` places along an
    axis become ``ceil(n / strides)``; of an odd number of zeros one more stands behind.
    """

    kind: ClassVar[Any] = "conv"
    n_axes: ClassVar[int]

    filters: int
    kernel_size: int
    activation: str = "linear"
    padding: Padding = "same"
    use_bias: bool = True
    strides: int = 1
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Places from the first to the last that a kernel sees along an axis."""
        return (self.kernel_size - 1) * self.dilation + 1

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        lost = 0 if self.padding == "same" else self.reach - 1
        return (
            *(-(-(size - lost) // self.strides) for size in shape[:-1]),
            self.filters,
        )

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        sizes = (self.kernel_size,) * self.n_axes
        kernel = WeightShape("kernel", (*sizes, shape[-1], self.filters))
        bias = WeightShape("bias", (self.filters,))
        return [kernel, bias] if self.use_bias else [kernel]

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of the kernel for one row of the given shape."""
        places = prod(self.output_shape(shape)[:-1])
        return prod(self.weight_shapes(shape)[0].shape) * places

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        kernel = run.take()
        axes = tuple(range(1, self.n_axes + 1))
        if self.padding == "same":
            x = np.pad(x, ((0, 0), *map(self.zeros, x.shape[1:-1]), (0, 0)))
        windows = sliding_window_view(x, (self.reach,) * self.n_axes, axis=axes)
        places = (slice(None, None, self.strides),) * self.n_axes
        seen = (slice(None, None, self.dilation),) * self.n_axes
        windows = windows[(slice(None), *places, slice(None), *seen)]
        windows = np.moveaxis(windows, self.n_axes + 1, -1)
        shape = (*windows.shape[: self.n_axes + 1], self.filters)
        columns = np.ascontiguousarray(windows).reshape(-1, prod(kernel.shape[:-1]))
        z = run.product(columns, kernel.reshape(-1, self.filters)).reshape(shape)
        if self.use_bias:
            z += run.take()
        return ACTIVATIONS[self.activation](z)

    def zeros(self, size: int) -> tuple[int, int]:
        """Zeros before and behind an axis of this size."""
        places = -(-size // self.strides)
        missing = max(0, (places - 1) * self.strides + self.reach - size)
        return missing // 2, missing - missing // 2

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        return run.images.convolve(
            x,
            run.take(),
            run.take() if self.use_bias else None,
            activation=self.activation,
            padding=self.padding,
            strides=self.strides,
            dilation=self.dilation,
        )

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [
            getattr(twin.keras.layers, type(self).__name__)(
                self.filters,
                self.kernel_size,
                strides=self.strides,
                dilation_rate=self.dilation,
                padding=self.padding,
                activation=self.activation,
                use_bias=self.use_bias,
                kernel_regularizer=twin.kernel,
                activity_regularizer=twin.activity(self),
            )
        ]

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "Convolution":
        """Read a layer of Keras."""
        need(layer, groups=1, data_format="channels_last")
        if layer.padding not in ("same", "valid"):
            raise unusual(layer, "padding", layer.padding)
        if len(shape) != cls.n_axes + 1:
            raise NoCompiledFormError(
                f"layer {layer.name!r} is a {cls.__name__} on rows of shape {shape}"
            )
        return cls(
            layer.filters,
            single(layer, "kernel_size"),
            padding=layer.padding,
            use_bias=layer.use_bias,
            strides=single(layer, "strides"),
            dilation=single(layer, "dilation_rate"),
        )


@dataclass(frozen=True)
class Conv1D(Convolution):
    """Convolution in time, of rows ``(timesteps, channels)``."""

    n_axes: ClassVar[int] = 1
    keras_names: ClassVar[tuple[str, ...]] = ("Conv1D",)


@dataclass(frozen=True)
class Conv2D(Convolution):
    """Convolution over images, of rows ``(height, width, channels)``."""

    n_axes: ClassVar[int] = 2
    keras_names: ClassVar[tuple[str, ...]] = ("Conv2D",)
