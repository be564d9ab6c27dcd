"""A pass in training mode at fixed weights: what dropout and batches do to the loss."""

from collections.abc import Iterator, Sequence

import numpy as np

from skloss.networks.spec import BatchNorm, Dropout, NetworkSpec
from skloss.training.dropout import keep_scale
from skloss.training.tensorflow_forward import graph_forward

__all__ = ["has_training_mode", "kernel_penalty", "mode_batches", "training_pass"]

_MOST_ROWS = 2048
_MOST_BATCHES = 16
_MOST_WORK = 2 * 10**8  # multiplications
_MOST_DRAWS = 8


def has_training_mode(spec: NetworkSpec) -> bool:
    """Whether a layer does something else in training than in inference."""
    return any(
        isinstance(layer, BatchNorm) or (isinstance(layer, Dropout) and layer.rate > 0)
        for layer in spec.layers
    )


def kernel_penalty(spec: NetworkSpec, weights: Sequence[np.ndarray]) -> float:
    """Compute the penalties of the kernels, ``l1 sum |k| + l2 sum k ** 2``."""
    if not (spec.l1 or spec.l2):
        return 0.0
    roles = zip(weights, spec.weight_shapes(), strict=True)
    kernels = [np.float64(w).ravel() for w, shape in roles if shape.role == "kernel"]
    flat = np.concatenate(kernels)
    return float(spec.l1 * np.abs(flat).sum() + spec.l2 * (flat @ flat))


def mode_batches(
    n_rows: int, batch_size: int, n_multiplications: int, seed: int, *, in_batches: bool
) -> Iterator[np.ndarray]:
    """Positions of random rows to pass through in training mode, batch by batch.

    A batch of batch statistics has the size of those that were trained on; for dropout
    alone one large batch is the quickest. Few rows pass several times.
    """
    rng = np.random.default_rng((seed, 7))
    size = min(batch_size, n_rows) if in_batches else min(n_rows, _MOST_ROWS)
    most = min(_MOST_ROWS, max(size, _MOST_WORK // n_multiplications))
    n_batches = max(1, min(_MOST_BATCHES if in_batches else _MOST_DRAWS, most // size))
    per_pass = n_rows // size
    order = np.empty(0, np.intp)
    for batch in range(n_batches):
        place = batch % per_pass
        if place == 0:
            order = rng.permutation(n_rows)
        yield order[place * size : (place + 1) * size]


def training_pass(
    spec: NetworkSpec,
    weights: Sequence[np.ndarray],
    X: np.ndarray,
    seed: int,
    step: int,
) -> tuple[np.ndarray, float]:
    """Pass one batch through in training mode; nothing is trained.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray
        Its weights.
    X : ndarray of shape (n, values of a row)
        The batch.
    seed, step : int
        Of the masks of dropout.

    Returns
    -------
    logits : ndarray of shape (n, n_outputs)
    activity : float
        The penalty of the activity, as the loss of this batch has it.
    """
    import tensorflow as tf

    rates = np.asarray(spec.dropout_rates, np.float32)

    def keep(shape: tuple[int, ...], layer: int) -> tf.Tensor:
        return keep_scale(
            shape,
            tf.constant(rates[layer]),
            tf.constant(seed),
            layer,
            tf.constant(step),
        )

    rows = tf.constant(X.reshape(-1, *spec.input_shape), tf.float32)
    found = graph_forward(
        spec,
        [tf.constant(array, tf.float32) for array in weights],
        rows,
        native=True,
        real=tf.ones(len(X)),
        keep=keep,
    )
    activity = spec.activity_l2 * float(found.activity) / len(X)
    return np.asarray(found.logits), activity
