"""Tables of the configuration: parameters and layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skloss.diagnosis.words import value_text
from skloss.record.plain_values import as_plain
from skloss.reports.context import NotKnown, ReportContext
from skloss.reports.tables import Cell, Table, cell

__all__ = ["default_parameters", "layers", "parameters"]


def parameters(context: ReportContext) -> list[Table]:
    """Tabulate the parameters of the classifier, first those that were changed.

    Raises
    ------
    NotKnown
        If the parameters are not known.
    """
    given = context.record.configuration.get("parameters")
    defaults = default_parameters(context)
    if not given or not defaults:
        given = given or _facts(context)
        if not given:
            raise NotKnown(
                "The parameters are not known. Pass the fitted classifier to "
                "skloss.report."
            )
        rows = tuple((Cell(name), _value(value)) for name, value in given.items())
        return [Table("Parameters", ("parameter", "value"), rows)]
    changed, rest = [], []
    for name, value in given.items():
        if name in defaults and _same(value, defaults[name]):
            rest.append((Cell(name), _value(value)))
        else:
            default = _value(defaults[name]) if name in defaults else Cell("")
            changed.append((Cell(name), _value(value), default))
    columns = ("parameter", "value", "default")
    found = [Table("Changed parameters", columns, tuple(changed))]
    if not changed:
        found = []
    title = "Default parameters"
    return [*found, Table(title, columns[:2], tuple(rest), is_folded=True)]


def default_parameters(context: ReportContext) -> dict[str, Any]:
    """Default values of the parameters; empty if the classifier is not of skloss."""
    import inspect

    import skloss

    name = context.record.configuration.get("estimator")
    if name not in skloss.__all__:
        return {}
    signature = inspect.signature(getattr(skloss, name))
    return {
        parameter.name: parameter.default
        for parameter in signature.parameters.values()
        if parameter.default is not parameter.empty
    }


def _same(value: Any, default: Any) -> bool:
    """Whether a value that has been JSON is the default; lists were tuples."""
    value, default = (as_plain(one, other=repr) for one in (value, default))
    return repr(value) == repr(default)


def _value(value: Any) -> Cell:
    if isinstance(value, float):  # a float32 has seven digits, the rest is noise
        value = float(f"{value:.7g}")
    return cell(value if isinstance(value, str) else repr(value))


def _facts(context: ReportContext) -> dict[str, Any]:
    """Return the known settings of a training by another library."""
    training = context.case.training
    if training is None:
        return {}
    known = training.to_dict()
    return {name: v for name, v in known.items() if v not in (None, (), [], {})}


def layers(context: ReportContext) -> Table:
    """Tabulate the layers of the network, from the input to the output.

    Raises
    ------
    NotKnown
        If the layers are not known.
    """
    if not context.case.layers:
        raise NotKnown(
            "The layers are not known. Pass the fitted classifier or Keras model to "
            "skloss.report."
        )
    rows = tuple(
        (Cell(str(number)), Cell(layer.kind.replace("_", " ")), Cell(_details(layer)))
        for number, layer in enumerate(context.case.layers, start=1)
    )
    columns = ("number", "layer", "details")
    return Table("Layers", columns, rows, is_folded=True)


def _details(layer: Any) -> str:
    facts: Iterable[tuple[str, Any]] = (
        ("units", layer.units),
        ("kernel size", layer.kernel_size),
        ("activation", layer.activation),
        ("rate", layer.rate),
        ("pooling", layer.pooling),
        ("L1", layer.l1 or None),
        ("L2", layer.l2 or None),
    )
    return ", ".join(
        f"{name} {value_text(value)}" for name, value in facts if value is not None
    )
