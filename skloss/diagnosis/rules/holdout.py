"""Hold-out and leakage."""

import numpy as np

from skloss.diagnosis.case import Case, Part, RowFacts
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.signs import (
    is_harmed,
    need,
    prior_from_curves,
    prior_shift_from_curves,
)
from skloss.metrics import entropy

# What a validation that is unlike the training rows makes of the curves.
_CURVES_APART = (
    "train-val-gap",
    "val-loss-misleads",
    "mild-overfit-late",
    "early-stopping-too-early",
    "incomparable-curves",
    "val-better-than-train-dropout",
)


def _parts(case: Case) -> tuple[Part, Part]:
    """Training and validation counts, with classes in common."""
    need(case.train, "the class counts of the training rows are")
    need(case.val, "the class counts of the validation rows are")
    train, val = case.train, case.val
    if len(train.counts) != len(val.counts):  # type: ignore[union-attr]
        raise NotApplicable("the sides do not number the same classes")
    return train, val  # type: ignore[return-value]


def _facts(case: Case, *names: str) -> RowFacts:
    """Facts about the rows, those of the names known."""
    need(case.rows, "the training rows are")
    for name in names:
        need(getattr(case.rows, name), f"{name.replace('_', ' ')} of the rows is")
    return case.rows  # type: ignore[return-value]


def _missing_classes(one: Part, other: Part, fewest: float) -> list[int]:
    """Classes without rows on one side, of which a fair split had given it `fewest`."""
    expected = (np.asarray(one.counts) + other.counts) * one.n_rows
    expected = expected / max(one.n_rows + other.n_rows, 1)
    return np.flatnonzero((np.asarray(one.counts) == 0) & (expected >= fewest)).tolist()


def _prior_change(train: Part, val: Part) -> tuple[int, float, float, float]:
    """Find the class whose share differs most between the sides.

    Returns its number, its shares on the two sides, and the standard error of their
    difference.
    """
    before, after = train.prior, val.prior
    pooled = (np.asarray(train.counts) + val.counts) / max(train.n_rows + val.n_rows, 1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / train.n_rows + 1 / val.n_rows))
    distance = np.abs(before - after) / np.maximum(error, 1e-12)
    one = int(distance.argmax())
    if len(before) == 2:  # both changes are the same; the rare class tells the factor
        one = 1 - int(pooled[::-1].argmin())
    return one, float(before[one]), float(after[one]), float(error[one])


def _is_changed(
    before: float, after: float, error: float, least: float, factor: float
) -> bool:
    """Whether a share differs by more than chance, and by enough to matter."""
    if abs(before - after) <= 3 * error:
        return False
    low, high = sorted((before, after))
    return high - low > least or high > factor * max(low, 1e-9)


def _stops_by(case: Case, prefix: str) -> bool:
    """Whether an early stopping watched a curve whose name begins so."""
    monitor = None if case.training is None else case.training.monitor
    return monitor is not None and monitor.startswith(prefix)


