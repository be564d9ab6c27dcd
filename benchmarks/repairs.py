"""What ``skloss.repair`` gains at faulty trainings, and what it costs at healthy ones.

    python benchmarks/repairs.py [--cases FILE ...] [--results FILE] [--only TEXT]
        [--fits 3] [--minutes N] [--quick] [--report]

Faulty estimators are of three kinds:

- parameters of ``DenseClassifier``, ``MLPClassifier`` and their pipelines, on tables
  that come with skloss or scikit-learn;
- the trainings of ``fault_cases.jsonl`` as a ``KerasClassifier``, as far as they can be
  said as an estimator (a fault of the labels, or of validation rows given to ``fit``,
  cannot; those that ``KerasClassifier`` refuses with a sentence are counted);
- those of the five questions of the gallery (``question_trainings.py``).

Half of the rows are given to ``skloss.repair``. The other half is seen by nobody: the
given estimator, the one after the first kept fix and the repaired one are each trained
on the first half with ``--fits`` seeds, and their MCC on the second half is compared.

- A **true alarm** is one that names the fault, at the top or nested.
- **raised** is the share of true alarms whose first kept fix raises the test MCC. The
  target is 80 %. Where nothing is kept, nothing is raised.
- At healthy trainings no kept fix may cost more than 0.02 MCC.

Results are merged into those of earlier runs. ``--cases`` reads other files of the same
form, whose results belong into another file: ``--results``. ``--longest`` gives a
training up, and ``--minutes`` ends the run, after a time. ``--quick`` tries the script
on one small fault, and writes nothing.
"""

import argparse
import json
import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import data_sets
import numpy as np
from fault_rows import NotAnEstimatorError, Pair, estimator_of, rows_of
from host import describe
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_plain_pipeline
from question_trainings import QUESTIONS
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier, make_pipeline, repair
from skloss.diagnosis import Diagnosis
from skloss.repairs import Repair

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results" / "repairs.json"
CASES = FOLDER / "fault_cases.jsonl"
SYNONYMS: dict[str, list[str]] = json.loads(
    (FOLDER / "fault_synonyms.json").read_text()
)
SETS = ("breast_cancer", "digit 8", "rare 5 %")
MOST_ROWS = 1000
TARGET, MOST_LOST = 0.8, 0.02


@dataclass(frozen=True)
class Training:
    """An estimator, its rows, and the names that are true of its fault, if any."""

    title: str
    make: Callable[[], tuple[BaseEstimator, Pair, Pair]]
    truth: tuple[str, ...] = ()


def dense(**params: Any) -> DenseClassifier:
    return DenseClassifier(**{"epochs": 40, "random_state": 0} | params)


def scaled(classifier: BaseEstimator, *between: Any) -> BaseEstimator:
    return make_pipeline(StandardScaler(), *between, classifier)


def smote_outside() -> BaseEstimator:
    """Resample before the hold-out, by which the epoch is chosen."""
    network = dense(early_stopping=True, patience=5)
    return make_plain_pipeline(StandardScaler(), SMOTE(random_state=0), network)


FAULTS: dict[tuple[str, str], Callable[[], BaseEstimator]] = {
    ("linear-stack", ""): lambda: scaled(dense(width=32, depth=3, activation="linear")),
    ("dropout-excess", ""): lambda: scaled(
        dense(width=16, depth=11, dropout=(0.5, *(0.2,) * 10))
    ),
    ("unscaled-inputs", "unscaled"): dense,
    ("double-balancing", ""): lambda: scaled(
        dense(class_weight={0: 1.0, 1: 10.0}), SMOTE(random_state=0)
    ),
    ("batch-too-large", ""): lambda: scaled(
        dense(batch_size=4096, epochs=15, learning_rate=1e-3)
    ),
    ("lr-too-high", ""): lambda: scaled(dense(learning_rate=1.0)),
    ("lr-too-low", ""): lambda: scaled(dense(learning_rate=1e-6)),
    ("vanishing-gradients", ""): lambda: scaled(
        dense(width=16, depth=12, activation="sigmoid")
    ),
    ("too-few-epochs", ""): lambda: scaled(dense(epochs=3, learning_rate=1e-3)),
    ("all-positive", ""): lambda: scaled(dense(class_weight={0: 1.0, 1: 1e4})),
    ("overfit", "widened"): lambda: scaled(
        dense(width=(256, 256), epochs=80, early_stopping=False)
    ),
    ("resample-before-split", ""): smote_outside,
    ("linear-stack (MLP)", ""): lambda: scaled(
        MLPClassifier((32, 32), activation="identity", random_state=0)
    ),
    ("lr-too-low (MLP)", ""): lambda: scaled(
        MLPClassifier((32,), learning_rate_init=1e-6, max_iter=40, random_state=0)
    ),
}
HEALTHY: dict[str, Callable[[], BaseEstimator]] = {
    "plain": lambda: scaled(dense(epochs=100)),
    "weighted": lambda: scaled(dense(class_weight="balanced")),
    "SMOTE": lambda: scaled(dense(), SMOTE(random_state=0)),
    "two layers": lambda: scaled(dense(width=32, depth=2, dropout=0.2)),
    "stopped early": lambda: scaled(
        dense(validation_fraction=0.2, early_stopping=True)
    ),
    "MLP": lambda: scaled(MLPClassifier((32,), max_iter=300, random_state=0)),
}


