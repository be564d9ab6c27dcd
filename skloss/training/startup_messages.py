"""TensorFlow's messages about its own start, kept from the standard error."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["quiet_start"]

# That a log begins, that there is no GPU, which instructions and passes are used, and
# that TensorFlow's own rewriting of a data pipeline uses attributes it does not know.
_NOISE = re.compile(
    rb"I\d{4} |WARNING: All log messages before absl|To enable the following instr"
    rb"|E\d{4} .*(failed call to cuInit|Unable to register cu"
    rb"|NodeDef mentions attribute use_unbounded_threadpool)"
)
_STDERR = 2


@contextmanager
def quiet_start(part: str) -> Iterator[None]:
    """Drop the messages of a part of TensorFlow that is used for the first time.

    TensorFlow's C++ writes them below Python, and a level, which would be set for the
    whole process, ends only some. So what goes to the standard error is held back
    meanwhile, and the rest of it written afterwards. ``TF_CPP_MIN_LOG_LEVEL=0`` shows
    all of it as it comes.

    Parameters
    ----------
    part : str
        What starts; later contexts of the same name do nothing.
    """
    if part in _hold.parts or os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    _hold.begin(part)
    try:
        yield
    finally:
        _hold.end()


class _Hold:
    """The standard error turned to a nameless file, while any thread wants that."""

    def __init__(self) -> None:
        self.parts: set[str] = set()
        self._lock = threading.Lock()
        self._n_wanted = 0
        self._turned: tuple[int, IO[bytes]] | None = None

    def begin(self, part: str) -> None:
        with self._lock:
            self._n_wanted += 1
            if self._n_wanted == 1:
                self._turned = _turn()
            self.parts.add(part)

    def end(self) -> None:
        with self._lock:
            self._n_wanted -= 1
            if self._n_wanted == 0 and self._turned is not None:
                _turn_back(*self._turned)
                self._turned = None


_hold = _Hold()


def _turn() -> tuple[int, IO[bytes]] | None:
    try:
        stderr = os.dup(_STDERR)
    except OSError:  # there is none
        return None
    try:
        kept = tempfile.TemporaryFile()  # noqa: SIM115 _turn_back closes it
    except OSError:  # no room
        os.close(stderr)
        return None
    _flush()
    os.dup2(kept.fileno(), _STDERR)
    return stderr, kept


def _turn_back(stderr: int, kept: IO[bytes]) -> None:
    _flush()
    os.dup2(stderr, _STDERR)
    os.close(stderr)
    with kept:
        kept.seek(0)
        lines = [line for line in kept if not _NOISE.match(line)]
    if lines:
        os.write(_STDERR, b"".join(lines))


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