class ResampleBeforeSplit(Rule):
    """Rows were resampled before the validation rows were split off.

    Reads: the share of validation rows of one class that lie on a line between two
    other rows of it, or equal one, against the same share of another class; or that the
    rows given to an internal split are known to be resampled.
    Hurts: validation rows are made of training rows and balanced, so scores flatter.
    Wrong when: one class repeats itself by nature and happens to be as large as others.
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
        *_CURVES_APART,
    )
    reference = "Vandewiele et al., arXiv 2001.06296"
    least_excess = 0.3  # a sampler that makes a class half as large again, or more
    most_suspects = 64
    least_balance = 0.8  # smallest over largest class, for copies

    def inspect(self, case: Case) -> Finding | None:
        """Look for validation rows made of others."""
        if case.is_resampled and case.holdout in ("internal", "tail"):
            return self._of_split(case)
        facts = _facts(case, "synthetic_share", "synthetic_null")
        train, val = _parts(case)
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
            "Split first, and resample the training rows only: put the sampler into an "
            "imblearn Pipeline.",
        )

    def _of_split(self, case: Case) -> Finding:
        return self.found(
            "The validation rows were split off rows that a sampler had made.",
            {"validation": (case.holdout, "split")},
            "Put the sampler and the classifier into one imblearn Pipeline, so that "
            "the split comes first; or give natural rows with X_val and y_val.",
        )

    def _is_balanced(self, part: Part) -> bool:
        return min(part.counts) >= self.least_balance * max(part.counts)

    def _are_copies(self, facts: RowFacts, val: Part) -> bool:
        """Whether rows on both sides are as many as the rows made of others."""
        made = (facts.synthetic_share or 0.0) * val.n_minority
        return (facts.shared_share or 0.0) * val.n_rows > 0.5 * made


class UnshuffledTailValidation(Rule):
    """The validation rows are the tail of rows that were in an order.

    Reads: that the tail was cut off, and whether its classes or its columns differ from
    those of the rows before it beyond chance.
    Hurts: the network is judged on what it was not shown.
    Wrong when: the rows are in the order of time, and the future is to be predicted.
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
        *_CURVES_APART,
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
        train, val = _parts(case)
        z = None if case.rows is None else case.rows.label_order_z
        missing = _missing_classes(val, train, self.fewest_expected)
        missing += _missing_classes(train, val, self.fewest_expected)
        one, before, after, error = _prior_change(train, val)
        limits = (self.least_difference, self.least_factor)
        what = self._what(case, missing, _is_changed(before, after, error, *limits))
        if what is None and (z is None or z <= self.least_z):
            return None
        severity: Severity = "error" if missing else "warning"
        seen = what or "labels come in runs"
        return self.found(
            f"The validation rows are the tail of ordered rows: {seen}.",
            {
                f"share of class {one} before the tail": (before, ""),
                f"share of class {one} in the tail": (after, ""),
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
    Hurts: what is said of that class is not checked, or was never learned.
    Wrong when: the class is left out on purpose.
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
        train, val = _parts(case)
        if min(train.n_rows, val.n_rows) < self.fewest_rows:
            raise NotApplicable(f"{train.n_rows} and {val.n_rows} rows")
        absent = _missing_classes(val, train, 0.0)
        absent = [one for one in absent if train.counts[one] > 0]
        expected = _missing_classes(val, train, self.fewest_expected)
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
    Hurts: the network is judged on rows that it has learned by heart.
    Wrong when: rows are coarse, and equal ones meet by chance; or all training rows are
    given for validation on purpose, to see only whether they can be learned.
    """

    code = "V04"
    name = "train-rows-in-validation"
    explains = ("val-better-than-train-dropout", "val-loss-misleads")
    reference = "Deepchecks TrainTestSamplesMix"
    least_excess = 0.01
    fewest_shared = 3

    def inspect(self, case: Case) -> Finding | None:
        """Look for rows on both sides."""
        facts = _facts(case, "shared_share", "duplicate_share")
        _, val = _parts(case)
        share = facts.shared_share or 0.0
        # Of two equal rows one is counted as repeated, and either may be held out.
        natural = min(2 * (facts.duplicate_share or 0.0), 1.0)
        error = np.sqrt(max(natural * (1 - natural), 1e-12) / val.n_rows)
        least = max(self.least_excess, 3 * error)
        shared = round(share * val.n_rows)
        if share - natural <= least or shared < self.fewest_shared:
            return None
        is_whole = share >= 1 and facts.n_rows == val.n_rows
        return self.found(
            "The network is validated on its training rows."
            if is_whole
            else f"{share:.1%} of the validation rows are training rows.",
            {"shared": (shared, "rows"), "share": (share, "of the validation rows")},
            "Hold rows out before fit, and drop what is on both sides.",
            severity="info" if is_whole else "warning",
        )


class TestScalingMismatch(Rule):
    """Validation rows were scaled otherwise than training rows.

    Reads: the standard deviations and the means of the columns within classes, on one
    side over the other, and how well a small learner tells the sides apart.
    Hurts: the network sees rows unlike any that it was trained on.
    Wrong when: the validation rows come from elsewhere, where columns are larger.
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
        *_CURVES_APART,
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
        facts = _facts(case, *names)
        scale, offset, area, error = (float(getattr(facts, name)) for name in names)
        factor = max(scale, 1 / max(scale, 1e-12))
        if area <= max(self.least_auc, 0.5 + 4 * error):
            return None
        if factor <= self.largest_scale and offset <= self.largest_offset:
            return None
        certain = factor > self.certain_scale or offset > self.certain_offset
        what = f"{scale:.3g} times as spread out"
        if factor <= self.largest_scale:
            what = f"{offset:.2g} standard deviations away"
        return self.found(
            f"A typical validation column is {what}, compared with the training rows.",
            {
                "spread": (scale, "of the training columns'"),
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
    Hurts: validation then judges the difference of the sides as well.
    Wrong when: the difference is that between now and the use to come.
    """

    code = "V06"
    name = "feature-shift"
    explains = _CURVES_APART
    reference = "Lopez-Paz and Oquab, arXiv 1610.06545"
    least_auc = 0.65

    def inspect(self, case: Case) -> Finding | None:
        """Look at how well the sides are told apart."""
        facts = _facts(case, "shift_auc", "shift_error")
        area, error = float(facts.shift_auc or 0.0), float(facts.shift_error or 0.0)
        if area <= max(self.least_auc, 0.5 + 4 * error):
            return None
        columns = ", ".join(map(str, facts.shift_columns))
        return self.found(
            "A small learner tells validation from training rows with an area of "
            f"{area:.2f} under the ROC curve.",
            {
                "sides told apart": (area, "area under the ROC curve"),
                "columns": (columns, ""),
            },
            "Look at these columns: split at random, or by group with GroupKFold, and "
            "prepare both sides alike.",
            severity="warning" if self._falls_behind(case) else "info",
        )

    def _falls_behind(self, case: Case) -> bool:
        train = case.natural if case.natural is not None else case.train
        val = case.val
        if train is None or val is None or train.mcc is None or val.mcc is None:
            return False
        error = float(np.hypot(train.mcc_error, val.mcc_error))
        return train.mcc - val.mcc > 2 * error


class TrainValPriorShift(Rule):
    """The classes have other shares among training than among validation rows.

    Reads: the counts of each class among the rows trained on and validated on, and how
    often the class that training has more of is predicted on validation rows.
    Hurts: the network expects the shares that it was trained on; the two losses are not
    comparable, and it names the rare class too often.
    Wrong when: the threshold is chosen on natural rows afterwards.
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
        train, val = _parts(case)
        if min(train.n_rows, val.n_rows) == 0:
            raise NotApplicable("a side has no rows")
        one, before, after, error = _prior_change(train, val)
        limits = (self.least_difference, self.least_factor)
        if not _is_changed(before, after, error, *limits):
            return None
        ratio = self._predicted(train, val)
        evidence = {
            "class": (one, ""),
            "share in training": (before, ""),
            "share in validation": (after, ""),
        }
        if ratio is not None:
            evidence["predicted over true"] = (ratio, "")
        return self.found(
            f"Class {one} is {before:.1%} of the training and {after:.1%} of the "
            "validation rows.",
            evidence,
            "Train on natural shares, or choose the threshold on natural rows; stop by "
            "MCC or average precision, not by the validation loss.",
            severity=self._severity(case, ratio),
        )

    def _severity(self, case: Case, ratio: float | None) -> Severity:
        if case.is_honest:
            return "info"  # its curves are of natural rows, whatever it was trained on
        is_overdone = ratio is None or ratio > self.most_predicted
        return "warning" if is_overdone or _stops_by(case, "val_loss") else "info"

    def _from_curves(self, case: Case) -> Finding | None:
        """Compare the shares that accuracies imply where nothing is predicted."""
        if prior_from_curves(case) is None or prior_from_curves(case, "val_") is None:
            raise NotApplicable("class shares of both sides are not known")
        shift = prior_shift_from_curves(case)
        if shift is None:
            return None
        (low, high), share = shift
        entropies = [float(entropy([p, 1 - p])) for p in (low, high, share)]
        return self.found(
            f"The accuracies imply {low:.1%} to {high:.1%} positives among training "
            f"rows and {share:.1%} among validation rows: the split changed "
            "the shares.",
            {
                "share in training": (f"{low:.3f} to {high:.3f}", "of rows"),
                "share in validation": (share, "of rows"),
                "loss of a constant guess in training": (
                    f"{entropies[0]:.3f} to {entropies[1]:.3f}",
                    "nats",
                ),
                "loss of a constant guess in validation": (entropies[2], "nats"),
            },
            "Split at random, stratified by class; compare both losses at one prior.",
        )

    def _predicted(self, train: Part, val: Part) -> float | None:
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


class NoisyValidation(Rule):
    """So few validation rows of the smallest class that its curve jumps by chance.

    Reads: the count of the smallest class among the validation rows, and whether an
    early stopping watched a validation curve.
    Hurts: one row moves recall by one over that count; stopping by it is a lottery.
    Wrong when: the classes are so far apart that no row is in doubt; stopping by the
    loss is an alarm only with harm.
    """

    code = "V08"
    name = "noisy-validation"
    explains = ("early-stopping-too-early", "val-loss-misleads", "folds-disagree")
    reference = "Google deep learning tuning playbook"
    fewest_minority = 10
    few_minority = 30

    def inspect(self, case: Case) -> Finding | None:
        """Count the rows of the smallest class."""
        need(case.val, "the class counts of the validation rows are")
        counts = [n for n in case.val.counts if n > 0]  # type: ignore[union-attr]
        if not counts:
            raise NotApplicable("there are no validation rows")
        least = min(counts)
        if least >= self.few_minority:
            return None
        is_used = _stops_by(case, "val_") or case.stop_reason == "early_stopping"
        is_alarm = least < self.fewest_minority and is_used and self._hurts(case)
        return self.found(
            f"The validation rows hold {least} of the smallest class; one row moves "
            f"its recall by {1 / least:.2f}.",
            {"smallest class": (least, "rows"), "step of its recall": (1 / least, "")},
            "Hold out more rows, or judge by repeated cross-validation.",
            severity="warning" if is_alarm else "info",
        )

    def _hurts(self, case: Case) -> bool:
        """Whether it was stopped by few rare rows, or is worse than it could be."""
        monitor = case.training.monitor if case.training is not None else None
        if monitor is not None and "loss" not in monitor:
            return True
        try:
            return is_harmed(case)
        except NotApplicable:
            return False


class NoValidation(Rule):
    """Nothing is validated.

    Reads: where validation rows come from, and the names of the curves.
    Hurts: whether the network has learned the rows by heart cannot be seen.
    Wrong when: the network is judged by cross-validation around the fit.
    """

    code = "V09"
    name = "no-validation"
    severity = "info"
    reference = "UMLAUT; keras-team/keras documentation of fit"

    def inspect(self, case: Case) -> Finding | None:
        """Look for any validation."""
        has_curve = any(name.startswith("val_") for name in case.curves)
        if case.val is not None or has_curve or case.holdout not in (None, "none"):
            return None
        if case.holdout is None and not case.curves:
            raise NotApplicable("neither curves nor the hold-out are known")
        return self.found(
            "There are no validation rows.",
            {"epochs without validation": (case.n_epochs, "epochs")},
            "Hold out rows: validation_fraction of a skloss classifier, or "
            "validation_data of fit.",
            params={"validation_fraction": 0.2} if case.origin == "skloss" else None,
        )
