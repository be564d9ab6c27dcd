"""The backends of a program, and the one place where a job's backend is chosen.

The choice depends on the job alone, never on what is cached, because two backends
differ in the last bits and a fit must not depend on the fits before it.
"""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from math import prod
from typing import Any, Literal

import numpy as np

from skloss.networks.layers import Convolution, Dropout
from skloss.networks.spec import NetworkSpec
from skloss.training.losses import Loss
from skloss.training.tensorflow_start import has_own_threads, start_tensorflow

__all__ = [
    "Backend",
    "choose_backend",
    "compile_graph",
    "shard_count",
    "shared_spec",
]

Backend = Literal["xla", "graph", "eager", "numpy"]

# Measured by benchmarks/break_even.py.
_NUMPY_STEPS = 1_000
# OpenBLAS takes one thread for a product of so many multiplications, with a matrix or a
# vector. Several may add in another order, and then equal fits would not be equal in a
# process that has another number of threads.
_MATRIX_WORK, _VECTOR_WORK = 2**18, 9_000
_EAGER_STEPS = 40
_GRAPH_STEPS_OF_TABLES = 300
# Measured by benchmarks/family.py.
_GRAPH_STEPS_OF_RECURRENCE = 150
# Training steps times time steps: eagerly one takes 5 ms, to compile takes 0.6 s.
_EAGER_RECURRENCE = 100
# Measured on tables: masks of so many values cost less than a tenth of what it takes to
# compile.
_MASKED_VALUES = 10**7
_SHARDS, _WIDE_SHARDS = 4, 2
_SHARD_ROWS = 16


def choose_backend(
    spec: NetworkSpec,
    n_steps: int | None,
    loss: Loss = "crossentropy",
    batch_size: int = 32,
) -> Backend:
    """Choose by network, most steps of a fit (None: very many), loss and batch size.

    Small dense layers alone take some hundred steps in NumPy before TensorFlow has
    compiled anything, or has been imported. XLA takes a third of a second to compile a
    table's network, a graph a third of that, and nothing is compiled for an eager fit;
    in the long run XLA wins on dense networks. On series it never does: it takes more
    than a second to compile them, and the native convolutions of a graph run in parts
    side by side. A recurrent layer is a loop over time: XLA's takes half the time of a
    graph's and less, and eagerly it takes many times longer, so that only the shortest
    fits are not compiled; XLA's convolutions in a loop are slow.

    Where TensorFlow only adds operations to a graph, as within ``tf.Graph``, no fit can
    be eager, and a graph of our own takes its place.
    """
    is_own = not isinstance(loss, str)
    is_short = n_steps is not None and n_steps <= _NUMPY_STEPS
    if is_short and not is_own and _suits_numpy(spec, batch_size):
        return "numpy"
    start_tensorflow()  # a program compiled before a fork would not ask
    found = _by_steps(spec, n_steps)
    if found == "xla" and is_own:
        return "graph"  # XLA may not know the operations of the user's loss
    return "graph" if found == "eager" and not _can_be_eager() else found


def _suits_numpy(spec: NetworkSpec, batch_size: int) -> bool:
    """Whether dense layers are all that is trained, and one thread computes each."""
    if not spec.is_dense or batch_size > _VECTOR_WORK:
        return False
    kernels = [w.shape for w in spec.weight_shapes() if w.role == "kernel"]
    return all(
        n_in * n_out <= _VECTOR_WORK  # for a last batch of one row
        and batch_size * n_in * n_out <= (_MATRIX_WORK if n_out > 1 else _VECTOR_WORK)
        for n_in, n_out in kernels
    )


def _can_be_eager() -> bool:
    import tensorflow as tf

    return bool(tf.executing_eagerly())


def _by_steps(spec: NetworkSpec, n_steps: int | None) -> Backend:
    if spec.is_recurrent:
        if n_steps is not None and n_steps * spec.input_shape[0] <= _EAGER_RECURRENCE:
            return "eager"
        has_front = any(isinstance(part, Convolution) for part in spec.parts())
        few = n_steps is not None and n_steps <= _GRAPH_STEPS_OF_RECURRENCE
        return "graph" if has_front or few else "xla"
    if n_steps is not None and n_steps <= _EAGER_STEPS:
        return "eager"
    if spec.is_convolutional:
        return "graph"
    if n_steps is not None and n_steps <= _GRAPH_STEPS_OF_TABLES:
        return "graph"
    return "xla"


