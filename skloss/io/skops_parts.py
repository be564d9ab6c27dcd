"""Steps of scikit-learn and imbalanced-learn within a file, written by skops."""

import json
import warnings
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from numpy.lib import format as npy

from skloss.io.container import MOST_JSON, need
from skloss.io.nodes import NodeError
from skloss.io.trusted_types import STEP_TYPES

__all__ = ["read_step", "write_step"]

_SCHEMA = "schema.json"
_BOOLEANS = ("bool", "bool_")  # of Python and NumPy, as NumPy 2 and 1 call them
# skops reads an array anew for each estimator that shares it.
_MOST_TIMES = 8


def write_step(step: Any, name: str) -> np.ndarray:
    """Return a step as bytes; refuse one that could not be read again."""
    skops = need("skops.io", "files", f"Saving {type(step).__name__}")
    try:
        data = _stored(skops.dumps(step))
    except Exception as err:  # skops has no promise about what it raises
        raise NodeError(
            f"{name} is a {_full_name(step)}, which skops cannot write ({_line(err)})"
        ) from err
    foreign = set(skops.get_untrusted_types(data=data)) - set(STEP_TYPES)
    if foreign:
        raise NodeError(
            f"{name} has {', '.join(sorted(foreign))}, which cannot be read again "
            "without trusting code: files of skloss hold no code"
        )
    _check(data)
    return np.frombuffer(data, np.uint8)


def read_step(data: np.ndarray) -> Any:
    """Return the step that `write_step` wrote, unless it has types of no trust."""
    skops = need("skops.io", "files", "Loading a step of scikit-learn")
    content = data.tobytes()
    _check(content)
    return skops.loads(content, trusted=STEP_TYPES)


def _full_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0].rstrip(".")


def _stored(data: bytes) -> bytes:
    """Return the archive as it can be read again.

    Sparse matrices are not compressed, as all else in it is not, and of dicts with
    booleans as keys, such as class weights, both keys are kept.
    """
    source = ZipFile(BytesIO(data))
    made = BytesIO()
    with ZipFile(made, "w", ZIP_STORED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name == _SCHEMA:
                part = json.dumps(_with_boolean_keys(json.loads(part))).encode()
            target.writestr(name, _stored_archive(part) if _is_npz(name) else part)
    return made.getvalue()


def _with_boolean_keys(node: Any) -> Any:
    """Change the key "false": skops reads keys by ``bool``, and only "" is False."""
    if isinstance(node, list):
        return [_with_boolean_keys(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: _with_boolean_keys(part) for key, part in node.items()}
    if node.get("__loader__") == "DictNode":
        content, kinds = node["content"], node["key_types"]["content"]
        node["content"] = {
            "" if key == "false" and kind["__class__"] in _BOOLEANS else key: part
            for (key, part), kind in zip(content.items(), kinds, strict=True)
        }
    return node


def _is_npz(name: str) -> bool:
    return name.endswith(".npz")


def _stored_archive(data: bytes) -> bytes:
    source, made = ZipFile(BytesIO(data)), BytesIO()
    with ZipFile(made, "w", ZIP_STORED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    return made.getvalue()


# ------------------------------------------------------- what may be handed on to skops


def _check(data: bytes) -> None:
    """Refuse archives that take more memory than their own size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _check_archive(data)
        except (BadZipFile, ValueError, KeyError, OSError, NotImplementedError) as err:
            if isinstance(err, NodeError):
                raise
            raise NodeError("a step is damaged") from err


def _check_archive(data: bytes) -> None:
    archive = _stored_zip(data)
    names = archive.namelist()
    if archive.getinfo(_SCHEMA).file_size > MOST_JSON:
        raise NodeError("the settings of a step are too long")
    used = _files_of(json.loads(archive.read(_SCHEMA)))
    if sum(archive.getinfo(name).file_size for name in used) > _MOST_TIMES * len(data):
        raise NodeError("the arrays of a step are read too many times")
    for name in names:
        if _is_npz(name):
            inner = _stored_zip(archive.read(name))
            for part in inner.namelist():
                _check_array(inner.read(part))
        elif name != _SCHEMA:
            _check_array(archive.read(name), may_be_other=True)


def _stored_zip(data: bytes) -> ZipFile:
    archive = ZipFile(BytesIO(data))
    infos = archive.infolist()
    if any(info.compress_type != ZIP_STORED for info in infos):
        raise NodeError("a step is compressed, which no step of skloss is")
    if sum(info.file_size for info in infos) > len(data):
        raise NodeError("a step is larger than its bytes")
    return archive


def _files_of(node: Any) -> list[str]:
    """Names of all files that the nodes of skops read."""
    found, rest = [], [node]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            if isinstance(part.get("file"), str) and "__loader__" in part:
                found.append(part["file"])
            rest += part.values()
        elif isinstance(part, list):
            rest += part
    return found


def _check_array(data: bytes, may_be_other: bool = False) -> None:
    """Refuse an array that says to be larger than its bytes; NumPy would make room."""
    stream = BytesIO(data)
    if may_be_other and not data.startswith(npy.MAGIC_PREFIX):
        return
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(stream)
    n_values = 1
    for length in shape:
        n_values *= length
    if dtype.hasobject or n_values * dtype.itemsize > len(data):
        raise NodeError("an array of a step is larger than its bytes")
