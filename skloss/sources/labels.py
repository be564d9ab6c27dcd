"""Labels as people give them to Keras: class numbers, one-hot rows, strings."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skloss.diagnosis.case import Task

__all__ = ["Labels"]

_REGRESSION = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
_MOST_CLASSES = 200


@dataclass(frozen=True)
class Labels:
    """The classes among the labels of both sides, and the task they set.

    ``values`` are the labels in order; a network's unit k stands for ``values[k]``
    where labels are the numbers 0 to K - 1, as Keras wants them.
    """

    values: tuple[Any, ...]
    n_classes: int  # as the network numbers them
    task: Task

    @property
    def n_distinct(self) -> int:
        """Number of classes that occur."""
        return len(self.values)

    @property
    def present(self) -> list[int]:
        """Numbers of the classes that occur."""
        if self.task == "binary" and len(self.values) <= 2 and self.n_classes == 2:
            return [0, 1]
        return [int(value) for value in self.values]

    @classmethod
    def of(
        cls, y: Any, y_val: Any, units: int | None, loss: str | None = None
    ) -> "Labels":
        """Read the labels of both sides."""
        sides = [np.asarray(side) for side in (y, y_val) if side is not None]
        if sides[0].ndim > 1 and sides[0].shape[-1] > 1:
            return cls._of_rows(sides)
        flat = np.concatenate([side.ravel() for side in sides])
        values = np.unique(flat[flat == flat])
        is_number = values.dtype.kind in "fiub"
        whole = not is_number or bool(np.all(values == np.round(values)))
        is_many = len(values) > _MOST_CLASSES
        is_real = is_number and not whole and (loss is None or loss in _REGRESSION)
        if is_number and (is_many or is_real):
            return cls(tuple(values[:2].tolist()), 2, "regression")
        if len(values) <= 2:
            return cls(tuple(values.tolist()), 2, "binary")
        n_classes = len(values)
        if is_number and whole and values[0] >= 0:
            n_classes = int(values[-1]) + 1
        else:
            values = np.arange(len(values))
        return cls(tuple(values.tolist()), n_classes, "multiclass")

    @classmethod
    def _of_rows(cls, sides: list[np.ndarray]) -> "Labels":
        rows = np.concatenate([side.reshape(-1, side.shape[-1]) for side in sides])
        n_classes = rows.shape[1]
        many = (np.rint(rows) > 0).sum(axis=1)
        if (many > 1).any():
            return cls(tuple(range(n_classes)), n_classes, "multilabel")
        task: Task = "binary" if n_classes == 2 else "multiclass"
        return cls(tuple(np.unique(rows.argmax(axis=1)).tolist()), n_classes, task)

    def codes(self, y: Any) -> np.ndarray:
        """Return the number of the class of each label, ``(n,)``."""
        y = np.asarray(y)
        if y.ndim > 1 and y.shape[-1] > 1:
            return y.reshape(-1, y.shape[-1]).argmax(axis=1)
        flat = y.ravel()
        is_number = flat.dtype.kind in "fiub"
        whole = is_number and bool(np.all(flat == np.round(flat)) and flat.min() >= 0)
        if self.task == "multiclass" and whole:
            return flat.astype(np.intp)
        if self.n_distinct == 1 and is_number:
            return (flat > 0.5).astype(np.intp)
        found = np.searchsorted(np.asarray(self.values), flat)
        return np.clip(found, 0, max(self.n_classes - 1, 0)).astype(np.intp)
