"""Training by ``keras.Model.fit``, with curves measured after every epoch.

One call of ``fit`` trains all epochs, so that the callbacks, schedules and random
numbers of Keras are those of a fit without skloss; what skloss adds only looks on.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from skloss.exceptions import TrainingDivergedWarning, TrainingInterruptedWarning
from skloss.training.early_stopping import EarlyStopping
from skloss.training.keras_network import KerasEvaluator
from skloss.training.startup_messages import quiet_start
from skloss.training.trainer import Settings, TrainingResult

__all__ = ["train_keras"]


def train_keras(
    model: Any,
    fit: Callable[[Any], Any],
    settings: Settings,
    evaluators: Mapping[str, KerasEvaluator],
    reason: str,
) -> TrainingResult:
    """Train a compiled model in place.

    Parameters
    ----------
    model : keras.Model
        The model, which ends with the weights that are kept.
    fit : callable
        Calls ``model.fit`` with one callback more, the one that it is given.
    settings : Settings
        Of these the number of epochs, the monitored curve and the patience are read.
    evaluators : mapping of str to KerasEvaluator
        What is measured after every epoch; the key, ``""`` or ``"val_"``, stands before
        the names of the curves.
    reason : str
        Why the engine does not train it.

    Returns
    -------
    TrainingResult
    """
    watch = _Watch(model, settings, evaluators)
    stop_reason = ""
    try:
        with ExitStack() as start:
            start.enter_context(quiet_start("keras fit"))
            fit(watch.callback(start.close))
    except KeyboardInterrupt:
        if not watch.history:
            raise
        stop_reason = "interrupted"
        watch.warn_interrupted()
    stop_reason = stop_reason or watch.stop_reason()
    if stop_reason == "diverged":
        watch.warn_diverged()
    best = watch.best
    cut_short = stop_reason in ("interrupted", "diverged")
    if best.weights is not None and (settings.patience or cut_short):
        model.set_weights(best.weights)
    elif cut_short:
        model.set_weights(watch.finite)
    result = TrainingResult(model.get_weights(), [], 0, watch.history)
    result.best_epoch, result.stop_reason = best.epoch, stop_reason
    result.kind, result.reason = "keras", reason
    return result


class _Watch:
    """What looks on: curves, the best epoch, and the last weights that were finite."""

    def __init__(
        self, model: Any, settings: Settings, evaluators: Mapping[str, KerasEvaluator]
    ) -> None:
        self._model, self._settings = model, settings
        self._evaluators = evaluators
        self.history: dict[str, list[float]] = {}
        self.best = EarlyStopping(
            settings.monitor, settings.patience, settings.restore_best
        )
        self.finite = model.get_weights()
        self._reason = ""
        self._n_epochs = 0

    def callback(self, on_start: Callable[[], None]) -> Any:
        """Make the callback of Keras; it must be the last one.

        After the first step, when all of TensorFlow has started, it says so.
        """
        import keras

        watch = self

        class Watch(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                on_start()

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.started = time.perf_counter()
                self.rate = float(self.model.optimizer.learning_rate)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                row = {
                    "running_loss": float((logs or {}).get("loss", np.nan)),
                    "learning_rate": self.rate,
                    "seconds": time.perf_counter() - self.started,
                }
                watch.see(row)

        return Watch()

    def see(self, row: dict[str, float]) -> None:
        """Take in an epoch that ended."""
        weights = self._model.get_weights()
        if not self._is_finite(row["running_loss"], weights):
            return self._stop("diverged")
        for prefix, evaluator in self._evaluators.items():
            curves = evaluator()
            if not np.isfinite(curves["loss"]) and evaluator.rows.has_weight:
                return self._stop("diverged")
            row |= {prefix + name: value for name, value in curves.items()}
        self.finite = weights
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)
        self.best.see(self._n_epochs, row, weights)
        if self.best.is_exhausted(self._n_epochs):
            self._stop("early_stopping")
        self._n_epochs += 1
        return None

    def stop_reason(self) -> str:
        """Why training ended, as the record says it."""
        if self._reason:
            return self._reason
        return "callback" if self._n_epochs < self._settings.epochs else "epochs"

    def warn_interrupted(self) -> None:
        warnings.warn(
            f"Training was interrupted after {self._n_epochs} epochs; the weights of "
            f"{self._kept()} are kept.",
            TrainingInterruptedWarning,
            stacklevel=3,
        )

    def warn_diverged(self) -> None:
        warnings.warn(
            "The training loss became NaN or infinite in epoch "
            f"{self._n_epochs + 1}; training stopped and the weights of "
            f"{self._kept()} are kept. Lower the learning rate, clip the gradients "
            "(optimizer__clipnorm=1.0), or scale the columns of X.",
            TrainingDivergedWarning,
            stacklevel=3,
        )

    def _stop(self, reason: str) -> None:
        self._reason = reason
        self._model.stop_training = True

    def _is_finite(self, loss: float, weights: list[np.ndarray]) -> bool:
        return bool(np.isfinite(loss)) and all(
            np.isfinite(array).all() for array in weights
        )

    def _kept(self) -> str:
        if self.best.weights is not None:
            return f"epoch {(self.best.epoch or 0) + 1}"
        return f"epoch {self._n_epochs}" if self._n_epochs else "the start"
