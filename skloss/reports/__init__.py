"""The report: one self-contained page about a training, the answer first."""

from skloss.reports.report_page import Report, report

__all__ = ["Report", "report"]
