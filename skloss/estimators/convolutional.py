"""The base of the convolutional classifiers: blocks, pools and a dense head."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np

from skloss.estimators.base import BaseNeuralClassifier
from skloss.estimators.checks import check_rates, check_sizes
from skloss.networks import NetworkSpec
from skloss.networks.layers import Convolution
from skloss.networks.spec import cnn
from skloss.sklearn_compat import Interval, StrOptions

__all__ = ["BaseConvolutionalClassifier"]

_MOST_BLOCKS = 3  # unless told otherwise


@dataclass(eq=False, repr=False, kw_only=True)
class BaseConvolutionalClassifier(BaseNeuralClassifier):
    """Base of the classifiers of series and images."""

    _convolution: ClassVar[type[Convolution]]
    _places: ClassVar[str]  # what convolutions move over
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNeuralClassifier._parameter_constraints,
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left"), None],
        "filters": ["array-like", None],
        "kernel_size": [Integral, "array-like"],
        "pool_size": [Integral, "array-like"],
        "head": [Integral, "array-like"],
        "global_pooling": [StrOptions({"average", "max"}), None],
        "padding": [StrOptions({"same", "valid"})],
    }

    width: int = field(default=16, kw_only=False)
    depth: int | None = field(default=None, kw_only=False)
    activation: str = field(default="relu", kw_only=False)
    dropout: float | Sequence[float] = field(default=0.5, kw_only=False)
    filters: Sequence[Any] | None = None
    kernel_size: int | Sequence[int] = 7
    pool_size: int | Sequence[int] = 2
    head: int | Sequence[int] = 128
    global_pooling: Literal["average", "max"] | None = None
    padding: Literal["same", "valid"] = "same"
    learning_rate: float = 3e-3
    batch_size: int = 16

    def _more_options(self, filters: Sequence[tuple[int, ...]]) -> dict[str, Any]:
        """Options of the network that only a subclass has."""
        return {}

    def _network(self, input_shape: tuple[int, ...], n_outputs: int) -> NetworkSpec:
        owner = type(self).__name__
        places = min(input_shape[:-1])
        filters = self._filters(places)
        n_blocks = len(filters)
        kernels = check_sizes(owner, "kernel_size", self.kernel_size, n_blocks)
        pools = check_sizes(owner, "pool_size", self.pool_size, n_blocks)
        head = check_sizes(owner, "head", self.head)
        options = self._more_options(filters)
        steps = options.get("strides") or (1,) * n_blocks
        self._check_places(places, filters, kernels, pools, steps)
        is_last = [block == n_blocks - 1 for block in range(n_blocks)]
        dropped = [*(last and not head for last in is_last), *(True for _ in head)]
        return cnn(
            self._convolution,
            input_shape,
            n_outputs=n_outputs,
            filters=filters,
            kernel_size=kernels,
            pool_size=pools,
            head=head,
            activation=self.activation,
            dropout=check_rates(owner, self.dropout, dropped),
            batch_norm=self.batch_norm,
            padding=self.padding,
            global_pooling=self.global_pooling,
            l1=float(self.l1),
            l2=float(self.l2),
            activity_l2=float(self.activity_l2),
            **options,
        )

    def _filters(self, places: int) -> list[tuple[int, ...]]:
        """Return the filters of each convolution of each block."""
        owner = type(self).__name__
        if self.filters is not None:
            return [check_sizes(owner, "filters", block) for block in self.filters]
        depth = self.depth
        if depth is None:
            pools = check_sizes(owner, "pool_size", self.pool_size)
            blocks = pools if len(pools) > 1 else pools * _MOST_BLOCKS
            depth = int((np.cumprod(blocks) <= places).sum())
        return [(self.width * 2**block,) for block in range(depth)]

    def _check_places(
        self,
        places: int,
        filters: list[tuple[int, ...]],
        kernels: tuple[int, ...],
        pools: tuple[int, ...],
        strides: tuple[int, ...],
    ) -> None:
        """Say which block has nothing left, before Keras or TensorFlow would."""
        left, name = places, self._places
        blocks = zip(filters, kernels, pools, strides, strict=True)
        for number, (block, kernel, pool, stride) in enumerate(blocks, start=1):
            for position in range(len(block)):
                lost = 0 if self.padding == "same" else kernel - 1
                if left - lost < 1:
                    needed = (kernel - 1) * len(block) + 1
                    raise ValueError(
                        f"kernel_size={kernel} with padding='valid' needs {needed} "
                        f"{name} in block {number}, but {left + position * lost} are "
                        "left: choose a smaller kernel_size or padding='same'."
                    )
                left = -(-(left - lost) // (1 if position else stride))
            if left < pool:
                raise ValueError(
                    f"pool_size={pool} is larger than the {left} {name} that are "
                    f"left in block {number} of {len(filters)}: choose a smaller "
                    "pool_size or fewer blocks."
                )
            left //= pool
