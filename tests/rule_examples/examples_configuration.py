"""Sick and healthy examples of the rules of loss, class weights and metrics."""

from rule_examples.cases import sick
from rule_examples.examples_head import HARM, ending, five

from skloss.diagnosis import Case
from skloss.record import SplitMetrics

EVEN = SplitMetrics((3600, 3600), ((3300, 300), (300, 3300)))


def weighted(kind="dict", keys="int", weights=None, **parts):
    training = {
        "class_weight_kind": kind,
        "class_weight_keys": keys,
        "class_weight": weights,
    }
    return sick(training=training, **parts)


def measured(*names, **curves):
    flat = {name: [value] * 30 for name, value in curves.items()}
    return sick(training={"metrics": names, "batch_metrics": names}, curves=flat)


def doubled(units, activation, loss, of_model, of_outputs):
    probe = {"loss_of_model": of_model, "loss_of_outputs": of_outputs}
    return ending(units, activation, loss, from_logits=True, probe=probe)


def stopped(monitor, holdout="given", **training):
    """The healthy case of Keras with early stopping."""
    known = {"monitor": monitor, "patience": 5, "restore_best": True} | training
    return sick(origin="keras", holdout=holdout, training=known)


SICK: dict[str, list[Case]] = {
    "mse-for-classification": [
        ending(1, "sigmoid", "mean_squared_error", rows=HARM),
        ending(1, "linear", "mse"),
        ending(1, "sigmoid", "mae", rows=HARM),
    ],
    "wrong-loss": [
        ending(1, "tanh"),
        ending(1, "sigmoid", "kl_divergence"),
        five(5, "softmax", rows={"target_kind": "ids"} | HARM),
        five(5, "softmax", "binary_crossentropy", rows=HARM),
        ending(1, "sigmoid", "hinge", rows=HARM),
    ],
    "sigmoid-with-from-logits": [
        doubled(1, "sigmoid", "binary_crossentropy", 0.12, 0.64),
        doubled(1, "sigmoid", "binary_crossentropy", 0.64, 0.64),
    ],
    "softmax-with-from-logits": [
        doubled(2, "softmax", "categorical_crossentropy", 0.12, 0.4),
        doubled(2, "softmax", "sparse_categorical_crossentropy", 0.4, 0.4),
    ],
    "class-weight-without-effect": [
        weighted("ndarray", None, {"0": 1.0, "1": 20.0}),
        weighted("list", None, {"0": 1.0, "1": 20.0}),
        weighted(keys="str", weights={"0": 1.0, "1": 20.0}),
        weighted(weights={"1": 1.0, "2": 20.0}),
        weighted("balanced", None, train=EVEN),
    ],
    "double-balancing": [
        weighted(weights={"0": 0.5, "1": 5.0}, train=EVEN, is_resampled=True),
        weighted(
            weights={"0": 1.0, "1": 1.6},
            train=EVEN,
            original=SplitMetrics((3600, 400)),
            val=None,
        ),
        # Validation rows tell how uneven the classes are.
        weighted(weights={"0": 1.0, "1": 9.0}, train=EVEN, original=None),
    ],
    "batchwise-metric": [
        measured("f1_m", val_f1=0.4),
        measured("recall", val_recall=0.75),
        measured("batch_precision"),
    ],
    "bce-accuracy-on-multiclass": [
        five(
            5,
            "softmax",
            "binary_crossentropy",
            training={"metrics": ("accuracy",)},
            curves={"val_accuracy": [0.86] * 30},
        ),
        five(
            5,
            "softmax",
            training={"metrics": ("binary_accuracy",)},
            curves={"accuracy": None, "val_accuracy": None},
        ),
    ],
    "wrong-monitor": [
        stopped("val_f1", monitor_is_logged=False),
        stopped("val_auc", monitor_mode="min"),
        stopped("val_loss", monitor_mode="max"),
        stopped("loss"),
        stopped("val_loss", patience=30, restore_best=False),
    ],
    "accuracy-as-criterion": [
        sick(training={"monitor": "val_accuracy"}),
        sick(training={"monitor": "val_accuracy"}, val=SplitMetrics((800, 200))),
        sick(training={"metrics": ("accuracy",)}),
    ],
}

