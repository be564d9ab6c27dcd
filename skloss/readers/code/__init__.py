"""Read the code of a training, and the log beside it, without running anything."""

from skloss.readers.code.case import code_case
from skloss.readers.code.diagnose import diagnose_code
from skloss.readers.code.texts import CodeText, is_code_path, read_text

__all__ = ["CodeText", "code_case", "diagnose_code", "is_code_path", "read_text"]
