"""Rules about metrics that mislead, or that stop training at the wrong epoch."""

import re
from collections.abc import Iterator

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    BINARY_LOSSES,
    classes_of,
    head_of,
    loss_of,
    training_of,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.record import SplitMetrics

_NOT_ADDITIVE = ("f1", "fbeta", "recall", "precision", "mcc", "matthews", "auc")
_CURVE_OF = {"matthews": "mcc", "fbeta": "f1"}


def _token(metric: str) -> str | None:
    """Return the measure that the name of a metric contains."""
    letters = re.sub(r"[^a-z0-9]", "", metric.lower())
    return next((token for token in _NOT_ADDITIVE if token in letters), None)


def _exact(part: SplitMetrics | None, token: str) -> float | None:
    """Compute a measure over all rows; None if it is not known."""
    if part is None or part.confusion is None or len(part.counts) != 2:
        return None
    if token in ("mcc", "matthews"):
        return part.mcc
    (_, fp), (fn, tp) = part.confusion
    of = {"f1": (2 * tp, 2 * tp + fp + fn), "recall": (tp, tp + fn)}
    of["precision"] = (tp, tp + fp)
    if token not in of:
        return None
    top, bottom = of[token]
    return float(top / bottom) if bottom else 0.0


class BatchwiseMetric(Rule):
    """A metric such as recall, precision or F1 is averaged over batches.

    Reads: the metrics that are means over batches, and their last values compared with
    the exact values of the final network.
    Effect: the mean of ratios is not the ratio of sums. A batch without positives
    counts as 0 or as 1. With rare positives, the displayed value mostly shows how rare
    they are.
    What to do: pass a metric object such as keras.metrics.F1Score(), which accumulates
    over all batches, or read the curves of a skloss classifier.
    False alarm when: batches are large and classes are balanced. It is a remark if the
    displayed value is within 0.02 of the exact one.
    """

    code = "C07"
    name = "batchwise-metric"
    explains = ("val-loss-misleads", "incomparable-curves", "noisy-validation")
    reference = "github.com/keras-team/keras/issues/4592, 5794"
    tolerance = 0.02

    def inspect(self, case: Case) -> Finding | None:
        """Compare the displayed values with the exact ones."""
        names = training_of(case).batch_metrics
        if names is None:
            raise NotApplicable("the metrics are not known")
        wrong = [(name, token) for name in names if (token := _token(name))]
        if not wrong:
            return None
        gaps = list(self._gaps(case, wrong))
        name, shown, exact = max(
            gaps,
            key=lambda gap: abs(gap[1] - gap[2]),
            default=(wrong[0][0], None, None),
        )
        evidence: dict[str, object] = {
            "metrics averaged over batches": ", ".join(n for n, _ in wrong)
        }
        agrees = False
        if shown is not None and exact is not None:
            evidence |= {
                f"displayed {name}": (shown, ""),
                f"exact {name}": (exact, ""),
            }
            agrees = abs(shown - exact) <= self.tolerance
        told = (
            ""
            if exact is None
            else f": its displayed value is {shown:.2f}, the exact one {exact:.2f}"
        )
        return self.found(
            f"The metric {name} is averaged over batches{told}.",
            evidence,
            "Pass a metric object such as keras.metrics.F1Score(), which accumulates "
            "over all batches, or read the curves of a skloss classifier.",
            severity="info" if agrees else "warning",
        )

    @staticmethod
    def _gaps(
        case: Case, metrics: list[tuple[str, str]]
    ) -> Iterator[tuple[str, float, float]]:
        """Yield name, last value and exact value; for validation rows where known."""
        for prefix, part in (("val_", case.val), ("", case.train)):
            found = False
            for name, token in metrics:
                exact = _exact(part, token)
                curve = case.curves.get(prefix + name)
                if curve is None:
                    curve = case.curves.get(prefix + _CURVE_OF.get(token, token))
                if exact is not None and curve is not None and len(curve):
                    found = True
                    yield prefix + name, float(curve[-1]), exact
            # A training curve is a running mean over a changing network, so it can
            # differ from the exact value for that reason alone.
            if found:
                return


