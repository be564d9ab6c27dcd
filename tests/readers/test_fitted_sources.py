"""What a diagnosis takes in: each source is read right, and left as it was."""

import json
import random
import warnings
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_plain_pipeline
from imblearn.under_sampling import RandomUnderSampler
from numpy.testing import assert_array_equal
from rule_examples.cases import healthy
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, confusion_matrix, log_loss
from sklearn.metrics import roc_auc_score as sklearn_roc_auc
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline as sklearn_pipeline
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, diagnose, make_pipeline
from skloss.datasets import make_rare_events
from skloss.diagnosis import case_from_record, record_from_case
from skloss.exceptions import DiagnosisError, RecordFormatError
from skloss.keras_interop.describe_layers import network_layers
from skloss.metrics import rank_auc
from skloss.readers.keras_models import keras_case, loss_name
from skloss.readers.label_facts import Labels
from skloss.readers.split_metrics import measured_part


@pytest.fixture(scope="module")
def rows():
    return make_rare_events(600, prevalence=0.15, random_state=0)


@pytest.fixture(scope="module")
def fitted(rows):
    return DenseClassifier(epochs=15, random_state=0).fit(*rows)


@pytest.fixture(scope="module")
def trained(rows):
    """A Keras model with batch normalization and dropout, and how it was trained."""
    import keras

    keras.utils.set_random_seed(0)
    X, y = rows
    model = keras.Sequential(
        [
            keras.Input((X.shape[1],)),
            keras.layers.Dense(
                16, "relu", kernel_regularizer=keras.regularizers.L2(0.01)
            ),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    adam = keras.optimizers.Adam(2e-3, clipnorm=1.0)
    model.compile(adam, "binary_crossentropy", jit_compile=False)
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=9)
    params = {
        "epochs": 6,
        "batch_size": 64,
        "class_weight": {0: 1.0, 1: 3.0},
        "validation_split": 0.25,
        "callbacks": [stop],
    }
    history = model.fit(X, y, verbose=0, **params)
    return model, history, params


# ------------------------------------------------------------------------ Keras models


def test_the_layers_of_a_keras_model_are_read(trained):
    first, norm, dropout, head = network_layers(trained[0])
    assert (first.kind, first.activation, first.units) == ("dense", "relu", 16)
    assert (first.l2, first.output_shape) == (pytest.approx(0.01), (16,))
    assert (norm.kind, norm.momentum) == ("batch_norm", 0.9)
    assert (dropout.kind, dropout.rate) == ("dropout", 0.3)
    assert (head.activation, head.units) == ("sigmoid", 1)


def test_the_layers_of_inner_models_and_wrappers_are_read():
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((6, 4)), layers.Conv1D(3, 2)])
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Embedding(10, 4),
            inner,
            layers.ReLU(),
            layers.MaxPooling1D(),
            layers.Bidirectional(layers.LSTM(5)),
            layers.Dense(2),
            layers.Softmax(),
        ]
    )
    read = network_layers(model)
    kinds = " ".join(layer.kind for layer in read)
    assert kinds == "embedding conv activation pool recurrent dense activation"
    assert (read[2].activation, read[3].pooling) == ("relu", "max")
    assert (read[4].units, read[4].activation) == (5, "tanh")


