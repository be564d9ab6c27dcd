"""Fit a compiled Keras model on validated rows, and record the fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skloss.estimators.checks import check_choice
from skloss.estimators.epoch_display import shown_epochs
from skloss.estimators.fit_record import Job, Measured, make_record
from skloss.estimators.fitting import (
    measured_rows,
    monitored_curve,
    stops_early,
)
from skloss.metrics import class_prior
from skloss.networks import NetworkSpec
from skloss.networks.from_keras import NoCompiledFormError, spec_from_keras
from skloss.networks.keras_layers import network_layers
from skloss.record import TrainingRecord
from skloss.training import (
    Evaluator,
    Rows,
    Settings,
    TrainingResult,
    curve_names,
    train,
)
from skloss.training.from_keras import optimizer_settings
from skloss.training.keras_fit import train_keras
from skloss.training.keras_network import KerasEvaluator, KerasNetwork

__all__ = ["KerasFitted", "KerasJob", "fit_keras_network"]

# Arguments of keras.Model.fit that the engine knows too.
_KNOWN_ARGUMENTS = {
    "batch_size",
    "epochs",
    "initial_epoch",
    "shuffle",
    "validation_batch_size",
    "validation_data",
    "validation_split",
    "verbose",
}
# Metrics of Keras that stand among the exact curves.
_ACCURACIES = ("acc", "accuracy")


@dataclass(frozen=True)
class KerasJob:
    """Rows of a fit, and what ``keras.Model.fit`` would be told besides.

    ``weight`` are those of the training rows in the loss, with the classes' own.
    """

    rows: Job
    weight: np.ndarray | None
    epochs: int
    arguments: Mapping[str, Any]
    fit: Callable[[Any], None]  # by Keras, with one callback more
    callbacks: tuple[str, ...] = ()
    obstacle: str | None = None  # of the estimator, to the engine


@dataclass(frozen=True)
class KerasFitted:
    """What training leaves beside the model: curves, and what the engine goes on from.

    ``spec`` is None where ``keras.Model.fit`` has trained the network.
    """

    spec: NetworkSpec | None
    result: TrainingResult
    record: TrainingRecord
    curves: dict[str, list[float]]  # of the engine, by the names that Keras gives them


def fit_keras_network(
    estimator: Any, network: KerasNetwork, job: KerasJob, earlier: KerasFitted | None
) -> KerasFitted:
    """Train the model of a network, in place, by the engine where it can.

    Parameters
    ----------
    estimator : KerasClassifier
        Its parameters and its ``classes_`` are read, nothing is set.
    network : KerasNetwork
        The model.
    job : KerasJob
        What it is trained on.
    earlier : KerasFitted or None
        The fit that it goes on from.
    """
    n_classes, rows = len(estimator.classes_), job.rows
    prior = class_prior(rows.training.y, n_classes, job.weight)
    stops = not rows.is_partial and stops_early(estimator, rows.validation)
    seed = int(check_random_state(estimator._random_state).randint(2**31 - 1))
    settings = Settings(
        epochs=job.epochs,
        batch_size=_batch_size(job),
        shuffle=bool(job.arguments.get("shuffle", True)),
        monitor=None
        if rows.is_partial
        else monitored_curve(estimator, rows.validation),
        patience=int(estimator.patience) if stops else None,
        restore_best=bool(estimator.restore_best),
        seed=seed,
    )
    reason = ""
    try:
        spec, settings, names = _compiled_form(network, job, settings, earlier)
    except NoCompiledFormError as error:
        reason = str(error)
    if reason:
        fitted = _by_keras(estimator, network, job, settings, prior, reason)
    else:
        fitted = _by_engine(
            estimator, network, job, settings, prior, spec, names, earlier
        )
    if rows.is_partial and earlier is not None:
        fitted = replace(fitted, record=fitted.record.after(earlier.record))
    return fitted


def _batch_size(job: KerasJob) -> int:
    size = job.arguments.get("batch_size")
    if size == -1:
        return len(job.rows.training)
    return 32 if size is None else int(size)


# -------------------------------------------------------------------------- the engine


def _compiled_form(
    network: KerasNetwork,
    job: KerasJob,
    settings: Settings,
    earlier: KerasFitted | None,
) -> tuple[NetworkSpec, Settings, dict[str, str]]:
    """Spec, settings, and the curve that stands for each name of Keras' history."""
    model, loss = network.model, network.loss
    if job.obstacle:
        raise NoCompiledFormError(job.obstacle)
    if job.callbacks:
        raise NoCompiledFormError("callbacks")
    for name, value in job.arguments.items():
        if name not in _KNOWN_ARGUMENTS and value is not None:
            raise NoCompiledFormError(f"fit was given {name!r}")
    if job.arguments.get("shuffle", True) not in (True, False):
        raise NoCompiledFormError(f"shuffle={job.arguments['shuffle']!r}")
    names = _history_names(model.get_compile_config(), job.rows.validation is not None)
    if loss.settings is None:
        raise NoCompiledFormError(loss.reason or "the loss has no compiled form")
    update = optimizer_settings(model.optimizer)
    spec = spec_from_keras(model, from_logits=loss.from_logits)
    if int(model.optimizer.iterations) or (earlier and earlier.spec != spec):
        raise NoCompiledFormError("the optimizer goes on from keras.Model.fit")
    return spec, replace(settings, **loss.settings, **update), names


