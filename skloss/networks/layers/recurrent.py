"""Recurrent layers, the mask of steps that they skip, and attention over states."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from skloss.networks.layers.keras_options import NoCompiledFormError, need, unusual
from skloss.networks.layers.layer import (
    Array,
    GraphRun,
    KerasTwin,
    Layer,
    NumpyRun,
    Shape,
    WeightShape,
)
from skloss.networks.layers.recurrent_graph import recur
from skloss.protocols import KerasLayer, Tensor

__all__ = ["AttentionPool", "Recurrent", "SkipMissing"]

_GATES = {"lstm": 4, "gru": 3}


@dataclass(frozen=True)
class SkipMissing(Layer):
    """Lets recurrent layers skip steps that have a NaN; their values become zero."""

    kind: ClassVar[Any] = "mask"

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        run.mask = ~np.isnan(x).any(axis=2, keepdims=True)
        return np.where(run.mask, x, x.dtype.type(0))

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        is_there = ~tf.reduce_any(tf.math.is_nan(x), axis=2, keepdims=True)
        run.mask = tf.cast(is_there, x.dtype)
        return tf.where(is_there, x, tf.zeros_like(x))

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [twin.own_layer("SkipMissing")]


@dataclass(frozen=True)
class Recurrent(Layer):
    """Cells of Keras' LSTM or GRU along time, one way or both.

    Parameters
    ----------
    units : int
        Size of the state; of both ways together twice as much comes out.
    cell : {"lstm", "gru"}
        Kind of the cell, the GRU with the reset behind the product.
    bidirectional : bool
        Whether a second one runs from the end to the begin.
    sequences : bool
        Whether all states come out, or the last one.
    """

    kind: ClassVar[Any] = "recurrent"
    keras_names: ClassVar[tuple[str, ...]] = ("LSTM", "GRU", "Bidirectional")

    units: int
    cell: Literal["lstm", "gru"] = "lstm"
    bidirectional: bool = False
    sequences: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        size = self.units * (2 if self.bidirectional else 1)
        return (shape[0], size) if self.sequences else (size,)

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of one way, then of the other."""
        units, gates = self.units, _GATES[self.cell]
        bias = WeightShape("bias", (2, gates * units))
        if self.cell == "lstm":  # its forget gate is open at first
            bias = WeightShape("bias", (gates * units,), ones=(units, 2 * units))
        way = [
            WeightShape("kernel", (shape[-1], gates * units)),
            WeightShape("recurrent_kernel", (units, gates * units)),
            bias,
        ]
        return way * (2 if self.bidirectional else 1)

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of the kernels for one row of the given shape."""
        return shape[0] * super().multiplications(shape)

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        ways = []
        for way in (1, -1)[: 1 + self.bidirectional]:
            weights = [run.take() for _ in range(3)]
            mask = None if run.mask is None else run.mask[:, ::way]
            states = self._states(x[:, ::way], weights, mask)
            ways.append(states[:, ::way] if self.sequences else states)
        return np.concatenate(ways, axis=-1)

    def _states(self, x: Array, weights: list[Array], mask: Array | None) -> Array:
        """All states ``(n, time, units)``, or the last one."""
        kernel, own_kernel, bias = weights
        step = _lstm if self.cell == "lstm" else _gru
        given_bias, own_bias = (bias, 0) if self.cell == "lstm" else bias
        state = [np.zeros((len(x), self.units), x.dtype)] * 2
        states = (
            np.empty((*x.shape[:2], self.units), x.dtype) if self.sequences else None
        )
        for t in range(x.shape[1]):
            given = x[:, t] @ kernel + given_bias
            after = step(given, state[0] @ own_kernel + own_bias, state)
            if mask is not None:
                after = [
                    np.where(mask[:, t], new, old)
                    for new, old in zip(after, state, strict=True)
                ]
            state = after
            if states is not None:
                states[:, t] = state[0]
        return state[0] if states is None else states

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        ways = []
        for way in (1, -1)[: 1 + self.bidirectional]:
            kernel, own_kernel, bias = (run.take() for _ in range(3))
            given_bias, own_bias = (
                (bias, tf.zeros_like(bias))
                if self.cell == "lstm"
                else (bias[0], bias[1])
            )
            given = tf.tensordot(tf.transpose(x, (1, 0, 2)), kernel, 1) + given_bias
            mask = None if run.mask is None else tf.transpose(run.mask, (1, 0, 2))
            if way < 0:
                given = tf.reverse(given, [0])
                mask = None if mask is None else tf.reverse(mask, [0])
            states = recur(tf, self.cell, given, own_kernel, own_bias, mask)
            if self.sequences:
                states = tf.reverse(states, [0]) if way < 0 else states
                ways.append(tf.transpose(states, (1, 0, 2)))
            else:
                ways.append(states[-1])
        return tf.concat(ways, axis=-1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        kinds = twin.keras.layers
        layer = getattr(kinds, self.cell.upper())(
            self.units,
            return_sequences=self.sequences,
            kernel_regularizer=twin.kernel,
            activity_regularizer=twin.activity(self),
        )
        return [kinds.Bidirectional(layer) if self.bidirectional else layer]

    @classmethod
    def read(cls, layer: KerasLayer, shape: Shape) -> "Recurrent":
        """Read a layer of Keras."""
        is_both = type(layer).__name__ == "Bidirectional"
        inner = layer.forward_layer if is_both else layer
        name = type(inner).__name__.lower()
        if name not in _GATES or len(shape) != 2:
            raise NoCompiledFormError(
                f"layer {layer.name!r} is a {type(layer).__name__} of "
                f"{type(inner).__name__} on rows of shape {shape}"
            )
        ways = [inner, layer.backward_layer] if is_both else [inner]
        for way in ways:
            _need_plain(way)
        if is_both:
            need(layer, merge_mode="concat")
            kept = ("units", "return_sequences")
            if type(ways[1]) is not type(inner) or any(
                getattr(ways[1], part) != getattr(inner, part) for part in kept
            ):
                raise unusual(layer, "backward_layer", ways[1].name)
        sequences = bool(inner.return_sequences)
        return cls(inner.units, name, is_both, sequences)  # type: ignore[arg-type]


def _need_plain(layer: KerasLayer) -> None:
    need(layer, use_bias=True, dropout=0.0, recurrent_dropout=0.0)
    need(layer, stateful=False, return_state=False, reset_after=True)
    for name in ("recurrent", "bias"):
        need(layer, **{f"{name}_regularizer": None, f"{name}_constraint": None})
    need(layer, kernel_constraint=None)
    for name, expected in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        if getattr(getattr(layer, name), "__name__", "") != expected:
            raise unusual(layer, name, getattr(layer, name))


def _lstm(given: Array, own: Array, state: list[Array]) -> list[Array]:
    from scipy.special import expit

    i, f, g, o = np.split(given + own, 4, axis=1)
    c = expit(f) * state[1] + expit(i) * np.tanh(g)
    return [expit(o) * np.tanh(c), c]


def _gru(given: Array, own: Array, state: list[Array]) -> list[Array]:
    from scipy.special import expit

    of_z, of_r, of_g = np.split(given, 3, axis=1)
    own_z, own_r, own_g = np.split(own, 3, axis=1)
    z, r = expit(of_z + own_z), expit(of_r + own_r)
    h = z * state[0] + (1 - z) * np.tanh(of_g + r * own_g)
    return [h, h]


@dataclass(frozen=True)
class AttentionPool(Layer):
    """Mean of the states over time, weighted by ``softmax(states @ kernel)``."""

    kind: ClassVar[Any] = "pool"

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row after this layer."""
        return (shape[-1],)

    def weight_shapes(self, shape: Shape) -> list[WeightShape]:
        """Arrays of this layer on rows of the given shape."""
        return [WeightShape("kernel", (shape[-1], 1))]

    def multiplications(self, shape: Shape) -> int:
        """Multiplications of the kernel for one row of the given shape."""
        return shape[0] * shape[1]

    def numpy(self, x: Array, run: NumpyRun) -> Array:
        """Compute the outputs in NumPy."""
        scores = x @ run.take()
        if run.mask is not None:
            scores = np.where(run.mask, scores, scores.dtype.type(-1e9))
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return (x * shares).sum(axis=1)

    def graph(self, x: Tensor, run: GraphRun) -> Tensor:
        """Compute the outputs in TensorFlow."""
        tf = run.tf
        scores = tf.tensordot(x, run.take(), 1)
        if run.mask is not None:
            scores += (1 - run.mask) * -1e9
        return tf.reduce_sum(x * tf.nn.softmax(scores, axis=1), axis=1)

    def build(self, shape: Shape, twin: KerasTwin) -> list[Any]:
        """Build the same in Keras."""
        return [twin.own_layer("AttentionPool", kernel_regularizer=twin.kernel)]
