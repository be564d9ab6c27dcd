"""Scorers for several metrics: against scikit-learn's, for any labels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    matthews_corrcoef,
)
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
)

from skloss import DenseClassifier
from skloss.metrics import scoring

rng = np.random.default_rng(0)
N = 300
codes = (np.arange(N) % 6 == 0).astype(int)
three = np.arange(N) % 6 // 4 + (np.arange(N) % 6 == 5)
X = rng.normal(size=(N, 3)) + codes[:, None] + 0.7 * (three == 1)[:, None]
weight = rng.uniform(0.5, 2, N)
LABELS = {
    "numbers": codes,
    "text": np.where(codes == 1, "bad", "good"),  # the rare class is the first one
    "booleans": codes == 1,
    "signs": np.where(codes == 1, -1, 1),
}


@pytest.mark.parametrize("kind", LABELS)
def test_scores_of_two_classes_are_those_of_the_rare_class(kind):
    y = LABELS[kind]
    rare = y[0]
    model = LogisticRegression().fit(X, y)
    p = model.predict_proba(X)[:, list(model.classes_).index(rare)]
    predicted = model.predict(X)
    wrong = np.mean(predicted[y != rare] == rare)
    expected = {
        "mcc": matthews_corrcoef(y, predicted),
        "f1": f1_score(codes, (predicted == rare).astype(int)),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "average_precision": average_precision_score(codes, p),
        "neg_fpr": -wrong,
        "neg_brier_score": -np.mean((p - codes) ** 2),
    }
    found = {name: scorer(model, X, y) for name, scorer in scoring(y).items()}
    assert found == pytest.approx(expected)
    assert list(found) == list(expected)


def test_pos_label_chooses_the_other_class():
    y = LABELS["text"]
    model = LogisticRegression().fit(X, y)
    found = scoring(y, pos_label="good")["f1"](model, X, y)
    assert found == pytest.approx(f1_score(y, model.predict(X), pos_label="good"))


@pytest.mark.parametrize("names", [None, np.array(["no", "maybe", "yes"])])
def test_scores_of_more_classes_are_means_over_them(names):
    y = three if names is None else names[three]
    model = LogisticRegression().fit(X, y)
    p, predicted = model.predict_proba(X), model.predict(X)
    truth = np.array([y == label for label in model.classes_]).T
    rates = []
    for each in confusion_tables(y, predicted, model.classes_):
        (tn, fp), _ = each
        rates.append(fp / (fp + tn))
    expected = {
        "mcc": matthews_corrcoef(y, predicted),
        "f1": f1_score(y, predicted, average="macro"),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "average_precision": average_precision_score(truth, p, average="macro"),
        "neg_fpr": -np.mean(rates),
        "neg_brier_score": -brier_score_loss(y, p, labels=model.classes_),
    }
    found = {name: scorer(model, X, y) for name, scorer in scoring(y).items()}
    assert found == pytest.approx(expected)


def confusion_tables(y, predicted, classes):
    return [confusion_matrix(y == label, predicted == label) for label in classes]


@pytest.mark.parametrize("y", [LABELS["text"], three], ids=["two", "three"])
def test_rows_can_have_weights(y):
    model = LogisticRegression().fit(X, y)
    repeated = np.repeat(np.arange(N), 1 + np.arange(N) % 3)
    for name, scorer in scoring(y).items():
        weighted = scorer(model, X, y, sample_weight=1 + np.arange(N) % 3)
        expected = scorer(model, X[repeated], y[repeated])
        assert weighted == pytest.approx(expected), name


def test_a_search_takes_them_all_and_in_processes():
    y = LABELS["text"]
    grid = {"C": [0.01, 1.0]}
    search = GridSearchCV(
        LogisticRegression(), grid, scoring=scoring(y), refit="mcc", cv=3, n_jobs=2
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_neg_fpr"]).all()
    assert search.cv_results_["rank_test_mcc"].min() == 1


def test_a_fold_without_rows_of_a_class_is_scored():
    y = three.copy()
    model = LogisticRegression().fit(X, y)
    part = y != 2
    for name, scorer in scoring(y).items():
        if name != "balanced_accuracy":  # scikit-learn warns, and averages the others
            assert np.isfinite(scorer(model, X[part], y[part])), name


def test_a_classifier_trained_without_a_class_is_told_of():
    model = LogisticRegression().fit(X[three < 2], three[three < 2])
    scorer = scoring(three)["neg_brier_score"]
    with pytest.raises(ValueError, match=r"of 2 classes, but y has 3.*StratifiedKFold"):
        scorer(model, X, three)


def test_scorers_choose_thresholds_and_are_recorded_as_curves():
    y = LABELS["text"]
    scorers = scoring(y)
    tuned = TunedThresholdClassifierCV(
        LogisticRegression(), scoring=scorers["f1"], cv=3
    ).fit(X, y)
    assert set(tuned.predict(X)) == {"bad", "good"}
    model = DenseClassifier(
        width=4, epochs=2, scoring={"brier": scorers["neg_brier_score"]}, random_state=0
    ).fit(X, y)
    assert len(model.history_["val_brier"]) == 2
    found = cross_validate(
        RidgeClassifier(), X, y, scoring=scorers["average_precision"]
    )
    assert np.isfinite(found["test_score"]).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 1, 1], "only one class, 1"),
        ([[0, 1], [1, 0]], "multilabel-indicator"),
        ([0.5, 1.5], "continuous"),
    ],
)
def test_labels_that_cannot_be_scored_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        scoring(y)
    with pytest.raises(ValueError, match="pos_label must be one of"):
        scoring([0, 1, 0], pos_label=2)
