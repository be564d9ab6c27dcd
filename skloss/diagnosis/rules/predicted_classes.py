"""Rules about predictions: one class only, or too many positives."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import (
    fitted_part,
    need,
    never_predicts_minority,
)
from skloss.diagnosis.evidence.training_loss import class_weights
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.record import SplitMetrics

_ZERO_IF_NEVER = tuple(
    side + name for side in ("val_", "") for name in ("recall", "precision", "f1", "tp")
)


def _judged(case: Case) -> SplitMetrics:
    """Return validation rows if they were predicted, else training rows."""
    if case.val is not None and case.val.confusion is not None:
        return case.val
    return fitted_part(case)


def _called_share(part: SplitMetrics) -> float:
    """Rows called the smallest class, as a multiple of its true number."""
    called = part.predicted
    need(called, "predictions are")
    return float(called[part.minority] / max(part.prior[part.minority], 1e-12))  # type: ignore[index]


def _weighted_odds(case: Case, rare: int) -> float | None:
    """Weight of all training rows of a class over that of the others'."""
    if case.train is None or len(case.train.counts) != 2:
        return None
    counts = np.asarray(case.train.counts, float)
    weights = class_weights(case, counts)
    if weights is None:
        return None
    weighted = weights * counts
    return float(weighted[rare] / max(weighted.sum() - weighted[rare], 1e-12))


