"""The kinds of program, and which serves a job: the one place where that is decided.

The choice depends on the job alone, never on what is cached, because two kinds differ
in the last bits and a fit must not depend on the fits before it.
"""

from collections.abc import Callable
from typing import Any, Literal

from skloss.networks.spec import BatchNorm, NetworkSpec
from skloss.training.optimizers import OPTIMIZERS
from skloss.training.threads import settle_threads

__all__ = ["Kind", "compile_graph", "fallback_reason", "program_kind", "shard_count"]

Kind = Literal["xla", "graph", "eager", "keras"]

_EAGER_STEPS = 40
_XLA_TIMESTEPS = 512
_SHARDS = 4
_SHARD_ROWS = 16


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


def fallback_reason(optimizer: str) -> str | None:
    """Why a fit cannot be compiled and is left to Keras' loop, if that is so."""
    if optimizer in OPTIMIZERS:
        return None
    return f"optimizer={optimizer!r} has no compiled update rule"


def shard_count(spec: NetworkSpec, batch_size: int, kind: Kind) -> int:
    """Choose into how many equal parts a batch is cut.

    TensorFlow runs the parts of a native graph side by side, and what a part makes
    stays in the cache: measured best are four parts, of 16 rows or more. An XLA program
    is one stream, and batch normalization needs the whole batch.
    """
    if kind != "graph" or any(isinstance(layer, BatchNorm) for layer in spec.layers):
        return 1
    fits = (n for n in range(1, _SHARDS + 1) if batch_size % n == 0)
    return max(n for n in fits if n == 1 or batch_size // n >= _SHARD_ROWS)


def compile_graph(
    function: Callable[..., Any], signature: Callable[[], list[Any]], kind: Kind
) -> Callable[..., Any]:
    """Make a program of the given kind from a function of tensors."""
    settle_threads()
    if kind == "eager":
        return function
    import tensorflow as tf

    compiled = tf.function(
        function,
        input_signature=signature(),
        jit_compile=kind == "xla",
        autograph=False,
    )
    # The concrete function is called in a third of the time.
    return compiled.get_concrete_function()
