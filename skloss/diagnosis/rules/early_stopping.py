"""A rule about what early stopping watches, and which weights it keeps."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import training_of
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.record import Training

_TO_FALL = ("loss", "error", "mse", "mae")
_TO_RISE = ("acc", "auc", "precision", "recall", "f1", "mcc", "matthews")
_VAL = "val_"


class WrongMonitor(Rule):
    """Early stopping watches a curve that is not there, or in the wrong direction.

    Reads: the monitor, the mode and the patience of Keras' EarlyStopping, and the
    metrics that the code compiles.
    Effect: without such a curve Keras only warns, and never stops. With the wrong mode
    the first epochs count as best, so that it stops early and keeps bad weights. A
    training curve goes on improving while the network overfits. Without
    restore_best_weights, the weights of the last epoch are kept, and as many epochs
    as the patience lie between it and the best one.
    What to do: give the monitor the name of a curve of the validation rows, such as
    val_loss or val_auc, mode="max" for scores and "min" for losses, and
    restore_best_weights=True.
    False alarm when: a callback logs the curve itself. Weights that are not restored
    are a remark, since the last epochs may be as good.
    """

    code = "C19"
    name = "wrong-monitor"
    explains = ("early-stopping-too-early", "too-few-epochs", "overfit")
    reference = "keras.callbacks.EarlyStopping"
    longest_patience = 10  # epochs, without restored weights

    def inspect(self, case: Case) -> Finding | None:
        """Look at the name of the curve, its direction, its rows, and the weights."""
        training = training_of(case)
        if case.origin != "keras":
            raise NotApplicable("Keras did not train the network")
        if training.monitor is None:
            if training.callbacks is None:
                raise NotApplicable("the callbacks are not known")
            return None
        wrong = self._wrong_curve(training) or self._wrong_rows(case, training)
        if wrong is None:
            return self._last_weights(case, training)
        title, fix = wrong
        return self.found(
            title,
            {
                "monitor": training.monitor,
                "mode": training.monitor_mode,
                "metrics": ", ".join(training.metrics or ()),
            },
            fix,
        )

    def _wrong_curve(self, training: Training) -> tuple[str, str] | None:
        monitor, mode = str(training.monitor), training.monitor_mode
        if training.monitor_is_logged is False:
            names = ["loss", *(training.metrics or ())]
            known = ", ".join(f'"{_VAL}{name}"' for name in names)
            return (
                f"Early stopping watches {monitor}, but no such curve is logged, so "
                "it never stops.",
                f"Set the monitor to one of {known}, with validation rows; or add the "
                "metric to compile under that name.",
            )
        name = monitor.removeprefix(_VAL).lower()
        rises = any(word in name for word in _TO_RISE)
        falls = any(word in name for word in _TO_FALL) and not rises
        if (mode == "min" and rises) or (mode == "max" and falls):
            right = "max" if rises else "min"
            return (
                f'Early stopping watches {monitor} with mode="{mode}", so it takes the '
                "worst epoch for the best.",
                f'Set mode="{right}".',
            )
        return None

    def _wrong_rows(self, case: Case, training: Training) -> tuple[str, str] | None:
        monitor = str(training.monitor)
        if monitor.startswith(_VAL) or case.holdout in (None, "none"):
            return None
        return (
            f"Early stopping watches {monitor}, a curve of the training rows, although "
            "there are validation rows.",
            f'Set monitor="{_VAL}{monitor}".',
        )

    def _last_weights(self, case: Case, training: Training) -> Finding | None:
        patience = training.patience
        saves = "ModelCheckpoint" in (training.callbacks or ())
        is_short = patience is None or patience < self.longest_patience
        if training.restore_best is not False or saves or is_short:
            return None
        return self.found(
            f"Early stopping waits {patience} epochs and then keeps the last weights, "
            "not the best.",
            {"patience": (patience, "epochs"), "restore_best_weights": False},
            "Set restore_best_weights=True.",
            severity="info",
        )
