"""A Keras model as a spec, where a spec can say what the model is.

Only a chain of plain layers has one: what a layer does beyond it (a constraint, a
stride, frozen weights) is looked for, because a network that is almost the same would
train to something else without a word.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from skloss.networks.activations import ACTIVATIONS
from skloss.networks.layers import LAYERS, Dense, Dropout, Flatten, Layer, Recurrent
from skloss.networks.layers.keras_options import NoCompiledFormError, need, unusual
from skloss.networks.spec import NetworkSpec
from skloss.protocols import KerasLayer, KerasModel

__all__ = ["NoCompiledFormError", "spec_from_keras"]


def spec_from_keras(model: KerasModel, *, from_logits: bool) -> NetworkSpec:
    """Read a built Keras model.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional, with its weights.
    from_logits : bool
        Whether the loss takes the outputs for logits. Otherwise the last activation
        must be a sigmoid over one unit or a softmax over several, and the spec has the
        logits before it.

    Returns
    -------
    NetworkSpec
        ``model.get_weights()`` belongs to it as it is.

    Raises
    ------
    NoCompiledFormError
        If no spec says what the model does.

    Examples
    --------
    >>> import keras
    >>> layers = [keras.Input((9,)), keras.layers.Dense(18, "relu"),
    ...           keras.layers.Dense(1, "sigmoid")]
    >>> spec = spec_from_keras(keras.Sequential(layers), from_logits=False)
    >>> spec.n_parameters, spec.layers[-1].activation
    (199, 'linear')
    >>> noise = keras.layers.GaussianNoise(0.1, name="noise")
    >>> noisy = keras.Sequential([*layers, noise])
    >>> spec_from_keras(noisy, from_logits=False)
    Traceback (most recent call last):
        ...
    skloss.networks.layers.keras_options.NoCompiledFormError: layer 'noise' is a
    GaussianNoise on rows of shape (1,)
    """
    reader = _Reader(_input_shape(model))
    for layer in _chain(model):
        reader.read(layer)
    spec = reader.spec(from_logits)
    if [w.shape for w in spec.weight_shapes()] != [
        tuple(w.shape) for w in model.weights
    ]:
        raise NoCompiledFormError("its weights are not those of its layers")
    return spec


def _input_shape(model: KerasModel) -> tuple[int, ...]:
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1 or len(model.outputs) != 1:
        raise NoCompiledFormError("the network has not one input and one output")
    shape = tuple(inputs[0].shape[1:])
    if None in shape or inputs[0].dtype != "float32":
        raise NoCompiledFormError("the input is not one of float32 rows of one shape")
    return shape


# ------------------------------------------------------------------------------- chain


def _chain(model: KerasModel | KerasLayer) -> Iterator[Any]:
    """Layers from the input to the output, those of inner models too."""
    kind = type(model)
    if not kind.__module__.startswith("keras.") or kind.__name__ not in (
        "Sequential",
        "Functional",
    ):
        raise NoCompiledFormError(
            f"the model is a {kind.__name__} with code of its own"
        )
    if not model.trainable:
        raise NoCompiledFormError(f"{model.name!r} is frozen")
    before = None
    for layer in model.layers:
        if kind.__name__ == "Functional" and before is not None:
            _check_follows(layer, before)
        before = layer
        if hasattr(layer, "layers"):
            yield from _chain(layer)
        elif type(layer).__name__ != "InputLayer":
            yield layer


def _check_follows(layer: KerasLayer, before: KerasLayer) -> None:
    try:
        follows = layer.input is before.output
    except (AttributeError, ValueError):  # called more than once
        follows = False
    if not follows:
        raise NoCompiledFormError("the layers are not one chain")


# ------------------------------------------------------------------------------ layers


class _Reader:
    """Layers of a spec, and the penalties that stood on the layers they came from."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        self.input_shape = input_shape
        self.layers: list[Layer] = []
        self.activity: list[float] = []
        self.kernels: list[tuple[float, float]] = []

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row after the layers read so far."""
        return NetworkSpec(self.input_shape, tuple(self.layers)).shapes()[-1]

    def read(self, layer: KerasLayer) -> None:
        """Add a Keras layer."""
        import keras

        kinds = keras.layers
        _check_plain(layer)
        if type(layer) in (kinds.Flatten, kinds.Reshape):
            self._reshape(layer)
        elif (kind := _kind_of(layer)) is not None:
            self._add(kind.read(layer, self.shape), layer)
        else:
            self._activate(layer)

    def spec(self, from_logits: bool) -> NetworkSpec:
        """All that was read, the last activation left to the loss."""
        head = self.layers[-1] if self.layers else None
        if not isinstance(head, Dense):
            raise NoCompiledFormError("the last layer with units is not a Dense")
        expected = "sigmoid" if head.units == 1 else "softmax"
        if head.activation != ("linear" if from_logits else expected):
            raise NoCompiledFormError(
                f"the loss takes {'logits' if from_logits else 'probabilities'}, and "
                f"{head.units} units end in {head.activation!r}"
            )
        layers = (*self.layers[:-1], replace(head, activation="linear"))
        for layer in layers:
            if getattr(layer, "activation", "linear") not in ACTIVATIONS:
                raise NoCompiledFormError("a softmax stands before the last layer")
        if len(set(self.kernels)) > 1:
            raise NoCompiledFormError("the penalties of the kernels differ")
        l1, l2 = self.kernels[0]
        spec = NetworkSpec(self.input_shape, layers, l1, l2, max(self.activity))
        acts = [spec.activity_l2 * spec.penalizes(layer) for layer in layers]
        if acts != self.activity:
            raise NoCompiledFormError("the penalties of the activities differ")
        return spec

    def _add(self, read: Layer, layer: KerasLayer) -> None:
        if isinstance(read, Dropout) and not read.rate:
            return
        if hasattr(read, "use_bias"):
            names = ("kernel_constraint", "bias_constraint", "bias_regularizer")
            need(layer, **dict.fromkeys(names))
            self.kernels.append(_penalty(layer, "kernel_regularizer"))
            read = _activated(read, _function_name(layer))
        elif isinstance(read, Recurrent):
            inner = getattr(layer, "forward_layer", layer)
            self.kernels.append(_penalty(inner, "kernel_regularizer"))
            layer = inner
        self.layers.append(read)
        self.activity.append(_penalty(layer, "activity_regularizer")[1])

    def _activate(self, layer: KerasLayer) -> None:
        """Give the layer read last the activation that follows it."""
        name = _activation_of(layer, self.shape)
        penalty = _penalty(layer, "activity_regularizer")[1]
        if name == "linear" and not penalty:
            return
        last = self.layers[-1] if self.layers else Layer()
        if getattr(last, "activation", "") != "linear" or self.activity[-1]:
            raise NoCompiledFormError(
                f"layer {layer.name!r} does not follow a layer of units directly"
            )
        self.layers[-1] = _activated(last, name)
        self.activity[-1] = penalty

    def _reshape(self, layer: KerasLayer) -> None:
        """Rows enter the engine folded, so that a first layer may shape them anew."""
        shape = tuple(layer.output.shape[1:])
        if shape == self.shape:
            return
        if not self.layers and len(shape) <= 3:
            self.input_shape = shape
        elif type(layer).__name__ == "Flatten":
            self._add(Flatten(), layer)
        else:
            raise unusual(layer, "target_shape", shape)


def _check_plain(layer: KerasLayer) -> None:
    if not layer.trainable and layer.weights:
        raise NoCompiledFormError(f"layer {layer.name!r} is frozen")
    if layer.dtype_policy.name != "float32":
        raise unusual(layer, "dtype", layer.dtype_policy.name)
    for name in ("lora_rank", "quantization_mode"):
        if getattr(layer, name, None) is not None:
            raise unusual(layer, name, getattr(layer, name))


def _kind_of(layer: KerasLayer) -> type[Layer] | None:
    """Kind of a layer of Keras itself, not of a class that is derived from it."""
    import keras

    name = type(layer).__name__
    if getattr(keras.layers, name, None) is not type(layer):
        return None
    return next((kind for kind in LAYERS if name in kind.keras_names), None)


def _activated(layer: Any, name: str) -> Layer:
    """Return a layer with the activation of this name."""
    return cast(Layer, replace(layer, activation=name))


def _activation_of(layer: KerasLayer, shape: tuple[int, ...]) -> str:
    """Name of the activation that a layer of its own is."""
    import keras

    kinds = keras.layers
    if type(layer) is kinds.Activation:
        return _function_name(layer)
    if type(layer) is kinds.ReLU:
        need(layer, max_value=None, negative_slope=0.0, threshold=0.0)
        return "relu"
    if type(layer) is kinds.LeakyReLU:
        need(layer, negative_slope=0.2)
        return "leaky_relu"
    if type(layer) is kinds.ELU:
        need(layer, alpha=1.0)
        return "elu"
    if type(layer) is kinds.Softmax:
        need(layer, axis=-1)
        return "softmax"
    raise NoCompiledFormError(
        f"layer {layer.name!r} is a {type(layer).__name__} on rows of shape {shape}"
    )


def _function_name(layer: KerasLayer) -> str:
    import keras

    function = layer.activation
    name = getattr(function, "__name__", "")
    known = (*ACTIVATIONS, "softmax")
    if name not in known or keras.activations.get(name) is not function:
        raise NoCompiledFormError(
            f"layer {layer.name!r} has an activation that the engine has not"
        )
    return name


def _penalty(layer: KerasLayer, place: str) -> tuple[float, float]:
    """Factors of L1 and L2."""
    import keras

    found = getattr(layer, place, None)
    if found is None:
        return 0.0, 0.0
    l1, l2 = (float(getattr(found, name, 0.0)) for name in ("l1", "l2"))
    kinds = keras.regularizers
    is_known = type(found) in (kinds.L1, kinds.L2, kinds.L1L2)
    if not is_known or (place == "activity_regularizer" and l1):
        raise unusual(layer, place, type(found).__name__)
    return l1, l2
