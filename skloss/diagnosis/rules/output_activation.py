"""The activation of the output layer."""

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
    training_of,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.text import tally

_CROSS_ENTROPIES = CATEGORICAL_LOSSES + BINARY_LOSSES


class SoftmaxOneUnit(Rule):
    """Softmax over a single unit: the output is always 1.

    Reads: units and activation of the output layer; the range of the outputs.
    Effect: softmax divides a unit by the sum over all units, here itself, so that every
    row is predicted positive. Keras 3 on TensorFlow trains on the logit behind the
    softmax, so the loss may well fall while the predictions never move.
    False alarm when: never for a classifier; the output is the number 1.
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
            {"output units": (1, "units"), "activation": "softmax"}
            | output_range(case),
            "Use one sigmoid unit with binary cross-entropy, or one softmax unit for "
            "each class with categorical cross-entropy.",
        )


class BinaryHeadForMulticlass(Rule):
    """One unit of a binary classifier is to tell more than two classes apart.

    Reads: units and activation of the output layer; the number of classes.
    Effect: one number between 0 and 1 separates two classes; the others can never be
    predicted, and labels above 1 push the loss below zero.
    False alarm when: the classes are ordered grades and the unit is read as a scaled
    grade.
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
    Effect: outputs are not probabilities: they exceed 1, and where the unit is at 0 its
    slope is 0 too, so that a class can be lost for good.
    False alarm when: the outputs are rates or evidence of a loss made for them.
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
        if head.activation not in RECTIFIERS:
            return None
        return self.found(
            f"The output of a classifier goes through {head.activation}, on "
            f"{tally(head.units or 0, 'unit')}.",
            {"activation": head.activation, "output units": (head.units, "units")}
            | output_range(case),
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
    Effect: cross-entropy takes the logarithm of the output; values below 0 and above 1
    are clipped, where the slope is 0, so rows that are wrong are not learned from.
    False alarm when: something between the network and the loss makes probabilities.
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
            {"activation": "linear", "from_logits": False} | output_range(case),
            "Give the loss from_logits=True and pass the outputs through sigmoid or "
            "softmax when predicting, or put that activation on the output.",
        )


class SigmoidOutputMulticlass(Rule):
    """Sigmoid outputs where one class of several is to be chosen.

    Reads: units and activation of the output layer, the loss, the number of classes,
    how far the outputs of a row are from summing to 1.
    Effect: every class is judged apart from the others, so the outputs are no
    distribution. With a categorical cross-entropy Keras 3 on TensorFlow reads the
    logits behind the sigmoids as those of a softmax: the classes are learned, but the
    outputs and the loss shown belong to different models.
    False alarm when: one against the rest is meant, with binary cross-entropy; then the
    sums come near 1 by themselves, and this is no more than context.
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
        if case.probe is not None:
            error = case.probe.output_sum_error
            evidence["distance of a row's outputs from summing to 1"] = error
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
