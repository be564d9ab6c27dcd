"""Rules about the split: too late, in order, or with rows in common."""

import numpy as np

from skloss.diagnosis.case import Case, RowFacts
from skloss.diagnosis.evidence.splits import (
    CURVES_APART,
    both_sides,
    is_changed,
    missing_classes,
    prior_change,
)
from skloss.diagnosis.evidence.symptoms import need, row_facts
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.record import SplitMetrics


class ResampleBeforeSplit(Rule):
    """Rows were resampled before the validation rows were split off.

    Reads: the share of validation rows of one class that lie on a line between two
    other rows of it, or equal one, against the same share of another class; or that the
    rows given to an internal split are known to be resampled.
    Effect: validation rows are made of training rows and balanced, so scores flatter.
    False alarm when: one class repeats itself by nature and happens to be as large as
    others.
    """

    code = "V01"
    name = "resample-before-split"
    severity = "error"
    explains = (
        "train-rows-in-validation",
        "train-val-prior-shift",
        "feature-shift",
        "conflicting-labels",
        "double-balancing",
        *CURVES_APART,
    )
    reference = "Vandewiele et al., arXiv 2001.06296"
    least_excess = 0.3  # a sampler that makes a class half as large again, or more
    most_suspects = 64
    least_balance = 0.8  # smallest over largest class, for copies

    def inspect(self, case: Case) -> Finding | None:
        """Look for validation rows made of others."""
        if case.is_resampled and case.holdout in ("internal", "tail"):
            return self._of_split(case)
        facts = row_facts(case, "synthetic_share", "synthetic_null")
        train, val = both_sides(case)
        share, null = facts.synthetic_share or 0.0, facts.synthetic_null or 0.0
        n = min(self.most_suspects, min(c for c in (*val.counts, 10**9) if c > 0))
        middle = (share + null) / 2
        error = np.sqrt(2 * middle * (1 - middle) / n)
        if share - null <= max(self.least_excess, 3 * error):
            return None
        if not self._is_balanced(train) and self._are_copies(facts, val):
            return None  # one class may repeat itself by nature
        return self.found(
            f"{share:.0%} of the validation rows of one class are made of other rows "
            f"of it, against {null:.0%} of another class.",
            {
                "made of other rows": (share, "of the rows"),
                "in another class": (null, "of the rows"),
            },
            "Split first, and resample the training rows only: put the sampler into a "
            "Pipeline of skloss.",
        )

    def _of_split(self, case: Case) -> Finding:
        return self.found(
            "The validation rows were split off rows that a sampler had made.",
            {"hold-out": case.holdout},
            "Put the sampler and the classifier into one skloss.Pipeline, which splits "
            "first; or split first, and give original rows with X_val and y_val.",
        )

    def _is_balanced(self, part: SplitMetrics) -> bool:
        return min(part.counts) >= self.least_balance * max(part.counts)

    def _are_copies(self, facts: RowFacts, val: SplitMetrics) -> bool:
        """Whether rows on both sides are as many as the rows made of others."""
        made = (facts.synthetic_share or 0.0) * val.n_minority
        return (facts.shared_share or 0.0) * val.n_rows > 0.5 * made


