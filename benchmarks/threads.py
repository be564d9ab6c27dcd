"""Speed of threads against processes, with one or two TensorFlow threads.

    python benchmarks/threads.py [--rounds 3] [--quick]

The same grid searches, each in new processes, with 1 and 2 threads within an operation
of TensorFlow (``TF_NUM_INTRAOP_THREADS``; skloss takes 1 where nothing is set), run by
joblib with one job, two threads, or two processes. Single fits are shown too.
``--quick`` tries the script on one small fit, and writes nothing.
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

import other_libraries
import speed
from harness import run_in_turn
from host import describe

RESULTS = Path(__file__).parent / "results" / "threads.json"
WAYS = {
    "one job": ("threading", 1),
    "two threads": ("threading", 2),
    "two processes": ("loky", 2),
}
GRIDS = {
    "table": {"width": [16, 32, 64], "dropout": [0.25, 0.5], "l2": [0.0, 1e-4]},
    "series": {"learning_rate": [1e-3, 3e-3], "activation": ["relu", "elu"]},
}


def search(kind: str, backend: str, n_jobs: int, threads: int) -> other_libraries.Timed:
    """Prepare a whole search, import of TensorFlow and compiling included."""
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    from joblib import parallel_config

    from skloss import DenseClassifier

    if kind == "table":
        classifier = DenseClassifier(epochs=30, batch_size=32, random_state=0)
        rows = other_libraries.rare_rows(*speed.TABLE)
    else:
        classifier, rows = (
            speed.theft_classifier(20, 32),
            other_libraries.rare_rows(*speed.SERIES),
        )
    whole = other_libraries.grid_search(classifier, GRIDS[kind], rows)

    def run() -> float:
        with parallel_config(backend, n_jobs=n_jobs):
            return whole()

    return run


def single(name: str, threads: int) -> other_libraries.Timed:
    """Prepare the fit of a job of the table of speeds."""
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    return (speed.TRAINING | speed.QUICK)[name].ours()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    options = parser.parse_args()
    lines = {
        f"search of a {kind}, {way}": partial(search, kind, *how)
        for kind in GRIDS
        for way, how in WAYS.items()
    }
    lines |= {
        f"one fit, {name}": partial(single, name)
        for name in (
            "30-128-64-1",
            "187-256-128-5",
            "theft network",
            "theft network, short series",
        )
    }
    if options.quick:
        lines = {"one fit": partial(single, "30-16-1")}
        options.rounds = 1
    found = {}
    print("| | one thread | two threads | unit |\n|---|---|---|---|")
    for name, prepare in lines.items():
        contestants = {str(n): partial(prepare, threads=n) for n in (1, 2)}
        is_search = "search" in name
        found[name] = run_in_turn(contestants, options.rounds, cold=is_search)
        one, two = (found[name][n]["median"] for n in contestants)
        unit = "fits/s" if is_search else "rows/s"
        print(f"| {name} | {one:,.4g} | {two:,.4g} | {unit} |", flush=True)
        if not options.quick:
            text = json.dumps({"host": describe(), "lines": found}, indent=1)
            RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
