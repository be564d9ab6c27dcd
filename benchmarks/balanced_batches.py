"""Time and memory of balanced batches, beside SMOTE and random over-sampling in front.

    python benchmarks/balanced_batches.py [--rows 1000000] [--quick] [--report]

Rows of 30 columns, 5 % of them positive. Every way has a process of its own, which has
X and y and has trained a small network before. ``rows`` makes the rows of one epoch:
imbalanced-learn's ``fit_resample``, or the neighbors and all chunks of an epoch.
``fit`` trains a small network for two epochs, the sampler included; behind a sampler an
epoch has almost twice as many rows. The peak is that of the resident set above the
process with X and y, as a multiple of the bytes of X (Linux).

``--quick`` only tries the script: its numbers mean nothing, and are not written.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from host import describe
from memory import fresh, peak_of, resident

RESULTS = Path(__file__).parent / "results" / "balanced_batches.json"
N_COLUMNS, SHARE = 30, 0.05
BATCH = 512
WAYS = ("none", "balanced", "balanced smote", "ROS", "SMOTE")


def make_rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = (rng.random(n) < SHARE).astype(np.int32)
    X = rng.standard_normal((n, N_COLUMNS), dtype=np.float32)
    X[:, :5] += y[:, None]
    return X, y


def classifier(way: str) -> Any:
    from imblearn.over_sampling import SMOTE, RandomOverSampler

    from skloss import DenseClassifier

    options: dict[str, Any] = {
        "none": {},
        "balanced": {"balanced_batches": True},
        "balanced smote": {"balanced_batches": "smote"},
        "ROS": {"sampler": RandomOverSampler(random_state=0)},
        "SMOTE": {"sampler": SMOTE(random_state=0)},
    }[way]
    return DenseClassifier(
        width=16, epochs=2, batch_size=BATCH, random_state=0, **options
    )


def rows_of(way: str, X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """Prepare to make the rows of one epoch."""
    from skloss.training import Rows
    from skloss.training.balanced import BalancedOrder
    from skloss.training.chunks import Chunks

    sampler = classifier(way).sampler
    if sampler is not None:
        return lambda: sampler.fit_resample(X, y)
    rows = Rows(X, y)

    def epoch() -> None:
        order = BalancedOrder(rows, "smote" in way, np.random.default_rng(0))
        for _ in Chunks(rows, 2**15).gather(order.epoch()):
            pass

    return epoch


def measure(way: str, kind: str, n_rows: int) -> dict[str, float]:
    """Measure a way in this process."""
    X, y = make_rows(n_rows)
    model = classifier(way)
    classifier("none").fit(X[:4000], y[:4000])
    work = rows_of(way, X, y) if kind == "rows" else lambda: model.fit(X, y)
    before, started = resident(), time.perf_counter()
    peak, _ = peak_of(work)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "peak_mb": peak - before,
        "peak_over_X": (peak - before) * 2**20 / X.nbytes,
    }


def show(way: str, kind: str, one: dict[str, float]) -> None:
    print(
        f"{way:16}{kind:6}{one['seconds']:9.1f}{one['peak_mb']:9.0f}"
        f"{one['peak_over_X']:8.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="try the script")
    parser.add_argument("--report", action="store_true", help="print kept results")
    options = parser.parse_args()
    print(f"{'way':16}{'work':6}{'seconds':>9}{'peak MB':>9}{'over X':>8}")
    if options.report:
        for way, kinds in json.loads(RESULTS.read_text())["found"].items():
            for kind, one in kinds.items():
                show(way, kind, one)
        return
    n_rows = 5_000 if options.quick else options.rows
    ways = ("balanced smote", "SMOTE") if options.quick else WAYS
    found: dict[str, dict[str, dict[str, float]]] = {}
    for way in ways:
        found[way] = {}
        for kind in ("fit",) if way == "none" else ("rows", "fit"):
            found[way][kind] = fresh(measure, way, kind, n_rows)
            show(way, kind, found[way][kind])
    if not options.quick:
        kept = {"host": describe(), "rows": n_rows, "found": found}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
