"""Chains of layers on the same rows, their channels side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
    WeightShape,
)
from skloss.networks.layers.residual import shapes_along
from skloss.protocols import Tensor

__all__ = ["SideBySide"]


@dataclass(frozen=True)
class SideBySide(Layer):
    """The channels that several chains of layers make of the same rows."""

    kind: ClassVar[Any] = "other"

    chains: tuple[tuple[Layer, ...], ...]

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        ends = [shapes_along(chain, shape)[-1] for chain in self.chains]
        return (*ends[0][:-1], sum(end[-1] for end in ends))

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of the chains, one after the other."""
        return [
            weight
            for layer, before in self._inside(shape)
            for weight in layer.weight_shapes(before)
        ]

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of all kernels for one row of the given shape."""
        return sum(
            layer.multiplications(before) for layer, before in self._inside(shape)
        )

    def _inside(self, shape: Shape) -> Iterator[tuple[Layer, Shape]]:
        for chain in self.chains:
            yield from zip(chain, shapes_along(chain, shape), strict=False)

    def parts(self) -> Iterator[Layer]:
        """Give the layers of the chains, then the layer itself."""
        for chain in self.chains:
            for layer in chain:
                yield from layer.parts()
        yield self

    def structure(self) -> "SideBySide":
        """Return the layer without the numbers that change no shape."""
        chains = [tuple(layer.structure() for layer in chain) for chain in self.chains]
        return replace(self, chains=tuple(chains))

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        # Layers may overwrite what they are given.
        ends = [run.through(chain, x.copy()) for chain in self.chains]
        return np.concatenate(ends, axis=-1)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        ends = [run.through(chain, x) for chain in self.chains]
        return run.tf.concat(ends, axis=-1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras: a model that has a model for each chain."""
        x = twin.keras.Input(shape)
        ends = [twin.sequence(chain, shape)(x) for chain in self.chains]
        return [twin.keras.Model(x, twin.keras.layers.Concatenate()(ends))]
