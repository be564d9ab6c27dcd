"""The epoch loop: rows in, weights and curves out."""

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np

from skloss.networks.spec import NetworkSpec
from skloss.training.backends import choose_backend, shared_spec
from skloss.training.balanced import BalancedOrder, Order
from skloss.training.chunks import Chunk, Chunks
from skloss.training.devices import devices_of_scope
from skloss.training.epoch_log import (
    DivergedError,
    EpochLog,
    EpochRow,
    Observer,
    Settings,
    TrainingResult,
)
from skloss.training.evaluation import Evaluator, Rows, unit_shares
from skloss.training.plateau import PlateauState, ReduceLROnPlateau
from skloss.training.program import (
    Arguments,
    Program,
    ProgramKey,
    Report,
    State,
    Task,
    chunk_steps,
    get_program,
)
from skloss.training.schedules import learning_rates
from skloss.training.streamed_chunks import StreamedChunks

__all__ = ["Answer", "NetworkTraining", "curve_names"]

Weights = list[np.ndarray]
Answer = tuple[State, Report, float]  # and the seconds that it took

_PROBE_ROWS = 256
_FEWEST_PROBE_ROWS = 16
_PROBE_WORK = 10**7
# Looking at units takes about this share of the multiplications of training, at most.
_PROBE_SHARE = 0.03
# NumPy measures in 0.07 ns more for each multiplication, and to compile takes 0.15 s:
# it pays from ten times as many on, and for the many fits of a search soon after these.
_COMPILED_WORK = 2e8


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
    names = [
        prefix + name
        for prefix, evaluator in evaluators.items()
        for name in evaluator.curve_names(weights)
    ]
    row = next(iter(evaluators.values())).rows.values(np.arange(1))
    return [*names, *unit_shares(spec, weights, row), *_STEP_CURVES]


