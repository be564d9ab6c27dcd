"""Layers of skloss that Keras has no equal of, as layers of Keras.

A file of Keras with one of them is loaded where skloss has been imported.
"""

from functools import cache
from typing import Any

__all__ = ["own_layer"]


def own_layer(name: str, **options: Any) -> Any:
    """Make a layer by the name of the layer of the network that it is equal to."""
    return _classes()[name](**options)


@cache
def _classes() -> dict[str, Any]:
    import keras
    from keras import ops

    register = keras.saving.register_keras_serializable("skloss")

    @register
    class SkipMissing(keras.layers.Layer):
        """Zeros in the place of NaN, and the mask of the steps without any."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.supports_masking = True

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
            return ops.logical_not(ops.any(ops.isnan(inputs), axis=-1))

        def call(self, inputs: Any) -> Any:
            is_there = self.compute_mask(inputs)[:, :, None]
            return ops.where(is_there, inputs, ops.zeros_like(inputs))

    @register
    class AttentionPool(keras.layers.Layer):
        """Mean over time, weighted by a softmax of one product."""

        def __init__(self, kernel_regularizer: Any = None, **options: Any) -> None:
            super().__init__(**options)
            self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(
                name="kernel",
                shape=(input_shape[-1], 1),
                regularizer=self.kernel_regularizer,
            )

        def call(self, inputs: Any, mask: Any = None) -> Any:
            scores = ops.matmul(inputs, self.kernel)
            if mask is not None:
                scores += (1 - ops.cast(mask, scores.dtype)[:, :, None]) * -1e9
            return ops.sum(inputs * ops.softmax(scores, axis=1), axis=1)

        def compute_mask(self, inputs: Any, mask: Any = None) -> None:
            return None

        def get_config(self) -> dict[str, Any]:
            regularizer = keras.regularizers.serialize(self.kernel_regularizer)
            return {**super().get_config(), "kernel_regularizer": regularizer}

    return {"SkipMissing": SkipMissing, "AttentionPool": AttentionPool}
