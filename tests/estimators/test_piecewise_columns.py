"""``scale_columns="piecewise"`` against its formula, as columns in front."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

import skloss
from skloss import DenseClassifier
from skloss.datasets import make_rare_events
from skloss.networks.layers import Dense, PiecewiseLinear


def rows(n=200):
    """Rows with a column of four values, one of flags and a constant one."""
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(0)
    codes, flags = rng.integers(0, 4, n), rng.integers(0, 2, n)
    return np.column_stack([X[:n, :3], codes, flags, np.full(n, 7.0)]), y[:n]


def dense(**options):
    own = {"epochs": 3, "scale_columns": "piecewise", "random_state": 0}
    return DenseClassifier(**own | options)


def encoded(X, X_train):
    """Scaled columns, and bins of those with more than two quantiles."""
    mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)
    mean[4], deviation[4:] = 0, 1
    parts = [(X - mean) / deviation]
    for column in range(4):
        edges = np.unique(np.quantile(X_train[:, column], np.arange(17) / 16))
        share = (X[:, [column]] - edges[:-1]) / np.diff(edges)
        parts.append(np.clip(share, 0, 1) - 0.5)
    return np.hstack(parts)


@pytest.mark.parametrize("epochs", [1, 4], ids=["eager", "graph"])
def test_it_is_the_formula_in_front(epochs):
    X, y = rows()
    held = np.arange(len(X)) % 4 == 0
    X[held] *= 3  # beyond all edges
    train = X[~held].astype("f4").astype("f8")
    inside = dense(epochs=epochs).fit(train, y[~held], X_val=X[held], y_val=y[held])
    outside = dense(scale_columns=None, epochs=epochs)
    outside.fit(
        encoded(train, train),
        y[~held],
        X_val=encoded(X[held], train),
        y_val=y[held],
    )
    first, *others = inside.network_.layers
    assert first == PiecewiseLinear((16, 16, 16, 3, 0, 0))
    assert tuple(others) == outside.network_.layers
    wanted = outside.predict_proba(encoded(X, train))
    np.testing.assert_allclose(inside.predict_proba(X), wanted, atol=1e-4)
    for name in ("loss", "val_loss"):
        found = inside.history_[name]
        assert found == pytest.approx(outside.history_[name], abs=1e-4)


def test_edges_are_of_the_rows_that_are_trained_on():
    X, y = rows()
    X[150:] += 1e6
    options = {"validation_rows": "last", "validation_fraction": 0.25}
    held = dense(**options).fit(X, y)
    alone = dense(validation_fraction=None).fit(X[:150], y[:150])
    for found, wanted in zip(held.weights_[:3], alone.weights_[:3], strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("power", [-110, -63, 63, 110])
def test_units_whose_variance_float32_cannot_hold_change_nothing(power):
    X, y = make_rare_events(200, n_features=3, random_state=0)
    X = X.astype(np.float32)
    factor = np.array([1, 2.0**power, 2.0**power], np.float32)  # exact
    plain, fitted = dense().fit(X, y), dense().fit(X * factor, y)
    wanted = plain.predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X * factor), wanted, atol=1e-5)


def test_gaps_categories_keras_and_files(tmp_path):
    X, y = rows()
    X[np.random.default_rng(1).random(X.shape) < 0.1] = np.nan
    X[:, 5] = np.nan
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame.insert(2, "kind", np.where(y == 1, "red", "blue"))
    fitted = dense(missing="indicator").fit(frame, y)
    names = [type(layer).__name__ for layer in fitted.network_.layers[:3]]
    assert names == ["Embed", "FillMissing", "PiecewiseLinear"]
    wanted = fitted.predict_proba(frame)
    fitted.model_.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    logits = np.asarray(model(fitted.as_numbers(frame)))[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted[:, 1], atol=1e-5)
    skloss.save(fitted, tmp_path / "file.skloss")
    again = skloss.load(tmp_path / "file.skloss")
    np.testing.assert_array_equal(again.predict_proba(frame), wanted)


@pytest.mark.parametrize("missing", ["error", "indicator"])
def test_onnx_predicts_the_same(tmp_path, missing):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = rows()
    if missing == "indicator":
        X[::9, 2] = np.nan
    fitted = dense(missing=missing).fit(X, y)
    path = tmp_path / "model.onnx"
    skloss.to_onnx(fitted, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = fitted.predict_proba(X)
    np.testing.assert_allclose(session.run(None, {"X": X})[1], wanted, atol=1e-5)


def test_members_have_edges_of_their_own_and_as_many():
    X, y = rows()
    X[:, 3] = np.where(np.arange(len(X)) % 17, 0, X[:, 3])  # quantiles that tie
    fitted = dense(n_members=3, epochs=1).fit(X, y)
    edges = [member.weights_[1] for member in fitted.members_]
    assert len({len(one) for one in edges}) == 1
    assert not np.array_equal(edges[0], edges[1])
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_what_has_no_bins_is_scaled_alone():
    X, y = make_rare_events(200, n_features=3, random_state=0)
    fitted = dense(epochs=1).fit(np.sign(X), y)
    first, *others = fitted.network_.layers
    assert first == PiecewiseLinear((0, 0, 0))
    assert [type(layer) for layer in others] == [Dense, Dense]
    logits = fitted.model_.predict(np.sign(X), verbose=0)[:, 0]
    wanted = fitted.predict_proba(np.sign(X))[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted, atol=1e-5)


def test_sparse_rows_and_another_warm_start_are_refused():
    from scipy.sparse import csr_array

    X, y = rows()
    with pytest.raises(ValueError, match="is for dense rows, and X is sparse"):
        dense().fit(csr_array(X), y)
    fitted = dense(epochs=1, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="warm_start"):
        fitted.set_params(scale_columns="standard").fit(X, y)


def test_a_threshold_that_one_narrow_layer_misses_is_learned():
    rng = np.random.default_rng(0)
    X = rng.lognormal(sigma=2, size=(1500, 2))
    y = ((X[:, 0] > 0.5) & (X[:, 0] < 1.5)).astype(int)
    scores = [
        dense(epochs=15, scale_columns=name).fit(X, y).history_["val_mcc"][-1]
        for name in ("standard", "piecewise")
    ]
    assert scores[1] > scores[0] + 0.3
