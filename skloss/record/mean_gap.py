"""The mean of the gaps of several trainings that held out other rows."""

from collections.abc import Sequence

import numpy as np

from skloss.record.loss_gap import GapPart, LossGap

__all__ = ["mean_gap"]

_Key = tuple[str, tuple[str, ...]]


def mean_gap(
    gaps: Sequence[LossGap], shares: Sequence[float], turns: float = 1.0
) -> LossGap:
    """Return the mean of several gaps, part by part, which add up as theirs do.

    Parameters
    ----------
    gaps : sequence of LossGap
        Of each training.
    shares : sequence of float
        Weight of each; they add up to one.
    turns : float, default=1.0
        Trainings that held out the same row, on average; their errors do not average
        out.

    Examples
    --------
    >>> def gap(nats):
    ...     return LossGap(0.1, 0.1 + nats, (GapPart("prior", nats, 0.3),))
    >>> mean = mean_gap([gap(0.2), gap(0.4)], [0.5, 0.5])
    >>> round(mean.total, 3), round(mean.parts[0].error, 3)
    (0.3, 0.212)
    """
    weight = np.asarray(shares, float)

    def error(values: Sequence[float | None]) -> float | None:
        if None in values:
            return None
        return float(np.sqrt(turns * np.sum((weight * np.asarray(values, float)) ** 2)))

    found = [{_key(part): part for part in gap.parts} for gap in gaps]
    keys: list[_Key] = list(dict.fromkeys(key for parts in found for key in parts))
    parts = []
    for key in keys:
        of_key = [parts_of_gap.get(key) for parts_of_gap in found]
        first = next(part for part in of_key if part is not None)
        nats = [0.0 if part is None else part.nats for part in of_key]
        errors = [0.0 if part is None else part.error for part in of_key]
        parts.append(
            GapPart(
                first.name, float(weight @ nats), error(errors), first.title, key[1]
            )
        )
    lasts = [gap.last or gap for gap in gaps]
    return LossGap(
        printed=float(weight @ [gap.printed for gap in gaps]),
        validation=float(weight @ [gap.validation for gap in gaps]),
        parts=tuple(parts),
        epoch=max(gap.epoch for gap in gaps),
        total_error=error([gap.total_error for gap in gaps]),
        not_assessed={k: v for gap in gaps for k, v in gap.not_assessed.items()},
        unit=gaps[0].unit,
        last=mean_gap(lasts, shares, turns) if any(gap.last for gap in gaps) else None,
    )


def _key(part: GapPart) -> _Key:
    return part.name, part.causes
