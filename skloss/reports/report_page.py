"""``report``: a page about whatever has trained, and ``Report``, which keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from skloss.diagnosis import Diagnosis
from skloss.diagnosis.text import headline
from skloss.reports.answer import Answer, answer
from skloss.reports.build_context import build_context
from skloss.reports.html_page import frame, render

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report:
    """One page about a training; a notebook shows it, and `save` writes it to a file.

    Parameters
    ----------
    html : str
        The page: one file that needs nothing else.
    title : str
        What it is about.
    answer : Answer
        What it says first.
    diagnosis : Diagnosis
        What was found.
    """

    html: str = field(repr=False)
    title: str
    answer: Answer
    diagnosis: Diagnosis

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file.

        Parameters
        ----------
        path : str or path-like
            Where to. An existing file is replaced.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OSError
            If it cannot be written there.
        """
        target = Path(path).expanduser()
        try:
            target.write_text(self.html, encoding="utf-8")
        except OSError as err:
            raise type(err)(
                f"The report cannot be written to {target} ({err.strerror or err}); "
                "give the path of a file in a folder that exists and may be written to."
            ) from err
        return target

    def __repr__(self) -> str:
        size = len(self.html.encode()) // 1000
        lines = [
            f"Report on {self.title}: {self.answer.headline}",
            self.answer.sentence,
            headline(self.diagnosis),
            f"{size} kB of HTML; write it by .save(PATH)",
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return frame(self.html, f"Training report: {self.title}")


def report(
    source: Any,
    path: str | PathLike[str] | None = None,
    X: Any = None,
    y: Any = None,
    *,
    history: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    groups: Any = None,
    fit_params: Mapping[str, Any] | None = None,
    command: str | None = None,
) -> Report:
    """Make one self-contained HTML page about a training.

    It says first whether the network is any good: MCC and F1 with intervals on rows
    that were not trained on, beside guessing and a logistic regression on the same
    rows. Then findings with evidence and fix, curves, the table of a search, errors,
    rows, configuration, and how to get the same again. What is not known is left out,
    with a sentence that says what to pass.

    Parameters
    ----------
    source : object
        Whatever :func:`skloss.diagnose` takes.
    path : str or path-like, default=None
        File to write the page to. None writes none.
    X, y : array-like, default=None
        The rows that were given to ``fit``. Without them there is no logistic
        regression to compare with, and rules that read rows are not assessed.
    history : object, default=None
        Curves of a ``keras.Model``.
    X_val, y_val : array-like, default=None
        Validation rows, where they were given to ``fit``.
    groups : array-like of shape (n,), default=None
        Groups of the rows, where they were given to ``fit``: with them the same folds,
        and the same rows held out, are found again.
    fit_params : dict, default=None
        What else was given to ``keras.Model.fit``.
    command : str, default=None
        What was typed to train it; shown in place of code.

    Returns
    -------
    Report
        Shown by a notebook; ``save`` writes it.

    Raises
    ------
    NotFittedError
        If an estimator is not fitted.
    RecordFormatError
        If curves, or the file of a path, cannot be read.
    DiagnosisError
        If the source is nothing that can be diagnosed.
    OSError
        If the file cannot be written.
    ValueError
        If ``X`` and ``y`` do not fit each other or the network.

    See Also
    --------
    skloss.diagnose : The findings alone.

    Examples
    --------
    >>> import skloss
    >>> page = skloss.report({"loss": [0.7, 0.4], "val_loss": [0.7, 0.5]})
    >>> page.answer.verdict
    'unknown'
    >>> page.html.startswith("<!DOCTYPE html>")
    True
    """
    context = build_context(
        source,
        X,
        y,
        history=history,
        X_val=X_val,
        y_val=y_val,
        groups=groups,
        fit_params=fit_params,
    )
    answered = answer(context)
    html = render(context, answered, command)
    made = Report(html, context.name, answered, context.diagnosis)
    if path is not None:
        made.save(path)
    return made
