"""Sick and healthy examples of what came out."""

import numpy as np
from rule_examples.cases import sick

from skloss.diagnosis import Case
from skloss.record import SplitMetrics

EPOCHS = np.arange(30)
# Of 1,000 validation rows with 100 positives.
NOTHING = ((900, 0), (100, 0))
RISING = 0.3 + 0.2 * np.exp(-EPOCHS / 2) + 0.006 * np.maximum(EPOCHS - 8, 0)
FALLING = 0.35 * np.exp(-EPOCHS / 6)
# A network that learns its 200 rows by heart, and validation rows never.
BY_HEART_CURVES = {
    "loss": 0.7 * np.exp(-EPOCHS / 4),
    "val_loss": 0.69 + 0.01 * np.sin(EPOCHS),
    "accuracy": 1 - 0.5 * np.exp(-EPOCHS / 4),
    "val_accuracy": np.full(30, 0.52),
}
APART = {"accuracy": 1 - 0.2 * np.exp(-EPOCHS / 6)}
NEVER = {"val_f1": np.zeros(30), "val_accuracy": np.full(30, 0.93)}
LOSING = {"val_accuracy": 0.85 - 0.004 * EPOCHS, "val_mcc": 0.6 - 0.01 * EPOCHS}
LOSING_MCC = {"val_accuracy": np.full(30, 0.85), "val_mcc": 0.6 - 0.01 * EPOCHS}
HOLDING = {"val_accuracy": np.full(30, 0.85), "val_mcc": np.full(30, 0.6)}


def bare(*parts):
    """A training of which only curves are known."""
    curves = {"loss": FALLING, "val_loss": RISING}
    for part in parts:
        curves |= part
    return Case(curves={name: np.asarray(curve) for name, curve in curves.items()})


