"""Hold-out and leakage."""
