"""Classifiers of series with untouched defaults, in one run.

    python benchmarks/series.py [--data FOLDER] [--sets NAME ...] [--models NAME ...]
        [--seeds 2] [--quick] [--report]

RocketClassifier (also with ``pooling="multi"``) and CNN1DClassifier (also as LITE) have
untouched defaults beside what aeon has (``python -m pip install aeon torch``; without
these their rows are left out): MiniRocket with scikit-learn's ridge classifier, plain,
with balanced class weights, and on series that were scaled by themselves; MultiRocket
with the same; and QUANT. The others get the series as they come. The shipped heartbeats
are in five folds with patients kept apart; UCR series (``--data``) have their official
split. Scores are on rows that took no part in training. Seconds are of the processor,
with one thread, since other work on the machine then counts for little. What is in the
results file already is not run again. ``--quick`` tries the script on few heartbeats
and writes nothing.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Container, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
from data_sets import BEATS, UCR_HINT, has_ucr, tell_missing
from host import describe
from sklearn.metrics import average_precision_score, log_loss, matthews_corrcoef
from sklearn.model_selection import StratifiedGroupKFold

from skloss import CNN1DClassifier, RocketClassifier, SeriesScaler
from skloss.datasets import load_heartbeats

UCR = (
    "ECG200",
    "PowerCons",
    "DistalPhalanxTW",
    "Strawberry",
    "Wafer",
    "ElectricDevices",
)
RESULTS = Path(__file__).parent / "results" / "series.json"
# A probability of zero has no logarithm, and scikit-learn's ridge gives zeros and ones.
LEAST = 1e-3

Split = tuple[Any, ...]


def beats(step: int = 1) -> Iterator[Split]:
    """Folds of the heartbeats by patient, with the patients of the training rows."""
    found = load_heartbeats()
    X, y, groups = found.data[::step], found.target[::step], found.groups[::step]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for train, test in folds.split(X, y, groups):
        yield X[train], y[train], groups[train], X[test], y[test]


def ucr(folder: Path, name: str) -> Iterator[Split]:
    """Official split of a UCR set."""
    with np.load(folder / "ucr" / f"{name}.npz") as rows:
        a, b = rows["X_train"].astype(np.float32), rows["X_test"].astype(np.float32)
        yield a, rows["y_train"], None, b, rows["y_test"]


def rocket(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    return ours(RocketClassifier(random_state=seed), split)


def multirocket(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    return ours(RocketClassifier(pooling="multi", random_state=seed), split)


def cnn(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    return ours(CNN1DClassifier(random_state=seed), split)


def lite(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    return ours(CNN1DClassifier(architecture="lite", random_state=seed), split)


def ours(classifier: Any, split: Split) -> tuple[Any, Callable[[Any], Any]]:
    X, y, groups, *_ = split
    return classifier.fit(X, y, groups=groups), np.asarray


def minirocket(
    split: Split, seed: int, class_weight: str | None = None
) -> tuple[Any, Callable[[Any], Any]]:
    from aeon.classification.convolution_based import MiniRocketClassifier

    classifier = MiniRocketClassifier(class_weight=class_weight, random_state=seed)
    return of_aeon(classifier, split)


def minirocket_balanced(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    return minirocket(split, seed, "balanced")


def minirocket_scaled(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    scale = SeriesScaler().fit_transform
    fitted, fold = minirocket((scale(split[0]), *split[1:]), seed)
    return fitted, lambda rows: fold(scale(rows))


def multirocket_of_aeon(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    from aeon.classification.convolution_based import MultiRocketClassifier

    return of_aeon(MultiRocketClassifier(random_state=seed), split)


def quant(split: Split, seed: int) -> tuple[Any, Callable[[Any], Any]]:
    from aeon.classification.interval_based import QUANTClassifier

    return of_aeon(QUANTClassifier(random_state=seed), split)


def of_aeon(classifier: Any, split: Split) -> tuple[Any, Callable[[Any], Any]]:
    def fold(rows: Any) -> Any:
        return rows[:, None]

    return classifier.fit(fold(split[0]), split[1]), fold


CONTESTANTS = {
    "RocketClassifier": rocket,
    "RocketClassifier, multi": multirocket,
    "CNN1DClassifier": cnn,
    "MiniRocket + ridge (aeon)": minirocket,
    "the same, balanced": minirocket_balanced,
    "the same on scaled series": minirocket_scaled,
    "MultiRocket + ridge (aeon)": multirocket_of_aeon,
    "QUANT (aeon)": quant,
    "CNN1DClassifier, lite": lite,
}
NEEDS = {
    minirocket: "aeon",
    minirocket_balanced: "aeon",
    minirocket_scaled: "aeon",
    multirocket_of_aeon: "aeon",
    quant: "torch",
}


def scores(fit: Callable[..., Any], splits: list[Split], seed: int) -> dict[str, float]:
    """Scores of the test rows of all splits together, and seconds of all fits."""
    truths, chances, seconds = [], [], 0.0
    for split in splits:
        begun = time.process_time()
        fitted, shaped = fit(split, seed)
        seconds += time.process_time() - begun
        truths.append(split[4])
        found = np.clip(fitted.predict_proba(shaped(split[3])), LEAST, 1)
        chances.append(found / found.sum(axis=1, keepdims=True))
    truth, chance = np.concatenate(truths), np.concatenate(chances)
    labels = np.unique(truth)
    if len(labels) == 2:
        # The rarer class, as everywhere in skloss.
        rare = int((truth == labels[1]).mean() < 0.5)
        precision = average_precision_score(truth == labels[rare], chance[:, rare])
    else:
        precision = average_precision_score(truth, chance, average="macro")
    return {
        "mcc": matthews_corrcoef(truth, labels[chance.argmax(axis=1)]),
        "average_precision": float(precision),
        "log_loss": log_loss(truth, chance, labels=labels),
        "fit_seconds": seconds / len(splits),
    }


def measured(
    splits: list[Split],
    seeds: int,
    known: Container[str] = (),
    chosen: Container[str] = CONTESTANTS,
) -> Iterator[tuple[str, dict[str, float]]]:
    """Medians over the seeds, of every chosen contestant that is not known."""
    for name, fit in CONTESTANTS.items():
        if name in known or name not in chosen:
            continue
        if package := NEEDS.get(fit):
            if find_spec("aeon") is None or find_spec(package) is None:
                print(f"{name!r} is left out: it needs aeon, and QUANT torch.")
                continue
            fit(splits[0], 0)  # numba compiles at the first call
        runs = [scores(fit, splits, seed) for seed in range(seeds)]
        yield name, {key: float(np.median([r[key] for r in runs])) for key in runs[0]}


def report(results: dict[str, dict[str, dict[str, float]]]) -> None:
    for name, of_set in results.items():
        print(f"\n{name}\n{'':27}    MCC     AP  log-loss  seconds of a fit")
        for contestant in filter(of_set.get, CONTESTANTS):
            row = of_set[contestant]
            print(
                f"{contestant:27} {row['mcc']:6.3f} {row['average_precision']:6.3f}"
                f"  {row['log_loss']:8.3f}  {row['fit_seconds']:16.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--sets", nargs="+", metavar="NAME")
    parser.add_argument("--models", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"sets": {}}
    if options.report:
        report(kept["sets"])
        return
    if options.quick:
        report({BEATS: dict(measured(list(beats(step=16))[:1], 1))})
        return
    sets = options.sets or (BEATS, *UCR)
    missing = [n for n in sets if n != BEATS and not has_ucr(n, options.data)]
    tell_missing(missing, UCR_HINT)
    sets = [name for name in sets if name not in missing]
    for name in sets:
        splits = list(beats() if name == BEATS else ucr(options.data, name))
        of_set = kept["sets"].setdefault(name, {})
        for contestant, row in measured(splits, options.seeds, of_set, options.models):
            of_set[contestant] = row
            kept.setdefault("seeds", {})[name] = options.seeds
            kept["host"] = describe()
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    report(kept["sets"])


if __name__ == "__main__":
    main()
