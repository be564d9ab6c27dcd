"""The output layer, together with the loss and the labels."""

from skloss.diagnosis.case import Case, Layer
from skloss.diagnosis.classifier import (
    BINARY_LOSSES,
    CATEGORICAL_LOSSES,
    DISTANCE_LOSSES,
    POOR_FIT,
    SLOW_FIT,
    classes_of,
    harm,
    head_of,
    loss_of,
    training_of,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule

_RECTIFIERS = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "swish",
    "softplus",
)
_CROSS_ENTROPIES = CATEGORICAL_LOSSES + BINARY_LOSSES


def _outputs(case: Case) -> dict[str, tuple[float, str]]:
    """Range of the outputs as evidence, where it was measured."""
    probe = case.probe
    if probe is None or probe.output_min is None or probe.output_max is None:
        return {}
    return {
        "smallest output": (probe.output_min, ""),
        "largest output": (probe.output_max, ""),
    }


class SoftmaxOneUnit(Rule):
    """Softmax over a single unit: the output is always 1.

    Reads: units and activation of the output layer; the range of the outputs.
    Hurts: softmax divides a unit by the sum over all units, here itself, so that every
    row is predicted positive. Keras 3 on TensorFlow trains on the logit behind the
    softmax, so the loss may well fall while the predictions never move.
    Wrong when: never for a classifier; the output is the number 1.
    """

    code = "N10"
    name = "softmax-one-unit"
    severity = "error"
    explains = (
        *POOR_FIT,
        *SLOW_FIT,
        "single-unit-categorical-ce",
        "class-count-mismatch",
        "mse-for-classification",
        "wrong-loss",
        "softmax-with-from-logits",
        "dead-relu",
        "batch-too-small",
        "batch-too-large",
        "val-loss-misleads",
        "incomparable-curves",
    )
    reference = "stackoverflow.com/questions/31880720; NeuraLint; AutoTrainer"

    def inspect(self, case: Case) -> Finding | None:
        """Look for one unit with softmax."""
        head = head_of(case)
        if head.units != 1 or head.activation != "softmax":
            return None
        return self.found(
            "The output is softmax over 1 unit, which is 1 for every row.",
            {"output units": (1, "units"), "activation": "softmax"} | _outputs(case),
            "Use one sigmoid unit with binary cross-entropy, or one softmax unit for "
            "each class with categorical cross-entropy.",
        )


class BinaryHeadForMulticlass(Rule):
    """One unit of a binary classifier is to tell more than two classes apart.

    Reads: units and activation of the output layer; the number of classes.
    Hurts: one number between 0 and 1 separates two classes; the others can never be
    predicted, and labels above 1 push the loss below zero.
    Wrong when: the classes are ordered grades and the unit is read as a scaled grade.
    """

    code = "N11"
    name = "binary-head-for-multiclass"
    severity = "error"
    explains = (
        *POOR_FIT,
        *SLOW_FIT,
        "class-count-mismatch",
        "single-unit-categorical-ce",
        "linear-output",
        "linear-output-without-from-logits",
        "mse-for-classification",
        "wrong-loss",
        "sigmoid-with-from-logits",
        "target-encoding-mismatch",
        "bce-accuracy-on-multiclass",
    )
    reference = "UMLAUT; NeuraLint; AutoTrainer"

    def inspect(self, case: Case) -> Finding | None:
        """Look for one bounded unit, or one logit, and three classes or more."""
        head, n_classes = head_of(case), classes_of(case)
        if n_classes <= 2 or head.units != 1:
            return None
        of_logits = case.training is not None and case.training.from_logits
        if head.activation not in ("sigmoid", "hard_sigmoid", "tanh") and not (
            head.activation == "linear" and of_logits
        ):
            return None
        return self.found(
            f"One {head.activation} unit is to tell {n_classes} classes apart.",
            {
                "output units": (1, "units"),
                "classes": (n_classes, "classes"),
                "activation": head.activation,
            },
            f"Give the output {n_classes} softmax units, and train with sparse "
            "categorical cross-entropy (labels as numbers) or categorical "
            "cross-entropy (one-hot).",
        )


