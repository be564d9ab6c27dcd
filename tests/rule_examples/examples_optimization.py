"""Sick and healthy examples of the rules of one family."""

import numpy as np
from rule_examples.cases import sick
from user_questions.question_histories import LINEAR_STACK_ON_RARE_EVENTS

from skloss.diagnosis import Case
from skloss.record import Layer
from skloss.record.history import read_curves

GUESS = 0.3251  # loss of always guessing the 10 % of `healthy`
EPOCHS = np.arange(30)
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=30)
TURNS = np.where(EPOCHS % 2, 1.0, -1.0)
HARMED = {"network_score": 0.40}  # far below the tree's 0.68
UNKNOWN = {"network_score": None}
LEARNS_NOTHING = {
    "confusion": ((3600, 0), (400, 0)),
    "loss": 0.3251,
    "roc_auc": 0.5,
}


def flat(level=GUESS, n=30):
    return np.full(n, level)


def curves(loss, **others):
    """Curves of one length, without those of the healthy case."""
    names = sick().curves
    n = len(loss)
    kept = {name: (np.resize(c, n) if n != 30 else c) for name, c in names.items()}
    return {**kept, "val_loss": None, "loss": loss, **others}


def nothing_learned(**parts):
    """The healthy case, stuck at the constant guess from the first epoch on."""
    stuck = {"curves": {"loss": flat()}, "train": LEARNS_NOTHING, "rows": HARMED}
    return sick(**{**stuck, **parts})


def penalized(l2):
    """One hidden layer with a penalty on its weights."""
    output = Layer("dense", "output", "sigmoid", 1)
    return (Layer("dense", "hidden", "relu", 32, l2=l2), output)


def few_updates(batch_size, **parts):
    """Three epochs over 4,000 rows; a schedule has flattened the loss."""
    training = {"epochs": 3, "batch_size": batch_size}
    loss = np.array([0.36, 0.345, 0.3445])
    return sick(curves=curves(loss), training=training, **{"rows": HARMED, **parts})


def printed(**changes):
    return Case(curves=read_curves({**LINEAR_STACK_ON_RARE_EVENTS, **changes})[0])


def counted(loss):
    """A case of curves and class counts only."""
    return sick(
        curves={"loss": loss, "val_loss": None},
        train={"confusion": None, "loss": None},
        rows=None,
        probe=None,
        training=None,
    )


FALLING = sick().curves["loss"]
SLOW = 0.32 - 0.1 * EPOCHS / 29  # ends at 0.68 of the guess, still falling
DIVERGING = np.where(EPOCHS < 15, FALLING, 0.13 + 0.03 * (EPOCHS - 14))
JUMPED = np.where(EPOCHS < 15, FALLING, GUESS + 0.01)
SLOWER = 0.26 - 0.04 * EPOCHS / 29
ENDS_HIGH = {"loss": 0.22}
HALF_LEARNED = {"confusion": ((3500, 100), (250, 150))}  # an MCC of 0.43
FITTED = {"confusion": ((3590, 10), (30, 370))}  # an MCC of 0.94
FALLING_FAST = 2.2 * 0.75 ** np.arange(6)
WITH_HOLE = np.where(EPOCHS == 7, np.nan, FALLING)
SPIKE = np.where(EPOCHS == 20, 150.0, 1.0) * 0.1

