"""The optimizers of Keras: the one table of what skloss knows about each.

The estimators offer the names, the compiled engine has an update rule for each name,
and the diagnosis judges learning rates by the usual ones.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["OPTIMIZERS", "UNCOMPILED", "Optimizer"]


@dataclass(frozen=True)
class Optimizer:
    """Facts about an optimizer.

    Parameters
    ----------
    keras_name : str
        Class in ``keras.optimizers``.
    rates : tuple of float
        Learning rates: below the first one training is slow, the second one is usual,
        above the third one it tends to blow up.
    constants : mapping of str to object
        Arguments of the class that the update rule has built in, at Keras' defaults.
    is_adaptive : bool
        Whether the size of a step does not depend on the size of the gradient.
    """

    keras_name: str
    rates: tuple[float, float, float]
    constants: Mapping[str, object] = field(default_factory=dict)
    is_adaptive: bool = True


_ADAM = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
_USUAL = (1e-4, 1e-3, 1e-2)

OPTIMIZERS: dict[str, Optimizer] = {
    "adam": Optimizer("Adam", _USUAL, _ADAM | {"amsgrad": False}),
    "adamw": Optimizer("AdamW", _USUAL, _ADAM | {"amsgrad": False}),
    "nadam": Optimizer("Nadam", _USUAL, _ADAM),
    "adamax": Optimizer("Adamax", _USUAL, _ADAM),
    "rmsprop": Optimizer(
        "RMSprop",
        _USUAL,
        {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False},
    ),
    "lion": Optimizer("Lion", (1e-5, 1e-4, 1e-3), {"beta_1": 0.9, "beta_2": 0.99}),
    "adagrad": Optimizer(
        "Adagrad",
        (1e-3, 1e-2, 0.3),
        {"initial_accumulator_value": 0.1, "epsilon": 1e-7},
        is_adaptive=False,
    ),
    "adadelta": Optimizer(
        "Adadelta",
        (0.1, 1.0, math.inf),
        {"rho": 0.95, "epsilon": 1e-7},
        is_adaptive=False,
    ),
    "sgd": Optimizer("SGD", (1e-3, 1e-2, 0.3), is_adaptive=False),
}
# Keras has these too, but the engine has no update rule for them.
UNCOMPILED = ("adafactor", "ftrl")
