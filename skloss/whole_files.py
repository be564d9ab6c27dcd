"""Write a file as a whole: it is there with all its content, or as it was before."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from os import PathLike
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | PathLike[str], content: str | bytes) -> Path:
    r"""Write a file in one step.

    The content is written to a file beside it, forced to the disk, and then renamed. If
    the disk is full, or if the process is killed, the old file is still there.

    Parameters
    ----------
    path : str or path-like
        File to write. An existing file is replaced, and keeps its permissions.
    content : str or bytes
        Content. Text is written in UTF-8. Half a surrogate pair, which UTF-8 does not
        have, is written as ``\udc..``.

    Returns
    -------
    Path
        The file as given, with ``~`` replaced.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = write_whole(Path(folder, "a.txt"), "whole")
    ...     path.read_text(), os.listdir(folder)
    ('whole', ['a.txt'])
    """
    asked = _without_tilde(Path(path))
    data = (
        content.encode("utf-8", "backslashreplace")
        if isinstance(content, str)
        else content
    )
    target = Path(os.path.realpath(asked))  # a link stays a link
    if target.exists() and not target.is_file():  # a pipe, a device or a folder
        target.write_bytes(data)
    else:
        _replace(target, data)
    return asked


def _without_tilde(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as err:
        raise FileNotFoundError(
            errno.ENOENT, "there is no such user", str(path)
        ) from err


def _replace(target: Path, data: bytes) -> None:
    is_old = target.exists()
    if is_old and not os.access(target, os.W_OK):
        # The rename would succeed, because it needs only the folder.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    # Short, because the name of the target may be as long as a name can be.
    beside = target.with_name(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if is_old:
            beside.chmod(target.stat().st_mode & 0o7777)
        beside.replace(target)
    except OSError as err:
        # The name of the file beside would tell a reader nothing.
        raise type(err)(err.errno, err.strerror or str(err), str(target)) from err
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    _force_folder(target.parent)


def _force_folder(folder: Path) -> None:
    """Force the rename to the disk, where folders can be opened."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
