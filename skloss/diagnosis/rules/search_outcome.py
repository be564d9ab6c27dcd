"""Rules about the results of a search or a cross-validation."""

import numpy as np

from skloss.diagnosis.case import Case, SearchFacts
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally


def _facts(case: Case) -> SearchFacts:
    if case.search is None:
        raise NotApplicable("there are no results of a search")
    return case.search


class SearchByAccuracy(Rule):
    """The search selected by accuracy, although most rows belong to one class.

    Reads: the scoring of the search, and the class shares.
    Effect: a constant guess scores high, so the search prefers networks that hardly
    ever predict the rare class.
    What to do: pass scoring="matthews_corrcoef", "f1" or "average_precision" to
    GridSearchCV.
    False alarm when: all errors cost the same, and the class shares are those of later
    use.
    """

    code = "S01"
    name = "search-by-accuracy"
    reference = "SKD004; SageMaker Debugger 10:1"
    least_majority = 0.8

    def inspect(self, case: Case) -> Finding | None:
        """Ask for accuracy and imbalance."""
        facts = _facts(case)
        part = case.unsampled
        if facts.scoring is None or part is None:
            raise NotApplicable("the scoring or the class shares are not known")
        if facts.scoring != "accuracy" or part.majority_share < self.least_majority:
            return None
        return self.found(
            f"The search maximized accuracy, but a constant guess already has an "
            f"accuracy of {part.majority_share:.3f}.",
            {
                "share of the largest class": (part.majority_share, "of the rows"),
                "best accuracy of the search": (facts.best_score, ""),
            },
            'Pass scoring="matthews_corrcoef", "f1" or "average_precision" to the '
            "search.",
        )


class BestAtEdge(Rule):
    """The best value of a parameter lies at the edge of its grid.

    Reads: the best values of numeric parameters with at least three values in the grid.
    Effect: a better value may lie beyond the edge.
    What to do: add values beyond that edge to param_grid, and search again.
    False alarm when: the edge is the end of the scale (dropout=0), or many candidates
    score about the same. This is always a remark.
    """

    code = "S02"
    name = "best-at-edge"
    severity = "info"
    reference = "tuning playbook; SKD014 to SKD016"

    def inspect(self, case: Case) -> Finding | None:
        """List the parameters at an edge of the grid."""
        facts = _facts(case)
        if facts.edges is None:
            raise NotApplicable("the grid is not known")
        beyond = {k: v for k, v in facts.edges.items() if v.get("value") != 0}
        if not beyond:
            return None
        named = ", ".join(f"{k}={v['value']} ({v['side']})" for k, v in beyond.items())
        return self.found(
            f"The best candidate lies at the edge of the grid: {named}.",
            {f"{k}, {v['side']} in the grid": v["value"] for k, v in beyond.items()}
            | {"within one standard error of the best": (facts.n_tied, "candidates")},
            "Add values beyond that edge to param_grid, and search again.",
        )


class FoldsDisagree(Rule):
    """The scores of the folds differ far more than chance explains.

    Reads: the score of the best candidate on each fold, and how many rare rows a fold
    has.
    Effect: the mean score hides that some folds contain another kind of rows.
    What to do: look at the rows of the worst fold. Keep groups together with
    StratifiedGroupKFold, and set shuffle=True for ordered rows.
    False alarm when: folds have too few rare rows. Therefore the range must exceed five
    standard errors.
    """

    code = "S03"
    name = "folds-disagree"
    reference = "skore, modified z-score of folds"
    least_range = 0.3
    errors = 5
    fewest_minority = 20  # five standard errors exceed the range of scores below 13

    def inspect(self, case: Case) -> Finding | None:
        """Compare the range of the scores with that of chance."""
        facts = _facts(case)
        if not facts.fold_scores or facts.fold_minority is None:
            raise NotApplicable("the scores or the rows of the folds are not known")
        if facts.fold_minority < self.fewest_minority:
            raise NotApplicable(
                f"{tally(facts.fold_minority, 'row')} of the smallest class per fold; "
                f"at least {self.fewest_minority} are needed"
            )
        if not np.isfinite(facts.fold_scores).all():
            raise NotApplicable("the score is not finite in every fold")
        spread = float(np.ptp(facts.fold_scores))
        error = 1 / np.sqrt(2 * facts.fold_minority)
        if spread < max(self.least_range, self.errors * error):
            return None
        fix = (
            "Look at the groups of the worst fold, and collect more groups like them."
            if case.holdout_groups == "kept"
            else "Look at the rows of the worst fold. Keep groups together with "
            "StratifiedGroupKFold, and set shuffle=True for ordered rows."
        )
        return self.found(
            f"The scores of the folds range from {min(facts.fold_scores):.2f} to "
            f"{max(facts.fold_scores):.2f}.",
            {"range of the scores": spread, "standard error of a score": error},
            fix,
        )


class PenaltyAtEnd(Rule):
    """The penalty of a regression was chosen at the end of its range.

    Reads: the validation loss over the penalties of a RocketClassifier, which of them
    was chosen, and the loss of guessing the class shares.
    Effect: at the strong end the features tell next to nothing of unseen rows. At the
    weak end nothing holds the regression back, and a still weaker penalty may be
    better; unseen rows that are akin to the others make it look so.
    What to do: at the strong end check that labels and rows belong together, and try
    scale_series=None and more rows. At the weak end pass groups to fit where several
    rows come from one person, machine or day.
    False alarm when: the loss is nearly the same for the penalties beside. This is
    always a remark.
    """

    code = "S04"
    name = "penalty-at-end"
    severity = "info"
    reference = "tuning playbook"
    guess = 0.98  # of the loss of a guess: no better than it

    def inspect(self, case: Case) -> Finding | None:
        """See whether the first or the last penalty was chosen."""
        facts = case.penalties
        if facts is None or facts.chosen is None or len(facts.values) < 2:
            raise NotApplicable("no penalty was chosen among several")
        chosen = facts.chosen
        if chosen not in (0, len(facts.values) - 1):
            return None
        loss = beside = None
        if len(facts.losses) == len(facts.values):
            loss, beside = facts.losses[chosen], facts.losses[abs(chosen - 1)]
        part = case.unsampled
        guess = None if part is None else part.entropy
        end, fix = self._weak(case) if chosen else self._strong(loss, guess)
        return self.found(
            f"{end} of {len(facts.values)} penalties was chosen.",
            {
                "penalty": facts.values[chosen],
                "validation loss at the class shares of training": (loss, "nats"),
                "the same at the penalty beside": (beside, "nats"),
                "loss of guessing these shares": (guess, "nats"),
            },
            fix,
        )

    def _strong(self, loss: float | None, guess: float | None) -> tuple[str, str]:
        fix = (
            "Try scale_series=None, which keeps the level and the amplitude of the "
            "series, and more rows."
        )
        if loss is not None and guess is not None and loss >= self.guess * guess:
            fix = (
                "Unseen rows are predicted no better than by the class shares: check "
                f"that labels and rows belong together. {fix}"
            )
        return "The strongest", fix

    def _weak(self, case: Case) -> tuple[str, str]:
        if case.holdout_groups == "kept" or case.holdout in ("given", "pipeline"):
            return "The weakest", (
                "Set n_kernels higher: the regression may use more features than it "
                "has. If the loss at the penalty beside is the same, leave it."
            )
        return "The weakest", (
            "Where several rows come from one person, machine or day, pass groups to "
            "fit: such rows make each other easy. If there are none, and the loss at "
            "the penalty beside is the same, leave it."
        )
