"""Sick and healthy examples of the rules of data and labels."""

from rule_examples.cases import sick

from skloss.diagnosis import Case, RowFacts
from skloss.record import Layer, SplitMetrics, Training

# Worse than the trees of the healthy case by more than two standard errors.
HARM = {"network_score": 0.5}
OUTPUT = Layer("dense", "output", "sigmoid", 1, output_shape=(1,))


def rows(**facts):
    return sick(rows=facts)


def harmed(**facts):
    return sick(rows=HARM | facts)


def after(kind, **facts):
    """A harmed network whose first layer is of this kind."""
    return sick(rows=HARM | facts, layers=(Layer(kind, "first"), OUTPUT))


def labels(kind, loss, low=0.0, high=1.0, distinct=2, **parts):
    facts = {
        "target_kind": kind,
        "target_min": low,
        "target_max": high,
        "n_distinct_targets": distinct,
    }
    return sick(rows=facts, training={"loss": loss}, **parts)


def counts(*of_classes):
    return sick(train=SplitMetrics(of_classes))


def series(lost=True, *, levels, amplitudes):
    """Series behind a StandardScaler; what is lost is MCC on validation rows."""
    facts = {"series_levels": levels, "series_amplitudes": amplitudes}
    few_found = SplitMetrics((900, 100), ((880, 20), (70, 30)))
    parts = {"val": few_found} if lost else {}
    return sick(rows={"column_scaler": "StandardScaler"} | facts, **parts)


SPARSE = "sparse_categorical_crossentropy"
ONE_HOT = "categorical_crossentropy"
BITS = "binary_crossentropy"

SICK: dict[str, list[Case]] = {
    "nan-in-inputs": [
        rows(n_nonfinite=1, nonfinite_columns=(3,)),
        rows(n_nonfinite=900, nonfinite_columns=(0, 1, 2)),
    ],
    "single-class-target": [
        counts(4000, 0),
        counts(5),
        sick(train=None, rows={"n_distinct_targets": 1}),
        labels("scaled", SPARSE, high=9 / 255, distinct=10),
        labels("scaled", BITS, high=1 / 255),
    ],
    "target-encoding-mismatch": [
        labels("scaled", SPARSE, high=1.5, distinct=4),
        labels("scaled", BITS, low=-0.3, high=3.2),
        labels("real", BITS, low=-2.0, high=2.0, distinct=900),
        labels("ids", BITS, low=-1.0),
        labels("ids", BITS, low=1.0, high=2.0),
        labels("ids", SPARSE, low=-1.0),
        labels("one_hot", SPARSE),
        labels("ids", ONE_HOT, high=4.0, distinct=5, layers=(Layer("dense", units=5),)),
        labels("multi_hot", ONE_HOT, distinct=8),
    ],
    "constant-inputs": [
        rows(n_constant=10, constant_columns=(0, 1, 2, 3, 4)),
        rows(n_constant=1, constant_columns=(7,)),
    ],
    "weak-input-variation": [
        harmed(offset=20.1),
        harmed(offset=500.0, typical_size=500.0),
        rows(offset=25.0),  # unharmed: context
    ],
    "unscaled-inputs": [
        harmed(typical_size=10.1),
        harmed(typical_size=255.0, largest_size=255.0),
        harmed(typical_size=0.047, largest_size=0.05),
        harmed(smallest_std=1e-4),
        rows(typical_size=255.0),  # unharmed: context
    ],
    "categorical-as-ordinal": [
        rows(n_codes=3, one_hot_score=0.81),
        rows(n_codes=1, one_hot_score=0.95, network_score=0.2, linear_score=0.1),
    ],
    "conflicting-labels": [
        rows(conflict_share=0.051, duplicate_share=0.06),
        rows(conflict_share=0.02, duplicate_share=0.02),
    ],
    "label-noise": [
        rows(easiest_wrong=(400, 0.10, 0.12)),
        rows(easiest_wrong=(300, 0.08, 0.06), tree_score=0.5),
    ],
    "golden-feature": [rows(best_column_auc=0.99), rows(best_column_auc=1.0)],
    "imbalance": [counts(9100, 900), counts(5000, 3000, 40)],
    "tiny-dataset": [
        sick(train=SplitMetrics((50, 49))),
        sick(train=SplitMetrics((4000, 19))),
    ],
    "images-of-two-ranges": [rows(two_ranges_share=0.01), rows(two_ranges_share=0.5)],
    "series-scaled-by-column": [
        series(levels=1.0, amplitudes=2.8),
        series(levels=0.51, amplitudes=1.0),
        series(levels=0.0, amplitudes=2.6),
    ],
}

