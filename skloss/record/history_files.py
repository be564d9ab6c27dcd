"""Files of curves: CSV and JSON files, and the logs that Keras prints."""

import csv
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skloss.exceptions import RecordFormatError
from skloss.record.curve_names import canonical_name
from skloss.record.text_files import json_of_text, text_of_file

__all__ = ["lists_of_file", "not_a_history", "parse_keras_log"]

# No pattern may read the same text twice from two starts, nor split a run of characters
# in two ways: files are of any length. A ``+`` behind a repetition forbids the latter.
_NUMBER = r"[-+]?(?:nan|inf|(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)"
_EPOCH = re.compile(
    r"^[^\w\n]*+Epoch[ \t]++\d++[ \t]*+/[ \t]*+\d+", re.IGNORECASE | re.MULTILINE
)
_BETWEEN = re.compile(r"\s-\s")
_STEP = re.compile(rf"\s*+([a-z][^:\n]*+):\s*+({_NUMBER})(?=\s|$)", re.IGNORECASE)
_PRINTED_LIST = re.compile(r"""['"]([^'"\n]+)['"]\s*:\s*(?:array\()?\[([^\[\]]*)\]""")
_WRAPPED = re.compile(r"\bnp\.\w+\(([^()]*)\)")
_MOST_CURVES = 1_000  # each has a value for every epoch
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def parse_keras_log(text: str) -> dict[str, list[float]]:
    """Read the curves out of what Keras' ``fit`` printed.

    Parameters
    ----------
    text : str
        The console's text with any ``verbose``, or a printed ``history`` dict.

    Returns
    -------
    history : dict of str to list of float
        Names as printed. NaN where an epoch does not show a curve; a last epoch that
        was interrupted is left out.

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
    printed = _printed_lists(text)
    if printed:
        return printed
    epochs = _printed_epochs(text)
    if not epochs:
        raise not_a_history("the text shows no losses of epochs as Keras prints them")
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch))
    if len(names) > _MOST_CURVES:
        raise not_a_history(f"the text shows {len(names)} names of curves")
    return {name: [epoch.get(name, math.nan) for epoch in epochs] for name in names}


def not_a_history(reason: str) -> RecordFormatError:
    """Error of one sentence."""
    return RecordFormatError(f"Not a history of a training: {reason}.")


def lists_of_file(path: Path) -> tuple[Mapping[str, Any], bool]:
    """Read a file, of a kind told by what is in it: logs of all kinds end in .log."""
    text = text_of_file(path, not_a_history)
    if not text.strip():
        raise not_a_history(f"{path} is empty")
    if path.suffix == ".json":
        return _of_json(text, path), False
    if _printed_lists(text) or _printed_epochs(text):
        return parse_keras_log(text), False
    return _of_csv(text, path)


def _of_json(text: str, path: Path) -> Mapping[str, Any]:
    """Read the lists of a JSON object, or of its "history"."""
    content = json_of_text(text, str(path), not_a_history)
    if isinstance(content, Mapping):
        content = content.get("history", content)
    if not isinstance(content, Mapping):
        raise not_a_history(f"{path} holds no object of lists")
    return content


def _of_csv(text: str, path: Path) -> tuple[Mapping[str, Any], bool]:
    """Read columns; a ``CSVLogger`` that appended to a file repeats the head."""
    first = text.strip().splitlines()[0]
    delimiter = max(",;\t", key=first.count)
    try:
        reader = csv.reader(text.splitlines(), delimiter=delimiter)
        rows = [row for row in reader if row]
    except csv.Error as err:
        raise not_a_history(f"{path} is no table of values ({err})") from err
    head = [name.strip() for name in rows[0]]
    if not any(map(canonical_name, set(head))):
        raise not_a_history(f"the first line of {path} names no loss or metric")
    rows = [row for row in rows[1:] if [cell.strip() for cell in row] != head]
    for number, row in enumerate(rows, 1):
        if len(row) != len(head):
            raise not_a_history(
                f"row {number} of {path} has {len(row)} of {len(head)} values; "
                "the file may have been cut short"
            )
    columns = {name: [row[at] for row in rows] for at, name in enumerate(head)}
    return columns, delimiter == ";"


def _printed_lists(text: str) -> dict[str, list[float]]:
    """Read lists of a printed dict; values may be wrapped in NumPy's types."""
    lists = {}
    for name, values in _PRINTED_LIST.findall(_WRAPPED.sub(r"\1", text)):
        cells = [cell.strip() for cell in values.split(",") if cell.strip()]
        if cells and all(re.fullmatch(_NUMBER, c, re.IGNORECASE) for c in cells):
            lists[name] = [float(cell) for cell in cells]
    return lists


def _printed_epochs(text: str) -> list[dict[str, float]]:
    """Last values shown in each epoch; without heads every line is an epoch."""
    plain = re.sub(r"[\r\x08]+", "\n", _TERMINAL.sub("", text))
    heads = [match.end() for match in _EPOCH.finditer(plain)]
    if heads:
        chunks = [plain[a:b] for a, b in zip(heads, [*heads[1:], None], strict=True)]
    else:
        chunks = plain.splitlines()
    shown = [values for values in map(_last_shown, chunks) if values]
    return _without_interrupted(shown) if heads else shown


def _without_interrupted(epochs: list[dict[str, float]]) -> list[dict[str, float]]:
    """Leave the last epoch out if it alone lacks what all others show.

    With a ``validation_freq`` others lack it too.
    """
    earlier = {frozenset(epoch) for epoch in epochs[:-1]}
    if len(earlier) == 1 and not epochs[-1].keys() >= next(iter(earlier)):
        return epochs[:-1]
    return epochs


def _last_shown(chunk: str) -> dict[str, float]:
    """Values of the last line that shows a loss."""
    for line in reversed(chunk.splitlines()):
        steps = filter(None, map(_STEP.match, _BETWEEN.split(line)))
        values = {
            step[1].strip(): float(step[2])
            for step in steps
            if step[1].strip() != "ETA"
        }
        if "loss" in values:
            return values
    return {}
