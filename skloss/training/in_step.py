"""Train one network, or several of one shape in step: each step of all at once."""

from collections.abc import Sequence
from time import perf_counter

from skloss.networks.layers import Dense, Dropout
from skloss.training.eager_steps import run_stacked
from skloss.training.epoch_log import TrainingResult
from skloss.training.step import Asked
from skloss.training.trainer import Answer, NetworkTraining

__all__ = ["can_go_in_step", "train", "train_in_step"]


def train(training: NetworkTraining) -> TrainingResult:
    """Train one network."""
    log = training.log
    try:
        runner = _Runner(training)
        while runner.asked is not None:
            started = perf_counter()
            state, report = training.program.run(runner.asked)
            runner.go_on((state, report, perf_counter() - started))
        return log.result()
    except KeyboardInterrupt:
        if not log.interrupt():
            raise
    return log.result()


def can_go_in_step(training: NetworkTraining) -> bool:
    """Whether it pays to train a network in step with others, and nobody would notice.

    Most of a step in NumPy is the calling of its operations, which a stack of networks
    shares. A compiled step has none of that: stacks of five took 0.5 to 0.9 of the time
    of five programs, and longer to compile. Who watches the epochs is to see those of
    one network after the other's.
    """
    is_watched = training.observer is not None or training.settings.callbacks
    layers = training.spec.layers
    is_plain = all(isinstance(layer, Dense | Dropout) for layer in layers)
    return training.backend == "numpy" and is_plain and not is_watched


def train_in_step(trainings: Sequence[NetworkTraining]) -> list[TrainingResult]:
    """Train several networks that can go in step, as if each were alone.

    Those whose programs differ, such as by the number of their steps, are trained one
    after the other.
    """
    key, *others = {training.program.key for training in trainings}
    if others:
        return [train(training) for training in trainings]
    runners = [_Runner(training) for training in trainings]
    try:
        while asked := {r: r.asked for r in runners if r.asked is not None}:
            started = perf_counter()
            answers = run_stacked(key, [*asked.values()])
            share = (perf_counter() - started) / len(asked)
            for runner, (state, report) in zip(asked, answers, strict=True):
                runner.go_on((state, report, share))
    except KeyboardInterrupt:
        logs = [runner.log for runner in runners if runner.asked is not None]
        if not logs or not all(log.n_epochs for log in logs) or not logs[0].interrupt():
            raise
        for log in logs[1:]:
            log.interrupt(is_asked=False)
    return [training.log.result() for training in trainings]


class _Runner:
    """A training, and what it asks for; None once it has ended."""

    def __init__(self, training: NetworkTraining) -> None:
        self.log, self._steps = training.log, training.steps()
        self.asked: Asked | None = next(self._steps)

    def go_on(self, answer: Answer) -> None:
        try:
            self.asked = self._steps.send(answer)
        except StopIteration:
            self.asked = None
