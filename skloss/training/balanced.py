"""Orders of rows in which every class has the same share of every batch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from skloss.training.evaluation import Rows

__all__ = ["BalancedOrder", "Order"]

_NEIGHBORS = 5  # as of SMOTE


@dataclass(frozen=True)
class Order:
    """Rows of an epoch, one after the other.

    With ``partners`` a row is moved by its ``share`` towards another one; a partner of
    -1 leaves it as it is.
    """

    positions: np.ndarray
    partners: np.ndarray | None = None
    shares: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def parts(self, size: int) -> list["Order"]:
        """Cut it into parts of a size; the last one may be smaller."""
        return [
            Order(
                *(
                    None if each is None else each[start : start + size]
                    for each in (self.positions, self.partners, self.shares)
                )  # type: ignore[arg-type]
            )
            for start in range(0, len(self), size)
        ]

    def fill(self, rows: Rows, out: np.ndarray) -> None:
        """Write the values of the rows."""
        rows.values(self.positions, out=out)
        if self.partners is None or self.shares is None:
            return
        made = np.flatnonzero(self.partners >= 0)
        if len(made):
            toward = rows.values(self.partners[made])
            toward -= out[made]
            toward *= self.shares[made, None]
            out[made] += toward


class BalancedOrder:
    """Draws the rows of each epoch, as many of each class.

    An epoch has as many rows as there are. A class goes through all its rows before it
    begins again: a large one over several epochs, a small one several times in one.

    Parameters
    ----------
    rows : Rows
        Rows trained on; no value of them is copied for good.
    interpolates : bool
        Whether a row that comes again in the same epoch is moved towards one of its
        five nearest neighbors of the class, by a random share, as in SMOTE [1]_.
    rng : numpy.random.Generator
        Source of chance.

    References
    ----------
    .. [1] Chawla et al., "SMOTE: synthetic minority over-sampling technique", 2002.
    """

    def __init__(
        self, rows: Rows, interpolates: bool, rng: np.random.Generator
    ) -> None:
        self._rng, self._n_rows = rng, len(rows)
        kind = np.int32 if len(rows) < 2**31 else np.int64
        classes = (np.flatnonzero(rows.y == code) for code in np.unique(rows.y))
        self._classes = [
            _Class(
                positions.astype(kind),
                rng,
                _neighbors(rows, positions).astype(kind)
                if interpolates and 1 < len(positions) < self._most_drawn(rows)
                else None,
            )
            for positions in classes
        ]
        self._interpolates = interpolates
        self._first = 0

    @staticmethod
    def _most_drawn(rows: Rows) -> int:
        """Rows of one class in an epoch, at most."""
        return -(-len(rows) // len(np.unique(rows.y)))

    def epoch(self) -> Order:
        """Draw the rows of the next epoch."""
        n_classes, kind = len(self._classes), self._classes[0].positions.dtype
        positions = np.empty(self._n_rows, kind)
        partners = shares = None
        if self._interpolates:
            partners = np.full(self._n_rows, -1, kind)
            shares = np.zeros(self._n_rows, np.float32)
        for number, one in enumerate(self._classes):
            # The classes take turns, so that no batch has more than one row too many.
            place = slice((number + self._first) % n_classes, None, n_classes)
            n = len(positions[place])
            positions[place], rank = one.draw(n)
            if (
                partners is not None
                and shares is not None
                and one.neighbors is not None
            ):
                again = rank >= len(one.positions)
                column = self._rng.integers(one.neighbors.shape[1], size=n)
                where = np.searchsorted(one.positions, positions[place])
                partners[place] = np.where(again, one.neighbors[where, column], -1)
                shares[place] = self._rng.random(n, dtype=np.float32)
        self._first += 1
        return Order(positions, partners, shares)


class _Class:
    """The rows of one class, and those that were not drawn yet."""

    def __init__(
        self,
        positions: np.ndarray,
        rng: np.random.Generator,
        neighbors: np.ndarray | None,
    ) -> None:
        self.positions, self.neighbors = positions, neighbors
        self._rng, self._left = rng, positions[:0]

    def draw(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows in random order, and say how many were drawn before each."""
        drawn = np.concatenate(list(self._runs(n)))
        rank = self._rng.permutation(n)
        return drawn[rank], rank

    def _runs(self, n: int) -> Iterator[np.ndarray]:
        while n > 0:
            if not len(self._left):
                self._left = self._rng.permutation(self.positions)
            run, self._left = self._left[:n], self._left[n:]
            n -= len(run)
            yield run


def _neighbors(rows: Rows, positions: np.ndarray) -> np.ndarray:
    """Positions of the nearest rows of the same class, ``(n, 5)`` or fewer."""
    values = rows.values(positions)
    if np.isnan(values).any():
        raise ValueError(
            "balanced_batches='smote' moves rows towards their neighbors, which takes "
            "rows without missing values: set balanced_batches=True, or fill the gaps."
        )
    k = min(_NEIGHBORS, len(positions) - 1)
    nearest = NearestNeighbors(n_neighbors=k).fit(values)
    found: np.ndarray = positions[nearest.kneighbors(return_distance=False)]
    return found
