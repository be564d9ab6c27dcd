"""Attributes by the names of scikit-learn's MLPClassifier."""

import keras
import numpy as np
import pytest
from keras_networks import binary, binary_rows
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from skloss import DenseClassifier, KerasClassifier
from skloss.readers import diagnose
from skloss.record.find import curves_of, find_record

X, y = binary_rows()
NOTHING = keras.callbacks.Callback


def dense(**options):
    settings = {"epochs": 3, "validation_fraction": 0.3, "random_state": 0}
    return DenseClassifier(**settings | options)


def keras_classifier(callbacks=None, **options):
    settings = {"epochs": 3, "validation_fraction": 0.3, "random_state": 0}
    return KerasClassifier(
        binary,
        loss="binary_crossentropy",
        callbacks=callbacks,
        compile__jit_compile=False,
        **settings | options,
    )


def by_keras(**options):
    return keras_classifier(NOTHING, **options)


EVERY = pytest.mark.parametrize("make", [dense, keras_classifier, by_keras])


@EVERY
def test_the_scores_are_the_accuracies_of_the_held_out_rows(make):
    fitted = make().fit(X, y)
    _, held = fitted.split_validation(X, y)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 3
    assert len(fitted.validation_scores_) == 3
    score = np.mean(fitted.predict(X[held]) == y[held])
    assert fitted.validation_scores_[-1] == pytest.approx(score)


@pytest.mark.parametrize("make", [keras_classifier, by_keras])
def test_the_losses_are_those_that_keras_prints(make):
    fitted = make().fit(X, y)
    np.testing.assert_allclose(fitted.loss_curve_, fitted.history_["loss"], rtol=1e-5)


def test_one_step_of_all_rows_has_the_loss_before_it_as_of_mlp():
    # MLPClassifier adds up the losses of batches before each step, as this curve does.
    one = dense(
        epochs=2, batch_size=len(X), validation_fraction=None, learning_rate=1e-9,
        learning_rate_schedule="constant",
    ).fit(X, y)  # fmt: skip
    loss = log_loss(y, one.predict_proba(X))
    assert one.loss_curve_ == pytest.approx([loss, loss], rel=1e-5)
    mlp = MLPClassifier(
        batch_size=len(X), learning_rate_init=1e-9, max_iter=2, alpha=0, random_state=0,
        n_iter_no_change=9,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="converged"):
        mlp.fit(X, y)
    loss = log_loss(y, mlp.predict_proba(X))
    assert mlp.loss_curve_ == pytest.approx([loss, loss], rel=1e-5)
    assert mlp.n_iter_ == one.n_iter_


def test_the_losses_have_class_weights():
    rows = {"batch_size": len(X), "validation_fraction": None, "learning_rate": 1e-9}
    fitted = dense(epochs=1, class_weight="balanced", **rows).fit(X, y)
    weight = len(y) / (2 * np.bincount(y))[y]
    expected = log_loss(y, fitted.predict_proba(X), sample_weight=weight)
    assert fitted.loss_curve_ == pytest.approx([expected], rel=1e-5)


@EVERY
def test_without_a_hold_out_there_are_no_scores(make):
    assert make(validation_fraction=None).fit(X, y).validation_scores_ is None


@EVERY
def test_partial_fits_count_on(make):
    classifier = make()
    for _ in range(2):
        classifier.partial_fit(X, y, classes=[0, 1])
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 2


@EVERY
def test_before_fit_there_are_none(make):
    for name in ("n_iter_", "loss_curve_", "validation_scores_"):
        assert not hasattr(make(), name)


@EVERY
def test_what_reads_them_still_reads_the_record(make):
    fitted = make().fit(X, y)
    assert find_record(fitted) is fitted.record_
    assert curves_of(fitted) == {}
    assert diagnose(fitted).case.origin == "skloss"


def test_labels_of_several_columns_have_the_curves_of_keras():
    fitted = keras_classifier_of_two().fit(X, np.column_stack([y, y]))
    assert fitted.loss_curve_ == pytest.approx(fitted.history_["loss"])
    assert fitted.n_iter_ == 2


def keras_classifier_of_two():
    def two(meta):
        head = keras.layers.Dense(2, "sigmoid")
        return keras.Sequential([keras.Input((X.shape[1],)), head])

    return KerasClassifier(two, loss="binary_crossentropy", epochs=2)
