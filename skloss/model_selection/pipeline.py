"""``Pipeline``: an imbalanced-learn Pipeline that holds out rows before any step."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Self

import imblearn.pipeline
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skloss.estimators import MOST_MEASURED_ROWS, HoldOut
from skloss.holdout import stratified_sample
from skloss.model_selection.step_tasks import StepTasks, is_skipped
from skloss.sklearn_compat import safe_indexing, with_callbacks

__all__ = ["Pipeline", "make_pipeline"]


class Pipeline(imblearn.pipeline.Pipeline):
    """Pipeline whose last step is measured on rows that no sampler has seen.

    Before anything else ``fit`` asks the last step for its ``split_validation``, sets
    those rows aside, and fits transformers, samplers and the last step on the others.
    The rows set aside, and the original training rows, go through the fitted
    transformers, never through a sampler, and to the last step: for early stopping, and
    for curves that can be compared.

    All else is :class:`imblearn.pipeline.Pipeline`: parameters, slicing, ``memory``,
    metadata routing. A last step without ``split_validation``, or whose
    ``validation_fraction`` is None, is fitted as there.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers and samplers in order, then the classifier.
    transform_input : list of str, default=None
        As in :class:`imblearn.pipeline.Pipeline`.
    memory : str or object with the joblib.Memory interface, default=None
        Where fitted transformers and resampled rows are cached, so that a grid over the
        classifier's parameters runs a sampler once per fold. The sampler and the
        classifier need an int as ``random_state`` for that.
    verbose : bool, default=False
        Whether to print the time of each step.

    See Also
    --------
    make_pipeline : The same without naming the steps.

    Notes
    -----
    Groups that must stay together in the hold-out are passed to the classifier, as
    ``fit(X, y, cnn__groups=groups)`` if its step is called ``"cnn"``.

    ``fit`` tells callbacks of :mod:`sklearn.callback` of its steps, and the classifier
    of its epochs; imbalanced-learn's Pipeline tells them nothing. So a search in
    processes shows how far it is by
    ``GridSearchCV(pipeline, grid, n_jobs=2).set_callbacks(ProgressBar())``; with
    ``ProgressBar(max_propagation_depth=None)`` it shows the epochs of each fit too.

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
        """Hold rows out, then fit all steps on the others.

        Parameters
        ----------
        X : array-like or DataFrame
            Rows, as the first step takes them.
        y : array-like of shape (n,)
            Labels.
        **params : dict
            Parameters of the steps' ``fit`` as ``step__name``, or, with metadata
            routing, by name. What has one entry per row is split as the rows are.

        Returns
        -------
        self
            The fitted pipeline.
        """
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
        split: Any,
        tasks: Any,
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
        # Of very many rows a sample is enough to draw the curves, and no copy of all.
        sample = stratified_sample(parts[0][1], MOST_MEASURED_ROWS)
        original = tuple(safe_indexing(rows, sample) for rows in parts[0])
        final = _LastStep(last, tasks)
        final.held_out = (original, sample, parts[1], held_params)
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
        """Fit as imbalanced-learn does, with a stand-in for the last step."""
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
            # memory= fits clones of the steps; the last one was fitted in place.
            self.steps = [*final.pipeline.steps[:-1], (name, last)]
        finally:
            final.pipeline = final.held_out = None  # else the rows outlive the fit

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
    """Stands in for the last step during fit: it knows callbacks and rows held out."""

    def __init__(self, estimator: Any = None, tasks: Any = None) -> None:
        self.estimator = estimator
        self.tasks = tasks
        self.pipeline: Any = None
        self.held_out: Any = None

    def get_metadata_routing(self) -> Any:
        return self.estimator.get_metadata_routing()

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        if is_skipped(self.estimator):
            return self
        told = nullcontext()
        if self.tasks is not None:
            told = self.tasks.last(self.estimator, X, y)
        with told:
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
            )
            self.estimator.fit_held_out(X, y, holdout, **params)
        else:
            self.estimator.fit(X, y, X_val=held_out[0], y_val=held_out[1], **params)

    def _routed(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters for the last step's fit, as the pipeline would hand them on."""
        pipeline = self.pipeline
        routed = pipeline._check_method_params(method="fit", props=params)
        return routed[pipeline.steps[-1][0]]["fit"]


def make_pipeline(
    *steps: Any,
    memory: Any = None,
    transform_input: Sequence[str] | None = None,
    verbose: bool = False,
) -> Pipeline:
    """Make a :class:`Pipeline` whose steps are named by their classes.

    Parameters
    ----------
    *steps : estimators
        Transformers and samplers in order, then the classifier.
    memory, transform_input, verbose
        As in :class:`Pipeline`.

    Returns
    -------
    Pipeline

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
    """Add to a sampler's complaint what the hold-out has to do with it."""
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
    """Say how series get past a step that takes tables only."""
    if np.ndim(X) != 3 or "dim 3" not in str(error):
        return
    raise ValueError(
        f"X has shape {np.shape(X)}, but a step before the classifier takes tables "
        "only: fold the series by X.reshape(len(X), -1), to rows of timesteps * "
        f"channels values, and set n_channels={np.shape(X)[2]} of the classifier."
    ) from error
