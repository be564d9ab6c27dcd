"""The record of several members: mean curves, and metrics of out-of-bag rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skloss.estimators.fit_record import described_parameters
from skloss.estimators.out_of_bag import OutOfBag, out_of_bag
from skloss.metrics import epoch_metrics
from skloss.metrics.confusion import ConfusionCounts
from skloss.record import TrainingRecord
from skloss.record.loss_gap import gap_of_record
from skloss.record.mean_gap import mean_gap
from skloss.record.plain_values import as_plain
from skloss.record.recorded_metrics import recorded_metrics
from skloss.training.losses import clipped_crossentropy

__all__ = ["members_record"]

_CELLS = ("tn", "fp", "fn", "tp")
_OF_CELLS = ("accuracy", "mcc", "f1", "precision", "recall", "fpr")
# Curves of each member that its part of the record has.
_OWN = ("loss", "val_loss", "mcc", "val_mcc")
# The first of these that ended any member is told as the reason.
_REASONS = ("interrupted", "diverged", "callback", "early_stopping")


def members_record(
    estimator: Any,
    records: Sequence[TrainingRecord],
    seeds: Sequence[int],
    *,
    is_weighted: bool,
) -> TrainingRecord:
    """Make one record of those of the members.

    A curve is the mean over the members at each epoch, where a row counts the same
    whoever held it out; what is made of counts of right and wrong rows is made of the
    sums of these. From the last epoch of a member on, its values are those of the
    weights that it kept.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Its parameters are read.
    records : sequence of TrainingRecord
        One for each member.
    seeds : sequence of int
        The ``random_state`` of each.
    is_weighted : bool
        Whether rows have weights, which the held-out predictions do not know.
    """
    bag = out_of_bag(records)
    trained = [record for record in records if record.n_epochs]
    history = _Pooled(trained, bag).curves() if trained else {}
    first = records[0]
    data = _data(records, bag)
    return TrainingRecord(
        configuration={
            **first.configuration,
            "parameters": described_parameters(estimator),
            "n_members": len(records),
        },
        data=data,
        history=history,
        outcome=_outcome(records, seeds, history, data, bag, is_weighted),
    )


def _data(records: Sequence[TrainingRecord], bag: OutOfBag | None) -> dict[str, Any]:
    """Say what was seen; counts of training rows are those of a mean member."""
    parts = [record.data for record in records]
    names = parts[0]["class_counts"]
    counts = {
        name: np.rint(_means([part["class_counts"][name] for part in parts])).astype(
            int
        )
        for name in names
    }
    priors = {
        name: _means([part["priors"][name] for part in parts])
        for name in parts[0]["priors"]
    }
    if bag is not None:
        counts["validation"] = np.bincount(bag.truth, minlength=bag.scores.shape[1])
        priors["validation"] = counts["validation"] / len(bag.truth)
    held = None if bag is None or bag.positions is None else bag.positions.tolist()
    return parts[0] | {
        "n_rows": round(float(np.mean([part["n_rows"] for part in parts]))),
        "held_out_rows": held,
        "class_counts": {name: part.tolist() for name, part in counts.items()},
        "priors": {name: part.tolist() for name, part in priors.items()},
        "is_resampled": any(part["is_resampled"] for part in parts),
    }


def _means(values: Sequence[Sequence[float]]) -> np.ndarray:
    return np.asarray(np.mean(values, axis=0))


# -------------------------------------------------------------------------- the curves


class _Pooled:
    """Curves of several members as one."""

    def __init__(self, records: Sequence[TrainingRecord], bag: OutOfBag | None) -> None:
        self.records = records
        self.n_epochs = max(record.n_epochs for record in records)
        self.positive = records[0].positive
        # Rows that several members have held out count once.
        turns = 1.0 if bag is None else bag.turns
        self.scales = {"": 1 / len(records), "val_": 1 / turns}

    def curves(self) -> dict[str, list[float]]:
        names = self.records[0].history
        curves = {name: self._mean(name) for name in names}
        for prefix in ("", "val_"):
            if prefix + "loss_at_train_prior" in names:
                curves[prefix + "loss_at_train_prior"] = self._at_prior(prefix, curves)
            if prefix + "tp" in names:
                curves |= self._of_cells(prefix, curves)
        return {name: curve.tolist() for name, curve in curves.items()}

    def _mean(self, name: str) -> np.ndarray:
        """Mean over the members, weighted by the rows that each value is of."""
        every = np.stack([self._as_long(record, name) for record in self.records])
        if name == "seconds":
            return every.sum(axis=0)
        prefix = "val_" if name.startswith("val_") else ""
        base = name.removeprefix("val_")
        if base in _CELLS:
            return every.sum(axis=0) * self.scales[prefix]
        rows = self._rows_of_classes(prefix)
        if base.startswith("loss_class_"):
            weight = rows[:, int(base.removeprefix("loss_class_"))]
        else:
            weight = rows.sum(axis=1)
        known = ~np.isnan(every)
        total = (known * weight[:, None]).sum(axis=0)
        sums = (np.where(known, every, 0.0) * weight[:, None]).sum(axis=0)
        return np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0)

    def _as_long(self, record: TrainingRecord, name: str) -> np.ndarray:
        """Values of a member over all epochs; at its end those of its kept weights."""
        own = np.asarray(record.history[name], float)
        kept = record.outcome.get("kept_epoch")
        if name == "seconds":
            return np.pad(own, (0, self.n_epochs - len(own)))
        if kept is not None:
            own = np.append(own[:-1], own[kept])
        return np.pad(own, (0, self.n_epochs - len(own)), mode="edge")

    def _rows_of_classes(self, prefix: str) -> np.ndarray:
        """Rows of each class that a member measures, with their weights if known."""
        if prefix + "tp" in self.records[0].history:
            cells = [
                [record.history[prefix + cell][-1] for cell in _CELLS]
                for record in self.records
            ]
            tn, fp, fn, tp = np.transpose(cells)
            order = [tn + fp, tp + fn]
            return np.column_stack(order if self.positive else order[::-1])
        part = "validation" if prefix else "measured"
        return np.array([r.data["class_counts"][part] for r in self.records], float)

    def _at_prior(self, prefix: str, curves: Mapping[str, np.ndarray]) -> np.ndarray:
        prior = _means([record.data["priors"]["train"] for record in self.records])
        terms = [
            share * curves[f"{prefix}loss_class_{number}"]
            for number, share in enumerate(prior)
            if share > 0
        ]
        return np.asarray(np.sum(terms, axis=0))

    def _of_cells(
        self, prefix: str, curves: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        cells = np.stack([curves[prefix + cell] for cell in _CELLS], axis=1)
        epochs = [ConfusionCounts(matrix) for matrix in _whole(cells.reshape(-1, 2, 2))]
        return {
            prefix + name: np.array([getattr(counts, name) for counts in epochs])
            for name in _OF_CELLS
        }


def _whole(matrices: np.ndarray) -> list[np.ndarray]:
    """Matrices, as integers if they are, so that what is made of them is exact."""
    rounded = np.rint(matrices)
    is_whole = np.isclose(matrices, rounded, atol=1e-6).all(axis=(1, 2))
    return [
        near.astype(int) if whole else cells
        for cells, near, whole in zip(matrices, rounded, is_whole, strict=True)
    ]


# ------------------------------------------------------------------------- the outcome


def _outcome(
    records: Sequence[TrainingRecord],
    seeds: Sequence[int],
    history: Mapping[str, Sequence[float]],
    data: Mapping[str, Any],
    bag: OutOfBag | None,
    is_weighted: bool,
) -> dict[str, Any]:
    parts = [record.outcome for record in records]
    reasons = {part["stop_reason"] for part in parts}
    outcome: dict[str, Any] = {
        **parts[0],
        "best_epoch": None,
        "kept_epoch": None,
        "calibration": None,  # each member has its own
        "stop_reason": next((r for r in _REASONS if r in reasons), "epochs"),
        "seconds": float(sum(part["seconds"] for part in parts)),
        "metrics": _metrics(records, history, data, bag, is_weighted),
        "members": [_own_part(*pair) for pair in zip(records, seeds, strict=False)],
    }
    if bag is not None:
        positive = records[0].positive
        scores = bag.scores if positive is None else bag.scores[:, positive]
        outcome["validation_truth"] = bag.truth.tolist()
        outcome["validation_scores"] = scores.tolist()
    gap = _gap(records, bag)
    return outcome | ({} if gap is None else {"loss_gap": gap})


def _own_part(record: TrainingRecord, seed: int) -> dict[str, Any]:
    """Choose what the record of all keeps of a member."""
    names = ("best_epoch", "kept_epoch", "stop_reason", "seconds", "calibration")
    return {
        **{name: record.outcome.get(name) for name in names},
        "random_state": seed,
        "class_counts": record.data["class_counts"],
        "history": {n: record.history[n] for n in _OWN if n in record.history},
    }


def _metrics(
    records: Sequence[TrainingRecord],
    history: Mapping[str, Sequence[float]],
    data: Mapping[str, Any],
    bag: OutOfBag | None,
    is_weighted: bool,
) -> dict[str, Any]:
    """Metrics of the splits at the weights that were kept."""
    every = [record.outcome["metrics"] for record in records]
    positive = records[0].positive
    is_crossentropy = "crossentropy" not in history  # which only other losses have
    confusion = None
    if positive is None:
        confusion = _means([part["original"]["confusion"] for part in every])
    counts = data["class_counts"]
    found = {
        "original": recorded_metrics(
            history,
            "",
            -1,
            counts["measured"],
            is_crossentropy=is_crossentropy,
            confusion=confusion,
            positive=positive,
        )
    }
    if bag is not None:
        exact = {} if is_weighted else _exact(bag, positive, is_crossentropy)
        found["val"] = recorded_metrics(
            {**history, **exact},
            "val_",
            -1,
            counts["validation"],
            is_crossentropy=is_crossentropy,
            truth=bag.truth,
            scores=bag.scores if positive is None else bag.scores[:, positive],
            positive=positive,
        )
    told = {name: as_plain(part.to_dict()) for name, part in found.items()}
    return {"train": {"counts": counts["trained"]}, **told}


def _exact(
    bag: OutOfBag, positive: int | None, is_crossentropy: bool
) -> dict[str, list[float]]:
    """Metrics of the out-of-bag predictions themselves, as curves of one epoch."""
    found = epoch_metrics(
        bag.truth,
        bag.scores,
        clipped_crossentropy(bag.scores, bag.truth),
        bag.scores.shape[1],
        positive=1 if positive is None else positive,
    )
    if not is_crossentropy:
        found = {k: v for k, v in found.items() if not k.startswith("loss")} | {
            "crossentropy": found["loss"]
        }
    return {f"val_{name}": [value] for name, value in found.items()}


def _gap(
    records: Sequence[TrainingRecord], bag: OutOfBag | None
) -> dict[str, Any] | None:
    """Mean of the gaps of the members, or why there is none."""
    told = [record.outcome.get("loss_gap") for record in records]
    if bag is None or not any(told):
        return None
    gaps = [gap_of_record(record) for record in records]
    known = [gap for gap in gaps if gap is not None]
    if len(known) < len(gaps):
        lacking = next((part for part in told if part and "parts" not in part), None)
        return lacking or {"not_measured": "a member was not trained for one epoch"}
    sizes = [len(record.outcome["validation_truth"]) for record in records]
    shares = [size / sum(sizes) for size in sizes]
    return mean_gap(known, shares, bag.turns).to_dict()
