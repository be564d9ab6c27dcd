"""`explain_gap` on Keras models, against Keras, and on classifiers with groups."""

import random

import keras
import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from keras import layers
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier, KerasClassifier, Pipeline, diagnose, explain_gap
from skloss.record.loss_gap import gap_of_record

rng = np.random.default_rng(0)
N, CUT = 300, 200
y = (np.arange(N) % 4 == 0).astype(int)
X = (rng.normal(size=(N, 5)) + 0.7 * y[:, None]).astype(np.float32)
TRAIN, VAL = (X[:CUT], y[:CUT]), (X[CUT:], y[CUT:])
GROUPS = np.arange(N) // 10
BY_CLASS = {0: 1.0, 1: 3.0}
# One step an epoch: the printed loss is that of the weights before.
FIT = {"epochs": 3, "batch_size": CUT, "verbose": 0}


def network(outputs=1, loss="binary_crossentropy", dropout=0.3, last="sigmoid"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, "relu", kernel_regularizer=keras.regularizers.L2(0.03)),
            layers.BatchNormalization(),
            layers.Dropout(dropout),
            layers.Dense(outputs, last),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), loss, jit_compile=False)
    return model


def trained(model, labels=y, **options):
    history = model.fit(
        X[:CUT],
        labels[:CUT],
        validation_data=(X[CUT:], labels[CUT:]),
        **{**FIT, **options},
    )
    return model, history.history


def explained(model, history, labels=y, fit_params=None, **options):
    return explain_gap(
        model,
        X[:CUT],
        labels[:CUT],
        history=history,
        X_val=X[CUT:],
        y_val=labels[CUT:],
        fit_params={} if fit_params is None else fit_params,
        **options,
    )


def row_losses(model, X, y, training=False):
    outputs = model(X, training=training)
    loss = keras.losses.BinaryCrossentropy(reduction="none")
    return np.asarray(loss(y[:, None].astype(np.float32), outputs), float)


def test_parts_of_a_keras_model_are_those_that_keras_evaluates():
    model, history = trained(network(dropout=0.0), class_weight=BY_CLASS)
    gap = explained(model, history, fit_params={**FIT, "class_weight": BY_CLASS})
    given = {**FIT, "class_weight": BY_CLASS, "validation_data": VAL}
    assert diagnose(model, *TRAIN, history=history, fit_params=given).gap == gap
    assert gap.printed == history["loss"][-1]
    assert gap.validation == history["val_loss"][-1]
    evaluated = model.evaluate(*VAL, verbose=0)
    assert gap.validation == pytest.approx(evaluated, abs=1e-5)
    plain = row_losses(model, *TRAIN)
    held, prior = row_losses(model, *VAL), np.mean(VAL[1])
    weight = np.where(TRAIN[1] == 1, 3.0, 1.0)
    # A call in training mode moves the batch statistics, so that it comes last.
    change = plain - row_losses(model, *TRAIN, training=True)
    means = [plain[TRAIN[1] == c].mean() for c in range(2)]
    expected = {
        "penalties": 0.0,  # which evaluate has, too
        "training_mode": (weight * change).mean(),
        "weights": ((1 - weight) * plain).mean(),
        "prior": (prior - np.mean(TRAIN[1])) * (means[1] - means[0]),
        "generalization": held.mean() - (1 - prior) * means[0] - prior * means[1],
    }
    found = {name: gap.find(name).nats for name in expected}
    assert found == pytest.approx(expected, abs=2e-5)
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-6)


def test_dropout_of_a_keras_model_costs_its_mean_over_masks():
    model, history = trained(network(dropout=0.5))
    part = explained(model, history).find("training_mode")
    plain = row_losses(model, *TRAIN).mean()
    # Calls in training mode move the batch statistics, so that this one comes last.
    many = [row_losses(model, *TRAIN, training=True).mean() for _ in range(40)]
    noise = np.std(many) / np.sqrt(40)
    assert abs(part.nats - (plain - np.mean(many))) < 4 * np.hypot(part.error, noise)
    assert part.title == "dropout and batch statistics"


def test_nothing_of_the_model_and_no_global_seed_changes():
    model, history = trained(network())

    def state():
        variables = [*model.variables, *model.optimizer.variables]
        return [np.asarray(v).copy() for v in variables]

    before, seeds = state(), (random.getstate(), np.random.get_state()[1].copy())  # noqa: NPY002
    explained(model, history)
    after = state()
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert_array_equal(one, other)
    assert random.getstate() == seeds[0]
    assert_array_equal(np.random.get_state()[1], seeds[1])  # noqa: NPY002


