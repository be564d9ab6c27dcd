"""A fix applied to an estimator, and the code that does the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.base import clone

from skloss.diagnosis import Case
from skloss.diagnosis.fixes import Fix, Step
from skloss.diagnosis.words import params_text
from skloss.repairs.estimator_parts import Parts, is_sampler, parts_of
from skloss.repairs.translation import CannotApplyError, translated

__all__ = ["Change", "change_of"]


@dataclass(frozen=True)
class Change:
    """An estimator after a fix.

    Parameters
    ----------
    estimator : estimator
        The changed estimator, not fitted.
    line : str
        The line of code that changes ``estimator`` in the same way.
    imports : tuple of str, default=()
        Lines to stand before it.
    """

    estimator: Any
    line: str
    imports: tuple[str, ...] = ()


def change_of(estimator: Any, fix: Fix, case: Case | None = None) -> Change:
    """Apply a fix to a copy of an estimator.

    Parameters
    ----------
    estimator : estimator
        A classifier, or a pipeline or wrapper around one. It stays as it is.
    fix : Fix
        The change.
    case : Case or None, default=None
        What is known of the training.

    Returns
    -------
    Change

    Raises
    ------
    CannotApplyError
        If the estimator cannot take the fix, with the reason.

    Examples
    --------
    >>> from skloss import DenseClassifier
    >>> from skloss.diagnosis.fixes import Fix
    >>> change = change_of(DenseClassifier(activation="linear"), Fix({"epochs": 300}))
    >>> print(change.line)
    estimator.set_params(epochs=300)
    """
    changed = clone(estimator)
    parts = parts_of(changed)
    if fix.step is not None:
        return _with_step(changed, parts, fix.step)
    if fix.holds_out_first:
        return _held_out_first(changed, parts)
    found = translated(parts.classifier, fix.params, case)
    # In one order, so that two findings with the same fix have the same line.
    params = {f"{parts.prefix}{name}": found[name] for name in sorted(found)}
    changed.set_params(**params)
    names_a_class = any(isinstance(value, type) for value in params.values())
    imports = ("import keras",) if names_a_class else ()
    return Change(changed, f"estimator.set_params({params_text(params)})", imports)


def _with_step(changed: Any, parts: Parts, step: Step) -> Change:
    """Put a step before the samplers and the classifier."""
    made, imports = step.make(), (f"from {step.module} import {step.name}",)
    if parts.pipeline is None:
        from skloss.model_selection import make_pipeline

        return _replaced(
            changed,
            parts,
            make_pipeline(made, parts.classifier),
            f"make_pipeline({step.code}, {parts.place})",
            ("from skloss import make_pipeline", *imports),
        )
    steps = parts.pipeline.steps
    if any(type(one).__name__ == step.name for _, one in steps):
        raise CannotApplyError(f"a {step.name} stands before the classifier already")
    samplers = (i for i, (_, one) in enumerate(steps) if is_sampler(one))
    place = next(samplers, len(steps) - 1)
    name = _free_name(step.name.lower(), {taken for taken, _ in steps})
    steps.insert(place, (name, made))
    line = f'{parts.place}.steps.insert({place}, ("{name}", {step.code}))'
    return Change(changed, line, imports)


def _held_out_first(changed: Any, parts: Parts) -> Change:
    """Make the pipeline one of skloss, which holds rows out before its steps."""
    from skloss.model_selection import Pipeline

    old = parts.pipeline
    if old is None:
        raise CannotApplyError(
            "the rows were resampled before they were given: give the original rows, "
            "and an estimator skloss.make_pipeline(sampler, classifier)"
        )
    if isinstance(old, Pipeline):
        raise CannotApplyError("skloss.Pipeline holds out first already")
    new = Pipeline(old.steps, memory=old.memory)
    memory = "" if old.memory is None else f", memory={parts.place}.memory"
    code = f"Pipeline({parts.place}.steps{memory})"
    return _replaced(changed, parts, new, code, ("from skloss import Pipeline",))


def _replaced(
    changed: Any, parts: Parts, new: Any, code: str, imports: tuple[str, ...]
) -> Change:
    """Put a new pipeline in the place of the innermost one, or of the classifier."""
    if parts.parent is not None:
        parts.parent.set_params(estimator=new)
    elif parts.place != "estimator":
        raise CannotApplyError("a pipeline inside of a pipeline is not replaced")
    outer = changed if parts.parent is not None else new
    return Change(outer, f"{parts.place} = {code}", imports)


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
