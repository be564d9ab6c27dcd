"""The classifiers are scikit-learn's in all that scikit-learn does with one."""

import io
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras.src.backend.common import global_state
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    check_cv,
    cross_val_score,
)
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from tensorflow.python.eager import context

import skloss.estimators.network_fit as network_fit
import skloss.training.trainer as trainer
from skloss import (
    CNN1DClassifier,
    CNN2DClassifier,
    DenseClassifier,
    RecurrentClassifier,
)
from skloss.exceptions import TrainingInterruptedWarning
from skloss.training import NetworkTraining

N_ROWS = 100


# Small, and without a default that may be tuned.
SMALL = {
    "depth": 1,
    "dropout": 0.0,
    "epochs": 3,
    "batch_size": 50,
    "learning_rate": 1e-3,
    "learning_rate_schedule": "constant",
    "random_state": 0,
}


def dense(**options):
    return DenseClassifier(**SMALL | {"width": 4} | options)


def cnn(**options):
    own = {
        "width": 3,
        "kernel_size": 3,
        "pool_size": 2,
        "head": (),
        "batch_norm": False,
        "scale_series": None,
    }
    return CNN1DClassifier(**SMALL | own | options)


BOTH = pytest.mark.parametrize("make", [dense, cnn], ids=["dense", "cnn"])


def make_rows(n_classes=2, n_rows=N_ROWS, words=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 8))
    y = np.digitize(X[:, 0] + X[:, 1], np.linspace(-0.8, 0.8, n_classes + 1)[1:-1])
    return X, np.array(["calm", "gale", "storm", "zephyr"])[y] if words else y


def assert_equal_weights(one, other):
    for found, expected in zip(one.weights_, other.weights_, strict=True):
        np.testing.assert_array_equal(found, expected)


# ---------------------------------------------------------------- scikit-learn's checks

# As people check them, and few steps of small networks, with a high rate for three
# classes of blobs.
UNTOUCHED = [DenseClassifier(), CNN1DClassifier()]
FEW_STEPS = {"epochs": 6, "batch_size": 128, "learning_rate": 0.1}
QUICK = [
    CNN2DClassifier(8, head=8, dropout=0.0, batch_norm=False, **FEW_STEPS),
    RecurrentClassifier(4, **FEW_STEPS),
]


def checks_that_no_stochastic_learner_meets(estimator):
    reason = (
        "A row twice and a row of weight two give the same sum over all rows, but not "
        "the same batches and not the same rows held out."
    )
    checks = (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    )
    return dict.fromkeys(checks, reason)


# These look at what was learned, the others at what a fit takes, gives and keeps: few
# steps do for them, and each has rows of another shape to compile for.
LEARNING = ("check_classifiers_train", "check_class_weight_classifiers")


def shortly(epochs, spec, weights, rows, settings, *args, **options):
    """Return the training of an estimator of so many epochs."""
    settings = replace(settings, epochs=min(settings.epochs, epochs))
    return NetworkTraining(spec, weights, rows, settings, *args, **options)


@parametrize_with_checks(
    UNTOUCHED, expected_failed_checks=checks_that_no_stochastic_learner_meets
)
def test_scikit_learns_checks_pass(estimator, check, monkeypatch):
    if not check.func.__name__.startswith(LEARNING):
        monkeypatch.setattr(network_fit, "NetworkTraining", partial(shortly, 2))
        monkeypatch.setattr(trainer, "choose_backend", lambda *_: "eager")
    elif "readonly_memmap" in check.keywords:  # the check of other rows, once more
        monkeypatch.setattr(network_fit, "NetworkTraining", partial(shortly, 60))
    check(estimator)


# The checks' tables make no square images.
@pytest.mark.filterwarnings("ignore::skloss.exceptions.ImageShapeWarning")
@parametrize_with_checks(
    QUICK, expected_failed_checks=checks_that_no_stochastic_learner_meets
)
def test_scikit_learns_checks_pass_in_few_steps(estimator, check, monkeypatch):
    # Each check has rows of another shape: to compile would take longer than to train.
    monkeypatch.setattr(trainer, "choose_backend", lambda *_: "eager")
    check(estimator)


# ------------------------------------------------------------------- what it says it is


