"""Rules about limits of the score: the network, the columns, or too few rows."""

from typing import Any

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import (
    LOWER_PENALTIES,
    beats_a_guess,
    fitted_part,
    is_penalized,
    shortfall,
    strong_penalties,
    training_loss,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally
from skloss.record import SplitMetrics


class Underfit(Rule):
    """A baseline model scores higher than the network on the same rows.

    Reads: the score of the network (MCC at its best threshold, or balanced accuracy)
    and the scores of a logistic regression and of extra trees. Without these, it reads
    whether the network predicts its own training rows better than chance.
    Effect: the network has not learned what the columns can tell.
    What to do: put StandardScaler() first in the pipeline, then raise epochs, try
    another learning_rate, and add units. With a strong weight penalty, lower l1 and l2
    to 1e-4 or less.
    False alarm when: trees suit the columns better than networks do. Then the gap is
    small.
    """

    code = "G04"
    name = "underfit"
    explains = ("loss-at-constant-guess", "plateau-above-floor")
    reference = "SKD002, SKD009; Karpathy's baselines"
    most_behind_linear = 0.1  # in the score
    most_behind_trees = 0.25
    most_own = 0.8  # MCC on the training rows: above it they are fitted well

    @classmethod
    def is_found(cls, case: Case) -> bool:
        """Whether the rule can be assessed and finds something."""
        try:
            return cls().inspect(case) is not None
        except NotApplicable:
            return False

    def inspect(self, case: Case) -> Finding | None:
        """Compare with baseline models or, without them, with chance."""
        if case.task in ("regression", "multilabel"):
            raise NotApplicable(f"the task is {case.task}")
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
        best = "A logistic regression scores" if linear > trees else "Extra trees score"
        return self.found(
            f"{best} {max(linear, trees):.2f}, the network only {own:.2f} "
            f"({_score(part)}).{_of_penalty(case)}",
            {
                "score of the network": own,
                "score of a logistic regression": linear,
                "score of extra trees": trees,
                "standard error": error,
                "MCC on the training rows": (part.mcc, ""),
            },
            fix,
            params=params,
        )

    @staticmethod
    def _fix(case: Case) -> tuple[str, dict[str, Any]]:
        if is_penalized(case):
            return LOWER_PENALTIES
        fix = (
            "Put StandardScaler() first in the pipeline, then raise epochs, try "
            "another learning_rate, and add units."
        )
        return fix, {}

    def _by_guess(self, case: Case, part: SplitMetrics) -> Finding | None:
        if part.n_minority < 10:
            raise NotApplicable(
                f"{tally(part.n_minority, 'row')} of the smallest class; at least 10 "
                "are needed"
            )
        if beats_a_guess(part) is not False:
            return None
        fix, params = self._fix(case)
        return self.found(
            f"The network predicts its own training rows no better than chance "
            f"(MCC {part.mcc:.2f}).{_of_penalty(case)}",
            {"MCC": (part.mcc, ""), "standard error": (part.mcc_error, "")},
            fix,
            params=params,
        )


def _of_penalty(case: Case) -> str:
    """Name a penalty that is too strong, as the likely cause."""
    rates = [f"{name}={rate:g}" for name, rate in strong_penalties(case).items()]
    if len(rates) > 1:
        return f" The penalties {' and '.join(rates)} keep its weights near zero."
    return f" The penalty {rates[0]} keeps its weights near zero." if rates else ""


class PlateauAboveFloor(Rule):
    """The training loss has settled above the level that these rows allow.

    Reads: the last third of the training loss, and by how much a baseline model beats
    the network.
    Effect: more epochs will not help, since something limits the network.
    What to do: add units or layers, raise learning_rate, or put StandardScaler() first
    in the pipeline.
    False alarm when: the loss is flat because the learning rate decayed to 0. This is
    always a remark.
    """

    code = "G07"
    name = "plateau-above-floor"
    severity = "info"
    reference = "tuning playbook"
    most_fall = 0.01  # relative, over the last third
    fewest_epochs = 9

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a flat curve and a better baseline model."""
        fall = _late_fall(case, self.fewest_epochs)
        behind = shortfall(case)
        if behind is None or abs(fall) > self.most_fall:
            return None
        return self.found(
            f"The training loss changed by only {100 * abs(fall):.2g}% in the last "
            f"third of the epochs, and a baseline model scores {behind:.2f} higher.",
            {
                "fall in the last third": (fall, "of the loss"),
                "score below the best baseline model": behind,
            },
            "Add units or layers, raise learning_rate, or put StandardScaler() first "
            "in the pipeline.",
        )


def _score(part: SplitMetrics) -> str:
    """Name the score that models are compared by."""
    if len(part.counts) == 2:
        return "MCC at the best threshold"
    return "mean recall, scaled so that chance is 0"


def _late_fall(case: Case, fewest: int) -> float:
    """Return the relative fall of the training loss over its last third."""
    curve = training_loss(case)
    if len(curve) < fewest or not np.isfinite(curve).all():
        raise NotApplicable(f"fewer than {fewest} epochs with a finite loss")
    part = len(curve) // 3
    before = float(np.median(curve[-part - 2 : -part + 1]))
    return 1 - float(np.median(curve[-3:])) / max(before, 1e-12)


class PlateauAtFloor(Rule):
    """The training loss has settled, and baseline models score no higher.

    Reads: the last third of the training loss, and the scores of baseline models on the
    same rows.
    Effect: none on this network. More epochs, units or tuning would be wasted.
    What to do: add informative columns or more rows instead of tuning the network.
    False alarm when: a different kind of model could learn more from these rows. This
    is always a remark.
    """

    code = "G08"
    name = "plateau-at-floor"
    severity = "info"
    reference = "Bayes error"
    most_fall = 0.01
    fewest_epochs = 9
    most_score = 0.95  # above it there is hardly an error left

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a flat curve and no better baseline model."""
        fall = _late_fall(case, self.fewest_epochs)
        behind = shortfall(case)
        own = case.rows.network_score if case.rows else None
        if behind is not None or abs(fall) > self.most_fall or own is None:
            return None
        if own > self.most_score:
            return None
        return self.found(
            f"The training loss has settled, and no baseline model scores higher than "
            f"the network ({own:.2f}): this is about the limit of these columns.",
            {
                "fall in the last third": (fall, "of the loss"),
                "score of the network": own,
                **_lowest_error(case),
            },
            "Add informative columns or more rows instead of tuning the network.",
        )


def _lowest_error(case: Case) -> dict[str, Any]:
    """Return the errors of the network and of the best that `error_floor` expects."""
    found = None if case.rows is None else case.rows.lowest_error
    if found is None:
        return {}
    low, error, high = found
    part = case.val if case.val is not None else case.unsampled
    own = None if part is None or part.accuracy is None else 1 - part.accuracy
    return {
        "error of the network": (own, "of the rows"),
        "estimated lowest error": (error, "of the rows"),
        "bounds of the lowest error": ((low, high), "of the rows"),
    }


class TooLittleData(Rule):
    """A baseline model still improves with every added row.

    Reads: the scores of a logistic regression on a quarter, a half and all of the rows.
    Effect: more rows would help more than another network.
    What to do: collect more rows, of the rare class first.
    False alarm when: the rise is noise from few rows. Therefore it must exceed two
    standard errors. This is always a remark.
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
            raise NotApplicable("no baseline model was fitted on parts of the rows")
        (half, before, _), (all_rows, after, error) = facts.linear_scores_by_size[-2:]
        if after - before < max(self.least_rise, 2 * error):
            return None
        return self.found(
            f"A logistic regression scores {before:.2f} with {half:,} rows and "
            f"{after:.2f} with {all_rows:,} rows.",
            {"gain in the score": after - before, "standard error": error},
            "Collect more rows, of the rare class first.",
        )
