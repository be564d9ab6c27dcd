"""Fit a compiled Keras model on validated rows, by the engine where it can."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from skloss.estimators.calibrating import check_calibration, prior_shift
from skloss.estimators.callback_tasks import EpochTasks
from skloss.estimators.fit_job import Fitted, Job
from skloss.estimators.fit_record import Description
from skloss.estimators.fit_rows import loss_weight
from skloss.estimators.fitting import prepare_spec
from skloss.estimators.followed_curves import scorers_of, stopping_settings
from skloss.estimators.keras.keras_rows import KerasCall, KerasRows
from skloss.estimators.keras.model_gap import model_gap
from skloss.estimators.network_fit import Fit
from skloss.estimators.scorers import check_monitor
from skloss.keras_interop.compiled_settings import optimizer_settings
from skloss.keras_interop.describe_layers import network_layers
from skloss.keras_interop.keras_fit import train_keras
from skloss.keras_interop.keras_network import KerasNetwork
from skloss.keras_interop.keras_start import need_keras_on_tensorflow
from skloss.keras_interop.read_model import NoCompiledFormError, spec_from_keras
from skloss.networks import NetworkSpec
from skloss.record import Training
from skloss.training import (
    Calibration,
    Rows,
    Settings,
    TrainingResult,
)
from skloss.training.calibration import AS_TRAINED

if TYPE_CHECKING:
    from skloss.estimators.keras.classifier import KerasClassifier

__all__ = ["fit_keras_network"]

Curves = dict[str, list[float]]

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
_BATCH_SIZES = ("batch_size", "validation_batch_size")
_OWN_ENCODER = "the class has a feature_encoder of its own"


def fit_keras_network(
    estimator: "KerasClassifier",
    network: KerasNetwork,
    arranged: KerasRows,
    call: KerasCall,
    earlier: Fitted | None,
    tasks: EpochTasks | None,
) -> tuple[Fitted, Curves | None]:
    """Train the model of a network, in place, by the engine where it can.

    Parameters
    ----------
    estimator : KerasClassifier
        Its parameters and its ``classes_`` are read, nothing is set.
    network : KerasNetwork
        The model.
    arranged : KerasRows
        The rows.
    call : KerasCall
        What ``keras.Model.fit`` is told besides.
    earlier : Fitted or None
        The fit that it goes on from.
    tasks : EpochTasks or None
        Told of every epoch, for callbacks of scikit-learn.

    Returns
    -------
    fitted : Fitted
        What training leaves beside the model.
    curves : dict or None
        Curves of the engine, by the names that Keras gives them; None where
        ``keras.Model.fit`` has trained.
    """
    rows = arranged.rows
    stopping = stopping_settings(estimator, rows)
    settings = Settings(
        epochs=call.epochs,
        batch_size=_batch_size(call, len(rows.training)),
        shuffle=bool(call.arguments.get("shuffle", True)),
        balanced_batches=estimator.balanced_batches,
        seed=int(check_random_state(estimator._random_state).randint(2**31 - 1)),
        **stopping,
    )
    job = Job(
        estimator,
        rows,
        arranged.weight,
        settings,
        earlier,
        tasks,
        arranged.by_class,
        call.class_weight,
        scorers_of(estimator, rows),
        estimator._row_shape,
    )
    check_calibration(job)
    calibration = Calibration(prior_shift(job, network.n_units))
    try:
        spec, settings, names = _compiled_form(network, job, call)
    except NoCompiledFormError as error:
        _check_batches(job, str(error))
        network = replace(network, calibration=calibration)
        return _by_keras(network, job, arranged, call, str(error)), None
    job = replace(job, settings=settings)
    fitted = _by_engine(network, job, call, spec, calibration)
    curves = {
        name: fitted.result.history.get(curve, []) for name, curve in names.items()
    }
    return fitted, curves


def _batch_size(call: KerasCall, n_rows: int) -> int:
    size = call.arguments.get("batch_size")
    if size == -1:
        return n_rows
    return min(32 if size is None else int(size), n_rows)


def _check_batches(job: Job, reason: str) -> None:
    """Refuse balanced batches where Keras draws the batches."""
    if job.settings.balanced_batches:
        raise ValueError(
            f"balanced_batches of {job.owner} needs a network that skloss' own engine "
            f"trains; keras.Model.fit would train this one ({reason}) and draws its "
            "batches itself: set sampler, or class_weight='balanced'."
        )


# -------------------------------------------------------------------------- the engine


def _compiled_form(
    network: KerasNetwork, job: Job, call: KerasCall
) -> tuple[NetworkSpec, Settings, dict[str, str]]:
    """Spec, settings, and the curve that stands for each name of Keras' history."""
    model, loss = network.model, network.loss
    if job.estimator._has_own_encoder:
        raise NoCompiledFormError(_OWN_ENCODER)
    if call.callbacks:
        raise NoCompiledFormError("callbacks")
    for name, value in call.arguments.items():
        if name not in _KNOWN_ARGUMENTS and value is not None:
            raise NoCompiledFormError(f"fit was given {name!r}")
    if call.arguments.get("shuffle", True) not in (True, False):
        raise NoCompiledFormError(f"shuffle={call.arguments['shuffle']!r}")
    validates = job.rows.validation is not None
    names = _history_names(model.get_compile_config(), validates)
    if loss.settings is None:
        raise NoCompiledFormError(loss.reason or "the loss has no compiled form")
    update = optimizer_settings(model.optimizer)
    spec = spec_from_keras(model, from_logits=loss.from_logits)
    earlier = job.earlier
    if int(np.asarray(model.optimizer.iterations)) or (
        earlier and earlier.network != spec
    ):
        raise NoCompiledFormError("the optimizer goes on from keras.Model.fit")
    return spec, replace(job.settings, **loss.settings, **update), names


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
    network: KerasNetwork,
    job: Job,
    call: KerasCall,
    spec: NetworkSpec,
    calibration: Calibration,
) -> Fitted:
    rows = job.rows
    rows = replace(
        rows,
        training=_floats(rows.training),
        original=_floats(rows.original),
        validation=None if rows.validation is None else _floats(rows.validation),
    )
    weights = [np.asarray(array) for array in network.model.get_weights()]
    given = job.estimator.verbose
    verbose = 1 if given == "auto" else int(given)
    description = _description(network, job.settings, call)
    job = replace(job, rows=rows)
    fit = prepare_spec(job, spec, weights, description, verbose, calibration)
    fitted = fit.trained()
    network.model.set_weights(fitted.result.weights)
    return fitted


