"""Parse code into statements, as far as it can be parsed; nothing is executed.

What people paste is often not Python 3: prompts, notebook magics, ``print`` without
brackets, curly quotes, a block that was cut off. Each line keeps its number.
"""

import ast
import re
import textwrap
import warnings

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
    }
)
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.|In ?\[[ \d*]*\]:|\s+\.\.\.:)(?: |$)")
_OUTPUT = re.compile(r"^[ \t]*Out ?\[\d+\]:")
_MAGIC = re.compile(r"^([ \t]*)(?:[%!?]|\w+\?$).*$")
_PRINT = re.compile(r"^([ \t]*)(?:print|exec)(?:[ \t]+(?![=.(\[]).*|[ \t]*>>.*)$")
_CONTINUES = re.compile(r"^(?:[)\]}#]|(?:else|elif|except|finally)\b)")
_MOST_MERGED = 60  # lines at column 0 that one statement may go on over
_DEEPEST = 180  # brackets in brackets; Python itself stops at 200
_LONGEST_LINE = 20_000
_SIGNS = re.compile(r"(?:[-+~(\[{]|\bnot\b)(?:\s*+(?:[-+~(\[{]|not\b))*+")


def parse_code(text: str) -> tuple[list[ast.stmt], tuple[str, ...]]:
    """Parse code, and note the lines that are no Python.

    Returns
    -------
    statements : list of ast.stmt
        In their order, with the line numbers of the text.
    notes : tuple of str
        Lines that could not be read.
    """
    given = text.split("\n")
    lost = [n for n, line in enumerate(given, 1) if len(line) > _LONGEST_LINE]
    lines = textwrap.dedent("\n".join(map(_clean, given))).split("\n")
    statements = _parsed("\n".join(lines), 1)
    if statements is None:
        statements, unread = _by_parts(lines)
        lost += unread
    return statements, _note(sorted(lost))


def _clean(line: str) -> str:
    line = line.translate(_QUOTES).replace("\x00", "")
    if _OUTPUT.match(line) or len(line) > _LONGEST_LINE:
        return ""
    line = _PROMPT.sub("", line)
    if _MAGIC.match(line):
        return _MAGIC.sub(r"\1pass", line)
    return _PRINT.sub(r"\1pass", line)


def _parsed(text: str, first: int) -> list[ast.stmt] | None:
    """Parse text that begins on a line; None if it is no Python."""
    if _is_too_deep(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in the text
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if first > 1:
        ast.increment_lineno(tree, first - 1)
    return tree.body


def _is_too_deep(text: str) -> bool:
    """Whether a long chain of signs could exhaust the parser's stack."""
    runs = (run for run in _SIGNS.findall(text) if len(run) > _DEEPEST)
    return any(len("".join(run.split())) > _DEEPEST for run in runs)


def _by_parts(lines: list[str]) -> tuple[list[ast.stmt], list[int]]:
    """Parse each statement at column 0 by itself, and leave out what is no Python."""
    starts = [
        i
        for i, line in enumerate(lines)
        if line.strip() and not line[0].isspace() and not _CONTINUES.match(line)
    ]
    if lines and (not starts or starts[0] > 0):
        starts.insert(0, 0)
    starts.append(len(lines))
    statements: list[ast.stmt] = []
    lost: list[int] = []
    budget = 8 * sum(map(len, lines)) + 10_000
    at = 0
    while at < len(starts) - 1 and budget > 0:
        found, used, cost = _longest(lines, starts, at)
        budget -= cost
        if found is None:
            found, cost = _fragment(lines[starts[at] : starts[at + 1]], starts[at] + 1)
            budget -= cost
            if found is None:
                lost.append(starts[at] + 1)
        statements += found or []
        at += used
    if at < len(starts) - 1:
        lost.append(starts[at] + 1)
    return statements, lost


def _longest(
    lines: list[str], starts: list[int], at: int
) -> tuple[list[ast.stmt] | None, int, int]:
    """Parse from a start over as many others as an open bracket or string needs."""
    cost = 0
    opened = 0
    for used in range(1, min(_MOST_MERGED, len(starts) - at - 1) + 1):
        part = lines[starts[at + used - 1] : starts[at + used]]
        opened += _open_brackets(part)
        whole = lines[starts[at] : starts[at + used]]
        text = "\n".join(whole)
        cost += len(text)
        found = _parsed(text, starts[at] + 1)
        if found is not None:
            return found, used, cost
        quoted = text.count('"""') % 2 or text.count("'''") % 2
        if opened <= 0 and not quoted and not whole[0].startswith("@"):
            break
    return None, 1, cost


def _open_brackets(lines: list[str]) -> int:
    text = "\n".join(line.split("#")[0] for line in lines)
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def _fragment(lines: list[str], first: int) -> tuple[list[ast.stmt] | None, int]:
    """Parse a statement that was cut off: close its brackets, or drop its end."""
    text = textwrap.dedent("\n".join(lines))
    closed = text + _closing(text)
    tries = [closed, textwrap.dedent("if 1:\n" + textwrap.indent(text, " "))]
    if len(lines) > 1:
        tries += [
            "\n".join([*lines[:1], " pass"]),
            textwrap.dedent("\n" + "\n".join(lines[1:])),
        ]
        tries += ["\n".join(lines[: len(lines) // 2])]
    cost = 0
    for n, one in enumerate(tries):
        cost += len(one)
        found = _parsed(one, first - (n == 1))
        if found:
            return found, cost
    return None, cost


def _closing(text: str) -> str:
    """Return the brackets that close what is open."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    stack: list[str] = []
    for sign in "\n".join(line.split("#")[0] for line in text.split("\n")):
        if sign in pairs:
            stack.append(pairs[sign])
        elif stack and sign == stack[-1]:
            stack.pop()
    return "".join(reversed(stack[:_DEEPEST]))


def _note(lost: list[int]) -> tuple[str, ...]:
    if not lost:
        return ()
    shown = ", ".join(map(str, lost[:5])) + (", ..." if len(lost) > 5 else "")
    return (f"no Python that could be read: line {shown}",)
