"""The steps between a table and a network: gaps, dates, categories, sampler.

Each series is scaled by itself, and a table of numbers by columns. In other tables each
kind of column has steps of its own, all of scikit-learn, and fitted in each fold on its
training rows:

- numbers: gaps get the median and a column that marks them; then they are scaled;
- dates: become numbers such as month and weekday, then as above;
- text: each value gets a column of its own (one-hot); rare and missing values, too.

SMOTE would make rows between two categories. SMOTENC does not, but it must see a
category as one column. Therefore categories are one-hot encoded after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTEN, SMOTENC
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline as StepsInTurn
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from skloss.preprocessing import SeriesScaler
from skloss.search.columns import kind_of

__all__ = [
    "columns_by_kind",
    "date_parts",
    "describe_steps",
    "series_steps",
    "table_steps",
]

Step = tuple[str, Any]

_MOST_CATEGORIES = 30  # the others share one column
_UNKNOWN, _MISSING = -1, -2
_PLURALS = {"number": "numbers", "date": "dates", "text": "categories"}


def table_steps(X: Any, sampler: Any, seed: int, has_categories: bool) -> list[Step]:
    """Make the steps before the network.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, n_features)
        Rows.
    sampler : estimator or None
        Sampler for tables without categories, or for one-hot encoded ones.
    seed : int
        Random seed of SMOTENC.
    has_categories : bool
        Whether the sampler must see categories: SMOTENC takes the place of `sampler`,
        or SMOTEN, if there are only categories.

    Returns
    -------
    list of (str, estimator)
        Named steps.
    """
    found = columns_by_kind(X)
    if set(found) <= {"number"}:
        return [*_number_steps(bool(np.isnan(_floats(X)).any())), *_named(sampler)]
    if not has_categories or "text" not in found:
        return [("table", _table(X, found, _one_hot())), *_named(sampler)]
    n_texts = len(found["text"])
    places = list(range(n_texts))
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=_UNKNOWN,
        encoded_missing_value=_MISSING,
        max_categories=_MOST_CATEGORIES,
    )
    if set(found) == {"text"}:
        made: Any = SMOTEN(random_state=seed)
    else:
        made = SMOTENC(categorical_features=places, random_state=seed)
    spread = ColumnTransformer(
        [
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                places,
            )
        ],
        remainder="passthrough",
    )
    return [("table", _table(X, found, codes)), *_named(made), ("onehot", spread)]


def series_steps(X: Any, sampler: Any, n_channels: int) -> list[Step]:
    """Make the steps before a network for series, each of which is scaled by itself.

    Parameters
    ----------
    X : ndarray of shape (n, n_timesteps * n_channels)
        Series.
    sampler : estimator or None
        Sampler.
    n_channels : int
        Number of channels.

    Returns
    -------
    list of (str, estimator)
        Named steps.
    """
    # A column that marks gaps would be a further time step.
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    has_gaps = bool(np.isnan(_floats(X)).any())
    gaps = [("imputer", imputer)] if has_gaps else []
    return [*gaps, ("scaler", SeriesScaler(n_channels)), *_named(sampler)]


def columns_by_kind(X: Any) -> dict[str, list[str]]:
    """Return the names of the columns under ``"text"``, ``"number"`` and ``"date"``.

    A kind without columns is left out, and so are all kinds of an array, except
    ``"number"``.
    """
    if not hasattr(X, "columns"):
        return {"number": []}
    found: dict[str, list[str]] = {"text": [], "number": [], "date": []}
    for name in X.columns:
        found[kind_of(X[name])].append(str(name))
    return {kind: names for kind, names in found.items() if names}


def describe_steps(pipeline: Any) -> tuple[str, list[str]]:
    """Return the names of the steps, and one line for each kind of column."""
    names, lines = [], []
    for name, step in pipeline.steps:
        names.append(type(step).__name__)
        if name != "table":
            continue
        for kind, made, columns in step.transformers:
            steps = [part for _, part in getattr(made, "steps", [("", made)])]
            shown = ", ".join(
                getattr(getattr(part, "func", None), "__name__", type(part).__name__)
                for part in steps
            )
            if isinstance(made, OrdinalEncoder):
                shown = "OneHotEncoder behind the sampler"
            n = len(columns)
            lines.append(f"{n} column{'' if n == 1 else 's'} of {kind}: {shown}")
    return f"Pipeline({', '.join(names)})", lines


def date_parts(dates: Any, hour: bool = False) -> np.ndarray:
    """Return the days since 1970, the month, the day and the weekday of each date.

    Parameters
    ----------
    dates : DataFrame
        Columns of ``datetime64``.
    hour : bool, default=False
        Whether to return the hour, too.

    Returns
    -------
    ndarray of shape (n, 4 * n_columns) or (n, 5 * n_columns)
        Parts of the first column, then those of the next one.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.DataFrame({"at": pd.to_datetime(["1970-01-02 12:00"])})
    >>> date_parts(times, hour=True)
    array([[ 1.5,  1. ,  2. ,  4. , 12. ]])
    """
    import pandas as pd

    parts = []
    for name in dates.columns:
        at = dates[name]
        days = (at - pd.Timestamp(0)) / pd.Timedelta(days=1)
        parts += [days, at.dt.month, at.dt.day, at.dt.day_of_week]
        parts += [at.dt.hour + at.dt.minute / 60] if hour else []
    return np.column_stack([np.asarray(part, dtype=float) for part in parts])


def _table(X: Any, found: dict[str, list[str]], encoder: Any) -> ColumnTransformer:
    """Make the steps of each kind; categories come first, so that places are known."""
    dates = [X[name].dropna() for name in found.get("date", ())]
    has_times = any(bool((at != at.dt.normalize()).any()) for at in dates)
    parts_of_dates = FunctionTransformer(date_parts, kw_args={"hour": has_times})
    made = {
        "text": encoder,
        "number": StepsInTurn(_number_steps(has_gaps=True)),
        "date": StepsInTurn([("parts", parts_of_dates), *_number_steps(has_gaps=True)]),
    }
    parts = [(_PLURALS[kind], made[kind], names) for kind, names in found.items()]
    return ColumnTransformer(parts)


def _number_steps(has_gaps: bool) -> list[Step]:
    imputer = SimpleImputer(
        strategy="median", add_indicator=True, keep_empty_features=True
    )
    return [*([("imputer", imputer)] if has_gaps else []), ("scaler", StandardScaler())]


def _one_hot() -> OneHotEncoder:
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=_MOST_CATEGORIES,
        sparse_output=False,
    )


def _named(step: Any) -> list[Step]:
    return [] if step is None else [(type(step).__name__.lower(), step)]


def _floats(X: Any) -> np.ndarray:
    return np.asarray(X, dtype=np.float64)
