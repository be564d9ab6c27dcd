"""Signs that something is wrong at all, shared by rules.

Many oddities of a configuration harm nobody. A rule that needs harm before it alarms
asks here whether there is any.
"""

import numpy as np

from skloss.diagnosis.case import Case, Part
from skloss.diagnosis.rule import NotApplicable

__all__ = [
    "beats_a_guess",
    "constant_guess",
    "fitted_part",
    "is_harmed",
    "need",
    "shortfall",
    "training_loss",
]

_LEAST_SHORTFALL = 0.05  # MCC
_FEWEST_EPOCHS = 3


def need(value: object, what: str) -> None:
    """Raise unless a thing is known."""
    if value is None:
        raise NotApplicable(f"{what} not known")


def fitted_part(case: Case) -> Part:
    """Training rows, natural ones where they differ, with what the network does on them."""
    part = case.natural if case.natural is not None else case.train
    if part is None or part.confusion is None:
        raise NotApplicable("predictions on the training rows are not known")
    return part


def training_loss(case: Case) -> np.ndarray:
    """Curve of the training loss, with enough epochs to be read."""
    curve = case.curves.get("loss")
    if curve is None:
        raise NotApplicable("there is no curve of the training loss")
    if len(curve) < _FEWEST_EPOCHS:
        raise NotApplicable(
            f"{len(curve)} epochs; at least {_FEWEST_EPOCHS} are needed"
        )
    return curve


def beats_a_guess(part: Part) -> bool | None:
    """Whether predictions or their ranking are better than chance; None if unknown."""
    if part.confusion is None or part.mcc is None:
        return None
    if part.mcc > 2 * part.mcc_error:
        return True
    if part.roc_auc is None:
        return False
    error = 0.5 / np.sqrt(max(part.n_minority, 1))
    return bool(part.roc_auc > 0.5 + 2 * error)


def constant_guess(case: Case) -> float | None:
    """Cross-entropy of always guessing the training prior, in nats; None if unknown."""
    return None if case.train is None else case.train.entropy


def shortfall(case: Case) -> float | None:
    """MCC by which a simple learner beats the network, if beyond chance.

    Raises
    ------
    NotApplicable
        If no other learner was measured on the same rows.
    """
    facts = case.rows
    if facts is None or facts.network_score is None:
        raise NotApplicable("no other learner was measured on the same rows")
    others = [
        score for score in (facts.linear_score, facts.tree_score) if score is not None
    ]
    if not others:
        raise NotApplicable("no other learner was measured on the same rows")
    missing = max(others) - facts.network_score
    least = max(_LEAST_SHORTFALL, 2 * (facts.score_error or 0.0))
    return float(missing) if missing > least else None


def is_harmed(case: Case) -> bool:
    """Whether the network is worse than it could be: than a simple learner, or a guess.

    Raises
    ------
    NotApplicable
        If neither is known.
    """
    try:
        return shortfall(case) is not None
    except NotApplicable:
        return beats_a_guess(fitted_part(case)) is False
