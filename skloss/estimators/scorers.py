"""Scorers of scikit-learn as curves: which, on which rows, and how they are called."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from skloss.exceptions import ScorerFailedWarning
from skloss.nearest_name import did_you_mean
from skloss.record.curve_names import is_recorded_anyway
from skloss.sklearn_compat import metric_of_scorer, takes_sample_weight
from skloss.sparse_rows import flat_rows
from skloss.training import Rows

__all__ = [
    "NO_SCORERS",
    "ChosenScorers",
    "EpochScores",
    "check_monitor",
    "chosen_scorers",
    "monitored_scorer",
]

Scorer = Callable[..., float]


@dataclass(frozen=True)
class ChosenScorers:
    """Scorers by name: those of the training rows, and those of the held-out rows."""

    training: Mapping[str, Scorer]
    held_out: Mapping[str, Scorer]

    def of(self, prefix: str) -> Mapping[str, Scorer]:
        """Scorers whose curves begin with ``""`` or with ``"val_"``."""
        return self.held_out if prefix else self.training

    @property
    def curves(self) -> tuple[str, ...]:
        """Names of the curves."""
        return (*self.training, *(f"val_{name}" for name in self.held_out))


NO_SCORERS = ChosenScorers({}, {})


def chosen_scorers(
    owner: str,
    scoring: Any,
    monitors: Sequence[Any],
    *,
    train_scores: bool,
    has_holdout: bool,
) -> ChosenScorers:
    """Read the ``scoring`` of a classifier, and scorers that are monitored.

    Parameters
    ----------
    owner : str
        Name of the classifier, for errors.
    scoring : None, str, callable, list, tuple, set or dict
        As the user gave it.
    monitors : sequence of str or callable
        Each a curve, ``"auto"``, or a scorer.
    train_scores : bool
        Whether all are measured on training rows, too.
    has_holdout : bool
        Whether rows are held out; else all are measured on training rows.
    """
    known = _scorers_of(owner, scoring)
    training = dict(known) if train_scores or not has_holdout else {}
    held_out = dict(known) if has_holdout else {}
    for monitor in monitors:
        if callable(monitor):
            name = monitored_scorer(owner, monitor)
            if known.get(name, monitor) is not monitor:
                raise ValueError(_two_of_one_name(owner, name))
            known[name] = (held_out if has_holdout else training)[name] = monitor
            continue
        name = monitor.removeprefix("val_")
        side = held_out if name != monitor else training
        if name in known:
            side[name] = known[name]
        elif not is_recorded_anyway(name) and name in _names():
            side[name] = _by_name(name)
    return ChosenScorers(training, held_out)


def monitored_scorer(owner: str, scorer: Scorer) -> str:
    """Name of a scorer that is given as ``monitor`` itself."""
    return _checked_name(owner, "monitor", _name_of(owner, "monitor", scorer), scorer)


def check_monitor(owner: str, parameter: str, monitor: str, curves: list[str]) -> None:
    """Refuse a monitor that is no curve, naming the nearest curve or scorer."""
    if monitor in curves:
        return
    prefixes = ("", "val_") if any(c.startswith("val_") for c in curves) else ("",)
    options = [*curves, *(prefix + name for prefix in prefixes for name in _names())]
    listed = ", ".join(map(repr, curves))
    verb = "follow" if parameter == "learning_rate_schedule" else "be"
    raise ValueError(
        f"The {parameter!r} parameter of {owner} must {verb} one of {listed}, or the "
        f"curve of a scorer of scikit-learn, such as {prefixes[-1] + 'roc_auc'!r}. "
        f"Got {monitor!r} instead.{did_you_mean(monitor, options)}"
    )


# ----------------------------------------------------------------- reading of `scoring`


def _scorers_of(owner: str, scoring: Any) -> dict[str, Scorer]:
    if scoring is None:
        return {}
    if isinstance(scoring, str) or callable(scoring):
        scoring = [scoring]
    if isinstance(scoring, Mapping):
        pairs = list(scoring.items())
    else:
        pairs = [
            (s if isinstance(s, str) else _name_of(owner, "scoring", s), s)
            for s in (sorted(scoring, key=str) if isinstance(scoring, set) else scoring)
        ]
    found: dict[str, Scorer] = {}
    for name, scorer in pairs:
        if name in found:
            raise ValueError(_two_of_one_name(owner, name))
        if scorer == name and is_recorded_anyway(name):
            continue  # as "f1": the curve of that name is there, of pos_label_
        _checked_name(owner, "scoring", name, scorer)
        found[name] = _scorer(owner, scorer)
    return found


def _two_of_one_name(owner: str, name: str) -> str:
    return (
        f"{owner} has two scorers of the name {name!r}: give a dict from names of your "
        "own to scorers as 'scoring', and a name as 'monitor'."
    )


def _checked_name(owner: str, parameter: str, name: Any, scorer: Any) -> str:
    """Return a name that a curve of its own can have."""
    where = f"The {parameter!r} parameter of {owner}"
    if not isinstance(name, str):
        raise ValueError(
            f"{where} must have texts as names of scorers. Got {name!r} instead."
        )
    if not isinstance(scorer, str) and name.startswith("val_"):
        raise ValueError(
            f"{where} names a scorer {name!r}: leave out 'val_', which stands before "
            "the names of all curves of the held-out rows."
        )
    if scorer != name and is_recorded_anyway(name):
        raise ValueError(
            f"{where} names a scorer {name!r}, but a curve of that name is recorded "
            f"anyway: give a dict with another name, such as {{'my_{name}': ...}}."
        )
    return name


def _scorer(owner: str, scorer: Any) -> Scorer:
    if isinstance(scorer, str):
        if scorer in _names():
            return _by_name(scorer)
        raise ValueError(
            f"The 'scoring' parameter of {owner} names {scorer!r}, which is no scorer "
            "of scikit-learn; sklearn.metrics.get_scorer_names() has all names."
            + did_you_mean(scorer, _names())
        )
    if not callable(scorer):
        raise ValueError(
            f"The 'scoring' parameter of {owner} must be a name, a scorer, or a list "
            f"or dict of these. Got {scorer!r} instead."
        )
    _refuse_metrics(owner, "scoring", scorer)
    return scorer


def _name_of(owner: str, parameter: str, scorer: Any) -> str:
    """Name of a scorer that came without one, that of its metric."""
    if not callable(scorer):
        raise ValueError(
            f"The {parameter!r} parameter of {owner} must be a name, a scorer, or a "
            f"list or dict of these. Got {scorer!r} instead."
        )
    _refuse_metrics(owner, parameter, scorer)
    metric = metric_of_scorer(scorer)
    name = str(getattr(getattr(metric, "func", metric), "__name__", ""))
    if not name.isidentifier():
        raise ValueError(
            f"The {parameter!r} parameter of {owner} has a scorer without a name, "
            f"{scorer!r}: give a dict to 'scoring', as {{'gain': scorer}}."
        )
    return name


def _refuse_metrics(owner: str, parameter: str, scorer: Any) -> None:
    """Refuse metric(y_true, y_pred), which does not tell in what direction it goes."""
    if metric_of_scorer(scorer) is not scorer:
        return
    try:
        given = signature(scorer).parameters.values()
    except (TypeError, ValueError):
        return
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    if any(p.kind == Parameter.VAR_POSITIONAL for p in given):
        return
    needed = [p for p in given if p.kind in places and p.default is Parameter.empty]
    if len(needed) != 3:
        name = getattr(scorer, "__name__", "metric")
        raise ValueError(
            f"The {parameter!r} parameter of {owner} takes scorers, which are called "
            f"as scorer(estimator, X, y), but {name!r} takes {len(needed)} arguments: "
            f"if it is a metric, pass sklearn.metrics.make_scorer({name}), with "
            "greater_is_better=False if lower values are better."
        )


def _names() -> list[str]:
    from sklearn.metrics import get_scorer_names

    return list(get_scorer_names())


def _by_name(name: str) -> Scorer:
    from sklearn.metrics import get_scorer

    return get_scorer(name)


# ------------------------------------------------------------------- calling of scorers


@dataclass
class EpochScores:
    """Scorers on one set of rows, called after every epoch.

    Parameters
    ----------
    classifier : estimator
        The classifier that is fitted; its validation and its ``classes_`` are read.
    scorers : mapping of str to scorer
        Scorers by the names of their curves.
    rows : Rows
        The rows.
    shown : callable
        Gives the values of the rows as the classifier itself takes them.
    """

    classifier: Any
    scorers: Mapping[str, Scorer]
    rows: Rows
    shown: Callable[[np.ndarray], Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the curves."""
        return tuple(self.scorers)

    @cached_property
    def _given(self) -> Any:
        return self.shown(self.rows.X)

    @cached_property
    def _labels(self) -> np.ndarray:
        labels: np.ndarray = self.classifier.classes_[self.rows.y]
        return labels

    def __call__(
        self,
        probabilities: np.ndarray,
        predict: Callable[[np.ndarray], np.ndarray],
        is_trial: bool = False,
    ) -> dict[str, float]:
        """Score the probabilities of the rows; ``predict`` gives those of others."""
        epoch = _ClassifierOfEpoch(self.classifier, self._given, probabilities, predict)
        return {
            name: self._score(name, scorer, epoch, is_trial)
            for name, scorer in self.scorers.items()
        }

    def _score(
        self, name: str, scorer: Scorer, epoch: "_ClassifierOfEpoch", is_trial: bool
    ) -> float:
        weight = self.rows.sample_weight
        weighs = weight is not None and takes_sample_weight(scorer)
        options = {"sample_weight": weight} if weighs else {}
        try:
            return float(scorer(epoch, self._given, self._labels, **options))
        except Warning:  # an error by a filter of the user
            raise
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            if is_trial:
                raise ValueError(
                    f"The scorer {name!r} of {type(self.classifier).__name__} fails on "
                    f"the rows that it would be called on after every epoch: {told}"
                ) from error
            warnings.warn(  # the fit is worth more than a curve
                f"The scorer {name!r} failed after an epoch, and its curve has NaN "
                f"there ({told}).",
                ScorerFailedWarning,
                stacklevel=2,
            )
            return float("nan")


class _ClassifierOfEpoch(ClassifierMixin, BaseEstimator):
    """The classifier as it is after an epoch, with the predictions that are known."""

    def __init__(
        self,
        classifier: Any,
        X: Any,
        probabilities: np.ndarray,
        predict: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._classifier, self._X = classifier, X
        self._probabilities, self._of_others = probabilities, predict
        self.classes_ = classifier.classes_
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(classifier, name):
                setattr(self, name, getattr(classifier, name))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters of the classifier."""
        parameters: dict[str, Any] = self._classifier.get_params(deep)
        return parameters

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class."""
        if X is self._X:
            return self._probabilities
        return self._of_others(flat_rows(self._classifier._read_rows(X, "X")))

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class."""
        labels: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels
