"""``Candidates``: parameters and scores of the candidates of a search."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["COARSE", "Candidates", "Levels", "read_results"]

# More values than this are put into bins of about equally many candidates.
_MOST_LEVELS = 8
# Most levels of two parameters together; finer bins would have too few candidates.
COARSE = 4
_LONGEST_TEXT = 14
_NOT_SET = "not set"
_REST = "others"


@dataclass(frozen=True)
class Levels:
    """The values of one parameter in order, or bins of them.

    Parameters
    ----------
    names : tuple of str
        Label of each level.
    codes : ndarray of int, shape (n_candidates,)
        Level of each candidate.
    """

    names: tuple[str, ...]
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Parameters and scores of all candidates.

    Parameters
    ----------
    parameters : dict of str to sequence of length n_candidates
        Values of each parameter, under its name.
    scores : ndarray of shape (n_candidates, n_folds)
        Scores, higher is better; NaN where a fit failed.
    train_scores : ndarray of shape (n_candidates, n_folds), default=None
        Scores on the training rows, if the search kept them.
    seconds : ndarray of shape (n_candidates,), default=None
        Mean fit time.
    metric : str, default="score"
        Name of the score.
    chosen : int, default=None
        Winner, if the search selected it by another rule than the highest mean.
    """

    parameters: Mapping[str, Sequence[Any]]
    scores: np.ndarray
    train_scores: np.ndarray | None = None
    seconds: np.ndarray | None = None
    metric: str = "score"
    chosen: int | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def means(self) -> np.ndarray:
        """Mean over the folds; NaN if a fold failed."""
        return self.scores.mean(axis=1)

    @cached_property
    def errors(self) -> np.ndarray:
        """Standard error of the means over the folds; 0 with one fold."""
        n_folds = self.scores.shape[1]
        if n_folds < 2:
            return np.zeros(len(self))
        return self.scores.std(axis=1, ddof=1) / np.sqrt(n_folds)

    @cached_property
    def winner(self) -> int:
        """Candidate that the search selected, or else the one with the highest mean."""
        return int(np.nanargmax(self.means)) if self.chosen is None else self.chosen

    @cached_property
    def is_tied(self) -> np.ndarray:
        """Whether each other candidate is within one standard error of the winner."""
        least = self.means[self.winner] - self.errors[self.winner]
        tied = self.means >= least
        tied[self.winner] = False
        return tied

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Parameters whose values differ between candidates."""
        return tuple(name for name in self.parameters if len(self.levels(name)) > 1)

    def short(self, name: str) -> str:
        """Name of a parameter without its steps, unless two would become the same."""
        tails = [full.rpartition("__")[2] for full in self.parameters]
        tail = name.rpartition("__")[2]
        return tail if tails.count(tail) == 1 else name

    def levels(self, name: str, most: int = _MOST_LEVELS) -> Levels:
        """Return the values of a parameter in order, or bins if they are many."""
        return _levels_of(self.parameters[name], most)

    def effect(self, name: str) -> np.ndarray:
        """Mean score of each level, averaged over the other parameters."""
        levels = self.levels(name)
        return np.array([_mean(self.means[levels.codes == c]) for c in _range(levels)])

    def sizes(self) -> dict[str, float]:
        """Range of the mean score over the levels of each parameter, largest first."""
        ranges = {}
        for name in self.varied:
            effect = self.effect(name)
            known = effect[np.isfinite(effect)]
            ranges[name] = float(np.ptp(known)) if len(known) else 0.0
        return dict(sorted(ranges.items(), key=lambda item: -item[1]))

    def table(
        self, row: str, column: str, most: int = _MOST_LEVELS
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the scores at each pair of levels.

        Returns
        -------
        means, spreads : ndarray of shape (n_levels_of_row, n_levels_of_column)
            NaN where there is no candidate. The scores of the candidates of a pair are
            averaged in each fold; the spread is the standard deviation over folds.
        """
        rows, columns = self.levels(row, most), self.levels(column, most)
        means = np.full((len(rows), len(columns)), np.nan)
        spreads = means.copy()
        for r, c in np.ndindex(*means.shape):
            chosen = self.scores[(rows.codes == r) & (columns.codes == c)]
            chosen = chosen[np.isfinite(chosen).all(axis=1)]
            if len(chosen):
                folds = chosen.mean(axis=0)
                means[r, c], spreads[r, c] = folds.mean(), folds.std()
        return means, spreads

    def interaction(self) -> tuple[str, str] | None:
        """Return the two parameters with the largest interaction.

        The interaction is the spread of the mean scores of a pair that the sum of the
        two effects does not explain. Pairs whose table has an empty cell are left out.
        The parameter with more levels comes first.
        """
        unexplained = {}
        for pair in combinations(self.varied, 2):
            means, _ = self.table(*pair, COARSE)
            if min(means.shape) < 2 or not np.isfinite(means).all():
                continue
            rows = means.mean(axis=1, keepdims=True)
            rest = means - rows - means.mean(axis=0, keepdims=True) + means.mean()
            unexplained[pair] = float(np.sqrt(np.mean(rest**2)))
        if not unexplained:
            return None
        first, second = max(unexplained, key=lambda pair: unexplained[pair])
        finer = len(self.levels(first)) >= len(self.levels(second))
        return (first, second) if finer else (second, first)


