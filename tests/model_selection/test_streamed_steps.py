"""A pipeline on rows in blocks: steps see no held-out row, and are fitted in passes."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    StandardScaler,
)

from skloss import DenseClassifier, Pipeline, make_pipeline, streams
from skloss.datasets import make_rare_events
from skloss.sklearn_compat import CallbackSupportMixin

X, y = make_rare_events(3000, prevalence=0.2, random_state=0)
X = X * 10.0 ** np.arange(X.shape[1]) + 1e4
ROWS = streams.array_rows(X, y)


def dense(**options):
    return DenseClassifier(**{"epochs": 2, "random_state": 0} | options)


def in_blocks(buffer_rows=1600, **options):
    return streams.array_rows(X, y, buffer_rows=buffer_rows, **options)


def weights_of(pipeline):
    return np.concatenate([array.ravel() for array in pipeline[-1].weights_])


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler()])
def test_a_pipeline_on_a_source_is_that_in_memory(scaler):
    in_memory = make_pipeline(scaler, dense()).fit(X, y)
    streamed = make_pipeline(scaler, dense()).fit(ROWS)
    np.testing.assert_allclose(
        weights_of(streamed), weights_of(in_memory), rtol=1e-5, atol=1e-7
    )
    data = streamed[-1].record_.data
    assert data["holdout"] == "pipeline"
    assert data["held_out_rows"] == in_memory[-1].record_.data["held_out_rows"]
    np.testing.assert_allclose(
        streamed.predict_proba(streams.array_rows(X)),
        in_memory.predict_proba(X),
        rtol=1e-4,
        atol=1e-6,
    )
    np.testing.assert_array_equal(streamed.predict(ROWS), streamed.predict(X))


def test_a_scaler_is_fitted_on_the_blocks_of_the_rows_that_are_not_held_out():
    streamed = make_pipeline(StandardScaler(), dense()).fit(in_blocks())
    kept = np.delete(X, streamed[-1].record_.data["held_out_rows"], axis=0)
    scaler = streamed[0]
    assert scaler.n_samples_seen_ == len(kept) == 2700
    np.testing.assert_allclose(scaler.mean_, kept.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(scaler.var_, kept.var(axis=0), rtol=1e-6)


def test_a_second_fit_starts_anew():
    pipeline = make_pipeline(StandardScaler(), dense())
    first = weights_of(pipeline.fit(ROWS))
    np.testing.assert_array_equal(weights_of(pipeline.fit(ROWS)), first)


def test_each_step_sees_what_the_step_before_it_makes():
    streamed = make_pipeline(
        MinMaxScaler(), "passthrough", StandardScaler(), dense()
    ).fit(in_blocks())
    kept = np.delete(X, streamed[-1].record_.data["held_out_rows"], axis=0)
    scaled = (kept - kept.min(axis=0)) / np.ptp(kept, axis=0)
    np.testing.assert_allclose(streamed[2].mean_, scaled.mean(axis=0), rtol=1e-6)


def test_steps_may_change_the_number_of_columns():
    steps = StandardScaler(), IncrementalPCA(3), dense()
    streamed = make_pipeline(*steps).fit(in_blocks())
    assert streamed[-1].n_features_in_ == 3
    assert streamed.predict_proba(X).shape == (3000, 2)


def test_steps_that_learn_nothing_need_no_partial_fit():
    steps = FunctionTransformer(np.cbrt), StandardScaler(), dense()
    streamed = make_pipeline(*steps).fit(in_blocks())
    kept = np.delete(X, streamed[-1].record_.data["held_out_rows"], axis=0)
    np.testing.assert_allclose(streamed[1].mean_, np.cbrt(kept).mean(axis=0), rtol=1e-9)


def test_large_numbers_are_scaled_in_double_precision(tmp_path):
    seconds = 1.7e9 + np.arange(3000) / 8
    table = pd.DataFrame({"seconds": seconds, "value": X[:, 0], "y": y})
    table.to_parquet(tmp_path / "a.parquet", row_group_size=500)
    rows = streams.parquet_rows(tmp_path, "y")
    streamed = make_pipeline(StandardScaler(), dense()).fit(rows)
    in_memory = make_pipeline(StandardScaler(), dense()).fit(
        table[["seconds", "value"]], y
    )
    np.testing.assert_allclose(streamed[0].mean_, in_memory[0].mean_, rtol=1e-12)
    np.testing.assert_allclose(
        weights_of(streamed), weights_of(in_memory), rtol=1e-4, atol=1e-6
    )
    assert streamed[0].feature_names_in_.tolist() == ["seconds", "value"]


def test_groups_and_other_rows_are_held_out():
    groups = np.arange(3000) // 30
    streamed = make_pipeline(StandardScaler(), dense()).fit(in_blocks(groups=groups))
    held = streamed[-1].record_.data["held_out_rows"]
    assert not {*groups[held]} & {*np.delete(groups, held)}
    given = Pipeline([("scale", StandardScaler()), ("dense", dense())])
    given.fit(ROWS, dense__X_val=streams.array_rows(X[:500], y[:500]))
    assert given[-1].record_.data["class_counts"]["validation"] == [
        int((y[:500] == 0).sum()),
        int((y[:500] == 1).sum()),
    ]
    assert given[0].n_samples_seen_ == 3000


@pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "_init_callback_context"),
    reason="callbacks need scikit-learn 1.9",
)
def test_callbacks_see_the_steps_and_the_epochs():
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    classifier = dense().set_callbacks(monitor)
    make_pipeline(StandardScaler(), classifier).fit(ROWS)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    history = classifier.history_
    np.testing.assert_allclose([row["accuracy"] for row in rows], history["accuracy"])


# ---------------------------------------------------------------------------- refusals


class NoPartialFit(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


REFUSED = {
    "sampler": (
        (SMOTE(), dense()),
        {},
        "'smote', a SMOTE, needs all rows at once",
    ),
    "pca": ((PCA(2), dense()), {}, "it has no partial_fit.*IncrementalPCA"),
    "imputer": ((SimpleImputer(), dense()), {}, "step 'simpleimputer'"),
    "own step": ((NoPartialFit(), dense()), {}, "a NoPartialFit, needs all rows"),
    "last step": ((StandardScaler(), LogisticRegression()), {}, "takes no rows in bl"),
    "refit": ((StandardScaler(), dense(refit=True)), {}, "refit=True of DenseClassi"),
    "y": ((StandardScaler(), dense()), {"y": y}, "y was given beside it"),
    "weights": (
        (StandardScaler(), dense()),
        {"denseclassifier__sample_weight": y},
        "sample_weight was given beside it",
    ),
    "X_val": (
        (StandardScaler(), dense()),
        {"denseclassifier__X_val": X, "denseclassifier__y_val": y},
        "pass a source",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_fitted_in_blocks_is_refused_before_a_pass(case):
    steps, given, match = case

    def blocks():
        raise AssertionError("read")

    with pytest.raises(ValueError, match=match):
        make_pipeline(*steps).fit(streams.block_rows(blocks), **given)


def test_a_failed_fit_leaves_the_steps_before():
    pipeline = make_pipeline(StandardScaler(), dense()).fit(ROWS)
    before = pipeline.predict_proba(X)
    bad = X.copy()
    bad[77, 2] = np.nan
    with pytest.raises(ValueError, match="X contains NaN in 1 of"):
        pipeline.fit(streams.array_rows(bad, y))
    np.testing.assert_array_equal(pipeline.predict_proba(X), before)
