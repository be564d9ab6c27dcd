"""Rows that users hold out themselves go the way of the rows of ``predict``."""

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn.pipeline
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as PlainPipeline
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier, KerasClassifier, Pipeline
from skloss.datasets import make_rare_events

X, y = make_rare_events(900, random_state=0)
X = X * 1000 + 5000
X, X_VAL, y, Y_VAL = X[:600], X[600:], y[:600], y[600:]
FEW_STEPS = {"batch_size": 300, "random_state": 0}
W_VAL = np.random.default_rng(0).uniform(0.1, 3, len(Y_VAL))


def dense():
    return DenseClassifier(width=4, epochs=3, **FEW_STEPS)


def build(meta):
    layers = [keras.Input((meta["n_features_in_"],)), keras.layers.Dense(1, "sigmoid")]
    return keras.Sequential(layers)


def mlp(**options):
    return KerasClassifier(
        build, loss="binary_crossentropy", epochs=2, **FEW_STEPS, **options
    )


FRONTS = {
    "scaler": [("scale", StandardScaler())],
    "PCA": [("scale", StandardScaler()), ("pca", PCA(3))],
    "sampler": [("scale", StandardScaler()), ("smote", SMOTE(random_state=0))],
    "between": [
        ("scale", StandardScaler()),
        ("smote", SMOTE(random_state=0)),
        ("pca", PCA(3)),
    ],
    "sampler first": [("smote", SMOTE(random_state=0)), ("scale", StandardScaler())],
}
ALL_FRONTS = pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS)


def assert_measured_as_predicted(pipeline, classifier, weight=None):
    """The recorded losses are the log-losses of the whole pipeline."""
    record = classifier.record_
    kept = record.outcome["kept_epoch"]
    kept = -1 if kept is None else kept
    found = record.history["val_loss"][kept]
    chances = pipeline.predict_proba(X_VAL)
    expected = log_loss(Y_VAL, chances, sample_weight=weight)
    assert found == pytest.approx(expected, rel=1e-4)
    expected = log_loss(y, pipeline.predict_proba(X))
    assert record.history["loss"][kept] == pytest.approx(expected, rel=1e-4)
    assert record.data["holdout"] == "given"
    assert record.data["class_counts"]["validation"] == np.bincount(Y_VAL).tolist()
    assert record.data["class_counts"]["original"] == np.bincount(y).tolist()


@ALL_FRONTS
def test_X_val_goes_through_the_transformers(front):
    pipeline = Pipeline([*front, ("net", dense())])
    pipeline.fit(X, y, net__X_val=X_VAL, net__y_val=Y_VAL)
    assert_measured_as_predicted(pipeline, pipeline[-1])


@ALL_FRONTS
@pytest.mark.parametrize("by", ["argument", "constructor", "one-hot"])
def test_validation_data_of_Keras_goes_through_the_transformers(front, by):
    labels = np.eye(2)[Y_VAL] if by == "one-hot" else Y_VAL
    data = X_VAL, labels
    options = {"fit__validation_data": data} if by == "constructor" else {}
    pipeline = Pipeline([*front, ("net", mlp(**options))])
    pipeline.fit(X, y, **({} if options else {"net__validation_data": data}))
    assert_measured_as_predicted(pipeline, pipeline[-1])


@ALL_FRONTS
def test_transform_input_works_in_front_of_and_behind_samplers(front):
    with config_context(enable_metadata_routing=True):
        classifier = dense().set_fit_request(X_val=True, y_val=True)
        steps = [*front, ("net", classifier)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_VAL, y_val=Y_VAL)
        assert_measured_as_predicted(pipeline, classifier)


def test_rows_under_other_names_are_routed():
    with config_context(enable_metadata_routing=True):
        classifier = dense().set_fit_request(
            X_val="rows", y_val="labels", sample_weight_val="trust"
        )
        pipeline = Pipeline([*FRONTS["PCA"], ("net", classifier)])
        pipeline.fit(X, y, rows=X_VAL, labels=Y_VAL, trust=W_VAL)
        assert_measured_as_predicted(pipeline, classifier, W_VAL)


@pytest.mark.parametrize("way", ["X_val", "validation_data"])
def test_weights_of_the_held_out_rows_come_with_them(way):
    pipeline = Pipeline([*FRONTS["between"], ("net", mlp())])
    if way == "X_val":
        rows = {"net__X_val": X_VAL, "net__y_val": Y_VAL}
        pipeline.fit(X, y, **rows, net__sample_weight_val=W_VAL)
    else:
        pipeline.fit(X, y, net__validation_data=(X_VAL, Y_VAL, W_VAL))
    assert_measured_as_predicted(pipeline, pipeline[-1], W_VAL)


@pytest.mark.parametrize("routed", [False, True], ids=["by name", "routed"])
@pytest.mark.parametrize("inner", [Pipeline, PlainPipeline, sklearn.pipeline.Pipeline])
def test_rows_go_through_the_steps_of_both_pipelines(inner, routed):
    classifier = dense()
    # The steps inside are those of another package: only the outer ones are known.
    front = FRONTS["PCA"][1:] if inner is Pipeline else []
    with config_context(enable_metadata_routing=routed):
        if routed:
            classifier.set_fit_request(X_val="rows", y_val=True)
        pipeline = Pipeline(
            [
                ("scale", StandardScaler()),
                ("smote", SMOTE(random_state=0)),
                ("inner", inner([*front, ("net", classifier)])),
            ]
        )
        names = (
            ("rows", "y_val") if routed else ("inner__net__X_val", "inner__net__y_val")
        )
        pipeline.fit(X, y, **dict(zip(names, (X_VAL, Y_VAL), strict=True)))
    found = classifier.history_["val_loss"][-1]
    assert found == pytest.approx(log_loss(Y_VAL, pipeline.predict_proba(X_VAL)), 1e-4)
    if inner is Pipeline:
        assert_measured_as_predicted(pipeline, classifier)
        assert classifier.record_.data["samplers"] == ["SMOTE"]


