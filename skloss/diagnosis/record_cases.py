"""Read a record as a case, and write a case as a record."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from skloss.diagnosis.case import Case, PenaltyFacts, Probe, RowFacts, SearchFacts
from skloss.exceptions import RecordFormatError
from skloss.record import Layer, SplitMetrics, Training, TrainingRecord
from skloss.record.loss_gap import gap_of_record
from skloss.record.plain_values import as_plain
from skloss.record.validation_shift import ValidationShift

__all__ = ["case_from_record", "record_from_case"]

# Fields of a case that stand in a record under their own names.
_CONFIGURATION = ("task", "origin", "is_honest", "is_partial")
_DATA = ("n_classes", "holdout", "holdout_groups", "is_resampled")
_SPLITS = ("train", "original", "val")


def record_from_case(case: Case) -> TrainingRecord:
    """Return a record that `case_from_record` reads again."""

    def chosen(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: getattr(case, name) for name in names}

    parts = {name: getattr(case, name) for name in _SPLITS}
    metrics = {name: _plain(part) for name, part in parts.items() if part is not None}
    layers = None if case.layers is None else [_plain(part) for part in case.layers]
    samplers = None if case.samplers is None else list(case.samplers)
    return TrainingRecord(
        configuration=chosen(_CONFIGURATION)
        | {"layers": layers, "training": _plain(case.training)},
        data=chosen(_DATA)
        | {
            "samplers": samplers,
            "rows": _plain(case.rows),
            "validation_shift": _plain(case.shift),
        },
        history={name: np.asarray(c).tolist() for name, c in case.curves.items()},
        outcome={
            "best_epoch": case.best_epoch,
            "kept_epoch": case.best_epoch,
            "stop_reason": case.stop_reason,
            "metrics": metrics,
            "probe": _plain(case.probe),
            "search": _plain(case.search),
            "penalties": _plain(case.penalties),
            "loss_gap": {"not_measured": case.no_gap}
            if case.no_gap
            else _plain(case.gap),
        },
    )


def case_from_record(record: TrainingRecord) -> Case:
    """Return all that a record tells.

    Raises
    ------
    RecordFormatError
        If a part of the record has not the form of this version.
    """
    try:
        return _case(record)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise RecordFormatError(
            "Not a training record: a part of it has another form than in version "
            f"{record.version} ({type(error).__name__}: {error})."
        ) from error


def _case(record: TrainingRecord) -> Case:
    """Return all that a record tells."""
    configuration, data = record.configuration, record.data
    outcome, metrics = record.outcome, record.outcome.get("metrics", {})
    known = {
        name: configuration[name] for name in _CONFIGURATION if configuration.get(name)
    }
    known |= {name: data[name] for name in _DATA if name in data}
    layers, samplers = configuration.get("layers"), data.get("samplers")
    rows = _part(RowFacts, data.get("rows"))
    # Rules about curves are about epochs, not about the penalties of one regression.
    history = {} if "penalty" in record.history else record.history
    return Case(
        curves={name: np.asarray(c, float) for name, c in history.items()},
        layers=None if layers is None else tuple(map(Layer.from_dict, layers)),
        training=_part(Training, configuration.get("training")),
        **{name: _part(SplitMetrics, metrics.get(name)) for name in _SPLITS},
        rows=_facts_of_columns(data) if rows is None else rows,
        probe=_part(Probe, outcome.get("probe")),
        search=_part(SearchFacts, outcome.get("search")),
        penalties=_penalties(record),
        shift=_part(ValidationShift, data.get("validation_shift")),
        samplers=None if samplers is None else tuple(samplers),
        gap=gap_of_record(record),
        no_gap=(outcome.get("loss_gap") or {}).get("not_measured"),
        best_epoch=outcome.get("kept_epoch", record.best_epoch),
        stop_reason=outcome.get("stop_reason"),
        **known,
    )


def _penalties(record: TrainingRecord) -> PenaltyFacts | None:
    """Read the curve over penalties, where there is one."""
    curves = record.history
    if "penalty" not in curves:
        return _part(PenaltyFacts, record.outcome.get("penalties"))
    losses = curves.get("val_loss_at_train_prior", ())
    return PenaltyFacts(tuple(curves["penalty"]), tuple(losses), record.best_epoch)


def _plain(part: Any) -> Any:
    return None if part is None else as_plain(part.to_dict())


def _part(kind: Any, content: Mapping[str, Any] | None) -> Any:
    return None if content is None else kind.from_dict(content)


def _facts_of_columns(data: Mapping[str, Any]) -> RowFacts | None:
    """Read what a fit of skloss keeps of the columns."""
    columns = data.get("columns")
    if not columns:
        return None
    low, high = np.asarray(columns["p01"]), np.asarray(columns["p99"])
    std, middle = np.asarray(columns["std"]), np.asarray(columns["median"])
    size, varies = np.maximum(abs(low), abs(high)), std > 0
    if not varies.any():
        return RowFacts(n_columns=len(std), n_constant=len(std))
    stds = np.where(varies, std, np.nan)
    return RowFacts(
        n_rows=data.get("n_rows"),
        n_columns=len(std),
        n_nonfinite=0,
        n_constant=int((~varies).sum()),
        constant_columns=tuple(np.flatnonzero(~varies).tolist()),
        typical_size=float(np.median(size)),
        largest_size=float(size.max()),
        largest_column=int(size.argmax()),
        smallest_std=float(np.nanmin(stds)),
        smallest_column=int(np.nanargmin(stds)),
        largest_std=float(np.nanmax(stds)),
        offset=float(np.nanmedian(abs(middle) / stds)),
        is_token_ids=False,
        target_kind="ids",
    )
