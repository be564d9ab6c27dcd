"""Data and labels."""

import numpy as np

from skloss.diagnosis.case import Case, Part, RowFacts
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.signs import is_harmed, need

_LOSSES = (
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
)
_NORMALIZERS = ("batch_norm", "normalization", "embedding")
_LITTLE_LEARNED = (
    "underfit",
    "majority-collapse",
    "all-positive",
    "plateau-above-floor",
    "loss-at-constant-guess",
    "slow-convergence",
    "dead-relu",
    "saturating-hidden",
    "vanishing-gradients",
    "exploding-gradients",
    "loss-oscillation",
)


def _rows(case: Case, *names: str) -> RowFacts:
    """Facts about the rows, those of the names known."""
    need(case.rows, "the training rows are")
    for name in names:
        what = name.replace("_", " ")
        need(getattr(case.rows, name), f"{what} of the rows is")
    return case.rows  # type: ignore[return-value]


def _natural(case: Case) -> Part:
    """Class counts before any sampler."""
    part = case.natural if case.natural is not None else case.train
    if part is None or part.n_rows == 0:
        raise NotApplicable("the class counts of the training rows are not known")
    return part


def _present(part: Part) -> np.ndarray:
    """Return the counts of the classes that occur."""
    counts = np.asarray(part.counts)
    return counts[counts > 0]


def _named(columns: tuple[int, ...]) -> str:
    return ", ".join(str(column) for column in columns)


def _units(case: Case) -> int | None:
    return None if case.head is None else case.head.units


def _is_normalized(case: Case) -> bool:
    """Whether the network scales or embeds its inputs itself, before any weights."""
    for layer in case.layers or ():
        if layer.kind in _NORMALIZERS:
            return True
        if layer.has_kernel:
            return False
    return False


def _severity_by_harm(case: Case, certain: bool) -> Severity:
    """Alarm if the network is worse than it could be; if unknown, where certain."""
    try:
        return "warning" if is_harmed(case) else "info"
    except NotApplicable:
        return "warning" if certain else "info"


class NanInInputs(Rule):
    """Rows hold values that are no numbers: NaN or infinite.

    Reads: the number of such values among the training rows.
    Hurts: one such value makes the loss of its batch NaN, and then every weight.
    Wrong when: the network masks these values before it uses them.
    """

    code = "D01"
    name = "nan-in-inputs"
    severity = "error"
    explains = (
        "nonfinite-loss",
        "constant-inputs",
        "unscaled-inputs",
        "lr-too-high",
        *_LITTLE_LEARNED,
    )
    reference = "UMLAUT InputNotFloating; Deepchecks"

    def inspect(self, case: Case) -> Finding | None:
        """Count values that are no numbers."""
        facts = _rows(case, "n_nonfinite")
        if not facts.n_nonfinite:
            return None
        return self.found(
            f"{facts.n_nonfinite} values of the inputs are NaN or infinite.",
            {
                "values": (facts.n_nonfinite, "values"),
                "columns": (_named(facts.nonfinite_columns), ""),
            },
            "Fill the values in (SimpleImputer in the pipeline), or drop their rows.",
        )


