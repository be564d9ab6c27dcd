"""How often ``skloss.repair`` keeps a fix that nobody needs, and what that costs.

    python benchmarks/needless_repairs.py [--rows 250] [--fits 3] [--minutes N]
        [--quick] [--report]

Healthy estimators raise hardly an alarm, so that ``repair`` tries nothing at them. Here
false alarms are put on top of their diagnosis, each with a fix, and the rest of
``repair`` runs as it is. There are two kinds of fixes:

- **another seed**: four other values of ``random_state``. None has an effect, so that
  what is kept is kept by chance.
- **other parameters**: fixes that the rules of skloss give. Some help a little.

Six estimators are repaired on three sets that come with skloss or scikit-learn, in
three splits: 54 healthy runs of each kind. ``--rows`` rows are given to ``repair``. The
given estimator and the repaired one are each trained on them with ``--fits`` seeds, and
their MCC on rows that nobody has seen is compared. No kept fix may cost more than 0.02.

Results are merged into those of earlier runs. ``--minutes`` ends the run after a time.
``--quick`` tries the script on one run, and writes nothing.
"""

import argparse
import json
import time
import warnings
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock
from zlib import crc32

import numpy as np
import repairs  # before TensorFlow, whose settings it makes
from host import describe
from sklearn.model_selection import train_test_split

from skloss import repair
from skloss.diagnosis import Case, Diagnosis, Finding

RESULTS = Path(__file__).parent / "results" / "needless_repairs.json"
SPLITS = (0, 1, 2)
MOST_LOST = repairs.MOST_LOST
FIXES: dict[str, list[dict[str, Any]]] = {
    "another seed": [{"random_state": seed} for seed in range(1, 5)],
    "other parameters": [
        {"dropout": 0.2},
        {"learning_rate": 0.003},
        {"width": 48},
        {"early_stopping": True},
    ],
}


def false_alarms(kind: str, case: Case | None) -> Diagnosis:
    """Make a diagnosis that advises the fixes, with the true case."""
    found = [
        Finding("X00", f"false alarm {i}", "warning", "", {}, "", params=params)
        for i, params in enumerate(FIXES[kind])
    ]
    return Diagnosis(tuple(found), case=case)


def perform(kind: str, name: str, table: str, split: int, rows: int, fits: int) -> Any:
    """Repair a healthy estimator, then score on the rows that nobody has seen."""
    from skloss.readers import diagnose

    seen, unseen = repairs.table_rows(table, split)
    X, _, y, _ = train_test_split(
        *seen, train_size=rows, stratify=seen[1], random_state=split
    )
    estimator = repairs.HEALTHY[name]()

    def alarmed(fitted: Any, X: Any, y: Any) -> Diagnosis:
        return false_alarms(kind, diagnose(fitted, X, y).case)

    with mock.patch("skloss.repairs.path.diagnose", alarmed):
        found = repair(estimator, X, y, random_state=split)
    result: dict[str, Any] = {
        "trials": [[t.line, t.n_folds, t.verdict, t.kept] for t in found.trials],
        "seconds": round(found.seconds, 1),
    }
    if found.kept:
        both = (estimator, found.estimator)
        before, after = (repairs.test_mcc(e, (X, y), unseen, fits) for e in both)
        result |= {"mcc": before, "mcc_kept": after}
    return result


def all_runs() -> list[tuple[str, str, str, int]]:
    """List all runs, mixed, so that a run that is cut short is a fair sample."""
    everything = product(FIXES, repairs.HEALTHY, repairs.SETS, SPLITS)
    return sorted(everything, key=lambda one: crc32(title_of(*one).encode()))


def title_of(kind: str, name: str, table: str, split: int) -> str:
    return f"{kind}: {name} on {table}, split {split}"


def line_of(title: str, one: dict[str, Any]) -> str:
    kept = [line for line, _, _, is_kept in one["trials"] if is_kept]
    change = f"; MCC {one['mcc']:.3f} -> {one['mcc_kept']:.3f}" if kept else ""
    what = " and ".join(kept) or "nothing kept"
    return f"{title}: {what}{change}; {one['seconds']} s"


def report(runs: dict[str, dict[str, Any]]) -> None:
    for kind in FIXES:
        ones = [one for title, one in runs.items() if title.startswith(kind)]
        if not ones:
            continue
        trials = [trial for one in ones for trial in one["trials"]]
        n_kept = sum(trial[-1] for trial in trials)
        changes = np.array([o["mcc_kept"] - o["mcc"] for o in ones if "mcc" in o])
        print(
            f"\n{kind}: {len(ones)} healthy runs, {n_kept} of {len(trials)} fixes kept "
            f"({n_kept / len(trials):.1%}), at {len(changes)} runs"
        )
        if len(changes):
            print(
                f"change of test MCC there: mean {changes.mean():+.3f}, worst "
                f"{changes.min():+.3f}; {(changes < -MOST_LOST).sum()} cost more than "
                f"{MOST_LOST}; mean over all runs {changes.sum() / len(ones):+.4f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=250, help="rows to repair on")
    parser.add_argument("--fits", type=int, default=3, help="seeds to test with")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--quick", action="store_true", help="try the script")
    parser.add_argument("--report", action="store_true", help="print kept results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.quick:
        first = ("another seed", "MLP", "breast_cancer", 0)
        print(line_of(title_of(*first), perform(*first, 100, 1)))
        return
    kept = options.results
    known = json.loads(kept.read_text())["runs"] if kept.exists() else {}
    until = time.monotonic() + 60 * options.minutes
    for one in [] if options.report else all_runs():
        title = title_of(*one)
        if title in known or time.monotonic() > until:
            continue
        known[title] = perform(*one, options.rows, options.fits)
        print(line_of(title, known[title]), flush=True)
        content = {"host": describe(), "rows": options.rows, "runs": known}
        kept.write_text(json.dumps(content, indent=1) + "\n")
    report(known)


if __name__ == "__main__":
    main()
