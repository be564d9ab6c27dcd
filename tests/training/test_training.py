"""The compiled program ends where ``keras.Model.fit`` ends, and nowhere else."""

import signal
import threading
from functools import cache, partial
from importlib import import_module

import keras
import numpy as np
import pytest
import tensorflow as tf

import skloss.training.trainer as trainer
from skloss import DenseClassifier
from skloss.datasets import make_rare_events
from skloss.exceptions import TrainingDivergedWarning, TrainingInterruptedWarning
from skloss.keras_interop import build_keras_model
from skloss.networks import (
    NetworkSpec,
    cnn1d,
    cnn2d,
    dense,
    forward,
    initial_weights,
    recurrent,
)
from skloss.optimizers import OPTIMIZERS, UNCOMPILED
from skloss.training import (
    NetworkTraining,
    Rows,
    Settings,
    backends,
    predict_logits,
    train,
)
from skloss.training.dropout import keep_scale
from skloss.training.evaluation import unit_shares
from skloss.training.losses import row_losses, row_losses_graph
from skloss.training.optimizers import UPDATE_RULES, UpdateArguments
from skloss.training.program import chunk_steps
from skloss.training.schedules import learning_rates

N_ROWS, BATCH = 86, 32  # the last of three batches holds 22 rows
EPOCHS = 2
SERIES = (16, 2)


def table_spec(**options) -> NetworkSpec:
    return dense(6, n_outputs=1, width=(8, 5), **options)


def series_spec(**options) -> NetworkSpec:
    options = {"filters": ((4, 3), (5,)), "head": (6,)} | options
    return cnn1d(SERIES, n_outputs=1, kernel_size=(3, 4), pool_size=(2, 3), **options)


def image_spec(**options) -> NetworkSpec:
    shape = (6, 5, 2)
    options = {"filters": ((4, 3), (5,)), "pool_size": (2, 1), "head": (6,)} | options
    return cnn2d(shape, n_outputs=1, kernel_size=(3, 2), **options)


def recurrent_spec(**options) -> NetworkSpec:
    return recurrent((5, 2), n_outputs=1, **{"width": (4,)} | options)


def make_rows(spec: NetworkSpec, n_classes: int = 2, weighted: bool = False) -> Rows:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, int(np.prod(spec.input_shape)))).astype(np.float32)
    y = (np.digitize(X[:, 0] + X[:, 1], np.linspace(-1, 1, n_classes - 1))).astype("i4")
    weight = rng.integers(0, 4, N_ROWS).astype(np.float32) if weighted else None
    return Rows(X, y, weight)


def fit_keras(spec, weights, rows, optimizer) -> list[np.ndarray]:
    model = build_keras_model(spec, weights)
    several = spec.n_outputs > 1
    loss = (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if several
        else keras.losses.BinaryCrossentropy(from_logits=True)
    )
    # To trace a step takes Keras longer than to run a few of them.
    model.compile(optimizer=optimizer, loss=loss, run_eagerly=True)
    model.fit(
        rows.X.reshape(-1, *spec.input_shape),
        rows.y,
        sample_weight=rows.sample_weight,
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
    )
    return model.get_weights()


@pytest.fixture
def compiled(monkeypatch):
    """Compile, however few the steps are."""
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: "graph")


def fit_skloss(spec, weights, rows, **settings) -> list[np.ndarray]:
    settings = Settings(epochs=EPOCHS, batch_size=BATCH, shuffle=False, **settings)
    return train(NetworkTraining(spec, weights, rows, settings, {})).weights


def assert_same_weights(found, expected, tolerance=1e-5):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance, rtol=0)


