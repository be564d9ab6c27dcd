"""scikeras' documented examples, with only the import changed; what is trained by what.

Where scikeras still runs, it trains the same network: both by ``keras.Model.fit``, they
end at the same weights.
"""

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

import imblearn.pipeline
import keras
import numpy as np
import pytest
import scikeras.wrappers
from imblearn.over_sampling import SMOTE
from keras_networks import (
    binary,
    binary_rows,
    branches,
    compiled,
    from_meta,
    many_classes_rows,
    recurrent,
    softmax,
)
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.metrics import average_precision_score, log_loss, matthews_corrcoef
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tensorflow.python.framework.config import is_op_determinism_enabled

import skloss
from skloss import KerasClassifier, Pipeline, TrainingRecord
from skloss.datasets import load_heartbeats
from skloss.diagnosis import case_from_record
from skloss.exceptions import TailValidationWarning
from skloss.keras_interop.compiled_settings import compiled_loss
from skloss.readers import read_case

is_op_determinism_enabled()  # before scikeras alone would turn it on for good
X, y = binary_rows()
X3, y3 = many_classes_rows()
# XLA takes a second to compile a network that is trained for a blink.
QUICK = {"epochs": 2, "random_state": 0, "verbose": 0}
WITHOUT_XLA = QUICK | {"compile__jit_compile": False}
NOTHING = keras.callbacks.Callback  # does nothing, and needs keras.Model.fit


def program(classifier):
    return classifier.record_.outcome["program"]


# -------------------------------------------------------------------------- as scikeras

ENGINE = {
    "meta": (softmax, {"loss": "sparse_categorical_crossentropy"}, (X3, y3)),
    "routed to the model": (
        binary,
        {
            "loss": "binary_crossentropy",
            "optimizer": "adam",
            "optimizer__learning_rate": 0.1,
            "model__hidden_layer_sizes": (5, 4),
            "model__dropout": 0.5,
        },
        (X, y),
    ),
    "plain parameter": (
        softmax,
        {"loss": "sparse_categorical_crossentropy", "hidden_layer_dim": 5},
        (X, y),
    ),
    "one-hot loss": (softmax, {"loss": "categorical_crossentropy"}, (X3, y3)),
    "a class of loss, routed": (
        binary,
        {"loss": keras.losses.BinaryCrossentropy, "loss__label_smoothing": 0.3},
        (X, y),
    ),
    "optimizer class and batch": (
        binary,
        {
            "loss": "binary_crossentropy",
            "optimizer": keras.optimizers.SGD,
            "optimizer__momentum": 0.5,
            "batch_size": -1,
        },
        (X, y),
    ),
    "class weights": (
        binary,
        {"loss": "binary_crossentropy", "class_weight": "balanced"},
        (X, y),
    ),
    "weights of labels": (
        softmax,
        {
            "loss": "sparse_categorical_crossentropy",
            "class_weight": {"calm": 1.0, "gale": 3.0, "storm": 0.5},
        },
        (X3, y3),
    ),
    "fit__batch_size and metrics": (
        binary,
        {
            "loss": "binary_crossentropy",
            "fit__batch_size": 16,
            "predict__batch_size": 50,
            "metrics": ["accuracy"],
        },
        (X, y),
    ),
}
KERAS_ONLY = {
    "an optimizer of Keras": (
        binary,
        {"loss": "binary_crossentropy", "optimizer": "nadam"},
        (X, y),
    ),
    "callbacks by name": (
        binary,
        {
            "loss": "binary_crossentropy",
            "callbacks": {"stop": keras.callbacks.EarlyStopping},
            "callbacks__stop__monitor": "loss",
            "callbacks__stop__min_delta": 10.0,
            "epochs": 3,
        },
        (X, y),
    ),
    "metrics, routed": (
        binary,
        {
            "loss": "binary_crossentropy",
            "metrics": [keras.metrics.BinaryAccuracy],
            "metrics__0__threshold": 0.8,
        },
        (X, y),
    ),
}


def of(cls, example, **options):
    model, parameters, _ = example
    return cls(model, **WITHOUT_XLA | parameters | options)


