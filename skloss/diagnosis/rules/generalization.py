"""Rules about the gap between training and validation rows."""

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
from skloss.diagnosis.text import tally
from skloss.record import SplitMetrics


class _Gap(Rule):
    """Base of the rules that compare the two splits."""

    fewest_minority = 10

    def splits(self, case: Case) -> tuple[SplitMetrics, SplitMetrics]:
        """Return the original training rows and the validation rows."""
        train = fitted_part(case)
        if not train.n_rows:
            raise NotApplicable("there are no training rows")
        if case.val is None or case.val.confusion is None:
            raise NotApplicable("the predictions on the validation rows are not known")
        if case.val.n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{tally(case.val.n_minority, 'validation row')} of the smallest "
                f"class; at least {self.fewest_minority} are needed"
            )
        return train, case.val

    @staticmethod
    def gap(train: SplitMetrics, val: SplitMetrics) -> tuple[float, float, str]:
        """Return the most certain gap, its standard error, and the name of the score.

        Mean recall and ROC AUC do not depend on the class shares, so that they are
        comparable between splits with different shares.
        """
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
            raise NotApplicable("neither recalls nor ROC AUC of both splits are known")
        largest = int(np.argmax(np.asarray(gaps) / np.asarray(errors)))
        return gaps[largest], errors[largest], names[largest]


class Overfit(_Gap):
    """Training rows are predicted ever better, but validation rows ever worse.

    Reads: both loss curves (the validation loss at the training prior, where known),
    and recalls and ROC AUC of the final network on both splits.
    Effect: the network memorizes its training rows and predicts new rows worse.
    What to do: set early_stopping=True and restore_best=True (in Keras,
    EarlyStopping(restore_best_weights=True)). Then add dropout or l2, reduce units, or
    collect more rows.
    False alarm when: only the loss rises while ranking and predictions stay the same
    (overconfidence, see mild-overfit-late), or the splits differ for another reason.
    """

    code = "G05"
    name = "overfit"
    explains = ("train-val-gap", "mild-overfit-late", "val-loss-misleads")
    reference = "SageMaker Debugger 0.1; one-epoch rules rejected (UMLAUT)"
    least_rise = 0.2  # of the lowest validation loss
    least_gap = 0.05  # in mean recall or ROC AUC
    least_gap_with_gains = 0.25  # if the validation score improved since then
    fewest_epochs = 5

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a lasting rise, and for a gap beyond chance."""
        rise, epoch = _rise(case, self.fewest_epochs)
        train, val = self.splits(case)
        gap, error, score = self.gap(train, val)
        gains = _gains_since(case, epoch)
        least_gap = self.least_gap_with_gains if gains else self.least_gap
        if rise < self.least_rise or gap < max(least_gap, 2.5 * error):
            return None
        if case.training is not None and case.training.restore_best:
            return None  # the kept weights are those from before the rise
        if case.best_epoch is not None and case.best_epoch <= epoch:
            return None
        return self.found(
            f"The validation loss rose by {100 * rise:.3g}% after epoch {epoch + 1} "
            f"while the training loss fell, and the {score} is {gap:.2f} lower on "
            "validation rows than on training rows.",
            {
                "rise of the validation loss": (rise, "of its lowest value"),
                "epoch of the lowest validation loss": (epoch + 1, ""),
                f"gap of the {score}": gap,
                "standard error of the gap": error,
            },
            "Set early_stopping=True and restore_best=True. Then add dropout or l2, "
            "reduce units, or collect more rows.",
            params={"early_stopping": True, "dropout": 0.3},
            epoch=epoch,
        )


def _rise(case: Case, fewest: int) -> tuple[float, int]:
    """Return the lasting rise of the validation loss, and the epoch of its lowest.

    The rise is 0 unless it lasts and the training loss falls meanwhile.
    """
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
    """Whether the validation score improved after an epoch."""
    for name in ("val_mcc", "val_f1", "val_average_precision", "val_accuracy"):
        curve = case.curves.get(name)
        if curve is not None and np.isfinite(curve).all():
            then = float(np.mean(curve[max(0, epoch - 1) : epoch + 2]))
            return float(np.mean(curve[-3:])) > then
    return False


class TrainValGap(_Gap):
    """The network scores much lower on validation rows than on training rows.

    Reads: recalls and ROC AUC on both splits. Class shares do not change these.
    Effect: what was learned does not hold for new rows, because of overfitting or
    because the splits differ.
    What to do: add dropout=0.3 or l2, reduce units, set early_stopping=True, or collect
    more rows.
    False alarm when: there are few validation rows, or they are harder for every model.
    Therefore the gap must exceed four standard errors, and it is a remark if no
    baseline model does better.
    """

    code = "G06"
    name = "train-val-gap"
    reference = "SKD001"
    least_gap = 0.25  # in mean recall or ROC AUC
    errors = 4

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a gap beyond chance."""
        train, val = self.splits(case)
        gap, error, score = self.gap(train, val)
        if gap < max(self.least_gap, self.errors * error):
            return None
        return self.found(
            f"The {score} is {gap:.2f} lower on validation rows than on training rows.",
            {
                f"gap of the {score}": gap,
                "standard error of the gap": error,
                "MCC on training rows": (train.mcc, ""),
                "MCC on validation rows": (val.mcc, ""),
            },
            "Set dropout=0.3 or l2, reduce units, set early_stopping=True, or collect "
            "more rows.",
            severity=None if self._is_avoidable(case, val) else "info",
            params={"dropout": 0.3, "early_stopping": True},
        )

    @staticmethod
    def _is_avoidable(case: Case, val: SplitMetrics) -> bool:
        """Whether a baseline model does better or, if unknown, the MCC is chance."""
        behind = is_behind(case)
        return (val.mcc or 0.0) < 2 * val.mcc_error if behind is None else behind


