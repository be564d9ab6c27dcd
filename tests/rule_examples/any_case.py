"""Any case that a reader can make, however degenerate: strategies for hypothesis."""

from dataclasses import fields, replace
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from hypothesis import strategies as st
from rule_examples.cases import healthy

from skloss.diagnosis import Case, PenaltyFacts, Probe, RowFacts, SearchFacts
from skloss.record import Layer, SplitMetrics, Training

COUNTS = st.sampled_from((0, 0, 1, 1, 2, 3, 5, 9, 10, 12, 40, 100, 4000))
NUMBERS = st.sampled_from((0.0, 1e-300, 1e-9, 0.01, 0.3, 0.5, 0.9, 1.0, 3.0, 1e9))
SHARES = st.sampled_from((0.0, 1e-9, 0.01, 0.3, 0.5, 0.7, 0.97, 1.0))
SHARES_END = ("share", "shares", "null", "auc", "rate", "momentum", "validation_split")
TEXTS = {
    "loss": ("binary_crossentropy", "categorical_crossentropy", "mse", "crossentropy"),
    "optimizer": ("adam", "sgd", "adadelta", "lion"),
    "class_weight_kind": ("none", "balanced", "dict", "ndarray"),
    "class_weight_keys": ("int", "str"),
    "activation": ("linear", "relu", "sigmoid", "softmax", "tanh"),
    "target_kind": ("ids", "one_hot", "multi_hot", "scaled", "real"),
    "monitor": ("val_loss", "val_mcc"),
    "pooling": ("max", "global_average"),
}


def of_type(kind: Any, name: str) -> st.SearchStrategy[Any]:
    """Values that the annotation of a field allows."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        some = [of_type(part, name) for part in parts if part is not NoneType]
        return st.one_of(st.none(), *some)
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple and parts[-1] is Ellipsis:
        return st.lists(of_type(parts[0], name), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(of_type(part, name) for part in parts))
    if name == "edges":
        edge = {"value": NUMBERS, "side": st.just("largest"), "n_tried": COUNTS}
        return st.dictionaries(st.just("width"), st.fixed_dictionaries(edge))
    if origin is dict:
        keys = st.sampled_from(("0", "1", "2"))
        return st.dictionaries(keys, NUMBERS, max_size=3)
    if kind is float and name.endswith(SHARES_END):
        return SHARES
    if kind is str:
        return st.sampled_from(TEXTS.get(name, ("a", "val_loss")))
    return {bool: st.booleans(), int: COUNTS, float: NUMBERS}[kind]


def parts_of(kind: type[Any], base: Any = None) -> st.SearchStrategy[Any]:
    """Instances of a dataclass: any of its fields changed from a base."""
    hints = get_type_hints(kind)
    values = {part.name: of_type(hints[part.name], part.name) for part in fields(kind)}
    if base is None:
        return st.fixed_dictionaries(values).map(lambda given: kind(**given))
    changed = st.fixed_dictionaries({}, optional=values)
    return changed.map(lambda given: replace(base, **given))


@st.composite
def splits(draw: Any, n_classes: int) -> SplitMetrics:
    """Rows of one side: classes without rows, and any predictions of the others."""
    counts = draw(st.lists(COUNTS, min_size=n_classes, max_size=n_classes))
    if not draw(st.booleans()):
        return SplitMetrics(tuple(counts))
    table = []
    for n in counts:
        shares = draw(st.lists(SHARES, min_size=n_classes, max_size=n_classes))
        whole = sum(shares) or 1.0
        row = [float(n * share / whole) for share in shares]
        table.append(tuple(row if sum(shares) else [float(n), *row[1:]]))
    per_class = st.lists(NUMBERS, min_size=n_classes, max_size=n_classes).map(tuple)
    return SplitMetrics(
        tuple(counts),
        tuple(table),
        loss=draw(st.none() | NUMBERS),
        per_class_loss=draw(st.none() | per_class),
        average_precision=draw(st.none() | SHARES),
        roc_auc=draw(st.none() | SHARES),
    )


@st.composite
def curves(draw: Any) -> dict[str, np.ndarray]:
    """Curves of one length, from none on: flat, at zero, not finite."""
    names = [*healthy().curves, "val_recall", "val_precision", "recall", "tp", "f1"]
    n_epochs = draw(st.sampled_from((0, 1, 2, 3, 4, 5, 9, 12, 30)))
    values = st.sampled_from((0.0, 1e-300, 0.1, 0.5, 0.7, 1.0, 5.0, np.nan, np.inf))
    found = {}
    for name in draw(st.sets(st.sampled_from(names), max_size=6)):
        shape = draw(st.sampled_from(("flat", "any", "falling")))
        if shape == "flat":
            found[name] = np.full(n_epochs, draw(values))
        elif shape == "falling":
            found[name] = 0.7 * 0.9 ** np.arange(n_epochs)
        else:
            drawn = draw(st.lists(values, min_size=n_epochs, max_size=n_epochs))
            found[name] = np.array(drawn, float)
    return found


@st.composite
def cases(draw: Any) -> Case:
    """Return the healthy case with some parts unknown and some degenerate."""
    base = healthy()
    n_classes = draw(st.sampled_from((1, 2, 2, 2, 3, 5)))
    changes = {
        "curves": curves(),
        "layers": st.none() | st.lists(parts_of(Layer), max_size=4).map(tuple),
        "training": st.none() | parts_of(Training, base.training),
        "rows": st.none() | parts_of(RowFacts, base.rows) | parts_of(RowFacts),
        "probe": st.none() | parts_of(Probe, base.probe) | parts_of(Probe),
        "search": st.none() | parts_of(SearchFacts),
        "penalties": st.none() | parts_of(PenaltyFacts),
        "holdout": st.sampled_from((None, "none", "tail", "internal", "given")),
        "is_resampled": st.sampled_from((None, True, False)),
        "is_honest": st.booleans(),
        "samplers": st.sampled_from((None, (), ("SMOTE",))),
        "stop_reason": st.sampled_from((None, "epochs", "diverged", "early_stopping")),
        "best_epoch": st.sampled_from((None, 0)),
        "origin": st.sampled_from(("skloss", "keras", "sklearn", "curves")),
    }
    sides = {
        name: st.none() | splits(n_classes) for name in ("train", "original", "val")
    }
    task = draw(st.sampled_from((None, "binary", "multiclass", "multilabel")))
    given = draw(st.fixed_dictionaries(sides, optional=changes))
    return replace(base, n_classes=n_classes, task=task, **given)
