"""Evidence from the training loss and the learning rate.

Losses are compared with the loss of a constant guess, which always predicts the class
shares of the training rows.
"""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import harm
from skloss.diagnosis.evidence.symptoms import (
    beats_a_guess,
    fitted_part,
    prior_from_curves,
    smoothed,
    training_loss,
    uniform_guess,
)
from skloss.diagnosis.rule import NotApplicable
from skloss.diagnosis.words import tally
from skloss.metrics import entropy
from skloss.optimizers import OPTIMIZERS
from skloss.record import SplitMetrics

__all__ = [
    "NOT_LEARNED",
    "class_weights",
    "end_of",
    "ends_finite",
    "final_level",
    "finite_loss",
    "fitted_if_known",
    "gain_of",
    "guess_loss",
    "guess_of_validation",
    "has_diverged",
    "higher_rate",
    "is_bad",
    "is_falling",
    "is_stuck",
    "is_weighted",
    "largest_rate",
    "loss_if_known",
    "lower_rate",
    "rate_params",
    "rise_of",
    "swing_of",
    "usual_rates",
]

_CROSS_ENTROPIES = (
    None,
    "crossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    # Of a constant guess it is the cross-entropy: the guess takes the shift in.
    "logit_adjusted",
)
# Symptoms of a network that does not learn.
NOT_LEARNED = (
    "loss-never-moves",
    "loss-at-constant-guess",
    "majority-collapse",
    "all-positive",
    "underfit",
    "too-few-epochs",
    "plateau-above-floor",
)


def finite_loss(case: Case) -> np.ndarray:
    """Return the finite values of the training loss, or raise if there are too few."""
    loss = training_loss(case)
    if not np.isfinite(loss[-1]):
        raise NotApplicable("the training loss is not finite in the last epoch")
    loss = loss[np.isfinite(loss)]
    if len(loss) < 3:
        raise NotApplicable(
            f"the training loss is finite in only {tally(len(loss), 'epoch')}"
        )
    return loss


def loss_if_known(case: Case) -> np.ndarray | None:
    """Return the finite training loss; None where it cannot be read."""
    try:
        return finite_loss(case)
    except NotApplicable:
        return None


def ends_finite(case: Case) -> bool:
    """Whether the training loss ends finite, or is not known."""
    loss = case.curves.get("loss")
    return loss is None or not len(loss) or bool(np.isfinite(loss[-1]))