class MildOverfitLate(Rule):
    """The validation loss rises slowly while the training loss is still falling.

    Reads: both loss curves (the validation loss at the training prior, where known).
    Effect: probabilities become overconfident. If ranking and predictions suffer too,
    it is a symptom of overfit.
    What to do: set early_stopping=True, or wrap the classifier in
    CalibratedClassifierCV.
    False alarm when: the rise is noise from few validation rows. This is always a
    remark.
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
            f"The validation loss rose by {100 * rise:.3g}% after epoch {epoch + 1}.",
            {
                "rise of the validation loss": (rise, "of its lowest value"),
                "epoch of the lowest validation loss": (epoch + 1, ""),
            },
            "Set early_stopping=True, or wrap the classifier in "
            "CalibratedClassifierCV.",
            params={"early_stopping": True},
            epoch=epoch,
        )


class EarlyStoppingTooEarly(Rule):
    """Early stopping ended the training while the network was still learning.

    Reads: the patience, the epoch of the stop, the training loss, and whether a
    baseline model scores higher.
    Effect: a random dip of a noisy curve ended the training.
    What to do: set patience to 10 or more and restore_best=True. In Keras:
    EarlyStopping(patience=10, restore_best_weights=True).
    False alarm when: the validation curve had really turned for the worse.
    """

    code = "G10"
    name = "early-stopping-too-early"
    reference = "Keras' patience of 0 by default"
    most_patience = 3
    least_fall = 0.05  # of the training loss, in the last epoch

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a low patience and a training loss that was still falling."""
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
            f"Early stopping with patience={training.patience} ended the training "
            f"after {len(curve)} of {training.epochs} epochs, although the training "
            f"loss fell by {100 * fall:.2g}% in the last one.",
            {
                "patience": (training.patience, "epochs"),
                "fall in the last epoch": (fall, "of the training loss"),
            },
            "Set patience to 10 or more, and restore_best=True.",
            params={"patience": 20},
            epoch=len(curve) - 1,
        )
