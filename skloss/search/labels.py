"""Read labels as whole numbers or text, and refuse what is no label."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from skloss.alike_texts import alike_texts, plain_form
from skloss.search.columns import PLAIN_NUMBER
from skloss.search.file_words import listed, near, unreadable

__all__ = ["check_classes", "one_against_rest", "read_labels", "stripped"]

_MOST_CLASSES = 100
_LARGEST_INT = 2**63 - 1
# Beside numbers such a text may be a label or a missing value; only its author knows.
_MAYBE_MISSING = {"na", "n/a", "nan", "none", "null", "?", "-", "<na>", "#n/a"}


def stripped(y: np.ndarray) -> np.ndarray:
    """Remove blanks around texts, and write equal letters in the same way."""
    if y.dtype.kind not in "OUT":
        return y
    changed = np.empty(len(y), dtype=object)
    changed[:] = [
        plain_form(value) if isinstance(value, str) else value for value in y.tolist()
    ]
    return changed


def read_labels(
    path: Path, y: np.ndarray, target: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels as integers or text, with notes; refuse missing ones."""
    import pandas as pd

    plain = stripped(y)
    is_text = plain.dtype.kind == "O"
    missing = np.flatnonzero(pd.isna(plain) | (is_text & (plain == "")))
    if len(missing):
        raise unreadable(
            path,
            f"the target {target!r} has no value in row {missing[0] + 1} of {len(y)}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + "; drop these rows",
        )
    if not is_text:
        is_whole = plain.dtype.kind == "b" or (
            plain.dtype.kind == "f" and np.all(plain == np.round(plain))
        )
        return (plain.astype(np.int64) if is_whole else plain), ()
    texts = [str(value) for value in plain.tolist()]
    notes = _notes_of_labels(y.tolist(), texts, target)
    by_text = _numbers(path, texts, target)
    if by_text is None:
        return np.array(texts), notes
    numbers = np.array([by_text[text] for text in texts])
    merged = defaultdict(list)
    for text, number in by_text.items():
        merged[number].append(text)
    return numbers, (
        *notes,
        *(
            f"Target {target!r}: the labels {listed(same)} are read as the same "
            f"number, {number}."
            for number, same in merged.items()
            if len(same) > 1
        ),
    )


def _notes_of_labels(
    given: list[Any], texts: list[str], target: str
) -> tuple[str, ...]:
    changed = {old: new for old, new in zip(given, texts, strict=True) if old != new}
    notes = []
    stripped = {str(old): new for old, new in changed.items() if isinstance(old, str)}
    if stripped:
        notes.append(
            f"Target {target!r}: blanks around the labels {listed(stripped)} are "
            "removed."
            if all(old.strip() == new for old, new in stripped.items())
            else f"Target {target!r}: the labels {listed(stripped)} are read as "
            f"{listed(dict.fromkeys(stripped.values()))}."
        )
    notes.extend(
        f"Target {target!r}: the labels {listed(same)} differ only in case or blanks "
        "and are kept apart."
        for same in alike_texts(texts)
    )
    return tuple(notes)


def _numbers(path: Path, texts: list[str], target: str) -> dict[str, Any] | None:
    """Return labels as numbers; None if they are names or codes, such as ``01``."""
    different = list(dict.fromkeys(texts))
    if {text.lower() for text in different} <= {"true", "false"}:
        return {text: int(text.lower() == "true") for text in different}
    others = [text for text in different if not PLAIN_NUMBER.fullmatch(text)]
    if others:
        if len(others) < len(different) and all(
            text.lower() in _MAYBE_MISSING for text in others
        ):
            raise unreadable(
                path,
                f"the target {target!r} has numbers, but {others[0]!r} in row "
                f"{texts.index(others[0]) + 1}; drop these rows if the label is "
                "missing, or give the class another name",
            )
        return None
    numbers = {text: float(text) for text in different}
    if not all(n.is_integer() and abs(n) <= _LARGEST_INT for n in numbers.values()):
        is_measured = any(not n.is_integer() for n in numbers.values())
        return numbers if is_measured else None
    whole = {text: int(float(text)) for text in different}
    is_code = any(text.lstrip("+-")[:1] == "0" and len(text) > 1 for text in different)
    is_code = is_code and all(text.isdigit() for text in different)
    return None if is_code and len(set(whole.values())) == len(whole) else whole


def one_against_rest(
    path: Path, y: np.ndarray, positive: str, target: str
) -> np.ndarray:
    """Return 1 for the rows of the positive label, and 0 for all others."""
    is_positive = np.array([_is_same(label, positive) for label in np.unique(y)])
    classes = np.unique(y)
    if not is_positive.any():
        hint = near(positive, [str(label) for label in classes])
        raise unreadable(
            path,
            f"the value {positive!r} is not in the target {target!r}, which has "
            f"{listed(classes.tolist())}{hint}",
        )
    return np.isin(y, classes[is_positive]).astype(np.int64)


def _is_same(label: Any, text: str) -> bool:
    """Whether a label equals the typed text; 1, 1.0 and true are equal."""
    text = plain_form(text)
    if str(label) == text:
        return True
    try:
        return float(label) == float({"true": 1, "false": 0}.get(text.lower(), text))
    except (TypeError, ValueError):
        return False


def check_classes(path: Path, y: np.ndarray, target: str) -> None:
    """Refuse a target of one class, or one that is a measurement."""
    classes = np.unique(y)
    if len(classes) < 2:
        raise unreadable(
            path,
            f"the target {target!r} has only one value, {classes.tolist()[0]!r}; a "
            "classifier needs two classes",
        )
    if len(classes) > _MOST_CLASSES or y.dtype.kind == "f":
        raise unreadable(
            path,
            f"the target {target!r} has {len(classes)} different values and looks "
            "like a measurement; name the positive class with --positive, or convert "
            "the values into classes",
        )
