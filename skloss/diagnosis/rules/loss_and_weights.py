"""Rules about the loss and the class weights of a training."""

import re

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    BINARY_LOSSES,
    CATEGORICAL_LOSSES,
    DISTANCE_LOSSES,
    POOR_FIT,
    classes_of,
    harm,
    head_of,
    loss_of,
    training_of,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import params_text
from skloss.record import SplitMetrics, Training

_BOUNDED = ("sigmoid", "hard_sigmoid", "softmax")


class MseForClassification(Rule):
    """A classifier is trained with a regression loss.

    Reads: the loss, the task, and the activation of the output layer.
    Effect: behind a sigmoid, the gradient of such a loss vanishes where the network is
    most wrong. Those rows, mostly of the rare class, are not learned for many epochs.
    What to do: compile with loss="binary_crossentropy" or "categorical_crossentropy";
    in skloss, set loss="crossentropy".
    False alarm when: the Brier score, the squared error of probabilities, is intended.
    It is a proper score, so with probabilities as outputs an alarm requires poor
    predictions.
    """

    code = "C01"
    name = "mse-for-classification"
    explains = (
        *POOR_FIT,
        "slow-convergence",
        "vanishing-gradients",
        "saturating-hidden",
    )
    reference = "UMLAUT; AutoTrainer; NeuraLint"

    def inspect(self, case: Case) -> Finding | None:
        """Look for a squared or absolute error."""
        head, loss = head_of(case), loss_of(case)
        if case.task is None:
            raise NotApplicable("the task is not known")
        if loss not in DISTANCE_LOSSES:
            return None
        alarming = head.activation not in _BOUNDED or harm(case)
        one = case.task == "multilabel" or head.units == 1
        suited = "binary" if one else "categorical"
        return self.found(
            f"A classifier with {head.units} {head.activation} "
            f"output{'s' if head.units != 1 else ''} is trained with the regression "
            f"loss {loss}.",
            {
                "loss": loss,
                "output activation": head.activation,
                "output units": head.units,
            },
            f'Compile with loss="{suited}_crossentropy".',
            severity="warning" if alarming else "info",
            params={"loss": "crossentropy"},
        )


class WrongLoss(Rule):
    """The loss does not match the outputs or the labels.

    Reads: the loss, activation and units of the output layer, and the encoding of the
    labels.
    Effect: the loss is then not lowest at the true probabilities.
    What to do: use binary_crossentropy for sigmoid outputs, and for softmax outputs
    categorical_crossentropy (one-hot labels) or sparse_categorical_crossentropy (class
    numbers).
    False alarm when: the loss is chosen for another reason. If the mismatch does not
    always do harm, an alarm requires poor predictions.
    """

    code = "C02"
    name = "wrong-loss"
    explains = (*POOR_FIT, "target-encoding-mismatch")
    reference = "keras.losses; AutoTrainer; NeuraLint"

    def inspect(self, case: Case) -> Finding | None:
        """Look for a loss that does not match the output or the labels."""
        head, loss = head_of(case), loss_of(case)
        if case.task is None:
            raise NotApplicable("the task is not known")
        kind = case.rows.target_kind if case.rows is not None else None
        known = self._mismatch(case, loss, head.activation or "linear", kind)
        if known is None:
            return None
        reason, certain = known
        alarming = certain or harm(case)
        evidence = {
            "loss": loss,
            "output activation": head.activation,
            "output units": head.units,
            "encoding of the labels": kind,
        }
        return self.found(
            f"The loss {loss} does not match {head.units} {head.activation} "
            f"output{'s' if head.units != 1 else ''}: {reason}.",
            evidence,
            "Use binary_crossentropy for sigmoid outputs, and for softmax outputs "
            "categorical_crossentropy (one-hot labels) or "
            "sparse_categorical_crossentropy (class numbers).",
            severity="warning" if alarming else "info",
            params={"loss": "crossentropy"},
        )

    @staticmethod
    def _mismatch(
        case: Case, loss: str, activation: str, kind: str | None
    ) -> tuple[str, bool] | None:
        """Return the reason, and whether it always does harm."""
        units = case.head.units if case.head is not None else None
        entropies = (*BINARY_LOSSES, *CATEGORICAL_LOSSES)
        if activation == "tanh" and loss in entropies:
            return "outputs below 0 have no logarithm", True
        if loss == "kl_divergence" and kind == "ids" and units == 1:
            return "its value is 0 for every row of class 0", True
        # Wrappers encode the labels before the loss sees them. Callers of Keras' own
        # fit may do so too, which is why this is not certain.
        numbered = kind == "ids" and case.origin == "keras"
        if loss == "categorical_crossentropy" and numbered and (units or 0) > 1:
            return "the labels are class numbers, not one-hot", False
        if loss in BINARY_LOSSES and activation == "softmax" and (units or 0) > 2:
            return "it judges each class on its own", False
        if loss in ("hinge", "squared_hinge") and activation in _BOUNDED:
            return "it expects outputs from -1 to 1", False
        if loss in ("poisson", "cosine_similarity"):
            return "it is not a loss for classes", False
        return None


