"""Read any trained model, search, record or file, and diagnose it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from skloss.diagnosis import Case, Diagnosis, RowFacts, case_from_record, examine
from skloss.exceptions import DiagnosisError
from skloss.protocols import KerasModel
from skloss.readers.fit_arguments import of_input_shape, read_fit_params
from skloss.record import TrainingRecord, read_curves
from skloss.record.find import (
    Found,
    NotFoundError,
    find_classifier,
    is_cross_validation,
)
from skloss.row_errors import rows_explained
from skloss.sparse_rows import n_rows

if TYPE_CHECKING:
    from skloss.model_selection import ErrorFloor

__all__ = ["diagnose", "is_keras_model", "read_case", "with_floor"]


def diagnose(
    source: object = None,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    code: str | PathLike[str] | None = None,
    history: object = None,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    fit_params: Mapping[str, Any] | None = None,
    run: int | None = None,
    ignore: Iterable[str] = (),
    error_floor: "ErrorFloor | None" = None,
) -> Diagnosis:
    """Say what is wrong with a training, causes first, with evidence and a fix.

    Nothing is trained again (small learners are, to compare with), nothing of the
    source changes, and no random generator but its own is used.

    Parameters
    ----------
    source : object
        A fitted classifier of skloss, or a Pipeline ending in one; a fitted
        GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or OptunaSearchCV; any of
        these in a FixedThresholdClassifier, TunedThresholdClassifierCV,
        OutOfBagThresholdClassifier, CalibratedClassifierCV or FrozenEstimator; the dict
        of ``cross_validate(return_estimator=True)``; a trained ``keras.Model``; a
        fitted ``KerasClassifier`` of scikeras or ``MLPClassifier`` of scikit-learn; a
        ``TrainingRecord``; or curves: a dict of lists, a Keras ``History``, a
        DataFrame, or the path of a saved record, of a CSV or JSON file, of a log that
        was printed, of a notebook, or of a folder of MLflow or TensorBoard.
    X, y : array-like, default=None
        The rows that were given to ``fit``, shapes (n, ...) and (n,) or (n, n_classes).
        Without them the rules that read rows are not assessed.
    code : str or path-like, default=None
        The code of the training, in place of a source: the path of a script, of a
        notebook or of a question in Markdown, or the text itself. It is parsed, never
        executed or imported.
    history : object, default=None
        Curves of a ``keras.Model`` or of the code: its ``History``, a dict of lists;
        or, of the code, the path or the text of a log. Without it, a log beside the
        code is read.
    X_val, y_val : array-like, default=None
        Validation rows, where they were given to ``fit``.
    fit_params : dict, default=None
        What else was given to ``keras.Model.fit``: ``epochs``, ``batch_size``,
        ``shuffle``, ``class_weight``, ``callbacks``, ``validation_data``,
        ``validation_split``. With ``validation_split``, ``X`` and ``y`` are all rows in
        the order given to ``fit``.
    run : int, default=None
        Which of several trainings in a log is read, from 1. None reads the last of at
        least five epochs.
    ignore : iterable of str, default=()
        Codes or names of rules that are not run, such as ``["D11"]``.
    error_floor : ErrorFloor, default=None
        What :func:`skloss.error_floor` has estimated of these rows, to compare with.

    Returns
    -------
    Diagnosis
        Its ``findings``, ``ok``, ``passed`` and ``not_assessed``, and ``gap``: what
        the validation loss comes from, if that could be measured.

    Raises
    ------
    RecordFormatError
        If curves, or the file of a path, cannot be read.
    DiagnosisError
        If the source is nothing that can be diagnosed, or `ignore` names no rule.
    ValueError
        If ``X`` and ``y`` do not fit each other or the network, if a classifier of
        skloss was not fitted on these rows, or if ``fit_params`` is nothing that
        ``fit`` could be given.

    Examples
    --------
    >>> losses = [0.7, 0.5, float("nan"), float("nan")]
    >>> diagnosis = diagnose({"loss": losses})
    >>> diagnosis.ok, diagnosis.findings[0].name
    (False, 'nonfinite-loss')
    """
    if code is not None or _is_code(source):
        if code is not None and source is not None:
            raise ValueError("Both source and code were given; give one of them.")
        unread = {"X and y": X, "X_val and y_val": X_val, "fit_params": fit_params}
        text = source if code is None else code
        return _diagnose_code(text, history, unread, run, ignore)
    if source is None:
        raise ValueError("Nothing to diagnose was given; give a source, or code.")
    given: dict[str, Any] = {
        "history": history,
        "X_val": X_val,
        "y_val": y_val,
        "fit_params": fit_params,
        "run": run,
    }
    case, notes = read_case(source, X, y, **given)
    return examine(with_floor(case, error_floor), notes, ignore)


def with_floor(case: Case, floor: "ErrorFloor | None") -> Case:
    """Add the lowest error and loss that were estimated of the rows."""
    if floor is None:
        return case
    from skloss.model_selection import ErrorFloor

    if not isinstance(floor, ErrorFloor):
        raise ValueError(
            f"error_floor must be what skloss.error_floor(X, y) gave, got "
            f"{type(floor).__name__}."
        )
    rows = RowFacts() if case.rows is None else case.rows
    lowest = (floor.low, floor.error, floor.high)
    return replace(
        case, rows=replace(rows, lowest_error=lowest, lowest_loss=floor.loss)
    )


def _is_code(source: object) -> bool:
    from skloss.readers.code import is_code_path

    return is_code_path(source)


def _diagnose_code(
    code: object,
    history: object,
    given: Mapping[str, Any],
    run: int | None,
    ignore: Iterable[str],
) -> Diagnosis:
    from skloss.readers.code import diagnose_code

    diagnosis = diagnose_code(code, history, run, ignore)
    unread = _unread("code", given)
    return replace(diagnosis, notes=(*diagnosis.notes, *unread))


def read_case(
    source: Any,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    history: object = None,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    fit_params: Mapping[str, Any] | None = None,
    run: int | None = None,
    groups: ArrayLike | None = None,
) -> tuple[Case, tuple[str, ...]]:
    """Read whatever `diagnose` takes as a case, and note what was not understood."""
    _check_rows(X, y, "X", "y")
    _check_rows(X_val, y_val, "X_val", "y_val")
    with rows_explained(X_val, "X_val"), rows_explained(X):
        return _read(source, X, y, history, X_val, y_val, fit_params, run, groups)


def _read(
    source: Any,
    X: ArrayLike | None,
    y: ArrayLike | None,
    history: object,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    fit_params: Mapping[str, Any] | None,
    run: int | None,
    groups: ArrayLike | None,
) -> tuple[Case, tuple[str, ...]]:
    if is_keras_model(source):  # which takes labels as a column
        return _keras_model(
            source, X, y, history, X_val, y_val, fit_params, run, groups
        )
    given = {
        "X and y": X,
        "X_val and y_val": X_val,
        "history": history,
        "fit_params": fit_params or None,
        "run": run,
    }
    if hasattr(source, "get_params") and hasattr(source, "fit"):
        return _estimator(source, X, y, X_val, y_val, fit_params, given)
    if is_cross_validation(source):
        from skloss.readers.fitted_estimators import cross_validation_case

        # X and y were not the median estimator's training rows, but its fold's.
        case = cross_validation_case(source, _found(source))
        return case, _unread("a cross-validation", given)
    case, notes = _recorded(source, run)
    read = () if case.origin != "curves" else ("run",)
    return case, (*notes, *_unread("curves or a record", given, read))


def _keras_model(
    model: KerasModel,
    X: ArrayLike | None,
    y: ArrayLike | None,
    history: object,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    fit_params: Mapping[str, Any] | None,
    run: int | None,
    groups: ArrayLike | None,
) -> tuple[Case, tuple[str, ...]]:
    from skloss.readers.keras_models import keras_case

    if history is None:
        history = getattr(model, "history", None)
    curves, notes = ({}, ()) if history is None else read_curves(history, run)
    settings, unknown = read_fit_params(fit_params)
    if X_val is None and settings.get("validation_data") is not None:
        X_val, y_val = _validation_data(settings["validation_data"])
    case = keras_case(
        model,
        of_input_shape(model, X, "X"),
        y,
        curves=curves,
        X_val=of_input_shape(model, X_val, "X_val"),
        y_val=y_val,
        fit_params=None if fit_params is None else settings,
        groups=groups,
    )
    return case, (*notes, *unknown)


def _recorded(source: Any, run: int | None) -> tuple[Case, tuple[str, ...]]:
    """Read a record, or curves in any form."""
    if isinstance(source, str | PathLike) and Path(source).suffix.lower() == ".json":
        try:
            source = TrainingRecord.load(source)
        except ValueError:  # curves, or what `read_curves` says it is
            source = Path(source)
    if not isinstance(source, TrainingRecord):
        curves, notes = read_curves(source, run)
        return Case(curves=curves), notes
    known = TrainingRecord.RECORD_VERSION
    if source.version <= known:
        return case_from_record(source), ()
    newer = (
        f"the record is of version {source.version}, and this skloss reads version "
        f"{known}; what is new in it was not read"
    )
    return case_from_record(source), (newer,)


def _unread(
    kind: str, given: Mapping[str, Any], read: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Note the arguments that this kind of source has no use for."""
    names = [n for n, value in given.items() if value is not None and n not in read]
    return (f"{', '.join(names)} not read: the source is {kind}",) if names else ()


