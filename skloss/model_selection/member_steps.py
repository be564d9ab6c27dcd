"""Steps of a pipeline whose classifier has members that hold out rows in turn.

Transformers are fitted once, on all rows and without their labels. Samplers run for
each member, on the rows that it trains on.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_memory

from skloss.estimators import HoldOut
from skloss.estimators.fit_rows import MemberRows, groups_of_holdout
from skloss.holdout.resampled_weights import FollowingMemory, RowOrigins
from skloss.model_selection.given_rows import (
    at,
    n_rows_of,
    routed_parameters,
    with_original_rows,
)
from skloss.model_selection.sampled_frames import SampledFramesMemory
from skloss.model_selection.step_errors import explain_few_rows, explain_series
from skloss.model_selection.step_tasks import StepTasks, is_skipped
from skloss.model_selection.steps import Steps, is_sampler
from skloss.record.group_names import group_name
from skloss.row_errors import rows_explained
from skloss.sklearn_compat import safe_indexing

__all__ = ["fit_in_turns"]

Step = tuple[str, Any]


def fit_in_turns(
    pipeline: Any, X: Any, y: Any, params: dict[str, Any], *, stacklevel: int
) -> bool:
    """Fit members that hold out rows in turn.

    Parameters
    ----------
    pipeline : Pipeline
        Its steps are fitted.
    X, y : array-likes
        All rows and labels.
    params : dict
        Parameters of ``fit``.
    stacklevel : int
        From a warning in the caller to the line that called ``fit``.

    Returns
    -------
    bool
        Whether the last step has such members; if not, nothing was fitted.
    """
    name, last = pipeline.steps[-1]
    if getattr(last, "n_members", 1) == 1 or not hasattr(last, "split_members"):
        return False
    kinds = _split_steps(pipeline.steps[:-1])
    known = routed_parameters(pipeline, params)
    if kinds is None or any(_routed_to(pipeline, params, n) for n, _ in kinds[1]):
        return False
    parts = last.split_members(X, y, known.get("groups"))
    if len(parts) == 1:
        return False
    front, samplers = kinds
    tasks = None
    if pipeline._has_callbacks():
        tasks = StepTasks(pipeline, X, y, [step_name for step_name, _ in front])
    memory = pipeline.memory if tasks is None else tasks.memory(pipeline.memory)
    turns = _Turns(
        y=y,
        parts=parts,
        weight=known.get("sample_weight"),
        groups=known.get("groups"),
        group_state=groups_of_holdout(known.get("groups"), stacklevel + 1),
        samplers=samplers,
        memory=pipeline.memory,
    )
    steps = Steps(
        [*front, (name, _MemberStep(last, turns, tasks))],
        transform_input=pipeline.transform_input,
        memory=SampledFramesMemory(check_memory(memory)),
        verbose=pipeline.verbose,
    )
    try:
        with rows_explained(X):
            steps.fit(X, None, **params)
    except (TypeError, ValueError) as error:
        if not turns.have_begun:
            return False  # a transformer that cannot do without labels
        if isinstance(error, TypeError):
            raise
        kept, held = parts[0]
        explain_few_rows(error, safe_indexing(y, kept), len(held), n_rows_of(X))
        explain_series(error, X, getattr(last, "channels_first", None))
        raise
    fitted = dict([*steps.steps[:-1], *turns.samplers, (name, last)])
    pipeline.steps = [(n, fitted.get(n, step)) for n, step in pipeline.steps]
    if tasks is not None:
        tasks.end()
    return True


def _routed_to(pipeline: Any, params: dict[str, Any], name: str) -> bool:
    """Whether a sampler is given parameters of ``fit``."""
    if not params:
        return False
    routed = pipeline._check_method_params(method="fit", props=params)
    return bool(routed[name].get("fit_resample"))


def _split_steps(steps: Sequence[Step]) -> tuple[list[Step], list[Step]] | None:
    """Part the steps before the classifier into transformers and samplers.

    Returns
    -------
    tuple of two lists of (str, estimator), or None
        None if members cannot share the transformers: one looks at the labels, or
        stands behind a sampler.
    """
    kept = [(name, step) for name, step in steps if not is_skipped(step)]
    are_samplers = [is_sampler(step) for _, step in kept]
    n_front = are_samplers.index(True) if True in are_samplers else len(kept)
    front, samplers = kept[:n_front], kept[n_front:]
    if not all(are_samplers[n_front:]) or any(_needs_labels(s) for _, s in front):
        return None
    return front, samplers


def _needs_labels(step: Any) -> bool:
    """Whether a transformer, or anything inside it, is fitted with labels."""
    y = signature(step.fit).parameters.get("y")
    if y is not None and y.default is Parameter.empty:
        return True
    if not hasattr(step, "get_params"):
        return True  # it cannot be asked
    given = step.get_params()
    if any(name.endswith("score_func") for name in given):
        return True  # selections by a score, whose tags do not tell
    inside = [part for part in given.values() if hasattr(part, "fit")]
    return any(
        get_tags(part).target_tags.required
        for part in (step, *inside)
        if not isinstance(part, type)
    )


@dataclass
class _Turns:
    """What the members are trained on, but for the rows themselves.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels of all rows.
    parts : list of tuple of two ndarrays of int
        Rows that each member trains on and holds out.
    weight, groups : array-likes of shape (n,) or None
        Weight and group of each row.
    group_state : str
        As of `HoldOut`.
    samplers : list of (str, sampler)
        In their order.
    memory : object
        Cache of sampled rows, as of the pipeline.
    have_begun : bool, default=False
        Whether all transformers are fitted.
    """

    y: Any
    parts: list[tuple[np.ndarray, np.ndarray]]
    weight: Any
    groups: Any
    group_state: str
    samplers: list[Step]
    memory: Any
    have_begun: bool = False


class _MemberStep(BaseEstimator):
    """Stand-in for the classifier during fit, which trains each member on its rows."""

    def __init__(
        self, estimator: Any = None, turns: _Turns | None = None, tasks: Any = None
    ) -> None:
        self.estimator = estimator
        self.turns = turns
        self.tasks = tasks

    def get_metadata_routing(self) -> Any:
        """Routing of the classifier."""
        return self.estimator.get_metadata_routing()

    def fit(self, X: Any, y: ArrayLike | None = None, **params: Any) -> Self:
        """Train all members on transformed rows."""
        turns = self.turns
        if turns is None:
            raise ValueError("_MemberStep is made by Pipeline.fit.")
        turns.have_begun = True
        task = nullcontext()
        if self.tasks is not None:
            task = self.tasks.last(self.estimator, X, turns.y)
        with task:
            fitted: list[list[Any]] = []
            members = [_member_rows(turns, X, part, fitted) for part in turns.parts]
            turns.samplers = [
                (name, sampler)
                for (name, _), sampler in zip(turns.samplers, fitted[0], strict=True)
            ]
            self.estimator.fit_members(members)
        return self


def _sampled(sampler: Any, X: Any, y: Any) -> tuple[Any, Any, Any]:
    """Fit a sampler; return its rows, their labels and itself."""
    return (*sampler.fit_resample(X, y), sampler)


def _member_rows(
    turns: _Turns, X: Any, part: tuple[np.ndarray, np.ndarray], fitted: list[list[Any]]
) -> MemberRows:
    """Rows of a member behind the samplers, which are fitted on them alone."""
    kept, held = part
    rows, labels = safe_indexing(X, kept), safe_indexing(turns.y, kept)
    weight = at(turns.weight, kept)
    names = tuple(type(sampler).__name__ for _, sampler in turns.samplers)
    holdout = HoldOut(
        X_val=safe_indexing(X, held),
        y_val=safe_indexing(turns.y, held),
        source="pipeline",
        weight_val=at(turns.weight, held),
        samplers=names,
        positions=held,
        n_given=len(kept) + len(held),
        groups=turns.group_state,
        groups_val=at(turns.groups, held),
        groups_original=at(turns.groups, kept),
        group_name=group_name(turns.groups),
    )
    holdout = with_original_rows(holdout, rows, labels, weight)
    origins, given = RowOrigins(), labels
    memory = check_memory(turns.memory)
    if weight is not None:
        memory = FollowingMemory(memory, origins)
    sample = SampledFramesMemory(memory).cache(_sampled)
    own = []
    for _, sampler in turns.samplers:
        rows, labels, done = sample(clone(sampler), rows, labels)
        own.append(done)
    fitted.append(own)
    if weight is not None:
        weight = origins.weights(weight, given, labels)
    return MemberRows(rows, labels, weight, holdout=holdout)
