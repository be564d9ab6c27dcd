"""The output units, their loss and their labels, which must suit each other."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    BINARY_LOSSES,
    CATEGORICAL_LOSSES,
    DISTANCE_LOSSES,
    POOR_FIT,
    RECTIFIERS,
    SLOW_FIT,
    classes_of,
    harm,
    head_of,
    loss_of,
    output_range,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.text import tally
from skloss.record import Layer


class SingleUnitCategoricalCe(Rule):
    """Categorical cross-entropy on one unit: the loss is 0 whatever the output.

    Reads: units of the output layer, the loss.
    Effect: the loss normalizes the outputs of a row to sum to 1, so one output becomes
    1, its logarithm 0, and there is nothing to learn from.
    False alarm when: never.
    """

    code = "N15"
    name = "single-unit-categorical-ce"
    severity = "error"
    explains = (
        *POOR_FIT,
        *SLOW_FIT,
        "class-count-mismatch",
        "target-encoding-mismatch",
    )
    reference = "stats.stackexchange.com/questions/481881; Keras 3's own warning"

    def inspect(self, case: Case) -> Finding | None:
        """Look for one unit and a categorical loss."""
        head, loss = head_of(case), loss_of(case)
        if head.units != 1 or loss not in CATEGORICAL_LOSSES:
            return None
        evidence: dict[str, object] = {"output units": (1, "units"), "loss": loss}
        curve = case.curves.get("loss")
        if curve is not None and len(curve):
            evidence["last training loss"] = (float(curve[-1]), "nats")
        return self.found(
            f"{loss} on 1 output unit is 0 whatever the network answers.",
            evidence,
            "Use binary cross-entropy with one sigmoid unit, or give the output one "
            "softmax unit for each class.",
        )


class SoftmaxOnMultilabel(Rule):
    """Softmax outputs where several labels may hold at once.

    Reads: the task, activation of the output layer.
    Effect: softmax makes the labels compete: two that hold together get half each.
    False alarm when: the labels are shares that sum to 1.
    """

    code = "N16"
    name = "softmax-on-multilabel"
    severity = "error"
    explains = (*POOR_FIT, *SLOW_FIT, "softmax-with-from-logits", "wrong-loss")
    reference = "UMLAUT; NeuraLint"

    def inspect(self, case: Case) -> Finding | None:
        """Look for softmax in a multilabel task."""
        head = head_of(case)
        if case.task is None:
            raise NotApplicable("the task is not known")
        if case.task != "multilabel" or head.activation != "softmax":
            return None
        return self.found(
            f"Softmax makes {head.units} labels compete that may hold at once.",
            {"output units": (head.units, "units"), "activation": "softmax"},
            "Use sigmoid on each unit with binary cross-entropy.",
        )


class ClassCountMismatch(Rule):
    """The output has more or fewer units than there are classes.

    Reads: units and activation of the output layer, the number of classes, the
    smallest label.
    Effect: with too few units some classes have no output; the loss of their rows is
    NaN or an error. Spare units are trained to be zero, which costs little.
    False alarm when: the rows hold a part of the classes only; spare units are an alarm
    only where the network is worse than a simple learner.
    """

    code = "N17"
    name = "class-count-mismatch"
    severity = "error"
    explains = (*POOR_FIT, *SLOW_FIT, "nonfinite-loss")
    reference = "stackoverflow.com/questions/31880720; NeuraLint"

    def inspect(self, case: Case) -> Finding | None:
        """Compare units with classes."""
        head, n_classes = head_of(case), classes_of(case)
        units = head.units or 0
        if units == n_classes or (units == 1 and not _is_short(head, n_classes)):
            return None
        few = units < n_classes
        surplus: Severity = "warning" if harm(case) else "info"
        if not few and _labels_begin_at_1(case, units, n_classes):
            surplus = "info"
        return self.found(
            f"The output has {tally(units, 'unit')} for {n_classes} classes.",
            {"output units": (units, "units"), "classes": (n_classes, "classes")},
            f"Give the output {n_classes} units, and number the labels from 0 to "
            f"{n_classes - 1}.",
            severity="error" if few else surplus,
        )


def _is_short(head: Layer, n_classes: int) -> bool:
    """Whether one unit is too few; other rules know more about most of these."""
    known = ("sigmoid", "hard_sigmoid", "tanh", "linear", "softmax", *RECTIFIERS)
    return n_classes > 2 and head.activation not in known


def _labels_begin_at_1(case: Case, units: int, n_classes: int) -> bool:
    low = case.rows.target_min if case.rows is not None else None
    return low == 1 and units == n_classes + 1


class LinearOutput(Rule):
    """A classifier's outputs are left linear and never become probabilities.

    Reads: activation of the output layer, the loss, the range of the outputs.
    Effect: outputs below 0 and above 1 are no probabilities, and rows that are right by
    far cost as much as rows that are wrong by far.
    False alarm when: outputs are compared, never read as probabilities; it is context
    where they stay within [0, 1] and the network is as good as a simple learner.
    """

    code = "N18"
    name = "linear-output"
    explains = (*POOR_FIT, "mse-for-classification", "class-count-mismatch")
    reference = "UMLAUT MissingActivation; NeuraLint"
    tolerance = 0.05  # outside [0, 1]

    def inspect(self, case: Case) -> Finding | None:
        """Look for a linear head under a loss of distances."""
        head, loss = head_of(case), loss_of(case)
        if case.task is None:
            raise NotApplicable("the task is not known")
        if head.activation != "linear" or loss not in DISTANCE_LOSSES:
            return None
        alarming = self._leaves(case) or harm(case)
        return self.found(
            f"{tally(head.units or 0, 'output unit')} without an activation: the "
            "outputs are no probabilities.",
            {"activation": "linear", "loss": loss} | output_range(case),
            "Use sigmoid with binary cross-entropy, or softmax with categorical "
            "cross-entropy.",
            severity="warning" if alarming else "info",
        )

    def _leaves(self, case: Case) -> bool:
        """Whether outputs lie outside [0, 1]."""
        probe = case.probe
        if probe is None or probe.output_min is None or probe.output_max is None:
            return False
        low, high = -self.tolerance, 1 + self.tolerance
        return probe.output_min < low or probe.output_max > high


class BceOnSoftmax2(Rule):
    """Binary cross-entropy on two softmax units.

    Reads: units and activation of the output layer, the loss, how the labels are
    encoded, the loss of the model against that of its outputs.
    Effect: computed from the outputs it equals categorical cross-entropy, since the
    two sum to 1. Keras 3 on TensorFlow computes it from the logits behind the softmax,
    as two sigmoids: the ranking is right, the probabilities come out too sure.
    False alarm when: only the ranking is used; an alarm needs a network that is worse
    than a simple learner.
    """

    code = "N19"
    name = "bce-on-softmax2"
    explains = ("incomparable-curves",)
    reference = "keras.backend.tensorflow.nn, _get_logits"

    def inspect(self, case: Case) -> Finding | None:
        """Look for the pair."""
        head, loss, n_classes = head_of(case), loss_of(case), classes_of(case)
        pair = head.units == 2 and head.activation == "softmax"
        if not pair or n_classes != 2 or loss not in BINARY_LOSSES:
            return None
        kind = case.rows.target_kind if case.rows is not None else None
        evidence: dict[str, object] = {
            "output units": (2, "units"),
            "loss": loss,
            "labels": kind,
        }
        probe = case.probe
        if probe is not None and probe.loss_of_model is not None:
            evidence["loss of the model"] = (probe.loss_of_model, "nats")
            evidence["loss of its outputs"] = (probe.loss_of_outputs, "nats")
        return self.found(
            "Binary cross-entropy trains 2 softmax units as if they were two sigmoids.",
            evidence,
            "Use categorical cross-entropy (one-hot labels), or one sigmoid unit.",
            severity="warning" if harm(case) else "info",
        )
