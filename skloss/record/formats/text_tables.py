"""Tables as text: of skorch and fastai, and of Markdown, as Hugging Face's cards."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from skloss.record.curve_names import canonical_name, is_counter, is_known_metric
from skloss.record.epoch_rows import Columns, trainings_of_rows
from skloss.record.formats.console import NUMBER

__all__ = ["read_text_tables"]

_HINT = re.compile("loss|acc|f1|auc|precision|recall", re.IGNORECASE)
_CELL = re.compile(rf"{NUMBER}%?", re.IGNORECASE)
_RULER = re.compile(r"[-─=]{2,}+(?: ++[-─=]{2,}+)+")
Split = Callable[[str], list[str]]


def read_text_tables(lines: Sequence[str]) -> list[Columns]:
    """Read the rows below a head of which at least one name is a loss or a metric."""
    rows: list[dict[str, Any]] = []
    head: list[str] = []
    split: Split = str.split
    for at, line in enumerate(lines):
        new = _head(line)
        if new is not None:
            head, split = (
                new,
                _split_of(line, lines[at + 1] if at + 1 < len(lines) else ""),
            )
        elif head:
            row = _row(head, split(line))
            rows += [row] if row else []
    return trainings_of_rows(rows) if rows else []


def _head(line: str) -> list[str] | None:
    """Names in a head; None if a line is none."""
    if not line or line[0].isdigit() or _HINT.search(line) is None:
        return None
    names = _cells(line) if "|" in line else line.split()
    known = sum(map(_is_metric, names))
    others = sum(map(is_counter, names))
    if not known or known + others < 2 or any(map(_CELL.fullmatch, names)):
        return None
    return names


def _split_of(head: str, ruler: str) -> Split:
    """How the lines of a table are split: at bars, below a ruler, or at blanks."""
    if "|" in head:
        return _cells
    if _RULER.fullmatch(ruler) is None:
        return str.split
    # Lines are stripped. Columns to the right of a number line up at their right end.
    width = len(ruler)
    spans = [(m.start() - width, m.end() - width) for m in re.finditer(r"\S+", ruler)]
    return lambda line: [line[a : b or None].strip() for a, b in spans]


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip() for cell in inner.split("|")]


def _row(head: Sequence[str], cells: Sequence[str]) -> dict[str, Any] | None:
    """Values of a row by name; None if it is none of this table."""
    if len(cells) != len(head):
        return None
    row = {
        name: float(cell.removesuffix("%")) / (100 if cell.endswith("%") else 1)
        for name, cell in zip(head, cells, strict=True)
        if _CELL.fullmatch(cell)
    }
    others = [cell for cell in cells if not _CELL.fullmatch(cell)]
    if not any(map(_is_metric, row)) or len(others) > len(cells) // 2:
        return None
    return row


def _is_metric(name: str) -> bool:
    return is_known_metric(canonical_name(name) or "")
