"""Read rows and labels from a file, or raise an error of one sentence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.search.array_files import read_array, read_arrays
from skloss.search.columns import PLAIN_NUMBER, convert_columns, kind_of, without_values
from skloss.search.file_words import listed, missing, near, unreadable
from skloss.search.labels import (
    check_classes,
    one_against_rest,
    read_labels,
    stripped,
)
from skloss.search.left_out import find_left_out, find_suspects
from skloss.search.memory import in_gib, most_bytes
from skloss.search.text_tables import TEXT_SUFFIXES, read_text_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DATA_SUFFIXES",
    "LabeledRows",
    "check_is_file",
    "checked_rows",
    "read_frame",
    "read_table",
]

DATA_SUFFIXES = (*TEXT_SUFFIXES, ".parquet", ".npz", ".npy")


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """The rows, labels and groups of a file.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, n_features)
        Rows: a DataFrame if the columns have names.
    y : ndarray of shape (n,)
        Labels.
    groups : ndarray of shape (n,) or None
        Groups; the rows of a group stay on one side of a split.
    target_name : str
        Name of the column or array of the labels.
    n_channels : int or None, default=None
        Number of channels, if `X` was flattened from three dimensions.
    notes : tuple of str, default=()
        Remarks about what was left out or converted, one sentence each.
    group_name : str or None, default=None
        Name of the column or array of the groups.
    """

    X: Any
    y: np.ndarray
    groups: np.ndarray | None
    target_name: str
    n_channels: int | None = None
    notes: tuple[str, ...] = ()
    group_name: str | None = None


def read_table(
    path: str | PathLike[str],
    target: str | None = None,
    positive: str | None = None,
    groups: str | None = None,
    *,
    series: bool = False,
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
    missing_values: Sequence[str] = (),
) -> LabeledRows:
    r"""Read rows and labels from a file.

    Parameters
    ----------
    path : str or path-like
        A ``.csv`` or ``.tsv`` file with a header, also as ``.csv.gz``, a ``.parquet``
        file, a ``.npy`` file with a table, whose columns are named "0", "1" and so on,
        or a ``.npz`` file with an array ``X`` of shape (n, n_features) or (n,
        timesteps, channels).
    target : str, default=None
        Column of the labels. In a ``.npz`` file it is an array; None means ``"y"``.
    positive : str, default=None
        Label of the positive class, which becomes 1; all others become 0. None keeps
        the labels.
    groups : str, default=None
        Column or array of the groups.
    series : bool, default=False
        Whether the columns are time series: then all must be numbers without gaps.
    drop : sequence of str, default=()
        Columns to leave out.
    keep : sequence of str, default=()
        Columns to keep though they look like an index or like the target.
    missing_values : sequence of str, default=()
        Values that stand for a missing one, besides empty cells.

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
    ...     _ = path.write_text("a;b;fraud\n1,5;2;no\n3;4;yes\n")
    ...     table = read_table(path, "fraud", positive="yes")
    >>> table.X
         a  b
    0  1.5  2.0
    1  3.0  4.0
    >>> table.y.tolist()
    [0, 1]
    >>> read_table("rows.xlsx", "fraud")
    Traceback (most recent call last):
        ...
    skloss.exceptions.DataFileError: Cannot read rows.xlsx: a file of rows must end in
    .csv, .csv.gz, .tsv, .tsv.gz, .parquet, .npz or .npy.
    """
    path = Path(path)
    check_is_file(path, DATA_SUFFIXES)
    if path.suffix.lower() == ".npz":
        table = _from_arrays(path, target, groups, series, missing_values)
    else:
        table = _from_frame(path, target, groups, series, drop, keep, missing_values)
    labels, notes = read_labels(path, table.y, table.target_name)
    if positive is not None:
        labels = one_against_rest(path, labels, positive, table.target_name)
        name = table.target_name
        notes = (*notes, f"Target {name!r}: {positive!r} becomes 1, all others 0.")
    check_classes(path, labels, table.target_name)
    notes = (*notes, *table.notes)
    if hasattr(table.X, "columns"):
        notes = (*notes, *find_suspects(table.X, labels, series))
    return LabeledRows(**{**vars(table), "y": labels, "notes": notes})


def check_is_file(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Refuse a path that is not a regular file with content.

    Parameters
    ----------
    path : Path
        A path.
    suffixes : sequence of str, default=()
        Endings of which the name must have one; empty allows all.
    """
    if suffixes and not path.name.lower().endswith(tuple(suffixes)):
        endings = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise unreadable(path, f"a file of rows must end in {endings}")
    try:
        if not path.exists():
            beside = path.parent if path.parent.is_dir() else Path()
            names = [other.name for other in beside.iterdir()]
            raise unreadable(path, f"there is no such file{near(path.name, names)}")
        if not path.is_file():
            is_folder = path.is_dir()
            what = "a folder" if is_folder else "a pipe or a device"
            raise unreadable(path, f"it is {what}, not a file")
        with path.open("rb") as stream:
            is_empty = not stream.read(1)
    except OSError as err:
        raise unreadable(path, f"{err.strerror or err}") from err
    if is_empty:
        raise unreadable(path, "the file is empty")


