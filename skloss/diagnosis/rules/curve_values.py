"""Rules about values of curves that cannot be, or that contradict each other."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import harm
from skloss.diagnosis.evidence.late_harm import rank_trend
from skloss.diagnosis.evidence.symptoms import (
    is_penalized,
    smoothed,
    training_loss,
)
from skloss.diagnosis.evidence.training_loss import NOT_LEARNED, finite_loss
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule

__all__: list[str] = []

_SHARES = ("accuracy", "precision", "recall", "f1", "auc", "average_precision", "fpr")
_COUNTS = ("tp", "fp", "tn", "fn")
_BOTH = ("", "val_")


class ValuesOutOfRange(Rule):
    """A metric or the loss has values that it cannot have.

    Reads: accuracy, precision, recall, F1 and areas, which lie between 0 and 1; the
    MCC, between -1 and 1; counts; and the loss of a classifier, which is not negative,
    and which is not far above that of a guess while the accuracy learns nothing.
    Effect: a metric that is computed wrongly cannot be compared with others, and early
    stopping by it keeps a random epoch. A cross-entropy below 0 has no end: the network
    only learns to make it lower, and its predictions mean nothing. One of 20 nats and
    more is that of a network which is sure of its errors, as by inputs of large values.
    What to do: for a metric, use that of Keras or of scikit-learn. For the loss, print
    np.unique(y): a sigmoid takes labels 0 and 1. With more classes use one unit for
    each and sparse_categorical_crossentropy. In PyTorch, give NLLLoss the output of
    log_softmax. Where the loss is huge, scale the inputs, then lower learning_rate.
    False alarm when: the loss is meant to be negative, such as a negated Dice score. A
    loss of at least -1 is a remark, unless it is known to be a cross-entropy. Or the
    loss is a sum over rows, or has strong penalties, and its network does not learn.
    """

    code = "C15"
    name = "values-out-of-range"
    explains = ("late-divergence", "overfit", *NOT_LEARNED)
    reference = "keras-team/keras issue 3236 (negative loss)"
    tolerance = 1e-6
    lowest_meant = -1.0
    huge = 20.0  # nats; the clipping of Keras ends at 16 for a wrong row
    most_fall = 0.5  # of the loss, from the first epoch to the end
    most_gain = 0.05  # of the accuracy
    accuracies = (0.05, 0.8)  # below, it is a regression; above, it has learned

    def inspect(self, case: Case) -> Finding | None:
        """Look for the first curve with such a value, the loss before metrics."""
        known = {n: c[np.isfinite(c)] for n, c in case.curves.items()}
        known = {name: curve for name, curve in known.items() if len(curve)}
        limits = {
            **{side + name: (0.0, 1.0) for name in _SHARES for side in _BOTH},
            **{side + "mcc": (-1.0, 1.0) for side in _BOTH},
            **{side + name: (0.0, np.inf) for name in _COUNTS for side in _BOTH},
        }
        shown = limits.keys() & known.keys()
        if not shown and not self._is_cross_entropy(case):
            raise NotApplicable("there are no curves of metrics")
        for name in ("loss", "val_loss"):
            if name in known and known[name].min() < -self.tolerance:
                return self._negative(case, name, float(known[name].min()))
        for side in _BOTH:
            found = None if is_penalized(case) else self._huge(known, side)
            if found is not None:
                return found
        for name, (low, high) in limits.items():
            curve = known.get(name)
            if curve is None:
                continue
            bottom, top = float(curve.min()), float(curve.max())
            if bottom < low - self.tolerance or top > high + self.tolerance:
                return self._metric(name, bottom if bottom < low else top, (low, high))
        return None

    def _negative(self, case: Case, name: str, lowest: float) -> Finding:
        is_meant = lowest >= self.lowest_meant and not self._is_cross_entropy(case)
        return self.found(
            f"The loss is negative (down to {lowest:.4g}), which no cross-entropy is: "
            "labels are outside of 0 and 1, or the loss gets something else than "
            "probabilities.",
            {f"lowest {name}": lowest},
            "Print np.unique(y). A sigmoid takes labels 0 and 1; for more classes use "
            "one unit each with softmax and sparse_categorical_crossentropy. In "
            "PyTorch, give NLLLoss the output of log_softmax.",
            severity="info" if is_meant else "error",
        )

    def _huge(self, known: dict[str, np.ndarray], side: str) -> Finding | None:
        """Look for a loss of a classifier that stays far above that of any guess."""
        loss, accuracy = known.get(f"{side}loss"), known.get(f"{side}accuracy")
        if loss is None or accuracy is None or not loss.min() > self.huge:
            return None
        last = max(1, len(loss) // 5)
        end, share = float(np.median(loss[-last:])), float(np.median(accuracy[-last:]))
        gain = share - float(accuracy[0])
        if end < self.most_fall * loss[0] or gain > self.most_gain:
            return None
        if not self.accuracies[0] < share < self.accuracies[1]:
            return None
        return self.found(
            f"{side}loss is {end:.4g} at the end, with an accuracy of {share:.2f}: "
            f"a wrong row costs about {end / (1 - share):.3g} nats, where a guess of "
            "two classes costs 0.69.",
            {
                f"lowest {side}loss": float(loss.min()),
                f"final {side}loss": end,
                f"gain of {side}accuracy": gain,
            },
            "Scale the inputs, such as by StandardScaler, and lower learning_rate. "
            "Check that the loss is a mean over the rows.",
        )

    def _metric(self, name: str, value: float, limits: tuple[float, float]) -> Finding:
        low, high = limits
        between = f"{low:g} and {high:g}" if np.isfinite(high) else "0 and above"
        return self.found(
            f"{name} reaches {value:.4g}, but lies between {between} by definition: it "
            "is computed wrongly.",
            {name: (value, "")},
            "Do not use it for early stopping or a comparison. Replace it by the "
            "metric of Keras, such as keras.metrics.F1Score(), or of scikit-learn.",
        )

    @staticmethod
    def _is_cross_entropy(case: Case) -> bool:
        loss = case.training.loss if case.training else None
        return "crossentropy" in str(loss)


class LossNeverMoves(Rule):
    """The training loss is the same in all epochs, and nothing is learned.

    Reads: the training loss from the second epoch on, and the training accuracy.
    Effect: the weights do not change, or no change of them has an effect.
    What to do: look for inputs that are not scaled, dead or saturated units, labels
    that do not fit the output layer, frozen layers and a learning rate near 0. Then try
    to fit ten rows: a network that cannot memorize them has a fault.
    False alarm when: a network that was trained before is trained on. An accuracy of
    0.95 or more is no alarm.
    """

    code = "O13"
    name = "loss-never-moves"
    severity = "error"
    explains = ("loss-at-constant-guess", "underfit", "plateau-above-floor")
    reference = "5 dead runs of 195 published logs"
    fewest_epochs = 5
    most_range = 0.02  # of the level
    good_accuracy = 0.95
    most_gain = 0.02  # of the accuracy
    least_change = 0.005  # of the accuracy, of what was learned in the first epoch

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a flat loss beside predictions that are not good."""
        loss, accuracy = finite_loss(case), case.curves.get("accuracy")
        if len(loss) < self.fewest_epochs:
            raise NotApplicable(
                f"{len(loss)} epochs; at least {self.fewest_epochs} are needed"
            )
        poor = harm(case)
        if poor is None and (accuracy is None or not np.isfinite(accuracy).all()):
            raise NotApplicable("whether the network has learned is not known")
        level = float(np.median(loss))
        spread = float(np.ptp(loss[1:])) / max(abs(level), 1e-12)
        if spread > self.most_range or poor is False or level <= 0:
            return None
        if accuracy is not None and self._learned(accuracy):
            return None
        whole = float(np.ptp(loss)) / max(abs(level), 1e-12)
        # All may have been learned in the first epoch.
        change = 0.0 if accuracy is None else float(np.ptp(accuracy))
        if poor is None and whole > self.most_range and change > self.least_change:
            return None
        end = None if accuracy is None else float(accuracy[-1])
        is_still = whole <= self.most_range
        since = f"in all of the {len(loss)} epochs" if is_still else "from epoch 2 on"
        return self.found(
            f"The training loss is about {level:.3g} {since}: nothing "
            f"{'' if is_still else 'more '}is learned.",
            {
                "training loss": (level, ""),
                "range of the loss": (spread, "of its level"),
                "training accuracy": end,
            },
            "Check in this order: inputs scaled (StandardScaler), labels that fit the "
            "output layer and the loss, activations, layer.trainable, learning_rate.",
            # Other rules tell the cause where more than curves is known.
            severity="error" if case.train is None else "warning",
        )

    def _learned(self, accuracy: np.ndarray) -> bool:
        end = float(np.median(accuracy[-3:]))
        return end >= self.good_accuracy or end - accuracy[0] > self.most_gain


