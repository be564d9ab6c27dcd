"""A model of ONNX that answers as an estimator does."""

import json
from os import PathLike
from typing import Any

import numpy as np

from skloss.exceptions import ModelFileError
from skloss.io.container import need

__all__ = ["CLASSES", "OnnxModel"]

# Where `to_onnx` notes the labels, of which ONNX itself has no list.
CLASSES = "skloss.classes"
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
}
_TEXTS = "tensor(string)"


class OnnxModel:
    """A model that `to_onnx` wrote, run by onnxruntime.

    Parameters
    ----------
    path : str or path-like
        The file.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; only of models that `to_onnx` wrote.
    n_features_in_ : int
        Number of columns; only if the model has one input of two dimensions.
    feature_names_in_ : ndarray of str
        Names of the columns; only if each is an input of its own.
    column_kinds : dict of str to str
        "text" or "number" for each of these.

    Raises
    ------
    ModelFileError
        If the file is no model of ONNX.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        runtime = need("onnxruntime", "onnx", "Loading a model of ONNX")
        try:
            self._session = runtime.InferenceSession(str(path))
            self._inputs = self._session.get_inputs()
            known = self._session.get_modelmeta().custom_metadata_map
            if CLASSES in known:
                self.classes_ = np.array(json.loads(known[CLASSES]))
        except Exception as err:  # onnxruntime has classes of errors of its own
            raise ModelFileError(f"Cannot load {path}: it is no ONNX model.") from err
        self.column_kinds: dict[str, str] = {}
        shape = self._inputs[0].shape
        if len(self._inputs) > 1:
            names = [given.name for given in self._inputs]
            self.feature_names_in_ = np.array(names, object)
            self.column_kinds = {
                given.name: "text" if given.type == _TEXTS else "number"
                for given in self._inputs
            }
        elif len(shape) == 2 and isinstance(shape[1], int):
            self.n_features_in_ = shape[1]

    def predict(self, X: Any) -> np.ndarray:
        """Label of each row."""
        return np.asarray(self._run(X)[0])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class, in the order of ``classes_``."""
        return np.asarray(self._run(X)[1], np.float64)

    def _run(self, X: Any) -> list[Any]:
        if len(self._inputs) > 1:
            given = {
                each.name: _typed(np.asarray(X[each.name])[:, None], each.type)
                for each in self._inputs
            }
        else:
            (each,) = self._inputs
            given = {each.name: _typed(np.asarray(X), each.type)}
        return list(self._session.run(None, given))


def _typed(values: np.ndarray, kind: str) -> np.ndarray:
    if kind == _TEXTS:
        return np.array([[str(text) for text in row] for row in values], object)
    return values.astype(_TYPES[kind])
