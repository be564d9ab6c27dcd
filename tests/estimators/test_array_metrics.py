"""Metrics of Keras that give an array per epoch are curves, one for each class."""

import keras
import numpy as np
import pytest
from keras_networks import binary, many_classes_rows, softmax
from sklearn.metrics import f1_score, fbeta_score

import skloss
from skloss import KerasClassifier
from skloss.record import read_curves

X, y = many_classes_rows()
codes = np.unique(y, return_inverse=True)[1]
LABELS = ["calm", "gale", "storm"]
ONE_HOT = {"loss": "categorical_crossentropy", "epochs": 2, "random_state": 0}


@pytest.mark.parametrize(
    ("metric", "name", "score"),
    [
        (keras.metrics.F1Score, "f1_score", f1_score),
        (
            lambda: keras.metrics.FBetaScore(beta=2.0),
            "fbeta_score",
            lambda *given, **options: fbeta_score(*given, beta=2.0, **options),
        ),
    ],
    ids=["f1", "fbeta"],
)
def test_the_curves_are_named_by_class_and_are_those_of_scikit_learn(
    metric, name, score
):
    fitted = KerasClassifier(softmax, metrics=[metric(), "accuracy"], **ONE_HOT)
    fitted.fit(X, y, X_val=X, y_val=y)
    found = [fitted.history_[f"val_{name}_class_{label}"][-1] for label in LABELS]
    expected = score(y, fitted.predict(X), average=None, zero_division=0)
    assert found == pytest.approx(expected, abs=1e-6)
    assert all(len(curve) == 2 for curve in fitted.history_.values())
    assert name not in fitted.history_
    skloss.diagnose(fitted, X, y)


def test_a_metric_of_one_output_is_one_curve():
    fitted = KerasClassifier(
        binary, loss="binary_crossentropy", metrics=[keras.metrics.F1Score()]
    ).fit(X, codes > 0)
    assert set(fitted.history_) == {"loss", "f1_score"}
    assert isinstance(fitted.history_["f1_score"][0], float)


def test_partial_fits_continue_the_curves_of_each_class():
    fitted = KerasClassifier(softmax, metrics=[keras.metrics.F1Score()], **ONE_HOT)
    fitted.partial_fit(X, y).partial_fit(X, y)
    assert len(fitted.history_["f1_score_class_gale"]) == 2


class Table(keras.metrics.Metric):
    """Gives a matrix, as a confusion matrix would."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return keras.ops.ones((2, 3))


@pytest.mark.parametrize("several", [False, True])
def test_a_fit_is_never_lost_to_a_metric_that_is_no_curve(several):
    def network(meta):
        head = keras.layers.Dense(3, "sigmoid")
        return keras.Sequential([keras.Input((meta["n_features_in_"],)), head])

    labels = np.eye(3)[codes]
    labels[0] = 1.0 if several else labels[0]
    fitted = KerasClassifier(network, loss="binary_crossentropy", metrics=[Table()])
    fitted.fit(X, labels)
    assert np.shape(fitted.history_["table"]) == (1, 2, 3)
    assert set(fitted.record_.history) == {"loss"}


@pytest.mark.parametrize("form", ["history", "dict", "file"])
def test_a_history_of_keras_is_read_with_the_curve_of_each_class(form, tmp_path):
    path = tmp_path / "log.csv"
    model = softmax({"X_shape_": X.shape, "n_features_in_": 6, "n_classes_": 3})
    metrics = [keras.metrics.F1Score()]
    model.compile("adam", ONE_HOT["loss"], metrics=metrics, jit_compile=False)
    log = keras.callbacks.CSVLogger(path)
    history = model.fit(X, np.eye(3)[codes], epochs=2, verbose=0, callbacks=[log])
    source = {"history": history, "dict": history.history, "file": path}[form]
    curves, notes = read_curves(source)
    expected = np.stack(history.history["f1_score"])
    found = np.stack([curves[f"f1_class_{code}"] for code in range(3)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert notes == ()
    skloss.diagnose(source)
