"""The ``augment`` parameter of a classifier of series, as a layer."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from skloss.estimators.checks import check_choice
from skloss.networks.layers import Augment

__all__ = ["augment_layer"]

_STRENGTHS = {"shift": 0.05, "scale": 0.1, "noise": 0.05, "window": 0.1}


def augment_layer(owner: str, value: Any, n_channels: int) -> Augment | None:
    """Read the parameter.

    Parameters
    ----------
    owner : str
        Name of the classifier, for errors.
    value : None, str, sequence of str or mapping from str to float
        Kinds, and how much of them.
    n_channels : int
        Channels of a series.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = [value]
    names = list(value)
    for name in names:
        check_choice(owner, "augment", name, list(_STRENGTHS))
    given = value if isinstance(value, Mapping) else {}
    found = {name: _strength(owner, name, given) for name in names}
    return Augment(n_channels, **found) if any(found.values()) else None


def _strength(owner: str, name: str, given: Mapping[str, Any]) -> float:
    strength = given.get(name, _STRENGTHS[name])
    is_number = isinstance(strength, Real) and not isinstance(strength, bool)
    if not is_number or not 0 <= strength < 1:
        raise ValueError(
            f"The 'augment' parameter of {owner} has {name}={strength!r}: give a "
            "number from 0, which does nothing, to below 1."
        )
    return float(strength)
