"""Recurrent networks: gaps and padding are skipped, and what is made of the states."""

import pickle

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE

import skloss
from skloss import RecurrentClassifier, diagnose, make_pipeline, report
from skloss.networks import forward, initial_weights, recurrent
from skloss.networks.layers import AttentionPool, Recurrent
from skloss.search.predict import read_rows

N_ROWS = 60


def small(**options):
    own = {"width": 3, "epochs": 2, "random_state": 0}
    return RecurrentClassifier(**own | options)


def series(n_steps=8, n_channels=2, gaps=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, n_steps, n_channels)).astype("f4")
    y = (X[:, 0, 0] > 0).astype(int)
    if gaps:
        X[:, 1:][rng.random((N_ROWS, n_steps - 1)) < 0.4] = np.nan
    return X, y


def moved_to_the_end(X):
    """Series with their missing steps behind all others."""
    order = np.argsort(np.isnan(X).any(axis=2), axis=1, kind="stable")
    return np.take_along_axis(X, order[:, :, None], axis=1)


@pytest.mark.parametrize(("cell", "pooling"), [("lstm", "last"), ("gru", "attention")])
def test_gaps_are_as_if_the_series_had_no_such_steps(cell, pooling):
    X, y = series(gaps=True)
    options = {"cell": cell, "pooling": pooling, "bidirectional": True, "depth": 2}
    classifier = small(missing="mask", **options).fit(X, y)
    found = classifier.predict_proba(X)
    moved = classifier.predict_proba(moved_to_the_end(X))
    np.testing.assert_allclose(found, moved, atol=1e-6)
    for row in (0, 7, 23):  # the steps that there are, in a network without a mask
        steps = X[row][~np.isnan(X[row]).any(axis=1)][None]
        spec = recurrent(
            steps.shape[1:],
            n_outputs=1,
            width=(3, 3),
            **{name: options[name] for name in ("cell", "pooling", "bidirectional")},
        )
        logit = forward(spec, classifier.weights_, steps)[0, 0]
        assert found[row, 1] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_many_rows_with_gaps_are_predicted_as_by_keras(pooling):
    X, y = series(gaps=True)
    classifier = small(missing="mask", pooling=pooling, bidirectional=True).fit(X, y)
    logits = np.asarray(classifier.model_(X))[:, 0]
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(classifier.predict_proba(X)[:, 1], expected, atol=1e-6)


