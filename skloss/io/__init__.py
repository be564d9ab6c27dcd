"""Files of fitted estimators that run no code, and models for other languages."""

from skloss.io.not_saved import NotSaved
from skloss.io.onnx_converters import register_converters
from skloss.io.save_load import load, save
from skloss.io.to_onnx import to_onnx
from skloss.io.trusted_types import TRUSTED_TYPES

__all__ = [
    "TRUSTED_TYPES",
    "NotSaved",
    "load",
    "register_converters",
    "save",
    "to_onnx",
]
