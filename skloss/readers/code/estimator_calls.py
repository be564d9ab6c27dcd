"""Estimators of scikit-learn and skloss in the code, as layers and settings."""

from typing import Any

from skloss.readers.code.values import Made, Model
from skloss.record import Layer, Training

__all__ = ["estimator_parts"]

_ACTIVATIONS = {"logistic": "sigmoid", "identity": "linear"}


def estimator_parts(model: Model) -> tuple[tuple[Layer, ...] | None, Training]:
    """Layers and settings of an estimator; the output layer has no known units."""
    made = model.compiled or Made(model.kind, [], {}, model.line)
    if model.kind == "MLPClassifier":
        return _of_scikit_learn(made)
    return _of_skloss(made)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: Any, default: int | None = None) -> int | None:
    return value if isinstance(value, int) else default


def _of_scikit_learn(made: Made) -> tuple[tuple[Layer, ...], Training]:
    sizes = made.option("hidden_layer_sizes", place=0, default=(100,))
    sizes = sizes if isinstance(sizes, tuple | list) else (sizes,)
    given = made.option("activation", place=1, default="relu")
    activation = _ACTIVATIONS.get(given, given) if isinstance(given, str) else None
    layers = tuple(Layer("dense", "hidden", activation, _whole(n)) for n in sizes)
    stops = made.option("early_stopping", default=False) is True
    training = Training(
        loss="crossentropy",
        from_logits=False,
        optimizer=made.option("solver", default="adam"),
        learning_rate=_number(made.option("learning_rate_init", default=0.001)),
        epochs=_whole(made.option("max_iter", default=200)),
        batch_size=_whole(made.option("batch_size", default=200), 200),
        class_weight_kind="none",
        monitor="val_accuracy" if stops else None,
    )
    return layers, training


def _of_skloss(made: Made) -> tuple[tuple[Layer, ...], Training]:
    depth = _whole(made.option("depth", default=1), 1) or 1
    width = made.option("width", default=None)
    widths = (
        list(width) if isinstance(width, tuple | list) else [width] * min(depth, 64)
    )
    activation = made.option("activation", default="relu")
    name = activation if isinstance(activation, str) else None
    layers = tuple(Layer("dense", "hidden", name, _whole(n)) for n in widths)
    weight = made.option("class_weight")
    training = Training(
        loss="crossentropy",
        from_logits=True,
        optimizer=made.option("optimizer", default="adam"),
        learning_rate=_number(made.option("learning_rate", default=0.001)),
        epochs=_whole(made.option("epochs")),
        batch_size=_whole(made.option("batch_size")),
        class_weight_kind="none"
        if weight is None
        else weight
        if isinstance(weight, str)
        else "dict",
    )
    return layers, training
