"""Parse code into statements, as far as it can be parsed; nothing is executed.

What people paste is often not Python 3: prompts, notebook magics, ``print`` without
brackets, curly quotes, a block that was cut off. Each line keeps its number.
"""

import ast
import re
import textwrap
import warnings
from bisect import bisect
from itertools import pairwise

from skloss.readers.code.repairs import repaired
from skloss.readers.code.top_level import open_brackets, relevant_lines, starts_of

__all__ = ["parse_code"]

_QUOTES = str.maketrans(
    {
        "\u201c": '"',  # curly quotes, as word processors make them
        "\u201d": '"',
        "\u2018": "'",
        "\u2019": "'",
        "\u00a0": " ",
        "\ufeff": "",
        "\u200b": "",
        "\x00": "",
    }
)
_NUMBER = re.compile(r"^[ \t]*(\d{1,6})(?:[.:|)][ \t]?|[ \t]{1,2}|$)")
_FEWEST_NUMBERS = 3  # of lines
_OUTPUT = re.compile(r"^[ \t]*Out ?\[\d+\]:")
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.|In ?\[[ \d*]*\]:|\.\.\.:)(?: |$)")
_MAGIC = re.compile(r"^([ \t]*)(?:[%!?]|\w+\?$).*$")
_PRINT = re.compile(r"^([ \t]*)(?:print|exec)(?:[ \t]+(?![=.(\[]).*|[ \t]*>>.*)$")
_ODD = (">>>", "...", "In", "%", "!", "?", "print", "exec")
_SIGNS = re.compile(r"(?:[-+~(\[{]|\bnot\b)(?:\s*+(?:[-+~(\[{]|not\b))*+")
_DEEPEST = 90  # signs or brackets in a row
_LONGEST_LINE = 20_000
_MOST_MERGED = 60  # lines at column 0 that one statement may go on over
_MOST_PARSED = 200_000  # characters; a script of a training has a tenth of it
_BUDGET = 4 * _MOST_PARSED  # characters that may be parsed, again and again
_PER_TRY = 300  # characters that take as long as one more try


def parse_code(text: str) -> tuple[list[ast.stmt], tuple[str, ...], bool]:
    """Parse code, and note the lines that are no Python.

    Returns
    -------
    statements : list of ast.stmt
        In their order, with the line numbers of the text.
    notes : tuple of str
        Lines that could not be read.
    is_whole : bool
        Whether nothing was left out because the code is too long.
    """
    given = _without_numbers(text.split("\n"))
    lost = [n for n, line in enumerate(given, 1) if len(line) > _LONGEST_LINE]
    lines = [_clean(line) if line and not line.isspace() else "" for line in given]
    first = next((line for line in lines if line), "")
    if first[:1].isspace():
        lines = textwrap.dedent("\n".join(lines)).split("\n")
    lines, left_out = relevant_lines(lines, _MOST_PARSED)
    parser = _Parser(lines)
    notes = _note(sorted(lost + parser.lost))
    if left_out:
        notes += (f"{left_out} characters of the code were left out: it is too long",)
    return parser.statements, notes, not left_out


def _without_numbers(lines: list[str]) -> list[str]:
    """Take the line numbers away that were copied with the code."""
    filled = [line for line in lines if line and not line.isspace()]
    if len(filled) < _FEWEST_NUMBERS or not _NUMBER.match(filled[0]):
        return lines
    found = [_NUMBER.match(line) for line in filled]
    numbers = [int(match[1]) for match in found if match is not None]
    if len(numbers) < len(filled) or any(b <= a for a, b in pairwise(numbers)):
        return lines
    return [_NUMBER.sub("", line) for line in lines]


