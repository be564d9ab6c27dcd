"""``skloss.Pipeline`` holds rows out before any step, and is otherwise a Pipeline."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import (
    ADASYN,
    SMOTE,
    SVMSMOTE,
    BorderlineSMOTE,
    RandomOverSampler,
)
from imblearn.pipeline import Pipeline as PlainPipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, Pipeline, make_pipeline
from skloss.estimators import HoldOut
from skloss.exceptions import ResampledValidationWarning

SAMPLERS = {
    "SMOTE": SMOTE(random_state=0),
    "BorderlineSMOTE": BorderlineSMOTE(random_state=0),
    "ADASYN": ADASYN(random_state=0),
    "SVMSMOTE": SVMSMOTE(random_state=0),
    "RandomOverSampler": RandomOverSampler(random_state=0),
    "RandomUnderSampler": RandomUnderSampler(random_state=0),
    "SMOTEENN": SMOTEENN(random_state=0),
}
ALL_SAMPLERS = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)


def make_rows(n_rows=200, n_columns=6):
    """Overlapping classes, one row in five of the rarer one, in random order."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(n_rows) % 5 == 0).astype(int)
    X = rng.normal(size=(n_rows, n_columns)) * np.arange(1, n_columns + 1)
    X[:, 0] += 1.5 * y
    return X, y


def network(**options):
    defaults = {"width": 4, "epochs": 2, "validation_fraction": 0.2, "random_state": 0}
    return DenseClassifier(**defaults | options)


def steps(sampler=None, **options):
    sampler = SMOTE(random_state=0) if sampler is None else sampler
    return [
        ("scaler", StandardScaler()),
        ("smote", sampler),
        ("dense", network(**options)),
    ]


def bytes_of(X):
    return {row.tobytes() for row in np.asarray(X, dtype=np.float32)}


@pytest.fixture
def seen(monkeypatch):
    """Return what the networks were given to train on and to measure on, per fit."""
    calls = []
    original = DenseClassifier.fit_held_out

    def spy(self, X, y, holdout, **params):
        calls.append((np.array(X), np.array(y), holdout))
        return original(self, X, y, holdout, **params)

    monkeypatch.setattr(DenseClassifier, "fit_held_out", spy)
    return calls


# ----------------------------------------------------------------------------- hold-out


@ALL_SAMPLERS
@pytest.mark.parametrize("scaled", [False, True], ids=["raw", "scaled"])
def test_no_validation_row_is_trained_on(seen, sampler, scaled):
    X, y = make_rows()
    before = [StandardScaler()] if scaled else []
    pipeline = make_pipeline(*before, clone(sampler), network()).fit(X, y)
    [(trained, _, holdout)] = seen
    _, held = pipeline[-1].split_validation(X, y)
    expected = before[0].transform(X[held]) if scaled else X[held]
    assert bytes_of(holdout.X_val) == bytes_of(expected)
    assert len(bytes_of(holdout.X_val)) == len(held)
    assert not bytes_of(holdout.X_val) & bytes_of(trained)


@ALL_SAMPLERS
def test_the_hold_out_has_the_original_prior_within_one_row_per_class(seen, sampler):
    X, y = make_rows()
    make_pipeline(clone(sampler), network()).fit(X, y)
    [(_, y_trained, holdout)] = seen
    held = np.bincount(holdout.y_val)
    assert (np.abs(held - 0.2 * np.bincount(y)) <= 1).all()
    original = np.bincount(holdout.y_original)
    np.testing.assert_array_equal(original + held, np.bincount(y))
    assert not np.array_equal(np.bincount(y_trained), original)


@ALL_SAMPLERS
def test_the_original_rows_are_those_kept_before_the_sampler(seen, sampler):
    X, y = make_rows()
    pipeline = make_pipeline(clone(sampler), network()).fit(X, y)
    kept, _ = pipeline[-1].split_validation(X, y)
    [(_, _, holdout)] = seen
    np.testing.assert_array_equal(holdout.X_original, X[kept])


def test_the_scaler_is_fitted_without_the_validation_rows():
    X, y = make_rows()
    pipeline = Pipeline(steps()).fit(X, y)
    kept, _ = pipeline[-1].split_validation(X, y)
    np.testing.assert_array_equal(pipeline["scaler"].mean_, X[kept].mean(axis=0))
    assert not np.allclose(pipeline["scaler"].mean_, X.mean(axis=0))


