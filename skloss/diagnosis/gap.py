"""``LossGap``: the distance from the printed training loss to the validation loss.

It is split into parts that add up exactly; `skloss.record.loss_levels` defines them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np

from skloss.diagnosis.case import Case
from skloss.metrics import loss_at_prior
from skloss.record.loss_levels import LEVELS, LossLevels
from skloss.record.plain_values import as_plain, as_strict_json

__all__ = ["GapPart", "LossGap", "gap_of_case", "gap_of_levels"]

_TITLES = {
    "penalties": "penalties in the printed loss",
    "moving_weights": "weights still moving within the epoch",
    "training_mode": "dropout and batch statistics",
    "weights": "class and sample weights",
    "loss_function": "focal or smoothed loss",
    "resampling": "resampled against original rows",
    "prior": "class prior of the training rows",
    "generalization": "rows never seen",
    "new_rows": "new rows of known groups",
    "new_groups": "groups never seen",
    "validation_form": "form of the printed validation loss",
}
_UNSPLIT = "unsplit"
_OLD = "the record does not have it; fit again with this version of skloss"
_MOST_NAMED = 4
_LEAST_SHOWN = 0.0005
_COLUMN = 44


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
        Standard error; None if it is not known.
    title : str
        The cause in words.
    causes : tuple of str
        Names of the parts that it is made of: one, unless they could not be told apart.
    """

    name: str
    nats: float
    error: float | None
    title: str
    causes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "nats": self.nats,
            "error": self.error,
            "title": self.title,
            "causes": list(self.causes),
        }


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

    Examples
    --------
    >>> from skloss.record.loss_levels import LossLevels
    >>> losses = {"printed": 0.1, "crossentropy": 0.1, "original_rows": 0.3,
    ...           "natural_prior": 0.2, "held_out": 0.6}
    >>> gap = gap_of_levels(LossLevels(epoch=4, levels=losses))
    >>> round(gap.total, 6), [part.name for part in gap.parts]
    (0.5, ['unsplit', 'resampling', 'prior', 'generalization'])
    >>> gap
    <LossGap: 0.500 nats: resampling 0.200, prior -0.100, generalization 0.400>
    """

    printed: float
    validation: float
    parts: tuple[GapPart, ...]
    epoch: int = 0
    total_error: float | None = None
    not_assessed: Mapping[str, str] = field(default_factory=dict)
    unit: str = "rows"
    last: LossGap | None = None
    samplers: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Validation loss less printed training loss, in nats."""
        return self.validation - self.printed

    @property
    def sentence(self) -> str:
        """The largest parts in one sentence."""
        shown = _largest(self.parts)
        rest = self.total - sum(part.nats for part in shown)
        told = [f"{_number(part.nats)} from {self._cause(part)}" for part in shown]
        if len(shown) < len(self.parts) and abs(rest) >= 0.005:
            told.append(f"{_number(rest)} from all else")
        if not told:
            return "Printed training loss and validation loss are equal."
        told[0] = told[0].replace(" from ", " come from ", 1)
        return f"Of the gap of {_number(self.total)} nats, {', '.join(told)}."

    def _cause(self, part: GapPart) -> str:
        if part.name == "prior" and self.samplers:
            return f"the prior after {' and '.join(self.samplers)}"
        if part.name == "resampling" and self.samplers:
            return f"rows made by {' and '.join(self.samplers)}"
        return part.title

    def find(self, name: str) -> GapPart | None:
        """Return the part of a name, or None.

        Parameters
        ----------
        name : str
            Name of the part, such as "prior".
        """
        return next((part for part in self.parts if part.name == name), None)

    def to_text(self) -> str:
        """Return the sentence and a table with one line for each part."""
        head = f"{'printed training loss':<{_COLUMN}} {self.printed:8.3f}"
        lines = [f"{head}  (epoch {self.epoch + 1})"]
        for part in self.parts:
            title = self._cause(part)
            lines += [f"  {wide}" for wide in _lines(title)[:-1]]
            lines.append(
                f"  {_lines(title)[-1]:<{_COLUMN - 2}} {part.nats:+8.3f}"
                f"{_plus_minus(part.error)}"
            )
        lines.append(f"{'validation loss':<{_COLUMN}} {self.validation:8.3f}")
        reasons = sorted(set(self.not_assessed.values()))
        lines += [f"Parts that are not told apart: {reason}." for reason in reasons]
        return "\n".join(lines)

    def __repr__(self) -> str:
        told = ", ".join(f"{p.name} {p.nats:.3f}" for p in _largest(self.parts))
        return f"<LossGap: {self.total:.3f} nats{': ' if told else ''}{told}>"

    def _repr_html_(self) -> str:
        head = f"<td>{self.printed:.3f}</td><td></td>"
        rows = [f"<tr><th>printed training loss</th>{head}</tr>"]
        rows += [
            f"<tr><td>{escape(self._cause(part))}</td><td>{part.nats:+.3f}</td>"
            f"<td>{_plus_minus(part.error).strip()}</td></tr>"
            for part in self.parts
        ]
        rows.append(
            f"<tr><th>validation loss</th><td>{self.validation:.3f}</td><td></td></tr>"
        )
        return (
            f"<p>{escape(self.sentence)}</p><table><thead><tr><th>from</th><th>nats"
            f"</th><th>standard error (over {self.unit})</th></tr></thead><tbody>"
            f"{''.join(rows)}</tbody></table>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the gap as plain values that strict JSON can represent."""
        content = {
            "printed": self.printed,
            "validation": self.validation,
            "total": self.total,
            "total_error": self.total_error,
            "epoch": self.epoch,
            "unit": self.unit,
            "parts": [part.to_dict() for part in self.parts],
            "not_assessed": dict(self.not_assessed),
            "sentence": self.sentence,
            "last": None if self.last is None else self.last.to_dict(),
        }
        return as_strict_json(as_plain(content, other=str))


def _number(nats: float) -> str:
    """Two decimals, and no minus before zero."""
    return f"{round(nats, 2) + 0.0:.2f}"


def _plus_minus(error: float | None) -> str:
    return "" if error is None else f"  \N{PLUS-MINUS SIGN} {error:.3f}"


def _lines(title: str) -> list[str]:
    return textwrap.wrap(title, _COLUMN - 4) or [""]


def _largest(parts: tuple[GapPart, ...]) -> list[GapPart]:
    """Parts that a reader sees at two or three decimals, in their order."""
    named = sorted(parts, key=lambda part: -abs(part.nats))[:_MOST_NAMED]
    return [p for p in parts if p in named and abs(p.nats) >= _LEAST_SHOWN]


def gap_of_levels(
    found: LossLevels, samplers: tuple[str, ...] = (), last: LossLevels | None = None
) -> LossGap | None:
    """Split a gap by the levels that are known; None unless both ends are.

    Parameters
    ----------
    found : LossLevels
        Levels of an epoch.
    samplers : tuple of str, default=()
        Samplers in front of the network.
    last : LossLevels, default=None
        Those of the last epoch, where an earlier one was kept.
    """
    levels = {name: found.levels[name] for name in LEVELS if name in found.levels}
    ends = {"validation", "held_out"} & levels.keys()
    if "printed" not in levels or not ends:
        return None
    if not np.isfinite(list(levels.values())).all():
        return None
    parts = tuple(_parts(levels, found.errors))
    unsplit = [cause for p in parts for cause in p.causes if len(p.causes) > 1]
    reasons = {
        part: found.reasons[level]
        for level, part in LEVELS.items()
        if level in found.reasons
    }
    names = list(levels)
    later = None if last is None else gap_of_levels(last, samplers)
    return LossGap(
        printed=levels["printed"],
        validation=levels[names[-1]],
        parts=parts,
        epoch=found.epoch,
        total_error=found.total_error,
        not_assessed={name: reasons.get(name, _OLD) for name in unsplit},
        unit=found.unit,
        last=later,
        samplers=samplers,
    )


def _parts(
    levels: Mapping[str, float], errors: Mapping[str, float]
) -> Iterator[GapPart]:
    order = list(LEVELS)
    for before, name in pairwise(levels):
        between = order[order.index(before) + 1 : order.index(name) + 1]
        causes = tuple(LEVELS[n] for n in between if n in levels or n != "known_groups")
        if name == "held_out" and "known_groups" in levels:
            causes = (*causes[:-1], "new_groups")
        part = causes[0] if len(causes) == 1 else _UNSPLIT
        title = _TITLES.get(part) or "all before: " + ", ".join(
            cause.replace("_", " ") for cause in causes
        )
        error = errors.get(name)
        yield GapPart(part, levels[name] - levels[before], error, title, causes)


def gap_of_case(case: Case) -> LossGap | None:
    """Gap of a training; None if there is no validation loss, or nothing to split by.

    Parameters
    ----------
    case : Case
        With measured levels, or with the curves of a record of skloss.
    """
    samplers = case.samplers or ()
    if case.loss_levels is not None:
        return gap_of_levels(case.loss_levels, samplers, case.last_levels)
    found = _levels_of_curves(case)
    return None if found is None else gap_of_levels(found, samplers)


def _levels_of_curves(case: Case) -> LossLevels | None:
    """Levels that the curves of an older record have: no parts of the printed loss."""
    curves = case.curves
    if not case.is_honest or case.val is None or not case.n_epochs:
        return None
    if "running_loss" not in curves or "val_loss" not in curves:
        return None
    epoch = case.n_epochs - 1 if case.best_epoch is None else case.best_epoch
    levels = {"printed": curves["running_loss"][epoch]}
    classes = [f"loss_class_{code}" for code in range(len(case.val.counts))]
    is_plain = case.training is not None and case.training.loss == "crossentropy"
    if is_plain and all(name in curves for name in classes):
        means = [curves[name][epoch] for name in classes]
        levels["natural_prior"] = loss_at_prior(means, case.val.prior)
        levels["held_out"] = curves["val_loss"][epoch]
    levels["validation"] = curves["val_loss"][epoch]
    known = {name: float(value) for name, value in levels.items()}
    return LossLevels(
        epoch, {name: value for name, value in known.items() if np.isfinite(value)}
    )
