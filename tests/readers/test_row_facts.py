"""Facts about rows: each against a computation of its own, and faults put in."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from skloss.readers.baselines import _best_mcc
from skloss.readers.label_facts import class_ids
from skloss.readers.row_facts import measure_rows


def rows_of(n=2000, d=6, share=0.1, seed=0, apart=1.0):
    """Two Gaussian classes in random order."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(int)
    X = rng.normal(size=(n, d))
    X[y == 1, :3] += apart
    return X, y


def halves(X, y, seed=0, share=0.3):
    """Training and validation rows, at random."""
    order = np.random.default_rng(seed).permutation(len(y))
    cut = int(len(y) * (1 - share))
    return X[order[:cut]], y[order[:cut]], X[order[cut:]], y[order[cut:]]


# ------------------------------------------------------------------------------ labels


@pytest.mark.parametrize(
    ("y", "kind", "n_classes"),
    [
        ([0, 1, 1], "ids", 2),
        ([[0], [1], [2]], "ids", 3),
        ([0.0, 1.0], "ids", 2),
        ([True, False], "ids", 2),
        (np.array(["a", "b", "a"], dtype=object), "ids", 2),
        ([3, 7, 9], "ids", 3),
        ([0.0, 1 / 255, 2 / 255], "scaled", 3),
        (np.linspace(0, 1, 100), "real", 0),
        (np.eye(3), "one_hot", 3),
        ([[0.9, 0.1], [0.2, 0.8]], "one_hot", 2),
        ([[1, 1, 0], [0, 0, 0]], "multi_hot", 3),
        ([[1.5, 2.0], [0.1, 3.0]], "real", 0),
    ],
)
def test_class_ids_tells_the_encodings_apart(y, kind, n_classes):
    ids, found, n = class_ids(y)
    assert (found, n) == (kind, n_classes)
    assert ids.shape == (len(y),)


def test_class_ids_are_those_of_sorted_labels():
    y = np.array(["b", "a", "c", "b"])
    assert class_ids(y)[0].tolist() == [1, 0, 2, 1]
    assert class_ids(np.eye(3)[[2, 0, 1]])[0].tolist() == [2, 0, 1]


def test_target_facts():
    facts = measure_rows(np.zeros((4, 2)), [0, 3, 3, 1])
    assert (facts.target_min, facts.target_max, facts.n_distinct_targets) == (0, 3, 3)
    assert measure_rows(np.zeros((2, 2)), ["a", "b"]).target_min is None
    facts = measure_rows(np.zeros((3, 2)), np.eye(4)[[1, 1, 2]])
    assert (facts.target_kind, facts.n_distinct_targets) == ("one_hot", 2)


# ------------------------------------------------------------------------------ values


def test_sizes_spreads_and_offset_are_those_of_numpy():
    X, y = rows_of(d=5)
    X = X * [1, 10, 100, 0.01, 1] + [0, 0, 0, 5, 1]
    facts = measure_rows(X, y)
    sizes = np.abs(np.percentile(X, [1, 99], axis=0)).max(axis=0)
    assert facts.typical_size == pytest.approx(np.median(sizes))
    assert facts.largest_size == pytest.approx(sizes.max())
    assert facts.largest_column == 2
    assert facts.largest_std == pytest.approx(X.std(axis=0).max())
    assert (facts.smallest_column, facts.n_columns, facts.n_rows) == (3, 5, 2000)
    assert facts.smallest_std == pytest.approx(X[:, 3].std())
    offsets = np.abs(X.mean(axis=0)) / X.std(axis=0)
    assert facts.offset == pytest.approx(np.median(offsets))


def test_a_sparse_column_is_not_the_smallest():
    X, y = rows_of()
    X[:, 2] = 0
    X[0, 2] = 1e-3
    assert measure_rows(X, y).smallest_std > 0.5


def test_sizes_of_a_series_are_those_of_its_channels():
    X = np.random.default_rng(0).normal(size=(200, 30, 2)) * [1, 1000]
    facts = measure_rows(X, np.arange(200) % 2)
    assert facts.n_columns == 60
    assert facts.largest_column == 1
    assert facts.smallest_std == pytest.approx(X[..., 0].std())


