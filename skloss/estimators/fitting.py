"""Fit a network from an estimator's parameters and validated rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skloss.estimators.callback_tasks import EpochTasks
from skloss.estimators.checks import check_callbacks, check_choice, class_weights
from skloss.estimators.epoch_display import shown_epochs
from skloss.estimators.fit_record import Job, Measured, make_record
from skloss.holdout import stratified_sample
from skloss.metrics import class_prior
from skloss.networks import ACTIVATIONS, NetworkSpec, initial_weights
from skloss.record import TrainingRecord
from skloss.training import (
    KERAS_OPTIMIZERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Evaluator,
    Rows,
    Settings,
    TrainingResult,
    curve_names,
    train,
)

__all__ = [
    "MOST_MEASURED_ROWS",
    "Fitted",
    "fit_network",
    "measured_rows",
    "monitored_curve",
    "row_weights",
    "stops_early",
]

# With fewer validation rows of a class than this the curve is noise, and stopping by it
# costs far more than it saves (benchmarks/defaults.py).
_ENOUGH_TO_STOP_BY = 50

# Original training rows measured after every epoch: at most this many, and at most this
# many multiplications' worth, but never fewer than so many.
MOST_MEASURED_ROWS = 2**17
_MEASURED_WORK = 10**9
_FEWEST_MEASURED = 2**11


@dataclass(frozen=True)
class Fitted:
    """A trained network, the optimizer's state to go on from, and the record."""

    network: NetworkSpec
    result: TrainingResult
    record: TrainingRecord


def fit_network(
    estimator: Any,
    input_shape: tuple[int, ...],
    job: Job,
    earlier: Fitted | None,
    tasks: EpochTasks | None = None,
) -> Fitted:
    """Train the network that an estimator's parameters describe.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Its parameters and its ``classes_`` are read, nothing is set.
    input_shape : tuple of int
        Shape of one row as the network sees it.
    job : Job
        The rows.
    earlier : Fitted or None
        The fit to go on from, with its weights and, in a partial fit, all of its state.
    tasks : EpochTasks or None
        Told of every epoch, for callbacks of scikit-learn.
    """
    owner, n_classes = type(estimator).__name__, len(estimator.classes_)
    check_choices(estimator)
    spec = estimator._network(input_shape, 1 if n_classes == 2 else n_classes)
    y = job.training.y
    weight = row_weights(estimator, job.training)
    prior = class_prior(y, n_classes, weight)
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    settings = _settings(estimator, seed, job)
    evaluators = _evaluators(estimator, spec, job, prior)
    # One row more of each class, so that a class yet to come is not ruled out.
    guess = (prior * len(y) + 1) / (len(y) + n_classes)
    weights = _first_weights(owner, spec, guess, seed, earlier)
    if settings.monitor is not None:
        curves = curve_names(spec, weights, evaluators)
        check_choice(owner, "monitor", settings.monitor, curves)
    goes_on = earlier if job.is_partial else None

    def fitted(result: TrainingResult) -> Fitted:
        measured = {
            prefix: Measured(
                evaluator.rows, partial(evaluator.scores, spec, result.weights)
            )
            for prefix, evaluator in evaluators.items()
        }
        network = {
            "network": spec.to_dict(),
            "n_parameters": spec.n_parameters,
            "seed": settings.seed,
        }
        record = make_record(
            estimator, network, settings.monitor, result, measured, job, prior
        )
        if goes_on:
            record = record.after(goes_on.record)
        return Fitted(spec, result, record)

    weight = None if weight is None else weight.astype(np.float32)
    with shown_epochs(owner, settings.epochs, estimator.verbose) as shown:
        result = train(
            spec,
            weights,
            replace(job.training, sample_weight=weight),
            replace(settings, callbacks=(*settings.callbacks, *shown)),
            evaluators,
            slots=goes_on.result.slots if goes_on else None,
            first_step=goes_on.result.step if goes_on else 0,
            is_repeated=job.is_partial,
            observer=None if tasks is None else _Observer(tasks, fitted),
        )
    return fitted(result)


@dataclass(frozen=True)
class _Observer:
    """Hands on to callbacks what a training tells of its epochs."""

    tasks: EpochTasks
    fitted: Callable[[TrainingResult], Fitted]

    def begin_epoch(self) -> None:
        self.tasks.begin_epoch()

    def end_epoch(self, result: Callable[[], TrainingResult]) -> bool:
        return self.tasks.end_epoch(lambda: self.fitted(result()))


def row_weights(estimator: Any, rows: Rows) -> np.ndarray | None:
    """Weight of each row in the loss, None if all are one."""
    if estimator.class_weight is None:
        return rows.sample_weight
    owner = type(estimator).__name__
    by_class = class_weights(owner, estimator.class_weight, estimator.classes_, rows.y)
    weight = by_class[rows.y]
    return weight if rows.sample_weight is None else weight * rows.sample_weight


