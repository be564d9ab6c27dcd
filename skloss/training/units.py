"""Units that no longer react to the rows: dead or saturated ones."""

from typing import Literal

import numpy as np

__all__ = ["stuck_units"]

_CAN_DIE = ("relu", "relu6")
_RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0)}
_SATURATED, _OF_ROWS = 0.97, 0.9


def stuck_units(
    activation: str, outputs: np.ndarray
) -> tuple[Literal["dead", "saturated"], np.ndarray] | None:
    """Find the units of a layer that are dead, or saturated, on the rows given.

    A unit is dead when it gives zero on every row, and saturated when it stands in the
    last 3 % of its range on more than nine rows of ten. In a series each step of time
    counts as a row.

    Parameters
    ----------
    activation : str
        Name that Keras gives it.
    outputs : ndarray of shape (n, ..., units)
        What the layer gives.

    Returns
    -------
    tuple of str and ndarray of bool of shape (units,), or None
        Which of the two the activation can become, and whether each unit is it; None
        where it can become neither.

    Examples
    --------
    >>> stuck_units("relu", np.array([[0.0, 1.0], [0.0, 0.0]]))
    ('dead', array([ True, False]))
    >>> stuck_units("linear", np.zeros((2, 2)))
    """
    values = outputs.reshape(-1, outputs.shape[-1])
    if activation in _CAN_DIE:
        return "dead", (values == 0).all(axis=0)
    if activation in _RANGES:
        low, high = _RANGES[activation]
        distance = np.abs(2 * (values - low) / (high - low) - 1)
        return "saturated", (distance > _SATURATED).mean(axis=0) > _OF_ROWS
    return None
