"""Evidence from the network and its loss: output layer, linear layers, harm."""

from dataclasses import dataclass
from itertools import pairwise

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import (
    always_predicts_one_class,
    beats_a_guess,
    fitted_part,
    is_behind,
    learned_nothing,
    never_predicts_minority,
)
from skloss.diagnosis.rule import NotApplicable
from skloss.record import Layer, Training

__all__ = [
    "BATCH_SIZE",
    "BINARY_LOSSES",
    "CATEGORICAL_LOSSES",
    "DISTANCE_LOSSES",
    "FEWEST_UPDATES",
    "LITTLE_LEARNED",
    "POOR_FIT",
    "RECTIFIERS",
    "SLOW_FIT",
    "Kernel",
    "batch_size_of",
    "classes_of",
    "epochs_of",
    "gain_of_smaller_batches",
    "harm",
    "head_of",
    "hidden_of",
    "kernels_of",
    "layers_of",
    "loss_of",
    "loss_swing",
    "n_rows_of",
    "output_range",
    "still_falling",
    "training_of",
    "updates_per_epoch",
]

BATCH_SIZE = 32  # to try in place of one that is too large or too small
FEWEST_UPDATES = 100  # below it a network is hardly trained
CATEGORICAL_LOSSES = (
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_focal_crossentropy",
)
BINARY_LOSSES = ("binary_crossentropy", "binary_focal_crossentropy")
DISTANCE_LOSSES = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)
RECTIFIERS = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "swish",
    "softplus",
)
_LONG_NAMES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "logcosh": "log_cosh",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
}
# Symptoms of anything that keeps a network from fitting its own training rows.
POOR_FIT = (
    "loss-never-moves",
    "underfit",
    "too-few-epochs",
    "under-capacity",
    "majority-collapse",
    "all-positive",
    "threshold-not-tuned",
    "loss-at-constant-guess",
    "plateau-above-floor",
    "plateau-at-floor",
)
# More symptoms of these. They can be causes themselves, so that only rules that are
# certain of their fault explain them.
SLOW_FIT = (
    "lr-too-low",
    "slow-convergence",
    "vanishing-gradients",
    "large-init",
    "batchnorm-momentum-lag",
)

# Symptoms of inputs or labels in a form that no network can learn from.
LITTLE_LEARNED = (
    "underfit",
    "too-few-epochs",
    "large-init",
    "majority-collapse",
    "all-positive",
    "plateau-above-floor",
    "loss-at-constant-guess",
    "slow-convergence",
    "dead-relu",
    "saturating-hidden",
    "vanishing-gradients",
    "exploding-gradients",
    "loss-oscillation",
)


@dataclass(frozen=True)
class Kernel:
    """A layer with weights, and what the layers up to the next kernel do."""

    layer: Layer
    fan_in: int | None  # values that it receives per row or step
    is_linear: bool  # no nonlinearity up to the next layer with weights
    is_max_pooled: bool  # max pooling is the only nonlinearity behind it


def classes_of(case: Case) -> int:
    """Return the number of classes of a single-label problem, at least two."""
    if case.task is None or case.n_classes is None:
        raise NotApplicable("the task or the number of classes is not known")
    if case.task not in ("binary", "multiclass"):
        raise NotApplicable(f"the task is {case.task}")
    if case.n_classes < 2:
        raise NotApplicable("there is only one class")
    return case.n_classes


def layers_of(case: Case) -> tuple[Layer, ...]:
    """Return the layers of the network, or raise if they are not known."""
    if not case.layers:
        raise NotApplicable("the layers of the network are not known")
    return case.layers


def head_of(case: Case) -> Layer:
    """Return the output layer of a classifier, or raise."""
    if case.task == "regression":
        raise NotApplicable("the task is regression")
    head = case.head
    if head is None or head.units is None:
        raise NotApplicable("the output layer is not known")
    return head


def training_of(case: Case) -> Training:
    """Return how the network was trained, or raise if that is not known."""
    if case.training is None:
        raise NotApplicable("the settings of the training are not known")
    return case.training


def loss_of(case: Case) -> str:
    """Return the long name of the loss, or raise if it is not known."""
    loss = training_of(case).loss
    if loss is None:
        raise NotApplicable("the loss is not known")
    return _LONG_NAMES.get(loss, loss)


def harm(case: Case) -> bool | None:
    """Whether predictions are poor; None if that is not known.

    They are poor if a baseline model scores higher. Where no baseline was measured,
    they are poor if the minority is never found, or if they are no better than chance.
    """
    behind = is_behind(case)
    if behind is not None:
        return behind
    shown = (never_predicts_minority(case), always_predicts_one_class(case))
    if any(one is not None for one in shown) or learned_nothing(case):
        return True
    try:
        return beats_a_guess(fitted_part(case)) is False
    except NotApplicable:
        return None


