"""Growth of time and memory with rows, columns, width, candidates and series length.

    python benchmarks/scaling.py [--sweeps NAME ...] [--quick] [--report]

Every point has a process of its own, which fits twice or more: the first fit imports
TensorFlow and compiles, the others do not. Of these the median of three is shown, or
one alone if it is long. The peak is that of the whole process. One epoch each, save for
the search, which runs every candidate on three folds for five epochs.

Writes ``results/scaling.json`` and ``scaling.png``. ``--quick`` tries the script on
tiny sizes in one process, and keeps nothing.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib as mpl
import numpy as np
from host import describe
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from memory import fresh, new_process, resident, rows_in_blocks

RESULTS = Path(__file__).parent / "results"
LONG = 10.0  # seconds of a warm fit that is not repeated


@dataclass(frozen=True)
class Sweep:
    """A size, the values it takes, and the work at one of them."""

    title: str
    axis: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    work: Callable[[int], Callable[[], Any]]


# --------------------------------------------------------------------------------- work


def rows(n: int) -> Callable[[], Any]:
    return dense(n, 9, width=18, batch_size=128)


def columns(n: int) -> Callable[[], Any]:
    return dense(20_000, n, width=32, batch_size=32)


def width(n: int) -> Callable[[], Any]:
    return dense(50_000, 30, width=n, batch_size=32)


def dense(n_rows: int, n_columns: int, **parameters: Any) -> Callable[[], Any]:
    from skloss import DenseClassifier

    classifier = DenseClassifier(epochs=1, random_state=0, **parameters)
    return partial(classifier.fit, *rows_in_blocks(n_rows, n_columns))


def candidates(n: int) -> Callable[[], Any]:
    from sklearn.model_selection import GridSearchCV

    from skloss import DenseClassifier

    classifier = DenseClassifier(width=32, epochs=5, random_state=0)
    grid = {"learning_rate": np.geomspace(1e-4, 1e-2, n).tolist()}
    return partial(GridSearchCV(classifier, grid, cv=3).fit, *rows_in_blocks(2_000, 20))


def length(n: int) -> Callable[[], Any]:
    from skloss import CNN1DClassifier

    classifier = CNN1DClassifier(
        filters=((32, 16), (8, 8)),
        kernel_size=3,
        head=(10,),
        scale_series=None,
        batch_norm=False,
        batch_size=32,
        epochs=1,
        random_state=0,
    )
    # At least 41 steps, because fewer are not compiled.
    return partial(classifier.fit, *rows_in_blocks(1_500, n))


SWEEPS = {
    "rows": Sweep(
        "rows of 9 columns",
        "rows",
        (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
        (1_000, 3_000),
        rows,
    ),
    "columns": Sweep(
        "columns of 20,000 rows",
        "columns",
        (10, 30, 100, 300, 1_000),
        (10, 20),
        columns,
    ),
    "width": Sweep(
        "units of a hidden layer, 50,000 x 30",
        "units",
        (8, 16, 32, 64, 128, 256, 512),
        (8, 16),
        width,
    ),
    "candidates": Sweep(
        "candidates of a grid search, 2,000 x 20",
        "candidates",
        (1, 3, 10, 30, 100),
        (1, 2),
        candidates,
    ),
    "length": Sweep(
        "time steps of 1,500 series",
        "time steps",
        (100, 200, 500, 1_000, 2_000, 5_000, 10_000),
        (20, 40),
        length,
    ),
}


# ---------------------------------------------------------------------------- measuring


def measure(name: str, size: int, repeats: int = 3) -> dict[str, float]:
    work = SWEEPS[name].work(size)
    before = resident()
    cold = seconds(work)
    warm = [seconds(work)]
    while len(warm) < repeats and warm[0] < LONG:
        warm.append(seconds(work))
    return {
        "size": size,
        "cold": cold,
        "warm": statistics.median(warm),
        "before_mb": before,
        "peak_mb": resident("VmHWM"),
    }


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def straightness(points: list[Mapping[str, float]], curve: str) -> dict[str, float]:
    """Straight line through the points, and its share of their variance (R2)."""
    size, value = (
        np.array([point[key] for point in points]) for key in ("size", curve)
    )
    slope, intercept = np.polyfit(size, value, 1)
    rest, whole = np.var(value - slope * size - intercept), np.var(value)
    return {
        "per_unit": float(slope),
        "at_zero": float(intercept),
        "r2": float(1 - rest / whole) if whole else 1.0,
    }


# --------------------------------------------------------------------- table and figure


def table(found: Mapping[str, list[Mapping[str, float]]]) -> str:
    """Write the results as a table in Markdown."""
    lines = ["| grows | from | to | cold s | warm s | peak MB | R2 s | R2 MB |"]
    lines.append("|" + "---|" * 8)
    for name, points in found.items():
        ends = points[0], points[-1]
        cells = [
            SWEEPS[name].title,
            *(f"{end['size']:,}" for end in ends),
            *(
                " to ".join(f"{end[curve]:,.3g}" for end in ends)
                for curve in ("cold", "warm")
            ),
            " to ".join(f"{end['peak_mb']:,.0f}" for end in ends),
            *(
                f"{straightness(points, curve)['r2']:.4f}"
                for curve in ("warm", "peak_mb")
            ),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(found: Mapping[str, list[Mapping[str, float]]], path: Path) -> None:
    """Draw a panel of seconds for each sweep, and one of memory for the rows."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(name, "seconds") for name in found]
    if "rows" in found:
        panels.insert(1, ("rows", "MB"))
    figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    for axis, (name, unit) in zip(axes.flat, panels, strict=False):
        panel(axis, SWEEPS[name], found[name], unit)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def short(size: int) -> str:
    """Write a size shortly: 10,000,000 as 10M.

    >>> short(30_000)
    '30k'
    """
    for letter, unit in (("M", 10**6), ("k", 10**3)):
        if size >= unit:
            return f"{size / unit:g}{letter}"
    return str(size)


