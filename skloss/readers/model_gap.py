"""The gap between the losses of a trained Keras model, measured by calling it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skloss.holdout import stratified_sample
from skloss.keras_interop.compiled_settings import CompiledLoss, compiled_loss
from skloss.keras_interop.keras_gap import (
    keras_training_mode,
    passed,
    require_probabilities,
)
from skloss.protocols import KerasModel
from skloss.record.gap_measurement import RowLosses, TrainingMode, measured_gap
from skloss.record.loss_gap import LossGap
from skloss.training.losses import clipped_crossentropy, row_losses
from skloss.training.outputs import output_probabilities

__all__ = ["GivenRows", "model_gap"]

_MOST_TRAINED = 4096
_MOST_HELD = 2**13
_BLOCK = 1024
_TOLERANCE = 2e-3
_NO_WEIGHTS = (
    "class and sample weights are not known; give fit_params, as {} if there were none"
)


@dataclass(frozen=True)
class GivenRows:
    """Rows of one side as they were given to ``fit``.

    Parameters
    ----------
    X, y : ndarray
        Inputs and labels.
    codes : ndarray of int, shape (n,)
        Class numbers.
    weight : ndarray of shape (n,) or None
        Weights in the loss.
    groups : ndarray of shape (n,) or None
        Group of each row.
    share : float
        Share of the rows of this side that these are.
    """

    X: Any
    y: np.ndarray
    codes: np.ndarray
    weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.codes)

    def some(self, most: int) -> "GivenRows":
        """At most so many rows, of each class its share."""
        if len(self) <= most:
            return self
        at = stratified_sample(self.codes, most)
        weight, groups = (
            None if part is None else part[at] for part in (self.weight, self.groups)
        )
        share = most / len(self)
        return GivenRows(self.X[at], self.y[at], self.codes[at], weight, groups, share)


def model_gap(
    model: KerasModel,
    curves: Mapping[str, np.ndarray],
    n_classes: int,
    trained: GivenRows,
    held: GivenRows,
    *,
    batch_size: int | None = None,
    are_weights_known: bool = True,
) -> LossGap:
    """Measure the gap of the epoch whose weights a model has.

    Parameters
    ----------
    model : keras.Model
        Compiled and trained; it is called, and stays as it is to the bit.
    curves : mapping of str to ndarray
        ``loss`` and ``val_loss`` as ``fit`` printed them.
    n_classes : int
        Number of classes.
    trained, held : GivenRows
        Rows trained on, and rows held out.
    batch_size : int or None
        Of the fit; None is that of Keras.
    are_weights_known : bool
        Whether the weights of the rows trained on are all of them.

    Raises
    ------
    ValueError
        If the gap cannot be measured; the message says why.
    """
    trained, held = trained.some(_MOST_TRAINED), held.some(_MOST_HELD)
    measured = _Measured(model, compiled_loss(model.loss))
    held_losses, held_penalty = measured.losses(held)
    epoch = _epoch_of(curves, held_losses, held_penalty)
    losses, _ = measured.losses(trained)
    mode = measured.mode(trained, losses, batch_size or 32)
    unknown = {}
    if not are_weights_known:
        unknown = dict.fromkeys(("training_mode", "inference"), _NO_WEIGHTS)
    return measured_gap(
        epoch,
        float(curves["loss"][epoch]),
        float(curves["val_loss"][epoch]),
        n_classes,
        trained=losses,
        held_out=held_losses,
        mode=replace(mode, held_penalty=held_penalty),
        unknown=unknown,
        titles={"loss_function": f"{measured.loss.name} instead of cross-entropy"},
    )


def _epoch_of(curves: Mapping[str, np.ndarray], held: RowLosses, penalty: float) -> int:
    """Find the epoch whose validation loss is that of the model now: the last or best.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not {"loss", "val_loss"} <= curves.keys():
        raise ValueError("the history has no loss and val_loss")
    printed = np.asarray(curves["val_loss"], float)
    if not np.isfinite(printed).any():
        raise ValueError("the history has no finite val_loss")
    rows = held.weighted
    now = float(rows.mean()) + penalty
    near = _TOLERANCE * (1 + abs(now)) + 4 * float(rows.std()) / np.sqrt(len(rows)) * (
        held.share < 1
    )
    distance = np.where(np.isfinite(printed), np.abs(printed - now), np.inf)
    last = len(printed) - 1
    if distance[last] <= near:
        return last
    best = int(distance.argmin())
    if distance[best] <= near:
        return best
    raise ValueError(
        f"the model's loss on the validation rows is {now:.4g}, and no epoch of the "
        f"history has it (the last one has {printed[last]:.4g}); give the model, "
        "validation rows and history of one fit"
    )


class _Measured:
    """A model, and how the losses of its rows are measured."""

    def __init__(self, model: KerasModel, loss: CompiledLoss) -> None:
        if loss.function is None:
            raise ValueError("the loss of the model is not known")
        self.model, self.loss = model, loss

    def losses(self, rows: GivenRows) -> tuple[RowLosses, float]:
        """Losses of rows in inference mode, and the penalties beside them."""
        starts = range(0, len(rows), _BLOCK)
        blocks = [np.arange(i, min(i + _BLOCK, len(rows))) for i in starts]
        own, outputs, penalties = [], [], []
        passes = passed(self.model, (rows.X[at] for at in blocks), training=False)
        for at, (found, penalty) in zip(blocks, passes, strict=True):
            own.append(self._row_losses(rows.y[at], found))
            outputs.append(np.asarray(found, float).reshape(len(at), -1))
            penalties.append(penalty)
        penalty = float(np.average(penalties, weights=[len(at) for at in blocks]))
        by_row = np.concatenate(own)
        plain = by_row
        if not self.loss.is_crossentropy:
            plain = self._crossentropy(np.concatenate(outputs), rows.codes)
        return (
            RowLosses(
                rows.codes,
                plain,
                None if self.loss.is_crossentropy else by_row,
                rows.weight,
                rows.groups,
                rows.share,
            ),
            penalty,
        )

    def mode(self, rows: GivenRows, usual: RowLosses, batch_size: int) -> TrainingMode:
        return keras_training_mode(
            self.model,
            lambda at: rows.X[at],
            lambda at, outputs: self._row_losses(rows.y[at], outputs),
            usual.trained_by,
            rows.weight,
            batch_size=min(batch_size, len(rows)),
            n_multiplications=sum(w.size for w in self.model.get_weights()),
        )

    def _row_losses(self, y: np.ndarray, outputs: Any) -> np.ndarray:
        """Losses of the very outputs, beside which Keras keeps their logits."""
        if y.size == np.prod(outputs.shape):
            y = y.reshape(outputs.shape)
        target = y if self.loss.takes_codes else np.asarray(y, np.float32)
        function: Any = self.loss.function
        found = np.asarray(function(target, outputs), np.float64)
        if not found.ndim or len(found) != len(y):
            raise ValueError("the loss gives no value for each row")
        return found.reshape(len(y), -1).mean(axis=1)

    def _crossentropy(self, outputs: np.ndarray, codes: np.ndarray) -> np.ndarray:
        if self.loss.from_logits:
            return row_losses("crossentropy", outputs, codes)
        require_probabilities(outputs)
        given = output_probabilities(outputs, from_logits=False)
        return clipped_crossentropy(given, codes)
