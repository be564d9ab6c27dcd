"""Gradients: whether they reach the layers, and the units that block them."""

from bisect import insort
from math import inf, isnan

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import is_penalized
from skloss.diagnosis.evidence.training_loss import (
    NOT_LEARNED,
    end_of,
    ends_finite,
    is_bad,
    loss_if_known,
    rise_of,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule

__all__: list[str] = []


class VanishingGradients(Rule):
    """Hardly any gradient reaches the first layer.

    Reads: gradient norms of the first and the last kernel, of the final network or of
    the last epochs.
    Effect: the first layers stay as they were drawn.
    False alarm when: training is over and all gradients are small; so the loss must be
    high.
    """

    code = "O05"
    name = "vanishing-gradients"
    explains = NOT_LEARNED
    reference = "AutoTrainer (1e-3, 1e-4)"
    least_ratio = 1e-3
    least_norm = 1e-4
    high_loss = 0.9

    def inspect(self, case: Case) -> Finding | None:
        first, last = _gradients(case)
        if not last > 0 or first >= self.least_norm or first >= self.least_ratio * last:
            return None
        if not is_bad(case, self.high_loss):
            return None
        hidden = [layer.activation for layer in (case.layers or ())[:-1]]
        bounded = any(name in ("sigmoid", "tanh") for name in hidden)
        return self.found(
            f"The gradient of the first layer is {first / last:.1g} times that of the "
            "last.",
            _norms(first, last),
            "Give the hidden layers ReLU instead of sigmoid or tanh."
            if bounded
            else "Use batch normalization, or fewer layers.",
            params={"activation": "relu"} if bounded else {"batch_norm": True},
        )


class ExplodingGradients(Rule):
    """Gradients became far larger than they had been, or grow towards the input.

    Reads: gradient norms by epoch, each against the median of the epochs before, or of
    the first and the last kernel.
    Effect: single updates throw the network far away.
    False alarm when: gradients are small once more and the loss is none the worse; that
    is context only.
    """

    code = "O06"
    name = "exploding-gradients"
    explains = ("loss-oscillation", "dead-relu", *NOT_LEARNED)
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
        if spike is not None and spike[0] > self.spike:
            return self._found_spike(case, *spike)
        if last > 0 and first > self.ratio * last and is_bad(case, self.high_loss):
            return self._found(
                f"The gradient of the first layer is {first / last:.0f} times that of "
                "the last.",
                _norms(first, last),
                "warning",
            )
        return None

    def _found_spike(self, case: Case, spike: float, epoch: int) -> Finding:
        clips = bool(case.training and case.training.clips)
        harmless = clips or not (is_bad(case, self.high_loss) or self._rose(case))
        return self._found(
            f"In one epoch the gradient was {spike:.0f} times that of those before.",
            {"largest gradient": (spike, "times the median before")},
            "info" if harmless else "warning",
            epoch,
        )

    def _found(
        self,
        title: str,
        evidence: dict[str, object],
        severity: Severity,
        epoch: int | None = None,
    ) -> Finding:
        return self.found(
            title,
            evidence,
            "Clip the gradients (clipnorm=1), and lower the learning rate.",
            severity=severity,
            params={"clipnorm": 1.0},
            epoch=epoch,
        )

    def _spike(self, case: Case) -> tuple[float, int] | None:
        """Largest norm over the median of those before it, and its epoch."""
        names = ("gradient_norm_first", "gradient_norm_last")
        curves = [case.curves.get(name, np.zeros(0)) for name in names]
        longest = max(map(len, curves))
        if longest < self.least_epochs:
            return None
        return max(self._largest(norms.tolist()) for norms in curves)

    def _largest(self, norms: list[float]) -> tuple[float, int]:
        first = self.least_epochs - 1
        largest, before = (0.0, first), sorted(norms[:first])
        if any(map(isnan, before)):
            return largest
        for epoch, now in enumerate(norms[first:], first):
            usual = (before[(len(before) - 1) // 2] + before[len(before) // 2]) / 2
            if isnan(now):
                return inf, epoch
            if usual > 0 and now / usual > largest[0]:
                largest = now / usual, epoch
            insort(before, now)
        return largest

    def _rose(self, case: Case) -> bool:
        """Whether the training loss ended higher than it had been."""
        loss = loss_if_known(case)
        if loss is None:
            return not ends_finite(case)
        best, since, end = rise_of(loss)
        return since > 0 and end > max(1.2 * best, self.least_loss * float(loss[0]))


class DeadRelu(Rule):
    """Hidden ReLU units are zero on every row.

    Reads: the share of dead units of each layer on up to 256 rows.
    Effect: dead units get no gradient and never come back; a layer of nothing but dead
    units makes the output constant.
    False alarm when: a wide network has units to spare; so it alarms only if the
    network does not do better than a simple learner or a guess. A strong penalty on the
    weights takes all units with it: see underfit.
    """

    code = "O07"
    name = "dead-relu"
    explains = ("vanishing-gradients", *NOT_LEARNED)
    reference = "SageMaker Debugger DeadRelu (50%)"
    dead = 0.5

    def inspect(self, case: Case) -> Finding | None:
        share = _largest_share(case, "dead_shares", "dead_share", "that can die")
        if share <= self.dead:
            return None
        bad = is_bad(case) and not is_penalized(case)
        grave: Severity = "error" if share >= 1 else "warning"
        return self.found(
            f"{share:.0%} of the ReLU units of a layer are zero on every row.",
            {"dead units": (share, "of the layer")},
            "Lower the learning rate, scale the inputs, or use leaky ReLU.",
            severity=grave if bad else "info",
            params={"activation": "leaky_relu"},
        )


class SaturatingHidden(Rule):
    """Hidden sigmoid or tanh units are stuck at the ends of their range.

    Reads: the share of units of each such layer that are at an end on most rows.
    Effect: their slope there is nil, so that no gradient passes.
    False alarm when: a trained network uses units as switches; so it alarms only if the
    network does not do better than a simple learner or a guess.
    """

    code = "O08"
    name = "saturating-hidden"
    explains = ("vanishing-gradients", *NOT_LEARNED)
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
            {"saturated units": (share, "of the layer")},
            "Scale the inputs, or give the hidden layers ReLU.",
            severity="warning" if is_bad(case) else "info",
            params={"activation": "relu"},
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
    return end_of(first), end_of(last)


def _norms(first: float, last: float) -> dict[str, object]:
    return {
        "gradient norm of the first layer": first,
        "gradient norm of the last layer": last,
    }


def _largest_share(case: Case, shares: str, curve: str, kind: str) -> float:
    """Share of units of the worst layer; of all layers, if only the curve is known."""
    known = getattr(case.probe, shares) if case.probe else None
    if known is not None:
        return float(max(known, default=0.0))
    values = case.curves.get(curve)
    if values is None or not len(values) or not np.isfinite(values[-1]):
        raise NotApplicable(f"units {kind} were not looked at")
    return float(values[-1])
