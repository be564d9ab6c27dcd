"""Harness that runs contestants in turn, each in a process of its own.

So no contestant disturbs another, and all of them see the same load of the host.
"""

import os
import resource
import statistics
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from settings import SETTINGS, Setting, load

# A contestant prepares its data and returns a function. That does the job once and
# returns the work per second.
Contestant = Callable[[], Callable[[], float]]


def run_in_turn(
    contestants: Mapping[str, Contestant],
    rounds: int,
    cold: bool = False,
    setting: Setting = SETTINGS["idle"],
) -> dict[str, dict[str, Any]]:
    """Run every contestant once to warm it up, then ``rounds`` times in turn.

    Cold, every run has a new process, and nothing is warmed up.

    Returns
    -------
    dict
        Of each contestant ``first`` (the run that imports, traces and compiles),
        ``rates``, their ``median``, the process's peak resident set ``peak_mb`` and the
        ``load`` of the machine before.
    """
    before = load()
    with setting.prepared():
        found = _run_in_turn(contestants, rounds, cold, setting.imports)
    return {name: {**one, "load": before} for name, one in found.items()}


def _run_in_turn(
    contestants: Mapping[str, Contestant],
    rounds: int,
    cold: bool,
    imports: tuple[str, ...],
) -> dict[str, dict[str, Any]]:
    if cold:
        runs = [_run_in_turn(contestants, 0, False, imports) for _ in range(rounds)]
        return {
            name: {
                "first": runs[0][name]["first"],
                "rates": [run[name]["first"] for run in runs],
                "median": statistics.median(run[name]["first"] for run in runs),
                "peak_mb": max(run[name]["peak_mb"] for run in runs),
            }
            for name in contestants
        }
    started = {
        name: _Runner(contestant, imports) for name, contestant in contestants.items()
    }
    try:
        first = {name: runner.run() for name, runner in started.items()}
        rates: dict[str, list[float]] = {name: [] for name in started}
        for _ in range(rounds):
            for name, runner in started.items():
                rates[name].append(runner.run())
        peaks = {name: runner.ask("peak") for name, runner in started.items()}
    finally:
        for runner in started.values():
            runner.stop()
    return {
        name: {
            "first": first[name],
            "rates": rates[name],
            "median": statistics.median(rates[name] or [first[name]]),
            "peak_mb": peaks[name],
        }
        for name in started
    }


def try_each(contestants: Mapping[str, Contestant]) -> dict[str, dict[str, Any]]:
    """Run every contestant once in this process, to try a script quickly.

    The form is that of ``run_in_turn``; the figures mean nothing.
    """
    found = {name: contestant()() for name, contestant in contestants.items()}
    return {
        name: {
            "first": rate,
            "rates": [rate],
            "median": rate,
            "peak_mb": _peak_mb(),
        }
        for name, rate in found.items()
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class _Runner:
    """A process that waits to be told to run."""

    def __init__(self, contestant: Contestant, imports: tuple[str, ...]) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (contestant, theirs, imports)
        self._process = context.Process(target=_serve, args=arguments)
        self._process.start()

    def run(self) -> float:
        return self.ask("run")

    def ask(self, what: str) -> float:
        self._connection.send(what)
        answer = self._connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        self._connection.send("stop")
        self._process.join()


def _serve(
    contestant: Contestant, connection: Connection, imports: tuple[str, ...]
) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    for package in imports:
        import_module(package)
    job = None
    while (asked := connection.recv()) != "stop":
        try:
            if asked == "peak":
                connection.send(_peak_mb())
                continue
            job = job or contestant()
            connection.send(job())
        except Exception as error:
            connection.send(RuntimeError(f"{type(error).__name__}: {error}"))
