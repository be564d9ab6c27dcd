"""The text on a package index: README.md with links that work outside the repository.

All other metadata stands in pyproject.toml. An index shows no files of the repository,
so a relative link or picture would be broken there.
"""

import re
import tomllib
from pathlib import Path

# A link or a picture whose target is a path: no address, and no place on the page.
_RELATIVE = re.compile(r"(!?)\[([^\]]+)\]\((?![a-z]+:|#)([^)]+)\)")


def index_text(readme: str, source: str | None) -> str:
    """Make relative links absolute, or leave only their words without an address.

    Parameters
    ----------
    readme : str
        Text of README.md.
    source : str or None
        Address of the public repository, ``Source`` below ``[project.urls]``.
    """

    def replace(found: re.Match[str]) -> str:
        picture, words, path = found.groups()
        if source is None:
            return f"*{words}*" if picture else words
        kind = "raw" if picture else "blob"
        return f"{picture}[{words}]({source}/{kind}/HEAD/{path})"

    return _RELATIVE.sub(replace, readme)


if __name__ == "__main__":  # as setuptools runs it
    from setuptools import setup

    here = Path(__file__).parent
    project = tomllib.loads((here / "pyproject.toml").read_text())["project"]
    readme = (here / "README.md").read_text(encoding="utf-8")
    setup(
        long_description=index_text(readme, project.get("urls", {}).get("Source")),
        long_description_content_type="text/markdown",
    )
