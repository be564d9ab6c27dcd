"""``MLflowLogger``: fits and searches as runs of MLflow."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from skloss.diagnosis import Diagnosis
from skloss.estimators.epoch_logger import values_of_epoch
from skloss.exceptions import DiagnosisError
from skloss.readers import diagnose
from skloss.record.find import find_record
from skloss.reports import report

__all__ = ["MLflowLogger"]

_FIT = "skloss.fit"  # tag of a run that a fit was logged into
_SEARCH = "skloss.search"  # tag of the run of a fit of a search: the search's run
_MOST_AT_ONCE = 100  # parameters that MLflow takes in one message
_LONGEST = 6_000  # characters of a parameter
_SECONDS = 1.0  # between two messages, since one may take longer than an epoch


class MLflowLogger:
    """Log fits and searches as runs of MLflow, while they run.

    It is a callback of scikit-learn (1.9 or newer). Set it on what you call ``fit`` of:
    a classifier, a :class:`skloss.Pipeline` or a search. A run gets

    - the parameters, of all steps of a pipeline;
    - the curves as metrics, epoch by epoch, with the names of ``history_``. Of several
      members each name says which;
    - a tag ``finding.NAME`` with its severity for each finding of the diagnosis, and
      the files ``diagnosis.txt``, ``report.html`` and ``record.json``.

    Each fit of a search is a child of the run of the search, with parameters, curves
    and findings, in worker processes, too. The run of the search gets ``best_score``
    and ``cv_results.csv``.

    Notes
    -----
    A fit is logged into the active run. If there is none, or if another fit was logged
    into it, it starts a run of its own, which is then a child of the active one, and
    ends it. Metrics are sent once a second at most.

    Needs ``pip install "skloss[mlflow]"``. The tracking store is the one that MLflow
    was told: ``mlflow.set_tracking_uri``.

    See Also
    --------
    skloss.estimators.EpochLogger : Writes the curves to a table or for TensorBoard.

    Examples
    --------
    .. code-block:: python

        mlflow.set_tracking_uri("sqlite:///runs.db")
        classifier = DenseClassifier().set_callbacks(MLflowLogger())
        with mlflow.start_run():
            classifier.fit(X, y)
    """

    # scikit-learn hands the callback on to all estimators below, in workers too.
    max_propagation_depth: ClassVar[None] = None

    def __init__(self) -> None:
        self._roots: dict[UUID, _Run] = {}
        self._children: dict[int, tuple[Any, _Run]] = {}

    def __getstate__(self) -> dict[str, Any]:
        # In another process the numbers stand for other tasks.
        return {**self.__dict__, "_children": {}}

    def setup(self, estimator: Any, context: Any) -> None:
        """Before a fit: take the active run, or start one."""
        self._roots[context.root_uuid] = _begin(type(estimator).__name__)

    def teardown(self, estimator: Any, context: Any) -> None:
        """After a fit: log what it came to, and end the run that it has started."""
        run = self._roots.pop(context.root_uuid, None)
        if run is None:
            return
        try:
            if run.rows is not None:
                _log_results(run, estimator, *run.rows)
        finally:
            run.flush()
            run.end_children()
            if run.is_own:
                import mlflow

                mlflow.end_run("FAILED" if run.rows is None else "FINISHED")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Before a task: log the parameters of a fit."""
        if context.task_name != "fit" or _is_step(context):
            return
        run = self._roots[_root(context).root_uuid]
        if context.parent is not None:
            run = run.child(_name_of(context))
            # Kept as well, so that no later task has its id.
            self._children[id(context)] = context, run
        run.log_params(estimator)

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any = None,
        y: Any = None,
        fitted_estimator: Any = None,
    ) -> None:
        """After a task: log the values of an epoch, or what a fit of a search found."""
        found = values_of_epoch(context, fitted_estimator)
        if found is not None:
            prefix = "" if found.member is None else f"member_{found.member}_"
            values = {prefix + name: value for name, value in found.values.items()}
            self._run_of(context).log_metrics(values, found.epoch)
        elif context.parent is None:
            self._roots[context.root_uuid].rows = (X, y)
        elif id(context) in self._children:
            _, run = self._children.pop(id(context))
            _log_findings(run, fitted_estimator)
            run.end()

    def _run_of(self, context: Any) -> "_Run":
        for task in _upwards(context):
            if id(task) in self._children:
                return self._children[id(task)][1]
        return self._roots[task.root_uuid]


