"""Rules about the gap between training and validation rows."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.overfitting import (
    Fit,
    fit_of_curves,
    is_by_heart,
    is_turned,
)
from skloss.diagnosis.evidence.symptoms import (
    fitted_part,
    is_behind,
    training_loss,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally
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
    """The network memorizes its training rows, and new rows are predicted worse.

    Reads: both loss curves (the validation loss at the training prior, where known) and
    both accuracies; where known, recalls and ROC AUC of the final network on both
    splits. The validation loss must rise for good while the training loss falls, or
    training rows must be known by heart while validation rows were never learned. With
    few rare rows held out, decisions count as worse only if five of these were lost.
    Effect: new rows are predicted worse than the training rows, and worse than by the
    network of an earlier epoch.
    What to do: set early_stopping=True and restore_best=True (in Keras,
    EarlyStopping(restore_best_weights=True)). Then add dropout or l2, reduce units, or
    collect more rows.
    False alarm when: the two splits differ for another reason. If only the loss rises
    while decisions stay as good, it is overconfident-probabilities.
    """

    code = "G05"
    name = "overfit"
    explains = ("train-val-gap", "val-loss-misleads", "slow-convergence")
    reference = "215 published logs; one-epoch rules rejected (UMLAUT)"
    least_rise = 0.2  # of the lowest validation loss, where both splits are known
    least_gap = 0.05  # in mean recall or ROC AUC
    least_gap_with_gains = 0.25  # if the validation score improved since then

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a lasting rise or rows known by heart, and for a gap."""
        fit = fit_of_curves(case)
        if _keeps_earlier(case, fit):
            return None
        try:
            train, val = self.splits(case)
            gap, error, score = self.gap(train, val)
        except NotApplicable:
            return self._from_curves(fit)
        least_gap = self.least_gap_with_gains if (fit.gain or 0) > 0 else self.least_gap
        if not _rises(fit, self.least_rise) or gap < max(least_gap, 2.5 * error):
            return None
        return self._found(
            fit,
            f"The validation loss rose by {100 * fit.rise:.3g}% after epoch "
            f"{fit.lowest + 1} while the training loss fell, and the {score} is "
            f"{gap:.2f} lower on validation rows than on training rows.",
            {f"gap of the {score}": gap, "standard error of the gap": error},
        )

    def _from_curves(self, fit: Fit) -> Finding | None:
        if is_by_heart(fit):
            return self._found(
                fit,
                f"Training rows are learned by heart: the accuracy is {fit.gap:.2f} "
                f"lower on validation rows, and the loss {fit.ratio:.3g} times as "
                "high.",
                {"gap of the accuracy": fit.gap},
            )
        if not is_turned(fit) or fit.decisions_hold:
            return None
        return self._found(
            fit,
            f"The validation loss rose by {100 * fit.rise:.3g}% after epoch "
            f"{fit.lowest + 1} while the training loss fell by "
            f"{100 * fit.train_fall:.3g}%.",
            {"gap of the accuracy": fit.gap},
        )

    def _found(self, fit: Fit, title: str, gap: dict[str, object]) -> Finding:
        return self.found(
            title,
            {**_measures(fit), **gap},
            f"Keep the weights of epoch {fit.lowest + 1}: early_stopping=True and "
            "restore_best=True. Then add dropout or l2, reduce units, or collect more "
            "rows.",
            params={"early_stopping": True, "dropout": 0.3},
            epoch=fit.lowest,
        )


