"""Sentences call groups by the name of their column, however they reach the fit."""

import numpy as np
import pandas as pd
import pytest

import skloss
from skloss import DenseClassifier, Pipeline, RocketClassifier
from skloss.reports.pooled_scores import Pooled

rng = np.random.default_rng(0)
PATIENTS = np.repeat(np.arange(20), 15)
y = (rng.permutation(300) < 75).astype(int)
X = rng.normal(size=(300, 3)) + y[:, np.newaxis]
NAMED = pd.Series(PATIENTS, name="patient", index=np.arange(300)[::-1])
UNSEEN = "values of 'patient' never seen"


def dense(**options):
    return DenseClassifier(3, depth=1, epochs=2, random_state=0, **options)


def titles(model):
    return [part.title for part in skloss.diagnose(model).gap.parts]


FITS = {
    "alone": lambda groups: dense().fit(X, y, groups=groups),
    "in a pipeline": lambda groups: Pipeline([("dense", dense())]).fit(
        X, y, dense__groups=groups
    ),
    "members": lambda groups: dense(n_members=2).fit(X, y, groups=groups),
    "members in a pipeline": lambda groups: Pipeline(
        [("dense", dense(n_members=2))]
    ).fit(X, y, dense__groups=groups),
}


@pytest.mark.parametrize("fit", FITS.values(), ids=list(FITS))
def test_the_gap_of_a_fit_names_the_column(fit):
    named, plain = fit(NAMED), fit(PATIENTS)
    assert UNSEEN in titles(named)
    assert "groups never seen" in titles(plain)
    # Only the words differ.
    gaps = [skloss.diagnose(one).gap for one in (named, plain)]
    nats = [[part.nats for part in gap.parts] for gap in gaps]
    assert nats[0] == pytest.approx(nats[1], abs=1e-6)


def test_the_gap_of_a_rocket_names_the_column():
    series = rng.normal(size=(300, 40)) + y[:, np.newaxis]
    rocket = RocketClassifier(random_state=0).fit(series, y, groups=NAMED)
    assert UNSEEN in titles(rocket)


def test_explain_gap_names_the_column_that_it_is_given():
    model = dense().fit(X, y, groups=PATIENTS)
    gap = skloss.explain_gap(model, X, y, groups=NAMED, refit=True)
    found = {part.name: part.title for part in gap.parts}
    assert found["new_groups"] == UNSEEN
    assert found["new_rows"] == "new rows of known values of 'patient'"
    assert UNSEEN in gap.sentence or abs(gap.find("new_groups").nats) < 0.005


def test_the_scores_over_all_folds_name_the_column():
    wrong = np.where(PATIENTS == 7, 1 - y, y)
    pooled = Pooled(y, {"own": wrong}, 2, 1, PATIENTS, group_name="patient")
    assert "a bootstrap of the 20 values of 'patient'" in pooled.method()
    assert pooled.limits("own").startswith("'patient' 7 of 20 has 100% of all errors")
    rest = pooled.without(["7"])
    assert "the 19 values of 'patient'" in rest.method()
