"""What the command line says, and its exit status, if something outside goes wrong."""

import builtins
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from skloss import __main__
from skloss.cli import main
from skloss.search.grid_search import SCORES, FoldResult, SearchResult
from skloss.search.search_output import print_table

pytestmark = pytest.mark.usefixtures("sketched")


ROOT = Path(__file__).parents[1]
LOG = "epoch,loss,val_loss\n0,0.7,0.7\n1,0.6,0.65\n2,0.5,0.6\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


def run(capsys, *args):
    code = main([*map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


def skloss(*args, **options):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "skloss", *map(os.fspath, args)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        timeout=120,
        **options,
    )


def full(number):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# ------------------------------------------------------------------------- exit status


def test_a_page_that_cannot_be_written_has_a_status_of_its_own(
    log, tmp_path, capsys, monkeypatch
):
    page = tmp_path / "page.html"
    page.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    code, out, err = run(capsys, "report", log, "--out", page)
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "No space left on device" in err
    assert page.read_text() == "old"


@pytest.mark.parametrize(
    "out", ["~nosuchuser/page.html", "/proc/page.html", "nowhere/page.html"]
)
def test_a_place_that_does_not_exist_is_said_in_one_sentence(out, log, capsys):
    code, _, err = run(capsys, "report", log, "--out", out)
    assert code == 3
    assert out in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
@pytest.mark.parametrize("args", [["rules"], ["diagnose", "log.csv"]])
def test_output_that_cannot_be_written_is_no_finding(args, log):
    args = [log if arg == "log.csv" else arg for arg in args]
    with open("/dev/full", "wb") as out:
        done = skloss(*args, stdout=out)
    assert done.returncode == 3
    assert done.stderr.decode() == (
        "skloss: error: cannot write the output: No space left on device\n"
    )


def test_a_fault_of_ours_is_no_finding_either(log, capsys, monkeypatch):
    monkeypatch.setattr("skloss.readers.diagnose", lambda path: 1 / 0)
    code, _, err = run(capsys, "diagnose", log)
    assert code == 4
    assert "ZeroDivisionError" in err
    assert err.endswith("this is a fault of skloss; please report it\n")


@pytest.mark.parametrize("command", ["diagnose", "report"])
def test_a_pipe_or_a_folder_is_refused(command, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe or a device" in run(capsys, command, tmp_path / "pipe")[2]
    assert "a pipe or a device" in run(capsys, command, os.devnull)[2]
    code, _, err = run(capsys, command, tmp_path)
    assert "a folder" in err
    assert code == 2


# -------------------------------------------------------------------------- characters


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are text")
def test_a_name_that_is_no_utf_8_can_be_read_written_and_shown(log, tmp_path):
    name = os.fsdecode(b"bad\xff")
    log.rename(tmp_path / f"{name}.csv")
    page = tmp_path / f"{name}.html"
    done = skloss("report", tmp_path / f"{name}.csv", "--out", page, stdout=-1)
    assert done.returncode == 0, done.stderr
    assert b"bad\\udcff.html" in done.stdout
    page.read_text(encoding="utf-8")


def test_a_terminal_of_ascii_gets_ascii(log, tmp_path):
    name = log.rename(tmp_path / "größe.csv")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    page = tmp_path / "größe.html"
    done = skloss("report", name, "--out", page, stdout=-1, env=environment)
    assert done.returncode == 0, done.stderr
    assert rb"gr\xf6\xdfe.html" in done.stdout
    done = skloss("rules", "linear-stack", stdout=-1, env=environment)
    assert done.returncode == 0
    done.stdout.decode("ascii")


# ------------------------------------------------------------------------------ Ctrl-C


def test_ctrl_c_while_the_command_line_is_imported_gives_one_sentence(
    monkeypatch, capsys
):
    plain = builtins.__import__

    def interrupt(name, *args, **options):
        if name == "skloss.cli":
            raise KeyboardInterrupt
        return plain(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", interrupt)
    assert __main__.run() == 130
    err = capsys.readouterr().err
    assert err == "skloss: interrupted before anything was finished\n"


# ------------------------------------------------------------------------ did you mean


WRONG = {
    "command": (["serch"], "did you mean 'search'?"),
    "model": (["search", "--model", "dens"], "did you mean 'dense'?"),
    "far model": (["search", "--model", "foo"], "(choose from 'cnn1d', 'dense')"),
    "option": (["search", "--targt", "y"], "did you mean '--target'?"),
    "option of another": (["diagnose", "x", "--verbos"], None),
    "rule": (["rules", "linear-stak"], "did you mean 'linear-stack'?"),
}


@pytest.mark.parametrize(("args", "words"), WRONG.values(), ids=list(WRONG))
def test_a_misspelt_word_names_its_neighbor(args, words, capsys):
    code, _, err = run(capsys, *args)
    assert code == 2
    assert err.count("\n") == 1
    if words is not None:
        assert words.replace("'", "") in err.replace("'", "")


# ----------------------------------------------------------------------- narrow tables


def found(n_candidates=3, n_folds=3):
    candidates = [
        {
            "dense__dropout": 0.25,
            "dense__learning_rate": 10.0**-number,
            "dense__activation": ("relu", "tanh")[number % 2],
            "dense__width": (64, 32, 16)[: number + 1],
        }
        for number in range(n_candidates)
    ]
    rng = np.random.default_rng(0)
    folds = {
        (c, f): FoldResult(c, f, dict(zip(SCORES, rng.random(5), strict=True)))
        for c in range(n_candidates)
        for f in range(n_folds)
    }
    return SearchResult(candidates, n_folds, folds)


@pytest.mark.parametrize("width", [60, 80, 110, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_whatever_the_width_names_and_spreads_are_whole(width, encoding, tmp_path):
    path = tmp_path / "shown"
    with path.open("w", encoding=encoding) as stream:
        print_table(Console(file=stream, width=width), found())
    shown = path.read_text(encoding=encoding)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    sign = "±" if encoding == "utf-8" else "+-"
    result = found()
    for candidate in range(3):
        values = result.values(candidate, "mcc")
        assert f"{values.mean():.2f} {sign} {values.std():.2f}" in shown
        assert str(result.candidates[candidate]["dense__learning_rate"]) in shown
    assert "learning_rate" in shown
    assert "dropout" in shown
    everything = ("MCC", "F1", "accuracy", "majority", "seconds")
    words = " ".join(shown.split())
    if width >= 110:
        assert all(title in words for title in everything)
        assert "No room" not in words
    elif width <= 60:
        assert "All candidates: dropout=0.25" in words
        assert "No room for: " in words


def test_in_a_very_narrow_table_names_are_broken_and_scores_are_not(tmp_path):
    path = tmp_path / "shown"
    with path.open("w", encoding="utf-8") as stream:
        print_table(Console(file=stream, width=40), found())
    values = found().values(0, "mcc")
    assert f"{values.mean():.2f} ± {values.std():.2f}" in path.read_text("utf-8")
