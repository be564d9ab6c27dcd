"""CSV: of CSVLogger, Lightning, Ultralytics, W&B, TensorBoard, R and spreadsheets."""

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any

from skloss.record.curve_names import canonical_name, is_known_metric
from skloss.record.epoch_rows import Columns, trainings_of_rows
from skloss.record.text_files import not_a_history

__all__ = ["read_csv"]

_LINES_BEFORE_HEAD = 20
_OF_RUN = re.compile(r"(?P<run>.+) - (?P<name>[^-]+?)(?P<range>__MIN|__MAX)?")
_TAG = re.compile(r"tag-(?P<tag>.+)$")
# Ultralytics measures them on validation rows. Its loss is the sum of its parts.
_MEASURED = re.compile(r"metrics/(?P<name>\w+)")
_PART_OF_LOSS = re.compile(r"(?P<side>train|val)/\w+_loss")


def read_csv(text: str, name: str) -> list[Columns]:
    """Read a table whose head names a loss or a metric, or raise.

    Parameters
    ----------
    text : str
        The table; a ``CSVLogger`` that appended to a file repeats the head.
    name : str
        Path of the file, for messages and for the tag in TensorBoard's names.
    """
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if [cell.strip() for cell in first.split(",")] == ["Wall time", "Step", "Value"]:
        lines, first = _of_tensorboard(lines, name)
    delimiter = max(",;\t", key=first.count)
    try:
        table = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    except csv.Error as err:
        raise not_a_history(f"{name} is no table of values ({err})") from err
    at = next(
        (i for i, row in enumerate(table[:_LINES_BEFORE_HEAD]) if _is_head(row)), None
    )
    if at is None:
        raise not_a_history(f"the first line of {name} names no loss or metric")
    head = [cell.strip() for cell in table[at]]
    rows = [row for row in table[at + 1 :] if [cell.strip() for cell in row] != head]
    for number, row in enumerate(rows, 1):
        if len(row) != len(head):
            raise not_a_history(
                f"row {number} of {name} has {len(row)} of {len(head)} values; "
                "the file may have been cut short"
            )
    if not rows:
        return [dict.fromkeys(head, ())]
    if {"metric", "value", "epoch"} <= set(head):
        return trainings_of_rows(_of_long_table(head, rows))
    if any(map(_OF_RUN.fullmatch, head)):
        return _of_runs(head, rows)
    names = _unique(head)
    named = [dict(zip(names, row, strict=True)) for row in rows]
    return trainings_of_rows(_of_ultralytics(names, named))


def _is_head(row: Sequence[str]) -> bool:
    names = {cell.strip() for cell in row}
    long = {"metric", "value", "epoch"} <= names
    return (
        long
        or any(canonical_name(_name_of(name)) for name in names)
        or any(map(_PART_OF_LOSS.fullmatch, names))
    )


def _name_of(written: str) -> str:
    """Name of a curve without the run that W&B writes before it."""
    run = _OF_RUN.fullmatch(written)
    return written if run is None else run["name"]


def _unique(head: Sequence[str]) -> list[str]:
    """Return names of which those that stand twice are numbered, as by pandas."""
    seen: dict[str, int] = {}
    names = []
    for name in head:
        seen[name] = seen.get(name, -1) + 1
        names.append(f"{name}.{seen[name]}" if seen[name] else name)
    return names


def _of_tensorboard(lines: Sequence[str], name: str) -> tuple[list[str], str]:
    """Name the one curve by the file, which TensorBoard calls ``run-...-tag-...``."""
    stem = re.sub(r"\.[^./\\]*$", "", name)
    tag = _TAG.search(stem)
    written = "" if tag is None else re.sub(r"^(epoch_|.*/)", "", tag["tag"])
    if canonical_name(written) is None:
        raise not_a_history(
            f"{name} is one curve that TensorBoard exported, and the file does not "
            "tell its name; give a table of all curves, or the folder of event files"
        )
    is_validation = re.search(r"val(id(ation)?)?(-|$)", stem[: tag.start()])  # type: ignore[union-attr]
    side = "val_" if is_validation and not written.startswith("val") else ""
    head = f"time,epoch,{side}{written}"
    rest = lines[lines.index(next(filter(str.strip, lines))) + 1 :]
    return [head, *rest], head


def _of_long_table(
    head: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[Mapping[str, Any]]:
    """Rows of R's ``as.data.frame(history)``: epoch, value, metric and data."""
    named = [dict(zip(head, row, strict=True)) for row in rows]
    return [
        {
            "epoch": row["epoch"],
            ("val_" if row.get("data", "").startswith("val") else "")
            + row["metric"]: "" if row["value"] == "NA" else row["value"],
        }
        for row in sorted(named, key=lambda row: _order(row["epoch"]))
    ]


def _order(epoch: str) -> float:
    try:
        return float(epoch)
    except ValueError:
        return 0.0


def _of_runs(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Columns]:
    """Trainings of W&B's export, a column for each run and curve."""
    runs: dict[str, dict[str, int]] = {}
    for at, written in enumerate(head):
        match = _OF_RUN.fullmatch(written)
        if match is not None and match["range"] is None:
            runs.setdefault(match["run"], {})[match["name"]] = at
    step = {"epoch": 0} if head[0].lower() in ("step", "epoch") else {}
    trainings: list[Columns] = []
    for columns in runs.values():
        places = {**step, **columns}
        trainings += trainings_of_rows(
            [{name: row[at] for name, at in places.items()} for row in rows]
        )
    return trainings


def _of_ultralytics(
    names: Sequence[str], rows: list[dict[str, Any]]
) -> list[Mapping[str, Any]]:
    """Say of Ultralytics' columns which are of validation, and add up its losses."""
    renamed = {n: f"val_{m['name']}" for n in names if (m := _MEASURED.match(n))}
    parts: dict[str, list[str]] = {}
    if not any(is_known_metric(canonical_name(name) or "") for name in names):
        for name in names:
            match = _PART_OF_LOSS.fullmatch(name)
            if match is not None:
                parts.setdefault(f"{match['side']}_loss", []).append(name)
    if not renamed and not parts:
        return rows  # type: ignore[return-value]
    return [
        {
            **{renamed.get(name, name): cell for name, cell in row.items()},
            **{
                side: _sum(row[name] for name in losses)
                for side, losses in parts.items()
            },
        }
        for row in rows
    ]


def _sum(cells: Any) -> float | str:
    try:
        return sum(map(float, cells))
    except ValueError:
        return ""