def _from_logits(case: Case, activation: str) -> Training | None:
    """Return the training if its loss expects logits but the output is activated."""
    head, training = head_of(case), training_of(case)
    if training.from_logits is None:
        raise NotApplicable("from_logits is not known")
    return training if training.from_logits and head.activation == activation else None


class _WithFromLogits(Rule):
    """Base of the two rules about ``from_logits``."""

    tolerance = 1e-3  # relative
    activation: str

    def inspect(self, case: Case) -> Finding | None:
        """Look for the activation together with the flag."""
        training = _from_logits(case, self.activation)
        if training is None:
            return None
        evidence = {"activation": self.activation, "from_logits": True}
        losses = self._losses(case)
        if losses is not None:
            evidence |= {
                "loss as Keras computes it": (losses[0], "nats"),
                "loss of the outputs read as logits": (losses[1], "nats"),
            }
        # If the loss of the model equals that of its outputs read as logits, the
        # backend did not skip the activation of the output layer.
        doubled = losses is not None and np.isclose(*losses, rtol=self.tolerance)
        effect = (
            f"it applies a second {self.activation}"
            if doubled
            else f"Keras 3 on TensorFlow skips the {self.activation} of the layer, "
            "other backends apply two"
        )
        return self.found(
            f"The output layer has a {self.activation}, but the loss expects logits "
            f"(from_logits=True): {effect}.",
            evidence,
            f"Set from_logits=False in the loss, or remove the {self.activation} from "
            "the output layer and apply it when predicting.",
            severity="error" if doubled else "warning",
        )

    @staticmethod
    def _losses(case: Case) -> tuple[float, float] | None:
        probe = case.probe
        if (
            probe is None
            or probe.loss_of_model is None
            or probe.loss_of_outputs is None
        ):
            return None
        return probe.loss_of_model, probe.loss_of_outputs


class SigmoidWithFromLogits(_WithFromLogits):
    """The output is a sigmoid, but the loss expects logits.

    Reads: the activation of the output layer, ``from_logits``, and the loss of the
    model compared with the loss of its outputs read as logits.
    Effect: the loss applies a second sigmoid. Probabilities are limited to 0.5 to 0.73,
    and the loss of a positive row cannot fall below 0.31. Keras 3 on TensorFlow warns
    and uses the logits before the sigmoid, so training is right there. PyTorch and JAX
    apply both.
    What to do: set from_logits=False in the loss, or remove the sigmoid from the output
    layer and apply it when predicting.
    False alarm when: the model will only ever run on TensorFlow. It is an error only if
    the doubled sigmoid was measured.
    """

    code = "C03"
    name = "sigmoid-with-from-logits"
    explains = (*POOR_FIT, "val-loss-misleads", "incomparable-curves")
    reference = "keras.backend.tensorflow.nn, _get_logits; UMLAUT; NeuraLint"
    activation = "sigmoid"


