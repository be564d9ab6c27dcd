"""TensorFlow's threads: settled once, and only where nobody else has settled them."""

import os
import sys
from functools import cache

from skloss.training.startup_messages import quiet_start

__all__ = ["settle_threads"]


@cache
def settle_threads() -> None:
    """Import TensorFlow, quietly, with one thread within each operation.

    The operations of small networks are too short to be divided: with one thread the
    programs of tables run 10 to 30 % faster, those of long series, whose batches go
    through in parts side by side, 35 % (benchmarks/threads.py), and several fits can
    share the cores. TensorFlow fixes the number once per process, so it is left alone
    where TensorFlow has been imported before, or ``TF_NUM_INTRAOP_THREADS`` is set.
    """
    if "tensorflow" in sys.modules:
        return
    with quiet_start("import"):
        import tensorflow as tf

    if "TF_NUM_INTRAOP_THREADS" not in os.environ:
        tf.config.threading.set_intra_op_parallelism_threads(1)
