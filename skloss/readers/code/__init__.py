"""Read the code of a training, and the log beside it, without running anything."""

from skloss.readers.code.case import code_case
from skloss.readers.code.diagnose import diagnose_code
from skloss.readers.code.texts import CODE_SUFFIXES, CodeText, read_text

__all__ = ["CODE_SUFFIXES", "CodeText", "code_case", "diagnose_code", "read_text"]
