"""All private or version-dependent names of scikit-learn, from scikit-learn 1.7 on."""

import sys
from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar, cast

import sklearn
from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._metadata_requests import _routing_enabled as routing_enabled
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from skloss.python_random import python_random_kept

Method = TypeVar("Method", bound=Callable[..., Any])

try:
    with python_random_kept():  # it imports rich, which draws a number
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
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "groups_stay_outside",
    "metric_of_scorer",
    "plotted_line",
    "routing_enabled",
    "safe_indexing",
    "splits_by_groups",
    "takes_sample_weight",
    "threshold_label",
    "with_callbacks",
]


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """Validate the parameters before a method runs; the method keeps its types."""
    decorate = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)
    return cast("Callable[[Method], Method]", decorate)


def threshold_label(tuned: Any) -> Any:
    """Label whose scores the ``best_threshold_`` of a classifier is for."""
    if hasattr(tuned, "pos_label_"):
        return tuned.pos_label_
    label = tuned._curve_scorer._get_pos_label()
    return tuned.classes_[1] if label is None else label


def metric_of_scorer(scorer: Any) -> Any:
    """Metric of a scorer of ``make_scorer``; any other scorer itself."""
    return getattr(scorer, "_score_func", scorer)


def takes_sample_weight(scorer: Any) -> bool:
    """Whether a scorer, or its metric, can weigh rows."""
    try:
        return "sample_weight" in signature(metric_of_scorer(scorer)).parameters
    except (TypeError, ValueError):  # of a function of C
        return False


def splits_by_groups(splitter: object) -> bool:
    """Whether a cross-validator keeps groups together."""
    if not hasattr(splitter, "get_metadata_routing"):
        return False
    requests = splitter.get_metadata_routing().split.requests
    return requests.get("groups") is True


def groups_stay_outside() -> bool:
    """Whether this fit runs in a cross-validation that has groups and keeps them.

    Without metadata routing scikit-learn gives groups to the splitter only, and does
    not tell the estimator. Only the frames of the call tell it, and only in the process
    and thread of the call.
    """
    if routing_enabled():
        return False
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("sklearn.model_selection"):
            params = frame.f_locals.get("params")
            given = params if isinstance(params, dict) else {}
            groups = frame.f_locals.get("groups")
            if groups is not None or given.get("groups") is not None:
                return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def plotted_line(display: Any, ax: object, style: dict[str, Any]) -> Any:
    """Plot a RocCurveDisplay or PrecisionRecallDisplay, and return its line."""
    is_new = "curve_kwargs" in signature(display.plot).parameters
    options = {"curve_kwargs": style} if is_new else style
    return display.plot(ax, **options).line_