@BOTH
def test_it_is_a_classifier_and_gets_stratified_folds(make):
    _, y = make_rows()
    assert is_classifier(make())
    folds = check_cv(5, y, classifier=is_classifier(make()))
    assert isinstance(folds, StratifiedKFold)


def test_only_the_convolutional_one_takes_three_dimensions():
    assert get_tags(cnn()).input_tags.three_d_array
    assert not get_tags(dense()).input_tags.three_d_array
    for classifier in (dense(), cnn()):
        assert get_tags(classifier).input_tags.two_d_array
        assert get_tags(classifier).target_tags.required
        assert get_tags(classifier).classifier_tags.multi_class


OTHER_VALUES = {
    "categorical_features": [0],
    "scale_columns": "standard",
    "width": (4, 4),
    "depth": 2,
    "activation": "tanh",
    "dropout": (0.1, 0.2),
    "filters": ((3, 4), (5,)),
    "kernel_size": 5,
    "pool_size": 3,
    "head": (4,),
    "global_pooling": "max",
    "padding": "valid",
    "n_channels": 2,
    "missing": "mask",
    "channels_first": True,
    "batch_norm": True,
    "l1": 0.1,
    "l2": 0.2,
    "activity_l2": 0.3,
    "loss": "focal",
    "focal_gamma": 1.0,
    "focal_alpha": 0.3,
    "logit_tau": 0.5,
    "effective_beta": 0.9,
    "balanced_batches": True,
    "calibration": "temperature",
    "prior_correction": True,
    "sampler": None,
    "architecture": "resnet",
    "front_end": "filters",
    "augment": "noise",
    "scale_series": "zscore",
    "label_smoothing": 0.1,
    "optimizer": "sgd",
    "learning_rate": 0.5,
    "learning_rate_schedule": "cosine",
    "momentum": 0.1,
    "nesterov": False,
    "weight_decay": 0.5,
    "clipnorm": 2.0,
    "epochs": 7,
    "batch_size": 9,
    "class_weight": {"calm": 1, "gale": 3},
    "validation_fraction": 0.3,
    "early_stopping": False,
    "scoring": ["roc_auc"],
    "return_train_score": True,
    "monitor": "val_mcc",
    "patience": 5,
    "restore_best": False,
    "pos_label": 0,
    "validation_rows": "last",
    "refit": True,
    "n_members": 3,
    "random_state": 3,
    "warm_start": True,
    "verbose": 1,
    "callbacks": [print],
}


@BOTH
def test_clone_and_set_params_keep_every_parameter(make):
    kind = type(make())
    values = {name: OTHER_VALUES[name] for name in kind().get_params()}
    for classifier in (
        clone(kind(**values)),
        kind().set_params(**values),
        clone(kind().set_params(**values)),
    ):
        assert classifier.get_params() == values


@BOTH
def test_fit_changes_no_parameter(make):
    X, y = make_rows(words=True)
    classifier = make(class_weight={"calm": 1, "gale": 3}, callbacks=[lambda row: None])
    before = dict(classifier.get_params())
    classifier.fit(X, y)
    assert classifier.get_params() == before


@BOTH
def test_metadata_can_be_requested(make):
    with config_context(enable_metadata_routing=True):
        classifier = make().set_fit_request(sample_weight=True, groups=True)
        requests = classifier.get_metadata_routing().fit.requests
    assert requests["sample_weight"] is True
    assert requests["groups"] is True
    assert {"X_val", "y_val", "sample_weight_val"} <= set(requests)


# ------------------------------------------------------------------------------ columns


@BOTH
def test_names_of_columns_are_kept_and_a_mismatch_is_an_error(make):
    X, y = make_rows()
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    classifier = make().fit(frame, y)
    assert classifier.feature_names_in_.tolist() == list("abcdefgh")
    assert classifier.n_features_in_ == 8
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(frame.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match=r"X has 7 features, but .* is expecting 8"):
        make().fit(X, y).predict(X[:, :7])


@BOTH
def test_frames_lists_and_both_precisions_give_the_same_network(make):
    X, y = make_rows(words=True)
    X = X.astype(np.float32)
    expected = make().fit(X, y).predict_proba(X)
    for rows, labels in (
        (X.astype(np.float64), y),
        (np.asfortranarray(X), y.astype(object)),
        (X.tolist(), y.tolist()),
        (pd.DataFrame(X).rename(columns=str), pd.Series(y, dtype="category")),
    ):
        found = make().fit(rows, labels).predict_proba(rows)
        np.testing.assert_array_equal(found, expected)


