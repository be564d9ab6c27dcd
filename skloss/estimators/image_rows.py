"""Images as rows: folded to a table, gray, or with channels last or first."""

import warnings
from math import isqrt, prod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from skloss.estimators.checks import refuse_sparse
from skloss.exceptions import ImageShapeWarning
from skloss.sklearn_compat import Interval

__all__ = ["ImageRowsMixin"]

# From a warning of the shape of images to the line that called ``fit``.
_TO_CALLER = 6
_USUAL_CHANNELS = (1, 3, 4)


class ImageRowsMixin:
    """Checks of the images of a classifier with ``image_shape``, ``channels_first``."""

    _image_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_shape": ["array-like", None],
        "channels_first": ["boolean", None],
    }
    _one_size: ClassVar[Any] = Interval(Integral, 1, None, closed="left")

    image_shape: Any
    channels_first: bool | None
    n_features_in_: int

    def _fitted_shape(self) -> tuple[int, ...] | None:
        """Shape of one image that the classifier was fitted on, if it was."""
        raise NotImplementedError

    def _check_sparse(self, X: Any, name: str) -> None:
        owner = type(self).__name__
        refuse_sparse(owner, X, name)
        _check_one_size(owner, X, name)

    def _rows_options(self) -> dict[str, Any]:
        return {"allow_nd": True}

    def _check_shape(self, X: np.ndarray, reset: bool) -> np.ndarray:
        owner = type(self).__name__
        if X.ndim > 4:
            raise ValueError(
                f"X has shape {X.shape}: {owner} takes images of shape (n, height, "
                "width) or (n, height, width, channels), or folded rows."
            )
        if self.channels_first is None:
            _refuse_exchanged(owner, X.shape)
        if self.channels_first:
            X = self._channels_last(X)
        shape = self._input_shape(X)
        if reset and X.ndim == 2 and self.image_shape is None and shape[0] == 1:
            _warn_of_shape(owner, X.shape[1])
        known = None if reset else self._fitted_shape()
        if known is not None and shape != known:
            raise ValueError(
                f"X holds images of (height, width, channels) = {shape}, but {owner} "
                f"was fitted on {known}."
            )
        return X

    def _input_shape(self, X: np.ndarray) -> tuple[int, ...]:
        given = self._given_shape()
        if X.ndim > 2:
            found = (*X.shape[1:], 1) if X.ndim == 3 else X.shape[1:]
            if given is not None and given != found:
                raise ValueError(
                    f"X holds images of (height, width, channels) = {found}, but "
                    f"image_shape={self.image_shape!r}: leave image_shape out, which "
                    "is for folded rows, or correct it."
                )
            return found
        n_values = X.shape[1]
        if given is None:
            side = isqrt(n_values)
            is_square = side * side == n_values
            return (side, side, 1) if is_square else (1, n_values, 1)
        if prod(given) != n_values:
            raise ValueError(
                f"X has {n_values} columns, but image_shape={self.image_shape!r} has "
                f"{prod(given)} values: a row must hold height * width * channels."
            )
        return given

    def _given_shape(self) -> tuple[int, ...] | None:
        """Height, width and channels that ``image_shape`` says."""
        if self.image_shape is None:
            return None
        shape = tuple(self.image_shape)
        if len(shape) not in (2, 3) or not all(map(self._one_size.__contains__, shape)):
            raise ValueError(
                f"The 'image_shape' parameter of {type(self).__name__} must be "
                "(height, width) or (height, width, channels). Got "
                f"{self.image_shape!r} instead."
            )
        height, width, *channels = map(int, shape)
        return (height, width, channels[0] if channels else 1)

    def _channels_last(self, X: np.ndarray) -> np.ndarray:
        """Turn ``(n, channels, height, width)``, or folded rows of it."""
        if X.ndim == 2:
            height, width, channels = self._input_shape(X)
            X = X.reshape(len(X), channels, height, width)
        if X.ndim == 4:
            X = X.transpose(0, 2, 3, 1)
        return np.ascontiguousarray(X)

    def _as_given(self, X: Any) -> Any:
        if self.channels_first and X.ndim == 4:  # undo `_channels_last`
            X = X.transpose(0, 3, 1, 2)
            is_folded = self.n_features_in_ == prod(X.shape[1:])
            X = X.reshape(len(X), -1) if is_folded else X
        return super()._as_given(X)  # type: ignore[misc]

    def _is_plain(self, X: object) -> bool:
        return not self.channels_first and super()._is_plain(X)  # type: ignore[misc]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.three_d_array = True
        return tags


def _check_one_size(owner: str, X: Any, name: str) -> None:
    """Refuse images that differ in size, which no array can hold."""
    is_nested = isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    if not (isinstance(X, list | tuple) or is_nested):
        return
    shapes = {image.shape for image in X if isinstance(image, np.ndarray)}
    sizes = sorted(shape for shape in shapes if len(shape) > 1)
    if len(sizes) > 1:
        raise ValueError(
            f"{name} holds images of {len(sizes)} shapes, such as {sizes[0]} and "
            f"{sizes[-1]}, but {owner} takes one: resize or crop them to one size."
        )


def _refuse_exchanged(owner: str, shape: tuple[int, ...]) -> None:
    """Refuse images that look as if their channels came first; either may be said."""
    if len(shape) != 4:
        return
    _, first, second, last = shape
    looks_last = last in _USUAL_CHANNELS or last <= first
    if first in _USUAL_CHANNELS and second > first and not looks_last:
        raise ValueError(
            f"X of shape {shape} looks like images with channels first: set "
            f"channels_first=True of {owner} or, if they are {first} pixels high, "
            "channels_first=False."
        )


def _warn_of_shape(owner: str, n_values: int) -> None:
    warnings.warn(
        f"X has {n_values} columns, which make no square image: each row is read as "
        f"one line of pixels. Set image_shape=(height, width) of {owner}.",
        ImageShapeWarning,
        stacklevel=_TO_CALLER,
    )
