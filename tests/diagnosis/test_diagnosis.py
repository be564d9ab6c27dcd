"""What a diagnosis shows, says in JSON, and in what order it puts causes."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from skloss.diagnosis import Case, Diagnosis, Finding, NotApplicable, examine
from skloss.exceptions import DiagnosisError

HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too'"


def finding(name="a-rule", severity="warning", *explains, code="X01", **changes):
    content = {
        "title": f"Something of {name}.",
        "evidence": {"epochs": (3, "epochs")},
        "fix": "Mend it.",
    }
    return Finding(code, name, severity, **(content | changes), explains=explains)


COLLAPSE = finding(
    "majority-collapse", "warning", code="G01", title="The minority is never predicted."
)
UNDERFIT = finding(
    "underfit",
    "warning",
    code="G04",
    title="The network does no better on the rows that it was trained on than always "
    "guessing.",
)
STACK = finding(
    "linear-stack",
    "error",
    COLLAPSE,
    UNDERFIT,
    code="N03",
    title="11 layers amount to one linear map.",
    evidence={"linear layers": (11, "layers"), "nonlinearities": 0},
    fix="Give the hidden layers an activation.",
    params={"activation": "relu"},
)
RATE = finding(
    "lr-too-high",
    "warning",
    code="O02",
    title="The training loss ends at 3.41 nats.",
    evidence={
        "last loss": (np.float64(3.4123), "nats"),
        "best loss": (0.32511, "nats"),
        "optimizer": "adam",
        "norms": (np.arange(9), ""),
        "share": (12.5, "%"),
    },
    fix="Lower the learning rate tenfold, or let it rise in the first few epochs only.",
    params={"learning_rate": np.float64(0.001), "class_weight": None},
)
IMBALANCE = finding("imbalance", "info", code="D10", title="10 % of rows are positive.")
WHOLE = Diagnosis(
    (IMBALANCE, STACK, RATE),
    ("relu-output", "overfit"),
    {
        "folds-disagree": "this is no search",
        "dead-relu": "the network is not known",
        "linear-conv": "the network is not known",
    },
    ("'mood' was not understood",),
)

TEXT = """\
1 error, 1 warning, 1 remark; 2 rules passed, 3 not assessed

error  linear-stack (N03)
    11 layers amount to one linear map.
    11 linear layers; nonlinearities: 0
    Fix: Give the hidden layers an activation.  [activation="relu"]
    explains: majority-collapse: The minority is never predicted.
              underfit: The network does no better on the rows that it was
              trained on than always guessing.

warning  lr-too-high (O02)
    The training loss ends at 3.41 nats.
    last loss: 3.41 nats; best loss: 0.325 nats; optimizer: adam; norms: 0, 1,
    2, 3, 4, 5, ... (9 in all); share: 12.5%
    Fix: Lower the learning rate tenfold, or let it rise in the first few epochs
         only.  [learning_rate=0.001, class_weight=None]

info  imbalance (D10): 10 % of rows are positive.

Note: 'mood' was not understood"""

VERBOSE_END = """\
info  imbalance (D10)
    10 % of rows are positive.
    3 epochs
    Fix: Mend it.

Note: 'mood' was not understood

Passed (2):
    relu-output, overfit