@pytest.mark.parametrize("example", ENGINE.values(), ids=ENGINE)
def test_what_the_engine_knows_it_trains_and_predicts_as_its_model_does(example):
    rows, labels = example[2]
    classifier = of(KerasClassifier, example).fit(rows, labels)
    assert program(classifier) in ("eager", "graph", "numpy", "xla")
    assert classifier.record_.outcome["program_reason"] is None
    outputs = np.asarray(classifier.model_(rows))
    expected = outputs if outputs.shape[1] > 1 else np.hstack([1 - outputs, outputs])
    found = classifier.predict_proba(rows)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    labels_of_columns = classifier.classes_[found.argmax(axis=1)]
    np.testing.assert_array_equal(classifier.predict(rows), labels_of_columns)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "example",
    [*list(ENGINE.values())[::2], *KERAS_ONLY.values()],
    ids=[*list(ENGINE)[::2], *KERAS_ONLY],
)
def test_by_keras_an_example_ends_where_scikeras_does(example):
    rows, labels = example[2]
    more = {} if "callbacks" in example[1] else {"callbacks": NOTHING}
    ours = of(KerasClassifier, example, **more).fit(rows, labels)
    theirs = of(scikeras.wrappers.KerasClassifier, example, **more).fit(rows, labels)
    assert program(ours) == "keras"
    for found, expected in zip(
        ours.model_.get_weights(), theirs.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))
    chances = theirs.predict_proba(rows)
    np.testing.assert_allclose(ours.predict_proba(rows), chances, atol=1e-6)
    assert ours.history_ == dict(theirs.history_)


def fit_twice_in_parts(classifier):
    return classifier.partial_fit(X, y).partial_fit(X, y)


def fit_twice_warm(classifier):
    return classifier.set_params(warm_start=True).fit(X, y).fit(X, y)


def fit_and_pickle(classifier):
    return pickle.loads(pickle.dumps(classifier.fit(X, y)))


def fit_and_load(classifier):
    """Keras' file of a model, in a classifier that is not trained again."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "network.keras"
        classifier.fit(X, y).model_.save(file)
        model = keras.models.load_model(file)
    return type(classifier)(model).initialize(X, y)


def fit_behind_a_sampler(classifier):
    steps = [("scale", StandardScaler()), ("smote", SMOTE(random_state=0))]
    return imblearn.pipeline.Pipeline([*steps, ("net", classifier)]).fit(X, y)


def fit_a_search(classifier):
    grid = {"model__hidden_layer_sizes": [(4,), (9, 3)]}
    folds = StratifiedShuffleSplit(1, random_state=0)  # scikeras would not be given it
    return GridSearchCV(classifier, grid, cv=folds, scoring="accuracy").fit(X, y)


def fit_a_bag(classifier):
    return BaggingClassifier(classifier, n_estimators=1, random_state=0).fit(X, y)


WAYS = (
    fit_twice_in_parts,
    fit_twice_warm,
    fit_and_pickle,
    fit_and_load,
    fit_behind_a_sampler,
    fit_a_search,
    fit_a_bag,
)


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("train", WAYS, ids=lambda way: way.__name__)
def test_by_keras_a_tutorial_predicts_as_with_scikeras(train):
    options = WITHOUT_XLA | {"loss": "binary_crossentropy", "callbacks": NOTHING}
    ours = train(KerasClassifier(binary, optimizer="adam", **options))
    theirs = train(
        scikeras.wrappers.KerasClassifier(binary, optimizer="adam", **options)
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    chances = theirs.predict_proba(X)
    np.testing.assert_allclose(ours.predict_proba(X), chances, atol=1e-6)


class TwoTargets(BaseEstimator, TransformerMixin):
    """A number and a word for each row, from scikeras' tutorial of transformers."""

    def fit(self, y):
        self.words_ = np.unique(y[:, 1])
        self.n_outputs_expected_ = 2
        return self

    def transform(self, y):
        return [y[:, 0].astype(float), (y[:, 1:] == self.words_).astype(float)]

    def inverse_transform(self, y, return_proba=False):
        words = self.words_[y[1].argmax(axis=1)]
        return np.column_stack([(y[0][:, 0] > 0.5).astype(int), words]).astype(object)

    def get_metadata(self):
        return {"n_outputs_expected_": 2, "n_words_": len(self.words_)}


def test_several_outputs_come_from_a_target_encoder():
    def network(meta, compile_kwargs):
        rows = keras.Input((meta["n_features_in_"],))
        number = keras.layers.Dense(1, "sigmoid")(rows)
        word = keras.layers.Dense(meta["n_words_"], "softmax")(rows)
        model = keras.Model(rows, [number, word])
        losses = ["binary_crossentropy", "categorical_crossentropy"]
        model.compile(loss=losses, optimizer=compile_kwargs["optimizer"])
        return model

    def predictions(base):
        encoder = property(lambda self: TwoTargets())
        cls = type("TwoOutputs", (base,), {"target_encoder": encoder})
        return cls(network, **QUICK).fit(X3, labels).predict(X3)

    labels = np.column_stack([y[: len(X3)], y3]).astype(object)
    found = predictions(KerasClassifier)
    assert found.shape == labels.shape
    expected = predictions(scikeras.wrappers.KerasClassifier)
    np.testing.assert_array_equal(found, expected)


