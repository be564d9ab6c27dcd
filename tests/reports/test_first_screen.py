"""The first screen of the report: verdict, why numbers differ, what to do next."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

import skloss
from skloss import DenseClassifier
from skloss.datasets import make_rare_events
from skloss.diagnosis import NextStep

X, y = make_rare_events(600, prevalence=0.2, random_state=0)


@pytest.fixture(scope="module")
def page():
    model = DenseClassifier(4, depth=1, epochs=3, random_state=0)
    scoring = ["matthews_corrcoef", "f1"]
    grid = GridSearchCV(
        model, {"width": [3, 4]}, scoring=scoring, refit=scoring[0], cv=3
    )
    return grid.fit(X, y), skloss.report(grid, X, y)


def test_one_sentence_says_why_the_scores_differ(page):
    search, found = page
    said = next(c for c in found.answer.caveats if c.startswith("The MCC differs"))
    held = search.best_estimator_.record_
    val = held.history["val_mcc"][-1]
    n_rows = sum(held.data["class_counts"]["validation"])
    assert f"the mean over 3 folds is {search.best_score_:.2f} (" in said
    assert f"the last fit has {val:.2f} on the {n_rows} rows" in said


def test_what_to_do_next_stands_before_the_findings(page):
    _, found = page
    assert 1 <= len(found.next_steps) <= 3
    assert all(isinstance(step, NextStep) for step in found.next_steps)
    text = "Use 5 folds instead of 3"
    assert any(step.text.startswith(text) for step in found.next_steps)
    assert found.html.index(text) < found.html.index('id="findings"')


@pytest.mark.usefixtures("sketched")
def test_a_section_without_content_is_hidden_and_its_reason_is_kept():
    html = skloss.report({"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]}).html
    for hidden in ("search", "groups", "errors", "configuration"):
        assert f'id="{hidden}"' not in html
        assert f'href="#{hidden}"' not in html
    assert "What this page does not show" in html
    assert 'id="curves"' in html


@pytest.mark.usefixtures("sketched")
def test_layers_and_versions_are_folded_and_fixes_are_open(page):
    _, found = page
    for title in ("Layers", "Software versions of this report"):
        assert f"<details><summary>{title} (" in found.html
    broken = DenseClassifier(
        4, depth=1, epochs=3, learning_rate=5.0, random_state=0, batch_size=64
    ).fit(X, y)
    shown = skloss.report(broken, X, y)
    fix = shown.diagnosis.findings[0].fix
    before = shown.html[: shown.html.index("Fix: ")]
    assert fix
    assert before.rindex(" open>") > before.rindex("<summary>") - 60


def test_the_threshold_is_a_step_where_another_one_is_better():
    from skloss.reports.context import HeldOut
    from skloss.reports.report_steps import _of_threshold

    truth = np.repeat([0, 1], [180, 30])
    scores = np.r_[np.linspace(0.0, 0.2, 180), np.linspace(0.3, 0.45, 30)]
    (step,) = _of_threshold(HeldOut(truth, scores, 1))
    assert "0.3 gives MCC 1.00, 0.5 gives 0.00" in step.text
    assert step.gain == pytest.approx(0.5)
    assert not list(_of_threshold(HeldOut(truth, scores + 0.25, 1)))