class AccuracyFallsWithLoss(Rule):
    """The accuracy falls while the loss falls as well.

    Reads: both training curves from the epoch of the best training accuracy on; and the
    validation accuracy and the recall, which must not rise. Over-fitting lowers the
    validation accuracy alone.
    Effect: the accuracy is measured on something else than the loss. Often the output
    is a logit, and the accuracy compares it with 0.5.
    What to do: with a linear output and from_logits=True, use
    keras.metrics.BinaryAccuracy(threshold=0.0). Otherwise set activation="sigmoid" (or
    "softmax") in the output layer, and metrics=["accuracy"].
    False alarm when: class weights trade accuracy for recall. There is no alarm if the
    recall rises.
    """

    code = "C16"
    name = "accuracy-falls-with-loss"
    explains = ("val-loss-misleads", "too-few-epochs", "slow-convergence")
    reference = "published logs with logits where probabilities are expected"
    fewest_epochs = 8
    fewest_since = 4
    least_fall = 0.03  # of the accuracy
    least_loss_fall = 0.2  # of the loss
    trend = 0.8  # rank correlation with the epoch

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a steady fall of both, after both had improved."""
        loss, accuracy = training_loss(case), case.curves.get("accuracy")
        if accuracy is None:
            raise NotApplicable("there is no curve of the training accuracy")
        if len(loss) < self.fewest_epochs or not np.isfinite([loss, accuracy]).all():
            raise NotApplicable(
                f"fewer than {self.fewest_epochs} epochs with finite values"
            )
        best = int(np.argmax(smoothed(accuracy)))
        if best < 1 or len(loss) - 1 - best < self.fewest_since:
            return None
        fall = self._fall(loss, accuracy, best)
        if fall is None or self._recall_rises(case, best):
            return None
        val, val_fall = case.curves.get("val_accuracy"), None
        if val is not None and np.isfinite(val[best:]).all():
            val_fall = float(val[best] - np.median(val[-3:]))
            if val_fall < 0:
                return None
        return self.found(
            f"The accuracy fell from {accuracy[best]:.3f} in epoch {best + 1} to "
            f"{accuracy[-1]:.3f}, while the loss fell from {loss[best]:.3g} to "
            f"{loss[-1]:.3g}: it is measured on something else than the loss.",
            {
                "fall of the accuracy": (fall, ""),
                "fall of the validation accuracy": val_fall,
                "epochs since the best": (len(loss) - 1 - best, "epochs"),
            },
            "If the output is linear with from_logits=True, use "
            "keras.metrics.BinaryAccuracy(threshold=0.0). Otherwise set "
            'activation="sigmoid" or "softmax" in the output layer.',
            epoch=best,
        )

    def _fall(self, loss: np.ndarray, accuracy: np.ndarray, best: int) -> float | None:
        """Return the fall of the accuracy; None unless both curves fall steadily."""
        loss, accuracy = loss[best:], accuracy[best:]
        fall = float(accuracy[0] - np.median(accuracy[-3:]))
        steady = rank_trend(accuracy) <= -self.trend and rank_trend(loss) <= -self.trend
        falls = float(np.median(loss[-3:])) <= (1 - self.least_loss_fall) * loss[0]
        return fall if steady and falls and fall >= self.least_fall else None

    @staticmethod
    def _recall_rises(case: Case, best: int) -> bool:
        for name in ("recall", "val_recall", "tp", "val_tp"):
            curve = case.curves.get(name)
            if curve is not None and len(curve) > best and curve[-1] > curve[best]:
                return True
        return False


class ValidationLabelsUnseen(Rule):
    """Nearly all validation rows are wrong, as if their labels were not in training.

    Reads: both accuracies and both losses.
    Effect: the validation says nothing about rows like those of training.
    What to do: compare np.unique(y_train) with np.unique(y_val). Encode the labels
    once, before the split, and split with train_test_split(..., stratify=y).
    validation_split takes the last rows: shuffle rows that are sorted by their label.
    False alarm when: there are hundreds of classes, and the network learned its rows by
    heart. The accuracy must be below half of what guessing gives.
    """

    code = "V11"
    name = "validation-labels-unseen"
    explains = ("overfit", "overconfident-probabilities", "val-loss-misleads")
    reference = "published logs of folders whose classes differ"
    fewest_epochs = 3
    least_accuracy = 0.7  # in training
    most_chance = 0.1  # the share that a guess is right, of ten classes
    of_chance = 0.5

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a validation that is worse than a guess from first to last."""
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        known = [case.curves.get(name) for name in names]
        if any(curve is None for curve in known):
            raise NotApplicable(
                "there are no curves of loss and accuracy of both sides"
            )
        curves = np.array(known, float)
        if curves.shape[1] < self.fewest_epochs or not np.isfinite(curves).all():
            raise NotApplicable(
                f"fewer than {self.fewest_epochs} epochs with finite values"
            )
        loss, accuracy, val_loss, val_accuracy = curves
        # At the start a network guesses: exp(-loss) is the share that is right. What it
        # has learned in the first epoch makes it larger, and the limit with it.
        chance = min(float(np.exp(-loss[0])), self.most_chance)
        if val_accuracy.mean() >= self.of_chance * chance or loss[0] < 0:
            return None
        if accuracy[-1] < self.least_accuracy or val_loss.min() <= loss[0]:
            return None
        return self.found(
            f"{1 - val_accuracy[-1]:.0%} of the validation rows are wrong, more than "
            f"by guessing, while {accuracy[-1]:.0%} of the training rows are right: "
            "their labels seem not to be in training.",
            {
                "mean validation accuracy": (float(val_accuracy.mean()), ""),
                "accuracy of a guess": (chance, ""),
                "lowest validation loss": (float(val_loss.min()), "nats"),
                "training accuracy": (float(accuracy[-1]), ""),
            },
            "Compare np.unique(y_train) with np.unique(y_val). Encode the labels once "
            "before the split, and use train_test_split(..., stratify=y).",
        )
