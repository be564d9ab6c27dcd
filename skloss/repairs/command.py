"""The command ``skloss repair``: read rows and an estimator, and repair it."""

from __future__ import annotations

import argparse
import ast
import io
from pathlib import Path
from typing import Any

from skloss.repairs.estimator_parts import parts_of
from skloss.repairs.repair import repair
from skloss.search.data_files import LabeledRows, read_table
from skloss.search.model_files import load_model
from skloss.search.plan import make_pipeline
from skloss.whole_files import write_whole

__all__ = ["run_repair"]

_FOLDS = 5


def run_repair(options: argparse.Namespace) -> tuple[Path | None, str]:
    """Repair what the options of ``skloss repair`` describe.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed options.

    Returns
    -------
    path : Path or None
        The file that was written, if one was asked for.
    text : str
        What to print.

    Raises
    ------
    DataFileError
        If a file cannot be used.
    ValueError
        If an option cannot be used.
    """
    table = read_table(
        options.file,
        options.target,
        options.positive,
        options.groups,
        series=options.model == "cnn1d" and options.estimator is None,
        drop=options.drop,
        keep=options.keep,
        missing_values=options.missing,
    )
    repaired = repair(
        _estimator(options, table),
        table.X,
        table.y,
        scoring=options.scoring,
        cv=options.folds or _FOLDS,
        groups=table.groups,
        max_trials=options.trials,
        random_state=options.seed,
    )
    path = None
    if options.out is not None:
        path = write_whole(options.out, _packed(repaired.estimator))
    return path, repaired.to_json(indent=2) if options.json else repaired.to_text()


def _estimator(options: argparse.Namespace, table: LabeledRows) -> Any:
    if options.estimator is None:
        estimator: Any = make_pipeline(options, table)
    else:
        estimator = load_model(Path(options.estimator).expanduser(), is_fitted=False)
    prefix = parts_of(estimator).prefix
    for text in options.set:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name or not equals:
            raise ValueError(
                f"--set {text!r} must read NAME=VALUE, such as activation=tanh."
            )
        full = name if "__" in name else f"{prefix}{name}"
        estimator.set_params(**{full: _literal(value)})
    return estimator


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _packed(estimator: Any) -> bytes:
    import joblib

    content = io.BytesIO()
    joblib.dump(estimator, content)
    return content.getvalue()
