"""What calls do to rows: scaling, sampling, splitting, encoding, and their order."""

import ast
from typing import Any

from skloss.readers.code.values import UNKNOWN, Made, Op, Rows, Unknown

__all__ = [
    "SAMPLERS",
    "SCALERS",
    "on_rows",
    "row_arithmetic",
    "row_function",
    "row_item",
    "transformer_method",
]

SCALERS = (
    "StandardScaler",
    "MinMaxScaler",
    "RobustScaler",
    "MaxAbsScaler",
    "Normalizer",
    "PowerTransformer",
    "QuantileTransformer",
    "normalize",
    "scale",
    "minmax_scale",
    "robust_scale",
    "PCA",
    "TfidfVectorizer",
    "TfidfTransformer",
    "ColumnTransformer",
    "preprocess_input",
    "standardize",
)
SAMPLERS = (
    "SMOTE",
    "SMOTENC",
    "SMOTEN",
    "ADASYN",
    "BorderlineSMOTE",
    "SVMSMOTE",
    "KMeansSMOTE",
    "SMOTETomek",
    "SMOTEENN",
    "RandomOverSampler",
    "RandomUnderSampler",
    "NearMiss",
    "TomekLinks",
    "EditedNearestNeighbours",
    "ClusterCentroids",
    "OneSidedSelection",
    "NeighbourhoodCleaningRule",
    "InstanceHardnessThreshold",
    "CondensedNearestNeighbour",
)
# Images and rows that come with a library: shape of a row, classes, rows, test rows.
_DATASETS: dict[str, tuple[tuple[int, ...] | None, int, int, int]] = {
    "mnist": ((28, 28), 10, 60_000, 10_000),
    "fashion_mnist": ((28, 28), 10, 60_000, 10_000),
    "cifar10": ((32, 32, 3), 10, 50_000, 10_000),
    "cifar100": ((32, 32, 3), 100, 50_000, 10_000),
    "imdb": (None, 2, 25_000, 25_000),
    "reuters": (None, 46, 8_982, 2_246),
}
_LOADERS = {
    "load_iris": ((4,), 3, 150),
    "load_wine": ((13,), 3, 178),
    "load_breast_cancer": ((30,), 2, 569),
    "load_digits": ((64,), 10, 1_797),
}
_READERS = (
    "read_csv",
    "read_excel",
    "read_table",
    "read_json",
    "read_pickle",
    "read_parquet",
    "load",
    "loadtxt",
    "genfromtxt",
    "loadmat",
    "read_sql",
    "read_hdf",
    "read_feather",
    "imread",
    "fetch_openml",
    "DataFrame",
)
_SAME = (
    "array",
    "asarray",
    "astype",
    "copy",
    "to_numpy",
    "values",
    "ravel",
    "flatten",
    "squeeze",
    "dropna",
    "fillna",
    "drop",
    "reset_index",
    "as_matrix",
    "toarray",
    "tolist",
    "to_list",
    "nan_to_num",
    "asfarray",
    "numpy",
    "drop_duplicates",
    "replace",
    "round",
    "clip",
    "pop",
    "apply",
    "map",
    "transpose",
    "series",
    "set_index",
    "float",
    "rename",
    "head",
    "tail",
    "get",
    "interpolate",
    "infer_objects",
    "Series",
    "DataFrame",
    "convert_to_tensor",
    "constant",
    "todense",
    "csr_matrix",
    "convert_objects",
    "stack",
    "ascontiguousarray",
    "float32",
    "int32",
    "iloc",
    "loc",
    "T",
    "vstack",
    "hstack",
)
_STATISTICS = (
    "mean",
    "std",
    "max",
    "min",
    "var",
    "median",
    "amax",
    "amin",
    "ptp",
    "quantile",
)


def _same(rows: Rows) -> Rows:
    return rows


def row_function(
    name: str, path: str, args: list[Any], options: dict[str, Any], node: ast.Call
) -> Any:
    """Value of a function that gives or takes rows; NotImplemented for any other."""
    line = node.lineno
    special = _FUNCTIONS.get(name)
    if special is not None:
        return special(args, options, node)
    if name == "load_data":
        return _dataset(path, line)
    if name in _LOADERS:
        shape, classes, _ = _LOADERS[name]
        X, y = (
            Rows(f"{name}.data", shape=shape),
            Rows(
                f"{name}.target", (Op("classes", classes, line), Op("labels", 0, line))
            ),
        )
        return (
            (X, y)
            if options.get("return_X_y") is True or True in args[:1]
            else Rows(name, (Op("bunch", (X, y), line),))
        )
    rows = next((a for a in args if isinstance(a, Rows)), None)
    if rows is None:
        if name in _READERS:
            return Rows(f"{name}:{line}:{_text(args)}")
        if args and isinstance(args[0], list | tuple) and name in ("array", "asarray"):
            return Rows(
                f"literal:{line}", values=args[0], shape=_literal_shape(args[0])
            )
        return NotImplemented
    return on_rows(
        rows, name, args[1:] if args and args[0] is rows else args, options, node
    )


