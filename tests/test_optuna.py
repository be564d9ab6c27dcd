"""Searches of Optuna prune fits by epoch, and share a study between processes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import StratifiedKFold, cross_val_score

from skloss import DenseClassifier
from skloss.datasets import make_rare_events

optuna = pytest.importorskip("optuna")
integration = pytest.importorskip("optuna_integration")

# What they and what they import warn of is their own affair.
pytestmark = pytest.mark.filterwarnings("ignore")

EPOCHS = 4
CV = StratifiedKFold(2)
X, y = make_rare_events(300, n_features=6, random_state=0)


def dense(**options):
    return DenseClassifier(
        width=3,
        epochs=EPOCHS,
        learning_rate_schedule="constant",
        validation_fraction=None,
        class_weight="balanced",
        random_state=0,
        **options,
    )


def searched(pruner, n_trials=6):
    rates = optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
    search = integration.OptunaSearchCV(
        dense(),
        {"learning_rate": rates},
        cv=CV,
        enable_pruning=True,
        error_score="raise",
        max_iter=EPOCHS,
        n_trials=n_trials,
        scoring="matthews_corrcoef",
        study=optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.RandomSampler(seed=0),
            pruner=pruner,
        ),
    )
    return search.fit(X, y)


def scores_by_epoch(params):
    """The mean MCC of the folds after each epoch, by `partial_fit` itself."""
    by_fold = []
    for train, test in CV.split(X, y):
        classifier = dense(**params)
        scores = []
        for _ in range(EPOCHS):
            classifier.partial_fit(X[train], y[train], classes=[0, 1])
            scores.append(matthews_corrcoef(y[test], classifier.predict(X[test])))
        by_fold.append(scores)
    return np.mean(by_fold, axis=0)


def test_trials_are_scored_after_each_epoch_and_the_bad_ones_end_early():
    pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1)
    search = searched(pruner)
    states = {trial.state.name for trial in search.trials_}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in search.trials_:
        expected = scores_by_epoch(trial.params)
        found = list(trial.intermediate_values.values())
        np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-12)
        if trial.state.name == "COMPLETE":
            assert trial.value == found[-1]
            assert len(found) == EPOCHS
        else:
            assert len(found) < EPOCHS


def test_the_winner_is_trained_for_the_epochs_of_a_trial():
    search = searched(optuna.pruners.NopPruner(), n_trials=2)
    again = clone(search.best_estimator_).fit(X, y)
    assert search.best_estimator_.n_epochs_ == EPOCHS
    np.testing.assert_array_equal(search.predict_proba(X), again.predict_proba(X))


# A program of its own: several run at the same time.
WORKER = """\
import sys, warnings
warnings.simplefilter("ignore")
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from test_optuna import scored

study = optuna.load_study(
    study_name="shared", storage=JournalStorage(JournalFileBackend(sys.argv[1]))
)
study.optimize(scored, n_trials=3)
"""


def scored(trial):
    rate = trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
    candidate = dense().set_params(learning_rate=rate)
    return cross_val_score(candidate, X, y, cv=CV, scoring="neg_log_loss").mean()


def test_two_processes_share_a_study_in_a_file(tmp_path):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = str(tmp_path / "journal.log")
    study = optuna.create_study(
        study_name="shared",
        direction="maximize",
        storage=JournalStorage(JournalFileBackend(path)),
    )
    here = Path(__file__).parent
    command = [sys.executable, "-c", WORKER, path]
    folders = {"PYTHONPATH": f"{here}:{here.parent}"}
    workers = [
        subprocess.Popen(command, env={**os.environ, **folders}, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for worker in workers:
        _, told = worker.communicate(timeout=200)
        assert worker.returncode == 0, told[-2_000:]
    assert [trial.number for trial in study.trials] == list(range(6))
    for trial in study.trials:
        assert trial.value == scored(optuna.trial.FixedTrial(trial.params))
