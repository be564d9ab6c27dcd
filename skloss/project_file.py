"""Settings of the command line in the ``pyproject.toml`` of a project."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skloss.exceptions import DiagnosisError
from skloss.nearest_name import did_you_mean

__all__ = ["ignored_in_project"]

_SETTINGS = ("ignore",)


def ignored_in_project(folder: Path) -> tuple[str, ...]:
    """Return ``ignore`` of ``[tool.skloss]``: rules that the command line leaves out.

    Parameters
    ----------
    folder : Path
        Where ``pyproject.toml`` is looked for; not in the folders above.

    Raises
    ------
    DiagnosisError
        If the file is no TOML, or the section has something else in it.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        return ()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise DiagnosisError(f"cannot read {path}: {err}") from err
    section = _section(content)
    for name in section:
        if name not in _SETTINGS:
            hint = did_you_mean(name, _SETTINGS) or " It has 'ignore' only."
            raise DiagnosisError(f"[tool.skloss] of {path} has {name!r}.{hint}")
    names = section.get("ignore", [])
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise DiagnosisError(
            f"'ignore' in [tool.skloss] of {path} must be a list of codes or names of "
            f'rules, such as ["D11"], got {names!r}'
        )
    return tuple(names)


def _section(content: Mapping[str, Any]) -> Mapping[str, Any]:
    tools = content.get("tool", {})
    section = tools.get("skloss", {}) if isinstance(tools, Mapping) else {}
    return section if isinstance(section, Mapping) else {}
