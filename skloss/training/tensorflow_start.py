"""The first import of TensorFlow: with fewer messages, and with its threads settled."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["start_tensorflow"]

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_lock = Lock()


def start_tensorflow() -> None:
    """Import TensorFlow, with one thread within each operation.

    The operations of small networks are too short to be divided: with one thread the
    programs of tables run 10 to 30 % faster, those of long series, whose batches are
    divided instead, 35 % (benchmarks/threads.py), and several fits can share the cores.
    TensorFlow fixes the number once per process, so it is left alone where TensorFlow
    has been imported before, or ``TF_NUM_INTRAOP_THREADS`` is set.

    Raises
    ------
    ImportError
        If TensorFlow is not installed, or cannot be imported.
    """
    with _lock:
        if sys.modules.get("tensorflow") is not None:
            return
        try:
            with _few_messages():
                import tensorflow as tf
        except Exception as error:  # an installed one can fail in any way
            cause = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise ImportError(
                f"Training needs TensorFlow, which cannot be imported here ({cause}): "
                "install it by 'pip install \"tensorflow>=2.18\"'."
            ) from error
        if "TF_NUM_INTRAOP_THREADS" not in os.environ:
            tf.config.threading.set_intra_op_parallelism_threads(1)


@contextmanager
def _few_messages() -> Iterator[None]:
    """Ask TensorFlow's C++ for fatal messages alone, unless the user has chosen.

    It reads the variable while it is imported. A few lines are written before it does,
    and no documented setting stops these.
    """
    if _LEVEL in os.environ:
        yield
        return
    os.environ[_LEVEL] = "3"
    try:
        yield
    finally:
        del os.environ[_LEVEL]
