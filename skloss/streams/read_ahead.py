"""Read the next item while one is worked on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["read_ahead"]

Item = TypeVar("Item")


def read_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Give the items, each of which was made in a thread while the last one was used.

    Examples
    --------
    >>> list(read_ahead(range(3)))
    [0, 1, 2]
    """
    coming = iter(items)
    end = object()
    try:
        with ThreadPoolExecutor(1) as reader:
            future = reader.submit(next, coming, end)
            while (item := future.result()) is not end:
                future = reader.submit(next, coming, end)
                yield item  # type: ignore[misc]
    finally:
        close = getattr(coming, "close", None)
        if close is not None:
            close()
