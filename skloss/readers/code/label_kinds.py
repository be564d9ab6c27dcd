"""The encoding that code gives labels: a column for each class, or one number."""

from skloss.readers.code.values import Op, Rows

__all__ = ["encoding_of", "target_kind_of"]

# Where one column of it is one number per row for certain.
_TABLES = ("read_", "DataFrame", "loadtxt", "genfromtxt")
_ENCODINGS = ("one_hot", "binarized", "labels", "column")
_UNCLEAR = ("other", "multi_hot", "differences", "tokens")


def encoding_of(y: Rows | None) -> Op | None:
    """Return the last step that decides the encoding; None if there is none."""
    found: Op | None = None
    for op in () if y is None else y.ops:
        if op.kind in _UNCLEAR:
            found = None
        elif op.kind in _ENCODINGS:
            found = op
    return found


def target_kind_of(y: Rows | None, n_units: int | None) -> str | None:
    """Return "one_hot", "ids" or, where it is not known, None.

    ``LabelBinarizer`` makes one column of two classes, so that ``n_units``, the units
    of the output layer, decide what it makes.
    """
    if y is None:
        return None
    op = encoding_of(y)
    if op is None:
        is_list = isinstance(y.values, list) and bool(y.values)
        return "ids" if is_list and all(type(v) is int for v in y.values) else None
    if op.kind == "binarized":
        return None if n_units is None else "one_hot" if n_units > 2 else "ids"
    if op.kind == "column":
        is_one = isinstance(op.detail, str) and y.name.startswith(_TABLES)
        return "ids" if is_one else None
    return "one_hot" if op.kind == "one_hot" else "ids"
