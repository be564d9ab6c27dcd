"""Fitted estimators as cases: skloss, scikeras, MLPClassifier, and searches."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import compute_sample_weight, get_tags

from skloss.diagnosis import Case, SearchFacts, case_from_record
from skloss.exceptions import DiagnosisError
from skloss.positive_class import positive_class
from skloss.protocols import FittedSearch
from skloss.readers.fit_arguments import of_input_shape, read_fit_params
from skloss.readers.given_rows import predictor
from skloss.readers.image_facts import image_facts
from skloss.readers.keras_models import class_weight_facts, keras_case
from skloss.readers.label_facts import labels_of_classes
from skloss.readers.network_probe import probe_network
from skloss.readers.row_facts import measure_rows, shift_of_rows
from skloss.readers.series_facts import series_facts
from skloss.readers.split_metrics import measured_part
from skloss.readers.subsampling import dense_sample
from skloss.record import Layer, Training, read_curves
from skloss.record.find import Found, curves_of
from skloss.record.plain_values import as_plain
from skloss.record.search_results import (
    best_index,
    read_search_results,
    refit_metric,
)
from skloss.sklearn_compat import splits_by_groups
from skloss.sparse_rows import n_rows

__all__ = ["cross_validation_case", "estimator_case", "with_search_facts"]

_MOST_MEASURED = 20_000


def estimator_case(
    found: Found,
    X: ArrayLike | None,
    y: ArrayLike | None,
    *,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    fit_params: Mapping[str, Any] | None = None,
) -> Case:
    """Read a fitted classifier."""
    case = _case(found, X, y, X_val=X_val, y_val=y_val, fit_params=fit_params)
    return _with_samplers(case, found)


def _with_samplers(case: Case, found: Found) -> Case:
    """Say that rows were resampled before the classifier held some of them out.

    A classifier behind a sampler of a plain pipeline cannot know it for sure; the
    pipeline does.
    """
    steps = (step for w in found.wrappers for _, step in getattr(w, "steps", ()))
    samplers = tuple(type(s).__name__ for s in steps if hasattr(s, "fit_resample"))
    if not samplers or case.holdout not in ("internal", "tail"):
        return case
    return replace(case, is_resampled=True, samplers=samplers)


def _case(
    found: Found,
    X: ArrayLike | None,
    y: ArrayLike | None,
    *,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    fit_params: Mapping[str, Any] | None,
) -> Case:
    classifier = found.classifier
    rows = [found.transform(part) for part in (X, X_val)]
    if hasattr(classifier, "record_"):
        case = _skloss_case(classifier, rows[0], y, rows[1], y_val)
        return _with_series(case, found, X)
    if hasattr(classifier, "loss_curve_"):
        return _mlp_case(classifier, rows[0], y, rows[1], y_val)
    if hasattr(classifier, "model_") and hasattr(classifier, "history_"):
        case = _scikeras_case(classifier, rows[0], y, rows[1], y_val, fit_params)
        return _with_series(case, found, X)
    raise DiagnosisError(
        f"A fitted {type(classifier).__name__} keeps no curves that can be diagnosed. "
        "Give a fitted classifier of skloss, scikeras' KerasClassifier, scikit-learn's "
        "MLPClassifier, a keras.Model, or curves."
    )


def _with_series(case: Case, found: Found, X: ArrayLike | None) -> Case:
    """Add what a scaler of columns does to series, and the ranges of images."""
    facts = series_facts(found, case, X) | image_facts(case, X)
    if not facts or case.rows is None:
        return case
    return replace(case, rows=replace(case.rows, **facts))


# ------------------------------------------------------------------------------ skloss


def _skloss_case(
    classifier: Any,
    X: np.ndarray | None,
    y: ArrayLike | None,
    X_val: np.ndarray | None,
    y_val: ArrayLike | None,
) -> Case:
    case = case_from_record(classifier.record_)
    if X is None or y is None:
        return case
    y = labels_of_classes(classifier.classes_, y, "y")
    case, facts = _measured(case, classifier, X, y, X_val, y_val)
    if hasattr(classifier, "as_keras"):
        rows, truth = classifier.as_keras(X, y)
        probe = probe_network(classifier.model_, case, rows, truth)
        case = replace(case, probe=probe)
    return replace(case, rows=facts)


def _measured(
    case: Case,
    classifier: Any,
    X: np.ndarray,
    y: ArrayLike,
    X_val: np.ndarray | None,
    y_val: ArrayLike | None,
) -> tuple[Case, Any]:
    """Add what the classifier does on the rows given, and facts of these."""
    classes = np.asarray(classifier.classes_)
    predict = predictor(classifier)
    codes = {
        "original": _codes(classes, y, "y"),
        "val": _codes(classes, y_val, "y_val"),
    }
    sides = (*dense_sample(X, y), *dense_sample(X_val, y_val))
    is_code = getattr(classifier, "is_categorical_", None)
    if case.origin != "skloss" or is_code is None:
        is_code = ()
    embedded = np.flatnonzero(is_code).tolist()
    facts = measure_rows(*sides, predict=predict, embedded=embedded)
    facts = replace(facts, n_rows=n_rows(X))
    if case.origin == "skloss" and (
        embedded or get_tags(classifier).input_tags.allow_nan
    ):
        facts = replace(facts, n_nonfinite=0, nonfinite_columns=())  # they are masked
    positive = positive_class(np.bincount(codes["original"], minlength=len(classes)))
    if case.origin == "skloss":
        positive = classifier.record_.positive
    parts: dict[str, Any] = {}
    for name, rows in (("original", X), ("val", X_val)):
        if rows is None:
            continue
        step = max(1, -(-n_rows(rows) // _MOST_MEASURED))
        scores = predict(rows[::step])
        parts[name] = measured_part(
            codes[name], len(classes), scores, step, positive=positive
        )
    if case.shift is None:
        case = replace(case, shift=shift_of_rows(sides[0], sides[2]))
    if case.train is None:
        case = replace(case, train=parts["original"])
    if case.origin == "skloss":  # measured while it was trained, without the hold-out
        del parts["original"]
    return replace(case, **parts), facts


def _codes(classes: np.ndarray, y: ArrayLike | None, name: str) -> Any:
    """Numbers of the classes that the classifier knows; None without labels."""
    if y is None:
        return None
    labels = labels_of_classes(classes, y, name)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        told = ", ".join(repr(label) for label in unknown[:3].tolist())
        raise ValueError(
            f"{name} holds labels that the classifier was not trained on: {told}. It "
            f"knows {', '.join(repr(label) for label in classes[:10].tolist())}."
        )
    return np.searchsorted(classes, labels)


# ------------------------------------------------------------------------ scikit-learn


def _mlp_case(
    mlp: Any,
    X: np.ndarray | None,
    y: ArrayLike | None,
    X_val: np.ndarray | None,
    y_val: ArrayLike | None,
) -> Case:
    n_classes = len(mlp.classes_)
    case = Case(
        curves=curves_of(mlp),
        layers=_mlp_layers(mlp),
        task="binary" if n_classes == 2 else "multiclass",
        n_classes=n_classes,
        training=_mlp_training(mlp),
        holdout="internal" if mlp.early_stopping else "none",
        origin="sklearn",
    )
    if X is None or y is None:
        return case
    case, facts = _measured(case, mlp, X, y, X_val, y_val)
    return replace(case, rows=facts)


def _mlp_layers(mlp: Any) -> tuple[Layer, ...]:
    names = {"logistic": "sigmoid", "identity": "linear"}
    activations = [mlp.activation] * (len(mlp.coefs_) - 1) + [mlp.out_activation_]
    return tuple(
        Layer(
            "dense",
            f"layer {number}",
            names.get(activation, activation),
            int(kernel.shape[1]),
            l2=float(mlp.alpha),
            output_shape=(int(kernel.shape[1]),),
        )
        for number, (kernel, activation) in enumerate(
            zip(mlp.coefs_, activations, strict=True)
        )
    )


def _mlp_training(mlp: Any) -> Training:
    size = mlp.batch_size
    two = len(mlp.classes_) == 2
    return Training(
        loss="binary_crossentropy" if two else "categorical_crossentropy",
        from_logits=False,
        optimizer=mlp.solver,
        learning_rate=float(mlp.learning_rate_init),
        schedule=mlp.solver == "sgd" and mlp.learning_rate != "constant",
        epochs=int(mlp.max_iter),
        batch_size=200 if size == "auto" else int(size),
        shuffle=bool(mlp.shuffle),
        class_weight_kind="none",
        callbacks=("EarlyStopping",) if mlp.early_stopping else (),
        monitor="val_accuracy" if mlp.early_stopping else None,
        patience=int(mlp.n_iter_no_change) if mlp.early_stopping else None,
        restore_best=True if mlp.early_stopping else None,
        clips=False,
    )


# ---------------------------------------------------------------------------- scikeras


def _scikeras_case(
    wrapper: Any,
    X: np.ndarray | None,
    y: ArrayLike | None,
    X_val: np.ndarray | None,
    y_val: ArrayLike | None,
    fit_params: Mapping[str, Any] | None,
) -> Case:
    curves, _ = read_curves(curves_of(wrapper))
    names = ("epochs", "batch_size", "shuffle", "validation_split", "callbacks")
    given = {
        name: getattr(wrapper, name)
        for name in names
        if getattr(wrapper, name, None) is not None
    }
    weight = getattr(wrapper, "class_weight", None)
    if weight is not None and y is not None:  # scikeras weighs rows by it
        given["sample_weight"] = compute_sample_weight(weight, np.ravel(y))
    encoder = getattr(wrapper, "target_encoder_", None)
    if encoder is not None:
        y, y_val = (
            None if part is None else np.asarray(encoder.transform(part))
            for part in (y, y_val)
        )
    case = keras_case(
        wrapper.model_,
        of_input_shape(wrapper.model_, X, "X"),
        y,
        curves=curves,
        X_val=of_input_shape(wrapper.model_, X_val, "X_val"),
        y_val=y_val,
        fit_params=read_fit_params(given | dict(fit_params or {}))[0],
        origin="scikeras",
    )
    weights = class_weight_facts(getattr(wrapper, "class_weight", None), True)
    # scikeras turns class weights into sample weights, so that any label works as key.
    if case.training is not None and weights["class_weight_kind"] == "dict":
        weights["class_weight_keys"] = "int"
    training = None if case.training is None else replace(case.training, **weights)
    return replace(case, training=training)


# ---------------------------------------------------------------------------- searches


def with_search_facts(case: Case, search: FittedSearch) -> Case:
    """Add to the case of a search's winner what only the search can show."""
    results = read_search_results(search)
    best, metric = best_index(search, results), refit_metric(search)
    folds = [
        float(values[best])
        for name, values in results.items()
        if name.startswith("split") and name.endswith(f"_test_{metric}")
    ]
    means = np.asarray(results[f"mean_test_{metric}"], float)
    error = np.std(folds, ddof=1) / np.sqrt(len(folds)) if len(folds) > 1 else 0.0
    part = case.unsampled
    facts = SearchFacts(
        scoring=_scoring(search),
        n_candidates=len(means),
        n_folds=len(folds),
        best_score=float(means[best]),
        fold_scores=tuple(folds),
        edges=_edges(results, getattr(search, "best_params_", {})),
        n_tied=int(np.sum(means >= means[best] - error)),
        fold_minority=None if part is None else part.n_minority // max(len(folds), 1),
        is_grouped=splits_by_groups(getattr(search, "cv", None)) or None,
    )
    return replace(case, search=facts)


