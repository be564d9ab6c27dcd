"""Searches in the processes of dask, through joblib, score as in this one."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A program of its own, since what it defines is sent to the workers by value.
BEGIN = """\
import os, signal, sys, warnings
from pathlib import Path
import cloudpickle, joblib
import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler
from skloss import *
from skloss.datasets import make_rare_events

warnings.simplefilter("ignore")  # what other packages warn of is their own affair
X, y = make_rare_events(600, random_state=0)
series = np.random.default_rng(0).normal(size=(120, 64)).astype("float32")
labels = np.arange(120) % 2
dense = DenseClassifier(epochs=3, width=(4,), random_state=0)
resampled = Pipeline(
    [
        ("scale", StandardScaler()),
        ("smote", SMOTE(random_state=0)),
        ("dense", clone(dense)),
    ]
)
cnn = CNN1DClassifier(filters=((4,),), epochs=2, random_state=0)

def network(meta):
    import keras
    return keras.Sequential(
        [keras.Input((meta["n_features_in_"],)), keras.layers.Dense(1, "sigmoid")]
    )

of_keras = KerasClassifier(
    network, loss="binary_crossentropy", epochs=2, random_state=0
)

class Kill:
    # Kills, once, the first process that begins its second fit.
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, values):
        log = self.folder / str(os.getpid())
        if values["epoch"] == 0:
            with open(log, "a") as file:
                file.write("began\\n")
        if log.read_text().count("began") > 1:
            try:
                (self.folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                return
            (self.folder / "killed").write_text(log.name)
            os.kill(os.getpid(), signal.SIGKILL)

def search(estimator, grid, **options):
    return GridSearchCV(
        estimator,
        grid,
        scoring=["average_precision", "neg_log_loss"],
        refit=False,
        return_train_score=True,
        error_score="raise",
        **{"cv": 2, **options},
    )

folds = [list(StratifiedKFold(2).split(*rows)) for rows in ((X, y), (series, labels))]
JOBS = [
    (search(dense, {"dropout": [0.0, 0.25]}, cv=folds[0]), X, y),
    (search(resampled, {"dense__learning_rate": [1e-3, 1e-2]}, cv=folds[0]), X, y),
    (search(cnn, {"learning_rate": [1e-3, 1e-2]}, cv=folds[1]), series, labels),
    (search(of_keras, {"batch_size": [32, 64]}, cv=folds[0]), X, y),
]
# What is large and not named here joblib sends to one worker only.
numbers = [part for splits in folds for split in splits for part in split]
SCATTER = [X, y, series, labels, *numbers]

def scores(searching, X, y):
    found = searching.fit(X, y).cv_results_
    return {name: v for name, v in found.items() if "test_" in name or "train_" in name}

def assert_same(found, expected):
    assert found.keys() == expected.keys() and len(found) == 18, list(found)
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], name)

def assert_only_its_own_fits_were_lost(folder, n_fits):
    killed = (folder / "killed").read_text()
    began = {
        log.name: log.read_text().count("began")
        for log in folder.iterdir()
        if log.name != "killed"
    }
    assert began[killed] == 2, began
    # Its second fit is lost, and its first, too, where joblib sent both as one task or
    # the result was still on the worker.
    assert n_fits + 1 <= sum(began.values()) <= n_fits + 2, began
"""


def assert_ends_well(code, tmp_path, seconds=280):
    script = tmp_path / "script.py"
    script.write_text(BEGIN + code)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr[-3_000:]


@pytest.mark.skipif(find_spec("distributed") is None, reason="needs dask[distributed]")
def test_dask_scores_as_one_process_and_sends_rows_once(tmp_path):
    assert_ends_well(
        """
def main():
    from distributed import Client, LocalCluster

    expected = [scores(*job) for job in JOBS]
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two,
        Client(two) as client,
    ):
        submit, sizes = client.submit, []

        def submitted(function, **options):
            sizes.append(len(cloudpickle.dumps((function, options))))
            return submit(function, **options)

        client.submit = submitted
        scatter, sent = client.scatter, []

        def scattered(data, **options):
            sent.append(type(data))
            return scatter(data, **options)

        client.scatter = scattered
        # A task that carries its rows is larger than these.
        wide = np.zeros((len(X), 5_000), "float32")
        wide[:, : X.shape[1]] = X
        assert wide.nbytes > 1e7
        # Equal rows have one name on the workers. A backend for each search would
        # forget them at its end, while they are sent for the next.
        with joblib.parallel_config("dask", scatter=[*SCATTER, wide]):
            for job, alone in zip(JOBS, expected):
                assert_same(scores(*job), alone)
            search(dense, {"epochs": [1]}, cv=folds[0]).fit(wide, y)
        assert 0 < max(sizes) < 100_000, sizes
        assert sent == [list], sent

if __name__ == "__main__":
    main()
""",
        tmp_path,
    )


@pytest.mark.skipif(find_spec("distributed") is None, reason="needs dask[distributed]")
def test_a_killed_worker_of_dask_costs_its_own_fits_only(tmp_path):
    assert_ends_well(
        """
def main():
    import dask
    from distributed import Client, LocalCluster

    # Every two seconds dask would drop copies that no task waits for, until one worker
    # alone has them: perhaps the one that is killed.
    dask.config.set({"distributed.scheduler.active-memory-manager.start": False})
    folder = Path("logs")
    folder.mkdir()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two,
        Client(two),
    ):
        kill = clone(dense).set_params(callbacks=Kill(folder.absolute()))
        grid = {"dropout": [0.0, 0.1, 0.2, 0.3]}
        alone = scores(search(dense, grid, cv=folds[0]), X, y)
        # Workers that have trained before are fast, so that joblib sends several fits
        # at once.
        with joblib.parallel_config("dask", scatter=SCATTER):
            for one in (dense, kill):
                assert_same(scores(search(one, grid, cv=folds[0]), X, y), alone)
        assert_only_its_own_fits_were_lost(folder, 8)

if __name__ == "__main__":
    main()
""",
        tmp_path,
    )
