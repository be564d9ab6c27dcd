"""The fit of a pipeline and of its steps as tasks for callbacks of scikit-learn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_memory

__all__ = ["StepTasks", "is_skipped"]


class StepTasks:
    """Calls the callbacks for the fit of a pipeline and of each step.

    The Pipeline of imbalanced-learn fits the steps and does not know callbacks. But it
    fits each step through its ``memory``. A replacement of this memory therefore calls
    the callbacks.

    Parameters
    ----------
    pipeline : Pipeline
        Pipeline with callbacks of its own or of a step.
    X, y : array-likes
        Rows and labels that it is fitted on.
    names : sequence of str, optional
        Steps before the last one that are fitted; None is all but those skipped.
    """

    def __init__(
        self,
        pipeline: Any,
        X: ArrayLike,
        y: ArrayLike | None,
        names: Sequence[str] | None = None,
    ) -> None:
        self._pipeline, self._rows = pipeline, {"X": X, "y": y}
        if names is None:
            names = [name for name, step in pipeline.steps[:-1] if not is_skipped(step)]
        self._names = iter(names)
        self._fit = pipeline._init_callback_context(max_subtasks=len(names) + 1)
        self._fit.call_on_fit_task_begin(estimator=pipeline, **self._rows)

    def memory(self, memory: Any) -> "_ReportingMemory":
        """Return a memory that calls the callbacks for the steps before the last."""
        return _ReportingMemory(check_memory(memory), self)

    @contextmanager
    def step(
        self, step: object, X: ArrayLike, y: ArrayLike | None, is_cached: bool
    ) -> Iterator[None]:
        """Call the callbacks for the fit of the next step."""
        task = self._fit.subcontext(task_name=f"fit-{next(self._names)}")
        # A cached step must not have the task, or joblib would never find it again. A
        # sampler has no callbacks.
        if is_cached or not hasattr(step, "set_callbacks"):
            with self._told(task, X, y):
                yield
        else:
            with task.propagate_callback_context(step), self._told(task, X, y):
                yield

    @contextmanager
    def last(self, step: object, X: ArrayLike, y: ArrayLike | None) -> Iterator[None]:
        """Call the callbacks for the fit of the last step."""
        task = self._fit.subcontext(task_name="fit-final-estimator")
        with task.propagate_callback_context(step), self._told(task, X, y):
            yield

    def end(self) -> None:
        """Call the callbacks at the end of the fit."""
        self._fit.call_on_fit_task_end(
            estimator=self._pipeline, **self._rows, reconstruction_attributes={}
        )

    @contextmanager
    def _told(self, task: Any, X: ArrayLike, y: ArrayLike | None) -> Iterator[None]:
        task.call_on_fit_task_begin(estimator=self._pipeline, X=X, y=y)
        yield
        task.call_on_fit_task_end(estimator=self._pipeline, X=X, y=y)


class _ReportingMemory:
    """A joblib.Memory that calls the callbacks for each step fitted through it."""

    def __init__(self, memory: Any, tasks: StepTasks) -> None:
        self._memory, self._tasks = memory, tasks

    @property
    def location(self) -> Any:
        """Folder of the cache; None if there is no cache."""
        return self._memory.location

    def cache(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Cache the results of a function."""
        cached = self._memory.cache(function)
        is_cached = getattr(self._memory, "location", self) is not None

        def fit_one(
            step: object, X: ArrayLike, y: ArrayLike | None, **options: Any
        ) -> Any:
            with self._tasks.step(step, X, y, is_cached):
                return cached(step, X, y, **options)

        return fit_one


def is_skipped(step: object) -> bool:
    """Whether a pipeline skips a step."""
    return step is None or step == "passthrough"
