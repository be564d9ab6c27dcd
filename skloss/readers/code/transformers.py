"""Objects that change or choose rows: scalers, samplers, encoders, splitters."""

from typing import Any

from skloss.readers.code.row_names import SCALERS, SPLITTERS
from skloss.readers.code.values import UNKNOWN, Fold, Made, Rows

__all__ = ["is_scaler", "transformer_method"]

# Options by which a generator of images scales them.
_SCALED_BY = ("rescale", "preprocessing_function", "samplewise_std_normalization")


def is_scaler(name: str) -> bool:
    """Whether the class of this name scales its columns."""
    return name in SCALERS or "Scaler" in name


def transformer_method(made: Made, name: str, args: list[Any], line: int) -> Any:
    """Value of ``fit``, ``transform``, ``fit_resample``, ``split`` and their kin."""
    if name == "split" and made.name in SPLITTERS:
        return _folds(made, line)
    rows = next((one for one in args if isinstance(one, Rows)), None)
    if name in ("fit_resample", "fit_sample"):
        return _resampled(made, args, line)
    if name in ("fit", "partial_fit", "adapt"):
        made.fitted_on = rows
        return made
    if made.name == "ImageDataGenerator" and name.startswith("flow"):
        return _images(made, rows, line)
    if rows is None:
        return UNKNOWN
    if name.startswith("fit"):
        made.fitted_on = rows
    kind = made.name
    if kind in ("LabelEncoder", "OrdinalEncoder"):
        return rows.then("labels", None, line, shape=rows.shape)
    if kind == "LabelBinarizer":
        return rows.then("binarized", None, line)
    if kind == "OneHotEncoder" and made.options.get("drop") is None:
        return rows.then("one_hot", None, line)
    if kind == "MultiLabelBinarizer":
        return rows.then("multi_hot", None, line)
    if is_scaler(kind):
        way = "inverse" if name.startswith("inverse") else "scale"
        # Scalers are told apart as objects, and so is whether one is fitted here.
        detail = (kind, made, name.startswith("fit"))
        return rows.then(way, detail, line, shape=rows.shape)
    if name == "texts_to_sequences":
        return rows.then("tokens", name, line, shape=None)
    if name == "texts_to_matrix":
        return rows.then("scale", (name, 0), line, shape=None)
    if kind.startswith("Select") and name.startswith("fit"):
        return rows.then("select", kind, line, shape=None)
    return rows.then("other", kind, line, shape=None)


def _images(made: Made, rows: Rows | None, line: int) -> Rows:
    """Return images of arrays or of a folder, scaled if the generator does that."""
    images = Rows(f"images:{line}", is_seen=False) if rows is None else rows
    way = next((one for one in _SCALED_BY if made.options.get(one)), None)
    if way is None:
        return images
    return images.then("scale", (f"{way} of {made.name}", line), line)


def _folds(made: Made, line: int) -> list[tuple[Fold, Fold]]:
    """Return one fold, which stands for all of them."""
    in_order = made.name in ("KFold", "TimeSeriesSplit", "LeaveOneOut")
    is_ordered = in_order and made.options.get("shuffle") is not True
    return [(Fold("train", is_ordered, line), Fold("val", is_ordered, line))]


def _resampled(made: Made, args: list[Any], line: int) -> Any:
    given = [
        one if isinstance(one, Rows) else Rows(f"array{place}:{line}", is_seen=False)
        for place, one in enumerate(args[:2])
    ]
    return tuple(
        rows.then("sample", made.name, line, shape=rows.shape) for rows in given
    )
