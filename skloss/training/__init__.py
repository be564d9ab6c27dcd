"""The training tower: the only place that imports TensorFlow, inside functions."""

from skloss.training.evaluation import Evaluator, Rows
from skloss.training.inference import predict_logits, probabilities
from skloss.training.keras_loop import KERAS_OPTIMIZERS
from skloss.training.losses import LOSSES
from skloss.training.optimizers import OPTIMIZERS
from skloss.training.schedules import SCHEDULES
from skloss.training.startup_messages import quiet_start
from skloss.training.threads import settle_threads
from skloss.training.trainer import (
    Observer,
    Settings,
    TrainingResult,
    curve_names,
    train,
)

__all__ = [
    "KERAS_OPTIMIZERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "Evaluator",
    "Observer",
    "Rows",
    "Settings",
    "TrainingResult",
    "curve_names",
    "predict_logits",
    "probabilities",
    "quiet_start",
    "settle_threads",
    "train",
]
