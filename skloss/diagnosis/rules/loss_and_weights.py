"""The loss and the class weights that the training was given."""

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
from skloss.record import SplitMetrics, Training

_BOUNDED = ("sigmoid", "hard_sigmoid", "softmax")


class MseForClassification(Rule):
    """A loss of distances, made for regression, trains a classifier.

    Reads: the loss, the task, activation of the output layer.
    Effect: behind a sigmoid its slope vanishes where the network is most wrong, so such
    rows are not learned from; on the minority that lasts for many epochs.
    False alarm when: the squared error of probabilities (Brier's score) is meant: it is
    proper, so with probabilities as outputs an alarm needs harm.
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
            f"{loss} trains a classifier with {head.units} {head.activation} "
            f"output{'s' if head.units != 1 else ''}.",
            {"loss": loss, "output": head.activation, "output units": head.units},
            f"Train with {suited} cross-entropy.",
            severity="warning" if alarming else "info",
            params={"loss": "crossentropy"},
        )


class WrongLoss(Rule):
    """The loss does not suit the outputs or the labels.

    Reads: the loss, activation and units of the output layer, how labels are encoded.
    Effect: the smallest loss is then not at the right probabilities.
    False alarm when: the loss is a good one for another reason; where the mismatch is
    not certain to hurt, an alarm needs harm.
    """

    code = "C02"
    name = "wrong-loss"
    explains = (*POOR_FIT, "all-positive", "target-encoding-mismatch")
    reference = "keras.losses; AutoTrainer; NeuraLint"

    def inspect(self, case: Case) -> Finding | None:
        """Look up what is wrong with the pair of loss and output."""
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
            "output": head.activation,
            "output units": head.units,
            "labels": kind,
        }
        return self.found(
            f"{loss} on {head.units} {head.activation} "
            f"output{'s' if head.units != 1 else ''}: {reason}.",
            evidence,
            "Train with the cross-entropy that belongs to the output: binary for "
            "sigmoid, categorical (one-hot) or sparse categorical for softmax.",
            severity="warning" if alarming else "info",
            params={"loss": "crossentropy"},
        )

    @staticmethod
    def _mismatch(
        case: Case, loss: str, activation: str, kind: str | None
    ) -> tuple[str, bool] | None:
        """Say what is wrong, and whether it is certain to hurt."""
        units = case.head.units if case.head is not None else None
        entropies = (*BINARY_LOSSES, *CATEGORICAL_LOSSES)
        if activation == "tanh" and loss in entropies:
            return "outputs below 0 have no logarithm", True
        if loss == "kl_divergence" and kind == "ids" and units == 1:
            return "rows of class 0 cost nothing", True
        # Wrappers encode labels, and so may whoever calls Keras' own fit.
        numbered = kind == "ids" and case.origin == "keras"
        if loss == "categorical_crossentropy" and numbered and (units or 0) > 1:
            return "the labels are numbers, not one-hot", False
        if loss in BINARY_LOSSES and activation == "softmax" and (units or 0) > 2:
            return "it judges each class apart", False
        if loss in ("hinge", "squared_hinge") and activation in _BOUNDED:
            return "a margin needs outputs on both sides of 0", False
        if loss in ("poisson", "cosine_similarity"):
            return "it is not made for classes", False
        return None


def _from_logits(case: Case, activation: str) -> Training | None:
    """Training with a loss of logits, if the output has an activation."""
    head, training = head_of(case), training_of(case)
    if training.from_logits is None:
        raise NotApplicable("from_logits is not known")
    return training if training.from_logits and head.activation == activation else None


class _WithFromLogits(Rule):
    """What the two rules on ``from_logits`` share."""

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
                "loss of the model": (losses[0], "nats"),
                "loss of its outputs, read as logits": (losses[1], "nats"),
            }
        doubled = losses is not None and np.isclose(*losses, rtol=self.tolerance)
        effect = (
            "both act"
            if doubled
            else "Keras 3 on TensorFlow leaves one out, others apply both"
        )
        return self.found(
            f"The output has a {self.activation}, and the loss, told to expect logits "
            f"(from_logits=True), has another: {effect}.",
            evidence,
            f"Set from_logits=False, or take the {self.activation} off the output and "
            "apply it when predicting.",
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
    """Sigmoid output and a loss told to expect logits.

    Reads: activation of the output layer, ``from_logits``, the loss that the model
    computes against the loss of its outputs read as logits.
    Effect: taken at its word, the loss squeezes the outputs a second time, into 0.5 to
    0.73, and cannot fall below 0.31 on positives. Keras 3 on TensorFlow warns and takes
    the logits behind the sigmoid, so the training is right there, by luck; PyTorch and
    JAX do as told.
    False alarm when: the model runs on TensorFlow forever; an error is given only where
    the doubled loss was measured.
    """

    code = "C03"
    name = "sigmoid-with-from-logits"
    explains = (*POOR_FIT, "val-loss-misleads", "incomparable-curves")
    reference = "keras.backend.tensorflow.nn, _get_logits; UMLAUT; NeuraLint"
    activation = "sigmoid"


class SoftmaxWithFromLogits(_WithFromLogits):
    """Softmax output and a loss told to expect logits.

    Reads: activation of the output layer, ``from_logits``, the loss that the model
    computes against the loss of its outputs read as logits.
    Effect: taken at its word, the loss flattens the outputs by a second softmax, slows
    learning and cannot come near 0. Keras 3 on TensorFlow warns and takes the logits
    behind the softmax, so the training is right there, by luck; PyTorch and JAX do as
    told.
    False alarm when: the model runs on TensorFlow forever; an error is given only where
    the doubled loss was measured.
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
    """Class weights were given and did not act.

    Reads: the type of the class weights, their keys, the numbers of the classes.
    Effect: Keras looks a row's class up in a dict of integers, with 1 for what is not
    there: keys of another type or other numbers are passed over without a word; an
    array is refused by Keras 3 and passed over by older versions.
    False alarm when: a wrapper turns them into row weights, as scikit-learn's do: dicts
    are judged for Keras' own fit only.
    """

    code = "C05"
    name = "class-weight-without-effect"
    severity = "error"
    explains = ("majority-collapse", "threshold-not-tuned", "loss-at-constant-guess")
    reference = "github.com/keras-team/keras/issues/23220; keras 3.15"
    least_ratio = 1.1  # of balanced weights, to act at all

    def inspect(self, case: Case) -> Finding | None:
        """Look at kind, then keys, then values."""
        training = training_of(case)
        kind = training.class_weight_kind
        if kind is None:
            raise NotApplicable("the class weights are not known")
        if kind == "none":
            return None
        if kind not in ("dict", "balanced"):
            return self._of_wrong_kind(kind)
        if kind == "dict" and case.origin in ("keras", "curves"):
            return self._of_wrong_keys(case, training)
        return self._equal(case) if kind == "balanced" else None

    def _of_wrong_kind(self, kind: str) -> Finding:
        return self.found(
            f"Class weights were given as {kind}, and Keras reads only a dict: they "
            "did not act.",
            {"type of the class weights": kind},
            "Pass dict(enumerate(weights)), or class_weight='balanced' to skloss.",
            params={"class_weight": "balanced"},
        )

    def _of_wrong_keys(self, case: Case, training: Training) -> Finding | None:
        n_classes, weights = classes_of(case), training.class_weight
        if weights is None:
            raise NotApplicable("the class weights are not known")
        classes = _labels(case, n_classes)
        lost = [key for key in weights if _as_label(key, training) not in classes]
        if not lost or all(weights[key] == 1 for key in lost):
            return None
        return self.found(
            f"{len(lost)} of {len(weights)} class weights name no class: "
            f"{', '.join(map(repr, lost[:5]))}.",
            {
                "keys without a class": (", ".join(lost), ""),
                "type of the keys": training.class_weight_keys or "unknown",
                "classes": (", ".join(map(str, sorted(classes))), ""),
            },
            f"Use the integers {min(classes)} to {max(classes)} as keys.",
            params={"class_weight": "balanced"},
        )

    def _equal(self, case: Case) -> Finding | None:
        if case.train is None or not case.train.n_minority:
            raise NotApplicable("the class counts are not known")
        ratio = _ratio(case.train.counts)
        if ratio >= self.least_ratio:
            return None
        return self.found(
            f"Balanced class weights differ by {ratio - 1:.0%} only: the rows are "
            "balanced already.",
            {"largest over smallest weight": ratio},
            "Leave the class weights out.",
            severity="info",
            params={"class_weight": None},
        )


def _labels(case: Case, n_classes: int) -> set[int]:
    """Numbers of the classes; the labels themselves where they are numbers."""
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
    """Rows were resampled to balance, and class weights balance them again.

    Reads: class counts of the rows trained on and of original ones (of the validation
    rows, where no others are known), class weights.
    Effect: the minority then counts more than the majority, and the network answers as
    if it were the common class.
    False alarm when: a miss is meant to cost more than a false alarm; then say so by
    the decision threshold, which leaves the probabilities right.
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
            f"Rows resampled to {_ratio(train.counts):.1f} to 1 are weighted "
            f"{ratio:.1f} to 1 again.",
            {
                "classes, largest over smallest": _ratio(train.counts),
                "weights, largest over smallest": ratio,
            },
            "Use one of the two: leave the class weights out.",
            params={"class_weight": None},
        )

    def _was_balanced(self, case: Case, train: SplitMetrics) -> bool:
        """Whether the rows are even, and were not by nature."""
        if _ratio(train.counts) > self.balanced_ratio:
            return False
        original = [part for part in (case.original, case.val) if part is not None]
        uneven = any(_ratio(part.counts) > self.balanced_ratio for part in original)
        return bool(case.is_resampled) or uneven
