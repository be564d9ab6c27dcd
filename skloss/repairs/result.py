"""``Repair``: what was tried, what it gained, and the repaired estimator."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.diagnosis import Diagnosis
from skloss.diagnosis.html import environment
from skloss.record import TrainingRecord
from skloss.record.plain_values import as_plain, as_strict_json
from skloss.repairs.paired_scores import Gain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Repair", "Trial"]


@dataclass(frozen=True)
class Trial:
    """One fix that was applied and scored.

    Parameters
    ----------
    rule, code : str
        Name and code of the rule that advised it.
    why : str
        What the rule found.
    line : str
        The line of code that changes ``estimator``.
    imports : tuple of str
        Lines of code to stand before it.
    estimator : estimator
        The estimator with this change, not fitted.
    n_folds : int
        Folds that it was scored on.
    before : float
        Mean score on the folds without it.
    after : float or None
        Mean score with it; None if it could not be fitted.
    gain : Gain or None
        The difference, with its interval.
    kept : bool
        Whether it was kept.
    seconds : float
        Time that it took.
    problem : str, default=""
        Why it could not be fitted.
    """

    rule: str
    code: str
    why: str
    line: str
    imports: tuple[str, ...]
    estimator: Any
    n_folds: int
    before: float
    after: float | None
    gain: Gain | None
    kept: bool
    seconds: float
    problem: str = ""

    @property
    def verdict(self) -> str:
        """Say what came of it."""
        if self.gain is None or self.after is None:
            return f"not kept: it could not be fitted ({self.problem})"
        change = (
            f"{self.before:.3f} -> {self.after:.3f}, gain {self.gain.mean:+.3f} "
            f"({self.gain.low:+.3f} to {self.gain.high:+.3f}) on {self.n_folds} folds"
        )
        return f"{'kept' if self.kept else 'not kept'}: {change}"

    def to_dict(self) -> dict[str, Any]:
        """Return the trial as plain values."""
        gain = self.gain
        return {
            "rule": self.rule,
            "code": self.code,
            "why": self.why,
            "line": self.line,
            "imports": list(self.imports),
            "n_folds": self.n_folds,
            "before": self.before,
            "after": self.after,
            "gain": None if gain is None else gain.mean,
            "interval": None if gain is None else [gain.low, gain.high],
            "kept": self.kept,
            "seconds": self.seconds,
            "problem": self.problem,
        }


@dataclass(frozen=True, repr=False)
class Repair:
    """The path from an estimator to its repair.

    It is displayed as text in a terminal and as HTML in a notebook.

    Parameters
    ----------
    estimator : estimator
        The repaired estimator, not fitted; equal to the given one if nothing was kept.
    trials : tuple of Trial
        All fixes that were scored, in their order.
    not_applied : dict of str to str
        Rules whose fix the estimator cannot take, with the reason.
    scoring : str
        Name of the score.
    before, after : ndarray of shape (n_folds,)
        Scores of the given and of the repaired estimator on the same folds; empty where
        there was nothing to try.
    gain : Gain or None
        Their mean difference, with its interval; None where there was nothing to try.
    diagnosis_before, diagnosis_after : Diagnosis
        Diagnoses of the two, each fitted on all rows.
    record_before, record_after : TrainingRecord or None
        Curves of these two fits.
    seconds : float
        Time that all of it took.
    """

    estimator: Any
    trials: tuple[Trial, ...]
    not_applied: Mapping[str, str]
    scoring: str
    before: np.ndarray
    after: np.ndarray
    gain: Gain | None
    diagnosis_before: Diagnosis = field(compare=False)
    diagnosis_after: Diagnosis = field(compare=False)
    record_before: TrainingRecord | None = field(default=None, compare=False)
    record_after: TrainingRecord | None = field(default=None, compare=False)
    seconds: float = 0.0

    @property
    def kept(self) -> tuple[Trial, ...]:
        """The fixes that were kept, in their order."""
        return tuple(trial for trial in self.trials if trial.kept)

    @property
    def code(self) -> str:
        """Python that makes the same changes to ``estimator``; empty if none."""
        imports = dict.fromkeys(line for trial in self.kept for line in trial.imports)
        lines = [*imports, *([""] if imports else [])]
        return "\n".join([*lines, *(trial.line for trial in self.kept)]).strip()

    @property
    def headline(self) -> str:
        """Say in a line what was gained."""
        n, tried = len(self.kept), len(self.trials)
        if self.gain is None:
            alarm = not self.diagnosis_before.ok
            return "No fix could be applied" if alarm else "No fault found"
        of = f"{n} of {tried} {'fix' if tried == 1 else 'fixes'} kept"
        scores = f"{self.scoring} {self.before.mean():.3f}"
        if n:
            return (
                f"{of}: {scores} -> {self.after.mean():.3f}, gain {self.gain.mean:+.3f}"
                f" ({self.gain.low:+.3f} to {self.gain.high:+.3f})"
            )
        return f"{of}: {scores} stays"

    def to_text(self) -> str:
        """Return the path as text, in lines of at most 80 columns besides code."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield _filled(self.headline)
        for number, trial in enumerate(self.trials, start=1):
            yield ""
            yield f"{number}. {trial.rule} ({trial.code}), {trial.seconds:.1f} s"
            yield _filled(trial.why, "   ")
            yield textwrap.indent(trial.line, "   ")
            yield _filled(trial.verdict, "   ")
        if self.not_applied:
            yield ""
            yield "Not applied:"
            for rule, reason in self.not_applied.items():
                yield _filled(f"{rule}: {reason}", "   ")
        if self.code:
            yield ""
            yield "The kept changes as code:"
            yield textwrap.indent(self.code, "   ")

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        template = environment("skloss.repairs").get_template("repair.html.j2")
        return template.render(repair=self)

    def to_dict(self) -> dict[str, Any]:
        """Return the path as plain values that strict JSON can represent."""
        gain = self.gain
        content = {
            "headline": self.headline,
            "scoring": self.scoring,
            "before": self.before.tolist(),
            "after": self.after.tolist(),
            "gain": gain and gain.mean,
            "interval": gain and [gain.low, gain.high],
            "trials": [trial.to_dict() for trial in self.trials],
            "not_applied": dict(self.not_applied),
            "code": self.code,
            "seconds": self.seconds,
        }
        return as_strict_json(as_plain(content, other=str))

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as JSON.

        Parameters
        ----------
        indent : int, default=None
            Spaces per level. None writes one line.
        """
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def plot(self) -> Figure:
        """Draw the loss curves before and after, side by side.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        ValueError
            If the estimator keeps no curves.
        """
        import matplotlib.pyplot as plt

        from skloss.displays import LossCurveDisplay

        if self.record_before is None or self.record_after is None:
            raise ValueError(
                f"{type(self.estimator).__name__} keeps no curves to draw."
            )
        figure = plt.figure(figsize=(12, 5.2), layout="constrained")
        records = {"before": self.record_before, "after": self.record_after}
        halves = figure.subfigures(1, 2, squeeze=False)[0]
        axes = [half.subplots() for half in halves]
        for half, ax, (title, record) in zip(
            halves, axes, records.items(), strict=True
        ):
            half.suptitle(title)
            LossCurveDisplay.from_record(record, ax=ax)
        top = max(ax.get_ylim()[1] for ax in axes)
        for ax in axes:  # the losses are compared by eye
            ax.set_ylim(top=top)
        return figure


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text,
        80,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
