"""A record says the same after a round trip, and unreadable ones say why."""

import json
import math
from dataclasses import FrozenInstanceError, fields
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skloss.exceptions import RecordFormatError
from skloss.record import TrainingRecord

law = settings(derandomize=True, deadline=None, max_examples=60)
TEXTS = st.text(max_size=5) | st.sampled_from(["NaN", "Infinity", "-Infinity", "text:"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
PLAIN = st.recursive(
    LEAVES,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXTS, part, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXTS, PLAIN, max_size=3)
KNOWN = {part.name for part in fields(TrainingRecord)}


@st.composite
def records(draw):
    n = draw(st.integers(0, 4))
    curve = st.lists(st.floats(), min_size=n, max_size=n)
    extra = draw(OBJECTS)
    return TrainingRecord(
        configuration=draw(OBJECTS),
        data=draw(OBJECTS),
        history=draw(st.dictionaries(TEXTS, curve, max_size=3)),
        outcome=draw(OBJECTS)
        | {"best_epoch": draw(st.none() | st.integers(0, max(n - 1, 0)))},
        version=draw(st.integers(2, 9)),  # version 1 is turned into 2
        extra={name: extra[name] for name in extra if name not in KNOWN},
    )


def strict(text):
    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


@law
@given(records(), st.sampled_from([None, 2]))
def test_a_record_is_the_same_after_json(record, indent):
    text = record.to_json(indent)
    strict(text)
    # By repr, as NaN differs from itself and 1.0 from True only there.
    assert repr(TrainingRecord.from_json(text)) == repr(record)


@law
@given(records())
def test_a_record_is_the_same_after_a_dict(record):
    assert repr(TrainingRecord.from_dict(record.to_dict())) == repr(record)


def test_a_record_is_the_same_after_a_file(tmp_path):
    record = TrainingRecord(
        data={"classes": ["ruhig", "stürmisch"]}, history={"loss": [0.1, math.inf]}
    )
    record.save(tmp_path / "run.json")
    assert TrainingRecord.load(tmp_path / "run.json") == record
    assert TrainingRecord.load(str(tmp_path / "run.json")) == record


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("storm"), "storm"),
        (np.array([1.5, np.inf]), [1.5, math.inf]),
        (np.array(["a", 1, None], dtype=object), ["a", 1, None]),
        (np.array(["a", "b"]), ["a", "b"]),
        ((1, (2, 3)), [1, [2, 3]]),
        ({0: 1.0, np.int64(1): 5.0}, {"0": 1.0, "1": 5.0}),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_arrays_and_scalars_become_plain(value, expected):
    record = TrainingRecord(data={"value": value})
    found = TrainingRecord.from_json(record.to_json()).data["value"]
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_null_in_the_history():
    text = TrainingRecord(history={"loss": [math.nan, 1.0]}).to_json()
    assert strict(text)["history"] == {"loss": [None, 1.0]}
    assert math.isnan(TrainingRecord.from_json(text).history["loss"][0])


def test_objects_that_are_not_plain_are_refused():
    with pytest.raises(TypeError, match="plain data only, got set"):
        TrainingRecord(data={"value": {1}}).to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON, or was cut short"),
        ("epoch,loss\n0,0.7", "not JSON, or was cut short"),
        ("[1]", "an object was expected, got list"),
        ("{}", "'history' is missing"),
        ('{"history": [1]}', "'history' must be an object, got list"),
        ('{"history": {}, "data": 1}', "'data' must be an object, got int"),
        ('{"history": {}, "outcome": null}', "'outcome' must be an object"),
        ('{"history": {"loss": 1}}', r"history\['loss'\] must be a list, got int"),
        ('{"history": {"loss": ["a"]}}', r"history\['loss'\] must hold numbers"),
        ('{"history": {"loss": [true]}}', "must hold numbers, got True"),
        ('{"history": {"a": [1], "b": []}}', "'history' differ in length"),
        ('{"history": {}, "version": "1"}', "'version' must be an integer, got '1'"),
        (
            '{"history": {}, "outcome": {"best_epoch": 0.5}}',
            r"outcome\['best_epoch'\] must be an integer, got 0.5",
        ),
    ],
)
def test_what_is_not_a_record_is_refused_in_one_sentence(text, message):
    with pytest.raises(RecordFormatError, match=message) as caught:
        TrainingRecord.from_json(text)
    assert str(caught.value).startswith("Not a training record: ")
    assert "\n" not in str(caught.value)


@law
@given(records(), st.data())
def test_a_truncated_record_is_refused(record, data):
    text = record.to_json()
    end = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(RecordFormatError, match="cut short"):
        TrainingRecord.from_json(text[:end])


def test_a_file_of_bytes_is_refused_with_its_name(tmp_path):
    (tmp_path / "run.h5").write_bytes(b"\x89HDF\xff")
    with pytest.raises(RecordFormatError, match=r"run\.h5 is not text"):
        TrainingRecord.load(tmp_path / "run.h5")


