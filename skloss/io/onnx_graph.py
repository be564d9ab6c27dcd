"""A small writer of ONNX nodes, in whatever graph skl2onnx is about to make."""

from typing import Any

import numpy as np

__all__ = ["Graph"]


class Graph:
    """Adds nodes and constants to the container of a converter of skl2onnx.

    Parameters
    ----------
    scope : skl2onnx Scope
        Gives names that are not used yet.
    container : skl2onnx ModelComponentContainer
        Takes the nodes.

    Attributes
    ----------
    lengths : str or None
        Name of the number of time steps ``(n,)`` of each series that count; they stand
        before all others. None is all.
    """

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container
        self.lengths: str | None = None

    def add(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        number: int = 0,
        **attributes: Any,
    ) -> str:
        """Add a node; return the name of its output of this number."""
        name = output or self._scope.get_unique_variable_name(kind.lower())
        unused = [self._scope.get_unique_variable_name("unused") for _ in range(number)]
        self._container.add_node(
            kind,
            list(inputs),
            [*unused, name],
            name=self._scope.get_unique_operator_name(kind),
            **attributes,
        )
        return name

    def constant(self, values: Any) -> str:
        """Add an array, of its own type; return its name."""
        from onnx import TensorProto

        array = np.asarray(values)
        if array.dtype.kind in "OU":
            kind, plain = TensorProto.STRING, [str(text).encode() for text in array]
        else:
            kinds = {"f4": TensorProto.FLOAT, "f8": TensorProto.DOUBLE}
            kind = kinds.get(array.dtype.str[1:], TensorProto.INT64)
            plain = array.ravel().tolist()
        name = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, kind, list(array.shape), plain)
        return name

    def reshaped(self, name: str, *shape: int) -> str:
        """Reshape, with -1 for the number of rows."""
        return self.add("Reshape", name, self.constant(np.array(shape, np.int64)))

    def floats(self, name: str) -> str:
        """Cast to single precision, as every network of skloss takes its rows."""
        from onnx import TensorProto

        return self.add("Cast", name, to=TensorProto.FLOAT)

    def doubles(self, name: str) -> str:
        """Cast to double precision."""
        from onnx import TensorProto

        return self.add("Cast", name, to=TensorProto.DOUBLE)

    def integers(self, name: str) -> str:
        """Cast to integers of 32 bits, as ONNX has lengths."""
        from onnx import TensorProto

        return self.add("Cast", name, to=TensorProto.INT32)

    def reduced(self, kind: str, name: str, axis: int) -> str:
        """Reduce along an axis, which stays with length one."""
        # The axis was an attribute before, of sums up to version 12.
        if self._container.main_opset >= (13 if kind == "ReduceSum" else 18):
            axes = self.constant(np.array([axis], np.int64))
            return self.add(kind, name, axes, keepdims=1)
        return self.add(kind, name, axes=[axis], keepdims=1)

    def transposed(self, name: str, *axes: int) -> str:
        """Exchange axes."""
        return self.add("Transpose", name, perm=list(axes))

    def channels_first(self, name: str, n_axes: int) -> str:
        """Turn ``(n, places, channels)``, as ONNX has series and images."""
        return self.transposed(name, 0, n_axes, *range(1, n_axes))

    def channels_last(self, name: str, n_axes: int) -> str:
        """Turn ``(n, channels, places)``, as skloss has them."""
        return self.transposed(name, 0, *range(2, n_axes + 1), 1)
