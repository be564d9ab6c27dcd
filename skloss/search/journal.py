"""Fits kept one by one, so that a search that was ended early can go on."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

import skloss
from skloss.record.plain_values import as_plain
from skloss.search.data_files import Table
from skloss.search.grid_search import FoldResult, Search
from skloss.search.plan import SearchError

__all__ = ["Journal"]

_NAME = "fits.jsonl"
# What must be the same, and what its change is called.
_WORDS = {
    "skloss": "another version of skloss",
    "rows": "other rows",
    "pipeline": "other options of the networks",
    "grid": "another grid",
    "folds": "other folds",
}


class Journal:
    """The fits of a search in a file of its folder, one a line.

    The first line tells one search from another: digests of the rows and the folds, the
    pipeline's parameters, and the grid. Each other line is one fit, written by one call
    to the system as soon as the fit has ended, so that a process that is killed loses
    the fits that were running and no other.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    search : Search
        The search.
    table : Table
        Its rows.
    """

    def __init__(self, folder: Path, search: Search, table: Table) -> None:
        self.folder, self.path = folder, folder / _NAME
        self._search = search
        self._head = _head(search, table)
        self._end = 0  # bytes of the file that are kept

    def resume(self) -> list[FoldResult]:
        """Go on with the fits in the file.

        Returns
        -------
        list of FoldResult
            Those that ended, in their order.

        Raises
        ------
        SearchError
            If there is no such file, or if it is of another search.
        """
        lines = self._whole_lines()
        differences = self._differences(lines)
        if differences:
            raise SearchError(
                f"Cannot resume {self.folder}: its fits are of "
                f"{' and '.join(differences)}; give the file and the options of that "
                "search, or begin a new one by --out DIR."
            )
        self._end = sum(map(len, lines))
        return self._fits(lines)

    def n_unused(self) -> int:
        """Fits of this very search in the file, which a new search will replace."""
        try:
            lines = self._whole_lines()
            return 0 if self._differences(lines) else len(self._fits(lines))
        except SearchError:
            return 0

    def keep(self, done: FoldResult) -> None:
        """Write one fit; the first one replaces the file of an earlier search."""
        values = self._search.candidates[done.candidate]
        record = {
            "candidate": done.candidate,
            "fold": done.fold,
            "params": {name: _plain(value) for name, value in values.items()},
            "scores": done.scores,
            "error": done.error,
        }
        line = _line(record) if self._end else _line(self._head) + _line(record)
        try:
            with self.path.open("r+b" if self._end else "wb", buffering=0) as stream:
                stream.seek(self._end)
                stream.truncate()  # a line that was cut short
                stream.write(line)
                os.fsync(stream.fileno())
        except OSError as err:
            raise SearchError(
                f"Cannot write into {self.path} ({err.strerror}); make room, and go on "
                "by --resume."
            ) from err
        self._end += len(line)

    def _whole_lines(self) -> list[bytes]:
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except OSError as err:
            raise SearchError(
                f"Cannot resume {self.folder}: no search has left its {_NAME} "
                f"there ({err.strerror}); begin one by --out DIR."
            ) from err
        return lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines

    def _differences(self, lines: list[bytes]) -> list[str]:
        head = _read(lines[0]) if lines else {}
        return [
            words
            for name, words in _WORDS.items()
            if json.dumps(head.get(name)) != json.dumps(self._head[name])
        ]

    def _fits(self, lines: list[bytes]) -> list[FoldResult]:
        records = [_read(line) for line in lines[1:]]
        return [
            FoldResult(
                record["candidate"], record["fold"], record["scores"], record["error"]
            )
            for record in records
            if record
        ]


def _head(search: Search, table: Table) -> dict[str, Any]:
    groups = np.empty(0) if table.groups is None else table.groups
    folds = [rows for split in search.splits for rows in split]
    return {
        "skloss": skloss.__version__,
        "rows": _digest(table.X, table.y, groups),
        "pipeline": {
            name: _plain(value) for name, value in search.pipeline.get_params().items()
        },
        "grid": [
            {name: _plain(value) for name, value in candidate.items()}
            for candidate in search.candidates
        ],
        "folds": _digest(*folds),
    }


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        has_objects = array.dtype.hasobject
        digest.update(repr(array.tolist()).encode() if has_objects else array.tobytes())
    return digest.hexdigest()


def _plain(value: object) -> Any:
    """Give what JSON has a word for as it is, an estimator as its class, else text."""
    return as_plain(value, other=_text)


def _text(value: object) -> str:
    return type(value).__name__ if hasattr(value, "get_params") else repr(value)


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _read(line: bytes) -> dict[str, Any]:
    """Read a line; one that is no record counts as empty."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
