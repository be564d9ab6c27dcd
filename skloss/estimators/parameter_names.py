"""The nearest name for a parameter that a classifier does not have."""

from typing import Any, Self

from skloss.nearest_name import did_you_mean

__all__ = ["ParameterNamesMixin"]


class ParameterNamesMixin:
    """Adds the nearest name to scikit-learn's error; stands before `BaseEstimator`."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        Parameters
        ----------
        **params : dict
            Parameters of the constructor.

        Returns
        -------
        self
            The classifier.

        Raises
        ------
        ValueError
            If a parameter is not known; the message names the nearest one.
        """
        try:
            super().set_params(**params)  # type: ignore[misc]
        except ValueError as error:
            known = self.get_params(deep=False)  # type: ignore[attr-defined]
            unknown = next((name for name in params if name not in known), None)
            if unknown is None:
                raise
            raise ValueError(f"{error}{did_you_mean(unknown, known)}") from None
        return self
