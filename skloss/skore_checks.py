"""The rules of the diagnosis as checks of skore, which shows them in its reports.

skore is not imported before one of its reports runs a check.
"""

from typing import Any, Literal
from weakref import WeakKeyDictionary

from skloss.diagnosis import RULES, Diagnosis, Finding, Rule
from skloss.exceptions import DiagnosisError
from skloss.readers import diagnose

__all__ = ["SkoreCheck", "skore_checks"]


def skore_checks() -> "list[SkoreCheck]":
    """Return one check of skore for each rule, for ``report.checks.add``.

    They take an ``EstimatorReport`` and a ``CrossValidationReport`` about anything that
    `diagnose` reads. One diagnosis serves all checks of a report. Where skore has the
    training rows, the rules about rows are assessed, too. Of a cross-validation the
    fold with the median MCC is diagnosed.

    Returns
    -------
    list of SkoreCheck
        Their codes are those of the rules, such as "D11", which skore's ``ignore``
        takes. Warnings and errors are its issues. What is worth a remark is a tip.

    See Also
    --------
    skloss.diagnose : The same findings, causes first, with evidence.

    Examples
    --------
    >>> from skloss.skore_checks import skore_checks
    >>> checks = skore_checks()
    >>> checks[0].code, checks[0].title
    ('D01', 'The inputs contain values that are NaN or infinite')

    .. code-block:: python

        report = skore.evaluate(DenseClassifier(), X, y, splitter=0.2)
        report.checks.add(skore_checks())
        report.checks.summarize()
    """
    told: WeakKeyDictionary[Any, Diagnosis | str] = WeakKeyDictionary()
    return [SkoreCheck(rule, told) for rule in RULES.values()]


class SkoreCheck:
    """One rule, as skore's ``Check`` protocol wants it.

    Parameters
    ----------
    rule : Rule
        The rule.
    told : weak mapping of report to Diagnosis or str
        Diagnoses, or why there is none; shared by all checks of a list.

    Attributes
    ----------
    code : str
        The code of the rule.
    title : str
        What it claims.
    severity : {"issue", "tip"}
        "tip" for rules that are worth a remark only.
    slow : bool
        True: small learners are trained to compare with, where there are rows.
    """

    report_types: list[str]
    docs_url: str | None = None
    slow = True

    def __init__(
        self, rule: Rule, told: "WeakKeyDictionary[Any, Diagnosis | str]"
    ) -> None:
        self.report_types = ["estimator", "cross-validation"]
        self.code = rule.code
        self.title = rule.claim().rstrip(".")
        self.severity: Literal["issue", "tip"] = (
            "tip" if rule.severity == "info" else "issue"
        )
        self._name, self._told = rule.name, told

    def check_function(self, report: Any) -> str | None:
        """Return what the rule finds, or None.

        Parameters
        ----------
        report : skore.EstimatorReport or skore.CrossValidationReport
            The report.

        Raises
        ------
        skore.CheckNotApplicable
            If the rule cannot be assessed, or the estimator cannot be diagnosed.
        """
        from skore import CheckNotApplicable

        if report not in self._told:
            self._told[report] = _diagnosis(report)
        told = self._told[report]
        if isinstance(told, str):
            raise CheckNotApplicable(told)
        if self._name in told.not_assessed:
            raise CheckNotApplicable(told.not_assessed[self._name])
        found = told.find(self._name)
        # skore has no remarks: one of a rule for faults would count as an issue.
        if found is None or not (found.is_alarm or self.severity == "tip"):
            return None
        return _explanation(found, told)


def _diagnosis(report: Any) -> Diagnosis | str:
    """Diagnose what a report is about; a text says why that cannot be done."""
    try:
        if hasattr(report, "reports_"):
            return diagnose(_cross_validation(report))
        return diagnose(report.estimator_, report.X_train, report.y_train)
    except (DiagnosisError, ValueError) as error:
        return str(error)


def _cross_validation(report: Any) -> dict[str, list[Any]]:
    """Write the folds as scikit-learn's ``cross_validate`` does."""
    from sklearn.metrics import matthews_corrcoef

    folds = report.reports_
    scores = [
        matthews_corrcoef(fold.y_test, fold.estimator_.predict(fold.X_test))
        for fold in folds
    ]
    return {
        "estimator": [fold.estimator_ for fold in folds],
        "test_matthews_corrcoef": scores,
    }


def _explanation(found: Finding, diagnosis: Diagnosis) -> str:
    cause = next((f for f in diagnosis.findings if found in f.explains), None)
    parts = [found.title, found.fix]
    if cause is not None:
        parts = [found.title, f"{cause.name} ({cause.code}) explains it."]
    return " ".join(filter(None, parts))
