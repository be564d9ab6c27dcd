"""The seeds of the process, lent to one fit at a time and put back."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from skloss.python_random import random_lock

__all__ = ["lent_seeds"]


@contextmanager
def lent_seeds(seed: int) -> Iterator[None]:
    """Let scikeras seed Python, NumPy and TensorFlow, and leave no trace of it.

    scikeras puts the seeds back, but not how far TensorFlow has drawn from its own; and
    it turns deterministic operations on for good if TensorFlow first hears of them from
    the environment variable that scikeras sets. Keras draws the seeds of layers from
    Python's generator, and so may any other thread at the same time, as that in which
    a worker of dask talks to others. Here Keras gets a generator of its own.
    """
    from tensorflow.python.eager.context import context
    from tensorflow.python.framework.config import is_op_determinism_enabled

    with random_lock, _layers_seeded(seed):
        is_op_determinism_enabled()  # before that variable is set
        drawn_from = getattr(context(), "_rng", None)
        try:
            yield
        finally:
            if drawn_from is not None:
                context()._rng = drawn_from


@contextmanager
def _layers_seeded(seed: int) -> Iterator[None]:
    """Let Keras draw in this thread what it draws after ``random.seed(seed)``."""
    from keras.src.random import seed_generator

    before = seed_generator.python_random
    seed_generator.python_random = _RandomOfThread(seed)
    try:
        yield
    finally:
        seed_generator.python_random = before


class _RandomOfThread:
    """Python's module ``random``, with a generator of its own for one thread."""

    def __init__(self, seed: int) -> None:
        self._own, self._thread = random.Random(seed), get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own if get_ident() == self._thread else random, name)
