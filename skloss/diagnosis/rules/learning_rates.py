"""Learning rates: a training that blew up, overshot, or hardly moved."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import harm
from skloss.diagnosis.evidence.symptoms import training_loss
from skloss.diagnosis.evidence.training_loss import (
    NOT_LEARNED,
    end_of,
    ends_finite,
    final_level,
    finite_loss,
    gain_of,
    guess_loss,
    has_diverged,
    is_falling,
    is_stuck,
    largest_rate,
    loss_if_known,
    lower_rate,
    rate_params,
    rise_of,
    swing_of,
    usual_rates,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule

__all__: list[str] = []


class NonfiniteLoss(Rule):
    """The loss or the weights became NaN or infinite.

    Reads: the curve of the training loss, the final weights, and whether training was
    stopped for that.
    Effect: from that step on nothing is learned, and predictions are NaN.
    False alarm when: a log lacks single epochs; NaN is passed over if the loss ends
    finite.
    """

    code = "O01"
    name = "nonfinite-loss"
    severity = "error"
    explains = (
        *NOT_LEARNED,
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
        epoch = None
        if loss is not None and not ends_finite(case):
            epoch = int(np.flatnonzero(~np.isfinite(loss))[0])
            evidence["first epoch"] = epoch + 1
            where = f"The training loss is NaN or infinite from epoch {epoch + 1} on."
        elif loss is not None and np.isinf(loss).any():
            epoch = int(np.flatnonzero(np.isinf(loss))[0])
            evidence["first epoch"] = epoch + 1
            where = f"The training loss is infinite in epoch {epoch + 1}."
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
            params=rate_params(lower_rate(case), clipnorm=1.0),
            epoch=epoch,
        )


class LrTooHigh(Rule):
    """The learning rate is so high that training cannot settle.

    Reads: the largest learning rate, the optimizer, and the training loss against that
    of a constant guess; without a learning rate, a loss that jumped back to a guess.
    Effect: updates overshoot; the loss swings, diverges, or all units die early.
    False alarm when: nothing else shows harm (a high rate alone is context only), or
    inputs are so large that any rate would be too high.
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
        *NOT_LEARNED,
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
                {"learning rate": rate, "dead units": (killed, "of the layer")},
                f"Lower the learning rate to {lower_rate(case):g}.",
                params=rate_params(lower_rate(case)),
            )
        return None

    def _known(
        self, case: Case
    ) -> tuple[float | None, tuple[float, float, float] | None]:
        """Rate and bounds; raises if neither they nor a curve can be judged."""
        bounds = usual_rates(case)
        try:
            return largest_rate(case), bounds
        except NotApplicable:
            if guess_loss(case) is None:
                raise
            finite_loss(case)
            return None, bounds

    def _signs(self, case: Case) -> dict[str, object]:
        """Collect what shows that training did not settle."""
        signs: dict[str, object] = {}
        loss = loss_if_known(case)
        if case.stop_reason == "diverged" or not ends_finite(case):
            signs["training loss"] = "not finite"
        elif loss is not None:
            signs |= self._signs_of(loss)
        if loss is not None and is_stuck(case, self.lost):
            signs["loss of a constant guess"] = (guess_loss(case), "nats")
            signs["final training loss"] = (end_of(loss), "nats")
        if harm(case):
            signs["harm"] = "a simple learner or a guess does as well"
        return signs

    def _signs_of(self, loss: np.ndarray) -> dict[str, object]:
        swing, turns = swing_of(loss)
        best, _, end = rise_of(loss)
        if has_diverged(loss, 1.5, 0.1):
            return {"best training loss": best, "final training loss": end}
        if len(loss) >= 10 and swing > self.swing and turns > self.turns:
            return {"swing of the loss": (swing, "of its level")}
        return {}

    def _above(
        self, case: Case, rate: float, bound: float, signs: dict[str, object]
    ) -> Finding:
        optimizer = case.training.optimizer if case.training else None
        lower = lower_rate(case)
        certain = bool(signs) and (
            rate > self.far_beyond * bound or "training loss" in signs
        )
        return self.found(
            f"The learning rate of {optimizer} is {rate:g}; it seldom bears more than "
            f"{bound:g}.",
            {"learning rate": rate, "usual limit": bound, **signs},
            f"Lower the learning rate to {lower:g}.",
            severity="error" if certain else "warning" if signs else "info",
            params=rate_params(lower),
        )

    def _jump(self, case: Case) -> tuple[float, float, int] | None:
        """Lowest loss, level after the jump back to a guess, and the epoch of it."""
        guess, loss = guess_loss(case), loss_if_known(case)
        if guess is None or loss is None:
            return None
        epoch = int(np.argmax(np.diff(loss))) + 1
        before, after = float(loss[:epoch].min()), loss[epoch:]
        jumped = before < self.learned * guess and len(after) >= 3
        stays = jumped and bool(np.all(after[1:] >= self.lost * guess))
        number = int(_finite_epochs(case)[epoch]) + 1
        return (before, float(np.median(after)), number) if stays else None

    def _found_jump(
        self, case: Case, rate: float | None, jump: tuple[float, float, int]
    ) -> Finding:
        before, after, epoch = jump
        evidence = {
            "lowest loss": (before, "nats"),
            "loss since": (after, "nats"),
            "loss of a constant guess": (guess_loss(case), "nats"),
            "epoch": epoch,
        }
        if rate is not None:
            evidence["learning rate"] = (rate, "")
        lower = lower_rate(case)
        return self.found(
            f"In epoch {epoch} the training loss jumped from {before:.3g} to the level "
            "of a constant guess, and stayed there.",
            evidence,
            "Lower the learning rate tenfold, and clip the gradients.",
            params=rate_params(lower, clipnorm=1.0),
            epoch=epoch - 1,
        )

    def _killed(self, case: Case, rate: float | None) -> float | None:
        """Largest share of dead units, if the rate is high and nothing was learned."""
        shares = case.probe.dead_shares if case.probe else None
        if rate is None or rate < self.rate_that_kills or not shares:
            return None
        optimizer = case.training.optimizer if case.training else None
        if optimizer in ("adadelta", "sgd", None) or not is_stuck(case, self.lost):
            return None
        return max(shares) if max(shares) > self.dead_units else None


