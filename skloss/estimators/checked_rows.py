"""Rows as a classifier takes them: finite float32 numbers, with one label each."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from skloss.alike_texts import warn_of_alike
from skloss.estimators.checks import check_finite, check_labels
from skloss.masked_rows import unmasked
from skloss.row_errors import rows_explained

__all__ = ["CheckedRowsMixin"]

# From a warning in `_check_rows` to the line that called ``fit``.
_OF_ROWS = 4


class CheckedRowsMixin:
    """Checks of the rows of a classifier; a subclass says which shapes it takes."""

    n_features_in_: int

    def _check_rows(
        self,
        X: Any,
        y: Any,
        *,
        reset: bool,
    ) -> tuple[np.ndarray, np.ndarray]:
        options = {"dtype": np.float32, "order": "C", "ensure_all_finite": False}
        check_labels(type(self).__name__, y)
        X = unmasked(X)
        self._check_sparse(X, "X")
        with rows_explained(X):
            X = self._as_numbers(X, reset)
            X, y = validate_data(
                self, X, y, reset=reset, **options, **self._rows_options()
            )
        if 0 in X.shape:  # scikit-learn looks at two axes alone
            raise ValueError(
                f"X has shape {X.shape}, so that a row has no value: pass rows with at "
                "least one."
            )
        self._check_values("X", X)
        if np.ndim(y) != 1 or y.dtype.kind not in "biuU":  # else there is no doubt
            check_classification_targets(y)
        if reset:
            warn_of_alike("columns", getattr(self, "feature_names_in_", ()), _OF_ROWS)
            if y.dtype.kind in "OU":
                warn_of_alike("labels", np.unique(y).tolist(), _OF_ROWS)
        return self._check_shape(X, reset), column_or_1d(y, warn=True)

    def _as_numbers(self, X: Any, reset: bool) -> Any:
        """Put numbers in the place of what the classifier knows to be none."""
        return X

    def _see_more(self, X: Any) -> None:
        """Learn of values that only further rows have."""

    def _check_sparse(self, X: Any, name: str) -> None:
        """Refuse sparse rows where the classifier takes none."""

    def _check_values(self, name: str, X: Any) -> None:
        """Refuse values that the classifier cannot take."""
        check_finite(name, X)

    def _rows_options(self) -> dict[str, Any]:
        return {}

    def _check_shape(self, X: np.ndarray, reset: bool) -> np.ndarray:
        return X

    def _read_rows(self, X: ArrayLike, name: str) -> np.ndarray:
        return self._validated(X) if name == "X" else self._check_width(X)

    def _check_width(self, X_val: ArrayLike) -> np.ndarray:
        width = np.shape(X_val)[1:2]
        if width != (self.n_features_in_,):
            raise ValueError(
                f"X_val has {width[0] if width else 'no'} columns, but X has "
                f"{self.n_features_in_}: pass both through the same steps, as "
                "skloss.Pipeline does; other pipelines pass X_val on as it is."
            )
        return self._validated(X_val, "X_val")

    def _validated(self, X: Any, name: str = "X") -> np.ndarray:
        if self._is_plain(X):
            X = np.ascontiguousarray(X, dtype=np.float32)
            self._check_values(name, X)
            return X
        X = unmasked(X)
        self._check_sparse(X, name)
        options = {"dtype": np.float32, "order": "C", "ensure_all_finite": False}
        with rows_explained(X, name):
            X = self._as_numbers(X, reset=False)
            X = validate_data(self, X, reset=False, **options, **self._rows_options())
        self._check_values(name, X)
        return self._check_shape(X, reset=False)

    def _is_plain(self, X: object) -> bool:
        """Whether X needs no check by scikit-learn, which takes longer than a row."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in (np.float32, np.float64)
            and X.shape[1] == self.n_features_in_
            and len(X) > 0
            and not hasattr(self, "feature_names_in_")
        )
