"""``Diagnosis``: the findings about one training, causes first."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skloss.diagnosis.case import Case
from skloss.diagnosis.finding import SEVERITIES, Finding
from skloss.diagnosis.rule import RULES, NotApplicable
from skloss.exceptions import DiagnosisError

__all__ = ["Diagnosis", "examine"]


@dataclass(frozen=True)
class Diagnosis:
    """What was found, what was looked at and is right, and what could not be seen.

    Parameters
    ----------
    findings : tuple of Finding
        Causes first; symptoms of a cause are nested in its ``explains``.
    passed : tuple of str
        Names of the rules that found nothing.
    not_assessed : dict of str to str
        Names of the rules that could not be assessed, and why.
    notes : tuple of str
        What of the source could not be understood.
    """

    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    not_assessed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: no error and no warning."""
        return not any(finding.is_alarm for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers."""
        return {
            "ok": self.ok,
            "findings": [finding.to_dict() for finding in self.findings],
            "passed": list(self.passed),
            "not_assessed": dict(self.not_assessed),
            "notes": list(self.notes),
        }

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, default=float)

    def raise_for_errors(self) -> None:
        """Raise if there is an error finding.

        Raises
        ------
        DiagnosisError
            Names the findings of severity "error".
        """
        errors = [f for f in self.findings if f.severity == "error"]
        if errors:
            raise DiagnosisError(" ".join(f"{f.name}: {f.title}" for f in errors))


def examine(case: Case, notes: Iterable[str] = ()) -> Diagnosis:
    """Run all rules over a case.

    Parameters
    ----------
    case : Case
        One training.
    notes : iterable of str, default=()
        Handed on.

    Returns
    -------
    Diagnosis
    """
    found: list[Finding] = []
    passed: list[str] = []
    not_assessed: dict[str, str] = {}
    for name, rule in RULES.items():
        try:
            finding = rule.inspect(case)
        except NotApplicable as reason:
            not_assessed[name] = str(reason)
            continue
        if finding is None:
            passed.append(name)
        else:
            found.append(finding)
    ordered = _in_order_of_cause(found)
    return Diagnosis(tuple(ordered), tuple(passed), not_assessed, tuple(notes))


def _in_order_of_cause(found: list[Finding]) -> list[Finding]:
    """Nest symptoms under their first cause; errors come before warnings, then info.

    Only an alarm explains anything, and only what is no more severe than itself.
    """
    causes = {f.name: RULES[f.name].explains for f in found if f.is_alarm}
    explained_by: dict[str, str] = {}
    for finding in found:
        for cause in found:
            if cause is finding or finding.name not in causes.get(cause.name, ()):
                continue
            if cause.name in explained_by:
                continue  # what explains it is a symptom itself
            explained_by.setdefault(finding.name, cause.name)
    top = []
    for finding in found:
        if finding.name in explained_by:
            continue
        symptoms = [f for f in found if _root(f.name, explained_by) == finding.name]
        top.append(finding.explaining(*(f for f in symptoms if f is not finding)))
    return sorted(top, key=lambda f: SEVERITIES.index(f.severity))


def _root(name: str, explained_by: Mapping[str, str]) -> str:
    while name in explained_by:
        name = explained_by[name]
    return name
