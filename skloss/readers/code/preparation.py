"""Preparation of the rows before ``fit``: scaling, sampling, order, hold-out."""

import re
from itertools import pairwise
from typing import Any

from skloss.diagnosis.case import Preparation, RowFacts
from skloss.readers.code.label_kinds import target_kind_of
from skloss.readers.code.row_names import SAMPLERS
from skloss.readers.code.transformers import is_scaler
from skloss.readers.code.values import Made, Op, Rows
from skloss.record import Training

__all__ = [
    "holdout_of",
    "is_split_after_sampler",
    "preparation_of",
    "samplers_of",
    "scaled_labels",
    "was_sampled",
]

_LEAST_DIVISOR = 20  # more classes than labels that are scaled down would have
_FEWEST_LABELS = 10  # in a list, to tell its order
_LABEL_NAME = re.compile(r"label|class|target|^y$|categor|outcome", re.IGNORECASE)


def preparation_of(
    given: tuple[Rows | None, Rows | None],
    held: tuple[Rows | None, Rows | None],
    steps: list[Made],
    n_units: int | None,
) -> Preparation | None:
    """Return what the code does to rows and labels; None if that is not known.

    ``given`` and ``held`` are rows and labels, for training and validation; ``n_units``
    are those of the output layer.
    """
    (X, y), (X_val, y_val) = given, held
    kinds = [target_kind_of(labels, n_units) for labels in (y, y_val)]
    if X is None:
        return None
    return Preparation(
        target_kind=kinds[0],
        target_kind_val=kinds[1],
        is_scaled=_is_scaled(X, steps),
        is_ordered=_is_ordered(X, y),
        scales_apart=_scales_apart(X, X_val),
        own_scaler=_own_scaler(X, X_val),
        sampler=_sampler_of_training(X, X_val),
        shared_rows=_shared_rows(X, X_val),
    )


def samplers_of(X: Rows | None, steps: list[Made]) -> tuple[str, ...] | None:
    """Names of the samplers that changed the training rows; None if not known."""
    made = () if X is None else (op.detail for op in X.ops if op.kind == "sample")
    names = (*made, *(step.name for step in steps if step.name in SAMPLERS))
    return tuple(map(str, names)) or None


def was_sampled(X: Rows | None, steps: list[Made]) -> bool | None:
    """Whether a sampler changed the training rows; None if not known."""
    if any(step.name in SAMPLERS for step in steps):
        return True
    if X is None or not (X.is_seen or X.has("sample")):
        return None
    return X.has("sample")


def holdout_of(fit: Made, X: Rows | None, X_val: Rows | None, share: Any) -> str | None:
    """Source of the validation rows, as `Case.holdout` names it."""
    if share:
        return "tail"
    if fit.option("validation_data") is None:
        return "none" if fit.name == "fit" else None
    if X is None or X_val is None:
        return "given"
    ours, theirs = X.find("split"), X_val.find("split")
    if ours is None or theirs is None or ours.detail[0] != theirs.detail[0]:
        return "given"
    return "internal" if is_split_after_sampler(X) else "given"


def is_split_after_sampler(X: Rows) -> bool:
    """Whether the rows are a part of rows that a sampler had made before."""
    kinds = [op.kind for op in X.ops]
    return "sample" in kinds and "split" in kinds[kinds.index("sample") :]


def scaled_labels(y: Rows | None, training: Training) -> RowFacts | None:
    """Facts of labels that the code divides as if they were pixels."""
    divided = None if y is None else y.find("floor", "scale")
    steps = training.steps_per_epoch
    if y is None or divided is None or steps is None or y.has("one_hot", "binarized"):
        return None
    how, by = divided.detail[:2]
    is_whole = divided.kind == "floor"
    is_large = isinstance(by, int | float) and by > _LEAST_DIVISOR
    if not is_large or not (is_whole or how == "Div"):
        return None
    return RowFacts(
        n_rows=steps * (training.batch_size or 1),
        n_distinct_targets=1 if is_whole else 2,
        target_kind="scaled",
        target_min=0.0,
        target_max=0.0 if is_whole else 0.5 / by,
    )


