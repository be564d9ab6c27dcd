"""Rows and estimators of the faulty trainings in ``fault_cases.jsonl``."""

import math
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from numpy.random import Generator
from sklearn import datasets
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split

Pair = tuple[np.ndarray, np.ndarray]
Case = dict[str, Any]


# --------------------------------------------------------------------------------- rows


def _classes(rng: Generator, n: int, classes: int, shares: Any) -> np.ndarray:
    shares = np.full(classes, 1.0) if shares is None else np.asarray(shares, float)
    edges = np.round(np.cumsum(shares / shares.sum()) * n).astype(int)
    return rng.permutation(np.repeat(np.arange(classes), np.diff(edges, prepend=0)))


def blobs(
    rng: Generator,
    n: int,
    d: int,
    classes: int = 2,
    sep: float = 1.0,
    shares: Any = None,
) -> Pair:
    """Gaussian clouds of unit width."""
    y = _classes(rng, n, classes, shares)
    return rng.normal(0, sep, (classes, d))[y] + rng.normal(size=(n, d)), y


def logistic(
    rng: Generator, n: int, d: int, strength: float = 1.0, shares: Any = None
) -> Pair:
    """Labels drawn from a softmax of a random map of normal columns."""
    X = rng.normal(size=(n, d))
    Z = X @ rng.normal(size=(d, 2)) * strength / math.sqrt(d)
    target = np.full(2, 0.5) if shares is None else np.asarray(shares) / np.sum(shares)
    bias = np.log(target)
    for _ in range(50):
        P = np.exp(Z + bias)
        P /= P.sum(axis=1, keepdims=True)
        bias += np.log(target / P.mean(axis=0))
    return X, (P[:, 0] < rng.random(n)).astype(int)


def circles(rng: Generator, n: int, noise: float = 0.1, factor: float = 0.5) -> Pair:
    """Two rings, one in the other."""
    seed = int(rng.integers(2**31))
    return datasets.make_circles(n, noise=noise, factor=factor, random_state=seed)


def xor(rng: Generator, rows: int = 4) -> Pair:
    """Corners of the unit square, repeated."""
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)[np.arange(rows) % 4]
    return X, (X.sum(axis=1) == 1).astype(int)


