"""Residual units: layers with a shortcut around them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from skloss.networks.activations import ACTIVATIONS, activate
from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
    WeightShape,
)
from skloss.protocols import Tensor

__all__ = ["Residual", "shapes_along"]


@dataclass(frozen=True)
class Residual(Layer):
    """``activation(branch(x) + shortcut(x))``; an empty shortcut hands ``x`` on [1]_.

    References
    ----------
    .. [1] He, Zhang, Ren and Sun, "Deep residual learning for image recognition",
       CVPR 2016.
    """

    kind: ClassVar[Any] = "activation"

    branch: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()
    activation: str = "relu"

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return shapes_along(self.branch, shape)[-1]

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of the branch, then of the shortcut."""
        return [
            weight
            for layers in (self.branch, self.shortcut)
            for layer, before in zip(layers, shapes_along(layers, shape), strict=False)
            for weight in layer.weight_shapes(before)
        ]

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of all kernels for one row of the given shape."""
        return sum(
            layer.multiplications(before)
            for layers in (self.branch, self.shortcut)
            for layer, before in zip(layers, shapes_along(layers, shape), strict=False)
        )

    def parts(self) -> Iterator[Layer]:
        """Give the layers of the branch, of the shortcut, then the unit itself."""
        for layer in (*self.branch, *self.shortcut):
            yield from layer.parts()
        yield self

    def structure(self) -> "Residual":
        """Return the unit without the numbers that change no shape."""
        ways = (self.branch, self.shortcut)
        branch, shortcut = (tuple(layer.structure() for layer in way) for way in ways)
        return replace(self, branch=branch, shortcut=shortcut)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        # Layers may overwrite what they are given.
        branch = run.through(self.branch, x.copy())
        return ACTIVATIONS[self.activation](branch + run.through(self.shortcut, x))

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        branch = run.through(self.branch, x)
        return activate(run.tf, self.activation, branch + run.through(self.shortcut, x))

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras: a model that has a model for each way."""
        kinds = twin.keras.layers
        x = twin.keras.Input(shape)
        ways = [twin.sequence(self.branch, shape)(x)]
        ways.append(twin.sequence(self.shortcut, shape)(x) if self.shortcut else x)
        outputs = kinds.Activation(self.activation)(kinds.Add()(ways))
        return [twin.keras.Model(x, outputs)]


def shapes_along(layers: tuple[Layer, ...], shape: Shape) -> list[Shape]:
    """Shape of one row before the first layer and after each one."""
    shapes = [shape]
    for layer in layers:
        shapes.append(layer.output_shape(shapes[-1]))
    return shapes