HEALTHY: dict[str, list[Case]] = {
    "nan-in-inputs": [
        rows(largest_size=1e30),
        sick(rows={"n_nonfinite": 9}, layers=(Layer("mask"), *sick().layers)),
    ],
    "single-class-target": [
        counts(3999, 1),
        sick(train=SplitMetrics((1, 1))),
        labels("scaled", BITS, low=0.05, high=0.95),  # smoothed on purpose
        labels("scaled", "mean_squared_error", high=0.4, distinct=30),
        sick(train=SplitMetrics((4000, 0)), task="multilabel"),
    ],
    "target-encoding-mismatch": [
        labels("scaled", BITS, low=0.05, high=0.95),
        labels("real", BITS, low=0.0, high=1.0, distinct=300),  # soft labels
        labels("ids", SPARSE, low=1.0, high=9.0, distinct=9),
        labels("one_hot", BITS),
        labels("multi_hot", BITS),
        labels("ids", BITS, high=4.0, distinct=5),  # the head is wrong, not the labels
        labels("ids", ONE_HOT),  # one unit: the loss is wrong
        labels(
            "multi_hot",
            ONE_HOT,
            task="multilabel",
            layers=(Layer("dense", "output", "softmax", 8),),
        ),
        labels("real", "mean_squared_error", low=-3.0, high=9.0),
        labels("ids", ONE_HOT, origin="scikeras", layers=(Layer("dense", units=5),)),
    ],
    "constant-inputs": [
        rows(n_constant=9, constant_columns=(0, 1, 2, 3, 4)),
        rows(n_constant=10, n_rows=5),
    ],
    "weak-input-variation": [
        harmed(offset=20.0),
        rows(offset=150.0),
        after("batch_norm", offset=100.0),
        after("normalization", offset=100.0),
        harmed(offset=100.0, is_token_ids=True),
    ],
    "unscaled-inputs": [
        harmed(typical_size=10.0),
        harmed(typical_size=0.1, largest_size=0.1),
        harmed(typical_size=0.05, largest_size=0.9),  # sparse columns
        harmed(smallest_std=0.0111, largest_std=1.11),
        rows(typical_size=255.0),
        rows(typical_size=99.0, network_score=None, linear_score=None),
        after("batch_norm", typical_size=255.0),
        after("embedding", typical_size=5000.0),
        harmed(typical_size=5000.0, is_token_ids=True),
    ],
    "categorical-as-ordinal": [
        rows(n_codes=3, one_hot_score=0.799),
        rows(n_codes=3, one_hot_score=0.95, score_error=0.15),
        rows(n_codes=3, one_hot_score=0.95, linear_score=0.9),
        rows(n_codes=0, one_hot_score=0.95),
    ],
    "conflicting-labels": [
        rows(conflict_share=0.05, duplicate_share=0.06),
        rows(conflict_share=0.9, duplicate_share=0.95),  # a few binary columns
        rows(conflict_share=0.01, duplicate_share=0.2),
    ],
    "label-noise": [
        rows(easiest_wrong=(300, 0.05, 0.063)),  # clouds that overlap, by chance
        rows(easiest_wrong=(400, 0.10, 0.16)),  # the next rows are harder
        rows(easiest_wrong=(400, 0.20, 0.20), tree_score=0.4),  # nothing is learned
    ],
    "golden-feature": [
        rows(best_column_auc=0.989),
        rows(best_column_auc=1.0, n_columns=1),
        sick(rows={"best_column_auc": 1.0}, train=SplitMetrics((3600, 19))),
    ],
    "imbalance": [counts(900, 100), counts(2000, 1900, 1800)],
    "tiny-dataset": [
        counts(80, 20),
        sick(train=SplitMetrics((9, 1)), original=SplitMetrics((900, 50))),
    ],
    "images-of-two-ranges": [rows(two_ranges_share=0.009), rows()],
    "series-scaled-by-column": [
        series(levels=0.5, amplitudes=2.5),
        series(levels=0.0, amplitudes=1.0),  # scaled by itself before
        series(lost=False, levels=3.0, amplitudes=9.0),
    ],
}
# What is known of rows alone is enough for some.
SICK["nan-in-inputs"].append(Case(rows=RowFacts(n_nonfinite=2)))
SICK["unscaled-inputs"].append(
    Case(rows=RowFacts(typical_size=101.0, largest_size=255.0))
)
SICK["target-encoding-mismatch"].append(
    Case(
        rows=RowFacts(target_kind="one_hot"),
        training=Training(loss=SPARSE),
        origin="keras",
    )
)
