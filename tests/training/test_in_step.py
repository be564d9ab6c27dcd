"""Networks that are trained in step end where each would end alone."""

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

import skloss.training.in_step as in_step
from skloss import DenseClassifier
from skloss.estimators import fit_members, network_fit
from skloss.exceptions import TrainingDivergedWarning, TrainingInterruptedWarning
from skloss.networks import dense, initial_weights
from skloss.networks.layers import ColumnScale
from skloss.training import (
    Evaluator,
    NetworkTraining,
    Rows,
    Settings,
    SpecNetwork,
    can_go_in_step,
    train,
    train_in_step,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5)).astype("f4")
WEIGHT = RNG.uniform(0.2, 3, 90).astype("f4")
TWO = Rows(X, (X[:, 0] > 0).astype("i4"), WEIGHT)
THREE = replace(TWO, y=(np.abs(X[:, 0]) * 2).clip(0, 2).astype("i4"))
# Of each network: so many that the last batches differ.
SIZES = (70, 77, 79)


def trainings(n_outputs=1, sizes=SIZES, network=None, **settings):
    """Trainings of one shape, each with seed, weights and rows of its own."""
    spec = network or dense(5, n_outputs=n_outputs, width=(8, 6))
    rows = TWO if n_outputs == 1 else THREE
    settings = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, **settings}
    made = []
    for seed, size in enumerate(sizes):
        own = rows.at(np.arange(size)).compact()
        how = Settings(seed=seed, **settings)
        measured = SpecNetwork(spec, how.loss, how.focal_gamma, how.label_smoothing)
        prior = np.full(max(2, n_outputs), 0.5)
        evaluators = {"": Evaluator(measured, own, len(prior), prior)}
        weights = initial_weights(spec, np.random.default_rng(seed))
        made.append(NetworkTraining(spec, weights, own, how, evaluators))
    return made


def assert_equal(found, alone):
    for result, expected in zip(found, alone, strict=True):
        for array, other in zip(result.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(array, other)
        assert result.stop_reason == expected.stop_reason
        assert result.kept_epoch == expected.kept_epoch
        assert result.step == expected.step
        assert result.history.keys() == expected.history.keys()
        for name in result.history.keys() - {"seconds"}:
            np.testing.assert_array_equal(
                result.history[name], expected.history[name], err_msg=name
            )


def assert_end_as_alone(**options):
    with np.errstate(all="ignore"):
        alone = [train(training) for training in trainings(**options)]
        assert_equal(train_in_step(trainings(**options)), alone)
    return alone


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "focal"},
        {"label_smoothing": 0.1},
        {"optimizer": "adamw"},
        {"optimizer": "nadam"},
        {"optimizer": "sgd"},
        {"clipnorm": 0.05},
        {"learning_rate_schedule": "cosine"},
    ],
    ids=str,
)
def test_each_ends_where_it_would_end_alone(settings, n_outputs):
    assert_end_as_alone(n_outputs=n_outputs, **settings)


def test_the_logit_adjusted_loss_has_a_shift_of_each_network():
    def made():
        return [
            trainings(sizes=(70,), loss="logit_adjusted", logit_shift=(float(shift),))[
                0
            ]
            for shift in (-1, 2)
        ]

    assert_equal(train_in_step(made()), [train(training) for training in made()])


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": (0.4, 0.2)},
        {"l1": 0.01, "l2": 0.02},
        {"activity_l2": 0.05},
        {"activation": "gelu"},
        {"dropout": (0.4, 0.2), "activation": "selu"},
    ],
    ids=str,
)
def test_dropout_penalties_and_activations_are_those_of_each_network(options):
    assert_end_as_alone(network=dense(5, n_outputs=1, width=(8, 6), **options))


def test_a_network_takes_the_steps_that_others_do_not_have():
    # Five batches, and six; programs are made for up to eight.
    assert_end_as_alone(sizes=(70, 90, 80, 81))


def test_the_seconds_of_an_epoch_are_those_of_one_network():
    started = perf_counter()
    found = train_in_step(trainings(sizes=(70,) * 8, epochs=20))
    taken = perf_counter() - started
    assert 0 < sum(sum(result.history["seconds"]) for result in found) < taken


def test_networks_of_other_programs_are_trained_one_after_the_other():
    assert_end_as_alone(sizes=(20, 90))


def test_one_that_stops_early_leaves_the_others():
    options = {"monitor": "loss", "patience": 2, "learning_rate": 0.5, "epochs": 40}
    alone = assert_end_as_alone(**options)
    assert len({result.n_epochs for result in alone}) > 1


