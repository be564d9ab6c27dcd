"""Calls of a Keras model: their arguments and callbacks, and the curves they leave."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

from numpy.typing import ArrayLike

from skloss.estimators.keras.scikeras_import import route_params
from skloss.estimators.keras.unknown_parameters import check_fit_arguments
from skloss.estimators.keras.wrapper import MendedWrapper
from skloss.record.class_curves import curves_by_class
from skloss.training.tensorflow_start import start_tensorflow

__all__ = ["ModelCallsWrapper", "listed"]

_COUNTER = re.compile(r"_\d+$")


class ModelCallsWrapper(MendedWrapper):
    """Calls ``fit`` and ``predict`` of the Keras model."""

    history_: Any

    def _callbacks(self) -> list[Any]:
        if "_fit_callbacks" not in vars(self):
            self._initialize_callbacks()
        return self._fit_callbacks

    def _fit_arguments(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of ``fit``: of the call, of ``fit__``, or plain."""
        found = route_params(
            self.get_params(), destination="fit", pass_filter=self._fit_kwargs
        )
        found = {k: v for k, v in found.items() if not k.startswith("callbacks")}
        check_fit_arguments(type(self).__name__, self.model_.fit, kwargs)
        return {"class_weight": self.class_weight, **found, **kwargs}

    def _fit_keras_model(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        callbacks: Any = None,
        n_ended: Callable[[], int | None] = lambda: None,
        **kwargs: Any,
    ) -> None:
        start_tensorflow()
        before, n_kept = vars(self).get("history_"), None
        own = self._callbacks()
        model = self.model_
        if model.built and not model.optimizer.built:
            # A step that makes no variables is traced once, not twice.
            model.optimizer.build(model.trainable_variables)
        self._fit_callbacks = own if callbacks is None else callbacks
        self.history_ = defaultdict(list)  # scikeras adds to it
        try:
            with self._seeds():
                super()._fit_keras_model(
                    X,
                    y,
                    sample_weight,
                    warm_start,
                    epochs,
                    initial_epoch,
                    # Keras would take it by class number; it is in the row weights.
                    **{**kwargs, "class_weight": None},
                )
        except KeyboardInterrupt:
            n_kept = n_ended()
            raise
        finally:
            # Names of metrics as they were asked for, also where it was interrupted.
            self.history_, self._fit_callbacks = before, own
            seen = getattr(model, "history", None)
            curves = {
                name: values[:n_kept]
                for name, values in getattr(seen, "history", {}).items()
            }
            keep = warm_start and initial_epoch != 0
            self._extend_history(_without_counters(curves), keep=keep)

    def _extend_history(self, curves: Mapping[str, Any], *, keep: bool) -> None:
        before = dict(vars(self).get("history_") or {}) if keep else {}
        labels = () if self.classes_ is None else self.classes_.tolist()
        self.history_ = {
            name: [*before.get(name, []), *_plain_numbers(values)]
            for name, values in curves_by_class(curves, labels).items()
        }

    def _predict_raw(self, X: ArrayLike, **kwargs: Any) -> Any:
        if self._asks_keras(kwargs) or not self._has_plain_labels:
            start_tensorflow()
            return super()._predict_raw(X, **kwargs)
        return self._network.outputs(self._rows(X, "X", reset=False))

    def _asks_keras(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether something was told or is to be called in ``keras.Model.predict``."""
        self._callbacks()
        return (
            bool(kwargs)
            or any(p.startswith("predict__") for p in self.get_params(deep=False))
            or any(map(_sees_predictions, self._predict_callbacks))
        )


def listed(value: object) -> list[Any]:
    """One callback, several or none, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _sees_predictions(callback: object) -> bool:
    import keras

    own, base = type(callback), keras.callbacks.Callback
    hooks = [name for name in dir(base) if name.startswith("on_predict")]
    return any(getattr(own, hook) is not getattr(base, hook) for hook in hooks)


def _plain_numbers(values: Iterable[Any]) -> list[Any]:
    """Numbers as floats; what a metric of the user's gives else stays as it is."""
    return [float(value) if isinstance(value, Real) else value for value in values]


def _without_counters(curves: Mapping[str, Any]) -> dict[str, Any]:
    """Curves without the counters of Keras, which names a second AUC ``auc_1``."""
    short = [_COUNTER.sub("", name) for name in curves]
    return {
        name if short.count(plain) > 1 else plain: values
        for (name, values), plain in zip(curves.items(), short, strict=True)
    }
