"""Read rows and labels from a file, or raise an error of one sentence."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.exceptions import DataFileError
from skloss.nearest_name import nearest_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LabeledRows", "read_table"]

_SUFFIXES = (".csv", ".parquet", ".npz")
_MOST_CLASSES = 100
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """The rows, labels and groups of a file.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Rows of finite numbers.
    y : ndarray of shape (n,)
        Labels.
    groups : ndarray of shape (n,) or None
        Groups; the rows of a group stay on one side of a split.
    feature_names : list of str
        Names of the columns of `X`; empty if they have none.
    target_name : str
        Name of the column or array of the labels.
    n_channels : int or None, default=None
        Number of channels, if `X` was flattened from three dimensions.
    """

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None
    feature_names: list[str]
    target_name: str
    n_channels: int | None = None


def read_table(
    path: str | PathLike[str],
    target: str | None = None,
    positive: str | None = None,
    groups: str | None = None,
) -> LabeledRows:
    r"""Read rows and labels from a file.

    Parameters
    ----------
    path : str or path-like
        A ``.csv`` file with a header, a ``.parquet`` file, or a ``.npz`` file with an
        array ``X`` of shape (n, n_features) or (n, timesteps, channels).
    target : str, default=None
        Column of the labels. In a ``.npz`` file it is an array; None means ``"y"``.
    positive : str, default=None
        Label of the positive class, which becomes 1; all others become 0. None keeps
        the labels.
    groups : str, default=None
        Column or array of the groups.

    Returns
    -------
    table : LabeledRows
        Rows and labels.

    Raises
    ------
    DataFileError
        If the file cannot be read, or if it has no such column or array.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "rows.csv")
    ...     _ = path.write_text("a,b,fraud\n1,2,no\n3,4,yes\n")
    ...     table = read_table(path, "fraud", positive="yes")
    >>> table.X.tolist(), table.y.tolist(), table.feature_names
    ([[1, 2], [3, 4]], [0, 1], ['a', 'b'])
    >>> read_table("rows.xlsx", "fraud")
    Traceback (most recent call last):
        ...
    skloss.exceptions.DataFileError: Cannot read rows.xlsx: a file of rows must end in
    .csv, .parquet or .npz.
    """
    path = Path(path)
    _check_exists(path)
    table = (
        _from_arrays(path, target or "y", groups)
        if path.suffix.lower() == ".npz"
        else _from_frame(path, target, groups)
    )
    labels = _labels(path, table.y, table.target_name)
    if positive is not None:
        labels = _one_against_rest(path, labels, positive, table.target_name)
    _check_classes(path, labels, table.target_name)
    return LabeledRows(**{**vars(table), "y": labels})


def _error(path: Path, reason: str) -> DataFileError:
    return DataFileError(_sentence(f"Cannot read {path}: {reason}"))


def _check_exists(path: Path) -> None:
    if path.suffix.lower() not in _SUFFIXES:
        raise _error(path, "a file of rows must end in .csv, .parquet or .npz")
    if not path.exists():
        beside = path.parent if path.parent.is_dir() else Path()
        names = [other.name for other in beside.iterdir()]
        raise _error(path, f"there is no such file{_near(path.name, names)}")
    if not path.is_file():
        raise _error(path, "it is not a file")
    try:
        with path.open("rb") as stream:
            is_empty = not stream.read(1)
    except OSError as err:
        raise _error(path, f"{err.strerror or err}") from err
    if is_empty:
        raise _error(path, "the file is empty")


# ------------------------------------------------------------------- tables with names


def _from_frame(path: Path, target: str | None, groups: str | None) -> LabeledRows:
    frame = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    frame.columns = [str(name) for name in frame.columns]
    if target is None:
        raise DataFileError(
            f"Name the column of {path} that has the labels with --target COLUMN, one "
            f"of {_listed(frame.columns)}."
        )
    for column in (target, groups):
        if column is not None and column not in frame.columns:
            raise _missing(path, "column", column, list(frame.columns))
    if not len(frame):
        raise _error(path, "it has a header but no rows")
    features = frame.drop(columns=[name for name in (target, groups) if name])
    return LabeledRows(
        X=_numbers(path, features),
        y=frame[target].to_numpy(),
        groups=None if groups is None else _groups(path, frame[groups], groups),
        feature_names=list(features.columns),
        target_name=target,
    )


def _read_csv(path: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError as err:
        raise _error(path, "the file has no columns") from err
    except pd.errors.ParserError as err:
        reason = str(err).strip().removeprefix("Error tokenizing data. ")
        reason = reason.removeprefix("C error: ").rstrip(".")
        raise _error(path, f"it is damaged or incomplete ({reason})") from err
    except UnicodeDecodeError as err:
        raise _error(path, "it is not UTF-8 text; save it as CSV in UTF-8") from err


def _read_parquet(path: Path) -> Any:
    if find_spec("pyarrow") is None:
        raise _error(
            path, 'this needs pyarrow; install it with: pip install "skloss[parquet]"'
        )
    import pandas as pd

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError) as err:  # ArrowInvalid is a ValueError
        raise _error(path, "it is not a complete Parquet file") from err


def _numbers(path: Path, features: pd.DataFrame) -> np.ndarray:
    """Return the features as numbers, or name the columns that are not numeric."""
    if not features.shape[1]:
        raise _error(path, "there is no feature column besides the target")
    kinds = features.dtypes
    texts = [
        name
        for name, kind in zip(features.columns, kinds, strict=True)
        if getattr(kind, "kind", "O") not in "biuf"
    ]
    if texts:
        is_one = len(texts) == 1
        raise _error(
            path,
            f"column{'' if is_one else 's'} {_listed(texts)} "
            f"{'is' if is_one else 'are'} not numeric; drop "
            f"{'it' if is_one else 'them'}, or encode the values as numbers, for "
            "example with pandas.get_dummies",
        )
    missing = features.isna()
    if missing.to_numpy().any():
        raise _missing_values(path, missing)
    X = features.to_numpy(dtype=None if _is_plain(features) else np.float64)
    infinite = np.flatnonzero(~np.isfinite(X).all(axis=0))
    if len(infinite):
        names = _listed([features.columns[i] for i in infinite.tolist()])
        raise _error(path, f"infinite values in {names}; replace them or drop the rows")
    return X.astype(np.float64) if X.dtype.kind == "b" else X


def _is_plain(features: pd.DataFrame) -> bool:
    return all(isinstance(kind, np.dtype) for kind in features.dtypes)


def _missing_values(path: Path, missing: pd.DataFrame) -> DataFileError:
    rows = np.flatnonzero(missing.any(axis=1))
    names = [name for name in missing.columns if missing[name].any()]
    if path.suffix.lower() == ".csv" and rows.tolist() == [len(missing) - 1]:
        return _error(
            path,
            f"its last row has no value for {_listed(names)}; the file was probably "
            "cut short, so download it again or delete that row",
        )
    return _error(
        path,
        f"missing values in {_listed(names)} (first in row {rows[0] + 1} of "
        f"{len(missing)}); fill them in or drop the rows",
    )


def _groups(path: Path, groups: pd.Series, name: str) -> np.ndarray:
    if groups.isna().any():
        raise _error(path, f"a row has no value in the group column {name!r}")
    return np.unique(groups.to_numpy().astype(str), return_inverse=True)[1]


# ---------------------------------------------------------------- arrays in an archive


def _from_arrays(path: Path, target: str, groups: str | None) -> LabeledRows:
    arrays = _read_npz(path, ["X", target, *([groups] if groups else [])])
    X, y = arrays["X"], arrays[target]
    if X.ndim not in (2, 3):
        raise _error(
            path,
            f"X must have shape (n, n_features) or (n, timesteps, channels), got "
            f"{X.shape}",
        )
    if X.dtype.kind not in "biuf":
        raise _error(
            path, f"X has dtype {X.dtype}, not numbers; convert it before saving"
        )
    if not len(X):
        raise _error(path, "X has no rows")
    for name, array in arrays.items():
        if name != "X" and array.shape != (len(X),):
            raise _error(
                path, f"{name} has shape {array.shape}, but X has {len(X)} rows"
            )
    bad = np.flatnonzero(~np.isfinite(X.reshape(len(X), -1)).all(axis=1))
    if len(bad):
        raise _error(
            path,
            f"X has NaN or infinite values (first in row {bad[0] + 1} of {len(X)}); "
            "fill them in or drop the rows",
        )
    return LabeledRows(
        X=X.reshape(len(X), -1),
        y=y,
        groups=arrays[groups] if groups else None,
        feature_names=[],
        target_name=target,
        n_channels=X.shape[2] if X.ndim == 3 else None,
    )


def _read_npz(path: Path, wanted: list[str]) -> dict[str, np.ndarray]:
    try:
        # Given a path, NumPy would leave an unreadable file open.
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not hasattr(archive, "files"):
                raise _error(path, "it is one array, not an archive; use numpy.savez")
            for name in wanted:
                if name not in archive.files:
                    raise _missing(path, "array", name, archive.files)
            return {name: archive[name] for name in wanted}
    except DataFileError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as err:
        if "allow_pickle" in str(err) and zipfile.is_zipfile(path):
            reason = "an array has Python objects; save numbers or text instead"
        else:
            reason = "it is not a complete .npz archive"
        raise _error(path, reason) from err


# ------------------------------------------------------------------------------ labels


def _labels(path: Path, y: np.ndarray, target: str) -> np.ndarray:
    """Return the labels as integers or text, and refuse missing ones."""
    import pandas as pd

    missing = np.flatnonzero(pd.isna(y))
    if len(missing):
        raise _error(
            path,
            f"the target {target!r} has no value in row {missing[0] + 1} of {len(y)}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + "; drop these rows",
        )
    if y.dtype.kind == "f" and np.all(y == np.round(y)):
        return y.astype(np.int64)
    if y.dtype.kind == "b":
        return y.astype(np.int64)
    return y.astype(str) if y.dtype.kind == "O" else y


def _one_against_rest(
    path: Path, y: np.ndarray, positive: str, target: str
) -> np.ndarray:
    is_positive = np.array([_is_same(label, positive) for label in np.unique(y)])
    classes = np.unique(y)
    if not is_positive.any():
        near = _near(positive, [str(label) for label in classes])
        raise _error(
            path,
            f"the value {positive!r} is not in the target {target!r}, which has "
            f"{_listed(classes.tolist())}{near}",
        )
    return np.isin(y, classes[is_positive]).astype(np.int64)


def _is_same(label: Any, text: str) -> bool:
    """Whether a label equals the typed text; 1, 1.0 and True are equal."""
    if str(label) == text:
        return True
    try:
        return float(label) == float({"True": 1, "False": 0}.get(text, text))
    except (TypeError, ValueError):
        return False


def _check_classes(path: Path, y: np.ndarray, target: str) -> None:
    classes = np.unique(y)
    if len(classes) < 2:
        raise _error(
            path,
            f"the target {target!r} has only one value, {classes.tolist()[0]!r}; a "
            "classifier needs two classes",
        )
    if len(classes) > _MOST_CLASSES or y.dtype.kind == "f":
        raise _error(
            path,
            f"the target {target!r} has {len(classes)} different values and looks "
            "like a measurement; name the positive class with --positive, or convert "
            "the values into classes",
        )


# ------------------------------------------------------------------------------- words


def _missing(path: Path, kind: str, name: str, names: list[str]) -> DataFileError:
    near = _near(name, names) or f"; it has {_listed(names)}"
    return DataFileError(_sentence(f"{path} has no {kind} {name!r}{near}"))


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _near(name: str, names: Iterable[str]) -> str:
    near = nearest_names(name, names, most=3)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _listed(names: Iterable[Any]) -> str:
    names = list(names)
    listed = ", ".join(repr(name) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{listed} and {more} more" if more > 0 else listed