def test_constant_and_nonfinite_columns():
    X, y = rows_of()
    X[:, [1, 4]] = 3
    facts = measure_rows(X, y)
    assert (facts.n_constant, facts.constant_columns) == (2, (1, 4))
    X[5, 2], X[6, 2], X[7, 3] = np.nan, np.inf, -np.inf
    facts = measure_rows(X, y)
    assert (facts.n_nonfinite, facts.nonfinite_columns) == (3, (2, 3))
    assert facts.linear_score is None
    assert np.isfinite(facts.typical_size)
    assert measure_rows(np.full((50, 2), np.nan), y[:50]).n_nonfinite == 100


def test_codes_are_told_from_counts_measurements_and_flags():
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [
            rng.choice(12, 2000),  # codes
            rng.poisson(1.0, 2000),  # counts
            rng.normal(size=2000),
            rng.choice(2, 2000),
            np.arange(2000),  # numbers of rows
            np.round(rng.normal(500, 200, 2000)).clip(0),  # whole measurements
        ]
    )
    assert measure_rows(X, rng.choice(2, 2000)).n_codes == 1


def test_duplicates_and_conflicts():
    X, y = rows_of(n=100)
    X[90:], y[90:95], y[95:] = X[:10], y[:5], 1 - y[5:10]
    facts = measure_rows(X, y)
    assert facts.duplicate_share == pytest.approx(0.1)
    assert facts.conflict_share == pytest.approx(0.1)  # five rows and their five twins


def test_the_best_column_has_the_area_of_scikit_learn():
    X, y = rows_of()
    areas = [roc_auc_score(y, column) for column in X.T]
    best = int(np.argmax(np.maximum(areas, 1 - np.array(areas))))
    facts = measure_rows(X, y)
    assert facts.best_column == best
    assert facts.best_column_auc == pytest.approx(areas[best])


def test_the_order_of_labels_against_shuffled_ones():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))

    def changes(labels):
        return np.count_nonzero(labels[1:] != labels[:-1])

    orders = [changes(rng.permutation(y)) for _ in range(4000)]
    expected = (np.mean(orders) - changes(y)) / np.std(orders)
    assert measure_rows(X, y).label_order_z == pytest.approx(expected, rel=0.05)
    assert abs(measure_rows(X, rng.permutation(y)).label_order_z) < 4


def test_the_order_is_that_of_all_rows_and_the_tail_is_the_validation():
    X, y = rows_of(n=400, share=0.5)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    facts = measure_rows(X[:300], y[:300], ordered_tail=(X, y))
    assert facts.label_order_z > 10
    assert facts.n_rows == 300
    assert facts.shared_share == 0


# ----------------------------------------------------------------------------- hold-out


def test_shared_rows_are_counted_across_precisions():
    X, y = rows_of(n=500)
    X_val = np.concatenate([X[:30], rows_of(n=70, seed=9)[0]]).astype(np.float32)
    facts = measure_rows(X, y, X_val, np.arange(100) % 2)
    assert facts.shared_share == pytest.approx(0.3)


@pytest.mark.parametrize("sampler", [SMOTE, RandomOverSampler])
def test_rows_made_before_the_split_are_seen(sampler):
    X, y = rows_of()
    facts = measure_rows(*halves(*sampler(random_state=0).fit_resample(X, y)))
    assert facts.synthetic_share > 0.6
    assert facts.synthetic_null < 0.05


def test_rows_made_after_the_split_are_not():
    X, y, X_val, y_val = halves(*rows_of(n=6000))
    facts = measure_rows(*SMOTE(random_state=0).fit_resample(X, y), X_val, y_val)
    assert facts.synthetic_share < 0.05
    assert facts.shift_auc < 0.5 + 4 * facts.shift_error


def test_original_rows_and_original_duplicates_have_no_class_apart():
    X, y = rows_of(n=6000)
    facts = measure_rows(*halves(X, y))
    assert facts.synthetic_share < 0.05
    coarse = measure_rows(*halves(np.round(X[:, :3]), y))
    assert coarse.synthetic_share - coarse.synthetic_null < 0.3
    assert coarse.shift_auc < 0.5 + 4 * coarse.shift_error


@pytest.mark.parametrize("seed", range(3))
def test_a_random_split_shows_no_shift(seed):
    facts = measure_rows(*halves(*rows_of(seed=seed), seed))
    assert abs(facts.shift_auc - 0.5) < 4 * facts.shift_error
    assert 0.85 < facts.shift_scale < 1.15
    assert facts.shift_offset < 0.2


