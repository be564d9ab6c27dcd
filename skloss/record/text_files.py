"""Text and JSON of a file, with one sentence where it cannot be read."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["json_of_text", "text_of_file"]


def text_of_file(path: Path, refused: Callable[[str], Exception]) -> str:
    """Return the text of a regular file.

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
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise refused(f"{path} is not text in UTF-8") from err


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