def test_a_newer_version_keeps_its_unknown_fields():
    text = '{"version": 7, "history": {"loss": [1.0]}, "mood": {"a": [null]}}'
    record = TrainingRecord.from_json(text)
    assert (record.version, record.extra) == (7, {"mood": {"a": [None]}})
    written = strict(record.to_json())
    assert strict(text).items() <= written.items()


def test_unequal_curves_are_an_error_that_names_them():
    with pytest.raises(ValueError, match=r"one length, .*'loss': 2, 'val_loss': 1"):
        TrainingRecord(history={"loss": [1.0, 0.5], "val_loss": [1.0]})


def test_an_empty_record_has_no_epochs():
    record = TrainingRecord()
    assert (record.n_epochs, record.best_epoch) == (0, None)
    assert record.version == TrainingRecord.RECORD_VERSION == 2


def test_a_record_is_frozen():
    with pytest.raises(FrozenInstanceError):
        TrainingRecord().version = 2


@pytest.mark.parametrize("wrap", [dict, lambda curves: SimpleNamespace(history=curves)])
def test_a_history_becomes_a_record(wrap):
    curves = {"loss": [np.float32(0.5), 0.25], "val_loss": np.array([0.5, np.inf])}
    record = TrainingRecord.from_history(wrap(curves))
    assert record.history == {"loss": [0.5, 0.25], "val_loss": [0.5, math.inf]}
    assert (record.configuration, record.data, record.outcome) == ({}, {}, {})


@pytest.mark.parametrize("history", [None, [0.5], 7])
def test_what_has_no_curves_is_refused(history):
    told = "a mapping of lists or a file was expected, got"
    with pytest.raises(RecordFormatError, match=told):
        TrainingRecord.from_history(history)


def test_a_history_under_other_names_has_the_names_of_skloss():
    record = TrainingRecord.from_history(
        {"Loss": [0.5, 0.4], "ValLoss": [0.6, None], "acc": [0.8, 0.9], "epoch": [0, 1]}
    )
    assert list(record.history) == ["loss", "val_loss", "accuracy"]


def test_a_history_keeps_curves_that_skloss_does_not_know():
    given = {"loss": [0.5], "mood": [1], "words": ["good"], "table": [np.eye(2)]}
    assert TrainingRecord.from_history(given).history == {"loss": [0.5], "mood": [1.0]}


@pytest.mark.parametrize(
    "values",
    [
        [np.array([1, 0], np.float32), np.array([0.5, 0.25])],
        [[1.0, 0.0], [0.5, 0.25]],
        ['"[1.0, 0.0]"', "[0.5 0.25]"],
    ],
    ids=["arrays", "lists", "texts of a CSVLogger"],
)
def test_a_metric_of_one_value_per_class_is_a_curve_for_each(values):
    record = TrainingRecord.from_history({"loss": [0.5, 0.4], "val_f1_score": values})
    assert record.history == {
        "loss": [0.5, 0.4],
        "val_f1_class_0": [1.0, 0.5],
        "val_f1_class_1": [0.0, 0.25],
    }


def test_an_array_of_one_value_is_that_value():
    record = TrainingRecord.from_history({"f1_score": [np.array([0.5], np.float32)]})
    assert record.history == {"f1": [0.5]}


def test_two_spellings_of_a_curve_are_both_kept():
    given = {"acc": [0.8], "accuracy": [0.9], "accuracy_1": [0.7]}
    assert TrainingRecord.from_history(given).history == given


def test_a_history_may_be_a_table_or_a_file(tmp_path):
    table = pd.DataFrame({"epoch": [0, 1], "loss": [0.5, 0.25]})
    table.to_csv(tmp_path / "log.csv", index=False)
    for history in (table, tmp_path / "log.csv", str(tmp_path / "log.csv")):
        assert TrainingRecord.from_history(history).history == {"loss": [0.5, 0.25]}


def test_a_record_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    TrainingRecord(history={"loss": [0.5]}).save(path)

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="full"):
        TrainingRecord(history={"loss": [0.25]}).save(path)
    assert TrainingRecord.load(path).history == {"loss": [0.5]}
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_a_record_stays_a_link(tmp_path):
    target, link = tmp_path / "run.json", tmp_path / "latest.json"
    link.symlink_to(target)
    TrainingRecord(history={"loss": [0.5]}).save(link)
    assert link.is_symlink()
    assert TrainingRecord.load(target).n_epochs == 1


@pytest.mark.parametrize(
    "part", ['"configuration": {"network": 3}', '"outcome": {"case": [1]}']
)
def test_a_record_of_version_1_with_other_fields_is_refused(part):
    text = f'{{"version": 1, "history": {{}}, {part}}}'
    with pytest.raises(RecordFormatError, match="not those of version 1"):
        TrainingRecord.from_json(text)


def test_a_fit_that_goes_on_counts_its_epochs_from_the_first_fit():
    first = TrainingRecord(history={"loss": [0.9, 0.8]})
    second = TrainingRecord(
        history={"loss": [0.7, 0.6]}, outcome={"best_epoch": 1, "kept_epoch": None}
    )
    after = second.after(first)
    assert after.outcome == {"best_epoch": 3, "kept_epoch": None}
    assert after.history["loss"][after.best_epoch] == 0.6