def _history_names(compiled: Mapping[str, Any], validates: bool) -> dict[str, str]:
    """Name in Keras' history, and the curve of the engine that it is."""
    for name in ("loss_weights", "weighted_metrics"):
        if compiled.get(name):
            raise NoCompiledFormError(name)
    metrics = compiled.get("metrics") or []
    if not isinstance(metrics, list) or any(m not in _ACCURACIES for m in metrics):
        raise NoCompiledFormError("metrics other than the accuracy")
    names = {"loss": "running_loss"} | dict.fromkeys(metrics, "accuracy")
    if validates:
        names |= {"val_loss": "val_loss"}
        names |= {f"val_{metric}": "val_accuracy" for metric in metrics}
    return names


def _by_engine(
    estimator: Any,
    network: KerasNetwork,
    job: KerasJob,
    settings: Settings,
    prior: np.ndarray,
    spec: NetworkSpec,
    names: Mapping[str, str],
    earlier: KerasFitted | None,
) -> KerasFitted:
    original = measured_rows(
        spec.n_multiplications, job.rows.original, job.rows.validation
    )
    evaluators = {
        prefix: Evaluator(
            rows=_real(rows),
            n_classes=network.n_classes,
            train_prior=prior,
            loss=settings.loss,
            focal_gamma=settings.focal_gamma,
            label_smoothing=settings.label_smoothing,
        )
        for prefix, rows in _sides(original, job).items()
    }
    weights = [np.asarray(array) for array in network.model.get_weights()]
    if settings.monitor is not None:
        curves = curve_names(spec, weights, evaluators)
        check_choice(type(estimator).__name__, "monitor", settings.monitor, curves)
    weight = None if job.weight is None else job.weight.astype(np.float32)
    verbose = 1 if estimator.verbose == "auto" else int(estimator.verbose)
    with shown_epochs(type(estimator).__name__, settings.epochs, verbose) as told:
        result = train(
            spec,
            weights,
            replace(_real(job.rows.training), sample_weight=weight),
            replace(settings, callbacks=told),
            evaluators,
            slots=earlier.result.slots if earlier else None,
            first_step=earlier.result.step if earlier else 0,
            is_repeated=job.rows.is_partial,
        )
    network.model.set_weights(result.weights)
    measured = {
        prefix: Measured(
            evaluator.rows, partial(evaluator.scores, spec, result.weights)
        )
        for prefix, evaluator in evaluators.items()
    }
    record = _record(estimator, network, job, settings, prior, result, measured)
    shown = {name: result.history.get(curve, []) for name, curve in names.items()}
    return KerasFitted(spec, result, record, shown)


def _real(rows: Rows) -> Rows:
    """Rows as the engine takes them."""
    return replace(rows, X=np.ascontiguousarray(rows.X, dtype=np.float32))


# ---------------------------------------------------------------------- keras.Model.fit


def _by_keras(
    estimator: Any,
    network: KerasNetwork,
    job: KerasJob,
    settings: Settings,
    prior: np.ndarray,
    reason: str,
) -> KerasFitted:
    original = measured_rows(
        network.n_multiplications, job.rows.original, job.rows.validation
    )
    evaluators = {
        prefix: KerasEvaluator(network, rows, prior)
        for prefix, rows in _sides(original, job).items()
    }
    if settings.monitor is not None:
        one = {
            prefix: replace(evaluator, rows=evaluator.rows.at(np.arange(1)).compact())
            for prefix, evaluator in evaluators.items()
        }
        curves = [prefix + name for prefix, each in one.items() for name in each()]
        check_choice(type(estimator).__name__, "monitor", settings.monitor, curves)
    result = train_keras(network.model, job.fit, settings, evaluators, reason)
    measured = {
        prefix: Measured(evaluator.rows, evaluator.scores)
        for prefix, evaluator in evaluators.items()
    }
    record = _record(estimator, network, job, settings, prior, result, measured)
    # The model has the weights; a copy would only grow stale.
    return KerasFitted(None, replace(result, weights=[]), record, {})


def _sides(original: Rows, job: KerasJob) -> dict[str, Rows]:
    validation = job.rows.validation
    return {"": original} | ({} if validation is None else {"val_": validation})


# -------------------------------------------------------------------------- the record


def _record(
    estimator: Any,
    network: KerasNetwork,
    job: KerasJob,
    settings: Settings,
    prior: np.ndarray,
    result: TrainingResult,
    measured: Mapping[str, Measured],
) -> TrainingRecord:
    layers = [layer.to_dict() for layer in network_layers(network.model)]
    configuration = {
        "network": {"library": "keras", "layers": layers},
        "n_parameters": network.n_parameters,
        "seed": settings.seed,
        "loss": "crossentropy" if network.loss.is_crossentropy else network.loss.name,
        "training": _training(network, job, settings),
    }
    return make_record(
        estimator, configuration, settings.monitor, result, measured, job.rows, prior
    )


def _training(
    network: KerasNetwork, job: KerasJob, settings: Settings
) -> dict[str, Any]:
    """How the model was trained, as the diagnosis names it."""
    optimizer = network.model.optimizer
    schedule = callable(getattr(optimizer, "_learning_rate", None))
    clips = ("clipnorm", "clipvalue", "global_clipnorm")
    return {
        "loss": network.loss.name,
        "from_logits": network.loss.from_logits,
        "optimizer": type(optimizer).__name__.lower(),
        "learning_rate": float(optimizer.learning_rate),
        "schedule": schedule,
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "shuffle": settings.shuffle,
        "callbacks": list(job.callbacks),
        "validation_split": job.arguments.get("validation_split") or None,
        "clips": any(getattr(optimizer, name, None) is not None for name in clips),
    }