class SingleClassTarget(Rule):
    """The training labels hold one class, as the loss reads them.

    Reads: the counts of the classes and the range of the labels.
    Hurts: the network learns to say that class always, with a loss near 0.
    Wrong when: the task is to recognize one class without examples of others.
    """

    code = "D02"
    name = "single-class-target"
    severity = "error"
    explains = (
        "target-encoding-mismatch",
        "minority-absent",
        "train-val-prior-shift",
        "train-val-gap",
        "overfit",
        "val-loss-misleads",
        "too-few-epochs",
        *_LITTLE_LEARNED,
    )
    reference = "keras-team/keras FAQ; stackoverflow 41372874"
    fewest_rows = 5

    def inspect(self, case: Case) -> Finding | None:
        """Count the classes."""
        if case.task in ("regression", "multilabel"):
            raise NotApplicable(f"the task is {case.task}")
        n_rows, n_classes = self._size(case)
        if n_rows < self.fewest_rows:
            raise NotApplicable(f"{n_rows} rows")
        if n_classes > 1 and not self._all_become_zero(case):
            return None
        evidence = {"rows": (n_rows, "rows"), "classes": (1, "classes")}
        if n_classes > 1 and case.rows is not None:
            evidence["largest label"] = (case.rows.target_max, "")  # type: ignore[assignment]
        return self.found(
            f"All {n_rows} training labels are one class"
            + (" once they are read as class numbers." if n_classes > 1 else "."),
            evidence,
            "Check how the labels were made: they must not be scaled with the inputs, "
            "and every class must be among them.",
        )

    def _size(self, case: Case) -> tuple[int, int]:
        """Rows and classes."""
        if case.train is not None:
            return case.train.n_rows, len(_present(case.train))
        facts = _rows(case, "n_rows", "n_distinct_targets")
        return int(facts.n_rows or 0), int(facts.n_distinct_targets or 0)

    def _all_become_zero(self, case: Case) -> bool:
        """Whether fractions all round down to class 0, or stay under a half."""
        facts = case.rows
        if facts is None or facts.target_kind != "scaled" or case.training is None:
            return False
        if facts.target_min is None or facts.target_max is None or facts.target_min < 0:
            return False
        loss = case.training.loss
        if loss == "sparse_categorical_crossentropy":
            return facts.target_max < 1
        return loss in _LOSSES and facts.target_max < 0.5


class TargetEncodingMismatch(Rule):
    """The labels are not encoded as the loss reads them.

    Reads: the kind and the range of the labels, and the loss.
    Hurts: the loss then measures something else, or one class is never asked for.
    Wrong when: the labels are encoded between the rows given here and the loss.
    """

    code = "D03"
    name = "target-encoding-mismatch"
    severity = "error"
    explains = (
        "loss-at-constant-guess",
        "nonfinite-loss",
        "lr-too-high",
        "class-count-mismatch",
        *_LITTLE_LEARNED,
    )
    reference = "NeuraLint; stackoverflow 46165464"

    def inspect(self, case: Case) -> Finding | None:
        """Compare the labels with what the loss reads."""
        if case.origin in ("skloss", "scikeras", "sklearn"):
            raise NotApplicable("the estimator encodes the labels itself")
        facts = _rows(case, "target_kind")
        need(case.training and case.training.loss, "the loss is")
        loss = case.training.loss  # type: ignore[union-attr]
        if loss not in _LOSSES:
            return None
        wrong = self._wrong(case, facts, str(loss))
        if wrong is None:
            return None
        what, fix = wrong
        return self.found(
            f"The labels are {what}, which {loss} does not expect.",
            {
                "labels": (facts.target_kind, ""),
                "smallest": (facts.target_min, ""),
                "largest": (facts.target_max, ""),
                "loss": (loss, ""),
            },
            fix,
        )

    def _wrong(self, case: Case, facts: RowFacts, loss: str) -> tuple[str, str] | None:
        """Say what is wrong with the labels, and what to do."""
        if loss.startswith("sparse"):
            return self._wrong_numbers(facts)
        if loss.startswith("binary"):
            return self._wrong_bits(facts)
        return self._wrong_rows(case, facts)

    def _wrong_numbers(self, facts: RowFacts) -> tuple[str, str] | None:
        if facts.target_kind == "ids":
            if facts.target_min is None or facts.target_min >= 0:
                return None
            return "negative", "Number the classes from 0 (LabelEncoder)."
        if facts.target_kind in ("one_hot", "multi_hot"):
            return "rows with a column per class", "Use categorical_crossentropy."
        return "fractions", "Give class numbers; scale the inputs only, not the labels."

    def _wrong_bits(self, facts: RowFacts) -> tuple[str, str] | None:
        low, high = facts.target_min, facts.target_max
        if low is None or high is None or facts.target_kind in ("one_hot", "multi_hot"):
            return None
        if low < 0 or (high > 1 and (facts.n_distinct_targets or 0) <= 2):
            return f"from {low:g} to {high:g}", "Encode the two classes as 0 and 1."
        if high > 1 and facts.target_kind in ("scaled", "real"):
            return f"from {low:g} to {high:g}", "Encode the two classes as 0 and 1."
        return None

    def _wrong_rows(self, case: Case, facts: RowFacts) -> tuple[str, str] | None:
        head = case.head
        if facts.target_kind == "multi_hot":
            # Several labels per row and a softmax: there the head is wrong.
            if case.task == "multilabel" and head and head.activation == "softmax":
                return None
            fix = "Use binary_crossentropy, or make one column of each row 1."
            return "rows that do not add up to 1", fix
        if facts.target_kind == "one_hot" or _units(case) == 1:
            return None
        fix = "Use sparse_categorical_crossentropy, or encode the labels one-hot."
        return "not one-hot", fix


