"""The path of a repair: which fix is tried next, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from skloss.diagnosis import Diagnosis, Finding
from skloss.diagnosis.fixes import Fix, fixes_of
from skloss.readers import diagnose
from skloss.record import TrainingRecord
from skloss.record.find import NotFoundError, find_record
from skloss.repairs.changes import Change, change_of
from skloss.repairs.paired_scores import (
    Folds,
    FoldScores,
    Gain,
    NotScoredError,
    compared,
)
from skloss.repairs.result import Trial
from skloss.repairs.translation import CannotApplyError

__all__ = ["Path"]


@dataclass(frozen=True)
class Proposal:
    """Changes that are scored together, and the findings that advise them."""

    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]

    @property
    def estimator(self) -> Any:
        """The estimator with all changes."""
        return self.changes[-1].estimator

    @property
    def line(self) -> str:
        """The lines of all changes."""
        return "\n".join(change.line for change in self.changes)

    @property
    def imports(self) -> tuple[str, ...]:
        """The lines to stand before them."""
        lines = (line for change in self.changes for line in change.imports)
        return tuple(dict.fromkeys(lines))


@dataclass(frozen=True)
class Place:
    """An estimator on the path: its diagnosis, and what has led here unconfirmed."""

    estimator: Any
    diagnosis: Diagnosis
    record: TrainingRecord | None
    proposal: Proposal | None = None

    def with_change(self, finding: Finding, change: Change) -> Proposal:
        """Add a change to the unconfirmed ones."""
        if self.proposal is None:
            return Proposal((finding,), (change,))
        before = self.proposal
        return Proposal((*before.findings, finding), (*before.changes, change))


@dataclass
class Path:
    """Trials so far, the best estimator, and the place whose findings are looked at."""

    folds: Folds
    estimator: Any
    trials: list[Trial] = field(default_factory=list)
    not_applied: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.best = self.first = self.here = self._place(self.estimator)
        self.scores = self.first_scores = FoldScores(self.folds, self.estimator)
        self._tried: set[str] = set()
        self._promising: list[tuple[float, Proposal]] = []

    def go_on(self, max_trials: int) -> None:
        """Try fix after fix, and begin again with a new diagnosis when one is kept."""
        while len(self.trials) < max_trials:
            proposal = self._single() or self._together()
            if proposal is not None:
                self._try(proposal)
            elif not self._lean_on_promise():
                return

    def both_scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of the given and of the best estimator, on equal folds."""
        n = len(self.scores.known)
        return self.first_scores.of_first(n), self.scores.of_first(n)

    def _single(self) -> Proposal | None:
        """Propose the first fix that was not tried yet."""
        for finding, fix in _advised(self.here.diagnosis):
            try:
                change = change_of(self.here.estimator, fix, self.here.diagnosis.case)
            except CannotApplyError as reason:
                self.not_applied.setdefault(finding.name, str(reason))
                continue
            proposal = self.here.with_change(finding, change)
            if proposal.line not in self._tried:
                return proposal
        return None

    def _together(self) -> Proposal | None:
        """Propose the first fix of every cause, one after the other."""
        place, n = self.here, 0
        for cause in filter(_is_alarm, self.here.diagnosis.findings):
            for fix in fixes_of(cause, place.diagnosis.case):
                with suppress(CannotApplyError):
                    change = change_of(place.estimator, fix, place.diagnosis.case)
                    proposal = place.with_change(cause, change)
                    known = place.diagnosis, place.record
                    place, n = Place(change.estimator, *known, proposal), n + 1
                    break
        proposal_of_all = place.proposal
        if n < 2 or proposal_of_all is None or proposal_of_all.line in self._tried:
            return None
        return proposal_of_all

    def _lean_on_promise(self) -> bool:
        """Look at the findings behind the fix that gained most without being kept.

        A fix that no fold has seen counts, too: the next one may need it.
        """
        if not self._promising:
            return False
        chosen = max(self._promising, key=lambda pair: pair[0])
        self._promising.remove(chosen)
        self.here = self._place(chosen[1].estimator, chosen[1])
        return True

    def _try(self, proposal: Proposal) -> None:
        self._tried.add(proposal.line)
        started = time.perf_counter()
        scores = FoldScores(self.folds, proposal.estimator)
        gain, kept, problem = None, False, ""
        try:
            gain, kept = compared(self.scores, scores)
        except NotScoredError as reason:
            problem = str(reason)
        before = self.scores.of_first(len(scores.known) or self.folds.looks[0])
        trial = Trial(
            rule=" + ".join(found.name for found in proposal.findings),
            code=" + ".join(found.code for found in proposal.findings),
            why=" ".join(found.title for found in proposal.findings),
            line=proposal.line,
            imports=proposal.imports,
            estimator=clone(proposal.estimator),
            n_folds=len(scores.known),
            before=float(before.mean()),
            after=None if problem else float(np.mean(scores.known)),
            gain=gain,
            kept=kept,
            seconds=time.perf_counter() - started,
            problem=problem,
        )
        self.trials.append(trial)
        if kept:
            self.scores = scores
            self._tried, self._promising = {proposal.changes[-1].line}, []
            self.best = self.here = self._place(proposal.estimator)
        elif gain is not None and (gain.mean > 0 or _is_unseen(gain)):
            self._promising.append((gain.mean, proposal))

    def _place(self, estimator: Any, proposal: Proposal | None = None) -> Place:
        fitted = self.folds.fit_on_all(estimator)
        diagnosis = diagnose(fitted, self.folds.X, self.folds.y)
        return Place(estimator, diagnosis, _record_of(fitted), proposal)


def _advised(diagnosis: Diagnosis) -> Iterator[tuple[Finding, Fix]]:
    """Yield the fixes of the alarms, each cause before its symptoms."""
    for cause in filter(_is_alarm, diagnosis.findings):
        for finding in (cause, *cause.explains):
            for fix in fixes_of(finding, diagnosis.case):
                yield finding, fix


def _is_alarm(finding: Finding) -> bool:
    return finding.is_alarm


def _is_unseen(gain: Gain) -> bool:
    """Whether no fold has changed, as where one class is predicted with and without."""
    return gain.low == gain.high == 0


def _record_of(fitted: object) -> TrainingRecord | None:
    try:
        return find_record(fitted)
    except NotFoundError:
        return None
