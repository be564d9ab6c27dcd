"""Diagnose code and log, and show the lines of the code as evidence."""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from skloss.diagnosis import Diagnosis, Finding, Measure, examine
from skloss.exceptions import RecordFormatError
from skloss.readers.code.case import code_case
from skloss.readers.code.texts import read_text
from skloss.record import read_curves
from skloss.record.history_files import lists_of_text

__all__ = ["diagnose_code"]

_MOST_OF_LOG = 2_000_000  # bytes, for the number of steps
# The line that shows a finding, by the family of its rule, then by its name.
_LINE_OF_FAMILY = {"N": "hidden", "C": "compile", "O": "compile", "V": "split"}
_LINE_OF_RULE = {
    **dict.fromkeys(
        (
            "softmax-one-unit",
            "binary-head-for-multiclass",
            "relu-output",
            "linear-output",
            "linear-output-without-from-logits",
            "sigmoid-output-multiclass",
            "single-unit-categorical-ce",
            "softmax-on-multilabel",
            "class-count-mismatch",
            "bce-on-softmax2",
        ),
        "head",
    ),
    **dict.fromkeys(
        (
            "batch-too-large",
            "batch-too-small",
            "class-weight-without-effect",
            "batchnorm-momentum-lag",
            "batchnorm-tiny-batch",
            "unshuffled-tail-validation",
            "too-few-epochs",
            "no-validation",
        ),
        "fit",
    ),
    "wrong-monitor": "stop",
    "resample-before-split": "sample",
    "train-val-prior-shift": "sample",
    "test-scaling-mismatch": "scale",
    "single-class-target": "labels",
    "argmax-of-one-unit": "decision",
    "logits-read-as-probabilities": "decision",
    "target-encoding-mismatch": "encoding",
}


def diagnose_code(
    code: object,
    history: object = None,
    run: int | None = None,
    ignore: Iterable[str] = (),
) -> Diagnosis:
    """Diagnose code, with the curves of its log where there are any."""
    text = read_text(code)
    if history is None:
        curves, log, notes = _curves_of_text(text.log, run)
    else:
        curves, log, notes = _curves_of(history, run)
    case, lines, unread = code_case(text.code, curves, log)
    if not text.has_lines:  # the rest of running text is prose
        lines, unread = {}, ()
    diagnosis = examine(case, (*text.notes, *notes, *unread), ignore)
    findings = tuple(_with_line(one, lines, text.cells) for one in diagnosis.findings)
    return replace(diagnosis, findings=findings)


def _curves_of(
    history: object,
    run: int | None,
) -> tuple[dict[str, np.ndarray], str, tuple[str, ...]]:
    """Return the curves of a history, and its text where it is a log."""
    if isinstance(history, str) and _is_text(history):
        return _curves_of_text(history, run)
    curves, notes = read_curves(history, run)
    log = ""
    if isinstance(history, str | PathLike):
        with Path(history).open("rb") as file:
            log = file.read(_MOST_OF_LOG).decode("utf-8", "replace")
    return curves, log, notes


def _is_text(history: str) -> bool:
    return "\n" in history or history.lstrip()[:1] == "{" or not history.strip()


def _curves_of_text(
    log: str,
    run: int | None,
) -> tuple[dict[str, np.ndarray], str, tuple[str, ...]]:
    if not log.strip():
        return {}, log, ()
    try:
        lists, which = lists_of_text(log, run)
        curves, notes = read_curves(lists)
    except RecordFormatError as err:
        return {}, log, (f"the log was not understood: {err}",)
    return curves, log, (which, *notes) if which else notes


def _with_line(
    finding: Finding, lines: Mapping[str, int], cells: Sequence[int]
) -> Finding:
    name = _LINE_OF_RULE.get(finding.name, _LINE_OF_FAMILY.get(finding.code[0], ""))
    line = lines.get(name, lines.get("model") if name in ("hidden", "head") else None)
    if line is None:
        return finding
    cell = bisect(cells, line)
    place: object = f"{line - cells[cell - 1] + 1} of cell {cell}" if cell else line
    evidence = {**finding.evidence, "line of the code": Measure(place, "")}
    return replace(finding, evidence=evidence)
