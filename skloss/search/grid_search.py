"""A grid search that reports progress, and keeps finished fits when interrupted.

``GridSearchCV`` of scikit-learn gives the same scores, and the experimental
``sklearn.callback`` adds a progress bar to it. But after Ctrl-C all finished fits are
lost, because neither returns the scores of a fold before the end of the search. The
search here also uses threads, which share compiled programs; processes cannot.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from sklearn.utils import indexable
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from skloss.positive_class import positive_class, positive_probability
from skloss.record.find import find_classifier
from skloss.search.pools import Pool, ThreadPool
from skloss.sklearn_compat import safe_indexing

__all__ = ["BASELINE", "SCORES", "FoldResult", "Search", "SearchResult", "f1_options"]

BASELINE = -1  # instead of the number of a candidate
SCORES = ("mcc", "f1", "accuracy", "majority", "seconds")

Split = tuple[np.ndarray, np.ndarray]
Candidate = dict[str, Any]


@dataclass(frozen=True)
class FoldResult:
    """The result of one candidate on one fold.

    Parameters
    ----------
    candidate, fold : int
        Numbers of the candidate and of the fold, counted from 0.
    scores : dict of str to float
        Scores under the names in `SCORES`; empty if the fit failed.
    error : str or None
        Error message of a failed fit.
    predicted : ndarray of int or None
        Predicted class number of each test row; None if the fit failed.
    probability : ndarray of float or None
        Probability of the positive class of each test row; None if the fit failed, or
        if there are not two classes.
    """

    candidate: int
    fold: int
    scores: dict[str, float]
    error: str | None = None
    predicted: np.ndarray | None = field(default=None, repr=False, compare=False)
    probability: np.ndarray | None = field(default=None, repr=False, compare=False)


@dataclass
class SearchResult:
    """The results of a search, complete or in part.

    Parameters
    ----------
    candidates : list of dict
        Parameters of each candidate.
    n_folds : int
        Number of folds.
    folds : dict of (int, int) to FoldResult
        Results under the numbers of candidate and fold.
    estimator : estimator or None
        The winner, fitted on all rows.
    is_interrupted : bool
        Whether the user interrupted the search with Ctrl-C.
    warnings : Counter
        Number of times that each warning was given.
    baselines : dict of str to list of FoldResult
        Results of the baselines, one per fold; a baseline that failed is left out.
    """

    candidates: list[Candidate]
    n_folds: int
    folds: dict[tuple[int, int], FoldResult] = field(default_factory=dict)
    estimator: Any = None
    is_interrupted: bool = False
    warnings: Counter[str] = field(default_factory=Counter)
    baselines: dict[str, list[FoldResult]] = field(default_factory=dict)

    @property
    def ranking(self) -> list[int]:
        """Candidates with a score on every fold, the highest mean MCC first."""
        whole = [c for c in range(len(self.candidates)) if self.is_finished(c)]
        return sorted(whole, key=lambda c: -self.values(c, "mcc").mean())

    @property
    def errors(self) -> Counter[str]:
        """Number of failed fits for each error message."""
        return Counter(fold.error for fold in self.folds.values() if fold.error)

    def is_finished(self, candidate: int) -> bool:
        """Whether a candidate has a score on every fold."""
        done = [self.folds.get((candidate, fold)) for fold in range(self.n_folds)]
        return all(fold is not None and not fold.error for fold in done)

    def values(self, candidate: int, score: str) -> np.ndarray:
        """Scores of a finished candidate, one per fold."""
        return np.array([fold.scores[score] for fold in self.of_candidate(candidate)])

    def of_candidate(self, candidate: int) -> list[FoldResult]:
        """Results of a finished candidate, one per fold."""
        return [self.folds[candidate, fold] for fold in range(self.n_folds)]

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters of all candidates."""
        return list(dict.fromkeys(name for one in self.candidates for name in one))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat row for each finished candidate, the best first."""
        for rank, candidate in enumerate(self.ranking, start=1):
            given = self.candidates[candidate]
            row = {"rank": rank} | {n: given.get(n, "") for n in self.parameters}
            scores = {name: self.values(candidate, name) for name in SCORES}
            for name, values in scores.items():
                row |= {f"mean_{name}": values.mean(), f"sd_{name}": values.std()}
            for name, values in scores.items():
                row |= {f"{name}_fold_{i}": v for i, v in enumerate(values, start=1)}
            yield row


@dataclass
class Search:
    """A search that fits all candidates on all folds, then the winner on all rows.

    The winner is the candidate with the highest mean MCC.

    Parameters
    ----------
    pipeline : estimator
        Estimator on which the parameters of a candidate are set.
    candidates : sequence of dict
        Parameters of each candidate, as ``step__name``.
    splits : sequence of (train, test)
        Row positions of each fold.
    n_jobs : int, default=1
        Number of fits at the same time, in threads.
    fit_params : mapping, default={}
        Parameters of ``fit``. A parameter with one entry per row is split like the
        rows.
    baselines : mapping of str to estimator, default={}
        Estimators that are scored on the same folds, without `fit_params`, and never
        win.
    """

    pipeline: Any
    candidates: Sequence[Candidate]
    splits: Sequence[Split]
    n_jobs: int = 1
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Any] = field(default_factory=dict)

    def run(
        self,
        X: ArrayLike,
        y: np.ndarray,
        *,
        pool: Pool | None = None,
        kept: Iterable[FoldResult] = (),
        on_fit: Callable[[FoldResult], None] = lambda done: None,
        on_refit: Callable[[], None] = lambda: None,
    ) -> SearchResult:
        """Run the search.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows.
        y : array-like of shape (n,)
            Labels.
        pool : Pool, optional
            Where the fits run; `n_jobs` threads of this process by default. The winner
            is fitted in this process.
        kept : iterable of FoldResult, default=()
            Results of fits that finished in an earlier run; they are not repeated.
        on_fit : callable, optional
            Function that is called in this thread after each fit, also of a baseline.
        on_refit : callable, optional
            Function that is called in this thread before the winner is fitted on all
            rows.

        Returns
        -------
        SearchResult
            All results or, after Ctrl-C, those that were finished before it.
        """
        X, y = indexable(X, y)
        pool = ThreadPool(self.n_jobs) if pool is None else pool
        folds = {(done.candidate, done.fold): done for done in kept}
        result = SearchResult(list(self.candidates), len(self.splits), folds)
        with _collected(result.warnings):
            try:
                # Several fits at once are faster than several threads each.
                with threadpool_limits(1):
                    self._evaluate(pool, X, y, result, on_fit)
                    if result.ranking:
                        result.baselines = self._evaluated_baselines(pool, X, y, on_fit)
                if result.ranking:
                    on_refit()
                    result.estimator = self._refit(X, y, result.ranking[0])
            except KeyboardInterrupt:
                result.is_interrupted = True
        if _was_interrupted(result.estimator):
            result.is_interrupted = True
        return result

    def _evaluate(
        self,
        pool: Pool,
        X: ArrayLike,
        y: np.ndarray,
        result: SearchResult,
        on_fit: Callable[[FoldResult], None],
    ) -> None:
        calls = {
            (candidate, fold): ("_fit_and_score", candidate, fold)
            for candidate in range(len(self.candidates))
            for fold in range(len(self.splits))
            if (candidate, fold) not in result.folds
        }
        with closing(pool.run(self, X, y, calls)) as ended:
            for key, done in ended:
                result.folds[key] = done
                on_fit(done)

    def _evaluated_baselines(
        self,
        pool: Pool,
        X: ArrayLike,
        y: np.ndarray,
        on_fit: Callable[[FoldResult], None],
    ) -> dict[str, list[FoldResult]]:
        calls = {
            (name, fold): ("_fit_baseline", estimator, fold)
            for name, estimator in self.baselines.items()
            for fold in range(len(self.splits))
        }
        found: dict[tuple[str, int], FoldResult] = {}
        with closing(pool.run(self, X, y, calls)) as ended:
            for key, done in ended:
                found[key] = done
                on_fit(done)
        folds = {
            name: [found[name, fold] for fold in range(len(self.splits))]
            for name in self.baselines
        }
        return {
            name: of_folds
            for name, of_folds in folds.items()
            if not any(fold.error for fold in of_folds)
        }

    def _fit_baseline(
        self,
        X: ArrayLike,
        y: np.ndarray,
        estimator: Any,
        fold: int,
        stop: threading.Event | None,
    ) -> FoldResult:
        train, test = self.splits[fold]
        try:
            estimator = clone(estimator)
            if stop is not None:
                _stop_with(estimator, stop)
            started = time.perf_counter()
            estimator.fit(safe_indexing(X, train), y[train])
            seconds = time.perf_counter() - started
            told = _told(estimator, safe_indexing(X, test), y)
        except (ValueError, TypeError) as err:
            return FoldResult(BASELINE, fold, {}, " ".join(str(err).split()))
        return self._scored(BASELINE, fold, y, told, seconds)

    def _fit_and_score(
        self,
        X: ArrayLike,
        y: np.ndarray,
        candidate: int,
        fold: int,
        stop: threading.Event | None,
    ) -> FoldResult:
        train, test = self.splits[fold]
        try:
            estimator = self._configured(candidate)
            if stop is not None:
                _stop_with(estimator, stop)
            started = time.perf_counter()
            estimator.fit(
                safe_indexing(X, train), y[train], **self._params_of(train, len(y))
            )
            seconds = time.perf_counter() - started
            told = _told(estimator, safe_indexing(X, test), y)
        except (ValueError, TypeError) as err:
            return FoldResult(candidate, fold, {}, " ".join(str(err).split()))
        return self._scored(candidate, fold, y, told, seconds)

    def _scored(
        self,
        candidate: int,
        fold: int,
        y: np.ndarray,
        told: tuple[np.ndarray, np.ndarray | None],
        seconds: float,
    ) -> FoldResult:
        train, test = self.splits[fold]
        predicted, probability = told
        scores = _scores(y, y[train], y[test], predicted) | {"seconds": seconds}
        codes = np.searchsorted(np.unique(y), predicted)
        return FoldResult(candidate, fold, scores, None, codes, probability)

    def _refit(self, X: ArrayLike, y: np.ndarray, candidate: int) -> Any:
        return self._configured(candidate).fit(X, y, **self.fit_params)

    def _configured(self, candidate: int) -> Any:
        # Values are cloned too, because a parameter may be an estimator.
        values = self.candidates[candidate].items()
        params = {name: clone(value, safe=False) for name, value in values}
        return clone(self.pipeline).set_params(**params)

    def _params_of(self, rows: np.ndarray, n_rows: int) -> dict[str, Any]:
        return {
            name: safe_indexing(value, rows)
            if np.ndim(value) > 0 and len(value) == n_rows
            else value
            for name, value in self.fit_params.items()
        }


def _told(
    fitted: Any, rows: ArrayLike, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the predicted labels and the probabilities of the positive class."""
    return fitted.predict(rows), positive_probability(fitted, rows, y)


