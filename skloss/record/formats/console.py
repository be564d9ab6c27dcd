"""Lines of a console as a program printed them: without colors, time stamps, wraps."""

import re

__all__ = ["NUMBER", "plain_lines"]

# No pattern may read the same text twice from two starts, nor split a run of characters
# in two ways: files are of any length. A ``+`` behind a repetition forbids the latter.
NUMBER = r"[-+]?(?:nan|inf|(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)"
_LONGEST_LINE = 10_000  # what is behind it was not printed for people
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_REDRAWN = re.compile(r"[\r\x08]+")
# A bar that was redrawn, where the signs that moved the cursor are lost.
_RUN_TOGETHER = re.compile(r"(?<![ \t])[ \t]++(?=\d{1,9}/\d{1,9} [\[━])")
_FRONT = re.compile(
    r"""
    [(\[]?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?
        (Z|[+-]\d\d:?\d\d)?[)\]]?
    | (\d\d[./]\d\d[./]\d{4}[ ])?[(\[]?\d\d:\d\d:\d\d([.,]\d{1,9})?[)\]]?(?=\s)
    | [IWEF]\d{4}\ [\d:.]{8,15}\ +\d{1,9}\ [\w.]{1,80}:\d{1,9}\]     # absl
    | \[?(INFO|DEBUG|WARNING|ERROR)\b\]?(:[\w.]{1,80}:)?             # logging
    | [\w.]{1,80}(?=\ -\ (INFO|DEBUG|WARNING|ERROR)\b)
    | \[[\w.]{1,80}\](?=\[(INFO|DEBUG|WARNING|ERROR)\b)
    | [\w.]{1,80}:[\w.<>]{1,80}:\d{1,9}(?=\ -\ )                     # loguru
    | __main__(?=\ )
    | [\w.-]{0,80}[A-Za-z][\w.-]{0,80}[-_]\d{1,4}\ +\|               # docker compose
    | \#\#(?=\ )                                                     # R Markdown
    """,
    re.VERBOSE,
)
_MOST_FRONTS = 4
_WRAPPED = re.compile(r"-\s[a-z]\w{0,60}:\s", re.IGNORECASE)


def plain_lines(text: str) -> list[str]:
    r"""Return lines without what a terminal or a logger puts around them.

    Examples
    --------
    >>> plain_lines("2024-05-01 10:00:01 - INFO - loss: 1\r2/2 - loss: 2 -\nacc: 1")
    ['loss: 1', '2/2 - loss: 2 - acc: 1']
    """
    text = _RUN_TOGETHER.sub("\n", _REDRAWN.sub("\n", _TERMINAL.sub("", text)))
    lines: list[str] = []
    for line in text.splitlines():
        plain = _without_front(line[:_LONGEST_LINE].strip())
        if lines and _goes_on(lines[-1], plain):
            lines[-1] += f" {plain}"
        else:
            lines.append(plain)
    return lines


def _without_front(line: str) -> str:
    for _ in range(_MOST_FRONTS):
        front = _FRONT.match(line)
        if front is None:
            break
        line = line[front.end() :].lstrip(" \t:|").removeprefix("- ").lstrip()
    return line


def _goes_on(before: str, line: str) -> bool:
    """Whether a line of a log of Keras was wrapped, before or behind a hyphen."""
    if len(before) > _LONGEST_LINE or " - " not in before:
        return False
    return before.endswith((" -", ":")) or (
        "loss: " in before and _WRAPPED.match(line) is not None
    )
