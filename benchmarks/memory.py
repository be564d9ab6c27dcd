"""Memory of one large epoch, of many fits of a grid, and of many network shapes.

    python benchmarks/memory.py [--jobs NAME ...] [--rows 5600000] [--quick] [--report]

Every job has a process of its own, which reads its resident set from
``/proc/self/status`` (Linux):

- ``epoch``: the peak during one epoch on ``--rows`` x 9 float32, as a multiple of the
  bytes of X; above the process that has X and y, and above the process before it had
  them, but after a small fit that loaded TensorFlow;
- ``grid`` and ``scikeras``: the resident set after each fit of a grid over numbers that
  change no shape; growth per fit after the first ones, by a straight line and by the
  difference of the ends;
- ``shapes``, ``deep shapes`` and ``series shapes``: the resident set after each fit of
  networks that all differ in shape, so that each is compiled anew; growth per shape
  before and after the cache of programs is full, and once garbage is collected.

``--quick`` only tries the script: its numbers mean nothing, and are not written.
"""

import argparse
import gc
import json
import os
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import other_libraries
from host import describe

RESULTS = Path(__file__).parent / "results" / "memory.json"
N_COLUMNS = 9
BLOCK = 100_000
MB = 2**20

# Programs that are kept (skloss.training.program), and fits before a process has
# settled.
CACHED = 32
SETTLED, OTHER_SETTLED = 20, 5


# ---------------------------------------------------------------------------- measuring


def fresh(job: Callable[..., Any], *arguments: Any) -> Any:
    """Run a job in a new process."""
    with new_process() as process:
        return process.submit(job, *arguments).result()


def new_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), quiet)


def quiet() -> None:
    warnings.simplefilter("ignore")


def resident(name: str = "VmRSS") -> float:
    """Resident set in MB: now, or at its peak (VmHWM)."""
    with open("/proc/self/status") as lines:
        found = next(line for line in lines if line.startswith(name))
    return int(found.split()[1]) / 1024


