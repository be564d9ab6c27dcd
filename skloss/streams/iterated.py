"""Rows that can only be read from the first to the last: functions and tf.data."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from skloss.masked_rows import unmasked
from skloss.streams.row_source import (
    Block,
    RowSource,
    block_size,
    check_count,
    plain_values,
)

__all__ = ["block_rows", "tf_data_rows"]


def block_rows(
    make_blocks: Callable[[], Iterable[Any]], *, buffer_rows: int | None = None
) -> RowSource:
    """Rows of a function that returns a new iterator of (X, y) blocks at each call.

    Each epoch is a call. The blocks must be the same ones in the same order at every
    call, so the function shuffles nothing: ``fit`` does. Training calls it in another
    thread, so let it open its own files and connections.

    Parameters
    ----------
    make_blocks : callable
        Takes no argument. Each block is a pair (X, y) of an array or a DataFrame of
        numbers and its labels; or X alone, of rows that are to be predicted.
    buffer_rows : int, optional
        Rows that ``fit`` shuffles together; None are as many as take 64 MB.

    Returns
    -------
    RowSource

    Examples
    --------
    >>> from skloss import DenseClassifier, streams
    >>> from skloss.datasets import make_rare_events
    >>> def days():
    ...     for day in range(5):
    ...         yield make_rare_events(1000, random_state=day)
    >>> rows = streams.block_rows(days)
    >>> classifier = DenseClassifier(epochs=2, random_state=0).fit(rows)
    >>> classifier.record_.data["class_counts"]["original"]
    [4275, 225]
    """
    if not callable(make_blocks):
        raise TypeError(
            f"block_rows takes a function, got a {type(make_blocks).__name__}: pass a "
            "function without arguments that returns a new iterator of (X, y) blocks "
            "at each call."
        )
    return _IteratedRows(make_blocks, check_count("buffer_rows", buffer_rows))


def tf_data_rows(dataset: Any, *, buffer_rows: int | None = None) -> RowSource:
    """Rows of a ``tf.data.Dataset`` of (X, y) batches.

    The batches must be the same ones in the same order at every pass, so the dataset
    shuffles nothing, and does not repeat: ``fit`` does both.

    Parameters
    ----------
    dataset : tf.data.Dataset
        Batches of (X, y), or of values alone of rows that are to be predicted.
    buffer_rows : int, optional
        Rows that ``fit`` shuffles together; None are as many as take 64 MB.

    Returns
    -------
    RowSource

    Examples
    --------
    >>> import tensorflow as tf
    >>> from skloss import DenseClassifier, streams
    >>> from skloss.datasets import make_rare_events
    >>> batches = tf.data.Dataset.from_tensor_slices(make_rare_events(random_state=0))
    >>> rows = streams.tf_data_rows(batches.batch(512))
    >>> DenseClassifier(epochs=2, random_state=0).fit(rows).n_features_in_
    12
    """
    if not hasattr(dataset, "as_numpy_iterator") or not hasattr(
        dataset, "element_spec"
    ):
        raise TypeError(
            f"tf_data_rows takes a tf.data.Dataset, got a {type(dataset).__name__}."
        )
    spec = dataset.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    if len(parts) > 2 or not all(hasattr(part, "shape") for part in parts):
        raise ValueError(
            f"The dataset gives {spec}, but tf_data_rows takes batches of one tensor, "
            "or of two, (X, y): map others to these, and leave weights to class_weight."
        )
    ranks = [part.shape.rank for part in parts]
    if any(r is not None and r < 2 - at for at, r in enumerate(ranks)):
        raise ValueError(
            f"The dataset gives {spec}, which are single rows: call its batch(512)."
        )
    if int(dataset.cardinality()) == -1:
        raise ValueError("The dataset has no end: leave its repeat() out.")
    return _IteratedRows(
        dataset.as_numpy_iterator, check_count("buffer_rows", buffer_rows)
    )


class _IteratedRows(RowSource):
    def __init__(
        self, make_blocks: Callable[[], Iterable[Any]], buffer_rows: int | None
    ) -> None:
        self._make_blocks, self.buffer_rows = make_blocks, buffer_rows
        self._columns: list[Any] | None = None
        self._has_begun = False

    def blocks(self) -> Iterator[Block]:
        blocks = self._make_blocks()
        if not isinstance(blocks, Iterable):
            raise TypeError(
                f"The function of block_rows returned a {type(blocks).__name__}: let "
                "it return a new iterator of (X, y) blocks."
            )
        return together(map(self._block, blocks), self.buffer_rows)

    def _block(self, given: Any) -> Block:
        """Check a block, and that its columns are those of the first one."""
        block, columns = as_block(given), _columns_of(given_values(given))
        if not self._has_begun:
            self._has_begun, self._columns = True, columns
            if columns and all(isinstance(name, str) for name in columns):
                self.names = tuple(columns)
        if columns != self._columns:
            raise ValueError(
                f"A block has {_told(columns)}, but the first one has "
                f"{_told(self._columns)}: give all blocks the same columns in the same "
                "order."
            )
        return block


def given_values(given: Any) -> Any:
    """Return what was given as the values of a block, such as a DataFrame."""
    return given[0] if isinstance(given, tuple | list) else given


def _columns_of(X: Any) -> list[Any] | None:
    columns = getattr(X, "columns", None)
    return None if columns is None else list(columns)


def _told(columns: list[Any] | None) -> str:
    return "no names of columns" if columns is None else f"the columns {columns}"


def as_block(given: Any) -> Block:
    """Check that X and y come together, as arrays of one length."""
    parts = given if isinstance(given, tuple | list) else (given,)
    if len(parts) > 2:
        raise ValueError(
            f"A block has {len(parts)} parts, but a block is X, or a pair (X, y): "
            "leave weights to class_weight."
        )
    X = plain_values(parts[0])
    y = np.asarray(unmasked(parts[1], None)) if len(parts) == 2 else None
    if X.ndim < 2 or (y is not None and (y.ndim == 0 or len(y) != len(X))):
        told = "none" if y is None else str(y.shape)
        raise ValueError(
            f"A block has X of shape {X.shape} and y of shape {told}: give X of shape "
            "(n, columns) and y of shape (n,)."
        )
    return Block(X, y)


def together(blocks: Iterable[Block], buffer_rows: int | None) -> Iterator[Block]:
    """Put small blocks together, since each one costs some time by itself."""
    waiting: list[Block] = []
    n_rows = 0
    for block in blocks:
        if waiting and _shapes(block) != _shapes(waiting[0]):
            yield _joined(waiting)  # what reads them says that they differ
            waiting, n_rows = [], 0
        waiting.append(block)
        n_rows += len(block.X)
        if n_rows >= block_size(block.X.shape[1:], buffer_rows):
            yield _joined(waiting)
            waiting, n_rows = [], 0
    if waiting:
        yield _joined(waiting)


def _shapes(block: Block) -> tuple[Any, ...]:
    """Shapes of a row and of its label; None if there is no label."""
    return block.X.shape[1:], None if block.y is None else block.y.shape[1:]


def _joined(blocks: list[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    X = np.concatenate([block.X for block in blocks])
    labels = [block.y for block in blocks]
    return Block(X, None if labels[0] is None else _joined_labels(labels))


def _joined_labels(labels: list[Any]) -> np.ndarray:
    """Labels one after the other; texts stay apart from numbers."""
    if len({array.dtype.kind in "US" for array in labels}) > 1:
        labels = [array.astype(object) for array in labels]
    return np.concatenate(labels)