def test_how_a_keras_model_was_trained_is_read(trained, rows):
    model, history, params = trained
    curves = {name: np.array(values) for name, values in history.history.items()}
    case = keras_case(model, *rows, curves=curves, fit_params=params)
    training = case.training
    assert (training.loss, training.from_logits) == ("binary_crossentropy", False)
    assert (training.optimizer, training.clips) == ("adam", True)
    assert training.learning_rate == pytest.approx(2e-3)
    assert (training.class_weight_kind, training.class_weight_keys) == ("dict", "int")
    assert training.class_weight == {"0": 1.0, "1": 3.0}
    assert (training.monitor, training.patience) == ("val_loss", 9)
    assert (training.epochs, training.batch_size) == (6, 64)
    assert case.holdout == "tail"
    assert (case.train.n_rows, case.val.n_rows) == (450, 150)
    assert case.probe.penalty == pytest.approx(float(sum(map(float, model.losses))))


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        ("mse", "mean_squared_error"),
        ("BinaryCrossentropy", "binary_crossentropy"),
        ("categorical_crossentropy", "categorical_crossentropy"),
    ],
)
def test_losses_have_one_name(loss, name):
    import keras

    assert loss_name(keras.losses.get(loss)) == name
    assert loss_name(loss) == name


def test_a_diagnosis_leaves_model_and_random_generators_as_they_were(trained, rows):
    import keras

    model, history, params = trained
    weights = [np.asarray(value).copy() for value in model.variables]
    states = [np.asarray(value).copy() for value in model.non_trainable_variables]
    predicted = model.predict(rows[0], verbose=0)
    np.random.seed(5)  # noqa: NPY002 - the global one is looked at
    random.seed(5)
    keras.utils.set_random_seed(5)
    expected = keras.random.normal((3,)), np.random.normal(), random.random()  # noqa: NPY002
    keras.utils.set_random_seed(5)
    diagnose(model, *rows, history=history, fit_params=params)
    found = keras.random.normal((3,)), np.random.normal(), random.random()  # noqa: NPY002
    assert_array_equal(expected[0], found[0])
    assert expected[1:] == found[1:]
    for before, now in zip(weights, model.variables, strict=True):
        assert_array_equal(before, np.asarray(now))
    for before, now in zip(states, model.non_trainable_variables, strict=True):
        assert_array_equal(before, np.asarray(now))
    assert_array_equal(predicted, model.predict(rows[0], verbose=0))


def test_a_model_without_arrays_is_assessed_as_far_as_it_goes(trained):
    diagnosis = diagnose(trained[0], history=trained[1])
    assert "majority-collapse" in diagnosis.not_assessed
    assert "linear-stack" in diagnosis.passed


def test_x_of_another_width_than_the_model_is_refused(trained, rows):
    with pytest.raises(
        ValueError, match=r"rows of shape \(3,\), but the model expects"
    ):
        diagnose(trained[0], rows[0][:, :3], rows[1], history=trained[1])


def test_validation_data_are_validation_rows(trained, rows):
    X, y = rows
    by_fit = diagnose(
        trained[0], X, y, fit_params={"validation_data": (X[:99], y[:99])}
    )
    by_name = diagnose(trained[0], X, y, X_val=X[:99], y_val=y[:99], fit_params={})
    assert by_fit.case.val == by_name.case.val
    assert by_fit.case.holdout == "given"


def test_a_callback_need_not_be_in_a_list(trained):
    params = trained[2] | {"callbacks": trained[2]["callbacks"][0]}
    training = diagnose(trained[0], fit_params=params).case.training
    assert (training.callbacks, training.patience) == (("EarlyStopping",), 9)


