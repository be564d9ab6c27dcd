"""All rules over all examples: each finds its own fault, and none alarms on health."""

import sys
from importlib import import_module

import pytest
from diagnosis.cases import healthy, sick

from skloss.diagnosis import RULES, Case, NotApplicable, examine

FAMILIES = (
    "data",
    "holdout",
    "network",
    "head",
    "configuration",
    "batches",
    "optimization",
    "generalization",
    "search",
)
# Of each rule: cases that it must find, and cases near by that it must not alarm on.
SICK: dict[str, list[Case]] = {}
HEALTHY: dict[str, list[Case]] = {}
for family in FAMILIES:
    module = import_module(f"diagnosis.examples_{family}")
    SICK |= module.SICK
    HEALTHY |= module.HEALTHY


def pairs(examples):
    return [
        pytest.param(name, case, id=f"{name}-{number}")
        for name, cases in examples.items()
        for number, case in enumerate(cases)
    ]


def flat(findings):
    for finding in findings:
        yield finding
        yield from flat(finding.explains)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_examples(name):
    assert SICK.get(name), f"{name} has no sick example"
    assert HEALTHY.get(name), f"{name} has no healthy example"


@pytest.mark.parametrize(("name", "case"), pairs(SICK))
def test_a_sick_example_is_found(name, case):
    finding = RULES[name].inspect(case)
    assert finding is not None
    assert finding.name == name
    assert finding.title.endswith(".")
    assert finding.fix
    assert finding.evidence
    assert name in {f.name for f in flat(examine(case).findings)}


@pytest.mark.parametrize(("name", "case"), pairs(HEALTHY))
def test_a_healthy_example_raises_no_alarm(name, case):
    try:
        finding = RULES[name].inspect(case)
    except NotApplicable:
        return
    assert finding is None or not finding.is_alarm, finding


@pytest.mark.parametrize("name", RULES)
def test_the_healthy_case_passes_or_is_context(name):
    finding = RULES[name].inspect(healthy())
    assert finding is None or not finding.is_alarm, finding


@pytest.mark.parametrize("name", RULES)
def test_nothing_known_is_not_assessed_with_a_reason(name):
    with pytest.raises(NotApplicable, match=r"\w"):
        RULES[name].inspect(Case())


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_it_reads_why_it_hurts_and_when_it_is_wrong(name):
    page = RULES[name].page()
    for heading in ("Reads:", "Hurts:", "Wrong when:"):
        assert heading in page


def test_rules_explain_only_rules_that_exist():
    for rule in RULES.values():
        assert set(rule.explains) <= set(RULES), rule.name


def test_codes_are_unique():
    assert len({rule.code for rule in RULES.values()}) == len(RULES)


def test_the_matrix_of_rules_and_examples():
    """Shown by pytest -s: what stands at the top for each rule's sick examples."""
    assert examine(healthy()).ok
    alarms = {
        name: [[f.name for f in examine(case).findings if f.is_alarm] for case in cases]
        for name, cases in SICK.items()
    }
    for name, of_cases in alarms.items():
        sys.stdout.write(f"{name}: {'; '.join(map(', '.join, of_cases))}\n")
    counts = [len(names) for of_cases in alarms.values() for names in of_cases]
    assert sum(counts) <= 2 * len(
        counts
    )  # a fault gives two alarms at most, on average


def test_sick_makes_a_change():
    assert sick(training={"loss": "mse"}).training.loss == "mse"
