"""Calls that make layers, ``compile`` and ``fit``, as layers and settings of a case."""

import math
import re
from typing import Any

from skloss.optimizers import OPTIMIZERS
from skloss.readers.code.values import MOST_LAYERS, Function, Made, Model, Name, Rows
from skloss.record import Layer, Training

__all__ = ["layers_of_code", "training_of_code"]

_KINDS = (
    (r"BatchNorm", "batch_norm"),
    (r"Normalization|Rescaling", "normalization"),
    (r"Pool", "pool"),
    (r"Conv", "conv"),
    (r"Dropout", "dropout"),
    (r"Embedding", "embedding"),
    (r"LSTM|GRU|RNN|Bidirectional", "recurrent"),
    (r"Dense$", "dense"),
    (r"Flatten|Reshape|Permute|RepeatVector|ZeroPadding|Cropping", "flatten"),
    (r"Activation|ReLU|ELU|Softmax", "activation"),
)
_UNITS = ("units", "filters", "output_dim", "nb_filter")
_WITH_ACTIVATION = ("dense", "conv")
_SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "bce": "binary_crossentropy",
}
# Metrics that compare outputs with 0.5 or other thresholds between 0 and 1: the
# argument that changes it, and its default.
_CUT_AT = {
    "binary_accuracy": ("threshold", 0.5),
    "precision": ("thresholds", None),
    "recall": ("thresholds", None),
    "auc": ("from_logits", False),
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SCHEDULES = ("LearningRateScheduler", "ReduceLROnPlateau")
_DEFAULT_RATES = {"sgd": 0.01, "adam": 0.001, "rmsprop": 0.001, "adamw": 0.001}
_DEFAULT_BATCH_SIZE = 32
_ALL_ROWS = 10**9


def layers_of_code(model: Model) -> tuple[Layer, ...] | None:
    """Layers of a network; None if the code stacks none, or too many."""
    if len(model.layers) > MOST_LAYERS:
        return None
    layers = [
        _layer(one) for one in model.layers if one.name not in ("Input", "InputLayer")
    ]
    return tuple(layers) or None


def _layer(made: Made) -> Layer:
    if (
        made.name in ("TimeDistributed", "Bidirectional")
        and made.args
        and isinstance(made.args[0], Made)
    ):
        made = made.args[0]
    kind: Any = next(
        (k for pattern, k in _KINDS if re.search(pattern, made.name)), "other"
    )
    units = made.option(*_UNITS, place=1 if kind == "embedding" else 0)
    rate = made.option("rate", "p", place=0) if kind == "dropout" else None
    kernel = (
        made.option("kernel_size", "filter_length", "nb_row", place=1)
        if kind == "conv"
        else None
    )
    kernel = kernel[0] if isinstance(kernel, tuple | list) and kernel else kernel
    momentum = made.option("momentum", default=0.99) if kind == "batch_norm" else None
    return Layer(
        kind=kind,
        name=made.name.lower(),
        activation=_activation(made, kind),
        units=units
        if kind in ("dense", "conv", "recurrent", "embedding")
        and isinstance(units, int)
        else None,
        kernel_size=kernel if isinstance(kernel, int) else None,
        rate=float(rate) if isinstance(rate, int | float) and rate else None,
        momentum=momentum if isinstance(momentum, float) else None,
        pooling=_pooling(made.name) if kind == "pool" else None,
        **_penalties(made),
        initializer=_initializer(made) if kind in _WITH_ACTIVATION else None,
        initial_sd=_initial_sd(made) if kind in _WITH_ACTIVATION else None,
    )


def _activation(made: Made, kind: str) -> str | None:
    if kind == "activation" and made.name != "Activation":
        return _snake(made.name.replace("LU", "lu"))
    given = made.option(
        "activation", place=0 if kind == "activation" else {"dense": 1}.get(kind)
    )
    if given is None:
        if kind in _WITH_ACTIVATION:
            return "linear"
        return "tanh" if kind == "recurrent" else None
    if isinstance(given, str):
        return given.lower()
    if isinstance(given, Name | Made):
        last = given.last if isinstance(given, Name) else given.name
        return _snake(last.replace("LU", "lu")) if last[:1].isupper() else last
    return None


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower()


def _pooling(name: str) -> str:
    kind = "max" if "Max" in name else "average"
    return f"global_{kind}" if "Global" in name else kind


def _penalties(made: Made) -> dict[str, Any]:
    kernel = made.option("kernel_regularizer", "W_regularizer")
    activity = made.option("activity_regularizer")
    found = {
        "l1": _penalty(kernel, "l1"),
        "l2": _penalty(kernel, "l2"),
        "activity_l2": _penalty(activity, "l2"),
    }
    return {name: value for name, value in found.items() if value}


def _penalty(given: Any, kind: str) -> float:
    if isinstance(given, str) and kind in given:
        return 0.01
    if not isinstance(given, Made):
        return 0.0
    name = given.name.lower()
    if kind not in name:
        return 0.0
    both = "l1" in name and "l2" in name
    value = given.option(
        kind, "l", place=(1 if kind == "l2" else 0) if both else 0, default=0.01
    )
    return float(value) if isinstance(value, int | float) else 0.0


def _initializer(made: Made) -> str | None:
    """Name of the first weights, ``"constant"`` where all of them are equal."""
    given = made.option("kernel_initializer", "init")
    if isinstance(given, Made | Name):
        given = given.name if isinstance(given, Made) else given.last
    if not isinstance(given, str):
        return None
    name = _snake(given)
    return "constant" if name in ("zero", "zeros", "one", "ones", "constant") else name


def _initial_sd(made: Made) -> float | None:
    """Return the standard deviation of the first weights, where the code gives it."""
    given = made.option("kernel_initializer", "init")
    if not isinstance(given, Made):
        return None
    name = given.name.lower().replace("_", "")
    if name in ("randomnormal", "truncatednormal"):
        return _number(given.option("stddev", place=1))
    if name == "randomuniform":
        low = _number(given.option("minval", place=0))
        high = _number(given.option("maxval", place=1))
        return None if low is None or high is None else abs(high - low) / math.sqrt(12)
    return None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


# ---------------------------------------------------------------------------- training


def training_of_code(model: Model, fit: Made | None) -> Training:
    """Return the settings that ``compile`` and ``fit`` show."""
    compiled = model.compiled
    found: dict[str, Any] = {}
    if compiled is not None:
        found |= _compiled(compiled)
    if fit is not None:
        found |= _fitted(fit)
        scheduled = bool(set(found.get("callbacks") or ()) & set(_SCHEDULES))
        found["schedule"] = found.get("schedule", False) or scheduled
        given = fit.option("callbacks", default=())
        all_of_keras = isinstance(given, list | tuple) and all(
            isinstance(one, Made) for one in given
        )  # a callback of one's own may log any curve
        if compiled is not None and model.kind == "keras" and all_of_keras:
            found["monitor_is_logged"] = _is_logged(
                found.get("monitor"), compiled, has_validation=_has_validation(fit)
            )
    return Training(**found)


def _compiled(compiled: Made) -> dict[str, Any]:
    loss = compiled.option("loss", place=1)
    found: dict[str, Any] = {
        "loss": _loss_name(loss),
        "from_logits": _from_logits(loss),
    }
    found |= _optimizer(compiled.option("optimizer", place=0, default="rmsprop"))
    metrics = compiled.option("metrics", place=2, default=())
    if isinstance(metrics, str | Name | Made | Function):
        metrics = [metrics]
    if isinstance(metrics, list | tuple):
        found["metrics"] = tuple(filter(None, map(_metric_name, metrics)))
        cuts = (_metric_name(m) for m in metrics if _reads_probabilities(m))
        found["probability_metrics"] = tuple(filter(None, cuts))
        found["batch_metrics"] = tuple(
            str(_metric_name(m))
            for m in metrics
            if isinstance(m, Function)
            or (
                isinstance(m, Name)
                and not m.path.startswith(("keras", "tensorflow", "tf."))
            )
        )
    return found


def _loss_name(loss: Any) -> str | None:
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, Made | Name):
        loss = loss.name if isinstance(loss, Made) else loss.last
    if not isinstance(loss, str):
        return None
    name = _snake(loss)
    return _SHORT.get(name, name)