# Penalties of tables and series: test_exactness.py.
NETWORKS = {
    "dense": table_spec(),
    "dense with BatchNorm": table_spec(batch_norm=True),
    "five classes": dense(6, n_outputs=5, width=(8,), activation="gelu"),
    "eleven linear layers": dense(9, n_outputs=1, width=(7,) * 11, activation="linear"),
    "cnn": series_spec(),
    "cnn with BatchNorm": series_spec(batch_norm=True),
    "cnn without padding": series_spec(padding="valid", activation="elu"),
    "cnn with global average": series_spec(global_pooling="average", head=()),
    "cnn with global maximum": series_spec(global_pooling="max"),
    "residual cnn": series_spec(residual=True, filters=((3, 4), (5,))),
    "images": image_spec(activity_l2=5e-4),
    "images with BatchNorm": image_spec(
        batch_norm=True,
        padding="valid",
        l2=0.01,
        filters=((4,), (5,)),
        pool_size=(1, 1),
    ),
    "images with global average": image_spec(global_pooling="average", head=()),
    "residual images": image_spec(
        residual=True, strides=(2, 1), filters=((4, 3), (3, 3)), activity_l2=5e-4
    ),
    "LSTM": recurrent_spec(),
    "GRU": recurrent_spec(cell="gru", head=(3,), activity_l2=0.02, l2=0.01),
    "layers both ways": recurrent_spec(width=(3, 4), bidirectional=True),
    "GRU with attention": recurrent_spec(
        width=(3, 4), cell="gru", bidirectional=True, pooling="attention", l2=0.01
    ),
    "LSTM behind convolutions": recurrent_spec(
        front={"filters": ((3,),), "kernel_size": (3,), "pool_size": (2,)}
    ),
    "residual images with BatchNorm": image_spec(
        residual=True, strides=(1, 2), filters=((4,), (4, 4, 6, 6)), batch_norm=True
    ),
}


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("name", NETWORKS)
def test_adam_ends_at_the_weights_of_keras_fit(name):
    spec = NETWORKS[name]
    rows = make_rows(spec, max(2, spec.n_outputs), weighted=True)
    weights = initial_weights(spec, np.random.default_rng(1))
    found = fit_skloss(spec, weights, rows, learning_rate=0.01)
    expected = fit_keras(spec, weights, rows, keras.optimizers.Adam(0.01))
    assert not np.allclose(found[0], weights[0], atol=1e-2)
    assert_same_weights(found, expected)


@cache
def rows_and_ends(spec) -> tuple[Rows, list[np.ndarray], list[np.ndarray]]:
    """Rows, the first weights, and those that Keras ends at."""
    rows = make_rows(spec)
    weights = initial_weights(spec, np.random.default_rng(1))
    return rows, weights, fit_keras(spec, weights, rows, keras.optimizers.Adam(0.01))


# As graphs: the test above. Networks of other layers: test_exactness.py, with dropout.
@pytest.mark.parametrize("backend", ["xla", "eager"])
@pytest.mark.parametrize(
    "spec",
    [recurrent_spec(bidirectional=True), recurrent_spec(cell="gru")],
    ids=["LSTM", "GRU"],
)
def test_other_backends_end_at_the_weights_of_keras_fit(monkeypatch, backend, spec):
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: backend)
    rows, weights, expected = rows_and_ends(spec)
    found = fit_skloss(spec, weights, rows, learning_rate=0.01)
    assert_same_weights(found, expected)


@pytest.mark.parametrize("backend", ["graph", "eager"])
def test_weights_that_are_no_numbers_are_divergence(monkeypatch, backend):
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: backend)
    spec = series_spec()
    first, *others = initial_weights(spec, np.random.default_rng(0))
    weights = [np.full_like(first, np.nan), *others]
    settings = Settings(epochs=2, batch_size=BATCH)
    with pytest.warns(TrainingDivergedWarning, match="in epoch 1, step 1"):
        result = train(NetworkTraining(spec, weights, make_rows(spec), settings, {}))
    assert result.stop_reason == "diverged"


