"""Code and log as a ``Case``: network, settings, and what is done to the rows."""

import ast
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from skloss.diagnosis import Case
from skloss.readers.code.calls import KnownCalls
from skloss.readers.code.estimator_calls import IN_FOLDS
from skloss.readers.code.estimator_settings import estimator_parts
from skloss.readers.code.evaluate import Evaluator
from skloss.readers.code.label_kinds import encoding_of
from skloss.readers.code.network_calls import layers_of_code, training_of_code
from skloss.readers.code.preparation import (
    holdout_of,
    is_split_after_sampler,
    preparation_of,
    samplers_of,
    scaled_labels,
    was_sampled,
)
from skloss.readers.code.syntax import parse_code
from skloss.readers.code.tasks import classes_of, task_of
from skloss.readers.code.values import MOST_LAYERS, Made, Model, Rows
from skloss.record import Layer, Training

__all__ = ["code_case"]

_STEPS = re.compile(r"^[ \t]*(\d{1,9})/(\d{1,9})(?=[ \[━=]|$)", re.MULTILINE)
_MOST_OF_LOG = 300_000
_MOST_UNCALLED = 50  # functions that nothing calls
_NETWORKS = ("keras", "scikeras", "subclassed", "several outputs")
_WITH_KERNEL = re.compile(r"Dense$|Conv|LSTM|GRU")


def code_case(
    code: str, curves: Mapping[str, np.ndarray], log: str = ""
) -> tuple[Case, dict[str, int], tuple[str, ...]]:
    """Read code as a case.

    Parameters
    ----------
    code : str
        The code; it is parsed, never executed.
    curves : dict of str to ndarray
        Curves of its log; empty if there is none.
    log : str, default=""
        The log itself, for the number of steps of an epoch.

    Returns
    -------
    case : Case
        What the code and the log show.
    lines : dict of str to int
        Lines of the code: "head", "compile", "fit", "split", "sample", ...
    notes : tuple of str
        What could not be read.
    """
    statements, notes, is_whole = parse_code(code)
    models, is_followed = _models_of(statements)
    if not is_followed:
        notes += ("the code was too long to be followed to its end",)
    is_partial = not (is_whole and is_followed)
    model = _chosen(models)
    if model is None:
        case = Case(curves=dict(curves), is_partial=is_partial)
        return case, {}, (*notes, *_without_network(statements))
    case, lines = _case_of(model, curves, log)
    case = replace(case, is_partial=is_partial)
    return case, lines, (*notes, *_unread_network(model))


def _models_of(statements: list[ast.stmt]) -> tuple[list[Model], bool]:
    """Follow the code; return its networks, and whether its end was reached."""
    calls = KnownCalls()
    is_whole = calls.evaluator.run(statements)
    if not any(map(_is_known, calls.models)):
        _follow_uncalled(calls.evaluator)
    return calls.models, is_whole


def _follow_uncalled(evaluator: Evaluator) -> None:
    """Follow functions that nothing calls, as ``KerasClassifier(build)`` would."""
    for function in evaluator.functions[:_MOST_UNCALLED]:
        name = getattr(function.node, "name", "")
        if not function.called and name:
            call = ast.Expr(ast.Call(ast.Name(name, ast.Load()), [], []))
            ast.copy_location(call, function.node)
            evaluator.run([ast.fix_missing_locations(call)])


def _without_network(statements: list[ast.stmt]) -> tuple[str, ...]:
    """Say why there is no network to read."""
    if not statements:
        return ("no code was found",)
    imported = {name.partition(".")[0] for name in _imported(statements)}
    if imported & {"torch", "pytorch_lightning", "lightning", "fastai"}:
        return (
            "the network is one of PyTorch, whose code is not read; only its log is",
        )
    return ("no network was found in the code",)


def _imported(statements: list[ast.stmt]) -> list[str]:
    names: list[str] = []
    for one in statements:
        if isinstance(one, ast.Import):
            names += [alias.name for alias in one.names]
        elif isinstance(one, ast.ImportFrom):
            names.append(one.module or "")
    return names


def _unread_network(model: Model) -> tuple[str, ...]:
    if model.kind == "subclassed":
        return ("the network is a subclass of keras.Model; its layers are not read",)
    if model.kind == "several outputs":
        return ("the network has several outputs; its layers are not read",)
    if len(model.layers) > MOST_LAYERS:
        return (f"the network has more than {MOST_LAYERS} layers; they are not read",)
    if model.is_searched:
        return ("the settings that the search varies are not known from the code",)
    return ()


def _is_known(model: Model) -> bool:
    return bool(model.layers) or model.kind != "keras"


def _chosen(models: list[Model]) -> Model | None:
    """Return the last network that is fitted and compiled, or the last of the rest."""
    known = [model for model in models if _is_known(model)]
    ranks = [2 * bool(m.fits) + bool(m.compiled) for m in known]
    best = [m for m, rank in zip(known, ranks, strict=True) if rank == max(ranks)]
    return best[-1] if best else None


