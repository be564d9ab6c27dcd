"""``skloss search`` that is ended early, and goes on."""

import json
import os
import shutil
import signal

import numpy as np
import pandas as pd
import pytest

from skloss.cli import main
from skloss.search.grid_search import Search

pytestmark = pytest.mark.usefixtures("sketched")


N_FOLDS = 2
GRID = ["--grid", "width=2,3,4,5", "--grid", "epochs=2"]
NAN = float("nan")
N_FITS = 4 * N_FOLDS


ENVIRONMENT = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@pytest.fixture(scope="module", autouse=True)
def _environment():
    """Main sets these for a process of its own; here they must go back."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [160, 40])
    table = pd.DataFrame(rng.normal(size=(200, 3)) + y[:, None], columns=list("abc"))
    table["fraud"] = y
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    table.sample(frac=1, random_state=0).to_csv(path, index=False)
    return path


def options(csv_file, grid=GRID):
    return [
        "search", str(csv_file), "--target", "fraud", "--model", "dense", *grid,
        "--folds", str(N_FOLDS),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def searched(csv_file, tmp_path_factory):
    """Folder of a search that nothing has ended; nobody writes to it."""
    folder = tmp_path_factory.mktemp("searched") / "whole"
    assert main([*options(csv_file), "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def whole(searched, tmp_path):
    """Copy of a folder of a search that nothing has ended."""
    return shutil.copytree(searched, tmp_path / "whole")


@pytest.fixture
def fits(monkeypatch):
    """Candidate and fold of every fit that is made from now on."""
    made, plain = [], Search._fit_and_score

    def fit(self, X, y, candidate, fold, stop):
        made.append((candidate, fold))
        return plain(self, X, y, candidate, fold, stop)

    monkeypatch.setattr(Search, "_fit_and_score", fit)
    return made


def scores(folder):
    """What a search has written, less the seconds that it took."""
    found = pd.read_csv(folder / "results.csv")
    return found.drop(columns=found.filter(like="seconds").columns)


def kept(folder):
    """Candidate and fold of the fits that are kept."""
    path = folder / "fits.jsonl"
    lines = path.read_bytes().split(b"\n")[1:-1] if path.exists() else []
    return [(fit["candidate"], fit["fold"]) for fit in map(json.loads, lines)]


def cut(folder, n_fits, tail=b""):
    """Leave a folder as a process leaves it that was killed after some fits."""
    lines = (folder / "fits.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "fits.jsonl").write_bytes(b"".join(lines[: 1 + n_fits]) + tail)
    (folder / "results.csv").unlink()


# A search that sends itself a signal in a fit, once so many before it are kept.
ENDED = """
import os, signal, time
from pathlib import Path
from skloss.cli import main
from skloss.search.grid_search import Search

made, plain = [], Search._fit_and_score

def fit(*args, **options):
    if len(made) == n_fits:
        while Path(folder, "fits.jsonl").read_bytes().count(b"\\n") <= n_fits:
            time.sleep(0.01)
        os.kill(os.getpid(), number)
    made.append(args)
    return plain(*args, **options)

