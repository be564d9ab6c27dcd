"""The display of a search: what it computes, what it draws, what it refuses."""

from itertools import product

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from pictures import assert_readable, new_axes
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skloss.displays import SearchDisplay

NAN = float("nan")
X, Y = make_classification(200, weights=[0.8], random_state=0)


@pytest.fixture(scope="module")
def tree_search():
    grid = {"max_depth": [1, 2, 4], "criterion": ["gini", "entropy"]}
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0), grid, cv=4, scoring="matthews_corrcoef"
    )
    return search.fit(X, Y)


@pytest.fixture
def ax():
    return new_axes()


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    plt.close("all")


def crossed(scores, **values):
    """Display of a full grid, one fold unless the scores have more."""
    names = list(values)
    columns = zip(*product(*values.values()), strict=True)
    parameters = dict(zip(names, map(list, columns), strict=True))
    scores = np.asarray(scores, float)
    return SearchDisplay(parameters, scores.reshape(len(parameters[names[0]]), -1))


def hundreds():
    rng = np.random.default_rng(0)
    n = 400
    parameters = {
        "net__learning_rate": (10 ** rng.uniform(-5, -1, n)).tolist(),
        "net__dropout": rng.uniform(0, 0.6, n).tolist(),
        "net__width": rng.choice([4, 8, 16, 32], n).tolist(),
        "net__activation": rng.choice(["relu", "tanh", "sigmoid"], n).tolist(),
        "smote__k_neighbors": rng.integers(1, 15, n).tolist(),
        "net__l2": rng.choice([0, 1e-4], n).tolist(),
    }
    scores = rng.normal(0.5, 0.1, (n, 5))
    return SearchDisplay(parameters, scores, seconds=rng.lognormal(0, 2, n))


# ----------------------------------------------------------------------------- numbers


def test_means_are_those_of_the_search(tree_search, ax):
    candidates = SearchDisplay.from_search(tree_search, ax=ax).candidates_
    expected = tree_search.cv_results_["mean_test_score"]
    assert candidates.means == pytest.approx(expected)
    assert candidates.winner == tree_search.best_index_
    assert candidates.metric == "MCC"


def test_ties_are_within_one_standard_error_of_the_winner(ax):
    scores = [[0.5, 0.7], [0.45, 0.55], [0.4, 0.58], [NAN, 0.9]]
    display = SearchDisplay({"a": [1, 2, 3, 4]}, scores).plot(ax)
    # The winner's mean is 0.6 and its standard error 0.1.
    assert display.candidates_.winner == 0
    assert display.candidates_.is_tied.tolist() == [False, True, False, False]


def test_with_one_fold_only_equal_scores_are_tied(ax):
    display = crossed([0.5, 0.5, 0.499], a=[1, 2, 3]).plot(ax)
    assert display.candidates_.is_tied.tolist() == [False, True, False]


def test_an_effect_averages_all_else(tree_search, ax):
    candidates = SearchDisplay.from_search(tree_search, ax=ax).candidates_
    frame = pd.DataFrame(tree_search.cv_results_)
    for name in ("max_depth", "criterion"):
        expected = frame.groupby(f"param_{name}")["mean_test_score"].mean()
        levels = candidates.levels(name).names
        expected.index = expected.index.astype(str)
        assert candidates.effect(name) == pytest.approx(expected[list(levels)])


def test_the_largest_effect_comes_first():
    scores = [0.1 * a + 0.3 * b for a, b in product([0, 1], [0, 1])]
    display = crossed(scores, small=[0, 1], large=[0, 1])
    display.plot(kind="effects")
    assert list(display.candidates_.sizes()) == ["large", "small"]
    assert [ax.get_xlabel() for ax in display.axes_[:2]] == ["large", "small"]


