"""Update rules without state of their own: Keras' optimizers as pure functions.

Keras on TensorFlow keeps an optimizer's state in variables, and a program that is
shared by many fits cannot. Each rule here takes one weight, its gradient and its slots
and gives the new weight and slots; it is tested against Keras' optimizer of that name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

from skloss.protocols import Tensor

__all__ = ["UPDATE_RULES", "UpdateArguments", "UpdateRule"]


@dataclass(frozen=True)
class UpdateArguments:
    """What a rule may read besides weight and gradient; the numbers are scalars."""

    learning_rate: Tensor
    step: Tensor  # counted from one, as float
    momentum: Tensor
    weight_decay: Tensor
    nesterov: bool  # part of the program, not an argument of it
    math: Any  # where functions of arrays come from: numpy, or tensorflow.math


Update = Callable[
    [Tensor, Tensor, tuple[Tensor, ...], UpdateArguments],
    tuple[Tensor, tuple[Tensor, ...]],
]


@dataclass(frozen=True)
class UpdateRule:
    """An update, and the first values of the slots that it keeps for each weight."""

    update: Update
    first_slots: tuple[float, ...]


def _sgd(w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments) -> Any:
    velocity = a.momentum * slots[0] - a.learning_rate * g
    if a.nesterov:
        return w + a.momentum * velocity - a.learning_rate * g, (velocity,)
    return w + velocity, (velocity,)


def _rmsprop(
    w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments
) -> Any:
    square = 0.9 * slots[0] + (1 - 0.9) * g * g
    increment = a.learning_rate * g / a.math.sqrt(square + 1e-7)
    return w - increment, (square,)


def _adam(w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments) -> Any:
    first = slots[0] + (g - slots[0]) * (1 - 0.9)
    second = slots[1] + (g * g - slots[1]) * (1 - 0.999)
    unbias = a.math.sqrt(1 - 0.999**a.step) / (1 - 0.9**a.step)
    change = first * (a.learning_rate * unbias) / (a.math.sqrt(second) + 1e-7)
    return w - change, (first, second)


def _adamw(w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments) -> Any:
    return _adam(w - w * a.weight_decay * a.learning_rate, g, slots, a)


def _adamax(w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments) -> Any:
    first = slots[0] + (g - slots[0]) * (1 - 0.9)
    largest = a.math.maximum(0.999 * slots[1], a.math.abs(g))
    change = a.learning_rate * first / ((1 - 0.9**a.step) * (largest + 1e-7))
    return w - change, (first, largest)


def _nadam(w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments) -> Any:
    # The product of all momenta so far depends on every step before, and a rule has no
    # state but its slots: so the number stands in a slot, once for each weight.
    now = 0.9 * (1 - 0.5 * 0.96**a.step)
    ahead = 0.9 * (1 - 0.5 * 0.96 ** (a.step + 1))
    product = slots[2] * 0.9 * (1 - 0.5 * 0.96**a.step)  # rounded as by Keras
    first = slots[0] + (g - slots[0]) * (1 - 0.9)
    second = slots[1] + (g * g - slots[1]) * (1 - 0.999)
    unbiased = ahead * first / (1 - product * ahead) + (1 - now) * g / (1 - product)
    # One minus a power of 0.999, which in single precision is off by 1e-5 at first.
    share = -a.math.expm1(a.step * log(0.999))
    spread = a.math.sqrt(second / share) + 1e-7
    return w - unbiased * a.learning_rate / spread, (first, second, product)


def _lion(w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments) -> Any:
    change = a.learning_rate * a.math.sign(slots[0] * 0.9 + g * (1 - 0.9))
    return w - change, (slots[0] * 0.99 + g * (1 - 0.99),)


def _adagrad(
    w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments
) -> Any:
    total = slots[0] + g * g
    return w - a.learning_rate * g / a.math.sqrt(total + 1e-7), (total,)


def _adadelta(
    w: Tensor, g: Tensor, slots: tuple[Tensor, ...], a: UpdateArguments
) -> Any:
    square = 0.95 * slots[0] + (1 - 0.95) * g * g
    change = -a.math.sqrt(slots[1] + 1e-7) * g / a.math.sqrt(square + 1e-7)
    moved = 0.95 * slots[1] + (1 - 0.95) * change * change
    return w + a.learning_rate * change, (square, moved)


# The constants are Keras' defaults; ``skloss.optimizers`` lists them.
UPDATE_RULES: dict[str, UpdateRule] = {
    "sgd": UpdateRule(_sgd, (0.0,)),
    "rmsprop": UpdateRule(_rmsprop, (0.0,)),
    "adam": UpdateRule(_adam, (0.0, 0.0)),
    "adamw": UpdateRule(_adamw, (0.0, 0.0)),
    "nadam": UpdateRule(_nadam, (0.0, 0.0, 1.0)),
    "adamax": UpdateRule(_adamax, (0.0, 0.0)),
    "lion": UpdateRule(_lion, (0.0,)),
    "adagrad": UpdateRule(_adagrad, (0.1,)),
    "adadelta": UpdateRule(_adadelta, (0.0, 0.0)),
}
