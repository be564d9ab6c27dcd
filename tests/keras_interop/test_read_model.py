"""A Keras model read as a spec: right, or refused with the reason."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, regularizers
from keras_networks import binary, binary_rows
from sklearn.base import clone

from skloss import KerasClassifier
from skloss.keras_interop import build_keras_model
from skloss.keras_interop.compiled_settings import compiled_loss, optimizer_settings
from skloss.keras_interop.pack_model import pack_model
from skloss.keras_interop.read_model import NoCompiledFormError, spec_from_keras
from skloss.networks import cnn1d, cnn2d, dense
from skloss.networks.numpy_forward import forward
from skloss.training.outputs import output_probabilities

RATES = st.sampled_from([0.0, 0.25])
PENALTIES = st.sampled_from([0.0, 0.125])
COMMON = {
    "n_outputs": st.integers(1, 3),
    "activation": st.sampled_from(["relu", "tanh", "elu", "leaky_relu", "gelu"]),
    "batch_norm": st.booleans(),
    "l1": PENALTIES,
    "l2": PENALTIES,
    "activity_l2": PENALTIES,
}
TABLES = st.fixed_dictionaries(
    COMMON | {"width": st.lists(st.integers(1, 4), min_size=1, max_size=2)}
).flatmap(
    lambda given: st.tuples(*[RATES] * len(given["width"])).map(
        lambda rates: dense(3, dropout=rates, **given)
    )
)
SERIES = st.fixed_dictionaries(
    COMMON
    | {
        "filters": st.sampled_from([((2,),), ((2, 3), (1,))]),
        "head": st.sampled_from([(), (4,)]),
        "padding": st.sampled_from(["same", "valid"]),
        "global_pooling": st.sampled_from([None, "average", "max"]),
    }
).map(
    lambda given: cnn1d(
        (12, 2),
        kernel_size=(3,) * len(given["filters"]),
        pool_size=(2,) * len(given["filters"]),
        **given,
    )
)


IMAGES = st.fixed_dictionaries(
    COMMON
    | {
        "filters": st.sampled_from([((2,),), ((2, 3), (1,))]),
        "spatial_dropout": st.booleans(),
        "rate": RATES,
        "stride": st.integers(1, 2),
        "global_pooling": st.sampled_from([None, "average", "max"]),
    }
).map(
    lambda given: cnn2d(
        (18, 17, 2),
        kernel_size=(3,) * len(given["filters"]),
        pool_size=(2,) * len(given["filters"]),
        dropout=(given.pop("rate"),) * len(given["filters"]),
        strides=(given.pop("stride"),) * len(given["filters"]),
        **given,
    )
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(TABLES | SERIES | IMAGES)
def test_reading_undoes_building(spec):
    assert spec_from_keras(build_keras_model(spec), from_logits=True) == spec


def test_a_model_is_the_same_after_packing():
    model = sequential(layers.Dense(3, "tanh"), layers.BatchNormalization(), head())
    other = pack_model(model).unpack()
    first, second = (spec_from_keras(m, from_logits=False) for m in (model, other))
    assert first == second
    for found, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def sequential(*more, rows=(6,)):
    return keras.Sequential([keras.Input(rows), *more])


def head(units=1, activation="sigmoid", **options):
    return layers.Dense(units, activation, **options)


READ = {
    "activations of their own": sequential(
        layers.Dense(3), layers.ReLU(), layers.Dense(1), layers.Activation("sigmoid")
    ),
    "softmax of its own": sequential(layers.Dense(3), layers.Softmax()),
    "a model in a model": sequential(sequential(layers.Dense(3, "tanh")), head()),
    "series from a table": sequential(
        layers.Reshape((3, 2)),
        layers.Conv1D(2, 2),
        layers.Flatten(),
        head(3, "softmax"),
    ),
    "a table from series": sequential(layers.Flatten(), head(), rows=(3, 2)),
    "strides and dilation": sequential(
        layers.Conv1D(2, 2, strides=2, padding="same"),
        layers.Conv1D(3, 2, dilation_rate=2),
        layers.Flatten(),
        head(),
        rows=(6, 1),
    ),
    "recurrent": sequential(
        layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
        layers.GRU(3),
        head(),
        rows=(3, 2),
    ),
    "images": sequential(
        layers.Conv2D(2, 2, strides=2, padding="same"),
        layers.SpatialDropout2D(0.5),
        layers.BatchNormalization(),
        layers.MaxPooling2D(1),
        layers.GlobalMaxPooling2D(),
        head(),
        rows=(3, 2, 1),
    ),
    "a dropout of nothing": sequential(layers.Dropout(0.0), head()),
}


@pytest.mark.parametrize("model", READ.values(), ids=READ)
def test_what_is_read_computes_the_same(model):
    spec = spec_from_keras(model, from_logits=False)
    rows = np.random.default_rng(0).normal(size=(5, 6)).astype("f")
    logits = forward(spec, model.get_weights(), rows.reshape(5, *spec.input_shape))
    outputs = np.asarray(model(rows.reshape(5, *model.input_shape[1:])))
    expected = output_probabilities(outputs, from_logits=False)
    found = output_probabilities(logits, from_logits=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def frozen():
    model = sequential(layers.Dense(3), head())
    model.layers[0].trainable = False
    return model


def branched():
    rows = keras.Input((6,))
    both = layers.Add()([layers.Dense(3)(rows), layers.Dense(3)(rows)])
    return keras.Model(rows, head()(both))


L2 = regularizers.L2(0.1)
REFUSED = {
    "frozen": (frozen(), "layer 'dense.*' is frozen"),
    "branches": (branched(), "not one chain"),
    "recurrent": (sequential(layers.SimpleRNN(2), head(), rows=(3, 2)), "SimpleRNN"),
    "dropout from step to step": (
        sequential(layers.GRU(2, recurrent_dropout=0.5), head(), rows=(3, 2)),
        "recurrent_dropout",
    ),
    "a sum of both ways": (
        sequential(
            layers.Bidirectional(layers.LSTM(2), merge_mode="sum"), head(), rows=(3, 2)
        ),
        "merge_mode",
    ),
    "the other reset": (
        sequential(layers.GRU(2, reset_after=False), head(), rows=(3, 2)),
        "reset_after",
    ),
    "penalties of cells": (
        sequential(layers.GRU(2, kernel_regularizer=L2), head(), rows=(3, 2)),
        "penalties of the kernels differ",
    ),
    "penalties": (sequential(head(3, "relu", kernel_regularizer=L2), head()), "differ"),
    "activities": (
        sequential(*[head(3, "relu", activity_regularizer=L2) for _ in "ab"], head()),
        None,
    ),
    "one activity of two": (
        sequential(head(3, "relu", activity_regularizer=L2), head(3, "relu"), head()),
        "penalties of the activities differ",
    ),
    "constraint": (
        sequential(head(kernel_constraint=keras.constraints.NonNeg())),
        "kernel_constraint",
    ),
    "bias": (sequential(head(bias_regularizer=L2)), "bias_regularizer"),
    "groups": (
        sequential(
            layers.Conv1D(2, 2, groups=2), layers.Flatten(), head(), rows=(6, 2)
        ),
        "groups",
    ),
    "overlapping pools": (
        sequential(layers.MaxPooling1D(3, 2), layers.Flatten(), head(), rows=(6, 2)),
        "strides",
    ),
    "slope": (sequential(layers.Dense(3), layers.LeakyReLU(0.3), head()), "slope=0.3"),
    "function of one's own": (sequential(head(3, lambda x: x), head()), "has not"),
    "precision": (sequential(head(dtype="float64")), "dtype='float64'"),
    "whole numbers": (
        keras.Sequential([keras.Input((6,), dtype="int32"), head()]),
        "float32",
    ),
    "logits": (sequential(head(activation="linear")), "takes probabilities"),
    "two sigmoids": (sequential(head(2)), "2 units end in 'sigmoid'"),
    "no head": (sequential(layers.Dropout(0.1)), "not a Dense"),
}


@pytest.mark.parametrize(("model", "text"), REFUSED.values(), ids=REFUSED)
def test_what_a_spec_cannot_say_is_refused(model, text):
    if text is None:  # the counterpart that can be said
        assert spec_from_keras(model, from_logits=False).activity_l2 > 0
        return
    with pytest.raises(NoCompiledFormError, match=text):
        spec_from_keras(model, from_logits=False)


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("hinge", "'hinge'"),
        (lambda y, p: p, "lambda"),
        (keras.losses.CategoricalFocalCrossentropy(), "no compiled form"),
        (keras.losses.BinaryCrossentropy(reduction="sum"), "reduction='sum'"),
        (
            keras.losses.SparseCategoricalCrossentropy(ignore_class=1),
            "ignore_class=1",
        ),
        (
            keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True),
            "apply_class_balancing=True",
        ),
    ],
)
def test_a_loss_without_a_compiled_form_says_why(loss, text):
    read = compiled_loss(loss)
    assert read.settings is None
    assert text in read.reason


@pytest.mark.parametrize(
    "options",
    [
        {"beta_1": 0.5},
        {"amsgrad": True},
        {"weight_decay": 0.1},
        {"global_clipnorm": 1.0},
        {"use_ema": True},
        {"gradient_accumulation_steps": 2},
    ],
    ids=str,
)
def test_an_optimizer_with_other_constants_is_refused(options):
    with pytest.raises(NoCompiledFormError, match=f"Adam has {next(iter(options))}="):
        optimizer_settings(keras.optimizers.Adam(**options))


X, y = binary_rows()
SMOOTH = keras.losses.BinaryCrossentropy(label_smoothing=0.2)
FOCAL = keras.losses.BinaryFocalCrossentropy(gamma=1.5)
EXACT = {
    "adam": {"optimizer": "adam", "optimizer__learning_rate": 0.01},
    "sgd with momentum": {
        "optimizer": keras.optimizers.SGD,
        "optimizer__learning_rate": 0.1,
        "optimizer__momentum": 0.8,
        "optimizer__nesterov": True,
    },
    "rmsprop, weights": {"optimizer": "rmsprop", "class_weight": {0: 1.0, 1: 4.0}},
    "adamw, clipped": {
        "optimizer": "adamw",
        "optimizer__weight_decay": 0.1,
        "optimizer__clipnorm": 0.01,
    },
    "smoothed": {"loss": SMOOTH, "batch_size": 50},
    "focal": {"loss": FOCAL},
}


@pytest.mark.parametrize("options", EXACT.values(), ids=EXACT)
def test_the_engine_ends_at_the_weights_of_keras(options):
    given = {
        "loss": "binary_crossentropy",
        "epochs": 3,
        "shuffle": False,
        "random_state": 0,
        "compile__jit_compile": False,
    }
    ours = KerasClassifier(binary, **given | options)
    keras_own = clone(ours).set_params(callbacks=keras.callbacks.Callback)
    ours.fit(X, y)
    keras_own.fit(X, y)
    assert ours.record_.outcome["program"] != keras_own.record_.outcome["program"]
    for found, expected in zip(
        ours.model_.get_weights(), keras_own.model_.get_weights(), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(
        ours.history_["loss"], keras_own.history_["loss"], rtol=1e-4
    )
    for name in ("loss", "mcc", "average_precision"):
        np.testing.assert_allclose(
            ours.record_.history[name], keras_own.record_.history[name], rtol=1e-4
        )
