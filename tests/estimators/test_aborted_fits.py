"""A fit that ends in an error leaves a classifier exactly as it was before."""

import pickle

import keras
import numpy as np
import pytest
from keras_networks import binary
from sklearn.preprocessing import StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, KerasClassifier, make_pipeline

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 8)).astype(np.float32)
labels = np.where(X[:, 0] > 0, "storm", "calm")
others = np.where(X[:, 0] > 0, "a", "b")  # the other way round


class AbortError(Exception):
    """What a callback of the user's raises."""


class Aborting(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch >= 1:
            raise AbortError


def abort(row):
    if row["epoch"] >= 1:
        raise AbortError


def dense(**options):
    return DenseClassifier(3, 1, epochs=3, random_state=0, **options)


def cnn(**options):
    return CNN1DClassifier(3, 1, head=4, epochs=3, random_state=0, **options)


def by_engine(**options):
    options = {"epochs": 3, "random_state": 0} | options
    return KerasClassifier(binary, loss="binary_crossentropy", **options)


def by_keras(**options):
    return by_engine(callbacks=[keras.callbacks.Callback()], **options)


CLASSIFIERS = pytest.mark.parametrize("make", [dense, cnn, by_engine, by_keras])


def state(classifier):
    """All that a user can see of a fit."""
    classifier = getattr(classifier, "steps", [[0, classifier]])[-1][1]
    weights = classifier.model_.get_weights()
    found = [classifier.predict_proba(X), *weights, classifier.classes_]
    optimizer = getattr(classifier.model_, "optimizer", None)
    if optimizer is not None and int(optimizer.iterations):
        found += [np.asarray(v) for v in optimizer.variables]
    shown = classifier.history_, classifier.record_.to_dict(), classifier.get_params()
    return found, (repr(shown), classifier.n_features_in_, sorted(vars(classifier)))


def assert_same(found, expected):
    for a, b in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert found[1] == expected[1]


@CLASSIFIERS
def test_training_that_fails_half_way_changes_nothing(make):
    classifier = make().fit(X, labels)
    if isinstance(classifier, KerasClassifier):
        given = {"callbacks": [Aborting()]}
    else:
        classifier.callbacks, given = abort, {}
    before = state(classifier)
    with pytest.raises(AbortError):
        classifier.fit(X[:, :7], others, **given)
    assert_same(state(classifier), before)


@CLASSIFIERS
def test_a_warm_start_that_fails_half_way_changes_nothing(make):
    classifier = make(warm_start=True).fit(X, labels)
    if isinstance(classifier, KerasClassifier):
        given = {"callbacks": [Aborting()]}
    else:
        classifier.callbacks, given = abort, {}
    before = state(classifier)
    with pytest.raises(AbortError):
        classifier.fit(X, labels, **given)
    assert_same(state(classifier), before)


@pytest.mark.parametrize("make", [by_engine, by_keras])
def test_a_failing_partial_fit_changes_no_weight_and_no_state_of_the_optimizer(make):
    class AtOnce(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise AbortError

    classifier = make().partial_fit(X, labels)
    before = state(classifier)
    with pytest.raises(AbortError):
        classifier.partial_fit(X, labels, callbacks=[AtOnce()])
    assert_same(state(classifier), before)
    twin = make().partial_fit(X, labels)
    after = [
        each.partial_fit(X, labels).predict_proba(X) for each in (classifier, twin)
    ]
    np.testing.assert_array_equal(*after)


REFUSED = {
    "one class": (X, np.full(len(X), "calm"), {}),
    "monitor": (X, others, {"monitor": "val_mccc", "validation_fraction": 0.2}),
    "class_weight": (X, others, {"class_weight": {"calm": 2.0}}),
    "a column less, weights": (X[:, :7], others, {"class_weight": "balancd"}),
}


@CLASSIFIERS
def test_a_refit_that_is_refused_changes_nothing(make):
    classifier = make().fit(X, labels)
    before = state(classifier)
    given = classifier.get_params()
    for X_new, y, options in REFUSED.values():
        with pytest.raises(ValueError):  # noqa: PT011 - whichever
            classifier.set_params(**options).fit(X_new, y)
        classifier.set_params(**{name: given[name] for name in options})
        assert_same(state(classifier), before)


@CLASSIFIERS
def test_a_first_fit_that_fails_leaves_nothing_fitted(make):
    classifier = make(class_weight={"gale": 1.0})
    before = set(vars(classifier))
    for fit in (classifier.fit, classifier.partial_fit):
        given = {"classes": ["calm", "storm"]} if fit == classifier.partial_fit else {}
        with pytest.raises(ValueError, match="class_weight"):
            fit(X, labels, **given)
        assert set(vars(classifier)) == before


@CLASSIFIERS
def test_a_pipeline_keeps_its_steps_together(make):
    pipeline = make_pipeline(StandardScaler(), make()).fit(X, labels)
    before = pipeline.predict_proba(X)
    with pytest.raises(ValueError, match="class_weight"):
        pipeline.set_params(**{f"{pipeline.steps[-1][0]}__class_weight": {9: 1}}).fit(
            X * 1000, others
        )
    np.testing.assert_array_equal(pipeline.predict_proba(X), before)
    assert pipeline.classes_.tolist() == ["calm", "storm"]


def test_labels_of_several_columns_keep_their_fit_too():
    def network(meta):
        head = keras.layers.Dense(meta["n_classes_"], "sigmoid")
        return keras.Sequential([keras.Input((8,)), head])

    y = (X[:, :2] > 0).astype(int)
    classifier = KerasClassifier(network, loss="binary_crossentropy").fit(X, y)
    before = pickle.dumps(classifier.model_.get_weights()), classifier.n_classes_
    with pytest.raises(AbortError):
        classifier.fit(X, (X[:, :3] > 0).astype(int), callbacks=[Aborting()], epochs=2)
    assert (pickle.dumps(classifier.model_.get_weights()), 2) == before
