"""Losses that take one weight per row and output, for labels of several columns."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from skloss.keras_interop.compiled_settings import compiled_loss, only_loss
from skloss.protocols import KerasModel

__all__ = ["is_of_single_values", "weigh_outputs"]


def weigh_outputs(
    owner: str, model: KerasModel, y: Any, weights: np.ndarray, rows: np.ndarray | None
) -> Any:
    """Prepare a compiled model for weights of labels, and return what ``fit`` takes.

    Parameters
    ----------
    owner : str
        Name of the estimator, for errors.
    model : keras.Model
        A compiled model. If it has one output, its loss is one of single values from
        then on: the mean over the columns, as before, but each of them can be weighted.
    y : object
        The truth as the model takes it.
    weights : ndarray of shape (n, n_columns)
        One weight per row and column.
    rows : ndarray of shape (n,) or None
        Weights of the rows.

    Returns
    -------
    ndarray, list or dict
        ``sample_weight`` for ``keras.Model.fit``.
    """
    if rows is not None:
        weights = weights * rows[:, None]
    weights = weights.astype(np.float32)
    several = isinstance(y, list | tuple | Mapping)
    n_parts = len(y) if several else np.shape(y)[-1]
    if n_parts != weights.shape[1]:
        raise ValueError(
            f"class_weight of {owner} has weights for the {weights.shape[1]} columns "
            f"of y, but target_encoder makes {n_parts} of them: pass sample_weight."
        )
    if isinstance(y, Mapping):
        return dict(zip(y, weights.T, strict=True))
    if several:
        return list(weights.T)
    _use_single_values(owner, model)
    return weights


def is_of_single_values(loss: object) -> bool:
    """Whether `weigh_outputs` has compiled a model with this loss."""
    return isinstance(loss, _single_value_loss())


def _use_single_values(owner: str, model: KerasModel) -> None:
    """Compile a model anew, with the loss of each value instead of that of a row."""
    import keras

    loss = keras.losses.get(only_loss(model.loss))
    if is_of_single_values(loss):
        return
    single = _single_value_loss()(loss)
    _check_is_mean(owner, single)
    compiled = model.get_compile_config()
    given = {
        name: keras.saving.deserialize_keras_object(compiled[name])
        for name in ("metrics", "weighted_metrics", "loss_weights")
        if compiled.get(name) is not None
    }
    settings = {
        name: compiled[name]
        for name in ("jit_compile", "steps_per_execution", "auto_scale_loss")
        if name in compiled
    }
    model.compile(optimizer=model.optimizer, loss=single, **given, **settings)


def _check_is_mean(owner: str, single: Any) -> None:
    """Refuse a loss of a row that is not the mean over its values."""
    truth = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1]], np.float32)
    outputs = np.array([[0.2, 0.7, 0.9], [0.6, 0.1, 0.3], [0.4, 0.8, 0.3]], np.float32)
    try:
        of_rows = np.asarray(single.function(truth, outputs))
        of_values = np.asarray(single.call(truth, outputs)).mean(axis=1)
        is_mean = np.allclose(of_rows, of_values, rtol=1e-4)
    except Exception:  # a loss of the user's can fail in any way
        is_mean = False
    if not is_mean:
        raise ValueError(
            f"The loss {single.name!r} of {owner} is not a mean over the columns of y, "
            "so that class_weight cannot weigh them: use 'binary_crossentropy', or "
            "pass sample_weight, one weight per row."
        )


@cache
def _single_value_loss() -> Any:
    """Make the class of such a loss; Keras is imported by then."""
    import keras

    @keras.saving.register_keras_serializable(package="skloss")
    class SingleValueLoss(keras.losses.Loss):
        """Loss of each output of a row, so that a weight can stand at each."""

        def __init__(self, loss: Any, **options: Any) -> None:
            is_object = isinstance(loss, keras.losses.Loss)
            if is_object:
                options.setdefault("reduction", loss.reduction)
            options.setdefault("name", compiled_loss(loss).name)
            super().__init__(**options)
            self.loss, self.function = loss, loss.call if is_object else loss

        def call(self, y_true: Any, y_pred: Any) -> Any:
            expand = keras.ops.expand_dims
            return self.function(expand(y_true, -1), expand(y_pred, -1))

        def get_config(self) -> dict[str, Any]:
            loss = keras.saving.serialize_keras_object(self.loss)
            return {**super().get_config(), "loss": loss}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            loss = keras.saving.deserialize_keras_object(config.pop("loss"))
            return cls(loss, **config)

    return SingleValueLoss
