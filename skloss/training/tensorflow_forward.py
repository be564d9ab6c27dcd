"""The network as a TensorFlow graph of pure functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skloss.networks.layers import Layer
from skloss.networks.spec import NetworkSpec
from skloss.protocols import Tensor
from skloss.training.backends import Backend
from skloss.training.image_operations import ImageOperations, image_operations

__all__ = ["Forward", "graph_forward"]


@dataclass(frozen=True)
class Forward:
    """What one pass gives."""

    logits: Tensor
    activity: Tensor  # sum of squares of the penalized outputs, over the real rows
    moving: list[Tensor]  # moving statistics after this batch


class _Run:
    """One pass of a batch, as the layers see it."""

    def __init__(
        self,
        spec: NetworkSpec,
        weights: Sequence[Tensor],
        backend: Backend,
        real: Tensor | None,
        keep: Callable[[tuple[int, ...], int], Tensor] | None,
        draw: Callable[[tuple[int, ...], int], Tensor] | None,
    ) -> None:
        import tensorflow as tf

        self.tf: Any = tf
        self.real = real
        self.mask: Tensor | None = None
        self.activity = tf.constant(0.0)
        self.moving: list[Tensor] = []
        self._spec, self._keep = spec, keep
        self._weights = zip(weights, spec.weight_shapes(), strict=True)
        self._draw = draw
        self._n_dropouts = 0
        self._backend = backend

    @cached_property
    def images(self) -> ImageOperations:
        # Asked for by a layer that needs them: to choose takes time, once a process.
        return image_operations(self._backend)

    def take(self) -> Tensor:
        weight, shape = next(self._weights)
        if not shape.trained:
            self.moving.append(weight)  # which stays, unless a layer notes another
        return weight

    def through(self, layers: Sequence[Layer], x: Tensor) -> Tensor:
        for layer in layers:
            x = layer.graph(x, self)
            if self.real is not None and self._spec.penalizes(layer):
                self.activity += self._squares(x, self.real)
        return x

    def keep(self, shape: tuple[int, ...]) -> Tensor | None:
        number = self._n_dropouts
        self._n_dropouts += 1
        if self.real is None or self._keep is None:
            return None
        return self._keep((self.real.shape[0], *shape), number)

    def draw(self, shape: tuple[int, ...], stream: int) -> Tensor:
        if self.real is None or self._draw is None:
            raise TypeError("graph_forward needs draw= to train with this layer.")
        return self._draw((self.real.shape[0], *shape), stream)

    def note_moving(self, statistics: list[Tensor]) -> None:
        self.moving[-len(statistics) :] = statistics

    def _squares(self, x: Tensor, real: Tensor) -> Tensor:
        """Sum of the squares over the real rows.

        Derived by hand, because every pass over the values counts without XLA; the
        slice of leading rows is no copy.
        """
        tf = self.tf
        n_real = tf.cast(tf.reduce_sum(real), tf.int32)

        @tf.custom_gradient
        def squares(x: Tensor) -> Any:
            def gradient(upstream: Tensor) -> Tensor:
                factor = 2 * upstream * real
                return x * tf.reshape(factor, (-1,) + (1,) * (len(x.shape) - 1))

            return 2 * tf.nn.l2_loss(x[:n_real]), gradient

        return squares(x)


def graph_forward(
    spec: NetworkSpec,
    weights: Sequence[Tensor],
    x: Tensor,
    *,
    backend: Backend = "eager",
    real: Tensor | None = None,
    keep: Callable[[tuple[int, ...], int], Tensor] | None = None,
    draw: Callable[[tuple[int, ...], int], Tensor] | None = None,
) -> Forward:
    """Pass a batch through the network.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of tensors
        In the order of ``spec.weight_shapes()``.
    x : tensor of shape (batch, *input_shape)
        Rows.
    backend : {"eager", "graph", "xla"}, default="eager"
        Backend of the program that this is a part of.
    real : tensor of shape (batch,), optional
        One for rows, zero for padding. Given, the pass is one of training.
    keep : callable, optional
        ``keep(shape, number of the dropout layer)`` gives the scales of dropout.
    draw : callable, optional
        ``draw(shape, stream)`` gives random numbers between 0 and 1.
    """
    run = _Run(spec, weights, backend, real, keep, draw)
    return Forward(run.through(spec.layers, x), run.activity, run.moving)
