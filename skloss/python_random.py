"""Python's own random generator, put back after what draws from it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

__all__ = ["python_random_kept", "random_lock"]

# Held by whatever seeds the process for a time.
random_lock = RLock()


@contextmanager
def python_random_kept() -> Iterator[None]:
    """Put Python's generator back after what draws from it."""
    with random_lock:
        state = random.getstate()
        try:
            yield
        finally:
            random.setstate(state)
