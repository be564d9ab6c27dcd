"""A live progress line on a terminal, or a new line every ten seconds elsewhere."""

from __future__ import annotations

import threading
import time
from multiprocessing import current_process
from types import TracebackType

from skloss.python_random import python_random_kept

with python_random_kept():  # rich draws a number when it is imported
    from rich.console import Console
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

__all__ = ["Progress"]

_SECONDS_BETWEEN_LINES = 10.0
_BAR_WIDTH = 20

# A terminal can show only one live line; other jobs print lines above it.
_live_line = threading.Lock()


class Progress:
    """The progress of a job, shown while its context is active.

    Parameters
    ----------
    console : rich.console.Console
        Console to print to.
    label : str
        Text before the count, such as ``"DenseClassifier: epoch"``.
    total : int
        Number of steps.
    done : int, default=0
        Number of steps that were done before. They do not count for the time left.
    n_slow : int, default=0
        Number of first steps that are slower than the others. They do not count for the
        time left either.
    has_bar : bool, default=False
        Whether the live line begins with a progress bar.
    has_end : bool, default=True
        Whether the last line shows the total time, where there is no live line.

    Examples
    --------
    >>> from rich.console import Console
    >>> with Progress(Console(), "baking: loaf", 3) as progress:
    ...     progress.advance(", golden")
    baking: loaf 1 of 3, golden, in 0:00
    """

    def __init__(
        self,
        console: Console,
        label: str,
        total: int,
        done: int = 0,
        n_slow: int = 0,
        has_bar: bool = False,
        has_end: bool = True,
    ) -> None:
        self.label, self.total = label, total
        self._console, self._has_bar, self._has_end = console, has_bar, has_end
        self._first = self._done = done
        self._n_slow = n_slow
        self._details = ""
        self._live: Live | None = None
        self._is_over = False

    def __enter__(self) -> Progress:
        self._times = [time.monotonic()]
        self._written_at, self._written = self._times[0], self._done
        if self._is_live() and _live_line.acquire(blocking=False):
            self._live = Live(console=self._console, get_renderable=self._renderable)
            self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over = True
        if self._live is not None:
            try:
                self._live.stop()
            finally:
                self._live = None
                _live_line.release()
        elif self._has_end and self._written != self._done:
            self._write()

    def advance(self, details: str = "") -> None:
        """Count one more step as done; the details are shown after the count."""
        self._done += 1
        self._times.append(time.monotonic())
        self.tell(details)

    def tell(self, details: str) -> None:
        """Show other details; no step is done by it."""
        self._details = details
        is_due = time.monotonic() - self._written_at >= _SECONDS_BETWEEN_LINES
        if self._live is None and is_due:
            self._write()

    def seconds_left(self) -> float | None:
        """Estimate the seconds left from the speed so far; None if it is not known."""
        n_timed = self._done - self._first
        if n_timed <= self._n_slow:
            return None
        # The first quarter is left out, because the speed changes: early steps include
        # the compilation, and candidates differ in size.
        skipped = max(self._n_slow, n_timed // 4)
        seconds = (self._times[-1] - self._times[skipped]) / (n_timed - skipped)
        since = time.monotonic() - self._times[-1]
        return max(0.0, seconds * (self.total - self._done) - since)

    def _is_live(self) -> bool:
        # Another process would overwrite the live line.
        return (
            self._console.is_terminal
            and not self._console.is_dumb_terminal
            and current_process().name == "MainProcess"
        )

    def _line(self) -> str:
        count = f"{self._done} of {self.total}"
        return f"{self.label} {count}{self._details}, {self._time()}"

    def _time(self) -> str:
        elapsed = _clock(time.monotonic() - self._times[0])
        if self._is_over or self._done == self.total:
            return f"in {elapsed}"
        left = self.seconds_left()
        return f"{elapsed} so far" if left is None else f"{_clock(left)} left"

    def _renderable(self) -> Table | Text:
        text = Text(self._line(), no_wrap=True, overflow="ellipsis")
        if not self._has_bar:
            return text
        line = Table.grid(padding=(0, 1))
        line.add_row(ProgressBar(self.total, self._done, width=_BAR_WIDTH), text)
        return line

    def _write(self) -> None:
        self._written_at, self._written = time.monotonic(), self._done
        self._console.print(self._line(), soft_wrap=True, markup=False, highlight=False)


def _clock(seconds: float) -> str:
    """Write seconds as minutes and seconds, with hours if needed."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
