"""Labels, groups and rows that cannot be used get one clear sentence of ours."""

import random

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.preprocessing import StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, Pipeline
from skloss.datasets import make_rare_events

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
        dense().fit(frame, TEXTS)


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