# ------------------------------------------------------------------- tables with names


def _from_frame(
    path: Path,
    target: str | None,
    groups: str | None,
    series: bool,
    drop: Sequence[str],
    keep: Sequence[str],
    missing_values: Sequence[str],
) -> LabeledRows:
    labels = tuple(name for name in (target, groups) if name)
    frame, separator, notes = read_frame(path, labels)
    if target is None:
        raise unreadable(
            path,
            "name the column that has the labels with --target COLUMN, one of "
            f"{listed(frame.columns)}",
        )
    for column in (target, groups, *drop, *keep):
        if column is not None and column not in frame.columns:
            raise missing(path, "column", column, list(frame.columns))
    if not len(frame):
        raise unreadable(path, "it has a header but no rows")
    y = frame[target].to_numpy()
    features = frame.drop(columns=list({*labels, *drop}))
    converted, remarks = convert_columns(path, features, separator)
    converted = without_values(converted, missing_values)
    found = find_left_out(converted, stripped(y))
    reasons = {name: why for name, why in found.items() if name not in keep}
    converted = converted.drop(columns=list(reasons))
    notes = [*notes, *(_left_out(name, why) for name, why in reasons.items()), *remarks]
    _check_features(path, converted, series)
    return LabeledRows(
        X=converted,
        y=y,
        groups=None if groups is None else _groups(path, frame[groups], groups),
        target_name=target,
        notes=tuple(notes),
        group_name=groups,
    )


def _left_out(name: str, reason: str) -> str:
    way = "" if reason == "it is empty" else f" (--keep {name!r} keeps it)"
    return f"Column {name!r} is left out, because {reason}{way}."


def read_frame(
    path: Path,
    labels: tuple[str, ...] = (),
    texts: Mapping[str, Collection[str]] | None = None,
) -> tuple[pd.DataFrame, str, list[str]]:
    """Read a table with names, as it is.

    Parameters
    ----------
    path : Path
        Text, Parquet or ``.npy`` file.
    labels : tuple of str, default=()
        Columns of which each text is a value.
    texts : mapping of str to collection of str, optional
        Columns that are text, even if all values look like numbers, and of each the
        texts that are values, even if they look like a gap.

    Returns
    -------
    frame : DataFrame
        Columns that are not converted yet.
    separator : str
        Character between two values of a text file.
    notes : list of str
        Remarks about the form of the file.
    """
    separator, notes = ",", list[str]()
    if path.name.lower().endswith(TEXT_SUFFIXES):
        frame, separator, notes = read_text_table(path, labels, texts)
    elif path.suffix.lower() == ".parquet":
        frame = _read_parquet(path)
    else:
        frame = _read_npy(path)
    frame.columns = [str(name).strip() for name in frame.columns]
    double = frame.columns[frame.columns.duplicated()]
    if len(double):
        raise unreadable(path, f"it has two columns named {double[0]!r}")
    return frame, separator, notes


def _read_parquet(path: Path) -> Any:
    if find_spec("pyarrow") is None:
        reason = 'this needs pyarrow; install it with: pip install "skloss[parquet]"'
        raise unreadable(path, reason)
    import pandas as pd

    parquet = import_module("pyarrow.parquet")  # it has no types
    try:
        about = parquet.read_metadata(path)
        n_bytes = about.num_rows * about.num_columns * np.dtype(float).itemsize
        if n_bytes <= most_bytes():
            return pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError, NotImplementedError) as err:  # ArrowInvalid too
        raise unreadable(path, "it is not a complete Parquet file") from err
    reason = f"its table takes {in_gib(n_bytes)}, more than half of the memory"
    raise unreadable(path, reason)


