"""``skloss search`` on workers of dask finds what one process finds, and is resumed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from skloss.cli import main
from skloss.search.grid_search import Search
from skloss.search.on_dask import DaskPool

needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="needs dask[distributed]"
)
ROOT = Path(__file__).parents[2]
OPTIONS = [
    "search", "rows.csv", "--target", "fraud", "--model", "dense", "--folds", "2",
    "--grid", "width=2,3", "--grid", "epochs=2",
]  # fmt: skip

# A program of its own, since worker processes import what is main.
PROGRAM = """\
import shutil
from pathlib import Path

OPTIONS = {options}

def main():
    from distributed import LocalCluster
    from skloss.cli import main as skloss

    assert skloss([*OPTIONS, "--out", "alone"]) == 0
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two:
        there = ["--backend", "dask", "--address", two.scheduler_address]
        assert skloss([*OPTIONS, *there, "--out", "there"]) == 0

        # Three fits and a half, as a killed process leaves them.
        shutil.copytree("there", "half")
        whole = Path("half/fits.jsonl").read_text()
        lines = whole.splitlines(keepends=True)
        Path("half/fits.jsonl").write_text("".join(lines[:4]) + lines[4][:9])

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


def run(*command):
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def scores(folder):
    table = pd.read_csv(f"{folder}/results.csv")
    return table.loc[:, ~table.columns.str.contains("seconds")]


@needs_dask
@pytest.mark.timeout(550)  # five processes import TensorFlow
def test_dask_finds_what_one_process_finds_and_another_one_resumes(rows):
    Path("program.py").write_text(PROGRAM.format(options=OPTIONS))
    run("program.py")
    pd.testing.assert_frame_equal(scores("there"), scores("alone"), check_exact=True)
    told = run("-m", "skloss", *OPTIONS, "--resume", "half")
    assert "finished fits: 3" in told
    pd.testing.assert_frame_equal(scores("half"), scores("alone"), check_exact=True)


@needs_dask
@pytest.mark.filterwarnings("ignore")  # what dask warns of is its own affair
def test_rows_travel_once(monkeypatch):
    from distributed import Client

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 10_000)).astype("float32"), np.arange(300) % 2
    assert X.nbytes > 1e7
    splits = [(np.arange(150), np.arange(150, 300))]
    one = LogisticRegression(max_iter=2)
    search = Search(one, [{"C": 0.1}, {"C": 1.0}], splits, baselines={"same": one})
    scattered, sizes = [], []
    with Client(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as client:
        submit, scatter = client.submit, client.scatter

        def submitted(*args, **options):
            sizes.append(len(cloudpickle.dumps((args, options))))
            return submit(*args, **options)

        def sent(data, **options):
            scattered.append(data)
            return scatter(data, **options)

        monkeypatch.setattr(client, "submit", submitted)
        monkeypatch.setattr(client, "scatter", sent)
        found = search.run(X, y, pool=DaskPool(client))
    alone = search.run(X, y)
    assert len(scattered) == 1
    assert len(sizes) == 3
    assert max(sizes) < 10_000
    for score in ("mcc", "f1"):
        values = [result.values(0, score) for result in (found, alone)]
        np.testing.assert_array_equal(*values)
    assert found.baselines["same"][0].scores["mcc"] == found.values(1, "mcc")[0]


@needs_dask
def test_a_scheduler_that_is_not_there_is_one_sentence(rows, capsys):
    options = [*OPTIONS, "--backend", "dask", "--address", "127.0.0.1:1"]
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert main(options) == 2
    told = capsys.readouterr().err
    assert "No scheduler of dask answers at 127.0.0.1:1" in told


def test_an_address_needs_dask(rows, capsys):
    assert main([*OPTIONS, "--address", "127.0.0.1:1"]) == 2
    assert "add --backend dask" in capsys.readouterr().err


def test_a_package_that_is_missing_is_said(rows, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*OPTIONS, "--backend", "dask"]) == 2
    assert 'pip install "skloss[dask]"' in capsys.readouterr().err
