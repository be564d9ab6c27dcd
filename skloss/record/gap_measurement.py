r"""Measure the gap between the losses, one change at a time.

Between the printed training loss and the validation loss stand levels. Each is a loss
in nats, and differs from the one before in one thing only, so that the differences add
up. With ``T`` the ``n`` rows trained on (as a sampler left them), ``O`` the original
training rows, ``V`` the rows held out, ``w_i`` the weight of a row with that of its
class, ``l_i`` the loss trained by, ``c_i`` the cross-entropy, ``c_k(S)`` its mean over
the rows of class ``k`` in ``S``, and ``p_k(S)`` the share of class ``k`` in ``S``:

==================  ==================================================================
level               what it is
==================  ==================================================================
``printed``         mean over the steps of the epoch, as it was printed
``unpenalized``     ``printed`` less the penalties at the epoch's last weights
``training_mode``   ``(1/n) sum w_i l_i`` over T at the epoch's last weights, with
                    dropout and the statistics of batches
``inference``       the same in inference mode
``unweighted``      ``(1/n) sum l_i`` over T
``crossentropy``    ``(1/n) sum c_i`` over T, that is ``sum_k p_k(T) c_k(T)``
``original_rows``   ``sum_k p_k(T) c_k(O)``
``natural_prior``   ``sum_k p_k(V) c_k(O)``
``held_out``        ``sum_k p_k(V) c_k(V)``, the mean cross-entropy of V
==================  ==================================================================

A part is a level less the one before. The validation loss, as it was printed, can have
weights, a focal loss and penalties of its own. What these add to the mean cross-entropy
of V belongs to the part of the same cause: of a penalty that stands in both losses
nothing is left. A level that is not known is left out, and its part and the next one
become one.

The standard errors are those of a bootstrap [1]_ over rows, or over groups where these
are known: T and O together where no sampler stands between them, V by itself. The
printed loss moves with the loss of the same rows in inference mode. Many rows are
thrown into 256 random blocks, and the blocks are drawn: the variance is the same on
average.

References
----------
.. [1] Efron and Tibshirani, "An introduction to the bootstrap", 1993; chapter 8.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from skloss.record.loss_gap import TITLES, UNSPLIT, GapPart, LossGap

__all__ = ["RowLosses", "TrainingMode", "measured_gap"]

# Every level, and the part that leads to it.
_LEVELS = {
    "printed": "",
    "unpenalized": "penalties",
    "training_mode": "moving_weights",
    "inference": "training_mode",
    "unweighted": "weights",
    "crossentropy": "loss_function",
    "original_rows": "resampling",
    "natural_prior": "prior",
    "held_out": "generalization",
}
_REPLICATES = 200
_BLOCKS = 256


@dataclass(frozen=True)
class RowLosses:
    """Losses of the rows of one side, at the weights of one epoch, in inference mode.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Class numbers.
    crossentropy : ndarray of shape (n,)
        Cross-entropy of each row.
    own : ndarray of shape (n,), default=None
        The loss that is trained by; None if it is the cross-entropy.
    weight : ndarray of shape (n,), default=None
        Weights of the rows in it; None if all are one.
    groups : ndarray of int, shape (n,), default=None
        Group of each row, to be drawn as a whole.
    share : float, default=1.0
        Share of the rows of this side that these are.
    """

    codes: np.ndarray
    crossentropy: np.ndarray
    own: np.ndarray | None = None
    weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    share: float = 1.0

    @property
    def trained_by(self) -> np.ndarray:
        """The loss that is trained by, without weights."""
        return self.crossentropy if self.own is None else self.own

    @property
    def weighted(self) -> np.ndarray:
        """The same with weights."""
        own = self.trained_by
        if self.weight is None:
            return own
        # A row without weight gives no loss, even where that is infinite.
        out = np.zeros(len(own))
        return np.multiply(own, self.weight, out=out, where=self.weight > 0)


@dataclass(frozen=True)
class TrainingMode:
    """What training adds to the loss of inference, at fixed weights.

    Parameters
    ----------
    penalty : float or None, default=0.0
        Penalties in the printed training loss; None if they are not known.
    excess : float or None, default=0.0
        Loss in training mode less that in inference mode, with the weights of the rows;
        None if it is not known.
    error : float, default=0.0
        Standard error of the excess.
    causes : tuple of str, default=()
        What makes the modes differ, in words.
    held_penalty : float, default=0.0
        Penalties in the printed validation loss.
    """

    penalty: float | None = 0.0
    excess: float | None = 0.0
    error: float = 0.0
    causes: tuple[str, ...] = ()
    held_penalty: float = 0.0


def measured_gap(
    epoch: int,
    printed: float,
    validation: float,
    n_classes: int,
    *,
    trained: RowLosses,
    held_out: RowLosses,
    original: RowLosses | None = None,
    mode: TrainingMode | None = None,
    unknown: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
    is_paired: bool = False,
    seed: int = 0,
) -> LossGap:
    """Measure all parts of the gap of an epoch, with their standard errors.

    Parameters
    ----------
    epoch : int
        Its number, from 0.
    printed, validation : float
        The losses as they were printed.
    n_classes : int
        Number of classes.
    trained, held_out : RowLosses
        Rows trained on, and rows held out.
    original : RowLosses, default=None
        Original training rows; None if the rows trained on are these.
    mode : TrainingMode, default=None
        What training mode adds; None is nothing.
    unknown : dict of str to str, default=None
        Levels that cannot be known, with the reasons.
    titles : dict of str to str, default=None
        Better words for some causes, by names of parts.
    is_paired : bool, default=False
        Whether both sides are the same rows, each left out once; they are then drawn
        together.
    seed : int, default=0
        Of the bootstrap's own generator.

    Raises
    ------
    ValueError
        If one of the two losses is not finite.
    """
    if not np.isfinite([printed, validation]).all():
        raise ValueError(
            f"the printed losses are {printed:g} and {validation:g}, not finite"
        )
    mode, reasons = mode or TrainingMode(), dict(unknown or {})
    # A class without rows, or an infinite loss, leaves a level that is not known.
    with np.errstate(invalid="ignore", divide="ignore"):
        levels, returns = _levels(
            printed, n_classes, trained, held_out, original, mode, seed, is_paired
        )
    # What was printed has digits of its own; they belong where the rows change.
    loss = levels["held_out"][0] + sum(part[0] for part in returns.values())
    levels["held_out"] = levels["held_out"] + (validation - loss)
    if not np.isfinite(levels["held_out"][0]):
        raise ValueError("the loss of the rows held out is not finite")
    for name in list(levels):
        if not np.isfinite(levels[name][0]):
            reasons.setdefault(name, _why_not_finite(name))
        if name in reasons:
            del levels[name]
    missed = 0.0
    if trained.share < 1:  # the printed loss is of all rows
        own = trained.weighted
        missed = float(np.std(own) * np.sqrt((1 - trained.share) / len(own)))
    ends = levels["held_out"] + sum(returns.values()) - levels["printed"]
    n_units = min(_n_units(trained), _n_units(held_out))
    words = dict(titles or {})
    if mode.causes:
        words["training_mode"] = " and ".join(mode.causes)
    absent = _absent(trained, held_out, original, mode)
    ways = _ways(levels, returns, absent)
    parts = tuple(_part(causes, way, missed, words, n_units) for causes, way in ways)
    return LossGap(
        printed=float(printed),
        validation=float(validation),
        parts=parts,
        epoch=int(epoch),
        total_error=_spread(ends, n_units),
        not_assessed={
            cause: _reason(cause, part.causes, reasons)
            for part in parts
            if part.name == UNSPLIT
            for cause in part.causes
        },
        unit="rows" if held_out.groups is None else "groups",
    )


def _absent(
    trained: RowLosses,
    held_out: RowLosses,
    original: RowLosses | None,
    mode: TrainingMode,
) -> set[str]:
    """Names of the parts that this training has no cause for."""
    has = {
        "penalties": mode.penalty != 0 or mode.held_penalty != 0,
        "training_mode": mode.excess != 0 or mode.error > 0,
        "loss_function": trained.own is not None or held_out.own is not None,
        "resampling": original is not None,
    }
    return {name for name, there in has.items() if not there}


def _levels(
    printed: float,
    n_classes: int,
    trained: RowLosses,
    held_out: RowLosses,
    original: RowLosses | None,
    mode: TrainingMode,
    seed: int,
    is_paired: bool,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Levels, and what the validation loss has of its own by the names of parts.

    Each is an array: the value first, then those of the replicates.
    """
    rng = np.random.default_rng(seed)
    drawn = _Drawn(trained, n_classes, rng, 0)
    held = (
        _Drawn(held_out, n_classes, np.random.default_rng(seed), 0)
        if is_paired
        else _Drawn(held_out, n_classes, rng, 1)
    )
    source = drawn if original is None else _Drawn(original, n_classes, rng, 2)
    nothing = np.zeros(_REPLICATES + 1)
    unknown = np.full(_REPLICATES + 1, np.nan)
    inference = drawn.mean(trained.weighted)
    noise = inference - inference[0]
    excess = unknown if mode.excess is None else nothing + mode.excess
    excess[1:] += mode.error * rng.standard_normal(_REPLICATES)
    unweighted = inference if trained.weight is None else drawn.mean(trained.trained_by)
    plain = unweighted if trained.own is None else drawn.mean(trained.crossentropy)
    prior, _ = drawn.by_class()
    natural, held_means = held.by_class()
    _, means = source.by_class()
    penalty = unknown if mode.penalty is None else nothing + mode.penalty
    levels = {
        "printed": printed + noise,
        "unpenalized": printed - penalty + noise,
        "training_mode": inference + excess,
        "inference": inference,
        "unweighted": unweighted,
        "crossentropy": plain,
        "original_rows": plain if original is None else _at_prior(means, prior),
        "natural_prior": _at_prior(means, natural),
        "held_out": _at_prior(held_means, natural),
    }
    own = levels["held_out"] if held_out.own is None else held.mean(held_out.own)
    weighted = own if held_out.weight is None else held.mean(held_out.weighted)
    returns = {
        "penalties": nothing + mode.held_penalty,
        "weights": weighted - own,
        "loss_function": own - levels["held_out"],
    }
    return levels, returns


