"""The network in NumPy: for prediction without TensorFlow, and for small jobs faster.

Rows go through in blocks small enough that what a layer makes stays in the cache.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skloss.networks.augment import augmented
from skloss.networks.layers import MOST_MOMENT
from skloss.networks.spec import (
    Augment,
    BatchNorm,
    Branches,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    NetworkSpec,
    SeriesScale,
    SlidingMax,
)
from skloss.preprocessing import scaled_series

__all__ = [
    "ACTIVATIONS",
    "forward",
    "forward_in_training",
    "hidden_outputs",
    "series_moments",
]

Array = np.ndarray
_BLOCK_VALUES = 2**17
# Multiplications: OpenBLAS takes one thread for so many; a product of more than the
# second is worth several.
_ONE_THREAD = 2**18
_SHORT = 2**24


def _gelu(z: Array) -> Array:
    from scipy.special import erf

    return 0.5 * z * (1.0 + erf(z / np.sqrt(2.0, dtype=z.dtype)))


def _sigmoid(z: Array) -> Array:
    from scipy.special import expit

    return expit(z)


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _selu(z: Array) -> Array:
    # The two constants of Klambauer et al. 2017, eq. 14.
    return z.dtype.type(1.0507009873554805) * np.where(
        z > 0, z, z.dtype.type(1.6732632423543772) * np.expm1(np.minimum(z, 0))
    )


# Each may overwrite what it is given.
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0, out=z),
    "leaky_relu": lambda z: np.where(z > 0, z, z.dtype.type(0.2) * z),
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": lambda z: z * _sigmoid(z),
    "softplus": lambda z: np.logaddexp(z, z.dtype.type(0)),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
}


def forward(spec: NetworkSpec, weights: Sequence[Array], X: Array) -> Array:
    """Logits of the rows in inference mode.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray
        In the order of ``spec.weight_shapes()``.
    X : ndarray of shape (n, *spec.input_shape)
        Rows; their precision is that of the computation.

    Returns
    -------
    ndarray of shape (n, n_outputs)
        Logits, in the rows' precision.

    Examples
    --------
    >>> from skloss.networks import dense
    >>> spec = dense(2, n_outputs=1, width=())
    >>> weights = [np.array([[1.0], [2.0]], np.float32), np.array([0.5], np.float32)]
    >>> forward(spec, weights, np.ones((1, 2), np.float32))
    array([[3.5]], dtype=float32)
    """
    logits = np.empty((len(X), spec.n_outputs), X.dtype)
    largest = max(int(np.prod(shape)) for shape in spec.shapes())
    step = max(16, _BLOCK_VALUES // largest)
    for start in range(0, len(X), step):
        x = X[start : start + step]
        for layer, arrays in _with_weights(spec, weights):
            x = _apply(layer, arrays, x)
        logits[start : start + step] = x
    return logits


def forward_in_training(
    spec: NetworkSpec,
    weights: Sequence[Array],
    X: Array,
    rng: np.random.Generator,
) -> tuple[Array, float]:
    """Pass one batch through in training mode; nothing is trained.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray
        In the order of ``spec.weight_shapes()``.
    X : ndarray of shape (n, *spec.input_shape)
        The batch, whose own mean and variance are those of batch normalization.
    rng : numpy.random.Generator
        Draws the masks of dropout, and the changes of series.

    Returns
    -------
    logits : ndarray of shape (n, n_outputs)
    activity : float
        Sum of the squares of the penalized outputs.
    """
    x, activity = X, 0.0
    layers = zip(_with_weights(spec, weights), spec.activity_penalized(), strict=True)
    for (layer, arrays), is_penalized in layers:
        x = _apply(layer, arrays, x, rng)
        if is_penalized:
            activity += float(np.vdot(x, x))
    return x, activity


def hidden_outputs(
    spec: NetworkSpec, weights: Sequence[Array], X: Array
) -> list[tuple[str, Array]]:
    """Name of the activation and outputs ``(n, ..., units)`` of each hidden layer."""
    outputs = []
    x = X
    for layer, arrays in _with_weights(spec, weights):
        x = _apply(layer, arrays, x)
        activation = getattr(layer, "activation", "linear")
        if activation != "linear":
            outputs.append((activation, x))
    return outputs


def _with_weights(
    spec: NetworkSpec, weights: Sequence[Array]
) -> Iterator[tuple[Layer, list[Array]]]:
    rest = iter(weights)
    for layer, shape in zip(spec.layers, spec.shapes(), strict=False):
        yield layer, [next(rest) for _ in layer.weight_shapes(shape)]


def _apply(
    layer: Layer,
    arrays: list[Array],
    x: Array,
    rng: np.random.Generator | None = None,
) -> Array:
    """Give the outputs of a layer; with a generator, those of training mode."""
    match layer:
        case Dense():
            z = _product(x, arrays[0])
        case Conv1D():
            z = _convolve(x, arrays[0], layer.padding)
        case BatchNorm():
            gamma, beta, mean, variance = arrays
            if rng is not None:
                axes = tuple(range(x.ndim - 1))
                mean, variance = x.mean(axis=axes), x.var(axis=axes)
            scale = gamma / np.sqrt(variance + np.float32(layer.epsilon))
            return ACTIVATIONS[layer.activation](x * scale + (beta - mean * scale))
        case MaxPool():
            kept = x.shape[1] // layer.size * layer.size
            grouped = x[:, :kept].reshape(len(x), -1, layer.size, x.shape[2])
            return grouped.max(axis=2)
        case GlobalPool():
            return x.mean(axis=1) if layer.pooling == "average" else x.max(axis=1)
        case Flatten():
            return x.reshape(len(x), -1)
        case SlidingMax():
            around = ((0, 0), ((layer.size - 1) // 2, layer.size // 2), (0, 0))
            padded = np.pad(x, around, constant_values=-np.inf)
            return sliding_window_view(padded, layer.size, axis=1).max(axis=3)
        case Dropout():
            if rng is None:
                return x
            kept = rng.random(x.shape, np.float32) >= layer.rate
            return x * kept / x.dtype.type(1 - layer.rate)
        case Augment():
            return x if rng is None else augmented(layer, x, rng)
        case Branches():
            ends = _ends(layer, arrays, x, rng)
            is_sum = layer.joined == "sum"
            z = np.sum(ends, axis=0) if is_sum else np.concatenate(ends, axis=2)
            return ACTIVATIONS[layer.activation](z)
        case SeriesScale():
            return _scale(x, *arrays)
    if layer.use_bias:
        z += arrays[1]
    return ACTIVATIONS[layer.activation](z)


def _ends(
    layer: Branches, arrays: list[Array], x: Array, rng: np.random.Generator | None
) -> list[Array]:
    """Give the outputs of all chains."""
    rest, ends = iter(arrays), []
    for chain in layer.chains:
        end = x
        for inner in chain:
            own = [next(rest) for _ in inner.weight_shapes(end.shape[1:])]
            end = _apply(inner, own, end, rng)
        ends.append(end)
    return ends


def series_moments(series: Array) -> Array:
    """Mean and logarithm of the standard deviation, ``(n, 1, 2 * channels)``.

    The logarithm is minus infinity where a series is constant.
    """
    scaled = scaled_series(series, 1, np.float32)
    with np.errstate(divide="ignore"):
        return np.concatenate([scaled.mean, np.log(scaled.spread)], axis=2)


def _scale(x: Array, center: Array | None = None, spread: Array | None = None) -> Array:
    # Rows come in single precision, whatever the precision of the computation is.
    values = scaled_series(x, 1, np.float32).values
    if center is None or spread is None:
        return values
    moments = np.clip((series_moments(x) - center) / spread, -MOST_MOMENT, MOST_MOMENT)
    shape = (*x.shape[:2], moments.shape[2])
    return np.concatenate([values, np.broadcast_to(moments, shape)], 2, dtype=x.dtype)


def _product(x: Array, kernel: Array) -> Array:
    """``x @ kernel``, without waking BLAS' other threads for a moment's work.

    They spin for some time after it, and take the cores from TensorFlow's; where other
    processes are busy they wait for each other many times longer than they work.
    """
    n_rows = _ONE_THREAD // kernel.size
    is_short = n_rows < len(x) <= _SHORT // kernel.size
    if x.ndim > 2 or n_rows == 0 or not is_short:
        return x @ kernel
    z = np.empty((len(x), kernel.shape[1]), np.result_type(x, kernel))
    for start in range(0, len(x), n_rows):
        np.matmul(x[start : start + n_rows], kernel, out=z[start : start + n_rows])
    return z


def _convolve(x: Array, kernel: Array, padding: str) -> Array:
    size, channels, filters = kernel.shape
    if padding == "same":
        x = np.pad(x, ((0, 0), ((size - 1) // 2, size // 2), (0, 0)))
    windows = sliding_window_view(x, size, axis=1).swapaxes(2, 3)
    columns = np.ascontiguousarray(windows).reshape(-1, size * channels)
    z = _product(columns, kernel.reshape(-1, filters))
    return z.reshape(len(x), -1, filters)
