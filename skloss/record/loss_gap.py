"""``LossGap``: the distance from the printed training loss to the validation loss.

It is split into parts that add up exactly; `skloss.record.gap_measurement` says how
each is measured.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from math import isfinite
from typing import Any, Self

from skloss.record.plain_values import as_plain, as_strict_json
from skloss.record.training_record import TrainingRecord

__all__ = ["TITLES", "UNSPLIT", "GapPart", "LossGap", "gap_of_record"]

# The parts in the order of the way from the printed loss to the validation loss.
TITLES = {
    "penalties": "penalties in the printed loss",
    "moving_weights": "weights still moving within the epoch",
    "training_mode": "dropout and batch statistics",
    "weights": "class and sample weights",
    "loss_function": "focal or smoothed loss",
    "resampling": "rows made by a sampler",
    "prior": "the class prior of the training rows",
    "new_rows": "new rows of known groups",
    "generalization": "rows never seen",
}
UNSPLIT = "unsplit"

_MOST_NAMED = 4
_LEAST_NAMED = 0.005
_SUSPECTS = ("training_mode", "generalization", "new_rows", "new_groups")
_NOTHING = 1e-7
_COLUMN = 46


@dataclass(frozen=True)
class GapPart:
    """One part of the gap.

    Parameters
    ----------
    name : str
        Short name, such as "prior"; "unsplit" if it has several causes.
    nats : float
        How much it adds to the training loss, on the way to the validation loss.
    error : float or None
        Standard error in nats; None if it is not known.
    title : str
        The cause in words.
    causes : tuple of str
        Names of the parts that it is made of: one, unless they could not be told apart.
    """

    name: str
    nats: float
    error: float | None = None
    title: str = ""
    causes: tuple[str, ...] = ()

    @property
    def is_absent(self) -> bool:
        """Whether the training has nothing that could cause it."""
        return abs(self.nats) < _NOTHING and (self.error or 0.0) < _NOTHING

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "nats": self.nats,
            "error": self.error,
            "title": self.title,
            "causes": list(self.causes),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make a part from `to_dict`.

        Parameters
        ----------
        content : dict
            Plain data.
        """
        name = str(content["name"])
        return cls(
            name,
            float(content["nats"]),
            _optional(content.get("error")),
            str(content.get("title") or TITLES.get(name, name)),
            tuple(content.get("causes") or (name,)),
        )


