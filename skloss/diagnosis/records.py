"""A record as a case, and a case as a record."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from skloss.diagnosis.case import (
    Case,
    Layer,
    Part,
    Probe,
    RowFacts,
    SearchFacts,
    Training,
)
from skloss.record import TrainingRecord

__all__ = ["case_of", "record_of"]

_PARTS = {
    "training": Training,
    "train": Part,
    "natural": Part,
    "val": Part,
    "rows": RowFacts,
    "probe": Probe,
    "search": SearchFacts,
}
# Where the parts of a case stand in a record.
_CONFIGURATION = ("layers", "task", "training", "origin", "is_honest")
_DATA = ("n_classes", "train", "natural", "val", "rows", "holdout", "is_resampled")
_OUTCOME = ("probe", "search", "best_epoch", "stop_reason")
_KEY = "case"


def record_of(case: Case) -> TrainingRecord:
    """Return a record that `case_of` reads again."""

    def chosen(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: _plain(getattr(case, name)) for name in names}

    return TrainingRecord(
        configuration={_KEY: chosen(_CONFIGURATION)},
        data={_KEY: chosen(_DATA)},
        history={name: np.asarray(c).tolist() for name, c in case.curves.items()},
        outcome={_KEY: chosen(_OUTCOME), "best_epoch": case.best_epoch},
    )


def case_of(record: TrainingRecord) -> Case:
    """Return all that a record tells: of a fit of skloss, of `record_of`, or curves."""
    curves = {name: np.asarray(c, float) for name, c in record.history.items()}
    sections = (record.configuration, record.data, record.outcome)
    if any(_KEY in section for section in sections):
        known: dict[str, Any] = {}
        for section in sections:
            known |= section.get(_KEY, {})
        return Case(curves=curves, **_read(known))
    if "network" in record.configuration:
        return Case(curves=curves, **_of_skloss(record))
    return Case(curves=curves, best_epoch=record.best_epoch)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def _read(known: Mapping[str, Any]) -> dict[str, Any]:
    names = {part.name for part in fields(Case)}
    read = {name: value for name, value in known.items() if name in names}
    for name, kind in _PARTS.items():
        if read.get(name) is not None:
            read[name] = kind.from_dict(read[name])  # type: ignore[attr-defined]
    if read.get("layers") is not None:
        read["layers"] = tuple(Layer.from_dict(layer) for layer in read["layers"])
    return read
