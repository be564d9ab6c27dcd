"""The kinds of program, and which serves a job: the one place where that is decided.

The choice depends on the job alone, never on what is cached, because two kinds differ
in the last bits and a fit must not depend on the fits before it.
"""

from collections.abc import Callable
from typing import Any, Literal

from skloss.networks.spec import NetworkSpec

__all__ = ["Kind", "compile_graph", "program_kind"]

Kind = Literal["xla", "graph", "eager"]

_EAGER_STEPS = 40
_XLA_TIMESTEPS = 512


def program_kind(spec: NetworkSpec, n_steps: int | None) -> Kind:
    """Choose by network and the most steps that a fit may take (None: very many).

    Compiling costs about a second, which a few dozen steps never earn back; XLA wins on
    dense networks and short series; on long ones the native convolutions do.
    """
    if n_steps is not None and n_steps <= _EAGER_STEPS:
        return "eager"
    if spec.is_convolutional and spec.input_shape[0] > _XLA_TIMESTEPS:
        return "graph"
    return "xla"


def compile_graph(
    function: Callable[..., Any], signature: list[Any], kind: Kind
) -> Callable[..., Any]:
    """Make a program of the given kind from a function of tensors."""
    import tensorflow as tf

    if kind == "eager":
        return function
    return tf.function(
        function,
        input_signature=signature,
        jit_compile=kind == "xla",
        autograph=False,
    )
