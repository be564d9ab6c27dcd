"""Checks of a Keras network: its input, its outputs and its loss."""

from math import prod

from skloss.keras_interop.compiled_settings import CompiledLoss
from skloss.protocols import KerasModel

__all__ = ["check_columns", "check_head", "check_model", "check_rows", "check_units"]


def check_model(owner: str, model: object) -> None:
    """Refuse what is no network that can be trained."""
    import keras

    if not isinstance(model, keras.Model):
        got = "nothing" if model is None else f"a {type(model).__name__}"
        raise ValueError(
            f"The model function of {owner} must return a keras.Model, and returned "
            f"{got}: end it with 'return model'."
        )
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            f"The model function of {owner} returned a network without an input shape: "
            "begin it with keras.Input((meta['n_features_in_'],)), and let the "
            "function take meta."
        )
    if getattr(model, "run_eagerly", False):
        raise ValueError(
            f"The network of {owner} is to run eagerly, which is for looking into it "
            "by hand and trains many times slower: leave run_eagerly out, or train it "
            "by keras.Model.fit itself."
        )


def check_rows(owner: str, model: KerasModel, row_shape: tuple[int, ...]) -> None:
    """Refuse rows that do not fit the input of the network."""
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        return
    shape = tuple(inputs[0].shape[1:])
    if None not in shape and prod(shape) != prod(row_shape):
        raise ValueError(
            f"The network of {owner} takes rows of shape {shape}, but X has rows of "
            f"shape {row_shape}: let the model function take meta, and begin the "
            "network with keras.Input(meta['X_shape_'][1:])."
        )


def check_columns(owner: str, n_units: int, loss: CompiledLoss, n_columns: int) -> None:
    """Refuse outputs and a loss that do not fit labels of several columns."""
    if loss.takes_codes:
        raise ValueError(
            f"The loss {loss.name!r} of {owner} takes one label per row, but y has "
            f"{n_columns} columns: use {loss.name.removeprefix('sparse_')!r}, or "
            "pass the labels themselves."
        )
    if n_units != n_columns:
        raise ValueError(
            f"The network of {owner} ends in {_units(n_units)}, but the {n_columns} "
            f"columns of y need {_units(n_columns)}: end it with "
            "Dense(meta['n_classes_'])."
        )


def check_units(owner: str, n_units: int, n_classes: int) -> None:
    """Refuse outputs that do not fit the labels."""
    if n_units == n_classes or (n_units == 1 and n_classes == 2):
        return
    needed = "1 or 2 units" if n_classes == 2 else f"{n_classes} units"
    raise ValueError(
        f"The network of {owner} ends in {_units(n_units)}, but the {n_classes} "
        f"classes of y need {needed}: let the model function take meta, and "
        "end it with Dense(meta['n_classes_'], activation='softmax')"
        + (", or Dense(1, activation='sigmoid')." if n_classes == 2 else ".")
    )


def check_head(owner: str, model: KerasModel, loss: CompiledLoss, n_units: int) -> None:
    """Refuse a loss that does not fit the outputs."""
    wants_one = loss.name.startswith("binary_")
    wants_several = "categorical" in loss.name
    if wants_one and n_units > 1:
        raise _misfit(
            owner, loss, n_units, "'sparse_categorical_crossentropy', or end in one"
        )
    if wants_several and n_units == 1:
        raise _misfit(owner, loss, n_units, "'binary_crossentropy'")
    activation = _last_activation(model)
    if activation == "softmax" and n_units == 1:
        raise ValueError(
            f"The network of {owner} ends in a softmax over 1 unit, which is always "
            "one: end it with activation='sigmoid'."
        )
    if loss.from_logits and activation in ("sigmoid", "softmax"):
        raise ValueError(
            f"The loss {loss.name!r} of {owner} has from_logits=True, but the network "
            f"ends in {activation!r}, which gives probabilities: leave one of the two "
            "out."
        )
    if not (wants_one or wants_several) or loss.from_logits:
        return
    if activation in ("linear", "relu", "tanh"):
        expected = "sigmoid" if n_units == 1 else "softmax"
        raise ValueError(
            f"The loss {loss.name!r} of {owner} takes probabilities, but the network "
            f"ends in {activation!r}: end it with activation={expected!r}, or give a "
            "loss with from_logits=True."
        )


def _misfit(owner: str, loss: CompiledLoss, n_units: int, use: str) -> ValueError:
    return ValueError(
        f"The loss {loss.name!r} of {owner} does not fit a network that ends in "
        f"{_units(n_units)}: use {use}."
    )


def _units(number: int) -> str:
    return f"{number} unit{'' if number == 1 else 's'}"


def _last_activation(model: KerasModel) -> str | None:
    """Name of the activation at the end; None if it cannot be told."""
    layers = getattr(model, "layers", None)
    if not layers:
        return None
    last = layers[-1]
    if hasattr(last, "layers"):
        return _last_activation(last)
    if type(last).__name__ not in ("Dense", "Activation"):
        return None
    return getattr(last.activation, "__name__", None)
