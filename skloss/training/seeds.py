"""The seeds of the process, lent to one fit at a time and put back."""

from collections.abc import Iterator
from contextlib import contextmanager

from skloss.python_random import random_lock

__all__ = ["lent_seeds"]


@contextmanager
def lent_seeds() -> Iterator[None]:
    """Let scikeras seed Python, NumPy and TensorFlow, and leave no trace of it.

    scikeras puts the seeds back, but not how far TensorFlow has drawn from its own; and
    it turns deterministic operations on for good if TensorFlow first hears of them from
    the environment variable that scikeras sets.
    """
    from tensorflow.python.eager.context import context
    from tensorflow.python.framework.config import is_op_determinism_enabled

    with random_lock:
        is_op_determinism_enabled()  # before that variable is set
        drawn_from = getattr(context(), "_rng", None)
        try:
            yield
        finally:
            if drawn_from is not None:
                context()._rng = drawn_from
