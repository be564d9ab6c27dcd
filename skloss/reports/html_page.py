"""Render a report context as one HTML page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import skloss
from skloss.diagnosis import NextStep
from skloss.diagnosis.html import environment
from skloss.reports import (
    candidate_table,
    configuration_tables,
    confusion_tables,
    data_tables,
    group_table,
    pictures,
)
from skloss.reports.answer import Answer
from skloss.reports.context import ReportContext
from skloss.reports.pictures import Picture
from skloss.reports.sections import (
    Section,
    described_rows,
    known_tables,
    reproduced,
    scores_table,
)

__all__ = ["frame", "render"]

_SECTIONS = {
    "answer": "Is the classifier better than the baselines?",
    "findings": "Diagnosis",
    "curves": "Training curves",
    "search": "Search",
    "groups": "Scores by group",
    "errors": "Errors on held-out rows",
    "rows": "Data",
    "configuration": "Configuration",
    "reproduce": "How to reproduce this result",
}


def render(
    context: ReportContext,
    answer: Answer,
    steps: Sequence[NextStep] = (),
    command: str | None = None,
) -> str:
    """Render the page.

    Parameters
    ----------
    context : ReportContext
        Everything that is known about the training.
    answer : Answer
        The verdict, the first section of the page.
    steps : sequence of NextStep, default=()
        What to do next.
    command : str, default=None
        Command line that made this report.

    Returns
    -------
    str
        One HTML page that loads no other file.
    """
    parts = {
        "curves": _curves(context),
        "search": _search(context),
        "groups": known_tables(context, group_table.group_scores),
        "errors": _errors(context),
        "rows": described_rows(context),
        "configuration": known_tables(
            context, configuration_tables.parameters, configuration_tables.layers
        ),
        "reproduce": reproduced(context, command),
    }
    hidden = [part for part in parts.values() if part.is_empty]
    shown = {id: part for id, part in parts.items() if not part.is_empty}
    script = _asset("report.js")
    template = environment("skloss.reports").get_template("report.html.j2")
    return template.render(
        name=context.name,
        titles=_SECTIONS,
        answer=answer,
        scores=scores_table(answer),
        steps=steps,
        diagnosis=context.diagnosis,
        parts=shown,
        missing=list(dict.fromkeys(note for part in hidden for note in part.notes)),
        style=_asset("report.css"),
        script=script,
        script_hash=_hash(script),
        version=skloss.__version__,
    )


def frame(page: str, title: str) -> str:
    """Put a page into an iframe, so that its style sheet does not affect a notebook."""
    template = environment("skloss.reports").get_template("frame.html.j2")
    return template.render(page=page, title=title)


@cache
def _asset(name: str) -> str:
    return files("skloss.reports").joinpath("templates", name).read_text("utf-8")


def _hash(script: str) -> str:
    """Hash of the page's script; a browser is allowed to run no other script."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _drawn(
    drawn: tuple[list[Picture], list[str]], known: Section, *notes: str
) -> Section:
    shown, reasons = drawn
    # Two missing parts may have the same reason; the page states it once.
    everything = dict.fromkeys((*notes, *reasons, *known.notes))
    return Section(tuple(shown), known.tables, tuple(everything))


def _curves(context: ReportContext) -> Section:
    notes = []
    if context.record.n_epochs == 1:
        notes.append("One epoch gives a point, not a curve. Train for more epochs.")
    if context.record.history and not context.record.history.get("val_loss"):
        notes.append(
            "There is no validation curve, so overfitting cannot be seen. Set "
            "validation_fraction, or pass X_val and y_val to fit."
        )
    known = known_tables(context, data_tables.curves)
    return _drawn(pictures.curve_pictures(context), known, *notes)


def _search(context: ReportContext) -> Section:
    results, metric = context.cv_results, context.refit_metric
    if results is None:
        return Section()
    best = context.best_candidate
    known = known_tables(
        context, lambda _: candidate_table.candidates(results, metric, best)
    )
    return _drawn(pictures.search_pictures(context), known)


def _errors(context: ReportContext) -> Section:
    whose: tuple[str, ...] = ()
    if context.cv_results is not None:
        whose = (
            "This section describes the winner after it was refitted on all rows. The "
            "errors are on the validation rows that this last fit held out.",
        )
    elif context.folds is not None:
        whose = (
            "This section describes the fold with the median score. The errors are on "
            "the validation rows that its fit held out.",
        )
    known = known_tables(context, confusion_tables.confusions)
    return _drawn(pictures.score_pictures(context), known, *whose)