class LateDivergence(Rule):
    """The training loss fell, then rose for good.

    Reads: the training loss, smoothed over three epochs, its best against its end; and
    the learning rate, as a warm restart raises the loss on purpose.
    Effect: the final weights are worse than those of an earlier epoch.
    False alarm when: the loss is so small that its jitter is large beside it; a rise of
    less than a tenth of the whole fall is passed over.
    """

    code = "O03"
    name = "late-divergence"
    explains = (
        "exploding-gradients",
        "loss-oscillation",
        "dead-relu",
        "vanishing-gradients",
        "val-loss-misleads",
        *NOT_LEARNED,
    )
    reference = "TRAINER-DC divergence (twice the best)"
    ratio = 1.5
    least_rise = 0.1
    least_epochs_since = 3

    def inspect(self, case: Case) -> Finding | None:
        loss = finite_loss(case)
        best, since, end = rise_of(loss)
        if since < self.least_epochs_since or self._was_restarted(case, since):
            return None
        if not has_diverged(loss, self.ratio, self.least_rise):
            return None
        restored = bool(case.training and case.training.restore_best)
        lower = lower_rate(case)
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
            severity="info" if restored and harm(case) is False else "warning",
            params=rate_params(lower, clipnorm=1.0),
            epoch=int(_finite_epochs(case)[-1 - since]),
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
    Effect: the network ends near where it started.
    False alarm when: a pretrained network is tuned with a low rate; that is no alarm if
    the loss gets below half of a constant guess and no simple learner does better.
    """

    code = "O04"
    name = "lr-too-low"
    explains = (
        "too-few-epochs",
        "slow-convergence",
        "val-loss-misleads",
        *NOT_LEARNED,
    )
    reference = "Zeiler 2012 (Adadelta 1.0; Keras' default is 0.001)"
    little_fall = 0.1
    least_gain = 0.02
    high_loss = 0.5

    def inspect(self, case: Case) -> Finding | None:
        rate, bounds = largest_rate(case), usual_rates(case)
        if bounds is None:
            raise NotApplicable("usual learning rates of the optimizer are not known")
        loss = finite_loss(case)
        level = final_level(case)
        if rate >= bounds[0] or level is None:
            return None
        fall = float(1 - end_of(loss) / loss[0]) if loss[0] > 0 else 1.0
        moves = is_falling(loss) and gain_of(loss) > self.least_gain
        is_high = level > self.high_loss or bool(harm(case))
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
                "final training loss": (end_of(loss), "nats"),
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
            "update of the first layer": (
                float(steps[-1]) / weights[0],
                "of its weights a step",
            )
        }


def _finite_epochs(case: Case) -> np.ndarray:
    """Epochs of the values that `finite_loss` keeps."""
    return np.flatnonzero(np.isfinite(training_loss(case)))