def _estimator(
    source: object,
    X: Any,
    y: ArrayLike | None,
    X_val: Any,
    y_val: ArrayLike | None,
    fit_params: Mapping[str, Any] | None,
    given: Mapping[str, Any],
) -> tuple[Case, tuple[str, ...]]:
    from sklearn.utils.validation import check_is_fitted

    from skloss.readers.fitted_estimators import estimator_case, with_search_facts
    from skloss.readers.given_rows import check_given_rows
    from skloss.readers.subsampling import sample_note

    check_is_fitted(source)
    found = _found(source)
    X, X_val = (rows.tocsr() if issparse(rows) else rows for rows in (X, X_val))
    y, y_val = (_without_column_axis(labels) for labels in (y, y_val))
    assumed = () if y is None else check_given_rows(found, X, y)
    case = estimator_case(found, X, y, X_val=X_val, y_val=y_val, fit_params=fit_params)
    rows = ("X and y", "X_val and y_val")
    read = (*rows, "fit_params") if case.origin == "scikeras" else rows
    unread = _unread("a fitted estimator", given, read)
    if found.search is not None:
        case = with_search_facts(case, found.search)
    sampled = (*sample_note(X, "X"), *sample_note(X_val, "X_val"))
    return case, (*found.notes, *assumed, *sampled, *unread)


