"""Pools in which the fits of a search run: threads of this process, or others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["OpenPool", "Pool", "ThreadPool"]


@dataclass(frozen=True)
class OpenPool:
    """A pool that knows the search and its rows.

    Parameters
    ----------
    submit : callable
        Takes the name of a method of the search and what comes after X and y; the
        future has what it returns.
    stop : Event or None
        Ends running fits early; None where they cannot be told.
    """

    submit: Callable[..., Future[Any]]
    stop: threading.Event | None = None


class Pool(Protocol):
    """Runs methods of a search, several at the same time."""

    def open(self, search: Any, X: Any, y: Any) -> AbstractContextManager[OpenPool]:
        """Take fits; after an error those that are left are given up."""


@dataclass(frozen=True)
class ThreadPool:
    """Threads, which share compiled programs; processes cannot."""

    n_jobs: int

    @contextmanager
    def open(self, search: Any, X: Any, y: Any) -> Iterator[OpenPool]:
        """Take fits; after an error those that are left are given up."""
        stop = threading.Event()
        with ThreadPoolExecutor(max(1, self.n_jobs)) as pool:

            def submit(method: str, *args: Any) -> Future[Any]:
                return pool.submit(getattr(search, method), X, y, *args)

            try:
                yield OpenPool(submit, stop)
            except BaseException:
                # Ctrl-C is raised only in this thread. The event stops the fits in the
                # other threads at the end of their epoch.
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
