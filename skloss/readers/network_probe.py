"""A look inside a Keras network: gradients, units and modes on a few fixed rows.

Nothing of the model changes: training mode goes through ``Model.stateless_call``.
"""

from typing import Any

import numpy as np

from skloss.diagnosis import Case, Probe
from skloss.protocols import KerasModel
from skloss.readers.label_facts import Labels
from skloss.readers.split_metrics import measured_part, outputs_to_scores
from skloss.training.units import stuck_units

__all__ = ["probe_network"]

_ROWS = 256


def probe_network(model: KerasModel, case: Case, X: np.ndarray, y: np.ndarray) -> Probe:
    """Measure a model on at most 256 of the rows it was trained on."""
    step = max(1, len(X) // _ROWS)
    rows, truth = X[::step][:_ROWS], y[::step][:_ROWS]
    found: dict[str, Any] = {}
    for measure in (_weights, _units, _outputs, _losses_and_gradients, _modes):
        try:
            found |= measure(model, case, rows, truth)
        except Exception:  # a custom layer or loss: not known
            continue
    return Probe(**found)


def _kernels(model: KerasModel) -> list[Any]:
    return [w for w in model.trainable_weights if len(w.shape) > 1]


def _weights(
    model: KerasModel, case: Case, X: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    arrays = [np.asarray(kernel) for kernel in _kernels(model)]
    flat = [array.reshape(-1, array.shape[-1]) for array in arrays]
    glorot = [np.sqrt(2 / (sum(f.shape) if f.size else 2)) for f in flat]
    return {
        "weight_norms": tuple(float(np.linalg.norm(array)) for array in arrays),
        "weight_scales": tuple(
            float(array.std() / scale)
            for array, scale in zip(arrays, glorot, strict=True)
        ),
        "n_equal_units": tuple(
            f.shape[1] - len(np.unique(np.round(f, 7), axis=1).T) for f in flat
        ),
        "units": tuple(int(f.shape[1]) for f in flat),
        "nonfinite_weights": not all(
            np.isfinite(np.asarray(w)).all() for w in model.weights
        ),
    }


def _units(
    model: KerasModel, case: Case, X: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    """Shares of dead and of saturated units of each hidden layer."""
    shares: dict[str, list[float]] = {"dead": [], "saturated": []}
    # Sequential and chained models only: each layer is given what the last one gave.
    values, layers = X, [m for m in model.layers if type(m).__name__ != "InputLayer"]
    for layer in layers[:-1]:
        values = layer(values, training=False)
        name = getattr(getattr(layer, "activation", None), "__name__", "")
        name = name or {"ReLU": "relu"}.get(type(layer).__name__, "")
        stuck = stuck_units(name, np.asarray(values))
        if stuck is None:
            continue
        kind, units = stuck
        # What an LSTM gives is its activation times a gate: it does not fill the range.
        if kind == "dead" or "LSTM" not in type(layer).__name__:
            shares[kind].append(float(units.mean()))
    return {f"{kind}_shares": tuple(found) for kind, found in shares.items()}


def _outputs(
    model: KerasModel, case: Case, X: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    outputs = np.asarray(model(X, training=False), float).reshape(len(X), -1)
    return {
        "output_min": float(outputs.min()),
        "output_max": float(outputs.max()),
        "output_sum_error": float(np.abs(outputs.sum(axis=1) - 1).mean()),
    }


def _losses_and_gradients(
    model: KerasModel, case: Case, X: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    loss = keras.losses.get(model.loss)
    kernels = [kernel.value for kernel in _kernels(model)]
    with tf.GradientTape() as tape:
        outputs = model(X, training=False)
        target = y.reshape(outputs.shape) if y.size == np.prod(outputs.shape) else y
        target = tf.constant(target)
        value = tf.reduce_mean(loss(target, outputs))
    gradients = tape.gradient(value, kernels)
    norms = [
        0.0 if g is None else float(tf.norm(tf.convert_to_tensor(g))) for g in gradients
    ]
    # A copy has lost the logits that Keras keeps beside the outputs of an activation.
    copied = loss(target, tf.constant(np.asarray(outputs)))
    penalty = float(np.sum([float(part) for part in model.losses]))
    return {
        "gradient_norms": tuple(norms),
        "loss_of_model": float(value),
        "loss_of_outputs": float(tf.reduce_mean(copied)),
        "penalty": penalty,
    }


def _modes(
    model: KerasModel, case: Case, X: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    """Inference against training mode, where a layer makes them differ."""
    kinds = {layer.kind for layer in case.layers or ()}
    if not kinds & {"batch_norm", "dropout"}:
        return {}
    trained = [np.asarray(v) for v in model.trainable_variables]
    kept = [np.asarray(v) for v in model.non_trainable_variables]
    size = case.training.batch_size if case.training else None
    size = min(size or len(X), len(X))
    in_training = [
        np.asarray(
            model.stateless_call(trained, kept, X[i : i + size], training=True)[0]
        )
        for i in range(0, len(X) - len(X) % size, size)
    ]
    training = np.concatenate(in_training).reshape(-1, in_training[0].shape[-1])
    inference = np.asarray(model(X[: len(training)], training=False))
    inference = inference.reshape(training.shape)
    found: dict[str, Any] = {"mode_similarity": _cosine(training, inference)}
    if case.n_classes is None or case.task not in ("binary", "multiclass"):
        return found
    labels = Labels.of(y, None, training.shape[1], None)
    codes = labels.codes(y)[: len(training)]
    n_classes = max(labels.n_classes, training.shape[1])
    is_logit = bool(case.training and case.training.from_logits)
    for name, outputs in (("training", training), ("inference", inference)):
        part = measured_part(
            codes, n_classes, outputs_to_scores(outputs, n_classes, is_logit)
        )
        found |= {
            f"loss_{name}_mode": part.loss,
            f"accuracy_{name}_mode": part.accuracy,
        }
    return found


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float((a * b).sum() / size) if size > 0 else 1.0
