"""The function ``report``, which makes a page and a card, and its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from skloss.diagnosis import Diagnosis, NextStep, next_steps
from skloss.reports.answer import Answer, answer
from skloss.reports.build_context import build_context
from skloss.reports.card import render_card
from skloss.reports.context import ReportContext
from skloss.reports.html_page import frame, render
from skloss.reports.pooled_folds import pooled_of_folds
from skloss.reports.report_steps import report_steps
from skloss.whole_files import write_whole

if TYPE_CHECKING:
    from skloss.model_selection import ErrorFloor

__all__ = ["Report", "page_of", "report"]

Format = Literal["html", "card"]
_ENDS_OF_CARDS = (".md", ".markdown")


@dataclass(frozen=True)
class Report:
    """A page about a training, as HTML and as a model card in Markdown.

    A notebook shows the page, and `save` writes the page or the card to a file.

    Parameters
    ----------
    html : str
        The page, which needs no other file.
    card : str
        The same facts as a model card: Markdown with a head in YAML.
    title : str
        Description of what was trained.
    answer : Answer
        The verdict: the network compared with the baselines.
    diagnosis : Diagnosis
        Findings of the diagnosis.
    next_steps : tuple of NextStep
        What to do next, from the findings and the scores.
    format : {"html", "card"} or None, default=None
        What `save` writes; None decides by the name of the file.
    """

    html: str = field(repr=False)
    card: str = field(repr=False)
    title: str
    answer: Answer
    diagnosis: Diagnosis
    next_steps: tuple[NextStep, ...] = ()
    format: Format | None = None

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page or the card to a file.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced. If no `format` was asked for,
            a name that ends with ``.md`` gives the card.

        Returns
        -------
        Path
            Path of the file.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        is_named = str(path).lower().endswith(_ENDS_OF_CARDS)
        is_card = self.format == "card" or (self.format is None and is_named)
        try:
            return write_whole(path, self.card if is_card else self.html)
        except OSError as err:
            raise type(err)(
                f"The report cannot be written to {path} ({err.strerror or err}). "
                "Give the path of a file in an existing, writable folder."
            ) from err

    def __repr__(self) -> str:
        return f"Report on {self.title}: {self.answer.headline}"

    def _repr_html_(self) -> str:
        return frame(self.html, f"Training report: {self.title}")


def report(
    source: Any,
    X: Any = None,
    y: Any = None,
    *,
    path: str | PathLike[str] | None = None,
    format: Format | None = None,
    history: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    groups: Any = None,
    fit_params: Mapping[str, Any] | None = None,
    run: int | None = None,
    ignore: Iterable[str] = (),
    error_floor: ErrorFloor | None = None,
    command: str | None = None,
) -> Report:
    """Make one self-contained HTML page, and a model card, about a training.

    The first section compares the network with a constant guess and with a logistic
    regression, by MCC and F1 on held-out rows, with intervals. The next sections show
    the findings of the diagnosis, the training curves, the candidates of a search, the
    errors, the data, the configuration, and how to reproduce the result. If a part is
    not known, the page says which argument to pass.

    Parameters
    ----------
    source : object
        Whatever :func:`skloss.diagnose` takes.
    X, y : array-like, default=None
        Rows and labels that were passed to ``fit``. Without them no logistic regression
        is fitted, and the rules that read rows are not assessed.
    path : str or path-like, default=None
        File to write the page to, or the card if the name ends with ``.md``. None
        writes no file.
    format : {"html", "card"} or None, default=None
        What is written: the page, or a model card in Markdown with a head in YAML, as
        Hugging Face and skops read it. None decides by the name of the file. The result
        always has both, as ``html`` and ``card``.
    history : object, default=None
        Training curves, if the source is a ``keras.Model``.
    X_val, y_val : array-like, default=None
        Validation rows and labels, if they were passed to ``fit``.
    groups : array-like of shape (n,), default=None
        Groups of the rows, if they were passed to ``fit``. They are needed to find the
        same folds and the same held-out rows again. The scores of a cross-validation
        that kept its estimators and indices then have intervals by groups.
    fit_params : dict, default=None
        Other arguments of ``keras.Model.fit``.
    run : int, default=None
        Which of several trainings in a log is read, from 1.
    ignore : iterable of str, default=()
        Codes or names of rules of the diagnosis that are not run.
    error_floor : ErrorFloor, default=None
        What :func:`skloss.error_floor` has estimated of these rows: a line in the
        picture of the losses, and evidence of the diagnosis.
    command : str, default=None
        Command line of the training. The page shows it instead of Python code.

    Returns
    -------
    Report
        The page. A notebook shows it, and ``save`` writes it to a file.

    Raises
    ------
    NotFittedError
        If an estimator is not fitted.
    RecordFormatError
        If the curves or the file cannot be read.
    DiagnosisError
        If the source is of a type that cannot be diagnosed.
    OSError
        If the file cannot be written.
    TypeError
        If a path is passed as ``X``.
    ValueError
        If the shapes of ``X`` and ``y`` do not match each other or the network, or if a
        classifier of skloss was not fitted on these rows, or if `format` is neither
        "html" nor "card".

    See Also
    --------
    skloss.diagnose : Only the findings, without a page.

    Examples
    --------
    >>> import skloss
    >>> page = skloss.report({"loss": [0.7, 0.4], "val_loss": [0.7, 0.5]})
    >>> page.answer.verdict
    'unknown'
    >>> page.html.startswith("<!DOCTYPE html>"), page.card.startswith("---")
    (True, True)
    """
    if format is not None and format not in get_args(Format):
        raise ValueError(
            f'format must be "html", "card" or None, got {format!r}: "card" is a model '
            "card in Markdown."
        )
    if isinstance(X, str | PathLike):
        raise TypeError(
            f"X must be the rows that were passed to fit, got the path {str(X)!r}: "
            "pass the file to write as path=..., after the rows: "
            "report(source, X, y, path=...)."
        )
    context = build_context(
        source,
        X,
        y,
        history=history,
        X_val=X_val,
        y_val=y_val,
        groups=groups,
        fit_params=fit_params,
        run=run,
        ignore=ignore,
        error_floor=error_floor,
    )
    pooled = pooled_of_folds(source, context, groups)
    made = replace(page_of(replace(context, pooled=pooled), command), format=format)
    if path is not None:
        made.save(path)
    return made


def page_of(context: ReportContext, command: str | None = None) -> Report:
    """Make the page and the card of what is known about a training.

    Parameters
    ----------
    context : ReportContext
        Everything that is known about the training.
    command : str, default=None
        Command line of the training.

    Returns
    -------
    Report
        The page.
    """
    answered = answer(context)
    steps = next_steps(context.diagnosis.findings, context.case, report_steps(context))
    html = render(context, answered, steps, command)
    card = render_card(context, answered, steps, command)
    return Report(html, card, context.name, answered, context.diagnosis, steps)
