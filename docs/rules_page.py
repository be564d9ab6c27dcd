"""Writes ``rules.rst`` from the classes of the rules."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

from skloss.diagnosis import RULES, Rule
from skloss.diagnosis.rule import FAMILIES

_HEAD = """\
Rules of the diagnosis
======================

Each rule reads one training and finds one thing wrong with it, or passes, or says why
it could not be assessed. ``skloss rules NAME`` prints the same text. This page is made
from the classes of the rules. Under "What to do", "…" stands for a value that the
finding names.
"""

_PLACE_OF_FIX = 2  # among the arguments of ``Rule.found``
_PART = re.compile(r"^(Reads|Hurts|Wrong when):", re.MULTILINE)


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
    said = inspect.cleandoc(type(rule).__doc__ or "")
    yield _PART.sub(r"\n**\1:**", said) + "\n"
    if fixes := list(dict.fromkeys(_fixes(type(rule)))):
        one, *others = fixes
        listed = "\n\n- " + "\n- ".join(fixes)
        yield f"**What to do:** {listed if others else one}\n"
    if thresholds := rule.thresholds():
        named = (f"``{name}`` = {value:g}" for name, value in thresholds.items())
        yield f"Thresholds: {', '.join(named)}.\n"
    if rule.explains:
        links = (f":ref:`{name} <rule-{name}>`" for name in rule.explains)
        yield f"Explains: {', '.join(links)}.\n"
    if rule.reference:
        yield f"Reference: {rule.reference}\n"


def _fixes(rule: type[Rule]) -> Iterator[str]:
    """Read the fixes of the findings from the source, which has them as literals."""
    owner = next(base for base in rule.__mro__ if "inspect" in vars(base))
    tree = ast.parse(dedent(inspect.getsource(owner)))
    for node in ast.walk(tree):
        if _calls(node) == "found" and len(node.args) > _PLACE_OF_FIX:
            yield from _texts(node.args[_PLACE_OF_FIX], tree, rule)


def _calls(node: ast.AST) -> str | None:
    """Return the name of the method that a node calls, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr
    return None


def _texts(node: ast.AST, tree: ast.AST, rule: type[Rule]) -> Iterator[str]:
    """Return the texts that an expression can have; what only a run knows is "…"."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _texts(node.body, tree, rule)
            yield from _texts(node.orelse, tree, rule)
        case ast.JoinedStr():
            yield "".join(_piece(part, rule) for part in node.values)
        case ast.Name():
            yield from _assigned(node.id, tree, rule)


def _piece(part: ast.AST, rule: type[Rule]) -> str:
    """Return a part of an f-string: its text, an attribute of the rule, or "…"."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = part.value if isinstance(part, ast.FormattedValue) else part
    known = (
        getattr(rule, value.attr, None) if isinstance(value, ast.Attribute) else None
    )
    return known if isinstance(known, str) else "…"


def _assigned(name: str, tree: ast.AST, rule: type[Rule]) -> Iterator[str]:
    """Return the texts given to a name in the class, or returned beside another one."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)]) if target == name:
                yield from _texts(node.value, tree, rule)
            case ast.Return(value=ast.Tuple(elts=[_, ast.Constant() as last])):
                yield from _texts(last, tree, rule)


def _underlined(title: str, character: str) -> str:
    return f"{title}\n{character * len(title)}\n"
