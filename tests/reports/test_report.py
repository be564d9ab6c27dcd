"""What the report page says, as data and as HTML; a browser opens it elsewhere."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, matthews_corrcoef
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from user_questions.question_histories import LINEAR_STACK_ON_RARE_EVENTS

import skloss
from skloss import DenseClassifier, Pipeline, TrainingRecord
from skloss.cli import main
from skloss.datasets import make_rare_events
from skloss.diagnosis import Diagnosis, Finding
from skloss.exceptions import DiagnosisError, ResampledValidationWarning
from skloss.reports.answer import answer
from skloss.reports.baseline_scores import (
    LOGISTIC,
    baseline_predictions,
    scores_on_folds,
)
from skloss.reports.build_context import build_context
from skloss.reports.candidate_table import candidates
from skloss.reports.confusion_tables import confusions
from skloss.reports.context import HeldOut, NotKnown, Split
from skloss.reports.data_tables import curves
from skloss.reports.html_page import render
from skloss.reports.score_intervals import Score, of_counts, of_difference, of_folds
from skloss.search.grid_search import Search
from skloss.search.search_page import as_grid_search

pytestmark = pytest.mark.usefixtures("graphs")

HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too' $\\frac{$"
VOID = {"meta", "link", "br", "hr", "img", "input"}
MOST_BYTES = 2_000_000
SCORING = ["matthews_corrcoef", "f1"]
SKETCHED = pytest.mark.usefixtures("sketched")  # where no picture is looked at


class Page(HTMLParser):
    """Tags of a page, checked to be closed in order, its ids and its words."""

    def __init__(self, text):
        super().__init__()
        self.opened, self.stack, self.ids, self.words = [], [], [], ""
        self.outside = []
        self.feed(text)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        self.opened.append(tag)
        known = dict(attributes)
        if "id" in known:
            self.ids.append(known["id"])
        for name in ("src", "href", "xlink:href", "action", "data"):
            if name in known and not known[name].startswith(("#", "data:")):
                self.outside.append(known[name])
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, text):
        if self.stack[-1:] not in (["style"], ["script"]):
            self.words += text


@pytest.fixture(scope="module")
def rows():
    return make_rare_events(1500, random_state=0)


@pytest.fixture(scope="module")
def pipeline(rows):
    steps = [
        ("scale", StandardScaler()),
        ("more", RandomOverSampler(random_state=0)),
        ("dense", DenseClassifier(batch_size=1024, epochs=4, random_state=0)),
    ]
    return Pipeline(steps).fit(*rows)


@pytest.fixture(scope="module")
def search(pipeline, rows):
    grid = {"dense__dropout": [0.0, 0.25], "dense__width": [4, 8]}
    found = GridSearchCV(
        clone(pipeline), grid, scoring=SCORING, refit=SCORING[0], cv=StratifiedKFold(3)
    )
    return found.fit(*rows)


@pytest.fixture(scope="module")
def page(pipeline, rows):
    return skloss.report(pipeline, X=rows[0], y=rows[1])


def answer_about(*source, **options):
    """Return the answer of the page, without the page."""
    return answer(build_context(*source, **options))


def words_of(report):
    return " ".join(Page(report.html).words.split())


# --------------------------------------------------------------------------- intervals


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    recall, fpr, n = 0.7, 0.02, (475, 40)
    truth = [[n[0] * (1 - fpr), n[0] * fpr], [n[1] * (1 - recall), n[1] * recall]]
    wanted = of_counts(truth)["mcc"].value
    hits = 0
    for _ in range(100):
        fp, tp = rng.binomial(n[0], fpr), rng.binomial(n[1], recall)
        found = of_counts([[n[0] - fp, fp], [n[1] - tp, tp]])["mcc"]
        hits += found.low <= wanted <= found.high
    assert 88 <= hits <= 100


def test_values_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    for n_classes in (2, 3, 7):
        truth, said = rng.integers(0, n_classes, (2, 300))
        table = np.zeros((n_classes, n_classes))
        np.add.at(table, (truth, said), 1)
        average = "binary" if n_classes == 2 else "macro"
        found = of_counts(table)
        assert found["mcc"].value == pytest.approx(matthews_corrcoef(truth, said))
        assert found["f1"].value == pytest.approx(
            f1_score(truth, said, average=average)
        )


def test_many_classes_of_few_rows_do_not_pull_the_interval_down():
    table = 4.0 * np.eye(10) + 2.0 * np.roll(np.eye(10), 1, axis=1)
    found = of_counts(table)["recall"]
    assert found.value == pytest.approx(2 / 3)
    assert found.low < 0.6 < 0.72 < found.high


def test_no_error_among_few_rows_is_not_taken_for_certainty():
    few, many = (of_counts([[n, 0], [0, n]])["mcc"] for n in (10, 1000))
    assert few.low < 0.9 < many.low
    assert few.high == many.high == pytest.approx(1)


def test_a_classifier_does_not_differ_from_itself():
    same = np.zeros((2, 2, 2))
    same[0, 0, 0], same[0, 1, 1], same[1, 0, 0], same[1, 1, 1] = 80, 5, 4, 11
    difference = of_difference(same)["mcc"]
    assert difference.value == 0
    assert difference.low < 0 < difference.high


def test_a_paired_difference_is_told_sooner_than_two_intervals_apart():
    joint = np.zeros((2, 2, 2))
    joint[0, 0, 0], joint[1, 1, 1], joint[1, 1, 0], joint[1, 0, 0] = 400, 24, 8, 8
    ours, theirs = of_counts(joint.sum(axis=2)), of_counts(joint.sum(axis=1))
    assert ours["mcc"].low < theirs["mcc"].high
    assert of_difference(joint)["mcc"].low > 0


def test_more_folds_and_less_spread_make_shorter_intervals():
    def width(values):
        score = of_folds(values, -1.0)
        return score.high - score.low

    assert width([0.5, 0.6, 0.7]) > width([0.5, 0.6, 0.7] * 3) > 0
    assert width([0.5, 0.6, 0.7]) > width([0.59, 0.6, 0.61])
    assert of_folds([0.5], -1.0) == Score(0.5)


# ------------------------------------------------------------------------------ answer


def test_the_scores_are_of_rows_held_out_never_of_those_trained_on(page, pipeline):
    outcome = pipeline[-1].record_.outcome
    said = np.array(outcome["validation_scores"]) > 0.5
    wanted = matthews_corrcoef(outcome["validation_truth"], said)
    assert page.answer.scores["This classifier"][0].value == pytest.approx(wanted)
    assert "150 held-out rows" in page.answer.sentence


@SKETCHED
def test_without_held_out_rows_there_is_no_answer_whatever_is_given(rows):
    fitted = DenseClassifier(epochs=20, validation_fraction=None, random_state=0)
    found = skloss.report(fitted.fit(*rows), X=rows[0], y=rows[1])
    assert found.answer.verdict == "unknown"
    assert found.answer.scores is None
    assert "Set validation_fraction" in found.answer.sentence
    assert "There is no validation curve" in words_of(found)


def test_a_rare_class_not_found_among_rows_trained_on_is_answer_enough(rows):
    fitted = DenseClassifier(
        None, epochs=1, learning_rate=1e-6, validation_fraction=None, random_state=0
    )
    found = answer_about(fitted.fit(*rows))
    assert found.verdict == "no"
    assert found.headline == "No: the network does not detect the rare class"
    assert found.scores is None


def test_the_logistic_regression_saw_the_same_rows(pipeline, rows):
    X, y = rows
    context = build_context(pipeline, X, y)
    kept, held = pipeline[-1].split_validation(X, y)
    scaler = StandardScaler().fit(X[kept])
    more = RandomOverSampler(random_state=0)
    line = LogisticRegression(max_iter=200)
    line.fit(*more.fit_resample(scaler.transform(X[kept]), y[kept]))
    truth, predicted = baseline_predictions(context.split, context.estimator)
    assert (truth == y[held]).all()
    assert (
        predicted[LOGISTIC] == line.predict(scaler.transform(X[held]))
    ).mean() > 0.98


def test_the_folds_of_a_search_are_drawn_again(search, rows):
    context = build_context(search, *rows)
    wanted = StratifiedKFold(3).split(*rows)
    for (train, test), (same_train, same_test) in zip(
        context.folds.splits, wanted, strict=True
    ):
        assert (train == same_train).all()
        assert (test == same_test).all()
    best = search.best_index_
    for name in SCORING:
        mean = search.cv_results_[f"mean_test_{name}"][best]
        assert context.folds.scores[name].mean() == pytest.approx(mean)
    baselines = scores_on_folds(context.folds, context.estimator, *rows)
    assert all(len(baselines[LOGISTIC][name]) == 3 for name in SCORING)


def test_folds_that_cannot_be_drawn_again_are_not_guessed(search, rows):
    shuffled = clone(search).set_params(cv=StratifiedKFold(3, shuffle=True))
    vars(shuffled).update(
        {name: value for name, value in vars(search).items() if name.endswith("_")}
    )
    found = answer(build_context(shuffled, *rows))
    assert LOGISTIC not in found.scores
    assert any(
        "Set random_state of the splitter to an int" in text for text in found.caveats
    )


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_both_models_are_compared_on_the_rows_that_were_held_out(rows, in_pipeline):
    X, y = rows
    order = np.argsort(y, kind="stable")  # the labels of any hold-out are then equal
    X, y = X[order], y[order]
    fitted = DenseClassifier(epochs=1, width=4)  # no random_state
    if in_pipeline:
        fitted = skloss.make_pipeline(StandardScaler(), SMOTE(), fitted)
    fitted.fit(X, y)
    network = fitted[-1] if in_pipeline else fitted
    split = build_context(fitted, X, y).split
    predicted = fitted.predict_proba(split.X_val)[:, 1]
    recorded = network.record_.outcome["validation_scores"]
    np.testing.assert_allclose(predicted, recorded, atol=1e-5)
    assert len(split.X) + len(split.X_val) == len(X)
    assert LOGISTIC in answer_about(fitted, X, y).scores


def test_a_hold_out_that_cannot_be_found_again_is_not_guessed(rows):
    X, y = rows
    order = np.argsort(y, kind="stable")
    fitted = DenseClassifier(epochs=1).fit(X[order], y[order])
    for name in ("held_out_rows", "n_given"):  # as in records of 0.1.0
        del fitted.record_.data[name]
    found = answer_about(fitted, X[order], y[order])
    assert LOGISTIC not in found.scores
    assert any("cannot be found again" in text for text in found.caveats)


def test_rows_passed_as_hold_out_are_those_that_both_models_are_scored_on(rows):
    X, y = rows
    fitted = DenseClassifier(epochs=1, random_state=0).fit(X, y)
    context = build_context(fitted, X, y, X_val=X[:50], y_val=y[:50])
    np.testing.assert_array_equal(context.held_out.truth, context.split.y_val)
    np.testing.assert_allclose(
        context.held_out.scores, fitted.predict_proba(X[:50])[:, 1]
    )


def test_a_path_in_the_place_of_rows_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"X must be the rows .* path=\.\.\."):
        skloss.report({"loss": [0.5]}, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_without_rows_the_page_says_what_to_pass(pipeline):
    found = answer_about(pipeline)
    assert LOGISTIC not in found.scores
    assert any("Pass X and y" in text for text in found.caveats)


def test_scores_after_a_leak_are_no_answer(pipeline):
    context = build_context(pipeline)
    leak = Finding(
        "V01", "resample-before-split", "error", "Rows were copied before.", {}, "Mend."
    )
    leaky = dataclasses.replace(context, diagnosis=Diagnosis((leak,)))
    found = answer(leaky)
    assert found.verdict == "unknown"
    assert found.scores is None
    assert "Rows were copied before." in found.sentence


def test_rows_made_by_a_sampler_before_the_split_give_no_answer(rows):
    X, y = SMOTE(random_state=0).fit_resample(*rows)
    with pytest.warns(ResampledValidationWarning):
        fitted = DenseClassifier(epochs=5, random_state=0).fit(X, y)
    found = answer_about(fitted, X, y)
    assert found.verdict == "unknown"
    assert found.scores is None
    folds = {"test_f1": [0.9, 0.95, 0.9], "estimator": [fitted] * 3}
    of_folds = answer_about(folds, X, y)
    assert of_folds.verdict == "unknown"
    assert "Put the sampler into a skloss.Pipeline" in of_folds.sentence


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ("learned", "yes"),
        ("constant", "no"),
    ],
)
def test_the_verdict_is_that_of_the_scores(scores, verdict, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)  # no line can tell these
    network = DenseClassifier(epochs=20, random_state=0, width=16).fit(X, y)
    record = network.record_
    truth = np.array(record.outcome["validation_truth"])
    if scores == "constant":
        says = np.array([1.0, 0.0])
        monkeypatch.setattr(
            network, "predict_proba", lambda X: np.tile(says, (len(X), 1))
        )
        record.outcome["validation_scores"] = [0.0] * len(truth)
        for name in ("tp", "fp"):
            record.history[f"val_{name}"] = [0.0] * record.n_epochs
        for name, label in (("fn", 1), ("tn", 0)):
            count = float((truth == label).sum())
            record.history[f"val_{name}"] = [count] * record.n_epochs
    assert answer_about(network, X, y).verdict == verdict


# ------------------------------------------------------------------------------ tables


def test_the_best_threshold_is_the_best_of_all():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    scores = np.round(rng.uniform(size=60) * 0.5 + truth * 0.3, 2)
    context = HeldOut(truth, scores, positive=1)
    best = context.best_threshold
    values = [matthews_corrcoef(truth, scores >= t) for t in np.unique(scores)]
    assert matthews_corrcoef(truth, scores >= best) == pytest.approx(max(values))


def test_the_confusion_matrices_count_every_row_held_out(pipeline):
    context = build_context(pipeline)
    n_held = len(context.held_out.truth)
    tables = confusions(context)
    assert len(tables) == 2
    for table in tables:
        assert sum(cell.number for row in table.rows for cell in row[1:]) == n_held


def test_candidates_are_ranked_and_failures_come_last(search):
    results = {k: np.array(v, copy=True) for k, v in search.cv_results_.items()}
    name = "mean_test_matthews_corrcoef"
    results[name][search.best_index_] = np.nan
    table = candidates(results, "matthews_corrcoef")
    place = table.columns.index("MCC (test)")
    numbers = [row[place].number for row in table.rows]
    assert numbers[:-1] == sorted(numbers[:-1], reverse=True)
    assert table.rows[-1][place].text == "failed"
    assert any("return_train_score=True" in note for note in table.notes)


@SKETCHED
def test_the_only_score_of_a_search_is_shown_by_its_name(rows):
    search = GridSearchCV(
        DenseClassifier(epochs=1, random_state=0),
        {"width": [3, 4]},
        scoring="average_precision",
        cv=2,
    ).fit(*rows)
    found = skloss.report(search)
    assert found.answer.metrics == ("average precision",)
    assert "average precision (test)" in words_of(found)
    assert "The mean average precision of 2 candidates" in words_of(found)


def test_scores_on_training_rows_are_shown_where_there_are_some(search):
    results = dict(search.cv_results_)
    results["mean_train_f1"] = results["std_train_f1"] = results["mean_test_f1"]
    for part in ("mean", "std"):
        results[f"{part}_train_matthews_corrcoef"] = results[f"{part}_test_f1"]
    table = candidates(results, "matthews_corrcoef")
    assert "MCC (train)" in table.columns
    assert not any("return_train_score" in note for note in table.notes)


def test_of_many_epochs_the_best_and_the_last_are_shown(pipeline):
    history = {"loss": np.linspace(1, 0, 5000).tolist()}
    record = TrainingRecord(history=history, outcome={"best_epoch": 1234})
    table = curves(dataclasses.replace(build_context(pipeline), record=record))
    epochs = [int(row[0].text) for row in table.rows]
    assert {1, 1235, 5000} <= set(epochs)
    assert len(epochs) < 110
    assert epochs[table.marked[0]] == 1235


# -------------------------------------------------------------------------------- page


def test_the_gap_is_told_in_the_answer_and_drawn_beside_the_losses(page, pipeline):
    sentence = skloss.diagnose(pipeline).gap.sentence
    answer = page.html.split('id="answer"')[1].split("</section>")[0]
    assert sentence in Page(f"<p{answer}</p>").words
    curves = page.html.split('id="curves"')[1].split("</section>")[0]
    assert "From the printed training loss to the validation loss" in curves


def test_the_page_is_one_well_formed_file_that_loads_nothing(page):
    read = Page(page.html)
    assert len(page.html.encode()) < MOST_BYTES
    assert not read.outside
    assert "://" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", page.html)
    assert len(read.ids) == len(set(read.ids))
    assert read.opened.count("h1") == 1
    assert read.opened.count("h2") == 7
    assert read.opened.count("svg") == 5


def test_a_page_is_the_same_every_time(page, pipeline, rows):
    assert skloss.report(pipeline, X=rows[0], y=rows[1]).html == page.html


@SKETCHED
def test_every_section_of_the_contents_is_there(search, rows):
    read = skloss.report(search, X=rows[0], y=rows[1])
    for target in re.findall(r'<a href="#(\w+)">', read.html):
        assert f'<section id="{target}"' in read.html
    assert "The best of 4 candidates was selected on these same folds" in words_of(read)


def test_the_code_on_the_page_makes_the_same_estimator(page, pipeline):
    code = re.search(r"<pre[^>]*><code>(.*?)</code></pre>", page.html, re.DOTALL)[1]
    unescaped = code.replace("&#39;", "'").replace("&gt;", ">").replace("&lt;", "<")
    names: dict = {"X": None, "y": None}
    exec(unescaped.rpartition("model.fit")[0], names)
    assert repr(names["model"]) == repr(clone(pipeline))


@SKETCHED
def test_what_was_typed_takes_the_place_of_code(pipeline):
    found = skloss.report(pipeline, command="skloss search 'my rows.csv'")
    assert "skloss search 'my rows.csv'" in words_of(found)
    assert "model.fit" not in found.html


def test_hostile_names_of_columns_and_classes_are_text(rows):
    X = pd.DataFrame(rows[0], columns=[f"{HOSTILE}{i}" for i in range(len(rows[0][0]))])
    y = np.where(rows[1] == 1, HOSTILE, "calm")
    fitted = DenseClassifier(epochs=2, random_state=0).fit(X, y)
    found = skloss.report(fitted, X=X, y=y, command=HOSTILE)
    read = Page(found.html)
    assert read.opened.count("script") == 1
    assert "<script>alert" not in found.html
    assert HOSTILE in " ".join(read.words.split())
    framed = Page(found._repr_html_())
    assert framed.opened == ["iframe"]


def test_hundreds_of_candidates_and_many_epochs_stay_below_two_megabytes(
    search, pipeline
):
    n = 1500
    rng = np.random.default_rng(0)
    names = [f"param_{i}" for i in range(6)]
    results = {
        "params": [
            {name: float(value) for name, value in zip(names, values, strict=True)}
            for values in rng.integers(0, 4, (n, 6))
        ],
        "mean_fit_time": rng.uniform(size=n),
        "std_fit_time": rng.uniform(size=n),
    }
    for name in names:
        results[f"param_{name}"] = [one[name] for one in results["params"]]
    for metric in SCORING:
        folds = rng.uniform(size=(3, n))
        for fold, values in enumerate(folds):
            results[f"split{fold}_test_{metric}"] = values
        results[f"mean_test_{metric}"] = folds.mean(axis=0)
        results[f"std_test_{metric}"] = folds.std(axis=0)
    history = {
        name: rng.uniform(size=10_000).tolist() for name in pipeline[-1].record_.history
    }
    context = build_context(search)
    record = dataclasses.replace(context.record, history=history)
    large = dataclasses.replace(context, cv_results=results, record=record)
    html = render(large, answer(large))
    Page(html)
    assert len(html.encode()) < MOST_BYTES
    assert "of 1,500 candidates." in html


# ----------------------------------------------------------------------------- sources


@SKETCHED
def test_a_record_gives_the_page_of_its_classifier(pipeline, tmp_path):
    path = tmp_path / "run.json"
    pipeline[-1].record_.save(path)
    of_file = skloss.report(path)
    of_record = skloss.report(TrainingRecord.load(path))
    assert of_file.answer.scores == of_record.answer.scores
    assert of_file.answer.scores == skloss.report(pipeline).answer.scores
    code = "DenseClassifier(batch_size=1024, epochs=4, random_state=0)"
    assert code in words_of(of_file)


@SKETCHED
def test_a_cross_validation_is_judged_by_its_own_folds(pipeline, rows):
    results = cross_validate(
        clone(pipeline),
        *rows,
        cv=3,
        scoring=SCORING,
        return_estimator=True,
        return_indices=True,
    )
    found = skloss.report(results, X=rows[0], y=rows[1])
    own = found.answer.scores["This classifier"]
    assert own[0].value == pytest.approx(results["test_matthews_corrcoef"].mean())
    assert LOGISTIC in found.answer.scores
    assert "Curves of all folds" in words_of(found)


@SKETCHED
def test_a_cross_validation_that_scored_something_else_is_scored_here(rows):
    X, y = rows
    names = np.array(["common", "rare"])[y]
    mlp = MLPClassifier((4,), max_iter=20, tol=1.0, random_state=0)
    keep = {"cv": 3, "return_estimator": True, "return_indices": True}
    found = skloss.report(cross_validate(mlp, X, names, **keep), X=X, y=names).answer
    expected = cross_validate(mlp, X, y, cv=3, scoring=SCORING)
    assert found.metrics == ("MCC", "F1")
    own = [score.value for score in found.scores["This classifier"]]
    means = [expected[f"test_{name}"].mean() for name in SCORING]
    assert own == pytest.approx(means)


def test_folds_that_were_not_kept_are_asked_for(rows):
    mlp = MLPClassifier((4,), max_iter=20, tol=1.0, random_state=0)
    results = cross_validate(mlp, *rows, cv=3, return_estimator=True)
    found = answer_about(results, *rows)
    assert found.headline == "Unknown: the score of guessing is not known"
    asked = " ".join(found.caveats)
    assert "Call cross_validate with return_indices=True" in asked
    assert "cross-validate with scoring" in asked


@SKETCHED
@pytest.mark.parametrize("logits", [False, True], ids=["probabilities", "logits"])
def test_a_keras_model_is_compared_on_its_validation_rows(rows, logits):
    import keras

    X, y = rows
    head = keras.layers.Dense(1, None if logits else "sigmoid")
    model = keras.Sequential([keras.Input(X.shape[1:]), head])
    loss = keras.losses.BinaryCrossentropy(from_logits=logits)
    model.compile("adam", loss, jit_compile=False)
    val = X[1000:], y[1000:]
    past = model.fit(X[:1000], y[:1000], validation_data=val, epochs=2, verbose=0)
    given = {"history": past, "X_val": val[0], "y_val": val[1]}
    context = build_context(model, X[:1000], y[:1000], **given)
    outputs = np.asarray(model(val[0]))[:, 0]
    expected = 1 / (1 + np.exp(-outputs)) if logits else outputs
    assert context.held_out.scores == pytest.approx(expected)
    assert list(context.held_out.truth) == list(val[1])
    said = words_of(skloss.report(model, X=X[:1000], y=y[:1000], **given))
    assert "(highest MCC)" in said
    assert "loss (nats)" in said
    assert "original rows" not in said
    assert "learning_rate0.001 " in said


def test_other_libraries_are_judged_by_the_rows_given(rows):
    X, y = rows
    mlp = MLPClassifier(tol=1e-3, n_iter_no_change=3, batch_size=20, random_state=0)
    mlp.fit(X[:1000], y[:1000])
    alone = answer_about(mlp, X[:1000], y[:1000])
    assert alone.verdict == "unknown"
    assert "pass X_val and y_val" in alone.sentence
    found = answer_about(mlp, X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:])
    wanted = matthews_corrcoef(y[1000:], mlp.predict(X[1000:]))
    assert found.scores["This classifier"][0].value == pytest.approx(wanted)
    assert LOGISTIC in found.scores


@SKETCHED
def test_many_classes_have_a_page():
    rng = np.random.default_rng(0)
    y = np.repeat(list("abcdefghij"), 40)
    X = rng.normal(size=(400, 5)) + np.arange(400)[:, None] // 40
    fitted = DenseClassifier(epochs=3, random_state=0).fit(X, y)
    found = skloss.report(fitted, X=X, y=y)
    read = words_of(found)
    assert "Confusion matrix" in read
    assert "predicted j" in read
    assert "ROC curves" in read


@SKETCHED
def test_curves_alone_have_a_page_that_says_what_is_missing():
    found = skloss.report({"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]})
    assert found.answer.verdict == "unknown"
    assert "Curves do not contain the confusion matrix" in found.answer.sentence
    assert "Pass the fitted classifier" in words_of(found)


def test_curves_that_never_find_the_rare_class_are_answer_enough():
    found = answer_about(LINEAR_STACK_ON_RARE_EVENTS)
    assert found.verdict == "no"
    assert "No row of the minority is predicted correctly" in found.sentence


def test_a_loss_that_is_no_number_is_answer_enough():
    found = answer_about({"loss": [0.7, np.nan, np.nan]})
    assert (found.verdict, found.headline) == (
        "no",
        "No: the loss became NaN or infinite",
    )


@SKETCHED
def test_the_constant_guess_is_drawn_where_curves_imply_it():
    shares = skloss.diagnose(LINEAR_STACK_ON_RARE_EVENTS).find("train-val-prior-shift")
    guess = shares.evidence["loss of a constant guess in validation"].value
    said = words_of(skloss.report(LINEAR_STACK_ON_RARE_EVENTS))
    assert f"constant guess ({guess:.3g})" in said


@SKETCHED
def test_a_curve_that_stands_still_is_said_to():
    said = words_of(skloss.report({"loss": [0.7, 0.6], "val_recall": [0.0, 0.0]}))
    assert "Validation recall stays at 0 in all 2 epochs" in said


@SKETCHED
@pytest.mark.parametrize(
    ("history", "said"),
    [
        ({"loss": [0.7]}, "One epoch gives a point"),
        ({"loss": [0.7, 0.5]}, "There is no validation curve"),
        ({"loss": [0.7, np.nan, np.nan], "val_loss": [1, 2, 3]}, "nonfinite-loss"),
        ({"loss": [np.nan, np.nan]}, "Training loss has no finite value"),
        ({"accuracy": [0.7, 0.8]}, "There is no curve of the training loss"),
    ],
    ids=["one epoch", "no validation", "NaN", "nothing but NaN", "no loss"],
)
def test_poor_curves_have_a_page(history, said):
    assert said in words_of(skloss.report(history))


def test_a_diagnosis_says_that_its_source_is_to_be_given():
    with pytest.raises(ValueError, match=r"what skloss\.diagnose was given"):
        skloss.report(skloss.diagnose({"loss": [0.7, 0.5]}))


# ----------------------------------------------------------------- notebooks and files


def test_a_notebook_shows_the_page_in_a_frame(page):
    frame = page._repr_html_()
    assert Page(frame).opened == ["iframe"]
    assert 'sandbox="allow-scripts' in frame
    assert "<style" not in frame


def test_a_report_prints_as_one_line(page):
    shown = repr(page)
    assert shown.count("\n") == 0
    assert page.answer.headline in shown


@SKETCHED
def test_the_page_is_written_where_it_was_asked_for(page, tmp_path):
    path = page.save(tmp_path / "page.html")
    assert path.read_text("utf-8") == page.html
    skloss.report({"loss": [0.5]}, path=tmp_path / "other.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.html", "page.html"]


@SKETCHED
def test_a_path_that_cannot_be_written_to_is_refused(page, tmp_path):
    with pytest.raises(FileNotFoundError, match="Give the path of a file in"):
        page.save(tmp_path / "nowhere" / "page.html")
    with pytest.raises(IsADirectoryError, match="cannot be written to"):
        page.save(tmp_path)


def test_what_is_not_fitted_or_no_training_is_refused(rows):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        skloss.report(DenseClassifier())
    with pytest.raises(DiagnosisError, match="keeps no curves"):
        skloss.report(LogisticRegression().fit(*rows))
    with pytest.raises(ValueError, match="X was given without y"):
        skloss.report({"loss": [1.0]}, X=rows[0])


def test_a_logistic_regression_that_cannot_be_fitted_is_left_out_with_its_reason():
    split = Split(np.array([["a"], ["b"]]), [0, 1], np.array([["a"]]), [0])
    with pytest.raises(NotKnown, match="cannot be fitted on these rows"):
        baseline_predictions(split, None)


# ------------------------------------------------------------------------ command line


@SKETCHED
def test_the_command_writes_a_page(tmp_path, capsys):
    path, out = tmp_path / "curves.json", tmp_path / "page.html"
    path.write_text(json.dumps({"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]}))
    assert main(["report", str(path), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    assert Page(out.read_text("utf-8")).opened.count("h1") == 1


@SKETCHED
@pytest.mark.parametrize(
    ("name", "content", "out", "said", "status"),
    [
        ("nowhere.json", None, "page.html", "cannot read", 2),
        ("run.json", "{}", "page.html", "it is empty", 2),
        ("run.json", '{"loss": [1]}', "no/page.html", "Give the path of a file", 3),
    ],
    ids=["no file", "no curves", "no folder"],
)
def test_the_command_refuses_in_one_line(
    tmp_path, capsys, name, content, out, said, status
):
    if content is not None:
        (tmp_path / name).write_text(content)
    code = main(["report", str(tmp_path / name), "--out", str(tmp_path / out)])
    err = capsys.readouterr().err
    assert code == status
    assert said in err
    assert err.count("\n") == 1


# ---------------------------------------------------------- the search of the command


def own_search(pipeline, rows, candidates):
    splits = list(StratifiedKFold(3).split(*rows))
    return Search(clone(pipeline), candidates, splits)


def test_a_search_of_the_command_is_read_as_that_of_scikit_learn(
    search, pipeline, rows
):
    own = own_search(pipeline, rows, search.cv_results_["params"])
    grid = as_grid_search(own.run(*rows), own, rows[1])
    assert grid.best_params_ == search.best_params_
    assert grid.cv_results_.keys() <= search.cv_results_.keys() | {
        name for name in grid.cv_results_ if name.endswith("_test_accuracy")
    }
    for name in SCORING:
        for part in ("mean_test", "std_test", "split2_test"):
            found, wanted = (
                one.cv_results_[f"{part}_{name}"] for one in (grid, search)
            )
            np.testing.assert_allclose(found, wanted)
    ours, theirs = (answer(build_context(one, *rows)) for one in (grid, search))
    for who in theirs.scores:
        assert ours.scores[who][:2] == theirs.scores[who]


@SKETCHED
def test_a_winner_that_was_chosen_by_a_function_is_the_one_marked(rows):
    grid = {"width": [2, 4, 8]}
    model = DenseClassifier(epochs=2, random_state=0)
    chosen = GridSearchCV(model, grid, scoring=SCORING, cv=2, refit=lambda results: 2)
    found = skloss.report(chosen.fit(*rows), X=rows[0], y=rows[1])
    assert "The winner has width 8" in words_of(found)
    table = candidates(chosen.cv_results_, SCORING[0], chosen.best_index_)
    marked = [table.rows[place][1].text for place in table.marked]
    assert marked == ["8"]


def test_a_candidate_that_failed_is_in_the_table_of_the_page(pipeline, rows):
    own = own_search(pipeline, rows, [{"dense__width": 4}, {"dense__dropout": 2.0}])
    result = own.run(*rows)
    grid = as_grid_search(result, own, rows[1])
    table = candidates(grid.cv_results_, "matthews_corrcoef")
    assert [row[0].text for row in table.rows] == ["1", "2"]
    assert table.rows[1][table.columns.index("MCC (test)")].text == "failed"
    assert "1 candidate failed on at least one fold" in " ".join(table.notes)


@SKETCHED
def test_skloss_search_writes_the_page(rows, tmp_path, capsys, monkeypatch):
    # The command sets these for a process of its own; here they must go back.
    for name in ("TF_NUM_INTRAOP", "OPENBLAS_NUM", "OMP_NUM", "MKL_NUM"):
        monkeypatch.setenv(f"{name}_THREADS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    frame = pd.DataFrame(rows[0], columns=[f"{HOSTILE}{i}" for i in range(12)])
    frame.assign(label=rows[1]).to_csv(tmp_path / "rows.csv", index=False)
    typed = ["search", str(tmp_path / "rows.csv"), "--target", "label", "--out"]
    typed += [str(tmp_path), "--model", "dense", "--folds", "2", "--grid", "epochs=2"]
    assert main(typed) == 0
    assert "report.html" in capsys.readouterr().out
    read = Page((tmp_path / "report.html").read_text("utf-8"))
    assert " ".join(["skloss", *typed]) in read.words
    assert "Logistic regression" in read.words
