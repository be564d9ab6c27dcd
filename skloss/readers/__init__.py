"""Readers: any trained model, search, record or file becomes a case to diagnose."""

from skloss.readers.explain_gap import explain_gap
from skloss.readers.read_source import diagnose, read_case

__all__ = ["diagnose", "explain_gap", "read_case"]
