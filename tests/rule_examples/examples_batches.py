"""Sick and healthy examples of the rules of batches and batch normalization."""

import numpy as np
from rule_examples.cases import healthy, sick

from skloss.diagnosis import Case
from skloss.record import Layer, SplitMetrics

HARM = {"network_score": 0.5}
LAYERS = (
    Layer("dense", "hidden", "relu", 32),
    Layer("batch_norm", "norm", momentum=0.99),
    Layer("dense", "output", "sigmoid", 1),
)
DROPPED = (LAYERS[0], Layer("dropout", "dropout", rate=0.3), *LAYERS[1:])
SWINGING = {"loss": 0.2 + 0.03 * (-1.0) ** np.arange(30)}
CALM = {"loss": 0.2 + 0.005 * (-1.0) ** np.arange(30)}
STEEP = {"loss": 0.96 ** np.arange(30)}


def batch(size, **parts):
    return sick(training={"batch_size": size}, **parts)


def modes(training, inference, loss=0.12):
    return {
        "accuracy_training_mode": training,
        "accuracy_inference_mode": inference,
        "loss_inference_mode": loss,
    }


def first(epochs):
    """Curves of the first epochs only."""
    return {name: curve[:epochs] for name, curve in healthy().curves.items()}


SICK: dict[str, list[Case]] = {
    "batchnorm-tiny-batch": [
        batch(2, layers=LAYERS, rows=HARM),
        batch(4, layers=LAYERS, probe=modes(0.95, 0.84)),
    ],
    "batchnorm-momentum-lag": [
        batch(1000, layers=LAYERS, probe=modes(0.95, 0.4)),
        batch(1000, layers=LAYERS, probe={"accuracy_training_mode": None}, rows=HARM),
        sick(layers=LAYERS, probe=modes(0.95, 0.74), rows=HARM),
        sick(layers=LAYERS, probe=modes(0.95, 0.95, loss=0.5), rows=HARM),
        # Both modes have the same accuracy, and yet the rare class is no longer found.
        batch(
            1000,
            layers=LAYERS,
            probe=modes(0.95, 0.93, loss=0.2),
            val={"confusion": ((900, 0), (91, 9))},
            rows=HARM,
        ),
    ],
    "batch-too-large": [
        batch(2000, rows=HARM),
        batch(1334, curves=STEEP),
    ],
    "batch-too-small": [
        batch(1, curves=SWINGING),
        batch(2, rows=HARM),
    ],
    "batch-without-minority": [
        batch(6),
    ],
}

HEALTHY: dict[str, list[Case]] = {
    "batchnorm-tiny-batch": [
        batch(2, layers=LAYERS),
        batch(4, layers=LAYERS, probe=modes(0.95, 0.86)),
        batch(5, layers=LAYERS, rows=HARM),
        batch(2, rows=HARM),
    ],
    "batchnorm-momentum-lag": [
        # Few updates, and yet both modes agree.
        batch(1000, layers=LAYERS, probe=modes(0.95, 0.93)),
        # Few updates and poor predictions, but the averages are not to blame.
        batch(
            1000,
            layers=LAYERS,
            probe=modes(0.93, 0.93, loss=0.125),
            val={"confusion": ((900, 0), (91, 9))},
            rows=HARM,
        ),
        sick(layers=LAYERS, probe=modes(0.95, 0.76)),
        # Dropout before it widens the gap.
        sick(layers=DROPPED, probe=modes(0.95, 0.7)),
        batch(1000, rows=HARM),
    ],
    "batch-too-large": [
        batch(2000),
        batch(1000, rows=HARM),
        # Few epochs, not large batches.
        batch(256, curves=first(4), rows=HARM),
        # All rows in one batch of few.
        batch(60, train=SplitMetrics((40, 20), ((30, 10), (10, 10))), rows=HARM),
    ],
    "batch-too-small": [
        batch(1, curves=CALM),
        batch(3, curves=SWINGING, rows=HARM),
        batch(1, train=SplitMetrics((100, 50), ((90, 10), (10, 40))), curves=SWINGING),
    ],
    "batch-without-minority": [
        batch(7),
        batch(1),
    ],
}
