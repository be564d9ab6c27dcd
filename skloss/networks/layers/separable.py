"""Separable convolutions in time: over time, then over channels."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skloss.networks.activations import ACTIVATIONS
from skloss.networks.layers.convolution import Conv1D
from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    NumpyRun,
    Shape,
    WeightShape,
)
from skloss.protocols import Tensor

__all__ = ["SeparableConv1D"]


@dataclass(frozen=True)
class SeparableConv1D(Conv1D):
    """Convolution of each channel by itself, then a product over the channels.

    Kernels are ``(kernel_size, in, 1)`` and ``(1, in, filters)``.
    """

    keras_names: ClassVar[tuple[str, ...]] = ()

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        over_time = WeightShape("kernel", (self.kernel_size, shape[-1], 1))
        over_channels = WeightShape("kernel", (1, shape[-1], self.filters))
        bias = [WeightShape("bias", (self.filters,))] if self.use_bias else []
        return [over_time, over_channels, *bias]

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of the kernels for one row of the given shape."""
        n_places, _ = self.output_shape(shape)
        return n_places * shape[-1] * (self.kernel_size + self.filters)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        over_time, over_channels = run.take()[:, :, 0], run.take()[0]
        n_places, _ = self.output_shape(x.shape[1:])
        if self.padding == "same":
            x = np.pad(x, ((0, 0), self.zeros(x.shape[1]), (0, 0)))
        z = np.zeros((len(x), n_places, x.shape[2]), x.dtype)
        span = (n_places - 1) * self.strides + 1
        for tap, factors in enumerate(over_time):
            first = tap * self.dilation
            z += x[:, first : first + span : self.strides] * factors
        flat = run.product(z.reshape(-1, x.shape[2]), over_channels)
        z = flat.reshape(len(x), n_places, self.filters)
        if self.use_bias:
            z += run.take()
        return ACTIVATIONS[self.activation](z)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        over_time, over_channels = run.take(), run.take()
        x = tf.nn.depthwise_conv2d(  # of images of one line
            tf.expand_dims(x, 1),
            tf.expand_dims(over_time, 0),
            (1, self.strides, self.strides, 1),
            self.padding.upper(),
            dilations=(1, self.dilation),
        )
        bias = run.take() if self.use_bias else None
        return run.images.convolve(
            tf.squeeze(x, 1),
            over_channels,
            bias,
            activation=self.activation,
            padding="valid",
        )

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [
            twin.keras.layers.SeparableConv1D(
                self.filters,
                self.kernel_size,
                strides=self.strides,
                dilation_rate=self.dilation,
                padding=self.padding,
                activation=self.activation,
                use_bias=self.use_bias,
                depthwise_regularizer=twin.kernel,
                pointwise_regularizer=twin.kernel,
                activity_regularizer=twin.activity(self),
            )
        ]
