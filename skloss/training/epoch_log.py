"""The log of a training: its curves, its best epoch, and the weights that are kept.

The compiled engine and ``keras.Model.fit`` both report their epochs here, so that early
stopping, divergence and interruption mean the same for both.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from skloss.exceptions import TrainingDivergedWarning, TrainingInterruptedWarning
from skloss.record.curve_names import higher_is_better
from skloss.training.augmentation import Augmentation
from skloss.training.ctrl_c import ends_one_fit
from skloss.training.early_stopping import EarlyStopping
from skloss.training.evaluation import Evaluator
from skloss.training.losses import Loss
from skloss.training.plateau import PlateauState, ReduceLROnPlateau
from skloss.training.schedules import Schedule

__all__ = [
    "DivergedError",
    "EpochLog",
    "EpochRow",
    "Observer",
    "Settings",
    "TrainingResult",
]

Weights = list[np.ndarray]
EpochRow = dict[str, float]
Callback = Callable[[Mapping[str, float]], Any]


@dataclass(frozen=True)
class Settings:
    """How to train; the meaning of each is that of the estimators' parameter."""

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    learning_rate_schedule: str | Schedule | ReduceLROnPlateau = "constant"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.004
    clipnorm: float | None = None
    loss: Loss = "crossentropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    logit_shift: tuple[float, ...] | None = None
    epochs: int = 100
    batch_size: int = 32
    shuffle: bool = True
    balanced_batches: bool | str = False
    monitor: str | None = None
    patience: int | None = None
    restore_best: bool = True
    callbacks: tuple[Callback, ...] = ()
    seed: int = 0
    augment: Augmentation | None = None
    # Number of the member that callbacks are told; None if there is one network.
    member: int | None = None


@dataclass
class TrainingResult:
    """What training leaves: arrays and curves, nothing of TensorFlow.

    ``slots`` and ``step`` are the state of the ``optimizer``, and ``plateau`` that of a
    schedule by a curve, to go on from.
    ``kept_epoch`` says whose weights these are, None for the last epoch's. ``backend``
    says what trained the network, and ``reason`` why it was not the compiled engine.
    """

    weights: Weights
    slots: Weights
    step: int
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    kept_epoch: int | None = None
    stop_reason: str = "epochs"
    backend: str = "xla"
    reason: str | None = None
    optimizer: str = ""
    plateau: PlateauState | None = None
    # Of the last epoch where those kept are another's; dropped once they are measured.
    last_weights: Weights | None = None

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


class DivergedError(Exception):
    """The loss or a weight is not finite.

    Parameters
    ----------
    step : int, optional
        The step of the epoch, counted from one; None if it is not known.
    """

    def __init__(self, step: int | None = None) -> None:
        super().__init__(step)
        self.step = step


@dataclass(frozen=True)
class _Ended:
    """What the last epoch that has ended left.

    It is replaced as a whole, so that Ctrl-C finds each epoch there or not there.
    """

    n_epochs: int
    weights: Weights
    slots: Weights
    step: int
    best: EarlyStopping
    plateau: PlateauState | None