class ConstantInputs(Rule):
    """Columns hold one value.

    Reads: the number of columns that hold one value over all training rows.
    Hurts: nothing can be learned from them; if all are so, nothing at all.
    Wrong when: the values differ by less than the precision they are stored in.
    """

    code = "D04"
    name = "constant-inputs"
    severity = "error"
    explains = (
        "weak-input-variation",
        "unscaled-inputs",
        "test-scaling-mismatch",
        "feature-shift",
        "under-capacity",
        *_LITTLE_LEARNED,
    )
    reference = "Deepchecks IsSingleValue; UMLAUT"
    fewest_rows = 10

    def inspect(self, case: Case) -> Finding | None:
        """Count columns of one value."""
        facts = _rows(case, "n_constant", "n_columns")
        if (facts.n_rows or 0) < self.fewest_rows:
            raise NotApplicable(f"{facts.n_rows} rows")
        if not facts.n_constant:
            return None
        is_all = facts.n_constant == facts.n_columns
        return self.found(
            f"{facts.n_constant} of {facts.n_columns} columns hold one value.",
            {
                "constant": (facts.n_constant, "columns"),
                "columns": (_named(facts.constant_columns), ""),
            },
            "Check how the inputs were made, such as by a division of integers."
            if is_all
            else "Drop them with VarianceThreshold, unless they are edges of images.",
            severity="error" if is_all else "info",
        )


