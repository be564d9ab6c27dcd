"""A fit and its epochs as tasks of scikit-learn's callbacks."""

from collections.abc import Callable
from functools import cache
from typing import Any

from numpy.typing import ArrayLike

__all__ = ["EpochTasks", "MemberTasks"]


class EpochTasks:
    """Tells the callbacks that were set on a classifier of its fit and its epochs.

    They see the original rows that were trained on, never resampled ones, so that their
    scores are those of the curves.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        With callbacks.
    epochs : int
        Epochs at most.
    original_rows : callable
        Gives X and y; called only if a callback looks at them.
    sample_weight : array-like or None
        Weights of these rows.
    within : context, optional
        The task that this fit is a part of; None if the fit is the whole task.
    """

    def __init__(
        self,
        estimator: Any,
        epochs: int,
        original_rows: Callable[[], tuple[Any, Any]],
        sample_weight: ArrayLike | None,
        within: Any = None,
    ) -> None:
        rows = cache(original_rows)
        self._given = {
            "estimator": estimator,
            "X": lambda: rows()[0],
            "y": lambda: rows()[1],
            "metadata": {}
            if sample_weight is None
            else {"sample_weight": sample_weight},
        }
        if within is None:
            self._fit = estimator._init_callback_context(max_subtasks=epochs)
        else:
            self._fit = within.subcontext(task_name="member", max_subtasks=epochs)
        self._fit.call_on_fit_task_begin(**self._given)

    def begin_epoch(self) -> None:
        """Before an epoch."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._given)

    def end_epoch(self, fitted: Callable[[], Any]) -> bool:
        """After an epoch, with what the fit has come to; whether to stop here."""
        return self._epoch.call_on_fit_task_end(
            **self._given, reconstruction_attributes=lambda: {"_fitted": fitted()}
        )

    def end(self, **fitted: Any) -> None:
        """After the fit, with the attributes that the estimator is to have by then."""
        self._fit.call_on_fit_task_end(**self._given, reconstruction_attributes=fitted)


class MemberTasks:
    """Tells the callbacks of a fit of several members, each of which is a task.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        With callbacks.
    n_members : int
        Members at most.
    X, y : array-likes
        Rows that they are trained on.
    """

    def __init__(self, estimator: Any, n_members: int, X: Any, y: Any) -> None:
        self.estimator = estimator
        self.context = estimator._init_callback_context(max_subtasks=n_members)
        self._given = {"estimator": estimator, "X": X, "y": y}
        self.context.call_on_fit_task_begin(**self._given)

    def end(self, **fitted: Any) -> None:
        """After the fit, with the attributes that the estimator is to have by then."""
        self.context.call_on_fit_task_end(
            **self._given, reconstruction_attributes=fitted
        )