class SoftmaxWithFromLogits(_WithFromLogits):
    """The output is a softmax, but the loss expects logits.

    Reads: the activation of the output layer, ``from_logits``, and the loss of the
    model compared with the loss of its outputs read as logits.
    Effect: the loss applies a second softmax, which flattens the probabilities.
    Learning is slow and the loss cannot approach 0. Keras 3 on TensorFlow warns and
    uses the logits before the softmax, so training is right there. PyTorch and JAX
    apply both.
    What to do: set from_logits=False in the loss, or remove the softmax from the output
    layer and apply it when predicting.
    False alarm when: the model will only ever run on TensorFlow. It is an error only if
    the doubled softmax was measured.
    """

    code = "C04"
    name = "softmax-with-from-logits"
    explains = (*POOR_FIT, "val-loss-misleads", "incomparable-curves")
    reference = "keras.backend.tensorflow.nn, _get_logits; UMLAUT; NeuraLint"
    activation = "softmax"


def _ratio(values: tuple[int, ...] | list[float]) -> float:
    """Largest over smallest."""
    return float(max(values)) / max(float(min(values)), 1e-12)


class ClassWeightWithoutEffect(Rule):
    """Class weights were given but had no effect.

    Reads: the type of the class weights, their keys, and the numbers of the classes.
    Effect: Keras looks up the class number of a row in a dict with integer keys, and
    uses 1 for missing keys. It ignores keys of other types and other numbers without a
    warning. Keras 3 refuses an array; older versions ignore it.
    What to do: pass class_weight={0: w0, 1: w1} with integer keys to fit, or
    class_weight="balanced" to a skloss classifier.
    False alarm when: a wrapper turns the weights into sample weights, as scikit-learn
    does. The keys are examined only for the fit of Keras itself. It is a remark if
    every class has a key, and there are others besides.
    """

    code = "C05"
    name = "class-weight-without-effect"
    severity = "error"
    explains = ("majority-collapse", "threshold-not-tuned", "loss-at-constant-guess")
    reference = "github.com/keras-team/keras/issues/23220; keras 3.15"
    least_ratio = 1.1  # of balanced weights, to act at all

    def inspect(self, case: Case) -> Finding | None:
        """Examine the type of the weights, then their keys, then their values."""
        training = training_of(case)
        kind = training.class_weight_kind
        if kind is None:
            raise NotApplicable("the class weights are not known")
        if kind == "none":
            return None
        if kind not in ("dict", "balanced", "effective"):
            return self._of_wrong_kind(kind)
        if kind == "dict" and case.origin in ("keras", "curves"):
            return self._of_wrong_keys(case, training)
        return self._equal(case) if kind == "balanced" else None

    def _of_wrong_kind(self, kind: str) -> Finding:
        return self.found(
            f"The class weights had no effect: they are of type {kind}, but Keras "
            "reads only a dict.",
            {"type of the class weights": kind},
            "Pass class_weight=dict(enumerate(weights)) to fit, or "
            'class_weight="balanced" to a skloss classifier.',
            params={"class_weight": "balanced"},
        )

    def _of_wrong_keys(self, case: Case, training: Training) -> Finding | None:
        n_classes, weights = classes_of(case), training.class_weight
        if weights is None:
            raise NotApplicable("the class weights are not known")
        classes = _labels(case, n_classes)
        labels = {key: _as_label(key, training) for key in weights}
        lost = [key for key, label in labels.items() if label not in classes]
        if not lost or all(weights[key] == 1 for key in lost):
            return None
        return self.found(
            f"{len(lost)} of {len(weights)} class weights had no effect: no class has "
            f"{'this key' if len(lost) == 1 else 'these keys'}: "
            f"{', '.join(map(repr, lost[:5]))}.",
            {
                "keys without a class": (", ".join(lost), ""),
                "type of the keys": training.class_weight_keys or "unknown",
                "classes": (", ".join(map(str, sorted(classes))), ""),
            },
            f"Use the integers {min(classes)} to {max(classes)} as keys of "
            "class_weight.",
            # A key too many does no harm if every class has its own.
            severity="info" if classes <= set(labels.values()) else "error",
            params={"class_weight": "balanced"},
        )

    def _equal(self, case: Case) -> Finding | None:
        if case.train is None or not case.train.n_minority:
            raise NotApplicable("the class counts are not known")
        ratio = _ratio(case.train.counts)
        if ratio >= self.least_ratio:
            return None
        what = "class weights"
        fix: dict[str, object] = {"class_weight": None}
        if training_of(case).balanced_batches:
            what, fix = "balanced batches", {"balanced_batches": False}
        return self.found(
            f"The {what} have almost no effect: the weights differ by only "
            f"{ratio - 1:.0%}, because the classes are balanced already.",
            {"largest over smallest class weight": ratio},
            f"Set {params_text(fix)}.",
            severity="info",
            params=fix,
        )


