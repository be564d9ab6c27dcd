"""Scorers of scikit-learn as recorded curves and as what stops a fit."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras_networks import binary, binary_rows, many_classes_rows, softmax
from sklearn.base import clone, is_classifier
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    fbeta_score,
    hamming_loss,
    log_loss,
    make_scorer,
    roc_auc_score,
    zero_one_loss,
)
from sklearn.model_selection import TimeSeriesSplit
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import CNN1DClassifier, DenseClassifier, KerasClassifier, TrainingRecord
from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.splits import monitors_loss
from skloss.diagnosis.record_cases import case_from_record
from skloss.exceptions import ScorerFailedWarning
from skloss.record import Training

X, y = binary_rows()
X3, y3 = many_classes_rows()
NOTHING = keras.callbacks.Callback


def dense(**options):
    settings = {"epochs": 3, "validation_fraction": 0.3, "random_state": 0}
    return DenseClassifier(**settings | options)


def series(**options):
    settings = {"filters": (2,), "kernel_size": 1, "pool_size": 1, "head": (4,)}
    others = {"epochs": 2, "validation_fraction": 0.3, "random_state": 0}
    return CNN1DClassifier(**settings | others | options)


def by_engine(**options):
    settings = {"loss": "binary_crossentropy", "optimizer": "adam", "random_state": 0}
    others = {"epochs": 3, "validation_fraction": 0.3, "compile__jit_compile": False}
    return KerasClassifier(binary, **settings | others | options)


def by_keras(**options):
    return by_engine(callbacks=NOTHING, **options)


EVERY = pytest.mark.parametrize("make", [dense, series, by_engine, by_keras])
KERAS = pytest.mark.parametrize("make", [by_engine, by_keras])


def fbeta(estimator, rows, labels):
    """Score as a user writes it, with names as the estimator has them."""
    assert is_classifier(estimator)
    return fbeta_score(labels, estimator.predict(rows), beta=2, zero_division=0)


SCORERS = {
    "auc": "roc_auc",
    "ap": "average_precision",
    "balanced": "balanced_accuracy",
    "log": "neg_log_loss",
    "brier": "neg_brier_score",
    "macro": "f1_macro",
    "hamming": make_scorer(hamming_loss, greater_is_better=False),
    "fbeta": fbeta,
}


def expected(truth, chances):
    chances = np.asarray(chances, float)
    guess = chances.argmax(axis=1)
    return {
        "auc": roc_auc_score(truth, chances[:, 1]),
        "ap": average_precision_score(truth, chances[:, 1]),
        "balanced": balanced_accuracy_score(truth, guess),
        "log": -log_loss(truth, chances),
        "brier": -brier_score_loss(truth, chances[:, 1]),
        "macro": f1_score(truth, guess, average="macro"),
        "hamming": -np.mean(truth != guess),
        "fbeta": fbeta_score(truth, guess, beta=2, zero_division=0),
    }


@EVERY
def test_the_curves_are_scikit_learns_scores_of_the_rows_of_each_side(make):
    classifier = make(scoring=SCORERS, return_train_score=True).fit(X, y)
    kept, held = classifier.split_validation(X, y)
    for prefix, part in (("", kept), ("val_", held)):
        values = expected(y[part], classifier.predict_proba(X[part]))
        for name, value in values.items():
            curve = classifier.record_.history[prefix + name]
            assert len(curve) == classifier.n_epochs_
            assert curve[-1] == pytest.approx(value, rel=1e-4, abs=1e-6), name


@EVERY
def test_each_epoch_has_its_own_score(make):
    # A fit of fewer epochs is the beginning of a longer one.
    options = {"scoring": "neg_log_loss", "early_stopping": False}
    options |= (
        {} if make in (by_engine, by_keras) else {"learning_rate_schedule": "constant"}
    )
    curve = make(epochs=3, **options).fit(X, y).record_.history["val_neg_log_loss"]
    for epochs in (1, 2):
        one = make(epochs=epochs, **options).fit(X, y)
        _, held = one.split_validation(X, y)
        loss = log_loss(y[held], one.predict_proba(X[held]).astype(float))
        assert curve[epochs - 1] == pytest.approx(-loss, rel=1e-4)


@EVERY
def test_a_monitored_scorer_need_not_be_listed_and_gives_the_direction(make):
    classifier = make(
        monitor="val_neg_log_loss", early_stopping=True, patience=50, epochs=4
    ).fit(X, y)
    curve = classifier.record_.history["val_neg_log_loss"]
    assert curve == pytest.approx(
        -np.array(classifier.record_.history["val_loss"]), rel=1e-4
    )
    assert classifier.best_epoch_ == int(np.argmax(curve))
    assert "neg_log_loss" not in classifier.record_.history
    assert classifier.record_.outcome["monitor"] == "val_neg_log_loss"


@pytest.mark.parametrize("name", ["neg_log_loss", "d2_log_loss_score"])
def test_a_score_that_has_loss_in_its_name_is_kept_where_it_is_highest(name):
    # Too long and too fast: the validation loss rises again.
    fitted = dense(
        monitor=f"val_{name}",
        early_stopping=True,
        patience=5,
        epochs=60,
        learning_rate=0.05,
        width=32,
    ).fit(X, y)
    curve = fitted.history_[f"val_{name}"]
    best = int(np.argmax(curve))
    assert 0 < best < len(curve) - 1
    assert fitted.best_epoch_ == best == fitted.record_.outcome["kept_epoch"]
    _, held = fitted.split_validation(X, y)
    loss = log_loss(y[held], fitted.predict_proba(X[held]))
    assert loss == pytest.approx(min(fitted.history_["val_loss"]), rel=1e-5)


@pytest.mark.parametrize(
    ("curve", "best"),
    [("val_fn", np.argmin), ("val_fp", np.argmin), ("val_tn", np.argmax)],
)
def test_counts_of_errors_are_best_where_they_are_low(curve, best):
    fitted = dense(monitor=curve, early_stopping=True, patience=9, epochs=9).fit(X, y)
    assert fitted.best_epoch_ == int(best(fitted.history_[curve]))


@EVERY
def test_a_scorer_can_be_the_monitor_itself(make):
    scorer = make_scorer(zero_one_loss, greater_is_better=False)
    fitted = make(monitor=scorer, early_stopping=True, patience=9).fit(X, y)
    history = fitted.record_.history
    np.testing.assert_allclose(
        history["val_zero_one_loss"], np.array(history["val_accuracy"]) - 1, atol=1e-12
    )
    assert fitted.best_epoch_ == int(np.argmax(history["val_zero_one_loss"]))
    assert clone(fitted).monitor == scorer or callable(clone(fitted).monitor)


def test_without_a_hold_out_the_training_rows_are_scored():
    fitted = dense(
        validation_fraction=None, scoring=("roc_auc",), monitor="neg_log_loss"
    ).fit(X, y)
    chances = fitted.predict_proba(X)
    last = {name: curve[-1] for name, curve in fitted.history_.items()}
    assert last["roc_auc"] == pytest.approx(roc_auc_score(y, chances[:, 1]))
    assert last["neg_log_loss"] == pytest.approx(-log_loss(y, chances), rel=1e-5)
    assert not any(name.startswith("val_") for name in last)


@pytest.mark.parametrize(
    ("options", "calls"),
    [({}, 1), ({"return_train_score": True}, 2), ({"monitor": "count"}, 2)],
)
def test_training_rows_are_scored_if_asked_for(options, calls):
    seen = []

    def count(estimator, rows, labels):
        seen.append(len(labels))
        return 0.0

    dense(scoring={"count": count}, epochs=4, **options).fit(X, y)
    assert len(seen) == calls * (4 + 1)  # before the first epoch they are tried


def test_a_name_that_is_recorded_anyway_is_the_one_curve_of_the_positive_class():
    words = np.where(y == 1, "fraud", "ok")  # fraud comes first among the classes
    options = {"scoring": ["f1", "roc_auc"], "pos_label": "fraud"}
    fitted = dense(**options).fit(X, words)
    _, held = fitted.split_validation(X, words)
    found = f1_score(words[held], fitted.predict(X[held]), pos_label="fraud")
    assert fitted.history_["val_f1"][-1] == pytest.approx(found)
    auc = roc_auc_score(words[held] == "fraud", fitted.predict_proba(X[held])[:, 0])
    assert fitted.history_["val_roc_auc"][-1] == pytest.approx(auc)


def test_scorers_see_labels_and_a_positive_class_of_their_own():
    words = np.where(y == 1, "fraud", "ok")
    of_ok = make_scorer(f1_score, pos_label="ok")
    fitted = dense(scoring={"f1_of_ok": of_ok}).fit(X, words)
    _, held = fitted.split_validation(X, words)
    found = f1_score(words[held], fitted.predict(X[held]), pos_label="ok")
    assert fitted.history_["val_f1_of_ok"][-1] == pytest.approx(found)


@EVERY
def test_weights_of_held_out_rows_reach_the_metrics_that_take_them(make):
    weight = np.linspace(0.1, 3.0, len(X[80:]))
    fitted = make(scoring=["roc_auc"], validation_fraction=None).fit(
        X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weight
    )
    chances = fitted.predict_proba(X[80:])[:, 1]
    found = roc_auc_score(y[80:], chances, sample_weight=weight)
    assert fitted.record_.history["val_roc_auc"][-1] == pytest.approx(found, rel=1e-5)


@EVERY
def test_a_scorer_sees_rows_as_the_classifier_takes_them(make):
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    found = []

    def half(estimator, rows, labels):
        assert list(rows.columns) == list(frame.columns)
        found.append(log_loss(labels[::2], estimator.predict_proba(rows[::2])))
        return -found[-1]

    fitted = make(scoring=half).fit(frame, y)
    _, held = fitted.split_validation(frame, y)
    rows, labels = frame.iloc[held][::2], y[held][::2]
    value = log_loss(labels, fitted.predict_proba(rows).astype(float))
    assert fitted.record_.history["val_half"][-1] == pytest.approx(-value, rel=1e-4)


def test_a_scorer_of_series_sees_them_in_the_order_of_the_user():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(80, 2, 6)), np.arange(80) % 2
    shapes = []

    def shape(estimator, given, truth):
        shapes.append(given.shape[1:])
        return float(estimator.predict_proba(given[:1])[0, 1])

    options = {"channels_first": True, "n_channels": 2, "scoring": shape}
    fitted = series(**options).fit(rows, labels)
    _, held = fitted.split_validation(rows, labels)
    assert set(shapes) == {(2, 6)}
    last = fitted.history_["val_shape"][-1]
    assert last == pytest.approx(fitted.predict_proba(rows[held[:1]])[0, 1], rel=1e-5)


@pytest.mark.parametrize("make", ["dense", "engine", "Keras"])
def test_many_classes_are_scored_by_scorers_of_many(make):
    scoring = ["roc_auc_ovr", "average_precision", "top_k_accuracy"]
    if make == "dense":
        classifier = dense(scoring=scoring)
    else:
        classifier = KerasClassifier(
            softmax,
            loss="sparse_categorical_crossentropy",
            validation_fraction=0.3,
            random_state=0,
            callbacks=NOTHING if make == "Keras" else None,
            compile__jit_compile=False,
            scoring=scoring,
        )
    classifier.fit(X3, y3)
    _, held = classifier.split_validation(X3, y3)
    chances = classifier.predict_proba(X3[held]).astype(float)
    chances /= chances.sum(axis=1, keepdims=True)
    auc = roc_auc_score(y3[held], chances, multi_class="ovr")
    last = {name: c[-1] for name, c in classifier.record_.history.items()}
    assert last["val_roc_auc_ovr"] == pytest.approx(auc, rel=1e-4)
    mean = average_precision_score(y3[held], chances)
    assert last["val_average_precision"] == pytest.approx(mean, rel=1e-4)


def test_in_a_pipeline_original_rows_are_scored_as_the_steps_make_them():
    from imblearn.over_sampling import SMOTE

    classifier = dense(scoring="roc_auc", monitor="val_roc_auc", early_stopping=True)
    pipe = skloss.make_pipeline(StandardScaler(), SMOTE(random_state=0), classifier)
    pipe.fit(X * 100 + 50, y)
    _, held = pipe[-1].split_validation(X, y)
    chances = pipe.predict_proba(X[held] * 100 + 50)[:, 1]
    auc = roc_auc_score(y[held], chances)
    assert max(pipe[-1].history_["val_roc_auc"]) == pytest.approx(auc)


def test_partial_fit_calls_no_scorer():
    classifier = dense(scoring="neg_log_loss", monitor="val_roc_auc")
    classifier.partial_fit(X[y == 0], y[y == 0], classes=[0, 1])
    assert "neg_log_loss" not in classifier.history_


# ------------------------------------------------------------------------------ refused


REFUSED = {
    "no scorer": ({"scoring": "roc_acu"}, "no scorer.*Did you mean 'roc_auc'"),
    "no curve": ({"monitor": "val_roc_acu"}, "monitor.*Did you mean 'val_roc_auc'"),
    "a metric": ({"scoring": f1_score}, r"make_scorer\(f1_score\)"),
    "a monitored metric": ({"monitor": hamming_loss}, "greater_is_better=False"),
    "a taken name": ({"scoring": {"f1": fbeta}}, "recorded anyway"),
    "a prefix": ({"scoring": {"val_x": fbeta}}, "leave out 'val_'"),
    "no name": ({"scoring": [lambda e, X, y: 0.0]}, "without a name"),
    "a number": ({"scoring": [3]}, "must be a name, a scorer"),
    "no text": ({"scoring": {1: fbeta}}, "texts as names"),
    "twice": ({"scoring": [fbeta, fbeta]}, "two scorers of the name 'fbeta'"),
    "other rows": ({"scoring": "f1_samples"}, "'f1_samples'.*fails.*multilabel"),
}


@pytest.mark.parametrize("make", [dense, by_engine, by_keras])
@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_scored_is_refused_before_training(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options).fit(X, y)


def test_two_scorers_of_one_name_are_refused_where_one_is_monitored():
    one, other = (make_scorer(fbeta_score, beta=beta) for beta in (1, 2))
    with pytest.raises(ValueError, match="two scorers of the name 'fbeta_score'"):
        dense(scoring=[one], monitor=other).fit(X, y)
    dense(scoring=[one], monitor=one, epochs=1).fit(X, y)


def test_keras_labels_of_another_kind_are_not_scored():
    from keras_networks import binary

    with pytest.raises(ValueError, match="scoring of KerasClassifier needs one label"):
        KerasClassifier(binary, loss="binary_crossentropy", scoring="roc_auc").fit(
            X, np.column_stack([y, y])
        )


@EVERY
def test_a_scorer_that_fails_later_costs_a_value_and_not_the_fit(make):
    calls = []

    def fragile(estimator, rows, labels):
        calls.append(1)
        if len(calls) == 3:  # in the second epoch
            raise RuntimeError("no mood")
        return 1.0

    with pytest.warns(ScorerFailedWarning, match=r"'fragile'.*RuntimeError: no mood"):
        fitted = make(scoring=fragile, epochs=3).fit(X, y)
    np.testing.assert_array_equal(fitted.record_.history["val_fragile"], [1, np.nan, 1])


# ------------------------------------------------------------------- who reads them


def test_the_record_keeps_the_direction():
    scoring = ["neg_log_loss"]
    record = dense(scoring=scoring, return_train_score=True).fit(X, y).record_
    assert record.configuration["higher_is_better"] == {
        "neg_log_loss": True,
        "val_neg_log_loss": True,
    }
    again = TrainingRecord.from_json(record.to_json())
    assert again.higher_is_better("val_neg_log_loss") is True
    assert again.higher_is_better("val_loss") is False
    wrong = record.to_dict()
    wrong["configuration"]["higher_is_better"] = {"val_loss": "yes"}
    with pytest.raises(skloss.exceptions.RecordFormatError, match="true or false"):
        TrainingRecord.from_dict(wrong)


@pytest.mark.parametrize(
    ("scorer", "is_loss"),
    [
        ("neg_log_loss", True),
        ("d2_brier_score", True),
        ("roc_auc", False),
        (make_scorer(hamming_loss, greater_is_better=False), False),
    ],
)
def test_the_diagnosis_tells_a_loss_from_a_scorer_that_counts_decisions(
    scorer, is_loss
):
    options = {"scoring": {"of_mine": scorer}} if callable(scorer) else {}
    name = "of_mine" if options else scorer
    fitted = dense(monitor=f"val_{name}", early_stopping=True, epochs=1, **options)
    case = case_from_record(fitted.fit(X, y).record_)
    assert monitors_loss(case) is is_loss


@pytest.mark.parametrize(
    ("training", "is_loss"),
    [
        (Training(monitor="val_loss"), True),
        (Training(monitor="val_loss_at_train_prior", monitor_is_scorer=False), True),
        (Training(monitor="val_head_loss"), True),  # of Keras, with several outputs
        (Training(monitor="val_hamming_loss", monitor_is_scorer=True), False),
        (Training(monitor="val_auc"), False),
        (Training(), False),
        (None, False),
    ],
)
def test_the_diagnosis_knows_a_monitored_loss_by_any_source(training, is_loss):
    assert monitors_loss(Case(training=training)) is is_loss


def test_a_display_draws_what_a_scorer_recorded():
    from skloss.displays import MetricCurveDisplay

    record = dense(scoring=["roc_auc"]).fit(X, y).record_
    display = MetricCurveDisplay.from_record(record, metrics=("mcc", "roc_auc"))
    line = display.lines_["val_roc_auc"]
    np.testing.assert_array_equal(line.get_ydata(), record.history["val_roc_auc"])
    assert line.get_label() == "roc auc"
    styles = {(a.get_color(), a.get_linestyle()) for a in display.ax_.lines[:3:2]}
    assert len(styles) == 2
    with pytest.raises(ValueError, match=r"metrics must be among.*roc_auc"):
        MetricCurveDisplay.from_record(record, metrics=("pr_auc",))


# ------------------------------------------------- rows in time of KerasClassifier


@KERAS
@pytest.mark.parametrize(
    ("how", "held"),
    [
        ("last", np.arange(len(X) - round(0.3 * len(X)), len(X))),
        (TimeSeriesSplit(3), list(TimeSeriesSplit(3).split(X))[-1][1]),
    ],
    ids=["last", "splitter"],
)
def test_rows_held_out_in_time_are_those_that_the_curves_are_of(make, how, held):
    fitted = make(validation_rows=how, scoring="roc_auc").fit(X, y)
    record = fitted.record_
    assert record.data["held_out_rows"] == held.tolist()
    assert record.outcome["program"] == (
        "keras" if make is by_keras else record.outcome["program"]
    )
    assert (record.outcome["program"] == "keras") is (make is by_keras)
    chances = fitted.predict_proba(X[held]).astype(float)
    last = {name: curve[-1] for name, curve in record.history.items()}
    assert last["val_loss"] == pytest.approx(log_loss(y[held], chances), rel=1e-4)
    auc = roc_auc_score(y[held], chances[:, 1])
    assert last["val_roc_auc"] == pytest.approx(auc, rel=1e-4)
    assert record.data["holdout"] == "internal"


@KERAS
def test_rows_in_time_are_held_out_by_their_share_where_none_was_asked(make):
    fitted = make(validation_rows="last", validation_fraction="auto").fit(X, y)
    held = fitted.record_.data["held_out_rows"]
    assert held == list(range(len(X) - len(held), len(X)))
    assert len(held) == pytest.approx(0.1 * len(X), abs=1)
