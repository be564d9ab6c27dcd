"""Rules about predicted classes: only one class, or too many positives."""

from typing import Any

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.balance import balance_of, is_balanced
from skloss.diagnosis.evidence.symptoms import (
    LOWER_PENALTIES,
    always_predicts_one_class,
    area_error,
    fitted_part,
    is_penalized,
    need,
    never_predicts_minority,
    ranking_error,
)
from skloss.diagnosis.evidence.training_loss import class_weights
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.rules.performance_limits import Underfit
from skloss.diagnosis.words import tally
from skloss.record import SplitMetrics

_NEARLY_BALANCED = 1.5  # largest over smallest class, as behind a sampler
_ZERO_IF_NEVER = tuple(
    prefix + name
    for prefix in ("val_", "")
    for name in ("recall", "precision", "f1", "tp")
)


_IN_ORDER = (
    "Ignore the accuracy. Check in this order: inputs scaled (StandardScaler), "
    "activation set in every hidden layer, dropout rates, learning_rate."
)
_LEARNED = (
    "The training loss falls, so look at the validation rows first: their labels, "
    "their scaling, and which class the metric takes as positive. Then train for fewer "
    "epochs, and weigh the classes."
)


def _learns(case: Case) -> bool:
    """Whether the training loss has fallen to less than half of what it was."""
    loss = case.curves.get("loss")
    return loss is not None and len(loss) > 1 and bool(loss[-1] < 0.5 * loss[0])


def _judged(case: Case) -> SplitMetrics:
    """Return validation rows if they were predicted, else training rows."""
    if case.val is not None and case.val.confusion is not None:
        return case.val
    return fitted_part(case)


def _predicted_over_actual(part: SplitMetrics) -> float:
    """Return the rows predicted as the smallest class over its actual rows."""
    predicted = part.predicted
    need(predicted, "the predictions are")
    return float(predicted[part.minority] / max(part.prior[part.minority], 1e-12))  # type: ignore[index]


def _weighted_odds(case: Case, rare: int) -> float | None:
    """Return the total weight of a class in the loss over that of the other class."""
    if case.train is None or len(case.train.counts) != 2:
        return None
    counts = np.asarray(case.train.counts, float)
    weights = class_weights(case, counts)
    if weights is None:
        return None
    weighted = weights * counts
    return float(weighted[rare] / max(weighted.sum() - weighted[rare], 1e-12))


def _balanced(case: Case) -> dict[str, object]:
    """Return class weights as a fix; none if they are in use or would all be 1."""
    counts = () if case.train is None else case.train.counts
    near = (
        max(counts) <= _NEARLY_BALANCED * min(counts) if counts else case.is_resampled
    )
    return {} if near or is_balanced(case) else {"class_weight": "balanced"}


def _fix(case: Case, first: str) -> tuple[str, dict[str, Any]]:
    """Name what to mend first, unless it is the penalties, and then the weights."""
    if is_penalized(case):
        return LOWER_PENALTIES
    params = _balanced(case)
    return f'{first} Then set class_weight="balanced".' if params else first, params