def test_the_network_may_be_compiled_by_its_function():
    classifier = KerasClassifier(from_meta, optimizer="adam", width=5, **QUICK)
    binary_task, many = clone(classifier).fit(X, y), clone(classifier).fit(X3, y3)
    assert binary_task.predict_proba(X).shape == (len(X), 2)
    assert many.predict_proba(X3).shape == (len(X3), 3)
    assert program(binary_task) == program(many) == "numpy"


def test_a_function_needs_neither_meta_nor_parameters():
    classifier = KerasClassifier(compiled, rate=0.5, **QUICK).fit(X, y)
    assert classifier.model_.optimizer.get_config()["learning_rate"] == 0.5


def test_a_subclass_may_hold_the_function():
    class Wide(KerasClassifier):
        def __init__(self, width=3, **kwargs):
            super().__init__(**kwargs)
            self.width = width

        def _keras_build_fn(self, compile_kwargs):
            return from_meta(self._get_metadata(), compile_kwargs, self.width)

    classifier = clone(Wide(width=7, **QUICK)).fit(X, y)
    assert classifier.model_.layers[1].units == 7
    assert not isinstance(Wide, scikeras.wrappers.KerasClassifier)
    assert isinstance(classifier, scikeras.wrappers.KerasClassifier)


def test_a_ready_model_is_copied_and_never_changed():
    model = compiled()
    before = model.get_weights()
    classifier = KerasClassifier(model, **QUICK)
    first = classifier.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(classifier.fit(X, y).predict_proba(X), first)
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_several_inputs_come_from_a_feature_encoder():
    class TwoInputs(KerasClassifier):
        @property
        def feature_encoder(self):
            return FunctionTransformer(lambda rows: [rows[:, :2], rows[:, 2:]])

    def network():
        left, right = keras.Input((2,)), keras.Input((4,))
        both = keras.layers.Concatenate()([left, right])
        return keras.Model([left, right], keras.layers.Dense(1, "sigmoid")(both))

    options = WITHOUT_XLA | {"loss": "binary_crossentropy"}
    classifier = TwoInputs(network, **options).fit(X, y)
    assert "feature_encoder" in classifier.record_.outcome["program_reason"]
    found = log_loss(y, classifier.predict_proba(X))
    assert classifier.record_.history["loss"][-1] == pytest.approx(found, rel=1e-4)


def test_labels_of_several_columns_are_handled_as_by_scikeras():
    labels = np.column_stack([y, 1 - y, y])

    def network(meta):
        return keras.Sequential(
            [keras.Input((6,)), keras.layers.Dense(3, activation="sigmoid")]
        )

    options = WITHOUT_XLA | {"loss": "binary_crossentropy"}
    ours = KerasClassifier(network, **options).fit(X, labels)
    theirs = scikeras.wrappers.KerasClassifier(network, **options).fit(X, labels)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.record_.history == dict(theirs.history_)
    assert "val_loss" in ours.fit(X, labels, X_val=X, y_val=labels).history_
    with pytest.raises(ValueError, match="need one label per row"):
        ours.set_params(early_stopping=True).fit(X, labels)


def test_callbacks_may_come_with_fit():
    stop = keras.callbacks.EarlyStopping("loss", min_delta=9, patience=1)
    classifier = KerasClassifier(binary, loss="binary_crossentropy", **WITHOUT_XLA)
    classifier.fit(X, y, epochs=9, callbacks=[stop])
    assert classifier.n_epochs_ == 2
    assert classifier.record_.outcome["stop_reason"] == "callback"


# ------------------------------------------------------------------- training in parts


