"""Rules about the training rows: conflicts, a leaking column, imbalance, size."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import row_facts
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally
from skloss.record import SplitMetrics


def _original(case: Case) -> SplitMetrics:
    """Return the class counts of the original rows, before any sampler."""
    part = case.unsampled
    if part is None or part.n_rows == 0:
        raise NotApplicable("the class counts of the training rows are not known")
    return part


class ConflictingLabels(Rule):
    """Equal rows have different labels.

    Reads: the share of rows that equal a row of another class, and the share of all
    duplicate rows.
    Effect: no model can predict both labels of two equal rows, so the score has an
    upper limit.
    What to do: list these rows with DataFrame.duplicated(keep=False). Correct their
    labels, drop them, or add a column that distinguishes them.
    False alarm when: the columns have few distinct values, so that equal rows occur by
    chance.
    """

    code = "D08"
    name = "conflicting-labels"
    explains = ("plateau-above-floor", "underfit")
    reference = "Deepchecks ConflictingLabels; TheDeepChecker"
    least_share = 0.01
    alarming_share = 0.05
    coarse_share = 0.3  # of duplicate rows, above which they are equal by chance

    def inspect(self, case: Case) -> Finding | None:
        """Compare the share of equal rows with different labels."""
        facts = row_facts(case, "conflict_share", "duplicate_share")
        share = facts.conflict_share or 0.0
        if share <= self.least_share:
            return None
        is_coarse = (facts.duplicate_share or 0.0) > self.coarse_share
        is_alarm = share > self.alarming_share and not is_coarse
        return self.found(
            f"{share:.1%} of the training rows equal a row of another class.",
            {
                "rows equal to a row of another class": (share, "of the rows"),
                "duplicate rows": (facts.duplicate_share, "of the rows"),
            },
            "List these rows with DataFrame.duplicated(keep=False). Correct their "
            "labels, drop them, or add a column that distinguishes them.",
            severity="warning" if is_alarm else "info",
        )


class LabelNoise(Rule):
    """Some labels are probably wrong, also those of the easiest rows.

    Reads: how often trees are wrong about rows that they were not fitted on, in the
    fifth of the rows that they are surest of, and in the next fifth.
    Effect: no network can learn a wrong label, and ten percent of them cost more than
    most imbalance does. Validation scores are too low by as much.
    What to do: list the suspicious rows with skloss.label_issues(classifier, X, y), and
    look at them before you correct or drop any.
    False alarm when: the same rows mean different things for a reason that no column
    knows. Where classes overlap, the surest rows are wrong less often than the next.
    This is always a remark, never an alarm.
    """

    code = "D21"
    name = "label-noise"
    severity = "info"
    reference = "Northcutt et al., Confident learning, JAIR 70 (2021)"
    least_score = 0.45  # of the trees: below it no row is easy
    least_share = 0.04  # by two standard errors
    least_evenness = 0.7  # of the two shares: overlap makes the second one larger
    fewest_easy = 50

    def inspect(self, case: Case) -> Finding | None:
        """Ask for errors that do not get fewer where the rows are easy."""
        facts = row_facts(case, "easiest_wrong", "tree_score")
        n, first, second = facts.easiest_wrong or (0, 0.0, 0.0)
        if n < self.fewest_easy:
            raise NotApplicable(f"a fifth of the rows has only {tally(n, 'row')}")
        error = (first * (1 - first) / n) ** 0.5
        is_even = first >= self.least_evenness * second
        is_learned = (facts.tree_score or 0.0) > self.least_score
        if not (is_learned and is_even and first - 2 * error > self.least_share):
            return None
        return self.found(
            f"Trees are wrong about {first:.0%} of the rows that they are surest of, "
            f"and about {second:.0%} of the next ones: some labels are probably wrong.",
            {
                "wrong in the surest fifth": (first, "of the rows"),
                "wrong in the next fifth": (second, "of the rows"),
                "score of extra trees": facts.tree_score,
            },
            "List the suspicious rows with skloss.label_issues(classifier, X, y), and "
            "look at them.",
        )


class GoldenFeature(Rule):
    """A single column almost separates the classes.

    Reads: the ROC AUC of the best single column.
    Effect: such a column is often recorded after the event (target leakage), and is not
    available when the model is used.
    What to do: find out when this column is recorded. Drop it if that is after the
    moment of the prediction.
    False alarm when: the task is really that easy. This is always a remark, never an
    alarm.
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
            n_minority = _original(case).n_minority
            raise NotApplicable(
                f"{tally(n_minority, 'row')} of the smallest class; at least "
                f"{self.fewest_minority} are needed"
            )
        if (facts.n_columns or 0) < self.fewest_columns:
            raise NotApplicable("there is only one column")
        if (facts.best_column_auc or 0.0) < self.least_auc:
            return None
        return self.found(
            f"Column {facts.best_column} alone separates the classes with a ROC AUC "
            f"of {facts.best_column_auc:.3f}.",
            {"ROC AUC": (facts.best_column_auc, ""), "column": (facts.best_column, "")},
            "Check that this column is known at the time of a prediction; drop it "
            "otherwise.",
        )


class Imbalance(Rule):
    """One class is much rarer than another.

    Reads: the class counts of the original rows, before any sampler.
    Effect: none by itself. Accuracy says little, and the decision threshold matters.
    What to do: score by MCC or average precision instead of accuracy, and tune the
    threshold with TunedThresholdClassifierCV.
    False alarm when: never, as this is always a remark and no alarm.
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
            raise NotApplicable("there is only one class")
        share = float(counts.min() / (counts.min() + counts.max()))
        if share >= self.least_share:
            return None
        return self.found(
            f"The smallest class has {tally(int(counts.min()), 'row')}, the largest "
            f"{counts.max()}.",
            {
                "smallest class": (int(counts.min()), "rows"),
                "largest class": (int(counts.max()), "rows"),
            },
            'Score with scoring="matthews_corrcoef" or "average_precision", and tune '
            "the threshold with TunedThresholdClassifierCV.",
        )


class TinyDataset(Rule):
    """There are very few training rows.

    Reads: the class counts of the original rows, before any sampler.
    Effect: scores are uncertain, and a network can memorize the rows.
    What to do: score with RepeatedStratifiedKFold, and compare with LogisticRegression.
    False alarm when: never, as this is always a remark and no alarm.
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
            f"There are only {tally(part.n_rows, 'training row')}, {least} of the "
            "smallest class."
            if part.n_rows < self.fewest_rows
            else f"The smallest class has only {tally(least, 'training row')}.",
            {
                "training rows": (part.n_rows, "rows"),
                "smallest class": (least, "rows"),
            },
            "Score with RepeatedStratifiedKFold, and compare with LogisticRegression.",
        )
