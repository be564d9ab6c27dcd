"""Rules about the split: resampled before it, ordered, or with shared rows."""

import numpy as np

from skloss.diagnosis.case import Case, RowFacts
from skloss.diagnosis.evidence.splits import (
    CURVES_APART,
    both_splits,
    is_changed,
    missing_classes,
    prior_change,
)
from skloss.diagnosis.evidence.symptoms import need, row_facts
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally
from skloss.holdout import are_resampled
from skloss.record import SplitMetrics

# They make no rows, but choose some of those that there are.
_UNDER_SAMPLERS = (
    "AllKNN",
    "CondensedNearestNeighbour",
    "EditedNearestNeighbours",
    "InstanceHardnessThreshold",
    "NearMiss",
    "NeighbourhoodCleaningRule",
    "OneSidedSelection",
    "RandomUnderSampler",
    "RepeatedEditedNearestNeighbours",
    "TomekLinks",
    "under-sampling by hand",  # of code: some rows of a class beside those of others
)
# What a fit holds out, by `Case.holdout`, of rows as it was given them.
_SPLIT_OFF = {
    "internal": "validation rows were split off",
    "tail": "validation rows were split off",
    "folds": "folds were made",
    "test": "test rows were split off",
}


class ResampleBeforeSplit(Rule):
    """Rows were resampled before the validation rows were split off.

    Reads: for each class, the share of validation rows that equal another row of the
    class or lie on a line between two of them, compared between classes; or whether the
    rows given to an internal split are known to be resampled.
    Effect: behind an over-sampler the validation rows are copies or interpolations of
    training rows, and balanced. All validation scores are too high. An under-sampler
    copies nothing, but changes the class shares of the validation rows, too: precision,
    F1, MCC and a threshold that is tuned on them do not hold for new rows. One that
    removes rows by their neighbors, such as TomekLinks, also removes hard rows.
    What to do: put the sampler into skloss.Pipeline, which splits the hold-out off
    before it resamples. Elsewhere, call train_test_split first and fit_resample on the
    training rows only.
    False alarm when: one class really contains many copies and happens to be as large
    as the others.
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
    least_excess = 0.3  # of rows: the sampler enlarged a class by about a half
    most_suspects = 64
    least_balance = 0.8  # smallest over largest class, for copies

    def inspect(self, case: Case) -> Finding | None:
        """Look for validation rows that a sampler made."""
        if self._was_split_last(case):
            return self._of_split(case)
        facts = row_facts(case, "synthetic_share", "synthetic_null")
        train, val = both_splits(case)
        share, null = facts.synthetic_share or 0.0, facts.synthetic_null or 0.0
        n = min(self.most_suspects, min(c for c in (*val.counts, 10**9) if c > 0))
        middle = (share + null) / 2
        error = np.sqrt(2 * middle * (1 - middle) / n)
        if share - null <= max(self.least_excess, 3 * error):
            return None
        if not self._is_balanced(train) and self._are_copies(facts, val):
            return None  # the class may contain natural copies
        return self.found(
            f"{share:.0%} of the validation rows of one class are copies or "
            f"interpolations of its other rows; in another class {null:.0%} are.",
            {
                "copies or interpolations": (share, "of the rows of the class"),
                "in another class": (null, "of the rows"),
            },
            "Split first and resample the training rows only: put the sampler into "
            "skloss.Pipeline.",
        )

    def _was_split_last(self, case: Case) -> bool:
        """Whether rows are known to be resampled before some were held out."""
        if not case.is_resampled or case.holdout not in _SPLIT_OFF:
            return False
        train, original = case.train, case.original
        # A sampler inside the classifier comes after the hold-out, so that the
        # classifier has seen the rows as they were before.
        return (
            train is None
            or original is None
            or not are_resampled(train.counts, original.counts)
        )

    def _of_split(self, case: Case) -> Finding:
        what = _SPLIT_OFF[case.holdout or ""]
        evidence: dict[str, object] = {
            "sampler": ", ".join(case.samplers or ()),
            "hold-out": case.holdout,
        }
        if case.samplers and all(one in _UNDER_SAMPLERS for one in case.samplers):
            return self._of_fewer_rows(what, evidence)
        return self.found(
            f"The {what} after the rows had been resampled.",
            evidence,
            "Put the sampler and the classifier into one skloss.Pipeline, which splits "
            "first; or split first, and pass original rows as X_val and y_val to fit.",
        )

    def _of_fewer_rows(self, what: str, evidence: dict[str, object]) -> Finding:
        return self.found(
            f"The {what} after an under-sampler had left out rows: precision, F1, MCC "
            "and tuned thresholds do not hold for the class shares of new rows.",
            evidence | {"rows that are copied": "none"},
            "Split first and under-sample the training rows only, so that the rows "
            "held out keep the class shares of new rows: put the sampler and the "
            "classifier into one skloss.Pipeline, or call fit_resample on the training "
            "rows after train_test_split.",
            severity="warning",
        )

    def _is_balanced(self, part: SplitMetrics) -> bool:
        return min(part.counts) >= self.least_balance * max(part.counts)

    def _are_copies(self, facts: RowFacts, val: SplitMetrics) -> bool:
        """Whether the suspect validation rows are mostly equal to training rows."""
        made = (facts.synthetic_share or 0.0) * val.n_minority
        return (facts.shared_share or 0.0) * val.n_rows > 0.5 * made


class UnshuffledTailValidation(Rule):
    """The validation rows are the last rows of ordered data.

    Reads: whether the last rows were taken for validation, and whether their classes or
    columns differ from those of the rows before them by more than chance. From code and
    curves, it reads the order of the rows, and whether they are behind at once.
    Effect: the network is validated on rows unlike those it was trained on.
    What to do: replace validation_split by train_test_split(X, y, stratify=y) and
    validation_data, or shuffle the rows before fit.
    False alarm when: the rows are in the order of time, and the model is meant to
    predict the future.
    """

    code = "V02"
    name = "unshuffled-tail-validation"
    explains = (
        "single-class-target",
        "minority-absent",
        "validation-labels-unseen",
        "resample-before-split",
        "train-val-prior-shift",
        "feature-shift",
        "test-scaling-mismatch",
        "noisy-validation",
        "overfit",
        "too-few-epochs",
        *CURVES_APART,
    )
    reference = "keras-team/keras issues 597, 6422, 8346"
    least_difference = 0.05
    least_factor = 1.5
    least_auc = 0.65
    least_z = 4.0
    least_behind = 0.15  # of accuracy, in the first epoch
    fewest_expected = 5.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare the last rows with the rows before them."""
        need(case.holdout, "the source of the validation rows is")
        if case.holdout != "tail":
            return None
        if case.train is None and case.preparation is not None:
            return self._of_code(case)
        train, val = both_splits(case)
        z = None if case.rows is None else case.rows.label_order_z
        missing = missing_classes(val, train, self.fewest_expected)
        missing += missing_classes(train, val, self.fewest_expected)
        one, before, after, error = prior_change(train, val)
        limits = (self.least_difference, self.least_factor)
        what = self._what(case, missing, is_changed(before, after, error, *limits))
        if what is None and (z is None or z <= self.least_z):
            return None
        severity: Severity = "error" if missing else "warning"
        seen = what or "equal labels follow each other"
        return self.found(
            f"The validation rows are the last rows of ordered data: {seen}.",
            {
                f"class {one} among training rows": (before, "of the rows"),
                f"class {one} among validation rows": (after, "of the rows"),
                "runs of equal labels, too few by": (z, "standard errors"),
            },
            "Replace validation_split, which takes the last rows, by "
            "train_test_split(X, y, stratify=y) and validation_data; or shuffle the "
            "rows before fit.",
            severity=severity if what else "info",
        )

    def _of_code(self, case: Case) -> Finding | None:
        """Read the order of the rows from the code, or from the first epoch."""
        is_ordered = case.preparation.is_ordered  # type: ignore[union-attr]
        evidence = self._behind_at_once(case)
        if is_ordered is False or not (is_ordered or evidence):
            return None
        return self.found(
            "validation_split takes the last rows, and the code "
            + (
                "puts rows of one class together."
                if is_ordered
                else "shuffles none; they are behind from the first epoch on, before "
                "anything can have been memorized."
            ),
            evidence,
            "Replace validation_split by train_test_split(X, y, stratify=y) and "
            "validation_data; or shuffle the rows before fit.",
        )

    def _behind_at_once(self, case: Case) -> dict[str, object]:
        """Return evidence that the validation rows differ from the training rows.

        In the first epoch each training row is scored before it is trained on, as if it
        were a new row. So the validation rows should not score lower after the epoch.
        """
        train, val = (case.curves.get(n) for n in ("accuracy", "val_accuracy"))
        training, layers = case.training, case.layers or ()
        if train is None or val is None or not len(train) or training is None:
            return {}
        steps, size = training.steps_per_epoch, training.batch_size
        share = training.validation_split
        lags = any(layer.kind == "batch_norm" for layer in layers)
        if lags or case.is_resampled or not (steps and size and share):
            return {}
        first, other = float(train[0]), float(val[0])
        n_rows = max(steps * size * share / (1 - share), 1.0)
        error = np.sqrt(max(first * (1 - first), 0.01) / n_rows)
        if first - other <= max(self.least_behind, 4 * error):
            return {}
        return {
            "accuracy of the first epoch": (first, ""),
            "validation accuracy then": (other, ""),
            "behind by": ((first - other) / float(error), "standard errors"),
        }

    def _what(self, case: Case, missing: list[int], is_changed: bool) -> str | None:
        """Say how the last rows differ, if they do."""
        if missing:
            return f"class {missing[0]} is in one split only"
        if is_changed:
            return "their class shares differ from those of the training rows"
        facts = case.rows
        if facts is None or facts.shift_auc is None or facts.shift_error is None:
            return None
        if facts.shift_auc > max(self.least_auc, 0.5 + 3 * facts.shift_error):
            return "their columns differ from those of the training rows"
        return None


