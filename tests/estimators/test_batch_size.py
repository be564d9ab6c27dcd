"""A batch larger than the rows is a batch of all rows, in memory too."""

from functools import cache

import keras
import numpy as np
import pytest
from keras_networks import binary

from skloss import CNN1DClassifier, DenseClassifier, KerasClassifier

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 8)).astype(np.float32)
y = (X[:, 0] > 0).astype(int)
SHARED = {"epochs": 2, "random_state": 0}
NETWORK = SHARED | {"width": 3, "depth": 1, "validation_fraction": None}
KERAS = SHARED | {"loss": "binary_crossentropy"}


@cache
def fitted(make, method, size):
    given = {"classes": [0, 1]} if method == "partial_fit" else {}
    return getattr(make(size), method)(X, y, **given)


@pytest.mark.parametrize("size", [61, 20_000_000, 10**12, 2**70])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "make",
    [
        lambda size: DenseClassifier(batch_size=size, **NETWORK),
        lambda size: CNN1DClassifier(batch_size=size, **NETWORK),
        lambda size: KerasClassifier(binary, batch_size=size, **KERAS),
        lambda size: KerasClassifier(
            binary, batch_size=size, callbacks=keras.callbacks.Callback, **KERAS
        ),
    ],
    ids=["dense", "cnn", "engine", "keras"],
)
def test_a_batch_larger_than_the_rows_is_all_rows(make, method, size):
    large, all_rows = (fitted(make, method, n) for n in (size, 60))
    np.testing.assert_allclose(
        large.predict_proba(X), all_rows.predict_proba(X), rtol=1e-6
    )
    assert large.record_.configuration["training"]["batch_size"] == 60


def test_several_labels_per_row_can_have_a_large_batch_too():
    def network(meta):
        head = keras.layers.Dense(meta["n_classes_"], "sigmoid")
        return keras.Sequential([keras.Input((meta["n_features_in_"],)), head])

    labels = (X[:, :3] > 0).astype(int)
    fits = [
        KerasClassifier(network, batch_size=size, **KERAS).fit(X, labels)
        for size in (10**12, 60)
    ]
    first, second = (fitted.predict_proba(X) for fitted in fits)
    np.testing.assert_allclose(first, second, rtol=1e-6)
