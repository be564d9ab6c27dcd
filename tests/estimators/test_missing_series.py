"""Series with gaps, in a network of convolutions: zeros, and a channel that says so."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import CNN1DClassifier, SeriesScaler
from skloss.networks.layers import FlagMissing, SeriesScale

RNG = np.random.default_rng(0)
N, STEPS = 80, 16


def cnn(**options):
    own = {"width": 2, "depth": 1, "head": 4, "epochs": 2, "random_state": 0}
    return CNN1DClassifier(**own | {"missing": "mask"} | options)


def series(level=0.0):
    y = np.arange(N) % 2
    X = RNG.normal(size=(N, STEPS, 2)).astype("f4")
    X[:, :, 0] += 2 * y[:, None] * np.sin(np.arange(STEPS)) + level * y[:, None]
    X[RNG.random(X.shape) < 0.2] = np.nan
    X[3, :, 1] = np.nan  # a channel without any value
    return X, y


def scaled(X):
    """Each channel of each series by scikit-learn, which ignores NaN."""
    turned = X.transpose(1, 0, 2).reshape(STEPS, -1)
    with np.errstate(all="ignore"):
        found = StandardScaler().fit_transform(turned)
    return found.reshape(STEPS, len(X), -1).transpose(1, 0, 2)


def flagged(X):
    return np.concatenate([np.nan_to_num(X), np.isnan(X)], axis=2).astype("f4")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the scaler by hand
@pytest.mark.parametrize("scaling", [None, "zscore"])
def test_gaps_are_zeros_and_channels_by_hand(scaling):
    X, y = series()
    by_hand = flagged(X if scaling is None else scaled(X))
    held = np.arange(N) % 4 == 0
    options = {"scale_series": scaling, "n_channels": 2}
    masked = cnn(**options).fit(X[~held], y[~held], X_val=X[held], y_val=y[held])
    plain = cnn(missing="error", scale_series=None).fit(
        by_hand[~held], y[~held], X_val=by_hand[held], y_val=y[held]
    )
    wanted = plain.predict_proba(by_hand)
    np.testing.assert_allclose(masked.predict_proba(X), wanted, atol=1e-5)
    for name in ("loss", "val_loss"):
        found = masked.history_[name]
        assert found == pytest.approx(plain.history_[name], abs=1e-5)
    folded = cnn(**options).fit(X.reshape(N, -1), y)
    assert folded.network_.input_shape == (STEPS, 2)


@pytest.mark.parametrize("scaling", ["zscore", "auto"])
def test_keras_and_files_predict_the_same(scaling, tmp_path):
    X, y = series(level=6)
    fitted = cnn(scale_series=scaling).fit(X, y)
    first = fitted.network_.layers[0]
    assert first == SeriesScale(moments=scaling == "auto", gaps=True)
    wanted = fitted.predict_proba(X)
    assert np.isfinite(wanted).all()
    fitted.model_.save(tmp_path / "model.keras")
    for model in (fitted.model_, keras.saving.load_model(tmp_path / "model.keras")):
        logits = np.asarray(model(X))[:, 0]
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), wanted[:, 1], atol=1e-5)
    skloss.save(fitted, tmp_path / "file.skloss")
    for again in (
        skloss.load(tmp_path / "file.skloss"),
        pickle.loads(pickle.dumps(fitted)),
    ):
        np.testing.assert_array_equal(again.predict_proba(X), wanted)


@pytest.mark.parametrize("scaling", [None, "zscore", "auto"])
def test_onnx_predicts_the_same(scaling, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = series(level=6)
    X = X.reshape(N, -1)
    fitted = cnn(scale_series=scaling, n_channels=2).fit(X, y)
    path = tmp_path / "model.onnx"
    skloss.to_onnx(fitted, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: X.astype(float)})[1]
    np.testing.assert_allclose(found, fitted.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("architecture", ["fcn", "inception"])
def test_published_networks_see_the_flags(architecture):
    X, y = series()
    fitted = cnn(architecture=architecture, epochs=1).fit(X[:16], y[:16])
    assert FlagMissing(2) in fitted.network_.layers
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_series_without_gaps_are_allowed_and_nan_is_seen_later():
    X, y = series()
    fitted = cnn(scale_series="zscore").fit(np.nan_to_num(X), y)
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_nan_is_refused_by_the_name_of_the_parameter():
    X, y = series()
    with pytest.raises(ValueError, match=r"X contains NaN in .* set missing='mask'"):
        cnn(missing="error").fit(X, y)
    with pytest.raises(ValueError, match="X contains infinity"):
        cnn().fit(np.where(np.isnan(X), np.inf, X), y)
    X[5] = np.nan
    with pytest.raises(ValueError, match=r"1 of 80 series without any value.* row 5"):
        cnn().fit(X, y)
    with pytest.raises(ValueError, match=r"augment='noise' .* series with gaps"):
        cnn(augment="noise").fit(np.nan_to_num(X), y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_scaler_of_series_passes_nan_on():
    X, _ = series()
    found = SeriesScaler().fit_transform(X)
    np.testing.assert_allclose(found, scaled(X), atol=1e-5)


def test_the_scaler_of_series_passes_nan_on_in_onnx(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = series()
    X = X.reshape(N, -1)
    scaler = SeriesScaler(n_channels=2)
    pipeline = skloss.make_pipeline(scaler, cnn(scale_series=None, n_channels=2))
    pipeline.fit(X, y)
    skloss.to_onnx(pipeline, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(
        tmp_path / "model.onnx", providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {session.get_inputs()[0].name: X.astype(float)})[1]
    np.testing.assert_allclose(found, pipeline.predict_proba(X), atol=1e-5)


def test_a_diagnosis_and_a_pipeline_take_gaps():
    X, y = series()
    fitted = skloss.make_pipeline(SeriesScaler(), cnn(scale_series=None)).fit(X, y)
    names = [f.name for f in skloss.diagnose(fitted, X, y).findings if f.is_alarm]
    assert "nan-in-inputs" not in names
