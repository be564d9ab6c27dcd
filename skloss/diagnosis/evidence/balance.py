"""Settings that give a rare class more weight, and the changes that undo them."""

from dataclasses import dataclass, field

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.training_loss import is_weighted

__all__ = ["Balance", "balance_of", "is_balanced"]


@dataclass(frozen=True)
class Balance:
    """A sentence that takes the weight back, and the parameters that do it."""

    advice: str
    params: dict[str, object] = field(default_factory=dict)


def balance_of(case: Case) -> Balance | None:
    """Say what gives the rare class more weight; None if nothing is known to.

    The fix is one that acts on what was given: weights may come from balanced batches.
    """
    training = case.training
    if training is not None:
        batches = bool(training.balanced_batches)
        if is_weighted(case) and not (
            batches and training.class_weight_kind == "balanced"
        ):
            advice = "Set class_weight=None or lower weights"
            return Balance(advice, {"class_weight": None})
        if batches:
            advice = "Set balanced_batches=False"
            return Balance(advice, {"balanced_batches": False})
        if training.loss == "logit_adjusted":
            advice = 'Set loss="crossentropy" or a lower logit_tau'
            return Balance(advice, {"loss": "crossentropy"})
        if training.sampler is not None:
            return Balance("Set sampler=None", {"sampler": None})
    if case.samplers or case.is_resampled:
        return Balance("Take the sampler out, or let it balance less")
    return None


def is_balanced(case: Case) -> bool:
    """Whether class weights would add nothing to what batches or loss do already."""
    training = case.training
    adjusted = training is not None and training.loss == "logit_adjusted"
    return adjusted or is_weighted(case)
