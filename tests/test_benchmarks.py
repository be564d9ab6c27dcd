"""Scripts of the benchmarks: they start anywhere, and their results can be read."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
if not FOLDER.exists():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)

SOURCES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.py"))}
SCRIPTS = [name for name, text in SOURCES.items() if "__main__" in text]
# It imports Keras, which takes long.
SLOW = {"injected_faults"}
README = (FOLDER / "README.md").read_text()

# All scripts in one process, which imports scikit-learn once.
RUN_HELP = """
import contextlib, io, json, runpy, sys
from pathlib import Path

found = {}
for path in map(Path, sys.argv[1:]):
    sys.path.insert(0, str(path.parent))
    sys.argv = [str(path), "--help"]
    text, code = io.StringIO(), None
    with contextlib.redirect_stdout(text):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            code = end.code
    found[path.stem] = [code, text.getvalue(), "tensorflow" in sys.modules]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def helped(tmp_path_factory):
    paths = [str(FOLDER / f"{name}.py") for name in SCRIPTS if name not in SLOW]
    ran = subprocess.run(
        [sys.executable, "-B", "-c", RUN_HELP, *paths],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in SLOW])
def test_help_is_shown_anywhere_and_without_tensorflow(helped, name):
    code, text, has_tensorflow = helped[name]
    assert code == 0
    assert "usage:" in text
    assert not has_tensorflow


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_tried_quickly(name):
    options = {
        argument.value
        for call in ast.walk(ast.parse(SOURCES[name]))
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", "") == "add_argument"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }
    assert "--quick" in options


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_outside_of_the_repository_is_named(name):
    assert not re.search(r"\.\./|/home/|/root/|/work/", SOURCES[name])


@pytest.mark.parametrize("name", SOURCES)
def test_a_module_is_in_the_table(name):
    assert f"| `{name}.py` |" in README or f"| `{name}.py`, " in README


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_result_file_belongs_to_its_script(name):
    row = next(line for line in README.splitlines() if f"| `{name}.py` |" in line)
    assert f"python benchmarks/{name}.py" in row
    if "results/" in row:
        assert f"`results/{name}.json`" in row
        assert f'"{name}.json"' in SOURCES[name]


@pytest.mark.parametrize("path", sorted((FOLDER / "results").glob("*.json")), ids=str)
def test_a_result_names_its_host_and_has_a_script(path):
    assert path.stem in SCRIPTS
    assert {"processor", "skloss"} <= set(json.loads(path.read_text())["host"])
