"""Cost of a diagnosis beside the training, and a check that it changes nothing.

    python benchmarks/diagnosis_overhead.py [--rounds 5] [--quick] [--report]

``collecting`` is what a fit of skloss does for the diagnosis alone while it trains:
norms of gradients and updates in every step, shares of dead or saturated units after
every epoch. Fits with and without run in turn in processes of their own, and the median
of the ratios counts; ``of which units`` is the time inside ``unit_shares``, measured
directly. ``gap`` is the time inside ``measure_gap``, which splits the gap between the
losses at the end of a fit; early stopping makes it measure two epochs. ``record`` is
``diagnose(classifier.record_)``: curves and static rules. ``rows`` is
``diagnose(classifier, X, y)``, which measures rows and fits small baselines on samples
of them. ``--quick`` only tries the script: its numbers mean nothing, and are not
written.
"""

import argparse
import json
import os
import random
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import other_libraries
from harness import run_in_turn, try_each
from host import describe

RESULTS = Path(__file__).parent / "results" / "diagnosis_overhead.json"
SIZES = (1_000, 10_000, 50_000)
QUICK_ROWS = 300
STEPS, COLUMNS = 96, 30
# As many as one would train.
EPOCHS = {
    "dense": dict(zip((QUICK_ROWS, *SIZES), (2, 100, 100, 50), strict=True)),
    "cnn": dict(zip((QUICK_ROWS, *SIZES), (1, 30, 10, 3), strict=True)),
}
# At most so many seconds are aimed at.
TARGETS = {
    "rows, 50,000 x 30": 2.0,
    "a built Keras model alone": 0.05,
    "curves alone": 0.05,
    "a record": 0.05,
}

Timed = Callable[[], float]


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


# ----------------------------------------------------------------------------- training


def classifier(network: str, n_rows: int, epochs: int | None = None) -> Any:
    from skloss import CNN1DClassifier, DenseClassifier

    options = {
        "epochs": epochs or EPOCHS[network][n_rows],
        "early_stopping": False,
        "random_state": 0,
    }
    if network == "dense":
        return DenseClassifier(width=(64, 32), **options)
    return CNN1DClassifier(batch_size=32, **options)


def rows_of(network: str, n_rows: int) -> other_libraries.Rows:
    return other_libraries.rare_rows(n_rows, COLUMNS if network == "dense" else STEPS)


def fit(network: str, n_rows: int) -> Timed:
    """Seconds of a fit."""
    X, y = rows_of(network, n_rows)
    return lambda: seconds(lambda: classifier(network, n_rows).fit(X, y))


def bare_fit(network: str, n_rows: int) -> Timed:
    """Seconds of a fit that collects nothing for the diagnosis."""
    from skloss.training import start_tensorflow, step, trainer

    start_tensorflow()  # before TensorFlow is imported here, as in a fit
    import tensorflow as tf

    trainer.unit_shares = lambda *arguments: {}
    step._squared_norms = lambda *arguments: tf.zeros(4)
    return fit(network, n_rows)


def units(network: str, n_rows: int) -> Timed:
    """Share of a fit's time that goes into looking at units."""
    from skloss.training import trainer

    return share_within(trainer, "unit_shares", fit(network, n_rows))


def gap(network: str, n_rows: int) -> Timed:
    """Share of the time of a fit that stops early that goes into the gap."""
    from skloss.estimators import network_fit

    X, y = rows_of(network, n_rows)
    estimator = classifier(network, n_rows).set_params(early_stopping=True)
    whole = partial(seconds, lambda: estimator.fit(X, y))
    return share_within(network_fit, "measure_gap", whole)


def share_within(module: Any, name: str, whole: Timed) -> Timed:
    """Share of the time of some work that goes into one function of a module."""
    measured, spent = getattr(module, name), [0.0]

    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        found = measured(*arguments, **named)
        spent[0] += time.perf_counter() - started
        return found

    setattr(module, name, timed)

    def run() -> float:
        spent[0] = 0.0
        total = whole()
        return spent[0] / total

    return run


def diagnosed(network: str, n_rows: int, given: str) -> Timed:
    """Seconds of the diagnosis of a fit, of its record or with the rows."""
    from skloss.readers import diagnose

    X, y = rows_of(network, n_rows)
    fitted = classifier(network, n_rows).fit(X, y)
    if given == "record":
        return lambda: seconds(lambda: diagnose(fitted.record_))
    return lambda: seconds(lambda: diagnose(fitted, X, y))


# ------------------------------------------------------------------------------- single


