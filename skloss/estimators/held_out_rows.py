"""Rows that a user or a pipeline holds out, read as the rows of the fit were."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skloss.estimators.checks import encode_known
from skloss.sklearn_compat import check_sample_weight
from skloss.sparse_rows import flat_rows, n_rows
from skloss.streams.streamed_rows import StreamedRows
from skloss.training import Rows

__all__ = ["read_held_out"]


def read_held_out(
    read: Callable[[ArrayLike, str], np.ndarray],
    classes: np.ndarray,
    X: ArrayLike,
    y: ArrayLike,
    weight: Any,
    suffix: str,
) -> Rows:
    """Check held-out rows, their labels and their weights.

    Parameters
    ----------
    read : callable
        Checks the rows; it is given their name, too.
    classes : ndarray of shape (n_classes,)
        Labels that were seen in training.
    X, y, weight : array-likes
        Rows, labels, and weights or None. Rows that are read in blocks are checked
        then.
    suffix : str
        What stands behind "X" and "y" in errors.
    """
    if not isinstance(X, StreamedRows):
        X = read(X, f"X{suffix}")
    y = encode_known(classes, np.asarray(y), f"y{suffix}")
    n = n_rows(X)
    if n != len(y):
        raise ValueError(
            f"X{suffix} has {n} rows but y{suffix} has {len(y)} labels: pass "
            "one label per row."
        )
    if weight is not None:
        if np.shape(weight) not in ((), (n,)):
            raise ValueError(
                f"sample_weight{suffix} has shape {np.shape(weight)}, but "
                f"X{suffix} has {n} rows: pass one weight per row."
            )
        weight = check_sample_weight(
            weight, X, dtype=np.float64, ensure_non_negative=True
        )
    return Rows(flat_rows(X), y, weight)
