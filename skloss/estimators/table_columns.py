"""Columns of a table: categories by ``categorical_features``, gaps by ``missing``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted, validate_data

from skloss.estimators.category_columns import (
    categories_of,
    category_positions,
    codes_of,
    is_frame,
    values_of_codes,
    with_columns,
    with_further,
)
from skloss.estimators.checks import check_finite
from skloss.estimators.fit_job import MOST_MEASURED_ROWS
from skloss.estimators.fit_rows import FitRows
from skloss.estimators.missing_values import MissingValuesMixin
from skloss.estimators.sampler import check_codes
from skloss.holdout import stratified_sample
from skloss.networks import NetworkSpec
from skloss.networks.layers import (
    ColumnScale,
    Embed,
    FillMissing,
    Layer,
    PiecewiseLinear,
    statistics_of,
)
from skloss.sklearn_compat import StrOptions
from skloss.sparse_rows import is_sparse
from skloss.streams.streamed_rows import MOST_KEPT_VALUES
from skloss.training import Rows

__all__ = ["TableColumnsMixin", "set_columns"]

_WIDEST = 50
# A column is scaled with a mean up to this, and a deviation from 1/2 to 2.
_MOST_MEAN = 0.5


class TableColumnsMixin(MissingValuesMixin):
    """Rows of a classifier of tables, and the layers in front of its network."""

    _column_constraints: ClassVar[dict[str, list[Any]]] = {
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "missing": [StrOptions({"error", "indicator"})],
        "scale_columns": [StrOptions({"auto", "standard", "piecewise"}), None],
    }

    _takes_missing: ClassVar[str] = "indicator"

    categorical_features: str | Sequence[Any] | None
    missing: Literal["error", "indicator"]
    scale_columns: Literal["auto", "standard", "piecewise"] | None
    balanced_batches: bool | str
    n_features_in_: int
    is_categorical_: np.ndarray | None
    categories_: list[np.ndarray]

    # ------------------------------------------------------------------ rows as numbers

    def as_numbers(self, X: ArrayLike) -> np.ndarray:
        """Rows as ``model_`` takes them, with codes in the place of categories.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n, n_features)
            Float32. The code of a category is its place in ``categories_``; -1 stands
            for any other value, and NaN for none.
        """
        check_is_fitted(self)
        found: np.ndarray = self._validated(X)  # type: ignore[attr-defined]
        return found

    def _check_sparse(self, X: Any, name: str) -> None:
        if not is_sparse(X):
            return
        named = self.categorical_features
        for parameter, is_for_dense in {
            "categorical_features": named is not None and not isinstance(named, str),
            "missing": self.missing == "indicator",
            "scale_columns": self.scale_columns in ("standard", "piecewise"),
        }.items():
            if is_for_dense:
                raise ValueError(
                    f"{parameter}={getattr(self, parameter)!r} of "
                    f"{type(self).__name__} is for dense rows, and {name} is sparse: "
                    "make it dense, or leave this to a step in front."
                )

    def _as_numbers(self, X: Any, reset: bool) -> Any:
        if reset:
            self._find_categories(X)
        positions = self._category_positions()
        if not positions:
            return X
        if not reset:
            if is_sparse(X):
                raise ValueError(
                    f"{type(self).__name__} was fitted on columns of categories, which "
                    "a sparse X does not have: pass dense rows."
                )
            validate_data(self, X, reset=False, skip_check_array=True)
        pairs = zip(positions, self.categories_, strict=True)
        return with_columns(X, {at: codes_of(known, X, at) for at, known in pairs})

    def _find_categories(self, X: Any) -> None:
        """Learn which columns have categories, and which these are."""
        owner, given = type(self).__name__, self.categorical_features
        self.is_categorical_, self.categories_ = None, []
        is_named = given is not None and not isinstance(given, str)
        if is_sparse(X) or (not is_frame(X) and (not is_named or np.ndim(X) != 2)):
            return
        if (positions := category_positions(owner, given, X)) == []:
            return
        n_columns = len(X.columns) if is_frame(X) else np.shape(X)[1]
        self.is_categorical_ = np.isin(np.arange(n_columns), positions)
        self.categories_ = [categories_of(X, position) for position in positions]

    def _see_more(self, X: Any) -> None:
        """Add the categories of further rows behind those known."""
        pairs = zip(self.categories_, self._category_positions(), strict=True)
        self.categories_ = [with_further(known, X, at) for known, at in pairs]

    def _category_positions(self) -> list[int]:
        mask = getattr(self, "is_categorical_", None)
        return [] if mask is None else [int(at) for at in np.flatnonzero(mask)]

    def _is_plain(self, X: object) -> bool:
        is_plain: bool = super()._is_plain(X)  # type: ignore[misc]
        return is_plain and not self._category_positions()

    def _as_given(self, X: Any) -> Any:
        given = super()._as_given(X)  # type: ignore[misc]
        if not (positions := self._category_positions()):
            return given
        pairs = zip(positions, self.categories_, strict=True)
        columns = {at: values_of_codes(known, X[:, at]) for at, known in pairs}
        return with_columns(given, columns)

    def _check_values(self, name: str, X: Any) -> None:
        columns = [*getattr(self, "feature_names_in_", ())]
        if positions := self._category_positions():
            X = np.delete(X, positions, axis=1)
            columns = [c for at, c in enumerate(columns) if at not in positions]
        if issparse(X):
            check_finite(name, X)
        else:
            self._check_missing(name, X, columns)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # With "from_dtype" arrays are numbers, and the tag is about arrays.
        named = self.categorical_features
        tags.input_tags.categorical = named is not None and not isinstance(named, str)
        return tags

    # ----------------------------------------------------------- layers of the network

    def _in_front(
        self, spec: NetworkSpec, rows: FitRows, alike: NetworkSpec | None
    ) -> NetworkSpec:
        front: list[Layer] = []
        if positions := self._category_positions():
            self._check_codes(rows, positions)
            sizes = tuple(map(len, self.categories_))
            front.append(Embed(tuple(positions), sizes, tuple(map(_width, sizes))))
        n_numbers = spec.input_shape[0] - len(positions)
        if self.missing == "indicator" and n_numbers:
            front.append(_filling(rows, positions, n_numbers, alike))
        if n_numbers and self._scales(rows, positions, alike):
            front.append(ColumnScale(n_numbers))
        is_piecewise = n_numbers > 0 and self.scale_columns == "piecewise"
        if not front and not is_piecewise:
            return spec
        (n_columns,) = NetworkSpec(spec.input_shape, tuple(front)).shapes()[-1]
        behind = self._network((n_columns,), spec.n_outputs)  # type: ignore[attr-defined]
        if is_piecewise:  # the width is by the columns, not by their bins
            front.append(_piecewise(rows, positions, alike))
        layers = (*front, *behind.layers)
        return replace(behind, input_shape=spec.input_shape, layers=layers)

    def _scales(
        self, rows: FitRows, categories: list[int], alike: NetworkSpec | None
    ) -> bool:
        if self.scale_columns != "auto":
            return self.scale_columns == "standard"
        if alike is not None:
            return any(isinstance(layer, ColumnScale) for layer in alike.layers)
        if issparse(rows.original.X):
            return False
        # The first rows of a stream may be few, and unlike the others.
        return not rows.is_partial and not are_scaled(
            _numbers(rows.original, categories)
        )

    def _check_codes(self, rows: FitRows, positions: list[int]) -> None:
        owner = type(self).__name__
        if self.balanced_batches == "smote":
            raise ValueError(
                "balanced_batches='smote' moves rows towards their neighbors, which "
                f"categories cannot be: set balanced_batches=True of {owner}."
            )
        check_codes(owner, rows, positions)


def _width(size: int) -> int:
    """Numbers that stand for one of so many categories, by the rule of fastai."""
    return max(1, min(_WIDEST, round(1.6 * size**0.56)))


def _filling(
    rows: FitRows, categories: list[int], n_numbers: int, alike: NetworkSpec | None
) -> FillMissing:
    """Return what fills gaps, with flags of the columns with gaps in training rows."""
    for layer in () if alike is None else alike.layers:
        if isinstance(layer, FillMissing):
            return layer
    numbers = _numbers(rows.original, categories)
    flagged = np.flatnonzero(np.isnan(numbers).any(axis=0)).tolist()
    return FillMissing(n_numbers, tuple(flagged))


def _piecewise(
    rows: FitRows, categories: list[int], alike: NetworkSpec | None
) -> PiecewiseLinear:
    """Return what encodes the columns of numbers, with the bins of training rows."""
    for layer in () if alike is None else alike.layers:
        if isinstance(layer, PiecewiseLinear):
            return layer
    return PiecewiseLinear.of(_numbers(rows.original, categories))


def _numbers(rows: Rows, categories: Sequence[int]) -> np.ndarray:
    """Values of the columns of numbers, of rows with a weight.

    Of rows that are read in blocks it is those of a sample that fits into memory.
    """
    weight = rows.sample_weight
    counting = np.arange(len(rows)) if weight is None else np.flatnonzero(weight)
    if rows.is_streamed:
        most = max(1, MOST_KEPT_VALUES // rows.X.shape[1])
        counting = stratified_sample(rows.y, min(most, MOST_MEASURED_ROWS))
    return np.delete(rows.values(counting), list(categories), axis=1)


def set_columns(spec: NetworkSpec, weights: list[np.ndarray], rows: FitRows) -> None:
    """Set what the layers in front of a table's network learn of its training rows.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : list of ndarray
        Its weights before training, which are changed.
    rows : FitRows
        The rows.
    """
    at, embed = 0, None
    for layer, shape in zip(spec.layers, spec.shapes(), strict=False):
        match layer:
            case Embed():
                embed = layer
                _clear_unseen(layer, weights, rows.training)
            case FillMissing():
                known = () if embed is None else embed.columns
                weights[at] = _medians(_numbers(rows.original, known))
            case ColumnScale():
                known = () if embed is None else embed.columns
                moments = _moments(_numbers(rows.original, known))
                weights[at : at + 3] = statistics_of(*moments)
            case PiecewiseLinear():
                known = () if embed is None else embed.columns
                numbers = _numbers(rows.original, known)
                weights[at : at + 3] = layer.statistics(numbers, *_moments(numbers))
            case _:
                return
        at += len(layer.weight_shapes(shape))


def _clear_unseen(layer: Embed, weights: list[np.ndarray], rows: Rows) -> None:
    """Make codes that are not trained on the same as values that are not known."""
    codes = rows.values(np.arange(len(rows)))[:, list(layer.columns)]
    for number in range(len(layer.columns)):
        is_seen = np.zeros(len(weights[number]), bool)
        is_seen[layer.rows_of(number, codes[:, number])] = True
        weights[number] = np.where(is_seen[:, np.newaxis], weights[number], 0)


def _medians(numbers: np.ndarray) -> np.ndarray:
    """Median of each column, in a row; zero of one without any value."""
    masked = np.ma.masked_invalid(numbers.astype(np.float64))
    return np.ma.filled(np.ma.median(masked, axis=0, keepdims=True), 0).astype("f4")


def are_scaled(numbers: np.ndarray) -> bool:
    """Whether all columns but those of 0 and 1 are near mean 0 and deviation 1."""
    mean, variance = _moments(numbers)
    is_near = (abs(mean) <= _MOST_MEAN) & (abs(np.log2(variance)) <= 2)
    return bool((is_near | _are_flags(numbers)).all())


def _are_flags(numbers: np.ndarray) -> np.ndarray:
    """Which columns have no other values than 0 and 1."""
    is_flag: np.ndarray = ((numbers == 0) | (numbers == 1) | np.isnan(numbers)).all(0)
    return is_flag


def _moments(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each column; 0 and 1 of those of 0 and 1, constant ones 1.

    What fills gaps would make a column narrower, and does not count.
    """
    masked = np.ma.masked_invalid(numbers.astype(np.float64))
    is_flag = _are_flags(numbers)
    mean = np.where(is_flag, 0, np.ma.filled(masked.mean(axis=0), 0))
    variance = np.ma.filled(masked.var(axis=0), 0)
    return mean, np.where(is_flag | (variance <= 0), 1, variance)
