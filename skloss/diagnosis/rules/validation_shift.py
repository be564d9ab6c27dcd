"""Rules about validation rows with other scales, columns or class shares."""

import numpy as np

from skloss.diagnosis.case import Case, Preparation
from skloss.diagnosis.evidence.splits import (
    CURVES_APART,
    both_splits,
    is_changed,
    prior_change,
    stops_by,
)
from skloss.diagnosis.evidence.symptoms import (
    last_counts,
    prior_from_curves,
    prior_shift_from_curves,
    row_facts,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.metrics import entropy
from skloss.record import SplitMetrics
from skloss.record.validation_shift import ValidationShift


class TestScalingMismatch(Rule):
    """Validation rows were scaled differently from training rows.

    Reads: standard deviations and means of the columns within each class, in the
    validation rows relative to the training rows, and how well a classifier separates
    the two splits; or a scaler that the code applies to one of them only. Of validation
    rows that were given, quantiles of the columns, which a fit of skloss records, and
    whether the network does badly on them.
    Effect: the network sees validation rows unlike any training row, so its validation
    scores are too low.
    What to do: fit one scaler on the training rows and call transform, not
    fit_transform, on the validation rows. A pipeline does this.
    False alarm when: the validation rows come from another source, in which the columns
    have a wider range.
    """

    __test__ = False
    code = "V05"
    name = "test-scaling-mismatch"
    severity = "error"
    explains = (
        "feature-shift",
        "values-out-of-range",
        "overfit",
        "all-positive",
        "majority-collapse",
        "too-few-epochs",
        *CURVES_APART,
    )
    reference = "stackoverflow 59325381; scikit-learn common pitfalls"
    largest_scale = 2.5  # rows of other patients or machines differ by less
    largest_offset = 1.5
    certain_scale = 4.0
    certain_offset = 3.0
    least_auc = 0.8
    # No classifier tells the splits apart: of a typical column, and of one alone.
    untransformed_scale = 4.0
    untransformed_offset = 5.0
    one_column = 20.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare standard deviations and means of the columns."""
        found = None if case.shift is None else self._of_shift(case, case.shift)
        if found is not None or (case.shift is not None and case.rows is None):
            return found
        preparation = case.preparation or Preparation()
        apart, own = preparation.scales_apart, preparation.own_scaler
        is_measured = case.rows is not None and case.rows.shift_scale is not None
        if apart is not None and not is_measured:
            return self._of_code(apart)
        if own is not None and not is_measured:
            return self._of_own_scaler(own)
        names = ("shift_scale", "shift_offset", "shift_auc", "shift_error")
        facts = row_facts(case, *names)
        scale, offset, area, error = (float(getattr(facts, name)) for name in names)
        factor = max(scale, 1 / max(scale, 1e-12))
        if area <= max(self.least_auc, 0.5 + 4 * error):
            return None
        if factor <= self.largest_scale and offset <= self.largest_offset:
            return None
        certain = factor > self.certain_scale or offset > self.certain_offset
        what = f"standard deviation is {scale:.3g} times that of the training rows"
        if factor <= self.largest_scale:
            what = f"mean is {offset:.2g} standard deviations off the training rows"
        return self.found(
            f"In a typical column of the validation rows, the {what}.",
            {
                "standard deviation": (scale, "times that of the training rows"),
                "difference of the means": (offset, "standard deviations"),
                "ROC AUC of training against validation rows": (area, ""),
            },
            "Fit one scaler on the training rows and call transform, not "
            "fit_transform, on the validation rows. A pipeline does this.",
            severity="error" if certain else "warning",
        )

    def _of_shift(self, case: Case, shift: ValidationShift) -> Finding | None:
        """Compare quantiles of the columns of validation rows that were given."""
        factor = max(shift.scale, 1 / max(shift.scale, 1e-12))
        if (
            factor > self.untransformed_scale
            or shift.offset > self.untransformed_offset
        ):
            where, scale, offset = "a typical column", shift.scale, shift.offset
        else:
            where = f"column {shift.column}"
            scale, offset = shift.column_scale, shift.column_offset
            if max(scale, 1 / max(scale, 1e-12), offset) <= self.one_column:
                return None
        many = where == "a typical column"
        # So far apart are no two sources, even if the network gets by.
        certain = many and max(scale, 1 / max(scale, 1e-12), offset) > self.one_column
        harm = certain or _falls_behind(case) or _is_above_a_guess(case)
        return self.found(
            "The validation rows were not transformed as the training rows were: in "
            f"{where} of them, {_how_far(scale, offset)}.",
            {
                "spread": (scale, "times that of the training rows"),
                "difference of the medians": (offset, "standard deviations"),
                "columns compared": (shift.n_columns, ""),
            },
            "Give X_val to a skloss.Pipeline, which transforms it. The Pipeline of "
            "scikit-learn does not: give it pipeline[:-1].transform(X_val), fitted on "
            "the training rows.",
            severity="info" if not harm else "error" if many else "warning",
        )

    def _of_code(self, apart: str) -> Finding:
        return self.found(
            f"The code scales {apart}.",
            {"scaled": (apart, "")},
            "Fit one scaler on the training rows and call transform on the validation "
            "rows. A pipeline does this.",
        )

    def _of_own_scaler(self, scaler: str) -> Finding:
        return self.found(
            f"The code fits another scaler on the validation rows, {scaler}.",
            {"scaler of the validation rows": (scaler, "")},
            "Call transform of the scaler of the training rows, not fit_transform.",
            severity="warning",  # with many rows the two scalers are much the same
        )


class FeatureShift(Rule):
    """Validation rows differ from training rows of the same class.

    Reads: how well a classifier separates the two splits, with equal counts of each
    class, and whether the network scores lower on the validation rows.
    Effect: the validation score measures the difference between the splits as well as
    the network.
    What to do: plot the columns that differ. Prepare both splits with the same fitted
    pipeline, and split at random or, for grouped rows, with GroupKFold.
    False alarm when: the same difference will exist between training and later use. It
    is a remark if the network scores as well on the validation rows.
    """

    code = "V06"
    name = "feature-shift"
    explains = CURVES_APART
    reference = "Lopez-Paz and Oquab, arXiv 1610.06545"
    least_auc = 0.65

    def inspect(self, case: Case) -> Finding | None:
        """Ask whether a classifier separates the two splits."""
        facts = row_facts(case, "shift_auc", "shift_error")
        area, error = float(facts.shift_auc or 0.0), float(facts.shift_error or 0.0)
        if area <= max(self.least_auc, 0.5 + 4 * error):
            return None
        return self.found(
            "A classifier separates validation rows from training rows with a ROC AUC "
            f"of {area:.2f}.",
            {
                "ROC AUC of training against validation rows": (area, ""),
                "columns that differ most": (facts.shift_columns, ""),
            },
            "Plot the columns that differ. Prepare both splits with the same "
            "fitted pipeline, and split at random or, for grouped rows, with "
            "GroupKFold.",
            severity="warning" if _falls_behind(case) else "info",
        )


class TrainValPriorShift(Rule):
    """Training rows and validation rows have different class shares.

    Reads: the class counts of the training rows and of the validation rows, and how
    often the class that is more frequent in training is predicted on validation rows.
    From curves alone, it reads the counts of true and false positives and negatives,
    or the class shares that the accuracies imply while the rare class is never found;
    from code, a sampler of the training rows.
    Effect: the network expects the class shares of its training rows. The two losses
    are not comparable, and the class that is more frequent in training is predicted too
    often.
    What to do: train on original rows without a sampler, or tune the decision threshold
    on original rows. Set monitor="val_average_precision" or "val_mcc" instead of
    "val_loss".
    False alarm when: the threshold is tuned on original rows afterwards. It is a remark
    for the curves of skloss, which are measured on original rows.
    """

    code = "V07"
    name = "train-val-prior-shift"
    explains = (
        "val-loss-misleads",
        "incomparable-curves",
        "train-val-gap",
        "threshold-not-tuned",
        "all-positive",
        "overfit",
        "overconfident-probabilities",
        "early-stopping-too-early",
    )
    reference = "Saerens et al., 2002; keras-team/keras issue 14141"
    least_difference = 0.05
    least_factor = 1.5
    most_predicted = 2.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare the shares of the classes."""
        sampler = None if case.preparation is None else case.preparation.sampler
        if case.train is None and sampler is not None:
            return self._of_sampler(case, sampler)
        if case.train is None and case.val is None:
            return self._from_curves(case)
        train, val = both_splits(case)
        one, before, after, error = prior_change(train, val)
        limits = (self.least_difference, self.least_factor)
        if not is_changed(before, after, error, *limits):
            return None
        ratio = self._predicted(train, val)
        evidence = {
            "class": (one, ""),
            "share in training": (before, "of the rows"),
            "share in validation": (after, "of the rows"),
            "predicted over actual validation rows": (ratio, ""),
        }
        return self.found(
            f"Class {one} has {before:.1%} of the training rows, but {after:.1%} of "
            "the validation rows.",
            evidence,
            "Train on original rows, or tune the decision threshold on original rows; "
            'set monitor="val_average_precision" instead of "val_loss".',
            severity=self._severity(case, ratio),
        )

    def _severity(self, case: Case, ratio: float | None) -> Severity:
        if case.is_honest:
            return "info"  # both curves were measured on original rows
        is_overdone = ratio is None or ratio > self.most_predicted
        return "warning" if is_overdone or stops_by(case, "val_loss") else "info"

    def _of_sampler(self, case: Case, sampler: str) -> Finding:
        """Report a sampler of the training rows, as an alarm if there is harm."""
        ends = [
            float(case.curves[name][-1]) if len(case.curves.get(name, ())) else None
            for name in ("accuracy", "val_accuracy", "loss", "val_loss")
        ]
        train, val, loss, val_loss = ends
        lower = train is not None and val is not None and train - val > 0.05
        higher = loss is not None and val_loss is not None and val_loss > 1.2 * loss
        return self.found(
            f"{sampler} changes the class shares of the training rows, but not those "
            "of the validation rows.",
            {"sampler": (sampler, ""), "loss": loss, "validation loss": val_loss},
            "Train on original rows, or tune the decision threshold on original rows; "
            'set monitor="val_average_precision" instead of "val_loss".',
            severity="warning" if lower and higher else "info",
        )

    def _from_curves(self, case: Case) -> Finding | None:
        """Compare the class shares that counts or accuracies of both splits imply."""
        counts, val_counts = last_counts(case), last_counts(case, "val_")
        if counts is not None and val_counts is not None:
            return self._from_counts(case, counts, val_counts)
        if prior_from_curves(case) is None or prior_from_curves(case, "val_") is None:
            raise NotApplicable("the class shares of both splits are not known")
        shift = prior_shift_from_curves(case)
        if shift is None:
            return None
        (low, high), share = shift
        guesses = tuple(float(entropy([p, 1 - p])) for p in (low, high, share))
        return self.found(
            f"The accuracies imply {_range_text(low, high)} positives among training "
            f"rows, but {share:.1%} among validation rows.",
            {
                "positives in training": ((low, high), "of the rows"),
                "positives in validation": (share, "of the rows"),
                "loss of a constant guess in training": (guesses[:2], "nats"),
                "loss of a constant guess in validation": (guesses[2], "nats"),
            },
            "Split with train_test_split(..., stratify=y). Until then, do not read the "
            "gap between the two losses as overfitting: their class shares differ.",
        )

    def _from_counts(
        self, case: Case, train: np.ndarray, val: np.ndarray
    ) -> Finding | None:
        """Compare the shares of positives, of tp, fn, fp and tn in the last epoch."""
        before, after = (float(part[:2].sum() / part.sum()) for part in (train, val))
        error = float(
            np.sqrt(
                sum(p * (1 - p) / n.sum() for p, n in ((before, train), (after, val)))
            )
        )
        limits = (self.least_difference, self.least_factor)
        if not is_changed(before, after, error, *limits):
            return None
        predicted = float((val[0] + val[2]) / max(val[:2].sum(), 1e-12))
        guess = float(entropy([after, 1 - after]))
        loss = case.curves.get("val_loss")
        end = None if loss is None else float(loss[-1])
        is_harmed = predicted > self.most_predicted or (end is not None and end > guess)
        return self.found(
            f"{before:.1%} of the training rows are positive, but {after:.1%} of the "
            "validation rows.",
            {
                "positives in training": (before, "of the rows"),
                "positives in validation": (after, "of the rows"),
                "predicted over actual positives in validation": (predicted, ""),
                "final validation loss": end,
                "loss of a constant guess in validation": (guess, "nats"),
            },
            "Train on original rows, or tune the decision threshold on original rows; "
            'set monitor="val_average_precision" instead of "val_loss".',
            severity="warning" if is_harmed else "info",
        )

    def _predicted(self, train: SplitMetrics, val: SplitMetrics) -> float | None:
        """Predicted over actual rows of the class that is more frequent in training.

        An excess within chance is cut to 1, so that it raises no alarm. None if no
        class is in both splits.
        """
        in_both = np.asarray(train.counts) * np.asarray(val.counts) > 0
        if val.predicted is None or not in_both.any():
            return None
        one = int(np.where(in_both, train.prior - val.prior, -np.inf).argmax())
        actual, predicted = val.counts[one], float(val.predicted[one] * val.n_rows)
        if predicted - actual <= 3 * np.sqrt(actual):
            return 1.0 if predicted > actual else predicted / actual
        return predicted / actual


def _falls_behind(case: Case) -> bool:
    """Whether the network scores lower on validation rows, beyond chance."""
    train = case.unsampled
    val = case.val
    if train is None or val is None or train.mcc is None or val.mcc is None:
        return False
    error = float(np.hypot(train.mcc_error, val.mcc_error))
    return train.mcc - val.mcc > 2 * error


def _is_above_a_guess(case: Case) -> bool:
    """Whether a constant guess has a lower validation loss, where both are known."""
    val = case.val
    return val is not None and val.loss is not None and val.loss > val.entropy


def _how_far(scale: float, offset: float) -> str:
    """Say which difference is the larger one."""
    if offset > max(scale, 1 / max(scale, 1e-12)):
        return f"the median is {_short(offset)} standard deviations off"
    return f"the spread is {_short(scale)} times that of the training rows"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _range_text(low: float, high: float) -> str:
    ends = f"{low:.1%}", f"{high:.1%}"
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
