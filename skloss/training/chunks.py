"""Rows in the shape in which a program takes them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from skloss.training.augmentation import Augmentation
from skloss.training.balanced import Order
from skloss.training.evaluation import Rows

__all__ = ["Chunk", "Chunks", "chunk_buffers"]

Chunk = tuple[np.ndarray, np.ndarray, np.ndarray]


def chunk_buffers(rows: Rows, size: int) -> list[Chunk]:
    """Make room for a chunk, and for another one where the rows need several."""
    return [
        (
            np.zeros((size, rows.X.shape[1]), np.float32),
            np.zeros(size, np.int32),
            np.zeros(size, np.float32),
        )
        for _ in range(1 if len(rows) <= size else 2)
    ]


class Chunks:
    """Gathers rows, the next chunk while one is trained on.

    Parameters
    ----------
    rows : Rows
        What is trained on.
    size : int
        Rows of a chunk; a last one that is not full is padded with weights of zero.
    augment : Augmentation, optional
        Changes the copies of the rows, by numbers that are drawn for each epoch.
    seed : tuple of int, default=(0,)
        Of these numbers.
    """

    def __init__(
        self,
        rows: Rows,
        size: int,
        augment: Augmentation | None = None,
        seed: tuple[int, ...] = (0,),
    ) -> None:
        self._rows, self._augment = rows, augment
        self._rng = np.random.default_rng((*seed, 3))
        self._size = size
        self._buffers = chunk_buffers(rows, size)

    def gather(self, order: Order) -> Iterator[tuple[int, Chunk]]:
        """Give the number of rows and the rows of each chunk, in this order.

        What was given is overwritten after the next one has been asked for.
        """
        draws = self._draws(len(order))
        parts = order.parts(self._size)
        if len(parts) == 1:
            yield len(order), self._fill(0, order, draws)
            return
        with ThreadPoolExecutor(1) as gatherer:
            coming = gatherer.submit(self._fill, 0, parts[0], draws)
            for i, part in enumerate(parts, start=1):
                chunk = coming.result()
                if i < len(parts):
                    rest = draws[i * self._size :]
                    coming = gatherer.submit(self._fill, i % 2, parts[i], rest)
                yield len(part), chunk

    def _draws(self, n_rows: int) -> np.ndarray:
        """Draw what each row of an epoch is changed by."""
        n_draws = 0 if self._augment is None else self._augment.n_draws
        return self._rng.random((n_rows, n_draws), np.float32)

    def _fill(self, buffer: int, order: Order, draws: np.ndarray) -> Chunk:
        X, y, weight = self._buffers[buffer]
        chosen, n, rows = order.positions, len(order), self._rows
        order.fill(rows, X[:n])
        if self._augment is not None:
            self._augment.apply(X[:n], draws[:n])
        np.take(rows.y, chosen, out=y[:n])
        if rows.sample_weight is None:
            weight[:n] = 1
        else:
            np.take(rows.sample_weight, chosen, out=weight[:n])
        weight[n:] = 0
        return X, y, weight
