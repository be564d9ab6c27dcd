"""Fits that change an estimator wholly, or leave it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skloss.protocols import KerasModel

__all__ = ["OF_CALLBACKS", "all_or_nothing", "weights_or_nothing"]

# What scikit-learn's callbacks leave on an estimator, and take off by themselves.
OF_CALLBACKS = (
    "_callback_fit_ctx",
    "_parent_callback_ctx",
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
)


@contextmanager
def all_or_nothing(*estimators: Any) -> Iterator[None]:
    """Put the attributes of estimators back where the block ends in an error.

    So new ``classes_`` never stand beside old weights. Attributes that are changed in
    place, as the weights of a Keras model, are not put back.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[1.0], [3.0]])
    >>> with all_or_nothing(scaler):
    ...     raise ValueError(scaler.fit([[5.0]]).mean_)
    Traceback (most recent call last):
        ...
    ValueError: [5.]
    >>> scaler.mean_
    array([2.])
    """
    found = [each for each in estimators if hasattr(each, "__dict__")]
    before = [dict(vars(each)) for each in found]
    try:
        yield
    except BaseException:
        for each, attributes in zip(found, before, strict=True):
            now = vars(each)
            kept = {name: now[name] for name in OF_CALLBACKS if name in now}
            now.clear()
            now.update({k: v for k, v in attributes.items() if k not in OF_CALLBACKS})
            now.update(kept)
        raise


@contextmanager
def weights_or_nothing(model: KerasModel | None) -> Iterator[None]:
    """Put all variables of a Keras model back where the block ends in an error."""
    if model is None:
        yield
        return
    optimizer = getattr(model, "optimizer", None)
    was_built = optimizer is not None and optimizer.built
    of_optimizer = optimizer.variables if optimizer and was_built else ()
    variables = [*model.variables, *of_optimizer]
    before = [(variable, variable.numpy().copy()) for variable in variables]
    try:
        yield
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        if optimizer is not None and optimizer.built and not was_built:
            _begin_anew(model, optimizer)
        raise


def _begin_anew(model: KerasModel, optimizer: Any) -> None:
    """Put an optimizer back that was not built before, which has other first values."""
    twin = type(optimizer).from_config(optimizer.get_config())
    twin.build(model.trainable_variables)
    for variable, value in zip(optimizer.variables, twin.variables, strict=True):
        variable.assign(value)
