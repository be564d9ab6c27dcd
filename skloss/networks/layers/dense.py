"""Layers of a table's network: ``Dense``, and ``Flatten`` that leads to one."""

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from skloss.networks.activations import ACTIVATIONS, activate
from skloss.networks.layers.keras_options import NoCompiledFormError
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

__all__ = ["Dense", "Flatten"]


@dataclass(frozen=True)
class Dense(Layer):
    """``activation(x @ kernel + bias)``; a BatchNorm that follows has the bias."""

    kind: ClassVar[Any] = "dense"
    keras_names: ClassVar[tuple[str, ...]] = ("Dense",)

    units: int
    activation: str = "linear"
    use_bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (*shape[:-1], self.units)

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        kernel = WeightShape("kernel", (shape[-1], self.units))
        bias = WeightShape("bias", (self.units,))
        return [kernel, bias] if self.use_bias else [kernel]

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        z = run.product(x, run.take())
        if self.use_bias:
            z += run.take()
        return ACTIVATIONS[self.activation](z)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        x = run.tf.matmul(x, run.take())
        if self.use_bias:
            x += run.take()
        return activate(run.tf, self.activation, x)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [
            twin.keras.layers.Dense(
                self.units,
                activation=self.activation,
                use_bias=self.use_bias,
                kernel_regularizer=twin.kernel,
                activity_regularizer=twin.activity(self),
            )
        ]

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "Dense":
        """Read a layer of Keras."""
        if len(shape) != 1:
            raise NoCompiledFormError(
                f"layer {layer.name!r} is a Dense on rows of shape {shape}"
            )
        return cls(layer.units, use_bias=layer.use_bias)


@dataclass(frozen=True)
class Flatten(Layer):
    """``(timesteps, channels)`` to ``(timesteps * channels,)``, channels fastest."""

    kind: ClassVar[Any] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (prod(shape),)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        return x.reshape(len(x), -1)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        return run.tf.reshape(x, (-1, prod(x.shape[1:])))

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [twin.keras.layers.Flatten()]
