"""Where the seconds of a fit go: steps, curves, probes, hold-out, record, compiling.

    python benchmarks/time_breakdown.py [--rounds 5] [--quick] [--report]

Whole fits with all that is on by default. Each part is timed by a clock around the
function that does it; medians over rounds of fits with compiled programs. "compiling"
is what the first fit takes beyond those. ``--quick`` tries the script on few rows and
writes nothing.
"""

import argparse
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from host import describe

from skloss import CNN1DClassifier, DenseClassifier
from skloss.estimators import network_fit, neural_classifier
from skloss.training import chunks, evaluation, program, trainer

RESULTS = Path(__file__).parent / "results" / "time_breakdown.json"
SERIES: dict[str, Any] = {
    "filters": ((32, 16), (8, 8)),
    "kernel_size": 3,
    "head": (10,),
    "scale_series": None,
    "batch_norm": False,
}
# Name, classifier, rows, columns.
JOBS: dict[str, tuple[Any, int, int]] = {
    "9-18-1, batch 128, one epoch": (
        DenseClassifier(None, epochs=1, batch_size=128, random_state=0),
        1_000_000,
        9,
    ),
    "30-128-64-1, batch 128, 5 epochs": (
        DenseClassifier((128, 64), epochs=5, batch_size=128, random_state=0),
        100_000,
        30,
    ),
    "20-40-1, batch 32, 30 epochs": (
        DenseClassifier(None, epochs=30, random_state=0),
        2_000,
        20,
    ),
    "series of 152, batch 32, 5 epochs": (
        CNN1DClassifier(**SERIES, epochs=5, random_state=0),
        4_000,
        152,
    ),
}
PARTS: dict[str, tuple[Any, str]] = {
    "hold-out": (neural_classifier, "stratified_holdout"),
    "steps": (program.Program, "run"),
    "gathering rows": (chunks.Chunks, "_fill"),
    "curves": (evaluation.Evaluator, "__call__"),
    "probes of units": (trainer, "unit_shares"),
    "record": (network_fit, "make_record"),
}
QUICK_ROWS = 300


@contextmanager
def clocks() -> Iterator[dict[str, float]]:
    """Add up the seconds of every part, inclusive of what it calls."""
    seconds: dict[str, float] = defaultdict(float)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                seconds[name] += time.perf_counter() - start

        return run

    with ExitStack() as stack:
        for name, (owner, attribute) in PARTS.items():
            clock = timed(name, getattr(owner, attribute))
            stack.enter_context(mock.patch.object(owner, attribute, clock))
        yield seconds


def fit_seconds(classifier: Any, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Seconds of one fit and of its parts."""
    with clocks() as seconds:
        start = time.perf_counter()
        classifier.fit(X, y)
        return {"fit": time.perf_counter() - start, **seconds}


def measure(classifier: Any, n: int, d: int, rounds: int) -> dict[str, float]:
    """Median seconds of each part, and of compiling."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] ** 2 + rng.normal(size=n) > 3.2).astype(int)
    first = fit_seconds(classifier, X, y)["fit"]
    found = [fit_seconds(classifier, X, y) for _ in range(rounds)]
    parts = ["fit", *PARTS]
    medians = {p: statistics.median(one.get(p, 0.0) for one in found) for p in parts}
    return medians | {"compiling": first - medians["fit"]}


def table(found: dict[str, dict[str, float]]) -> str:
    """Shares of the fit as a table in Markdown."""
    parts = [*PARTS, "rest"]
    lines = ["| job | seconds | " + " | ".join(parts) + " | first fit more |"]
    lines.append("|---|---|" + "---|" * (len(parts) + 1))
    for job, seconds in found.items():
        whole = seconds["fit"]
        shares = [seconds[part] / whole for part in PARTS]
        # The next rows are gathered while steps run: those seconds count once.
        own = 1 - sum(shares) + shares[list(PARTS).index("gathering rows")]
        cells = [f"{share:.1%}" for share in [*shares, max(own, 0.0)]]
        more = f"{seconds['compiling']:.2f} s"
        lines.append(f"| {job} | {whole:.3f} | " + " | ".join(cells) + f" | {more} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    options = parser.parse_args()
    if options.report:
        print(table(json.loads(RESULTS.read_text())["jobs"]))
        return
    # Importing TensorFlow must not count as compiling.
    DenseClassifier(epochs=1).fit(np.eye(40), np.arange(40) % 2)
    found = {}
    for name, (classifier, n, d) in JOBS.items():
        if options.quick:
            found[name] = measure(classifier, min(n, QUICK_ROWS), d, 1)
        else:
            found[name] = measure(classifier, n, d, options.rounds)
    if not options.quick:
        text = json.dumps({"host": describe(), "jobs": found}, indent=1)
        RESULTS.write_text(text + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
