"""How fast: whole fits, a grid search and predictions, beside the peers in one run.

    python benchmarks/speed.py [--jobs NAME ...] [--rounds 5] [--report]

Every contestant has a process of its own; after one run to warm up they run in turn,
``--rounds`` times. The table shows medians and ratios of medians. Training is a whole
``fit``: hold-out, training, every curve that is on by default, the probes. Peers are
given a validation split of the same size, and their tracing is not counted; of ours the
first run, which compiles, is shown too. Needs ``pip install ".[benchmark]"``.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import peers
from machine import describe
from race import race

RESULTS = Path(__file__).parent / "results" / "speed.json"
OURS = "skloss"


@dataclass(frozen=True)
class Job:
    """One line of the table."""

    title: str
    ours: Callable[[], Any]
    others: Mapping[str, Callable[[], Any]]
    bars: Mapping[str, float]
    unit: str = "rows/s"
    notes: str = field(default="")


# ----------------------------------------------------------------------------- training


def skloss_dense(rows: tuple, epochs: int = 1, **parameters: Any) -> peers.Timed:
    from skloss import DenseClassifier

    options = {"learning_rate": 1e-3, "batch_size": 128, "random_state": 0}
    classifier = DenseClassifier(epochs=epochs, **options, **parameters)
    return peers.skloss_fit(classifier, peers.rare_rows(*rows))


def skloss_seed0(rows: tuple, epochs: int, batch_size: int) -> peers.Timed:
    from skloss import CNN1DClassifier

    classifier = CNN1DClassifier(
        filters=((32, 16), (8, 8)),
        kernel_size=3,
        pool_size=2,
        head=(10,),
        dropout=0.25,
        activity_l2=5e-4,
        learning_rate=1e-3,
        batch_size=batch_size,
        epochs=epochs,
        random_state=0,
    )
    return peers.skloss_fit(classifier, peers.rare_rows(*rows))


def keras_dense(
    rows: tuple, widths: tuple, epochs: int = 1, n_outputs: int = 1, **more
):
    network = {key: more.pop(key) for key in ("activation", "dropout") if key in more}
    build = partial(peers.keras_dense, rows[1], widths, n_outputs, **network)
    return peers.keras_fit(build, peers.rare_rows(*rows), 128, epochs, **more)


def keras_seed0(rows: tuple, epochs: int, batch_size: int) -> peers.Timed:
    build = partial(peers.keras_seed0, rows[1])
    return peers.keras_fit(build, peers.rare_rows(*rows), batch_size, epochs)


def skorch_dense(rows: tuple, widths: tuple, epochs: int = 1) -> peers.Timed:
    build = partial(peers.torch_dense, rows[1], widths)
    return peers.skorch_fit(build, peers.rare_rows(*rows), 128, epochs)


def skorch_seed0(rows: tuple, epochs: int, batch_size: int) -> peers.Timed:
    build = partial(peers.torch_seed0, rows[1])
    return peers.skorch_fit(build, peers.rare_rows(*rows), batch_size, epochs)


def mlp(rows: tuple, widths: tuple, epochs: int = 1) -> peers.Timed:
    return peers.mlp_fit(widths, peers.rare_rows(*rows), 128, epochs)


SEED1 = {
    "width": 7,
    "depth": 11,
    "activation": "linear",
    "dropout": (0.5,) + (0.2,) * 10,
}
BIG, PART = (5_600_000, 9), (400_000, 9)

TRAINING = {
    "9-18-1": Job(
        "9-18-1, 5.6 M x 9, batch 128, one epoch",
        partial(skloss_dense, BIG),
        {
            "keras fit": partial(keras_dense, PART, (18,)),
            "keras fit, steps_per_execution=200": partial(
                keras_dense, PART, (18,), steps_per_execution=200
            ),
            "skorch": partial(skorch_dense, PART, (18,)),
            "MLPClassifier": partial(mlp, PART, (18,)),
        },
        {
            "keras fit": 30,
            "keras fit, steps_per_execution=200": 5,
            "skorch": 10,
            "MLPClassifier": 5,
        },
        notes="peers on 400k rows, per row",
    ),
    "seed 1": Job(
        "eleven layers of 7 with dropout, 5.6 M x 9, batch 128, one epoch",
        partial(skloss_dense, BIG, **SEED1),
        {
            "keras fit": partial(
                keras_dense,
                PART,
                (7,) * 11,
                activation="linear",
                dropout=SEED1["dropout"],
            )
        },
        {"keras fit": 8},
        notes="peer on 400k rows, per row",
    ),
    "30-128-64-1": Job(
        "30-128-64-1, 100k rows, batch 128, 5 epochs",
        partial(skloss_dense, (100_000, 30), 5, width=(128, 64)),
        {
            "keras fit": partial(keras_dense, (100_000, 30), (128, 64)),
            "MLPClassifier": partial(mlp, (100_000, 30), (128, 64)),
        },
        {"keras fit": 4, "MLPClassifier": 2},
    ),
    "187-256-128-5": Job(
        "187-256-128-5, 50k rows, batch 128, 5 epochs",
        partial(skloss_dense, (50_000, 187, 5), 5, width=(256, 128)),
        {
            "keras fit": partial(
                keras_dense, (50_000, 187, 5), (256, 128), n_outputs=5
            ),
            "MLPClassifier": partial(mlp, (50_000, 187, 5), (256, 128)),
        },
        {"keras fit": 4, "MLPClassifier": 2},
    ),
    "seed 0": Job(
        "seed 0's network, 6,400 series of 1,036, batch 64, 3 epochs",
        partial(skloss_seed0, (6_400, 1036), 3, 64),
        {
            "keras fit": partial(keras_seed0, (6_400, 1036), 1, 64),
            "skorch": partial(skorch_seed0, (3_200, 1036), 1, 64),
        },
        {"keras fit": 1.6, "skorch": 2.2},
    ),
    "short series": Job(
        "seed 0's network, 8,000 series of 152, batch 32, 5 epochs",
        partial(skloss_seed0, (8_000, 152), 5, 32),
        {"keras fit": partial(keras_seed0, (8_000, 152), 1, 32)},
        {"keras fit": 5},
    ),
}


# -------------------------------------------------------------------------------- table


def table(found: Mapping[str, Any]) -> str:
    """The results as a table in Markdown."""
    lines = ["| job | skloss (first run) | against | peer | times | bar |"]
    lines.append("|---|---|---|---|---|---|")
    for name, job in JOBS.items():
        if name not in found:
            continue
        ours = found[name][OURS]
        for peer, bar in job.bars.items():
            theirs = found[name][peer]
            ratio = ours["median"] / theirs["median"]
            lines.append(
                f"| {job.title} | {ours['median']:,.4g} ({ours['first']:,.4g}) "
                f"{job.unit} | {peer} | {theirs['median']:,.4g} | {ratio:.1f} | {bar:g} |"
            )
    return "\n".join(lines)


JOBS: dict[str, Job] = {**TRAINING}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    options = parser.parse_args()
    found = json.loads(RESULTS.read_text())["jobs"] if RESULTS.exists() else {}
    for name in [] if options.report else options.jobs:
        job = JOBS[name]
        found[name] = race({OURS: job.ours, **job.others}, options.rounds)
        text = json.dumps({"machine": describe(), "jobs": found}, indent=1)
        RESULTS.write_text(text + "\n")
        print(f"{name} done", flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
