"""Facts about the rows: values, labels, hold-out and baseline scores.

All rows are hashed and looked over once; what costs more is measured on samples that
only the seed decides. The global random state is never touched.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from skloss.diagnosis.case import RowFacts
from skloss.readers.baselines import Learners
from skloss.readers.holdout_facts import shift_facts, synthetic_facts
from skloss.readers.label_facts import (
    class_ids,
    codes_of_both,
    order_facts,
    plain_labels,
    target_facts,
)
from skloss.readers.subsampling import MOST_VALUES, Facts, flat_rows, pick
from skloss.readers.value_facts import (
    duplicate_facts,
    find_code_columns,
    hashes_of,
    ranking_facts,
    value_facts,
    whole_facts,
)
from skloss.record.validation_shift import ValidationShift, measured_shift

__all__ = ["measure_rows", "shift_of_rows"]

_N_CHEAP = 20_000


def measure_rows(
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    *,
    ordered_tail: tuple[Any, Any] | None = None,
    predict: Callable[[Any], Any] | None = None,
    embeds: bool = False,
    embedded: Sequence[int] = (),
    seed: int = 0,
) -> RowFacts:
    """Measure all that the rules read about rows.

    Parameters
    ----------
    X, y : array-like of shape (n, ...) and (n,) or (n, k)
        Rows trained on.
    X_val, y_val : array-like, default=None
        Validation rows.
    ordered_tail : tuple of array-like, default=None
        All rows and labels in the order given to ``fit``, of which validation was cut
        off as the tail.
    predict : callable, default=None
        Scores (n, n_classes) of the network, or (n,) of the second of two classes.
    embeds : bool, default=False
        Whether the columns are numbers of words, which the network embeds.
    embedded : sequence of int, default=()
        Single columns of category codes that the network embeds. Their sizes say
        nothing of the others, and they need no other encoding.
    seed : int, default=0
        Of the samples.

    Returns
    -------
    RowFacts
        Columns are numbered over flattened rows. Sizes, deviations and offsets of
        series and images are those of their channels.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Threads that wait for a busy core cost such small learners many times their work.
    # Squares of huge values are infinite, which the rules know how to read.
    with threadpool_limits(1), np.errstate(over="ignore", invalid="ignore"):
        return _measure(
            X, y, X_val, y_val, ordered_tail, predict, embeds, embedded, seed
        )


def shift_of_rows(X: Any, X_val: Any) -> ValidationShift | None:
    """Compare validation rows with training rows; None without both, as numbers."""
    if X is None or X_val is None:
        return None
    train, val = (p if issparse(p) else np.asarray(p) for p in (X, X_val))
    return measured_shift(train, val)


def _measure(
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    ordered_tail: tuple[Any, Any] | None,
    predict: Callable[[Any], Any] | None,
    embeds: bool,
    embedded: Sequence[int],
    seed: int,
) -> RowFacts:
    X, y = np.asarray(X), plain_labels(y)
    if X_val is None and ordered_tail is not None and len(ordered_tail[0]) > len(X):
        X_val, y_val = (part[len(X) :] for part in ordered_tail)
    X_val = None if X_val is None else np.asarray(X_val)
    y_val = None if y_val is None or X_val is None else plain_labels(y_val)
    facts: Facts = {"n_rows": len(X), "is_token_ids": embeds}
    facts["n_embedded"] = len(embedded)
    if len(X) == 0 or len(X) != len(y):
        return RowFacts(**facts)
    facts |= target_facts(y)
    codes, codes_val = codes_of_both(y, y_val)
    ordered = y if ordered_tail is None else plain_labels(ordered_tail[1])
    if codes is not None and class_ids(ordered)[1] != "real":
        facts |= order_facts(class_ids(ordered)[0])
    rows, rows_val = flat_rows(X), None if X_val is None else flat_rows(X_val)
    if rows is None:
        return RowFacts(**facts)
    if rows_val is not None and (
        not len(rows_val) or rows_val.shape[1] != rows.shape[1]
    ):
        rows_val = codes_val = None
    facts |= _all_facts(
        X, rows, codes, X_val, rows_val, codes_val, predict, embeds, embedded, seed
    )
    return RowFacts(**facts)


def _all_facts(
    X: np.ndarray,
    rows: np.ndarray,
    codes: np.ndarray | None,
    X_val: np.ndarray | None,
    rows_val: np.ndarray | None,
    codes_val: np.ndarray | None,
    predict: Callable[[Any], Any] | None,
    embeds: bool,
    embedded: Sequence[int],
    seed: int,
) -> Facts:
    """Facts about numbers, from flattened rows."""
    rng = np.random.default_rng(seed)
    facts = whole_facts(rows)
    finite = facts["n_nonfinite"] == 0
    labels = np.zeros(len(rows), np.intp) if codes is None else codes
    at_most = min(_N_CHEAP, max(MOST_VALUES // max(rows.shape[1], 1), 500))
    chosen = pick(labels, at_most, rng)
    chosen = chosen if finite else chosen[np.isfinite(rows[chosen]).all(axis=1)]
    if len(chosen):
        values, flat = X[chosen], rows[chosen]
        for part in (values, flat):
            part[..., list(embedded)] = 0  # columns of one value are left out
        facts |= value_facts(values.reshape(len(chosen), *X.shape[1:]))
        code_columns = [] if embeds or X.ndim > 2 else find_code_columns(flat)
        facts["n_codes"] = len(code_columns)
        if codes is not None:
            facts |= ranking_facts(rows, codes, chosen, rng)
    hashes = hashes_of(rows)
    facts |= duplicate_facts(hashes, codes)
    if rows_val is not None and np.isfinite(rows_val).all() and finite:
        hashes_val = hashes_of(rows_val)
        is_shared = np.isin(hashes_val, hashes)
        facts["shared_share"] = float(is_shared.mean())
        if codes is not None and codes_val is not None:
            facts |= synthetic_facts(rows, codes, rows_val, codes_val, rng)
        sides = (rows, rows_val), (codes, codes_val), (hashes, hashes_val)
        facts |= shift_facts(*sides, rng, seed)
    else:
        rows_val = codes_val = None
    if codes is None or embeds or not finite:
        return facts
    learners = Learners(rows, codes, rows_val, codes_val, rng, seed)
    return facts | learners.facts(code_columns, predict, X, X_val)
