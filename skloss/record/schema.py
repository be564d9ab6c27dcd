"""The schema of a record, which files are checked against.

Parts that are dataclasses (`Layer`, `Training`, `SplitMetrics` and others) are their
own schema, by the annotations of their fields. A name that is not in the schema is of a
newer version, and is let through.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

__all__ = ["CheckedPart", "check_record", "problem_of"]

# The second part of an annotation is the range: the least and the largest value.
Count = Annotated[int, (0, 2**62)]
Share = Annotated[float, (0, 1)]
Label = str | int | float | bool | None
_LARGEST = 2**63  # of a label of 64 bits; any of them is also a float

_CONFIGURATION: dict[str, Any] = {
    "estimator": str | None,
    "parameters": dict[str, Any],
    "origin": str | None,
    "is_honest": bool | None,
    "is_partial": bool | None,
    "task": Literal["binary", "multiclass", "multilabel", "regression"] | None,
    "layers": list[dict[str, Any]] | None,
    "n_parameters": Count | None,
    "n_members": Count | None,
    "training": dict[str, Any] | None,
    "seed": int | None,
    "higher_is_better": dict[str, bool],
}
_DATA: dict[str, Any] = {
    "n_rows": Count | None,
    "n_features": Count | None,
    "n_given": Count | None,
    "held_out_rows": list[Count] | None,
    "classes": list[Label] | None,
    "pos_label": Label,
    "n_classes": Count | None,
    "class_counts": dict[str, list[Count]],
    "priors": dict[str, list[Share]],
    "columns": dict[str, list[float]],
    "holdout": str | None,
    "holdout_groups": str | None,
    "samplers": list[str] | None,
    "is_resampled": bool | None,
    "rows": dict[str, Any] | None,
    "validation_shift": dict[str, Any] | None,
}
_OUTCOME: dict[str, Any] = {
    "best_epoch": Count | None,
    "kept_epoch": Count | None,
    "monitor": str | None,
    "stop_reason": str | None,
    "program": str | None,
    "program_reason": str | None,
    "seconds": float | None,
    "validation_truth": list[Count] | None,
    "validation_scores": list[float] | list[list[float]] | None,
    "metrics": dict[str, dict[str, Any] | None],
    "calibration": dict[str, Any] | None,
    "members": list[dict[str, Any]] | None,
    "refit": dict[str, Any] | None,
    "probe": dict[str, Any] | None,
    "search": dict[str, Any] | None,
}
_SECTIONS = {"configuration": _CONFIGURATION, "data": _DATA, "outcome": _OUTCOME}
_OF_COLUMNS = ("p01", "p99", "std", "median")


def problem_of(value: object, kind: Any, name: str) -> str | None:
    """Say how a value differs from an annotation; None if it does not.

    Examples
    --------
    >>> problem_of([0.5, "x"], list[float], "loss")
    "loss[1] must be a number, got 'x'"
    >>> problem_of(None, float | None, "seconds")
    """
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return None
    if origin in (Union, UnionType):
        found = [problem_of(value, part, name) for part in parts]
        # The last alternative but None is the one that errors speak of.
        known = [
            text for text, part in zip(found, parts, strict=True) if part != NoneType
        ]
        return None if None in found else known[-1]
    if origin is Annotated:
        number: Any = value
        low, high = parts[1]
        wrong = problem_of(value, parts[0], name)
        if wrong is None and not low <= number <= high:
            wrong = f"{name} must be from {low} to {high}, got {value!r}"
        return wrong
    if origin is Literal:
        told = ", ".join(map(repr, parts))
        return (
            None if value in parts else f"{name} must be one of {told}, got {value!r}"
        )
    if origin in (list, tuple):
        return _problem_of_items(value, parts, name)
    if origin is dict:
        return _problem_of_mapping(value, parts[1], name)
    return _problem_of_scalar(value, kind, name)


def _problem_of_items(value: object, parts: tuple[Any, ...], name: str) -> str | None:
    """Check lists of any length, or of one item for each annotation."""
    if not isinstance(value, list | tuple):
        return f"{name} must be a list, got {type(value).__name__}"
    if len(parts) == 1 or parts[-1] is Ellipsis:
        kinds: Any = [parts[0]] * len(value)
    elif len(parts) != len(value):
        return f"{name} must have {len(parts)} values, got {len(value)}"
    else:
        kinds = parts
    every = enumerate(zip(value, kinds, strict=True))
    found = (problem_of(item, kind, f"{name}[{n}]") for n, (item, kind) in every)
    return next(filter(None, found), None)


def _problem_of_mapping(value: object, kind: Any, name: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{name} must be an object, got {type(value).__name__}"
    found = (problem_of(part, kind, f"{name}[{key!r}]") for key, part in value.items())
    return next(filter(None, found), None)


def _problem_of_scalar(value: object, kind: Any, name: str) -> str | None:
    if kind is NoneType:
        return None if value is None else f"{name} must be null, got {value!r}"
    words = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}
    allowed = {float: (int, float)}.get(kind, kind)
    is_right = isinstance(value, allowed) and (
        kind is bool or not isinstance(value, bool)
    )
    if not is_right:
        return f"{name} must be {words[kind]}, got {_short(value)}"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"{name} must be at most {_LARGEST}, got an integer that is larger"
    return None


def _short(value: object) -> str:
    told = repr(value)
    return told if len(told) < 60 else f"{told[:57]}..."


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Annotations of the fields of a dataclass."""
    found = get_type_hints(kind, include_extras=True)
    return {part.name: found[part.name] for part in fields(kind)}


