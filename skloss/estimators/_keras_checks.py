"""What can be wrong with a model function and its parameters, a sentence each."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from skloss.training.from_keras import CompiledLoss

__all__ = [
    "check_head",
    "check_model",
    "check_parameters",
    "check_units",
    "check_used",
]

# Prefixes whose parameters scikeras hands down into nested objects.
_NESTED = ("callbacks", "loss", "metrics")


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
        else:
            known = [f"{p}__{rest}" for p in destinations]
            taken = False
        if not taken:
            options = list(known or ()) + [p for p in parameters if p not in extra]
            raise ValueError(
                f"The parameter {name!r} of {owner} is taken by nothing: neither the "
                f"model function nor Keras has it.{_did_you_mean(name, options)}"
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
        "optimizer": _of_optimizer(parameters.get("optimizer")),
        "score": None,
        **dict.fromkeys(_NESTED),
    }


def _of_optimizer(optimizer: Any) -> set[str] | None:
    """Arguments of an optimizer's class and of its bases."""
    import keras

    if isinstance(optimizer, str):
        optimizer = type(keras.optimizers.get(optimizer))
    if not isinstance(optimizer, type):
        return None
    bases = [base for base in optimizer.__mro__ if "__init__" in vars(base)]
    return _arguments([base.__init__ for base in bases[:-1]])[1]  # type: ignore[misc]


def _arguments(functions: Iterable[Callable[..., Any]]) -> tuple[bool, set[str]]:
    """Whether any name is taken, and the names that are."""
    found = [
        argument
        for function in functions
        for argument in inspect.signature(function).parameters.values()
    ]
    takes_all = any(argument.kind is argument.VAR_KEYWORD for argument in found)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return takes_all, {a.name for a in found if a.kind in kinds} - {"self"}


def _did_you_mean(name: str, options: Iterable[str]) -> str:
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