@ALL_SAMPLERS
def test_the_whole_equals_doing_it_by_hand(sampler):
    X, y = make_rows()
    pipeline = Pipeline(steps(clone(sampler))).fit(X, y)

    classifier = network()
    kept, held = classifier.split_validation(X, y)
    scaler = StandardScaler().fit(X[kept])
    original, held_out = scaler.transform(X[kept]), scaler.transform(X[held])
    resampled = clone(sampler).fit_resample(original, y[kept])
    holdout = HoldOut(held_out, y[held], original, y[kept], "pipeline")
    classifier.fit_held_out(*resampled, holdout)

    for found, expected in zip(pipeline[-1].weights_, classifier.weights_, strict=True):
        np.testing.assert_array_equal(found, expected)
    expected = classifier.history_ | {"seconds": pipeline[-1].history_["seconds"]}
    assert pipeline[-1].history_ == expected


def test_without_a_sampler_it_equals_the_plain_pipeline():
    X, y = make_rows()
    ours = make_pipeline(network()).fit(X, y)
    plain = PlainPipeline([("dense", network())]).fit(X, y)
    np.testing.assert_array_equal(ours.predict_proba(X), plain.predict_proba(X))


def test_groups_stay_together_in_the_hold_out(seen):
    X, y = make_rows()
    patients = np.arange(len(X)) // 8
    Pipeline(steps()).fit(X, y, dense__groups=patients)
    held = bytes_of(seen[0][2].X_val)
    kept, expected = network().split_validation(X, y, patients)
    assert not set(patients[kept]) & set(patients[expected])
    scaled = StandardScaler().fit(X[kept]).transform(X[expected])
    assert held == bytes_of(scaled)


def test_no_hold_out_is_made_where_none_is_asked_for():
    X, y = make_rows()
    pipeline = Pipeline(steps(validation_fraction=None)).fit(X, y)
    assert pipeline[-1].record_.data["holdout"] == "none"
    np.testing.assert_allclose(pipeline["scaler"].mean_, X.mean(axis=0))


def test_rows_given_as_X_val_are_the_hold_out():
    X, y = make_rows()
    X_val, y_val = make_rows(50)
    pipeline = make_pipeline(SMOTE(random_state=0), network())
    pipeline.fit(X, y, denseclassifier__X_val=X_val, denseclassifier__y_val=y_val)
    data = pipeline[-1].record_.data
    assert data["holdout"] == "given"
    assert data["class_counts"]["validation"] == np.bincount(y_val).tolist()
    assert data["class_counts"]["trained"] == [160, 160]


def test_series_go_through_it_folded():
    X, y = make_rows(n_columns=12)
    cnn = CNN1DClassifier(
        width=3, depth=1, kernel_size=3, n_channels=2, epochs=1, random_state=0
    )
    pipeline = make_pipeline(StandardScaler(), SMOTE(random_state=0), cnn).fit(X, y)
    assert pipeline[-1].network_.input_shape == (6, 2)


def test_a_frame_keeps_its_columns_and_gives_the_same_network():
    X, y = make_rows()
    frame = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(len(X)) + 500)
    labels = pd.Series(y, index=frame.index)
    pipeline = Pipeline(steps()).fit(frame, labels)
    assert pipeline.feature_names_in_.tolist() == list("abcdef")
    expected = Pipeline(steps()).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(pipeline.predict_proba(frame), expected)


def test_a_frame_reaches_the_network_as_a_frame():
    X, y = make_rows()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    pipeline = Pipeline(steps()).set_output(transform="pandas").fit(frame, y)
    assert pipeline[-1].feature_names_in_.tolist() == list("abcdef")


def test_a_step_may_be_passed_through():
    X, y = make_rows()
    pipeline = Pipeline(steps()).set_params(scaler="passthrough").fit(X, y)
    expected = make_pipeline(SMOTE(random_state=0), network()).fit(X, y)
    np.testing.assert_array_equal(pipeline.predict(X), expected.predict(X))


# ------------------------------------------------------------------- scikit-learn's own

RESAMPLED: list[tuple[int, int]] = []


class CountedSMOTE(SMOTE):
    """Writes down every run: its neighbors, and the rows that it was given."""

    def _fit_resample(self, X, y):
        RESAMPLED.append((self.k_neighbors, hash(np.asarray(X).tobytes())))
        return super()._fit_resample(X, y)


