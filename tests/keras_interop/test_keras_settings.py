"""Other settings of Keras, its backend and its float type: what works, what says so."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import skloss
from skloss import DenseClassifier, KerasClassifier
from skloss.datasets import make_rare_events

ROOT = Path(__file__).parents[2]
X, y = make_rare_events(200, prevalence=0.3, random_state=0)
WITHOUT_ITS_BACKEND = """
import os, sys

os.environ["KERAS_BACKEND"] = "torch"

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
import numpy as np
import skloss
from skloss.datasets import make_rare_events

X, y = make_rare_events(100, prevalence=0.3, random_state=0)
dense = skloss.DenseClassifier(width=4, epochs=1, random_state=0).fit(X, y)
assert dense.predict_proba(X).shape == (100, 2)
skloss.diagnose(dense, X, y)
skloss.diagnose({"loss": [1.0, 0.5], "val_loss": [1.0, 0.6]})
skloss.RocketClassifier(n_kernels=84, random_state=0).fit(X, y).predict(X)
for needs_keras in (lambda: dense.model_, lambda: skloss.KerasClassifier(len)):
    try:
        needs_keras()
    except ImportError as error:
        text = str(error)
        assert "set KERAS_BACKEND=tensorflow in the environment" in text, text
        assert "No module named 'torch'" in text and "\\n" not in text, text
    else:
        raise SystemExit("no error")
"""

UNKNOWN_BACKEND = """
import skloss
from skloss.datasets import make_rare_events

X, y = make_rare_events(100, prevalence=0.3, random_state=0)
fits = [
    lambda: skloss.DenseClassifier(width=4, epochs=1, batch_norm=True).fit(X, y),
    lambda: skloss.KerasClassifier(len),
]
for fit in fits:
    try:
        fit()
    except ImportError as error:
        text = str(error)
        assert "set KERAS_BACKEND=tensorflow in the environment" in text, text
        assert "nonesuch" in text and "pip install" not in text, text
    else:
        raise SystemExit("no error")
"""


def network():
    import keras

    return keras.Sequential(
        [
            keras.Input((X.shape[1],)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


@pytest.fixture
def floats(request):
    import keras

    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


def test_only_what_needs_keras_says_that_its_backend_is_missing(
    tensorflow_server, tmp_path
):
    done = tensorflow_server.run(WITHOUT_ITS_BACKEND, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("where", ["environment", "keras.json"])
def test_a_backend_that_keras_does_not_know_is_named(tmp_path, where):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "KERAS_HOME": str(tmp_path)}
    if where == "environment":
        environment["KERAS_BACKEND"] = "nonesuch"
    else:
        (tmp_path / "keras.json").write_text('{"backend": "nonesuch"}')
        environment.pop("KERAS_BACKEND", None)
    done = subprocess.run(
        [sys.executable, "-c", UNKNOWN_BACKEND],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr


def test_keras_fit_on_another_backend_is_refused_before_training(monkeypatch):
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    classifier = KerasClassifier(
        network, loss="binary_crossentropy", epochs=2, fit__callbacks=[]
    )
    classifier.set_params(callbacks=[keras.callbacks.TerminateOnNaN()])
    with pytest.raises(RuntimeError, match=r"runs on 'jax': set KERAS_BACKEND=tens"):
        classifier.fit(X, y)
    assert not hasattr(classifier, "history_")
    assert np.isfinite(DenseClassifier(epochs=1).fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("floats", ["float64", "float16"], indirect=True)
def test_a_dense_classifier_does_not_depend_on_the_floats_of_keras(floats):
    import keras

    given = DenseClassifier(width=4, epochs=2, random_state=0).fit(X, y)
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    usual = DenseClassifier(width=4, epochs=2, random_state=0).fit(X, y)
    np.testing.assert_array_equal(given.predict_proba(X), usual.predict_proba(X))


@pytest.mark.parametrize("floats", ["float64"], indirect=True)
def test_a_keras_classifier_predicts_as_its_model_of_other_floats(floats):
    classifier = KerasClassifier(
        network, loss="binary_crossentropy", epochs=2, random_state=0
    ).fit(X, y)
    assert {v.dtype for v in classifier.model_.trainable_variables} == {floats}
    own = classifier.model_.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(classifier.predict_proba(X)[:, 1], own, atol=1e-6)
    bounded = np.clip(own.astype(float), 1e-7, 1 - 1e-7)
    kept = -np.mean(np.where(y == 1, np.log(bounded), np.log(1 - bounded)))
    assert classifier.record_.history["loss"][-1] == pytest.approx(kept, rel=2e-3)
    assert "not read" not in str(skloss.diagnose(classifier, X, y))
