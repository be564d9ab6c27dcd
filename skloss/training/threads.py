"""TensorFlow's threads: settled once, and only where nobody else has settled them."""

import os
import sys
from functools import cache

from skloss.training.quiet import quiet_start

__all__ = ["settle_threads"]


@cache
def settle_threads() -> None:
    """Import TensorFlow, quietly, with one thread within each operation.

    The operations of small networks are too short to be divided: with one thread the
    programs of tables run 10 to 30 % faster, those of long series, whose batches go
    through in parts side by side, 35 % (benchmarks/threads.py), and several fits can
    share the cores. TensorFlow fixes the number once per process, so it is left alone
    where TensorFlow has been imported before, or ``TF_NUM_INTRAOP_THREADS`` is set.

    Raises
    ------
    ImportError
        If TensorFlow is not installed, or cannot be imported.
    """
    if sys.modules.get("tensorflow") is not None:
        return
    try:
        with quiet_start("import"):
            import tensorflow as tf
    except Exception as error:  # an installed one can fail in any way
        cause = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ImportError(
            f"Training needs TensorFlow, which cannot be imported here ({cause}): "
            "install it by 'pip install \"tensorflow>=2.18\"'."
        ) from error

    if "TF_NUM_INTRAOP_THREADS" not in os.environ:
        tf.config.threading.set_intra_op_parallelism_threads(1)
