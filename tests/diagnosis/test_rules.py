"""All rules over all examples: each finds its own fault, and none alarms on health."""

import pkgutil
import re
import sys
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from rule_examples.cases import healthy, sick
from scipy.stats import mannwhitneyu, norm

from skloss.diagnosis import (
    RULES,
    Case,
    Diagnosis,
    NotApplicable,
    Rule,
    examine,
    rules,
)
from skloss.diagnosis.evidence.symptoms import area_error, ranking_error
from skloss.diagnosis.rule import SECTIONS
from skloss.record import SplitMetrics

FAMILIES = (
    "data",
    "holdout",
    "network",
    "head",
    "configuration",
    "batches",
    "curves",
    "optimization",
    "generalization",
    "search",
)
# Of each rule: cases that it must find, and cases near by that it must not alarm on.
SICK: dict[str, list[Case]] = {}
HEALTHY: dict[str, list[Case]] = {}
for family in FAMILIES:
    module = import_module(f"rule_examples.examples_{family}")
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


NAN = float("nan")
FALLS = list(np.linspace(0.7, 0.1, 30))
TURNS = [0.5, 0.4, *np.linspace(0.2, 0.5, 28)]
ONES = [1.0] * 30
CLIMBING = [0.5, 0.4, NAN, 0.1, 0.1, 0.1, 0.5, 0.9, 0.9, 0.9]


@pytest.mark.parametrize(
    ("name", "curves", "epoch"),
    [
        ("nonfinite-loss", {"loss": [0.5, 0.4, NAN, NAN]}, 2),
        ("late-divergence", {"loss": CLIMBING}, 3),
        ("exploding-gradients", {"gradient_norm_first": [1, 1, 1, 1, 1, 1, 500, 1]}, 6),
        (
            "overconfident-probabilities",
            {
                "loss": FALLS,
                "val_loss": TURNS,
                "val_accuracy": FALLS,
                "accuracy": ONES,
                "val_mcc": FALLS,
            },
            2,
        ),
    ],
)
def test_a_finding_about_an_epoch_names_it_counted_from_zero(name, curves, epoch):
    n_epochs = max(map(len, curves.values()))
    cut = {n: curve[:n_epochs] for n, curve in healthy().curves.items()}
    case = replace(healthy(), curves=cut | {n: np.array(c) for n, c in curves.items()})
    assert RULES[name].inspect(case).epoch == epoch


@pytest.mark.parametrize(("name", "case"), pairs(SICK))
def test_the_epoch_of_a_finding_is_one_that_there_was(name, case):
    epoch = RULES[name].inspect(case).epoch
    assert epoch is None or 0 <= epoch < case.n_epochs


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
def test_the_page_of_a_rule_fits_a_terminal_and_has_its_thresholds(name):
    page = RULES[name].page()
    assert max(map(len, page.splitlines())) <= 80
    for threshold, value in RULES[name].thresholds().items():
        assert f"    {threshold} = {value:g}" in page.splitlines()


def test_inherited_thresholds_are_on_the_page():
    assert RULES["overfit"].thresholds()["fewest_minority"] == 10
    assert RULES["sigmoid-with-from-logits"].thresholds() == {"tolerance": 1e-3}


@pytest.mark.parametrize(("name", "case"), pairs(SICK))
def test_a_finding_says_numbers_it_knows_and_one_of_a_thing(name, case):
    finding = RULES[name].inspect(case)
    for measure in finding.evidence.values():
        assert str(measure.value) not in ("None", "", "()")
    things = "row|column|layer|unit|epoch|update|value|filter|class|candidate"
    text = Diagnosis((finding,)).to_text()
    assert not re.search(rf"(?<![-\d.])1\s({things})(s|es)\b", text)


@pytest.mark.parametrize("name", RULES)
def test_the_page_of_a_rule_has_every_section_and_says_what_to_do(name):
    sections = RULES[name].sections()
    page = " ".join(RULES[name].page().split())
    assert tuple(sections) == SECTIONS
    assert all(section.endswith(".") for section in sections.values())
    for heading, section in sections.items():
        assert f"{heading}: {section}" in page


