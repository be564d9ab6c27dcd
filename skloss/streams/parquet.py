"""Rows of Parquet files, or of any dataset of pyarrow."""

from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from skloss.nearest_name import did_you_mean
from skloss.streams.row_source import Block, RowSource, check_count

__all__ = ["parquet_rows"]

_MOST_TOLD = 12  # names of columns in an error


def parquet_rows(
    source: Any,
    target: str | None = None,
    *,
    groups: str | None = None,
    columns: Sequence[str] | None = None,
    buffer_rows: int | None = None,
) -> RowSource:
    """Rows of a folder of Parquet files; needs ``pip install "skloss[parquet]"``.

    A row group of a file is a block, and is read as a whole. Numbers and booleans are
    taken, and a missing value is NaN.

    Parameters
    ----------
    source : path, list of paths or pyarrow.dataset.Dataset
        A folder, which may have folders such as ``year=2026`` in it, one file, several
        files, or a dataset of pyarrow.
    target : str, optional
        Column of the labels; not needed to predict.
    groups : str, optional
        Column of groups: rows of one group are never on both sides of the hold-out.
    columns : sequence of str, optional
        Columns of the values. None are all others, in the order of the first file.
    buffer_rows : int, optional
        Rows that ``fit`` shuffles together; None are as many as take 64 MB.

    Returns
    -------
    RowSource

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from skloss import DenseClassifier, streams
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     table = pd.DataFrame(X).add_prefix("sensor_").assign(fraud=y)
    ...     table.to_parquet(f"{folder}/part-0.parquet")
    ...     rows = streams.parquet_rows(folder, target="fraud")
    ...     classifier = DenseClassifier(epochs=2, random_state=0).fit(rows)
    >>> classifier.feature_names_in_[:2]
    array(['sensor_0', 'sensor_1'], dtype=object)
    """
    return _ParquetRows(
        _opened(source),
        target,
        groups,
        columns,
        check_count("buffer_rows", buffer_rows),
    )


class _ParquetRows(RowSource):
    can_seek: ClassVar[bool] = True

    def __init__(
        self,
        dataset: Any,
        target: str | None,
        groups: str | None,
        columns: Sequence[str] | None,
        buffer_rows: int | None,
    ) -> None:
        self._schema = dataset.schema
        self._target, self._groups = target, groups
        self.names = self._values_of = self._columns(columns)
        self.group_name, self.has_groups = groups, groups is not None
        self.has_labels, self.buffer_rows = target is not None, buffer_rows
        self._takes_all = columns is None
        self._kinds: set[Any] = set()
        self._fragments = list(self._row_groups(dataset))
        self._dtype = _common_type(self._kinds)

    def blocks(self) -> Iterator[Block]:
        for fragment in self._fragments:
            labels = [n for n in (self._target, self._groups) if n is not None]
            table = self._table(fragment, [*self._values_of, *dict.fromkeys(labels)])
            y, groups = (
                None if name is None else _labels(table.column(name))
                for name in (self._target, self._groups)
            )
            yield Block(self._values(table), y, groups)

    def read(self, number: int) -> np.ndarray:
        return self._values(self._table(self._fragments[number], [*self._values_of]))

    def place(self, number: int, first: int, n_rows: int) -> str:
        rows = super().place(number, first, n_rows)
        return f"{rows}, of {_path(self._fragments[number])}"

    def _columns(self, asked: Sequence[str] | None) -> tuple[str, ...]:
        known = self._schema.names
        labels = {"target": self._target, "groups": self._groups}
        named = list(
            [asked] if isinstance(asked, str) else () if asked is None else asked
        )
        for argument, name in [*labels.items(), *(("columns", n) for n in named)]:
            if name is not None and name not in known:
                raise ValueError(
                    f"{argument}={name!r} is not a column: the files have "
                    f"{_listed(known)}.{did_you_mean(str(name), known)}"
                )
        others = [name for name in known if name not in labels.values()]
        found = others if asked is None else named
        if self._target in found:
            raise ValueError(f"columns has the target {self._target!r}: leave it out.")
        _check_numbers(self._schema, found, "")
        if not found:
            raise ValueError("There is no column of values beside the target.")
        return tuple(found)

    def _row_groups(self, dataset: Any) -> Iterator[Any]:
        """Check that the files have the same columns, and take them apart."""
        labels = (self._target, self._groups)
        needed = {*self._values_of, *(n for n in labels if n is not None)}
        for fragment in dataset.get_fragments():
            try:
                known = {*fragment.physical_schema.names}
            except (OSError, ValueError) as error:  # pyarrow's errors are these
                raise ValueError(_unreadable(fragment, error)) from error
            by_folder = _folder_columns(fragment)
            lacking = sorted(needed - known - by_folder)
            if lacking:
                raise ValueError(
                    f"{_path(fragment)} has no column {lacking[0]!r}, which the first "
                    "file has: the files must have the same columns."
                )
            further = sorted(known - {*self._schema.names})
            if further and self._takes_all:
                raise ValueError(
                    f"{_path(fragment)} has a column {further[0]!r}, which the first "
                    "file has not: the files must have the same columns."
                )
            schema = self._schema_of(fragment)
            _check_numbers(schema, self._values_of, f" of {_path(fragment)}")
            self._kinds |= {schema.field(name).type for name in self._values_of}
            yield from _parts(fragment)

    def _schema_of(self, fragment: Any) -> Any:
        """Types of a file's own; folders have what is no column of a file."""
        own = fragment.physical_schema
        labels = [name for name in (self._target, self._groups) if name is not None]
        fields = [
            (own if name in own.names else self._schema).field(name)
            for name in dict.fromkeys([*self._values_of, *labels])
        ]
        return import_module("pyarrow").schema(fields)

    def _table(self, fragment: Any, columns: list[str]) -> Any:
        try:
            return fragment.to_table(schema=self._schema_of(fragment), columns=columns)
        except (OSError, ValueError, TypeError, NotImplementedError) as error:
            raise ValueError(_unreadable(fragment, error)) from error

    def _values(self, table: Any) -> np.ndarray:
        compute = import_module("pyarrow.compute")
        arrow = import_module("pyarrow")
        kind = arrow.from_numpy_dtype(self._dtype)
        values = np.empty((table.num_rows, len(self._values_of)), self._dtype)
        for at, name in enumerate(self._values_of):
            column = table.column(name)
            values[:, at] = compute.cast(column, kind, safe=False).to_numpy()
        return values


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(map(repr, names[:_MOST_TOLD]))
    rest = len(names) - _MOST_TOLD
    return f"{told} and {rest} more" if rest > 0 else told