@pytest.mark.parametrize("callbacks", [None, NOTHING], ids=["engine", "Keras"])
def test_two_partial_fits_are_one_fit_of_two_epochs(callbacks):
    options = WITHOUT_XLA | {"loss": "binary_crossentropy", "shuffle": False}
    classifier = KerasClassifier(
        binary, optimizer="adam", callbacks=callbacks, **options
    )
    parts = clone(classifier)
    for _ in range(2):
        parts.partial_fit(X, y)
    whole = classifier.fit(X, y)
    assert parts.record_.n_epochs == len(parts.history_["loss"]) == 2
    np.testing.assert_allclose(
        parts.predict_proba(X), whole.predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("callbacks", [None, NOTHING], ids=["engine", "Keras"])
def test_a_partial_fit_goes_on_after_pickling(callbacks):
    options = WITHOUT_XLA | {"loss": "binary_crossentropy", "shuffle": False}
    classifier = KerasClassifier(
        binary, optimizer="adam", callbacks=callbacks, **options
    )
    classifier.fit(X, y)
    other = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_allclose(
        other.partial_fit(X, y).predict_proba(X),
        classifier.partial_fit(X, y).predict_proba(X),
        atol=1e-6,
    )


def test_classes_that_come_later_are_told_at_the_first_partial_fit():
    options = QUICK | {"loss": "sparse_categorical_crossentropy"}
    classifier = KerasClassifier(softmax, **options)
    few = y3 != "storm"
    classifier.partial_fit(X3[few], y3[few], classes=["calm", "gale", "storm"])
    classifier.partial_fit(X3, y3)
    assert classifier.predict_proba(X3).shape == (len(X3), 3)
    with pytest.raises(ValueError, match="not the same as on the last call"):
        classifier.partial_fit(X3, y3, classes=["calm", "gale"])


def test_warm_start_goes_on_from_the_weights():
    options = QUICK | {"loss": "binary_crossentropy", "warm_start": True}
    classifier = KerasClassifier(binary, optimizer="adam", **options)
    first = classifier.fit(X, y).record_.history["loss"]
    second = classifier.fit(X, y).record_.history["loss"]
    assert len(second) == 2
    assert second[-1] < first[-1]


# ------------------------------------------------------------------ searches, pipelines


def test_a_grid_search_tunes_what_is_routed_in_processes_as_in_one():
    classifier = KerasClassifier(
        binary, loss="binary_crossentropy", optimizer="adam", **QUICK
    )
    grid = [
        {"model__hidden_layer_sizes": [(5, 3)]},
        {"optimizer__learning_rate": [0.1]},
    ]
    options = {"cv": 2, "scoring": "roc_auc", "refit": False}
    scores = [
        GridSearchCV(classifier, grid, n_jobs=n_jobs, **options)
        .fit(X, y)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
    assert len(set(scores[0])) > 1


def test_ensembles_take_it():
    classifier = KerasClassifier(
        binary,
        loss="binary_crossentropy",
        optimizer="adam",
        optimizer__learning_rate=0.1,
        **QUICK,
    )
    for ensemble in (
        BaggingClassifier(classifier, n_estimators=2, random_state=0),
        AdaBoostClassifier(classifier, n_estimators=2, random_state=0),
    ):
        assert ensemble.fit(X, y).predict_proba(X).shape == (len(X), 2)


def test_behind_a_sampler_of_imbalanced_learn_it_runs_as_before():
    classifier = KerasClassifier(binary, loss="binary_crossentropy", **QUICK)
    steps = [("scale", StandardScaler()), ("smote", SMOTE(random_state=0))]
    pipeline = imblearn.pipeline.Pipeline([*steps, ("net", classifier)]).fit(X, y)
    counts = pipeline[-1].record_.data["class_counts"]
    assert counts["trained"][0] == counts["trained"][1]
    assert "validation" not in counts


@pytest.mark.parametrize("callbacks", [None, NOTHING], ids=["engine", "Keras"])
def test_the_pipeline_of_skloss_holds_original_rows_out_before_the_sampler(callbacks):
    classifier = KerasClassifier(
        binary,
        loss="binary_crossentropy",
        callbacks=callbacks,
        validation_split=0.25,
        **WITHOUT_XLA,
    )
    steps = [("scale", StandardScaler()), ("smote", SMOTE(random_state=0))]
    net = Pipeline([*steps, ("net", classifier)]).fit(X, y)[-1]
    counts = net.record_.data["class_counts"]
    held = np.round(np.bincount(y) * 0.25).tolist()
    assert counts["validation"] == held
    assert counts["original"] == (np.bincount(y) - held).tolist()
    assert counts["trained"] == [max(counts["original"])] * 2
    assert net.record_.data["holdout"] == "pipeline"
    assert len(net.history_["val_loss"]) == 2


# ------------------------------------------------------------------------ the hold-outs


def test_validation_split_takes_the_last_rows_and_is_warned_of():
    classifier = KerasClassifier(
        binary, loss="binary_crossentropy", validation_split=0.2, **QUICK
    )
    with pytest.warns(
        TailValidationWarning, match=r"the last 24 rows .* 19 of 0, 5 of 1"
    ) as told:
        classifier.fit(X, y)
    assert told[0].filename == __file__
    tail = np.bincount(y[96:]).tolist()
    assert classifier.record_.data["class_counts"]["validation"] == tail
    assert classifier.record_.data["holdout"] == "tail"


def test_other_rows_held_out_take_precedence_over_validation_split():
    classifier = KerasClassifier(
        binary, loss="binary_crossentropy", validation_split=0.2, **QUICK
    )
    classifier.fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    counts = classifier.record_.data["class_counts"]
    assert (sum(counts["trained"]), sum(counts["validation"])) == (90, 30)
    classifier.set_params(validation_fraction=0.5).fit(X, y)
    counts = classifier.record_.data["class_counts"]
    assert sum(counts["validation"]) == 60
    classifier.set_params(validation_fraction="auto")
    classifier.fit(X[:90], y[:90], validation_data=(X[90:], y[90:]))
    assert sum(classifier.record_.data["class_counts"]["trained"]) == 90


@pytest.mark.parametrize("form", ["labels", "numbers", "one-hot"])
def test_validation_data_may_come_encoded_as_for_scikeras(form):
    codes = np.unique(y3, return_inverse=True)[1]
    given = {"labels": y3, "numbers": codes, "one-hot": np.eye(3)[codes]}[form]
    classifier = KerasClassifier(softmax, loss="categorical_crossentropy", **QUICK)
    classifier.fit(X3, y3, validation_data=(X3, given))
    history = classifier.record_.history
    np.testing.assert_allclose(history["val_loss"], history["loss"])


@pytest.mark.parametrize("callbacks", [None, NOTHING], ids=["engine", "Keras"])
def test_the_curves_are_those_of_the_whole_rows(callbacks):
    classifier = KerasClassifier(
        softmax,
        loss="sparse_categorical_crossentropy",
        callbacks=callbacks,
        validation_fraction=0.3,
        class_weight={"calm": 5.0},
        **WITHOUT_XLA,
    )
    classifier.fit(X3, y3)
    kept, held = classifier.split_validation(X3, y3)
    for prefix, part in (("", kept), ("val_", held)):
        chances = classifier.predict_proba(X3[part])
        last = {k: v[-1] for k, v in classifier.record_.history.items()}
        labels = classifier.classes_[chances.argmax(axis=1)]
        expected = {
            "loss": log_loss(y3[part], chances),
            "mcc": matthews_corrcoef(y3[part], labels),
            "average_precision": average_precision_score(y3[part], chances),
        }
        for name, value in expected.items():
            assert last[prefix + name] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("callbacks", [None, NOTHING], ids=["engine", "Keras"])
def test_early_stopping_keeps_the_best_epoch_of_any_curve(callbacks):
    classifier = KerasClassifier(
        binary,
        loss="binary_crossentropy",
        optimizer="adam",
        optimizer__learning_rate=0.05,
        callbacks=callbacks,
        validation_fraction=0.3,
        early_stopping=True,
        monitor="val_mcc",
        patience=2,
        **WITHOUT_XLA | {"epochs": 40},
    )
    classifier.fit(X, y)
    curve = classifier.record_.history["val_mcc"]
    assert classifier.record_.outcome["stop_reason"] == "early_stopping"
    assert classifier.best_epoch_ == int(np.argmax(curve)) == len(curve) - 3
    _, held = classifier.split_validation(X, y)
    found = matthews_corrcoef(y[held], classifier.predict(X[held]))
    assert found == pytest.approx(max(curve))


def test_weights_of_zero_leave_rows_out():
    weight = (np.arange(len(X)) < 80).astype(float)
    classifier = KerasClassifier(binary, loss="binary_crossentropy", **QUICK)
    part = clone(classifier).fit(X[:80], y[:80]).predict_proba(X)
    found = classifier.fit(X, y, sample_weight=weight).predict_proba(X)
    np.testing.assert_array_equal(found, part)
    assert (weight == (np.arange(len(X)) < 80)).all()


# ------------------------------------------------------------- what the engine leaves


REASONS = {
    "callbacks": {"callbacks": NOTHING},
    "Adafactor": {"optimizer": "adafactor"},
    "has clipvalue=1.0": {"optimizer__clipvalue": 1.0},
    "metrics other than": {"metrics": ["AUC"]},
    "'mean_squared_error'": {"loss": "mean_squared_error"},
    "schedule": {
        "optimizer__learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 10)
    },
    "'validation_freq'": {"fit__validation_freq": 2},
}


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("reason", "options"), REASONS.items(), ids=REASONS)
def test_the_record_says_why_keras_has_trained(reason, options):
    classifier = KerasClassifier(
        binary, **WITHOUT_XLA | {"loss": "binary_crossentropy", "epochs": 1} | options
    )
    outcome = classifier.fit(X, y).record_.outcome
    assert outcome["program"] == "keras"
    assert reason in outcome["program_reason"]
    assert np.isfinite(classifier.record_.history["loss"]).all()


def test_a_metric_keeps_its_name_in_every_fit():
    classifier = KerasClassifier(
        binary, loss="binary_crossentropy", metrics=["AUC"], **WITHOUT_XLA
    )
    for _ in range(2):
        assert set(classifier.fit(X, y).history_) == {"loss", "auc"}


def test_both_directions_of_an_lstm_over_heartbeats():
    beats = load_heartbeats()
    few = np.arange(len(beats.target)) % 20 == 0
    series, labels = beats.data[few], beats.target[few]
    classifier = KerasClassifier(
        recurrent,
        loss="binary_crossentropy",
        optimizer="adam",
        validation_fraction=0.2,
        **WITHOUT_XLA | {"epochs": 1},
    )
    classifier.fit(series, labels)
    assert "Bidirectional" in classifier.record_.outcome["program_reason"] or (
        "AveragePooling1D" in classifier.record_.outcome["program_reason"]
    )
    copy = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(
        copy.predict_proba(series), classifier.predict_proba(series)
    )
    layers = [layer["kind"] for layer in copy.record_.configuration["layers"]]
    assert "recurrent" in layers


def test_a_network_of_two_branches():
    classifier = KerasClassifier(branches, loss="binary_crossentropy", **WITHOUT_XLA)
    classifier.fit(X, y)
    assert classifier.record_.outcome["program_reason"] == (
        "the layers are not one chain"
    )
    assert classifier.predict_proba(X).shape == (len(X), 2)


def test_logits_become_probabilities():
    def network():
        return keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])

    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    classifier = KerasClassifier(network, loss=loss, **QUICK).fit(X, y)
    logits = np.asarray(classifier.model_(X))[:, 0]
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(classifier.predict_proba(X)[:, 1], expected, rtol=1e-5)


