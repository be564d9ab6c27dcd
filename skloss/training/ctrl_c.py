"""Ctrl-C: it ends one fit that a person has called by hand, or all that runs."""

import os
import sys
from inspect import CO_NEWLOCALS
from pathlib import PurePath
from types import CodeType, FrameType

__all__ = ["ends_one_fit"]

# A fit goes through these on its way to the code that has called it.
_STAGES = (
    "skloss",
    "sklearn.base",
    "sklearn.callback",
    "sklearn.pipeline",
    "sklearn.utils",
    "imblearn.base",
    "imblearn.pipeline",
    "imblearn.utils",
)
# These compare fits, or run them side by side, wherever they are installed.
_COMPARE = {"concurrent", "imblearn", "joblib", "multiprocessing", "sklearn"}

_Run = tuple[CodeType, str | None]
_interrupted: _Run | None = None


def ends_one_fit() -> bool:
    """Whether the Ctrl-C that was just heard ends this fit alone.

    It does if the fit was surely called by hand, and if no other fit of the same
    script, or of the same statement in a notebook or at a prompt, was ended so before.
    Else ``KeyboardInterrupt`` must go on up, as it does in any Python program.
    """
    global _interrupted
    run, before = _run_by_hand(sys._getframe(1)), _interrupted
    if run is None:
        return False
    # Code that is compiled again, as at each prompt, is equal but not the same.
    if before is not None and run[0] is before[0] and run[1] == before[1]:
        return False
    _interrupted = run
    return True


def _run_by_hand(frame: FrameType | None) -> _Run | None:
    """Top-level code that has called the fit; None where that was another package.

    Another package may compare the fit with others, or try again. What runs above the
    top-level code, such as a notebook, only shows what comes out.
    """
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        # A test is at top level, too; pytest tells its name to whoever wants to know.
        if _is_top_level(frame) or _is_of("_pytest", name):
            return frame.f_code, os.environ.get("PYTEST_CURRENT_TEST")
        if not _hands_on(name, frame.f_code.co_filename):
            return None
        frame = frame.f_back
    return None  # in a thread


def _is_top_level(frame: FrameType) -> bool:
    return not frame.f_code.co_flags & CO_NEWLOCALS


def _hands_on(name: str, path: str) -> bool:
    """Whether a module is the user's own, a stage of the fit, or of Python."""
    if any(_is_of(stage, name) for stage in _STAGES):
        return True
    package = name.partition(".")[0]
    if package in _COMPARE:
        return False
    is_installed = {"site-packages", "dist-packages"} & set(PurePath(path).parts)
    return package in sys.stdlib_module_names or not is_installed


def _is_of(package: str, name: str) -> bool:
    return name == package or name.startswith(f"{package}.")