class ReluOutput(Rule):
    """The output unit is a ReLU.

    Reads: activation of the output layer, the loss, the range of the outputs.
    Hurts: outputs are not probabilities: they exceed 1, and where the unit is at 0 its
    slope is 0 too, so that a class can be lost for good.
    Wrong when: the outputs are rates or evidence of a loss made for them.
    """

    code = "N12"
    name = "relu-output"
    severity = "error"
    explains = (
        *POOR_FIT,
        *SLOW_FIT,
        "class-count-mismatch",
        "mse-for-classification",
        "wrong-loss",
        "dead-relu",
        "nonfinite-loss",
        "exploding-gradients",
        "lr-too-high",
        "loss-oscillation",
    )
    reference = "UMLAUT; NeuraLint; stackoverflow.com/questions/48251943"

    def inspect(self, case: Case) -> Finding | None:
        """Look for a rectifier at the end."""
        head = head_of(case)
        if case.task is None:
            raise NotApplicable("the task is not known")
        if head.activation not in _RECTIFIERS:
            return None
        return self.found(
            f"The output of a classifier goes through {head.activation}, "
            f"on {head.units} unit{'s' if head.units != 1 else ''}.",
            {"activation": head.activation, "output units": (head.units, "units")}
            | _outputs(case),
            "Use sigmoid on one unit, or softmax on one unit for each class, with the "
            "cross-entropy that belongs to it.",
            severity=self._severity(case),
        )

    def _severity(self, case: Case) -> Severity:
        """Tell what can be lived with, a squared error, from what breaks."""
        loss = case.training.loss if case.training is not None else None
        bearable = loss is not None and loss_of(case) in DISTANCE_LOSSES
        return "warning" if bearable and harm(case) is False else "error"


class LinearOutputWithoutFromLogits(Rule):
    """A linear output feeds a loss that expects probabilities.

    Reads: activation of the output layer, the loss, its ``from_logits``.
    Hurts: cross-entropy takes the logarithm of the output; values below 0 and above 1
    are clipped, where the slope is 0, so rows that are wrong are not learnt from.
    Wrong when: something between the network and the loss makes probabilities.
    """

    code = "N13"
    name = "linear-output-without-from-logits"
    severity = "error"
    explains = (
        *POOR_FIT,
        *SLOW_FIT,
        "class-count-mismatch",
        "linear-output",
        "wrong-loss",
        "nonfinite-loss",
        "lr-too-high",
        "loss-oscillation",
        "late-divergence",
        "exploding-gradients",
    )
    reference = "UMLAUT; keras.losses, from_logits"

    def inspect(self, case: Case) -> Finding | None:
        """Look for a cross-entropy of probabilities on a linear head."""
        head, loss = head_of(case), loss_of(case)
        from_logits = training_of(case).from_logits
        if head.activation != "linear" or loss not in _CROSS_ENTROPIES:
            return None
        if from_logits is None:
            raise NotApplicable("from_logits is not known")
        if from_logits:
            return None
        return self.found(
            f"The output is linear, and {loss} expects probabilities "
            "(from_logits=False).",
            {"activation": "linear", "from_logits": False} | _outputs(case),
            "Give the loss from_logits=True and pass the outputs through sigmoid or "
            "softmax when predicting, or put that activation on the output.",
        )


