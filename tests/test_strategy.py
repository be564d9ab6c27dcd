"""Within the scope of two devices, fits find what they find on one."""

import json

import pytest

# A program of its own, since devices are told before TensorFlow starts.
PROGRAM = """\
import json
from collections import Counter

import keras
import numpy as np
import tensorflow as tf
from sklearn.base import clone

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
import skloss
from skloss import *
from skloss.datasets import make_rare_events
from skloss.training import program

rng = np.random.default_rng(0)
X, y = make_rare_events(640, n_features=6, random_state=0)
sample_weight = rng.uniform(0.5, 2, len(X))
coded = np.column_stack([X, rng.integers(4, size=len(X))])
series, images = rng.normal(size=(80, 32)), rng.normal(size=(80, 8, 8))
labels = np.arange(80) % 2
options = {"epochs": 2, "random_state": 0}
distribute = tf.distribute
two = distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def network(meta=None):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((6,)), keras.layers.Dense(8, "relu")]
    return keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])

def of_keras(**given):
    return KerasClassifier(network, loss="binary_crossentropy", **options, **given)

# Batches that two devices share unevenly, and last ones that leave a device nothing.
penalized = {"l2": 1e-3, "activity_l2": 1e-3, "clipnorm": 1.0}
cases = {
    "dense": (DenseClassifier(dropout=0.2, batch_size=33, **penalized, **options), X),
    "focal": (DenseClassifier(loss="focal", optimizer="sgd", **options), X),
    "embedded": (DenseClassifier(categorical_features=[6], **options), coded),
    "members": (DenseClassifier(n_members=2, **options), X),
    "batches of one row": (DenseClassifier(batch_size=1, **options), X[:60]),
    "series": (
        CNN1DClassifier(filters=((8,),), batch_norm=False, dropout=0.2, **options),
        series,
    ),
    "images": (CNN2DClassifier(filters=((8,),), batch_norm=False, **options), images),
    "recurrent": (RecurrentClassifier(dropout=0.1, missing="mask", **options), series),
    "keras, by the engine": (of_keras(), X),
    "keras, by itself": (of_keras(optimizer="adafactor"), X),
}

def weights(classifier):
    if getattr(classifier, "n_members", 1) > 1:
        return [w for member in classifier.members_ for w in weights(member)]
    return classifier.model_.get_weights()

def largest(one, other):
    pairs = zip(one, other, strict=True)
    return max(float(np.nanmax(np.abs(np.subtract(*pair)))) for pair in pairs)

def curves(history):
    return [history[name] for name in sorted(history) if name != "seconds"]

def distances(one, other, X):
    return {
        "weights": largest(weights(one), weights(other)),
        "curves": largest(curves(one.history_), curves(other.history_)),
        "probabilities": largest([one.predict_proba(X)], [other.predict_proba(X)]),
    }

compile_graph, compiled = program.compile_graph, []

def noted(*given):
    compiled.append(given)
    return compile_graph(*given)

program.compile_graph = noted
found = {"distances": {}, "errors": {}}
for name, (classifier, rows) in cases.items():
    held = labels if len(rows) == len(labels) else y[: len(rows)]
    given = {"sample_weight": sample_weight} if name == "dense" else {}
    one = clone(classifier).fit(rows, held, **given)
    with two.scope():
        both = clone(classifier).fit(rows, held, **given)
    found["distances"][name] = distances(one, both, rows)

dense = cases["dense"][0]
one, both = clone(dense), clone(dense)
for _ in range(2):
    one.partial_fit(X, y, classes=[0, 1])
    with two.scope():
        both.partial_fit(X, y, classes=[0, 1])
found["distances"]["partial_fit"] = distances(one, both, X)

# What else a scope leaves: programs of one device as they were, and their results.
divided = next(given for given in compiled if given[3])  # of the first case
n_compiled = len(compiled)
again = [clone(dense).fit(X, y, sample_weight=sample_weight)]
with distribute.OneDeviceStrategy("/cpu:1").scope():
    again.append(clone(dense).fit(X, y, sample_weight=sample_weight))
assert len(compiled) == n_compiled
assert largest(weights(again[0]), weights(again[1])) == 0

# Products of matrices, forth and back, by the devices that are told to make them.
function, signature, _, devices = divided
with tf.Graph().as_default() as graph:
    given = tf.nest.map_structure(
        lambda spec: tf.compat.v1.placeholder(spec.dtype, spec.shape), signature()
    )
    tf.function(function, autograph=False)(*given)
library = graph.as_graph_def().library.function
nodes = [node for part in library for node in part.node_def]
found["products"] = Counter(node.device for node in nodes if node.op == "MatMul")

def error_of(strategy, classifier, rows, labels):
    with strategy.scope():
        try:
            classifier.fit(rows, labels)
        except ValueError as error:
            return str(error)

before = one.predict_proba(X)
central = distribute.experimental.CentralStorageStrategy(["CPU:0", "CPU:1"])
cnn = CNN1DClassifier(filters=((8,),), **options)
found["errors"] = {
    "batch norm": error_of(two, cnn, series, labels),
    "central": error_of(central, one, X, y),
    "workers": error_of(distribute.MultiWorkerMirroredStrategy(), one, X, y),
}
assert (one.predict_proba(X) == before).all()

def trained(strategy):
    with strategy.scope():
        model = network()
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    history = model.fit(
        X[:512],
        y[:512],
        batch_size=64,
        epochs=2,
        shuffle=False,
        validation_data=(X[512:], y[512:]),
        verbose=0,
    )
    found = skloss.diagnose(model, X[:512], y[:512], history=history)
    return model, history.history, found

one, both = trained(distribute.get_strategy()), trained(two)
found["model"] = {
    "weights": largest(one[0].get_weights(), both[0].get_weights()),
    "curves": largest(curves(one[1]), curves(both[1])),
}
found["diagnoses"] = [
    [[f.name for f in d.findings], list(d.passed), d.case.training.learning_rate]
    for d in (one[2], both[2])
]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tensorflow_server, tmp_path_factory):
    done = tensorflow_server.run(PROGRAM, tmp_path_factory.mktemp("strategy"))
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_fits_on_two_devices_equal_those_on_one(found):
    assert len(found["distances"]) == 11
    for case, distances in found["distances"].items():
        assert max(distances.values()) < 1e-5, (case, distances)


def test_each_device_goes_forth_and_back_with_its_share_of_a_batch(found):
    products = {name[-5:]: n for name, n in found["products"].items()}
    assert products["CPU:0"] == products["CPU:1"] > 3
    assert len(products) == 2


def test_what_several_devices_cannot_do_is_refused(found):
    assert "Batch normalization needs the whole batch" in found["errors"]["batch norm"]
    for name in ("central", "workers"):
        assert "use tf.distribute.MirroredStrategy" in found["errors"][name]


def test_a_model_that_keras_trains_on_two_devices_is_diagnosed_as_that_of_one(found):
    assert max(found["model"].values()) < 1e-5
    one, both = found["diagnoses"]
    assert one == both
    assert abs(one[-1] - 0.01) < 1e-8
