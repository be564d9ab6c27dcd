"""Write ``rules.rst`` from the classes of the rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skloss.diagnosis import RULES, Rule
from skloss.diagnosis.rule import FAMILIES

_HEAD = """\
Rules of the diagnosis
======================

Each rule looks for one fault in a training. It finds the fault, or it passes, or it
says why it cannot be assessed. ``skloss rules NAME`` prints the same text. This page is
made from the classes of the rules.
"""


def setup(app: Any) -> dict[str, bool]:
    """Write the page before Sphinx looks for its sources."""
    app.connect("config-inited", lambda app, _: _write(Path(app.srcdir)))
    return {"parallel_read_safe": True}


def _write(folder: Path) -> None:
    (folder / "rules.rst").write_text("\n".join([_HEAD, *_families()]))


def _families() -> Iterator[str]:
    for letter, family in FAMILIES.items():
        rules = [rule for rule in RULES.values() if rule.code[0] == letter]
        yield f"{_underlined(family, '-')}"
        for rule in sorted(rules, key=lambda rule: rule.code):
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield f".. _rule-{rule.name}:\n"
    yield _underlined(f"{rule.code} {rule.name}", "~")
    yield f"*{rule.severity}*\n"
    yield rule.claim() + "\n"
    for heading, section in rule.sections().items():
        yield f"**{heading}:** {section}\n"
    if thresholds := rule.thresholds():
        named = (f"``{name}`` = {value:g}" for name, value in thresholds.items())
        yield f"Thresholds: {', '.join(named)}.\n"
    if rule.explains:
        links = (f":ref:`{name} <rule-{name}>`" for name in rule.explains)
        yield f"Explains: {', '.join(links)}.\n"
    if rule.reference:
        yield f"Reference: {rule.reference}\n"


def _underlined(title: str, character: str) -> str:
    return f"{title}\n{character * len(title)}\n"
