"""Code and log as a ``Case``: network, settings, and what is done to the rows."""

import ast
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skloss.diagnosis import Case
from skloss.diagnosis.case import Preparation, RowFacts
from skloss.readers.code.calls import KnownCalls
from skloss.readers.code.evaluate import Evaluator
from skloss.readers.code.network_calls import layers_of_code, training_of_code
from skloss.readers.code.syntax import parse_code
from skloss.readers.code.values import Made, Model, Rows
from skloss.record import Training

__all__ = ["code_case"]

_STEPS = re.compile(r"^\s*(\d+)/(\d+)(?=[ \[━=]|$)", re.MULTILINE)
_DISTANCES = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")


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
        Lines of the code: "head", "compile", "optimizer", "fit", "split", "sample", ...
    notes : tuple of str
        What could not be read.
    """
    statements, notes = parse_code(code)
    evaluator = Evaluator(KnownCalls)
    calls = evaluator.calls
    if not isinstance(calls, KnownCalls):  # pragma: no cover
        raise TypeError
    finished = evaluator.run(statements)
    if not any(_is_network(model) for model in calls.models):
        _follow_uncalled(evaluator, statements)
    if not finished:
        notes += ("the code was too long to be followed to its end",)
    model = _chosen(calls.models)
    if model is None:
        return (
            Case(curves=dict(curves), origin="code"),
            {},
            (*notes, "no network was found in the code"),
        )
    case, lines = _case_of(model, curves, log)
    return case, lines, notes


def _follow_uncalled(evaluator: Evaluator, statements: list[ast.stmt]) -> None:
    """Follow functions that nothing calls, as ``KerasClassifier(build)`` would."""
    for function in evaluator.functions[:50]:
        if not function.called:
            call = ast.Expr(
                ast.Call(
                    ast.Name(getattr(function.node, "name", ""), ast.Load()), [], []
                )
            )
            ast.copy_location(call, function.node)
            ast.fix_missing_locations(call)
            evaluator.run([call])


def _is_network(model: Model) -> bool:
    return bool(model.layers) or model.kind not in ("keras", "scikeras")


def _chosen(models: list[Model]) -> Model | None:
    """Return the last model that is fitted, else compiled, else stacked."""
    known = [model for model in models if _is_network(model)]
    for is_wanted in (
        lambda m: m.fits and m.compiled,
        lambda m: m.fits,
        lambda m: m.compiled,
        lambda m: True,
    ):
        found = [model for model in known if is_wanted(model)]
        if found:
            return found[-1]
    return None


def _case_of(
    model: Model, curves: Mapping[str, np.ndarray], log: str
) -> tuple[Case, dict[str, int]]:
    fit = next(
        (one for one in reversed(model.fits) if one.name != "wrapper"),
        model.fits[-1] if model.fits else None,
    )
    if model.kind not in ("keras", "scikeras"):
        from skloss.readers.code.estimator_calls import estimator_parts

        layers, training = estimator_parts(model)
    else:
        layers, training = layers_of_code(model), training_of_code(model, fit)
    X, y = _fitted_rows(fit)
    held = _held_out(fit)
    training = replace(training, steps_per_epoch=_steps(log))
    case = Case(
        curves=dict(curves),
        layers=layers,
        training=training,
        origin="keras" if model.kind == "keras" else "code",
    )
    task, n_classes = _task(case, y)
    preparation = _preparation(X, y, held, training)
    case = replace(
        case,
        task=task,
        n_classes=n_classes,
        holdout=_source(fit, X, held, training),
        is_resampled=bool(X.has("sample")) if X is not None and X.is_seen else None,
        rows=_row_facts(y, training),
        preparation=preparation,
    )
    return case, _lines(model, fit, X, y)


def _steps(log: str) -> int | None:
    """Return the number of steps in an epoch, from "47/47" in a log."""
    found = Counter(int(b) for a, b in _STEPS.findall(log[:300_000]) if a == b)
    return found.most_common(1)[0][0] if found else None


def _fitted_rows(fit: Made | None) -> tuple[Rows | None, Rows | None]:
    if fit is None:
        return None, None
    X, y = fit.option("x", "X", place=0), fit.option("y", place=1)
    return X if isinstance(X, Rows) else None, y if isinstance(y, Rows) else None


def _held_out(fit: Made | None) -> tuple[Rows | None, Rows | None]:
    given = None if fit is None else fit.option("validation_data")
    if not isinstance(given, tuple | list) or len(given) < 2:
        return None, None
    X, y = given[:2]
    return X if isinstance(X, Rows) else None, y if isinstance(y, Rows) else None


def _source(
    fit: Made | None,
    X: Rows | None,
    held: tuple[Rows | None, Rows | None],
    training: Training,
) -> str | None:
    """Source of the validation rows, as `Case.holdout` names it."""
    if fit is None:
        return None
    if training.validation_split:
        return "tail"
    if fit.option("validation_data") is None:
        return "none" if fit.name == "fit" else None
    if X is None or held[0] is None:
        return "given"
    ours, theirs = X.find("split"), held[0].find("split")
    if ours is None or theirs is None or ours.detail[0] != theirs.detail[0]:
        return "given"
    # A split of rows that a sampler had made before it.
    before = X.ops[: X.ops.index(ours)]
    return "internal" if any(op.kind == "sample" for op in before) else "given"


# -------------------------------------------------------------------------------- task


def _task(case: Case, y: Rows | None) -> tuple[Any, int | None]:
    """Return the task and the number of classes, as far as the code shows them."""
    head, training = case.head, case.training
    if head is None or head.units is None or training is None:
        return None, None
    encoded = y is not None and y.has("one_hot")
    known = _classes(y)
    names = training.metrics or ()
    accuracy = any("acc" in name.lower() for name in names)
    if y is not None and (y.has("multi_hot") or _has_label_columns(y)):
        return "multilabel", None
    if training.loss in _DISTANCES or training.loss is None:
        bounded = head.activation in ("sigmoid", "softmax")
        is_class = (
            bounded
            or encoded
            or (y is not None and (y.has("labels") or known))
            or (accuracy and _named_label(y))
        )
        if not is_class:
            return None, None
    if head.units > 1:
        binary = "binary" in (training.loss or "")
        if binary and head.activation != "softmax" and not encoded and known is None:
            return None, None
        n_classes = known or head.units
        return ("multiclass" if n_classes > 2 else "binary"), n_classes
    if known is not None and known > 2:
        return "multiclass", known
    return "binary", 2


def _has_label_columns(y: Rows) -> bool:
    column = y.find("column")
    return (
        column is not None
        and isinstance(column.detail, list | type(None))
        and column.detail is not None
        and len(column.detail) > 1
    )


def _named_label(y: Rows | None) -> bool:
    column = None if y is None else y.find("column")
    name = column.detail if column is not None else ""
    return isinstance(name, str) and bool(re.search(r"label|class|categor", name, re.I))


def _classes(y: Rows | None) -> int | None:
    if y is None:
        return None
    for op in reversed(y.ops):
        if (
            op.kind in ("classes", "one_hot", "labels")
            and isinstance(op.detail, int)
            and op.detail > 1
        ):
            return op.detail
    if isinstance(y.values, list | tuple):
        flat = [
            v[0] if isinstance(v, list | tuple) and len(v) == 1 else v for v in y.values
        ]
        if all(isinstance(v, int) for v in flat) and 1 < len(set(flat)) <= 20:
            return len(set(flat))
    return None


# ------------------------------------------------------------------------- preparation


def _row_facts(y: Rows | None, training: Training) -> RowFacts | None:
    """Facts of labels that the code scales down."""
    divided = None if y is None else y.find("floor", "scale")
    if (
        y is None
        or divided is None
        or y.has("one_hot")
        or training.steps_per_epoch is None
    ):
        return None
    how, by = divided.detail[0], divided.detail[1]
    if divided.kind == "floor" and isinstance(by, int | float) and by > 20:
        n_rows = training.steps_per_epoch * (training.batch_size or 1)
        return RowFacts(
            n_rows=n_rows,
            n_distinct_targets=1,
            target_kind="scaled",
            target_min=0.0,
            target_max=0.0,
        )
    if how == "Div" and isinstance(by, int | float) and by > 20:
        n_rows = training.steps_per_epoch * (training.batch_size or 1)
        return RowFacts(
            n_rows=n_rows,
            n_distinct_targets=2,
            target_kind="scaled",
            target_min=0.0,
            target_max=0.5 / by,
        )
    return None


def _preparation(
    X: Rows | None,
    y: Rows | None,
    held: tuple[Rows | None, Rows | None],
    training: Training,
) -> Preparation | None:
    if X is None:
        return None
    scaled = X.has("scale") or any(op.kind == "tokens" for op in X.ops)
    known = (
        X.is_seen and not X.has("other", "differences", "range") and X.values is None
    )
    return Preparation(
        is_scaled=True if scaled else False if known else None,
        is_ordered=_is_ordered(X, y),
        scales_apart=_scales_apart(X, held[0]),
        sampler=_sampler_of_training(X, held[0]),
        fitted_before_split=_fitted_before_split(X),
    )


def _is_ordered(X: Rows, y: Rows | None) -> bool | None:
    """Whether rows of one class follow each other; None if not known."""
    order = None
    for rows in (X, y):
        for op in () if rows is None else rows.ops:
            if op.kind == "blocks" or (op.kind == "sort" and _is_label(op.detail)):
                order = True
            elif op.kind == "shuffle" or (op.kind == "split" and not op.detail[2]):
                order = False
    return order


def _is_label(by: Any) -> bool:
    names = by if isinstance(by, list) else [by]
    return any(
        isinstance(n, str)
        and re.search(r"label|class|target|^y$|categor|outcome", n, re.I)
        for n in names
    )


def _scales_apart(X: Rows, X_val: Rows | None) -> str | None:
    """Say which scaling one side has and the other has not, if that is certain."""
    if X_val is None or (X_val.name == X.name and X_val.ops == X.ops):
        return None
    common = 0
    for ours, theirs in zip(X.ops, X_val.ops, strict=False):
        if ours != theirs:
            break
        common += 1
    left, right = (
        [op for op in rows.ops[common:] if op.kind == "scale"] for rows in (X, X_val)
    )
    if bool(left) == bool(right) or any(
        op.kind == "other" for op in (*X.ops[common:], *X_val.ops[common:])
    ):
        return None
    op = (left or right)[0]
    what = (
        f"a {op.detail[0]}"
        if op.detail[0] not in ("Div", "Mult")
        else "a division or product"
    )
    return (
        f"{'training' if left else 'validation'} rows only, by {what} in line {op.line}"
    )


def _sampler_of_training(X: Rows, X_val: Rows | None) -> str | None:
    """Return the sampler of training rows whose validation rows are as they were."""
    found = X.find("sample")
    if found is None or X_val is None or X_val.has("sample"):
        return None
    return str(found.detail)


def _fitted_before_split(X: Rows) -> str | None:
    split = X.find("split")
    before = X.ops[: X.ops.index(split)] if split is not None else ()
    for op in before:
        if op.kind == "select" or (
            op.kind == "scale" and op.detail[0] not in ("Div", "Mult")
        ):
            return f"{op.detail if op.kind == 'select' else op.detail[0]} in line {op.line}"
    return None


def _lines(
    model: Model, fit: Made | None, X: Rows | None, y: Rows | None
) -> dict[str, int]:
    """Lines of the code that findings may show."""
    kernels = [m for m in model.layers if re.search(r"Dense$|Conv|LSTM|GRU", m.name)]
    lines = {"model": model.line}
    if kernels:
        lines |= {"head": kernels[-1].line, "hidden": kernels[0].line}
    if model.compiled is not None:
        lines["compile"] = model.compiled.line
    if fit is not None:
        lines["fit"] = fit.line
    for kind in ("sample", "split", "scale", "sort", "blocks"):
        op = None if X is None else X.find(kind)
        if op is not None:
            lines[kind] = op.line
    divided = None if y is None else y.find("floor", "scale")
    if divided is not None:
        lines["labels"] = divided.line
    return {name: line for name, line in lines.items() if line}
