"""Settings that a job is timed in: idle, beside other work, and with other threads."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

__all__ = ["SETTINGS", "Setting", "limits", "load"]


@dataclass(frozen=True)
class Setting:
    """What is different from a machine that does nothing else.

    Parameters
    ----------
    busy_cores : int
        Processes that compute without a pause meanwhile.
    imports : tuple of str
        Packages that a contestant imports before anything else.
    environment : mapping
        Variables of the contestants' processes.
    """

    busy_cores: int = 0
    imports: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Keep cores busy, and hand variables on to processes that start here."""
        busy = [sys.executable, "-c", "while True: pass"]
        spinning: list[subprocess.Popen] = []
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            spinning.extend(subprocess.Popen(busy) for _ in range(self.busy_cores))
            yield
        finally:
            for process in spinning:
                process.kill()
                process.wait()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


SETTINGS = {
    "idle": Setting(),
    "a core busy": Setting(busy_cores=1),
    "keras imported first": Setting(imports=("keras",)),
    "1 thread": Setting(environment={"TF_NUM_INTRAOP_THREADS": "1"}),
    "2 threads": Setting(environment={"TF_NUM_INTRAOP_THREADS": "2"}),
}


def load() -> float:
    """Count processes that ran or waited for a core, on average of the last minute."""
    return os.getloadavg()[0]


def limits(seconds: float = 1.0) -> dict[str, float]:
    """Measure the best of NumPy's matrix product and copy, of float32."""
    rng = np.random.default_rng(0)
    a, b = (rng.random((1024, 1024), np.float32) for _ in range(2))
    source = np.zeros(2**26, np.float32)
    target = np.zeros_like(source)
    return {
        "matrix product, GFLOP/s": 2 * 1024**3 / 1e9 / _best(lambda: a @ b, seconds),
        "copy, GB/s": 2
        * source.nbytes
        / 1e9
        / _best(lambda: np.copyto(target, source), seconds),
    }


def _best(work, seconds: float) -> float:
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
