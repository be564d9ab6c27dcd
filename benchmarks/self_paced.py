"""The self-paced ensemble of Liu et al., a peer of under-sampled members."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.tree import DecisionTreeClassifier


class SelfPacedEnsemble(ClassifierMixin, BaseEstimator):
    """Members on as many rare rows as common ones, drawn by how hard they are.

    Common rows are sorted into bins by their error, the mean probability that the
    members so far give them to be rare. Each bin gives rows in proportion to
    ``1 / (mean error + alpha)``. First alpha is 0, so that all bins contribute the
    same error; it grows without bound, so that at last all bins give as many rows,
    however few they hold. The first member has a plain under-sample.

    Zhining Liu et al., "Self-paced Ensemble for Highly Imbalanced Massive Data
    Classification", ICDE 2020. The package imbalanced-ensemble needs scikit-learn 1.6,
    and skloss a later one. Its defaults are taken: rows are drawn with replacement, the
    rare ones evenly, and a guess before the first member was wrong about all rows. The
    members are decision trees where no other classifier is given.
    """

    __metadata_request__fit: ClassVar = {"groups": True}  # taken, and not needed

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 50,
        n_bins: int = 5,
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_bins = n_bins
        self.random_state = random_state

    def fit(
        self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None
    ) -> "SelfPacedEnsemble":
        """Fit the members one after the other; class 1 is the rare one."""
        rng = np.random.default_rng(self.random_state)
        self.classes_ = np.unique(y)
        rare, common = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
        wrong = np.ones(len(common))
        plain = DecisionTreeClassifier() if self.estimator is None else self.estimator
        self.members_: list[Any] = []
        for alpha in np.tan(np.linspace(0, np.pi / 2, self.n_estimators)):
            chances = self.chances(wrong / (len(self.members_) + 1), alpha)
            drawn = rng.choice(common, len(rare), p=chances)
            rows = np.concatenate([rng.choice(rare, len(rare)), drawn])
            member = clone(plain).set_params(random_state=int(rng.integers(2**31)))
            self.members_.append(member.fit(X[rows], y[rows]))
            wrong += member.predict_proba(X[common])[:, 1]
        return self

    def chances(self, errors: np.ndarray, alpha: float) -> np.ndarray:
        """Return the chance of each common row to be drawn."""
        edges = np.histogram_bin_edges(errors, self.n_bins)
        bins = np.digitize(errors, edges[1:-1])
        counts = np.bincount(bins, minlength=self.n_bins)
        totals = np.bincount(bins, errors, self.n_bins)
        with np.errstate(divide="ignore", invalid="ignore"):  # of empty bins
            chances = (1 / (totals / counts + alpha) / counts)[bins]
        return chances / chances.sum()

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the mean of the members."""
        return np.mean([member.predict_proba(X) for member in self.members_], axis=0)