class OverconfidentProbabilities(Rule):
    """Probabilities become over-confident, while decisions stay as good.

    Reads: both loss curves (the validation loss at the training prior, where known),
    and a validation metric: MCC, F1, average precision, AUC or accuracy. The validation
    loss must rise for good while the training loss falls, and the metric must hold. If
    predictions of the validation rows are known, a temperature above 1 must lower their
    loss by a tenth, and beyond chance (likelihood-ratio test, 5 %, without the worst
    row). If they are not, and fewer than five rare rows are held out, it is a remark.
    Effect: a probability of 0.99 is wrong more often than once in a hundred. Classes
    are predicted as well as before.
    What to do: wrap the classifier in CalibratedClassifierCV, or keep the weights of
    the epoch with the lowest validation loss (restore_best=True, in Keras
    EarlyStopping(restore_best_weights=True)).
    False alarm when: only the classes or their ranking are used, never probabilities.
    """

    code = "G16"
    name = "overconfident-probabilities"
    explains = ("val-loss-misleads", "slow-convergence")
    reference = "Guo et al., 2017; keras#3755"
    least_gain = 0.1  # of the loss, by a temperature
    least_ratio = 2.71  # twice the gain in log-likelihood

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a lasting rise, and for decisions that hold."""
        fit = fit_of_curves(case)
        if not is_turned(fit) or _keeps_earlier(case, fit):
            return None
        if Overfit().inspect(case) is not None or self._are_sure_enough(case.val):
            return None
        return self.found(
            f"The validation loss rose by {100 * fit.rise:.3g}% after epoch "
            f"{fit.lowest + 1}, while the training loss fell{fit.metric_words}: "
            "probabilities are over-confident, decisions are not worse.",
            {
                **_measures(fit),
                f"change of {fit.metric}": fit.gain,
                "best temperature of the validation rows": case.val
                and case.val.temperature,
            },
            "Wrap the classifier in CalibratedClassifierCV, or keep the weights of "
            f"epoch {fit.lowest + 1} (early_stopping=True, restore_best=True).",
            severity="info" if self._are_too_few(case, fit) else None,
            params={"early_stopping": True},
            epoch=fit.lowest,
        )

    def _are_too_few(self, case: Case, fit: Fit) -> bool:
        """Whether a loss alone is known, and a few rare rows may have made it."""
        is_known = case.val is not None and case.val.temperature is not None
        return fit.by_chance > 1 and not is_known

    def _are_sure_enough(self, val: SplitMetrics | None) -> bool:
        """Whether no temperature makes known predictions clearly better."""
        if val is None or val.temperature is None or val.temperature_gain is None:
            return False
        gain = val.temperature_gain
        return (
            val.temperature <= 1
            or 2 * val.n_rows * gain < self.least_ratio
            or (val.loss is not None and gain < self.least_gain * val.loss)
        )


def _measures(fit: Fit) -> dict[str, object]:
    return {
        "rise of the validation loss": (fit.rise, "of its lowest value"),
        "epoch of the lowest validation loss": (fit.lowest + 1, ""),
        "validation loss over training loss": fit.ratio,
    }


def _keeps_earlier(case: Case, fit: Fit) -> bool:
    """Whether the kept weights are those from before the rise."""
    restores = case.training is not None and bool(case.training.restore_best)
    return restores or (case.best_epoch is not None and case.best_epoch <= fit.lowest)


def _rises(fit: Fit, least: float) -> bool:
    return fit.since >= 3 and fit.rise >= least and fit.train_fall > 0


class TrainValGap(_Gap):
    """The network scores much lower on validation rows than on training rows.

    Reads: recalls and ROC AUC on both splits. Class shares do not change these.
    Effect: what was learned does not hold for new rows, because of overfitting or
    because the splits differ.
    What to do: add dropout=0.3 or l2, reduce units, set early_stopping=True, or collect
    more rows.
    False alarm when: there are few validation rows, or they are harder for every model.
    Therefore the gap must exceed four standard errors. If no baseline model does better
    it is a remark, unless the validation loss is above that of a constant guess.
    """

    code = "G06"
    name = "train-val-gap"
    reference = "SKD001"
    least_gap = 0.25  # in mean recall or ROC AUC
    errors = 4
    least_shift = 0.1  # of the AUC that tells the two splits apart, above 0.5
    few_rows = 50  # of the smallest class

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a gap beyond chance."""
        train, val = self.splits(case)
        gap, error, score = self.gap(train, val)
        if gap < max(self.least_gap, self.errors * error):
            return None
        return self.found(
            f"The {score} is {gap:.2f} lower on validation rows than on training rows: "
            f"{self._explanation(case, train)}.",
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

    def _explanation(self, case: Case, train: SplitMetrics) -> str:
        """Say what is known about the reason of the gap."""
        facts = case.rows
        if facts is not None and facts.shift_auc is not None:
            least = max(self.least_shift, 3 * (facts.shift_error or 0.0))
            if facts.shift_auc > 0.5 + least:
                return "the validation rows come from another distribution"
        if train.n_minority < self.few_rows:
            few = tally(train.n_minority, "training row")
            return f"there are only {few} of the smallest class"
        behind = is_behind(case)
        if behind is None:
            return "training rows are memorized, or the splits differ"
        if behind:
            return "training rows are memorized, since a baseline model does better"
        why = (
            "hard or of groups that training rows do not have"
            if case.holdout_groups == "kept"
            else "hard, or unlike the training rows in a way that was not tested"
        )
        return (
            "training rows are memorized, and no baseline model does better on these "
            f"validation rows, which are {why}"
        )

    @staticmethod
    def _is_avoidable(case: Case, val: SplitMetrics) -> bool:
        """Whether another model, or a constant guess, does better."""
        behind = is_behind(case)
        if behind is None:
            return (val.mcc or 0.0) < 2 * val.mcc_error
        return behind or (val.loss is not None and val.loss > val.entropy)


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
