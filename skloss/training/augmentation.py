"""Rows changed at random on their way into training, never where they are measured.

What is drawn for a row depends on its place in the epoch alone, not on the chunk that
it comes in, so that chunks of another size train the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

__all__ = ["Augmentation", "ImageAugmentation"]


class Augmentation(Protocol):
    """Changes rows of one kind; equal ones are equal."""

    @property
    def n_draws(self) -> int:
        """Uniform numbers that a row needs."""

    def apply(self, X: np.ndarray, draws: np.ndarray) -> None:
        """Change folded rows ``(n, values)`` in place; draws ``(n, n_draws)``."""


@dataclass(frozen=True)
class ImageAugmentation:
    """Flips, shifts, rotations and contrast of images.

    Parameters
    ----------
    shape : tuple of int
        Height, width and channels of an image.
    flip : {"horizontal", "vertical", "both"} or None
        Along which axes half of the images are mirrored.
    shift : float
        Largest shift along each axis, as a share of its size, by whole pixels.
    rotation : float
        Largest rotation, in degrees, either way.
    contrast : float
        Largest relative change of the differences from the mean of each channel.

    Notes
    -----
    What comes in from outside of an image is its nearest pixel. Rotated images are
    interpolated linearly between four pixels.

    Examples
    --------
    >>> mirror = ImageAugmentation((1, 3, 1), flip="horizontal")
    >>> X = np.array([[1.0, 2.0, 3.0]] * 2, np.float32)
    >>> draws = np.zeros((2, mirror.n_draws), np.float32)
    >>> draws[1] = 0.9
    >>> mirror.apply(X, draws)
    >>> X
    array([[3., 2., 1.],
           [1., 2., 3.]], dtype=float32)
    """

    shape: tuple[int, int, int]
    flip: str | None = None
    shift: float = 0.0
    rotation: float = 0.0
    contrast: float = 0.0

    n_draws = 6

    @classmethod
    def made_of(
        cls, options: Mapping[str, Any] | None, shape: tuple[int, int, int]
    ) -> "ImageAugmentation | None":
        """Make one of an estimator's parameter; None where nothing would change."""
        made = cls(shape, **(options or {}))
        return None if made == cls(shape) else made

    def apply(self, X: np.ndarray, draws: np.ndarray) -> None:
        """Change folded rows in place."""
        images = X.reshape(-1, *self.shape)
        if self.flip or self.shift or self.rotation:
            images[:] = self._moved(images, draws)
        if self.contrast:
            factor = 1 + self.contrast * (2 * draws[:, 5] - 1)
            mean = images.mean(axis=(1, 2), keepdims=True)
            images -= mean
            images *= factor[:, None, None, None].astype(X.dtype)
            images += mean

    def _moved(self, images: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Images as read at the places where their pixels come from."""
        height, width, _ = self.shape
        sizes = np.array([height, width])
        shifts = np.round((2 * draws[:, 2:4] - 1) * self.shift * sizes)
        # Places from the middle of the image, for an axis that is mirrored backward.
        ways = np.where(draws[:, :2] < 0.5, -1, 1)
        ways[:, 0] = np.where(self.flip in ("vertical", "both"), ways[:, 0], 1)
        ways[:, 1] = np.where(self.flip in ("horizontal", "both"), ways[:, 1], 1)
        middle = (sizes - 1) / 2
        places = [
            ways[:, [axis]]
            * (np.arange(sizes[axis]) - middle[axis] - shifts[:, [axis]])
            for axis in (0, 1)
        ]
        rows, columns = places[0][:, :, None], places[1][:, None, :]
        if not self.rotation:
            return _read(images, rows + middle[0], columns + middle[1])
        angles = np.deg2rad((2 * draws[:, 4] - 1) * self.rotation)
        cosine, sine = (f(angles)[:, None, None] for f in (np.cos, np.sin))
        rows, columns = (
            cosine * rows + sine * columns + middle[0],
            cosine * columns - sine * rows + middle[1],
        )
        top, left = np.floor(rows), np.floor(columns)
        down, right = ((rows - top)[..., None], (columns - left)[..., None])
        upper = _read(images, top, left) * (1 - right)
        upper += _read(images, top, left + 1) * right
        lower = _read(images, top + 1, left) * (1 - right)
        lower += _read(images, top + 1, left + 1) * right
        return upper * (1 - down) + lower * down


def _read(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Pixels at whole places; outside of an image, the nearest one."""
    height, width = images.shape[1:3]
    rows = np.clip(rows, 0, height - 1).astype(np.intp)
    columns = np.clip(columns, 0, width - 1).astype(np.intp)
    return images[np.arange(len(images))[:, None, None], rows, columns]
