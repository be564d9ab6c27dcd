"""Next steps: at most three, the one of the largest expected gain first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.overfitting import fit_of_curves
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.fixes import line_of
from skloss.diagnosis.rule import NotApplicable

__all__ = ["NextStep", "next_steps"]

_MOST_STEPS = 3
# Gain of MCC where it is not measured: an error hides what the network can do, a
# warning costs some of it, and a remark seldom matters.
_GAINS: dict[Severity, float] = {"error": 0.5, "warning": 0.2, "info": 0.02}
_KEEP = "early_stopping=True, restore_best=True"
_KEEP_IN_KERAS = (
    'EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True)'
)
_ENOUGH_FOLDS = 5
_LATE = ("overfit", "train-val-gap", "late-divergence", "overconfident-probabilities")


@dataclass(frozen=True)
class NextStep:
    """One thing to do next.

    Parameters
    ----------
    text : str
        What to do, and why.
    code : str, default=""
        The line of code or the command that does it; empty where it is no line.
    gain : float, default=0.0
        Expected gain of MCC: measured where it can be, and else a rough guess by the
        severity of the finding. It only decides on the order.
    """

    text: str
    code: str = ""
    gain: float = field(default=0.0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain values."""
        return {"text": self.text, "code": self.code, "gain": self.gain}


def next_steps(
    findings: Iterable[Finding], case: Case | None, more: Iterable[NextStep] = ()
) -> tuple[NextStep, ...]:
    """Choose what to do next.

    Parameters
    ----------
    findings : iterable of Finding
        Findings of the diagnosis. Symptoms have no step, since they go with the cause.
    case : Case or None
        What the rules looked at.
    more : iterable of NextStep, default=()
        Steps that are known from elsewhere, such as from the scores of a search.

    Returns
    -------
    tuple of NextStep
        At most three, of different lines of code, the largest expected gain first.

    Examples
    --------
    >>> finding = Finding(
    ...     "O02", "lr-too-high", "error", "The learning rate 0.3 is high.", {},
    ...     "Set learning_rate=0.001.", params={"learning_rate": 0.001},
    ... )
    >>> for step in next_steps([finding], None):
    ...     print(step.text, "|", step.code)
    Set learning_rate=0.001. | classifier.set_params(learning_rate=0.001)
    """
    steps = [step for found in findings for step in _of_finding(found, case)]
    steps += [*more, *_of_search(case)]
    chosen: dict[str, NextStep] = {}
    for step in sorted(steps, key=lambda one: -one.gain):
        chosen.setdefault(step.code or step.text, step)
    return tuple(chosen.values())[:_MOST_STEPS]


def _of_finding(finding: Finding, case: Case | None) -> Iterator[NextStep]:
    gain = _GAINS[finding.severity]
    code = line_of(finding)
    kept = None
    if finding.name == "folds-disagree" and case and case.holdout_groups == "kept":
        code = ""  # the folds have kept groups together already
    if finding.name in _LATE and case is not None:
        kept = _kept_epoch(case, gain)
    if kept is not None:
        yield kept
    elif code or finding.is_alarm:
        yield NextStep(finding.fix, code, gain)


def _kept_epoch(case: Case, gain: float) -> NextStep | None:
    """Keep the epoch of the lowest validation loss; None if it was kept."""
    try:
        fit_of_curves(case)  # or the curves are too short, or not finite
    except NotApplicable:
        return None
    name = "val_loss_at_train_prior"
    losses = case.curves.get(name, case.curves.get("val_loss"))
    kept = case.best_epoch
    at = case.n_epochs - 1 if kept is None else kept
    if losses is None or at >= len(losses) or not np.isfinite(losses[at]):
        return None
    # The rules smooth the curve. What is kept is the lowest value itself.
    lowest = int(np.nanargmin(losses))
    if at <= lowest:
        return None
    code = f"classifier.set_params({_KEEP})"
    if case.origin != "skloss":
        code = f"callbacks=[{_KEEP_IN_KERAS}]"
    return NextStep(
        f"Keep epoch {lowest + 1}: its validation loss is "
        f"{losses[lowest]:.3g}, that of epoch {at + 1} is {losses[at]:.3g}.",
        code,
        gain,
    )


def _of_search(case: Case | None) -> Iterator[NextStep]:
    search = None if case is None else case.search
    if search is None or search.n_folds is None or search.n_folds >= _ENOUGH_FOLDS:
        return
    spread = ""
    if search.fold_scores and np.isfinite(search.fold_scores).all():
        low, high = min(search.fold_scores), max(search.fold_scores)
        spread = f": the scores of the folds range from {low:.2f} to {high:.2f}"
    splitter = "StratifiedGroupKFold" if search.is_grouped else "StratifiedKFold"
    yield NextStep(
        f"Use {_ENOUGH_FOLDS} folds instead of {search.n_folds}{spread}.",
        f"cv={splitter}({_ENOUGH_FOLDS}, shuffle=True, random_state=0)",
        0.03,
    )
