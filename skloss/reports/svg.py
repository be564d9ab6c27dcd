"""Convert matplotlib figures to SVG with the ids, colors and size of a page."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"
# The style sheet replaces these colors on a dark background.
_PALETTE = (
    "0072b2",
    "009e73",
    "e69f00",
    "cc79a7",
    "56b4e9",
    "d55e00",
    "555555",
    "999999",
)
_COLOR = re.compile(r"#[0-9a-f]{6}\b", re.IGNORECASE)
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_SIZE = (6.0, 4.0)  # inches
_BROAD = 600  # points of width from which a figure takes a whole row of the page
# A figure with more text than this, of thousands of points, becomes a PNG image.
_MOST_CHARACTERS = 200_000
_DOTS_PER_INCH = 130
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, and read aloud
    "svg.hashsalt": "skloss",
    "font.family": "sans-serif",
    "path.simplify": True,
}


def draw(
    name: str, plot: Callable[[Any], Any], size: tuple[float, float] = _SIZE
) -> str:
    """Draw a figure and return it as one ``<svg>`` element.

    The matplotlib style of the user is neither used nor changed, and no figure is left
    open.

    Parameters
    ----------
    name : str
        Prefix of all ids, so that the ids of two figures in one page differ.
    plot : callable
        Function that draws into the figure that it is passed, or that returns a display
        with another figure.
    size : tuple of float, default=(6.0, 4.0)
        Size in inches.

    Returns
    -------
    str
        SVG without a fixed size, script, style sheet or link. Black becomes the text
        color of the page, and the colors of the displays become variables of its style
        sheet. A figure with a heat map or with very many points keeps its colors.
    """
    try:
        svg, is_fixed = _saved(plot, size, {})
    except ValueError:  # a name with dollar signs is not a valid formula
        svg, is_fixed = _saved(plot, size, {"text.parse_math": False})
    root = ElementTree.fromstring(svg)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    width = float(root.get("viewBox", "0 0 0 0").split()[2])
    kind = "paper" if is_fixed else "ink"
    root.set("class", f"{kind} broad" if width > _BROAD else kind)
    root.set("aria-hidden", "true")  # the element around it has the description
    _drop(root, f"{{{_SVG}}}metadata")
    _drop(root, f"{{{_SVG}}}style")
    for element in root.iter():
        _rename(element, name)
        if not is_fixed and "style" in element.attrib:
            element.set("style", _COLOR.sub(_variable, element.attrib["style"]))
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ElementTree.tostring(root, encoding="unicode")


def _saved(
    plot: Callable[[Any], Any], size: tuple[float, float], style: dict[str, Any]
) -> tuple[str, bool]:
    from matplotlib.figure import Figure

    # Values that the scale cannot show are left out without a warning.
    with _own_style(style), np.errstate(all="ignore"):
        given = Figure(figsize=size, layout="constrained")
        figure = getattr(plot(given), "figure_", given)
        try:
            stream = io.StringIO()
            figure.savefig(
                stream, format="svg", transparent=True, metadata={"Date": None}
            )
            text, is_fixed = stream.getvalue(), _has_heat_map(figure)
            if len(text) > _MOST_CHARACTERS:
                text, is_fixed = _dotted(figure), True
        finally:
            _forget(figure)
    return text, is_fixed


def _dotted(figure: Figure) -> str:
    """Return an SVG that contains the figure as a PNG image."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH)
    width, height = (f"{72 * inches:g}" for inches in figure.get_size_inches())
    root = ElementTree.Element(f"{{{_SVG}}}svg", viewBox=f"0 0 {width} {height}")
    data = base64.b64encode(stream.getvalue()).decode()
    link = {_HREF: f"data:image/png;base64,{data}"}
    ElementTree.SubElement(
        root, f"{{{_SVG}}}image", {"width": width, "height": height} | link
    )
    return ElementTree.tostring(root, encoding="unicode")


@contextmanager
def _own_style(style: dict[str, Any]) -> Iterator[None]:
    from matplotlib import rc_context, rcParamsDefault

    backend = ("backend", "backend_fallback", "interactive", "toolbar", "webagg")
    plain: dict[Any, Any] = {
        name: value
        for name, value in rcParamsDefault.items()
        if not name.startswith(backend)
    }
    with rc_context(plain | _STYLE | style):
        yield


def _forget(figure: Figure) -> None:
    """Close a figure that a display created by pyplot."""
    import matplotlib.pyplot as plt

    plt.close(figure)


def _has_heat_map(figure: Figure) -> bool:
    from matplotlib.collections import QuadMesh

    return any(
        axes.images or any(isinstance(c, QuadMesh) for c in axes.collections)
        for axes in figure.axes
    )


def _drop(root: ElementTree.Element, tag: str) -> None:
    for parent in list(root.iter()):
        for child in parent.findall(tag):
            parent.remove(child)


def _rename(element: ElementTree.Element, name: str) -> None:
    """Put the name of the figure before all ids and before all references to ids."""
    for key, value in element.attrib.items():
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key == _HREF and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _variable(match: re.Match[str]) -> str:
    color = match[0].lower()
    if color == "#000000":
        return "currentColor"
    if color == "#ffffff":
        return "var(--page)"
    code = color.removeprefix("#")
    return f"var(--c{code}, {color})" if code in _PALETTE else color
