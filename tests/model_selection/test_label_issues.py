"""``label_issues`` finds labels that were changed on purpose."""

import builtins

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
from sklearn.svm import LinearSVC

from skloss import DenseClassifier, label_issues


def rows(n_classes=2, names=None):
    """Clouds far apart, with the labels of a tenth of the rows changed."""
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(n_classes), 100)
    X = rng.normal(size=(len(truth), 3)) + 6 * np.eye(3)[truth % 3]
    y = truth.copy()
    wrong = np.r_[0 : len(y) : 20, 11 : len(y) : 20]  # of several classes
    y[wrong] = (y[wrong] + 1) % n_classes
    return X, y if names is None else np.asarray(names)[y], wrong, truth


@pytest.mark.parametrize("names", [None, ["no", "yes"]], ids=["numbers", "text"])
def test_changed_labels_are_found(names):
    pytest.importorskip("cleanlab")
    X, y, wrong, truth = rows(names=names)
    found = label_issues(LogisticRegression(), X, y, random_state=0)
    assert set(found.positions) == set(wrong)
    assert len(found) == len(wrong)
    assert found.share == pytest.approx(0.1)
    right = truth if names is None else np.asarray(names)[truth]
    np.testing.assert_array_equal(found.suggested, right[found.positions])
    np.testing.assert_array_equal(found.labels, y[found.positions])


def test_the_score_is_the_probability_of_the_label_out_of_fold():
    pytest.importorskip("cleanlab")
    X, y, *_ = rows(3)
    cv = StratifiedKFold(4, shuffle=True, random_state=1)
    found = label_issues(LogisticRegression(), X, y, cv=cv)
    chances = cross_val_predict(
        LogisticRegression(), X, y, cv=cv, method="predict_proba"
    )
    np.testing.assert_allclose(found.scores, chances[np.arange(len(y)), y])
    assert (np.diff(found.scores[found.positions]) >= 0).all()


def test_a_network_finds_them():
    pytest.importorskip("cleanlab")
    X, y, wrong, _ = rows()
    network = DenseClassifier(4, epochs=30, learning_rate=0.02, random_state=0)
    found = label_issues(network, X, y, cv=2, random_state=0)
    assert set(found.positions) == set(wrong)
    assert not hasattr(network, "classes_")


def test_groups_stay_together():
    pytest.importorskip("cleanlab")
    X, y, *_ = rows()
    groups = np.arange(len(y)) // 20
    splits = []

    class Seen(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            splits.append(len(X))
            return super().fit(X, y)

    label_issues(Seen(), X, y, cv=GroupKFold(5), groups=groups)
    assert splits == [160] * 5
    label_issues(Seen(), X, y, cv=5, groups=groups, random_state=0)
    assert splits[5:] == [160] * 5


def test_they_are_shown():
    pytest.importorskip("cleanlab")
    X, y, *_ = rows(names=["no", "yes"])
    lines = repr(label_issues(LogisticRegression(), X, y, random_state=0)).splitlines()
    assert lines[0] == "20 of 200 labels (10.0%) are probably wrong"
    assert "rather" in lines[1]
    assert lines[-1] == "  ..."


def test_without_cleanlab_it_is_said_what_to_install(monkeypatch):
    imported = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "cleanlab":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install \"skloss\[labels\]\""):
        label_issues(LogisticRegression(), [[1.0], [2.0]], [0, 1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"estimator": LinearSVC()}, "must have predict_proba, got LinearSVC"),
        ({"y": np.zeros(200)}, "y has a single class"),
        ({"y": np.zeros((200, 2))}, "one label per row, got shape"),
        ({"y": np.arange(3)}, "inconsistent numbers of samples"),
        ({"cv": 101}, "at most the number of rows of the smallest class, 100"),
    ],
    ids=["svc", "one class", "columns", "lengths", "folds"],
)
def test_bad_input_is_refused_in_a_sentence(changed, message):
    pytest.importorskip("cleanlab")
    X, y, *_ = rows()
    given = {"estimator": LogisticRegression(), "X": X, "y": y} | changed
    with pytest.raises(ValueError, match=message):
        label_issues(**given)
