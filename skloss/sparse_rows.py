"""Rows in a sparse matrix of scipy: made dense a block at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

__all__ = [
    "dense_blocks",
    "dense_rows",
    "flat_rows",
    "indexable",
    "is_sparse",
    "n_rows",
    "sparse_frame",
]

_BLOCK_VALUES = 2**21


def n_rows(X: Any) -> int:
    """Count rows; the length of a sparse matrix is not defined."""
    return int(X.shape[0]) if issparse(X) else len(X)


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix, or a DataFrame all of whose columns are sparse.

    A frame of which some columns are dense becomes an array as any other.
    """
    return issparse(X) or (hasattr(X, "columns") and hasattr(X, "sparse"))


def indexable(X: Any) -> Any:
    """Return sparse rows as CSR, which can be indexed, and others as they are."""
    if not is_sparse(X):
        return X
    return (X if issparse(X) else X.sparse.to_coo()).tocsr()


def flat_rows(X: Any) -> Any:
    """Return rows as ``(n, values)``, a sparse matrix as it is."""
    return X if issparse(X) else X.reshape(len(X), -1)


def dense_rows(X: Any) -> np.ndarray:
    """Return rows as an array.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> dense_rows(csr_array([[0, 2], [0, 0]]))
    array([[0, 2],
           [0, 0]])
    """
    dense: np.ndarray = X.toarray() if issparse(X) else X
    return dense


def sparse_frame(X: Any, names: ArrayLike) -> Any:
    """Make a DataFrame with sparse columns of a sparse matrix."""
    from pandas import DataFrame

    accessor: Any = DataFrame.sparse
    return accessor.from_spmatrix(X, columns=names)


def dense_blocks(X: Any) -> Iterator[np.ndarray]:
    """Give a sparse matrix as arrays of some rows each, which take little memory."""
    size = max(1, _BLOCK_VALUES // max(1, X.shape[1]))
    for first in range(0, X.shape[0], size):
        yield X[first : first + size].toarray()
