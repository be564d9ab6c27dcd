"""Curves in all the forms that people keep them in."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from skloss.exceptions import RecordFormatError
from skloss.record import TrainingRecord, parse_keras_log, read_curves

HISTORY = {"loss": [0.7, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.5]}


def same(curves, expected):
    assert list(curves) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(curves[name], np.asarray(values, float))


def written(tmp_path, text, name="training.log"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("loss", "loss"),
        ("train_loss", "loss"),
        ("training loss", "loss"),
        ("Training Loss", "loss"),
        ("loss_train", "loss"),
        ("val_loss", "val_loss"),
        ("ValLoss", "val_loss"),
        ("valLoss", "val_loss"),
        ("valid_loss", "val_loss"),
        ("validation_loss", "val_loss"),
        ("Validation loss", "val_loss"),
        ("loss_val", "val_loss"),
        ("acc", "accuracy"),
        ("val_acc", "val_accuracy"),
        ("binary_accuracy", "accuracy"),
        ("val_categorical_accuracy", "val_accuracy"),
        ("sparse_categorical_accuracy", "accuracy"),
        ("f1_m", "f1"),
        ("val_f1_score", "val_f1"),
        ("F1", "f1"),
        ("f1", "f1"),
        ("val_f1_1", "val_f1"),
        ("matthews_correlation", "mcc"),
        ("val_mcc", "val_mcc"),
        ("Precision", "precision"),
        ("val_precision_1", "val_precision"),
        ("recall_m", "recall"),
        ("sensitivity", "recall"),
        ("lr", "learning_rate"),
        ("auc_2", "auc"),
        ("prc", "average_precision"),
        ("val_pr_auc", "val_average_precision"),
        ("fpr", "fpr"),
        ("val_tp", "val_tp"),
        ("false_negatives", "fn"),
        ("val_loss_at_train_prior", "val_loss_at_train_prior"),
        ("val_loss_class_0", "val_loss_class_0"),
        ("gradient_norm_first", "gradient_norm_first"),
        ("dead_share", "dead_share"),
        ("running_loss", "running_loss"),
    ],
)
def test_a_curve_is_known_however_it_is_spelled(spelling, name):
    curves, notes = read_curves({spelling: [0.5], "loss_2 ": [0.5], "mcc": [0.0]})
    assert name in curves
    assert not any(spelling == note.split("'")[1] for note in notes)


@pytest.mark.parametrize(
    "name",
    ["foo", "mse", "top_k_categorical_accuracy", "balanced_accuracy", "f1_macro"],
)
def test_what_is_not_understood_is_said_and_kept_out(name):
    curves, notes = read_curves({**HISTORY, name: ["a", "b"]})
    same(curves, HISTORY)
    assert notes == (f"{name!r} was not understood",)


def test_the_second_of_two_names_for_a_curve_is_left_out_with_a_note():
    curves, notes = read_curves({"acc": [0.5], "binary_accuracy": [0.6]})
    same(curves, {"accuracy": [0.5]})
    assert notes == ("'binary_accuracy' was left out: 'acc' is the same curve",)


def test_the_number_of_the_epoch_is_dropped_in_silence():
    curves, notes = read_curves({"epoch": [0, 1, 2], **HISTORY})
    same(curves, HISTORY)
    assert notes == ()


@pytest.mark.parametrize(
    "source",
    [
        HISTORY,
        SimpleNamespace(history=HISTORY),
        pd.DataFrame(HISTORY),
        pd.DataFrame({"epoch": [0, 1, 2], **HISTORY}),
        {name: np.array(values, np.float32) for name, values in HISTORY.items()},
        {name: tuple(values) for name, values in HISTORY.items()},
        {name: pd.Series(values) for name, values in HISTORY.items()},
    ],
)
def test_a_history_may_be_a_dict_an_object_or_a_frame(source):
    curves, notes = read_curves(source)
    assert list(curves) == list(HISTORY)
    np.testing.assert_allclose(curves["val_loss"], HISTORY["val_loss"], rtol=1e-6)
    assert notes == ()


def test_nan_and_infinity_are_values():
    curves, _ = read_curves({"loss": [0.5, None, "nan", "NaN", "inf", "-Infinity"]})
    nan, inf = np.nan, np.inf
    same(curves, {"loss": [0.5, nan, nan, nan, inf, -inf]})


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("as_path", [str, lambda path: path])
def test_a_file_of_csvlogger(tmp_path, delimiter, as_path):
    text = "epoch,loss,val_loss\n0,0.7,0.8\n1,0.5,NA\n2,nan,0.5\n"
    path = written(tmp_path, text.replace(",", delimiter))
    curves, notes = read_curves(as_path(path))
    same(curves, {"loss": [0.7, 0.5, np.nan], "val_loss": [0.8, np.nan, 0.5]})
    assert notes == ()


def test_a_file_of_csvlogger_that_was_appended_to(tmp_path):
    text = "epoch,loss\n0,0.7\nepoch,loss\n0,0.5\n\n1,0.4\n"
    same(read_curves(written(tmp_path, text))[0], {"loss": [0.7, 0.5, 0.4]})


def test_decimal_commas_between_semicolons(tmp_path):
    path = written(tmp_path, "\ufeffloss;val_acc\n0,7;0,5\n0,5;0,6\n", "table.csv")
    same(read_curves(path)[0], {"loss": [0.7, 0.5], "val_accuracy": [0.5, 0.6]})


@pytest.mark.parametrize("wrap", [lambda h: h, lambda h: {"history": h}])
def test_a_json_file_of_lists(tmp_path, wrap):
    path = written(tmp_path, json.dumps(wrap(HISTORY)), "history.json")
    same(read_curves(path)[0], HISTORY)


KERAS_3 = (
    "Epoch 1/2\n"
    "\x1b[1m 1/9\x1b[0m \x1b[32m━\x1b[0m\x1b[37m━━━\x1b[0m \x1b[1m0s\x1b[0m 3ms/step - "
    "accuracy: 0.1000 - loss: 9.0000\r"
    "\x1b[1m9/9\x1b[0m \x1b[32m━━━━\x1b[0m \x1b[1m2s\x1b[0m 3ms/step - accuracy: 0.9000"
    " - loss: 0.2000 - val_accuracy: 0.8000 - val_loss: 3.0e-01 - "
    "learning_rate: 0.0010\n"
    "Epoch 2: val_loss improved from inf to 0.30000, saving model to best.keras\n"
    "Epoch 2/2\n"
    "\x1b[1m9/9\x1b[0m ━━━━ \x1b[1m1s\x1b[0m 3ms/step - accuracy: 0.9500 - loss: nan"
    " - val_accuracy: 0.8500 - val_loss: 0.2500 - learning_rate: 1.0000e-04\n"
    "Epoch 2: early stopping\n"
)
KERAS_2 = (
    "Train on 800 samples, validate on 200 samples\nEpoch 1/2\n"
    "400/800 [====>....] - ETA: 1s - loss: 0.9000 - acc: 0.1\b\b\b\b"
    "800/800 [=========] - 2s 3ms/step - loss: 0.2000 - acc: 0.9000 - "
    "val_loss: 0.3000 - val_acc: 0.8000\n"
    "Epoch 2/2\n - 1s - loss: 0.1000 - acc: 0.9500 - val_loss: 0.2500 - val_acc: 0.85\n"
)


@pytest.mark.parametrize("suffix", [".txt", ".log"])
def test_the_log_that_keras_prints(tmp_path, suffix):
    curves, notes = read_curves(written(tmp_path, KERAS_3, f"run{suffix}"))
    same(
        curves,
        {
            "accuracy": [0.9, 0.95],
            "loss": [0.2, np.nan],
            "val_accuracy": [0.8, 0.85],
            "val_loss": [0.3, 0.25],
            "learning_rate": [1e-3, 1e-4],
        },
    )
    assert notes == ()


def test_the_log_that_keras_2_printed():
    assert parse_keras_log(KERAS_2) == {
        "loss": [0.2, 0.1],
        "acc": [0.9, 0.95],
        "val_loss": [0.3, 0.25],
        "val_acc": [0.8, 0.85],
    }


def test_lines_without_heads_of_epochs():
    text = "9/9 - 1s - loss: 0.5 - cross entropy: 0.4\n9/9 - 1s - loss: 0.4\n"
    history = parse_keras_log(text)
    assert history["loss"] == [0.5, 0.4]
    assert history["cross entropy"][0] == 0.4


def test_an_interrupted_last_epoch_is_left_out():
    cut = KERAS_2 + "Epoch 3/9\n400/800 [====>....] - ETA: 1s - loss: 0.09 - acc: 0.9\n"
    assert parse_keras_log(cut) == parse_keras_log(KERAS_2)


def test_epochs_without_validation_have_nan():
    lines = [f"Epoch {i + 1}/4\n9/9 - 1s - loss: 0.{9 - i}" for i in range(4)]
    lines[1] += " - val_loss: 0.5"
    history = parse_keras_log("\n".join(lines))
    assert history["loss"] == [0.9, 0.8, 0.7, 0.6]
    np.testing.assert_array_equal(history["val_loss"], [np.nan, 0.5, np.nan, np.nan])


def test_a_history_printed_by_python():
    text = (
        "After 2 epochs:\n{'loss': [np.float64(0.5),\n nan], 'val_acc': [0.5, 1e-3]} ."
    )
    same(parse_keras_log(text), {"loss": [0.5, np.nan], "val_acc": [0.5, 1e-3]})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({}, "empty"),
        ({"loss": []}, "no epochs"),
        ({"loss": [0.5, 0.4], "val_acc": [0.5]}, "'loss' has 2, 'val_acc' has 1"),
        ({"loss": [0.5, "low"]}, "'loss' must hold numbers, got 'low'"),
        ({"loss": [0.5, True]}, "must hold numbers"),
        ({"loss": [[0.5], [0.4]]}, "must hold numbers"),
        ({"loss": 0.5}, "must be a list of numbers, got float"),
        ({"loss": "0.5"}, "must be a list of numbers, got str"),
        ({"foo": [1.0]}, "no loss and no metric"),
        ({"lr": [0.1], "epoch": [0]}, "no loss and no metric"),
        (7, "got int"),
        ([0.5, 0.4], "got list"),
        (SimpleNamespace(history=[0.5]), "got SimpleNamespace"),
    ],
)
def test_what_is_no_history_is_refused_in_one_sentence(source, told):
    with pytest.raises(RecordFormatError, match=told) as caught:
        read_curves(source)
    assert str(caught.value).startswith("Not a history of a training: ")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("", "a.csv", "is empty"),
        (" \n", "a.log", "is empty"),
        ("epoch,loss\n", "a.csv", "no epochs"),
        ("epoch,loss,acc\n0,0.5,0.7\n1,0.4", "a.csv", "row 2 .* 2 of 3 values"),
        ("epoch,loss\n0,low\n", "a.csv", "must hold numbers"),
        ("1,2\n3,4\n", "a.csv", "names no loss"),
        ("Dear diary,\nnothing learned.\n", "a.txt", "names no loss"),
        ('{"loss": [0.5', "a.json", "cut short"),
        ("[1, 2]", "a.json", "no object of lists"),
        ("{}", "a.json", "empty"),
    ],
)
def test_a_file_that_is_no_history_is_refused_in_one_sentence(
    tmp_path, text, name, told
):
    with pytest.raises(RecordFormatError, match=told) as caught:
        read_curves(written(tmp_path, text, name))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(RecordFormatError, match="not text"):
        read_curves(path)


def test_a_file_that_is_not_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        read_curves(tmp_path / "nowhere.csv")


def test_text_that_shows_no_epochs_is_refused():
    with pytest.raises(RecordFormatError, match="no losses of epochs"):
        parse_keras_log("It did not train.")


LONG = 1_000_000
ADVERSARIAL = {
    "one line of signs": "=" * LONG,
    "lines of signs": "====\n" * (LONG // 5),
    "a head without a number": "Epoch" + " " * LONG,
    "a head without a total": "Epoch 1" + "1" * LONG,
    "names without a value": "a - " * (LONG // 4),
    "digits that end in a letter": "loss: " + "1" * LONG + "x",
    "lists that are not closed": "'a': [" * (LONG // 6),
    "a name of its own on each line": "".join(
        f"loss: 1 - a{number}: 2\n" for number in range(LONG // 20)
    ),
}


@pytest.mark.parametrize("text", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_files_of_any_length_are_read_in_linear_time(tmp_path, text):
    with pytest.raises(RecordFormatError):  # quadratic time would be hours
        read_curves(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("[" * 100_000, "a.json", "nested too deeply"),
        ('{"loss": [' + "1" * 5_000 + "]}", "a.json", "cannot be read"),
        ('{"loss": [' + "1" * 400 + "]}", "a.json", "too large an integer"),
        ('loss,acc\n1,"' + "a" * 200_000, "a.csv", "no table of values"),
    ],
)
def test_what_a_parser_cannot_take_is_refused_in_a_sentence(tmp_path, text, name, told):
    with pytest.raises(RecordFormatError, match=told):
        read_curves(written(tmp_path, text, name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.log")
    with pytest.raises(RecordFormatError, match="not a regular file"):
        read_curves(tmp_path / "pipe.log")
    with pytest.raises(RecordFormatError, match="not a regular file"):
        TrainingRecord.load(tmp_path / "pipe.log")
