"""Find the name that a misspelt one was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "nearest_names"]


def nearest_names(name: str, options: Iterable[str], most: int = 1) -> list[str]:
    """Return the options most like a name, whatever the case of their letters.

    Examples
    --------
    >>> nearest_names("ADAN", ["sgd", "adam"])
    ['adam']
    """
    by_small = {option.lower(): option for option in options}
    near = get_close_matches(name.lower(), list(by_small), n=most)
    return [by_small[small] for small in near]


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return a sentence that names the nearest option, or "" if none is near.

    Examples
    --------
    >>> did_you_mean("epoch", ["epochs", "width"])
    " Did you mean 'epochs'?"
    """
    near = nearest_names(name, options)
    return f" Did you mean {near[0]!r}?" if near else ""
