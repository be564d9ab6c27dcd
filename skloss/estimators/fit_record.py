"""The record of a fit: what was asked, what was seen, and what came out."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skloss.estimators.fit_job import Job
from skloss.estimators.fit_rows import GIVEN
from skloss.holdout import are_resampled, count_codes
from skloss.metrics import confusion_matrix
from skloss.record import Layer, Training, TrainingRecord
from skloss.record.plain_values import as_plain
from skloss.record.recorded_metrics import recorded_metrics
from skloss.record.validation_shift import measured_shift
from skloss.sparse_rows import dense_blocks
from skloss.training import Calibration, Rows, TrainingResult

__all__ = ["Description", "Measured", "described_parameters", "make_record"]

_QUANTILES = (0.0, 0.01, 0.5, 0.99, 1.0)
_RANGE_ROWS = 10_000
_HOLDOUTS = {"X_val": "given", "validation_data": "given", "resampled": "internal"}
_SPLITS = {"": ("original", "measured"), "val_": ("val", "validation")}


@dataclass(frozen=True)
class Description:
    """What is trained, and how; the rest is known to the job.

    ``is_crossentropy`` says whether the loss curves are a cross-entropy in nats.
    """

    layers: tuple[Layer, ...]
    n_parameters: int
    training: Training
    is_crossentropy: bool


@dataclass(frozen=True)
class Measured:
    """Rows that were measured after every epoch, and their probabilities at the end."""

    rows: Rows
    scores: Callable[[], np.ndarray]


def make_record(
    job: Job,
    description: Description,
    result: TrainingResult,
    measured: Mapping[str, Measured],
    loss_gap: Mapping[str, Any] | None = None,
    calibration: Calibration | None = None,
) -> TrainingRecord:
    """Make the record of a fit from what its parts know.

    Parameters
    ----------
    job : Job
        The estimator, its rows and its settings.
    description : Description
        The network.
    result : TrainingResult
        What training left.
    measured : mapping of str to Measured
        By ``""`` and ``"val_"``, as the names of the curves begin.
    loss_gap : mapping, optional
        Plain data of the gap between the losses, from `measure_gap`.
    calibration : Calibration, optional
        What is done to the logits.
    """
    data = _data(job, measured[""].rows)
    outcome = _outcome(job, description, result, measured, data["class_counts"])
    if job.rows.positions is not None:
        data["held_out_rows"] = job.rows.positions.tolist()
    if calibration is not None and not calibration.changes_nothing:
        outcome["calibration"] = as_plain(asdict(calibration))
    if loss_gap:
        outcome["loss_gap"] = dict(loss_gap)
    return TrainingRecord(
        configuration=_configuration(job, description),
        data=data,
        history=result.history,
        outcome=outcome,
    )


def _configuration(job: Job, description: Description) -> dict[str, Any]:
    return {
        "estimator": job.owner,
        "parameters": described_parameters(job.estimator),
        "origin": "skloss",
        "is_honest": True,
        "task": "binary" if job.n_classes == 2 else "multiclass",
        "layers": [as_plain(layer.to_dict()) for layer in description.layers],
        "n_parameters": description.n_parameters,
        "training": as_plain(_training(job, description).to_dict()),
        "seed": job.settings.seed,
        # The value of a scorer has its sign in it.
        "higher_is_better": dict.fromkeys(job.scorers.curves, True),
    }


def described_parameters(estimator: Any) -> dict[str, Any]:
    """Parameters of an estimator, in words where JSON has none."""
    parameters = estimator.get_params(deep=False)
    return {name: _parameter(value) for name, value in parameters.items()}


def _parameter(value: object) -> Any:
    """Value as it is where JSON has a word for it, else its text."""
    if isinstance(value, Mapping):  # its keys are labels, of any type
        return {key: as_plain(part, other=repr) for key, part in value.items()}
    return as_plain(value, other=repr)


def _training(job: Job, description: Description) -> Training:
    """Complete the settings by those of the loss's weights and of early stopping."""
    given, settings = job.given_class_weight, job.settings
    by_class = job.drawn_class_weight
    if settings.balanced_batches and job.class_weight is None:
        given = "balanced"  # in effect
    kind = "dict" if isinstance(given, Mapping) else given or "none"
    weights = None
    if by_class is not None:
        weights = {str(code): float(weight) for code, weight in enumerate(by_class)}
    stops = settings.patience is not None
    return replace(
        description.training,
        class_weight_kind=kind,
        class_weight_keys="int" if kind == "dict" else None,
        class_weight=weights,
        balanced_batches=bool(settings.balanced_batches),
        sampler=_sampler_name(job.estimator),
        monitor=settings.monitor if stops else None,
        monitor_is_scorer=settings.monitor in job.scorers.curves if stops else None,
        patience=settings.patience,
        restore_best=settings.restore_best if stops else None,
    )


def _sampler_name(estimator: Any) -> str | None:
    sampler = getattr(estimator, "sampler", None)
    return None if sampler is None else type(sampler).__name__


