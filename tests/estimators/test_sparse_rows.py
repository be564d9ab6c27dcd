"""Sparse tables: the same networks, curves and reports as of the dense ones."""

import re
import tracemalloc
from functools import cache

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_predict
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils import get_tags

import skloss
from skloss import CNN1DClassifier, DenseClassifier, KerasClassifier, diagnose, report
from skloss.readers import subsampling
from skloss.sparse_rows import dense_blocks

X, y = make_classification(300, 8, weights=[0.8], random_state=0)
X = np.where(np.abs(X) > 0.8, X, 0).astype(np.float32)


def small(**options):
    settings = {"epochs": 3, "validation_fraction": 0.2, "random_state": 0}
    return DenseClassifier(**settings | options)


def frame(rows):
    names = [f"c{i}" for i in range(rows.shape[1])]
    return pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(rows), columns=names)


FORMS = {
    "csr_matrix": sparse.csr_matrix,
    "csc_matrix": sparse.csc_matrix,
    "csr_array": sparse.csr_array,
    "csc_array": sparse.csc_array,
    "coo_array": sparse.coo_array,
    "frame": frame,
}
EVERY = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def assert_same_fit(one, other, tolerance=1e-6):
    for first, second in zip(one.weights_, other.weights_, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=tolerance)
    for name in one.history_.keys() - {"seconds"}:
        np.testing.assert_allclose(
            one.history_[name], other.history_[name], rtol=1e-5, atol=tolerance
        )


@cache
def of_dense_rows():
    return small().fit(X, y)