def test_a_prior_of_its_own_is_no_shift():
    X, y, X_val, y_val = halves(*rows_of(n=6000, apart=2.0))
    kept = np.flatnonzero((y == 1) | (np.arange(len(y)) % 9 == 0))
    facts = measure_rows(X[kept], y[kept], X_val, y_val)
    assert facts.shift_auc < 0.5 + 4 * facts.shift_error
    copies = np.random.default_rng(0).choice(np.flatnonzero(y == 1), 3000)
    rows = np.concatenate([np.arange(len(y)), copies])
    facts = measure_rows(X[rows], y[rows], X_val, y_val)
    assert facts.shift_auc < 0.5 + 4 * facts.shift_error


def test_validation_rows_scaled_otherwise_are_seen():
    X, y, X_val, y_val = halves(*rows_of())
    facts = measure_rows(X, y, X_val * 255, y_val)
    assert facts.shift_scale == pytest.approx(255, rel=0.1)
    assert facts.shift_auc > 0.8
    facts = measure_rows(X, y, X_val + 2.0, y_val)
    assert facts.shift_offset == pytest.approx(2, rel=0.1)
    assert facts.shift_auc > 0.9


def test_the_column_that_shifts_is_named():
    X, y, X_val, y_val = halves(*rows_of())
    X_val[:, 4] += 1.5
    assert measure_rows(X, y, X_val, y_val).shift_columns[0] == 4


def test_training_labels_of_one_class_do_not_hide_a_scale():
    X, y, X_val, y_val = halves(*rows_of())
    facts = measure_rows(X, np.zeros_like(y), X_val * 255, y_val)
    assert facts.shift_scale > 100


# ----------------------------------------------------------------------- other learners


def test_the_best_mcc_is_that_of_all_thresholds():
    rng = np.random.default_rng(0)
    truth = rng.choice(2, 60)
    score = np.round(rng.random(60) + 0.3 * truth, 1)
    found = max(matthews_corrcoef(truth, score >= t) for t in np.unique(score))
    assert _best_mcc(truth, score) == pytest.approx(found)


def test_the_network_is_scored_on_the_rows_of_the_others():
    X, y, X_val, y_val = halves(*rows_of(share=0.3, apart=1.5))
    facts = measure_rows(X, y, X_val, y_val, predict=lambda rows: rows[:, 0])
    assert facts.network_score == pytest.approx(_best_mcc(y_val, X_val[:, 0]))
    assert facts.linear_score > facts.network_score
    assert facts.tree_score > 0.5
    assert facts.one_hot_score is None
    error = 1 / np.sqrt(2 * y_val.sum())
    assert facts.score_error == pytest.approx(error, rel=0.3)


def test_without_validation_rows_the_learners_are_cross_validated():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 5)), rng.choice(2, 600)
    facts = measure_rows(X, y, predict=lambda rows: np.full((len(rows), 2), 0.5))
    assert facts.linear_score < 0.2  # in-sample the trees would score near 1
    assert facts.tree_score < 0.2
    assert facts.network_score == 0


def test_scores_of_several_classes_are_recalls_over_chance():
    rng = np.random.default_rng(0)
    y = rng.choice(3, 900)
    X = rng.normal(size=(900, 4)) + np.eye(3, 4)[y] * 8
    facts = measure_rows(X, np.eye(3)[y], predict=lambda rows: rows[:, :3])
    assert facts.linear_score > 0.95
    assert facts.network_score > 0.95
    facts = measure_rows(X, y, predict=lambda rows: np.eye(3)[np.zeros(len(rows), int)])
    assert facts.network_score == pytest.approx(0)


def test_codes_as_categories_help_where_their_order_says_nothing():
    rng = np.random.default_rng(0)
    codes = rng.choice(20, 2000)
    X = np.column_stack([codes, rng.normal(size=2000)])
    facts = measure_rows(X, rng.choice(2, 20)[codes])
    assert facts.n_codes == 1
    assert facts.one_hot_score > facts.linear_score + 0.3


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_wrong_labels_are_wrong_among_the_easiest_rows(share):
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=1500)
    X = rng.normal(size=(1500, 4)) + 3 * y[:, None] * [1, 1, 0, 0]
    flipped = rng.random(1500) < share
    n, first, second = measure_rows(X, np.where(flipped, 1 - y, y)).easiest_wrong
    assert n == 300
    assert first == pytest.approx(share, abs=0.04)
    assert second == pytest.approx(share, abs=0.04)


