"""Sick and healthy examples of curves that cannot be, or contradict each other."""

import numpy as np
from rule_examples.cases import sick

from skloss.diagnosis import Case

EPOCHS = np.arange(10)


def bare(**curves):
    """A training of which only curves are known."""
    return Case(curves={name: np.asarray(c, float) for name, c in curves.items()})


FALLING = 0.7 * 0.8**EPOCHS
FLAT = np.full(10, 0.6931)
UNMOVED = {"loss": FLAT, "accuracy": np.full(10, 0.5035)}
# Best in the fifth epoch, then 1.4 points lower in each.
TURNS = np.array([0.55, 0.7, 0.8, 0.85, 0.87, 0.856, 0.842, 0.828, 0.814, 0.8])
RISES = 0.87 - 0.3 * 0.6**EPOCHS
UNSEEN = {
    "loss": [3.1, 2.3, 1.0, 0.45, 0.24],
    "accuracy": [0.1, 0.47, 0.81, 0.92, 0.96],
    "val_loss": [5.4, 7.3, 10.1, 11.7, 12.6],
    "val_accuracy": [0.0, 0.0, 0.01, 0.02, 0.02],
}

SWINGS = 60 * (EPOCHS % 2)
SICK = {
    "values-out-of-range": [
        bare(loss=FALLING, val_f1=FALLING + 0.5),  # up to 1.2
        bare(loss=FALLING, accuracy=FALLING, mcc=-1.5 * FALLING),
        bare(loss=FALLING, tp=-FALLING),
        bare(loss=-100 * FALLING, accuracy=FALLING),
        bare(loss=FALLING, val_loss=-100 * FALLING, accuracy=FALLING),
        sick(curves={"loss": np.full(30, -0.5)}),  # known to be a cross-entropy
        bare(loss=-FALLING, accuracy=FALLING),  # context: perhaps a Dice score
        bare(loss=100 + SWINGS, accuracy=0.57 + 0.001 * EPOCHS),
        bare(loss=FALLING, val_loss=100 + SWINGS, val_accuracy=np.full(10, 0.5)),
    ],
    "loss-never-moves": [
        bare(**UNMOVED),
        bare(**UNMOVED | {"loss": np.where(EPOCHS == 0, 0.8, FLAT)}),
        bare(**UNMOVED | {"loss": FLAT + 0.006 * (EPOCHS % 2)}),
    ],
    "accuracy-falls-with-loss": [
        bare(loss=FALLING, accuracy=TURNS),
        bare(loss=FALLING, accuracy=TURNS, val_loss=FALLING, val_accuracy=TURNS - 0.02),
        # The validation loss has stopped to fall.
        bare(loss=FALLING, accuracy=TURNS, val_loss=FLAT, val_accuracy=TURNS - 0.02),
    ],
    "validation-labels-unseen": [
        bare(**UNSEEN),
        bare(
            **UNSEEN | {"val_accuracy": np.zeros(5), "loss": 0.5 * 0.5 ** np.arange(5)}
        ),
    ],
}
HEALTHY = {
    "values-out-of-range": [
        bare(loss=FALLING, accuracy=np.ones(10), f1=np.zeros(10), mcc=-np.ones(10)),
        bare(loss=FALLING, auc=np.where(EPOCHS < 3, np.nan, 0.9)),
        bare(loss=-FALLING, accuracy=FALLING),
        bare(loss=FALLING, tp=1000 * FALLING),
        bare(loss=-100 * FALLING),  # of a density, say
        bare(loss=100 + SWINGS, accuracy=np.full(10, 0.85)),  # a sum over rows
        bare(loss=100 + SWINGS, accuracy=0.5 + 0.02 * EPOCHS),
        bare(loss=100 - 9 * EPOCHS, accuracy=np.full(10, 0.5)),  # it comes down
        bare(loss=19 + SWINGS / 100, accuracy=np.full(10, 0.5)),
        bare(loss=100 + SWINGS, accuracy=np.zeros(10)),  # of a regression
        bare(loss=100 + SWINGS),
    ],
    "loss-never-moves": [
        bare(loss=FLAT, accuracy=np.full(10, 0.95)),
        bare(loss=FLAT, accuracy=0.6 + 0.01 * EPOCHS),  # a penalty hides what falls
        bare(loss=FLAT + 0.02 * (EPOCHS % 2), accuracy=np.full(10, 0.5)),
        bare(loss=FLAT[:4], accuracy=np.full(4, 0.5)),
        bare(loss=FLAT),
        # All was learned in the first epoch.
        bare(
            loss=np.where(EPOCHS == 0, 0.9, 0.35),
            accuracy=np.where(EPOCHS == 0, 0.6, 0.85),
        ),
        sick(curves={"loss": np.full(30, 0.2)}),  # the network does well
    ],
    "accuracy-falls-with-loss": [
        bare(loss=FALLING, accuracy=RISES),
        # Over-fitting: the validation accuracy falls alone.
        bare(loss=FALLING, accuracy=RISES, val_loss=FLAT, val_accuracy=TURNS),
        # Class weights trade accuracy for recall.
        bare(loss=FALLING, accuracy=TURNS, recall=0.1 + 0.05 * EPOCHS),
        bare(
            loss=FALLING, accuracy=0.97 - 0.02 * EPOCHS
        ),  # an accuracy of the majority at first
        bare(loss=FALLING, accuracy=0.87 - 0.1 * (EPOCHS % 2)),
        bare(loss=FALLING[::-1], accuracy=TURNS),  # a training that diverges
        bare(loss=FALLING, accuracy=np.maximum(TURNS, 0.85)),
        bare(loss=FALLING, accuracy=TURNS, val_loss=FALLING, val_accuracy=RISES),
    ],
    "validation-labels-unseen": [
        bare(**UNSEEN | {"val_accuracy": np.full(5, 0.03)}),  # 1 of 33, as by chance
        # A thousand classes learned by heart.
        bare(
            **UNSEEN | {"loss": [6.9, 5.0, 2.0, 0.5, 0.1], "val_accuracy": [0.01] * 5}
        ),
        bare(**UNSEEN | {"accuracy": np.full(5, 0.6)}),
        bare(**UNSEEN | {"val_loss": np.full(5, 3.0)}),
    ],
}