def _text(args: list[Any]) -> str:
    return args[0] if args and isinstance(args[0], str) else ""


def _literal_shape(values: Any) -> tuple[int, ...] | None:
    first = values[0] if values else None
    return (len(first),) if isinstance(first, list | tuple) else None


def _dataset(path: str, line: int) -> Any:
    name = next((part for part in reversed(path.split(".")) if part in _DATASETS), None)
    if name is None:
        return UNKNOWN
    shape, classes, n, n_test = _DATASETS[name]
    kind = () if shape is None else (Op("bytes", None, line),)
    labels = (Op("classes", classes, line), Op("labels", 0, line))
    parts = []
    for side, rows in (("train", n), ("test", n_test)):
        count = (Op("rows", rows, line),)
        parts.append(
            (
                Rows(f"{name}.X_{side}", kind + count, shape),
                Rows(f"{name}.y_{side}", labels + count),
            )
        )
    return tuple(parts)


def on_rows(
    rows: Rows, name: str, args: list[Any], options: dict[str, Any], node: ast.Call
) -> Any:
    """Value of a method of rows, or of a function that takes rows first."""
    line = node.lineno
    if name in _STATISTICS:
        return Made(name, [], options, line, fitted_on=rows)
    if name in SCALERS:
        return rows.then("scale", (name, line), line)
    if name == "sort_values":
        by = args[0] if args else options.get("by")
        return rows.then("sort", by, line)
    if name in ("sort", "sort_index", "argsort"):
        return rows.then("take", None, line)
    if name == "sample":
        whole = options.get("frac") == 1 or (args and args[0] == 1)
        return rows.then("shuffle" if whole else "subset", None, line)
    if name in ("shuffle", "permutation", "permuted"):
        return rows.then("shuffle", None, line)
    if name in ("reshape", "expand_dims", "resize"):
        return rows.then(
            "reshape", None, line, shape=_new_shape(rows, name, args, options)
        )
    if name in ("to_categorical", "get_dummies", "one_hot"):
        depth = options.get(
            "num_classes",
            options.get(
                "nb_classes", args[0] if args and name != "get_dummies" else None
            ),
        )
        return rows.then("one_hot", depth if isinstance(depth, int) else None, line)
    if name in ("label_binarize",):
        return rows.then("one_hot", None, line)
    if name in ("argmax", "factorize"):
        return rows.then("labels", None, line)
    if name == "diff":
        return rows.then("differences", None, line)
    if name in ("batch", "prefetch", "cache", "repeat", *_SAME):
        shape = (
            rows.shape
            if name
            in (
                "astype",
                "copy",
                "array",
                "asarray",
                "nan_to_num",
                "dropna",
                "to_numpy",
            )
            else None
        )
        flat = name in (
            "ravel",
            "flatten",
            "squeeze",
            "vstack",
            "hstack",
            "stack",
            "drop",
            "pop",
        )
        return rows.then(
            "same",
            name,
            line,
            shape=None if flat else shape or rows.shape,
            values=rows.values,
        )
    if name == "groupby" or name in (
        "value_counts",
        "nunique",
        "unique",
        "describe",
        "info",
        "count",
        "isnull",
        "isna",
        "bincount",
    ):
        return Made(name, [], {}, line, fitted_on=rows)
    return rows.then("other", name, line, shape=None)


def _new_shape(
    rows: Rows, name: str, args: list[Any], options: dict[str, Any]
) -> tuple[int | None, ...] | None:
    if name == "expand_dims":
        return None if rows.shape is None else (*rows.shape, 1)
    sizes = args[0] if args and isinstance(args[0], tuple | list) else args
    if not sizes and isinstance(options.get("newshape"), tuple | list):
        sizes = options["newshape"]
    return (
        tuple(s if isinstance(s, int) and s > 0 else None for s in sizes[1:])
        if len(sizes) > 1
        else None
    )


