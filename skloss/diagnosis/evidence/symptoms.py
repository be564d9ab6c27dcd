"""Symptoms of a training that went wrong, shared by rules.

Many unusual configurations do no harm. Therefore many rules raise an alarm only if one
of these symptoms shows that the network is worse than it could be.
"""

from typing import Any

import numpy as np

from skloss.diagnosis.case import Case, RowFacts
from skloss.diagnosis.rule import NotApplicable
from skloss.diagnosis.words import tally
from skloss.metrics import entropy
from skloss.record import SplitMetrics

__all__ = [
    "LOWER_PENALTIES",
    "always_predicts_one_class",
    "area_error",
    "beats_a_guess",
    "constant_guess",
    "fitted_part",
    "is_behind",
    "is_penalized",
    "last_counts",
    "learned_nothing",
    "need",
    "never_predicts_minority",
    "prior_from_curves",
    "prior_shift_from_curves",
    "ranking_error",
    "rarely_predicts_minority",
    "row_facts",
    "shortfall",
    "smoothed",
    "strong_penalties",
    "training_loss",
    "uniform_guess",
]

_LEAST_SHORTFALL = 0.05  # MCC
_FEWEST_EPOCHS = 3
_FEWEST_MINORITY = 5
_SURELY_LEARNED = 0.95  # MCC that is above chance with any number of rows
_MEMORIZED = 0.75  # MCC that any network reaches on a handful of rows by memorizing
_STRONG = {"l1": 0.05, "l2": 0.1}
_FEWEST_TO_PREDICT = 10  # rows of the class
_RARELY_PREDICTED = 0.1  # of the actual rows of the class
_RARELY_FOUND = 0.1  # recall, up to which 1 - accuracy is about the share of positives
_SHIFT_OF_PRIOR = 1.2  # ratio of shares
_LONGEST_STILL, _SHORTEST_STILL = 5, 3  # epochs
_NEAR_GUESS = (0.85, 1.1)  # of the entropy of the share that an accuracy implies

# What to do about a network that `is_penalized`: the fix, and the parameters for it.
LOWER_PENALTIES: tuple[str, dict[str, Any]] = (
    "Lower the weight penalties l1 and l2 to 1e-4 or less.",
    {"l1": 0.0, "l2": 1e-4},
)

# Subjects of the reason why a rule cannot be assessed, by the field of `RowFacts`.
_FACTS = {
    "n_rows": "the number of rows was",
    "n_columns": "the number of columns was",
    "n_nonfinite": "NaN and infinite values were",
    "n_constant": "constant columns were",
    "typical_size": "the size of a typical column was",
    "largest_size": "the size of the largest column was",
    "offset": "means and standard deviations were",
    "n_codes": "columns of category codes were",
    "column_scaler": "a step that scales series by columns was",
    "two_ranges_share": "the range of the values of each image was",
    "target_kind": "the encoding of the labels was",
    "n_distinct_targets": "the number of distinct labels was",
    "duplicate_share": "duplicate rows were",
    "conflict_share": "equal rows with different labels were",
    "best_column_auc": "the ROC AUC of single columns was",
    "shared_share": "rows shared with the validation rows were",
    "synthetic_share": "copies and interpolations among validation rows were",
    "synthetic_null": "copies and interpolations among validation rows were",
    "shift_auc": "the difference from the validation rows was",
    "shift_error": "the difference from the validation rows was",
    "shift_scale": "the scale of the validation rows was",
    "shift_offset": "the scale of the validation rows was",
    "one_hot_score": "a logistic regression on one-hot columns was",
    "linear_score": "a logistic regression was",
    "network_score": "the score of the network was",
}


def need(value: object, what: str) -> None:
    """Raise unless a value is known.

    Parameters
    ----------
    value : object
        None if it is not known.
    what : str
        Subject and verb of the reason, such as "the layers are".
    """
    if value is None:
        raise NotApplicable(f"{what} not known")