def panel(axis: Any, sweep: Sweep, points: list, unit: str) -> None:
    curves = {
        "seconds": {"cold": "first fit, cold", "warm": "second fit, warm"},
        "MB": {"peak_mb": "peak of the process", "before_mb": "before the first fit"},
    }[unit]
    size = [point["size"] for point in points]
    for (curve, label), style in zip(curves.items(), ("o-", "s--"), strict=True):
        value = [point[curve] for point in points]
        axis.plot(size, value, style, label=label, markersize=5)
    line = straightness(points, "peak_mb" if unit == "MB" else "warm")
    axis.set_xscale("log")
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    axis.set_ylim(low / 1.5, high * 6)  # room for the legend
    axis.set_xticks(size, [short(value) for value in size], fontsize=9)
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    for side in (axis.xaxis, axis.yaxis):
        side.set_minor_formatter(NullFormatter())
        side.set_minor_locator(NullLocator())
    axis.set_title(sweep.title, fontsize=11)
    axis.set_xlabel(f"{sweep.axis} (straight line: R² {line['r2']:.4f})")
    axis.set_ylabel(unit)
    axis.grid(alpha=0.3)
    axis.legend(loc="upper left", fontsize=9, frameon=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweeps", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--quick", action="store_true", help="try it on tiny sizes")
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    options = parser.parse_args()
    if options.quick:
        found = try_quickly()
        with tempfile.TemporaryDirectory() as folder:
            draw(found, Path(folder) / "scaling.png")
        print(table(found))
        return
    path = RESULTS / "scaling.json"
    known = json.loads(path.read_text())["sweeps"] if path.exists() else {}
    for name in [] if options.report else options.sweeps:
        known[name] = []
        for size in SWEEPS[name].sizes:
            known[name].append(fresh(measure, name, size))
            print(f"{name} {size:,} done", flush=True)
        lines = {
            swept: {c: straightness(points, c) for c in ("warm", "peak_mb")}
            for swept, points in known.items()
        }
        text = json.dumps(
            {"host": describe(), "sweeps": known, "straight_lines": lines}, indent=1
        )
        path.write_text(text + "\n")
    found = {name: known[name] for name in SWEEPS if name in known}
    draw(found, RESULTS / "scaling.png")
    print(f"{path.with_suffix('.png')} drawn\n")
    print(table(found))


def try_quickly() -> dict[str, list[dict[str, float]]]:
    """Run every sweep at tiny sizes in one process."""
    with new_process() as process:
        return {
            name: [process.submit(measure, name, n, 1).result() for n in sweep.quick]
            for name, sweep in SWEEPS.items()
        }


if __name__ == "__main__":
    main()
