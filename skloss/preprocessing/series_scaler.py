"""``SeriesScaler``: each series by itself, to mean 0 and standard deviation 1."""

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from skloss.masked_rows import unmasked
from skloss.preprocessing.scaled_series import scaled_series
from skloss.sklearn_compat import Interval, fit_context

__all__ = ["SeriesScaler"]


class SeriesScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Scale each series by itself to mean 0 and standard deviation 1.

    .. math:: z_t = (x_t - \bar x) / s

    for each channel of each series, with the mean and the standard deviation over the
    time steps of that channel. The level and the amplitude of a series, which often
    belong to a person, a sensor or a day, are gone; its shape stays. Where the level or
    the amplitude tells the class, give them as columns of their own, or use
    :class:`~sklearn.preprocessing.StandardScaler`.

    Nothing is learned from the rows, so it may stand anywhere in a pipeline, and also
    outside of the folds of a cross-validation.

    Parameters
    ----------
    n_channels : int, default=1
        Values per time step of folded series, ``(n, timesteps * n_channels)``, as in
        :class:`skloss.CNN1DClassifier`. Series of shape ``(n, timesteps, channels)``
        tell it themselves.
    channels_first : bool, default=False
        Whether series come as ``(n, channels, timesteps)``, or folded from it.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns; of the second axis of series with channels.
    feature_names_in_ : ndarray of str
        Names of the columns, if X had any.

    See Also
    --------
    skloss.CNN1DClassifier : A network for series.

    Notes
    -----
    A constant series becomes zeros, and so does one that differs from a constant by
    rounding only. NaN stays, and counts neither in the mean nor in the deviation.

    Examples
    --------
    Two series of one shape become equal:

    >>> from skloss import SeriesScaler
    >>> SeriesScaler().fit_transform([[1.0, 3.0, 3.0, 1.0], [0.0, 50.0, 50.0, 0.0]])
    array([[-1.,  1.,  1., -1.],
           [-1.,  1.,  1., -1.]])

    Two channels side by side, the second one constant:

    >>> SeriesScaler(n_channels=2).fit_transform([[1.0, 7.0, 3.0, 7.0]])
    array([[-1.,  0.,  1.,  0.]])

    In front of a network:

    >>> from skloss import CNN1DClassifier, make_pipeline
    >>> make_pipeline(SeriesScaler(), CNN1DClassifier()).steps[0][0]
    'seriesscaler'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "channels_first": ["boolean"],
    }

    def __init__(self, n_channels: int = 1, *, channels_first: bool = False) -> None:
        self.n_channels = n_channels
        self.channels_first = channels_first

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the series; nothing is learned from them.

        Parameters
        ----------
        X : array-like of shape (n, timesteps * n_channels) or (n, timesteps, channels)
            Series.
        y : None
            Ignored.

        Returns
        -------
        SeriesScaler
            The scaler itself.
        """
        self._checked(X, reset=True)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Scale each series by itself.

        Parameters
        ----------
        X : array-like of shape (n, timesteps * n_channels) or (n, timesteps, channels)
            Series.

        Returns
        -------
        ndarray of the same shape
            Scaled series; float32 stays float32, other numbers become float64.
        """
        X = self._checked(X, reset=False)
        channels = self.n_channels if X.ndim == 2 else X.shape[1 + self._axis]
        shape = (channels, -1) if self.channels_first else (-1, channels)
        series = X if X.ndim == 3 else X.reshape(len(X), *shape)
        found = scaled_series(series, axis=2 if self.channels_first else 1)
        return found.values.reshape(X.shape)

    @property
    def _axis(self) -> int:
        """Axis of the channels within one series."""
        return 0 if self.channels_first else 1

    def _checked(self, X: Any, reset: bool) -> np.ndarray:
        X = validate_data(
            self,
            unmasked(X),
            dtype=[np.float64, np.float32],
            allow_nd=True,
            ensure_all_finite="allow-nan",
            reset=reset,
        )
        if X.ndim > 3:
            raise ValueError(
                f"X has shape {X.shape}: SeriesScaler takes series of shape "
                "(n, timesteps, channels), or folded to (n, timesteps * channels)."
            )
        if X.ndim == 2 and X.shape[1] % self.n_channels:
            raise ValueError(
                f"X has {X.shape[1]} columns, which n_channels={self.n_channels} does "
                "not divide: a row must hold timesteps * n_channels values."
            )
        return X

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
