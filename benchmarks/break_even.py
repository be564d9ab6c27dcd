"""Break-even of the backends, and of skloss against ``keras.Model.fit``, by steps.

    python benchmarks/break_even.py [--networks dense series] [--most 1000000]
        [--steps N ...] [--rounds 5] [--quick] [--report]

One ``fit`` of so many steps, of 32 rows each, with validation rows that are a tenth of
all rows; one epoch, or epochs of 50,000 steps. The job is cold in what belongs to it:
every one is of a network that this process has not seen (ours has another width each
time, Keras' is built and compiled anew, as its users do), but TensorFlow has been
imported and has trained another network before. Contestants have a process each and run
in turn; shown are medians of 5 rounds, of 3 from 10,000 steps on. Keras' seconds for
more than 100,000 steps are extrapolated from those of 1 and of 20,000 steps.

Every job is also measured with each backend, whichever ``skloss.training.backends``
chooses (eager up to 1,000 steps, others up to 10,000; NumPy has dense networks only).
The number of steps from which on one backend pays over another is what its thresholds
should be.
``--quick`` tries the script on two short fits of a dense network, and writes nothing.
"""

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from functools import lru_cache
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import other_libraries
from host import describe

RESULTS = Path(__file__).parent / "results" / "break_even.json"
BATCH = 32
LONGEST_EPOCH = 50_000  # steps
FEWEST_HELD = 4
STEPS = (
    *(1, 3, 10, 30, 40, 41, 60, 100, 300),
    *(1_000, 3_000, 10_000, 100_000, 1_000_000),
)
LONG, KERAS_MOST, KERAS_MEASURED = 10_000, 100_000, 20_000
# The backends, and most steps of each.
BACKENDS = {"numpy": 10_000, "eager": 1_000, "graph": 10_000, "xla": 10_000}
PAIRS = (
    *(("graph", "numpy"), ("xla", "numpy")),
    *(("graph", "eager"), ("xla", "eager"), ("xla", "graph")),
)
COLUMNS = {"dense": 20, "series": 152}
MOST = {"dense": 1_000_000, "series": 10_000}
OURS, KERAS = "skloss", "keras"

# More widths than there are rounds at the sizes that share a shape of chunk.
_N_WIDTHS = 17


# --------------------------------------------------------------------------------- jobs


