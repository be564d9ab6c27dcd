"""Rules about convergence: whether the training loss settled, and how low."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import harm, updates_per_epoch
from skloss.diagnosis.evidence.late_harm import swings
from skloss.diagnosis.evidence.symptoms import (
    beats_a_guess,
    is_behind,
    never_predicts_minority,
    prior_from_curves,
)
from skloss.diagnosis.evidence.training_loss import (
    NOT_LEARNED,
    end_of,
    final_level,
    finite_loss,
    fitted_if_known,
    gain_of,
    guess_loss,
    is_falling,
    is_weighted,
    lower_rate,
    rate_params,
    rise_of,
    swing_of,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.rules.performance_limits import Underfit
from skloss.diagnosis.words import tally
from skloss.metrics import entropy

__all__: list[str] = []


class LossOscillation(Rule):
    """The training loss swings from epoch to epoch and does not settle.

    Reads: the second half of the training loss: the size of the swings around a
    straight line, and how often the direction changes. It does not read the validation
    loss, which is noisy with few rows.
    Effect: the quality of the final network depends on the epoch in which training
    ends.
    What to do: lower learning_rate, use a decaying schedule, or raise batch_size.
    False alarm when: the loss is small relative to a constant guess, so that swings are
    large only in proportion. From curves alone it is a remark if no metric swings
    and, without metrics, the validation loss does not.
    """

    code = "O09"
    name = "loss-oscillation"
    explains = ("noisy-validation", *NOT_LEARNED)
    reference = "TRAINER-DC (half of the steps turn)"
    least_epochs = 10
    swing = 0.1
    large_swing = 0.25
    turns = 0.5
    small_loss = 0.1
    high_loss = 0.5

    def inspect(self, case: Case) -> Finding | None:
        loss = finite_loss(case)
        if len(loss) < self.least_epochs:
            raise NotApplicable(
                f"{len(loss)} epochs; at least {self.least_epochs} are needed"
            )
        swing, turns = swing_of(loss)
        level = self._mean_level(case, loss)
        if swing <= self.swing or turns <= self.turns or level <= self.small_loss:
            return None
        harmed = harm(case)
        is_high = level > self.high_loss and harmed is not False
        alarms = bool(harmed) or is_high or swing > self.large_swing
        if harmed is None and guess_loss(case) is None:
            alarms = alarms and swings(case) is not False
        lower = lower_rate(case)
        return self.found(
            f"The training loss still swings by {swing:.0%} of its level in the second "
            "half of the training.",
            {
                "size of the swings": (swing, "of the level"),
                "changes of direction": (turns, "of the epochs"),
                "level": (level, "of the loss of a constant guess"),
            },
            "Lower learning_rate, use a decaying schedule, or raise batch_size.",
            severity="warning" if alarms else "info",
            params=rate_params(lower),
        )

    def _mean_level(self, case: Case, loss: np.ndarray) -> float:
        """Mean of the second half over the loss of a guess, or of the first epoch."""
        guess = guess_loss(case)
        whole = guess if guess is not None else float(loss[0])
        return float(loss[len(loss) // 2 :].mean()) / whole if whole > 0 else 0.0


class LossAtConstantGuess(Rule):
    """The training loss is not lower than that of a constant guess.

    Reads: the training loss and the class counts. Without counts, it reads the class
    shares that the accuracy implies while the minority is never found.
    Effect: the network learned nothing from the inputs. A constant guess always
    predicts the class shares of the training rows.
    What to do: look at the findings on inputs, activations, dropout and learning rate
    first. Then try to fit ten rows: a network that cannot memorize them has a fault.
    False alarm when: dropout, penalties or unknown class weights raise the loss. It is
    a remark if the predictions are better than chance.
    """

    code = "O10"
    name = "loss-at-constant-guess"
    explains = ("plateau-above-floor",)
    reference = "Karpathy, A Recipe for Training Neural Networks"
    share = 0.98
    share_if_estimated = 0.9
    least_fall = 0.05

    def inspect(self, case: Case) -> Finding | None:
        loss = finite_loss(case)
        guess, level = guess_loss(case), final_level(case)
        if guess is None:
            return self._estimated(case, loss)
        if level is None or level < self.share:
            return None
        part = fitted_if_known(case)
        learned = part is not None and bool(beats_a_guess(part))
        return self._found(
            level * guess, (guess, guess), "info" if learned else "warning"
        )

    def _estimated(self, case: Case, loss: np.ndarray) -> Finding | None:
        """Compare with the class shares that the curves imply."""
        shares = prior_from_curves(case)
        if shares is None or case.train is not None or is_weighted(case):
            raise NotApplicable("the loss of a constant guess is not known")
        low, high = (float(entropy(np.array([1 - p, p]))) for p in shares)
        end = end_of(loss)
        # Keras' loss of the first epoch is a running mean from the untrained network
        # on, so it is too high to show that anything was learned.
        start = float(loss[1] if len(loss) > 3 and not case.is_honest else loss[0])
        is_flat = start - end < self.least_fall * start
        if end < self.share_if_estimated * low or not is_flat:
            return None
        if never_predicts_minority(case) is None:
            return None
        return self._found(end, (low, high), "warning")

    def _found(
        self, end: float, guess: tuple[float, float], severity: Severity
    ) -> Finding:
        low, high = guess
        told = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
        return self.found(
            f"The training loss ends at {end:.3g}; a constant guess of the class "
            f"shares gives {told}.",
            {
                "final training loss": (end, "nats"),
                "loss of a constant guess": (low if low == high else guess, "nats"),
            },
            "Check in this order: inputs scaled (StandardScaler), activation set in "
            "every hidden layer, dropout rates, learning_rate.",
            severity=severity,
        )


class TooFewEpochs(Rule):
    """Training ended while the training loss was still falling.

    Reads: the slope of the last fifth of the training loss, and the gain from as many
    epochs again at the same trend. After a handful of epochs it reads the number of
    updates, because a schedule flattens the curve by then.
    Effect: a longer training would give a better network.
    What to do: raise epochs to three times the number, and set early_stopping=True (in
    Keras, add an EarlyStopping callback).
    False alarm when: the network does well already (see slow-convergence), the
    validation curve stopped it, or the learning rate had decayed to nearly 0. An alarm
    requires poor predictions; with curves alone, a loss that is still high and would
    fall by much, and an accuracy that is not good yet.
    """

    code = "O11"
    name = "too-few-epochs"
    explains = ("slow-convergence", "threshold-not-tuned", *NOT_LEARNED)
    reference = "Google, Deep Learning Tuning Playbook"
    gain = 0.1
    fast_gain = 0.3
    high_loss = 0.5
    low_loss = 0.1
    least_loss = 0.05  # after hardly any epochs, if a baseline model scores higher
    little_fall = 0.8  # of the first loss, if that of a constant guess is not known
    good_score = 0.6  # MCC on the training rows
    few_epochs = 10
    hardly_any = 5  # epochs
    gain_by_hardly_any = 0.05
    few_updates = 300
    least_fall = 0.05  # nats, where only curves are known
    good_accuracy = 0.9

    def inspect(self, case: Case) -> Finding | None:
        loss, gain = _unfinished(case)
        # After very few epochs, as many again say little about a longer training.
        # A smaller gain counts then.
        least = self.gain if len(loss) > self.hardly_any else self.gain_by_hardly_any
        evidence: dict[str, object] = {
            "epochs": (len(loss), "epochs"),
            "final training loss": (float(loss[-1]), "nats"),
        }
        if gain > least and self._is_short(case, gain, len(loss)):
            evidence["gain from as many epochs again"] = (min(gain, 1.0), "of the loss")
            told = (
                f"After {len(loss)} epochs the training loss is still falling; as many "
                f"epochs again would lower it by {_about(gain)}."
            )
        elif (updates := self._hardly_any(case, loss)) is not None:
            evidence["updates"] = (updates, "updates")
            told = (
                f"{len(loss)} epochs, with {tally(updates, 'update')} in all, are too "
                "few to reach a baseline model."
            )
        else:
            return None
        epochs = 3 * len(loss)
        return self.found(
            told,
            evidence,
            f"Set epochs={epochs} or more, with early stopping.",
            params={"epochs": epochs},
        )

    def _hardly_any(self, case: Case, loss: np.ndarray) -> int | None:
        """Return the number of updates, if it is low and the predictions are poor."""
        if len(loss) > self.hardly_any or loss[-1] >= loss[0] or not _is_poor(case):
            return None
        try:
            updates = updates_per_epoch(case) * len(loss)
        except NotApplicable:
            return None
        return updates if updates <= self.few_updates else None

    def _is_short(self, case: Case, gain: float, n_epochs: int) -> bool:
        """Whether the network is poor or, if not known, the loss is still high."""
        level, harmed = final_level(case), _is_poor(case)
        if harmed or level is None:
            return bool(harmed)
        if guess_loss(case) is None:
            return (
                level > self.little_fall
                and harmed is None
                and self._is_worth(case, gain)
            )
        if n_epochs <= self.hardly_any and is_behind(case, least=0.0):
            return level > self.least_loss
        part = fitted_if_known(case)
        if part is not None and (part.mcc or 0.0) > self.good_score:
            return False
        if level > self.high_loss and harmed is None:
            return True
        is_early = level > self.high_loss or n_epochs <= self.few_epochs
        return is_early and level > self.low_loss and gain > self.fast_gain

    def _is_worth(self, case: Case, gain: float) -> bool:
        """Whether curves alone show that a longer training would count."""
        accuracy = case.curves.get("accuracy")
        good = accuracy is not None and bool(accuracy[-1] >= self.good_accuracy)
        return not good and gain * end_of(finite_loss(case)) >= self.least_fall


class SlowConvergence(Rule):
    """The training loss was still falling at the end, but the network does well.

    Reads: the same as too-few-epochs.
    Effect: small. More epochs may lower the loss a little.
    What to do: raise epochs, or raise learning_rate.
    False alarm when: the network is memorizing its training rows. Then the validation
    loss does not fall any more. This is always a remark.
    """

    code = "O12"
    name = "slow-convergence"
    severity = "info"
    reference = "Google, Deep Learning Tuning Playbook"
    gain = 0.1
    least_loss = 0.05  # of a constant guess: below it there is little left to win

    def inspect(self, case: Case) -> Finding | None:
        loss, gain = _unfinished(case)
        if gain <= self.gain or TooFewEpochs().inspect(case) is not None:
            return None
        level = final_level(case)
        if level is not None and level < self.least_loss:
            return None
        return self.found(
            "The training loss is still falling; as many epochs again would lower it "
            f"by {_about(gain)}.",
            {
                "epochs": (len(loss), "epochs"),
                "gain from as many epochs again": (min(gain, 1.0), "of the loss"),
            },
            f"Set epochs={2 * len(loss)}, or raise learning_rate.",
            params={"epochs": 2 * len(loss)},
        )


def _is_poor(case: Case) -> bool | None:
    """Whether the network does not fit its rows as well as it could; None if unknown.

    What it fits well is not for more epochs to heal, even if new rows are not.
    """
    try:
        return Underfit().inspect(case) is not None
    except NotApplicable:
        return harm(case)


def _unfinished(case: Case) -> tuple[np.ndarray, float]:
    """Return the training loss, and the share that as many epochs again would win.

    The gain is 0 if the loss has settled, or if more epochs would not help.
    """
    loss = finite_loss(case)
    rates = case.curves.get("learning_rate")
    training = case.training
    if rates is not None and rates[-1] < 0.05 * np.nanmax(rates):
        return loss, 0.0
    if training is not None and training.epochs and len(loss) < training.epochs:
        raise NotApplicable("training was stopped before its last epoch")
    if case.stop_reason not in (None, "epochs"):
        raise NotApplicable(
            f"training was stopped ({case.stop_reason.replace('_', ' ')})"
        )
    if not is_falling(loss) or _no_longer_gains(case):
        return loss, 0.0
    return loss, gain_of(loss)


def _about(gain: float) -> str:
    """Write a gain as a share; an extrapolated fall may end below a loss of 0."""
    return f"about {gain:.0%}" if gain < 0.9 else "nearly all that is left"


def _no_longer_gains(case: Case) -> bool:
    """Whether the validation loss was lowest long ago."""
    val = case.curves.get("val_loss")
    if val is None or not np.isfinite(val).all():
        return False
    _, since, _ = rise_of(val)
    return since > max(2, len(val) // 5)