class UnshuffledTailValidation(Rule):
    """The validation rows are the tail of rows that were in an order.

    Reads: that the tail was cut off, and whether its classes or its columns differ from
    those of the rows before it beyond chance.
    Effect: the network is judged on what it was not shown.
    False alarm when: the rows are in the order of time, and the future is to be
    predicted.
    """

    code = "V02"
    name = "unshuffled-tail-validation"
    explains = (
        "single-class-target",
        "minority-absent",
        "resample-before-split",
        "train-val-prior-shift",
        "feature-shift",
        "test-scaling-mismatch",
        "noisy-validation",
        "overfit",
        *CURVES_APART,
    )
    reference = "keras-team/keras issues 597, 6422, 8346"
    least_difference = 0.05
    least_factor = 1.5
    least_auc = 0.65
    least_z = 4.0
    fewest_expected = 5.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare the tail with the rows before it."""
        need(case.holdout, "where the validation rows come from is")
        if case.holdout != "tail":
            return None
        train, val = both_sides(case)
        z = None if case.rows is None else case.rows.label_order_z
        missing = missing_classes(val, train, self.fewest_expected)
        missing += missing_classes(train, val, self.fewest_expected)
        one, before, after, error = prior_change(train, val)
        limits = (self.least_difference, self.least_factor)
        what = self._what(case, missing, is_changed(before, after, error, *limits))
        if what is None and (z is None or z <= self.least_z):
            return None
        severity: Severity = "error" if missing else "warning"
        seen = what or "labels come in runs"
        return self.found(
            f"The validation rows are the tail of ordered rows: {seen}.",
            {
                f"class {one} before the tail": (before, "of the rows"),
                f"class {one} in the tail": (after, "of the rows"),
                "order of the labels": (z, "standard errors"),
            },
            "Shuffle the rows before fit, or split them with train_test_split(..., "
            "stratify=y); validation_split takes the last rows as they are.",
            severity=severity if what else "info",
        )

    def _what(self, case: Case, missing: list[int], is_changed: bool) -> str | None:
        """Say how the tail differs, if it does."""
        if missing:
            return f"class {missing[0]} is on one side only"
        if is_changed:
            return "the classes have other shares in it"
        facts = case.rows
        if facts is None or facts.shift_auc is None or facts.shift_error is None:
            return None
        if facts.shift_auc > max(self.least_auc, 0.5 + 3 * facts.shift_error):
            return "its columns are unlike those before it"
        return None


class MinorityAbsent(Rule):
    """A class is missing among the validation or the training rows.

    Reads: the counts of each class on both sides.
    Effect: what is said of that class is not checked, or was never learned.
    False alarm when: the class is left out on purpose.
    """

    code = "V03"
    name = "minority-absent"
    severity = "error"
    explains = ("train-val-prior-shift", "noisy-validation", "val-loss-misleads")
    reference = "Deepchecks NewLabelTrainTest"
    fewest_rows = 20
    fewest_expected = 5.0
    fewest_trained = 2
    most_classes = 20

    def inspect(self, case: Case) -> Finding | None:
        """Look for classes without rows."""
        train, val = both_sides(case)
        if min(train.n_rows, val.n_rows) < self.fewest_rows:
            raise NotApplicable(f"{train.n_rows} and {val.n_rows} rows")
        absent = missing_classes(val, train, 0.0)
        absent = [one for one in absent if train.counts[one] > 0]
        expected = missing_classes(val, train, self.fewest_expected)
        scarce = [
            one
            for one, n in enumerate(train.counts)
            if n < self.fewest_trained and n + val.counts[one] > 0
        ]
        if not absent and not scarce:
            return None
        known = [one for one in expected if one in absent]
        one = (known or scarce or absent)[0]
        is_certain = known or (scarce and len(train.counts) <= self.most_classes)
        return self.found(
            f"Class {one} has {train.counts[one]} training and {val.counts[one]} "
            "validation rows.",
            {
                "training": (train.counts[one], "rows"),
                "validation": (val.counts[one], "rows"),
            },
            "Split with train_test_split(..., stratify=y), and see that every class is "
            "among the rows.",
            severity="error" if is_certain else "info",
        )


class TrainRowsInValidation(Rule):
    """Validation rows are training rows as well.

    Reads: the share of validation rows that equal a training row, and the share of
    repeated training rows.
    Effect: the network is judged on rows that it has learned by heart.
    False alarm when: rows are coarse, and equal ones meet by chance; or all training
    rows are given for validation on purpose, to see only whether they can be learned.
    """

    code = "V04"
    name = "train-rows-in-validation"
    explains = ("val-better-than-train-dropout", "val-loss-misleads")
    reference = "Deepchecks TrainTestSamplesMix"
    least_excess = 0.01
    fewest_shared = 3

    def inspect(self, case: Case) -> Finding | None:
        """Look for rows on both sides."""
        facts = row_facts(case, "shared_share", "duplicate_share")
        _, val = both_sides(case)
        share = facts.shared_share or 0.0
        # Of two equal rows one is counted as repeated, and either may be held out.
        original = min(2 * (facts.duplicate_share or 0.0), 1.0)
        error = np.sqrt(max(original * (1 - original), 1e-12) / val.n_rows)
        least = max(self.least_excess, 3 * error)
        shared = round(share * val.n_rows)
        if share - original <= least or shared < self.fewest_shared:
            return None
        is_whole = share >= 1 and facts.n_rows == val.n_rows
        return self.found(
            "The network is validated on its training rows."
            if is_whole
            else f"{share:.1%} of the validation rows are training rows.",
            {"shared": (shared, "rows"), "share": (share, "of the validation rows")},
            "Hold rows out before fit, and drop those that are on both sides.",
            severity="info" if is_whole else "warning",
        )
