"""Logits of a fitted network, by the quickest exact way."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skloss.networks.numpy_forward import forward
from skloss.networks.spec import NetworkSpec
from skloss.protocols import Tensor
from skloss.sparse_rows import dense_blocks
from skloss.streams.streamed_rows import StreamedRows
from skloss.training.backends import compile_graph
from skloss.training.tensorflow_forward import graph_forward
from skloss.training.tensorflow_start import clear_at_exit, tensorflow_runs

__all__ = ["predict_logits"]

# Below this many multiplications NumPy answers before TensorFlow has been imported.
_NUMPY_WORK = 1e9
# Below this many, in double precision: in single, the last digits of a row's prediction
# depend on which rows stand beside it.
_DOUBLE_WORK = 1e8
_FEWEST_COMPILED = 32
_SHARDS = 4
_SHARD_VALUES = 2**21


def predict_logits(
    spec: NetworkSpec,
    weights: Sequence[np.ndarray],
    X: Any,
    *,
    compiled: bool | None = None,
) -> np.ndarray:
    """Logits of rows in inference mode.

    Dense networks, and few rows of any network, are computed by NumPy; many series by a
    compiled program, or by NumPy where TensorFlow cannot run. Both agree to float32
    precision.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray
        Its weights.
    X : ndarray, sparse CSR matrix or StreamedRows of shape (n, values of a row)
        Float32 rows, series folded as ``timesteps * channels``.
    compiled : bool, optional
        Ask for a way, in the rows' precision, whatever their number.

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    if issparse(X) or isinstance(X, StreamedRows):
        parts = dense_blocks(X) if issparse(X) else (block for _, block in X.blocks())
        return np.concatenate(
            [predict_logits(spec, weights, part, compiled=compiled) for part in parts]
        )
    if compiled is None:
        work = len(X) * spec.n_multiplications
        compiled = spec.is_convolutional and work > _NUMPY_WORK
        X = X.astype(np.float64) if work < _DOUBLE_WORK else X
    if not compiled or len(X) < _FEWEST_COMPILED or not tensorflow_runs():
        return forward(spec, weights, X.reshape(-1, *spec.input_shape))
    program, given = _inference_program(spec.structure()), list(weights)
    blocks = np.array_split(X, -(-len(X) // (_SHARDS * _shard_rows(spec))))
    return np.concatenate([program(given, block) for block in blocks])


def _shard_rows(spec: NetworkSpec) -> int:
    """Rows that pass through together: few enough that they stay in the cache."""
    largest = max(prod(shape) for shape in spec.shapes())
    return int(np.clip(_SHARD_VALUES // largest, 16, 512))


@lru_cache(maxsize=32)
def _inference_program(spec: NetworkSpec) -> Callable[[list[Any], Any], Any]:
    def logits(weights: list[Any], x: Tensor) -> Any:
        import tensorflow as tf

        x = tf.reshape(x, (-1, *spec.input_shape))
        n = tf.shape(x)[0]
        # The parts are independent, and TensorFlow runs them side by side.
        edges = [n * i // _SHARDS for i in range(_SHARDS + 1)]
        parts = [
            graph_forward(spec, weights, x[first:last], backend="graph").logits
            for first, last in pairwise(edges)
        ]
        return tf.concat(parts, axis=0)

    def signature() -> list[Any]:
        import tensorflow as tf

        shapes = spec.weight_shapes()
        return [
            [tf.TensorSpec(weight.shape, tf.float32) for weight in shapes],
            tf.TensorSpec((None, prod(spec.input_shape)), tf.float32),
        ]

    return compile_graph(logits, signature, "graph")


clear_at_exit(_inference_program)
