"""A fit that goes on holds out the rows that the fit before held out."""

import keras
import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler

from skloss import DenseClassifier, KerasClassifier, Pipeline
from skloss.datasets import make_rare_events


def network(meta):
    head = keras.layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input(meta["X_shape_"][1:]), head])


SMALL = {"epochs": 1, "batch_size": 64, "warm_start": True}
CLASSIFIERS = {
    "one network": DenseClassifier(width=2, **SMALL),
    "two members": DenseClassifier(width=2, n_members=2, **SMALL),
    "behind a sampler": Pipeline(
        [
            ("sampler", RandomOverSampler(random_state=0)),
            ("dense", DenseClassifier(width=2, **SMALL)),
        ]
    ),
    "a model function": KerasClassifier(
        network, loss="binary_crossentropy", validation_fraction=0.2, **SMALL
    ),
}


def held_out(fitted):
    last = fitted.steps[-1][1] if hasattr(fitted, "steps") else fitted
    members = last.members_ if getattr(last, "n_members", 1) > 1 else [last]
    return [member.record_.data["held_out_rows"] for member in members]


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("state", [None, np.random.RandomState(0)])
def test_a_fit_that_goes_on_holds_out_the_same_rows(name, state):
    X, y = make_rare_events(200, prevalence=0.3, random_state=0)
    classifier = CLASSIFIERS[name]
    last = classifier.steps[-1][1] if hasattr(classifier, "steps") else classifier
    last.set_params(random_state=state, warm_start=True)
    first = held_out(classifier.fit(X, y))
    assert held_out(classifier.fit(X, y)) == first
    last.set_params(warm_start=False)
    anew = held_out(classifier.fit(X, y))
    assert anew != first
    last.set_params(warm_start=True)
    assert held_out(classifier.fit(X, y)) == anew
