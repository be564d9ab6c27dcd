"""What is shown while something trains, and scikit-learn's callbacks."""

import io
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import rich
from rich.console import Console

import skloss.live_progress
from skloss import DenseClassifier
from skloss.datasets import make_rare_events
from skloss.live_progress import Progress

X, y = make_rare_events(400, random_state=0)


def dense(**options):
    return DenseClassifier(**{"width": 3, "epochs": 3, "random_state": 0} | options)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told to go."""
    clock = SimpleNamespace(now=100.0)
    fake = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(skloss.live_progress, "time", fake)
    return clock


def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def page():
    """No terminal."""
    return Console(file=io.StringIO(), force_terminal=False, width=20)


def lines(console):
    return console.file.getvalue().splitlines()


# ----------------------------------------------------------------------------- a fit


def test_a_fit_is_silent_by_default(capfd):
    dense().fit(X, y)
    assert capfd.readouterr().out == ""


def test_verbose_two_writes_a_line_an_epoch(capsys):
    dense(verbose=2).fit(X, y)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in shown] == [
        "epoch 1 of 3",
        "epoch 2 of 3",
        "epoch 3 of 3",
    ]
    assert all("val_loss" in line and "val_mcc" in line for line in shown)


@pytest.mark.parametrize(
    ("fraction", "curve", "label"),
    [(0.1, "val_mcc", "validation MCC"), (None, "mcc", "MCC")],
    ids=["held out", "nothing held out"],
)
def test_verbose_one_writes_one_line_of_a_short_fit(fraction, curve, label, capsys):
    classifier = dense(verbose=1, validation_fraction=fraction).fit(X, y)
    curves = classifier.history_
    line = (
        f"DenseClassifier: epoch 3 of 3, loss {curves['loss'][-1]:.4f}, "
        f"{label} {curves[curve][-1]:.4f}, in "
    )
    shown = capsys.readouterr().out
    assert shown.startswith(line)
    assert re.fullmatch(r"0:\d\d\n", shown.removeprefix(line))


def test_a_terminal_has_one_live_line_and_its_cursor_back(monkeypatch):
    console, stdout = terminal(), sys.stdout
    monkeypatch.setattr(rich, "get_console", lambda: console)
    dense(verbose=1, epochs=20).fit(X, y)
    shown = console.file.getvalue()
    assert shown.count("\n") == 1
    assert "epoch 20 of 20" in shown.split("\n")[0]
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert sys.stdout is stdout


def test_a_fit_that_fails_gives_the_terminal_back(monkeypatch):
    console = terminal()
    monkeypatch.setattr(rich, "get_console", lambda: console)

    def fail(row):
        raise RuntimeError("of a callback")

    with pytest.raises(RuntimeError, match="of a callback"):
        dense(verbose=1, callbacks=fail).fit(X, y)
    assert console.file.getvalue().rstrip().endswith("\x1b[?25h")
    with Progress(console, "next: fit", 1) as progress:
        assert progress._live is not None


def test_what_is_shown_changes_no_weight(capsys):
    silent = dense().fit(X, y)
    for verbose in (1, 2):
        shown = dense(verbose=verbose).fit(X, y)
        for one, other in zip(silent.weights_, shown.weights_, strict=True):
            np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------------- its parts


def test_where_there_is_no_terminal_a_line_comes_every_ten_seconds(clock):
    console = page()
    with Progress(console, "fit", 100) as progress:
        for _ in range(25):
            clock.now += 1.0
            progress.advance(", loss 0.5")
    assert lines(console) == [
        "fit 10 of 100, loss 0.5, 1:30 left",
        "fit 20 of 100, loss 0.5, 1:20 left",
        "fit 25 of 100, loss 0.5, in 0:25",
    ]


def test_the_last_line_is_not_repeated(clock):
    console = page()
    with Progress(console, "fit", 2) as progress:
        for _ in range(2):
            clock.now += 3600.0
            progress.advance()
    assert lines(console) == ["fit 1 of 2, 1:00:00 left", "fit 2 of 2, in 2:00:00"]


def test_before_the_first_one_the_live_line_shows_the_time_so_far(clock):
    console = terminal()
    with Progress(console, "fit", 2) as progress:
        clock.now += 7.0
        progress._live.refresh()
        assert console.file.getvalue().endswith("fit 0 of 2, 0:07 so far")


def test_nothing_done_writes_nothing():
    console = page()
    with Progress(console, "fit", 2):
        pass
    assert lines(console) == []


def test_what_was_done_before_says_nothing_about_the_time_left(clock):
    with Progress(page(), "fit", 100, done=90) as progress:
        assert progress.seconds_left() is None
        clock.now += 5.0
        progress.advance()
        assert progress.seconds_left() == pytest.approx(9 * 5.0)


def test_a_slow_start_is_forgotten(clock):
    with Progress(page(), "epoch", 50) as progress:
        for seconds in (20.0, *[1.0] * 9):
            clock.now += seconds
            progress.advance()
        assert progress.seconds_left() == pytest.approx(40.0)


def test_the_first_epoch_says_nothing_about_the_time_left(clock):
    with Progress(page(), "epoch", 10, n_slow=1) as progress:
        clock.now += 60.0
        progress.advance()
        assert progress.seconds_left() is None
        clock.now += 2.0
        progress.advance()
        assert progress.seconds_left() == pytest.approx(8 * 2.0)


def test_the_time_left_runs_down_between_two_steps(clock):
    with Progress(page(), "fit", 3) as progress:
        clock.now += 10.0
        progress.advance()
        clock.now += 4.0
        assert progress.seconds_left() == pytest.approx(16.0)
        clock.now += 400.0
        assert progress.seconds_left() == 0.0


def test_only_one_of_two_jobs_has_the_live_line(clock):
    console = terminal()
    with Progress(console, "first", 1) as first, Progress(console, "second", 1) as then:
        assert first._live is not None
        assert then._live is None
        then.advance()
    assert sum("second 1 of 1" in line for line in lines(console)) == 1
    with Progress(console, "third", 1) as third:
        assert third._live is not None


def test_a_worker_process_writes_lines(monkeypatch):
    worker = SimpleNamespace(name="LokyProcess-1")
    monkeypatch.setattr(skloss.live_progress, "current_process", lambda: worker)
    console = terminal()
    with Progress(console, "fit", 1) as progress:
        progress.advance()
    assert lines(console) == ["fit 1 of 1, in 0:00"]


def test_a_bar_shows_the_share_that_is_done():
    console = terminal()
    with Progress(console, "fit", 4, done=2, has_bar=True) as progress:
        progress.advance()
        progress.advance()
    assert "━" * 20 in console.file.getvalue()


def test_details_within_a_step_are_told_at_most_every_ten_seconds(clock):
    console = page()
    with Progress(console, "training: epoch", 2) as progress:
        for percent in range(0, 100, 10):
            clock.now += 4
            progress.tell(f", {percent}% of a pass")
        progress.advance(", loss 0.5000")
    shown = lines(console)
    assert shown[0] == "training: epoch 0 of 2, 20% of a pass, 0:12 so far"
    assert [line.split(",")[1] for line in shown[1:3]] == [
        " 50% of a pass",
        " 80% of a pass",
    ]
    assert shown[-1] == "training: epoch 1 of 2, loss 0.5000, in 0:40"
