"""``repair``: what is tried, what is kept, and what the code that is printed does."""

import json

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_circles
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.neural_network import MLPClassifier

import skloss
from skloss import DenseClassifier, make_pipeline
from skloss.diagnosis import Diagnosis, Finding
from skloss.exceptions import DiagnosisError

pytestmark = pytest.mark.usefixtures("graphs")

QUICK = {"epochs": 20, "learning_rate": 5e-3, "random_state": 0}


def linear(**params):
    return DenseClassifier(8, 3, **QUICK | {"activation": "linear"} | params)


@pytest.fixture(scope="module")
def circles():
    return make_circles(300, noise=0.1, factor=0.5, random_state=0)


@pytest.fixture(scope="module")
def given():
    """What was repaired."""
    return linear()


@pytest.fixture(scope="module")
def repaired(given, circles):
    return skloss.repair(given, *circles, cv=3, random_state=0)


def applied(code, estimator):
    """Run the code that was printed."""
    names = {"estimator": clone(estimator)}
    exec(code, names)
    return names["estimator"]


def test_a_linear_stack_is_given_its_activation(repaired, circles):
    assert [trial.rule for trial in repaired.kept] == ["linear-stack"]
    assert repaired.estimator.activation == "relu"
    assert not hasattr(repaired.estimator, "classes_")
    X, y = make_circles(300, noise=0.1, factor=0.5, random_state=1)
    before = matthews_corrcoef(y, linear().fit(*circles).predict(X))
    after = matthews_corrcoef(y, clone(repaired.estimator).fit(*circles).predict(X))
    assert after > before + 0.5


def test_both_are_scored_on_the_same_folds_by_the_scoring(circles):
    cv = StratifiedKFold(3, shuffle=True, random_state=3)
    repaired = skloss.repair(linear(), *circles, cv=cv, scoring="f1")
    for scores, estimator in (
        (repaired.before, linear()),
        (repaired.after, repaired.estimator),
    ):
        expected = cross_val_score(estimator, *circles, cv=cv, scoring="f1")
        np.testing.assert_allclose(scores, expected)
    assert repaired.gain.mean == pytest.approx(
        (repaired.after - repaired.before).mean()
    )


def test_the_path_is_shown_with_its_code_and_in_numbers(repaired):
    text = repaired.to_text()
    assert text.startswith("1 of 1 fix kept: matthews_corrcoef ")
    assert '   estimator.set_params(activation="relu")' in text
    assert repr(repaired) == text
    page = repaired._repr_html_()
    assert "estimator.set_params(activation=&#34;relu&#34;)" in page
    content = json.loads(repaired.to_json())
    (trial,) = content["trials"]
    assert trial["kept"]
    assert trial["interval"][0] > 0
    assert trial["after"] - trial["before"] == pytest.approx(trial["gain"])
    assert content["code"] == 'estimator.set_params(activation="relu")'


def test_the_curves_before_and_after_are_those_of_fits_on_all_rows(repaired, circles):
    for record, estimator in (
        (repaired.record_before, linear()),
        (repaired.record_after, linear(activation="relu")),
    ):
        assert record.history["loss"] == estimator.fit(*circles).history_["loss"]
    figure = repaired.plot()
    assert len({ax.get_ylim() for ax in figure.axes}) == 1


def test_the_given_estimator_stays_as_it_is(given, repaired):
    assert repaired.kept
    assert repr(given) == repr(linear())
    assert not hasattr(given, "classes_")


def test_a_healthy_network_is_only_diagnosed(circles):
    healthy = DenseClassifier(16, epochs=60, random_state=0)
    repaired = skloss.repair(healthy, *circles, cv=3, random_state=0)
    assert repaired.trials == ()
    assert repaired.gain is None
    assert repaired.code == ""
    assert repr(repaired) == "No fault found"
    assert repr(repaired.estimator) == repr(healthy)
    json.loads(repaired.to_json())


def test_a_scaler_is_put_in_front(circles):
    X, y = circles[0] * 1000.0, circles[1]
    given = DenseClassifier(8, epochs=80, random_state=0)
    repaired = skloss.repair(given, X, y, cv=3, random_state=0)
    names = [name for name, _ in repaired.estimator.steps]
    assert names == ["standardscaler", "denseclassifier"]
    assert repr(applied(repaired.code, given)) == repr(repaired.estimator)


def test_two_faults_that_hide_each_other_are_repaired_together(circles):
    X, y = circles[0] * 1000.0, circles[1]
    given = linear(epochs=40)
    repaired = skloss.repair(given, X, y, cv=3, random_state=0)
    assert repaired.after.mean() > 0.8
    assert repaired.estimator.named_steps["denseclassifier"].activation == "relu"
    assert repr(applied(repaired.code, given)) == repr(repaired.estimator)


def test_a_sampler_is_kept_behind_the_hold_out():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [250, 50])
    X = rng.normal(size=(300, 2)) + 1.5 * y[:, None]
    given = make_plain_pipeline(
        RandomOverSampler(random_state=0), DenseClassifier(8, **QUICK)
    )
    repaired = skloss.repair(given, X, y, cv=2, random_state=0)
    (trial,) = (t for t in repaired.trials if t.rule == "resample-before-split")
    assert isinstance(trial.estimator, skloss.Pipeline)
    assert trial.line == "estimator = Pipeline(estimator.steps)"
    assert list(trial.estimator.named_steps) == list(given.named_steps)


