"""Facts about the validation rows: synthetic rows in them, and a shift."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from skloss.holdout import made_from
from skloss.readers.subsampling import MOST_COLUMNS, Facts, evenly, few

__all__ = ["shift_facts", "synthetic_facts"]

_N_SIDE = 1_000
_FEWEST_OF_SIDE = 20
_N_TREES = 40
_N_SUSPECTS = 64
_FEWEST_SUSPECTS = 6
_N_POOL = 10_000
_N_PROBED = 32  # columns in which lines are looked for
_N_SEARCHED = 8  # classes


def synthetic_facts(
    rows: np.ndarray,
    codes: np.ndarray,
    rows_val: np.ndarray,
    codes_val: np.ndarray,
    rng: Generator,
) -> Facts:
    """Share of validation rows on a line between rows of their class, class by class.

    Balanced classes do not tell which was the rare one: the class with the largest
    share is the suspect, the one with the smallest the control.
    """
    counts = np.bincount(codes_val, minlength=int(codes.max()) + 1)
    classes = [c for c in np.argsort(counts) if counts[c] >= _FEWEST_SUSPECTS]
    columns, lines_tell = _probed_columns(rows)
    if len(classes) < 2 or len(columns) < 3:
        return {}
    share_made = _share_made if lines_tell else _share_copied
    shares = []
    for one in classes[:_N_SEARCHED]:
        sides = ((rows_val, codes_val), (rows, codes))
        found = [
            side[np.ix_(rng.permutation(np.flatnonzero(c == one))[:_N_POOL], columns)]
            for side, c in sides
        ]
        shares.append(share_made(*(part.astype(float) for part in found)))
    return {"synthetic_share": max(shares), "synthetic_null": min(shares)}


def _probed_columns(rows: np.ndarray) -> tuple[np.ndarray, bool]:
    """Columns that vary, and whether rows on a line through them tell anything.

    Rows of small counts lie on lines by chance, and a sampler's row between two of them
    would not be whole: among nothing but whole numbers only copies tell.
    """
    look = rows[evenly(len(rows), 256)]
    varies = (look != look[0]).any(axis=0)
    whole = (look == np.round(look)).all(axis=0)
    lines_tell = bool((varies & ~whole).sum() >= 3)
    if not lines_tell:
        return np.flatnonzero(varies), False
    columns = np.flatnonzero(varies & ~whole)
    return columns[evenly(len(columns), _N_PROBED)], True


def _share_copied(val: np.ndarray, train: np.ndarray) -> float:
    """Share of rows of one class that equal another row of it, of either side."""
    pool = np.concatenate([val, train])
    _, place, counts = np.unique(pool, axis=0, return_inverse=True, return_counts=True)
    return float((counts[place.ravel()[: len(val)]] > 1).mean())


def _share_made(val: np.ndarray, train: np.ndarray) -> float:
    """Share of rows of one class on a line between others of it, of either side."""
    pool = np.concatenate([val, train])
    scale = pool.std(axis=0)
    pool = (pool - pool.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    own = np.arange(min(len(val), _N_SUSPECTS))
    return float(made_from(pool[own], pool, own).mean())


def shift_facts(
    rows: tuple[np.ndarray, np.ndarray],
    codes: tuple[np.ndarray | None, np.ndarray | None],
    hashes: tuple[np.ndarray, np.ndarray],
    rng: Generator,
    seed: int,
) -> Facts:
    """Tell training from validation rows, class by class in equal numbers."""
    kept = _without_twins(*hashes)
    labels = _shared_labels(codes, rows)
    chosen = _matched([c[k] for c, k in zip(labels, kept, strict=True)], _N_SIDE, rng)
    taken = [k[c] for k, c in zip(kept, chosen, strict=True)]
    if min(map(len, taken)) < _FEWEST_OF_SIDE:
        return {}
    columns = np.flatnonzero((rows[0][taken[0]] != rows[0][taken[0][0]]).any(axis=0))
    columns = columns[evenly(len(columns), MOST_COLUMNS)]
    if not len(columns):
        return {}
    train, val = (
        side[np.ix_(t, columns)].astype(float)
        for side, t in zip(rows, taken, strict=True)
    )
    classes = [c[t] for c, t in zip(labels, taken, strict=True)]
    facts = _moment_facts((train, val), (classes[0], classes[1]), columns)
    area, error = _tell_apart(train, val, rng, seed)
    return facts | {"shift_auc": area, "shift_error": error}


def _without_twins(train: np.ndarray, val: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows to compare.

    A row that one side holds often would give that side away, so each counts once, and
    not at all if both sides hold it. Where many are on both sides values are coarse, or
    rows were copied before the split; then the sides are as they should be.
    """
    if np.isin(val, train).mean() > 0.1:
        return np.arange(len(train)), np.arange(len(val))
    once, once_val = (np.unique(side, return_index=True)[1] for side in (train, val))
    alone = once[~np.isin(train[once], val)]
    return np.sort(alone), np.sort(once_val[~np.isin(val[once_val], train)])