class MinorityAbsent(Rule):
    """A class is missing from the training rows or from the validation rows.

    Reads: the counts of each class among training rows and validation rows.
    Effect: the predictions of that class cannot be validated, or the class cannot be
    learned.
    What to do: split with train_test_split(..., stratify=y), and check np.unique(y) of
    both parts.
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
        train, val = both_splits(case)
        if min(train.n_rows, val.n_rows) < self.fewest_rows:
            raise NotApplicable(
                f"{tally(train.n_rows, 'training row')} and "
                f"{tally(val.n_rows, 'validation row')}; at least {self.fewest_rows} "
                "of each are needed"
            )
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
            f"Class {one} has {tally(train.counts[one], 'training row')} and "
            f"{tally(val.counts[one], 'validation row')}.",
            {
                f"class {one} in training": (train.counts[one], "rows"),
                f"class {one} in validation": (val.counts[one], "rows"),
            },
            "Split with train_test_split(..., stratify=y), and check np.unique(y) of "
            "both parts.",
            severity="error" if is_certain else "info",
        )


class TrainRowsInValidation(Rule):
    """Some validation rows are also training rows.

    Reads: the share of validation rows that equal a training row, and the share of
    duplicate training rows; or what the code gives as both.
    Effect: the network is validated on rows that it may have memorized, so the scores
    are too high.
    What to do: drop duplicate rows before train_test_split, and keep rows of one group
    together with GroupShuffleSplit.
    False alarm when: the columns have few distinct values, so that equal rows occur by
    chance. If all training rows are validated on purpose, to see whether they can be
    learned, it is a remark.
    """

    code = "V04"
    name = "train-rows-in-validation"
    explains = ("val-better-than-train-dropout", "val-loss-misleads")
    reference = "Deepchecks TrainTestSamplesMix"
    least_excess = 0.01
    fewest_shared = 3

    def inspect(self, case: Case) -> Finding | None:
        """Count rows that are in both splits."""
        if case.rows is None and case.preparation is not None:
            return self._of_code(case.preparation.shared_rows)
        facts = row_facts(case, "shared_share", "duplicate_share")
        _, val = both_splits(case)
        share = facts.shared_share or 0.0
        # Of two equal rows only one counts as a duplicate, but a fair split may hold
        # out either of them. So up to twice that share is expected without a fault.
        original = min(2 * (facts.duplicate_share or 0.0), 1.0)
        error = np.sqrt(max(original * (1 - original), 1e-12) / val.n_rows)
        least = max(self.least_excess, 3 * error)
        shared = round(share * val.n_rows)
        if share - original <= least or shared < self.fewest_shared:
            return None
        is_whole = share >= 1 and facts.n_rows == val.n_rows
        return self.found(
            "The validation rows are the training rows."
            if is_whole
            else f"{share:.1%} of the validation rows are also training rows.",
            {
                "shared rows": (shared, "rows"),
                "share of them": (share, "of the validation rows"),
            },
            "Pass rows that are not trained on as validation_data or X_val and y_val."
            if is_whole
            else "Drop duplicate rows before train_test_split, and keep rows of one "
            "group together with GroupShuffleSplit.",
            severity="info" if is_whole else "warning",
        )

    def _of_code(self, shared: str | None) -> Finding | None:
        """Read whether the code gives rows of ``fit`` as validation rows, too."""
        if shared is None:
            return None
        is_whole = shared == "all"
        return self.found(
            "The validation rows are the training rows."
            if is_whole
            else "The validation rows hold the training rows: those before the split "
            "are given.",
            {"training rows that are validation rows": (100.0, "%")},
            "Pass rows that are not trained on as validation_data or X_val and y_val.",
            severity="info" if is_whole else "warning",
        )


class UngroupedHoldout(Rule):
    """The cross-validation kept groups together, but the hold-out did not.

    Reads: whether the folds were made by groups, and whether the classifier was given
    groups.
    Effect: rows of one group are trained on and held out. The validation curves are
    better than the scores of the folds, and early stopping and the choice of the epoch
    rely on them.
    What to do: pass groups to the classifier too, as groups=... or step__groups=... of
    fit. With metadata routing they need to be passed only once.
    False alarm when: rows of one group are no more alike than rows of different groups.
    """

    code = "V10"
    name = "ungrouped-holdout"
    explains = ("val-loss-misleads",)
    reference = "Roberts et al., Ecography 2017, Cross-validation strategies"

    def inspect(self, case: Case) -> Finding | None:
        """Compare the folds with the hold-out."""
        if case.holdout in ("given", "none"):
            return None
        if case.holdout_groups is None:
            raise NotApplicable("it is not known how the rows were held out")
        is_grouped = case.search is not None and case.search.is_grouped
        if case.holdout_groups == "kept":
            return None
        if case.holdout_groups != "missed" and not is_grouped:
            return None
        return self.found(
            "The folds keep groups together, but the hold-out inside each fit splits "
            "them.",
            {"groups of the hold-out": "not given"},
            "Pass groups to the classifier too, as groups=... or step__groups=... of "
            "fit; or call sklearn.set_config(enable_metadata_routing=True) and pass "
            "them once.",
        )
