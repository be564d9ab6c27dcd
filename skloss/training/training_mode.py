"""The loss at fixed weights as training sees it: penalties, dropout, batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from skloss.networks.layers import Augment
from skloss.networks.numpy_forward import forward_in_training
from skloss.networks.spec import NetworkSpec
from skloss.record.gap_measurement import TrainingMode
from skloss.training.augmentation import Augmentation
from skloss.training.evaluation import Rows

__all__ = ["excess_of_batches", "random_batches", "spec_training_mode"]

_MOST_ROWS = 1024
_FEWEST_ROWS = 64
_MOST_BATCHES = 16
_MOST_WORK = 2 * 10**8  # multiplications


def spec_training_mode(
    spec: NetworkSpec,
    weights: Sequence[np.ndarray],
    rows: Rows,
    usual: np.ndarray,
    losses: Callable[[np.ndarray, np.ndarray], np.ndarray],
    batch_size: int,
    seed: int,
    augment: Augmentation | None = None,
) -> TrainingMode:
    """Measure a network of the compiled engine on some random rows.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : sequence of ndarray
        Its weights.
    rows : Rows
        Rows trained on, with their weights in the loss.
    usual : ndarray of shape (n,)
        Their losses in inference mode, without weights.
    losses : callable
        Losses of class numbers and logits.
    batch_size, seed : int
        Of the training.
    augment : Augmentation, optional
        What changes the rows in training.
    """
    penalty = _kernel_penalty(spec, weights)
    causes = (*_causes(spec), *(("augmentation",) if augment else ()))
    if not causes and not spec.activity_l2:
        return TrainingMode(penalty)
    rng = np.random.default_rng((seed, 7))
    in_batches = spec.uses_batches
    positions = list(
        random_batches(
            len(rows), batch_size, spec.n_multiplications, rng, in_batches=in_batches
        )
    )
    found = []
    for chosen in positions:
        X = rows.values(chosen)
        if augment is not None:
            augment.apply(X, rng.random((len(X), augment.n_draws), np.float32))
        X = X.reshape(-1, *spec.input_shape)
        found.append(forward_in_training(spec, weights, X, rng))
    size = len(positions[0])
    activities = [spec.activity_l2 * activity / size for _, activity in found]
    penalty += float(np.mean(activities))
    if not causes:
        return TrainingMode(penalty)
    at = np.concatenate(positions)
    # All at once, since a call costs more than the losses of a batch.
    logits = np.concatenate([logits for logits, _ in found])
    change = losses(rows.y[at], logits) - usual[at]
    if rows.sample_weight is not None:
        change = change * rows.sample_weight[at]
    batches = change.reshape(len(positions), size)
    excess, error = excess_of_batches(batches, in_batches=in_batches)
    return TrainingMode(penalty, excess, error, causes)


def random_batches(
    n_rows: int,
    batch_size: int,
    n_multiplications: int,
    rng: np.random.Generator,
    *,
    in_batches: bool,
    most_batches: int = _MOST_BATCHES,
) -> Iterator[np.ndarray]:
    """Positions of random rows, batch by batch; few rows come several times.

    A batch whose statistics count has the size of those that were trained on; for
    dropout alone one large batch is the quickest.
    """
    affordable = max(_FEWEST_ROWS, _MOST_WORK // max(n_multiplications, 1))
    most = min(_MOST_ROWS, affordable)
    size = min(batch_size if in_batches else most, n_rows)
    n_batches = min(max(1, most // size), most_batches)
    order = np.empty(0, np.intp)
    for _ in range(n_batches):
        if len(order) < size:
            order = rng.permutation(n_rows)
        yield order[:size]
        order = order[size:]


def excess_of_batches(
    batches: Iterable[np.ndarray], *, in_batches: bool
) -> tuple[float, float]:
    """Mean of what training mode adds to the rows' losses, and its standard error.

    Rows of one batch share its statistics, so that batches are drawn, not rows.
    """
    batches = list(batches)
    rows = np.concatenate(batches)
    drawn = np.array([b.mean() for b in batches]) if in_batches else rows
    drawn = rows if len(drawn) < 2 else drawn
    error = drawn.std(ddof=1) / np.sqrt(len(drawn)) if len(drawn) > 1 else 0.0
    return float(rows.mean()), float(error)


def _causes(spec: NetworkSpec) -> tuple[str, ...]:
    """Say which layers do something else in training than in inference."""
    changes = any(isinstance(part, Augment) for part in spec.parts())
    causes = ("augmentation",) * changes + ("dropout",) * any(spec.dropout_rates)
    return causes + ("batch statistics",) * spec.uses_batches


def _kernel_penalty(spec: NetworkSpec, weights: Sequence[np.ndarray]) -> float:
    """Compute the penalties of the kernels, ``l1 sum |k| + l2 sum k ** 2``."""
    if not (spec.l1 or spec.l2):
        return 0.0
    roles = zip(weights, spec.weight_shapes(), strict=True)
    kernels = [np.float64(w).ravel() for w, shape in roles if shape.role == "kernel"]
    flat = np.concatenate(kernels)
    return float(spec.l1 * np.abs(flat).sum() + spec.l2 * (flat @ flat))
