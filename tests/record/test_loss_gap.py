"""The parts of a gap by formula: sums, closed forms, and standard errors."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import entropy

from skloss.record.gap_measurement import RowLosses, TrainingMode, measured_gap
from skloss.record.loss_gap import GapPart, LossGap

QUARTER = np.array([0, 0, 0, 1] * 25)
HALVES = np.array([0, 1] * 100)


def nats(gap, name):
    return gap.find(name).nats


def guessed(codes, guess):
    return RowLosses(codes, -np.log(np.asarray(guess))[codes])


def rows_of(rng, n, **parts):
    codes = np.arange(n) % 2
    return RowLosses(codes, rng.exponential(size=n), **parts)


def test_constant_guesser_has_entropy_and_divergence_and_no_generalization():
    guess = [0.9, 0.1]
    trained, held = guessed(HALVES, guess), guessed(QUARTER, guess)
    printed = entropy([0.5, 0.5]) + rel_entr([0.5, 0.5], guess).sum()
    validation = entropy([0.75, 0.25]) + rel_entr([0.75, 0.25], guess).sum()
    original = guessed(QUARTER, guess)
    gap = measured_gap(
        0, printed, validation, 2, trained=trained, held_out=held, original=original
    )
    assert nats(gap, "prior") == pytest.approx(validation - printed, abs=1e-12)
    others = [part.nats for part in gap.parts if part.name != "prior"]
    assert others == pytest.approx([0] * len(others), abs=1e-12)


def test_shifted_prior_costs_the_shift_times_the_losses_of_the_classes():
    means = np.array([0.2, 1.7])
    trained, held = RowLosses(HALVES, means[HALVES]), RowLosses(QUARTER, means[QUARTER])
    gap = measured_gap(0, 0.95, 0.575, 2, trained=trained, held_out=held)
    assert nats(gap, "prior") == pytest.approx((1.7 - 0.2) * (0.25 - 0.5), abs=1e-12)
    assert nats(gap, "generalization") == pytest.approx(0, abs=1e-12)


def test_each_planted_cause_is_the_part_of_its_name_and_no_other():
    rng = np.random.default_rng(0)
    plain = rng.exponential(size=200)
    weight, own = rng.uniform(0, 3, 200), plain**2
    trained = RowLosses(HALVES, plain, own=own, weight=weight)
    held = RowLosses(HALVES, plain + 0.3, own=own)
    mode = TrainingMode(0.5, 0.25, 0.01, ("dropout",))
    printed = np.mean(weight * own) + 0.5 + 0.25 - 0.1
    gap = measured_gap(
        3, printed, own.mean(), 2, trained=trained, held_out=held, mode=mode
    )
    expected = {
        "penalties": -0.5,
        "moving_weights": 0.1,
        "training_mode": -0.25,
        "weights": own.mean() - np.mean(weight * own),
        "loss_function": plain.mean() - (plain + 0.3).mean(),
        "resampling": 0.0,
        "prior": 0.0,
        "generalization": 0.3,
    }
    found = {part.name: part.nats for part in gap.parts}
    assert found == pytest.approx(expected, abs=1e-9)
    assert gap.find("training_mode").title == "dropout"


def test_what_stands_in_both_losses_is_no_part_of_the_gap():
    rng = np.random.default_rng(0)
    trained, held = rows_of(rng, 100), rows_of(rng, 80)
    losses = trained.crossentropy.mean() + 0.7, held.crossentropy.mean() + 0.7
    mode = TrainingMode(0.7, held_penalty=0.7)
    gap = measured_gap(0, *losses, 2, trained=trained, held_out=held, mode=mode)
    assert nats(gap, "penalties") == pytest.approx(0)
    assert gap.find("penalties").is_absent


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_classes=st.integers(2, 4),
    has=st.tuples(*[st.booleans()] * 6),
    unknown=st.sets(
        st.sampled_from(["unpenalized", "training_mode", "inference", "unweighted"])
    ),
)
def test_parts_add_up_whatever_is_known(seed, n_classes, has, unknown):
    rng = np.random.default_rng(seed)

    def side(n):
        codes = rng.integers(n_classes, size=n)
        own, weight, groups = rng.exponential(size=(2, n)), rng.random(n), None
        if has[2]:
            groups = rng.integers(5, size=n)
        return RowLosses(
            codes,
            own[0],
            own[1] if has[0] else None,
            weight if has[1] else None,
            groups,
        )

    mode = TrainingMode(0.1, None if has[4] else 0.2, 0.02) if has[3] else None
    gap = measured_gap(
        0,
        0.3,
        rng.random(),
        n_classes,
        trained=side(30),
        held_out=side(20),
        original=side(25) if has[5] else None,
        mode=mode,
        unknown=dict.fromkeys(unknown, "not given"),
    )
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-9)
    causes = [cause for part in gap.parts for cause in part.causes]
    assert len(causes) == len(set(causes))
    assert all(part.error is None or part.error >= 0 for part in gap.parts)
    again = LossGap.from_dict(json.loads(json.dumps(gap.to_dict(), allow_nan=False)))
    assert again == gap


@pytest.mark.parametrize("n", [150, 3000])
def test_error_of_generalization_is_that_of_a_difference_of_means(n):
    rng = np.random.default_rng(1)
    trained, held = (RowLosses(np.zeros(n, int), rng.normal(1, 2, n)) for _ in "tv")
    gap = measured_gap(0, 1.0, 1.0, 1, trained=trained, held_out=held)
    expected = 2 * np.sqrt(2 / n)
    assert gap.find("generalization").error == pytest.approx(expected, rel=0.25)
    assert gap.total_error == pytest.approx(expected, rel=0.25)


def test_error_over_groups_counts_groups_not_rows():
    rng = np.random.default_rng(2)
    of_group = rng.normal(1, 1, 40)
    groups = np.repeat(np.arange(40), 25)
    one = RowLosses(np.zeros(1000, int), of_group[groups], groups=groups)
    other = RowLosses(np.zeros(1000, int), np.ones(1000), groups=groups)
    gap = measured_gap(0, 1.0, 1.0, 1, trained=other, held_out=one)
    expected = of_group.std(ddof=1) / np.sqrt(40)
    assert gap.find("generalization").error == pytest.approx(expected, rel=0.25)
    assert gap.unit == "groups"


def test_error_is_unknown_with_one_group():
    rng = np.random.default_rng(2)
    held = rows_of(rng, 20, groups=np.zeros(20, int))
    gap = measured_gap(0, 1.0, 1.0, 2, trained=rows_of(rng, 20), held_out=held)
    assert gap.find("generalization").error is None


def test_parts_on_the_same_rows_are_paired():
    rng = np.random.default_rng(3)
    plain = rng.normal(5, 3, 400)
    trained = RowLosses(HALVES.repeat(2), plain, own=plain + 0.1)
    held = rows_of(rng, 50)
    gap = measured_gap(0, plain.mean(), 1.0, 2, trained=trained, held_out=held)
    assert nats(gap, "loss_function") == pytest.approx(-0.1)
    assert gap.find("loss_function").error < 1e-9
    assert gap.find("moving_weights").error < 1e-9


def test_rows_without_weight_do_not_count_even_if_their_loss_is_infinite():
    loss = np.array([1.0, 3.0, np.inf])
    trained = RowLosses(np.zeros(3, int), loss, weight=np.array([1.0, 1.0, 0.0]))
    held = RowLosses(np.zeros(2, int), np.ones(2))
    gap = measured_gap(0, 4 / 3, 1.0, 1, trained=trained, held_out=held)
    assert nats(gap, "moving_weights") == pytest.approx(0)
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total)
    assert "not finite" in gap.not_assessed["weights"]


def test_class_that_was_never_trained_on_leaves_the_rest_in_one_part():
    rng = np.random.default_rng(0)
    trained = RowLosses(np.zeros(30, int), rng.random(30))
    held = RowLosses(np.arange(20) % 2, rng.random(20))
    gap = measured_gap(
        0, trained.crossentropy.mean(), 0.9, 2, trained=trained, held_out=held
    )
    unsplit = gap.find("unsplit")
    assert unsplit.causes == ("prior", "generalization")
    assert "has no row trained on" in gap.not_assessed["prior"]
    assert "Not told apart: a class" in gap.to_text()


@pytest.mark.parametrize("losses", [(np.nan, 1.0), (1.0, np.inf)])
def test_losses_that_are_not_finite_have_no_gap(losses):
    rows = rows_of(np.random.default_rng(0), 10)
    with pytest.raises(ValueError, match="not finite"):
        measured_gap(0, *losses, 2, trained=rows, held_out=rows)


def test_sentence_names_large_parts_and_first_suspects():
    parts = (
        GapPart("moving_weights", 0.002, 0.001, "weights still moving"),
        GapPart("training_mode", -0.002, 0.02, "dropout"),
        GapPart("resampling", 0.0, 0.01, "rows made by SMOTE"),
        GapPart("prior", 0.04, 0.01, "SMOTE's prior"),
        GapPart("generalization", 1.43, 0.2, "groups never seen"),
    )
    gap = LossGap(0.01, 1.48, parts)
    assert gap.sentence == (
        "Of the gap of 1.47 nats, 0.00 come from dropout, 0.04 from SMOTE's prior, "
        "1.43 from groups never seen."
    )
    assert LossGap(1.0, 1.0, ()).sentence.endswith("are equal.")


def test_html_escapes_names():
    parts = (GapPart("prior", 0.5, 0.1, "<b>'s prior"),)
    html = LossGap(0.0, 0.5, parts)._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