class CheckedPart:
    """Base of the dataclasses whose annotations are their schema."""

    @classmethod
    def problem_of(cls, content: object) -> str | None:
        """Say what in plain content is not of the annotated types; None if nothing."""
        if not isinstance(content, Mapping):
            return f"{cls.__name__} must be an object, got {type(content).__name__}"
        for part in fields(cls):  # type: ignore[arg-type]
            is_needed = part.default is MISSING and part.default_factory is MISSING
            if is_needed and part.name not in content:
                return f"{part.name!r} is missing"
        hints = _hints(cls)  # type: ignore[arg-type]
        known = ((name, kind) for name, kind in hints.items() if name in content)
        found = (problem_of(content[name], kind, name) for name, kind in known)
        return next(filter(None, found), None)


def check_record(content: Mapping[str, Any], n_epochs: int) -> str | None:
    """Say what in the sections of a record is wrong; None if nothing.

    Parameters
    ----------
    content : mapping of str to mapping
        The sections, of the current version.
    n_epochs : int
        Number of epochs of the history.
    """
    for section, known in _SECTIONS.items():
        for name, kind in known.items():
            if name in content[section]:
                where = f"{section}[{name!r}]"
                wrong = problem_of(content[section][name], kind, where)
                if wrong is not None:
                    return wrong
    data, outcome = content["data"], content["outcome"]
    return (
        _problem_of_epochs(outcome, n_epochs)
        or _problem_of_classes(data, outcome)
        or _problem_of_rows(data, outcome)
    )


def _problem_of_epochs(outcome: Mapping[str, Any], n_epochs: int) -> str | None:
    for name in ("best_epoch", "kept_epoch"):
        epoch = outcome.get(name)
        if epoch is not None and n_epochs and epoch >= n_epochs:
            return f"outcome[{name!r}] is {epoch}, but there are {n_epochs} epochs"
    return None


def _problem_of_classes(
    data: Mapping[str, Any], outcome: Mapping[str, Any]
) -> str | None:
    """Compare all that has one value per class."""
    classes, n_classes = data.get("classes"), data.get("n_classes")
    if classes is not None and n_classes not in (None, len(classes)):
        return f"data['classes'] has {len(classes)} of {n_classes} classes"
    n_classes = n_classes if classes is None else len(classes)
    scores = outcome.get("validation_scores") or ()
    if n_classes is None:
        needed = "data must have classes or n_classes for outcome['validation_scores']"
        return needed if scores else None
    label = data.get("pos_label")
    if label is not None and (n_classes != 2 or label not in (classes or (0, 1))):
        return f"data['pos_label'] must be one of two classes, got {_short(label)}"
    for name in ("class_counts", "priors"):
        for part, values in data.get(name, {}).items():
            if len(values) != n_classes:
                where = f"data[{name!r}][{part!r}]"
                return f"{where} has {len(values)} values for {n_classes} classes"
    truth = outcome.get("validation_truth")
    if truth and max(truth) >= n_classes:
        return f"outcome['validation_truth'] has class {max(truth)} of {n_classes}"
    for row in scores:
        # A number is the probability of the positive class of two.
        if (len(row) if isinstance(row, list) else 2) != n_classes:
            return f"outcome['validation_scores'] must have {n_classes} columns"
    return None


def _problem_of_rows(data: Mapping[str, Any], outcome: Mapping[str, Any]) -> str | None:
    """Compare all that has one value per row or column."""
    truth: Any = outcome.get("validation_truth")
    scores: Any = outcome.get("validation_scores")
    if (truth is None) != (scores is None):
        return "outcome must have both validation_truth and validation_scores"
    if truth is not None and len(truth) != len(scores):
        return (
            f"outcome has {len(truth)} validation_truth for {len(scores)} "
            "validation_scores"
        )
    held, n_given = data.get("held_out_rows"), data.get("n_given")
    if held and n_given is not None and max(held) >= n_given:
        return f"data['held_out_rows'] has row {max(held)} of {n_given}"
    columns = data.get("columns") or {}
    if columns and not set(_OF_COLUMNS) <= set(columns):
        return f"data['columns'] must have {', '.join(_OF_COLUMNS)}"
    if len({len(values) for values in columns.values()}) > 1:
        return "the lists of data['columns'] differ in length"
    return None
