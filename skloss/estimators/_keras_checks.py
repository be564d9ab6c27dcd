"""What can be wrong with a model function and its parameters, a sentence each."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from math import prod
from typing import Any

from skloss.training.from_keras import CompiledLoss

__all__ = [
    "check_columns",
    "check_fit_arguments",
    "check_head",
    "check_model",
    "check_parameters",
    "check_rows",
    "check_units",
    "check_used",
    "did_you_mean",
]

# Prefixes whose parameters scikeras hands down to classes, and such a class.
_NESTED = {
    "callbacks": "keras.callbacks.EarlyStopping",
    "loss": "keras.losses.BinaryCrossentropy",
    "metrics": "[keras.metrics.AUC]",
    "optimizer": "keras.optimizers.Adam",
}
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


# -------------------------------------------------------------------------- parameters


def check_parameters(
    owner: str,
    build: Callable[..., Any],
    extra: Collection[str],
    parameters: Mapping[str, Any],
) -> None:
    """Refuse parameters that nothing takes, naming the nearest one that there is.

    Parameters
    ----------
    owner : str
        Name of the estimator, for the text.
    build : callable
        The model function.
    extra : collection of str
        Parameters beyond those that the constructor names.
    parameters : mapping of str to object
        All parameters of the estimator.
    """
    takes_all, arguments = _arguments([build])
    given = {"meta", "params", "compile_kwargs"}
    destinations = _destinations(parameters, None if takes_all else arguments - given)
    for name in sorted({*extra, *(p for p in parameters if "__" in p)}):
        prefix, _, rest = name.partition("__")
        if not rest:
            known: Iterable[str] | None = None if takes_all else arguments - given
            taken = known is None or name in known
        elif prefix in destinations:
            known = destinations[prefix]
            taken = known is None or rest.partition("__")[0] in known
            known = None if known is None else [f"{prefix}__{k}" for k in known]
        elif prefix in _NESTED:
            _check_nested(owner, name, parameters.get(prefix))
            continue
        else:
            known = [f"{p}__{rest}" for p in (*destinations, *_NESTED)]
            taken = False
        if not taken:
            options = list(known or ()) + [p for p in parameters if p not in extra]
            raise _untaken(owner, name, options)
    _check_complete(owner, build, {*extra, *given}, parameters)


def check_fit_arguments(
    owner: str, fit: Callable[..., Any], given: Collection[str]
) -> None:
    """Refuse arguments of ``fit`` that the ``fit`` of the network has not."""
    takes_all, known = _arguments([fit])
    for name in given:
        if not takes_all and name not in known:
            near = did_you_mean(name, {*known, "X_val", "y_val", "groups"})
            raise TypeError(
                f"fit of {owner} has no argument {name!r}, and keras.Model.fit, which "
                f"is handed what it does not know, has none either.{near}"
            )


def _check_complete(
    owner: str,
    build: Callable[..., Any],
    known: Collection[str],
    parameters: Mapping[str, Any],
) -> None:
    """Say which argument the model function was never given."""
    for name, argument in inspect.signature(build).parameters.items():
        missing = argument.default is argument.empty and argument.kind in _BY_NAME
        if missing and name not in known and f"model__{name}" not in parameters:
            raise ValueError(
                f"The model function of {owner} needs {name!r}, which has no default: "
                f"give the classifier {name}=..., or model__{name}=... ."
            )


def _check_nested(owner: str, name: str, value: Any) -> None:
    """Refuse what none of the classes in a parameter such as ``callbacks`` takes."""
    import keras

    prefix, *path = name.split("__")
    if prefix == "optimizer" and isinstance(value, str):
        value = type(keras.optimizers.get(value))
    classes, keys = _classes_in(value)
    if not classes:
        is_told = value is None or isinstance(value, str)
        got = repr(value) if is_told else f"of type {type(value).__name__}"
        raise ValueError(
            f"The parameter {name!r} of {owner} is taken by nothing, because "
            f"{prefix!r} is no class but {got}: give a class, as "
            f"{prefix}={_NESTED[prefix]}."
        )
    while len(path) > 1 and path[0] in keys:
        path = path[1:]
    known = [_of_class(each) for each in classes]
    if None in known or path[0][0].isdigit():
        return
    options = {each for one in known for each in one or ()}
    if path[0] not in options:
        stems = [prefix, *(f"{prefix}__{key}" for key in keys)]
        raise _untaken(owner, name, [f"{s}__{o}" for s in stems for o in options])


def _untaken(owner: str, name: str, options: Iterable[str]) -> ValueError:
    return ValueError(
        f"The parameter {name!r} of {owner} is taken by nothing: neither the "
        f"model function nor Keras has it.{did_you_mean(name, options)}"
    )


def check_used(
    owner: str, build: Callable[..., Any], parameters: Collection[str]
) -> None:
    """Refuse what a network that its function has compiled cannot take any more."""
    takes_all, arguments = _arguments([build])
    if takes_all or arguments & {"compile_kwargs", "params"}:
        return
    prefixes = ("optimizer__", "loss__", "metrics__", "compile__")
    unused = [name for name in parameters if name.startswith(prefixes)]
    if unused:
        raise ValueError(
            f"The parameter {unused[0]!r} of {owner} is taken by nothing, because the "
            "model function compiles the network itself: let it take compile_kwargs, "
            "or return the network without compiling it."
        )


def _destinations(
    parameters: Mapping[str, Any], of_model: set[str] | None
) -> dict[str, set[str] | None]:
    """Names that each prefix takes; None is any."""
    import keras

    model = keras.Model
    return {
        "model": of_model,
        "fit": _arguments([model.fit])[1] | {"callbacks"},
        "predict": _arguments([model.predict])[1] | {"callbacks"},
        "compile": _arguments([model.compile])[1],
        "score": None,
    }


def _classes_in(value: Any) -> tuple[list[type], set[str]]:
    """Classes in a parameter, and the keys that lead to them."""
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        found = [_classes_in(each) for each in value.values()]
        keys = {str(key) for key in value}.union(*(inner for _, inner in found))
        return [each for classes, _ in found for each in classes], keys
    return [value] if isinstance(value, type) else [], set()


def _of_class(cls: type) -> set[str] | None:
    """Arguments of a class and of its bases; None is any."""
    bases = [base for base in cls.__mro__[:-1] if "__init__" in vars(base)]
    for base in bases:
        takes_all, _ = _arguments([base.__init__])  # type: ignore[misc]
        if takes_all and not base.__module__.startswith("keras."):
            return None
    return _arguments([base.__init__ for base in bases])[1]  # type: ignore[misc]


def _arguments(functions: Iterable[Callable[..., Any]]) -> tuple[bool, set[str]]:
    """Whether any name is taken, and the names that are."""
    found = [
        argument
        for function in functions
        for argument in inspect.signature(function).parameters.values()
    ]
    takes_all = any(argument.kind is argument.VAR_KEYWORD for argument in found)
    return takes_all, {a.name for a in found if a.kind in _BY_NAME} - {"self"}


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Sentence that names the nearest option, if one is near."""
    near = get_close_matches(name, list(options), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


# ------------------------------------------------------------------------------- model


def check_model(owner: str, model: Any) -> None:
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


def check_rows(owner: str, model: Any, row_shape: tuple[int, ...]) -> None:
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


def check_head(owner: str, model: Any, loss: CompiledLoss, n_units: int) -> None:
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


def _last_activation(model: Any) -> str | None:
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