class NetworkTraining:
    """One training of a network, ready to be run, once.

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
    plateau : PlateauState, optional
        What a schedule by a curve goes on from.
    is_repeated : bool
        More calls of this shape will follow, so compiling pays whatever this one takes.
    observer : Observer, optional
        Told of every epoch.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        weights: Weights,
        rows: Rows,
        settings: Settings,
        evaluators: Mapping[str, Evaluator],
        *,
        slots: Weights | None = None,
        first_step: int = 0,
        plateau: PlateauState | None = None,
        is_repeated: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self.rows, self.settings = rows, settings
        self.steps_per_epoch = -(-len(rows) // settings.batch_size)
        self.total_steps = self.steps_per_epoch * settings.epochs
        most_steps = None if is_repeated else self.total_steps
        self.backend = choose_backend(
            spec, most_steps, settings.loss, settings.batch_size
        )
        self.devices = devices_of_scope(spec)
        if self.devices:
            self.backend = "graph"  # an XLA program is one stream, on one device
        n_rows = None if is_repeated else len(rows) * settings.epochs
        self.spec = shared_spec(spec, self.backend, n_rows)
        self.arguments = self._arguments()
        self.program = self._program()
        pays = spec.is_convolutional and self.backend != "eager"
        pays = pays and (is_repeated or self._measures_much(evaluators))
        self.evaluators = {
            prefix: replace(evaluator, network=_compiled(evaluator.network, pays))
            for prefix, evaluator in evaluators.items()
        }
        self.observer = observer
        # A fit that goes on must not see the rows of the one before again, in the same
        # order and with the same changes.
        seed = (settings.seed, first_step) if first_step else (settings.seed,)
        self.rng = np.random.default_rng((*seed, 1))
        kind = StreamedChunks if rows.is_streamed else Chunks
        self.chunks = kind(rows, self.program.chunk_rows, settings.augment, seed)
        self.balanced = None
        if settings.balanced_batches:
            interpolates = settings.balanced_batches == "smote"
            self.balanced = BalancedOrder(rows, interpolates, self.rng)
        self.probe = self._probe_rows()
        self.unit_shares: EpochRow = {}
        self._first = self.program.start(weights, slots, first_step)
        start = TrainingResult(
            weights,
            slots or [],
            first_step,
            backend=self.backend,
            optimizer=settings.optimizer,
            plateau=plateau,
        )
        self.log = EpochLog(settings, self.evaluators, start, observer)

    def steps(self) -> Generator[Task, Answer, None]:
        """Train: give the program's next task, and be sent what it comes to.

        So the caller can run the tasks of several trainings in one call. The log has
        all that is left, whenever this ends.
        """
        state, log = self._first, self.log
        try:
            for epoch in range(self.settings.epochs):
                log.begin_epoch()
                state, row = yield from self._epoch(state, epoch, log.followed_rate)
                weights = self.program.weights(state)
                row |= log.measure(weights) | self._look_at_units(weights, epoch)
                if log.end_epoch(row, weights, state.slots, int(state.step)):
                    break
        except DivergedError as diverged:
            step = diverged.step or self.steps_per_epoch
            log.diverge(f", step {step} of {self.steps_per_epoch}")

    def _epoch(
        self, state: State, epoch: int, followed: float | None
    ) -> Generator[Task, Answer, tuple[State, EpochRow]]:
        """One pass over the rows, and what was seen on the way."""
        seconds, begun = 0.0, time.perf_counter()
        n_rows = len(self.rows)
        objective, squared, step = 0.0, np.zeros(4), 0
        rate = np.float32(0)
        for n_chosen, chunk in self._gathered():
            rates = self._rates(epoch, step, followed)
            seconds += time.perf_counter() - begun
            state, report, taken = yield Task(
                state, chunk, n_chosen, rates, self.arguments
            )
            # Others may have trained in between.
            seconds, begun = seconds + taken, time.perf_counter()
            if (bad := int(report.bad_step)) >= 0:
                raise DivergedError(step + bad + 1)
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
            "seconds": seconds + time.perf_counter() - begun,
        }
        return state, row

    def _measures_much(self, evaluators: Mapping[str, Evaluator]) -> bool:
        """Whether what is measured earns back the compiling of a second program."""
        n_rows = sum(len(evaluator.rows) for evaluator in evaluators.values())
        work = n_rows * self.settings.epochs * self.spec.n_multiplications
        return work > _COMPILED_WORK

    def _gathered(self) -> Iterator[tuple[int, Chunk]]:
        """Rows of the next epoch, chunk by chunk."""
        if isinstance(self.chunks, StreamedChunks):
            return self.chunks.gather(self.rng if self.settings.shuffle else None)
        return self.chunks.gather(self._order())

    def _order(self) -> Order:
        """Order of the rows of the next epoch."""
        if self.balanced is not None:
            return self.balanced.epoch()
        n_rows = len(self.rows)
        order = np.arange(n_rows, dtype=np.int32 if n_rows < 2**31 else np.int64)
        if self.settings.shuffle:
            self.rng.shuffle(order)
        return Order(order)

    def _look_at_units(self, weights: Weights, epoch: int) -> EpochRow:
        """Shares of dead and saturated units, seen now or a few epochs ago."""
        # Training passes through the network forward and, twice as long, backward.
        interval = ceil(len(self.probe) / (3 * _PROBE_SHARE * len(self.rows)))
        if epoch % interval == 0:
            with np.errstate(over="ignore", invalid="ignore"):
                self.unit_shares = unit_shares(self.spec, weights, self.probe)
        return self.unit_shares

    def _rates(self, epoch: int, step: int, followed: float | None) -> np.ndarray:
        schedule = self.settings.learning_rate_schedule
        if isinstance(schedule, ReduceLROnPlateau):
            return np.full(self.program.chunk_steps, followed, np.float32)
        first = epoch * self.steps_per_epoch + step
        steps = np.arange(first, first + self.program.chunk_steps)
        base = self.settings.learning_rate
        return learning_rates(schedule, base, steps, self.total_steps)

    def _program(self) -> Program:
        settings, size = self.settings, self.settings.batch_size
        return get_program(
            ProgramKey(
                spec=self.spec,
                batch_size=size,
                chunk_steps=chunk_steps(self.spec, size, self.steps_per_epoch),
                optimizer=settings.optimizer,
                nesterov=settings.nesterov and settings.optimizer == "sgd",
                clips=settings.clipnorm is not None,
                penalizes=bool(self.spec.l1 or self.spec.l2),
                loss=settings.loss,
                backend=self.backend,
                devices=self.devices,
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
            logit_shift=np.asarray(
                settings.logit_shift or np.zeros(self.spec.n_outputs), np.float32
            ),
            dropout_rates=np.asarray(self.spec.dropout_rates, np.float32),
            seed=np.int32(settings.seed),
        )

    def _probe_rows(self) -> np.ndarray:
        """At most 256 rows, the same in every epoch, from all over the rows."""
        affordable = _PROBE_WORK // self.spec.n_multiplications
        most = int(np.clip(affordable, _FEWEST_PROBE_ROWS, _PROBE_ROWS))
        step = max(1, len(self.rows) // most)
        return self.rows.values(np.arange(0, len(self.rows), step)[:most])


def _compiled(network: Any, pays: bool) -> Any:
    return replace(network, compiled=pays)
