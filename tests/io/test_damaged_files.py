"""Files that are damaged, foreign or of another version: one sentence each.

`benchmarks/fuzz_files.py` tries many more.
"""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import skloss
from skloss.exceptions import ModelFileError
from skloss.io import container, nodes, skops_parts
from skloss.networks import dense
from skloss.training import TrainingResult

tensors = pytest.importorskip("safetensors.numpy")
pytest.importorskip("skops")


def classifier():
    """As it would be after a fit; nothing is trained."""
    from skloss.estimators.fit_job import Fitted

    spec = dense(2, n_outputs=1, width=(3,))
    rng = np.random.default_rng(0)
    shapes = [weight.shape for weight in spec.weight_shapes()]
    weights = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    made = skloss.DenseClassifier(width=3, depth=1)
    made.classes_, made.n_features_in_ = np.array(["no", "yes"]), 2
    record = skloss.TrainingRecord(history={"loss": [0.5]})
    made._fitted = Fitted(spec, TrainingResult(weights, [], 0), record)
    return made


@pytest.fixture
def path(tmp_path):
    skloss.save(classifier(), tmp_path / "model")
    return tmp_path / "model"


def refused(path):
    with pytest.raises(ModelFileError) as caught:
        skloss.load(path)
    text = str(caught.value)
    assert text.startswith(f"Cannot load {path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_the_file_is_whole_to_begin_with(path):
    X = np.arange(6.0).reshape(3, 2)
    expected = classifier().predict_proba(X)
    np.testing.assert_array_equal(skloss.load(path).predict_proba(X), expected)


def test_every_cut_is_noticed(path):
    data = path.read_bytes()
    for size in [*range(12), *range(12, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:size])
        refused(path)
    path.write_bytes(data + b"0")
    refused(path)


def test_every_flipped_bit_is_noticed(path):
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.choice(len(data), 300, replace=False):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        refused(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no file of skloss.save"),
        (b"size,age\n1,2\n", "no file of skloss.save"),
        (pickle.dumps({"a": 1}), "a pickle"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
        (tensors.save({"w": np.zeros(3)}), "of no skloss.save"),
    ],
    ids=["empty", "table", "pickle", "hdf5", "safetensors"],
)
def test_foreign_files_are_named(path, content, word):
    path.write_bytes(content)
    assert word in refused(path)


def test_an_archive_is_named(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")
    assert "zip archive" in refused(path)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(tmp_path / "pipe")


def test_a_newer_version_says_what_to_update(path, monkeypatch):
    monkeypatch.setattr(container, "FORMAT_VERSION", 2)
    skloss.save(classifier(), path)
    monkeypatch.undo()
    text = refused(path)
    assert "in version 2 of the format" in text
    assert "pip install -U skloss" in text


# ----------------------------------- with a check sum that is right all the same


def changed(path, change):
    content, arrays = container.read_container(path)
    change(content, arrays)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    container.write_container(path, content, whole)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda c, a: c.update(estimator="os.system"), "is not known here"),
        (lambda c, a: c["fitted"].update(predict="x"), "nothing that fitting makes"),
        (
            lambda c, a: c["fitted"].update(_fitted={"data": "Popen", "fields": {}}),
            "Pop",
        ),
        (lambda c, a: c["fitted"].update(_fitted=3), "is a int"),
        (lambda c, a: c["parameters"].update(mood=1), "content is wrong"),
        (lambda c, a: a.update(more=np.zeros(2)), "more than one"),
        (lambda c, a: a.pop(next(iter(a))), "an array is missing"),
        (
            lambda c, a: c["fitted"].update(
                classes_={"texts": ["a"], "width": 10**9, "shape": [1]}
            ),
            "wider than its texts",
        ),
        (
            lambda c, a: c["fitted"].update(classes_={"objects": [], "shape": [10**9]}),
            "shape",
        ),
        (
            lambda c, a: a.update(
                {n: v[..., :1] for n, v in a.items() if n.endswith("weights.0")}
            ),
            "do not fit the network",
        ),
    ],
)
def test_changed_content_is_refused(path, change, word):
    changed(path, change)
    assert word in refused(path)


def step_of(schema_or_parts, kind=zipfile.ZIP_STORED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as archive:
        for name, part in schema_or_parts.items():
            archive.writestr(name, part)
    return np.frombuffer(made.getvalue(), np.uint8)


def parts_of(step):
    archive = zipfile.ZipFile(
        io.BytesIO(skops_parts.write_step(step, "step").tobytes())
    )
    return {name: archive.read(name) for name in archive.namelist()}


def test_steps_that_would_grow_or_run_are_refused():
    parts = parts_of(StandardScaler().fit(np.eye(3)))
    assert skops_parts.read_step(step_of(parts)).n_features_in_ == 3
    bomb = {**parts, "zeros.npy": bytes(2**22)}
    with pytest.raises(nodes.NodeError, match="compressed"):
        skops_parts.read_step(step_of(bomb, zipfile.ZIP_DEFLATED))
    name = next(name for name in parts if name.endswith(".npy"))
    lies = {**parts, name: parts[name].replace(b"(", b"(99999999999, ", 1)}
    with pytest.raises(nodes.NodeError, match="larger than its bytes"):
        skops_parts.read_step(step_of(lies))
    schema = json.loads(parts["schema.json"])
    runs = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"}
    schema["content"]["content"]["copy"] = {**runs, "content": "os.system"}
    runs = {**parts, "schema.json": json.dumps(schema)}
    with pytest.raises(Exception, match=r"os\.system") as caught:
        skops_parts.read_step(step_of(runs))
    assert "Untrusted" in type(caught.value).__name__


def test_a_step_with_code_is_refused_by_load_itself(path):
    parts = parts_of(StandardScaler().fit(np.eye(2)))
    parts["schema.json"] = parts["schema.json"].replace(b"StandardScaler", b"Popen")
    arrays = {"step": step_of(parts)}
    container.write_container(path, {"skops": "step"}, arrays)
    assert "content is wrong" in refused(path)
