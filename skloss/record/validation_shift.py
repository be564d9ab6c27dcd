"""``ValidationShift``: how far the validation rows lie from the training rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skloss.record.description import PlainPart

__all__ = ["ValidationShift", "measured_shift"]

_QUANTILES = (0.05, 0.5, 0.95)
_IN_STDS = 3.29  # from the first to the last of them, for a normal distribution
_FEWEST = 10  # rows of a side
_MOST_ROWS, _MOST_COLUMNS, _MOST_VALUES = 2000, 500, 2**20


@dataclass(frozen=True)
class ValidationShift(PlainPart):
    """Scale and place of the columns in validation rows, measured on training rows.

    Quantiles are compared, so that a few extreme rows say nothing. Columns that do not
    vary in either split are left out.

    Parameters
    ----------
    scale : float
        Spread in validation over spread in training, median over columns.
    offset : float
        Absolute difference of the medians in standard deviations of the training rows,
        median over columns.
    column : int or None
        The column, or the channel of series, that differs most, of those whose median
        lies between the other quantiles in both splits. In counts and flags, which are
        mostly zero, one quantile alone may say much by chance. None if there is none.
    column_scale, column_offset : float
        Of that column; 1 and 0 if there is none.
    n_columns : int
        Columns, or channels, that were compared.
    """

    scale: float
    offset: float
    column: int | None
    column_scale: float
    column_offset: float
    n_columns: int


def measured_shift(
    train: Any, val: Any, n_channels: int | None = None
) -> ValidationShift | None:
    """Compare validation rows with training rows, on a sample of both.

    Parameters
    ----------
    train, val : array-like or sparse matrix of shape (n, ...)
        The rows. The last axis of more than two has the channels.
    n_channels : int, default=None
        Channels of series that were flattened.

    Returns
    -------
    ValidationShift or None
        None if there are too few rows, or no numbers that vary.

    Examples
    --------
    >>> rows = np.linspace(-1, 1, 50)[:, None] * [1, 2]
    >>> shift = measured_shift(rows, rows * 10)
    >>> round(shift.scale, 3), round(shift.offset, 3)
    (10.0, 0.0)
    """
    if train.shape[1:] != val.shape[1:] or min(train.shape[0], val.shape[0]) < _FEWEST:
        return None
    if train.dtype.kind not in "biuf" or val.dtype.kind not in "biuf":
        return None
    width = n_channels or (train.shape[-1] if train.ndim > 1 else 1)
    columns = np.arange(width)[:: max(1, -(-width // _MOST_COLUMNS))]
    with np.errstate(all="ignore"):
        (low, middle, high), (low_val, middle_val, high_val) = (
            _quantiles(side, width, columns) for side in (train, val)
        )
        spread, spread_val = high - low, high_val - low_val
        scale = spread_val / spread
        offset = abs(middle_val - middle) / (spread / _IN_STDS)
        farther = np.maximum(np.maximum(scale, 1 / scale), offset)
    known = (spread > 0) & (spread_val > 0) & np.isfinite(scale) & np.isfinite(offset)
    if not known.any():
        return None
    inside = (low < middle) & (middle < high)
    inside &= (low_val < middle_val) & (middle_val < high_val)
    differ = np.where(known & inside, farther, 0)
    worst = int(differ.argmax())
    is_there = bool(differ[worst])
    return ValidationShift(
        float(np.median(scale[known])),
        float(np.median(offset[known])),
        int(columns[worst]) if is_there else None,
        float(scale[worst]) if is_there else 1.0,
        float(offset[worst]) if is_there else 0.0,
        int(known.sum()),
    )


def _quantiles(rows: Any, width: int, columns: np.ndarray) -> np.ndarray:
    size = int(np.prod(rows.shape[1:], dtype=np.int64)) or 1
    most = int(np.clip(_MOST_VALUES // size, _FEWEST, _MOST_ROWS))
    sample = rows[:: -(-rows.shape[0] // most)]
    sample = sample.toarray() if issparse(sample) else sample
    values = sample.reshape(-1, width)[:, columns]
    found: np.ndarray = np.quantile(values.astype(float), _QUANTILES, axis=0)
    return found
