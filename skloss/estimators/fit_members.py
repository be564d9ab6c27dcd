"""Fit several networks of one shape: members with seeds and hold-outs of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sklearn.utils import check_random_state

from skloss.estimators.all_or_nothing import OF_CALLBACKS
from skloss.estimators.callback_tasks import MemberTasks
from skloss.estimators.fit_job import Fitted
from skloss.estimators.fit_rows import MemberRows
from skloss.estimators.members_record import members_record
from skloss.estimators.network_fit import NetworkFit, fit_in_step
from skloss.networks import NetworkSpec
from skloss.record import TrainingRecord

if TYPE_CHECKING:
    from skloss.estimators.base import BaseNeuralClassifier

__all__ = ["FittedMembers", "fit_members", "member_of"]

Estimator = TypeVar("Estimator")


@dataclass(frozen=True)
class FittedMembers:
    """Several trained networks, and the record of all.

    ``seeds`` are the ``random_state`` of each.
    """

    members: tuple[Fitted, ...]
    seeds: tuple[int, ...]
    record: TrainingRecord

    @property
    def network(self) -> NetworkSpec | None:
        """The network, the same of all members."""
        return self.members[0].network

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights in Keras' order, each array with the members as its first axis."""
        every = (member.weights for member in self.members)
        return [np.stack(arrays) for arrays in zip(*every, strict=True)]

    def probabilities(self, X: Any) -> np.ndarray:
        """Mean probabilities ``(n, n_classes)`` of validated rows."""
        total = sum(member.probabilities(X) for member in self.members)
        return np.asarray(total / len(self.members))


def fit_members(
    estimator: "BaseNeuralClassifier",
    given: Sequence[MemberRows],
    earlier: Sequence[Fitted],
    is_partial: bool,
) -> FittedMembers:
    """Train the members, in step where that is faster, or one after the other.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Its parameters and its ``classes_`` are read, nothing is set.
    given : sequence of MemberRows
        Rows of each member, or one entry for all of them.
    earlier : sequence of Fitted
        Members to go on from; those that are missing begin anew.
    is_partial : bool
        Whether the fit is one more epoch.
    """
    n_members = int(estimator.n_members)
    random = check_random_state(estimator.random_state)
    seeds = random.randint(2**31 - 1, size=n_members).tolist()
    if len(given) == 1:
        given = [given[0]] * n_members
    tasks = None
    if hasattr(estimator, "_skl_callbacks"):
        labels = estimator.classes_[given[0].y]
        tasks = MemberTasks(
            estimator, n_members, estimator._as_given(given[0].X), labels
        )

    def prepared(number: int, alike: NetworkSpec | None = None) -> NetworkFit:
        before = earlier[number] if number < len(earlier) else None
        return member_of(estimator, seeds[number])._network_fit(
            given[number], before, is_partial, number, tasks, alike
        )

    ready = [prepared(0)]
    alike = ready[0].spec
    if ready[0].can_go_in_step:
        ready += [prepared(number, alike) for number in range(1, n_members)]
        members = fit_in_step(ready)
    else:
        # One is prepared when the one before is done: each may copy its rows.
        members = [ready.pop().run()]
        while len(members) < n_members and not _is_interrupted(members):
            members.append(prepared(len(members), alike).run())
    record = members_record(
        estimator,
        [member.record for member in members],
        seeds,
        is_weighted=any(rows.is_weighted for rows in given),
    )
    fitted = FittedMembers(tuple(members), tuple(seeds[: len(members)]), record)
    if tasks is not None:
        tasks.end(_fitted=fitted)
    return fitted


def _is_interrupted(members: Sequence[Fitted]) -> bool:
    """Whether Ctrl-C has ended the last one; those so far are a whole classifier."""
    return members[-1].result.stop_reason == "interrupted"


def member_of(
    estimator: Estimator, random_state: Any, fitted: Fitted | None = None
) -> Estimator:
    """Return a classifier of one network, with parameters and classes of another one.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Classifier of several members.
    random_state : int, RandomState or None
        Of the member.
    fitted : Fitted, optional
        What it has learned.
    """
    member = object.__new__(type(estimator))
    left_out = (*OF_CALLBACKS, "_fitted")
    kept = {k: v for k, v in vars(estimator).items() if k not in left_out}
    learned = {} if fitted is None else {"_fitted": fitted}
    own = {"n_members": 1, "random_state": random_state, **learned}
    vars(member).update(kept | own)
    return member
