"""Class weights of a ``KerasClassifier``, from wherever they come, are of labels."""

import pickle
from ast import literal_eval
from functools import cache

import keras
import numpy as np
import pandas as pd
import pytest
from keras_networks import binary, binary_rows, many_classes_rows, softmax
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.class_weight import compute_sample_weight

from skloss import KerasClassifier, make_pipeline

X, codes = binary_rows()
X3, y3 = many_classes_rows()
WEIGHTS = (1.0, 7.0)
LABELS = [(0, 1), (5, 9), (1, 2), (2, 1), ("ok", "fraud"), (False, True)]
BY_KERAS = [keras.callbacks.Callback]  # does nothing, and needs keras.Model.fit
BINARY = {"loss": "binary_crossentropy", "epochs": 2, "random_state": 0}


def named(value):
    return "keras" if value is BY_KERAS else str(value)


def labelled(labels):
    """Labels, and a weight for each by name."""
    return np.array(labels)[codes], dict(zip(labels, WEIGHTS, strict=True))


def arrays(fitted):
    return np.concatenate([w.ravel() for w in fitted.model_.get_weights()])


def assert_weighted(fitted, y, weights, **options):
    """Trained as by weights of the rows, which scikit-learn computes."""
    rows = compute_sample_weight(weights, y)
    expected = KerasClassifier(binary, **BINARY, **options).fit(X, y, rows)
    np.testing.assert_allclose(arrays(fitted), arrays(expected), rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------- one label per row


@pytest.mark.parametrize(
    ("labels", "callbacks"),
    [*((labels, None) for labels in LABELS), (LABELS[2], BY_KERAS)],
    ids=named,
)
def test_weights_given_to_fit_are_of_labels(labels, callbacks):
    y, weights = labelled(labels)
    fitted = KerasClassifier(binary, **BINARY, callbacks=callbacks)
    fitted.fit(X, y, class_weight=weights)
    assert_weighted(fitted, y, weights, callbacks=callbacks)


@cache
def weighted_by_the_constructor(weights, epochs, by_engine):
    y, _ = labelled(("ok", "fraud"))
    given = {"class_weight": literal_eval(weights), "epochs": epochs}
    given["callbacks"] = None if by_engine else BY_KERAS
    return arrays(KerasClassifier(binary, **BINARY | given).fit(X, y))


@pytest.mark.parametrize(
    ("weights", "callbacks"),
    [("balanced", None), ({"fraud": 7}, None), (None, None), ({"fraud": 7}, BY_KERAS)],
    ids=named,
)
@pytest.mark.parametrize("way", ["fit__", "fit", "partial_fit", "pipeline"])
def test_every_way_in_has_the_meaning_of_the_constructor(way, weights, callbacks):
    y, _ = labelled(("ok", "fraud"))
    options = BINARY | {"callbacks": callbacks}
    fitted = KerasClassifier(binary, **options)
    given = {"class_weight": weights}
    if way == "fit__":
        fitted = KerasClassifier(binary, fit__class_weight=weights, **options).fit(X, y)
    elif way == "pipeline":
        step = {"kerasclassifier__class_weight": weights}
        fitted.set_params(validation_fraction=None)
        make_pipeline(FunctionTransformer(), fitted).fit(X, y, **step)
    else:
        getattr(fitted, way)(X, y, **given)
    expected = weighted_by_the_constructor(
        repr(weights), 1 if way == "partial_fit" else 2, callbacks is None
    )
    np.testing.assert_allclose(arrays(fitted), expected, rtol=1e-4, atol=1e-5)
    kind = "dict" if isinstance(weights, dict) else weights or "none"
    training = fitted.record_.configuration["training"]
    assert training["class_weight_kind"] == kind


def test_the_weights_of_a_call_come_before_those_of_the_constructor():
    y, weights = labelled((5, 9))
    fitted = KerasClassifier(binary, **BINARY, class_weight={5: 50.0})
    fitted.fit(X, y, class_weight=weights)
    assert_weighted(fitted, y, weights)
    assert not hasattr(fitted, "fit__class_weight")


@pytest.mark.parametrize("way", ["fit", "constructor"])
@pytest.mark.parametrize("weights", [[1, 2], (1, 2), np.ones(2), pd.Series([1, 2])])
def test_weights_without_labels_are_refused(way, weights):
    name = type(weights).__name__
    given = {way == "fit": {"class_weight": weights}}
    with pytest.raises(ValueError, match=rf"'class_weight'.*got a {name}; make one"):
        KerasClassifier(binary, **BINARY, **given.get(False, {})).fit(
            X, codes, **given.get(True, {})
        )


def test_weights_of_class_numbers_are_refused_where_labels_are_words():
    y, _ = labelled(("ok", "fraud"))
    with pytest.raises(ValueError, match=r"unknown: \[0, 1\]"):
        KerasClassifier(binary, **BINARY).fit(X, y, class_weight={0: 1.0, 1: 19.0})


# ----------------------------------------------------------------------- one-hot labels


def one_hot(form):
    if form == "array":
        return np.eye(3)[np.unique(y3, return_inverse=True)[1]]
    return pd.get_dummies(pd.Series(y3))


@pytest.mark.parametrize(
    ("form", "weights"),
    [
        ("array", "balanced"),
        ("frame", "balanced"),
        ("array", {0: 1.0, 1: 4.0, 2: 0.5}),
        ("array", {1: 4.0, 2: 0.5}),
        ("frame", {0: 1.0, 1: 4.0, 2: 0.5}),
        ("frame", {"calm": 1.0, "gale": 4.0, "storm": 0.5}),
    ],
    ids=str,
)
def test_exclusive_columns_are_weighted_as_the_label_that_they_are(form, weights):
    options = {"loss": "categorical_crossentropy", "epochs": 2, "random_state": 0}
    by_label = weights
    if weights != "balanced":
        by_label = {"calm": 1.0, "gale": 4.0, "storm": 0.5}
    rows = compute_sample_weight(by_label, y3)
    y = one_hot(form)
    fitted = KerasClassifier(softmax, class_weight=weights, **options).fit(X3, y)
    expected = KerasClassifier(softmax, **options).fit(X3, y, sample_weight=rows)
    np.testing.assert_allclose(arrays(fitted), arrays(expected), rtol=1e-5)


def test_a_column_that_one_hot_labels_do_not_have():
    with pytest.raises(ValueError, match=r"labels of y, which are|label of y.*\[3\]"):
        KerasClassifier(softmax, loss="categorical_crossentropy").fit(
            X3, one_hot("array"), class_weight={3: 1.0}
        )


# --------------------------------------------------------------- several labels per row


def outputs(meta):
    """As many independent outputs as labels, from nothing but a bias."""
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(meta["n_classes_"], "sigmoid", use_bias=False),
        ]
    )


