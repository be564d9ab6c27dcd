"""``Pipeline``: an imbalanced-learn Pipeline that holds out rows before its steps."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Self

import imblearn.pipeline
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skloss.estimators import MOST_MEASURED_ROWS, HoldOut
from skloss.estimators.all_or_nothing import all_or_nothing
from skloss.holdout import stratified_sample
from skloss.model_selection.step_tasks import StepTasks, is_skipped
from skloss.sklearn_compat import safe_indexing, with_callbacks

__all__ = ["Pipeline", "make_pipeline"]


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
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Hold out validation rows, then fit all steps on the other rows.

        Parameters
        ----------
        X : array-like or DataFrame
            Rows, in a form that the first step accepts.
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
            split = self._split(X, y, params)
            tasks = StepTasks(self, X, y) if self._has_callbacks() else None
            if split is not None:
                self._fit_held_out(X, y, params, split, tasks)
            elif tasks is not None:
                self._fit_steps(_LastStep(self.steps[-1][1], tasks), X, y, params)
            else:
                super().fit(X, y, **params)
            if tasks is not None:
                tasks.end()
        return self

    def _has_callbacks(self) -> bool:
        steps = (step for _, step in self.steps)
        return any(hasattr(told, "_skl_callbacks") for told in (self, *steps))

    def _fit_held_out(
        self,
        X: ArrayLike,
        y: ArrayLike | None,
        params: dict[str, Any],
        split: tuple[np.ndarray, np.ndarray],
        tasks: StepTasks | None,
    ) -> None:
        name, last = self.steps[-1]
        kept, held = split
        n_rows = len(kept) + len(held)
        given = {
            key: value
            for key, value in params.items()
            if not _is_of_step(key, name, "groups")
        }
        params = {
            key: safe_indexing(value, kept) if _is_per_row(value, n_rows) else value
            for key, value in given.items()
        }
        parts = [(safe_indexing(X, part), safe_indexing(y, part)) for part in split]
        held_params = {
            key: safe_indexing(value, held)
            for key, value in given.items()
            if _is_per_row(value, n_rows)
        }
        # A sample of the training rows is enough for the curves, and saves a copy.
        sample = stratified_sample(parts[0][1], MOST_MEASURED_ROWS)
        original = tuple(safe_indexing(rows, sample) for rows in parts[0])
        final = _LastStep(last, tasks)
        final.held_out = (original, sample, parts[1], held_params)
        final.positions, final.n_given = held, n_rows
        try:
            self._fit_steps(final, *parts[0], params)
        except ValueError as error:
            _explain_few_rows(error, parts[0][1], len(held), n_rows)
            _explain_series(error, X)
            raise

    def _fit_steps(
        self,
        final: "_LastStep",
        X: ArrayLike,
        y: ArrayLike | None,
        params: dict[str, Any],
    ) -> None:
        """Fit like imbalanced-learn, with a wrapper in the place of the last step.

        The wrapper is needed because only the last step must receive the held-out rows,
        and they must first pass through the transformers, which are fitted by then.
        """
        name, last = self.steps[-1]
        tasks = final.tasks
        final.pipeline = imblearn.pipeline.Pipeline(
            [*self.steps[:-1], (name, final)],
            transform_input=self.transform_input,
            memory=self.memory if tasks is None else tasks.memory(self.memory),
            verbose=self.verbose,
        )
        try:
            final.pipeline.fit(X, y, **params)
            # With a memory the fitted steps are clones, so they are put back. The last
            # step was fitted itself.
            self.steps = [*final.pipeline.steps[:-1], (name, last)]
        finally:
            final.pipeline = final.held_out = None  # frees the memory of the rows

    def _split(self, X: ArrayLike, y: ArrayLike | None, params: dict[str, Any]) -> Any:
        name, last = self.steps[-1]
        for key in ("X_val", "y_val"):
            if any(_is_of_step(given, name, key) for given in params):
                return None
        if y is None or not hasattr(last, "split_validation"):
            return None
        groups = [params[key] for key in params if _is_of_step(key, name, "groups")]
        return last.split_validation(X, y, groups[0] if groups else None)


class _LastStep(BaseEstimator):
    """Wrapper of the last step during fit, with the callbacks and held-out rows."""

    def __init__(self, estimator: Any = None, tasks: Any = None) -> None:
        self.estimator = estimator
        self.tasks = tasks
        self.pipeline: Any = None
        self.held_out: Any = None
        self.positions: Any = None
        self.n_given: Any = None

    def get_metadata_routing(self) -> Any:
        return self.estimator.get_metadata_routing()

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        if is_skipped(self.estimator):
            return self
        task = nullcontext()
        if self.tasks is not None:
            task = self.tasks.last(self.estimator, X, y)
        with task:
            if self.held_out is None:
                self.estimator.fit(X, y, **params)
            else:
                self._fit_held_out(X, y, params)
        return self

    def _fit_held_out(
        self, X: ArrayLike, y: ArrayLike | None, params: dict[str, Any]
    ) -> None:
        original, sample, held_out, held_params = self.held_out
        samplers = []
        for _, step in self.pipeline.steps[:-1]:
            if hasattr(step, "fit_resample"):
                samplers.append(type(step).__name__)
            if is_skipped(step) or hasattr(step, "fit_resample"):
                continue
            original = step.transform(original[0]), original[1]
            held_out = step.transform(held_out[0]), held_out[1]
        if hasattr(self.estimator, "fit_held_out"):
            holdout = HoldOut(
                X_val=held_out[0],
                y_val=held_out[1],
                X_original=original[0],
                y_original=original[1],
                source="pipeline",
                weight_val=self._routed(held_params).get("sample_weight"),
                weight_original=_at(params.get("sample_weight"), sample),
                samplers=tuple(samplers),
                positions=self.positions,
                n_given=self.n_given,
            )
            self.estimator.fit_held_out(X, y, holdout, **params)
        else:
            self.estimator.fit(X, y, X_val=held_out[0], y_val=held_out[1], **params)

    def _routed(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters that the pipeline would pass to ``fit`` of the last step."""
        pipeline = self.pipeline
        routed = pipeline._check_method_params(method="fit", props=params)
        return routed[pipeline.steps[-1][0]]["fit"]


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


