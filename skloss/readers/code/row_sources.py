"""Sources of rows: files, data sets of libraries, generators, lists."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from skloss.readers.code.row_names import READERS
from skloss.readers.code.values import UNKNOWN, Made, Op, Rows

__all__ = ["SOURCES", "row_source"]

# Images and rows that come with a library: shape of a row, classes, rows, test rows.
_DATASETS: Mapping[str, tuple[tuple[int, ...] | None, int, int, int]] = {
    "mnist": ((28, 28), 10, 60_000, 10_000),
    "fashion_mnist": ((28, 28), 10, 60_000, 10_000),
    "cifar10": ((32, 32, 3), 10, 50_000, 10_000),
    "cifar100": ((32, 32, 3), 100, 50_000, 10_000),
    "imdb": (None, 2, 25_000, 25_000),
    "reuters": (None, 46, 8_982, 2_246),
}
_LOADERS = {
    "load_iris": (4, 3),
    "load_wine": (13, 3),
    "load_breast_cancer": (30, 2),
    "load_digits": (64, 10),
}


def row_source(
    name: str, path: str, args: list[Any], options: dict[str, Any], line: int
) -> Any:
    """Value of a function that gives rows and takes none; NotImplemented if no such."""
    if name == "load_data":
        return _dataset(path, line)
    if name in _LOADERS:
        return _loaded(name, args, options, line)
    if name in READERS and not any(isinstance(one, Rows) for one in args):
        file = args[0] if args and isinstance(args[0], str) else ""
        return Rows(f"{name}:{line}:{file}")
    if name in ("array", "asarray") and args and isinstance(args[0], list | tuple):
        first = args[0][0] if args[0] else None
        shape = (len(first),) if isinstance(first, list | tuple) else None
        return Rows(f"literal:{line}", values=args[0], shape=shape)
    return NotImplemented


def _loaded(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    n_columns, n_classes = _LOADERS[name]
    labels = (Op("classes", n_classes, line), Op("labels", None, line))
    X = Rows(f"{name}.data", shape=(n_columns,))
    y = Rows(f"{name}.target", labels)
    if options.get("return_X_y") is True or args[:1] == [True]:
        return X, y
    return Rows(name, (Op("bunch", (X, y), line),))


def _dataset(path: str, line: int) -> Any:
    name = next((part for part in reversed(path.split(".")) if part in _DATASETS), None)
    if name is None:
        return UNKNOWN
    shape, n_classes, *sizes = _DATASETS[name]
    labels = (Op("classes", n_classes, line), Op("labels", None, line))
    return tuple(
        (Rows(f"{name}.X_{side}", shape=shape), Rows(f"{name}.y_{side}", labels))
        for side, _ in zip(("train", "test"), sizes, strict=True)
    )


def _generated(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``make_classification`` and its kin."""
    line = node.lineno
    n_classes = options.get("n_classes", options.get("centers", 2))
    n_columns = options.get("n_features", 20)
    shape = (n_columns,) if isinstance(n_columns, int) else None
    known = n_classes if isinstance(n_classes, int) else None
    labels = (Op("labels", None, line), Op("classes", known, line))
    return Rows(f"made.X:{line}", shape=shape), Rows(f"made.y:{line}", labels)


def _counted(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``arange``: labels of one row of each class, or a number for each row."""
    stop = args[0] if len(args) == 1 and isinstance(args[0], int) else None
    return Rows(f"range:{node.lineno}", (Op("range", stop, node.lineno),))


def _repeated(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``repeat``: labels of one class after the other."""
    given, line = args[0] if args else UNKNOWN, node.lineno
    if isinstance(given, list | tuple):
        classes: Any = len(given)
    elif isinstance(given, Rows) and (counted := given.find("range")) is not None:
        classes = counted.detail
    else:
        return given.then("other", "repeat", line) if isinstance(given, Rows) else given
    ops = (Op("blocks", None, line), Op("labels", classes, line))
    known = () if classes is None else (Op("classes", classes, line),)
    return Rows(f"blocks:{line}", (*ops, *known))


def _filled(name: str) -> Callable[[list[Any], dict[str, Any], ast.Call], Any]:
    return lambda args, options, node: Made(name, args, options, node.lineno)


SOURCES: Mapping[str, Callable[[list[Any], dict[str, Any], ast.Call], Any]] = {
    "arange": _counted,
    "repeat": _repeated,
    **{name: _filled(name) for name in ("zeros", "ones", "full", "eye", "identity")},
    **dict.fromkeys(
        ("make_classification", "make_blobs", "make_moons", "make_circles"), _generated
    ),
}
