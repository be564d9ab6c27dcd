"""Curves that are written while they grow equal those of the fit."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.utils.fixes import parse_version

from skloss import DenseClassifier
from skloss.datasets import make_rare_events
from skloss.estimators import EpochLogger, KerasClassifier
from skloss.record import read_curves

if parse_version(sklearn.__version__) < parse_version("1.9"):
    pytest.skip("needs callbacks of scikit-learn 1.9", allow_module_level=True)

X, y = make_rare_events(300, n_features=6, random_state=0)


def dense(**options):
    return DenseClassifier(width=3, epochs=3, random_state=0, **options)


def of_keras():
    import keras

    def network(meta):
        layers = [keras.Input((6,)), keras.layers.Dense(1, "sigmoid")]
        return keras.Sequential(layers)

    return KerasClassifier(
        network, loss="binary_crossentropy", epochs=3, random_state=0
    )


@pytest.mark.parametrize("made", [dense, of_keras])
def test_a_table_has_the_curves_of_the_fit(tmp_path, made):
    path = tmp_path / "curves.csv"
    classifier = made().set_callbacks(EpochLogger(path)).fit(X, y)
    table = pd.read_csv(path)
    assert table.pop("epoch").tolist() == [0, 1, 2]
    assert set(table) == set(classifier.record_.history)
    for name, curve in classifier.record_.history.items():
        np.testing.assert_allclose(table[name], curve, rtol=1e-6, err_msg=name)


def test_a_new_fit_writes_a_new_table(tmp_path):
    path = tmp_path / "curves.csv"
    classifier = dense().set_callbacks(EpochLogger(str(path))).fit(X, y)
    clone(classifier).set_params(epochs=2).fit(X, y)
    curves, notes = read_curves(path)
    assert len(curves["loss"]) == 2
    assert not any("trainings" in note for note in notes)


def test_the_fit_is_the_same_with_a_logger(tmp_path):
    plain = dense().fit(X, y).history_
    logged = dense().set_callbacks(EpochLogger(tmp_path / "a.csv")).fit(X, y).history_
    for name in plain.keys() - {"seconds"}:
        np.testing.assert_array_equal(plain[name], logged[name])


def test_an_interrupted_fit_leaves_its_epochs(tmp_path):
    path = tmp_path / "curves.csv"

    def breaks(values):
        if values["epoch"] == 1:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        dense(callbacks=breaks).set_callbacks(EpochLogger(path)).fit(X, y)
    assert len(pd.read_csv(path)) in (1, 2)


def test_a_package_that_is_missing_is_said_before_the_fit(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match="tensorboard"):
        dense().set_callbacks(EpochLogger(tmp_path / "runs")).fit(X, y)


def test_event_files_are_those_of_keras(tmp_path):
    pytest.importorskip("tensorboard")
    logger = EpochLogger(tmp_path / "runs")
    classifier = dense().set_callbacks(logger).fit(X, y)
    curves, _ = read_curves(tmp_path)
    for name in ("loss", "val_loss", "mcc", "val_mcc"):
        np.testing.assert_allclose(curves[name], classifier.history_[name], rtol=1e-6)


def test_a_logger_can_be_pickled(tmp_path):
    assert pickle.loads(pickle.dumps(EpochLogger(tmp_path / "a.csv"))).to
