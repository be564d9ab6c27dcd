"""Convert a record to a case, and a case to a record."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from skloss.diagnosis.case import Case, Probe, RowFacts, SearchFacts
from skloss.metrics import confusion_matrix
from skloss.record import Layer, SplitMetrics, Training, TrainingRecord

__all__ = ["case_of", "record_of"]

_PARTS = {
    "training": Training,
    "train": SplitMetrics,
    "original": SplitMetrics,
    "val": SplitMetrics,
    "rows": RowFacts,
    "probe": Probe,
    "search": SearchFacts,
}
# Where the parts of a case stand in a record.
_CONFIGURATION = ("layers", "task", "training", "origin", "is_honest")
_DATA = ("n_classes", "train", "original", "val", "rows", "holdout", "is_resampled")
_OUTCOME = ("probe", "search", "best_epoch", "stop_reason")
_KEY = "case"


def record_of(case: Case) -> TrainingRecord:
    """Return a record from which `case_of` makes an equal case."""

    def chosen(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: _plain(getattr(case, name)) for name in names}

    return TrainingRecord(
        configuration={_KEY: chosen(_CONFIGURATION)},
        data={_KEY: chosen(_DATA)},
        history={name: np.asarray(c).tolist() for name, c in case.curves.items()},
        outcome={_KEY: chosen(_OUTCOME), "best_epoch": case.best_epoch},
    )


def case_of(record: TrainingRecord) -> Case:
    """Return the case of a record: of a skloss fit, of `record_of`, or of curves."""
    curves = {name: np.asarray(c, float) for name, c in record.history.items()}
    sections = (record.configuration, record.data, record.outcome)
    if any(_KEY in section for section in sections):
        known: dict[str, Any] = {}
        for section in sections:
            known |= section.get(_KEY, {})
        return Case(curves=curves, **_read(known))
    if "network" in record.configuration:
        return Case(curves=curves, **_of_skloss(record))
    return Case(curves=curves, best_epoch=record.best_epoch)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def _read(known: Mapping[str, Any]) -> dict[str, Any]:
    names = {part.name for part in fields(Case)}
    # Records of version 1 call the original rows natural ones.
    known = {"original" if k == "natural" else k: v for k, v in known.items()}
    read = {name: value for name, value in known.items() if name in names}
    for name, kind in _PARTS.items():
        if read.get(name) is not None:
            read[name] = kind.from_dict(read[name])  # type: ignore[attr-defined]
    if read.get("layers") is not None:
        read["layers"] = tuple(Layer.from_dict(layer) for layer in read["layers"])
    return read


# ------------------------------------------------------------------- a fit of skloss

_LAYERS = {
    "Dense": "dense",
    "Conv1D": "conv",
    "BatchNorm": "batch_norm",
    "Dropout": "dropout",
    "MaxPool": "pool",
    "GlobalPool": "pool",
    "Flatten": "flatten",
}
_HOLDOUTS = {"X_val": "given", "resampled": "internal"}
_ENOUGH_TO_STOP_BY = 50  # rows of each class, as the classifiers have it
_SAME = 1.02  # ratio of class counts up to which rows count as not resampled


def _of_skloss(record: TrainingRecord) -> dict[str, Any]:
    parameters, counts = (
        record.configuration.get("parameters", {}),
        record.data.get("class_counts", {}),
    )
    source = record.data.get("validation_source", "none")
    trained, original = counts.get("trained"), counts.get("natural")
    n_classes = len(record.data.get("classes", ())) or None
    return {
        "layers": _layers_of(record.configuration["network"]),
        "task": None if n_classes is None else _task(n_classes),
        "n_classes": n_classes,
        "training": _training(parameters, record),
        "train": None if trained is None else SplitMetrics(tuple(trained)),
        "original": _measured_part(record, ""),
        "val": _measured_part(record, "val_"),
        "rows": _row_facts(record),
        "is_honest": True,
        "holdout": _HOLDOUTS.get(source, source),
        "is_resampled": source == "resampled" or _differ(trained, original),
        "best_epoch": None if (kept := _kept_epoch(record)) < 0 else kept,
        "stop_reason": record.outcome.get("stop_reason"),
        "origin": "skloss",
    }


def _task(n_classes: int) -> str:
    return "binary" if n_classes == 2 else "multiclass"


def _differ(trained: Any, original: Any) -> bool | None:
    if not trained or not original:
        return None
    ratios = np.asarray(trained, float) / np.maximum(original, 1)
    return bool(ratios.max() > _SAME * ratios.min())


def _layers_of(network: Mapping[str, Any]) -> tuple[Layer, ...]:
    if network.get("library") == "keras":  # stored in the terms of `Layer` already
        return tuple(Layer.from_dict(layer) for layer in network["layers"])
    return _layers(network)


def _layers(network: Mapping[str, Any]) -> tuple[Layer, ...]:
    penalties: dict[str, Any] = {
        name: float(network.get(name, 0.0)) for name in ("l1", "l2")
    }
    found = []
    for number, layer in enumerate(network["layers"]):
        kind = _LAYERS[layer["kind"]]
        has_kernel = kind in ("dense", "conv")
        found.append(
            Layer(
                kind,  # type: ignore[arg-type]
                f"{layer['kind']} {number}",
                activation=layer.get("activation"),
                units=layer.get("units", layer.get("filters")),
                kernel_size=layer.get("kernel_size"),
                rate=layer.get("rate"),
                momentum=layer.get("momentum"),
                pooling=_pooling(layer),
                **(penalties if has_kernel else {}),
            )
        )
    return tuple(found)


def _pooling(layer: Mapping[str, Any]) -> str | None:
    if layer["kind"] == "MaxPool":
        return "max"
    return f"global_{layer['pooling']}" if "pooling" in layer else None


def _training(parameters: Mapping[str, Any], record: TrainingRecord) -> Training:
    weights = parameters.get("class_weight")
    stops = _stops_early(parameters, record)
    known = Training(
        loss=parameters.get("loss"),
        from_logits=True,
        optimizer=parameters.get("optimizer"),
        learning_rate=parameters.get("learning_rate"),
        schedule=parameters.get("learning_rate_schedule", "constant") != "constant",
        epochs=parameters.get("epochs"),
        batch_size=parameters.get("batch_size"),
        shuffle=True,
        class_weight_kind=_weight_kind(weights),
        class_weight_keys="int" if isinstance(weights, Mapping) else None,
        class_weight=_weights(weights, record),
        callbacks=(),
        monitor=record.outcome.get("monitor") if stops else None,
        patience=parameters.get("patience") if stops else None,
        restore_best=bool(parameters.get("restore_best")) if stops else None,
        clips=parameters.get("clipnorm") is not None,
    )
    # A model that the user compiled overrides what the parameters say.
    compiled = record.configuration.get("training", {})
    return Training.from_dict({**known.to_dict(), **compiled})


def _stops_early(parameters: Mapping[str, Any], record: TrainingRecord) -> bool:
    """Whether early stopping was on; "auto" turns it on with enough rows."""
    stops = parameters.get("early_stopping")
    if stops != "auto":
        return bool(stops)
    held = record.data.get("class_counts", {}).get("validation")
    return record.outcome.get("stop_reason") == "early_stopping" or (
        held is not None and min(held) >= _ENOUGH_TO_STOP_BY
    )


def _weight_kind(weights: Any) -> str:
    if weights is None:
        return "none"
    return weights if isinstance(weights, str) else "dict"


def _weights(weights: Any, record: TrainingRecord) -> dict[str, float] | None:
    """Return the class weights by class number, as used in training."""
    trained = record.data.get("class_counts", {}).get("trained")
    classes = record.data.get("classes", ())
    if isinstance(weights, Mapping):
        by_text = {str(label): float(weight) for label, weight in weights.items()}
        return {
            str(code): by_text.get(str(label), 1.0)
            for code, label in enumerate(classes)
        }
    if weights == "balanced" and trained:
        total = sum(trained) / len(trained)
        return {str(code): total / max(n, 1) for code, n in enumerate(trained)}
    return None


def _measured_part(record: TrainingRecord, prefix: str) -> SplitMetrics | None:
    """Return the metrics of a split in the epoch whose weights were kept."""
    split = "validation" if prefix else "measured"
    counts = record.data.get("class_counts", {}).get(split)
    if counts is None:
        return None
    history, epoch = record.history, _kept_epoch(record)

    def at(name: str) -> float | None:
        curve = history.get(prefix + name)
        return None if not curve else float(curve[epoch])

    parameters = record.configuration.get("parameters", {})
    loss = record.configuration.get("loss", parameters.get("loss"))
    is_plain = loss == "crossentropy"
    losses = [at(f"loss_class_{c}") for c in range(len(counts))]
    return SplitMetrics(
        tuple(counts),
        confusion=_confusion(record, prefix, at),
        loss=at("loss") if is_plain else None,
        per_class_loss=None if None in losses else tuple(losses),  # type: ignore
        average_precision=at("average_precision"),
        roc_auc=_roc_auc(record) if prefix else None,
    )


def _kept_epoch(record: TrainingRecord) -> int:
    """Return the epoch of the kept weights from 0, or -1 for the last epoch."""
    parameters = record.configuration.get("parameters", {})
    cut_short = record.outcome.get("stop_reason") in ("interrupted", "diverged")
    stopped = cut_short or _stops_early(parameters, record)
    best = record.best_epoch
    if best is None or not stopped or not parameters.get("restore_best"):
        return -1
    return best


def _confusion(record: TrainingRecord, prefix: str, at: Any) -> Any:
    cells = [at(name) for name in ("tn", "fp", "fn", "tp")]
    if None not in cells:
        return (tuple(cells[:2]), tuple(cells[2:]))
    if not prefix:
        return _rows_of(record.outcome.get("measured_confusion"))
    truth = record.outcome.get("validation_truth")
    scores = np.asarray(record.outcome.get("validation_scores", ()), float)
    if truth is None or scores.ndim != 2:
        return None
    table = confusion_matrix(truth, scores.argmax(axis=1), scores.shape[1])
    return _rows_of(table.tolist())


def _rows_of(table: Any) -> Any:
    return None if table is None else tuple(tuple(map(float, row)) for row in table)


def _roc_auc(record: TrainingRecord) -> float | None:
    """Return the ROC AUC on validation rows, with more than two classes the mean."""
    truth = record.outcome.get("validation_truth")
    scores = np.asarray(record.outcome.get("validation_scores", ()), float)
    if truth is None or not len(scores) or not np.isfinite(scores).all():
        return None
    codes = np.asarray(truth)
    if scores.ndim == 1:
        return rank_auc(codes == 1, scores)
    found = [rank_auc(codes == c, scores[:, c]) for c in range(scores.shape[1])]
    known = [area for area in found if area is not None]
    return float(np.mean(known)) if known else None


def rank_auc(truth: np.ndarray, scores: np.ndarray) -> float | None:
    """Return the ROC AUC of scores; None if one of the two classes has no rows."""
    n_true, n_other = int(truth.sum()), int((~truth).sum())
    if not n_true or not n_other:
        return None
    _, code, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    wins = float(ranks[code][truth].sum()) - n_true * (n_true + 1) / 2
    return wins / (n_true * n_other)


def _row_facts(record: TrainingRecord) -> RowFacts | None:
    """Return the facts about the columns that the record has."""
    columns = record.data.get("columns")
    if not columns:
        return None
    low, high = np.asarray(columns["p01"]), np.asarray(columns["p99"])
    std, middle = np.asarray(columns["std"]), np.asarray(columns["median"])
    size, varies = np.maximum(abs(low), abs(high)), std > 0
    if not varies.any():
        return RowFacts(n_columns=len(std), n_constant=len(std))
    stds = np.where(varies, std, np.nan)
    return RowFacts(
        n_rows=record.data.get("n_rows"),
        n_columns=len(std),
        n_nonfinite=0,
        n_constant=int((~varies).sum()),
        constant_columns=tuple(np.flatnonzero(~varies).tolist()),
        typical_size=float(np.median(size)),
        largest_size=float(size.max()),
        largest_column=int(size.argmax()),
        smallest_std=float(np.nanmin(stds)),
        smallest_column=int(np.nanargmin(stds)),
        largest_std=float(np.nanmax(stds)),
        offset=float(np.nanmedian(abs(middle) / stds)),
        is_token_ids=False,
        target_kind="ids",
    )
