"""Whatever has trained, read as a case that the diagnosis can look at."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from skloss.diagnosis import Case, Diagnosis, case_of, examine
from skloss.record import TrainingRecord
from skloss.sources.curves import read_curves

__all__ = ["diagnose", "read_case"]


def diagnose(
    source: Any,
    X: Any = None,
    y: Any = None,
    *,
    history: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    fit_params: Mapping[str, Any] | None = None,
) -> Diagnosis:
    """Say what is wrong with a training, causes first, with evidence and a fix.

    Nothing is trained again (small learners are, to compare with), nothing of the
    source changes, and no random generator but its own is used.

    Parameters
    ----------
    source : object
        A fitted classifier of skloss, or a Pipeline ending in one; a fitted
        GridSearchCV, RandomizedSearchCV or HalvingGridSearchCV; the dict of
        ``cross_validate(return_estimator=True)``; a trained ``keras.Model``; a fitted
        ``KerasClassifier`` of scikeras or ``MLPClassifier`` of scikit-learn; a
        ``TrainingRecord``; or curves: a dict of lists, a Keras ``History``, a
        DataFrame, or the path of a saved record, of a CSVLogger's file, or of a log
        that Keras printed.
    X, y : array-like, default=None
        The rows that were given to ``fit``, shapes (n, ...) and (n,) or (n, n_classes).
        Without them the rules that read rows are not assessed.
    history : object, default=None
        Curves of a ``keras.Model``: its ``History``, or a dict of lists.
    X_val, y_val : array-like, default=None
        Validation rows, where they were given to ``fit``.
    fit_params : dict, default=None
        What else was given to ``keras.Model.fit``: ``epochs``, ``batch_size``,
        ``shuffle``, ``class_weight``, ``callbacks``, ``validation_split``. With
        ``validation_split``, ``X`` and ``y`` are all rows in the order given to
        ``fit``.

    Returns
    -------
    Diagnosis
        Its ``findings``, ``ok``, ``passed`` and ``not_assessed``.

    Raises
    ------
    RecordFormatError
        If curves, or the file of a path, cannot be read.
    DiagnosisError
        If the source is nothing that can be diagnosed.
    ValueError
        If ``X`` and ``y`` do not fit each other or the network.

    Examples
    --------
    >>> losses = [0.7, 0.5, float("nan"), float("nan")]
    >>> diagnosis = diagnose({"loss": losses})
    >>> diagnosis.ok, diagnosis.findings[0].name
    (False, 'nonfinite-loss')
    """
    given = {
        "history": history,
        "X_val": X_val,
        "y_val": y_val,
        "fit_params": fit_params,
    }
    case, notes = read_case(source, X, y, **given)
    return examine(case, notes, {"source": source, "X": X, "y": y} | given)


def read_case(
    source: Any,
    X: Any = None,
    y: Any = None,
    *,
    history: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    fit_params: Mapping[str, Any] | None = None,
) -> tuple[Case, tuple[str, ...]]:
    """Read whatever `diagnose` takes as a case, and note what was not understood."""
    _check_rows(X, y, "X", "y")
    _check_rows(X_val, y_val, "X_val", "y_val")
    if isinstance(source, TrainingRecord):
        return case_of(source), ()
    if isinstance(source, str | PathLike):
        return _read_file(Path(source))
    if _is_keras_model(source):
        from skloss.sources.keras import keras_case

        if history is None:
            history = getattr(source, "history", None)
        curves, notes = ({}, ()) if history is None else read_curves(history)
        case = keras_case(
            source,
            _of_input_shape(source, X, "X"),
            y,
            curves=curves,
            X_val=_of_input_shape(source, X_val, "X_val"),
            y_val=y_val,
            fit_params=fit_params,
        )
        return case, notes
    if isinstance(source, Mapping) and any(k.startswith("test_") for k in source):
        from skloss.sources.estimators import cross_validation_case

        return cross_validation_case(source, X, y), ()
    if hasattr(source, "get_params") and hasattr(source, "fit"):
        return _estimator(source, X, y, X_val, y_val, fit_params), ()
    curves, notes = read_curves(source)
    return Case(curves=curves), notes


def _estimator(
    source: Any,
    X: Any,
    y: Any,
    X_val: Any,
    y_val: Any,
    fit_params: Mapping[str, Any] | None,
) -> Case:
    from sklearn.utils.validation import check_is_fitted

    from skloss.sources.estimators import estimator_case, search_case

    check_is_fitted(source)
    read = search_case if hasattr(source, "cv_results_") else estimator_case
    return read(source, X, y, X_val=X_val, y_val=y_val, fit_params=fit_params)


def _read_file(path: Path) -> tuple[Case, tuple[str, ...]]:
    """Read a saved record, or curves in any other form."""
    if path.suffix.lower() == ".json":
        try:
            return case_of(TrainingRecord.load(path)), ()
        except ValueError:
            curves, notes = read_curves(path)
            return Case(curves=curves), notes
    curves, notes = read_curves(path)
    return Case(curves=curves), notes


def _is_keras_model(source: Any) -> bool:
    bases = {f"{base.__module__}.{base.__name__}" for base in type(source).__mro__}
    return any(b.startswith("keras.") and b.endswith(".Model") for b in bases)


def _check_rows(X: Any, y: Any, name_X: str, name_y: str) -> None:
    if (X is None) != (y is None):
        given, missing = (name_X, name_y) if y is None else (name_y, name_X)
        raise ValueError(f"{given} was given without {missing}; give both, or neither.")
    if X is not None and len(X) != len(y):
        raise ValueError(
            f"{name_X} has {len(X)} rows and {name_y} has {len(y)}; they must have as "
            "many."
        )


def _of_input_shape(model: Any, X: Any, name: str) -> Any:
    """Rows as the model sees them: Keras adds or drops a last axis of one itself."""
    wanted = getattr(model, "input_shape", None)
    if X is None or not isinstance(wanted, tuple):
        return X
    got = np.shape(X)
    if len(got) == len(wanted) - 1 and wanted[-1] == 1:
        X = np.asarray(X)[..., np.newaxis]
    elif len(got) == len(wanted) + 1 and got[-1] == 1:
        X = np.asarray(X)[..., 0]
    shape = np.shape(X)
    if len(shape) != len(wanted) or any(
        w not in (None, s) for w, s in zip(wanted[1:], shape[1:], strict=True)
    ):
        raise ValueError(
            f"{name} has rows of shape {got[1:]}, but the model expects {wanted[1:]}."
        )
    return X