Search._fit_and_score = fit
signal.signal(signal.SIGINT, signal.default_int_handler)
raise SystemExit(main(words))
"""


@pytest.fixture
def end_early(tensorflow_server, csv_file):
    """Run a search in another process until a signal reaches it in a fit."""

    def run(folder, number, n_fits, grid=GRID):
        folder = str(folder)
        words = [*options(csv_file, grid), "--jobs", "1", "--out", folder]
        told = f"{n_fits=}; number={int(number)}; {folder=}; {words=}"
        return tensorflow_server.run(told + ENDED)

    return run


# ------------------------------------------------------------------- ended by a signal


def test_a_killed_search_goes_on_and_finds_what_a_whole_one_finds(
    csv_file, searched, end_early, tmp_path, fits
):
    folder = tmp_path / "killed"
    ended = end_early(folder, signal.SIGKILL, n_fits=3)
    assert ended.returncode == -signal.SIGKILL
    done = kept(folder)
    assert len(done) == 3
    assert not (folder / "results.csv").exists()
    assert main([*options(csv_file), "--resume", str(folder)]) == 0
    everything = {(c, fold) for c in range(4) for fold in range(N_FOLDS)}
    assert set(fits) == everything - set(done)
    assert len(fits) == len(everything) - len(done)
    pd.testing.assert_frame_equal(scores(folder), scores(searched))
    assert (folder / "curves.png").exists()


def test_ctrl_c_shows_and_writes_what_was_finished(end_early, tmp_path):
    grid = ["--grid", "width=2,3", "--grid", "epochs=2,100000"]
    folder = tmp_path / "interrupted"
    ended = end_early(folder, signal.SIGINT, n_fits=N_FOLDS, grid=grid)
    assert ended.returncode == 130, ended.stderr
    complaints = [line for line in ended.stderr.splitlines() if "cuInit" not in line]
    assert [line for line in complaints if "searching" not in line] == []
    assert "1 of 4 candidates and 2 of 8 fits are finished" in ended.stdout
    assert "MCC" in ended.stdout
    assert len(pd.read_csv(folder / "results.csv")) == 1
    assert kept(folder) == [(0, 0), (0, 1)]


def test_ctrl_c_while_the_page_is_written_says_what_is_there(
    csv_file, whole, capsys, monkeypatch
):
    def press(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("skloss.search.command.write_page", press)
    capsys.readouterr()
    assert main([*options(csv_file), "--resume", str(whole)]) == 130
    out, err = capsys.readouterr()
    assert "Interrupted: 4 of 4 candidates and 8 of 8 fits are finished" in out
    assert "Wrote curves.png, model.safetensors and results.csv to" in out
    assert "before anything" not in err
    assert not (whole / "report.html").exists()
    assert len(scores(whole)) == 4


def test_a_disk_that_fills_up_leaves_the_old_results(
    csv_file, whole, capsys, monkeypatch
):
    before = {path.name: path.read_bytes() for path in whole.iterdir()}

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main([*options(csv_file), "--resume", str(whole)]) == 3
    assert "results.csv: No space left on device" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == before


# --------------------------------------------------------------------------- going on


@pytest.mark.parametrize("tail", [b"", b'{"candidate": 2, "fo'], ids=["", "torn line"])
def test_only_what_is_missing_is_fitted(tail, csv_file, whole, capsys, fits):
    expected = scores(whole)
    cut(whole, 3, tail)
    done = kept(whole)
    assert main([*options(csv_file), "--resume", str(whole)]) == 0
    assert "finished fits: 3" in capsys.readouterr().out
    assert len(fits) == N_FITS - 3
    assert not set(fits) & set(done)
    assert sorted(kept(whole)) == sorted([*fits, *done])
    pd.testing.assert_frame_equal(scores(whole), expected)


def test_a_search_that_was_whole_trains_its_winner_only(csv_file, whole, fits):
    expected = scores(whole)
    (whole / "curves.png").unlink()
    assert main([*options(csv_file), "--resume", str(whole)]) == 0
    assert fits == []
    assert (whole / "curves.png").exists()
    pd.testing.assert_frame_equal(scores(whole), expected)


def test_the_number_of_jobs_may_change(csv_file, whole, fits):
    expected = scores(whole)
    cut(whole, 5)
    assert main([*options(csv_file), "--jobs", "1", "--resume", str(whole)]) == 0
    assert len(fits) == N_FITS - 5
    pd.testing.assert_frame_equal(scores(whole), expected)


def test_fits_that_failed_are_kept_too(csv_file, tmp_path, capsys, fits):
    grid = ["--grid", "epochs=1", "--grid", "dropout=0,1.2"]
    folder = tmp_path / "found"
    assert main([*options(csv_file, grid), "--out", str(folder)]) == 0
    fits.clear()
    assert main([*options(csv_file, grid), "--resume", str(folder)]) == 0
    assert fits == []
    assert "2 fits failed" in capsys.readouterr().out


CHANGES = {
    "rows": ([], "different rows and different folds"),
    "grid": (["--grid", "dropout=0"], "a different grid"),
    "sampler": (["--sampler", "none"], "different options of the network"),
    "folds": (["--folds", "3"], "different folds"),
    "seed": (["--seed", "1"], "different options of the network and different folds"),
}


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=list(CHANGES))
def test_another_search_is_refused_in_one_sentence(
    change, words, csv_file, tmp_path, capsys, monkeypatch
):
    folder = begun(csv_file, tmp_path, monkeypatch)
    if not change:
        frame = pd.read_csv(csv_file)[::-1]
        csv_file = tmp_path / "other.csv"
        frame.to_csv(csv_file, index=False)
    before = (folder / "fits.jsonl").read_bytes()
    capsys.readouterr()
    assert main([*options(csv_file), *change, "--resume", str(folder)]) == 2
    refusal = capsys.readouterr().err
    assert f"its fits were made with {words};" in refusal
    assert refusal.count("\n") == 1
    assert (folder / "fits.jsonl").read_bytes() == before


def begun(csv_file, tmp_path, monkeypatch):
    """Folder of a search that was ended after its first fit, which is made up."""
    from skloss.search.grid_search import FoldResult, SearchResult

    def run(self, X, y, *, pool, kept, on_fit, on_refit):
        on_fit(FoldResult(0, 0, {}, "made up"))
        result = SearchResult(list(self.candidates), len(self.splits))
        result.is_interrupted = True
        return result

    folder = tmp_path / "begun"
    with monkeypatch.context() as patch:
        patch.setattr(Search, "run", run)
        assert main([*options(csv_file), "--out", str(folder)]) == 130
    return folder


def test_fits_of_another_version_are_refused(csv_file, tmp_path, capsys, monkeypatch):
    folder = begun(csv_file, tmp_path, monkeypatch)
    monkeypatch.setattr("skloss.__version__", "0.0.1")
    assert main([*options(csv_file), "--resume", str(folder)]) == 2
    assert "were made with another version of skloss;" in capsys.readouterr().err


def test_a_folder_without_fits_is_refused(csv_file, tmp_path, capsys):
    folder = tmp_path / "nowhere"
    assert main([*options(csv_file), "--resume", str(folder)]) == 2
    refusal = capsys.readouterr().err
    assert "it has no readable fits.jsonl of a search" in refusal
    assert refusal.count("\n") == 1
    assert not folder.exists()


def changed_fit(change):
    def write(line):
        fit = json.loads(line)
        fit.update(change)
        return json.dumps(fit).encode()

    return write


TAMPERED = {
    "no JSON": lambda line: b"{",
    "a list": lambda line: b"[1]",
    "deep": lambda line: b"[" * 100_000,
    "long number": lambda line: b'{"candidate": ' + b"1" * 5_000 + b"}",
    "candidate": changed_fit({"candidate": 99}),
    "negative candidate": changed_fit({"candidate": -1}),
    "boolean candidate": changed_fit({"candidate": True}),
    "text as fold": changed_fit({"fold": "0"}),
    "fold": changed_fit({"fold": N_FOLDS}),
    "parameters": changed_fit({"params": {"dense__width": 1_000}}),
    "no scores": changed_fit({"scores": {}}),
    "few scores": changed_fit({"scores": {"mcc": 1.0}}),
    "text as scores": changed_fit({"scores": "high"}),
    "score of text": changed_fit(
        {"scores": dict.fromkeys(["mcc", "f1", "accuracy", "majority", "seconds"], "1")}
    ),
    "NaN": changed_fit(
        {"scores": dict.fromkeys(["mcc", "f1", "accuracy", "majority", "seconds"], NAN)}
    ),
    "text as probability": changed_fit({"probability": ["0.5"] * 100}),
    "few probabilities": changed_fit({"probability": [0.5]}),
    "no finite probability": changed_fit({"probability": [NAN] * 100}),
    "number as error": changed_fit({"error": 1}),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=list(TAMPERED))
def test_a_tampered_file_of_fits_is_refused_in_one_sentence(
    change, csv_file, whole, capsys, fits
):
    path = whole / "fits.jsonl"
    lines = path.read_bytes().splitlines()
    lines[2] = change(lines[2])
    path.write_bytes(b"\n".join([*lines, b""]))
    capsys.readouterr()
    assert main([*options(csv_file), "--resume", str(whole)]) == 2
    refusal = capsys.readouterr().err
    assert "line 3 of fits.jsonl is not a fit of this search" in refusal
    assert refusal.count("\n") == 1
    assert fits == []


def test_out_and_resume_exclude_each_other(csv_file, capsys):
    assert main([*options(csv_file), "--out", "a", "--resume", "b"]) == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_beginning_anew_says_what_it_leaves_unused(
    csv_file, tmp_path, capsys, monkeypatch
):
    folder = begun(csv_file, tmp_path, monkeypatch)
    assert "very search" not in capsys.readouterr().out
    monkeypatch.setattr(Search, "run", lambda *args, **options: 1 / 0)
    assert main([*options(csv_file), "--out", str(folder)]) == 4
    assert "finished fits of this search in" in capsys.readouterr().out
    # Nothing is lost before the new search has a fit of its own.
    assert kept(folder) == [(0, 0)]


def test_a_disk_that_is_full_is_refused_in_one_sentence(
    csv_file, tmp_path, capsys, monkeypatch
):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main([*options(csv_file), "--out", str(tmp_path)]) == 3
    refusal = capsys.readouterr().err
    assert "fits.jsonl: No space left on device; free space" in refusal
    assert "Traceback" not in refusal
