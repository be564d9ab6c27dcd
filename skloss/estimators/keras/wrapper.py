"""scikeras' classifier, mended where scikit-learn has moved on.

Its last version is older than scikit-learn 1.6,
so that what scikit-learn asks of an estimator is answered here, while the handling of
model functions and of routed parameters (``optimizer__learning_rate``) is scikeras'.
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
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
    check_head,
    check_model,
    check_rows,
    check_units,
)
from skloss.estimators.keras.output_weights import is_one_hot
from skloss.estimators.keras.scikeras_import import ScikerasClassifier, route_params
from skloss.estimators.keras.unknown_parameters import (
    check_parameters,
    check_used,
)
from skloss.holdout import check_kept, check_no_gaps
from skloss.keras_interop.compiled_settings import CompiledLoss, compiled_loss
from skloss.keras_interop.keras_network import KerasNetwork
from skloss.keras_interop.output_loss import is_of_single_values
from skloss.keras_interop.pack_model import pack_model
from skloss.masked_rows import unmasked
from skloss.nearest_name import did_you_mean
from skloss.protocols import KerasModel
from skloss.row_errors import rows_explained
from skloss.training.seeds import lent_seeds
from skloss.training.tensorflow_start import start_tensorflow

__all__ = ["MendedWrapper"]

# From a warning in `_rows_and_labels` to the line that called ``fit``.
_TO_CALLER = 7


class MendedWrapper(ScikerasClassifier):
    """What is between scikit-learn and a Keras model, but not how it is trained."""

    classes_: Any
    n_classes_: int
    _has_plain_labels: bool
    _loss: CompiledLoss
    _keras_network: KerasNetwork

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
        if plain and type(self).target_encoder is ScikerasClassifier.target_encoder:
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
        X = unmasked(X)
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
        return type(self).feature_encoder is not ScikerasClassifier.feature_encoder

    def _seeds(self) -> Any:
        """Hold off other seeded fits, where this one is seeded."""
        seed = self._random_state
        return nullcontext() if seed is None else lent_seeds(seed)
