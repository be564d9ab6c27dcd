"""Layers and settings of MLPClassifier and of skloss' classifiers in the code."""

from inspect import signature
from typing import Any

from skloss.readers.code.values import Made, Model
from skloss.record import Layer, Training

__all__ = ["estimator_parts"]

_ACTIVATIONS = {"logistic": "sigmoid", "identity": "linear"}
_MOST_LAYERS = 100


def estimator_parts(
    model: Model, n_classes: int | None
) -> tuple[tuple[Layer, ...] | None, Training]:
    """Layers and settings of an estimator; the labels show the units of its output."""
    made = model.compiled or Made(model.kind, [], {}, model.line)
    if model.kind == "MLPClassifier":
        return _of_scikit_learn(made, n_classes)
    return _of_skloss(made, n_classes)


def _of_scikit_learn(
    made: Made, n_classes: int | None
) -> tuple[tuple[Layer, ...] | None, Training]:
    given = made.option("activation", place=1, default="relu")
    activation = _ACTIVATIONS.get(given, given) if isinstance(given, str) else "unknown"
    sizes = made.option("hidden_layer_sizes", place=0, default=(100,))
    penalty = _number(made.option("alpha", place=3, default=1e-4)) or 0.0
    stops = made.option("early_stopping", default=False) is True
    size = made.option("batch_size", place=4, default=200)
    solver = made.option("solver", place=2, default="adam")
    constant = made.option("learning_rate", place=5, default="constant") == "constant"
    layers = _stacked(sizes, activation, _output_units(n_classes), True, l2=penalty)
    training = Training(
        loss=_cross_entropy(n_classes),
        from_logits=False,
        optimizer=solver if isinstance(solver, str) else None,
        learning_rate=_number(made.option("learning_rate_init", default=0.001)),
        schedule=solver == "sgd" and not constant,
        epochs=_whole(made.option("max_iter", default=200)),
        batch_size=200 if size == "auto" else _whole(size),
        class_weight_kind="none",
        callbacks=("EarlyStopping",) if stops else (),
        monitor="val_accuracy" if stops else None,
        restore_best=True if stops else None,
        clips=False,
    )
    return layers, training


def _of_skloss(
    made: Made, n_classes: int | None
) -> tuple[tuple[Layer, ...] | None, Training]:
    settings = _with_defaults(made)
    weight = settings["class_weight"]
    layers = _dense_layers(settings, n_classes) if made.name[0] == "D" else None
    training = Training(
        loss="crossentropy" if settings["loss"] == "crossentropy" else None,
        from_logits=True,
        optimizer=settings["optimizer"],
        learning_rate=_number(settings["learning_rate"]),
        schedule=settings["learning_rate_schedule"] != "constant",
        epochs=_whole(settings["epochs"]),
        batch_size=_whole(settings["batch_size"]),
        class_weight_kind="none" if weight is None else _kind(weight),
        clips=settings["clipnorm"] is not None,
    )
    return layers, training


def _with_defaults(made: Made) -> dict[str, Any]:
    """Return the arguments of a classifier of skloss, as given or by default."""
    import skloss

    parameters = signature(getattr(skloss, made.name)).parameters
    known = {name: one.default for name, one in parameters.items()}
    by_place = dict(zip(parameters, made.args, strict=False))
    return known | by_place | made.options


def _dense_layers(
    settings: dict[str, Any], n_classes: int | None
) -> tuple[Layer, ...] | None:
    width, depth = settings["width"], settings["depth"]
    if not isinstance(width, tuple | list):
        if not isinstance(depth, int | None):
            return None
        width = [width] * min(1 if depth is None else depth, _MOST_LAYERS)
    name = settings["activation"]
    activation = name if isinstance(name, str) else "unknown"
    penalties = {key: _number(settings[key]) or 0.0 for key in ("l1", "l2")}
    return _stacked(width, activation, _output_units(n_classes), False, **penalties)


def _stacked(
    sizes: Any,
    activation: str,
    n_outputs: int | None,
    squashes: bool,
    **penalties: float,
) -> tuple[Layer, ...] | None:
    """Return hidden layers and the output layer; None if their number is not known."""
    sizes = (sizes,) if isinstance(sizes, int) else sizes
    if not isinstance(sizes, tuple | list) or len(sizes) > _MOST_LAYERS:
        return None
    hidden = [
        Layer("dense", f"layer {n}", activation, _whole(size), **penalties)  # type: ignore[arg-type]
        for n, size in enumerate(sizes)
    ]
    last = ("sigmoid" if n_outputs == 1 else "softmax") if squashes else "linear"
    return (*hidden, Layer("dense", "output", last, n_outputs))


def _output_units(n_classes: int | None) -> int | None:
    return 1 if n_classes == 2 else n_classes


def _cross_entropy(n_classes: int | None) -> str | None:
    if n_classes is None:
        return None
    return "binary_crossentropy" if n_classes == 2 else "categorical_crossentropy"


def _kind(weight: Any) -> str | None:
    if isinstance(weight, str):
        return weight
    return "dict" if isinstance(weight, dict | Made) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None
