"""Description of the host: processor, cores and versions, kept beside all results."""

import os
import platform
from importlib.metadata import version

import numpy as np

PACKAGES = (
    "skloss",
    "scikit-learn",
    "imbalanced-learn",
    "tensorflow",
    "keras",
    "numpy",
)


def describe() -> dict[str, str]:
    """Processor, its vector instructions, cores, Python and package versions."""
    return {
        "processor": _processor(),
        "vectors": _vectors(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _vectors() -> str:
    """Vector instructions that NumPy found and can use."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return ", ".join(found)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            names = [
                line.split(":")[1].strip() for line in lines if "model name" in line
            ]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
