"""Lines that people print in loops of their own, such as ``Epoch [1/9], Loss: 0.7``."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from skloss.record.curve_names import canonical_name
from skloss.record.epoch_rows import Columns, trainings_of_rows

__all__ = ["read_epoch_lines"]

_COUNTED = ("epoch|ep", "step", "iteration|iter")  # the first that a text has
_NO_WORD = re.compile(
    r"\W{0,4}[\[(][ \t]{0,4}(\d{1,9})[ \t]{0,4}/[ \t]{0,4}\d{1,9}[\])]"
)
_HEAD = (
    r"\W{{0,8}}(?:train(?:ing)?\W{{1,3}})?(?:{0})s?\b[ \t]{{0,4}}[:=#]?[ \t]{{0,4}}"
    r"[\[(]?[ \t]{{0,4}}(\d{{1,9}})(?:[ \t]{{0,4}}(?:/|of)[ \t]{{0,4}}\d{{1,9}})?[\])]?"
)
_PAIR = re.compile(
    r"([A-Za-z][\w./ -]{0,60}?)[ \t]{0,4}(?:[:=]|[ \t])[ \t]{0,4}"
    r"([-+]?(?:nan|inf|(?:\d+(?:[.,]\d+)?|\.\d+)(?:e[-+]?\d+)?))"
    r"(?:/(\d+)|[ ]?(%))?(?!\w|\.\d)",
    re.IGNORECASE,
)
_SIDE = re.compile(
    r"(?<![a-z])(?:(train(?:ing)?)|(?:val(?:id(?:ation)?)?|eval(?:uation)?|test|dev))"
    r"(?![a-z])",
    re.IGNORECASE,
)
_PART_OF_EPOCH = re.compile(
    r"\b(?:batch|step|iter(?:ation)?)\b|\(\d+%\)|\[ *\d+ */ *\d+", re.IGNORECASE
)
_NOT_OF_EPOCH = re.compile(
    r"\b(?:best|lowest|highest|patience|target|final|previous|improved)\b",
    re.IGNORECASE,
)
_SHORT = 40  # letters of a line that names the side of those below it


def read_epoch_lines(lines: Sequence[str]) -> list[Columns]:
    """Read pairs of a name and a value behind each number of an epoch."""
    words = [re.compile(_HEAD.format(word), re.IGNORECASE) for word in _COUNTED]
    for head in (*words, _NO_WORD):
        epochs = list(_epochs(lines, head))
        if any(epoch.at_head or epoch.below for epoch in epochs):
            return trainings_of_rows(_rows(epochs))
    return []


@dataclass
class _Epoch:
    """Values in the line of an epoch's number, and in the lines below it."""

    number: int
    at_head: dict[str, list[float]] = field(default_factory=dict)
    below: dict[str, list[float]] = field(default_factory=dict)


def _epochs(lines: Sequence[str], head: re.Pattern[str]) -> Iterator[_Epoch]:
    """Yield the values of each epoch; a number that is printed again goes on."""
    epoch: _Epoch | None = None
    side = ""
    for line in lines:
        found = head.match(line)
        if found is not None:
            if epoch is None or epoch.number != int(found[1]):
                if epoch is not None:
                    yield epoch
                epoch = _Epoch(int(found[1]))
            line, side = line[found.end() :], ""
        if epoch is None or (found is None and _NOT_OF_EPOCH.search(line)):
            continue
        values, side = _values(line, side)
        is_part = _PART_OF_EPOCH.search(line) is not None
        known = epoch.below if found is None else epoch.at_head
        for name, value in values.items():
            if not is_part or name not in known:
                known[name] = []
            known[name].append(value)
    if epoch is not None:
        yield epoch


def _rows(epochs: Sequence[_Epoch]) -> list[dict[str, Any]]:
    """Join the lines of each epoch, without the results that are printed at the end."""
    n_below = Counter(name for epoch in epochs for name in epoch.below)
    has_heads = sum(bool(epoch.at_head) for epoch in epochs) > len(epochs) / 2
    left_out = {n for n, k in n_below.items() if has_heads and k <= len(epochs) / 2}
    rows: list[dict[str, Any]] = []
    for epoch in epochs:
        below = {n: v for n, v in epoch.below.items() if n not in left_out}
        means = {n: sum(v) / len(v) for n, v in (below | epoch.at_head).items()}
        rows.append({"epoch": epoch.number, **means})
    return rows


def _values(line: str, side: str) -> tuple[dict[str, float], str]:
    """Values of a line by name; and the side of the lines below, if this names it."""
    values: dict[str, float] = {}
    end, last = 0, None
    for pair in _PAIR.finditer(line):
        sides = _SIDE.findall(line, end, pair.end(1))
        if sides:
            side = "" if sides[-1] else "val_"
        is_result = _NOT_OF_EPOCH.search(line, end, pair.end(1)) is not None
        end = pair.end()
        name = _known_end(pair[1])
        if name is None and _SIDE.fullmatch(pair[1]):  # "LOSS train 0.4 valid 0.3"
            name = last
        last = None if name is None else name.removeprefix("val_")
        if name is not None and not is_result:
            name = name if name.startswith("val_") else side + name
            values.setdefault(name, _number(pair))
    heads = _SIDE.findall(line) if not values and len(line) < _SHORT else []
    if heads:
        side = "" if heads[-1] else "val_"
    return values, side if heads or not values or side else ""


def _known_end(phrase: str) -> str | None:
    """Name that rules know, of the last words of a phrase; without its side."""
    words = phrase.split()
    for first in range(max(0, len(words) - 3), len(words)):
        name = canonical_name(" ".join(words[first:]))
        if name is not None:
            return name
    return None


def _number(pair: re.Match[str]) -> float:
    number = float(pair[2].replace(",", "."))
    if pair[3]:  # as in "Accuracy: 9845/10000 (98%)"
        return number / max(float(pair[3]), 1.0)
    return number / 100 if pair[4] else number
