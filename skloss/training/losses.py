r"""Losses per row, on logits: in TensorFlow to train, in NumPy to read.

With ``t`` the targets (smoothed where asked), ``z`` the logits, ``p`` their
probabilities and ``pi`` the class prior of training,

- ``"crossentropy"``: ``-sum_c t_c log p_c``;
- ``"focal"``: ``-sum_c t_c (1 - p_c) ** gamma log p_c`` [1]_; gamma 0 is the
  cross-entropy;
- ``"logit_adjusted"``: the cross-entropy of ``z + tau log pi`` [2]_; tau 0 is the
  cross-entropy;
- a function of one's own, ``loss(y, logits)``.

References
----------
.. [1] Lin et al., "Focal loss for dense object detection", ICCV 2017.
.. [2] Menon et al., "Long-tail learning via logit adjustment", ICLR 2021.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skloss.protocols import Tensor

__all__ = [
    "LOSSES",
    "SMALLEST",
    "Loss",
    "clipped_crossentropy",
    "loss_name",
    "own_losses_graph",
    "row_losses",
    "row_losses_graph",
    "row_slopes",
]

Loss = str | Callable[[Any, Any], Any]

# Every loss by name, and what it is called in texts.
LOSSES = {
    "crossentropy": "cross-entropy",
    "focal": "focal loss",
    "logit_adjusted": "logit-adjusted loss",
}
# Keras clips probabilities here, so that no row has an infinite loss.
SMALLEST = 1e-7
# Nearer to zero, float32 cannot tell one minus a probability from zero.
_LEAST_MISSED = 1e-12


def loss_name(loss: Loss) -> str:
    """Name of a loss: that of the table, or of the function.

    Examples
    --------
    >>> loss_name("focal"), loss_name(abs)
    ('focal', 'abs')
    """
    if isinstance(loss, str):
        return loss
    return str(getattr(loss, "__name__", type(loss).__name__))


def row_losses(
    loss: Loss,
    logits: np.ndarray,
    y: np.ndarray,
    *,
    focal_gamma: float = 2.0,
    label_smoothing: float = 0.0,
    logit_shift: Sequence[float] | None = None,
) -> np.ndarray:
    """Loss of each row, in float64.

    Parameters
    ----------
    loss : {"crossentropy", "focal", "logit_adjusted"} or callable
        Which loss.
    logits : ndarray of shape (n, 1) or (n, n_classes)
        One column for two classes.
    y : ndarray of shape (n,)
        Class numbers.
    focal_gamma, label_smoothing : float
        Exponent of the focal loss; share of each target spread over all classes.
    logit_shift : sequence of float, optional
        ``tau log pi`` of each logit; of a single one the difference of both classes.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> row_losses("crossentropy", np.zeros((1, 1)), np.array([1])).round(4)
    array([0.6931])
    """
    if not isinstance(loss, str):
        given = np.asarray(y, np.int32), np.asarray(logits, np.float32)
        return np.asarray(own_losses_graph(loss, *given), np.float64)
    logits = np.asarray(logits, dtype=np.float64)
    if loss == "logit_adjusted" and logit_shift is not None:
        logits = logits + np.asarray(logit_shift, dtype=np.float64)
    if logits.shape[1] == 1:
        # Rows of memory are classes, so that sums over classes run along the rows.
        logits = np.stack([np.zeros(len(logits)), logits[:, 0]]).T
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    costs = -log_p
    if loss == "focal":
        costs *= (-np.expm1(log_p)) ** focal_gamma
    own: np.ndarray = costs[np.arange(len(costs)), y]
    if not label_smoothing:
        return own
    return (1 - label_smoothing) * own + label_smoothing * costs.mean(axis=1)


def clipped_crossentropy(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cross-entropy of each row, of probabilities whose logits are not known.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        Rows sum to one.
    y : ndarray of shape (n,)
        Class numbers.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> clipped_crossentropy(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1]))
    array([ 0.69314718, 16.11809565])
    """
    own = probabilities[np.arange(len(y)), y]
    return -np.log(np.clip(own, SMALLEST, 1.0))


