"""Rules about outputs that are read in a way that does not fit the output layer."""

import math

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    BINARY_LOSSES,
    head_of,
    loss_of,
    training_of,
)
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule

_ACCURACIES = ("accuracy", "acc", "binary_accuracy")
_READINGS = {"above 0.5": "compared with 0.5", "round": "rounded"}


class LogitsReadAsProbabilities(Rule):
    """Logits are compared with 0.5, as if they were probabilities.

    Reads: the activation of the output layer, ``from_logits``, the metrics with
    thresholds between 0 and 1, and in code how predictions become classes.
    Effect: a logit of 0.5 is a probability of 0.62, and a probability of 0.5 is a logit
    of 0. Rows between them count as negative, so that recall is too low. Rounded
    logits are no classes. An AUC takes all logits below 0 for equal.
    What to do: compare logits with 0, or apply a sigmoid first. Give metrics the
    threshold 0, and AUC from_logits=True.
    False alarm when: the threshold was tuned on logits, and happens to be 0.5. It is a
    remark if only the accuracy is read so.
    """

    code = "C17"
    name = "logits-read-as-probabilities"
    explains = ("threshold-not-tuned", "val-loss-misleads", "incomparable-curves")
    reference = "keras.metrics, threshold and from_logits"

    def inspect(self, case: Case) -> Finding | None:
        """Look for thresholds of probabilities on logits of two classes."""
        head, loss, training = head_of(case), loss_of(case), training_of(case)
        if training.from_logits is None:
            raise NotApplicable("from_logits is not known")
        is_logit = training.from_logits and head.activation == "linear"
        if not is_logit or head.units != 1 or loss not in BINARY_LOSSES:
            return None
        metrics = training.probability_metrics or ()
        cuts = [how for how in case.decisions if how != "argmax"]
        ranked = [name for name in metrics if name not in _ACCURACIES]
        if not metrics and not cuts:
            return None
        told = (
            f"The predictions are {_READINGS[cuts[0]]}"
            if cuts
            else f"The metric {(*ranked, *metrics)[0]} takes outputs for probabilities"
        )
        return self.found(
            f"{told}, but the outputs are logits (from_logits=True).",
            {
                "predictions": ", ".join(dict.fromkeys(cuts)),
                "metrics": ", ".join(metrics),
                "probability at a logit of 0.5": (1 / (1 + math.exp(-0.5)), ""),
            },
            "Compare logits with 0, as in (model.predict(X) > 0), or apply "
            "tf.sigmoid to them first. As metrics, use BinaryAccuracy(threshold=0.0), "
            "Precision(thresholds=0.0), Recall(thresholds=0.0) and "
            "AUC(from_logits=True).",
            severity="warning" if cuts or ranked else "info",
        )


class ArgmaxOfOneUnit(Rule):
    """The largest of a single output is taken, which is always class 0.

    Reads: the units of the output layer, and in code how predictions become classes.
    Effect: the place of the largest value of one column is 0 for every row. Whatever
    was learned, class 0 is predicted.
    What to do: compare the output of a sigmoid with 0.5 instead of taking the argmax.
    False alarm when: never along the axis of the outputs.
    """

    code = "C18"
    name = "argmax-of-one-unit"
    severity = "error"
    explains = ("majority-collapse", "threshold-not-tuned")
    reference = "stackoverflow.com/questions/54167910"

    def inspect(self, case: Case) -> Finding | None:
        """Look for an argmax behind one unit."""
        head = head_of(case)
        if head.units != 1 or "argmax" not in case.decisions:
            return None
        limit = "0" if head.activation == "linear" else "0.5"
        return self.found(
            "The argmax of 1 output is 0 for every row, so class 0 is always "
            "predicted.",
            {"output units": (1, "units"), "activation": head.activation},
            f"Use (model.predict(X) > {limit}).astype(int) in place of the argmax.",
        )
