"""Convert the columns of a table to numbers, dates or text, where that is certain."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.exceptions import DataFileError
from skloss.search.file_words import unreadable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PLAIN_NUMBER", "convert_columns", "kind_of", "without_values"]

# Such texts stand for a missing value in a column whose other values are numbers.
_MISSING_MARKS = {
    "?", "-", "--", "\N{EN DASH}", "\N{EM DASH}", ".", "*", "n.a.", "n/a", "na", "nan",
    "none", "null", "missing", "unknown",
}  # fmt: skip
PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][+-]?\d+)?")
_DOT_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_BOOLEAN = {"true": 1.0, "false": 0.0}
_ISO = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_DAY_AND_MONTH = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}( \d\d:\d\d(:\d\d)?)?")
_MOST_CATEGORIES = 20  # of a column in which some values are numbers


@dataclass
class _Texts:
    """A column of text: its different values, and where each of them stands."""

    name: str
    values: list[str]
    codes: np.ndarray  # -1 for a missing value
    numbers: dict[str, float] = field(default_factory=dict)

    def row_of(self, value: str) -> int:
        return int(np.flatnonzero(self.codes == self.values.index(value))[0]) + 1

    def count(self, values: Iterable[str]) -> int:
        chosen = set(values)
        return int(self.spread(dict.fromkeys(chosen, 1), 0, np.intp).sum())

    def spread(self, found: dict[str, Any], default: Any, dtype: Any) -> np.ndarray:
        values = [found.get(value, default) for value in self.values]
        return np.array([*values, default], dtype=dtype)[self.codes]


def convert_columns(
    path: Path,
    frame: pd.DataFrame,
    separator: str = ",",
    kinds: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Convert each column to numbers, dates or text.

    Parameters
    ----------
    path : Path
        File of the table, for errors.
    frame : DataFrame
        Columns as they were read.
    separator : str, default=","
        Character between two values of the file.
    kinds : mapping of str to str, default=None
        What `kind_of` must say of each column; None takes what the values are.

    Returns
    -------
    frame : DataFrame
        Columns of float or int numbers, of ``datetime64``, or of text as objects. A
        missing value is NaN or NaT.
    notes : list of str
        Remarks about what was converted.

    Raises
    ------
    DataFileError
        If a value may mean two things, or is of no use; the error names it.
    """
    import pandas as pd

    kinds = kinds or {}
    plain: dict[str, Any] = {}
    texts: dict[str, _Texts] = {}
    for name in frame.columns:
        values = frame[name]
        converted = None
        if kinds.get(name) != "text":
            converted = _without_text(path, values)
        if converted is None or (values.isna().all() and kinds.get(name) == "date"):
            texts[name] = _texts_of(path, values)
        plain[name] = converted
    style = _Style(path, list(texts.values()), separator)
    notes: list[str] = []
    for name, column in texts.items():
        plain[name] = _converted(path, column, style, notes, kinds.get(name))
    for name, kind in kinds.items():
        if kind_of(pd.Series(plain[name])) != kind:
            raise _other_kind(path, frame[name], kind)
    return pd.DataFrame(plain, index=frame.index), notes


def kind_of(values: pd.Series) -> str:
    """Return ``"number"``, ``"date"`` or ``"text"`` for a converted column."""
    return {"M": "date", "O": "text"}.get(values.dtype.kind, "number")


def without_values(frame: pd.DataFrame, marks: Iterable[str]) -> pd.DataFrame:
    """Make the values that stand for a missing one missing, as numbers or texts."""
    frame = frame.copy()
    for mark in marks:
        number = float(mark) if PLAIN_NUMBER.fullmatch(mark) else None
        for name in frame.columns:
            kind = kind_of(frame[name])
            if kind == "text":
                frame[name] = frame[name].mask(frame[name] == mark)
            elif kind == "number" and number is not None:
                frame[name] = frame[name].mask(frame[name] == number)
    return frame


