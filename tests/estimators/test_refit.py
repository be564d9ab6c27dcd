"""Held-out rows are given back: the weights are of all rows, the record is not."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import CNN1DClassifier, DenseClassifier, ReduceLROnPlateau, make_pipeline

rng = np.random.default_rng(0)
y = rng.permutation(np.arange(200) % 5 == 0).astype(int)
X = rng.normal(size=(200, 4)) + y[:, None]


def net(**options):
    options = {"epochs": 4, "validation_fraction": 0.3} | options
    return DenseClassifier(random_state=0, **options)


def same_weights(one, other):
    for ours, theirs in zip(one.weights_, other.weights_, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("make", [net, CNN1DClassifier])
def test_the_weights_are_those_of_a_fit_without_a_hold_out(make):
    options = {"epochs": 3, "random_state": 0} if make is CNN1DClassifier else {}
    if options:
        options |= {"width": 2, "depth": 1, "kernel_size": 3}
    given_back = make(**options, refit=True)
    given_back.fit(X, y)
    same_weights(given_back, make(**options, validation_fraction=None).fit(X, y))


def test_the_record_is_that_of_the_training_with_a_hold_out():
    given_back, plain = net(refit=True).fit(X, y), net().fit(X, y)
    names = set(plain.history_) - {"seconds"}
    assert {n: given_back.history_[n] for n in names} == {
        n: plain.history_[n] for n in names
    }
    np.testing.assert_array_equal(
        given_back.oob_decision_function_, plain.oob_decision_function_
    )
    outcome = given_back.record_.outcome
    assert outcome["refit"] == {"n_rows": 200, "epochs": 4}
    assert outcome["metrics"] == plain.record_.outcome["metrics"]
    assert "refit" not in plain.record_.outcome


def test_it_trains_as_many_epochs_as_the_kept_weights_with_the_same_rates():
    options = {"early_stopping": True, "patience": 2, "epochs": 60}
    model = net(learning_rate=0.03, refit=True, **options).fit(X, y)
    kept = model.record_.outcome["kept_epoch"]
    assert kept < model.n_epochs_ - 1
    assert model.record_.outcome["refit"]["epochs"] == kept + 1
    same = net(learning_rate=0.03, validation_fraction=None, epochs=60)
    same.set_params(callbacks=lambda row: row["epoch"] == kept)
    same_weights(model, same.fit(X, y))


def test_rates_that_followed_a_curve_are_followed_again():
    def schedule():
        return ReduceLROnPlateau("val_loss", patience=1, factor=0.5)

    model = net(refit=True, epochs=12, learning_rate=0.1)
    model.set_params(learning_rate_schedule=schedule()).fit(X, y)
    rates = np.array(model.history_["learning_rate"])
    assert len(set(rates)) > 1
    seen = []
    again = net(validation_fraction=None, epochs=12, learning_rate=0.1)
    again.set_params(
        learning_rate_schedule=lambda t: (rates / 0.1)[
            np.clip((t * 12 + 1e-6).astype(int), 0, 11)
        ],
        callbacks=lambda row: seen.append(row["learning_rate"]),
    )
    same_weights(model, again.fit(X, y))
    np.testing.assert_allclose(seen, rates, rtol=1e-6)


def test_a_pipeline_fits_all_its_steps_on_all_rows():
    steps = (StandardScaler(), SMOTE(random_state=0))
    weight = np.linspace(1, 2, 200)
    pipeline = make_pipeline(*steps, net(refit=True))
    pipeline.fit(X, y, denseclassifier__sample_weight=weight)
    other = make_pipeline(StandardScaler(), SMOTE(random_state=0), net())
    other.set_params(denseclassifier__validation_fraction=None)
    other.fit(X, y, denseclassifier__sample_weight=weight)
    np.testing.assert_allclose(pipeline[0].mean_, X.mean(axis=0))
    same_weights(pipeline[-1], other[-1])
    counts = pipeline[-1].record_.data["class_counts"]
    assert counts["validation"] == [48, 12]
    assert pipeline[-1].record_.outcome["refit"]["n_rows"] == 320


def test_a_pipeline_in_a_pipeline_gives_rows_back_too():
    inner = make_pipeline(SMOTE(random_state=0), net(refit=True))
    nested = make_pipeline(StandardScaler(), inner).fit(X, y)
    flat = make_pipeline(StandardScaler(), SMOTE(random_state=0), net(refit=True))
    same_weights(nested[-1][-1], flat.fit(X, y)[-1])


@pytest.mark.parametrize("rows", ["given", "none"])
def test_without_rows_of_fit_held_out_nothing_is_trained_again(rows):
    held = {"X_val": X[:50], "y_val": y[:50]} if rows == "given" else {}
    fraction = None if rows == "none" else 0.3
    model = net(refit=True, validation_fraction=fraction).fit(X, y, **held)
    assert "refit" not in model.record_.outcome


@pytest.mark.parametrize("options", [{"n_members": 2}, {"warm_start": True}])
def test_it_is_refused_where_it_has_no_meaning(options):
    name = next(iter(options))
    with pytest.raises(ValueError, match=f"'refit' parameter .*{name}"):
        net(refit=True, **options).fit(X, y)


def test_callbacks_and_scorers_are_called_by_the_first_training_only():
    rows = []
    options = {"early_stopping": True, "monitor": "val_roc_auc", "scoring": "roc_auc"}
    net(refit=True, epochs=2, callbacks=rows.append, **options).fit(X, y)
    assert [row["epoch"] for row in rows] == [0, 1]


def test_the_diagnosis_knows_the_rows_and_the_gap_only_the_training():
    model = net(refit=True).fit(X, y)
    assert skloss.diagnose(model, X, y).case.val.counts == (48, 12)
    assert skloss.explain_gap(model, X, y).total == pytest.approx(
        net().fit(X, y).record_.outcome["loss_gap"]["total"]
    )
    with pytest.raises(ValueError, match="refit=False"):
        skloss.explain_gap(model, X, y, groups=np.arange(200) // 2)


@pytest.mark.parametrize(
    "steps", [(), (StandardScaler(),), (SMOTE(random_state=0),)], ids=str
)
def test_the_prior_is_corrected_for_the_rows_that_the_weights_are_of(steps):
    def make(model):
        return make_pipeline(*steps, model) if steps else model

    late = np.argsort(-y, kind="stable")  # those of class 1 come first
    late = np.concatenate([late[:30], late[40:], late[30:40]])
    options = {"prior_correction": True, "epochs": 4}
    given_back = make(net(refit=True, validation_rows="last", **options))
    plain = make(net(validation_fraction=None, **options))
    np.testing.assert_allclose(
        given_back.fit(X[late], y[late]).predict_proba(X),
        plain.fit(X[late], y[late]).predict_proba(X),
        atol=1e-6,
    )
