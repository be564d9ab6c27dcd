"""One rule says which class is positive, and every curve, table and picture follows."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as imblearn_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    make_scorer,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, Pipeline, TrainingRecord
from skloss.datasets import make_rare_events
from skloss.displays import (
    FoldCurvesDisplay,
    MetricCurveDisplay,
    PrecisionRecallCurvesDisplay,
    ProbabilityDisplay,
    RocCurvesDisplay,
    ThresholdDisplay,
)
from skloss.metrics import epoch_metrics
from skloss.positive_class import positive_class
from skloss.reports.build_context import build_context

pytestmark = pytest.mark.usefixtures("sketched")


matplotlib.use("agg")

X, CODES = make_rare_events(2_000, random_state=0)
FRAUD = np.where(CODES == 1, "fraud", "ok")  # the rare class comes first


def dense(**parameters):
    return DenseClassifier(epochs=8, random_state=0, **parameters)


@pytest.fixture(scope="module")
def held_out():
    """A classifier of which the rare class is the first, and rows it never saw."""
    X_val, y_val = X[1_400:], FRAUD[1_400:]
    fitted = dense().fit(X[:1_400], FRAUD[:1_400], X_val=X_val, y_val=y_val)
    return fitted, X_val, y_val


def curves_at_the_kept_epoch(classifier):
    record = classifier.record_
    epoch = record.outcome["kept_epoch"]
    epoch = -1 if epoch is None else epoch
    return {name: values[epoch] for name, values in record.history.items()}


# -------------------------------------------------------------------------- the rule


@pytest.mark.parametrize(
    ("counts", "number"),
    [((20, 980), 0), ((980, 20), 1), ((40, 60), 0), ((41, 59), 1), ((50, 50), 1)],
)
def test_the_rarer_class_is_positive_up_to_forty_percent(counts, number):
    assert positive_class(counts) == number


def test_neither_many_classes_nor_one_has_a_positive_class():
    assert positive_class([5, 6, 7]) is None
    assert positive_class([5]) is None


@pytest.mark.parametrize("label", ["fruad", 3])
def test_a_label_that_is_no_class_is_refused_with_the_classes(label):
    with pytest.raises(ValueError, match=r"\['fraud', 'ok'\], got"):
        dense(pos_label=label).fit(X, FRAUD)


def test_a_label_is_refused_where_there_are_three_classes():
    y = np.arange(len(X)) % 3
    with pytest.raises(ValueError, match="pos_label=1 is for two classes"):
        dense(pos_label=1).fit(X, y)


# ------------------------------------------------------------------------ the curves


def test_curves_of_the_hold_out_equal_those_of_scikit_learn(held_out):
    fitted, X_val, y_val = held_out
    said, scores = fitted.predict(X_val), fitted.predict_proba(X_val)[:, 0]
    found = curves_at_the_kept_epoch(fitted)
    options = {"pos_label": "fraud", "zero_division": 0}
    assert found["val_f1"] == pytest.approx(f1_score(y_val, said, **options))
    assert found["val_recall"] == pytest.approx(recall_score(y_val, said, **options))
    wanted = precision_score(y_val, said, **options)
    assert found["val_precision"] == pytest.approx(wanted)
    wanted = average_precision_score(y_val, scores, pos_label="fraud")
    assert found["val_average_precision"] == pytest.approx(wanted)
    assert found["val_mcc"] == pytest.approx(matthews_corrcoef(y_val, said))
    assert found["val_tp"] == np.sum((y_val == "fraud") & (said == "fraud"))
    assert fitted.pos_label_ == "fraud"


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1]), st.floats(0.01, 0.99)),
        min_size=2,
        max_size=30,
    )
)
def test_metrics_of_either_class_mirror_each_other(rows):
    y = np.array([label for label, _ in rows])
    p = np.array([score for _, score in rows])
    both, losses = np.column_stack([1 - p, p]), np.zeros(len(y))
    of_zero = epoch_metrics(y, both, losses, 2, positive=0)
    of_one = epoch_metrics(y, both, losses, 2, positive=1)
    assert of_zero["mcc"] == pytest.approx(of_one["mcc"])
    assert of_zero["recall"] == pytest.approx(1 - of_one["fpr"]) or not (y == 0).any()
    assert (of_zero["tp"], of_zero["fn"]) == (of_one["tn"], of_one["fp"])
    said = both.argmax(axis=1)
    wanted = f1_score(y, said, pos_label=0, zero_division=0)
    assert of_zero["f1"] == pytest.approx(wanted)


def test_a_monitor_keeps_the_epoch_that_is_best_for_the_rare_class():
    fitted = dense(monitor="val_recall", early_stopping=True, patience=8)
    fitted.fit(X[:1_400], FRAUD[:1_400], X_val=X[1_400:], y_val=FRAUD[1_400:])
    recalls = fitted.history_["val_recall"]
    said = fitted.predict(X[1_400:])
    assert recall_score(FRAUD[1_400:], said, pos_label="fraud") == pytest.approx(
        max(recalls)
    )


def test_a_parameter_says_otherwise(held_out):
    _, X_val, y_val = held_out
    fitted = dense(pos_label="ok").fit(
        X[:1_400], FRAUD[:1_400], X_val=X_val, y_val=y_val
    )
    wanted = f1_score(y_val, fitted.predict(X_val), pos_label="ok")
    assert curves_at_the_kept_epoch(fitted)["val_f1"] == pytest.approx(wanted)
    assert fitted.record_.data["pos_label"] == "ok"


def test_nearly_balanced_rows_keep_the_second_class():
    y = np.where(np.arange(len(X)) % 100 < 45, "a", "b")
    assert dense().fit(X, y).pos_label_ == "b"


def test_a_pipeline_looks_at_the_rows_before_the_sampler():
    pipeline = Pipeline([("smote", SMOTE(random_state=0)), ("dense", dense())])
    assert pipeline.fit(X, FRAUD)[-1].pos_label_ == "fraud"


def test_a_sampler_of_another_pipeline_shows_the_rare_class_by_its_rows():
    pipeline = imblearn_pipeline(SMOTE(random_state=0), dense())
    with pytest.warns(skloss.exceptions.ResampledValidationWarning):
        pipeline.fit(X, FRAUD)
    assert pipeline[-1].pos_label_ == "fraud"


def test_later_batches_keep_the_class_of_the_first():
    classifier = dense()
    classifier.partial_fit(X[:500], FRAUD[:500], classes=["fraud", "ok"])
    rare_turned = np.where(FRAUD[500:] == "ok", "fraud", "ok")
    classifier.partial_fit(X[500:], rare_turned)
    assert classifier.pos_label_ == "fraud"


def test_keras_classifier_follows_the_same_rule():
    import keras

    def network(meta):
        return keras.Sequential(
            [
                keras.Input((meta["n_features_in_"],)),
                keras.layers.Dense(8, "relu"),
                keras.layers.Dense(1, "sigmoid"),
            ]
        )

    fitted = skloss.KerasClassifier(
        network, loss="binary_crossentropy", optimizer="adam", epochs=4, random_state=0
    ).fit(X[:1_400], FRAUD[:1_400], X_val=X[1_400:], y_val=FRAUD[1_400:])
    wanted = f1_score(
        FRAUD[1_400:], fitted.predict(X[1_400:]), pos_label="fraud", zero_division=0
    )
    assert fitted.record_.history["val_f1"][-1] == pytest.approx(wanted)
    assert fitted.pos_label_ == "fraud"


# ------------------------------------------------------------------------ the record


def test_a_record_keeps_the_class_and_what_was_measured_of_it(held_out, tmp_path):
    fitted, X_val, y_val = held_out
    fitted.record_.save(tmp_path / "run.json")
    record = TrainingRecord.load(tmp_path / "run.json")
    assert record.data["pos_label"] == "fraud"
    assert record.positive == 0
    part = record.outcome["metrics"]["val"]
    said = pd.crosstab(y_val, fitted.predict(X_val))
    assert part["confusion"] == said.to_numpy().tolist()
    scores = fitted.predict_proba(X_val)[:, 0]
    assert record.outcome["validation_scores"] == pytest.approx(
        scores.tolist(), rel=1e-5
    )
    assert part["roc_auc"] == pytest.approx(roc_auc_score(y_val == "fraud", scores))


def test_a_record_without_the_class_is_about_the_second_one():
    assert TrainingRecord(data={"classes": ["fraud", "ok"]}).positive == 1
    assert TrainingRecord(data={"classes": ["a", "b", "c"]}).positive is None
    assert TrainingRecord().positive is None


# --------------------------------------------------------------- report and diagnosis


def test_the_report_scores_the_rare_class(held_out):
    fitted, X_val, y_val = held_out
    page = skloss.report(fitted)
    said = fitted.predict(X_val)
    wanted = f1_score(y_val, said, pos_label="fraud", zero_division=0)
    assert page.answer.scores["This classifier"][1].value == pytest.approx(wanted)
    assert "those of class 'fraud'" in page.answer.measured_on


def test_a_cross_validation_without_scores_is_scored_on_the_rare_class():
    folds = cross_validate(
        dense(), X, FRAUD, cv=3, return_estimator=True, return_indices=True
    )
    context = build_context(folds, X, FRAUD)
    wanted = [
        f1_score(FRAUD[test], one.predict(X[test]), pos_label="fraud", zero_division=0)
        for one, test in zip(folds["estimator"], folds["indices"]["test"], strict=True)
    ]
    assert context.folds.scores["f1"] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("scoring", "wanted"),
    [(make_scorer(f1_score, pos_label="fraud"), "'fraud'"), ("f1_macro", None)],
)
def test_the_scores_of_folds_name_the_class_of_their_scorer(scoring, wanted):
    search = GridSearchCV(
        Pipeline([("dense", dense())]),
        {"dense__dropout": [0.0, 0.1]},
        scoring={"mcc": "matthews_corrcoef", "f1": scoring},
        refit="mcc",
        cv=3,
    )
    told = skloss.report(search.fit(X[:600], FRAUD[:600])).answer.measured_on
    assert ("of class" in told) == (wanted is not None)
    if wanted is not None:
        assert told.endswith(f"F1 is of class {wanted}.")


def test_a_keras_model_is_measured_on_the_rare_class():
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((X.shape[1],)), keras.layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    turned = 1 - CODES  # 0 is the rare class
    history = model.fit(X[:1_400], turned[:1_400], epochs=2, verbose=0)
    context = build_context(
        model,
        X[:1_400],
        turned[:1_400],
        history=history,
        X_val=X[1_400:],
        y_val=turned[1_400:],
    )
    scores = 1 - np.asarray(model(X[1_400:]))[:, 0]
    wanted = average_precision_score(CODES[1_400:], scores)
    assert context.case.val.average_precision == pytest.approx(wanted, abs=1e-6)
    assert context.pos_label == "0"
    assert context.held_out.is_positive.sum() == CODES[1_400:].sum()


# -------------------------------------------------------------------------- pictures


def test_pictures_of_an_estimator_are_about_its_positive_class(held_out):
    fitted, X_val, y_val = held_out
    threshold = ThresholdDisplay.from_estimator(fitted, X_val, y_val)
    said = fitted.predict_proba(X_val)[:, 0] >= 0.3
    wanted = f1_score(y_val == "fraud", said, zero_division=0)
    assert threshold.at(0.3)["f1"] == pytest.approx(wanted)
    assert threshold.at(0.3)["alarms"] == pytest.approx(1000 * said.mean())
    assert threshold.ax_.get_xlabel() == "threshold, class fraud"
    chances = ProbabilityDisplay.from_estimator(fitted, X_val, y_val)
    assert chances.prior == pytest.approx(np.mean(y_val == "fraud"))
    curves = PrecisionRecallCurvesDisplay.from_estimator(fitted, X_val, y_val)
    scores = fitted.predict_proba(X_val)[:, 0]
    wanted = average_precision_score(y_val == "fraud", scores)
    assert curves.areas == {"fraud": pytest.approx(wanted)}


@pytest.mark.parametrize("display", [ThresholdDisplay, PrecisionRecallCurvesDisplay])
def test_any_classifier_is_shown_by_the_rarer_class_of_the_rows(display):
    logistic = LogisticRegression().fit(X, FRAUD)
    shown = display.from_estimator(logistic, X, FRAUD)
    if display is ThresholdDisplay:
        assert shown.pos_label == "fraud"
    else:
        assert list(shown.areas) == ["fraud"]


def test_one_column_of_scores_is_that_of_the_last_class():
    scores = LogisticRegression().fit(X, FRAUD).predict_proba(X)
    of_one = RocCurvesDisplay.from_predictions(FRAUD, scores[:, 1])
    of_both = RocCurvesDisplay.from_predictions(FRAUD, scores)
    assert list(of_one.areas) == ["ok"]
    assert list(of_both.areas) == ["fraud"]
    told = ThresholdDisplay.from_predictions(FRAUD, scores[:, 0], pos_label="fraud")
    assert told.at(0.5) == ThresholdDisplay.from_predictions(FRAUD, scores).at(0.5)


@pytest.mark.parametrize("label", [None, "fraud"])
def test_a_tuned_threshold_predicts_the_same_rows_for_either_class(label):
    scoring = "matthews_corrcoef"
    if label is not None:
        scoring = make_scorer(f1_score, pos_label=label, zero_division=0)
    tuned = TunedThresholdClassifierCV(LogisticRegression(), scoring=scoring, cv=3)
    tuned.fit(X, FRAUD)
    display = ThresholdDisplay.from_estimator(tuned, X, FRAUD)
    alarms = 1000 * np.mean(tuned.predict(X) == "fraud")
    assert display.pos_label == "fraud"
    assert display.at(display.threshold)["alarms"] == pytest.approx(alarms)


def test_axes_of_curves_name_the_class(held_out):
    fitted, _, _ = held_out
    shown = MetricCurveDisplay.from_estimator(fitted)
    assert shown.ax_.get_ylabel().endswith(", class fraud")
    of_mcc = MetricCurveDisplay.from_estimator(fitted, metrics=("mcc",))
    assert "class" not in of_mcc.ax_.get_ylabel()
    folds = FoldCurvesDisplay.from_records([fitted.record_] * 2, curve="val_f1")
    assert folds.ax_.get_ylabel() == "validation F1, class fraud"


def test_bands_of_a_rare_first_class_are_those_of_a_rare_second_one(held_out):
    record = held_out[0].record_
    counts = record.data["class_counts"]["validation"]
    second = TrainingRecord(
        data={"class_counts": {"validation": counts[::-1]}}, history=record.history
    )
    bands = [MetricCurveDisplay.from_record(one).errors for one in (record, second)]
    for name, band in bands[0].items():
        np.testing.assert_allclose(band, bands[1][name])


def test_scaling_in_front_changes_nothing_of_the_rule():
    pipeline = Pipeline([("scale", StandardScaler()), ("dense", dense())])
    pipeline.fit(X, FRAUD)
    shown = ThresholdDisplay.from_estimator(pipeline, X, FRAUD)
    assert shown.pos_label == "fraud"


@pytest.mark.parametrize("label", ["fruad", 7, ["fraud"]])
def test_a_record_with_a_label_that_is_no_class_is_refused(held_out, tmp_path, label):
    content = held_out[0].record_.to_dict()
    content["data"]["pos_label"] = label
    with pytest.raises(skloss.exceptions.RecordFormatError, match="pos_label"):
        TrainingRecord.from_dict(content)
