"""``RocketClassifier``: honest probabilities, with no row lost."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from sklearn.base import clone
from sklearn.metrics import f1_score, log_loss, matthews_corrcoef
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import skloss
from skloss import RocketClassifier
from skloss.exceptions import ResampledValidationWarning

_SMALL = {"n_kernels": 420, "random_state": 0}


def _failed_checks(estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": (
            "A row that stands there twice is predicted by its twin when it is left "
            "out, so another penalty is chosen than for one row of weight two."
        )
    }


@parametrize_with_checks(
    [RocketClassifier(n_kernels=168)], expected_failed_checks=_failed_checks
)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [RocketClassifier(n_kernels=672, pooling="multi")],
    expected_failed_checks=_failed_checks,
)
def test_scikit_learns_checks_pass_with_four_numbers(estimator, check):
    check(estimator)


def _waves(n=120, n_timesteps=40, seed=0):
    """Noise, in every fourth row with a wave in it."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_timesteps))
    y = np.where(np.arange(n) % 4 == 0, "wave", "noise")
    start = rng.integers(0, n_timesteps - 12, size=n)
    for row in np.flatnonzero(y == "wave"):
        X[row, start[row] : start[row] + 12] += 2 * np.sin(np.arange(12))
    return X, y


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("pooling", ["ppv", "multi"])
def test_series_whose_sums_would_overflow_are_refused_unless_they_are_scaled(pooling):
    X, y = _waves()
    settings = {"n_kernels": 672, "random_state": 0, "pooling": pooling}
    with pytest.raises(ValueError, match=r"X has values up to .*e\+36.*zscore"):
        RocketClassifier(**settings, scale_series=None).fit(X * 1e36, y)
    raw = RocketClassifier(**settings, scale_series=None).fit(X, y)
    with pytest.raises(ValueError, match="divide X by a constant"):
        raw.predict(X * 1e36)
    large = RocketClassifier(**settings, scale_series=None).fit(X * 2.0**90, y)
    np.testing.assert_allclose(
        large.predict_proba(X * 2.0**90), raw.predict_proba(X), atol=1e-6
    )
    scaled = RocketClassifier(**settings, scale_series="zscore").fit(X * 1e36, y)
    assert np.isfinite(scaled.predict_proba(X)).all()


def test_it_finds_a_wave_wherever_it_is():
    X, y = _waves()
    other, truth = _waves(seed=1)
    fitted = RocketClassifier(**_SMALL).fit(X, y)
    assert matthews_corrcoef(truth, fitted.predict(other)) > 0.6
    assert log_loss(truth, fitted.predict_proba(other)) < 0.35  # a guess: 0.56
    assert fitted.pos_label_ == "wave"


def test_left_out_rows_are_those_of_fits_without_them():
    X, y = _waves(60)
    fitted = RocketClassifier(**_SMALL, scale_series=None).fit(X, y)
    assert fitted.oob_decision_function_.shape == (60, 2)
    # Another fit has other kernels' thresholds and another penalty, so nearly equal.
    for row in (0, 1, 30):
        rest = np.arange(60) != row
        without = RocketClassifier(**_SMALL, scale_series=None).fit(X[rest], y[rest])
        chance = without.predict_proba(X[[row]])[0, 1]
        assert abs(chance - fitted.oob_decision_function_[row, 1]) < 0.25