def test_series_in_three_dimensions_equal_the_folded_ones():
    X, y = make_rows()
    series = X.reshape(N_ROWS, 4, 2)
    whole, folded = cnn().fit(series, y), cnn(n_channels=2).fit(X, y)
    assert whole.network_ == folded.network_
    assert whole.network_.input_shape == (4, 2)
    assert_equal_weights(whole, folded)
    np.testing.assert_array_equal(whole.predict_proba(series), folded.predict_proba(X))


def test_channels_change_the_network():
    X, y = make_rows()
    assert cnn(n_channels=1).fit(X, y).network_.input_shape == (8, 1)
    assert cnn(n_channels=4).fit(X, y).network_.input_shape == (2, 4)


def test_three_dimensional_rows_held_out_by_hand_are_accepted():
    X, y = make_rows()
    series = X.reshape(N_ROWS, 4, 2)
    given = cnn().fit(series[:70], y[:70], X_val=series[70:], y_val=y[70:])
    folded = cnn(n_channels=2).fit(X[:70], y[:70], X_val=X[70:], y_val=y[70:])
    assert given.history_["val_loss"] == folded.history_["val_loss"]


# --------------------------------------------------------------------------- prediction


@BOTH
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_probabilities_sum_to_one_in_the_order_of_the_classes(make, n_classes):
    X, y = make_rows(n_classes, words=True)
    classifier = make(epochs=12, learning_rate=0.05).fit(X, y)
    chances = classifier.predict_proba(X)
    assert classifier.classes_.tolist() == sorted(set(y))
    assert chances.shape == (N_ROWS, n_classes)
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-12)
    predicted = classifier.classes_[chances.argmax(axis=1)]
    np.testing.assert_array_equal(classifier.predict(X), predicted)
    assert classifier.score(X, y) > pd.Series(y).value_counts(normalize=True).max()


@cache
def learned_or_not(make):
    options = {"epochs": 8, "learning_rate": 0.03}, {"learning_rate": 1e-9}
    return [make(**given).fit(*make_rows()) for given in options]


@pytest.mark.parametrize(
    "scoring",
    [
        "roc_auc",
        "average_precision",
        "neg_log_loss",
        "neg_brier_score",
        "matthews_corrcoef",
        "f1",
        "f1_macro",
        "balanced_accuracy",
        "accuracy",
    ],
)
@BOTH
def test_every_scorer_can_read_it(make, scoring):
    X, y = make_rows()
    score, constant = (get_scorer(scoring)(one, X, y) for one in learned_or_not(make))
    assert np.isfinite(score)
    assert score > constant or scoring.startswith("f1")


@BOTH
@pytest.mark.parametrize("scoring", ["roc_auc_ovr", "f1_macro", "neg_log_loss"])
def test_scorers_of_several_classes_can_read_it(make, scoring):
    X, y = make_rows(3, words=True)
    assert np.isfinite(cross_val_score(make(), X, y, cv=2, scoring=scoring)).all()


# -------------------------------------------------------------- inside other estimators

NESTS = {
    "CalibratedClassifierCV": lambda e: CalibratedClassifierCV(e, cv=2),
    "TunedThresholdClassifierCV": lambda e: TunedThresholdClassifierCV(
        e, cv=2, scoring="balanced_accuracy"
    ),
    "VotingClassifier": lambda e: VotingClassifier(
        [("net", e), ("line", LogisticRegression())], voting="soft"
    ),
    "StackingClassifier": lambda e: StackingClassifier(
        [("net", e), ("line", LogisticRegression())], cv=2
    ),
    "BaggingClassifier": lambda e: BaggingClassifier(
        e, n_estimators=2, max_samples=0.8, random_state=0
    ),
}


@pytest.mark.parametrize("name", NESTS)
@BOTH
def test_it_works_inside(make, name):
    X, y = make_rows()
    outer = NESTS[name](make(random_state=1)).fit(X, y)
    assert set(outer.predict(X)) <= {0, 1}
    np.testing.assert_allclose(outer.predict_proba(X).sum(axis=1), 1)
    again = NESTS[name](make(random_state=1)).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), outer.predict_proba(X))


