"""Epoch metrics equal scikit-learn's on the same predictions."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from skloss.metrics import (
    ConfusionCounts,
    average_precision,
    class_prior,
    confusion_matrix,
    entropy,
    epoch_metrics,
    loss_at_prior,
    per_class_loss,
)

law = settings(derandomize=True, deadline=None, max_examples=60)
WEIGHTS = st.sampled_from([0.0, 0.25, 1.0, 3.0])
SCORES = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0])


@st.composite
def predictions(draw, weighted=None, n_classes=None):
    """(y, predicted, n_classes, weights or None) with any class possibly absent."""
    k = n_classes or draw(st.sampled_from([2, 3]))
    n = draw(st.integers(1, 30))
    labels = arrays(int, n, elements=st.integers(0, k - 1))
    weight = None
    if draw(st.booleans()) if weighted is None else weighted:
        weight = draw(arrays(float, n, elements=WEIGHTS).filter(lambda w: w.sum() > 0))
    return draw(labels), draw(labels), k, weight


@st.composite
def ranked(draw):
    """(y, scores with ties, weights or None) of a binary problem."""
    n = draw(st.integers(1, 30))
    y = draw(arrays(int, n, elements=st.integers(0, 1)))
    scores = draw(arrays(float, n, elements=SCORES))
    weight = arrays(float, n, elements=WEIGHTS).filter(lambda w: w.sum() > 0)
    return y, scores, draw(st.none() | weight)


def quietly(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def counts_of(y, predicted, k, weight=None):
    return ConfusionCounts(confusion_matrix(y, predicted, k, weight))


@law
@given(predictions())
def test_confusion_matrix_equals_that_of_scikit_learn(case):
    y, predicted, k, weight = case
    expected = reference.confusion_matrix(
        y, predicted, labels=range(k), sample_weight=weight
    )
    np.testing.assert_allclose(confusion_matrix(y, predicted, k, weight), expected)


@law
@given(predictions())
def test_precision_recall_and_f1_equal_those_of_scikit_learn(case):
    y, predicted, k, weight = case
    counts = counts_of(*case)
    average = {"average": "binary"} if k == 2 else {"average": "macro"}
    expected = reference.precision_recall_fscore_support(
        y,
        predicted,
        labels=range(k),
        sample_weight=weight,
        zero_division=0,
        **average,
    )[:3]
    found = (counts.precision, counts.recall, counts.f1)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@law
@given(predictions())
def test_mcc_and_accuracy_equal_those_of_scikit_learn(case):
    y, predicted, _, weight = case
    counts = counts_of(*case)
    mcc = quietly(reference.matthews_corrcoef, y, predicted, sample_weight=weight)
    accuracy = reference.accuracy_score(y, predicted, sample_weight=weight)
    np.testing.assert_allclose(
        (counts.mcc, counts.accuracy), (mcc, accuracy), atol=1e-12
    )


@law
@given(predictions())
def test_fpr_is_the_mean_recall_error_of_the_rest(case):
    y, predicted, k, weight = case
    weight = np.ones(len(y)) if weight is None else weight
    rates = []
    for c in range(k):
        rest = weight * (y != c)
        false = rest[predicted == c].sum()
        rates.append(false / rest.sum() if rest.sum() > 0 else 0.0)
    expected = rates[1] if k == 2 else np.mean(rates)
    assert counts_of(*case).fpr == pytest.approx(expected)


@law
@given(predictions(n_classes=2))
def test_mcc_changes_sign_when_binary_predictions_flip(case):
    y, predicted, k, weight = case
    flipped = counts_of(y, 1 - predicted, k, weight)
    assert flipped.mcc == pytest.approx(-counts_of(*case).mcc)


@law
@given(predictions(weighted=False), st.integers(1, 30))
def test_counts_add_up_over_any_batching(case, batch):
    y, predicted, k, _ = case
    parts = [
        confusion_matrix(y[i : i + batch], predicted[i : i + batch], k)
        for i in range(0, len(y), batch)
    ]
    whole = confusion_matrix(y, predicted, k)
    assert whole.dtype == np.int64
    np.testing.assert_array_equal(sum(parts), whole)


@law
@given(ranked())
def test_average_precision_equals_that_of_scikit_learn(case):
    y, scores, weight = case
    expected = quietly(
        reference.average_precision_score, y, scores, sample_weight=weight
    )
    expected = 0.0 if np.isnan(expected) else expected
    assert average_precision(y, scores, weight) == pytest.approx(expected, abs=1e-12)


def test_average_precision_of_diverged_scores_is_nan():
    assert np.isnan(average_precision([0, 1, 1], [0.2, np.nan, 0.9]))


def test_average_precision_of_no_rows_is_zero():
    assert average_precision([], []) == 0.0


@pytest.mark.parametrize("k", [2, 3], ids=["binary", "multiclass"])
def test_mcc_of_billions_of_rows_does_not_overflow(k):
    matrix = np.full((k, k), 1, dtype=np.int64) + 4_000_000_000 * np.eye(k, dtype=int)
    counts = ConfusionCounts(matrix)
    expected = ConfusionCounts(matrix.astype(float)).mcc
    assert counts.mcc == pytest.approx(expected, rel=1e-9)
    assert 0.999 < counts.mcc <= 1


@pytest.mark.parametrize("factor", [1e-200, 1e-12, 1e12, 1e150])
@pytest.mark.parametrize("k", [2, 3], ids=["binary", "multiclass"])
def test_metrics_do_not_depend_on_the_scale_of_the_weights(k, factor):
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, k, 50), rng.integers(0, k, 50)
    weight = rng.random(50)
    plain = counts_of(y, predicted, k, weight)
    scaled = counts_of(y, predicted, k, weight * factor)
    for name in ("mcc", "f1", "precision", "recall", "fpr", "accuracy"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_mcc_of_a_constant_guess_is_exactly_zero_under_weights(k):
    rng = np.random.default_rng(k)
    y, weight = rng.integers(0, k, 100), rng.random(100) / 3
    assert counts_of(y, np.ones(100, dtype=int), k, weight).mcc == 0.0


def test_metrics_of_no_weight_are_zero():
    counts = counts_of([0, 1], [1, 1], 2, [0.0, 0.0])
    names = ("mcc", "f1", "precision", "recall", "fpr", "accuracy")
    assert [getattr(counts, name) for name in names] == [0.0] * 6


@law
@given(predictions(), st.randoms(use_true_random=False))
def test_loss_at_the_rows_own_prior_is_their_mean_loss(case, random):
    y, _, k, weight = case
    loss = np.array([random.random() * 5 for _ in y])
    found = loss_at_prior(per_class_loss(loss, y, k, weight), class_prior(y, k, weight))
    assert found == pytest.approx(np.average(loss, weights=weight))


@law
@given(st.lists(st.floats(0, 10), min_size=3, max_size=3), st.floats(0, 1))
def test_loss_at_prior_is_the_expectation_over_the_classes(losses, share):
    prior = [share, 1 - share, 0.0]
    expected = share * losses[0] + (1 - share) * losses[1]
    assert loss_at_prior(losses, prior) == pytest.approx(expected)


def test_loss_at_prior_is_nan_only_if_a_needed_class_is_unknown():
    assert loss_at_prior([0.5, np.nan], [1.0, 0.0]) == 0.5
    assert np.isnan(loss_at_prior([0.5, np.nan], [0.9, 0.1]))


def test_per_class_loss_of_a_class_without_weight_is_nan():
    found = per_class_loss([1.0, np.inf, 2.0], [0, 1, 2], 4, [1.0, 0.0, 2.0])
    np.testing.assert_array_equal(found, [1.0, np.nan, 2.0, np.nan])


def test_entropy_is_the_loss_of_guessing_the_prior():
    y = np.array([0] * 17 + [1] * 3)
    guess = np.tile(class_prior(y, 2), (20, 1))
    assert entropy(class_prior(y, 2)) == pytest.approx(reference.log_loss(y, guess))


def test_entropy_of_a_single_class_is_zero():
    assert entropy([1.0, 0.0]) == 0.0


def test_entropy_of_equal_classes_is_the_logarithm_of_their_number():
    assert entropy(np.full(5, 0.2)) == pytest.approx(np.log(5))


def random_epoch(k):
    rng = np.random.default_rng(k)
    y, p = rng.integers(0, k, 200), rng.dirichlet(np.ones(k), 200)
    return y, p, -np.log(p[np.arange(200), y]), rng.random(200)


def test_binary_epoch_metrics_equal_those_of_scikit_learn():
    y, p, loss, weight = random_epoch(2)
    found = epoch_metrics(
        y, p, loss, 2, priors={"train": [0.5, 0.5]}, sample_weight=weight
    )
    called = p[:, 1] > 0.5
    matrix = reference.confusion_matrix(y, called, sample_weight=weight)
    tn, fp, fn, tp = matrix.ravel()
    by_class = [np.average(loss[y == c], weights=weight[y == c]) for c in (0, 1)]
    weighted = {"sample_weight": weight}
    expected = {
        "loss": reference.log_loss(y, p, **weighted),
        "loss_at_train_prior": np.mean(by_class),
        "accuracy": reference.accuracy_score(y, called, **weighted),
        "mcc": reference.matthews_corrcoef(y, called, **weighted),
        "f1": reference.f1_score(y, called, **weighted),
        "precision": reference.precision_score(y, called, **weighted),
        "recall": reference.recall_score(y, called, **weighted),
        "fpr": fp / (fp + tn),
        "average_precision": reference.average_precision_score(y, p[:, 1], **weighted),
        "loss_class_0": by_class[0],
        "loss_class_1": by_class[1],
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
    }
    assert found == pytest.approx(expected)
    assert all(type(value) is float for value in found.values())


def test_the_positive_class_is_that_of_the_same_classes_swapped():
    y, p, loss, weight = random_epoch(2)
    names = ("precision", "recall", "f1", "fpr", "mcc", "tp", "fp", "fn", "tn")
    first = epoch_metrics(y, p, loss, 2, positive=0, sample_weight=weight)
    swapped = epoch_metrics(1 - y, p[:, ::-1], loss, 2, sample_weight=weight)
    assert [first[n] for n in names] == pytest.approx([swapped[n] for n in names])


def test_multiclass_average_precision_is_the_mean_over_all_classes():
    y, p, loss, _ = random_epoch(3)
    found = epoch_metrics(y, p, loss, 3)
    expected = reference.average_precision_score(np.eye(3)[y], p, average="macro")
    assert found["average_precision"] == pytest.approx(expected)
    assert {"loss_class_0", "loss_class_2"} < set(found)
    assert not {"tp", "loss_at_train_prior"} & set(found)


def test_a_tie_goes_to_the_first_class():
    assert epoch_metrics([1], [[0.5, 0.5]], [0.7], 2)["fn"] == 1.0


def test_epoch_metrics_of_no_weight_have_no_loss():
    found = epoch_metrics([0, 1], np.eye(2), [0.1, 0.1], 2, sample_weight=[0.0, 0.0])
    assert np.isnan(found["loss"])
    assert found["mcc"] == 0.0