def test_labels_by_chance_are_seen_through():
    X, _ = _waves(100)
    y = np.random.default_rng(5).permutation(np.arange(100) % 2)
    guess = RocketClassifier(**_SMALL).fit(X, y)
    kept = guess.record_.best_epoch
    assert guess.history_["val_loss"][kept] > 0.66  # a guess: 0.69
    for scaling in ("zscore", None):
        fitted = RocketClassifier(**_SMALL, scale_series=scaling).fit(X, y)
        assert fitted.history_["val_loss"][fitted.record_.best_epoch] > 0.66
        assert max(map(abs, fitted.history_["val_mcc"])) < 0.4  # at every penalty


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("is_grouped", [False, True])
def test_series_that_tell_nothing_are_predicted_alike(n_classes, is_grouped):
    """The mean of the other labels would tell the own one, in reverse: MCC -1."""
    y = np.repeat(np.arange(n_classes), 12)
    groups = np.arange(12 * n_classes) // 4 if is_grouped else None
    fitted = RocketClassifier(**_SMALL).fit(np.ones((len(y), 20)), y, groups=groups)
    chances = fitted.oob_decision_function_
    np.testing.assert_allclose(chances, 1 / n_classes, atol=1e-6)
    for penalty_mcc in fitted.history_["val_mcc"]:
        assert penalty_mcc == 0 == matthews_corrcoef(y, np.zeros(len(y)))
    if n_classes == 2:
        np.testing.assert_allclose(fitted.history_["val_average_precision"], 0.5)


def test_groups_are_left_out_together():
    """Each group has a shape of its own, and one label: only its rows tell it."""
    rng = np.random.default_rng(0)
    shapes = rng.normal(size=(20, 40))
    groups = np.repeat(np.arange(20), 6)
    X = shapes[groups] + 0.1 * rng.normal(size=(120, 40))
    y = rng.integers(0, 2, size=20)[groups]
    alone = RocketClassifier(**_SMALL).fit(X, y)
    together = RocketClassifier(**_SMALL).fit(X, y, groups=groups)
    assert log_loss(y, alone.oob_decision_function_) < 0.1  # looks solved
    assert log_loss(y, together.oob_decision_function_) > 0.6  # and is not


def test_the_record_has_a_curve_over_penalties():
    X, y = _waves()
    record = RocketClassifier(**_SMALL).fit(X, y).record_
    penalties = record.history["penalty"]
    assert penalties == sorted(penalties, reverse=True)
    kept = record.best_epoch
    assert record.history["val_loss_at_train_prior"][kept] == min(
        record.history["val_loss_at_train_prior"]
    )
    assert record.data["holdout"] == "left out"
    assert skloss.TrainingRecord.from_json(record.to_json()) == record


def test_the_loss_of_the_record_is_that_of_the_left_out_rows():
    X, y = _waves()
    fitted = RocketClassifier(**_SMALL).fit(X, y)
    kept = fitted.record_.best_epoch
    wanted = log_loss(y, fitted.oob_decision_function_)
    assert fitted.history_["val_loss"][kept] == pytest.approx(wanted, rel=1e-6)
    wanted = log_loss(y, fitted.predict_proba(X))
    assert fitted.history_["loss"][kept] == pytest.approx(wanted, rel=1e-3)


def test_rows_without_weight_are_as_if_they_were_not_there():
    X, y = _waves()
    weight = np.ones(120)
    weight[90:] = 0
    whole = RocketClassifier(**_SMALL).fit(X, y, sample_weight=weight)
    part = RocketClassifier(**_SMALL).fit(X[:90], y[:90])
    np.testing.assert_allclose(whole.predict_proba(X), part.predict_proba(X), atol=1e-6)
    assert np.isnan(whole.oob_decision_function_[90:]).all()


def test_scaling_is_chosen_by_unseen_rows():
    rng = np.random.default_rng(0)
    X, y = _waves()
    loud = X * rng.lognormal(0, 2, size=(120, 1)) + 50 * rng.normal(size=(120, 1))
    assert RocketClassifier(**_SMALL).fit(loud, y).scales_series_
    level = rng.normal(size=(120, 40)) + 3 * (y == "wave")[:, None]
    assert not RocketClassifier(**_SMALL).fit(level, y).scales_series_


