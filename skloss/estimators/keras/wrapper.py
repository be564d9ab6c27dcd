"""scikeras' classifier, mended where scikit-learn has moved on.

The only module that imports scikeras. Its last version is older than scikit-learn 1.6,
so that what scikit-learn asks of an estimator is answered here, while the handling of
model functions and of routed parameters (``optimizer__learning_rate``) is scikeras'.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d, validate_data

from skloss.alike_texts import warn_of_alike
from skloss.estimators.checks import check_finite, encode_labels, refuse_sparse
from skloss.estimators.keras.network_checks import (
    check_columns,
    check_head,
    check_model,
    check_rows,
    check_units,
)
from skloss.estimators.keras.output_weights import is_one_hot, weights_of_labels
from skloss.estimators.keras.unknown_parameters import (
    check_fit_arguments,
    check_parameters,
    check_used,
)
from skloss.holdout import check_kept, check_no_gaps
from skloss.keras_interop.compiled_settings import CompiledLoss, compiled_loss
from skloss.keras_interop.keras_network import KerasNetwork
from skloss.keras_interop.keras_start import start_keras
from skloss.keras_interop.output_loss import is_of_single_values, weigh_outputs
from skloss.keras_interop.pack_model import pack_model
from skloss.nearest_name import did_you_mean
from skloss.protocols import KerasModel
from skloss.record import TrainingRecord
from skloss.record.class_curves import curves_by_class, without_arrays
from skloss.row_errors import rows_explained
from skloss.training.seeds import lent_seeds
from skloss.training.tensorflow_start import OTHER_BACKEND, start_tensorflow

_package = "tensorflow>=2.18"
try:
    start_tensorflow()
    _package = "keras"
    start_keras()
    _package = "scikeras>=0.13"
    from scikeras._utils import route_params
    from scikeras.wrappers import KerasClassifier as _Wrapper
except Exception as error:  # an installed one can fail in any way
    _error, _cause = error, error.__cause__ or error

    class _Wrapper:  # type: ignore[no-redef]
        def __init__(self, *args: object, **kwargs: object) -> None:
            if _package == "keras" or OTHER_BACKEND in str(_error):
                raise ImportError(f"KerasClassifier: {_error}") from _cause
            name = _package.partition(">")[0]
            line = str(_cause).partition("\n")[0]
            raise ImportError(
                f"KerasClassifier needs {name}, which cannot be imported here "
                f"({type(_cause).__name__}: {line}): install it by "
                f"'pip install \"{_package}\"'."
            ) from _cause


__all__ = ["MendedWrapper", "listed"]

_COUNTER = re.compile(r"_\d+$")
# From a warning in `_rows_and_labels` to the line that called ``fit``.
_TO_CALLER = 7


class MendedWrapper(_Wrapper):
    """What is between scikit-learn and a Keras model, but not how it is trained."""

    classes_: Any
    n_classes_: int
    _has_plain_labels: bool
    _loss: CompiledLoss
    _keras_network: KerasNetwork
    history_: Any

    _routing_prefixes: ClassVar[set[str]] = {
        "model",
        "fit",
        "compile",
        "predict",
        "optimizer",
        "loss",
        "metrics",
        "callbacks",
        "score",
    }

    # ----------------------------------------------------------- what scikit-learn asks

    __repr__ = BaseEstimator.__repr__

    def __sklearn_tags__(self) -> Any:
        # scikeras stands its mixin to the right of BaseEstimator, where no tag of a
        # classifier is asked for.
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return self.initialized_

    def set_params(self, **params: object) -> Self:
        """Set parameters, also those of the model function that were never set.

        Parameters
        ----------
        **params : dict
            Parameters by name; with a prefix, as ``model__width``, any.

        Returns
        -------
        self
            The classifier.
        """
        known = self.get_params(deep=False)
        for name, value in params.items():
            prefix, _, rest = name.partition("__")
            if name not in known and not (rest and prefix in self._routing_prefixes):
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator "
                    f"{type(self).__name__}: write 'model__{name}' if it is one of the "
                    f"model function, or name it in the constructor, as {name}=... ."
                    + did_you_mean(name, known)
                )
            setattr(self, name, value)
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in ("_keras_network", "_fit_callbacks", "_predict_callbacks"):
            state.pop(name, None)
        model = state.pop("_model", None)
        if model is not None:
            state["_packed"] = pack_model(model)
        if "_loss" in state:
            state["_loss"] = replace(state["_loss"], function=None)
        return state

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Score of the predictions by ``scorer``, which is the accuracy.

        Parameters
        ----------
        X, y : array-likes
            Rows and their labels.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows.

        Returns
        -------
        float
            The score.
        """
        options = route_params(
            self.get_params(deep=False), destination="score", pass_filter=set()
        )
        predicted = self.predict(X)
        return self.scorer(y, predicted, sample_weight=sample_weight, **options)

    # ----------------------------------------------------------------------- validation

    def _validate_data(
        self,
        X: Any = None,
        y: Any = None,
        reset: bool = False,
        y_numeric: bool = False,
    ) -> tuple[Any, Any]:
        """Check rows and labels; scikeras calls it."""
        if y is not None and X is not None:
            X, y = self._rows_and_labels(X, y, reset)
        elif X is not None:
            X = self._rows(X, "X", reset)
        elif y is not None:
            y = np.asarray(y)
        return X, y

    def _rows_and_labels(
        self, X: Any, y: Any, reset: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        names = getattr(y, "columns", None)
        check_no_gaps("y", y)
        if np.ndim(np.asarray(y)) == 1:
            check_kept("y", y)
        X, y = self._rows(X, "X", reset, y=y)
        check_classification_targets(y)
        plain = type_of_target(y) in ("binary", "multiclass")
        if plain and type(self).target_encoder is _Wrapper.target_encoder:
            y = column_or_1d(y, warn=True)
            if reset and self.classes_ is None:
                classes, _ = encode_labels(type(self).__name__, y)
                warn_of_alike("labels", classes.tolist(), _TO_CALLER)
                names_of_X = getattr(self, "feature_names_in_", ())
                warn_of_alike("columns", names_of_X, _TO_CALLER)
        else:
            plain = False
        if reset:
            self._has_plain_labels = plain
            self._is_one_hot, self._label_names = is_one_hot(y), names
            self.target_type_ = self._type_of_target(y)
            self.y_dtype_, self.y_ndim_ = y.dtype, y.ndim
        elif plain != self._has_plain_labels:
            raise ValueError(
                "y has labels of another kind than those of the fit before: pass one "
                "label per row each time."
            )
        return X, y

    def _rows(self, X: Any, name: str, reset: bool, **labels: Any) -> Any:
        """Rows as an array of finite numbers, floats in single precision."""
        refuse_sparse(type(self).__name__, X, name)
        options = {"allow_nd": True, "dtype": "numeric", "ensure_all_finite": False}
        with rows_explained(X, name):
            if labels:
                given = validate_data(
                    self, X, **labels, reset=reset, multi_output=True, **options
                )
            else:
                given = validate_data(self, X, reset=reset, **options), None
        X, y = given
        if X.dtype.kind == "f":
            with np.errstate(over="ignore"):
                X = np.ascontiguousarray(X, dtype=np.float32)
            check_finite(name, X)
        if reset:
            self.X_dtype_, self.X_shape_ = X.dtype, X.shape
        elif X.shape[1:] != self._row_shape:
            raise ValueError(
                f"{name} has rows of shape {X.shape[1:]}, but {type(self).__name__} "
                f"was fitted on rows of shape {self._row_shape}."
            )
        return (X, y) if labels else X

    @property
    def _row_shape(self) -> tuple[int, ...]:
        return tuple(self.X_shape_[1:])

    # ------------------------------------------------------------------------ the model

    @property
    def model_(self) -> Any:
        """The network, built again from its arrays where it was pickled."""
        if "_model" not in vars(self):
            if "_packed" not in vars(self):
                raise AttributeError(f"{type(self).__name__} has no model_ before fit.")
            start_tensorflow()
            self._model = self.__dict__.pop("_packed").unpack()
        return self._model

    @model_.setter
    def model_(self, model: KerasModel) -> None:
        self._model = model

    @property
    def initialized_(self) -> bool:
        """Whether there is a network that can predict."""
        return "_model" in vars(self) or "_packed" in vars(self)

    def _initialize(self, X: ArrayLike, y: ArrayLike | None = None) -> tuple[Any, Any]:
        """Check rows and labels, fit the encoders and make the network."""
        start_tensorflow()
        X, y = self._rows_and_labels(X, y, reset=True)
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            state = int(check_random_state(state).randint(2**31 - 1))
        self._random_state = state
        self.target_encoder_ = self.target_encoder.fit(y)
        self.feature_encoder_ = self.feature_encoder.fit(X)
        for encoder in (self.target_encoder_, self.feature_encoder_):
            self.__dict__.update(getattr(encoder, "get_metadata", dict)())
        for name in ("_keras_network", "_packed", "_fitted"):
            self.__dict__.pop(name, None)
        self.model_ = self._build_keras_model()
        self._initialize_callbacks()
        return X, y

    def _check_model_param(self) -> Callable[..., Any]:
        import keras

        model = self.build_fn if self.model is None else self.model
        if isinstance(model, keras.Model):
            return lambda: pack_model(model).unpack()
        if model is None and hasattr(self, "_keras_build_fn"):
            return self._keras_build_fn
        if not callable(model):
            got = "None" if model is None else f"a {type(model).__name__}: {model!r}"
            raise ValueError(
                f"The 'model' parameter of {type(self).__name__} must be a function "
                f"that returns a keras.Model, got {got}.{self._misspelt_model()}"
            )
        return model

    def _misspelt_model(self) -> str:
        """Ask whether a parameter that nothing takes was meant to be the model."""
        for name in sorted(vars(self).get("_user_params", ())):
            if near := did_you_mean(name, ["model", "build_fn"]):
                return f" It got {name!r}.{near}"
        return ""

    def _build_keras_model(self) -> Any:
        owner = type(self).__name__
        extra = vars(self).get("_user_params", set())
        parameters = self.get_params(deep=False)
        build = self._check_model_param()
        with self._seeds():
            check_parameters(owner, build, extra, parameters)
            model = super()._build_keras_model()
        check_model(owner, model)
        if model.compiled:
            check_used(owner, build, parameters)
        return model

    def _get_compile_kwargs(self) -> dict[str, Any]:
        import keras

        found = super()._get_compile_kwargs()
        optimizer = found["optimizer"]
        if isinstance(optimizer, keras.optimizers.Optimizer):
            # An optimizer belongs to the weights of one network, a parameter to all.
            found["optimizer"] = type(optimizer).from_config(optimizer.get_config())
        return found

    def _compile(self) -> KerasNetwork:
        """Compile the model if need be; check it against the labels and the loss."""
        if "_keras_network" in vars(self):
            return self._keras_network
        owner, model = type(self).__name__, self.model_
        self._ensure_compiled_model()
        check_model(owner, model)
        self._check_rows_of_model()
        self._check_model_compatibility(None)
        self._loss = compiled_loss(model.loss)
        n_units = self._network.n_units
        check_units(owner, n_units, self.n_classes_)
        check_head(owner, model, self._loss, n_units)
        return self._network

    def _check_rows_of_model(self) -> None:
        if not self._has_own_encoder:
            check_rows(type(self).__name__, self.model_, self._row_shape)

    def _check_model_compatibility(self, y: ArrayLike | None) -> None:
        outputs = getattr(self.model_, "outputs", None)
        if outputs is None:
            return
        if self._has_plain_labels and len(outputs) > 1:
            raise ValueError(
                f"The network of {type(self).__name__} has {len(outputs)} outputs, but "
                "y has one label per row: return a network of one output."
            )
        if not is_of_single_values(self.model_.loss):  # else it has been checked
            super()._check_model_compatibility(y)

    @property
    def _network(self) -> KerasNetwork:
        """The model as what is measured, once it has been compiled."""
        if "_keras_network" not in vars(self):
            self._keras_network = KerasNetwork(
                self.model_,
                self._loss,
                self.n_classes_,
                self._n_units(),
                self._prepared,
            )
        return self._keras_network

    def _n_units(self) -> int:
        """Count the values that the network gives for one row."""
        outputs = getattr(self.model_, "outputs", None)
        if outputs:
            return math.prod(outputs[0].shape[1:])
        # A network of a class of the user's has weights once it has seen a row.
        row = self._prepared(np.zeros((1, *self._row_shape), self.X_dtype_))
        with self._seeds():
            return math.prod(self.model_(row, training=False).shape[1:])

    def _prepared(self, X: np.ndarray) -> Any:
        """Rows as the model takes them; they come folded, or in its own shape."""
        X = self.feature_encoder_.transform(X.reshape(len(X), *self._row_shape))
        inputs = getattr(self.model_, "inputs", None) or []
        if self._has_own_encoder or len(inputs) != 1:
            return X
        shape = tuple(inputs[0].shape[1:])
        return X if None in shape else X.reshape(len(X), *shape)

    @property
    def _has_own_encoder(self) -> bool:
        return type(self).feature_encoder is not _Wrapper.feature_encoder

    def _seeds(self) -> Any:
        """Hold off other seeded fits, where this one is seeded."""
        return nullcontext() if self._random_state is None else lent_seeds()

    def _callbacks(self) -> list[Any]:
        if "_fit_callbacks" not in vars(self):
            self._initialize_callbacks()
        return self._fit_callbacks

    # ---------------------------------------------------------------------- keras.Model

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
        is_own = type(self).target_encoder is not _Wrapper.target_encoder
        if is_own or len(outputs) != 1 or np.ndim(y) != 2:
            return
        n_units, loss = outputs[0].shape[-1], compiled_loss(self.model_.loss)
        check_columns(type(self).__name__, n_units, loss, y.shape[1])

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
