"""Convolutions and pools in TensorFlow, by the quickest of its operations.

TensorFlow has two sets of them. Its graphs take those of oneDNN by themselves only
where the processor has certain instructions (AVX-512 VNNI), or where
``TF_ENABLE_ONEDNN_OPTS=1`` is set, which would change the user's own models as well. On
other processors they are there all the same, and networks of series and images train up
to twice as fast with them. So graphs of our own name them. These operations have no
public names: before they are used, they must give what the public ones give.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from skloss.networks.activations import activate
from skloss.networks.layers import Padding
from skloss.protocols import Tensor
from skloss.training.backends import Backend, compile_graph

__all__ = ["ImageOperations", "image_operations"]


_CONVOLUTION = "_MklNativeFusedConv2D"


class _Window(NamedTuple):
    """How a kernel or a pool moves over the lines and columns of an image."""

    strides: list[int]
    padding: str
    dilations: list[int]


class ImageOperations:
    """TensorFlow's public operations, for every backend.

    Series ``(n, time, channels)`` are images of one line: for images alone TensorFlow
    makes one operation of a convolution, its bias and its activation.
    """

    def convolve(
        self,
        x: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        *,
        activation: str,
        padding: Padding,
        strides: int = 1,
        dilation: int = 1,
    ) -> Tensor:
        """Convolve series or images, add a bias and activate."""
        import tensorflow as tf

        window = _window(x, padding, strides, dilation)
        if len(x.shape) == 4:
            return self._convolve(x, kernel, bias, activation, window)
        x, kernel = tf.expand_dims(x, 1), tf.expand_dims(kernel, 0)
        return tf.squeeze(self._convolve(x, kernel, bias, activation, window), 1)

    def max_pool(
        self, x: Tensor, size: int, *, padding: Padding, strides: int
    ) -> Tensor:
        """Return the largest of ``size`` neighbors in time, or along both axes."""
        import tensorflow as tf

        window = _window(x, padding, strides)
        if len(x.shape) == 4:
            return self._max_pool(x, [size, size], window)
        return tf.squeeze(self._max_pool(tf.expand_dims(x, 1), [1, size], window), 1)

    def _convolve(
        self,
        x: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        activation: str,
        window: _Window,
    ) -> Tensor:
        import tensorflow as tf

        # `conv2d` itself has no pass back of a dilated kernel on every processor.
        x = tf.nn.convolution(
            x, kernel, window.strides, window.padding, dilations=window.dilations
        )
        if bias is not None:
            x = tf.nn.bias_add(x, bias)
        return activate(tf, activation, x)

    def _max_pool(self, x: Tensor, sizes: list[int], window: _Window) -> Tensor:
        import tensorflow as tf

        return tf.nn.max_pool2d(x, sizes, window.strides, window.padding)


def _window(x: Tensor, padding: Padding, strides: int, dilation: int = 1) -> _Window:
    def along(step: int) -> list[int]:
        return [step if len(x.shape) == 4 else 1, step]

    return _Window(along(strides), padding.upper(), along(dilation))


class _OneDnnOperations(ImageOperations):
    """Operations of oneDNN, for graphs that XLA does not compile."""

    def _convolve(
        self,
        x: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        activation: str,
        window: _Window,
    ) -> Tensor:
        import tensorflow as tf

        if bias is None:
            bias = tf.zeros(kernel.shape[-1])
        # What the pass back needs of relu is in its outputs; of others, in its inputs.
        fused = ["BiasAdd", "Relu"] if activation == "relu" else ["BiasAdd"]
        moves = {
            "strides": [1, *window.strides, 1],
            "padding": window.padding,
            "dilations": [1, *window.dilations, 1],
            "use_cudnn_on_gpu": False,
        }

        @tf.custom_gradient
        def convolved(x: Tensor, kernel: Tensor, bias: Tensor) -> Any:
            (found,) = _outputs(
                _CONVOLUTION,
                [x, kernel, bias],
                fused_ops=fused,
                num_args=1,
                num_host_args=0,
                TArgs=[tf.float32],
                is_filter_const=False,
                **moves,
            )

            def gradient(upstream: Tensor) -> Any:
                if "Relu" in fused:
                    upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=found)
                sizes = tf.shape(x), tf.shape(kernel)
                name = "_MklNativeConv2DBackprop"
                x_parts = [sizes[0], kernel, upstream]
                (of_x,) = _outputs(f"{name}Input", x_parts, **moves)
                kernel_parts = [x, sizes[1], upstream]
                (of_kernel,) = _outputs(f"{name}Filter", kernel_parts, **moves)
                return of_x, of_kernel, tf.raw_ops.BiasAddGrad(out_backprop=upstream)

            return found, gradient

        found = convolved(x, kernel, bias)
        return found if "Relu" in fused else activate(tf, activation, found)

    def _max_pool(self, x: Tensor, sizes: list[int], window: _Window) -> Tensor:
        import tensorflow as tf

        moves = {
            "ksize": [1, *sizes, 1],
            "strides": [1, *window.strides, 1],
            "padding": window.padding,
            "workspace_enabled": True,
        }

        @tf.custom_gradient
        def largest(x: Tensor) -> Any:
            # The places of the largest, so that the pass back need not look for them.
            found, places = _outputs("_MklNativeMaxPool", [x], tf.uint8, **moves)

            def gradient(upstream: Tensor) -> Tensor:
                given = [x, found, upstream, places]
                return _outputs("_MklNativeMaxPoolGrad", given, **moves)[0]

            return found, gradient

        return largest(x)


def _outputs(name: str, given: Sequence[Tensor], *more: Any, **options: Any) -> Any:
    """Add an operation without a public name; its first outputs are real numbers."""
    import tensorflow as tf

    options |= {
        "T": tf.float32,
        "data_format": "NHWC",
        "explicit_paddings": [],
        # The mark of TensorFlow itself on operations that it puts in others' place.
        "_kernel": "MklNameChangeOp",
    }
    graph = tf.compat.v1.get_default_graph()
    made = graph.create_op(
        name,
        given,
        [tf.float32, *more],
        name=name[1:],
        attrs={key: _attribute(tf, option) for key, option in options.items()},
    )
    return made.outputs


def _attribute(tf: Any, option: Any) -> Any:
    """Return an option in the form that a graph keeps."""
    kind = tf.compat.v1.AttrValue
    field: str
    match values := option if isinstance(option, list) else [option]:
        case [str(), *_]:
            field, values = "s", [one.encode() for one in values]
        case [bool(), *_]:
            field = "b"
        case [int(), *_] | []:
            field = "i"
        case _:
            field, values = "type", [one.as_datatype_enum for one in values]
    if isinstance(option, list):
        return kind(list=kind.ListValue(**{field: values}))
    return kind(**{field: values[0]})


def image_operations(backend: Backend) -> ImageOperations:
    """Choose the operations of a program, by its backend and by what there is."""
    if backend == "graph" and _has_onednn():
        return _OneDnnOperations()
    return ImageOperations()


@lru_cache(maxsize=1)
def _has_onednn() -> bool:
    """Whether the operations of oneDNN are wanted, and give what is expected."""
    import tensorflow as tf

    if os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() in ("0", "false"):
        return False  # who turns them off wants the others' last digits
    if tf.config.list_physical_devices("GPU"):
        return False  # they would bring the values back from there
    try:
        found, expected = compile_graph(_tried, list, "graph")()
    except Exception:  # of a build without them, in whatever way it says so
        return False
    return all(map(np.allclose, found, expected))


def _tried() -> Any:
    """Results and gradients of a small network, by both sets of operations."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    shapes = (2, 5, 6, 2), (3, 3, 2, 4), (4,)
    given = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]

    def results(operations: ImageOperations) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(given)
            x = operations.convolve(*given, activation="relu", padding="same")
            x = operations.max_pool(x, 2, padding="valid", strides=2)
            total = tf.reduce_sum(x * x)
        return (total, *tape.gradient(total, given))

    return results(_OneDnnOperations()), results(ImageOperations())
