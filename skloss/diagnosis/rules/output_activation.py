"""Rules about the activation of the output layer."""

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
from skloss.diagnosis.words import tally

_CROSS_ENTROPIES = CATEGORICAL_LOSSES + BINARY_LOSSES


class SoftmaxOneUnit(Rule):
    """Softmax over a single unit always outputs 1.

    Reads: units and activation of the output layer, and the range of the outputs.
    Effect: softmax divides each unit by the sum over all units, here by itself. Every
    row is predicted positive. Keras 3 on TensorFlow trains on the logit before the
    softmax, so the loss can fall while the predictions never change.
    What to do: use Dense(1, activation="sigmoid") with binary_crossentropy, or Dense(2,
    activation="softmax") with sparse_categorical_crossentropy.
    False alarm when: never for a classifier, since the output is constant.
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
            "The output is a softmax over 1 unit, which equals 1 for every row.",
            {"output units": (1, "units"), "activation": "softmax"}
            | output_range(case),
            'Use Dense(1, activation="sigmoid") with binary_crossentropy, or '
            'Dense(2, activation="softmax") with sparse_categorical_crossentropy.',
        )


class BinaryHeadForMulticlass(Rule):
    """A single output unit is used for more than two classes.

    Reads: units and activation of the output layer, and the number of classes.
    Effect: one number between 0 and 1 separates two classes only. The other classes can
    never be predicted, and labels above 1 make the loss negative.
    What to do: use Dense(n_classes, activation="softmax") with
    sparse_categorical_crossentropy.
    False alarm when: the classes are ordered grades, and the output is read as a scaled
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
            f"The output is one {head.activation} unit, but there are {n_classes} "
            "classes.",
            {
                "output units": (1, "units"),
                "classes": (n_classes, "classes"),
                "activation": head.activation,
            },
            f'Use Dense({n_classes}, activation="softmax") with '
            "sparse_categorical_crossentropy for class numbers, or "
            "categorical_crossentropy for one-hot labels.",
        )


class ReluOutput(Rule):
    """The output layer has a ReLU or a similar activation.

    Reads: the activation of the output layer, the loss, and the range of the outputs.
    Effect: the outputs are not probabilities, because they exceed 1. Where a ReLU is 0
    its gradient is 0 too, so a class can be lost for good.
    What to do: use Dense(1, activation="sigmoid") with binary_crossentropy, or
    Dense(n_classes, activation="softmax") with sparse_categorical_crossentropy.
    False alarm when: the outputs are rates or other quantities that the loss expects.
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
        """Look for a rectifier on the output layer."""
        head = head_of(case)
        if case.task is None:
            raise NotApplicable("the task is not known")
        if head.activation not in RECTIFIERS:
            return None
        return self.found(
            f"The output layer, with {tally(head.units or 0, 'unit')}, has the "
            f"activation {head.activation}.",
            {"activation": head.activation, "output units": (head.units, "units")}
            | output_range(case),
            'Use Dense(1, activation="sigmoid") with binary_crossentropy, or '
            'Dense(n_classes, activation="softmax") with '
            "sparse_categorical_crossentropy.",
            severity=self._severity(case),
        )

    def _severity(self, case: Case) -> Severity:
        """Return a warning if the network can still learn, else an error.

        A regression loss accepts any output; a cross-entropy does not.
        """
        loss = case.training.loss if case.training is not None else None
        tolerant = loss is not None and loss_of(case) in DISTANCE_LOSSES
        return "warning" if tolerant and harm(case) is False else "error"


class LinearOutputWithoutFromLogits(Rule):
    """A linear output feeds a loss that expects probabilities.

    Reads: the activation of the output layer, the loss, and its ``from_logits``.
    Effect: cross-entropy takes the logarithm of the output. Values below 0 and above 1
    are clipped. The gradient is 0 there, so rows with a wrong prediction are not
    learned from.
    What to do: pass the loss as BinaryCrossentropy(from_logits=True) or
    SparseCategoricalCrossentropy(from_logits=True), or put sigmoid or softmax on the
    output layer.
    False alarm when: a step between the network and the loss makes probabilities.
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
        """Look for a cross-entropy of probabilities on a linear output."""
        head, loss = head_of(case), loss_of(case)
        from_logits = training_of(case).from_logits
        if head.activation != "linear" or loss not in _CROSS_ENTROPIES:
            return None
        if from_logits is None:
            raise NotApplicable("from_logits is not known")
        if from_logits:
            return None
        return self.found(
            f"The output layer is linear, but {loss} expects probabilities "
            "(from_logits=False).",
            {"activation": "linear", "from_logits": False} | output_range(case),
            "Create the loss with from_logits=True and apply sigmoid or softmax when "
            "predicting, or put that activation on the output layer.",
        )


class SigmoidOutputMulticlass(Rule):
    """Sigmoid outputs are used to choose one of several classes.

    Reads: units and activation of the output layer, the loss, the number of classes,
    and how far the outputs of a row are from summing to 1.
    Effect: each class is judged on its own, so the outputs are no distribution over the
    classes. With a categorical cross-entropy, Keras 3 on TensorFlow reads the logits
    before the sigmoids as logits of a softmax. The classes are learned, but the outputs
    and the displayed loss belong to different models.
    What to do: set activation="softmax" on the output layer, with
    categorical_crossentropy for one-hot labels or sparse_categorical_crossentropy for
    class numbers.
    False alarm when: one-against-rest training with binary cross-entropy is intended.
    It is a remark if the outputs of a row sum to about 1 and predictions are good.
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
            "sigmoid output units": (head.units, "units"),
            "classes": (n_classes, "classes"),
            "loss": loss,
        }
        if case.probe is not None:
            error = case.probe.output_sum_error
            evidence["mean distance of the sum of outputs from 1"] = error
        return self.found(
            f"The output has {head.units} sigmoid units for {n_classes} exclusive "
            "classes, so its outputs are no distribution over the classes.",
            evidence,
            'Set activation="softmax" on the output layer, with '
            "categorical_crossentropy for one-hot labels or "
            "sparse_categorical_crossentropy for class numbers.",
            severity=severity,
        )

    def _severity(self, case: Case, loss: str, n_classes: int) -> Severity | None:
        error = case.probe.output_sum_error if case.probe is not None else None
        shown = error is not None and error > self.largest_sum_error
        if n_classes == 2:  # two sigmoids with one-hot labels are often intended
            is_wrong = loss in CATEGORICAL_LOSSES and (shown or error is None)
            return "warning" if is_wrong else None
        if loss not in CATEGORICAL_LOSSES:
            return "warning" if shown else "info"
        harmed = harm(case)
        if harmed is False:
            return "warning" if shown else "info" if error is not None else "warning"
        return "error"