def _clean(line: str) -> str:
    if not line.isascii() or "\x00" in line:
        line = line.translate(_QUOTES)
    if len(line) > _LONGEST_LINE or _OUTPUT.match(line):
        return ""
    if not line.lstrip().startswith(_ODD) and not line.endswith("?"):
        return line
    line = _PROMPT.sub("", line)
    if _MAGIC.match(line):
        return _MAGIC.sub(r"\1pass", line)
    return _PRINT.sub(r"\1pass", line)


class _Parser:
    """Parse lines in large parts, and around what is no Python."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.statements: list[ast.stmt] = []
        self.lost: list[int] = []
        self._left = _BUDGET
        self._starts = [*starts_of(lines), len(lines)]
        self._window = len(self._starts)  # statements that are parsed at once
        at = 0
        while at < len(self._starts) - 1:
            at = self._next(at)

    def _next(self, at: int) -> int:
        """Parse from a statement on; return the first one that is not parsed."""
        first, last = self._starts[at], len(self._starts) - 1
        if self._left <= 0:
            self.lost.append(first + 1)
            return last
        last = min(last, at + self._window)
        found, error = self._parsed(first, self._starts[last])
        self._window *= 4
        if found is None:
            # All before the statement with the error is parsed at once.
            last = bisect(self._starts, error, at, last) - 1
            self._window = 2 * max(last - at, 1)
            if last > at:
                found, _ = self._parsed(first, self._starts[last])
        if found is None:
            return self._alone(at)
        self.statements += found
        return last

    def _alone(self, at: int) -> int:
        """Parse one statement, over as many lines as an open bracket needs."""
        first, opened = self._starts[at], 0
        for used in range(at + 1, min(at + _MOST_MERGED, len(self._starts) - 1) + 1):
            end = self._starts[used]
            opened += open_brackets(self.lines[self._starts[used - 1] : end])
            found, _ = self._parsed(first, end)
            if found is not None:
                self.statements += found
                return used
            text = "\n".join(self.lines[first:end])
            quoted = text.count('"""') % 2 or text.count("'''") % 2
            if (opened <= 0 and not quoted and text[:1] != "@") or self._left <= 0:
                break
        self._repair(first, self._starts[at + 1])
        return at + 1

    def _repair(self, first: int, end: int) -> None:
        for text, shift in repaired(self.lines[first:end]):
            found, _ = self._tried(text, first - shift)
            if found:
                self.statements += found
                return
        self.lost.append(first + 1)

    def _parsed(self, first: int, end: int) -> tuple[list[ast.stmt] | None, int]:
        return self._tried("\n".join(self.lines[first:end]), first)

    def _tried(self, text: str, first: int) -> tuple[list[ast.stmt] | None, int]:
        """Parse a text whose first line has a number; else return the error's line."""
        found = _parsed(text)
        if isinstance(found, ast.Module):
            self._left -= len(text) + _PER_TRY
            if first:
                ast.increment_lineno(found, first)
            return found.body, first
        lines = text.split("\n", found) if found else [text]
        read = len(text) - (len(lines[-1]) if found else 0)
        self._left -= 2 * read + _PER_TRY  # a failure is parsed twice, for its message
        return None, first + max(found - 1, 0)


def _parsed(text: str) -> ast.Module | int:
    """Parse a text, or return the line of the error; 0 if that is not known."""
    if _is_too_deep(text):
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in the text
            return ast.parse(text)
    except SyntaxError as err:
        is_open = "unterminated" in err.msg or "never closed" in err.msg
        return 0 if is_open else err.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return 0


def _is_too_deep(text: str) -> bool:
    """Whether a long chain of signs could exhaust the parser's stack."""
    runs = (run for run in _SIGNS.findall(text) if len(run) > _DEEPEST)
    return any(len("".join(run.split())) > _DEEPEST for run in runs)


def _note(lost: list[int]) -> tuple[str, ...]:
    if not lost:
        return ()
    shown = ", ".join(map(str, lost[:5])) + (", ..." if len(lost) > 5 else "")
    return (f"no Python that could be read: line {shown}",)
