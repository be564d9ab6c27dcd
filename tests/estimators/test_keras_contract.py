"""``KerasClassifier`` is scikit-learn's, where scikeras' is no longer; bad input."""

import copy
import gc
import os
import pickle
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imblearn.pipeline
import keras
import numpy as np
import pandas as pd
import pytest
import scikeras.wrappers
import tensorflow as tf
from imblearn.over_sampling import SMOTE
from keras_networks import binary, binary_rows, compiled, many_classes_rows, softmax
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import d2_log_loss_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from tensorflow.python.framework.config import is_op_determinism_enabled

import skloss
from skloss import KerasClassifier
from skloss.exceptions import (
    ResampledValidationWarning,
    TailValidationWarning,
    TrainingDivergedWarning,
    TrainingInterruptedWarning,
)

ROOT = Path(__file__).parents[2]
X, y = binary_rows()
X3, y3 = many_classes_rows()
QUICK = {
    "loss": "binary_crossentropy",
    "epochs": 2,
    "random_state": 0,
    "compile__jit_compile": False,
}
NOTHING = keras.callbacks.Callback
BOTH = pytest.mark.parametrize("callbacks", [None, NOTHING], ids=["engine", "Keras"])


def small(model=binary, **options):
    return KerasClassifier(model, **QUICK | options)


# ---------------------------------------------------------------- scikit-learn's checks


