"""
Comparisons and sweeps as single HTML files, made to be read by an analyst and a manager.
"""

from identity.simulate.reports.comparison import report
from identity.simulate.reports.sweep import sweep_report

__all__ = ["report", "sweep_report"]
