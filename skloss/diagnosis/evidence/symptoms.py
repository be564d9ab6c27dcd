"""Signs that something is wrong at all, shared by rules.

Many oddities of a configuration harm nobody, so that many rules need a sign of harm
before they alarm.
"""

import numpy as np

from skloss.diagnosis.case import Case, RowFacts
from skloss.diagnosis.rule import NotApplicable
from skloss.metrics import entropy
from skloss.record import SplitMetrics

__all__ = [
    "beats_a_guess",
    "constant_guess",
    "fitted_part",
    "is_behind",
    "is_penalized",
    "need",
    "never_predicts_minority",
    "prior_from_curves",
    "prior_shift_from_curves",
    "rarely_predicts_minority",
    "row_facts",
    "shortfall",
    "smoothed",
    "training_loss",
]

_LEAST_SHORTFALL = 0.05  # MCC
_FEWEST_EPOCHS = 3
_FEWEST_MINORITY = 5
_SURELY_LEARNED = 0.95  # MCC, however few the rows
_LEARNED_BY_HEART = 0.75  # MCC that any network reaches on a handful of rows
_STRONG_L1, _STRONG_L2 = 0.05, 0.1
_FEWEST_CALLED = 10  # rows of the class
_HARDLY_CALLED = 0.1  # of its rows
_HARDLY_RECALLED = 0.1  # of the positives: accuracy still tells their share
_SHIFT_OF_PRIOR = 1.2  # ratio of shares
_NEAR_GUESS = (0.85, 1.1)  # of the entropy of a share read from an accuracy


def need(value: object, what: str) -> None:
    """Raise unless a thing is known."""
    if value is None:
        raise NotApplicable(f"{what} not known")


def row_facts(case: Case, *names: str) -> RowFacts:
    """Facts about the rows, those of the names known."""
    need(case.rows, "the training rows are")
    for name in names:
        if getattr(case.rows, name) is None:
            what = name.removeprefix("n_").replace("_", " ")
            raise NotApplicable(f"not measured on the rows: {what}")
    return case.rows  # type: ignore[return-value]


def fitted_part(case: Case) -> SplitMetrics:
    """Return the original training rows, with what the network predicts for them."""
    part = case.unsampled
    if part is None or part.confusion is None:
        raise NotApplicable("predictions on the training rows are not known")
    return part


def training_loss(case: Case) -> np.ndarray:
    """Curve of the training loss, with enough epochs to be read."""
    curve = case.curves.get("loss")
    if curve is None:
        raise NotApplicable("there is no curve of the training loss")
    if len(curve) < _FEWEST_EPOCHS:
        raise NotApplicable(
            f"{len(curve)} epochs; at least {_FEWEST_EPOCHS} are needed"
        )
    return curve


def beats_a_guess(part: SplitMetrics) -> bool | None:
    """Whether predictions or their ranking are better than chance; None if unknown."""
    if part.confusion is None or part.mcc is None:
        return None
    if part.mcc > min(2 * part.mcc_error, _SURELY_LEARNED):
        return True
    if part.n_minority < _FEWEST_MINORITY:
        return part.mcc > _LEARNED_BY_HEART
    if part.roc_auc is not None:
        error = 0.5 / np.sqrt(max(part.n_minority, 1))
        return bool(part.roc_auc > 0.5 + 2 * error)
    return _precise(part)


def _precise(part: SplitMetrics) -> bool:
    """Whether the average precision is above that of a random ranking."""
    found = part.average_precision
    if found is None:
        return False
    chance = float(part.prior[1]) if len(part.counts) == 2 else 1 / len(part.counts)
    error = np.sqrt(found * (1 - found) / max(part.n_minority, 1))
    return bool(found > chance + 2 * error)


def constant_guess(case: Case) -> float | None:
    """Cross-entropy of always guessing the training prior, in nats; None if unknown."""
    return None if case.train is None else case.train.entropy


def shortfall(case: Case, least: float = _LEAST_SHORTFALL) -> float | None:
    """Score by which a simple learner beats the network, if that is beyond chance.

    Raises
    ------
    NotApplicable
        If no other learner was measured on the same rows.
    """
    facts = case.rows
    if facts is None or facts.network_score is None:
        raise NotApplicable("no other learner was measured on the same rows")
    others = [
        score for score in (facts.linear_score, facts.tree_score) if score is not None
    ]
    if not others:
        raise NotApplicable("no other learner was measured on the same rows")
    missing = max(others) - facts.network_score
    least = max(least, 2 * (facts.score_error or 0.0))
    return float(missing) if missing > least else None


def is_behind(case: Case, least: float = _LEAST_SHORTFALL) -> bool | None:
    """Whether a simple learner does better beyond chance; None if not known."""
    try:
        return shortfall(case, least) is not None
    except NotApplicable:
        return None


def is_penalized(case: Case) -> bool:
    """Whether a penalty on weights leaves little to be learned beside it."""
    layers = case.layers or ()
    return any(
        layer.l1 >= _STRONG_L1 or layer.l2 >= _STRONG_L2
        for layer in layers
        if layer.has_kernel
    )


