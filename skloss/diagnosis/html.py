"""HTML of a diagnosis for a notebook, without scripts and colors.

Titles, evidence and fixes can contain names of columns and classes. Therefore every
text is escaped. Borders have the color of the text, so that they show on every
background.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from skloss.diagnosis.text import by_reason, headline
from skloss.diagnosis.words import measure_text, params_text

if TYPE_CHECKING:
    from jinja2 import Environment

    from skloss.diagnosis.diagnosis import Diagnosis

__all__ = ["environment", "fragment"]


def fragment(diagnosis: Diagnosis) -> str:
    """Write a diagnosis as HTML.

    Parameters
    ----------
    diagnosis : Diagnosis
        What to write.

    Returns
    -------
    str
        A style sheet for one ``<div>``, and the ``<div>``.
    """
    template = environment().get_template("diagnosis.html.j2")
    return template.render(diagnosis=diagnosis)


@cache
def environment(*packages: str) -> Environment:
    """Return the Jinja environment with the templates of this package and of others.

    Parameters
    ----------
    *packages : str
        Names of packages with a folder ``templates``.

    Returns
    -------
    jinja2.Environment
        It escapes every value, and raises for a name that is not defined.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    homes = ("skloss.diagnosis", *packages)
    made = Environment(
        loader=ChoiceLoader([PackageLoader(home) for home in homes]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "by_reason": by_reason,
        "headline": headline,
        "measure": measure_text,
        "params": params_text,
    }
    return made
