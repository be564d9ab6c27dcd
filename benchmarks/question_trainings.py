"""Trainings of the five questions of the gallery, as estimators on rows of their shape.

The rows are made, or come with scikit-learn. Half of them are seen, and half by nobody.
The names that are true of a training are those that its page in the gallery gives.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from fault_rows import Pair
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skloss import DenseClassifier, make_pipeline
from skloss.datasets import make_consumption, make_drift_table, make_rare_events

Made = tuple[BaseEstimator, Pair, Pair]


def halves(X: np.ndarray, y: np.ndarray) -> tuple[Pair, Pair]:
    A, B, a, b = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
    return (A, a), (B, b)


def honest_or_not(from_logits: bool) -> Made:
    """Take a sigmoid for logits or not, behind SMOTE on the training rows."""
    import keras

    from skloss import KerasClassifier  # it imports TensorFlow

    X, y = make_consumption(2400, 100, theft_rate=0.085, random_state=0)
    is_read = (X > 0).mean(axis=1) > 0.2
    network = KerasClassifier(
        convolutions,
        loss=keras.losses.BinaryCrossentropy(from_logits=from_logits),
        optimizer="adam",
        epochs=12,
        batch_size=32,
        validation_fraction=0.2,
        random_state=0,
    )
    rows = np.log1p(X[is_read]).astype(np.float32), y[is_read]
    return make_pipeline(SMOTE(random_state=0), network), *halves(*rows)


def convolutions(meta: dict[str, Any], dropout: float = 0.25) -> Any:
    from keras import Input, Sequential, layers
    from keras.regularizers import L2

    def convolution(filters: int) -> Any:
        return layers.Conv1D(
            filters, 3, padding="same", activation="relu", activity_regularizer=L2(5e-4)
        )

    n_days = meta["n_features_in_"]
    return Sequential(
        [
            Input((n_days,)),
            layers.Reshape((n_days, 1)),
            convolution(32),
            convolution(16),
            layers.MaxPooling1D(),
            convolution(8),
            convolution(8),
            layers.MaxPooling1D(),
            layers.Flatten(),
            layers.Dense(10, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def eleven_linear_layers() -> Made:
    stack = DenseClassifier(
        width=7,
        depth=11,
        activation="linear",
        dropout=(0.5, *[0.2] * 10),
        batch_size=128,
        epochs=10,
        random_state=0,
    )
    return stack, *halves(*make_drift_table(16_000, random_state=0))


def one_hidden_layer() -> Made:
    answered = DenseClassifier(None, batch_size=128, epochs=15, random_state=0)
    return answered, *halves(*make_drift_table(16_000, random_state=0))


def images_of_prototypes() -> Made:
    """Normalize and drop in each block, of ever fewer channels."""
    from skloss import KerasClassifier  # it imports TensorFlow

    digits = load_digits()
    X, y = (digits.images / 16).astype(np.float32)[..., None], digits.target
    network = KerasClassifier(
        blocks,
        loss="sparse_categorical_crossentropy",
        optimizer="adadelta",
        optimizer__learning_rate=1.0,
        epochs=18,
        batch_size=32,
        validation_fraction=0.2,
        random_state=0,
    )
    return network, *synthesized(X, y)


def synthesized(X: np.ndarray, y: np.ndarray) -> tuple[Pair, Pair]:
    """Make images of five prototypes of each digit; the real ones are unseen."""
    from scipy.ndimage import gaussian_filter, shift

    rng = np.random.default_rng(0)
    prototypes = np.concatenate([np.flatnonzero(y == digit)[:5] for digit in range(10)])
    real = np.setdiff1d(np.arange(len(y)), prototypes)
    drawn = rng.choice(prototypes, 1000)

    def soiled(image: np.ndarray) -> np.ndarray:
        moved = shift(image, rng.uniform(-1, 1, 2), order=1)
        blurred = gaussian_filter(moved, rng.uniform(0.3, 0.8))
        return np.clip(blurred + rng.normal(0, 0.1, image.shape), 0, 1)

    made = np.stack([soiled(image) for image in X[drawn, ..., 0]])[..., None]
    return (made.astype(np.float32), y[drawn]), (X[real], y[real])


def blocks(meta: dict[str, Any], dropout: float = 0.25) -> Any:
    from keras import Input, Sequential, layers

    found = [Input(meta["X_shape_"][1:])]
    for filters in (32, 16, 8):
        found += [
            layers.Conv2D(filters, 3, padding="same"),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            *([layers.Dropout(dropout)] if dropout else []),
            layers.MaxPooling2D(),
        ]
    found += [layers.Flatten(), layers.Dense(32, activation="relu")]
    found += [layers.Dropout(0.25), layers.Dense(10, activation="softmax")]
    return Sequential(found)


def digits_of(classifier: DenseClassifier) -> Made:
    X, y = load_digits(return_X_y=True)
    return classifier, *halves(X / 16, y)


def too_small() -> Made:
    return digits_of(DenseClassifier(width=2, epochs=30, random_state=0))


def too_fast() -> Made:
    options = {"optimizer": "sgd", "learning_rate": 30.0, "epochs": 30}
    return digits_of(DenseClassifier((128, 64), random_state=0, **options))


def all_linear() -> Made:
    linear = DenseClassifier((128, 64), activation="linear", epochs=30, random_state=0)
    return linear, *halves(*make_rare_events(8000, prevalence=0.1, random_state=0))


def too_large() -> Made:
    large = DenseClassifier(
        (256, 256), epochs=100, early_stopping=False, random_state=0
    )
    options = {"prevalence": 0.3, "label_noise": 0.2, "random_state": 0}
    return large, *halves(*make_rare_events(1600, **options))


def too_few_of_one_class() -> Made:
    blind = DenseClassifier(epochs=15, random_state=0)
    options = {"prevalence": 0.03, "separation": 1.0, "random_state": 0}
    return blind, *halves(*make_rare_events(24_000, **options))


QUESTIONS: dict[str, tuple[Callable[[], Made], tuple[str, ...]]] = {
    "0, honest or not": (
        lambda: honest_or_not(from_logits=True),
        ("sigmoid-with-from-logits",),
    ),
    "0, from_logits left out": (
        lambda: honest_or_not(from_logits=False),
        ("all-positive",),
    ),
    "1, linear stack": (eleven_linear_layers, ("linear-stack", "dropout-excess")),
    "2, one hidden layer": (
        one_hidden_layer,
        ("majority-collapse", "threshold-not-tuned"),
    ),
    "3, images": (
        images_of_prototypes,
        ("shrinking-channels", "batchnorm-after-dropout"),
    ),
    "4, too small": (too_small, ("under-capacity",)),
    "4, all linear": (all_linear, ("linear-stack",)),
    "4, too large": (too_large, ("overfit",)),
    "4, too few of one class": (
        too_few_of_one_class,
        ("majority-collapse", "threshold-not-tuned"),
    ),
    "4, too fast": (too_fast, ("lr-too-high",)),
}
