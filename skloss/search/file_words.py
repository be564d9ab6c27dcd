"""Words of the errors about a file of rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skloss.exceptions import DataFileError
from skloss.nearest_name import nearest_names

__all__ = ["listed", "missing", "near", "unreadable"]

_MOST_NAMED = 5


def unreadable(path: Path, reason: str) -> DataFileError:
    """Return the error that a file cannot be read."""
    return DataFileError(_sentence(f"Cannot read {path}: {reason}"))


def missing(path: Path, kind: str, name: str, names: list[str]) -> DataFileError:
    """Return the error that a file has no column or array of this name."""
    hint = near(name, names) or f"; it has {listed(names)}"
    return DataFileError(_sentence(f"{path} has no {kind} {name!r}{hint}"))


def near(name: str, names: Iterable[str]) -> str:
    """Ask whether one of the nearest names was meant; "" if none is near."""
    found = nearest_names(name, names, most=3)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""


def listed(names: Iterable[Any]) -> str:
    """List the first names, and count the others."""
    names = list(names)
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."
