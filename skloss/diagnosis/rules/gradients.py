"""Rules about gradients that vanish or explode, and units that block them."""

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
from skloss.diagnosis.words import value_text

__all__: list[str] = []


class VanishingGradients(Rule):
    """Almost no gradient reaches the first layer.

    Reads: the gradient norms of the first and the last kernel, of the final network or
    of the last epochs.
    Effect: the first layers keep their initial weights and learn nothing.
    What to do: set activation="relu" in the hidden layers instead of "sigmoid" or
    "tanh", add BatchNormalization layers, or use fewer layers.
    False alarm when: training has converged, so that all gradients are small. Therefore
    the training loss must be high, or the predictions poor.
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
            f"The gradient of the first layer is only {first / last:.1g} times that of "
            "the last layer.",
            _norms(first, last),
            'Set activation="relu" in the hidden layers instead of sigmoid or tanh.'
            if bounded
            else "Add BatchNormalization layers, or use fewer layers.",
            params={"activation": "relu"} if bounded else {"batch_norm": True},
        )


class ExplodingGradients(Rule):
    """Gradients grew suddenly, or grow from layer to layer towards the input.

    Reads: the gradient norm of each epoch relative to the median of the epochs before,
    and the gradient norms of the first and the last kernel.
    Effect: a single update can move the weights far away and undo what was learned.
    What to do: set clipnorm=1.0 in the optimizer, and divide learning_rate by 10.
    False alarm when: gradients are small again and the loss did not suffer. Then it is
    a remark.
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
                f"The gradient of the first layer is {value_text(first / last)} times "
                "that of the last layer.",
                _norms(first, last),
                "warning",
            )
        return None

    def _found_spike(self, case: Case, spike: float, epoch: int) -> Finding:
        clips = bool(case.training and case.training.clips)
        harmless = clips or not (is_bad(case, self.high_loss) or self._rose(case))
        size = f"{value_text(spike)} times the median of the epochs before"
        return self._found(
            f"In epoch {epoch + 1} the gradient was "
            f"{size if spike < inf else 'not finite'}.",
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
            "Set clipnorm=1.0, and divide learning_rate by 10.",
            severity=severity,
            params={"clipnorm": 1.0},
            epoch=epoch,
        )

    def _spike(self, case: Case) -> tuple[float, int] | None:
        """Return the largest norm over the median of those before, and its epoch."""
        names = ("gradient_norm_first", "gradient_norm_last")
        curves = [case.curves.get(name, np.zeros(0)) for name in names]
        longest = max(map(len, curves))
        if longest < self.least_epochs:
            return None
        return max(self._largest(norms.tolist()) for norms in curves)

    def _largest(self, norms: list[float]) -> tuple[float, int]:
        first = self.least_epochs - 1
        # Kept sorted, so that each median is read and not computed anew.
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
        """Whether the training loss ended clearly above its lowest value."""
        loss = loss_if_known(case)
        if loss is None:
            return not ends_finite(case)
        best, since, end = rise_of(loss)
        return since > 0 and end > max(1.2 * best, self.least_loss * float(loss[0]))


class DeadRelu(Rule):
    """Hidden ReLU units output 0 for every row.

    Reads: the share of dead units in each layer, on up to 256 rows.
    Effect: dead units get no gradient and do not recover. A layer with only dead units
    makes the output constant.
    What to do: divide learning_rate by 10, put StandardScaler() first in the pipeline,
    or set activation="leaky_relu".
    False alarm when: a wide network has more units than it needs. An alarm requires
    poor predictions or a loss at the level of a constant guess. A strong weight penalty
    also kills units; then see the rule underfit.
    """

    code = "O07"
    name = "dead-relu"
    explains = ("vanishing-gradients", *NOT_LEARNED)
    reference = "SageMaker Debugger DeadRelu (50%)"
    dead = 0.5

    def inspect(self, case: Case) -> Finding | None:
        share = _largest_share(case, "dead_shares", "dead_share", "with ReLU")
        if share <= self.dead:
            return None
        bad = is_bad(case) and not is_penalized(case)
        alarm: Severity = "error" if share >= 1 else "warning"
        return self.found(
            f"{share:.0%} of the ReLU units of a layer output 0 for every row.",
            {"dead units": (share, "of the layer")},
            "Divide learning_rate by 10, put StandardScaler() first in the pipeline, "
            'or set activation="leaky_relu".',
            severity=alarm if bad else "info",
            params={"activation": "leaky_relu"},
        )


class SaturatingHidden(Rule):
    """Hidden sigmoid or tanh units are stuck at the ends of their range.

    Reads: for each such layer, the share of units that are at an end on most rows.
    Effect: the gradient is nearly 0 there, so the layers before do not learn.
    What to do: put StandardScaler() first in the pipeline, or set activation="relu" in
    the hidden layers.
    False alarm when: a well-trained network uses units as switches. An alarm requires
    poor predictions or a loss at the level of a constant guess.
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
            "Put StandardScaler() first in the pipeline, or set activation="
            '"relu" in the hidden layers.',
            severity="warning" if is_bad(case) else "info",
            params={"activation": "relu"},
        )


def _gradients(case: Case) -> tuple[float, float]:
    """Return the final gradient norms of the first and the last kernel."""
    norms = case.probe.gradient_norms if case.probe else None
    if norms and len(norms) >= 2 and np.isfinite(norms).all():
        return float(norms[0]), float(norms[-1])
    curves = [
        case.curves.get(f"gradient_norm_{end}", np.empty(0))
        for end in ("first", "last")
    ]
    if norms is not None or not all(map(len, curves)):
        raise NotApplicable("the gradient norms of two layers are not known")
    return end_of(curves[0]), end_of(curves[1])


def _norms(first: float, last: float) -> dict[str, object]:
    return {
        "gradient norm of the first layer": first,
        "gradient norm of the last layer": last,
    }


def _largest_share(case: Case, shares: str, curve: str, kind: str) -> float:
    """Return the share in the worst layer, or in all layers if only that is known."""
    known = getattr(case.probe, shares) if case.probe else None
    if known is not None:
        return float(max(known, default=0.0))
    values = case.curves.get(curve)
    if values is None or not len(values) or not np.isfinite(values[-1]):
        raise NotApplicable(f"hidden units {kind} were not examined")
    return float(values[-1])
