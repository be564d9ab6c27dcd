"""``skloss`` and ``python -m skloss``: the command line from its first moment on."""

from __future__ import annotations

import signal
import sys

__all__ = ["run"]


def run() -> int:
    """Import and run the command line; Ctrl-C meanwhile gives no traceback.

    Returns
    -------
    int
        Exit code of ``skloss.cli.main``.
    """
    try:
        from skloss.cli import main

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("skloss: interrupted before anything was finished\n")
        return 128 + signal.SIGINT


if __name__ == "__main__":
    raise SystemExit(run())