def digits(
    rng: Generator, side: int = 8, top: float = 1.0, image: bool = False
) -> Pair:
    """Handwritten digits, enlarged."""
    source = datasets.load_digits()
    X = np.kron(source.images / 16 * top, np.ones((1, side // 8, side // 8)))
    return (X[..., None] if image else X.reshape(len(X), -1)), source.target


def table(rng: Generator, name: str) -> Pair:
    """Load a table of scikit-learn."""
    return getattr(datasets, f"load_{name}")(return_X_y=True)


def series(
    rng: Generator,
    n: int,
    length: int,
    channels: int = 1,
    classes: int = 2,
    noise: float = 0.5,
) -> Pair:
    """Noisy sines that differ in the number of their turns."""
    y = _classes(rng, n, classes, None)
    t = np.linspace(0, 1, length)[None, :, None]
    phase = rng.random((n, 1, channels))
    X = np.sin(2 * np.pi * ((2 + 2 * y[:, None, None]) * t + phase))
    return X + noise * rng.normal(size=(n, length, channels)), y


def bag_of_words(
    rng: Generator,
    n: int,
    words: int,
    classes: int,
    length: int = 60,
    topical: float = 0.3,
    counts: bool = False,
) -> Pair:
    """Words of texts, some of them of the topic."""
    y = _classes(rng, n, classes, None)
    common = rng.dirichlet(np.full(words, 0.1))
    own = rng.dirichlet(np.full(words, 0.05), classes)
    topics = (1 - topical) * common + topical * own
    X = np.stack([rng.multinomial(length, topics[label]) for label in y])
    return (X if counts else X > 0).astype(float), y


KINDS: dict[str, Callable[..., Pair]] = {
    make.__name__: make
    for make in (blobs, logistic, circles, xor, digits, table, series, bag_of_words)
}


def rows_of(case: Case, seed: int) -> tuple[Pair, Pair]:
    """Rows that are seen, and as many that nobody sees, where rows can be drawn."""
    rng = np.random.default_rng(seed)
    data = dict(case["data"])
    data.pop("targets", None)
    steps = [*data.pop("steps", []), *case["split"].get("steps", [])]
    if "n" in data:
        data["n"] *= 2
    make = KINDS[data.pop("kind")]
    if unknown := data.keys() - signature(make).parameters:
        raise NotAnEstimatorError(f"data with {', '.join(sorted(unknown))}")
    X, y = make(rng, **data)
    seen, unseen = _halves(X, y, 0.5 if "n" in data else 0.4, rng)
    for step in steps:
        seen, unseen = _stepped(seen, step, rng, True), _stepped(unseen, step, rng)
    if case["split"].get("standardise"):
        mean, sd = seen[0].mean(axis=0), np.maximum(seen[0].std(axis=0), 1e-12)
        seen, unseen = (((X - mean) / sd, y) for X, y in (seen, unseen))
    return tuple((X.astype(np.float32), y) for X, y in (seen, unseen))


def _halves(X: np.ndarray, y: np.ndarray, share: float, rng: Generator) -> list[Pair]:
    seed = int(rng.integers(2**31))
    A, B, a, b = train_test_split(X, y, test_size=share, stratify=y, random_state=seed)
    return [(A, a), (B, b)]


def _stepped(pair: Pair, step: Case, rng: Generator, is_seen: bool = False) -> Pair:
    X, y = pair
    kind = step["do"]
    if kind == "scale":
        X = X * np.array(step.get("by", 1.0)) + np.array(step.get("shift", 0.0))
    elif kind == "spread":
        X = X * np.geomspace(step["low"], step["high"], X.shape[-1])
    elif kind == "standardise":
        X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    elif kind == "flip" and is_seen:
        y = np.where(rng.random(len(y)) < step["share"], rng.permutation(y), y)
    elif kind == "sort" and is_seen:
        order = np.argsort(y, kind="stable")
        X, y = X[order], y[order]
    elif kind not in ("flip", "sort"):
        raise NotAnEstimatorError(f"step {kind!r}")
    return X, y


# -------------------------------------------------------------------------- estimators


class NotAnEstimatorError(Exception):
    """A training that cannot be said as an unfitted estimator."""


_LAYERS = {
    "conv1d": "Conv1D",
    "conv2d": "Conv2D",
    "maxpool1d": "MaxPooling1D",
    "maxpool2d": "MaxPooling2D",
    "gap1d": "GlobalAveragePooling1D",
    "gap2d": "GlobalAveragePooling2D",
    "flatten": "Flatten",
    "batchnorm": "BatchNormalization",
    "leaky_relu": "LeakyReLU",
    "lstm": "LSTM",
    "dense": "Dense",
}
_OPTIONS = {
    "act": "activation",
    "init": "kernel_initializer",
    "bias": "bias_initializer",
    "kernel": "kernel_size",
    "size": "pool_size",
    "pad": "padding",
}


def estimator_of(case: Case, seed: int = 0) -> BaseEstimator:
    """Say a training as a KerasClassifier whose model function has parameters."""
    split, fit, compiled = case["split"], case["fit"], case["compile"]
    told = (*split.get("train_steps", ()), *split.get("val_steps", ()))
    if told or case.get("resample") or "lr_steps" in fit or compiled.get("from_logits"):
        raise NotAnEstimatorError("the fault is not one of an estimator")
    if case["data"].get("image"):
        raise NotAnEstimatorError("networks for images take too long")
    if case["data"]["kind"] not in KINDS:
        raise NotAnEstimatorError(f"data {case['data']['kind']!r}")
    from skloss import KerasClassifier  # it imports TensorFlow

    optimizer = dict(compiled["optimizer"])
    name, rate = optimizer.pop("name"), optimizer.pop("lr")
    routed = {f"optimizer__{key}": value for key, value in optimizer.items()}
    tail = fit.get("validation_split", 0.0)
    held = split.get("size", 0.2) if split["how"] == "shuffled" else "auto"
    return KerasClassifier(
        network_of(case["network"]),
        loss=compiled["loss"],
        optimizer=name,
        optimizer__learning_rate=rate,
        epochs=fit["epochs"],
        batch_size=-1 if fit["batch_size"] == "full" else fit["batch_size"],
        class_weight="balanced" if fit.get("class_weight") else None,
        validation_split=tail,
        validation_fraction="auto" if tail else held,
        random_state=seed,
        **routed,
    )


def network_of(specs: list[Case]) -> Callable[..., Any]:
    """Make the model function; a parameter that is not set leaves the layers alone."""
    known = [spec["act"] for spec in specs[:-1] if "act" in spec]
    rates = [spec["rate"] for spec in specs if spec["type"] == "dropout"]
    same = known[0] if len(set(known)) == 1 else None
    rate_of_all = rates[0] if len(set(rates)) == 1 else None

    def network(
        meta: Case,
        activation: str | None = same,
        dropout: float | None = rate_of_all,
        kernel_initializer: str | None = None,
        bias_initializer: str | None = None,
        width: int | None = None,
        l1: float | None = None,
        l2: float | None = None,
    ) -> Any:
        import keras

        layers = [keras.Input(meta["X_shape_"][1:])]
        for number, spec in enumerate(specs):
            is_last = number == len(specs) - 1
            if spec["type"] == "dropout":
                rate = spec["rate"] if dropout is None else dropout
                layers.append(keras.layers.Dropout(rate))
                continue
            options = dict(spec)
            if "act" in options and not is_last and activation is not None:
                options["act"] = activation
            if kernel_initializer is not None and "init" in options:
                options["init"] = kernel_initializer
            if bias_initializer is not None and "bias" in options:
                options["bias"] = bias_initializer
            if options["type"] in ("dense", "conv1d"):
                penalties = {"l1": l1, "l2": l2}
                options |= {n: v for n, v in penalties.items() if v is not None}
            if width is not None and not is_last and options["type"] == "dense":
                options["units"] = max(width, options["units"])
            layers.append(_layer(options))
            if dropout and not rates and options["type"] == "dense" and not is_last:
                layers.append(keras.layers.Dropout(dropout))
        return keras.Sequential(layers)

    return network


def _layer(spec: Case) -> Any:
    import keras

    spec = dict(spec)
    kind, l1, l2 = spec.pop("type"), spec.pop("l1", 0.0), spec.pop("l2", 0.0)
    options = {_OPTIONS.get(key, key): value for key, value in spec.items()}
    for key in ("kernel_initializer", "bias_initializer"):
        if isinstance(options.get(key), dict):
            options[key] = _initializer(options[key])
    if l1 or l2:
        options["kernel_regularizer"] = keras.regularizers.L1L2(l1, l2)
    if kind == "activation":
        return keras.layers.Activation(options["activation"])
    if kind not in _LAYERS:
        raise NotAnEstimatorError(f"layer {kind!r}")
    return getattr(keras.layers, _LAYERS[kind])(**options)


def _initializer(spec: dict[str, float]) -> Any:
    import keras

    ((kind, value),) = spec.items()
    made = {
        "normal": lambda: keras.initializers.RandomNormal(stddev=value),
        "uniform": lambda: keras.initializers.RandomUniform(-value, value),
        "constant": lambda: keras.initializers.Constant(value),
    }
    return made[kind]()
