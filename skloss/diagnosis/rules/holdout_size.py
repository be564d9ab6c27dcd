"""Rules about a missing or a small hold-out."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import harm
from skloss.diagnosis.evidence.splits import stops_by
from skloss.diagnosis.evidence.symptoms import need
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule


class NoisyValidation(Rule):
    """So few validation rows of the smallest class that its curve jumps by chance.

    Reads: the count of the smallest class among the validation rows, and whether an
    early stopping watched a validation curve.
    Effect: one row moves recall by one over that count; stopping by it is a lottery.
    False alarm when: the classes are so far apart that no row is in doubt; stopping by
    the loss is an alarm only with harm.
    """

    code = "V08"
    name = "noisy-validation"
    explains = ("early-stopping-too-early", "val-loss-misleads", "folds-disagree")
    reference = "Google deep learning tuning playbook"
    fewest_minority = 10
    few_minority = 30

    def inspect(self, case: Case) -> Finding | None:
        """Count the rows of the smallest class."""
        need(case.val, "the class counts of the validation rows are")
        counts = [n for n in case.val.counts if n > 0]  # type: ignore[union-attr]
        if not counts:
            raise NotApplicable("there are no validation rows")
        least = min(counts)
        if least >= self.few_minority:
            return None
        is_used = stops_by(case, "val_") or case.stop_reason == "early_stopping"
        is_alarm = least < self.fewest_minority and is_used and self._hurts(case)
        return self.found(
            f"Only {least} of the validation rows {'is' if least == 1 else 'are'} of "
            f"the smallest class; one row moves its recall by {1 / least:.2f}.",
            {"smallest class": (least, "rows"), "step of its recall": (1 / least, "")},
            "Hold out more rows, or judge by repeated cross-validation.",
            severity="warning" if is_alarm else "info",
        )

    def _hurts(self, case: Case) -> bool:
        """Whether it was stopped by few rare rows, or is worse than it could be."""
        monitor = case.training.monitor if case.training is not None else None
        return bool((monitor is not None and "loss" not in monitor) or harm(case))


class NoValidation(Rule):
    """Nothing is validated.

    Reads: where validation rows come from, and the names of the curves.
    Effect: whether the network has learned the rows by heart cannot be seen.
    False alarm when: the network is judged by cross-validation around the fit.
    """

    code = "V09"
    name = "no-validation"
    severity = "info"
    reference = "UMLAUT; keras-team/keras documentation of fit"

    def inspect(self, case: Case) -> Finding | None:
        """Look for any validation."""
        has_curve = any(name.startswith("val_") for name in case.curves)
        if case.val is not None or has_curve or case.holdout not in (None, "none"):
            return None
        if case.holdout is None and not case.curves:
            raise NotApplicable("neither curves nor the hold-out are known")
        return self.found(
            "There are no validation rows.",
            {"epochs without validation": (case.n_epochs, "epochs")},
            "Hold out rows: validation_fraction of a skloss classifier, or "
            "validation_data of fit.",
            params={"validation_fraction": 0.2} if case.origin == "skloss" else None,
        )