def test_a_network_of_scikit_learn_is_repaired(circles):
    given = MLPClassifier((16, 16), activation="identity", max_iter=300, random_state=0)
    repaired = skloss.repair(given, *circles, cv=2, random_state=0)
    assert repaired.estimator.activation == "relu"
    assert repaired.kept[0].line == 'estimator.set_params(activation="relu")'


def test_a_parameter_of_the_model_function_is_set(circles):
    import keras

    def network(meta, hidden_activation="linear"):
        return keras.Sequential(
            [
                keras.Input((meta["n_features_in_"],)),
                keras.layers.Dense(8, hidden_activation),
                keras.layers.Dense(8, hidden_activation),
                keras.layers.Dense(1, "sigmoid"),
            ]
        )

    given = skloss.KerasClassifier(
        network, loss="binary_crossentropy", optimizer="adam", epochs=60, random_state=0
    )
    given.set_params(optimizer__learning_rate=0.01)
    repaired = skloss.repair(given, *circles, cv=2, random_state=0)
    line = 'estimator.set_params(model__hidden_activation="relu")'
    assert repaired.kept[0].line == line
    assert repaired.after.mean() > repaired.before.mean() + 0.5


def test_groups_are_kept_together_and_reach_the_hold_out(circles):
    X, y = circles
    groups = np.arange(300) // 10
    splits = []

    class Seen(DenseClassifier):
        def fit(self, X, y, groups=None):
            splits.append(set(np.asarray(groups)))
            return super().fit(X, y, groups=groups)

    given = Seen(8, 3, activation="linear", epochs=5, batch_size=300, random_state=0)
    skloss.repair(given, X, y, cv=2, groups=groups, max_trials=1, random_state=0)
    assert splits[0] == set(groups)
    assert all(len(fold) == 15 for fold in splits[1:5])
    assert splits[1].isdisjoint(splits[2])
    repaired = skloss.repair(
        given, X, y, cv=LeaveOneGroupOut(), groups=groups // 10, max_trials=1
    )
    assert len(repaired.before) == 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"estimator": DenseClassifier},
            "must be an estimator with fit and get_params",
        ),
        (
            {"estimator": GridSearchCV(DenseClassifier(), {})},
            "must not be a search, got GridSearchCV; give its best_estimator_",
        ),
        ({"estimator": Ridge()}, "must be a classifier, .*, got Ridge"),
        ({"max_trials": 0}, "max_trials must be a whole number of at least 1, got 0"),
        ({"cv": 1}, "cv must be at least 2, got 1"),
        ({"cv": 200}, "cv=200 needs 200 rows of every class, got 150 of class 0"),
        ({"y": np.zeros(300)}, "y has a single class; at least two are needed"),
        ({"y": np.zeros((300, 2))}, r"y must have one label per row, got shape"),
        ({"y": np.zeros(299)}, "X has 300 rows and y has 299; they must have as many"),
        ({"X": 3}, "X must be an array of rows, got int"),
        ({"groups": [1, 2]}, "X has 300 rows and groups has 2"),
        ({"groups": [1] * 300}, "cv=5 needs as many groups, got 1; lower cv"),
        ({"cv": [(np.arange(200), np.arange(200, 300))]}, "gives 1 fold; at least 2"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_bad_input_is_refused_in_a_sentence(circles, changed, message):
    given = {"estimator": linear(), "X": circles[0], "y": circles[1]} | changed
    rows = (given.pop("estimator"), given.pop("X"), given.pop("y"))
    with pytest.raises(ValueError, match=message):
        skloss.repair(*rows, **given)


def test_what_cannot_be_diagnosed_is_refused(circles):
    with pytest.raises(DiagnosisError):
        skloss.repair(LogisticRegression(), *circles)


def test_a_pipeline_of_skloss_keeps_its_kind(circles):
    given = make_pipeline(linear(epochs=40))
    repaired = skloss.repair(given, *circles, cv=2, random_state=0)
    assert repaired.code == 'estimator.set_params(denseclassifier__activation="relu")'
    assert isinstance(repaired.estimator, skloss.Pipeline)


class NeedsBoth(ClassifierMixin, BaseEstimator):
    """It finds the second class only with both parameters; one alone is not seen."""

    def __init__(self, first=0, second=0):
        self.first = first
        self.second = second

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (X[:, 0] > 0).astype(int) * bool(self.first and self.second)


def test_a_fix_that_no_fold_sees_leads_to_the_one_that_it_needs(monkeypatch):
    def diagnosed(fitted, X, y):
        name = "second" if fitted.first else "first"
        found = Finding("X00", name, "error", "", {}, "", params={name: 1})
        return Diagnosis((found,))

    monkeypatch.setattr("skloss.repairs.path.diagnose", diagnosed)
    X = np.linspace(-1, 1, 60)[:, None]
    y = (X[:, 0] > 0).astype(int)
    repaired = skloss.repair(NeedsBoth(), X, y, cv=2, random_state=0)
    assert repaired.estimator.get_params() == {"first": 1, "second": 1}
    assert [trial.kept for trial in repaired.trials][:2] == [False, True]
    assert (repaired.before.mean(), repaired.after.mean()) == (0, 1)