def test_series_without_an_axis_of_channels_are_read_as_keras_reads_them(rows):
    import keras

    X, y = rows
    model = keras.Sequential(
        [
            keras.Input((X.shape[1], 1)),
            keras.layers.Conv1D(2, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    history = {"loss": [0.7, 0.6]}
    flat = diagnose(model, X, y, history=history)
    assert flat.to_dict() == diagnose(model, X[..., None], y, history=history).to_dict()
    assert "unscaled-inputs" not in flat.not_assessed


# ------------------------------------------------------------------------------- parts


@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_part_agrees_with_scikit_learn(n_classes):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, n_classes, 300)
    scores = rng.dirichlet(np.ones(n_classes), 300) + np.eye(n_classes)[codes]
    scores /= scores.sum(axis=1, keepdims=True)
    part = measured_part(codes, n_classes, scores)
    assert_array_equal(part.confusion, confusion_matrix(codes, scores.argmax(axis=1)))
    assert part.loss == pytest.approx(log_loss(codes, scores))
    several = n_classes > 2
    truth = np.eye(n_classes)[codes] if several else codes
    wanted = scores if several else scores[:, 1]
    assert part.roc_auc == pytest.approx(sklearn_roc_auc(truth, wanted))
    assert part.average_precision == pytest.approx(
        average_precision_score(truth, wanted)
    )


def test_rank_auc_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(1)
    truth, scores = rng.random(200) < 0.3, rng.integers(0, 9, 200)
    assert rank_auc(truth, scores) == pytest.approx(sklearn_roc_auc(truth, scores))
    assert rank_auc(np.ones(3, bool), np.arange(3)) is None


@pytest.mark.parametrize(
    ("y", "task", "codes"),
    [
        ([0, 1, 1], "binary", [0, 1, 1]),
        ([[1, 0, 0], [0, 0, 1]], "multiclass", [0, 2]),
        ([[1, 1, 0], [0, 0, 1]], "multilabel", None),
        (["no", "yes", "no"], "binary", [0, 1, 0]),
        ([3, 1, 2], "multiclass", [3, 1, 2]),
        ([0.0, 0.0], "binary", [0, 0]),
        (np.linspace(0, 1, 300), "regression", None),
    ],
)
def test_labels_are_read_as_keras_numbers_them(y, task, codes):
    labels = Labels.of(np.asarray(y), None, 1)
    assert labels.task == task
    if codes is not None:
        assert labels.codes(y).tolist() == codes


# -------------------------------------------------------------------------- estimators


def test_a_record_tells_as_much_as_its_classifier_without_rows(fitted, tmp_path):
    path = tmp_path / "run.json"
    fitted.record_.save(path)
    wanted = diagnose(fitted).to_dict()
    assert diagnose(fitted.record_).to_dict() == wanted
    assert diagnose(path).to_dict() == wanted


def test_the_parts_of_a_record_are_those_of_the_final_weights(fitted):
    part = case_from_record(fitted.record_).val
    truth = np.array(fitted.record_.outcome["validation_truth"])
    scores = np.array(fitted.record_.outcome["validation_scores"])
    assert_array_equal(part.confusion, confusion_matrix(truth, scores > 0.5))
    assert part.roc_auc == pytest.approx(sklearn_roc_auc(truth, scores))


def test_a_case_survives_its_record():
    case = healthy()
    read = case_from_record(
        record_from_case(case).from_json(record_from_case(case).to_json())
    )
    for part in fields(case):
        if part.name != "curves":
            assert getattr(read, part.name) == getattr(case, part.name), part.name
    assert {name: c.tolist() for name, c in read.curves.items()} == {
        name: c.tolist() for name, c in case.curves.items()
    }


def test_several_classes_have_a_confusion_matrix_on_both_sides():
    X, y = np.random.default_rng(0).normal(size=(300, 4)), np.arange(300) % 3
    record = DenseClassifier(epochs=2, random_state=0).fit(X, y).record_
    case = case_from_record(record)
    assert np.shape(case.original.confusion) == np.shape(case.val.confusion) == (3, 3)
    assert case.original.n_rows == sum(map(sum, case.original.confusion))


def test_rows_behind_a_pipeline_are_seen_as_the_classifier_sees_them(rows):
    X, y = rows[0] * 1000, rows[1]
    steps = StandardScaler(), SMOTE(random_state=0)
    classifier = DenseClassifier(epochs=15, random_state=0)
    piped = make_pipeline(*steps, classifier).fit(X, y)
    assert "unscaled-inputs" in diagnose(piped, X, y).passed


def test_a_sampler_before_the_split_is_named(rows):
    X, y = SMOTE(random_state=0).fit_resample(*rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = DenseClassifier(epochs=15, random_state=0).fit(X, y)
    found = diagnose(classifier).findings
    assert "resample-before-split" in {finding.name for finding in found}


@pytest.mark.parametrize("sampler", [SMOTE, RandomUnderSampler])
def test_a_sampler_in_a_plain_pipeline_is_named(rows, sampler):
    classifier = DenseClassifier(epochs=5, random_state=0)
    piped = make_plain_pipeline(StandardScaler(), sampler(random_state=0), classifier)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = diagnose(piped.fit(*rows), *rows)
    assert found.find("resample-before-split") is not None
    assert found.case.samplers == (sampler.__name__,)


def test_a_search_by_accuracy_is_named(rows):
    classifier = DenseClassifier(epochs=5, random_state=0)
    found = {}
    for scoring in ("accuracy", "matthews_corrcoef"):
        search = GridSearchCV(classifier, {"width": [4]}, scoring=scoring, cv=2)
        found[scoring] = diagnose(search.fit(*rows)).find("search-by-accuracy")
    assert found["accuracy"].severity == "warning"
    assert found["matthews_corrcoef"] is None


def test_a_cross_validation_shows_folds_that_disagree(fitted):
    scores = {"test_score": np.array([0.7, 0.71, 0.1]), "estimator": [fitted] * 3}
    assert diagnose(scores).find("folds-disagree") is not None


def test_a_cross_validation_needs_its_estimators(rows):
    results = cross_validate(DenseClassifier(epochs=1, random_state=0), *rows, cv=2)
    with pytest.raises(DiagnosisError, match="return_estimator=True"):
        diagnose(results)


def test_a_search_without_a_winner_is_refused(rows):
    search = GridSearchCV(
        DenseClassifier(epochs=1, random_state=0), {"width": [4]}, cv=2, refit=False
    ).fit(*rows)
    with pytest.raises(DiagnosisError, match="refit=True"):
        diagnose(search)


def test_a_perceptron_of_scikit_learn_is_diagnosed(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = MLPClassifier((8,), "identity", max_iter=30, random_state=0).fit(*rows)
        diagnosis = diagnose(sklearn_pipeline(mlp).fit(*rows), *rows)
    assert diagnosis.find("linear-stack") is not None


def test_a_classifier_of_scikeras_is_diagnosed(rows):
    import keras
    from scikeras.wrappers import KerasClassifier

    def build():
        model = keras.Sequential([keras.Input((rows[0].shape[1],))])
        model.add(keras.layers.Dense(8, "relu"))
        model.add(keras.layers.Dense(1, "sigmoid"))
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        return model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapper = KerasClassifier(build, epochs=4, verbose=0, random_state=0)
        wrapper.fit(*rows)
        diagnosis = diagnose(wrapper, *rows)
    assert "linear-stack" in diagnosis.passed
    assert "class-weight-without-effect" in diagnosis.passed
    with pytest.raises(
        ValueError, match=r"rows of shape \(3,\), but the model expects"
    ):
        diagnose(wrapper, rows[0][:, :3], rows[1])


def test_a_classifier_predicts_the_same_after_its_diagnosis(fitted, rows):
    before = fitted.predict_proba(rows[0])
    diagnose(fitted, *rows)
    assert_array_equal(before, fitted.predict_proba(rows[0]))


# ---------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("source", "error", "match"),
    [
        (LogisticRegression(), NotFittedError, "not fitted"),
        ({"loss": [0.5], "val_loss": [0.5, 0.4]}, RecordFormatError, "length"),
        ({}, RecordFormatError, "empty|no curves"),
        ({"loss": "falling"}, RecordFormatError, "numbers|list"),
        (42, RecordFormatError, "got int"),
        ({1: [0.5], 2: [0.4]}, RecordFormatError, "no loss and no metric"),
    ],
    ids=["unfitted", "lengths", "empty", "text", "number", "numbered"],
)
def test_what_cannot_be_diagnosed_says_why(source, error, match):
    with pytest.raises(error, match=match):
        diagnose(source)


def test_an_estimator_without_curves_is_refused(rows):
    with pytest.raises(DiagnosisError, match="LogisticRegression keeps no curves"):
        diagnose(LogisticRegression().fit(*rows))


def test_rows_without_labels_are_refused(fitted, rows):
    with pytest.raises(ValueError, match="X was given without y"):
        diagnose(fitted, rows[0])
    with pytest.raises(ValueError, match="X has 600 rows and y has 3"):
        diagnose(fitted, rows[0], rows[1][:3])


def test_files_that_are_no_history_are_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, the loss would not go down today.\n")
    with pytest.raises(RecordFormatError):
        diagnose(path)
    with pytest.raises(OSError, match="nowhere"):
        diagnose(tmp_path / "nowhere.csv")


def test_a_record_of_a_newer_version_is_diagnosed(fitted, tmp_path):
    content = json.loads(fitted.record_.to_json()) | {"version": 9, "mood": "good"}
    path = tmp_path / "newer.json"
    path.write_text(json.dumps(content))
    diagnosis = diagnose(path)
    assert diagnosis.findings == diagnose(fitted).findings
    assert diagnosis.notes[0].startswith("the record is of version 9, and this skloss")


def test_labels_that_a_classifier_does_not_know_are_refused(fitted, rows):
    X, y = rows
    with pytest.raises(
        ValueError, match=r"y holds labels .*: 'no', 'yes'\. It knows 0"
    ):
        diagnose(fitted, X, np.where(y == 1, "yes", "no"))
    with pytest.raises(ValueError, match=r"y_val holds labels .*: 7\."):
        diagnose(fitted, X, y, X_val=X[:9], y_val=np.full(9, 7))


def test_a_number_is_no_array_of_rows(fitted):
    with pytest.raises(ValueError, match="X must be an array of rows, got int"):
        diagnose(fitted, 3, 4)


@pytest.mark.parametrize(
    ("fit_params", "match"),
    [
        ([1], "fit_params must be a dict of the arguments of fit, got list"),
        (
            {"validation_split": 1.5},
            "validation_split must be between 0 and 1, got 1.5",
        ),
        ({"validation_data": 3}, r"validation_data must be a pair .* got int"),
    ],
    ids=["list", "split", "validation data"],
)
def test_what_fit_could_not_be_given_is_refused(trained, rows, fit_params, match):
    with pytest.raises(ValueError, match=match):
        diagnose(trained[0], *rows, fit_params=fit_params)


def test_arguments_that_fit_does_not_have_are_listed(trained):
    notes = diagnose(trained[0], fit_params={"epochz": 3, "epochs": 6}).notes
    assert notes == ("fit_params: 'epochz' was not understood",)


def test_arguments_that_a_source_has_no_use_for_are_listed(fitted, rows):
    curves = {"loss": [0.7, 0.6, 0.5]}
    notes = diagnose(curves, *rows, history=curves).notes
    assert notes == ("X and y, history not read: the source is curves or a record",)
    assert diagnose(fitted, *rows, fit_params={}).notes == ()


def test_frames_histories_and_files_of_curves_are_one(tmp_path):
    curves = {"loss": [0.7, 0.69, float("nan")], "val_loss": [0.7, 0.6, 0.5]}
    path = tmp_path / "log.csv"
    pd.DataFrame(curves).to_csv(path, index_label="epoch")
    sources = [curves, pd.DataFrame(curves), path, str(path)]
    found = [diagnose(source).to_dict() for source in sources]
    assert all(one == found[0] for one in found)
    assert found[0]["findings"][0]["name"] == "nonfinite-loss"


def test_diagnosis_and_its_errors_are_where_they_are_looked_for():
    assert skloss.diagnose is diagnose
    assert not skloss.diagnosis.Diagnosis(()).findings
