"""Plain text of a diagnosis, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from skloss.diagnosis.finding import Finding, Measure
from skloss.diagnosis.words import (
    NO_BREAK,
    measure_text,
    params_text,
    printable,
    tally,
    value_text,
)

if TYPE_CHECKING:
    from skloss.diagnosis.diagnosis import Diagnosis
    from skloss.diagnosis.next_steps import NextStep

__all__ = [
    "by_reason",
    "headline",
    "report",
    "steps_text",
]

_WIDTH = 80
_INDENT = " " * 4
# What to give to ``diagnose``, by words in the reason why a rule was not assessed.
_GIVEN_FOR = (
    ("validation rows", "X_val and y_val"),
    ("training rows", "X and y"),
    ("baseline model", "X and y"),
    ("constant guess", "X and y"),
    ("class shares", "X and y"),
    ("both splits", "X and y"),
    ("layer", "the model"),
    ("final weights", "the model"),
    ("hidden units", "the model"),
    ("settings of the training", "the model"),
    ("learning rate", "the model"),
    ("class weights", "fit_params"),
    ("stopped early", "fit_params"),
    ("curve of the", "the history"),
)
_NOUNS = {"error": "error", "warning": "warning", "info": "remark"}


def report(diagnosis: Diagnosis, verbose: bool = False) -> str:
    """Write a diagnosis as text.

    Parameters
    ----------
    diagnosis : Diagnosis
        What to write.
    verbose : bool, default=False
        Write remarks in full, list the rules that passed, and say why others could not
        be assessed.

    Returns
    -------
    str
        Lines of at most 80 columns, without colors.
    """
    blocks = [_fill(headline(diagnosis))]
    if (gap := diagnosis.gap) is not None:
        blocks.append(_fill(gap.sentence))
        blocks += [gap.to_text()] if verbose else []
    elif verbose and diagnosis.case is not None and diagnosis.case.no_gap:
        blocks.append(_fill(f"The gap was not measured: {diagnosis.case.no_gap}."))
    blocks += [_in_full(finding) for finding in diagnosis.findings if finding.is_alarm]
    remarks = [finding for finding in diagnosis.findings if not finding.is_alarm]
    if verbose:
        blocks += map(_in_full, remarks)
    elif remarks:
        blocks.append("\n".join(map(_in_short, remarks)))
    if diagnosis.notes:
        blocks.append(_lines(f"Note: {note}" for note in diagnosis.notes))
    wanted = to_give(diagnosis)
    if wanted and diagnosis.case is not None:
        parts = (f"{what} ({tally(n, 'check')})" for what, n in wanted.items())
        blocks.append(_fill(f"To check more, give {', '.join(parts)}.", hang=4))
    if verbose:
        blocks += _silent_rules(diagnosis)
    return "\n\n".join(blocks)


def steps_text(steps: Sequence[NextStep]) -> str:
    """Write what to do next; an empty text if there is nothing to do.

    Examples
    --------
    >>> from skloss.diagnosis import NextStep
    >>> print(steps_text([NextStep("Use 5 folds instead of 3.", "--folds 5")]))
    What to do next:
      1. Use 5 folds instead of 3.
         --folds 5
    """
    if not steps:
        return ""
    lines = ["What to do next:"]
    for number, step in enumerate(steps, start=1):
        lines.append(_fill(f"{number}. {step.text}", "  ", hang=3))
        # A line of code is not broken, so that it can be copied.
        lines += [f"     {printable(step.code)}"] if step.code else []
    return "\n".join(lines)


def headline(diagnosis: Diagnosis) -> str:
    """Say what was found or, if no fault was, in how many of the checks."""
    told = _counts(diagnosis)
    is_partial = diagnosis.case is not None and diagnosis.case.is_partial
    return f"{told}; only a part of the code was read" if is_partial else told


def _counts(diagnosis: Diagnosis) -> str:
    counts = [
        tally(sum(f.severity == severity for f in diagnosis.findings), noun)
        for severity, noun in _NOUNS.items()
        if any(f.severity == severity for f in diagnosis.findings)
    ]
    n_passed, n_not = len(diagnosis.passed), len(diagnosis.not_assessed)
    if diagnosis.ok:
        return "; ".join([_no_fault(diagnosis), *counts])
    rules = [tally(n_passed, "rule") + " passed"] if n_passed else []
    if n_not:
        rules.append(f"{n_not if rules else tally(n_not, 'rule')} not assessed")
    return "; ".join(", ".join(part) for part in (counts, rules) if part)


def _no_fault(diagnosis: Diagnosis) -> str:
    """Say how much was looked at, since a check that is left out finds nothing."""
    n_not = len(diagnosis.not_assessed)
    n_done = len(diagnosis.passed) + len(diagnosis.findings)
    if not n_done:
        return "Nothing could be assessed"
    if not n_not:
        return f"No fault found in {tally(n_done, 'check')}"
    done = f"No fault found in the {n_done} of {tally(n_done + n_not, 'check')}"
    case = diagnosis.case
    if case is None or case.origin != "curves":
        return f"{done} that were possible"
    return f"{done} that these curves allow"


def to_give(diagnosis: Diagnosis) -> dict[str, int]:
    """Count the checks that were not assessed by what to give for them."""
    counts: dict[str, int] = {}
    rows_only = diagnosis.case is not None and diagnosis.case.is_closed_form
    for reason in diagnosis.not_assessed.values():
        what = next((w for part, w in _GIVEN_FOR if part in reason), None)
        if what is not None and (not rows_only or what == "X and y"):
            counts[what] = counts.get(what, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def by_reason(not_assessed: Mapping[str, str]) -> dict[str, list[str]]:
    """Group the rules that could not be assessed by reason, most frequent first."""
    groups: dict[str, list[str]] = {}
    for name, reason in not_assessed.items():
        groups.setdefault(reason, []).append(name)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def _in_full(finding: Finding) -> str:
    blocks = [
        _fill(f"{finding.severity}  {finding.name} ({finding.code})", hang=4),
        _fill(finding.title, _INDENT),
    ]
    if finding.evidence:
        measures = (_measured(name, m) for name, m in finding.evidence.items())
        blocks.append(_fill("; ".join(measures), _INDENT))
    if finding.fix:
        call = f"  [{params_text(finding.params)}]" if finding.params else ""
        blocks.append(_fill(f"Fix: {finding.fix}{call}", _INDENT, hang=5))
    label = "explains: "
    for symptom in finding.explains:
        text = f"{symptom.name}: {symptom.title}"
        blocks.append(_fill(label + text, _INDENT, hang=10))
        label = NO_BREAK * len(label)
    return "\n".join(blocks)


def _in_short(finding: Finding) -> str:
    text = f"{finding.severity}  {finding.name} ({finding.code}): {finding.title}"
    return _fill(text, hang=4)


def _silent_rules(diagnosis: Diagnosis) -> Iterable[str]:
    """List the rules that passed, and those that could not be assessed."""
    if diagnosis.passed:
        names = ", ".join(diagnosis.passed)
        yield f"Passed ({len(diagnosis.passed)}):\n" + _fill(names, _INDENT)
    if diagnosis.not_assessed:
        groups = by_reason(diagnosis.not_assessed).items()
        reasons = _lines(
            (f"{reason}: {', '.join(names)}" for reason, names in groups), _INDENT
        )
        yield f"Not assessed ({len(diagnosis.not_assessed)}):\n{reasons}"


def _measured(name: str, measure: Measure) -> str:
    """Write "11 linear layers", "training loss: 0.16 nats", "optimizer: adam"."""
    if measure.unit and name.split()[-1:] == [measure.unit]:
        value = value_text(measure.value)
        return f"{name}: {value}" if measure.value == 1 else f"{value} {name}"
    return f"{name}: {measure_text(measure)}"


def _lines(texts: Iterable[str], indent: str = "") -> str:
    return "\n".join(_fill(text, indent, hang=4) for text in texts)


def _fill(text: str, indent: str = "", hang: int = 0) -> str:
    filled = textwrap.fill(
        printable(text),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + " " * hang,
        break_on_hyphens=False,  # names of rules must stay whole
    )
    return filled.replace(NO_BREAK, " ")
