"""Logs of ``fit`` of Keras 1, 2 and 3, in Python and in R, with any ``verbose``."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from skloss.record.epoch_rows import Columns, trainings_of_rows
from skloss.record.formats.console import NUMBER

__all__ = ["read_keras_log"]

_HEAD = re.compile(r"\W{0,8}Epoch[ \t]{1,4}(\d{1,9})[ \t]{0,4}/[ \t]{0,4}\d{1,9}", re.I)
_BAR = re.compile(r"(\d{1,9})/(\d{1,9}|Unknown)(?P<rest>[ \t]?\[|[ \t])?")
_BETWEEN = re.compile(r"\s-\s")
_VALUE = re.compile(rf"\s*+([a-z][^:\n]{{0,100}}):\s*+({NUMBER})(?=\s|$)", re.I)


class _Shown(NamedTuple):
    """Values of one line, and how far the bar before them is."""

    values: dict[str, float]
    total: str = ""
    is_complete: bool = True
    is_final: bool = True  # Keras 3 draws a complete bar more than once


def read_keras_log(lines: Sequence[str]) -> list[Columns]:
    """Read the last values of each epoch; without heads every line is an epoch."""
    chunks = list(_chunks(lines))
    if len(chunks) == 1:
        return _without_heads(chunks[0][1])
    rows: list[dict[str, Any]] = []
    is_whole = True
    for number, lines in chunks[1:]:
        shown = _last_of_epoch(map(_shown, lines))
        if shown is not None:
            rows.append({"epoch": number, **shown.values})
            was_whole, is_whole = is_whole, shown.is_complete
    if len(rows) > 1 and was_whole and not is_whole:  # interrupted
        rows.pop()
    return trainings_of_rows(rows) if rows else []


def _chunks(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines before the first head of an epoch, then those of each epoch."""
    number, chunk = 0, []
    for line in lines:
        head = _HEAD.match(line)
        if head is None:
            chunk.append(line)
            continue
        yield number, chunk
        number, chunk = int(head[1]), [line[head.end() :].strip()]
    yield number, chunk


def _shown(line: str) -> _Shown | None:
    """Values of a line that shows a loss, as Keras writes it."""
    parts = _BETWEEN.split(line)
    if len(parts) < 2 or "loss: " not in line:
        return None
    found = filter(None, map(_VALUE.match, parts))
    values = {name.strip(): float(value) for name, value in (f.groups() for f in found)}
    if "loss" not in values:
        return None
    values.pop("ETA", None)
    bar = _BAR.match(line)
    if bar is None:
        return _Shown(values)
    is_complete = bar[1] == bar[2] or bar[2] == "Unknown"
    return _Shown(values, bar[2], is_complete, is_final="━" not in line)


def _last_of_epoch(lines: Iterable[_Shown | None]) -> _Shown | None:
    """Choose what an epoch ends with, and not what ``evaluate`` prints after it."""
    last: _Shown | None = None
    for line in lines:
        if line is None:
            continue
        if last is None or not last.is_complete or last.total == "Unknown":
            last = line
            continue
        adds = line.values.keys() > last.values.keys()
        if line.total != last.total or not line.is_complete:
            break
        if adds or not last.is_final:
            last = line
    return last


def _without_heads(lines: Iterable[str]) -> list[Columns]:
    epochs: list[_Shown] = []
    for line in filter(None, map(_shown, lines)):
        if not line.is_complete:
            continue
        # The complete bar is drawn once more with the validation.
        if epochs and epochs[-1].values.keys() < line.values.keys():
            epochs.pop()
        epochs.append(line)
    totals = {epoch.total for epoch in epochs[:-1]}
    if len(epochs) > 2 and len(totals) == 1 and epochs[-1].total not in totals:
        epochs.pop()  # of ``evaluate``
    return trainings_of_rows([epoch.values for epoch in epochs]) if epochs else []
