"""Render a report context as the text of one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import skloss
from skloss.diagnosis.html import environment
from skloss.reports import (
    candidate_table,
    configuration_tables,
    confusion_tables,
    data_tables,
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
    "answer": "Is it any good?",
    "findings": "What the diagnosis found",
    "curves": "Curves",
    "search": "Search",
    "errors": "Errors on rows held out",
    "rows": "Rows",
    "configuration": "Configuration",
    "reproduce": "How to reproduce it",
}
_HOLDOUTS = {
    "pipeline": "Validation rows were taken out before any step of the pipeline, so "
    "that no sampler has seen them.",
    "internal": "Validation rows were split off by the classifier from the rows that "
    "it was given.",
    "given": "Validation rows were given to fit.",
    "tail": "Validation rows are the last ones of the rows given, unshuffled.",
    "none": "No rows were held out.",
}


@dataclass(frozen=True)
class Section:
    """A part of the page; everything in it may be absent."""

    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    listings: tuple[str, ...] = ()


def render(context: ReportContext, answer: Answer, command: str | None = None) -> str:
    """Write the page.

    Parameters
    ----------
    context : ReportContext
        What is known.
    answer : Answer
        What the page says first.
    command : str, default=None
        What was typed to get here.

    Returns
    -------
    str
        One HTML file that loads nothing.
    """
    has_search = context.cv_results is not None
    script = _asset("report.js")
    template = environment("skloss.reports").get_template("report.html.j2")
    return template.render(
        name=context.name,
        sections={k: v for k, v in _SECTIONS.items() if k != "search" or has_search},
        answer=answer,
        scores=_scores(answer),
        diagnosis=context.diagnosis,
        curves=_curves(context),
        search=_search(context) if has_search else None,
        errors=_errors(context),
        rows=_rows(context),
        configuration=_known(
            context, configuration_tables.parameters, configuration_tables.layers
        ),
        reproduce=_reproduce(context, command),
        style=_asset("report.css"),
        script=script,
        script_hash=_hash(script),
        version=skloss.__version__,
    )


def frame(page: str, title: str) -> str:
    """Put a page into a frame, so that its style does not reach a notebook's."""
    template = environment("skloss.reports").get_template("frame.html.j2")
    return template.render(page=page, title=title)


@cache
def _asset(name: str) -> str:
    return files("skloss.reports").joinpath("templates", name).read_text("utf-8")


def _hash(script: str) -> str:
    """Name of the only script that a browser may run in the page."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _known(context: ReportContext, *makers: Callable[[ReportContext], Any]) -> Section:
    """Collect what the makers give, and why the others give nothing."""
    found: list[Table] = []
    notes: list[str] = []
    for make in makers:
        try:
            made = make(context)
        except NotKnown as unknown:
            notes.append(str(unknown))
        else:
            found += made if isinstance(made, list) else [made]
    return Section(tables=tuple(found), notes=tuple(notes))


def _drawn(
    drawn: tuple[list[Picture], list[str]], known: Section, *notes: str
) -> Section:
    shown, reasons = drawn
    # One reason for two things that are missing is said once.
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
    return Table("Scores on rows not trained on", columns, lines, (), (0,))


def _score(score: Score) -> Cell:
    """Write a score that breaks between value and interval, where there is no room."""
    text = repr(score).replace(" to ", "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}")
    return Cell(text, float(score.value))


def _curves(context: ReportContext) -> Section:
    notes = []
    if context.record.n_epochs == 1:
        notes.append("One epoch is a point, not a curve; train for more epochs.")
    if context.record.history and not context.record.history.get("val_loss"):
        notes.append(
            "There is no validation curve, so that over-fitting cannot be seen; hold "
            "rows out by validation_fraction, or pass X_val and y_val to fit."
        )
    known = _known(context, data_tables.curves)
    return _drawn(pictures.curve_pictures(context), known, *notes)


def _search(context: ReportContext) -> Section:
    results, metric = context.cv_results, context.refit_metric
    assert results is not None  # noqa: S101 - for the type checker
    best = context.best_candidate
    known = _known(context, lambda _: candidate_table.candidates(results, metric, best))
    return _drawn(pictures.search_pictures(context), known)


def _errors(context: ReportContext) -> Section:
    whose: tuple[str, ...] = ()
    if context.cv_results is not None:
        whose = ("Of the winner, fitted again, on the rows held out of that fit.",)
    elif context.folds is not None:
        whose = ("Of the fold with the median score, on rows held out of its fit.",)
    known = _known(context, confusion_tables.confusions)
    return _drawn(pictures.score_pictures(context), known, *whose)


def _rows(context: ReportContext) -> Section:
    case, notes = context.case, []
    facts = case.rows
    if facts is not None and facts.n_columns is not None:
        constant = f", {facts.n_constant} of them constant" if facts.n_constant else ""
        notes.append(f"{facts.n_columns:,} columns{constant}.")
    notes.append(
        _HOLDOUTS.get(
            case.holdout or "", "It is not known where validation rows came from."
        )
    )
    if case.is_resampled:
        notes.append("The rows trained on were made by a sampler.")
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