def test_one_that_diverges_leaves_the_others():
    def made():
        first, second = trainings(sizes=(70, 77))
        huge = replace(first.rows, X=first.rows.X * np.float32(1e30))
        spec, weights = first.spec, initial_weights(first.spec, RNG)
        return NetworkTraining(spec, weights, huge, first.settings, {}), second

    with pytest.warns(TrainingDivergedWarning):
        found = train_in_step(made())
    assert [result.stop_reason for result in found] == ["diverged", "epochs"]
    assert_equal(found[1:], [train(made()[1])])


@pytest.mark.parametrize("moment", ["between", "within"])
def test_ctrl_c_ends_all_that_still_train_and_keeps_their_epochs(moment, monkeypatch):
    made = trainings(sizes=(70, 70), epochs=9)
    run, calls = in_step.run_stacked, []

    def press(*arguments):
        calls.append(0)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return run(*arguments)

    if moment == "between":
        monkeypatch.setattr(in_step, "run_stacked", press)
    else:
        measure = made[1].log.measure
        made[1].log.measure = lambda weights: press_at(4, calls) or measure(weights)
    with pytest.warns(TrainingInterruptedWarning) as warned:
        found = train_in_step(made)
    assert len(warned) == 1
    assert [result.stop_reason for result in found] == ["interrupted"] * 2
    epochs = [result.n_epochs for result in found]
    assert epochs == ([3, 3] if moment == "between" else [4, 3])


def press_at(number, calls):
    calls.append(0)
    if len(calls) == number:
        raise KeyboardInterrupt


def test_ctrl_c_before_each_has_an_epoch_is_raised(monkeypatch):
    made = trainings(sizes=(70, 70))
    calls = []
    measure = made[1].log.measure
    made[1].log.measure = lambda weights: press_at(1, calls) or measure(weights)
    with pytest.raises(KeyboardInterrupt):
        train_in_step(made)


@pytest.mark.parametrize(("sizes", "n_trained"), [((20, 21, 90), 2), ((90, 20, 21), 1)])
def test_ctrl_c_leaves_those_of_other_programs_untrained(sizes, n_trained):
    made = trainings(sizes=sizes)
    first = made[0].log
    measure, calls = first.measure, []
    first.measure = lambda weights: press_at(2, calls) or measure(weights)
    with pytest.warns(TrainingInterruptedWarning):
        found = train_in_step(made)
    assert [result.stop_reason for result in found] == ["interrupted"] * n_trained
    assert [result.n_epochs for result in found] == [1] * n_trained


def test_ctrl_c_is_heard_though_the_last_of_the_stack_has_ended():
    made = trainings(sizes=(70, 70, 20))
    (first, second, _), calls = [training.log for training in made], []
    end, measure = second.end_epoch, first.measure
    second.end_epoch = lambda *given: end(*given) or True  # after its first epoch
    first.measure = lambda weights: press_at(2, calls) or measure(weights)
    with pytest.warns(TrainingInterruptedWarning):
        found = train_in_step(made)
    assert [result.stop_reason for result in found] == ["interrupted", "callback"]


def test_only_plain_networks_that_nobody_watches_go_in_step():
    plain = dense(5, n_outputs=1, width=(4,))
    scaled = replace(plain, layers=(ColumnScale(5), *plain.layers))
    short = Settings(epochs=10)
    assert can_go_in_step(plain, short, 90)
    assert not can_go_in_step(plain, replace(short, callbacks=(print,)), 90)
    assert not can_go_in_step(plain, replace(short, epochs=1000), 90)  # compiled
    assert not can_go_in_step(scaled, short, 90)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True, "patience": 2, "learning_rate": 0.03},
        {"class_weight": "balanced", "dropout": 0.2},
        {"balanced_batches": True},
        {"calibration": "temperature"},
        {"warm_start": True},
    ],
    ids=str,
)
def test_members_in_step_are_members_one_after_the_other(options, monkeypatch):
    def fit():
        model = DenseClassifier(
            8,
            epochs=12,
            n_members=3,
            validation_fraction=0.34,
            random_state=0,
            **options,
        )
        for _ in range(2 if "warm_start" in options else 1):
            model.fit(X, TWO.y)
        return model

    stacks = []
    together = fit_members.fit_in_step
    monkeypatch.setattr(
        fit_members, "fit_in_step", lambda fits: stacks.append(0) or together(fits)
    )
    found = fit()
    assert stacks
    monkeypatch.setattr(network_fit, "can_go_in_step", lambda *_: False)
    stacks.clear()
    alone = fit()
    assert not stacks
    np.testing.assert_array_equal(found.predict_proba(X), alone.predict_proba(X))
    for name in found.history_.keys() - {"seconds"}:
        np.testing.assert_array_equal(found.history_[name], alone.history_[name])