def _scoring(search: FittedSearch) -> str:
    scoring = getattr(search, "scoring", None)
    if isinstance(scoring, Mapping | list | tuple | set):
        return refit_metric(search)
    if scoring is None:
        return "accuracy"  # what the score method of a classifier gives
    if isinstance(scoring, str):
        return scoring
    function = getattr(scoring, "_score_func", scoring)
    return str(getattr(function, "__name__", scoring)).removesuffix("_score")


def _edges(results: Mapping[str, Any], best: Mapping[str, Any]) -> dict[str, Any]:
    """Numeric parameters whose best value is the least or the largest one tried."""
    edges = {}
    for name, value in best.items():
        tried = {v for v in results.get(f"param_{name}", ()) if _is_number(v)}
        if not _is_number(value) or len(tried) < 3:
            continue
        if value in (min(tried), max(tried)):
            side = "smallest" if value == min(tried) else "largest"
            edges[name] = {
                "value": as_plain(value),
                "side": side,
                "n_tried": len(tried),
            }
    return edges


def _is_number(value: object) -> bool:
    is_bool = isinstance(value, bool | np.bool_)
    return isinstance(value, int | float | np.number) and not is_bool


def cross_validation_case(results: Mapping[str, Any], found: Found) -> Case:
    """Read the median estimator of ``cross_validate(..., return_estimator=True)``."""
    names = [name for name in results if name.startswith("test_")]
    scores = np.asarray(results[names[0]], float)
    case = estimator_case(found, None, None)
    part = case.unsampled
    facts = SearchFacts(
        scoring=names[0].removeprefix("test_") if names[0] != "test_score" else None,
        n_folds=len(scores),
        fold_scores=tuple(scores.tolist()),
        fold_minority=None
        if part is None
        else part.n_minority // (len(scores) - 1 or 1),
    )
    return replace(case, search=facts)
