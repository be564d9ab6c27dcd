"""Models of ONNX answer as the estimators do."""

import keras_networks
import numpy as np
import pandas as pd
import pytest
import sklearn.pipeline
from fitted import CASES, fitted, series, table
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as imblearn_pipeline
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skloss
from skloss.exceptions import ModelFileError
from skloss.networks import ACTIVATIONS

onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

# A value beside a threshold may fall on its other side, in one of 24 time points.
ROCKET = 2e-3


def answers(model, X):
    session = onnxruntime.InferenceSession(model)
    if isinstance(X, pd.DataFrame):
        given = {name: X[[name]].to_numpy() for name in X}
    else:
        given = {session.get_inputs()[0].name: np.asarray(X)}
    return session.run(None, given)


def assert_agrees(estimator, X, found, bound=1e-5):
    labels, chances = found
    expected = estimator.predict_proba(X)
    assert chances.dtype == np.float32
    np.testing.assert_allclose(chances, expected, atol=bound, rtol=0)
    is_sure = np.sort(expected, axis=1)[:, -1] > 1 / expected.shape[1] + 2 * bound
    assert labels[is_sure].tolist() == estimator.predict(X)[is_sure].tolist()


@pytest.mark.parametrize("case", CASES)
def test_probabilities_and_labels_agree(case, tmp_path):
    estimator, X, _ = fitted(case)
    path = tmp_path / "model.onnx"
    of_frame = isinstance(X, pd.DataFrame) and hasattr(estimator, "steps")
    given = X.to_numpy() if isinstance(X, pd.DataFrame) and not of_frame else X
    skloss.to_onnx(estimator, path, X=X if of_frame or np.ndim(X) > 2 else None)
    is_rocket = "rocket" in case or case == "pipeline of series"
    found = answers(path, given)
    assert_agrees(estimator, X, found, ROCKET if is_rocket else 1e-5)
    if is_rocket:
        errors = np.abs(found[1] - estimator.predict_proba(X)).max(axis=1)
        assert (errors < 1e-5).mean() > 0.95


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("opset", [13, 17, None])
def test_every_activation_has_nodes_of_every_version(activation, opset, tmp_path):
    X, y = table()
    classifier = skloss.DenseClassifier(
        width=5, activation=activation, epochs=1, random_state=0
    )
    classifier.fit(X, y)
    skloss.to_onnx(classifier, tmp_path / "model", target_opset=opset)
    assert_agrees(classifier, X, answers(tmp_path / "model", X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_input_has_the_type_of_the_rows_given(dtype, tmp_path):
    pipeline, X, _ = fitted("pipeline")
    X = X.astype(dtype)
    skloss.to_onnx(pipeline, tmp_path / "model", X=X)
    assert_agrees(pipeline, X, answers(tmp_path / "model", X))


def test_folded_series_agree(tmp_path):
    X, y = series()
    folded = X.reshape(len(X), -1)
    classifier = skloss.CNN1DClassifier(
        filters=(4,), n_channels=2, epochs=1, random_state=0
    )
    classifier.fit(folded, y)
    skloss.to_onnx(classifier, tmp_path / "model")
    assert_agrees(classifier, folded, answers(tmp_path / "model", folded))


@pytest.mark.parametrize("name", ["cnn1d", "cnn2d", "recurrent"])
def test_the_shape_of_rows_that_are_not_flat_is_asked_for(name, tmp_path):
    classifier, X, _ = fitted(name)
    with pytest.raises(ModelFileError, match=r"X=rows"):
        skloss.to_onnx(classifier, tmp_path / "model")
    skloss.to_onnx(classifier, tmp_path / "model", X=X)
    assert_agrees(classifier, X, answers(tmp_path / "model", X))


@pytest.mark.parametrize("level", [0, 5])
def test_series_scaled_in_the_network_agree(level, tmp_path):
    y = np.arange(60) % 2
    X = np.random.default_rng(0).normal(size=(60, 16)) + level * y[:, None]
    X[:3] = np.array([0.0, 1e6, 0.1])[:, None]
    X = X.astype("f4")
    classifier = skloss.CNN1DClassifier(
        width=2, depth=1, head=3, augment="noise", epochs=1, random_state=0
    )
    classifier.fit(X, y)
    assert classifier.network_.layers[0].moments is (level > 0)
    skloss.to_onnx(classifier, tmp_path / "model", X=X)
    assert_agrees(classifier, X, answers(tmp_path / "model", X))


@pytest.mark.parametrize("power", [-80, 0, 80])
def test_columns_of_any_unit_are_scaled_in_the_network(power, tmp_path):
    X, y = table()
    X = (X * np.float32(2.0**power)).astype(np.float32)
    classifier = skloss.DenseClassifier(
        width=5, scale_columns="standard", epochs=1, random_state=0
    )
    classifier.fit(X, y)
    skloss.to_onnx(classifier, tmp_path / "model", X=X)
    assert_agrees(classifier, X, answers(tmp_path / "model", X))


def test_constant_series_become_zeros_as_by_the_scaler(tmp_path):
    pipeline, X, _ = fitted("pipeline of series")
    X = X.copy()
    X[:3] = np.array([0.0, 1e6, 0.1])[:, None]
    skloss.to_onnx(pipeline, tmp_path / "model")
    assert_agrees(pipeline, X[:3], answers(tmp_path / "model", X[:3]))


def test_skl2onnx_itself_converts_pipelines():
    skloss.io.register_converters()
    X, y = table()
    last = skloss.DenseClassifier(
        width=4, epochs=1, validation_fraction=None, random_state=0
    )
    for pipeline in (
        skloss.make_pipeline(StandardScaler(), SMOTE(random_state=0), last),
        imblearn_pipeline(StandardScaler(), SMOTE(random_state=0), last),
        sklearn.pipeline.make_pipeline(StandardScaler(), last),
    ):
        pipeline.fit(X, y)
        model = skl2onnx.to_onnx(pipeline, X[:1])
        labels, rows = answers(model.SerializeToString(), X)
        chances = [[row[label] for label in pipeline.classes_] for row in rows]
        assert_agrees(pipeline, X, (labels, np.array(chances, np.float32)))


def test_skl2onnx_gives_dicts_of_probabilities_by_default():
    skloss.io.register_converters()
    classifier, X, _ = fitted("dense")
    model = skl2onnx.to_onnx(classifier, X[:1])
    _, chances = answers(model.SerializeToString(), X[:5])
    expected = classifier.predict_proba(X[:5])
    found = [[row[label] for label in classifier.classes_] for row in chances]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_of_a_search_the_winner_is_written(tmp_path):
    X, y = table()
    classifier = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    search = GridSearchCV(classifier, {"width": [3, 4]}, cv=2).fit(X, y)
    skloss.to_onnx(search, tmp_path / "model")
    assert_agrees(search, X, answers(tmp_path / "model", X))


def test_a_network_that_keras_trained_is_refused(tmp_path):
    X, y = keras_networks.binary_rows()
    classifier = skloss.KerasClassifier(
        keras_networks.branches, loss="binary_crossentropy", random_state=0
    )
    classifier.fit(X, y)
    with pytest.raises(ModelFileError, match=r"keras.Model.fit has trained .*export"):
        skloss.to_onnx(classifier, tmp_path / "model")


def doubled(X):
    return X * 2


def test_what_has_no_form_in_onnx_is_refused(tmp_path):
    X, y = table()
    last = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    own = skloss.make_pipeline(FunctionTransformer(doubled), last).fit(X, y)
    with pytest.raises(ModelFileError, match=r"cannot be written as ONNX: .*Function"):
        skloss.to_onnx(own, tmp_path / "model")
    columns, _, _ = fitted("pipeline of columns")
    with pytest.raises(ModelFileError, match=r"needs some rows.*X=frame\)\.$"):
        skloss.to_onnx(columns, tmp_path / "model")
    assert not list(tmp_path.iterdir())