def row_facts(case: Case, *names: str) -> RowFacts:
    """Return the facts about the rows, or raise if one of the named is not known."""
    need(case.rows, "the values of the training rows are")
    for name in names:
        if getattr(case.rows, name) is None:
            what = _FACTS.get(name, f"{name} was")
            raise NotApplicable(f"{what} not measured on the training rows")
    return case.rows  # type: ignore[return-value]


def uniform_guess(case: Case) -> float | None:
    """Loss of guessing all classes alike, where only code and curves are known.

    No constant guess that knows the class shares has a higher loss. None if it is not
    known.
    """
    training, n_classes = case.training, case.n_classes
    if training is None or training.steps_per_epoch is None or not n_classes:
        return None
    weighted = training.class_weight_kind not in (None, "none")
    penalized = any(x.l1 or x.l2 or x.activity_l2 for x in case.layers or ())
    if weighted or penalized or case.task not in ("binary", "multiclass"):
        return None
    loss, share = str(training.loss), 1 / n_classes
    if loss == "binary_crossentropy":
        return float(entropy(np.array([share, 1 - share])))
    if loss.endswith("crossentropy"):
        return float(np.log(n_classes))
    one = case.head is not None and case.head.units == 1
    known = {"mean_squared_error": share * (1 - share), "mean_absolute_error": share}
    return known.get(loss) if one or loss == "mean_squared_error" else None


def learned_nothing(case: Case) -> bool:
    """Whether the curves end no better than a guess of all classes alike."""
    guess, loss = uniform_guess(case), case.curves.get("loss")
    if guess is None or loss is None or len(loss) < _FEWEST_EPOCHS:
        return False
    return bool(np.median(loss[-3:]) >= 0.98 * guess)


def fitted_part(case: Case) -> SplitMetrics:
    """Return the metrics of the original training rows, predictions included."""
    part = case.unsampled
    if part is None or part.confusion is None:
        raise NotApplicable("the predictions on the training rows are not known")
    return part


def training_loss(case: Case) -> np.ndarray:
    """Return the curve of the training loss, or raise if it is too short."""
    curve = case.curves.get("loss")
    if curve is None:
        raise NotApplicable("there is no curve of the training loss")
    if len(curve) < _FEWEST_EPOCHS:
        raise NotApplicable(
            f"{tally(len(curve), 'epoch')}; at least {_FEWEST_EPOCHS} are needed"
        )
    return curve


def beats_a_guess(part: SplitMetrics) -> bool | None:
    """Whether predictions or their ranking are better than chance; None if unknown.

    The ranking counts too, because a network can learn well and still predict one
    class only at the threshold 0.5.
    """
    if part.confusion is None or part.mcc is None:
        return None
    if part.mcc > min(2 * part.mcc_error, _SURELY_LEARNED):
        return True
    if part.n_minority < _FEWEST_MINORITY:
        return part.mcc > _MEMORIZED
    if part.roc_auc is not None:
        return bool(part.roc_auc > 0.5 + 2 * ranking_error(part))
    return _precise(part)


def ranking_error(part: SplitMetrics) -> float:
    """Return the standard error of the ROC AUC of a random ranking (Mann-Whitney).

    With more than two classes it is that of the smallest class against the others.
    """
    few = max(part.n_minority, 1)
    others = max(part.n_rows - few, 1)
    return float(np.sqrt((few + others + 1) / (12 * few * others)))


def area_error(part: SplitMetrics) -> float:
    """Return the standard error of the ROC AUC at its value (Hanley and McNeil, 1982).

    With more than two classes it is that of the smallest class against the others.
    """
    area = 0.5 if part.roc_auc is None else min(max(part.roc_auc, 0.0), 1.0)
    few = max(part.n_minority, 1)
    others = max(part.n_rows - few, 1)
    of_few = (few - 1) * (area / (2 - area) - area**2)
    of_others = (others - 1) * (2 * area**2 / (1 + area) - area**2)
    variance = area * (1 - area) + of_few + of_others
    return float(np.sqrt(max(variance, 0.0) / (few * others)))


