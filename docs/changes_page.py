"""Write ``guide/changes.rst`` from ``CHANGES.md``.

The file is plain Markdown: headings, paragraphs, lists, code in backticks and links.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_UNDERLINES = "=-~^"
_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)]+)\)")
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def setup(app: Any) -> dict[str, bool]:
    """Write the page before Sphinx looks for its sources."""
    app.connect("config-inited", lambda app, _: _write(Path(app.srcdir)))
    return {"parallel_read_safe": True}


def _write(folder: Path) -> None:
    markdown = (folder.parent / "CHANGES.md").read_text()
    (folder / "guide" / "changes.rst").write_text("\n".join(_lines(markdown)) + "\n")


def _lines(markdown: str) -> Iterator[str]:
    for line in markdown.splitlines():
        level, _, title = line.partition(" ")
        if title and set(level) == {"#"}:
            title = _inline(title)
            yield from (title, _UNDERLINES[len(level) - 1] * len(title))
        else:
            yield _inline(line)


def _inline(text: str) -> str:
    """Turn code and links of Markdown into those of reStructuredText."""
    return _LINK.sub(r"`\1 <\2>`__", _CODE.sub(r"``\1``", text))
