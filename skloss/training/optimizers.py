"""Update rules without state of their own: Keras' optimizers as pure functions.

Keras on TensorFlow keeps an optimizer's state in variables, and a program that is
shared by many fits cannot. Each rule here takes one weight, its gradient and its slots
and gives the new weight and slots; it is tested against Keras' optimizer of that name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["OPTIMIZERS", "Rule", "UpdateArguments"]

Tensor = Any


@dataclass(frozen=True)
class UpdateArguments:
    """What a rule may read besides weight and gradient; all scalar tensors."""

    learning_rate: Tensor
    step: Tensor  # counted from one, as float
    momentum: Tensor
    weight_decay: Tensor
    nesterov: bool  # part of the program, not an argument of it


Update = Callable[
    [Tensor, Tensor, tuple[Tensor, ...], UpdateArguments],
    tuple[Tensor, tuple[Tensor, ...]],
]


@dataclass(frozen=True)
class Rule:
    """An update and the number of slots, zero at first, that it keeps per weight."""

    update: Update
    n_slots: int


def _sgd(w: Tensor, g: Tensor, slots: Any, a: UpdateArguments) -> Any:
    velocity = a.momentum * slots[0] - a.learning_rate * g
    if a.nesterov:
        return w + a.momentum * velocity - a.learning_rate * g, (velocity,)
    return w + velocity, (velocity,)


def _rmsprop(w: Tensor, g: Tensor, slots: Any, a: UpdateArguments) -> Any:
    import tensorflow as tf

    square = 0.9 * slots[0] + (1 - 0.9) * g * g
    increment = a.learning_rate * g / tf.sqrt(square + 1e-7)
    return w - increment, (square,)


def _adam(w: Tensor, g: Tensor, slots: Any, a: UpdateArguments) -> Any:
    import tensorflow as tf

    first = slots[0] + (g - slots[0]) * (1 - 0.9)
    second = slots[1] + (g * g - slots[1]) * (1 - 0.999)
    unbias = tf.sqrt(1 - tf.pow(0.999, a.step)) / (1 - tf.pow(0.9, a.step))
    change = first * (a.learning_rate * unbias) / (tf.sqrt(second) + 1e-7)
    return w - change, (first, second)


def _adamw(w: Tensor, g: Tensor, slots: Any, a: UpdateArguments) -> Any:
    return _adam(w - w * a.weight_decay * a.learning_rate, g, slots, a)


# Constants are Keras' defaults: rho 0.9, betas 0.9 and 0.999, epsilon 1e-7.
OPTIMIZERS: dict[str, Rule] = {
    "sgd": Rule(_sgd, 1),
    "rmsprop": Rule(_rmsprop, 1),
    "adam": Rule(_adam, 2),
    "adamw": Rule(_adamw, 2),
}
