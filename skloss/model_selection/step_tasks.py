"""A pipeline's fit and its steps as tasks of scikit-learn's callbacks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_memory

__all__ = ["StepTasks", "is_skipped"]


class StepTasks:
    """Tells callbacks of a pipeline's fit and of the fit of each step.

    imbalanced-learn's Pipeline, which fits the steps, knows no callbacks, but fits each
    of them through its ``memory``: that is where they are met.

    Parameters
    ----------
    pipeline : Pipeline
        With callbacks, its own or those of a step.
    X, y : array-likes
        What it is fitted on.
    """

    def __init__(self, pipeline: Any, X: ArrayLike, y: ArrayLike | None) -> None:
        self._pipeline, self._rows = pipeline, {"X": X, "y": y}
        names = [name for name, step in pipeline.steps[:-1] if not is_skipped(step)]
        self._names = iter(names)
        self._fit = pipeline._init_callback_context(max_subtasks=len(names) + 1)
        self._fit.call_on_fit_task_begin(estimator=pipeline, **self._rows)

    def memory(self, memory: Any) -> "_ReportingMemory":
        """Memory for the steps before the last one, which tells of them."""
        return _ReportingMemory(check_memory(memory), self)

    @contextmanager
    def step(
        self, step: object, X: ArrayLike, y: ArrayLike | None, is_cached: bool
    ) -> Iterator[None]:
        """Tell of the fit of the next step."""
        task = self._fit.subcontext(task_name=f"fit-{next(self._names)}")
        # What joblib takes the hash of may not know the task. A sampler knows none.
        if is_cached or not hasattr(step, "set_callbacks"):
            with self._told(task, X, y):
                yield
        else:
            with task.propagate_callback_context(step), self._told(task, X, y):
                yield

    @contextmanager
    def last(self, step: object, X: ArrayLike, y: ArrayLike | None) -> Iterator[None]:
        """Tell of the fit of the last step."""
        task = self._fit.subcontext(task_name="fit-final-estimator")
        with task.propagate_callback_context(step), self._told(task, X, y):
            yield

    def end(self) -> None:
        """After the fit."""
        self._fit.call_on_fit_task_end(
            estimator=self._pipeline, **self._rows, reconstruction_attributes={}
        )

    @contextmanager
    def _told(self, task: Any, X: ArrayLike, y: ArrayLike | None) -> Iterator[None]:
        task.call_on_fit_task_begin(estimator=self._pipeline, X=X, y=y)
        yield
        task.call_on_fit_task_end(estimator=self._pipeline, X=X, y=y)


class _ReportingMemory:
    """A joblib.Memory that tells of the steps fitted through it."""

    def __init__(self, memory: Any, tasks: StepTasks) -> None:
        self._memory, self._tasks = memory, tasks

    @property
    def location(self) -> Any:
        """Where the fitted steps are kept; None for nowhere."""
        return self._memory.location

    def cache(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Keep what a function returns."""
        cached = self._memory.cache(function)
        is_cached = getattr(self._memory, "location", self) is not None

        def fit_one(
            step: object, X: ArrayLike, y: ArrayLike | None, **options: Any
        ) -> Any:
            with self._tasks.step(step, X, y, is_cached):
                return cached(step, X, y, **options)

        return fit_one


def is_skipped(step: object) -> bool:
    """Whether a pipeline passes a step over."""
    return step is None or step == "passthrough"
