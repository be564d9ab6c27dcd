"""The command ``skloss predict``: a saved model predicts the rows of a file."""

from __future__ import annotations

import csv
import io
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from skloss.exceptions import DataFileError
from skloss.search.array_files import read_rows_array
from skloss.search.columns import convert_columns, without_values
from skloss.search.data_files import (
    DATA_SUFFIXES,
    check_is_file,
    checked_rows,
    read_frame,
)
from skloss.search.file_words import listed, near, unreadable

__all__ = ["predictions_as_csv", "read_rows"]

_KINDS = {"numbers": "number", "dates": "date", "categories": "text"}


def read_rows(
    model: Any, path: Path, missing_values: tuple[str, ...] = ()
) -> tuple[Any, list[str]]:
    """Read the rows of a file in the form that a model was fitted on.

    Columns are found by name, in any order. Other columns are not used.

    Parameters
    ----------
    model : estimator
        Fitted classifier.
    path : Path
        File of rows.
    missing_values : tuple of str, default=()
        Values that stand for a missing one, besides empty cells.

    Returns
    -------
    rows : DataFrame or ndarray
        Rows for ``model.predict``.
    notes : list of str
        Remarks about what was converted or not used.

    Raises
    ------
    DataFileError
        If a column is missing, or if a value cannot be used.
    """
    check_is_file(path, DATA_SUFFIXES)
    names = getattr(model, "feature_names_in_", None)
    if path.suffix.lower() == ".npz":
        if names is not None:
            raise unreadable(
                path,
                "the model finds its columns by name, and the arrays of an archive "
                f"have no names; give a table with the columns {listed(names)}",
            )
        array = read_rows_array(path)
        rows = checked_rows(path, array, False, missing_values)
        _check_gaps(path, _inner(model), rows, None)
        if _keeps_shape(model, array):
            return rows.reshape(array.shape), []
        _check_count(path, model, *array.shape[1:])
        return rows, []
    inner = _inner(model)
    kinds = {} if names is None else _kinds(inner, list(map(str, names)))
    known = _known_texts(inner, list(kinds))
    texts = {
        name.strip(): [value.strip() for value in known.get(name, ())]
        for name, kind in kinds.items()
        if kind == "text"
    }
    frame, separator, notes = read_frame(path, texts=texts)
    by_file = {name.strip(): name for name in kinds}  # files are read without blanks
    if len(by_file) == len(kinds):
        frame = frame.rename(columns=by_file)
    if not len(frame):
        raise unreadable(path, "it has a header but no rows")
    if names is None:
        _check_count(path, model, frame.shape[1])
        kinds = dict.fromkeys(frame.columns, "number")
    else:
        notes = [*notes, *_unused(path, frame, list(kinds))]
        frame = frame[list(kinds)]
    frame, remarks = convert_columns(path, frame, separator, kinds)
    frame = without_values(frame, missing_values)
    for name, values in known.items():
        frame[name] = _as_known(frame[name], values)
    table: Any = frame.to_numpy(dtype=np.float64) if names is None else frame
    _check_gaps(
        path, inner, table, [n for n, kind in kinds.items() if kind == "number"]
    )
    return table, [*notes, *remarks]