def updates_per_epoch(case: Case) -> int:
    """Return the number of updates (batches) per epoch, or raise."""
    batch_size = training_of(case).batch_size
    if case.train is None and training_of(case).steps_per_epoch:
        return int(training_of(case).steps_per_epoch or 0)
    if batch_size is None or batch_size < 1:
        raise NotApplicable("the batch size is not known")
    if case.train is None:
        raise NotApplicable("the number of training rows is not known")
    return -(-case.train.n_rows // batch_size)


def batch_size_of(case: Case) -> int:
    """Return the rows of a batch, at most all training rows, or raise."""
    updates_per_epoch(case)  # raises if the batch size or the rows are not known
    size, train = training_of(case).batch_size, case.train
    if size is None:  # a log may show the updates without it
        raise NotApplicable("the batch size is not known")
    return size if train is None else min(size, train.n_rows)


def n_rows_of(case: Case) -> int | None:
    """Return the number of training rows, by the steps of an epoch if need be."""
    if case.train is not None:
        return case.train.n_rows
    training = case.training
    if training is None or not training.steps_per_epoch or not training.batch_size:
        return None
    return training.steps_per_epoch * training.batch_size


def epochs_of(case: Case) -> int:
    """Return the epochs that were run, else the epochs that were requested."""
    epochs = case.n_epochs or training_of(case).epochs
    if not epochs:
        raise NotApplicable("the number of epochs is not known")
    return epochs


def gain_of_smaller_batches(case: Case) -> float:
    """Return how many times as many updates the usual batch size would give.

    It is 1 if the updates suffice, or if they are not known.
    """
    try:
        n_updates = updates_per_epoch(case) * epochs_of(case)
        few = n_updates < FEWEST_UPDATES
        return max(batch_size_of(case) / BATCH_SIZE, 1.0) if few else 1.0
    except NotApplicable:
        return 1.0


def output_range(case: Case) -> dict[str, tuple[float, str]]:
    """Return the range of the outputs as evidence, where it was measured."""
    probe = case.probe
    if probe is None or probe.output_min is None or probe.output_max is None:
        return {}
    return {
        "smallest output": (probe.output_min, ""),
        "largest output": (probe.output_max, ""),
    }


def kernels_of(case: Case) -> list[Kernel]:
    """Return the layers with weights in order, the head last."""
    layers = layers_of(case)
    places = [i for i, layer in enumerate(layers) if layer.has_kernel]
    width = None if case.rows is None else case.rows.n_columns
    kernels = []
    for place, end in pairwise([*places, len(layers)]):
        layer, between = layers[place], layers[place + 1 : end]
        nonlinear = [part for part in (layer, *between) if _is_nonlinear(part)]
        max_pooled = bool(nonlinear) and all(map(_is_max_pool, nonlinear))
        fan_in = _width_before(layers[:place], width)
        kernels.append(Kernel(layer, fan_in, not nonlinear, max_pooled))
    return kernels


def hidden_of(case: Case) -> list[Kernel]:
    """Return the layers with weights before the head."""
    kernels = kernels_of(case)
    if len(kernels) < 2:
        raise NotApplicable("there is no hidden layer")
    return kernels[:-1]


def _width_before(before: tuple[Layer, ...], n_columns: int | None) -> int | None:
    """Return the values per row or step that a layer receives; None if not known."""
    for layer in reversed(before):
        if layer.output_shape:
            return layer.output_shape[-1]
        if layer.kind == "flatten":
            return None
        if layer.units is not None:
            return layer.units
    return n_columns


def _is_max_pool(layer: Layer) -> bool:
    return layer.kind == "pool" and "average" not in (layer.pooling or "max")


def _is_nonlinear(layer: Layer) -> bool:
    """Whether a layer is nonlinear, or may be."""
    if layer.kind in ("recurrent", "normalization", "mask", "other"):
        return True
    if layer.kind in ("dense", "conv") and layer.activation is None:
        return True  # not known
    return _is_max_pool(layer) or layer.activation not in (None, "linear")


def loss_swing(case: Case, fewest: int = 8) -> float | None:
    """Return the mean change of the training loss per epoch, relative to its level.

    It reads the second half of the epochs. None if the loss changes direction in fewer
    than half of them, or if there are too few.
    """
    curve = case.curves.get("loss")
    if curve is None or len(curve) < fewest:
        return None
    late = curve[len(curve) // 2 :]
    steps = late[1:] - late[:-1]
    turns = (steps[1:] * steps[:-1] < 0).mean()
    level = float(abs(late).mean())
    return float(abs(steps).mean() / level) if turns >= 0.5 and level > 0 else None


def still_falling(case: Case) -> float | None:
    """Return the relative fall of the loss in the last epoch; None if unknown."""
    curve = case.curves.get("loss")
    if curve is None or len(curve) < 2 or not curve[-2] > 0:
        return None
    return float(1 - curve[-1] / curve[-2])