def peak_of(work: Callable[[], Any]) -> tuple[float, bool]:
    """Peak resident set in MB during the work, and whether an older one was cleared."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        work()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, False
    work()
    return resident("VmHWM"), True


def rows_in_blocks(n: int, n_columns: int = N_COLUMNS) -> other_libraries.Rows:
    """Rows, about 5 % of them positive, made in blocks, so that making is no peak."""
    rng = np.random.default_rng(0)
    X, y = np.empty((n, n_columns), np.float32), np.empty(n, np.int64)
    for first in range(0, n, BLOCK):
        block = X[first : first + BLOCK]
        rng.standard_normal(out=block, dtype=np.float32)
        score = block[:, :3].sum(axis=1) + rng.standard_normal(len(block))
        y[first : first + BLOCK] = score > 3.3  # of a standard deviation of two
    return X, y


# --------------------------------------------------------------------------------- jobs


def epoch(n_rows: int) -> dict[str, Any]:
    from skloss import DenseClassifier

    options = {"batch_size": 128, "epochs": 1, "random_state": 0}
    # Enough steps to be compiled by XLA, as those of the epoch will be.
    DenseClassifier(width=5, **options).fit(*rows_in_blocks(min(n_rows, 100_000)))
    gc.collect()
    without = resident()
    X, y = rows_in_blocks(n_rows)
    given = resident()
    classifier = DenseClassifier(width=18, **options)
    peak, is_reset = peak_of(lambda: classifier.fit(X, y))
    size = X.nbytes / MB
    return {
        "x_mb": size,
        "y_mb": y.nbytes / MB,
        "process_mb": without,
        "with_rows_mb": given,
        "peak_mb": peak,
        "after_mb": resident(),
        "peak_was_reset": is_reset,
        "above_rows": (peak - given) / size,
        "above_process": (peak - without) / size,
    }


def grid(n_fits: int, settled: int) -> dict[str, Any]:
    from skloss import DenseClassifier

    rows = other_libraries.rare_rows(2_000, 20)
    cells = list(
        product([0.0, 0.1, 0.25, 0.5], [1e-3, 2e-3, 5e-3], [0.0, 1e-5, 1e-4], range(9))
    )
    np.random.default_rng(0).shuffle(cells)

    def fit(i: int) -> None:
        dropout, rate, l2, seed = cells[i]
        DenseClassifier(
            width=32,
            dropout=dropout,
            learning_rate=rate,
            l2=l2,
            random_state=int(seed),
            epochs=20,  # more than a thousand steps, as in shapes()
        ).fit(*rows)

    return growth(fit, n_fits, settled)


def scikeras(n_fits: int, settled: int) -> dict[str, Any]:
    rows = other_libraries.rare_rows(2_000, 20)

    def fit(i: int) -> None:
        classifier = other_libraries.scikeras_dense(20, 32, 3)
        classifier.set_params(model__dropout=0.1 + 0.01 * i, random_state=i).fit(*rows)

    return growth(fit, n_fits, settled)


def growth(fit: Callable[[int], None], n_fits: int, settled: int) -> dict[str, Any]:
    """Resident set after each fit, and how much a fit adds."""
    started = time.perf_counter()
    seen = list(after_each(fit, n_fits))
    return {
        "seconds": time.perf_counter() - started,
        "resident_mb": seen,
        "settled_after": settled,
        "mb_per_fit": slope(seen[settled - 1 :]),
        "mb_per_fit_by_ends": (seen[-1] - seen[settled - 1]) / (n_fits - settled),
    }


def shapes(kind: str, n_shapes: int) -> dict[str, Any]:
    """Fit networks of different shapes, each compiled."""
    from skloss import CNN1DClassifier, DenseClassifier

    # More than a thousand steps: shorter fits of dense layers need no program.
    options = {"epochs": 20, "batch_size": 32, "random_state": 0}
    rows = other_libraries.rare_rows(2_000, 152 if kind == "series" else N_COLUMNS)
    programs = set()

    def fit(i: int) -> None:
        if kind == "series":
            classifier = CNN1DClassifier(
                filters=((32, 16), (8, 8)),
                kernel_size=3,
                head=(5 + i,),
                scale_series=None,
                batch_norm=False,
                **options,
            )
        else:
            depth = 11 if kind == "deep" else 1
            classifier = DenseClassifier(width=5 + i, depth=depth, **options)
        programs.add(classifier.fit(*rows).record_.outcome["program"])

    seen = list(after_each(fit, n_shapes))
    assert programs <= {"xla", "graph"}, programs  # compiled, both of them
    gc.collect()
    return {
        "resident_mb": seen,
        "after_collecting_mb": resident(),
        "threads": len(os.listdir("/proc/self/task")),
        "mb_per_shape_before": slope(seen[3:CACHED]),
        "mb_per_shape_after": slope(seen[CACHED + 4 :]),
    }


def after_each(fit: Callable[[int], None], n_fits: int) -> Iterator[float]:
    for i in range(n_fits):
        fit(i)
        yield resident()


def slope(values: list[float]) -> float | None:
    """Growth from one value to the next, by least squares."""
    if len(values) < 3:
        return None
    return float(np.polyfit(np.arange(len(values)), values, 1)[0])


# -------------------------------------------------------------------------------- table


def table(found: dict[str, Any]) -> str:
    """Write the results as a table in Markdown."""
    lines = ["| what | measured | target |", "|---|---|---|"]
    for name in JOBS:
        if name in found:
            told = TELLERS[name](found[name])
            lines += [
                f"| {what} | {value} | {target} |" for what, value, target in told
            ]
    return "\n".join(lines)


Lines = Iterator[tuple[str, str, str]]


def tell_epoch(found: dict[str, Any]) -> Lines:
    size = f"one epoch, X of {found['x_mb']:,.0f} MB, peak"
    yield f"{size} above X and y", f"{found['above_rows']:.2f} X", "2 X"
    yield f"{size} with X and y", f"{found['above_process']:.2f} X", "2 X"


def tell_growth(title: str, target: str, found: dict[str, Any]) -> Lines:
    n, settled = len(found["resident_mb"]), found["settled_after"]
    values = found["mb_per_fit"], found["mb_per_fit_by_ends"]
    told = ", ".join(f"{value:.3f}" for value in values)
    yield f"{title}, fits {settled} to {n}, line and ends", f"{told} MB a fit", target


def tell_shapes(title: str, found: dict[str, Any]) -> Lines:
    seen = found["resident_mb"]
    pairs = (
        (f"{title}, while the cache fills", found["mb_per_shape_before"], ""),
        (f"{title}, {CACHED + 5} to {len(seen)}", found["mb_per_shape_after"], "0"),
    )
    for what, value, target in pairs:
        yield what, "" if value is None else f"{value:.2f} MB a shape", target
    ends = f"{seen[0]:,.0f}, {seen[-1]:,.0f}, {found['after_collecting_mb']:,.0f} MB"
    yield f"{title}: first, last, after collecting garbage", ends, ""


TELLERS: dict[str, Callable[[dict[str, Any]], Lines]] = {
    "epoch": tell_epoch,
    "grid": partial(tell_growth, "grid", "0.2"),
    "scikeras": partial(tell_growth, "scikeras", ""),
    "shapes": partial(tell_shapes, "dense shapes"),
    "deep shapes": partial(tell_shapes, "shapes of eleven layers"),
    "series shapes": partial(tell_shapes, "shapes for series of 152"),
}


def jobs(n_rows: int, is_quick: bool) -> dict[str, Callable[[], Any]]:
    """Return every job, ready to run."""
    if is_quick:
        return {
            "epoch": partial(epoch, 2_000),
            "grid": partial(grid, 3, 1),
            "scikeras": partial(scikeras, 3, 1),
            **{f"{kind}shapes": partial(shapes, kind.strip(), 1) for kind in KINDS},
        }
    return {
        "epoch": partial(epoch, n_rows),
        "grid": partial(grid, 200, SETTLED),
        "scikeras": partial(scikeras, 30, OTHER_SETTLED),
        "shapes": partial(shapes, "", 100),
        "deep shapes": partial(shapes, "deep", 60),
        "series shapes": partial(shapes, "series", 60),
    }


KINDS = ("", "deep ", "series ")
JOBS = tuple(TELLERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--rows", type=int, default=5_600_000)
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    options = parser.parse_args()
    ready = jobs(options.rows, options.quick)
    if options.quick:
        with new_process() as process:  # one for all, which is quicker
            print(table({name: process.submit(ready[name]).result() for name in JOBS}))
        return
    found = json.loads(RESULTS.read_text())["jobs"] if RESULTS.exists() else {}
    for name in [] if options.report else options.jobs:
        found[name] = fresh(ready[name])
        print(f"{name} done", flush=True)
        text = json.dumps({"host": describe(), "jobs": found}, indent=1)
        RESULTS.write_text(text + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
