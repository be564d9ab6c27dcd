"""A record that was changed is read, or refused by an error of our own, everywhere."""

import contextlib
import json
import traceback
import warnings
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import skloss
from skloss.displays import LossCurveDisplay, MetricCurveDisplay
from skloss.exceptions import RecordFormatError

pytestmark = pytest.mark.usefixtures("sketched")


GOLDEN = Path(__file__).parent / "golden"
OF_VERSION_1 = [json.loads(path.read_text()) for path in sorted(GOLDEN.glob("*.json"))]
SAVED = OF_VERSION_1 + [
    json.loads(skloss.TrainingRecord.from_dict(content).to_json())
    for content in OF_VERSION_1
]
VALUES = [
    *(None, True, -1, 0, 10**30, 10**400, 1e308, -0.5, "x", "NaN", "Infinity"),
    *([], {}, [[]], {"a": 1}, [None], ["x"], [1, 2, 3]),
]
law = settings(
    max_examples=75,
    deadline=None,
    derandomize=True,
    suppress_health_check=(HealthCheck.too_slow,),
)


def places(content, path=()):
    """All paths into nested lists and objects."""
    parts = ()
    if isinstance(content, dict):
        parts = content.items()
    elif isinstance(content, list):
        parts = enumerate(content[:4])
    for key, part in parts:
        yield (*path, key)
        yield from places(part, (*path, key))


@st.composite
def changed(draw):
    """Return a saved record with one to three values changed, dropped or doubled."""
    content = deepcopy(draw(st.sampled_from(SAVED)))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places(content))))
        inside = content
        for key in way:
            inside = inside[key]
        change = draw(st.sampled_from(["set", "set", "drop", "double"]))
        if change == "drop":
            del inside[last]
        elif change == "double" and isinstance(inside, list):
            inside.insert(last, deepcopy(inside[last]))
        else:
            inside[last] = deepcopy(draw(st.sampled_from(VALUES)))
    return content


@law
@given(changed())
def test_a_changed_record_is_read_or_refused(content):
    with contextlib.suppress(RecordFormatError), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of values like 1e308
        record = skloss.TrainingRecord.from_json(json.dumps(content))
        assert skloss.diagnose(record).to_json()
        assert skloss.report(record).html
        for display in (LossCurveDisplay, MetricCurveDisplay):
            try:
                display.from_record(record)
            except ValueError as error:  # it has no curve to draw, and says so
                *_, raised = traceback.extract_tb(error.__traceback__)
                assert "skloss" in Path(raised.filename).parts


@pytest.mark.parametrize(
    ("section", "change", "told"),
    [
        ("outcome", {"kept_epoch": 99}, r"kept_epoch'\] is 99"),
        ("outcome", {"validation_truth": [0], "validation_scores": []}, "1 validation"),
        ("outcome", {"metrics": {"val": {"counts": [-1, 2]}}}, "numbers of rows"),
        ("outcome", {"metrics": {"val": {}}}, "'counts' is missing"),
        (
            "outcome",
            {"metrics": {"a": {"counts": [1]}, "b": {"counts": [1, 2]}}},
            "spl",
        ),
        ("data", {"n_rows": 10**30}, "larger"),
        ("data", {"classes": ["a", "b"], "n_classes": 3}, "2 of 3 classes"),
        ("data", {"held_out_rows": [9], "n_given": 9}, "row 9 of 9"),
        ("configuration", {"layers": [{"units": 3}]}, "'kind' is missing"),
        ("configuration", {"training": {"loss": 3}}, "loss must be a text, got 3"),
    ],
)
def test_each_kind_of_fault_is_told(section, change, told):
    content = {"history": {"loss": [0.5]}, section: change}
    with pytest.raises(RecordFormatError, match=told):
        skloss.TrainingRecord.from_dict(content)
