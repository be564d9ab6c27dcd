"""A fit on rows in blocks is that in memory, wherever the order is the same."""

import os
import pickle
import signal
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import (
    CNN1DClassifier,
    CNN2DClassifier,
    DenseClassifier,
    RecurrentClassifier,
    RocketClassifier,
    streams,
)
from skloss.datasets import make_rare_events
from skloss.exceptions import TrainingDivergedWarning, TrainingInterruptedWarning
from skloss.streams import streamed_rows

X, y = make_rare_events(3000, prevalence=0.2, random_state=0)
X = X.astype(np.float32)
GROUPS = np.random.default_rng(0).integers(40, size=len(X))
THREE = np.array(["a", "b", "c"])[y + (X[:, 0] > 1)]


def dense(**options):
    return DenseClassifier(**{"epochs": 3, "random_state": 0} | options)


def assert_equal_fits(first, second, rtol=0.0):
    """All of the weights, the curves and the record but the seconds."""
    for one, other in zip(first.weights_, second.weights_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert_alike(first.record_.to_dict(), second.record_.to_dict(), rtol)


def assert_alike(one, other, rtol, path=""):
    if "seconds" in path:
        return
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            assert_alike(one[key], other[key], rtol, f"{path}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), path
        for first, second in zip(one, other, strict=True):
            assert_alike(first, second, rtol, path)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=rtol, abs=0, nan_ok=True), path
    else:
        assert one == other, path


OPTIONS = {
    "defaults": {},
    "no hold-out": {"validation_fraction": None},
    "last rows": {"validation_rows": "last"},
    "scaled": {"scale_columns": "standard"},
    "dropout and norm": {"dropout": 0.3, "batch_norm": True, "l2": 1e-3},
    "focal": {"loss": "focal"},
    "logit-adjusted": {"loss": "logit_adjusted"},
    "scored": {"scoring": ["roc_auc"], "return_train_score": True},
    "calibrated": {"calibration": "temperature"},
    "stopped": {"early_stopping": True, "patience": 1, "epochs": 8},
    "given back": {"refit": True, "epochs": 2},
    "few rows a step": {"batch_size": 7, "epochs": 1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_fit_on_a_source_is_that_in_memory_to_the_bit(options):
    streamed = dense(**options).fit(streams.array_rows(X, y))
    assert_equal_fits(dense(**options).fit(X, y), streamed)


@pytest.mark.parametrize(
    "options",
    [
        {"class_weight": "balanced"},
        {"class_weight": {0: 1.0, 1: 3.0}, "prior_correction": True},
        {"loss": "focal", "focal_alpha": 0.75},
    ],
)
def test_class_weights_come_from_exact_counts(options):
    # The shares in the loss are sums over rows in memory, and products here.
    streamed = dense(**options).fit(streams.array_rows(X, y))
    assert_equal_fits(dense(**options).fit(X, y), streamed, rtol=1e-12)


def test_groups_are_held_out_as_in_memory():
    rows = streams.array_rows(X, y, groups=GROUPS)
    streamed = dense().fit(rows)
    assert_equal_fits(dense().fit(X, y, groups=GROUPS), streamed)
    held = streamed.record_.data["held_out_rows"]
    assert not {*GROUPS[held]} & {*np.delete(GROUPS, held)}


def test_labels_of_several_classes_are_texts():
    assert_equal_fits(dense().fit(X, THREE), dense().fit(streams.array_rows(X, THREE)))


def test_series_are_trained_on_too():
    series = X.reshape(len(X), 6, 2)
    options = {"depth": 1, "epochs": 1, "batch_size": 64, "random_state": 0}
    for given in (series, np.asarray(series.transpose(0, 2, 1))):
        first = given is not series
        in_memory, streamed = (
            CNN1DClassifier(channels_first=first, **options) for _ in range(2)
        )
        in_memory.fit(given, y)
        streamed.fit(streams.array_rows(given, y))
        assert_equal_fits(in_memory, streamed)
        np.testing.assert_array_equal(
            streamed.predict_proba(streams.array_rows(given)),
            streamed.predict_proba(given),
        )


@pytest.mark.parametrize(
    ("kind", "options", "shape"),
    [
        (CNN2DClassifier, {}, (2, 6, 1)),
        (CNN2DClassifier, {"augment": {"shift": 0.2}}, (2, 6, 1)),
        (RecurrentClassifier, {}, (6, 2)),
        (RecurrentClassifier, {"missing": "mask"}, (6, 2)),
    ],
    ids=["images", "augmented images", "recurrent", "recurrent with gaps"],
)
def test_other_networks_are_trained_on_too(kind, options, shape):
    n = 400
    given = X[:n].reshape(n, *shape)
    if "missing" in options:
        given = np.where(np.arange(6)[:, np.newaxis] < 5, given, np.nan)
    given = given.astype(np.float32)
    options = {"epochs": 1, "batch_size": 64, "random_state": 0, **options}
    streamed = kind(**options).fit(streams.array_rows(given, y[:n]))
    assert_equal_fits(kind(**options).fit(given, y[:n]), streamed)


def test_curves_are_measured_on_the_same_sample_of_many_rows(monkeypatch):
    monkeypatch.setattr("skloss.estimators.fit_job.MOST_MEASURED_ROWS", 700)
    streamed = dense().fit(streams.array_rows(X, y))
    assert_equal_fits(dense().fit(X, y), streamed)
    assert sum(streamed.record_.data["class_counts"]["measured"]) == 700


@pytest.mark.parametrize("options", [{}, {"scoring": "roc_auc"}, {"refit": True}])
def test_held_out_rows_that_are_read_anew_give_the_same_curves(monkeypatch, options):
    monkeypatch.setattr("skloss.estimators.fit_job.MOST_MEASURED_ROWS", 100)
    in_memory = dense(**options).fit(X, y)
    # The buffer keeps fewer values than 300 rows of 12 columns have.
    monkeypatch.setattr(streamed_rows, "MOST_KEPT_VALUES", 2000)
    assert_equal_fits(in_memory, dense(**options).fit(streams.array_rows(X, y)))


def test_curves_and_counts_are_exact_whatever_the_buffer_holds():
    rows = streams.array_rows(X, y, buffer_rows=320)
    streamed = dense(epochs=2).fit(rows)
    data = dense(epochs=1).fit(X, y).record_.data
    assert streamed.record_.data["class_counts"] == data["class_counts"]
    held = streamed.record_.data["held_out_rows"]
    assert held == data["held_out_rows"]
    p = streamed.predict_proba(X[held])
    expected = -np.log(p[np.arange(len(held)), y[held]]).mean()
    assert streamed.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
    p = np.delete(streamed.predict_proba(X), held, axis=0)
    labels = np.delete(y, held)
    expected = -np.log(p[np.arange(len(p)), labels]).mean()
    assert streamed.history_["loss"][-1] == pytest.approx(expected, rel=1e-5)


def test_a_small_buffer_learns_as_well():
    options = {"epochs": 15, "early_stopping": False}
    in_memory = dense(**options).fit(X, y).history_["val_loss"][-1]
    rows = streams.array_rows(X, y, buffer_rows=320)
    streamed = dense(**options).fit(rows).history_["val_loss"][-1]
    assert streamed == pytest.approx(in_memory, abs=0.03)


def test_two_fits_with_a_seed_are_equal_to_the_bit_with_a_small_buffer():
    rows = streams.array_rows(X, y, buffer_rows=320)
    assert_equal_fits(dense().fit(rows), dense().fit(rows))


@pytest.mark.usefixtures("graphs")
def test_a_fit_that_diverges_within_an_epoch_ends_as_in_memory():
    options = {"optimizer": "sgd", "learning_rate": 1e30, "batch_size": 1}
    with pytest.warns(TrainingDivergedWarning, match="in epoch 1, step"):
        in_memory = dense(**options).fit(X * 1e6, y)
    with pytest.warns(TrainingDivergedWarning, match="in epoch 1, step"):
        streamed = dense(**options).fit(streams.array_rows(X * 1e6, y))
    assert in_memory.record_.outcome["stop_reason"] == "diverged"
    np.testing.assert_array_equal(streamed.weights_[0], in_memory.weights_[0])


def test_another_source_can_be_held_out():
    held, kept = np.arange(500), np.arange(500, len(X))
    in_memory = dense().fit(X[kept], y[kept], X_val=X[held], y_val=y[held])
    streamed = dense().fit(
        streams.array_rows(X[kept], y[kept]),
        X_val=streams.array_rows(X[held], y[held]),
    )
    assert_equal_fits(in_memory, streamed)
    arrays = dense().fit(
        streams.array_rows(X[kept], y[kept]), X_val=X[held], y_val=y[held]
    )
    assert_equal_fits(in_memory, arrays)


def test_a_fit_goes_on_by_warm_start():
    in_memory, streamed = dense(warm_start=True), dense(warm_start=True)
    rows = streams.array_rows(X, y)
    for _ in range(2):
        in_memory.fit(X, y)
        streamed.fit(rows)
    assert_equal_fits(in_memory, streamed)


def test_a_fit_that_goes_on_without_a_seed_holds_out_the_same_rows():
    streamed = dense(warm_start=True, random_state=None)
    rows = streams.array_rows(X, y)
    held = [streamed.fit(rows).record_.data["held_out_rows"] for _ in range(2)]
    assert held[0] == held[1]


@pytest.mark.parametrize("make", [lambda: 3, lambda: np.random.RandomState(3)])
def test_a_seed_of_any_kind_holds_out_the_rows_of_a_fit_in_memory(make):
    in_memory = dense(random_state=make()).fit(X, y)
    streamed = dense(random_state=make()).fit(streams.array_rows(X, y))
    held = [one.record_.data["held_out_rows"] for one in (in_memory, streamed)]
    assert held[0] == held[1]
    np.testing.assert_array_equal(in_memory.weights_[0], streamed.weights_[0])


def test_a_second_fit_may_have_other_columns_and_labels():
    streamed = dense().fit(streams.array_rows(X, y))
    streamed.fit(streams.array_rows(X[:, :4], THREE))
    assert_equal_fits(dense().fit(X[:, :4], THREE), streamed)


@pytest.mark.usefixtures("graphs")
def test_a_partial_fit_on_a_source_is_one_epoch():
    in_memory, streamed = dense(), dense()
    for _ in range(2):
        in_memory.partial_fit(X, y, classes=[0, 1])
        streamed.partial_fit(streams.array_rows(X, y), classes=[0, 1])
    assert_equal_fits(in_memory, streamed)
    assert streamed.n_epochs_ == 2


@pytest.mark.usefixtures("graphs")
def test_a_partial_fit_on_an_iterator_is_one_epoch_for_each_block():
    parts = [(X[i : i + 500], y[i : i + 500]) for i in range(0, 1500, 500)]
    in_memory = dense()
    for part in parts:
        in_memory.partial_fit(*part, classes=[0, 1])
    streamed = dense().partial_fit(iter(parts), classes=[0, 1])
    assert_equal_fits(in_memory, streamed)


@pytest.mark.usefixtures("graphs")
def test_a_partial_fit_on_frames_refuses_another_order_of_columns():
    table = pd.DataFrame(X[:, :2], columns=["a", "b"])
    blocks = iter([(table, y), (table[["b", "a"]], y)])
    with pytest.raises(ValueError, match="same order as they were in fit"):
        dense().partial_fit(blocks, classes=[0, 1])


def test_a_source_is_held_out_of_a_source_alone():
    held = streams.array_rows(X, y)
    with pytest.raises(ValueError, match=r"X_val is a source .* but X is not"):
        dense().fit(X, y, X_val=held)
    with pytest.raises(ValueError, match=r"X_val is a source .* but X is not"):
        skloss.Pipeline([("net", dense())]).fit(X, y, net__X_val=held)


def test_a_dataset_as_rows_to_validate_on_names_the_way_in():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, y)).batch(64)
    with pytest.raises(TypeError, match=r"pass skloss.streams.tf_data_rows\(X_val\)"):
        dense().fit(streams.array_rows(X, y), X_val=dataset)


def test_an_iterator_that_is_used_up_is_refused():
    with pytest.raises(ValueError, match="it may be used up"):
        dense().partial_fit(iter([]), classes=[0, 1])


def test_names_of_columns_are_known_and_must_be_the_same(tmp_path):
    table = pd.DataFrame(X).add_prefix("c")
    table.assign(y=y).to_parquet(tmp_path / "a.parquet", row_group_size=500)
    table.to_parquet(tmp_path / "new.parquet")
    streamed = dense().fit(streams.parquet_rows(tmp_path / "a.parquet", "y"))
    in_memory = dense().fit(table, y)
    assert_equal_fits(in_memory, streamed)
    new = streams.parquet_rows(tmp_path / "new.parquet")
    np.testing.assert_array_equal(
        streamed.predict_proba(new), in_memory.predict_proba(table)
    )
    np.testing.assert_array_equal(streamed.predict(new), in_memory.predict(table))
    other = streams.parquet_rows(tmp_path / "new.parquet", columns=table.columns[::-1])
    with pytest.raises(ValueError, match="feature names"):
        streamed.predict_proba(other)


def test_what_is_fitted_keeps_nothing_of_the_source(tmp_path):
    np.save(tmp_path / "X.npy", X)
    rows = streams.array_rows(np.load(tmp_path / "X.npy", mmap_mode="r"), y)
    fitted = pickle.loads(pickle.dumps(dense().fit(rows)))
    (tmp_path / "X.npy").unlink()
    assert skloss.diagnose(fitted).findings is not None
    skloss.displays.LossCurveDisplay.from_estimator(fitted)
    assert fitted.score(X, y) > 0.7


@pytest.mark.usefixtures("graphs")
def test_memory_is_bounded_by_the_buffer_not_by_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("skloss.estimators.fit_job.MOST_MEASURED_ROWS", 2000)
    n, columns = 200_000, 40
    many = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", "f4", (n, columns))
    many[:] = np.random.default_rng(0).normal(size=(n, columns))
    many.flush()
    labels = (many[:, 0] > 1).astype(np.int8)
    rows = streams.array_rows(many, labels, buffer_rows=4000)
    classifier = dense(epochs=1, batch_size=500, validation_fraction=0.01)
    classifier.partial_fit(rows, classes=[0, 1])  # compiles
    tracemalloc.start()
    try:
        classifier.fit(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert many.nbytes == 32_000_000
    assert peak < many.nbytes / 3


# ---------------------------------------------------------------------------- refusals


REFUSED = {
    "y": ({}, {"y": y}, "y was given beside it: leave it out"),
    "weights": ({}, {"sample_weight": y}, "set class_weight"),
    "groups": ({}, {"groups": GROUPS}, "name them where the source is made"),
    "members": ({"n_members": 2}, {}, "n_members=2 of DenseClassifier needs all rows"),
    "balanced": ({"balanced_batches": True}, {}, "class_weight='balanced'"),
    "smote": ({"balanced_batches": "smote"}, {}, "class_weight='balanced'"),
    "categories": ({"categorical_features": [0]}, {}, "encode these columns"),
    "splitter": ({"validation_rows": TimeSeriesSplit()}, {}, "'stratified' or 'last'"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_needs_all_rows_at_once_is_refused(case):
    options, given, match = case
    with pytest.raises(ValueError, match=match):
        dense(**options).fit(streams.array_rows(X, y), **given)


def test_a_generator_is_refused_with_what_to_do():
    with pytest.raises(
        TypeError, match=r"X is a generator, which gives its rows once: .*partial_fit"
    ):
        dense().fit((X[i:], y[i:]) for i in range(2))


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (lambda: (X, np.zeros(len(X))), "holds only one class: 0.0"),
        (lambda: (X, np.where(y, np.nan, 0.0)), "In rows 0 to 2999: y is missing in"),
        (lambda: (X, X[:, 0]), "continuous"),
        (lambda: (with_bad(np.nan), y), "first in row 1499: set missing='indicator'"),
        (lambda: (with_bad(np.inf), y), "In rows 0 to 2999: X contains infinity"),
    ],
    ids=["one class", "missing label", "numbers", "NaN", "infinity"],
)
def test_rows_that_cannot_be_trained_on_are_refused(rows, match):
    with pytest.raises(ValueError, match=match):
        dense().fit(streams.array_rows(*rows()))


def with_bad(value):
    bad = X.copy()
    bad[1499, 3] = value
    return bad


def test_a_group_that_is_missing_is_told_by_its_row_in_the_source():
    groups = np.arange(300).astype(object) // 3
    groups[250] = None
    rows = streams.block_rows(lambda: iter([]))
    rows.has_groups = True
    parts = [slice(0, 200), slice(200, 300)]
    rows.blocks = lambda: (streams.Block(X[at], y[at], groups[at]) for at in parts)
    with pytest.raises(ValueError, match=r"groups is missing .* first in row 250"):
        dense().fit(rows)


def test_the_row_of_a_gap_is_counted_from_the_first_row_of_all():
    rows = streams.array_rows(with_bad(np.nan), y, buffer_rows=1600)
    match = "In rows 1400 to 1499: X contains NaN in 1 of 100 rows, first in row 1499:"
    with pytest.raises(ValueError, match=match):
        dense().fit(rows)


@pytest.mark.parametrize("given", [False, True], ids=["split", "X_val"])
def test_a_pipeline_knows_that_nothing_was_resampled(given):
    arrays = {"net__X_val": X[:300], "net__y_val": y[:300]} if given else {}
    source = {"net__X_val": streams.array_rows(X[:300], y[:300])} if given else {}
    pipeline = skloss.Pipeline([("net", dense())])
    in_memory = pipeline.fit(X, y, **arrays)[-1].record_.data["samplers"]
    streamed = pipeline.fit(streams.array_rows(X, y), **source)[-1].record_
    assert streamed.data["samplers"] == in_memory == []


@pytest.mark.parametrize("front", [[], [StandardScaler()]])
def test_a_score_of_a_source_is_that_of_its_rows(front):
    classifier = skloss.make_pipeline(*front, dense()) if front else dense()
    rows = streams.array_rows(X, y, buffer_rows=1600)
    classifier.fit(X, y)
    assert classifier.score(rows) == classifier.score(X, y) > 0.8
    for beside in ({"y": y}, {"sample_weight": np.ones(len(y))}):
        match = f"X is a source of rows in blocks, and {next(iter(beside))} was given"
        with pytest.raises(ValueError, match=match):
            classifier.score(rows, **beside)
    with pytest.raises(ValueError, match="The rows have no labels"):
        classifier.score(streams.array_rows(X))


def test_the_row_of_a_gap_is_counted_from_the_first_row_of_all_in_predict():
    rows = streams.array_rows(with_bad(np.nan), buffer_rows=1600)
    match = "In rows 1400 to 1499: X contains NaN in 1 of 100 rows, first in row 1499:"
    with pytest.raises(ValueError, match=match):
        dense().fit(X, y).predict(rows)


@pytest.mark.parametrize(
    "estimator",
    [
        RocketClassifier(),
        LogisticRegression(),
        GridSearchCV(DenseClassifier(), {"width": [2]}),
    ],
)
def test_what_takes_no_source_says_what_does(estimator):
    with pytest.raises(TypeError, match="A source of rows in blocks is no array"):
        estimator.fit(streams.array_rows(X, y), y)


def test_gaps_are_filled_where_that_is_asked():
    gaps = with_bad(np.nan)
    options = {"missing": "indicator"}
    streamed = dense(**options).fit(streams.array_rows(gaps, y))
    assert_equal_fits(dense(**options).fit(gaps, y), streamed)


def test_a_failed_fit_leaves_the_fit_before():
    classifier = dense().fit(streams.array_rows(X, y))
    before = classifier.predict_proba(X)
    with pytest.raises(ValueError, match="NaN"):
        classifier.fit(streams.array_rows(with_bad(np.nan), y))
    with pytest.raises(ValueError, match="not seen in training"):
        classifier.partial_fit(streams.array_rows(X, y + 1))
    np.testing.assert_array_equal(classifier.predict_proba(X), before)


def test_rows_that_change_in_a_later_epoch_leave_the_fit_before():
    n_passes = 0

    def blocks():
        nonlocal n_passes
        n_passes += 1
        yield (X if n_passes < 6 else X[::-1]), y

    classifier = dense().fit(X, y)
    before = classifier.predict_proba(X)
    with pytest.raises(ValueError, match="leave any shuffling to fit"):
        classifier.set_params(epochs=9).fit(streams.block_rows(blocks))
    np.testing.assert_array_equal(classifier.predict_proba(X), before)


def test_ctrl_c_while_rows_are_read_keeps_the_epochs_that_ended():
    n_passes = 0

    def blocks():
        nonlocal n_passes
        n_passes += 1
        if n_passes == 7:
            os.kill(os.getpid(), signal.SIGINT)
        yield X, y

    rows = streams.block_rows(blocks)
    code = "classifier.fit(rows)"  # as typed by hand
    classifier = dense(epochs=9)
    with pytest.warns(TrainingInterruptedWarning, match="the weights of epoch"):
        exec(code, {"__name__": "__main__", "classifier": classifier, "rows": rows})
    assert 1 <= classifier.n_epochs_ < 9
    assert classifier.predict_proba(X).shape == (len(X), 2)


@pytest.mark.parametrize("way", ["predict", "predict_proba"])
@pytest.mark.parametrize("in_front", [(), (StandardScaler(),)])
def test_rows_that_are_nearly_a_source_are_told_the_way_in(way, in_front):
    X, y = make_rare_events(200, prevalence=0.3, random_state=0)
    fitted = skloss.make_pipeline(*in_front, DenseClassifier(epochs=1)).fit(X, y)
    for model in (fitted, fitted[-1]):
        with pytest.raises(TypeError, match="which gives its rows once: pass skloss"):
            getattr(model, way)(iter([X]))
        batches = tf.data.Dataset.from_tensor_slices(X).batch(50)
        with pytest.raises(TypeError, match=r"pass skloss.streams.tf_data_rows\(X\)"):
            getattr(model, way)(batches)