def test_padding_changes_nothing_in_training():
    X, y = series(gaps=True)
    padded = np.concatenate([X, np.full((N_ROWS, 5, 2), np.nan, "f4")], axis=1)
    one, other = (small(missing="mask", depth=2).fit(rows, y) for rows in (X, padded))
    for found, expected in zip(other.weights_, one.weights_, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_attention_is_a_mean_weighted_by_a_softmax():
    X, _ = series()
    spec = recurrent((8, 2), n_outputs=1, width=(3,), pooling="attention")
    weights = initial_weights(spec, np.random.default_rng(0))
    inner = recurrent((8, 2), n_outputs=1, width=(3,)).layers[0]
    assert isinstance(inner, Recurrent)
    states = [  # the last state of each beginning of the series
        forward(
            recurrent((t, 2), n_outputs=3, width=(3,)), _states_of(weights), X[:, :t]
        )
        for t in range(1, 9)
    ]
    states = np.stack(states, axis=1)
    shares = np.exp(states @ weights[3])
    pooled = (states * shares / shares.sum(axis=1, keepdims=True)).sum(axis=1)
    expected = pooled @ weights[4] + weights[5]
    assert isinstance(spec.layers[1], AttentionPool)
    np.testing.assert_allclose(forward(spec, weights, X), expected, atol=1e-5)


def _states_of(weights):
    """Weights of a network that gives the state itself."""
    return [*weights[:3], np.eye(3, dtype="f4"), np.zeros(3, "f4")]


def test_first_weights_are_those_that_keras_draws():
    spec = recurrent((8, 2), n_outputs=1, width=(5,))
    _, own, bias, *_ = initial_weights(spec, np.random.default_rng(0))
    np.testing.assert_allclose(own @ own.T, np.eye(5), atol=1e-6)
    np.testing.assert_array_equal(bias, [0] * 5 + [1] * 5 + [0] * 10)


def test_it_is_read_as_any_other_classifier(tmp_path):
    X, y = series(n_channels=1)
    pipeline = make_pipeline(
        SMOTE(random_state=0), small(filters=(3,), pool_size=2, dropout=0.2)
    )
    pipeline.fit(X.reshape(N_ROWS, -1), y)
    rows = X.reshape(N_ROWS, -1)
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(
        again.predict_proba(rows), pipeline.predict_proba(rows)
    )
    kinds = [layer["kind"] for layer in pipeline[-1].record_.configuration["layers"]]
    assert kinds == ["conv", "pool", "recurrent", "dropout", "dense"]
    assert "val_mcc" in pipeline[-1].history_
    assert str(diagnose(pipeline))
    assert "recurrent" in str(report(pipeline)).lower()


def test_a_network_that_skips_steps_is_saved(tmp_path):
    X, y = series(gaps=True)
    classifier = small(missing="mask").fit(X, y)
    skloss.save(classifier, tmp_path / "model")
    again = skloss.load(tmp_path / "model").predict_proba(X)
    np.testing.assert_array_equal(again, classifier.predict_proba(X))


def onnx_chances(classifier, X, path):
    onnxruntime = pytest.importorskip("onnxruntime")
    skloss.to_onnx(classifier, path, X=X)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X})[1]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    "options",
    [{}, {"bidirectional": True, "depth": 2}, {"pooling": "attention"}],
    ids=["last", "both ways", "attention"],
)
def test_onnx_skips_the_same_steps(cell, options, tmp_path):
    X, y = series(gaps=True)
    X[0, :, 1] = np.nan  # no step is left of this one
    classifier = small(missing="mask", cell=cell, **options).fit(X[1:], y[1:])
    found = onnx_chances(classifier, X, tmp_path / "model.onnx")
    np.testing.assert_allclose(found, classifier.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_a_series_without_any_whole_step_is_predicted_alike_everywhere(pooling):
    X, y = series(gaps=True)
    classifier = small(missing="mask", pooling=pooling).fit(X, y)
    X[0, :, 1] = np.nan
    chances = classifier.predict_proba(X)[:, 1]
    logits = np.asarray(classifier.model_(X))[:, 0]
    np.testing.assert_allclose(chances, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_convolutions_in_front_see_zeros_and_where_they_are(tmp_path):
    X, y = series(gaps=True)
    by_hand = np.concatenate([np.nan_to_num(X), np.isnan(X)], axis=2).astype("f4")
    masked = small(missing="mask", filters=(3,)).fit(X, y)
    plain = small(filters=(3,)).fit(by_hand, y)
    wanted = plain.predict_proba(by_hand)
    np.testing.assert_allclose(masked.predict_proba(X), wanted, atol=1e-6)
    assert masked.history_["val_loss"] == pytest.approx(plain.history_["val_loss"])
    found = onnx_chances(masked, X, tmp_path / "model.onnx")
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_record_of_series_with_gaps_is_diagnosed():
    X, y = series(gaps=True)
    X[:, 5] = np.nan  # a column without any value
    classifier = small(missing="mask").fit(X, y)
    assert np.isfinite(classifier.history_["val_loss"]).all()
    assert str(diagnose(classifier))


def test_bad_series_are_told_in_one_sentence():
    X, y = series(gaps=True)
    with pytest.raises(ValueError, match=r"X contains NaN in \d+ of 60 rows"):
        small().fit(X, y)
    with pytest.raises(ValueError, match="leave nothing of 8 timesteps"):
        small(filters=(3, 3), pool_size=4).fit(*series())
    X[3] = np.nan
    with pytest.raises(ValueError, match=r"1 of 60 series without any value, .* row 3"):
        small(missing="mask").fit(X, y)
    with pytest.raises(ValueError, match="infinity"):
        small(missing="mask").fit(np.where(np.isnan(X), np.inf, X), y)


def test_gaps_that_are_masked_are_no_fault_and_no_hindrance(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    X = rng.normal(size=(60, 6)) + y[:, None]
    X[::3, 4:] = np.nan
    model = small(missing="mask").fit(X, y)
    found = diagnose(model, X, y)
    assert found.find("nan-in-inputs") is None
    assert "nan-in-inputs" not in found.not_assessed
    np.savez(tmp_path / "rows.npz", X=X)
    rows, _ = read_rows(model, tmp_path / "rows.npz")
    np.testing.assert_array_equal(rows, X)
