"""The fix of a balance that is overdone acts on what was given."""

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from rule_examples.cases import sick

import skloss
from skloss.diagnosis import examine
from skloss.diagnosis.evidence.balance import balance_of
from skloss.diagnosis.fixes import Fix
from skloss.diagnosis.record_cases import case_from_record
from skloss.repairs.changes import change_of

WEIGHTS = {"class_weight_kind": "dict", "class_weight": {"0": 1.0, "1": 20.0}}
BATCHES = {"class_weight_kind": "balanced", "balanced_batches": True}
ALL_POSITIVE = {"confusion": ((100, 800), (5, 95)), "roc_auc": 0.6}
NEVER = {"confusion": ((900, 0), (100, 0)), "roc_auc": 0.52}

rng = np.random.default_rng(0)
y = (np.arange(400) % 20 == 0).astype(int)
X = rng.normal(size=(400, 3)) + y[:, None]


def named(name, case):
    (found,) = (
        one
        for cause in examine(case).findings
        for one in (cause, *cause.explains)
        if one.name == name
    )
    return found


@pytest.mark.parametrize(
    ("training", "params"),
    [
        (WEIGHTS, {"class_weight": None}),
        (BATCHES, {"balanced_batches": False}),
        (BATCHES | WEIGHTS, {"class_weight": None}),
        ({"loss": "logit_adjusted"}, {"loss": "crossentropy"}),
        ({"sampler": "SMOTE"}, {"sampler": None}),
        ({}, {}),
    ],
)
def test_too_many_positives_are_taken_back_where_they_come_from(training, params):
    found = named("all-positive", sick(val=ALL_POSITIVE, training=training))
    assert found.params == params


@pytest.mark.parametrize("training", [BATCHES, {"loss": "logit_adjusted"}])
def test_weights_are_not_advised_beside_what_balances_already(training):
    found = named("majority-collapse", sick(val=NEVER, training=training))
    assert not found.params
    assert "class_weight" not in found.fix


@pytest.mark.parametrize(
    "given",
    [
        {"balanced_batches": True},
        {"balanced_batches": True, "class_weight": {0: 1.0, 1: 20.0}},
        {"class_weight": "balanced"},
        {"loss": "logit_adjusted"},
        {"sampler": RandomOverSampler()},
    ],
)
def test_the_fix_changes_the_parameter_that_was_given(given):
    network = skloss.DenseClassifier(width=2, epochs=1, random_state=0, **given)
    case = case_from_record(network.fit(X, y).record_)
    params = balance_of(case).params
    changed = change_of(network, Fix(params), case).estimator
    (name,) = params
    assert name in given
    default = skloss.DenseClassifier().get_params()[name]
    assert changed.get_params()[name] == default


def test_balanced_batches_have_rows_of_the_smallest_class():
    names = {
        asked: {
            found.name
            for found in skloss.diagnose(
                skloss.DenseClassifier(
                    width=2,
                    epochs=1,
                    batch_size=8,
                    balanced_batches=asked,
                    random_state=0,
                ).fit(X, y)
            ).findings
        }
        for asked in (False, True)
    }
    assert "batch-without-minority" in names[False]
    assert "batch-without-minority" not in names[True]


def test_balanced_batches_of_even_classes_are_named():
    even = np.arange(400) % 2
    network = skloss.DenseClassifier(
        width=2, epochs=1, balanced_batches=True, random_state=0
    ).fit(X, even)
    case = case_from_record(network.record_)
    found = named("class-weight-without-effect", case)
    assert found.params == {"balanced_batches": False}
    assert found.title.startswith("The balanced batches")