def _from_logits(loss: Any) -> bool | None:
    if isinstance(loss, str | Name):
        return False
    if isinstance(loss, Made):
        given = loss.option("from_logits", place=0, default=False)
        return given if isinstance(given, bool) else None
    return None


def _optimizer(given: Any) -> dict[str, Any]:
    if isinstance(given, Name):
        given = given.last
    if isinstance(given, str):
        name = given.lower()
        return {
            "optimizer": name,
            "learning_rate": _DEFAULT_RATES.get(name),
            "clips": False,
        }
    if not isinstance(given, Made):
        return {}
    name = given.name.lower().removesuffix("optimizer")
    if name not in OPTIMIZERS:
        return {"optimizer": name}
    rate = given.option(
        "learning_rate", "lr", place=0, default=_DEFAULT_RATES.get(name)
    )
    clips = any(
        k in given.options for k in ("clipnorm", "clipvalue", "global_clipnorm")
    )
    found: dict[str, Any] = {"optimizer": name, "clips": clips}
    if isinstance(rate, Made):  # a schedule: what it gives at the first step
        found["schedule"] = True
        rate = rate.option("initial_learning_rate", place=0)
    if isinstance(rate, int | float) and not isinstance(rate, bool):
        found["learning_rate"] = float(rate)
    return found


