"""The fits of a search on the workers of a cluster of dask or ray."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from functools import partial
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from skloss.search.plan import SearchError
from skloss.search.pools import Calls, Ended

__all__ = ["ClusterPool", "dask_pool", "ray_pool"]

_SECONDS = 30  # for an answer of a cluster
_LOOK_SECONDS = 1  # from one look at the workers to the next
_ENDED = (
    "A fit has ended several workers, perhaps for want of memory ({}). The finished "
    "fits are kept: run the command again with --resume."
)


class ClusterPool:
    """Workers of a cluster; the rows travel to each of them once.

    A worker that is killed costs its own fits, which another worker repeats. What fits
    warn of is in the logs of the workers.

    Parameters
    ----------
    send : callable
        Takes what all fits need, and returns what stands for it on the workers.
    submit : callable
        Takes that and what else `call_method` takes, runs it on a worker, and returns
        its future.
    replace : callable
        Starts the workers that are missing. It is called again and again.
    """

    def __init__(
        self,
        send: Callable[[Any], Any],
        submit: Callable[..., Future[Any]],
        replace: Callable[[], None] = lambda: None,
    ) -> None:
        self._send = send
        self._submit = submit
        self._replace = replace
        self._sent: Any = None

    def run(self, search: Any, X: Any, y: Any, calls: Calls) -> Ended:
        """Yield key and result of each call as it ends.

        The rest is given up when the cluster is left.
        """
        if self._sent is None:
            self._sent = self._send((search, X, y))
        keys = {self._submit(self._sent, *call): key for key, call in calls.items()}
        running = set(keys)
        while running:
            ended, running = wait(running, _LOOK_SECONDS, FIRST_COMPLETED)
            self._replace()
            for future in ended:
                yield keys[future], future.result()


def call_method(sent: tuple[Any, Any, Any], method: str, *args: Any) -> Any:
    """Call a method of a search on a worker."""
    search, X, y = sent
    # Several fits at once are faster than several threads each.
    with threadpool_limits(1):
        return getattr(search, method)(X, y, *args, stop=None)


@contextmanager
def dask_pool(address: str | None, n_workers: int) -> Iterator[ClusterPool]:
    """Connect to a scheduler of dask, or start workers on this machine.

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
        raise _missing("dask") from err
    cluster = None
    try:
        if address is None:
            cluster = LocalCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=None
            )
        client = Client(cluster or address, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as err:
        if cluster is not None:
            cluster.close()
        raise _unreached("dask", address, "dask scheduler", err) from err

    def send(value: Any) -> Any:
        # As a task, which dask repeats where the workers that had its result are gone.
        # What is scattered would be lost with them, and dask soon leaves it on one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is large; it is sent once
            return client.submit(partial(tuple, value), pure=False)

    def replace() -> None:
        # dask itself gives a worker up that is not back within some seconds, and one
        # that was interrupted.
        if cluster is not None:
            cluster.scale(n_workers)

    executor = client.get_executor(pure=False)
    try:
        yield ClusterPool(send, partial(executor.submit, call_method), replace)
    except KilledWorker as err:
        raise SearchError(_ENDED.format(err)) from err
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


@contextmanager
def ray_pool(address: str | None, n_workers: int) -> Iterator[ClusterPool]:
    """Connect to a cluster of ray, or start one on this machine.

    Parameters
    ----------
    address : str or None
        Address of a cluster; None starts one on this machine.
    n_workers : int
        Processes of that cluster.

    Raises
    ------
    SearchError
        If ray is not installed, if no cluster answers, or if a fit has killed several
        workers.
    """
    try:
        import ray
    except ImportError as err:
        raise _missing("ray") from err
    where: dict[str, Any] = {"address": address}
    if address is None:  # also where ray knows another cluster
        where = {"address": "local", "num_cpus": n_workers, "include_dashboard": False}
    try:
        if address is not None:
            # ray itself asks an address that does not answer for minutes.
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_SECONDS).close()
        ray.init(**where, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as err:
        raise _unreached("ray", address, "ray start --head", err) from err
    task = ray.remote(max_retries=3)(call_method)
    try:
        yield ClusterPool(ray.put, lambda *args: task.remote(*args).future())
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as err:
        raise SearchError(_ENDED.format(" ".join(str(err).split()))) from err
    finally:
        ray.shutdown()


def _missing(package: str) -> SearchError:
    return SearchError(
        f"--backend {package} needs {package}: "
        f'python -m pip install "skloss[{package}]".'
    )


def _unreached(
    package: str, address: str | None, command: str, err: Exception
) -> SearchError:
    reason = " ".join(str(err).split()).rstrip(".")
    if address is None:
        return SearchError(
            f"Workers of {package} do not start on this machine ({reason}); leave "
            f"--backend {package} out for threads."
        )
    return SearchError(
        f"No cluster of {package} answers at {address} ({reason}); start one with "
        f"{command}, or leave --address out for workers on this machine."
    )