def table_rows(name: str, seed: int, change: str = "") -> tuple[Pair, Pair]:
    """Halves of a set; what is changed is changed on both sides."""
    X, y = data_sets.made(name)
    if name == "breast_cancer":
        y = 1 - y
    X, rng = np.asarray(X, float), np.random.default_rng(seed)
    most = MOST_ROWS
    if change == "unscaled":
        X = X * np.logspace(0, 3, X.shape[1])
    if change == "widened":
        X, most = np.hstack([X, rng.normal(size=(len(X), 60)) * X.std()]), 150
    seen = min(most, len(y) // 2)
    A, B, a, b = train_test_split(X, y, train_size=seen, stratify=y, random_state=seed)
    return (A, a), (B[:2000], b[:2000])


def made_trainings() -> Iterator[Training]:
    for (rule, change), make in FAULTS.items():
        for name in SETS:
            yield Training(
                f"{rule} on {name}",
                lambda m=make, n=name, c=change: (m(), *table_rows(n, 0, c)),
                _with_synonyms(rule.partition(" ")[0]),
            )
    for kind, make in HEALTHY.items():
        for name in SETS:
            for seed in (0, 1):
                yield Training(
                    f"healthy: {kind} on {name}, split {seed}",
                    lambda m=make, n=name, s=seed: (m(), *table_rows(n, s)),
                )


def question_trainings() -> Iterator[Training]:
    for title, (make, names) in QUESTIONS.items():
        truth = {one for name in names for one in _with_synonyms(name)}
        yield Training(f"question {title}", make, tuple(sorted(truth)))


def kept_trainings(path: Path) -> Iterator[Training]:
    for line in path.read_text().splitlines():
        case = json.loads(line)
        if case.get("scope") == "outside" or case.get("resample"):
            continue
        names = {name.replace("_", "-") for name in case["truth"]}
        truth = {one for name in names for one in _with_synonyms(name)}
        kind = "" if truth else "healthy: "
        yield Training(
            f"{kind}{case['id']}",
            lambda c=case: (estimator_of(c), *rows_of(c, 0)),
            tuple(sorted(truth)),
        )


def _with_synonyms(name: str) -> tuple[str, ...]:
    return (name, *SYNONYMS.get(name, ()))


class TooSlowError(Exception):
    """A training that takes longer than there is time."""


def within(seconds: int, training: Training, fits: int) -> dict[str, Any]:
    """Perform a training, and give it up after some time."""

    def give_up(*_: Any) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, give_up)
    # Again and again, since a rule that fails does not take others along.
    signal.setitimer(signal.ITIMER_REAL, seconds, 2)
    try:
        return perform(training, fits)
    except TooSlowError:
        return {"left_out": f"takes longer than {seconds} s"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def perform(training: Training, fits: int) -> dict[str, Any]:
    """Repair, then score on the rows that nobody has seen."""
    try:
        estimator, seen, unseen = training.make()
    except NotAnEstimatorError as reason:
        return {"left_out": str(reason)}
    started = time.perf_counter()
    try:
        repaired = repair(estimator, *seen, random_state=0)
    except ValueError as error:
        return {"refused": " ".join(str(error).split())[:300]}
    seconds = time.perf_counter() - started
    found = {
        "truth": list(training.truth),
        "alarms": sorted(_alarms(repaired.diagnosis_before)),
        "kept": [trial.rule for trial in repaired.kept],
        "trials": [
            [trial.rule, trial.line, trial.verdict] for trial in repaired.trials
        ],
        "not_applied": dict(repaired.not_applied),
        "seconds": round(seconds, 1),
    }
    if repaired.kept:
        found |= _tested(estimator, repaired, seen, unseen, fits)
    return found


def _tested(
    estimator: BaseEstimator, repaired: Repair, seen: Pair, unseen: Pair, fits: int
) -> dict[str, float]:
    one = repaired.kept[0].estimator
    first = test_mcc(one, seen, unseen, fits)
    is_last = len(repaired.kept) == 1
    return {
        "mcc": test_mcc(estimator, seen, unseen, fits),
        "mcc_first": first,
        "mcc_last": first
        if is_last
        else test_mcc(repaired.estimator, seen, unseen, fits),
    }


def test_mcc(estimator: BaseEstimator, seen: Pair, unseen: Pair, fits: int) -> float:
    scores = []
    for seed in range(fits):
        own = clone(estimator)
        names = [name for name in own.get_params() if name.endswith("random_state")]
        own.set_params(**dict.fromkeys(names, seed))
        predicted = own.fit(*seen).predict(unseen[0])
        scores.append(matthews_corrcoef(unseen[1], predicted))
    return float(np.mean(scores))


def _alarms(diagnosis: Diagnosis) -> set[str]:
    everything = (
        one for found in diagnosis.findings for one in (found, *found.explains)
    )
    return {found.name for found in everything if found.is_alarm}


def run(
    trainings: list[Training],
    known: dict[str, Any],
    fits: int,
    minutes: float,
    longest: int,
    results: Path,
) -> None:
    until = time.monotonic() + 60 * minutes
    for training in trainings:
        if training.title in known or time.monotonic() > until:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            known[training.title] = found = within(longest, training, fits)
        print(line_of(training.title, found), flush=True)
        content = {"host": describe(), "runs": known}
        results.write_text(json.dumps(content, indent=1) + "\n")


def line_of(title: str, found: dict[str, Any]) -> str:
    if "left_out" in found or "refused" in found:
        return f"{title}: {found.get('left_out') or found['refused']}"
    if "mcc" not in found:
        what = "nothing kept" if found["trials"] else "nothing tried"
        alarms = ", ".join(found["alarms"]) or "none"
        return f"{title}: {what}; alarms: {alarms}; {found['seconds']} s"
    return (
        f"{title}: {found['mcc']:.3f} -> {found['mcc_first']:.3f} ({found['kept'][0]})"
        f" -> {found['mcc_last']:.3f} ({len(found['kept'])} kept); "
        f"{found['seconds']} s"
    )


def report(runs: dict[str, dict[str, Any]]) -> None:
    for title in sorted(title for title in runs if title.startswith("question")):
        print(line_of(title, runs[title]))
    done = {title: one for title, one in runs.items() if "alarms" in one}
    healthy = {t: one for t, one in done.items() if t.startswith("healthy")}
    faulty = {t: one for t, one in done.items() if t not in healthy}
    true = {t: one for t, one in faulty.items() if {*one["alarms"]} & {*one["truth"]}}
    refused = sum("refused" in one for one in runs.values())
    left_out = sum("left_out" in one for one in runs.values())
    print(
        f"\n{len(faulty)} faulty trainings, {refused} more refused by the estimator, "
        f"{left_out} that are no estimator; {len(true)} true alarms"
    )
    for kind in ("put in", "question", "case"):
        gains = [_gain(one) for title, one in true.items() if _kind(title) == kind]
        print(f"{kind}: raised at {sum(g > 0 for g in gains)} of {len(gains)}")
    _report_gains(true)
    lost = [one["mcc_last"] - one["mcc"] for one in healthy.values() if "mcc" in one]
    worst = min(lost, default=0.0)
    print(
        f"{len(healthy)} healthy trainings: something kept at {len(lost)}; change of "
        f"test MCC {', '.join(f'{x:+.3f}' for x in sorted(lost)) or 'none'}; the worst "
        f"{worst:+.3f} (not below {-MOST_LOST})"
    )


def _kind(title: str) -> str:
    if title.startswith("question"):
        return "question"
    return "put in" if " on " in title else "case"


def _gain(one: dict[str, Any]) -> float:
    return one["mcc_first"] - one["mcc"] if "mcc" in one else 0.0


def _report_gains(true: dict[str, dict[str, Any]]) -> None:
    kept = [one for one in true.values() if "mcc" in one]
    first = np.array([_gain(one) for one in kept])
    last = np.array([one["mcc_last"] - one["mcc"] for one in kept])
    if not kept:
        print("no fix was kept")
        return
    print(
        f"raised: {(first > 0).sum()} of {len(true)} true alarms, "
        f"{(first > 0).sum() / len(true):.0%} (target {TARGET:.0%}); a fix was kept at "
        f"{len(kept)}\n"
        f"gain of test MCC by the first: mean {first.mean():+.3f}, quartiles "
        f"{', '.join(f'{q:+.3f}' for q in np.quantile(first, [0.25, 0.5, 0.75]))}; "
        f"by all: mean {last.mean():+.3f}"
    )
    tried = sum(1 for one in true.values() if one["trials"] and "mcc" not in one)
    untried = sum(1 for one in true.values() if not one["trials"])
    print(f"nothing kept at {tried} others, nothing to try at {untried}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=Path, nargs="*", default=[CASES])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--only", default="", help="part of the title")
    parser.add_argument("--fits", type=int, default=3, help="seeds to test with")
    parser.add_argument("--longest", type=int, default=600, help="seconds for one")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--quick", action="store_true", help="try the script")
    parser.add_argument("--report", action="store_true", help="print kept results")
    options = parser.parse_args()
    if options.quick:
        (first,) = (
            t for t in made_trainings() if t.title == "lr-too-low on breast_cancer"
        )
        print(line_of(first.title, perform(first, 1)))
        return
    kept = options.results
    known = json.loads(kept.read_text())["runs"] if kept.exists() else {}
    if not options.report:
        trainings = [t for path in options.cases for t in kept_trainings(path)]
        if options.cases == [CASES]:
            trainings += [*question_trainings(), *made_trainings()]
        chosen = [t for t in trainings if options.only in t.title]
        # Faults first, and mixed, so that a run that is cut short is a fair sample.
        chosen.sort(key=lambda t: (not t.truth, crc32(t.title.encode())))
        run(chosen, known, options.fits, options.minutes, options.longest, kept)
    report(known)


if __name__ == "__main__":
    main()