def _split(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``train_test_split``: each array gives its training part and its other part."""
    line = node.lineno
    arrays = [a for a in args if isinstance(a, Rows | Unknown | list | Made)]
    ordered = options.get("shuffle") is False
    parts: list[Any] = []
    for place, one in enumerate(arrays):
        rows = (
            one
            if isinstance(one, Rows)
            else Rows(f"array{place}:{line}", is_seen=False)
        )
        for side in ("train", "val"):
            parts.append(rows.then("split", (line, side, ordered), line))
    if isinstance(options.get("stratify"), Rows) and len(parts) >= 4:
        parts[2:4] = [p.then("labels", None, line) for p in parts[2:4]]
    return tuple(parts) if parts else UNKNOWN


def _shuffled(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    found = [
        a.then("shuffle", None, node.lineno) if isinstance(a, Rows) else UNKNOWN
        for a in args
    ]
    return found[0] if len(found) == 1 else tuple(found)


def _resampled(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``sklearn.utils.resample``: with replacement unless told otherwise."""
    kind = "subset" if options.get("replace") is False else "sample"
    found = [
        a.then(kind, "resample", node.lineno) if isinstance(a, Rows) else UNKNOWN
        for a in args
    ]
    return found[0] if len(found) == 1 else tuple(found)


def _stacked(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``concatenate`` and ``concat``: of the rows of one class each, or of any."""
    line = node.lineno
    given = args[0] if args else UNKNOWN
    if isinstance(given, Made) and given.name == "comprehension":
        given = given.args * 2
    parts = list(given) if isinstance(given, list | tuple) else []
    rows = [p for p in parts if isinstance(p, Rows)]
    if options.get("axis") in (1, -1, "columns"):
        return rows[0].then("other", "columns", line, shape=None) if rows else UNKNOWN
    fills = [
        p
        for p in parts
        if isinstance(p, Made) and p.name in ("zeros", "ones", "full", "repeated")
    ]
    if parts and len(fills) == len(parts):
        return Rows(
            f"blocks:{line}", (Op("blocks", None, line), Op("labels", len(parts), line))
        )
    if not rows:
        return UNKNOWN
    by_class = len(rows) == len(parts) and all(p.has("of_class") for p in rows)
    first = rows[0]
    for part in rows:
        if (found := part.find("sample")) is not None and not first.has("sample"):
            first = first.then("sample", found.detail, found.line)
    named = {p.name for p in rows}
    whole = Rows(
        first.name if len(named) == 1 else f"stack:{line}", first.ops, first.shape
    )
    return whole.then("blocks" if by_class else "stack", None, line, shape=first.shape)


def _repeated(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    """``np.repeat``: labels of one class after the other."""
    if args and isinstance(args[0], Rows) and not args[0].has("range"):
        return args[0].then("sample" if False else "other", "repeat", node.lineno)
    classes = (
        args[0].find("range").detail if args and isinstance(args[0], Rows) else None
    )
    ops = (Op("blocks", None, node.lineno), Op("labels", classes, node.lineno))
    return Rows(
        f"blocks:{node.lineno}",
        ops if classes is None else (*ops, Op("classes", classes, node.lineno)),
    )


def _arange(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    return Rows(
        f"range:{node.lineno}",
        (
            Op(
                "range",
                args[0] if len(args) == 1 and isinstance(args[0], int) else None,
                node.lineno,
            ),
        ),
    )


def _filled(name: str) -> Any:
    return lambda args, options, node: Made(name, args, options, node.lineno)


def _made(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    line = node.lineno
    classes = options.get("n_classes", options.get("centers", 2))
    features = options.get("n_features", 20)
    shape = (features,) if isinstance(features, int) else None
    labels = (
        Op("labels", None, line),
        Op("classes", classes if isinstance(classes, int) else None, line),
    )
    return Rows(f"made.X:{line}", shape=shape), Rows(f"made.y:{line}", labels)


def _tokens(args: list[Any], options: dict[str, Any], node: ast.Call) -> Any:
    length = options.get("maxlen", args[1] if len(args) > 1 else None)
    rows = (
        args[0]
        if args and isinstance(args[0], Rows)
        else Rows(f"sequences:{node.lineno}")
    )
    return rows.then(
        "tokens",
        None,
        node.lineno,
        shape=(length,) if isinstance(length, int) else None,
    )


_FUNCTIONS: dict[str, Any] = {
    "train_test_split": _split,
    "shuffle": _shuffled,
    "resample": _resampled,
    "concatenate": _stacked,
    "concat": _stacked,
    "vstack": _stacked,
    "append": _stacked,
    "r_": _stacked,
    "repeat": _repeated,
    "arange": _arange,
    "zeros": _filled("zeros"),
    "ones": _filled("ones"),
    "full": _filled("full"),
    "make_classification": _made,
    "make_blobs": _made,
    "make_moons": _made,
    "make_circles": _made,
    "pad_sequences": _tokens,
}


def row_item(rows: Rows, key: Any, node: ast.Subscript) -> Any:
    """Value of ``rows[...]``: columns, one class, the first or the last rows."""
    line = node.lineno
    place = node.slice
    bunch = rows.find("bunch")
    if bunch is not None and key in ("data", "target"):
        return bunch.detail[key == "target"]
    if isinstance(key, str) or (
        isinstance(key, list) and all(isinstance(k, str) for k in key)
    ):
        return rows.then("column", key, line, shape=None)
    if isinstance(key, Rows):
        compared = key.find("compare")
        if compared is not None:
            return rows.then(
                "of_class"
                if isinstance(compared.detail, int | float | str)
                else "subset",
                compared.detail,
                line,
            )
        return rows.then("shuffle" if key.has("shuffle") else "take", None, line)
    first = place.elts[0] if isinstance(place, ast.Tuple) and place.elts else place
    inner = rows
    if isinstance(first, ast.Slice):
        inner = _sliced(rows, first, line)
    if isinstance(place, ast.Tuple):
        news = sum(_is_new_axis(one) for one in place.elts)
        if news and rows.shape is not None:
            return inner.then("reshape", None, line, shape=(*rows.shape, *[1] * news))
        # `values[:, -1]` is one column, mostly the labels.
        last = place.elts[-1]
        single = not isinstance(last, ast.Slice) and not news
        return inner.then(
            "column", ast.unparse(last)[:40] if single else None, line, shape=None
        )
    return inner if isinstance(first, ast.Slice) else rows.then("take", None, line)


def _is_new_axis(node: ast.expr) -> bool:
    return (isinstance(node, ast.Constant) and node.value is None) or ast.unparse(node)[
        -7:
    ] == "newaxis"


def _sliced(rows: Rows, part: ast.Slice, line: int) -> Rows:
    """First or last rows, as a split at that place."""
    if part.step is not None or (part.lower is None) == (part.upper is None):
        if part.lower is not None and part.upper is not None:
            return rows.then(
                "split", (f"slice {ast.unparse(part)[:80]}", "val", True), line
            )
        return rows
    bound = part.upper if part.upper is not None else part.lower
    side = "train" if part.upper is not None else "val"
    return rows.then("split", (f"slice {ast.unparse(bound)[:80]}", side, True), line)  # type: ignore[arg-type]


def row_arithmetic(left: Any, right: Any, node: ast.BinOp) -> Any:
    """Value of an operator on rows: mostly a scaling."""
    line, op = node.lineno, type(node.op).__name__
    if isinstance(left, Made) and left.name == "repeated" and op == "Add":
        classes = 2 + (left.options.get("n", 0))
        return Made("repeated", left.args, {"n": classes - 1}, line)
    if not isinstance(left, Rows):
        if isinstance(right, Rows) and not isinstance(left, Made):
            return right.then(
                "scale" if op == "Mult" else "other",
                (op, _plain(left)),
                line,
                shape=right.shape,
            )
        return (
            left if isinstance(left, Made) and left.fitted_on is not None else UNKNOWN
        )
    if op == "Mod":
        classes = right if isinstance(right, int) else None
        return left.then("labels", classes, line)
    if op in ("Div", "Mult", "Sub", "Add", "FloorDiv"):
        kind = {"FloorDiv": "floor", "Sub": "shift", "Add": "shift"}.get(op, "scale")
        by = f"{right.name}" if isinstance(right, Made) else _plain(right)
        return left.then(kind, (op, by), line, shape=left.shape)
    return left.then("other", op, line, shape=None)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else None


def transformer_method(
    made: Made, name: str, args: list[Any], options: dict[str, Any], node: ast.Call
) -> Any:
    """Value of ``fit``, ``transform`` and ``fit_resample`` of scalers, samplers, encoders."""
    line = node.lineno
    rows = next((a for a in args if isinstance(a, Rows)), None)
    if name in ("fit_resample", "fit_sample"):
        given = [
            a if isinstance(a, Rows) else Rows(f"array{i}:{line}", is_seen=False)
            for i, a in enumerate(args[:2])
        ]
        return tuple(r.then("sample", made.name, line, shape=r.shape) for r in given)
    if name in ("fit", "partial_fit", "adapt"):
        made.fitted_on = rows
        return made
    if rows is None:
        return UNKNOWN
    if name.startswith("fit"):
        made.fitted_on = rows
    if made.name in ("LabelEncoder", "OrdinalEncoder"):
        return rows.then("labels", None, line, shape=rows.shape)
    if made.name in ("OneHotEncoder", "LabelBinarizer", "MultiLabelBinarizer"):
        return rows.then(
            "multi_hot" if made.name.startswith("Multi") else "one_hot", None, line
        )
    if made.name in SCALERS or "Scaler" in made.name:
        fit_on_all = made.fitted_on is not None and not made.fitted_on.has("split")
        kind = "inverse" if name.startswith("inverse") else "scale"
        return rows.then(
            kind, (made.name, id(made), fit_on_all), line, shape=rows.shape
        )
    if name in ("texts_to_sequences", "texts_to_matrix"):
        return rows.then(
            "tokens" if name.endswith("sequences") else "scale",
            (name, 0),
            line,
            shape=None,
        )
    if made.name.startswith("Select") and name.startswith("fit"):
        return rows.then("select", made.name, line, shape=None)
    return rows.then("other", made.name, line, shape=None)