class _OneClassOnly(Rule):
    """Base of the rules about networks that hardly ever predict a class."""

    fewest_minority = 10
    least_predicted = 0.1  # of the actual number

    def collapsed(self, case: Case) -> SplitMetrics | None:
        """Return the rows if (almost) all of them are predicted as one class."""
        part = _judged(case)
        if part.n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{tally(part.n_minority, 'row')} of the smallest class; at least "
                f"{self.fewest_minority} are needed"
            )
        predicted = part.predicted
        if predicted is None:
            raise NotApplicable("the predictions are not known")
        if len(part.counts) > 2:
            missed = int((predicted < 0.1 * part.prior).sum())
            return part if missed >= max(1, len(part.counts) // 2) else None
        return part if _predicted_over_actual(part) < self.least_predicted else None


class MajorityCollapse(_OneClassOnly):
    """Only the most frequent class is predicted, and the scores do not rank the rows.

    Reads: how often the rare class is predicted (less than a tenth of its actual share)
    and the ROC AUC, on validation rows or, without these, on training rows. From curves
    alone, it reads recall, precision or F1 that are 0 in every epoch; from code and
    curves, an accuracy that does not change at all.
    Effect: the accuracy equals that of a constant guess, and the network learned
    nothing about the rare class.
    What to do: fix the causes first: scale the inputs, check activations and
    learning_rate. Then set class_weight="balanced" (unless a sampler has balanced the
    rows already), or start the output bias at log(p / (1 - p)) for a prior p. With a
    strong weight penalty, lower l1 and l2 first; where a baseline model shows that the
    columns tell more, underfit says so instead.
    False alarm when: no model can separate the rare class from the others with these
    columns.
    """

    code = "G01"
    name = "majority-collapse"
    severity = "error"
    explains = (
        "underfit",
        "loss-never-moves",
        "loss-at-constant-guess",
        "plateau-above-floor",
        "train-val-gap",
        "val-loss-misleads",
        "threshold-not-tuned",
        "too-few-epochs",
    )
    reference = "AutoTrainer passes such networks (10 Reuters models with recall 0)"
    least_auc = 0.7  # by two standard errors: above it the scores rank the rows
    least_precision = 0.15

    def inspect(self, case: Case) -> Finding | None:
        """Look at predictions, or at curves that stay zero."""
        if case.val is None and case.train is None:
            return self._from_curves(case)
        part = self.collapsed(case)
        if part is None or self._ranks_well(part):
            return None
        if is_penalized(case) and Underfit.is_found(case):
            raise NotApplicable("the weight penalties let the network learn no class")
        fix, params = _fix(
            case,
            "Fix the causes first: scale the inputs, check activations and "
            "learning_rate.",
        )
        return self.found(
            f"{100 * part.prior[part.minority]:.3g}% of the rows belong to the "
            f"smallest class, but it is predicted for {100 * _share(part):.3g}% of "
            f"the rows; the accuracy of {part.accuracy:.3f} is that of a constant "
            "guess.",
            {
                "accuracy": (part.accuracy, ""),
                "share of the largest class": (part.majority_share, "of the rows"),
                "ROC AUC": (part.roc_auc, ""),
                "MCC": (part.mcc, ""),
                "rows of the smallest class": (part.n_minority, "rows"),
            },
            fix,
            severity="warning" if self._ranks_somewhat(part) else None,
            params=params,
        )

    @staticmethod
    def _ranks_well(part: SplitMetrics) -> bool:
        """Whether another threshold would suffice: the ranking is surely good."""
        if part.roc_auc is None:
            return False
        return bool(part.roc_auc - 2 * area_error(part) > MajorityCollapse.least_auc)

    @staticmethod
    def _ranks_somewhat(part: SplitMetrics) -> bool:
        """Whether the ranking is above chance beyond doubt."""
        area = part.roc_auc
        return area is not None and area > max(0.6, 0.5 + 3 * ranking_error(part))

    def _from_curves(self, case: Case) -> Finding | None:
        still = always_predicts_one_class(case)
        if still is not None:
            return self._of_still_accuracy(still, case)
        if not any(name in case.curves for name in _ZERO_IF_NEVER):
            raise NotApplicable(
                "neither predictions nor curves of recall, precision or F1 are known"
            )
        evidence = never_predicts_minority(case)
        if evidence is None:
            return None
        ranking = case.curves.get("val_auc", case.curves.get("auc"))
        precision = case.curves.get("val_average_precision")
        ranks = (ranking is not None and ranking[-1] > self.least_auc) or (
            precision is not None and precision[-1] > self.least_precision
        )
        fix, params = (_LEARNED, {}) if _learns(case) else _fix(case, _IN_ORDER)
        return self.found(
            "No row of the minority is predicted correctly in any epoch.",
            evidence,
            fix,
            severity="info" if ranks else None,
            params=params,
        )

    def _of_still_accuracy(self, evidence: dict[str, object], case: Case) -> Finding:
        fix, params = _fix(case, _IN_ORDER)
        return self.found(
            "The accuracy does not change while the loss does: one class is predicted "
            "for all rows.",
            evidence,
            fix,
            severity="warning",
            params=params,
        )


def _share(part: SplitMetrics) -> float:
    """Return the share of rows that are predicted as the smallest class."""
    predicted = part.predicted
    return 0.0 if predicted is None else float(predicted[part.minority])


class ThresholdNotTuned(_OneClassOnly):
    """The rare class is ranked well but (almost) never predicted.

    Reads: the confusion matrix at the threshold 0.5, and the ROC AUC.
    Effect: F1, recall and MCC are near 0 although the network has learned. Another
    threshold makes it useful.
    What to do: wrap the classifier in TunedThresholdClassifierCV(classifier,
    scoring="matthews_corrcoef"), or set class_weight="balanced".
    False alarm when: the costs of the two errors make 0.5 the right threshold.
    """

    code = "G02"
    name = "threshold-not-tuned"
    reference = "SKD002; probability threshold against ranking"

    def inspect(self, case: Case) -> Finding | None:
        """Look for a good ranking behind predictions of one class."""
        part = self.collapsed(case)
        if part is None or len(part.counts) > 2:
            return None
        if not MajorityCollapse._ranks_well(part):
            return None
        ratio = _predicted_over_actual(part)
        how_often = (
            f"predicted for only {ratio:.2g} times its actual number of rows"
            if ratio
            else "never predicted"
        )
        return self.found(
            f"The scores rank the rare class well (ROC AUC {part.roc_auc:.2f}), but at "
            f"the threshold 0.5 it is {how_often}.",
            {
                "ROC AUC": (part.roc_auc, ""),
                "average precision": (part.average_precision, ""),
                "predicted over actual rows of the class": (ratio, ""),
            },
            "Tune the threshold with TunedThresholdClassifierCV"
            + (', or set class_weight="balanced".' if _balanced(case) else "."),
            severity="info" if part.n_minority < 30 else None,
            params=_balanced(case),
        )


class AllPositive(Rule):
    """The rare class is predicted for far more rows than belong to it.

    Reads: the confusion matrix on validation rows with their original class shares, and
    the MCC that the same scores reach at the best threshold.
    Effect: precision is hardly above the share of the class, or far below what the
    network could reach.
    What to do: raise the decision threshold with TunedThresholdClassifierCV, or take
    back what gives the class more weight: class weights, balanced batches, a sampler or
    the logit-adjusted loss.
    False alarm when: a missed rare row costs so much more that this is intended. Class
    weights that only balance the classes are taken as intended.
    """

    code = "G03"
    name = "all-positive"
    explains = ("train-val-gap",)
    reference = "the reverse of majority-collapse"
    most_predicted = 5  # times the actual number
    most_precision = 1.2  # times the prior
    fewest_minority = 10
    most_weighted = 3.0  # rare class over common one, all rows of each together
    least_weighted = 1.5  # times the actual number, for weights to be the cause
    least_lost = 0.1  # of MCC, at 0.5 compared with the best threshold

    def inspect(self, case: Case) -> Finding | None:
        """Compare predicted with actual rows of the rare class."""
        part = _judged(case)
        if len(part.counts) != 2:
            raise NotApplicable("there are more than two classes")
        if part.n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{tally(part.n_minority, 'row')} of the smallest class; at least "
                f"{self.fewest_minority} are needed"
            )
        ratio, prior = _predicted_over_actual(part), float(part.prior[part.minority])
        precision = self._precision(part)
        evidence: dict[str, object] = {
            "predicted over actual rows": (ratio, ""),
            "precision": (precision, ""),
            "share of the rare class": (prior, "of the rows"),
        }
        if prior > 0.4:
            return None
        often = ratio >= min(self.most_predicted, 0.9 / prior)
        if often and precision <= self.most_precision * prior:
            told = f", and the precision of {precision:.3f} is hardly above its share"
        elif (lost := self._lost_by_weights(case, part, ratio)) is not None:
            told = (
                f" (precision {precision:.3f}), because its class weight goes far "
                "beyond balance"
            )
            evidence["MCC"], evidence["MCC at the best threshold"] = lost
        else:
            return None
        balance = balance_of(case)
        return self.found(
            f"The rare class is predicted for {ratio:.3g} times its actual number of "
            f"rows{told}.",
            evidence,
            "Raise the decision threshold with TunedThresholdClassifierCV."
            if balance is None
            else f"{balance.advice}, or raise the decision threshold with "
            "TunedThresholdClassifierCV.",
            params=None if balance is None else balance.params,
        )

    def _lost_by_weights(
        self, case: Case, part: SplitMetrics, ratio: float
    ) -> tuple[float, float] | None:
        """Return MCC and best MCC, if class weights beyond balance explain the gap."""
        odds = _weighted_odds(case, part.minority)
        facts, mcc = case.rows, part.mcc
        if odds is None or facts is None or facts.network_score is None or mcc is None:
            return None
        if odds < self.most_weighted or ratio < self.least_weighted:
            return None
        least = max(self.least_lost, facts.score_error or 0.0)
        lost = facts.network_score - mcc
        return (mcc, facts.network_score) if lost > least else None

    @staticmethod
    def _precision(part: SplitMetrics) -> float:
        table = np.asarray(part.confusion, float)
        predicted = table[:, part.minority].sum()
        return float(table[part.minority, part.minority] / max(predicted, 1))
