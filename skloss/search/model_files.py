"""Saved models: the file of a search, and every form that ``skloss predict`` reads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

from skloss.exceptions import ModelFileError
from skloss.io.container import starts_as_container
from skloss.search.data_files import check_is_file
from skloss.search.file_words import unreadable
from skloss.whole_files import write_whole

__all__ = ["LOADED_BY", "load_model", "write_model"]

# The names that a search gives its model, and the code that loads it.
LOADED_BY = {
    "model.safetensors": "import skloss\n  model = skloss.load({!r})",
    "model.joblib": "import joblib\n  model = joblib.load({!r})",
}


def write_model(estimator: object, folder: Path) -> Path:
    """Write a fitted estimator by ``skloss.save`` or, where that cannot be, by joblib.

    ``skloss.save`` needs packages of its own and takes known types only. A file of
    joblib runs code when it is loaded, but can always be written.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator.
    folder : Path
        Where to write it. An existing file is replaced.

    Returns
    -------
    path : Path
        The file, whose name is one of ``LOADED_BY``.
    """
    import joblib

    from skloss.io import save

    safe, pickled = (folder / name for name in LOADED_BY)
    try:
        save(estimator, safe)
    except (ImportError, ModelFileError):
        content = io.BytesIO()
        joblib.dump(estimator, content)
        write_whole(pickled, content.getvalue())
        return pickled
    return safe


def load_model(path: Path, *, is_fitted: bool = True) -> Any:
    """Load a classifier that was saved by ``skloss.save``, skops, ONNX or joblib.

    Only a file of joblib runs code when it is loaded, as every pickle does.

    Parameters
    ----------
    path : Path
        The file.
    is_fitted : bool, default=True
        Whether it must be fitted.

    Returns
    -------
    estimator
        The classifier.

    Raises
    ------
    DataFileError
        If the file is no fitted classifier.
    """
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    check_is_file(path)
    if path.suffix.lower() == ".onnx":
        return _read(path, _onnx_model)
    model = _read(path, _reader(path))
    if not hasattr(model, "predict") or not hasattr(model, "fit"):
        kind = type(model).__name__
        raise unreadable(path, f"it has a {kind}, not a model")
    if not is_fitted:
        return model
    try:
        check_is_fitted(model)
    except NotFittedError as err:
        raise unreadable(path, "the model is not fitted") from err
    return model


def _reader(path: Path) -> Any:
    """Choose by the content of the file, since it may have any name."""
    with path.open("rb") as file:
        if starts_as_container(file.read(9)):
            return _skloss_model
    if is_zipfile(path):
        with ZipFile(path) as archive:
            if "schema.json" in archive.namelist():
                return _skops_model
    return _joblib_model


def _read(path: Path, reader: Any) -> Any:
    try:
        return reader(path)
    except MemoryError:
        raise
    except ModelFileError as err:
        reason = str(err).removeprefix(f"Cannot load {path}: ").rstrip(".")
        raise unreadable(path, reason) from err
    except Exception as err:  # a file of anything else may raise anything
        if isinstance(err, ModuleNotFoundError):
            reason = f"the model needs the package {err.name!r}; install it"
        elif isinstance(err, ImportError):
            reason = str(err).rstrip(".")
        elif reader is _joblib_model:
            reason = f"it is not a model saved by joblib ({type(err).__name__})"
        else:
            line = " ".join(str(err).split())[:200].rstrip(".")
            reason = f"skops does not load it ({line})"
        raise unreadable(path, reason) from err


def _joblib_model(path: Path) -> Any:
    import joblib

    return joblib.load(path)


def _skloss_model(path: Path) -> Any:
    from skloss.io import load

    return load(path)


def _skops_model(path: Path) -> Any:
    from skloss.io import TRUSTED_TYPES
    from skloss.io.container import need

    return need("skops.io", "files", "Loading it").load(path, trusted=TRUSTED_TYPES)


def _onnx_model(path: Path) -> Any:
    from skloss.io.onnx_model import OnnxModel

    return OnnxModel(path)
