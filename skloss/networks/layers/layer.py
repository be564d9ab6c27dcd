"""A layer: frozen data that knows its shapes and its three implementations.

TensorFlow and Keras come as arguments: a layer is data for those who have neither.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from skloss.protocols import KerasLayer, Tensor

__all__ = [
    "Array",
    "GraphRun",
    "KerasTwin",
    "Layer",
    "NumpyRun",
    "Shape",
    "WeightShape",
]

Array = np.ndarray
Shape = tuple[int, ...]
Role = Literal[
    "kernel",
    "recurrent_kernel",
    "bias",
    "embedding",
    "gamma",
    "beta",
    "moving_unit",
    "moving_mean",
    "moving_variance",
]


@dataclass(frozen=True)
class WeightShape:
    """One array of weights: its role, its shape, and whether it is trained.

    ``ones`` is the part of a bias along its last axis that starts at one.
    """

    role: Role
    shape: Shape
    ones: tuple[int, int] | None = None

    @property
    def trained(self) -> bool:
        """False for the moving statistics of batch normalization."""
        return not self.role.startswith("moving")


class NumpyRun(Protocol):
    """One pass of rows in NumPy.

    ``rng`` is None in inference; given, layers do what they do in training. ``mask``
    ``(n, time, 1)`` says which steps count; None is all.
    """

    rng: np.random.Generator | None
    mask: Any

    def take(self) -> Array:
        """Return the next array of weights."""

    def through(self, layers: Sequence["Layer"], x: Array) -> Array:
        """Pass rows through layers inside a layer."""

    def product(self, x: Array, kernel: Array) -> Array:
        """``x @ kernel`` by as many threads as it is worth."""


class GraphRun(Protocol):
    """One pass of a batch in TensorFlow.

    ``real`` has one for rows and zero for padding; it is None in inference.
    """

    tf: Any
    real: Tensor | None
    mask: Tensor | None  # as of `NumpyRun`, in numbers

    @property
    def images(self) -> Any:
        """Convolutions and pools, as in ``skloss.training.image_operations``."""

    def take(self) -> Tensor:
        """Return the next array of weights."""

    def through(self, layers: Sequence["Layer"], x: Tensor) -> Tensor:
        """Pass rows through layers inside a layer."""

    def keep(self, shape: Shape) -> Tensor | None:
        """Return the scales of the next dropout; None where nothing is dropped."""

    def draw(self, shape: Shape, stream: int) -> Tensor:
        """Return numbers between 0 and 1 for each row of a batch in training.

        Another stream has other numbers, whatever the shapes are.
        """

    def note_moving(self, statistics: list[Tensor]) -> None:
        """Hand over the moving statistics last taken, as they are after this batch."""


class KerasTwin(Protocol):
    """What a layer needs to build its equal in Keras."""

    keras: Any
    kernel: Any  # regularizer of kernels, or None

    def activity(self, layer: "Layer") -> Any:
        """Return the regularizer of a layer's outputs, or None."""

    def seed(self) -> int | None:
        """Return the seed of the next layer that draws numbers."""

    def own_layer(self, name: str, **options: Any) -> Any:
        """Make a layer of skloss that Keras has no equal of."""

    def sequence(self, layers: Sequence["Layer"], shape: Shape) -> Any:
        """Build layers inside a layer as a ``keras.Sequential``."""


@dataclass(frozen=True)
class Layer:
    """A layer without weights that changes no shape; subclasses say what they do."""

    kind: ClassVar[Any]  # what records and rules call it
    # Classes of ``keras.layers`` that `read` makes this layer of.
    keras_names: ClassVar[tuple[str, ...]] = ()

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return shape

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape, in Keras' order."""
        return []

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of the kernels for one row of the given shape."""
        return sum(
            prod(w.shape) for w in self.weight_shapes(shape) if "kernel" in w.role
        )

    def parts(self) -> Iterator["Layer"]:
        """Give the layer itself, and the layers inside it, in the order of weights."""
        yield self

    def structure(self) -> "Layer":
        """Return the layer without the numbers that change no shape."""
        return self

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy; ``x`` may be overwritten."""
        raise NotImplementedError

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        raise NotImplementedError

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras, for rows of the given shape."""
        raise NotImplementedError

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "Layer":
        """Read a layer of Keras that takes rows of this shape.

        The activation and the penalties are read by the caller.
        """
        raise NotImplementedError
