"""Sick and healthy examples of the rules of the network up to its output."""

from rule_examples.cases import sick

from skloss.diagnosis import Case
from skloss.record import Layer, SplitMetrics

HARM = {"network_score": 0.5}
HEAD = Layer("dense", "output", "sigmoid", 1, output_shape=(1,))
# Fits badly: never predicts the minority.
COLLAPSED = SplitMetrics((3600, 400), ((3600, 0), (400, 0)), roc_auc=0.5)


def dense(units, activation="linear", **more):
    return Layer("dense", "hidden", activation, units, output_shape=(units,), **more)


def conv(filters, activation="linear"):
    return Layer("conv", "conv", activation, filters, 3, output_shape=(20, filters))


def pool(kind="max"):
    return Layer("pool", "pool", pooling=kind)


def drop(rate):
    return Layer("dropout", "dropout", rate=rate)


def net(*layers):
    return (*layers, HEAD)


FLAT = Layer("flatten", "flatten")
NORM = Layer("batch_norm", "norm", momentum=0.99)
LEAKY = Layer("activation", "leaky", "leaky_relu")
ELEVEN = tuple(
    part
    for number in range(11)
    for part in (dense(7), drop(0.5 if number == 0 else 0.2))
)

SICK: dict[str, list[Case]] = {
    "constant-init": [
        sick(probe={"n_equal_units": (31, 0)}),
        sick(probe={"n_equal_units": (17, 0)}),
    ],
    "large-init": [
        sick(probe={"weight_scales": (9.0, 1.2)}, rows=HARM),
        sick(
            probe={"weight_scales": (5.1, 1.2)},
            curves={"loss": [2.0] * 30},
            train={"confusion": ((2400, 1200), (260, 140)), "roc_auc": 0.51},
            rows={"network_score": None},
        ),
    ],
    "linear-stack": [
        sick(layers=net(*ELEVEN), rows=HARM),
        sick(layers=net(dense(8))),
        sick(layers=net(dense(32, "relu"), dense(16), dense(16)), rows=HARM),
        sick(layers=net(conv(8), NORM, pool("average"), FLAT)),
    ],
    "linear-conv": [
        sick(layers=net(conv(8), conv(8), FLAT, dense(20, "relu")), rows=HARM),
        sick(layers=net(conv(8), pool(), conv(8), pool(), FLAT), rows=HARM),
    ],
    "linear-first-layer": [
        sick(layers=net(dense(64), dense(32, "relu")), rows=HARM),
    ],
    "dropout-excess": [
        sick(layers=net(*ELEVEN), rows=HARM),
        sick(layers=net(dense(8, "relu"), drop(0.76)), rows=HARM),
        sick(layers=net(dense(8, "relu"), drop(0.9)), rows=HARM),
        sick(layers=net(*ELEVEN), val={"confusion": ((900, 0), (91, 9))}),
    ],
    "batchnorm-after-dropout": [
        sick(
            layers=net(dense(8, "relu"), drop(0.5), dense(8), NORM, LEAKY),
            probe={"mode_similarity": 0.74},
        ),
    ],
    "shrinking-channels": [
        sick(
            layers=net(conv(32, "relu"), pool(), conv(8, "relu"), pool(), FLAT),
            rows=HARM,
        ),
    ],
    "under-capacity": [
        sick(layers=net(dense(1, "relu")), rows=HARM, train=COLLAPSED),
        sick(layers=net(dense(4, "relu")), rows=HARM, train=COLLAPSED),
    ],
}

HEALTHY: dict[str, list[Case]] = {
    "constant-init": [
        sick(probe={"n_equal_units": (15, 0)}),
        # An L1 penalty makes whole columns zero.
        sick(
            probe={"n_equal_units": (20, 0)},
            layers=net(dense(32, "relu", l1=0.01)),
        ),
    ],
    "large-init": [
        # Trained with weights of standard deviation 1, and none the worse for it.
        sick(probe={"weight_scales": (7.0, 1.2)}),
        # The first loss was high, and yet the network learned well.
        sick(
            probe={"weight_scales": (7.0, 1.2)},
            curves={"loss": [2.0, *sick().curves["loss"][1:]]},
        ),
        sick(probe={"weight_scales": (4.9, 1.2)}, rows=HARM),
        # The learning rate may have made them large.
        sick(
            probe={"weight_scales": (9.0, 9.0)},
            rows=HARM,
            training={"learning_rate": 0.3},
        ),
    ],
    "linear-stack": [
        sick(layers=net(dense(16), NORM, LEAKY)),
        sick(layers=net(conv(16, "relu"), dense(32, "relu"))),
        # A factorized map, narrower than both its sides.
        sick(layers=(dense(64, "relu"), dense(8), dense(64, "relu"), HEAD), rows=HARM),
        # Linear layers beside others, and no harm.
        sick(layers=net(dense(32, "relu"), dense(16), dense(16))),
        # Logistic regression.
        sick(layers=net(), rows=HARM),
    ],
    "linear-conv": [
        sick(layers=net(conv(8), NORM, LEAKY, pool(), FLAT), rows=HARM),
        sick(layers=net(conv(8), pool(), conv(8), pool(), FLAT, dense(16, "relu"))),
        # One of two.
        sick(layers=net(conv(8), conv(8, "relu"), FLAT), rows=HARM),
    ],
    "linear-first-layer": [
        sick(layers=net(dense(64), dense(32, "relu"))),
        sick(layers=net(dense(64), NORM, LEAKY, dense(32, "relu")), rows=HARM),
    ],
    "dropout-excess": [
        sick(
            layers=net(dense(8, "relu"), drop(0.5), dense(8, "relu"), drop(0.5)),
            rows=HARM,
        ),
        sick(layers=net(dense(8, "relu"), drop(0.74)), rows=HARM),
        sick(layers=net(*ELEVEN), val={"confusion": ((900, 0), (89, 11))}),
        sick(layers=net(dense(8, "relu", l2=0.1), drop(0.9)), rows=HARM),
        # Wide layers have paths enough.
        sick(layers=net(dense(999, "relu"), drop(0.8))),
    ],
    "batchnorm-after-dropout": [
        sick(
            layers=net(dense(8, "relu"), drop(0.2), dense(8), NORM, LEAKY),
            probe={"mode_similarity": 0.76},
        ),
        sick(
            layers=net(dense(8), NORM, LEAKY, drop(0.5)), probe={"mode_similarity": 0.5}
        ),
    ],
    "shrinking-channels": [
        sick(layers=net(conv(32, "relu"), pool(), conv(8, "relu"), pool(), FLAT)),
        sick(
            layers=net(conv(32, "relu"), pool(), conv(9, "relu"), pool(), FLAT),
            rows=HARM,
        ),
    ],
    "under-capacity": [
        sick(layers=net(dense(4, "relu"))),
        sick(layers=net(dense(5, "relu")), rows=HARM, train=COLLAPSED),
        # The inputs are to blame.
        sick(
            layers=net(dense(2, "relu")),
            rows=HARM | {"typical_size": 255.0},
            train=COLLAPSED,
        ),
    ],
}
