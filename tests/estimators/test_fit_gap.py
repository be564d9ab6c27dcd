"""The gap that a fit records: each part against Keras, and by planting its cause."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE, RandomOverSampler
from keras import layers
from keras.regularizers import L2
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from skloss import (
    CNN1DClassifier,
    DenseClassifier,
    KerasClassifier,
    Pipeline,
    TrainingRecord,
    diagnose,
)
from skloss.diagnosis import case_from_record
from skloss.estimators import fit_gap
from skloss.record.loss_gap import gap_of_record

rng = np.random.default_rng(0)
N = 240
y = (np.arange(N) % 5 == 0).astype(int)
X = (rng.normal(size=(N, 4)) + 0.8 * y[:, None]).astype(np.float32)
NOTHING = pytest.approx(0, abs=1e-6)


def dense(**options):
    options = {"width": 6, "epochs": 3, "validation_fraction": 0.25} | options
    return DenseClassifier(random_state=0, **options)


def gap_of(model):
    return diagnose(model).gap


def nats(model, name):
    return gap_of(model).find(name).nats


def sides(classifier, X=X, y=y):
    """Rows trained on and held out, by the record."""
    held = np.asarray(classifier.record_.data["held_out_rows"])
    kept = np.setdiff1d(np.arange(len(y)), held)
    return (X[kept], y[kept]), (X[held], y[held])


def keras_losses(model, X, y, loss="binary_crossentropy", training=False):
    """Loss of each row by Keras, of a model that ends in logits or probabilities."""
    outputs = np.asarray(model(X, training=training), np.float64).reshape(len(X), -1)
    kind = {
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "focal": keras.losses.BinaryFocalCrossentropy,
    }[loss]
    is_probability = outputs.min() >= 0 and outputs.max() <= 1
    return np.asarray(
        kind(from_logits=not is_probability, reduction="none")(
            y[:, None].astype(np.float64), outputs
        ),
        float,
    )


def test_plain_fit_has_only_moving_weights_prior_and_generalization():
    model = dense().fit(X, y)
    gap = gap_of(model)
    names = {part.name for part in gap.shown}
    assert names <= {"moving_weights", "prior", "generalization"}
    (X_t, y_t), (X_v, y_v) = sides(model)
    trained, held = (keras_losses(model.model_, *s) for s in ((X_t, y_t), (X_v, y_v)))
    history = model.record_.history
    assert gap.printed == history["running_loss"][-1]
    assert gap.validation == pytest.approx(held.mean(), abs=1e-6)
    moving = trained.mean() - history["running_loss"][-1]
    assert gap.find("moving_weights").nats == pytest.approx(moving, abs=1e-6)
    at_prior = sum(np.mean(y_v == c) * trained[y_t == c].mean() for c in range(2))
    unseen = held.mean() - at_prior
    assert gap.find("generalization").nats == pytest.approx(unseen, abs=1e-6)


def test_with_one_step_an_epoch_the_printed_loss_is_that_of_the_epoch_before():
    model = dense(batch_size=N, learning_rate=0.05).fit(X, y)
    loss = model.record_.history["loss"]
    moved = pytest.approx(loss[-1] - loss[-2], abs=1e-6)
    assert nats(model, "moving_weights") == moved


def test_weights_that_stand_still_do_not_move():
    assert nats(dense(learning_rate=1e-9).fit(X, y), "moving_weights") == NOTHING


def test_penalties_are_those_of_the_kernels():
    model = dense(l1=0.01, l2=0.02).fit(X, y)
    kernels = [w for w in model.model_.get_weights() if w.ndim == 2]
    penalty = sum(0.01 * abs(k).sum() + 0.02 * (k**2).sum() for k in kernels)
    assert nats(model, "penalties") == pytest.approx(-penalty, abs=1e-6)


def test_weights_of_classes_and_rows_are_found_and_vanish():
    model = dense(class_weight={0: 0.5, 1: 4.0}).fit(X, y)
    (X_t, y_t), _ = sides(model)
    losses = keras_losses(model.model_, X_t, y_t)
    weight = np.where(y_t == 1, 4.0, 0.5)
    expected = losses.mean() - (weight * losses).mean()
    assert nats(model, "weights") == pytest.approx(expected, abs=1e-6)
    assert nats(dense().fit(X, y), "weights") == NOTHING
    model = dense().fit(X, y, sample_weight=np.full(N, 2.0))
    (X_t, y_t), _ = sides(model)
    expected = -keras_losses(model.model_, X_t, y_t).mean()
    assert nats(model, "weights") == pytest.approx(expected, abs=1e-6)


def test_focal_loss_is_compared_with_crossentropy_on_both_sides():
    model = dense(loss="focal").fit(X, y)
    (X_t, y_t), (X_v, y_v) = sides(model)
    less = [
        (keras_losses(model.model_, *side) - keras_losses(model.model_, *side, "focal"))
        for side in ((X_t, y_t), (X_v, y_v))
    ]
    # Keras' focal loss of BinaryFocalCrossentropy has gamma 2, as ours.
    expected = less[0].mean() - less[1].mean()
    part = gap_of(model).find("loss_function")
    assert part.nats == pytest.approx(expected, abs=1e-5)
    assert part.title == "focal loss instead of cross-entropy"
    assert nats(dense().fit(X, y), "loss_function") == NOTHING


def test_label_smoothing_is_a_part_too():
    part = gap_of(dense(label_smoothing=0.2).fit(X, y)).find("loss_function")
    assert part.title == "label smoothing instead of cross-entropy"
    assert not part.is_absent


def test_batch_statistics_are_those_of_keras_in_training_mode():
    model = dense(batch_norm=True, batch_size=N).fit(X, y)
    (X_t, y_t), _ = sides(model)
    in_training = keras_losses(model.model_, X_t, y_t, training=True)
    expected = keras_losses(model.model_, X_t, y_t).mean() - in_training.mean()
    part = gap_of(model).find("training_mode")
    assert part.nats == pytest.approx(expected, abs=1e-5)
    assert part.title == "batch statistics"


def test_dropout_costs_what_it_costs_in_keras():
    model = dense(dropout=0.5).fit(X, y)
    (X_t, y_t), _ = sides(model)
    keras.utils.set_random_seed(0)
    many = [keras_losses(model.model_, X_t, y_t, training=True) for _ in range(60)]
    expected = keras_losses(model.model_, X_t, y_t).mean() - np.mean(many)
    part = gap_of(model).find("training_mode")
    noise = np.mean(many, axis=1).std() / np.sqrt(60)
    assert abs(part.nats - expected) < 4 * np.hypot(part.error, noise)
    assert part.title == "dropout"
    assert nats(dense().fit(X, y), "training_mode") == NOTHING


def test_sampler_splits_into_its_rows_and_its_prior():
    model = Pipeline([("smote", SMOTE(random_state=0)), ("net", dense())]).fit(X, y)
    (X_t, y_t), (_, y_v) = sides(model["net"])
    losses = keras_losses(model["net"].model_, X_t, y_t)
    X_s, y_s = SMOTE(random_state=0).fit_resample(X_t, y_t)
    made = keras_losses(model["net"].model_, X_s, y_s).mean()
    means = [losses[y_t == c].mean() for c in range(2)]
    resampling = 0.5 * sum(means) - made
    prior = sum((np.mean(y_v == c) - 0.5) * means[c] for c in range(2))
    gap = gap_of(model)
    assert gap.find("resampling").nats == pytest.approx(resampling, abs=1e-5)
    assert gap.find("prior").nats == pytest.approx(prior, abs=1e-5)
    assert gap.find("prior").title == "SMOTE's prior"


def test_copies_of_rows_change_the_prior_alone():
    sampler = RandomOverSampler(random_state=0)
    model = Pipeline([("copies", sampler), ("net", dense())]).fit(X, y)
    gap = gap_of(model)
    assert abs(gap.find("resampling").nats) < 3 * gap.find("resampling").error
    assert gap.find("prior").nats != NOTHING


def test_kept_and_last_epoch_have_a_gap_each():
    model = dense(epochs=30, early_stopping=True, patience=2, learning_rate=0.1)
    record = model.fit(X, y).record_
    gap, kept = gap_of(model), record.outcome["kept_epoch"]
    assert kept < record.n_epochs - 1
    assert (gap.epoch, gap.last.epoch) == (kept, record.n_epochs - 1)
    for one in (gap, gap.last):
        assert one.printed == record.history["running_loss"][one.epoch]
        assert one.validation == record.history["val_loss"][one.epoch]
        assert sum(p.nats for p in one.parts) == pytest.approx(one.total, abs=1e-9)
    trained, _ = sides(model)
    kept_loss = keras_losses(model.model_, *trained).mean()
    moved = gap.printed + gap.find("moving_weights").nats
    assert moved == pytest.approx(kept_loss, abs=1e-6)


def test_group_errors_and_words_come_from_the_groups_of_the_fit():
    groups = np.arange(N) // 10
    gap = gap_of(dense().fit(X, y, groups=groups))
    assert gap.unit == "groups"
    assert gap.find("generalization").title == "groups never seen"
    pipeline = Pipeline([("smote", SMOTE(random_state=0)), ("net", dense())])
    gap = gap_of(pipeline.fit(X, y, net__groups=groups))
    assert gap.unit == "groups"
    assert gap.find("generalization").title == "groups never seen"


def test_failure_to_measure_does_not_lose_the_fit(monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError("out of memory")

    expected = dense().fit(X, y).predict_proba(X)
    monkeypatch.setattr(fit_gap, "measured_gap", fails)
    model = dense().fit(X, y)
    assert_array_equal(model.predict_proba(X), expected)
    assert gap_of(model) is None
    assert case_from_record(model.record_).no_gap == "out of memory"
    assert "not measured: out of memory" in diagnose(model).to_text(verbose=True)


def test_no_gap_without_a_holdout_or_in_a_partial_fit():
    assert gap_of(dense(validation_fraction=None).fit(X, y)) is None
    assert gap_of(dense().partial_fit(X, y, classes=[0, 1])) is None


def test_gap_survives_a_saved_record(tmp_path):
    record = dense().fit(X, y).record_
    record.save(tmp_path / "record.json")
    loaded = TrainingRecord.load(tmp_path / "record.json")
    assert gap_of_record(loaded) == gap_of_record(record)
    assert diagnose(loaded).gap == gap_of_record(record)
    del loaded.outcome["loss_gap"]
    assert diagnose(loaded).gap is None


def test_early_in_text_and_html_stands_the_sentence():
    diagnosis = diagnose(dense(l2=0.1).fit(X, y))
    start = diagnosis.to_text().split("\n\n")[1]
    assert " ".join(start.split()) == diagnosis.gap.sentence
    assert diagnosis.gap.sentence.split(",")[0] in diagnosis._repr_html_()
    assert diagnosis.to_dict()["gap"]["total"] == pytest.approx(diagnosis.gap.total)


@settings(max_examples=12, deadline=None)
@given(
    width=st.lists(st.integers(1, 5), min_size=1, max_size=2),
    options=st.fixed_dictionaries(
        {},
        optional={
            "dropout": st.sampled_from([0.3, 0.6]),
            "batch_norm": st.booleans(),
            "l1": st.just(0.01),
            "l2": st.just(0.01),
            "activity_l2": st.just(0.01),
            "class_weight": st.just("balanced"),
            "loss": st.sampled_from(["crossentropy", "focal"]),
            "label_smoothing": st.sampled_from([0.0, 0.1]),
        },
    ),
    n_classes=st.integers(2, 3),
    is_resampled=st.booleans(),
)
def test_parts_of_any_network_add_up(width, options, n_classes, is_resampled):
    if options.get("loss") == "focal":
        options.pop("label_smoothing", None)
    labels = np.where(np.arange(N) % 3 == 2, n_classes - 1, y)
    net = dense(width=tuple(width), epochs=1, batch_size=60, **options)
    steps = [("copies", RandomOverSampler(random_state=0))] * is_resampled
    gap = gap_of(Pipeline([*steps, ("net", net)]).fit(X, labels))
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-6)
    assert all(np.isfinite(part.nats) for part in gap.parts)
    assert gap.not_assessed == {}
    causes = {
        "penalties": {"l1", "l2", "activity_l2"} & options.keys(),
        "training_mode": {"dropout", "batch_norm"}
        & {k for k, v in options.items() if v},
        "weights": {"class_weight"} & options.keys(),
        "loss_function": options.get("loss") == "focal"
        or options.get("label_smoothing"),
        "resampling": is_resampled,
    }
    for name, has in causes.items():
        assert has or gap.find(name).nats == NOTHING, name


def test_sparse_rows_have_the_gap_of_dense_ones():
    options = {"l2": 0.01, "batch_norm": True}
    gaps = [gap_of(dense(**options).fit(rows, y)) for rows in (X, csr_array(X))]
    for part in gaps[0].parts:
        assert gaps[1].find(part.name).nats == pytest.approx(part.nats, abs=1e-5)


def test_series_have_a_gap_too():
    series = rng.normal(size=(80, 12, 1)).astype(np.float32)
    labels = np.arange(80) % 2
    model = CNN1DClassifier(
        filters=[2],
        epochs=2,
        batch_norm=True,
        dropout=0.2,
        validation_fraction=0.25,
        random_state=0,
    ).fit(series, labels)
    gap = gap_of(model)
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-6)
    assert gap.find("training_mode").title == "dropout and batch statistics"


# ----------------------------------------------------------------------------- Keras


def keras_model(dropout=0.0, normalizes=False, l2=0.0):
    steps = [keras.Input((4,)), layers.Dense(6, "relu", kernel_regularizer=L2(l2))]
    steps += [layers.BatchNormalization()] * normalizes
    steps += [layers.Dropout(dropout)]
    steps += [layers.Dense(1, "sigmoid", kernel_regularizer=L2(l2))]
    model = keras.Sequential(steps)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model


def by_keras(**options):
    """A classifier that keras.Model.fit trains, since it has a callback."""
    return KerasClassifier(
        keras_model,
        **{"epochs": 3, "verbose": 0, "batch_size": N} | options,
        callbacks=keras.callbacks.Callback,
        validation_fraction=0.25,
        random_state=0,
    )


def test_fit_by_keras_has_the_parts_that_keras_measures():
    model = by_keras(l2=0.05, normalizes=True, class_weight={0: 1.0, 1: 3.0})
    model.fit(X, y)
    assert model.record_.outcome["program"] == "keras"
    (X_t, y_t), held = sides(model)
    network, gap = model.model_, gap_of(model)
    plain, of_held = keras_losses(network, X_t, y_t), keras_losses(network, *held)
    # A call in training mode moves the batch statistics, so that it comes last.
    in_training = keras_losses(network, X_t, y_t, training=True)
    weight = np.where(y_t == 1, 3.0, 1.0)
    kernels = [w for w in network.get_weights() if w.ndim == 2]
    penalty = 0.05 * sum(np.sum(kernel**2) for kernel in kernels)
    expected = {
        "penalties": -penalty,
        "training_mode": (weight * (plain - in_training)).mean(),
        "weights": ((1 - weight) * plain).mean(),
    }
    found = {name: gap.find(name).nats for name in expected}
    assert found == pytest.approx(expected, abs=1e-5)
    assert gap.validation == pytest.approx(of_held.mean(), abs=1e-5)
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-6)


def test_fit_by_keras_keeps_the_weights_of_the_kept_epoch():
    model = by_keras(epochs=12, early_stopping=True, patience=1).fit(X, y)
    record, gap = model.record_, gap_of(model)
    kept = record.outcome["kept_epoch"]
    assert gap.epoch == (record.n_epochs - 1 if kept is None else kept)
    losses = keras_losses(model.model_, *sides(model)[1])
    assert record.history["val_loss"][gap.epoch] == pytest.approx(
        losses.mean(), abs=1e-5
    )


def test_engine_and_keras_find_the_same_parts():
    models = [by_keras(l2=0.02).fit(X, y), by_keras(l2=0.02)]
    models[1].set_params(callbacks=None)
    models[1].fit(X, y)
    programs = [model.record_.outcome["program"] for model in models]
    assert programs[0] == "keras"
    assert programs[1] != "keras"
    gaps = [gap_of(model) for model in models]
    for part in gaps[0].parts:
        assert gaps[1].find(part.name).nats == pytest.approx(part.nats, abs=1e-4)


def test_outputs_that_are_no_probabilities_have_no_gap():
    def linear():
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1, "tanh")])
        model.compile("adam", "hinge")
        return model

    model = KerasClassifier(
        linear, epochs=1, verbose=0, validation_fraction=0.25, random_state=0
    ).fit(X, y)
    assert "no probabilities" in case_from_record(model.record_).no_gap
