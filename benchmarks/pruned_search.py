"""Epochs that Optuna saves by ending bad trials early, and the best MCC it finds.

    python benchmarks/pruned_search.py [--trials 24] [--seeds 3] [--quick] [--report]

``OptunaSearchCV(enable_pruning=True)`` trains the folds of a trial epoch by epoch
through ``partial_fit``, on the heartbeats, with patients kept together. The trials are
drawn at random, so that they are the same for all pruners, and seeded, so that a trial
has the same score after the same epoch. Each pruner therefore sees the scores of one
search without a pruner. ``--check`` searches once more with the first pruner and
compares.

``--quick`` only tries the script: its numbers mean nothing, and are not written. Needs
``pip install "skloss[optuna]"``.
"""

import argparse
import json
import os
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from host import describe

RESULTS = Path(__file__).parent / "results" / "pruned_search.json"
EPOCHS, FOLDS = 16, 2


def pruners() -> dict[str, Any]:
    from optuna.pruners import (
        HyperbandPruner,
        MedianPruner,
        SuccessiveHalvingPruner,
    )

    return {
        "median": MedianPruner(n_startup_trials=4, n_warmup_steps=2),
        "halving": SuccessiveHalvingPruner(min_resource=2, reduction_factor=2),
        "hyperband": HyperbandPruner(2, EPOCHS, reduction_factor=2),
    }


def study_of(seed: int, pruner: Any) -> Any:
    import optuna

    sampler = optuna.samplers.RandomSampler(seed=seed)
    return optuna.create_study(
        study_name=f"seed {seed}",  # Hyperband draws from it
        direction="maximize",
        sampler=sampler,
        pruner=pruner,
    )


def search(seed: int, pruner: Any, n_trials: int, n_rows: int | None) -> Any:
    """Run a search, and return its study."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna_integration import OptunaSearchCV
    from sklearn.model_selection import StratifiedGroupKFold

    from skloss import DenseClassifier
    from skloss.datasets import load_heartbeats

    beats: Any = load_heartbeats()
    rows = slice(None) if n_rows is None else slice(None, None, 4400 // n_rows)
    classifier = DenseClassifier(
        width=16,
        epochs=EPOCHS,
        learning_rate_schedule="constant",
        validation_fraction=None,
        class_weight="balanced",
        random_state=0,
    )
    space = {
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "dropout": FloatDistribution(0.0, 0.6),
        "l2": FloatDistribution(1e-6, 1e-1, log=True),
        "activation": CategoricalDistribution(["relu", "elu"]),
    }
    found = OptunaSearchCV(
        classifier,
        space,
        cv=StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0),
        enable_pruning=True,
        error_score="raise",
        max_iter=EPOCHS,
        n_trials=n_trials,
        refit=False,
        scoring="matthews_corrcoef",
        study=study_of(seed, pruner),
    )
    found.fit(beats.data[rows], beats.target[rows], groups=beats.groups[rows])
    return found.study_


def replayed(seed: int, pruner: Any, whole: Any) -> Any:
    """Let a pruner see the scores of a search without one."""
    import optuna

    def told(trial: Any) -> float:
        scores = whole.trials[trial.number].intermediate_values
        for step, score in scores.items():
            trial.report(score, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return score

    study = study_of(seed, pruner)
    study.optimize(told, n_trials=len(whole.trials))
    return study


def told(study: Any) -> dict[str, float]:
    trained = sum(len(trial.intermediate_values) for trial in study.trials)
    whole = EPOCHS * len(study.trials)
    return {"saved": 1 - trained / whole, "best": study.best_value}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--report", action="store_true", help="print the last result")
    options = parser.parse_args()
    if find_spec("optuna_integration") is None:
        sys.exit(0 if options.quick else 'pip install "skloss[optuna]"')
    if options.report:
        print_table(json.loads(RESULTS.read_text()))
        return
    import optuna

    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    n_trials, n_seeds, n_rows = options.trials, options.seeds, None
    if options.quick:
        n_trials, n_seeds, n_rows = 4, 1, 400
    results: dict[str, list[dict[str, float]]] = {"none": []}
    for seed in range(n_seeds):
        whole = search(seed, optuna.pruners.NopPruner(), n_trials, n_rows)
        results["none"].append(told(whole))
        for name, pruner in pruners().items():
            found = told(replayed(seed, pruner, whole))
            results.setdefault(name, []).append(found)
        if options.check:
            again = told(search(seed, pruners()["median"], n_trials, n_rows))
            assert again == results["median"][seed], (again, results["median"][seed])
        print(f"seed {seed}", flush=True)
        if not options.quick:
            kept = {"host": describe(), "trials": n_trials, "epochs": EPOCHS}
            text = json.dumps(kept | {"results": results}, indent=1)
            RESULTS.write_text(text + "\n")
    print_table({"trials": n_trials, "epochs": EPOCHS, "results": results})


def print_table(kept: dict[str, Any]) -> None:
    print(f"{kept['trials']} trials of {kept['epochs']} epochs in {FOLDS} folds")
    print(f"{'pruner':10} {'epochs saved':>14} {'best MCC':>10}   by seed")
    for name, found in kept["results"].items():
        saved = np.mean([one["saved"] for one in found])
        best = np.mean([one["best"] for one in found])
        each = ", ".join(f"{one['saved']:.0%} {one['best']:.3f}" for one in found)
        print(f"{name:10} {saved:14.0%} {best:10.3f}   {each}")


if __name__ == "__main__":
    main()