def several_labels():
    rng = np.random.default_rng(0)
    return (rng.random((len(X), 3)) < [0.1, 0.4, 0.7]).astype(int)


@pytest.mark.parametrize(
    "weights",
    [
        "balanced",
        [{0: 1.0, 1: 9.0}, None, {1: 2.0}],
        ["balanced", {0: 3.0}, None],
    ],
    ids=str,
)
@pytest.mark.parametrize("with_rows", [False, True])
def test_each_column_of_a_multilabel_target_has_its_own_weights(weights, with_rows):
    """One step of SGD from zero: the gradient of a weighted mean, by hand."""
    y = several_labels()
    rows = np.linspace(0.5, 2, len(y)) if with_rows else None
    fitted = KerasClassifier(
        zeroed, loss="binary_crossentropy", class_weight=weights, batch_size=-1,
        optimizer="sgd", optimizer__learning_rate=1.0, random_state=0,
    ).fit(X, y, sample_weight=rows)  # fmt: skip
    columns = ["balanced"] * 3 if weights == "balanced" else weights
    weight = np.stack(
        [
            compute_sample_weight(
                {0: 1.0, 1: 1.0, **given} if isinstance(given, dict) else given, column
            )
            for given, column in zip(columns, y.T, strict=True)
        ],
        axis=1,
    )
    weight *= 1.0 if rows is None else rows[:, None]
    step = X.T @ (weight * (y - 0.5)) / y.size
    np.testing.assert_allclose(fitted.model_.get_weights()[0], step, rtol=1e-4)


