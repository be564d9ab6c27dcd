"""Rows and weights that a caller passes to the last step beside X and y."""

from typing import Any

import numpy as np
import sklearn.pipeline

from skloss.estimators import HoldOut

__all__ = [
    "ROW_PARAMETERS",
    "at",
    "final_estimator",
    "final_parameters",
    "given_holdout",
    "routed_parameters",
    "swapped",
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
