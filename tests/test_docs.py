"""The pages of the documentation name what there is, and nothing else."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import skloss

DOCS = Path(__file__).parents[1] / "docs"


def listed():
    """Return the names on the API page, by module."""
    names, module = {}, "skloss"
    for line in (DOCS / "api.rst").read_text().splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif found := re.fullmatch(r"    ([A-Za-z]\w*(?:\.\w+)*)", line):
            home, _, name = f"{module}.{found[1]}".rpartition(".")
            names.setdefault(home, set()).add(name)
    return names


def test_everything_that_can_be_imported_from_skloss_is_on_the_api_page():
    modules = {name for name in skloss.__all__ if import_or_none(name)}
    public = set(skloss.__all__) - modules - {"__version__"}
    assert listed()["skloss"] == public


def test_the_api_page_names_only_what_there_is():
    for module, names in listed().items():
        missing = {name for name in names if not hasattr(import_module(module), name)}
        assert not missing, f"{module} has none of {missing}"


def import_or_none(name):
    try:
        return import_module(f"skloss.{name}")
    except ModuleNotFoundError:
        return None


@pytest.mark.parametrize("module", ["datasets", "displays", "exceptions", "metrics"])
def test_everything_public_of_a_module_is_on_the_api_page(module):
    public = set(import_module(f"skloss.{module}").__all__)
    assert listed()[f"skloss.{module}"] == public
