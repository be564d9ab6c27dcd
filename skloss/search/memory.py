"""The share of the memory that the content of a file may take."""

from __future__ import annotations

import os

__all__ = ["in_gib", "most_bytes"]

_MOST_WITHOUT_KNOWING = 8 << 30


def most_bytes() -> int:
    """Return half of the memory of this machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):  # not on every system
        return _MOST_WITHOUT_KNOWING


def in_gib(n_bytes: int) -> str:
    """Write a number of bytes, such as ``"1.5 GiB"``."""
    return f"{n_bytes / (1 << 30):,.1f} GiB"
