"""Records that version 0.1 wrote stay readable; ``golden/`` holds one of each kind."""

from pathlib import Path

import numpy as np
import pytest

import skloss
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

pytestmark = pytest.mark.usefixtures("sketched")


GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))


def case_of(name):
    return skloss.diagnose(GOLDEN / f"{name}.json").case


def kinds(name):
    return [layer.kind for layer in case_of(name).layers]


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_takes_a_record_of_version_1(name):
    record = skloss.TrainingRecord.load(GOLDEN / f"{name}.json")
    diagnosis = skloss.diagnose(record)
    assert not diagnosis.notes
    assert diagnosis.case.n_epochs == record.n_epochs
    assert "html" in skloss.report(record).html
    assert LossCurveDisplay.from_record(record).lines_
    if name != "case":  # it has losses only
        assert MetricCurveDisplay.from_record(record).lines_


@pytest.mark.parametrize("name", NAMES)
def test_a_record_of_version_1_keeps_all_its_curves(name):
    record = skloss.TrainingRecord.load(GOLDEN / f"{name}.json")
    again = skloss.TrainingRecord.from_json(record.to_json())
    assert again.history.keys() == record.history.keys()
    for curve, values in record.history.items():
        np.testing.assert_array_equal(again.history[curve], values)
    assert skloss.diagnose(again).to_dict() == skloss.diagnose(record).to_dict()


def test_a_dense_network_with_class_weights_that_stopped_early():
    # 300 rows, 240 of them calm; a fifth of each class held out; patience 2.
    case = case_of("dense")
    assert (case.task, case.n_classes, case.holdout) == ("binary", 2, "internal")
    assert case.train.counts == (192, 48)
    assert case.val.counts == (48, 12)
    assert not case.is_resampled
    assert kinds("dense") == ["dense", "dropout", "dense"]
    assert [layer.units for layer in case.layers] == [4, None, 1]
    assert case.layers[1].rate == 0.25
    assert case.training.class_weight == {"0": 1.0, "1": 3.0}
    assert (case.training.optimizer, case.training.learning_rate) == ("adam", 0.05)
    assert (case.training.patience, case.training.restore_best) == (2, True)
    assert case.stop_reason == "early_stopping"
    # The best epoch is two before the last, and its weights were kept.
    assert case.best_epoch == case.n_epochs - 3
    np.testing.assert_equal(case.val.loss, case.curves["val_loss"][case.best_epoch])


def test_a_pipeline_with_a_sampler():
    # 240 rows against 60; a quarter of each held out before SMOTE made 180 of each.
    case = case_of("pipeline")
    assert case.holdout == "pipeline"
    assert case.train.counts == (180, 180)
    assert case.unsampled.counts == (180, 45)
    assert case.val.counts == (60, 15)
    assert case.is_resampled
    assert case.n_epochs == 3
    assert case.best_epoch is None  # too few rows to stop by: the last epoch was kept


def test_a_keras_network():
    case = case_of("keras")
    assert kinds("keras") == ["dense", "dropout", "dense"]
    assert [layer.units for layer in case.layers] == [5, None, 1]
    assert [layer.activation for layer in case.layers] == ["tanh", None, "sigmoid"]
    assert case.train.counts == (216, 54)
    assert case.val.counts == (24, 6)
    training = case.training
    assert (training.loss, training.from_logits) == ("binary_crossentropy", False)
    assert training.learning_rate == pytest.approx(0.01)
    assert (training.epochs, training.batch_size) == (3, 50)


def test_a_network_of_series_with_three_classes_and_no_hold_out():
    case = case_of("cnn1d_three_classes")
    assert (case.task, case.n_classes, case.holdout) == ("multiclass", 3, "none")
    assert case.train.counts == (30, 30, 30)
    assert case.val is None
    assert case.layers[0].kind == "conv"
    assert (case.layers[0].units, case.layers[0].kernel_size) == (3, 3)
    assert np.asarray(case.unsampled.confusion).sum() == 90
    assert case.training.optimizer == "rmsprop"


def test_a_case_that_was_read_from_elsewhere():
    case = case_of("case")
    assert [layer.activation for layer in case.layers] == ["relu", "sigmoid"]
    assert case.train.counts == (90, 10)
    assert case.unsampled.counts == (45, 5)
    assert case.val.confusion == ((18, 0), (2, 0))
    assert (case.holdout, case.origin, case.best_epoch) == ("tail", "keras", 1)
    assert case.training.metrics == ("accuracy",)
    np.testing.assert_array_equal(case.curves["val_loss"], [0.8, 0.9])


@pytest.mark.parametrize(
    "parts", [{"configuration": {"layers": 5}}, {"outcome": {"metrics": 3}}]
)
def test_a_record_with_a_part_of_another_form_is_refused(parts):
    record = skloss.TrainingRecord(history={"loss": [1.0]}, **parts)
    with pytest.raises(skloss.exceptions.RecordFormatError, match="another form"):
        skloss.diagnose(record)
