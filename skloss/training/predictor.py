"""Logits and probabilities of a fitted network, by the quickest exact way."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from skloss.networks.forward import forward
from skloss.networks.spec import Conv1D, NetworkSpec
from skloss.training.graph import graph_forward
from skloss.training.kinds import compile_graph, program_kind

__all__ = ["predict_logits", "probabilities"]

# Below this many multiplications NumPy answers before TensorFlow has been imported.
_NUMPY_WORK = 1e9
# Below this many, in double precision: in single, the last digits of a row's prediction
# depend on which rows stand beside it.
_DOUBLE_WORK = 1e8
_BLOCK_ROWS = 256


def predict_logits(
    spec: NetworkSpec,
    weights: Sequence[np.ndarray],
    X: np.ndarray,
    *,
    compiled: bool | None = None,
) -> np.ndarray:
    """Logits of rows in inference mode.

    Dense networks, and few rows of any network, are computed by NumPy; many series by a
    compiled program. Both agree to float32 precision.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray
        Its weights.
    X : ndarray of shape (n, values of a row)
        Float32 rows, series folded as ``timesteps * channels``.
    compiled : bool, optional
        Ask for a way, in the rows' precision, whatever their number.

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    work = len(X) * (_convolution_work(spec) + spec.n_parameters)
    if compiled is None:
        compiled = spec.is_convolutional and work > _NUMPY_WORK
        X = X.astype(np.float64) if work < _DOUBLE_WORK else X
    if not compiled:
        return forward(spec, weights, X.reshape(-1, *spec.input_shape))
    program = _inference_program(spec.structure())
    logits = np.empty((len(X), spec.n_outputs), np.float32)
    for start in range(0, len(X), _BLOCK_ROWS):
        block = X[start : start + _BLOCK_ROWS]
        missing = _BLOCK_ROWS - len(block)
        padded = np.pad(block, ((0, missing), (0, 0))) if missing else block
        found = program(list(weights), padded).numpy()
        logits[start : start + len(block)] = found[: len(block)]
    return logits


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Probabilities ``(n, n_classes)`` in float64, rows summing to one.

    >>> probabilities(np.array([[0.0]]))
    array([[0.5, 0.5]])
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _convolution_work(spec: NetworkSpec) -> int:
    """Multiplications of all convolutions for one row."""
    shapes = spec.shapes()
    return sum(
        layer.kernel_size * shapes[i][1] * layer.filters * shapes[i + 1][0]
        for i, layer in enumerate(spec.layers)
        if isinstance(layer, Conv1D)
    )


@lru_cache(maxsize=32)
def _inference_program(spec: NetworkSpec) -> Callable[[list[Any], Any], Any]:
    import tensorflow as tf

    kind = program_kind(spec, n_steps=None)

    def logits(weights: list[Any], x: Any) -> Any:
        x = tf.reshape(x, (_BLOCK_ROWS, *spec.input_shape))
        return graph_forward(spec, weights, x, native=kind != "xla").logits

    values = int(np.prod(spec.input_shape))
    signature = [
        [tf.TensorSpec(weight.shape, tf.float32) for weight in spec.weight_shapes()],
        tf.TensorSpec((_BLOCK_ROWS, values), tf.float32),
    ]
    return compile_graph(logits, signature, kind)
