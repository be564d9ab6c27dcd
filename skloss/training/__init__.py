"""The training tower: the only place that imports TensorFlow, inside functions."""

from skloss.training.augmentation import Augmentation, ImageAugmentation
from skloss.training.calibration import Calibration
from skloss.training.epoch_log import EpochLog, Observer, Settings, TrainingResult
from skloss.training.evaluation import Evaluator, Rows, Scores, SpecNetwork
from skloss.training.in_step import can_go_in_step, train, train_in_step
from skloss.training.inference import predict_logits
from skloss.training.losses import LOSSES, Loss, loss_name
from skloss.training.outputs import probabilities
from skloss.training.own_losses import check_own_loss
from skloss.training.plateau import ReduceLROnPlateau
from skloss.training.schedules import SCHEDULES
from skloss.training.tensorflow_start import start_tensorflow
from skloss.training.trainer import NetworkTraining, curve_names

__all__ = [
    "LOSSES",
    "SCHEDULES",
    "Augmentation",
    "Calibration",
    "EpochLog",
    "Evaluator",
    "ImageAugmentation",
    "Loss",
    "NetworkTraining",
    "Observer",
    "ReduceLROnPlateau",
    "Rows",
    "Scores",
    "Settings",
    "SpecNetwork",
    "TrainingResult",
    "can_go_in_step",
    "check_own_loss",
    "curve_names",
    "loss_name",
    "predict_logits",
    "probabilities",
    "start_tensorflow",
    "train",
    "train_in_step",
]
