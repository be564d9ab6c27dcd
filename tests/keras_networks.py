"""Model functions as scikeras' users write them."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_classification

__all__ = [
    "binary",
    "binary_rows",
    "branches",
    "compiled",
    "from_meta",
    "many_classes_rows",
    "recurrent",
    "softmax",
]


def binary_rows(n_rows=120, n_columns=6):
    X, y = make_classification(n_rows, n_columns, weights=[0.7], random_state=0)
    return X.astype(np.float32), y


def many_classes_rows(n_rows=120, n_columns=6):
    X, y = make_classification(
        n_rows, n_columns, n_informative=4, n_classes=3, random_state=0
    )
    return X.astype(np.float32), np.array(["calm", "gale", "storm"])[y]


def binary(meta, hidden_layer_sizes=(8,), dropout=0.0):
    model = keras.Sequential()
    model.add(layers.Input(shape=(meta["n_features_in_"],)))
    for size in hidden_layer_sizes:
        model.add(layers.Dense(size, activation="relu"))
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def softmax(meta, hidden_layer_dim=8):
    model = keras.models.Sequential()
    model.add(layers.Input(shape=meta["X_shape_"][1:]))
    model.add(layers.Dense(meta["n_features_in_"]))
    model.add(layers.Activation("relu"))
    model.add(layers.Dense(hidden_layer_dim))
    model.add(layers.Activation("relu"))
    model.add(layers.Dense(meta["n_classes_"]))
    model.add(layers.Activation("softmax"))
    return model


def from_meta(meta, compile_kwargs, width=8):
    """Head and loss by the kind of target, as in scikeras' tutorial."""
    inputs = layers.Input(shape=(meta["n_features_in_"],))
    hidden = layers.Dense(width, activation="relu")(inputs)
    if meta["target_type_"] == "binary":
        loss, units, activation = "binary_crossentropy", 1, "sigmoid"
    else:
        loss, units = "sparse_categorical_crossentropy", meta["n_classes_"]
        activation = "softmax"
    model = keras.Model(inputs, layers.Dense(units, activation=activation)(hidden))
    model.compile(loss=loss, optimizer=compile_kwargs["optimizer"])
    return model


def compiled(width=4, rate=0.01):
    """Plain arguments, and compiled."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(width, "relu"),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    return model


def recurrent(meta, units=4):
    """Both directions of a series that comes folded."""
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.Reshape((-1, 1)),
            layers.AveragePooling1D(4),
            layers.Bidirectional(layers.LSTM(units)),
            layers.Dense(1, "sigmoid"),
        ]
    )


def branches(meta):
    """A series seen whole and in detail."""
    inputs = keras.Input((meta["n_features_in_"],))
    whole = layers.Dense(4, "relu")(inputs)
    detail = layers.Reshape((-1, 1))(inputs)
    detail = layers.Conv1D(3, 3, activation="relu")(detail)
    detail = layers.GlobalMaxPooling1D()(detail)
    both = layers.Concatenate()([whole, detail])
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(both))
