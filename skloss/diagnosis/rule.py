"""``Rule``: what every rule of the diagnosis is, and the table of all of them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from inspect import cleandoc, isabstract
from textwrap import fill
from typing import Any, ClassVar

from skloss.diagnosis.case import Case
from skloss.diagnosis.finding import Finding, Severity

__all__ = ["FAMILIES", "RULES", "NotApplicable", "Rule"]

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

# Where a paragraph of a docstring goes on, on the next line.
_LINE_WITHIN = re.compile(r"(?<!\n)\n(?!\n|Reads:|Hurts:|Wrong when:)")

# Every rule by its name, causes before symptoms: families register in that order.
RULES: dict[str, "Rule"] = {}


class NotApplicable(Exception):  # noqa: N818 - an answer, not an error
    """The rule cannot be assessed; the text is the reason."""


class Rule(ABC):
    """One thing that can be wrong with a training.

    A rule is a pure function of a `Case`. Its docstring has a first line that claims
    what is wrong, then three paragraphs: "Reads:", "Hurts:" and "Wrong when:".

    Attributes
    ----------
    code : str
        Family letter and number.
    name : str
        Identity, with hyphens.
    severity : {"error", "warning", "info"}
        Of its findings, unless one says otherwise.
    explains : tuple of str
        Names of rules whose findings are symptoms of this one's.
    reference : str
        Source of the rule or of its threshold.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity] = "warning"
    explains: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in vars(cls) and not isabstract(cls):
            RULES[cls.name] = cls()

    @abstractmethod
    def inspect(self, case: Case) -> Finding | None:
        """Look at a training.

        Returns
        -------
        Finding or None
            None if nothing is wrong.

        Raises
        ------
        NotApplicable
            If what it reads is not known, or too little to say anything.
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
        """Make a finding of this rule, of the evidence that is known."""
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
        """Numbers that the rule decides by, its own and inherited ones, by name."""
        return {
            name: value
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, int | float) and not name.startswith("_")
        }

    @classmethod
    def page(cls) -> str:
        """Text about the rule of at most 80 columns, made from the class itself."""
        paragraphs = _LINE_WITHIN.sub(" ", cleandoc(cls.__doc__ or "")).splitlines()
        lines = [f"{cls.code}  {cls.name}  ({cls.severity})", ""]
        lines += [_filled(paragraph) for paragraph in paragraphs]
        if thresholds := cls.thresholds():
            lines += ["", "Thresholds:"]
            lines += [f"    {name} = {value:g}" for name, value in thresholds.items()]
        if cls.explains:
            lines += ["", _filled("Explains: " + ", ".join(cls.explains))]
        if cls.reference:
            lines += ["", _filled("Reference: " + cls.reference)]
        return "\n".join(lines)


def _filled(text: str) -> str:
    # Names of rules and addresses stay whole.
    return fill(text, 80, break_on_hyphens=False, break_long_words=False)


def _is_known(part: Any) -> bool:
    value = part[0] if isinstance(part, tuple) else part
    return value is not None and not (isinstance(value, str | tuple) and not value)
