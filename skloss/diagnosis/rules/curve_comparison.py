"""Rules about curves that are not comparable, or that mislead."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.splits import monitors_loss
from skloss.diagnosis.evidence.symptoms import need, smoothed, training_loss
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally


class ValLossMisleads(Rule):
    """The validation loss is lowest in another epoch than the best predictions.

    Reads: the validation loss and the validation MCC of each epoch.
    Effect: early stopping by the loss keeps a worse network.
    What to do: set monitor="val_mcc" or "val_average_precision" instead of "val_loss".
    False alarm when: few validation rows make the MCC noisy. Therefore the loss of MCC
    must exceed three standard errors. It is a remark unless early stopping by the loss
    ended the training.
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
            raise NotApplicable(
                f"{tally(len(loss), 'epoch')}; at least {self.fewest_epochs} are needed"
            )
        if not np.isfinite(loss).all() or not np.isfinite(score).all():
            raise NotApplicable("the curves are not finite in every epoch")
        if case.val is None:
            raise NotApplicable("the number of validation rows is not known")
        smooth = smoothed(score)
        by_loss, by_score = int(np.nanargmin(loss)), int(np.nanargmax(smooth))
        lost = float(smooth[by_score] - smooth[by_loss])
        least = max(self.least_loss, self.errors * case.val.mcc_error)
        if lost < least or abs(by_loss - by_score) < self.least_apart * len(loss):
            return None
        return self.found(
            f"In epoch {by_loss + 1}, where the validation loss is lowest, the MCC is "
            f"{lost:.2f} below its best (epoch {by_score + 1}).",
            {
                "MCC below its best": (lost, ""),
                "standard error": (case.val.mcc_error, ""),
                "epoch of the lowest validation loss": (by_loss + 1, ""),
                "epoch of the best MCC": (by_score + 1, ""),
            },
            'Set monitor="val_mcc" or "val_average_precision".',
            severity=None
            if monitors_loss(case) and case.stop_reason == "early_stopping"
            else "info",
            params={"monitor": "val_average_precision"},
            epoch=by_loss,
        )


class ValBetterThanTrain(Rule):
    """Validation looks better than training, because dropout acts in training only.

    Reads: both loss curves, and the rates of the dropout layers.
    Effect: none. The two curves measure different things.
    What to do: nothing. To compare the curves, call model.evaluate on the training
    rows, which measures without dropout.
    False alarm when: the validation rows are easier than the training rows. This is
    always a remark.
    """

    code = "G12"
    name = "val-better-than-train-dropout"
    severity = "info"
    reference = "keras#1761"
    least_difference = 0.05  # relative

    def inspect(self, case: Case) -> Finding | None:
        """Ask for a lower validation loss and for dropout."""
        loss, val = training_loss(case), case.curves.get("val_loss")
        need(case.layers, "the layers of the network are")
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
            "loss, which Keras measures with dropout.",
            {
                "difference of the losses": (difference, "of the training loss"),
                "highest dropout rate": max(rates),
            },
            "No change is needed. To compare the losses, call model.evaluate on the "
            "training rows.",
        )


class ClassWeightLossScale(Rule):
    """Class weights scale the training loss but not the validation loss.

    Reads: the class weights, and both loss curves.
    Effect: none. The two curves only lie at different heights.
    What to do: nothing. To compare the curves, call model.evaluate on the training
    rows, which measures without class weights.
    False alarm when: both losses are measured without weights, as in skloss. This is
    always a remark.
    """

    code = "G13"
    name = "class-weight-loss-scale"
    severity = "info"
    reference = "Keras weights the training loss only"

    def inspect(self, case: Case) -> Finding | None:
        """Ask for unequal weights and a training loss that includes them."""
        training = case.training
        if training is None or training.class_weight_kind is None:
            raise NotApplicable("the class weights are not known")
        acts = training.class_weight_kind in ("dict", "balanced", "effective")
        if case.is_honest or not acts or "val_loss" not in case.curves:
            return None
        if not training.class_weight:
            raise NotApplicable("the class weights are not known")
        weights = list(training.class_weight.values())
        if max(weights) < 1.1 * min(weights):
            return None
        return self.found(
            "The training loss includes the class weights, the validation loss does "
            "not.",
            {
                "largest class weight": (max(weights), ""),
                "smallest class weight": (min(weights), ""),
            },
            "No change is needed. To compare the losses, call model.evaluate on the "
            "training rows.",
        )


class IncomparableCurves(Rule):
    """The two losses are measured at different class shares, so their gap says little.

    Reads: the class shares of both splits, and whether the losses were measured at one
    prior.
    Effect: the gap between the curves can look like overfitting.
    What to do: plot val_loss_at_train_prior of skloss instead of val_loss. Elsewhere,
    compare each loss with the loss of a constant guess for the same rows.
    False alarm when: both splits have the same shares. This is always a remark.
    """

    code = "G14"
    name = "incomparable-curves"
    severity = "info"
    reference = "loss at a common prior"
    least_difference = 0.05  # nats between the entropies of the shares

    def inspect(self, case: Case) -> Finding | None:
        """Compare the losses of constant guesses for the two splits."""
        if case.train is None or case.val is None:
            raise NotApplicable("the class shares of both splits are not known")
        if case.is_honest:
            return None
        difference = case.train.entropy - case.val.entropy
        if abs(difference) < self.least_difference:
            return None
        return self.found(
            "The losses are not comparable: a constant guess of the class shares has a "
            f"loss of {case.train.entropy:.3f} on training rows and "
            f"{case.val.entropy:.3f} on validation rows.",
            {
                "loss of a constant guess in training": (case.train.entropy, "nats"),
                "loss of a constant guess in validation": (case.val.entropy, "nats"),
            },
            "Plot val_loss_at_train_prior of skloss instead of val_loss, or compare "
            "each loss with its constant guess.",
        )
