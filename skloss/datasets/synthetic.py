"""Generators of tables and time series with rare positives, with their limits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_SIZE_FLAG = 1e-3


def make_rare_events(
    n_samples: int = 5000,
    n_features: int = 12,
    *,
    prevalence: float = 0.05,
    separation: float = 2.5,
    noise: float = 0.5,
    label_noise: float = 0.02,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Make a table whose rare positives lie in two clusters.

    Negatives have a Gaussian distribution around the origin. Positives are shifted by
    `separation` along a random direction, 70 % of them forward and 30 % backward. Then
    all rows are bent along a parabola. A linear boundary can separate at most one of
    the two clusters.

    Parameters
    ----------
    n_samples : int, default=5000
        Number of rows.

    n_features : int, default=12
        Number of columns, at least 2: a third informative (at least 2), a quarter
        redundant (noisy mixtures of the informative ones), the rest correlated with
        each other but not with the target. Every second column of the rest, and one
        informative column, has heavy tails. The columns' order is random.

    prevalence : float, default=0.05
        Share of positives, in (0, 1). Their number is exactly
        ``max(2, round(prevalence * n_samples))``.

    separation : float, default=2.5
        Distance of each cluster from the center of the negatives, in standard
        deviations of the negatives. With 0 only the spread of the clusters differs.

    noise : float, default=0.5
        Standard deviation of the noise added to each redundant column.

    label_noise : float, default=0.02
        Share of the positives, in [0, 1), whose label is swapped with that of a random
        negative; the number of positives stays.

    random_state : int, RandomState instance or None, default=None
        Random seed. With an int, every call makes the same rows.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64
        The rows, without unit.

    y : ndarray of shape (n_samples,), int64
        1 for the rare event, else 0.

    Raises
    ------
    ValueError
        If a share is outside its range, or there are too few rows or columns.

    Notes
    -----
    Limits: The rows are independent, so a random split is correct here, which is often
    not true of real tables. There is no drift, no missing value and no categorical
    column. The clusters are Gaussian, which is easy for networks and nearest neighbors.
    SMOTE does no harm within a cluster, but it may add rows between the two clusters.

    Examples
    --------
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> X.shape, y.sum().item()
    ((5000, 12), 250)
    """
    from sklearn.utils import check_random_state

    _check_share("prevalence", prevalence)
    _check_share("label_noise", label_noise, zero=True)
    _check_at_least("n_features", n_features, 2)
    rng = check_random_state(random_state)
    y = _labels(n_samples, prevalence, rng)

    informative = _pockets(y, max(2, n_features // 3), separation, rng)
    n_redundant = min(n_features // 4, n_features - informative.shape[1])
    mixing = rng.standard_normal((informative.shape[1], n_redundant))
    redundant = informative @ mixing
    redundant += noise * rng.standard_normal(redundant.shape)
    n_rest = n_features - informative.shape[1] - n_redundant
    # This comes after the mixtures, which are linear in the untransformed columns.
    informative[:, 0] = np.sinh(informative[:, 0])
    X = np.hstack([informative, redundant, _bystanders(n_samples, n_rest, rng)])
    return X[:, rng.permutation(n_features)], _swap_labels(y, label_noise, rng)


def _pockets(
    y: np.ndarray, n_columns: int, separation: float, rng: np.random.RandomState
) -> np.ndarray:
    """Return the informative columns, in which positives form two clusters."""
    Z = rng.standard_normal((len(y), n_columns))
    direction = rng.standard_normal(n_columns)
    direction /= np.linalg.norm(direction)
    positive = np.flatnonzero(y)
    side = np.where(rng.uniform(size=len(positive)) < 0.7, 1.0, -1.0)
    Z[positive] = 0.6 * Z[positive] + separation * side[:, None] * direction
    Z[:, 1] += 0.5 * (Z[:, 0] ** 2 - 1)
    return Z


def _bystanders(
    n_samples: int, n_columns: int, rng: np.random.RandomState
) -> np.ndarray:
    """Return columns correlated with each other, not with y; half have heavy tails."""
    shared = rng.standard_normal((n_samples, 1))
    columns = 0.8 * shared + 0.6 * rng.standard_normal((n_samples, n_columns))
    columns[:, ::2] = np.exp(columns[:, ::2])
    return columns


def _swap_labels(y: np.ndarray, share: float, rng: np.random.RandomState) -> np.ndarray:
    """Swap the labels of a share of the positives with those of random negatives."""
    positive, negative = np.flatnonzero(y), np.flatnonzero(y == 0)
    n_swapped = min(round(share * len(positive)), len(negative))
    y = y.copy()
    y[rng.choice(positive, n_swapped, replace=False)] = 0
    y[rng.choice(negative, n_swapped, replace=False)] = 1
    return y


def make_consumption(
    n_customers: int = 1000,
    n_days: int = 1036,
    *,
    theft_rate: float = 0.0853,
    missing: str = "zero",
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Make daily electricity readings of customers, a few of whom are thieves.

    The distribution is similar to that of the readings of 42,372 customers published by
    the State Grid Corporation of China [1]_. The median of the readings is about 3.3
    kWh and the 75 % quantile about 8.9 kWh. With many customers the largest readings
    are thousands of kWh. A quarter of the readings or a little more are zero. Missing
    days are mostly at the start: 38.9 % of the customers miss the first day, 12.7 %
    miss exactly 730 of 1036 days, and 22.7 % miss 700 or more; some of the others have
    one gap.

    A thief is honest until a random day between 10 % and 80 % of the days. From then on
    the readings are scaled by one factor between 0.1 and 0.7, or a random share of them
    is zeroed, or only a tenth is metered of what exceeds a third of the mean before,
    each with equal chance.

    Parameters
    ----------
    n_customers : int, default=1000
        Number of rows, at least 4.

    n_days : int, default=1036
        Number of columns, at least 14. The blocks of missing days scale with it.

    theft_rate : float, default=0.0853
        Share of thieves, in (0, 1). Their number is exactly
        ``max(2, round(theft_rate * n_customers))``.

    missing : {"zero", "nan"}, default="zero"
        Value of a missing reading: 0, which a network can be trained on, or NaN.

    random_state : int, RandomState instance or None, default=None
        Random seed. With an int, every call makes the same rows.

    Returns
    -------
    X : ndarray of shape (n_customers, n_days), float32
        Daily readings in kWh, one customer a row, in order of time.

    y : ndarray of shape (n_customers,), int64
        1 for a thief, else 0.

    Raises
    ------
    ValueError
        If `missing` is neither of the two, a share is outside its range, or there are
        too few customers or days.

    Notes
    -----
    Limits: The theft is invented, so scores on this data have no meaning. Use it to
    test shapes, memory and missing values. Missing days are independent of theft here,
    which may not be true of the real data. Some thieves begin before their first
    reading and look honest. Customers share the season and the weekend, but no weather
    and no holidays.

    A pitfall: if missing days are filled with 0, they look the same as days without
    consumption, which thieves also have.

    References
    ----------
    .. [1] Z. Zheng, Y. Yang, X. Niu, H.-N. Dai and Y. Zhou. Wide and deep convolutional
       neural networks for electricity-theft detection to secure smart grids. IEEE
       Trans. Ind. Informatics 14(4):1606-1615, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skloss.datasets import make_consumption
    >>> X, y = make_consumption(200, missing="nan", random_state=0)
    >>> X.shape, y.sum().item()
    ((200, 1036), 17)

    The readings of an eighth of the customers start two years late:

    >>> (np.isnan(X).sum(axis=1) == 730).mean().item()
    0.125
    """
    from sklearn.utils import check_random_state

    if missing not in ("zero", "nan"):
        raise ValueError(f"missing must be 'zero' or 'nan', got {missing!r}.")
    _check_share("theft_rate", theft_rate)
    _check_at_least("n_days", n_days, 14)
    rng = check_random_state(random_state)
    y = _labels(n_customers, theft_rate, rng, name="n_customers")
    first_day = _first_days(n_customers, n_days, rng)

    X = np.empty((n_customers, n_days), dtype=np.float32)
    # In blocks, because all 42,372 customers in float64 would need gigabytes.
    for start in range(0, n_customers, 1024):
        block = slice(start, min(start + 1024, n_customers))
        X[block] = _readings(block.stop - start, n_days, rng)
    for thief in np.flatnonzero(y):
        _steal(X[thief], rng)
    _take_out(X, first_day, np.nan if missing == "nan" else 0.0, rng)
    return X, y


def _readings(n: int, n_days: int, rng: np.random.RandomState) -> np.ndarray:
    """Return honest readings in kWh of shape (n, n_days)."""
    day = np.arange(n_days)
    summer = np.cos(2 * np.pi * (day - 200) / 365)
    weekend = 0.1 * (day % 7 >= 5)
    # The variances of these terms add up to 1.25 and 27 % of the readings become zero:
    # with the mean of 1.73 that puts the median at 3.3 and the 75 % quantile at 8.9.
    log = 1.73 - 0.03 + weekend + 0.85 * rng.standard_normal((n, 1))
    log = log + 0.5 * rng.standard_normal((n, 1)) * summer
    log += 0.55 * _wander(n, n_days, 0.8, rng)
    log += 0.31 * rng.standard_normal((n, n_days))
    idle = 0.9 * rng.standard_normal((n, 1)) + 0.436 * _wander(n, n_days, 0.95, rng)
    return np.where(idle < -0.62, 0.0, np.exp(log))


def _wander(
    n: int, n_days: int, memory: float, rng: np.random.RandomState
) -> np.ndarray:
    """Return n autoregressive series of variance 1, as rows."""
    series = rng.standard_normal((n_days, n))
    series[1:] *= np.sqrt(1 - memory**2)
    for yesterday, today in pairwise(series):
        today += memory * yesterday
    return series.T


def _steal(readings: np.ndarray, rng: np.random.RandomState) -> None:
    """Lower a thief's readings in place from a random day on."""
    n_days = len(readings)
    first = rng.randint(n_days // 10, 8 * n_days // 10)
    stolen = readings[first:]
    kind = rng.randint(3)
    if kind == 0:
        stolen *= rng.uniform(0.1, 0.7)
    elif kind == 1:
        stolen[rng.uniform(size=len(stolen)) < rng.uniform(0.2, 0.8)] = 0
    else:
        # A hard cap would leave a flat line, which no honest customer has.
        excess = np.maximum(stolen - readings[:first].mean() / 3, 0)
        stolen -= 0.9 * excess


def _first_days(
    n_customers: int, n_days: int, rng: np.random.RandomState
) -> np.ndarray:
    """Return each customer's first day with a reading, 0 if none is missing there."""
    two_years, long = round(730 * n_days / 1036), round(700 * n_days / 1036)
    # Ranks instead of draws make the shares exact.
    rank = (rng.permutation(n_customers) + 0.5) / n_customers
    first_day = np.zeros(n_customers, dtype=int)
    late = rank < 0.389
    first_day[late] = rng.randint(1, long, size=late.sum())
    later = rank < 0.227
    first_day[later] = rng.randint(long, n_days, size=later.sum())
    first_day[rank < 0.127] = two_years
    return first_day


def _take_out(
    X: np.ndarray, first_day: np.ndarray, fill: float, rng: np.random.RandomState
) -> None:
    """Remove readings in place: those before the first day, and gaps of others."""
    n_days = X.shape[1]
    for row, first in zip(X, first_day, strict=True):
        row[:first] = fill
        if first == 0 and rng.uniform() < 0.2:
            start = rng.randint(n_days)
            row[start : start + rng.randint(1, n_days // 12 + 1)] = fill


def make_drift_table(
    n_samples: int = 20_000,
    *,
    prevalence: float = 0.025,
    drift: float = 1.48,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Make nine columns in order of time whose positives become more frequent.

    The table is similar to that of a public question [1]_: tiny, positive values with
    heavy tails, the previous values beside each value, and three flags. The share of
    positives rises slowly at first and steeply at the end. The last rows therefore have
    another prior than the rows before them.

    ==========  ==============================================================
    Column      Content
    ==========  ==============================================================
    0           a size, median about 3.5e-4; 0 in 3 % of the rows
    1           1 if the size is above 1e-3, else 0
    2 to 6      the size one to five steps back, less and less like column 0
    7           1 in about two of three rows
    8           1 in about one row of 30
    ==========  ==============================================================

    Parameters
    ----------
    n_samples : int, default=20000
        Number of rows, at least 10.

    prevalence : float, default=0.025
        Share of positives among the first 80 % of the rows, in (0, 1).

    drift : float, default=1.48
        Share of positives among the last 20 % of the rows, divided by `prevalence`;
        1 is no drift. At most 8, and ``prevalence * drift`` must stay below 1.

    random_state : int, RandomState instance or None, default=None
        Random seed. With an int, every call makes the same rows.

    Returns
    -------
    X : ndarray of shape (n_samples, 9), float32
        The rows in order of time. Not scaled.

    y : ndarray of shape (n_samples,), int64
        1 for the rare event, else 0. The number of positives is exact in both parts, up
        to rounding, and at least 1 in each.

    Raises
    ------
    ValueError
        If `prevalence` or `drift` is outside its range, or there are too few rows.

    Notes
    -----
    Limits: The meaning of the columns in the question is not known. Their distribution
    was copied from its 30 printed rows, and the target is invented: positives are more
    likely where sizes are large, change fast, or are flagged in column 8. Consecutive
    rows are independent given the time, which is not true of a real process. A random
    split therefore differs from a split by time only in the prior.

    Two pitfalls: Columns near 1e-4 have almost no effect on a network unless they are
    scaled (and zeros have no logarithm). And if the last rows are the validation rows,
    their loss is higher than the training loss even for a perfect model of the training
    rows.

    References
    ----------
    .. [1] "What changes should I make to this NN to get a better loss/epoch curve?",
       https://stats.stackexchange.com/q/307784

    Examples
    --------
    >>> from skloss.datasets import make_drift_table
    >>> X, y = make_drift_table(random_state=0)
    >>> X.shape
    (20000, 9)
    >>> y[:16_000].mean().item(), y[16_000:].mean().item()
    (0.025, 0.037)
    """
    from sklearn.utils import check_random_state

    _check_at_least("n_samples", n_samples, 10)
    _check_share("prevalence", prevalence)
    if not 0 < drift <= 8 or prevalence * drift >= 1:
        raise ValueError(
            "drift must be in (0, 8] with prevalence * drift below 1, "
            f"got drift={drift!r} with prevalence={prevalence!r}."
        )
    rng = check_random_state(random_state)
    X, log_weight = _sizes_and_flags(n_samples, rng)
    time = np.arange(n_samples) / n_samples
    # The fourth power has mean 0.082 over the first 80 % of the time, 0.672 over the
    # rest; the slope makes the two parts join.
    slope = (drift - 1) / (0.672 - 0.082)
    log_weight += np.log(np.maximum(1 + slope * (time**4 - 0.082), 0.01))

    cut = n_samples - n_samples // 5
    y = np.zeros(n_samples, dtype=np.int64)
    for part, rate in ((slice(cut), 1.0), (slice(cut, None), drift)):
        n_positive = max(1, round(prevalence * rate * len(y[part])))
        y[part] = _draw_positives(log_weight[part], n_positive, rng)
    return X, y


def _sizes_and_flags(
    n_samples: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nine columns and each row's log odds, up to a constant."""
    X = np.empty((n_samples, 9), dtype=np.float32)
    log = np.log(3.5e-4) + 1.3 * rng.standard_normal(n_samples)
    X[:, 0] = np.exp(log)
    steps = np.zeros(n_samples)
    total = np.zeros(n_samples)
    for column, scale in zip(range(2, 7), (0.01, 0.05, 0.05, 0.06, 0.08), strict=True):
        steps = 0.5 * steps + scale * rng.standard_t(4, size=n_samples)
        total += steps
        X[:, column] = np.exp(log + total)
    idle = rng.uniform(size=n_samples) < 0.03
    X[idle, 0] = 0
    X[idle, 2:5] = 0
    # The question prints such a row, in which a moving average has decayed to almost 0.
    X[idle, 5:7] *= 1e-14
    X[:, 1] = X[:, 0] > _SIZE_FLAG
    X[:, 7] = rng.uniform(size=n_samples) < 2 / 3
    X[:, 8] = rng.uniform(size=n_samples) < 1 / 30
    change = np.minimum(np.abs(total), 1)
    weight = 0.6 * (log - np.log(3.5e-4)) + 3 * change + 1.5 * X[:, 8] - 3 * idle
    return X, weight + 0.5 * X[:, 7] * (total < 0)


def _draw_positives(
    log_weight: np.ndarray, n_positive: int, rng: np.random.RandomState
) -> np.ndarray:
    """Draw exactly n_positive rows without replacement, by weight; return 0 and 1."""
    # The rows with the largest log weight plus Gumbel noise are such a random sample.
    key = log_weight + rng.gumbel(size=len(log_weight))
    drawn = np.argpartition(key, -n_positive)[-n_positive:]
    y = np.zeros(len(log_weight), dtype=np.int64)
    y[drawn] = 1
    return y


def _labels(
    n: int, share: float, rng: np.random.RandomState, *, name: str = "n_samples"
) -> np.ndarray:
    """Return 0 and 1 in random order, with an exact number of 1."""
    _check_at_least(name, n, 4)
    n_positive = min(max(2, round(share * n)), n - 1)
    y = np.zeros(n, dtype=np.int64)
    y[rng.permutation(n)[:n_positive]] = 1
    return y


def _check_share(name: str, value: float, *, zero: bool = False) -> None:
    """Refuse a share that is not between 0 and 1."""
    if not (0 < value < 1 or (zero and value == 0)):
        interval = "[0, 1)" if zero else "(0, 1)"
        raise ValueError(f"{name} must be in {interval}, got {value!r}.")


def _check_at_least(name: str, value: int, least: int) -> None:
    """Refuse a number that is too small."""
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}.")
