"""Balanced batches, and samplers within a classifier."""

import imblearn.pipeline
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import CNN1DClassifier, DenseClassifier, diagnose
from skloss.diagnosis import case_from_record
from skloss.diagnosis.evidence.training_loss import guess_loss
from skloss.metrics import entropy
from skloss.training import Rows
from skloss.training.balanced import BalancedOrder

rng = np.random.default_rng(0)
N = 400
y = (np.arange(N) % 10 == 0).astype(int)
X = (rng.normal(size=(N, 4)) + 1.2 * y[:, None]).astype(np.float32)
three = np.arange(N) % 10 // 8 + (np.arange(N) % 20 == 9)
SMALL_CNN = {"width": 2, "depth": 1, "kernel_size": 3, "random_state": 0}


def dense(**options):
    options = {"width": 6, "epochs": 4, "validation_fraction": 0.2} | options
    return DenseClassifier(random_state=0, **{"batch_size": 160} | options)


def drawn(codes, interpolates=False, X=None, epochs=1):
    X = np.zeros((len(codes), 1), np.float32) if X is None else X
    rows = Rows(X, np.asarray(codes, np.int32))
    order = BalancedOrder(rows, interpolates, np.random.default_rng(0))
    return rows, [order.epoch() for _ in range(epochs)]


# ------------------------------------------------------------------------- the order


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=80), st.integers(2, 9))
def test_every_batch_has_as_many_rows_of_each_class(codes, size):
    codes = np.array([0, 1, *codes])
    _, epochs = drawn(codes, epochs=2)
    for epoch in epochs:
        assert len(epoch) == len(codes)
        for part in epoch.parts(size):
            counts = np.bincount(codes[part.positions], minlength=4)[np.unique(codes)]
            assert np.ptp(counts) <= 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=4, max_size=80))
def test_rows_of_one_class_are_drawn_equally_often(codes):
    codes = np.array([0, 1, *codes])
    _, epochs = drawn(codes, epochs=5)
    times = np.bincount(np.concatenate([e.positions for e in epochs]), minlength=1)
    times = np.pad(times, (0, len(codes) - len(times)))
    for code in np.unique(codes):
        assert np.ptp(times[codes == code]) <= 1


def test_the_whole_majority_is_seen_over_the_epochs():
    _, epochs = drawn(y, epochs=2)
    majority = np.flatnonzero(y == 0)
    first, both = epochs[0].positions, np.concatenate([e.positions for e in epochs])
    assert len(np.intersect1d(first, majority)) == N // 2  # none of them twice
    assert np.isin(majority, both).all()
    assert (epochs[0].positions != epochs[1].positions).any()


def test_interpolated_rows_lie_between_neighbors_of_one_class():
    rows, (epoch,) = drawn(y, True, X)
    made = epoch.partners >= 0
    again = N // 2 - y.sum()
    assert made.sum() == again  # each row itself once, and the others between two
    np.testing.assert_array_equal(
        np.sort(epoch.positions[~made & (y[epoch.positions] == 1)]), np.flatnonzero(y)
    )
    rare = np.flatnonzero(y)
    nearest = NearestNeighbors(n_neighbors=6).fit(X[rare])
    for start, partner in zip(epoch.positions[made], epoch.partners[made], strict=True):
        found = rare[nearest.kneighbors(X[[start]], return_distance=False)[0]]
        assert partner in found
        assert partner != start
    out = np.empty((N, 4), np.float32)
    epoch.fill(rows, out)
    a, b, share = X[epoch.positions], X[epoch.partners], epoch.shares[:, None]
    expected = np.where(made[:, None], a + share * (b - a), a)
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_a_class_of_one_row_has_no_neighbor():
    codes = np.zeros(20, int)
    codes[3] = 1
    _, (epoch,) = drawn(codes, True, X[:20])
    assert (epoch.partners == -1).all()
    assert (codes[epoch.positions] == 1).sum() == 10


# -------------------------------------------------------------------- the classifiers


