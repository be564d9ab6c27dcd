"""The slice of heartbeats is what it claims to be, and so are the made tables."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skloss import datasets
from skloss.datasets import (
    load_heartbeats,
    make_consumption,
    make_drift_table,
    make_rare_events,
)

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "cut_heartbeats.py"

MAKERS = [
    pytest.param(make_rare_events, np.float64, id="rare_events"),
    pytest.param(make_consumption, np.float32, id="consumption"),
    pytest.param(make_drift_table, np.float32, id="drift_table"),
]


@pytest.fixture(scope="module")
def beats():
    return load_heartbeats()


@pytest.fixture(scope="module")
def cutter():
    if not SCRIPT.exists():
        pytest.skip("benchmarks/cut_heartbeats.py is not beside the tests")
    spec = importlib.util.spec_from_file_location("cut_heartbeats", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def consumption():
    return make_consumption(2000, missing="nan", random_state=0)


def test_all_public_names_are_there():
    assert all(callable(getattr(datasets, name)) for name in datasets.__all__)


def test_importing_datasets_loads_nothing_heavier_than_numpy():
    heavy = "{'pandas', 'scipy', 'sklearn', 'tensorflow', 'matplotlib'}"
    code = f"import sys, skloss.datasets; print({heavy} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=SCRIPT.parents[1],
    )
    assert ran.stdout.strip() == "set()"


# The slice of heartbeats


def test_the_file_has_at_most_one_megabyte(beats):
    assert Path(beats.filename).stat().st_size <= 1_000_000


def test_the_license_lies_beside_the_file(beats):
    text = Path(beats.filename).with_name("LICENSE.md").read_text(encoding="utf-8")
    for words in ("Open Data Commons Attribution License v1.0", "Moody", "Goldberger"):
        assert words in text
        assert words in " ".join(beats.DESCR.split())


def test_beats_are_rows_of_150_samples_in_millivolts(beats):
    assert beats.data.shape == (4400, 150)
    assert beats.data.dtype == np.float32
    assert beats.sampling_rate == 180.0
    # The recorder's range is 10 mV, at 200 units to the millivolt.
    assert np.abs(beats.data).max() < 5.12
    np.testing.assert_allclose(beats.data * 200, np.rint(beats.data * 200), atol=1e-4)


def test_every_patient_of_ds1_is_there_with_at_least_60_beats(beats):
    records, sizes = np.unique(beats.groups, return_counts=True)
    ds1 = [101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122]
    ds1 += [124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230]
    assert records.tolist() == ds1
    assert sizes.min() >= 60
    assert (np.diff(beats.groups) >= 0).all()


def test_classes_keep_their_original_shares(beats):
    names, counts = np.unique(beats.aami, return_counts=True)
    share = dict(zip(names, counts / len(beats.aami), strict=True))
    assert set(share) == set("NSVFQ")
    assert 0.07 <= share["V"] <= 0.09
    # The whole of DS1 has 943 S and 414 F among 50,977 beats.
    assert share["S"] == pytest.approx(943 / 50977, abs=0.005)
    assert share["F"] == pytest.approx(414 / 50977, abs=0.005)


def test_the_r_peak_of_normal_beats_is_sample_49(beats):
    normal = beats.data[beats.aami == "N"]
    peak = np.abs(normal - np.median(normal, axis=1, keepdims=True))[:, 30:70]
    assert np.median(peak.argmax(axis=1) + 30) == 49
    assert beats.feature_names[49] == "+0.0 ms"
    assert beats.feature_names[58] == "+50.0 ms"


def test_the_ventricular_target_is_class_v(beats):
    assert beats.target.dtype == np.int64
    np.testing.assert_array_equal(beats.target, beats.aami == "V")
    assert beats.target_names.tolist() == ["other", "V"]


def test_the_aami_target_is_the_class_itself():
    bunch = load_heartbeats(target="aami")
    np.testing.assert_array_equal(bunch.target, bunch.aami)
    assert bunch.target_names.tolist() == ["N", "S", "V", "F", "Q"]


def test_frames_hold_the_same_numbers(beats):
    bunch = load_heartbeats(as_frame=True)
    assert isinstance(bunch.data, pd.DataFrame)
    assert isinstance(bunch.target, pd.Series)
    assert bunch.frame.shape == (4400, 151)
    assert bunch.data.columns.tolist() == beats.feature_names
    np.testing.assert_array_equal(bunch.data.to_numpy(), beats.data)
    pd.testing.assert_series_equal(bunch.frame["target"], bunch.target)
    assert beats.frame is None


@pytest.mark.parametrize(
    ("as_frame", "types"),
    [(False, (np.ndarray, np.ndarray)), (True, (pd.DataFrame, pd.Series))],
    ids=["arrays", "frames"],
)
def test_return_X_y_gives_two(as_frame, types):
    X, y = load_heartbeats(return_X_y=True, as_frame=as_frame)
    assert (type(X), type(y)) == types
    assert len(X) == len(y) == 4400


def test_changing_what_was_loaded_does_not_change_the_next(beats):
    first = load_heartbeats()
    first.data[:] = 0
    first.groups[:] = 0
    first.aami[:] = "Q"
    first.target_names[:] = ""
    again = load_heartbeats()
    np.testing.assert_array_equal(again.data, beats.data)
    np.testing.assert_array_equal(again.groups, beats.groups)
    np.testing.assert_array_equal(again.aami, beats.aami)
    np.testing.assert_array_equal(again.target_names, beats.target_names)


def test_an_unknown_target_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"'ventricular' or 'aami', got 'V'\."):
        load_heartbeats(target="V")


# The script that cut it


def _tone(hertz, phase=0.3):
    """A sine of 300 samples at 360 Hz, and the same at the odd samples only."""
    tone = np.sin(2 * np.pi * hertz * np.arange(300) / 360 + phase)
    return tone[None, :], tone[None, 1::2]


@pytest.mark.parametrize("hertz", [95.0, 120.0, 150.0])
def test_decimation_removes_what_would_be_aliased(cutter, hertz):
    tone, aliased = _tone(hertz)
    inner = slice(20, -20)
    assert np.abs(aliased[:, inner]).max() > 0.9
    assert np.abs(cutter.decimate(tone)[:, inner]).max() < 0.01


@pytest.mark.parametrize("hertz", [1.0, 10.0, 40.0, 65.0])
def test_decimation_keeps_the_rest_and_its_phase(cutter, hertz):
    tone, expected = _tone(hertz)
    inner = slice(20, -20)
    np.testing.assert_allclose(
        cutter.decimate(tone)[:, inner], expected[:, inner], atol=0.01
    )


def test_decimation_puts_the_peak_from_sample_99_to_49(cutter):
    peak = np.zeros((1, 300))
    peak[0, 99] = 1
    short = cutter.decimate(peak)[0]
    assert short.shape == (150,)
    assert short.argmax() == 49
    np.testing.assert_allclose(short[49:79], short[49:19:-1], atol=1e-12)


def test_apportioning_gives_whole_parts_that_add_up(cutter):
    weights = np.array([70, 20, 9, 1, 0])
    parts = cutter.apportion(weights, 10)
    assert parts.tolist() == [6, 2, 1, 1, 0]
    np.testing.assert_array_equal(cutter.apportion(weights, 100), weights)


def test_the_script_cuts_the_shipped_slice(cutter, beats, tmp_path):
    if "SKLOSS_DS1" not in os.environ:
        pytest.skip("SKLOSS_DS1 does not name the file of all beats")
    cutter.cut(Path(os.environ["SKLOSS_DS1"]), tmp_path / "slice.npz")
    with np.load(tmp_path / "slice.npz") as new, np.load(beats.filename) as shipped:
        assert set(new) == set(shipped)
        for name in new:
            np.testing.assert_array_equal(new[name], shipped[name])


# The makers, all of them


@pytest.mark.parametrize(("make", "dtype"), MAKERS)
def test_a_maker_repeats_itself(make, dtype):
    X, y = make(300, random_state=3)
    X_again, y_again = make(300, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(X, X_again)
    np.testing.assert_array_equal(y, y_again)
    assert not np.array_equal(X, make(300, random_state=4)[0])


@pytest.mark.parametrize(("make", "dtype"), MAKERS)
def test_a_maker_gives_finite_rows_and_two_classes(make, dtype):
    X, y = make(400, random_state=0)
    assert X.shape[0] == 400
    assert y.shape == (400,)
    assert (X.dtype, y.dtype) == (dtype, np.int64)
    assert np.isfinite(X).all()
    assert np.unique(y).tolist() == [0, 1]


@pytest.mark.parametrize(("make", "dtype"), MAKERS)
def test_a_generator_says_its_limits(make, dtype):
    assert "Limits:" in make.__doc__


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (make_rare_events, {"prevalence": 0}, r"prevalence must be in \(0, 1\), got 0"),
        (make_rare_events, {"label_noise": 1}, r"label_noise must be in \[0, 1\), got"),
        (make_rare_events, {"n_features": 1}, "n_features must be at least 2, got 1"),
        (make_rare_events, {"n_samples": 3}, "n_samples must be at least 4, got 3"),
        (make_consumption, {"missing": "mean"}, "'zero' or 'nan', got 'mean'"),
        (make_consumption, {"theft_rate": 1.5}, r"theft_rate must be in \(0, 1\)"),
        (make_consumption, {"n_customers": 1}, "n_customers must be at least 4, got 1"),
        (make_consumption, {"n_days": 7}, "n_days must be at least 14, got 7"),
        (make_drift_table, {"prevalence": 2}, r"prevalence must be in \(0, 1\), got 2"),
        (make_drift_table, {"drift": 9}, r"drift must be in \(0, 8\].*drift=9"),
        (make_drift_table, {"prevalence": 0.5, "drift": 2}, r"prevalence \* drift"),
        (make_drift_table, {"n_samples": 9}, "n_samples must be at least 10, got 9"),
    ],
)
def test_a_maker_refuses_impossible_wishes(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


# Rare events


@pytest.mark.parametrize("prevalence", [0.01, 0.05, 0.5])
@pytest.mark.parametrize("label_noise", [0.0, 0.3])
def test_the_number_of_rare_events_is_exact(prevalence, label_noise):
    _, y = make_rare_events(
        1000, prevalence=prevalence, label_noise=label_noise, random_state=0
    )
    assert y.sum() == round(prevalence * 1000)


def test_there_are_at_least_two_rare_events():
    assert make_rare_events(50, prevalence=0.001, random_state=0)[1].sum() == 2


@pytest.mark.parametrize("n_features", [2, 3, 4, 5, 12, 31])
def test_rare_events_have_the_columns_asked_for(n_features):
    assert make_rare_events(50, n_features, random_state=0)[0].shape == (50, n_features)


def test_rare_events_have_heavy_tails_and_correlated_columns():
    X, _ = make_rare_events(random_state=0)
    # The fourth standardized moment of a Gaussian is 3.
    moment = (((X - X.mean(axis=0)) / X.std(axis=0)) ** 4).mean(axis=0)
    assert (moment > 6).sum() >= 3
    correlation = np.abs(np.corrcoef(X.T)[np.triu_indices(12, 1)])
    assert (correlation > 0.4).sum() >= 5


def test_a_bent_boundary_finds_rare_events_that_a_straight_one_misses():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    X, y = make_rare_events(4000, random_state=1)
    X = StandardScaler().fit_transform(np.tanh(X / 3))
    straight = LogisticRegression(max_iter=1000).fit(X[:2000], y[:2000])
    squares = PolynomialFeatures(2).fit_transform(X)
    bent = LogisticRegression(max_iter=3000, C=0.1).fit(squares[:2000], y[:2000])
    auc_straight = roc_auc_score(y[2000:], straight.decision_function(X[2000:]))
    auc_bent = roc_auc_score(y[2000:], bent.decision_function(squares[2000:]))
    assert auc_straight + 0.1 < auc_bent < 0.99


# Consumption


def test_the_number_of_thieves_is_exact():
    assert make_consumption(500, 30, random_state=0)[1].sum() == round(0.0853 * 500)


def test_readings_are_distributed_as_published(consumption):
    X, _ = consumption
    present = X[~np.isnan(X)]
    assert np.median(present) == pytest.approx(3.3, rel=0.15)
    assert np.quantile(present, 0.75) == pytest.approx(8.9, rel=0.15)
    assert 0.24 <= (present == 0).mean() <= 0.32
    assert present.min() == 0
    assert present.max() > 50 * np.quantile(present, 0.75)


def test_missing_days_come_in_blocks_as_published(consumption):
    missing = np.isnan(consumption[0])
    n_missing = missing.sum(axis=1)
    # The published counts are 5,378 and 32,746 of 42,372.
    assert missing[:, 0].mean() == pytest.approx(0.389, abs=0.002)
    assert (n_missing == 730).mean() == pytest.approx(5378 / 42372, abs=0.005)
    assert (n_missing < 700).mean() == pytest.approx(32746 / 42372, abs=0.005)
    n_blocks = (np.diff(missing, axis=1, prepend=False) & missing).sum(axis=1)
    assert n_blocks.max() == 1


def test_missing_readings_are_zero_unless_nan_is_asked_for():
    with_nan, _ = make_consumption(100, 60, missing="nan", random_state=0)
    with_zero, _ = make_consumption(100, 60, random_state=0)
    assert np.isnan(with_nan).any()
    np.testing.assert_array_equal(np.nan_to_num(with_nan), with_zero)


def test_thieves_use_less_in_the_end_than_in_the_beginning(consumption):
    X, y = consumption
    whole = ~np.isnan(X).any(axis=1)

    def ratio(rows):
        return rows[:, -200:].mean() / rows[:, :100].mean()

    assert ratio(X[whole & (y == 0)]) > 0.8
    assert ratio(X[whole & (y == 1)]) < 0.6


def test_the_blocks_scale_with_the_days():
    X, _ = make_consumption(200, 518, missing="nan", random_state=0)
    assert (np.isnan(X).sum(axis=1) == 365).mean() >= 0.12


def test_the_smallest_consumption_can_be_made():
    assert make_consumption(4, 14, random_state=0)[0].shape == (4, 14)


# The drifting table


@pytest.mark.parametrize("drift", [0.5, 1.0, 1.48, 4.0])
def test_positives_drift_as_asked(drift):
    _, y = make_drift_table(10_000, prevalence=0.025, drift=drift, random_state=0)
    assert y[:8000].sum() == round(0.025 * 8000)
    assert y[8000:].sum() == round(0.025 * drift * 2000)


def test_the_default_drift_is_that_of_the_question():
    _, y = make_drift_table(random_state=0)
    assert y[:16_000].mean() == pytest.approx(0.025)
    assert y[16_000:].mean() == pytest.approx(0.037)
    assert 20 <= (1 - y.mean()) / y.mean() <= 36


def test_the_drift_has_no_step_at_the_cut():
    _, y = make_drift_table(400_000, drift=4.0, random_state=0)
    before, after = y[312_000:320_000].mean(), y[320_000:328_000].mean()
    assert after / before < 1.35
    assert y[-8000:].mean() > 1.5 * after


def test_columns_look_like_those_of_the_question():
    X, _ = make_drift_table(random_state=0)
    sizes = X[:, [0, 2, 3, 4, 5, 6]]
    assert X.shape == (20_000, 9)
    assert (X >= 0).all()
    assert np.median(sizes) == pytest.approx(3.5e-4, rel=0.2)
    assert np.quantile(sizes, 0.999) > 1e-2
    np.testing.assert_array_equal(X[:, 1], X[:, 0] > 1e-3)
    for flag in (1, 7, 8):
        assert np.unique(X[:, flag]).tolist() == [0, 1]
    correlation = np.corrcoef(np.log(sizes[sizes[:, 0] > 0]).T)[0]
    assert (correlation > 0.95).all()
    assert (np.diff(correlation) < 1e-3).all()


def test_the_columns_know_of_the_label():
    from sklearn.metrics import roc_auc_score

    X, y = make_drift_table(random_state=0)
    assert 0.6 < roc_auc_score(y, X[:, 0]) < 0.85
