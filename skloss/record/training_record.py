"""The record of one training: all that displays and other readers need.

A record is plain data, so that one saved on a machine with TensorFlow can be read on
another with NumPy alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from skloss.exceptions import RecordFormatError

__all__ = ["TrainingRecord"]


@dataclass(frozen=True)
class TrainingRecord:
    """What was asked, what was seen, what happened and what came out.

    Parameters
    ----------
    configuration : dict, default={}
        What was asked: name and parameters of the estimator, network, optimizer,
        loss, class weights.
    data : dict, default={}
        What was seen: numbers of rows and features, classes, their counts and priors,
        ranges of the columns, source of the hold-out.
    history : dict of str to list of float, default={}
        What happened: one value per epoch under each name, all of one length.
    outcome : dict, default={}
        What came out: ``best_epoch`` (from 0), ``monitor``, ``stop_reason``,
        validation truths and scores at the best epoch, seconds.
    version : int, default=1
        Version of the format.
    extra : dict, default={}
        Top-level fields of a newer version; kept, and written again.

    Attributes
    ----------
    RECORD_VERSION : int
        The version that this class writes.

    Raises
    ------
    ValueError
        If the lists of the history differ in length.

    Examples
    --------
    >>> record = TrainingRecord(
    ...     history={"loss": [0.7, 0.4], "val_loss": [0.8, float("nan")]},
    ...     outcome={"best_epoch": 0},
    ... )
    >>> record.n_epochs, record.best_epoch
    (2, 0)
    >>> TrainingRecord.from_json(record.to_json()).history
    {'loss': [0.7, 0.4], 'val_loss': [0.8, nan]}
    >>> TrainingRecord.from_json("{}")
    Traceback (most recent call last):
        ...
    skloss.exceptions.RecordFormatError: Not a training record: 'history' is missing.
    """

    RECORD_VERSION: ClassVar[int] = 1

    configuration: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)
    version: int = RECORD_VERSION
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.history.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"All lists of history must have one length, got lengths {lengths}."
            )

    @property
    def n_epochs(self) -> int:
        """Number of epochs in the history."""
        return len(next(iter(self.history.values()), []))

    @property
    def best_epoch(self) -> int | None:
        """Epoch that was best by the monitored curve, from 0; None if unknown."""
        return self.outcome.get("best_epoch")

    def after(self, earlier: TrainingRecord) -> TrainingRecord:
        """Return this record with the curves of the training it went on from in front.

        Parameters
        ----------
        earlier : TrainingRecord
            Record of the epochs before.

        Returns
        -------
        record : TrainingRecord
            Only curves that both have.

        Examples
        --------
        >>> first = TrainingRecord(history={"loss": [0.9], "val_loss": [1.0]})
        >>> TrainingRecord(history={"loss": [0.5]}).after(first).history
        {'loss': [0.9, 0.5]}
        """
        history = {
            name: [*earlier.history[name], *values]
            for name, values in self.history.items()
            if name in earlier.history
        }
        return replace(self, history=history)

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain lists, dicts, strings, numbers, booleans and None.

        Returns
        -------
        content : dict
            The fields, with those of `extra` beside them; NaN and infinity stay.

        Examples
        --------
        >>> TrainingRecord(history={"loss": np.array([0.5])}).to_dict()["history"]
        {'loss': [0.5]}
        """
        known = {name: _plain(getattr(self, name)) for name in _CONTENT}
        return {**_plain(self.extra), "version": int(self.version), **known}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrainingRecord:
        """Make a record from the content of `to_dict`.

        Parameters
        ----------
        content : mapping of str to object
            Must have ``history``; other known fields may be absent.

        Returns
        -------
        record : TrainingRecord
            Unknown fields are in `extra`.

        Raises
        ------
        RecordFormatError
            If the content is not a record.

        Examples
        --------
        >>> newer = {"history": {}, "version": 2, "mood": "good"}
        >>> TrainingRecord.from_dict(newer).extra
        {'mood': 'good'}
        """
        if not isinstance(content, Mapping):
            raise _not_a_record(f"an object was expected, got {_kind(content)}")
        if "history" not in content:
            raise _not_a_record("'history' is missing")
        for name in _CONTENT:
            if not isinstance(content.get(name, {}), Mapping):
                kind = _kind(content[name])
                raise _not_a_record(f"{name!r} must be an object, got {kind}")
        version = content.get("version", cls.RECORD_VERSION)
        if isinstance(version, bool) or not isinstance(version, int):
            raise _not_a_record(f"'version' must be an integer, got {version!r}")
        known = {name: dict(content.get(name, {})) for name in _CONTENT}
        known["history"] = _read_history(_plain(known["history"]))
        _check_best_epoch(known["outcome"])
        extra = {k: v for k, v in content.items() if k not in (*_CONTENT, "version")}
        return cls(**known, version=version, extra=extra)

    def to_json(self, indent: int | None = None) -> str:
        """Write as strict JSON.

        Parameters
        ----------
        indent : int, default=None
            Spaces per level. None puts all on one line.

        Returns
        -------
        text : str
            NaN becomes null in the history and the string "NaN" elsewhere; infinities
            become "Infinity" and "-Infinity".

        Examples
        --------
        >>> TrainingRecord(history={"loss": [1.5, float("inf")]}).to_json()
        '{"version": 1, ... "history": {"loss": [1.5, "Infinity"]}, "outcome": {}}'
        """
        content = self.to_dict()
        history = {
            name: [None if value != value else _encode(value) for value in values]
            for name, values in content["history"].items()
        }
        encoded = {name: _encode(part) for name, part in content.items()}
        return json.dumps(
            encoded | {"history": history}, indent=indent, allow_nan=False
        )

    @classmethod
    def from_json(cls, text: str) -> TrainingRecord:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str
            JSON.

        Returns
        -------
        record : TrainingRecord
            Equal to the one written, with arrays and tuples as lists, and the keys
            of dicts as text.

        Raises
        ------
        RecordFormatError
            If the text is not JSON, was cut short, or is not a record.

        Examples
        --------
        >>> TrainingRecord.from_json('{"history": {"loss": [0.7')
        Traceback (most recent call last):
            ...
        skloss.exceptions.RecordFormatError: Not a training record: the text is not
        JSON, or was cut short (Expecting ',' delimiter at line 1 column 26).
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError as err:
            raise _not_a_record(
                "the text is not JSON, or was cut short "
                f"({err.msg} at line {err.lineno} column {err.colno})"
            ) from err
        return cls.from_dict(_decode(content))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the record to a file, as JSON in UTF-8.

        Parameters
        ----------
        path : str or path-like
            Where to. An existing file is replaced.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     TrainingRecord(history={"loss": [0.5]}).save(f"{folder}/run.json")
        ...     TrainingRecord.load(f"{folder}/run.json").n_epochs
        1
        """
        Path(path).write_text(self.to_json(indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> TrainingRecord:
        """Read a record from a file that `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        record : TrainingRecord
            The record.

        Raises
        ------
        RecordFormatError
            If the file holds no record.
        OSError
            If the file cannot be opened.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     TrainingRecord(data={"n_rows": 9}).save(f"{folder}/run.json")
        ...     TrainingRecord.load(f"{folder}/run.json").data
        {'n_rows': 9}
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as err:
            raise _not_a_record(f"{path} is not text in UTF-8") from err
        return cls.from_json(text)

    @classmethod
    def from_history(cls, history: Any) -> TrainingRecord:
        """Make a record of curves alone.

        Parameters
        ----------
        history : mapping of str to list of float, or object with such a ``history``
            For example a Keras ``History``.

        Returns
        -------
        record : TrainingRecord
            Only its history is filled.

        Raises
        ------
        RecordFormatError
            If there is no mapping of lists of numbers.

        Examples
        --------
        >>> TrainingRecord.from_history({"loss": [0.7, 0.4, 0.3]}).n_epochs
        3
        """
        curves = getattr(history, "history", history)
        if not isinstance(curves, Mapping):
            raise _not_a_record(f"a history of lists was expected, got {_kind(curves)}")
        return cls.from_dict({"history": curves})


_CONTENT = tuple(
    part.name
    for part in fields(TrainingRecord)
    if part.name not in ("version", "extra")
)
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
# Marks a text that would otherwise be read as a number, or that has the mark itself.
_QUOTE = "text:"


def _not_a_record(reason: str) -> RecordFormatError:
    """Error of one sentence."""
    return RecordFormatError(f"Not a training record: {reason}.")


def _kind(value: Any) -> str:
    """Name of a value's type."""
    return type(value).__name__


def _read_history(history: Mapping[str, Any]) -> dict[str, list[float]]:
    """Check the curves; null is NaN."""
    curves = {}
    for name, values in history.items():
        if not isinstance(values, list):
            raise _not_a_record(
                f"history[{name!r}] must be a list, got {_kind(values)}"
            )
        curves[name] = [math.nan if value is None else value for value in values]
        for value in curves[name]:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _not_a_record(
                    f"history[{name!r}] must hold numbers, got {value!r}"
                )
    if len({len(values) for values in curves.values()}) > 1:
        raise _not_a_record("the lists of 'history' differ in length")
    return curves


def _check_best_epoch(outcome: Mapping[str, Any]) -> None:
    """Raise unless the best epoch is an integer or unknown."""
    best = outcome.get("best_epoch")
    if best is not None and (isinstance(best, bool) or not isinstance(best, int)):
        raise _not_a_record(f"outcome['best_epoch'] must be an integer, got {best!r}")


def _plain(value: Any) -> Any:
    """Turn arrays, NumPy scalars, tuples and mappings into plain Python."""
    if isinstance(value, np.ndarray | np.generic):
        plain = value.tolist()
        return plain if value.dtype.kind in "biufU" else _plain(plain)
    if isinstance(value, Mapping):
        return {_key(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"A record holds plain data only, got {_kind(value)}: {value!r}.")


def _key(key: Any) -> str:
    """Text of a mapping's key; JSON has no others."""
    return str(_plain(key))


def _encode(value: Any) -> Any:
    """Put plain data into what strict JSON can say."""
    if isinstance(value, dict):
        return {key: _encode(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_encode(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str) and (value in _SPECIAL or value.startswith(_QUOTE)):
        return _QUOTE + value
    return value


def _decode(value: Any) -> Any:
    """Undo `_encode`."""
    if isinstance(value, dict):
        return {key: _decode(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_decode(part) for part in value]
    if isinstance(value, str):
        return _SPECIAL.get(value, value.removeprefix(_QUOTE))
    return value
