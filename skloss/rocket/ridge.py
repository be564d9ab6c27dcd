r"""Ridge regression for classes, each row predicted by a model that never saw it.

With centred rows `A` and targets `R`, both times the root `r` of the weights, whose sum
is one, the rows of a group `G` get from the slopes of the model of all other rows

.. math::
    \left(I - H_{GG} - r_G r_G^T\right)^{-1} \left( (H R)_G - H_{GG} \left(R_G +
    r_G \frac{r_G^T R_G}{1 - r_G^T r_G}\right) \right), \quad
    H = A (A^T A + \alpha I)^{-1} A^T.

The mean of the targets is added, of *all* rows: that of the others would tell the label
of a row, in reverse. Of two classes of equal size it is always nearer to the other one,
so that slopes of zero would predict every row wrongly (MCC -1, area under the curve 0).
A mean that is the same for all rows does not tell them apart.

One eigendecomposition serves all penalties: Allen, "The relationship between variable
selection and data augmentation", 1974; Golub, Heath and Wahba, "Generalized
cross-validation", 1979. Probabilities by a scale that is fitted to the predictions of
left-out rows: Dempster, Webb and Schmidt, "Prevalidated ridge regression is a highly-
efficient drop-in replacement for logistic regression for high-dimensional data", 2024.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["RidgeFit", "RidgePath"]

# A residual is divided by what is left of a row without itself. Less than this is left
# only by rounding, of a row that no other row tells anything about.
_LEAST_LEFT = 1e-9
_BLOCK = 1024


@dataclass(frozen=True)
class RidgeFit:
    """Coefficients ``(n_features, n_outputs)`` and intercepts ``(n_outputs,)``."""

    coefficients: np.ndarray
    intercepts: np.ndarray

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return outputs ``(n, n_outputs)`` of rows."""
        return X @ self.coefficients + self.intercepts


class RidgePath:
    """Ridge regressions of the same rows, one for each penalty.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Rows.
    targets : ndarray of shape (n, n_outputs)
        What the outputs are to be.
    weight : ndarray of shape (n,)
        Weights of the rows, not all of them zero.
    groups : sequence of ndarray of int, optional
        Positions of the rows of each group. Rows of one group are left out together.
        None leaves each row out alone.

    Examples
    --------
    >>> X, targets = np.arange(3.0)[:, None], np.arange(1.0, 4.0)[:, None]
    >>> path = RidgePath(X, targets, np.ones(3))
    >>> path.left_out(1e-6).round(3).ravel().tolist()
    [0.5, 2.0, 3.5]
    >>> path.fit(1e-6).outputs(np.array([[3.0]])).round(3).tolist()
    [[4.0]]
    """

    def __init__(
        self,
        X: np.ndarray,
        targets: np.ndarray,
        weight: np.ndarray,
        groups: Sequence[np.ndarray] | None = None,
    ) -> None:
        self._groups = groups
        self._roots = np.sqrt(weight / weight.sum())[:, None]
        self._centre = np.average(X, axis=0, weights=weight).astype(X.dtype)
        self._middle = np.average(targets, axis=0, weights=weight)
        self._rows = (X - self._centre) * self._roots.astype(X.dtype)
        self._targets = (targets - self._middle) * self._roots
        self._values, self._vectors = _eigen(self._rows)
        self._turned = self._vectors.T @ self._targets

    def fitted(self, penalty: float) -> np.ndarray:
        """Output ``(n, n_outputs)`` of each row by the model of all rows."""
        return self._outputs(self._told(self._shares(penalty)))

    def left_out(self, penalty: float) -> np.ndarray:
        """Output of each row by the slopes of the model of all other rows, or groups.

        Parameters
        ----------
        penalty : float
            Factor of the squared coefficients, beside the mean squared residual.

        Returns
        -------
        ndarray of shape (n, n_outputs)
            In float64.
        """
        share = self._shares(penalty)
        told = self._told(share)
        roots, targets = self._roots, self._targets
        if self._groups is None:
            own = (self._vectors**2) @ share[:, None]
            weight = roots**2
            without = targets / np.maximum(1 - weight, _LEAST_LEFT)
            told -= own * without
            told /= np.maximum(1 - own - weight, _LEAST_LEFT)
        else:
            for group in self._groups:
                vectors, root, target = (
                    self._vectors[group],
                    roots[group],
                    targets[group],
                )
                own = (vectors * share) @ vectors.T
                others = max(1 - float((root**2).sum()), _LEAST_LEFT)
                without = target + root * (root.T @ target) / others
                told[group] = np.linalg.solve(
                    np.eye(len(group)) - own - root @ root.T,
                    told[group] - own @ without,
                )
        return self._outputs(told)

    def fit(self, penalty: float) -> RidgeFit:
        """Ridge regression of all rows.

        Parameters
        ----------
        penalty : float
            As in `left_out`.

        Returns
        -------
        RidgeFit
            Coefficients and intercepts.
        """
        scaled = self._turned / (self._values + penalty)[:, None]
        coefficients = self._rows.T @ (self._vectors @ scaled)
        return RidgeFit(coefficients, self._middle - self._centre @ coefficients)

    def _shares(self, penalty: float) -> np.ndarray:
        """Return what each direction keeps of itself under the penalty."""
        return self._values / (self._values + penalty)

    def _told(self, shares: np.ndarray) -> np.ndarray:
        """Return what the features tell of the targets of all rows."""
        return self._vectors @ (shares[:, None] * self._turned)

    def _outputs(self, scaled: np.ndarray) -> np.ndarray:
        """Undo weighting and centring."""
        return scaled / self._roots + self._middle


def _eigen(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values of the rows, and the left singular vectors."""
    if rows.shape[0] <= rows.shape[1]:
        values, vectors = np.linalg.eigh(_product(rows.T))
        # Centred rows span one direction less. What rounding leaves of it would be
        # divided by the penalty, and be as large as what is left of a row.
        kept = values > values[-1] * len(values) * np.finfo(values.dtype).eps
        return values[kept], vectors[:, kept]
    values, turned = np.linalg.eigh(_product(rows))
    kept = values > values[-1] * np.finfo(rows.dtype).eps
    return values[kept], (rows @ turned[:, kept]) / np.sqrt(values[kept])


def _product(rows: np.ndarray) -> np.ndarray:
    """Sum of the outer products of rows with themselves, in float64.

    In float32 its rounding would be as large as the small penalties. In blocks, so that
    there is never a copy of all rows.
    """
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float64)
        total += block.T @ block
    return total