def _metric_name(metric: Any) -> str | None:
    if isinstance(metric, str):
        return metric
    if isinstance(metric, Function):
        return getattr(metric.node, "name", None)
    if isinstance(metric, Name):
        return _snake(metric.last)
    if isinstance(metric, Made):
        given = metric.option("name")
        return given if isinstance(given, str) else _snake(metric.name)
    return None


def _reads_probabilities(metric: Any) -> bool:
    """Whether it compares outputs with thresholds that only probabilities have."""
    if isinstance(metric, str | Name):
        name = metric if isinstance(metric, str) else metric.last
        return _snake(name) in (*_CUT_AT, "accuracy", "acc")
    if not isinstance(metric, Made):
        return False
    argument, default = _CUT_AT.get(_snake(metric.name), (None, None))
    if argument is None:
        return False
    place = {"threshold": 2, "thresholds": 0}.get(argument)  # after name and dtype
    return bool(metric.option(argument, place=place, default=default) == default)


def _is_logged(
    monitor: str | None, compiled: Made, has_validation: bool
) -> bool | None:
    """Whether Keras logs a curve of this name; None if that is not known."""
    metrics = compiled.option("metrics", place=2, default=())
    others = compiled.option("weighted_metrics", default=())
    if not isinstance(metrics, list | tuple) or others or monitor is None:
        return None
    names = [_metric_name(one) for one in metrics]
    if None in names:
        return None
    plain = monitor.removeprefix("val_")
    if plain != monitor and not has_validation:
        return False
    # Keras before 2.3 logs "accuracy" as "acc", but no Keras logs "acc" as "accuracy".
    # Numbers follow names that were used before.
    known = {"loss", "lr", "learning_rate", *names}
    known |= {"acc"} if "accuracy" in known else set()
    return plain in known or re.sub(r"_\d+$", "", plain) in known


def _has_validation(fit: Made) -> bool:
    names = ("validation_data", "validation_split")
    return any(fit.option(name) is not None for name in names)


def _fitted(fit: Made) -> dict[str, Any]:
    epochs = fit.option("epochs", "nb_epoch", place=3)
    shuffle = fit.option("shuffle", default=True)
    share = fit.option("validation_split")
    found: dict[str, Any] = {
        "epochs": epochs if isinstance(epochs, int) else None,
        "batch_size": _batch_size(fit),
        "shuffle": shuffle if isinstance(shuffle, bool) else None,
        "validation_split": float(share) if isinstance(share, float) else None,
        **_class_weight(fit.option("class_weight")),
    }
    given = fit.option("callbacks", default=())
    given = [given] if isinstance(given, Made) else given
    if isinstance(given, list | tuple):
        callbacks = [one for one in given if isinstance(one, Made)]
        found["callbacks"] = tuple(one.name for one in callbacks)
        stop = next((one for one in callbacks if one.name == "EarlyStopping"), None)
        found |= {} if stop is None else _early_stopping(stop)
    return found


def _batch_size(fit: Made) -> int | None:
    given = fit.option("batch_size", place=2)
    if isinstance(given, Made) and given.name == "length":
        return _ALL_ROWS
    if given is not None:
        return given if isinstance(given, int) else None
    # A generator or a data set has a batch size of its own.
    has_labels = fit.option("y", place=1) is not None
    is_default = fit.name == "settings" or (fit.name == "fit" and has_labels)
    return _DEFAULT_BATCH_SIZE if is_default else None


def _early_stopping(stop: Made) -> dict[str, Any]:
    monitor, patience = (
        stop.option("monitor", place=0, default="val_loss"),
        stop.option("patience", place=2, default=0),
    )
    restore = stop.option("restore_best_weights", default=False)
    mode = stop.option("mode", place=4)
    return {
        "monitor": monitor if isinstance(monitor, str) else None,
        "monitor_mode": mode if mode in ("min", "max") else None,
        "patience": patience if isinstance(patience, int) else None,
        "restore_best": restore if isinstance(restore, bool) else None,
    }


def _class_weight(given: Any) -> dict[str, Any]:
    if given is None:
        return {"class_weight_kind": "none"}
    if isinstance(given, str):
        return {"class_weight_kind": given}
    if isinstance(given, Made) and given.name in ("compute_class_weight", "repeated"):
        return {"class_weight_kind": "ndarray" if given.name != "repeated" else "list"}
    if isinstance(given, list):
        return {"class_weight_kind": "list"}
    if not isinstance(given, dict) or not given:
        return {"class_weight_kind": "dict"} if isinstance(given, Made | Rows) else {}
    keys = {type(key).__name__ for key in given}
    plain = {str(k): float(v) for k, v in given.items() if isinstance(v, int | float)}
    return {
        "class_weight_kind": "dict",
        "class_weight_keys": ", ".join(sorted(keys)),
        "class_weight": plain if len(plain) == len(given) else None,
    }