def end_of(curve: np.ndarray) -> float:
    """Return the median of the last epochs, at most three."""
    return float(np.median(curve[-min(3, max(1, len(curve) // 3)) :]))


def rise_of(loss: np.ndarray) -> tuple[float, int, float]:
    """Return the lowest smoothed loss, the epochs since then, and the final level."""
    smooth = smoothed(loss)
    best = int(np.argmin(smooth))
    return float(smooth[best]), len(loss) - 1 - best, end_of(loss)


def has_diverged(loss: np.ndarray, ratio: float, least_rise: float) -> bool:
    """Whether the loss rose and stayed high, by more than the noise of a small loss."""
    best, since, end = rise_of(loss)
    fall = float(loss[0]) - best
    # A loss that only swings is low again in one of the last three epochs.
    stays = float(loss[-3:].min()) >= ratio * best
    return since >= 3 and stays and end - best > least_rise * fall


def swing_of(loss: np.ndarray) -> tuple[float, float]:
    """Return size of the swings over level, and share of epochs that change direction.

    Both are of the second half of the epochs, around a straight line.
    """
    half = loss[len(loss) // 2 :]
    epochs = np.arange(len(half))
    trend = np.polyval(np.polyfit(epochs, half, 1), epochs)
    steps = np.sign(np.diff(half))
    turns = float(np.mean(steps[1:] * steps[:-1] < 0)) if len(steps) > 1 else 0.0
    level = float(np.mean(half))
    return (float(np.std(half - trend)) / level if level > 0 else 0.0), turns


def is_falling(loss: np.ndarray) -> bool:
    """Whether the slope of the last fifth is below 0 by three standard errors."""
    tail = loss[-max(3, len(loss) // 5) :]
    epochs = np.arange(len(tail)) - (len(tail) - 1) / 2
    slope = float(epochs @ tail / (epochs @ epochs))
    rest = tail - tail.mean() - slope * epochs
    error = np.sqrt(rest @ rest / (len(tail) - 2) / (epochs @ epochs))
    # A flattening curve deviates from a line, which makes the standard error too large
    # with fewer than five points. A steady fall by 2 % counts as well then.
    falls = bool(np.all(np.diff(tail) < 0)) and tail[-1] < 0.98 * tail[0]
    steady = len(tail) < 5 and falls
    return slope < 0 and (slope < -3 * error or steady)


def gain_of(loss: np.ndarray) -> float:
    """Return the share of the final loss that as many epochs again would win.

    The fall is extrapolated as a geometric series. Its ratio is that of the falls into
    the last fifth and into the fifth before.
    """
    width = max(1, len(loss) // 5)
    last = float(loss[-width:].mean())
    before = float(loss[-2 * width : -width].mean())
    earlier = float(loss[-3 * width : -2 * width].mean())
    fall, fall_before = before - last, earlier - before
    if fall <= 0 or last <= 0:
        return 0.0
    ratio = min(fall / fall_before, 1.0) if fall_before > 0 else 1.0
    return fall * sum(ratio**n for n in range(1, len(loss) // width + 1)) / last


def is_weighted(case: Case) -> bool:
    """Whether the training loss has class weights."""
    kind = case.training.class_weight_kind if case.training else None
    return kind not in (None, "none")


def class_weights(case: Case, counts: np.ndarray) -> np.ndarray | None:
    """Return the class weights in the training loss; None if not known."""
    training = case.training
    if training is None or not is_weighted(case):
        return np.ones(len(counts))
    if training.class_weight_kind == "balanced" and counts.all():
        return counts.sum() / (len(counts) * counts)
    given = training.class_weight or {}
    weights = [given.get(str(number)) for number in range(len(counts))]
    return None if None in weights else np.array(weights, float)


def _penalty(case: Case) -> float | None:
    """Return the penalties that the training loss includes; None if not known."""
    if case.is_honest:
        return 0.0
    if case.probe is not None and case.probe.penalty is not None:
        return case.probe.penalty
    has = any(part.l1 or part.l2 or part.activity_l2 for part in case.layers or ())
    return None if has else 0.0


def guess_loss(case: Case) -> float | None:
    """Return the loss of a constant guess, measured as the training loss is.

    None if it is not known.
    """
    loss = case.training.loss if case.training else None
    if case.train is None and loss in _CROSS_ENTROPIES:
        return uniform_guess(case)
    if case.train is None or loss not in _CROSS_ENTROPIES:
        return None
    if case.task in ("multilabel", "regression"):
        return None
    counts = np.asarray(case.train.counts, float)
    weights, penalty = class_weights(case, counts), _penalty(case)
    if weights is None or penalty is None or not counts.sum():
        return None
    learned = weights * counts / (weights * counts).sum()
    if case.is_honest:
        shown = (case.original or case.train).prior
        seen = learned > 0
        return float(-(shown[seen] * np.log(learned[seen])).sum())
    scale = float((weights * case.train.prior).sum())
    if loss == "binary_crossentropy" and len(counts) > 2:
        return scale * float(np.mean([entropy(np.array([p, 1 - p])) for p in learned]))
    return scale * float(entropy(learned)) + penalty


def guess_of_validation(case: Case) -> float | None:
    """Return the validation loss of a constant guess; None if not known."""
    loss = case.training.loss if case.training else None
    if loss not in _CROSS_ENTROPIES or case.task in ("multilabel", "regression"):
        return None
    if case.val is not None:
        return case.val.entropy
    implied = prior_from_curves(case, "val_")
    if implied is None or implied[0] < implied[1]:
        return None
    return float(entropy([implied[0], 1 - implied[0]]))


def fitted_if_known(case: Case) -> SplitMetrics | None:
    """Return the metrics of the training rows; None if predictions are not known."""
    try:
        return fitted_part(case)
    except NotApplicable:
        return None


def final_level(case: Case) -> float | None:
    """Return the final loss relative to a constant guess, or else to the first epoch.

    Dropout raises the training loss of Keras. So the loss of the final network in
    inference mode is used if it is lower.
    """
    loss, guess = finite_loss(case), guess_loss(case)
    end, part = end_of(loss), fitted_if_known(case)
    if part is not None and part.loss is not None and not is_weighted(case):
        end = min(end, part.loss) if np.isfinite(part.loss) else end
    whole = guess if guess is not None else float(loss[0])
    return end / whole if whole > 0 else None


def is_stuck(case: Case, share: float = 0.98) -> bool | None:
    """Whether the network is no better than a constant guess; None if not known."""
    if guess_loss(case) is None or loss_if_known(case) is None:
        return None
    level, part = final_level(case), fitted_if_known(case)
    if part is not None and beats_a_guess(part):
        return False
    return None if level is None else level >= share


def is_bad(case: Case, share: float = 0.98) -> bool:
    """Whether predictions are poor, or the loss is that of a constant guess."""
    return bool(harm(case)) or bool(is_stuck(case, share))


def largest_rate(case: Case) -> float:
    """Return the largest learning rate of the training, or raise."""
    known = []
    if case.training is not None and case.training.learning_rate is not None:
        known.append(float(case.training.learning_rate))
    curve = case.curves.get("learning_rate")
    if curve is not None and np.isfinite(curve).any():
        known.append(float(np.nanmax(curve)))
    if not known:
        raise NotApplicable("the learning rate is not known")
    return max(known)


def usual_rates(case: Case) -> tuple[float, float, float] | None:
    """Return lower limit, usual value and upper limit of the rate; None if unknown."""
    optimizer = case.training.optimizer if case.training else None
    known = OPTIMIZERS.get(optimizer or "")
    return None if known is None else known.rates


def lower_rate(case: Case) -> float | None:
    """Choose a learning rate to try instead of one that is too high."""
    try:
        rate = largest_rate(case)
    except NotApplicable:
        return None
    usual = usual_rates(case)
    return usual[1] if usual and usual[1] < rate / 2 else rate / 10


def higher_rate(case: Case) -> tuple[float, float] | None:
    """Return the usual learning rate and how many times the used one it is.

    None if the used one is not below the usual range, or not known.
    """
    try:
        rate, usual = largest_rate(case), usual_rates(case)
    except NotApplicable:
        return None
    if usual is None or rate >= usual[0]:
        return None
    return usual[1], usual[1] / max(rate, 1e-300)


def rate_params(rate: float | None, **others: object) -> dict[str, object]:
    """Return the parameters of a fix, with the learning rate where there is one."""
    return others if rate is None else {"learning_rate": rate, **others}
