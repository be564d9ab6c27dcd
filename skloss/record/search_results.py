"""Read the results of a search, whichever library made it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skloss.protocols import FittedSearch

__all__ = ["best_index", "read_search_results", "refit_metric"]

_MEAN = "mean_test_"


def read_search_results(search: FittedSearch) -> dict[str, Any]:
    """Return ``cv_results_`` with the parameters of the candidates, where known.

    scikit-learn's searches keep them as ``params`` and in a column ``param_<name>``
    each; optuna's ``OptunaSearchCV`` keeps scores only, and the parameters in its
    ``trials_``. What is not known is left out.

    Parameters
    ----------
    search : fitted search
        With ``cv_results_``.

    Returns
    -------
    results : dict
        As of scikit-learn; columns of parameters that not every candidate has are
        masked.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> search = SimpleNamespace(
    ...     cv_results_={"mean_test_score": [0.1, 0.4]},
    ...     trials_=[SimpleNamespace(params={"width": w}) for w in (4, 8)],
    ... )
    >>> read_search_results(search)["param_width"].tolist()
    [4, 8]
    """
    results = {str(name): values for name, values in search.cv_results_.items()}
    candidates = results.get("params")
    if candidates is None:
        candidates = [trial.params for trial in getattr(search, "trials_", ())]
        if len(candidates) != _n_candidates(results):
            return results  # some trials failed, and it is not known which
        results["params"] = candidates
    return _columns(candidates) | results


def best_index(search: FittedSearch, results: Mapping[str, Any]) -> int:
    """Return the number of the winner, or of the highest mean where it is not known."""
    known = getattr(search, "best_index_", None)
    if known is not None:
        return int(known)
    return int(np.nanargmax(results[_MEAN + refit_metric(search)]))


def refit_metric(search: FittedSearch) -> str:
    """Name in the results of what the winner has the most of.

    A winner that was chosen by a function is shown by the first metric.
    """
    refit = getattr(search, "refit", None)
    if isinstance(refit, str):
        return refit
    means = (str(n) for n in search.cv_results_ if str(n).startswith(_MEAN))
    return next(means).removeprefix(_MEAN)


def _n_candidates(results: Mapping[str, Any]) -> int:
    return len(next((v for n, v in results.items() if n.startswith(_MEAN)), ()))


def _columns(candidates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for number, candidate in enumerate(candidates):
        for name, value in candidate.items():
            empty = np.ma.masked_all(len(candidates), dtype=object)
            columns.setdefault(f"param_{name}", empty)[number] = value
    return columns
