"""Rules about a hold-out that is missing or too small."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import harm
from skloss.diagnosis.evidence.splits import monitors_loss, stops_by
from skloss.diagnosis.evidence.symptoms import need
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally


class NoisyValidation(Rule):
    """The validation rows of the smallest class are so few that its curves are noise.

    Reads: the count of the smallest class among the validation rows, and whether early
    stopping used a validation curve.
    Effect: one row changes the recall by one over that count. Early stopping then picks
    an epoch by chance.
    What to do: raise validation_fraction or validation_split, stratified by class, or
    score with RepeatedStratifiedKFold and a fixed number of epochs.
    False alarm when: the classes are so well separated that no prediction is in doubt.
    Early stopping by the loss is a remark unless the predictions are poor.
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
        is_alarm = least < self.fewest_minority and is_used and self._is_harmful(case)
        return self.found(
            f"Only {tally(least, 'validation row')} "
            f"{'belongs' if least == 1 else 'belong'} to the smallest class; each row "
            f"changes its recall by {1 / least:.2f}.",
            {
                "validation rows of the smallest class": (least, "rows"),
                "change of recall by one row": (1 / least, ""),
            },
            "Raise validation_fraction or validation_split, or score with "
            "RepeatedStratifiedKFold.",
            severity="warning" if is_alarm else "info",
        )

    def _is_harmful(self, case: Case) -> bool:
        """Whether few rows decided when to stop, or the predictions are poor.

        A loss averages over all rows, so that it is less noisy than other monitors.
        """
        monitor = case.training.monitor if case.training is not None else None
        return bool((monitor is not None and not monitors_loss(case)) or harm(case))


class NoValidation(Rule):
    """The training has no validation rows.

    Reads: the source of the validation rows, and the names of the curves.
    Effect: overfitting cannot be seen.
    What to do: set validation_fraction=0.2 in a skloss classifier, or pass
    validation_data=(X_val, y_val) to fit.
    False alarm when: the whole fit is evaluated by cross-validation. This is always a
    remark.
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
            raise NotApplicable("neither the curves nor the hold-out are known")
        return self.found(
            "The training has no validation rows.",
            {"epochs without validation": (case.n_epochs, "epochs")},
            "Set validation_fraction=0.2 in a skloss classifier, or pass "
            "validation_data=(X_val, y_val) to fit.",
            params={"validation_fraction": 0.2} if case.origin == "skloss" else None,
        )
