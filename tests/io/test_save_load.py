"""What is saved is loaded as it was, and no code of a file is run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras_networks
import numpy as np
import pandas as pd
import pytest
from fitted import CASES, fitted, table
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
)
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import skloss
from skloss import estimators
from skloss.exceptions import ModelFileError
from skloss.io import TRUSTED_TYPES, NotSaved

safetensors = pytest.importorskip("safetensors")
skops_io = pytest.importorskip("skops.io")

ROOT = Path(__file__).parents[2]


def loaded_again(estimator, folder):
    path = folder / "model.safetensors"
    skloss.save(estimator, path)
    return skloss.load(path)


def content(record):
    """Equal for equal records: NaN is written as a text."""
    return json.dumps(record.to_dict())


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_estimator_predicts_the_same_bits(case, tmp_path):
    estimator, X, _ = fitted(case)
    loaded = loaded_again(estimator, tmp_path)
    assert type(loaded) is type(estimator)
    np.testing.assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))
    found, expected = loaded.predict(X), estimator.predict(X)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    last_loaded = loaded[-1] if hasattr(loaded, "steps") else loaded
    assert content(last_loaded.record_) == content(last.record_)
    assert last_loaded.n_features_in_ == last.n_features_in_
    names = getattr(last, "feature_names_in_", None)
    assert getattr(last_loaded, "feature_names_in_", None) is None or (
        last_loaded.feature_names_in_.tolist() == names.tolist()
        and last_loaded.feature_names_in_.dtype == names.dtype
    )


def test_every_public_classifier_is_a_case():
    names = {
        name
        for name in estimators.__all__
        if isinstance(kind := getattr(estimators, name), type)
        and issubclass(kind, ClassifierMixin)
        and not name.startswith("Base")
    }
    made = {type(make()[0]).__name__ for make in CASES.values()}
    assert names <= made


@pytest.mark.parametrize("case", ["dense", "cnn1d", "rocket"])
def test_nothing_that_fitting_made_is_lost(case, tmp_path):
    estimator, _, _ = fitted(case)
    loaded = loaded_again(estimator, tmp_path)
    assert vars(loaded).keys() == vars(estimator).keys()
    assert repr(loaded.get_params()) == repr(estimator.get_params())


@pytest.mark.parametrize(
    "case", ["dense", "cnn1d", "dense of a schedule", "dense with members"]
)
def test_training_goes_on_from_a_file_as_it_would_have(case, tmp_path):
    estimator, X, y = CASES[case]()
    estimator.set_params(random_state=0).fit(X, y)
    loaded = loaded_again(estimator, tmp_path)
    for one in (estimator, loaded):
        one.partial_fit(X, y)
    for found, expected in zip(loaded.weights_, estimator.weights_, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1]),
        np.array([-1, 5], np.int8),
        np.array([1.0, 2.0], np.float32),
        np.array([False, True]),
        np.array(["no", "ja, \N{SNOWMAN}"], "<U12"),
        np.array(["no", "yes"], object),
    ],
    ids=lambda labels: f"{labels.dtype}",
)
def test_labels_keep_their_type(labels, tmp_path):
    X, y = table()
    classifier = skloss.DenseClassifier(width=3, depth=1, epochs=1, random_state=0)
    classifier.fit(X, labels[y])
    loaded = loaded_again(classifier, tmp_path)
    assert loaded.classes_.dtype == classifier.classes_.dtype
    assert loaded.classes_.tolist() == classifier.classes_.tolist()
    assert list(map(type, loaded.classes_)) == list(map(type, classifier.classes_))
    assert content(loaded.record_) == content(classifier.record_)
    assert loaded.pos_label_ == classifier.pos_label_


@pytest.mark.parametrize("labels", [[2**62, 2**63 - 1], [-(2**63), 1 - 2**63]])
def test_labels_of_64_bits_come_back(labels, tmp_path):
    X, y = table()
    classifier = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    classifier.fit(X, np.array(labels)[y])
    loaded = loaded_again(classifier, tmp_path)
    assert loaded.classes_.tolist() == loaded.record_.data["classes"] == labels
    classifier.record_.save(tmp_path / "record.json")
    read = skloss.TrainingRecord.load(tmp_path / "record.json")
    assert read.data["classes"] == labels


def test_what_no_record_can_hold_is_refused(tmp_path):
    X, y = table()
    classifier = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    classifier.fit(X, y).record_.data["classes"][1] = 2**64
    with pytest.raises(ModelFileError, match=r"cannot be saved: .*data\['classes'\]"):
        skloss.save(classifier, tmp_path / "model")
    assert not os.listdir(tmp_path)


def halved(epoch):
    return 0.1 / 2**epoch


def test_of_functions_the_name_is_kept_and_calling_says_so(tmp_path):
    X, y = table()
    classifier = skloss.DenseClassifier(
        width=3,
        epochs=1,
        validation_rows=TimeSeriesSplit(3),
        learning_rate_schedule=halved,
        random_state=0,
    )
    classifier.fit(X, y)
    loaded = loaded_again(classifier, tmp_path)
    assert loaded.learning_rate_schedule == NotSaved(f"{__name__}.halved")
    assert loaded.validation_rows.n_splits == 3
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    with pytest.raises(
        TypeError, match="halved was not saved, because files of skloss"
    ):
        loaded.fit(X, y)
    loaded.set_params(learning_rate_schedule="constant").fit(X, y)


def test_of_a_search_the_winner_is_saved(tmp_path):
    X, y = table()
    classifier = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    search = GridSearchCV(classifier, {"width": [3, 4]}, cv=2).fit(X, y)
    loaded = loaded_again(search, tmp_path)
    assert type(loaded) is skloss.DenseClassifier
    np.testing.assert_array_equal(loaded.predict_proba(X), search.predict_proba(X))


@pytest.mark.parametrize(
    "around",
    [
        lambda inner: CalibratedClassifierCV(inner, cv=2),
        lambda inner: TunedThresholdClassifierCV(inner, cv=2),
        skloss.OutOfBagThresholdClassifier,
        lambda inner: VotingClassifier([("one", inner)], voting="soft"),
    ],
    ids=["calibration", "threshold", "out-of-bag threshold", "voting"],
)
def test_classifiers_within_those_of_scikit_learn_are_saved(around, tmp_path):
    X, y = table()
    inner = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    outer = around(inner).fit(X, y)
    loaded = loaded_again(outer, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(X), outer.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), outer.predict(X))


@pytest.mark.parametrize("true", [True, np.True_])
def test_weights_of_boolean_labels_are_kept_within_steps_of_skops(true, tmp_path):
    X, y = table()
    weights = {true: 3, False: 1}
    inner = skloss.DenseClassifier(
        width=3, epochs=1, class_weight=weights, random_state=0
    )
    outer = FixedThresholdClassifier(inner).fit(X, y == 1)
    loaded = loaded_again(outer, tmp_path)
    assert loaded.estimator.class_weight == weights
    assert loaded.estimator_.class_weight == weights
    np.testing.assert_array_equal(
        loaded.fit(X, y == 1).predict_proba(X), outer.predict_proba(X)
    )


def test_columns_chosen_by_type_are_saved(tmp_path):
    X, y = table()
    frame = pd.DataFrame(X).add_prefix("c").assign(town=np.array(["A", "B"])[y])
    chosen = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include=np.number)),
        (OneHotEncoder(), make_column_selector(dtype_exclude=np.number)),
    )
    inner = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    pipeline = skloss.make_pipeline(chosen, inner).fit(frame, y)
    loaded = loaded_again(pipeline, tmp_path)
    expected = pipeline.predict_proba(frame)
    np.testing.assert_array_equal(loaded.predict_proba(frame), expected)
    refitted = loaded.fit(frame, y).predict_proba(frame)
    np.testing.assert_array_equal(refitted, expected)


def test_a_loaded_keras_classifier_has_a_model_with_its_probabilities(tmp_path):
    classifier, X, y = fitted("keras")
    loaded = loaded_again(classifier, tmp_path)
    assert isinstance(loaded.model, NotSaved)
    assert loaded.history_ == classifier.history_
    assert loaded.score(X, y) == classifier.score(X, y)
    found = loaded.model_.predict(X.astype(np.float32), verbose=0)
    expected = classifier.model_.predict(X.astype(np.float32), verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    with pytest.raises(TypeError, match=r"binary was not saved.*set the parameter"):
        loaded.fit(X, y)


def test_a_network_that_keras_trained_is_refused(tmp_path):
    X, y = keras_networks.binary_rows()
    classifier = skloss.KerasClassifier(
        keras_networks.branches, loss="binary_crossentropy", random_state=0
    )
    classifier.fit(X, y)
    with pytest.raises(ModelFileError, match=r"keras.Model.fit has trained .*\.save\("):
        skloss.save(classifier, tmp_path / "model")
    assert not os.listdir(tmp_path)


class OwnScaler(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.scale_ = 2.0
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize("step", [OwnScaler(), FunctionTransformer(halved)])
def test_steps_with_code_of_the_users_are_refused(step, tmp_path):
    X, y = table()
    last = skloss.DenseClassifier(width=3, epochs=1, random_state=0)
    pipeline = skloss.make_pipeline(StandardScaler(), step, last)
    step.set_params(func=None) if hasattr(step, "func") else None
    pipeline.fit(X, y)
    step.set_params(func=halved) if hasattr(step, "func") else None
    wanted = r"cannot be saved: Pipeline\.\w+ has .*: files of skloss hold no code\.$"
    with pytest.raises(ModelFileError, match=wanted):
        skloss.save(pipeline, tmp_path / "model")
    assert not os.listdir(tmp_path)


def test_what_is_not_fitted_or_no_estimator_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        skloss.save(skloss.DenseClassifier(), tmp_path / "model")
    with pytest.raises(ModelFileError, match="got a list"):
        skloss.save([1, 2], tmp_path / "model")


def test_an_older_file_stays_where_the_new_one_cannot_be_written(tmp_path):
    classifier, _, _ = fitted("dense")
    path = tmp_path / "model"
    skloss.save(classifier, path)
    before = path.read_bytes()
    with pytest.raises(ModelFileError):
        skloss.save(skloss.make_pipeline(OwnScaler(), classifier), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


def test_any_reader_of_safetensors_reads_the_weights(tmp_path):
    classifier, _, _ = fitted("dense")
    path = tmp_path / "model.safetensors"
    skloss.save(classifier, path)
    with safetensors.safe_open(path, framework="numpy") as file:
        found = file.get_tensor("DenseClassifier._fitted.result.weights.0")
        assert file.metadata()["format"] == "skloss"
    np.testing.assert_array_equal(found, classifier.weights_[0])


# ------------------------------------------------------------------- what skops reads


@pytest.mark.parametrize("case", [case for case in CASES if case != "keras"])
def test_skops_reads_with_the_types_that_are_declared(case):
    estimator, X, _ = fitted(case)
    loaded = skops_io.loads(skops_io.dumps(estimator), trusted=TRUSTED_TYPES)
    np.testing.assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))


# ------------------------------------------------------------------ without TensorFlow

BLOCK = """\
import sys, tracemalloc

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "scikeras"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
import numpy as np
import skloss
folder = sys.argv[1]
"""


def run_without_tensorflow(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + code, str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_loaded_classifiers_predict_without_tensorflow(tmp_path):
    cases = ["dense", "cnn1d", "rocket", "pipeline"]
    for case in cases:
        estimator, X, _ = fitted(case)
        skloss.save(estimator, tmp_path / f"{case}.safetensors")
        np.savez(tmp_path / f"{case}.npz", X=X, expected=estimator.predict_proba(X))
    code = f"""
for case in {cases!r}:
    kept = np.load(f"{{folder}}/{{case}}.npz")
    loaded = skloss.load(f"{{folder}}/{{case}}.safetensors")
    found = loaded.predict_proba(kept["X"])
    np.testing.assert_allclose(found, kept["expected"], atol=1e-12)
"""
    run_without_tensorflow(code, tmp_path)


@pytest.mark.parametrize("case", ["cnn1d of one channel", "rocket of two classes"])
def test_ten_thousand_series_take_no_more_memory_than_a_thousand(case, tmp_path):
    estimator, X, _ = fitted(case)
    skloss.save(estimator, tmp_path / "model")
    code = f"""
model = skloss.load(f"{{folder}}/model")
series = np.random.default_rng(0).normal(size=(10_000, *{X.shape[1:]}))
model.predict_proba(series[:40])
tracemalloc.start()
model.predict_proba(series)
print(tracemalloc.get_traced_memory()[1] / series.nbytes)
"""
    # Rows in single precision and in double, features of one block of rows.
    assert float(run_without_tensorflow(code, tmp_path)) < 6
