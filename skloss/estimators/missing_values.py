"""``missing``: NaN in the rows of a classifier that knows what to do with it."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from skloss.estimators.checks import check_finite
from skloss.sklearn_compat import StrOptions

__all__ = ["MissingStepsMixin", "MissingValuesMixin"]


class MissingValuesMixin:
    """Checks of the values of a classifier with ``missing``.

    ``_takes_missing`` is the value of the parameter with which there may be NaN.
    """

    _takes_missing: ClassVar[str]
    missing: str

    def _check_missing(self, name: str, X: np.ndarray, columns: Sequence[Any]) -> bool:
        """Refuse infinity and, unless there may be any, NaN; say if there is NaN."""
        if self.missing != self._takes_missing:
            offer = f"set missing={self._takes_missing!r}, "
            check_finite(name, X, offer, columns)
            return False
        is_missing = np.isnan(X)
        if not is_missing.any():
            check_finite(name, X, "", columns)
            return False
        check_finite(name, np.where(is_missing, np.float32(0), X), "", columns)
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self.missing == self._takes_missing
        return tags


class MissingStepsMixin(MissingValuesMixin):
    """Checks of the values of a classifier of series with ``missing``."""

    _missing_constraints: ClassVar[dict[str, list[Any]]] = {
        "missing": [StrOptions({"error", "mask"})],
    }
    _takes_missing: ClassVar[str] = "mask"

    missing: Literal["error", "mask"]

    def _check_values(self, name: str, X: Any) -> None:
        if not self._check_missing(name, X, ()):
            return
        is_empty = np.isnan(X).reshape(len(X), -1).all(axis=1)
        if is_empty.any():
            raise ValueError(
                f"{name} has {is_empty.sum()} of {len(X)} series without any value, "
                f"first in row {is_empty.argmax()}: drop these rows."
            )
