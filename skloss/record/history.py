"""Curves of a training, whoever wrote them and whatever they call them."""

import csv
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skloss.exceptions import RecordFormatError

__all__ = ["parse_keras_log", "read_curves"]

# What people write for each curve: small letters and digits only.
_SPELLINGS = {
    "loss": "loss logloss nll",
    "accuracy": "accuracy acc binaryaccuracy categoricalaccuracy "
    "sparsecategoricalaccuracy accuracyscore",
    "precision": "precision precisionm precisionscore ppv",
    "recall": "recall recallm recallscore sensitivity tpr truepositiverate",
    "f1": "f1 f1m f1score f1metric fscore fmeasure",
    "mcc": "mcc mccm mccmetric matthews matthewscorrelation matthewscorrcoef "
    "matthewscorrelationcoefficient",
    "auc": "auc rocauc aucroc auroc rocaucscore",
    "average_precision": "averageprecision averageprecisionscore ap prauc aucpr auprc "
    "prc aucprc",
    "fpr": "fpr falsepositiverate",
    "learning_rate": "learningrate lr",
    "tp": "tp truepositives truepositive",
    "fp": "fp falsepositives falsepositive",
    "tn": "tn truenegatives truenegative",
    "fn": "fn falsenegatives falsenegative",
}
_CANONICAL = {
    spelling: name for name, row in _SPELLINGS.items() for spelling in row.split()
}
_SIDES = {"val": "val_", "train": ""}
_SIDE = "(?P<{}>validation|valid|val|dev|eval|test|training|train)?"
_SPELLED = re.compile(
    _SIDE.format("before") + f"(?P<name>{'|'.join(_CANONICAL)})" + _SIDE.format("after")
)
# Curves of skloss' own records that no other program writes.
_OWN = re.compile(
    r"(val_)?(loss_at_\w+_prior|loss_class_\d+|(gradient|update)_norm_(first|last)"
    r"|dead_share|saturated_share|running_loss|seconds)"
)
_COUNTERS = ("epoch", "epochs", "index", "unnamed0", "")
_MISSING = ("", "na", "null", "none")  # float() knows "nan" and "inf"
_NUMBER = r"[-+]?(?:nan|inf|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"
_EPOCH = re.compile(r"^\W*Epoch\s+\d+\s*/\s*\d+", re.IGNORECASE | re.MULTILINE)
_STEP = re.compile(
    rf"(?:^|\s-\s)\s*([a-z][^:\n]*?):\s*({_NUMBER})(?=\s|$)",
    re.IGNORECASE | re.MULTILINE,
)
_PRINTED_LIST = re.compile(r"""['"]([^'"\n]+)['"]\s*:\s*(?:array\()?\[([^\[\]]*)\]""")
_WRAPPED = re.compile(r"\bnp\.\w+\(([^()]*)\)")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def read_curves(source: Any) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Read the curves of a training under the names that rules know.

    Parameters
    ----------
    source : mapping, object with such a ``history``, DataFrame, str or path-like
        Lists of one value per epoch, for example a Keras ``History``; or a file that
        Keras' ``CSVLogger`` wrote, a JSON file of lists, or a printed log of ``fit``.

    Returns
    -------
    curves : dict of str to ndarray of shape (n_epochs,)
        ``loss``, ``accuracy``, ``precision``, ``recall``, ``f1``, ``mcc``, ``auc``,
        ``average_precision``, ``fpr``, ``tp``, ``fp``, ``tn``, ``fn``, their ``val_``
        twins, ``learning_rate``, and the other curves of a record of skloss.
    notes : tuple of str
        What was left out, and why.

    Raises
    ------
    RecordFormatError
        If there is no history in it, or none of whose curves is understood.
    OSError
        If a file cannot be opened.

    Examples
    --------
    >>> curves, notes = read_curves({"acc": [0.8, 0.9], "ValLoss": [0.5, None]})
    >>> curves
    {'accuracy': array([0.8, 0.9]), 'val_loss': array([0.5, nan])}
    >>> read_curves({"loss": [0.5], "mood": [1]})[1]
    ("'mood' was not understood",)
    """
    lists, decimal_comma = _lists_of(source)
    if not lists:
        raise _no_history("it is empty")
    curves: dict[str, np.ndarray] = {}
    notes: list[str] = []
    given: dict[str, str] = {}
    for written, values in lists.items():
        if _letters(written) in _COUNTERS:
            continue
        name = _canonical(written)
        if name is None:
            notes.append(f"{written!r} was not understood")
        elif name in given:
            notes.append(f"{written!r} was left out: {given[name]!r} is the same curve")
        else:
            given[name] = written
            curves[name] = _numbers(written, values, decimal_comma)
    _check(curves, given, notes)
    return curves, tuple(notes)


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
        raise _no_history("the text shows no losses of epochs as Keras prints them")
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch))
    return {name: [epoch.get(name, math.nan) for epoch in epochs] for name in names}


def _no_history(reason: str) -> RecordFormatError:
    """Error of one sentence."""
    return RecordFormatError(f"Not a history of a training: {reason}.")


def _lists_of(source: Any) -> tuple[Mapping[str, Any], bool]:
    """Values by written name, and whether they may have decimal commas."""
    if isinstance(source, str | os.PathLike):
        return _of_file(Path(source))
    if hasattr(source, "columns") and hasattr(source, "dtypes"):
        return {str(name): np.asarray(source[name]) for name in source.columns}, False
    lists = source if isinstance(source, Mapping) else getattr(source, "history", None)
    if not isinstance(lists, Mapping):
        kind = type(source).__name__
        raise _no_history(f"a mapping of lists or a file was expected, got {kind}")
    return {str(name): values for name, values in lists.items()}, False


def _of_file(path: Path) -> tuple[Mapping[str, Any], bool]:
    """Read a file, of a kind told by what is in it: logs of all kinds end in .log."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise _no_history(f"{path} is not text in UTF-8") from err
    if not text.strip():
        raise _no_history(f"{path} is empty")
    if path.suffix == ".json":
        return _of_json(text, path), False
    if _printed_lists(text) or _printed_epochs(text):
        return parse_keras_log(text), False
    return _of_csv(text, path)


