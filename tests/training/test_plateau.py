"""The rate that follows a curve, against Keras' callback on the same curve."""

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification

from skloss import CNN1DClassifier, DenseClassifier, ReduceLROnPlateau, TrainingRecord
from skloss.training.backends import compile_graph
from skloss.training.plateau import PlateauState

X, y = make_classification(120, 6, weights=[0.7], random_state=0)
X = X.astype(np.float32)


def by_keras(curve, rate, name="val_loss", mode="min", **arguments):
    """Rates of every epoch by the callback of Keras."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), jit_compile=False)
    callback = keras.callbacks.ReduceLROnPlateau(name, mode=mode, **arguments)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(curve):
        rates.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {name: value})
    return [*rates, float(model.optimizer.learning_rate)]


def by_state(curve, rate, *, rises=False, **arguments):
    schedule = ReduceLROnPlateau("val_loss", **arguments)
    state = PlateauState.at_first(schedule, float(np.float32(rate)), rises=rises)
    rates = [state.rate]
    for value in curve:
        state = state.after({"val_loss": value})
        rates.append(state.rate)
    return rates


ARGUMENTS = {
    "defaults": {},
    "short": {"patience": 2, "factor": 0.5},
    "rest": {"patience": 1, "factor": 0.3, "cooldown": 2},
    "floor": {"patience": 1, "factor": 0.2, "min_lr": 0.007, "cooldown": 1},
    "no patience": {"patience": 0, "factor": 0.9},
    "wide": {"patience": 3, "min_delta": 0.05},
    "zero": {"patience": 3, "factor": 0.0, "min_lr": 0.001},
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("seed", range(3))
def test_rates_are_those_of_keras(arguments, mode, seed):
    rng = np.random.default_rng(seed)
    curve = 0.7 - 0.2 * np.tanh(np.arange(40) / 9) + rng.normal(0, 0.03, 40)
    curve = curve if mode == "min" else -curve
    expected = by_keras(curve, 0.1, mode=mode, **arguments)
    assert by_state(curve, 0.1, rises=mode == "max", **arguments) == expected
    assert by_state(curve, 0.1, rises=mode == "min", mode=mode, **arguments) == expected


def test_a_value_that_is_no_number_is_never_the_best():
    curve = [np.nan, 0.5, np.nan, 0.4]
    assert by_state(curve, 0.5, patience=1, factor=0.5) == [
        0.5,
        0.25,
        0.25,
        0.125,
        0.125,
    ]


def dense(schedule, **options):
    settings = {"epochs": 12, "validation_fraction": 0.3, "learning_rate": 0.05}
    others = {"random_state": 0, "early_stopping": False}
    return DenseClassifier(
        learning_rate_schedule=schedule, **settings | others | options
    )


FOLLOWED = {
    "auto": ({}, "val_loss_at_train_prior", "min"),
    "val_loss": ({"monitor": "val_loss"}, "val_loss", "min"),
    "val_mcc": ({"monitor": "val_mcc"}, "val_mcc", "max"),
    "val_roc_auc": ({"monitor": "val_roc_auc"}, "val_roc_auc", "max"),
    "val_neg_log_loss": ({"monitor": "val_neg_log_loss"}, "val_neg_log_loss", "max"),
    "told": ({"monitor": "val_fpr", "mode": "max"}, "val_fpr", "max"),
}


@pytest.mark.parametrize(("given", "curve", "mode"), FOLLOWED.values(), ids=FOLLOWED)
def test_a_fit_has_the_rates_of_keras_on_its_own_curve(given, curve, mode):
    arguments = {"patience": 1, "factor": 0.5, "min_delta": 0.001}
    fitted = dense(ReduceLROnPlateau(**given, **arguments)).fit(X, y)
    history = fitted.record_.history
    rates = by_keras(history[curve], 0.05, mode=mode, **arguments)
    assert history["learning_rate"] == rates[:-1]
    assert rates[-1] < rates[0]


def test_series_follow_a_curve_too():
    arguments = {"patience": 1, "factor": 0.5}
    classifier = CNN1DClassifier(
        filters=(2,), kernel_size=1, pool_size=1, epochs=6, learning_rate=0.1,
        learning_rate_schedule=ReduceLROnPlateau("loss", **arguments), random_state=0,
    )  # fmt: skip
    history = classifier.fit(X, y).record_.history
    assert history["learning_rate"] == by_keras(history["loss"], 0.1, **arguments)[:-1]


def test_the_steps_have_the_rate_that_is_recorded():
    # A factor of zero ends the training: all later epochs change nothing.
    schedule = ReduceLROnPlateau("val_fpr", mode="max", factor=0.0, patience=1)
    fitted = dense(schedule, epochs=20).fit(X, y)
    rates = np.array(fitted.history_["learning_rate"])
    stopped = int(np.argmax(rates == 0))
    assert 0 < stopped < 19
    losses = np.array(fitted.history_["loss"])
    assert (losses[stopped:] == losses[stopped - 1]).all()
    assert losses[stopped - 1] < losses[0]
    moved = np.array(fitted.history_["update_norm_first"])
    assert (moved[stopped:] == 0).all()
    assert (moved[:stopped] > 0).all()


def test_a_change_of_rate_compiles_nothing(monkeypatch):
    compiled = []

    def counted(*given):
        compiled.append(given)
        return compile_graph(*given)

    monkeypatch.setattr("skloss.training.program.compile_graph", counted)
    schedule = ReduceLROnPlateau("val_fpr", mode="max", factor=0.5, patience=1)
    fitted = dense(schedule, width=7, epochs=15).fit(X, y)
    assert len(set(fitted.history_["learning_rate"])) > 2
    assert len(compiled) <= 1
    dense(ReduceLROnPlateau(patience=2), width=7, epochs=15).fit(X, y)
    assert len(compiled) <= 1


def test_partial_fits_go_on_with_the_rate_and_the_counts():
    arguments = {"patience": 2, "factor": 0.5, "min_delta": 0.01, "cooldown": 1}
    classifier = dense(ReduceLROnPlateau(**arguments))
    for _ in range(12):
        classifier.partial_fit(X, y, classes=[0, 1])
    history = classifier.record_.history
    rates = by_keras(history["loss"], 0.05, **arguments)
    assert history["learning_rate"] == rates[:-1]
    assert rates[-1] < 0.05


def test_a_new_learning_rate_or_schedule_begins_anew_in_partial_fit():
    schedule = ReduceLROnPlateau(patience=1, factor=0.5, min_delta=1.0)
    classifier = dense(schedule)
    for _ in range(4):
        classifier.partial_fit(X, y, classes=[0, 1])
    assert classifier.history_["learning_rate"][-1] < np.float32(0.05)
    classifier.set_params(learning_rate=0.02).partial_fit(X, y)
    assert classifier.history_["learning_rate"][-1] == np.float32(0.02)
    classifier.set_params(learning_rate_schedule="constant").partial_fit(X, y)
    assert classifier.history_["learning_rate"][-1] == np.float32(0.02)


def test_a_warm_start_begins_at_the_first_rate():
    schedule = ReduceLROnPlateau("loss", patience=1, factor=0.5, min_delta=1.0)
    classifier = dense(schedule, warm_start=True, epochs=4).fit(X, y)
    first = classifier.history_["learning_rate"]
    assert first[-1] < first[0]
    assert classifier.fit(X, y).history_["learning_rate"] == first


def test_the_record_and_a_clone_keep_the_schedule():
    schedule = ReduceLROnPlateau(patience=3)
    fitted = dense(schedule, epochs=1).fit(X, y)
    assert clone(fitted).learning_rate_schedule == schedule
    record = TrainingRecord.from_json(fitted.record_.to_json())
    told = record.configuration["parameters"]["learning_rate_schedule"]
    assert told.startswith("ReduceLROnPlateau(")
    assert "patience=3" in told
    assert record.configuration["training"]["schedule"] is True


@pytest.mark.parametrize(
    ("schedule", "options", "message"),
    [
        ("val_los", {}, "learning_rate_schedule.*follow.*Did you mean 'val_loss'"),
        ("val_loss", {"validation_fraction": None}, "follows 'val_loss', but no rows"),
    ],
)
def test_a_curve_that_there_is_not_is_refused(schedule, options, message):
    with pytest.raises(ValueError, match=message):
        dense(ReduceLROnPlateau(schedule), **options).fit(X, y)


def test_a_partial_fit_cannot_follow_rows_held_out():
    with pytest.raises(ValueError, match="follows 'val_loss', but no rows are held"):
        dense(ReduceLROnPlateau("val_loss")).partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize(
    ("argument", "value"),
    [("factor", 1.0), ("factor", -0.1), ("mode", "up"), ("patience", -1),
     ("monitor", None), ("cooldown", "3"), ("min_lr", -1.0)],
)  # fmt: skip
def test_arguments_out_of_range_are_refused(argument, value):
    with pytest.raises(ValueError, match=argument):
        ReduceLROnPlateau(**{argument: value})
