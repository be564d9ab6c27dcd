"""What is said about trainings that people asked about, given what they printed."""

import pytest
from user_questions.question_histories import LINEAR_STACK_ON_RARE_EVENTS

from skloss.diagnosis import Case, examine
from skloss.diagnosis.evidence import symptoms
from skloss.record import Layer, SplitMetrics, Training
from skloss.record.history import read_curves


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
    assert not alarms & {"overfit", "overconfident-probabilities", "train-val-gap"}


def test_it_never_finds_the_minority_and_its_loss_is_that_of_a_guess(printed):
    alarms = {f.name: f for f in flat(examine(printed).findings) if f.is_alarm}
    guess = alarms["loss-at-constant-guess"]
    assert guess.evidence["final training loss"].value == pytest.approx(0.102, abs=5e-4)
    bounds = guess.evidence["loss of a constant guess"].value
    assert bounds == pytest.approx((0.106, 0.126), abs=5e-4)
    evidence = symptoms.never_predicts_minority(printed)
    assert evidence["validation recall"] == (0.0, "")
    assert evidence["validation accuracy"] == pytest.approx(0.963, abs=5e-4)


def test_its_accuracies_tell_the_share_of_positives_on_both_sides(printed):
    low, high = symptoms.prior_from_curves(printed)
    assert (low, high) == pytest.approx((0.022, 0.028), abs=5e-4)
    train, val = symptoms.prior_shift_from_curves(printed)
    assert train == (low, high)
    assert val == pytest.approx(0.037, abs=5e-4)


def test_no_shift_is_seen_where_accuracies_agree():
    changed = dict(LINEAR_STACK_ON_RARE_EVENTS)
    changed["val_acc"] = changed["acc"]
    changed["val_loss"] = changed["loss"]
    assert (
        symptoms.prior_shift_from_curves(Case(curves=read_curves(changed)[0])) is None
    )


def test_counts_tell_the_share_exactly():
    counts = {"tp": 1, "fn": 1, "fp": 2, "tn": 6}
    case = Case(curves=read_curves({name: [n] * 3 for name, n in counts.items()})[0])
    assert symptoms.prior_from_curves(case) == pytest.approx((0.2, 0.2))


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
    assert symptoms.never_predicts_minority(Case(curves=curves)) is None


def test_nothing_is_told_by_curves_of_a_loss_alone():
    case = Case(curves=read_curves({"loss": [0.7, 0.6, 0.5]})[0])
    assert symptoms.never_predicts_minority(case) is None
    assert symptoms.prior_from_curves(case) is None
    assert symptoms.prior_shift_from_curves(case) is None


def alarms_at_the_top(case):
    return [finding.name for finding in examine(case).findings if finding.is_alarm]


def test_its_curves_alone_name_the_collapse_and_the_split(printed):
    assert alarms_at_the_top(printed) == ["majority-collapse", "train-val-prior-shift"]


def test_with_its_configuration_linear_stack_and_dropout_come_first(printed):
    hidden = [Layer("dense", f"dense {i}", "linear", 7) for i in range(11)]
    rates = [0.5] + [0.2] * 10
    dropped = [Layer("dropout", f"dropout {i}", rate=r) for i, r in enumerate(rates)]
    pairs = [layer for pair in zip(hidden, dropped, strict=True) for layer in pair]
    configured = Case(
        curves=printed.curves,
        layers=(*pairs, Layer("dense", "output", "sigmoid", 1)),
        task="binary",
        n_classes=2,
        training=Training(
            loss="binary_crossentropy",
            from_logits=False,
            optimizer="adam",
            learning_rate=1e-3,
            epochs=50,
            batch_size=128,
            class_weight_kind="ndarray",
            class_weight={"0": 0.5, "1": 10.0},
            validation_split=0.2,
        ),
        holdout="tail",
    )
    found = examine(configured).findings
    assert {"linear-stack", "dropout-excess"} == {f.name for f in found[:2]}
    dropout = next(f for f in found if f.name == "dropout-excess")
    kept = dropout.evidence["paths kept"]
    assert (kept.value, kept.unit) == (pytest.approx(100 * 0.5 * 0.8**10), "%")
    names = {f.name for f in flat(found) if f.is_alarm}
    assert {"class-weight-without-effect", "majority-collapse"} <= names
    assert "overfit" not in names


def test_balanced_training_rows_and_a_double_sigmoid_in_order_of_harm():
    layers = (
        Layer("conv", "conv1d", "relu", 32, 3, activity_l2=5e-4),
        Layer("conv", "conv1d_1", "relu", 16, 3, activity_l2=5e-4),
        Layer("pool", "pool", pooling="max"),
        Layer("conv", "conv1d_2", "relu", 8, 3, activity_l2=5e-4),
        Layer("conv", "conv1d_3", "relu", 8, 3, activity_l2=5e-4),
        Layer("pool", "pool_1", pooling="max"),
        Layer("flatten", "flatten"),
        Layer("dense", "dense", "relu", 10),
        Layer("dropout", "dropout", rate=0.25),
        Layer("dense", "dense_1", "sigmoid", 1),
    )
    metrics = ("f1_m", "precision_m", "recall_m", "matthews_correlation", "accuracy")
    case = Case(
        layers=layers,
        task="binary",
        n_classes=2,
        training=Training(
            loss="binary_crossentropy",
            from_logits=True,
            optimizer="adam",
            learning_rate=1e-4,
            epochs=100,
            batch_size=64,
            metrics=metrics,
            batch_metrics=metrics[:-1],
        ),
        train=SplitMetrics((27_000, 27_000)),
        val=SplitMetrics((5_810, 542)),
        holdout="given",
        origin="keras",
    )
    assert alarms_at_the_top(case) == [
        "train-val-prior-shift",
        "batchwise-metric",
        "sigmoid-with-from-logits",
    ]