def test_behind_a_sampler_rows_are_held_out_before_it():
    X, y = _waves(200)
    pipeline = skloss.make_pipeline(
        RandomOverSampler(random_state=0), RocketClassifier(**_SMALL)
    ).fit(X, y)
    fitted = pipeline[-1]
    assert fitted.record_.data["holdout"] == "pipeline"
    assert fitted.record_.data["class_counts"]["validation"] == [15, 5]
    with pytest.raises(AttributeError, match="rows were held out, instead of leaving"):
        _ = fitted.oob_decision_function_
    plain = skloss.make_pipeline(FunctionTransformer(), RocketClassifier(**_SMALL)).fit(
        X, y
    )
    assert plain[-1].record_.data["n_rows"] == 200


def test_rows_of_a_foreign_sampler_are_warned_of():
    X, y = _waves()
    X, y = RandomOverSampler(random_state=0).fit_resample(X, y)
    with pytest.warns(ResampledValidationWarning):
        RocketClassifier(**_SMALL).fit(X, y)


def test_classes_of_more_than_two_and_channels():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 30, 2))
    X[y == 1, :, 1] += np.sin(np.arange(30))
    X[y == 2, :, 0] += np.sin(2 * np.arange(30))
    fitted = RocketClassifier(**_SMALL).fit(X, y)
    assert fitted.oob_decision_function_.shape == (90, 3)
    assert (fitted.oob_decision_function_.argmax(axis=1) == y).mean() > 0.6
    folded = RocketClassifier(**_SMALL, n_channels=2).fit(X.reshape(90, -1), y)
    np.testing.assert_array_equal(
        folded.predict_proba(X.reshape(90, -1)), fitted.predict_proba(X)
    )
    turned = RocketClassifier(**_SMALL, channels_first=True)
    turned.fit(X.transpose(0, 2, 1), y)
    np.testing.assert_array_equal(
        turned.predict_proba(X.transpose(0, 2, 1)), fitted.predict_proba(X)
    )


def test_equal_seeds_give_equal_fits_and_pickles():
    X, y = _waves()
    first = RocketClassifier(**_SMALL, n_jobs=2).fit(X, y)
    second = pickle.loads(pickle.dumps(clone(first).fit(X, y)))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_balanced_weights_find_more_of_the_rare_class():
    X, y = _waves(200)
    plain = RocketClassifier(**_SMALL).fit(X, y).oob_decision_function_[:, 1]
    fitted = RocketClassifier(**_SMALL, class_weight="balanced").fit(X, y)
    assert fitted.oob_decision_function_[:, 1].mean() > plain.mean() + 0.05


_MULTI = {"n_kernels": 1344, "pooling": "multi", "random_state": 0}


def test_half_of_the_features_are_of_differences():
    X, y = _waves(60)
    fitted = RocketClassifier(**_MULTI, scale_series=None).fit(X, y)
    first, second = fitted.kernels_, fitted.difference_kernels_
    assert first.n_features == second.n_features == 672
    assert (first.n_timesteps, second.n_timesteps) == (40, 39)
    series = X.astype("f4")[:, :, None]
    found = np.hstack(
        [first.transform(series), second.transform(np.diff(series, axis=1))]
    )
    head = fitted._fitted.head
    logits = (found @ head.coefficients + head.intercepts)[:, 0]
    chances = fitted.predict_proba(X)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), chances, atol=1e-6)
    assert RocketClassifier(**_SMALL).fit(X, y).difference_kernels_ is None


