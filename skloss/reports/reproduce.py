"""Instructions to reproduce a result: code or command, versions and random seed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import skloss
from skloss.record.plain_values import as_plain
from skloss.reports.configuration_tables import default_parameters
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.tables import Cell, Table

__all__ = ["code", "versions"]

_PACKAGES = (
    "numpy",
    "pandas",
    "scikit-learn",
    "imbalanced-learn",
    "tensorflow",
    "keras",
    "scikeras",
)
_MOST_CHARACTERS = 20_000


def versions(context: ReportContext) -> Table:
    """Tabulate the versions on the machine that writes the page, and the seed."""
    rows = [("Python", platform.python_version()), ("skloss", skloss.__version__)]
    for name in _PACKAGES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            continue
    rows.append(("system", f"{platform.system()} {platform.machine()}"))
    seed = context.record.configuration.get("seed")
    if seed is not None:
        rows.append(("random seed drawn from random_state", str(seed)))
    cells = tuple((Cell(name), Cell(value)) for name, value in rows)
    title = "Software versions of this report"
    return Table(title, ("name", "value"), cells, is_folded=True)


def code(context: ReportContext) -> str:
    """Write Python code that trains the estimator again.

    Raises
    ------
    NotKnown
        If the estimator is not known.
    """
    if context.asked is not None:
        call, found = _call(context.asked)
        imports = sorted({f"from {home} import {name}" for home, name in found})
    else:
        call, name = _call_of_record(context)
        imports = [f"from skloss import {name}"]
    lines = [*imports, "", f"model = {call}", "model.fit(X, y)"]
    return "\n".join(lines)


def _call(asked: Any) -> tuple[str, set[tuple[str, str]]]:
    """Write an unfitted estimator as code, and find the imports that it needs."""
    from sklearn import config_context
    from sklearn.base import BaseEstimator, clone

    try:
        plain = clone(asked)
    except (TypeError, RuntimeError) as err:
        raise NotKnown(f"The estimator cannot be written as code: {err}.") from err
    # The repr of some subclasses has no parameter for the length limit.
    with config_context(print_changed_only=True):
        text = BaseEstimator.__repr__(plain, N_CHAR_MAX=_MOST_CHARACTERS)
    parts = [plain, *plain.get_params(deep=True).values()]
    found = {
        (_home(type(part)), type(part).__name__)
        for part in parts
        if hasattr(part, "get_params") and not isinstance(part, type)
    }
    return text, found


def _home(kind: type) -> str:
    """Return the module to import a class from: its path before a private part."""
    names = kind.__module__.split(".")
    if names[0] == "skloss" and kind.__name__ in skloss.__all__:
        return "skloss"
    private = (i for i, name in enumerate(names) if name.startswith("_"))
    return ".".join(names[: next(private, len(names))])


def _call_of_record(context: ReportContext) -> tuple[str, str]:
    configuration = context.record.configuration
    name, given = configuration.get("estimator"), configuration.get("parameters")
    defaults = default_parameters(context)
    if not given or not defaults:
        raise NotKnown(
            "The code is not known. Pass the fitted estimator, or a training record of "
            "skloss, to skloss.report."
        )
    changed = [
        f"{key}={value!r}"
        for key, value in given.items()
        if key not in defaults or value != as_plain(defaults[key], other=repr)
    ]
    return f"{name}({', '.join(changed)})", str(name)
