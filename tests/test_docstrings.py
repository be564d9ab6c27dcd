"""Cross-references of docstrings name things that are there."""

import importlib
import inspect
import pkgutil
import re
from types import ModuleType

import pytest

import skloss

MODULES = ["skloss"] + [
    module.name
    for module in pkgutil.walk_packages(skloss.__path__, "skloss.")
    if not module.name.endswith("__main__")
]
SEE_ALSO = re.compile(r"^See Also\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", re.M | re.S)
ROLE = re.compile(
    r":(?:py:)?(?:class|meth|func|mod|attr|obj|exc|data):`[~!.]?([^`<]+?)(?:\(\))?`"
)
TITLED = re.compile(
    r":(?:class|meth|func|mod|attr|obj|exc|data):`[^`]*<[~!]?([^`>]+)>`"
)
DOTTED = re.compile(r"`(skloss(?:\.\w+)+)(?:\(\))?`")


def references(doc):
    """Names that a docstring points to."""
    found = ROLE.findall(doc) + TITLED.findall(doc) + DOTTED.findall(doc)
    for section in SEE_ALSO.findall(doc):
        entries = [line for line in section.splitlines() if line and line[0] != " "]
        for entry in entries:
            found += [name.strip() for name in entry.split(" : ")[0].split(",")]
    return found


def documented(module: ModuleType):
    """Docstrings of a module, and of classes, methods and functions made in it."""
    yield module.__name__, None, inspect.getdoc(module) or ""
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        where = f"{module.__name__}.{name}"
        if inspect.isfunction(thing):
            yield where, None, inspect.getdoc(thing) or ""
        if inspect.isclass(thing):
            yield where, thing, inspect.cleandoc(vars(thing).get("__doc__") or "")
            for method, function in vars(thing).items():
                doc = getattr(function, "__doc__", None)
                if isinstance(doc, str) and method != "__doc__":
                    yield f"{where}.{method}", thing, inspect.cleandoc(doc)


def is_there(name: str, scopes: list[object]) -> bool:
    """Tell whether a name is found in a scope, or is a full one."""
    first, *rest = name.split(".")
    starts = [getattr(scope, first) for scope in scopes if hasattr(scope, first)]
    if any(has_path(start, rest) for start in starts):
        return True
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        return has_path(module, parts[end:])
    return False


def has_path(thing: object, path: list[str]) -> bool:
    for name in path:
        if not hasattr(thing, name):
            return False
        thing = getattr(thing, name)
    return True


@pytest.mark.parametrize("name", MODULES)
def test_cross_references_lead_somewhere(name):
    module = importlib.import_module(name)
    parts = name.split(".")
    # The API pages stand in a package's own namespace.
    around = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    packages = [importlib.import_module(package) for package in around]
    lost = [
        f"{where}: {reference}"
        for where, owner, doc in documented(module)
        for reference in references(doc)
        if not is_there(reference, [owner, *packages] if owner else packages)
    ]
    assert not lost


def test_references_of_all_kinds_are_seen():
    doc = inspect.cleandoc(
        """See :class:`~skloss.Pipeline`, :meth:`fit()` and ``skloss.gone.away``.

        See Also
        --------
        Other, skloss.report : Both.
            More about :func:`the page <skloss.reports.report>`.

        Examples
        --------
        >>> 1
        """
    )
    assert sorted(references(doc)) == [
        "Other",
        "fit",
        "skloss.Pipeline",
        "skloss.gone.away",
        "skloss.report",
        "skloss.reports.report",
    ]
    assert is_there("skloss.reports.report", [])
    assert is_there("sklearn.utils.Bunch", [])
    assert not is_there("skloss.gone.away", [])
