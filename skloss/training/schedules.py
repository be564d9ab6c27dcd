"""Learning-rate schedules: the factor on the rate as a function of progress."""

from collections.abc import Callable

import numpy as np

__all__ = ["SCHEDULES", "Schedule", "learning_rates"]

Schedule = Callable[[np.ndarray], np.ndarray]

# Progress runs from 0 at the first step to 1 after the last of all epochs asked for.
SCHEDULES: dict[str, Schedule] = {
    "constant": np.ones_like,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 * (1.0 + np.cos(np.pi * progress)),
    "exponential": lambda progress: 0.01**progress,
}


def learning_rates(
    schedule: str | Schedule, base: float, steps: np.ndarray, total_steps: int
) -> np.ndarray:
    """Learning rate at each of the given steps.

    Parameters
    ----------
    schedule : str or callable
        A name out of ``SCHEDULES``, or a function from progress (array in [0, 1)) to
        the factor on ``base``. ``"cosine"`` is ``(1 + cos(pi p)) / 2`` [1]_,
        ``"exponential"`` ``0.01 ** p``, ``"linear"`` ``1 - p``.
    base : float
        Learning rate where the factor is one.
    steps : ndarray of int
        Counted from zero over the whole training.
    total_steps : int
        Steps in all epochs asked for.

    Returns
    -------
    ndarray of float32

    References
    ----------
    .. [1] Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm
       restarts", ICLR 2017.

    Examples
    --------
    >>> learning_rates("linear", 0.1, np.array([0, 5]), 10)
    array([0.1 , 0.05], dtype=float32)
    """
    factor = SCHEDULES[schedule] if isinstance(schedule, str) else schedule
    progress = np.minimum(np.asarray(steps, float) / total_steps, 1.0)
    factors = np.asarray(factor(progress), dtype=np.float32)
    if factors.shape not in ((), progress.shape):
        raise ValueError(
            "learning_rate_schedule must return one factor, or one per step: it was "
            f"given an array of shape {progress.shape} and returned {factors.shape}."
        )
    return np.broadcast_to(np.float32(base) * factors, progress.shape)
