"""``Fix``: what a finding advises, as data that can be applied and as a line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import hidden_of
from skloss.diagnosis.evidence.training_loss import usual_rates
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.words import params_text

__all__ = ["Fix", "Step", "fixes_of", "line_of"]


@dataclass(frozen=True)
class Step:
    """A transformer to put in front of the classifier.

    Parameters
    ----------
    module, name : str
        Where its class is found.
    params : dict, default={}
        Arguments of the class.

    Examples
    --------
    >>> step = Step("sklearn.impute", "SimpleImputer", {"strategy": "median"})
    >>> step.code, step.make()
    ('SimpleImputer(strategy="median")', SimpleImputer(strategy='median'))
    """

    module: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The call that makes it."""
        return f"{self.name}({params_text(self.params)})"

    def make(self) -> Any:
        """Make the transformer."""
        return getattr(import_module(self.module), self.name)(**self.params)


@dataclass(frozen=True)
class Fix:
    """One change of an estimator, in words that hold for every kind of estimator.

    Parameters
    ----------
    params : dict, default={}
        Parameters by the names of a skloss classifier. Networks of Keras have three
        more: ``head_activation``, ``kernel_initializer`` and ``bias_initializer``.
    step : Step, default=None
        Transformer to put in front.
    holds_out_first : bool, default=False
        Whether validation rows must be held out before the steps of the pipeline.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    step: Step | None = None
    holds_out_first: bool = False


_SCALER = Step("sklearn.preprocessing", "StandardScaler")
# Steps that apply the fix of a rule.
_STEPS = {
    "nan-in-inputs": Step("sklearn.impute", "SimpleImputer", {"strategy": "median"}),
    "constant-inputs": Step("sklearn.feature_selection", "VarianceThreshold"),
    "weak-input-variation": _SCALER,
    "unscaled-inputs": _SCALER,
    "test-scaling-mismatch": _SCALER,
    "series-scaled-by-column": Step("skloss", "SeriesScaler"),
}
_GLOROT = {"kernel_initializer": "glorot_uniform"}
# Parameters that apply the fix of a rule, where a skloss classifier needs no fix.
_PARAMS: dict[str, dict[str, Any]] = {
    "constant-init": _GLOROT,
    "large-init": _GLOROT,
    "dead-relu": {"bias_initializer": "zeros"},
    "sigmoid-with-from-logits": {"loss": "crossentropy"},
    "softmax-with-from-logits": {"loss": "crossentropy"},
    "single-unit-categorical-ce": {"loss": "crossentropy"},
    "bce-on-softmax2": {"loss": "crossentropy"},
    "unshuffled-tail-validation": {
        "validation_rows": "stratified",
        "validation_split": 0.0,
        "validation_fraction": 0.2,
    },
}
_WRONG_HEADS = (
    "softmax-one-unit",
    "relu-output",
    "linear-output",
    "linear-output-without-from-logits",
    "sigmoid-output-multiclass",
)
_TUNE = 'TunedThresholdClassifierCV(classifier, scoring="matthews_corrcoef")'
# Lines for those who change things by hand, where no change above applies the fix.
_LINES = {
    "conflicting-labels": "table[table.duplicated(columns, keep=False)]",
    "label-noise": "skloss.label_issues(classifier, X, y)",
    "tiny-dataset": "cv=RepeatedStratifiedKFold(n_splits=5, n_repeats=10)",
    "imbalance": _TUNE,
    "unshuffled-tail-validation": "train_test_split(X, y, stratify=y)",
    "minority-absent": "train_test_split(X, y, stratify=y)",
    "train-rows-in-validation": "X = X.drop_duplicates(); y = y[X.index]",
    "ungrouped-holdout": "pipeline.fit(X, y, step__groups=groups)",
    "train-val-prior-shift": _TUNE,
    "noisy-validation": "cv=RepeatedStratifiedKFold(n_splits=5, n_repeats=10)",
    "no-validation": "model.fit(X, y, validation_data=(X_val, y_val))",
    "constant-init": 'kernel_initializer="glorot_uniform"',
    "large-init": 'kernel_initializer="glorot_uniform"',
    "softmax-one-unit": 'Dense(1, activation="sigmoid")',
    "relu-output": 'Dense(1, activation="sigmoid")',
    "linear-output-without-from-logits": "BinaryCrossentropy(from_logits=True)",
    "single-unit-categorical-ce": 'model.compile(loss="binary_crossentropy")',
    "threshold-not-tuned": _TUNE,
    "all-positive": _TUNE,
    "overconfident-probabilities": "CalibratedClassifierCV(classifier)",
    "search-by-accuracy": 'scoring="matthews_corrcoef"',
    "folds-disagree": "cv=StratifiedGroupKFold(5, shuffle=True, random_state=0)",
}


def fixes_of(finding: Finding, case: Case | None) -> tuple[Fix, ...]:
    """Return the changes that a finding advises, the likeliest first.

    Parameters
    ----------
    finding : Finding
        What was found.
    case : Case or None
        What the rules looked at.

    Returns
    -------
    tuple of Fix
        Empty where the advice is nothing that changes an estimator, such as to look at
        the labels.

    Examples
    --------
    >>> finding = Finding("D04", "unscaled-inputs", "error", "Large.", {}, "Scale.")
    >>> [fix.step.code for fix in fixes_of(finding, None)]
    ['StandardScaler()']
    """
    found = [Fix(finding.params)] if finding.params else []
    if step := _STEPS.get(finding.name):
        found.append(Fix(step=step))
    if params := _PARAMS.get(finding.name):
        found.append(Fix(params))
    if finding.name == "resample-before-split":
        found.append(Fix(holds_out_first=True))
    if finding.name in _WRONG_HEADS:
        found += _right_head(case)
    if case is not None and (more := _BY_CASE.get(finding.name)) is not None:
        found += more(case)
    return tuple(found)


def line_of(finding: Finding) -> str:
    """Return the line of code that applies a fix; an empty text where it is no line.

    Examples
    --------
    >>> finding = Finding("D04", "unscaled-inputs", "error", "Large.", {}, "Scale.")
    >>> line_of(finding)
    'make_pipeline(StandardScaler(), classifier)'
    """
    if finding.params:
        return f"classifier.set_params({params_text(finding.params)})"
    if step := _STEPS.get(finding.name):
        return f"make_pipeline({step.code}, classifier)"
    if finding.name == "resample-before-split":
        known = finding.evidence.get("sampler")
        sampler = "SMOTE" if known is None else str(known.value).partition(",")[0]
        if not sampler[:1].isupper():  # no class, but a function or code by hand
            is_under = sampler.startswith("under")
            sampler = "RandomUnderSampler" if is_under else "RandomOverSampler"
        return f"skloss.make_pipeline({sampler}(), classifier).fit(X, y)"
    return _LINES.get(finding.name, "")


def _right_head(case: Case | None) -> list[Fix]:
    """Return the output activation that fits the task."""
    if case is None or case.head is None or case.task not in ("binary", "multiclass"):
        return []
    right = "sigmoid" if case.head.units == 1 else "softmax"
    return [Fix({"head_activation": right})]


def _more_training(case: Case) -> list[Fix]:
    """Scale the columns, then train longer, then faster, then more units."""
    found = [Fix(step=_SCALER)]
    training = case.training
    if case.n_epochs:
        found.append(Fix({"epochs": 4 * case.n_epochs}))
    rate = None if training is None else training.learning_rate
    if rate is not None and rate < 1e-3:
        found.append(Fix({"learning_rate": 1e-3}))
    units = max((kernel.layer.units or 0 for kernel in hidden_of(case)), default=0)
    return [*found, Fix({"width": 64 if units < 64 else 2 * units})]


def _still_faster(case: Case) -> list[Fix]:
    """Go halfway to the highest rate that works: the usual one needs many updates."""
    usual = usual_rates(case)
    if usual is None or not math.isfinite(usual[2]):
        return []
    return [Fix({"learning_rate": float(f"{math.sqrt(usual[1] * usual[2]):.0e}")})]


_BY_CASE: dict[str, Callable[[Case], list[Fix]]] = {
    "underfit": _more_training,
    "lr-too-low": _still_faster,
}
