"""The fits of a search on workers of dask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from skloss.search.plan import SearchError
from skloss.search.pools import OpenPool

__all__ = ["DaskPool", "dask_pool"]


class DaskPool:
    """Workers of a client of dask; the rows travel to each of them once.

    A worker that is killed costs its own fits, which another worker repeats. What fits
    warn of is in the logs of the workers.

    Parameters
    ----------
    client : distributed.Client
        The client.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sent: Any = None

    @contextmanager
    def open(self, search: Any, X: Any, y: Any) -> Iterator[OpenPool]:
        """Take fits; after an error those that are left are given up."""
        if self._sent is None:
            # What one worker alone has would be lost with it.
            (self._sent,) = self._client.scatter(
                [(search, X, y)], broadcast=True, hash=False
            )
        executor = self._client.get_executor(pure=False)
        try:
            yield OpenPool(partial(executor.submit, _run, self._sent))
        except BaseException:
            executor.shutdown(wait=False)
            raise


def _run(sent: tuple[Any, Any, Any], method: str, *args: Any) -> Any:
    search, X, y = sent
    # Several fits at once are faster than several threads each.
    with threadpool_limits(1):
        return getattr(search, method)(X, y, *args)


@contextmanager
def dask_pool(address: str | None, n_workers: int) -> Iterator[DaskPool]:
    """Connect to a scheduler, or start workers on this machine.

    Parameters
    ----------
    address : str or None
        Address of a scheduler; None starts a cluster on this machine.
    n_workers : int
        Processes of that cluster.

    Raises
    ------
    SearchError
        If dask is not installed, if no scheduler answers, or if a fit has killed
        several workers.
    """
    try:
        from distributed import Client, KilledWorker, LocalCluster
    except ImportError as err:
        raise SearchError(
            '--backend dask needs dask: python -m pip install "skloss[dask]".'
        ) from err
    cluster = None
    try:
        if address is None:
            cluster = LocalCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=None
            )
        client = Client(cluster or address, set_as_default=False)
    except (OSError, ValueError) as err:
        if cluster is not None:
            cluster.close()
        if address is None:
            raise SearchError(
                f"Workers of dask do not start on this machine ({err}); leave "
                "--backend dask out for threads."
            ) from err
        raise SearchError(
            f"No scheduler of dask answers at {address} ({err}); start one with "
            "dask scheduler, or leave --address out for workers on this machine."
        ) from err
    try:
        yield DaskPool(client)
    except KilledWorker as err:
        raise SearchError(
            f"A fit has ended several workers, perhaps for want of memory ({err}). The "
            "finished fits are kept: run the command again with --resume."
        ) from err
    finally:
        client.close()
        if cluster is not None:
            cluster.close()
