"""Sick and healthy examples of the rules of hold-out and leakage."""

import numpy as np
from rule_examples.cases import healthy, sick

from skloss.diagnosis import Case
from skloss.record import SplitMetrics
from skloss.record.validation_shift import ValidationShift

BEHIND = SplitMetrics(
    (900, 100), ((850, 50), (70, 30))
)  # MCC 0.27 against 0.77 in training
OVERDONE = SplitMetrics((960, 40), ((780, 180), (4, 36)))  # 216 predicted, 40 true
NEARLY = SplitMetrics((960, 40), ((925, 35), (5, 35)))  # 70 predicted, 40 true
BALANCED = SplitMetrics((1800, 1800), ((1700, 100), (100, 1700)))
SPLIT = {"train": BALANCED, "val": SplitMetrics((900, 900))}


def rows(**facts):
    return sick(rows=facts)


def made(share, null=0.0, shared=0.0, **parts):
    facts = {"synthetic_share": share, "synthetic_null": null, "shared_share": shared}
    return sick(**({"rows": facts} | parts))


def given(scale=1.0, offset=0.0, column_scale=1.0, column_offset=0.0, **parts):
    """Validation rows that were given to a fit, of which no facts are measured."""
    shift = ValidationShift(scale, offset, 3, column_scale, column_offset, 10)
    return sick(**({"shift": shift, "rows": None, "val": BEHIND} | parts))


def tail(train, val, **facts):
    return sick(
        holdout="tail", train=SplitMetrics(train), val=SplitMetrics(val), rows=facts
    )


def sides(train, val, **parts):
    return sick(**({"train": SplitMetrics(train), "val": SplitMetrics(val)} | parts))


def counted(train, val, predicted=100, val_loss=0.2):
    """Curves of the counts of positives and negatives, and of the validation loss."""
    found = min(predicted, val[0])
    wrong = predicted - found
    last = {"tp": train[0], "fn": 0, "fp": 0, "tn": train[1]}
    last |= {"val_tp": found, "val_fn": val[0] - found}
    last |= {"val_fp": wrong, "val_tn": val[1] - wrong, "val_loss": val_loss}
    return Case(curves={name: np.full(5, float(end)) for name, end in last.items()})


def shifted(scale=1.0, offset=0.0, auc=0.95, **parts):
    facts = {"shift_scale": scale, "shift_offset": offset, "shift_auc": auc}
    return sick(**({"rows": facts} | parts))