def test_more_rows_help_a_learner_of_many_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 120))
    y = (X @ rng.normal(size=120) > 0).astype(int)
    sizes, scores, _ = zip(*measure_rows(X, y).linear_scores_by_size, strict=True)
    assert sizes == tuple(sorted(sizes))
    assert scores[-1] > scores[0]


@pytest.mark.parametrize(
    "labels",
    [
        np.linspace(0, 1, 200),
        np.random.default_rng(0).choice(2, (200, 3)),
        np.arange(200) < 3,
        np.zeros(200),
    ],
    ids=["regression", "multilabel", "three rows", "one class"],
)
def test_no_learners_where_there_is_nothing_to_learn(labels):
    X = np.random.default_rng(0).normal(size=(200, 3))
    facts = measure_rows(X, labels, X[:50], labels[:50], predict=lambda rows: rows)
    assert facts.linear_score is None
    assert facts.network_score is None


def test_numbers_of_words_are_not_columns_to_learn_from():
    X, y = np.random.default_rng(0).choice(50, (300, 20)), np.arange(300) % 2
    facts = measure_rows(X, y, embeds=True)
    assert (facts.is_token_ids, facts.n_codes, facts.linear_score) == (True, 0, None)


# -------------------------------------------------------------------------- in any case


def test_the_same_seed_measures_the_same_and_no_global_state_is_touched():
    X, y, X_val, y_val = halves(*rows_of(n=8000))
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    kept = X.copy()
    first = measure_rows(X, y, X_val, y_val, predict=lambda rows: rows[:, 0])
    assert measure_rows(X, y, X_val, y_val, predict=lambda rows: rows[:, 0]) == first
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert np.array_equal(X, kept)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.empty((0, 3)), np.empty(0)),
        (np.zeros((1, 3)), [1]),
        (np.zeros((5, 3)), [0, 1, 0, 1, 0]),
        (np.zeros((5, 4, 4, 1), bool), [0, 1, 2, 1, 0]),
        (np.array([["a", 1], ["b", 2]], dtype=object), [0, 1]),
        (np.arange(50), np.arange(50) % 2),
    ],
    ids=["no rows", "one row", "constant", "flags", "texts", "one axis"],
)
def test_odd_rows_are_measured_as_far_as_they_go(X, y):
    assert measure_rows(X, y, X, y).n_rows == len(X)
    assert measure_rows(X, y).n_rows == len(X)


# ------------------------------------------------------------------ degenerate rows

DEGENERATE = {
    "constant": np.zeros,
    "one other value": lambda shape: np.eye(*shape),
    "NaN": lambda shape: np.full(shape, np.nan),
    "infinite": lambda shape: np.full(shape, np.inf),
    "huge": lambda shape: 1e300 * np.random.default_rng(0).normal(size=shape),
    "boolean": lambda shape: np.random.default_rng(0).random(shape) > 0.5,
    "usual": lambda shape: np.random.default_rng(0).normal(size=shape),
}
LABELS = {
    "one class": lambda n: np.zeros(n, int),
    "sorted": lambda n: np.arange(n) // max(n // 2, 1),
    "one rare row": lambda n: np.arange(n) // max(n - 1, 1),
    "texts": lambda n: np.array(["a", "b"] * n, object)[:n],
    "one-hot": lambda n: np.eye(3)[np.arange(n) % 3],
    "real": lambda n: np.linspace(0, 1, n),
}


@pytest.mark.parametrize("values", DEGENERATE)
@pytest.mark.parametrize("n_val", [None, 0, 1, 60])
@pytest.mark.parametrize("n", [1, 2, 100])
def test_degenerate_rows_are_measured_as_far_as_they_can_be(values, n_val, n):
    X, X_val = DEGENERATE[values]((n, 2)), None
    for make in LABELS.values():
        y, y_val = make(n), None
        if n_val is not None:
            X_val, y_val = DEGENERATE[values]((n_val, 2)), make(n_val)
        facts = measure_rows(X, y, X_val, y_val, predict=lambda rows: rows[:, :1] * 0)
        assert facts.n_rows == n
        assert facts.n_nonfinite == (~np.isfinite(np.asarray(X, float))).sum()
