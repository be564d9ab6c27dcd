"""Statements in running text: questions whose line breaks were lost."""

import re

__all__ = ["statements_in"]

_START = re.compile(
    r"(?<![\w.'\"])(?:[A-Za-z_][\w.]*(?:[ ]?,[ ]?[A-Za-z_]\w*)*[ ]?=(?!=)[ ]?|"
    r"[A-Za-z_]\w*(?:\.\w+)+[ ]?(?=\())"
)
_OPEN, _CLOSE = "([{", ")]}"
_MOST_STATEMENTS = 2_000
# What an expression goes on with after a blank, outside of brackets.
_GOES_ON = re.compile(r"\s*+(?:[-+*/%<>=,.|&]|(?:and|or|if|else|in|not|is)\b)")
_NEEDS_MORE = "-+*/%<>=,.|&"


def statements_in(text: str) -> list[str]:
    """Return assignments and calls of methods that stand in a text, one each."""
    found: list[str] = []
    at = 0
    while len(found) < _MOST_STATEMENTS:
        start = _START.search(text, at)
        if start is None:
            break
        statement, end = _expression(text, start.end())
        at = max(end, start.end())
        if statement.strip():
            found.append(start[0] + statement)
    return found


def _expression(text: str, at: int) -> tuple[str, int]:
    """Read an expression to its end, without comments; return it and where it ends."""
    kept: list[str] = []
    depth = 0
    while at < len(text):
        sign = text[at]
        if sign in "'\"":
            end = text.find(sign, at + 1) + 1
            if not end:
                break
            kept.append(text[at:end])
            at = end
            continue
        if sign == "#":
            if not depth:
                break
            at = _after_comment(text, at + 1)
            continue
        depth += (sign in _OPEN) - (sign in _CLOSE)
        if depth < 0 or (not depth and sign == " " and _ends(kept, text, at)):
            break
        kept.append(sign)
        at += 1
    return "".join(kept), at


def _ends(kept: list[str], text: str, at: int) -> bool:
    """Whether an expression ends at a blank outside of brackets."""
    last = kept[-1] if kept else "="
    return last not in _NEEDS_MORE and _GOES_ON.match(text, at) is None


def _after_comment(text: str, at: int) -> int:
    """Return where a comment ends that took out an argument: behind its comma."""
    depth = 0
    while at < len(text):
        sign = text[at]
        depth += (sign in _OPEN) - (sign in _CLOSE)
        if depth < 0:
            return at
        at += 1
        if sign == "," and not depth:
            return at
    return at
