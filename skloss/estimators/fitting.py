"""Prepare a fit: the network and its settings from an estimator's parameters."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from skloss.estimators.calibrating import check_calibration, prior_shift
from skloss.estimators.callback_tasks import EpochTasks
from skloss.estimators.checks import (
    check_callbacks,
    check_choice,
    check_optimizer,
)
from skloss.estimators.fit_job import Fitted, Job
from skloss.estimators.fit_record import Description
from skloss.estimators.fit_rows import FitRows, loss_weight
from skloss.estimators.followed_curves import (
    schedule_of,
    scorers_of,
    stopping_settings,
)
from skloss.estimators.loss_settings import (
    given_weights,
    logit_shift,
    loss_words,
    weights_of_classes,
)
from skloss.estimators.network_fit import NetworkFit
from skloss.estimators.scorers import check_monitor
from skloss.estimators.series_choice import set_moments
from skloss.estimators.table_columns import set_columns
from skloss.networks import (
    ACTIVATIONS,
    NetworkSpec,
    describe_network,
    initial_weights,
)
from skloss.record import Training
from skloss.training import (
    LOSSES,
    SCHEDULES,
    Calibration,
    ReduceLROnPlateau,
    Settings,
    SpecNetwork,
    TrainingResult,
    check_own_loss,
    curve_names,
    loss_name,
)
from skloss.training.calibration import AS_TRAINED

if TYPE_CHECKING:
    from skloss.estimators.base import BaseNeuralClassifier

__all__ = ["check_choices", "prepare_network", "prepare_spec"]


# ------------------------------------------------------------- networks by parameters


def prepare_network(
    estimator: "BaseNeuralClassifier",
    input_shape: tuple[int, ...],
    rows: FitRows,
    earlier: Fitted | None,
    tasks: EpochTasks | None = None,
    row_shape: tuple[int, ...] = (-1,),
    member: int | None = None,
    alike: NetworkSpec | None = None,
) -> NetworkFit:
    """Make ready the network that an estimator's parameters describe.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Its parameters and its ``classes_`` are read, nothing is set.
    input_shape : tuple of int
        Shape of one row as the network sees it.
    rows : FitRows
        The rows.
    earlier : Fitted or None
        The fit to go on from, with its weights and, in a partial fit, all of its state.
    tasks : EpochTasks or None
        Told of every epoch, for callbacks of scikit-learn.
    row_shape : tuple of int
        Shape of one row as it was validated.
    member : int or None
        Number of this network among several; None if there is one.
    alike : NetworkSpec or None
        Network of the first of several.
    """
    owner, n_classes = type(estimator).__name__, len(estimator.classes_)
    check_choices(estimator)
    spec = estimator._network(input_shape, 1 if n_classes == 2 else n_classes)
    spec = estimator._in_front(spec, rows, earlier.network if earlier else alike)
    if not isinstance(estimator.loss, str):
        check_own_loss(owner, estimator.loss, spec.n_outputs)
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    job = Job(
        estimator,
        rows,
        None,
        replace(
            _settings(estimator, seed, rows),
            member=member,
            augment=estimator._augmentation(spec),
        ),
        earlier if rows.is_partial else None,
        tasks,
        scorers=scorers_of(estimator, rows),
        row_shape=row_shape,
    )
    job = _weighted(job)
    check_calibration(job)
    n_rows = len(rows.training)
    # One row more of each class, so that a class yet to come is not ruled out.
    guess = (job.prior * n_rows + 1) / (n_rows + n_classes)
    weights = _first_weights(owner, spec, guess, job.settings, earlier)
    if earlier is None:
        set_moments(spec, weights, rows.original)
        set_columns(spec, weights, rows)
    description = Description(
        describe_network(spec),
        spec.n_parameters,
        _training(estimator, job.settings),
        is_crossentropy=loss_words(job.settings) is None,
    )
    calibration = Calibration(prior_shift(job, spec.n_outputs))
    return prepare_spec(job, spec, weights, description, estimator.verbose, calibration)


def _training(estimator: "BaseNeuralClassifier", settings: Settings) -> Training:
    """How the network is trained, as the parameters say it."""
    return Training(
        loss=loss_name(estimator.loss),
        from_logits=True,
        optimizer=estimator.optimizer,
        learning_rate=float(estimator.learning_rate),
        schedule=estimator.learning_rate_schedule != "constant",
        epochs=int(estimator.epochs),
        batch_size=settings.batch_size,
        shuffle=True,
        callbacks=(),
        clips=estimator.clipnorm is not None,
    )


def prepare_spec(
    job: Job,
    spec: NetworkSpec,
    weights: list[np.ndarray],
    description: Description,
    verbose: int,
    calibration: Calibration | None = None,
) -> NetworkFit:
    """Check all that training will read, and give the fit.

    Parameters
    ----------
    job : Job
        Rows and settings.
    spec : NetworkSpec
        The network.
    weights : list of ndarray
        Its weights before the fit.
    description : Description
        The network, for the record.
    verbose : int
        As of the estimator.
    calibration : Calibration, optional
        Of the logits, from the first epoch on; None of an estimator without one.
    """
    settings, earlier = job.settings, job.earlier
    if earlier is not None:
        _check_same_optimizer(job.owner, settings, earlier.result)
    network = SpecNetwork(
        spec,
        settings.loss,
        settings.focal_gamma,
        settings.label_smoothing,
        logit_shift=settings.logit_shift,
        calibration=calibration or AS_TRAINED,
    )
    evaluators = job.evaluators(network, spec.n_multiplications)
    if settings.monitor is not None:
        names = curve_names(spec, weights, evaluators)
        check_monitor(job.owner, "monitor", settings.monitor, names)
    schedule = settings.learning_rate_schedule
    if isinstance(schedule, ReduceLROnPlateau):
        names = curve_names(spec, weights, evaluators)
        check_monitor(job.owner, "learning_rate_schedule", schedule.monitor, names)
    for evaluator in evaluators.values():
        evaluator.try_scores(weights)
    return NetworkFit(
        job=job,
        spec=spec,
        description=description,
        evaluators=evaluators,
        calibration=calibration,
        network=network,
        weights=weights,
        verbose=verbose,
    )


# ---------------------------------------------------------------------------- settings


def check_choices(estimator: "BaseNeuralClassifier") -> None:
    """Refuse names that no table has, naming the nearest one that there is."""
    owner = type(estimator).__name__
    tables: dict[str, Iterable[str]] = {
        "activation": ACTIVATIONS,
        "loss": LOSSES,
        "learning_rate_schedule": SCHEDULES,
    }
    for parameter, choices in tables.items():
        value = getattr(estimator, parameter)
        if not callable(value) and not isinstance(value, ReduceLROnPlateau):
            check_choice(owner, parameter, value, list(choices))
    check_optimizer(owner, estimator.optimizer)


def _weighted(job: Job) -> Job:
    """Give a job the weights of the classes, and what the loss makes of them."""
    estimator, training = job.estimator, job.rows.training
    by_class = weights_of_classes(estimator, job.rows, job.positive)
    job = replace(
        job,
        weight=loss_weight(training, by_class),
        class_weight=by_class,
        given_class_weight=given_weights(estimator, by_class),
    )
    shift = logit_shift(estimator, job.prior, len(training))
    return replace(job, settings=replace(job.settings, logit_shift=shift))


def _first_weights(
    owner: str,
    spec: NetworkSpec,
    guess: np.ndarray,
    settings: Settings,
    earlier: Fitted | None,
) -> list[np.ndarray]:
    """Weights of an earlier fit, or of an untrained network that makes this guess."""
    if earlier is not None and earlier.network is not None:
        if spec.weight_shapes() != earlier.network.weight_shapes():
            raise ValueError(
                f"{owner} cannot go on from its earlier weights: the parameters or the "
                "columns of X now give a network of another shape. Set "
                "warm_start=False, or clone the classifier."
            )
        return earlier.result.weights
    logs = np.log(guess)
    bias = logs[1:] - logs[:1] if spec.n_outputs == 1 else logs - logs.mean()
    if settings.logit_shift is not None:  # the loss makes the guess, not the network
        bias = bias - np.asarray(settings.logit_shift)
    return initial_weights(spec, np.random.default_rng((settings.seed, 0)), bias)


def _check_same_optimizer(
    owner: str, settings: Settings, earlier: TrainingResult
) -> None:
    if settings.optimizer != earlier.optimizer:
        raise ValueError(
            f"{owner} cannot go on from the state of optimizer={earlier.optimizer!r} "
            f"with optimizer={settings.optimizer!r}. Keep the optimizer in partial_fit,"
            " or call fit with warm_start=True, which keeps the weights alone."
        )


def _settings(estimator: "BaseNeuralClassifier", seed: int, rows: FitRows) -> Settings:
    clipnorm = estimator.clipnorm
    return Settings(
        optimizer=estimator.optimizer,
        learning_rate=float(estimator.learning_rate),
        learning_rate_schedule=schedule_of(estimator, rows),
        momentum=float(estimator.momentum),
        nesterov=bool(estimator.nesterov),
        weight_decay=float(estimator.weight_decay),
        clipnorm=None if clipnorm is None else float(clipnorm),
        loss=estimator.loss,
        focal_gamma=float(estimator.focal_gamma),
        label_smoothing=float(estimator.label_smoothing),
        epochs=1 if rows.is_partial else int(estimator.epochs),
        # A larger one would take memory for rows that there are not.
        batch_size=min(int(estimator.batch_size), len(rows.training)),
        balanced_batches=estimator.balanced_batches,
        callbacks=check_callbacks(type(estimator).__name__, estimator.callbacks),
        seed=seed,
        **stopping_settings(estimator, rows),
    )
