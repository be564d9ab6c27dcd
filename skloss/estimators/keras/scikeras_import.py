"""scikeras' classifier, or what stands for it where it cannot be imported.

The only module that imports scikeras.
"""

from skloss.keras_interop.keras_start import start_keras
from skloss.training.tensorflow_start import OTHER_BACKEND, start_tensorflow

__all__ = ["ScikerasClassifier", "route_params"]

_package = "tensorflow>=2.18"
try:
    start_tensorflow(to_run=False)
    _package = "keras"
    start_keras()
    _package = "scikeras>=0.13"
    from scikeras._utils import route_params
    from scikeras.wrappers import KerasClassifier as ScikerasClassifier
except Exception as error:  # an installed one can fail in any way
    _error, _cause = error, error.__cause__ or error

    def route_params(*args: object, **kwargs: object) -> None:
        """Never called: nothing can be made of the class below."""

    class ScikerasClassifier:  # type: ignore[no-redef]
        """Says what to install when one is made."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            if _package == "keras" or OTHER_BACKEND in str(_error):
                raise ImportError(f"KerasClassifier: {_error}") from _cause
            name = _package.partition(">")[0]
            line = str(_cause).partition("\n")[0]
            raise ImportError(
                f"KerasClassifier needs {name}, which cannot be imported here "
                f"({type(_cause).__name__}: {line}): install it by "
                f"'pip install \"{_package}\"'."
            ) from _cause
