"""Images and recurrent networks beside other learners, and beside ``keras.Model.fit``.

Images are scikit-learn's digits, one digit against the rest, thinned to 2 % of the
rows: average precision on rows that nothing has seen. Speeds are rows trained per
second in fits of the same network with the same batches, the compiling left out on both
sides.

    python benchmarks/family.py --quick
    python benchmarks/family.py
"""

import argparse
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skloss import CNN2DClassifier
from skloss.keras_interop import build_keras_model
from skloss.networks import cnn2d, initial_weights, recurrent
from skloss.training import NetworkTraining, Rows, Settings, train

SHARE = 0.02
MOVED = {"shift": 0.13, "rotation": 10}
NETWORK = {"filters": (32, 64), "epochs": 40, "batch_size": 32, "learning_rate": 2e-3}


def rare_digits(digit, seed):
    """Thin one digit to 2 % of the training rows; return them, and a test set."""
    X, digits = load_digits(return_X_y=True)
    y = (digits == digit).astype(int)
    X, X_test, y, y_test = train_test_split(
        X / 16, y, test_size=0.4, stratify=y, random_state=seed
    )
    rng = np.random.default_rng(seed)
    common = np.flatnonzero(y == 0)
    rare = rng.permutation(np.flatnonzero(y == 1))
    rare = rare[: round(SHARE / (1 - SHARE) * len(common))]
    kept = np.sort(np.concatenate([common, rare]))
    return X[kept], y[kept], X_test, y_test


def fit_keras(X, y, seed):
    """Fit the same network by ``keras.Model.fit``, on all rows."""
    import keras

    keras.utils.set_random_seed(seed)
    kinds = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            kinds.Conv2D(32, 3, padding="same", activation="relu"),
            kinds.MaxPooling2D(),
            kinds.Conv2D(64, 3, padding="same", activation="relu"),
            kinds.MaxPooling2D(),
            kinds.Flatten(),
            kinds.Dense(128, activation="relu"),
            kinds.Dropout(0.5),
            kinds.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(NETWORK["learning_rate"]), "binary_crossentropy"
    )
    images = X.reshape(-1, 8, 8, 1)
    model.fit(images, y, batch_size=32, epochs=NETWORK["epochs"], verbose=0)
    return lambda X: model.predict(X.reshape(-1, 8, 8, 1), verbose=0)[:, 0]


def of_estimator(estimator):
    """Fit an estimator; its probabilities."""

    def fit(X, y, seed):
        fitted = estimator(seed).fit(X, y)
        return lambda X: fitted.predict_proba(X)[:, 1]

    return fit


LEARNERS = {
    "`CNN2DClassifier`, shifted and rotated": of_estimator(
        lambda seed: CNN2DClassifier(augment=MOVED, random_state=seed, **NETWORK)
    ),
    "`CNN2DClassifier`": of_estimator(
        lambda seed: CNN2DClassifier(random_state=seed, **NETWORK)
    ),
    "`keras.Model.fit`": fit_keras,
    "`MLPClassifier`": of_estimator(
        lambda seed: MLPClassifier((128,), max_iter=400, random_state=seed)
    ),
    "`HistGradientBoostingClassifier`": of_estimator(
        lambda seed: HistGradientBoostingClassifier(random_state=seed)
    ),
}


def compare_digits(cases):
    """Print the average precision of each learner."""
    print("## Rare digits\n")
    print(
        f"Average precision on untouched rows, medians of {len(cases)} digits; one "
        "digit is 2 % of the rows trained on.\n"
    )
    print("| learner | median | lowest | seconds a fit |")
    print("|---|---|---|---|")
    for name, fit in LEARNERS.items():
        found, seconds = [], []
        for digit, seed in cases:
            X, y, X_test, y_test = rare_digits(digit, seed)
            started = time.perf_counter()
            predict = fit(X, y, seed)
            seconds.append(time.perf_counter() - started)
            found.append(average_precision_score(y_test, predict(X_test)))
        print(
            f"| {name} | {np.median(found):.3f} | {min(found):.3f} | "
            f"{np.median(seconds):.1f} |",
            flush=True,
        )