def _at(weight: ArrayLike | None, rows: np.ndarray) -> Any:
    return None if weight is None else np.asarray(weight)[rows]


def _is_per_row(value: Any, n_rows: int) -> bool:
    return not isinstance(value, str) and np.ndim(value) > 0 and len(value) == n_rows


def _is_of_step(key: str, step: str, parameter: str) -> bool:
    return key in (parameter, f"{step}__{parameter}")


def _explain_few_rows(
    error: ValueError, y: ArrayLike, n_held: int, n_rows: int
) -> None:
    """Explain an error of a sampler that the hold-out has left too few rows."""
    if "n_neighbors" not in str(error):
        return
    labels, counts = np.unique(np.asarray(y), return_counts=True)
    raise ValueError(
        f"The sampler has too few rows of a class: {n_held} of {n_rows} rows were held "
        "out before it (validation_fraction), which leaves "
        + ", ".join(
            f"{n} of {c!r}" for c, n in zip(labels.tolist(), counts, strict=True)
        )
        + "; lower its k_neighbors or validation_fraction, or use RandomOverSampler."
    ) from error


def _explain_series(error: ValueError, X: ArrayLike) -> None:
    """Explain how to pass time series through a step that accepts only tables."""
    if np.ndim(X) != 3 or "dim 3" not in str(error):
        return
    raise ValueError(
        f"X has shape {np.shape(X)}, but a step before the classifier accepts only "
        "tables: flatten the series with X.reshape(len(X), -1), to timesteps * "
        f"channels columns, and set n_channels={np.shape(X)[2]} of the classifier."
    ) from error
