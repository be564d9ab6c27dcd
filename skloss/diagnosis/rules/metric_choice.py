"""The metrics that the training showed and was steered by."""

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
    """Which measure a metric's name speaks of."""
    letters = re.sub(r"[^a-z0-9]", "", metric.lower())
    return next((token for token in _NOT_ADDITIVE if token in letters), None)


def _exact(part: SplitMetrics | None, token: str) -> float | None:
    """Compute the measure over all rows; None if it is not known."""
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
    """A recall, precision, F1 or the like is averaged over batches.

    Reads: metrics that are means over batches; their last values against the exact
    ones of the final network.
    Effect: the mean of ratios is not the ratio of sums: a batch without positives
    counts as 0, or as 1, so that with rare positives the number says how rare they are.
    False alarm when: batches are large and classes even; where the number shown is
    within 0.02 of the exact one this is no alarm.
    """

    code = "C07"
    name = "batchwise-metric"
    explains = ("val-loss-misleads", "incomparable-curves", "noisy-validation")
    reference = "github.com/keras-team/keras/issues/4592, 5794"
    tolerance = 0.02

    def inspect(self, case: Case) -> Finding | None:
        """Compare what is shown with what is right."""
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
        evidence: dict[str, object] = {"metrics": ", ".join(n for n, _ in wrong)}
        agrees = False
        if shown is not None and exact is not None:
            evidence |= {
                f"{name} shown": (shown, ""),
                f"{name} of all rows": (exact, ""),
            }
            agrees = abs(shown - exact) <= self.tolerance
        told = "" if exact is None else f": {shown:.2f} is shown, {exact:.2f} is right"
        return self.found(
            f"{name} is a mean over batches{told}.",
            evidence,
            "Compute it over all rows at the end of the epoch, with Keras' metric "
            "classes (keras.metrics.F1Score) or skloss' curves.",
            severity="info" if agrees else "warning",
        )

    @staticmethod
    def _gaps(
        case: Case, metrics: list[tuple[str, str]]
    ) -> Iterator[tuple[str, float, float]]:
        """Name, last value and exact value; of validation rows, else training rows."""
        sides = (("val_", case.val), ("", case.train))
        for prefix, part in sides:
            found = False
            for name, token in metrics:
                exact = _exact(part, token)
                curve = case.curves.get(prefix + name)
                if curve is None:
                    curve = case.curves.get(prefix + _CURVE_OF.get(token, token))
                if exact is not None and curve is not None and len(curve):
                    found = True
                    yield prefix + name, float(curve[-1]), exact
            if found:  # a training curve is a running mean, inexact by itself
                return


class BceAccuracyOnMulticlass(Rule):
    """Binary accuracy is shown for a choice among several classes.

    Reads: the loss, the metrics, their last values against the true accuracy.
    Effect: every output of a row is rounded and counted, so a row of 10 classes
    without any answer is 90 % right.
    False alarm when: Keras has picked the categorical accuracy by the shape of the
    labels, as Keras 3 does for "accuracy"; the alarm needs a number that is too high.
    """

    code = "C08"
    name = "bce-accuracy-on-multiclass"
    explains = ("val-loss-misleads", "incomparable-curves")
    reference = "github.com/keras-team/keras/issues/11033; stackoverflow 42081257"
    least_flattery = 0.05

    def inspect(self, case: Case) -> Finding | None:
        """Compare the accuracy shown with the true one."""
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
            evidence |= {"accuracy shown": (shown, ""), "true accuracy": (exact, "")}
            alarming = shown - exact > self.least_flattery
            told = f": {shown:.3f} is shown, {exact:.3f} is right"
        return self.found(
            f"Accuracy counts each of {head.units} outputs apart{told}.",
            evidence,
            "Use the metric 'categorical_accuracy' ('sparse_categorical_accuracy' for "
            "labels as numbers), and categorical cross-entropy on softmax outputs.",
            severity="warning" if alarming else "info",
        )

    @staticmethod
    def _shown(case: Case) -> tuple[float, float] | None:
        """Last accuracy shown and the true one; of validation rows where known."""
        for prefix, part in (("val_", case.val), ("", case.train)):
            for name in ("binary_accuracy", "accuracy"):
                curve = case.curves.get(prefix + name)
                exact = part.accuracy if part is not None else None
                if curve is not None and len(curve) and exact is not None:
                    return float(curve[-1]), exact
        return None


class AccuracyAsCriterion(Rule):
    """Accuracy decides, and most rows are of one class.

    Reads: the monitor of early stopping, the metrics, share of the largest class.
    Effect: always guessing that class scores its share; learning to find the others
    first costs accuracy, so the best epoch is often the one that finds none.
    False alarm when: a majority answered right is all that matters; without early
    stopping on it accuracy only misleads the reader, which is no alarm.
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
            raise NotApplicable("neither monitor nor metrics are known")
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
        verb = "decides when to stop" if decides else "is the only metric"
        return self.found(
            f"Accuracy {verb}, and always guessing one class scores {share:.0%}.",
            {
                "share of the largest class": (100 * share, "%"),
                "monitor": training.monitor or "none",
            },
            "Monitor the Matthews correlation, F1 or average precision instead.",
            severity="warning" if decides else "info",
            params={"monitor": "val_mcc"} if decides else None,
        )


def _is_accuracy(name: str) -> bool:
    plain = name.removeprefix("val_")
    return plain == "acc" or (plain.endswith("accuracy") and "balanced" not in plain)
