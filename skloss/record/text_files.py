"""Text and JSON of a file, with one sentence where it cannot be read."""

import codecs
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skloss.exceptions import RecordFormatError

__all__ = ["json_of_text", "not_a_history", "text_of_file"]

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LEAST_ASCII = 0.7
# No text has these, but for those of a terminal: bell, backspace, blanks, escape.
_CONTROLS = {*range(32)} - {*range(7, 14), 27}


def not_a_history(reason: str) -> RecordFormatError:
    """Error of one sentence."""
    return RecordFormatError(f"Not a history of a training: {reason}.")


def text_of_file(path: Path, refused: Callable[[str], Exception]) -> str:
    """Return the text of a regular file: in UTF-8, UTF-16 or Latin-1.

    Parameters
    ----------
    path : Path
        The file. A pipe or a device is refused, since it may never end.
    refused : callable
        Makes the error from its reason.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise refused(f"{path} is not a regular file")
    content = path.read_bytes()
    for encoding in (_encoding(content), "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        has_controls = not _CONTROLS.isdisjoint(map(ord, set(text)))
        is_text = not has_controls and (encoding != "latin-1" or _is_latin(text))
        if encoding == "utf-8" or is_text:
            return text.replace("\r\n", "\n").removeprefix("\ufeff")
    raise refused(f"{path} is not text in UTF-8, UTF-16 or Latin-1")


def _is_latin(text: str) -> bool:
    """Whether most characters are ASCII, as in a log; any bytes are Latin-1."""
    return sum(map(str.isascii, text)) >= _LEAST_ASCII * len(text)


def _encoding(content: bytes) -> str:
    """Tell the encoding by the mark at the start, or by zero bytes between letters."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    start = content[:4096]
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        if start[first::2].count(0) > len(start) // 4 > 0:
            return encoding
    return "utf-8"


def json_of_text(text: str, name: str, refused: Callable[[str], Exception]) -> Any:
    """Return the content of JSON, or raise what `refused` makes of the reason."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as err:
        place = f"{err.msg} at line {err.lineno} column {err.colno}"
        raise refused(f"{name} is not JSON, or was cut short ({place})") from err
    except RecursionError as err:
        raise refused(f"{name} is nested too deeply") from err
    except ValueError as err:  # integers of thousands of digits
        raise refused(f"{name} cannot be read ({err})") from err
