"""``skloss search`` on workers of dask or ray finds what one process finds."""

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skloss.cli import main

ROOT = Path(__file__).parents[2]
OPTIONS = [
    "search", "rows.csv", "--target", "fraud", "--model", "dense", "--folds", "2",
    "--grid", "width=2,3", "--grid", "epochs=2",
]  # fmt: skip

# Programs of their own, since worker processes import what is main.
CLUSTERS = """\
from contextlib import contextmanager

@contextmanager
def dask():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two:
        yield two.scheduler_address

@contextmanager
def ray():
    from ray.cluster_utils import Cluster

    two = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    try:
        yield two.address
    finally:
        two.shutdown()
"""
SEARCH = """
import sys

def main(backend, *options):
    from skloss.cli import main as skloss

    with globals()[backend]() as address:
        there = ["--backend", backend, "--address", address, "--out", "there"]
        assert skloss([*options, *there]) == 0

if __name__ == "__main__":
    main(*sys.argv[1:])
"""
# What a fit does to its process stands in the parameter of its candidate.
DEADLY = """
import os, signal, sys
from pathlib import Path

import cloudpickle
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from skloss.search import clusters
from skloss.search.grid_search import Search
from skloss.search.plan import SearchError

LOG = Path("log").absolute()
FLAG = Path("killed").absolute()

class Deadly(ClassifierMixin, BaseEstimator):
    def __init__(self, kills="never", number=0):
        self.kills = kills
        self.number = number

    def fit(self, X, y):
        with LOG.open("a") as log:
            log.write(f"{os.getpid()} {self.number} {X[0, 0]} {len(X)}\\n")
        if self.kills == "always" or (self.kills == "once" and not FLAG.exists()):
            FLAG.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        self.classes_ = np.unique(y)
        self.threshold_ = X.mean() + 0.01 * self.number
        return self

    def predict(self, X):
        return self.classes_[(X.mean(axis=1) > self.threshold_).astype(int)]

rng = np.random.default_rng(0)
X, y = rng.normal(size=(300, 10_000)).astype("float32"), np.arange(300) % 2
assert X.nbytes > 1e7
splits = [(np.arange(150), np.arange(150, 300)), (np.arange(150, 300), np.arange(150))]

def searched(kills, pool=None, on_fit=lambda done: None):
    candidates = [{"number": n} for n in range(3)] + [{"number": 3, "kills": kills}]
    search = Search(Deadly(), candidates, splits, baselines={"same": Deadly(number=9)})
    found = search.run(X, y, pool=pool, on_fit=on_fit)
    scores = [found.values(n, name) for n in range(4) for name in ("mcc", "f1")]
    return np.array(scores), [fold.scores["mcc"] for fold in found.baselines["same"]]
"""
KILL = """
def main(backend):
    alone = searched("never")
    LOG.unlink()
    sizes, values, ended = [], [], []
    with getattr(clusters, f"{backend}_pool")(None, 2) as pool:
        send, submit = pool._send, pool._submit

        def sent(value):
            values.append(value)
            return send(value)

        def submitted(*args):
            sizes.append(len(cloudpickle.dumps(args)))
            return submit(*args)

        pool._send, pool._submit = sent, submitted
        for there, here in zip(searched("once", pool, ended.append), alone):
            np.testing.assert_array_equal(there, here)
    assert len(ended) == 10
    assert max(sizes) < 10_000, sizes

    assert len(values) == 1

    # Only fits of the worker that was killed were repeated.
    fits = [tuple(line.split()) for line in LOG.read_text().splitlines()]
    assert len(fits) > 10
    for what in {f[1:] for f in fits}:
        *lost, _ = [pid for pid, *rest in fits if tuple(rest) == what]
        assert set(lost) <= {FLAG.read_text()}, fits

    if backend == "dask":
        import dask

        dask.config.set({"distributed.scheduler.allowed-failures": 0})
    try:
        with getattr(clusters, f"{backend}_pool")(None, 2) as pool:
            searched("always", pool)
    except SearchError as error:
        assert "A fit has ended several workers" in str(error), error
        assert "--resume" in str(error)
    else:
        raise AssertionError("no error")

if __name__ == "__main__":
    main(*sys.argv[1:])
"""
# dask gives a worker up that is not back within some seconds: here always.
KILL_THE_ONLY_ONE = """
def main():
    import dask

    dask.config.set({"distributed.deploy.lost-worker-timeout": "100ms"})
    alone = searched("never")
    with clusters.dask_pool(None, 1) as pool:
        for there, here in zip(searched("once", pool), alone):
            np.testing.assert_array_equal(there, here)
    assert FLAG.exists()

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [160, 40])
    table = pd.DataFrame(rng.normal(size=(200, 3)) + y[:, None], columns=list("abc"))
    table["fraud"] = y
    table.sample(frac=1, random_state=0).to_csv("rows.csv", index=False)


def run(program, *arguments):
    Path("program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3_000:]


def scores(folder):
    table = pd.read_csv(f"{folder}/results.csv")
    return table.loc[:, ~table.columns.str.contains("seconds")]


def skip_without(backend):
    if find_spec({"dask": "distributed"}.get(backend, backend)) is None:
        pytest.skip(f"needs {backend}")


def configured(options):
    """Settings of dask for a while."""
    import dask
    import distributed  # noqa: F401 - else its own settings come and go with these

    return dask.config.set(options)


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_cluster_finds_what_one_process_finds_and_another_one_resumes(
    rows, capsys, backend
):
    skip_without(backend)
    run(CLUSTERS + SEARCH, backend, *OPTIONS)
    assert main([*OPTIONS, "--out", "alone"]) == 0
    pd.testing.assert_frame_equal(scores("there"), scores("alone"), check_exact=True)

    # Three fits and a half, as a killed process leaves them.
    shutil.copytree("there", "half")
    lines = Path("half/fits.jsonl").read_text().splitlines(keepends=True)
    Path("half/fits.jsonl").write_text("".join(lines[:4]) + lines[4][:9])
    capsys.readouterr()
    assert main([*OPTIONS, "--resume", "half"]) == 0
    assert "finished fits: 3" in capsys.readouterr().out
    pd.testing.assert_frame_equal(scores("half"), scores("alone"), check_exact=True)


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_killed_worker_costs_its_own_fits_and_rows_travel_once(
    tmp_path, monkeypatch, backend
):
    skip_without(backend)
    monkeypatch.chdir(tmp_path)
    # dask lets go of copies that no fit waits for, every two seconds if it is not told.
    monkeypatch.setenv(
        "DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__INTERVAL", "20ms"
    )
    run(DEADLY + KILL, backend)


def test_the_only_worker_of_dask_is_replaced_though_it_starts_slowly(
    tmp_path, monkeypatch
):
    skip_without("dask")
    monkeypatch.chdir(tmp_path)
    run(DEADLY + KILL_THE_ONLY_ONE)


def test_workers_that_do_not_start_are_one_sentence(rows, capsys):
    skip_without("dask")
    with configured({"distributed.worker.preload": ["no_such_module"]}):
        assert main([*OPTIONS, "--backend", "dask", "--jobs", "1"]) == 2
    told = capsys.readouterr().err
    assert "Workers of dask do not start on this machine" in told


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_cluster_that_is_not_there_is_one_sentence(rows, capsys, backend):
    skip_without(backend)
    soon = {"distributed.comm.timeouts.connect": "1s"}
    with configured(soon) if backend == "dask" else nullcontext():
        assert main([*OPTIONS, "--backend", backend, "--address", "127.0.0.1:1"]) == 2
    told = capsys.readouterr().err
    assert f"No cluster of {backend} answers at 127.0.0.1:1" in told


def test_an_address_needs_a_cluster(rows, capsys):
    assert main([*OPTIONS, "--address", "127.0.0.1:1"]) == 2
    assert "add --backend dask, or ray" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("backend", "module"), [("dask", "distributed"), ("ray", "ray")]
)
def test_a_package_that_is_missing_is_said(rows, capsys, monkeypatch, backend, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert main([*OPTIONS, "--backend", backend]) == 2
    assert f'pip install "skloss[{backend}]"' in capsys.readouterr().err
