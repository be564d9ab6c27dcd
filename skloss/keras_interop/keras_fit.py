"""Training by ``keras.Model.fit``, with curves measured after every epoch.

One call of ``fit`` trains all epochs, so that the callbacks, schedules and random
numbers of Keras are those of a fit without skloss. The callback that skloss adds only
measures, and stops the training.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from skloss.protocols import KerasModel
from skloss.training.epoch_log import (
    DivergedError,
    EpochLog,
    Observer,
    Settings,
    TrainingResult,
)
from skloss.training.evaluation import Evaluator

__all__ = ["train_keras"]


def train_keras(
    model: KerasModel,
    fit: Callable[[Any], Any],
    settings: Settings,
    evaluators: Mapping[str, Evaluator],
    reason: str,
    observer: Observer | None = None,
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
    evaluators : mapping of str to Evaluator
        What is measured after every epoch; the key, ``""`` or ``"val_"``, stands before
        the names of the curves.
    reason : str
        Why the engine does not train it.
    observer : Observer, optional
        Told of every epoch.

    Returns
    -------
    TrainingResult
    """
    start = TrainingResult(model.get_weights(), [], 0, backend="keras", reason=reason)
    log = EpochLog(settings, evaluators, start, observer, "optimizer__clipnorm=1.0")
    try:
        fit(_watch(log))
        if log.stop_reason == "diverged":
            log.diverge()
        result = log.result()
    except KeyboardInterrupt:
        if not log.interrupt():
            raise
        result = log.result()
    model.set_weights(result.weights)
    return result


def _watch(log: EpochLog) -> Any:
    """Make the callback of Keras that reports to a log; it must be the last one."""
    import keras

    class Watch(keras.callbacks.Callback):
        def n_ended(self) -> int:
            return log.n_epochs

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            log.begin_epoch()
            self.started = time.perf_counter()
            self.rate = float(np.asarray(self.model.optimizer.learning_rate))

        def on_epoch_end(
            self, epoch: int, logs: Mapping[str, float] | None = None
        ) -> None:
            weights = self.model.get_weights()
            row = {
                "running_loss": float((logs or {}).get("loss", np.nan)),
                "learning_rate": self.rate,
                "seconds": time.perf_counter() - self.started,
            }
            try:
                if not np.isfinite(row["running_loss"]):
                    raise DivergedError
                row |= log.measure(weights)
            except DivergedError:
                # An error would pass by the user's callbacks; they are to end as ever.
                log.stop_reason = "diverged"
            else:
                log.end_epoch(row, weights)
            # Another callback may have asked for the end already.
            self.model.stop_training |= bool(log.stop_reason)

    return Watch()