def _of_json(text: str, path: Path) -> Mapping[str, Any]:
    """Read the lists of a JSON object, or of its "history"."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as err:
        place = f"{err.msg} at line {err.lineno} column {err.colno}"
        raise _no_history(f"{path} is not JSON, or was cut short ({place})") from err
    if isinstance(content, Mapping):
        content = content.get("history", content)
    if not isinstance(content, Mapping):
        raise _no_history(f"{path} holds no object of lists")
    return content


def _of_csv(text: str, path: Path) -> tuple[Mapping[str, Any], bool]:
    """Read columns; a ``CSVLogger`` that appended to a file repeats the head."""
    first = text.strip().splitlines()[0]
    delimiter = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    head = [name.strip() for name in rows[0]]
    if not any(_canonical(name) for name in head):
        raise _no_history(f"the first line of {path} names no loss or metric")
    rows = [row for row in rows[1:] if [cell.strip() for cell in row] != head]
    for number, row in enumerate(rows, 1):
        if len(row) != len(head):
            raise _no_history(
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
        values = {
            name.strip(): float(value)
            for name, value in _STEP.findall(line)
            if name.strip() != "ETA"
        }
        if "loss" in values:
            return values
    return {}


def _letters(written: str) -> str:
    """Small letters and digits of a name."""
    return re.sub(r"[^a-z0-9]", "", written.lower())


def _canonical(written: str) -> str | None:
    """Name that rules know; Keras numbers metrics of one name, as in precision_1."""
    if _OWN.fullmatch(written):
        return written
    for name in (written, re.sub(r"_\d+$", "", written)):
        match = _SPELLED.fullmatch(_letters(name))
        if match:
            side = match["before"] or match["after"] or "train"
            prefix = "" if side.startswith("train") else "val_"
            return prefix + _CANONICAL[match["name"]]
    return None


def _numbers(name: str, values: Any, decimal_comma: bool) -> np.ndarray:
    """One curve; what is missing is NaN."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        kind = type(values).__name__
        raise _no_history(f"{name!r} must be a list of numbers, got {kind}")
    return np.array([_number(name, value, decimal_comma) for value in values], float)


def _number(name: str, value: Any, decimal_comma: bool) -> float:
    """One value, whatever type it has."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _MISSING:
            return math.nan
        value = text.replace(",", ".") if decimal_comma else text
    try:
        if isinstance(value, bool | np.bool_ | Sequence) and not isinstance(value, str):
            raise TypeError("not a number")
        return float(value)
    except (TypeError, ValueError) as err:
        raise _no_history(f"{name!r} must hold numbers, got {value!r}") from err


def _check(
    curves: Mapping[str, np.ndarray], given: Mapping[str, str], notes: Sequence[str]
) -> None:
    """Raise unless there are epochs of a loss or a metric, as many in every curve."""
    if not any(_letters(name) in _CANONICAL for name in _without_rate(curves)):
        unknown = f" ({'; '.join(notes)})" if notes else ""
        raise _no_history(f"no loss and no metric in it was understood{unknown}")
    lengths = {given[name]: len(curve) for name, curve in curves.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name!r} has {n}" for name, n in lengths.items())
        raise _no_history(f"its curves differ in length: {told}")
    if not any(lengths.values()):
        raise _no_history("its curves have no epochs")


def _without_rate(curves: Iterable[str]) -> list[str]:
    return [n.removeprefix("val_") for n in curves if n != "learning_rate"]
