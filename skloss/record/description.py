"""The vocabulary of a training: layers, settings, and the metrics of one split.

The training tower writes it into records and the reading tower reads it there, so it
stands below both.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal, Self

import numpy as np

from skloss.metrics import ConfusionCounts, entropy
from skloss.record.schema import CheckedPart

__all__ = ["Layer", "PlainPart", "SplitMetrics", "Training"]

LayerKind = Literal[
    "dense",
    "conv",
    "recurrent",
    "embedding",
    "pool",
    "flatten",
    "dropout",
    "batch_norm",
    "normalization",
    "activation",
    "mask",  # takes NaN for missing
    "other",
]


def _tupled(value: Any) -> Any:
    """Turn lists, as JSON has them, into the tuples that they were."""
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value


class PlainPart(CheckedPart):
    """A part that can be written into a record and read again."""

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make it from `to_dict`; keys of a newer version are left out."""
        wrong = cls.problem_of(content)
        if wrong is not None:
            raise ValueError(wrong)
        known = {part.name for part in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: _tupled(v) for name, v in content.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Layer(PlainPart):
    """One layer, whatever library it is of."""

    kind: LayerKind
    name: str = ""
    activation: str | None = None  # "linear" if it has none; None if it cannot have one
    units: int | None = None  # or filters
    kernel_size: int | None = None
    rate: float | None = None  # of a dropout
    momentum: float | None = None  # of batch normalization
    pooling: str | None = None  # "max", "average", "global_max", "global_average"
    l1: float = 0.0
    l2: float = 0.0
    activity_l2: float = 0.0
    initializer: str | None = None  # "constant" if all first weights are equal
    initial_sd: float | None = None  # of the first weights, where it is given
    output_shape: tuple[int, ...] | None = None  # of one row
    trainable: bool = True

    @property
    def has_kernel(self) -> bool:
        """Whether it multiplies by trained weights."""
        return self.kind in ("dense", "conv", "recurrent")


@dataclass(frozen=True)
class Training(PlainPart):
    """How the network was trained, as far as is known.

    ``class_weight`` is what was given, its keys as text (JSON knows no others), and
    ``class_weight_keys`` says of what type they were: "int", "str", ...;
    ``class_weight_kind`` is "dict", "balanced", "effective", "ndarray", "list" or
    "none", or None if unknown; of balanced batches it is "balanced", and the weights
    are what they amount to. ``sampler`` is the class of the one within the classifier.
    """

    loss: str | None = None  # Keras' snake_case name, "crossentropy" for skloss
    from_logits: bool | None = None
    optimizer: str | None = None  # lower case
    learning_rate: float | None = None  # the first one
    schedule: bool = False  # whether the learning rate was changed on purpose
    epochs: int | None = None  # asked for
    batch_size: int | None = None
    shuffle: bool | None = None
    class_weight_kind: str | None = None
    class_weight_keys: str | None = None
    class_weight: dict[str, float] | None = None
    balanced_batches: bool | None = None
    sampler: str | None = None
    metrics: tuple[str, ...] | None = None
    batch_metrics: tuple[str, ...] | None = None  # those that are means over batches
    # Those that compare outputs with thresholds between 0 and 1, mostly with 0.5.
    probability_metrics: tuple[str, ...] | None = None
    callbacks: tuple[str, ...] | None = None  # names of their classes
    monitor: str | None = None  # curve of the early stopping
    monitor_mode: str | None = None  # "min" or "max", where it was given
    monitor_is_logged: bool | None = None  # there is such a curve, as code shows it
    monitor_is_scorer: bool | None = None  # of scikit-learn, or None if unknown
    patience: int | None = None
    restore_best: bool | None = None
    validation_split: float | None = None
    clips: bool | None = None
    steps_per_epoch: int | None = None  # as a log shows it


@dataclass(frozen=True)
class SplitMetrics(PlainPart):
    """Rows of one side, and how the final network does on them in inference mode.

    Shapes: ``counts`` (n_classes,); ``confusion`` (n_classes, n_classes), truth by
    prediction; ``per_class_loss`` (n_classes,) in nats; ``average_precision`` and
    ``roc_auc`` are of the ``positive`` class of two, or means over all classes, one
    against rest.
    """

    counts: tuple[int, ...]
    confusion: tuple[tuple[float, ...], ...] | None = None
    loss: float | None = None  # mean cross-entropy in nats, no penalty, no weights
    per_class_loss: tuple[float, ...] | None = None
    average_precision: float | None = None
    roc_auc: float | None = None
    positive: Annotated[int, (0, 1)] | None = None  # class; None if there are not two
    mean_probability: tuple[float, ...] | None = None  # of each class, over the rows
    # Of the lowest mean cross-entropy of all rows but the worst, and by how much it
    # lowers that, in nats.
    temperature: float | None = None
    temperature_gain: float | None = None

    @classmethod
    def problem_of(cls, content: object) -> str | None:
        """Say what is wrong in types, lengths or ranges; None if nothing."""
        wrong = super().problem_of(content)
        if wrong is not None or not isinstance(content, Mapping):
            return wrong
        counts, table = content["counts"], content.get("confusion")
        losses = content.get("per_class_loss")
        if not counts or min(counts) < 0:
            return f"counts must be numbers of rows, got {list(counts)}"
        if table is not None and {len(table), *map(len, table)} != {len(counts)}:
            return f"confusion must have {len(counts)} rows and columns"
        if table is not None and not all(n >= 0 for row in table for n in row):
            return "confusion must hold numbers of rows"
        if losses is not None and len(losses) != len(counts):
            return f"per_class_loss must have {len(counts)} values, got {len(losses)}"
        return None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(sum(self.counts))

    @property
    def n_minority(self) -> int:
        """Rows of the smallest class."""
        return int(min(self.counts))

    @property
    def minority(self) -> int:
        """Number of the smallest class; of two equal ones the last."""
        return len(self.counts) - 1 - int(np.argmin(self.counts[::-1]))

    @property
    def present(self) -> np.ndarray:
        """Rows of each class that occurs."""
        counts = np.asarray(self.counts)
        return counts[counts > 0]

    @property
    def prior(self) -> np.ndarray:
        """Share of each class, ``(n_classes,)``."""
        return np.asarray(self.counts, float) / max(self.n_rows, 1)

    @property
    def majority_share(self) -> float:
        """Share of the largest class: the accuracy of always guessing it."""
        return float(self.prior.max())

    @property
    def entropy(self) -> float:
        """Cross-entropy of always guessing the prior, in nats."""
        return float(entropy(self.prior))

    @property
    def accuracy(self) -> float | None:
        """Share of rows predicted right."""
        if self.confusion is None:
            return None
        return float(np.trace(self.confusion) / max(self.n_rows, 1))

    @property
    def mcc(self) -> float | None:
        """Matthews correlation; 0 if one class only is predicted."""
        if self.confusion is None:
            return None
        return float(ConfusionCounts(np.asarray(self.confusion)).mcc)

    @property
    def mcc_error(self) -> float:
        """Rough standard error of the MCC: one over the root of twice the minority."""
        return float(1 / np.sqrt(2 * max(self.n_minority, 1)))

    @property
    def predicted(self) -> np.ndarray | None:
        """Share of rows that each class was predicted for, ``(n_classes,)``."""
        if self.confusion is None:
            return None
        return np.asarray(self.confusion, float).sum(axis=0) / max(self.n_rows, 1)

    @property
    def recalls(self) -> np.ndarray | None:
        """Recall of each class, ``(n_classes,)``; NaN of a class without rows."""
        if self.confusion is None:
            return None
        table = np.asarray(self.confusion, float)
        with np.errstate(invalid="ignore"):
            return np.diag(table) / table.sum(axis=1)
