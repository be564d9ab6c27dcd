r"""The way from the printed training loss to the validation loss, one change at a time.

Every level is a loss in nats, and differs from the one before in one thing only. So the
differences add up to the whole gap. With ``T`` the ``n`` rows trained on (as a sampler
left them), ``O`` the original training rows, ``V`` the rows held out, ``w_i`` the
weight of a row with that of its class, ``l_i`` the loss trained by, ``c_i`` the
cross-entropy, ``c_k(S)`` its mean over the rows of class ``k`` in ``S``, and
``p_k(S)`` the share of class ``k`` in ``S``:

========================  ============================================================
level                     what it is
========================  ============================================================
``printed``               mean over the steps of the epoch, as it was printed
``unpenalized``           ``printed - P``, P the penalties at the epoch's last weights
``training_mode``         ``(1/n) sum w_i l_i`` over T at the epoch's last weights, with
                          dropout and the statistics of batches
``inference``             the same in inference mode
``unweighted``            ``(1/n) sum l_i`` over T
``crossentropy``          ``(1/n) sum c_i`` over T, that is ``sum_k p_k(T) c_k(T)``
``original_rows``         ``sum_k p_k(T) c_k(O)``
``natural_prior``         ``sum_k p_k(V) c_k(O)``
``held_out``              ``sum_k p_k(V) c_k(V)``, the mean cross-entropy of V
``validation``            the validation loss as printed: with the weights of its rows,
                          and focal or smoothed if the loss is
========================  ============================================================

A part is a level less the one before. A level that is not known is left out, and its
part and the next one become one, so that the sum stays exact.

The standard error of a part is that of a bootstrap over rows (over groups where they
are known): T and O together where no sampler stands between them, V by itself. The
printed loss moves with the loss of the same rows in inference mode. Many rows are
thrown into 2,000 random blocks, and the blocks are drawn: the variance is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import numpy as np

from skloss.metrics import loss_at_prior

__all__ = ["LEVELS", "LossLevels", "RowLosses", "measure_levels"]

# Every level but the first, and the part that leads to it.
LEVELS = {
    "printed": "",
    "unpenalized": "penalties",
    "training_mode": "moving_weights",
    "inference": "training_mode",
    "unweighted": "weights",
    "crossentropy": "loss_function",
    "original_rows": "resampling",
    "natural_prior": "prior",
    "known_groups": "new_rows",
    "held_out": "generalization",
    "validation": "validation_form",
}

_REPLICATES = 200
_BLOCKS = 2000


@dataclass(frozen=True)
class LossLevels:
    """Levels of one epoch, and the standard errors of the parts between them.

    Parameters
    ----------
    epoch : int
        Number of the epoch, from 0.
    levels : dict of str to float
        Losses in nats, by the names in the order of `LEVELS`; some may be missing.
    errors : dict of str to float
        Standard errors by names of levels: that of the way from the level before.
    total_error : float or None
        Standard error of the way from the first level to the last.
    reasons : dict of str to str
        Why a level is missing.
    unit : str
        What was drawn for the standard errors, "rows" or "groups".
    """

    epoch: int
    levels: Mapping[str, float]
    errors: Mapping[str, float] = field(default_factory=dict)
    total_error: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    unit: str = "rows"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "epoch": self.epoch,
            "levels": dict(self.levels),
            "errors": dict(self.errors),
            "total_error": self.total_error,
            "reasons": dict(self.reasons),
            "unit": self.unit,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make it from `to_dict`; what is missing stays empty."""
        error = content.get("total_error")
        return cls(
            epoch=int(content["epoch"]),
            levels={
                name: float(content["levels"][name])
                for name in LEVELS
                if name in content["levels"]
            },
            errors={k: float(v) for k, v in content.get("errors", {}).items()},
            total_error=None if error is None else float(error),
            reasons=dict(content.get("reasons", {})),
            unit=content.get("unit", "rows"),
        )


