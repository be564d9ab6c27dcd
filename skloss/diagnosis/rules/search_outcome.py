"""Rules about the results of a search or a cross-validation."""

import numpy as np

from skloss.diagnosis.case import Case, SearchFacts
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule


def _facts(case: Case) -> SearchFacts:
    if case.search is None:
        raise NotApplicable("this is no search")
    return case.search


class SearchByAccuracy(Rule):
    """The winner was chosen by accuracy although most rows are of one class.

    Reads: the scoring of the search, and the class shares.
    Effect: always guessing the commonest class scores high, so the search picks
    networks that hardly predict the rare one.
    False alarm when: all errors cost the same and the shares are those of use.
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
            raise NotApplicable("scoring or class shares are not known")
        if facts.scoring != "accuracy" or part.majority_share < self.least_majority:
            return None
        return self.found(
            f"The search maximized accuracy, and always guessing the commonest class "
            f"has an accuracy of {part.majority_share:.3f}.",
            {
                "share of the commonest class": (part.majority_share, "of the rows"),
                "best accuracy": (facts.best_score, ""),
            },
            'Search with scoring="matthews_corrcoef", "f1" or "average_precision".',
        )


class BestAtEdge(Rule):
    """The best value of a parameter lies at the edge of its grid.

    Reads: the winner's values of numeric parameters with three values or more.
    Effect: a still better value may lie beyond.
    False alarm when: the edge is the end of the scale (dropout 0), or many candidates
    are tied.
    """

    code = "S02"
    name = "best-at-edge"
    severity = "info"
    reference = "tuning playbook; SKD014 to SKD016"

    def inspect(self, case: Case) -> Finding | None:
        """List parameters at an edge."""
        facts = _facts(case)
        if facts.edges is None:
            raise NotApplicable("the grid is not known")
        beyond = {k: v for k, v in facts.edges.items() if v.get("value") != 0}
        if not beyond:
            return None
        named = ", ".join(f"{k}={v['value']} ({v['side']})" for k, v in beyond.items())
        return self.found(
            f"The winner stands at the edge of the grid: {named}.",
            {f"{k}, {v['side']} tried": v["value"] for k, v in beyond.items()}
            | {"within a standard error of it": (facts.n_tied, "candidates")},
            "Widen the grid on that side.",
        )


class FoldsDisagree(Rule):
    """The winner's scores differ between folds by far more than their rows explain.

    Reads: the winner's score on every fold, and how many rare rows a fold has.
    Effect: the mean hides that some parts of the data are of another kind.
    False alarm when: folds have too few rare rows; hence the standard error.
    """

    code = "S03"
    name = "folds-disagree"
    reference = "skore, modified z-score of folds"
    least_range = 0.3
    errors = 5
    fewest_minority = 10

    def inspect(self, case: Case) -> Finding | None:
        """Compare the range of the scores with what chance gives."""
        facts = _facts(case)
        if not facts.fold_scores or facts.fold_minority is None:
            raise NotApplicable("scores or rows of the folds are not known")
        if facts.fold_minority < self.fewest_minority:
            raise NotApplicable(f"{facts.fold_minority} rare rows a fold")
        if not np.isfinite(facts.fold_scores).all():
            raise NotApplicable("the score is not finite in every fold")
        spread = float(np.ptp(facts.fold_scores))
        error = 1 / np.sqrt(2 * facts.fold_minority)
        if spread < max(self.least_range, self.errors * error):
            return None
        return self.found(
            f"The folds score from {min(facts.fold_scores):.2f} to "
            f"{max(facts.fold_scores):.2f}.",
            {"range of the scores": spread, "standard error of a score": error},
            "Look at the rows of the worst fold; keep groups together with "
            "StratifiedGroupKFold, and shuffle ordered rows.",
        )
