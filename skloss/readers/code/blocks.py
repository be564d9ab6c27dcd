"""Blocks of code and of logs in a question, as Markdown, HTML or indents mark them.

No pattern reads a run of characters from two starts: questions are of any length.
"""

import html
import re
from collections.abc import Iterator

__all__ = [
    "Block",
    "is_log",
    "is_log_line",
    "looks_like_code",
    "marked_blocks",
    "may_hold_log",
    "shows_printed_curves",
]

Block = tuple[str, list[str]]  # a language, "output" or "prose"; and lines

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*\{?\.?(\w*)[^\n`]*$")
_HTML_START = re.compile(r"<pre(?:\s[^>]{0,200})?>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_INDENTS = ("    ", "\t")
_LONGEST_LINE = 2_000  # that may be a line of a log
# What a training prints, and what Python prints; neither is a statement.
_LOG_LINE = re.compile(
    r"\s*+(?:Epoch\s+\d+\s*(?:/\s*\d+)?\s*(?:[:\-,].*)?$|"
    r"\d+/(?:\d+|Unknown)\s*(?:\[|━|-|\s\d+s|$)|Train on \d+ samples|"
    r"Iteration \d+, loss =)"
)
_LOG_VALUE = re.compile(r"\b(?:val_)?(?:loss|acc|accuracy):\s*-?[\d.]+(?:e[+-]?\d+)?\b")
_EPOCH_LOG = re.compile(
    r"\b(?:val_)?loss['\"]?\s*+[:=]\s*+[\[-]?\s*+[\d.]|^[ \t]*Epoch[ \t]+\d",
    re.MULTILINE,
)
_PRINTED_CURVES = re.compile(r"['\"](?:val_)?loss['\"]\s*+:\s*+(?:array\()?\[\s*+[\d.]")
_CODE = re.compile(
    r"\.(?:add|compile|fit|fit_generator)\s*+\(|\bSequential\s*+\(|"
    r"^[ \t]*(?:>>>[ \t]*)?(?:from[ \t]+[\w.]++[ \t]+import|import[ \t]+\w)|"
    r"\b(?:Dense|Conv1D|Conv2D|LSTM|\w*Classifier)\s*+\(|^[ \t]*(?:def|class)[ \t]+\w|"
    r"\btrain_test_split\s*+\(|^[ \t]*\w++[ \t]*=[ \t]*[\w.]++\(",
    re.MULTILINE,
)
_PYTHON = ("python", "py", "python2", "python3", "ipython", "ipython3", "pycon")
_CONSOLE = ("text", "txt", "console", "bash", "shell", "sh", "output", "log")


def looks_like_code(text: str) -> bool:
    """Whether a text holds what only code would hold."""
    return _CODE.search(text) is not None


def shows_printed_curves(text: str) -> bool:
    """Whether a text holds a printed ``history`` dict."""
    return _PRINTED_CURVES.search(text) is not None


def is_log(language: str, text: str) -> bool:
    """Whether a block is what a training printed, and no code."""
    if language == "output":
        return True
    if looks_like_code(text):
        return False
    return _EPOCH_LOG.search(text) is not None or language in _CONSOLE


def may_hold_log(text: str) -> bool:
    """Whether a text holds a word of a log; few do that hold none."""
    return any(word in text for word in ("Epoch", "loss", "acc", "Train on"))


def is_log_line(line: str) -> bool:
    """Whether a line between lines of code is one that a training printed."""
    start = line[:_LONGEST_LINE]
    if not any(sign in start for sign in ":/="):
        return start.lstrip().startswith("Epoch ")
    if _LOG_LINE.match(start):
        return True
    value = _LOG_VALUE.search(start)
    return value is not None and "-" in start[value.end() :]


def marked_blocks(text: str, suffix: str) -> Iterator[Block]:
    """Yield the blocks of a text in their order, every line of it once."""
    text = _with_fences(text)
    lines = text.split("\n")
    if any(_FENCE.match(line) for line in lines):
        return _fenced(lines)
    is_question = suffix != "" and suffix != ".py"
    if is_question or _has_prose(lines):
        return _indented(lines)
    return iter([("", lines)])


def _with_fences(text: str) -> str:
    """Put fences around the ``<pre>`` blocks of a page."""
    parts: list[str] = []
    at = 0
    while (start := _HTML_START.search(text, at)) is not None:
        end = text.find("</pre>", start.end())
        if end < 0:
            break
        inner = html.unescape(_TAG.sub("", text[start.end() : end]))
        parts += [text[at : start.start()], "\n```\n", inner, "\n```\n"]
        at = end + len("</pre>")
    return "".join((*parts, text[at:]))


def _fenced(lines: list[str]) -> Iterator[Block]:
    block: list[str] | None = None
    language = ""
    for line in lines:
        fence = _FENCE.match(line)
        if fence is None and block is not None:
            block.append(line)
        elif fence is None:
            yield "prose", [line]
        elif block is None:
            block, language = [], fence[1].lower()
            yield "prose", [line]
        else:
            yield language, block
            yield "prose", [line]
            block = None
    if block is not None:
        yield language, block


def _has_prose(lines: list[str]) -> bool:
    """Whether the first line is a sentence, and code is set off by an indent."""
    first = next((line for line in lines if line.strip()), "")
    is_sentence = first[:1].isalpha() and first.count(" ") > 3
    return is_sentence and not looks_like_code(first)


def _indented(lines: list[str]) -> Iterator[Block]:
    """Yield blocks set off by four blanks; all of it if none looks like code."""
    flush = "\n".join(line for line in lines if not line.startswith(_INDENTS))
    if looks_like_code(flush) or not any(line.startswith(_INDENTS) for line in lines):
        yield "", lines
        return
    block: list[str] = []
    for line in lines:
        if line.startswith(_INDENTS) or (block and not line.strip()):
            block.append(line[4:] if line.startswith("    ") else line[1:])
            continue
        if block:
            yield "", block
            block = []
        yield "prose", [line]
    if block:
        yield "", block
