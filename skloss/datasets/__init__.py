"""Data sets with rare events: one real data set and three generators.

The notes of each generator name its limits. A score on generated rows does not predict
the score on real rows.
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