def _precise(part: SplitMetrics) -> bool:
    """Whether the average precision is above that of a random ranking."""
    found = part.average_precision
    if found is None:
        return False
    if len(part.counts) == 2:
        chance = float(part.prior[1 if part.positive is None else part.positive])
    else:
        chance = 1 / len(part.counts)
    error = np.sqrt(found * (1 - found) / max(part.n_minority, 1))
    return bool(found > chance + 2 * error)


def constant_guess(case: Case) -> float | None:
    """Cross-entropy of always guessing the training prior, in nats; None if unknown."""
    return None if case.train is None else case.train.entropy


def shortfall(case: Case, least: float = _LEAST_SHORTFALL) -> float | None:
    """Return by how much a baseline model beats the network; None if within chance.

    Raises
    ------
    NotApplicable
        If no baseline model was measured on the same rows.
    """
    facts = case.rows
    if facts is None or facts.network_score is None:
        raise NotApplicable("no baseline model was measured on the same rows")
    baselines = [
        score for score in (facts.linear_score, facts.tree_score) if score is not None
    ]
    if not baselines:
        raise NotApplicable("no baseline model was measured on the same rows")
    missing = max(baselines) - facts.network_score
    least = max(least, 2 * (facts.score_error or 0.0))
    return float(missing) if missing > least else None


def is_behind(case: Case, least: float = _LEAST_SHORTFALL) -> bool | None:
    """Whether a baseline model scores higher beyond chance; None if not known."""
    try:
        return shortfall(case, least) is not None
    except NotApplicable:
        return None


def is_penalized(case: Case) -> bool:
    """Whether a penalty on the weights is so strong that it prevents learning."""
    return bool(strong_penalties(case))


def strong_penalties(case: Case) -> dict[str, float]:
    """Penalties on the weights that are so strong, by name, with the largest rate."""
    layers = [layer for layer in case.layers or () if layer.has_kernel]
    rates = {
        name: max((getattr(x, name) for x in layers), default=0.0) for name in _STRONG
    }
    return {name: rate for name, rate in rates.items() if rate >= _STRONG[name]}


def rarely_predicts_minority(case: Case) -> bool:
    """Whether the smaller of two classes is hardly ever predicted.

    It reads the validation rows where predictions on them are known, else the training
    rows. With fewer than ten rows of the class the answer is no.
    """
    part = case.val
    if part is None or part.confusion is None:
        part = case.unsampled
    if part is None or part.predicted is None or len(part.counts) != 2:
        return False
    predicted, actual = part.predicted[part.minority], part.prior[part.minority]
    is_rare = bool(predicted < _RARELY_PREDICTED * actual)
    return part.n_minority >= _FEWEST_TO_PREDICT and is_rare


def never_predicts_minority(case: Case) -> dict[str, object] | None:
    """Return evidence from curves that no rare event is found in any epoch, or None.

    Recall, F1, precision and true positives must all be 0. An accuracy between 0.5 and
    1 shows that there are rare events at all, and that the majority is predicted.
    """
    for prefix, split in (("val_", "validation"), ("", "training")):
        known = _positive_curves(case, prefix)
        if not known:
            continue
        if any(np.any(np.nan_to_num(curve) != 0) for curve in known.values()):
            return None
        accuracy = case.curves.get(prefix + "accuracy")
        evidence: dict[str, object] = {"epochs": (case.n_epochs, "epochs")}
        evidence |= {f"{split} {name}": (0.0, "") for name in known}
        if accuracy is None or not np.isfinite(accuracy).any():
            return evidence
        best = float(np.nanmax(accuracy))
        return {**evidence, f"{split} accuracy": best} if 0.5 < best < 1 else None
    return None


