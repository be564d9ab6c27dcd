"""Bad input gets one sentence that says what is wrong and how to mend it."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE
from imblearn.pipeline import Pipeline as PlainPipeline
from sklearn.preprocessing import StandardScaler

from skloss import (
    CNN1DClassifier,
    CNN2DClassifier,
    DenseClassifier,
    RecurrentClassifier,
    RocketClassifier,
    make_pipeline,
)
from skloss.exceptions import TrainingDivergedWarning

N_ROWS = 60
BOTH = pytest.mark.parametrize("kind", [DenseClassifier, CNN1DClassifier])


def make_rows(n_columns=8):
    X = np.random.default_rng(0).normal(size=(N_ROWS, n_columns))
    return X, np.where(X[:, 0] > 0, "storm", "calm")


def small(kind=DenseClassifier, **options):
    return kind(**({"width": 3, "depth": 1, "epochs": 2, "random_state": 0} | options))


def one_sentence(*parts):
    """Pattern of a message that has these parts in this order, in a single line."""
    return "^[^\n]*" + "[^\n]*".join(parts) + "[^\n]*$"


# ------------------------------------------------------------------------------- values


@BOTH
@pytest.mark.parametrize(
    ("value", "named", "mend"),
    [
        (np.nan, "NaN", "impute them, for instance with SimpleImputer"),
        (np.inf, "infinity", "clip or scale them"),
        (-np.inf, "infinity", "clip or scale them"),
    ],
)
def test_a_missing_or_infinite_value_is_found_by_its_row(kind, value, named, mend):
    X, y = make_rows()
    X[[7, 9], 2] = value
    words = one_sentence(f"X contains {named}", "in 2 of 60 rows, first in row 7", mend)
    with pytest.raises(ValueError, match=words):
        small(kind).fit(X, y)


def test_a_missing_value_in_rows_to_predict_is_found():
    X, y = make_rows()
    classifier = small().fit(X, y)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"X contains NaN in 1 of 60 rows.*row 3"):
        classifier.predict(X)


def test_a_missing_value_in_a_frame_is_found():
    X, y = make_rows()
    frame = pd.DataFrame(X).rename(columns=str).astype("Float64")
    frame.iloc[4, 0] = pd.NA
    with pytest.raises(ValueError, match=r"X contains NaN in 1 of 60 rows.*row 4"):
        small().fit(frame, y)


def test_a_missing_value_in_X_val_is_named_as_such():
    X, y = make_rows()
    X_val = np.where(X > 1, np.nan, X)
    with pytest.raises(ValueError, match=r"^X_val contains NaN"):
        small().fit(X, y, X_val=X_val, y_val=y)


# ------------------------------------------------------------------------------- series


@pytest.mark.parametrize("step", [SMOTE(), StandardScaler()], ids=["smote", "scaler"])
def test_three_dimensional_X_behind_a_step_for_tables(step):
    X, y = make_rows()
    words = one_sentence(
        r"X has shape \(60, 4, 2\)", r"X.reshape\(len\(X\), -1\)", "n_channels=2"
    )
    with pytest.raises(ValueError, match=words):
        make_pipeline(step, small(CNN1DClassifier)).fit(X.reshape(N_ROWS, 4, 2), y)


def test_columns_that_the_channels_do_not_divide():
    X, y = make_rows(n_columns=8)
    words = one_sentence(
        "8 columns", "n_channels=3", "must hold timesteps . n_channels"
    )
    with pytest.raises(ValueError, match=words):
        small(CNN1DClassifier, n_channels=3).fit(X, y)


def test_a_pool_larger_than_what_is_left_of_the_series():
    X, y = make_rows(n_columns=8)
    words = one_sentence(
        "pool_size=3 is larger than the 2 timesteps", "block 2 of 2", "choose a smaller"
    )
    with pytest.raises(ValueError, match=words):
        small(CNN1DClassifier, depth=2, pool_size=3).fit(X, y)


def test_a_kernel_larger_than_the_series_without_padding():
    X, y = make_rows(n_columns=8)
    words = one_sentence("kernel_size=9", "needs 9 timesteps", "8 are left", "'same'")
    with pytest.raises(ValueError, match=words):
        small(CNN1DClassifier, kernel_size=9, padding="valid").fit(X, y)


def test_series_of_another_shape_than_those_fitted():
    X, y = make_rows()
    classifier = small(CNN1DClassifier).fit(X.reshape(N_ROWS, 8, 1), y)
    words = one_sentence(r"\(timesteps, channels\) = \(8, 2\)", r"fitted on \(8, 1\)")
    with pytest.raises(ValueError, match=words):
        classifier.predict(np.zeros((5, 8, 2)))


# ------------------------------------------------------------------------------ classes


@BOTH
def test_one_class(kind):
    X, _ = make_rows()
    words = one_sentence("at least two classes", "only one class: 'calm'", "add rows")
    with pytest.raises(ValueError, match=words):
        small(kind).fit(X, ["calm"] * N_ROWS)


def test_a_class_of_one_row_and_a_hold_out():
    X, y = make_rows()
    y[:] = "calm"
    y[5] = "storm"
    words = one_sentence("Class 'storm' has 1 row", "validation_fraction=None, or add")
    with pytest.raises(ValueError, match=words):
        small().fit(X, y)


def test_a_class_of_one_row_without_a_hold_out_is_accepted():
    X, y = make_rows()
    y[:] = "calm"
    y[5] = "storm"
    classifier = small(validation_fraction=None).fit(X, y)
    assert classifier.classes_.tolist() == ["calm", "storm"]


@pytest.mark.parametrize("sampler", [SMOTE, BorderlineSMOTE, ADASYN])
def test_fewer_minority_rows_than_neighbors_after_the_hold_out(sampler):
    X, _ = make_rows()
    y = np.repeat(["calm", "storm"], [54, 6])
    words = one_sentence(
        "too few rows of a class",
        "6 of 60 rows were held out before it",
        "49 of 'calm', 5 of 'storm'",
        "lower its k_neighbors or validation_fraction, or use RandomOverSampler",
    )
    pipeline = make_pipeline(sampler(random_state=0), small(validation_fraction=0.1))
    with pytest.raises(ValueError, match=words):
        pipeline.fit(X, y)


def test_an_unknown_class_in_y_val():
    X, y = make_rows()
    y_val = np.where(y == "calm", "calm", "gale")
    words = one_sentence(
        r"y_val holds labels that were not seen in training, \['gale'\]",
        r"known labels \['calm', 'storm'\]",
    )
    with pytest.raises(ValueError, match=words):
        small().fit(X, y, X_val=X, y_val=y_val)


@pytest.mark.parametrize("dtype", [str, object])
def test_numbers_in_y_val_for_labels_in_words(dtype):
    X, y = make_rows()
    words = r"y_val holds labels that were not seen in training, \[0, 1\]"
    with pytest.raises(ValueError, match=words):
        small().fit(X, y.astype(dtype), X_val=X, y_val=(y == "storm").astype(int))


# ---------------------------------------------------------------------- validation rows


@pytest.mark.parametrize(("given", "missing"), [("X_val", "y_val"), ("y_val", "X_val")])
def test_only_one_of_X_val_and_y_val(given, missing):
    X, y = make_rows()
    words = one_sentence(f"{given} was given without {missing}: pass both, or neither")
    with pytest.raises(ValueError, match=words):
        small().fit(X, y, **{given: X if given == "X_val" else y})


@BOTH
def test_X_val_of_another_width(kind):
    X, y = make_rows(n_columns=8)
    words = one_sentence("X_val has 6 columns, but X has 8", "through the same steps")
    with pytest.raises(ValueError, match=words):
        small(kind).fit(X, y, X_val=X[:, :6], y_val=y)


def test_X_val_and_y_val_of_different_lengths():
    X, y = make_rows()
    words = one_sentence("X_val has 9 rows but y_val has 8 labels: pass one label")
    with pytest.raises(ValueError, match=words):
        small().fit(X, y, X_val=X[:9], y_val=y[:8])


def test_early_stopping_asked_for_without_validation_rows():
    X, y = make_rows()
    words = one_sentence(
        "needs validation rows: set validation_fraction, or pass X_val"
    )
    with pytest.raises(ValueError, match=words):
        small(early_stopping=True, validation_fraction=None).fit(X, y)


# --------------------------------------------------------------------------- parameters

PARAMETERS = {
    "class_weight with an unknown label": (
        {"class_weight": {"calm": 1, "gale": 2}},
        [r"label of y, which are \['calm', 'storm'\]", r"unknown: \['gale'\]"],
    ),
    "class_weight without one of the labels": (
        {"class_weight": {"calm": 1}},
        ["one weight for each label", r"unknown: \[\], missing: \['storm'\]"],
    ),
    "class_weight as an array": (
        {"class_weight": np.ones(2)},
        [
            "must be None, 'balanced', 'effective' or a dict",
            "got a ndarray",
            r"dict\(zip\(classes",
        ],
    ),
    "class_weight misspelled": (
        {"class_weight": "balancd"},
        ["'class_weight'", "Did you mean 'balanced'"],
    ),
    "class_weight below zero": (
        {"class_weight": {"calm": 1, "storm": -1}},
        ["finite weights of at least 0", "'storm': -1"],
    ),
    "dropout above one": (
        {"dropout": 1.2},
        ["'dropout' parameter of Dense", r"must be in \[0, 1\)", "Got .*1.2"],
    ),
    "too many dropout rates": (
        {"dropout": (0.1, 0.2)},
        ["'dropout' parameter of Dense", "2 entries", "1 places", "give one number"],
    ),
    "no width": (
        {"width": 0},
        ["'width' parameter of DenseClassifier", "at least 1", "Got .*0"],
    ),
    "unknown activation": (
        {"activation": "rellu"},
        ["'activation' parameter of Dense", "'linear', 'relu'", "Did you mean 'relu'"],
    ),
    "unknown loss": (
        {"loss": "crossentrpy"},
        ["'loss' parameter of Dense", "'focal'", "Did you mean 'crossentropy'"],
    ),
    "unknown optimizer": (
        {"optimizer": "Adam"},
        ["'optimizer' parameter of Dense", "'sgd'", "Did you mean 'adam'"],
    ),
    "unknown schedule": (
        {"learning_rate_schedule": "cosin"},
        ["'learning_rate_schedule' parameter of Dense", "Did you mean 'cosine'"],
    ),
    "unknown monitor": (
        {"monitor": "val_mmc"},
        ["'monitor' parameter of Dense", "'val_loss'", "Did you mean 'val_mcc'"],
    ),
    "monitor of rows that are not held out": (
        {"monitor": "val_mcc", "validation_fraction": None},
        [
            "'monitor' parameter of Dense",
            "no rows are held out: set validation_fraction",
        ],
    ),
    "callbacks that cannot be called": (
        {"callbacks": [print, 3]},
        ["'callbacks' parameter of Dense", "function of the epoch's row", "Got 3"],
    ),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_wrong_parameter_is_named_with_its_choices(name):
    options, parts = PARAMETERS[name]
    X, y = make_rows()
    with pytest.raises(ValueError, match=one_sentence(*parts)):
        small(**options).fit(X, y)


def test_no_width_of_a_convolution():
    X, y = make_rows()
    words = one_sentence(
        "'width' parameter of CNN1D", r"in the range \[1, inf\)", "Got 0"
    )
    with pytest.raises(ValueError, match=words):
        small(CNN1DClassifier, width=0).fit(X, y)


def test_a_monitor_is_refused_before_any_training():
    X, y = make_rows()
    seen = []
    with pytest.raises(ValueError, match="monitor"):
        small(monitor="val_los", callbacks=seen.append).fit(X, y)
    assert seen == []


# --------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize(
    ("batch_size", "step"), [(9, "step 2 of 6"), (N_ROWS, "step 1 of 1")]
)
def test_a_diverged_fit_says_where_and_predicts_finite_numbers(
    optimizer, batch_size, step
):
    X, y = make_rows()
    classifier = small(learning_rate=1e30, optimizer=optimizer, batch_size=batch_size)
    words = one_sentence(
        f"NaN or infinite in epoch 1, {step}", "Lower the learning rate"
    )
    with pytest.warns(TrainingDivergedWarning, match=words):
        classifier.fit(X, y)
    assert np.isfinite(classifier.predict_proba(X)).all()
    assert classifier.record_.outcome["stop_reason"] == "diverged"


def test_a_fit_that_diverges_later_keeps_the_last_finite_epoch():
    X, y = make_rows()
    options = {"validation_fraction": None, "epochs": 5}

    def explode(progress):
        return np.where(progress < 0.39, 1e-2, 1e30)  # from epoch 3 of 5

    classifier = small(learning_rate=1.0, learning_rate_schedule=explode, **options)
    with pytest.warns(TrainingDivergedWarning, match="in epoch 3, step 2 of 2"):
        classifier.fit(X, y)
    constant = {"learning_rate": 1e-2, "learning_rate_schedule": "constant"}
    expected = small(**options | constant | {"epochs": 2}).fit(X, y)
    assert classifier.n_epochs_ == 2
    np.testing.assert_array_equal(
        classifier.predict_proba(X), expected.predict_proba(X)
    )


def test_weights_cannot_follow_the_rows_of_a_sampler_in_another_pipeline():
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = (X[:, 0] > 0.5).astype(int)
    steps = [("s", SMOTE(k_neighbors=2)), ("c", DenseClassifier(epochs=1))]
    pipeline = PlainPipeline(steps)
    with pytest.raises(ValueError, match=r"sample_weight has .* use skloss\.Pipeline"):
        pipeline.fit(X, y, c__sample_weight=np.ones(60))


def test_a_schedule_of_wrong_shape_is_refused_and_a_number_stands_for_all_steps():
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = (X[:, 0] > 0.5).astype(int)
    same = [
        DenseClassifier(epochs=1, learning_rate_schedule=schedule, random_state=0)
        for schedule in ("constant", lambda progress: 1.0)
    ]
    one, other = (classifier.fit(X, y).predict_proba(X) for classifier in same)
    np.testing.assert_array_equal(one, other)
    wrong = DenseClassifier(epochs=1, learning_rate_schedule=lambda p: np.append(p, p))
    with pytest.raises(ValueError, match="must return one factor, or one per step"):
        wrong.fit(X, y)


@pytest.mark.parametrize(
    ("weight", "told"),
    [(np.ones(3), "sample_weight_val has shape"), (-np.ones(40), "[Nn]egative")],
)
def test_weights_of_held_out_rows_are_checked(weight, told):
    X, y = np.random.default_rng(0).normal(size=(80, 2)), np.arange(80) % 2
    held = {"X_val": X[:40], "y_val": y[:40], "sample_weight_val": weight}
    with pytest.raises(ValueError, match=told):
        DenseClassifier(epochs=1).fit(X, y, **held)


@pytest.mark.parametrize(
    ("classifier", "misspelt", "meant"),
    [
        (DenseClassifier(), "dropuot", "dropout"),
        (CNN1DClassifier(), "kernel", "kernel_size"),
        (RocketClassifier(), "n_kernel", "n_kernels"),
        (make_pipeline(DenseClassifier()), "denseclassifier__epoch", "epochs"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_misspelt_parameter_is_told_with_the_nearest(classifier, misspelt, meant):
    before = classifier.get_params(deep=False)
    told = rf"Invalid parameter '{misspelt.rpartition('__')[2]}'.*mean '{meant}'\?$"
    with pytest.raises(ValueError, match=told):
        classifier.set_params(**{misspelt: 1})
    assert classifier.get_params(deep=False) == before


@pytest.mark.parametrize(
    "kind",
    [
        CNN1DClassifier,
        CNN2DClassifier,
        RecurrentClassifier,
        RocketClassifier,
    ],
)
@pytest.mark.parametrize("shape", [(20, 0, 2), (20, 4, 0)])
def test_rows_without_any_value_are_refused(kind, shape):
    with pytest.raises(ValueError, match="a row has no value"):
        kind().fit(np.zeros(shape), np.arange(20) % 2)
