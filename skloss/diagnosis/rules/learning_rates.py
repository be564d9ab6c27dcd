"""Rules about the learning rate: training that diverges, swings, or hardly moves."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    BATCH_SIZE,
    gain_of_smaller_batches,
    harm,
)
from skloss.diagnosis.evidence.late_harm import is_worse_than
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
    """The training loss or the weights became NaN or infinite.

    Reads: the training loss, the final weights, and whether training was stopped for
    this reason.
    Effect: from that update on the network learns nothing, and its predictions are NaN.
    What to do: check np.isfinite(X).all(), put StandardScaler() first in the pipeline,
    divide learning_rate by 10, and set clipnorm=1.0 in the optimizer.
    False alarm when: a log lacks the values of single epochs. NaN is ignored if the
    loss ends finite.
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
            evidence["first such epoch"] = epoch + 1
            where = f"The training loss is NaN or infinite from epoch {epoch + 1} on."
        elif loss is not None and np.isinf(loss).any():
            epoch = int(np.flatnonzero(np.isinf(loss))[0])
            evidence["first such epoch"] = epoch + 1
            where = f"The training loss is infinite in epoch {epoch + 1}."
        else:
            where = "Training stopped because the loss was no longer finite."
        if weights:
            evidence["weights"] = "not finite"
            if len(evidence) == 1:
                where = "Some weights of the network are NaN or infinite."
        if case.stop_reason == "diverged":
            evidence["reason of the stop"] = "diverged"
        if not evidence:
            return None
        return self.found(
            where,
            evidence,
            "Check np.isfinite(X).all() and scale the inputs with StandardScaler(). "
            "Then divide learning_rate by 10, and set clipnorm=1.0.",
            params=rate_params(lower_rate(case), clipnorm=1.0),
            epoch=epoch,
        )


class LrTooHigh(Rule):
    """The learning rate is so high that the training does not settle.

    Reads: the largest learning rate, the optimizer, and the training loss relative to a
    constant guess. Without a learning rate, it looks for a loss that jumps back to the
    level of a constant guess.
    Effect: updates overshoot. The loss swings or diverges, or all ReLU units die early.
    What to do: divide learning_rate by 10, and set clipnorm=1.0 in the optimizer.
    False alarm when: the inputs are so large that any rate would be too high. A high
    rate without any other sign of harm is a remark, unless it is ten times the usual
    upper limit and neither loss nor predictions are known.
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
        symptoms = self._symptoms(case)
        if rate is not None and bounds is not None and rate > bounds[2]:
            return self._above(case, rate, bounds[2], symptoms)
        jump = self._jump(case)
        if jump is not None:
            return self._found_jump(case, rate, jump)
        killed = self._killed(case, rate)
        if killed is not None and rate is not None:
            return self.found(
                f"With the learning rate {rate:g}, {killed:.0%} of the units of a "
                "layer died.",
                {"learning rate": rate, "dead units": (killed, "of the layer")},
                f"Set learning_rate={lower_rate(case):g}.",
                params=rate_params(lower_rate(case)),
            )
        return None

    def _known(
        self, case: Case
    ) -> tuple[float | None, tuple[float, float, float] | None]:
        """Return rate and bounds, or raise if neither they nor the loss are known."""
        bounds = usual_rates(case)
        try:
            return largest_rate(case), bounds
        except NotApplicable:
            if guess_loss(case) is None:
                raise
            finite_loss(case)
            return None, bounds

    def _symptoms(self, case: Case) -> dict[str, object]:
        """Collect evidence that the training did not settle."""
        symptoms: dict[str, object] = {}
        loss = loss_if_known(case)
        if case.stop_reason == "diverged" or not ends_finite(case):
            symptoms["training loss"] = "not finite"
        elif loss is not None:
            symptoms |= self._symptoms_of_loss(loss)
        if loss is not None and is_stuck(case, self.lost):
            symptoms["loss of a constant guess"] = (guess_loss(case), "nats")
            symptoms["final training loss"] = (end_of(loss), "nats")
        if harm(case):
            symptoms["predictions"] = "below a baseline model or no better than chance"
        return symptoms

    def _symptoms_of_loss(self, loss: np.ndarray) -> dict[str, object]:
        swing, turns = swing_of(loss)
        best, _, end = rise_of(loss)
        if has_diverged(loss, 1.5, 0.1):
            return {"lowest training loss": best, "final training loss": end}
        if len(loss) >= 10 and swing > self.swing and turns > self.turns:
            return {"swings of the training loss": (swing, "of its level")}
        return {}

    def _above(
        self, case: Case, rate: float, bound: float, symptoms: dict[str, object]
    ) -> Finding:
        optimizer = case.training.optimizer if case.training else None
        lower = lower_rate(case)
        is_far = rate > self.far_beyond * bound
        certain = bool(symptoms) and (is_far or "training loss" in symptoms)
        is_unknown = loss_if_known(case) is None and harm(case) is None
        likely = bool(symptoms) or (is_far and is_unknown)
        return self.found(
            f"The learning rate {rate:g} is high for {optimizer}: rates above "
            f"{bound:g} seldom work.",
            {"learning rate": rate, "usual upper limit": bound, **symptoms},
            f"Set learning_rate={lower:g}.",
            severity="error" if certain else "warning" if likely else "info",
            params=rate_params(lower),
        )

    def _jump(self, case: Case) -> tuple[float, float, int] | None:
        """Return the lowest loss, the level after the jump, and its epoch from 1."""
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
            "lowest loss before the jump": (before, "nats"),
            "median loss after it": (after, "nats"),
            "loss of a constant guess": (guess_loss(case), "nats"),
            "epoch of the jump": epoch,
        }
        if rate is not None:
            evidence["learning rate"] = (rate, "")
        lower = lower_rate(case)
        return self.found(
            f"In epoch {epoch} the training loss jumped to the level of a constant "
            f"guess and stayed there; it had been {before:.3g}.",
            evidence,
            "Divide learning_rate by 10, and set clipnorm=1.0.",
            params=rate_params(lower, clipnorm=1.0),
            epoch=epoch - 1,
        )

    def _killed(self, case: Case, rate: float | None) -> float | None:
        """Return the largest share of dead units, if a high rate may be the reason."""
        shares = case.probe.dead_shares if case.probe else None
        if rate is None or rate < self.rate_that_kills or not shares:
            return None
        optimizer = case.training.optimizer if case.training else None
        if optimizer in ("adadelta", "sgd", None) or not is_stuck(case, self.lost):
            return None
        return max(shares) if max(shares) > self.dead_units else None


class LateDivergence(Rule):
    """The training loss fell at first, then rose and stayed high.

    Reads: the training loss, smoothed over three epochs, at its lowest and at the end;
    and the learning rate, since a warm restart raises the loss on purpose.
    Effect: the final weights are worse than those of an earlier epoch.
    What to do: lower learning_rate or use a decaying schedule, set clipnorm=1.0 in the
    optimizer, and restore_best=True (in Keras,
    EarlyStopping(restore_best_weights=True)).
    False alarm when: the loss is so small that its noise looks large. A rise of less
    than a tenth of the whole fall is ignored. It is a remark if neither a metric nor
    the validation loss ends worse, unless the loss is large beside a constant guess.
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
                "lowest training loss": (best, "nats"),
                "final training loss": (end, "nats"),
                "epochs since the lowest": (since, "epochs"),
            },
            "Lower learning_rate or use a decaying schedule, set clipnorm=1.0, and "
            "keep the weights of the best epoch (restore_best=True).",
            severity="info"
            if (restored and harm(case) is False) or not self._counts(case, since)
            else "warning",
            params=rate_params(lower, clipnorm=1.0),
            epoch=int(_finite_epochs(case)[-1 - since]),
        )

    def _counts(self, case: Case, since: int) -> bool:
        """Whether the rise made the network worse, or may have."""
        guess = guess_loss(case)
        best, _, end = rise_of(finite_loss(case))
        if guess is not None:
            return end - best > self.least_rise * guess
        return is_worse_than(case, int(_finite_epochs(case)[-1 - since])) is not False

    def _was_restarted(self, case: Case, since: int) -> bool:
        """Whether the learning rate rose again, as a warm restart does.

        A rate that rises above all earlier ones is no restart, but may be the fault.
        """
        curve = case.curves.get("learning_rate")
        if curve is None or len(curve) <= since or not np.isfinite(curve).all():
            return False
        before, after = curve[: len(curve) - since], curve[len(curve) - since - 1 :]
        rose = bool(np.any(np.diff(after) > 0))
        return rose and bool(after.max() <= 1.05 * before.max())