def _floats(rows: Rows) -> Rows:
    """Rows as the engine takes them."""
    return replace(rows, X=np.ascontiguousarray(rows.X, dtype=np.float32))


# ---------------------------------------------------------------------- keras.Model.fit


@dataclass(frozen=True, kw_only=True)
class _KerasFit(Fit):
    """A fit by ``keras.Model.fit``."""

    network: KerasNetwork

    def gap(self, result: TrainingResult) -> dict[str, Any]:
        """Measure the gap by the model itself."""
        # The gap is one of losses in training, which know no calibration.
        raw = replace(self.network, calibration=AS_TRAINED)
        return model_gap(raw, self.job, self.evaluators, result)


def _by_keras(
    network: KerasNetwork, job: Job, arranged: KerasRows, call: KerasCall, reason: str
) -> Fitted:
    need_keras_on_tensorflow(
        f"{job.owner} trains this model by keras.Model.fit ({reason}), which"
    )
    settings = job.settings
    evaluators = job.evaluators(network, network.n_multiplications)
    if settings.monitor is not None:
        curves = [
            prefix + name
            for prefix, evaluator in evaluators.items()
            for name in evaluator.curve_names(None)
        ]
        check_monitor(job.owner, "monitor", settings.monitor, curves)
    for evaluator in evaluators.values():
        evaluator.try_scores(None)
    fit = _KerasFit(
        job=job,
        spec=None,
        description=_description(network, settings, call),
        evaluators=evaluators,
        calibration=network.calibration,
        network=network,
    )
    call_keras = _fit_by_keras(job.estimator, arranged, call)
    result = train_keras(
        network.model, call_keras, settings, evaluators, reason, fit.observer
    )
    fitted = fit.finished(result)
    # The model has the weights; a copy would only grow stale.
    return replace(fitted, result=replace(fitted.result, weights=[]))


def _fit_by_keras(
    classifier: "KerasClassifier", arranged: KerasRows, call: KerasCall
) -> Callable[[Any], None]:
    """Make the function that calls ``keras.Model.fit`` with one callback more."""
    network, prepared = classifier._network, classifier._prepared
    rows, validation = arranged.rows.training, arranged.rows.validation
    if arranged.rows.source == "tail" and classifier.sampler is None:
        # Keras itself cuts it off all rows
        rows, validation = arranged.given, None
    given = {"validation_split": 0.0, **call.arguments}
    sizes = [name for name in _BATCH_SIZES if (given.get(name) or 0) > len(rows)]
    given |= dict.fromkeys(sizes, len(rows))
    if validation is not None:
        held = (
            prepared(validation.X),
            network.targets(validation.y),
            validation.sample_weight,
        )
        given |= {"validation_data": held, "validation_split": 0.0}
    rows = rows.compact()
    weight = loss_weight(rows, arranged.by_class)

    def fit(watch: Any) -> None:
        import keras

        # Its curves come first: an epoch that the watch has seen is whole in both.
        classifier._fit_keras_model(
            prepared(rows.X),
            network.targets(rows.y),
            sample_weight=None if weight is None else weight.astype(np.float32),
            warm_start=arranged.rows.is_partial or classifier.warm_start,
            epochs=call.epochs,
            initial_epoch=call.initial_epoch,
            callbacks=[*call.callbacks, keras.callbacks.History(), watch],
            n_ended=watch.n_ended,
            **given,
        )

    return fit


# ------------------------------------------------------------------------- description


def _description(
    network: KerasNetwork, settings: Settings, call: KerasCall
) -> Description:
    """Describe the network and its training, for the record."""
    return Description(
        network_layers(network.model),
        network.n_parameters,
        _training(network, settings, call),
        network.loss.is_crossentropy,
    )


def _training(network: KerasNetwork, settings: Settings, call: KerasCall) -> Training:
    """How the model is trained, as it was compiled and as ``fit`` was called."""
    optimizer = network.model.optimizer
    clips = ("clipnorm", "clipvalue", "global_clipnorm")
    return Training(
        loss=network.loss.name,
        from_logits=network.loss.from_logits,
        optimizer=type(optimizer).__name__.lower(),
        learning_rate=float(np.asarray(optimizer.learning_rate)),
        schedule=callable(getattr(optimizer, "_learning_rate", None)),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        shuffle=settings.shuffle,
        callbacks=tuple(type(callback).__name__ for callback in call.callbacks),
        validation_split=call.arguments.get("validation_split") or None,
        clips=any(getattr(optimizer, name, None) is not None for name in clips),
    )
