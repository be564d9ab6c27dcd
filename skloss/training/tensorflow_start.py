"""The first import of TensorFlow, and what is left of it in a forked process."""

import atexit
import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from skloss.exceptions import ForkedProcessError

__all__ = ["OTHER_BACKEND", "clear_at_exit", "start_tensorflow", "tensorflow_runs"]

OTHER_BACKEND = (
    "set KERAS_BACKEND=tensorflow in the environment before Keras is imported."
)
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_lock = Lock()
# Whether TensorFlow had run before this process was forked. Its threads stayed behind,
# and whatever waits for them waits for ever.
_is_lame = False
_caches_of_sessions: list[Any] = []


def _note_fork() -> None:
    global _lock, _is_lame
    _lock = Lock()  # a thread that stayed behind may have held it
    _is_lame = _is_lame or _has_run()
    if _is_lame:
        for cache in _caches_of_sessions:
            _keep_for_good(cache)


def _has_run() -> bool:
    """Whether TensorFlow has done more than being imported."""
    if sys.modules.get("tensorflow") is None:
        return False
    try:
        from tensorflow.python.eager.context import context

        return bool(context()._initialized)
    except Exception:  # of another version, perhaps: what is sure is that it is there
        return True


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_note_fork)


def clear_at_exit(cache: Any) -> None:
    """Release the sessions in an ``lru_cache`` before the interpreter ends.

    TensorFlow cannot release them while it ends. In a process forked after TensorFlow
    had run it cannot release them at all, so there they stay until the process is gone.
    """
    _caches_of_sessions.append(cache)
    atexit.register(cache.cache_clear)


def _keep_for_good(cache: Any) -> None:
    atexit.unregister(cache.cache_clear)
    # The end of the interpreter drops all references but this one.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(cache))


def tensorflow_runs() -> bool:
    """Whether TensorFlow can be had in this process; it is imported to find out."""
    try:
        start_tensorflow()
    except (ImportError, ForkedProcessError):
        return False
    return True


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
    ForkedProcessError
        If this process was forked after TensorFlow had run.
    """
    if _is_lame:
        raise ForkedProcessError(
            "TensorFlow cannot run here: this process was forked from one in which it "
            "had run before, and its threads are not in the copy, so that it would "
            "wait for ever. Start processes afresh, by joblib's backend 'loky' or by "
            "multiprocessing.get_context('spawn'), or fork before the first fit. "
            "DenseClassifier and CNN1DClassifier predict in any process."
        )
    with _lock:
        if sys.modules.get("tensorflow") is not None:
            return
        try:
            with _few_messages():
                import tensorflow as tf
        except Exception as error:  # an installed one can fail in any way
            cause = f"{type(error).__name__}: {error}".partition("\n")[0]
            remedy = "install it by 'pip install \"tensorflow>=2.18\"'."
            # TensorFlow imports Keras, which asks for its own backend.
            if "Unable to import backend" in cause:
                remedy = OTHER_BACKEND
            raise ImportError(
                f"Training needs TensorFlow, which cannot be imported here ({cause}): "
                f"{remedy}"
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
