"""Rules about output units that do not match the loss or the labels."""

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
from skloss.diagnosis.words import tally
from skloss.record import Layer


class SingleUnitCategoricalCe(Rule):
    """Categorical cross-entropy on one unit is 0 for every output.

    Reads: the units of the output layer, and the loss.
    Effect: this loss normalizes the outputs of a row to sum to 1. A single output
    becomes 1 and its logarithm 0, so the network learns nothing.
    What to do: compile with loss="binary_crossentropy" and Dense(1,
    activation="sigmoid"), or use Dense(n_classes, activation="softmax").
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
            evidence["final training loss"] = (float(curve[-1]), "nats")
        return self.found(
            f"{loss} on 1 output unit is 0 for every output.",
            evidence,
            'Compile with loss="binary_crossentropy" and Dense(1, '
            'activation="sigmoid"), or use Dense(n_classes, activation="softmax").',
        )


class SoftmaxOnMultilabel(Rule):
    """Softmax outputs are used where several labels can be true at once.

    Reads: the task, and the activation of the output layer.
    Effect: softmax makes the labels compete, so two labels that are both true get about
    half each.
    What to do: set activation="sigmoid" on the output layer, and compile with
    loss="binary_crossentropy".
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
            f"The output is a softmax over {head.units} labels, although several "
            "labels can be true at once.",
            {"output units": (head.units, "units"), "activation": "softmax"},
            'Set activation="sigmoid" on the output layer, and compile with '
            'loss="binary_crossentropy".',
        )


class ClassCountMismatch(Rule):
    """The number of output units differs from the number of classes.

    Reads: units and activation of the output layer, the number of classes, and the
    smallest label.
    Effect: with too few units some classes have no output, and the loss of their rows
    is NaN or raises an error. Surplus units learn to output 0, which costs little.
    What to do: set the units of the output layer to the number of classes, and number
    the labels from 0 (LabelEncoder).
    False alarm when: the rows contain only some of the classes. Surplus units are a
    remark unless the predictions are poor.
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
            f"The output layer has {tally(units, 'unit')} for {n_classes} classes.",
            {"output units": (units, "units"), "classes": (n_classes, "classes")},
            f"Set the units of the output layer to {n_classes}, and number the labels "
            f"from 0 to {n_classes - 1} (LabelEncoder).",
            severity="error" if few else surplus,
        )


def _is_short(head: Layer, n_classes: int) -> bool:
    """Whether one unit is too few, and no other rule names the reason."""
    known = ("sigmoid", "hard_sigmoid", "tanh", "linear", "softmax", *RECTIFIERS)
    return n_classes > 2 and head.activation not in known


def _labels_begin_at_1(case: Case, units: int, n_classes: int) -> bool:
    low = case.rows.target_min if case.rows is not None else None
    return low == 1 and units == n_classes + 1


class LinearOutput(Rule):
    """The output layer of a classifier is linear, so its outputs are no probabilities.

    Reads: the activation of the output layer, the loss, and the range of the outputs.
    Effect: outputs below 0 and above 1 cannot be read as probabilities. A regression
    loss punishes rows that are classified correctly by a wide margin.
    What to do: set activation="sigmoid" with binary_crossentropy, or
    activation="softmax" with categorical_crossentropy.
    False alarm when: outputs are only compared with each other. It is a remark if they
    stay within [0, 1] and the predictions are not poor.
    """

    code = "N18"
    name = "linear-output"
    explains = (*POOR_FIT, "mse-for-classification", "class-count-mismatch")
    reference = "UMLAUT MissingActivation; NeuraLint"
    tolerance = 0.05  # outside [0, 1]

    def inspect(self, case: Case) -> Finding | None:
        """Look for a linear output with a regression loss."""
        head, loss = head_of(case), loss_of(case)
        if case.task is None:
            raise NotApplicable("the task is not known")
        if head.activation != "linear" or loss not in DISTANCE_LOSSES:
            return None
        alarming = self._leaves(case) or harm(case)
        return self.found(
            f"The output layer, with {tally(head.units or 0, 'unit')}, has no "
            "activation, so its outputs are no probabilities.",
            {"activation": "linear", "loss": loss} | output_range(case),
            'Set activation="sigmoid" with binary_crossentropy, or '
            'activation="softmax" with categorical_crossentropy.',
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
    """Binary cross-entropy is used on two softmax units.

    Reads: units and activation of the output layer, the loss, the encoding of the
    labels, and the loss of the model compared with the loss of its outputs.
    Effect: on probabilities it equals categorical cross-entropy, since two outputs sum
    to 1. Keras 3 on TensorFlow computes it from the logits before the softmax, as for
    two sigmoids. The ranking is right, but the probabilities are overconfident.
    What to do: compile with loss="categorical_crossentropy", or use Dense(1,
    activation="sigmoid").
    False alarm when: only the ranking is used. An alarm requires poor predictions.
    """

    code = "N19"
    name = "bce-on-softmax2"
    explains = ("incomparable-curves",)
    reference = "keras.backend.tensorflow.nn, _get_logits"

    def inspect(self, case: Case) -> Finding | None:
        """Look for binary cross-entropy on two softmax units."""
        head, loss, n_classes = head_of(case), loss_of(case), classes_of(case)
        pair = head.units == 2 and head.activation == "softmax"
        if not pair or n_classes != 2 or loss not in BINARY_LOSSES:
            return None
        kind = case.rows.target_kind if case.rows is not None else None
        evidence: dict[str, object] = {
            "output units": (2, "units"),
            "loss": loss,
            "encoding of the labels": kind,
        }
        probe = case.probe
        if probe is not None and probe.loss_of_model is not None:
            evidence["loss as Keras computes it"] = (probe.loss_of_model, "nats")
            evidence["loss of the predicted probabilities"] = (
                probe.loss_of_outputs,
                "nats",
            )
        return self.found(
            "Binary cross-entropy trains 2 softmax units as if they were 2 sigmoids.",
            evidence,
            'Compile with loss="categorical_crossentropy", or use Dense(1, '
            'activation="sigmoid").',
            severity="warning" if harm(case) else "info",
        )
