"""Parameters that nothing takes, each told in a sentence with the nearest there is."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from skloss.nearest_name import did_you_mean

__all__ = ["check_fit_arguments", "check_parameters", "check_used"]

# Prefixes whose parameters scikeras hands down to classes, and such a class.
_NESTED = {
    "callbacks": "keras.callbacks.EarlyStopping",
    "loss": "keras.losses.BinaryCrossentropy",
    "metrics": "[keras.metrics.AUC]",
    "optimizer": "keras.optimizers.Adam",
}
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


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


def _check_nested(owner: str, name: str, value: object) -> None:
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


def _classes_in(value: object) -> tuple[list[type], set[str]]:
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
