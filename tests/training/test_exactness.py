"""Equal to the bit, equal to Keras, or to Keras in law: the most that there can be."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from itertools import combinations, count

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from keras import layers as kl
from scipy.stats import ks_2samp, ttest_rel
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

import skloss.estimators.network_fit as network_fit
import skloss.training.backends as backends
import skloss.training.inference as predictor
import skloss.training.program as program
import skloss.training.trainer as trainer
from skloss import CNN1DClassifier, CNN2DClassifier, DenseClassifier
from skloss.keras_interop import build_keras_model
from skloss.networks import cnn1d, cnn2d, dense, forward, initial_weights
from skloss.training import NetworkTraining, Rows, Settings, train
from skloss.training.backends import shard_count
from skloss.training.dropout import keep_scale, uniform
from skloss.training.losses import row_losses
from skloss.training.tensorflow_start import has_own_threads, start_tensorflow

N_ROWS = 150

# -------------------------------------------------------------------- dropout's own law

N_SEEDS = 20
NETWORK = dense(8, n_outputs=1, width=(16,))  # without the dropout
SGD = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.3}


def rows_to_drop_on() -> Rows:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(256, 8)).astype("f4")
    return Rows(X, (X[:, 0] * X[:, 1] + X[:, 2] > 0.3).astype("i4"))


def first_weights(seed):
    return initial_weights(NETWORK, np.random.default_rng(seed))


def final_loss(weights, rows):
    logits = forward(NETWORK, weights, rows.X)
    return row_losses("crossentropy", logits, rows.y).mean()


def final_losses(rate):
    spec, rows = dense(8, n_outputs=1, width=(16,), dropout=(rate,)), rows_to_drop_on()
    losses = []
    for seed in range(N_SEEDS):
        how = Settings(epochs=30, batch_size=32, shuffle=False, seed=seed, **SGD)
        result = train(NetworkTraining(spec, first_weights(seed), rows, how, {}))
        losses.append(final_loss(result.weights, rows))
    return losses


@pytest.fixture(scope="module")
def losses_of_keras():
    rows = rows_to_drop_on()
    hidden = [kl.Dense(16, activation="relu"), kl.Dropout(0.5, seed=0), kl.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), *hidden])
    model.compile(
        keras.optimizers.SGD(SGD["learning_rate"]),
        keras.losses.BinaryCrossentropy(from_logits=True),
        steps_per_execution=60,
        jit_compile=False,
    )
    X, y = np.tile(rows.X, (30, 1)), np.tile(rows.y, 30)  # an epoch costs 40 ms
    losses = []
    for seed in range(N_SEEDS):
        model.set_weights(first_weights(seed))
        model.fit(X, y, batch_size=32, shuffle=False, verbose=0)
        losses.append(final_loss(model.get_weights(), rows))
    return losses


def chances_of_one_law(found, expected):
    return ks_2samp(found, expected).pvalue, ttest_rel(found, expected).pvalue


def test_losses_after_dropout_have_the_law_of_keras(losses_of_keras):
    found = final_losses(0.5)
    assert min(chances_of_one_law(found, losses_of_keras)) > 1e-3


def test_the_law_of_another_rate_would_be_told_from_that_of_keras(losses_of_keras):
    assert max(chances_of_one_law(final_losses(0.2), losses_of_keras)) < 1e-3


# ---------------------------------------------------------------------- dropout's masks


STEPS = np.arange(600, dtype=np.int32)  # of NumPy: it draws the bits of TensorFlow


def standardized_masks(keys, shape, rate=0.3):
    """Kept or dropped, with mean 0 and variance 1, for each (seed, layer, step)."""
    masks = np.stack([keep_scale(shape, rate, *key) for key in keys])
    kept = masks.reshape(len(keys), -1) > 0
    return (kept - (1 - rate)) / np.sqrt(rate * (1 - rate))


def strongest_correlation(columns):
    """Of any two columns, in standard errors; by chance about 5 among 10^5 pairs."""
    products = np.triu(columns.T @ columns, k=1)
    return np.abs(products).max() / np.sqrt(len(columns))


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 0.95])
def test_masks_are_zero_at_the_rate_and_else_keep_the_mean(rate):
    mask = keep_scale((2**10, 2**10), rate, 3, 1, 5).numpy()
    np.testing.assert_allclose(mask[mask > 0], 1 / (1 - rate), rtol=1e-6)
    standard_error = np.sqrt(rate * (1 - rate)) / 2**10
    assert (mask == 0).mean() == pytest.approx(rate, abs=4 * standard_error)


def test_no_two_places_of_a_batch_are_dropped_together():
    masks = standardized_masks([(1, 0, step) for step in STEPS], (16, 24))
    assert strongest_correlation(masks) < 6


KEYS = {
    "steps": [(1, 0, step) for step in STEPS[:300]],
    "seeds": [(seed, 0, STEPS[1]) for seed in range(300)],
    "layers": [(1, layer, STEPS[1]) for layer in range(12)],
    "layers at each other's steps": [(1, i, j) for i in range(8) for j in STEPS[:8]],
    "seeds at each other's steps": [(i, 0, j) for i in range(16) for j in STEPS[:16]],
}


@pytest.mark.parametrize("name", KEYS)
def test_no_two_masks_are_alike(name):
    masks = standardized_masks(KEYS[name], (64, 32))
    assert strongest_correlation(masks.T) < 6
    assert np.abs(masks.sum(axis=1)).max() < 5 * np.sqrt(masks.shape[1])


@pytest.mark.parametrize("shape", [(5,), (7, 3)], ids=["table", "series"])
def test_part_of_a_batch_is_dropped_as_in_the_whole(shape):
    whole = keep_scale((12, *shape), 0.4, 1, 2, 3)
    for first in (0, 4, 8):
        part = keep_scale((4, *shape), 0.4, 1, 2, 3, first_row=first)
        np.testing.assert_array_equal(part, whole[first : first + 4])


@pytest.mark.parametrize("draw", [partial(keep_scale, rate=0.3), uniform])
def test_numpy_draws_the_bits_that_tensorflow_draws(draw):
    for shape, seed, stream, step, first in [
        ((32, 5), 3, 0, np.int32(7), 0),
        ((8, 3, 2), 2**31 - 1, 4, np.int32(2**30), 16),
    ]:
        given = {"shape": shape, "seed": np.int32(seed), "layer": stream}
        found = draw(**given, step=step, first_row=first)
        expected = draw(**given, step=tf.constant(step), first_row=first)
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, expected.numpy(), strict=True)


# ----------------------------------------------------------------- one seed, equal fits

CLASSIFIERS = {
    "short": DenseClassifier(width=(6, 4), dropout=(0.3, 0.2)),
    "dense": DenseClassifier(width=(6, 4), dropout=(0.3, 0.2)),
    "cnn": CNN1DClassifier(width=3, depth=2, kernel_size=3, head=4, dropout=0.3),
    "images": CNN2DClassifier(
        width=3,
        depth=2,
        head=4,
        dropout=0.3,
        image_shape=(4, 5),
        augment={"flip": "both", "rotation": 20, "shift": 0.3, "contrast": 0.2},
    ),
}
FIT = {"epochs": 6, "batch_size": 16, "validation_fraction": 0.2, "random_state": 7}
for classifier in CLASSIFIERS.values():
    classifier.set_params(**FIT)
CLASSIFIERS["dense"].set_params(epochs=130)  # 1,040 steps: too many for NumPy
BACKENDS = {"short": "numpy", "dense": "xla", "cnn": "graph", "images": "graph"}


@cache
def rows_to_fit():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(N_ROWS, 20)).astype("f4")
    return X, np.where(X[:, 0] + X[:, 1] > 0.5, "rare", "common")


def fit(classifier):
    return clone(classifier).fit(*rows_to_fit())


def bits(classifier):
    curves = classifier.history_.items()
    return (
        [array.tobytes() for array in classifier.weights_],
        {
            name: np.array(curve).tobytes()
            for name, curve in curves
            if name != "seconds"
        },
    )


@pytest.fixture(scope="module", params=CLASSIFIERS)
def case(request):
    """A classifier and the bits of its fit alone."""
    classifier = CLASSIFIERS[request.param]
    alone = fit(classifier)
    assert alone.record_.outcome["program"] == BACKENDS[request.param]
    return classifier, bits(alone)


@pytest.fixture
def no_programs(monkeypatch):
    """Caches that are empty and hold one program."""
    kept = lru_cache(maxsize=1)
    monkeypatch.setattr(program, "_program", kept(program.Program))
    compiled = kept(predictor._inference_program.__wrapped__)
    monkeypatch.setattr(predictor, "_inference_program", compiled)


def test_a_second_fit_equals_the_first(case):
    classifier, alone = case
    assert bits(fit(classifier)) == alone
    assert bits(fit(classifier).fit(*rows_to_fit())) == alone
    assert bits(fit(clone(classifier).set_params(random_state=8))) != alone


def test_fits_that_compile_at_once_in_threads_equal_one_alone(case, no_programs):
    classifier, alone = case
    with ThreadPoolExecutor(2) as pool:
        assert [bits(one) for one in pool.map(fit, [classifier] * 2)] == [alone] * 2


def fit_with_threads(n_threads, are_own, classifier, rows):
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(n_threads)
    if not are_own:
        tf.constant(0)  # TensorFlow runs before the fit, with threads for all
    return classifier.fit(*rows)


def test_fits_in_other_processes_with_as_many_threads_equal_those_in_this():
    start_tensorflow()
    are_own = has_own_threads()
    n_threads = tf.config.threading.get_intra_op_parallelism_threads()
    n_threads = n_threads or (1 if are_own else os.cpu_count())
    # A worker that has trained before has settled its threads already.
    get_reusable_executor().shutdown(wait=True)
    there = [
        delayed(fit_with_threads)(n_threads, are_own, classifier, rows_to_fit())
        for classifier in map(clone, CLASSIFIERS.values())
    ]
    found = Parallel(n_jobs=2)([one for one in there for _ in range(2)])
    expected = [bits(fit(one)) for one in CLASSIFIERS.values() for _ in range(2)]
    assert [bits(one) for one in found] == expected


def test_a_fit_in_chunks_of_three_steps_ends_where_one_in_larger_ones_does(
    monkeypatch, case
):
    classifier, alone = case
    monkeypatch.setattr(trainer, "chunk_steps", lambda *_: 3)  # of 8 steps an epoch
    assert bits(fit(classifier))[0] == alone[0]


def test_a_fit_after_its_program_was_dropped_equals_the_first(case, no_programs):
    classifier, alone = case
    found = [fit(classifier), fit(DenseClassifier(width=3, **FIT)), fit(classifier)]
    assert program._program.cache_info().misses == 3
    assert bits(found[0]) == bits(found[2]) == alone


# ------------------------------------------------------ fits that do not see each other

STRUCTURES = [(3, 0.0, "adam", 8), (5, 0.3, "adam", 16), (5, 0.3, "sgd", 8)]
configurations = st.tuples(
    st.sampled_from(STRUCTURES), st.sampled_from([0.01, 0.05]), st.integers(0, 2)
)
few = settings(deadline=None, max_examples=8, derandomize=True)


def configured(configuration):
    (width, dropout, optimizer, batch_size), learning_rate, seed = configuration
    return DenseClassifier(
        width=width,
        dropout=dropout,
        optimizer=optimizer,
        batch_size=batch_size,
        learning_rate=learning_rate,
        epochs=6,
        validation_fraction=None,
        random_state=seed,
    )


@cache
def bits_alone(configuration):
    return bits(fit(configured(configuration)))


def go_on(classifier):
    return classifier.partial_fit(*rows_to_fit(), classes=["common", "rare"])


@cache
def bits_alone_after_three_epochs(configuration):
    classifier = configured(configuration)
    return bits([go_on(classifier) for _ in range(3)][-1])


@few
@given(st.lists(configurations, min_size=2, max_size=3))
def test_fits_at_once_equal_the_same_fits_alone(chosen):
    expected = [bits_alone(configuration) for configuration in chosen]
    with ThreadPoolExecutor(len(chosen)) as pool:
        fitted = list(pool.map(fit, map(configured, chosen)))
    assert [bits(classifier) for classifier in fitted] == expected


@few
@given(st.lists(configurations, min_size=2, max_size=3), st.randoms())
def test_fits_that_take_turns_equal_the_same_fits_alone(chosen, random):
    classifiers = [configured(configuration) for configuration in chosen]
    turns = 3 * classifiers
    random.shuffle(turns)
    for classifier in turns:
        go_on(classifier)
    for classifier, configuration in zip(classifiers, chosen, strict=True):
        assert bits(classifier) == bits_alone_after_three_epochs(configuration)


# ------------------------------------------------------- estimators and keras.Model.fit

BATCH, EPOCHS = 32, 2  # the last of five batches holds 22 rows
WEIGHTS = np.random.default_rng(2).integers(0, 4, N_ROWS) / 2  # a quarter are zero
PLAIN = {
    "epochs": EPOCHS,
    "batch_size": BATCH,
    "learning_rate": 0.01,
    "learning_rate_schedule": "constant",
    "validation_fraction": None,
    "random_state": 0,
}
TABLES = DenseClassifier(width=8, activation="tanh", **PLAIN)
SERIES = CNN1DClassifier(
    filters=((4,), (3, 5)),
    kernel_size=3,
    head=6,
    dropout=0,
    scale_series="zscore",
    batch_norm=False,
    **PLAIN,
)
IMAGES = CNN2DClassifier(
    filters=((4,), (3, 5)), head=6, dropout=0, image_shape=(4, 4), **PLAIN
)
TWO = {"class_weight": {"gale": 3.0, "calm": 0.5}}
THREE = {"class_weight": {"rain": 2.0, "calm": 0.5, "gale": 3.0}}
BALANCED = {"class_weight": "balanced"}
ALL = {
    "label_smoothing": 0.1,
    "l1": 1e-3,
    "l2": 0.01,
    "activity_l2": 0.02,
    "clipnorm": 0.05,
}
CASES = {
    "both weights": (TABLES, 2, BALANCED, WEIGHTS),
    "three classes": (TABLES, 3, THREE, WEIGHTS),
    "smoothing": (TABLES, 2, {"label_smoothing": 0.2}, None),
    "smoothing of three classes": (TABLES, 3, {"label_smoothing": 0.2}, None),
    "L1": (TABLES, 2, {"l1": 0.003}, WEIGHTS),
    "L2": (TABLES, 2, {"l2": 0.02}, WEIGHTS),
    "activity L2": (TABLES, 2, {"activity_l2": 0.05}, WEIGHTS),
    "clipnorm": (TABLES, 2, {"clipnorm": 0.02}, None),
    "series with all": (SERIES, 2, ALL | TWO, WEIGHTS),
    "series of three classes with all": (SERIES, 3, ALL | BALANCED, WEIGHTS),
    "images with all": (IMAGES, 2, ALL | TWO, WEIGHTS),
    "images of three classes with all": (IMAGES, 3, ALL | BALANCED, WEIGHTS),
}


def labeled_rows(n_classes):
    X = np.random.default_rng(3).normal(size=(N_ROWS, 16)).astype("f4")
    names = np.array(["calm", "gale", "rain"])
    return X, names[np.digitize(X[:, 0] + X[:, 1], [1.0, 2.0][: n_classes - 1])]


def keras_model(classifier, n_classes):
    p = classifier.get_params()
    kernel = {"kernel_regularizer": keras.regularizers.L1L2(p["l1"], p["l2"])}
    both = kernel | {"activity_regularizer": keras.regularizers.L2(p["activity_l2"])}
    if isinstance(classifier, DenseClassifier):
        layers = [keras.Input((16,)), kl.Dense(8, "tanh", **both)]
    else:
        is_1d = isinstance(classifier, CNN1DClassifier)
        conv, pool = (
            (kl.Conv1D, kl.MaxPooling1D) if is_1d else (kl.Conv2D, kl.MaxPooling2D)
        )
        layers = [
            keras.Input((16,)),
            kl.Reshape((16, 1) if is_1d else (4, 4, 1)),
            conv(4, 3, padding="same", activation="relu", **both),
            pool(2),
            conv(3, 3, padding="same", activation="relu", **both),
            conv(5, 3, padding="same", activation="relu", **both),
            pool(2),
            kl.Flatten(),
            kl.Dense(6, "relu", **kernel),
        ]
    n_outputs, kind = (1, "Binary") if n_classes == 2 else (n_classes, "Categorical")
    loss = getattr(keras.losses, f"{kind}Crossentropy")
    model = keras.Sequential([*layers, kl.Dense(n_outputs, **kernel)])
    model.compile(
        keras.optimizers.Adam(p["learning_rate"], clipnorm=p["clipnorm"]),
        loss(from_logits=True, label_smoothing=p["label_smoothing"]),
        run_eagerly=True,  # to trace a step takes Keras longer than to run a few
    )
    return model


@pytest.fixture
def start(monkeypatch):
    """First weights and seed of the last training, which is compiled."""
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: "graph")
    seen = {}

    def watched(spec, weights, rows, how, *args, **options):
        seen.update(weights=weights, seed=how.seed)
        return NetworkTraining(spec, weights, rows, how, *args, **options)

    monkeypatch.setattr(network_fit, "NetworkTraining", watched)
    return seen


@pytest.mark.parametrize("name", CASES)
def test_an_estimator_ends_at_the_weights_and_losses_of_keras_fit(name, start):
    classifier, n_classes, parameters, sample_weight = CASES[name]
    classifier = clone(classifier).set_params(**parameters)
    X, y = labeled_rows(n_classes)
    classifier.fit(X, y, sample_weight=sample_weight)

    model = keras_model(classifier, n_classes)
    model.set_weights(start["weights"])
    if isinstance(classifier, CNN1DClassifier):
        X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
    weight = compute_sample_weight(classifier.class_weight, y)
    weight *= 1 if sample_weight is None else sample_weight
    one_hot = np.unique(y) == y[:, None]
    target = (one_hot if n_classes > 2 else one_hot[:, 1]).astype("f4")

    rng, losses = np.random.default_rng((start["seed"], 1)), []
    for _ in range(EPOCHS):
        order = np.arange(N_ROWS)
        rng.shuffle(order)
        rows = {"x": X[order], "y": target[order], "sample_weight": weight[order]}
        seen = model.fit(**rows, batch_size=BATCH, shuffle=False, verbose=0)
        losses += seen.history["loss"]

    for found, first in zip(classifier.weights_, start["weights"], strict=True):
        assert np.abs(found - first).max() > 5e-3
    for found, expected in zip(classifier.weights_, model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    np.testing.assert_allclose(classifier.history_["running_loss"], losses, rtol=1e-5)


# -------------------------------------------------------------- every backend, dropping

DROPPING = {
    "dense": dense(32, n_outputs=1, width=(8, 5), dropout=(0.4, 0.3), activity_l2=0.02),
    "cnn": cnn1d(
        (16, 2),
        n_outputs=1,
        filters=((4, 3), (5,)),
        kernel_size=(3, 4),
        pool_size=(2, 3),
        head=(6,),
        dropout=(0.3, 0.2, 0.4),
        activity_l2=0.02,
    ),
    "images": cnn2d(
        (4, 4, 2),
        n_outputs=1,
        filters=((4, 3), (5,)),
        kernel_size=(3, 2),
        pool_size=(2, 1),
        head=(6,),
        dropout=(0.3, 0.2, 0.4),
        spatial_dropout=True,
    ),
}


class Masked(kl.Layer):
    """Dropout by the masks of the engine, at the steps that Keras counts."""

    def __init__(self, layer, number, optimizer):
        super().__init__()
        self.rate, self.number, self.optimizer = layer.rate, number, optimizer
        self.is_spatial = isinstance(layer, kl.SpatialDropout2D)

    def call(self, x, training=False):
        if not training:
            return x
        step = int(self.optimizer.iterations)
        places = (1, 1) if self.is_spatial else x.shape[1:-1]
        shape = (x.shape[0], *places, x.shape[-1])
        return x * keep_scale(shape, self.rate, 1, self.number, step)


def fit_keras_with_masks(spec, first, rows, how):
    """Weights and the loss of each epoch."""
    optimizer, numbers = keras.optimizers.Adam(how.learning_rate), count()
    model = keras.Sequential([keras.Input(spec.input_shape)])
    for layer in build_keras_model(spec).layers:
        drops = isinstance(layer, kl.Dropout)
        model.add(Masked(layer, next(numbers), optimizer) if drops else layer)
    model.set_weights(first)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, run_eagerly=True)
    seen = model.fit(
        rows.X.reshape(-1, *spec.input_shape),
        rows.y,
        sample_weight=rows.sample_weight,
        batch_size=how.batch_size,
        epochs=how.epochs,
        shuffle=False,
        verbose=0,
    )
    return model.get_weights(), seen.history["loss"]


@pytest.mark.parametrize("name", DROPPING)
def test_every_backend_drops_what_keras_would_by_the_same_masks(monkeypatch, name):
    spec = DROPPING[name]
    monkeypatch.setattr(backends, "has_own_threads", lambda: True)
    monkeypatch.setattr(backends, "_has_wide_vectors", lambda: False)
    assert shard_count(spec, 64, "graph") == 4
    X = np.random.default_rng(4).normal(size=(N_ROWS, 32)).astype("f4")
    rows = Rows(X, (X[:, 0] > 0).astype("i4"), WEIGHTS.astype("f4"))
    first = initial_weights(spec, np.random.default_rng(5))
    # Batches of 64, 64 and 22 rows: in the last, two of the four shards are padding.
    how = Settings(epochs=6, batch_size=64, learning_rate=0.01, shuffle=False, seed=1)
    ends = [fit_keras_with_masks(spec, first, rows, how)]
    for backend in ("xla", "graph", "eager"):
        monkeypatch.setattr(trainer, "choose_backend", lambda *_, b=backend: b)
        result = train(NetworkTraining(spec, first, rows, how, {}))
        assert result.backend == backend
        ends.append((result.weights, result.history["running_loss"]))
    for (weights, losses), (others, other_losses) in combinations(ends, 2):
        for one, other in zip(weights, others, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5, rtol=0)
        np.testing.assert_allclose(losses, other_losses, rtol=1e-5)