def f1_options(y: np.ndarray) -> dict[str, Any]:
    """Options of ``f1_score``: the positive class of two, or the mean over many."""
    classes, counts = np.unique(y, return_counts=True)
    positive = positive_class(counts)
    if positive is None:
        return {"average": "macro", "labels": classes, "zero_division": 0}
    return {"average": "binary", "pos_label": classes[positive], "zero_division": 0}


def _scores(
    y: np.ndarray, y_train: np.ndarray, y_test: np.ndarray, predicted: np.ndarray
) -> dict[str, float]:
    """Compute MCC, F1, accuracy, and the accuracy of a majority-class guess."""
    seen, n_seen = np.unique(y_train, return_counts=True)
    return {
        "mcc": float(matthews_corrcoef(y_test, predicted)),
        "f1": float(f1_score(y_test, predicted, **f1_options(y))),
        "accuracy": float(accuracy_score(y_test, predicted)),
        "majority": float(np.mean(y_test == seen[n_seen.argmax()])),
    }


def _stop_with(estimator: object, stop: threading.Event) -> None:
    """Let a running fit of ours end early when the search is given up."""
    last = find_classifier(estimator).classifier
    if "callbacks" in last.get_params(deep=False) and last.callbacks is None:
        last.set_params(callbacks=lambda row: stop.is_set())


def _was_interrupted(estimator: object) -> bool:
    """Whether the last fit heard Ctrl-C, which a classifier of ours does not raise."""
    record = find_classifier(estimator).record
    return record is not None and record.outcome.get("stop_reason") == "interrupted"


@contextmanager
def _collected(seen: Counter[str]) -> Iterator[None]:
    """Count warnings instead of showing them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        yield
    seen.update(
        f"{given.category.__name__}: {' '.join(str(given.message).split())}"
        for given in caught
    )