def test_the_interaction_is_of_the_parameters_that_do_not_add_up():
    values = {"a": [0, 1], "b": [0, 1, 2], "c": [0, 1]}
    scores = [a + b + (a if c else -a) for a, b, c in product(*values.values())]
    assert set(crossed(scores, **values).plot().candidates_.interaction()) == {"a", "c"}


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([16, 4, 8], ("4", "8", "16")),
        ([0.001, 1, None], ("0.001", "1", "None")),
        (["tanh", "relu"], ("tanh", "relu")),
        ([True, False], ("True", "False")),
        ([(8, 8), (16,)], ("(8, 8)", "(16,)")),
        ([LogisticRegression(), NAN], ("Logisti…sion()", "not set")),
        ([f"a longer value {i}" for i in (1, 2)], ("a longe…alue 1", "a longe…alue 2")),
        ([1.0, 1.00001], ("1", "1")),
        ([np.ma.masked, 2], ("2", "not set")),
    ],
    ids=[
        "numbers",
        "None",
        "text",
        "bool",
        "tuples",
        "estimators",
        "long",
        "close",
        "masked",
    ],
)
def test_levels_are_in_order_and_named_shortly(values, names):
    display = SearchDisplay({"a": values}, np.ones((len(values), 2)))
    assert display._candidates().levels("a").names == names


def test_many_numbers_are_put_into_bins_of_as_many_candidates():
    values = [*np.linspace(0, 1, 80), "auto", "auto"]
    display = SearchDisplay({"a": values}, np.ones((82, 2)))
    levels = display._candidates().levels("a")
    assert np.bincount(levels.codes).tolist() == [10] * 8 + [2]
    assert levels.names[-1] == "auto"
    assert float(levels.names[0].removeprefix("~")) == pytest.approx(
        np.median(values[:10]), abs=1e-3
    )


def test_of_many_texts_the_common_ones_are_levels():
    values = [*"aabbccddeeffgghh", *"ijkl"]
    display = SearchDisplay({"a": values}, np.ones((20, 2)))
    levels = display._candidates().levels("a")
    assert levels.names == (*"abcdefgh", "others")
    assert np.bincount(levels.codes).tolist() == [2] * 8 + [4]


# ------------------------------------------------------------------------------ panels


def test_two_parameters_make_a_table_with_means_spreads_and_the_winner(ax):
    scores = [[0.1, 0.3], [0.4, 0.4], [0.2, 0.2], [0.8, 0.6], [0.5, 0.5], [0.7, 0.7]]
    display = crossed(scores, row=[1, 2], column=["x", "y", "z"]).plot(ax)
    (artists,) = display.artists_
    assert artists["image"].get_array().tolist() == [
        pytest.approx([0.2, 0.4, 0.2]),
        pytest.approx([0.7, 0.5, 0.7]),
    ]
    written = [text.get_text() for text in ax.texts]
    assert written[0] == "0.20\n± 0.10"
    assert artists["winner"].get_xy() == pytest.approx((-0.46, 0.54))
    assert artists["tied"].get_xy() == pytest.approx((1.54, 0.54))


def test_frames_of_winner_and_ties_differ_without_color(ax):
    display = crossed([0.5, 0.5, 0.1, 0.2], a=[1, 2], b=[1, 2]).plot(ax)
    (artists,) = display.artists_
    styles = {artists[name].get_linestyle() for name in ("winner", "tied")}
    assert len(styles) == 2


def test_candidates_that_failed_are_said_to_be_missing(ax):
    display = crossed([0.5, NAN, 0.1, 0.2], a=[1, 2], b=[1, 2]).plot(ax)
    assert "n/a" in [text.get_text() for text in ax.texts]
    assert display.candidates_.winner == 0


def test_two_parameters_that_were_drawn_at_random_show_effects():
    rng = np.random.default_rng(0)
    display = SearchDisplay(
        {"a": rng.random(30).tolist(), "b": rng.integers(0, 99, 30).tolist()},
        rng.random((30, 3)),
    ).plot(kind="auto")
    assert "effect" in display.artists_[0]


def test_three_parameters_have_a_panel_each_and_one_of_the_interaction():
    values = {"a": [0, 1], "b": [0, 1, 2], "c": [0, 1]}
    rng = np.random.default_rng(0)
    display = crossed(rng.random((12, 3)), **values).plot()
    assert len(display.axes_) == len(display.artists_) == 4
    assert display.figure_ is display.axes_[0].figure
    across = display.axes_[-1].get_legend().get_title().get_text()
    assert {across, display.axes_[-1].get_xlabel()} <= set(values)