def shared_spec(spec: NetworkSpec, backend: Backend, n_rows: int | None) -> NetworkSpec:
    """Choose the network to compile, by the rows over all epochs (None: very many).

    A grid over dropout mostly has a zero in it. Its network then gets masks that drop
    nothing, so that XLA need not compile another one; where many values would be
    masked, that is the cheaper way.
    """
    if backend != "xla" or n_rows is None or spec.dropout_rates:
        return spec
    masked = spec.with_idle_dropout()
    after = zip(masked.layers, masked.shapes()[1:], strict=True)
    units = sum(prod(shape) for layer, shape in after if isinstance(layer, Dropout))
    return masked if n_rows * units <= _MASKED_VALUES else spec


def shard_count(spec: NetworkSpec, batch_size: int, backend: Backend) -> int:
    """Choose into how many equal parts a batch is cut.

    TensorFlow runs the parts of a native graph side by side, and what a part makes
    stays in the cache: measured best are four parts, of 16 rows or more, and two where
    the processor has AVX-512. Where operations themselves use several threads, parts
    only get in each other's way. An XLA program is one stream, and batch normalization
    needs the whole batch.
    """
    if backend != "graph" or spec.uses_batches or not has_own_threads():
        return 1
    most = _WIDE_SHARDS if _has_wide_vectors() else _SHARDS
    fits = (n for n in range(1, most + 1) if batch_size % n == 0)
    return max(n for n in fits if n == 1 or batch_size // n >= _SHARD_ROWS)


@lru_cache(maxsize=1)
def _has_wide_vectors() -> bool:
    """Whether the processor computes with 16 numbers at once (AVX-512)."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return any(name.startswith(("AVX512", "X86_V4")) for name in found)


def compile_graph(
    function: Callable[..., Any],
    signature: Callable[[], list[Any]],
    backend: Backend,
    devices: tuple[str, ...] = (),
) -> Callable[..., Any]:
    """Make a function of arrays, compiled by the given backend, from one of tensors.

    Where it names several devices, what it gives to none of them is on the first.
    """
    start_tensorflow()
    import tensorflow as tf
    from tensorflow.core.protobuf.config_pb2 import CallableOptions
    from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

    # A session of its own, because TensorFlow never frees what XLA has compiled for its
    # eager functions, some MB for each network shape; a session takes it along.
    graph = tf.Graph()
    with graph.as_default(), tf.device(devices[0] if devices else None):
        places = tf.nest.map_structure(
            lambda spec: tf.compat.v1.placeholder(spec.dtype, spec.shape), signature()
        )
        compiled = tf.function(function, jit_compile=backend == "xla", autograph=False)
        results = compiled(*places)
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=_threads(tf))
    # A second round finds next to nothing, and takes a tenth of the compiling.
    config.graph_options.rewrite_options.meta_optimizer_iterations = RewriterConfig.ONE
    if devices:
        config.device_count["CPU"] = len(tf.config.list_logical_devices("CPU"))
        config.allow_soft_placement = True  # a GPU does not count whole numbers
    session = tf.compat.v1.Session(graph=graph, config=config)
    fed = tf.nest.flatten(places)
    fetched = tf.nest.flatten(results)
    options = CallableOptions()
    options.feed.extend(place.name for place in fed)
    options.fetch.extend(result.name for result in fetched)
    if backend == "xla":
        # One operation, which the calling thread runs as well: to wake another takes a
        # tenth of a millisecond, and on a busy machine many times longer.
        options.run_options.inter_op_thread_pool = -1
    # A third of a millisecond less for each call than the public `make_callable`.
    call = session._make_callable_from_options(options)
    types = [place.dtype.as_numpy_dtype for place in fed]

    def run(*arguments: Any) -> Any:
        arrays = map(np.asarray, tf.nest.flatten(arguments), types)
        return _packed(results, iter(call(*arrays)))

    return run


def _threads(tf: Any) -> int:
    """Threads within an operation: what the user has set, or one.

    The operations of small networks are too short to be divided: with one thread the
    programs of tables run 10 to 30 % faster, those of long series, whose batches are
    divided instead, 35 % (benchmarks/threads.py), and several fits can share the cores.
    """
    if "TF_NUM_INTRAOP_THREADS" in os.environ:
        return 0  # TensorFlow reads it
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or 1


def _packed(structure: Any, values: Iterator[Any]) -> Any:
    """Put values into nested tuples, in a tenth of TensorFlow's own time for it."""
    if not isinstance(structure, tuple):
        return next(values)
    parts = [_packed(part, values) for part in structure]
    return structure._make(parts) if hasattr(structure, "_make") else tuple(parts)
