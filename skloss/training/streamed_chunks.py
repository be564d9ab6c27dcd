"""Chunks of rows that are read in blocks, shuffled some blocks at a time."""

from collections.abc import Iterator

import numpy as np

from skloss.streams.read_ahead import read_ahead
from skloss.streams.streamed_rows import StreamedRows
from skloss.training.augmentation import Augmentation
from skloss.training.chunks import Chunk, chunk_buffers
from skloss.training.evaluation import Rows

__all__ = ["StreamedChunks"]


class StreamedChunks:
    """Reads, shuffles and gathers rows, the next ones while some are trained on.

    The blocks come in a random order, where the source can seek, and the rows of
    several of them, of one buffer, come in a random order, too. If all rows fit into
    the buffer this is the order of a fit in memory.

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
        self._X: StreamedRows = rows.X
        self._y, self._class_weight = rows.y, rows.class_weight
        self._augment = augment
        self._augment_rng = np.random.default_rng((*seed, 3))
        self._buffers = chunk_buffers(rows, size)
        self._first = np.concatenate([[0], np.cumsum(self._X.lengths)])

    def gather(self, rng: np.random.Generator | None) -> Iterator[tuple[int, Chunk]]:
        """Give the number of rows and the rows of each chunk; None shuffles nothing.

        What was given is overwritten after the next one has been asked for.
        """
        buffers = self._plan(rng)  # before any other draw, which is made in a thread
        return read_ahead(self._chunks(read_ahead(self._read(buffers)), rng))

    def _plan(self, rng: np.random.Generator | None) -> list[np.ndarray]:
        """Choose the blocks that are shuffled together, in the order of training."""
        numbers = np.flatnonzero(self._X.lengths)
        source = self._X.counted.source
        n_together = source.shuffled_together(self._X.shape[1:])
        n_buffers = min(-(-len(self._X) // n_together), len(numbers))
        if n_buffers > 1 and rng is not None and source.can_seek:
            numbers = rng.permutation(numbers)
        return np.array_split(numbers, n_buffers)

    def _read(
        self, buffers: list[np.ndarray]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read the values and the class numbers of each buffer, in one pass."""
        blocks = self._X.blocks([n for numbers in buffers for n in numbers.tolist()])
        for numbers in buffers:
            n_rows = int(self._X.lengths[numbers].sum())
            X = np.empty((n_rows, self._X.shape[1]), np.float32)
            y = np.empty(n_rows, self._y.dtype)
            end = 0
            for _ in numbers:
                number, values = next(blocks)
                start, end = end, end + len(values)
                X[start:end] = values
                y[start:end] = self._y[self._first[number] : self._first[number + 1]]
            yield X, y
        for _ in blocks:  # a source that has grown says so at its end
            pass

    def _chunks(
        self,
        buffers: Iterator[tuple[np.ndarray, np.ndarray]],
        rng: np.random.Generator | None,
    ) -> Iterator[tuple[int, Chunk]]:
        """Fill chunks from the shuffled rows of the buffers, across their ends."""
        turn, filled = 0, 0
        for X, y in buffers:
            order = np.arange(len(y), dtype=np.int32 if len(y) < 2**31 else np.int64)
            if rng is not None:
                rng.shuffle(order)
            while len(order):
                chunk = self._buffers[turn]
                size = len(chunk[1])
                part, order = order[: size - filled], order[size - filled :]
                self._put(X, y, part, chunk, slice(filled, filled + len(part)))
                filled += len(part)
                if filled == size:
                    yield filled, chunk
                    turn, filled = (turn + 1) % len(self._buffers), 0
        if filled:
            chunk = self._buffers[turn]
            chunk[2][filled:] = 0
            yield filled, chunk

    def _put(
        self, X: np.ndarray, y: np.ndarray, part: np.ndarray, chunk: Chunk, at: slice
    ) -> None:
        values, codes, weight = (array[at] for array in chunk)
        np.take(X, part, axis=0, out=values)
        codes[:] = y[part]
        if self._augment is not None:
            draws = (len(part), self._augment.n_draws)
            self._augment.apply(values, self._augment_rng.random(draws, np.float32))
        weight[:] = 1 if self._class_weight is None else self._class_weight[codes]
