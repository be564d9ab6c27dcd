"""``Rule``, the base class of all rules, and ``RULES``, the table of them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from inspect import cleandoc
from textwrap import fill
from typing import Any, ClassVar

from skloss.diagnosis.case import Case
from skloss.diagnosis.finding import Finding, Severity

__all__ = ["FAMILIES", "RULES", "SECTIONS", "NotApplicable", "Rule"]

# Families by the letter of a rule's code.
FAMILIES = {
    "D": "Data and labels",
    "V": "Validation rows and leakage",
    "N": "Network",
    "C": "Configuration",
    "O": "Optimization",
    "G": "Generalization and scores",
    "S": "Search",
}

# Sections in the docstring of every rule, in their order.
SECTIONS = ("Reads", "Effect", "What to do", "False alarm when")
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}): ", re.MULTILINE)

# Every rule by its name. ``skloss.diagnosis.rules`` fills it, causes before symptoms.
RULES: dict[str, "Rule"] = {}


class NotApplicable(Exception):  # noqa: N818 - an answer, not an error
    """A rule cannot be assessed; the message is the reason."""


class Rule(ABC):
    """One thing that can be wrong with a training.

    A rule is a pure function of a `Case`. The first line of its docstring claims what
    is wrong. Four sections follow, each a paragraph that begins with its heading:
    "Reads:", "Effect:", "What to do:" and "False alarm when:". The pages about the
    rules are made from them.

    Attributes
    ----------
    code : str
        Family letter and number.
    name : str
        Unique name, in words joined by hyphens.
    severity : {"error", "warning", "info"}
        Severity of its findings, unless a finding has its own.
    explains : tuple of str
        Names of the rules whose findings are symptoms of this rule's finding.
    reference : str
        Source of the rule or of its threshold.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity] = "warning"
    explains: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[str] = ""

    @abstractmethod
    def inspect(self, case: Case) -> Finding | None:
        """Look for the fault in one training.

        Parameters
        ----------
        case : Case
            All that is known about the training.

        Returns
        -------
        Finding or None
            None if nothing is wrong.

        Raises
        ------
        NotApplicable
            If what the rule reads is not known, or if there is too little of it.
        """

    def found(
        self,
        title: str,
        evidence: Mapping[str, Any],
        fix: str,
        *,
        severity: Severity | None = None,
        params: Mapping[str, Any] | None = None,
        epoch: int | None = None,
    ) -> Finding:
        """Make a finding of this rule, and leave out evidence that is not known."""
        return Finding(
            self.code,
            self.name,
            severity or self.severity,
            title,
            {name: part for name, part in evidence.items() if _is_known(part)},
            fix,
            params=params or {},
            reference=self.reference,
            epoch=epoch,
        )

    @property
    def family(self) -> str:
        """Family of the rule."""
        return FAMILIES[self.code[0]]

    @classmethod
    def thresholds(cls) -> dict[str, float]:
        """Return the thresholds of the rule by name, inherited ones included."""
        return {
            name: value
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, int | float) and not name.startswith("_")
        }

    @classmethod
    def claim(cls) -> str:
        """Return the first line of the docstring: what is wrong."""
        return cleandoc(cls.__doc__ or "").partition("\n")[0]

    @classmethod
    def sections(cls) -> dict[str, str]:
        """Return the sections of the docstring by heading, each as one line."""
        _, *parts = _HEADING.split(cleandoc(cls.__doc__ or ""))
        texts = (" ".join(part.split()) for part in parts[1::2])
        return dict(zip(parts[::2], texts, strict=True))

    @classmethod
    def page(cls) -> str:
        """Return the text about the rule, at most 80 columns wide."""
        lines = [f"{cls.code}  {cls.name}  ({cls.severity})", "", _filled(cls.claim())]
        for heading, section in cls.sections().items():
            lines += ["", _filled(f"{heading}: {section}")]
        if thresholds := cls.thresholds():
            lines += ["", "Thresholds:"]
            lines += [f"    {name} = {value:g}" for name, value in thresholds.items()]
        if cls.explains:
            lines += ["", _filled("Explains: " + ", ".join(cls.explains))]
        if cls.reference:
            lines += ["", _filled("Reference: " + cls.reference)]
        return "\n".join(lines)


def _filled(text: str) -> str:
    # Names of rules and addresses must stay whole to be found and clicked.
    return fill(text, 80, break_on_hyphens=False, break_long_words=False)


def _is_known(part: object) -> bool:
    value = part[0] if isinstance(part, tuple) else part
    return value is not None and not (isinstance(value, str | tuple) and not value)
