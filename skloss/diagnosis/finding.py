"""``Finding``: one fault of a training, with its evidence and a fix."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Literal, NamedTuple

import numpy as np

__all__ = ["ALARMS", "SEVERITIES", "Finding", "Findings", "Measure", "Severity"]

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
ALARMS: tuple[Severity, ...] = ("error", "warning")


class Measure(NamedTuple):
    """A value of the evidence with its unit.

    The value is a number, a text, the numbers of some columns, or the two ends of a
    range. The unit is "" if there is none. A unit that begins with "of " marks a share,
    which is written as a percentage.

    Examples
    --------
    >>> Measure(0.159, "nats")
    Measure(value=0.159, unit='nats')
    """

    value: Any
    unit: str = ""


@dataclass(frozen=True, repr=False)
class Finding:
    """One fault that a rule found.

    Parameters
    ----------
    code : str
        Code of the rule, such as ``"N03"``.
    name : str
        Name of the rule, such as ``"linear-stack"``.
    severity : {"error", "warning", "info"}
        An "error" is certain and a "warning" is likely; both are alarms. "info" is a
        remark, never an alarm.
    title : str
        What is wrong, in one sentence.
    evidence : dict of str to Measure
        The values that show it, each with its unit.
    fix : str
        What to do, with the parameter or the line of code to change.
    params : dict, default={}
        Parameters of a skloss classifier that apply the fix, where there are any.
    explains : tuple of Finding, default=()
        Findings that are symptoms of this one.
    reference : str, default=""
        Source of the rule or of its threshold.
    epoch : int, default=None
        Epoch of the fault, from 0. None if it belongs to no single epoch.

    Examples
    --------
    >>> finding = Finding(
    ...     "N03", "linear-stack", "error", "11 layers equal one linear layer.",
    ...     {"layers": (11, "layers")}, 'Set activation="relu" in every hidden layer.',
    ...     params={"activation": "relu"},
    ... )
    >>> finding.evidence["layers"], finding.is_alarm
    (Measure(value=11, unit='layers'), True)
    >>> finding
    <error linear-stack (N03): 11 layers equal one linear layer.>
    """

    code: str
    name: str
    severity: Severity
    title: str
    evidence: Mapping[str, Any]
    fix: str
    params: Mapping[str, Any] = field(default_factory=dict)
    explains: tuple["Finding", ...] = ()
    reference: str = ""
    epoch: int | None = None

    def __post_init__(self) -> None:
        measures = {name: _measure(part) for name, part in self.evidence.items()}
        object.__setattr__(self, "evidence", measures)

    def __repr__(self) -> str:
        return f"<{self.severity} {self.name} ({self.code}): {self.title}>"

    def _repr_html_(self) -> str:
        name = f"<strong>{self.severity}</strong> {escape(self.name)} ({self.code})"
        fix = f" Fix: {escape(self.fix)}" if self.fix else ""
        return f"<p>{name}: {escape(self.title)}{fix}</p>"

    @property
    def is_alarm(self) -> bool:
        """Whether it is an error or a warning."""
        return self.severity in ALARMS

    def explaining(self, *symptoms: "Finding") -> "Finding":
        """Return the finding with more symptoms nested under it."""
        return replace(self, explains=(*self.explains, *symptoms))

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain dicts, lists, strings and numbers.

        Examples
        --------
        >>> finding = Finding("X01", "x", "info", "Odd.", {"n": 3}, "Fix it.")
        >>> finding.to_dict()["evidence"]
        {'n': {'value': 3, 'unit': ''}}
        """
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity,
            "title": self.title,
            "evidence": {name: m._asdict() for name, m in self.evidence.items()},
            "fix": self.fix,
            "params": dict(self.params),
            "explains": [finding.to_dict() for finding in self.explains],
            "reference": self.reference,
            "epoch": self.epoch,
        }


class Findings(tuple[Finding, ...]):
    """Findings, which print one to a line.

    Examples
    --------
    >>> finding = Finding("X01", "x", "info", "Odd.", {"n": 3}, "Fix it.")
    >>> Findings([finding, finding])
    <info x (X01): Odd.>
    <info x (X01): Odd.>
    >>> Findings()
    no findings
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) or "no findings"

    def _repr_html_(self) -> str:
        return "".join(found._repr_html_() for found in self) or "<p>no findings</p>"


def _measure(part: Mapping[str, object]) -> Measure:
    value, unit = part if isinstance(part, tuple) else (part, "")
    return Measure(value.item() if isinstance(value, np.generic) else value, unit)
