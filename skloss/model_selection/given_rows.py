"""Rows and weights that a caller passes to the last step beside X and y."""

from collections.abc import Iterable
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
import sklearn.pipeline

from skloss.estimators import MOST_MEASURED_ROWS, HoldOut
from skloss.holdout import stratified_sample
from skloss.nearest_name import did_you_mean
from skloss.sklearn_compat import routing_enabled, safe_indexing

__all__ = [
    "ROW_PARAMETERS",
    "at",
    "check_step_parameters",
    "final_estimator",
    "final_parameters",
    "given_holdout",
    "n_rows_of",
    "routed_parameters",
    "swapped",
    "with_original_rows",
]

# Parameters of ``fit`` that hold rows out, or that only a hold-out reads.
ROW_PARAMETERS = ("X_val", "y_val", "sample_weight_val", "validation_data", "groups")


def routed_parameters(pipeline: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Parameters that a pipeline passes to ``fit`` of its last step."""
    if not params:
        return {}
    routed = pipeline._check_method_params(method="fit", props=params)
    last = routed.get(pipeline.steps[-1][0])
    return {} if last is None else dict(last["fit"])


def check_step_parameters(pipeline: Any, params: Iterable[str]) -> None:
    """Refuse ``step__name`` of a step or a parameter that there is not, with a hint.

    With metadata routing scikit-learn checks the names itself.
    """
    if routing_enabled():
        return
    steps = dict(pipeline.steps)
    for name in params:
        step, _, rest = name.partition("__")
        if not rest:
            continue  # imbalanced-learn says that a step must be named
        if step not in steps:
            raise TypeError(
                f"Pipeline.fit got {name!r}, but there is no step {step!r}; the steps "
                f"are {', '.join(map(repr, steps))}.{did_you_mean(step, steps)}"
            )
        fit = getattr(steps[step], "fit", None) or getattr(
            steps[step], "fit_resample", None
        )
        if fit is None or _is_pipeline(steps[step]):
            continue
        known = signature(fit).parameters
        if rest not in known and all(
            p.kind is not p.VAR_KEYWORD for p in known.values()
        ):
            raise TypeError(
                f"Pipeline.fit got {name!r}, but fit of {type(steps[step]).__name__} "
                f"has no argument {rest!r}.{did_you_mean(rest, known)}"
            )


def final_parameters(pipeline: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Parameters that reach ``fit`` of the last step of the innermost pipeline."""
    last, found = pipeline.steps[-1][1], routed_parameters(pipeline, params)
    return final_parameters(last, found) if _is_pipeline(last) else found


def final_estimator(pipeline: Any) -> Any:
    """Last step of the innermost pipeline."""
    last = pipeline.steps[-1][1]
    return final_estimator(last) if _is_pipeline(last) else last


def given_holdout(final: Any, params: dict[str, Any]) -> HoldOut | None:
    """Rows that the caller holds out; None if there are none.

    Parameters
    ----------
    final : estimator
        The classifier; the ``fit__validation_data`` of a Keras wrapper counts too.
    params : dict
        Parameters of its ``fit``.
    """
    X_val, y_val = params.get("X_val"), params.get("y_val")
    weight_val = params.get("sample_weight_val")
    if any(part is not None for part in (X_val, y_val, weight_val)):
        if not hasattr(final, "fit_held_out"):  # the last step knows what it needs
            return HoldOut(X_val, y_val, source="X_val", weight_val=weight_val)
        return HoldOut.given(X_val, y_val, weight_val)
    data = params.get("validation_data")
    if data is None:
        data = getattr(final, "fit__validation_data", None)
    return None if data is None else HoldOut.of_keras(data)


def swapped(params: dict[str, Any], old: Any, new: Any) -> dict[str, Any]:
    """Parameters with another value for one of them, under whatever name it goes."""
    return {key: new if value is old else value for key, value in params.items()}


def _is_pipeline(step: Any) -> bool:
    return isinstance(step, sklearn.pipeline.Pipeline)


def at(values: Any, rows: np.ndarray) -> Any:
    """Entries of some rows; None stays None."""
    return None if values is None else np.asarray(values)[rows]


def n_rows_of(rows: Any) -> int:
    """Count rows of any container."""
    return int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)


def with_original_rows(holdout: HoldOut, X: Any, y: Any, weight: Any) -> HoldOut:
    """Add rows as they are before the samplers, unless they are known."""
    if holdout.X_original is not None or y is None or np.ndim(y) != 1:
        return holdout
    # A sample of the training rows is enough for the curves, and saves a copy.
    sample = stratified_sample(y, MOST_MEASURED_ROWS)
    return replace(
        holdout,
        X_original=safe_indexing(X, sample),
        y_original=safe_indexing(y, sample),
        weight_original=at(weight, sample),
    )