def check_choices(estimator: Any) -> None:
    """Refuse names that no table has, naming the nearest one that there is."""
    tables: dict[str, Any] = {
        "activation": ACTIVATIONS,
        "loss": LOSSES,
        "optimizer": (*OPTIMIZERS, *KERAS_OPTIMIZERS),
        "learning_rate_schedule": SCHEDULES,
    }
    for parameter, choices in tables.items():
        value = getattr(estimator, parameter)
        if not callable(value):
            check_choice(type(estimator).__name__, parameter, value, choices)


def _evaluators(
    estimator: Any, spec: NetworkSpec, job: Job, prior: np.ndarray
) -> dict[str, Evaluator]:
    rows = {"": measured_rows(spec.n_multiplications, job.original, job.validation)}
    if job.validation:
        rows["val_"] = job.validation
    return {
        prefix: Evaluator(
            rows=measured,
            n_classes=len(estimator.classes_),
            train_prior=prior,
            loss=estimator.loss,
            focal_gamma=float(estimator.focal_gamma),
            label_smoothing=float(estimator.label_smoothing),
        )
        for prefix, measured in rows.items()
    }


def measured_rows(
    n_multiplications: int, original: Rows, validation: Rows | None
) -> Rows:
    """Original training rows that the curves are measured on after every epoch.

    All of them, unless that would take more than some milliseconds a time; then a
    stratified sample, no smaller than the hold-out that it is compared with unless that
    has more than ``MOST_MEASURED_ROWS``.
    """
    most = max(
        _MEASURED_WORK // n_multiplications,
        _FEWEST_MEASURED,
        len(validation) if validation else 0,
    )
    most = min(most, MOST_MEASURED_ROWS)
    if len(original) > most:
        original = original.at(stratified_sample(original.y, most))
    return original.compact()


def _first_weights(
    owner: str,
    spec: NetworkSpec,
    guess: np.ndarray,
    seed: int,
    earlier: Fitted | None,
) -> list[np.ndarray]:
    """Weights of an earlier fit, or of an untrained network that makes this guess."""
    if earlier is not None:
        if spec.weight_shapes() != earlier.network.weight_shapes():
            raise ValueError(
                f"{owner} cannot go on from its earlier weights: the parameters or the "
                "columns of X now give a network of another shape. Set "
                "warm_start=False, or clone the classifier."
            )
        return earlier.result.weights
    logs = np.log(guess)
    bias = logs[1:] - logs[:1] if spec.n_outputs == 1 else logs - logs.mean()
    return initial_weights(spec, np.random.default_rng((seed, 0)), bias)


def _settings(estimator: Any, seed: int, job: Job) -> Settings:
    stops = not job.is_partial and stops_early(estimator, job.validation)
    schedule = estimator.learning_rate_schedule
    clipnorm = estimator.clipnorm
    return Settings(
        optimizer=estimator.optimizer,
        learning_rate=float(estimator.learning_rate),
        learning_rate_schedule="constant" if job.is_partial else schedule,
        momentum=float(estimator.momentum),
        nesterov=bool(estimator.nesterov),
        weight_decay=float(estimator.weight_decay),
        clipnorm=None if clipnorm is None else float(clipnorm),
        loss=estimator.loss,
        focal_gamma=float(estimator.focal_gamma),
        label_smoothing=float(estimator.label_smoothing),
        epochs=1 if job.is_partial else int(estimator.epochs),
        batch_size=int(estimator.batch_size),
        monitor=None if job.is_partial else monitored_curve(estimator, job.validation),
        patience=int(estimator.patience) if stops else None,
        restore_best=bool(estimator.restore_best),
        callbacks=check_callbacks(type(estimator).__name__, estimator.callbacks),
        seed=seed,
    )


def stops_early(estimator: Any, validation: Rows | None) -> bool:
    """Decide whether early stopping is on; "auto" asks for enough rows."""
    if estimator.early_stopping == "auto":
        if validation is None:
            return False
        counts = np.bincount(validation.y, minlength=len(estimator.classes_))
        return bool(counts.min() >= _ENOUGH_TO_STOP_BY)
    if estimator.early_stopping and validation is None:
        raise ValueError(
            "early_stopping=True needs validation rows: set validation_fraction, or "
            "pass X_val and y_val to fit."
        )
    return bool(estimator.early_stopping)


def monitored_curve(estimator: Any, validation: Rows | None) -> str | None:
    """Name of the curve to stop by; one of the hold-out unless told otherwise."""
    if estimator.monitor != "auto":
        if validation is None and estimator.monitor.startswith("val_"):
            raise ValueError(
                f"The 'monitor' parameter of {type(estimator).__name__} is "
                f"{estimator.monitor!r}, but no rows are held out: set "
                "validation_fraction, or pass X_val and y_val to fit."
            )
        return estimator.monitor
    if validation is None:
        return None
    has_all = len(np.unique(validation.y)) == len(estimator.classes_)
    return "val_loss_at_train_prior" if has_all else "val_loss"
