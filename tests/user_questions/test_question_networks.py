"""Each network of the source documents is one constructor call, layer for layer."""

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras.regularizers import L2

from skloss import CNN1DClassifier, DenseClassifier

# Written by hand from the documents; the last layer gives logits, where they put a
# sigmoid or softmax behind it.


def network_of_document_0():
    def convolution(filters):
        return kl.Conv1D(
            filters,
            kernel_size=3,
            padding="same",
            activation="relu",
            activity_regularizer=L2(5e-4),
        )

    return keras.Sequential(
        [
            keras.Input((1036, 1)),
            convolution(32),
            convolution(16),
            kl.MaxPooling1D(),
            convolution(8),
            convolution(8),
            kl.MaxPooling1D(),
            kl.Flatten(),
            kl.Dense(10, activation="relu"),
            kl.Dropout(0.25),
            kl.Dense(1),
        ]
    )


def network_of_document_1():
    model = keras.Sequential([keras.Input((9,))])
    for rate in (0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2):
        model.add(kl.Dense(7, activation="linear"))
        model.add(kl.Dropout(rate))
    model.add(kl.Dense(1))
    return model


def network_of_document_2():
    return keras.Sequential(
        [keras.Input((9,)), kl.Dense(18, activation="relu"), kl.Dense(1)]
    )


def network_of_document_4():
    return keras.Sequential(
        [
            keras.Input((20,)),
            kl.Dense(128, activation="relu"),
            kl.Dropout(0.5),
            kl.Dense(64, activation="relu"),
            kl.Dropout(0.3),
            kl.Dense(10),
        ]
    )


ONE_EPOCH = {"epochs": 1, "random_state": 0}
SEEDS = {
    "S0": (
        CNN1DClassifier(
            filters=((32, 16), (8, 8)),
            kernel_size=3,
            pool_size=2,
            head=(10,),
            dropout=0.25,
            activity_l2=5e-4,
            scale_series=None,
            batch_norm=False,
            **ONE_EPOCH,
        ),
        network_of_document_0,
        128 + 1_552 + 392 + 200 + 20_730 + 11,
    ),
    "S1": (
        DenseClassifier(
            width=7,
            depth=11,
            activation="linear",
            dropout=(0.5,) + (0.2,) * 10,
            **ONE_EPOCH,
        ),
        network_of_document_1,
        70 + 10 * 56 + 8,
    ),
    "S2": (
        DenseClassifier(width=None, **ONE_EPOCH),
        network_of_document_2,
        9 * 18 + 18 + 19,
    ),
    "S4": (
        DenseClassifier(width=(128, 64), dropout=(0.5, 0.3), **ONE_EPOCH),
        network_of_document_4,
        21 * 128 + 129 * 64 + 65 * 10,
    ),
}


@pytest.fixture(scope="module", params=SEEDS)
def seed(request):
    """Return a fitted classifier, the network by hand, its parameters, and rows."""
    classifier, by_hand, n_parameters = SEEDS[request.param]
    network = by_hand()
    n_classes = max(2, network.output_shape[-1])
    n_rows = max(24, 3 * n_classes)
    X = np.random.default_rng(0).normal(size=(n_rows, network.input_shape[1]))
    classifier.fit(X, np.arange(n_rows) % n_classes)
    return classifier, network, n_parameters, X


def description(layer):
    """Return all that makes a layer what it is."""
    kept = (
        "units",
        "filters",
        "kernel_size",
        "pool_size",
        "padding",
        "rate",
        "use_bias",
    )
    described = {name: getattr(layer, name) for name in kept if hasattr(layer, name)}
    for name in ("kernel_regularizer", "activity_regularizer"):
        regularizer = getattr(layer, name, None)
        described[name] = None if regularizer is None else float(regularizer.l2)
    if hasattr(layer, "activation"):
        described["activation"] = layer.activation.__name__
    return type(layer).__name__, described


def test_the_network_has_the_layers_of_the_document(seed):
    classifier, network, _, _ = seed
    found = [description(layer) for layer in classifier.model_.layers]
    assert found == [description(layer) for layer in network.layers]


def test_the_network_has_the_parameters_of_the_document(seed):
    classifier, network, n_parameters, _ = seed
    assert network.count_params() == n_parameters
    assert classifier.model_.count_params() == n_parameters
    assert classifier.network_.n_parameters == n_parameters
    assert sum(weight.size for weight in classifier.weights_) == n_parameters


def test_the_weights_fit_into_the_network_by_hand_with_equal_probabilities(seed):
    classifier, network, _, X = seed
    network.set_weights(classifier.weights_)
    activate = keras.ops.sigmoid if len(classifier.classes_) == 2 else keras.ops.softmax
    rows = X.reshape(len(X), *network.input_shape[1:]).astype("f4")
    expected = keras.ops.convert_to_numpy(activate(network(rows, training=False)))
    chances = classifier.predict_proba(X)
    found = chances[:, 1:] if expected.shape[1] == 1 else chances
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_model_predicts_as_the_classifier_does(seed):
    classifier, _, _, X = seed
    model = classifier.model_
    logits = np.asarray(model(X.reshape(len(X), *model.input_shape[1:]).astype("f4")))
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    expected = np.asarray(keras.ops.softmax(logits.astype(float)))
    np.testing.assert_allclose(classifier.predict_proba(X), expected, atol=1e-5)


def test_training_moved_the_weights_of_every_layer(seed):
    classifier, _, _, X = seed
    other = type(classifier)(**classifier.get_params() | {"learning_rate": 1e-9})
    other.fit(X, np.arange(len(X)) % len(classifier.classes_))
    moved = [
        np.abs(one - two).max()
        for one, two in zip(classifier.weights_, other.weights_, strict=True)
    ]
    assert min(moved) > 1e-5
