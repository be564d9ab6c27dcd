"""Read arrays from files of NumPy; headers are looked at before the content."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from skloss.exceptions import DataFileError
from skloss.search.file_words import missing, unreadable
from skloss.search.memory import in_gib, most_bytes

__all__ = ["read_array", "read_arrays", "read_rows_array"]

_FEATURES, _LABELS = "X", "y"


@dataclass(frozen=True)
class _Header:
    """What the header of an array says."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def is_rows(self) -> bool:
        return len(self.shape) in (2, 3, 4) and self.dtype.kind in "biuf"

    def are_labels(self, n_rows: int) -> bool:
        return self.shape in ((n_rows,), (n_rows, 1))


def read_arrays(
    path: Path, target: str | None, groups: str | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, str]:
    """Read rows, labels and groups from an ``.npz`` file.

    Parameters
    ----------
    path : Path
        Archive with the rows as ``X``, or as its only array of two to four dimensions.
    target : str or None
        Name of the labels. None takes ``y``, or the only other array of one dimension.
    groups : str or None
        Name of the groups.

    Returns
    -------
    X, y : ndarray
        Rows and labels, not checked yet but for their length.
    groups : ndarray or None
        The groups.
    target : str
        Name of the labels.

    Raises
    ------
    DataFileError
        If an array is missing or too large, or if the archive is damaged.
    """
    with _archive(path) as archive:
        headers = _headers(path, archive)
        rows = _name_of_rows(path, headers, {target, groups})
        n_rows = headers[rows].shape[0] if headers[rows].shape else 0
        labels = target or _name_of_labels(path, headers, {rows, groups}, n_rows)
        names = [rows, labels, *([groups] if groups else [])]
        for name in names:
            if name not in headers:
                raise missing(path, "array", name, list(headers))
        arrays = _content(path, archive, headers, names)
    for name in names[1:]:
        shape = arrays[name].shape
        if not headers[name].are_labels(n_rows):
            hint = ""
            if len(shape) == 2 and shape[0] == n_rows:
                hint = "; give one label per row, such as y.argmax(axis=1)"
            raise unreadable(
                path, f"{name} has shape {shape}, but {rows} has {n_rows} rows{hint}"
            )
        arrays[name] = arrays[name].reshape(-1)
    return arrays[rows], arrays[labels], arrays[groups] if groups else None, labels


def read_rows_array(path: Path) -> np.ndarray:
    """Read only the rows of an ``.npz`` file."""
    with _archive(path) as archive:
        headers = _headers(path, archive)
        name = _name_of_rows(path, headers, set())
        return _content(path, archive, headers, [name])[name]


def read_array(path: Path) -> np.ndarray:
    """Read the table of an ``.npy`` file."""
    try:
        with path.open("rb") as stream:
            _check_size(path, [_header(stream)])
            stream.seek(0)
            return np.load(stream, allow_pickle=False)
    except DataFileError:
        raise
    except (OSError, EOFError, ValueError) as err:
        raise _damaged(path, err, ".npy file") from err


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with path.open("rb") as stream:
            if stream.read(6) == b"\x93NUMPY":
                reason = "it is one array, not an archive; name it .npy"
                raise unreadable(path, reason)
            stream.seek(0)
            with zipfile.ZipFile(stream) as archive:
                yield archive
    except (
        OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError,
        RuntimeError,
    ) as err:  # fmt: skip
        raise _damaged(path, err, ".npz archive") from err


def _damaged(path: Path, err: Exception, what: str) -> Exception:
    if "allow_pickle" in str(err):
        reason = "an array has Python objects; save numbers or text instead"
    else:
        reason = f"it is not a complete {what}"
    return unreadable(path, reason)


def _headers(path: Path, archive: zipfile.ZipFile) -> dict[str, _Header]:
    headers = {}
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            continue
        with archive.open(info) as stream:
            try:
                header = _header(stream)
            except ValueError as err:
                raise _damaged(path, err, ".npz archive") from err
        if header.n_bytes > info.file_size and not header.dtype.hasobject:
            raise unreadable(path, "it is not a complete .npz archive")
        headers[info.filename.removesuffix(".npy")] = header
    return headers


def _header(stream: IO[bytes]) -> _Header:
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError("unknown version")
    shape, _, dtype = read(stream)
    if any(length < 0 for length in shape):
        raise ValueError("negative length")
    return _Header(shape, dtype)


def _check_size(path: Path, headers: list[_Header]) -> None:
    n_bytes, most = sum(header.n_bytes for header in headers), most_bytes()
    if n_bytes > most:
        raise unreadable(
            path,
            f"its arrays take {in_gib(n_bytes)}, more than half of the memory "
            f"({in_gib(most)})",
        )


def _content(
    path: Path, archive: zipfile.ZipFile, headers: dict[str, _Header], names: list[str]
) -> dict[str, np.ndarray]:
    _check_size(path, [headers[name] for name in names])
    arrays = {}
    for name in names:
        with archive.open(f"{name}.npy") as stream:
            try:
                arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
            except ValueError as err:
                raise _damaged(path, err, ".npz archive") from err
    return arrays


def _name_of_rows(
    path: Path, headers: Mapping[str, _Header], others: set[str | None]
) -> str:
    if _FEATURES in headers:
        return _FEATURES
    found = [n for n, header in headers.items() if header.is_rows and n not in others]
    if len(found) > 1:  # labels in one column are no rows
        found = [name for name in found if headers[name].shape[1:] != (1,)]
    if len(found) == 1:
        return found[0]
    raise _no_array(path, "rows", _FEATURES, headers)


def _name_of_labels(
    path: Path, headers: Mapping[str, _Header], others: set[str | None], n_rows: int
) -> str:
    if _LABELS in headers:
        return _LABELS
    found = [
        name
        for name, header in headers.items()
        if header.are_labels(n_rows) and name not in others
    ]
    if len(found) == 1:
        return found[0]
    raise _no_array(path, "labels", _LABELS, headers, "; name it with --target")


def _no_array(
    path: Path, what: str, name: str, headers: Mapping[str, _Header], hint: str = ""
) -> Exception:
    shapes = ", ".join(f"{name!r} {one.shape}" for name, one in headers.items())
    return unreadable(
        path,
        f"it has no array {name!r}, and none of its arrays ({shapes or 'none'}) is "
        f"certainly that of the {what}{hint}",
    )
