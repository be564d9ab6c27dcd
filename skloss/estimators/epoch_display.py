"""The progress display of a fit, as ``verbose`` asks for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

__all__ = ["shown_epochs"]

Callback = Callable[[Mapping[str, float]], None]

_LIVE_CURVES = {"loss": "loss", "val_mcc": "validation MCC"}
_LIVE_CURVES_WITHOUT_HOLDOUT = {"loss": "loss", "mcc": "MCC"}
_CURVES = ("loss", "val_loss", "val_mcc", "val_f1")


@contextmanager
def shown_epochs(
    owner: str, epochs: int, verbose: int
) -> Iterator[tuple[Callback, ...]]:
    """Show the epochs of a fit, by callbacks of the training.

    Parameters
    ----------
    owner : str
        Name of the classifier.
    epochs : int
        Epochs at most.
    verbose : int
        0 for nothing, 1 for one live line, more for a line an epoch.

    Yields
    ------
    tuple of callables
        Of an epoch's row.
    """
    if not verbose:
        yield ()
    elif verbose > 1:
        yield (partial(_write_epoch, epochs),)
    else:
        # Silent fits, nearly all, need no terminal.
        from rich import get_console

        from skloss.live_progress import Progress

        # The process's own console lets other live displays stand beside this one.
        # The first epoch compiles.
        label = f"{owner}: epoch"
        with Progress(get_console(), label, epochs, n_slow=1) as progress:
            yield (lambda row: progress.advance(_details(row)),)


def _details(row: Mapping[str, float]) -> str:
    curves = _LIVE_CURVES if "val_mcc" in row else _LIVE_CURVES_WITHOUT_HOLDOUT
    return "".join(f", {label} {row[name]:.4f}" for name, label in curves.items())


def _write_epoch(epochs: int, row: Mapping[str, float]) -> None:
    values = ", ".join(f"{name} {row[name]:.4f}" for name in _CURVES if name in row)
    member = f"member {int(row['member']) + 1}, " if "member" in row else ""
    epoch = int(row["epoch"]) + 1
    sys.stdout.write(f"{member}epoch {epoch} of {epochs}: {values}\n")
    sys.stdout.flush()