@lru_cache(maxsize=1)
def rows(network: str, steps: int) -> tuple[other_libraries.Rows, other_libraries.Rows]:
    """Rows of an epoch, and a ninth as many to validate on; half of them positive."""
    n = min(steps, LONGEST_EPOCH) * BATCH
    rng = np.random.default_rng(0)

    def some(count: int) -> other_libraries.Rows:
        X = rng.standard_normal((count, COLUMNS[network]), dtype=np.float32)
        y = np.arange(count) % 2
        X[:, :3] += 0.5 * y[:, None].astype(np.float32)
        return X, y

    return some(n), some(max(n // 9, FEWEST_HELD))


def epochs(steps: int) -> int:
    return -(-steps // LONGEST_EPOCH)


def build(network: str, width: int, **options: Any) -> Any:
    """Build our classifier, of another width than any before."""
    from skloss import CNN1DClassifier, DenseClassifier

    if network == "dense":
        return DenseClassifier(width=24 + width, **options)
    return CNN1DClassifier(
        filters=((32, 16), (8, 8)),
        kernel_size=3,
        head=(10 + width,),
        dropout=0.25,
        activity_l2=5e-4,
        scale_series=None,
        batch_norm=False,
        **options,
    )


def ours(
    network: str, steps: int, width: int, backend: str | None
) -> tuple[float, str]:
    """Seconds of a fit, and which backend served."""
    from skloss.training import trainer

    options = {"batch_size": BATCH, "epochs": epochs(steps), "random_state": 0}
    (X, y), (X_val, y_val) = rows(network, steps)
    forced: Any = nullcontext()
    if backend is not None:
        forced = mock.patch.object(trainer, "choose_backend", return_value=backend)
    with forced:
        started = time.perf_counter()
        classifier = build(network, width, **options)
        classifier.fit(X, y, X_val=X_val, y_val=y_val)
        took = time.perf_counter() - started
    assert classifier.n_epochs_ == epochs(steps)
    return took, classifier.record_.outcome["program"]


def keras_fit(network: str, steps: int, width: int) -> tuple[float, str]:
    """Seconds of building, compiling and fitting."""
    import keras

    rows_given, held = rows(network, steps)
    started = time.perf_counter()
    if network == "dense":
        model = other_libraries.keras_dense(COLUMNS[network], (24 + width,))
    else:
        model = other_libraries.keras_theft(COLUMNS[network])
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(
        *rows_given,
        validation_data=held,
        batch_size=BATCH,
        epochs=epochs(steps),
        verbose=0,
    )
    return time.perf_counter() - started, "fit"


# -------------------------------------------------------------------------- contestants


class Contestant:
    """A process in which TensorFlow has trained another network."""

    def __init__(self, name: str, network: str, process: ProcessPoolExecutor) -> None:
        self.name, self.network, self.process = name, network, process
        self.n_runs = 0
        self.process.submit(warm_up, name, network).result()

    def run(self, steps: int) -> tuple[float, str]:
        """Fit a new network: seconds, and what served."""
        width = self.n_runs % _N_WIDTHS
        self.n_runs += 1
        return self.process.submit(
            measure, self.name, self.network, steps, width
        ).result()


def new_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), quiet)


def quiet() -> None:
    warnings.simplefilter("ignore")


def warm_up(name: str, network: str) -> None:
    """Train networks wider than all that are measured."""
    # skloss takes another backend for each of these.
    steps = (1, 50, 20_000) if name == OURS else (50,)
    for count in steps:
        measure(name, network, count, _N_WIDTHS)


def measure(name: str, network: str, steps: int, width: int) -> tuple[float, str]:
    if name == KERAS:
        return keras_fit(network, steps, width)
    return ours(network, steps, width, None if name == OURS else name)


def most(name: str, network: str) -> int:
    """Most steps that a contestant is measured at."""
    limits = {OURS: MOST[network], KERAS: KERAS_MOST, **BACKENDS}
    return min(limits[name], MOST[network])


def compete(
    network: str, sizes: Sequence[int], rounds: int, is_quick: bool = False
) -> list[dict[str, Any]]:
    """Median seconds of every contestant at every number of steps."""
    backends = [b for b in BACKENDS if b != "numpy" or network == "dense"]
    names = (OURS, KERAS, *backends)
    found = []
    with ExitStack() as stack:
        processes = [
            stack.enter_context(new_process())
            for _ in (names[:1] if is_quick else names)
        ]
        running = [
            Contestant(name, network, process)
            for name, process in zip(names, cycle(processes), strict=False)
        ]
        for steps in sizes:
            n_rounds = rounds if steps < LONG else min(rounds, 3)
            able = [c for c in running if steps <= most(c.name, network)]
            seen: dict[str, list[float]] = {c.name: [] for c in able}
            line: dict[str, Any] = {"steps": steps}
            for _ in range(n_rounds):
                for contestant in able:
                    took, program = contestant.run(steps)
                    seen[contestant.name].append(took)
                    if contestant.name == OURS:
                        line["program"] = program
            line |= {name: statistics.median(values) for name, values in seen.items()}
            found.append({**line, "rounds": seen})
            print(f"{network} {steps:,} steps done", flush=True)
        if max(sizes) > KERAS_MOST:
            keras = next(c for c in running if c.name == KERAS)
            took = statistics.median(keras.run(KERAS_MEASURED)[0] for _ in range(3))
            extrapolate(found, took)
    return found


def extrapolate(found: list[dict[str, Any]], took: float) -> None:
    """Add Keras' seconds where they were not measured."""
    one = found[0][KERAS]
    per_step = (took - one) / (KERAS_MEASURED - 1)
    for line in found:
        if KERAS not in line:
            line[KERAS] = one + per_step * (line["steps"] - 1)
            line["extrapolated"] = True


# -------------------------------------------------------------------------------- table


def break_even(found: list[Mapping[str, Any]], one: str, other: str) -> float | None:
    """Find from how many steps on one backend stays faster than another."""
    measured = [line for line in found if one in line and other in line]
    steps = [line["steps"] for line in measured]
    excess = [line[one] - line[other] for line in measured]
    if not measured:
        return None
    slower = [i for i, seconds in enumerate(excess) if seconds > 0]
    if not slower:
        return float(steps[0])
    i = slower[-1]
    if i + 1 == len(steps):
        return None
    share = excess[i] / (excess[i] - excess[i + 1])
    return steps[i] + share * (steps[i + 1] - steps[i])


def table(found: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """Write the results as a table in Markdown."""
    columns = "".join(f" {backend} s |" for backend in BACKENDS)
    lines = [f"| network | steps | skloss s | by | keras s | times |{columns}"]
    lines.append("|" + "---|" * (6 + len(BACKENDS)))
    for network, measured in found.items():
        for line in measured:
            mark = "*" if line.get("extrapolated") else ""
            cells = [
                network,
                f"{line['steps']:,}",
                f"{line[OURS]:.3g}",
                line["program"],
                f"{line[KERAS]:.3g}{mark}",
                f"{line[KERAS] / line[OURS]:.1f}",
                *(f"{line[name]:.3g}" if name in line else "" for name in BACKENDS),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    if any("extrapolated" in line for m in found.values() for line in m):
        lines.append(f"\n\\* extrapolated from {KERAS_MEASURED:,} steps")
    return "\n".join(lines)


def thresholds(found: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, Any]:
    return {
        network: {f"{a} over {b}": break_even(measured, a, b) for a, b in PAIRS}
        for network, measured in found.items()
    }


def summary(network: str, measured: list[Mapping[str, Any]]) -> str:
    """Tell where the gain over Keras is least, and where each backend begins to pay."""
    worst = min(measured, key=lambda line: line[KERAS] / line[OURS])
    pays = ", ".join(
        f"{pair} {'nowhere' if steps is None else f'from {steps:,.0f} steps'}"
        for pair, steps in thresholds({network: measured})[network].items()
    )
    times = worst[KERAS] / worst[OURS]
    return f"{network}: at least {times:.2f} times ({worst['steps']:,} steps); {pays}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=COLUMNS, default=list(COLUMNS))
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS)
    parser.add_argument("--most", type=int, default=max(STEPS), help="steps")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="write nothing")
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    options = parser.parse_args()
    if options.quick:
        show({"dense": compete("dense", (1, 41), 1, is_quick=True)})
        return
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"networks": {}}
    found = kept["networks"]
    hosts = kept.get("hosts") or dict.fromkeys(found, kept.get("host"))
    for network in [] if options.report else options.networks:
        limit = min(options.most, MOST[network])
        sizes = [n for n in options.steps if n <= limit]
        found[network] = compete(network, sizes, options.rounds)
        hosts[network] = describe()
        written = {
            "host": hosts[network],
            "hosts": hosts,
            "break_even": thresholds(found),
            "networks": found,
        }
        RESULTS.write_text(json.dumps(written, indent=1) + "\n")
    show(found)


def show(found: Mapping[str, list[Mapping[str, Any]]]) -> None:
    print(table(found))
    for network, measured in found.items():
        print("\n" + summary(network, measured))


if __name__ == "__main__":
    main()
