"""Statements at the first column, and which of them are about a network."""

import re
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["open_brackets", "relevant_lines", "starts_of"]

_PER_LINE = 10  # characters that take as long as one more line
_CONTINUES = re.compile(r"[)\]}#]|(?:else|elif|except|finally)\b")
_RELEVANT = re.compile(
    r"\b(?:Sequential|Model|\w{0,30}Classifier|Dense|Conv\w{0,20}|Input|compile|fit|"
    r"add|layers|keras|train_test_split|\w{0,20}Scaler|fit_resample|fit_sample|"
    r"to_categorical)\b"
)


def starts_of(lines: Sequence[str]) -> list[int]:
    """Return the places of lines that begin a statement, of the first at least."""
    found = [
        place
        for place, line in enumerate(lines)
        if line and not line[0].isspace() and not _CONTINUES.match(line)
    ]
    return found if not lines or found[:1] == [0] else [0, *found]


def open_brackets(lines: Sequence[str]) -> int:
    """Count the brackets that are opened and not closed, comments aside."""
    text = "\n".join(line.split("#")[0] for line in lines)
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def relevant_lines(lines: list[str], most: int) -> tuple[list[str], int]:
    """Return lines of at most so many characters, and how many were left out.

    Of code that is too long, statements about networks and rows come first, then the
    others in their order. What is left out becomes empty lines.
    """
    total = sum(map(len, lines))
    if total + _PER_LINE * len(lines) <= most:
        return lines, 0
    starts = [*starts_of(lines), len(lines)]
    spans = list(pairwise(starts))
    sizes = [sum(map(len, lines[a:b])) + _PER_LINE * (b - a) for a, b in spans]
    told = [any(map(_RELEVANT.search, lines[a:b])) for a, b in spans]
    kept = [""] * len(lines)
    left = most
    for wanted in (True, False):
        for (a, b), size, is_told in zip(spans, sizes, told, strict=True):
            if is_told is wanted and size <= left:
                kept[a:b] = lines[a:b]
                left -= size
    return kept, total - sum(map(len, kept))
