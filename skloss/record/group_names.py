"""The name of a column of groups, and how sentences call what it keeps together."""

from __future__ import annotations

__all__ = ["group_name", "group_titles", "groups_text"]


def group_name(groups: object) -> str | None:
    """Return the name of a Series of groups; None if it has none.

    Examples
    --------
    >>> import pandas as pd
    >>> group_name(pd.Series([1, 1, 2], name="patient"))
    'patient'
    >>> group_name([1, 1, 2]), group_name(pd.Series([1, 1, 2]))
    (None, None)
    """
    name = getattr(groups, "name", None)
    return None if name is None or name == "" else str(name)


def groups_text(name: str | None) -> str:
    """Return what groups are called in a sentence.

    Examples
    --------
    >>> groups_text("patient"), groups_text(None)
    ("values of 'patient'", 'groups')
    """
    return "groups" if name is None else f"values of {name!r}"


def group_titles(name: str | None) -> tuple[str, str]:
    """Return the titles of the parts of a gap: of new groups, and of new rows of known.

    Examples
    --------
    >>> group_titles(None)
    ('groups never seen', 'new rows of known groups')
    >>> group_titles("patient")[0]
    "values of 'patient' never seen"
    """
    called = groups_text(name)
    return f"{called} never seen", f"new rows of known {called}"