def test_two_jobs_give_the_scores_of_one():
    X, y = make_rows()
    grid = {"dropout": [0.0, 0.4], "width": [3, 5]}
    one, two = (
        GridSearchCV(dense(), grid, cv=2, scoring="neg_log_loss", n_jobs=n).fit(X, y)
        for n in (1, 2)
    )
    for column in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(one.cv_results_[column], two.cv_results_[column])
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


# --------------------------------------------------------------------- copies and seeds


def through_pickle(classifier):
    return pickle.loads(pickle.dumps(classifier))


def through_joblib(classifier):
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    return joblib.load(file)


@BOTH
@pytest.mark.parametrize("copy", [through_pickle, through_joblib])
def test_a_copy_predicts_the_same_to_the_bit(make, copy):
    X, y = make_rows()
    unfitted = copy(make())
    classifier = make().fit(X, y)
    expected = classifier.predict_proba(X)
    np.testing.assert_array_equal(copy(classifier).predict_proba(X), expected)
    np.testing.assert_array_equal(unfitted.fit(X, y).predict_proba(X), expected)
    assert copy(classifier).history_ == classifier.history_


@BOTH
def test_the_same_seed_gives_the_same_network_to_the_bit(make):
    X, y = make_rows()
    first, second, other = (
        make(dropout=0.3, random_state=seed).fit(X, y) for seed in (5, 5, 6)
    )
    assert_equal_weights(first, second)
    assert not np.array_equal(first.weights_[0], other.weights_[0])


@BOTH
def test_a_seed_in_a_generator_is_drawn_from_it(make):
    X, y = make_rows()
    first, second = (
        make(random_state=np.random.RandomState(3)).fit(X, y) for _ in range(2)
    )
    assert_equal_weights(first, second)


def global_states():
    return {
        "random": random.getstate(),
        "numpy": [np.array(part) for part in np.random.get_state()],  # noqa: NPY002
        "tensorflow": tf.random.get_global_generator().state.numpy(),
        # `get_seed` would draw from the generator that it reads.
        "tensorflow's seed": context.global_seed(),
        "drawn from tensorflow's seed": context.context()._rng.getstate(),
        "keras": {
            name: global_state.get_global_attribute(name)
            for name in ("global_seed_generator", "global_rng_state", "rng_seed")
        },
        "keras' precision": keras.config.dtype_policy().name,
    }


@pytest.fixture(params=[None, 3], ids=["unseeded", "seeded"])
def seed_of_tensorflow(request):
    before = context.global_seed()
    tf.random.set_seed(request.param)
    yield
    tf.random.set_seed(before)


@BOTH
@pytest.mark.usefixtures("seed_of_tensorflow")
def test_fit_and_predict_change_no_global_state(make):
    X, y = make_rows()
    before = global_states()
    make(dropout=0.3).fit(X, y).predict(X)
    after = global_states()
    for name in before.keys() - {"numpy"}:
        np.testing.assert_equal(after[name], before[name])
    for one, other in zip(before["numpy"], after["numpy"], strict=True):
        np.testing.assert_array_equal(one, other)


@BOTH
def test_fit_writes_no_file(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = make_rows()
    make().fit(X, y).predict(X)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("epochs", [3, 25], ids=["eager", "compiled"])
def test_fits_in_threads_equal_fits_one_after_the_other(epochs):
    X, y = make_rows()
    classifiers = [dense(dropout=0.3, epochs=epochs, random_state=i) for i in range(4)]
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(lambda c: clone(c).fit(X, y), classifiers))
    for found, classifier in zip(at_once, classifiers, strict=True):
        assert_equal_weights(found, classifier.fit(X, y))


# ------------------------------------------------------------------ weights of the rows


@BOTH
@pytest.mark.parametrize("class_weight", ["balanced", {"calm": 1.0, "gale": 3.0}])
def test_class_weights_equal_the_same_sample_weights(make, class_weight):
    X, _ = make_rows()
    y = np.where(X[:, 0] > 0.8, "gale", "calm")
    shared = {"validation_fraction": None}
    counts = dict(zip(*np.unique(y, return_counts=True), strict=True))
    by_label = (
        {label: len(y) / (2 * n) for label, n in counts.items()}
        if class_weight == "balanced"
        else class_weight
    )
    by_class = make(class_weight=class_weight, **shared).fit(X, y)
    by_row = make(**shared).fit(X, y, sample_weight=[by_label[label] for label in y])
    assert_equal_weights(by_class, by_row)
    assert not np.array_equal(
        by_class.weights_[0], make(**shared).fit(X, y).weights_[0]
    )


