"""A fit writes into its record what it knows, so that nobody has to guess it."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.metrics import matthews_corrcoef
from sklearn.preprocessing import StandardScaler

from skloss import DenseClassifier, make_pipeline
from skloss.datasets import make_rare_events


@pytest.fixture(scope="module")
def rows():
    return make_rare_events(600, random_state=0)


def test_a_pipeline_names_its_samplers(rows):
    steps = StandardScaler(), SMOTE(random_state=0), DenseClassifier(epochs=1)
    data = make_pipeline(*steps).fit(*rows)[-1].record_.data
    assert (data["samplers"], data["is_resampled"]) == (["SMOTE"], True)
    plain = make_pipeline(StandardScaler(), DenseClassifier(epochs=1)).fit(*rows)
    data = plain[-1].record_.data
    assert (data["samplers"], data["is_resampled"]) == ([], False)
    alone = DenseClassifier(epochs=1).fit(*rows).record_.data
    assert (alone["samplers"], alone["holdout"]) == (None, "internal")


def test_the_kept_epoch_is_the_best_one_where_its_weights_were_kept(rows):
    options = {"epochs": 40, "learning_rate": 0.5, "patience": 2, "random_state": 0}
    stopped = DenseClassifier(early_stopping=True, **options).fit(*rows).record_
    assert stopped.outcome["kept_epoch"] == stopped.best_epoch
    assert stopped.configuration["training"]["patience"] == 2
    assert stopped.configuration["training"]["restore_best"]
    run_out = DenseClassifier(early_stopping=False, **options).fit(*rows).record_
    assert run_out.outcome["kept_epoch"] is None
    assert run_out.configuration["training"]["monitor"] is None


def test_class_weights_are_recorded_as_they_acted(rows):
    X, y = rows
    record = DenseClassifier(epochs=1, class_weight="balanced").fit(X, y).record_
    trained = np.array(record.data["class_counts"]["trained"])
    training = record.configuration["training"]
    assert training["class_weight_kind"] == "balanced"
    expected = trained.sum() / (2 * trained)
    assert list(training["class_weight"].values()) == pytest.approx(expected)


def test_the_metrics_of_the_hold_out_are_those_of_the_kept_weights(rows):
    record = DenseClassifier(epochs=3, random_state=0).fit(*rows).record_
    truth = np.array(record.outcome["validation_truth"])
    said = np.array(record.outcome["validation_scores"]) > 0.5
    confusion = np.array(record.outcome["metrics"]["val"]["confusion"])
    assert confusion.sum() == len(truth)
    assert confusion[1, 1] == np.sum(said & (truth == 1))
    assert record.history["val_mcc"][-1] == pytest.approx(
        matthews_corrcoef(truth, said)
    )


def test_layers_are_recorded_with_their_shapes(rows):
    network = DenseClassifier(width=(5,), dropout=0.25, l2=1e-3, epochs=1)
    layers = network.fit(*rows).record_.configuration["layers"]
    assert [layer["kind"] for layer in layers] == ["dense", "dropout", "dense"]
    assert [layer["output_shape"] for layer in layers] == [[5], [5], [1]]
    assert [layer["l2"] for layer in layers] == [1e-3, 0.0, 1e-3]
