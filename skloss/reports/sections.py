"""Sections of a report: what is known of a training as tables and sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skloss.reports import data_tables, reproduce
from skloss.reports.answer import Answer
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.pictures import Picture
from skloss.reports.score_intervals import Score
from skloss.reports.tables import Cell, Table

__all__ = ["Section", "described_rows", "known_tables", "reproduced", "scores_table"]

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


def known_tables(
    context: ReportContext, *makers: Callable[[ReportContext], Any]
) -> Section:
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


def scores_table(answer: Answer) -> Table | None:
    """Tabulate the scores of all classifiers; None if there are no scores."""
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


def described_rows(context: ReportContext) -> Section:
    """Describe the rows: classes, columns, hold-out and samplers."""
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
    known = known_tables(context, data_tables.classes, data_tables.columns)
    return Section(tables=known.tables, notes=(*notes, *known.notes))


def reproduced(context: ReportContext, command: str | None) -> Section:
    """Say how to train again: by the command or else by code, and the versions."""
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
