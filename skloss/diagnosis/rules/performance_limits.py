"""Rules about limits: of the network, of the rows, and of the task itself."""

from typing import Any

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import (
    beats_a_guess,
    fitted_part,
    is_penalized,
    shortfall,
    training_loss,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.record import SplitMetrics


class Underfit(Rule):
    """A simple learner does better than the network on the same rows.

    Reads: the network's score (MCC at its best threshold, or balanced accuracy) beside
    those of a logistic regression and of trees; without them, whether the training rows
    themselves are predicted better than by a guess.
    Effect: the network has not learned what is there to be learned.
    False alarm when: trees simply suit the columns better; then it is a matter of
    degree.
    """

    code = "G04"
    name = "underfit"
    explains = ("loss-at-constant-guess", "plateau-above-floor")
    reference = "SKD002, SKD009; Karpathy's baselines"
    most_behind_linear = 0.1  # in the score
    most_behind_trees = 0.25
    most_own = 0.8  # score on the training rows: beyond it they are fitted

    def inspect(self, case: Case) -> Finding | None:
        """Compare with other learners, or with a guess."""
        if case.task in ("regression", "multilabel"):
            raise NotApplicable("not a classification into one of several classes")
        part = fitted_part(case)
        try:
            shortfall(case)
        except NotApplicable:
            return self._by_guess(case, part)
        facts = case.rows
        if facts is None or part.mcc is None or part.mcc > self.most_own:
            return None
        own, error = facts.network_score or 0.0, facts.score_error or 0.0
        linear, trees = facts.linear_score or 0.0, facts.tree_score or 0.0
        behind_linear = linear - own > max(self.most_behind_linear, 2 * error)
        behind_trees = trees - own > max(self.most_behind_trees, 3 * error)
        if not behind_linear and not behind_trees:
            return None
        fix, params = self._fix(case)
        best = "a logistic regression scores" if linear > trees else "trees score"
        return self.found(
            f"{best.capitalize()} {max(linear, trees):.2f} where the network scores "
            f"{own:.2f} ({_score(part)}).",
            {
                "score of the network": own,
                "score of a logistic regression": linear,
                "score of trees": trees,
                "standard error": error,
                "MCC on the training rows": (part.mcc, ""),
            },
            fix,
            params=params,
        )

    @staticmethod
    def _fix(case: Case) -> tuple[str, dict[str, Any]]:
        if is_penalized(case):
            fix = "Lower the penalty on the weights to 1e-4 or less."
            return fix, {"l1": 0.0, "l2": 1e-4}
        return "Scale the inputs, train longer or at another rate, then add units.", {}

    def _by_guess(self, case: Case, part: SplitMetrics) -> Finding | None:
        if part.n_minority < 10:
            raise NotApplicable(f"{part.n_minority} rows of the smallest class")
        if beats_a_guess(part) is not False:
            return None
        fix, params = self._fix(case)
        return self.found(
            f"The training rows themselves are predicted no better than by a guess "
            f"(MCC {part.mcc:.2f}).",
            {"MCC": (part.mcc, ""), "standard error": (part.mcc_error, "")},
            fix,
            params=params,
        )


class PlateauAboveFloor(Rule):
    """The training loss stands still above what these rows allow.

    Reads: the last third of the training loss, and by how much a simple learner beats
    the network.
    Effect: more epochs will not help; something limits the network.
    False alarm when: a learning rate that went to zero made it stand still.
    """

    code = "G07"
    name = "plateau-above-floor"
    severity = "info"
    reference = "tuning playbook"
    most_fall = 0.01  # relative, over the last third
    fewest_epochs = 9

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a flat curve and a better learner."""
        fall = _late_fall(case, self.fewest_epochs)
        behind = shortfall(case)
        if behind is None or abs(fall) > self.most_fall:
            return None
        return self.found(
            f"The training loss fell by {100 * fall:.2g}% over its last third, and a "
            f"simple learner still scores {behind:.2f} more.",
            {"fall": (fall, "of the loss"), "score behind": behind},
            "Add units or layers, raise the learning rate, or scale the inputs.",
        )


def _score(part: SplitMetrics) -> str:
    """Say what learners are compared by."""
    if len(part.counts) == 2:
        return "MCC at the best threshold"
    return "mean recall, 0 for a guess"


def _late_fall(case: Case, fewest: int) -> float:
    curve = training_loss(case)
    if len(curve) < fewest or not np.isfinite(curve).all():
        raise NotApplicable(f"fewer than {fewest} epochs with a finite loss")
    part = len(curve) // 3
    before = float(np.median(curve[-part - 2 : -part + 1]))
    return 1 - float(np.median(curve[-3:])) / max(before, 1e-12)


class PlateauAtFloor(Rule):
    """The training loss stands still where other learners do no better.

    Reads: the last third of the training loss, and other learners on the same rows.
    Effect: nobody; but more epochs, units or tuning are wasted.
    False alarm when: all of these learners lack what the rows would allow another one.
    """

    code = "G08"
    name = "plateau-at-floor"
    severity = "info"
    reference = "Bayes error; seed question on plateaus"
    most_fall = 0.01
    fewest_epochs = 9
    most_score = 0.95  # beyond it there is no floor to speak of

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a flat curve and no better learner."""
        fall = _late_fall(case, self.fewest_epochs)
        behind = shortfall(case)
        own = case.rows.network_score if case.rows else None
        if behind is not None or abs(fall) > self.most_fall or own is None:
            return None
        if own > self.most_score:
            return None
        return self.found(
            f"The training loss stands still, and no simple learner scores more than "
            f"the network's {own:.2f}: this is about what these columns can tell.",
            {"fall": (fall, "of the loss"), "score of the network": own},
            "Look for better columns or more rows rather than for another network.",
        )


class TooLittleData(Rule):
    """A simple learner still gets better with every row that is added.

    Reads: scores of a logistic regression on a quarter, a half and all of the rows.
    Effect: more rows would help more than another network.
    False alarm when: the rise is the noise of few rows; hence the standard error.
    """

    code = "G15"
    name = "too-little-data"
    severity = "info"
    reference = "scikit-learn's learning curves"
    least_rise = 0.03

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a rise from half of the rows to all, beyond chance."""
        facts = case.rows
        if facts is None or len(facts.linear_scores_by_size) < 2:
            raise NotApplicable("no learner was measured on parts of the rows")
        (half, before, _), (all_rows, after, error) = facts.linear_scores_by_size[-2:]
        if after - before < max(self.least_rise, 2 * error):
            return None
        return self.found(
            f"A logistic regression scores {before:.2f} with {half:,} rows and "
            f"{after:.2f} with {all_rows:,}.",
            {"gain in the score": after - before, "standard error": error},
            "Get more rows, of the rare class first.",
        )
