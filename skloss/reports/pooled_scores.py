"""Predictions on the test rows of all folds together, and their scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from skloss.diagnosis.words import tally
from skloss.record.group_names import groups_text
from skloss.reports.score_intervals import (
    METRICS,
    Score,
    of_counts,
    of_difference,
    of_group_difference,
    of_groups,
)

__all__ = ["GroupScore", "Pooled"]

_MOST_NAMED = 3
_MOST_ERRORS = 0.5  # so many of them are made by the groups that are named


@dataclass(frozen=True)
class GroupScore:
    """The rows of one group, and the errors of a classifier on them."""

    group: str
    n_rows: int
    n_positive: int
    n_missed: int
    n_false: int

    @property
    def n_errors(self) -> int:
        """Number of rows that are predicted wrongly."""
        return self.n_missed + self.n_false


@dataclass(frozen=True, eq=False)
class Pooled:
    """Class numbers that classifiers predicted for the test rows of all folds.

    Each row was predicted by the fit that has not seen it. The scores are those of all
    rows together, so that a fold with few positive rows counts as little as it tells.

    Parameters
    ----------
    truth : ndarray of int of shape (n,)
        True class numbers.
    predicted : dict of str to ndarray of int of shape (n,)
        Predicted class numbers of each classifier.
    n_classes : int
        Number of classes.
    positive : int or None
        Number of the positive class of two; None if there are more.
    groups : ndarray of shape (n,) or None
        Groups of the rows, such as patients.
    probabilities : dict of str to ndarray of float of shape (n,)
        Probability of the positive class of two, of those who have told it.
    group_name : str or None
        Name of the column of the groups.
    """

    truth: np.ndarray
    predicted: Mapping[str, np.ndarray]
    n_classes: int
    positive: int | None = None
    groups: np.ndarray | None = None
    probabilities: Mapping[str, np.ndarray] = field(default_factory=dict)
    group_name: str | None = None
    _scores: dict[str, dict[str, Score]] = field(default_factory=dict, repr=False)

    @property
    def n_groups(self) -> int:
        """Number of groups; 0 if they are not known."""
        return 0 if self.groups is None else len(np.unique(self.groups))

    @property
    def groups_text(self) -> str:
        """What the groups are called in a sentence."""
        return groups_text(self.group_name)

    def scores(self, who: str) -> dict[str, Score]:
        """Scores of one classifier, with intervals by groups or else by rows."""
        if who not in self._scores:
            tables, positive = self._tables(who), self._of_metrics
            by_rows = self.groups is None
            made = (
                of_counts(tables[0], positive)
                if by_rows
                else of_groups(tables, positive)
            )
            self._scores[who] = {name: made[name] for name in METRICS}
        return self._scores[who]

    def difference(self, who: str, other: str) -> Score:
        """Difference of the MCC of two classifiers, on the same draws."""
        positive = self._of_metrics
        if self.groups is not None:
            tables, others = self._tables(who), self._tables(other)
            return of_group_difference(tables, others, positive)["mcc"]
        joint = np.zeros((self.n_classes,) * 3)
        np.add.at(joint, (self.truth, self.predicted[who], self.predicted[other]), 1)
        return of_difference(joint, positive)["mcc"]

    def rival(self, who: str, *but: str) -> str | None:
        """Name of the best other classifier by MCC, of all but these."""
        others = [name for name in self.predicted if name not in (who, *but)]
        mcc = {name: self.scores(name)["mcc"].value for name in others}
        return max(mcc, key=mcc.__getitem__, default=None)

    def method(self) -> str:
        """Say what the scores are of, and what the intervals come from."""
        drawn = (
            f"a bootstrap of the {self.n_groups} {self.groups_text}"
            if self.groups is not None
            else "a stratified Bayesian bootstrap of the rows"
        )
        return (
            f"Each of the {len(self.truth):,} rows was predicted by a fit that has not "
            "seen it; the scores are those of all rows together. The brackets show "
            f"95 % intervals from {drawn}."
        )

    def without(self, groups: Iterable[str]) -> Pooled:
        """Return the predictions without the rows of some groups."""
        assert self.groups is not None  # noqa: S101 - for the type checker
        kept = ~np.isin(self.groups.astype(str), list(groups))
        predicted = {who: codes[kept] for who, codes in self.predicted.items()}
        chances = {who: one[kept] for who, one in self.probabilities.items()}
        rest = (
            self.n_classes,
            self.positive,
            self.groups[kept],
            chances,
            self.group_name,
        )
        return Pooled(self.truth[kept], predicted, *rest)

    def by_group(self, who: str) -> list[GroupScore]:
        """Errors in each group, those of the most errors first.

        Positive rows are those of the positive class, or of any class but the largest.
        """
        if self.groups is None:
            return []
        names = np.unique(self.groups)
        counts = self._tables(who)
        usual = self._usual
        found = []
        for name, table in zip(names.tolist(), counts, strict=True):
            of_usual = table[usual]
            n_rows, n_right = int(table.sum()), int(np.trace(table))
            n_false = int(of_usual.sum() - of_usual[usual])
            n_missed = n_rows - n_right - n_false
            n_positive = n_rows - int(of_usual.sum())
            found.append(GroupScore(str(name), n_rows, n_positive, n_missed, n_false))
        return sorted(found, key=lambda one: -one.n_errors)

    def limiting(self, who: str) -> list[GroupScore]:
        """Return the few groups that make most of the errors, if a few do."""
        groups = self.by_group(who)
        n_errors = sum(one.n_errors for one in groups)
        for n_named in range(1, min(_MOST_NAMED, (len(groups) - 1) // 2) + 1):
            named = groups[:n_named]
            if sum(one.n_errors for one in named) > _MOST_ERRORS * n_errors:
                return named
        return []

    def limits(self, who: str) -> str:
        """Say which groups make most of the errors; empty if no few of them do."""
        named = self.limiting(who)
        if not named:
            return ""
        n_errors = int((self.truth != self.predicted[who]).sum())
        share = sum(one.n_errors for one in named) / n_errors
        told = "; ".join(
            f"{one.group}: {one.n_missed:,} of {one.n_positive:,} positive rows "
            f"missed, {tally(one.n_false, 'false alarm')}"
            for one in named
        )
        called = "Group" if len(named) == 1 else "Groups"
        if self.group_name is not None:
            called = repr(self.group_name)
        names = " and ".join(one.group for one in named)
        if len(named) > 2:
            names = (
                ", ".join(one.group for one in named[:-1]) + f" and {named[-1].group}"
            )
        verb = "has" if len(named) == 1 else "have"
        of_all = f"of {self.n_groups} {verb} {share:.0%} of all errors"
        return f"{called} {names} {of_all} ({told})."

    @property
    def _usual(self) -> int:
        """The class that is not detected: the negative one, or the largest."""
        if self.positive is not None:
            return 1 - self.positive
        return int(np.bincount(self.truth, minlength=self.n_classes).argmax())

    @property
    def _of_metrics(self) -> int:
        return 1 if self.positive is None else self.positive

    def _tables(self, who: str) -> np.ndarray:
        """Confusion matrix of each group, or one of all rows, ``(n_groups, K, K)``."""
        codes = np.zeros(len(self.truth), int)
        if self.groups is not None:
            codes = np.unique(self.groups, return_inverse=True)[1]
        counts = np.zeros((codes.max(initial=0) + 1, self.n_classes, self.n_classes))
        np.add.at(counts, (codes, self.truth, self.predicted[who]), 1)
        return counts
