"""The steps of a pipeline on rows that are read in blocks."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags

from skloss.estimators import StreamedFit
from skloss.model_selection.given_rows import final_parameters
from skloss.model_selection.step_tasks import StepTasks, is_skipped
from skloss.model_selection.steps import is_sampler
from skloss.streams import RowSource

__all__ = ["fit_streamed_steps"]

_VALIDATION = ("X_val", "y_val", "sample_weight_val")


def fit_streamed_steps(
    pipeline: Any, rows: RowSource, y: Any, params: dict[str, Any]
) -> None:
    """Hold rows out, fit each step on the blocks of the others, then train.

    A step is fitted by ``partial_fit``, in a pass of its own.

    Parameters
    ----------
    pipeline : Pipeline
        Its steps are replaced by fitted ones, but for the last, which is fitted itself.
    rows : RowSource
        The rows.
    y : None
        A source has its labels.
    params : dict
        Parameters of ``fit``.
    """
    name, last = pipeline.steps[-1]
    if not hasattr(last, "fit_streamed"):
        raise ValueError(
            f"The last step, a {type(last).__name__}, takes no rows in blocks: use "
            "DenseClassifier, CNN1DClassifier, CNN2DClassifier or RecurrentClassifier."
        )
    known = final_parameters(pipeline, params)
    beside = ["y"] if y is not None else []
    beside += [key for key in known if key not in _VALIDATION]
    if beside:
        raise ValueError(
            f"X is a source of rows in blocks, and {beside[0]} was given beside it: "
            "labels and groups are named where the source is made, and rows in blocks "
            "have no weights."
        )
    if known and not isinstance(known.get("X_val"), RowSource):
        raise ValueError(
            "X is a source of rows in blocks, but X_val is not: pass a source, "
            "which has its labels, as X_val, too."
        )
    for step_name, step in pipeline.steps[:-1]:
        _check_step(step_name, step)
    if len(pipeline.steps) > 1 and getattr(last, "refit", False):
        raise ValueError(
            f"refit=True of {type(last).__name__} would need the steps in front to be "
            "fitted again, which is not done on a source of rows in blocks: set it to "
            "False, or hold out fewer rows by validation_fraction."
        )
    tasks = StepTasks(pipeline, rows, None) if pipeline._has_callbacks() else None
    streamed = last.read_streamed(rows, **known)
    if streamed.held is not None:
        streamed = replace(streamed, source="pipeline")
    if streamed.source != "none":  # a step that resamples is refused
        streamed = replace(streamed, holdout=replace(streamed.holdout, samplers=()))
    steps = []
    for step_name, step in pipeline.steps[:-1]:
        fitted = step
        if not is_skipped(step):
            with _told(tasks, step, rows):
                fitted = _fitted(step, streamed)
            streamed = replace(streamed, steps=(*streamed.steps, fitted))
        steps.append((step_name, fitted))
    with nullcontext() if tasks is None else tasks.last(last, rows, None):
        last.fit_streamed(streamed)
    pipeline.steps = [*steps, (name, last)]
    if tasks is not None:
        tasks.end()


def _told(
    tasks: StepTasks | None, step: Any, rows: RowSource
) -> AbstractContextManager[None]:
    if tasks is None:
        return nullcontext()
    return tasks.step(step, rows, None, is_cached=True)


def _check_step(name: str, step: Any) -> None:
    """Refuse a step that cannot be fitted block by block."""
    if is_skipped(step) or hasattr(step, "partial_fit"):
        return
    told = f"The step {name!r}, a {type(step).__name__}, needs all rows at once"
    if is_sampler(step):
        raise ValueError(
            f"{told}, and a source gives them block by block: leave it out, and set "
            "class_weight='balanced' of the classifier."
        )
    if get_tags(step).requires_fit:
        raise ValueError(
            f"{told}, since it has no partial_fit, and a source gives them block by "
            "block: use StandardScaler, MinMaxScaler, MaxAbsScaler, IncrementalPCA or "
            "another step that has it."
        )


def _fitted(step: Any, streamed: StreamedFit) -> Any:
    fitted = clone(step)
    for block in streamed.training_blocks():
        if not hasattr(fitted, "partial_fit"):  # it learns nothing of the rows
            return fitted.fit(block)
        fitted.partial_fit(block)
    return fitted