def _without_text(path: Path, values: pd.Series) -> Any:
    """Convert a column that has a type of its own; None if it has text."""
    import pandas as pd

    dtype, kind = values.dtype, getattr(values.dtype, "kind", "O")
    if isinstance(dtype, pd.CategoricalDtype):
        return None
    if kind == "M":
        is_aware = getattr(dtype, "tz", None) is not None
        return values.dt.tz_convert(None) if is_aware else values
    if kind == "m":
        return values.dt.total_seconds()
    if kind in "biuf":
        if isinstance(dtype, np.dtype) and kind != "b":
            return values
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if kind != "O" and not isinstance(dtype, pd.StringDtype):
        raise unreadable(path, f"column {values.name!r} has values of type {dtype}")
    known = values[values.notna()]
    types = set(map(type, known))
    if not types or types <= {bool, np.bool_, int, float, Decimal}:
        return values.map(float, na_action="ignore").astype(np.float64).to_numpy()
    return None


def _texts_of(path: Path, values: pd.Series) -> _Texts:
    import pandas as pd

    values = values.astype(object)
    is_known = values.notna()
    bad = ~is_known | values.map(lambda value: isinstance(value, _SCALARS))
    if not bad.all():
        row = int(np.flatnonzero(~bad)[0])
        kind = type(values.iloc[row]).__name__
        raise unreadable(
            path,
            f"column {values.name!r} has a {kind} in row {row + 1}, but a value must "
            "be a number, a date or text; leave the column out with --drop",
        )
    stripped = values[is_known].map(lambda value: str(value).strip())
    stripped = stripped.reindex(values.index).where(lambda text: text != "")
    codes, found = pd.factorize(stripped)
    return _Texts(str(values.name), [str(value) for value in found], np.asarray(codes))


_SCALARS = (str, bool, int, float, np.generic, Decimal)


class _Style:
    """How the numbers of a file are written: with a decimal point or a decimal comma.

    One file has one style. Therefore columns of ``1,5`` decide what ``1,234`` means in
    another column.
    """

    def __init__(self, path: Path, columns: list[_Texts], separator: str) -> None:
        self.path, self.separator = path, separator
        comma = point = unclear = None
        for column in columns:
            if not all(map(_looks_like_a_number, column.values)):
                continue
            for value in map(_without_percent, column.values):
                seen = (column, value)
                if _THOUSANDS.fullmatch(value):
                    if value.count(",") > 1 or "." in value:
                        point = seen
                    else:
                        unclear = unclear or seen
                elif _DECIMAL_COMMA.fullmatch(value):
                    comma = comma or seen
        if comma and point:
            raise unreadable(
                path,
                f"the comma is a decimal comma in {_place(*comma)}, but separates "
                f"thousands in {_place(*point)}; write numbers like 1234.5",
            )
        if unclear and not comma and not point and separator != ",":
            raise unreadable(
                path,
                f"{_place(*unclear)} may be {unclear[1].replace(',', '.')} or "
                f"{unclear[1].replace(',', '')}; write it without a comma",
            )
        self.has_comma = comma is not None

    def has_points(self, values: Iterable[str]) -> bool:
        """Whether a column certainly has decimal points, in a file of commas."""
        bare = [_without_percent(value) for value in values]
        return (
            self.has_comma
            and not any("," in value for value in bare)
            and any(
                "." in value
                and PLAIN_NUMBER.fullmatch(value)
                and not _DOT_THOUSANDS.fullmatch(value)
                for value in bare
            )
        )

    def number(self, text: str, has_points: bool = False) -> float | None:
        """Return a text as a number, or None."""
        small = text.lower()
        if small in _BOOLEAN:
            return _BOOLEAN[small]
        if _INFINITE.fullmatch(text):
            return float(text)
        bare = _without_percent(text)
        factor = 1.0 if bare == text else 0.01
        if self.has_comma and not has_points:
            if _DECIMAL_COMMA.fullmatch(bare):
                return factor * float(bare.replace(".", "").replace(",", "."))
            if _DOT_THOUSANDS.fullmatch(bare):
                return factor * float(bare.replace(".", ""))
        elif _THOUSANDS.fullmatch(bare):
            return factor * float(bare.replace(",", ""))
        return factor * float(bare) if PLAIN_NUMBER.fullmatch(bare) else None


def _looks_like_a_number(text: str) -> bool:
    bare = _without_percent(text)
    forms = (PLAIN_NUMBER, _THOUSANDS, _DECIMAL_COMMA)
    is_number = any(form.fullmatch(bare) for form in forms)
    return is_number or text.lower() in _MISSING_MARKS


def _without_percent(text: str) -> str:
    return text[:-1].rstrip() if text.endswith("%") else text