def _shared_labels(
    codes: tuple[np.ndarray | None, np.ndarray | None],
    rows: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers, -1 for rows to leave out; no classes where labels say nothing.

    A class that has a larger share among the training rows may be made by a sampler,
    and such rows are not like original ones; it is left out while others remain.
    """
    train, val = codes
    if train is None or val is None or len(np.unique(train)) < 2:
        return np.zeros(len(rows[0]), int), np.zeros(len(rows[1]), int)
    n_classes = int(max(train.max(), val.max())) + 1
    counts = [np.bincount(c, minlength=n_classes) for c in codes]  # type: ignore[arg-type]
    shares = [c / c.sum() for c in counts]
    error = np.sqrt(shares[0] * (1 - shares[0]) * (1 / len(train) + 1 / len(val)))
    swollen = shares[0] - shares[1] > np.maximum(2 * error, 0.2 * shares[1])
    common = (counts[0] > 0) & (counts[1] > 0)
    keep = common & ~swollen if (common & ~swollen).any() else common
    return np.where(keep[train], train, -1), np.where(keep[val], val, -1)


def _matched(
    codes: Sequence[np.ndarray], at_most: int, rng: Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions with as many rows of each class on either side."""
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    classes = [c for c in np.unique(codes[1]) if c >= 0]
    sizes = np.array(
        [min(np.sum(codes[0] == c), np.sum(codes[1] == c)) for c in classes]
    )
    sizes = np.floor(sizes * min(1.0, at_most / max(sizes.sum(), 1))).astype(int)
    for one, size in zip(classes, sizes, strict=True):
        for part, side in zip(found, codes, strict=True):
            part.append(rng.permutation(np.flatnonzero(side == one))[:size])
    empty = np.empty(0, np.intp)
    return np.concatenate([empty, *found[0]]), np.concatenate([empty, *found[1]])


def _moment_facts(
    sides: tuple[np.ndarray, np.ndarray],
    classes: tuple[np.ndarray, np.ndarray],
    columns: np.ndarray,
) -> Facts:
    """Scale and place of the validation columns, within classes."""
    (train, val), (codes, codes_val) = sides, classes
    shape = (len(np.unique(codes)), train.shape[1])
    means, means_val = np.empty(shape), np.empty(shape)
    inner, inner_val = train.copy(), val.copy()
    for k, one in enumerate(np.unique(codes)):
        means[k], means_val[k] = (
            train[codes == one].mean(0),
            val[codes_val == one].mean(0),
        )
        inner[codes == one] -= means[k]
        inner_val[codes_val == one] -= means_val[k]
    # The smaller classes have fewer rows to say where their center is.
    weight = np.unique(codes, return_counts=True)[1] / len(codes)
    std, std_val = inner.std(axis=0), inner_val.std(axis=0)
    known = std > 0
    if not known.any():
        return {}
    moved = np.abs(weight @ (means_val - means))[known] / std[known]
    scales = std_val[known] / std[known]
    strangeness = np.maximum(moved, np.abs(np.log(np.maximum(scales, 1e-9))))
    worst = columns[known][np.argsort(-strangeness, kind="stable")]
    return {
        "shift_columns": few(worst),
        "shift_scale": float(np.median(scales)),
        "shift_offset": float(np.median(moved)),
    }


def _tell_apart(
    train: np.ndarray, val: np.ndarray, rng: Generator, seed: int
) -> tuple[float, float]:
    """Area under the ROC curve of trees that tell the sides apart, and its error."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.metrics import roc_auc_score

    rows = np.concatenate([train, val])
    side = np.repeat([0, 1], [len(train), len(val)])
    half = np.empty(len(side), int)
    for one in (0, 1):
        members = rng.permutation(np.flatnonzero(side == one))
        half[members] = np.arange(len(members)) % 2
    areas = []
    for fold in (0, 1):
        trees = ExtraTreesClassifier(
            _N_TREES, min_samples_leaf=5, max_depth=8, random_state=seed
        )
        trees.fit(rows[half != fold], side[half != fold])
        scores = trees.predict_proba(rows[half == fold])[:, 1]
        areas.append(roc_auc_score(side[half == fold], scores))
    error = np.sqrt((1 / len(train) + 1 / len(val)) / 12)
    return float(np.mean(areas)), float(error)
