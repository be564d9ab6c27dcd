"""What users have written down stays: names, files beside the code, pickles."""

import pickle
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import skloss
from skloss.datasets import make_rare_events

ROOT = Path(__file__).parents[1]
PUBLIC = {
    "skloss": "CNN1DClassifier CNN2DClassifier DenseClassifier KerasClassifier "
    "OutOfBagThresholdClassifier Pipeline RecurrentClassifier ReduceLROnPlateau "
    "RocketClassifier SeriesScaler TrainingRecord datasets diagnose diagnosis displays "
    "error_floor exceptions io label_issues load make_pipeline metrics preprocessing "
    "repair report save streams to_onnx",
    "skloss.io": "TRUSTED_TYPES load register_converters save to_onnx",
    "skloss.preprocessing": "SeriesScaler",
    "skloss.streams": "Block RowSource array_rows block_rows parquet_rows tf_data_rows",
    "skloss.estimators": "CNN1DClassifier CNN2DClassifier DenseClassifier",
    "skloss.model_selection": "Pipeline make_pipeline",
    "skloss.record": "TrainingRecord",
    "skloss.displays": "FoldCurvesDisplay LossCurveDisplay MetricCurveDisplay "
    "PrecisionRecallCurvesDisplay ProbabilityDisplay RocCurvesDisplay SearchDisplay "
    "ThresholdDisplay",
    "skloss.datasets": "load_heartbeats make_consumption make_drift_table "
    "make_rare_events",
}


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_stay(package):
    module = import_module(package)
    names = set(PUBLIC[package].split())
    assert names <= set(module.__all__)
    assert all(hasattr(module, name) for name in names)


def test_every_file_beside_the_code_is_installed():
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = [
        f"{package.replace('.', '/')}/{pattern}"
        for package, several in tables["package-data"].items()
        for pattern in several
    ]
    files = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "skloss").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert "skloss/py.typed" in files
    left_out = [f for f in files if not any(fnmatch(f, p) for p in patterns)]
    assert not left_out
    unused = [p for p in patterns if not any(fnmatch(f, p) for f in files)]
    assert not unused


def test_every_folder_of_code_is_a_package():
    # Without its __init__.py a folder is left out of an installation.
    folders = {path.parent for path in (ROOT / "skloss").rglob("*.py")}
    assert not [f for f in folders if not (f / "__init__.py").exists()]


def test_the_command_line_is_a_module():
    command = [sys.executable, "-m", "skloss", "--help"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=120
    )
    assert "diagnose" in done.stdout


def test_pickles_are_read_by_another_process(tmp_path):
    X, y = make_rare_events(200, prevalence=0.3, random_state=0)
    series = X[:, :, np.newaxis]
    dense = skloss.DenseClassifier(width=4, depth=1, epochs=1, random_state=0)
    pipeline = skloss.make_pipeline(dense).fit(X, y)
    cnn = skloss.CNN1DClassifier(epochs=1, random_state=0).fit(series, y)
    record = pipeline[-1].record_
    (tmp_path / "fitted.pkl").write_bytes(
        pickle.dumps((pipeline, X, cnn, series, record, skloss.diagnose(record)))
    )
    code = (
        "import pickle, sys, numpy as np\n"
        "with open('fitted.pkl', 'rb') as file:\n"
        "    pipeline, X, cnn, series, record, diagnosis = pickle.load(file)\n"
        "np.savez('told.npz', dense=pipeline.predict_proba(X),\n"
        "         cnn=cnn.predict_proba(series), loss=record.history['loss'],\n"
        "         found=[finding.name for finding in diagnosis.findings])\n"
    )
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=120
    )
    told = np.load(tmp_path / "told.npz")
    np.testing.assert_allclose(told["dense"], pipeline.predict_proba(X), rtol=1e-6)
    np.testing.assert_allclose(told["cnn"], cnn.predict_proba(series), rtol=1e-5)
    np.testing.assert_array_equal(told["loss"], record.history["loss"])
    named = [finding.name for finding in skloss.diagnose(record).findings]
    assert told["found"].tolist() == named


def test_importing_any_public_name_draws_no_random_number():
    code = (
        "import random, skloss\n"
        "before = random.getstate()\n"
        "for name in skloss.__all__:\n"
        "    getattr(skloss, name)\n"
        "    assert random.getstate() == before, name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
