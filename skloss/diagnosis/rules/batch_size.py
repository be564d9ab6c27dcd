"""The size of the batches, and batch normalization over them."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    POOR_FIT,
    harm,
    layers_of,
    loss_swing,
    still_falling,
    training_of,
    updates_per_epoch,
)
from skloss.diagnosis.evidence.symptoms import rarely_predicts_minority
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.text import tally


def _batch_size(case: Case) -> int:
    """Rows of a batch; at most all of them."""
    updates_per_epoch(case)  # says what is missing
    size, train = training_of(case).batch_size, case.train
    return min(size or 0, train.n_rows if train is not None else 0)


def _epochs(case: Case) -> int:
    """Epochs that were run, or else those asked for."""
    epochs = case.n_epochs or training_of(case).epochs
    if not epochs:
        raise NotApplicable("the number of epochs is not known")
    return epochs


def _momenta(case: Case) -> list[float | None]:
    """Momentum of each batch normalization."""
    return [x.momentum for x in layers_of(case) if x.kind == "batch_norm"]


def _mode_gap(case: Case) -> float | None:
    """Accuracy in training mode over that in inference mode."""
    probe = case.probe
    if probe is None or probe.accuracy_training_mode is None:
        return None
    if probe.accuracy_inference_mode is None:
        return None
    return probe.accuracy_training_mode - probe.accuracy_inference_mode


class BatchnormTinyBatch(Rule):
    """Batch normalization over one to four rows.

    Reads: batch size; accuracy of the network in training and in inference mode.
    Effect: means and variances of so few rows are noise; what the network learned with
    them does not hold with the moving averages.
    False alarm when: each row has many positions to average over, as in images; an
    alarm needs harm, or modes that disagree.
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
    largest_gap = 0.1  # of accuracy, training mode over inference mode

    def inspect(self, case: Case) -> Finding | None:
        """Look for small batches under batch normalization."""
        n_layers, size = len(_momenta(case)), _batch_size(case)
        if not n_layers or size > self.most_rows:
            return None
        gap = _mode_gap(case)
        alarming = harm(case) or (gap is not None and gap > self.largest_gap)
        evidence: dict[str, object] = {
            "batch size": (size, "rows"),
            "batch normalizations": (n_layers, "layers"),
        }
        if gap is not None:
            evidence["accuracy lost in inference mode"] = (gap, "")
        return self.found(
            f"Batch normalization takes its averages over {tally(size, 'row')}.",
            evidence,
            "Use batches of at least 16 rows, or no batch normalization.",
            severity="warning" if alarming else "info",
            params={"batch_size": 32},
        )


class BatchnormMomentumLag(Rule):
    """Moving averages of batch normalization lag behind training.

    Reads: momentum, number of updates; accuracy and loss of the network in training
    and in inference mode on the same rows.
    Effect: predictions use moving averages, which begin at 0 and 1; after few updates
    they are not there yet, so validation looks broken while training looks fine.
    False alarm when: batches differ from each other, or dropout stands before the
    layer, which has a rule of its own.
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
    fewest_spans = 3.0  # updates times (1 - momentum): what is left is e to the minus
    largest_gap = 0.2  # of accuracy
    small_gap = 0.05
    largest_loss_ratio = 2.0

    def inspect(self, case: Case) -> Finding | None:
        """Count updates against momentum, and compare the modes."""
        momenta = [momentum for momentum in _momenta(case) if momentum is not None]
        if not momenta:
            if _momenta(case):
                raise NotApplicable("the momentum is not known")
            return None
        n_updates = updates_per_epoch(case) * _epochs(case)
        spans, gap = n_updates * (1 - max(momenta)), _mode_gap(case)
        lags = spans < self.fewest_spans
        severity = self._severity(case, lags, gap)
        if severity is None:
            return None
        evidence: dict[str, object] = {
            "updates": (n_updates, "updates"),
            "momentum": (max(momenta), ""),
            "start left in the averages": (100 * float(np.exp(-spans)), "%"),
        }
        if gap is not None:
            evidence["accuracy lost in inference mode"] = (gap, "")
        told = "" if gap is None else f"; inference loses {gap:.2f} accuracy"
        return self.found(
            f"Moving averages of momentum {max(momenta):g} had {n_updates} updates "
            f"to follow{told}.",
            evidence,
            "Lower the momentum to 0.9, use smaller batches, or train longer.",
            severity=severity,
            params={"batch_size": 32} if _batch_size(case) > 32 else None,
        )

    def _severity(self, case: Case, lags: bool, gap: float | None) -> Severity | None:
        wide = gap is not None and (gap > self.largest_gap or self._loss_differs(case))
        if wide and lags:
            return "error"
        if wide:
            return None if _has_dropout_before(case) else "warning"
        if not lags:
            return None
        # An accuracy does not tell that the rare class is no longer predicted.
        close = (
            gap is not None
            and gap <= self.small_gap
            and not rarely_predicts_minority(case)
        )
        return "info" if close else "warning"

    def _loss_differs(self, case: Case) -> bool:
        """Whether inference costs far more than training, beyond a tenth of a nat."""
        probe = case.probe
        if probe is None:
            return False
        low, high = probe.loss_training_mode, probe.loss_inference_mode
        if low is None or high is None:
            return False
        return high > self.largest_loss_ratio * low + 0.1


def _has_dropout_before(case: Case) -> bool:
    kinds = [layer.kind for layer in layers_of(case)]
    last = len(kinds) - kinds[::-1].index("batch_norm")
    return "dropout" in kinds[:last]


class BatchTooLarge(Rule):
    """So few updates that training cannot get anywhere.

    Reads: training rows, batch size, epochs; the training loss at the end.
    Effect: an epoch is as many steps as there are batches; under a hundred in all are
    too few for most networks, however well each one is averaged.
    False alarm when: the loss has settled; an alarm needs harm or a loss that still
    falls, and epochs enough that their number is not the matter.
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
    fewest_updates = 100
    smallest_batch = 64
    fewest_epochs = 10
    fastest_fall = 0.03  # of the loss in the last epoch

    def inspect(self, case: Case) -> Finding | None:
        """Count updates."""
        size = _batch_size(case)
        per_epoch, epochs = updates_per_epoch(case), _epochs(case)
        n_updates = per_epoch * epochs
        if n_updates >= self.fewest_updates or size < self.smallest_batch:
            return None
        fall = still_falling(case)
        falls = fall is not None and fall > self.fastest_fall
        alarming = epochs >= self.fewest_epochs and (harm(case) or falls)
        evidence: dict[str, object] = {
            "updates": (n_updates, "updates"),
            "updates per epoch": (per_epoch, "updates"),
            "batch size": (size, "rows"),
        }
        if fall is not None:
            evidence["fall of the loss in the last epoch"] = (100 * fall, "%")
        return self.found(
            f"{tally(epochs, 'epoch')} of {tally(per_epoch, 'update')} make "
            f"{tally(n_updates, 'update')} in all.",
            evidence,
            "Use batches of 32 rows.",
            severity="warning" if alarming else "info",
            params={"batch_size": 32},
        )