class SigmoidOutputMulticlass(Rule):
    """Sigmoid outputs where one class of several is to be chosen.

    Reads: units and activation of the output layer, the loss, the number of classes,
    how far the outputs of a row are from summing to 1.
    Hurts: every class is judged apart from the others, so the outputs are no
    distribution. With a categorical cross-entropy Keras 3 on TensorFlow reads the
    logits behind the sigmoids as those of a softmax: the classes are learnt, but the
    outputs and the loss shown belong to different models.
    Wrong when: one against the rest is meant, with binary cross-entropy; then the sums
    come near 1 by themselves, and this is no more than context.
    """

    code = "N14"
    name = "sigmoid-output-multiclass"
    severity = "error"
    explains = (
        *POOR_FIT,
        "sigmoid-with-from-logits",
        "wrong-loss",
        "bce-accuracy-on-multiclass",
        "mse-for-classification",
        "incomparable-curves",
    )
    reference = "stackoverflow.com/questions/51930566, 55328966; UMLAUT"
    largest_sum_error = 0.1

    def inspect(self, case: Case) -> Finding | None:
        """Look for one sigmoid unit for each class."""
        head, loss, n_classes = head_of(case), loss_of(case), classes_of(case)
        if head.activation != "sigmoid" or (head.units or 0) < 2:
            return None
        severity = self._severity(case, loss, n_classes)
        if severity is None:
            return None
        evidence: dict[str, object] = {
            "sigmoid units": (head.units, "units"),
            "classes": (n_classes, "classes"),
            "loss": loss,
        }
        probe = case.probe
        if probe is not None and probe.output_sum_error is not None:
            evidence["distance of a row's outputs from summing to 1"] = (
                probe.output_sum_error,
                "",
            )
        return self.found(
            f"{head.units} sigmoid units are to choose one of {n_classes} classes; "
            "their outputs are no distribution.",
            evidence,
            "Use softmax, with categorical cross-entropy (one-hot labels) or sparse "
            "categorical cross-entropy (labels as numbers).",
            severity=severity,
        )

    def _severity(self, case: Case, loss: str, n_classes: int) -> Severity | None:
        error = case.probe.output_sum_error if case.probe is not None else None
        shown = error is not None and error > self.largest_sum_error
        if n_classes == 2:  # two sigmoids with one-hot labels are often meant
            return "warning" if shown and loss in CATEGORICAL_LOSSES else None
        if loss in CATEGORICAL_LOSSES:
            return "error"
        return "warning" if shown else "info"


class SingleUnitCategoricalCe(Rule):
    """Categorical cross-entropy on one unit: the loss is 0 whatever the output.

    Reads: units of the output layer, the loss.
    Hurts: the loss normalizes the outputs of a row to sum to 1, so one output becomes
    1, its logarithm 0, and there is nothing to learn from.
    Wrong when: never.
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
            f"{loss} on 1 output unit is no measure of anything.",
            evidence,
            "Use binary cross-entropy with one sigmoid unit, or give the output one "
            "softmax unit for each class.",
        )


class SoftmaxOnMultilabel(Rule):
    """Softmax outputs where several labels may hold at once.

    Reads: the task, activation of the output layer.
    Hurts: softmax makes the labels compete: two that hold together get half each.
    Wrong when: the labels are shares that sum to 1.
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
    Hurts: with too few units some classes have no output; the loss of their rows is
    NaN or an error. Spare units are trained to be zero, which costs little.
    Wrong when: the rows hold a part of the classes only; spare units are an alarm
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
            f"The output has {units} unit{'s' if units != 1 else ''} "
            f"for {n_classes} classes.",
            {"output units": (units, "units"), "classes": (n_classes, "classes")},
            f"Give the output {n_classes} units, and number the labels from 0 to "
            f"{n_classes - 1}.",
            severity="error" if few else surplus,
        )


def _is_short(head: Layer, n_classes: int) -> bool:
    """Whether one unit is too few; other rules know more about most of these."""
    known = ("sigmoid", "hard_sigmoid", "tanh", "linear", "softmax", *_RECTIFIERS)
    return n_classes > 2 and head.activation not in known


def _labels_begin_at_1(case: Case, units: int, n_classes: int) -> bool:
    low = case.rows.target_min if case.rows is not None else None
    return low == 1 and units == n_classes + 1


class LinearOutput(Rule):
    """A classifier's outputs are left linear and never become probabilities.

    Reads: activation of the output layer, the loss, the range of the outputs.
    Hurts: outputs below 0 and above 1 are no probabilities, and rows that are right by
    far cost as much as rows that are wrong by far.
    Wrong when: outputs are compared, never read as probabilities; it is context where
    they stay within [0, 1] and the network is as good as a simple learner.
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
            f"The {head.units} output unit{'s are' if head.units != 1 else ' is'} "
            "linear: the outputs are no probabilities.",
            {"activation": "linear", "loss": loss} | _outputs(case),
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
    Hurts: computed from the outputs it equals categorical cross-entropy, since the
    two sum to 1. Keras 3 on TensorFlow computes it from the logits behind the softmax,
    as two sigmoids: the ranking is right, the probabilities come out too sure.
    Wrong when: only the ranking is used; an alarm needs a network that is worse than
    a simple learner.
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
        evidence: dict[str, object] = {"output units": (2, "units"), "loss": loss}
        if kind is not None:
            evidence["labels"] = kind
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
