"""What is said about trainings that people asked about, given what they printed."""

import pytest
from diagnosis.seed_histories import LINEAR_STACK_ON_RARE_EVENTS

from skloss.diagnosis import Case, examine, signs
from skloss.sources.curves import read_curves


@pytest.fixture(scope="module")
def printed():
    curves, notes = read_curves(LINEAR_STACK_ON_RARE_EVENTS)
    assert notes == ()
    return Case(curves=curves)


def flat(findings):
    for finding in findings:
        yield finding
        yield from flat(finding.explains)


def test_all_its_curves_are_understood(printed):
    assert printed.n_epochs == 50
    assert set(printed.curves) == {
        side + name
        for side in ("", "val_")
        for name in ("loss", "accuracy", "precision", "recall", "f1")
    }


def test_it_does_not_overfit(printed):
    alarms = {f.name for f in flat(examine(printed).findings) if f.is_alarm}
    assert not alarms & {"overfit", "mild-overfit-late", "train-val-gap"}


def test_it_never_finds_the_minority_and_its_loss_is_that_of_a_guess(printed):
    alarms = {f.name: f for f in flat(examine(printed).findings) if f.is_alarm}
    guess = alarms["loss-at-constant-guess"]
    assert guess.evidence["final training loss"].value == pytest.approx(0.102, abs=5e-4)
    assert guess.evidence["loss of a constant guess"].value == "0.106 to 0.126"
    evidence = signs.never_predicts_minority(printed)
    assert evidence["validation recall"] == (0.0, "")
    assert evidence["validation accuracy"] == pytest.approx(0.963, abs=5e-4)


def test_its_accuracies_tell_the_share_of_positives_on_both_sides(printed):
    low, high = signs.prior_from_curves(printed)
    assert (low, high) == pytest.approx((0.022, 0.028), abs=5e-4)
    train, val = signs.prior_shift_from_curves(printed)
    assert train == (low, high)
    assert val == pytest.approx(0.037, abs=5e-4)


def test_no_shift_is_seen_where_accuracies_agree():
    changed = dict(LINEAR_STACK_ON_RARE_EVENTS)
    changed["val_acc"] = changed["acc"]
    changed["val_loss"] = changed["loss"]
    assert signs.prior_shift_from_curves(Case(curves=read_curves(changed)[0])) is None


def test_counts_tell_the_share_exactly():
    counts = {"tp": 1, "fn": 1, "fp": 2, "tn": 6}
    case = Case(curves=read_curves({name: [n] * 3 for name, n in counts.items()})[0])
    assert signs.prior_from_curves(case) == pytest.approx((0.2, 0.2))


@pytest.mark.parametrize(
    "changed",
    [
        {"val_recall": [0.0] * 49 + [0.01]},
        {"val_acc": [1.0] * 50},  # there is no positive to find
        {"val_acc": [0.3] * 50},  # only positives are predicted
    ],
)
def test_the_minority_is_missed_only_where_there_is_one_and_none_is_found(changed):
    curves, _ = read_curves(LINEAR_STACK_ON_RARE_EVENTS | changed)
    assert signs.never_predicts_minority(Case(curves=curves)) is None


def test_nothing_is_told_by_curves_of_a_loss_alone():
    case = Case(curves=read_curves({"loss": [0.7, 0.6, 0.5]})[0])
    assert signs.never_predicts_minority(case) is None
    assert signs.prior_from_curves(case) is None
    assert signs.prior_shift_from_curves(case) is None
