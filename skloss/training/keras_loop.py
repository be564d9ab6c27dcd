"""Training by Keras' own loop, for what the engine has no compiled form of.

It has the interface of a :class:`~skloss.training.program.Program`, so that rows,
curves, early stopping and interruption are the same; only the steps are Keras'.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from skloss.networks.keras_model import build_keras_model
from skloss.networks.spec import NetworkSpec
from skloss.training.losses import row_losses_graph
from skloss.training.startup_messages import quiet_start
from skloss.training.step import Arguments, Report, State
from skloss.training.threads import settle_threads

__all__ = ["KERAS_OPTIMIZERS", "KerasLoop"]

# Names of Keras' optimizers that have no update rule of our own.
KERAS_OPTIMIZERS = (
    "adadelta",
    "adafactor",
    "adagrad",
    "adamax",
    "ftrl",
    "lion",
    "nadam",
)


class KerasLoop:
    """One network, trained by ``keras.Model.fit`` a chunk at a time."""

    def __init__(
        self,
        spec: NetworkSpec,
        optimizer: str,
        loss: str,
        clipnorm: float | None,
        batch_size: int,
        chunk_steps: int,
        arguments: Arguments,
    ) -> None:
        self.chunk_steps = chunk_steps
        self.chunk_rows = chunk_steps * batch_size
        self._batch_size = batch_size
        settle_threads()
        import keras

        with _python_random_untouched(), quiet_start("keras"):
            self._model = build_keras_model(spec, seed=int(arguments.seed))
            self._optimizer = keras.optimizers.get(optimizer)
            self._optimizer.clipnorm = clipnorm
            self._model.compile(self._optimizer, _keras_loss(loss, arguments))
            self._optimizer.build(self._model.trainable_variables)

    def start(
        self,
        weights: Sequence[np.ndarray],
        slots: Sequence[np.ndarray] | None,
        step: int,
    ) -> State:
        """First state; its slots are all variables of the optimizer."""
        self._model.set_weights(list(weights))
        for variable, value in zip(
            self._optimizer.variables, slots or (), strict=False
        ):
            variable.assign(value)
        return self._state(step)

    def weights(self, state: State) -> list[np.ndarray]:
        """Weights of the network, which is the state."""
        return self._model.get_weights()

    def run(
        self,
        state: State,
        rows: tuple[np.ndarray, np.ndarray, np.ndarray],
        n_rows: int,
        learning_rates: np.ndarray,
        arguments: Arguments,
    ) -> tuple[State, Report]:
        """Train on the first ``n_rows`` of a chunk; gradients' norms are not seen."""
        X, y, sample_weight = (part[:n_rows] for part in rows)
        with quiet_start("keras fit"):
            history = self._model.fit(
                X.reshape(n_rows, *self._model.input_shape[1:]),
                y,
                sample_weight=sample_weight,
                batch_size=self._batch_size,
                shuffle=False,
                verbose=0,
                callbacks=[_rates_callback(self._optimizer, learning_rates)],
            )
        objective = float(history.history["loss"][0])
        bad_step = -1 if np.isfinite(objective) else 0
        n_steps = -(-n_rows // self._batch_size)
        return self._state(int(state.step) + n_steps), Report(
            objective * n_rows, bad_step, np.full(4, np.nan)
        )

    def _state(self, step: int) -> State:
        slots = tuple(variable.numpy() for variable in self._optimizer.variables)
        return State(np.empty(0), slots, np.empty(0), np.int32(step))


def _keras_loss(loss: str, arguments: Arguments) -> Callable[[Any, Any], Any]:
    def row_losses(y: Any, logits: Any) -> Any:
        import tensorflow as tf

        y = tf.cast(tf.reshape(y, (-1,)), tf.int32)
        return row_losses_graph(
            loss, logits, y, arguments.focal_gamma, arguments.label_smoothing
        )

    return row_losses


def _rates_callback(optimizer: Any, learning_rates: np.ndarray) -> Any:
    """Make a callback that sets the learning rate of every step."""
    import keras

    class Rates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            optimizer.learning_rate = float(learning_rates[batch])

    return Rates()


@contextmanager
def _python_random_untouched() -> Iterator[None]:
    """Keras draws the seeds of initializers from Python's generator."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
