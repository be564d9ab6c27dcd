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

__all__ = [
    "OTHER_BACKEND",
    "clear_at_exit",
    "has_own_threads",
    "start_tensorflow",
    "tensorflow_runs",
]

OTHER_BACKEND = (
    "set KERAS_BACKEND=tensorflow in the environment before Keras is imported."
)
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_OVERRIDE = "TF_OVERRIDE_GLOBAL_THREADPOOL"
_lock = Lock()
# Whether TensorFlow had run before this process was forked. Its threads stayed behind,
# and whatever waits for them waits for ever.
_is_lame = False
_own_threads: bool | None = None  # not known before TensorFlow is needed
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
    if _own_threads:
        return True
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


def start_tensorflow(*, to_run: bool = True) -> None:
    """Import TensorFlow, and get threads of our own if it is to run for the first time.

    Parameters
    ----------
    to_run : bool, default=True
        False to import it only: a process may be forked after that.

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
        if sys.modules.get("tensorflow") is None:
            _import_tensorflow()
        if to_run and _own_threads is None:
            _get_own_threads()


def _import_tensorflow() -> None:
    try:
        with _changed(_LEVEL, "3"):
            import tensorflow  # noqa: F401
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


def _get_own_threads() -> None:
    """Make TensorFlow give every session a pool of threads, in place of one for all.

    It decides that for the whole process when it makes its first device, so a session
    is made here. The user's own models keep the threads that they would have without
    skloss.
    """
    global _own_threads
    asked = os.environ.get(_OVERRIDE, "true").lower() in ("true", "1")
    _own_threads = asked and not _has_run()
    if _own_threads:
        import tensorflow as tf

        with _changed(_OVERRIDE, "true"):
            config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
            tf.compat.v1.Session(graph=tf.Graph(), config=config).close()


def has_own_threads() -> bool:
    """Whether sessions have threads that are not also those of the user's models."""
    return bool(_own_threads)


@contextmanager
def _changed(variable: str, value: str) -> Iterator[None]:
    """Set an environment variable for a moment, unless the user has set it.

    TensorFlow's C++ reads some while it is imported, or starts, and offers no other
    way. A few lines are written before it reads the level of its messages, and no
    documented setting stops these.
    """
    if variable in os.environ:
        yield
        return
    os.environ[variable] = value
    try:
        yield
    finally:
        del os.environ[variable]
