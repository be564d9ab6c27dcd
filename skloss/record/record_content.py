"""Content of a record: checked, and as strict JSON and back."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from skloss.exceptions import RecordFormatError
from skloss.record.description import Layer, PlainPart, SplitMetrics, Training
from skloss.record.plain_values import as_plain, as_strict_json
from skloss.record.schema import check_record
from skloss.record.text_files import json_of_text
from skloss.record.version1 import from_version_1

__all__ = ["content_of_json", "json_of_content", "not_a_record", "read_content"]

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
# Marks a text that would otherwise be read as a number, or that has the mark itself.
_QUOTE = "text:"


def read_content(
    content: Mapping[str, Any], names: Sequence[str], newest: int
) -> tuple[dict[str, dict[str, Any]], int, dict[str, Any]]:
    """Check the content of a record, and convert it from version 1.

    Parameters
    ----------
    content : mapping of str to object
        What was read.
    names : sequence of str
        Fields of a record. All of them but the history may be absent.
    newest : int
        Version of a content that names none.

    Returns
    -------
    known : dict of str to dict
        The fields.
    version : int
        Version of the content.
    extra : dict
        Fields that are not known.

    Raises
    ------
    RecordFormatError
        If it is not the content of a record.
    """
    if not isinstance(content, Mapping):
        raise not_a_record(f"an object was expected, got {_kind(content)}")
    if "history" not in content:
        raise not_a_record("'history' is missing")
    for name in names:
        if not isinstance(content.get(name, {}), Mapping):
            kind = _kind(content[name])
            raise not_a_record(f"{name!r} must be an object, got {kind}")
    version = content.get("version", newest)
    if isinstance(version, bool) or not isinstance(version, int):
        raise not_a_record(f"'version' must be an integer, got {version!r}")
    known = {name: dict(content.get(name, {})) for name in names}
    known["history"] = _read_history(as_plain(known["history"]))
    if version == 1:
        known, version = _converted(known), 2
    wrong = check_record(known, len(next(iter(known["history"].values()), ())))
    if wrong is None:
        wrong = _problem_of_parts(known)
    if wrong is not None:
        raise not_a_record(wrong)
    extra = {k: v for k, v in content.items() if k not in (*names, "version")}
    return known, version, extra


def json_of_content(content: Mapping[str, Any], indent: int | None) -> str:
    """Write content as strict JSON; NaN is null in the history, a text elsewhere."""
    history = {
        name: [None if value != value else _encode(value) for value in values]
        for name, values in content["history"].items()
    }
    encoded = {name: _encode(part) for name, part in content.items()}
    return json.dumps(encoded | {"history": history}, indent=indent, allow_nan=False)


def content_of_json(text: str) -> Any:
    """Undo `json_of_content`.

    Raises
    ------
    RecordFormatError
        If the text is not JSON, or was cut short.
    """
    return _decode(json_of_text(text, "the text", not_a_record))


def not_a_record(reason: str) -> RecordFormatError:
    """Error of one sentence."""
    return RecordFormatError(f"Not a training record: {reason}.")


def _kind(value: object) -> str:
    """Name of a value's type."""
    return type(value).__name__


def _converted(content: dict[str, Any]) -> dict[str, Any]:
    """Content of version 2, of a record of version 1."""
    try:
        return from_version_1(content)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as err:
        what = f"its fields are not those of version 1 ({type(err).__name__}: {err})"
        raise not_a_record(what) from err


def _read_history(history: Mapping[str, Any]) -> dict[str, list[float]]:
    """Check the curves; null is NaN."""
    curves = {}
    for name, values in history.items():
        if not isinstance(values, list):
            raise not_a_record(f"history[{name!r}] must be a list, got {_kind(values)}")
        curves[name] = [math.nan if value is None else value for value in values]
        for value in curves[name]:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise not_a_record(
                    f"history[{name!r}] must hold numbers, got {value!r}"
                )
            if isinstance(value, int) and abs(value) > 2**62:
                raise not_a_record(f"history[{name!r}] has too large an integer")
    if len({len(values) for values in curves.values()}) > 1:
        raise not_a_record("the lists of 'history' differ in length")
    return curves


def _problem_of_parts(known: Mapping[str, Any]) -> str | None:
    """Say what in the layers, the settings or the metrics is wrong; None if nothing."""
    configuration, metrics = known["configuration"], known["outcome"].get("metrics", {})
    parts: list[tuple[type[PlainPart], str, Any]] = [
        (Layer, f"layers[{number}]", layer)
        for number, layer in enumerate(configuration.get("layers") or ())
    ]
    parts.append((Training, "training", configuration.get("training")))
    parts += [(SplitMetrics, f"metrics[{name!r}]", m) for name, m in metrics.items()]
    for kind, name, content in parts:
        wrong = None if content is None else kind.problem_of(content)
        if wrong is not None:
            return f"{name}: {wrong}"
    sizes = {len(part["counts"]) for part in metrics.values() if part is not None}
    return "the splits differ in their number of classes" if len(sizes) > 1 else None


def _encode(value: Any) -> Any:
    """Put plain data into what strict JSON can say, so that `_decode` undoes it."""
    return as_strict_json(value, text=_quoted)


def _quoted(text: str) -> str:
    return _QUOTE + text if text in _SPECIAL or text.startswith(_QUOTE) else text


def _decode(value: object) -> Any:
    """Undo `_encode`."""
    if isinstance(value, dict):
        return {key: _decode(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_decode(part) for part in value]
    if isinstance(value, str):
        return _SPECIAL.get(value, value.removeprefix(_QUOTE))
    return value