@pytest.mark.parametrize("n_parameters", [3, 5])
def test_the_legend_of_several_panels_lies_inside_the_picture(n_parameters):
    levels = {f"parameter_{i}": [0, 1, 2] for i in range(n_parameters)}
    scores = np.random.default_rng(0).uniform(size=(3**n_parameters, 4))
    display = crossed(scores, **levels).plot(kind="effects")
    display.figure_.canvas.draw()
    box = display.figure_.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= display.figure_.bbox.x1


def test_of_many_parameters_the_largest_effects_are_drawn_and_the_rest_counted():
    rng = np.random.default_rng(0)
    values = {f"p{i}": rng.integers(0, 2, 64).tolist() for i in range(7)}
    display = SearchDisplay(values, rng.random((64, 3))).plot()
    assert len(display.axes_) == 6
    named = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert "2 parameters with smaller effects are not shown" in named


def test_training_scores_are_drawn_where_the_search_kept_them(ax):
    grid = {"max_depth": [1, 8]}
    search = GridSearchCV(DecisionTreeClassifier(), grid, return_train_score=True)
    display = SearchDisplay.from_search(search.fit(X, Y), ax=ax)
    heights = display.artists_[0]["train"].get_ydata()
    assert heights == pytest.approx(search.cv_results_["mean_train_score"])


def test_cost_shows_what_no_other_candidate_beats_in_less_time(ax):
    display = SearchDisplay(
        {"a": [1, 2, 3, 4]},
        [[0.1], [0.5], [0.4], [0.9]],
        seconds=[1.0, 2.0, 3.0, 4.0],
    ).plot(ax, kind="cost")
    (artists,) = display.artists_
    assert artists["front"].get_xydata().tolist() == [[1, 0.1], [2, 0.5], [4, 0.9]]
    assert artists["winner"].get_xydata().tolist() == [[4, 0.9]]


def test_costs_over_many_powers_of_ten_can_be_read(ax):
    seconds = np.geomspace(0.016, 0.7, 20)
    scores = np.random.default_rng(0).random((20, 3))
    display = SearchDisplay({"width": range(20)}, scores, seconds=seconds)
    display.plot(ax, kind="cost")
    assert ax.get_xscale() == "log"
    assert_readable(ax.figure)


def test_a_single_candidate_is_drawn_over_its_cost(ax):
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, cv=2)
    display = SearchDisplay.from_search(search.fit(X, Y), ax=ax)
    assert ax.get_xlabel() == "fit time (seconds)"
    assert len(display.artists_[0]["candidates"].get_xdata()) == 1


# ----------------------------------------------------------------------------- reading


def test_results_may_be_a_data_frame(tree_search, ax):
    frame = pd.DataFrame(tree_search.cv_results_)
    display = SearchDisplay.from_cv_results(frame, ax=ax)
    assert display.candidates_.winner == tree_search.best_index_


def test_parameters_are_named_without_their_steps_unless_two_are_alike():
    values = {"net__l2": [1, 2, 1], "cnn__l2": [1, 1, 2], "net__width": [1, 1, 1]}
    candidates = SearchDisplay(values, np.ones((3, 2)))._candidates()
    assert [candidates.short(name) for name in values] == [
        "net__l2",
        "cnn__l2",
        "width",
    ]


def test_parameters_are_chosen_with_or_without_their_steps(ax):
    pipe = Pipeline([("scale", StandardScaler()), ("lr", LogisticRegression())])
    grid = {"lr__C": [0.1, 1], "lr__tol": [1e-3, 1e-4]}
    search = GridSearchCV(pipe, grid, cv=2).fit(X, Y)
    for name in ("C", "lr__C"):
        display = SearchDisplay.from_search(search, parameters=[name], ax=new_axes())
        assert list(display.candidates_.varied) == ["lr__C"]
    with pytest.raises(ValueError, match=r"among \['lr__C', 'lr__tol'\], got 'depth'"):
        SearchDisplay.from_search(search, parameters=["depth"], ax=ax)


def test_of_a_halving_search_the_last_round_is_drawn(tree_search, ax):
    results = dict(tree_search.cv_results_, iter=np.array([0, 0, 0, 0, 1, 1]))
    display = SearchDisplay.from_cv_results(results, ax=ax)
    assert display.candidates_.means == pytest.approx(results["mean_test_score"][4:])


