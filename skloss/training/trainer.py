"""The epoch loop: rows in, weights and curves out."""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Protocol

import numpy as np

from skloss.exceptions import TrainingDivergedWarning, TrainingInterruptedWarning
from skloss.networks.spec import NetworkSpec
from skloss.training.backends import Kind, fallback_reason, program_kind, shared_spec
from skloss.training.chunks import Chunks
from skloss.training.early_stopping import EarlyStopping
from skloss.training.evaluation import Evaluator, Rows, unit_shares
from skloss.training.keras_loop import KerasLoop
from skloss.training.program import (
    Arguments,
    Program,
    ProgramKey,
    State,
    chunk_steps,
    get_program,
)
from skloss.training.schedules import Schedule, learning_rates

__all__ = [
    "Observer",
    "Rows",
    "Settings",
    "TrainingResult",
    "curve_names",
    "train",
]

Weights = list[np.ndarray]
EpochRow = dict[str, float]
Callback = Callable[[Mapping[str, float]], Any]

_PROBE_ROWS = 256
_FEWEST_PROBE_ROWS = 16
_PROBE_WORK = 10**7
# Looking at units takes about this share of the multiplications of training, at most.
_PROBE_SHARE = 0.03


@dataclass(frozen=True)
class Settings:
    """How to train; the meaning of each is that of the estimators' parameter."""

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    learning_rate_schedule: str | Schedule = "constant"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.004
    clipnorm: float | None = None
    loss: str = "crossentropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    epochs: int = 100
    batch_size: int = 32
    shuffle: bool = True
    monitor: str | None = None
    patience: int | None = None
    restore_best: bool = True
    callbacks: tuple[Callback, ...] = ()
    seed: int = 0


@dataclass
class TrainingResult:
    """What training leaves: arrays and curves, nothing of TensorFlow."""

    weights: Weights
    slots: Weights
    step: int
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    stop_reason: str = "epochs"
    kind: str = "xla"
    reason: str | None = None  # why the fit was not compiled

    @property
    def n_epochs(self) -> int:
        """Epochs that ended."""
        return len(next(iter(self.history.values()), []))


class Observer(Protocol):
    """Is told of every epoch, and may end the training."""

    def begin_epoch(self) -> None:
        """Before an epoch."""

    def end_epoch(self, result: Callable[[], TrainingResult]) -> bool:
        """After an epoch, with what training would leave now; whether to stop."""


class _DivergedError(Exception):
    """The objective was not finite at this step of the epoch (from one)."""


_STEP_CURVES = (
    "running_loss",
    "learning_rate",
    "gradient_norm_first",
    "gradient_norm_last",
    "update_norm_first",
    "update_norm_last",
    "seconds",
)


def curve_names(
    spec: NetworkSpec, weights: Weights, evaluators: Mapping[str, Evaluator]
) -> list[str]:
    """Names of all curves that training will record, found by measuring one row."""
    names: list[str] = []
    for prefix, evaluator in evaluators.items():
        row = Rows(evaluator.rows.X[:1], evaluator.rows.y[:1])
        names += [prefix + name for name in replace(evaluator, rows=row)(spec, weights)]
    shares = unit_shares(spec, weights, row.X)
    return [*names, *shares, *_STEP_CURVES]


def train(
    spec: NetworkSpec,
    weights: Weights,
    rows: Rows,
    settings: Settings,
    evaluators: Mapping[str, Evaluator],
    *,
    slots: Weights | None = None,
    first_step: int = 0,
    is_repeated: bool = False,
    observer: Observer | None = None,
) -> TrainingResult:
    """Train a network.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : list of ndarray
        Weights to start from.
    rows : Rows
        What is trained on, its weights already multiplied by those of the classes.
    settings : Settings
        How.
    evaluators : mapping of str to Evaluator
        What is measured after every epoch; the key, ``""`` or ``"val_"``, stands before
        the names of the curves.
    slots, first_step : list of ndarray and int, optional
        The optimizer's state and the step to go on from.
    is_repeated : bool
        More calls of this shape will follow, so compiling pays whatever this one takes.
    observer : Observer, optional
        Told of every epoch.

    Returns
    -------
    TrainingResult
    """
    training = _Training(spec, rows, settings, evaluators, is_repeated, observer)
    return training.run(weights, slots, first_step)


