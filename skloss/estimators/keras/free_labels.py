"""The fit on labels without exact curves: several per row, or of several outputs."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skloss.estimators.fit_rows import HoldOut
from skloss.estimators.keras.model_calls import ModelCallsWrapper, listed
from skloss.estimators.keras.network_checks import check_columns
from skloss.estimators.keras.output_weights import weights_of_labels
from skloss.estimators.keras.scikeras_import import ScikerasClassifier
from skloss.estimators.keras.unknown_parameters import check_fit_arguments
from skloss.keras_interop.compiled_settings import compiled_loss
from skloss.keras_interop.output_loss import weigh_outputs
from skloss.record import TrainingRecord
from skloss.record.class_curves import without_arrays

__all__ = ["FreeLabelsWrapper"]


class FreeLabelsWrapper(ModelCallsWrapper):
    """Trains on labels of another kind than one class per row, as scikeras does."""

    def _fit_freely(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: ArrayLike | None,
        kwargs: Mapping[str, Any],
        is_partial: bool = False,
    ) -> Self:
        """Train on labels that have no exact curves, as scikeras does."""
        kwargs = dict(kwargs)
        check_fit_arguments(type(self).__name__, self.model_.fit, kwargs)
        epochs = kwargs.pop("epochs", getattr(self, "fit__epochs", self.epochs))
        first = kwargs.pop("initial_epoch", 0)
        callbacks = [*self._callbacks(), *listed(kwargs.pop("callbacks", None))]
        by_label = weights_of_labels(
            type(self).__name__,
            self._fit_arguments(kwargs)["class_weight"],
            y,
            self._label_names,
            one_hot=self._is_one_hot,
        )
        self._ensure_compiled_model()
        self._check_rows_of_model()
        weight = None if sample_weight is None else np.array(sample_weight, float)
        if by_label is not None and by_label.ndim == 1:
            by_label, weight = None, by_label if weight is None else by_label * weight
        if weight is not None:
            rows = np.arange(len(X))
            X, rows, weight = self._validate_sample_weight(X, rows, weight)
            y = y[rows]
            by_label = None if by_label is None else by_label[rows]
        y = self.target_encoder_.transform(y)
        if by_label is not None:
            weight = weigh_outputs(
                type(self).__name__, self.model_, y, by_label, weight
            )
        self._check_model_compatibility(y)
        self._check_columns(y)
        self._fit_keras_model(
            self.feature_encoder_.transform(X),
            y,
            sample_weight=weight,
            warm_start=is_partial or self.warm_start,
            epochs=1 if is_partial else epochs,
            initial_epoch=self.current_epoch if is_partial else first,
            callbacks=callbacks,
            **kwargs,
        )
        self._record_of_history = TrainingRecord(
            history=without_arrays(self.history_),
            outcome={
                "program": "keras",
                "program_reason": "labels without exact curves",
                "stop_reason": "epochs",
            },
        )
        return self

    def _check_columns(self, y: np.ndarray) -> None:
        outputs = getattr(self.model_, "outputs", None) or []
        is_own = type(self).target_encoder is not ScikerasClassifier.target_encoder
        if is_own or len(outputs) != 1 or np.ndim(y) != 2:
            return
        n_units, loss = outputs[0].shape[-1], compiled_loss(self.model_.loss)
        check_columns(type(self).__name__, n_units, loss, y.shape[1])

    def _free_validation(self, holdout: HoldOut) -> tuple[Any, ...]:
        """Held-out rows and labels of another kind, as Keras takes them."""
        if holdout.source == "validation_data":  # the labels are Keras' already
            rows = self._rows(holdout.X_val, "X_val", reset=False)
            held = self._prepared(rows), holdout.y_val
        else:
            held = self.as_keras(holdout.X_val, holdout.y_val)
        return held if holdout.weight_val is None else (*held, holdout.weight_val)

    def _check_free_labels(self) -> None:
        """Refuse what needs exact curves, where the labels allow none."""
        stops = self.early_stopping not in (False, "auto")
        if stops or isinstance(self.validation_fraction, Real):
            raise ValueError(
                f"early_stopping and validation_fraction of {type(self).__name__} need "
                "one label per row: pass X_val and y_val, and stop by Keras' callback."
            )
        for name in ("balanced_batches", "sampler", "prior_correction", "calibration"):
            if getattr(self, name) not in (None, False):
                raise ValueError(
                    f"{name} of {type(self).__name__} needs one label per row."
                )
        if self.scoring is not None:
            raise ValueError(
                f"scoring of {type(self).__name__} needs one label per row: pass "
                "metrics of Keras for labels of another kind."
            )