SICK: dict[str, list[Case]] = {
    "nonfinite-loss": [
        sick(curves={"loss": np.where(EPOCHS < 7, FALLING, np.nan)}),
        sick(curves={"loss": np.where(EPOCHS == 7, np.inf, FALLING)}),
        sick(probe={"nonfinite_weights": True}),
        Case(stop_reason="diverged"),
        Case(curves={"loss": np.array([np.nan])}),
    ],
    "lr-too-high": [
        nothing_learned(training={"learning_rate": 0.3}),
        sick(training={"learning_rate": 0.011}, rows=HARMED),
        sick(training={"optimizer": "sgd", "learning_rate": 0.5}, rows=HARMED),
        sick(training={"learning_rate": 0.05}, curves={"loss": DIVERGING}),
        sick(
            training={"learning_rate": 1.0},
            curves={"loss": np.where(EPOCHS < 2, 5.0, np.nan)},
        ),
        # One epoch at a rate far too high.
        sick(
            training={"optimizer": "sgd", "learning_rate": 0.01},
            curves={
                "loss": JUMPED,
                "learning_rate": np.where(EPOCHS == 15, 20.0, 0.01),
            },
        ),
        # A loss that jumps back to the guess needs no learning rate.
        counted(JUMPED),
        nothing_learned(
            training={"learning_rate": 0.01}, probe={"dead_shares": (0.95,)}
        ),
    ],
    "late-divergence": [
        sick(curves={"loss": DIVERGING}),
        sick(curves={"loss": np.where(EPOCHS < 25, FALLING, 0.19)}),
        # Restored weights do not help if the network is bad all the same.
        sick(curves={"loss": DIVERGING}, training={"restore_best": True}, rows=HARMED),
        # From curves alone: nothing else is known, or something else is lost.
        Case(curves={"loss": DIVERGING}),
        Case(curves={"loss": DIVERGING, "accuracy": 0.9 - 0.02 * EPOCHS}),
        Case(curves={"loss": DIVERGING, "val_loss": DIVERGING + 0.01}),
    ],
    "lr-too-low": [
        sick(
            training={"optimizer": "adadelta", "learning_rate": 0.001},
            curves={"loss": SLOW, "learning_rate": flat(0.001)},
            train=ENDS_HIGH,
        ),
        sick(
            training={"learning_rate": 9e-5},
            curves={"loss": SLOW, "learning_rate": flat(9e-5)},
            train=ENDS_HIGH,
        ),
        sick(
            training={"optimizer": "sgd", "learning_rate": 1e-4},
            curves={"loss": flat(0.69) - EPOCHS * 1e-3, "learning_rate": None},
            rows=HARMED,
            train=LEARNS_NOTHING,
        ),
    ],
    "vanishing-gradients": [
        nothing_learned(probe={"gradient_norms": (1e-7, 1e-3, 0.05)}),
        nothing_learned(
            probe={"gradient_norms": None},
            curves={
                "loss": flat(),
                "gradient_norm_first": flat(9e-5),
                "gradient_norm_last": flat(0.1),
            },
        ),
        sick(probe={"gradient_norms": (0.0, 0.05)}, rows=HARMED),
    ],
    "exploding-gradients": [
        sick(curves={"gradient_norm_first": SPIKE}, rows=HARMED),
        sick(curves={"gradient_norm_last": SPIKE, "loss": DIVERGING}),
        nothing_learned(probe={"gradient_norms": (7.1, 0.1)}),
    ],
    "dead-relu": [
        nothing_learned(probe={"dead_shares": (0.1, 1.0)}),
        nothing_learned(probe={"dead_shares": (1.0,)}, layers=penalized(0.09)),
        sick(probe={"dead_shares": (0.51,)}, rows=HARMED),
        sick(probe=None, curves={"dead_share": flat(0.8)}, rows=HARMED),
    ],
    "saturating-hidden": [
        nothing_learned(probe={"saturated_shares": (0.9,)}),
        sick(probe={"saturated_shares": (0.51, 0.0)}, rows=HARMED),
        sick(probe=None, curves={"saturated_share": flat(0.8)}, rows=HARMED),
    ],
    "loss-oscillation": [
        sick(curves={"loss": 0.2 + 0.06 * TURNS}),
        sick(curves={"loss": 0.2 + 0.021 * TURNS}, rows=HARMED),
        sick(curves={"loss": 0.25 + 0.03 * TURNS}, rows=UNKNOWN, train=LEARNS_NOTHING),
        # From curves alone.
        Case(curves={"loss": 0.2 + 0.06 * TURNS}),
        Case(curves={"loss": 0.2 + 0.06 * TURNS, "accuracy": 0.9 + 0.02 * TURNS}),
        Case(curves={"loss": 0.2 + 0.06 * TURNS, "val_loss": 0.3 + 0.05 * TURNS}),
    ],
    "loss-at-constant-guess": [
        nothing_learned(),
        nothing_learned(curves={"loss": flat(0.98 * GUESS + 1e-4)}),
        counted(0.33 + 0.4 * np.exp(-EPOCHS / 3)),
        # Balanced class weights lift a constant guess to log 2.
        nothing_learned(
            training={"class_weight_kind": "balanced"},
            curves={"loss": flat(np.log(2))},
        ),
        printed(),
    ],
    "too-few-epochs": [
        sick(curves={"loss": SLOW}, train=ENDS_HIGH | HALF_LEARNED),
        sick(curves={"loss": SLOWER}, rows=HARMED, train=HALF_LEARNED),
        sick(curves={"loss": SLOW}, rows=None, train={"confusion": None}),
        counted(FALLING_FAST),
        Case(curves={"loss": 2.0 * 0.97 ** np.arange(6)}),
        few_updates(40),  # 100 an epoch
        sick(
            curves=curves(FALLING_FAST),
            training={"epochs": 6},
            train={"counts": (400,) * 10, "confusion": None, "loss": None},
            rows=None,
        ),
    ],
    "slow-convergence": [
        sick(curves={"loss": 0.3 - 0.2 * EPOCHS / 29}),
        sick(curves={"loss": 0.6 / (1 + EPOCHS)}),  # ends at 0.06 of the guess
    ],
}
HEALTHY: dict[str, list[Case]] = {
    "nonfinite-loss": [
        sick(curves={"loss": WITH_HOLE}),
        sick(curves={"val_loss": flat(np.nan)}),
    ],
    "lr-too-high": [
        sick(training={"learning_rate": 0.3}),  # high, but nothing shows it
        sick(training={"learning_rate": 0.01}, rows=HARMED),
        sick(training={"optimizer": "sgd", "learning_rate": 0.3}, rows=HARMED),
        sick(
            training={"optimizer": "adadelta", "learning_rate": 1.0},
            curves={"learning_rate": flat(1.0)},
            rows=HARMED,
        ),
        # A single epoch at the level of a guess.
        sick(curves={"loss": np.where(EPOCHS == 15, 0.4, FALLING)}),
        nothing_learned(
            training={"learning_rate": 0.01}, probe={"dead_shares": (0.5,)}
        ),
    ],
    "late-divergence": [
        sick(curves={"loss": np.where(EPOCHS < 25, FALLING, 0.178)}),
        sick(curves={"loss": np.where(EPOCHS == 27, 0.9, FALLING)}),
        # Jitter of a loss that is next to nothing.
        sick(curves={"loss": np.where(EPOCHS < 10, 0.3 - 0.03 * EPOCHS, 2e-3)}),
        sick(curves={"loss": np.where(EPOCHS < 20, 0.3 * 0.7**EPOCHS, 0.003)}),
        # A warm restart.
        sick(
            curves={
                "loss": np.where(EPOCHS < 25, FALLING, 0.2),
                "learning_rate": np.where(EPOCHS < 25, 1e-3 * 0.9**EPOCHS, 1e-3),
            }
        ),
        sick(curves={"loss": DIVERGING}, training={"restore_best": True}),
        sick(curves={"loss": 0.2 + 0.06 * TURNS}, rows=HARMED),  # swings
        # From curves alone: neither a metric nor the validation loss is worse.
        Case(curves={"loss": 1e-5 * DIVERGING, "val_loss": flat(0.05)}),
        Case(curves={"loss": DIVERGING, "val_accuracy": flat(0.9)}),
        # Few validation rows are noisy before the rise, too.
        Case(curves={"loss": DIVERGING, "val_loss": 0.2 + 0.05 * NOISE}),
    ],
    "lr-too-low": [
        sick(
            training={"learning_rate": 1e-4},
            curves={"loss": SLOW, "learning_rate": flat(1e-4)},
            train=ENDS_HIGH,
        ),
        # Fine tuning: a low rate, and a network that is good.
        sick(training={"learning_rate": 1e-5}, curves={"learning_rate": None}),
        # Decayed to a low rate.
        sick(
            curves={"loss": SLOW, "learning_rate": 1e-3 * 0.8**EPOCHS},
            train=ENDS_HIGH,
        ),
        sick(training={"optimizer": "ftrl", "learning_rate": 1e-6}),
    ],
    "vanishing-gradients": [
        sick(probe={"gradient_norms": (1e-7, 0.05)}),
        nothing_learned(probe={"gradient_norms": (1.1e-4, 0.5)}),
        nothing_learned(probe={"gradient_norms": (1e-6, 9e-4)}),
        nothing_learned(probe={"gradient_norms": (0.0, 0.0)}),
        nothing_learned(probe={"gradient_norms": (1e-7,)}),
    ],
    "exploding-gradients": [
        sick(curves={"gradient_norm_first": SPIKE}),
        sick(curves={"gradient_norm_first": np.minimum(SPIKE, 9.9)}, rows=HARMED),
        # Gradients that shrink a thousandfold while the network learns.
        sick(curves={"gradient_norm_first": 10 * 0.7**EPOCHS}, rows=HARMED),
        sick(curves={"gradient_norm_first": SPIKE}, training={"clips": True}),
        nothing_learned(probe={"gradient_norms": (6.9, 0.1)}),
        sick(probe={"gradient_norms": (100.0, 0.1)}),
    ],
    "dead-relu": [
        sick(probe={"dead_shares": (0.95, 0.2)}),
        sick(probe={"dead_shares": (0.5,)}, rows=HARMED),
        sick(probe={"dead_shares": (1.0,)}),
        # A penalty has taken the weights.
        nothing_learned(probe={"dead_shares": (1.0,)}, layers=penalized(0.1)),
    ],
    "saturating-hidden": [
        sick(probe={"saturated_shares": (0.95, 0.2)}),
        sick(probe={"saturated_shares": (0.5,)}, rows=HARMED),
    ],
    "loss-oscillation": [
        sick(curves={"loss": 0.2 + 0.015 * TURNS}, rows=HARMED),
        sick(curves={"loss": 0.2 + 0.04 * TURNS}),  # the network does well
        # Swings of a loss that is next to nothing.
        sick(curves={"loss": 0.02 + 0.01 * TURNS}, rows=HARMED),
        # Validation rows are few.
        sick(curves={"val_loss": 0.3 + 0.2 * TURNS}, rows=HARMED),
        # A sine turns seldom.
        sick(curves={"loss": 0.2 + 0.06 * np.sin(EPOCHS / 2)}, rows=HARMED),
        sick(curves=curves(0.2 + 0.1 * TURNS[:9]), rows=HARMED),
        # From curves alone: nothing else swings.
        Case(curves={"loss": 0.01 + 0.005 * TURNS, "accuracy": flat(0.995)}),
        Case(curves={"loss": 1e-7 * (3 + TURNS), "val_loss": flat(0.05)}),
    ],
    "loss-at-constant-guess": [
        nothing_learned(curves={"loss": flat(0.97 * GUESS)}),
        # Dropout lifts the curve; what the final network does is good.
        sick(curves={"loss": flat(0.4)}),
        # Class weights lift it, too.
        sick(
            curves={"loss": flat(0.45)},
            train={"confusion": None, "loss": None},
            training={"class_weight_kind": "balanced"},
        ),
        sick(
            curves={"loss": flat(0.45)},
            train={"confusion": None},
            training={"loss": "mse"},
        ),
        # A network that finds the minority, and one whose loss falls.
        printed(val_recall=[0.0] * 49 + [0.1]),
        printed(loss=np.linspace(0.2, 0.102, 50)),
        printed(loss=np.linspace(0.081, 0.08, 50)),
    ],
    "too-few-epochs": [
        sick(curves={"loss": SLOW}, train=ENDS_HIGH),  # does well
        sick(curves={"loss": SLOWER}, train=ENDS_HIGH),  # as good as others
        sick(curves={"loss": SLOWER}, rows=HARMED, train=FITTED),
        # Curves of other programs: nothing shows that the loss is still high.
        Case(curves={"loss": np.linspace(0.6, 0.4, 10)}),
        Case(curves={"loss": np.array([0.39, 0.24, 0.17])}),
        # What is left to win is small, or the network is good.
        Case(curves={"loss": 0.2 * 0.97 ** np.arange(6)}),
        Case(curves={"loss": 2.0 * 0.97 ** np.arange(6), "accuracy": np.full(6, 0.9)}),
        # The validation loss has not fallen for long.
        sick(
            curves={"loss": SLOW, "val_loss": 0.3 + 0.001 * np.maximum(12 - EPOCHS, 0)},
            rows=HARMED,
        ),
        sick(curves={"loss": 0.3 + 0.02 * np.exp(-EPOCHS / 5)}, rows=HARMED),
        sick(curves={"loss": 0.28 + 0.01 * NOISE}, rows=HARMED),
        sick(
            curves={"loss": SLOW, "learning_rate": 1e-3 * (1 - EPOCHS / 29.01)},
            rows=HARMED,
        ),
        sick(curves={"loss": SLOW}, training={"epochs": 100}, rows=HARMED),
        sick(curves={"loss": SLOW}, stop_reason="early_stopping", rows=HARMED),
        # Memorizing: the validation loss is past its best.
        sick(
            curves={"loss": SLOW, "val_loss": 0.3 + 0.003 * (EPOCHS - 10.0) ** 2},
            rows=HARMED,
        ),
        few_updates(39),
        few_updates(40, rows={"network_score": 0.65}),
        # A loss that halves for ever.
        sick(curves={"loss": 0.3 / (1 + EPOCHS)}),
    ],
    "slow-convergence": [
        sick(),
        sick(curves={"loss": SLOW}, rows=HARMED),
        sick(curves={"loss": 0.4 / (1 + EPOCHS)}),  # at 0.04: nothing left to win
    ],
}
