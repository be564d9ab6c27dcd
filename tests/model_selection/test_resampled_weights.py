"""Sample weights follow the rows through samplers."""

import numpy as np
import pandas as pd
import pytest
from imblearn.combine import SMOTEENN, SMOTETomek
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline as PlainPipeline
from imblearn.under_sampling import ClusterCentroids, RandomUnderSampler, TomekLinks
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from skloss import DenseClassifier, Pipeline
from skloss.holdout.resampled_weights import origins

SAMPLERS = {
    "SMOTE": SMOTE(random_state=0),
    "BorderlineSMOTE": BorderlineSMOTE(random_state=0),
    "ADASYN": ADASYN(random_state=0),
    "RandomOverSampler": RandomOverSampler(random_state=0),
    "RandomUnderSampler": RandomUnderSampler(random_state=0),
    "TomekLinks": TomekLinks(),
    "SMOTEENN": SMOTEENN(random_state=0),
    "SMOTETomek": SMOTETomek(random_state=0),
    "ClusterCentroids": ClusterCentroids(random_state=0),
}
rng = np.random.default_rng(0)
y = rng.permutation(np.arange(150) % 5 == 0).astype(int)
X = rng.normal(size=(150, 4)) + y[:, None]
WEIGHT = rng.uniform(0.1, 3, len(y))
MEANS = np.array([WEIGHT[y == label].mean() for label in (0, 1)])


class Noting(ClassifierMixin, BaseEstimator):
    """A last step that keeps what it is given."""

    def fit(self, X, y, sample_weight=None):
        self.classes_, self.given_ = np.unique(y), (X, np.asarray(y), sample_weight)
        return self


def expected_weights(rows, labels, tolerance=0.0):
    """The weight of the equal row, or else the mean weight of the class."""
    rows = np.asarray(rows.todense() if sparse.issparse(rows) else rows)
    found = []
    for row, label in zip(rows, labels, strict=True):
        equal = np.flatnonzero(np.isclose(X, row, 0, tolerance).all(axis=1))
        found.append(WEIGHT[equal[0]] if len(equal) else MEANS[label])
    return found


@pytest.mark.parametrize("kind", ["array", "frame", "sparse"])
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_original_rows_keep_their_weight_and_synthetic_ones_have_the_mean(
    sampler, kind
):
    convert = {
        "array": np.asarray,
        "frame": lambda rows: pd.DataFrame(rows, columns=list("abcd")),
        "sparse": sparse.csr_matrix,
    }[kind]
    pipeline = Pipeline([("sampler", sampler), ("net", Noting())])
    pipeline.fit(convert(X), y, net__sample_weight=WEIGHT)
    rows, labels, weight = pipeline[-1].given_
    np.testing.assert_allclose(weight, expected_weights(rows, labels))


@pytest.mark.parametrize("cached", [False, True])
def test_weights_follow_through_several_steps(cached, tmp_path):
    steps = [
        ("scale", StandardScaler()),
        ("smote", SMOTE(random_state=0)),
        ("again", StandardScaler()),
        ("under", RandomUnderSampler(sampling_strategy={0: 60, 1: 50}, random_state=0)),
        ("net", Noting()),
    ]
    pipeline = Pipeline(steps, memory=str(tmp_path) if cached else None)
    for _ in range(2):
        pipeline.fit(X, y, net__sample_weight=WEIGHT)
        rows, labels, weight = pipeline[-1].given_
        for name in ("again", "scale"):
            rows = pipeline[name].inverse_transform(rows)
        np.testing.assert_allclose(weight, expected_weights(rows, labels, 1e-12))


def test_equal_rows_of_unequal_weight_keep_their_own():
    rows, labels = np.repeat([[1.0], [2.0], [3.0]], 4, axis=0), np.repeat([0, 0, 1], 4)
    sampler = SMOTE(k_neighbors=2, random_state=0)
    found = origins(rows, labels, *sampler.fit_resample(rows, labels), sampler)
    np.testing.assert_array_equal(found[:12], np.arange(12))


def test_equal_weights_change_nothing_behind_a_sampler():
    steps = [("smote", SMOTE(random_state=0))]
    nets = [DenseClassifier(width=4, epochs=2, random_state=0) for _ in range(2)]
    plain = Pipeline([*steps, ("net", nets[0])]).fit(X, y)
    weighted = Pipeline([*steps, ("net", nets[1])])
    weighted.fit(X, y, net__sample_weight=np.ones(len(y)))
    np.testing.assert_allclose(
        weighted.predict_proba(X), plain.predict_proba(X), rtol=1e-5
    )


def test_routed_weights_of_another_name_follow_the_kept_rows():
    net = DenseClassifier(width=4, epochs=2, random_state=0)
    with config_context(enable_metadata_routing=True):
        net.set_fit_request(sample_weight="trust")
        steps = [("under", RandomUnderSampler(random_state=0)), ("net", net)]
        Pipeline(steps).fit(X, y, trust=WEIGHT)
    kept, held = net.split_validation(X, y)
    sampler = RandomUnderSampler(random_state=0)
    rows, labels = sampler.fit_resample(X[kept], y[kept])
    by_hand = DenseClassifier(width=4, epochs=2, random_state=0).fit(
        rows,
        labels,
        WEIGHT[kept][sampler.sample_indices_],
        X_val=X[held],
        y_val=y[held],
        sample_weight_val=WEIGHT[held],
    )
    assert net.history_["val_loss"] == by_hand.history_["val_loss"]
    np.testing.assert_array_equal(net.predict_proba(X), by_hand.predict_proba(X))


def test_weights_follow_in_a_pipeline_inside_another():
    inner = Pipeline([("under", RandomUnderSampler(random_state=0)), ("net", Noting())])
    outer = Pipeline([("smote", SMOTE(random_state=0)), ("inner", inner)])
    outer.fit(X, y, inner__net__sample_weight=WEIGHT)
    rows, labels, weight = inner[-1].given_
    np.testing.assert_allclose(weight, expected_weights(rows, labels))


def test_weights_of_the_plain_pipeline_do_not_follow():
    steps = [("scale", MaxAbsScaler()), ("s", SMOTE(random_state=0)), ("n", Noting())]
    pipeline = PlainPipeline(steps).fit(X, y, n__sample_weight=WEIGHT)
    assert len(pipeline[-1].given_[2]) < len(pipeline[-1].given_[1])