def test_a_winner_that_was_chosen_by_a_function_is_the_one_marked(ax):
    X, y = make_classification(random_state=0)
    rules = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3]},
        cv=2,
        refit=lambda results: int(np.argmin(results["mean_test_score"])),
    ).fit(X, y)
    display = SearchDisplay.from_search(rules, ax=ax)
    assert display.candidates_.winner == rules.best_index_
    assert display.candidates_.winner != np.argmax(display.candidates_.means)


def test_of_several_metrics_that_of_refit_is_drawn(ax):
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2]},
        scoring=["accuracy", "f1"],
        refit="f1",
        cv=2,
    ).fit(X, Y)
    display = SearchDisplay.from_search(search, ax=ax)
    assert display.candidates_.means == pytest.approx(
        search.cv_results_["mean_test_f1"]
    )
    chosen = SearchDisplay.from_search(search, metric="accuracy", ax=new_axes())
    assert chosen.candidates_.metric == "accuracy"
    with pytest.raises(ValueError, match=r"set metric to one of \['accuracy', 'f1'\]"):
        SearchDisplay.from_cv_results(search.cv_results_, ax=ax)
    with pytest.raises(ValueError, match=r"metric must be one of .*, got 'mcc'"):
        SearchDisplay.from_search(search, metric="mcc", ax=ax)


# --------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda ax: SearchDisplay.from_search(GridSearchCV(None, {}), ax=ax),
            "GridSearchCV has no cv_results_: fit the search",
        ),
        (
            lambda ax: SearchDisplay.from_cv_results({"param_a": [1]}, ax=ax),
            "no scores of the folds",
        ),
        (
            lambda ax: crossed([NAN, NAN], a=[1, 2]).plot(ax),
            "None of 2 candidates has a score on every fold",
        ),
        (
            lambda ax: crossed([0.5, 0.6], a=[1, 2]).plot(ax, kind="pie"),
            "kind must be one of auto, heatmap, effects, cost, got 'pie'",
        ),
        (
            lambda ax: crossed([0.5, 0.6], a=[1, 2]).plot(ax, kind="heatmap"),
            "needs two parameters",
        ),
        (
            lambda ax: crossed([0.5, 0.6], a=[1, 2]).plot(ax, kind="cost"),
            "fit times are not known",
        ),
        (
            lambda ax: crossed([0.5], a=[1]).plot(ax),
            "No parameter differs",
        ),
        (
            lambda ax: crossed([1, 2, 3, 4], a=[1, 2], b=[1, 2]).plot(
                ax, kind="effects"
            ),
            "need 3 panels: set ax=None",
        ),
        (
            lambda ax: SearchDisplay({"a": [1, 2]}, [0.5, 0.6]).plot(ax),
            r"scores must be of shape \(n_candidates, n_folds\), got \(2,\)",
        ),
        (
            lambda ax: SearchDisplay({"a": [1, 2]}, [[0.5]]).plot(ax),
            r"a value for each of 1 candidates, got \{'a': 2\}",
        ),
    ],
    ids=[
        "not fitted",
        "no folds",
        "all failed",
        "kind",
        "one parameter",
        "no times",
        "nothing varied",
        "one axes",
        "shape",
        "lengths",
    ],
)
def test_it_says_what_to_do(draw, message, ax):
    with pytest.raises(ValueError, match=message):
        draw(ax)


# -------------------------------------------------------------------------- as pictures


@pytest.mark.parametrize("kind", ["heatmap", "cost"])
def test_no_text_covers_another_on_six_by_four_inches(kind, tree_search, ax):
    display = SearchDisplay.from_search(tree_search, kind=kind, ax=ax)
    assert_readable(display.figure_)


@pytest.mark.parametrize("kind", ["heatmap", "effects", "cost"])
def test_hundreds_of_candidates_can_be_read(kind):
    assert_readable(hundreds().plot(kind=kind).figure_)


@pytest.mark.parametrize("n", [2, 12])
def test_large_and_small_tables_can_be_read(n, ax):
    values = [f"a long value {i}" for i in range(n)]
    scores = np.linspace(0, 1, 3 * n)
    assert_readable(crossed(scores, a=[1, 2, 3], b=values).plot(ax).figure_)