Not assessed (3):
    the network is not known: dead-relu, linear-conv
    this is no search: folds-disagree"""


# -------------------------------------------------------------------------------- text


def test_the_text_of_a_diagnosis():
    assert repr(WHOLE) == str(WHOLE) == WHOLE.to_text() == TEXT


def test_the_verbose_text_ends_with_what_found_nothing():
    head, _, _ = TEXT.partition("info  ")
    assert WHOLE.to_text(verbose=True) == head + VERBOSE_END


@pytest.mark.parametrize(
    ("diagnosis", "words"),
    [
        (Diagnosis(), "Nothing could be assessed"),
        (Diagnosis(passed=("a",)), "No fault found in 1 check"),
        (
            Diagnosis((IMBALANCE,) * 2, ("a", "b"), {"c": "d"}),
            "No fault found in the 4 of 5 checks that were possible; 2 remarks",
        ),
        (
            Diagnosis(not_assessed={"a": "b", "c": "b"}),
            "Nothing could be assessed",
        ),
        (Diagnosis((RATE, RATE)), "2 warnings"),
    ],
    ids=["empty", "passed", "remarks", "nothing known", "warnings"],
)
def test_the_first_line_counts(diagnosis, words):
    assert repr(diagnosis).splitlines()[0] == words


def test_no_line_is_longer_than_80_columns():
    words = "unbreakable" * 20
    long = finding("x" * 100, "error", COLLAPSE, title=words, evidence={words: words})
    shown = Diagnosis((long,), (words,), {words: words}, (words,)).to_text(verbose=True)
    assert max(map(len, shown.splitlines())) == 80


def test_a_number_and_its_unit_stay_on_one_line():
    for length in range(60, 80):
        shown = repr(Diagnosis((finding(evidence={"n" * length: (0.5, "nats")}),)))
        assert "0.5 nats" in shown


def test_escape_codes_in_names_do_not_reach_the_terminal():
    shown = repr(Diagnosis((finding(title="A\x1b[31mred\nname\u202e."),), (), {}, ()))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "red name" in shown


# -------------------------------------------------------------------------------- HTML


class Tags(HTMLParser):
    """Tags that are opened, checked to be closed in order, and the text between."""

    def __init__(self, page):
        super().__init__()
        self.opened, self.stack, self.words = [], [], ""
        self.feed(page)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        self.opened.append(tag)
        self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, text):
        self.words += text


def test_hostile_names_are_text_in_html():
    nested = finding(HOSTILE, "warning", title=HOSTILE, evidence={HOSTILE: HOSTILE})
    hostile = finding(
        HOSTILE,
        "error",
        nested,
        code=HOSTILE,
        title=HOSTILE,
        evidence={HOSTILE: (HOSTILE, HOSTILE), "list": [HOSTILE], "dict": {HOSTILE: 1}},
        fix=HOSTILE,
        params={HOSTILE: HOSTILE},
        reference=HOSTILE,
    )
    page = Diagnosis(
        (hostile,), (HOSTILE,), {HOSTILE: HOSTILE}, (HOSTILE,)
    )._repr_html_()
    tags = Tags(page)
    assert "script" not in tags.opened
    assert tags.words.count("alert(1)") == page.count("alert(1)") == 20


def test_the_html_has_what_the_text_has():
    page = WHOLE._repr_html_()
    tags = Tags(page)
    assert tags.opened.count("details") == 5 + 2  # with symptoms, passed, not assessed
    for words in (
        "1 error, 1 warning",
        COLLAPSE.title,
        RATE.fix,
        "3.41 nats",
        "'mood'",
    ):
        assert words in tags.words
    assert "the network is not known: dead-relu, linear-conv" in tags.words


def test_the_html_sets_no_colors():
    page = WHOLE._repr_html_()
    assert not re.search(r"background|[^-\w]color\s*:|#[0-9a-f]{3}|http", page)


# -------------------------------------------------------------------------------- JSON


def test_the_dict_is_strict_json():
    evidence = {
        "nan": float("nan"),
        "infinite": (np.float32("inf"), "nats"),
        "array": np.array([1.0, -np.inf]),
        "count": np.int64(3),
        "truth": np.bool_(True),
        "names": ["a", None],
        "object": {1: {2}},
    }
    odd = finding(evidence={"x": 1}, params={"learning_rate": np.float64(0.1)})
    cause = finding("cause", "error", odd, evidence=evidence)
    read = json.loads(
        Diagnosis((cause,)).to_json(), parse_constant=lambda name: pytest.fail(name)
    )
    assert read == Diagnosis((cause,)).to_dict()
    values = {name: m["value"] for name, m in read["findings"][0]["evidence"].items()}
    assert values == {
        "nan": "NaN",
        "infinite": "Infinity",
        "array": [1.0, "-Infinity"],
        "count": 3,
        "truth": True,
        "names": ["a", None],
        "object": {"1": "{2}"},
    }
    assert read["findings"][0]["explains"][0]["params"] == {"learning_rate": 0.1}
    assert read["ok"] is False


# ------------------------------------------------------------------------ being asked


def test_a_finding_is_found_by_name_among_symptoms_too():
    assert WHOLE.find("linear-stack") is STACK
    assert WHOLE.find("lr_too_high") is RATE
    assert WHOLE.find("majority_collapse") is COLLAPSE
    assert WHOLE.find("nothing") is None


def test_errors_are_raised_by_name_and_title():
    with pytest.raises(DiagnosisError, match=r"^linear-stack: 11 layers .* map\.$"):
        WHOLE.raise_for_errors()
    Diagnosis((RATE, IMBALANCE)).raise_for_errors()


# ------------------------------------------------------------------------------- order


class Stub:
    """A rule that answers what it is told."""

    def __init__(self, name, answer, *explains):
        self.name, self.answer, self.explains = name, answer, explains

    def inspect(self, case):
        if self.answer == "unknown":
            raise NotApplicable(f"{self.name} reads nothing")
        return None if self.answer == "fine" else finding(self.name, self.answer)


@pytest.fixture
def tree(monkeypatch):
    """Names of the findings of stub rules, each with the names of its symptoms."""

    def run(*rules):
        stubs = {name: Stub(name, *rest) for name, *rest in rules}
        monkeypatch.setattr("skloss.diagnosis.diagnosis.RULES", stubs)
        return [
            (f.name, [s.name for s in f.explains]) for f in examine(Case()).findings
        ]

    return run


def test_every_rule_is_found_passed_or_not_assessed(monkeypatch):
    answers = {"a": "fine", "b": "unknown", "c": "info"}
    stubs = {name: Stub(name, answer) for name, answer in answers.items()}
    monkeypatch.setattr("skloss.diagnosis.diagnosis.RULES", stubs)
    diagnosis = examine(Case(), ["a note"])
    assert diagnosis.passed == ("a",)
    assert diagnosis.not_assessed == {"b": "b reads nothing"}
    assert [f.name for f in diagnosis.findings] == ["c"]
    assert diagnosis.notes == ("a note",)
    assert diagnosis.ok


def test_errors_come_first_and_otherwise_rules_keep_their_order(tree):
    shown = tree(
        ("i1", "info"), ("w1", "warning"), ("e1", "error"), ("w2", "warning"),
        ("e2", "error"),
    )  # fmt: skip
    assert [name for name, _ in shown] == ["e1", "e2", "w1", "w2", "i1"]


def test_a_symptom_stands_under_its_first_cause(tree):
    shown = tree(
        ("first", "error", "symptom"), ("second", "error", "symptom"),
        ("symptom", "warning"),
    )  # fmt: skip
    assert shown == [("first", ["symptom"]), ("second", [])]


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
def test_the_symptom_of_a_symptom_stands_under_the_root_in_any_order(tree, backwards):
    rules = [("a", "error", "b"), ("b", "warning", "c"), ("c", "warning")]
    shown = tree(*(reversed(rules) if backwards else rules))
    assert [(name, set(symptoms)) for name, symptoms in shown] == [("a", {"b", "c"})]


@pytest.mark.parametrize(
    ("cause", "symptom", "nested"),
    [
        ("error", "error", True),
        ("error", "info", True),
        ("warning", "warning", True),
        ("warning", "error", True),
        ("info", "info", False),
        ("info", "warning", False),
    ],
)
def test_only_alarms_explain(tree, cause, symptom, nested):
    shown = dict(tree(("cause", cause, "symptom"), ("symptom", symptom)))
    assert shown["cause"] == (["symptom"] if nested else [])
    assert ("symptom" in shown) is not nested


@pytest.mark.parametrize("size", [1, 2, 3])
def test_of_rules_that_explain_each_other_the_first_is_the_cause(tree, size):
    names = "abc"[:size]
    rules = [(n, "warning", names[(i + 1) % size]) for i, n in enumerate(names)]
    assert tree(*rules) == [("a", list(names[1:]))]
