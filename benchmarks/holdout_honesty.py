"""Honesty of validation scores: three ways to hold rows out beside SMOTE.

    python benchmarks/holdout_honesty.py [--seeds 6] [--quick]

For each seed a third of the rows (whole patients, of the heartbeats) is an untouched
test set. On the rest the same classifier is trained behind SMOTE with validation rows

- split off after the sampler, as ``validation_split`` and most code do;
- split off after the sampler and then stripped of synthetic rows;
- held out before the sampler, by ``skloss.Pipeline``.

Printed is the validation value, then the test value of the same fitted network: the two
should agree. Only the third way can keep a patient's beats together, because synthetic
rows belong to no patient. With the heartbeats it gets the patients as ``groups``.
``--quick`` tries the script with one seed, one epoch and dense networks, and writes
nothing.
"""

import argparse
import json
import os
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from host import describe
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.preprocessing import StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, Pipeline
from skloss.datasets import load_heartbeats, make_rare_events
from skloss.holdout import stratified_holdout
from skloss.metrics import epoch_metrics

RESULTS = Path(__file__).parent / "results" / "holdout_honesty.json"
CURVES = ("log_loss", "mcc", "f1", "average_precision")
FRACTION = 0.2


def beats(seed: int) -> tuple[np.ndarray, ...]:
    """Heartbeats, whole patients in the test set."""
    data = load_heartbeats()
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
    train, test = next(folds.split(data.data, data.target, data.groups))
    parts = (data.data[train], data.target[train], data.data[test], data.target[test])
    return (*parts, data.groups[train])


def rare(seed: int) -> tuple[np.ndarray, ...]:
    """Synthetic table with 5 % of positives."""
    X, y = make_rare_events(4500, prevalence=0.05, random_state=seed)
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=1 / 3, stratify=y, random_state=seed
    )
    return X, y, X_test, y_test, None


def after_sampler(classifier, X, y, seed: int, only_real: bool):
    """Scale, resample, then split: what a classifier alone behind SMOTE can do."""
    scaler = StandardScaler().fit(X)
    X_res, y_res = SMOTE(random_state=seed).fit_resample(scaler.transform(X), y)
    kept, held = stratified_holdout(y_res, FRACTION, seed)
    if only_real:  # SMOTE leaves the rows it was given in front
        held = held[held < len(y)]
    classifier.fit(X_res[kept], y_res[kept], X_val=X_res[held], y_val=y_res[held])
    return scaler, classifier, (X_res[held], y_res[held])


def before_sampler(classifier, X, y, seed: int, groups):
    """Do what ``skloss.Pipeline`` is for."""
    steps = [
        ("scaler", StandardScaler()),
        ("smote", SMOTE(random_state=seed)),
        ("classifier", classifier),
    ]
    pipeline = Pipeline(steps).fit(X, y, classifier__groups=groups)
    held = classifier.split_validation(X, y, groups)[1]
    scaler = pipeline["scaler"]
    return scaler, classifier, (scaler.transform(X[held]), y[held])


def measure(classifier, X, y) -> list[float]:
    chances = classifier.predict_proba(X)
    own = np.maximum(chances[np.arange(len(y)), y], 1e-12)
    values = epoch_metrics(y, chances, -np.log(own), 2)
    return [values["loss" if name == "log_loss" else name] for name in CURVES]


def compare(load, classifier, seeds: int) -> dict[str, dict[str, list[float]]]:
    ways = {
        "split after the sampler": lambda c, X, y, s, _: after_sampler(
            c, X, y, s, False
        ),
        "after, real rows only": lambda c, X, y, s, _: after_sampler(c, X, y, s, True),
        "before: skloss.Pipeline": before_sampler,
    }
    found = {}
    for way, fit in ways.items():
        pairs = []
        for seed in range(seeds):
            X, y, X_test, y_test, groups = load(seed)
            model = clone(classifier).set_params(random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scaler, fitted, validation = fit(model, X, y, seed, groups)
            test = measure(fitted, scaler.transform(X_test), y_test)
            pairs.append((measure(fitted, *validation), test))
        mean = np.median(pairs, axis=0)
        found[way] = {
            name: [round(float(v), 3) for v in mean[:, i]]
            for i, name in enumerate(CURVES)
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    options = parser.parse_args()
    seeds = 1 if options.quick else options.seeds
    held_out = {"validation_fraction": FRACTION}
    usual = {"learning_rate": 5e-3, "epochs": 150, **held_out}
    jobs = {
        "heartbeats, CNN1DClassifier": (
            beats,
            CNN1DClassifier(epochs=20, batch_size=64, **held_out),
        ),
        "heartbeats, DenseClassifier": (beats, DenseClassifier(width=None, **usual)),
        "rare events, CNN1DClassifier": (
            rare,
            CNN1DClassifier(epochs=30, batch_size=64, **held_out),
        ),
        "rare events, DenseClassifier": (rare, DenseClassifier(width=64, **usual)),
    }
    results = {}
    if options.quick:
        jobs = {name: job for name, job in jobs.items() if "Dense" in name}
    for name, (load, classifier) in jobs.items():
        if options.quick:
            classifier.set_params(epochs=1)
        results[name] = compare(load, classifier, seeds)
        print(f"\n{name}: validation / test, medians of {seeds} seeds")
        print("| | " + " | ".join(CURVES) + " |\n|---|" + "---|" * len(CURVES))
        for way, values in results[name].items():
            cells = " | ".join(f"{a:.3f} / {b:.3f}" for a, b in values.values())
            print(f"| {way} | {cells} |", flush=True)
    if not options.quick:
        text = json.dumps({"host": describe(), "medians": results}, indent=1)
        RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
