"""A file of finished fits, from which an interrupted search can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

import skloss
from skloss.record.plain_values import as_plain
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import FoldResult, Search
from skloss.search.plan import SearchError

__all__ = ["Journal"]

_NAME = "fits.jsonl"
# The parts of the head that must be equal, with the words for a difference.
_WORDS = {
    "skloss": "another version of skloss",
    "rows": "different rows",
    "pipeline": "different options of the network",
    "grid": "a different grid",
    "folds": "different folds",
}


class Journal:
    """The finished fits of a search, in a file with one line per fit.

    The first line identifies the search. It has digests of the rows and of the folds,
    the parameters of the pipeline, and the grid. Each other line is one fit, which is
    written in one system call when the fit ends. If the process is killed, only the
    fits that were running are lost.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    search : Search
        The search.
    table : LabeledRows
        Rows of the search.
    """

    def __init__(self, folder: Path, search: Search, table: LabeledRows) -> None:
        self.folder, self.path = folder, folder / _NAME
        self._search = search
        self._head = _head(search, table)
        self._end = 0  # number of bytes of the file to keep

    def resume(self) -> list[FoldResult]:
        """Keep the fits in the file, and return them.

        Returns
        -------
        list of FoldResult
            Finished fits, in their order.

        Raises
        ------
        SearchError
            If there is no such file, or if it belongs to another search.
        """
        lines = self._whole_lines()
        differences = self._differences(lines)
        if differences:
            raise SearchError(
                f"Cannot resume {self.folder}: its fits were made with "
                f"{' and '.join(differences)}; use the file and the options of that "
                "search, or start a new search with --out DIR."
            )
        self._end = sum(map(len, lines))
        return self._fits(lines)

    def n_unused(self) -> int:
        """Count the fits of this same search that starting anew would discard."""
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
                stream.truncate()  # removes an incomplete last line
                stream.write(line)
                os.fsync(stream.fileno())
        except OSError as err:
            raise SearchError(
                f"Cannot write into {self.path} ({err.strerror}); free space, then run "
                "the command again with --resume."
            ) from err
        self._end += len(line)

    def _whole_lines(self) -> list[bytes]:
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except OSError as err:
            raise SearchError(
                f"Cannot resume {self.folder}: it has no readable {_NAME} of a search "
                f"({err.strerror}); start a new search with --out DIR."
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


def _head(search: Search, table: LabeledRows) -> dict[str, Any]:
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
    """Keep values that JSON can write; name the class of estimators; else use repr."""
    return as_plain(value, other=_text)


def _text(value: object) -> str:
    return type(value).__name__ if hasattr(value, "get_params") else repr(value)


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _read(line: bytes) -> dict[str, Any]:
    """Read a line; a line without a JSON object counts as empty."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
