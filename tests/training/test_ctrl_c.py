"""Ctrl-C: what it ends, and that it finds every epoch whole, whenever it comes."""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from types import SimpleNamespace

import joblib
import keras
import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as imblearn_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline as sklearn_pipeline
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, KerasClassifier
from skloss.datasets import make_rare_events
from skloss.exceptions import TrainingInterruptedWarning
from skloss.keras_interop.keras_fit import train_keras
from skloss.networks import dense as spec_of_dense
from skloss.training import (
    Evaluator,
    NetworkTraining,
    Rows,
    Settings,
    SpecNetwork,
    train,
)
from skloss.training.ctrl_c import ends_one_fit
from skloss.training.program import Program, Report

X, y = make_rare_events(240, prevalence=0.3, random_state=0)


def press(row):
    """Press Ctrl-C at the end of the second epoch."""
    if row["epoch"] == 1:
        raise KeyboardInterrupt


def dense(**options):
    options = {
        "epochs": 4,
        "width": (4,),
        "batch_size": 64,
        "random_state": 0,
    } | options
    return DenseClassifier(callbacks=press, **options)


def sampled():
    return RandomOverSampler(random_state=0)


class Wrapper(ClassifierMixin, BaseEstimator):
    """A classifier of the user's own, around one of ours."""

    def fit(self, X, y):
        self.inner_ = dense().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(X)


# ------------------------------------------------------------------------ what it ends

BY_HAND = {
    "alone": dense,
    "in a pipeline of ours": lambda: skloss.make_pipeline(
        StandardScaler(), sampled(), dense()
    ),
    "in one of imbalanced-learn": lambda: imblearn_pipeline(StandardScaler(), dense()),
    "in one of scikit-learn": lambda: sklearn_pipeline(StandardScaler(), dense()),
    "in the user's own classifier": Wrapper,
}


@pytest.mark.parametrize("make", BY_HAND.values(), ids=BY_HAND)
def test_a_fit_by_hand_is_ended_and_keeps_its_weights(make):
    with pytest.warns(TrainingInterruptedWarning, match="after 2 epochs"):
        classifier = make().fit(X, y)
    assert classifier.predict(X).shape == y.shape


def grid(classifier, **options):
    name = classifier.steps[-1][0] + "__" if hasattr(classifier, "steps") else ""
    return GridSearchCV(classifier, {f"{name}learning_rate": [1e-3, 1e-2]}, **options)


SEVERAL = {
    "cross_val_score": lambda: cross_val_score(dense(), X, y, cv=2),
    "cross_validate": lambda: cross_validate(dense(), X, y, cv=2),
    "learning_curve": lambda: learning_curve(dense(), X, y, cv=2),
    "grid search": lambda: grid(dense()).fit(X, y),
    "refit of a search": lambda: grid(dense(), cv=[(range(200), range(200))]).fit(X, y),
    **{
        f"{name} of a search": lambda make=make: grid(make(), cv=2).fit(X, y)
        for name, make in BY_HAND.items()
        if "own" not in name
    },
    "own classifier in a validation": lambda: cross_val_score(Wrapper(), X, y, cv=2),
    "threshold": lambda: TunedThresholdClassifierCV(dense(), cv=2).fit(X, y),
    "threshold in a search": lambda: cross_val_score(
        TunedThresholdClassifierCV(dense(), cv=2), X, y, cv=2
    ),
    "calibration": lambda: CalibratedClassifierCV(dense(), cv=2).fit(X, y),
    "bagging": lambda: BaggingClassifier(dense(), 2).fit(X, y),
    "voting": lambda: VotingClassifier([("a", dense()), ("b", dense())]).fit(X, y),
    "joblib": lambda: joblib.Parallel()(
        joblib.delayed(dense().fit)(X, y) for _ in "ab"
    ),
    "joblib threads": lambda: joblib.Parallel(2, backend="threading")(
        joblib.delayed(dense().fit)(X, y) for _ in "ab"
    ),
    "a thread": lambda: ThreadPoolExecutor(1).submit(dense().fit, X, y).result(),
}


@pytest.mark.parametrize("run", SEVERAL.values(), ids=SEVERAL)
def test_whatever_compares_fits_is_ended_as_a_whole(run):
    with pytest.raises(KeyboardInterrupt):
        run()


