"""Validation rows of another kind: other scales, other columns, other shares."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.splits import (
    CURVES_APART,
    both_sides,
    is_changed,
    prior_change,
    stops_by,
)
from skloss.diagnosis.evidence.symptoms import (
    prior_from_curves,
    prior_shift_from_curves,
    row_facts,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.metrics import entropy
from skloss.record import SplitMetrics


class TestScalingMismatch(Rule):
    """Validation rows were scaled otherwise than training rows.

    Reads: the standard deviations and the means of the columns within classes, on one
    side over the other, and how well a small learner tells the sides apart.
    Effect: the network sees rows unlike any that it was trained on.
    False alarm when: the validation rows come from elsewhere, where columns are larger.
    """

    __test__ = False
    code = "V05"
    name = "test-scaling-mismatch"
    severity = "error"
    explains = (
        "feature-shift",
        "overfit",
        "all-positive",
        "majority-collapse",
        *CURVES_APART,
    )
    reference = "stackoverflow 59325381; scikit-learn common pitfalls"
    largest_scale = 2.5  # other people's or machines' rows differ by less
    largest_offset = 1.5
    certain_scale = 4.0
    certain_offset = 3.0
    least_auc = 0.8

    def inspect(self, case: Case) -> Finding | None:
        """Compare scales and places of the columns."""
        names = ("shift_scale", "shift_offset", "shift_auc", "shift_error")
        facts = row_facts(case, *names)
        scale, offset, area, error = (float(getattr(facts, name)) for name in names)
        factor = max(scale, 1 / max(scale, 1e-12))
        if area <= max(self.least_auc, 0.5 + 4 * error):
            return None
        if factor <= self.largest_scale and offset <= self.largest_offset:
            return None
        certain = factor > self.certain_scale or offset > self.certain_offset
        what = f"{scale:.3g} times as spread out as among the training rows"
        if factor <= self.largest_scale:
            what = f"{offset:.2g} standard deviations off the training rows"
        return self.found(
            f"A typical column of the validation rows is {what}.",
            {
                "spread": (scale, "times that of the training rows"),
                "offset": (offset, "standard deviations"),
                "sides told apart": (area, "area under the ROC curve"),
            },
            "Fit one scaler on the training rows and apply it to both sides: put it "
            "into the pipeline.",
            severity="error" if certain else "warning",
        )


class FeatureShift(Rule):
    """Validation rows are unlike training rows of their class.

    Reads: how well a small learner tells the sides apart, with as many rows of each
    class; whether the network does worse on the validation rows.
    Effect: validation then judges the difference of the sides as well.
    False alarm when: the difference is that between now and the use to come.
    """

    code = "V06"
    name = "feature-shift"
    explains = CURVES_APART
    reference = "Lopez-Paz and Oquab, arXiv 1610.06545"
    least_auc = 0.65

    def inspect(self, case: Case) -> Finding | None:
        """Look at how well the sides are told apart."""
        facts = row_facts(case, "shift_auc", "shift_error")
        area, error = float(facts.shift_auc or 0.0), float(facts.shift_error or 0.0)
        if area <= max(self.least_auc, 0.5 + 4 * error):
            return None
        return self.found(
            "A small learner tells validation from training rows with an area of "
            f"{area:.2f} under the ROC curve.",
            {
                "sides told apart": (area, "area under the ROC curve"),
                "columns": (facts.shift_columns, ""),
            },
            "Look at the columns that differ; split at random, or by group with "
            "GroupKFold, and prepare both sides alike.",
            severity="warning" if self._falls_behind(case) else "info",
        )

    def _falls_behind(self, case: Case) -> bool:
        train = case.unsampled
        val = case.val
        if train is None or val is None or train.mcc is None or val.mcc is None:
            return False
        error = float(np.hypot(train.mcc_error, val.mcc_error))
        return train.mcc - val.mcc > 2 * error


class TrainValPriorShift(Rule):
    """The classes have other shares among training than among validation rows.

    Reads: the counts of each class among the rows trained on and validated on, and how
    often the class that training has more of is predicted on validation rows; with
    curves alone, the shares that accuracies imply where the rare class is never found.
    Effect: the network expects the shares that it was trained on; the two losses are
    not comparable, and it names the rare class too often.
    False alarm when: the threshold is chosen on original rows afterwards; curves
    measured on original rows, as those of skloss, make it context.
    """

    code = "V07"
    name = "train-val-prior-shift"
    explains = (
        "val-loss-misleads",
        "incomparable-curves",
        "train-val-gap",
        "threshold-not-tuned",
        "all-positive",
        "mild-overfit-late",
        "early-stopping-too-early",
    )
    reference = "Saerens et al., 2002; keras-team/keras issue 14141"
    least_difference = 0.05
    least_factor = 1.5
    most_predicted = 2.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare the shares of the classes."""
        if case.train is None and case.val is None:
            return self._from_curves(case)
        train, val = both_sides(case)
        if min(train.n_rows, val.n_rows) == 0:
            raise NotApplicable("a side has no rows")
        one, before, after, error = prior_change(train, val)
        limits = (self.least_difference, self.least_factor)
        if not is_changed(before, after, error, *limits):
            return None
        ratio = self._predicted(train, val)
        evidence = {
            "class": (one, ""),
            "share in training": (before, "of the rows"),
            "share in validation": (after, "of the rows"),
            "predicted over true": (ratio, ""),
        }
        return self.found(
            f"Class {one} is {before:.1%} of the training and {after:.1%} of the "
            "validation rows.",
            evidence,
            "Train on original shares, or choose the threshold on original rows; stop "
            "by MCC or average precision, not by the validation loss.",
            severity=self._severity(case, ratio),
        )

    def _severity(self, case: Case, ratio: float | None) -> Severity:
        if case.is_honest:
            return "info"  # its curves are of original rows, whatever it was trained on
        is_overdone = ratio is None or ratio > self.most_predicted
        return "warning" if is_overdone or stops_by(case, "val_loss") else "info"

    def _from_curves(self, case: Case) -> Finding | None:
        """Compare the shares that accuracies imply where nothing is predicted."""
        if prior_from_curves(case) is None or prior_from_curves(case, "val_") is None:
            raise NotApplicable("class shares of both sides are not known")
        shift = prior_shift_from_curves(case)
        if shift is None:
            return None
        (low, high), share = shift
        guesses = tuple(float(entropy([p, 1 - p])) for p in (low, high, share))
        return self.found(
            f"The accuracies imply {low:.1%} to {high:.1%} positives among training "
            f"rows and {share:.1%} among validation rows: the split changed "
            "the shares.",
            {
                "share in training": ((low, high), "of the rows"),
                "share in validation": (share, "of the rows"),
                "loss of a constant guess in training": (guesses[:2], "nats"),
                "loss of a constant guess in validation": (guesses[2], "nats"),
            },
            "Split at random, stratified by class. Until then do not take the distance "
            "of the two losses for over-fitting: they are at different shares.",
        )

    def _predicted(self, train: SplitMetrics, val: SplitMetrics) -> float | None:
        """Predicted over true rows of the class that training has more of."""
        if val.predicted is None:
            return None
        grown = train.prior - val.prior
        grown[np.asarray(val.counts) == 0] = -1.0
        one = int(grown.argmax())
        true, said = val.counts[one], float(val.predicted[one] * val.n_rows)
        if said - true <= 3 * np.sqrt(true):
            return 1.0 if said > true else said / true
        return said / true