@dataclass(frozen=True, repr=False)
class LossGap:
    """The gap between the printed training loss and the validation loss, in parts.

    Parameters
    ----------
    printed : float
        Training loss as it was printed.
    validation : float
        Validation loss of the same epoch.
    parts : tuple of GapPart
        They add up to `total`.
    epoch : int
        The epoch, from 0.
    total_error : float or None
        Standard error of the total; None if it is not known.
    not_assessed : dict of str to str
        Names of the parts that could not be told apart from others, with the reasons.
    unit : str
        What the standard errors are over: "rows" or "groups".
    last : LossGap or None
        The gap of the last epoch, where the weights of an earlier one were kept.
    place : str
        What stands in the place of the epoch where a fit has none, as a penalty.

    Examples
    --------
    >>> parts = (
    ...     GapPart("prior", -0.1, 0.01, "SMOTE's prior", ("prior",)),
    ...     GapPart("generalization", 0.6, 0.1, "rows never seen", ("generalization",)),
    ... )
    >>> gap = LossGap(printed=0.1, validation=0.6, parts=parts, epoch=4)
    >>> gap
    <LossGap: 0.500 nats: prior -0.100, generalization 0.600>
    >>> print(gap.sentence)
    Of the gap of 0.50 nats, -0.10 come from SMOTE's prior, 0.60 from rows never seen.
    >>> print(gap.to_text())
    printed training loss                             0.100  (epoch 5)
      SMOTE's prior                                  -0.100  ± 0.010
      rows never seen                                +0.600  ± 0.100
    validation loss                                   0.600
    """

    printed: float
    validation: float
    parts: tuple[GapPart, ...]
    epoch: int = 0
    total_error: float | None = None
    not_assessed: Mapping[str, str] = field(default_factory=dict)
    unit: str = "rows"
    last: LossGap | None = None
    place: str = ""

    @property
    def where(self) -> str:
        """The epoch from 1, or what stands in its place."""
        return self.place or f"epoch {self.epoch + 1}"

    @property
    def total(self) -> float:
        """Validation loss less printed training loss, in nats."""
        return self.validation - self.printed

    @property
    def shown(self) -> tuple[GapPart, ...]:
        """The parts that have a cause in this training."""
        return tuple(part for part in self.parts if not part.is_absent)

    @property
    def sentence(self) -> str:
        """What the gap comes from, in one sentence."""
        named = self._largest()
        rest = self.total - sum(part.nats for part in named)
        told = [f"{_number(part.nats)} from {part.title}" for part in named]
        if len(named) < len(self.shown) and abs(rest) >= _LEAST_NAMED:
            told.append(f"{_number(rest)} from all else")
        if not told:
            return "Printed training loss and validation loss are equal."
        told[0] = told[0].replace(" from ", " come from ", 1)
        return f"Of the gap of {_number(self.total)} nats, {', '.join(told)}."

    def find(self, name: str) -> GapPart | None:
        """Return the part of a name, or None.

        Parameters
        ----------
        name : str
            Name of the part, such as "prior".
        """
        return next((part for part in self.parts if part.name == name), None)

    def to_text(self) -> str:
        """Return a table with one line for each part."""
        head = f"{'printed training loss':<{_COLUMN}} {self.printed:8.3f}"
        lines = [f"{head}  ({self.where})"]
        for part in self.shown:
            *before, last = textwrap.wrap(part.title, _COLUMN - 4) or [""]
            lines += [f"  {line}" for line in before]
            lines.append(
                f"  {last:<{_COLUMN - 2}} {part.nats:+8.3f}{_plus_minus(part.error)}"
            )
        lines.append(f"{'validation loss':<{_COLUMN}} {self.validation:8.3f}")
        lines += self._remarks()
        return "\n".join(lines)

    def __repr__(self) -> str:
        told = ", ".join(f"{p.name} {p.nats:.3f}" for p in self._largest())
        return f"<LossGap: {self.total:.3f} nats{': ' if told else ''}{told}>"

    def _repr_html_(self) -> str:
        cells = [("printed training loss", f"{self.printed:.3f}")]
        cells += [
            (part.title, f"{part.nats:+.3f}{_plus_minus(part.error)}")
            for part in self.shown
        ]
        cells.append(("validation loss", f"{self.validation:.3f}"))
        rows = "".join(
            f'<tr><th scope="row">{escape(title)}</th><td>{value}</td></tr>'
            for title, value in cells
        )
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self._remarks())
        return (
            f"<p>{escape(self.sentence)}</p>\n<table><thead><tr>"
            f'<th scope="col">{escape(self.where)}</th>'
            f'<th scope="col">nats, with standard error over {self.unit}</th>'
            f"</tr></thead><tbody>{rows}</tbody></table>{remarks}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the gap as plain values that strict JSON can represent."""
        # Once for the whole, as it is done in every fit.
        return as_strict_json(as_plain(self._content(), other=str))

    def _content(self) -> dict[str, Any]:
        return {
            "printed": self.printed,
            "validation": self.validation,
            "total": self.total,
            "total_error": self.total_error,
            "epoch": self.epoch,
            "unit": self.unit,
            "parts": [part.to_dict() for part in self.parts],
            "not_assessed": dict(self.not_assessed),
            "sentence": self.sentence,
            "last": None if self.last is None else self.last._content(),
            "place": self.place,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make a gap from `to_dict`.

        Parameters
        ----------
        content : dict
            Plain data.
        """
        last = content.get("last")
        return cls(
            printed=float(content["printed"]),
            validation=float(content["validation"]),
            parts=tuple(map(GapPart.from_dict, content["parts"])),
            epoch=int(content["epoch"]),
            total_error=_optional(content.get("total_error")),
            not_assessed=dict(content.get("not_assessed") or {}),
            unit=str(content.get("unit", "rows")),
            last=None if last is None else cls.from_dict(last),
            place=str(content.get("place") or ""),
        )

    def _largest(self) -> list[GapPart]:
        """Parts that the sentence names, in their order: the suspects and the largest.

        What is suspected at first, and is not the cause, is worth a zero.
        """
        sampled = any(part.name == "resampling" for part in self.shown)
        suspects = {*_SUSPECTS, *(("prior",) if sampled else ())}
        order = sorted(self.shown, key=lambda p: (p.name not in suspects, -abs(p.nats)))
        named = [
            part
            for part in order[:_MOST_NAMED]
            if part.name in suspects or abs(part.nats) >= _LEAST_NAMED
        ]
        return [part for part in self.parts if part in named]

    def _remarks(self) -> list[str]:
        reasons = dict.fromkeys(self.not_assessed.values())
        return [f"Not told apart: {reason}." for reason in reasons]


def gap_of_record(record: TrainingRecord) -> LossGap | None:
    """Read the gap that a fit has recorded; None if it has none."""
    content = record.outcome.get("loss_gap")
    if not content or "parts" not in content:
        return None
    return LossGap.from_dict(content)


def _optional(value: Any) -> float | None:
    return float(value) if value is not None and isfinite(value) else None


def _number(nats: float) -> str:
    """Two decimals, and no minus before zero."""
    return f"{round(nats, 2) + 0.0:.2f}"


def _plus_minus(error: float | None) -> str:
    return "" if error is None else f"  \N{PLUS-MINUS SIGN} {error:.3f}"