def _labels(case: Case, n_classes: int) -> set[int]:
    """Return the class numbers; the labels themselves where they are numbers."""
    rows = case.rows
    first = 0
    if rows is not None and rows.target_kind == "ids" and rows.target_min is not None:
        first = int(rows.target_min)
    units = case.head.units if case.head is not None else None
    return set(range(first, first + max(n_classes, units or 0)))


def _as_label(key: str, training: Training) -> int | None:
    """Return the class that Keras finds under a key; None if it is none."""
    kinds = re.split(r"[, ]+", training.class_weight_keys or "int")
    if not set(kinds) & {"int", "float", "bool"}:
        return None
    try:
        number = float({"True": "1", "False": "0"}.get(key, key))
    except ValueError:
        return None
    return int(number) if number == int(number) else None


class DoubleBalancing(Rule):
    """Rows were resampled to balance the classes, and class weights balance them again.

    Reads: the class counts of the training rows and of the original rows (or of the
    validation rows, where these are not known), or a sampler in the code, and the class
    weights.
    Effect: the rare class then weighs more than the common one, and is predicted too
    often.
    What to do: set class_weight=None, or remove the sampler.
    False alarm when: a missed positive is meant to cost more than a false positive.
    Then tune the decision threshold instead, which keeps the probabilities right.
    """

    code = "C06"
    name = "double-balancing"
    explains = (
        "all-positive",
        "threshold-not-tuned",
        "train-val-prior-shift",
        "class-weight-loss-scale",
        "incomparable-curves",
    )
    reference = "van den Goorbergh et al. 2022; arXiv 2404.19494"
    balanced_ratio = 1.5
    least_weight_ratio = 1.5

    def inspect(self, case: Case) -> Finding | None:
        """Compare counts and weights."""
        training, train = training_of(case), case.train
        if train is None and case.is_resampled and case.preparation is not None:
            return self._of_code(case)
        if train is None or not train.n_minority:
            raise NotApplicable("the class counts are not known")
        if training.class_weight_kind is None:
            raise NotApplicable("the class weights are not known")
        weights = training.class_weight
        if training.class_weight_kind == "none" or not weights or len(weights) < 2:
            return None
        ratio = _ratio(list(weights.values()))
        if not self._was_balanced(case, train) or ratio <= self.least_weight_ratio:
            return None
        return self.found(
            f"The training rows were resampled to a ratio of "
            f"{_ratio(train.counts):.1f} to 1, and class weights of {ratio:.1f} to 1 "
            "balance them again.",
            {
                "largest over smallest class count": _ratio(train.counts),
                "largest over smallest class weight": ratio,
            },
            "Set class_weight=None, or remove the sampler.",
            params={"class_weight": None},
        )

    def _of_code(self, case: Case) -> Finding | None:
        """Read a sampler and class weights that the code writes out."""
        weights = training_of(case).class_weight
        ratio = _ratio(list(weights.values())) if weights and len(weights) > 1 else 1.0
        if ratio <= self.least_weight_ratio:
            return None
        return self.found(
            "The code resamples the training rows, and class weights of "
            f"{ratio:.1f} to 1 balance them again.",
            {"largest over smallest class weight": ratio},
            "Set class_weight=None, or remove the sampler.",
            params={"class_weight": None},
        )

    def _was_balanced(self, case: Case, train: SplitMetrics) -> bool:
        """Whether the training rows are balanced, but the original rows were not."""
        if _ratio(train.counts) > self.balanced_ratio:
            return False
        original = [part for part in (case.original, case.val) if part is not None]
        imbalanced = any(_ratio(part.counts) > self.balanced_ratio for part in original)
        return bool(case.is_resampled) or imbalanced
