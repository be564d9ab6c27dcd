"""``to_onnx``: fitted estimators as models for other languages."""

import json
from math import prod
from os import PathLike
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skloss.exceptions import ModelFileError
from skloss.io.container import need
from skloss.io.onnx_converters import (
    check_numbers,
    register_converters,
    with_stand_in,
)
from skloss.io.onnx_model import CLASSES
from skloss.whole_files import write_whole

__all__ = ["to_onnx"]


def to_onnx(
    estimator: Any,
    path: str | PathLike[str],
    *,
    X: Any = None,
    target_opset: int | None = None,
) -> None:
    """Write a fitted classifier, or a Pipeline with one, as an ONNX model.

    Needs ``pip install "skloss[onnx]"``. The model has two outputs: ``label``, and
    ``probabilities`` of shape (n, n_classes).

    Parameters
    ----------
    estimator : estimator
        Fitted :class:`~skloss.DenseClassifier`, :class:`~skloss.CNN1DClassifier` or
        :class:`~skloss.RocketClassifier`, or a Pipeline of one with transformers that
        `skl2onnx` knows. Samplers are left out, since they act in ``fit`` alone. Of a
        search, ``best_estimator_`` is written.
    path : str or path-like
        File to write, at once.
    X : array-like or DataFrame, optional
        Some rows, from which names, types and shape of the input are read. Without it
        the input is ``X``, float64 of shape (n, n_features). A Pipeline that was fitted
        on a DataFrame needs it; each column becomes an input of its own. So does a
        classifier of rows that are not flat, as ``(n, timesteps, channels)``.
    target_opset : int, optional
        Version of ONNX' operators, at least 13; the newest that is known by default.

    Raises
    ------
    ModelFileError
        If a part has no form in ONNX.

    See Also
    --------
    save : Save for Python.

    Notes
    -----
    Probabilities agree with ``predict_proba`` to 1e-5. Those of
    :class:`~skloss.RocketClassifier` may differ by more in single rows: it counts
    values above thresholds, and one next to a threshold may fall on its other side.

    After ``skloss.io.register_converters()``, ``skl2onnx.to_onnx(pipeline, X)`` works,
    too, without ``options``.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np, onnxruntime, skloss
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> classifier = skloss.DenseClassifier(epochs=2, random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     skloss.to_onnx(classifier, f"{folder}/rare.onnx")
    ...     session = onnxruntime.InferenceSession(f"{folder}/rare.onnx")
    >>> labels, chances = session.run(None, {"X": X})
    >>> bool(np.abs(chances - classifier.predict_proba(X)).max() < 1e-5)
    True
    """
    skl2onnx = need("skl2onnx", "onnx", "skloss.to_onnx")
    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator)
    register_converters()
    check_numbers(estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator)
    try:
        model = skl2onnx.to_onnx(
            with_stand_in(estimator),
            initial_types=_types(estimator, X),
            options={"zipmap": False},
            target_opset=target_opset,
        )
    except ModelFileError:
        raise
    except Exception as err:  # skl2onnx has classes of errors of its own
        reason = " ".join(str(err).split())[:300].rstrip(".")
        raise ModelFileError(
            f"The estimator cannot be written as ONNX: {reason}."
        ) from err
    noted = model.metadata_props.add()
    noted.key, noted.value = CLASSES, json.dumps(estimator.classes_.tolist())
    write_whole(path, model.SerializeToString())


def _types(estimator: Any, X: Any) -> list[tuple[str, Any]]:
    """Names and types of the inputs."""
    from skl2onnx.common.data_types import (
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    kinds = {"f4": FloatTensorType, "f8": DoubleTensorType}
    if hasattr(X, "columns"):
        return [
            (str(name), _of_column(X[name], kinds, Int64TensorType, StringTensorType))
            for name in X.columns
        ]
    if X is not None:
        X = np.asarray(X)
        kind = kinds.get(X.dtype.str[1:], DoubleTensorType)
        return [("X", kind([None, *X.shape[1:]]))]
    if hasattr(estimator, "steps") and hasattr(estimator, "feature_names_in_"):
        raise ModelFileError(
            "A Pipeline that was fitted on a DataFrame needs some rows, so that the "
            "types of the columns are known: to_onnx(pipeline, path, X=frame)."
        )
    shape = estimator._fitted_shape() if hasattr(estimator, "_fitted_shape") else None
    if shape is not None and prod(shape) != estimator.n_features_in_:
        raise ModelFileError(
            f"{type(estimator).__name__} was fitted on rows that are not flat: pass "
            "some of them, to_onnx(classifier, path, X=rows), so that their shape is "
            "known."
        )
    return [("X", DoubleTensorType([None, estimator.n_features_in_]))]


def _of_column(column: Any, kinds: dict[str, Any], integers: Any, texts: Any) -> Any:
    values = column.to_numpy()
    if values.dtype.kind in "iub":
        return integers([None, 1])
    if values.dtype.kind == "f":
        return kinds.get(values.dtype.str[1:], kinds["f8"])([None, 1])
    return texts([None, 1])
