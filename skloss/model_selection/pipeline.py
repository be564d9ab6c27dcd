"""``Pipeline``: an imbalanced-learn Pipeline that holds out rows before its steps."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, Self, cast

import imblearn.pipeline
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_memory, column_or_1d

from skloss.estimators import HoldOut
from skloss.estimators.all_or_nothing import all_or_nothing
from skloss.estimators.fit_rows import groups_of_holdout
from skloss.holdout.resampled_weights import FollowingMemory, RowOrigins
from skloss.model_selection.given_rows import (
    ROW_PARAMETERS,
    at,
    check_step_parameters,
    final_estimator,
    final_parameters,
    given_holdout,
    n_rows_of,
    swapped,
    with_original_rows,
)
from skloss.model_selection.member_steps import fit_in_turns
from skloss.model_selection.sampled_frames import SampledFramesMemory
from skloss.model_selection.step_errors import explain_few_rows, explain_series
from skloss.model_selection.step_tasks import StepTasks, is_skipped
from skloss.model_selection.steps import Steps, is_sampler
from skloss.model_selection.streamed_steps import fit_streamed_steps
from skloss.record.group_names import group_name
from skloss.row_errors import rows_explained
from skloss.sklearn_compat import safe_indexing, with_callbacks
from skloss.streams import RowSource
from skloss.streams.ways_in import refuse_beside, source_of

__all__ = ["Pipeline", "make_pipeline"]


# From a warning in `_fit_rows` to the line that called ``fit``.
_TO_CALLER = 4


def _last_has(method: str) -> Callable[["Pipeline"], bool]:
    return lambda pipeline: hasattr(pipeline.steps[-1][1], method)


class Pipeline(imblearn.pipeline.Pipeline):
    """Pipeline that holds out validation rows before any sampler is applied.

    First, ``fit`` calls ``split_validation`` of the last step and holds out the
    validation rows. Then it fits the transformers, the samplers and the last step on
    the other rows. The validation rows and the original training rows pass through the
    fitted transformers, but through no sampler. The last step uses them for early
    stopping, and to measure training and validation curves in the same way.

    In all other respects it is a :class:`imblearn.pipeline.Pipeline`, with the same
    parameters, slicing, ``memory`` and metadata routing. If the last step has no
    ``split_validation``, or if its ``validation_fraction`` is None, no rows are held
    out.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers and samplers in order, then the classifier.
    transform_input : list of str, default=None
        As in :class:`imblearn.pipeline.Pipeline`.
    memory : str or object with the joblib.Memory interface, default=None
        Cache of fitted transformers and resampled rows. With a cache, a grid over the
        parameters of the classifier runs a sampler only once per fold. For this, the
        sampler and the classifier need an int as ``random_state``.
    verbose : bool, default=False
        Whether to print the time of each step.

    See Also
    --------
    make_pipeline : Make a pipeline without naming the steps.

    Notes
    -----
    Pass groups that must stay together in the hold-out to the classifier, as in
    ``fit(X, y, cnn__groups=groups)`` if the name of its step is ``"cnn"``.

    Rows that you hold out yourself go through the fitted transformers and through no
    sampler, however they come: as ``cnn__X_val`` and ``cnn__y_val``, as
    ``cnn__validation_data`` of a :class:`KerasClassifier`, by metadata routing with or
    without ``transform_input``, or through a Pipeline inside this one. Pass them as the
    first step accepts them.

    ``cnn__sample_weight`` follows the rows through samplers: a row that was there
    before keeps its weight, and a synthetic row has the mean weight of the rows of its
    class.

    Callbacks of :mod:`sklearn.callback` are called for each step of ``fit`` and for
    each epoch of the classifier; the Pipeline of imbalanced-learn does not call them. A
    search in several processes shows its progress with
    ``GridSearchCV(pipeline, grid, n_jobs=2).set_callbacks(ProgressBar())``. It shows
    the epochs of each fit too with ``ProgressBar(max_propagation_depth=None)``.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from skloss import DenseClassifier, Pipeline
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> steps = [("smote", SMOTE(random_state=0)),
    ...          ("dense", DenseClassifier(epochs=2, random_state=0))]
    >>> pipeline = Pipeline(steps).fit(X, y)
    >>> data = pipeline[-1].record_.data
    >>> data["class_counts"]["trained"]
    [4275, 4275]
    >>> data["class_counts"]["validation"]
    [475, 25]
    """

    steps: list[tuple[str, Any]]

    @with_callbacks
    def fit(
        self, X: ArrayLike | RowSource, y: ArrayLike | None = None, **params: Any
    ) -> Self:
        """Hold out validation rows, then fit all steps on the other rows.

        Parameters
        ----------
        X : array-like or DataFrame
            Rows, in a form that the first step accepts; or a source of
            :mod:`skloss.streams`, without ``y``, for steps that have ``partial_fit``.
        y : array-like of shape (n,)
            Labels.
        **params : dict
            Parameters of ``fit`` of the steps, as ``step__name`` or, with metadata
            routing, by name. A parameter with one entry per row is split like the rows.

        Returns
        -------
        self
            The fitted pipeline.
        """
        with all_or_nothing(self, *(step for _, step in self.steps)):
            if (rows := source_of(X)) is not None:
                fit_streamed_steps(self, rows, y, params)
                return self
            return self._fit_rows(X, y, params, None)

    @available_if(_last_has("predict_proba"))
    def predict_proba(self, X: ArrayLike | RowSource, **params: Any) -> np.ndarray:
        """Probability of each class, by all steps.

        Parameters
        ----------
        X : array-like, DataFrame or source of :mod:`skloss.streams`
            Rows.
        **params : dict
            Parameters of ``predict_proba`` of the last step.

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        if (rows := source_of(X)) is not None:
            return rows.mapped(partial(self.predict_proba, **params))
        found: np.ndarray = super().predict_proba(X, **params)
        return found

    @available_if(_last_has("predict"))
    def predict(self, X: ArrayLike | RowSource, **params: Any) -> np.ndarray:
        """Most probable class, by all steps.

        Parameters
        ----------
        X : array-like, DataFrame or source of :mod:`skloss.streams`
            Rows.
        **params : dict
            Parameters of ``predict`` of the last step.

        Returns
        -------
        ndarray of shape (n,)
        """
        if (rows := source_of(X)) is not None:
            return rows.mapped(partial(self.predict, **params))
        found: np.ndarray = super().predict(X, **params)
        return found

    @available_if(_last_has("score"))
    def score(
        self,
        X: ArrayLike | RowSource,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **params: Any,
    ) -> float:
        """Score of the last step, of a classifier the share of rows that is right.

        Parameters
        ----------
        X : array-like, DataFrame or source of :mod:`skloss.streams`
            Rows. A source brings its labels along, and is read twice.
        y : array-like of shape (n,)
            Labels; left out beside a source.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows; not beside a source.
        **params : dict
            Parameters of ``score`` of the last step, by metadata routing.

        Returns
        -------
        float
        """
        if (rows := source_of(X)) is not None:
            refuse_beside("X", y=y, sample_weight=sample_weight, **params)
            return float(accuracy_score(rows.labels(), self.predict(rows)))
        found: float = super().score(X, y, sample_weight, **params)
        return found

    @available_if(_last_has("fit_held_out"))
    @with_callbacks
    def fit_held_out(
        self, X: ArrayLike, y: ArrayLike, holdout: HoldOut, **params: Any
    ) -> Self:
        """Fit all steps on given rows, and measure on rows that were held out before.

        This is what an outer :class:`Pipeline` calls; call :meth:`fit` yourself.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels to train on.
        holdout : HoldOut
            Original rows, as the first step accepts them.
        **params : dict
            Parameters of ``fit`` of the steps.

        Returns
        -------
        self
            The fitted pipeline.
        """
        with all_or_nothing(self, *(step for _, step in self.steps)):
            return self._fit_rows(X, y, params, holdout)

    @available_if(_last_has("split_validation"))
    def split_validation(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows to train on and rows to hold out, as the last step tells.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows; only their number matters.
        y : array-like of shape (n,)
            Labels.
        groups : array-like of shape (n,), optional
            Groups that must stay together.

        Returns
        -------
        tuple of two ndarrays of int, or None
            Sorted positions; None if no rows are to be held out.
        """
        return cast(
            "tuple[np.ndarray, np.ndarray] | None",
            self.steps[-1][1].split_validation(X, y, groups),
        )

    @available_if(_last_has("split_before_sampler"))
    def split_before_sampler(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows to train on and rows to hold out where a sampler follows.

        Parameters
        ----------
        X, y, groups : array-likes
            As in `split_validation`.

        Returns
        -------
        tuple of two ndarrays of int
            Sorted positions.
        """
        return cast(
            "tuple[np.ndarray, np.ndarray]",
            self.steps[-1][1].split_before_sampler(X, y, groups),
        )

    def _fit_rows(
        self, X: Any, y: Any, params: dict[str, Any], holdout: HoldOut | None
    ) -> Self:
        """Fit on rows, of which some are held out here unless they were before."""
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:  # as a frame of one column gives it
            y = column_or_1d(y, warn=True)
        check_step_parameters(self, params)
        last = self.steps[-1][1]
        known = final_parameters(self, params)
        if holdout is None:
            holdout = given_holdout(final_estimator(self), known)
        if (
            holdout is None
            and y is not None
            and fit_in_turns(self, X, y, params, stacklevel=_TO_CALLER)
        ):
            return self
        tasks = StepTasks(self, X, y) if self._has_callbacks() else None
        held, n_rows = None, n_rows_of(X)
        given_X, given_y, given = X, y, params
        split_off = self._split_off()
        if holdout is None and y is not None and split_off is not None:
            split = split_off(X, y, known.get("groups"))
            if split is not None:
                kept, held = split
                weight = known.get("sample_weight")
                holdout = HoldOut(
                    X_val=safe_indexing(X, held),
                    y_val=safe_indexing(y, held),
                    source="pipeline",
                    weight_val=at(weight, held),
                    positions=held,
                    groups=groups_of_holdout(known.get("groups"), _TO_CALLER),
                    groups_val=at(known.get("groups"), held),
                    groups_original=at(known.get("groups"), kept),
                    group_name=group_name(known.get("groups")),
                )
                X, y = safe_indexing(X, kept), safe_indexing(y, kept)
                params = {
                    key: safe_indexing(value, kept)
                    if _is_per_row(value, n_rows)
                    else value
                    for key, value in params.items()
                }
        if holdout is None and self._resamples() and hasattr(last, "fit_held_out"):
            holdout = HoldOut()  # the curves and the prior are of original rows
        final = _LastStep(last, tasks)
        final.holdout = holdout
        weight = final_parameters(self, params).get("sample_weight")
        if holdout is not None:
            if holdout.n_given is None:  # else an outer Pipeline has counted them
                holdout = replace(holdout, n_given=n_rows)
            final.holdout = with_original_rows(holdout, X, y, weight)
        try:
            with rows_explained(given_X):
                self._fit_steps(final, X, y, params, weight)
                if held is not None:
                    self._give_back(given_X, given_y, given)
        except ValueError as error:
            if held is not None:
                explain_few_rows(error, y, len(held), n_rows)
                first = getattr(final_estimator(self), "channels_first", None)
                explain_series(error, given_X, first)
            raise
        if tasks is not None:
            tasks.end()
        return self

    def _give_back(self, X: Any, y: Any, params: dict[str, Any]) -> None:
        """Fit all steps again, on the rows that were held out too, if that is asked."""
        last = self.steps[-1][1]
        if getattr(final_estimator(self), "refit", False) is not True:
            return
        if hasattr(last, "fit_again"):
            self.fit_again(X, y, HoldOut(), **params)

    @available_if(_last_has("fit_again"))
    def fit_again(
        self, X: ArrayLike, y: ArrayLike, holdout: HoldOut, **params: Any
    ) -> Self:
        """Fit all steps once more, on all rows, and keep the record of the classifier.

        This is what `fit` calls where the classifier has ``refit=True``.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels to train on.
        holdout : HoldOut
            Original rows, as the first step accepts them; those of ``X`` if it has
            none.
        **params : dict
            Parameters of ``fit`` of the steps.

        Returns
        -------
        self
            The fitted pipeline.
        """
        final = _LastStep(self.steps[-1][1])
        final.trains_again = True
        weight = final_parameters(self, params).get("sample_weight")
        final.holdout = with_original_rows(holdout, X, y, weight)
        self._fit_steps(final, X, y, params, weight)
        return self

    def _split_off(self) -> Any:
        """Return what holds rows out, as the last step says, or None.

        A classifier that leaves each row out once needs held-out rows only where a
        sampler makes rows of others.
        """
        last = self.steps[-1][1]
        if self._resamples():
            before = getattr(last, "split_before_sampler", None)
            if before is not None:
                return before
        return getattr(last, "split_validation", None)

    def _resamples(self) -> bool:
        return any(is_sampler(step) for _, step in self.steps)

    def _has_callbacks(self) -> bool:
        steps = (step for _, step in self.steps)
        return any(hasattr(told, "_skl_callbacks") for told in (self, *steps))

    def _fit_steps(
        self,
        final: "_LastStep",
        X: ArrayLike,
        y: ArrayLike | None,
        params: dict[str, Any],
        weight: ArrayLike | None,
    ) -> None:
        """Fit like imbalanced-learn, with a wrapper in the place of the last step.

        The wrapper is needed because only the last step must receive the held-out rows,
        and they must first pass through the transformers, which are fitted by then.
        """
        name, last = self.steps[-1]
        tasks = final.tasks
        memory = self.memory if tasks is None else tasks.memory(self.memory)
        if weight is not None and self._resamples():
            final.weighted = weight, y, RowOrigins()
            memory = FollowingMemory(check_memory(memory), final.weighted[-1])
        memory = SampledFramesMemory(check_memory(memory))
        final.pipeline = Steps(
            [*self.steps[:-1], (name, last if is_skipped(last) else final)],
            transform_input=self.transform_input,
            memory=memory,
            verbose=self.verbose,
        )
        try:
            final.pipeline.fit(X, y, **params)
            # With a memory the fitted steps are clones, so they are put back. The last
            # step was fitted itself.
            self.steps = [*final.pipeline.steps[:-1], (name, last)]
        finally:  # frees the memory of the rows
            final.pipeline = final.holdout = final.weighted = None


class _LastStep(BaseEstimator):
    """Wrapper of the last step during fit, with the callbacks and held-out rows."""

    def __init__(self, estimator: Any = None, tasks: Any = None) -> None:
        self.estimator = estimator
        self.tasks = tasks
        self.pipeline: Any = None
        self.holdout: HoldOut | None = None
        self.weighted: tuple[Any, Any, RowOrigins] | None = None
        self.trains_again = False

    def get_metadata_routing(self) -> Any:
        return self.estimator.get_metadata_routing()

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        if self.weighted is not None:
            weight, y_before, followed = self.weighted
            params = swapped(params, weight, followed.weights(weight, y_before, y))
        if self.trains_again and self.holdout is not None:
            holdout, params = self._transformed(self.holdout), self._own(params)
            self.estimator.fit_again(X, y, holdout, **params)
            return self
        task = nullcontext()
        if self.tasks is not None:
            task = self.tasks.last(self.estimator, X, y)
        with task:
            if self.holdout is None:
                self.estimator.fit(X, y, **params)
            else:
                self._fit_held_out(X, y, params, self.holdout)
        return self

    def _fit_held_out(
        self,
        X: ArrayLike,
        y: ArrayLike | None,
        params: dict[str, Any],
        given: HoldOut,
    ) -> None:
        holdout = self._transformed(given)
        if hasattr(self.estimator, "fit_held_out"):
            self.estimator.fit_held_out(X, y, holdout, **self._own(params))
        elif given.source == "pipeline":
            given_rows = {"X_val": holdout.X_val, "y_val": holdout.y_val}
            self.estimator.fit(X, y, **params, **given_rows)
        else:
            params = swapped(params, given.X_val, holdout.X_val)
            self.estimator.fit(X, y, **_with_validation_data(params, holdout))

    def _own(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters without those that the rows handed over stand for."""
        if isinstance(self.estimator, Pipeline):  # it needs them to find names
            return params
        return {k: v for k, v in params.items() if k not in ROW_PARAMETERS}

    def _transformed(self, holdout: HoldOut) -> HoldOut:
        """Rows as the last step sees them, and the samplers that they did not see."""
        steps = [step for _, step in self.pipeline.steps[:-1] if not is_skipped(step)]
        samplers = [type(step).__name__ for step in steps if is_sampler(step)]
        names = (*(holdout.samplers or ()), *samplers)
        for step in steps:
            if not is_sampler(step):
                holdout = holdout.transformed(step.transform)
        return replace(holdout, samplers=names)


def make_pipeline(
    *steps: Any,
    memory: Any = None,
    transform_input: Sequence[str] | None = None,
    verbose: bool = False,
) -> Pipeline:
    """Make a :class:`Pipeline` whose steps have the names of their classes.

    Parameters
    ----------
    *steps : estimators
        Transformers and samplers in order, then the classifier.
    memory, transform_input, verbose
        Parameters of :class:`Pipeline`.

    Returns
    -------
    Pipeline
        Pipeline that is not yet fitted.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from skloss import DenseClassifier, make_pipeline
    >>> list(make_pipeline(SMOTE(), DenseClassifier()).named_steps)
    ['smote', 'denseclassifier']
    """
    return Pipeline(
        imblearn.pipeline.make_pipeline(*steps).steps,
        memory=memory,
        transform_input=transform_input,
        verbose=verbose,
    )


def _with_validation_data(params: dict[str, Any], holdout: HoldOut) -> dict[str, Any]:
    """Put transformed rows into Keras' ``validation_data``."""
    pair = params.get("validation_data")
    if pair is None or holdout.source != "validation_data":
        return params
    return params | {"validation_data": (holdout.X_val, *pair[1:])}


def _is_per_row(value: Any, n_rows: int) -> bool:
    if isinstance(value, str) or np.ndim(value) == 0:
        return False
    return n_rows_of(value) == n_rows