def test_a_fit_within_a_graph_ends_where_an_eager_one_does():
    spec = table_spec(batch_norm=True)
    rows, weights = make_rows(spec), initial_weights(spec, np.random.default_rng(1))
    expected = fit_skloss(spec, weights, rows, learning_rate=0.01)
    assert backends.choose_backend(spec, EPOCHS * -(-N_ROWS // BATCH)) == "eager"
    with tf.Graph().as_default():  # as code of TensorFlow's first version has it
        found = fit_skloss(spec, weights, rows, learning_rate=0.01)
    assert_same_weights(found, expected)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_short_fits_that_differ_in_dropout_alone_share_a_program(batch_norm):
    plain, dropped = (
        table_spec(batch_norm=batch_norm, dropout=dropout)
        for dropout in (None, (0.3, 0.2))
    )
    assert backends.shared_spec(plain, "xla", 10_000).structure() == dropped.structure()
    assert backends.shared_spec(plain, "xla", 10**9) == plain
    assert backends.shared_spec(plain, "graph", 10_000) == plain
    assert backends.shared_spec(dropped, "xla", 10_000) == dropped


def test_a_dropout_that_drops_nothing_changes_nothing(monkeypatch):
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: "xla")
    spec = table_spec(batch_norm=True)
    weights = initial_weights(spec, np.random.default_rng(1))
    ends = []
    for most in (10**7, 0):
        monkeypatch.setattr(backends, "_MASKED_VALUES", most)
        ends.append(fit_skloss(spec, weights, make_rows(spec)))
    assert_same_weights(*ends)


# All others: test_optimizers.py, on every backend.
CONFIGURATIONS = {
    "sgd": ({"optimizer": "sgd", "momentum": 0.0}, lambda: keras.optimizers.SGD(0.05)),
    "sgd with momentum": (
        {"optimizer": "sgd", "momentum": 0.9},
        lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    ),
}


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_without_nesterov_sgd_ends_at_the_weights_of_keras_fit(name):
    settings, optimizer = CONFIGURATIONS[name]
    spec = table_spec(activation="tanh")
    rows = make_rows(spec)
    weights = initial_weights(spec, np.random.default_rng(1))
    found = fit_skloss(spec, weights, rows, learning_rate=0.05, **settings)
    assert_same_weights(found, fit_keras(spec, weights, rows, optimizer()))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_update_rules_follow_keras_for_forty_steps(name):
    rng = np.random.default_rng(0)
    first, gradients = rng.normal(size=7), rng.normal(size=(40, 7)).astype("f4")
    optimizer = getattr(keras.optimizers, OPTIMIZERS[name].keras_name)(0.01)
    variable = keras.Variable(first, dtype="float32")
    slots = tuple(np.full(7, first, "f4") for first in UPDATE_RULES[name].first_slots)
    update = UPDATE_RULES[name].update
    ends = {kind: (first.astype("f4"), slots) for kind in ("numpy", "eager", "xla")}

    def apply_rule(math, weight, gradient, slots, scalars):
        arguments = UpdateArguments(*scalars, nesterov=False, math=math)
        return update(weight, gradient, slots, arguments)

    rules = {"numpy": partial(apply_rule, np), "eager": partial(apply_rule, tf.math)}
    rules["xla"] = tf.function(rules["eager"], jit_compile=True)
    for step, gradient in enumerate(gradients, start=1):
        optimizer.apply([gradient], [variable])
        scalars = list(map(np.float32, (0.01, step, 0.0, 0.004)))
        for kind, (weight, slots) in ends.items():
            ends[kind] = rules[kind](weight, gradient, slots, scalars)
    for weight, _ in ends.values():
        np.testing.assert_allclose(weight, variable.numpy(), atol=1e-6, rtol=0)


def test_cosine_schedule_is_that_of_keras():
    steps = np.arange(50)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, decay_steps=50)
    expected = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(
        learning_rates("cosine", 0.1, steps, 50), expected, atol=1e-7
    )


