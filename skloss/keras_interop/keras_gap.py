"""Rows of a Keras model in training mode, and the losses of each; nothing is changed.

Everything goes through ``Model.stateless_call``, which returns what training mode would
update (batch statistics, the seeds of dropout) instead of keeping it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from skloss.protocols import KerasModel
from skloss.record.gap_measurement import TrainingMode
from skloss.training.training_mode import excess_of_batches, random_batches

__all__ = ["keras_training_mode", "passed", "require_probabilities"]

_MOST_BATCHES = 12  # a call without a graph takes milliseconds
_CLOSE = 1e-3


def keras_training_mode(
    model: KerasModel,
    given: Callable[[np.ndarray], Any],
    losses: Callable[[np.ndarray, Any], np.ndarray],
    usual: np.ndarray,
    weight: np.ndarray | None,
    *,
    batch_size: int,
    n_multiplications: int,
    seed: int = 0,
) -> TrainingMode:
    """Measure what training mode adds to the losses of some random rows.

    Parameters
    ----------
    model : keras.Model
        It is called, and stays as it is to the bit.
    given : callable
        Inputs of the model, of positions of rows.
    losses : callable
        Losses of rows, of positions and outputs.
    usual : ndarray of shape (n,)
        Losses in inference mode, without weights.
    weight : ndarray of shape (n,) or None
        Weights of the rows in the loss.
    batch_size : int
        Size of the batches that were trained on.
    n_multiplications : int
        Multiplications for one row.
    seed : int
        Of the choice of rows.
    """
    causes = _causes(model)
    in_batches = "batch statistics" in causes
    rng = np.random.default_rng((seed, 7))
    batches, penalties = [], []
    chosen_rows = random_batches(
        len(usual),
        batch_size,
        n_multiplications,
        rng,
        in_batches=in_batches,
        most_batches=_MOST_BATCHES,
    )
    try:
        positions = list(chosen_rows)
        passes = passed(model, (given(rows) for rows in positions), training=True)
        for rows, (outputs, penalty) in zip(positions, passes, strict=True):
            change = losses(rows, outputs) - usual[rows]
            batches.append(change if weight is None else change * weight[rows])
            penalties.append(penalty)
    except Exception:  # a custom layer or loss: not known
        return TrainingMode(None, None)
    penalty = float(np.mean(penalties))
    excess, error = excess_of_batches(batches, in_batches=in_batches)
    is_same = max(np.abs(batch).max() for batch in batches) <= _CLOSE
    if not causes and is_same:  # what differs are the digits of another program
        return TrainingMode(penalty)
    return TrainingMode(penalty, excess, error, causes or ("training mode",))


def passed(
    model: KerasModel, batches: Iterator[Any], *, training: bool
) -> Iterator[tuple[Any, float]]:
    """Pass batches through, and give outputs and penalties of each.

    Parameters
    ----------
    model : keras.Model
        The model.
    batches : iterator
        Its inputs.
    training : bool
        Whether it is called in training mode.
    """
    trained = [np.asarray(v) for v in model.trainable_variables]
    state: Any = [np.asarray(v) for v in model.non_trainable_variables]
    for given in batches:
        # The state goes on, so that each batch has another mask of dropout.
        found: Any = model.stateless_call(
            trained, state, given, training=training, return_losses=True
        )
        outputs, state, losses = found
        yield outputs, float(np.sum([float(loss) for loss in losses]))


def require_probabilities(outputs: np.ndarray) -> None:
    """Raise unless outputs are probabilities, which have a cross-entropy."""
    inside = (outputs >= -_CLOSE).all() and (outputs <= 1 + _CLOSE).all()
    totals = outputs.sum(axis=1)
    if not inside or (outputs.shape[1] > 1 and (abs(totals - 1) > _CLOSE).any()):
        raise ValueError(
            "the outputs of the model are no probabilities, so that they have no "
            "cross-entropy"
        )


def _causes(model: Any) -> tuple[str, ...]:
    """Say which layers do something else in training than in inference."""
    layers = list(_flat(model))
    kinds = {type(layer).__name__ for layer in layers}
    drops = any("Dropout" in kind for kind in kinds) or any(
        getattr(layer, name, 0) or 0
        for layer in layers
        for name in ("dropout", "recurrent_dropout")
        if isinstance(getattr(layer, name, 0), float)
    )
    noise = any("Noise" in kind for kind in kinds)
    normed = any("BatchNormalization" in kind for kind in kinds)
    return ("dropout",) * drops + ("noise",) * noise + ("batch statistics",) * normed


def _flat(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _flat(layer)
