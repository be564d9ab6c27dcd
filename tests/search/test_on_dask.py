"""``skloss search`` on workers of dask finds what one process finds, and is resumed."""

import os
import subprocess
import sys
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

# A program of its own, since worker processes import what is main.
PROGRAM = """\
import cloudpickle, shutil, sys
from pathlib import Path
import numpy as np

OPTIONS = {options}

def main():
    from distributed import Client, LocalCluster
    from skloss import DenseClassifier
    from skloss.cli import main as skloss
    from skloss.search.grid_search import Search
    from skloss.search.on_dask import DaskPool

    assert skloss([*OPTIONS, "--out", "alone"]) == 0
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as two:
        there = ["--backend", "dask", "--address", two.scheduler_address]
        assert skloss([*OPTIONS, *there, "--out", "there"]) == 0

        # Three fits and a half, as a killed process leaves them.
        shutil.copytree("there", "half")
        whole = Path("half/fits.jsonl").read_text()
        lines = whole.splitlines(keepends=True)
        Path("half/fits.jsonl").write_text("".join(lines[:4]) + lines[4][:9])

        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(300, 10_000)).astype("float32"), np.arange(300) % 2
        assert X.nbytes > 1e7
        splits = [(np.arange(150), np.arange(150, 300))]
        with Client(two) as client:
            submit, sizes = client.submit, []

            def submitted(*args, **options):
                sizes.append(len(cloudpickle.dumps((args, options))))
                return submit(*args, **options)

            client.submit = submitted
            one = DenseClassifier(width=2, epochs=1, random_state=0)
            search = Search(one, [{{"l2": 0.0}}, {{"l2": 0.1}}], splits)
            search.baselines = {{"the same": one}}
            found = search.run(X, y, pool=DaskPool(client))
            assert len(found.ranking) == 2 and found.baselines, found.errors
            assert len(sizes) == 3 and max(sizes) < 10_000, sizes

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
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def scores(folder):
    table = pd.read_csv(f"{folder}/results.csv")
    return table.loc[:, ~table.columns.str.contains("seconds")]


@pytest.mark.skipif(find_spec("distributed") is None, reason="needs dask[distributed]")
def test_dask_finds_what_one_process_finds_and_another_one_resumes(rows):
    Path("program.py").write_text(PROGRAM.format(options=OPTIONS))
    run("program.py")
    pd.testing.assert_frame_equal(scores("there"), scores("alone"), check_exact=True)
    told = run("-m", "skloss", *OPTIONS, "--resume", "half")
    assert "finished fits: 3" in told
    pd.testing.assert_frame_equal(scores("half"), scores("alone"), check_exact=True)


@pytest.mark.skipif(find_spec("distributed") is None, reason="needs dask[distributed]")
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
