"""The first import of Keras, and what can be said where its backend does not serve."""

import os

from skloss.training.tensorflow_start import OTHER_BACKEND, start_tensorflow

__all__ = ["need_keras_on_tensorflow", "start_keras"]

_OTHERS = {"jax", "openvino", "torch"}


def start_keras() -> None:
    """Import TensorFlow, then Keras.

    Raises
    ------
    ImportError
        If one of them cannot be imported, as Keras where KERAS_BACKEND names a package
        that is not installed.
    """
    start_tensorflow(to_run=False)
    try:
        import keras  # noqa: F401 - to see whether it can be
    except Exception as error:  # an installed one can fail in any way
        cause = f"{type(error).__name__}: {error}".partition("\n")[0]
        asked = os.environ.get("KERAS_BACKEND") or "tensorflow"
        is_other = asked != "tensorflow" or getattr(error, "name", None) in _OTHERS
        remedy = OTHER_BACKEND if is_other else "install it by 'pip install keras'."
        raise ImportError(
            f"Keras cannot be imported here ({cause}): {remedy}"
        ) from error


def need_keras_on_tensorflow(what: str) -> None:
    """Refuse another backend of Keras than TensorFlow.

    Raises
    ------
    RuntimeError
        If Keras runs on another one.
    """
    start_keras()
    import keras

    backend = keras.config.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"{what} needs Keras on TensorFlow, but here Keras runs on {backend!r}: "
            f"{OTHER_BACKEND}"
        )
