"""Files of curves: the format that a file has, and the training that is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skloss.exceptions import RecordFormatError
from skloss.record.epoch_rows import Columns, chosen_training
from skloss.record.formats import PRINTED
from skloss.record.formats.console import plain_lines
from skloss.record.formats.csv_tables import read_csv
from skloss.record.formats.event_files import is_event_file, read_event_files
from skloss.record.formats.folders import read_folder
from skloss.record.formats.json_documents import output_texts, read_json
from skloss.record.formats.printed_dicts import (
    read_dicts_of_lists,
    read_dicts_of_numbers,
)
from skloss.record.text_files import json_of_text, not_a_history, text_of_file

__all__ = ["lists_of_file", "lists_of_text", "parse_keras_log", "trainings_of_text"]


def parse_keras_log(text: str) -> dict[str, list[float]]:
    """Read the curves out of what Keras' ``fit``, or a loop of one's own, printed.

    Parameters
    ----------
    text : str
        The console's text with any ``verbose``, or a printed ``history`` dict.

    Returns
    -------
    history : dict of str to list of float
        Names as printed. NaN where an epoch does not show a curve; a last epoch that
        was interrupted is left out. Of several trainings, the last of at least five
        epochs is read.

    Raises
    ------
    RecordFormatError
        If there is no such thing in the text.

    Examples
    --------
    >>> parse_keras_log('''Epoch 1/2
    ... 9/9 - 1s - 3ms/step - loss: 0.70 - val_loss: 0.6
    ... Epoch 2/2
    ... 9/9 - 1s - 3ms/step - loss: 0.5 - val_loss: nan''')
    {'loss': [0.7, 0.5], 'val_loss': [0.6, nan]}
    """
    return lists_of_text(text)[0]


def lists_of_text(
    text: str, run: int | None = None
) -> tuple[dict[str, list[float]], str]:
    """Read what was printed, as `parse_keras_log`; and which training it is."""
    trainings = trainings_of_text(text)
    if not trainings:
        raise not_a_history("the text shows no losses of epochs as Keras prints them")
    lists, note = chosen_training(trainings, run)
    return {
        name: [float("nan") if value is None else float(value) for value in values]
        for name, values in lists.items()
    }, note


def trainings_of_text(text: str) -> list[Columns]:
    """Return the trainings that were printed, by the first format that fits."""
    trainings = read_dicts_of_lists(text)
    if trainings:
        return trainings
    lines = plain_lines(text)
    for read in PRINTED.values():
        trainings = read(lines)
        if trainings:
            return trainings
    return []


def lists_of_file(
    path: Path, run: int | None = None
) -> tuple[Mapping[str, Any], bool, str]:
    """Read a file, of a kind told by what is in it: logs of all kinds end in .log.

    Returns the lists of one training, whether they may have decimal commas, and which
    training it is of several.
    """
    trainings, decimal_comma = _trainings_of_path(path)
    lists, note = chosen_training(trainings, run)
    return lists, decimal_comma, note


def _trainings_of_path(path: Path) -> tuple[list[Columns], bool]:
    if path.is_dir():
        return read_folder(path), False
    if is_event_file(path):
        return read_event_files([path], path.parent), False
    text = text_of_file(path, not_a_history)
    if not text.strip():
        raise not_a_history(f"{path} is empty")
    suffix = path.suffix.lower()
    content = _json(text, str(path), is_sure=suffix in (".json", ".ipynb"))
    if content is not None:
        return _trainings_of_json(content, path), False
    if suffix not in (".csv", ".tsv"):
        trainings = trainings_of_text(text)
        if trainings:
            return trainings, False
    return _of_csv_or_text(text, path)


def _of_csv_or_text(text: str, path: Path) -> tuple[list[Columns], bool]:
    try:
        return read_csv(text, str(path)), True
    except RecordFormatError:
        trainings = trainings_of_text(text) if path.suffix.lower() == ".csv" else []
        if not trainings:
            raise
        return trainings, False


def _json(text: str, name: str, is_sure: bool) -> Any:
    """Content of JSON; None for lines of JSON, and for what does not look like JSON."""
    if not is_sure and (text.lstrip()[0], text.rstrip()[-1]) not in (
        ("{", "}"),
        ("[", "]"),
    ):
        return None
    try:
        return json_of_text(text, name, not_a_history)
    except RecordFormatError:
        if not is_sure or read_dicts_of_numbers(plain_lines(text)):
            return None
        raise


def _trainings_of_json(content: Any, path: Path) -> list[Columns]:
    if isinstance(content, Mapping) and "cells" in content:
        trainings = [
            t for text in output_texts(content) for t in trainings_of_text(text)
        ]
        if not trainings:
            raise not_a_history(f"the outputs of {path} show no training")
        return trainings
    try:
        trainings = read_json(content)
    except RecursionError as err:
        raise not_a_history(f"{path} is nested too deeply") from err
    if not trainings:
        raise not_a_history(f"{path} holds no object of lists")
    return trainings
