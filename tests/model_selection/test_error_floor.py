"""``error_floor`` against mixtures whose lowest error is known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, error_floor
from skloss.diagnosis.rules.performance_limits import PlateauAtFloor
from skloss.displays import LossCurveDisplay
from skloss.model_selection.neighbor_bounds import (
    cover_hart,
    neighbor_bounds,
    share_interval,
)


def clouds(n, columns, classes=2, distance=2.0, seed=0):
    """Unit clouds at the corners of a simplex, all ``distance`` apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    centres = np.zeros((classes, columns))
    centres[np.arange(classes), np.arange(classes)] = distance / np.sqrt(2)
    return centres[y] + rng.normal(size=(n, columns)), y


def lowest_error_of_two(distance=2.0):
    return norm.cdf(-distance / 2)


def lowest_error(classes, distance=2.0):
    """The largest of ``classes`` independent normals is not the shifted one."""
    t = np.linspace(-9, 12, 20001)
    shift = distance / np.sqrt(2)
    hit = norm.pdf(t - shift) * norm.cdf(t) ** (classes - 1)
    return 1 - np.trapezoid(hit, t)


def test_two_formulas_of_the_truth_agree():
    assert lowest_error(2) == pytest.approx(lowest_error_of_two())


@pytest.mark.parametrize(("columns", "classes"), [(2, 2), (10, 2), (3, 3), (5, 5)])
def test_the_truth_lies_between_the_bounds(columns, classes):
    X, y = clouds(1000, columns, classes)
    floor = error_floor(X, y, random_state=0)
    truth = lowest_error(classes)
    assert floor.low < truth < floor.high
    assert floor.error == pytest.approx(truth, abs=0.03)
    assert floor.low <= floor.error <= floor.high


def test_a_learner_of_ones_own_reaches_the_truth_in_fifty_columns():
    X, y = clouds(2000, 50)
    floor = error_floor(X, y, estimator=GaussianNB(), random_state=0)
    assert floor.posterior.learner == "GaussianNB"
    assert floor.error == pytest.approx(lowest_error_of_two(), abs=0.03)
    # The neighbours fail there, as the documentation says.
    assert floor.neighbors.low > lowest_error_of_two()


def test_the_neighbour_is_that_of_scikit_learn():
    X, y = clouds(150, 4)
    scaled = StandardScaler().fit_transform(X)
    nearest = KNeighborsClassifier(1)
    expected = 1 - cross_val_score(nearest, scaled, y, cv=LeaveOneOut()).mean()
    assert neighbor_bounds(X * [1, 10, 100, 1000], y).high == pytest.approx(expected)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_bound_of_cover_and_hart_is_the_inverse_of_theirs(classes):
    for lowest in np.linspace(0, 1 - 1 / classes, 7):
        most = lowest * (2 - classes / (classes - 1) * lowest)
        assert cover_hart(most, classes) == pytest.approx(lowest)


@pytest.mark.parametrize("k", [0, 7, 20])
def test_the_interval_of_a_share_is_exact(k):
    expected = binomtest(k, 20).proportion_ci(method="exact")
    assert share_interval(np.arange(20) < k) == pytest.approx(
        (expected[0], expected[1])
    )


def test_labels_by_chance_have_the_floor_of_a_guess():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 3)), rng.integers(2, size=600)
    floor = error_floor(X, y, estimator=LogisticRegression(), random_state=0)
    assert floor.error == pytest.approx(0.5, abs=0.05)
    assert floor.loss == pytest.approx(np.log(2), abs=0.01)


def test_classes_far_apart_have_no_error():
    X, y = clouds(300, 2, distance=30.0)
    floor = error_floor(X, y, estimator=LogisticRegression(), random_state=0)
    assert floor.error < 1e-3
    assert floor.low == 0


def test_it_is_shown_and_given_as_plain_values():
    X, y = clouds(200, 2)
    floor = error_floor(X, y, estimator=LogisticRegression(), random_state=0)
    lines = repr(floor).splitlines()
    assert lines[0].startswith("Lowest error ")
    assert "LogisticRegression" in lines[2]
    assert json.loads(json.dumps(floor.to_dict()))["error"] == floor.error


def test_it_feeds_diagnosis_picture_and_report():
    X, y = clouds(300, 2)
    floor = error_floor(X, y, estimator=LogisticRegression(), random_state=0)
    fitted = DenseClassifier(4, epochs=30, random_state=0).fit(X, y)
    diagnosis = skloss.diagnose(fitted, X, y, error_floor=floor)
    rows = diagnosis.case.rows
    assert rows.lowest_error == (floor.low, floor.error, floor.high)
    flat = {**diagnosis.case.curves, "loss": np.full(30, 0.4)}
    found = PlateauAtFloor().inspect(replace(diagnosis.case, curves=flat))
    assert found.evidence["estimated lowest error"].value == floor.error
    accuracy = diagnosis.case.val.accuracy
    assert found.evidence["error of the network"].value == pytest.approx(1 - accuracy)
    display = LossCurveDisplay.from_record(fitted, error_floor=floor)
    assert set(display.lines_["error_floor"].get_ydata()) == {floor.loss}
    page = skloss.report(fitted, X, y, error_floor=floor)
    assert f"{floor.loss:.3f}" in page.html
    with pytest.raises(ValueError, match="error_floor must be what"):
        skloss.diagnose(fitted, error_floor=0.1)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0], [np.nan]], [0, 1], "X contains NaN"),
        ([[1.0], [2.0]], [0, 0], "y has a single class; at least two are needed"),
        ([[1.0], [2.0]], [[0], [1]], "y must have one label per row, got shape"),
        ([[1.0], [2.0]], [0, 1, 1], "inconsistent numbers of samples"),
        ([[1.0], [2.0]], [0, 1], "cv=5 needs 5 rows of every class, got 1; lower cv"),
    ],
    ids=["gaps", "one class", "columns", "lengths", "few rows"],
)
def test_bad_input_is_refused_in_a_sentence(X, y, message):
    with pytest.raises(ValueError, match=message):
        error_floor(X, y)