# -------------------------------------------------------------------------------- case


def _case_of(
    model: Model, curves: Mapping[str, np.ndarray], log: str
) -> tuple[Case, dict[str, int]]:
    fit = _fit_of(model)
    X, y = (None, None) if fit is None else _pair(fit.option("x", "X", place=0), fit)
    held = None if fit is None else fit.option("validation_data")
    sides = [*held, None] if isinstance(held, tuple | list) else [held, None]
    X_val, y_val = map(_rows, sides[:2])
    layers, training = _network_of(model, fit, classes_of(y))
    training = replace(training, steps_per_epoch=_steps(log))
    case = Case(
        curves=dict(curves),
        layers=layers,
        training=training,
        rows=scaled_labels(y, training),
        preparation=preparation_of(
            (X, y), (X_val, y_val), model.steps, _units_of(layers)
        ),
        is_resampled=was_sampled(X, model.steps),
        samplers=samplers_of(X, model.steps),
        holdout=_holdout(model, fit, X, X_val, training),
        origin=_origin(model),
        decisions=tuple(how for how, _ in model.decisions),
    )
    task, n_classes = task_of(case, y)
    return replace(case, task=task, n_classes=n_classes), _lines(model, fit, X, y)


def _units_of(layers: tuple[Layer, ...] | None) -> int | None:
    """Return the units of the output layer; None if they are not known."""
    head = Case(layers=layers).head
    return None if head is None else head.units


def _fit_of(model: Model) -> Made | None:
    """Return the last ``fit``, with the settings of a wrapper of the network."""
    if not model.fits:
        return Made("settings", [], model.settings, 0) if model.settings else None
    last = model.fits[-1]
    return Made(last.name, last.args, model.settings | last.options, last.line)


def _pair(X: object, fit: Made) -> tuple[Rows | None, Rows | None]:
    return _rows(X), _rows(fit.option("y", place=1))


def _rows(value: object) -> Rows | None:
    return value if isinstance(value, Rows) else None


def _network_of(
    model: Model, fit: Made | None, n_classes: int | None
) -> tuple[tuple[Layer, ...] | None, Training]:
    if model.kind not in _NETWORKS:
        return estimator_parts(model, n_classes)
    return layers_of_code(model), training_of_code(model, fit)


def _holdout(
    model: Model,
    fit: Made | None,
    X: Rows | None,
    X_val: Rows | None,
    training: Training,
) -> str | None:
    has_folds = fit is not None and (model.has_folds or fit.name == IN_FOLDS)
    if has_folds and X is not None and X.has("sample"):
        return "folds"
    known = _holdout_of_fit(model, fit, X, X_val, training)
    if known in (None, "none") and X is not None and is_split_after_sampler(X):
        return "test"
    return known


def _holdout_of_fit(
    model: Model,
    fit: Made | None,
    X: Rows | None,
    X_val: Rows | None,
    training: Training,
) -> str | None:
    if model.kind == "MLPClassifier" and not model.is_searched:
        return "internal" if training.monitor else "none"
    if fit is None or model.kind not in _NETWORKS or model.is_searched:
        return None
    return holdout_of(fit, X, X_val, training.validation_split)


def _origin(model: Model) -> str:
    if model.kind == "MLPClassifier":
        return "sklearn"
    if model.kind == "scikeras":
        return "scikeras"
    return "keras" if model.kind in _NETWORKS else "skloss"


def _steps(log: str) -> int | None:
    """Return the number of steps in an epoch, from "47/47" in a log."""
    found = Counter(
        int(last) for now, last in _STEPS.findall(log[:_MOST_OF_LOG]) if now == last
    )
    return found.most_common(1)[0][0] if found else None


def _lines(
    model: Model, fit: Made | None, X: Rows | None, y: Rows | None
) -> dict[str, int]:
    """Lines of the code that findings may show."""
    kernels = [layer.line for layer in model.layers if _WITH_KERNEL.search(layer.name)]
    lines = {"model": model.line}
    if kernels:
        lines |= {"head": kernels[-1], "hidden": kernels[0]}
    if model.compiled is not None:
        lines["compile"] = model.compiled.line
    if fit is not None:
        lines["fit"] = lines["stop"] = fit.line
    for kind in ("sample", "split", "scale", "sort", "blocks"):
        op = None if X is None else X.find(kind)
        if op is not None:
            lines[kind] = op.line
    divided = None if y is None else y.find("floor", "scale")
    if divided is not None:
        lines["labels"] = divided.line
    if model.decisions:
        lines["decision"] = model.decisions[0][1]
    encoded = encoding_of(y)
    if encoded is not None:
        lines["encoding"] = encoded.line
    return {name: line for name, line in lines.items() if line}
