"""Read a table from a text file: separator, encoding and decimal commas are found."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from skloss.search.file_words import unreadable
from skloss.search.memory import in_gib, most_bytes

__all__ = ["TEXT_SUFFIXES", "find_separator", "read_text_table"]

TEXT_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 200  # lines
_END = "\0 after the last separator"


def read_text_table(
    path: Path,
    labels: tuple[str, ...] = (),
    texts: Mapping[str, Collection[str]] | None = None,
) -> tuple[Any, str, list[str]]:
    """Read a table whose first line names the columns.

    Parameters
    ----------
    path : Path
        File with a suffix of `TEXT_SUFFIXES`.
    labels : tuple of str
        Columns that are read as text: ``None``, ``NA`` and ``01`` are labels there.
    texts : mapping of str to collection of str, optional
        Columns that are read as text, of which such a value is missing, and of each
        the texts that are values nevertheless.

    Returns
    -------
    frame : DataFrame
        Columns of numbers, or of text where a value is not a plain number.
    separator : str
        Character between two values.
    notes : list of str
        Remarks about columns that were left out.

    Raises
    ------
    DataFileError
        If the file is not a table.
    """
    import pandas as pd

    texts = texts or {}
    text = _text(path)
    separator = find_separator(text)
    # With a decimal comma, 1.234 is a thousand: numbers are then read as text first.
    as_text = separator != "," and "," in text
    names = list(_header(text, separator))
    # Not `float_precision="round_trip"`: it takes twice as long, and the last bit of a
    # number that it mends is lost in float32, which networks are trained in.
    options: dict[str, Any] = {
        "sep": separator,
        "low_memory": False,
        "skipinitialspace": True,
        "keep_default_na": False,
        "na_values": {
            name: [mark for mark in _MISSING if mark not in texts.get(name, ())]
            for name in names
            if name not in labels
        },
        "dtype": str
        if as_text
        else {name: str for name in (*labels, *texts) if name in names},
    }
    try:
        frame = pd.read_csv(io.StringIO(text), **options)
        if isinstance(frame.index, pd.RangeIndex):
            return frame, separator, []
        # Each row has one value more than the header: pandas took the first as index.
        last = frame.iloc[:, -1]
        if frame.index.nlevels == 1 and bool((last.isna() | (last == "")).all()):
            options |= {"header": 0, "names": [*frame.columns, _END]}
            frame = pd.read_csv(io.StringIO(text), **options).drop(columns=_END)
            note = (
                f"Each row ends with {separator!r}; the empty last column is left out."
            )
            return frame, separator, [note]
    except pd.errors.EmptyDataError as err:
        raise unreadable(path, "the file has no columns") from err
    except (pd.errors.ParserError, csv.Error) as err:
        reason = str(err).strip().removeprefix("Error tokenizing data. ")
        reason = reason.removeprefix("C error: ").rstrip(".")
        raise unreadable(path, f"it is damaged or incomplete ({reason})") from err
    if frame.index.nlevels > 1:
        n_extra = frame.index.nlevels
        raise unreadable(path, f"each row has {n_extra} values more than the header")
    note = (
        "The first column has no name and is left out, because it looks like row names."
    )
    return frame.reset_index(drop=True), separator, [note]


_MISSING = [
    "",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NaN",
    "nan",
    "NULL",
    "null",
    "None",
    "<NA>",
]


def _text(path: Path) -> str:
    most = most_bytes()
    try:
        content = path.read_bytes()
        if path.suffix.lower() == ".gz":
            with gzip.open(io.BytesIO(content)) as stream:
                content = stream.read(most + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as err:
        raise unreadable(path, "it is not a complete gzip file") from err
    except OSError as err:
        raise unreadable(path, f"{err.strerror or err}") from err
    if len(content) > most:
        reason = f"it unpacks to more than {in_gib(most)}, half of the memory"
        raise unreadable(path, reason)
    encodings = (name for mark, name in _MARKS.items() if content.startswith(mark))
    try:
        text = content.decode(next(encodings, "utf-8"))
    except UnicodeDecodeError as err:
        reason = "it is not UTF-8 text; save it as CSV in UTF-8"
        raise unreadable(path, reason) from err
    if "\0" in text:
        raise unreadable(path, "it has zero bytes, so it is not a text file")
    return text


def find_separator(text: str) -> str:
    r"""Find the character that separates the values of a table.

    It is the one by which nearly all rows have as many values as the header.

    Examples
    --------
    >>> find_separator("a;b;y\n1,5;2,5;0\n3,5;4;1\n")
    ';'
    >>> find_separator("a\n1\n")
    ','
    """
    lines = text[: 1 << 20].split("\n", _LOOKED_AT)[:_LOOKED_AT]
    found = []
    for separator in _SEPARATORS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            continue
        counts = Counter(map(len, rows[1:]))
        width = len(rows[0]) if rows else 0
        # A separator at the end of each row makes one value more.
        n_alike = max(counts[width], counts[width + 1])
        if width > 1 and n_alike >= 0.8 * len(rows[1:]):
            found.append((n_alike, width, separator))
        elif width > 1:
            found.append((0, width, separator))
    return max(found, key=lambda one: one[:2])[2] if found else ","


def _header(text: str, separator: str) -> list[str]:
    lines = iter(io.StringIO(text))
    try:
        rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        return next((row for row in rows if row), [])
    except csv.Error:
        return []
