"""Baseline models on the same rows, to compare the network with."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from skloss.metrics import binary_mcc
from skloss.readers.subsampling import MOST_CLASSES, MOST_COLUMNS, Facts, evenly, pick

__all__ = ["Learners"]

Learn = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Splits = list[tuple[np.ndarray, np.ndarray]]

_N_LEARNED = 4_000
_N_PRODUCTS = 5_000_000  # rows x columns x classes of the linear learner
_N_SCORED = 2_000
_N_TREES = 40
_N_FOLDS = 3
_N_LEVELS = 400
_FEWEST_ROWS = 40
_FEWEST_OF_CLASS = 5
_FEWEST_SCORED = 30
_LEAST_OF_CLASS = 200  # rows taken of a rare class, whatever its share


class Learners:
    """Small learners, all fitted on the same rows and scored on the same rows."""

    def __init__(
        self,
        rows: np.ndarray,
        codes: np.ndarray,
        rows_val: np.ndarray | None,
        codes_val: np.ndarray | None,
        rng: Generator,
        seed: int,
    ) -> None:
        self.seed = seed
        self.n_classes = int(
            max(codes.max(), -1 if codes_val is None else codes_val.max())
        )
        self.n_classes += 1
        counts = np.bincount(codes, minlength=self.n_classes)
        self.possible = (
            2 <= self.n_classes <= MOST_CLASSES
            and len(codes) >= _FEWEST_ROWS
            and counts.min() >= _FEWEST_OF_CLASS
        )
        if not self.possible:
            return
        # Of two classes the prior does not matter: the threshold is chosen.
        least = _LEAST_OF_CLASS if self.n_classes == 2 else 0
        self.uses_val = (
            codes_val is not None
            and rows_val is not None
            and len(codes_val) >= _FEWEST_SCORED
            and bool((np.bincount(codes_val, minlength=self.n_classes) > 0).all())
        )
        width = self.n_classes * min(rows.shape[1], MOST_COLUMNS)
        most = int(np.clip(_N_PRODUCTS // max(width, 1), 1_000, _N_LEARNED))
        if self.uses_val and rows_val is not None and codes_val is not None:
            fitted = pick(codes, most, rng, least)
            self.scored = pick(codes_val, _N_SCORED, rng, _LEAST_OF_CLASS)
            parts = [rows[fitted], rows_val[self.scored]]
            self.codes = np.concatenate([codes[fitted], codes_val[self.scored]])
        else:
            self.scored = pick(codes, min(most, _N_SCORED), rng, least)
            parts = [rows[self.scored]]
            self.codes = codes[self.scored]
        self.whole = np.concatenate(parts)
        columns = np.flatnonzero((self.whole != self.whole[0]).any(axis=0))
        self.rows = self.whole[:, columns[evenly(len(columns), MOST_COLUMNS)]].astype(
            float
        )
        self.splits = self._splits(rng, len(parts[0]))
        self.tests = np.concatenate([test for _, test in self.splits])

    def facts(
        self,
        code_columns: list[int],
        predict: Callable[[Any], Any] | None,
        X: np.ndarray,
        X_val: np.ndarray | None,
    ) -> Facts:
        """Scores of the learners and of the network."""
        if not self.possible or not self.rows.shape[1]:
            return {}
        error = self._error()
        by_size = tuple(
            (*self._linear_at(fraction, self.rows), error)
            for fraction in (0.25, 0.5, 1)
        )
        by_size = tuple(found for found in by_size if found[0])
        said = self._said_of(self._learn_trees, self.rows, _N_SCORED)
        facts: Facts = {
            "linear_scores_by_size": by_size,
            "linear_score": by_size[-1][1],
            "tree_score": self._score(said[self.tests]),
            "score_error": error,
            "easiest_wrong": self._easiest_wrong(said[self.tests]),
        }
        if code_columns:
            wide = self._one_hot(code_columns)
            facts["one_hot_score"] = self._score_of(_learn_line, wide, _N_LEARNED)
        if predict is not None:
            source = X_val if self.uses_val else X
            facts["network_score"] = self._network_score(predict, source)
        return facts

    def _splits(self, rng: Generator, n_fitted: int) -> Splits:
        """Rows to fit, in a random order, and rows to score."""
        order = rng.permutation(len(self.codes))
        if self.uses_val:
            return [(order[order < n_fitted], np.arange(n_fitted, len(order)))]
        fold = np.empty(len(order), int)
        for one in range(self.n_classes):
            members = order[self.codes[order] == one]
            fold[members] = np.arange(len(members)) % _N_FOLDS
        return [
            (order[fold[order] != k], np.flatnonzero(fold == k))
            for k in range(_N_FOLDS)
        ]

    def _first(self, fitted: np.ndarray, n: int) -> np.ndarray:
        """Rows to fit, cut down to n with the shares of the classes."""
        if len(fitted) <= n:
            return fitted
        order = fitted[np.argsort(self.codes[fitted], kind="stable")]
        counts = np.bincount(self.codes[fitted], minlength=self.n_classes)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return order[rank < np.repeat(np.ceil(counts * n / len(fitted)), counts)]

    def _linear_at(self, fraction: float, rows: np.ndarray) -> tuple[int, float]:
        """Rows fitted and score of the line fitted on a fraction of them."""
        n = int(fraction * len(self.splits[0][0]))
        if n < _FEWEST_ROWS / 2 and fraction < 1:
            return 0, 0.0
        return n, self._score_of(_learn_line, rows, n)

    def _score_of(self, learn: Learn, rows: np.ndarray, n: int) -> float:
        """Score of what a learner says of rows that it was not fitted on."""
        return self._score(self._said_of(learn, rows, n)[self.tests])

    def _said_of(self, learn: Learn, rows: np.ndarray, n: int) -> np.ndarray:
        """Probabilities of rows by a learner that was not fitted on them."""
        said = np.zeros((len(self.codes), self.n_classes))
        for fitted, test in self.splits:
            part = self._first(fitted, n)
            classes, shares = learn(rows[part], self.codes[part], rows[test])
            said[np.ix_(test, classes)] = shares
        return said

    def _easiest_wrong(self, said: np.ndarray) -> tuple[int, float, float]:
        """Rows of a fifth, and shares of wrong ones in the two surest fifths."""
        wrong = said.argmax(axis=1) != self.codes[self.tests]
        order = np.argsort(-said.max(axis=1), kind="stable")
        n = len(order) // 5
        first, second = wrong[order[:n]], wrong[order[n : 2 * n]]
        return n, float(first.mean()), float(second.mean())

    def _learn_trees(
        self, rows: np.ndarray, codes: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.ensemble import ExtraTreesClassifier

        trees = ExtraTreesClassifier(
            _N_TREES, min_samples_leaf=2, random_state=self.seed
        )
        trees.fit(rows, codes)
        return trees.classes_, trees.predict_proba(test)

    def _network_score(self, predict: Callable[[Any], Any], X: Any) -> float | None:
        said = np.nan_to_num(np.asarray(predict(X[self.scored]), float))
        said = said.reshape(len(self.scored), -1)
        if said.shape[1] == 1 and self.n_classes == 2:
            said = np.hstack([1 - said, said])
        if said.shape[1] != self.n_classes:
            return None
        whole = np.zeros((len(self.codes), self.n_classes))
        whole[-len(said) :] = said
        return self._score(whole[self.tests])

    def _score(self, said: np.ndarray) -> float:
        """Best MCC over thresholds of two classes, or macro recall over its chance."""
        truth = self.codes[self.tests]
        if self.n_classes == 2:
            return _best_mcc(truth, said[:, 1])
        right = said.argmax(axis=1) == truth
        recalls = [right[truth == k].mean() for k in range(self.n_classes)]
        chance = 1 / self.n_classes
        return float((np.mean(recalls) - chance) / (1 - chance))

    def _error(self) -> float:
        """Bound the score's standard error: each recall's is at most 0.5 / root n."""
        counts = np.bincount(self.codes[self.tests], minlength=self.n_classes)
        spread = np.sqrt((0.25 / counts).sum()) / self.n_classes
        return float(min(spread / (1 - 1 / self.n_classes), 0.5))

    def _one_hot(self, code_columns: list[int]) -> np.ndarray:
        """Rows with columns of codes spread over one column for each value."""
        spread: list[np.ndarray] = []
        for column in code_columns:
            values = np.unique(self.whole[:, column])
            if sum(part.shape[1] for part in spread) + len(values) > _N_LEVELS:
                break
            spread.append(self.whole[:, [column]] == values)
        return np.hstack([self.rows, *spread])


def _learn_line(
    rows: np.ndarray, codes: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression on columns of unit scale."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(mean), scale, np.inf)
    if len(np.unique(codes)) < 2:
        return np.unique(codes), np.ones((len(test), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it has not converged it is near enough
        line = LogisticRegression(max_iter=50).fit((rows - mean) / scale, codes)
    return line.classes_, line.predict_proba((test - mean) / scale)


def _best_mcc(truth: np.ndarray, score: np.ndarray) -> float:
    """Largest Matthews correlation of ``score >= t`` over all t."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(truth[order])[last].astype(float)
    named = (np.flatnonzero(last) + 1).astype(float)
    others, ones = float(len(truth)) - named, float(truth.sum())
    values = binary_mcc(hits, named - hits, ones - hits, others - (ones - hits))
    return float(np.nan_to_num(values).max(initial=0.0))
