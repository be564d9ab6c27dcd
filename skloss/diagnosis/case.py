"""``Case``: one training as rules see it; every part that is not known is None.

The parts are plain data and stand in a ``TrainingRecord``, so that a saved record is
diagnosed as well as the live object that it was made of.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from skloss.metrics import ConfusionCounts, entropy

__all__ = ["Case", "Layer", "Part", "Probe", "RowFacts", "SearchFacts", "Training"]

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
    "other",
]
Task = Literal["binary", "multiclass", "multilabel", "regression"]
Curve = np.ndarray


def _tupled(value: Any) -> Any:
    """Turn lists, as JSON has them, into the tuples that they were."""
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value


class _Plain:
    """A part that can be written into a record and read again."""

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make it from `to_dict`; keys of a newer version are left out."""
        known = {part.name for part in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: _tupled(v) for name, v in content.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Layer(_Plain):
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
    output_shape: tuple[int, ...] | None = None  # of one row
    trainable: bool = True

    @property
    def has_kernel(self) -> bool:
        """Whether it multiplies by trained weights."""
        return self.kind in ("dense", "conv", "recurrent")


@dataclass(frozen=True)
class Training(_Plain):
    """How the network was trained, as far as is known.

    ``class_weight`` is what was given, its keys as text (JSON knows no others), and
    ``class_weight_keys`` says of what type they were: "int", "str", ...;
    ``class_weight_kind`` is "dict", "balanced", "ndarray", "list" or "none", or None
    if unknown.
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
    metrics: tuple[str, ...] | None = None
    batch_metrics: tuple[str, ...] | None = None  # those that are means over batches
    callbacks: tuple[str, ...] | None = None  # names of their classes
    monitor: str | None = None  # curve of the early stopping
    patience: int | None = None
    restore_best: bool | None = None
    validation_split: float | None = None
    clips: bool | None = None


@dataclass(frozen=True)
class Part(_Plain):
    """Rows of one side, and how the final network does on them in inference mode.

    Shapes: ``counts`` (n_classes,); ``confusion`` (n_classes, n_classes), truth by
    prediction; ``per_class_loss`` (n_classes,) in nats; ``average_precision`` and
    ``roc_auc`` are of the positive class or means over all classes, one against rest.
    """

    counts: tuple[int, ...]
    confusion: tuple[tuple[float, ...], ...] | None = None
    loss: float | None = None  # mean cross-entropy in nats, no penalty, no weights
    per_class_loss: tuple[float, ...] | None = None
    average_precision: float | None = None
    roc_auc: float | None = None

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


@dataclass(frozen=True)
class RowFacts(_Plain):
    """What was measured on the rows themselves; see ``skloss.sources.rows``."""

    n_rows: int | None = None
    n_columns: int | None = None
    # Values.
    n_nonfinite: int | None = None
    nonfinite_columns: tuple[int, ...] = ()
    n_constant: int | None = None  # columns
    constant_columns: tuple[int, ...] = ()
    typical_size: float | None = None  # median over columns of max(|p1|, |p99|)
    largest_size: float | None = None
    largest_column: int | None = None
    smallest_std: float | None = None  # over columns that vary
    smallest_column: int | None = None
    largest_std: float | None = None
    offset: float | None = None  # median over columns of |mean| / std
    n_codes: int | None = None  # columns of whole numbers that look like category codes
    is_token_ids: bool | None = None  # the first layer embeds
    # Labels.
    target_kind: str | None = None  # "ids", "one_hot", "multi_hot", "scaled", "real"
    target_min: float | None = None
    target_max: float | None = None
    n_distinct_targets: int | None = None
    duplicate_share: float | None = None  # rows equal to an earlier row
    conflict_share: float | None = None  # rows equal to a row of another class
    best_column: int | None = None  # the one column that ranks the classes best
    best_column_auc: float | None = None
    # Order of the rows as they were given.
    label_order_z: float | None = None  # runs of labels: standard errors too few
    # Training rows against validation rows.
    shared_share: float | None = None  # validation rows that are training rows too
    synthetic_share: float | None = None  # minority validation rows on a segment
    synthetic_null: float | None = None  # the same share among training rows
    shift_auc: float | None = None  # of a classifier that tells the sides apart
    shift_error: float | None = None  # its standard error
    shift_columns: tuple[int, ...] = ()
    shift_scale: float | None = None  # std of the validation columns over training
    shift_offset: float | None = None  # |difference of means| over std, median
    # Other learners on the same training rows, measured by cross-validation, or on the
    # validation rows where there are some: MCC at the best threshold; with more than
    # two classes the mean recall, 0 for a guess.
    linear_score: float | None = None
    tree_score: float | None = None
    one_hot_score: float | None = None  # linear, with codes as categories
    network_score: float | None = None  # the network, on the same rows
    score_error: float | None = None
    linear_scores_by_size: tuple[tuple[int, float, float], ...] = ()  # n, mean, error


@dataclass(frozen=True)
class Probe(_Plain):
    """What was measured on the network: final weights, at most 256 fixed rows."""

    gradient_norms: tuple[float, ...] | None = None  # one per kernel, from the input
    weight_norms: tuple[float, ...] | None = None
    weight_scales: tuple[float, ...] | None = None  # std over Glorot's, one per kernel
    n_equal_units: tuple[int, ...] | None = None  # beyond the first of equal columns
    units: tuple[int, ...] | None = None  # of each kernel
    dead_shares: tuple[float, ...] | None = None  # one per layer whose units can die
    saturated_shares: tuple[float, ...] | None = None  # one per hidden sigmoid, tanh
    nonfinite_weights: bool | None = None
    output_min: float | None = None
    output_max: float | None = None
    output_sum_error: float | None = None  # mean distance of a row's sum from 1
    loss_of_model: float | None = None  # what the model computes, without penalties
    loss_of_outputs: float | None = None  # the same loss of what it predicts
    loss_training_mode: float | None = None
    accuracy_training_mode: float | None = None
    accuracy_inference_mode: float | None = None
    loss_inference_mode: float | None = None
    mode_similarity: float | None = None  # cosine of outputs in the two modes
    penalty: float | None = None  # L1, L2 and activity penalties in the loss


@dataclass(frozen=True)
class SearchFacts(_Plain):
    """What only a search or a cross-validation can show."""

    scoring: str | None = None
    n_candidates: int | None = None
    n_folds: int | None = None
    best_score: float | None = None
    fold_scores: tuple[float, ...] | None = None  # of the winner
    edges: dict[str, Any] | None = None  # best value at the edge of its grid
    n_tied: int | None = None  # candidates within one standard error of the winner
    fold_minority: int | None = None  # rows of the smallest class in one fold


@dataclass(frozen=True)
class Case:
    """One training: its curves and all that is known around them.

    Parameters
    ----------
    curves : dict of str to ndarray, default={}
        One value per epoch: ``loss``, ``val_loss``, ``accuracy``, ``f1``, ``mcc``,
        ``precision``, ``recall``, ``auc``, their ``val_`` twins, ``learning_rate``,
        gradient and update norms.
    layers : tuple of Layer or None
        From the input to the output, the last one the head.
    task : {"binary", "multiclass", "multilabel", "regression"} or None
        What is asked of the network.
    n_classes : int or None
        Distinct classes among all labels.
    training : Training or None
        How it was trained.
    train, natural, val : Part or None
        Rows trained on, natural rows among them (None if those are the same), and
        validation rows.
    rows, probe, search : RowFacts, Probe, SearchFacts or None
        Measurements.
    is_honest : bool
        Both loss curves were measured at the end of the epoch in inference mode, on
        natural rows, without penalties (those of skloss). Keras' training loss is a
        running mean with dropout, class weights and penalties.
    holdout : str or None
        Where validation rows come from: "pipeline", "internal", "given", "tail" or
        "none"; None if unknown.
    is_resampled : bool or None
        Whether the training rows are known to be made by a sampler.
    best_epoch : int or None
        Epoch (from 0) whose weights were kept; None for the last.
    stop_reason : str or None
        As in the record.
    origin : str
        Kind of the source, for the texts: "skloss", "keras", "scikeras", "sklearn",
        "curves".
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    layers: tuple[Layer, ...] | None = None
    task: Task | None = None
    n_classes: int | None = None
    training: Training | None = None
    train: Part | None = None
    natural: Part | None = None
    val: Part | None = None
    rows: RowFacts | None = None
    probe: Probe | None = None
    search: SearchFacts | None = None
    is_honest: bool = False
    holdout: str | None = None
    is_resampled: bool | None = None
    best_epoch: int | None = None
    stop_reason: str | None = None
    origin: str = "curves"

    @property
    def n_epochs(self) -> int:
        """Number of epochs in the curves."""
        return len(next(iter(self.curves.values()), ()))

    @property
    def unsampled(self) -> Part | None:
        """Training rows as they were before any sampler; None if not known."""
        return self.natural if self.natural is not None else self.train

    @cached_property
    def head(self) -> Layer | None:
        """The last layer with units, with the activation that follows it."""
        activation = None
        for layer in reversed(self.layers or ()):
            if layer.has_kernel:
                own = layer.activation or "linear"
                name = own if activation in (None, "linear") else activation
                return Layer(layer.kind, layer.name, name, layer.units)
            if layer.kind == "activation" and activation is None:
                activation = layer.activation
        return None
