"""Memory and rows per second of one epoch on rows that stay on the disk.

A file of 50 million rows of nine columns, 1.8 GB, is trained on for one epoch as
`streams.array_rows` of a mapped array. Beside it five million rows are trained on in
memory, in the same run. Each fit has a process of its own, whose peak is that of the
whole process, TensorFlow and labels with it. The file is dropped from the cache of the
system before it is trained on, where the system lets us.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from host import describe

RESULTS = Path(__file__).parent / "results" / "out_of_core.json"
N_COLUMNS = 9
BLOCK = 100_000
GB = 1024 * 1024  # of kB
BOUND_GB, BOUND_SHARE = 2.0, 0.5


def write_rows(folder: Path, n_rows: int) -> None:
    """Write X.npy and y.npy, about 5 % of the rows positive, block by block."""
    rng = np.random.default_rng(0)
    save = np.lib.format.open_memmap
    X = save(folder / "X.npy", "w+", np.float32, (n_rows, N_COLUMNS))
    y = save(folder / "y.npy", "w+", np.int8, (n_rows,))
    for first in range(0, n_rows, BLOCK):
        block = rng.standard_normal((min(BLOCK, n_rows - first), N_COLUMNS), np.float32)
        score = block[:, :3].sum(axis=1) + rng.standard_normal(len(block))
        X[first : first + BLOCK] = block
        y[first : first + BLOCK] = score > 3.3  # of a standard deviation of two
    X.flush()
    y.flush()


def drop_from_cache(path: Path) -> None:
    """Ask the system to forget what it has of a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def fit(folder: Path, n_rows: int, is_on_disk: bool) -> dict[str, Any]:
    """Train one epoch, and measure it and this process."""
    from skloss import DenseClassifier, streams

    warnings.simplefilter("ignore")
    X, y = (
        np.load(folder / name, mmap_mode="r")[:n_rows] for name in ("X.npy", "y.npy")
    )
    classifier = DenseClassifier(width=18, batch_size=128, epochs=1, random_state=0)
    # Enough steps to be compiled by XLA, as those of the epoch will be.
    some = min(n_rows, 100_000)
    classifier.fit(np.array(X[:some]), np.array(y[:some]))
    if is_on_disk:
        drop_from_cache(folder / "X.npy")
        given: tuple[Any, ...] = (streams.array_rows(X, y),)
    else:
        given = np.array(X), np.array(y)
    started = time.perf_counter()
    classifier.fit(*given)
    seconds = time.perf_counter() - started
    epoch = classifier.history_["seconds"][0]
    n_trained = classifier.record_.data["n_rows"]
    return {
        "rows": n_rows,
        "x_gb": n_rows * N_COLUMNS * 4 / 1024**3,
        "fit_seconds": seconds,
        "epoch_seconds": epoch,
        "rows_per_second_of_fit": n_rows / seconds,
        "rows_per_second_of_epoch": n_trained / epoch,
        "peak_gb": peak() / GB,
        "val_loss": classifier.history_["val_loss"][0],
    }


def peak() -> int:
    """Peak resident set of this process, in kB."""
    with open("/proc/self/status") as lines:
        found = next(line for line in lines if line.startswith("VmHWM"))
    return int(found.split()[1])


def measure(n_rows: int, n_in_memory: int, parent: str | None) -> dict[str, Any]:
    """Write the rows, train on them, and delete them."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        fresh(partial(write_rows, folder, n_rows))
        return {
            "in memory": fresh(partial(fit, folder, n_in_memory, is_on_disk=False)),
            "on disk": fresh(partial(fit, folder, n_rows, is_on_disk=True)),
        }


def fresh(job: Any) -> Any:
    """Run a job in a new process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(job).result()


def table(found: dict[str, Any]) -> str:
    """Write the results as a table in Markdown."""
    lines = [
        "| rows | where | X | rows/s of the fit | rows/s of its epoch | peak | "
        "validation loss |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['rows']:,} | {name} | {one['x_gb']:.2f} GB | "
        f"{one['rows_per_second_of_fit']:,.0f} | "
        f"{one['rows_per_second_of_epoch']:,.0f} | {one['peak_gb']:.2f} GB | "
        f"{one['val_loss']:.5f} |"
        for name, one in found.items()
    ]
    memory, disk = found["in memory"], found["on disk"]
    for what in ("fit", "epoch"):
        key = f"rows_per_second_of_{what}"
        share = disk[key] / memory[key]
        lines.append(f"\nrows/s of the {what}: {share:.2f} of those in memory")
    lines.append(f"bars: {BOUND_SHARE} of the rows/s, and {BOUND_GB} GB")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--in-memory", type=int, default=5_000_000)
    parser.add_argument("--folder", help="where the file is written, and deleted")
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    options = parser.parse_args()
    if options.report:
        print(table(json.loads(RESULTS.read_text())["fits"]))
        return
    if options.quick:
        print(table(measure(20_000, 10_000, options.folder)))
        return
    load = os.getloadavg()[0]
    found = measure(options.rows, options.in_memory, options.folder)
    print(table(found))
    text = json.dumps({"host": describe(), "load": load, "fits": found}, indent=1)
    RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
