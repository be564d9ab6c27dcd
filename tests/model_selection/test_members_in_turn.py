"""Members in a pipeline: samplers run for each, transformers once for all."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.callback import ScoringMonitor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectFromModel, SelectKBest
from sklearn.metrics import matthews_corrcoef
from sklearn.preprocessing import StandardScaler, TargetEncoder

import skloss
from skloss import DenseClassifier, make_pipeline

rng = np.random.default_rng(0)
y = rng.permutation(np.arange(240) % 6 == 0).astype(int)
X = rng.normal(size=(240, 4)) + y[:, None]


def net(**options):
    options = {"epochs": 1, "n_members": 2, "validation_fraction": 0.5} | options
    return DenseClassifier(random_state=0, **options)


class Seen(TransformerMixin, BaseEstimator):
    """Notes what it is fitted on."""

    def fit(self, X, y=None):
        self.given_ = len(X), y
        return self

    def transform(self, X):
        return X


def test_transformers_see_all_rows_once_and_samplers_those_of_a_member():
    pipeline = make_pipeline(Seen(), StandardScaler(), SMOTE(random_state=0), net())
    pipeline.fit(X, y)
    assert pipeline[0].given_ == (240, None)
    np.testing.assert_allclose(pipeline[1].mean_, X.mean(axis=0))
    assert pipeline[2].n_features_in_ == 4
    for member in pipeline[-1].members_:
        data = member.record_.data
        assert data["class_counts"]["trained"] == [100, 100]
        assert data["class_counts"]["original"] == [100, 20]
        assert data["class_counts"]["validation"] == [100, 20]
        assert data["samplers"] == ["SMOTE"]
    assert not np.isnan(pipeline[-1].oob_decision_function_).any()


def test_a_member_is_the_network_behind_a_sampler_of_its_own_rows():
    pipeline = make_pipeline(StandardScaler(), SMOTE(random_state=0), net()).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    for number, (kept, held) in enumerate(net().split_members(X, y)):
        rows = SMOTE(random_state=0).fit_resample(scaled[kept], y[kept])
        member = pipeline[-1].members_[number]
        other = net(n_members=1).set_params(random_state=member.random_state)
        other.fit(*rows, X_val=scaled[held], y_val=y[held])
        np.testing.assert_allclose(member.weights_[0], other.weights_[0], atol=1e-6)


def test_a_planted_leak_does_not_show_in_the_out_of_bag_score():
    """The row's number tells its label only to whoever has seen the row."""
    noise = np.random.default_rng(1)
    labels = noise.permutation(np.arange(240) % 4 == 0).astype(int)
    table = np.column_stack([noise.normal(size=(240, 9)), np.arange(240.0)])
    options = {"width": 64, "epochs": 60, "batch_size": 16, "learning_rate": 0.01}
    pipeline = make_pipeline(
        StandardScaler(),
        SMOTE(random_state=0),
        net(n_members=5, validation_fraction=0.2, **options),
    ).fit(table, labels)
    chances = pipeline[-1].oob_decision_function_
    seen = matthews_corrcoef(labels, pipeline.predict(table))
    unseen = matthews_corrcoef(labels, chances.argmax(axis=1))
    assert seen > 0.7
    assert abs(unseen) < 0.2  # three standard errors of a guess
    assert abs(pipeline[-1].history_["val_mcc"][-1]) < 0.2


@pytest.mark.parametrize(
    "step",
    [
        SelectKBest(k=2),
        SelectFromModel(RandomForestClassifier(5, random_state=0), max_features=2),
        ColumnTransformer([("code", TargetEncoder(), [0])]),
    ],
    ids=["score", "model", "inside"],
)
def test_with_a_step_that_needs_labels_all_members_have_one_hold_out(step):
    table = np.round(X)
    pipeline = make_pipeline(step, SMOTE(random_state=0), net()).fit(table, y)
    held = [m.record_.data["held_out_rows"] for m in pipeline[-1].members_]
    assert held[0] == held[1]
    assert len(held[0]) == 120


def test_with_a_transformer_behind_a_sampler_there_is_one_hold_out():
    pipeline = make_pipeline(SMOTE(random_state=0), StandardScaler(), net()).fit(X, y)
    held = [m.record_.data["held_out_rows"] for m in pipeline[-1].members_]
    assert held[0] == held[1]


def test_weights_follow_the_rows_of_each_member():
    weight = np.linspace(1, 2, 240)
    pipeline = make_pipeline(RandomOverSampler(random_state=0), net())
    pipeline.fit(X, y, denseclassifier__sample_weight=weight)
    kept, held = net().split_members(X, y)[0]
    sampler = RandomOverSampler(random_state=0)
    rows = sampler.fit_resample(X[kept], y[kept])
    member = pipeline[-1].members_[0]
    other = net(n_members=1).set_params(random_state=member.random_state)
    other.fit(
        *rows,
        weight[kept][sampler.sample_indices_],
        X_val=X[held],
        y_val=y[held],
        sample_weight_val=weight[held],
    )
    np.testing.assert_allclose(member.weights_[0], other.weights_[0], atol=1e-6)
    ours, theirs = member.history_["val_loss"], other.history_["val_loss"]
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_groups_of_a_pipeline_stay_together():
    groups = np.arange(240) // 4
    pipeline = make_pipeline(SMOTE(random_state=0), net())
    pipeline.fit(X, y, denseclassifier__groups=groups)
    for member in pipeline[-1].members_:
        held = member.record_.data["held_out_rows"]
        kept = np.setdiff1d(np.arange(240), held)
        assert not np.isin(groups[held], groups[kept]).any()


def test_a_cache_changes_nothing(tmp_path):
    steps = (StandardScaler(), SMOTE(random_state=0), net())
    plain = make_pipeline(*steps).fit(X, y).predict_proba(X)
    cached = make_pipeline(*steps, memory=str(tmp_path))
    for _ in range(2):
        np.testing.assert_array_equal(cached.fit(X, y).predict_proba(X), plain)


def test_callbacks_see_steps_members_and_epochs():
    pipeline = make_pipeline(StandardScaler(), SMOTE(random_state=0), net())
    pipeline[-1].set_callbacks(ScoringMonitor(scoring="accuracy"))
    assert len(pipeline.fit(X, y)[-1].members_) == 2


def test_diagnosis_knows_the_rows_of_a_pipeline_with_members():
    pipeline = make_pipeline(StandardScaler(), SMOTE(random_state=0), net()).fit(X, y)
    assert skloss.diagnose(pipeline, X, y).case.samplers == ("SMOTE",)
    with pytest.raises(ValueError, match="not the rows that fit was given"):
        skloss.diagnose(pipeline, X[::-1], y)
    gap = skloss.explain_gap(pipeline, X, y, groups=np.arange(240) // 3)
    assert gap.unit == "groups"


def test_a_member_with_too_few_rows_for_smote_is_explained():
    rare = np.r_[np.ones(6, int), np.zeros(234, int)]
    with pytest.raises(ValueError, match="were held out before it"):
        make_pipeline(SMOTE(random_state=0), net()).fit(X, rare)
