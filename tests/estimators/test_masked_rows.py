"""Masked arrays of NumPy: what is masked is a gap, in rows and in labels."""

import numpy as np
import pytest

from skloss import (
    CNN1DClassifier,
    DenseClassifier,
    RecurrentClassifier,
    RocketClassifier,
    SeriesScaler,
    streams,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 12)).astype(np.float32)
Y = np.arange(60) % 2
MASK = RNG.random(X.shape) < 0.1
GAPS = np.where(MASK, np.float32(np.nan), X)
MASKED = np.ma.masked_array(X, MASK)


def as_source(rows):
    return streams.array_rows(rows, Y)


def as_blocks(rows):
    return streams.block_rows(lambda: iter([(rows[:25], Y[:25]), (rows[25:], Y[25:])]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: DenseClassifier(4, epochs=1, missing="indicator", random_state=0),
        lambda: CNN1DClassifier(2, epochs=1, head=3, missing="mask", random_state=0),
        lambda: RecurrentClassifier(3, epochs=1, missing="mask", random_state=0),
    ],
    ids=["dense", "cnn", "recurrent"],
)
def test_masked_values_are_those_of_nan(make):
    by_nan, by_mask = make().fit(GAPS, Y), make().fit(MASKED, Y)
    wanted = by_nan.predict_proba(GAPS)
    np.testing.assert_array_equal(by_mask.predict_proba(GAPS), wanted)
    np.testing.assert_array_equal(by_nan.predict_proba(MASKED), wanted)


@pytest.mark.parametrize("source", [as_source, as_blocks])
def test_masked_values_of_a_source_are_those_of_nan(source):
    dense = DenseClassifier(4, epochs=1, missing="indicator", random_state=0)
    wanted = dense.fit(source(GAPS)).predict_proba(GAPS)
    found = dense.fit(source(MASKED)).predict_proba(source(MASKED))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, object])
def test_a_classifier_that_takes_no_gaps_refuses_them(dtype):
    rows = np.ma.masked_array(X.astype(dtype), MASK)
    for classifier in (DenseClassifier(), RocketClassifier()):
        with pytest.raises(ValueError, match="X contains NaN"):
            classifier.fit(rows, Y)


def test_masked_labels_are_missing():
    labels = np.ma.masked_array(Y, np.arange(60) == 7)
    match = r"y is missing in 1 of 60 rows, first in row 7"
    with pytest.raises(ValueError, match=match):
        DenseClassifier().fit(X, labels)
    with pytest.raises(ValueError, match=match):
        DenseClassifier().fit(streams.block_rows(lambda: iter([(X, labels)])))


def test_a_mask_without_anything_masked_changes_nothing():
    plain = DenseClassifier(4, epochs=1, random_state=0).fit(X, Y)
    masked = DenseClassifier(4, epochs=1, random_state=0)
    masked.fit(np.ma.masked_array(X), np.ma.masked_array(Y))
    wanted = plain.predict_proba(X)
    np.testing.assert_array_equal(masked.predict_proba(np.ma.masked_array(X)), wanted)


def test_series_are_scaled_by_what_is_not_masked():
    found = SeriesScaler().fit_transform(MASKED)
    np.testing.assert_array_equal(found, SeriesScaler().fit_transform(GAPS))
