"""Rules about input columns: constant, badly scaled, or codes used as quantities."""

from skloss.diagnosis.case import Case, RowFacts
from skloss.diagnosis.evidence.classifier_network import LITTLE_LEARNED, harm
from skloss.diagnosis.evidence.symptoms import (
    learned_nothing,
    need,
    row_facts,
    uniform_guess,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally

_NORMALIZERS = ("batch_norm", "normalization", "embedding")


def _is_normalized(case: Case) -> bool:
    """Whether a layer before the first weights normalizes or embeds the inputs."""
    leaves_numbers = case.rows is not None and bool(case.rows.n_embedded)
    for layer in case.layers or ():
        if layer.kind == "embedding" and leaves_numbers:
            continue
        if layer.kind in _NORMALIZERS:
            return True
        if layer.has_kernel:
            return False
    return False


def _scaling(case: Case) -> tuple[str, dict[str, object]]:
    """Say what scales the columns, and the parameters that do it."""
    if case.rows is not None and case.rows.n_embedded:
        # A scaler in front would have to be told which columns are categories.
        return 'Set scale_columns="auto".', {"scale_columns": "auto"}
    return "Put StandardScaler() first in the pipeline.", {}


def _severity_by_harm(case: Case, certain: bool) -> Severity:
    """Warn if predictions are poor or, if that is unknown, if the fault is certain."""
    harmed = harm(case)
    return "warning" if harmed or (harmed is None and certain) else "info"


class ConstantInputs(Rule):
    """Some columns are constant.

    Reads: the number of columns with a single value over all training rows.
    Effect: a network learns nothing from a constant column. If all columns are
    constant, it learns nothing at all.
    What to do: drop constant columns with VarianceThreshold() in the pipeline. If all
    are constant, look for the line of code that lost the values, such as an integer
    division or a cast to uint8.
    False alarm when: the values differ by less than the precision of their data type.
    Unless all columns are constant, this is a remark.
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
        """Count columns with a single value."""
        facts = row_facts(case, "n_constant", "n_columns")
        if (facts.n_rows or 0) < self.fewest_rows:
            raise NotApplicable(
                f"{tally(facts.n_rows or 0, 'training row')}; at least "
                f"{self.fewest_rows} are needed"
            )
        if not facts.n_constant:
            return None
        is_all = facts.n_constant == facts.n_columns
        return self.found(
            f"{facts.n_constant} of {facts.n_columns} columns "
            f"{'is' if facts.n_constant == 1 else 'are'} constant.",
            {
                "constant columns": (facts.n_constant, "columns"),
                "their numbers": (facts.constant_columns, ""),
            },
            "Find the line of code that lost the values, such as an integer division "
            "or a cast to uint8."
            if is_all
            else "Drop them with VarianceThreshold() in the pipeline, unless they are "
            "border pixels of images.",
            severity="error" if is_all else "info",
        )


class WeakInputVariation(Rule):
    """Columns vary little around a mean that is far from 0.

    Reads: the absolute mean of each column over its standard deviation, and the median
    of that ratio over the columns.
    Effect: the constant offset dominates the sum in every unit, so the variation is
    learned slowly or not at all.
    What to do: put StandardScaler() first in the pipeline, or set scale_columns="auto"
    of DenseClassifier. Both subtract the mean and divide by the standard deviation.
    False alarm when: the network learns well despite the offset. It is a remark unless
    the predictions are poor or, where these are not known, the ratio exceeds ten times
    the threshold.
    """

    code = "D05"
    name = "weak-input-variation"
    explains = ("unscaled-inputs", *LITTLE_LEARNED)
    reference = "LeCun et al., Efficient BackProp, 1998"
    largest_offset = 20.0

    def inspect(self, case: Case) -> Finding | None:
        """Compare means with standard deviations."""
        facts = row_facts(case, "offset")
        offset = facts.offset or 0.0
        if facts.is_token_ids or _is_normalized(case) or offset <= self.largest_offset:
            return None
        advice, params = _scaling(case)
        return self.found(
            f"The mean of a typical column is {offset:.0f} times its standard "
            "deviation.",
            {"mean over standard deviation": (offset, "")},
            f"Standardize the columns: {advice[0].lower()}{advice[1:]}",
            severity=_severity_by_harm(case, certain=offset > 10 * self.largest_offset),
            params=params,
        )


class UnscaledInputs(Rule):
    """Columns are far from unit scale, or differ widely in scale.

    Reads: the size of a typical column (its 1st or 99th percentile), the smallest and
    the largest standard deviation, the shares of dead and saturated units, and whether
    the network scores below a baseline model or no better than chance. From code and
    curves, it reads whether a scaler is there, and the loss relative to a guess.
    Effect: gradients grow with the inputs, so no single learning rate suits all
    weights.
    What to do: put StandardScaler() first in the pipeline, or set scale_columns="auto"
    of DenseClassifier. For images, divide by 255 or add a Rescaling(1/255) layer.
    False alarm when: the network can handle this scale and predicts poorly for another
    reason.
    """

    code = "D06"
    name = "unscaled-inputs"
    explains = (*LITTLE_LEARNED, "nonfinite-loss")
    reference = "LeCun et al., Efficient BackProp, 1998; UMLAUT InputNotNormalized"
    largest_size = 10.0
    certain_size = 100.0
    smallest_size = 0.1
    largest_ratio = 100.0
    stuck_share = 0.5  # of the units of the first layer
    lost_share = 0.9  # of the units of any layer
    largest_first_loss = 2.5  # times a guess, where only the code is known
    largest_initial_sd = 0.5  # of weights; larger ones explain that loss

    def inspect(self, case: Case) -> Finding | None:
        """Look for large, small and very different columns."""
        if case.rows is None and case.preparation is not None:
            return self._of_code(case)
        facts = row_facts(case, "typical_size", "largest_size")
        if facts.is_token_ids or _is_normalized(case):
            return None
        size = facts.typical_size or 0.0
        ratio = self._ratio(facts)
        what = self._what(facts, size, ratio)
        if what is None:
            return None
        advice, params = _scaling(case)
        return self.found(
            what,
            {
                "size of a typical column": (size, ""),
                "smallest standard deviation": (facts.smallest_std, ""),
                "its column": (facts.smallest_column, ""),
                "largest standard deviation": (facts.largest_std, ""),
                "column of the largest values": (facts.largest_column, ""),
            },
            f"{advice} For images, divide by 255." if not params else advice,
            params=params,
            severity="warning"
            if self._sticks(case)
            else _severity_by_harm(case, certain=size > self.certain_size),
        )

    def _of_code(self, case: Case) -> Finding | None:
        """Read whether the code scales the rows, and what the loss says of it."""
        need(
            case.preparation and case.preparation.is_scaled, "the scale of the rows is"
        )
        if case.preparation.is_scaled or _is_normalized(case):  # type: ignore[union-attr]
            return None
        sizes = [layer.initial_sd or 0.0 for layer in case.layers or ()]
        if max(sizes, default=0.0) > self.largest_initial_sd:
            raise NotApplicable("the large first weights explain a high loss, too")
        loss, guess = case.curves.get("loss"), uniform_guess(case)
        if loss is None or not len(loss) or guess is None:
            raise NotApplicable("the loss of a constant guess is not known")
        high = float(loss[0]) > self.largest_first_loss * guess
        if not high and not learned_nothing(case):
            return None
        return self.found(
            "The code does not scale the inputs, and the training loss "
            + ("begins far above a guess." if high else "ends no better than a guess."),
            {
                "training loss of the first epoch": (float(loss[0]), ""),
                "final training loss": (float(loss[-1]), ""),
                "loss of guessing all classes alike": (guess, ""),
            },
            "Put StandardScaler() first in the pipeline. For images, divide by 255.",
            severity="warning",
        )

    def _sticks(self, case: Case) -> bool:
        """Whether most units of the first layer, or nearly all of a layer, are stuck.

        Stuck units are dead or saturated, and large inputs are the usual reason.
        """
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
            return f"Values of a typical column reach {size:.3g}, which is far above 1."
        if ratio > self.largest_ratio:
            return (
                "The standard deviations of the columns differ by a factor of "
                f"{ratio:.3g}."
            )
        # Sparse columns are small by nature. The network can do without them as long
        # as a few columns have a usual size.
        if 0 < size < self.smallest_size and (facts.largest_size or 0) < 0.5:
            return f"Values of a typical column reach {size:.3g}, which is far below 1."
        return None


class CategoricalAsOrdinal(Rule):
    """Columns of category codes are used as quantities.

    Reads: three scores on the same rows: of the network, of a logistic regression, and
    of a logistic regression with the columns that look like codes one-hot encoded.
    Effect: the network treats code 7 as seven times code 1, although the order of codes
    means nothing.
    What to do: name these columns in categorical_features of DenseClassifier, encode
    them with OneHotEncoder in a ColumnTransformer, or give them an Embedding layer.
    False alarm when: the columns are true quantities with a nonlinear effect, which a
    wider network would learn.
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
        """Compare with a logistic regression that reads codes as categories."""
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
            f"With {tally(n_codes, 'column')} one-hot encoded, a logistic regression "
            f"scores at least {gain:.2f} higher than the network.",
            {
                "score of a one-hot logistic regression": (facts.one_hot_score, ""),
                "score of the network": (facts.network_score, ""),
                "score of a logistic regression": (facts.linear_score, ""),
                "columns of codes": (n_codes, "columns"),
            },
            "Name these columns in categorical_features of DenseClassifier, encode "
            "them with OneHotEncoder in a ColumnTransformer, or give them an Embedding "
            "layer.",
        )