HEALTHY: dict[str, list[Case]] = {
    "mse-for-classification": [
        ending(1, "sigmoid", "mean_squared_error"),
        ending(1, "linear", "mse", task="regression", n_classes=None, rows=HARM),
    ],
    "wrong-loss": [
        ending(1, "tanh", "hinge", rows=HARM),
        five(5, "softmax", rows={"target_kind": "one_hot"} | HARM),
        five(5, "softmax", "kl_divergence", rows={"target_kind": "one_hot"} | HARM),
        five(5, "softmax", "binary_crossentropy"),
        # Wrappers encode the labels that they are given.
        five(5, "softmax", rows={"target_kind": "ids"} | HARM, origin="sklearn"),
        five(5, "softmax", rows={"target_kind": "ids"}),
        # A loss of one's own is not judged.
        ending(1, "sigmoid", "my_loss", rows=HARM),
    ],
    "sigmoid-with-from-logits": [
        ending(1, "linear", from_logits=True),
        ending(1, "sigmoid"),
    ],
    "softmax-with-from-logits": [
        ending(2, "linear", "categorical_crossentropy", from_logits=True),
        ending(1, "sigmoid", from_logits=True),
    ],
    "class-weight-without-effect": [
        weighted(weights={"0": 1.0, "1": 20.0}),
        # What is left out weighs 1.
        weighted(weights={"1": 20.0}),
        weighted(keys="float", weights={"0.0": 1.0, "1.0": 20.0}),
        # Labels from 1 to 2.
        weighted(
            weights={"1": 1.0, "2": 20.0}, rows={"target_min": 1, "target_max": 2}
        ),
        # Not Keras' own fit.
        weighted(keys="str", weights={"ill": 20.0, "well": 1.0}, origin="scikeras"),
        weighted("balanced", None),
    ],
    "double-balancing": [
        weighted(weights={"0": 0.5, "1": 5.0}),
        weighted(weights={"0": 1.0, "1": 1.4}, train=EVEN, is_resampled=True),
        # Even by nature: a cost, not a correction.
        weighted(
            weights={"0": 1.0, "1": 5.0}, train=EVEN, val=SplitMetrics((500, 500))
        ),
        weighted("balanced", None, train=EVEN, is_resampled=True),
    ],
    "batchwise-metric": [
        measured("f1_m", val_f1=0.75),
        measured("recall", val_recall=0.73),
        measured("my_cost", val_recall=0.3),
    ],
    "bce-accuracy-on-multiclass": [
        five(
            5,
            "softmax",
            "binary_crossentropy",
            training={"metrics": ("accuracy",)},
            curves={"val_accuracy": [0.84] * 30},
        ),
        five(5, "softmax", training={"metrics": ("accuracy",)}),
        sick(training={"metrics": ("binary_accuracy",)}),
    ],
    "wrong-monitor": [
        stopped("val_auc", monitor_mode="max", monitor_is_logged=True),
        stopped("val_loss", monitor_mode="min"),
        stopped("loss", holdout="none"),
        stopped("val_loss", patience=30, restore_best=True),
        stopped("val_loss", patience=5, restore_best=False),
        stopped(
            "val_loss", patience=30, restore_best=False, callbacks=("ModelCheckpoint",)
        ),
    ],
    "accuracy-as-criterion": [
        sick(training={"monitor": "val_accuracy"}, val=SplitMetrics((790, 210))),
        sick(training={"metrics": ("accuracy",)}),
        sick(training={"monitor": "val_balanced_accuracy"}),
    ],
}