def test_a_pipeline_around_a_pipeline_holds_out_before_the_outer_sampler():
    inner = Pipeline([("scale", StandardScaler()), ("net", dense())])
    outer = Pipeline([("smote", SMOTE(random_state=0)), ("inner", inner)]).fit(X, y)
    kept, held = dense().split_validation(X, y)
    record = inner[-1].record_
    assert record.data["holdout"] == "pipeline"
    counts = record.data["class_counts"]
    assert counts["validation"] == np.bincount(y[held]).tolist()
    assert counts["original"] == np.bincount(y[kept]).tolist()
    assert counts["trained"] == [np.bincount(y[kept]).max()] * 2
    expected = log_loss(y[held], outer.predict_proba(X[held]))
    assert record.history["val_loss"][-1] == pytest.approx(expected, 1e-4)


def test_a_search_passes_the_rows_to_every_fit():
    pipeline = Pipeline([*FRONTS["sampler"], ("net", dense())])
    search = GridSearchCV(pipeline, {"net__width": [2, 4]}, cv=2, error_score="raise")
    search.fit(X, y, net__X_val=X_VAL, net__y_val=Y_VAL)
    best = search.best_estimator_
    assert_measured_as_predicted(best, best[-1])


def test_as_many_rows_as_X_has_are_not_split_with_it():
    pipeline = Pipeline([("scale", StandardScaler()), ("net", dense())])
    same = X[::-1].copy(), y[::-1].copy()
    pipeline.fit(X, y, net__X_val=same[0], net__y_val=same[1])
    assert sum(pipeline[-1].record_.data["class_counts"]["validation"]) == len(X)


def test_frames_keep_their_names():
    names = [f"c{i}" for i in range(X.shape[1])]
    pipeline = Pipeline([*FRONTS["sampler"], ("net", dense())])
    pipeline.set_output(transform="pandas")
    frames = [pd.DataFrame(rows, columns=names) for rows in (X, X_VAL)]
    pipeline.fit(frames[0], y, net__X_val=frames[1], net__y_val=Y_VAL)
    expected = log_loss(Y_VAL, pipeline.predict_proba(frames[1]))
    assert pipeline[-1].history_["val_loss"][-1] == pytest.approx(expected, 1e-4)


class Noting(ClassifierMixin, BaseEstimator):
    """A classifier of somebody else, which takes validation rows."""

    def fit(self, X, y, X_val=None, validation_data=None, eval_rows=None):
        self.classes_, self.seen_ = np.unique(y), (X_val, validation_data, eval_rows)
        return self


def test_rows_for_another_classifier_go_through_the_transformers_too():
    steps = [*FRONTS["sampler"], ("net", Noting())]
    scaled = StandardScaler().fit(X).transform(X_VAL)
    pipeline = Pipeline(steps).fit(X, y, net__X_val=X_VAL)
    np.testing.assert_array_equal(pipeline[-1].seen_[0], scaled)
    pipeline = Pipeline(steps).fit(X, y, net__validation_data=(X_VAL, Y_VAL))
    np.testing.assert_array_equal(pipeline[-1].seen_[1][0], scaled)
    np.testing.assert_array_equal(pipeline[-1].seen_[1][1], Y_VAL)
    with config_context(enable_metadata_routing=True):
        last = Noting().set_fit_request(eval_rows=True)
        pipeline = Pipeline([*steps[:-1], ("net", last)], transform_input=["eval_rows"])
        pipeline.fit(X, y, eval_rows=X_VAL)
    np.testing.assert_array_equal(last.seen_[2], scaled)


def test_a_last_step_without_any_rows_of_its_own_is_fitted_as_ever():
    steps = [*FRONTS["sampler"], ("lr", LogisticRegression())]
    found = Pipeline(steps).fit(X, y).predict_proba(X)
    expected = PlainPipeline(steps).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("make", [dense, mlp])
def test_columns_of_other_rows_are_an_error_that_names_the_pipeline(make):
    pipeline = sklearn.pipeline.Pipeline([("pca", PCA(3)), ("net", make())])
    with pytest.raises(ValueError, match=r"X_val has 12 .* X has 3.*skloss\.Pipeline"):
        pipeline.fit(X, y, net__X_val=X_VAL, net__y_val=Y_VAL)


def test_validation_data_of_another_form_are_an_error():
    pipeline = Pipeline([("scale", StandardScaler()), ("net", mlp())])
    with pytest.raises(ValueError, match=r"must be .*got a tuple of 1 parts"):
        pipeline.fit(X, y, net__validation_data=(X_VAL,))
    with pytest.raises(ValueError, match=r"must be .*got a generator"):
        mlp().fit(X, y, validation_data=(part for part in (X_VAL, Y_VAL)))


@pytest.mark.parametrize("make", [dense, mlp])
def test_weights_of_no_rows_are_an_error(make):
    pipeline = Pipeline([("scale", StandardScaler()), ("net", make())])
    with pytest.raises(ValueError, match="sample_weight_val was given without X_val"):
        pipeline.fit(X, y, net__sample_weight_val=W_VAL)