SICK: dict[str, list[Case]] = {
    "ungrouped-holdout": [
        sick(holdout="pipeline", holdout_groups="missed"),
        sick(holdout="pipeline", holdout_groups="none", search={"is_grouped": True}),
    ],
    "resample-before-split": [
        made(0.9, **SPLIT),
        made(0.9, shared=0.45, **SPLIT),  # copies
        made(
            0.31, train=SplitMetrics((3600, 1200)), val=SplitMetrics((900, 300))
        ),  # up to a third
        made(0.8, null=0.3, **SPLIT),
        sick(is_resampled=True, holdout="internal"),
        sick(is_resampled=True, holdout="tail"),
        sick(is_resampled=True, holdout="tail", samplers=("NearMiss",)),
    ],
    "unshuffled-tail-validation": [
        tail((900, 0), (0, 300), label_order_z=34.0),
        tail((500, 100, 0), (0, 50, 250), label_order_z=20.0),
        tail((900, 100), (240, 60)),  # shares of 10 and 20 %
        tail((900, 100), (270, 30), shift_auc=0.70),
        tail((900, 100), (270, 30), label_order_z=4.1),  # context
    ],
    "minority-absent": [
        sides((3600, 400), (1000, 0)),
        sides((400, 300, 60), (100, 80, 0)),
        sides((400, 300, 1), (100, 80, 3)),
        sides((4000, 20), (100, 0)),  # fewer than one expected: context
    ],
    "train-rows-in-validation": [
        rows(shared_share=0.2),
        rows(shared_share=0.011),
        rows(shared_share=1.0),  # of other number than the training rows
        rows(shared_share=0.5, duplicate_share=0.1),
    ],
    "test-scaling-mismatch": [
        shifted(scale=2.51),
        shifted(scale=255.0, auc=1.0),
        shifted(scale=1 / 255, auc=1.0),
        shifted(offset=1.51),
        given(scale=4.1),
        given(offset=5.1),
        given(scale=1 / 1000, offset=5000.0),
        given(column_offset=20.1),
        given(column_scale=1 / 21),
        given(offset=5.1, val=None),  # whether it harms is not known: context
    ],
    "feature-shift": [
        shifted(auc=0.66, val=BEHIND),
        shifted(auc=0.66),  # without harm: context
    ],
    "train-val-prior-shift": [
        sick(train=BALANCED, val=OVERDONE),
        sick(train=BALANCED, val=NEARLY),  # context
        sick(train=BALANCED, val=NEARLY, training={"monitor": "val_loss"}),
        sick(train=BALANCED, val=OVERDONE, is_honest=True),  # context
        sides((1000, 1000, 1000), (800, 150, 50), training={"monitor": "val_loss"}),
        counted((540, 500), (100, 1000), val_loss=0.31),  # a guess has 0.305
        counted((540, 500), (100, 1000), predicted=201),
        counted((540, 500), (100, 1000)),  # context
    ],
    "noisy-validation": [
        sides((3600, 400), (900, 9), training={"monitor": "val_auc"}),
        sides((3600, 400), (900, 9), stop_reason="early_stopping"),
        sides((3600, 400), (900, 29)),  # context
    ],
    "no-validation": [
        sick(
            val=None,
            holdout="none",
            curves={name: None for name in healthy().curves if name.startswith("val_")},
        ),
        Case(curves={"loss": healthy().curves["loss"]}),
    ],
}
HEALTHY: dict[str, list[Case]] = {
    "ungrouped-holdout": [
        sick(holdout_groups="kept", search={"is_grouped": True}),
        sick(holdout_groups="none", search={"is_grouped": None}),
        sick(holdout_groups="none"),
    ],
    "resample-before-split": [
        made(0.29, **SPLIT),
        made(0.5, null=0.45, **SPLIT),  # coarse columns: lines everywhere
        made(0.10, val=SplitMetrics((900, 10))),  # one of ten rows
        made(0.6, shared=0.2),  # a class that repeats itself, rare as ever
        sick(is_resampled=True, holdout="pipeline"),
        sick(is_resampled=True, holdout="given"),
    ],
    "unshuffled-tail-validation": [
        tail((900, 100), (270, 30), label_order_z=3.9),
        tail((900, 100), (270, 30), label_order_z=15.0),  # runs, shares alike
        tail((900, 100), (258, 42)),  # 4 points more, under 3 standard errors
        tail((9000, 1000), (2700, 300), shift_auc=0.64),
        tail((990, 10), (300, 0)),  # 2 expected
        tail((45, 45), (15, 15), shift_auc=0.7, shift_error=0.1),
    ],
    "minority-absent": [
        sides((4000, 20), (100, 0)),
        sides((30, 10), (15, 0)),  # 15 validation rows
        sides((3600, 2), (900, 1)),
        sides(tuple([100] * 21 + [1]), tuple([30] * 21 + [1])),
    ],
    "train-rows-in-validation": [
        rows(shared_share=0.01),
        rows(shared_share=0.4, duplicate_share=0.21),
        rows(shared_share=1.0, n_rows=1000),  # the training rows, on purpose
        rows(shared_share=1.0, duplicate_share=0.9),
        sick(rows={"shared_share": 0.02}, val=SplitMetrics((90, 10))),  # two rows
    ],
    "test-scaling-mismatch": [
        shifted(scale=2.5, offset=1.5),
        shifted(scale=0.41),
        shifted(scale=3.0, auc=0.79),
        sick(rows={"shift_scale": 3.5, "shift_auc": 0.85, "shift_error": 0.1}),
        given(scale=4.0, offset=5.0, column_scale=4.0, column_offset=19.9),
        given(scale=0.26, column_scale=0.06),
        given(scale=9.0, val=healthy().val),  # as good as on the training rows
    ],
    "feature-shift": [
        shifted(auc=0.65, val=BEHIND),
        shifted(auc=0.9),
        sick(rows={"shift_auc": 0.7, "shift_error": 0.05}, val=BEHIND),
    ],
    "train-val-prior-shift": [
        sick(train=BALANCED, val=NEARLY),
        sick(train=BALANCED, val=OVERDONE, is_honest=True),
        sides((3600, 400), (850, 150), training={"monitor": "val_auc"}),
        sides((3600, 400), (870, 130), training={"monitor": "val_loss"}),  # 3 points
        sides((36, 4), (7, 3), training={"monitor": "val_loss"}),  # by chance
        counted((540, 500), (100, 1000)),
        counted((104, 896), (96, 904), val_loss=9.0),
        counted((6, 4), (2, 8), val_loss=9.0),  # by chance
    ],
    "noisy-validation": [
        sides((3600, 400), (900, 30), training={"monitor": "val_loss"}),
        sides((3600, 400), (900, 10), stop_reason="early_stopping"),
        sides((3600, 400), (900, 9)),
        sides((3600, 400), (900, 9), training={"monitor": "loss"}),
    ],
    "no-validation": [sick(val=None), sick(holdout=None, val=None)],
}
