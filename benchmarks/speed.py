"""Speed of whole fits, searches and predictions, beside other libraries in one run.

    python benchmarks/speed.py [--jobs NAME ...] [--settings NAME ...] [--rounds 5]
                               [--quick] [--report]

Every contestant has a process of its own; after one run to warm up they run in turn,
``--rounds`` times. The table shows medians and ratios of medians. Training is a whole
``fit``: hold-out, training, every curve that is on by default, the probes. Other
libraries get a validation split of the same size, and their tracing is not counted. Of
skloss the first run, which compiles, is shown too. Searches start cold: only TensorFlow
has been imported before. skorch and torch are left out if they are not installed
(``python -m pip install ".[benchmark]"``). ``--quick`` tries the script on small jobs
and writes nothing.

Training is timed in five settings: on a machine that does nothing else, with one core
busy, with ``keras`` imported first, and with one and two threads within an operation of
TensorFlow. The second table shows all of them; the last line is what a matrix product
and a copy reach in NumPy on the same machine in the same run, and what share of the
product's operations each job has.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import other_libraries
from harness import run_in_turn, try_each
from host import describe
from settings import SETTINGS, limits

RESULTS = Path(__file__).parent / "results" / "speed.json"
OURS = "skloss"


@dataclass(frozen=True)
class Job:
    """One line of the table."""

    title: str
    ours: Callable[[], Any]
    others: Mapping[str, Callable[[], Any]]
    targets: Mapping[str, float]
    unit: str = "rows/s"
    notes: str = ""
    cold: bool = False
    multiplications: int = 0  # of the kernels, for one row in one direction


# ----------------------------------------------------------------------------- training


def skloss_dense(
    rows: tuple, epochs: int = 1, **parameters: Any
) -> other_libraries.Timed:
    from skloss import DenseClassifier

    options = {"learning_rate": 1e-3, "batch_size": 128, "random_state": 0}
    classifier = DenseClassifier(epochs=epochs, **options, **parameters)
    return other_libraries.skloss_fit(classifier, other_libraries.rare_rows(*rows))


def theft_classifier(epochs: int, batch_size: int) -> Any:
    from skloss import CNN1DClassifier

    return CNN1DClassifier(
        filters=((32, 16), (8, 8)),
        kernel_size=3,
        pool_size=2,
        head=(10,),
        dropout=0.25,
        activity_l2=5e-4,
        scale_series=None,
        batch_norm=False,
        learning_rate=1e-3,
        batch_size=batch_size,
        epochs=epochs,
        random_state=0,
    )


def skloss_theft(rows: tuple, epochs: int, batch_size: int) -> other_libraries.Timed:
    classifier = theft_classifier(epochs, batch_size)
    return other_libraries.skloss_fit(classifier, other_libraries.rare_rows(*rows))


def keras_dense(
    rows: tuple, widths: tuple, epochs: int = 1, n_outputs: int = 1, **more
):
    network = {key: more.pop(key) for key in ("activation", "dropout") if key in more}
    build = partial(other_libraries.keras_dense, rows[1], widths, n_outputs, **network)
    return other_libraries.keras_fit(
        build, other_libraries.rare_rows(*rows), 128, epochs, **more
    )


def keras_theft(rows: tuple, epochs: int, batch_size: int) -> other_libraries.Timed:
    build = partial(other_libraries.keras_theft, rows[1])
    return other_libraries.keras_fit(
        build, other_libraries.rare_rows(*rows), batch_size, epochs
    )


def skorch_dense(rows: tuple, widths: tuple, epochs: int = 1) -> other_libraries.Timed:
    build = partial(other_libraries.torch_dense, rows[1], widths)
    return other_libraries.skorch_fit(
        build, other_libraries.rare_rows(*rows), 128, epochs
    )


def skorch_theft(rows: tuple, epochs: int, batch_size: int) -> other_libraries.Timed:
    build = partial(other_libraries.torch_theft, rows[1])
    return other_libraries.skorch_fit(
        build, other_libraries.rare_rows(*rows), batch_size, epochs
    )


def mlp(rows: tuple, widths: tuple, epochs: int = 1) -> other_libraries.Timed:
    return other_libraries.mlp_fit(
        widths, other_libraries.rare_rows(*rows), 128, epochs
    )


def multiplications(*widths: int) -> int:
    """Of dense layers."""
    return sum(before * after for before, after in pairwise(widths))


def theft_multiplications(n_steps: int) -> int:
    """Of the theft network: kernels of 3, pools of 2."""
    half, quarter = n_steps // 2, n_steps // 4
    first = n_steps * 3 * (1 * 32 + 32 * 16)
    return first + half * 3 * (16 * 8 + 8 * 8) + multiplications(quarter * 8, 10, 1)


ELEVEN_LAYERS = {
    "width": 7,
    "depth": 11,
    "activation": "linear",
    "dropout": (0.5,) + (0.2,) * 10,
}
BIG, PART = (5_600_000, 9), (400_000, 9)

TRAINING = {
    "9-18-1": Job(
        "9-18-1, 5.6 M x 9, batch 128, one epoch",
        partial(skloss_dense, BIG, width=18),
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
        notes="400k rows, per row",
        multiplications=multiplications(9, 18, 1),
    ),
    "eleven-layer network": Job(
        "the eleven-layer network, 5.6 M x 9, batch 128, one epoch",
        partial(skloss_dense, BIG, **ELEVEN_LAYERS),
        {
            "keras fit": partial(
                keras_dense,
                PART,
                (7,) * 11,
                activation="linear",
                dropout=ELEVEN_LAYERS["dropout"],
            )
        },
        {"keras fit": 8},
        notes="400k rows, per row",
        multiplications=multiplications(9, *(7,) * 11, 1),
    ),
    "30-128-64-1": Job(
        "30-128-64-1, 100k rows, batch 128, 5 epochs",
        partial(skloss_dense, (100_000, 30), 5, width=(128, 64)),
        {
            "keras fit": partial(keras_dense, (100_000, 30), (128, 64)),
            "MLPClassifier": partial(mlp, (100_000, 30), (128, 64)),
        },
        {"keras fit": 4, "MLPClassifier": 2},
        multiplications=multiplications(30, 128, 64, 1),
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
        multiplications=multiplications(187, 256, 128, 5),
    ),
    "theft network": Job(
        "the theft network, 6,400 series of 1,036, batch 64, 3 epochs",
        partial(skloss_theft, (6_400, 1036), 3, 64),
        {
            "keras fit": partial(keras_theft, (6_400, 1036), 1, 64),
            "skorch": partial(skorch_theft, (3_200, 1036), 1, 64),
        },
        {"keras fit": 1.6, "skorch": 2.2},
        multiplications=theft_multiplications(1036),
    ),
    "theft network, short series": Job(
        "the theft network, 8,000 series of 152, batch 32, 5 epochs",
        partial(skloss_theft, (8_000, 152), 5, 32),
        {"keras fit": partial(keras_theft, (8_000, 152), 1, 32)},
        {"keras fit": 5},
        multiplications=theft_multiplications(152),
    ),
}


# ----------------------------------------------------------------------------- searches

TABLE, SERIES = (2_000, 20), (1_000, 152)
TABLE_GRID = {
    "dropout": [0.0, 0.25, 0.5],
    "width": [16, 32, 64],
    "activation": ["relu", "tanh"],
}
SERIES_GRID = {
    "dropout": [0.0, 0.25, 0.5],
    "learning_rate": [3e-4, 1e-3, 3e-3],
    "activation": ["relu", "elu"],
}


def skloss_table_search() -> other_libraries.Timed:
    from skloss import DenseClassifier
    from skloss.training import start_tensorflow

    start_tensorflow()  # the other library has imported it, too

    classifier = DenseClassifier(epochs=30, batch_size=32, random_state=0)
    return other_libraries.grid_search(
        classifier, TABLE_GRID, other_libraries.rare_rows(*TABLE)
    )


def wrapped_table_search(of: str) -> other_libraries.Timed:
    """One and the same code, with the import changed."""
    classifier = other_libraries.scikeras_dense(TABLE[1], 32, 30, of)
    part = {"model__dropout": [0.25], "model__width": [16, 64]}
    return other_libraries.grid_search(
        classifier, part, other_libraries.rare_rows(*TABLE)
    )


def skloss_series_search() -> other_libraries.Timed:
    from imblearn.over_sampling import SMOTE
    from joblib import parallel_config

    from skloss import Pipeline
    from skloss.training import start_tensorflow

    start_tensorflow()
    pipeline = Pipeline(
        [("smote", SMOTE(random_state=0)), ("cnn", theft_classifier(20, 32))]
    )
    grid = {f"cnn__{name}": values for name, values in SERIES_GRID.items()}
    search = other_libraries.grid_search(
        pipeline, grid, other_libraries.rare_rows(*SERIES)
    )

    def run() -> float:
        with parallel_config("threading", n_jobs=2):
            return search()

    return run


def scikeras_series_search() -> other_libraries.Timed:
    import imblearn.pipeline
    from imblearn.over_sampling import SMOTE

    cnn = other_libraries.scikeras_series(SERIES[1], 32, 20)
    steps = [("smote", SMOTE(random_state=0)), ("cnn", cnn)]
    part = {"cnn__model__dropout": [0.25], "cnn__model__activation": ["relu", "elu"]}
    rows = other_libraries.rare_rows(*SERIES)
    return other_libraries.grid_search(imblearn.pipeline.Pipeline(steps), part, rows)


SEARCHES = {
    "search of a table": Job(
        "grid search of 18 candidates x 5 folds, 2,000 x 20, 30 epochs, cold",
        skloss_table_search,
        {"scikeras": partial(wrapped_table_search, "scikeras.wrappers")},
        {"scikeras": 25},
        unit="fits/s",
        notes="11 of the 91 fits, per fit",
        cold=True,
    ),
    "search by KerasClassifier": Job(
        "grid search over a model function, 2 candidates x 5 folds, 2,000 x 20, 30 "
        "epochs, cold: `KerasClassifier`, only the import changed",
        partial(wrapped_table_search, "skloss"),
        {"scikeras": partial(wrapped_table_search, "scikeras.wrappers")},
        {"scikeras": 5},
        unit="fits/s",
        notes="the same 11 fits",
        cold=True,
    ),
    "search of series": Job(
        "grid search behind SMOTE, 1,000 series of 152, the theft network, 20 epochs, "
        "cold",
        skloss_series_search,
        {"scikeras": scikeras_series_search},
        {"scikeras": 10},
        unit="fits/s",
        notes="two threads; 11 of the 91 fits, per fit",
        cold=True,
    ),
}


# -------------------------------------------------------------------------- predictions


def skloss_rows(n_rows: int, repeats: int) -> other_libraries.Timed:
    from skloss import DenseClassifier

    X, y = other_libraries.rare_rows(20_000, 9)
    classifier = DenseClassifier(18, epochs=1, batch_size=128, random_state=0)
    classifier.fit(X, y)
    rows = np.resize(X, (n_rows, 9))
    return other_libraries.repeated(
        lambda: classifier.predict_proba(rows), n_rows, repeats
    )


def keras_rows(n_rows: int, repeats: int, **options: Any) -> other_libraries.Timed:
    model = other_libraries.keras_dense(9, (18,))
    rows = np.resize(other_libraries.rare_rows(20_000, 9)[0], (n_rows, 9))
    predict = partial(model.predict, verbose=0, **options)
    return other_libraries.repeated(lambda: predict(rows), n_rows, repeats)


def scikeras_rows(n_rows: int, repeats: int) -> other_libraries.Timed:
    X, y = other_libraries.rare_rows(2_000, 9)
    classifier = other_libraries.scikeras_dense(9, 128, 1).fit(X, y)
    rows = np.resize(X, (n_rows, 9))
    return other_libraries.repeated(
        lambda: classifier.predict_proba(rows), n_rows, repeats
    )


def skloss_predicted_series() -> other_libraries.Timed:
    X, y = other_libraries.rare_rows(10_000, 1036)
    classifier = theft_classifier(1, 64).fit(X[:640], y[:640])
    return other_libraries.repeated(lambda: classifier.predict_proba(X), len(X), 1)


def keras_predicted_series() -> other_libraries.Timed:
    X, _ = other_libraries.rare_rows(10_000, 1036)
    model = other_libraries.keras_theft(1036)
    predict = partial(model.predict, batch_size=256, verbose=0)
    return other_libraries.repeated(lambda: predict(X), len(X), 1)


def imported(package: str) -> other_libraries.Timed:
    command = [sys.executable, "-c", f"import {package}"]
    return other_libraries.repeated(lambda: subprocess.run(command, check=True), 1, 1)


PREDICTIONS = {
    "one row": Job(
        "`predict_proba` of one row, 9-18-1",
        partial(skloss_rows, 1, 1000),
        {
            "scikeras": partial(scikeras_rows, 1, 10),
            "keras predict": partial(keras_rows, 1, 10),
        },
        {"scikeras": 500, "keras predict": 500},
    ),
    "a million rows": Job(
        "`predict_proba` of 1 M rows, 9-18-1",
        partial(skloss_rows, 1_000_000, 3),
        {"keras predict": partial(keras_rows, 1_000_000, 1, batch_size=8192)},
        {"keras predict": 3},
        notes="keras with batch_size=8192",
    ),
    "many series": Job(
        "`predict_proba` of 10,000 series of 1,036, the theft network",
        skloss_predicted_series,
        {"keras predict": keras_predicted_series},
        {"keras predict": 1.5},
        notes="keras with batch_size=256",
    ),
    "import": Job(
        "`import skloss`, a process each",
        partial(imported, "skloss"),
        {"`import sklearn`": partial(imported, "sklearn")},
        {"`import sklearn`": 0.77},
        unit="imports/s",
    ),
}

JOBS: dict[str, Job] = {**TRAINING, **SEARCHES, **PREDICTIONS}
QUICK_ROWS = (1_000, 30)
QUICK: dict[str, Job] = {
    "30-16-1": Job(
        "30-16-1, 1,000 rows, batch 128, one epoch",
        partial(skloss_dense, QUICK_ROWS, width=16),
        {
            "keras fit": partial(keras_dense, QUICK_ROWS, (16,)),
            "skorch": partial(skorch_dense, QUICK_ROWS, (16,)),
            "MLPClassifier": partial(mlp, QUICK_ROWS, (16,)),
        },
        TRAINING["9-18-1"].targets,
    ),
    "one row": Job(
        PREDICTIONS["one row"].title,
        partial(skloss_rows, 1, 10),
        {"keras predict": partial(keras_rows, 1, 1)},
        PREDICTIONS["one row"].targets,
    ),
    "import": PREDICTIONS["import"],
}
NEEDS = {"skorch": ("skorch", "torch"), "scikeras": ("scikeras",)}


def contestants(job: Job) -> dict[str, Callable[[], Any]]:
    return {OURS: job.ours, **installed(job.others)}


def installed(others: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Leave out the libraries that are not installed, and say so."""
    found = {}
    for name, contestant in others.items():
        missing = [p for p in NEEDS.get(name, ()) if find_spec(p) is None]
        if missing:
            print(f"left out: {name}; {', '.join(missing)} not installed", flush=True)
        else:
            found[name] = contestant
    return found


