"""Errors of steps, explained to whoever fits the pipeline."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["explain_few_rows", "explain_series"]


def explain_few_rows(error: ValueError, y: ArrayLike, n_held: int, n_rows: int) -> None:
    """Explain an error of a sampler that the hold-out has left too few rows."""
    if "n_neighbors" not in str(error):
        return
    labels, counts = np.unique(np.asarray(y), return_counts=True)
    raise ValueError(
        f"The sampler has too few rows of a class: {n_held} of {n_rows} rows were held "
        "out before it (validation_fraction), which leaves "
        + ", ".join(
            f"{n} of {c!r}" for c, n in zip(labels.tolist(), counts, strict=True)
        )
        + "; lower its k_neighbors or validation_fraction, or use RandomOverSampler."
    ) from error


def explain_series(error: ValueError, X: ArrayLike, first: object) -> None:
    """Explain how to pass time series through a step that accepts only tables."""
    if np.ndim(X) != 3 or "dim 3" not in str(error):
        return
    raise ValueError(
        f"X has shape {np.shape(X)}, but a step before the classifier accepts only "
        "tables: flatten the series with X.reshape(len(X), -1), to timesteps * "
        f"channels columns, and set n_channels={np.shape(X)[1 if first else 2]} of the "
        "classifier."
    ) from error