class _Drawn:
    """Means over the rows of one side: of all rows first, then of each replicate."""

    def __init__(
        self, rows: RowLosses, n_classes: int, rng: np.random.Generator, side: int
    ) -> None:
        n = len(rows.codes)
        self._rows, self._n_classes = rows, n_classes
        unit, n_units = np.arange(n), n
        if rows.groups is not None:
            names, unit = np.unique(rows.groups, return_inverse=True)
            n_units = len(names)
        if n_units > _BLOCKS:
            unit, n_units = (rng.permutation(n_units) % _BLOCKS)[unit], _BLOCKS
        self._block, self._n_blocks = unit, n_units
        self._counts = _draws(n_units, side)
        self._size = self._counts @ np.bincount(unit, minlength=n_units)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean over the rows, of shape (1 + replicates,)."""
        sums = np.bincount(self._block, values, self._n_blocks)
        return (self._counts @ sums) / self._size

    def by_class(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares of the classes, and their mean cross-entropy; one class per column."""
        n_classes, shape = self._n_classes, (self._n_blocks, self._n_classes)
        cell = self._block * n_classes + self._rows.codes
        n = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
        sums = np.bincount(cell, self._rows.crossentropy, shape[0] * shape[1])
        counts = self._counts @ n
        return (
            counts / self._size[:, None],
            (self._counts @ sums.reshape(shape)) / counts,
        )


