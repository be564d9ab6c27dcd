"""At most three steps, the largest expected gain first, each with its line of code."""

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from rule_examples.cases import sick

from skloss.cli import main
from skloss.diagnosis import (
    RULES,
    Case,
    Diagnosis,
    Finding,
    NextStep,
    SearchFacts,
    examine,
    next_steps,
)
from skloss.diagnosis.fixes import _LINES, _PARAMS, _STEPS
from skloss.diagnosis.next_steps import _LATE
from skloss.diagnosis.text import steps_text


def finding(name="lr-too-high", severity="warning", fix="Do it.", **params):
    return Finding("X01", name, severity, "Odd.", {}, fix, params=params)


def test_errors_come_before_warnings_and_these_before_remarks():
    steps = next_steps(
        [
            finding(severity="info", fix="c", a=1),
            finding(severity="warning", fix="b", a=2),
            finding(severity="error", fix="a", a=3),
        ],
        None,
    )
    assert [step.text for step in steps] == ["a", "b", "c"]
    assert steps[0].code == "classifier.set_params(a=3)"


def test_measured_gains_decide_between_them():
    more = [NextStep("large", "x", 0.4), NextStep("small", "y", 0.01)]
    steps = next_steps([finding(fix="warned", a=1)], None, more)
    assert [step.text for step in steps] == ["large", "warned", "small"]


def test_there_are_three_at_most_and_no_line_twice():
    findings = [finding(fix=str(number), a=number) for number in range(5)]
    assert len(next_steps(findings, None)) == 3
    same = [finding(fix="first", a=1), finding(fix="second", a=1)]
    assert [step.text for step in next_steps(same, None)] == ["first"]


def test_a_remark_without_a_line_is_no_step():
    assert next_steps([finding("golden-feature", "info")], None) == ()
    assert next_steps([finding("golden-feature", "error")], None)[0].code == ""
    assert Diagnosis().next_steps == ()


def test_the_lines_belong_to_rules():
    assert set(_LINES) | set(_STEPS) | set(_PARAMS) | set(_LATE) <= set(RULES)


def falling_then_rising():
    loss = np.geomspace(0.5, 0.01, 12)
    val_loss = np.r_[0.6, 0.4, 0.3, np.linspace(0.35, 1.5, 9)]
    return Case(curves={"loss": loss, "val_loss": val_loss})


def test_the_epoch_of_the_lowest_loss_is_named():
    case = falling_then_rising()
    first = next_steps([finding("overfit", a=1)], case)[0]
    assert first.text.startswith("Keep epoch 3: its validation loss is 0.3, that of")
    assert "epoch 12 is 1.5" in first.text
    assert "EarlyStopping" in first.code
    diagnosis = examine(case)
    assert diagnosis.find("overfit") is not None
    assert diagnosis.next_steps[0] == first


def test_few_folds_are_named_with_the_range_of_their_scores():
    facts = SearchFacts(n_folds=3, fold_scores=(0.2, 0.9, 0.4), is_grouped=True)
    (step,) = next_steps([], sick(search=facts))
    assert step.text == (
        "Use 5 folds instead of 3: the scores of the folds range from 0.20 to 0.90."
    )
    assert step.code == "cv=StratifiedGroupKFold(5, shuffle=True, random_state=0)"
    assert next_steps([], sick(search=SearchFacts(n_folds=5))) == ()


def test_steps_are_frozen_and_plain_in_json():
    step = NextStep("Do it.", "do()", 0.1)
    with pytest.raises(FrozenInstanceError):
        step.text = "other"
    told = json.loads(Diagnosis((finding(a=1),)).to_json())["next_steps"]
    assert told == [
        {"text": "Do it.", "code": "classifier.set_params(a=1)", "gain": 0.2}
    ]


def test_the_command_ends_with_them(tmp_path, capsys):
    case = falling_then_rising()
    path = tmp_path / "log.json"
    path.write_text(json.dumps({k: v.tolist() for k, v in case.curves.items()}))
    main(["diagnose", str(path)])
    shown = capsys.readouterr().out
    assert shown.endswith(steps_text(examine(case).next_steps) + "\n")
    assert "\n\nWhat to do next:\n  1. Keep epoch 3" in shown
    main(["diagnose", "--json", str(path)])
    assert json.loads(capsys.readouterr().out)["next_steps"][0]["code"]
