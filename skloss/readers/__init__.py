"""Readers: any trained model, search, record or file becomes a case to diagnose."""

from skloss.readers.read_source import diagnose, read_case

__all__ = ["diagnose", "read_case"]
