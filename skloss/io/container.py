"""The container: named arrays and one JSON text in a file of safetensors."""

import hashlib
import json
import stat
from collections.abc import Mapping
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from skloss import __version__
from skloss.exceptions import ModelFileError
from skloss.whole_files import write_whole

__all__ = [
    "FORMAT_VERSION",
    "MOST_JSON",
    "need",
    "read_container",
    "starts_as_container",
    "write_container",
]

FORMAT_VERSION = 1
# Parsed JSON takes many times its length in memory. Whatever is long is in the arrays.
MOST_JSON = 2**24
_MOST_HEADER = 2 * MOST_JSON  # in the header the quotes of the text are escaped
_FORMAT = "skloss"
# First bytes of files that people have beside those of skloss.
_FOREIGN = {
    b"\x80": "a pickle, perhaps of joblib.dump: read it by joblib.load, which runs its "
    "code",
    b"PK": "a zip archive, perhaps of skops.io.dump or Keras: read it by skops.io.load "
    "or keras.saving.load_model",
    b"\x89HDF": "an HDF5 file, perhaps of Keras: read it by keras.saving.load_model",
}


def need(module: str, extra: str, what: str) -> Any:
    """Import a package of an extra, or say how to install it.

    >>> need("json", "files", "skloss.save").__name__
    'json'
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{what} needs {package}, which cannot be imported here ({error}): install "
            f"it by 'pip install \"skloss[{extra}]\"'."
        ) from error


def write_container(
    path: str | PathLike[str], content: Any, arrays: Mapping[str, np.ndarray]
) -> None:
    """Write arrays of plain numbers, and what JSON can say, in one step."""
    tensors = need("safetensors.numpy", "files", "skloss.save")
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    if len(text) > MOST_JSON:
        raise ModelFileError(
            f"The estimator cannot be saved: names and settings take {len(text):,} "
            f"characters, and a file holds at most {MOST_JSON:,}."
        )
    header = {
        "format": _FORMAT,
        "version": str(FORMAT_VERSION),
        "skloss": __version__,
        "content": text,
    }
    header["sha256"] = _digest(header, arrays)
    write_whole(path, tensors.save(dict(arrays), header))


def starts_as_container(start: bytes) -> bool:
    r"""Whether the first nine bytes of a file are those of a safetensors file.

    They are the length of the header and its first sign. The length may begin like the
    mark of any other format, but the marks of others give no length that fits.

    >>> starts_as_container(b"\x80\x04" + bytes(6) + b"{")
    True
    >>> starts_as_container(b"\x80\x04\x95\x09" + bytes(4) + b"{")  # a pickle
    False
    """
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= _MOST_HEADER


def read_container(path: str | PathLike[str]) -> tuple[Any, dict[str, np.ndarray]]:
    """Read what `write_container` wrote.

    Raises
    ------
    ModelFileError
        If the file is of another kind, of a newer version, or damaged.
    OSError
        If the file cannot be opened.
    """
    safetensors = need("safetensors", "files", "skloss.load")
    path = Path(path)
    _check_start(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            _check_header(path, header)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (ModelFileError, MemoryError):
        raise
    except Exception as err:  # the library has no promise about what it raises
        raise _refused(path, "it is damaged, or was cut short") from err
    text = header.get("content", "")
    if _digest(header, arrays) != header.get("sha256"):
        raise _refused(path, "it is damaged: its check sum is another")
    return _content(path, text), arrays


def _refused(path: Path, reason: str) -> ModelFileError:
    return ModelFileError(f"Cannot load {path}: {reason}.")


def _check_start(path: Path) -> None:
    """Refuse what is no file of safetensors before it is handed on."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "it is not a regular file")
    with path.open("rb") as file:
        start = file.read(9)
    for mark, kind in _FOREIGN.items():
        if start.startswith(mark) and not starts_as_container(start):
            raise _refused(path, f"it is no file of skloss.save, but {kind}")
    n_header = int.from_bytes(start[:8], "little")
    if len(start) < 9 or start[8:] != b"{":
        raise _refused(path, "it is no file of skloss.save")
    if n_header > status.st_size - 8:
        raise _refused(path, "it is damaged, or was cut short")
    if n_header > _MOST_HEADER:
        raise _refused(path, f"its header has more than {_MOST_HEADER:,} bytes")


def _check_header(path: Path, header: Mapping[str, str]) -> None:
    if header.get("format") != _FORMAT:
        raise _refused(path, "it has arrays of safetensors, but is of no skloss.save")
    version = header.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 9):
        raise _refused(path, f"its version is no number: {version[:20]!r}")
    if int(version) > FORMAT_VERSION:
        raise _refused(
            path,
            f"skloss {header.get('skloss', '')[:20]} wrote it in version {version} of "
            f"the format, and this skloss {__version__} reads up to version "
            f"{FORMAT_VERSION}; update it by 'pip install -U skloss'",
        )


def _content(path: Path, text: str) -> Any:
    if len(text) > MOST_JSON:
        raise _refused(path, f"its JSON has more than {MOST_JSON:,} characters")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as err:
        raise _refused(path, "its JSON cannot be read") from err


def _digest(header: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    found = hashlib.sha256()
    for name in sorted(set(header) - {"sha256"}):
        found.update(f"{name} {header[name]}\n".encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()