@dataclass(eq=False)
class _Run:
    """A run of MLflow that values are written to, in any process."""

    run_id: str
    uri: str
    is_own: bool = False
    rows: tuple[Any, Any] | None = None  # of a fit that has come to its end
    waiting: list[Any] = field(default_factory=list)
    sent: float = 0.0

    @property
    def client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def child(self, name: str) -> "_Run":
        client = self.client
        experiment = client.get_run(self.run_id).info.experiment_id
        tags = {
            "mlflow.parentRunId": self.run_id,
            _FIT: name,
            _SEARCH: self.run_id,
        }
        made = client.create_run(experiment, tags=tags, run_name=name)
        return _Run(made.info.run_id, self.uri)

    def log_params(self, estimator: Any) -> None:
        from mlflow.entities import Param

        params = [
            Param(name, str(value)[:_LONGEST])
            for name, value in sorted(estimator.get_params().items())
            if name != "steps" and not hasattr(value, "get_params")
        ]
        client = self.client
        for start in range(0, len(params), _MOST_AT_ONCE):
            client.log_batch(self.run_id, params=params[start : start + _MOST_AT_ONCE])

    def log_metrics(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = time.time()
        self.waiting += [Metric(k, v, int(now * 1e3), step) for k, v in values.items()]
        if now - self.sent > _SECONDS:
            self.flush()

    def flush(self) -> None:
        most = 1_000  # metrics that MLflow takes in one message
        client, waiting = self.client, self.waiting
        self.waiting, self.sent = [], time.time()
        for start in range(0, len(waiting), most):
            client.log_batch(self.run_id, metrics=waiting[start : start + most])

    def end(self) -> None:
        self.flush()
        self.client.set_terminated(self.run_id)

    def end_children(self) -> None:
        """End the runs of fits that raised, of which no process is told."""
        client = self.client
        experiment = client.get_run(self.run_id).info.experiment_id
        left = f"tags.`{_SEARCH}` = '{self.run_id}' and attributes.status = 'RUNNING'"
        while found := client.search_runs([experiment], left):
            for child in found:
                client.set_terminated(child.info.run_id, "FAILED")

    def __getstate__(self) -> dict[str, Any]:
        # Workers write to runs of their own below it, and need no rows.
        return {**self.__dict__, "rows": None, "waiting": []}


def _begin(name: str) -> _Run:
    try:
        import mlflow
    except ImportError as err:
        raise ImportError(
            'MLflowLogger needs MLflow: python -m pip install "skloss[mlflow]".'
        ) from err
    uri = mlflow.get_tracking_uri()
    active = mlflow.active_run()
    client = mlflow.MlflowClient(tracking_uri=uri)
    is_taken = active is not None and (
        _FIT in client.get_run(active.info.run_id).data.tags
    )
    is_own = active is None or is_taken
    if is_own:
        active = mlflow.start_run(nested=is_taken, run_name=name)
    client.set_tag(active.info.run_id, _FIT, name)
    return _Run(active.info.run_id, uri, is_own)


def _log_results(run: _Run, estimator: Any, X: Any, y: Any) -> None:
    """Log the findings and the page, and what a search has found."""
    client = run.client
    if hasattr(estimator, "cv_results_"):
        import pandas as pd

        table = pd.DataFrame(estimator.cv_results_).to_csv(index=False)
        client.log_text(run.run_id, table, "cv_results.csv")
        if hasattr(estimator, "best_score_"):
            run.log_metrics({"best_score": float(estimator.best_score_)}, 0)
    try:
        page = report(estimator, X, y)
    except (DiagnosisError, ValueError) as error:
        client.log_text(run.run_id, str(error), "no_report.txt")
        return
    _log_diagnosis(run, page.diagnosis)
    client.log_text(run.run_id, page.html, "report.html")
    client.log_dict(run.run_id, find_record(estimator).to_dict(), "record.json")


def _log_findings(run: _Run, estimator: Any) -> None:
    """Log what the record alone tells: a search should not wait for more."""
    try:
        _log_diagnosis(run, diagnose(estimator))
    except (DiagnosisError, ValueError) as error:
        run.client.log_text(run.run_id, str(error), "no_report.txt")


def _log_diagnosis(run: _Run, diagnosis: Diagnosis) -> None:
    client = run.client
    for finding in diagnosis.findings:
        client.set_tag(run.run_id, f"finding.{finding.name}", finding.severity)
    client.log_text(run.run_id, str(diagnosis), "diagnosis.txt")


def _upwards(context: Any) -> Iterator[Any]:
    while context is not None:
        yield context
        context = context.parent


def _root(context: Any) -> Any:
    *_, root = _upwards(context)
    return root


def _is_step(context: Any) -> bool:
    """Whether it is the fit of a step of a pipeline, which has one run for all."""
    return (context.source_task_name or "").startswith("fit-")


def _name_of(context: Any) -> str:
    """Name a fit of a search: a refit, or its number among candidates and folds."""
    if "refit" in (context.source_task_name or ""):
        return "refit"
    return f"fit {context.task_id}"
