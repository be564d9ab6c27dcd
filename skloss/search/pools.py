"""Pools in which the fits of a search run: threads of this process, or others."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Calls", "Ended", "Pool", "ThreadPool"]

# Under a key each: the name of a method of the search, and what comes after X and y.
Calls = Mapping[Any, tuple[Any, ...]]
Ended = Generator[tuple[Any, Any], None, None]  # key and result


class Pool(Protocol):
    """Runs methods of a search, several at the same time."""

    def run(self, search: Any, X: Any, y: Any, calls: Calls) -> Ended:
        """Yield key and result of each call as it ends; when closed, give the rest up.

        Each method takes ``stop``, an event that ends a running fit early, or None
        where it cannot be told.
        """


@dataclass(frozen=True)
class ThreadPool:
    """Threads, which share compiled programs; processes cannot."""

    n_jobs: int

    def run(self, search: Any, X: Any, y: Any, calls: Calls) -> Ended:
        """Yield key and result of each call as it ends; if closed, give the rest up."""
        stop = threading.Event()
        with ThreadPoolExecutor(max(1, self.n_jobs)) as pool:

            def submit(method: str, *args: Any) -> Future[Any]:
                return pool.submit(getattr(search, method), X, y, *args, stop=stop)

            try:
                keys = {submit(*call): key for key, call in calls.items()}
                for future in as_completed(keys):
                    yield keys[future], future.result()
            except BaseException:
                # Ctrl-C is raised only in this thread. The event stops the fits in the
                # other threads at the end of their epoch.
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