def predictions_as_csv(model: Any, rows: Any) -> tuple[str, list[str]]:
    """Predict the classes and probabilities of rows.

    Parameters
    ----------
    model : estimator
        Fitted classifier.
    rows : DataFrame or ndarray
        Rows in the form that the model was fitted on.

    Returns
    -------
    text : str
        Table as CSV: the predicted label, and the probability of each class.
    notes : list of str
        Warnings of the model.

    Raises
    ------
    DataFileError
        If the model cannot predict these rows.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            predicted = np.asarray(model.predict(rows))
            shares = model.predict_proba(rows) if _has_shares(model) else None
        except (ValueError, TypeError) as err:
            reason = " ".join(str(err).split()).rstrip(".")
            raise DataFileError(
                f"The model cannot predict these rows: {reason}."
            ) from err
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    classes = [] if shares is None else [f"probability_{one}" for one in model.classes_]
    writer.writerow(["prediction", *classes])
    columns = [predicted.tolist(), *([] if shares is None else np.asarray(shares).T)]
    writer.writerows(
        [label, *(f"{share:.6g}" for share in others)]
        for label, *others in zip(*columns, strict=True)
    )
    messages = (" ".join(str(given.message).split()) for given in caught)
    return text.getvalue(), list(dict.fromkeys(messages))


def _has_shares(model: Any) -> bool:
    return hasattr(model, "predict_proba") and hasattr(model, "classes_")


def _kinds(model: Any, names: list[str]) -> dict[str, str]:
    """Return the kind of each column, as the steps for tables know it."""
    kinds = dict.fromkeys(names, "number")
    kinds |= dict.fromkeys(_known_texts(model, names), "text")
    table = getattr(model, "named_steps", {}).get("table")
    for name, _, columns in getattr(table, "transformers", ()):
        if name in _KINDS:
            kinds |= dict.fromkeys(columns, _KINDS[name])
    return kinds | getattr(model, "column_kinds", {})


def _inner(model: Any) -> Any:
    """Return the model within those that calibrate it or tune its threshold."""
    if calibrated := getattr(model, "calibrated_classifiers_", None):
        return _inner(calibrated[0].estimator)
    inner = getattr(model, "estimator_", None)
    return _inner(inner) if hasattr(inner, "classes_") else model


def _known_texts(model: Any, names: list[str]) -> dict[str, list[str]]:
    """Columns in which the model saw texts, and these."""
    found = _encoded_texts(model) | _own_texts(model, names)
    return {
        name: [value for value in values if isinstance(value, str)]
        for name, values in found.items()
        if name in names
    }


def _as_known(texts: Any, known: list[str]) -> Any:
    """Give texts the blanks around them back with which alone the model knows them."""
    bare = {value.strip(): value for value in known}
    blanks = {text: value for text, value in bare.items() if text not in known}
    return texts.map(lambda text: blanks.get(text, text)).astype(object)


def _encoded_texts(model: Any) -> dict[str, Any]:
    """Columns in which an encoder, alone or in a ColumnTransformer, saw texts."""
    found: dict[str, Any] = {}
    for _, step in getattr(model, "steps", ()):
        alone = [("", step, getattr(step, "feature_names_in_", ()))]
        for _, encoder, columns in getattr(step, "transformers_", alone):
            parts = [part for _, part in getattr(encoder, "steps", [("", encoder)])]
            known = next(
                (part.categories_ for part in parts if hasattr(part, "categories_")), ()
            )
            found |= {
                str(name): values
                for name, values in zip(columns, known, strict=False)
                if values.dtype.kind in "OU"
            }
    return found


def _own_texts(model: Any, names: list[str]) -> dict[str, Any]:
    """Columns of texts that the classifier itself takes as categories."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    is_category = getattr(last, "is_categorical_", None)
    if is_category is None or not hasattr(last, "categories_"):
        return {}
    columns = getattr(last, "feature_names_in_", np.array(names))[is_category]
    return {
        str(name): values
        for name, values in zip(columns, last.categories_, strict=True)
        if str(name) in names and any(isinstance(value, str) for value in values)
    }


def _unused(path: Path, frame: Any, wanted: list[str]) -> list[str]:
    absent = [name for name in wanted if name not in frame.columns]
    others = [name for name in frame.columns if name not in wanted]
    if absent:
        is_one = len(absent) == 1
        hint = near(absent[0], others) if is_one else ""
        raise unreadable(
            path,
            f"the model needs the column{'' if is_one else 's'} {listed(absent)}, "
            f"which {'is' if is_one else 'are'} not in the file{hint}",
        )
    return [f"Not used: {listed(others)}."] if others else []


def _check_count(path: Path, model: Any, *shape: int) -> None:
    n_wanted = getattr(model, "n_features_in_", math.prod(shape))
    if math.prod(shape) == n_wanted:
        return
    found = f"{shape[0]} columns" if len(shape) == 1 else f"rows of shape {shape}"
    raise unreadable(path, f"it has {found}, but the model was fitted on {n_wanted}")


def _keeps_shape(model: Any, array: np.ndarray) -> bool:
    """Whether a model counts the places of series or images, not their numbers.

    A search flattens its rows, so that its winner counts every number of a row.
    """
    n_wanted = getattr(model, "n_features_in_", None)
    return array.shape[1] == n_wanted != math.prod(array.shape[1:])


def _takes_gaps(model: Any) -> bool:
    """Whether every step takes gaps until one fills them."""
    from sklearn.utils import get_tags

    if not hasattr(model, "steps"):
        has_tags = hasattr(model, "__sklearn_tags__")
        return has_tags and bool(get_tags(model).input_tags.allow_nan)
    for _, step in model.steps:
        if step in (None, "passthrough") or hasattr(step, "fit_resample"):
            continue
        if type(step).__module__.startswith("sklearn.impute"):
            return True
        if not _takes_gaps(step):
            return False
    return True


def _check_gaps(path: Path, model: Any, rows: Any, numbers: list[str] | None) -> None:
    """Refuse infinite values, and gaps that no step of the model fills."""
    steps = getattr(model, "named_steps", {})
    fills = "table" in steps or _takes_gaps(model)
    if hasattr(rows, "columns"):
        found = {repr(name): rows[name].to_numpy(np.float64) for name in numbers or ()}
    else:
        found = {str(place): values for place, values in enumerate(rows.T, start=1)}
    for name, values in found.items():
        bad = np.isinf(values) if fills else ~np.isfinite(values)
        if bad.any():
            row = int(bad.argmax())
            what = "an infinite" if np.isinf(values[row]) else "no"
            raise unreadable(
                path,
                f"column {name} has {what} value in row {row + 1}, and the model was "
                "fitted on rows without; fill it in, or drop the row",
            )