@pytest.mark.parametrize("how", [True, "smote"])
@pytest.mark.parametrize("labels", [y, three], ids=["binary", "multiclass"])
def test_balanced_batches_are_learned_at_equal_shares(how, labels):
    model = dense(balanced_batches=how).fit(X, labels)
    k = len(np.unique(labels))
    assert model.record_.data["priors"]["train"] == pytest.approx([1 / k] * k)
    case = case_from_record(model.record_)
    counts = np.bincount(labels) / N
    guess = -(counts * np.log(1 / k)).sum()
    assert guess_loss(case) == pytest.approx(guess, rel=1e-3)
    assert case.training.class_weight_kind == "balanced"
    assert entropy([1 / k] * k) == pytest.approx(np.log(k))
    again = dense(balanced_batches=how).fit(X, labels)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


def test_correction_undoes_balanced_batches():
    plain, fair = (
        dense(balanced_batches=True, prior_correction=asked).fit(X, y)
        for asked in (False, True)
    )
    p, q = plain.predict_proba(X), fair.predict_proba(X)
    np.testing.assert_allclose(q[:, 1] / q[:, 0], p[:, 1] / p[:, 0] / 9, rtol=1e-4)


def test_the_gap_names_balanced_batches_and_adds_up():
    model = dense(balanced_batches=True, batch_size=16).fit(X, y)
    gap = diagnose(model).gap
    assert gap.find("weights").title == "balanced batches"
    total = sum(part.nats for part in gap.parts)
    assert total == pytest.approx(gap.validation - gap.printed, abs=1e-6)
    # What is left to weights that moved is small: the level is that of the drawn rows.
    steady = dense(balanced_batches=True, learning_rate=1e-6, epochs=8).fit(X, y)
    moved = diagnose(steady).gap.find("moving_weights")
    assert moved is None or abs(moved.nats) < 0.03


def test_weights_by_the_rows_drawn_are_all_one():
    plain, weighted = (
        dense(balanced_batches=True, class_weight=how).fit(X, y)
        for how in (None, "balanced")
    )
    np.testing.assert_array_equal(plain.predict_proba(X), weighted.predict_proba(X))


@pytest.mark.parametrize("how", [True, "smote"])
def test_series_and_sparse_tables_have_balanced_batches(how):
    options = {"balanced_batches": how, "epochs": 2}
    CNN1DClassifier(**SMALL_CNN, **options).fit(X.reshape(N, 4, 1), y)
    tables = (dense(**options).fit(rows, y) for rows in (X, csr_array(X)))
    first, second = (model.predict_proba(X) for model in tables)
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_partial_fits_have_balanced_batches_of_their_rows():
    model = dense(balanced_batches="smote")
    model.partial_fit(X, y, classes=[0, 1]).partial_fit(X[y == 0], y[y == 0])
    assert model.n_epochs_ == 2


def test_partial_fits_draw_other_rows_of_a_large_class(monkeypatch):
    drawn = []
    epoch = BalancedOrder.epoch

    def noted(order):
        found = epoch(order)
        drawn.append(set(found.positions[y[found.positions] == 0].tolist()))
        return found

    monkeypatch.setattr(BalancedOrder, "epoch", noted)
    model = dense(balanced_batches=True)
    for _ in range(2):
        model.partial_fit(X, y, classes=[0, 1])
    assert drawn[0] != drawn[1]


def test_missing_steps_have_no_neighbors_to_be_moved_to():
    series = np.repeat(X[:, None], 3, axis=1)
    series[::7, 1] = np.nan
    options = {"missing": "mask", "channels_first": False}
    model = skloss.RecurrentClassifier(balanced_batches="smote", **options)
    with pytest.raises(ValueError, match="balanced_batches=True, or fill the gaps"):
        model.set_params(epochs=1, width=2).fit(series, y)


# ------------------------------------------------------------------------ the sampler


