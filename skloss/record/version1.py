"""Read records of version 1, which left to the reader what training knew.

Version 1 said which parameters were given and which epoch was best. Whether early
stopping was on, which epoch's weights were kept and whether the rows were resampled had
to be concluded, and the network stood there in two forms. This is the only place that
concludes; everything else reads version 2.
"""

from collections.abc import Mapping
from typing import Any

from skloss.holdout import are_resampled
from skloss.record.description import Layer, SplitMetrics, Training
from skloss.record.recorded_metrics import recorded_metrics

__all__ = ["from_version_1"]

Content = dict[str, Any]

_CASE = "case"
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
_ENOUGH_TO_STOP_BY = 50  # rows of each class, as the classifiers had it


def from_version_1(record: Mapping[str, Any]) -> Content:
    """Turn the content of a record of version 1 into one of version 2."""
    sections = {name: dict(part) for name, part in record.items()}
    configuration, data, outcome = (
        sections[name] for name in ("configuration", "data", "outcome")
    )
    for name in ("class_counts", "priors"):
        if name in data:
            data[name] = _renamed(data[name])
    if any(_CASE in section for section in (configuration, data, outcome)):
        _flatten_case(configuration, data, outcome)
    elif "network" in configuration:
        _conclude(configuration, data, outcome, sections["history"])
    return sections


def _renamed(content: Mapping[str, Any]) -> Content:
    return {"original" if k == "natural" else k: v for k, v in content.items()}


def _flatten_case(configuration: Content, data: Content, outcome: Content) -> None:
    """Move the parts of a case, which stood in a part of their own."""
    configuration |= configuration.pop(_CASE, {})
    data |= _renamed(data.pop(_CASE, {}))
    outcome |= outcome.pop(_CASE, {})
    outcome["kept_epoch"] = outcome.get("best_epoch")
    outcome["metrics"] = {
        split: data.pop(split)
        for split in ("train", "original", "val")
        if data.get(split) is not None
    }


def _conclude(
    configuration: Content, data: Content, outcome: Content, history: Mapping[str, Any]
) -> None:
    """Conclude what a fit of skloss did."""
    network, parameters = (
        configuration.pop("network"),
        configuration.get("parameters", {}),
    )
    compiled = configuration.pop("training", {})
    counts = data.get("class_counts", {})
    classes, source = data.get("classes", ()), data.pop("validation_source", "none")
    stops = _stops_early(parameters, counts, outcome)
    kept = _kept_epoch(parameters, outcome, stops)
    training = _training(parameters, classes, counts, outcome, stops)
    configuration |= {
        "origin": "skloss",
        "is_honest": True,
        "task": "binary" if len(classes) == 2 else "multiclass",
        "layers": _layers(network),
        # A model that was compiled elsewhere says more than the parameters.
        "training": {**training.to_dict(), **compiled},
    }
    trained, original = counts.get("trained"), counts.get("original")
    known = bool(trained and original)
    resampled = are_resampled(trained, original) if known else None
    data |= {
        "n_classes": len(classes) or None,
        "holdout": _HOLDOUTS.get(source, source),
        "is_resampled": source == "resampled" or resampled,
        "samplers": None,
    }
    loss = configuration.pop("loss", parameters.get("loss"))
    metrics: dict[str, SplitMetrics] = {}
    if trained is not None:
        metrics["train"] = SplitMetrics(tuple(trained))
    for split, prefix, name in (
        ("original", "", "measured"),
        ("val", "val_", "validation"),
    ):
        if name in counts:
            is_val = split == "val"
            metrics[split] = recorded_metrics(
                history,
                prefix,
                -1 if kept is None else kept,
                counts[name],
                is_crossentropy=loss == "crossentropy",
                truth=outcome.get("validation_truth") if is_val else None,
                scores=outcome.get("validation_scores") if is_val else None,
                confusion=None if is_val else outcome.get("measured_confusion"),
                positive=1 if len(classes) == 2 else None,
            )
    outcome.pop("measured_confusion", None)
    outcome |= {
        "kept_epoch": kept,
        "metrics": {name: split.to_dict() for name, split in metrics.items()},
    }


def _stops_early(
    parameters: Mapping[str, Any],
    counts: Mapping[str, Any],
    outcome: Mapping[str, Any],
) -> bool:
    """Whether early stopping was on; "auto" asked for enough validation rows."""
    stops = parameters.get("early_stopping")
    if stops != "auto":
        return bool(stops)
    held = counts.get("validation")
    return outcome.get("stop_reason") == "early_stopping" or (
        held is not None and min(held) >= _ENOUGH_TO_STOP_BY
    )


def _kept_epoch(
    parameters: Mapping[str, Any], outcome: Mapping[str, Any], stops: bool
) -> int | None:
    """Epoch whose weights the classifier has; None for the last."""
    cut_short = outcome.get("stop_reason") in ("interrupted", "diverged")
    kept = (cut_short or stops) and parameters.get("restore_best")
    return outcome.get("best_epoch") if kept else None


def _layers(network: Mapping[str, Any]) -> list[Content]:
    if network.get("library") == "keras":  # they had today's form already
        return list(network["layers"])
    penalties: dict[str, Any] = {
        name: float(network.get(name, 0.0)) for name in ("l1", "l2")
    }
    found = []
    for number, layer in enumerate(network["layers"]):
        kind = _LAYERS[layer["kind"]]
        pooling = "max" if layer["kind"] == "MaxPool" else None
        if "pooling" in layer:
            pooling = f"global_{layer['pooling']}"
        known: Any = Layer(
            kind,  # type: ignore[arg-type]
            f"{layer['kind']} {number}",
            activation=layer.get("activation"),
            units=layer.get("units", layer.get("filters")),
            kernel_size=layer.get("kernel_size"),
            rate=layer.get("rate"),
            momentum=layer.get("momentum"),
            pooling=pooling,
            **(penalties if kind in ("dense", "conv") else {}),
        )
        found.append(known.to_dict())
    return found


def _training(
    parameters: Mapping[str, Any],
    classes: Any,
    counts: Mapping[str, Any],
    outcome: Mapping[str, Any],
    stops: bool,
) -> Training:
    weights = parameters.get("class_weight")
    kind = "dict" if isinstance(weights, Mapping) else weights or "none"
    return Training(
        loss=parameters.get("loss"),
        from_logits=True,
        optimizer=parameters.get("optimizer"),
        learning_rate=parameters.get("learning_rate"),
        schedule=parameters.get("learning_rate_schedule", "constant") != "constant",
        epochs=parameters.get("epochs"),
        batch_size=parameters.get("batch_size"),
        shuffle=True,
        class_weight_kind=kind,
        class_weight_keys="int" if kind == "dict" else None,
        class_weight=_class_weight(weights, classes, counts.get("trained")),
        callbacks=(),
        monitor=outcome.get("monitor") if stops else None,
        patience=parameters.get("patience") if stops else None,
        restore_best=bool(parameters.get("restore_best")) if stops else None,
        clips=parameters.get("clipnorm") is not None,
    )


def _class_weight(weights: Any, classes: Any, trained: Any) -> dict[str, float] | None:
    """Weight of each class by its number, as they acted."""
    if isinstance(weights, Mapping):
        by_text = {str(label): float(weight) for label, weight in weights.items()}
        return {str(c): by_text.get(str(label), 1.0) for c, label in enumerate(classes)}
    if weights == "balanced" and trained:
        total = sum(trained) / len(trained)
        return {str(code): total / max(n, 1) for code, n in enumerate(trained)}
    return None
