"""The rules in the reports of skore."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier, diagnose
from skloss.datasets import make_rare_events
from skloss.diagnosis import RULES
from skloss.skore_checks import skore_checks

skore = pytest.importorskip("skore")

X, y = make_rare_events(600, prevalence=0.2, random_state=0)
SECTIONS = {"issue", "tip", "passed", "not_applicable"}


def sections(report):
    """Section of each of our codes."""
    frame = report.checks.summarize().frame()
    ours = frame[frame["code"].isin([rule.code for rule in RULES.values()])]
    return dict(zip(ours["code"], ours["section"], strict=True)), ours


def test_every_rule_is_a_check_that_skore_takes():
    checks = skore_checks()
    assert all(isinstance(check, skore.Check) for check in checks)
    assert [check.code for check in checks] == [rule.code for rule in RULES.values()]


def test_a_report_of_an_estimator_tells_what_the_diagnosis_tells():
    net = DenseClassifier(epochs=5, learning_rate=1e-7, random_state=0)
    report = skore.EstimatorReport(
        net, X_train=X[:400], y_train=y[:400], X_test=X[400:], y_test=y[400:]
    )
    report.checks.add(skore_checks())
    told, frame = sections(report)
    wanted = diagnose(report.estimator_, X[:400], y[:400])
    assert len(told) == len(RULES)
    for name, rule in RULES.items():
        found = wanted.find(name)
        if name in wanted.not_assessed:
            assert told[rule.code] == "not_applicable"
        elif found is None:
            assert told[rule.code] == "passed"
        elif found.is_alarm:
            assert told[rule.code] in ("issue", "tip")
    found = wanted.find("lr-too-low")
    line = frame[frame["code"] == found.code].iloc[0]
    assert line["section"] == "issue"
    assert str(line["explanation"]) == f"{found.title} {found.fix}"


def test_a_cross_validation_and_a_pipeline_are_read():
    report = skore.CrossValidationReport(
        make_pipeline(StandardScaler(), DenseClassifier(epochs=3, random_state=0)),
        X,
        y,
        splitter=3,
    )
    report.checks.add(skore_checks())
    told, _ = sections(report)
    assert len(told) == len(RULES)
    assert told[RULES["folds-disagree"].code] != "not_applicable"
    assert told[RULES["nonfinite-loss"].code] == "passed"


def test_what_cannot_be_diagnosed_is_not_applicable():
    report = skore.EstimatorReport(
        DummyClassifier(), X_train=X, y_train=y, X_test=X[:50], y_test=y[:50]
    )
    report.checks.add(skore_checks())
    told, frame = sections(report)
    assert set(told.values()) == {"not_applicable"}
    assert "keeps no curves" in str(frame["explanation"].iloc[0])


def test_rules_are_ignored_by_their_codes_and_slow_ones_wait():
    net = DenseClassifier(epochs=2, random_state=0).fit(X, y)
    report = skore.EstimatorReport(net, X_test=X[:99], y_test=y[:99])
    report.checks.add(skore_checks())
    waiting = report.checks.summarize(fast_mode=True).frame("skipped")
    assert {rule.code for rule in RULES.values()} <= set(waiting["code"])
    ignored = report.checks.summarize(ignore=["D10"]).frame("ignored")
    assert "D10" in set(ignored["code"])
    assert np.isin(list(sections(report)[0].values()), list(SECTIONS)).all()
