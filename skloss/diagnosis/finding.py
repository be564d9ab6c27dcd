"""``Finding``: one thing that is wrong with a training, with its evidence and a fix."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np

__all__ = ["ALARMS", "SEVERITIES", "Finding", "Measure", "Severity"]

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
ALARMS: tuple[Severity, ...] = ("error", "warning")


class Measure(NamedTuple):
    """A value of the evidence, and its unit ("" if it has none).

    The value is a number, a text, numbers of columns, or the two ends of a range. A
    unit that begins with "of " is that of a share.

    Examples
    --------
    >>> Measure(0.159, "nats")
    Measure(value=0.159, unit='nats')
    """

    value: Any
    unit: str = ""


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Parameters
    ----------
    code : str
        Code of the rule, such as ``"N03"``.
    name : str
        Name of the rule, such as ``"linear-stack"``.
    severity : {"error", "warning", "info"}
        An "error" is certain, a "warning" likely; "info" is context, never an alarm.
    title : str
        One sentence: what is wrong.
    evidence : dict of str to Measure
        The numbers that show it, each with its unit.
    fix : str
        What to do about it.
    params : dict, default={}
        Parameters of a skloss classifier that apply the fix, where it is one of them.
    explains : tuple of Finding, default=()
        Symptoms of this cause.
    reference : str, default=""
        Where the rule or its threshold comes from.
    epoch : int, default=None
        Epoch that shows it, from 0. None if it is of no single one.

    Examples
    --------
    >>> finding = Finding(
    ...     "N03", "linear-stack", "error", "11 layers amount to one linear map.",
    ...     {"layers": (11, "layers")}, "Give the hidden layers an activation.",
    ...     params={"activation": "relu"},
    ... )
    >>> finding.evidence["layers"], finding.is_alarm
    (Measure(value=11, unit='layers'), True)
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

    @property
    def is_alarm(self) -> bool:
        """Whether it is more than context."""
        return self.severity in ALARMS

    def explaining(self, *symptoms: "Finding") -> "Finding":
        """Return the finding with more symptoms nested under it."""
        return replace(self, explains=(*self.explains, *symptoms))

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers.

        Examples
        --------
        >>> finding = Finding("X01", "x", "info", "Seen.", {"n": 3}, "Mend.")
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


def _measure(part: Any) -> Measure:
    value, unit = part if isinstance(part, tuple) else (part, "")
    return Measure(value.item() if isinstance(value, np.generic) else value, unit)