def quick_softmax(meta, compile_kwargs):
    model = keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Dense(8, "relu"),
            keras.layers.Dense(meta["n_classes_"], "softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    return model


UNMET = {
    "check_estimator_tags_renamed": (
        "scikeras' classes have the tags of scikit-learn before 1.6 besides ours."
    ),
    "check_mixin_order": (
        "scikeras stands ClassifierMixin to the right of BaseEstimator; our tags say "
        "what it no longer can."
    ),
    "check_sample_weight_equivalence_on_dense_data": (
        "A row twice and a row of weight two give the same sum over all rows, but not "
        "the same batches."
    ),
}


def check_name(value):
    """Name a check, and no estimator: its text would have the address of a function."""
    return value.func.__name__ if hasattr(value, "func") else type(value).__name__


@pytest.mark.parametrize(
    ("estimator", "check"),
    list(
        estimator_checks_generator(
            KerasClassifier(quick_softmax, epochs=4, batch_size=64),
            expected_failed_checks=UNMET,
            mark="xfail",
        )
    ),
    ids=check_name,
)
@pytest.mark.usefixtures("graphs")
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


# ------------------------------------------------------------------- what it says it is


def test_it_is_a_classifier_of_scikeras_and_gets_stratified_folds():
    assert isinstance(small(), scikeras.wrappers.KerasClassifier)
    assert is_classifier(small())
    folds = check_cv(5, y, classifier=is_classifier(small()))
    assert isinstance(folds, StratifiedKFold)


def test_cloning_keeps_every_parameter():
    stop = keras.callbacks.EarlyStopping
    classifier = small(
        model__dropout=0.3,
        callbacks={"stop": stop},
        callbacks__stop__patience=3,
        optimizer=keras.optimizers.SGD,
        optimizer__momentum=0.5,
        class_weight={0: 2.0},
        validation_fraction=0.2,
        fit__batch_size=7,
    )
    assert clone(classifier).get_params() == classifier.get_params()


def test_set_params_reaches_what_was_never_set():
    classifier = small().set_params(model__dropout=0.3, callbacks__patience=3)
    assert classifier.get_params()["model__dropout"] == 0.3
    assert clone(classifier).get_params()["callbacks__patience"] == 3
    with pytest.raises(ValueError, match="write 'model__width' if it is one"):
        classifier.set_params(width=3)


@BOTH
def test_fit_changes_no_parameter(callbacks):
    classifier = small(callbacks=callbacks, optimizer=keras.optimizers.SGD(0.1))
    before = classifier.get_params()
    weight = np.ones(len(X))
    first = classifier.fit(X, y, sample_weight=weight).predict_proba(X)
    after = classifier.get_params()
    assert all(after[name] is value for name, value in before.items())
    assert (weight == 1).all()
    np.testing.assert_array_equal(classifier.fit(X, y).predict_proba(X), first)


def test_its_text_is_that_of_an_estimator():
    assert "model__dropout=0.5" in repr(small(model__dropout=0.5))
    assert "<div" in small()._repr_html_()


@BOTH
def test_names_of_columns_are_kept_and_checked(callbacks):
    frame = pd.DataFrame(X, columns=list("abcdef"))
    classifier = small(callbacks=callbacks, validation_fraction=0.2).fit(frame, y)
    assert classifier.feature_names_in_.tolist() == list("abcdef")
    assert classifier.n_features_in_ == 6
    assert 0 <= classifier.score(frame, y, sample_weight=np.arange(len(y))) <= 1
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(frame.rename(columns={"a": "z"}))


def test_another_number_of_columns_is_refused():
    classifier = small().fit(X, y)
    with pytest.raises(
        ValueError, match="X has 5 features, but KerasClassifier is exp"
    ):
        classifier.predict(X[:, :5])


def test_other_numbers_than_those_of_fit_are_taken_in():
    classifier = small().fit(X, y)
    expected = classifier.predict_proba(X)
    found = classifier.predict_proba(X.astype(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert classifier.score(X.astype(np.float64), y.astype(np.int8)) >= 0


# ------------------------------------------------------ what scikit-learn does with one


@pytest.fixture(scope="module")
def fitted():
    return small().fit(X, y)


@pytest.mark.parametrize(
    "scorer",
    [
        "roc_auc",
        "average_precision",
        "neg_log_loss",
        "neg_brier_score",
        "matthews_corrcoef",
        "f1",
        "balanced_accuracy",
        # Its name is one of scikit-learn 1.8.
        make_scorer(d2_log_loss_score, response_method="predict_proba"),
        "roc_auc_ovr",
    ],
    ids=lambda scorer: scorer if isinstance(scorer, str) else "d2_log_loss_score",
)
def test_every_scorer_runs(fitted, scorer):
    assert np.isfinite(get_scorer(scorer)(fitted, X, y))


@pytest.mark.parametrize("words", [False, True], ids=["numbers", "words"])
def test_a_scorer_of_many_classes_runs(words):
    labels = y3 if words else np.unique(y3, return_inverse=True)[1]
    options = {"loss": "sparse_categorical_crossentropy"}
    classifier = small(softmax, **options).fit(X3, labels)
    for name in ("roc_auc_ovr", "neg_log_loss", "f1_macro"):
        assert np.isfinite(get_scorer(name)(classifier, X3, labels))


@pytest.mark.parametrize(
    "make",
    [
        lambda one: CalibratedClassifierCV(one, cv=2),
        lambda one: VotingClassifier(
            [("net", one), ("linear", LogisticRegression())], voting="soft"
        ),
        lambda one: StackingClassifier([("net", one)], cv=2),
    ],
    ids=["calibrated", "voting", "stacking"],
)
def test_ensembles_of_probabilities_fit(make):
    chances = make(small()).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)


@BOTH
def test_pickles_hold_arrays_and_predict_the_same(callbacks):
    classifier = small(callbacks=callbacks).fit(X, y)
    assert clone(pickle.loads(pickle.dumps(small()))).get_params()
    for other in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        packed = vars(other)["_packed"]
        assert all(type(array) is np.ndarray for array in packed.weights)
        assert "_model" not in vars(other)
        found = other.predict_proba(X)
        np.testing.assert_array_equal(found, classifier.predict_proba(X))
        assert other.record_ == classifier.record_
        assert other.history_ == classifier.history_


def test_a_lambda_in_the_network_can_be_pickled():
    def network():
        half = keras.layers.Lambda(lambda x: x / 2, output_shape=(6,))
        return keras.Sequential(
            [keras.Input((6,)), half, keras.layers.Dense(1, "sigmoid")]
        )

    classifier = small(network).fit(X, y)
    state = pickle.dumps({**classifier.__getstate__(), "model": None})
    assert pickle.loads(state)["_packed"].unpack().count_params() == 7


def test_a_network_that_keras_cannot_rebuild_says_so():
    class Twice(keras.layers.Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def call(self, x):
            return self.function(x)

    def network():
        twice = Twice(lambda x: 2 * x)
        return keras.Sequential(
            [keras.Input((6,)), twice, keras.layers.Dense(1, "sigmoid")]
        )

    classifier = small(network).fit(X, y)
    with pytest.raises(pickle.PicklingError, match=r"cannot be pickled.*get_config"):
        pickle.dumps(classifier)


def test_a_network_of_a_class_of_ones_own_trains():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = keras.layers.Dense(1, "sigmoid")

        def call(self, x):
            return self.head(x)

    classifier = small(Net).fit(X, y)
    assert "code of its own" in classifier.record_.outcome["program_reason"] or (
        "one input" in classifier.record_.outcome["program_reason"]
    )
    assert classifier.predict_proba(X).shape == (len(X), 2)


@pytest.fixture
def seed_of_tensorflow():
    """Whatever a test seeds, the next ones do not see it."""
    yield
    tf.random.set_seed(None)


@BOTH
@pytest.mark.usefixtures("seed_of_tensorflow")
def test_nothing_global_is_left_changed(callbacks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    tf.random.set_seed(3)  # of the user, who has drawn once
    tf.random.uniform(())
    expected = tf.random.uniform(()).numpy()
    tf.random.set_seed(3)
    tf.random.uniform(())

    def globals_now():
        return (
            random.getstate(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            dict(os.environ),
            keras.config.floatx(),
            is_op_determinism_enabled(),
        )

    before = globals_now()
    small(callbacks=callbacks).fit(X, y).predict(X)
    assert globals_now() == before
    assert tf.random.uniform(()).numpy() == expected
    assert not list(tmp_path.iterdir())


def test_seeded_fits_in_threads_equal_those_one_after_the_other():
    classifiers = [small(random_state=i, callbacks=NOTHING) for i in range(2)]
    expected = [clone(one).fit(X, y).predict_proba(X) for one in classifiers]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: one.fit(X, y).predict_proba(X), classifiers))
    np.testing.assert_array_equal(found, expected)


def test_another_thread_that_draws_does_not_change_a_seeded_fit():
    def disturbed(meta):
        other = threading.Thread(target=random.random)
        other.start()
        other.join()
        return binary(meta)

    expected = small(random_state=0).fit(X, y).predict_proba(X)
    found = small(disturbed, random_state=0).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


def test_a_seeded_fit_leaves_operations_as_they_were(tensorflow_server):
    code = (
        "import keras\n"
        "from tensorflow.python.framework.config import is_op_determinism_enabled\n"
        "from keras_networks import binary, binary_rows\n"
        "from skloss import KerasClassifier\n"
        "net = KerasClassifier(binary, loss='binary_crossentropy', random_state=0)\n"
        "net.fit(*binary_rows())\n"
        "assert not is_op_determinism_enabled()\n"
    )
    done = tensorflow_server.run(code)
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------- traps of other wrappers


@pytest.mark.parametrize(
    "between",
    [
        lambda scale, smote: [smote, scale],
        lambda scale, smote: [scale, smote, ("id", "passthrough")],
        pytest.param(
            lambda scale, smote: [scale, smote],
            marks=pytest.mark.xfail(
                raises=AttributeError,
                reason="imbalanced-learn 0.14 asks a sampler that stands last to "
                "transform X_val; skloss.Pipeline holds rows out by itself.",
            ),
        ),
    ],
    ids=["sampler first", "sampler last but one", "sampler last"],
)
def test_rows_held_out_by_oneself_are_scaled_by_imbalanced_learns_pipeline(between):
    steps = between(("scale", StandardScaler()), ("smote", SMOTE(random_state=0)))
    with config_context(enable_metadata_routing=True):
        net = small(epochs=1).set_fit_request(X_val=True, y_val=True)
        pipeline = imblearn.pipeline.Pipeline(
            [*steps, ("net", net)], transform_input=["X_val"]
        )
        far = 100 * X + 50
        pipeline.fit(far[:90], y[:90], X_val=far[90:], y_val=y[90:])
    expected = log_loss(y[90:], pipeline.predict_proba(far[90:]))
    found = pipeline[-1].record_.history["val_loss"][-1]
    assert found == pytest.approx(expected, rel=1e-4)


def test_behind_a_sampler_both_classes_are_held_out_to_stop_by():
    net = small(early_stopping=True, patience=1, epochs=20)
    pipeline = skloss.make_pipeline(SMOTE(random_state=0), net).fit(X, y)
    assert min(pipeline[-1].record_.data["class_counts"]["validation"]) > 0
    assert pipeline[-1].best_epoch_ is not None


@BOTH
def test_a_class_that_is_not_held_out_costs_no_curve_of_the_other(callbacks):
    calm = y == 0
    classifier = small(callbacks=callbacks).fit(X, y, X_val=X[calm], y_val=y[calm])
    history = classifier.record_.history
    assert np.isfinite(history["val_loss"]).all()
    assert np.isnan(history["val_loss_at_train_prior"]).all()
    assert classifier.record_.outcome["monitor"] == "val_loss"


def test_many_fits_leave_no_memory_behind():
    def megabytes():
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    classifier = small(epochs=1)
    for _ in range(3):
        classifier.fit(X, y).predict(X)
    before = megabytes()
    for _ in range(10):
        classifier.fit(X, y).predict(X)
    assert megabytes() - before < 10  # scikeras: 48


def test_keras_traces_a_step_of_training_once():
    traces = []

    class Watched(keras.layers.Layer):
        def call(self, x, training=False):
            if training:
                traces.append(x.shape)
            return x

    def network():
        head = keras.layers.Dense(1, "sigmoid")
        return keras.Sequential([keras.Input((6,)), Watched(), head])

    small(network, batch_size=len(X)).fit(X, y)
    assert len(traces) == 1  # scikeras: 2


def test_its_histories_are_plain():
    classifier = small(callbacks=NOTHING, metrics=["accuracy"]).fit(X, y)
    assert type(classifier.history_) is dict
    assert {type(v) for values in classifier.history_.values() for v in values} == {
        float
    }


def test_a_callback_of_predictions_is_called():
    class Counts(keras.callbacks.Callback):
        n = 0

        def on_predict_end(self, logs=None):
            Counts.n += 1

    classifier = small(predict__callbacks=Counts).fit(X, y)
    assert Counts.n == 0
    classifier.predict(X)
    assert Counts.n == 1


# ----------------------------------------------------------------------- interruptions


class InterruptsAt(keras.callbacks.Callback):
    """Presses Ctrl-C within an epoch."""

    epoch = 2

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_an_interrupted_fit_keeps_its_curves_and_weights():
    classifier = small(callbacks=InterruptsAt, epochs=9, validation_fraction=0.2)
    with pytest.warns(TrainingInterruptedWarning, match="after 2 epochs"):
        classifier.fit(X, y)
    assert classifier.record_.n_epochs == len(classifier.history_["loss"]) == 2
    assert classifier.record_.outcome["stop_reason"] == "interrupted"
    _, held = classifier.split_validation(X, y)
    best = min(classifier.record_.history["val_loss_at_train_prior"])
    chances = classifier.predict_proba(X[held])
    per_class = [-np.log(chances[y[held] == c, c]).mean() for c in (0, 1)]
    prior = classifier.record_.data["priors"]["train"]
    assert np.dot(per_class, prior) == pytest.approx(best, rel=1e-4)


@BOTH
def test_a_loss_that_is_no_number_stops_the_training(callbacks):
    classifier = small(
        callbacks=callbacks, optimizer="sgd", optimizer__learning_rate=1e38, epochs=9
    )
    with pytest.warns(TrainingDivergedWarning, match="became NaN or infinite"):
        classifier.fit(1e6 * X, y)
    assert classifier.record_.outcome["stop_reason"] == "diverged"
    assert np.isfinite(classifier.predict_proba(X)).all()


def test_resampled_rows_in_front_of_a_hold_out_are_warned_of():
    more = SMOTE(random_state=0).fit_resample(X, y)
    with pytest.warns(ResampledValidationWarning):
        small(validation_fraction=0.2).fit(*more)
    with (
        pytest.warns(ResampledValidationWarning),
        pytest.warns(TailValidationWarning, match="0 of 0"),
    ):
        small(validation_split=0.2).fit(*more)


# --------------------------------------------------------------------------- bad input


def without_input(meta):
    return keras.Sequential([keras.layers.Dense(1, "sigmoid")])


def returns_nothing(meta):
    binary(meta)


def with_head(units, activation):
    def network(meta):
        head = keras.layers.Dense(units, activation)
        return keras.Sequential([keras.Input((meta["n_features_in_"],)), head])

    return network


def eager():
    model = with_head(1, "sigmoid")({"n_features_in_": 6})
    model.compile("adam", "binary_crossentropy", run_eagerly=True)
    return model


def two_outputs():
    rows = keras.Input((6,))
    heads = [keras.layers.Dense(1, "sigmoid")(rows) for _ in range(2)]
    return keras.Model(rows, heads)


ONE, TWO, FIVE = (with_head(1, "sigmoid"), with_head(2, "softmax"), with_head(5, None))
SPARSE = {"loss": "sparse_categorical_crossentropy"}
STOP = keras.callbacks.EarlyStopping
BAD = {
    "no function": (
        "model",
        {},
        "must be a function that returns a keras.Model, got a ",
    ),
    "nothing at all": (
        None,
        {},
        "must be a function that returns a keras.Model, got N",
    ),
    "returns None": (
        returns_nothing,
        {},
        "returned nothing: end it with 'return model",
    ),
    "no input shape": (
        without_input,
        {},
        r"without an input shape: begin .* with keras.",
    ),
    "run_eagerly": (eager, {"loss": None}, "leave run_eagerly out"),
    "run_eagerly of ours": (ONE, {"run_eagerly": True}, "leave run_eagerly out"),
    "units": (FIVE, {}, "ends in 5 units, but the 2 classes of y need 1 or 2 units"),
    "outputs": (two_outputs, {}, "has 2 outputs, but y has one label per row"),
    "binary loss": (
        TWO,
        {},
        "'binary_crossentropy' .* does not fit .* 2 units: use 'sp",
    ),
    "sparse loss": (ONE, SPARSE, "does not fit .* 1 unit: use 'binary_crossentropy'"),
    "logits": (
        with_head(1, None),
        {},
        "takes probabilities, but .* 'linear': end it wi",
    ),
    "softmax of one": (with_head(1, "softmax"), {}, "always one: end it with activa"),
    "probabilities for logits": (
        ONE,
        {"loss": keras.losses.BinaryCrossentropy(from_logits=True)},
        "has from_logits=True, but .* 'sigmoid', which gives probabilities",
    ),
    "columns": (
        lambda: with_head(1, "sigmoid")({"n_features_in_": 5}),
        {},
        r"takes rows of shape \(5,\), but X has rows of shape \(6,\): let",
    ),
    "no loss": (ONE, {"loss": None}, "must provide a loss"),
    "argument never given": (
        lambda meta, width: binary(meta, (width,)),
        {},
        "needs 'width', which has no default: give the classifier width=",
    ),
    "of a callback": (
        binary,
        {"callbacks": [STOP], "callbacks__0__patince": 1},
        "Did you mean 'callbacks__0__patience'",
    ),
    "of a callback's name": (
        binary,
        {"callbacks": {"stop": STOP}, "callbacks__stpo__patience": 1},
        "Did you mean 'callbacks__stop__patience'",
    ),
    "of no callback": (
        binary,
        {"callbacks__patience": 1},
        "'callbacks' is no class but None: give a class, as callbacks=keras",
    ),
    "of a loss by name": (
        binary,
        {"loss__label_smoothing": 0.1},
        "'loss' is no class but 'binary_crossentropy': give a class, as loss=keras",
    ),
    "of a ready optimizer": (
        binary,
        {"optimizer": keras.optimizers.SGD(), "optimizer__momentum": 0.1},
        "'optimizer' is no class but of type SGD: give a class",
    ),
    "verbose": (binary, {"verbose": "loud"}, "'verbose' parameter of KerasClassifier"),
    "typing error": (binary, {"model__dropuot": 1}, "Did you mean 'model__dropout'"),
    "plain typing error": (binary, {"dropuot": 1}, "Did you mean 'dropout'"),
    "of the optimizer": (
        binary,
        {"optimizer__lerning_rate": 1.0},
        "Did you mean 'optimizer__learning_rate'",
    ),
    "of the prefix": (
        binary,
        {"optimiser__learning_rate": 1.0},
        "Did you mean 'optimizer__learning_rate'",
    ),
    "of fit": (binary, {"fit__epoch": 3}, "Did you mean 'fit__epochs'"),
    "unused": (
        compiled,
        {"optimizer__learning_rate": 1.0, "loss": None},
        "the model function compiles the network itself",
    ),
    "monitor": (binary, {"monitor": "val_mmc", "early_stopping": True}, "val_mcc"),
    "monitor without rows": (
        binary,
        {"monitor": "val_mcc", "validation_fraction": None},
        "is 'val_mcc', but no rows are held out: set validation_fraction",
    ),
    "class_weight": (binary, {"class_weight": {2: 1.0}}, r"unknown: \[2\]"),
    "validation_fraction": (
        binary,
        {"validation_fraction": 1.5},
        "validation_fraction",
    ),
    "epochs": (binary, {"epochs": 0}, "'epochs' parameter of KerasClassifier must be"),
}


@pytest.mark.parametrize(("model", "options", "text"), BAD.values(), ids=BAD)
def test_bad_input_is_told_in_a_sentence(model, options, text):
    own = {"validation_fraction": 0.2} if "monitor" in options else {}
    classifier = KerasClassifier(
        model, **{"loss": "binary_crossentropy", "random_state": 0} | own | options
    )
    with pytest.raises(ValueError, match=text):
        classifier.fit(X, y)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_an_argument_that_no_fit_has_is_refused(method):
    with pytest.raises(TypeError, match=r"no argument 'epoch'.*Did you mean 'epochs'"):
        getattr(small(), method)(X, y, epoch=3)


@pytest.mark.parametrize(
    ("loss", "units", "text"),
    [
        ("sparse_categorical_crossentropy", 3, "y has 3 columns: use 'categorical_cro"),
        ("categorical_crossentropy", 2, "2 units, but the 3 columns of y need 3 units"),
    ],
    ids=["loss", "units"],
)
def test_labels_of_several_columns_need_as_many_units(loss, units, text):
    with pytest.raises(ValueError, match=text):
        small(with_head(units, "softmax"), loss=loss).fit(X, np.eye(3)[y])


def test_sparse_rows_are_refused_in_words():
    with pytest.raises(TypeError, match=r"takes no sparse data as X.*toarray"):
        small().fit(csr_matrix(X), y)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (np.zeros(len(X)), "only one class: 0.0"),
        (np.linspace(0, 1, len(X)), "continuous"),
        (y[:-1], r"inconsistent numbers of samples: \[120, 119\]"),
        (None, "requires y to be passed"),
    ],
    ids=["one class", "continuous", "too few", "none"],
)
def test_labels_that_cannot_be_trained_on_are_refused(labels, text):
    with pytest.raises(ValueError, match=text):
        small().fit(X, labels)


def test_rows_held_out_must_have_known_labels_and_as_many():
    with pytest.raises(ValueError, match="X_val was given without y_val"):
        small().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="not seen in training, \\[7\\]"):
        small().fit(X, y, X_val=X[:1], y_val=[7])
    with pytest.raises(ValueError, match="X_val has 2 rows but y_val has 1"):
        small().fit(X, y, X_val=X[:2], y_val=y[:1])


