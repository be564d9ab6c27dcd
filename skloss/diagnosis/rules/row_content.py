"""Rules about what rows can teach: conflicts, a telling column, rare classes."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import row_facts
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.record import SplitMetrics


def _original(case: Case) -> SplitMetrics:
    """Class counts before any sampler."""
    part = case.unsampled
    if part is None or part.n_rows == 0:
        raise NotApplicable("the class counts of the training rows are not known")
    return part


class ConflictingLabels(Rule):
    """Equal rows have different labels.

    Reads: the share of rows that equal a row of another class, and that of all repeated
    rows.
    Effect: nothing can predict both labels; the score has a ceiling.
    False alarm when: rows are coarse, so that equal ones meet by chance.
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
        facts = row_facts(case, "conflict_share", "duplicate_share")
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
    Effect: such a column is often known only after the fact, and missing in use.
    False alarm when: the task is that easy.
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
        facts = row_facts(case, "best_column_auc", "n_columns")
        if _original(case).n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{_original(case).n_minority} rows of the smallest class"
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
    Effect: nothing by itself; accuracy says little, and the threshold matters.
    False alarm when: never more than context.
    """

    code = "D10"
    name = "imbalance"
    severity = "info"
    reference = "skore issue 2666: context, not a fault"
    least_share = 0.1

    def inspect(self, case: Case) -> Finding | None:
        """Compare the smallest class with the largest."""
        counts = _original(case).present
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
    Effect: scores are uncertain, and a network can learn the rows by heart.
    False alarm when: never more than context.
    """

    code = "D11"
    name = "tiny-dataset"
    severity = "info"
    reference = "Google deep learning tuning playbook"
    fewest_rows = 100
    fewest_minority = 20

    def inspect(self, case: Case) -> Finding | None:
        """Count the rows."""
        part = _original(case)
        least = int(part.present.min())
        if part.n_rows >= self.fewest_rows and least >= self.fewest_minority:
            return None
        return self.found(
            f"There are {part.n_rows} training rows, {least} of the smallest class.",
            {"rows": (part.n_rows, "rows"), "smallest class": (least, "rows")},
            "Judge by repeated cross-validation, and compare with a linear model.",
        )
