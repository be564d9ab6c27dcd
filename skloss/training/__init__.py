"""The training tower: the only place that imports TensorFlow, inside functions."""

from skloss.training.augmentation import Augmentation, ImageAugmentation
from skloss.training.epoch_log import EpochLog, Observer, Settings, TrainingResult
from skloss.training.evaluation import Evaluator, Rows, Scores, SpecNetwork
from skloss.training.inference import predict_logits
from skloss.training.losses import LOSSES
from skloss.training.outputs import probabilities
from skloss.training.plateau import ReduceLROnPlateau
from skloss.training.schedules import SCHEDULES
from skloss.training.tensorflow_start import start_tensorflow
from skloss.training.trainer import curve_names, train

__all__ = [
    "LOSSES",
    "SCHEDULES",
    "Augmentation",
    "EpochLog",
    "Evaluator",
    "ImageAugmentation",
    "Observer",
    "ReduceLROnPlateau",
    "Rows",
    "Scores",
    "Settings",
    "SpecNetwork",
    "TrainingResult",
    "curve_names",
    "predict_logits",
    "probabilities",
    "start_tensorflow",
    "train",
]
