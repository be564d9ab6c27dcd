"""Repairs of a statement that is no Python: it was cut off, or its indent was lost."""

import textwrap
from collections.abc import Iterator

__all__ = ["repaired"]

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_MOST_CLOSED = 60


def repaired(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Yield texts that may be the statement, each with the lines put before it."""
    text = textwrap.dedent("\n".join(lines))
    if closing := _closing(text):
        yield text + closing, 0
    yield "if 1:\n" + textwrap.indent(text, " "), 1
    if len(lines) > 1:
        yield f"{lines[0]}\n pass", 0
        yield textwrap.dedent("\n" + "\n".join(lines[1:])), 0
        yield "\n".join(lines[: len(lines) // 2]), 0


def _closing(text: str) -> str:
    """Return the brackets that close what is open."""
    stack: list[str] = []
    for sign in "\n".join(line.split("#")[0] for line in text.split("\n")):
        if sign in _PAIRS:
            stack.append(_PAIRS[sign])
        elif stack and sign == stack[-1]:
            stack.pop()
    return "".join(reversed(stack[:_MOST_CLOSED]))