# -------------------------------------------------------------------------------- table


def table(found: Mapping[str, Any]) -> str:
    """Write the results as a table in Markdown."""
    lines = ["| job | skloss (first run) | against | its rate | ratio | target |"]
    lines.append("|---|---|---|---|---|---|")
    for name, job in (JOBS | QUICK).items():
        if name not in found:
            continue
        ours = found[name][OURS]
        for other, target in job.targets.items():
            if other not in found[name]:
                continue
            theirs = found[name][other]["median"]
            cells = [
                job.title,
                f"{_plain(ours['median'])} ({_plain(ours['first'])}) {job.unit}",
                other + f" ({job.notes})" * bool(job.notes),
                _plain(theirs),
                f"{ours['median'] / theirs:.1f}",
                f"{target:g}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def settings_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Write, for each job and setting, our rate and how many times Keras' it is."""
    named = [name for name in SETTINGS if found.get(name)]
    lines = ["| job | " + " | ".join(named) + " |", "|---" * (len(named) + 1) + "|"]
    for name, job in TRAINING.items():
        cells = []
        for setting in named:
            rates = found[setting].get(name)
            if rates is None:
                cells.append("-")
                continue
            ours, keras = rates[OURS]["median"], rates["keras fit"]["median"]
            cells.append(f"{_plain(ours)} ({ours / keras:.1f})")
        lines.append("| " + " | ".join([job.title, *cells]) + " |")
    return "\n".join(lines)


def limits_text(found: Mapping[str, Any], reached: Mapping[str, float]) -> str:
    """Say what the machine reaches, and what share of it each job."""
    told = ", ".join(f"{name} {value:.0f}" for name, value in reached.items())
    most = reached["matrix product, GFLOP/s"] * 1e9
    shares = [
        # Forth, and back to the weights and to the layer before.
        f"{name} {6 * job.multiplications * found[name][OURS]['median'] / most:.0%}"
        for name, job in TRAINING.items()
        if name in found
    ]
    return f"{told}. Share of the product's operations: {', '.join(shares)}."


def _plain(number: float) -> str:
    """Write three digits that count."""
    return f"{float(f'{number:.3g}'):,.9g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument(
        "--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS)
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    options = parser.parse_args()
    if options.quick:
        quick = {name: try_each(contestants(job)) for name, job in QUICK.items()}
        print(f"{table(quick)}\n\n{limits_text({}, limits(0.01))}")
        return
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"jobs": {}}
    if not options.report:
        measure(kept, options)
    found = {"idle": kept["jobs"], **kept.get("settings", {})}
    print(table(kept["jobs"]))
    print(f"\n{settings_table(found)}")
    if kept.get("limits"):
        print(f"\n{limits_text(kept['jobs'], kept['limits'])}")


def measure(kept: dict[str, Any], options: argparse.Namespace) -> None:
    """Measure jobs, and write the results after each one."""
    here = describe()
    if any(JOBS[name].multiplications for name in options.jobs):  # told as shares
        kept["limits"] = limits()
    for name in options.jobs:
        job = JOBS[name]
        others = contestants(job)
        for setting in options.settings:
            if setting == "idle":
                kept["jobs"][name] = run_in_turn(others, options.rounds, job.cold)
            elif name in TRAINING:
                pair = {key: others[key] for key in (OURS, "keras fit")}
                found = run_in_turn(pair, options.rounds, setting=SETTINGS[setting])
                kept.setdefault("settings", {}).setdefault(setting, {})[name] = found
            # `host` is that of what is not measured anew.
            kept.setdefault("host", here)
            kept.setdefault("hosts", {}).setdefault(setting, {})[name] = here
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"{name} done", flush=True)


if __name__ == "__main__":
    main()
