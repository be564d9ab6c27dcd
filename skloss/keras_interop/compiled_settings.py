"""Read a compiled Keras model's optimizer and loss as settings of the engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skloss.keras_interop.read_model import NoCompiledFormError
from skloss.optimizers import OPTIMIZERS

__all__ = ["CompiledLoss", "compiled_loss", "only_loss", "optimizer_settings"]

_LOSSES = {
    "BinaryCrossentropy": "binary_crossentropy",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}
_OPTIMIZERS = {known.keras_name: name for name, known in OPTIMIZERS.items()}
_PLAIN = {
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


@dataclass(frozen=True)
class CompiledLoss:
    """A loss of Keras: what it takes, and its meaning for the engine if it has one."""

    name: str  # as Keras writes it: "binary_crossentropy"
    from_logits: bool = False
    settings: dict[str, Any] | None = None  # of the engine
    reason: str | None = None  # why there are no settings
    is_of_keras: bool = True  # rather than the user's own
    function: Callable[[Any, Any], Any] | None = None  # truth, outputs -> loss per row

    @property
    def takes_codes(self) -> bool:
        """Whether the truth is a class number although there is a unit per class."""
        return self.name.startswith("sparse_")

    @property
    def is_crossentropy(self) -> bool:
        """Whether a row's loss is ``-log p`` of its class, nothing else."""
        return self.name.endswith("crossentropy") and self.settings == {
            "loss": "crossentropy",
            "label_smoothing": 0.0,
        }


def compiled_loss(loss: Any) -> CompiledLoss:
    """Read the loss that a model was compiled with.

    Parameters
    ----------
    loss : str, callable, keras.losses.Loss, or a list or dict of a single one

    Examples
    --------
    >>> compiled_loss("binary_crossentropy").settings
    {'loss': 'crossentropy', 'label_smoothing': 0.0}
    >>> compiled_loss("mse").reason
    "loss 'mean_squared_error' has no compiled form"
    """
    import keras

    loss = only_loss(loss)
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, type):
        loss = loss()
    if isinstance(loss, keras.losses.Loss):
        return _of_object(loss)
    return _of_function(loss)


def only_loss(loss: Any) -> Any:
    """Return the loss itself, where a model of one output has a list or dict of one."""
    if isinstance(loss, list | tuple) and len(loss) == 1:
        return loss[0]
    if isinstance(loss, dict) and len(loss) == 1:
        return next(iter(loss.values()))
    return loss


def _of_function(function: Callable[..., Any]) -> CompiledLoss:
    import keras

    name = getattr(function, "__name__", type(function).__name__)
    is_of_keras = getattr(keras.losses, name, None) is function
    settings: dict[str, Any] | None = None
    if is_of_keras and name in _LOSSES.values():
        settings = {"loss": "crossentropy", "label_smoothing": 0.0}
        if "focal" in name:
            settings = {"loss": "focal", "focal_gamma": 2.0}
    reason = None if settings else _no_form(name)
    return CompiledLoss(name, False, settings, reason, is_of_keras, function)


def _of_object(loss: Any) -> CompiledLoss:
    import keras

    kind = type(loss).__name__
    is_of_keras = type(loss) is getattr(keras.losses, kind, None)
    config = loss.get_config()
    name = _LOSSES.get(kind, str(loss.name))
    settings: dict[str, Any] | None = None
    reason: str | None = _no_form(name)
    if is_of_keras and kind in _LOSSES:
        try:
            settings, reason = _loss_settings(name, config), None
        except NoCompiledFormError as error:
            reason = str(error)
    from_logits = bool(config.get("from_logits", False))
    return CompiledLoss(name, from_logits, settings, reason, is_of_keras, loss.call)


def _no_form(name: str) -> str:
    return f"loss {name!r} has no compiled form"


def _loss_settings(name: str, config: dict[str, Any]) -> dict[str, Any]:
    if config.get("reduction") != "sum_over_batch_size":
        raise _unusual("loss", "reduction", config.get("reduction"))
    if config.get("axis", -1) != -1:
        raise _unusual("loss", "axis", config["axis"])
    if config.get("ignore_class") is not None:
        raise _unusual("loss", "ignore_class", config["ignore_class"])
    smoothing = float(config.get("label_smoothing") or 0.0)
    if "focal" not in name:
        return {"loss": "crossentropy", "label_smoothing": smoothing}
    if smoothing:
        raise _unusual("focal loss", "label_smoothing", smoothing)
    if config.get("apply_class_balancing"):
        raise _unusual("focal loss", "apply_class_balancing", True)
    return {"loss": "focal", "focal_gamma": float(config["gamma"])}


def optimizer_settings(optimizer: Any) -> dict[str, Any]:
    """Read an optimizer of Keras; the names are those of ``Settings``.

    Raises
    ------
    NoCompiledFormError
        If the engine has no such update rule.

    Examples
    --------
    >>> import keras
    >>> optimizer_settings(keras.optimizers.SGD(0.5))["momentum"]
    0.0
    """
    import keras

    kind = type(optimizer).__name__
    is_of_keras = type(optimizer) is getattr(keras.optimizers, kind, None)
    if not is_of_keras or kind not in _OPTIMIZERS:
        raise NoCompiledFormError(f"optimizer {kind} has no compiled update rule")
    config = optimizer.get_config()
    name = _OPTIMIZERS[kind]
    # With other constants than Keras' defaults the update rule is not the same.
    expected = {**_PLAIN, **OPTIMIZERS[name].constants}
    if kind != "AdamW":
        expected = expected | {"weight_decay": None}
    for argument, value in expected.items():
        if config.get(argument, value) != value:
            raise _unusual(f"optimizer {kind}", argument, config[argument])
    if not isinstance(config["learning_rate"], float):
        raise NoCompiledFormError("the learning rate is a schedule of Keras")
    if hasattr(optimizer, "_exclude_from_weight_decay"):
        raise NoCompiledFormError("some weights are excluded from the weight decay")
    return {
        "optimizer": name,
        "learning_rate": config["learning_rate"],
        "momentum": float(config.get("momentum", 0.0)),
        "nesterov": bool(config.get("nesterov", False)),
        "weight_decay": float(config["weight_decay"] or 0.0),
        "clipnorm": config["clipnorm"],
    }


def _unusual(owner: str, name: str, value: object) -> NoCompiledFormError:
    return NoCompiledFormError(f"the {owner} has {name}={value!r}")
