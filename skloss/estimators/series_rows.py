"""Series as rows: folded to a table, or of three dimensions, channels last or first."""

import warnings
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from skloss.estimators.checks import refuse_sparse
from skloss.exceptions import SeriesOrderWarning
from skloss.sklearn_compat import Interval

__all__ = ["SeriesRowsMixin"]

# From a warning of the order of series to the line that called ``fit``.
_TO_CALLER = 6


class SeriesRowsMixin:
    """Checks of the series of a classifier with ``n_channels``, ``channels_first``."""

    _series_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "channels_first": ["boolean", None],
    }

    n_channels: int
    channels_first: bool | None
    n_features_in_: int

    def _fitted_shape(self) -> tuple[int, ...] | None:
        """Shape of one series that the classifier was fitted on, if it was."""
        raise NotImplementedError

    def _check_sparse(self, X: Any, name: str) -> None:
        refuse_sparse(type(self).__name__, X, name)

    def _rows_options(self) -> dict[str, Any]:
        return {"allow_nd": True}

    def _check_shape(self, X: np.ndarray, reset: bool) -> np.ndarray:
        owner = type(self).__name__
        if X.ndim > 3:
            raise ValueError(
                f"X has shape {X.shape}: {owner} takes series of shape "
                "(n, timesteps, channels), or folded to (n, timesteps * channels)."
            )
        if X.ndim == 2 and X.shape[1] % self.n_channels:
            raise ValueError(
                f"X has {X.shape[1]} columns, which n_channels={self.n_channels} does "
                "not divide: a row must hold timesteps * n_channels values."
            )
        if self.channels_first:
            X = self._steps_first(X)
        shape = self._input_shape(X)
        if reset and self.channels_first is None and X.ndim == 3:
            _warn_of_order(owner, *shape)
        known = None if reset else self._fitted_shape()
        if known is not None and shape != known:
            raise ValueError(
                f"X holds series of (timesteps, channels) = {shape}, but {owner} was "
                f"fitted on {known}."
            )
        return X

    def _steps_first(self, X: np.ndarray) -> np.ndarray:
        """Turn ``(n, channels, timesteps)``, or folded rows of it."""
        series = X.reshape(len(X), self.n_channels, -1) if X.ndim == 2 else X
        return np.ascontiguousarray(series.transpose(0, 2, 1))

    def _as_given(self, X: Any) -> Any:
        # Undo `_steps_first`, and fold what came folded.
        if self.channels_first and isinstance(X, np.ndarray):
            X = X.transpose(0, 2, 1)
            is_folded = self.n_features_in_ == X.shape[1] * X.shape[2]
            X = X.reshape(len(X), -1) if is_folded else X
        return super()._as_given(X)  # type: ignore[misc]

    def _is_plain(self, X: object) -> bool:
        return not self.channels_first and super()._is_plain(X)  # type: ignore[misc]

    def _input_shape(self, X: np.ndarray) -> tuple[int, ...]:
        if X.ndim == 3:
            return X.shape[1:]
        return (X.shape[1] // self.n_channels, self.n_channels)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.three_d_array = True
        return tags


def _warn_of_order(owner: str, timesteps: int, channels: int) -> None:
    """Warn where steps and channels look exchanged; it may be right all the same."""
    if channels <= timesteps:
        return
    warnings.warn(
        f"X is read as series of {timesteps} timestep{'s' * (timesteps > 1)} of "
        f"{channels} channels. If it has the shape (n, channels, timesteps), as aeon "
        f"and sktime have it, set channels_first=True of {owner}; if not, "
        "channels_first=False.",
        SeriesOrderWarning,
        stacklevel=_TO_CALLER,
    )
