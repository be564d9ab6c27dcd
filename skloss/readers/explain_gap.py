"""``explain_gap``: the gap between training and validation loss, from any source."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from skloss.exceptions import DiagnosisError
from skloss.metrics import class_prior, loss_at_prior, per_class_loss
from skloss.readers.given_rows import check_given_rows, held_out_positions, predictor
from skloss.readers.label_facts import labels_of_classes
from skloss.readers.read_source import is_keras_model, read_case
from skloss.record.find import Found, NotFoundError, find_classifier
from skloss.record.gap_measurement import RowLosses, measured_gap
from skloss.record.group_names import group_name, group_titles
from skloss.record.loss_gap import GapPart, LossGap, gap_of_record
from skloss.record.mean_gap import mean_gap
from skloss.sklearn_compat import safe_indexing
from skloss.training.losses import clipped_crossentropy

__all__ = ["explain_gap"]

_FRACTION = 0.2


def explain_gap(
    source: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    refit: bool = False,
    history: object = None,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    fit_params: Mapping[str, Any] | None = None,
) -> LossGap:
    """Split the gap between the printed training loss and the validation loss.

    The parts are measured, are in nats, and add up to the gap: penalties, weights that
    still move within the epoch, dropout and batch statistics, class and sample weights,
    another loss than cross-entropy, rows made by a sampler, the class prior, and the
    rows that were never seen. A classifier of skloss has measured them when it was
    fitted; ``diagnose(...).gap`` is the same.

    Parameters
    ----------
    source : estimator or keras.Model
        A fitted classifier of skloss, whatever is around it, or a trained model.
    X, y : array-like of shape (n, ...) and (n,)
        The rows that were given to ``fit``.
    groups : array-like of shape (n,), default=None
        Group of each row of `X`, such as the patient. The standard errors are then over
        groups.
    refit : bool, default=False
        Split what comes from groups never seen: one more fit, on the same training rows
        with a hold-out inside the groups, measures what *new rows of known groups*
        cost. Only for classifiers of skloss, and with `groups`.
    history : object, default=None
        Curves of a ``keras.Model``, as in `diagnose`.
    X_val, y_val : array-like, default=None
        Validation rows of a ``keras.Model``.
    fit_params : dict, default=None
        What else was given to ``keras.Model.fit``, as in `diagnose`; ``{}`` for
        nothing.

    Returns
    -------
    LossGap
        With ``parts``, ``total``, ``sentence`` and ``to_text()``.

    Raises
    ------
    ValueError
        If the gap cannot be measured; the message says why.

    Notes
    -----
    With the printed loss :math:`L_0`, and levels :math:`L_1` to :math:`L_m` up to the
    validation loss of which each differs from the one before in one thing, a part is
    :math:`L_i - L_{i-1}`. That the gap between losses has a share of the class prior
    is the label shift of [1]_. Standard errors are those of a bootstrap over rows or
    groups [2]_.

    References
    ----------
    .. [1] Saerens et al., "Adjusting the outputs of a classifier to new a priori
       probabilities", Neural Computation 14, 2002.
    .. [2] Efron and Tibshirani, "An introduction to the bootstrap", 1993.

    Examples
    --------
    >>> from skloss import DenseClassifier, explain_gap
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(n_samples=400, random_state=0)
    >>> model = DenseClassifier(epochs=3, random_state=0).fit(X, y)
    >>> gap = explain_gap(model, X, y)
    >>> abs(sum(part.nats for part in gap.parts) - gap.total) < 1e-6
    True
    >>> [part.name for part in gap.shown]
    ['moving_weights', 'prior', 'generalization']
    """
    if refit and groups is None:
        raise ValueError(
            "refit=True splits what comes from new groups: give the group of each row "
            "as groups."
        )
    if groups is not None and len(np.asarray(groups)) != len(y):  # type: ignore[arg-type]
        raise ValueError(
            f"groups has {len(np.asarray(groups))} entries, but y has "
            f"{len(y)}: give one group per row."  # type: ignore[arg-type]
        )
    if is_keras_model(source) or not _has_record(source):
        if refit:
            raise ValueError(
                "refit=True fits once more, so it needs a classifier of skloss; "
                f"got {type(source).__name__}."
            )
        case, _ = read_case(
            source,
            X,
            y,
            history=history,
            X_val=X_val,
            y_val=y_val,
            fit_params=fit_params,
            groups=groups,
        )
        return _known(case.gap, case.no_gap)
    found = find_classifier(source)
    outcome = found.record.outcome if found.record else {}
    reason = (outcome.get("loss_gap") or {}).get("not_measured")
    gap = _known(None if found.record is None else gap_of_record(found.record), reason)
    labels = labels_of_classes(np.asarray(found.classifier.classes_), y, "y")
    check_given_rows(found, X, labels)
    if groups is None:
        return gap
    called = group_titles(group_name(groups))
    return _by_groups(found, gap, X, labels, np.asarray(groups), refit, called)


def _has_record(source: object) -> bool:
    try:
        return find_classifier(source).record is not None
    except NotFoundError as error:
        raise DiagnosisError(str(error)) from error


def _known(gap: LossGap | None, reason: str | None) -> LossGap:
    if gap is None:
        why = reason or (
            "there is no validation loss to explain, or the fit did not measure its "
            "parts, as those of older versions"
        )
        raise ValueError(f"The gap between the losses is not known: {why}.")
    return gap


# ------------------------------------------------------------------------------ groups


def _by_groups(
    found: Found,
    gap: LossGap,
    X: Any,
    y: np.ndarray,
    groups: np.ndarray,
    refit: bool,
    called: tuple[str, str],
) -> LossGap:
    """Take the errors over groups and, by one more fit, split what new groups cost."""
    if found.record is not None and found.record.outcome.get("refit"):
        raise ValueError(
            "groups cannot be used: the weights were trained again on all rows, and "
            "the gap is that of the training before. Fit with refit=False."
        )
    members = found.members
    if len(members) > 1:
        if refit:
            raise ValueError(
                f"refit=True fits one network once more, but this "
                f"{type(found.classifier).__name__} has {len(members)} members: set "
                "n_members=1."
            )
        return _of_members(members, X, y, groups, called)
    held = held_out_positions(found, X, y, groups)
    if held is None:
        raise ValueError(
            "groups cannot be used: where the held-out rows stand among X is not known."
        )
    kept = np.setdiff1d(np.arange(len(y)), held)
    shared = np.isin(groups[held], groups[kept])
    if gap.unit != "groups":
        gap = _with_group_errors(found, gap, X, y, groups, kept, held, called)
    if not refit:
        return gap
    if shared.any():
        raise ValueError(
            "refit=True splits what comes from new groups, but the hold-out of this "
            "fit has rows of groups that were trained on: pass groups to fit, too."
        )
    old = gap.find("generalization")
    if old is None:
        raise ValueError("What rows never seen cost is not known apart from the rest.")
    prior = class_prior(
        np.searchsorted(found.classifier.classes_, y[held]),
        len(found.classifier.classes_),
    )
    nats, error = _cost_of_new_rows(found, gap, X, y, kept, prior)
    both = None if old.error is None else float(np.hypot(old.error, error or 0.0))
    split = (
        GapPart("new_rows", nats, error, called[1], ("new_rows",)),
        GapPart("new_groups", old.nats - nats, both, called[0], ("new_groups",)),
    )
    parts = [
        part for whole in gap.parts for part in (split if whole is old else (whole,))
    ]
    return replace(gap, parts=tuple(parts))


def _of_members(
    members: Sequence[Found],
    X: Any,
    y: np.ndarray,
    groups: np.ndarray,
    called: tuple[str, str],
) -> LossGap:
    """Take the errors of each member over the groups, and the mean of the members."""
    records = [member.record for member in members if member.record is not None]
    gaps = [
        _by_groups(
            member, _known(gap_of_record(record), None), X, y, groups, False, called
        )
        for member, record in zip(members, records, strict=True)
    ]
    held = [record.data["held_out_rows"] for record in records]
    sizes = np.array(list(map(len, held)))
    turns = sizes.sum() / len(np.unique(np.concatenate(held)))
    return mean_gap(gaps, sizes / sizes.sum(), turns)


def _with_group_errors(
    found: Found,
    gap: LossGap,
    X: Any,
    y: np.ndarray,
    groups: np.ndarray,
    kept: np.ndarray,
    held: np.ndarray,
    called: tuple[str, str],
) -> LossGap:
    """Take the errors of the parts between other rows from a bootstrap over groups."""
    trained, unseen = (
        replace(_losses(found, X, y, rows), groups=groups[rows])
        for rows in (kept, held)
    )
    n_classes = len(found.classifier.classes_)
    again = measured_gap(0, 0.0, gap.total, n_classes, trained=trained, held_out=unseen)
    known = np.isin(groups[held], groups[kept])
    title = "rows never seen"
    if not known.any():
        title = called[0]
    elif known.all():
        title = called[1]
    parts = []
    for part in gap.parts:
        other = (
            again.find(part.name) if part.name in ("prior", "generalization") else None
        )
        if other is not None:
            part = replace(part, error=other.error)
        if part.name == "generalization":
            part = replace(part, title=title)
        parts.append(part)
    return replace(
        gap, parts=tuple(parts), unit="groups", total_error=again.total_error
    )


def _losses(found: Found, X: Any, y: np.ndarray, rows: np.ndarray) -> RowLosses:
    """Cross-entropy of some rows."""
    classes = np.asarray(found.classifier.classes_)
    codes = np.searchsorted(classes, y[rows])
    scores = predictor(found.classifier)(found.transform(safe_indexing(X, rows)))
    return RowLosses(codes, clipped_crossentropy(np.asarray(scores), codes))


def _cost_of_new_rows(
    found: Found, gap: LossGap, X: Any, y: np.ndarray, kept: np.ndarray, prior: Any
) -> tuple[float, float | None]:
    """Fit once more with a hold-out inside the groups, and compare its two sides."""
    estimator = clone(found.estimator)
    prefix = f"{estimator.steps[-1][0]}__" if hasattr(estimator, "steps") else ""
    given = estimator.get_params()
    settings: dict[str, Any] = {
        "early_stopping": False,
        "validation_rows": "stratified",
        "validation_fraction": _fraction(given.get(f"{prefix}validation_fraction")),
    }
    if given.get(f"{prefix}learning_rate_schedule", "constant") == "constant":
        settings["epochs"] = gap.epoch + 1  # as many as the weights have seen
    estimator.set_params(**{prefix + name: value for name, value in settings.items()})
    X, y = safe_indexing(X, kept), y[kept]
    fitted = find_classifier(estimator.fit(X, y))
    held = fitted.record and fitted.record.data.get("held_out_rows")
    if not held:
        raise ValueError("The fit with a hold-out inside the groups held out no rows.")
    new = np.asarray(held, np.intp)
    old = np.setdiff1d(np.arange(len(y)), new)
    sides = [_losses(fitted, X, y, rows) for rows in (old, new)]
    seen, unseen = (
        loss_at_prior(per_class_loss(s.crossentropy, s.codes, len(prior)), prior)
        for s in sides
    )
    if not np.isfinite(unseen - seen):
        raise ValueError("A class has no row on one side of a hold-out in the groups.")
    again = measured_gap(
        0, 0.0, unseen - seen, len(prior), trained=sides[0], held_out=sides[1]
    )
    part = again.find("generalization")
    return unseen - seen, None if part is None else part.error


def _fraction(given: Any) -> float:
    return float(given) if isinstance(given, float) and 0 < given < 1 else _FRACTION