class _OneClassOnly(Rule):
    """Base of the rules about networks that hardly ever predict a class."""

    fewest_minority = 10
    least_called = 0.1  # of the true number

    def collapsed(self, case: Case) -> SplitMetrics | None:
        """Return the rows if (nearly) all of them get one class."""
        part = _judged(case)
        if part.n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{part.n_minority} rows of the smallest class; at least "
                f"{self.fewest_minority} are needed"
            )
        called = part.predicted
        if called is None:
            raise NotApplicable("predictions are not known")
        if len(part.counts) > 2:
            silent = int((called < 0.1 * part.prior).sum())
            return part if silent >= max(1, len(part.counts) // 2) else None
        return part if _called_share(part) < self.least_called else None


class MajorityCollapse(_OneClassOnly):
    """Only the commonest class is predicted, and the scores do not rank the rows.

    Reads: how often the rare class is predicted (less than a tenth as often as it is
    there) and the ranking (ROC AUC) on validation rows, or on training rows where there
    are no others; with curves alone, recall, precision or F1 that are zero in every
    epoch.
    Effect: accuracy is that of always guessing the commonest class; nothing of the rare
    class was learned.
    False alarm when: the rare class cannot be told from the others by anyone.
    """

    code = "G01"
    name = "majority-collapse"
    severity = "error"
    explains = (
        "underfit",
        "loss-at-constant-guess",
        "plateau-above-floor",
        "train-val-gap",
        "val-loss-misleads",
        "threshold-not-tuned",
        "too-few-epochs",
    )
    reference = "AutoTrainer calls such networks normal (10 Reuters models, recall 0)"
    least_auc = 0.7  # of curves alone: beyond it the rows are ranked
    least_precision = 0.15

    def inspect(self, case: Case) -> Finding | None:
        """Look at predictions, or at curves that stay zero."""
        if case.val is None and case.train is None:
            return self._from_curves(case)
        part = self.collapsed(case)
        if part is None or self._ranks_well(part):
            return None
        return self.found(
            f"The smallest class is {100 * part.prior[part.minority]:.3g}% of the rows "
            f"and predicted for {100 * _called(part):.3g}%; the accuracy of "
            f"{part.accuracy:.3f} is that of always guessing the commonest class.",
            {
                "accuracy": (part.accuracy, ""),
                "share of the commonest class": (part.majority_share, "of the rows"),
                "ROC AUC": (part.roc_auc, ""),
                "MCC": (part.mcc, ""),
                "rows of the smallest class": (part.n_minority, "rows"),
            },
            "See to the causes first (inputs scaled, learning rate, activations); then "
            "start the output's bias at the class shares, or weight the classes.",
            params={"class_weight": "balanced"},
        )

    @staticmethod
    def _ranks_well(part: SplitMetrics) -> bool:
        """Whether a threshold would do: the ranking is far better than chance."""
        if part.roc_auc is None:
            return False
        error = 0.5 / np.sqrt(max(part.n_minority, 1))
        return bool(part.roc_auc > max(0.7, 0.5 + 4 * error))

    def _from_curves(self, case: Case) -> Finding | None:
        if not any(name in case.curves for name in _ZERO_IF_NEVER):
            raise NotApplicable("neither predictions nor curves of recall are known")
        evidence = never_predicts_minority(case)
        if evidence is None:
            return None
        ranking = case.curves.get("val_auc", case.curves.get("auc"))
        precision = case.curves.get("val_average_precision")
        ranks = (ranking is not None and ranking[-1] > self.least_auc) or (
            precision is not None and precision[-1] > self.least_precision
        )
        return self.found(
            "Not one row of the minority was found in any epoch.",
            evidence,
            "Do not read the accuracy. Find what keeps the network from learning: "
            "inputs, activations, dropout, learning rate; then weight the classes.",
            severity="info" if ranks else None,
            params={"class_weight": "balanced"},
        )


def _called(part: SplitMetrics) -> float:
    called = part.predicted
    return 0.0 if called is None else float(called[part.minority])


class ThresholdNotTuned(_OneClassOnly):
    """The rare class is ranked well and yet (almost) never predicted.

    Reads: the confusion matrix at 0.5, and the ranking of the scores.
    Effect: F1, recall and MCC are near zero although the network has learned; at
    another threshold it is of use.
    False alarm when: the costs of errors make 0.5 the right threshold.
    """

    code = "G02"
    name = "threshold-not-tuned"
    reference = "SKD002; probability threshold against ranking"

    def inspect(self, case: Case) -> Finding | None:
        """Look for good rankings behind silent predictions."""
        part = self.collapsed(case)
        if part is None or len(part.counts) > 2:
            return None
        if not MajorityCollapse._ranks_well(part):
            return None
        share = _called_share(part)
        called = "never predicted"
        if share:
            called = f"predicted for {share:.2g} times as many rows as it has"
        return self.found(
            f"The scores rank the rare class well (ROC AUC {part.roc_auc:.2f}), but at "
            f"the threshold 0.5 it is {called}.",
            {
                "ROC AUC": (part.roc_auc, ""),
                "average precision": (part.average_precision, ""),
                "predicted over true positives": (share, ""),
            },
            "Choose the threshold on validation rows, for example with scikit-learn's "
            "TunedThresholdClassifierCV, or weight the classes.",
            severity="info" if part.n_minority < 30 else None,
            params={"class_weight": "balanced"},
        )


class AllPositive(Rule):
    """Far more rows are called the rare class than belong to it.

    Reads: the confusion matrix on validation rows at their original shares, and the MCC
    that the same scores reach at the best threshold.
    Effect: precision is hardly better than the share of the class, or far below what
    the network could do.
    False alarm when: missing a rare row costs so much more that this is wanted; weights
    that balance the classes, and no more, are taken as wanted.
    """

    code = "G03"
    name = "all-positive"
    explains = ("train-val-gap",)
    reference = "twin of majority collapse"
    most_called = 5  # times the true number
    most_precision = 1.2  # times the prior
    fewest_minority = 10
    most_weighted = 3.0  # rare class over common one, all rows of each together
    least_weighted = 1.5  # times called, for weights to be the cause
    least_lost = 0.1  # MCC at the best threshold over that at 0.5

    def inspect(self, case: Case) -> Finding | None:
        """Compare how often the class is called with how often it is there."""
        part = _judged(case)
        if len(part.counts) != 2:
            raise NotApplicable("more than two classes")
        if part.n_minority < self.fewest_minority:
            raise NotApplicable(f"{part.n_minority} rows of the smallest class")
        ratio, prior = _called_share(part), float(part.prior[part.minority])
        precision = self._precision(part)
        evidence: dict[str, object] = {
            "predicted over true": (ratio, ""),
            "precision": (precision, ""),
            "share of the rare class": (prior, "of the rows"),
        }
        if prior > 0.4:
            return None
        often = ratio >= min(self.most_called, 0.9 / prior)
        if often and precision <= self.most_precision * prior:
            says = "hardly above its share"
        elif (lost := self._lost_by_weights(case, part, ratio)) is not None:
            says = "since its weights go far beyond balance"
            evidence["MCC"], evidence["MCC at the best threshold"] = lost
        else:
            return None
        return self.found(
            f"The rare class is predicted for {ratio:.3g} times as many rows as it "
            f"has, with a precision of {precision:.3f}, {says}.",
            evidence,
            "Lower the class weights, or raise the threshold.",
            params={"class_weight": None},
        )

    def _lost_by_weights(
        self, case: Case, part: SplitMetrics, ratio: float
    ) -> tuple[float, float] | None:
        """MCC and what it could be, if class weights beyond balance cost that much."""
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
        called = table[:, part.minority].sum()
        return float(table[part.minority, part.minority] / max(called, 1))
