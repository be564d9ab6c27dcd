"""``save`` and ``load``: fitted estimators in files that run no code."""

from os import PathLike
from typing import Any

from sklearn.utils.validation import check_is_fitted

from skloss.exceptions import ModelFileError
from skloss.io.container import read_container, write_container
from skloss.io.estimator_nodes import read_object, write_object
from skloss.io.nodes import Arrays, NodeError, Reader, Writer

__all__ = ["load", "save"]


def save(estimator: Any, path: str | PathLike[str]) -> None:
    """Save a fitted estimator to a file that runs no code when it is loaded.

    Arrays are stored by `safetensors`, steps of scikit-learn and imbalanced-learn by
    `skops`, all else as JSON. Needs ``pip install "skloss[files]"``.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier of skloss, Pipeline of any of scikit-learn, imbalanced-learn
        and skloss, or a search, of which ``best_estimator_`` is saved.
    path : str or path-like
        File to write, at once: whoever reads it meanwhile sees the old file or the new
        one, whole. Any name will do; ``.safetensors`` is what it is.

    Raises
    ------
    ModelFileError
        If a part of the estimator cannot be read again without running code, such as a
        transformer of your own.
    NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    load : Load it.
    to_onnx : Save it for other languages.

    Notes
    -----
    What is kept: parameters, labels, names of columns, weights, the optimizer's state,
    and the record with its curves. Predictions are equal to the bit. Of parameters that
    are functions, such as a schedule or the ``model`` of a
    :class:`~skloss.KerasClassifier`, only the name is kept: the loaded estimator
    predicts, and before a further ``fit`` they must be set again. So must callbacks and
    what metadata routing was asked for.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import skloss
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> classifier = skloss.DenseClassifier(epochs=2, random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     skloss.save(classifier, f"{folder}/rare.safetensors")
    ...     loaded = skloss.load(f"{folder}/rare.safetensors")
    >>> bool((loaded.predict_proba(X) == classifier.predict_proba(X)).all())
    True
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    _check_fitted(estimator)
    writer = Writer(write_object)
    try:
        node = writer.node(estimator, type(estimator).__name__)
        _estimator(node, writer.arrays)  # what cannot be loaded is no file
    except NodeError as err:
        raise ModelFileError(f"The estimator cannot be saved: {err}.") from err
    write_container(path, node, writer.arrays)


def load(path: str | PathLike[str]) -> Any:
    """Load an estimator that `save` saved; no code of the file is run.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator
        The fitted estimator. Dense and convolutional networks and
        :class:`~skloss.RocketClassifier` predict without TensorFlow.

    Raises
    ------
    ModelFileError
        If the file is of another kind, of a newer version, damaged, or holds a type
        that is not trusted.
    OSError
        If the file cannot be opened.

    Notes
    -----
    Memory is bounded: by a few times the size of the file, and a constant.
    """
    node, arrays = read_container(path)
    try:
        return _estimator(node, arrays)
    except NodeError as err:
        raise ModelFileError(f"Cannot load {path}: {err}.") from err


def _estimator(node: Any, arrays: Arrays) -> Any:
    """Return the estimator of a node, with all of the arrays."""
    reader = Reader(arrays, read_object)
    try:
        estimator = reader.value(node)
    except (NodeError, MemoryError, ImportError):
        raise
    except Exception as err:  # whatever classes make of values that do not fit them
        reason = f"{type(err).__name__}: {err}".partition("\n")[0][:200].rstrip(".")
        raise NodeError(f"its content is wrong ({reason})") from err
    if reader.arrays or not hasattr(estimator, "fit"):
        raise NodeError("it holds no estimator, or more than one")
    return estimator


def _check_fitted(estimator: Any) -> None:
    if not hasattr(estimator, "fit"):
        kind = type(estimator).__name__
        raise ModelFileError(f"Only fitted estimators can be saved, got a {kind}.")
    check_is_fitted(estimator)
