"""Stand-ins for functions and other objects of the user that no file holds."""

from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["NotSaved"]


@dataclass(frozen=True)
class NotSaved:
    """A parameter whose value was code, of which a file keeps only the name.

    Parameters
    ----------
    name : str
        Module and name of the function or class.

    Examples
    --------
    >>> schedule = NotSaved("my_module.schedule")
    >>> schedule
    <not saved: my_module.schedule>
    >>> schedule(0)
    Traceback (most recent call last):
        ...
    TypeError: my_module.schedule was not saved, because files of skloss hold no code:
    set the parameter again before fitting.
    """

    name: str

    def __repr__(self) -> str:
        return f"<not saved: {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to be called."""
        raise TypeError(
            f"{self.name} was not saved, because files of skloss hold no code: set the "
            "parameter again before fitting."
        )
