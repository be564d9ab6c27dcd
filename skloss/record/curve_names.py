"""Names of curves: the many that people write, and the one that skloss knows."""

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = [
    "canonical_name",
    "higher_is_better",
    "is_counter",
    "is_epoch",
    "is_known_metric",
    "is_recorded_anyway",
    "is_step",
    "without_test",
]

# What people write for each curve: small letters and digits only.
_SPELLINGS = {
    "loss": "loss logloss nll avgloss averageloss meanloss totalloss losses",
    "accuracy": "accuracy acc binaryaccuracy categoricalaccuracy "
    "sparsecategoricalaccuracy accuracyscore accuracytop1 accuracies accs",
    "precision": "precision precisionm precisionscore ppv",
    "recall": "recall recallm recallscore sensitivity tpr truepositiverate",
    "f1": "f1 f1m f1score f1metric fscore fmeasure f1s f1scores",
    "mcc": "mcc mccm mccmetric matthews matthewscorrelation matthewscorrcoef "
    "matthewscorrelationcoefficient",
    "auc": "auc rocauc aucroc auroc rocaucscore aucs",
    "average_precision": "averageprecision averageprecisionscore ap prauc aucpr auprc "
    "prc aucprc",
    "fpr": "fpr falsepositiverate",
    "learning_rate": "learningrate lr",
    "tp": "tp truepositives truepositive",
    "fp": "fp falsepositives falsepositive",
    "tn": "tn truenegatives truenegative",
    "fn": "fn falsenegatives falsenegative",
}
_CANONICAL = {
    spelling: name for name, row in _SPELLINGS.items() for spelling in row.split()
}
_SIDES = {"val": "val_", "train": ""}
_SIDE = "(?P<{}>validation|valid|val|dev|eval|test|training|train)?"
_SPELLED = re.compile(
    f"(epoch)?{_SIDE.format('before')}(?P<name>{'|'.join(_CANONICAL)})"
    f"{_SIDE.format('after')}(epoch|step)?"
)
# Curves of skloss' own records that no other program writes.
_OWN = re.compile(
    r"(val_)?(loss_at_\w+_prior|loss_class_\d+|crossentropy|(gradient|update)_norm_(first|last)"
    r"|dead_share|saturated_share|running_loss|seconds)"
)
_RISING = {
    "accuracy",
    "auc",
    "average_precision",
    "f1",
    "mcc",
    "precision",
    "recall",
    "tn",
    "tp",
}
_FALLING = {"fn", "fp", "fpr", "loss"}
_OF_CLASS = re.compile(r"(?P<metric>.+)(?P<of_class>_class_[0-9]+)")
_EPOCHS = ("epoch", "epochs", "trainepoch", "trainerepoch")
_STEPS = ("step", "steps", "globalstep", "trainglobalstep", "trainerglobalstep")
_COUNTERS = (*_EPOCHS, *_STEPS, "index", "unnamed0", "")


@lru_cache(maxsize=4096)  # logs write the same names in every line
def canonical_name(written: str) -> str | None:
    """Name that rules know; Keras numbers metrics of one name, as in precision_1."""
    if _OWN.fullmatch(written):
        return written
    of_class = _OF_CLASS.fullmatch(written)
    if of_class:
        metric = canonical_name(of_class["metric"])
        return metric and metric + of_class["of_class"]
    for name in (written, re.sub(r"_\d+$", "", written)):
        match = _SPELLED.fullmatch(_letters(name))
        if match:
            side = match["before"] or match["after"] or "train"
            prefix = "" if side.startswith("train") else "val_"
            return prefix + _CANONICAL[match["name"]]
    return None


def higher_is_better(curve: str) -> bool | None:
    """Whether a curve that skloss knows should rise; None of any other.

    Examples
    --------
    >>> higher_is_better("val_mcc"), higher_is_better("val_loss_class_0")
    (True, False)
    >>> higher_is_better("val_neg_log_loss")
    """
    name = curve.removeprefix("val_")
    if name in _RISING:
        return True
    return False if name in _FALLING or _OWN.fullmatch(curve) else None


def is_recorded_anyway(name: str) -> bool:
    """Whether every record of skloss may have a curve of this name, without "val_"."""
    return name == "learning_rate" or (
        name != "auc" and higher_is_better(name) is not None
    )


def is_counter(written: str) -> bool:
    """Whether a column counts epochs or rows."""
    return _letters(written) in _COUNTERS


def is_epoch(written: str) -> bool:
    """Whether a column counts epochs."""
    return _letters(written) in _EPOCHS


def is_step(written: str) -> bool:
    """Whether a column counts steps, of which an epoch has many."""
    return _letters(written) in _STEPS


def without_test(names: Iterable[str]) -> list[str]:
    """Leave test columns out where there are validation columns, which they are not.

    Examples
    --------
    >>> without_test(["test_loss", "val_loss"]), without_test(["test_loss"])
    (['val_loss'], ['test_loss'])
    """
    names = list(names)
    validation = {n for n in names if (canonical_name(n) or "").startswith("val_")}
    test = {name for name in validation if "test" in _letters(name)}
    return [n for n in names if n not in test] if validation - test else names


def is_known_metric(name: str) -> bool:
    """Whether a canonical name is a loss or a metric that other programs write too."""
    return _letters(name.removeprefix("val_")) in _CANONICAL and name != "learning_rate"


def _letters(written: str) -> str:
    """Small letters and digits of a name."""
    return re.sub(r"[^a-z0-9]", "", written.lower())