def _read_npy(path: Path) -> Any:
    import pandas as pd

    array = read_array(path)
    if array.dtype.names is None and array.ndim != 2:
        reason = f"the array must have rows and columns, got shape {array.shape}"
        raise unreadable(path, reason)
    return pd.DataFrame(array)


def _check_features(path: Path, features: pd.DataFrame, series: bool) -> None:
    """Refuse infinite values; in series refuse text, dates and gaps, too."""
    if not features.shape[1]:
        raise unreadable(path, "there is no feature column besides the target")
    numbers = [name for name in features if kind_of(features[name]) == "number"]
    for name in numbers:
        infinite = np.isinf(features[name].to_numpy(dtype=np.float64))
        if infinite.any():
            raise unreadable(
                path,
                f"infinite values in {name!r} (first in row {infinite.argmax() + 1}); "
                "replace them or drop the rows",
            )
    missing = features.isna()
    rows = np.flatnonzero(missing.any(axis=1))
    if path.name.lower().endswith(TEXT_SUFFIXES) and rows.tolist() == [
        len(features) - 1
    ]:
        names = [name for name in features if missing[name].any()]
        raise unreadable(
            path,
            f"its last row has no value for {listed(names)}; the file was probably "
            "cut short, so download it again or delete that row",
        )
    if not series:
        return
    for name in features:
        if name not in numbers:
            first = features[name].dropna().iloc[0]
            shown = str(first)[:40]
            raise unreadable(
                path,
                f"column {name!r} is not numeric ({shown!r} in row "
                f"{int(features[name].notna().argmax()) + 1}), but a time series has "
                "numbers only; drop it with --drop, or use --model dense for a table",
            )
    if len(rows):
        names = [name for name in features if missing[name].any()]
        raise unreadable(
            path,
            f"missing values in {listed(names)} (first in row {rows[0] + 1} of "
            f"{len(missing)}); fill them in or drop the rows, or use --model dense for "
            "a table, where gaps are filled in",
        )


def _groups(path: Path, groups: pd.Series, name: str) -> np.ndarray:
    if groups.isna().any() or (groups == "").any():
        raise unreadable(path, f"a row has no value in the group column {name!r}")
    return stripped(groups.to_numpy()).astype(str)


# ---------------------------------------------------------------- arrays in an archive


def _from_arrays(
    path: Path,
    target: str | None,
    groups: str | None,
    series: bool,
    missing_values: Sequence[str],
) -> LabeledRows:
    X, y, given, name = read_arrays(path, target, groups)
    if X.ndim not in (2, 3):
        raise unreadable(
            path,
            f"X must have shape (n, n_features) or (n, timesteps, channels), got "
            f"{X.shape}",
        )
    rows = checked_rows(path, X, series, missing_values)
    return LabeledRows(
        X=rows,
        y=y,
        groups=given,
        target_name=name,
        n_channels=X.shape[2] if X.ndim == 3 else None,
        group_name=groups,
    )


def checked_rows(
    path: Path, X: np.ndarray, series: bool, missing_values: Sequence[str] = ()
) -> np.ndarray:
    """Flatten the rows of an archive; refuse what no network can read."""
    if X.ndim < 2:
        raise unreadable(path, f"X must have one row per case, got shape {X.shape}")
    if X.dtype.kind not in "biuf":
        raise unreadable(
            path, f"X has dtype {X.dtype}, not numbers; convert it before saving"
        )
    if not len(X):
        raise unreadable(path, "X has no rows")
    rows = X.reshape(len(X), -1)
    marks = [float(m) for m in missing_values if PLAIN_NUMBER.fullmatch(m)]
    if marks:
        rows = np.where(np.isin(rows, marks), np.nan, rows)
    bad = ~np.isfinite(rows) if series else np.isinf(rows)
    if bad.any():
        row, column = (int(place[0]) for place in np.nonzero(bad))
        raise unreadable(
            path,
            f"X has NaN or infinite values (first in row {row + 1} of {len(X)}, "
            f"column {column + 1}); fill them in or drop the rows",
        )
    return rows.astype(np.float64) if rows.dtype.kind == "b" else rows
