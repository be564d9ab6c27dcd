"""The hold-out of the last rows, or by a cross-validator, for rows in time."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.metrics import log_loss
from sklearn.model_selection import TimeSeriesSplit

from skloss import DenseClassifier, Pipeline
from skloss.holdout import last_holdout

rng = np.random.default_rng(0)
y = rng.permutation(np.arange(200) % 4 == 0).astype(int)
X = rng.normal(size=(200, 4)) + y[:, None]
WAYS = {
    "last": ("last", np.arange(150), np.arange(150, 200)),
    "splitter": (
        TimeSeriesSplit(4, gap=10),
        *list(TimeSeriesSplit(4, gap=10).split(X))[-1],
    ),
}


def net(how, **options):
    options = {"validation_fraction": 0.25} | options
    return DenseClassifier(
        width=3, epochs=2, random_state=0, validation_rows=how, **options
    )


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize(("how", "kept", "held"), WAYS.values(), ids=WAYS)
def test_the_curves_are_of_the_chosen_rows(how, kept, held, sampled):
    steps = [("smote", SMOTE(random_state=0))] if sampled else []
    pipeline = Pipeline([*steps, ("net", net(how))]).fit(X, y)
    record = pipeline[-1].record_
    for name, rows in (("loss", kept), ("val_loss", held)):
        expected = log_loss(y[rows], pipeline.predict_proba(X[rows]))
        assert record.history[name][-1] == pytest.approx(expected, rel=1e-4)
    assert record.data["holdout"] == "pipeline"
    assert record.data["holdout_rows"] == (how if how == "last" else repr(how))
    alone = net(how).fit(X, y)
    found = log_loss(y[held], alone.predict_proba(X[held]))
    assert alone.history_["val_loss"][-1] == pytest.approx(found, rel=1e-4)


def test_no_fraction_holds_nothing_out():
    found = net("last", validation_fraction=None).fit(X, y).record_
    assert found.data["holdout"] == "none"


def test_another_word_is_an_error():
    with pytest.raises(ValueError, match=r"'validation_rows' parameter .* 'lst'"):
        net("lst").fit(X, y)


def test_a_class_that_only_the_last_rows_have_is_an_error():
    with pytest.raises(ValueError, match="leaves no row of class True to train on"):
        net("last").fit(X, np.arange(200) >= 180)


def test_a_group_on_both_sides_is_an_error():
    with pytest.raises(ValueError, match="rows of group 7 into both parts"):
        last_holdout([0, 1, 0, 1], 0.5, [5, 7, 7, 8])
