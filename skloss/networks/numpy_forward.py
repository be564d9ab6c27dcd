"""The network in NumPy: for prediction without TensorFlow, and for small jobs faster.

Rows go through in blocks small enough that what a layer makes stays in the cache.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from skloss.networks.layers import Layer
from skloss.networks.spec import NetworkSpec

__all__ = ["Run", "forward", "forward_in_training", "hidden_outputs"]

Array = np.ndarray
_BLOCK_VALUES = 2**17
# Multiplications: OpenBLAS takes one thread for so many; a product of more than the
# second is worth several.
_ONE_THREAD = 2**18
_SHORT = 2**24


class Run:
    """One pass, as the layers see it.

    ``activity`` is the sum of the squares of the penalized outputs.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        weights: Sequence[Array],
        rng: np.random.Generator | None = None,
    ) -> None:
        self.spec, self.rng = spec, rng
        self.mask: Array | None = None
        self.activity = 0.0
        self.hidden: list[tuple[str, Array]] | None = None
        self._weights = iter(weights)

    def take(self) -> Array:
        """Return the next array of weights."""
        return next(self._weights)

    def through(self, layers: Sequence[Layer], x: Array) -> Array:
        """Pass rows through layers."""
        for layer in layers:
            x = layer.numpy(x, self)
            if self.rng is not None and self.spec.penalizes(layer):
                self.activity += float(np.vdot(x, x))
            activation = getattr(layer, "activation", "linear")
            if self.hidden is not None and activation != "linear":
                self.hidden.append((activation, x))
        return x

    def product(self, x: Array, kernel: Array) -> Array:
        """``x @ kernel``, by as many threads as it is worth."""
        return _product(x, kernel)


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
    largest = max(map(prod, spec.shapes()))
    # Each step of a recurrent layer is a call of its own, whatever the rows are.
    fewest = 256 if spec.is_recurrent else 16
    step = max(fewest, _BLOCK_VALUES // largest)
    for start in range(0, len(X), step):
        run = Run(spec, weights)
        logits[start : start + step] = run.through(spec.layers, X[start : start + step])
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
        Draws the masks of dropout.

    Returns
    -------
    logits : ndarray of shape (n, n_outputs)
    activity : float
        Sum of the squares of the penalized outputs.
    """
    run = Run(spec, weights, rng)
    return run.through(spec.layers, X), run.activity


def hidden_outputs(
    spec: NetworkSpec, weights: Sequence[Array], X: Array
) -> list[tuple[str, Array]]:
    """Name of the activation and outputs ``(n, ..., units)`` of each hidden layer."""
    run = Run(spec, weights)
    run.hidden = []
    run.through(spec.layers, X)
    return run.hidden


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
