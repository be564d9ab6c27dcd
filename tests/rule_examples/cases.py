"""A healthy case about which everything is known, to make sick ones of."""

from dataclasses import replace
from typing import Any

import numpy as np

from skloss.diagnosis import Case, PenaltyFacts, Probe, RowFacts, SearchFacts
from skloss.record import Layer, SplitMetrics, Training
from skloss.record.validation_shift import ValidationShift


def healthy() -> Case:
    """A binary network, 10 % positives, trained well, all parts known."""
    epochs = np.arange(30)
    falling = 0.12 + 0.18 * np.exp(-epochs / 5)
    return Case(
        curves={
            "loss": falling,
            "val_loss": falling + 0.01,
            "accuracy": 0.95 - 0.04 * np.exp(-epochs / 5),
            "val_accuracy": 0.945 - 0.04 * np.exp(-epochs / 5),
            "val_mcc": 0.70 - 0.5 * np.exp(-epochs / 5),
            "val_average_precision": 0.80 - 0.5 * np.exp(-epochs / 5),
            "mcc": 0.72 - 0.5 * np.exp(-epochs / 5),
            "learning_rate": np.full(30, 1e-3),
            "gradient_norm_first": 0.2 * np.exp(-epochs / 20),
            "gradient_norm_last": 0.2 * np.exp(-epochs / 20),
            "update_norm_first": 0.01 * np.exp(-epochs / 20),
            "update_norm_last": 0.01 * np.exp(-epochs / 20),
            "dead_share": np.full(30, 0.05),
            "seconds": np.full(30, 0.1),
        },
        layers=(
            Layer("dense", "hidden", "relu", 32, output_shape=(32,)),
            Layer("dense", "output", "sigmoid", 1, output_shape=(1,)),
        ),
        task="binary",
        n_classes=2,
        training=Training(
            loss="binary_crossentropy",
            from_logits=False,
            optimizer="adam",
            learning_rate=1e-3,
            epochs=30,
            batch_size=32,
            shuffle=True,
            class_weight_kind="none",
            metrics=("auc",),
            batch_metrics=(),
            callbacks=(),
            clips=False,
        ),
        train=SplitMetrics(
            (3600, 400),
            ((3540, 60), (100, 300)),
            loss=0.12,
            per_class_loss=(0.06, 0.66),
            average_precision=0.82,
            roc_auc=0.96,
        ),
        val=SplitMetrics(
            (900, 100),
            ((882, 18), (28, 72)),
            loss=0.13,
            per_class_loss=(0.065, 0.71),
            average_precision=0.80,
            roc_auc=0.95,
            mean_probability=(0.9, 0.1),
        ),
        rows=RowFacts(
            n_rows=4000,
            n_columns=10,
            n_nonfinite=0,
            n_constant=0,
            typical_size=2.3,
            largest_size=3.0,
            largest_column=0,
            smallest_std=0.9,
            smallest_column=1,
            largest_std=1.1,
            offset=0.02,
            column_scaler="StandardScaler",
            series_levels=0.02,
            series_amplitudes=1.1,
            two_ranges_share=0.0,
            n_codes=0,
            is_token_ids=False,
            target_kind="ids",
            target_min=0,
            target_max=1,
            n_distinct_targets=2,
            duplicate_share=0.0,
            conflict_share=0.0,
            best_column=3,
            best_column_auc=0.75,
            label_order_z=0.3,
            shared_share=0.0,
            synthetic_share=0.0,
            synthetic_null=0.0,
            shift_auc=0.505,
            shift_error=0.02,
            shift_scale=1.0,
            shift_offset=0.03,
            linear_score=0.60,
            tree_score=0.68,
            easiest_wrong=(400, 0.01, 0.03),
            one_hot_score=0.60,
            network_score=0.70,
            score_error=0.05,
            linear_scores_by_size=((1000, 0.59, 0.03), (2000, 0.60, 0.03)),
        ),
        probe=Probe(
            gradient_norms=(0.05, 0.06),
            weight_norms=(5.0, 4.0),
            weight_scales=(1.1, 1.2),
            n_equal_units=(0, 0),
            units=(32, 1),
            dead_shares=(0.05,),
            saturated_shares=(),
            nonfinite_weights=False,
            output_min=0.001,
            output_max=0.99,
            output_sum_error=0.0,
            loss_of_model=0.12,
            loss_of_outputs=0.12,
            loss_training_mode=0.125,
            loss_inference_mode=0.12,
            accuracy_training_mode=0.95,
            accuracy_inference_mode=0.95,
            mode_similarity=0.99,
            penalty=0.0,
        ),
        search=SearchFacts(
            scoring="matthews_corrcoef",
            n_candidates=9,
            n_folds=5,
            best_score=0.68,
            fold_scores=(0.66, 0.68, 0.70, 0.67, 0.69),
            edges={},
            n_tied=2,
            fold_minority=100,
        ),
        penalties=PenaltyFacts(
            (10.0, 1.0, 0.1, 0.01, 0.001), (0.3, 0.2, 0.13, 0.14, 0.2), chosen=2
        ),
        shift=ValidationShift(1.0, 0.05, 2, 1.1, 0.1, 10),
        holdout="given",
        is_resampled=False,
        best_epoch=29,
        stop_reason="epochs",
        origin="keras",
    )


def sick(**parts: Any) -> Case:
    """The healthy case with parts changed.

    A mapping changes fields of a part (``training={"loss": "mse"}``), or adds curves
    and, with None, takes some away; anything else replaces the part.
    """
    case = healthy()
    changed: dict[str, Any] = {}
    for name, value in parts.items():
        before = getattr(case, name)
        if name == "curves" and isinstance(value, dict):
            merged = {**before, **value}
            value = {
                k: np.asarray(v, float) for k, v in merged.items() if v is not None
            }
        elif isinstance(value, dict) and before is not None:
            value = replace(before, **value)
        changed[name] = value
    return replace(case, **changed)
