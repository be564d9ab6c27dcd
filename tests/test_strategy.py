"""Keras trained on several devices is read by skloss as on one."""

# A program of its own, since devices are told before TensorFlow starts.
PROGRAM = """\
import keras
import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
import skloss
from skloss.datasets import make_rare_events

X, y = make_rare_events(640, n_features=6, random_state=0)

def network(meta=None):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((6,)), keras.layers.Dense(8, "relu")]
    return keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])

def trained(strategy):
    with strategy.scope():
        model = network()
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    history = model.fit(
        X[:512],
        y[:512],
        batch_size=64,
        epochs=4,
        shuffle=False,
        validation_data=(X[512:], y[512:]),
        verbose=0,
    )
    return model, history

def findings(model, history):
    return skloss.diagnose(model, X[:512], y[:512], history=history)

mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert mirrored.num_replicas_in_sync == 2
one, two = trained(tf.distribute.get_strategy()), trained(mirrored)
for alone, shared in zip(one[0].get_weights(), two[0].get_weights(), strict=True):
    np.testing.assert_allclose(shared, alone, atol=1e-5)
for name, curve in one[1].history.items():
    np.testing.assert_allclose(two[1].history[name], curve, atol=1e-5)

alone, shared = findings(*one), findings(*two)
assert [f.name for f in shared.findings] == [f.name for f in alone.findings]
assert shared.passed == alone.passed
assert shared.case.training.learning_rate == alone.case.training.learning_rate
assert abs(shared.case.training.learning_rate - 0.01) < 1e-8

# Its own engine, and so `KerasClassifier`, trains on one device, also in a scope.
def classifier(**options):
    return skloss.KerasClassifier(
        network, loss="binary_crossentropy", epochs=2, random_state=0, **options
    )

expected = classifier().fit(X, y).history_["loss"]
with mirrored.scope():
    assert classifier().fit(X, y).history_["loss"] == expected
    by_keras = classifier(optimizer="adafactor").fit(X, y)
assert by_keras.record_.outcome["program"] == "keras"
assert np.isfinite(by_keras.history_["loss"]).all()
"""


def test_a_model_of_two_devices_equals_that_of_one_and_is_diagnosed_the_same(
    tensorflow_server, tmp_path
):
    done = tensorflow_server.run(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr[-3_000:]
