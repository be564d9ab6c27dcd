"""The order of rows in blocks: complete, seeded, and how far from chance."""

import numpy as np
import pytest

from skloss import streams
from skloss.streams.counted import count_rows
from skloss.streams.streamed_rows import StreamedRows
from skloss.training.evaluation import Rows
from skloss.training.streamed_chunks import StreamedChunks

N, N_BLOCKS, BUFFER = 64_000, 64, 8_000  # eight blocks of a thousand rows
VALUES = np.arange(N, dtype=np.float32)[:, np.newaxis]


def blocks():
    for first in range(0, N, N // N_BLOCKS):
        rows = slice(first, first + N // N_BLOCKS)
        yield VALUES[rows], VALUES[rows, 0] >= 0.9 * N  # sorted: the worst case


class Seekable(streams.RowSource):
    """The same blocks, each of which can be read by itself."""

    can_seek = True

    def __init__(self, buffer_rows):
        self.buffer_rows = buffer_rows

    def blocks(self):
        return (streams.Block(*pair) for pair in blocks())

    def read(self, number):
        return list(blocks())[number][0]


def chunks_of(source, mask=None, size=640):
    counted = count_rows(source, np.asarray)
    X, y = StreamedRows(counted, np.asarray, (1,), mask), counted.codes
    return StreamedChunks(Rows(X, y if mask is None else y[mask]), size)


def order_of(chunks, rng):
    """Row numbers in the order in which they are trained on, and their classes."""
    parts = [(c[0][:n, 0].copy(), c[1][:n].copy()) for n, c in chunks.gather(rng)]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


@pytest.mark.parametrize("size", [640, 999, 70_000])
@pytest.mark.parametrize("source", [Seekable(BUFFER), streams.block_rows(blocks)])
def test_every_row_comes_once_in_an_epoch_with_its_class(source, size):
    mask = np.random.default_rng(1).random(N) < 0.7
    chunks = chunks_of(source, mask, size)
    rng = np.random.default_rng(0)
    for _ in range(2):
        rows, classes = order_of(chunks, rng)
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(mask))
        np.testing.assert_array_equal(classes, rows >= 0.9 * N)


def test_the_same_seed_gives_the_same_order_and_epochs_differ():
    chunks = chunks_of(Seekable(BUFFER))
    rng = np.random.default_rng(0)
    first, second = order_of(chunks, rng)[0], order_of(chunks, rng)[0]
    again = order_of(chunks_of(Seekable(BUFFER)), np.random.default_rng(0))[0]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_a_buffer_that_holds_all_rows_gives_the_order_of_a_fit_in_memory():
    order = np.arange(N, dtype=np.int32)
    np.random.default_rng(5).shuffle(order)
    rows, _ = order_of(chunks_of(Seekable(None)), np.random.default_rng(5))
    np.testing.assert_array_equal(rows, order)


def test_without_shuffling_the_rows_come_as_they_stand():
    np.testing.assert_array_equal(
        order_of(chunks_of(Seekable(BUFFER)), None)[0], VALUES[:, 0]
    )


def shares_of_positives(source):
    """Share of the positives in each buffer of 200 epochs."""
    chunks, rng = chunks_of(source, size=8000), np.random.default_rng(0)
    found = [
        order_of(chunks, rng)[1].reshape(-1, BUFFER).mean(axis=1) for _ in range(40)
    ]
    return np.concatenate(found)


def test_a_buffer_of_sorted_rows_is_as_mixed_as_a_sample_of_as_many_blocks():
    # Eight blocks of 64 are drawn without putting back. If all rows were drawn one by
    # one, the deviation would be 32 times smaller.
    share, k = 0.1, BUFFER * N_BLOCKS // N
    of_blocks = np.array([y.mean() for _, y in blocks()])
    expected = of_blocks.std() * np.sqrt((N_BLOCKS - k) / (N_BLOCKS - 1) / k)
    found = shares_of_positives(Seekable(BUFFER))
    assert found.mean() == pytest.approx(share)
    assert found.std() == pytest.approx(expected, rel=0.1)
    assert expected == pytest.approx(0.1, rel=0.03)


def test_a_source_that_cannot_seek_is_shuffled_within_its_buffers_alone():
    rows = streams.block_rows(blocks, buffer_rows=BUFFER)
    order, _ = order_of(chunks_of(rows), np.random.default_rng(0))
    np.testing.assert_array_equal(order // BUFFER, np.repeat(np.arange(8), BUFFER))
    assert (np.diff(order) < 0).any()


def test_within_a_buffer_the_place_of_a_row_is_uniform():
    order, _ = order_of(chunks_of(Seekable(BUFFER)), np.random.default_rng(0))
    in_buffer = order[:BUFFER]
    ranks = np.argsort(np.argsort(in_buffer))
    correlation = np.corrcoef(ranks, np.arange(BUFFER))[0, 1]
    assert abs(correlation) < 4 / np.sqrt(BUFFER)


def test_streamed_rows_are_read_by_masks_positions_and_in_any_order():
    counted = count_rows(Seekable(BUFFER), np.asarray)
    rows = StreamedRows(counted, np.asarray, (1,))
    odd = rows.at(np.arange(N) % 2 == 1)
    assert odd.shape == (N // 2, 1)
    np.testing.assert_array_equal(odd.read(), VALUES[1::2])
    np.testing.assert_array_equal(odd.at(np.array([0, 7])).read(), VALUES[[1, 15]])
    np.testing.assert_array_equal(odd.take(np.array([7, 0, 7])), VALUES[[15, 1, 15]])
    np.testing.assert_array_equal(
        odd.at(odd.take(np.arange(N // 2))[:, 0] > 63_000).read(), VALUES[63_001::2]
    )
    assert rows.reshape(N, -1).shape == (N, 1)