def keras_model(fits: bool = True) -> Any:
    """Train a model whose training and inference differ."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((COLUMNS,)),
            layers.Dense(64, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    if fits:
        X, y = other_libraries.rare_rows(2_000, COLUMNS)
        model.fit(X, y, epochs=10, validation_split=0.2, verbose=0)
    return model


def of_built_model() -> Timed:
    from skloss.readers import diagnose

    model = keras_model(fits=False)
    return lambda: seconds(lambda: diagnose(model))


def of_keras_rows() -> Timed:
    from skloss.readers import diagnose

    model, (X, y) = keras_model(), other_libraries.rare_rows(2_000, COLUMNS)
    settings = {"epochs": 10, "batch_size": 32, "validation_split": 0.2}
    return lambda: seconds(lambda: diagnose(model, X, y, fit_params=settings))


def of_curves() -> Timed:
    from skloss.readers import diagnose

    epochs = np.arange(200)
    falling = np.exp(-epochs / 40)
    curves = {
        "loss": falling,
        "val_loss": falling + 0.1 + epochs / 1000,
        "accuracy": 1 - falling / 2,
        "val_accuracy": 0.95 - falling / 2,
    }
    return lambda: seconds(lambda: diagnose(curves))


SINGLE: dict[str, Callable[[], Timed]] = {
    "rows, 50,000 x 30": partial(diagnosed, "dense", 50_000, "rows"),
    "a record": partial(diagnosed, "dense", 10_000, "record"),
    "a built Keras model alone": of_built_model,
    "a trained Keras model with 2,000 rows": of_keras_rows,
    "curves alone": of_curves,
}
QUICK = SINGLE | {
    "rows, 50,000 x 30": partial(diagnosed, "dense", QUICK_ROWS, "rows"),
    "a record": partial(diagnosed, "dense", QUICK_ROWS, "record"),
}


# --------------------------------------------------------------------------- unchanged?


def unchanged() -> dict[str, bool]:
    """Whether weights, predictions and global generators are as without a diagnosis."""
    from skloss.readers import diagnose

    model, (X, y) = keras_model(), other_libraries.rare_rows(2_000, COLUMNS)
    settings = {"epochs": 10, "batch_size": 32, "validation_split": 0.2}

    def state() -> dict[str, list[bytes]]:
        optimizer = model.optimizer.variables
        return {
            "weights and states of layers": [_bytes(v) for v in model.variables],
            "states of the optimizer": [_bytes(v) for v in optimizer],
            "predictions": [_bytes(model.predict(X, verbose=0))],
        }

    def after(work: Callable[[], Any]) -> dict[str, list[bytes]]:
        _seed_all()
        work()
        return _draws() | state()

    without = after(lambda: None)
    beside = after(lambda: diagnose(model, X, y, fit_params=settings))
    return {name: without[name] == beside[name] for name in without}


def _bytes(value: Any) -> bytes:
    return np.asarray(value).tobytes()


def _seed_all() -> None:
    import tensorflow as tf

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global generator is what is asked about
    tf.random.set_seed(1)


def _draws() -> dict[str, list[bytes]]:
    """Draw from the global generators."""
    import tensorflow as tf

    return {
        "random of Python": [_bytes(random.random())],
        "random of NumPy": [_bytes(np.random.random(3))],  # noqa: NPY002 - as above
        "random of TensorFlow": [_bytes(tf.random.uniform((3,)))],
    }


# -------------------------------------------------------------------------------- table


def measure(
    run: Callable[[Mapping[str, Any]], dict[str, Any]],
    sizes: tuple[int, ...],
    single: Mapping[str, Callable[[], Timed]],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for network in EPOCHS:
        for n_rows in sizes:
            found[f"{network}|{n_rows}"] = run(
                {
                    "fit": partial(fit, network, n_rows),
                    "bare": partial(bare_fit, network, n_rows),
                    "units": partial(units, network, n_rows),
                    "gap": partial(gap, network, n_rows),
                    "record": partial(diagnosed, network, n_rows, "record"),
                    "rows": partial(diagnosed, network, n_rows, "rows"),
                }
            )
            print(f"{network}, {n_rows:,} rows done", flush=True)
    return {"shares": found, "single": run(single), "unchanged": unchanged()}


def report(found: Mapping[str, Any]) -> None:
    columns = "network, rows, epochs|fit|collecting (target 5 %)|of which units"
    columns += "|gap (target 3 %)|record (target 1 %)|with rows"
    print(f"| {columns.replace('|', ' | ')} |\n{'|---' * 7}|")
    for key, job in found["shares"].items():
        network, n_rows = key.split("|")
        whole = job["fit"]["median"]
        pairs = zip(job["fit"]["rates"], job["bare"]["rates"], strict=True)
        collecting = statistics.median(on / off - 1 for on, off in pairs)
        cells = [
            f"{network}, {int(n_rows):,}, {EPOCHS[network][int(n_rows)]}",
            f"{whole:.2f} s",
            f"{collecting:+.1%}",
            f"{job['units']['median']:.1%}",
            f"{job['gap']['median']:.1%}" if "gap" in job else "",
            *(
                f"{job[n]['median'] / whole:.1%} ({1000 * job[n]['median']:.0f} ms)"
                for n in ("record", "rows")
            ),
        ]
        print("| " + " | ".join(cells) + " |")
    print("\n| diagnosis of | median | first | target |\n|---|---|---|---|")
    for name, job in found["single"].items():
        target = f"{1000 * TARGETS[name]:.0f} ms" if name in TARGETS else ""
        first, usual = (f"{1000 * job[n]:.1f} ms" for n in ("first", "median"))
        print(f"| {name} | {usual} | {first} | {target} |")
    print("\nthe same to the bit with and without a diagnosis:")
    for name, same in found["unchanged"].items():
        print(f"{name}: {'yes' if same else 'NO'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    parser.add_argument("--report", action="store_true", help="print, measure nothing")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.report:
        report(json.loads(RESULTS.read_text()))
        return
    if options.quick:
        report(measure(try_each, (QUICK_ROWS,), QUICK))
        return
    found = measure(partial(run_in_turn, rounds=options.rounds), SIZES, SINGLE)
    text = json.dumps({"host": describe(), **found}, indent=1)
    RESULTS.write_text(text + "\n")
    report(found)


if __name__ == "__main__":
    main()
