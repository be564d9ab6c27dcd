"""Losses of the user's own: whether TensorFlow can compile them, row by row."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from skloss.protocols import Tensor
from skloss.training.backends import compile_graph
from skloss.training.losses import loss_name, own_losses_graph
from skloss.training.tensorflow_start import start_tensorflow

__all__ = ["check_own_loss"]

_ROWS = 6


def check_own_loss(owner: str, loss: Callable[[Any, Any], Any], n_outputs: int) -> None:
    """Refuse a loss that has no gradient, or not one value for each row.

    Parameters
    ----------
    owner : str
        Name of the estimator, for errors.
    loss : callable
        ``loss(y, logits)``.
    n_outputs : int
        Columns of the logits.

    Raises
    ------
    ValueError
        If TensorFlow cannot compile it, or a row's loss depends on other rows.
    """
    subject = f"The 'loss' parameter of {owner}, {loss_name(loss)!r},"
    start_tensorflow()
    try:
        hash(loss)
    except TypeError as error:
        raise ValueError(
            f"{subject} cannot be hashed, so that its program cannot be found again: "
            "pass a function."
        ) from error
    try:
        wrong = _problem_of(loss, n_outputs)
    except Exception as error:
        raise ValueError(
            f"{subject} cannot be compiled: write it as loss(y, logits) with "
            "operations of TensorFlow, without NumPy, .numpy() or an if on values "
            "(tf.where chooses by row). y holds class numbers (n,), logits are "
            f"(n, {n_outputs}). TensorFlow says: {error}"
        ) from error
    if wrong:
        raise ValueError(f"{subject} {wrong}")


@lru_cache(maxsize=32)
def _problem_of(loss: Callable[[Any, Any], Any], n_outputs: int) -> str | None:
    """Say what is wrong with the values of a loss on a few rows; None if nothing."""
    logits = np.random.default_rng(0).normal(size=(_ROWS, n_outputs)).astype("f4")
    y = (np.arange(_ROWS) % max(2, n_outputs)).astype("i4")
    shape = np.shape(own_losses_graph(loss, y, logits))
    if shape != (_ROWS,):
        return (
            f"gives an array of shape {shape} for {_ROWS} rows: return one loss for "
            f"each row, ({_ROWS},), without a mean over the rows."
        )
    losses, gradient = compile_graph(_slope(loss), _signature(n_outputs), "graph")(
        y, logits
    )
    if not np.asarray(gradient).any():
        return (
            "has no gradient: compute it from the logits with operations that "
            "TensorFlow can differentiate, not with tf.argmax, tf.round or NumPy."
        )
    alone = [own_losses_graph(loss, y[i : i + 1], logits[i : i + 1]) for i in range(2)]
    if not np.allclose(np.ravel(alone), losses[:2], rtol=1e-4, atol=1e-6):
        return (
            "gives a row another loss where other rows stand beside it: compute each "
            "row's loss of its own label and logits alone."
        )
    return None


def _slope(loss: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def slope(y: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(logits)
            losses = own_losses_graph(loss, y, logits)
        found = tape.gradient(losses, logits)
        return losses, tf.zeros_like(logits) if found is None else found

    return slope


def _signature(n_outputs: int) -> Callable[[], list[Any]]:
    def signature() -> list[Any]:
        import tensorflow as tf

        return [
            tf.TensorSpec((_ROWS,), tf.int32),
            tf.TensorSpec((_ROWS, n_outputs), tf.float32),
        ]

    return signature
