"""What TensorFlow says about its own start never reaches the user."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from skloss import DenseClassifier, KerasClassifier
from skloss.datasets import make_rare_events
from skloss.training import startup_messages as quiet
from skloss.training.startup_messages import quiet_start

ROOT = Path(__file__).parents[2]
NOISE = (
    b"I0000 00:00:1.5 7 port.cc:153] oneDNN custom operations are on.\n"
    b"E0000 00:00:1.5 7 node_def_util.cc:682] NodeDef mentions attribute "
    b"use_unbounded_threadpool which is not in the op definition\n"
)
ROWS = """
from skloss import CNN1DClassifier, DenseClassifier
from skloss.datasets import make_rare_events
X, y = make_rare_events(1200, random_state=0)
"""
FITS = {
    "xla": "fitted = DenseClassifier(epochs=30, random_state=0).fit(X, y)",
    "eager": "fitted = DenseClassifier(epochs=1, random_state=0).fit(X[-60:], y[-60:])",
    "graph": "fitted = CNN1DClassifier(epochs=9, width=2, random_state=0).fit(X, y)",
    "keras": "fitted = DenseClassifier(epochs=1, optimizer='nadam').fit(X, y)",
}


@pytest.fixture(autouse=True)
def _nothing_started(monkeypatch):
    monkeypatch.setattr(quiet, "_hold", quiet._Hold())
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)


def stderr_of(code):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    return done.stderr


@pytest.mark.parametrize("first", ["xla", "eager"])
def test_fits_of_every_kind_leave_the_standard_error_empty(first):
    kinds = [first, *(kind for kind in FITS if kind != first)]
    code = [ROWS]
    for kind in kinds:
        code += [FITS[kind], f"assert fitted.record_.outcome['program'] == {kind!r}"]
    assert stderr_of("\n".join([*code, "fitted.predict(X)"])) == ""


def test_a_keras_model_of_a_fit_leaves_the_standard_error_empty(tmp_path):
    fitted = DenseClassifier(epochs=1).fit(*make_rare_events(60, random_state=0))
    path = tmp_path / "fitted.pkl"
    path.write_bytes(pickle.dumps(fitted))
    assert (
        stderr_of(f"import pickle; pickle.load(open({str(path)!r}, 'rb')).model_") == ""
    )


def test_only_messages_about_the_start_are_dropped(capfd):
    others = b"E0000 00:00:1.5 7 executor.cc:9] out of memory\na warning of Python\n"
    with quiet_start("part"):
        os.write(2, NOISE + others + NOISE)
    assert capfd.readouterr().err.encode() == others


def test_what_a_callback_says_in_the_first_fit_comes_at_once(capfd):
    import keras

    heard = []

    class Say(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            os.write(2, b"said\n")
            heard.append(capfd.readouterr().err)

    def network():
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])

    X, y = make_rare_events(200, n_features=4, random_state=0)
    classifier = KerasClassifier(network, loss="binary_crossentropy", callbacks=[Say])
    classifier.fit(X, y)
    assert heard == ["said\n"]


def test_only_the_first_use_of_a_part_is_quiet(capfd):
    for _ in range(2):
        with quiet_start("part"):
            os.write(2, NOISE)
    assert capfd.readouterr().err.encode() == NOISE


def test_level_zero_shows_all(capfd, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with quiet_start("part"):
        os.write(2, NOISE)
    assert capfd.readouterr().err.encode() == NOISE


def test_parts_that_start_at_the_same_time_give_the_standard_error_back(capfd):
    one, other = quiet_start("one"), quiet_start("other")
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    os.write(2, NOISE + b"still held back\n")
    assert capfd.readouterr().err == ""
    other.__exit__(None, None, None)
    os.write(2, b"back\n")
    assert capfd.readouterr().err == "still held back\nback\n"


def test_an_error_gives_the_standard_error_back(capfd):
    with pytest.raises(RuntimeError), quiet_start("part"):
        raise RuntimeError
    os.write(2, b"back\n")
    assert capfd.readouterr().err == "back\n"


def test_a_process_without_standard_error_starts_all_the_same(monkeypatch):
    def refuse(number):
        raise OSError("bad file descriptor")

    monkeypatch.setattr(os, "dup", refuse)
    with quiet_start("part"):
        started = True
    assert started
