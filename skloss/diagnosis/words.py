"""Words for what a diagnosis tells: counts, values, arguments of a call."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from skloss.diagnosis.finding import Measure

__all__ = [
    "NO_BREAK",
    "measure_text",
    "params_text",
    "printable",
    "tally",
    "value_text",
]

NO_BREAK = "\N{NO-BREAK SPACE}"  # keeps a number and its unit on one line
_MOST_ITEMS = 6


def tally(count: int, noun: str) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> tally(1, "rule"), tally(2, "rule")
    ('1 rule', '2 rules')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def value_text(value: object) -> str:
    """Write a value of the evidence.

    Examples
    --------
    >>> print(value_text(0.123456), value_text(12345.6), value_text(4000))
    0.123 12346 4000
    >>> value_text([0.5, float("nan"), 1e-9])
    '0.5, nan, 1e-09'
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # With three significant digits, 12346 rows would become "1.23e+04".
        return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"
    if isinstance(value, Mapping):
        return _listed(f"{key}: {value_text(part)}" for key, part in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return _listed(map(value_text, value))
    return "none" if value is None else str(value)


def measure_text(measure: Measure) -> str:
    r"""Write a value of the evidence with its unit, and a share as a percentage.

    Examples
    --------
    >>> measure_text(Measure(4, "epochs")), measure_text(Measure(1, "classes"))
    ('4\xa0epochs', '1\xa0class')
    >>> measure_text(Measure(0.219, "of the loss")), measure_text(Measure(5.4, "%"))
    ('21.9%\xa0of the loss', '5.4%')
    >>> measure_text(Measure((0.02, 0.03), "of rows"))
    '2% to 3%\xa0of rows'
    """
    value, unit = measure
    if isinstance(value, int) and value == 1:
        unit = "class" if unit == "classes" else unit.removesuffix("s")
    is_range = isinstance(value, tuple) and list(map(type, value)) == [float, float]
    numbers = " to ".join(_number(n, unit) for n in (value if is_range else (value,)))
    return f"{numbers}{NO_BREAK}{unit}" if unit not in ("", "%") else numbers


def params_text(params: Mapping[str, Any]) -> str:
    """Write parameters as the arguments of a call.

    Examples
    --------
    >>> params_text({"activation": "relu", "learning_rate": 0.001})
    'activation="relu", learning_rate=0.001'
    """
    return ", ".join(f"{name}={_literal(value)}" for name, value in params.items())


def printable(text: str) -> str:
    """Replace control characters.

    Names of columns can contain escape codes, which a terminal would execute.
    """
    return "".join(
        c if c.isprintable() or c == NO_BREAK else " " if c.isspace() else "\ufffd"
        for c in text
    )


def _number(value: object, unit: str) -> str:
    if unit.startswith("of ") and isinstance(value, float):
        return f"{value_text(100.0 * value)}%"
    return value_text(value) + ("%" if unit == "%" else "")


def _listed(items: Iterable[str]) -> str:
    items = list(items)
    more = f", ... ({len(items)} in all)" if len(items) > _MOST_ITEMS else ""
    return ", ".join(items[:_MOST_ITEMS]) + more


def _literal(value: object) -> str:
    if isinstance(value, type) and ".losses" in value.__module__:
        return f"keras.losses.{value.__name__}"
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    quoted = isinstance(value, str)
    return json.dumps(value, ensure_ascii=False) if quoted else repr(value)