class BatchTooSmall(Rule):
    """Batches of one or two rows: the updates are noise.

    Reads: batch size, training rows; swings of the training loss.
    Effect: every update follows one row, so the weights wander about the optimum, and
    an epoch takes many times as long.
    False alarm when: the learning rate is low enough to average over many updates; an
    alarm needs harm or a loss that swings.
    """

    code = "C11"
    name = "batch-too-small"
    explains = ("loss-oscillation", "noisy-validation", "underfit", "late-divergence")
    reference = "tuning playbook (Google); Keskar et al. 2017"
    most_rows = 2
    fewest_training_rows = 200
    largest_swing = 0.1

    def inspect(self, case: Case) -> Finding | None:
        """Look for tiny batches, then for what they do."""
        size = _batch_size(case)
        if case.train is None or case.train.n_rows < self.fewest_training_rows:
            raise NotApplicable("there are too few rows for larger batches to matter")
        if not case.train.n_minority:
            raise NotApplicable("there is one class only")
        if size > self.most_rows:
            return None
        swing = loss_swing(case)
        alarming = harm(case) or (swing is not None and swing > self.largest_swing)
        evidence: dict[str, object] = {
            "batch size": (size, "rows"),
            "training rows": (case.train.n_rows, "rows"),
        }
        if swing is not None:
            evidence["mean step of the loss over its level"] = (swing, "")
        return self.found(
            f"Each update is computed from {tally(size, 'row')} of "
            f"{case.train.n_rows}.",
            evidence,
            "Use batches of 32 rows.",
            severity="warning" if alarming else "info",
            params={"batch_size": 32},
        )


class BatchWithoutMinority(Rule):
    """Most batches hold no row of the smallest class.

    Reads: share of the smallest class, batch size.
    Effect: most updates push towards the majority, a few push back; averages over a
    batch, such as F1, have no meaning.
    False alarm when: the learning rate is low enough to average over many batches,
    which is usual: this is context.
    """

    code = "C12"
    name = "batch-without-minority"
    severity = "info"
    reference = "binomial distribution"
    largest_chance = 0.5

    def inspect(self, case: Case) -> Finding | None:
        """Compute the chance of a batch without the minority."""
        size, train = _batch_size(case), case.train
        if train is None or not train.n_minority:
            raise NotApplicable("there is one class only")
        share = train.n_minority / train.n_rows
        chance = (1 - share) ** size
        if chance <= self.largest_chance:
            return None
        wanted = min(int(np.ceil(np.log(0.05) / np.log(1 - share))), train.n_rows)
        return self.found(
            f"{chance:.0%} of the batches hold no row of the smallest class.",
            {
                "batches without it": (100 * chance, "%"),
                "share of the smallest class": (100 * share, "%"),
                "batch size": (size, "rows"),
            },
            f"Use batches of {wanted} rows, or resample the training rows.",
            params={"batch_size": wanted},
        )
