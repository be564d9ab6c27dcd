"""Rules about the gap between training and validation."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import (
    fitted_part,
    is_behind,
    smoothed,
    training_loss,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.record import SplitMetrics


class _Gap(Rule):
    """Base of the rules that compare the two sides."""

    fewest_minority = 10

    def sides(self, case: Case) -> tuple[SplitMetrics, SplitMetrics]:
        """Training rows, original ones where they differ, and validation rows."""
        train = fitted_part(case)
        if case.val is None or case.val.confusion is None:
            raise NotApplicable("predictions on validation rows are not known")
        if case.val.n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{case.val.n_minority} validation rows of the smallest class; at "
                f"least {self.fewest_minority} are needed"
            )
        return train, case.val

    @staticmethod
    def gap(train: SplitMetrics, val: SplitMetrics) -> tuple[float, float, str]:
        """Difference of a score that no prior changes, its standard error, its name."""
        gaps, errors, names = [], [], []
        recalls = train.recalls, val.recalls
        if recalls[0] is not None and recalls[1] is not None:
            gaps.append(float(np.nanmean(recalls[0]) - np.nanmean(recalls[1])))
            errors.append(0.5 / np.sqrt(val.n_minority) / np.sqrt(len(val.counts)))
            names.append("mean recall")
        if train.roc_auc is not None and val.roc_auc is not None:
            gaps.append(train.roc_auc - val.roc_auc)
            errors.append(0.3 / np.sqrt(val.n_minority))
            names.append("ROC AUC")
        if not gaps:
            raise NotApplicable("neither recalls nor rankings are known on both sides")
        largest = int(np.argmax(np.asarray(gaps) / np.asarray(errors)))
        return gaps[largest], errors[largest], names[largest]


class Overfit(_Gap):
    """Validation rows are predicted ever worse while training rows go on improving.

    Reads: both loss curves (the validation loss at the training prior, where known),
    and on both sides recalls and ranking of the final network.
    Effect: the network has learned its training rows by heart; new rows lose.
    False alarm when: only the loss rises while ranking and predictions stay as they are
    (over-confidence: see mild-overfit-late), or the sides differ for another reason.
    """

    code = "G05"
    name = "overfit"
    explains = ("train-val-gap", "mild-overfit-late", "val-loss-misleads")
    reference = "SageMaker Debugger 0.1; one-epoch rules rejected (UMLAUT)"
    least_rise = 0.2  # of the lowest validation loss
    least_gap = 0.05  # in mean recall or ROC AUC
    least_gap_with_gains = 0.25  # where validation predictions still got better
    fewest_epochs = 5

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a lasting rise, and for a gap beyond chance."""
        rise, epoch = _rise(case, self.fewest_epochs)
        train, val = self.sides(case)
        gap, error, score = self.gap(train, val)
        gains = _gains_since(case, epoch)
        least_gap = self.least_gap_with_gains if gains else self.least_gap
        if rise < self.least_rise or gap < max(least_gap, 2.5 * error):
            return None
        if case.training is not None and case.training.restore_best:
            return None  # the weights are those from before the rise
        if case.best_epoch is not None and case.best_epoch <= epoch:
            return None
        return self.found(
            f"The validation loss has risen by {100 * rise:.3g}% since epoch "
            f"{epoch + 1} while the training loss fell, and the {score} is {gap:.2f} "
            "lower on validation than on training rows.",
            {
                "rise of the validation loss": (rise, "of its lowest value"),
                "epoch of the lowest": (epoch + 1, ""),
                f"gap of the {score}": gap,
                "standard error of the gap": error,
            },
            "Stop early and restore the best weights; then add dropout or L2, take "
            "fewer units, or get more rows.",
            params={"early_stopping": True, "dropout": 0.3},
            epoch=epoch,
        )