def row_losses_graph(
    loss: Loss,
    logits: Tensor,
    y: Tensor,
    focal_gamma: Tensor,
    label_smoothing: Tensor,
    logit_shift: Tensor = 0.0,
) -> Tensor:
    """Return the same as ``row_losses`` as a TensorFlow graph, in float32."""
    import tensorflow as tf

    if not isinstance(loss, str):
        return own_losses_graph(loss, y, logits)
    if loss == "logit_adjusted":
        logits += logit_shift
    n_outputs = logits.shape[-1]
    if n_outputs == 1:
        target = tf.cast(y, tf.float32) * (1 - label_smoothing) + label_smoothing / 2
        logits = logits[:, 0]
        if loss != "focal":
            return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)
        toward, away = tf.nn.softplus(-logits), tf.nn.softplus(logits)
        # A power of ``1 - p`` has no finite gradient where it is zero in float32.
        return target * tf.exp(-focal_gamma * away) * toward + (1 - target) * (
            tf.exp(-focal_gamma * toward) * away
        )
    target = tf.one_hot(y, n_outputs) * (1 - label_smoothing)
    target += label_smoothing / n_outputs
    if loss != "focal":
        return tf.nn.softmax_cross_entropy_with_logits(labels=target, logits=logits)
    log_p = tf.nn.log_softmax(logits)
    missed = tf.maximum(-tf.math.expm1(log_p), _LEAST_MISSED)
    return -tf.reduce_sum(target * tf.pow(missed, focal_gamma) * log_p, axis=1)


def row_slopes(
    loss: str,
    logits: np.ndarray,
    y: np.ndarray,
    focal_gamma: np.float32,
    label_smoothing: np.float32,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of each row, and its slope by the logits, in float32.

    The logit-adjusted loss takes logits that have been adjusted.
    """
    if logits.shape[1] == 1:
        target = y.astype(np.float32) * (1 - label_smoothing) + label_smoothing / 2
        losses, slopes = _slopes_of_two(loss, logits[:, 0], target, focal_gamma)
        return losses, slopes[:, None]
    target = np.full_like(logits, label_smoothing / logits.shape[1])
    target[np.arange(len(y)), y] += 1 - label_smoothing
    shifted = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=1, keepdims=True)
    log_p = shifted - np.log(total)
    p /= total
    if loss != "focal":
        return -(target * log_p).sum(axis=1), p - target
    missed = np.maximum(-np.expm1(log_p), np.float32(_LEAST_MISSED))
    power = missed**focal_gamma
    by_log = target * power * (focal_gamma * p * log_p / missed - 1)
    slopes = by_log - p * by_log.sum(axis=1, keepdims=True)
    return -(target * power * log_p).sum(axis=1), slopes


def _slopes_of_two(
    loss: str, logits: np.ndarray, target: np.ndarray, focal_gamma: np.float32
) -> tuple[np.ndarray, np.ndarray]:
    toward = np.logaddexp(-logits, np.float32(0))
    p = np.exp(-toward)
    if loss != "focal":
        return toward + (1 - target) * logits, p - target
    away = np.logaddexp(logits, np.float32(0))
    rest = np.exp(-away)
    of_one = target * np.exp(-focal_gamma * away)
    of_zero = (1 - target) * np.exp(-focal_gamma * toward)
    slopes = of_zero * (focal_gamma * rest * away + p)
    slopes -= of_one * (focal_gamma * p * toward + rest)
    return of_one * toward + of_zero * away, slopes


def own_losses_graph(loss: Callable[[Any, Any], Any], y: Tensor, logits: Any) -> Tensor:
    """Call a loss of the user's own, on class numbers and logits."""
    import tensorflow as tf

    return tf.cast(
        loss(tf.convert_to_tensor(y), tf.convert_to_tensor(logits)), tf.float32
    )
