"""The devices of a strategy of TensorFlow, among which each batch is divided."""

import sys

from skloss.networks.spec import NetworkSpec

__all__ = ["devices_of_scope"]


def devices_of_scope(spec: NetworkSpec) -> tuple[str, ...]:
    """Names of the devices that a fit within ``strategy.scope()`` is to use.

    There are none where the scope has one device, or where there is no scope: nothing
    is then divided.

    Raises
    ------
    ValueError
        If the strategy is none of several devices of this process, or the network
        cannot be divided among them.
    """
    if sys.modules.get("tensorflow") is None:
        return ()
    import tensorflow as tf

    known = tf.distribute
    strategy = known.get_strategy()
    if not known.has_strategy() or isinstance(strategy, known.OneDeviceStrategy):
        return ()
    is_mirrored = isinstance(strategy, known.MirroredStrategy)
    devices = tuple(strategy.extended.worker_devices) if is_mirrored else ()
    if not devices or not all(name.startswith("/job:localhost/") for name in devices):
        raise ValueError(
            f"skloss' own engine does not train within {type(strategy).__name__}: use "
            "tf.distribute.MirroredStrategy with devices of this process, or leave "
            "the scope to train on one device."
        )
    if len(devices) > 1 and spec.uses_batches:
        raise ValueError(
            "Batch normalization needs the whole batch on one device, and this scope "
            f"has {len(devices)}: train without it (batch_norm=False), or leave the "
            "scope to train on one device."
        )
    return devices if len(devices) > 1 else ()
