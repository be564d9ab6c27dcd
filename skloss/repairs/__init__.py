"""Repairs: fixes of a diagnosis that are applied, measured, and kept if they help."""

from skloss.repairs.repair import repair
from skloss.repairs.result import Repair, Trial

__all__ = ["Repair", "Trial", "repair"]
