"""Render a report context as one HTML page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

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
    reproduce,
)
from skloss.reports.answer import Answer
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.pictures import Picture
from skloss.reports.score_intervals import Score
from skloss.reports.tables import Cell, Table

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
_HOLDOUTS = {
    "pipeline": "The validation rows were held out before the first step of the "
    "pipeline, so no sampler has used them.",
    "internal": "The classifier held out the validation rows from the rows passed to "
    "fit.",
    "given": "The validation rows were passed to fit.",
    "tail": "The validation rows are the last of the rows passed to fit, not shuffled.",
    "none": "No rows were held out for validation.",
}


@dataclass(frozen=True)
class Section:
    """The contents of one section of the page; every part may be empty."""

    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    listings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show but reasons why."""
        return not (self.pictures or self.tables or self.listings)


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
        "groups": _known(context, group_table.group_scores),
        "errors": _errors(context),
        "rows": _rows(context),
        "configuration": _known(
            context, configuration_tables.parameters, configuration_tables.layers
        ),
        "reproduce": _reproduce(context, command),
    }
    hidden = [part for part in parts.values() if part.is_empty]
    shown = {id: part for id, part in parts.items() if not part.is_empty}
    script = _asset("report.js")
    template = environment("skloss.reports").get_template("report.html.j2")
    return template.render(
        name=context.name,
        titles=_SECTIONS,
        answer=answer,
        scores=_scores(answer),
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


def _known(context: ReportContext, *makers: Callable[[ReportContext], Any]) -> Section:
    """Collect the tables of the makers, and the reasons why tables are missing."""
    found: list[Table] = []
    notes: list[str] = []
    for make in makers:
        try:
            made = make(context)
        except NotKnown as unknown:
            notes += [str(unknown)] if str(unknown) else []
        else:
            found += made if isinstance(made, list) else [made]
    return Section(tables=tuple(found), notes=tuple(notes))


def _drawn(
    drawn: tuple[list[Picture], list[str]], known: Section, *notes: str
) -> Section:
    shown, reasons = drawn
    # Two missing parts may have the same reason; the page states it once.
    everything = dict.fromkeys((*notes, *reasons, *known.notes))
    return Section(tuple(shown), known.tables, tuple(everything))


def _scores(answer: Answer) -> Table | None:
    if answer.scores is None:
        return None
    lines = tuple(
        (
            Cell(who),
            *(Cell("not scored") if s is None else _score(s) for s in scores),
        )
        for who, scores in answer.scores.items()
    )
    columns = ("classifier", *answer.metrics)
    return Table("Scores on held-out rows", columns, lines, (), (0,))


def _score(score: Score) -> Cell:
    """Write a score; a narrow page breaks the line only before the interval."""
    text = repr(score).replace(" to ", "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}")
    return Cell(text, float(score.value))


def _curves(context: ReportContext) -> Section:
    notes = []
    if context.record.n_epochs == 1:
        notes.append("One epoch gives a point, not a curve. Train for more epochs.")
    if context.record.history and not context.record.history.get("val_loss"):
        notes.append(
            "There is no validation curve, so overfitting cannot be seen. Set "
            "validation_fraction, or pass X_val and y_val to fit."
        )
    known = _known(context, data_tables.curves)
    return _drawn(pictures.curve_pictures(context), known, *notes)


def _search(context: ReportContext) -> Section:
    results, metric = context.cv_results, context.refit_metric
    if results is None:
        return Section()
    best = context.best_candidate
    known = _known(context, lambda _: candidate_table.candidates(results, metric, best))
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
    known = _known(context, confusion_tables.confusions)
    return _drawn(pictures.score_pictures(context), known, *whose)


def _rows(context: ReportContext) -> Section:
    case, notes = context.case, []
    facts = case.rows
    if facts is not None and facts.n_columns is not None:
        constant = (
            f"; constant columns: {facts.n_constant:,}" if facts.n_constant else ""
        )
        notes.append(f"Number of columns: {facts.n_columns:,}{constant}.")
    notes.append(
        _HOLDOUTS.get(
            case.holdout or "", "The origin of the validation rows is not known."
        )
    )
    if case.is_resampled:
        samplers = ", ".join(case.samplers or ())
        by = f" ({samplers})" if samplers else ""
        notes.append(f"The training rows were resampled{by}.")
    known = _known(context, data_tables.classes, data_tables.columns)
    return Section(tables=known.tables, notes=(*notes, *known.notes))


def _reproduce(context: ReportContext, command: str | None) -> Section:
    notes, listings = [], []
    if command is not None:
        listings.append(command)
    else:
        try:
            listings.append(reproduce.code(context))
        except NotKnown as unknown:
            notes.append(str(unknown))
    table = reproduce.versions(context)
    return Section(tables=(table,), notes=tuple(notes), listings=tuple(listings))
