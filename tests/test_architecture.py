"""The floors of the house, and what is loaded when."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import skloss

ROOT = Path(__file__).parents[1]


def modules_after(code: str) -> set[str]:
    """Top-level modules of a fresh interpreter after some code."""
    script = f"import sys\n{code}\nprint(*{{m.split('.')[0] for m in sys.modules}})"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_arrows_only_point_down():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout


def test_import_skloss_loads_nothing_heavy():
    loaded = modules_after("import skloss")
    assert not loaded & {"tensorflow", "keras", "sklearn", "matplotlib", "pandas"}


def test_what_does_not_train_loads_no_tensorflow():
    parts = [
        "from skloss import DenseClassifier, CNN1DClassifier, Pipeline",
        "import skloss.displays, skloss.record, skloss.metrics, skloss.holdout",
        "from skloss.datasets import make_rare_events; make_rare_events(100)",
        "import skloss.cli",
        "import skloss; skloss.report({'loss': [0.7, 0.5], 'val_loss': [0.7, 0.6]})",
    ]
    heavy = "[m for m in ('tensorflow', 'keras') if m in sys.modules]"
    code = "\n".join(f"{part}\nassert not {heavy}, {part!r}" for part in parts)
    assert not modules_after(code) & {"tensorflow", "keras"}


def test_a_fitted_dense_classifier_predicts_without_tensorflow(tmp_path):
    import pickle

    from skloss.datasets import make_rare_events

    X, y = make_rare_events(300, random_state=0)
    fitted = skloss.DenseClassifier(epochs=1, random_state=0).fit(X, y)
    path = tmp_path / "fitted.pkl"
    path.write_bytes(pickle.dumps((fitted, X)))
    code = (
        f"import pickle; fitted, X = pickle.load(open({str(path)!r}, 'rb'))\n"
        "fitted.predict_proba(X)"
    )
    assert "tensorflow" not in modules_after(code)


@pytest.mark.parametrize("name", skloss.__all__)
def test_every_public_name_is_there(name):
    assert getattr(skloss, name) is not None


def test_the_stub_of_the_front_door_names_what_is_there():
    stub = ast.parse(Path(skloss.__file__).with_suffix(".pyi").read_text())
    imported = {
        alias.name: node.module
        for node in ast.walk(stub)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(imported) | {"__version__"} == set(skloss.__all__)
    for name, module in imported.items():
        assert getattr(import_module(module), name) is getattr(skloss, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        skloss.nothing  # noqa: B018