def test_the_diagnosis_reads_it():
    def network():
        hidden = [keras.layers.Dense(6) for _ in range(4)]
        head = keras.layers.Dense(1, "sigmoid")
        return keras.Sequential([keras.Input((6,)), *hidden, head])

    classifier = KerasClassifier(network, loss="binary_crossentropy", **QUICK)
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X, y)
    case, _ = read_case(pipeline, X, y)
    assert [layer.activation for layer in case.layers] == ["linear"] * 4 + ["sigmoid"]
    assert case.training.optimizer == "rmsprop"
    assert case.is_honest
    assert len(case.probe.gradient_norms) == 5
    assert case.train.counts == tuple(np.bincount(y))
    assert skloss.diagnose(pipeline, X, y).findings[0].name == "linear-stack"
    saved = TrainingRecord.from_json(pipeline[-1].record_.to_json())
    assert case_from_record(saved).layers == case.layers


def test_a_batch_loss_of_ones_own_is_measured_as_cross_entropy():
    def distance(truth, outputs):
        return keras.ops.mean(keras.ops.abs(truth - outputs))

    classifier = KerasClassifier(binary, loss=distance, **WITHOUT_XLA).fit(X, y)
    found = classifier.record_.history["loss"][-1]
    assert found == pytest.approx(log_loss(y, classifier.predict_proba(X)), rel=1e-4)


@pytest.mark.parametrize(
    "loss",
    ["binary_crossentropy", keras.losses.BinaryCrossentropy(label_smoothing=0.2)],
    ids=["name", "object"],
)
def test_the_loss_of_a_row_is_that_of_keras(loss):
    read = compiled_loss(loss)
    truth, outputs = np.array([[0.0], [1.0]], "f"), np.array([[0.3], [0.9]], "f")
    smoothing = read.settings["label_smoothing"]
    target = truth * (1 - smoothing) + smoothing / 2
    expected = -target * np.log(outputs) - (1 - target) * np.log(1 - outputs)
    np.testing.assert_allclose(
        np.asarray(read.function(truth, outputs)), expected[:, 0], rtol=1e-5
    )
