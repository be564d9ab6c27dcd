"""Parameters of a fix, translated into those of the classifier at hand."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from skloss.diagnosis import Case

__all__ = ["CannotApplyError", "translated"]

# Names under which model functions have what a fix names.
_OF_MODEL = {
    "activation": ("hidden_activation", "activation_function", "act", "activations"),
    "batch_norm": ("batch_normalization", "use_batch_norm", "batchnorm", "bn"),
    "dropout": ("dropout_rate", "drop_rate", "dropout_rates", "rate", "drop"),
    "filters": ("n_filters", "num_filters"),
    "head_activation": ("output_activation", "last_activation", "final_activation"),
    "kernel_initializer": ("initializer", "init", "kernel_init"),
    "bias_initializer": ("bias_init",),
    "l1": (),
    "l2": ("weight_decay", "regularization", "reg"),
    "learning_rate": ("lr", "rate_of_learning"),
    "clipnorm": (),
    "loss": (),
    "width": ("units", "n_units", "hidden_units", "neurons", "hidden", "hidden_size"),
}
_OF_OPTIMIZER = ("learning_rate", "clipnorm")
_OF_MLP = {
    "learning_rate": "learning_rate_init",
    "epochs": "max_iter",
    "width": "hidden_layer_sizes",
    "l2": "alpha",
    "patience": "n_iter_no_change",
}
_ACTIVATIONS_OF_MLP = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


class CannotApplyError(Exception):
    """A fix that this estimator cannot take; the text is the reason."""


def translated(
    classifier: Any, params: Mapping[str, Any], case: Case | None
) -> dict[str, Any]:
    """Translate the parameters of a fix into those of a classifier.

    Parameters
    ----------
    classifier : estimator
        A classifier of skloss or scikeras, or scikit-learn's ``MLPClassifier``.
    params : mapping of str to object
        Parameters by the names of a skloss classifier.
    case : Case or None
        What is known of the training.

    Returns
    -------
    dict of str to object
        Those that the classifier has, and that differ from what is set.

    Raises
    ------
    CannotApplyError
        If there is none.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> translated(MLPClassifier(), {"epochs": 400, "learning_rate": 0.001}, None)
    {'max_iter': 400}
    """
    if is_of_keras(classifier):
        found, current = _of_keras(classifier, params, case)
    else:
        found, current = _of_others(classifier, params)
    changed = {n: v for n, v in found.items() if not _equal(current.get(n), v)}
    if changed:
        return _with_holdout(changed, current)
    if found:
        raise CannotApplyError(f"{_words(found)} is set already")
    raise CannotApplyError(f"{type(classifier).__name__} has no {_words(params)}")


def is_of_keras(classifier: object) -> bool:
    """Whether it is a KerasClassifier of skloss or of scikeras."""
    bases = {f"{b.__module__}.{b.__name__}" for b in type(classifier).__mro__}
    return "scikeras.wrappers.BaseWrapper" in bases


def _of_others(
    classifier: Any, params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    current = classifier.get_params(deep=False)
    if type(classifier).__name__ == "MLPClassifier":
        params = _for_mlp(params)
    return {n: v for n, v in params.items() if n in current}, current


def _for_mlp(params: Mapping[str, Any]) -> dict[str, Any]:
    found = {_OF_MLP.get(name, name): value for name, value in params.items()}
    if "activation" in found:
        known = _ACTIVATIONS_OF_MLP.get(found.pop("activation"))
        found |= {"activation": known} if known else {}
    return found


def _of_keras(
    classifier: Any, params: Mapping[str, Any], case: Case | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Look for each name in the model function, the classifier, and the optimizer."""
    own = classifier.get_params(deep=False)
    arguments = _arguments_of_model(classifier)
    current = arguments | own
    found: dict[str, Any] = {}
    for name, value in params.items():
        given = next(
            (n for n in (name, *_OF_MODEL.get(name, ())) if n in arguments), None
        )
        if name == "loss":
            value = _loss_of_keras(case)
        if given is not None:
            routed = given if given in own else f"model__{given}"
            current.setdefault(routed, arguments[given])
            found[routed] = value
        elif name == "loss" and name in own and _gives_logits(arguments, case):
            found |= _loss_of_logits(value)
        elif name in own:
            found[name] = value
        elif name in _OF_OPTIMIZER:
            found |= _of_optimizer(own, name, value, found)
    return found, current


def _arguments_of_model(classifier: Any) -> dict[str, Any]:
    """Arguments of the model function, with their values as the classifier has them."""
    model = classifier.model
    if model is None:
        model = getattr(classifier, "build_fn", None)
    if not callable(model) or hasattr(model, "layers"):
        return {}
    own = classifier.get_params(deep=False)
    known = {}
    for name, argument in inspect.signature(model).parameters.items():
        if argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY):
            default = None if argument.default is argument.empty else argument.default
            known[name] = own.get(f"model__{name}", own.get(name, default))
    for name in ("meta", "params", "compile_kwargs"):
        known.pop(name, None)
    return known


def _of_optimizer(
    own: Mapping[str, Any], name: str, value: Any, found: Mapping[str, Any]
) -> dict[str, Any]:
    """Route an argument to the optimizer; an instance becomes a name with arguments."""
    optimizer = own.get("optimizer")
    if isinstance(optimizer, str | type):
        return {f"optimizer__{name}": value}
    if optimizer is None or "optimizer" in found:
        return {f"optimizer__{name}": value} if optimizer is not None else {}
    config = optimizer.get_config()
    usual = type(optimizer)().get_config()
    others = {
        f"optimizer__{key}": kept
        for key, kept in config.items()
        if key in usual
        and isinstance(kept, int | float | bool)
        and kept != usual[key]
        and key not in ("name", *found)
    }
    kind = type(optimizer).__name__.lower()
    return {"optimizer": kind, **others, f"optimizer__{name}": value}


def _loss_of_keras(case: Case | None) -> str:
    """Name the cross-entropy that fits the outputs and the labels."""
    units = None if case is None or case.head is None else case.head.units
    if units == 1:
        return "binary_crossentropy"
    rows = None if case is None else case.rows
    one_hot = rows is not None and rows.target_kind == "one_hot"
    return "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"


def _gives_logits(arguments: Mapping[str, Any], case: Case | None) -> bool:
    """Whether the network ends without an activation, as its function is called now."""
    names = ("head_activation", *_OF_MODEL["head_activation"])
    set_now = [arguments[name] for name in names if arguments.get(name) is not None]
    if set_now:
        return bool(set_now[0] == "linear")
    head = None if case is None else case.head
    return head is not None and head.activation == "linear"


def _loss_of_logits(name: str) -> dict[str, Any]:
    """Name the class of a loss, and that it takes logits."""
    import keras

    kind = "".join(part.title() for part in name.split("_"))
    return {"loss": getattr(keras.losses, kind), "loss__from_logits": True}


def _with_holdout(
    changed: dict[str, Any], current: Mapping[str, Any]
) -> dict[str, Any]:
    """Hold rows out where an epoch is to be chosen by them."""
    if not changed.get("early_stopping") or "validation_fraction" not in current:
        return changed
    fraction = current["validation_fraction"]
    is_none = fraction is None or (
        fraction == "auto" and not current.get("validation_split")
    )
    return {**changed, "validation_fraction": 0.1} if is_none else changed


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # arrays
        return False


def _words(params: Mapping[str, Any]) -> str:
    return " and ".join(params)
