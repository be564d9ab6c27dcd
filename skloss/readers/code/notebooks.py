"""Cells of a notebook, and what they printed."""

import json
from collections.abc import Iterator
from typing import Any

from skloss.readers.code.blocks import Block

__all__ = ["notebook_blocks"]


def notebook_blocks(text: str) -> Iterator[Block] | None:
    """Return code and outputs of a notebook; None if the text is no notebook."""
    try:
        book = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(book, dict):
        return None
    sheets = book.get("worksheets") or [book]  # nbformat 3 had worksheets
    found = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    cells = [cell for part in found if isinstance(part, list) for cell in part]
    return (
        _blocks([cell for cell in cells if isinstance(cell, dict)]) if cells else None
    )


def _blocks(cells: list[dict[str, Any]]) -> Iterator[Block]:
    for cell in cells:
        if cell.get("cell_type") != "code":
            continue
        yield "python", _plain(cell.get("source", cell.get("input", ""))).split("\n")
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                data = output.get("data")
                shown = data.get("text/plain") if isinstance(data, dict) else None
                yield "output", _plain(output.get("text", shown)).split("\n")


def _plain(part: object) -> str:
    if isinstance(part, list):
        return "".join(str(line) for line in part)
    return part if isinstance(part, str) else ""