def _rise(case: Case, fewest: int) -> tuple[float, int]:
    """Lasting rise of the validation loss over its lowest value, and where that is."""
    train = training_loss(case)
    name = "val_loss_at_train_prior"
    curve = case.curves.get(name if name in case.curves else "val_loss")
    if curve is None:
        raise NotApplicable("there is no curve of the validation loss")
    if len(curve) < fewest:
        raise NotApplicable(f"{len(curve)} epochs; at least {fewest} are needed")
    if not np.isfinite(curve).all() or not np.isfinite(train).all():
        raise NotApplicable("the loss is not finite in every epoch")
    smooth = smoothed(curve)
    lowest = int(np.argmin(smooth))
    least_after = max(3, len(curve) // 10)
    if len(curve) - 1 - lowest < least_after or train[-1] >= train[lowest]:
        return 0.0, lowest
    last = float(np.median(curve[-least_after:]))
    return last / max(float(smooth[lowest]), 1e-12) - 1, lowest


def _gains_since(case: Case, epoch: int) -> bool:
    """Whether validation predictions got better after an epoch."""
    for name in ("val_mcc", "val_f1", "val_average_precision", "val_accuracy"):
        curve = case.curves.get(name)
        if curve is not None and np.isfinite(curve).all():
            then = float(np.mean(curve[max(0, epoch - 1) : epoch + 2]))
            return float(np.mean(curve[-3:])) > then
    return False


class TrainValGap(_Gap):
    """The network does much worse on validation rows than on training rows.

    Reads: recalls and ranking on both sides, which no class shares change.
    Effect: what was learned does not carry over: over-fitting, or rows of another kind.
    False alarm when: the validation rows are few, hence the standard error, or no
    learner does better on them, hence the comparison.
    """

    code = "G06"
    name = "train-val-gap"
    reference = "SKD001"
    least_gap = 0.25  # in mean recall or ROC AUC
    errors = 4

    def inspect(self, case: Case) -> Finding | None:
        """Compare the sides, beyond chance."""
        train, val = self.sides(case)
        gap, error, score = self.gap(train, val)
        if gap < max(self.least_gap, self.errors * error):
            return None
        return self.found(
            f"The {score} is {gap:.2f} lower on validation than on training rows.",
            {
                f"gap of the {score}": gap,
                "standard error of the gap": error,
                "MCC on training rows": (train.mcc, ""),
                "MCC on validation rows": (val.mcc, ""),
            },
            "Add dropout or L2, take fewer units, stop early, or get more rows.",
            severity=None if self._is_avoidable(case, val) else "info",
            params={"dropout": 0.3, "early_stopping": True},
        )

    @staticmethod
    def _is_avoidable(case: Case, val: SplitMetrics) -> bool:
        """Whether other learners do better on these rows or, if unknown, a guess."""
        behind = is_behind(case)
        return (val.mcc or 0.0) < 2 * val.mcc_error if behind is None else behind


class MildOverfitLate(Rule):
    """The validation loss creeps up while the training loss still falls.

    Reads: both loss curves (the validation loss at the training prior, where known).
    Effect: probabilities get over-confident; where ranking and predictions suffer as
    well, it is a symptom of overfit.
    False alarm when: the rise is the noise of few validation rows.
    """

    code = "G09"
    name = "mild-overfit-late"
    severity = "info"
    reference = "keras#3755"
    least_rise = 0.1
    fewest_epochs = 5

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a lasting rise."""
        rise, epoch = _rise(case, self.fewest_epochs)
        if rise < self.least_rise:
            return None
        return self.found(
            f"The validation loss has risen by {100 * rise:.3g}% since epoch "
            f"{epoch + 1}.",
            {"rise": (rise, "of its lowest value"), "epoch": (epoch + 1, "")},
            "Stop early, or calibrate the probabilities.",
            params={"early_stopping": True},
            epoch=epoch,
        )


class EarlyStoppingTooEarly(Rule):
    """Training was stopped early while the network still learned.

    Reads: patience, the epoch of the stop, the training loss, and whether a simple
    learner does better.
    Effect: a dip of a noisy curve ended the training.
    False alarm when: the validation curve had truly turned.
    """

    code = "G10"
    name = "early-stopping-too-early"
    reference = "Keras' patience of 0 by default"
    most_patience = 3
    least_fall = 0.05  # of the training loss, in the last epoch

    def inspect(self, case: Case) -> Finding | None:
        """Ask for little patience and a curve that still fell."""
        training = case.training
        if training is None or training.epochs is None:
            raise NotApplicable("whether training was stopped early is not known")
        if training.patience is None:
            return None
        curve = training_loss(case)
        if len(curve) >= training.epochs or training.patience > self.most_patience:
            return None
        fall = 1 - float(curve[-1]) / max(float(curve[-2]), 1e-12)
        if fall < self.least_fall or not is_behind(case):
            return None
        return self.found(
            f"Training stopped after {len(curve)} of {training.epochs} epochs, with a "
            f"patience of {training.patience}, while the training loss fell by "
            f"{100 * fall:.2g}% in the last epoch.",
            {
                "patience": (training.patience, "epochs"),
                "last fall": (fall, "of the training loss"),
            },
            "Give it a patience of 10 or more, and restore the best weights.",
            params={"patience": 20},
            epoch=len(curve) - 1,
        )
