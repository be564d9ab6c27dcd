"""Frames of polars and of pandas, and texts in them, in a Pipeline."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from numpy.testing import assert_array_equal
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier, diagnose, make_pipeline

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
y = np.repeat([0, 1], [90, 30])
FRAME = pd.DataFrame(X, columns=["age", "height", "weight"])
TEXTS = FRAME.assign(city=["Rome"] * 119 + ["Oslo"])


def dense():
    return DenseClassifier(width=3, depth=1, epochs=2, random_state=0)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@pytest.mark.parametrize("sampler", [SMOTE, RandomOverSampler])
def test_a_frame_in_front_of_a_sampler_keeps_rows_and_names(output, sampler):
    if output == "polars":
        pytest.importorskip("polars")

    def fitted(kind):
        scaler = StandardScaler().set_output(transform=kind)
        pipeline = make_pipeline(scaler, sampler(random_state=0), dense())
        return pipeline.fit(FRAME, y)

    pipeline = fitted(output)
    expected = fitted("default").predict_proba(FRAME)
    assert_array_equal(pipeline.predict_proba(FRAME), expected)
    if output != "default":
        assert_array_equal(pipeline[-1].feature_names_in_, FRAME.columns)


def test_rows_and_labels_of_polars_are_those_of_pandas():
    polars = pytest.importorskip("polars")
    rows = polars.DataFrame({name: FRAME[name].to_numpy() for name in FRAME})
    labels = polars.Series("y", np.where(y, "yes", "no"))
    pipeline = make_pipeline(SMOTE(random_state=0), dense()).fit(rows, labels)
    same = make_pipeline(SMOTE(random_state=0), dense()).fit(FRAME, labels.to_numpy())
    assert_array_equal(pipeline.predict_proba(rows), same.predict_proba(FRAME))
    assert_array_equal(pipeline[-1].feature_names_in_, FRAME.columns)
    names = [finding.name for finding in diagnose(pipeline, rows, labels).findings]
    assert names == [f.name for f in diagnose(same, FRAME, labels.to_numpy()).findings]


@pytest.mark.parametrize("steps", [[StandardScaler()], [SMOTE()], []], ids=str)
def test_a_column_of_texts_is_named_in_front_of_any_step(steps):
    numbers_only = dense().set_params(categorical_features=None)
    with pytest.raises(ValueError, match=r"Column 'city' of X .*'Rome'"):
        make_pipeline(*steps, numbers_only).fit(TEXTS, y)


def test_a_column_of_texts_given_to_a_diagnosis_is_named():
    pipeline = make_pipeline(StandardScaler(), dense()).fit(FRAME, y)
    texts = FRAME.assign(age="old")
    with pytest.raises(ValueError, match=r"Column 'age' of X .*'old'"):
        diagnose(pipeline, texts, y)
    with pytest.raises(ValueError, match=r"Column 'age' of X_val .*'old'"):
        diagnose(pipeline, FRAME, y, X_val=texts, y_val=y)


def test_a_series_in_each_cell_is_told():
    nested = pd.DataFrame({"dim_0": [pd.Series(row) for row in X]})
    with pytest.raises(ValueError, match=r"Column 'dim_0' of X holds a series"):
        make_pipeline(StandardScaler(), dense()).fit(nested, y)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("denseclasifier__sample_weight", r"no step .* Did you mean 'denseclassifier'"),
        ("denseclassifier__sample_wieght", r"no argument .* 'sample_weight'"),
        ("standardscaler__sample_wieght", r"no argument .* 'sample_weight'"),
    ],
)
def test_a_misspelt_parameter_of_a_step_is_told_with_the_nearest(name, expected):
    with pytest.raises(TypeError, match=expected):
        make_pipeline(StandardScaler(), dense()).fit(X, y, **{name: np.ones(len(y))})
