"""Labels as people give them: class numbers, one-hot rows, strings; and their facts.

`Labels` numbers classes as a network does; `class_ids` numbers those that occur.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skloss.diagnosis.case import Task
from skloss.readers.subsampling import MOST_CLASSES, Facts

__all__ = [
    "Labels",
    "class_ids",
    "codes_of_both",
    "labels_of_classes",
    "order_facts",
    "plain_labels",
    "target_facts",
]

_REGRESSION = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
_N_SCALED = 50


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
        cls,
        y: ArrayLike,
        y_val: ArrayLike | None,
        units: int | None,
        loss: str | None = None,
    ) -> "Labels":
        """Read the labels of both sides."""
        sides = [np.asarray(side) for side in (y, y_val) if side is not None]
        if sides[0].ndim > 1 and sides[0].shape[-1] > 1:
            return cls._of_rows(sides)
        flat = np.concatenate([side.ravel() for side in sides])
        values = np.unique(flat[flat == flat])
        is_number = values.dtype.kind in "fiub"
        whole = not is_number or bool(np.all(values == np.round(values)))
        is_many = len(values) > MOST_CLASSES
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

    def codes(self, y: ArrayLike) -> np.ndarray:
        """Return the number of the class of each label, ``(n,)``."""
        y = np.asarray(y)
        if y.ndim > 1 and y.shape[-1] > 1:
            return y.reshape(-1, y.shape[-1]).argmax(axis=1)
        flat = y.ravel()
        is_number = flat.dtype.kind in "fiub"
        whole = is_number and bool(np.all((flat == np.round(flat)) & (flat >= 0)))
        if self.task == "multiclass" and whole:
            return flat.astype(np.intp)
        if self.n_distinct == 1 and is_number:
            return (flat > 0.5).astype(np.intp)
        found = np.searchsorted(np.asarray(self.values), flat)
        return np.clip(found, 0, max(self.n_classes - 1, 0)).astype(np.intp)


def labels_of_classes(classes: np.ndarray, y: ArrayLike, name: str) -> np.ndarray:
    """Return one label per row; rows of zeros and a one are those of the classes.

    Raises
    ------
    ValueError
        If there are other columns.
    """
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 2 and class_ids(labels)[1:] == ("one_hot", len(classes)):
        return classes[labels.argmax(axis=1)]
    if labels.ndim != 1:
        raise ValueError(
            f"{name} must hold one label per row, or a row of zeros and a one for each "
            f"of the {len(classes)} classes; got shape {labels.shape}."
        )
    return labels


def class_ids(y: ArrayLike) -> tuple[np.ndarray, str, int]:
    """Class numbers of labels, and how they are encoded.

    Parameters
    ----------
    y : array-like of shape (n,), (n, 1) or (n, k)
        Numbers, texts, or a row of k numbers for each row.

    Returns
    -------
    ids : ndarray of int, shape (n,)
        From 0; all 0 if the labels name no class ("multi_hot", "real").
    kind : {"ids", "one_hot", "multi_hot", "scaled", "real"}
        "scaled" are fractions with few values, as of labels divided along with the
        inputs; rows of shares that add up to 1 count as "one_hot".
    n_classes : int
        Classes that occur, or columns of the rows; 0 if "real".

    Examples
    --------
    >>> class_ids(["storm", "calm", "storm"])
    (array([1, 0, 1]), 'ids', 2)
    >>> class_ids([0.0, 0.0039, 0.0])[1], class_ids([[1, 1, 0], [0, 0, 0]])[1]
    ('scaled', 'multi_hot')
    """
    y = plain_labels(y)
    if y.ndim > 1:
        return _ids_of_rows(y)
    values, ids = np.unique(y, return_inverse=True)
    if y.dtype.kind == "f" and not np.all(values == np.round(values)):
        if len(values) > _N_SCALED:
            return np.zeros(len(y), np.intp), "real", 0
        return ids, "scaled", len(values)
    return ids, "ids", len(values)


def plain_labels(y: ArrayLike) -> np.ndarray:
    """Labels without a column axis of length 1, objects as what they are."""
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    return np.asarray(y.tolist()) if y.dtype.kind == "O" else y


def _ids_of_rows(y: np.ndarray) -> tuple[np.ndarray, str, int]:
    none = np.zeros(len(y), np.intp)
    if y.ndim > 2 or y.dtype.kind not in "biuf":
        return none, "real", 0
    if (y >= 0).all() and np.allclose(y.sum(axis=1), 1, atol=1e-3):
        return y.argmax(axis=1), "one_hot", y.shape[1]
    if np.isin(y, (0, 1)).all():
        return none, "multi_hot", y.shape[1]
    return none, "real", 0


def target_facts(y: np.ndarray) -> Facts:
    """Return the encoding, range and number of distinct labels."""
    ids, kind, n_classes = class_ids(y)
    facts: Facts = {"target_kind": kind, "n_distinct_targets": n_classes}
    if kind == "real" and y.ndim == 1:
        facts["n_distinct_targets"] = len(np.unique(y))
    if kind == "one_hot":
        facts["n_distinct_targets"] = len(np.unique(ids))
    if y.dtype.kind in "biuf" and y.size:
        facts |= {"target_min": float(y.min()), "target_max": float(y.max())}
    return facts


def codes_of_both(
    y: np.ndarray, y_val: np.ndarray | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Numbers of the classes on either side, counted over both; None if not classes."""
    both = y
    if y_val is not None and y_val.shape[1:] == y.shape[1:]:
        both = np.concatenate([y, y_val])
    ids, kind, _ = class_ids(both)
    if kind not in ("ids", "one_hot", "scaled"):
        return None, None
    codes = np.unique(ids, return_inverse=True)[1]
    return codes[: len(y)], codes[len(y) :] if len(both) > len(y) else None


def order_facts(codes: np.ndarray) -> Facts:
    """Compare runs of equal labels with a random order (Wald and Wolfowitz)."""
    n, counts = len(codes), np.bincount(codes).astype(float)
    squares, cubes = (counts**2).sum(), (counts**3).sum()
    if n < 2 or squares == n**2:
        return {}
    runs = 1 + np.count_nonzero(codes[1:] != codes[:-1])
    expected = (n * (n + 1) - squares) / n
    variance = squares * (squares + n * (n + 1)) - 2 * n * cubes - n**3
    variance /= n**2 * (n - 1)
    if variance <= 0:
        return {}
    return {"label_order_z": float((expected - runs) / np.sqrt(variance))}
