"""Check the rows and ``fit`` arguments that are given beside a Keras model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skloss.protocols import KerasModel

__all__ = ["of_input_shape", "read_fit_params"]

_OF_FIT = (
    "epochs",
    "initial_epoch",
    "batch_size",
    "shuffle",
    "class_weight",
    "sample_weight",
    "callbacks",
    "validation_split",
    "validation_data",
    "validation_batch_size",
    "validation_freq",
    "validation_steps",
    "steps_per_epoch",
    "verbose",
)


def of_input_shape(model: KerasModel, X: ArrayLike | None, name: str) -> Any:
    """Rows as the model sees them: Keras adds or drops a last axis of one itself."""
    wanted = getattr(model, "input_shape", None)
    if X is None or not isinstance(wanted, tuple):
        return X
    got = np.shape(X)
    if len(got) == len(wanted) - 1 and wanted[-1] == 1:
        X = np.asarray(X)[..., np.newaxis]
    elif len(got) == len(wanted) + 1 and got[-1] == 1:
        X = np.asarray(X)[..., 0]
    shape = np.shape(X)
    if len(shape) != len(wanted) or any(
        w not in (None, s) for w, s in zip(wanted[1:], shape[1:], strict=True)
    ):
        raise ValueError(
            f"{name} has rows of shape {got[1:]}, but the model expects {wanted[1:]}."
        )
    return X


def read_fit_params(
    fit_params: Mapping[str, Any] | None,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Check the arguments of Keras' ``fit``, and note those that it does not have."""
    if fit_params is None:
        return {}, ()
    if not isinstance(fit_params, Mapping):
        raise ValueError(
            "fit_params must be a dict of the arguments of fit, got "
            f"{type(fit_params).__name__}."
        )
    given = {str(name): value for name, value in fit_params.items()}
    callbacks = given.get("callbacks")
    if callbacks is not None and not isinstance(callbacks, list | tuple):
        given["callbacks"] = [callbacks]
    share = given.get("validation_split")
    if share and not 0 < share < 1:
        raise ValueError(f"validation_split must be between 0 and 1, got {share!r}.")
    unknown = [name for name in given if name not in _OF_FIT]
    return given, tuple(f"fit_params: {name!r} was not understood" for name in unknown)
