"""The same networks, trained as users of other libraries train them.

Every contestant takes rows, and gives a function that trains on them once and returns
rows per second. Networks and optimizers are made, and Keras' functions traced, before
the clock starts. For skloss the clock covers a whole ``fit``.
"""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

VALIDATION = 0.1

Rows = tuple[np.ndarray, np.ndarray]
Timed = Callable[[], float]


def rare_rows(n: int, n_columns: int, n_classes: int = 2) -> Rows:
    """Make normal columns; the rarer a class the larger the sum of the first three."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_columns)).astype(np.float32)
    score = X[:, :3].sum(axis=1) + rng.normal(size=n)
    edges = np.quantile(score, np.linspace(0.95, 1, n_classes)[:-1])
    return X, np.searchsorted(edges, score).astype(np.int64)


def timed(work: Callable[[], Any], amount: float) -> float:
    """Amount of work per second."""
    started = time.perf_counter()
    work()
    return amount / (time.perf_counter() - started)


def repeated(work: Callable[[], Any], amount: float, repeats: int) -> Timed:
    """Do a short piece of work several times."""

    def run() -> float:
        return timed(lambda: [work() for _ in range(repeats)], amount * repeats)

    return run


def skloss_fit(classifier: Any, rows: Rows) -> Timed:
    """Give the whole ``fit``: hold-out, training, all curves."""
    X, y = rows
    return lambda: timed(lambda: classifier.fit(X, y), len(X) * classifier.epochs)


def keras_fit(
    build: Callable[[], Any],
    rows: Rows,
    batch_size: int,
    epochs: int = 1,
    **compile_options: Any,
) -> Timed:
    """``keras.Model.fit`` with a validation split, as users call it."""
    import keras

    X, y = rows
    model = build()
    kind = "Sparse" * (model.output_shape[-1] > 1) + "Categorical"
    loss = (
        "BinaryCrossentropy" if model.output_shape[-1] == 1 else f"{kind}Crossentropy"
    )
    model.compile(
        optimizer="adam",
        loss=getattr(keras.losses, loss)(from_logits=True),
        **compile_options,
    )
    options = {"validation_split": VALIDATION, "verbose": 0, "batch_size": batch_size}

    def run() -> float:
        return timed(lambda: model.fit(X, y, epochs=epochs, **options), len(X) * epochs)

    run()
    return run


def skorch_fit(
    build: Callable[[], Any], rows: Rows, batch_size: int, epochs: int = 1
) -> Timed:
    """Skorch's classifier on torch, its validation split as large as the others'."""
    import torch
    from skorch import NeuralNetClassifier
    from skorch.dataset import ValidSplit

    X, y = rows
    net = NeuralNetClassifier(
        build(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        batch_size=batch_size,
        max_epochs=epochs,
        train_split=ValidSplit(VALIDATION, stratified=True),
        iterator_train__shuffle=True,
        verbose=0,
    )
    return lambda: timed(lambda: net.fit(X, y), len(X) * epochs)


def mlp_fit(
    hidden: Sequence[int], rows: Rows, batch_size: int, epochs: int = 1
) -> Timed:
    """scikit-learn's MLPClassifier, which by default measures no validation rows."""
    from sklearn.neural_network import MLPClassifier

    X, y = rows
    mlp = MLPClassifier(
        tuple(hidden), batch_size=batch_size, max_iter=epochs, n_iter_no_change=epochs
    )
    return lambda: timed(lambda: mlp.fit(X, y), len(X) * epochs)


def keras_dense(
    n_columns: int,
    widths: Sequence[int],
    n_outputs: int = 1,
    activation: str = "relu",
    dropout: Sequence[float] = (),
) -> Any:
    """Build a stack of dense layers in Keras, logits at its end."""
    import keras

    model = keras.Sequential([keras.Input((n_columns,))])
    for i, width in enumerate(widths):
        model.add(keras.layers.Dense(width, activation=activation))
        if dropout:
            model.add(keras.layers.Dropout(dropout[i]))
    model.add(keras.layers.Dense(n_outputs))
    return model


def torch_dense(n_columns: int, widths: Sequence[int], n_classes: int = 2) -> Any:
    """Build a stack of dense layers with ReLU in torch."""
    from torch import nn

    sizes = [n_columns, *widths]
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_classes))


def keras_theft(n_steps: int, activation: str = "relu", dropout: float = 0.25) -> Any:
    """Build the theft network in Keras: four convolutions and a dense layer."""
    import keras
    from keras import layers

    def convolution(filters: int) -> Any:
        return layers.Conv1D(
            filters,
            3,
            padding="same",
            activation=activation,
            activity_regularizer=keras.regularizers.L2(5e-4),
        )

    return keras.Sequential(
        [
            keras.Input((n_steps, 1)),
            convolution(32),
            convolution(16),
            layers.MaxPooling1D(),
            convolution(8),
            convolution(8),
            layers.MaxPooling1D(),
            layers.Flatten(),
            layers.Dense(10, activation=activation),
            layers.Dropout(dropout),
            layers.Dense(1),
        ]
    )


def torch_theft(n_steps: int) -> Any:
    """Build the theft network in torch, without the activity penalty."""
    from torch import nn

    def convolution(inputs: int, filters: int) -> list[Any]:
        return [nn.Conv1d(inputs, filters, 3, padding="same"), nn.ReLU()]

    return nn.Sequential(
        nn.Unflatten(1, (1, n_steps)),
        *convolution(1, 32),
        *convolution(32, 16),
        nn.MaxPool1d(2),
        *convolution(16, 8),
        *convolution(8, 8),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(8 * (n_steps // 2 // 2), 10),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(10, 2),
    )


def scikeras_dense(
    n_columns: int, batch_size: int, epochs: int, of: str = "scikeras.wrappers"
) -> Any:
    """Build a classifier of one hidden layer, as users of scikeras write it."""

    def build(width: int = 32, dropout: float = 0.0, activation: str = "relu") -> Any:
        import keras

        return keras.Sequential(
            [
                keras.Input((n_columns,)),
                keras.layers.Dense(width, activation=activation),
                keras.layers.Dropout(dropout),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )

    return _scikeras(build, batch_size, epochs, of)


def scikeras_series(n_steps: int, batch_size: int, epochs: int) -> Any:
    """Build scikeras' classifier of the theft network."""

    def build(dropout: float = 0.25, activation: str = "relu") -> Any:
        import keras

        network = keras_theft(n_steps, activation, dropout)
        return keras.Sequential([network, keras.layers.Activation("sigmoid")])

    return _scikeras(build, batch_size, epochs)


def _scikeras(
    build: Callable[..., Any],
    batch_size: int,
    epochs: int,
    of: str = "scikeras.wrappers",
) -> Any:
    classifier = import_module(of).KerasClassifier
    options = {"optimizer": "adam", "loss": "binary_crossentropy", "verbose": 0}
    return classifier(build, batch_size=batch_size, epochs=epochs, **options)


def grid_search(pipeline: Any, grid: dict, rows: Rows, folds: int = 5) -> Timed:
    """Whole search with its refit; fits per second."""
    from sklearn.model_selection import GridSearchCV, ParameterGrid

    X, y = rows
    n_fits = len(ParameterGrid(grid)) * folds + 1
    search = GridSearchCV(pipeline, grid, cv=folds, scoring="matthews_corrcoef")
    return lambda: timed(lambda: search.fit(X, y), n_fits)
