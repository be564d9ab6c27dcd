"""Collect code and printed logs from scripts, questions and notebooks, as text."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from os import PathLike
from pathlib import Path

from skloss.exceptions import DiagnosisError
from skloss.readers.code.blocks import (
    Block,
    is_log,
    is_log_line,
    looks_like_code,
    marked_blocks,
    may_hold_log,
    shows_printed_curves,
)
from skloss.readers.code.notebooks import notebook_blocks
from skloss.readers.code.running_text import statements_in

__all__ = ["CODE_SUFFIXES", "CodeText", "is_code_path", "read_text"]

CODE_SUFFIXES = (".py", ".ipynb", ".md", ".markdown", ".rst", ".html")
_MOST_CHARACTERS = 2_000_000
_MOST_BYTES = 100_000_000  # of a notebook with its pictures
_LONGEST_LINE = 200  # of code as people write it; a longer one is running text
_LONGEST_PATH = 1_000


@dataclass(frozen=True)
class CodeText:
    """Code, with the lines of the file it stands on, and the logs beside it."""

    code: str
    log: str = ""
    has_lines: bool = True  # False if the code stood in running text
    cells: tuple[int, ...] = ()  # first lines of the cells of a notebook
    notes: tuple[str, ...] = ()


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
            "code must be a text, or the path of a script, notebook or question, got "
            f"{type(source).__name__}."
        )
    if isinstance(source, PathLike) or _is_path(source):
        path = Path(source)
        with path.open("rb") as file:
            text = _decoded(file.read(_MOST_BYTES))
        return _collected(text, path.suffix.lower())
    return _collected(source, "")


def is_code_path(source: object) -> bool:
    """Whether a source is the path of a script, a notebook or a question."""
    if not isinstance(source, str | PathLike) or "\n" in str(source):
        return False
    path = Path(source)
    if path.suffix.lower() in CODE_SUFFIXES:
        return True
    if path.suffix.lower() != ".txt" or not path.is_file():
        return False
    with path.open("rb") as file:
        return looks_like_code(_decoded(file.read(_MOST_CHARACTERS)))


def _is_path(text: str) -> bool:
    if any(sign in text for sign in "\n\0(") or len(text) > _LONGEST_PATH:
        return False
    try:
        is_file = Path(text).is_file()
    except (OSError, ValueError):
        return False
    return is_file or Path(text).suffix.lower() in (*CODE_SUFFIXES, ".txt")


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _collected(text: str, suffix: str) -> CodeText:
    if suffix == ".ipynb" or (not suffix and text.lstrip()[:1] == "{"):
        blocks = notebook_blocks(text)
        if blocks is not None:
            return _of_cells(list(blocks))
    notes: tuple[str, ...] = ()
    if len(text) > _MOST_CHARACTERS:
        notes = (f"only the first {_MOST_CHARACTERS} characters of the code were read",)
    text = text[:_MOST_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    if suffix == ".py":
        return CodeText(text, notes=notes)
    found = _joined(marked_blocks(text, suffix))
    if not found.log and shows_printed_curves(text):
        found = CodeText(found.code, text)
    cut = _cut_from_running_text(found.code)
    if cut is None:
        return CodeText(found.code, found.log, notes=notes)
    return CodeText(cut, found.log, has_lines=False, notes=notes)


def _of_cells(blocks: list[Block]) -> CodeText:
    found = _joined(blocks)
    ends = accumulate(len(lines) for _, lines in blocks)
    starts = [0, *ends]
    cells = [
        start + 1
        for start, (language, _) in zip(starts, blocks, strict=False)
        if language == "python"
    ]
    return CodeText(found.code, found.log, cells=tuple(cells))


def _cut_from_running_text(code: str) -> str | None:
    """Return code that stands within long lines of prose; None if there is none."""
    lines: list[str] = []
    is_cut = False
    for line in code.split("\n"):
        if len(line) > _LONGEST_LINE and looks_like_code(line):
            lines += statements_in(line)
            is_cut = True
        else:
            lines.append(line)
    return "\n".join(lines) if is_cut else None


def _joined(blocks: Iterable[Block]) -> CodeText:
    """Join blocks of code, each on its line, and logs."""
    code: list[str] = []
    log: list[str] = []
    for language, lines in blocks:
        if language == "prose":
            code += [""] * len(lines)
        elif is_log(language, text := "\n".join(lines)):
            log += lines
            code += [""] * len(lines)
        elif not may_hold_log(text):
            code += lines
        else:
            # A block of code and what it printed, as people paste them together.
            for line in lines:
                printed = is_log_line(line)
                log += [line] * printed
                code.append("" if printed else line)
    return CodeText("\n".join(code), "\n".join(log))