def test_where_something_happens_is_seen_by_its_mean_time():
    """Each series has one wave, early or late: shares alone hardly tell them apart."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    X = 0.5 * rng.normal(size=(120, 60))
    starts = np.where(y == 1, 36, 12) + rng.integers(-8, 9, size=120)
    for row, start in zip(X, starts, strict=True):
        row[start : start + 12] += np.sin(np.arange(12))
    losses = {}
    for pooling in ("ppv", "multi"):
        rocket = RocketClassifier(672, pooling=pooling, random_state=0).fit(X, y)
        losses[pooling] = log_loss(y, rocket.oob_decision_function_)
    assert losses["multi"] < 0.6 * losses["ppv"]


def test_four_numbers_with_groups_classes_channels_weights_and_pickles():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 30, 2))
    X[y == 1, :, 1] += np.sin(np.arange(30))
    X[y == 2, :, 0] += np.sin(2 * np.arange(30))
    rocket = RocketClassifier(**_MULTI, class_weight="balanced", n_jobs=2)
    rocket.fit(X, y, groups=np.arange(90) // 9)
    assert (rocket.oob_decision_function_.argmax(axis=1) == y).mean() > 0.7
    again = pickle.loads(
        pickle.dumps(clone(rocket).fit(X, y, groups=np.arange(90) // 9))
    )
    np.testing.assert_array_equal(again.predict_proba(X), rocket.predict_proba(X))


@pytest.mark.parametrize("options", [_SMALL, _MULTI], ids=["ppv", "multi"])
@pytest.mark.parametrize("steps", [1, 5, 8, 9])
def test_short_series_are_padded(steps, options):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, steps)) + 3 * y[:, None]
    fitted = RocketClassifier(**options).fit(X, y)
    assert (fitted.predict(X) == y).mean() > 0.9


def test_one_group_is_refused():
    X, y = _waves()
    with pytest.raises(ValueError, match="only one group"):
        RocketClassifier(**_SMALL).fit(X, y, groups=np.zeros(120))


def test_a_diagnosis_reads_it():
    X, y = _waves()
    fitted = RocketClassifier(**_SMALL).fit(X, y)
    for rows in ((), (X, y)):
        found = skloss.diagnose(fitted, *rows).findings
        assert [finding.name for finding in found if finding.is_alarm] == []


def test_a_penalty_at_the_end_of_its_range_is_told():
    X, y = _waves()
    nothing = RocketClassifier(**_SMALL).fit(np.ones_like(X), y)
    found = skloss.diagnose(nothing).find("penalty-at-end")
    assert "strongest of 15 penalties" in found.title
    assert "no better than by the class shares" in found.fix
    assert not found.is_alarm
    inside = RocketClassifier(**_SMALL).fit(X, y)
    assert skloss.diagnose(inside).find("penalty-at-end") is None
    record = skloss.TrainingRecord.from_json(inside.record_.to_json())
    weakest = replace(record, outcome=record.outcome | {"best_epoch": 14})
    found = skloss.diagnose(weakest).find("penalty-at-end")
    assert "weakest of 15 penalties" in found.title
    assert "pass groups to fit" in found.fix


def test_the_loss_is_drawn_over_penalties():
    X, y = _waves()
    fitted = RocketClassifier(**_SMALL).fit(X, y)
    display = skloss.displays.LossCurveDisplay.from_estimator(fitted)
    assert display.ax_.get_xlabel() == "penalty"
    (mark,) = set(display.lines_["best_epoch"].get_xdata())
    assert fitted.history_["penalty"][mark - 1] == fitted.penalty_
    assert "last_epoch" not in display.lines_
    metrics = skloss.displays.MetricCurveDisplay.from_estimator(fitted)
    assert metrics.ax_.get_xlabel() == "penalty"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scaling", ["auto", None])
@pytest.mark.parametrize("options", [_SMALL, _MULTI], ids=["ppv", "multi"])
def test_huge_numbers_are_scaled_without_a_warning(options, scaling):
    X, y = _waves()
    options = options | {"scale_series": scaling}
    plain = RocketClassifier(**options).fit(X, y)
    huge = RocketClassifier(**options).fit(1e30 * X, y)
    assert huge.scales_series_ == plain.scales_series_
    np.testing.assert_allclose(
        huge.predict_proba(1e30 * X), plain.predict_proba(X), atol=0.02
    )


def test_the_f1_of_the_rare_class_is_that_of_scikit_learn():
    X, y = _waves()
    y = np.where(y == "wave", "fraud", "ok")  # the rare class comes first
    fitted = RocketClassifier(**_SMALL).fit(X, y)
    assert fitted.pos_label_ == "fraud"
    guessed = fitted.classes_[fitted.oob_decision_function_.argmax(axis=1)]
    wanted = f1_score(y, guessed, pos_label="fraud")
    found = fitted.history_["val_f1"][fitted.record_.best_epoch]
    assert found == pytest.approx(wanted)


def _noisy_waves(n, seed=0, share=4):
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % share == 0).astype(int)
    X = rng.normal(size=(n, 40, 1))
    X[y == 1, :, 0] += 0.5 * np.sin(np.arange(40) / 3)
    return X, y


def _row_losses(proba, y):
    return -np.log(proba[np.arange(len(y)), y])


def test_the_gap_of_the_closed_form_is_that_of_rows_left_out():
    X, y = _noisy_waves(120)
    rocket = RocketClassifier(n_kernels=168, random_state=0).fit(X, y)
    gap = skloss.diagnose(rocket).gap
    seen = _row_losses(rocket.predict_proba(X), y)
    unseen = _row_losses(rocket.oob_decision_function_, y)
    assert gap.printed == pytest.approx(seen.mean(), abs=1e-6)
    assert gap.validation == pytest.approx(unseen.mean(), abs=1e-6)
    assert [part.name for part in gap.shown] == ["generalization"]
    assert gap.parts[-1].nats == pytest.approx((unseen - seen).mean(), abs=1e-6)
    # Each row stands on both sides, so the error is that of its difference.
    error = (unseen - seen).std() / np.sqrt(len(y))
    assert gap.total_error == pytest.approx(error, rel=0.2)
    assert f"(penalty {rocket.penalty_:.3g})" in gap.to_text()
    assert "come from rows never seen" in skloss.explain_gap(rocket, X, y).sentence


def test_the_gap_of_rows_held_out_has_their_prior():
    X, y = _noisy_waves(120)
    X_val, y_val = _noisy_waves(80, seed=1, share=2)
    rocket = RocketClassifier(n_kernels=168, random_state=0)
    rocket.fit(X, y, X_val=X_val, y_val=y_val)
    gap = skloss.diagnose(rocket).gap
    losses = _row_losses(rocket.predict_proba(X), y)
    by_class = np.array([losses[y == k].mean() for k in (0, 1)])
    moved = np.bincount(y_val) / len(y_val) - np.bincount(y) / len(y)
    assert gap.find("prior").nats == pytest.approx(moved @ by_class, abs=1e-6)
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-9)
    unseen = _row_losses(rocket.predict_proba(X_val), y_val)
    assert gap.validation == pytest.approx(unseen.mean(), abs=1e-5)


def test_the_gap_over_groups_is_of_groups_never_seen():
    X, y = _noisy_waves(120)
    groups = np.repeat(np.arange(12), 10)
    rocket = RocketClassifier(n_kernels=168, random_state=0).fit(X, y, groups=groups)
    gap = skloss.diagnose(rocket.record_).gap
    assert gap.unit == "groups"
    assert "come from groups never seen" in gap.sentence


def test_weights_of_classes_are_no_part_of_the_gap_but_those_of_rows_are():
    X, y = _noisy_waves(120)
    rocket = RocketClassifier(n_kernels=168, class_weight="balanced", random_state=0)
    assert skloss.diagnose(rocket.fit(X, y)).gap.find("weights").is_absent
    weight = np.where(y == 1, 3.0, 1.0)
    rocket.set_params(class_weight=None).fit(X, y, sample_weight=weight)
    gap = skloss.diagnose(rocket).gap
    assert not gap.find("weights").is_absent
    assert sum(part.nats for part in gap.parts) == pytest.approx(gap.total, abs=1e-9)
