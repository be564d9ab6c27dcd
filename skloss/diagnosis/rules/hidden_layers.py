"""The network up to its output layer."""

import math
from collections.abc import Sequence
from itertools import pairwise

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    POOR_FIT,
    SLOW_FIT,
    harm,
    hidden_of,
    layers_of,
    still_falling,
)
from skloss.diagnosis.evidence.symptoms import (
    constant_guess,
    fitted_part,
    is_mute,
    is_penalized,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.text import tally
from skloss.optimizers import OPTIMIZERS
from skloss.record import Layer


class ConstantInit(Rule):
    """All units of a layer started with equal weights, and are still equal.

    Reads: equal columns of the final kernels, hidden layers only.
    Hurts: equal units get equal gradients, so they never part: the layer is one unit.
    Wrong when: a penalty on the weights has made columns zero; layers with an L1
    penalty are left out.
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
        """Look for hidden layers of equal units."""
        probe = case.probe
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
            f"{equal} of the {units} units of a hidden layer have equal weights.",
            {"equal units": (equal, "units"), "units of the layer": (units, "units")},
            "Start from random weights (Glorot's or He's), which skloss always does.",
        )


def _without_l1(case: Case, n_kernels: int) -> list[bool]:
    """Whether each kernel is free of a penalty that makes weights zero."""
    kernels = [layer for layer in case.layers or () if layer.has_kernel]
    if len(kernels) != n_kernels:
        return [True] * n_kernels
    return [layer.l1 == 0 for layer in kernels]


class LargeInit(Rule):
    """Weights are far larger than a network of this width needs.

    Reads: standard deviation of the final weights over Glorot's, the loss of the
    first epoch against that of a constant guess.
    Hurts: outputs start far off and units saturate, so the first epochs undo it.
    Wrong when: training itself made the weights large: an alarm needs a first loss
    that is far too high, or harm and saturated units; and neither a high learning rate
    nor small inputs.
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
        if case.probe is None or not case.probe.weight_scales:
            raise NotApplicable("the final weights are not known")
        scale = max(case.probe.weight_scales)
        if not scale > self.largest_scale or math.isinf(scale):
            return None
        alarming = self._begins_high(case) or (harm(case) and self._saturates(case))
        if self._rate_is_high(case) or self._inputs_are_small(case):
            alarming = False
        return self.found(
            f"Weights are {scale:.1f} times as large as Glorot's initial weights.",
            {"weights over Glorot's": (scale, "times")},
            "Start from Glorot's or He's weights, which skloss always does.",
            severity="warning" if alarming else "info",
        )

    def _saturates(self, case: Case) -> bool:
        shares = case.probe.saturated_shares if case.probe is not None else None
        return max(shares or (0.0,)) > self.least_saturated

    def _begins_high(self, case: Case) -> bool:
        curve, guess = case.curves.get("loss"), constant_guess(case)
        if curve is None or not len(curve) or not guess:
            return False
        weighted = case.training is not None and case.training.class_weight is not None
        if weighted and not case.is_honest:
            return False
        penalty = (case.probe.penalty if case.probe is not None else None) or 0.0
        return bool(curve[0] - penalty > self.largest_first_loss * guess)

    def _rate_is_high(self, case: Case) -> bool:
        """Whether the learning rate may have driven the weights there."""
        training = case.training
        if training is None or training.learning_rate is None:
            return False
        optimizer = OPTIMIZERS.get(training.optimizer or "")
        adaptive = optimizer is None or optimizer.is_adaptive
        highest = self.highest_rate_adaptive if adaptive else self.highest_rate
        return training.learning_rate > highest

    @staticmethod
    def _inputs_are_small(case: Case) -> bool:
        """Whether weights had to grow because the inputs are small."""
        size = case.rows.typical_size if case.rows is not None else None
        return size is not None and size < 0.2


class DropoutExcess(Rule):
    """Dropout leaves so few paths that little can be learned through it.

    Reads: rates of the dropout layers; their shares kept are multiplied.
    Hurts: a path through all layers survives with the product of the shares kept:
    two rates of 0.5 leave 25%, one of 0.5 and ten of 0.2 leave 5.4%.
    Wrong when: layers are wide enough that many paths are left; a network that is as
    good as a simple learner, and predicts both classes, gets no alarm, nor one that a
    strong penalty on its weights keeps from learning.
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
        """Multiply the shares kept."""
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
        gentle = self._gentle(len(rates))
        return self.found(
            f"{100 * kept:.2g}% of the paths survive "
            f"{tally(len(rates), 'dropout layer')}.",
            {
                "paths kept": (100 * kept, "%"),
                "dropout layers": (len(rates), "layers"),
                "highest rate": (max(rates), ""),
            },
            f"Lower the rates to {gentle:g} at most, or keep dropout before the "
            "output only.",
            severity=severity,
            params={"dropout": gentle},
        )

    def _severity(self, case: Case, kept: float, highest: float) -> Severity | None:
        severe = kept < self.hardly_any or highest >= self.absurd_rate
        if not severe and kept >= self.least_kept:
            return "info" if highest > self.highest_rate else None
        harmed = harm(case) or (severe and is_mute(case))
        if harmed is False or is_penalized(case):
            return "info"
        return "error" if severe and harmed else "warning"

    @staticmethod
    def _gentle(n_layers: int) -> float:
        """Rate that leaves half of the paths, and is 0.2 at most."""
        return min(0.2, math.floor(100 * (1 - 0.5 ** (1 / n_layers))) / 100)


class BatchnormAfterDropout(Rule):
    """Batch normalization stands behind dropout.

    Reads: order of the layers; similarity of the outputs in the two modes.
    Hurts: dropout widens what it lets through, in training only, so the variances
    that batch normalization has stored do not hold in inference.
    Wrong when: the rates are low; it is context unless the outputs of the two modes
    differ much.
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
        """Look for a dropout and a batch normalization behind it."""
        kinds = _active_kinds(layers_of(case))
        if "dropout" not in kinds:
            return None
        after = kinds[kinds.index("dropout") :].count("batch_norm")
        if not after:
            return None
        similarity = None if case.probe is None else case.probe.mode_similarity
        alarming = similarity is not None and similarity < self.least_similarity
        evidence: dict[str, object] = {
            "batch normalizations behind dropout": (after, "layers")
        }
        if similarity is not None:
            evidence["cosine similarity of outputs in the two modes"] = similarity
        return self.found(
            f"{tally(after, 'batch normalization')} "
            f"{'stands' if after == 1 else 'stand'} behind dropout.",
            evidence,
            "Put dropout behind the last batch normalization, or leave one out.",
            severity="warning" if alarming else "info",
            params={"dropout": 0.0},
        )


def _active_kinds(layers: Sequence[Layer]) -> list[str]:
    """Kinds of the layers, without dropout of rate 0."""
    return [x.kind for x in layers if x.kind != "dropout" or x.rate != 0]


class ShrinkingChannels(Rule):
    """Convolutions have fewer filters towards the output.

    Reads: filters of the convolutions before and after pooling.
    Hurts: pooling already drops positions; halving the channels as well leaves little
    room for the many patterns that the simple ones combine to.
    Wrong when: the last block is still wide, or the task is simple; an alarm needs
    harm and a fourth of the filters left.
    """

    code = "N08"
    name = "shrinking-channels"
    explains = POOR_FIT
    reference = "Simonyan & Zisserman 2014 (channels doubled after pooling)"
    least_factor = 2
    alarming_factor = 4

    def inspect(self, case: Case) -> Finding | None:
        """Compare the widest block with the last one behind pooling."""
        blocks = _filters_by_block(layers_of(case))
        if len(blocks) < 2:
            return None
        falling = all(a >= b for a, b in pairwise(blocks))
        if not falling or blocks[0] < self.least_factor * blocks[-1]:
            return None
        severe = blocks[0] >= self.alarming_factor * blocks[-1]
        return self.found(
            f"Filters fall from {blocks[0]} to {blocks[-1]} towards the output.",
            {
                "filters of the first block": (blocks[0], "filters"),
                "filters of the last block": (blocks[-1], "filters"),
            },
            "Keep the number of filters, or double it, after each pooling.",
            severity="warning" if severe and harm(case) else "info",
            params={"filters": tuple(sorted(blocks))},
        )


def _filters_by_block(layers: Sequence[Layer]) -> list[int]:
    """Return filters of the widest convolution between two poolings."""
    blocks: list[list[int]] = [[]]
    for layer in layers:
        if layer.kind == "pool":
            blocks.append([])
        elif layer.kind == "conv" and layer.units is not None:
            blocks[-1].append(layer.units)
    return [max(block) for block in blocks if block]


class UnderCapacity(Rule):
    """A hidden layer is too narrow for the task.

    Reads: units of the hidden layers, the score on the training rows, scores of
    simple learners on the same rows.
    Hurts: all that the output can know goes through these few units.
    Wrong when: something else keeps the network from learning; an alarm needs harm,
    scaled inputs and a loss that no longer falls.
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
            raise NotApplicable(f"{part.n_rows} rows are too few")
        n_units = min(widths)
        if n_units > self.most_units or part.mcc > self.highest_mcc or not harm(case):
            return None
        return self.found(
            f"A hidden layer of {tally(n_units, 'unit')} is all that the output can "
            "see.",
            {"units": (n_units, "units"), "MCC on the training rows": (part.mcc, "")},
            "Use at least 16 units or filters in every hidden layer.",
            severity="info" if self._has_better_cause(case) else "warning",
            params={"width": 16},
        )

    def _has_better_cause(self, case: Case) -> bool:
        size = None if case.rows is None else case.rows.typical_size
        fall = still_falling(case)
        unscaled = size is not None and size > self.largest_input
        return unscaled or (fall is not None and fall > self.fastest_fall)
