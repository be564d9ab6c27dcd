"""Reports: one self-contained HTML page about a training, with the verdict first."""

from skloss.reports.report_page import Report, report

__all__ = ["Report", "report"]
