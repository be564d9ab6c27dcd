"""A trained Keras model as a case: its layers, how it was trained, and what it does.

The model is called, never trained; nothing of it changes. What would update its state
(batch statistics, the seeds of dropout) goes through ``Model.stateless_call``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skloss.diagnosis import Case
from skloss.keras_interop.describe_layers import network_layers
from skloss.positive_class import positive_class
from skloss.protocols import KerasModel
from skloss.readers.label_facts import Labels
from skloss.readers.model_gap import GivenRows, model_gap
from skloss.readers.network_probe import probe_network
from skloss.readers.row_facts import measure_rows, shift_of_rows
from skloss.readers.split_metrics import measured_part, outputs_to_scores
from skloss.record import Training
from skloss.record.loss_gap import LossGap

__all__ = ["keras_case", "keras_predictions"]

_MOST_MEASURED = 20_000
_BATCH = 1024
_EARLY_STOPPING = "EarlyStopping"
_SCHEDULES = ("LearningRateScheduler", "ReduceLROnPlateau")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


# ---------------------------------------------------------------------------- training


def _training(
    model: KerasModel, fit_params: Mapping[str, Any], curves: Mapping[str, np.ndarray]
) -> Training:
    loss, optimizer = getattr(model, "loss", None), getattr(model, "optimizer", None)
    metrics = _metrics(model)
    return replace(
        _fit_settings(fit_params),
        loss=loss_name(loss),
        from_logits=_from_logits(loss),
        optimizer=None if optimizer is None else type(optimizer).__name__.lower(),
        clips=_clips(optimizer),
        metrics=_names(metrics),
        batch_metrics=_names(metrics, _is_batch_mean),
        probability_metrics=_names(metrics, _reads_probabilities),
        **_learning_rate(optimizer, fit_params, curves),
    )


def loss_name(loss: object) -> str | None:
    """Name of a loss as Keras writes it: ``"binary_crossentropy"``."""
    if loss is None:
        return None
    name = loss if isinstance(loss, str) else getattr(loss, "name", None)
    if name is None:
        name = getattr(loss, "__name__", type(loss).__name__)
    name = _CAMEL.sub("_", str(name)).lower()
    short = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}
    return short.get(name, name)


def _from_logits(loss: object) -> bool | None:
    if loss is None:
        return None
    if isinstance(loss, str):
        return False
    value = getattr(loss, "from_logits", None)
    if value is None:
        value = (getattr(loss, "_fn_kwargs", None) or {}).get("from_logits", False)
    return bool(value)


def _clips(optimizer: object) -> bool | None:
    if optimizer is None:
        return None
    names = ("clipnorm", "clipvalue", "global_clipnorm")
    return any(getattr(optimizer, name, None) is not None for name in names)


def _learning_rate(
    optimizer: Any, fit_params: Mapping[str, Any], curves: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    callbacks = _callback_names(fit_params)
    is_scheduled = any(name in _SCHEDULES for name in callbacks)
    if len(curves.get("learning_rate", ())):
        return {
            "learning_rate": float(curves["learning_rate"][0]),
            "schedule": is_scheduled,
        }
    rate = getattr(optimizer, "_learning_rate", None)
    if rate is None:
        return {"schedule": is_scheduled}
    if callable(rate):  # a schedule: what it gives at the first step
        return {"learning_rate": float(rate(0)), "schedule": True}
    # Under a strategy of several devices float() would refuse the variable.
    rate = float(np.asarray(optimizer.learning_rate))
    return {"learning_rate": rate, "schedule": is_scheduled}


def _metrics(model: KerasModel) -> list[Any] | None:
    """Metrics of a model; None if they are not known before it is trained."""
    own: list[Any] = []
    for metric in getattr(model, "metrics", ()):
        if type(metric).__name__ == "CompileMetrics":
            if not metric.built:  # compiled, never trained
                return None
            own += list(metric.metrics)
        elif metric.name != "loss":
            own.append(metric)
    return own


def _names(
    metrics: list[Any] | None, is_one: Callable[[object], bool] = lambda _: True
) -> tuple[str, ...] | None:
    if metrics is None:
        return None
    return tuple(metric.name for metric in metrics if is_one(metric))


def _reads_probabilities(metric: object) -> bool:
    """Whether it compares outputs with thresholds that only probabilities have."""
    kind = type(metric).__name__
    if kind in ("Precision", "Recall"):
        return list(getattr(metric, "thresholds", ())) == [0.5]
    if kind == "AUC":
        return not getattr(metric, "_from_logits", True)
    function = getattr(metric, "_fn", None)
    if getattr(function, "__name__", "") != "binary_accuracy":
        return False
    settings = getattr(metric, "_fn_kwargs", None) or {}
    return bool(settings.get("threshold", 0.5) == 0.5)


def _is_batch_mean(metric: object) -> bool:
    function = getattr(metric, "_fn", None)
    if function is None or type(metric).__name__ != "MeanMetricWrapper":
        return False
    return not str(getattr(function, "__module__", "")).startswith("keras")


def _mode(stop: object) -> str | None:
    mode = getattr(stop, "mode", None)
    return mode if mode in ("min", "max") else None


def _callback_names(fit_params: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(type(one).__name__ for one in fit_params.get("callbacks") or ())


def _fit_settings(fit_params: Mapping[str, Any]) -> Training:
    weights = fit_params.get("class_weight")
    callbacks = fit_params.get("callbacks") or ()
    stop = [c for c in callbacks if type(c).__name__ == _EARLY_STOPPING]
    is_known = bool(fit_params)
    epochs, size = fit_params.get("epochs"), fit_params.get("batch_size")
    return Training(
        epochs=None if epochs is None else int(epochs),
        batch_size=(32 if is_known else None) if size is None else int(size),
        shuffle=fit_params.get("shuffle", True if is_known else None),
        **class_weight_facts(weights, is_known),
        callbacks=_callback_names(fit_params) if is_known else None,
        monitor=str(stop[0].monitor) if stop else None,
        monitor_mode=_mode(stop[0]) if stop else None,
        patience=int(stop[0].patience) if stop else None,
        restore_best=bool(stop[0].restore_best_weights) if stop else None,
        validation_split=fit_params.get("validation_split"),
    )


def class_weight_facts(
    weights: Mapping[Any, float] | ArrayLike | None, is_known: bool
) -> dict[str, Any]:
    """Say what was given as class weights, as fields of `Training`."""
    if weights is None:
        return {"class_weight_kind": "none" if is_known else None}
    if isinstance(weights, str):
        return {"class_weight_kind": weights}
    if isinstance(weights, Mapping):
        keys = {"int" if _is_whole(k) else type(k).__name__ for k in weights}
        plain = {str(k): float(v) for k, v in weights.items()}
        return {
            "class_weight_kind": "dict",
            "class_weight_keys": "int" if keys == {"int"} else ", ".join(sorted(keys)),
            "class_weight": plain,
        }
    plain = {str(i): float(v) for i, v in enumerate(np.ravel(weights))}
    return {"class_weight_kind": type(weights).__name__, "class_weight": plain}


def _is_whole(key: object) -> bool:
    return isinstance(key, int | np.integer) and not isinstance(key, bool)


# -------------------------------------------------------------------------------- case


def keras_case(
    model: KerasModel,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    curves: Mapping[str, np.ndarray],
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    fit_params: Mapping[str, Any] | None = None,
    origin: str = "keras",
    groups: ArrayLike | None = None,
) -> Case:
    """Read a trained model, with the rows it was trained on where they are known.

    With ``fit_params["validation_split"]``, ``X`` and ``y`` are all rows in the order
    given to ``fit``; those cut off the end are the validation rows. Without any
    ``fit_params`` the weights of the rows are not known.
    """
    given = dict(fit_params or {})
    case = Case(
        curves=dict(curves),
        layers=network_layers(model),
        training=_training(model, given, curves),
        origin=origin,
    )
    if X is None or y is None:
        return case
    X, y = np.asarray(X), np.asarray(y)
    ordered = None
    holdout = "given" if X_val is not None else "none"
    if given.get("validation_split"):
        ordered, holdout = (X, y), "tail"
        cut = int(len(X) * (1 - float(given["validation_split"])))
        (X, X_val), (y, y_val) = (X[:cut], X[cut:]), (y[:cut], y[cut:])
    case = _with_rows(case, model, (X, y), (X_val, y_val), ordered, holdout)
    if X_val is None or y_val is None:
        return case
    # A gap that cannot be measured must not hide what else is known.
    try:
        gap = _gap(case, model, (X, y), (X_val, y_val), fit_params, groups)
    except Exception as error:
        return replace(case, no_gap=str(error) or type(error).__name__)
    return replace(case, gap=gap)


def _gap(
    case: Case,
    model: KerasModel,
    train: tuple[Any, Any],
    val: tuple[Any, Any],
    fit_params: Mapping[str, Any] | None,
    groups: ArrayLike | None,
) -> LossGap | None:
    """Measure the gap between the losses; None if the labels are no classes."""
    head, training = case.head, case.training
    loss = None if training is None else training.loss
    labels = Labels.of(train[1], val[1], None if head is None else head.units, loss)
    if labels.task not in ("binary", "multiclass"):
        return None
    given, n_rows = dict(fit_params or {}), len(train[0])
    weight, held_weight = given.get("sample_weight"), None
    validation = given.get("validation_data")
    if isinstance(validation, tuple | list) and len(validation) == 3:
        held_weight = np.asarray(validation[2], float)
    if weight is not None:
        weight = np.asarray(weight, float)
        if given.get("validation_split"):
            weight, held_weight = weight[:n_rows], weight[n_rows:]
    sides = (train, weight, 0), (val, held_weight, n_rows)
    known = None if groups is None else np.asarray(groups)
    trained, held = (
        GivenRows(
            np.asarray(X),
            np.asarray(y),
            labels.codes(y),
            row_weight,
            None
            if known is None or len(known) < start + len(X)
            else known[start : start + len(X)],
        )
        for (X, y), row_weight, start in sides
    )
    by_class = given.get("class_weight")
    if by_class is not None:
        of_row = np.array([float(by_class.get(int(c), 1.0)) for c in trained.codes])
        old = trained.weight
        trained = replace(trained, weight=of_row if old is None else old * of_row)
    return model_gap(
        model,
        case.curves,
        labels.n_classes,
        trained,
        held,
        batch_size=None if training is None else training.batch_size,
        are_weights_known=fit_params is not None,
    )


def _with_rows(
    case: Case,
    model: KerasModel,
    train: tuple[Any, Any],
    val: tuple[Any, Any],
    ordered: tuple[Any, Any] | None,
    holdout: str,
) -> Case:
    (X, y), (X_val, y_val) = train, val
    head = case.head
    units = None if head is None else head.units
    loss = case.training.loss if case.training else None
    labels = Labels.of(y, y_val, units, loss)
    case = replace(case, task=labels.task, n_classes=labels.n_distinct, holdout=holdout)

    def scores(rows: np.ndarray) -> np.ndarray:
        return _scores(model, case, rows, labels.n_classes)

    probe = probe_network(model, case, X, y)
    classifies = labels.task in ("binary", "multiclass")
    parts: dict[str, Any] = {}
    if classifies:
        counts = np.bincount(labels.codes(y), minlength=labels.n_classes)
        positive = positive_class(counts[labels.present])
        sides = {"train": (X, y)} | (
            {"val": (X_val, y_val)} if X_val is not None else {}
        )
        for name, (rows, truth) in sides.items():
            step = max(1, -(-len(rows) // _MOST_MEASURED))
            parts[name] = measured_part(
                labels.codes(truth),
                labels.n_classes,
                scores(rows[::step]),
                step,
                labels.present,
                positive,
            )
    facts = measure_rows(
        X,
        y,
        X_val,
        y_val,
        ordered_tail=ordered,
        predict=(lambda rows: scores(rows)[:, labels.present]) if classifies else None,
        embeds=any(layer.kind == "embedding" for layer in case.layers or ()),
    )
    if not any(layer.kind == "embedding" for layer in case.layers or ()):
        parts["shift"] = shift_of_rows(X, X_val)
    return replace(case, probe=probe, rows=facts, **parts)


def keras_predictions(
    model: KerasModel, case: Case, y: ArrayLike, X_val: ArrayLike, y_val: ArrayLike
) -> tuple[np.ndarray, np.ndarray] | None:
    """Predict validation rows as the case counts them.

    Returns
    -------
    codes : ndarray of int, shape (n,)
        Number of each row's class among those that occur.
    scores : ndarray of shape (n, n_classes)
        What the model says of each class; None in place of both, where there are no
        classes, or not all that occur have an output.
    """
    head = case.head
    loss = case.training.loss if case.training else None
    labels = Labels.of(y, y_val, None if head is None else head.units, loss)
    if labels.task not in ("binary", "multiclass"):
        return None
    scores = _scores(model, case, np.asarray(X_val), labels.n_classes)
    codes = np.searchsorted(labels.present, labels.codes(y_val))
    known = scores[:, labels.present]
    return (codes, known) if np.isfinite(known).all() else None


def _scores(model: KerasModel, case: Case, X: np.ndarray, n_classes: int) -> np.ndarray:
    """Scores of all classes, of outputs that are probabilities or logits."""
    head = case.head
    is_logit = bool(case.training and case.training.from_logits) and (
        head is not None and head.activation == "linear"
    )
    return outputs_to_scores(_outputs(model, X), n_classes, is_logit)


def _outputs(model: KerasModel, X: np.ndarray) -> np.ndarray:
    """Call the model in inference mode; ``(n, units)``."""
    parts = [
        np.asarray(model(X[i : i + _BATCH], training=False))
        for i in range(0, len(X), _BATCH)
    ]
    outputs = np.concatenate(parts) if parts else np.empty((0, 1))
    return outputs.reshape(len(outputs), -1)
