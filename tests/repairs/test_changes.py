"""A fix is applied in the right place, and its code does the same."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as PlainPipeline
from scipy.stats import t
from sklearn.base import clone
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline as make_sklearn_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skloss import DenseClassifier, KerasClassifier, make_pipeline
from skloss.diagnosis import Case
from skloss.diagnosis.fixes import Fix, Step
from skloss.record import Layer
from skloss.repairs.changes import change_of
from skloss.repairs.paired_scores import corrected_interval
from skloss.repairs.translation import CannotApplyError, translated

SCALE = Fix(step=Step("sklearn.preprocessing", "StandardScaler"))
SHAPES = {
    "bare": DenseClassifier(),
    "skloss": make_pipeline(MinMaxScaler(), DenseClassifier()),
    "sampler": make_pipeline(SMOTE(), DenseClassifier()),
    "sklearn": make_sklearn_pipeline(MinMaxScaler(), DenseClassifier()),
    "imblearn": PlainPipeline([("over", SMOTE()), ("net", DenseClassifier())]),
    "threshold": TunedThresholdClassifierCV(DenseClassifier()),
    "threshold of a pipeline": TunedThresholdClassifierCV(
        make_pipeline(SMOTE(), DenseClassifier())
    ),
    "pipeline of a threshold": make_pipeline(
        MinMaxScaler(), TunedThresholdClassifierCV(DenseClassifier())
    ),
    "pipeline in a pipeline": make_pipeline(
        MinMaxScaler(), make_pipeline(SMOTE(), DenseClassifier())
    ),
}


@pytest.mark.parametrize("fix", [SCALE, Fix({"epochs": 7})], ids=["step", "params"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_code_does_what_was_done(shape, fix):
    given = SHAPES[shape]
    old = repr(given)
    change = change_of(given, fix)
    assert repr(given) == old
    names = {"estimator": clone(given)}
    exec("\n".join([*change.imports, change.line]), names)
    assert repr(names["estimator"]) == repr(change.estimator) != old


@pytest.mark.parametrize("shape", ["bare", "imblearn"])
def test_the_same_parameters_in_another_order_are_the_same_line(shape):
    one, other = {"epochs": 7, "dropout": 0.3}, {"dropout": 0.3, "epochs": 7}
    lines = {change_of(SHAPES[shape], Fix(params)).line for params in (one, other)}
    assert len(lines) == 1


def test_a_scaler_stands_before_the_sampler():
    changed = change_of(SHAPES["imblearn"], SCALE).estimator
    assert [name for name, _ in changed.steps] == ["standardscaler", "over", "net"]


def test_a_second_scaler_is_refused():
    given = make_pipeline(StandardScaler(), DenseClassifier())
    with pytest.raises(CannotApplyError, match="stands before the classifier already"):
        change_of(given, SCALE)


@pytest.mark.parametrize("shape", ["imblearn", "bare", "skloss"])
def test_a_pipeline_that_holds_out_late_becomes_one_of_skloss(shape):
    fix = Fix(holds_out_first=True)
    if shape == "imblearn":
        change = change_of(SHAPES[shape], fix)
        assert type(change.estimator).__module__.startswith("skloss")
        return
    with pytest.raises(
        CannotApplyError, match=r"original rows|holds out first already"
    ):
        change_of(SHAPES[shape], fix)


def model(meta, lr=0.1, drop_rate=0.0, output_activation="relu"):
    raise NotImplementedError


def test_names_are_found_in_a_model_function():
    found = translated(
        KerasClassifier(model),
        {"learning_rate": 0.001, "dropout": 0.3, "head_activation": "sigmoid"},
        None,
    )
    assert found == {
        "model__lr": 0.001,
        "model__drop_rate": 0.3,
        "model__output_activation": "sigmoid",
    }


def test_a_named_parameter_of_the_model_function_is_set_by_its_name():
    given = KerasClassifier(model, lr=0.1)
    assert translated(given, {"learning_rate": 0.01}, None) == {"lr": 0.01}
    given.set_params(lr=0.01)
    with pytest.raises(CannotApplyError, match="lr is set already"):
        translated(given, {"learning_rate": 0.01}, None)


def test_the_rate_of_an_optimizer_is_changed_however_it_was_given():
    import keras

    def plain(meta):
        raise NotImplementedError

    rate = {"learning_rate": 0.01}
    for optimizer in ("adam", keras.optimizers.Adam):
        found = translated(KerasClassifier(plain, optimizer=optimizer), rate, None)
        assert found == {"optimizer__learning_rate": 0.01}
    given = keras.optimizers.SGD(1.0, momentum=0.5)
    assert translated(KerasClassifier(plain, optimizer=given), rate, None) == {
        "optimizer": "sgd",
        "optimizer__momentum": 0.5,
        "optimizer__learning_rate": 0.01,
    }


@pytest.mark.parametrize(("units", "n_classes"), [(1, 2), (3, 3)])
def test_a_network_without_an_activation_at_its_end_gets_a_loss_of_logits(
    units, n_classes
):
    import keras

    def plain(meta):
        width = meta["n_features_in_"]
        return keras.Sequential([keras.Input((width,)), keras.layers.Dense(units)])

    rng = np.random.default_rng(0)
    y = np.arange(120) % n_classes
    X = rng.normal(size=(120, 3)) + 4 * np.eye(3)[y]
    network = KerasClassifier(
        plain, loss="mse", optimizer="adam", epochs=40, random_state=0
    )
    given = make_pipeline(StandardScaler(), network)
    given.set_params(kerasclassifier__optimizer__learning_rate=0.05)
    head = Layer("dense", "dense", "linear", units)
    change = change_of(given, Fix({"loss": "crossentropy"}), Case(layers=(head,)))
    names = {"estimator": clone(given)}
    exec("\n".join([*change.imports, change.line]), names)
    changed = names["estimator"].fit(X, y)
    assert changed[-1].model_.loss.get_config()["from_logits"]
    assert changed.score(X, y) > 0.9
    np.testing.assert_allclose(changed.predict_proba(X).sum(axis=1), 1, atol=1e-5)


def test_a_loss_of_logits_waits_for_the_activation_that_the_function_takes():
    given = KerasClassifier(model, loss="mse", model__output_activation="linear")
    head = Layer("dense", "dense", "linear", 1)
    case, fix = Case(layers=(head,)), {"loss": "crossentropy"}
    assert translated(given, fix, case)["loss__from_logits"]
    given.set_params(model__output_activation="sigmoid")
    assert translated(given, fix, case) == {"loss": "binary_crossentropy"}


def test_early_stopping_comes_with_rows_to_stop_by():
    given = DenseClassifier(early_stopping=False, validation_fraction=None)
    assert translated(given, {"early_stopping": True}, None) == {
        "early_stopping": True,
        "validation_fraction": 0.1,
    }


def test_what_a_classifier_lacks_is_said():
    with pytest.raises(CannotApplyError, match="MLPClassifier has no dropout"):
        translated(MLPClassifier(), {"dropout": 0.2}, None)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_nadeau_and_bengio(confidence):
    rng = np.random.default_rng(0)
    differences = rng.normal(0.1, 0.2, 10)
    gain = corrected_interval(differences, 0.25, confidence)
    error = np.sqrt((1 / 10 + 0.25) * differences.var(ddof=1))
    assert gain.mean == pytest.approx(differences.mean())
    assert gain.high - gain.mean == pytest.approx(
        t.ppf((1 + confidence) / 2, 9) * error
    )


def test_the_interval_of_equal_differences_has_no_width():
    gain = corrected_interval(np.full(5, 0.25), 0.25)
    assert (gain.low, gain.high) == pytest.approx((0.25, 0.25))