def image_spec(side):
    return cnn2d(
        (side, side, 1),
        n_outputs=1,
        filters=((16,), (32,)),
        kernel_size=(3, 3),
        pool_size=(2, 2),
        head=(64,),
    )


def recurrent_spec(steps, **options):
    return recurrent((steps, 1), n_outputs=1, width=(32,), **options)


def speed_cases(quick):
    """Name, network, rows and batch size of each job."""
    for side in (8, 64) if quick else (8, 16, 28, 64):
        n_rows = 256 if quick else max(512, 200_000 // side**2)
        yield f"image of {side} x {side}, batch 32", image_spec(side), n_rows, 32
    for steps in (100,) if quick else (100, 300, 1000):
        n_rows = 128 if quick else 256
        for cell in ("lstm", "gru"):
            spec = recurrent_spec(steps, cell=cell)
            yield f"{cell.upper()} of {steps} steps, batch 32", spec, n_rows, 32
    front = {"filters": ((32,), (64,)), "kernel_size": (7, 7), "pool_size": (4, 4)}
    spec = recurrent_spec(100 if quick else 400, front=front)
    yield f"CNN-LSTM of {spec.input_shape[0]} steps, batch 32", spec, 256, 32


def rows_per_second(spec, n_rows, batch_size, epochs, backends):
    """Of Keras, and of skloss by each backend; the best of all epochs but the first."""
    import keras

    import skloss.training.trainer as trainer

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, int(np.prod(spec.input_shape)))).astype("f4")
    y = (X[:, 0] > 0).astype("i4")
    weights = initial_weights(spec, rng)
    model = build_keras_model(spec, weights)
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    images = X.reshape(-1, *spec.input_shape)
    fastest = np.inf
    for epoch in range(epochs + 1):
        started = time.perf_counter()
        model.fit(images, y, batch_size=batch_size, verbose=0)
        if epoch:
            fastest = min(fastest, time.perf_counter() - started)
    found = {"keras": n_rows / fastest}
    how = Settings(epochs=epochs + 1, batch_size=batch_size)
    choose = trainer.choose_backend
    for backend in backends:
        trainer.choose_backend = choose if backend is None else lambda *_, b=backend: b
        result = train(
            NetworkTraining(spec, weights, Rows(X, y), how, {}, is_repeated=True)
        )
        found[backend] = n_rows / min(result.history["seconds"][1:])
        found["chosen" if backend is None else backend] = found.pop(backend)
        if backend is None:
            found["name"] = result.backend
    trainer.choose_backend = choose
    return found


def compare_speeds(quick):
    """Print rows per second beside Keras in the same run."""
    print("\n## Rows trained per second\n")
    print("| network | `keras.Model.fit` | skloss | times | graph | XLA |")
    print("|---|---|---|---|---|---|")
    for name, spec, n_rows, batch_size in speed_cases(quick):
        backends = (None, "graph", "xla") if spec.is_recurrent else (None,)
        found = rows_per_second(spec, n_rows, batch_size, 2 if quick else 4, backends)
        ways = [
            f"{found[way]:,.0f}" if way in found else "" for way in ("graph", "xla")
        ]
        print(
            f"| {name} | {found['keras']:,.0f} | {found['chosen']:,.0f} "
            f"({found['name']}) | {found['chosen'] / found['keras']:.1f} | "
            f"{ways[0]} | {ways[1]} |",
            flush=True,
        )


def main():
    """Compare and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="try that it runs")
    options = parser.parse_args()
    if options.quick:
        NETWORK["epochs"] = 2
    several = [(digit, 0) for digit in (1, 3, 5, 8, 9)]
    compare_digits(several[:1] if options.quick else several)
    compare_speeds(options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