def _data(job: Job, seen: Rows) -> dict[str, Any]:
    """Say what was seen; ``seen`` are the original rows that were measured."""
    rows, n_classes = job.rows, job.n_classes
    parts = {"trained": rows.training, "original": rows.original, "measured": seen}
    if rows.validation:
        parts["validation"] = rows.validation
    counts = {
        name: count_codes(part.y, n_classes).tolist() for name, part in parts.items()
    }
    priors = {
        name: (np.array(counts[name]) / len(parts[name])).tolist()
        for name in ("original", "validation")
        if name in parts
    }
    return {
        "n_rows": len(rows.training),
        "n_given": rows.n_given,
        "held_out_rows": None,  # last of all: a list takes five times an array
        "n_features": int(job.estimator.n_features_in_),
        "classes": job.estimator.classes_.tolist(),
        "n_classes": n_classes,
        "pos_label": None
        if job.positive is None
        else job.estimator.classes_.tolist()[job.positive],
        "class_counts": counts,
        "priors": {"train": job.prior.tolist(), **priors},
        "columns": _column_ranges(seen.X),
        "validation_shift": _shift(job, seen),
        "holdout": _HOLDOUTS.get(rows.source, rows.source),
        "holdout_rows": _holdout_rows(job),
        "holdout_groups": rows.groups,
        "samplers": None if rows.samplers is None else list(rows.samplers),
        "is_resampled": rows.source == "resampled"
        or are_resampled(counts["trained"], counts["original"]),
    }


def _shift(job: Job, seen: Rows) -> dict[str, Any] | None:
    """Compare rows that were given to validate on, which no step in front has seen."""
    held = job.rows.validation
    if job.rows.source not in GIVEN or held is None or held.is_streamed:
        return None
    n_channels = getattr(job.estimator, "n_channels", None)
    if len(job.row_shape) > 1 or len(seen.X.shape) > 2:
        n_channels = (*seen.X.shape, *job.row_shape)[-1]
    found = measured_shift(seen.X, held.X, n_channels)
    return None if found is None else found.to_dict()


def _holdout_rows(job: Job) -> str | None:
    """Say how the rows held out by ``validation_fraction`` were chosen."""
    if job.rows.source not in ("pipeline", "internal", "resampled"):
        return None
    how = getattr(job.estimator, "validation_rows", "stratified")
    return how if isinstance(how, str) else repr(how)


def _column_ranges(X: Any) -> dict[str, Any]:
    """Quantiles of each column, robust enough to tell a scaled one from a raw one."""
    if issparse(X):
        X = X[: X.shape[0] : max(1, X.shape[0] // _RANGE_ROWS)]
        parts = [_column_ranges(block.T) for block in dense_blocks(X.T.tocsr())]
        return {
            name: [value for part in parts for value in part[name]] for name in parts[0]
        }
    sample = X[:: max(1, len(X) // _RANGE_ROWS)]
    names = ("min", "p01", "median", "p99", "max")
    if np.isnan(sample).any():  # steps that a recurrent network skips
        with warnings.catch_warnings():  # of columns without any value
            warnings.simplefilter("ignore", RuntimeWarning)
            quantiles = np.nanquantile(sample, _QUANTILES, axis=0)
            spread = np.nanstd(sample, axis=0, dtype=np.float64)
    else:
        quantiles = np.quantile(sample, _QUANTILES, axis=0)
        spread = sample.std(axis=0, dtype=np.float64)
    return {
        **{name: q.tolist() for name, q in zip(names, quantiles, strict=True)},
        "std": spread.tolist(),
    }


def _outcome(
    job: Job,
    description: Description,
    result: TrainingResult,
    measured: Mapping[str, Measured],
    counts: Mapping[str, list[int]],
) -> dict[str, Any]:
    outcome: dict[str, Any] = {
        "best_epoch": result.best_epoch,
        "kept_epoch": result.kept_epoch,
        "monitor": job.settings.monitor,
        "stop_reason": result.stop_reason,
        "program": result.backend,
        "program_reason": result.reason,
        "seconds": float(sum(result.history.get("seconds", []))),
    }
    confusion = None
    if job.n_classes > 2:  # of two classes the curves have all counts
        guessed = measured[""].scores().argmax(axis=1)
        confusion = confusion_matrix(measured[""].rows.y, guessed, job.n_classes)
    truth = scores = None
    if "val_" in measured:
        truth = measured["val_"].rows.y
        scores = np.asarray(measured["val_"].scores(), float)
        if job.positive is not None:
            scores = np.array(scores[:, job.positive])
    metrics: dict[str, Any] = {"train": {"counts": counts["trained"]}}
    for prefix in measured:
        split, rows = _SPLITS[prefix]
        is_val = split == "val"
        found = recorded_metrics(
            result.history,
            prefix,
            -1 if result.kept_epoch is None else result.kept_epoch,
            counts[rows],
            is_crossentropy=description.is_crossentropy,
            truth=truth if is_val else None,
            scores=scores if is_val else None,
            confusion=None if is_val else confusion,
            positive=job.positive,
        )
        metrics[split] = as_plain(found.to_dict())
    if truth is not None and scores is not None:
        outcome["validation_truth"] = truth.tolist()
        outcome["validation_scores"] = scores.tolist()
    return outcome | {"metrics": metrics}
