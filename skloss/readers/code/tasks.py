"""The task and the number of classes, as far as network and labels show them."""

import re
from typing import Any

from skloss.diagnosis import Case
from skloss.readers.code.values import Rows

__all__ = ["classes_of", "task_of"]

_DISTANCES = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
_CLASS_NAME = re.compile(r"label|class|categor", re.IGNORECASE)
_MOST_LITERALS = 20


def task_of(case: Case, y: Rows | None) -> tuple[Any, int | None]:
    """Return the task and the number of classes; None where they are not known."""
    head, training, known = case.head, case.training, classes_of(y)
    if head is None or head.units is None or training is None:
        return None, None
    if y is not None and (y.has("multi_hot") or _has_label_columns(y)):
        return "multilabel", None
    loss = training.loss or ""
    if loss in (*_DISTANCES, "") and not _shows_classes(case, y):
        return None, None
    if head.units > 1:
        is_encoded = known is not None or (
            y is not None and y.has("one_hot", "binarized")
        )
        if "binary" in loss and head.activation != "softmax" and not is_encoded:
            return None, None  # one column of y for each of several labels
        n_classes = known or head.units
    else:
        n_classes = known or 2
    return ("multiclass" if n_classes > 2 else "binary"), n_classes


def _shows_classes(case: Case, y: Rows | None) -> bool:
    """Whether a network without a loss of classes is a classifier after all."""
    head, training = case.head, case.training
    if head is not None and head.activation in ("sigmoid", "softmax"):
        return True
    if y is None:
        return False
    if (
        y.has("labels", "one_hot", "binarized", "stratified")
        or classes_of(y) is not None
    ):
        return True
    metrics = () if training is None else training.metrics or ()
    return any("acc" in name.lower() for name in metrics) and _is_named_label(y)


def _has_label_columns(y: Rows) -> bool:
    column = y.find("column")
    return (
        column is not None
        and isinstance(column.detail, list)
        and len(column.detail) > 1
    )


def _is_named_label(y: Rows) -> bool:
    column = y.find("column")
    name = None if column is None else column.detail
    return isinstance(name, str) and _CLASS_NAME.search(name) is not None


def classes_of(y: Rows | None) -> int | None:
    """Return the number of classes that the code shows."""
    if y is None:
        return None
    for op in reversed(y.ops):
        is_count = op.kind in ("classes", "one_hot", "binarized", "labels")
        if is_count and isinstance(op.detail, int) and op.detail > 1:
            return op.detail
    return _classes_of_literals(y.values)


def _classes_of_literals(values: Any) -> int | None:
    if not isinstance(values, list | tuple):
        return None
    labels = [
        v[0] if isinstance(v, list | tuple) and len(v) == 1 else v for v in values
    ]
    if not all(isinstance(label, int) for label in labels):
        return None
    n_classes = len(set(labels))
    return n_classes if 1 < n_classes <= _MOST_LITERALS else None