def _without_column_axis(y: ArrayLike | None) -> ArrayLike | None:
    """Return labels of shape (n, 1) as (n,), with scikit-learn's warning."""
    from sklearn.utils.validation import column_or_1d

    if y is None or np.ndim(y) != 2 or np.shape(y)[1] != 1:
        return y
    return column_or_1d(y, warn=True)


def _found(source: object) -> Found:
    try:
        return find_classifier(source)
    except NotFoundError as err:
        raise DiagnosisError(str(err)) from err


def is_keras_model(source: object) -> bool:
    """Whether it is a model of Keras, which is not imported for it."""
    bases = {f"{base.__module__}.{base.__name__}" for base in type(source).__mro__}
    return any(b.startswith("keras.") and b.endswith(".Model") for b in bases)


def _check_rows(X: Any, y: Any, name_X: str, name_y: str) -> None:
    if (X is None) != (y is None):
        given, missing = (name_X, name_y) if y is None else (name_y, name_X)
        raise ValueError(f"{given} was given without {missing}; give both, or neither.")
    if X is None:
        return
    for rows, name in ((X, name_X), (y, name_y)):
        if not hasattr(rows, "__len__"):
            kind = type(rows).__name__
            raise ValueError(f"{name} must be an array of rows, got {kind}.")
    n = n_rows(X)
    if n != len(y):
        raise ValueError(
            f"{name_X} has {n} rows and {name_y} has {len(y)}; they must have as many."
        )


def _validation_data(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, tuple | list) or len(pair) < 2:
        raise ValueError(
            "validation_data must be a pair of arrays (X_val, y_val), got "
            f"{type(pair).__name__}; give the rows as X_val and y_val."
        )
    return pair[0], pair[1]