def test_without_fit_params_weights_are_not_told_apart():
    model, history = trained(network(), class_weight=BY_CLASS)
    gap = diagnose(model, *TRAIN, history=history, X_val=VAL[0], y_val=VAL[1]).gap
    assert set(gap.find("unsplit").causes) >= {"weights", "moving_weights"}
    assert "give fit_params" in gap.not_assessed["weights"]
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-6)


def test_restored_weights_are_of_the_epoch_they_come_from():
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model = network(dropout=0.0)
    model.optimizer.learning_rate = 0.2
    model, history = trained(model, epochs=40, callbacks=[stop])
    best = int(np.argmin(history["val_loss"]))
    assert best < len(history["val_loss"]) - 1
    assert explained(model, history).epoch == best


def test_other_weights_than_those_of_the_history_have_no_gap():
    model, history = trained(network())
    model.set_weights([2 * w for w in model.get_weights()])
    with pytest.raises(ValueError, match="no epoch of the history has it"):
        explained(model, history)
    diagnosis = diagnose(model, *TRAIN, history=history, X_val=VAL[0], y_val=VAL[1])
    assert diagnosis.gap is None
    assert "gap was not measured" in diagnosis.to_text(verbose=True)


@pytest.mark.parametrize(
    ("loss", "labels", "outputs", "last", "is_plain"),
    [
        ("sparse_categorical_crossentropy", y + 1, 3, "softmax", True),
        ("categorical_crossentropy", np.eye(2)[y], 2, "softmax", True),
        (keras.losses.BinaryCrossentropy(from_logits=True), y, 1, None, True),
        (keras.losses.BinaryFocalCrossentropy(), y[:, None], 1, "sigmoid", False),
        ("mse", y, 1, "sigmoid", False),
    ],
    ids=["codes", "one-hot", "logits", "focal", "mse"],
)
def test_labels_and_losses_in_any_form(loss, labels, outputs, last, is_plain):
    model, history = trained(network(outputs, loss, 0.0, last), labels)
    gap = explained(model, history, labels)
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-6)
    assert gap.find("loss_function").is_absent == is_plain
    assert gap.find("generalization") is not None


def test_weights_of_rows_on_both_sides():
    weight = np.where(np.arange(N) % 3 == 0, 2.0, 0.5)
    data = (X[CUT:], y[CUT:], weight[CUT:])
    model = network(dropout=0.0)
    history = model.fit(
        *TRAIN, sample_weight=weight[:CUT], validation_data=data, **FIT
    ).history
    gap = explain_gap(
        model,
        *TRAIN,
        history=history,
        fit_params={"sample_weight": weight[:CUT], "validation_data": data},
    )
    changes = [
        np.mean((1 - w) * row_losses(model, *side))
        for w, side in ((weight[:CUT], TRAIN), (weight[CUT:], VAL))
    ]
    expected = changes[0] - changes[1]
    assert gap.find("weights").nats == pytest.approx(expected, abs=1e-5)


def test_validation_split_takes_the_tail():
    model = network()
    history = model.fit(X, y, validation_split=0.25, **FIT).history
    given = {"validation_split": 0.25, **FIT}
    gap = explain_gap(model, X, y, history=history, fit_params=given, groups=GROUPS)
    assert gap.validation == history["val_loss"][-1]
    assert gap.unit == "groups"


# --------------------------------------------------------------------- skloss, groups


def dense(**options):
    options = {"width": 16, "epochs": 30, "learning_rate": 0.02} | options
    return DenseClassifier(validation_fraction=0.3, random_state=0, **options)


