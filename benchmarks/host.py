"""Description of the host: processor, cores and versions, kept beside all results."""

import os
import platform
from importlib.metadata import version

PACKAGES = (
    "skloss",
    "scikit-learn",
    "imbalanced-learn",
    "tensorflow",
    "keras",
    "numpy",
)


def describe() -> dict[str, str]:
    """Processor, cores, Python and package versions."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            names = [
                line.split(":")[1].strip() for line in lines if "model name" in line
            ]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
