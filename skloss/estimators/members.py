"""Attributes of a classifier of several networks: its members, and out-of-bag rows."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skloss.estimators.fit_job import Fitted
from skloss.estimators.fit_members import FittedMembers, member_of
from skloss.estimators.fit_rows import Split
from skloss.estimators.neural_classifier import NeuralClassifierMixin
from skloss.estimators.out_of_bag import out_of_bag
from skloss.holdout import parts_in_turn

__all__ = ["MembersMixin"]

Part = tuple[np.ndarray, np.ndarray]


class MembersMixin(NeuralClassifierMixin):
    """Hold-outs of several members, and what they leave."""

    n_members: Any
    refit: Any
    _fitted: Fitted | FittedMembers  # type: ignore[assignment]

    def split_members(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> list[Part | None]:
        """Rows that each member trains on and holds out; one entry if all are alike.

        ``fit`` uses it, and :class:`skloss.Pipeline` before any other step.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows; only their number matters, unless ``validation_rows`` is a splitter.
        y : array-like of shape (n,)
            Labels: each class gives the same share.
        groups : array-like of shape (n,), optional
            Groups that must stay together.

        Returns
        -------
        list of tuple of two ndarrays of int, or of None
            Sorted positions; None if no rows are to be held out.
        """
        fraction = self._holdout_fraction()
        takes_turns = self.n_members > 1 and self.validation_rows == "stratified"
        if fraction is None or not takes_turns:
            return [self.split_validation(X, y, groups)]
        labels = self._labels_to_split(y)
        n_members, seed = int(self.n_members), self._split_state()
        return [*parts_in_turn(labels, fraction, n_members, seed, groups)]

    def _other_splits(self, first: Split, parts: Iterable[Part | None]) -> list[Split]:
        """Make the splits of the members after the first one."""
        return [replace(first, kept=p[0], held=p[1]) for p in parts if p is not None]

    # ------------------------------------------------------------------ what was fitted

    @property
    def members_(self) -> list[Self]:
        """The members, each a fitted classifier of one network."""
        check_is_fitted(self)
        fitted = self._fitted
        if isinstance(fitted, Fitted):
            return [member_of(self, self.random_state, fitted)]
        return [
            member_of(self, seed, member)
            for seed, member in zip(fitted.seeds, fitted.members, strict=True)
        ]

    @property
    def oob_decision_function_(self) -> np.ndarray:
        """Probabilities of the rows of ``fit`` by the members that held each out.

        Of shape (n, n_classes); NaN where no member did.
        """
        check_is_fitted(self)
        found = out_of_bag([member.record for member in self._fitted.members])
        if found is None or found.positions is None:
            raise AttributeError(
                "There is no oob_decision_function_: no rows were held out of those "
                "given to fit. Set validation_fraction, and pass no X_val."
            )
        chances = np.full((found.n_given, found.scores.shape[1]), np.nan)
        chances[found.positions] = found.scores
        return chances
