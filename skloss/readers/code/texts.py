"""Collect code and printed logs from scripts, questions and notebooks, as text."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from skloss.exceptions import DiagnosisError

__all__ = ["CODE_SUFFIXES", "CodeText", "read_text"]

CODE_SUFFIXES = (".py", ".ipynb", ".md", ".markdown", ".rst", ".html")
_MOST_CHARACTERS = 2_000_000
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*\{?\.?(\w*)[^\n`]*$")
_HTML_BLOCK = re.compile(
    r"<pre[^>]*>(?:\s*<code[^>]*>)?(.*?)(?:</code>\s*)?</pre>", re.S
)
_TAG = re.compile(r"<[^>]{1,200}>")
# What a training prints, and what Python prints; neither is a statement.
_LOG_LINE = re.compile(
    r"^\s*(?:Epoch\s+\d+\s*(?:/\s*\d+)?\s*(?:[:\-,].*)?$|"
    r"\d+/(?:\d+|Unknown)\s*(?:\[|━|-|\s\d+s).*|Train on \d+ samples|"
    r".*\b(?:val_)?(?:loss|acc|accuracy):\s*-?[\d.]+(?:e[+-]?\d+)?\b.*-.*)"
)
_EPOCH_LOG = re.compile(
    r"\b(?:val_)?loss['\"]?\s*[:=]\s*[\[-]?\s*[\d.]|^\s*Epoch\s+\d+", re.M
)
_LOOKS_LIKE_CODE = re.compile(
    r"\.(?:add|compile|fit|fit_generator)\s*\(|\bSequential\s*\(|^\s*(?:from|import)\s+\w|"
    r"\b(?:Dense|Conv1D|Conv2D|LSTM|MLPClassifier|\w+Classifier)\s*\(|^\s*def \w+\(|"
    r"\btrain_test_split\s*\(|^\s*\w+\s*=\s*[\w.]+\(",
    re.M,
)


@dataclass(frozen=True)
class CodeText:
    """Code, with the lines of the file it stands on, and the logs beside it."""

    code: str
    log: str = ""
    name: str = "the code"


def read_text(source: object) -> CodeText:
    """Read code from a path, or take the text itself.

    Parameters
    ----------
    source : str or path-like
        Path of a script, a notebook, a question in Markdown, HTML or plain text; or
        the text of one.

    Raises
    ------
    DiagnosisError
        If it is neither text nor a path.
    OSError
        If the file cannot be opened.
    """
    if not isinstance(source, str | PathLike):
        raise DiagnosisError(
            f"code must be text or a path, got {type(source).__name__}."
        )
    if isinstance(source, PathLike) or _is_path(source):
        path = Path(source)
        text = _decoded(path.read_bytes()[:_MOST_CHARACTERS])
        return _collect(text, path.suffix.lower(), path.name)
    return _collect(source[:_MOST_CHARACTERS], "", "the code")


def _is_path(text: str) -> bool:
    if "\n" in text or len(text) > 1000 or "\0" in text or "(" in text:
        return False
    try:
        is_file = Path(text).is_file()
    except (OSError, ValueError):
        return False
    return is_file or Path(text).suffix.lower() in (*CODE_SUFFIXES, ".txt")


def _decoded(content: bytes) -> str:
    for mark, name in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(name, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _collect(text: str, suffix: str, name: str) -> CodeText:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if suffix == ".ipynb" or (not suffix and text.lstrip()[:1] == "{"):
        cells = _cells(text)
        if cells is not None:
            return CodeText(*_joined(cells), name)
    if suffix == ".py":
        return CodeText(text, "", name)
    lines = text.split("\n")
    if _HTML_BLOCK.search(text):
        lines = _without_html(text).split("\n")
    if any(_FENCE.match(line) for line in lines):
        return CodeText(*_joined(_fenced(lines)), name)
    if suffix in CODE_SUFFIXES or (suffix == ".txt" and _is_indented(lines)):
        return CodeText(*_joined(_indented(lines)), name)
    return CodeText(*_joined(iter([("", lines)])), name)


def _cells(text: str) -> Iterator[tuple[str, list[str]]] | None:
    """Yield the code and the outputs of a notebook; None if it is none."""
    try:
        book = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(book, dict):
        return None
    sheets = book.get("worksheets") or [book]  # nbformat 3 had worksheets
    found = [s.get("cells") for s in sheets if isinstance(s, dict)]
    cells = [c for part in found if isinstance(part, list) for c in part]
    return _parts_of_cells([c for c in cells if isinstance(c, dict)])


def _parts_of_cells(cells: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    for cell in cells:
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))
        yield "python", _plain(source).split("\n")
        for output in cell.get("outputs") or ():
            if isinstance(output, dict):
                data = output.get("data")
                shown = data.get("text/plain") if isinstance(data, dict) else None
                yield "text", _plain(output.get("text", shown or "")).split("\n")


def _plain(part: object) -> str:
    if isinstance(part, list):
        return "".join(str(line) for line in part)
    return part if isinstance(part, str) else ""


def _without_html(text: str) -> str:
    """Put fences around the code blocks of a page, on the lines they stand on."""
    marked = _HTML_BLOCK.sub(lambda m: f"\n```\n{_TAG.sub('', m[1])}\n```\n", text)
    return html.unescape(marked)


def _fenced(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield what stands between fences, and blank lines for what does not."""
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


def _is_indented(lines: list[str]) -> bool:
    """Whether the code of a text is set off by four blanks from prose."""
    flush = "\n".join(line for line in lines if not line.startswith(("    ", "\t")))
    return not _LOOKS_LIKE_CODE.search(flush)


def _indented(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    if not any(line.startswith(("    ", "\t")) for line in lines) or not _is_indented(
        lines
    ):
        yield "", lines
        return
    block: list[str] = []
    for line in lines:
        if line.startswith(("    ", "\t")) or (block and not line.strip()):
            block.append(line[4:] if line.startswith("    ") else line.lstrip("\t"))
            continue
        if block:
            yield "", block
            block = []
        yield "prose", [line]
    if block:
        yield "", block


def _joined(parts: Iterator[tuple[str, list[str]]]) -> tuple[str, str]:
    """Join blocks of code, on their lines, and logs."""
    code: list[str] = []
    logs: list[str] = []
    for language, lines in parts:
        text = "\n".join(lines)
        if language == "prose":
            code.append("")
        elif _is_log(language, text):
            logs += lines
            code += [""] * len(lines)
        else:
            # A block of code and what it printed, as people paste them together.
            printed = [bool(_LOG_LINE.match(line)) for line in lines]
            logs += [x for x, is_log in zip(lines, printed, strict=True) if is_log]
            code += [
                "" if is_log else x for x, is_log in zip(lines, printed, strict=True)
            ]
    return "\n".join(code), "\n".join(logs)


def _is_log(language: str, text: str) -> bool:
    is_python = language in ("python", "py", "python3", "ipython", "pycon")
    if is_python:
        return False
    if not _LOOKS_LIKE_CODE.search(text):
        return bool(_EPOCH_LOG.search(text)) or language in ("text", "console", "bash")
    return False