def grouped_rows(n_groups=16, size=20):
    """Each group has a place of its own, which tells its labels."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(n_groups), size)
    labels = rng.integers(2, size=n_groups)[groups]
    flips = rng.random(len(groups)) < 0.1
    rows = rng.normal(size=(n_groups, 4))[groups] * 2
    rows = rows + 0.2 * rng.normal(size=rows.shape)
    return rows.astype(np.float32), np.where(flips, 1 - labels, labels), groups


def test_same_gap_as_the_record_whatever_is_around_the_classifier():
    model = Pipeline([("scale", StandardScaler()), ("net", dense(epochs=2))]).fit(X, y)
    assert explain_gap(model, X, y) == gap_of_record(model["net"].record_)
    search = GridSearchCV(model, {"net__width": [3]}, cv=2).fit(X, y)
    assert explain_gap(search, X, y) == diagnose(search).gap


def test_groups_that_fit_did_not_know_give_the_errors():
    rows, labels, groups = grouped_rows()
    model = dense().fit(rows, labels)
    plain = explain_gap(model, rows, labels)
    gap = explain_gap(model, rows, labels, groups=groups)
    assert (plain.unit, gap.unit) == ("rows", "groups")
    assert [p.nats for p in gap.parts] == [p.nats for p in plain.parts]
    assert gap.find("generalization").title == "new rows of known groups"


def test_refit_splits_new_rows_from_new_groups():
    rows, labels, groups = grouped_rows()
    steps = [("smote", SMOTE(random_state=0)), ("net", dense())]
    model = Pipeline(steps).fit(rows, labels, net__groups=groups)
    before = model.predict_proba(rows)
    gap = explain_gap(model, rows, labels, groups=groups)
    split = explain_gap(model, rows, labels, groups=groups, refit=True)
    assert_array_equal(model.predict_proba(rows), before)
    new_rows, new_groups = split.find("new_rows"), split.find("new_groups")
    whole = gap.find("generalization")
    assert new_rows.nats + new_groups.nats == pytest.approx(whole.nats)
    # A group's place tells its labels, but nothing of those of other groups.
    assert new_groups.nats > 3 * abs(new_rows.nats)
    assert sum(part.nats for part in split.parts) == pytest.approx(split.total)
    assert "groups never seen" in split.sentence


def test_what_cannot_be_explained_is_an_error_with_the_way_out():
    rows, labels, groups = grouped_rows()
    model = dense(epochs=1).fit(rows, labels)
    with pytest.raises(ValueError, match="give the group of each row"):
        explain_gap(model, rows, labels, refit=True)
    with pytest.raises(ValueError, match="pass groups to fit"):
        explain_gap(model, rows, labels, groups=groups, refit=True)
    with pytest.raises(ValueError, match="groups has 3 entries"):
        explain_gap(model, rows, labels, groups=[1, 2, 3])
    with pytest.raises(ValueError, match="not the rows that fit was given"):
        explain_gap(model, rows[:50], labels[:50])
    bare = dense(epochs=1).set_params(validation_fraction=None).fit(rows, labels)
    with pytest.raises(ValueError, match="no validation loss"):
        explain_gap(bare, rows, labels)
    keras_model, history = trained(network())
    with pytest.raises(ValueError, match="needs a classifier of skloss"):
        explained(keras_model, history, groups=GROUPS[:CUT], refit=True)


def test_keras_classifier_is_split_by_one_more_fit():
    rows, labels, groups = grouped_rows(8, 20)

    def build():
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1, "sigmoid")])
        model.compile("adam", "binary_crossentropy", jit_compile=False)
        return model

    model = KerasClassifier(
        build, epochs=2, verbose=0, validation_fraction=0.3, random_state=0
    ).fit(rows, labels, groups=groups)
    split = explain_gap(model, rows, labels, groups=groups, refit=True)
    assert split.find("new_groups") is not None
    assert sum(part.nats for part in split.parts) == pytest.approx(split.total)


def test_class_weights_of_scikeras_are_known():
    scikeras = pytest.importorskip("scikeras.wrappers")

    def build(meta):
        model = keras.Sequential([keras.Input((5,)), layers.Dense(1, "sigmoid")])
        model.compile("adam", "binary_crossentropy", jit_compile=False)
        return model

    names = np.where(y == 1, "storm", "calm")
    weight = {"storm": 5.0, "calm": 1.0}
    settings = {"class_weight": weight, "validation_split": 0.25, **FIT}
    model = scikeras.KerasClassifier(build, **settings).fit(X, names)
    gap = diagnose(model, X, names).gap
    cut, of_row = int(0.75 * N), np.where(y == 1, 5.0, 1.0)
    changes = [
        np.mean((1 - of_row[part]) * row_losses(model.model_, X[part], y[part]))
        for part in (slice(cut), slice(cut, None))
    ]
    expected = changes[0] - changes[1]
    assert gap.find("weights").nats == pytest.approx(expected, abs=1e-5)
