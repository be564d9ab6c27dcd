"""Render a report context as a model card in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import skloss
from skloss.diagnosis import NextStep
from skloss.diagnosis.html import environment
from skloss.reports import (
    configuration_tables,
    confusion_tables,
    data_tables,
    group_table,
)
from skloss.reports.answer import NETWORK, Answer
from skloss.reports.context import ReportContext
from skloss.reports.markdown import Markdown, code_block, code_span, escaped, table_text
from skloss.reports.sections import (
    described_rows,
    known_tables,
    reproduced,
    scores_table,
)
from skloss.reports.tables import Table

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render_card"]

_MOST_EPOCHS = 10
# What a library's models are loaded by: title and code.
_LOADING = {
    "skloss": (
        (
            "A file of skloss.save, which runs no code when it is loaded:",
            'import skloss\n\nmodel = skloss.load("model.safetensors")',
        ),
        (
            "A file of joblib.dump, which can run code, so load only what you trust:",
            'import joblib\n\nmodel = joblib.load("model.joblib")',
        ),
    ),
    "keras": (
        (
            "A file of model.save:",
            'import keras\n\nmodel = keras.saving.load_model("model.keras")',
        ),
    ),
}
_LOADING["sklearn"] = _LOADING["scikeras"] = _LOADING["skloss"][1:]
# Names of the metrics on the Hugging Face Hub.
_HUB_METRICS = {
    "MCC": "matthews_correlation",
    "F1": "f1",
    "precision": "precision",
    "recall": "recall",
    "accuracy": "accuracy",
    "ROC AUC": "roc_auc",
}
_TASKS = {
    "binary": ("classification", "binary-classification"),
    "multiclass": ("classification", "multiclass-classification"),
    "multilabel": ("classification", "multilabel-classification"),
    "regression": ("regression",),
}


def render_card(
    context: ReportContext,
    answer: Answer,
    steps: Sequence[NextStep] = (),
    command: str | None = None,
) -> str:
    """Render the model card: the facts of the page, without its pictures.

    Parameters
    ----------
    context : ReportContext
        Everything that is known about the training.
    answer : Answer
        The verdict.
    steps : sequence of NextStep, default=()
        What to do next.
    command : str, default=None
        Command line that made this report.

    Returns
    -------
    str
        Markdown with a head in YAML, as Hugging Face reads it.
    """
    library = _library(context)
    data = described_rows(context)
    metrics = known_tables(
        context, confusion_tables.confusions, group_table.group_scores
    )
    curves = known_tables(context, lambda of: data_tables.curves(of, _MOST_EPOCHS))
    model = known_tables(
        context, configuration_tables.parameters, configuration_tables.layers
    )
    again = reproduced(context, command)
    scores = scores_table(answer)
    return (
        _environment()
        .get_template("card.md.j2")
        .render(
            name=context.name,
            library=library,
            tags=[*filter(None, [library]), *_TASKS.get(context.case.task or "", ())],
            hub_metrics=[_HUB_METRICS[m] for m in answer.metrics if m in _HUB_METRICS],
            answer=answer,
            scores=scores,
            steps=steps,
            diagnosis=context.diagnosis,
            model=[table for table in model.tables if _is_told(table)],
            data=data,
            data_tables=[table for table in data.tables if not table.is_folded],
            metrics=[table for table in metrics.tables if not table.is_folded],
            curves=curves.tables,
            limits=_limits(context, answer),
            missing=list(
                dict.fromkeys(
                    (*model.notes, *metrics.notes, *curves.notes, *again.notes)
                )
            ),
            loading=_LOADING.get(library or "", ()),
            again=again,
            language="console" if command is not None else "python",
            version=skloss.__version__,
        )
    )


@cache
def _environment() -> Environment:
    """Return the environment of the page, which escapes for Markdown in its place."""
    made = environment("skloss.reports").overlay(autoescape=False, finalize=escaped)
    made.filters = made.filters | {
        "code": code_block,
        "span": code_span,
        "part": _part,
        "table": table_text,
    }
    return made


def _part(table: Table) -> Markdown:
    """Write a table under its title, with its notes."""
    return Markdown(
        "\n\n".join(
            [
                f"### {escaped(table.title)}",
                table_text(table),
                *map(escaped, table.notes),
            ]
        )
    )


def _is_told(table: Table) -> bool:
    """Whether a table tells of this model; default parameters do not."""
    return table.title != "Default parameters"


def _limits(context: ReportContext, answer: Answer) -> list[str]:
    """Say what the scores do not hold for."""
    limits = list(answer.caveats)
    if context.pooled is not None:
        limits.append(context.pooled.limits(NETWORK))
    limits += [f.title for f in context.diagnosis.findings if f.is_alarm]
    return list(dict.fromkeys(filter(None, limits)))


def _library(context: ReportContext) -> str | None:
    """Name of the library that loads the model; None if it is not known."""
    if context.record.configuration.get("estimator") in skloss.__all__:
        return "skloss"
    origin = context.case.origin
    return origin if origin in _LOADING else None
