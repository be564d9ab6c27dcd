"""Train one network, or several of one shape in step: each step of all at once."""

from collections.abc import Sequence
from contextlib import closing
from itertools import groupby
from time import perf_counter
from typing import Any

from skloss.networks import NetworkSpec
from skloss.networks.layers import Dense, Dropout
from skloss.training.backends import choose_backend
from skloss.training.devices import devices_of_scope
from skloss.training.eager_steps import run_stacked
from skloss.training.epoch_log import Settings, TrainingResult
from skloss.training.step import Task
from skloss.training.trainer import Answer, NetworkTraining

__all__ = ["can_go_in_step", "train", "train_in_step"]


def can_go_in_step(spec: NetworkSpec, settings: Settings, n_rows: int) -> bool:
    """Whether networks of a shape are faster trained in step, and nobody would notice.

    Most of a step in NumPy is the calling of its operations, which a stack of networks
    shares. A compiled step has no calls to share. Only layers that take their values
    from the last axis can work on a stack. Callbacks are to be told of all epochs of
    one network before those of the next.
    """
    is_watched = settings.callbacks or callable(settings.learning_rate_schedule)
    is_plain = all(isinstance(layer, Dense | Dropout) for layer in spec.layers)
    if is_watched or not is_plain or devices_of_scope(spec):
        return False
    n_steps = -(-n_rows // settings.batch_size) * settings.epochs
    backend = choose_backend(spec, n_steps, settings.loss, settings.batch_size)
    return backend == "numpy"


def train(training: NetworkTraining) -> TrainingResult:
    """Train one network."""
    log = training.log
    try:
        with closing(_Runner(training)) as runner:
            while runner.task is not None:
                started = perf_counter()
                state, report = training.program.run(runner.task)
                runner.go_on((state, report, perf_counter() - started))
        return log.result()
    except KeyboardInterrupt:
        if not log.interrupt():
            raise
    return log.result()


def train_in_step(trainings: Sequence[NetworkTraining]) -> list[TrainingResult]:
    """Train several networks that can go in step, as if each were alone.

    They have the same settings but for the seed and the logit shift. Neighbours whose
    programs are the same go in step; programs differ where the numbers of steps do.
    After Ctrl-C the list ends with the networks that were training.
    """
    results: list[TrainingResult] = []
    for _, group in groupby(trainings, _stack_key):
        found = _train_stack([*group])
        results += found
        if any(result.stop_reason == "interrupted" for result in found):
            break
    return results


def _stack_key(training: NetworkTraining) -> Any:
    """Return what networks of one stack have in common."""
    key = training.program.key
    # Those with more steps than the others may have too many for NumPy.
    return key if key.backend == "numpy" else training


def _train_stack(trainings: Sequence[NetworkTraining]) -> list[TrainingResult]:
    """Train networks of one program, which is of NumPy if there are several."""
    if len(trainings) == 1:
        return [train(trainings[0])]
    key = trainings[0].program.key
    runners = [_Runner(training) for training in trainings]
    try:
        while active := {r: r.task for r in runners if r.task is not None}:
            started = perf_counter()
            answers = run_stacked(key, [*active.values()])
            share = (perf_counter() - started) / len(active)
            for runner, (state, report) in zip(active, answers, strict=True):
                runner.go_on((state, report, share))
    except KeyboardInterrupt:
        ended = [runner.log for runner in runners if runner.task is not None]
        first, *others = ended or [runner.log for runner in runners]
        # All keep the epochs that they have, and Ctrl-C is asked for once.
        if not all(log.n_epochs for log in others) or not first.interrupt():
            raise
        for log in others:
            log.stop_reason = "interrupted"
    finally:
        for runner in runners:
            runner.close()
    return [training.log.result() for training in trainings]


class _Runner:
    """A training, and its next task; None once it has ended."""

    def __init__(self, training: NetworkTraining) -> None:
        self.log, self._steps = training.log, training.steps()
        self.task: Task | None = next(self._steps)

    def go_on(self, answer: Answer) -> None:
        try:
            self.task = self._steps.send(answer)
        except StopIteration:
            self.task = None

    def close(self) -> None:
        """Let go of rows that are being read."""
        self._steps.close()