def test_a_search_over_a_keras_network_is_ended_as_a_whole():
    class Press(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_val_score(small_keras(callbacks=Press, epochs=4), X, y, cv=2)


def test_the_second_ctrl_c_stops_a_loop_of_fits():
    ended = []

    def fit_all():
        for rate in (1e-4, 1e-3, 1e-2):
            classifier = dense(learning_rate=rate).fit(X, y)
            ended.append(classifier.n_epochs_)

    with pytest.warns(TrainingInterruptedWarning), pytest.raises(KeyboardInterrupt):
        fit_all()
    assert ended == [2]


def run_as(source, name, path="<input>", **names):
    """Run code as a prompt, a notebook or an installed package would."""
    names = {"__name__": name, "ends_one_fit": ends_one_fit, **names}
    exec(compile(source, path, "exec"), names)
    return names["found"]


def test_each_statement_at_a_prompt_has_a_first_ctrl_c():
    loop = "found = [ends_one_fit() for _ in range(3)]"
    assert run_as(loop, "__main__") == [True, False, False]
    assert run_as(loop, "__main__") == [True, False, False]


CALLS = "def call(function):\n    return function()\nfound = call"


@pytest.mark.parametrize(
    ("package", "path", "is_by_hand"),
    [
        ("program.training", "/home/me/program/training.py", True),
        ("functools", "/usr/lib/python3.11/functools.py", True),
        ("optuna.study", "/usr/lib/python3/site-packages/optuna/study.py", False),
        ("tuner", "/usr/lib/python3/dist-packages/tuner.py", False),
        ("sklearn.model_selection", "/home/me/scikit-learn/search.py", False),
        ("multiprocessing.pool", "/usr/lib/python3.11/multiprocessing/pool.py", False),
    ],
)
def test_only_code_of_ones_own_may_stand_between(package, path, is_by_hand):
    call = run_as(CALLS, package, path)
    source = "found = call(lambda: ends_one_fit())"
    assert run_as(source, "__main__", call=call) is is_by_hand


# ------------------------------------------------------------------------ when it comes


def keras_network():
    head = keras.layers.Dense(1, "sigmoid")
    return keras.Sequential([keras.Input((X.shape[1],)), head])


def small_keras(**options):
    options = {"epochs": 3, "batch_size": 120, "random_state": 0} | options
    return KerasClassifier(
        keras_network, loss="binary_crossentropy", validation_fraction=0.2, **options
    )


class CtrlCAt:
    """Raise KeyboardInterrupt at the n-th line that some modules run."""

    def __init__(self, modules, n=None):
        self.modules, self.n, self.seen = modules, n, 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)

    def enter(self, frame, event, arg):
        return self.line if frame.f_globals.get("__name__") in self.modules else None

    def line(self, frame, event, arg):
        if event == "line":
            self.seen += 1
            if self.seen == self.n:
                sys.settrace(self.before)
                raise KeyboardInterrupt
        return self.line


LOOP = {
    "skloss.training.in_step",
    "skloss.training.trainer",
    "skloss.training.epoch_log",
    "skloss.training.early_stopping",
    "skloss.keras_interop.keras_fit",
}
SPEC = spec_of_dense(X.shape[1], n_outputs=1, width=())
ROWS = Rows(X.astype(np.float32), y)
SETTINGS = Settings(
    epochs=3, batch_size=240, monitor="loss", patience=9, learning_rate=0.5
)


def start():
    return [np.zeros((X.shape[1], 1), np.float32), np.zeros(1, np.float32)]


def evaluators():
    network = SpecNetwork(SPEC, "crossentropy", 2.0, 0.0)
    return {"": Evaluator(network, ROWS, 2, np.array([0.7, 0.3]))}


def by_engine():
    return train(NetworkTraining(SPEC, start(), ROWS, SETTINGS, evaluators()))


class FakeModel:
    """Weights that grow with the epoch; the callbacks of Keras see it as a model."""

    def __init__(self):
        self.weights, self.stop_training = start(), False
        self.optimizer = SimpleNamespace(learning_rate=0.1)

    def get_weights(self):
        return [array.copy() for array in self.weights]

    def set_weights(self, weights):
        self.weights = weights


def by_keras():
    model = FakeModel()

    def fit(watch):
        watch.set_model(model)
        for epoch in range(SETTINGS.epochs):
            watch.on_epoch_begin(epoch)
            model.weights = [array + 0.01 for array in model.weights]
            watch.on_epoch_end(epoch, {"loss": 0.5})

    return train_keras(model, fit, SETTINGS, evaluators(), "")


def grow(program, task):
    """Stand in for the steps of an epoch, in no time."""
    report = Report(np.float32(0.5), np.int32(-1), np.zeros(4))
    state = task.state
    return state._replace(trained=state.trained + np.float32(0.01)), report


@pytest.mark.parametrize("run", [by_engine, by_keras])
def test_ctrl_c_finds_each_epoch_whole_at_every_line(run, monkeypatch):
    monkeypatch.setattr(Program, "run", grow)
    with CtrlCAt(LOOP) as counted:
        whole = run().history
    measure, seen = evaluators()[""], []
    for n in range(1, counted.seen + 1):
        # Each training is the first one that is interrupted.
        monkeypatch.setattr("skloss.training.ctrl_c._interrupted", None)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TrainingInterruptedWarning)
                with CtrlCAt(LOOP, n):
                    result = run()
        except KeyboardInterrupt:
            seen.append("raised")
            continue
        seen.append(result.n_epochs)
        curves = result.history
        assert list(curves) == list(whole)
        assert {len(values) for values in curves.values()} == {result.n_epochs}
        assert curves["loss"] == whole["loss"][: result.n_epochs]
        best = min(curves["loss"])
        assert measure(result.weights)["loss"] == pytest.approx(best, rel=1e-6)
    # It is raised until an epoch has ended, and not until the result is there.
    *changes, _ = [kind for kind, _ in groupby([*seen, "end"])]
    assert changes[:4] == ["raised", 1, 2, 3]
    assert seen[::-1].index(3) <= 2


class PressBetween(keras.callbacks.History):
    """Presses Ctrl-C when some curves have their value of the epoch."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            self.history["loss"].append(logs["loss"])
            raise KeyboardInterrupt
        super().on_epoch_end(epoch, logs)


def test_the_curves_of_keras_have_as_many_epochs_as_the_exact_ones(monkeypatch):
    monkeypatch.setattr(keras.callbacks, "History", PressBetween)
    classifier = small_keras(callbacks=keras.callbacks.Callback())
    with pytest.warns(TrainingInterruptedWarning, match="after 2 epochs"):
        classifier.fit(X, y)
    assert {len(values) for values in classifier.history_.values()} == {2}
    assert {len(values) for values in classifier.record_.history.values()} == {2}
