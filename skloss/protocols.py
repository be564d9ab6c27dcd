"""Types of what other libraries give, by the attributes that skloss reads.

Keras and scikit-learn carry no types, and TensorFlow is imported late: so the functions
here say what they need of a model, a layer or an estimator, not of which class it is.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

__all__ = [
    "Estimator",
    "FittedClassifier",
    "FittedSearch",
    "KerasLayer",
    "KerasModel",
    "Tensor",
]

# TensorFlow has no types of its own, and its operators take arrays and numbers as well.
Tensor: TypeAlias = Any


class Estimator(Protocol):
    """An estimator of scikit-learn."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""


class FittedClassifier(Protocol):
    """A fitted classifier that gives probabilities."""

    classes_: np.ndarray

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class for each row."""


class FittedSearch(Protocol):
    """A fitted search of scikit-learn, or one with the same results."""

    cv_results_: dict[str, Any]


class KerasLayer(Protocol):
    """A layer of Keras; what only some kinds of layer have is not typed."""

    name: str
    trainable: bool

    @property
    def weights(self) -> Sequence[Tensor]:
        """Variables of the layer."""

    def __call__(self, inputs: Tensor, *, training: bool | None = None) -> Tensor:
        """Return the outputs."""

    def __getattr__(self, name: str) -> Any:
        """Return what this kind of layer has besides."""


class KerasModel(Protocol):
    """A built model of Keras."""

    name: str
    trainable: bool
    loss: Any
    optimizer: Any
    compiled: bool

    @property
    def layers(self) -> Sequence[KerasLayer]:
        """Layers in the order in which they were added."""

    @property
    def inputs(self) -> Sequence[Tensor]:
        """Symbolic inputs."""

    @property
    def outputs(self) -> Sequence[Tensor]:
        """Symbolic outputs."""

    @property
    def weights(self) -> Sequence[Tensor]:
        """All variables."""

    @property
    def trainable_weights(self) -> Sequence[Tensor]:
        """Variables that training changes."""

    @property
    def trainable_variables(self) -> Sequence[Tensor]:
        """Variables that training changes, with those of random generators."""

    @property
    def non_trainable_variables(self) -> Sequence[Tensor]:
        """Variables that training leaves alone."""

    @property
    def variables(self) -> Sequence[Any]:
        """All variables, with those of random generators."""

    @property
    def losses(self) -> Sequence[Tensor]:
        """Penalties of the last call."""

    def compile(self, **settings: Any) -> None:
        """Set loss, optimizer and metrics."""

    def get_compile_config(self) -> dict[str, Any]:
        """Return what the model was compiled with."""

    def get_weights(self) -> list[np.ndarray]:
        """Return the weights as arrays."""

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Set the weights."""

    def stateless_call(
        self,
        trainable_variables: Sequence[Tensor],
        non_trainable_variables: Sequence[Tensor],
        *args: Tensor,
        **kwargs: Any,
    ) -> tuple[Tensor, Any]:
        """Return the outputs for variables that are given."""

    def __call__(self, inputs: Tensor, *, training: bool | None = None) -> Tensor:
        """Return the outputs."""
