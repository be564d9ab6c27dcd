"""A fit from the last check on: the network is trained, calibrated and recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from skloss.estimators.calibrating import calibrated, calibrated_fit, calibration_of
from skloss.estimators.callback_tasks import EpochTasks
from skloss.estimators.epoch_display import shown_epochs
from skloss.estimators.fit_gap import measure_gap
from skloss.estimators.fit_job import Fitted, Job
from skloss.estimators.fit_record import Description, Measured, make_record
from skloss.estimators.loss_settings import loss_words
from skloss.networks import NetworkSpec
from skloss.record.gap_measurement import TrainingMode
from skloss.training import (
    Calibration,
    Evaluator,
    NetworkTraining,
    Observer,
    Rows,
    SpecNetwork,
    TrainingResult,
    can_go_in_step,
    train,
    train_in_step,
)
from skloss.training.calibration import AS_TRAINED
from skloss.training.training_mode import spec_training_mode

__all__ = ["Fit", "NetworkFit", "fit_in_step"]

Callback = Callable[[Mapping[str, float]], Any]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A fit, whatever trains its network.

    Parameters
    ----------
    job : Job
        Rows and settings.
    spec : NetworkSpec or None
        The network; None where a Keras model has the weights.
    description : Description
        The network, for the record.
    evaluators : mapping of str to Evaluator
        What is measured after every epoch.
    calibration : Calibration or None
        Of the logits, from the first epoch on; None of an estimator without one.
    """

    job: Job
    spec: NetworkSpec | None
    description: Description
    evaluators: Mapping[str, Evaluator]
    calibration: Calibration | None = None

    def gap(self, result: TrainingResult) -> dict[str, Any]:
        """Measure the gap between the losses of training and held-out rows."""
        raise NotImplementedError

    @property
    def observer(self) -> Observer | None:
        """What hands the epochs on to callbacks of scikit-learn, if there are any."""
        tasks = self.job.tasks
        return None if tasks is None else _Observer(tasks, self._fitted)

    def finished(self, result: TrainingResult) -> Fitted:
        """Measure, calibrate and record what training has left."""
        gap, calibration = self.gap(result), None
        result.last_weights = None
        if self.calibration is not None:
            job, evaluators = self.job, self.evaluators
            calibration = calibrated_fit(job, result, evaluators, self.calibration)
        return self._fitted(result, gap, calibration)

    def _fitted(
        self,
        result: TrainingResult,
        loss_gap: dict[str, Any] | None = None,
        calibration: Calibration | None = None,
    ) -> Fitted:
        job = self.job
        measured = {
            prefix: Measured(
                evaluator.rows,
                partial(
                    calibrated(evaluator, calibration).probabilities, result.weights
                ),
            )
            for prefix, evaluator in self.evaluators.items()
        }
        found = calibration or calibration_of(self.evaluators)
        record = make_record(job, self.description, result, measured, loss_gap, found)
        if job.rows.is_partial and job.earlier is not None:
            record = record.after(job.earlier.record)
        return Fitted(self.spec, result, record, found)


@dataclass(frozen=True)
class _Observer:
    """Hands on to callbacks what a training tells of its epochs."""

    tasks: EpochTasks
    fitted: Callable[[TrainingResult], Fitted]

    def begin_epoch(self) -> None:
        self.tasks.begin_epoch()

    def end_epoch(self, result: Callable[[], TrainingResult]) -> bool:
        return self.tasks.end_epoch(lambda: self.fitted(result()))


@dataclass(frozen=True, kw_only=True)
class NetworkFit(Fit):
    """A fit by the compiled engine.

    Parameters
    ----------
    network : SpecNetwork
        What is measured.
    weights : list of ndarray
        Weights before the fit.
    verbose : int
        As of the estimator.
    """

    spec: NetworkSpec
    network: SpecNetwork
    weights: list[np.ndarray]
    verbose: int

    @property
    def can_go_in_step(self) -> bool:
        """Whether it pays to train several such networks in step."""
        job = self.job
        is_watched = self.verbose or job.tasks is not None or job.scorers.curves
        if is_watched or job.rows.is_partial:
            return False
        return can_go_in_step(self.spec, job.settings, len(job.rows.training))

    def run(self) -> Fitted:
        """Train the network, and tell callbacks of scikit-learn of the end."""
        fitted = self.trained()
        if self.job.tasks is not None:
            self.job.tasks.end(_fitted=fitted)
        return fitted

    def trained(self) -> Fitted:
        """Train the network."""
        settings, owner = self.job.settings, self.job.owner
        if settings.member is not None:
            owner += f", member {settings.member + 1}"
        with shown_epochs(owner, settings.epochs, self.verbose) as shown:
            result = train(self.training(shown))
        return self.finished(result)

    def training(self, shown: Sequence[Callback] = ()) -> NetworkTraining:
        """Return the training, which tells these callbacks of its epochs, too."""
        job, settings = self.job, self.job.settings
        weight = None if job.weight is None else job.weight.astype(np.float32)
        rows = replace(job.rows.training, sample_weight=weight)
        if rows.is_streamed:
            rows = replace(rows, class_weight=job.class_weight)
        earlier = job.earlier.result if job.earlier else None
        return NetworkTraining(
            self.spec,
            self.weights,
            rows,
            replace(settings, callbacks=(*settings.callbacks, *shown)),
            self.evaluators,
            slots=earlier.slots if earlier else None,
            first_step=earlier.step if earlier else 0,
            plateau=earlier.plateau if earlier else None,
            is_repeated=job.rows.is_partial,
            observer=self.observer,
        )

    def gap(self, result: TrainingResult) -> dict[str, Any]:
        """Measure the gap by the network in NumPy, in inference and in training."""
        # What measured the curves has compiled this network already.
        pays = self.spec.is_convolutional and result.backend != "eager"
        # The gap is one of losses in training, which know no calibration.
        network = replace(self.network, compiled=pays, calibration=AS_TRAINED)
        words = loss_words(self.job.settings)
        return measure_gap(
            self.job, result, self.evaluators, network, self._in_training, loss=words
        )

    def _in_training(
        self, rows: Rows, usual: np.ndarray, weights: list[np.ndarray]
    ) -> TrainingMode:
        settings = self.job.settings
        return spec_training_mode(
            self.spec,
            weights,
            rows,
            usual,
            self.network.row_losses,
            settings.batch_size,
            settings.seed,
            settings.augment,
        )


def fit_in_step(fits: Sequence[NetworkFit]) -> list[Fitted]:
    """Train networks that can go in step, up to one that Ctrl-C ends."""
    results = train_in_step([fit.training() for fit in fits])
    return [fit.finished(result) for fit, result in zip(fits, results, strict=False)]