def test_class_and_sample_weights_multiply():
    X, y = make_rows()
    weight = np.random.default_rng(0).uniform(0.5, 2, N_ROWS)
    shared = {"validation_fraction": None}
    both = dense(class_weight={0: 1, 1: 4}, **shared).fit(X, y, sample_weight=weight)
    product = dense(**shared).fit(X, y, sample_weight=weight * np.where(y, 4.0, 1.0))
    assert_equal_weights(both, product)


def test_rows_of_no_weight_change_nothing_but_the_batches():
    X, y = make_rows()
    weight = np.ones(N_ROWS)
    weight[::3] = 0
    shared = {"validation_fraction": None, "batch_size": N_ROWS}
    shuffled_labels = np.where(weight > 0, y, 1 - y)
    with_these = dense(**shared).fit(X, y, sample_weight=weight)
    with_others = dense(**shared).fit(X, shuffled_labels, sample_weight=weight)
    np.testing.assert_allclose(
        with_these.predict_proba(X), with_others.predict_proba(X), atol=1e-6
    )


# ----------------------------------------------------------------------------- going on


def test_warm_start_goes_on_from_the_weights():
    X, y = make_rows()
    shared = {"validation_fraction": None, "optimizer": "sgd", "momentum": 0.0}
    twice = dense(warm_start=True, learning_rate=1e-9, **shared).fit(X, y)
    first = [weight.copy() for weight in twice.weights_]
    twice.fit(X, y)
    for found, expected in zip(twice.weights_, first, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    twice.set_params(random_state=9).fit(X, y)
    np.testing.assert_allclose(twice.weights_[0], first[0], atol=1e-6)
    cold = dense(learning_rate=1e-9, **shared, random_state=9).fit(X, y)
    assert not np.allclose(cold.weights_[0], first[0], atol=1e-3)


def test_warm_start_lowers_the_loss_further():
    X, y = make_rows()
    classifier = dense(warm_start=True, learning_rate=0.01).fit(X, y)
    loss = classifier.history_["loss"][-1]
    classifier.fit(X, y)
    assert classifier.history_["loss"][-1] < loss


def test_warm_start_refuses_a_network_of_another_shape():
    X, y = make_rows()
    classifier = dense(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"cannot go on .* Set warm_start=False"):
        classifier.set_params(width=7).fit(X, y)


@BOTH
def test_partial_fit_adds_an_epoch_at_each_call(make):
    X, y = make_rows(3, words=True)
    calm = y == "calm"
    classifier = make(learning_rate=0.01)
    classifier.partial_fit(X[calm], y[calm], classes=["calm", "gale", "storm"])
    for _ in range(3):
        classifier.partial_fit(X, y)
    assert classifier.n_epochs_ == 4
    assert {len(curve) for curve in classifier.history_.values()} == {4}
    assert classifier.predict_proba(X).shape == (N_ROWS, 3)
    assert classifier.history_["loss"][-1] < classifier.history_["loss"][1]


def test_partial_fit_keeps_the_optimizers_state():
    X, y = make_rows()
    one = dense(batch_size=N_ROWS).partial_fit(X, y, classes=[0, 1])
    other = pickle.loads(pickle.dumps(one))
    assert other._fitted.result.step == 1
    assert_equal_weights(one.partial_fit(X, y), other.partial_fit(X, y))
    whole = dense(batch_size=N_ROWS, epochs=2, validation_fraction=None).fit(X, y)
    for found, expected in zip(one.weights_, whole.weights_, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_partial_fit_wants_the_classes_first_and_never_others():
    X, y = make_rows()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        dense().partial_fit(X, y)
    classifier = dense().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="not the same as on the last call"):
        classifier.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="not seen in training"):
        classifier.partial_fit(X, y + 1)


def test_a_monitor_of_held_out_rows_does_not_hinder_partial_fit():
    X, y = make_rows()
    classifier = dense(monitor="val_mcc").partial_fit(X, y, classes=[0, 1])
    assert classifier.n_epochs_ == 1


# ---------------------------------------------------------- callbacks, stopping, Ctrl-C