def _range(levels: Levels) -> range:
    return range(len(levels))


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _levels_of(values: Sequence[Any], most: int) -> Levels:
    """Sort numbers, in bins if they are many; then list other values as they occur."""
    numbers = np.array([_number(value) for value in values])
    is_number = np.isfinite(numbers)
    known, codes = np.unique(numbers, return_inverse=True)
    names = [f"{number:.4g}" for number in known[np.isfinite(known)]]
    if len(names) > most:
        names, codes = _binned(numbers[is_number], numbers, most)
    texts = {i: _text(value) for i, value in enumerate(values) if not is_number[i]}
    common = [text for text, _ in Counter(texts.values()).most_common(most)]
    others = [text for text in dict.fromkeys(texts.values()) if text in common]
    for place, text in texts.items():
        kept = others.index(text) if text in common else len(others)
        codes[place] = len(names) + kept
    rest = [_REST] if len(set(texts.values())) > most else []
    return Levels((*names, *map(_shortened, others), *rest), codes)


def _binned(
    known: np.ndarray, numbers: np.ndarray, most: int
) -> tuple[list[str], np.ndarray]:
    """Make bins of about equally many candidates, each named by its median."""
    edges = np.unique(np.quantile(known, np.linspace(0, 1, most + 1)))
    n_bins = len(edges) - 1
    codes = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, n_bins - 1)
    is_number = np.isfinite(numbers)
    bins = [numbers[is_number & (codes == place)] for place in range(n_bins)]
    return [f"~{np.median(members):.2g}" for members in bins], codes


def _number(value: object) -> float:
    """Value of a number; NaN for any other value."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return np.nan
    return float(value) if np.isfinite(float(value)) else np.nan


def _text(value: object) -> str:
    """Label of a value that is not a number."""
    if value is np.ma.masked or (isinstance(value, float) and np.isnan(value)):
        return _NOT_SET
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return " ".join(str(getattr(value, "__name__", value)).split())


def _shortened(text: str) -> str:
    """Keep the start and the end of a long text, which differ most often."""
    if len(text) <= _LONGEST_TEXT:
        return text
    half = _LONGEST_TEXT // 2
    return f"{text[:half]}…{text[1 - half :]}"


def read_results(
    cv_results: Any,
    metric: str | None,
    parameters: Sequence[str] | None,
    winner: int | None = None,
) -> Candidates:
    """Read the results of a search of scikit-learn, from a dict or a DataFrame.

    Raises
    ------
    ValueError
        If the scores of the folds are missing, or a metric or parameter is unknown.
    """
    results = {str(name): list(cv_results[name]) for name in cv_results}
    if "iter" in results:
        # Earlier rounds of a halving search used fewer rows.
        rounds = np.asarray(results["iter"])
        last = np.flatnonzero(rounds == rounds.max())
        results = {name: [part[i] for i in last] for name, part in results.items()}
        places = {old: new for new, old in enumerate(last.tolist())}
        winner = None if winner is None else places.get(winner)
    metric = _chosen_metric(results, metric)
    train = _of_folds(results, "train", metric)
    seconds = results.get("mean_fit_time")
    return Candidates(
        _chosen_parameters(results, parameters),
        np.column_stack(_of_folds(results, "test", metric)),
        np.column_stack(train) if train else None,
        None if seconds is None else np.asarray(seconds, dtype=float),
        metric,
        winner,
    )


def _of_folds(results: Mapping[str, Any], split: str, metric: str) -> list[np.ndarray]:
    pattern = re.compile(rf"split\d+_{split}_{re.escape(metric)}")
    named = [name for name in results if pattern.fullmatch(name)]
    return [np.asarray(results[name], dtype=float) for name in named]


def _chosen_metric(results: Mapping[str, Any], metric: str | None) -> str:
    pattern = re.compile(r"split\d+_test_(.+)")
    matches = [match for match in map(pattern.fullmatch, results) if match]
    known = list(dict.fromkeys(match[1] for match in matches))
    if not known:
        raise ValueError(
            "cv_results has no scores of the folds (split0_test_score, ...): pass the "
            "cv_results_ of a fitted search, or a DataFrame of it."
        )
    if metric is None and len(known) > 1:
        raise ValueError(
            f"The search has several metrics: set metric to one of {known}."
        )
    if metric is not None and metric not in known:
        raise ValueError(f"metric must be one of {known}, got {metric!r}.")
    return metric or known[0]


def _chosen_parameters(
    results: Mapping[str, Any], chosen: Sequence[str] | None
) -> dict[str, list[Any]]:
    found = {
        name.removeprefix("param_"): results[name]
        for name in results
        if name.startswith("param_")
    }
    if chosen is None:
        return found
    names = [_full_name(name, found) for name in chosen]
    return {name: found[name] for name in names}


def _full_name(name: str, found: Mapping[str, Any]) -> str:
    ends = [full for full in found if full == name or full.endswith("__" + name)]
    if len(ends) != 1:
        raise ValueError(f"parameters must be among {list(found)}, got {name!r}.")
    return ends[0]
