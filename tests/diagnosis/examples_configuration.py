"""Sick and healthy examples of the rules of one family."""

from skloss.diagnosis import Case

SICK: dict[str, list[Case]] = {}
HEALTHY: dict[str, list[Case]] = {}