def zeroed(meta):
    model = outputs(meta)
    model.set_weights([np.zeros((meta["n_features_in_"], 3))])
    return model


def test_a_weighted_multilabel_classifier_validates_without_weights_and_is_pickled():
    y = several_labels()
    plain = KerasClassifier(
        outputs, loss="binary_crossentropy", random_state=0, metrics=["accuracy"]
    )
    fitted = plain.fit(X, y, validation_data=(X, y), class_weight="balanced")
    chances = np.clip(fitted.model_.predict(X, verbose=0), 1e-7, 1 - 1e-7)
    loss = -np.where(y, np.log(chances), np.log(1 - chances)).mean()
    assert fitted.history_["val_loss"] == pytest.approx([loss], rel=1e-4)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again.predict_proba(X), chances, rtol=1e-5)
    assert again.partial_fit(X, y).current_epoch == 2


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({0: 1.0, 1: 5.0}, "a list of 3 dicts, one for each column.*Got a dict"),
        ([{0: 1.0}], "a list of 3 dicts.*Got a list of 1"),
        (np.ones(3), "a list of 3 dicts.*Got a ndarray"),
        ([[1, 2], None, None], "got a list; make one"),
    ],
)
def test_weights_of_another_form_are_refused_for_several_columns(weights, words):
    with pytest.raises(ValueError, match=words):
        KerasClassifier(outputs, loss="binary_crossentropy").fit(
            X, several_labels(), class_weight=weights
        )


def test_a_loss_that_is_no_mean_over_columns_cannot_weigh_them():
    with pytest.raises(ValueError, match="not a mean over the columns of y"):
        KerasClassifier(outputs, loss="categorical_crossentropy").fit(
            X, several_labels(), class_weight="balanced"
        )


class Columns(BaseEstimator, TransformerMixin):
    """One output of the network for each column of y."""

    def __init__(self, form):
        self.form = form

    def fit(self, y):
        self.n_outputs_expected_ = y.shape[1]
        return self

    def transform(self, y):
        parts = [column[:, None].astype(np.float32) for column in y.T]
        return parts if self.form is list else dict(zip("ab", parts, strict=True))

    def inverse_transform(self, y, return_proba=False):
        return y


def two_heads(meta):
    rows = keras.Input((meta["n_features_in_"],))
    heads = {
        name: keras.layers.Dense(
            1, "sigmoid", use_bias=False, kernel_initializer="zeros", name=name
        )(rows)
        for name in "ab"
    }
    return keras.Model(rows, heads)


@pytest.mark.parametrize("form", [list, dict])
def test_each_output_of_a_network_has_the_weights_of_its_column(form):
    class OfColumns(KerasClassifier):
        @property
        def target_encoder(self):
            return Columns(form)

    def network(meta):
        model = two_heads(meta)
        return model if form is dict else keras.Model(
            model.inputs, [model.output["a"], model.output["b"]]
        )  # fmt: skip

    y = several_labels()[:, :2]
    losses = ["binary_crossentropy"] * 2
    fitted = OfColumns(
        network, loss=losses if form is list else dict(zip("ab", losses, strict=True)),
        class_weight=["balanced", {1: 5.0}], batch_size=-1,
        optimizer="sgd", optimizer__learning_rate=1.0, random_state=0,
    ).fit(X, y)  # fmt: skip
    for column, weights, found in zip(
        y.T, ["balanced", {0: 1.0, 1: 5.0}], fitted.model_.get_weights(), strict=True
    ):
        weight = compute_sample_weight(weights, column)
        step = X.T @ (weight * (column - 0.5)) / len(y)
        np.testing.assert_allclose(found[:, 0], step, rtol=1e-4)
