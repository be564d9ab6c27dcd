"""Rules about curves that do not compare, or that mislead."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import need, smoothed, training_loss
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule


class ValLossMisleads(Rule):
    """The epoch of the lowest validation loss is not that of the best predictions.

    Reads: validation loss and validation MCC over the epochs.
    Effect: who stops by the loss keeps a worse network.
    False alarm when: few validation rows make the MCC jump, hence the standard error;
    it is context unless training was stopped by the loss.
    """

    code = "G11"
    name = "val-loss-misleads"
    reference = "TheDeepChecker, representativeness of the loss"
    errors = 3
    least_apart = 0.2  # of the epochs
    least_loss = 0.1  # MCC
    fewest_epochs = 10

    def inspect(self, case: Case) -> Finding | None:
        """Compare the best epochs of the two curves."""
        loss, score = case.curves.get("val_loss"), case.curves.get("val_mcc")
        if loss is None or score is None:
            raise NotApplicable("there are no curves of val_loss and val_mcc")
        if len(loss) < self.fewest_epochs:
            raise NotApplicable(f"{len(loss)} epochs")
        if not np.isfinite(loss).all() or not np.isfinite(score).all():
            raise NotApplicable("the curves are not finite in every epoch")
        if case.val is None:
            raise NotApplicable("the number of validation rows is not known")
        monitor = case.training.monitor if case.training else None
        smooth = smoothed(score)
        by_loss, by_score = int(np.nanargmin(loss)), int(np.nanargmax(smooth))
        lost = float(smooth[by_score] - smooth[by_loss])
        least = max(self.least_loss, self.errors * case.val.mcc_error)
        if lost < least or abs(by_loss - by_score) < self.least_apart * len(loss):
            return None
        uses_loss = monitor is not None and "loss" in monitor
        return self.found(
            f"At the lowest validation loss (epoch {by_loss + 1}) the MCC is "
            f"{lost:.2f} below its best (epoch {by_score + 1}).",
            {
                "MCC lost": (lost, ""),
                "standard error": (case.val.mcc_error, ""),
                "epoch by loss": (by_loss + 1, ""),
                "epoch by MCC": (by_score + 1, ""),
            },
            "Monitor the validation MCC or average precision.",
            severity=None
            if uses_loss and case.stop_reason == "early_stopping"
            else "info",
            params={"monitor": "val_average_precision"},
            epoch=by_loss,
        )


class ValBetterThanTrain(Rule):
    """Validation looks better than training because dropout acts in training only.

    Reads: both loss curves, and the rates of the dropout layers.
    Effect: nobody; the two curves measure different things.
    False alarm when: the validation rows are easier than the training rows.
    """

    code = "G12"
    name = "val-better-than-train-dropout"
    severity = "info"
    reference = "keras#1761"
    least_difference = 0.05  # relative

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a lower validation loss and a layer that makes it so."""
        loss, val = training_loss(case), case.curves.get("val_loss")
        need(case.layers, "the network is")
        if val is None:
            raise NotApplicable("there is no curve of the validation loss")
        rates = [layer.rate for layer in case.layers or () if layer.rate]
        if case.is_honest or not rates:
            return None
        difference = 1 - float(np.median(val[-3:])) / max(
            float(np.median(loss[-3:])), 1e-12
        )
        if not difference > self.least_difference:
            return None
        return self.found(
            f"The validation loss is {100 * difference:.2g}% lower than the training "
            "loss, which Keras measures with dropout on.",
            {
                "difference": (difference, "of the training loss"),
                "highest dropout rate": max(rates),
            },
            "Nothing to mend: measure the training loss in inference mode to compare.",
        )


class ClassWeightLossScale(Rule):
    """Class weights scale the training loss but not the validation loss.

    Reads: class weights, and both loss curves.
    Effect: nobody; but the curves lie at different heights.
    False alarm when: both losses are measured without weights, as skloss does.
    """

    code = "G13"
    name = "class-weight-loss-scale"
    severity = "info"
    reference = "Keras weights the training loss only"

    def inspect(self, case: Case) -> Finding | None:
        """Ask for weights that act and a curve with them in it."""
        training = case.training
        if training is None or training.class_weight_kind is None:
            raise NotApplicable("whether classes were weighted is not known")
        acts = training.class_weight_kind in ("dict", "balanced")
        if case.is_honest or not acts or "val_loss" not in case.curves:
            return None
        if not training.class_weight:
            raise NotApplicable("the class weights are not known")
        weights = list(training.class_weight.values())
        if max(weights) < 1.1 * min(weights):
            return None
        return self.found(
            "The training loss has class weights in it, the validation loss has not.",
            {
                "largest weight": (max(weights), ""),
                "smallest weight": (min(weights), ""),
            },
            "Compare curves that are measured alike, as skloss records them.",
        )


class IncomparableCurves(Rule):
    """The two loss curves are at different class shares, so their distance says little.

    Reads: class shares of both sides, and whether the loss was measured at one prior.
    Effect: a gap between the curves looks like over-fitting and is none.
    False alarm when: both sides have the same shares.
    """

    code = "G14"
    name = "incomparable-curves"
    severity = "info"
    reference = "loss at a common prior"
    least_difference = 0.05  # nats between the entropies of the shares

    def inspect(self, case: Case) -> Finding | None:
        """Compare the entropies of the shares."""
        if case.train is None or case.val is None:
            raise NotApplicable("class shares of both sides are not known")
        if case.is_honest:
            return None
        difference = case.train.entropy - case.val.entropy
        if abs(difference) < self.least_difference:
            return None
        return self.found(
            f"Always guessing the class shares costs {case.train.entropy:.3f} nats on "
            f"training rows and {case.val.entropy:.3f} on validation rows.",
            {
                "loss of a constant guess in training": (case.train.entropy, "nats"),
                "loss of a constant guess in validation": (case.val.entropy, "nats"),
            },
            "Compare both losses at one prior: val_loss_at_train_prior in skloss.",
        )
