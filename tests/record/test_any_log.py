"""Whatever a file holds, it is read, or refused with an error of ours."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skloss.exceptions import RecordFormatError
from skloss.record import read_curves

NAMES = ["loss", "val_loss", "acc", "epoch", "step", "test_loss", "lr", "note", "train"]
NAMES += ["val", "history", "log_history", "metrics", "columns", "data", "cells", "0"]
NAMES += ["outputs", "text", "text/html", "batches", "val_f1", "metric", "value", ""]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.floats(),
    st.sampled_from(["0.5", "nan", "", "4,5", "7%", "low", "<td>loss", *NAMES]),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda part: (
        st.lists(part, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES), part, max_size=5)
    ),
    max_leaves=25,
)
PIECES = [
    *NAMES,
    "Epoch 1/2",
    "Epoch 2/2",
    "Epoch [2/9]",
    "\n",
    "\n",
    "\r",
    "\t",
    " ",
    ",",
]
PIECES += [
    " - ",
    ": ",
    "=",
    "|",
    "0.5",
    "nan",
    "1e999",
    "9/9 [==]",
    "1/9",
    "━",
    "{'",
    "'",
]
PIECES += [
    "}",
    "[",
    "]",
    "'loss': ",
    '"',
    ";",
    "%",
    "2024-05-01 10:00:00",
    "INFO",
    "##",
]
PIECES += [
    "a_1 | ",
    "train",
    "step",
    "---- ----",
    "Wall time,Step,Value\n",
    "run - loss",
]
PIECES += ["metrics/accuracy_top1", "train/box_loss", "5/Unknown", "\x1b[0m", "²"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def is_read_or_refused(path):
    try:
        curves, notes = read_curves(path)
    except RecordFormatError:
        return
    assert len({len(curve) for curve in curves.values()}) == 1
    assert all(curve.dtype == float for curve in curves.values())
    assert all(isinstance(note, str) for note in notes)


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_any_document_of_json(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content))
    is_read_or_refused(path)


@settings(max_examples=600, deadline=None)
@given(TEXTS, st.sampled_from(["any.txt", "any.csv", "any.md"]))
def test_any_text(tmp_path_factory, text, name):
    path = tmp_path_factory.getbasetemp() / name
    path.write_text(text, encoding="utf-8")
    is_read_or_refused(path)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.log"
    path.write_bytes(content)
    is_read_or_refused(path)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(0.01, 9), min_size=1, max_size=12),
    st.lists(st.floats(0.01, 9), min_size=12, max_size=12),
    st.sampled_from(["keras", "csv", "json", "loop", "dicts", "table"]),
)
def test_what_was_written_is_read(tmp_path_factory, loss, val_loss, form):
    epochs = list(zip(range(1, 99), loss, val_loss, strict=False))
    line = {
        "keras": "Epoch {0}/12\n9/9 - 1s - loss: {1} - val_loss: {2}\n",
        "csv": "{0},{1},{2}\n",
        "loop": "Epoch [{0}/12] Train Loss: {1}, Val Loss: {2}\n",
        "dicts": "{{'epoch': {0}, 'loss': {1}, 'val_loss': {2}}}\n",
        "table": "| {0} | {1} | {2} |\n",
        "json": "",
    }[form]
    heads = {"csv": "epoch,loss,val_loss\n", "table": "| epoch | loss | val_loss |\n"}
    text = heads.get(form, "") + "".join(line.format(*epoch) for epoch in epochs)
    if form == "json":
        text = json.dumps([{"loss": a, "val_loss": b} for _, a, b in epochs])
    path = tmp_path_factory.getbasetemp() / "written.txt"
    path.write_text(text)
    curves, _ = read_curves(path)
    np.testing.assert_array_equal(curves["loss"], loss)
    np.testing.assert_array_equal(curves["val_loss"], val_loss[: len(loss)])
