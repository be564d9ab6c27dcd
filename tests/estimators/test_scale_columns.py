"""``scale_columns`` of ``DenseClassifier`` against StandardScaler in front of it."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, make_pipeline
from skloss.datasets import make_rare_events
from skloss.networks.layers import ColumnScale, Dense


def raw(n=200):
    X, y = load_breast_cancer(return_X_y=True)
    return X[:n, :6], y[:n]


def dense(**options):
    own = {"epochs": 3, "scale_columns": "auto", "random_state": 0}
    return DenseClassifier(**own | options)


def split(X, y):
    held = np.arange(len(X)) % 4 == 0
    return (X[~held], y[~held]), {"X_val": X[held], "y_val": y[held]}


def test_it_is_standard_scaler_in_front():
    X, y = raw()
    rows, held = split(X, y)
    scaler = StandardScaler().fit(rows[0])
    held_scaled = held | {"X_val": scaler.transform(held["X_val"])}
    inside = dense().fit(*rows, **held)
    outside = dense(scale_columns=None).fit(
        scaler.transform(rows[0]), rows[1], **held_scaled
    )
    first, *others = inside.network_.layers
    assert first == ColumnScale(6)
    assert tuple(others) == outside.network_.layers
    np.testing.assert_allclose(inside.weights_[1], scaler.mean_, rtol=1e-5)
    np.testing.assert_allclose(inside.weights_[2], scaler.var_, rtol=1e-5)
    wanted = outside.predict_proba(scaler.transform(X))
    np.testing.assert_allclose(inside.predict_proba(X), wanted, atol=1e-4)
    for name in ("loss", "val_loss"):
        found = inside.history_[name]
        assert found == pytest.approx(outside.history_[name], abs=1e-4)


@pytest.mark.parametrize("epochs", [1, 4], ids=["eager", "graph"])
@pytest.mark.parametrize("missing", ["error", "indicator"])
def test_it_goes_with_batch_normalization(missing, epochs):
    X, y = raw()
    (X, y), held = split(X, y)
    scaler = StandardScaler().fit(X)
    held_scaled = held | {"X_val": scaler.transform(held["X_val"])}
    options = {"batch_norm": True, "missing": missing, "epochs": epochs}
    inside = dense(scale_columns="standard", **options).fit(X, y, **held)
    outside = dense(scale_columns=None, **options)
    outside.fit(scaler.transform(X), y, **held_scaled)
    start = len(inside.weights_) - len(outside.weights_)
    assert start == 3
    for found, wanted in zip(inside.weights_[-6:], outside.weights_[-6:], strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    np.testing.assert_allclose(
        inside.predict_proba(X), outside.predict_proba(scaler.transform(X)), atol=1e-4
    )


@pytest.mark.parametrize("power", [-110, -80, -63, 63, 80, 110])
def test_units_whose_variance_float32_cannot_hold_change_nothing(power):
    X, y = make_rare_events(200, n_features=3, random_state=0)
    X = X.astype(np.float32)
    factor = np.array([1, 2.0**power, 2.0**power], np.float32)  # exact
    plain = dense(scale_columns="standard").fit(X, y)
    fitted = dense(scale_columns="standard").fit(X * factor, y)
    wanted = plain.predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X * factor), wanted, atol=1e-5)
    found = plain.history_["val_loss"]
    assert fitted.history_["val_loss"] == pytest.approx(found, abs=1e-5)
    logits = fitted.model_.predict(X * factor, verbose=0)[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted[:, 1], atol=1e-5)


def test_scaled_tables_flags_and_sparse_rows_are_left_alone():
    from scipy.sparse import csr_array

    X, y = raw()
    scaled = StandardScaler().fit_transform(X)
    flags = np.column_stack([scaled, y[::-1]])
    for rows in (scaled, flags, csr_array(X)):
        fitted = dense(epochs=1).fit(rows, y)
        assert [type(layer) for layer in fitted.network_.layers] == [Dense, Dense]
    mixed = np.column_stack([X, y[::-1], np.full(len(X), 7.0)])
    fitted = dense(epochs=1).fit(mixed, y)
    np.testing.assert_array_equal(fitted.weights_[1][6:], [0, 7])
    np.testing.assert_array_equal(fitted.weights_[2][6:], [1, 1])
    for options in (
        {"scale_columns": "standard"},
        {"missing": "indicator"},
        {"categorical_features": [0]},
    ):
        with pytest.raises(ValueError, match="is for dense rows, and X is sparse"):
            dense(**options).fit(csr_array(X), y)
    always = dense(epochs=1, scale_columns="standard").fit(scaled, y)
    assert always.network_.layers[0] == ColumnScale(6)


def test_means_are_of_the_rows_that_are_trained_on():
    X, y = raw()
    X[150:] += 1e6
    options = {"validation_rows": "last", "validation_fraction": 0.25}
    fitted = dense(**options).fit(X, y)
    np.testing.assert_allclose(fitted.weights_[1], X[:150].mean(axis=0), rtol=1e-5)
    again = dense(**options, refit=True).fit(X, y)
    np.testing.assert_allclose(again.weights_[1], X.mean(axis=0), rtol=1e-5)
    weight = (np.arange(200) < 120).astype(float)
    weighted = dense(**options).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(weighted.weights_[1], X[:120].mean(axis=0), rtol=1e-5)


def test_gaps_and_categories_stand_beside():
    X, y = raw()
    rng = np.random.default_rng(0)
    X[rng.random(X.shape) < 0.1] = np.nan
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame.insert(2, "kind", np.where(rng.random(len(X)) < 0.5, "red", "blue"))
    fitted = dense(missing="indicator", validation_fraction=None).fit(frame, y)
    names = [type(layer).__name__ for layer in fitted.network_.layers[:3]]
    assert names == ["Embed", "FillMissing", "ColumnScale"]
    scaler = StandardScaler().fit(X)  # which leaves NaN out
    medians = SimpleImputer(strategy="median").fit(X).statistics_
    _, fill, _, mean, variance = fitted.weights_[:5]
    np.testing.assert_allclose(fill[0], medians, rtol=1e-5)
    np.testing.assert_allclose(mean, scaler.mean_, rtol=1e-5)
    np.testing.assert_allclose(variance, scaler.var_, rtol=1e-5)
    logits = np.asarray(fitted.model_(fitted.as_numbers(frame)))[:, 0]
    wanted = fitted.predict_proba(frame)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted, atol=1e-5)


def test_keras_files_and_onnx_predict_the_same(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = raw()
    X[::9, 2] = np.nan
    fitted = dense(missing="indicator").fit(X, y)
    wanted = fitted.predict_proba(X)
    fitted.model_.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    logits = np.asarray(model(X.astype("f4")))[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted[:, 1], atol=1e-5)
    skloss.save(fitted, tmp_path / "file.skloss")
    again = skloss.load(tmp_path / "file.skloss")
    np.testing.assert_array_equal(again.predict_proba(X), wanted)
    path = tmp_path / "model.onnx"
    skloss.to_onnx(fitted, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"X": X})[1], wanted, atol=1e-5)


def test_members_streams_and_pipelines():
    X, y = raw()
    members = dense(n_members=3).fit(X, y)
    for member in members.members_:
        kept = np.delete(X, member.record_.data["held_out_rows"], axis=0)
        np.testing.assert_allclose(member.weights_[1], kept.mean(axis=0), rtol=1e-5)
    streamed = dense().partial_fit(X[:20], y[:20], classes=[0, 1])
    assert [type(layer) for layer in streamed.network_.layers] == [Dense, Dense]
    pipeline = make_pipeline(dense()).fit(X, y)
    assert pipeline[-1].network_.layers[0] == ColumnScale(6)
    np.testing.assert_array_equal(
        pipeline.predict_proba(X), dense().fit(X, y).predict_proba(X)
    )


def test_a_warm_start_refuses_another_way_of_scaling():
    X, y = raw()
    fitted = dense(epochs=1, warm_start=True, scale_columns="standard").fit(X, y)
    with pytest.raises(ValueError, match="warm_start"):
        fitted.set_params(scale_columns=None).fit(X, y)


def test_the_diagnosis_finds_no_unscaled_columns():
    X, y = make_rare_events(600, prevalence=0.3, random_state=0)
    X = X * 1e4 + 1e6
    sick = {"unscaled-inputs", "weak-input-variation"}
    found = {f.name for f in skloss.diagnose(dense().fit(X, y), X, y).findings}
    assert not found & sick
    blind = dense(scale_columns=None).fit(X, y)
    found = {finding.name for finding in skloss.diagnose(blind, X, y).findings}
    assert found & sick
