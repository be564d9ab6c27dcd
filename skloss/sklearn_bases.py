"""scikit-learn's base classes of an estimator, with types.

scikit-learn ships no types. A class with an untyped base takes any argument in the eyes
of a type checker, so that a misspelt parameter would pass. For type checkers, stand-ins
declare what the estimators inherit; at run time there are only scikit-learn's own.
"""

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    class BaseEstimator:
        """What every estimator inherits."""

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Return the parameters by name."""

        def set_params(self, **params: Any) -> Self:
            """Set parameters by name."""

        def get_metadata_routing(self) -> Any:
            """Return what is asked for by ``fit`` and its like."""

        def set_fit_request(self, **requests: bool | str | None) -> Self:
            """Ask for metadata of ``fit``."""

        def set_partial_fit_request(self, **requests: bool | str | None) -> Self:
            """Ask for metadata of ``partial_fit``."""

        def set_score_request(self, **requests: bool | str | None) -> Self:
            """Ask for metadata of ``score``."""

        def __sklearn_tags__(self) -> Any:
            """Return the tags."""

    class ClassifierMixin:
        """What every classifier inherits."""

        def score(self, X: Any, y: ArrayLike, sample_weight: Any = None) -> float:
            """Return the accuracy."""

        def __sklearn_tags__(self) -> Any:
            """Return the tags."""

    class CallbackSupportMixin:
        """What an estimator inherits that takes scikit-learn's callbacks."""

        def set_callbacks(self, *callbacks: Any) -> Self:
            """Set callbacks for the next training."""

else:
    from sklearn.base import BaseEstimator, ClassifierMixin

    from skloss.sklearn_compat import CallbackSupportMixin

__all__ = ["BaseEstimator", "CallbackSupportMixin", "ClassifierMixin"]