def test_the_order_of_rules_is_that_of_one_list_whatever_is_imported_first():
    defined = {
        rule
        for module in pkgutil.iter_modules(rules.__path__, f"{rules.__name__}.")
        for rule in vars(import_module(module.name)).values()
        if isinstance(rule, type) and issubclass(rule, Rule) and "name" in vars(rule)
    }
    assert defined == set(rules.CAUSAL_ORDER)
    assert list(RULES) == [rule.name for rule in rules.CAUSAL_ORDER]


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


@pytest.mark.parametrize(("n_minority", "n_rows"), [(10, 800), (13, 4000), (400, 800)])
def test_the_error_of_a_random_ranking_is_that_of_mann_and_whitney(n_minority, n_rows):
    order = np.random.default_rng(0).permutation(n_rows)
    few, others = order[:n_minority], order[n_minority:]
    tested = mannwhitneyu(few, others, use_continuity=False, method="asymptotic")
    area = tested.statistic / n_minority / (n_rows - n_minority)
    part = SplitMetrics((n_rows - n_minority, n_minority))
    p_value = 2 * norm.sf(abs(area - 0.5) / ranking_error(part))
    assert p_value == pytest.approx(tested.pvalue)


def test_the_error_of_a_good_ranking_is_that_of_many_draws():
    rng = np.random.default_rng(0)
    few = rng.exponential(6.0, size=(2000, 13))  # of exponential scores it is exact
    others = rng.exponential(size=(2000, 400))
    areas = (few[:, :, None] > others[:, None, :]).mean(axis=(1, 2))
    part = SplitMetrics((400, 13), roc_auc=float(areas.mean()))
    assert area_error(part) == pytest.approx(areas.std(), rel=0.05)


PENALIZED = (replace(healthy().layers[0], l1=0.01, l2=0.3), healthy().layers[1])
ONE_CLASS = {"confusion": ((900, 0), (100, 0)), "roc_auc": 0.52}


def test_a_strong_penalty_is_named_as_the_cause_of_a_collapse():
    mcc = {"network_score": 0.0, "linear_score": 0.6, "tree_score": 0.6}
    train = {"confusion": ((3600, 0), (400, 0)), "roc_auc": 0.5}
    found = examine(sick(layers=PENALIZED, rows=mcc, train=train, val=ONE_CLASS))
    assert "penalties let the network learn" in found.not_assessed["majority-collapse"]
    cause = next(finding for finding in found.findings if finding.name == "underfit")
    assert "The penalty l2=0.3 keeps its weights near zero" in cause.title
    assert cause.params == {"l1": 0.0, "l2": 1e-4}


def test_two_strong_penalties_are_both_named():
    hidden, output = PENALIZED
    rows = {"network_score": 0.0, "linear_score": 0.6, "tree_score": 0.6}
    train = {"confusion": ((3600, 0), (400, 0)), "roc_auc": 0.5}
    case = sick(layers=(replace(hidden, l1=0.06), output), rows=rows, train=train)
    told = "The penalties l1=0.06 and l2=0.3 keep its weights near zero"
    assert told in RULES["underfit"].inspect(case).title


def test_without_a_baseline_a_collapse_is_found_and_penalties_are_lowered():
    case = replace(sick(layers=PENALIZED, val=ONE_CLASS), rows=None)
    finding = RULES["majority-collapse"].inspect(case)
    assert finding.params == {"l1": 0.0, "l2": 1e-4}


@pytest.mark.parametrize("name", ["majority-collapse", "threshold-not-tuned"])
@pytest.mark.parametrize(
    "parts",
    [
        {"train": {"counts": (3600, 3600)}, "is_resampled": True},
        {"train": None, "original": healthy().train, "is_resampled": True},
        {"training": {"class_weight_kind": "balanced"}},
    ],
)
def test_class_weights_that_cannot_act_are_not_offered(name, parts):
    area = 0.92 if name == "threshold-not-tuned" else 0.52
    val = {"confusion": ((900, 0), (100, 0)), "roc_auc": area}
    for offered, case in ((True, sick(val=val)), (False, sick(val=val, **parts))):
        found = RULES[name].inspect(case)
        assert ("class_weight" in found.params) is offered
        assert ("class_weight" in found.fix) is offered


def test_sick_makes_a_change():
    assert sick(training={"loss": "mse"}).training.loss == "mse"
