"""Losses per row, on logits: in TensorFlow to train, in NumPy to read.

With ``t`` the targets (smoothed where asked) and ``p`` the probabilities of the logits,

- ``"crossentropy"``: ``-sum_c t_c log p_c``;
- ``"focal"``: ``-(1 - p_y) ** gamma log p_y`` [1]_; gamma 0 is the cross-entropy.

References
----------
.. [1] Lin et al., "Focal loss for dense object detection", ICCV 2017.
"""

import numpy as np

from skloss.protocols import Tensor

__all__ = ["LOSSES", "clipped_crossentropy", "row_losses", "row_losses_graph"]

LOSSES = ("crossentropy", "focal")
# Keras clips probabilities here, so that no row has an infinite loss.
_SMALLEST = 1e-7


def row_losses(
    loss: str,
    logits: np.ndarray,
    y: np.ndarray,
    *,
    focal_gamma: float = 2.0,
    label_smoothing: float = 0.0,
) -> np.ndarray:
    """Loss of each row, in float64.

    Parameters
    ----------
    loss : {"crossentropy", "focal"}
        Which loss.
    logits : ndarray of shape (n, 1) or (n, n_classes)
        One column for two classes.
    y : ndarray of shape (n,)
        Class numbers.
    focal_gamma, label_smoothing : float
        Exponent of the focal loss; share of each target spread over all classes.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> row_losses("crossentropy", np.zeros((1, 1)), np.array([1])).round(4)
    array([0.6931])
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    own = np.take_along_axis(log_p, np.asarray(y)[:, None], axis=1)[:, 0]
    if loss == "focal":
        return -((-np.expm1(own)) ** focal_gamma) * own
    return -(1 - label_smoothing) * own - label_smoothing * log_p.mean(axis=1)


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
    return -np.log(np.clip(own, _SMALLEST, 1.0))


def row_losses_graph(
    loss: str, logits: Tensor, y: Tensor, focal_gamma: Tensor, label_smoothing: Tensor
) -> Tensor:
    """Return the same as ``row_losses`` as a TensorFlow graph, in float32."""
    import tensorflow as tf

    n_outputs = logits.shape[-1]
    if n_outputs == 1:
        target = tf.cast(y, tf.float32) * (1 - label_smoothing) + label_smoothing / 2
        logits = logits[:, 0]
        if loss == "focal":
            toward = tf.where(y > 0, logits, -logits)
            missed = tf.sigmoid(-toward)
            return tf.pow(missed, focal_gamma) * tf.nn.softplus(-toward)
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)
    one_hot = tf.one_hot(y, n_outputs)
    if loss == "focal":
        own = tf.reduce_sum(one_hot * tf.nn.log_softmax(logits), axis=1)
        missed = tf.maximum(-tf.math.expm1(own), 1e-12)
        return -tf.pow(missed, focal_gamma) * own
    target = one_hot * (1 - label_smoothing) + label_smoothing / n_outputs
    return tf.nn.softmax_cross_entropy_with_logits(labels=target, logits=logits)
