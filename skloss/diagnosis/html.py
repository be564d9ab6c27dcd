"""A diagnosis as a fragment of HTML for a notebook, without scripts and colors.

Titles, evidence and fixes may hold names of columns and classes, so that every text is
escaped. Borders have the color of the text, which is right on any background.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from skloss.diagnosis.finding import Finding, Measure
from skloss.diagnosis.text import by_reason, headline, params_text, value_text

if TYPE_CHECKING:
    from skloss.diagnosis.diagnosis import Diagnosis

__all__ = ["fragment"]

_STYLE = """\
<style>
.skloss-diagnosis details { margin: 0.4em 0; padding-left: 0.6em; }
.skloss-diagnosis .error { border-left: 4px solid currentColor; }
.skloss-diagnosis .warning { border-left: 4px double currentColor; }
.skloss-diagnosis .info { border-left: 1px solid currentColor; }
.skloss-diagnosis th, .skloss-diagnosis td { text-align: left; padding-right: 1em; }
</style>"""


def fragment(diagnosis: Diagnosis) -> str:
    """Write a diagnosis as HTML.

    Parameters
    ----------
    diagnosis : Diagnosis
        What to write.

    Returns
    -------
    str
        One ``<div>``.
    """
    parts = [_STYLE, f"<p><strong>{escape(headline(diagnosis))}</strong></p>"]
    parts += [_finding(f, is_open=f.is_alarm) for f in diagnosis.findings]
    parts += [f"<p>Note: {escape(note)}</p>" for note in diagnosis.notes]
    if diagnosis.passed:
        title = f"Passed ({len(diagnosis.passed)})"
        parts.append(_folded(title, [f"<p>{escape(', '.join(diagnosis.passed))}</p>"]))
    if diagnosis.not_assessed:
        title = f"Not assessed ({len(diagnosis.not_assessed)})"
        parts.append(_folded(title, [_reasons(diagnosis.not_assessed)]))
    return '<div class="skloss-diagnosis">\n' + "\n".join(parts) + "\n</div>"


def _finding(finding: Finding, is_open: bool = False) -> str:
    head = (
        f"<strong>{escape(finding.severity)}</strong> "
        f"{escape(finding.name)} ({escape(finding.code)}): {escape(finding.title)}"
    )
    body = [_table(finding.evidence), _fix(finding)]
    if finding.explains:
        body += ["<p>Explains:</p>", *map(_finding, finding.explains)]
    if finding.reference:
        body.append(f"<p><small>Reference: {escape(finding.reference)}</small></p>")
    return _folded(head, body, finding.severity, is_open)


def _folded(
    head: str, body: Iterable[str], severity: str = "", is_open: bool = False
) -> str:
    """Join pieces of HTML, not of text, into ``<details>``."""
    mark = f' class="{escape(severity)}"' if severity else ""
    mark += " open" if is_open else ""
    content = "\n".join(piece for piece in body if piece)
    return f"<details{mark}><summary>{head}</summary>\n{content}\n</details>"


def _table(evidence: Mapping[str, Measure]) -> str:
    rows = [
        f'<tr><th scope="row">{escape(name)}</th>'
        f"<td>{escape(f'{value_text(measure.value)} {measure.unit}'.strip())}</td></tr>"
        for name, measure in evidence.items()
    ]
    return "<table>" + "\n".join(rows) + "</table>" if rows else ""


def _fix(finding: Finding) -> str:
    if not finding.fix:
        return ""
    params = params_text(finding.params)
    call = f" <code>{escape(params)}</code>" if params else ""
    return f"<p>Fix: {escape(finding.fix)}{call}</p>"


def _reasons(not_assessed: Mapping[str, str]) -> str:
    items = [
        f"<li>{escape(reason)}: {escape(', '.join(names))}</li>"
        for reason, names in by_reason(not_assessed).items()
    ]
    return "<ul>" + "\n".join(items) + "</ul>"
