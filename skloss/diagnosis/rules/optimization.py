"""How the training went.

Losses are compared with that of a constant guess: of always answering with the class
shares that the network was trained on.
"""

import numpy as np

from skloss.diagnosis.case import Case, Part
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.signs import (
    beats_a_guess,
    fitted_part,
    is_harmed,
    never_predicts_minority,
    prior_from_curves,
    shortfall,
    training_loss,
)
from skloss.metrics import entropy

__all__: list[str] = []

_CROSS_ENTROPIES = (
    None,
    "crossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
# Learning rates of each optimizer: too low below, usual, too high above.
_RATES = {
    "adam": (1e-4, 1e-3, 1e-2),
    "adamw": (1e-4, 1e-3, 1e-2),
    "nadam": (1e-4, 1e-3, 1e-2),
    "adamax": (1e-4, 1e-3, 1e-2),
    "rmsprop": (1e-4, 1e-3, 1e-2),
    "lion": (1e-5, 1e-4, 1e-3),
    "adagrad": (1e-3, 1e-2, 0.3),
    "sgd": (1e-3, 1e-2, 0.3),
    "adadelta": (0.1, 1.0, np.inf),
}
# What follows from a network that does not train.
_NOT_LEARNED = (
    "loss-at-constant-guess",
    "majority-collapse",
    "all-positive",
    "underfit",
    "plateau-above-floor",
)


def _finite_loss(case: Case) -> np.ndarray:
    """Training loss without epochs that were not measured, at least three epochs."""
    loss = training_loss(case)
    if not np.isfinite(loss[-1]):
        raise NotApplicable("the training loss does not end finite")
    loss = loss[np.isfinite(loss)]
    if len(loss) < 3:
        raise NotApplicable(f"the training loss is finite in {len(loss)} epochs only")
    return loss


def _ends_finite(case: Case) -> bool:
    loss = case.curves.get("loss")
    return loss is None or not len(loss) or bool(np.isfinite(loss[-1]))


def _loss_or_none(case: Case) -> np.ndarray | None:
    try:
        return _finite_loss(case)
    except NotApplicable:
        return None


def _end(curve: np.ndarray) -> float:
    """Level of the last epochs."""
    return float(np.median(curve[-min(3, max(1, len(curve) // 3)) :]))


def _harmed(case: Case) -> bool | None:
    """Whether the network is worse than it could be; None if that is not known."""
    try:
        return is_harmed(case)
    except NotApplicable:
        return None


def _fitted(case: Case) -> Part | None:
    try:
        return fitted_part(case)
    except NotApplicable:
        return None


def _is_weighted(case: Case) -> bool:
    kind = case.training.class_weight_kind if case.training else None
    return kind not in (None, "none")


def _class_weights(case: Case, counts: np.ndarray) -> np.ndarray | None:
    """Weights of the classes in the training loss; None if not known."""
    training = case.training
    if training is None or not _is_weighted(case):
        return np.ones(len(counts))
    if training.class_weight_kind == "balanced" and counts.all():
        return counts.sum() / (len(counts) * counts)
    given = training.class_weight or {}
    weights = [given.get(str(number)) for number in range(len(counts))]
    return None if None in weights else np.array(weights, float)


def _penalty(case: Case) -> float | None:
    """Penalties in the curve of the training loss; None if there are unknown ones."""
    if case.is_honest:
        return 0.0
    if case.probe is not None and case.probe.penalty is not None:
        return case.probe.penalty
    has = any(part.l1 or part.l2 or part.activity_l2 for part in case.layers or ())
    return None if has else 0.0


def _guess(case: Case) -> float | None:
    """Training loss of a constant guess as the curve has it; None if not known."""
    loss = case.training.loss if case.training else None
    if case.train is None or loss not in _CROSS_ENTROPIES:
        return None
    if case.task in ("multilabel", "regression"):
        return None
    counts = np.asarray(case.train.counts, float)
    weights, penalty = _class_weights(case, counts), _penalty(case)
    if weights is None or penalty is None or not counts.sum():
        return None
    learned = weights * counts / (weights * counts).sum()
    if case.is_honest:
        shown = (case.natural or case.train).prior
        seen = learned > 0
        return float(-(shown[seen] * np.log(learned[seen])).sum())
    scale = float((weights * case.train.prior).sum())
    if loss == "binary_crossentropy" and len(counts) > 2:
        return scale * float(np.mean([entropy(np.array([p, 1 - p])) for p in learned]))
    return scale * float(entropy(learned)) + penalty


def _level(case: Case) -> float | None:
    """Return the final loss in shares of a constant guess's, or of the first epoch's.

    Dropout lifts Keras' curve, so what the final network does counts if it is less.
    """
    loss, guess = _finite_loss(case), _guess(case)
    end, part = _end(loss), _fitted(case)
    if part is not None and part.loss is not None and not _is_weighted(case):
        end = min(end, part.loss) if np.isfinite(part.loss) else end
    whole = guess if guess is not None else float(loss[0])
    return end / whole if whole > 0 else None


def _is_stuck(case: Case, share: float = 0.98) -> bool | None:
    """Whether nothing was learned beyond a constant guess; None if not known."""
    if _guess(case) is None or _loss_or_none(case) is None:
        return None
    level, part = _level(case), _fitted(case)
    if part is not None and beats_a_guess(part):
        return False
    return None if level is None else level >= share


def _is_bad(case: Case, share: float = 0.98) -> bool:
    """Whether a sign of harm is known."""
    return bool(_harmed(case)) or bool(_is_stuck(case, share))


def _rate(case: Case) -> float:
    """Largest learning rate of the training."""
    known = []
    if case.training is not None and case.training.learning_rate is not None:
        known.append(float(case.training.learning_rate))
    curve = case.curves.get("learning_rate")
    if curve is not None and np.isfinite(curve).any():
        known.append(float(np.nanmax(curve)))
    if not known:
        raise NotApplicable("the learning rate is not known")
    return max(known)


def _rates(case: Case) -> tuple[float, float, float] | None:
    """Bounds of the optimizer's learning rate and the usual one; None if not known."""
    optimizer = case.training.optimizer if case.training else None
    return _RATES.get(optimizer or "")


def _lower_rate(case: Case) -> float | None:
    """Choose a learning rate to try instead of one that is too high."""
    try:
        rate = _rate(case)
    except NotApplicable:
        return None
    usual = _rates(case)
    return usual[1] if usual and usual[1] < rate / 2 else rate / 10


def _with_rate(rate: float | None, **others: object) -> dict[str, object]:
    return others if rate is None else {"learning_rate": rate, **others}


def _swing(loss: np.ndarray) -> tuple[float, float]:
    """Of the last half: size of the swings over the level, and share of turns."""
    half = loss[len(loss) // 2 :]
    epochs = np.arange(len(half))
    trend = np.polyval(np.polyfit(epochs, half, 1), epochs)
    steps = np.sign(np.diff(half))
    turns = float(np.mean(steps[1:] * steps[:-1] < 0)) if len(steps) > 1 else 0.0
    level = float(np.mean(half))
    return (float(np.std(half - trend)) / level if level > 0 else 0.0), turns


def _rise(loss: np.ndarray) -> tuple[float, int, float]:
    """Smoothed best, epochs since then, and the level of the last epochs."""
    padded = np.concatenate([loss[:1], loss, loss[-1:]])
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)
    best = int(np.argmin(smooth))
    return float(smooth[best]), len(loss) - 1 - best, _end(loss)


def _has_diverged(loss: np.ndarray, ratio: float, least_rise: float) -> bool:
    """Whether the loss rose for good, by more than the jitter of a small loss."""
    best, since, end = _rise(loss)
    fall = float(loss[0]) - best
    # A loss that swings is low again in one of the last epochs.
    stays = float(loss[-3:].min()) >= ratio * best
    return since >= 3 and stays and end - best > least_rise * fall


def _is_falling(loss: np.ndarray) -> bool:
    """Whether the last fifth has a slope beyond three of its standard errors."""
    tail = loss[-max(3, len(loss) // 5) :]
    epochs = np.arange(len(tail)) - (len(tail) - 1) / 2
    slope = float(epochs @ tail / (epochs @ epochs))
    rest = tail - tail.mean() - slope * epochs
    error = np.sqrt(rest @ rest / (len(tail) - 2) / (epochs @ epochs))
    # Few points of a curve that flattens are off their line for that alone.
    falls = bool(np.all(np.diff(tail) < 0)) and tail[-1] < 0.98 * tail[0]
    steady = len(tail) < 5 and falls
    return slope < 0 and (slope < -3 * error or steady)


def _gain(loss: np.ndarray) -> float:
    """Share of the final loss that as many epochs again would win.

    The fall goes on as it went from the last fifth but one to the last.
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


class NonfiniteLoss(Rule):
    """The loss or the weights became NaN or infinite.

    Reads: the curve of the training loss, the final weights, and whether training was
    stopped for that.
    Hurts: from that step on nothing is learned, and predictions are NaN.
    Wrong when: a log lacks single epochs; they are passed over if the loss ends finite.
    """

    code = "O01"
    name = "nonfinite-loss"
    severity = "error"
    explains = (
        *_NOT_LEARNED,
        "late-divergence",
        "exploding-gradients",
        "dead-relu",
        "val-loss-misleads",
    )
    reference = "Keras TerminateOnNaN; DeepLocalize"

    def inspect(self, case: Case) -> Finding | None:
        loss = case.curves.get("loss")
        weights = case.probe.nonfinite_weights if case.probe else None
        if loss is None and weights is None and case.stop_reason != "diverged":
            raise NotApplicable("neither a training loss nor weights are known")
        evidence: dict[str, object] = {}
        if loss is not None and not _ends_finite(case):
            epoch = int(np.flatnonzero(~np.isfinite(loss))[0]) + 1
            evidence["first epoch"] = epoch
            where = f"The training loss is not finite from epoch {epoch} on."
        elif loss is not None and np.isinf(loss).any():
            epoch = int(np.flatnonzero(np.isinf(loss))[0]) + 1
            evidence["first epoch"] = epoch
            where = f"The training loss is infinite in epoch {epoch}."
        else:
            where = "Training was stopped because its loss was no longer finite."
        if weights:
            evidence["weights"] = "not finite"
            if len(evidence) == 1:
                where = "The network has weights that are not finite."
        if case.stop_reason == "diverged":
            evidence["stopped"] = "diverged"
        if not evidence:
            return None
        return self.found(
            where,
            evidence,
            "Look for NaN and huge values in the inputs, lower the learning rate "
            "tenfold, and clip the gradients.",
            params=_with_rate(_lower_rate(case), clipnorm=1.0),
        )


class LrTooHigh(Rule):
    """The learning rate is so high that training cannot settle.

    Reads: the largest learning rate, the optimizer, and the training loss against that
    of a constant guess; without a learning rate, a loss that jumped back to a guess.
    Hurts: updates overshoot; the loss swings, diverges, or all units die early.
    Wrong when: nothing else shows harm (a high rate alone is context only), or inputs
    are so large that any rate would be too high.
    """

    code = "O02"
    name = "lr-too-high"
    severity = "warning"
    explains = (
        "nonfinite-loss",
        "late-divergence",
        "exploding-gradients",
        "dead-relu",
        "vanishing-gradients",
        "saturating-hidden",
        "loss-oscillation",
        "noisy-validation",
        "val-loss-misleads",
        *_NOT_LEARNED,
    )
    reference = "UMLAUT (Adam 0.01); DeepDiagnosis (0.1)"
    far_beyond = 10.0
    rate_that_kills = 0.01
    dead_units = 0.9
    swing = 0.25
    turns = 0.5
    learned = 0.9
    lost = 0.98

    def inspect(self, case: Case) -> Finding | None:
        rate, bounds = self._known(case)
        signs = self._signs(case)
        if rate is not None and bounds is not None and rate > bounds[2]:
            return self._above(case, rate, bounds[2], signs)
        jump = self._jump(case)
        if jump is not None:
            return self._found_jump(case, rate, jump)
        killed = self._killed(case, rate)
        if killed is not None and rate is not None:
            return self.found(
                f"The learning rate {rate:g} killed {killed:.0%} of a layer's units.",
                {"learning rate": rate, "dead units": killed},
                f"Lower the learning rate to {_lower_rate(case):g}.",
                params=_with_rate(_lower_rate(case)),
            )
        return None

    def _known(
        self, case: Case
    ) -> tuple[float | None, tuple[float, float, float] | None]:
        """Rate and bounds; raises if neither they nor a curve can be judged."""
        bounds = _rates(case)
        try:
            return _rate(case), bounds
        except NotApplicable:
            if _guess(case) is None:
                raise
            _finite_loss(case)
            return None, bounds

    def _signs(self, case: Case) -> dict[str, object]:
        """Collect what shows that training did not settle."""
        signs: dict[str, object] = {}
        loss = _loss_or_none(case)
        if case.stop_reason == "diverged" or not _ends_finite(case):
            signs["training loss"] = "not finite"
        elif loss is not None:
            signs |= self._signs_of(loss)
        if loss is not None and _is_stuck(case, self.lost):
            signs["loss of a constant guess"] = (_guess(case), "nats")
            signs["final training loss"] = (_end(loss), "nats")
        if _harmed(case):
            signs["harm"] = "a simple learner or a guess does as well"
        return signs

    def _signs_of(self, loss: np.ndarray) -> dict[str, object]:
        swing, turns = _swing(loss)
        best, _, end = _rise(loss)
        if _has_diverged(loss, 1.5, 0.1):
            return {"best training loss": best, "final training loss": end}
        if len(loss) >= 10 and swing > self.swing and turns > self.turns:
            return {"swing of the loss": (swing, "of its level")}
        return {}

    def _above(
        self, case: Case, rate: float, bound: float, signs: dict[str, object]
    ) -> Finding:
        optimizer = case.training.optimizer if case.training else None
        lower = _lower_rate(case)
        certain = bool(signs) and (
            rate > self.far_beyond * bound or "training loss" in signs
        )
        return self.found(
            f"The learning rate of {optimizer} is {rate:g}; it seldom bears more than "
            f"{bound:g}.",
            {"learning rate": rate, "usual limit": bound, **signs},
            f"Lower the learning rate to {lower:g}.",
            severity="error" if certain else "warning" if signs else "info",
            params=_with_rate(lower),
        )

    def _jump(self, case: Case) -> tuple[float, float, int] | None:
        """Lowest loss, level after the jump back to a guess, and the epoch of it."""
        guess, loss = _guess(case), _loss_or_none(case)
        if guess is None or loss is None:
            return None
        epoch = int(np.argmax(np.diff(loss))) + 1
        before, after = float(loss[:epoch].min()), loss[epoch:]
        jumped = before < self.learned * guess and len(after) >= 3
        stays = jumped and bool(np.all(after[1:] >= self.lost * guess))
        return (before, float(np.median(after)), epoch + 1) if stays else None

    def _found_jump(
        self, case: Case, rate: float | None, jump: tuple[float, float, int]
    ) -> Finding:
        before, after, epoch = jump
        evidence = {
            "lowest loss": (before, "nats"),
            "loss since": (after, "nats"),
            "loss of a constant guess": (_guess(case), "nats"),
            "epoch": epoch,
        }
        if rate is not None:
            evidence["learning rate"] = (rate, "")
        lower = _lower_rate(case)
        return self.found(
            f"In epoch {epoch} the training loss jumped from {before:.3g} to the level "
            "of a constant guess, and stayed there.",
            evidence,
            "Lower the learning rate tenfold, and clip the gradients.",
            params=_with_rate(lower, clipnorm=1.0),
        )

    def _killed(self, case: Case, rate: float | None) -> float | None:
        """Largest share of dead units, if the rate is high and nothing was learned."""
        shares = case.probe.dead_shares if case.probe else None
        if rate is None or rate < self.rate_that_kills or not shares:
            return None
        optimizer = case.training.optimizer if case.training else None
        if optimizer in ("adadelta", "sgd", None) or not _is_stuck(case, self.lost):
            return None
        return max(shares) if max(shares) > self.dead_units else None


class LateDivergence(Rule):
    """The training loss fell, then rose for good.

    Reads: the training loss, smoothed over three epochs, its best against its end; and
    the learning rate, as a warm restart raises the loss on purpose.
    Hurts: the final weights are worse than those of an earlier epoch.
    Wrong when: the loss is so small that its jitter is large beside it; a rise of less
    than a tenth of the whole fall is passed over.
    """

    code = "O03"
    name = "late-divergence"
    explains = (
        "exploding-gradients",
        "loss-oscillation",
        "dead-relu",
        "vanishing-gradients",
        "val-loss-misleads",
        *_NOT_LEARNED,
    )
    reference = "TRAINER-DC divergence (twice the best)"
    ratio = 1.5
    least_rise = 0.1
    least_epochs_since = 3

    def inspect(self, case: Case) -> Finding | None:
        loss = _finite_loss(case)
        best, since, end = _rise(loss)
        if since < self.least_epochs_since or self._was_restarted(case, since):
            return None
        if not _has_diverged(loss, self.ratio, self.least_rise):
            return None
        restored = bool(case.training and case.training.restore_best)
        lower = _lower_rate(case)
        return self.found(
            f"The training loss rose from {best:.3g} to {end:.3g} in the last {since} "
            "epochs.",
            {
                "best training loss": (best, "nats"),
                "final training loss": (end, "nats"),
                "epochs since the best": (since, "epochs"),
            },
            "Lower the learning rate or let it decay, clip the gradients, and keep the "
            "weights of the best epoch.",
            severity="info" if restored and _harmed(case) is False else "warning",
            params=_with_rate(lower, clipnorm=1.0),
        )

    def _was_restarted(self, case: Case, since: int) -> bool:
        """Whether the rate rose after the best epoch, to no more than it had been."""
        curve = case.curves.get("learning_rate")
        if curve is None or len(curve) <= since:
            return False
        before, after = curve[: len(curve) - since], curve[len(curve) - since - 1 :]
        rose = bool(np.any(np.diff(after) > 0))
        return rose and bool(after.max() <= 1.05 * before.max())


class LrTooLow(Rule):
    """The learning rate is so low that training hardly moves.

    Reads: the largest learning rate, the optimizer, and how far the loss fell.
    Hurts: the network ends near where it started.
    Wrong when: a pretrained network is tuned with a low rate; that is no alarm while
    the loss gets below half of a constant guess.
    """

    code = "O04"
    name = "lr-too-low"
    explains = (
        "too-few-epochs",
        "slow-convergence",
        "val-loss-misleads",
        *_NOT_LEARNED,
    )
    reference = "Zeiler 2012 (Adadelta 1.0; Keras' default is 0.001)"
    little_fall = 0.1
    least_gain = 0.02
    high_loss = 0.5

    def inspect(self, case: Case) -> Finding | None:
        rate, bounds = _rate(case), _rates(case)
        if bounds is None:
            raise NotApplicable("usual learning rates of the optimizer are not known")
        loss = _finite_loss(case)
        level = _level(case)
        if rate >= bounds[0] or level is None:
            return None
        fall = float(1 - _end(loss) / loss[0]) if loss[0] > 0 else 1.0
        moves = _is_falling(loss) and _gain(loss) > self.least_gain
        is_high = level > self.high_loss or bool(_harmed(case))
        if not (moves or fall < self.little_fall) or not is_high:
            return None
        optimizer = case.training.optimizer if case.training else None
        how = "still falls" if moves else f"fell by {fall:.0%} only"
        return self.found(
            f"The learning rate {rate:g} is low for {optimizer}; the loss {how}.",
            {
                "learning rate": rate,
                "usual learning rate": bounds[1],
                "fall of the training loss": (fall, "of the first epoch's"),
                "final training loss": (_end(loss), "nats"),
                **self._update(case),
            },
            f"Raise the learning rate to {bounds[1]:g}.",
            params={"learning_rate": bounds[1]},
        )

    def _update(self, case: Case) -> dict[str, object]:
        """Size of a step beside the weights, where it is known."""
        steps = case.curves.get("update_norm_first")
        weights = case.probe.weight_norms if case.probe else None
        if steps is None or not weights or not weights[0] > 0:
            return {}
        return {
            "update of the first layer": (float(steps[-1]) / weights[0], "per step")
        }


class VanishingGradients(Rule):
    """Hardly any gradient reaches the first layer.

    Reads: gradient norms of the first and the last kernel, of the final network or of
    the last epochs.
    Hurts: the first layers stay as they were drawn.
    Wrong when: training is over and all gradients are small; so the loss must be high.
    """

    code = "O05"
    name = "vanishing-gradients"
    explains = _NOT_LEARNED
    reference = "AutoTrainer (1e-3, 1e-4)"
    least_ratio = 1e-3
    least_norm = 1e-4
    high_loss = 0.9

    def inspect(self, case: Case) -> Finding | None:
        first, last = _gradients(case)
        if not last > 0 or first >= self.least_norm or first >= self.least_ratio * last:
            return None
        if not _is_bad(case, self.high_loss):
            return None
        hidden = [layer.activation for layer in (case.layers or ())[:-1]]
        bounded = any(name in ("sigmoid", "tanh") for name in hidden)
        return self.found(
            f"The gradient of the first layer ({first:.2g}) is {first / last:.1g} of "
            "that of the last.",
            {"first layer": (first, "gradient norm"), "last layer": last},
            "Give the hidden layers ReLU instead of sigmoid or tanh."
            if bounded
            else "Use batch normalization, or fewer layers.",
            params={"activation": "relu"} if bounded else {"batch_norm": True},
        )


class ExplodingGradients(Rule):
    """Gradients became far larger than they had been, or grow towards the input.

    Reads: gradient norms by epoch, each against the median of the epochs before, or of
    the first and the last kernel.
    Hurts: single updates throw the network far away.
    Wrong when: gradients are small once more and the loss is none the worse; that is
    context only.
    """

    code = "O06"
    name = "exploding-gradients"
    explains = ("loss-oscillation", "dead-relu", *_NOT_LEARNED)
    reference = "AutoTrainer (ratio 70)"
    spike = 100.0
    ratio = 70.0
    high_loss = 0.9
    least_loss = 0.1  # of the first epoch's, for a rise to matter
    least_epochs = 5

    def inspect(self, case: Case) -> Finding | None:
        spike, reason = self._spike(case), ""
        try:
            first, last = _gradients(case)
        except NotApplicable as err:
            first, last, reason = 0.0, 1.0, str(err)
        if spike is None and reason:
            raise NotApplicable(reason)
        if spike is not None and spike > self.spike:
            return self._found_spike(case, spike)
        if last > 0 and first > self.ratio * last and _is_bad(case, self.high_loss):
            return self._found(
                f"The gradient of the first layer is {first / last:.0f} times that of "
                "the last.",
                {"first layer": (first, "gradient norm"), "last layer": last},
                "warning",
            )
        return None

    def _found_spike(self, case: Case, spike: float) -> Finding:
        clips = bool(case.training and case.training.clips)
        harmless = clips or not (_is_bad(case, self.high_loss) or self._rose(case))
        return self._found(
            f"In one epoch the gradient was {spike:.0f} times that of those before.",
            {"largest gradient": (spike, "times the median before")},
            "info" if harmless else "warning",
        )

    def _found(
        self, title: str, evidence: dict[str, object], severity: Severity
    ) -> Finding:
        return self.found(
            title,
            evidence,
            "Clip the gradients (clipnorm=1), and lower the learning rate.",
            severity=severity,
            params={"clipnorm": 1.0},
        )

    def _spike(self, case: Case) -> float | None:
        """Largest norm over the median of those before it; None if not known."""
        largest = None
        for name in ("gradient_norm_first", "gradient_norm_last"):
            norms = case.curves.get(name, np.zeros(0))
            for epoch in range(self.least_epochs - 1, len(norms)):
                usual = float(np.median(norms[:epoch]))
                now = float(norms[epoch]) / usual if usual > 0 else 0.0
                now = np.inf if np.isnan(now) else now
                largest = now if largest is None else max(largest, now)
        return largest

    def _rose(self, case: Case) -> bool:
        """Whether the training loss ended higher than it had been."""
        loss = _loss_or_none(case)
        if loss is None:
            return not _ends_finite(case)
        best, since, end = _rise(loss)
        return since > 0 and end > max(1.2 * best, self.least_loss * float(loss[0]))


class DeadRelu(Rule):
    """Hidden ReLU units are zero on every row.

    Reads: the share of dead units of each layer on up to 256 rows.
    Hurts: dead units get no gradient and never come back; a layer of nothing but dead
    units makes the output constant.
    Wrong when: a wide network has units to spare; so it alarms only if the network does
    not do better than a simple learner or a guess.
    """

    code = "O07"
    name = "dead-relu"
    explains = ("vanishing-gradients", *_NOT_LEARNED)
    reference = "SageMaker Debugger DeadRelu (50 %)"
    dead = 0.5

    def inspect(self, case: Case) -> Finding | None:
        share = _largest_share(case, "dead_shares", "dead_share", "that can die")
        if share <= self.dead:
            return None
        bad = _is_bad(case)
        grave: Severity = "error" if share >= 1 else "warning"
        return self.found(
            f"{share:.0%} of the ReLU units of a layer are zero on every row.",
            {"dead units": share},
            "Lower the learning rate, scale the inputs, or use leaky ReLU.",
            severity=grave if bad else "info",
            params={"activation": "leaky_relu"},
        )


class SaturatingHidden(Rule):
    """Hidden sigmoid or tanh units are stuck at the ends of their range.

    Reads: the share of units of each such layer that are at an end on most rows.
    Hurts: their slope there is nil, so that no gradient passes.
    Wrong when: a trained network uses units as switches; so it alarms only if the
    network does not do better than a simple learner or a guess.
    """

    code = "O08"
    name = "saturating-hidden"
    explains = ("vanishing-gradients", *_NOT_LEARNED)
    reference = "SageMaker Debugger Tanh (saturation)"
    saturated = 0.5

    def inspect(self, case: Case) -> Finding | None:
        share = _largest_share(
            case, "saturated_shares", "saturated_share", "with sigmoid or tanh"
        )
        if share <= self.saturated:
            return None
        return self.found(
            f"{share:.0%} of the units of a hidden layer are saturated.",
            {"saturated units": share},
            "Scale the inputs, or give the hidden layers ReLU.",
            severity="warning" if _is_bad(case) else "info",
            params={"activation": "relu"},
        )


class LossOscillation(Rule):
    """The training loss swings from epoch to epoch and does not settle.

    Reads: the last half of the training loss: size of the swings about a straight
    line, and how often it turns. Never the validation loss: that of few rows jumps.
    Hurts: where training ends is left to chance.
    Wrong when: the loss is small beside that of a constant guess, where swings are
    large in proportion only.
    """

    code = "O09"
    name = "loss-oscillation"
    explains = ("noisy-validation", *_NOT_LEARNED)
    reference = "TRAINER-DC (half of the steps turn)"
    least_epochs = 10
    swing = 0.1
    large_swing = 0.25
    turns = 0.5
    small_loss = 0.1
    high_loss = 0.5

    def inspect(self, case: Case) -> Finding | None:
        loss = _finite_loss(case)
        if len(loss) < self.least_epochs:
            raise NotApplicable(
                f"{len(loss)} epochs; at least {self.least_epochs} are needed"
            )
        swing, turns = _swing(loss)
        level = self._mean_level(case, loss)
        if swing <= self.swing or turns <= self.turns or level <= self.small_loss:
            return None
        harmed = _harmed(case)
        is_high = level > self.high_loss and harmed is not False
        alarms = bool(harmed) or is_high or swing > self.large_swing
        lower = _lower_rate(case)
        return self.found(
            f"The training loss swings by {swing:.0%} of its level to the end.",
            {
                "swing": (swing, "of the level"),
                "turns": (turns, "of the epochs"),
                "level": (level, "of a constant guess's loss"),
            },
            "Let the learning rate decay or lower it, or use larger batches.",
            severity="warning" if alarms else "info",
            params=_with_rate(lower),
        )

    def _mean_level(self, case: Case, loss: np.ndarray) -> float:
        """Mean of the last half, in shares of a guess's or the first epoch's loss."""
        guess = _guess(case)
        whole = guess if guess is not None else float(loss[0])
        return float(loss[len(loss) // 2 :].mean()) / whole if whole > 0 else 0.0


class LossAtConstantGuess(Rule):
    """The training loss is that of always guessing the class shares.

    Reads: the training loss and the class counts; without counts, the shares that the
    accuracy implies where the minority is never found.
    Hurts: nothing was learned from the inputs.
    Wrong when: the loss is lifted by dropout or weights that are not known, though
    predictions beat a guess; that is context only.
    """

    code = "O10"
    name = "loss-at-constant-guess"
    explains = ("plateau-above-floor",)
    reference = "Karpathy, A Recipe for Training Neural Networks"
    share = 0.98
    share_if_estimated = 0.9
    least_fall = 0.05

    def inspect(self, case: Case) -> Finding | None:
        loss = _finite_loss(case)
        guess, level = _guess(case), _level(case)
        if guess is None:
            return self._estimated(case, loss)
        if level is None or level < self.share:
            return None
        part = _fitted(case)
        learned = part is not None and bool(beats_a_guess(part))
        return self._found(
            level * guess, (guess, guess), "info" if learned else "warning"
        )

    def _estimated(self, case: Case, loss: np.ndarray) -> Finding | None:
        """Judge by shares of the classes that the curves imply."""
        shares = prior_from_curves(case)
        if shares is None or case.train is not None or _is_weighted(case):
            raise NotApplicable("the loss of a constant guess is not known")
        low, high = (float(entropy(np.array([1 - p, p]))) for p in shares)
        end = _end(loss)
        # The first epoch of a running mean is not yet what the network can do.
        start = float(loss[1] if len(loss) > 3 and not case.is_honest else loss[0])
        is_flat = start - end < self.least_fall * start
        if end < self.share_if_estimated * low or not is_flat:
            return None
        if never_predicts_minority(case) is None:
            return None
        return self._found(end, (low, high), "warning")

    def _found(
        self, end: float, guess: tuple[float, float], severity: Severity
    ) -> Finding:
        low, high = guess
        told = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
        return self.found(
            f"The training loss ends at {end:.3g}; always guessing the class shares "
            f"gives {told}.",
            {
                "final training loss": (end, "nats"),
                "loss of a constant guess": (told, "nats"),
            },
            "Find what keeps the network from learning: inputs, activations, dropout, "
            "learning rate.",
            severity=severity,
        )


class TooFewEpochs(Rule):
    """Training ended while the training loss still fell.

    Reads: the slope of the last fifth of the training loss, and what as many epochs
    again would win if the fall went on.
    Hurts: the network could be better for a little more time.
    Wrong when: the network does well as it is (then this is slow-convergence), was
    stopped for its validation curve, or its learning rate had gone to nothing.
    """

    code = "O11"
    name = "too-few-epochs"
    explains = ("slow-convergence", *_NOT_LEARNED)
    reference = "Google, Deep Learning Tuning Playbook"
    gain = 0.1
    fast_gain = 0.3
    high_loss = 0.5
    low_loss = 0.1
    least_loss = 0.05  # above it, if a simple learner is better
    few_epochs = 10

    def inspect(self, case: Case) -> Finding | None:
        loss, gain = _unfinished(case)
        if gain <= self.gain or not self._is_short(case, gain, len(loss)):
            return None
        epochs = 3 * len(loss)
        return self.found(
            f"After {len(loss)} epochs the training loss still falls; as many again "
            f"would win about {gain:.0%}.",
            {
                "epochs": (len(loss), "epochs"),
                "final training loss": (float(loss[-1]), "nats"),
                "to be won": (gain, "of the training loss"),
            },
            f"Train for {epochs} epochs or more, with early stopping.",
            params={"epochs": epochs},
        )

    def _is_short(self, case: Case, gain: float, n_epochs: int) -> bool:
        """Whether the network is not yet good for anything, or gets so fast."""
        level, harmed = _level(case), _harmed(case)
        if harmed or level is None:
            return bool(harmed)
        if level > self.high_loss and harmed is None:
            return True
        is_early = level > self.high_loss or n_epochs <= self.few_epochs
        if not is_early:
            return False
        if level > self.low_loss and gain > self.fast_gain:
            return True
        return level > self.least_loss and self._is_behind(case)

    @staticmethod
    def _is_behind(case: Case) -> bool:
        """Whether a simple learner is better at all, by however little."""
        try:
            return shortfall(case, least=0.0) is not None
        except NotApplicable:
            return False


class SlowConvergence(Rule):
    """The training loss was still falling at the end, though the network does well.

    Reads: the same as too-few-epochs.
    Hurts: little; more epochs might still win something.
    Wrong when: the fall is memorizing; then the validation loss does not fall with it.
    """

    code = "O12"
    name = "slow-convergence"
    severity = "info"
    reference = "Google, Deep Learning Tuning Playbook"
    gain = 0.1

    def inspect(self, case: Case) -> Finding | None:
        loss, gain = _unfinished(case)
        if gain <= self.gain or TooFewEpochs().inspect(case) is not None:
            return None
        return self.found(
            f"The training loss still falls; as many epochs again would win about "
            f"{gain:.0%}.",
            {"epochs": (len(loss), "epochs"), "to be won": (gain, "of the loss")},
            "Try more epochs, or a higher learning rate.",
            params={"epochs": 2 * len(loss)},
        )


def _gradients(case: Case) -> tuple[float, float]:
    """Norms of the first and the last kernel's gradient at the end of training."""
    norms = case.probe.gradient_norms if case.probe else None
    if norms and len(norms) >= 2 and np.isfinite(norms).all():
        return float(norms[0]), float(norms[-1])
    first = case.curves.get("gradient_norm_first")
    last = case.curves.get("gradient_norm_last")
    if first is None or last is None or norms is not None:
        raise NotApplicable("gradient norms of two kernels are not known")
    return _end(first), _end(last)


def _largest_share(case: Case, shares: str, curve: str, kind: str) -> float:
    """Share of units of the worst layer; of all layers, if only the curve is known."""
    known = getattr(case.probe, shares) if case.probe else None
    if known is not None:
        return float(max(known, default=0.0))
    values = case.curves.get(curve)
    if values is None or not len(values) or not np.isfinite(values[-1]):
        raise NotApplicable(f"units {kind} were not looked at")
    return float(values[-1])


def _unfinished(case: Case) -> tuple[np.ndarray, float]:
    """Training loss, and its gain by as many epochs again; 0 if it need not go on."""
    loss = _finite_loss(case)
    rates = case.curves.get("learning_rate")
    training = case.training
    if rates is not None and rates[-1] < 0.05 * np.nanmax(rates):
        return loss, 0.0
    if training is not None and training.epochs and len(loss) < training.epochs:
        raise NotApplicable("training was stopped before its last epoch")
    if case.stop_reason not in (None, "epochs"):
        raise NotApplicable(f"training was stopped: {case.stop_reason}")
    if not _is_falling(loss) or _gets_worse(case):
        return loss, 0.0
    return loss, _gain(loss)


def _gets_worse(case: Case) -> bool:
    """Whether the validation loss has long been past its best."""
    val = case.curves.get("val_loss")
    if val is None or not np.isfinite(val).all():
        return False
    best, since, end = _rise(val)
    return since > max(2, len(val) // 5) and end > 1.05 * best