@pytest.mark.parametrize(
    "sampler",
    [SMOTE(random_state=0), RandomOverSampler(random_state=0), RandomUnderSampler()],
)
def test_a_sampler_sees_the_rows_after_the_hold_out(sampler):
    model = dense(sampler=sampler).fit(X, y)
    data = model.record_.data
    assert data["class_counts"]["original"] == [288, 32]
    assert data["class_counts"]["validation"] == [72, 8]
    n = 32 if isinstance(sampler, RandomUnderSampler) else 288
    assert data["class_counts"]["trained"] == [n, n]
    assert data["samplers"] == [type(sampler).__name__]
    assert model.sampler is sampler  # not fitted itself
    assert not hasattr(sampler, "sampling_strategy_")


def test_a_sampler_inside_is_that_of_a_pipeline():
    sampler = SMOTE(random_state=0)
    inside = dense(sampler=sampler, prior_correction=True).fit(X, y)
    outside = skloss.make_pipeline(clone(sampler), dense(prior_correction=True))
    outside.fit(X, y)
    np.testing.assert_allclose(
        inside.predict_proba(X), outside.predict_proba(X), atol=1e-6
    )


def test_a_sampler_inside_stands_in_pipelines_of_sklearn_and_in_searches():
    labels = np.where(y == 1, "bad", "good")
    sampler = SMOTE(sampling_strategy={"bad": 100})
    pipeline = make_pipeline(StandardScaler(), dense(sampler=sampler, epochs=2))
    grid = {"denseclassifier__sampler__k_neighbors": [2, 3]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, labels)
    best = search.best_estimator_[-1]
    assert best.record_.data["class_counts"]["trained"][0] == 100
    again = clone(search.best_estimator_).fit(X, labels)
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


@pytest.mark.parametrize("options", [{}, {"n_members": 2}, {"validation_rows": "last"}])
def test_a_sampler_inside_is_not_one_before_the_hold_out(options):
    model = dense(sampler=SMOTE(random_state=0), epochs=1, **options).fit(X, y)
    assert diagnose(model).find("resample-before-split") is None
    assert diagnose(model, X, y).find("resample-before-split") is None
    behind = imblearn.pipeline.make_pipeline(RandomUnderSampler(), dense(epochs=1))
    assert diagnose(behind.fit(X, y)).find("resample-before-split") is not None


def test_a_sampler_without_a_seed_draws_from_a_given_generator():
    fits = [
        dense(sampler=RandomUnderSampler(), epochs=1)
        .set_params(random_state=np.random.RandomState(3))
        .fit(X, y)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*(fit.predict_proba(X) for fit in fits))


def test_a_sampler_takes_series():
    series = np.repeat(X.reshape(N, 4, 1), 3, axis=1).reshape(N, 6, 2)
    model = CNN1DClassifier(**SMALL_CNN, sampler=SMOTE(), epochs=2).fit(series, y)
    trained = model.record_.data["class_counts"]["trained"]
    assert trained[0] == trained[1]


def test_each_member_has_an_under_sample_of_its_own():
    model = dense(n_members=3, sampler=RandomUnderSampler(), epochs=2).fit(X, y)
    seeds = {member.random_state for member in model.members_}
    assert len(seeds) == 3
    trained = model.record_.data["class_counts"]["trained"]
    assert trained[0] == trained[1]


def test_weights_follow_the_rows_of_a_sampler():
    weight = np.where(y == 1, 3.0, 1.0)
    model = dense(sampler=RandomOverSampler(random_state=0)).fit(X, y, weight)
    assert model.record_.data["priors"]["train"] == pytest.approx([0.25, 0.75])


def test_samplers_that_cannot_work_say_why():
    few = np.zeros(N, int)
    few[:4] = 1
    with pytest.raises(ValueError, match=r"SMOTE, the sampler of Dense.*by class: \{0"):
        dense(sampler=SMOTE()).fit(X, few)
    with pytest.raises(ValueError, match="sampler"):
        dense(sampler=StandardScaler()).fit(X, y)
    with pytest.raises(ValueError, match="balanced_batches"):
        dense(balanced_batches="yes").fit(X, y)
