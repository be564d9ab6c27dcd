"""Columns: of one value, far from unit scale, or codes taken for amounts."""

from skloss.diagnosis.case import Case, RowFacts
from skloss.diagnosis.evidence.classifier_network import LITTLE_LEARNED, harm
from skloss.diagnosis.evidence.symptoms import row_facts
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.text import tally

_NORMALIZERS = ("batch_norm", "normalization", "embedding")


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
    harmed = harm(case)
    return "warning" if harmed or (harmed is None and certain) else "info"


class ConstantInputs(Rule):
    """Columns hold one value.

    Reads: the number of columns that hold one value over all training rows.
    Effect: nothing can be learned from them; if all are so, nothing at all.
    False alarm when: the values differ by less than the precision they are stored in;
    unless all columns are so, this is context.
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
        *LITTLE_LEARNED,
    )
    reference = "Deepchecks IsSingleValue; UMLAUT"
    fewest_rows = 10

    def inspect(self, case: Case) -> Finding | None:
        """Count columns of one value."""
        facts = row_facts(case, "n_constant", "n_columns")
        if (facts.n_rows or 0) < self.fewest_rows:
            raise NotApplicable(f"{facts.n_rows} rows")
        if not facts.n_constant:
            return None
        is_all = facts.n_constant == facts.n_columns
        return self.found(
            f"{facts.n_constant} of {facts.n_columns} columns "
            f"{'holds' if facts.n_constant == 1 else 'hold'} a single value.",
            {
                "constant columns": (facts.n_constant, "columns"),
                "columns": (facts.constant_columns, ""),
            },
            "Check how the inputs were made, such as by a division of integers."
            if is_all
            else "Drop them with VarianceThreshold, unless they are edges of images.",
            severity="error" if is_all else "info",
        )


class WeakInputVariation(Rule):
    """Columns are nearly constant around a value far from 0.

    Reads: the median over columns of the mean over the standard deviation.
    Effect: the offset takes part in every unit's sum, and what varies drowns in it.
    False alarm when: the network copes with the offset; so an alarm needs harm or,
    where that is not known, ten times the offset.
    """

    code = "D05"
    name = "weak-input-variation"
    explains = ("unscaled-inputs", *LITTLE_LEARNED)
    reference = "LeCun et al., Efficient BackProp, 1998"
    largest_offset = 20.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare means with deviations."""
        facts = row_facts(case, "offset")
        offset = facts.offset or 0.0
        if facts.is_token_ids or _is_normalized(case) or offset <= self.largest_offset:
            return None
        return self.found(
            f"A typical column varies by 1/{offset:.0f} of its mean.",
            {"mean over standard deviation": (offset, "")},
            "Take the mean off and divide by the standard deviation: StandardScaler as "
            "the first step of the pipeline.",
            severity=_severity_by_harm(case, certain=offset > 10 * self.largest_offset),
        )


class UnscaledInputs(Rule):
    """Columns are far from unit scale, or of very different scales.

    Reads: the typical size of a column (its 1st or 99th percentile), the smallest and
    the largest standard deviation; whether units are stuck, and whether the network
    does worse than a simple learner or a guess.
    Effect: gradients are as large as the inputs, so no learning rate suits all weights.
    False alarm when: the network does badly for another reason, and copes with the
    scale.
    """

    code = "D06"
    name = "unscaled-inputs"
    explains = (*LITTLE_LEARNED, "nonfinite-loss")
    reference = "LeCun et al., Efficient BackProp, 1998; UMLAUT InputNotNormalized"
    largest_size = 10.0
    certain_size = 100.0
    smallest_size = 0.1
    largest_ratio = 100.0
    stuck_share = 0.5  # of the first layer's units
    lost_share = 0.9  # of any layer's units

    def inspect(self, case: Case) -> Finding | None:
        """Look for large, small and very different columns."""
        facts = row_facts(case, "typical_size", "largest_size")
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
                "column of the smallest deviation": (facts.smallest_column, ""),
                "largest deviation": (facts.largest_std, ""),
                "column of the largest values": (facts.largest_column, ""),
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
    Effect: a code of 7 counts as seven times a code of 1, which means nothing.
    False alarm when: the columns are amounts with a bend, which a wider network would
    learn.
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
        facts = row_facts(case, "n_codes")
        n_codes = facts.n_codes or 0
        if not n_codes or facts.is_token_ids:
            return None
        facts = row_facts(case, "one_hot_score", "linear_score", "network_score")
        others = (facts.linear_score, facts.network_score)
        best = max(score for score in others if score is not None)
        gain = (facts.one_hot_score or 0.0) - best
        if gain <= max(self.least_gain, 2 * (facts.score_error or 0.0)):
            return None
        return self.found(
            f"With {tally(n_codes, 'column')} as categories a linear model "
            f"scores {gain:.2f} more than the network.",
            {
                "score with categories": (facts.one_hot_score, ""),
                "score of the network": (facts.network_score, ""),
                "score of a linear model": (facts.linear_score, ""),
                "columns of codes": (n_codes, "columns"),
            },
            "Encode these columns with OneHotEncoder in the pipeline, or embed them.",
        )