@EVERY
def test_a_sparse_table_trains_the_network_of_the_dense_one(form):
    dense, thin = of_dense_rows(), small().fit(form(X), y)
    assert_same_fit(dense, thin)
    for name, values in dense.record_.data["columns"].items():
        assert thin.record_.data["columns"][name] == pytest.approx(values), name
    assert thin.n_features_in_ == X.shape[1]
    chances = thin.predict_proba(form(X))
    np.testing.assert_allclose(chances, dense.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(thin.predict(form(X)), dense.predict(X))
    _, held = thin.split_validation(form(X), y)
    assert thin.history_["val_loss"][-1] == pytest.approx(
        log_loss(y[held], chances[held]), rel=1e-5
    )


OPTIONS = {
    "weights": {"class_weight": "balanced"},
    "last": {"validation_rows": "last"},
    "splitter": {"validation_rows": TimeSeriesSplit(3)},
    "scorer": {"scoring": "roc_auc", "monitor": "val_roc_auc", "early_stopping": True},
    "batch norm": {"batch_norm": True, "dropout": 0.2},
    "nothing held out": {"validation_fraction": None},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_each_way_of_a_fit_is_that_of_dense_rows(options):
    weight = np.linspace(0.5, 2, len(y))
    dense = small(**options).fit(X, y, sample_weight=weight)
    thin = small(**options).fit(sparse.csr_array(X), y, sample_weight=weight)
    assert_same_fit(dense, thin)


def test_own_validation_rows_can_be_sparse_or_dense():
    one = small().fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    thin = sparse.csr_array(X)
    for rows, held in ((thin[:200], thin[200:]), (X[:200], thin[200:])):
        other = small().fit(rows, y[:200], X_val=held, y_val=y[200:])
        assert_same_fit(one, other)


def test_partial_fits_and_warm_starts_take_either_kind():
    dense, thin = small(warm_start=True), small(warm_start=True)
    for rows in (X[:150], X[150:]):
        dense.partial_fit(rows, y[: len(rows)], classes=[0, 1])
        thin.partial_fit(sparse.csr_array(rows), y[: len(rows)], classes=[0, 1])
    assert_same_fit(dense, thin)
    assert_same_fit(dense.fit(X, y), thin.fit(sparse.csr_array(X), y))


@pytest.mark.parametrize("sampler", [None, SMOTE, RandomOverSampler])
def test_a_pipeline_holds_out_scales_and_resamples_sparse_rows(sampler):
    steps = [MaxAbsScaler(), *([sampler(random_state=0)] if sampler else []), small()]
    dense = skloss.make_pipeline(*map(clone, steps)).fit(X, y)
    thin = skloss.make_pipeline(*map(clone, steps)).fit(sparse.csr_matrix(X), y)
    assert_same_fit(dense[-1], thin[-1], tolerance=1e-5)
    held_out = thin[-1].record_.data["held_out_rows"]
    assert held_out == dense[-1].record_.data["held_out_rows"]
    options = {"method": "predict_proba", "cv": 2}
    chances = cross_val_predict(thin, sparse.csr_matrix(X), y, **options)
    expected = cross_val_predict(dense, X, y, **options)
    np.testing.assert_allclose(chances, expected, atol=1e-5)


def test_texts_are_classified_behind_a_vectorizer():
    texts = np.array(["calm sea", "calm wind", "storm and rain", "storm at sea"] * 30)
    labels = np.tile([0, 0, 1, 1], 30)
    pipe = skloss.make_pipeline(TfidfVectorizer(), small(epochs=20)).fit(texts, labels)
    assert roc_auc_score(labels, pipe.predict_proba(texts)[:, 1]) == 1.0
    assert diagnose(pipe, texts, labels).case.rows.n_rows == 120


def test_a_scorer_is_handed_sparse_rows():
    seen = []

    def kind(estimator, rows, labels):
        seen.append((type(rows), rows.shape))
        return float(estimator.predict_proba(rows[:5])[:, 1].mean())

    thin = small(scoring=kind).fit(sparse.csr_matrix(X), y)
    _, held = thin.split_validation(X, y)
    assert set(seen) == {(sparse.csr_matrix, (len(held), X.shape[1]))}
    mean = thin.predict_proba(X[held[:5]])[:, 1].mean()
    assert thin.history_["val_kind"][-1] == pytest.approx(mean, rel=1e-5)
    frames = []
    small(scoring={"f": lambda e, f, y: float(frames.append(f) or 0)}).fit(frame(X), y)
    assert list(frames[0].columns) == list(frame(X).columns)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gaps_are_told_by_their_row(bad):
    rows = sparse.lil_array(X)
    rows[7, 2] = rows[9, 0] = bad
    kind = "NaN" if np.isnan(bad) else "infinity"
    with pytest.raises(ValueError, match=rf"{kind}.*in 2 of 300 rows, first in row 7"):
        small().fit(rows.tocsr(), y)


def test_rows_of_a_sampler_are_still_warned_of():
    rows, labels = SMOTE(random_state=0).fit_resample(X, y)
    with pytest.warns(skloss.exceptions.ResampledValidationWarning):
        small().fit(sparse.csr_matrix(rows), labels)


@pytest.mark.parametrize("make", [CNN1DClassifier, KerasClassifier])
@pytest.mark.parametrize(
    ("form", "way"), [(sparse.csr_array, "X.toarray()"), (frame, "X.sparse.to_dense()")]
)
def test_networks_that_take_no_sparse_rows_say_how(make, form, way):
    classifier = make(lambda meta: None) if make is KerasClassifier else make()
    assert not get_tags(classifier).input_tags.sparse
    sentence = f"takes no sparse data as X: make it dense by {way}"
    with pytest.raises(TypeError, match=re.escape(sentence)):
        classifier.fit(form(X), y)


def test_the_tag_says_that_sparse_rows_are_taken():
    assert get_tags(DenseClassifier()).input_tags.sparse


def test_a_frame_with_some_sparse_columns_is_as_any_other():
    mixed = pd.DataFrame(X).astype({0: pd.SparseDtype(np.float32, 0)})
    mixed.columns = mixed.columns.astype(str)
    with pytest.warns(UserWarning, match="sparse columns"):  # of scikit-learn
        fitted = small().fit(mixed, y)
    assert_same_fit(fitted, small().fit(X, y))


# ----------------------------------------------------------------- what reads the rows


@EVERY
def test_a_diagnosis_of_sparse_rows_is_that_of_dense_ones(form):
    thin = small().fit(form(X), y)
    dense = small().fit(frame(X), y) if form is frame else of_dense_rows()
    given = pd.DataFrame(X, columns=frame(X).columns) if form is frame else X
    assert diagnose(thin, form(X), y).case.rows == diagnose(dense, given, y).case.rows
    with pytest.raises(ValueError, match="not the rows that fit was given"):
        diagnose(thin, form(X)[:50] if form is frame else form(X[:50]), y[:50])


def test_a_large_sparse_table_is_diagnosed_by_a_sample(monkeypatch):
    monkeypatch.setattr(subsampling, "_MOST_DENSE", 600 * X.shape[1])
    rows, labels = np.tile(X, (4, 1)), np.tile(y, 4)
    thin = small(epochs=1).fit(sparse.csr_matrix(rows), labels)
    found = diagnose(thin, sparse.csr_matrix(rows), labels)
    assert any("600 of 1200" in note for note in found.notes)
    assert found.case.rows.n_rows == 1200


@pytest.mark.parametrize("form", [sparse.csr_matrix, frame])
def test_a_report_compares_with_the_baselines_of_dense_rows(form):
    names = frame(X).columns
    dense_rows = pd.DataFrame(X, columns=names) if form is frame else X
    pages = [
        report(small(epochs=20, learning_rate=0.01).fit(rows, y), rows, y)
        for rows in (form(X), dense_rows)
    ]
    texts = [re.sub(r"<[^>]*>", " ", page.html) for page in pages]
    scores = [
        re.findall(r"A logistic regression scores MCC [^.]*\.\d", t) for t in texts
    ]
    assert len(scores[0]) > 0
    assert scores[0] == scores[1]


# ------------------------------------------------------------------------------- memory


def test_blocks_hold_all_rows_and_few_values():
    rows = sparse.random_array((3000, 2000), density=0.001, rng=0, format="csr")
    blocks = list(dense_blocks(rows))
    assert max(block.size for block in blocks) <= 2**21
    np.testing.assert_array_equal(np.vstack(blocks), rows.toarray())


def test_a_fit_takes_a_small_part_of_the_memory_of_dense_rows():
    rng = np.random.default_rng(0)
    rows = sparse.random_array(
        (20_000, 1000), density=0.005, rng=rng, format="csr", dtype=np.float32
    )
    labels = np.asarray(rows[:, :20].sum(axis=1)).ravel() > 0
    classifier = small(width=4, epochs=1, batch_size=500).fit(
        rows[:2000], labels[:2000]
    )
    tracemalloc.start()
    classifier.fit(rows, labels).predict_proba(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.75 * rows.shape[0] * rows.shape[1] * 4
