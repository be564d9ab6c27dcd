"""Estimators as nodes: their parameters and their fitted attributes."""

from collections.abc import Callable
from typing import Any

import imblearn.pipeline
import sklearn.pipeline
from sklearn.base import BaseEstimator, clone

from skloss.estimators.fit_job import Fitted
from skloss.estimators.fit_members import FittedMembers
from skloss.io.keras_state import KERAS_PARTS, keras_parts, restore_keras
from skloss.io.kinds import estimator_kind, hints_of
from skloss.io.nodes import NodeError, Reader, Writer, check_types
from skloss.io.not_saved import NotSaved
from skloss.io.skops_parts import read_step, write_step
from skloss.model_selection import Pipeline

__all__ = ["read_object", "write_object"]

_PIPELINES: dict[str, type] = {
    "skloss": Pipeline,
    "imblearn": imblearn.pipeline.Pipeline,
    "sklearn": sklearn.pipeline.Pipeline,
}
_LIBRARIES = ("sklearn.", "imblearn.")
# Of one process: callbacks of scikit-learn, and what metadata routing was asked for.
_PASSING = ("_skl_", "_metadata_request", "_parent_callback_ctx", "_callback_")


def write_object(writer: Writer, value: Any, name: str) -> Any:
    """Return the node of an estimator, or of a parameter that is of no plain kind."""
    kind = type(value)
    if kind in _PIPELINES.values():
        return _pipeline_node(writer, value, name)
    if isinstance(value, BaseEstimator) and estimator_kind(kind.__name__) is kind:
        return _estimator_node(writer, value, name)
    if hasattr(value, "best_estimator_"):
        return writer.node(value.best_estimator_, name)
    if hasattr(value, "fit_resample"):  # it acts in `fit` alone, which fits it anew
        value = clone(value)
    if isinstance(value, BaseEstimator) or kind.__module__.startswith(_LIBRARIES):
        return {"skops": writer.add(write_step(value, name), name)}
    raise NodeError(f"{name} is a {kind.__module__}.{kind.__qualname__}")


def _pipeline_node(writer: Writer, value: Any, name: str) -> dict[str, Any]:
    home = next(home for home, kind in _PIPELINES.items() if kind is type(value))
    parameters = {k: v for k, v in value.get_params(deep=False).items() if k != "steps"}
    return {
        "pipeline": home,
        "parameters": _parameters(writer, parameters, name),
        "steps": [
            [label, writer.node(step, f"{name}.{label}")] for label, step in value.steps
        ],
    }


def _estimator_node(writer: Writer, value: Any, name: str) -> dict[str, Any]:
    parameters = value.get_params(deep=False)
    fitted = {
        attribute: part
        for attribute, part in vars(value).items()
        if attribute not in parameters
        and attribute not in KERAS_PARTS
        and not attribute.startswith(_PASSING)
    }
    fitted |= keras_parts(value)
    return {
        "estimator": type(value).__name__,
        "parameters": _parameters(writer, parameters, name),
        "fitted": {
            attribute: writer.node(part, f"{name}.{attribute}")
            for attribute, part in fitted.items()
        },
    }


def _parameters(writer: Writer, given: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the nodes of parameters; of code only the name is kept."""
    nodes = {}
    for parameter, value in given.items():
        place = f"{name}.{parameter}"
        before = set(writer.arrays)
        try:
            nodes[parameter] = writer.node(value, place)
        except NodeError:
            for made in set(writer.arrays) - before:
                del writer.arrays[made]
            nodes[parameter] = writer.node(NotSaved(_name_of(value)), place)
    return nodes


def _name_of(value: Any) -> str:
    if isinstance(value, list | tuple | dict | set):
        items = value.values() if isinstance(value, dict) else value
        return ", ".join(map(_name_of, items))
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


# ------------------------------------------------------------------------------ reading


def read_object(reader: Reader, node: dict[str, Any]) -> Any:
    """Return the estimator of a node."""
    for kind, read in _READERS.items():
        if kind in node:
            return read(reader, node)
    raise NodeError(
        f"a part of the kind {str(next(iter(node), ''))[:40]!r} is not known"
    )


def _read_pipeline(reader: Reader, node: dict[str, Any]) -> Any:
    kind = _PIPELINES[node["pipeline"]]
    steps = [(label, reader.value(step)) for label, step in node["steps"]]
    if not steps or not all(isinstance(label, str) for label, _ in steps):
        raise NodeError("a pipeline has no steps")
    return kind(steps, **_read_dict(reader, node["parameters"]))


def _read_estimator(reader: Reader, node: dict[str, Any]) -> Any:
    kind = estimator_kind(node["estimator"])
    if kind is None:
        raise NodeError(
            f"the estimator {str(node['estimator'])[:40]!r} is not known here"
        )
    estimator = kind(**_read_dict(reader, node["parameters"]))
    fitted = _read_dict(reader, node["fitted"])
    hints = hints_of(kind)
    check_types(fitted, hints, kind.__name__)
    for name, value in fitted.items():
        # No file may put anything in the place of a method.
        if name not in hints and hasattr(kind, name):
            raise NodeError(f"{name[:40]!r} is nothing that fitting makes")
        vars(estimator)[name] = value
    restore_keras(estimator)
    _check_network(estimator)
    return estimator


def _read_skops(reader: Reader, node: dict[str, Any]) -> Any:
    return read_step(reader.take(node["skops"]))


_READERS: dict[str, Callable[[Reader, dict[str, Any]], Any]] = {
    "estimator": _read_estimator,
    "pipeline": _read_pipeline,
    "skops": _read_skops,
}


def _read_dict(reader: Reader, nodes: dict[str, Any]) -> dict[str, Any]:
    return {name: reader.value(node) for name, node in nodes.items()}


def _check_network(estimator: Any) -> None:
    """Refuse weights of other shapes than those of the network."""
    fitted = vars(estimator).get("_fitted")
    if not isinstance(fitted, Fitted | FittedMembers):
        return
    if not fitted.members or len(fitted.members) != len(fitted.seeds):
        raise NodeError("a classifier has no members")
    for member in fitted.members:
        if member.network is None:
            continue
        wanted = [weight.shape for weight in member.network.weight_shapes()]
        if [weight.shape for weight in member.weights] != wanted:
            raise NodeError("the weights do not fit the network")