class LrTooLow(Rule):
    """The learning rate is so low that the training hardly changes the network.

    Reads: the largest learning rate, the optimizer, and how far the training loss fell.
    Effect: the network ends near its initial weights.
    What to do: raise learning_rate to the default of the optimizer: 0.001 for Adam,
    0.01 for SGD, 1.0 for Adadelta. With fewer than a hundred updates, lower batch_size
    as well.
    False alarm when: a pretrained network is fine-tuned with a low rate. There is no
    alarm if the loss falls below half of a constant guess and no baseline model scores
    higher.
    """

    code = "O04"
    name = "lr-too-low"
    explains = (
        "batch-too-large",
        "too-few-epochs",
        "slow-convergence",
        "threshold-not-tuned",
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
        params: dict[str, object] = {"learning_rate": bounds[1]}
        if gain_of_smaller_batches(case) > 1:
            params["batch_size"] = BATCH_SIZE
        how = "is still falling" if moves else f"fell by only {fall:.0%}"
        return self.found(
            f"The learning rate {rate:g} is low for {optimizer}, and the training loss "
            f"{how}.",
            {
                "learning rate": rate,
                "usual learning rate": bounds[1],
                "fall of the training loss": (fall, "of that of the first epoch"),
                "final training loss": (end_of(loss), "nats"),
                **self._update(case),
            },
            f"Set learning_rate={bounds[1]:g}"
            + (f" and batch_size={BATCH_SIZE}." if "batch_size" in params else "."),
            params=params,
        )

    def _update(self, case: Case) -> dict[str, object]:
        """Return the size of an update relative to the weights, where it is known."""
        steps = case.curves.get("update_norm_first")
        weights = case.probe.weight_norms if case.probe else None
        if steps is None or not weights or not weights[0] > 0:
            return {}
        return {
            "update of the first layer": (
                float(steps[-1]) / weights[0],
                "of the norm of its weights per update",
            )
        }


def _finite_epochs(case: Case) -> np.ndarray:
    """Return the epochs of the values that `finite_loss` keeps."""
    return np.flatnonzero(np.isfinite(training_loss(case)))
