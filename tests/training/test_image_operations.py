"""Convolutions and pools of oneDNN give what TensorFlow's public ones give."""

from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from skloss.training import image_operations as module
from skloss.training.backends import compile_graph
from skloss.training.image_operations import ImageOperations, image_operations

SERIES, IMAGES = (3, 17, 2), (3, 9, 7, 2)
STEPS = [
    {"padding": padding, "strides": strides, "dilation": dilation}
    for padding, (strides, dilation) in product(
        ("same", "valid"), ((1, 1), (2, 1), (1, 2))
    )
]
POOLS = [
    {"size": 3, "padding": "valid", "strides": 3},
    {"size": 2, "padding": "valid", "strides": 2},
    {"size": 3, "padding": "same", "strides": 1},
]


@pytest.fixture(scope="module")
def onednn():
    operations = image_operations("graph")
    if type(operations) is ImageOperations:
        pytest.skip("this build of TensorFlow has no operations of oneDNN")
    return operations


def both_ways(onednn, apply, *arrays):
    """Outputs and gradients of a function of operations and arrays, by both sets."""

    def results():
        given = [tf.constant(array, tf.float32) for array in arrays]

        def of(operations):
            with tf.GradientTape() as tape:
                tape.watch(given)
                found = apply(operations, *given)
                total = tf.reduce_sum(found * tf.cos(found))
            return (found, *tape.gradient(total, given))

        return of(onednn), of(ImageOperations())

    return compile_graph(results, list, "graph")()


@pytest.mark.parametrize("shape", [SERIES, IMAGES], ids=["series", "images"])
@pytest.mark.parametrize("activation", ["relu", "selu"])
@pytest.mark.parametrize("has_bias", [True, False])
def test_convolutions_and_their_gradients_agree(onednn, shape, activation, has_bias):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    kernels = [rng.normal(size=(*(n,) * (len(shape) - 2), 2, 4)) for n in (2, 3)]
    bias = [rng.normal(size=4)] * has_bias

    def apply(operations, x, *kernels_and_bias):
        first, second, *bias = kernels_and_bias
        found = [
            operations.convolve(
                x, kernel, *(bias or [None]), activation=activation, **how
            )
            for kernel in (first, second)
            for how in STEPS
        ]
        return tf.concat([tf.reshape(one, [-1]) for one in found], axis=0)

    found, expected = both_ways(onednn, apply, x, *kernels, *bias)

    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * abs(other).max())


def test_a_dilated_kernel_learns_on_every_processor():
    x, kernel = tf.ones((1, 6, 1)), tf.ones((2, 1, 1))
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        found = ImageOperations().convolve(
            x, kernel, None, activation="linear", padding="valid", dilation=2
        )

    of_x, of_kernel = tape.gradient(found, [x, kernel])

    np.testing.assert_array_equal(np.ravel(of_x), [1, 1, 2, 2, 1, 1])
    np.testing.assert_array_equal(np.ravel(of_kernel), [4, 4])


@pytest.mark.parametrize("shape", [SERIES, IMAGES], ids=["series", "images"])
@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_pools_agree_where_several_values_are_the_largest(onednn, shape, pool):
    x = np.random.default_rng(1).integers(0, 3, size=shape)

    found, expected = both_ways(onednn, lambda how, x: how.max_pool(x, **pool), x)

    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_only_graphs_take_them(onednn):
    assert type(image_operations("xla")) is ImageOperations
    assert type(image_operations("eager")) is ImageOperations


@pytest.mark.parametrize(
    ("said", "are_used"), [("0", False), ("False", False), ("1", True), ("true", True)]
)
def test_a_user_can_turn_them_off_as_in_tensorflow(onednn, monkeypatch, said, are_used):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", said)
    module._has_onednn.cache_clear()
    try:
        assert (type(image_operations("graph")) is type(onednn)) is are_used
    finally:
        module._has_onednn.cache_clear()


def test_a_build_without_them_has_the_public_ones(onednn, monkeypatch):
    monkeypatch.setattr(module, "_CONVOLUTION", "_NoSuchOperation")
    module._has_onednn.cache_clear()
    try:
        assert type(image_operations("graph")) is ImageOperations
    finally:
        module._has_onednn.cache_clear()
