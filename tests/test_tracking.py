"""Runs of MLflow, read by MLflow, hold what the fits were and came to."""

import io
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.over_sampling import SMOTE
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

import skloss
from skloss import DenseClassifier, Pipeline, TrainingRecord
from skloss.datasets import make_rare_events
from skloss.tracking import MLflowLogger

if parse_version(sklearn.__version__) < parse_version("1.9"):
    pytest.skip("needs callbacks of scikit-learn 1.9", allow_module_level=True)

needs_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs mlflow")

# What MLflow and what it imports warn of is their own affair.
pytestmark = pytest.mark.filterwarnings("ignore")

X, y = make_rare_events(300, n_features=6, random_state=0)


def dense(**options):
    return DenseClassifier(**{"width": 3, "epochs": 3, "random_state": 0} | options)


def pipeline(last=None):
    steps = [("scale", StandardScaler()), ("smote", SMOTE(random_state=0))]
    return Pipeline([*steps, ("net", last or dense())])


@pytest.fixture
def client(tmp_path, monkeypatch):
    """MLflow with an empty database and folder of its own."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    mlflow.create_experiment("here", artifact_location=f"{tmp_path}/files")
    mlflow.set_experiment("here")
    yield mlflow.MlflowClient()
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)


def runs(client):
    """All runs, the first one first."""
    (experiment,) = client.search_experiments(filter_string="name = 'here'")
    found = client.search_runs([experiment.experiment_id])
    return sorted(found, key=lambda run: run.info.start_time)


def curve(client, run, name):
    points = sorted(
        client.get_metric_history(run.info.run_id, name), key=lambda point: point.step
    )
    assert [point.step for point in points] == list(range(len(points)))
    return [point.value for point in points]


def text(client, run, name):
    return Path(client.download_artifacts(run.info.run_id, name)).read_text()


def assert_curves(client, run, record):
    for name, expected in record.history.items():
        np.testing.assert_array_equal(curve(client, run, name), expected, name)


def parent(run):
    return run.data.tags.get("mlflow.parentRunId")


def test_a_fit_is_a_run_with_parameters_curves_findings_and_page(client):
    # 11 linear layers are one: a finding for certain.
    sick = dense(activation="linear", width=(4,) * 6)
    sick.set_callbacks(MLflowLogger()).fit(X, y)
    (run,) = runs(client)
    assert run.info.status == "FINISHED"
    assert run.data.params == {n: str(v) for n, v in sick.get_params().items()}
    assert_curves(client, run, sick.record_)
    diagnosis = skloss.diagnose(sick, X, y)
    tags = run.data.tags
    assert {f.name: f.severity for f in diagnosis.findings} == {
        name.removeprefix("finding."): value
        for name, value in tags.items()
        if name.startswith("finding.")
    }
    assert "finding.linear-stack" in tags
    assert "linear-stack" in text(client, run, "diagnosis.txt")
    assert text(client, run, "report.html").startswith("<!DOCTYPE html>")
    path = client.download_artifacts(run.info.run_id, "record.json")
    assert TrainingRecord.load(path).history == sick.history_


def test_the_active_run_takes_one_fit_and_others_are_its_children(client):
    import mlflow

    classifier = dense().set_callbacks(MLflowLogger())
    with mlflow.start_run() as active:
        classifier.fit(X, y)
        assert mlflow.active_run().info.run_id == active.info.run_id
        cross_validate(classifier, X, y, cv=2)
        assert mlflow.active_run().info.run_id == active.info.run_id
    assert mlflow.active_run() is None
    first, *others = runs(client)
    assert first.info.run_id == active.info.run_id
    assert_curves(client, first, classifier.record_)
    assert [parent(run) for run in others] == [active.info.run_id] * 2
    for run in others:
        assert len(curve(client, run, "val_loss")) == 3


def test_a_pipeline_is_one_run_with_the_parameters_of_all_steps(client):
    fitted = pipeline().set_callbacks(MLflowLogger()).fit(X, y)
    (run,) = runs(client)
    assert run.data.params["smote__k_neighbors"] == "5"
    assert run.data.params["net__width"] == "3"
    assert_curves(client, run, fitted["net"].record_)
    assert "report.html" in {
        file.path for file in client.list_artifacts(run.info.run_id)
    }


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_fit_of_a_search_is_a_child_also_in_other_processes(client, n_jobs):
    search = GridSearchCV(pipeline(), {"net__width": [2, 4]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(MLflowLogger()).fit(X, y)
    whole, *children = runs(client)
    assert {parent(run) for run in children} == {whole.info.run_id}
    by_name = {run.info.run_name: run for run in children}
    assert by_name.keys() == {"refit", *(f"fit {number}" for number in range(4))}
    widths = [by_name[f"fit {n}"].data.params["net__width"] for n in range(4)]
    assert widths == ["2", "2", "4", "4"]
    for run in children:
        assert run.info.status == "FINISHED"
        assert len(curve(client, run, "val_mcc")) == 3
    assert_curves(client, by_name["refit"], search.best_estimator_["net"].record_)
    assert whole.data.metrics["best_score"] == search.best_score_
    table = pd.read_csv(io.StringIO(text(client, whole, "cv_results.csv")))
    np.testing.assert_allclose(
        table["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_members_are_told_apart(client):
    fitted = dense(n_members=2).set_callbacks(MLflowLogger()).fit(X, y)
    (run,) = runs(client)
    for number, member in enumerate(fitted.members_):
        found = curve(client, run, f"member_{number}_val_loss")
        assert found == member.history_["val_loss"]


def test_a_fit_that_fails_is_a_run_that_failed_with_the_epochs_so_far(client):
    def breaks(values):
        if values["epoch"] == 1:
            raise RuntimeError("power cut")

    classifier = dense(callbacks=breaks).set_callbacks(MLflowLogger())
    with pytest.raises(RuntimeError, match="power cut"):
        classifier.fit(X, y)
    (run,) = runs(client)
    assert run.info.status == "FAILED"
    assert len(curve(client, run, "loss")) in (1, 2)
    assert not client.list_artifacts(run.info.run_id)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_fits_of_a_search_that_fail_are_runs_that_failed(client, n_jobs):
    search = GridSearchCV(
        dense(), {"dropout": [0.0, 1.0]}, cv=2, n_jobs=n_jobs, error_score=np.nan
    )
    search.set_callbacks(MLflowLogger()).fit(X, y)
    _, *children = runs(client)
    status = {run.info.run_name: run.info.status for run in children}
    assert status == {
        "fit 0": "FINISHED",
        "fit 1": "FINISHED",
        "fit 2": "FAILED",
        "fit 3": "FAILED",
        "refit": "FINISHED",
    }


def test_the_fit_is_the_same_with_a_logger(client):
    plain, logged = dense().fit(X, y), dense().set_callbacks(MLflowLogger()).fit(X, y)
    for one, other in zip(plain.weights_, logged.weights_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_pipeline_without_a_network_is_logged_with_the_reason(client):
    plain = Pipeline([("scale", StandardScaler()), ("net", LogisticRegression())])
    plain.set_callbacks(MLflowLogger()).fit(X, y)
    (run,) = runs(client)
    assert run.info.status == "FINISHED"
    assert "LogisticRegression" in text(client, run, "no_report.txt")


@needs_mlflow
def test_a_pipeline_is_saved_as_skops_and_loaded_by_mlflow(tmp_path):
    import mlflow

    fitted = pipeline().fit(X, y)
    path = str(tmp_path / "model")
    mlflow.sklearn.save_model(
        fitted,
        path,
        serialization_format="skops",
        skops_trusted_types=skloss.io.TRUSTED_TYPES,
    )
    expected = fitted.predict_proba(X)
    loaded = mlflow.sklearn.load_model(path)
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    np.testing.assert_array_equal(
        mlflow.pyfunc.load_model(path).predict(X), fitted.predict(X)
    )


def test_a_package_that_is_missing_is_said_before_the_fit(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r'pip install "skloss\[mlflow\]"'):
        dense().set_callbacks(MLflowLogger()).fit(X, y)
