"""The diagnosis: rules read a case, and name the faults of a training."""

from skloss.diagnosis import rules  # noqa: F401 - fills RULES
from skloss.diagnosis.case import Case, PenaltyFacts, Probe, RowFacts, SearchFacts
from skloss.diagnosis.diagnosis import Diagnosis, examine
from skloss.diagnosis.finding import Finding, Measure
from skloss.diagnosis.next_steps import NextStep, next_steps
from skloss.diagnosis.record_cases import case_from_record, record_from_case
from skloss.diagnosis.rule import RULES, NotApplicable, Rule
from skloss.record.loss_gap import GapPart, LossGap

__all__ = [
    "RULES",
    "Case",
    "Diagnosis",
    "Finding",
    "GapPart",
    "LossGap",
    "Measure",
    "NextStep",
    "NotApplicable",
    "PenaltyFacts",
    "Probe",
    "RowFacts",
    "Rule",
    "SearchFacts",
    "case_from_record",
    "examine",
    "next_steps",
    "record_from_case",
]
