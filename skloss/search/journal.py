"""A file of finished fits, from which an interrupted search can be resumed."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

import skloss
from skloss.record.plain_values import as_plain
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import BASELINE, SCORES, FoldResult, Search
from skloss.search.plan import SearchError
from skloss.whole_files import write_whole

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
        self._n_classes = len(np.unique(table.y))
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
            If there is no such file, if it belongs to another search, or if it was
            changed.
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
        """Write one fit; the first one replaces the file of an earlier search.

        Baselines are not kept, because they are quick.
        """
        if done.candidate == BASELINE:
            return
        values = self._search.candidates[done.candidate]
        record = {
            "candidate": done.candidate,
            "fold": done.fold,
            "params": {name: _plain(value) for name, value in values.items()},
            "scores": done.scores,
            "error": done.error,
            "predicted": None if done.predicted is None else done.predicted.tolist(),
            "probability": None
            if done.probability is None
            else done.probability.tolist(),
        }
        line = _line(record) if self._end else _line(self._head) + _line(record)
        try:
            self._write(line)
        except OSError as err:
            way = "free space, then run the command again with --resume"
            reason = f"{err.strerror or err}; {way}"
            raise type(err)(err.errno, reason, str(self.path)) from err
        self._end += len(line)

    def _write(self, line: bytes) -> None:
        if not self._end:
            write_whole(self.path, line)
            return
        with self.path.open("r+b", buffering=0) as stream:
            stream.seek(self._end)
            stream.truncate()  # removes an incomplete last line
            stream.write(line)
            os.fsync(stream.fileno())

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
        return [
            self._fit(number, _read(line))
            for number, line in enumerate(lines[1:], start=2)
        ]

    def _fit(self, number: int, record: dict[str, Any]) -> FoldResult:
        """Read one fit; refuse whatever `keep` would not have written."""
        parts: list[Any] = [
            record.get(name) for name in ("candidate", "fold", "scores", "error")
        ]
        candidate, fold, scores, error = parts
        is_one_of_these = (
            type(candidate) is int
            and type(fold) is int
            and 0 <= candidate < len(self._search.candidates)
            and 0 <= fold < len(self._search.splits)
            and _line(record.get("params")) == _line(self._head["grid"][candidate])
        )
        is_failed = isinstance(error, str) and scores == {}
        is_scored = (
            error is None
            and isinstance(scores, dict)
            and sorted(scores) == sorted(SCORES)
            and all(type(value) in (int, float) for value in scores.values())
            and all(math.isfinite(value) for value in scores.values())
            and self._are_classes(record.get("predicted"), fold)
            and self._are_probabilities(record.get("probability"), fold)
        )
        if not is_one_of_these or not (is_failed or is_scored):
            raise SearchError(
                f"Cannot resume {self.folder}: line {number} of {_NAME} is not a fit "
                "of this search, so the file was changed; remove that line, or start "
                "a new search with --out DIR."
            )
        codes = None if error else np.asarray(record["predicted"], int)
        chances = record.get("probability")
        probability = None if error or chances is None else np.asarray(chances, float)
        return FoldResult(candidate, fold, scores, error, codes, probability)

    def _are_classes(self, predicted: Any, fold: Any) -> bool:
        """Whether this is a class number for each test row of a fold."""
        return (
            isinstance(predicted, list)
            and type(fold) is int
            and 0 <= fold < len(self._search.splits)
            and len(predicted) == len(self._search.splits[fold][1])
            and all(type(code) is int for code in predicted)
            and set(predicted) <= set(range(self._n_classes))
        )

    def _are_probabilities(self, given: Any, fold: int) -> bool:
        """Whether this is one for each test row of a fold, or none at all."""
        return given is None or (
            isinstance(given, list)
            and len(given) == len(self._search.splits[fold][1])
            and all(type(one) in (int, float) and math.isfinite(one) for one in given)
        )


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


def _digest(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        if hasattr(array, "columns"):
            names = list(array.columns)
            parts = _digest(*(array[name].to_numpy() for name in names))
            digest.update(f"{names}{parts}".encode())
            continue
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


def _line(record: Any) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _read(line: bytes) -> dict[str, Any]:
    """Read a line; a line without a JSON object counts as empty."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
