"""Dicts that Python prints: a history of lists, or one of numbers for each epoch."""

import re
from collections.abc import Sequence
from typing import Any

from skloss.record.curve_names import canonical_name, is_known_metric
from skloss.record.epoch_rows import Columns, trainings_of_rows
from skloss.record.formats.console import NUMBER

__all__ = ["read_dicts_of_lists", "read_dicts_of_numbers"]

_LIST = re.compile(
    r"""(?:['"]([^'"\n]+)['"]\s*:|\b(?<![\w.])(\w{1,100}) ?=)\s*(?:array\()?"""
    r"""\[([^\[\]]*)\]"""
)
_WRAPPED = re.compile(r"\bnp\.\w+\(([^()]*)\)")
_TENSOR = re.compile(r"\btensor\(([^(),]*)[^()]*\)")
_NUMBER = re.compile(NUMBER, re.IGNORECASE)
_PAIR = re.compile(
    rf"""['"]([^'"\n]{{1,100}})['"]\s?:\s?['"]?({NUMBER})['"]?\s?(?=[,}}])""",
    re.IGNORECASE,
)


def read_dicts_of_lists(text: str) -> list[Columns]:
    """Read ``{'loss': [0.7]}`` or ``loss = [0.7]``, of any types of numbers."""
    trainings: list[dict[str, list[float]]] = [{}]
    plain = _TENSOR.sub(r"\1", _WRAPPED.sub(r"\1", text))
    for quoted, assigned, values in _LIST.findall(plain):
        name = quoted or assigned
        cells = [cell.strip() for cell in values.split(",") if cell.strip()]
        if not cells or not all(map(_NUMBER.fullmatch, cells)):
            continue
        if name in trainings[-1]:
            trainings.append({})
        trainings[-1][name] = [float(cell) for cell in cells]
    return [lists for lists in map(_of_epochs, trainings) if lists]


def _of_epochs(lists: dict[str, list[float]]) -> dict[str, list[float]]:
    """Leave out lists that are no curves beside those of a metric; none without one."""
    lengths = {len(values) for name, values in lists.items() if _is_metric(name)}
    return (
        {n: v for n, v in lists.items() if _is_metric(n) or len(v) in lengths}
        if (lengths)
        else {}
    )


def read_dicts_of_numbers(lines: Sequence[str]) -> list[Columns]:
    """Read ``{'loss': 0.7, 'epoch': 1.0}``, as Hugging Face prints, and JSON lines."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        start = line.find("{")
        row = dict(_PAIR.findall(line, start)) if start >= 0 else {}
        if any(map(_is_metric, row)):
            rows.append(row)
    return trainings_of_rows(rows) if rows else []


def _is_metric(name: str) -> bool:
    return is_known_metric(canonical_name(name) or "")