def test_a_grid_with_memory_runs_SMOTE_once_per_fold_and_setting(tmp_path):
    X, y = make_rows()
    pipeline = Pipeline(
        [("smote", CountedSMOTE(random_state=0)), ("cnn", network(epochs=1))],
        memory=str(tmp_path),
    )
    grid = {"smote__k_neighbors": [2, 3], "cnn__dropout": [0.0, 0.2, 0.4]}
    RESAMPLED.clear()
    search = GridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    assert len(RESAMPLED) == len(set(RESAMPLED)) == 2 * 2


def test_memory_changes_no_prediction(tmp_path):
    X, y = make_rows()
    cached = [
        Pipeline(steps(), memory=str(tmp_path)).fit(X, y).predict_proba(X)
        for _ in range(2)
    ]
    expected = Pipeline(steps()).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(cached[0], expected)
    np.testing.assert_array_equal(cached[1], expected)


def test_a_clone_has_the_same_parameters_and_predictions():
    X, y = make_rows()
    pipeline = Pipeline(steps(), verbose=False).fit(X, y)
    copy = clone(pipeline)
    assert repr(copy.get_params()) == repr(pipeline.get_params())
    expected = pipeline.predict_proba(X)
    np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), expected)


def test_parameters_of_steps_can_be_set():
    pipeline = Pipeline(steps()).set_params(smote__k_neighbors=3, dense__dropout=0.3)
    assert pipeline["smote"].k_neighbors == 3
    assert pipeline["dense"].dropout == 0.3


@pytest.mark.parametrize("fitted", [False, True])
def test_a_pickled_pipeline_predicts_the_same(fitted):
    X, y = make_rows()
    pipeline = Pipeline(steps())
    if fitted:
        pipeline.fit(X, y)
        loaded = pickle.loads(pickle.dumps(pipeline))
    else:
        loaded = pickle.loads(pickle.dumps(pipeline)).fit(X, y)
        pipeline.fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))


def test_a_slice_is_a_fitted_pipeline_of_its_steps():
    X, y = make_rows()
    pipeline = Pipeline(steps()).fit(X, y)
    assert isinstance(pipeline[:1], Pipeline)
    scaled = pipeline[:1].transform(X)
    np.testing.assert_array_equal(pipeline[-1].predict(scaled), pipeline.predict(X))


def test_fit_returns_the_pipeline_with_its_own_last_step():
    X, y = make_rows()
    pipeline = Pipeline(steps())
    last = pipeline[-1]
    assert pipeline.fit(X, y) is pipeline
    assert pipeline[-1] is last
    assert [name for name, _ in pipeline.steps] == ["scaler", "smote", "dense"]


def test_a_failed_fit_leaves_the_pipeline_as_it_was():
    X, y = make_rows()
    pipeline = Pipeline(steps(SMOTE(k_neighbors=500)))
    with pytest.raises(ValueError, match="too few rows"):
        pipeline.fit(X, y)
    pipeline.set_params(smote__k_neighbors=3).fit(X, y)
    assert isinstance(pipeline[-1], DenseClassifier)


@pytest.mark.parametrize(
    "nest",
    [
        lambda p: TunedThresholdClassifierCV(p, cv=2, scoring="f1"),
        lambda p: CalibratedClassifierCV(p, cv=2, ensemble=False),
        lambda p: SklearnPipeline([("range", MinMaxScaler()), ("inner", p)]),
    ],
    ids=["TunedThreshold", "Calibrated", "scikit-learn's Pipeline"],
)
def test_it_holds_out_inside_another_estimator(seen, nest):
    X, y = make_rows()
    outer = nest(Pipeline(steps())).fit(X, y)
    assert outer.predict_proba(X).shape == (len(X), 2)
    assert seen
    for trained, _, holdout in seen:
        assert len(holdout.X_val)
        assert not bytes_of(holdout.X_val) & bytes_of(trained)


# ----------------------------------------------------------------------------- metadata


def test_sample_weight_is_split_as_the_rows_are():
    X, y = make_rows()
    weight = np.random.default_rng(1).uniform(0.1, 3, len(X))
    pipeline = make_pipeline(network())
    pipeline.fit(X, y, denseclassifier__sample_weight=weight)
    expected = network().fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(pipeline.predict_proba(X), expected.predict_proba(X))
    for curve in ("loss", "val_loss", "val_mcc"):
        assert pipeline[-1].history_[curve] == expected.history_[curve]


