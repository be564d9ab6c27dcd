"""``skloss.error_floor`` on mixtures whose lowest error is known.

    python benchmarks/error_floors.py [--seeds 5] [--quick] [--report]

Mixtures of Gaussian clouds in 2 to 50 columns, of 2 to 5 classes, one cloud or three a
class, with columns that say nothing or without. The lowest error follows from the true
probabilities of 200,000 drawn rows. The table has, for each estimate, its mean, and how
often its interval holds the truth. ``--quick`` tries the script and writes nothing.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from host import describe
from scipy.special import logsumexp

from skloss import error_floor

RESULTS = Path(__file__).parent / "results" / "error_floors.json"
DRAWN = 200_000


@dataclass(frozen=True)
class Mixture:
    """Clouds of unit width; the last ``silent`` columns are equal for all classes."""

    columns: int
    classes: int
    clouds: int = 1
    distance: float = 2.0
    silent: int = 0

    def centres(self) -> np.ndarray:
        """Centres of shape (classes, clouds, columns), at about the distance."""
        rng = np.random.default_rng(1)
        shape = (self.classes, self.clouds, self.columns)
        centres = rng.normal(size=shape)
        centres[..., self.columns - self.silent :] = 0
        norms = np.linalg.norm(centres, axis=-1, keepdims=True)
        return centres / norms * self.distance / np.sqrt(2) * np.sqrt(self.clouds)

    def draw(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and labels."""
        rng = np.random.default_rng(seed)
        y, cloud = rng.integers(self.classes, size=n), rng.integers(self.clouds, size=n)
        return self.centres()[y, cloud] + rng.normal(size=(n, self.columns)), y

    def lowest_error(self) -> float:
        """Mean of one minus the largest true probability."""
        X, _ = self.draw(DRAWN, 99)
        logs = [
            logsumexp([-((X - c) ** 2).sum(axis=1) / 2 for c in own], axis=0)
            for own in self.centres()
        ]
        chances = np.exp(np.array(logs) - logsumexp(logs, axis=0))
        return float(1 - chances.max(axis=0).mean())


MIXTURES = [
    Mixture(2, 2),
    Mixture(2, 2, distance=1.0),
    Mixture(2, 5, distance=3.0),
    Mixture(2, 2, clouds=3, distance=3.0),
    Mixture(10, 2),
    Mixture(10, 2, silent=8),
    Mixture(10, 3),
    Mixture(10, 2, clouds=3),
    Mixture(50, 2),
    Mixture(50, 2, silent=48),
    Mixture(50, 5),
    Mixture(50, 2, clouds=3),
]


def measure(mixture: Mixture, n: int, seeds: int) -> dict[str, float]:
    truth, found, started = mixture.lowest_error(), [], time.perf_counter()
    for seed in range(seeds):
        floor = error_floor(*mixture.draw(n, seed), random_state=0)
        near, post = floor.neighbors, floor.posterior
        found.append(
            {
                "neighbours low": near.low,
                "neighbours high": near.high,
                "neighbours hold": near.low_interval[0]
                <= truth
                <= near.high_interval[1],
                "posterior": post.error,
                "reached": post.reached,
                "posterior holds": post.interval[0] <= truth <= post.interval[1],
                "low to high holds": floor.low <= truth <= floor.high,
            }
        )
    means = {name: float(v) for name, v in pd.DataFrame(found).mean().items()}
    seconds = (time.perf_counter() - started) / seeds
    return {"rows": n, "lowest error": truth, **means, "seconds": seconds}


def report(runs: dict[str, dict[str, float]]) -> None:
    print(pd.DataFrame(runs).T.round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="try the script")
    parser.add_argument("--report", action="store_true", help="print kept results")
    options = parser.parse_args()
    if options.quick:
        report({"quick": measure(MIXTURES[0], 200, 1)})
        return
    if not options.report:
        runs = {
            f"{m.columns} columns ({m.silent} silent), {m.classes} classes, "
            f"{m.clouds} clouds, {m.distance:g} apart": measure(m, 1000, options.seeds)
            for m in MIXTURES
        }
        content = {"host": describe(), "runs": runs}
        RESULTS.write_text(json.dumps(content, indent=1) + "\n")
    report(json.loads(RESULTS.read_text())["runs"])


if __name__ == "__main__":
    main()
