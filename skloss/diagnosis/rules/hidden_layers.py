"""Rules about the hidden layers: weights, dropout, normalization, width."""

import math
from collections.abc import Sequence
from itertools import pairwise

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    POOR_FIT,
    SLOW_FIT,
    harm,
    hidden_of,
    kernels_of,
    layers_of,
    still_falling,
)
from skloss.diagnosis.evidence.symptoms import (
    constant_guess,
    fitted_part,
    is_penalized,
    rarely_predicts_minority,
    uniform_guess,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally
from skloss.optimizers import OPTIMIZERS
from skloss.record import Layer


class ConstantInit(Rule):
    """Units of a hidden layer started with equal weights and are still equal.

    Reads: equal columns of the final kernels of the hidden layers, or the initializers
    that the code names.
    Effect: units with equal weights get equal gradients and stay equal, so the layer
    acts as a single unit.
    What to do: set kernel_initializer="glorot_uniform" or "he_normal" instead of a
    constant such as "zeros".
    False alarm when: a penalty on the weights has set columns to zero. Layers with an
    L1 penalty are not examined.
    """

    code = "N01"
    name = "constant-init"
    severity = "error"
    explains = (
        *POOR_FIT,
        *SLOW_FIT,
        "large-init",
        "dead-relu",
        "saturating-hidden",
        "lr-too-high",
        "nonfinite-loss",
        "exploding-gradients",
        "loss-oscillation",
        "late-divergence",
    )
    reference = "github.com/keras-team/keras/issues/10847; NeuraLint"
    least_share = 0.5

    def inspect(self, case: Case) -> Finding | None:
        """Look for hidden layers whose units are equal."""
        probe = case.probe
        if probe is None and any(k.layer.initializer for k in kernels_of(case)):
            return self._of_initializer(case)
        if probe is None or probe.n_equal_units is None or probe.units is None:
            raise NotApplicable("the final weights are not known")
        shares = [
            (equal / (units - 1), equal + 1, units)
            for equal, units, allowed in zip(
                probe.n_equal_units[:-1],
                probe.units[:-1],
                _without_l1(case, len(probe.units)),
                strict=False,
            )
            if units > 1 and allowed
        ]
        share, equal, units = max(shares, default=(0.0, 0, 0))
        if share <= self.least_share:
            return None
        return self.found(
            f"{equal} of the {units} units of a hidden layer have the same weights.",
            {"equal units": (equal, "units"), "units of the layer": (units, "units")},
            'Set kernel_initializer="glorot_uniform" in this layer, or use a skloss '
            "classifier, which always starts from random weights.",
        )

    def _of_initializer(self, case: Case) -> Finding | None:
        """Read how the hidden layers start, where only the code is known."""
        hidden = [kernel.layer for kernel in hidden_of(case)]
        equal = [x for x in hidden if x.initializer == "constant" and x.units != 1]
        if not equal:
            return None
        return self.found(
            f"All weights of {tally(len(equal), 'hidden layer')} start with one value, "
            "so their units stay equal.",
            {"layers that start constant": (len(equal), "layers")},
            'Set kernel_initializer="glorot_uniform" in these layers.',
        )


def _without_l1(case: Case, n_kernels: int) -> list[bool]:
    """Whether each kernel has no penalty that sets weights to exactly zero."""
    kernels = [layer for layer in case.layers or () if layer.has_kernel]
    if len(kernels) != n_kernels:
        return [True] * n_kernels
    return [layer.l1 == 0 for layer in kernels]


class LargeInit(Rule):
    """Weights are far larger than a network of this width needs.

    Reads: the standard deviation of the final weights, or that of the first weights
    where the code gives it, relative to Glorot initialization, and the loss of the
    first epoch relative to a constant guess.
    Effect: the first outputs are far off and hidden units saturate. The first epochs
    only repair this.
    What to do: set kernel_initializer="glorot_uniform" or "he_normal" instead of a
    RandomNormal with a large stddev.
    False alarm when: training itself made the weights large. An alarm requires poor
    predictions, together with a far too high first loss or saturated units. With a high
    learning rate or small inputs it is always a remark.
    """

    code = "N02"
    name = "large-init"
    explains = (
        *POOR_FIT,
        "too-few-epochs",
        "saturating-hidden",
        "dead-relu",
        "exploding-gradients",
        "loss-oscillation",
        "nonfinite-loss",
    )
    reference = "Glorot & Bengio 2010; TheDeepChecker"
    largest_scale = 5.0
    largest_first_loss = 5.0  # times that of a constant guess
    least_saturated = 0.5  # of the units of a layer
    highest_rate_adaptive = 0.01
    highest_rate = 0.3

    def inspect(self, case: Case) -> Finding | None:
        """Look for large weights."""
        if case.probe is None and any(x.initial_sd for x in case.layers or ()):
            return self._of_code(case)
        if case.probe is None or not case.probe.weight_scales:
            raise NotApplicable("the final weights are not known")
        scale = max(case.probe.weight_scales)
        if not scale > self.largest_scale or math.isinf(scale):
            return None
        harmed = harm(case)
        alarming = harmed is not False and self._begins_high(case)
        alarming = alarming or (bool(harmed) and self._saturates(case))
        if self._rate_is_high(case) or self._inputs_are_small(case):
            alarming = False
        return self.found(
            f"The weights of a layer are {scale:.3g} times as large as after Glorot "
            "initialization.",
            {"weights relative to Glorot initialization": (scale, "times")},
            'Set kernel_initializer="glorot_uniform" in this layer, or use a skloss '
            "classifier, which always does.",
            severity="warning" if alarming else "info",
        )

    def _of_code(self, case: Case) -> Finding | None:
        """Read how large the code makes the first weights."""
        # A kernel whose inputs are not known is taken to have one: a lower bound.
        scales = [
            kernel.layer.initial_sd
            / math.sqrt(2 / ((kernel.fan_in or 1) + kernel.layer.units))
            for kernel in kernels_of(case)
            if kernel.layer.initial_sd and kernel.layer.units
        ]
        scale = max(scales, default=0.0)
        if scale <= self.largest_scale:
            return None
        alarming = harm(case) is not False and self._begins_high(case)
        return self.found(
            f"The first weights of a layer are {scale:.3g} times as large as by "
            "Glorot initialization.",
            {"weights relative to Glorot initialization": (scale, "times")},
            'Set kernel_initializer="glorot_uniform" in this layer.',
            severity="warning" if alarming and not self._rate_is_high(case) else "info",
        )

    def _saturates(self, case: Case) -> bool:
        shares = case.probe.saturated_shares if case.probe is not None else None
        return max(shares or (0.0,)) > self.least_saturated

    def _begins_high(self, case: Case) -> bool:
        curve = case.curves.get("loss")
        guess = constant_guess(case) or uniform_guess(case)
        if curve is None or not len(curve) or not guess:
            return False
        weighted = case.training is not None and case.training.class_weight is not None
        if weighted and not case.is_honest:
            return False
        penalty = (case.probe.penalty if case.probe is not None else None) or 0.0
        return bool(curve[0] - penalty > self.largest_first_loss * guess)

    def _rate_is_high(self, case: Case) -> bool:
        """Whether the learning rate, not the initial weights, may be the reason."""
        training = case.training
        if training is None or training.learning_rate is None:
            return False
        optimizer = OPTIMIZERS.get(training.optimizer or "")
        adaptive = optimizer is None or optimizer.is_adaptive
        highest = self.highest_rate_adaptive if adaptive else self.highest_rate
        return training.learning_rate > highest

    @staticmethod
    def _inputs_are_small(case: Case) -> bool:
        """Whether the weights had to grow to compensate small inputs."""
        size = case.rows.typical_size if case.rows is not None else None
        return size is not None and size < 0.2


class DropoutExcess(Rule):
    """So much dropout that the network can hardly learn.

    Reads: the rates of the dropout layers. The shares of units that they keep are
    multiplied.
    Effect: a path through all layers survives with the product of the kept shares. Two
    rates of 0.5 leave 25 %; one rate of 0.5 and ten of 0.2 leave 5.4 %.
    What to do: lower the rates, so that all dropout layers together keep at least half
    of the paths, or keep only the dropout layer before the output.
    False alarm when: the layers are so wide that enough paths are left. It is a remark
    if the network scores as well as a baseline model and predicts both classes, or if a
    strong weight penalty is the more likely cause.
    """

    code = "N06"
    name = "dropout-excess"
    explains = (
        *POOR_FIT,
        "slow-convergence",
        "val-better-than-train-dropout",
        "loss-oscillation",
        "incomparable-curves",
    )
    reference = "UMLAUT (rate 0.5); Srivastava et al. 2014"
    least_kept = 0.25
    hardly_any = 0.1
    highest_rate = 0.5
    absurd_rate = 0.9

    def inspect(self, case: Case) -> Finding | None:
        """Multiply the shares of units that the dropout layers keep."""
        rates = [
            layer.rate
            for layer in layers_of(case)
            if layer.kind == "dropout" and layer.rate is not None
        ]
        if not rates:
            return None
        kept = math.prod(1 - rate for rate in rates)
        severity = self._severity(case, kept, max(rates))
        if severity is None:
            return None
        lower = self._lower_rate(len(rates))
        return self.found(
            f"Only {100 * kept:.2g}% of the paths through the network survive "
            f"{tally(len(rates), 'dropout layer')}."
            if severity != "info"
            else f"{100 * kept:.2g}% of the paths through the network survive "
            f"{tally(len(rates), 'dropout layer')}.",
            {
                "paths kept": (100 * kept, "%"),
                "dropout layers": (len(rates), "layers"),
                "highest rate": (max(rates), ""),
            },
            f"Lower the rates to {lower:g} or less, or keep only the dropout layer "
            "before the output.",
            severity=severity,
            params={"dropout": lower},
        )

    def _severity(self, case: Case, kept: float, highest: float) -> Severity | None:
        severe = kept < self.hardly_any or highest >= self.absurd_rate
        if not severe and kept >= self.least_kept:
            return "info" if highest > self.highest_rate else None
        harmed = harm(case)
        if not harmed and severe and rarely_predicts_minority(case):
            harmed = True
        if harmed is False or is_penalized(case):
            return "info"
        return "error" if severe and harmed else "warning"

    @staticmethod
    def _lower_rate(n_layers: int) -> float:
        """Return the rate that keeps half of the paths, but at most 0.2."""
        return min(0.2, math.floor(100 * (1 - 0.5 ** (1 / n_layers))) / 100)


class BatchnormAfterDropout(Rule):
    """Batch normalization follows dropout.

    Reads: the order of the layers, and the cosine similarity of the outputs in training
    mode and in inference mode.
    Effect: dropout increases the variance of its outputs in training only. The
    variances that batch normalization stores are then wrong in inference.
    What to do: move the Dropout layers behind the last BatchNormalization layer, or
    remove one of the two.
    False alarm when: the rates are low. It is a remark unless the outputs of the two
    modes differ strongly.
    """

    code = "N07"
    name = "batchnorm-after-dropout"
    explains = (
        *POOR_FIT,
        "train-val-gap",
        "noisy-validation",
        "val-loss-misleads",
        "loss-oscillation",
        "overfit",
    )
    reference = "Li et al., CVPR 2019, arXiv 1801.05134; NeuraLint; TheDeepChecker"
    least_similarity = 0.75

    def inspect(self, case: Case) -> Finding | None:
        """Look for batch normalization behind dropout."""
        kinds = _active_kinds(layers_of(case))
        if "dropout" not in kinds:
            return None
        after = kinds[kinds.index("dropout") :].count("batch_norm")
        if not after:
            return None
        similarity = None if case.probe is None else case.probe.mode_similarity
        alarming = similarity is not None and similarity < self.least_similarity
        evidence: dict[str, object] = {
            "batch normalization layers behind dropout": (after, "layers")
        }
        if similarity is not None:
            evidence["cosine similarity of outputs in the two modes"] = similarity
        return self.found(
            f"{tally(after, 'batch normalization layer')} "
            f"{'follows' if after == 1 else 'follow'} a dropout layer.",
            evidence,
            "Move the Dropout layers behind the last BatchNormalization layer, or "
            "remove one of the two.",
            severity="warning" if alarming else "info",
            params={"dropout": 0.0},
        )


def _active_kinds(layers: Sequence[Layer]) -> list[str]:
    """Return the kinds of the layers, without dropout of rate 0."""
    return [x.kind for x in layers if x.kind != "dropout" or x.rate != 0]


class ShrinkingChannels(Rule):
    """Convolutions have fewer filters towards the output.

    Reads: the filters of the convolutions before and after each pooling layer.
    Effect: pooling already discards positions. With fewer filters as well, the later
    layers cannot represent the many combinations of simple patterns.
    What to do: keep the number of filters, or double it, after each pooling layer, such
    as filters=(32, 64, 128).
    False alarm when: the last block is still wide, or the task is simple. An alarm
    requires poor predictions and at most a quarter of the filters left.
    """

    code = "N08"
    name = "shrinking-channels"
    explains = POOR_FIT
    reference = "Simonyan & Zisserman 2014 (channels doubled after pooling)"
    least_factor = 2
    alarming_factor = 4

    def inspect(self, case: Case) -> Finding | None:
        """Compare the first block of convolutions with the last one."""
        blocks = _filters_by_block(layers_of(case))
        if len(blocks) < 2:
            return None
        falling = all(a >= b for a, b in pairwise(blocks))
        if not falling or blocks[0] < self.least_factor * blocks[-1]:
            return None
        severe = blocks[0] >= self.alarming_factor * blocks[-1]
        return self.found(
            f"The number of filters falls from {blocks[0]} to {blocks[-1]} towards the "
            "output.",
            {
                "filters of the first block": (blocks[0], "filters"),
                "filters of the last block": (blocks[-1], "filters"),
            },
            "Keep the number of filters, or double it, after each pooling layer.",
            severity="warning" if severe and harm(case) else "info",
            params={"filters": tuple(sorted(blocks))},
        )


def _filters_by_block(layers: Sequence[Layer]) -> list[int]:
    """Return the filters of the widest convolution between two pooling layers."""
    blocks: list[list[int]] = [[]]
    for layer in layers:
        if layer.kind == "pool":
            blocks.append([])
        elif layer.kind == "conv" and layer.units is not None:
            blocks[-1].append(layer.units)
    return [max(block) for block in blocks if block]


class UnderCapacity(Rule):
    """A hidden layer is too narrow for the task.

    Reads: the units of the hidden layers, the score on the training rows, and the
    scores of baseline models on the same rows.
    Effect: all information about the inputs has to pass through these few units.
    What to do: set units, filters or width to at least 16 in every hidden layer.
    False alarm when: something else keeps the network from learning. An alarm requires
    poor predictions, scaled inputs, and a training loss that no longer falls.
    """

    code = "N09"
    name = "under-capacity"
    explains = (
        "underfit",
        "majority-collapse",
        "loss-at-constant-guess",
        "plateau-above-floor",
        "threshold-not-tuned",
        "slow-convergence",
    )
    reference = "datascience.stackexchange.com/questions/81348; skore SKD009"
    most_units = 4
    fewest_rows = 50
    highest_mcc = 0.6
    largest_input = 10.0
    fastest_fall = 0.03  # of the loss in the last epoch

    def inspect(self, case: Case) -> Finding | None:
        """Look at the narrowest hidden layer of a network that fits badly."""
        widths = [k.layer.units for k in hidden_of(case) if k.layer.units is not None]
        part = fitted_part(case)
        if not widths or part.mcc is None:
            raise NotApplicable("the units of the hidden layers are not known")
        if part.n_rows < self.fewest_rows:
            raise NotApplicable(
                f"{tally(part.n_rows, 'training row')}; at least {self.fewest_rows} "
                "are needed"
            )
        n_units = min(widths)
        if n_units > self.most_units or part.mcc > self.highest_mcc or not harm(case):
            return None
        return self.found(
            f"The narrowest hidden layer has only {tally(n_units, 'unit')}.",
            {
                "units of the narrowest hidden layer": (n_units, "units"),
                "MCC on the training rows": (part.mcc, ""),
            },
            "Set units, filters or width to at least 16 in every hidden layer.",
            severity="info" if self._has_better_cause(case) else "warning",
            params={"width": 16},
        )

    def _has_better_cause(self, case: Case) -> bool:
        size = None if case.rows is None else case.rows.typical_size
        fall = still_falling(case)
        unscaled = size is not None and size > self.largest_input
        return unscaled or (fall is not None and fall > self.fastest_fall)
