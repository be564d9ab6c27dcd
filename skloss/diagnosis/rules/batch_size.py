"""Rules about the batch size, and about batch normalization."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    BATCH_SIZE,
    FEWEST_UPDATES,
    POOR_FIT,
    batch_size_of,
    epochs_of,
    gain_of_smaller_batches,
    harm,
    layers_of,
    loss_swing,
    n_rows_of,
    still_falling,
    updates_per_epoch,
)
from skloss.diagnosis.evidence.symptoms import rarely_predicts_minority
from skloss.diagnosis.evidence.training_loss import higher_rate, rate_params
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.rules.learning_rates import LrTooLow
from skloss.diagnosis.words import tally


def _momenta(case: Case) -> list[float | None]:
    """Return the momentum of each batch normalization layer."""
    return [x.momentum for x in layers_of(case) if x.kind == "batch_norm"]


def _mode_gap(case: Case) -> float | None:
    """Return the accuracy in training mode minus that in inference mode."""
    probe = case.probe
    if probe is None or probe.accuracy_training_mode is None:
        return None
    if probe.accuracy_inference_mode is None:
        return None
    return probe.accuracy_training_mode - probe.accuracy_inference_mode


def _curves_agree(case: Case) -> bool:
    """Whether the validation accuracy ends near that of training."""
    train, val = case.curves.get("accuracy"), case.curves.get("val_accuracy")
    if train is None or val is None or not len(train) or not len(val):
        return False
    return bool(train[-1] - val[-1] <= BatchnormMomentumLag.largest_gap)


class BatchnormTinyBatch(Rule):
    """Batch normalization uses batches of at most four rows.

    Reads: the batch size, and the accuracy of the network in training mode and in
    inference mode.
    Effect: mean and variance of so few rows are noise. What the network learns with
    them does not hold with the moving averages that inference uses.
    What to do: set batch_size to at least 16, or remove the BatchNormalization layers.
    False alarm when: each row has many positions to average over, as images have. An
    alarm requires poor predictions, or two modes that disagree.
    """

    code = "C13"
    name = "batchnorm-tiny-batch"
    explains = (
        *POOR_FIT,
        "batch-too-small",
        "batchnorm-momentum-lag",
        "train-val-gap",
        "noisy-validation",
        "loss-oscillation",
        "val-loss-misleads",
        "overfit",
    )
    reference = "Ioffe 2017 (batch renormalization); Wu & He 2018"
    most_rows = 4
    largest_gap = 0.1  # of accuracy between training mode and inference mode

    def inspect(self, case: Case) -> Finding | None:
        """Look for batch normalization with small batches."""
        n_layers, size = len(_momenta(case)), batch_size_of(case)
        if not n_layers or size > self.most_rows:
            return None
        gap = _mode_gap(case)
        alarming = harm(case) or (gap is not None and gap > self.largest_gap)
        evidence: dict[str, object] = {
            "batch size": (size, "rows"),
            "batch normalization layers": (n_layers, "layers"),
        }
        if gap is not None:
            evidence["accuracy lost in inference mode"] = (gap, "")
        return self.found(
            f"Batch normalization computes mean and variance of only "
            f"{tally(size, 'row')}.",
            evidence,
            "Set batch_size to at least 16, or remove the BatchNormalization layers.",
            severity="warning" if alarming else "info",
            params={"batch_size": BATCH_SIZE},
        )


class BatchnormMomentumLag(Rule):
    """The moving averages of batch normalization lag behind training.

    Reads: the momentum, the number of updates, and the accuracy and loss of the network
    in training mode and in inference mode on the same rows.
    Effect: predictions use moving averages, which start at 0 and 1. After few updates
    they are still far from the true values, so validation looks broken while training
    looks fine.
    What to do: set momentum=0.9 in BatchNormalization, lower batch_size, or raise
    epochs.
    False alarm when: batches differ strongly from each other. Without poor predictions
    it is a remark, unless the two modes differ strongly. Dropout before the layer has a
    rule of its own, batchnorm-after-dropout.
    """

    code = "C14"
    name = "batchnorm-momentum-lag"
    explains = (
        *POOR_FIT,
        "batch-too-large",
        "batchnorm-after-dropout",
        "train-val-gap",
        "noisy-validation",
        "loss-oscillation",
        "val-loss-misleads",
        "overfit",
        "early-stopping-too-early",
    )
    reference = "forums.fast.ai/t/7940; keras.layers.BatchNormalization"
    # Updates times (1 - momentum). After 3, the initial value still has a weight of
    # exp(-3), or 5 %, in the moving averages.
    fewest_spans = 3.0
    largest_gap = 0.2  # of accuracy
    small_gap = 0.05
    largest_loss_ratio = 2.0
    close_loss_ratio = 1.1

    def inspect(self, case: Case) -> Finding | None:
        """Compare the updates with the momentum, and the two modes with each other."""
        momenta = [momentum for momentum in _momenta(case) if momentum is not None]
        if not momenta:
            if _momenta(case):
                raise NotApplicable("the momentum is not known")
            return None
        n_updates = updates_per_epoch(case) * epochs_of(case)
        spans, gap = n_updates * (1 - max(momenta)), _mode_gap(case)
        lags = spans < self.fewest_spans
        severity = self._severity(case, lags, gap)
        if severity is None:
            return None
        evidence: dict[str, object] = {
            "updates": (n_updates, "updates"),
            "momentum": (max(momenta), ""),
            "weight of the initial moving averages": (
                100 * float(np.exp(-spans)),
                "%",
            ),
        }
        if gap is not None:
            evidence["accuracy lost in inference mode"] = (gap, "")
        told = (
            ""
            if gap is None or gap < 0.005
            else f" The accuracy is {gap:.2f} lower in inference mode."
        )
        return self.found(
            f"The moving averages of batch normalization, with a momentum of "
            f"{max(momenta):g}, had only {tally(n_updates, 'update')}.{told}"
            if lags
            else f"The moving averages of batch normalization do not match the "
            f"training batches.{told}",
            evidence,
            "Set momentum=0.9 in BatchNormalization, lower batch_size, or raise "
            "epochs.",
            severity=severity,
            params={"batch_size": BATCH_SIZE} if batch_size_of(case) > 32 else None,
        )

    def _severity(self, case: Case, lags: bool, gap: float | None) -> Severity | None:
        wide = gap is not None and (gap > self.largest_gap or self._loss_differs(case))
        # Baselines are compared by their ranking, which a shift of all outputs keeps.
        rare = rarely_predicts_minority(case)
        harmed = rare or harm(case) is not False
        if wide and lags:
            return "error" if harmed else "warning"
        if wide:
            if _has_dropout_before(case):
                return None
            return "warning" if harmed else "info"
        if not lags:
            return None
        # Equal accuracies do not show that the rare class is no longer predicted.
        close = gap is not None and gap <= self.small_gap
        if close and rare:
            close = self._losses_are_close(case)
        close = close or (gap is None and _curves_agree(case))
        return "info" if close or not harmed else "warning"

    def _losses_are_close(self, case: Case) -> bool:
        """Whether the two modes give about the same loss."""
        losses = _losses_of_modes(case)
        return losses is not None and losses[1] <= self.close_loss_ratio * losses[0]

    def _loss_differs(self, case: Case) -> bool:
        """Whether the loss in inference mode is far higher, by 0.1 nats or more."""
        losses = _losses_of_modes(case)
        return (
            losses is not None and losses[1] > self.largest_loss_ratio * losses[0] + 0.1
        )


def _losses_of_modes(case: Case) -> tuple[float, float] | None:
    """Loss in training mode and in inference mode; None if either is not known."""
    probe = case.probe
    if probe is None:
        return None
    low, high = probe.loss_training_mode, probe.loss_inference_mode
    return None if low is None or high is None else (low, high)


def _has_dropout_before(case: Case) -> bool:
    kinds = [layer.kind for layer in layers_of(case)]
    last = len(kinds) - kinds[::-1].index("batch_norm")
    return "dropout" in kinds[:last]


def _is_slow(case: Case) -> bool:
    """Whether the learning rate is found to be too low."""
    try:
        return LrTooLow().inspect(case) is not None
    except NotApplicable:
        return False


class BatchTooLarge(Rule):
    """Large batches leave too few updates to train a network.

    Reads: training rows, batch size, epochs, and the training loss at the end.
    Effect: each epoch has only as many updates as batches. Fewer than a hundred updates
    are too few for most networks, even if each is averaged over many rows.
    What to do: set batch_size=32.
    False alarm when: the training loss has settled. An alarm requires enough epochs,
    and either poor predictions or a training loss that is still falling. It is a remark
    if the learning rate is too low by a larger factor than the number of updates.
    """

    code = "C10"
    name = "batch-too-large"
    explains = (
        *POOR_FIT,
        "lr-too-low",
        "too-few-epochs",
        "slow-convergence",
        "batch-without-minority",
    )
    reference = "forums.fast.ai/t/7940; tuning playbook (Google)"
    fewest_updates = FEWEST_UPDATES
    smallest_batch = 64
    fewest_epochs = 10
    fastest_fall = 0.03  # of the loss in the last epoch

    def inspect(self, case: Case) -> Finding | None:
        """Count the updates of the weights."""
        size = batch_size_of(case)
        per_epoch, epochs = updates_per_epoch(case), epochs_of(case)
        n_updates = per_epoch * epochs
        if n_updates >= self.fewest_updates or size < self.smallest_batch:
            return None
        fall = still_falling(case)
        falls = fall is not None and fall > self.fastest_fall
        alarming = epochs >= self.fewest_epochs and (harm(case) or falls)
        higher = higher_rate(case)
        if higher is not None and higher[1] > gain_of_smaller_batches(case):
            alarming = alarming and not _is_slow(case)
        evidence: dict[str, object] = {
            "updates": (n_updates, "updates"),
            "updates per epoch": (per_epoch, "updates"),
            "batch size": (size, "rows"),
        }
        if fall is not None:
            evidence["fall of the loss in the last epoch"] = (100 * fall, "%")
        return self.found(
            f"The training had only {tally(n_updates, 'update')} in all: "
            f"{tally(epochs, 'epoch')} of {tally(per_epoch, 'update')}.",
            evidence,
            f"Set batch_size={BATCH_SIZE}"
            + (f" and learning_rate={higher[0]:g}." if higher else "."),
            severity="warning" if alarming else "info",
            params=rate_params(higher and higher[0], batch_size=BATCH_SIZE),
        )


class BatchTooSmall(Rule):
    """Batches of one or two rows make the updates noisy.

    Reads: the batch size, the training rows, and the swings of the training loss.
    Effect: each update follows one or two rows, so the weights jump around the optimum.
    An epoch takes many times as long.
    What to do: set batch_size=32.
    False alarm when: the learning rate is so low that many updates average out. An
    alarm requires poor predictions or a training loss that swings.
    """

    code = "C11"
    name = "batch-too-small"
    explains = ("loss-oscillation", "noisy-validation", "underfit", "late-divergence")
    reference = "tuning playbook (Google); Keskar et al. 2017"
    most_rows = 2
    fewest_training_rows = 200
    largest_swing = 0.1

    def inspect(self, case: Case) -> Finding | None:
        """Look for tiny batches, and for a noisy loss."""
        size, n_rows = batch_size_of(case), n_rows_of(case)
        if n_rows is None or n_rows < self.fewest_training_rows:
            raise NotApplicable(f"fewer than {self.fewest_training_rows} training rows")
        if case.train is not None and not case.train.n_minority:
            raise NotApplicable("there is only one class")
        if size > self.most_rows:
            return None
        swing = loss_swing(case)
        alarming = harm(case) or (swing is not None and swing > self.largest_swing)
        evidence: dict[str, object] = {
            "batch size": (size, "rows"),
            "training rows": (n_rows, "rows"),
        }
        if swing is not None:
            evidence["mean change of the loss per epoch"] = (swing, "of its level")
        return self.found(
            f"Each update of the weights uses only {tally(size, 'row')} of {n_rows}.",
            evidence,
            "Set batch_size=32.",
            severity="warning" if alarming else "info",
            params={"batch_size": BATCH_SIZE},
        )


class BatchWithoutMinority(Rule):
    """Most batches contain no row of the smallest class.

    Reads: the share of the smallest class, and the batch size.
    Effect: most updates favour the majority, and few correct that. Metrics averaged
    over batches, such as F1, have no meaning.
    What to do: raise batch_size, set balanced_batches=True in a skloss classifier, or
    put a sampler such as RandomOverSampler or SMOTE into skloss.Pipeline.
    False alarm when: the learning rate is so low that many batches average out, which
    is usual. This is always a remark.
    """

    code = "C12"
    name = "batch-without-minority"
    severity = "info"
    reference = "binomial distribution"
    largest_chance = 0.5

    def inspect(self, case: Case) -> Finding | None:
        """Compute the chance of a batch without the minority."""
        size, train = batch_size_of(case), case.train
        if train is None or not train.n_minority:
            raise NotApplicable("there is only one class")
        if case.training is not None and case.training.balanced_batches:
            return None
        share = train.n_minority / train.n_rows
        chance = (1 - share) ** size
        if chance <= self.largest_chance:
            return None
        # With this many rows, 5 % of the batches hold no row of the class.
        larger = min(int(np.ceil(np.log(0.05) / np.log(1 - share))), train.n_rows)
        return self.found(
            f"{chance:.0%} of the batches contain no row of the smallest class.",
            {
                "batches without the smallest class": (100 * chance, "%"),
                "share of the smallest class": (100 * share, "%"),
                "batch size": (size, "rows"),
            },
            f"Set batch_size={larger}, or put a sampler into skloss.Pipeline.",
            params={"batch_size": larger},
        )