@lru_cache(maxsize=8)
def _draws(n_units: int, side: int) -> np.ndarray:
    """How often each unit is drawn: once at first, then by chance."""
    rng = np.random.default_rng((n_units, side))
    drawn = rng.multinomial(n_units, np.full(n_units, 1 / n_units), _REPLICATES)
    return np.vstack([np.ones(n_units), drawn])


def _at_prior(means: np.ndarray, priors: np.ndarray) -> np.ndarray:
    """``sum_k p_k c_k``, where a class without share has none in the loss."""
    terms = np.zeros_like(means)
    return np.multiply(means, priors, out=terms, where=priors > 0).sum(axis=1)


def _n_units(rows: RowLosses) -> int:
    return len(rows.codes if rows.groups is None else np.unique(rows.groups))


def _ways(
    levels: Mapping[str, np.ndarray],
    returns: Mapping[str, np.ndarray],
    absent: Container[str],
) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
    """From each known level to the next one, with the causes of the way."""
    order = list(_LEVELS)
    for before, name in pairwise(levels):
        between = order[order.index(before) + 1 : order.index(name) + 1]
        causes = tuple(_LEVELS[level] for level in between)
        way = levels[name] - levels[before]
        way = way + sum(returns[cause] for cause in causes if cause in returns)
        if len(causes) > 1:
            causes = tuple(c for c in causes if c not in absent) or causes[:1]
        yield causes, way


def _part(
    causes: tuple[str, ...],
    way: np.ndarray,
    missed: float,
    titles: Mapping[str, str],
    n_units: int,
) -> GapPart:
    error = _spread(way, n_units)
    if "moving_weights" in causes and error is not None:
        error = float(np.hypot(error, missed))
    name = causes[0] if len(causes) == 1 else UNSPLIT
    title = "; ".join(titles.get(cause, TITLES[cause]) for cause in causes)
    return GapPart(name, float(way[0]), error, title, causes)


def _spread(values: np.ndarray, n_units: int) -> float | None:
    """Compute the standard error; None if there are too few units to draw."""
    drawn = values[1:][np.isfinite(values[1:])]
    if n_units < 2 or len(drawn) < 2:
        return None
    return float(drawn.std(ddof=1) * np.sqrt(n_units / (n_units - 1)))


def _why_not_finite(level: str) -> str:
    if level in ("original_rows", "natural_prior"):
        return "a class of the rows held out has no row trained on"
    if level in ("unpenalized", "training_mode"):
        return "the network could not be measured in training mode"
    return "the loss of a training row is not finite"


def _reason(cause: str, causes: tuple[str, ...], reasons: Mapping[str, str]) -> str:
    """Say why causes are one part: a level between them is not known."""
    levels = {part: level for level, part in _LEVELS.items()}
    known = [reasons[levels[c]] for c in causes if levels[c] in reasons]
    return reasons.get(levels[cause], known[0] if known else "not known")
