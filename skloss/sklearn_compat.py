"""All private or version-dependent names of scikit-learn, from scikit-learn 1.7 on."""

from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar, cast

import sklearn
from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

Method = TypeVar("Method", bound=Callable[..., Any])

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in for an estimator that cannot take callbacks."""

        # A property, so that hasattr() says no, as of any estimator without callbacks.
        @property
        def set_callbacks(self) -> Callable[..., Any]:
            """Say what callbacks need."""
            raise AttributeError(
                "set_callbacks needs scikit-learn 1.9 or newer, but "
                f"{sklearn.__version__} is installed: upgrade it by "
                "'pip install -U scikit-learn'."
            )

    def with_callbacks(method: Method) -> Method:
        """Leave a method as it is: nobody can set callbacks."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "plotted_line",
    "safe_indexing",
    "threshold_label",
    "with_callbacks",
]


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """Validate the parameters before a method runs; the method keeps its types."""
    decorate = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)
    return cast("Callable[[Method], Method]", decorate)


def threshold_label(tuned: Any) -> Any:
    """Label whose scores the threshold of a TunedThresholdClassifierCV is for."""
    label = tuned._curve_scorer._get_pos_label()
    return tuned.classes_[1] if label is None else label


def plotted_line(display: Any, ax: object, style: dict[str, Any]) -> Any:
    """Plot a RocCurveDisplay or PrecisionRecallDisplay, and return its line."""
    is_new = "curve_kwargs" in signature(display.plot).parameters
    options = {"curve_kwargs": style} if is_new else style
    return display.plot(ax, **options).line_
