"""The record of one training: all that displays and other readers need.

A record is plain data, so that one saved on a machine with TensorFlow can be read on
another with NumPy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

from skloss.record.curve_names import higher_is_better
from skloss.record.history import read_history
from skloss.record.plain_values import as_plain
from skloss.record.record_content import (
    content_of_json,
    json_of_content,
    not_a_record,
    read_content,
)
from skloss.record.text_files import text_of_file
from skloss.whole_files import write_whole

__all__ = ["TrainingRecord"]


@dataclass(frozen=True, repr=False)
class TrainingRecord:
    """What was asked, what was seen, what happened and what came out.

    Parameters
    ----------
    configuration : dict, default={}
        What was asked: name and ``parameters`` of the ``estimator``, the ``layers`` of
        the network (see `Layer`), the settings of its ``training`` (see
        `Training`), as they acted, and ``higher_is_better`` of the curves that scorers
        of scikit-learn made.
    data : dict, default={}
        What was seen: numbers of rows and features, ``classes``, ``pos_label`` (the
        one of two that F1, recall and the like are of), their counts and priors,
        ranges of the ``columns``, where the ``holdout`` comes from ("pipeline",
        "internal", "given", "tail" or "none"), the ``samplers`` in front (None if not
        known), and whether the rows ``is_resampled``.
    history : dict of str to list of float, default={}
        What happened: one value per epoch under each name, all of one length.
    outcome : dict, default={}
        What came out: ``best_epoch`` (from 0) by the monitored curve, ``kept_epoch``
        whose weights were kept (None for the last), ``stop_reason``, the ``metrics``
        of each split at that epoch (see `SplitMetrics`), validation truths (numbers of
        classes) and scores (of two classes those of the positive one), seconds.
    version : int, default=2
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
    >>> record
    <TrainingRecord: 2 epochs of loss, val_loss>
    >>> TrainingRecord.from_json(record.to_json()).history
    {'loss': [0.7, 0.4], 'val_loss': [0.8, nan]}
    >>> TrainingRecord.from_json("{}")
    Traceback (most recent call last):
        ...
    skloss.exceptions.RecordFormatError: Not a training record: 'history' is missing.
    """

    RECORD_VERSION: ClassVar[int] = 2

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

    @property
    def positive(self) -> int | None:
        """Number of the positive class; None if there are not two, or it is unknown.

        Examples
        --------
        >>> data = {"classes": ["fraud", "ok"], "pos_label": "fraud"}
        >>> TrainingRecord(data=data).positive
        0
        """
        classes = self.data.get("classes") or range(self.data.get("n_classes") or 0)
        if len(classes) != 2:
            return None
        label = self.data.get("pos_label")
        return 1 if label is None else list(classes).index(label)

    def higher_is_better(self, curve: str) -> bool | None:
        """Whether a higher value of a curve is better; None if it is not known.

        Parameters
        ----------
        curve : str
            Name in the history.

        Returns
        -------
        bool or None
            As the scorer says that made the curve, or as skloss knows it.

        Examples
        --------
        >>> known = {"higher_is_better": {"val_neg_log_loss": True}}
        >>> record = TrainingRecord(configuration=known)
        >>> record.higher_is_better("val_neg_log_loss")
        True
        >>> record.higher_is_better("val_loss"), record.higher_is_better("val_mood")
        (False, None)
        """
        known = self.configuration.get("higher_is_better") or {}
        return known[curve] if curve in known else higher_is_better(curve)

    def __repr__(self) -> str:
        name = self.configuration.get("estimator")
        whose = f"{name}, " if name else ""
        unit = "epoch" if self.n_epochs == 1 else "epochs"
        first = ("loss", "val_loss", "mcc", "val_mcc")
        names = sorted(self.history, key=lambda name: name not in first)
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        return (
            f"<TrainingRecord: {whose}{self.n_epochs} {unit} of {shown or 'no curve'}>"
        )

    def _repr_html_(self) -> str:
        head = "<tr><th>curve</th><th>first epoch</th><th>last epoch</th></tr>"
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{values[0]:.4g}</td>"
            f"<td>{values[-1]:.4g}</td></tr>"
            for name, values in self.history.items()
            if values
        )
        summary = f"<summary>{escape(repr(self))}</summary>"
        return f"<details>{summary}<table>{head}{rows}</table></details>"

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
        outcome = dict(self.outcome)
        for name in ("best_epoch", "kept_epoch"):
            if outcome.get(name) is not None:
                outcome[name] += earlier.n_epochs
        return replace(self, history=history, outcome=outcome)

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain lists, dicts, strings, numbers, booleans and None.

        Returns
        -------
        content : dict
            The fields, with those of `extra` beside them; NaN and infinity stay.

        Examples
        --------
        >>> import numpy as np
        >>> TrainingRecord(history={"loss": np.array([0.5])}).to_dict()["history"]
        {'loss': [0.5]}
        """
        known = {name: as_plain(getattr(self, name)) for name in _CONTENT}
        return {**as_plain(self.extra), "version": int(self.version), **known}

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
        >>> newer = {"history": {}, "version": 3, "mood": "good"}
        >>> TrainingRecord.from_dict(newer).extra
        {'mood': 'good'}
        """
        known, version, extra = read_content(content, _CONTENT, cls.RECORD_VERSION)
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
        '{"version": 2, ... "history": {"loss": [1.5, "Infinity"]}, "outcome": {}}'
        """
        return json_of_content(self.to_dict(), indent)

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
            return cls.from_dict(content_of_json(text))
        except RecursionError as err:
            raise not_a_record("it is nested too deeply") from err

    def save(self, path: str | PathLike[str]) -> None:
        """Write the record to a file, as JSON in UTF-8.

        Parameters
        ----------
        path : str or path-like
            Where to. An existing file is replaced, at once: whoever reads it meanwhile
            sees the old record or the new one, whole.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     TrainingRecord(history={"loss": [0.5]}).save(f"{folder}/run.json")
        ...     TrainingRecord.load(f"{folder}/run.json").n_epochs
        1
        """
        write_whole(path, self.to_json(indent=1))

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
        return cls.from_json(text_of_file(Path(path), not_a_record))

    @classmethod
    def from_history(cls, history: object) -> TrainingRecord:
        """Make a record of curves alone.

        Parameters
        ----------
        history : mapping, object with such a ``history``, DataFrame, str or path-like
            Lists of one value per epoch, for example a Keras ``History``; or a file
            that `read_curves` can read.

        Returns
        -------
        record : TrainingRecord
            Only its history is filled. Curves that skloss knows have its names; others
            keep theirs, unless they are no numbers.

        Raises
        ------
        RecordFormatError
            If there are no lists of numbers, or they differ in length.
        OSError
            If a file cannot be opened.

        Examples
        --------
        >>> record = TrainingRecord.from_history({"Loss": [0.7, 0.4], "mood": [1, 2]})
        >>> record.history
        {'loss': [0.7, 0.4], 'mood': [1.0, 2.0]}
        """
        return cls(history=read_history(history))


_CONTENT = tuple(
    part.name
    for part in fields(TrainingRecord)
    if part.name not in ("version", "extra")
)
