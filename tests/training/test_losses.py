"""Losses by name and of the user's own: identities, Keras' twins, gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from skloss import DenseClassifier, RocketClassifier, diagnose
from skloss.diagnosis import case_from_record
from skloss.estimators.checks import class_weights
from skloss.training.losses import LOSSES, row_losses, row_losses_graph

rng = np.random.default_rng(0)
SHIFT = {1: (-1.5,), 4: (-0.2, -1.0, -2.0, -3.5)}
N_OUTPUTS = pytest.mark.parametrize("n", [1, 4], ids=["binary", "multiclass"])
BY_NAME = pytest.mark.parametrize("loss", LOSSES)
N = 200
y = (np.arange(N) % 5 == 0).astype(int)
X = (rng.normal(size=(N, 4)) + 0.8 * y[:, None]).astype(np.float32)


def drawn(n, rows=40, scale=3.0):
    logits = scale * rng.normal(size=(rows, n))
    return logits, (np.arange(rows) % max(2, n)).astype("i4")


def graph_losses(loss, logits, codes, gamma=1.5, smoothing=0.0, shift=None):
    shift = SHIFT[logits.shape[1]] if shift is None else shift
    numbers = (tf.constant(value, tf.float32) for value in (gamma, smoothing, shift))
    return row_losses_graph(loss, tf.constant(logits, tf.float32), codes, *numbers)


def dense(**options):
    options = {"width": 6, "epochs": 3, "validation_fraction": 0.25} | options
    return DenseClassifier(random_state=0, **options)


# ------------------------------------------------------------------------- identities


@N_OUTPUTS
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_without_focus_and_adjustment_all_losses_are_cross_entropy(n, smoothing):
    logits, codes = drawn(n)
    plain = row_losses("crossentropy", logits, codes, label_smoothing=smoothing)
    options = {"focal_gamma": 0.0, "label_smoothing": smoothing}
    np.testing.assert_allclose(row_losses("focal", logits, codes, **options), plain)
    options = {"logit_shift": np.zeros(n), "label_smoothing": smoothing}
    adjusted = row_losses("logit_adjusted", logits, codes, **options)
    np.testing.assert_allclose(adjusted, plain)


@N_OUTPUTS
def test_logit_adjusted_loss_is_cross_entropy_of_shifted_logits(n):
    logits, codes = drawn(n)
    found = row_losses("logit_adjusted", logits, codes, logit_shift=SHIFT[n])
    expected = row_losses("crossentropy", logits + np.array(SHIFT[n]), codes)
    np.testing.assert_allclose(found, expected)


def test_two_classes_have_the_same_losses_with_one_logit_and_with_two():
    logits, codes = drawn(1)
    pair = np.hstack([np.zeros_like(logits), logits])
    for loss in ("crossentropy", "focal"):
        options = {"focal_gamma": 1.5, "label_smoothing": 0.1}
        one, two = (row_losses(loss, z, codes, **options) for z in (logits, pair))
        np.testing.assert_allclose(one, two)
        one, two = (graph_losses(loss, z, codes, shift=0.0) for z in (logits, pair))
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


@N_OUTPUTS
@BY_NAME
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_graph_and_numpy_agree(loss, n, smoothing):
    logits, codes = drawn(n)
    options = {"focal_gamma": 1.5, "label_smoothing": smoothing}
    found = row_losses(loss, logits, codes, logit_shift=SHIFT[n], **options)
    graph = graph_losses(loss, logits, codes, smoothing=smoothing)
    np.testing.assert_allclose(graph, found, rtol=1e-5, atol=1e-5)


# ----------------------------------------------------------------------- Keras' twins


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_of_two_classes_is_that_of_keras(gamma):
    logits, codes = drawn(1, scale=1.0)
    expected = keras.losses.BinaryFocalCrossentropy(
        gamma=gamma, from_logits=True, reduction="none"
    )(codes[:, None].astype("f4"), logits)
    found = row_losses("focal", logits, codes, focal_gamma=gamma)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_focal_loss_of_more_classes_is_that_of_keras(smoothing):
    logits, codes = drawn(4, scale=1.0)
    expected = keras.losses.CategoricalFocalCrossentropy(
        alpha=1.0,
        gamma=1.5,
        from_logits=True,
        label_smoothing=smoothing,
        reduction="none",
    )(np.eye(4)[codes], logits)
    options = {"focal_gamma": 1.5, "label_smoothing": smoothing}
    found = row_losses("focal", logits, codes, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_alpha_of_the_focal_loss_is_that_of_keras():
    model = dense(loss="focal", focal_alpha=0.8, batch_size=N, epochs=2).fit(X, y)
    weights = model.record_.to_dict()["configuration"]["training"]["class_weight"]
    logits, codes = drawn(1, scale=1.0)
    expected = keras.losses.BinaryFocalCrossentropy(
        apply_class_balancing=True, alpha=0.8, from_logits=True, reduction="none"
    )(codes[:, None].astype("f4"), logits)
    by_class = np.array([weights["0"], weights["1"]])
    found = by_class[codes] * row_losses("focal", logits, codes)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_alpha_weighs_the_positive_class_whatever_its_number():
    labels = np.where(y == 1, "bad", "good")  # the rare class comes first
    model = dense(loss="focal", focal_alpha=0.8).fit(X, labels)
    training = case_from_record(model.record_).training
    assert model.pos_label_ == "bad"
    assert training.class_weight == pytest.approx({"0": 0.8, "1": 0.2})


def test_alpha_of_more_than_two_classes_is_refused():
    with pytest.raises(ValueError, match=r"focal_alpha.*3 classes: set class_w"):
        dense(loss="focal", focal_alpha=0.8).fit(X, np.arange(N) % 3)


# ------------------------------------------------------------------------- gradients


@N_OUTPUTS
@BY_NAME
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradient_is_that_of_finite_differences(loss, n, smoothing):
    logits, codes = drawn(n, rows=8)
    with tf.GradientTape() as tape:
        given_logits = tf.constant(logits, tf.float32)
        tape.watch(given_logits)
        losses = graph_losses(loss, given_logits, codes, smoothing=smoothing)
    found = tape.gradient(losses, given_logits).numpy()
    options = {"focal_gamma": 1.5, "label_smoothing": smoothing}
    options["logit_shift"] = SHIFT[n]
    for column in range(n):
        step = 1e-5 * (np.arange(n) == column)
        up, down = (
            row_losses(loss, logits + sign * step, codes, **options) for sign in (1, -1)
        )
        slope = (up - down) / 2e-5
        np.testing.assert_allclose(found[:, column], slope, rtol=1e-3, atol=1e-5)


@N_OUTPUTS
@BY_NAME
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("size", [100.0, 1e4])
def test_losses_and_gradients_are_finite_at_extreme_logits(loss, n, gamma, size):
    codes = np.array([0, 1, 0, 1], "i4")
    logits = np.full((4, n), -size)
    logits[:2, -1] = size
    logits[2:, 0] = size if n > 1 else -size
    expected = row_losses(loss, logits, codes, focal_gamma=gamma, logit_shift=SHIFT[n])
    assert np.isfinite(expected).all()
    with tf.GradientTape() as tape:
        given_logits = tf.constant(logits, tf.float32)
        tape.watch(given_logits)
        losses = graph_losses(loss, given_logits, codes, gamma=gamma)
    gradient = tape.gradient(losses, given_logits)
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-5)
    assert np.isfinite(gradient).all()


# ---------------------------------------------------------- effective numbers of rows


CODES = st.lists(st.integers(0, 2), min_size=20, max_size=60)


@settings(max_examples=30, deadline=None)
@given(CODES)
def test_effective_weights_go_from_none_to_balanced(codes):
    codes = np.array([0, 1, 2, *codes])
    classes = np.arange(3)
    none, balanced = (
        class_weights("A", "effective", classes, codes, beta) for beta in (0, 1 - 1e-9)
    )
    np.testing.assert_allclose(none, np.ones(3))
    expected = compute_class_weight("balanced", classes=classes, y=codes)
    np.testing.assert_allclose(balanced, expected, rtol=1e-5)


def test_effective_weights_are_those_of_the_paper_with_mean_one():
    codes = np.repeat([0, 1], [900, 100])
    found = class_weights("A", "effective", np.arange(2), codes, 0.99)
    paper = 0.01 / (1 - 0.99 ** np.array([900, 100]))
    assert found[1] / found[0] == pytest.approx(paper[1] / paper[0])
    assert found[codes].mean() == pytest.approx(1)


def test_effective_weights_reach_every_classifier_and_the_record():
    model = dense(class_weight="effective", effective_beta=0.9).fit(X, y)
    training = case_from_record(model.record_).training
    counts = np.array(model.record_.data["class_counts"]["trained"])
    paper = 0.1 / (1 - 0.9**counts)
    weights = [training.class_weight[code] for code in "01"]
    assert training.class_weight_kind == "effective"
    assert weights[1] / weights[0] == pytest.approx(paper[1] / paper[0])
    assert diagnose(model).find("class-weight-without-effect") is None
    RocketClassifier(84, class_weight="effective").fit(X.reshape(N, 4, 1), y)


# ------------------------------------------------------------------------- in training


@pytest.mark.parametrize("codes", [y, np.arange(N) % 3 % 2 + (np.arange(N) % 7 == 0)])
def test_logit_adjusted_training_shifts_by_the_prior_of_the_loss(codes):
    model = dense(loss="logit_adjusted", logit_tau=0.7, batch_size=N).fit(X, codes)
    counts = np.bincount(codes[np.setdiff1d(np.arange(N), held_rows(model))])
    logs = 0.7 * np.log(counts / counts.sum())
    logits = np.asarray(model.model_(X), float)
    if len(logs) == 2:
        logits = np.hstack([np.zeros_like(logits), logits])
    losses = -np.log(softmax(logits + logs))[np.arange(N), codes]
    plain = -np.log(softmax(logits))[np.arange(N), codes]
    held = held_rows(model)
    history = model.history_
    assert history["val_loss"][-1] == pytest.approx(losses[held].mean(), abs=1e-5)
    found = history["val_crossentropy"][-1]
    assert found == pytest.approx(plain[held].mean(), abs=1e-5)


def test_an_untrained_network_guesses_the_prior_under_any_loss():
    for loss in ("crossentropy", "logit_adjusted"):
        model = dense(epochs=1, learning_rate=1e-9, loss=loss).fit(X, y)
        counts = np.array(model.record_.data["class_counts"]["trained"])
        shift = np.log(counts[1] / counts[0]) if loss == "logit_adjusted" else 0.0
        guess = np.log((counts[1] + 1) / (counts[0] + 1))
        assert model.weights_[-1][0] + shift == pytest.approx(guess, abs=1e-5)


def held_rows(model):
    return np.asarray(model.record_.data["held_out_rows"])


def softmax(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "focal"},
        {"loss": "logit_adjusted"},
        {"label_smoothing": 0.1},
        {"loss": lambda y, z: tf.nn.softplus(tf.where(y[:, None] > 0, -z, z))[:, 0]},
    ],
    ids=["focal", "logit_adjusted", "smoothed", "own"],
)
def test_other_losses_have_the_cross_entropy_of_keras_beside(options):
    model = dense(**options).fit(X, y)
    held = held_rows(model)
    kept = np.setdiff1d(np.arange(N), held)
    keras_loss = keras.losses.BinaryCrossentropy(from_logits=True)
    for prefix, rows in (("", kept), ("val_", held)):
        found = model.history_[prefix + "crossentropy"]
        expected = float(keras_loss(y[rows, None].astype("f4"), model.model_(X[rows])))
        assert len(found) == 3
        assert found[-1] == pytest.approx(expected, abs=1e-5)
    metrics = model.record_.outcome["metrics"]["val"]
    assert metrics["loss"] == pytest.approx(model.history_["val_crossentropy"][-1])
    gap = diagnose(model).gap
    assert gap.find("loss_function") is not None


def test_cross_entropy_has_no_second_curve_and_can_be_monitored_beside_another():
    assert "crossentropy" not in dense().fit(X, y).history_
    options = {"monitor": "val_crossentropy", "early_stopping": True, "patience": 1}
    model = dense(loss="focal", **options).fit(X, y)
    assert model.best_epoch_ == int(np.argmin(model.history_["val_crossentropy"]))


def test_keras_classifier_has_the_cross_entropy_beside_a_focal_loss():
    from skloss import KerasClassifier

    def network():
        layers = [keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")]
        return keras.Sequential(layers)

    loss = keras.losses.BinaryFocalCrossentropy()
    model = KerasClassifier(network, loss=loss, epochs=2, random_state=0).fit(X, y)
    assert len(model.record_.history["crossentropy"]) == 2


# --------------------------------------------------------------- losses of one's own


def own_crossentropy(y, logits):
    return tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(y, tf.float32), logits[:, 0])


def test_an_own_loss_trains_as_the_same_one_by_name():
    own, named = (dense(loss=loss).fit(X, y) for loss in (own_crossentropy, "focal"))
    twin = dense(loss="focal", focal_gamma=0.0).fit(X, y)
    np.testing.assert_allclose(own.predict_proba(X), twin.predict_proba(X), atol=1e-5)
    assert np.abs(own.predict_proba(X) - named.predict_proba(X)).max() > 1e-3
    assert case_from_record(own.record_).training.loss == "own_crossentropy"
    np.testing.assert_allclose(
        own.history_["val_loss"], own.history_["val_crossentropy"], rtol=1e-5
    )


def test_an_own_loss_is_compiled_in_a_long_fit():
    model = dense(loss=own_crossentropy, epochs=60, batch_size=8).fit(X, y)
    assert model.record_.outcome["program"] == "graph"
    twin = dense(epochs=60, batch_size=8).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), twin.predict_proba(X), atol=1e-4)


def mean_of_rows(y, logits):
    return tf.reduce_mean(own_crossentropy(y, logits))


def of_a_batch(y, logits):
    return own_crossentropy(y, logits) - tf.reduce_mean(logits)


def by_numpy(y, logits):
    return np.log1p(np.exp(-logits.numpy()[:, 0]))


def without_gradient(y, logits):
    return tf.cast(tf.not_equal(y, tf.cast(logits[:, 0] > 0, tf.int32)), tf.float32)


def chooses(y, logits):
    return logits[:, 0] if logits[0, 0] > 0 else -logits[:, 0]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (mean_of_rows, r"'mean_of_rows', gives an array of shape \(\).*one loss for"),
        (of_a_batch, "'of_a_batch', gives a row another loss where other rows"),
        (by_numpy, "'by_numpy', cannot be compiled.*without NumPy"),
        (without_gradient, "'without_gradient', has no gradient"),
        (chooses, "'chooses', cannot be compiled.*tf.where"),
    ],
)
def test_an_own_loss_that_cannot_be_trained_by_says_why(loss, message):
    with pytest.raises(ValueError, match=f"(?s)'loss' parameter of Dense.*{message}"):
        dense(loss=loss).fit(X, y)


def test_a_misspelt_loss_names_the_nearest():
    with pytest.raises(ValueError, match="'logit_adjusted'"):
        dense(loss="logit_ajusted").fit(X, y)