def _opened(source: Any) -> Any:
    """Open a dataset of pyarrow; one that is given stays as it is."""
    try:
        datasets = import_module("pyarrow.dataset")
    except ImportError as error:
        raise ImportError(
            "parquet_rows needs pyarrow, which cannot be imported here: install it by "
            "'pip install \"skloss[parquet]\"'."
        ) from error
    if isinstance(source, datasets.Dataset):
        return source
    several = isinstance(source, list | tuple)
    paths = [Path(one).expanduser() for one in (source if several else [source])]
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"There is no file or folder {str(path)!r}.")
    given = [str(p) for p in paths] if several else str(paths[0])
    try:
        dataset = datasets.dataset(given, format="parquet", partitioning="hive")
    except (OSError, ValueError) as error:
        told = " ".join(str(error).split())
        raise ValueError(f"Cannot read {given!r} as Parquet: {told}") from error
    if not dataset.files:
        raise ValueError(f"The folder {given!r} has no Parquet files in it.")
    return dataset


def _parts(fragment: Any) -> list[Any]:
    """Row groups of a file of Parquet; other fragments are one block."""
    if not hasattr(fragment, "split_by_row_group"):
        return [fragment]
    return [part for part in fragment.split_by_row_group() if part.num_row_groups]


def _folder_columns(fragment: Any) -> set[str]:
    """Columns that the names of folders tell of a file."""
    datasets = import_module("pyarrow.dataset")
    return {*datasets.get_partition_keys(fragment.partition_expression)}


def _check_numbers(schema: Any, names: Sequence[str], place: str) -> None:
    """Refuse columns that hold no numbers."""
    texts = [name for name in names if not _is_number(schema.field(name).type)]
    if texts:
        raise ValueError(
            f"The columns {_listed(texts)}{place} hold no numbers ({texts[0]!r} has "
            f"the type {schema.field(texts[0]).type}): encode them in the files, or "
            "name others by columns=."
        )


def _path(fragment: Any) -> str:
    return getattr(fragment, "path", "") or "the dataset"


def _is_number(kind: Any) -> bool:
    types = import_module("pyarrow").types
    return bool(
        types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
    )


def _common_type(kinds: Collection[Any]) -> type:
    """Single precision where it holds all values exactly, else double."""
    types = import_module("pyarrow").types
    exact = (
        types.is_boolean,
        types.is_float16,
        types.is_float32,
        types.is_int8,
        types.is_uint8,
        types.is_int16,
        types.is_uint16,
    )
    is_exact = all(any(test(kind) for test in exact) for kind in kinds)
    return np.float32 if is_exact else np.float64


def _labels(column: Any) -> np.ndarray:
    if hasattr(column.type, "index_type"):  # a dictionary: texts by number
        column = column.cast(column.type.value_type)
    found: np.ndarray = column.to_numpy()
    return found


def _unreadable(fragment: Any, error: Exception) -> str:
    told = " ".join(str(error).split()).rstrip(".")
    return f"Cannot read {_path(fragment)}: {told}."
