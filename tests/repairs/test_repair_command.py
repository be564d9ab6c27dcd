"""``skloss repair``, by what it prints and writes."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_circles

from skloss import DenseClassifier
from skloss.cli import main


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X, y = make_circles(240, noise=0.1, factor=0.5, random_state=0)
    path = tmp_path_factory.mktemp("repair") / "rings.csv"
    frame = pd.DataFrame(X, columns=["a", "b"]).round(4)
    frame.assign(ring=np.where(y == 1, "in", "out")).to_csv(path, index=False)
    return path


def run(capsys, *args):
    code = main(["repair", *map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


LINEAR = ("--set", "activation=linear", "--set", "depth=3", "--set", "epochs=30")


def test_a_linear_network_is_repaired_and_written(table, tmp_path, capsys):
    out = tmp_path / "repaired.joblib"
    options = (*LINEAR, "--folds", 2, "--trials", 1, "--out", out)
    code, text, err = run(capsys, table, "--target", "ring", *options)
    assert code == 0
    assert "linear-stack (N03)" in text
    assert 'estimator.set_params(dense__activation="relu")' in text
    assert str(out) in err
    repaired = joblib.load(out)
    assert repaired.named_steps["dense"].activation == "relu"
    assert not hasattr(repaired, "classes_")


def test_a_saved_estimator_is_repaired_and_told_as_json(table, tmp_path, capsys):
    path = tmp_path / "own.joblib"
    own = DenseClassifier(8, 3, activation="linear", epochs=30, random_state=0)
    joblib.dump(own, path)
    options = ("--estimator", path, "--folds", 2, "--trials", 1, "--json")
    code, text, _ = run(capsys, table, "--target", "ring", *options)
    assert code == 0
    (trial,) = json.loads(text)["trials"]
    assert trial["line"] == 'estimator.set_params(activation="relu")'


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "activation"), "--set 'activation' must read NAME=VALUE"),
        (("--set", "aktivation=relu"), "aktivation"),
        (("--scoring", "mmc"), "mmc"),
        (("--estimator", "nowhere.joblib"), "nowhere.joblib"),
        (("--channels", "2"), "--channels needs --model cnn1d"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_bad_options_are_refused_in_a_line(table, capsys, options, message):
    code, text, err = run(capsys, table, "--target", "ring", *options)
    assert (code, text) == (2, "")
    assert err.startswith("skloss repair: error: ")
    assert message in err
    assert err.count("\n") == 1