def _place(column: _Texts, value: str) -> str:
    written = next(t for t in column.values if _without_percent(t) == value)
    return f"{written!r} in column {column.name!r}, row {column.row_of(written)},"


def _other_kind(path: Path, values: pd.Series, kind: str) -> DataFileError:
    row = int(values.notna().argmax())
    return unreadable(
        path,
        f"column {values.name!r} must have {kind}s, got {values.iloc[row]!r} in row "
        f"{row + 1}",
    )


def _converted(
    path: Path, column: _Texts, style: _Style, notes: list[str], kind: str | None
) -> Any:
    values = column.values
    if kind == "text":
        return column.spread({value: value for value in values}, np.nan, object)
    if kind == "date" and not values:
        return column.spread({}, np.datetime64("NaT"), "datetime64[us]")
    has_points = style.has_points(values)
    numbers = {value: style.number(value, has_points) for value in values}
    known = {value: number for value, number in numbers.items() if number is not None}
    others = [value for value in values if value not in known]
    marks = [value for value in others if value.lower() in _MISSING_MARKS]
    if (known or kind == "number") and len(marks) == len(others):
        _note_marks(column, marks, notes)
        return column.spread(known, np.nan, np.float64)
    n_known = column.count(known)
    is_number = len(values) > _MOST_CATEGORIES and n_known * 2 >= column.count(values)
    if kind == "number" or (kind is None and is_number):
        odd = next(value for value in others if value not in marks)
        raise unreadable(
            path,
            f"column {column.name!r} has numbers, but {odd!r} in row "
            f"{column.row_of(odd)}; correct the value, or leave it empty",
        )
    dates = _dates(path, column, [value for value in values if value not in marks])
    if dates:
        _note_marks(column, marks, notes)
        return column.spread(dates, np.datetime64("NaT"), "datetime64[us]")
    return column.spread({value: value for value in values}, np.nan, object)


def _note_marks(column: _Texts, marks: list[str], notes: list[str]) -> None:
    if marks:
        shown = " and ".join(map(repr, marks))
        n_rows = column.count(marks)
        notes.append(
            f"Column {column.name!r}: {shown} in {n_rows:,} "
            f"{'row is' if n_rows == 1 else 'rows is'} read as a missing value."
        )


def _dates(path: Path, column: _Texts, values: list[str]) -> dict[str, np.datetime64]:
    """Return the dates of a column in which all values are dates; else nothing."""
    if values and all(map(_ISO.fullmatch, values)):
        return _parsed(path, column, values, _iso_date)
    if not values or not all(map(_DAY_AND_MONTH.fullmatch, values)):
        return {}
    parts = [re.split(r"[./-]", value)[:2] for value in values]
    first, second = np.array(parts, dtype=int).max(axis=0).tolist()
    is_day_first = first > 12 or all("." in value for value in values)
    if not is_day_first and second <= 12:
        raise unreadable(
            path,
            f"in column {column.name!r}, {values[0]!r} (row "
            f"{column.row_of(values[0])}) may begin with the day or with the month; "
            "write dates like 2025-12-31",
        )
    order = "%d-%m-%Y" if is_day_first else "%m-%d-%Y"

    def parse(value: str) -> np.datetime64:
        import pandas as pd

        clock = ["", " %H:%M", " %H:%M:%S"][value.count(":")]
        written = re.sub(r"[./]", "-", value)
        return pd.to_datetime(written, format=order + clock).to_datetime64()

    return _parsed(path, column, values, parse)


def _iso_date(value: str) -> np.datetime64:
    import pandas as pd

    found = pd.Timestamp(value)
    found = found if found.tz is None else found.tz_convert("UTC").tz_localize(None)
    return found.to_datetime64()


def _parsed(
    path: Path,
    column: _Texts,
    values: list[str],
    parse: Callable[[str], np.datetime64],
) -> dict[str, np.datetime64]:
    found: dict[str, np.datetime64] = {}
    for value in values:
        try:
            found[value] = parse(value).astype("datetime64[us]")
        except (ValueError, OverflowError) as err:
            raise _no_date(path, column, value) from err
    return found


def _no_date(path: Path, column: _Texts, value: Hashable) -> DataFileError:
    row = column.row_of(str(value))
    return unreadable(
        path, f"column {column.name!r} has dates, but {value!r} in row {row} is none"
    )