class _Training:
    """One training run; lives as long as the call of ``train``."""

    def __init__(
        self,
        spec: NetworkSpec,
        rows: Rows,
        settings: Settings,
        evaluators: Mapping[str, Evaluator],
        is_repeated: bool,
        observer: Observer | None,
    ) -> None:
        self.spec, self.rows, self.settings = spec, rows, settings
        self.observer = observer
        self.steps_per_epoch = -(-len(rows) // settings.batch_size)
        self.total_steps = self.steps_per_epoch * settings.epochs
        self.reason = fallback_reason(settings.optimizer)
        self.kind: Kind = "keras"
        if self.reason is None:
            self.kind = program_kind(spec, None if is_repeated else self.total_steps)
            n_rows = None if is_repeated else len(rows) * settings.epochs
            self.spec = shared_spec(spec, self.kind, n_rows)
        self.arguments = self._arguments()
        self.program = self._program()
        # What is measured every epoch earns back the compiling of a second program.
        pays = spec.is_convolutional and self.kind != "eager"
        self.evaluators = {
            prefix: replace(evaluator, compiled=pays)
            for prefix, evaluator in evaluators.items()
        }
        self.rng = np.random.default_rng((settings.seed, 1))
        self.chunks = Chunks(rows, self.program.chunk_rows)
        self.probe = self._probe_rows()
        self.unit_shares: EpochRow = {}
        self.history: dict[str, list[float]] = {}
        self.best = EarlyStopping(
            settings.monitor, settings.patience, settings.restore_best
        )

    def run(
        self, weights: Weights, slots: Weights | None, first_step: int
    ) -> TrainingResult:
        state = self.program.start(weights, slots, first_step)
        result = TrainingResult(weights, slots or [], first_step)
        result.kind, result.reason = self.kind, self.reason
        try:
            for epoch in range(self.settings.epochs):
                if self.observer is not None:
                    self.observer.begin_epoch()
                state, row = self._epoch(state, epoch)
                weights = self.program.weights(state)
                row |= self._measure(weights)
                result.weights, result.step = weights, int(state.step)
                result.slots = [np.array(slot) for slot in state.slots]
                self._record(row)
                self.best.see(epoch, row, result.weights)
                reason = self._reason_to_stop(epoch, row, result)
                if reason:
                    result.stop_reason = reason
                    break
        except KeyboardInterrupt:
            if not self.history:
                raise
            result.stop_reason = "interrupted"
            self._warn_interrupted()
        except _DivergedError as diverged:
            result.stop_reason = "diverged"
            self._warn_diverged(int(str(diverged)))
        result.history = self.history
        result.best_epoch = self.best.epoch
        cut_short = result.stop_reason in ("interrupted", "diverged")
        if self.best.weights is not None and (self.settings.patience or cut_short):
            result.weights = self.best.weights
        return result

    def _epoch(self, state: State, epoch: int) -> tuple[State, EpochRow]:
        """One pass over the rows, and what was seen on the way."""
        started = time.perf_counter()
        n_rows = len(self.rows)
        order = np.arange(n_rows, dtype=np.int32 if n_rows < 2**31 else np.int64)
        if self.settings.shuffle:
            self.rng.shuffle(order)
        objective, squared, step = 0.0, np.zeros(4), 0
        rate = np.float32(0)
        for n_chosen, chunk in self.chunks.gather(order):
            rates = self._rates(epoch, step)
            state, report = self.program.run(
                state, chunk, n_chosen, rates, self.arguments
            )
            if (bad := int(report.bad_step)) >= 0:
                raise _DivergedError(step + bad + 1)
            objective += float(report.objective)
            squared += np.asarray(report.squared_norms)
            n_steps = -(-n_chosen // self.settings.batch_size)
            rate, step = rates[n_steps - 1], step + n_steps
        norms = np.sqrt(squared / self.steps_per_epoch)
        row = {
            "running_loss": objective / n_rows,
            "learning_rate": float(rate),
            "gradient_norm_first": float(norms[0]),
            "gradient_norm_last": float(norms[2]),
            "update_norm_first": float(norms[1]),
            "update_norm_last": float(norms[3]),
            "seconds": time.perf_counter() - started,
        }
        return state, row

    def _measure(self, weights: Weights) -> EpochRow:
        if not all(np.isfinite(array).all() for array in weights):
            raise _DivergedError(self.steps_per_epoch)
        row: EpochRow = {}
        # Weights may be finite and still so large that the logits are not.
        with np.errstate(over="ignore", invalid="ignore"):
            for prefix, evaluator in self.evaluators.items():
                curves = evaluator(self.spec, weights)
                if not np.isfinite(curves["loss"]) and evaluator.rows.has_weight:
                    raise _DivergedError(self.steps_per_epoch)
                row |= {prefix + name: value for name, value in curves.items()}
            return row | self._look_at_units(weights)

    def _look_at_units(self, weights: Weights) -> EpochRow:
        """Shares of dead and saturated units, seen now or a few epochs ago."""
        n_epochs = len(self.history.get("running_loss", ()))
        # Training passes through the network forward and, twice as long, backward.
        interval = ceil(len(self.probe) / (3 * _PROBE_SHARE * len(self.rows)))
        if n_epochs % interval == 0:
            self.unit_shares = unit_shares(self.spec, weights, self.probe)
        return self.unit_shares

    def _record(self, row: EpochRow) -> None:
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)

    def _reason_to_stop(
        self, epoch: int, row: EpochRow, result: TrainingResult
    ) -> str | None:
        numbered = {"epoch": epoch, **row}
        # Every callback sees the row, also when an earlier one wants to stop.
        answers = [callback(numbered) for callback in self.settings.callbacks]
        if self.observer is not None:
            answers.append(self.observer.end_epoch(lambda: self._so_far(result)))
        if any(answer is True for answer in answers):
            return "callback"
        if self.best.is_exhausted(epoch):
            return "early_stopping"
        return None

    def _so_far(self, result: TrainingResult) -> TrainingResult:
        """Give what training would leave if it stopped now, with the weights of now."""
        history = {name: values.copy() for name, values in self.history.items()}
        best = self.best.epoch
        return replace(result, history=history, best_epoch=best, stop_reason="callback")

    def _rates(self, epoch: int, step: int) -> np.ndarray:
        first = epoch * self.steps_per_epoch + step
        steps = np.arange(first, first + self.program.chunk_steps)
        schedule, base = (
            self.settings.learning_rate_schedule,
            self.settings.learning_rate,
        )
        return learning_rates(schedule, base, steps, self.total_steps)

    def _program(self) -> Program | KerasLoop:
        settings, size = self.settings, self.settings.batch_size
        steps = chunk_steps(self.spec, size, self.steps_per_epoch)
        if self.kind == "keras":
            return KerasLoop(
                self.spec,
                settings.optimizer,
                settings.loss,
                settings.clipnorm,
                size,
                steps,
                self.arguments,
            )
        return get_program(
            ProgramKey(
                spec=self.spec,
                batch_size=size,
                chunk_steps=steps,
                optimizer=settings.optimizer,
                nesterov=settings.nesterov and settings.optimizer == "sgd",
                clips=settings.clipnorm is not None,
                penalizes=bool(self.spec.l1 or self.spec.l2),
                loss=settings.loss,
                kind=self.kind,
            )
        )

    def _arguments(self) -> Arguments:
        settings, real = self.settings, np.float32
        return Arguments(
            momentum=real(settings.momentum),
            weight_decay=real(settings.weight_decay),
            clipnorm=real(settings.clipnorm or 0.0),
            l1=real(self.spec.l1),
            l2=real(self.spec.l2),
            activity_l2=real(self.spec.activity_l2),
            focal_gamma=real(settings.focal_gamma),
            label_smoothing=real(settings.label_smoothing),
            dropout_rates=np.asarray(self.spec.dropout_rates, np.float32),
            seed=np.int32(settings.seed),
        )

    def _probe_rows(self) -> np.ndarray:
        """At most 256 rows, the same in every epoch, from all over the rows."""
        affordable = _PROBE_WORK // self.spec.n_multiplications
        most = int(np.clip(affordable, _FEWEST_PROBE_ROWS, _PROBE_ROWS))
        step = max(1, len(self.rows) // most)
        return self.rows.values(np.arange(0, len(self.rows), step)[:most])

    def _warn_interrupted(self) -> None:
        n_epochs = len(self.history["running_loss"])
        warnings.warn(
            f"Training was interrupted after {n_epochs} epochs; the weights of epoch "
            f"{self._kept_epoch()} are kept.",
            TrainingInterruptedWarning,
            stacklevel=2,
        )

    def _warn_diverged(self, step: int) -> None:
        n_epochs = len(next(iter(self.history.values()), []))
        kept = f"of epoch {self._kept_epoch()}" if n_epochs else "from before training"
        warnings.warn(
            f"The training loss became NaN or infinite in epoch {n_epochs + 1}, step "
            f"{step} of {self.steps_per_epoch}; training stopped and the weights "
            f"{kept} are kept. Lower the learning rate, clip the gradients "
            "(clipnorm=1.0), or scale the columns of X.",
            TrainingDivergedWarning,
            stacklevel=2,
        )

    def _kept_epoch(self) -> int:
        best = self.best.epoch if self.best.weights is not None else None
        return len(self.history["running_loss"]) if best is None else best + 1