@BOTH
def test_rows_come_folded_or_in_the_shape_of_the_input(callbacks):
    def network():
        rows = keras.Input((3, 2))
        flat = keras.layers.Flatten()(rows)
        return keras.Model(rows, keras.layers.Dense(1, "sigmoid")(flat))

    folded = small(network, callbacks=callbacks).fit(X, y).predict_proba(X)
    series = X.reshape(len(X), 3, 2)
    shaped = small(network, callbacks=callbacks).fit(series, y).predict_proba(series)
    np.testing.assert_array_equal(folded, shaped)


def test_series_of_another_length_are_refused():
    def network(meta):
        rows = keras.Input(meta["X_shape_"][1:])
        flat = keras.layers.Flatten()(rows)
        return keras.Model(rows, keras.layers.Dense(1, "sigmoid")(flat))

    series = X.reshape(len(X), 3, 2)
    classifier = small(network).fit(series, y)
    with pytest.raises(ValueError, match=r"rows of shape \(3, 1\), but .* \(3, 2\)"):
        classifier.predict(series[:, :, :1])


def test_without_scikeras_all_else_works_and_this_says_what_to_install(tmp_path):
    (tmp_path / "scikeras").mkdir()
    (tmp_path / "scikeras" / "__init__.py").write_text("raise TypeError('too old')")
    code = (
        # Nothing here needs more of TensorFlow and Keras than their names.
        "import sys, types\n"
        "for name in ('tensorflow', 'keras'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "import skloss\n"
        "from skloss import *\n"
        "skloss.DenseClassifier(); skloss.Pipeline([('a', None)])\n"
        "try:\n"
        "    skloss.KerasClassifier(print)\n"
        "except ImportError as error:\n"
        "    assert 'too old' in str(error), error\n"
        "    assert 'pip install' in str(error), error\n"
        "else:\n"
        "    raise SystemExit('no error')\n"
    )
    paths = os.pathsep.join(map(str, (tmp_path, ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr


def test_it_is_public():
    assert skloss.KerasClassifier is KerasClassifier
