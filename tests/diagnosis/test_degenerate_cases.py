"""No rule fails, whatever it is given; and one that does leaves the others standing."""

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from rule_examples.any_case import cases
from rule_examples.cases import healthy, sick

from skloss.diagnosis import (
    RULES,
    NotApplicable,
    diagnosis,
    examine,
    finding,
    next_steps,
)
from skloss.record import SplitMetrics

TOLD_TO_USERS = diagnosis.internal_error
NORMS = ("gradient_norm_first", "gradient_norm_last")
SLOW_TO_DRAW = (HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=SLOW_TO_DRAW,
)
@given(cases())
def test_no_rule_fails_on_a_degenerate_case(case):
    told = []
    for rule in RULES.values():
        with contextlib.suppress(NotApplicable):
            found = rule.inspect(case)
            assert found is None or found.severity in finding.SEVERITIES
            told += [found] if found else []
    steps = next_steps(told, case)
    assert len(steps) <= 3
    assert all(step.text for step in steps)


def test_gradients_of_no_epoch_are_not_known():
    found = examine(sick(curves=dict.fromkeys(NORMS, np.array([])), probe=None))
    assert found.not_assessed["vanishing-gradients"].startswith("the gradient norms of")


def test_a_rule_that_fails_is_not_assessed_and_the_others_are_told(monkeypatch):
    def fails(case):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(diagnosis, "internal_error", TOLD_TO_USERS)
    monkeypatch.setattr(RULES["train-val-prior-shift"], "inspect", fails)
    found = examine(sick(training={"learning_rate": 5.0}))
    told = "internal error, please report (ZeroDivisionError: division by zero)"
    assert found.find("lr-too-high")
    assert found.not_assessed["train-val-prior-shift"] == told
    assert found.notes == (f"train-val-prior-shift: {told}",)
    assert len(found.passed) + len(found.not_assessed) < len(RULES)


def test_a_rule_that_fails_raises_in_the_tests(monkeypatch):
    def fails(case):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(RULES["train-val-prior-shift"], "inspect", fails)
    with pytest.raises(AssertionError, match="train-val-prior-shift fails"):
        examine(healthy())


def test_a_validation_class_without_any_training_row_is_told():
    """`validation_split` of rows sorted by class, cut where the classes meet."""
    train = SplitMetrics((300, 0), ((300, 0), (0, 0)))
    val = SplitMetrics((0, 100), ((0, 0), (100, 0)))
    found = examine(sick(train=train, val=val, holdout="tail"))
    cause = found.find("unshuffled-tail-validation")
    assert cause.severity == "error"
    assert {"minority-absent", "train-val-prior-shift"} <= {
        symptom.name for symptom in cause.explains
    }