def always_predicts_one_class(case: Case) -> dict[str, object] | None:
    """Return evidence that one of two classes is predicted for all rows, or None.

    Where only code and curves are known: the accuracy does not change at all in the
    last epochs, on validation rows or training rows in five and on the others in three,
    and the loss stays near that of guessing the share it implies.
    """
    training, loss = case.training, case.curves.get("loss")
    shown = [case.curves.get(name) for name in ("accuracy", "val_accuracy")]
    known = [curve for curve in shown if curve is not None]
    if case.train is not None or training is None or case.n_classes != 2:
        return None
    is_weighted = training.class_weight_kind not in (None, "none")
    if is_weighted or not str(training.loss).endswith("crossentropy"):
        return None
    if loss is None or len(loss) < _LONGEST_STILL or shown[0] is None:
        return None
    still = [_last_equal(curve) for curve in known]
    if max(still) < _LONGEST_STILL or min(still) < _SHORTEST_STILL:
        return None
    share = float(known[0][-1])
    if not 0.5 < share < 1 or np.ptp(loss[-_LONGEST_STILL:]) == 0:
        return None
    guess = float(entropy(np.array([share, 1 - share])))
    if not _NEAR_GUESS[0] * guess <= loss[-1] <= _NEAR_GUESS[1] * guess:
        return None
    return {
        "accuracy of the last epochs": (share, ""),
        "epochs without a change": (max(still), "epochs"),
        "final training loss": (float(loss[-1]), ""),
        "loss of always guessing that share": (guess, "nats"),
    }


def _last_equal(curve: np.ndarray) -> int:
    """Count the last epochs whose values are all the same."""
    others = np.flatnonzero(curve != curve[-1])
    return len(curve) - (int(others[-1]) + 1 if len(others) else 0)


def last_counts(case: Case, prefix: str = "") -> np.ndarray | None:
    """Return tp, fn, fp and tn of the last epoch; None if they are not known."""
    curves = [case.curves.get(prefix + name) for name in ("tp", "fn", "fp", "tn")]
    if any(curve is None or not len(curve) for curve in curves):
        return None
    counts = np.array([curve[-1] for curve in curves])  # type: ignore[index]
    return counts if np.isfinite(counts).all() and counts.sum() > 0 else None


def prior_from_curves(case: Case, prefix: str = "") -> tuple[float, float] | None:
    """Return the range of the share of positives that curves imply, or None.

    The share is exact if the four counts of the confusion matrix are known. Otherwise,
    while hardly any positive is found, almost every error is a positive. Precision and
    recall, where they are known, correct for the false positives among the errors.

    Parameters
    ----------
    case : Case
        Only its curves are read.
    prefix : {"", "val_"}, default=""
        Training or validation.
    """
    counts = last_counts(case, prefix)
    if counts is not None:
        return (float(counts[:2].sum() / counts.sum()),) * 2
    accuracy = case.curves.get(prefix + "accuracy")
    recall = case.curves.get(prefix + "recall", case.curves.get(prefix + "f1"))
    if accuracy is None or recall is None or len(accuracy) < _FEWEST_EPOCHS:
        return None
    if not np.all(recall <= _RARELY_FOUND) or not np.isfinite(accuracy).all():
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
    """Return the shares of positives in both splits, if curves show that they differ.

    Both losses must also lie near the loss of a constant guess of their own share.
    Without this, the accuracies may differ for another reason.

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
    """Return the curves that are 0 while no positive is found, by their names."""
    names = {
        "recall": "recall",
        "f1": "F1",
        "precision": "precision",
        "tp": "true positives",
    }
    curves = {names[name]: case.curves.get(prefix + name) for name in names}
    # Some programs write NaN for a precision without predicted positives (0 / 0).
    known = {n: c for n, c in curves.items() if c is not None and not np.isnan(c).all()}
    long = all(len(c) >= _FEWEST_EPOCHS for c in known.values())
    return known if long and known.keys() - {"precision"} else {}


def _near_entropy(case: Case, name: str, shares: tuple[float, float]) -> bool:
    """Whether a loss is about that of a constant guess of a share, or not known."""
    if name not in case.curves:
        return True
    level = float(np.median(case.curves[name]))
    low, high = (float(entropy(np.array([1 - share, share]))) for share in shares)
    return bool(_NEAR_GUESS[0] * low <= level <= _NEAR_GUESS[1] * high)


def smoothed(curve: np.ndarray) -> np.ndarray:
    """Return the running median of three epochs, with the two ends unchanged."""
    if len(curve) < 3:
        return curve
    middle = np.median(np.stack([curve[:-2], curve[1:-1], curve[2:]]), axis=0)
    return np.concatenate([curve[:1], middle, curve[-1:]])