@pytest.mark.usefixtures("compiled")
def test_a_schedule_acts_at_every_step_as_in_keras():
    spec, total = table_spec(), EPOCHS * -(-N_ROWS // BATCH)
    rows = make_rows(spec)
    weights = initial_weights(spec, np.random.default_rng(1))
    schedule = keras.optimizers.schedules.CosineDecay(0.05, decay_steps=total)
    expected = fit_keras(spec, weights, rows, keras.optimizers.Adam(schedule))
    found = fit_skloss(
        spec, weights, rows, learning_rate=0.05, learning_rate_schedule="cosine"
    )
    assert_same_weights(found, expected)


def test_label_smoothing_is_that_of_keras():
    logits = np.random.default_rng(0).normal(size=(20, 1))
    y = np.arange(20) % 2
    expected = keras.losses.binary_crossentropy(
        y[:, None], logits, from_logits=True, label_smoothing=0.2
    )
    found = row_losses("crossentropy", logits, y, label_smoothing=0.2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("loss", ["crossentropy", "focal"])
@pytest.mark.parametrize("n_outputs", [1, 4])
def test_losses_agree_between_numpy_and_graph(loss, n_outputs):
    rng = np.random.default_rng(0)
    logits = (4 * rng.normal(size=(50, n_outputs))).astype("f4")
    y = rng.integers(0, max(2, n_outputs), 50).astype("i4")
    smoothing = 0.1 if loss == "crossentropy" else 0.0
    options = {"focal_gamma": 1.5, "label_smoothing": smoothing}
    found = row_losses(loss, logits, y, **options)
    graph = row_losses_graph(loss, logits, y, np.float32(1.5), np.float32(smoothing))
    np.testing.assert_allclose(graph, found, atol=1e-5)


@pytest.mark.parametrize("n_outputs", [1, 4])
def test_focal_loss_without_focus_is_cross_entropy(n_outputs):
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(50, n_outputs)), rng.integers(0, 2, 50)
    focal = row_losses("focal", logits, y, focal_gamma=0.0)
    np.testing.assert_allclose(focal, row_losses("crossentropy", logits, y))


@pytest.mark.parametrize("loss", ["crossentropy", "focal"])
def test_losses_stay_finite_at_extreme_logits(loss):
    logits = np.array([[-1e4], [1e4], [-1e4], [1e4]])
    assert np.isfinite(row_losses(loss, logits, np.array([0, 0, 1, 1]))).all()


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_keeps_its_rate_and_its_units_are_independent(rate):
    n_steps, n_units = 400, 2048
    # A step of NumPy is drawn by NumPy, with the bits of TensorFlow: test_exactness.py.
    steps = np.arange(n_steps, dtype=np.int32)
    kept = np.stack([keep_scale((n_units,), rate, 7, 0, step) for step in steps]) > 0
    z = (kept - (1 - rate)) / np.sqrt(rate * (1 - rate))
    standard_error = 1 / np.sqrt(n_steps * n_units)
    pairs = {
        "rate": z,
        "next unit": z[:, 1:] * z[:, :-1],
        "units 64 apart": z[:, 64:] * z[:, :-64],
        "next step": z[1:] * z[:-1],
    }
    for name, products in pairs.items():
        assert abs(products.mean()) < 4 * standard_error, name
    row_variance = z.reshape(-1, 64).sum(axis=1).var() / 64
    assert row_variance == pytest.approx(1, abs=4 * np.sqrt(2 * 64 / z.size))


def test_dropout_layers_and_seeds_draw_different_masks():
    masks = [
        keep_scale((4096,), 0.5, seed, layer, 3).numpy()
        for seed, layer in ((1, 0), (1, 1), (2, 0))
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        correlation = np.corrcoef(masks[one], masks[other])[0, 1]
        assert abs(correlation) < 4 / np.sqrt(4096)


@pytest.mark.usefixtures("compiled")
def test_a_program_never_lets_one_fit_see_another():
    spec = table_spec(dropout=(0.3, 0.2))
    rows, seeds = make_rows(spec), range(6)
    first = {s: initial_weights(spec, np.random.default_rng(s)) for s in seeds}

    def fit(seed, rate):
        options = {"optimizer": "sgd", "learning_rate": rate, "seed": seed}
        return fit_skloss(spec, first[seed], rows, **options)

    alone = {seed: fit(seed, 0.01 * (seed + 1)) for seed in seeds}
    for seed in reversed(seeds):
        again = fit(seed, 0.01 * (seed + 1))
        assert all(
            np.array_equal(a, b) for a, b in zip(again, alone[seed], strict=True)
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_keras_and_compiled_predictions_agree(name):
    spec = NETWORKS[name]
    rng = np.random.default_rng(2)
    weights = [
        array + 0.1 * rng.uniform(size=array.shape).astype("f4")
        for array in initial_weights(spec, rng)
    ]
    X = make_rows(spec).X
    found = forward(spec, weights, X.reshape(-1, *spec.input_shape))
    model = build_keras_model(spec, weights)
    expected = model(X.reshape(-1, *spec.input_shape), training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    compiled = predict_logits(spec, weights, X, compiled=True)
    np.testing.assert_allclose(compiled, expected, atol=1e-5)


@pytest.mark.parametrize("n_rows", [4, 5, 6, 700])
def test_a_product_in_parts_is_the_product(monkeypatch, n_rows):
    forward_pass = import_module(forward.__module__)
    monkeypatch.setattr(forward_pass, "_ONE_THREAD", 30)  # five rows of six by one
    rng = np.random.default_rng(0)
    X, kernel = rng.normal(size=(n_rows, 6)), rng.normal(size=(6, 1))
    expected = (X[:, :, None] * kernel).sum(axis=1)
    np.testing.assert_allclose(forward_pass._product(X, kernel), expected)


@pytest.mark.parametrize(
    "activation",
    [
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "softplus",
        "tanh",
        "sigmoid",
    ],
)
def test_activations_are_those_of_keras(activation):
    spec = dense(4, n_outputs=1, width=(16,), activation=activation)
    weights = initial_weights(spec, np.random.default_rng(0))
    X = 3 * np.random.default_rng(1).normal(size=(30, 4)).astype("f4")
    expected = build_keras_model(spec, weights)(X)
    np.testing.assert_allclose(forward(spec, weights, X), expected, atol=1e-5)


@pytest.mark.parametrize("optimizer", UNCOMPILED)
def test_an_optimizer_without_an_update_rule_is_refused_with_a_pointer(optimizer):
    X, y = make_rare_events(60, prevalence=0.3, random_state=0)
    classifier = DenseClassifier(optimizer=optimizer, epochs=1)
    with pytest.raises(ValueError, match=f"KerasClassifier.*optimizer='{optimizer}'"):
        classifier.fit(X, y)


def test_every_optimizer_has_an_update_rule_and_a_class_of_keras():
    import keras

    assert set(UPDATE_RULES) == set(OPTIMIZERS)
    for name, known in OPTIMIZERS.items():
        made = keras.optimizers.get(name)
        assert type(made) is getattr(keras.optimizers, known.keras_name)
        config = made.get_config()
        assert {argument: config[argument] for argument in known.constants} == dict(
            known.constants
        )


@pytest.mark.parametrize("optimizer", ["nadam", "adagrad"])
def test_a_partial_fit_goes_on_with_the_state_of_the_optimizer(optimizer):
    X, y = make_rare_events(300, prevalence=0.3, random_state=0)
    options = {"optimizer": optimizer, "random_state": 0, "validation_fraction": None}
    classifier = DenseClassifier(**options)
    for _ in range(6):
        classifier.partial_fit(X, y, classes=[0, 1])
    assert classifier._fitted.result.step == 6 * -(-300 // 32)
    assert classifier.history_["loss"][-1] < classifier.history_["loss"][0]


def test_one_call_of_a_wide_network_is_short_enough_to_be_interrupted():
    wide = dense(20, n_outputs=1, width=(2048, 2048))
    assert chunk_steps(wide, 256, steps_per_epoch=10_000) == 8
    assert chunk_steps(table_spec(), 32, steps_per_epoch=10_000) == 1024
    assert chunk_steps(table_spec(), 32, steps_per_epoch=45) == 64


def test_ctrl_c_is_heard_inside_a_compiled_epoch():
    X, y = make_rare_events(2_000, random_state=0)
    classifier = DenseClassifier(epochs=10**6, early_stopping=False, random_state=0)

    def interrupt_soon(row):
        if row["epoch"] == 3:
            threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()

    classifier.callbacks = interrupt_soon
    with pytest.warns(TrainingInterruptedWarning):
        classifier.fit(X, y)
    assert classifier.n_epochs_ >= 4
    assert classifier.record_.outcome["stop_reason"] == "interrupted"


def test_dead_and_saturated_units_are_counted_on_the_rows_given():
    X = np.linspace(-1, 1, 40, dtype=np.float32).reshape(-1, 1)
    hidden, head = np.zeros((1, 4), np.float32), np.zeros((4, 1), np.float32)
    bias = np.array([-1, -1, 1, 1], np.float32)  # two units never fire
    weights = [hidden, bias, head, np.zeros(1, np.float32)]
    relu = dense(1, n_outputs=1, width=(4,), activation="relu")
    assert unit_shares(relu, weights, X) == {"dead_share": 0.5}
    tanh = dense(1, n_outputs=1, width=(4,), activation="tanh")
    weights[1] = np.array([-9, 9, 9, 0], np.float32)
    assert unit_shares(tanh, weights, X) == {"saturated_share": 0.75}


@pytest.mark.parametrize(
    ("n_rows", "epochs_seen"), [(1000, [0, 3, 6]), (4000, [*range(7)])]
)
def test_units_are_looked_at_every_epoch_only_where_epochs_are_long(
    monkeypatch, n_rows, epochs_seen
):
    looked = []
    monkeypatch.setattr(
        trainer, "unit_shares", lambda *_: looked.append(0) or {"dead_share": 0.0}
    )
    X, y = make_rare_events(n_rows, random_state=0)
    seen = []

    def look(row):
        seen.append(len(looked))

    settings = Settings(epochs=7, batch_size=500, callbacks=(look,))
    spec = dense(X.shape[1], n_outputs=1, width=(4,))
    weights = initial_weights(spec, np.random.default_rng(0), np.zeros(1))
    result = train(
        NetworkTraining(
            spec, weights, Rows(X.astype("f4"), y.astype("i4")), settings, {}
        )
    )
    assert np.flatnonzero(np.diff(seen, prepend=0)).tolist() == epochs_seen
    assert len(result.history["dead_share"]) == 7