def counted(n_rare):
    """So many rare rows held out, of which half are found in every epoch."""
    counts = {"tp": n_rare // 2, "fn": n_rare - n_rare // 2, "fp": 20, "tn": 880}
    return {f"val_{name}": np.full(30, float(n)) for name, n in counts.items()}


def as_sure(**val):
    """A loss that rose, with what the predictions of 1,000 rows tell of it."""
    curves = {"val_loss": RISING, "loss": FALLING, **APART, **HOLDING}
    return sick(curves=curves, val={"loss": 0.4, **val})


BY_HEART = {"train": {"confusion": ((3600, 0), (0, 400)), "roc_auc": 1.0}}


def behind(network, linear, mcc_table=((3500, 100), (250, 150))):
    rows = {"network_score": network, "linear_score": linear, "tree_score": linear}
    return sick(rows=rows, train={"confusion": mcc_table})


def flat(**rows):
    return sick(curves={"loss": np.full(30, 0.3)}, rows=rows)


def weighted_to(weight, confusion=((750, 150), (5, 95))):
    """Positives, of which there are a ninth as many, weigh so many times as much."""
    training = {"class_weight_kind": "dict", "class_weight": {"0": 1.0, "1": weight}}
    return sick(training=training, val={"confusion": confusion})


def never_predicted(n_minority, roc_auc, **parts):
    """Of 800 validation rows so many positives, none of them predicted."""
    n = 800 - n_minority
    table = ((n, 0), (n_minority, 0))
    val = {"counts": (n, n_minority), "confusion": table, "roc_auc": roc_auc}
    return sick(val=val, **parts)


def inflated(mean, counts=(3600, 400), **training):
    """Mean probability of the rare class, which a tenth of the rows belong to."""
    return sick(
        train=SplitMetrics(counts),
        val=SplitMetrics((900, 100), mean_probability=(1 - mean, mean)),
        training=training,
    )


SICK = {
    "majority-collapse": [
        never_predicted(13, 0.6),
        sick(val={"confusion": NOTHING, "roc_auc": 0.52}),
        sick(val={"confusion": ((892, 8), (99, 1)), "roc_auc": 0.55}),
    ],
    "threshold-not-tuned": [
        sick(val={"confusion": NOTHING, "roc_auc": 0.92}),
        never_predicted(13, 0.979),
    ],
    "all-positive": [
        sick(val={"confusion": ((100, 800), (5, 95)), "roc_auc": 0.6}),
        weighted_to(28.0),
    ],
    "underfit": [behind(0.40, 0.60), behind(0.399, 0.50)],
    "plateau-above-floor": [flat(network_score=0.4)],
    "plateau-at-floor": [flat()],
    "overfit": [
        sick(
            curves={"val_loss": RISING, "loss": FALLING},
            val={"confusion": ((880, 20), (60, 40)), "roc_auc": 0.80},
            **BY_HEART,
        ),
        bare(),
        bare(APART, LOSING),
        bare(APART, LOSING_MCC, counted(50)),
        bare(BY_HEART_CURVES),
        bare(APART, NEVER),
    ],
    "train-val-gap": [
        # No other learner does better, and a constant guess has a lower loss.
        sick(
            val={
                "confusion": ((850, 50), (96, 4)),
                "roc_auc": 0.52,
                "loss": 1.5,
            },
            rows={"network_score": 0.1, "linear_score": 0.1, "tree_score": 0.12},
            **BY_HEART,
        ),
        sick(
            val={"confusion": ((850, 50), (96, 4)), "roc_auc": 0.52},
            rows={"network_score": 0.1},
            **BY_HEART,
        ),
    ],
    "inflated-probabilities": [
        inflated(0.3, counts=(3600, 3600)),
        inflated(0.25, class_weight_kind="balanced"),
        inflated(0.3, loss="logit_adjusted"),
    ],
    "overconfident-probabilities": [
        sick(curves={"val_loss": RISING, "loss": FALLING, **APART, **HOLDING}),
        bare(APART, HOLDING),
        as_sure(temperature=2.0, temperature_gain=0.1),
        # An MCC that falls by 0.26 is two rare rows of nine: a chance.
        bare(APART, LOSING_MCC, counted(9)),
    ],
    "early-stopping-too-early": [
        sick(
            training={"patience": 0, "epochs": 100, "monitor": "val_loss"},
            curves={"loss": 0.6 * 0.9**EPOCHS},
            rows={"network_score": 0.4},
        )
    ],
    "val-loss-misleads": [
        sick(
            curves={
                "val_loss": 0.2 + 0.01 * EPOCHS,
                "val_mcc": np.linspace(0.1, 0.8, 30),
            },
            training={"monitor": "val_loss"},
            stop_reason="early_stopping",
        )
    ],
    "val-better-than-train-dropout": [
        sick(
            layers=(
                *sick().layers[:1],
                sick().layers[0].__class__("dropout", "dropout", rate=0.5),
                *sick().layers[1:],
            ),
            curves={"val_loss": 0.8 * sick().curves["loss"]},
        )
    ],
    "class-weight-loss-scale": [
        sick(
            training={"class_weight_kind": "dict", "class_weight": {"0": 1.0, "1": 9.0}}
        )
    ],
    "incomparable-curves": [sick(train={"counts": (2000, 2000)})],
    "too-little-data": [
        sick(rows={"linear_scores_by_size": ((500, 0.4, 0.02), (1000, 0.5, 0.02))})
    ],
}
HEALTHY = {
    "majority-collapse": [
        *(never_predicted(n, 0.9) for n in range(10, 17)),
        sick(val={"confusion": NOTHING, "roc_auc": 0.92}),
        sick(val={"confusion": ((890, 10), (98, 2)), "roc_auc": 0.55}),
        sick(val={"counts": (900, 9), "confusion": ((900, 0), (9, 0)), "roc_auc": 0.5}),
    ],
    "threshold-not-tuned": [sick(val={"confusion": NOTHING, "roc_auc": 0.52})],
    "all-positive": [
        sick(val={"confusion": ((700, 200), (5, 95))}),
        sick(val={"confusion": ((450, 450), (5, 95))}),
        weighted_to(26.0),
        weighted_to(28.0, ((882, 18), (28, 72))),
    ],
    "underfit": [
        behind(0.51, 0.60),
        behind(0.40, 0.60, ((3600, 0), (0, 400))),
        sick(rows={"network_score": 0.55, "tree_score": 0.70}),
    ],
    "plateau-above-floor": [flat(network_score=0.66)],
    "plateau-at-floor": [flat(network_score=0.99, linear_score=0.99)],
    "overfit": [
        # The loss rises, the predictions stay as good: over-confidence only.
        sick(curves={"val_loss": RISING, "loss": FALLING}),
        bare(APART, HOLDING),
        bare({"val_loss": 0.3 + 0.1 * np.sin(9.0 * EPOCHS)}),  # noise
        bare({"val_loss": 0.3 + 0.003 * EPOCHS, "loss": np.full(30, 0.3)}),
        # A single bad epoch.
        sick(
            curves={"val_loss": np.r_[FALLING[:-1], 0.9], "loss": FALLING}, **BY_HEART
        ),
        # The best weights were restored.
        sick(
            curves={"val_loss": RISING, "loss": FALLING},
            training={"restore_best": True},
            val={"confusion": ((880, 20), (60, 40)), "roc_auc": 0.80},
            **BY_HEART,
        ),
        bare(APART, LOSING_MCC, counted(9)),
    ],
    "train-val-gap": [
        sick(**BY_HEART),
        # As wide a gap, but no other learner does better on these rows.
        sick(
            val={"confusion": ((850, 50), (96, 4)), "roc_auc": 0.52},
            rows={"network_score": 0.1, "linear_score": 0.1, "tree_score": 0.12},
            **BY_HEART,
        ),
        sick(val={"confusion": ((890, 10), (45, 55)), "roc_auc": 0.9}, **BY_HEART),
    ],
    "inflated-probabilities": [
        inflated(0.11, counts=(3600, 3600)),  # as after a correction of the prior
        inflated(0.14, class_weight_kind="balanced"),
        inflated(0.3),  # too high, but not by the prior of training
        inflated(0.1, loss="logit_adjusted"),
    ],
    "overconfident-probabilities": [
        bare(APART, NEVER),  # no decision was ever good
        sick(),
        bare({"val_loss": 0.3 + 0.1 * np.sin(9.0 * EPOCHS)}, HOLDING),  # noise
        bare({"loss": np.full(30, 0.3)}, HOLDING),  # nothing is learned meanwhile
        # The loss rose by a row or two: no temperature makes the others better.
        as_sure(temperature=1.2, temperature_gain=0.001),
        as_sure(temperature=0.8, temperature_gain=0.1),
        bare(APART, HOLDING, counted(4)),  # a remark
        sick(
            curves={"val_loss": RISING, "loss": FALLING, **APART, **HOLDING},
            training={"restore_best": True},
        ),
    ],
    "early-stopping-too-early": [
        sick(
            training={"patience": 10, "epochs": 100, "monitor": "val_loss"},
            rows={"network_score": 0.4},
        )
    ],
    "val-loss-misleads": [
        # As far apart, but nobody stopped by the loss.
        sick(
            curves={
                "val_loss": 0.2 + 0.01 * EPOCHS,
                "val_mcc": np.linspace(0.1, 0.8, 30),
            }
        )
    ],
    "val-better-than-train-dropout": [sick()],
    "class-weight-loss-scale": [
        sick(
            training={
                "class_weight_kind": "dict",
                "class_weight": {"0": 1.0, "1": 1.05},
            }
        )
    ],
    "incomparable-curves": [sick(train={"counts": (3500, 500)})],
    "too-little-data": [
        sick(rows={"linear_scores_by_size": ((500, 0.4, 0.02), (1000, 0.43, 0.02))})
    ],
}
