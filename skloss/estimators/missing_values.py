"""``missing="mask"``: series with NaN, where a classifier knows what to do with it."""

from typing import Any, ClassVar, Literal

import numpy as np

from skloss.estimators.checks import check_finite
from skloss.sklearn_compat import StrOptions

__all__ = ["MissingStepsMixin"]


class MissingStepsMixin:
    """Checks of the values of a classifier of series with ``missing``."""

    _missing_constraints: ClassVar[dict[str, list[Any]]] = {
        "missing": [StrOptions({"error", "mask"})],
    }

    missing: Literal["error", "mask"]

    def _check_values(self, name: str, X: Any) -> None:
        if self.missing != "mask":
            check_finite(name, X, "set missing='mask', ")
            return
        is_missing = np.isnan(X)
        if not is_missing.any():
            check_finite(name, X)
            return
        check_finite(name, np.where(is_missing, np.float32(0), X))
        is_empty = is_missing.reshape(len(X), -1).all(axis=1)
        if is_empty.any():
            raise ValueError(
                f"{name} has {is_empty.sum()} of {len(X)} series without any value, "
                f"first in row {is_empty.argmax()}: drop these rows."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self.missing == "mask"
        return tags
