"""Steps in NumPy end where those of TensorFlow end."""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skloss.exceptions import TrainingDivergedWarning
from skloss.networks import NetworkSpec, dense, initial_weights
from skloss.networks.activations import ACTIVATIONS
from skloss.networks.layers import ColumnScale, FillMissing
from skloss.training import NetworkTraining, Rows, Settings, train, trainer
from skloss.training.backends import choose_backend
from skloss.training.optimizers import UPDATE_RULES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5)).astype("f4")
TWO = Rows(X, (X[:, 0] > 0).astype("i4"), RNG.uniform(0.2, 3, 90).astype("f4"))
THREE = replace(TWO, y=(np.abs(X[:, 0]) * 2).clip(0, 2).astype("i4"))


def spec(**options):
    given = {"n_outputs": 1, "width": (8, 6), **options}
    return dense(5, **given)


def ends(backend, network, rows, **settings):
    """Weights and curves after three epochs, the last batch of each smaller."""
    weights = initial_weights(network, np.random.default_rng(1))
    settings = {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, **settings}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "choose_backend", lambda *_: backend)
        found = train(NetworkTraining(network, weights, rows, Settings(**settings), {}))
    assert found.backend == backend
    curves = found.history
    return found.weights, {name: curves[name] for name in curves if name != "seconds"}


def assert_equal_ends(network, rows=TWO, **settings):
    weights, curves = ends("numpy", network, rows, **settings)
    expected, expected_curves = ends("eager", network, rows, **settings)
    for array, other in zip(weights, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-4, atol=1e-5)
    assert curves.keys() == expected_curves.keys()
    for name, curve in curves.items():
        np.testing.assert_allclose(curve, expected_curves[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_trained_as_by_tensorflow(activation):
    assert_equal_ends(spec(activation=activation))


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(
    "loss",
    [
        {"loss": "crossentropy"},
        {"loss": "crossentropy", "label_smoothing": 0.1},
        {"loss": "focal", "focal_gamma": 2.0},
        {"loss": "focal", "focal_gamma": 0.5, "label_smoothing": 0.1},
        {"loss": "logit_adjusted"},
    ],
    ids=str,
)
def test_every_loss_is_trained_as_by_tensorflow(loss, n_outputs):
    if loss["loss"] == "logit_adjusted":
        loss = loss | {"logit_shift": (0.7, -0.2, 0.4)[:n_outputs]}
    rows = TWO if n_outputs == 1 else THREE
    assert_equal_ends(spec(n_outputs=n_outputs), rows, **loss)


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": (0.4, 0.2)},
        {"l1": 0.01, "l2": 0.02},
        {"activity_l2": 0.05},
        {"width": ()},
        {"n_outputs": 3, "activity_l2": 0.05, "dropout": (0.0, 0.5), "l2": 0.1},
    ],
    ids=str,
)
def test_dropout_and_penalties_are_those_of_tensorflow(options):
    rows = THREE if options.get("n_outputs") == 3 else TWO
    assert_equal_ends(spec(**options), rows)


@pytest.mark.parametrize(
    ("optimizer", "clipnorm"), [*zip(UPDATE_RULES, cycle([None, 0.05]), strict=False)]
)
def test_every_optimizer_is_given_the_gradient(optimizer, clipnorm):
    # Lion moves by the sign of what may be next to nothing.
    loss = {"learning_rate": 1e-3} if optimizer == "lion" else {}
    assert_equal_ends(spec(), optimizer=optimizer, clipnorm=clipnorm, **loss)


def test_columns_are_filled_and_scaled_in_front():
    front = (FillMissing(5, (0, 2)), ColumnScale(5))
    network = replace(spec(), layers=(*front, *spec().layers))
    assert network.is_dense
    gaps = np.where(RNG.random(X.shape) < 0.1, np.nan, X).astype("f4")
    assert_equal_ends(network, replace(TWO, X=gaps))


def test_a_network_of_other_trained_layers_is_no_dense_one():
    assert spec(dropout=(0.5, 0.1)).is_dense
    assert not spec(batch_norm=True).is_dense
    reshaped = NetworkSpec((5, 1), spec().layers)
    assert not reshaped.is_dense


def test_long_fits_and_losses_of_ones_own_are_left_to_tensorflow():
    def own(y, logits):
        return logits[:, 0]

    assert choose_backend(spec(), 50) == "numpy"
    # Where BLAS may take several threads, which add in another order.
    assert choose_backend(spec(width=(2_000,)), 50) == "graph"
    assert choose_backend(spec(), 50, "focal", 8_000) == "graph"
    assert choose_backend(spec(), 10**6) == choose_backend(spec(), None) == "xla"
    assert choose_backend(spec(), 10, own) == "eager"
    assert choose_backend(spec(), 10**6, own) == "graph"


@pytest.mark.parametrize(
    ("n_columns", "width", "batch_size"),
    [(64, (128, 60), 32), (20, (280,), 32), (9, (18,), 400), (9_000, (), 1)],
)
def test_the_number_of_threads_changes_no_bit(n_columns, width, batch_size):
    network = dense(n_columns, n_outputs=1, width=width)
    assert choose_backend(network, 10, "focal", batch_size) == "numpy"
    values = np.random.default_rng(2).normal(size=(401, n_columns)).astype("f4")
    rows = Rows(values, (values[:, 0] > 0).astype("i4"), np.ones(401, "f4"))
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            found.append(ends("numpy", network, rows, batch_size=batch_size, epochs=1))
    for array, other in zip(*(weights for weights, _ in found), strict=True):
        np.testing.assert_array_equal(array, other)
    assert found[0][1] == found[1][1]


def test_weights_that_leave_the_numbers_end_the_fit_at_their_step():
    huge = replace(TWO, X=TWO.X * np.float32(1e30))
    weights = initial_weights(spec(), np.random.default_rng(1))
    with pytest.warns(TrainingDivergedWarning, match="step 2 of 6"):
        found = train(
            NetworkTraining(
                spec(), weights, huge, Settings(epochs=2, batch_size=16), {}
            )
        )
    assert found.backend == "numpy"
