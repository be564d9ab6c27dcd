"""What is wrong with a training: rules read a case and make a diagnosis."""

from skloss.diagnosis import rules  # noqa: F401 - registers every rule
from skloss.diagnosis.case import (
    Case,
    Layer,
    Part,
    Probe,
    RowFacts,
    SearchFacts,
    Training,
)
from skloss.diagnosis.diagnosis import Diagnosis, examine
from skloss.diagnosis.finding import Finding, Measure
from skloss.diagnosis.records import case_of, record_of
from skloss.diagnosis.rule import RULES, NotApplicable, Rule

__all__ = [
    "RULES",
    "Case",
    "Diagnosis",
    "Finding",
    "Layer",
    "Measure",
    "NotApplicable",
    "Part",
    "Probe",
    "RowFacts",
    "Rule",
    "SearchFacts",
    "Training",
    "case_of",
    "examine",
    "record_of",
]