def test_sample_weight_is_routed_where_it_is_requested():
    X, y = make_rows()
    weight = np.random.default_rng(1).uniform(0.1, 3, len(X))
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        classifier = network().set_fit_request(sample_weight=True)
        routed = make_pipeline(scaler, classifier).fit(X, y, sample_weight=weight)
    by_name = make_pipeline(StandardScaler(), network())
    by_name.fit(X, y, denseclassifier__sample_weight=weight)
    np.testing.assert_array_equal(routed.predict_proba(X), by_name.predict_proba(X))
    assert routed[-1].history_["val_loss"] == by_name[-1].history_["val_loss"]


def test_sample_weight_under_another_name_reaches_both_sides_of_the_hold_out():
    X, y = make_rows()
    weight = np.random.default_rng(1).uniform(0.1, 3, len(X))
    with config_context(enable_metadata_routing=True):
        classifier = network().set_fit_request(sample_weight="trust")
        routed = make_pipeline(classifier).fit(X, y, trust=weight)
    expected = network().fit(X, y, sample_weight=weight)
    assert routed[-1].history_["val_loss"] == expected.history_["val_loss"]


def test_groups_are_routed_through_cross_validation_into_the_hold_out(seen):
    X, y = make_rows()
    patients = np.arange(len(X)) // 8
    with config_context(enable_metadata_routing=True):
        pipeline = Pipeline(steps())
        pipeline[-1].set_fit_request(groups=True)
        cross_validate(pipeline, X, y, cv=GroupKFold(2), params={"groups": patients})
    assert len(seen) == 2
    for (train, _), (_, _, holdout) in zip(
        GroupKFold(2).split(X, y, patients), seen, strict=True
    ):
        kept, held = network().split_validation(X[train], y[train], patients[train])
        assert not set(patients[train][kept]) & set(patients[train][held])
        scaler = StandardScaler().fit(X[train][kept])
        assert bytes_of(holdout.X_val) == bytes_of(scaler.transform(X[train][held]))


# -------------------------------------------------- the plain Pipeline, and its warning


@pytest.mark.parametrize(
    "name", ["SMOTE", "BorderlineSMOTE", "ADASYN", "RandomOverSampler"]
)
def test_the_plain_pipeline_works_and_warns(name):
    X, y = make_rows()
    pipeline = PlainPipeline(steps(clone(SAMPLERS[name])))
    with pytest.warns(ResampledValidationWarning, match="Use skloss.Pipeline"):
        pipeline.fit(X, y)
    assert pipeline.predict(X).shape == (len(X),)


@pytest.mark.parametrize("name", SAMPLERS)
def test_our_pipeline_never_warns(name):
    X, y = make_rows()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResampledValidationWarning)
        Pipeline(steps(clone(SAMPLERS[name]))).fit(X, y)


def rows_sorted_by_class():
    X, y = make_rows()
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


def rows_full_of_duplicates():
    X, y = make_rows()
    copies = np.random.default_rng(0).integers(0, 60, len(X))
    return X[copies], y[copies]


@pytest.mark.parametrize(
    "make", [make_rows, rows_sorted_by_class, rows_full_of_duplicates]
)
def test_no_warning_on_rows_that_no_sampler_made(make):
    X, y = make()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResampledValidationWarning)
        network(epochs=1).fit(X, y)


def test_no_warning_where_nothing_is_held_out_of_the_resampled_rows():
    X, y = SMOTE(random_state=0).fit_resample(*make_rows())
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResampledValidationWarning)
        network(epochs=1, validation_fraction=None).fit(X, y)


@pytest.mark.parametrize(
    "sampler", [None, SMOTE(random_state=0)], ids=["none", "smote"]
)
@pytest.mark.parametrize("as_given", [pd.DataFrame, lambda y: y[:, None]])
def test_labels_in_one_column_are_raveled_with_the_warning_of_scikit_learn(
    sampler, as_given
):
    X, y = make_rows()
    steps = [("scale", StandardScaler()), ("sampler", sampler), ("dense", network())]
    steps = [(name, step) for name, step in steps if step is not None]
    flat = Pipeline(steps).fit(X, y)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        column = Pipeline(clone(Pipeline(steps)).steps).fit(X, as_given(y))
    np.testing.assert_array_equal(column.predict_proba(X), flat.predict_proba(X))