class BceAccuracyOnMulticlass(Rule):
    """Binary accuracy is displayed for a choice among several classes.

    Reads: the loss, the metrics, and their last values compared with the true accuracy.
    Effect: each output of a row is rounded and counted on its own. With 10 classes, a
    row on which every output is 0 counts as 90 % correct.
    What to do: replace "binary_accuracy" by "categorical_accuracy" for one-hot labels,
    or by "sparse_categorical_accuracy" for class numbers.
    False alarm when: Keras chose categorical accuracy by the shape of the labels, as
    Keras 3 does for "accuracy". An alarm requires a displayed value that is too high.
    """

    code = "C08"
    name = "bce-accuracy-on-multiclass"
    explains = ("val-loss-misleads", "incomparable-curves")
    reference = "github.com/keras-team/keras/issues/11033; stackoverflow 42081257"
    least_flattery = 0.05

    def inspect(self, case: Case) -> Finding | None:
        """Compare the displayed accuracy with the true one."""
        head, n_classes, loss = head_of(case), classes_of(case), loss_of(case)
        if n_classes <= 2 or (head.units or 0) <= 2:
            return None
        metrics = training_of(case).metrics or ()
        binary = "binary_accuracy" in metrics
        plain = loss in BINARY_LOSSES and {"accuracy", "acc"} & set(metrics)
        if not binary and not plain:
            return None
        known = self._shown(case)
        evidence: dict[str, object] = {"classes": (n_classes, "classes"), "loss": loss}
        alarming, told = binary, ""
        if known is not None:
            shown, exact = known
            evidence |= {
                "displayed accuracy": (shown, ""),
                "true accuracy": (exact, ""),
            }
            alarming = shown - exact > self.least_flattery
            told = f": it shows {shown:.3f}, the true accuracy is {exact:.3f}"
        return self.found(
            f"The accuracy counts each of {head.units} outputs on its own{told}.",
            evidence,
            'Set metrics=["categorical_accuracy"] for one-hot labels, or '
            '["sparse_categorical_accuracy"] for class numbers, with categorical '
            "cross-entropy on softmax outputs.",
            severity="warning" if alarming else "info",
        )

    @staticmethod
    def _shown(case: Case) -> tuple[float, float] | None:
        """Return the displayed and the true accuracy, of validation rows if known."""
        for prefix, part in (("val_", case.val), ("", case.train)):
            for name in ("binary_accuracy", "accuracy"):
                curve = case.curves.get(prefix + name)
                exact = part.accuracy if part is not None else None
                if curve is not None and len(curve) and exact is not None:
                    return float(curve[-1]), exact
        return None


class AccuracyAsCriterion(Rule):
    """Accuracy is the criterion, although most rows belong to one class.

    Reads: the monitor of early stopping, the metrics, and the share of the largest
    class.
    Effect: a constant guess reaches an accuracy equal to the share of that class.
    Learning to find other classes lowers accuracy at first, so the best epoch is often
    one that finds none of them.
    What to do: set monitor="val_mcc" or "val_average_precision", and show F1, MCC or
    average precision instead of accuracy.
    False alarm when: only the share of correct predictions matters. If accuracy is
    displayed but does not decide when to stop, it is a remark.
    """

    code = "C09"
    name = "accuracy-as-criterion"
    explains = ("early-stopping-too-early", "majority-collapse", "threshold-not-tuned")
    reference = "skore SKD004 (80%); SageMaker Debugger ClassImbalance"
    least_majority = 0.8

    def inspect(self, case: Case) -> Finding | None:
        """Look at the monitor, then at the metrics."""
        training = training_of(case)
        if training.monitor is None and training.metrics is None:
            raise NotApplicable("neither the monitor nor the metrics are known")
        part = case.unsampled
        if case.val is not None and training.monitor is not None:
            part = case.val  # the rows that it is measured on
        if part is None:
            raise NotApplicable("the class counts are not known")
        decides = _is_accuracy(training.monitor or "")
        metrics = training.metrics or ()
        alone = bool(metrics) and all(_is_accuracy(name) for name in metrics)
        share = part.majority_share
        if share < self.least_majority or not (decides or alone):
            return None
        role = "decides when to stop" if decides else "is the only metric"
        return self.found(
            f"Accuracy {role}, but always predicting the largest class already scores "
            f"{share:.1%}.",
            {
                "share of the largest class": (100 * share, "%"),
                "monitor": training.monitor or "none",
            },
            'Set monitor="val_mcc" or "val_average_precision".'
            if decides
            else "Show MCC, F1 or average precision beside the accuracy.",
            severity="warning" if decides else "info",
            params={"monitor": "val_mcc"} if decides else None,
        )


def _is_accuracy(name: str) -> bool:
    plain = name.removeprefix("val_")
    return plain == "acc" or (plain.endswith("accuracy") and "balanced" not in plain)