def rarely_predicts_minority(case: Case) -> bool:
    """Whether the smallest of two classes is hardly ever predicted, and is no handful.

    On validation rows where they were predicted, else on training rows.
    """
    part = case.val
    if part is None or part.confusion is None:
        part = case.unsampled
    if part is None or part.predicted is None or len(part.counts) != 2:
        return False
    called, there = part.predicted[part.minority], part.prior[part.minority]
    return part.n_minority >= _FEWEST_CALLED and bool(called < _HARDLY_CALLED * there)


def never_predicts_minority(case: Case) -> dict[str, object] | None:
    """Evidence, from curves alone, that no rare event is found in any epoch.

    Reads recall, F1, precision and true positives, which must all be 0, and the
    accuracy, which says that there are rare events at all and that what is predicted
    is the majority.
    """
    for prefix, side in (("val_", "validation"), ("", "training")):
        known = _positive_curves(case, prefix)
        if not known:
            continue
        if any(np.any(np.nan_to_num(curve) != 0) for curve in known.values()):
            return None
        accuracy = case.curves.get(prefix + "accuracy")
        evidence: dict[str, object] = {"epochs": (case.n_epochs, "epochs")}
        evidence |= {f"{side} {name}": (0.0, "") for name in known}
        if accuracy is None or not np.isfinite(accuracy).any():
            return evidence
        best = float(np.nanmax(accuracy))
        return {**evidence, f"{side} accuracy": best} if 0.5 < best < 1 else None
    return None


def prior_from_curves(case: Case, prefix: str = "") -> tuple[float, float] | None:
    """Range of the share of positives that curves imply; None if they imply none.

    Exact if the four counts are known. Else, where hardly any positive is found, the
    errors are the positives, but for what precision and recall tell of false alarms.

    Parameters
    ----------
    case : Case
        Only its curves are read.
    prefix : {"", "val_"}, default=""
        Training or validation.
    """
    counts = [case.curves.get(prefix + name) for name in ("tp", "fn", "fp", "tn")]
    if all(count is not None for count in counts):
        tp, fn, fp, tn = (float(count[-1]) for count in counts)  # type: ignore[index]
        total = tp + fn + fp + tn
        return ((tp + fn) / total,) * 2 if total > 0 else None
    accuracy = case.curves.get(prefix + "accuracy")
    recall = case.curves.get(prefix + "recall", case.curves.get(prefix + "f1"))
    if accuracy is None or recall is None or len(accuracy) < _FEWEST_EPOCHS:
        return None
    if not np.all(recall <= _HARDLY_RECALLED) or not np.isfinite(accuracy).all():
        return None
    best = int(np.argmax(accuracy))
    errors = 1 - float(accuracy[best])
    if not 0 < errors < 0.5:
        return None
    precision = case.curves.get(prefix + "precision", np.zeros(len(accuracy)))[best]
    if prefix + "recall" not in case.curves or not precision > 0:
        return errors, errors
    found = float(recall[best])
    share = errors / (1 - found + found * (1 - precision) / precision)
    return float(min(share, errors)), float(max(share, errors))


def prior_shift_from_curves(
    case: Case,
) -> tuple[tuple[float, float], float] | None:
    """Shares of positives in training and in validation rows, if curves show a shift.

    Both losses must lie near the entropy of their own share, too.

    Returns
    -------
    tuple or None
        Range of the training share, and the validation share.
    """
    train, val = prior_from_curves(case), prior_from_curves(case, "val_")
    if train is None or val is None:
        return None
    share = float(np.mean(val))
    low, high = train[0] / _SHIFT_OF_PRIOR, train[1] * _SHIFT_OF_PRIOR
    if low <= share <= high:
        return None
    near = _near_entropy(case, "loss", train) and _near_entropy(case, "val_loss", val)
    return (train, share) if near else None


def _positive_curves(case: Case, prefix: str) -> dict[str, np.ndarray]:
    """Curves of the positive class that are 0 if none is found, by their names."""
    names = {"recall": "recall", "f1": "F1", "precision": "precision", "tp": "hits"}
    curves = {names[name]: case.curves.get(prefix + name) for name in names}
    # Some programs divide by the number of predicted rows even if that is 0.
    known = {n: c for n, c in curves.items() if c is not None and not np.isnan(c).all()}
    long = all(len(c) >= _FEWEST_EPOCHS for c in known.values())
    return known if long and known.keys() - {"precision"} else {}


def _near_entropy(case: Case, name: str, shares: tuple[float, float]) -> bool:
    """Whether a loss lies at the entropy of a share of positives, or is not known."""
    if name not in case.curves:
        return True
    level = float(np.median(case.curves[name]))
    low, high = (float(entropy(np.array([1 - share, share]))) for share in shares)
    return bool(_NEAR_GUESS[0] * low <= level <= _NEAR_GUESS[1] * high)


def smoothed(curve: np.ndarray) -> np.ndarray:
    """Return the running median of three, its ends as they are."""
    if len(curve) < 3:
        return curve
    middle = np.median(np.stack([curve[:-2], curve[1:-1], curve[2:]]), axis=0)
    return np.concatenate([curve[:1], middle, curve[-1:]])