def test_callbacks_see_the_row_of_each_epoch():
    X, y = make_rows()
    rows = []
    classifier = dense(callbacks=rows.append).fit(X, y)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    for name, curve in classifier.history_.items():
        assert [row[name] for row in rows] == curve


class StopAfter:
    """An object as callback: it counts, and stops."""

    def __init__(self, epochs):
        self.epochs, self.seen = epochs, 0

    def __call__(self, row):
        self.seen += 1
        return self.seen >= self.epochs


def test_a_callback_that_returns_true_stops_after_all_have_been_called():
    X, y = make_rows()
    rows = []
    stop = StopAfter(2)
    classifier = dense(epochs=8, callbacks=[stop, rows.append]).fit(X, y)
    assert classifier.n_epochs_ == stop.seen == len(rows) == 2
    assert classifier.record_.outcome["stop_reason"] == "callback"


def test_a_callback_that_returns_something_else_stops_nothing():
    X, y = make_rows()
    assert dense(callbacks=lambda row: "yes").fit(X, y).n_epochs_ == 3


def interrupt_at(epoch):
    def callback(row):
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    return callback


@BOTH
def test_ctrl_c_keeps_the_best_weights_so_far(make):
    X, y = make_rows()
    interrupted = make(epochs=9, callbacks=interrupt_at(2))
    with pytest.warns(TrainingInterruptedWarning, match="interrupted after 3 epochs"):
        interrupted.fit(X, y)
    expected = make(epochs=9, callbacks=StopAfter(3)).fit(X, y)
    assert_equal_weights(interrupted, expected)
    assert interrupted.n_epochs_ == 3
    assert interrupted.record_.outcome["stop_reason"] == "interrupted"
    assert interrupted.predict(X).shape == (N_ROWS,)


def test_ctrl_c_before_the_first_epoch_has_ended_is_raised(monkeypatch):
    from skloss.training.program import Program

    def interrupt(*arguments):
        raise KeyboardInterrupt

    X, y = make_rows()
    classifier = dense()
    monkeypatch.setattr(Program, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, y)
    assert not hasattr(classifier, "record_")


def test_early_stopping_ends_patience_epochs_after_the_best_and_restores_it():
    X, y = make_rows()
    y = np.random.default_rng(2).permutation(y)  # nothing to learn
    options = {"epochs": 10, "learning_rate": 0.3, "monitor": "val_loss"}
    classifier = dense(patience=2, early_stopping=True, **options).fit(X, y)
    curve = classifier.history_["val_loss"]
    assert classifier.record_.outcome["stop_reason"] == "early_stopping"
    assert classifier.best_epoch_ == int(np.argmin(curve))
    assert classifier.n_epochs_ == classifier.best_epoch_ + 1 + 2
    until_best = options | {"early_stopping": False}
    callback = StopAfter(classifier.best_epoch_ + 1)
    expected = dense(callbacks=callback, restore_best=False, **until_best).fit(X, y)
    assert_equal_weights(classifier, expected)


@pytest.mark.parametrize(
    ("monitor", "best"), [("val_mcc", np.argmax), ("val_loss", np.argmin)]
)
def test_the_best_epoch_is_that_of_the_monitored_curve(monitor, best):
    X, y = make_rows()
    classifier = dense(epochs=8, learning_rate=0.05, monitor=monitor).fit(X, y)
    assert classifier.best_epoch_ == int(best(classifier.history_[monitor]))


def test_without_early_stopping_all_epochs_are_trained():
    X, y = make_rows()
    options = {"epochs": 8, "batch_size": 32, "learning_rate": 0.3, "patience": 1}
    assert dense(early_stopping=True, **options).fit(X, y).n_epochs_ < 8
    assert dense(early_stopping=False, **options).fit(X, y).n_epochs_ == 8
    assert dense(validation_fraction=None, **options).fit(X, y).n_epochs_ == 8


@pytest.mark.parametrize("n_of_a_class", [49, 50])
def test_it_stops_of_itself_only_by_enough_validation_rows(n_of_a_class):
    X, y = make_rows()
    rows = np.resize(np.arange(N_ROWS), 2 * n_of_a_class)
    given = {"X_val": X[rows], "y_val": np.arange(len(rows)) % 2}  # nothing to learn
    classifier = dense(epochs=8, learning_rate=0.3, patience=1).fit(X, y, **given)
    assert (classifier.n_epochs_ < 8) == (n_of_a_class >= 50)
