"""Sick and healthy examples of the rules of the output layer."""

from rule_examples.cases import sick

from skloss.diagnosis import Case
from skloss.record import Layer, SplitMetrics

HARM = {"network_score": 0.5}
HIDDEN = Layer("dense", "hidden", "relu", 32, output_shape=(32,))
FIVE = SplitMetrics(
    (200,) * 5,
    tuple(tuple(160.0 if i == j else 10.0 for j in range(5)) for i in range(5)),
)


def ending(units, activation, loss="binary_crossentropy", from_logits=False, **parts):
    """The healthy binary case with another head and loss."""
    head = Layer("dense", "output", activation, units, output_shape=(units,))
    training = {"loss": loss, "from_logits": from_logits} | parts.pop("training", {})
    return sick(layers=(HIDDEN, head), training=training, **parts)


def five(units, activation, loss="categorical_crossentropy", **parts):
    """The same of five classes."""
    known = {"task": "multiclass", "n_classes": 5, "train": FIVE, "val": FIVE}
    return ending(units, activation, loss, **(known | parts))


SICK: dict[str, list[Case]] = {
    "argmax-of-one-unit": [ending(1, "sigmoid", decisions=("argmax",))],
    "logits-read-as-probabilities": [
        ending(1, "linear", from_logits=True, decisions=("above 0.5",)),
        ending(1, "linear", from_logits=True, decisions=("round",)),
        ending(
            1,
            "linear",
            from_logits=True,
            training={"probability_metrics": ("accuracy", "auc")},
        ),
    ],
    "softmax-one-unit": [
        ending(1, "softmax", probe={"output_min": 1.0, "output_max": 1.0}),
        ending(1, "softmax", "categorical_crossentropy"),
        five(1, "softmax"),
    ],
    "binary-head-for-multiclass": [
        five(1, "sigmoid", "binary_crossentropy"),
        five(1, "linear", "binary_crossentropy", from_logits=True),
    ],
    "relu-output": [
        ending(1, "relu"),
        ending(1, "relu", "mean_squared_error", rows=HARM),
        five(5, "relu"),
    ],
    "linear-output-without-from-logits": [
        ending(1, "linear"),
        five(5, "linear", "sparse_categorical_crossentropy"),
    ],
    "sigmoid-output-multiclass": [
        five(5, "sigmoid", probe={"output_sum_error": 0.4}),
        five(5, "sigmoid", "binary_crossentropy", probe={"output_sum_error": 0.11}),
        ending(
            2, "sigmoid", "categorical_crossentropy", probe={"output_sum_error": 0.3}
        ),
    ],
    "single-unit-categorical-ce": [
        ending(1, "sigmoid", "categorical_crossentropy"),
    ],
    "softmax-on-multilabel": [
        ending(6, "softmax", task="multilabel", n_classes=6),
    ],
    "class-count-mismatch": [
        five(4, "softmax"),
        five(9, "softmax", rows=HARM),
    ],
    "linear-output": [
        ending(1, "linear", "mean_squared_error", probe={"output_max": 1.3}),
        ending(1, "linear", "mean_squared_error", probe={"output_min": -0.06}),
        ending(1, "linear", "mse", rows=HARM),
    ],
    "bce-on-softmax2": [
        ending(2, "softmax", rows={"target_kind": "one_hot"} | HARM),
        ending(2, "softmax", rows=HARM, probe={"loss_of_outputs": 0.2}),
    ],
}

HEALTHY: dict[str, list[Case]] = {
    "argmax-of-one-unit": [
        ending(1, "sigmoid", decisions=("above 0.5",)),
        ending(2, "softmax", decisions=("argmax",)),
    ],
    "logits-read-as-probabilities": [
        ending(1, "sigmoid", decisions=("above 0.5", "round")),
        ending(1, "linear", from_logits=True),
        ending(
            1,
            "linear",
            from_logits=True,
            training={"probability_metrics": ("accuracy",)},
        ),
    ],
    "softmax-one-unit": [
        ending(2, "softmax", "sparse_categorical_crossentropy"),
        ending(1, "softmax", "mean_squared_error", task="regression", n_classes=None),
    ],
    "binary-head-for-multiclass": [
        five(5, "sigmoid", "binary_crossentropy"),
        # A grade, trained as a number.
        five(1, "linear", "mean_squared_error"),
    ],
    "relu-output": [
        # Rectifiers within, none at the end.
        ending(1, "linear", from_logits=True),
        ending(1, "relu", "mean_squared_error", task="regression", n_classes=None),
    ],
    "linear-output-without-from-logits": [
        ending(1, "linear", from_logits=True),
        ending(1, "linear", "crossentropy", from_logits=True),
        ending(1, "linear", "hinge"),
    ],
    "sigmoid-output-multiclass": [
        five(5, "sigmoid", "binary_crossentropy", probe={"output_sum_error": 0.09}),
        # Learned well, and the outputs of a row sum to 1.
        five(5, "sigmoid", probe={"output_sum_error": 0.02}),
        ending(2, "sigmoid", probe={"output_sum_error": 0.3}),
        ending(6, "sigmoid", task="multilabel", n_classes=6),
    ],
    "single-unit-categorical-ce": [
        ending(2, "softmax", "categorical_crossentropy"),
    ],
    "softmax-on-multilabel": [
        ending(6, "sigmoid", task="multilabel", n_classes=6),
    ],
    "class-count-mismatch": [
        ending(2, "softmax", "sparse_categorical_crossentropy"),
        # Labels from 1 to 5.
        five(6, "softmax", rows={"target_min": 1} | HARM),
        # Some classes are rare, and not among these rows.
        five(6, "softmax"),
    ],
    "linear-output": [
        ending(1, "linear", "mean_squared_error", probe={"output_max": 1.04}),
        ending(1, "linear", from_logits=True, rows=HARM),
    ],
    "bce-on-softmax2": [
        ending(2, "softmax", rows={"target_kind": "one_hot"}),
        # Keras 3 refuses these labels, so they were encoded on the way.
        ending(2, "softmax", rows={"target_kind": "ids"}),
        ending(2, "softmax", "categorical_crossentropy"),
    ],
}
