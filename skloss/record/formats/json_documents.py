"""JSON of Keras, R, pandas, skorch and Hugging Face, and outputs of notebooks."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skloss.record.curve_names import canonical_name, is_known_metric
from skloss.record.epoch_rows import Columns, trainings_of_columns, trainings_of_rows

__all__ = ["output_texts", "read_json"]

_HOLDERS = ("log_history", "history", "metrics")  # Hugging Face; Keras; R
_SIDES = ("train", "training", "val", "valid", "validation", "test")
_ROW_ENDS = re.compile(r"</tr\s*>", re.IGNORECASE)
_CELL_STARTS = re.compile(r"<t[dh]\b[^<>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]*>")


def read_json(content: Any) -> list[Columns]:
    """Read lists, rows, or whatever holds these; none if it is something else."""
    if isinstance(content, Sequence) and not isinstance(content, str):
        rows = list(content)
        is_rows = bool(rows) and all(isinstance(row, Mapping) for row in rows)
        return trainings_of_rows(list(map(_flat, rows))) if is_rows else []
    if not isinstance(content, Mapping):
        return []
    for holder in _HOLDERS:
        if isinstance(content.get(holder), Mapping | list):
            return read_json(content[holder])
    if _is_split(content):
        return read_json(
            [
                dict(zip(content["columns"], row, strict=False))
                for row in content["data"]
            ]
        )
    nested = {name: part for name, part in content.items() if isinstance(part, Mapping)}
    if not nested:
        return trainings_of_columns(content)
    if any(name.lower() in _SIDES for name in nested):
        return trainings_of_columns(_joined_sides(content))
    if any(map(_is_metric, nested)):  # pandas' orient="columns"
        return trainings_of_columns(
            {n: list(p.values()) if n in nested else p for n, p in content.items()}
        )
    return _of_parts(list(nested.values()))


def _is_split(content: Mapping[str, Any]) -> bool:
    """Whether it is pandas' orient="split": names of columns, and rows."""
    names, rows = content.get("columns"), content.get("data")
    if not isinstance(names, list) or not isinstance(rows, list):
        return False
    return all(isinstance(name, str) for name in names) and all(
        isinstance(row, list) for row in rows
    )


def _of_parts(parts: Sequence[Mapping[str, Any]]) -> list[Columns]:
    """Rows by number, as pandas' orient="index", or trainings by name, as folds."""
    if all(any(map(_is_metric, part)) for part in parts):
        cells = [
            cell for part in parts for name, cell in part.items() if _is_metric(name)
        ]
        if not any(isinstance(cell, list) for cell in cells):
            return trainings_of_rows(parts)
    return [training for part in parts for training in read_json(part) if training]


def _joined_sides(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return lists by side and name as lists by name."""
    joined: dict[str, Any] = {}
    for side, part in content.items():
        if not isinstance(part, Mapping):
            joined[side] = part
        elif side.lower() in _SIDES:
            joined |= {f"{side}_{name}": values for name, values in part.items()}
    return joined


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Row without rows of its batches, and with the names of its sides joined."""
    if any(isinstance(part, Mapping) for part in row.values()):
        row = _joined_sides(row)
    return {
        name: cell
        for name, cell in row.items()
        if not (isinstance(cell, list) and cell and isinstance(cell[0], Mapping))
    }


def output_texts(notebook: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that the cells of a notebook show; tables of HTML with bars."""
    for cell in _mappings(notebook.get("cells")):
        stream = ""
        for output in _mappings(cell.get("outputs")):
            data = output.get("data")
            if not isinstance(data, Mapping):
                stream += _joined(output.get("text"))
                continue
            table = _joined(data.get("text/html"))
            yield (
                _with_bars(table) if "<t" in table else _joined(data.get("text/plain"))
            )
        yield stream


def _with_bars(table: str) -> str:
    lines = _ROW_ENDS.sub("\f", table.replace("\n", " "))
    return html.unescape(_TAGS.sub("", _CELL_STARTS.sub("|", lines))).replace(
        "\f", "\n"
    )


def _mappings(content: Any) -> list[Mapping[str, Any]]:
    parts = content if isinstance(content, list) else []
    return [part for part in parts if isinstance(part, Mapping)]


def _joined(lines: Any) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")


def _is_metric(name: Any) -> bool:
    return is_known_metric(canonical_name(str(name)) or "")
