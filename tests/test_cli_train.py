"""``skloss train`` trains on a folder, and writes a model and its record."""

import os
import signal

import numpy as np
import pandas as pd
import pytest

import skloss
from skloss import DenseClassifier, TrainingRecord, make_pipeline, streams
from skloss.cli import main
from skloss.datasets import make_rare_events

X, y = make_rare_events(2000, prevalence=0.2, random_state=0)


@pytest.fixture
def folder(tmp_path):
    table = pd.DataFrame(X).add_prefix("c").assign(who=np.arange(2000) // 20, bad=y)
    path = tmp_path / "rows"
    path.mkdir()
    for number in range(2):
        part = table[number::2]
        part.to_parquet(path / f"{number}.parquet", index=False, row_group_size=300)
    return path


def run(capsys, *args):
    code = main(["train", *map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_model_is_that_of_a_pipeline_and_its_record_is_beside(
    folder, tmp_path, capsys
):
    out = tmp_path / "trained"
    options = [
        "--groups",
        "who",
        "--epochs",
        "2",
        "--set",
        "width=8",
        "--set",
        "l2=1e-4",
    ]
    code, said, err = run(capsys, folder, "--target", "bad", "--out", out, *options)
    assert code == 0, err
    assert "Trained on 1," in said
    assert "Kept epoch" in said
    from sklearn.preprocessing import StandardScaler

    classifier = DenseClassifier(
        width=8, l2=1e-4, epochs=2, batch_size=256, random_state=0
    )
    expected = make_pipeline(StandardScaler(), classifier)
    expected.fit(streams.parquet_rows(folder, "bad", groups="who"))
    model = skloss.load(out / "model.safetensors")
    table = pd.DataFrame(X).add_prefix("c")
    np.testing.assert_allclose(
        model.predict_proba(table), expected.predict_proba(table), rtol=1e-6
    )
    record = TrainingRecord.load(out / "record.json")
    assert record.history["loss"] == expected[-1].history_["loss"]
    assert record.configuration["parameters"]["callbacks"] is None
    assert sorted(os.listdir(out)) == ["model.safetensors", "record.json"]


def test_columns_can_be_left_out_and_the_scaler_too(folder, tmp_path, capsys):
    out = tmp_path / "trained"
    options = ["--drop", "who", "--drop", "c3", "--scaler", "none", "--epochs", "1"]
    code, _, err = run(capsys, folder, "--target", "bad", "--out", out, *options)
    assert code == 0, err
    model = skloss.load(out / "model.safetensors")
    names = [f"c{i}" for i in range(X.shape[1]) if i != 3]
    assert model[-1].feature_names_in_.tolist() == names


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--target", "worse"], "target='worse' is not a column"),
        (["--target", "bad", "--drop", "c99"], "--drop c99: there is no such column"),
        (["--target", "bad", "--set", "width"], "must read NAME=VALUE"),
        (["--target", "bad", "--set", "widht=3"], "widht"),
        (["--target", "bad", "--set", "epochs=3"], "use --epochs instead"),
        (
            ["--target", "bad", "--set", "callbacks=print"],
            "a callback is a Python object",
        ),
        (["--target", "who"], "Class"),
        (["--target", "bad", "--validation", "2"], "above 0 and below 1"),
        (["--target", "bad", "--epochs", "0"], "whole number of at least 1"),
    ],
)
def test_bad_options_are_one_sentence_and_write_nothing(
    folder, tmp_path, capsys, options, match
):
    if "who" in options:  # a class of one row
        table = pd.DataFrame({"c": np.arange(50.0), "who": np.arange(50)})
        for path in folder.iterdir():
            path.unlink()
        table.to_parquet(folder / "a.parquet")
    out = tmp_path / "trained"
    code, said, err = run(capsys, folder, "--out", out, *options)
    assert (code, said) == (2, "")
    assert match in err
    assert err.startswith("skloss train: error: ")
    assert err.count("\n") == 1
    assert not out.exists() or os.listdir(out) == []


def test_no_model_is_written_among_the_data(folder, capsys):
    before = sorted(os.listdir(folder))
    for out in (folder, folder / "trained"):
        code, _, err = run(capsys, folder, "--target", "bad", "--out", out)
        assert code == 2
        assert "lies in the folder of the data" in err
    assert sorted(os.listdir(folder)) == before


def test_a_training_that_diverges_at_once_says_that_no_epoch_ended(
    folder, tmp_path, capsys
):
    out, options = tmp_path / "trained", ["--set", "learning_rate=1e30"]
    code, said, _ = run(capsys, folder, "--target", "bad", "--out", out, *options)
    assert code == 0
    assert "No epoch ended, so the weights are those from before training." in said


def test_an_empty_folder_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "trained"
    code, _, err = run(capsys, tmp_path / "empty", "--target", "y", "--out", out)
    assert code == 2
    assert "has no Parquet files" in err


def test_a_place_that_cannot_be_written_is_said_before_training(
    folder, tmp_path, capsys
):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "trained"
    code, _, err = run(capsys, folder, "--target", "bad", "--out", out)
    assert code == 3
    assert "cannot write" in err


def test_ctrl_c_writes_the_epochs_that_have_ended(
    folder, tmp_path, capsys, monkeypatch
):
    from skloss import train_command

    end_epoch = train_command._end_epoch

    def interrupted(rows, row):
        end_epoch(rows, row)
        if row["epoch"] == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train_command, "_end_epoch", interrupted)
    out = tmp_path / "trained"
    options = ["--target", "bad", "--epochs", "50", "--out", out]
    code, said, _ = run(capsys, folder, *options)
    assert code == 130
    assert "interrupted after 2 epochs" in said
    assert TrainingRecord.load(out / "record.json").n_epochs == 2
    table = pd.DataFrame(X).add_prefix("c").assign(who=np.arange(2000) // 20)
    assert skloss.load(out / "model.safetensors").predict(table).shape == (2000,)
