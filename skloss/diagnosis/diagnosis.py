"""``Diagnosis``: the findings about one training, causes first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from skloss.diagnosis import html, text
from skloss.diagnosis.case import Case
from skloss.diagnosis.finding import SEVERITIES, Finding, Findings
from skloss.diagnosis.next_steps import NextStep, next_steps
from skloss.diagnosis.rule import RULES, NotApplicable
from skloss.exceptions import DiagnosisError
from skloss.nearest_name import did_you_mean
from skloss.record.loss_gap import LossGap
from skloss.record.plain_values import as_plain, as_strict_json

__all__ = ["Diagnosis", "examine"]


@dataclass(frozen=True)
class Diagnosis:
    """The findings about one training, and the rules that passed or were not assessed.

    It is displayed as text in a terminal and as HTML in a notebook.

    Parameters
    ----------
    findings : tuple of Finding
        Causes first; symptoms of a cause are nested in its ``explains``.
    passed : tuple of str
        Names of the rules that found nothing.
    not_assessed : dict of str to str
        Names of the rules that could not be assessed, with the reasons.
    notes : tuple of str
        Parts of the source that could not be read.
    case : Case or None
        What the rules looked at.

    Examples
    --------
    >>> from skloss.diagnosis import Finding
    >>> symptom = Finding(
    ...     "G01", "majority-collapse", "warning", "The minority is never predicted.",
    ...     {"recall": 0.0}, "Fix the cause first.",
    ... )
    >>> cause = Finding(
    ...     "N03", "linear-stack", "error", "11 layers equal one linear layer.",
    ...     {"linear layers": (11, "layers")}, "Set an activation in hidden layers.",
    ...     params={"activation": "relu"}, explains=(symptom,),
    ... )
    >>> diagnosis = Diagnosis((cause,), passed=("relu-output",))
    >>> diagnosis
    1 error; 1 rule passed
    <BLANKLINE>
    error  linear-stack (N03)
        11 layers equal one linear layer.
        11 linear layers
        Fix: Set an activation in hidden layers.  [activation="relu"]
        explains: majority-collapse: The minority is never predicted.
    >>> diagnosis.ok, diagnosis.find("majority_collapse").severity
    (False, 'warning')
    """

    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    not_assessed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    case: Case | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", Findings(self.findings))

    @property
    def ok(self) -> bool:
        """Whether there is no alarm: no error and no warning."""
        return not any(finding.is_alarm for finding in self.findings)

    @property
    def gap(self) -> LossGap | None:
        """The gap between training and validation loss; None if it is not known."""
        return None if self.case is None else self.case.gap

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """What to do next: at most three steps, the largest expected gain first.

        Examples
        --------
        >>> from skloss.diagnosis import Finding
        >>> nan = Finding("D01", "nan-in-inputs", "error", "NaN.", {}, "Impute them.")
        >>> Diagnosis((nan,)).next_steps[0].code
        'make_pipeline(SimpleImputer(strategy="median"), classifier)'
        """
        return next_steps(self.findings, self.case)

    def find(self, name: str) -> Finding | None:
        """Return the finding of a rule, or None; symptoms are searched as well.

        Parameters
        ----------
        name : str
            Name of the rule, with hyphens or underscores.
        """
        wanted = name.replace("_", "-")
        everything = _with_symptoms(self.findings)
        return next((f for f in everything if f.name == wanted), None)

    def to_text(self, verbose: bool = False) -> str:
        """Return the diagnosis as text.

        Parameters
        ----------
        verbose : bool, default=False
            Write remarks in full, list the rules that passed, and say why others could
            not be assessed.

        Returns
        -------
        str
            Lines of at most 80 columns, without colors.

        Examples
        --------
        >>> reason = "the network is not known"
        >>> text = Diagnosis(not_assessed={"linear-stack": reason}).to_text(True)
        >>> print(text)
        Nothing could be assessed
        <BLANKLINE>
        Not assessed (1):
            the network is not known: linear-stack
        """
        return text.report(self, verbose)

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return html.fragment(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as plain values that strict JSON can represent.

        NumPy values become Python values. The texts "NaN", "Infinity" and "-Infinity"
        stand for numbers that are not finite, which strict JSON does not have.

        Examples
        --------
        >>> Diagnosis(passed=("relu-output",)).to_dict()["passed"]
        ['relu-output']
        """
        content = {
            "ok": self.ok,
            "findings": [finding.to_dict() for finding in self.findings],
            "passed": list(self.passed),
            "not_assessed": dict(self.not_assessed),
            "notes": list(self.notes),
            "gap": None if self.gap is None else self.gap.to_dict(),
            "next_steps": [step.to_dict() for step in self.next_steps],
        }
        return as_strict_json(as_plain(content, other=str))

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as JSON.

        Parameters
        ----------
        indent : int, default=None
            Spaces per level. None writes one line.

        Examples
        --------
        >>> Diagnosis(passed=("relu-output",)).to_json()[:53]
        '{"ok": true, "findings": [], "passed": ["relu-output"'
        """
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def raise_for_errors(self) -> None:
        """Raise if there is a finding of severity "error".

        Raises
        ------
        DiagnosisError
            With the names and titles of these findings, causes first.

        Examples
        --------
        >>> from skloss.diagnosis import Finding
        >>> Diagnosis().raise_for_errors()
        >>> nan = Finding("O01", "nonfinite-loss", "error", "The loss is NaN.", {}, "")
        >>> Diagnosis((nan,)).raise_for_errors()
        Traceback (most recent call last):
        skloss.exceptions.DiagnosisError: nonfinite-loss: The loss is NaN.
        """
        everything = _with_symptoms(self.findings)
        errors = [f for f in everything if f.severity == "error"]
        if errors:
            raise DiagnosisError(" ".join(f"{f.name}: {f.title}" for f in errors))


def examine(
    case: Case, notes: Iterable[str] = (), ignore: Iterable[str] = ()
) -> Diagnosis:
    """Run all rules over a case.

    Parameters
    ----------
    case : Case
        All that is known about one training.
    notes : iterable of str, default=()
        Handed on.
    ignore : iterable of str, default=()
        Codes or names of rules that are not run. They are listed as not assessed.

    Returns
    -------
    Diagnosis
        Every rule is in it once: as a finding, as passed, or as not assessed.

    Raises
    ------
    DiagnosisError
        If there is no rule of a code or name in `ignore`.

    Examples
    --------
    >>> from skloss.diagnosis import RULES
    >>> nothing_known = examine(Case(), notes=["the file is empty"])
    >>> nothing_known.ok, len(nothing_known.not_assessed) == len(RULES)
    (True, True)
    >>> nothing_known.notes
    ('the file is empty',)
    """
    found: list[Finding] = []
    passed: list[str] = []
    not_assessed: dict[str, str] = {}
    failed: list[str] = []
    left_out = _names_of_rules(ignore)
    for name, rule in RULES.items():
        if name in left_out:
            not_assessed[name] = "it was to be ignored"
            continue
        try:
            finding = rule.inspect(case)
        except NotApplicable as reason:
            not_assessed[name] = str(reason)
            continue
        except Exception as error:
            not_assessed[name] = internal_error(name, error)
            failed.append(name)
            continue
        if finding is None:
            passed.append(name)
        else:
            found.append(finding)
    ordered = _in_order_of_cause(found)
    notes = (*notes, *(f"{name}: {not_assessed[name]}" for name in failed))
    return Diagnosis(tuple(ordered), tuple(passed), not_assessed, notes, case)


def _names_of_rules(ignore: Iterable[str]) -> set[str]:
    """Return the names of rules that are given by name or code, in any case."""
    ignore = [ignore] if isinstance(ignore, str) else list(ignore)
    by_code = {rule.code.lower(): name for name, rule in RULES.items() if ignore}
    names = set()
    for given in ignore:
        small = str(given).strip().lower().replace("_", "-")
        if small not in RULES and small not in by_code:
            codes = [code.upper() for code in by_code]
            hint = did_you_mean(str(given), [*RULES, *codes])
            raise DiagnosisError(f"There is no rule {given!r} to ignore.{hint}")
        names.add(by_code.get(small, small))
    return names


def internal_error(name: str, error: Exception) -> str:
    """Say that a rule failed; the tests replace this by raising the error.

    A fault of one rule must not take the findings of the others along.
    """
    return f"internal error, please report ({type(error).__name__}: {error})"


def _in_order_of_cause(found: list[Finding]) -> list[Finding]:
    """Nest symptoms under their first cause, and sort by severity.

    Only an alarm explains other findings. A cause gets the severity of its worst
    symptom. The symptom of a symptom is nested under the root cause of both.
    """
    explained_by: dict[str, str] = {}
    # Rules can explain each other. Going backwards, the later rule is assigned to the
    # earlier one first, and the check of the root then prevents a circle.
    for finding in reversed(found):
        for cause in found:
            if _explains(cause, finding) and _root(cause.name, explained_by) != (
                finding.name
            ):
                explained_by[finding.name] = cause.name
                break
    top = []
    for finding in found:
        if finding.name in explained_by:
            continue
        symptoms = [f for f in found if _root(f.name, explained_by) == finding.name]
        worst = min(symptoms, key=_rank).severity
        cause = replace(finding, severity=worst)
        top.append(cause.explaining(*(f for f in symptoms if f is not finding)))
    return sorted(top, key=_rank)


def _explains(cause: Finding, finding: Finding) -> bool:
    return cause.is_alarm and finding.name in RULES[cause.name].explains


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _root(name: str, explained_by: Mapping[str, str]) -> str:
    while name in explained_by:
        name = explained_by[name]
    return name


def _with_symptoms(findings: Iterable[Finding]) -> Iterator[Finding]:
    for finding in findings:
        yield finding
        yield from _with_symptoms(finding.explains)