def _is_scaled(X: Rows, steps: list[Made]) -> bool | None:
    if X.has("scale", "tokens") or any(is_scaler(step.name) for step in steps):
        return True
    is_hidden = X.has("other", "differences", "range") or X.values is not None
    return None if is_hidden or not X.is_seen or _are_unknown(steps) else False


def _are_unknown(steps: list[Made]) -> bool:
    """Whether a step of a pipeline may scale rows, for all that is known."""
    return any(step.name not in SAMPLERS for step in steps)


def _is_ordered(X: Rows, y: Rows | None) -> bool | None:
    """Whether rows of one class follow each other; None if not known."""
    order: bool | None = _has_runs(y) or None
    for rows in (X, y):
        for op in () if rows is None else rows.ops:
            if op.kind == "blocks" or (op.kind == "sort" and _names_label(op.detail)):
                order = True
            elif op.kind == "shuffle" or (op.kind == "split" and not op.detail[2]):
                order = False
    return order


def _has_runs(y: Rows | None) -> bool:
    """Whether labels that the code writes out come class by class."""
    labels = None if y is None else y.values
    if not isinstance(labels, list) or len(labels) < _FEWEST_LABELS:
        return False
    if not all(isinstance(label, int) for label in labels):
        return False
    return labels[0] < labels[-1] and all(a <= b for a, b in pairwise(labels))


def _names_label(by: Any) -> bool:
    names = by if isinstance(by, list) else [by]
    return any(isinstance(name, str) and _LABEL_NAME.search(name) for name in names)


def _scales_apart(X: Rows, X_val: Rows | None) -> str | None:
    """Say which scaling one side has and the other has not, if that is certain."""
    if X_val is None:
        return None
    common = _common_steps(X, X_val)
    ours, theirs = X.ops[common:], X_val.ops[common:]
    if any(op.kind == "other" for op in (*ours, *theirs)):
        return None
    left, right = ([op for op in ops if op.kind == "scale"] for ops in (ours, theirs))
    if bool(left) == bool(right):
        return None
    op = (left or right)[0]
    by_number = op.detail[0] in ("Div", "Mult")
    what = "a division or product" if by_number else f"a {op.detail[0]}"
    side = "training" if left else "validation"
    return f"{side} rows only, by {what} in line {op.line}"


def _own_scaler(X: Rows, X_val: Rows | None) -> str | None:
    """Return the scaler that is fitted on the validation rows alone."""
    if X_val is None:
        return None
    common = _common_steps(X, X_val)
    sides = [
        [op for op in rows.ops[common:] if op.kind == "scale"] for rows in (X, X_val)
    ]
    if not all(ops and len(ops[-1].detail) > 2 and ops[-1].detail[2] for ops in sides):
        return None
    op = sides[1][-1]
    return f"a {op.detail[0]} in line {op.line}"


def _common_steps(X: Rows, X_val: Rows) -> int:
    """Return how many steps, from the first, two arrays have in common."""
    pairs = zip(X.ops, X_val.ops, strict=False)
    differing = (place for place, (a, b) in enumerate(pairs) if not _is_same(a, b))
    return next(differing, min(len(X.ops), len(X_val.ops)))


def _is_same(left: Op, right: Op) -> bool:
    return left is right or left == right


def _sampler_of_training(X: Rows, X_val: Rows | None) -> str | None:
    """Return the sampler of training rows whose validation rows are as they were."""
    found = X.find("sample")
    if found is None or X_val is None or X_val.has("sample"):
        return None
    return str(found.detail)


def _shared_rows(X: Rows, X_val: Rows | None) -> str | None:
    """Return "all" if just the rows of ``fit`` are held out, "some" if others too."""
    if X_val is None or X_val.name != X.name or not X.name:
        return None
    common = _common_steps(X, X_val)
    if common < len(X_val.ops) or X_val.has("other"):
        return None
    rest = {op.kind for op in X.ops[common:]}
    if not rest:
        return "all" if X.is_seen or X.ops else None
    return "some" if rest == {"split"} else None
