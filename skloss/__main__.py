"""``python -m skloss`` is the command line."""

from skloss.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
