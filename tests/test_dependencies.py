"""The lower bounds of the dependencies, and the set of them that is tried."""

import re
import tomllib
from pathlib import Path

import pytest
import sklearn
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from skloss import DenseClassifier, Pipeline

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
# For a browser and for the layers of the package, which no version changes.
NOT_TRIED = {"playwright", "import-linter"}


def lower_bounds(requirements):
    """Read the bounds by name; a requirement without one, or with two, is an error."""
    bounds = {}
    for requirement in map(Requirement, requirements):
        (bound,) = requirement.specifier
        bounds[requirement.name] = Version(bound.version)
    return bounds


def pins():
    """Read what the oldest set pins to one version."""
    lines = (ROOT / ".ci" / "oldest.txt").read_text().splitlines()
    found = [re.fullmatch(r"([\w-]+)==(\S+)", line) for line in lines]
    return {match[1]: Version(match[2]) for match in found if match}


def test_the_oldest_set_pins_every_lower_bound():
    asked = PROJECT["dependencies"] + EXTRAS["parquet"] + EXTRAS["test"]
    bounds = lower_bounds(asked)
    expected = {n: bound for n, bound in bounds.items() if n not in NOT_TRIED}
    pinned = pins()
    assert {name: pinned.get(name) for name in expected} == expected


def test_a_package_has_the_same_bound_wherever_it_is_asked_for():
    bounds = lower_bounds(PROJECT["dependencies"])
    for name in ("parquet", "test", "benchmark"):
        extra = lower_bounds(EXTRAS[name])
        for package in bounds.keys() & extra.keys():
            assert bounds[package] == extra[package]
        bounds |= extra


def test_the_versions_of_python_that_are_named_may_be_used():
    prefix = "Programming Language :: Python :: 3."
    minors = [
        int(line.removeprefix(prefix))
        for line in PROJECT["classifiers"]
        if line.startswith(prefix)
    ]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert minors == [11, 12, 13]
    assert next(n for n in range(20) if allowed.contains(f"3.{n}")) == min(minors)


@pytest.mark.skipif(
    Version(sklearn.__version__) >= Version("1.9"),
    reason="scikit-learn 1.9 and newer have callbacks: tests/test_callbacks.py",
)
@pytest.mark.parametrize("estimator", [DenseClassifier(), Pipeline([("a", None)])])
def test_before_scikit_learn_1_9_callbacks_are_not_offered(estimator):
    assert not hasattr(estimator, "set_callbacks")
    if isinstance(estimator, DenseClassifier):
        with pytest.raises(AttributeError, match=r"needs scikit-learn 1\.9 or newer"):
            estimator.set_callbacks()