@dataclass(frozen=True)
class RowLosses:
    """Losses of the rows of one side, at the weights of one epoch.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Class numbers.
    crossentropy : ndarray of shape (n,)
        Cross-entropy of each row, in inference mode.
    own : ndarray of shape (n,), default=None
        The loss that is trained by; None if it is the cross-entropy.
    weight : ndarray of shape (n,), default=None
        Weights of the rows in it; None if all are one.
    groups : ndarray of shape (n,), default=None
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


class _Drawn:
    """Means over the rows of one side: of all rows first, then of each replicate."""

    def __init__(
        self, rows: RowLosses, n_classes: int, rng: np.random.Generator
    ) -> None:
        n = len(rows.codes)
        self._rows, self._n_classes = rows, n_classes
        if rows.groups is not None:
            self._block = np.unique(rows.groups, return_inverse=True)[1]
        elif n <= _BLOCKS:
            self._block = np.arange(n)
        else:
            self._block = rng.permutation(n) % _BLOCKS
        self._n_blocks = int(self._block.max()) + 1
        shares = np.full(self._n_blocks, 1 / self._n_blocks)
        drawn = rng.multinomial(self._n_blocks, shares, size=_REPLICATES)
        self._counts = np.vstack([np.ones(self._n_blocks), drawn])
        self.size = self._sums(np.ones(n))

    def _sums(self, values: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
        block = self._block if of is None else self._block[of]
        values = values if of is None else values[of]
        return self._counts @ np.bincount(block, values, self._n_blocks)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean over the rows, of shape (1 + replicates,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._sums(values) / self.size

    def by_class(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares of the classes, and their mean cross-entropy; one class per column."""
        counts, sums = [], []
        for code in range(self._n_classes):
            of = np.flatnonzero(self._rows.codes == code)
            counts.append(self._sums(np.ones(len(self._block)), of))
            sums.append(self._sums(self._rows.crossentropy, of))
        n = np.stack(counts, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return n / n.sum(axis=1, keepdims=True), np.stack(sums, axis=1) / n


def _at_prior(means: np.ndarray, priors: np.ndarray) -> np.ndarray:
    pairs = zip(means, priors, strict=True)
    return np.array([loss_at_prior(mean, prior) for mean, prior in pairs])


def measure_levels(
    epoch: int,
    printed: float,
    validation: float | None,
    n_classes: int,
    *,
    trained: RowLosses,
    held_out: RowLosses,
    original: RowLosses | None = None,
    penalty: float | None = 0.0,
    mode_excess: np.ndarray | None = None,
    known_groups: RowLosses | None = None,
    reasons: Mapping[str, str] | None = None,
    seed: int = 0,
) -> LossLevels:
    """Measure all levels of an epoch, and the standard errors between them.

    Parameters
    ----------
    epoch : int
        Its number, from 0.
    printed, validation : float
        The losses as they were printed; the second is None if there was none.
    n_classes : int
        Number of classes.
    trained, held_out : RowLosses
        Rows trained on, and rows held out.
    original : RowLosses, default=None
        Original training rows; None if the rows trained on are these.
    penalty : float, default=0.0
        Penalties at the weights of the epoch; None if they are not known.
    mode_excess : ndarray, default=None
        Loss in training mode less that in inference mode, of some rows trained on;
        None if the network has no layer that makes them differ.
    known_groups : RowLosses, default=None
        Not used by fits; see `skloss.explain_gap`.
    reasons : dict of str to str, default=None
        Why a level cannot be known; it is left out then.
    seed : int, default=0
        Of the bootstrap's own generator.
    """
    rng = np.random.default_rng(seed)
    reasons = dict(reasons or {})
    drawn = _Drawn(trained, n_classes, rng)
    held = _Drawn(held_out, n_classes, rng)
    source = drawn if original is None else _Drawn(original, n_classes, rng)
    found: dict[str, np.ndarray] = {}
    inference = drawn.mean(trained.weighted)
    noise = inference - inference[0]
    found["printed"] = printed + noise
    if penalty is not None:
        found["unpenalized"] = printed - penalty + noise
    excess = np.zeros(1) if mode_excess is None else mode_excess
    in_mode = _mean_of_some(excess, rng)
    found["training_mode"] = inference + in_mode
    found["inference"] = inference
    found["unweighted"] = (
        inference if trained.weight is None else drawn.mean(trained.trained_by)
    )
    found["crossentropy"] = (
        found["unweighted"] if trained.own is None else drawn.mean(trained.crossentropy)
    )
    prior, _ = drawn.by_class()
    natural, held_means = held.by_class()
    _, means = source.by_class()
    found["original_rows"] = (
        found["crossentropy"] if original is None else _at_prior(means, prior)
    )
    found["natural_prior"] = _at_prior(means, natural)
    if known_groups is not None:
        found["known_groups"] = _at_prior(
            _Drawn(known_groups, n_classes, rng).by_class()[1], natural
        )
    found["held_out"] = _at_prior(held_means, natural)
    if validation is not None and not np.isnan(validation):
        own = held_out.weighted
        weight = held_out.weight
        form = held.mean(own) / (1.0 if weight is None else held.mean(weight))
        found["validation"] = validation + form - form[0]
    for name, values in list(found.items()):
        if name in reasons:
            del found[name]
        elif not np.isfinite(values[0]):
            reasons[name] = (
                "a class of the rows held out has no row trained on"
                if name in ("original_rows", "natural_prior")
                else "the loss is not finite"
            )
            del found[name]
    found = {name: found[name] for name in LEVELS if name in found}
    return _with_errors(epoch, found, reasons, trained, inference)


def _mean_of_some(excess: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean of rows that are drawn by themselves, as the masks of dropout are."""
    blocks = rng.permutation(len(excess)) % _BLOCKS
    n_blocks = int(blocks.max()) + 1
    sums = np.bincount(blocks, excess, n_blocks)
    sizes = np.bincount(blocks, minlength=n_blocks)
    shares = np.full(n_blocks, 1 / n_blocks)
    drawn = rng.multinomial(n_blocks, shares, size=_REPLICATES)
    counts = np.vstack([np.ones(n_blocks), drawn])
    return (counts @ sums) / (counts @ sizes)


def _with_errors(
    epoch: int,
    found: Mapping[str, np.ndarray],
    reasons: Mapping[str, str],
    trained: RowLosses,
    inference: np.ndarray,
) -> LossLevels:
    names = list(found)

    def spread(values: np.ndarray) -> float:
        usable = values[1:][np.isfinite(values[1:])]
        return float(usable.std(ddof=1)) if len(usable) > 1 else 0.0

    errors = {
        name: spread(found[name] - found[before]) for before, name in pairwise(names)
    }
    if "training_mode" in errors and trained.share < 1:
        # The printed loss is of all rows, the measured one of a part of them.
        missed = (1 - trained.share) * spread(inference) ** 2
        errors["training_mode"] = float(np.hypot(errors["training_mode"], missed**0.5))
    return LossLevels(
        epoch=epoch,
        levels={name: float(values[0]) for name, values in found.items()},
        errors=errors,
        total_error=spread(found[names[-1]] - found[names[0]]),
        reasons=reasons,
        unit="rows" if trained.groups is None else "groups",
    )
