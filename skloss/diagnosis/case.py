"""``Case``: all that rules read of one training. Parts that are not known are None.

The parts are plain data and are stored in a ``TrainingRecord``. So a saved record gives
the same diagnosis as the object it was made from.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from skloss.record.description import Layer, PlainPart, SplitMetrics, Training
from skloss.record.loss_gap import LossGap
from skloss.record.validation_shift import ValidationShift

__all__ = ["Case", "PenaltyFacts", "Preparation", "Probe", "RowFacts", "SearchFacts"]

Task = Literal["binary", "multiclass", "multilabel", "regression"]
Curve = np.ndarray


@dataclass(frozen=True)
class RowFacts(PlainPart):
    """Measurements of the rows; see ``skloss.readers.row_facts``."""

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
    n_embedded: int | None = None  # columns of codes embedded beside columns of numbers
    # Series that a step before the network scales column by column.
    column_scaler: str | None = None  # its class
    series_levels: float | None = None  # std of the means over a typical std in time
    series_amplitudes: float | None = None  # ratio of large and small stds in time
    # Images.
    two_ranges_share: float | None = None  # fractions up to 1, or far larger: the rarer
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
    label_order_z: float | None = None  # runs of labels fewer than by chance, in errors
    # Training rows against validation rows.
    shared_share: float | None = None  # validation rows that are training rows too
    synthetic_share: float | None = None  # of one class: copies or interpolations
    synthetic_null: float | None = None  # the same share of another class
    shift_auc: float | None = None  # of a classifier that separates the two splits
    shift_error: float | None = None  # its standard error
    shift_columns: tuple[int, ...] = ()
    shift_scale: float | None = None  # std in validation over std in training
    shift_offset: float | None = None  # |difference of means| over std, median
    # Baseline models on the same training rows, scored on the validation rows where
    # there are any, else by cross-validation. The score is the MCC at the best
    # threshold; with more than two classes it is the mean recall, scaled so that chance
    # is 0.
    linear_score: float | None = None
    tree_score: float | None = None
    one_hot_score: float | None = None  # linear, with codes one-hot encoded
    network_score: float | None = None  # of the network on the same rows
    score_error: float | None = None
    # What `error_floor` has estimated, where it was given.
    lowest_error: tuple[float, float, float] | None = None  # low, estimate, high
    lowest_loss: float | None = None  # nats
    # The fifth of the rows that trees are surest of: how many, the share that they get
    # wrong, and that of the next fifth.
    easiest_wrong: tuple[int, float, float] | None = None
    linear_scores_by_size: tuple[tuple[int, float, float], ...] = ()  # n, mean, error


@dataclass(frozen=True)
class Probe(PlainPart):
    """Measurements of the network: final weights, and outputs on up to 256 rows."""

    gradient_norms: tuple[float, ...] | None = None  # one per kernel, input first
    weight_norms: tuple[float, ...] | None = None
    weight_scales: tuple[float, ...] | None = None  # std over Glorot's std, per kernel
    n_equal_units: tuple[int, ...] | None = None  # units equal to an earlier one
    units: tuple[int, ...] | None = None  # of each kernel
    dead_shares: tuple[float, ...] | None = None  # one per layer with ReLU units
    saturated_shares: tuple[float, ...] | None = None  # one per sigmoid or tanh layer
    nonfinite_weights: bool | None = None
    output_min: float | None = None
    output_max: float | None = None
    output_sum_error: float | None = None  # mean |sum of the outputs of a row - 1|
    loss_of_model: float | None = None  # as the model computes it, without penalties
    loss_of_outputs: float | None = None  # the same loss, of the predicted values
    loss_training_mode: float | None = None
    accuracy_training_mode: float | None = None
    accuracy_inference_mode: float | None = None
    loss_inference_mode: float | None = None
    mode_similarity: float | None = None  # cosine of the outputs of the two modes
    penalty: float | None = None  # L1, L2 and activity penalties in the loss


@dataclass(frozen=True)
class SearchFacts(PlainPart):
    """Results of a search or of a cross-validation."""

    scoring: str | None = None
    n_candidates: int | None = None
    n_folds: int | None = None
    best_score: float | None = None
    fold_scores: tuple[float, ...] | None = None  # of the best candidate
    edges: dict[str, Any] | None = None  # best values at the edge of the grid
    n_tied: int | None = None  # candidates within one standard error of the best
    fold_minority: int | None = None  # rows of the smallest class in one fold
    is_grouped: bool | None = None  # the cross-validator keeps groups together


@dataclass(frozen=True)
class PenaltyFacts(PlainPart):
    """Penalties that a closed form was fitted with, and the one that was chosen."""

    values: tuple[float, ...] = ()  # from strong to weak
    losses: tuple[float, ...] = ()  # of unseen rows, at the class shares of training
    chosen: int | None = None  # its place


@dataclass(frozen=True)
class Preparation(PlainPart):
    """What the code of a training does to the rows before ``fit``."""

    is_scaled: bool | None = None  # None if not known
    is_ordered: bool | None = None  # rows of one class follow each other
    scales_apart: str | None = None  # a scaling that only one side has
    own_scaler: str | None = None  # that is fitted on the validation rows
    sampler: str | None = None  # of the training rows, not of the validation rows
    shared_rows: str | None = None  # "all" or "some" of those held out are trained on
    target_kind: str | None = None  # "one_hot" or "ids", one number per row
    target_kind_val: str | None = None  # the same of the validation rows


@dataclass(frozen=True)
class Case:
    """One training: its curves, its settings and its measurements.

    Parameters
    ----------
    curves : dict of str to ndarray, default={}
        One value per epoch: ``loss``, ``val_loss``, ``accuracy``, ``f1``, ``mcc``,
        ``precision``, ``recall``, ``auc``, their ``val_`` twins, ``learning_rate``,
        gradient and update norms.
    layers : tuple of Layer or None
        Layers of the network, from the input to the output.
    task : {"binary", "multiclass", "multilabel", "regression"} or None
        Kind of the problem.
    n_classes : int or None
        Number of distinct classes among all labels.
    training : Training or None
        Settings of the training.
    train, original, val : SplitMetrics or None
        Class counts and predictions of the training rows, of the original rows (None
        if no sampler changed them), and of the validation rows.
    rows, probe, search : RowFacts, Probe, SearchFacts or None
        Measurements.
    penalties : PenaltyFacts or None
        The penalties of a closed form.
    shift : ValidationShift or None
        How far validation rows that were given lie from the training rows.
    preparation : Preparation or None
        What the code of the training does to the rows, where it was read.
    is_honest : bool
        Both loss curves were measured at the end of the epoch in inference mode, on
        original rows, without penalties (those of skloss). Keras' training loss is a
        running mean with dropout, class weights and penalties.
    holdout : str or None
        Source of the validation rows: "pipeline", "internal", "given", "tail" or
        "none"; None if unknown. Of code also "folds" or "test", where rows that a
        sampler made are cut into folds, or into rows for training and for a test.
    holdout_groups : {"kept", "missed", "none"} or None
        Whether the hold-out of a fit kept groups together: they were passed; they were
        passed to a cross-validation around the fit only; or no groups are known.
    is_resampled : bool or None
        Whether the training rows are known to be made by a sampler.
    samplers : tuple of str or None
        Samplers before the network; None if unknown.
    best_epoch : int or None
        Epoch (from 0) whose weights were kept; None for the last.
    gap : LossGap or None
        The gap between the printed training loss and the validation loss, in parts.
    no_gap : str or None
        Why it could not be measured, although there were rows to measure it by.
    stop_reason : str or None
        Reason why the training stopped, as in the record.
    origin : str
        Kind of the source: "skloss", "keras", "scikeras", "sklearn" or "curves".
    decisions : tuple of str
        How code turns outputs into classes: "above 0.5", "round" or "argmax".
    is_partial : bool
        Whether code was too long, so that only a part of it was read.
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    layers: tuple[Layer, ...] | None = None
    task: Task | None = None
    n_classes: int | None = None
    training: Training | None = None
    train: SplitMetrics | None = None
    original: SplitMetrics | None = None
    val: SplitMetrics | None = None
    rows: RowFacts | None = None
    probe: Probe | None = None
    search: SearchFacts | None = None
    shift: ValidationShift | None = None
    preparation: Preparation | None = None
    is_honest: bool = False
    holdout: str | None = None
    holdout_groups: str | None = None
    is_resampled: bool | None = None
    samplers: tuple[str, ...] | None = None
    best_epoch: int | None = None
    gap: LossGap | None = None
    no_gap: str | None = None
    penalties: PenaltyFacts | None = None
    stop_reason: str | None = None
    origin: str = "curves"
    decisions: tuple[str, ...] = ()
    is_partial: bool = False

    @property
    def is_closed_form(self) -> bool:
        """Whether a formula gave the fit, so that layers and epochs do not exist."""
        return self.stop_reason == "penalties"

    @property
    def n_epochs(self) -> int:
        """Number of epochs in the curves."""
        return len(next(iter(self.curves.values()), ()))

    @property
    def unsampled(self) -> SplitMetrics | None:
        """Training rows as they were before any sampler; None if not known."""
        return self.original if self.original is not None else self.train

    @cached_property
    def head(self) -> Layer | None:
        """The output layer: the last one with weights, and the activation behind it."""
        activation = None
        for layer in reversed(self.layers or ()):
            if layer.has_kernel:
                own = layer.activation or "linear"
                name = own if activation in (None, "linear") else activation
                return Layer(layer.kind, layer.name, name, layer.units)
            if layer.kind == "activation" and activation is None:
                activation = layer.activation
        return None
