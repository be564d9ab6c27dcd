"""After a fit in the parent, a forked process predicts or raises, and never hangs."""

from pathlib import Path

import pytest
from fork_server import ForkServer

ROOT = Path(__file__).parents[1]

# TensorFlow is there, but has not run: that is left to each case.
BEGIN = """\
import os, sys, warnings
import joblib, keras, tensorflow
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from skloss import *
from skloss.datasets import make_rare_events
from skloss.exceptions import ForkedProcessError

warnings.simplefilter("ignore")  # of fork and threads
X, y = make_rare_events(600, prevalence=0.3, random_state=0)
series = np.random.default_rng(0).normal(size=(3_000, 200)).astype("float32")
plain = DenseClassifier(epochs=3, random_state=0, width=(4,))
dense = clone(plain).set_params(batch_norm=True)

def refuses(function):
    try:
        function()
    except ForkedProcessError as error:
        return "spawn" in str(error)

def in_child(function, ends_by_itself=False):
    child = os.fork()
    if not child:
        try:
            good = function()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            good = False
        if ends_by_itself:
            sys.exit(0 if good else 1)  # as workers of a server end
        os._exit(0 if good else 1)  # as processes of multiprocessing end
    _, status = os.waitpid(child, 0)
    assert status == 0, status
"""


@pytest.fixture(scope="module")
def server():
    with ForkServer(BEGIN, PYTHONPATH=str(ROOT)) as started:
        yield started


@pytest.fixture
def assert_ends_well(server):
    def check(code):
        done = server.run(code)
        assert done.returncode == 0, done.stderr[-3_000:]

    return check


def test_many_series_are_predicted_and_no_network_is_trained(assert_ends_well):
    assert_ends_well(
        """
cnn = CNN1DClassifier(filters=((16, 16),), epochs=1, random_state=0)
cnn.fit(series[:200], np.arange(200) % 2)
assert len(series) * cnn.network_.n_multiplications > 1e9
expected = cnn.predict_proba(series)
in_child(lambda: np.allclose(cnn.predict_proba(series), expected, atol=1e-5))
in_child(lambda: refuses(lambda: cnn.fit(series[:200], np.arange(200) % 2)))
in_child(lambda: refuses(lambda: cnn.model_))
in_child(lambda: len(cnn.predict(series)) == len(series), ends_by_itself=True)
"""
    )


@pytest.mark.parametrize(
    ("backend", "epochs"), [("eager", 1), ("graph", 10), ("xla", 30)]
)
def test_a_fit_is_refused_whatever_would_train_it(backend, epochs, assert_ends_well):
    assert_ends_well(
        f"""
dense.set_params(epochs={epochs}, early_stopping=False).fit(X, y)
assert dense.record_.outcome["program"] == {backend!r}
expected = dense.predict(X)
in_child(lambda: (dense.predict(X) == expected).all())
in_child(lambda: refuses(lambda: dense.fit(X, y)))
in_child(lambda: refuses(lambda: make_pipeline(dense).fit(X, y)))
in_child(lambda: (dense.predict(X) == expected).all(), ends_by_itself=True)
"""
    )


def test_a_keras_network_is_predicted_if_the_engine_knows_it(assert_ends_well):
    assert_ends_well(
        """
def network(last="sigmoid"):
    layers = keras.layers
    return keras.Sequential([keras.Input((X.shape[1],)), layers.Dense(1, last)])

options = {"model": network, "loss": "binary_crossentropy", "random_state": 0}
known = KerasClassifier(**options).fit(X, y)
own = KerasClassifier(callbacks=keras.callbacks.Callback(), **options).fit(X, y)
assert known.record_.outcome["program"] != "keras" == own.record_.outcome["program"]
expected = known.predict(X)
in_child(lambda: (known.predict(X) == expected).all())
in_child(lambda: refuses(lambda: known.fit(X, y)))
in_child(lambda: refuses(lambda: own.predict(X)))
in_child(lambda: refuses(lambda: own.partial_fit(X, y)))
in_child(lambda: refuses(lambda: own.set_params(warm_start=True).fit(X, y)))
"""
    )


def test_a_search_in_forked_processes_says_what_to_do(assert_ends_well):
    # Not with error_score="raise": at an error joblib kills workers, and if one of them
    # was just sending its result, the lock that it held hangs joblib in the parent.
    assert_ends_well(
        """
dense.fit(X, y)
with joblib.parallel_config("multiprocessing", n_jobs=2):
    try:
        cross_val_score(dense, X, y, cv=2)
    except ValueError as error:
        message = str(error)
assert "All the 2 fits failed" in message and "ForkedProcessError" in message
assert "get_context('spawn')" in message, message
"""
    )


def test_a_short_fit_of_dense_layers_needs_no_tensorflow(assert_ends_well):
    assert_ends_well(
        """
dense.fit(X, y)
expected = plain.fit(X, y).predict_proba(X)
in_child(lambda: (plain.fit(X, y).predict_proba(X) == expected).all())
"""
    )


def test_a_process_forked_before_tensorflow_has_run_trains(assert_ends_well):
    assert_ends_well(
        """
in_child(lambda: len(dense.fit(X, y).predict(X)) == len(X))
"""
    )