class WeakInputVariation(Rule):
    """Columns are nearly constant around a value far from 0.

    Reads: the median over columns of the mean over the standard deviation.
    Hurts: the offset takes part in every unit's sum, and what varies drowns in it.
    Wrong when: the network takes the mean off itself; then nothing is harmed.
    """

    code = "D05"
    name = "weak-input-variation"
    explains = ("unscaled-inputs", *_LITTLE_LEARNED)
    reference = "LeCun et al., Efficient BackProp, 1998"
    largest_offset = 20.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare means with deviations."""
        facts = _rows(case, "offset")
        offset = facts.offset or 0.0
        if facts.is_token_ids or _is_normalized(case) or offset <= self.largest_offset:
            return None
        return self.found(
            f"The columns vary by 1/{offset:.0f} of their mean.",
            {"mean over standard deviation": (offset, "")},
            "Take the mean off and divide by the standard deviation: StandardScaler as "
            "the first step of the pipeline.",
            severity=_severity_by_harm(case, certain=offset > 10 * self.largest_offset),
        )


class UnscaledInputs(Rule):
    """Columns are far from unit scale, or of very different scales.

    Reads: the typical size of a column (its 1st or 99th percentile), the smallest and
    the largest standard deviation; whether the network does worse than a small learner.
    Hurts: gradients are as large as the inputs, so no learning rate suits all weights.
    Wrong when: the network does badly for another reason, and copes with the scale.
    """

    code = "D06"
    name = "unscaled-inputs"
    explains = (*_LITTLE_LEARNED, "nonfinite-loss")
    reference = "LeCun et al., Efficient BackProp, 1998; UMLAUT InputNotNormalized"
    largest_size = 10.0
    certain_size = 100.0
    smallest_size = 0.1
    largest_ratio = 100.0
    stuck_share = 0.5  # of the first layer's units
    lost_share = 0.9  # of any layer's units

    def inspect(self, case: Case) -> Finding | None:
        """Look for large, small and very different columns."""
        facts = _rows(case, "typical_size", "largest_size")
        if facts.is_token_ids or _is_normalized(case):
            return None
        size = facts.typical_size or 0.0
        ratio = self._ratio(facts)
        what = self._what(facts, size, ratio)
        if what is None:
            return None
        return self.found(
            what,
            {
                "typical size": (size, ""),
                "smallest deviation": (facts.smallest_std, ""),
                "largest deviation": (facts.largest_std, ""),
                "largest column": (facts.largest_column, ""),
            },
            "Scale the columns: StandardScaler as the first step of the pipeline, or "
            "divide pictures by 255.",
            severity="warning"
            if self._sticks(case)
            else _severity_by_harm(case, certain=size > self.certain_size),
        )

    def _sticks(self, case: Case) -> bool:
        """Whether most units of the first layer, or nearly all of one, are stuck."""
        probe = case.probe
        if probe is None:
            return False
        known = [s for s in (probe.saturated_shares, probe.dead_shares) if s]
        first = max((shares[0] for shares in known), default=0.0)
        most = max((max(shares) for shares in known), default=0.0)
        return first > self.stuck_share or most > self.lost_share

    def _ratio(self, facts: RowFacts) -> float:
        if not facts.smallest_std or facts.largest_std is None:
            return 1.0
        return facts.largest_std / facts.smallest_std

    def _what(self, facts: RowFacts, size: float, ratio: float) -> str | None:
        if size > self.largest_size:
            return (
                f"A typical column reaches {size:.3g}; about 1 is what networks expect."
            )
        if ratio > self.largest_ratio:
            return (
                f"The columns' standard deviations differ by a factor of {ratio:.3g}."
            )
        # A few columns of usual size carry the rest; sparse ones are small by nature.
        if 0 < size < self.smallest_size and (facts.largest_size or 0) < 0.5:
            return f"A typical column reaches {size:.3g} only; about 1 is expected."
        return None


class CategoricalAsOrdinal(Rule):
    """Numbers that name categories are used as if they were amounts.

    Reads: the scores on the same rows of the network, of a linear learner, and of one
    that has a column for each value of the columns that look like codes.
    Hurts: a code of 7 counts as seven times a code of 1, which means nothing.
    Wrong when: the columns are amounts with a bend, which a wider network would learn.
    """

    code = "D07"
    name = "categorical-as-ordinal"
    explains = (
        "underfit",
        "under-capacity",
        "plateau-above-floor",
        "majority-collapse",
    )
    reference = "scikit-learn user guide 7.3.4"
    least_gain = 0.1

    def inspect(self, case: Case) -> Finding | None:
        """Compare with a linear learner that takes codes as categories."""
        facts = _rows(case, "n_codes")
        if not facts.n_codes or facts.is_token_ids:
            return None
        facts = _rows(case, "one_hot_score", "linear_score", "network_score")
        others = (facts.linear_score, facts.network_score)
        best = max(score for score in others if score is not None)
        gain = (facts.one_hot_score or 0.0) - best
        if gain <= max(self.least_gain, 2 * (facts.score_error or 0.0)):
            return None
        return self.found(
            f"With {facts.n_codes} columns as categories a linear model scores "
            f"{gain:.2f} more than the network.",
            {
                "with categories": (facts.one_hot_score, ""),
                "network": (facts.network_score, ""),
                "linear": (facts.linear_score, ""),
                "codes": (facts.n_codes, "columns"),
            },
            "Encode these columns with OneHotEncoder in the pipeline, or embed them.",
        )


class ConflictingLabels(Rule):
    """Equal rows have different labels.

    Reads: the share of rows that equal a row of another class, and that of all repeated
    rows.
    Hurts: nothing can predict both labels; the score has a ceiling.
    Wrong when: rows are coarse, so that equal ones meet by chance.
    """

    code = "D08"
    name = "conflicting-labels"
    explains = ("plateau-above-floor", "underfit")
    reference = "Deepchecks ConflictingLabels; TheDeepChecker"
    least_share = 0.01
    alarming_share = 0.05
    coarse_share = 0.3  # of repeated rows, above which they meet by chance

    def inspect(self, case: Case) -> Finding | None:
        """Look at equal rows."""
        facts = _rows(case, "conflict_share", "duplicate_share")
        share = facts.conflict_share or 0.0
        if share <= self.least_share:
            return None
        is_coarse = (facts.duplicate_share or 0.0) > self.coarse_share
        is_alarm = share > self.alarming_share and not is_coarse
        return self.found(
            f"{share:.1%} of the rows equal a row of another class.",
            {
                "in conflict": (share, "of the rows"),
                "repeated": (facts.duplicate_share, "of the rows"),
            },
            "Look at these rows: mend their labels, drop them, or add a column that "
            "tells them apart.",
            severity="warning" if is_alarm else "info",
        )


class GoldenFeature(Rule):
    """One column alone tells the classes apart.

    Reads: the area under the ROC curve of the best single column.
    Hurts: such a column is often known only after the fact, and missing in use.
    Wrong when: the task is that easy.
    """

    code = "D09"
    name = "golden-feature"
    severity = "info"
    reference = "skore SKD011; Deepchecks FeatureLabelCorrelation"
    least_auc = 0.99
    fewest_minority = 20
    fewest_columns = 2

    def inspect(self, case: Case) -> Finding | None:
        """Look at the best single column."""
        facts = _rows(case, "best_column_auc", "n_columns")
        if _natural(case).n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{_natural(case).n_minority} rows of the smallest class"
            )
        if (facts.n_columns or 0) < self.fewest_columns:
            raise NotApplicable("there is one column")
        if (facts.best_column_auc or 0.0) < self.least_auc:
            return None
        return self.found(
            f"Column {facts.best_column} alone ranks the classes with an area of "
            f"{facts.best_column_auc:.3f} under the ROC curve.",
            {"area": (facts.best_column_auc, ""), "column": (facts.best_column, "")},
            "Make sure that the column is known at the time of a prediction.",
        )


class Imbalance(Rule):
    """One class is much rarer than another.

    Reads: the counts of the classes before any sampler.
    Hurts: nothing by itself; accuracy says little, and the threshold matters.
    Wrong when: never more than context.
    """

    code = "D10"
    name = "imbalance"
    severity = "info"
    reference = "skore issue 2666: context, not a fault"
    least_share = 0.1

    def inspect(self, case: Case) -> Finding | None:
        """Compare the smallest class with the largest."""
        counts = _present(_natural(case))
        if len(counts) < 2:
            raise NotApplicable("there is one class")
        share = float(counts.min() / (counts.min() + counts.max()))
        if share >= self.least_share:
            return None
        return self.found(
            f"The smallest class has {counts.min()} rows, the largest {counts.max()}.",
            {
                "smallest class": (int(counts.min()), "rows"),
                "largest class": (int(counts.max()), "rows"),
            },
            "Judge by MCC or average precision, and choose the threshold on validation "
            "rows.",
        )


class TinyDataset(Rule):
    """There are very few rows to learn from.

    Reads: the counts of the classes before any sampler.
    Hurts: scores are uncertain, and a network can learn the rows by heart.
    Wrong when: never more than context.
    """

    code = "D11"
    name = "tiny-dataset"
    severity = "info"
    reference = "Google deep learning tuning playbook"
    fewest_rows = 100
    fewest_minority = 20

    def inspect(self, case: Case) -> Finding | None:
        """Count the rows."""
        part = _natural(case)
        least = int(_present(part).min())
        if part.n_rows >= self.fewest_rows and least >= self.fewest_minority:
            return None
        return self.found(
            f"There are {part.n_rows} training rows, {least} of the smallest class.",
            {"rows": (part.n_rows, "rows"), "smallest class": (least, "rows")},
            "Judge by repeated cross-validation, and compare with a linear model.",
        )
