"""Labels, groups and rows that cannot be used get one clear sentence of ours."""

import random
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.preprocessing import StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, KerasClassifier, Pipeline
from skloss.datasets import make_rare_events
from skloss.exceptions import AlikeNamesWarning
from skloss.record import TrainingRecord

X, CODES = make_rare_events(300, prevalence=0.2, random_state=0)
TEXTS = np.where(CODES == 1, "fraud", "ok").astype(object)


def dense():
    return DenseClassifier(epochs=1, random_state=0)


def behind_smote():
    steps = [("scale", StandardScaler()), ("smote", SMOTE()), ("dense", dense())]
    return Pipeline(steps)


BOTH = pytest.mark.parametrize("make", [dense, behind_smote])


def with_value(labels, value):
    changed = labels.copy()
    changed[3] = value
    return changed


@BOTH
@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (with_value(CODES.astype(float), np.nan), "nan"),
        (with_value(TEXTS, None), "None"),
        (with_value(TEXTS, np.nan), "nan"),
        (pd.Series(with_value(TEXTS, pd.NA)), "(nan|<NA>)"),
    ],
    ids=["nan", "None", "nan among texts", "NA"],
)
def test_a_missing_label_is_named_with_its_row(make, labels, shown):
    wanted = rf"y is missing in 1 of 300 rows, first in row 3 \({shown}\)"
    with pytest.raises(ValueError, match=wanted):
        make().fit(X, labels)


@BOTH
def test_texts_among_numbers_are_named_by_their_types(make):
    with pytest.raises(ValueError, match="y mixes values of the types int, str"):
        make().fit(X, with_value(TEXTS, 5))


@BOTH
def test_rows_of_labels_get_the_two_ways_out(make):
    with pytest.raises(ValueError, match=r"argmax.*MultiOutputClassifier"):
        make().fit(X, np.eye(2)[CODES])


@BOTH
def test_labels_of_bytes_get_the_sentence_of_scikit_learn(make):
    with pytest.raises(TypeError, match="labels represented as bytes"):
        make().fit(X, TEXTS.astype("S5"))


def test_a_missing_group_is_named_with_its_row():
    groups = with_value(np.arange(300).astype(object), None)
    with pytest.raises(ValueError, match="groups is missing in 1 of 300 rows"):
        dense().fit(X, TEXTS, groups=groups)


def test_a_column_of_texts_is_named():
    frame = pd.DataFrame(X).rename(columns=str).assign(city="Rome")
    with pytest.raises(ValueError, match=r"Column 'city' of X .*'Rome'"):
        dense().set_params(categorical_features=None).fit(frame, TEXTS)


def test_one_row_is_told_apart_from_series_of_different_lengths():
    rows = np.column_stack([X.astype(object), ["Rome", "Oslo"] * 150])
    fitted = dense().set_params(categorical_features=[-1]).fit(rows, TEXTS)
    with pytest.raises(ValueError, match="X does not contain any features"):
        fitted.predict(rows[0])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        dense().fit(X, TEXTS).predict(X[0].astype(object))


def test_series_of_different_lengths_are_told_with_these():
    series = [np.ones(5), np.ones(7)] * 30
    with pytest.raises(ValueError, match=r"differ in length .from 5 to 7."):
        CNN1DClassifier(epochs=1).fit(series, [0, 1] * 30)


def test_a_keras_model_is_made_without_a_draw_from_python():
    classifier = dense().fit(X, TEXTS)
    before = random.getstate()
    first = classifier.model_
    assert random.getstate() == before
    np.testing.assert_array_equal(first.get_weights()[0], classifier.weights_[0])


# ------------------------------------------------------- types and forms of the labels

DAYS = np.array(["2026-01-01", "2026-01-02"], "datetime64[D]")


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (DAYS, "datetime64"),
        (DAYS - DAYS[0], "timedelta64"),
        (DAYS.astype(object), "date"),
        (np.array([Decimal(1), Decimal(2)]), "Decimal"),
        (np.array([1, 2], np.longdouble), "float"),
        (np.array([1, 2**63], np.uint64), "uint64"),
        (np.array([1, 2], object), "objects of type int"),
    ],
    ids=str,
)
def test_labels_that_no_record_keeps_are_refused_before_training(pair, told):
    with pytest.raises(ValueError, match=told):
        dense().fit(X, pair[np.arange(len(X)) % 2])


@pytest.mark.parametrize(
    ("pair", "kind"),
    [
        ([False, True], bool),
        ([1, 2], np.uint64),
        ([1.0, 2.0], np.float16),
        (["a", "b"], str),
        ([np.str_("a"), np.str_("b")], object),
    ],
    ids=["bool", "uint64", "float16", "str", "np.str_"],
)
def test_labels_that_train_can_be_written_and_read(pair, kind, tmp_path):
    labels = np.array(pair, kind)
    record = dense().fit(X, labels[np.arange(len(X)) % 2]).record_
    record.save(tmp_path / "record.json")
    assert TrainingRecord.load(tmp_path / "record.json").data["classes"] == pair


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (["yes", "yes "], "'yes', 'yes '"),
        (["Yes", "yes"], "'Yes', 'yes'"),
        (["caf\u00e9", "cafe\u0301"], r"'cafe\\u0301', 'caf\\xe9'"),
    ],
    ids=["blank", "case", "form"],
)
def test_labels_that_look_the_same_are_named_in_a_warning(pair, told):
    labels = np.array(pair)[np.arange(len(X)) % 2]
    with pytest.warns(AlikeNamesWarning, match=rf"labels .*{told}") as caught:
        dense().fit(X, labels)
    assert caught[0].filename == __file__


def test_columns_that_look_the_same_are_named_in_a_warning():
    names = ["age", "Age", *map(str, range(2, X.shape[1]))]
    with pytest.warns(AlikeNamesWarning, match="columns 'age', 'Age'") as caught:
        dense().fit(pd.DataFrame(X, columns=names), TEXTS)
    assert caught[0].filename == __file__


def test_a_misspelt_model_function_is_told():
    with pytest.raises(ValueError, match=r"'buind_fn'\. Did you mean 'build_fn'"):
        KerasClassifier(buind_fn=lambda meta: None).fit(X, TEXTS)
