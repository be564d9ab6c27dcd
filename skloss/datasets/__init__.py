"""Data to try a classifier of rare events on: one real slice, three made tables.

The makers say in their notes what is wrong with them; a score on made rows means
nothing beyond those rows.
"""

from skloss.datasets.heartbeats import load_heartbeats
from skloss.datasets.synthetic import (
    make_consumption,
    make_drift_table,
    make_rare_events,
)

__all__ = [
    "load_heartbeats",
    "make_consumption",
    "make_drift_table",
    "make_rare_events",
]
