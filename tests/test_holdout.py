"""Hold-outs are original, and the probe tells a sampler's rows from original ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from sklearn.datasets import load_digits, make_classification
from sklearn.preprocessing import StandardScaler

from skloss.holdout import (
    class_codes,
    last_holdout,
    last_mask,
    looks_resampled,
    many_rows,
    parts_in_turn,
    stratified_holdout,
    stratified_sample,
)

law = settings(derandomize=True, deadline=None, max_examples=60)
CLASS_SIZES = st.lists(st.integers(2, 40), min_size=1, max_size=4)
FRACTIONS = st.floats(0.01, 0.99)


@law
@given(CLASS_SIZES, FRACTIONS, st.integers(0, 9))
def test_parts_are_disjoint_complete_and_sorted(sizes, fraction, seed):
    y = np.repeat(np.arange(len(sizes)), sizes)
    train, validation = stratified_holdout(y, fraction, seed)
    together = np.sort(np.concatenate([train, validation]))
    np.testing.assert_array_equal(together, np.arange(len(y)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()


@law
@given(CLASS_SIZES, FRACTIONS, st.integers(0, 9))
def test_every_class_keeps_its_share_within_one_row(sizes, fraction, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(range(len(sizes)), sizes))
    train, validation = stratified_holdout(y, fraction, seed)
    held = np.bincount(y[validation], minlength=len(sizes))
    assert (np.abs(held - fraction * np.array(sizes)) <= 1).all()
    assert (held >= 1).all()
    assert (np.bincount(y[train], minlength=len(sizes)) >= 1).all()


def test_the_same_seed_gives_the_same_parts():
    y = np.repeat([0, 1], [90, 10])
    first, second = (stratified_holdout(y, 0.2, 3)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, stratified_holdout(y, 0.2, 4)[1])


def test_a_random_state_goes_on_from_call_to_call():
    y, rng = np.repeat([0, 1], [90, 10]), np.random.RandomState(3)
    first, second = (stratified_holdout(y, 0.2, rng)[1] for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("dtype", [str, object, bool, float])
def test_labels_may_be_of_any_kind(dtype):
    codes = np.repeat([0, 1], [40, 10])
    y = np.array(["calm", "storm"])[codes] if dtype in (str, object) else codes
    validation = stratified_holdout(y.astype(dtype), 0.2, 0)[1]
    np.testing.assert_array_equal(validation, stratified_holdout(codes, 0.2, 0)[1])
    np.testing.assert_array_equal(np.bincount(codes[validation]), [8, 2])


def test_a_class_of_one_row_is_an_error_that_says_how_to_mend_it():
    message = "'storm' has 1 row, .* validation_fraction=None, or add rows of that"
    with pytest.raises(ValueError, match=message):
        stratified_holdout(["calm", "calm", "storm"], 0.2, 0)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_out_of_range_is_an_error(fraction):
    with pytest.raises(ValueError, match="validation_fraction must be above 0"):
        stratified_holdout([0, 0, 1, 1], fraction, 0)


def grouped(seed, n_groups=60):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), rng.integers(1, 30, n_groups))
    return (rng.random(len(groups)) < 0.15).astype(int), groups


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_kept_together_and_the_prior_is_nearly_original(seed):
    y, groups = grouped(seed)
    train, validation = stratified_holdout(y, 0.2, seed, groups)
    assert len(train) + len(validation) == len(y)
    assert not set(groups[train]) & set(groups[validation])
    assert abs(len(validation) / len(y) - 0.2) < 0.02
    assert abs(y[validation].mean() - y.mean()) < 0.02


@law
@given(st.integers(0, 99), st.integers(3, 8), FRACTIONS)
def test_few_large_groups_leave_every_class_on_both_sides(seed, n_groups, fraction):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(n_groups), 12))
    y = np.where(groups < 2, rng.integers(0, 2, len(groups)), 0)
    y[[np.flatnonzero(groups == g)[0] for g in (0, 1)]] = 1
    train, validation = stratified_holdout(y, fraction, seed, groups)
    assert set(y[train]) == set(y[validation]) == {0, 1}
    assert not set(groups[train]) & set(groups[validation])


def test_a_class_within_one_group_is_an_error():
    y, groups = np.repeat([0, 1], [30, 6]), np.repeat(np.arange(6), 6)
    message = "Class 1 has all its 6 rows in one group"
    with pytest.raises(ValueError, match=message):
        stratified_holdout(y, 0.2, 0, groups)


def test_groups_without_a_choice_are_an_error():
    # Each class needs one of its two groups held out and one kept; the triangle of
    # shared groups cannot be colored so.
    y, groups = [0, 0, 1, 1, 2, 2], list("abbcca")
    with pytest.raises(ValueError, match="No split by whole groups"):
        stratified_holdout(y, 0.3, 0, groups)


def test_groups_of_another_length_are_an_error():
    with pytest.raises(ValueError, match="groups has 2 entries, but y has 4"):
        stratified_holdout([0, 0, 1, 1], 0.5, 0, [1, 2])


SAMPLERS = [SMOTE, BorderlineSMOTE, ADASYN, RandomOverSampler]


def original(n=1000, d=10, seed=0, n_classes=2):
    weights = [0.9, 0.1] if n_classes == 2 else [0.7, 0.2, 0.1]
    return make_classification(
        n,
        d,
        n_informative=4,
        n_classes=n_classes,
        weights=weights,
        random_state=seed,
    )


def class_sorted(X, y):
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


@pytest.mark.parametrize("kind", ["raw", "scaled", "float32", "series", "scaled32"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_rows_of_a_sampler_look_resampled(sampler, kind):
    X, y = original()
    X = X.astype(np.float32) if "32" in kind else X
    X, y = sampler(random_state=0).fit_resample(X, y)
    X = StandardScaler().fit_transform(X) if "scaled" in kind else X
    X = X.reshape(len(X), 5, 2) if kind == "series" else X
    assert looks_resampled(X, y)


@pytest.mark.parametrize("n", [200, 6000])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_rows_look_resampled_whatever_the_number_of_rows(sampler, n):
    assert looks_resampled(*sampler(random_state=0).fit_resample(*original(n)))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_rows_of_several_classes_with_names_look_resampled(sampler):
    X, y = sampler(random_state=0).fit_resample(*original(n_classes=3))
    assert looks_resampled(X, np.array(["low", "middle", "high"])[y])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_rows_resampled_after_class_sorting_look_resampled(sampler):
    X, y = class_sorted(*original())
    assert looks_resampled(*sampler(random_state=0).fit_resample(X, y))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_wide_rows_look_resampled(sampler):
    assert looks_resampled(*sampler(random_state=0).fit_resample(*original(d=200)))


def healthy(name, rng, n, y):
    d = 6
    make = {
        "gaussian": lambda: rng.normal(size=(n, d)),
        "classification": lambda: original(n, d)[0],
        "counts": lambda: rng.poisson(2, (n, d)),
        "small integers": lambda: rng.integers(0, 3, (n, d)),
        "rounded": lambda: rng.normal(size=(n, d)).round(1),
        "one-hot": lambda: np.eye(5)[rng.integers(0, 5, (n, 2))].reshape(n, 10),
        "random walk": lambda: np.cumsum(rng.normal(size=(n, d)), axis=0),
        "windows": lambda: np.sin(0.01 * (np.arange(n)[:, None] + np.arange(d))),
        "ramp": lambda: np.arange(n)[:, None] * np.ones(d),
        "repeated": lambda: rng.normal(size=(n, d))[rng.integers(0, n // 2, n)],
        "rank two": lambda: rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)),
        "two columns": lambda: rng.normal(size=(n, 2)),
        "constant": lambda: np.ones((n, d)),
    }
    return make[name]()


HEALTHY = [
    "gaussian",
    "classification",
    "counts",
    "small integers",
    "rounded",
    "one-hot",
    "random walk",
    "windows",
    "ramp",
    "repeated",
    "rank two",
    "two columns",
    "constant",
]


@pytest.mark.parametrize(
    "order", ["shuffled", "class-sorted", "balanced", "late event"]
)
@pytest.mark.parametrize("name", HEALTHY)
def test_original_rows_do_not_look_resampled(name, order):
    alarms = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        n = (60, 200, 600)[seed % 3]
        y = (rng.random(n) < (0.5 if order == "balanced" else 0.1)).astype(int)
        y[:3] = 0, 1, 1
        if order == "balanced":
            y = np.arange(n) % 2
        X = healthy(name, rng, n, y)
        if order == "late event":
            y[-n // 5 :] = 1
        elif order != "shuffled":
            X, y = class_sorted(X, y)
        alarms.append(looks_resampled(X, y))
    assert not any(alarms)


def test_class_sorted_digits_do_not_look_resampled():
    assert not looks_resampled(*class_sorted(*load_digits(return_X_y=True)))


def test_a_sensor_stuck_at_an_earlier_row_does_not_look_resampled():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
    y[[3, -41]], y[-40:] = (1, 0), 1
    X[-40:] = X[3]
    assert not looks_resampled(X, y)


@pytest.mark.parametrize("n", [0, 1, 5, 12])
def test_tiny_data_do_not_look_resampled(n):
    X, y = np.random.default_rng(0).normal(size=(n, 4)), np.arange(n) >= n // 2
    assert not looks_resampled(X, y)


def test_a_single_class_does_not_look_resampled():
    assert not looks_resampled(np.random.default_rng(0).normal(size=(50, 4)), [0] * 50)


def test_lists_are_accepted():
    X, y = RandomOverSampler(random_state=0).fit_resample(*original(200))
    assert looks_resampled(X.tolist(), y.tolist())


@pytest.mark.parametrize("at_most", [7, 50, 1000])
def test_a_stratified_sample_keeps_the_share_of_each_class(at_most):
    y = np.random.default_rng(0).choice(["a", "b", "c"], 300, p=[0.8, 0.15, 0.05])
    sample = stratified_sample(y, at_most)
    assert len(sample) <= at_most
    assert (np.diff(sample) > 0).all()
    for label in "abc":
        expected = (y == label).sum() * len(sample) / len(y)
        assert abs((y[sample] == label).sum() - expected) <= 1


@law
@given(
    labels=st.lists(st.integers(-5000, 5000), min_size=1, max_size=60),
    dtype=st.sampled_from(["i2", "i4", "i8", "f8", "O"]),
)
def test_classes_are_those_of_numpy_unique(labels, dtype):
    y = np.array(labels, dtype=dtype)
    classes, codes = class_codes(y)
    np.testing.assert_array_equal(classes, np.unique(y))
    assert classes.dtype == y.dtype
    np.testing.assert_array_equal(classes[codes], y)


def test_classes_far_apart_are_told_apart():
    y = np.array([2**62, -(2**62), 2**62])
    assert class_codes(y)[0].tolist() == [-(2**62), 2**62]


def test_classes_of_narrow_whole_numbers_do_not_overflow():
    y = np.array([127, -128, 0], dtype=np.int8)
    assert class_codes(y)[0].tolist() == [-128, 0, 127]


# ---------------------------------------------------------------------------- in turn


@law
@given(CLASS_SIZES, FRACTIONS, st.integers(2, 12), st.integers(0, 9))
def test_parts_in_turn_leave_rows_of_every_class_on_both_sides(
    sizes, fraction, n_members, seed
):
    y = np.repeat(np.arange(len(sizes)), sizes)
    for train, held in parts_in_turn(y, fraction, n_members, seed):
        together = np.sort(np.concatenate([train, held]))
        np.testing.assert_array_equal(together, np.arange(len(y)))
        for part in (train, held):
            assert np.bincount(y[part], minlength=len(sizes)).min() > 0


@law
@given(CLASS_SIZES, st.floats(0.05, 0.9), st.integers(0, 9))
def test_every_row_has_its_turn_once_there_are_enough_members(sizes, fraction, seed):
    y = np.repeat(np.arange(len(sizes)), sizes)
    n_members = int(np.ceil(1 / fraction))
    parts = parts_in_turn(y, fraction, n_members, seed)
    seen = np.unique(np.concatenate([held for _, held in parts]))
    np.testing.assert_array_equal(seen, np.arange(len(y)))


def test_parts_in_turn_share_no_row_while_they_fit():
    y = np.repeat([0, 1], [90, 10])
    parts = parts_in_turn(y, 0.2, 5, random_state=0)
    held = np.concatenate([part for _, part in parts])
    np.testing.assert_array_equal(np.sort(held), np.arange(100))
    assert [np.bincount(y[part]).tolist() for _, part in parts] == [[18, 2]] * 5


@pytest.mark.parametrize("n_groups", [3, 4, 25])
def test_groups_have_their_turn_as_a_whole(n_groups):
    rng = np.random.default_rng(0)
    groups = rng.integers(n_groups, size=200)
    y = rng.integers(2, size=200)
    parts = parts_in_turn(y, 0.25, 4, random_state=0, groups=groups)
    for train, held in parts:
        assert len(held)
        assert not np.isin(groups[held], groups[train]).any()
    assert len(np.unique(np.concatenate([held for _, held in parts]))) == 200


@pytest.mark.parametrize(
    ("y", "groups", "message"),
    [
        ([0, 0, 0, 1], None, "Class 1 has 1 row"),
        ([0, 0, 1, 1], [0, 1, 2, 2], "rows of class 1 to train on"),
        ([0, 0, 1, 1], [0, 1], "groups has 2 entries, but y has 4"),
    ],
)
def test_parts_in_turn_say_what_hinders_them(y, groups, message):
    with pytest.raises(ValueError, match=message):
        parts_in_turn(y, 0.5, 2, random_state=0, groups=groups)


# --------------------------------------------------------------------- very many rows


@law
@given(st.integers(2, 300), st.floats(0, 1), st.integers(1, 50), st.integers(0, 9))
def test_the_smallest_draws_are_the_same_in_parts(n, share, at_once, seed):
    n_chosen = max(1, round(share * n))
    whole, parts = np.random.RandomState(seed), np.random.RandomState(seed)
    draws = np.random.RandomState(seed).random_sample(n)
    expected = draws <= np.sort(draws)[n_chosen - 1]
    chosen = many_rows.smallest_draws(whole, n, n_chosen)
    np.testing.assert_array_equal(chosen, expected)
    in_parts = many_rows.smallest_draws(parts, n, n_chosen, at_once)
    np.testing.assert_array_equal(in_parts, expected)
    assert whole.random_sample() == parts.random_sample()  # both go on alike


@law
@given(st.lists(st.integers(-3, 2), min_size=1, max_size=60), st.integers(1, 9))
def test_counts_and_samples_are_the_same_in_parts(values, size):
    codes = np.array(values, np.int8)
    pairs = codes + 3, np.arange(len(codes)) % 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many_rows, "_PART", size)
        np.testing.assert_array_equal(
            many_rows.count_codes(codes, 6, -3), np.bincount(pairs[0], minlength=6)
        )
        table = many_rows.count_pairs(*pairs, (6, 2))
        np.testing.assert_array_equal(
            table.ravel(), np.bincount(pairs[0] * 2 + pairs[1], minlength=12)
        )
        rows = np.flatnonzero(codes == codes[0])
        ranks = np.arange(0, len(rows), 2)
        found = many_rows.positions_of_ranks(codes, codes[0], ranks)
        np.testing.assert_array_equal(found, rows[ranks])
        sample = stratified_sample(codes, len(codes) // 2)
    np.testing.assert_array_equal(sample, stratified_sample(codes, len(codes) // 2))


def test_the_last_rows_are_marked_as_they_are_held_out():
    y = np.array([0, 1] * 20)
    held = last_mask(y, np.arange(2), 0.3)
    np.testing.assert_array_equal(np.flatnonzero(held), last_holdout(y, 0.3)[1])
    with pytest.raises(ValueError, match="leaves no row of class 1"):
        last_mask(np.sort(y), np.arange(2), 0.5)
    with pytest.raises(ValueError, match="rows of one group into both parts"):
        last_mask(y, np.arange(2), 0.3, np.zeros(40, int))
