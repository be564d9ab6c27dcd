"""Series changed at random while a network trains on them."""

import numpy as np
import pytest
import tensorflow as tf

from skloss import CNN1DClassifier
from skloss.networks import NetworkSpec
from skloss.networks.layers import Augment, Dense, Flatten
from skloss.training.dropout import uniform
from skloss.training.tensorflow_forward import graph_forward

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(6, 21, 2)).astype("f4")
STEPS = np.arange(21)


def drawn(shape, stream):
    return uniform(shape, tf.constant(3), stream, tf.constant(5))


def augmented(layer, x):
    """What the program makes of series, seen through a dense layer that hands on."""
    shape = tuple(x.shape[1:])
    size = int(np.prod(shape))
    spec = NetworkSpec(shape, (layer, Flatten(), Dense(size, use_bias=False)))
    weights, real = [tf.eye(size)], tf.ones(len(x))
    found = graph_forward(spec, weights, tf.constant(x), real=real, draw=drawn)
    return found.logits.numpy().reshape(x.shape)


class NumpyPass:
    def __init__(self, rng):
        self.rng = rng


def augmented_by_numpy(layer, x, rng):
    return layer.numpy(x, NumpyPass(rng))


def numbers():
    return drawn((6, 4), 0).numpy()


def by_program(**strengths):
    return augmented(Augment(2, **strengths), SERIES)


def test_shift_moves_by_whole_steps_and_repeats_the_ends():
    moved = np.round(0.3 * 20 * (2 * numbers()[:, 0] - 1)).astype(int)
    assert len(set(moved)) > 2
    expected = [
        row[np.clip(STEPS + by, 0, 20)] for row, by in zip(SERIES, moved, strict=True)
    ]
    np.testing.assert_array_equal(by_program(shift=0.3), expected)


def test_scale_is_a_factor_for_each_series():
    factors = 1 + 0.2 * (2 * numbers()[:, 1] - 1)
    expected = SERIES * factors[:, None, None]
    np.testing.assert_allclose(by_program(scale=0.2), expected, rtol=1e-6)


def test_noise_is_normal_and_as_large_as_a_share_of_each_channel():
    radius = np.sqrt(-2 * np.log(drawn(SERIES.shape, 1).numpy().astype(float)))
    angle = 2 * np.pi * drawn(SERIES.shape, 2).numpy().astype(float)
    spread = SERIES.std(axis=1, keepdims=True)
    expected = SERIES + 0.1 * spread * radius * np.cos(angle)
    np.testing.assert_allclose(by_program(noise=0.1), expected, atol=1e-5)
    many = drawn((200_000,), 1).numpy(), drawn((200_000,), 2).numpy()
    normal = np.sqrt(-2 * np.log(many[0])) * np.cos(2 * np.pi * many[1])
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01


def test_window_stretches_what_is_left_of_a_series():
    length = 20 * (1 - 0.4 * numbers()[:, 2])
    begin = numbers()[:, 3] * (20 - length)
    for row, found, start, kept in zip(
        SERIES, by_program(window=0.4), begin, length, strict=True
    ):
        at = start + STEPS / 20 * kept
        for channel in range(2):
            expected = np.interp(at, STEPS, row[:, channel])
            np.testing.assert_allclose(found[:, channel], expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["shift", "scale", "noise", "window"])
def test_numpy_and_program_change_series_alike_on_average(kind):
    layer = Augment(1, **{kind: 0.3})
    x = np.tile(np.sin(STEPS / 4).astype("f4")[:, None], (4_000, 1, 1))
    found = augmented(layer, x)
    expected = augmented_by_numpy(layer, x, np.random.default_rng(0))
    for moment in (np.mean, np.std):
        np.testing.assert_allclose(
            moment(found, axis=0), moment(expected, axis=0), atol=0.03
        )


def test_channels_behind_the_series_stay():
    layer = Augment(1, 0.3, 0.3, 0.3, 0.3)
    found = augmented(layer, SERIES)
    np.testing.assert_array_equal(found[:, :, 1], SERIES[:, :, 1])
    assert not np.allclose(found[:, :, 0], SERIES[:, :, 0])
    found = augmented_by_numpy(layer, SERIES, np.random.default_rng(0))
    np.testing.assert_array_equal(found[:, :, 1], SERIES[:, :, 1])


def test_rows_do_not_depend_on_the_part_of_the_batch_they_stand_in():
    whole = uniform((8, 3), tf.constant(1), 2, tf.constant(4)).numpy()
    part = uniform((4, 3), tf.constant(1), 2, tf.constant(4), first_row=4).numpy()
    np.testing.assert_array_equal(part, whole[4:])
    assert len(np.unique(whole)) == whole.size


# ------------------------------------------------------------------------ the parameter


def cnn(**options):
    own = {"width": 2, "depth": 1, "head": 4, "epochs": 3, "random_state": 0}
    return CNN1DClassifier(**own | options)


def rows():
    y = np.arange(60) % 2
    X = (
        np.random.default_rng(1).normal(size=(60, 20))
        + np.sin(np.arange(20)) * y[:, None]
    )
    return X.astype("f4"), y


ALL = ("shift", "scale", "noise", "window")


def test_augmented_fits_of_one_seed_are_equal_to_the_bit():
    X, y = rows()
    first, second = (cnn(augment=ALL).fit(X, y) for _ in range(2))
    plain, other = cnn().fit(X, y), cnn(augment=ALL, random_state=1).fit(X, y)
    for a, b in zip(first.weights_, second.weights_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.history_["running_loss"] == second.history_["running_loss"]
    for different in (plain, other):
        assert first.history_["running_loss"] != different.history_["running_loss"]


def test_curves_and_predictions_see_original_rows():
    X, y = rows()
    still = {"learning_rate": 1e-30, "dropout": 0, "batch_norm": False}
    plain, changed = (cnn(augment=a, **still).fit(X, y) for a in (None, "noise"))
    for name in ("loss", "val_loss"):
        assert changed.history_[name] == plain.history_[name]
    assert changed.history_["running_loss"] != plain.history_["running_loss"]
    np.testing.assert_array_equal(changed.predict_proba(X), plain.predict_proba(X))
    logits = changed.model_.predict(X[:, :, None], verbose=0)[:, 0]
    expected = np.log(changed.predict_proba(X)[:, 1] / changed.predict_proba(X)[:, 0])
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_the_parameter_takes_names_and_strengths():
    X, y = rows()
    layers = [
        cnn(augment=value, epochs=1).fit(X, y).network_.layers[1]
        for value in ("shift", ["shift"], {"shift": 0.05})
    ]
    assert layers == [Augment(1, shift=0.05)] * 3
    none = cnn(augment={"shift": 0}, epochs=1).fit(X, y).network_
    assert not any(isinstance(layer, Augment) for layer in none.layers)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("shfit", r"'augment' parameter of CNN1DClassifier must be one of.*shift"),
        ({"noise": 1.5}, r"noise=1\.5: give a number from 0"),
        ({"noise": True}, r"noise=True: give a number"),
    ],
)
def test_what_is_no_kind_or_strength_is_refused(value, words):
    X, y = rows()
    with pytest.raises(ValueError, match=words):
        cnn(augment=value).fit(X, y)


def test_the_gap_of_the_losses_names_augmentation():
    X, y = rows()
    fitted = cnn(augment={"noise": 0.9}, dropout=0, batch_norm=False).fit(X, y)
    parts = fitted.record_.outcome["loss_gap"]["parts"]
    assert any("augmentation" in part["title"] for part in parts)
