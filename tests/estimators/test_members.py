"""Several networks in one classifier: alone they are what they are together."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.metrics import (
    average_precision_score,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
)

import skloss
from skloss import CNN1DClassifier, DenseClassifier, TrainingRecord
from skloss.displays import LossCurveDisplay
from skloss.exceptions import TrainingInterruptedWarning
from skloss.record.loss_gap import gap_of_record

rng = np.random.default_rng(0)
y = rng.permutation(np.arange(200) % 5 == 0).astype(int)
X = rng.normal(size=(200, 4)) + y[:, None]


def net(**options):
    options = {"epochs": 4, "n_members": 2, "validation_fraction": 0.5} | options
    return DenseClassifier(random_state=0, **options)


@pytest.fixture(scope="module")
def fitted():
    return net().fit(X, y)


@pytest.fixture(scope="module")
def stopped():
    """Members that ended at other epochs, and keep still other ones."""
    options = {"early_stopping": True, "patience": 2, "epochs": 60}
    return net(learning_rate=0.03, **options).fit(X, y)


@pytest.fixture(scope="module")
def three_classes():
    labels = np.where(X[:, 0] > 1, "c", np.where(y == 1, "a", "b"))
    return net(n_members=3, validation_fraction=1 / 3).fit(X, labels), labels


def alone(classifier, number, **rows):
    """Train a member as a classifier of its own."""
    member = clone(classifier.members_[number])
    kept, held = classifier.split_members(X, y)[number]
    return member.fit(X[kept], y[kept], X_val=X[held], y_val=y[held])


@pytest.mark.parametrize("number", [0, 1])
def test_a_member_is_the_network_that_is_trained_alone(fitted, number):
    other = alone(fitted, number)
    assert other.n_members == 1
    for ours, theirs in zip(
        fitted.members_[number].weights_, other.weights_, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    names = set(other.history_) - {"seconds"}
    ours = fitted.members_[number].history_
    assert {n: ours[n] for n in names} == {n: other.history_[n] for n in names}


def test_members_differ_in_seed_and_hold_out(fitted):
    first, second = fitted.members_
    assert not np.array_equal(first.weights_[0], second.weights_[0])
    held = [set(m.record_.data["held_out_rows"]) for m in fitted.members_]
    assert not held[0] & held[1]
    assert held[0] | held[1] == set(range(200))


def test_series_have_members_too():
    model = CNN1DClassifier(
        width=2, depth=1, kernel_size=3, epochs=1, n_members=2, random_state=0
    ).fit(X, y)
    mean = np.mean([m.predict_proba(X) for m in model.members_], axis=0)
    np.testing.assert_allclose(model.predict_proba(X), mean, rtol=1e-12)


def test_probabilities_are_the_mean_of_the_members(fitted):
    mean = np.mean([m.predict_proba(X) for m in fitted.members_], axis=0)
    np.testing.assert_allclose(fitted.predict_proba(X), mean, rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict(X), mean.argmax(axis=1))


def test_weights_are_stacks_of_those_of_the_members(fitted):
    for stack, *each in zip(
        fitted.weights_, *(m.weights_ for m in fitted.members_), strict=True
    ):
        np.testing.assert_array_equal(stack, np.stack(each))


@pytest.mark.parametrize("kind", ["two", "three"])
def test_the_keras_model_gives_the_logits_of_the_mean(
    fitted, three_classes, kind, tmp_path
):
    import keras

    classifier = fitted if kind == "two" else three_classes[0]
    model = classifier.model_
    model.save(tmp_path / "mean.keras")
    loaded = keras.models.load_model(tmp_path / "mean.keras")
    for each in (model, loaded):
        logits = np.asarray(each(X.astype(np.float32)))
        if kind == "two":
            logits = np.hstack([np.zeros_like(logits), logits])
        chances = np.exp(logits)
        chances /= chances.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(chances, classifier.predict_proba(X), atol=1e-6)


# ------------------------------------------------------------------- out-of-bag rows


def test_out_of_bag_probabilities_are_of_members_that_held_the_row_out(fitted):
    expected = np.full((200, 2), np.nan)
    for (_, held), member in zip(
        fitted.split_members(X, y), fitted.members_, strict=True
    ):
        expected[held] = member.predict_proba(X[held])
    np.testing.assert_allclose(fitted.oob_decision_function_, expected, atol=1e-6)


def test_rows_that_no_member_held_out_have_no_probabilities():
    model = net(validation_fraction=0.1, epochs=1).fit(X, y)
    missing = np.isnan(model.oob_decision_function_).all(axis=1)
    assert missing.sum() == 160
    held = model.record_.data["held_out_rows"]
    assert held == np.flatnonzero(~missing).tolist()


def test_one_network_has_those_of_its_hold_out():
    model = net(n_members=1, epochs=1).fit(X, y)
    _, held = model.split_validation(X, y)
    found = model.oob_decision_function_
    np.testing.assert_allclose(found[held], model.predict_proba(X[held]), atol=1e-6)
    assert np.isnan(found).all(axis=1).sum() == 200 - len(held)


def test_rows_held_out_twice_have_the_mean_of_both():
    model = net(n_members=4, epochs=1).fit(X, y)
    parts = model.split_members(X, y)
    chances = [m.predict_proba(X) for m in model.members_]
    row = parts[0][1][0]
    holders = [k for k, (_, held) in enumerate(parts) if row in held]
    assert len(holders) == 2
    mean = np.mean([chances[k][row] for k in holders], axis=0)
    np.testing.assert_allclose(model.oob_decision_function_[row], mean, atol=1e-6)


@pytest.mark.parametrize("how", ["none", "given"])
def test_without_held_out_rows_of_fit_there_are_none(how):
    rows = {"X_val": X[:50], "y_val": y[:50]} if how == "given" else {}
    fraction = None if how == "none" else 0.5
    model = net(validation_fraction=fraction, epochs=1).fit(X, y, **rows)
    with pytest.raises(AttributeError, match="Set validation_fraction"):
        _ = model.oob_decision_function_


@pytest.mark.parametrize("source", ["fitted", "stopped"])
def test_the_curves_end_at_the_metrics_of_the_out_of_bag_rows(source, request):
    model = request.getfixturevalue(source)
    chances, history = model.oob_decision_function_, model.history_
    expected = {
        "val_loss": log_loss(y, chances),
        "val_mcc": matthews_corrcoef(y, chances.argmax(axis=1)),
        "val_accuracy": (chances.argmax(axis=1) == y).mean(),
        "val_loss_class_1": -np.log(chances[y == 1, 1]).mean(),
    }
    for name, value in expected.items():
        assert history[name][-1] == pytest.approx(value, abs=1e-5), name
    metrics = model.record_.outcome["metrics"]["val"]
    assert metrics["counts"] == [160, 40]
    assert metrics["loss"] == pytest.approx(expected["val_loss"], abs=1e-5)
    assert metrics["average_precision"] == pytest.approx(
        average_precision_score(y, chances[:, 1])
    )
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(y, chances[:, 1]))


def test_metrics_of_several_classes_are_of_the_out_of_bag_rows(three_classes):
    model, labels = three_classes
    chances = model.oob_decision_function_
    metrics = model.record_.outcome["metrics"]["val"]
    assert metrics["loss"] == pytest.approx(log_loss(labels, chances), abs=1e-5)
    assert (
        np.trace(metrics["confusion"])
        == (model.classes_[chances.argmax(axis=1)] == labels).sum()
    )


def test_the_cross_entropy_of_another_loss_is_of_the_out_of_bag_rows():
    model = net(loss="focal").fit(X, y)
    metrics = model.record_.outcome["metrics"]["val"]
    chances = model.oob_decision_function_
    assert metrics["loss"] == pytest.approx(log_loss(y, chances), abs=1e-5)
    assert model.history_["val_crossentropy"][-1] == pytest.approx(metrics["loss"])


def test_rows_held_out_by_hand_are_scored_by_the_mean_of_all():
    model = net(epochs=2).fit(X, y, X_val=X[:60], y_val=y[:60])
    metrics = model.record_.outcome["metrics"]["val"]
    chances = model.predict_proba(X[:60])
    assert metrics["loss"] == pytest.approx(log_loss(y[:60], chances), abs=1e-5)


@pytest.mark.parametrize("rows", ["last", "stratified"])
def test_only_stratified_rows_are_held_out_in_turn(rows):
    model = net(validation_rows=rows)
    assert len(model.split_members(X, y)) == (2 if rows == "stratified" else 1)
    assert model.set_params(validation_fraction=None).split_members(X, y) == [None]


def test_groups_are_held_out_as_a_whole():
    groups = np.arange(200) // 4
    model = net(epochs=1, n_members=4, validation_fraction=0.25)
    model.fit(X, y, groups=groups)
    for member in model.members_:
        held = member.record_.data["held_out_rows"]
        kept = np.setdiff1d(np.arange(200), held)
        assert not np.isin(groups[held], groups[kept]).any()
    assert not np.isnan(model.oob_decision_function_).any()


# ------------------------------------------------------------------------- the record


def test_each_member_stops_by_itself_and_curves_end_at_its_kept_weights(stopped):
    members = stopped.record_.outcome["members"]
    lengths = [len(member["history"]["loss"]) for member in members]
    assert len(set(lengths)) == 2
    assert stopped.n_epochs_ == max(lengths)
    assert stopped.record_.outcome["stop_reason"] == "early_stopping"
    short = int(np.argmin(lengths))
    long = 1 - short
    at = min(lengths) - 1  # the short one goes back to its best weights here
    sizes = [sum(member["class_counts"]["validation"]) for member in members]
    values = [0.0, 0.0]
    kept = members[short]["kept_epoch"]
    values[short] = members[short]["history"]["val_loss"][kept]
    values[long] = members[long]["history"]["val_loss"][at]
    mean = np.average(values, weights=sizes)
    assert stopped.history_["val_loss"][at] == pytest.approx(mean, rel=1e-6)


def test_the_gap_is_the_mean_of_those_of_the_members(fitted):
    gap = gap_of_record(fitted.record_)
    each = [gap_of_record(member.record_) for member in fitted.members_]
    assert gap.total == pytest.approx(np.mean([one.total for one in each]))
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total)
    errors = [one.find("generalization").error for one in each]
    halved = np.hypot(*errors) / 2
    assert gap.find("generalization").error == pytest.approx(halved)


def test_the_gap_can_be_taken_over_groups(fitted):
    groups = np.arange(200) // 2
    gap = skloss.explain_gap(fitted, X, y, groups=groups)
    assert gap.unit == "groups"
    with pytest.raises(ValueError, match="set n_members=1"):
        skloss.explain_gap(fitted, X, y, groups=groups, refit=True)


def test_a_record_of_members_can_be_saved_and_read(stopped):
    record = TrainingRecord.from_json(stopped.record_.to_json())
    assert record.history == stopped.record_.history
    assert record.configuration["n_members"] == 2
    assert record.configuration["parameters"]["n_members"] == 2


def test_diagnosis_report_and_display_read_members(fitted):
    diagnosis = skloss.diagnose(fitted, X, y)
    assert diagnosis.case.val.counts == (160, 40)
    assert "40" in skloss.report(fitted, X, y).html
    display = LossCurveDisplay.from_estimator(fitted)
    assert len(display.members_) == 2
    wrong = X.copy()
    wrong[::2] += 1.0
    with pytest.raises(ValueError, match="not the rows that fit was given"):
        skloss.diagnose(fitted, wrong, y)


def test_a_member_can_be_diagnosed_by_itself(fitted):
    case = skloss.diagnose(fitted.members_[0], X, y).case
    assert sum(case.val.counts) == 100


def test_scorers_are_recorded_for_each_member():
    model = net(scoring="roc_auc").fit(X, y)
    each = [member.history_["val_roc_auc"] for member in model.members_]
    assert model.history_["val_roc_auc"] == pytest.approx(np.mean(each, axis=0))


# -------------------------------------------------------- going on, ends and callbacks


def test_a_pickle_predicts_the_same(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))
    assert copy.record_.history == fitted.record_.history


def test_partial_fit_trains_every_member():
    model = net()
    for _ in range(2):
        model.partial_fit(X, y, classes=[0, 1])
    assert model.n_epochs_ == 2
    for member in model.members_:
        other = clone(member)
        for _ in range(2):
            other.partial_fit(X, y, classes=[0, 1])
        np.testing.assert_array_equal(member.weights_[0], other.weights_[0])


def test_warm_start_goes_on_with_the_members_and_adds_new_ones(fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True, n_members=3)
    before = [member.weights_ for member in model.members_]
    model.set_params(learning_rate=1e-12, epochs=1).fit(X, y)
    assert len(model.members_) == 3
    for old, member in zip(before, model.members_, strict=False):
        np.testing.assert_allclose(member.weights_[0], old[0], atol=1e-6)


def test_callbacks_are_told_the_member_and_stop_it_alone():
    rows = []

    def stop_the_first(row):
        rows.append((row["member"], row["epoch"]))
        return row["member"] == 0

    model = net(epochs=2, callbacks=stop_the_first).fit(X, y)
    assert rows == [(0, 0), (1, 0), (1, 1)]
    assert model.n_epochs_ == 2


def test_one_network_is_told_no_member():
    rows = []
    net(n_members=1, epochs=1, callbacks=rows.append).fit(X, y)
    assert "member" not in rows[0]


def test_ctrl_c_keeps_the_members_so_far():
    def interrupt(row):
        if row["member"] == 1:
            raise KeyboardInterrupt

    model = net(n_members=3, validation_fraction=0.3, callbacks=interrupt)
    with pytest.warns(TrainingInterruptedWarning):
        model.fit(X, y)
    assert len(model.members_) == 2
    assert model.record_.outcome["stop_reason"] == "interrupted"


class Told:
    """Notes the tasks that begin."""

    def __init__(self):
        self.tasks = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.tasks.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        fitted_estimator.predict(X)


def test_callbacks_of_scikit_learn_see_members_and_epochs():
    told = Told()
    net(epochs=2).set_callbacks(told).fit(X, y)
    one = [("epoch", 0), ("epoch", 1)]
    assert told.tasks[1:] == [("member", 0), *one, ("member", 1), *one]


def test_the_scores_of_a_monitor_are_those_of_the_mean_at_the_end():
    monitor = ScoringMonitor(scoring="neg_log_loss")
    model = net(epochs=1).set_callbacks(monitor).fit(X, y)
    scores = monitor.get_logs().data_as_pandas["neg_log_loss"].to_numpy()
    mean = -log_loss(y, model.predict_proba(X))
    assert np.isclose(scores, mean).any()


def test_a_logged_table_says_which_member(tmp_path):
    file = tmp_path / "curves.csv"
    model = net(epochs=2).set_callbacks(skloss.estimators.EpochLogger(file)).fit(X, y)
    table = pd.read_csv(file)
    assert table["member"].tolist() == [0, 0, 1, 1]
    last = model.members_[1].history_["val_loss"][-1]
    assert table["val_loss"].iloc[-1] == pytest.approx(last)


def test_an_impossible_number_is_refused():
    with pytest.raises(ValueError, match="'n_members' parameter"):
        net(n_members=0).fit(X, y)
