"""The way in which code turns the outputs of a network into classes."""

from typing import Any

from skloss.readers.code.values import Model, Rows

__all__ = ["note_comparison", "note_decision", "outputs_of"]

_KEEPING = ("outputs", "same", "reshape", "column", "take", "split")
_ROUNDING = ("round", "around", "rint")
_LAST_AXIS = (1, -1)


def outputs_of(model: Model, line: int) -> Rows:
    """Return what ``model.predict`` gives."""
    rows = Rows(f"outputs:{line}", is_seen=False)
    return rows.then("outputs", model, line)


def note_comparison(rows: Rows, limit: Any, line: int) -> None:
    """Remember that outputs are compared with a number, if they are."""
    if limit == 0.5:
        _note(rows, "above 0.5", line)


def note_decision(
    rows: Any, name: str, args: list[Any], options: dict[str, Any], line: int
) -> None:
    """Remember that outputs are rounded, or that the largest is taken, if so."""
    if not isinstance(rows, Rows):
        return
    if name in _ROUNDING:
        _note(rows, "round", line)
    elif name == "argmax":
        axis = options.get("axis", args[0] if args else None)
        if isinstance(axis, int) and axis in _LAST_AXIS:
            _note(rows, "argmax", line)


def _note(rows: Rows, how: str, line: int) -> None:
    outputs = rows.find("outputs")
    # What is done to outputs before may make probabilities of logits.
    if outputs is not None and all(op.kind in _KEEPING for op in rows.ops):
        outputs.detail.decisions.append((how, line))