class EpochLog:
    """Measures and records every epoch, and decides when to stop and what to keep.

    Parameters
    ----------
    settings : Settings
        Its monitored curve, patience, number of epochs and callbacks are read.
    evaluators : mapping of str to Evaluator
        What is measured after every epoch; the key, ``""`` or ``"val_"``, stands before
        the names of the curves.
    result : TrainingResult
        What training would leave before its first epoch.
    observer : Observer, optional
        Told of every epoch.
    clip_hint : str
        The argument of the classifier that clips gradients, for the warning.
    """

    def __init__(
        self,
        settings: Settings,
        evaluators: Mapping[str, Evaluator],
        result: TrainingResult,
        observer: Observer | None = None,
        clip_hint: str = "clipnorm=1.0",
    ) -> None:
        self._settings, self._evaluators = settings, evaluators
        self._observer, self._clip_hint = observer, clip_hint
        self._start = result
        best = EarlyStopping(
            settings.monitor,
            settings.patience,
            settings.restore_best,
            self._rises(settings.monitor),
        )
        state = result.weights, result.slots, result.step
        self._ended = _Ended(0, *state, best, self._first_plateau(result.plateau))
        self._curves: dict[str, list[float]] = {}
        self.stop_reason = ""

    @property
    def n_epochs(self) -> int:
        """Epochs that ended."""
        return self._ended.n_epochs

    @property
    def followed_rate(self) -> float | None:
        """Learning rate of the next epoch by a curve; None by any other schedule."""
        plateau = self._ended.plateau
        return None if plateau is None else plateau.rate

    @property
    def history(self) -> dict[str, list[float]]:
        """Curves of all epochs that ended."""
        # Ctrl-C may have come between two curves of one epoch.
        n = self.n_epochs
        return {name: values[:n] for name, values in self._curves.items()}

    def begin_epoch(self) -> None:
        """Tell the observer that an epoch begins."""
        if self._observer is not None:
            self._observer.begin_epoch()

    def measure(self, weights: Weights) -> EpochRow:
        """Measure all curves at these weights.

        Raises
        ------
        DivergedError
            If a weight or a loss is not finite.
        """
        if not all(np.isfinite(array).all() for array in weights):
            raise DivergedError
        row: EpochRow = {}
        # Weights may be finite and still so large that the logits are not.
        with np.errstate(over="ignore", invalid="ignore"):
            for prefix, evaluator in self._evaluators.items():
                curves = evaluator(weights)
                if not np.isfinite(curves["loss"]) and evaluator.rows.has_weight:
                    raise DivergedError
                row |= {prefix + name: value for name, value in curves.items()}
        return row

    def end_epoch(
        self, row: EpochRow, weights: Weights, slots: Sequence[Any] = (), step: int = 0
    ) -> bool:
        """Record an epoch, and say whether training stops here.

        Parameters
        ----------
        row : dict of str to float
            One value for each curve.
        weights : list of ndarray
            Weights at the end of the epoch.
        slots, step : sequence of array-like and int, optional
            The optimizer's state.
        """
        epoch = self.n_epochs
        for name, value in row.items():
            self._curves.setdefault(name, []).append(value)
        best = self._ended.best.after(epoch, row, weights)
        copied = [np.array(slot) for slot in slots]
        plateau = self._ended.plateau
        plateau = None if plateau is None else plateau.after(row)
        self._ended = _Ended(epoch + 1, weights, copied, step, best, plateau)
        member = self._settings.member
        place = {} if member is None else {"member": member}
        numbered = {"epoch": epoch, **place, **row}
        # Every callback sees the row, also when an earlier one wants to stop.
        answers = [callback(numbered) for callback in self._settings.callbacks]
        if self._observer is not None:
            answers.append(self._observer.end_epoch(self._as_result))
        if any(answer is True for answer in answers):
            self.stop_reason = "callback"
        elif best.is_exhausted(epoch):
            self.stop_reason = "early_stopping"
        return bool(self.stop_reason)

    def interrupt(self) -> bool:
        """Take in Ctrl-C, and warn; False if it is to end more than this fit."""
        if not self.n_epochs or not ends_one_fit():
            return False
        self.stop_reason = "interrupted"
        warnings.warn(
            f"Training was interrupted after {self.n_epochs} epochs; the weights of "
            f"epoch {self._kept_epoch()} are kept. Ctrl-C once more stops what comes "
            "after this fit.",
            TrainingInterruptedWarning,
            stacklevel=3,
        )
        return True

    def diverge(self, place: str = "") -> None:
        """Take in that a number is not finite, at a place in the epoch, and warn."""
        self.stop_reason = "diverged"
        kept = (
            f"of epoch {self._kept_epoch()}"
            if self.n_epochs
            else "from before training"
        )
        warnings.warn(
            "The training loss or a weight became NaN or infinite in epoch "
            f"{self.n_epochs + 1}{place}; training stopped and the weights {kept} are "
            f"kept. Lower the learning rate, clip the gradients ({self._clip_hint}), "
            "or scale the columns of X.",
            TrainingDivergedWarning,
            stacklevel=3,
        )

    def result(self) -> TrainingResult:
        """Return what training leaves, with the weights that are kept."""
        result, best = self._as_result(), self._ended.best
        ended_early = self.n_epochs < self._settings.epochs
        result.stop_reason = self.stop_reason or (
            "callback" if ended_early else "epochs"
        )
        cut_short = result.stop_reason in ("interrupted", "diverged")
        if best.weights is not None and (self._settings.patience or cut_short):
            result.last_weights = result.weights
            result.weights, result.kept_epoch = best.weights, best.epoch
        return result

    def _first_plateau(self, earlier: PlateauState | None) -> PlateauState | None:
        schedule, rate = (
            self._settings.learning_rate_schedule,
            self._settings.learning_rate,
        )
        if not isinstance(schedule, ReduceLROnPlateau):
            return None
        rises = self._rises(schedule.monitor)
        return PlateauState.at_first(schedule, rate, rises=rises, earlier=earlier)

    def _rises(self, curve: str | None) -> bool:
        """Whether a higher value of a curve is better; scorers say so by their sign."""
        scored = (
            prefix + name
            for prefix, evaluator in self._evaluators.items()
            if evaluator.scores is not None
            for name in evaluator.scores.names
        )
        return curve is not None and (
            curve in scored or higher_is_better(curve) is not False
        )

    def _as_result(self) -> TrainingResult:
        """Return what training would leave now, with the weights of now."""
        ended = self._ended
        return replace(
            self._start,
            weights=ended.weights,
            slots=ended.slots,
            step=ended.step,
            history=self.history,
            best_epoch=ended.best.epoch,
            plateau=ended.plateau,
            stop_reason="callback",
        )

    def _kept_epoch(self) -> int:
        best = self._ended.best
        return self.n_epochs if best.weights is None else (best.epoch or 0) + 1
